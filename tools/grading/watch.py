"""Watch what a submission takes, and end it when that is more than its share."""

import os
import re
import threading
import time
from pathlib import Path

import psutil

from tools.grading.limits import LOOK_EVERY


class Watch(threading.Thread):
    """Looks at all processes below this one; ends them when they take too much.

    ``reason`` says what was too much; it is empty as long as nothing was. ``is_final`` says that there is no
    use in starting again: the time is over.
    """

    def __init__(self, box: Path, limits: dict, inherited: int = 0) -> None:
        """
        Args:
            box: the folder that a submission can write to.
            limits: see limits.py.
            inherited: bytes of memory that a process below had when it was forked, and that are not its own.
        """
        super().__init__(daemon=True)
        self.box, self.limits, self.inherited = box, limits, inherited
        self.reason, self.rounds, self.is_final = "", 0, False
        self.deadline = time.monotonic() + limits["seconds"]

    def run(self) -> None:
        while True:
            self.look()
            if self.reason:
                end_all_below()
            time.sleep(LOOK_EVERY)

    def look(self, at_files: bool = False) -> None:
        """Look once. What was too much stays in ``reason``.

        Args:
            at_files: in any case; else at every tenth look, for there can be many.
        """
        found = self._too_much(at_files or self.rounds % 10 == 0)
        if found and not self.reason:  # two threads look: one that finds nothing must not undo the other's
            self.reason = found
        self.rounds += 1

    def start_again(self) -> None:
        """Watch a new process, which was started as a command."""
        if not self.is_final:
            self.reason, self.inherited = "", 0

    def _too_much(self, at_files: bool) -> str:
        """What is too much just now; empty if nothing is."""
        limits, below = self.limits, below_this()
        if time.monotonic() > self.deadline:
            self.is_final = True
            return f"it ran longer than {limits['seconds']} seconds"
        if len(below) > limits["processes"]:
            return f"it started more than {limits['processes']} processes"
        if self._too_much_memory(below):
            return f"it took more than {limits['memory'] / 1e9:.1f} GB of memory"
        if at_files and _size(self.box) > limits["disk"]:
            return f"it wrote more than {limits['disk'] / 1e6:.0f} MB"
        return ""

    def _too_much_memory(self, below: list[psutil.Process]) -> bool:
        """All together now, or one of them at any time before: a peak can pass between two looks."""
        limit = self.limits["memory"]
        if sum(map(_resident, below)) > limit and sum(map(_own_share, below)) > limit:
            return True
        return any(_peak(process) - self.inherited > limit for process in below)


def resident_here() -> int:
    """Bytes of memory of this process."""
    return _resident(psutil.Process())


def _resident(process: psutil.Process) -> int:
    """Bytes of memory, pages that forked processes share counted for each of them."""
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _own_share(process: psutil.Process) -> int:
    """The same with shared pages divided among those that share them: exact, and slow to find out."""
    try:
        return process.memory_full_info().pss
    except (psutil.Error, AttributeError):  # hidden from us, or no Linux
        return _resident(process)


def _peak(process: psutil.Process) -> int:
    """The most bytes of memory that a process has had, shared pages included; 0 where no file says it."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, flags=re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _size(folder: Path) -> int:
    """Bytes in a folder; a file counts for at least one block, so that many empty ones count too."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += max(4096, os.lstat(os.path.join(parent, name)).st_blocks * 512)
            except OSError:
                continue
    return total


def below_this() -> list[psutil.Process]:
    """All processes that this one has started, and those that they have started."""
    try:
        return psutil.Process().children(recursive=True)
    except psutil.Error:
        return []


def end_all_below() -> None:
    """End every process below this one.

    In a process namespace the first is enough; without one, again until none is left.
    """
    for _ in range(50):
        below = [process for process in below_this() if _is_alive(process)]
        if not below:
            return
        for process in below:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(below, timeout=0.2)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # it has ended since it was found
        return False
