"""Other uses of a reranker's scores: mixed with the search's, behind a cheaper stage, or only at need.

What has to be chosen is chosen by cross-validation over the queries, never on those that are reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rerank_course.evaluate import choose_held_out, deal_folds, per_query
from rerank_course.mixing import mix
from rerank_course.retrieve import DenseRetriever, Retriever
from rerank_course.stages import Stage, cascade, margin
from rerank_course.texts.beir import Corpus
from rerank_course.texts.trec import Run

RERANK, MIX, CASCADE, GATE = "rerank", "mix", "cascade", "gate"
USES = (RERANK, MIX, CASCADE, GATE)
WEIGHTS = (0.5, 0.25, 0.75, 1.0, 0.0)  # the reranker's share; of equally good ones the first is taken
FOLDS = 5
LEAST = 0.3  # share of the queries on each side of a gate


@dataclass(frozen=True)
class Others:
    """What else can be made of the first stages.

    Attributes:
        runs: by name; ``names_of`` says which.
        weights: the reranker's share that each mix should be used with from now on.
        margins: the margin from which on each gate should leave the search's order from now on.
    """

    runs: dict[str, Run]
    weights: dict[str, float]
    margins: dict[str, float]


def system_name(stage: str, use: str, depth: int) -> str:
    """The name of a system, for example ``dense + mix 50``."""
    return f"{stage} + {use} {depth}"


def names_of(stage: str, depths: Sequence[int]) -> list[str]:
    """The names of all systems that an evaluation may make of a first stage, itself included."""
    uses = [system_name(stage, use, depth) for use in (RERANK, MIX) for depth in sorted(depths)]
    return [stage, *uses, system_name(stage, CASCADE, min(depths)), system_name(stage, GATE, max(depths))]


@dataclass(frozen=True)
class Mixed:
    """A run whose weight was chosen for each query on other queries.

    Attributes:
        run: the mixed run.
        weights: the weight that each query was given.
        best: the weight that all queries together prefer: the one to use from now on.
    """

    run: Run
    weights: dict[str, float]
    best: float


def mix_held_out(corpus: Corpus, found: Run, reranked: Run, depth: int) -> Mixed:
    """The first ``depth`` of a run, mixed with the reranker's scores, with held-out weights.

    Args:
        found: the first stage's run.
        reranked: that run reranked to ``depth``, as ``retrieve_and_rerank`` gives it.
    """
    runs = {
        weight: {query: mix(ranking, reranked[query][:depth], weight) for query, ranking in found.items()}
        for weight in WEIGHTS
    }
    tables = {weight: per_query(run, corpus) for weight, run in runs.items()}
    best = max(tables, key=lambda weight: round(tables[weight]["nDCG@10"].mean(), 9))
    queries = len(tables[best])
    weights = dict.fromkeys(found, WEIGHTS[0])
    if queries > 1:  # of one query nothing can be held out
        weights |= choose_held_out(tables, folds=min(FOLDS, queries))[1].to_dict()
    return Mixed({query: runs[weight][query] for query, weight in weights.items()}, weights, best)


def gate_half(found: Run, mixed: Run) -> Run | None:
    """The mixed run for the half of the queries whose search is less sure; the others as they were found.

    The limit for a query is the median margin (``rerank_course.stages.margin``) of the other folds, so about
    half of the pairs are saved, whatever comes of it. ``None`` where margins cannot part the queries so:
    there is one query, or most have the same margin, as in scores that were made of ranks.
    """
    queries = list(found)
    margins = margins_of(found)
    if len(queries) < 2:
        return None
    fold_of = deal_folds(len(queries), min(FOLDS, len(queries)))
    limits = [np.median(margins[fold_of != fold]) for fold in range(fold_of.max() + 1)]
    sure = margins >= np.array(limits)[fold_of]
    if len(queries) > 3 and not LEAST <= sure.mean() <= 1 - LEAST:
        return None
    return {query: found[query] if is_sure else mixed[query] for query, is_sure in zip(queries, sure)}


def margins_of(found: Run) -> np.ndarray:
    """The margin of each query's search."""
    return np.array([margin(ranking) for ranking in found.values()])


def cascade_by_meaning(corpus: Corpus, found: Run, dense: DenseRetriever, reranker: Any, keep: int) -> Run:
    """A run's candidates ordered by the embedder, of which the best ``keep`` are reranked."""
    stages = [Stage(dense, keep=keep), Stage(reranker)]
    run: Run = {}
    for query, ranking in found.items():
        candidates = [corpus.documents[document] for document, _ in ranking]
        ranked = cascade(corpus.queries[query], candidates, stages)
        run[query] = [(chunk.id, score) for chunk, score in ranked]
    return run


def other_uses(
    corpus: Corpus,
    retrievers: Mapping[str, Retriever | Run],
    reranker: Any,
    runs: Mapping[str, Run],
    depths: Sequence[int],
) -> Others:
    """What else can be made of each first stage: mixes, a cascade, a gate.

    Args:
        retrievers, reranker, depths: as ``retrieve_and_rerank`` took them.
        runs: what it returned.

    There is a cascade where one of the retrievers is dense and the first stage is another, and a gate where
    margins part the queries.
    """
    more: dict[str, Run] = {}
    weights: dict[str, float] = {}
    margins: dict[str, float] = {}
    dense = next((one for one in retrievers.values() if isinstance(one, DenseRetriever)), None)
    deepest = max(depths)
    for stage, retriever in retrievers.items():
        for depth in sorted(depths):
            mixed = mix_held_out(corpus, runs[stage], runs[system_name(stage, RERANK, depth)], depth)
            name = system_name(stage, MIX, depth)
            more[name], weights[name] = mixed.run, mixed.best
        if dense is not None and retriever is not dense:
            keep = min(depths)
            more[system_name(stage, CASCADE, keep)] = cascade_by_meaning(
                corpus, runs[stage], dense, reranker, keep
            )
        name = system_name(stage, GATE, deepest)
        gated = gate_half(runs[stage], more[system_name(stage, MIX, deepest)])
        if gated is not None:
            more[name], margins[name] = gated, float(np.median(margins_of(runs[stage])))
            weights[name] = weights[system_name(stage, MIX, deepest)]
    return Others(more, weights, margins)
