"""Write requirements.txt, the tested lock, from pyproject.toml: `make lock`. Run it on the lowest Python that
is supported.

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
HEADER = "# The tested lock: everything that the course installs. Made by `make lock` from pyproject.toml; do not edit by hand.\n"
COMPILE = (
    "--quiet",
    "--extra=dev",
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
    """Without build tags such as +cpu, which another machine's index may not have, and without pip-compile's
    remarks.
    """
    lines = [re.sub(r"^(\S+==[^+\s]+)\+\S+", r"\1", line) for line in lock.splitlines()]
    return HEADER + "".join(line + "\n" for line in lines if line.strip() and not line.startswith("#"))


if __name__ == "__main__":
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "pip-tools>=7.5,<8"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "requirements.txt"
        shutil.copy(ROOT / "requirements.txt", out)  # the pins that it starts from
        subprocess.run(
            [
                sys.executable,
                "-m",
                "piptools",
                "compile",
                *COMPILE,
                *sys.argv[1:],
                f"--output-file={out}",
                "pyproject.toml",
            ],
            cwd=ROOT,
            check=True,
        )
        (ROOT / "requirements.txt").write_text(tidy(out.read_text(encoding="utf-8")), encoding="utf-8")
