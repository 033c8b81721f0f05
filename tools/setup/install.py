"""Install the course into a virtual environment: `make setup`.

Or `python -m tools.setup.install .venv [--with TASK]… [pip options]`, in the course's folder. Uses the
standard library alone. A task is one of requirements/, such as ``grading``: what it needs beside the course
comes into the same environment. A second run with the same locks does nothing, and one that was cut off is
taken up again.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Run as a file, as a student's copy does, it finds this folder on the path, and not the course's.
if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tools.setup.pip_run import PipRun, clean_environment, plain, whole_packages
from tools.setup.why_not import InstallError, why_pip_failed, worth_another_try

ROOT = Path(__file__).resolve().parents[2]
SUPPORTED = ((3, 11), (3, 14))
# The environment takes 1.9 GB with the CPU build of torch; pip keeps 0.65 GB of downloads.
NEEDED_GB = 3
WAITS = (2, 8, 20)  # seconds before a broken download is tried again
# A pip that needs a third of the time that older ones need to look packages up, and that goes on with a
# download that broke off. Where it cannot be had, the one that came with Python does.
PIP = "pip>=25.1"
TASKS = {
    "scale": "Ray, for the lesson on scaling out: once, 140 MB to download.",
    "finetune": "what training needs, for the lesson on a model of your own: once, 60 MB to download.",
    "grading": "what grading needs, nbgrader before all: once, 30 MB to download.",
    "build": "what building the notebooks needs: once, 30 MB to download.",
    "site": "what building the website needs, Sphinx before all: once, 25 MB to download.",
    "hub": "what a hub for a class needs, JupyterHub before all: once, 10 MB to download.",
    "tests": "what tests and checks need, Ray, Playwright and Sphinx before all: once, 260 MB to download.",
}
NO_VENV = ("ensurepip is not available", "No module named ensurepip", "No module named venv")
# 130 MB of torch are programs with which it is tested itself.
TEST_PROGRAMS = ("torch/test", "torch/bin/*[tT]est*")


def install(venv: Path, pip_options: list[str], tasks: list[str] | None = None) -> None:
    """Create ``venv``, install the lock and the course into it, then what each task needs.

    A stamp is left for each of them when it is done.

    Raises:
        InstallError: it cannot be done; why, and what to do.
    """
    _check_python()
    wanted = {"": ROOT / "requirements.txt"}
    wanted |= {task: _lock_of(task) for task in tasks or ()}
    missing = [task for task, lock in wanted.items() if not _is_stamped(venv, task, lock)]
    if not missing:
        return
    _prepare(venv)
    for task in missing:
        _say(task)
        _install_lock(venv, wanted[task], pip_options)
        if not task:
            _leave_out_test_programs(site_of(venv))
            _pip(venv, ["--no-deps", "-e", "."], pip_options)
        stamp(venv, task).write_text(_lock_hash(venv, wanted[task]), encoding="utf-8")
    shutil.rmtree(venv / "tmp", ignore_errors=True)


def stamp(venv: Path, task: str = "") -> Path:
    """The file that says that the course, or a task of it, is installed."""
    return venv / (f".course-installed-{task}" if task else ".course-installed")


def python_of(venv: Path) -> Path:
    """The Python of a virtual environment."""
    return venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def site_of(venv: Path) -> Path:
    """A virtual environment's folder of packages."""
    pattern = "Lib/site-packages" if sys.platform == "win32" else "lib/python3*/site-packages"
    return next(venv.absolute().glob(pattern), venv / "no-packages")


def _lock_of(task: str) -> Path:
    lock = ROOT / "requirements" / f"{task}.txt"
    if task not in TASKS or not lock.exists():
        raise InstallError(f"There is no task {task!r}. There are: {', '.join(TASKS)}.")
    return lock


def _is_stamped(venv: Path, task: str, lock: Path) -> bool:
    file = stamp(venv, task)
    if not file.exists() or file.read_text(encoding="utf-8") != _lock_hash(venv, lock):
        return False
    return bool(task) or _runs(python_of(venv))


