"""Move a threshold and see precision, recall and F1, on pairs it was tuned on and on others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rerank_course.lab.colours import GREY, IN_TURN
from rerank_course.lab.explorers.controls import explorer
from rerank_course.lab.picture import Picture, one_chart

Judged = tuple[Sequence[float], Sequence[bool]]


def at_threshold(scores: Sequence[float], answers: Sequence[bool], threshold: float) -> dict[str, float]:
    """What a threshold lets through; a score that reaches it passes.

    Args:
        scores: one for each pair, finite.
        answers: for each pair whether its passage answers; at least one does.

    Returns:
        ``passes``, the share of the pairs that pass; ``precision``, the share of those that answer (0 where
        none passes); ``recall``, the share of the answers that pass; ``F1``, their harmonic mean.

    Raises:
        ValueError: the two are not of one length, a score is not finite, or nothing answers.
    """
    known, right = _checked(scores, answers)
    passing = known >= threshold
    hits = int((passing & right).sum())
    return {
        "passes": float(passing.mean()),
        "precision": hits / max(int(passing.sum()), 1),
        "recall": hits / int(right.sum()),
        "F1": 2 * hits / int(passing.sum() + right.sum()),
    }


def f1_by_threshold(scores: Sequence[float], answers: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Each distinct score as a threshold, from low to high, and the F1 that it gives.

    The first lets every pair through, so its F1 is that of no threshold at all.

    Raises:
        ValueError: as ``at_threshold``.
    """
    known, right = _checked(scores, answers)
    thresholds, place = np.unique(known, return_inverse=True)
    pairs, hits = (
        np.bincount(place, weights=weights, minlength=len(thresholds))[::-1].cumsum()[::-1]
        for weights in (np.ones(len(known)), right.astype(float))
    )
    return thresholds, 2 * hits / (pairs + right.sum())


def tuned_threshold(scores: Sequence[float], answers: Sequence[bool]) -> float:
    """The threshold with the highest F1 on these pairs; of equal ones the lowest.

    Raises:
        ValueError: as ``at_threshold``.
    """
    thresholds, f1 = f1_by_threshold(scores, answers)
    return float(thresholds[f1.argmax()])


def draw_thresholds(groups: Mapping[str, Judged], xlabel: str, threshold: float | None = None) -> Picture:
    """F1 against the threshold, a line for each group of pairs.

    A thin line at the same height as a group's left end is the F1 of letting everything pass. An upright line
    marks ``threshold``.

    Args:
        groups: ``{name: (scores, answers)}``, all scores in the unit of ``xlabel``.

    Raises:
        ValueError: there is no group, or as ``at_threshold``.
    """
    if not groups:
        raise ValueError("groups is empty: give at least one name with its scores and answers.")
    figure, axes = one_chart(3.8)
    told = []
    for number, (name, (scores, answers)) in enumerate(groups.items()):
        thresholds, f1 = f1_by_threshold(scores, answers)
        look: dict[str, Any] = {"color": IN_TURN[number % 4], "linestyle": ("-", "--", "-.", ":")[number % 4]}
        axes.plot(thresholds, f1, label=name, **look)
        axes.axhline(f1[0], linewidth=0.8, alpha=0.7, **look)
        at = (
            f"; {at_threshold(scores, answers, threshold)['F1']:.2f} at the mark"
            if threshold is not None
            else ""
        )
        told.append(
            f"{name}: {f1[0]:.2f} if everything passes, at best {f1.max():.2f} "
            f"at {thresholds[f1.argmax()]:.2f}{at}"
        )
    if threshold is not None:
        axes.axvline(threshold, color=GREY, linewidth=1.2)
    axes.set(xlabel=f"threshold, {xlabel} (thin lines: everything passes)", ylabel="F1")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    mark = "" if threshold is None else f" The mark stands at {threshold:.2f}."
    return Picture(figure, f"F1 against the threshold, {xlabel}. {'. '.join(told)}.{mark}")


def threshold_explorer(groups: Mapping[str, Judged], xlabel: str, threshold: float) -> Any:
    """``draw_thresholds`` and a table of ``at_threshold`` behind a slider that begins at ``threshold``.

    Returns:
        An ``ipywidgets.VBox`` whose last child shows the picture and the table as HTML.

    Raises:
        ValueError: as ``draw_thresholds``.
    """
    import ipywidgets

    draw_thresholds(groups, xlabel)  # says what is wrong before there is a slider
    every = np.concatenate([np.asarray(scores, dtype=float) for scores, _ in groups.values()])
    low, high = float(np.floor(every.min())), float(np.ceil(every.max()))
    slider = ipywidgets.FloatSlider(
        value=min(max(threshold, low), high),
        min=low,
        max=high,
        step=(high - low) / 100,
        description="threshold",
        continuous_update=False,
        layout={"width": "36em"},
    )

    def describe(threshold: float) -> str:
        rows = {name: at_threshold(*pairs, threshold) for name, pairs in groups.items()}
        table = pd.DataFrame.from_dict(rows, orient="index").round(2)
        picture = draw_thresholds(groups, xlabel, threshold)._repr_mimebundle_()["text/html"]
        return f"{picture}{table.to_html()}"

    return explorer({"threshold": slider}, describe)


def _checked(scores: Sequence[float], answers: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    known, right = np.asarray(scores, dtype=float), np.asarray(answers, dtype=bool)
    if known.ndim != 1 or known.shape != right.shape:
        raise ValueError(
            f"scores and answers must be of one length, not of shapes {known.shape} and {right.shape}."
        )
    if not np.isfinite(known).all():
        raise ValueError("Each score must be a finite number.")
    if not right.any():
        raise ValueError("None of the pairs answers: there is no recall, and no F1.")
    return known, right
