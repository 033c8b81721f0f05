"""Charts for any numbers: dots, lines, bars, points, signed bars, counts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rerank_course.lab.colours import BLUE, GREY, IN_TURN, MIDDLE_GREY, ORANGE, PIECES
from rerank_course.lab.picture import Picture, chart_of_rows, one_chart


def score_strip(groups: Mapping[str, Sequence[float]], xlabel: str) -> Picture:
    """One row of dots for each group of scores, on a common scale."""
    figure, axes = chart_of_rows(1.0 + 0.75 * len(groups), groups)
    spread = np.random.default_rng(0)  # a little height, so that dots do not hide each other
    for row, scores in enumerate(groups.values()):
        heights = row + spread.uniform(-0.22, 0.22, len(scores))
        axes.plot(scores, heights, "o", markersize=5, alpha=0.6, color=IN_TURN[row % 4])
    axes.set(xlabel=xlabel, ylim=(len(groups) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    ranges = "; ".join(
        f"{name}: {len(s)} scores from {min(s):.1f} to {max(s):.1f}" for name, s in groups.items()
    )
    return Picture(figure, f"{xlabel}. {ranges}.")


def draw_lines(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    xlabel: str,
    ylabel: str,
    *,
    budget: float | None = None,
) -> Picture:
    """Lines with a marker at each measured point, and a dashed line at ``budget`` on the y axis.

    Args:
        lines: ``{name: (x values, y values)}``.
    """
    figure, axes = one_chart(3.8)
    for number, (name, (x, y)) in enumerate(lines.items()):
        marker, style = "os^D"[number % 4], ("-", "--", ":", "-.")[number % 4]
        axes.plot(x, y, marker=marker, linestyle=style, color=IN_TURN[number % 4], label=name)
    if budget is not None:
        axes.axhline(budget, color=GREY, linestyle="--", linewidth=1)
        axes.text(axes.get_xlim()[1], budget, f" {budget:g}", va="center", color=GREY)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_ylim(bottom=0 if min(min(y) for _, y in lines.values()) >= 0 else None)
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    points = "; ".join(
        f"{name}: " + ", ".join(f"{b:.3g} at {a:g}" for a, b in zip(x, y)) for name, (x, y) in lines.items()
    )
    return Picture(figure, f"{ylabel} against {xlabel}. {points}.".replace("  ", " "))


def draw_bars(values: Mapping[str, float], xlabel: str) -> Picture:
    """One horizontal bar for each name, its value beside it."""
    figure, axes = one_chart(0.9 + 0.45 * len(values))
    bars = axes.barh(list(values), list(values.values()), color=BLUE)
    axes.bar_label(bars, fmt=" %g")
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    described = "; ".join(f"{name}: {value:g}" for name, value in values.items())
    return Picture(figure, f"{xlabel}. {described}.")


def draw_points(points: Mapping[str, tuple[float, float]], xlabel: str, ylabel: str) -> Picture:
    """One named point for each (x, y): a number beside the point, and the name in the legend.

    So names do not cover each other where points are close.
    """
    figure, axes = one_chart(4.2)
    for number, (name, (x, y)) in enumerate(points.items(), start=1):
        look: dict[str, Any] = {"marker": "os^Dvp"[number % 6], "markersize": 9, "color": IN_TURN[number % 4]}
        axes.plot([x], [y], linestyle="none", label=f"{number}  {name}", **look)
        axes.annotate(str(number), (x, y), xytext=(7, 5), textcoords="offset points")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    described = "; ".join(f"{name}: {x:.3g} and {y:.3g}" for name, (x, y) in points.items())
    return Picture(figure, f"{ylabel} against {xlabel}. {described}.")


def draw_importance(panels: Mapping[str, Sequence[tuple[str, float]]], xlabel: str) -> Picture:
    """Signed bars for the same rows in several panels, each on a scale of its own.

    Args:
        panels: ``{title: [(row, value), …]}``, the same rows in each. A row may occur twice.
            ``occlusion.word_importance`` gives one panel: which words a score hangs on.

    Raises:
        ValueError: there is no panel, or the panels have different rows.
    """
    rows = [[name for name, _ in values] for values in panels.values()]
    if not rows or any(names != rows[0] for names in rows):
        raise ValueError("panels must have the same rows, in the same order, and there must be at least one.")
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(rows[0])))
    figure.subplots(1, len(panels), sharey=True)
    for axes, (title, values) in zip(figure.axes, panels.items()):
        _draw_signed_bars(axes, title, [value for _, value in values])
    figure.axes[0].set_yticks(range(len(rows[0])), rows[0])
    figure.axes[0].invert_yaxis()
    figure.supxlabel(xlabel, fontsize=10)
    figure.tight_layout()
    described = "; ".join(
        f"{title}: " + ", ".join(f"{name} {value:+.2f}" for name, value in values)
        for title, values in panels.items()
    )
    return Picture(figure, f"Bars for each row, {xlabel}. {described}.")


def _draw_signed_bars(axes: Axes, title: str, values: Sequence[float]) -> None:
    colours = [BLUE if value >= 0 else ORANGE for value in values]
    bars = axes.barh(range(len(values)), values, color=colours)
    for bar, value in zip(bars, values):
        bar.set_hatch("" if value >= 0 else "///")
        bar.set_edgecolor("white")
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_title(title, fontsize=11)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5)


def draw_counts(counts: pd.DataFrame, xlabel: str) -> Picture:
    """A bar for each row of a table of counts, cut into its columns, the counts written into the pieces."""
    figure, axes = one_chart(1.4 + 0.4 * len(counts))
    rows, left = counts.index.astype(str), np.zeros(len(counts))
    for number, column in enumerate(counts):
        widths = counts[column].to_numpy()
        colour, ink, hatch = PIECES[number % len(PIECES)]
        look: dict[str, Any] = {
            "color": colour,
            "edgecolor": "white",
            "hatch": hatch,
            "hatchcolor": MIDDLE_GREY,
        }
        bars = axes.barh(rows, widths, left=left, label=column, **look)
        figures = [str(width) if width else "" for width in widths]
        axes.bar_label(bars, labels=figures, label_type="center", fontweight="bold", color=ink)
        left += widths
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    axes.legend(frameon=False, ncols=min(len(counts.columns), 3), loc="lower left", bbox_to_anchor=(0, 1))
    described = "; ".join(
        f"{name}: " + ", ".join(f"{column} {value}" for column, value in row.items())
        for name, row in counts.iterrows()
    )
    return Picture(figure, f"{xlabel}. {described}.")
