"""How far a long step is: a bar on a terminal, a plain line now and then in a log."""

import shutil
import sys
import time
from typing import TextIO

WIDTH = 24
LOG_EVERY = 15.0  # seconds between two lines in a log


class Bar:
    """One step, for instance a download, drawn over and over in one line of a terminal.

    In a log, which nobody watches, it is a line at the beginning, every fifteen seconds and at the end.

    Args:
        title: what is done, ``"Downloading"``.
        out: where to; ``None`` for standard output.
        shown: print anything at all.
    """

    def __init__(self, title: str, out: TextIO | None = None, shown: bool = True) -> None:
        self.title, self.out, self._shown = title, out or sys.stdout, shown
        self._live = shown and self.out.isatty()
        self._began = time.monotonic()
        self._printed = float("-inf")
        self._last = ""

    def show(self, share: float, note: str) -> None:
        """Say that ``share`` of the work, from 0 to 1, is done; ``note`` holds the counts."""
        now = time.monotonic()
        text = f"{note}{self._time_left(share, now)}"
        if self._live:
            filled = round(WIDTH * min(share, 1))
            self._draw(f"{self.title} [{'#' * filled}{'.' * (WIDTH - filled)}] {text}")
        elif self._shown and now - self._printed >= LOG_EVERY:
            self._printed = now
            print(f"{self.title}: {text}", file=self.out, flush=True)

    def close(self, note: str) -> None:
        """The last word on this step, with the seconds that it took."""
        text = f"{self.title}: {note}, {_in_words(time.monotonic() - self._began)}"
        if self._live:
            self._draw(text)
            print(file=self.out, flush=True)
        elif self._shown:
            print(text, file=self.out, flush=True)

    def clear(self) -> None:
        """Take the bar off the terminal, so that something else can be printed."""
        if self._live:
            self._draw("")
            self.out.write("\r")
            self.out.flush()

    def _draw(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        self.out.write("\r" + text + " " * (len(self._last) - len(text)))
        self.out.flush()
        self._last = text

    def _time_left(self, share: float, now: float) -> str:
        spent = now - self._began
        if share < 0.03 or share >= 0.99 or spent < 2:  # too early to tell
            return ""
        return f", about {_in_words(spent * (1 - share) / share)} left"


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
