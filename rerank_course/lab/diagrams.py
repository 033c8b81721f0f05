"""The few pictures that the lessons draw. Each function returns a ``Picture``, with a text for those who
cannot see it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from rerank_course.chunking import Window
from rerank_course.compare import Ranking
from rerank_course.lab.colours import BLUE, GREEN, GREY, ORANGE, PIECES
from rerank_course.lab.picture import Picture, shorten
from rerank_course.text import text_of

matplotlib.use("agg")  # pictures are returned as values; no window and no inline hook shows them twice


def draw_encoders() -> Picture:
    """A bi-encoder and a cross-encoder side by side."""
    figure = Figure(figsize=(9, 3.6))
    left, right = figure.subplots(1, 2)
    for axes, title in (
        (left, "Bi-encoder: two texts, two vectors"),
        (right, "Cross-encoder: two texts, one reading"),
    ):
        axes.set(xlim=(0, 10), ylim=(0, 10))
        axes.axis("off")
        axes.set_title(title, fontsize=12)
    for x, name in ((2.5, "query"), (7.5, "document")):
        _box(left, x, 1.2, name, GREY)
        _box(left, x, 4.2, "model", BLUE)
        _box(left, x, 7.0, "vector", GREY)
        _arrow(left, (x, 1.9), (x, 3.5))
        _arrow(left, (x, 4.9), (x, 6.3))
        _arrow(left, (x, 7.7), (5, 8.9))
        _box(right, x, 1.2, name, GREY)
        _arrow(right, (x, 1.9), (5 + (x - 5) * 0.35, 3.5))
    left.text(5, 9.3, "cosine similarity", ha="center", fontsize=11)
    _box(right, 5, 4.2, "model: every word of one\nmeets every word of the other", ORANGE, width=7.6)
    _arrow(right, (5, 4.9), (5, 8.8))
    right.text(5, 9.3, "relevance score", ha="center", fontsize=11)
    return Picture(
        figure,
        "Two diagrams. Left, a bi-encoder: query and document each go through the model alone, each becomes a vector, and the cosine "
        "similarity compares the vectors. Right, a cross-encoder: query and document go through the model together and one relevance score comes out.",
    )


def slope_chart(first: Ranking, second: Ranking, names: tuple[str, str]) -> Picture:
    """Two rankings of the same candidates as columns, best on top, and a line for each candidate.

    Args:
        first, second: ``[(candidate, score), …]``, best first.
        names: heads of the two columns.
    """
    texts = [shorten(text_of(candidate)) for candidate, _ in first]
    places = {text_of(candidate): rank for rank, (candidate, _) in enumerate(second, start=1)}
    figure = Figure(figsize=(5, 1.1 + 0.42 * len(first)))
    axes = figure.subplots()
    for rank, ((candidate, score), text) in enumerate(zip(first, texts), start=1):
        end = places[text_of(candidate)]
        colour = GREEN if end < rank else ORANGE if end > rank else GREY
        axes.plot(
            (0, 1), (rank, end), color=colour, marker="o", linewidth=2, linestyle="--" if end > rank else "-"
        )
        axes.text(-0.04, rank, f"{text}  {score:.2f}  {rank}", ha="right", va="center", fontsize=9)
    for rank, (candidate, score) in enumerate(second, start=1):
        axes.text(1.04, rank, f"{rank}  {score:.2f}", ha="left", va="center", fontsize=9)
    axes.text(0, 0.2, names[0], ha="center", fontsize=11)
    axes.text(1, 0.2, names[1], ha="center", fontsize=11)
    axes.set(xlim=(-0.05, 1.05), ylim=(len(first) + 0.5, 0))
    axes.axis("off")
    moves = "; ".join(
        f"“{text}” from {rank} to {places[text_of(c)]}"
        for rank, ((c, _), text) in enumerate(zip(first, texts), start=1)
    )
    return Picture(figure, f"Ranks by {names[0]} and by {names[1]}: {moves}.")


def sigmoid_curve(logits: Mapping[str, float]) -> Picture:
    """The logistic sigmoid, with some named logits on it."""
    figure = Figure(figsize=(9, 3.2))
    axes = figure.subplots()
    x = np.linspace(-12, 12, 400)
    axes.plot(x, 1 / (1 + np.exp(-x)), color=GREY)
    for number, (name, logit) in enumerate(logits.items()):
        y = 1 / (1 + np.exp(-logit))
        colour = (BLUE, ORANGE, GREEN)[number % 3]
        axes.plot([logit], [y], "o", color=colour, markersize=8)
        axes.annotate(
            name,
            (logit, y),
            xytext=(0, 12 + 16 * number if y < 0.5 else -20),
            textcoords="offset points",
            ha="center",
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour},
        )
    axes.set(xlabel="logit, as predict gives it", ylabel="after a sigmoid", ylim=(-0.08, 1.15))
    axes.spines[["top", "right"]].set_visible(False)
    points = "; ".join(f"{name} at logit {logit:.1f}" for name, logit in logits.items())
    return Picture(
        figure, f"An S-shaped curve from 0 to 1 that is nearly flat below −5 and above 5. On it: {points}."
    )


def draw_batches(batchings: Mapping[str, Sequence[Sequence[int]]]) -> Picture:
    """What a model computes for each batch: tokens of the texts, and padding up to the longest of the batch.

    Args:
        batchings: ``{name: batches}``; a batch is the list of its pairs' lengths in tokens.
    """
    figure = Figure(figsize=(9, 2.4 * len(batchings)))
    notes = []
    for axes, (name, batches) in zip(
        np.atleast_1d(figure.subplots(len(batchings), sharex=True, sharey=True)), batchings.items()
    ):
        lengths = [length for batch in batches for length in batch]
        widths = [max(batch) for batch in batches for _ in batch]
        axes.bar(range(len(lengths)), widths, width=1.0, color=ORANGE, alpha=0.5, label="padding")
        axes.bar(range(len(lengths)), lengths, width=1.0, color=BLUE, label="text")
        share = 1 - sum(lengths) / sum(widths)
        axes.set_title(f"{name}: {share:.0%} of the tokens are padding", fontsize=11, loc="left")
        axes.set_ylabel("tokens")
        axes.spines[["top", "right"]].set_visible(False)
        notes.append(f"{name}: {share:.0%} padding in {len(batches)} batches")
    axes.set_xlabel("pairs, in the order in which they are scored")
    figure.axes[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    figure.tight_layout()
    return Picture(
        figure,
        "Bars for the length of each pair, filled up to the longest pair of its batch. "
        + "; ".join(notes)
        + ".",
    )


def draw_window(
    document: str, answer: str, rows: Mapping[str, Sequence[tuple[float, Window]]], tokenizer: Any
) -> Picture:
    """A document as a bar, in tokens: where the answer stands, and below it the pieces that a model reads,
    each with its score.

    Args:
        document: the whole text.
        answer: a part of it that occurs once.
        rows: ``{name: [(score, window), …]}``, a row for each way to read the document; the best window of a
            row is orange.
        tokenizer: a fast Hugging Face tokenizer, for example ``reranker.tokenizer``.

    Raises:
        ValueError: the answer does not occur once in the document, or a row has no window.
    """
    if document.count(answer) != 1:
        raise ValueError(
            f"answer must occur once in the document, not {document.count(answer)} times: {answer[:60]!r}."
        )
    starts = [
        start
        for start, _ in tokenizer(
            document, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
        )["offset_mapping"]
    ]

    def in_tokens(start: int, end: int) -> tuple[int, int]:
        return int(np.searchsorted(starts, start)), int(np.searchsorted(starts, end))

    at = document.index(answer)
    first, last = in_tokens(at, at + len(answer))
    figure = Figure(figsize=(9, 1.3 + 0.75 * len(rows)))
    axes = figure.subplots()
    axes.barh(0, len(starts), height=0.5, color=GREY, alpha=0.35)
    axes.axvspan(first, last, color=GREEN, alpha=0.35)
    axes.text((first + last) / 2, -0.45, "answer", ha="center", color=GREEN)
    notes = [f"The document has {len(starts)} tokens; the answer stands at {first} to {last}"]
    for row, (name, scored) in enumerate(rows.items(), start=1):
        if not scored:
            raise ValueError(f"rows[{name!r}] has no window.")
        best = max(range(len(scored)), key=lambda number: scored[number][0])
        lanes = 1 if len(scored) == 1 else 2  # neighbours overlap, so they take turns
        for number, (score, window) in enumerate(scored):
            left, right = in_tokens(window.start, window.end)
            height, y = 0.6 / lanes, row - 0.3 + 0.6 / lanes * (number % lanes + 0.5)
            axes.barh(
                y,
                right - left,
                height * 0.85,
                left,
                color=ORANGE if number == best else BLUE,
                alpha=0.9 if number == best else 0.45,
                edgecolor="white",
            )
            axes.text(
                (left + right) / 2,
                y,
                f"{score:.1f}",
                ha="center",
                va="center",
                fontsize=8 if len(scored) < 12 else 6,
            )
        left, right = in_tokens(scored[best][1].start, scored[best][1].end)
        notes.append(f"{name}: {len(scored)} read, the best, {left} to {right}, scores {scored[best][0]:.1f}")
    axes.set_yticks(range(len(rows) + 1), ["the document", *rows])
    axes.set(xlabel="tokens", ylim=(len(rows) + 0.5, -0.7), xlim=(0, len(starts)))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return Picture(
        figure, "A bar for a document and, below it, bars for what is read. " + ". ".join(notes) + "."
    )


def draw_timeline(rows: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], xlabel: str) -> Picture:
    """A row for each worker, with a bar for each stretch of time that it spent on something.

    Args:
        rows: ``{worker: {what it did: [(start, length), …]}}``, the same things in each row.

    Raises:
        ValueError: there is no stretch of time at all.
    """
    if not any(stretches for row in rows.values() for stretches in row.values()):
        raise ValueError("rows hold nothing to draw.")
    figure = Figure(figsize=(9, 1.4 + 0.5 * len(rows)))
    axes = figure.subplots()
    notes = []
    for place, (worker, row) in enumerate(rows.items()):
        said = []
        for number, (what, stretches) in enumerate(row.items()):
            colour = PIECES[(number + 1) % len(PIECES)][0]
            axes.broken_barh(
                list(stretches),
                (place - 0.35, 0.7),
                facecolor=colour,
                edgecolor="white",
                hatch=("", "///", "...")[number % 3],
                label=what if place == 0 else None,
            )
            if stretches:
                end = max(start + length for start, length in stretches)
                times = f"{len(stretches)} time{'s' if len(stretches) > 1 else ''}"
                said.append(
                    f"{what} {times}, {sum(length for _, length in stretches):.1f} in sum, the last until {end:.1f}"
                )
        notes.append(f"{worker}: " + ("; ".join(said) or "nothing"))
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    return Picture(figure, f"A row of bars for each worker, {xlabel}. " + ". ".join(notes) + ".")


def _box(axes, x: float, y: float, text: str, colour: str, width: float = 3.2) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - 0.7),
            width,
            1.4,
            boxstyle="round,pad=0.05",
            facecolor="white",
            edgecolor=colour,
            linewidth=1.8,
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=10)


def _arrow(axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=GREY))
