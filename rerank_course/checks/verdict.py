"""What every check comes down to: a verdict on a learner's function."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Literal

from rerank_course.learner.progress import remember

WIDTH = 110  # of a printed verdict, in characters: JupyterLab breaks longer lines inside words


@dataclass(frozen=True)
class Verdict:
    """What a check says of an answer."""

    status: Literal["not attempted", "wrong", "right"]
    message: str

    def __repr__(self) -> str:
        sign = {"not attempted": "…", "wrong": "✗", "right": "✓"}[self.status]
        lines = f"{sign} {self.status.capitalize()}. {self.message}".splitlines()
        return "\n".join(
            textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in lines
        )

    def require(self) -> None:
        """Return if right. For graded cells.

        Raises:
            NotImplementedError: not attempted.
            AssertionError: wrong.
        """
        if self.status == "not attempted":
            raise NotImplementedError(self.message)
        if self.status == "wrong":
            raise AssertionError(self.message)


class NotAttempted(Exception):
    """Raised in a check: the learner's function is still the stub."""


class Wrong(Exception):
    """Raised in a check: the answer is wrong, and the text says why."""


def demand(condition: bool, message: str) -> None:
    if not condition:
        raise Wrong(message)


def check(function: Callable[..., str]) -> Callable[..., Verdict]:
    """Make a check, which gives a verdict, of a function that returns what to notice.

    The function raises ``Wrong`` or ``NotAttempted`` if the answer is not right. That a check was passed,
    with its own data, is remembered: see ``rerank_course.learner.progress``.
    """

    @wraps(function)
    def verdict(*args, **kwargs) -> Verdict:
        try:
            right = Verdict("right", function(*args, **kwargs))
        except NotAttempted as reason:
            return Verdict("not attempted", str(reason))
        except Wrong as reason:
            return Verdict("wrong", str(reason))
        # On data that one brings along, a wrong function can pass.
        if all(map(callable, (*args, *kwargs.values()))):
            remember(f"{function.__module__.rpartition('.')[2]}.{function.__name__}")
        return right

    return verdict
