"""Charts for any numbers: lines, bars, points, counts, scores."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rerank_course.lab.colours import BLUE, GREEN, GREY, MIDDLE_GREY, ORANGE, PIECES
from rerank_course.lab.picture import Picture


def score_strip(groups: Mapping[str, Sequence[float]], xlabel: str) -> Picture:
    """One row of dots for each group of scores, on a common scale."""
    figure = Figure(figsize=(9, 1.0 + 0.75 * len(groups)))
    axes = figure.subplots()
    spread = np.random.default_rng(0)  # a little height, so that dots do not hide each other
    for row, (name, scores) in enumerate(groups.items()):
        heights = row + spread.uniform(-0.22, 0.22, len(scores))
        axes.plot(scores, heights, "o", markersize=5, alpha=0.6, color=(BLUE, ORANGE, GREEN, GREY)[row % 4])
    axes.set_yticks(range(len(groups)), groups)
    axes.set(xlabel=xlabel, ylim=(len(groups) - 0.5, -0.5))
    axes.spines[["top", "right", "left"]].set_visible(False)
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
    figure = Figure(figsize=(9, 3.8))
    axes = figure.subplots()
    for number, (name, (x, y)) in enumerate(lines.items()):
        axes.plot(
            x,
            y,
            marker="os^D"[number % 4],
            linestyle=("-", "--", ":", "-.")[number % 4],
            color=(BLUE, ORANGE, GREEN, GREY)[number % 4],
            label=name,
        )
    if budget is not None:
        axes.axhline(budget, color=GREY, linestyle="--", linewidth=1)
        axes.text(axes.get_xlim()[1], budget, f" {budget:g}", va="center", color=GREY)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_ylim(bottom=0 if min(min(y) for _, y in lines.values()) >= 0 else None)
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    points = "; ".join(
        f"{name}: " + ", ".join(f"{b:.3g} at {a:g}" for a, b in zip(x, y)) for name, (x, y) in lines.items()
    )
    return Picture(figure, f"{ylabel} against {xlabel}. {points}.".replace("  ", " "))


def draw_bars(values: Mapping[str, float], xlabel: str) -> Picture:
    """One horizontal bar for each name, its value beside it."""
    figure = Figure(figsize=(9, 0.9 + 0.45 * len(values)))
    axes = figure.subplots()
    bars = axes.barh(list(values), list(values.values()), color=BLUE)
    axes.bar_label(bars, fmt=" %g")
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    axes.spines[["top", "right"]].set_visible(False)
    return Picture(
        figure, f"{xlabel}. " + "; ".join(f"{name}: {value:g}" for name, value in values.items()) + "."
    )


def draw_points(points: Mapping[str, tuple[float, float]], xlabel: str, ylabel: str) -> Picture:
    """One named point for each (x, y); numbers on the points, names in the legend, so that close points stay
    legible.
    """
    figure = Figure(figsize=(9, 4.2))
    axes = figure.subplots()
    for number, (name, (x, y)) in enumerate(points.items(), start=1):
        axes.plot(
            [x],
            [y],
            "os^Dvp"[number % 6],
            color=(BLUE, ORANGE, GREEN, GREY)[number % 4],
            markersize=9,
            label=f"{number}  {name}",
            linestyle="none",
        )
        axes.annotate(str(number), (x, y), xytext=(7, 5), textcoords="offset points")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    described = "; ".join(f"{name}: {x:.3g} and {y:.3g}" for name, (x, y) in points.items())
    return Picture(figure, f"{ylabel} against {xlabel}. {described}.")


def draw_importance(panels: Mapping[str, Sequence[tuple[str, float]]], xlabel: str) -> Picture:
    """Signed bars for the same rows in several panels, each on a scale of its own: which words a score hangs
    on, for example.

    Args:
        panels: ``{title: [(row, value), …]}``, the same rows in each; ``occlusion.word_importance`` gives one
            panel. A row may occur twice.

    Raises:
        ValueError: there is no panel, or the panels have different rows.
    """
    rows = [[name for name, _ in values] for values in panels.values()]
    if not rows or any(names != rows[0] for names in rows):
        raise ValueError("panels must have the same rows, in the same order, and there must be at least one.")
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(rows[0])))
    places = range(len(rows[0]))
    for axes, (title, values) in zip(
        np.atleast_1d(figure.subplots(1, len(panels), sharey=True)), panels.items()
    ):
        heights = [value for _, value in values]
        bars = axes.barh(places, heights, color=[BLUE if value >= 0 else ORANGE for value in heights])
        for bar, value in zip(bars, heights):
            bar.set_hatch("" if value >= 0 else "///")
            bar.set_edgecolor("white")
        axes.axvline(0, color=GREY, linewidth=1)
        axes.set_title(title, fontsize=11)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.grid(axis="x", alpha=0.3)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=5)
    figure.axes[0].set_yticks(places, rows[0])
    figure.axes[0].invert_yaxis()
    figure.supxlabel(xlabel, fontsize=10)
    figure.tight_layout()
    described = "; ".join(
        f"{title}: " + ", ".join(f"{name} {value:+.2f}" for name, value in values)
        for title, values in panels.items()
    )
    return Picture(figure, f"Bars for each row, {xlabel}. {described}.")


def draw_counts(counts: pd.DataFrame, xlabel: str) -> Picture:
    """A bar for each row of a table of counts, cut into its columns, the counts written into the pieces."""
    figure = Figure(figsize=(9, 1.4 + 0.4 * len(counts)))
    axes = figure.subplots()
    left = np.zeros(len(counts))
    for number, column in enumerate(counts):
        widths = counts[column].to_numpy()
        colour, ink, hatch = PIECES[number % len(PIECES)]
        bars = axes.barh(
            counts.index.astype(str),
            widths,
            left=left,
            color=colour,
            edgecolor="white",
            hatch=hatch,
            hatchcolor=MIDDLE_GREY,
            label=column,
        )
        figures = [str(width) if width else "" for width in widths]
        axes.bar_label(bars, labels=figures, label_type="center", fontweight="bold", color=ink)
        left += widths
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=min(len(counts.columns), 3), loc="lower left", bbox_to_anchor=(0, 1))
    rows = "; ".join(
        f"{name}: " + ", ".join(f"{column} {value}" for column, value in row.items())
        for name, row in counts.iterrows()
    )
    return Picture(figure, f"{xlabel}. {rows}.")
