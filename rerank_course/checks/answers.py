"""What a learner's function returned: is it a number, how is it quoted, which mistake does it come from."""

from collections import deque
from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from typing import Any, NamedTuple

import numpy as np


class Mistake(NamedTuple):
    """One that people make.

    Attributes:
        result: what it gives where the check looks; ``None`` where it cannot be made.
        meaning: what to tell somebody whose function gives that.
    """

    result: Any
    meaning: str


Mistakes = Iterator[Mistake]  # generators: nothing of it is computed for a right answer


def is_number(value: Any) -> bool:
    """A Python, numpy or torch scalar that is not text or truth."""
    if isinstance(value, (str, bytes, bool)):
        return False
    try:
        return np.ndim(value) == 0 and float(value) == float(value)
    except (TypeError, ValueError):
        return False


def as_list(value: Any) -> Any:
    """An array, tensor, Series or index, or a view of a dictionary, as a list; all else as it is."""
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):
        return value.tolist()
    return list(value) if isinstance(value, (KeysView, ValuesView, ItemsView, deque)) else value


def show(value: Any, width: int = 80) -> str:
    """A value as an error quotes it, shortened, with its type."""
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= width else text[: width - 1] + '…'}"


def cause_of(mistakes: Mistakes, is_it: Callable[[Any], bool], otherwise: str = "") -> str:
    """What the first mistake means whose result is the learner's."""
    return next((mistake.meaning for mistake in mistakes if is_it(mistake.result)), otherwise)


def near(value: float, tolerance: float) -> Callable[[float | None], bool]:
    """Whether a mistake's result is this value."""
    return lambda result: result is not None and abs(value - result) <= tolerance
