"""Write the tested locks from pyproject.toml: `make lock`, on the lowest supported Python.

All extras are resolved together, once. requirements.txt is what a learner needs; each file in requirements/
that is named here adds what one task needs, and repeats no pin. So no two of them can disagree.

What the locks hold stays as it is where it still fits; `make lock LOCK_ARGS=--upgrade` takes the newest of
everything.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEARNERS = ("lessons", "int8", "documents")  # the extras in requirements.txt, beside the plain dependencies
# What is installed when it is first used, and by what. The tests run all of it, so their lock holds all.
TASKS = {
    "scale": ("ray",),
    "finetune": ("finetune",),
    "grading": ("grading",),
    "build": ("build",),
    "site": ("site",),
    "hub": ("hub", "grading"),
    "tests": ("ray", "finetune", "grading", "build", "site", "hub", "parquet", "tests"),
}
MADE_BY = "Made by `make lock` from pyproject.toml; do not edit by hand.\n"
COMPILE = (
    "--quiet",
    "--strip-extras",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--annotation-style=line",
)
PIN = re.compile(r"^([\w.-]+)==([^\s+]+)(?:\+\S+)?(\s+# via (.*))?$")


def write_locks(options: list[str]) -> None:
    """Resolve everything and write every lock; nothing is written when that fails."""
    lines = compile_all(options)
    for path, lock in cut_into_locks(lines, _project()).items():
        (ROOT / path).write_text(lock, encoding="utf-8")


def lock_path(task: str) -> str:
    """Where a task's lock stands, seen from the course's folder."""
    return f"requirements/{task}.txt"


def cut_into_locks(lines: list[str], project: dict) -> dict[str, str]:
    """``{path: text}`` of every lock.

    Args:
        lines: all pins, with what asks for them: ``numpy==2.4.6  # via bm25s, onnx``. Build tags such as
            ``+cpu`` are left out, since other indexes lack them.
        project: pyproject.toml's table ``project``.
    """
    pins, asked_by = _read(lines)
    learners = _reached(_roots(project, LEARNERS), asked_by)
    title = "# The tested lock: everything that a learner installs. "
    locks = {"requirements.txt": title + MADE_BY + _text(pins, learners)}
    for task, extras in TASKS.items():
        more = _reached(_roots(project, extras), asked_by) - learners
        title = f"# The tested lock of {_words(extras)}, on top of a learner's. "
        locks[lock_path(task)] = f"{title}{MADE_BY}-r ../requirements.txt\n{_text(pins, more)}"
    return locks


def _words(extras: tuple[str, ...]) -> str:
    return f"the extra {extras[0]}" if len(extras) == 1 else f"the extras {', '.join(extras)}"


def _text(pins: dict[str, str], names: set[str]) -> str:
    return "".join(pins[name] + "\n" for name in sorted(names))


def _read(lines: list[str]) -> tuple[dict[str, str], dict[str, set[str]]]:
    """``{name: its line}`` and ``{name: names of those that ask for it}``."""
    pins, asked_by = {}, {}
    for line in lines:
        if found := PIN.match(line):
            name, version, _, via = found.groups()
            pins[_plain(name)] = f"{name}=={version}" + (f"  # via {via}" if via else "")
            asked_by[_plain(name)] = {_plain(word.strip()) for word in (via or "").split(",")}
    return pins, asked_by


def _roots(project: dict, extras: tuple[str, ...]) -> set[str]:
    """The names of what the course itself asks for."""
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    return {_plain(name.group()) for line in wanted if (name := re.match(r"[\w.-]+", line))}


def _reached(roots: set[str], asked_by: dict[str, set[str]]) -> set[str]:
    """The roots and all that they lead to."""
    reached = roots & asked_by.keys()
    while more := {name for name, askers in asked_by.items() if askers & reached} - reached:
        reached |= more
    return reached


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def compile_all(options: list[str]) -> list[str]:
    """What pip-compile makes of pyproject.toml with all extras, beginning with the pins that are there."""
    extras = sorted({extra for names in (LEARNERS, *TASKS.values()) for extra in names})
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "all.txt"
        out.write_text("".join(f"{pin}\n" for pin in _pins_now()), encoding="utf-8")
        command = [sys.executable, "-m", "piptools", "compile", *COMPILE, *options]
        command += [f"--extra={extra}" for extra in extras]
        subprocess.run([*command, f"--output-file={out}", "pyproject.toml"], cwd=ROOT, check=True)
        return out.read_text(encoding="utf-8").splitlines()


def _pins_now() -> list[str]:
    paths = [ROOT / "requirements.txt", *(ROOT / lock_path(task) for task in TASKS)]
    lines = [
        line for path in paths if path.exists() for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return sorted({line for line in lines if PIN.match(line)})


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


if __name__ == "__main__":
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "pip-tools>=7.5,<8"], check=True)
    write_locks(sys.argv[1:])
