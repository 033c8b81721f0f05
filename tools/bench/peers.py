"""The environment of the peers, .venv-bench.

It sees the course's packages, and has its own where the peers ask for other versions.
"""

import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS_VENV = ROOT / ".venv-bench"


def peers_python() -> Path:
    """The Python of .venv-bench, which is made, or completed, first. Needs a package index the first time."""
    wanted, stamp = pinned_peers(), PEERS_VENV / ".installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == repr(wanted):
        return python_of(PEERS_VENV)
    venv.create(PEERS_VENV, with_pip=True, clear=True)
    python = python_of(PEERS_VENV)
    show_course(python)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    stamp.write_text(repr(wanted), encoding="utf-8")
    return python


def pinned_peers() -> list[str]:
    """What pyproject.toml asks for under ``bench``, as ``name==version``."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return metadata["project"]["optional-dependencies"]["bench"]


def python_of(folder: Path) -> Path:
    """The Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def show_course(python: Path) -> None:
    """Let another environment find the course and this environment's packages.

    They come later on its path than its own packages, so that a peer finds the versions it asks for.
    """
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    said = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout
    path = f"{sysconfig.get_path('purelib')}\n{ROOT}\n"
    (Path(said.strip()) / "course.pth").write_text(path, encoding="utf-8")
