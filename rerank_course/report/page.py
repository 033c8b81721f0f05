"""One page for a browser: advice, tables, charts and texts in a single file that needs nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from rerank_course.evaluate import RESAMPLES
from rerank_course.report import wording
from rerank_course.report.advice import advise
from rerank_course.report.measured import CHANGED, FEWEST, MEASURE, Difference, Measured, System
from rerank_course.report.picture import Span, draw_depths, draw_intervals
from rerank_course.report.queries import Stories, stories
from rerank_course.report.setting import Setting, versions
from rerank_course.report.uses import MIX, RERANK
from rerank_course.texts.beir import Corpus
from rerank_course.texts.files import write_whole
from rerank_course.texts.templates import template
from rerank_course.texts.trec import Run

PAGE = Path(__file__).with_name("page.html")
SHOWN_KINDS = 25  # the largest groups; a collection with more kinds names them in the JSON
FILTERS = (
    wording.count,
    wording.duration,
    wording.interval,
    wording.name,
    wording.number,
    wording.shown,
    wording.signed,
)


@dataclass(frozen=True)
class Pair:
    """The best first stage and its best reranked version, and the queries between them."""

    before: System
    after: System
    difference: Difference
    stories: Stories


def write_report(
    path: Path,
    corpus: Corpus,
    runs: Mapping[str, Run],
    *,
    model: str,
    backend: str,
    seconds: float | None = None,
    pairs: int | None = None,
) -> None:
    """Write the page, whole or not at all; the folder is made if need be.

    Args:
        path: where to; a file that is there is replaced.
        corpus: the collection, with its judgements.
        runs: by name, as ``rerank_course.evaluate.retrieve_and_rerank`` returns them.
        model: the reranker's name or folder.
        backend: the engine that it ran on, for example ``"torch"`` or ``"int8"``.
        seconds: how long scoring took by the clock, if known.
        pairs: how many pairs were scored in that time, if known; each pair counts once.

    Raises:
        ValueError: there is no run, no query has an answer, or seconds or pairs are no such numbers.
        CorpusError: the file cannot be written.
    """
    write_whole(Path(path), page_of(Measured(corpus, runs), Setting(model, backend, seconds, pairs)))


def page_of(measured: Measured, setting: Setting) -> str:
    """The page as HTML, from what is measured already."""
    advice = advise(measured)
    return template(PAGE, *FILTERS).render(
        measured=measured,
        setting=setting,
        corpus=measured.corpus,
        advice=advice,
        base=measured.best_first_stage,
        differences_chart=_differences_chart(measured),
        depths_chart=_depths_chart(measured),
        kinds=measured.kinds(),
        shown_kinds=SHOWN_KINDS,
        best_of_each=_best_of_each(measured),
        pair=_pair(measured),
        versions=versions(),
        limits=_limits(),
    )


def _limits() -> dict[str, Any]:
    """The numbers that the rules and the intervals are made with."""
    return {"fewest": FEWEST, "changed": CHANGED, "resamples": RESAMPLES}


def _span(difference: Difference) -> Span:
    return Span(difference.mean, difference.low, difference.high)


def _differences_chart(measured: Measured) -> Markup:
    """Every reranked system against its own first stage and the best one; once where they are the same."""
    base = measured.best_first_stage
    rows: dict[str, list[Span | None]] = {}
    for system in measured.systems:
        if system.depth:
            own = measured.stage_of(system)
            to_own = None if own == base else _span(measured.difference(own, system))
            rows[system.name] = [_span(measured.difference(base, system)), to_own]
    if not rows:
        return Markup()
    legend = [f"to {wording.shown(base.name, 24)}, the best first stage", "to its own first stage"]
    legend = legend[: 1 + any(to_own for _, to_own in rows.values())]
    return draw_intervals(rows, legend, f"Differences of the reranked systems in {MEASURE}")


def _depths_chart(measured: Measured) -> Markup:
    if not measured.reranked:
        return Markup()
    lines: dict[str, dict[int, float]] = {}
    for stage in measured.first_stages:
        for use, ending in ((RERANK, ""), (MIX, ", mixed")):
            systems = [one for one in measured.reranked_from(stage) if one.use == use]
            if systems:
                lines[stage.name + ending] = {one.depth: measured.mean(one) for one in [stage, *systems]}
    return draw_depths(lines, f"{MEASURE} by the number of candidates reranked")


def _best_of_each(measured: Measured) -> list[System]:
    """The first stages, and behind each the best that was reranked from it."""
    return [
        system
        for stage in measured.first_stages
        for system in filter(None, [stage, _best_reranked(measured, stage)])
    ]


def _best_reranked(measured: Measured, stage: System) -> System | None:
    reranked = measured.reranked_from(stage)
    return measured.best(sorted(reranked, key=lambda system: system.depth)) if reranked else None


def _pair(measured: Measured) -> Pair | None:
    before = measured.best_first_stage
    after = _best_reranked(measured, before)
    if after is None:
        return None
    return Pair(before, after, measured.difference(before, after), stories(measured, before, after))
