"""What is asked and what is answered, whichever protocol it came in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np


class RefusedError(Exception):
    """A request that is answered with this status and these words."""

    def __init__(self, status: int, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


@dataclass(frozen=True)
class Spans:
    """Which stretches of a document are asked for: those above ``threshold``, at most ``most`` of them."""

    threshold: float
    most: int | None


@dataclass(frozen=True)
class Task:
    """One request, read and found good.

    Attributes:
        query, texts: what is scored.
        model: the name that was asked for.
        top_n: how many results are wanted; ``None`` for all.
        shown: what each result gives back as its document; ``None`` for nothing.
        priority: lower is more urgent.
        max_tokens: what of a document is read.
        max_chunks: how many pieces a long document becomes; 0 if the model is to cut it.
        spans: the stretches that are asked for.
        logits: whether scores are to be left as the model gives them.
    """

    query: str
    texts: list[str]
    model: str = ""
    top_n: int | None = None
    shown: list[Any] | None = None
    priority: int = 0
    max_tokens: int | None = None
    max_chunks: int = 0
    spans: Spans | None = None
    logits: bool = False


@dataclass(frozen=True)
class Scored:
    """A task's outcome.

    Attributes:
        scores: one for each text, from 0 to 1 or as logits.
        chunks: the pieces that were scored, all documents together.
        tokens: that the model was given, query included for each piece.
        spans: for each text the stretches that were asked for.
    """

    scores: np.ndarray
    chunks: int
    tokens: int
    spans: list[list[dict]] = field(default_factory=list)


class Api:
    """One protocol: how a request is read, and what an answer and an error look like.

    Attributes:
        name: whose it is.
        counts_tokens: whether an answer says how many tokens were read.
        most_tokens: in a pair that is not to be cut; ``None`` if the service always cuts.
    """

    name: ClassVar[str]
    counts_tokens: ClassVar[bool] = False
    most_tokens: ClassVar[int | None] = None

    def too_long(self, tokens: int) -> RefusedError:
        """The error for a pair of more than ``most_tokens``."""
        raise NotImplementedError

    def read(self, request: dict, headers: Mapping[str, str]) -> Task:
        """The task of a request's body. Raises ``RefusedError`` if the real service would refuse it."""
        raise NotImplementedError

    def answer(self, task: Task, scored: Scored, results: Any) -> Any:
        """The body of a good answer. ``results``: what it shows, best first, or what a fault made of it."""
        raise NotImplementedError

    def results(self, task: Task, scored: Scored) -> list[dict]:
        """One dictionary a result, best first, equal ones in the order of the request."""
        best = np.argsort(-scored.scores, kind="stable")[: task.top_n]
        return [
            {"index": int(place), "relevance_score": float(scored.scores[place])}
            | self.document(task, scored, int(place))
            for place in best
        ]

    def document(self, task: Task, scored: Scored, place: int) -> dict:
        """What a result says of its document besides place and score."""
        return {} if task.shown is None else {"document": task.shown[place]}

    def error(self, status: int, message: str, kind: str = "") -> Any:
        """The body of an error: something for JSON, or a text, or ``None`` for no body."""
        raise NotImplementedError
