"""Download every wheel that the course installs, and its own: `make wheelhouse`.

Or `python -m tools.setup.wheelhouse FOLDER [--with TASK]… [pip options]`; a task is one of requirements/,
such as ``scale``. A room without a network then installs with `make course OFFLINE=1`. Wheels fit one
operating system and one Python version: make the folder on a machine like those in the room.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.setup.install import PIP, split_arguments

ROOT = Path(__file__).resolve().parents[2]


def pip_commands(folder: Path, pip_options: list[str], tasks: list[str]) -> list[list[str]]:
    """The locks as wheels; what they are installed and built with; the course's own wheel."""
    pip, quiet = [sys.executable, "-m", "pip"], ["--disable-pip-version-check", "--quiet"]
    download = [*pip, "wheel", *quiet, "--wheel-dir", str(folder), *pip_options]
    locks = ["requirements.txt", *(f"requirements/{task}.txt" for task in tasks)]
    return [
        *([*download, "-r", str(ROOT / lock)] for lock in locks),  # and what they need on this system alone
        [*download, "--no-deps", "setuptools>=77", PIP],
        [*download, "--no-deps", str(ROOT)],
    ]


def fill(folder: Path, pip_options: list[str], tasks: list[str] | None = None) -> int:
    """Download into a folder beside ``folder``, put it in its place when complete, and count the wheels.

    Raises:
        subprocess.CalledProcessError: pip failed; what it printed says why. An older ``folder`` is untouched.
    """
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", suffix=".part", dir=folder.absolute().parent))
    try:
        for command in pip_commands(scratch, pip_options, tasks or []):
            subprocess.run(command, check=True)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return len(list(folder.glob("*.whl")))


if __name__ == "__main__":
    try:
        tasks, options = split_arguments(sys.argv[2:])
        number = fill(Path(sys.argv[1]), options, tasks)
    except subprocess.CalledProcessError:
        sys.exit(
            "\nThe wheels could not be downloaded; pip's last lines stand above. "
            "What was there before is kept. Run it again."
        )
    except KeyboardInterrupt:
        sys.exit("\nStopped. What was there before is kept.")
    print(
        f"{number} wheels in {sys.argv[1]}. "
        "Copy the whole project with this folder; in the room: make course OFFLINE=1"
    )
