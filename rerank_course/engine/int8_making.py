"""Making a model for the int8 engine, seen from outside: a process, its bar, and what it says when it fails.

The work is done by ``python -m rerank_course.engine.quantise`` in a process of its own: what it imports,
prints and takes in memory ends with it. It reads its task from its standard input, as JSON, and prints lines:

- ``stage WHAT STEPS``: the bar begins anew;
- ``step MB``: one step of the stage is done; the process has used at most so many megabytes, or ``?``;
- ``refused TEXT``: the model is not for this engine, and why, as a JSON string;
- anything else is a library's, and the last such line explains a process that failed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rerank_course.engine.cache import WeightsError
from rerank_course.engine.hub import UnsuitableModelError

INSTALL = 'pip install "openvino>=2026.4,<2027" "nncf>=3.4,<4"'  # what the extra int8 holds


class EngineNotInstalledError(ImportError):
    """OpenVINO, or what is needed to make its model, is missing."""


def make(target: Path, task: dict[str, Any]) -> None:
    """Write a model for the int8 engine into the empty folder ``target``.

    Args:
        task: what ``rerank_course.engine.quantise.Task`` holds.

    Raises:
        UnsuitableModelError: the model is not for this engine, or rounding it moves its scores too far.
        EngineNotInstalledError: a library is missing.
        WeightsError: the process failed for another reason.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "rerank_course.engine.quantise", str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    said = _Said()
    try:
        _give(process, task)
        with said.bar:
            for line in process.stdout or ():
                said.hear(line.rstrip("\n"))
        code = process.wait()
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
    if said.refused:
        raise UnsuitableModelError(said.refused)
    if code:
        raise _not_made(said.last or f"its process ended with code {code}")


def _give(process: "subprocess.Popen[str]", task: dict[str, Any]) -> None:
    """Send the task. A process that has ended before it read has said why."""
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(task))
        process.stdin.close()
    except BrokenPipeError:
        pass


class _Said:
    """What the process has said so far, and the bar that shows it."""

    def __init__(self) -> None:
        from tqdm.auto import tqdm

        # In a log each state of the bar is a line of its own.
        is_drawn_over = sys.stderr.isatty() or "ipykernel" in sys.modules
        seconds = 0.1 if is_drawn_over else 10
        self.bar = tqdm(total=1, unit="step", desc="Loading", leave=False, mininterval=seconds)
        self.refused = self.last = ""

    def hear(self, line: str) -> None:
        kind, _, rest = line.partition(" ")
        if kind == "stage":
            what, _, steps = rest.rpartition(" ")
            self.bar.set_description_str(what, refresh=False)
            self.bar.reset(int(steps))
        elif kind == "step" and rest:
            if rest.isdecimal():
                self.bar.set_postfix_str(f"{int(rest) / 1000:.1f} GB of memory", refresh=False)
            self.bar.update()
        elif kind == "refused":
            self.refused = json.loads(rest)
        else:
            self.last = line.strip() or self.last


def _not_made(why: str) -> Exception:
    if "No module named" in why:
        return EngineNotInstalledError(
            f'backend="int8" cannot make its model: {why}. Install what it needs: {INSTALL}.'
        )
    return WeightsError(f'The int8 model could not be made: {why}. backend="torch" works without it.')
