"""Means with their intervals, one below the other: which differ from a reference, and by how much."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rerank_course.lab.colours import BLUE, GREY, MIDDLE_GREY
from rerank_course.lab.picture import Picture, chart_of_rows, shorten

TINY = 1e-9  # by how much a mean may lie outside its interval, since sums are rounded


def interval_chart(
    rows: Mapping[str, tuple[float, float, float]], xlabel: str, *, reference: float | None = 0.0
) -> Picture:
    """A row for each name: a dot at the mean, a line over the interval, and a dashed line at the reference.

    The dot is filled and blue where the interval leaves the reference out, open and grey where it holds it;
    an interval that ends at the reference holds it.

    Args:
        rows: ``{name: (mean, low, high)}``, drawn from the top, all in the unit of ``xlabel``; what
            ``evaluate.paired_difference`` gives fits.
        reference: for differences 0; ``None`` draws no line, and every dot is filled and blue.

    Raises:
        ValueError: there is no row, a number is not finite, or a mean lies outside its interval.
    """
    _check(rows, reference)
    figure, axes = chart_of_rows(1.2 + 0.42 * len(rows), (shorten(name, 46) for name in rows))
    for row, (mean, low, high) in enumerate(rows.values()):
        out = _leaves_out(low, high, reference)
        look: dict[str, Any] = {"color": BLUE if out else GREY}
        axes.plot([low, high], [row, row], marker="|", markersize=9, linewidth=3 if out else 1.5, **look)
        axes.plot([mean], [row], "o", markersize=9, markerfacecolor=BLUE if out else "white", **look)
    if reference is not None:
        axes.axvline(reference, color=MIDDLE_GREY, linestyle="--", linewidth=1.2, zorder=0)
        xlabel += f"\n(filled dot: the interval leaves out {_figure(reference)}; open dot: it holds it)"
    axes.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    return Picture(figure, _told(rows, xlabel.split("\n")[0], reference))


def _check(rows: Mapping[str, tuple[float, float, float]], reference: float | None) -> None:
    if not rows:
        raise ValueError("rows is empty: give at least one name with its mean, low and high.")
    if reference is not None and not np.isfinite(reference):
        raise ValueError(f"reference must be a finite number or None, not {reference}.")
    for name, numbers in rows.items():
        if len(numbers) != 3 or not np.isfinite(numbers).all():
            raise ValueError(f"The row {name!r} must have three finite numbers, not {numbers}.")
        mean, low, high = numbers
        if not low - TINY <= mean <= high + TINY:
            raise ValueError(f"The row {name!r} must have low ≤ mean ≤ high, not {low} ≤ {mean} ≤ {high}.")


def _leaves_out(low: float, high: float, reference: float | None) -> bool:
    return reference is None or low > reference or high < reference


def _told(rows: Mapping[str, tuple[float, float, float]], xlabel: str, reference: float | None) -> str:
    told = []
    for name, (mean, low, high) in rows.items():
        figures = f"{name}: {_figure(mean)} ({_figure(low)} to {_figure(high)})"
        if reference is not None:
            verb = "leaves out" if _leaves_out(low, high, reference) else "holds"
            figures += f", which {verb} {_figure(reference)}"
        told.append(figures)
    return f"{xlabel}, means with their intervals. {'; '.join(told)}."


def _figure(number: float) -> str:
    """Three decimals at most; no minus before a zero."""
    return f"{round(float(number), 3) + 0.0:g}"
