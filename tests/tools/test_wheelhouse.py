"""The offline folder: what is asked of pip, that a failed download costs nothing, that no network is used."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.support import ROOT
from tools.setup import wheelhouse, why_not


def test_offline_asks_no_index():
    shown = subprocess.run(
        ["make", "-n", "setup", "OFFLINE=1", "PIP_ARGS=--quiet"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    assert "-m tools.setup.install .venv --quiet --no-index --find-links wheelhouse" in shown
    shown = subprocess.run(["make", "-n", "setup"], cwd=ROOT, capture_output=True, text=True).stdout
    assert "--no-index" not in shown


def test_offline_without_the_folder_says_how_to_make_it(tmp_path):
    run = subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), "setup", "OFFLINE=1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (
        run.returncode
        and "There is no folder wheelhouse here. Make it where there is a network, with make wheelhouse"
        in run.stderr
    )


def test_the_folder_holds_the_locks_what_installs_and_builds_the_course_and_the_course(tmp_path):
    lock, task, build, course = (
        command[command.index("--wheel-dir") + 2 :]
        for command in wheelhouse.pip_commands(tmp_path, ["--retries", "1"], ["scale"])
    )
    assert lock == ["--retries", "1", "-r", str(ROOT / "requirements.txt")]
    assert task[-1] == str(ROOT / "requirements/scale.txt")
    assert build[-2].startswith("setuptools") and build[-1].startswith("pip>=") and course[-1] == str(ROOT)


@pytest.mark.parametrize("fails", [False, True])
def test_the_old_folder_is_replaced_only_by_a_complete_one(monkeypatch, tmp_path, fails):
    program = (
        "import pathlib, sys; pathlib.Path(sys.argv[1], 'new-1-py3-none-any.whl').touch(); "
        "sys.exit(int(sys.argv[2]))"
    )
    monkeypatch.setattr(
        wheelhouse,
        "pip_commands",
        lambda folder, options, tasks: [[sys.executable, "-c", program, str(folder), str(int(fails))]],
    )
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    (folder / "old-1-py3-none-any.whl").touch()
    if fails:
        with pytest.raises(subprocess.CalledProcessError):
            wheelhouse.fill(folder, [])
    else:
        assert wheelhouse.fill(folder, []) == 1
    assert [path.name for path in tmp_path.rglob("*.whl")] == [
        f"{'old' if fails else 'new'}-1-py3-none-any.whl"
    ]
    assert list(tmp_path.iterdir()) == [folder]


# Where there is no network at all

NEEDED_AT_LEAST = ("filelock", "platformdirs", "lazy-loader", "packaging")  # to show one's progress


def in_an_empty_network(*command):
    """A command that runs without any network interface but a dead loopback; on Linux any user may do so."""
    return ["unshare", "--map-root-user", "--net", *map(str, command)]


def can_empty_the_network():
    return (
        bool(shutil.which("unshare"))
        and subprocess.run(in_an_empty_network("true"), capture_output=True).returncode == 0
    )


needs_namespaces = pytest.mark.skipif(
    not can_empty_the_network(), reason="this system makes no network namespaces for ordinary users"
)


def plain_environment(home):
    """Nothing that could lead pip or the course elsewhere."""
    dropped = ("PIP_", "RERANK_COURSE_", "JUPYTER_", "HF_", "XDG_", "MAKE", "VIRTUAL_ENV", "CONDA_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(dropped) and name not in why_not.PROXIES
    }
    return kept | {"HOME": str(home), "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0"}


def repack(name, folder):
    """An installed package of plain Python as the wheel that it came from."""
    package = metadata.distribution(name)
    stem = f"{name.replace('-', '_')}-{package.version}"
    files = [
        file
        for file in package.files
        if file.parts[0] != ".." and "__pycache__" not in file.parts and file.name != "RECORD"
    ]
    assert not [file for file in files if file.suffix in (".so", ".pyd")], f"{name} is not plain Python"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for file in files:
            wheel.write(file.locate(), file.as_posix())
        wheel.writestr(f"{stem}.dist-info/RECORD", "".join(f'"{file.as_posix()}",,\n' for file in files))


@pytest.fixture
def small_course(tmp_path):
    """The course in a folder of its own, with a lock of four packages, and their wheels and setuptools'."""
    course, wheels = tmp_path / "course", tmp_path / "wheels"
    shutil.copytree(
        ROOT / "rerank_course", course / "rerank_course", ignore=shutil.ignore_patterns("__pycache__", "data")
    )
    shutil.copytree(ROOT / "tools" / "setup", course / "tools" / "setup")
    for name in ("Makefile", "README.md", "LICENSE", "pyproject.toml", "tools/__init__.py"):
        shutil.copy(ROOT / name, course / name)
    wheels.mkdir()
    for name in (*NEEDED_AT_LEAST, "setuptools", "pip"):
        repack(name, wheels)
    lock = [f"{name}=={metadata.version(name)}\n" for name in NEEDED_AT_LEAST]
    (course / "requirements.txt").write_text("".join(lock), encoding="utf-8")
    return course, wheels


@pytest.mark.heavy
@needs_namespaces
def test_the_course_installs_and_starts_where_there_is_no_network(small_course, tmp_path):
    course, wheels = small_course
    environment = plain_environment(tmp_path)
    fill = [sys.executable, "-m", "tools.setup.wheelhouse", "wheelhouse", "--no-index", "--find-links"]
    fill.append(str(wheels))
    made = subprocess.run(fill, cwd=course, env=environment, capture_output=True, text=True)
    wheel_count = len(NEEDED_AT_LEAST) + 3  # setuptools', pip's and the course's own
    assert f"{wheel_count} wheels in wheelhouse" in made.stdout, made.stderr

    def inside(*command):
        return subprocess.run(
            in_an_empty_network(*command),
            cwd=course,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
        )

    outside = inside(sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 443), 5)")
    assert "Network is unreachable" in outside.stderr
    with_an_index = inside("make", "setup", f"PYTHON={sys.executable}")
    assert with_an_index.returncode and "No package index could be reached" in with_an_index.stderr
    offline = inside("make", "setup", f"PYTHON={sys.executable}", "OFFLINE=1")
    assert offline.returncode == 0, offline.stdout + offline.stderr
    started = inside(".venv/bin/python", "-m", "rerank_course", "progress")
    assert "Next: lesson 00" in started.stdout and started.returncode == 0, started.stderr


RUN_A_CELL = """
import nbformat
from nbclient import NotebookClient
from tools.grading import sandbox
sandbox._loopback_up()  # a kernel is talked to over it; nothing else is there
code = (
    "from rerank_course import load_reranker\\n"
    "print(len(load_reranker().predict([('a', 'b'), ('a', 'c')])))"
)
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
print(notebook.cells[0].outputs)
"""


@pytest.mark.heavy
@needs_namespaces
def test_the_models_and_a_notebook_run_where_there_is_no_network():
    environment = plain_environment(Path.home()) | {"RERANK_COURSE_PROGRESS": ""}
    environment |= {name: value for name, value in os.environ.items() if name == "RERANK_COURSE_CACHE"}
    for command, said in (
        (["-m", "rerank_course", "doctor"], "All checks are OK."),
        (["-c", RUN_A_CELL], "'2\\n'"),
    ):
        run = subprocess.run(
            in_an_empty_network(sys.executable, *command),
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=250,
        )
        assert run.returncode == 0 and said in run.stdout, run.stdout + run.stderr
