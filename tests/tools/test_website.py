"""A website is built whole or not at all, without a network, from a course of one lesson and one exercise."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from tests.support import ROOT
from tools.site import website

ROOMS = re.findall(
    r"^([\w/]+)/index$", (ROOT / "docs/site/rerank_course/index.md").read_text(encoding="utf-8"), re.MULTILINE
)
WIDGET = "application/vnd.jupyter.widget-view+json"


OUTLINE = """
[[lesson]]
name = "one"
title = "One"
minutes = 5
shows = "one thing"

[lesson.exercise]
name = "two"
title = "Two"
minutes = 5
"""


REFUSE = """
import pathlib, socket
here = pathlib.Path(__file__).parent
def refuse(*arguments): (here / "refused").touch(); raise OSError("no network")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
(here / "started").open("a").write("x")
"""


@pytest.fixture
def small_course(tmp_path):
    """A course of one lesson and one exercise, with a module in each room, and with the real settings."""
    root = tmp_path / "course"
    shutil.copytree(ROOT / "docs" / "site", root / "docs" / "site")
    start = "[Lesson](notebooks/00_one.ipynb), [licence](LICENSE)"
    texts = {
        "README.md": f"# A course\n\nOf one lesson.\n\n## Start\n\n{start}\n",
        "LICENSE": "MIT\n",
        "docs/teaching.md": "# Teaching\n",
        "docs/benchmarks.md": "# Benchmarks\n",
        "CONTRIBUTING.md": "# Changing\n",
        "rerank_course/text.py": '"""A module."""\n',
        "rerank_course/mixing.py": '"""Another, to which a page of docs/site leads."""\n',
        "rerank_course/lab/occlusion.py": '"""And one more."""\n',
        "rerank_course/checks/two.py": '"""A check, which knows the answer."""\n',
        "rerank_course/texts/data/handbook/README.md": "# Data card\n",
        "lessons/course.toml": OUTLINE,
        "lessons/one.py": "",
        "lessons/exercises/two.py": "",
    }
    for room in (*ROOMS, "lab/explorers"):
        texts |= {f"rerank_course/{room}/{name}": "" for name in ("module.py", "__init__.py")}
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    write_notebook(root / "notebooks" / "00_one.ipynb", "# 00 · One\n\n[A module](../rerank_course/text.py).")
    for folder in ("exercises", "solutions"):
        write_notebook(root / folder / "ex00_two.ipynb", "# Exercise 00 · Two")
    return root


def write_notebook(path: Path, text: str, *outputs: dict) -> None:
    code = nbformat.v4.new_code_cell(
        "1 + 1", outputs=[nbformat.v4.new_output("display_data", data) for data in outputs]
    )
    path.parent.mkdir(exist_ok=True)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(text), code], metadata={"language_info": {"name": "python"}}
    )
    nbformat.write(notebook, path)


@pytest.mark.heavy
def test_a_good_build_replaces_the_older_site_and_a_broken_link_keeps_it(small_course, tmp_path):
    target = tmp_path / "_site"
    target.mkdir()
    (target / "gone_lesson.html").touch()
    pages_of_rooms = 2 * len(ROOMS) + 1  # a page for each, one for its module, and the explorers'
    assert website.build(target, small_course) == 15 + pages_of_rooms
    before = contents(target)
    assert "notebooks/00_one.html" in before and "gone_lesson.html" not in before and leftovers(target) == []
    assert not [path for path in before if path.startswith("rerank_course/checks")]
    write_notebook(small_course / "notebooks" / "00_one.ipynb", "# 00 · One\n\n[gone](01_gone.ipynb)")
    with pytest.raises(website.SiteError, match=r"notebooks/00_one\.ipynb:\d+: WARNING: .*01_gone\.ipynb"):
        website.build(target, small_course)
    assert contents(target) == before and leftovers(target) == []


def test_a_lesson_that_is_not_built_is_named(small_course, tmp_path):
    added = OUTLINE.replace('"one"', '"new"').partition("[lesson.exercise]")[0]
    (small_course / "lessons" / "course.toml").write_text(OUTLINE + added, encoding="utf-8")
    (small_course / "lessons" / "new.py").touch()
    (small_course / "solutions" / "ex00_two.ipynb").unlink()
    missing = r"notebooks/01_new\.ipynb, solutions/ex00_two\.ipynb: not built yet\. Run make build first"
    with pytest.raises(website.SiteError, match=missing):
        website.build(tmp_path / "_site", small_course)
    assert not (tmp_path / "_site").exists() and leftovers(tmp_path / "_site") == []


def test_a_notebook_that_the_outline_does_not_name_has_no_page(small_course, tmp_path):
    write_notebook(small_course / "notebooks" / "00_older.ipynb", "# 00 · Older, or a learner's own")
    website.gather(tmp_path / "source", small_course)
    assert [path.name for path in (tmp_path / "source" / "notebooks").iterdir()] == ["00_one.ipynb"]


@pytest.mark.heavy
def test_the_build_makes_no_connection_and_a_widget_shows_its_table(small_course, tmp_path):
    """Proxies that lead nowhere stop only those who ask for them.

    Here every connection of the build and of Sphinx fails.
    """
    output = {
        WIDGET: {"model_id": "1", "version_major": 2, "version_minor": 0},
        "text/html": "<b>a table</b>",
        "text/plain": "a table",
    }
    write_notebook(small_course / "notebooks" / "00_one.ipynb", "# 00 · One", output)
    refusing = tmp_path / "no_network"
    refusing.mkdir()
    (refusing / "sitecustomize.py").write_text(REFUSE, encoding="utf-8")
    code = (
        "import pathlib, sys; from tools.site import website\n"
        "website.build(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(refusing), str(ROOT)))}
    command = [sys.executable, "-c", code, str(tmp_path / "_site"), str(small_course)]
    subprocess.run(command, env=environment, check=True)
    page = (tmp_path / "_site" / "notebooks" / "00_one.html").read_text(encoding="utf-8")
    assert "<b>a table</b>" in page and "model_id" not in page and "https://" not in page
    assert not (refusing / "refused").exists()
    assert (refusing / "started").read_text(encoding="utf-8") == "xx"  # this Python and Sphinx's


@pytest.mark.heavy  # where nothing is in the model cache yet, the explorers' scores are looked for first
@pytest.mark.parametrize("inherited", [signal.SIG_DFL, signal.SIG_IGN], ids=["as a shell", "ignored"])
@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_a_build_that_is_cut_off_leaves_the_older_site(tmp_path, how, inherited):
    """Also in a job in the background, which is started with SIGINT ignored."""
    target = tmp_path / "_site"
    target.mkdir()
    (target / "index.html").write_text("the older site", encoding="utf-8")
    command = [sys.executable, "-m", "tools.site.website", str(target)]
    build = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, inherited),
    )
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("_site-*.part/site")):  # Sphinx has begun
        assert build.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(build.pid, getattr(signal, how))
    _, said = build.communicate(timeout=60)
    assert build.returncode != 0
    assert contents(target) == {"index.html": b"the older site"}
    if how == "SIGINT":
        assert said.strip() == "Stopped. What was there before is kept." and leftovers(target) == []


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def leftovers(target: Path) -> list[Path]:
    return list(target.parent.glob(f"{target.name}-*.part"))
