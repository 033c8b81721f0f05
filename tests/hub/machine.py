"""A machine for the hub: this one, with accounts, home folders and a /srv of its own.

It is made of Linux's namespaces, which only root may do. What is written in it lies in a temporary folder, so
`useradd` in it leaves the system's accounts as they are; what was started in it ends with it.
"""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from traitlets.config import PyFileConfigLoader

from rerank_course.engine.cache import cache_folder
from tests.support import ROOT

HUB = ROOT / "classroom" / "hub"
PLACE = Path("/srv/reranking")
ASKED_FOR = "RERANK_COURSE_HUB_TEST"  # set by make hub-test: what it runs takes minutes
PROGRAMS = ("unshare", "nsenter", "prlimit", "runuser", "useradd", "git", "node")
NOT_COPIED = (
    ".venv*",
    ".git",
    ".*_cache",
    ".interop",
    "_site",
    "_slides",
    "__pycache__",
    "node_modules",
    "wheelhouse",
)
# Cells below the screen are drawn too: a test sees the whole notebook.
DRAW_ALL = {"windowingMode": "none", "scrollPastEnd": False}


def why_not() -> str:
    """Why no class can be tried here; "" if one can."""
    if not os.environ.get(ASKED_FOR):
        return "make hub-test runs it"
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can try a hub with accounts of its own"
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        return f"not installed: {', '.join(missing)}"
    if not all(map(importlib.util.find_spec, ("jupyterhub", "nbgitpuller", "jupyterhub_idle_culler"))):
        return "JupyterHub is not installed: python -m tools.setup.install .venv --with hub"
    if not (HUB / "node_modules").is_dir():
        return "the hub's proxy is not installed: npm ci --prefix classroom/hub"
    return ""


needs_a_hub = pytest.mark.skipif(bool(why_not()), reason=why_not())


def settings(place: Path = PLACE, file: Path = HUB / "jupyterhub_config.py"):
    """What a settings file says, read as JupyterHub and nbgrader read theirs."""
    before = os.environ.get("COURSE_HUB")
    os.environ["COURSE_HUB"] = str(place)
    try:
        return PyFileConfigLoader(file.name, str(file.parent)).load_config()
    finally:
        os.environ.pop("COURSE_HUB") if before is None else os.environ.update(COURSE_HUB=before)


@dataclass
class Machine:
    """Where ``folder`` holds its files, and the number by which its first process is known outside."""

    folder: Path
    pid: int

    def inside(self, path: str | Path) -> Path:
        """Where a path of it, below /srv, is seen from outside."""
        return self.folder / str(path).lstrip("/")

    def home(self, user: str) -> Path:
        return self.inside(f"/srv/home/{user}")

    def command(self, script: str, user: str = "root") -> list[str]:
        """A command that runs a script in it: as root, or as a user in a terminal of the hub."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--"]
        if user == "root":
            return [*enter, "bash", "-ec", script]
        spawner = settings(self.inside(PLACE)).Spawner
        names = {"HOME": f"/srv/home/{user}", "USER": user, **spawner.environment}
        values = [
            f"{name}={value}".replace(str(self.inside(PLACE)), str(PLACE)) for name, value in names.items()
        ]
        limited = ["runuser", "-u", user, "--", "env", "-i", *values, *spawner.cmd[:-1]]
        return [*enter, *limited, "bash", "-ec", f"cd; {script}"]

    def run(self, script: str, user: str = "root", check: bool = True) -> subprocess.CompletedProcess:
        """Run a script; what it printed is shown where it fails and was not to."""
        run = subprocess.run(self.command(script, user), capture_output=True, text=True)
        assert not check or run.returncode == 0, f"{script}\n{run.stdout}\n{run.stderr}"
        return run


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine that has a copy of the course in /srv/reranking/course, and the models beside it."""
    folder = Path(tempfile.mkdtemp(prefix="hub-"))
    folder.chmod(0o755)
    _fill(folder)
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    process = subprocess.Popen(
        [*command, "sh", "-ec", _mounts(folder)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout and process.stdout.readline() == "ready\n", "namespaces cannot be made here"
        (first,) = psutil.Process(process.pid).children()
        yield Machine(folder, first.pid)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: Path) -> None:
    subprocess.run(["cp", "-a", "/etc", folder], check=True)
    course = folder / "srv" / "reranking" / "course"
    shutil.copytree(ROOT, course, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
    shutil.copytree(HUB / "node_modules", course / "classroom" / "hub" / "node_modules", symlinks=True)
    (course / ".git").mkdir()  # a clone has one
    (course.parent / "models").mkdir()
    (folder / "srv" / "home").mkdir()
    with (folder / "etc" / "default" / "useradd").open("a", encoding="utf-8") as defaults:
        defaults.write("\nHOME=/srv/home\n")
    tracker = folder / "etc/skel/.jupyter/lab/user-settings/@jupyterlab/notebook-extension"
    tracker.mkdir(parents=True)
    (tracker / "tracker.jupyterlab-settings").write_text(json.dumps(DRAW_ALL), encoding="utf-8")


def _mounts(folder: Path) -> str:
    """What makes the new namespace the machine: its own /etc and /srv, then what students have to read."""
    lines = [f"mount --bind '{folder}/{name}' /{name}" for name in ("etc", "srv")]
    lines.append(f"mount --bind '{cache_folder()}' {PLACE}/models")
    return "\n".join([*lines, *_opened(folder), "echo ready", "exec sleep infinity"])


def _opened(folder: Path) -> Iterator[str]:
    """Python and the course may lie in a folder that is closed to students: an open one holds them alone."""
    needed = {Path(path).resolve() for path in (sys.prefix, sys.base_prefix, ROOT)}
    closed: dict[Path, list[Path]] = {}
    for path in sorted(needed):
        for parent in reversed((path, *path.parents)):
            if not parent.stat().st_mode & 0o001:
                closed.setdefault(parent, []).append(path)
                break
    for number, (cover, paths) in enumerate(closed.items()):
        kept = [(path, folder / "kept" / f"{number}-{place}") for place, path in enumerate(paths)]
        yield from (f"mkdir -p {place} && mount --bind '{path}' {place}" for path, place in kept)
        yield f"mount -t tmpfs -o mode=755 tmpfs '{cover}'"
        yield from (f"mkdir -p '{path}' && mount --bind {place} '{path}'" for path, place in kept)


def free_ports(number: int) -> int:
    """The first of so many ports in a row that nobody uses."""
    for first in range(18_000, 30_000, number):
        try:
            for port in range(first, first + number):
                with socket.socket() as trial:
                    trial.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")
