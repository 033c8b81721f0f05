"""Install the course into a virtual environment: `make setup`.

Or `python tools/setup/install.py .venv [pip options]`. Uses the standard library alone. A second run with the
same lock does nothing; a run that was cut off is taken up again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORTED = ((3, 11), (3, 14))
# The environment takes 3.0 GB with the CPU build of torch; pip keeps 0.9 GB of downloads until it is done.
NEEDED_GB = 4
NO_INDEX = (
    "NewConnectionError",
    "Name or service not known",
    "Temporary failure in name resolution",
    "Could not find a version",
    "ProxyError",
    "ConnectTimeoutError",
    "No matching distribution found",
    "Network is unreachable",
    "SSLError",
)


class InstallError(Exception):
    """Why the course cannot be installed, and what to do."""


def install(venv: Path, pip_options: list[str]) -> None:
    """Create ``venv``, install the lock and the course into it, and leave a stamp when all is done."""
    _check_python()
    stamp, wanted = venv / ".course-installed", _lock_hash(venv)
    python = venv / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted and _runs(python):
        return
    _check_disk(venv)
    _mention_active_environment(venv)
    if not _runs(python):
        _create(venv)
    print("Installing the course (a few minutes the first time) …", flush=True)
    _pip(python, ["-r", str(ROOT / "requirements.txt"), *pip_options], venv)
    _pip(python, ["--no-deps", "-e", str(ROOT), *pip_options], venv)
    stamp.write_text(wanted, encoding="utf-8")


def _check_python() -> None:
    lowest, highest = SUPPORTED
    if not lowest <= sys.version_info[:2] <= highest:
        found = ".".join(map(str, sys.version_info[:2]))
        raise InstallError(
            f"This is Python {found}; the course needs 3.11 to 3.14. "
            "Choose one: make course PYTHON=/path/to/python3.12"
        )


def _lock_hash(venv: Path) -> str:
    """Changes with the lock, the package's metadata, and the course's place: the install is editable."""
    digest = hashlib.sha256(str(venv.resolve()).encode())
    for name in ("requirements.txt", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _runs(python: Path) -> bool:
    """Whether a virtual environment's Python starts.

    It does not after the folder was moved or the system's Python removed.
    """
    try:
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def _mention_active_environment(venv: Path) -> None:
    """Somebody who has activated another environment expects the course in there, or fears for it."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if active and Path(active).resolve() != venv.resolve():
        print(
            f"The environment that is active, {active}, stays as it is: "
            f"the course goes into {venv}, which is its own.",
            flush=True,
        )


def _check_disk(venv: Path) -> None:
    free = shutil.disk_usage(venv.parent if venv.parent.exists() else ROOT).free / 1e9
    if not venv.exists() and free < NEEDED_GB:
        raise InstallError(
            f"Only {free:.1f} GB are free in {venv.resolve().parent}; the course needs {NEEDED_GB}. "
            "Make room and run this again."
        )


def _create(venv: Path) -> None:
    print(f"Creating {venv} with {sys.executable} …", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(venv)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode == 0:
        return
    shutil.rmtree(venv, ignore_errors=True)
    said = made.stdout + made.stderr
    hint = "On Debian and Ubuntu: sudo apt install python3-venv. " if "ensurepip" in said else ""
    raise InstallError(f"The virtual environment could not be made. {hint}Python said:\n{said.strip()}")


def _pip(python: Path, arguments: list[str], venv: Path) -> None:
    """Run pip, show what it prints, and say in plain words why it failed."""
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *arguments]
    code, said = _run_and_show(command)
    if code:
        raise InstallError(_why_pip_failed(said, venv))


def _run_and_show(command: list[str]) -> tuple[int, str]:
    """The exit code of a command, and what it printed, which a person sees as it comes."""
    lines = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            print(line, end="", flush=True)
    return process.returncode, "".join(lines)


def _why_pip_failed(said: str, venv: Path) -> str:
    if "No space left" in said or shutil.disk_usage(venv).free < 2e8:
        return (
            f"The disk is full. Make room ({NEEDED_GB} GB in all) and run this again; what is there is kept."
        )
    if any(sign in said for sign in NO_INDEX):
        return (
            "No package index could be reached, or it lacks a package (see above). Check the network and the "
            "proxy settings and run this again; what is there is kept. With an index of your own: "
            "make course PIP_ARGS='--index-url URL'"
        )
    return "pip failed; its last lines stand above. Mend that and run this again; what is there is kept."


if __name__ == "__main__":
    try:
        install(Path(sys.argv[1]), sys.argv[2:])
    except InstallError as error:
        sys.exit(f"\nNot installed. {error}")
    except OSError as error:
        sys.exit(f"\nNot installed. {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. Run the same command again to go on; what is there is kept.")