def _lock_hash(venv: Path, lock: Path) -> str:
    """Changes with the locks, the package's metadata, and the course's place: the install is editable."""
    digest = hashlib.sha256(str(venv.resolve()).encode())
    for path in dict.fromkeys((ROOT / "requirements.txt", ROOT / "pyproject.toml", lock)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _check_python() -> None:
    lowest, highest = SUPPORTED
    if not lowest <= sys.version_info[:2] <= highest:
        found = ".".join(map(str, sys.version_info[:2]))
        raise InstallError(
            f"This is Python {found}; the course needs 3.11 to 3.14. "
            "Choose one: make course PYTHON=/path/to/python3.12"
        )


def _runs(python: Path) -> bool:
    """Whether a virtual environment's Python starts.

    It does not after the folder was moved or the system's Python removed.
    """
    try:
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def _prepare(venv: Path) -> None:
    """Have an environment that runs."""
    _check_disk(venv)
    _mention_active_environment(venv)
    if not _runs(python_of(venv)):
        _create(venv)
    (venv / "tmp").mkdir(exist_ok=True)
    (venv / "install.log").write_text("", encoding="utf-8")


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
    venv.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".venv-", dir=venv.absolute().parent) as temporary:
        made = subprocess.run(
            command,
            env=clean_environment(Path(temporary)),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    if made.returncode == 0:
        return
    shutil.rmtree(venv, ignore_errors=True)
    said = " ".join((made.stdout + made.stderr).split())
    if any(sign in said for sign in NO_VENV):
        package = f"python3.{sys.version_info.minor}-venv"
        raise InstallError(
            f"{sys.executable} cannot make virtual environments: parts of it are a package of their own. "
            f"On Debian and Ubuntu: sudo apt install {package}, then run this again."
        )
    raise InstallError(f"The virtual environment could not be made. Python said: {said[-500:]}")


def _say(task: str) -> None:
    what = TASKS[task] if task else "the course: once, 0.45 GB to download with the CPU build of torch."
    print(f"Installing {what}", flush=True)


def _install_lock(venv: Path, lock: Path, pip_options: list[str]) -> None:
    _forget_halves(site_of(venv))
    _renew_pip(venv, pip_options)
    names = names_in(lock) - whole_packages(site_of(venv))
    _pip(venv, ["-r", str(lock.relative_to(ROOT))], pip_options, names)


def names_in(lock: Path) -> set[str]:
    """The packages that a lock and those that it includes pin."""
    names: set[str] = set()
    for line in lock.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            names |= names_in(lock.parent / line[3:].strip())
        elif found := re.match(r"[\w.-]+(?===)", line):
            names.add(plain(found.group()))
    return names


def _forget_halves(site: Path) -> None:
    """What was cut off while it was unpacked looks installed to pip; without its metadata it does not."""
    for folder in site.glob("*.dist-info"):
        if not (folder / "INSTALLER").exists():
            shutil.rmtree(folder)


def _renew_pip(venv: Path, pip_options: list[str]) -> None:
    command = [*_pip_command(venv), "--quiet", "--retries=1", PIP, *pip_options]
    subprocess.run(command, cwd=ROOT, env=clean_environment(venv.absolute() / "tmp"), capture_output=True)


def _pip_command(venv: Path) -> list[str]:
    # What is unpacked is compiled when it is first imported, not all of it now.
    return [
        str(python_of(venv).absolute()),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-compile",
    ]


def _pip(venv: Path, arguments: list[str], pip_options: list[str], names: set[str] | None = None) -> None:
    """Run pip, again after a network that broke, and say in plain words why it failed.

    What it fetches and unpacks is shown where ``names`` says what that should be.
    """
    command = [*_pip_command(venv), "--progress-bar", _progress(venv), *arguments, *pip_options]
    place = (site_of(venv), clean_environment(venv.absolute() / "tmp"), ROOT, venv / "install.log")
    for wait in (*WAITS, None):
        run = PipRun(command, names or set(), *place, bool(names))
        if not run.watch():
            return
        if wait is None or not worth_another_try(run.said):
            raise InstallError(why_pip_failed(run.said, venv, NEEDED_GB))
        print(
            f"The network broke off, or does not answer. Trying again in {wait} s; what is here is kept.",
            flush=True,
        )
        time.sleep(wait)


def _progress(venv: Path) -> str:
    """How pip tells how far a download is, so that a program can read it; older ones cannot."""
    versions = [path.name.split("-")[1] for path in site_of(venv).glob("pip-*.dist-info")]
    return "raw" if any(int(version.split(".")[0]) >= 25 for version in versions) else "off"


def _leave_out_test_programs(site: Path) -> None:
    for pattern in TEST_PROGRAMS:
        for path in site.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """(what stands behind each ``--with``, all the rest)"""
    tasks, rest = [], list(arguments)
    while "--with" in rest:
        where = rest.index("--with")
        tasks += rest[where + 1 : where + 2]
        del rest[where : where + 2]
    return tasks, rest


def main(arguments: list[str]) -> None:
    """Install what the command line names; ends the process with a message where that fails."""
    for stream in (sys.stdout, sys.stderr):  # a console of another code page lacks some of these letters
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    tasks, pip_options = split_arguments(arguments[1:])
    try:
        install(Path(arguments[0]), pip_options, tasks)
    except (InstallError, OSError) as error:
        sys.exit(f"\nNot installed. {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. Run the same command again to go on; what is there is kept.")


if __name__ == "__main__":
    main(sys.argv[1:])
