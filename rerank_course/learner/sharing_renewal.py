"""Write what a learner shares anew, in the background: no check waits for a folder, or fails with it."""

import atexit
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rerank_course.learner.sharing import SETTING, locked, sharing, write_shared

LAST_SECONDS = 2.0  # that a process which ends waits for the folder


class Renewal:
    """A thread that renews the shared file when it is asked to; a folder that hangs holds only the thread.

    Args:
        home: the folder in which progress is kept.
        passed: gives the checks that are passed by now. The thread calls it, so that the newest is written.
    """

    def __init__(self, home: Path, passed: Callable[[], Mapping[str, datetime]]) -> None:
        self.home, self.passed = home, passed
        self.asked = self.done = 0
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None

    def ask(self) -> None:
        """Renew soon; returns at once."""
        with self.changed:
            self.asked += 1
            self.changed.notify_all()
            if self.thread is None or not self.thread.is_alive():  # a fork has no threads of its parent
                self.thread = threading.Thread(target=self._work, name="sharing", daemon=True)
                self.thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until all that was asked for is done; whether it is."""
        with self.changed:
            return self.changed.wait_for(lambda: self.done == self.asked, seconds)

    def _work(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.done < self.asked)
                asked = self.asked
            # Whatever goes wrong, the next passed check tries again, and the command progress says it.
            with suppress(Exception), locked(self.home):
                now = sharing(self.home)
                if now:
                    write_shared(now, self.passed())
            with self.changed:
                self.done = asked
                self.changed.notify_all()


_renewals: dict[Path, Renewal] = {}


def renew(home: Path, passed: Callable[[], Mapping[str, datetime]]) -> None:
    """Write the shared file anew, soon and without a word, if the learner shares anything.

    Never fails, and never waits for the shared folder.
    """
    with suppress(OSError, RuntimeError):  # RuntimeError: no thread can be started any more
        if (home / SETTING).is_file():
            _renewals.setdefault(home, Renewal(home, passed)).ask()


def finish(seconds: float | None = None) -> bool:
    """Wait a moment, ``LAST_SECONDS``, for what is still to be written; whether all of it is."""
    limit = LAST_SECONDS if seconds is None else seconds
    finished = [renewal.wait(limit) for renewal in _renewals.values()]
    return all(finished)


atexit.register(finish)
