"""Candidates of one query on a common axis of scores, before and after a change."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rerank_course.lab.colours import BLUE, GREY
from rerank_course.lab.picture import Picture, chart_of_rows, shorten


def logit_axis(
    scores: Mapping[str, tuple[float, float]], names: tuple[str, str], answer: str, xlabel: str = "logit"
) -> Picture:
    """A row for each candidate: an open mark before, a filled one after, and a line that connects them.

    The best after the change is on top. The answer is told by its words, a diamond and a thick line, not by
    its colour alone; the place before and after stands at the right.

    Args:
        scores: ``{candidate: (before, after)}``.
        names: what the two are called, for example ``("headings off", "headings on")``.
        answer: one of the candidates.

    Raises:
        ValueError: the answer is not among the candidates, or a score is not a finite number.
    """
    if answer not in scores:
        raise ValueError(f"answer must be one of the candidates, not {answer!r}.")
    for candidate, pair in scores.items():
        if not np.isfinite(pair).all():
            raise ValueError(f"The scores of {candidate!r} must be finite numbers, not {pair}.")
    order = sorted(scores, key=lambda candidate: scores[candidate][1], reverse=True)
    labels = [("ANSWER  " if name == answer else "") + shorten(name, 46) for name in order]
    figure, axes = chart_of_rows(1.2 + 0.42 * len(order), labels)
    told = []
    for row, candidate in enumerate(order):
        before, after = scores[candidate]
        places = [_place(scores, candidate, side) for side in (0, 1)]
        _draw_row(axes, row, before, after, right=candidate == answer)
        axes.text(1.02, row, f"{places[0]} → {places[1]}", va="center", transform=axes.get_yaxis_transform())
        who = f"“{shorten(candidate)}”" + (", the answer," if candidate == answer else "")
        told.append(f"{who} from {before:.1f} (place {places[0]}) to {after:.1f} (place {places[1]})")
    axes.text(1.02, -0.8, "place", transform=axes.get_yaxis_transform())
    marks = f"open mark: {names[0]}; filled mark: {names[1]}"
    axes.set(xlabel=f"{xlabel} ({marks})", ylim=(len(order) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    return Picture(
        figure, f"{len(order)} candidates by {xlabel}, {names[0]} and {names[1]}: {'; '.join(told)}."
    )


def _place(scores: Mapping[str, tuple[float, float]], candidate: str, side: int) -> int:
    """From 1; those with equal scores share the better place."""
    return 1 + sum(pair[side] > scores[candidate][side] for pair in scores.values())


def _draw_row(axes: Any, row: int, before: float, after: float, *, right: bool) -> None:
    look: dict[str, Any] = {"color": BLUE if right else GREY, "marker": "D" if right else "o"}
    axes.plot([before, after], [row, row], color=look["color"], linewidth=3 if right else 1.2)
    axes.plot([before], [row], markersize=9, markerfacecolor="white", **look)
    axes.plot([after], [row], markersize=9, **look)
