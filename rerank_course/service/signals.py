"""Signals: how a process that serves is told to end."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

TERMINATED = 128 + signal.SIGTERM  # 143, the exit code by which shells and containers know it


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGINT and SIGTERM end the block, whatever the parent process left behind.

    A shell script starts ``command &`` with SIGINT ignored, and other parents ignore SIGTERM. Python keeps
    that, so that no KeyboardInterrupt would come. At the end of the block the handlers are as they were.
    Outside the main thread, where Python takes no signals, nothing is changed.

    Raises:
        KeyboardInterrupt: SIGINT came, or SIGBREAK on Windows.
        SystemExit: SIGTERM came; the exit code is 143.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    try:
        for number, handler in _handlers().items():
            if signal.getsignal(number) is not None:  # None is not Python's own and could not be given back
                before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _handlers() -> dict[int, Callable[[int, FrameType | None], Any]]:
    handlers: dict[int, Callable[[int, FrameType | None], Any]] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: _exit,
    }
    if hasattr(signal, "SIGBREAK"):
        handlers[signal.SIGBREAK] = signal.default_int_handler
    return handlers


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
