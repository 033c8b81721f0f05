"""What students get: unpacked, looked through, and worked in."""

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import nbformat
import pytest

from classroom import handout
from tests.support import ROOT
from tools.build.outline import read_outline


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("student's place")
    handout.write_handout(folder / "course.zip")
    with zipfile.ZipFile(folder / "course.zip") as archive:
        archive.extractall(folder)
    return folder / handout.FOLDER


def texts(folder):
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in (".npz", ".svg", ".png"):
            yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def hidden_texts():
    """Whatever is said in a hidden test and nowhere else in the course that students get."""
    for path in sorted((ROOT / "lessons" / "exercises").glob("*.py")):
        for part in re.findall(
            r"### BEGIN HIDDEN TESTS\n(.*?)### END", path.read_text(encoding="utf-8"), re.DOTALL
        ):
            for node in ast.walk(ast.parse(part)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) >= 12:
                    yield path.stem, node.value


def test_nothing_hidden_is_in_it(unpacked):
    names = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    for folder in ("solutions", "tests", "lessons", "classroom", "tools/grading", "tools/build", ".git"):
        assert not any(name.startswith(f"{folder}/") for name in names), folder
    assert not names & {"docs/teaching.md", "docs/rubrics.md", "docs/sandbox.md", "CHANGELOG.md"}
    everything = dict(texts(unpacked))
    hidden = list(hidden_texts())
    assert hidden, "there are hidden tests to look for"
    notebooks = "".join(text for name, text in everything.items() if name.startswith("exercises/"))
    for exercise, text in hidden:
        assert json.dumps(text)[1:-1] not in notebooks, (exercise, text)
    marks = re.compile(r"HIDDEN TESTS|(BEGIN|END) SOLUTION|[Rr]ubric|needs_a_teacher|tools\.grading")
    found = {
        name: sorted(set(marks.findall(text))) for name, text in everything.items() if marks.search(text)
    }
    assert found == {}


def test_no_exercise_holds_its_solution(unpacked):
    for exercise in read_outline(ROOT).exercises:
        given = (unpacked / "exercises" / exercise.file).read_text(encoding="utf-8")
        source = (ROOT / exercise.source).read_text(encoding="utf-8")
        blocks = re.findall(r"### BEGIN SOLUTION\n(.*?)### END", source, re.DOTALL)
        assert blocks
        for block in blocks:
            lines = [line.strip(" #") for line in block.splitlines() if len(line.strip(" #")) > 30]
            shown = [line for line in lines if json.dumps(line, ensure_ascii=False)[1:-1] in given]
            assert not lines or shown != lines, (exercise.name, shown)


def test_every_link_leads_to_a_file(unpacked):
    links = re.compile(r"\]\(((?!https?:|#|mailto:)[^)\s]+?)(?:#[^)\s]*)?(?:\s[^)]*)?\)")
    dead = []
    for name, text in texts(unpacked):
        if name.endswith((".md", ".ipynb")):
            parts = [text]
            if name.endswith(".ipynb"):
                cells = json.loads(text)["cells"]
                parts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
            for link in (link for part in parts for link in links.findall(part)):
                target = (unpacked / PurePosixPath(name).parent / link).resolve()
                if not target.exists():
                    dead.append((name, link))
    assert dead == []


def test_its_makefile_offers_what_is_there(unpacked):
    said = subprocess.run(["make", "help"], cwd=unpacked, capture_output=True, text=True, check=True).stdout
    offered = re.findall(r"make (\w+)", said)
    assert offered == ["help", "course", "setup", "scale", "finetune", "doctor", "clean"]
    for command in offered:
        plan = subprocess.run(
            ["make", "-n", command], cwd=unpacked, capture_output=True, text=True, check=True
        )
        for path in re.findall(r"(?<![\w/.-])((?:tools|notebooks|exercises)/[\w./]+)", plan.stdout):
            assert (unpacked / path).exists(), (command, path)
        for module in re.findall(r"-m (tools[\w.]+)", plan.stdout):
            found = subprocess.run(
                [sys.executable, "-c", f"import {module}"], cwd=unpacked, capture_output=True
            )
            assert found.returncode == 0, (command, found.stderr.decode())
    readme = (unpacked / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"make (\w+)", readme)) - {"on"} <= set(offered)


def test_the_same_course_gives_the_same_zip(tmp_path):
    for name in ("a.zip", "b.zip"):
        handout.write_handout(tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.fixture
def small(tmp_path):
    """A course of one lesson with one exercise."""
    files = {
        "lessons/course.toml": '[[lesson]]\nname="one"\ntitle="One"\nminutes=1\nshows="x"\n'
        '[lesson.exercise]\nname="two"\ntitle="Two"\nminutes=1\n',
        "lessons/one.py": "",
        "lessons/exercises/two.py": "",
        "notebooks/00_one.ipynb": '{"cells": []}',
        "exercises/ex00_two.ipynb": '{"cells": []}',
        "rerank_course/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_it_is_refused_where_something_hidden_would_get_out(small, tmp_path):
    target = tmp_path / "out.zip"
    assert handout.write_handout(target, small) == 5
    target.unlink()
    (small / "exercises/ex00_two.ipynb").write_text("### BEGIN HIDDEN TESTS", encoding="utf-8")
    with pytest.raises(handout.HandoutError, match="ex00_two.ipynb holds 'BEGIN HIDDEN TESTS'"):
        handout.write_handout(target, small)
    assert not target.exists()


def test_what_is_not_built_is_named(small, tmp_path):
    (small / "notebooks/00_one.ipynb").unlink()
    with pytest.raises(handout.HandoutError, match=r"notebooks/00_one.ipynb: not built yet. Run make build"):
        handout.write_handout(tmp_path / "out.zip", small)


WORK = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True).execute(cwd="exercises")
nbformat.write(notebook, sys.argv[1])
"""


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_an_exercise_is_worked_in_it(unpacked):
    """With a right answer written in, and with the package that was handed out."""
    exercise = read_outline(ROOT).exercise("score_pairs").file
    notebook = nbformat.read(unpacked / "exercises" / exercise, as_version=4)
    right = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in nbformat.read(ROOT / "solutions" / exercise, as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = right.get(name, cell.source)
    where = nbformat.v4.new_code_cell("import rerank_course\nprint('FROM', rerank_course.__file__)")
    notebook.cells.append(where)
    nbformat.write(notebook, unpacked / "exercises" / "worked.ipynb")
    paths = [str(unpacked), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "JUPYTER_PREFER_ENV_PATH": "1"}
    command = [sys.executable, "-c", WORK, "exercises/worked.ipynb"]
    run = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    worked = nbformat.read(unpacked / "exercises" / "worked.ipynb", as_version=4)
    outputs = [output for cell in worked.cells for output in cell.get("outputs", ())]
    errors = [f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"]
    assert errors == []
    said = json.dumps(outputs)
    assert said.count("Right") >= 6
    assert str(Path("FROM") / "x")[:4] in said and str(unpacked) in said
