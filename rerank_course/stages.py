"""Rerankers in a row, each choosing what the next has to read; and reranking only where it is needed.

Source of the idea: Wang, Lin and Metzler, 2011, https://doi.org/10.1145/2009916.2009934.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeVar

from rerank_course.mixing import (
    Scored,
    check_falling,
    check_score,
    check_weight,
    continue_below,
    mix,
    read_scored,
)
from rerank_course.rerank import (
    Reranker,
    check_candidates,
    check_count,
    check_query,
    check_reranker,
    rerank_documents,
)
from rerank_course.text import is_scored

Candidate = TypeVar("Candidate")


@dataclass(frozen=True)
class Stage:
    """One stage of a cascade.

    Attributes:
        reranker: what scores here: a retriever, the int8 engine, a ``CrossEncoder``, a hosted service. A
            retriever of this course scores pairs too, and a ``DenseRetriever`` embeds no document again.
        keep: how many candidates the next stage gets; ``None`` hands all on.
        weight: this stage's share where its scores are mixed with those of the stage before
            (``rerank_course.mixing``); 1 takes this stage's order alone.
        batch_size: pairs per forward pass.
    """

    reranker: Reranker
    keep: int | None = None
    weight: float = 1.0
    batch_size: int = 32

    def __post_init__(self) -> None:
        check_reranker(self.reranker)
        check_weight(self.weight)
        check_count("batch_size", self.batch_size)
        if self.keep is not None:
            check_count("keep", self.keep, "; pass None to hand all on")


def cascade(query: str, candidates: Iterable[Any], stages: Sequence[Stage]) -> Scored:
    """Score the candidates in stages; each stage reads only what the one before kept.

    Args:
        query: the question.
        candidates: best first, as retrieval gave them: texts, chunks or ``(chunk, score)``. Scores are needed
            where the first stage has a ``weight`` below 1.
        stages: the cheapest first. With ``[Stage(dense, keep=20), Stage(reranker)]`` the dense retriever
            scores all candidates and the reranker the best 20 of them.

    Returns:
        ``[(candidate, score), …]``, best first: all candidates. First those that reached the last stage, with
        its scores; behind them, stage by stage, those that were left behind, in the order of the stage that
        left them, with scores that go on falling.

    Raises:
        TypeError, ValueError: as ``rerank_documents`` and ``mix``; there is no stage, or one that mixes has
        no scores to mix with.
    """
    stages = _check_stages(stages)
    going = _with_scores(candidates)
    behind: Scored = []
    if stages[0].weight < 1 and any(score is None for _, score in going):
        raise ValueError(
            "The first stage mixes (its weight is below 1), and the candidates have no scores to mix with. "
            "Pass (candidate, score) pairs, as a retriever gives them."
        )
    for stage in stages:
        ranked = _run(query, going, stage)
        keep = len(ranked) if stage.keep is None else stage.keep
        going, behind = ranked[:keep], ranked[keep:] + behind
    return continue_below(going, [candidate for candidate, _ in behind])


def margin(found: Sequence[tuple[Any, float]], place: int = 10) -> float:
    """How far the first score is above that of ``place``: how sure a search seems to be.

    Args:
        found: ``[(candidate, score), …]``, best first.
        place: at least 1. In the course's measurements the gap to the tenth told more than that to the
            second; see the lesson *More from the same model*.

    Returns:
        A difference in the search's own unit, so a limit for it belongs to one search and one collection. The
        last one stands for ``place`` where fewer were found; infinity where there is nothing to order.

    Raises:
        TypeError, ValueError: an entry is no candidate with its score, the scores rise somewhere, or
        ``place`` is below 1.
    """
    scores = [score for _, score in read_scored(found, "found")[0]]
    check_falling(scores, "found")
    place = min(check_count("place", place), len(scores))
    return scores[0] - scores[place - 1] if len(scores) > 1 else math.inf


def rerank_if_unsure(
    query: str,
    found: Sequence[tuple[Candidate, float]],
    reranker: Reranker,
    limit: float,
    *,
    depth: int = 50,
    weight: float = 0.5,
    place: int = 10,
) -> Scored:
    """Leave a search's order where its margin is at least ``limit``; else rerank its best and mix.

    Args:
        found: ``[(candidate, score), …]``, best first, as a retriever gives them.
        limit: the margin (see ``margin``) from which on the search is taken to be sure. Choose it on queries
            that you do not report.
        depth: how many to rerank, where it is needed.
        weight: the reranker's share in the mix (``rerank_course.mixing``); 1 takes its order alone.

    Returns:
        ``[(candidate, score), …]``: all of ``found``. The unit of the scores differs between queries that
        were reranked and queries that were not.

    Raises:
        TypeError, ValueError: as ``rerank_documents`` and ``mix``.
    """
    check_query(query)
    check_reranker(reranker)
    check_weight(weight)
    depth, (found, _) = check_count("depth", depth), read_scored(found, "found")
    if margin(found, place) >= _check_limit(limit):
        return found
    first = [candidate for candidate, _ in found[:depth]]
    return mix(found, rerank_documents(query, first, reranker, top_k=None), weight)


def _check_limit(limit: Any) -> float:
    if isinstance(limit, bool) or not isinstance(limit, Real):
        raise TypeError(f"limit must be a number, in the unit of the search's scores, not {limit!r}.")
    if math.isnan(limit):
        raise ValueError("limit is nan, with which nothing can be compared.")
    return float(limit)


def _check_stages(stages: Any) -> list[Stage]:
    if isinstance(stages, Stage):
        raise TypeError("stages must be a list of stages. Put the one in a list: [stage].")
    if not isinstance(stages, Iterable):
        raise TypeError(f"stages must be a list of stages, not a {type(stages).__name__}.")
    stages = list(stages)
    if not stages:
        raise ValueError("stages is empty: there is nothing to rank with.")
    for position, stage in enumerate(stages):
        if not isinstance(stage, Stage):
            raise TypeError(f"stages[{position}] is a {type(stage).__name__}. Make it one: Stage(reranker).")
    return stages


def _run(query: str, going: Scored, stage: Stage) -> Scored:
    """One stage over the candidates that reached it."""
    candidates = [candidate for candidate, _ in going]
    scored = rerank_documents(query, candidates, stage.reranker, stage.batch_size, top_k=None)
    return scored if stage.weight == 1 else mix(going, scored, stage.weight)


def _with_scores(candidates: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Each candidate with its score, ``None`` where it came without."""
    split: list[tuple[Any, Any]] = []
    for position, candidate in enumerate(check_candidates(candidates)):
        if is_scored(candidate):
            split.append((candidate[0], check_score(candidate[1], f"candidates[{position}]")))
        else:
            split.append((candidate, None))
    return split
