"""Write requirements.txt, the tested lock, from pyproject.toml: `make lock`, on the lowest supported Python.

What the lock holds stays as it is where it still fits; `make lock LOCK_ARGS=--upgrade` takes the newest of
everything.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = (
    "# The tested lock: everything that the course installs. "
    "Made by `make lock` from pyproject.toml; do not edit by hand.\n"
)
COMPILE = (
    "--quiet",
    "--extra=dev",
    "--extra=documents",
    "--extra=int8",
    "--extra=ray",
    "--strip-extras",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--annotation-style=line",
)


def tidy(lock: str) -> str:
    """Without pip-compile's remarks, and without build tags such as +cpu, which other indexes lack."""
    lines = [re.sub(r"^(\S+==[^+\s]+)\+\S+", r"\1", line) for line in lock.splitlines()]
    return HEADER + "".join(line + "\n" for line in lines if line.strip() and not line.startswith("#"))


def compile_lock(options: list[str]) -> str:
    """What pip-compile makes of pyproject.toml, beginning with the pins of the lock that is there."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "requirements.txt"
        shutil.copy(ROOT / "requirements.txt", out)
        command = [sys.executable, "-m", "piptools", "compile", *COMPILE, *options]
        subprocess.run([*command, f"--output-file={out}", "pyproject.toml"], cwd=ROOT, check=True)
        return out.read_text(encoding="utf-8")


if __name__ == "__main__":
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "pip-tools>=7.5,<8"], check=True)
    (ROOT / "requirements.txt").write_text(tidy(compile_lock(sys.argv[1:])), encoding="utf-8")
