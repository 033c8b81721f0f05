"""A reranker without a model, and made-up documents and scores for it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rerank_course.checks.calling import callers


class ToyReranker:
    """A reranker without a model: it knows a score for each text, or gives ``answer``.

    Attributes:
        calls: (pairs, batch_size) of each call of ``predict``; batch_size is None where none was passed.
        through_package: whether one of them came through the course's own ``rerank_documents``.
    """

    def __init__(
        self, score_of: dict[str, float] | None = None, answer: Sequence[float] | None = None
    ) -> None:
        self.score_of, self.answer = score_of or {}, answer
        self.calls: list[tuple[list[tuple], int | None]] = []
        self.through_package = False

    def predict(
        self, inputs: Iterable = (), *positional: Any, batch_size: int | None = None, **options: Any
    ) -> Any:
        """Scores of pairs, or of one pair alone, as an array, or as a tensor where one is asked for."""
        if positional:
            raise TypeError("predict takes only the pairs by position; write batch_size=… by its name")
        pairs = list(options.get("pairs", inputs))
        single = bool(pairs) and isinstance(pairs[0], str)  # as CrossEncoder: one pair gives one number
        pairs = [tuple(pair) for pair in ([pairs] if single else pairs)]
        self.calls.append((pairs, batch_size))
        self.through_package |= any(is_package_file(file) for file in callers())
        scores = self.answer
        if scores is None:
            scores = [self.score_of.get(text_in(pair[-1]), 0.0) for pair in pairs]
        values = np.float32(scores[0]) if single else np.array(scores, dtype=np.float32)
        if options.get("convert_to_tensor"):
            import torch

            return torch.tensor(values)
        return values

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"a reranker has predict(pairs, batch_size=…) here and nothing else, no {name!r}"
        )

    @property
    def pairs(self) -> list[tuple]:
        """Of all calls."""
        return [pair for pairs, _ in self.calls for pair in pairs]


def is_package_file(file: str) -> bool:
    """Whether a file is the package's rerank.py, in whatever folder the package stands."""
    return file.replace("\\", "/").endswith("rerank_course/rerank.py")


def text_in(candidate: Any) -> Any:
    """A candidate's text, whatever a learner's function made of the candidate."""
    if isinstance(candidate, dict):
        return candidate.get("text")
    return getattr(candidate, "content", candidate)


def numbered(template: str, count: int) -> list[str]:
    return [template.format(number) for number in range(1, count + 1)]


def shuffled(count: int) -> list[float]:
    """Different scores in no order, negative ones too, that a float32 holds exactly."""
    worst_first = sorted(range(count), key=lambda number: (number + 1) * 0.618 % 1)
    return [worst_first.index(number) / 2 - count / 8 for number in range(count)]
