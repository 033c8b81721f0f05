"""What can go wrong on cue."""

import math
from collections import deque
from collections.abc import Callable
from typing import Any

STATUS_FAULTS = {
    "bad key": 401,
    "bad request": 400,
    "unknown field": 422,
    "rate limit": 429,
    "server error": 500,
    "unavailable": 503,
}
ANSWER_FAULTS: dict[str, Callable[[list[dict]], Any]] = {
    "missing index": lambda results: results[1:],
    "repeated index": lambda results: [*results, results[0]],
    "index out of range": lambda results: [{**results[0], "index": len(results)}, *results[1:]],
    "score out of range": lambda results: [{**results[0], "relevance_score": 7.5}, *results[1:]],
    "score not a number": lambda results: [{**results[0], "relevance_score": math.nan}, *results[1:]],
    "no results": lambda results: None,
}
FAULTS = (*STATUS_FAULTS, "slow", "cut", "not json", *ANSWER_FAULTS)


class FaultQueue:
    """The faults that are still to come, each for one request."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str | int, float | None]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, fault: str | int, times: int = 1, seconds: float | None = None) -> None:
        """What ``StandIn.next`` does.

        Raises:
            ValueError: an unknown fault, or ``times`` below 1.
        """
        known = 400 <= fault <= 599 if isinstance(fault, int) else fault in FAULTS
        if not known:
            names = ", ".join(map(repr, FAULTS))
            raise ValueError(f"fault must be a status from 400 to 599 or one of {names}, not {fault!r}.")
        if not isinstance(times, int) or times < 1:
            raise ValueError(f"times must be a whole number of at least 1, not {times!r}.")
        self._waiting.extend([(fault, seconds)] * times)

    def take(self) -> tuple[str | int | None, float | None]:
        """(fault, seconds) of this request; (None, None) if it is to go well."""
        return self._waiting.popleft() if self._waiting else (None, None)

    def clear(self) -> None:
        """Forget them all."""
        self._waiting.clear()


def status_of(fault: str | int | None) -> int | None:
    """The HTTP status that a fault answers with; ``None`` if it is of another kind."""
    return fault if fault is None or isinstance(fault, int) else STATUS_FAULTS.get(fault)
