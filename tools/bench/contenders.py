"""The contenders, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.bench.peers import peers_python

REFERENCE = "torch, one by one"  # what the others are compared with
COURSE = (REFERENCE, "torch, slices of 32", "torch, one predict", "course, int8")
PEERS = ("FlashRank, int8", "fastembed, fp32", "fastembed, int8", "rerankers, fp32")
CONTENDERS = COURSE + PEERS
HELD_BACK = "ONEDNN_MAX_CPU_ISA"
WORKER = Path(__file__).with_name("worker.py")


class Worker:
    """A contender in a process of its own; ``reason`` says why it cannot run, if it cannot.

    Args:
        name: one of ``CONTENDERS``.
        folder: for files that the contender needs.
        python: of the environment that it runs in.
        instructions: the newest that oneDNN may use, which multiplies for torch and OpenVINO, as its
            ``ONEDNN_MAX_CPU_ISA`` names them; empty for all that the processor has.
    """

    def __init__(
        self, name: str, folder: Path, python: Path | str = sys.executable, instructions: str = ""
    ) -> None:
        self.name = name
        # -P: the worker's folder stays off its path, or a library might take a module of ours for its own.
        process = subprocess.Popen(
            [str(python), "-P", str(WORKER), name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=os.environ | ({HELD_BACK: instructions} if instructions else {}),
        )
        assert process.stdin and process.stdout  # pipes, as asked for
        self._process, self._questions, self._answers = process, process.stdin, process.stdout
        self.reason = self._read().get("error")

    def run(self, pairs: list) -> dict:
        """``{"seconds", "megabytes", "scores"}`` for one call."""
        self._questions.write(json.dumps(pairs) + "\n")
        self._questions.flush()
        return self._read()

    def close(self) -> None:
        self._questions.close()
        self._process.wait(timeout=60)

    def _read(self) -> dict:
        line = self._answers.readline()
        return json.loads(line) if line else {"error": f"ended with code {self._process.wait()}"}


@contextmanager
def start(names: Sequence[str], folder: Path, instructions: str = "") -> Iterator[list[Worker]]:
    """A worker for each name, alive until the end of the with block; those that cannot run have a reason."""
    peers = peers_python() if set(names) & set(PEERS) else None
    workers: list[Worker] = []
    try:
        for name in names:
            python = peers if peers and name in PEERS else sys.executable
            workers.append(Worker(name, folder, python, instructions))
        yield workers
    finally:
        for worker in workers:
            worker.close()
