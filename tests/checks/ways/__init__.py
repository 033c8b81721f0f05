"""Answers to the exercises, right and wrong, written as differently as people write.

They stand beside the answers of ``*_answers.py``, which are written to be varied by the tests.
"""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

Check = tuple[Callable, str]  # the check, and the id of the cell that is graded with it


class Ways:
    """Answers to one exercise.

    Args:
        exercise: its name in ``lessons/exercises``.
        checks: {part: (check, graded cell)}.
        heavy: the parts whose checks load a model.
        others: functions of a learner's that a graded cell needs beside the answer.
    """

    def __init__(
        self, exercise: str, checks: dict[str, Check], heavy: Iterable[str] = (), **others: Any
    ) -> None:
        self.exercise, self.checks, self.heavy, self.others = exercise, checks, set(heavy), others
        self.names: dict[str, str] = {}  # of a part's function, where it is not the part's
        self.right_ones: list[tuple[str, str, Any]] = []
        self.wrong_ones: list[tuple[str, str, Any, str]] = []

    def right(self, part: str, name: str = "") -> Callable:
        """Register a right answer; its name is its test's id."""

        def register(answer: Any) -> Any:
            self.right_ones.append((part, name or answer.__name__, answer))
            return answer

        return register

    def wrong(self, part: str, message: str, name: str = "") -> Callable:
        """Register a wrong answer and a piece of the message that is meant for it."""

        def register(answer: Any) -> Any:
            self.wrong_ones.append((part, name or answer.__name__, answer, message))
            return answer

        return register

    def right_cases(self) -> list:
        return [
            pytest.param(self, part, answer, id=f"{self.exercise}-{part}-{name}", marks=self._marks(part))
            for part, name, answer in self.right_ones
        ]

    def wrong_cases(self) -> list:
        return [
            pytest.param(
                self, part, answer, message, id=f"{self.exercise}-{part}-{name}", marks=self._marks(part)
            )
            for part, name, answer, message in self.wrong_ones
        ]

    def _marks(self, part: str) -> list:
        return [pytest.mark.heavy] if part in self.heavy else []
