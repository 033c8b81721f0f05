"""What the ideas of the lessons look like: encoders, ranks that change, the sigmoid, batches, workers."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from rerank_course.compare import Ranking
from rerank_course.lab.colours import BLUE, GREEN, GREY, ORANGE, PIECES
from rerank_course.lab.picture import Picture, chart_of_rows, one_chart, shorten
from rerank_course.text import text_of


def draw_encoders() -> Picture:
    """A bi-encoder and a cross-encoder side by side."""
    figure = Figure(figsize=(9, 3.6))
    left, right = figure.subplots(1, 2)
    _draw_bi_encoder(left)
    _draw_cross_encoder(right)
    return Picture(
        figure,
        "Two diagrams. Left, a bi-encoder: query and document each go through the model alone, each becomes "
        "a vector, and the cosine similarity compares the vectors. Right, a cross-encoder: query and "
        "document go through the model together and one relevance score comes out.",
    )


def _draw_bi_encoder(axes: Axes) -> None:
    _prepare(axes, "Bi-encoder: two texts, two vectors")
    for x, name in ((2.5, "query"), (7.5, "document")):
        _box(axes, x, 1.2, name, GREY)
        _box(axes, x, 4.2, "model", BLUE)
        _box(axes, x, 7.0, "vector", GREY)
        _arrow(axes, (x, 1.9), (x, 3.5))
        _arrow(axes, (x, 4.9), (x, 6.3))
        _arrow(axes, (x, 7.7), (5, 8.9))
    axes.text(5, 9.3, "cosine similarity", ha="center", fontsize=11)


def _draw_cross_encoder(axes: Axes) -> None:
    _prepare(axes, "Cross-encoder: two texts, one reading")
    for x, name in ((2.5, "query"), (7.5, "document")):
        _box(axes, x, 1.2, name, GREY)
        _arrow(axes, (x, 1.9), (5 + (x - 5) * 0.35, 3.5))
    _box(axes, 5, 4.2, "model: every word of one\nmeets every word of the other", ORANGE, width=7.6)
    _arrow(axes, (5, 4.9), (5, 8.8))
    axes.text(5, 9.3, "relevance score", ha="center", fontsize=11)


def _prepare(axes: Axes, title: str) -> None:
    """An empty sheet, 10 wide and 10 high."""
    axes.set(xlim=(0, 10), ylim=(0, 10))
    axes.axis("off")
    axes.set_title(title, fontsize=12)


def _box(axes: Axes, x: float, y: float, text: str, colour: str, width: float = 3.2) -> None:
    place = (x - width / 2, y - 0.7)
    look: dict[str, Any] = {"facecolor": "white", "edgecolor": colour, "linewidth": 1.8}
    axes.add_patch(FancyBboxPatch(place, width, 1.4, boxstyle="round,pad=0.05", **look))
    axes.text(x, y, text, ha="center", va="center", fontsize=10)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=GREY))


def slope_chart(
    first: Ranking, second: Ranking, names: tuple[str, str], answers: Collection[str] = ()
) -> Picture:
    """Two rankings of the same candidates as columns, best on top, and a line for each candidate.

    Args:
        first, second: ``[(candidate, score), …]``, best first.
        names: heads of the two columns.
        answers: the texts that answer. Then a tick marks them, and a line says whether a move is right (an
            answer goes up, another text goes down) or wrong; else whether it goes up or down.
    """
    places = {text_of(candidate): rank for rank, (candidate, _) in enumerate(second, start=1)}
    figure = Figure(figsize=(5, 1.1 + 0.42 * len(first)))
    axes = figure.subplots()
    moves = []
    for start, (candidate, score) in enumerate(first, start=1):
        text = text_of(candidate)
        said, colour, style = _move(start - places[text], text in answers, judged=bool(answers))
        axes.plot((0, 1), (start, places[text]), color=colour, marker="o", linewidth=2, linestyle=style)
        shown = ("✓ " if text in answers else "") + shorten(text)
        axes.text(-0.04, start, f"{shown}  {score:.2f}  {start}", ha="right", va="center", fontsize=9)
        moves.append(f"“{shorten(text)}” from {start} to {places[text]}{said}")
    for rank, (_, score) in enumerate(second, start=1):
        axes.text(1.04, rank, f"{rank}  {score:.2f}", ha="left", va="center", fontsize=9)
    for x, name in enumerate(names):
        axes.text(x, 0.2, name, ha="center", fontsize=11)
    if answers:
        axes.text(
            0.5, len(first) + 0.8, "✓ answers; solid: right move, dashed: wrong move", ha="center", fontsize=9
        )
    axes.set(xlim=(-0.05, 1.05), ylim=(len(first) + 1, 0))
    axes.axis("off")
    return Picture(figure, f"Ranks by {names[0]} and by {names[1]}: {'; '.join(moves)}.")


def _move(gained: int, is_answer: bool, judged: bool) -> tuple[str, str, str]:
    """(words, colour, line style) of a move by ``gained`` places."""
    if not gained:
        return ", an answer" if is_answer else "", GREY, "-"
    good = (gained > 0) == is_answer if judged else gained > 0
    said = (", an answer" if is_answer else "") + (", right" if good else ", wrong") if judged else ""
    return (said, BLUE, "-") if good else (said, ORANGE, "--")


def sigmoid_curve(logits: Mapping[str, float]) -> Picture:
    """The logistic sigmoid, with some named logits on it."""
    figure, axes = one_chart(3.2)
    x = np.linspace(-12, 12, 400)
    axes.plot(x, 1 / (1 + np.exp(-x)), color=GREY)
    for number, (name, logit) in enumerate(logits.items()):
        y = 1 / (1 + np.exp(-logit))
        colour = (BLUE, ORANGE, GREEN)[number % 3]
        axes.plot([logit], [y], "o", color=colour, markersize=8)
        axes.annotate(
            name,
            (logit, y),
            xytext=(0, 12 + 16 * number if y < 0.5 else -20),  # names of low scores, one above the other
            textcoords="offset points",
            ha="center",
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour},
        )
    axes.set(xlabel="logit, as predict gives it", ylabel="after a sigmoid", ylim=(-0.08, 1.15))
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
    figure.subplots(len(batchings), sharex=True, sharey=True)
    notes = []
    for axes, (name, batches) in zip(figure.axes, batchings.items()):
        lengths = [length for batch in batches for length in batch]
        widths = [max(batch) for batch in batches for _ in batch]
        axes.bar(range(len(lengths)), widths, width=1.0, color=ORANGE, alpha=0.5, label="padding")
        axes.bar(range(len(lengths)), lengths, width=1.0, color=BLUE, label="text")
        share = 1 - sum(lengths) / sum(widths)
        axes.set_title(f"{name}: {share:.0%} of the tokens are padding", fontsize=11, loc="left")
        axes.set_ylabel("tokens")
        axes.spines[["top", "right"]].set_visible(False)
        notes.append(f"{name}: {share:.0%} padding in {len(batches)} batches")
    figure.axes[-1].set_xlabel("pairs, in the order in which they are scored")
    figure.axes[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    figure.tight_layout()
    bars = "Bars for the length of each pair, filled up to the longest pair of its batch."
    return Picture(figure, f"{bars} {'; '.join(notes)}.")


Stretches = Sequence[tuple[float, float]]  # (start, length) of each


def draw_timeline(rows: Mapping[str, Mapping[str, Stretches]], xlabel: str) -> Picture:
    """A row for each worker, with a bar for each stretch of time that it spent on something.

    Args:
        rows: ``{worker: {what it did: [(start, length), …]}}``, the same things in each row.

    Raises:
        ValueError: there is no stretch of time at all.
    """
    if not any(stretches for row in rows.values() for stretches in row.values()):
        raise ValueError("rows hold nothing to draw.")
    figure, axes = chart_of_rows(1.4 + 0.5 * len(rows), rows)
    for place, row in enumerate(rows.values()):
        for number, (what, stretches) in enumerate(row.items()):
            look: dict[str, Any] = {
                "facecolor": PIECES[(number + 1) % len(PIECES)][0],
                "hatch": ("", "///", "...")[number % 3],
            }
            label = what if place == 0 else None
            axes.broken_barh(list(stretches), (place - 0.35, 0.7), edgecolor="white", label=label, **look)
    axes.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0)
    axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    notes = ". ".join(f"{worker}: {_what_was_done(row)}" for worker, row in rows.items())
    return Picture(figure, f"A row of bars for each worker, {xlabel}. {notes}.")


def _what_was_done(row: Mapping[str, Stretches]) -> str:
    said = []
    for what, stretches in row.items():
        if stretches:
            times = f"{len(stretches)} time{'s' if len(stretches) > 1 else ''}"
            total = sum(length for _, length in stretches)
            end = max(start + length for start, length in stretches)
            said.append(f"{what} {times}, {total:.1f} in sum, the last until {end:.1f}")
    return "; ".join(said) or "nothing"
