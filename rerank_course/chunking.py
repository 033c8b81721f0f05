"""Long documents: cut them into windows that fit the model, and score a document by its best window.

A cross-encoder reads a fixed number of tokens, query and special tokens included, and silently drops the
rest. MaxP (Dai and Callan, 2019, https://arxiv.org/abs/1905.09217) scores each window of a long document and
keeps the highest score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MIN_ROOM = 16  # fewer tokens than this for the document, and a window says nothing


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a document: ``text`` is ``document[start:end]``, in characters."""

    text: str
    start: int
    end: int


def windows(document: str, tokenizer: Any, max_tokens: int, overlap: int = 0) -> list[Window]:
    """Cut a text into windows of at most ``max_tokens`` tokens, of which neighbours share ``overlap``.

    Args:
        document: a non-empty text. If it fits, it is one window.
        tokenizer: a fast Hugging Face tokenizer, for example ``reranker.tokenizer``.
        max_tokens: tokens in a window, special tokens not counted.
        overlap: tokens that two neighbouring windows share, less than ``max_tokens``.

    Raises:
        ValueError: the text is empty or the numbers do not fit together.
    """
    if not document.strip():
        raise ValueError("document is empty: there is nothing to cut into windows.")
    if max_tokens < 1 or not 0 <= overlap < max_tokens:
        raise ValueError(
            f"overlap must be at least 0 and less than max_tokens, not {overlap} of {max_tokens}."
        )
    options = {"add_special_tokens": False, "truncation": False, "verbose": False}
    offsets = tokenizer(document, return_offsets_mapping=True, **options)["offset_mapping"]
    if len(offsets) <= max_tokens:
        return [Window(document, 0, len(document))]
    pieces = []
    for first in range(0, len(offsets) - overlap, max_tokens - overlap):
        start, end = offsets[first][0], offsets[min(first + max_tokens, len(offsets)) - 1][1]
        pieces.append(Window(document[start:end], start, end))
    return pieces


class BestWindow:
    """A reranker that scores a long document by its best window. Use it like any other reranker.

    Args:
        reranker: a ``CrossEncoder``.
        overlap: tokens that neighbouring windows share, so that an answer is not cut in two.
        window: tokens of the document in one window at most; ``None`` takes all that fit beside the query.
            Smaller windows cost more pairs, and find a single sentence better: in a full window the text
            around it can outweigh it.
    """

    def __init__(self, reranker: Any, overlap: int = 64, window: int | None = None):
        if window is not None and window < MIN_ROOM:
            raise ValueError(f"window must be at least {MIN_ROOM} tokens, not {window}.")
        self.reranker, self.overlap, self.window = reranker, overlap, window

    def predict(self, pairs: Sequence[tuple[str, str]], batch_size: int = 32) -> np.ndarray:
        """The score of the best window of each pair's document: shape (pairs,), in the reranker's unit."""
        return np.array([score for score, _ in self.best_windows(pairs, batch_size)])

    def best_windows(
        self, pairs: Sequence[tuple[str, str]], batch_size: int = 32
    ) -> list[tuple[float, Window]]:
        """For each pair the score of the document's best window, and that window.

        All windows go to one ``predict`` call.

        Raises:
            ValueError: a query leaves no room for the document.
        """
        cut = [self._windows(query, document) for query, document in pairs]
        flat = [(query, window.text) for (query, _), pieces in zip(pairs, cut) for window in pieces]
        answer = self.reranker.predict(flat, batch_size=batch_size) if flat else []
        scores = iter(np.asarray(answer, dtype=float).tolist())
        # max keeps the first of equal windows
        return [max(((next(scores), window) for window in pieces), key=lambda row: row[0]) for pieces in cut]

    def _windows(self, query: str, document: str) -> list[Window]:
        # A window's text can give a token more than its piece of the whole did: one is kept in reserve.
        size = room_for_document(query, self.reranker) - 1
        size = size if self.window is None else min(size, self.window)
        return windows(document, self.reranker.tokenizer, size, min(self.overlap, size // 2))


def room_for_document(query: str, reranker: Any) -> int:
    """How many of the document's tokens the model reads beside this query.

    Raises:
        ValueError: next to none are left.
    """
    tokenizer, limit = reranker.tokenizer, reranker.max_seq_length
    tokens = tokenizer(query, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    used = len(tokens) + tokenizer.num_special_tokens_to_add(pair=True)
    if limit - used < MIN_ROOM:
        raise ValueError(
            f"The query takes {used} of the model's {limit} tokens, special tokens included; "
            "that leaves no room for a document. Shorten it."
        )
    return limit - used
