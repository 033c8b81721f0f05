"""What ir-measures gives for a run, query by query.

A run is ``{query: [document ids, best first]}``, qrels are ``{query: {document: grade}}``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import ir_measures
from ir_measures import RR, nDCG

from rerank_course.evaluate import RELEVANT

Rankings = Mapping[str, Sequence[str]]
Qrels = Mapping[str, Mapping[str, int]]
Values = Mapping[str, float]

NAMES = ("nDCG@10", "RR@10")


def named(name: str) -> Any:
    """The course's measure of this name."""
    return nDCG @ 10 if name == "nDCG@10" else RR(rel=RELEVANT) @ 10


def measure_rankings(run: Rankings, qrels: Qrels, measure: Any) -> dict[str, float]:
    """One measure for each query, the first document of a ranking being the best."""
    scored = {
        query: {document: -float(place) for place, document in enumerate(ranking)}
        for query, ranking in run.items()
        if ranking
    }
    return measure_scores(scored, qrels, measure)


def measure_scores(scored: Mapping[str, Mapping[str, float]], qrels: Qrels, measure: Any) -> dict[str, float]:
    """The same for a run that gives each document a score."""
    return {value.query_id: value.value for value in ir_measures.iter_calc([measure], qrels, scored)}


def measure_ranking(ranking: Sequence[str], grades: Mapping[str, int], measure: Any) -> float | None:
    """One measure of one query's ranking; ``None`` if there is nothing to measure."""
    return measure_rankings({"q": ranking}, {"q": grades}, measure).get("q")
