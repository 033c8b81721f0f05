"""A long document as a bar, and the windows that a model reads of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rerank_course.chunking import Window
from rerank_course.lab.colours import BLUE, GREEN, GREY, ORANGE
from rerank_course.lab.picture import Picture, chart_of_rows


def draw_window(
    document: str, answer: str, rows: Mapping[str, Sequence[tuple[float, Window]]], tokenizer: Any
) -> Picture:
    """A document as a bar, in tokens: where the answer stands, and what a model reads, with its scores.

    Args:
        document: the whole text.
        answer: a part of it that occurs once.
        rows: ``{name: [(score, window), …]}``, a row for each way to read the document; the best window of a
            row is orange.
        tokenizer: a fast Hugging Face tokenizer, for example ``reranker.tokenizer``.

    Raises:
        ValueError: the answer does not occur once in the document, or a row has no window.
    """
    if (times := document.count(answer)) != 1:
        raise ValueError(f"answer must occur once in the document, not {times} times: {answer[:60]!r}.")
    starts = _token_starts(document, tokenizer)
    at = document.index(answer)
    first, last = _in_tokens(starts, at, at + len(answer))
    figure, axes = chart_of_rows(1.3 + 0.75 * len(rows), ["the document", *rows])
    axes.barh(0, len(starts), height=0.5, color=GREY, alpha=0.35)
    axes.axvspan(first, last, color=GREEN, alpha=0.35)
    axes.text((first + last) / 2, -0.45, "answer", ha="center", color=GREEN)
    notes = [f"The document has {len(starts)} tokens; the answer stands at {first} to {last}"]
    for row, (name, scored) in enumerate(rows.items(), start=1):
        if not scored:
            raise ValueError(f"rows[{name!r}] has no window.")
        pieces = [(score, *_in_tokens(starts, window.start, window.end)) for score, window in scored]
        score, left, right = _draw_row(axes, row, pieces)
        notes.append(f"{name}: {len(pieces)} read, the best, {left} to {right}, scores {score:.1f}")
    axes.set(xlabel="tokens", ylim=(len(rows) + 0.5, -0.7), xlim=(0, len(starts)))
    axes.tick_params(axis="y", length=0)
    described = ". ".join(notes)
    return Picture(figure, f"A bar for a document and, below it, bars for what is read. {described}.")


def _token_starts(document: str, tokenizer: Any) -> list[int]:
    """Where each token begins, in characters."""
    encoded = tokenizer(
        document, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
    )
    return [start for start, _ in encoded["offset_mapping"]]


def _in_tokens(starts: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """A stretch of characters as a stretch of tokens."""
    return int(np.searchsorted(starts, start)), int(np.searchsorted(starts, end))


def _draw_row(axes: Axes, row: int, pieces: Sequence[tuple[float, int, int]]) -> tuple[float, int, int]:
    """A bar for each ``(score, left, right)``, in tokens, with its score on it; the best is returned."""
    best = max(range(len(pieces)), key=lambda number: pieces[number][0])
    lanes = 1 if len(pieces) == 1 else 2  # neighbours overlap, so they take turns
    fontsize = 8 if len(pieces) < 12 else 6
    for number, (score, left, right) in enumerate(pieces):
        colour, alpha = (ORANGE, 0.9) if number == best else (BLUE, 0.45)
        height = 0.6 / lanes
        y = row - 0.3 + height * (number % lanes + 0.5)
        axes.barh(y, right - left, height * 0.85, left, color=colour, alpha=alpha, edgecolor="white")
        axes.text((left + right) / 2, y, f"{score:.1f}", ha="center", va="center", fontsize=fontsize)
    return pieces[best]
