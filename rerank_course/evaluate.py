"""Judged queries in, honest numbers out: nDCG@10, RR@10 and recall by ir-measures, with bootstrap intervals.

A *run* is ``{query id: [(document id, score), …]}``, best first: what a system gave for each query.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pandas as pd
from ir_measures import RR, Judged, R, nDCG
from tqdm.auto import tqdm

from rerank_course.rerank import rerank_documents
from rerank_course.retrieve import Found, Retriever
from rerank_course.texts.beir import Corpus

Run = dict[str, list[tuple[str, float]]]

RELEVANT = 2  # grades from here on answer the query, in whole or in part
# Names as the field writes them; RR and recall count a document as relevant from grade 2 on.
MEASURES = {
    "nDCG@10": nDCG @ 10,
    "RR@10": RR(rel=RELEVANT) @ 10,
    "R@100": R(rel=RELEVANT) @ 100,
    "judged@10": Judged @ 10,
}
RESAMPLES = 10_000


def make_run(corpus: Corpus, search: Callable[[str], Found], *, show_progress: bool = False) -> Run:
    """Run all queries of a corpus through ``search``, which gives ``[(chunk, score), …]`` for a text."""
    queries = tqdm(corpus.queries.items(), unit="query", disable=not show_progress)
    return {query_id: [(chunk.id, score) for chunk, score in search(text)] for query_id, text in queries}


def retrieve_and_rerank(
    corpus: Corpus,
    retrievers: Mapping[str, Retriever],
    reranker: Any,
    depths: Sequence[int] = (10, 20, 50, 100),
    *,
    batch_size: int = 32,
    show_progress: bool = False,
) -> dict[str, Run]:
    """Each retriever's run over the answered queries, and that run reranked to each depth.

    A pair is scored once, however many retrievers found it. Below the reranked depth a run stays as retrieval
    left it.

    Returns:
        ``{"BM25": run, "BM25 + rerank 10": run, …}`` with the retrievers' names.
    """
    deepest = max(depths)
    runs: dict[str, Run] = {}
    with tqdm(total=len(answered_queries(corpus)), unit="query", disable=not show_progress) as bar:
        for query_id in answered_queries(corpus):
            query = corpus.queries[query_id]
            found = {name: one.search(query, max(100, deepest)) for name, one in retrievers.items()}
            pooled = {chunk.id: chunk for ranking in found.values() for chunk, _ in ranking[:deepest]}
            reranked = rerank_documents(query, pooled.values(), reranker, batch_size, top_k=None)
            scores = {chunk.id: score for chunk, score in reranked}
            for name, ranking in found.items():
                ids = [(chunk.id, score) for chunk, score in ranking]
                runs.setdefault(name, {})[query_id] = ids
                for depth in depths:
                    run = runs.setdefault(f"{name} + rerank {depth}", {})
                    run[query_id] = _rerank_first(ids, scores, depth)
            bar.update()
    return runs


def _rerank_first(
    ranking: list[tuple[str, float]], scores: Mapping[str, float], depth: int
) -> list[tuple[str, float]]:
    """The first ``depth`` by reranker score, the rest behind them.

    The rest get scores that go on falling, since retrieval's own cannot be compared with the reranker's.
    """
    first = sorted((document for document, _ in ranking[:depth]), key=scores.__getitem__, reverse=True)
    rest = [document for document, _ in ranking[depth:]]
    floor = min((scores[document] for document in first), default=0.0)
    below = [(document, floor - place) for place, document in enumerate(rest, start=1)]
    return [(document, scores[document]) for document in first] + below


def write_trec_run(run: Run, path: Path, tag: str) -> None:
    """Write a run as a TREC run file: query id, Q0, document id, rank, score, tag. Whole or not at all.

    Raises:
        ValueError: an id or the tag holds white space, which the format cannot express.
    """
    lines = []
    for query, ranking in run.items():
        for rank, (document, score) in enumerate(ranking, start=1):
            fields = (query, "Q0", document, str(rank), f"{score:.6f}", tag)
            if any(re.search(r"\s", field) or not field for field in fields):
                raise ValueError(f"A TREC run file cannot hold ids with white space: {fields}.")
            lines.append(" ".join(fields) + "\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".part")
    scratch.write_text("".join(lines), encoding="utf-8", newline="\n")
    os.replace(scratch, path)


def per_query(run: Run, corpus: Corpus) -> pd.DataFrame:
    """Each measure for each query: rows by query id, a column for each of ``MEASURES`` and ``kind``.

    Queries that nothing in the corpus answers (no document of grade 2 or 3) are left out: there, these
    measures say nothing. ``judged@10`` is the share of the first ten that people have judged; an unjudged
    document counts as not relevant, so where it is low the other columns are too low.

    Raises:
        ValueError: the run names a query that the corpus does not have, or no query is judged.
    """
    unknown = [query for query in run if query not in corpus.queries]
    if unknown:
        raise ValueError(
            f"The run has the query {unknown[0]!r}, which the corpus {corpus.name} does not have."
        )
    answered = answered_queries(corpus)
    if not answered:
        raise ValueError(
            f"The corpus {corpus.name} has no query with a document of grade {RELEVANT} or more: "
            "nothing can be measured."
        )
    qrels = {query: corpus.qrels[query] for query in answered}
    # Ranks, not scores, go to the measures: equal scores would be put into an order of the evaluation's own.
    ranked = {
        query: {document: -float(rank) for rank, (document, _) in enumerate(run.get(query, []))}
        for query in answered
    }
    table = pd.DataFrame(0.0, index=pd.Index(answered, name="query"), columns=list(MEASURES))
    names = {measure: name for name, measure in MEASURES.items()}
    ranked = {query: found for query, found in ranked.items() if found}
    for value in ir_measures.iter_calc(list(MEASURES.values()), qrels, ranked):
        table.loc[value.query_id, names[value.measure]] = value.value
    table["kind"] = [corpus.kinds.get(query, "") for query in answered]
    return table


def answered_queries(corpus: Corpus) -> list[str]:
    """Ids of the queries that at least one document of grade 2 or 3 answers, in the corpus's order."""
    return [
        query for query in corpus.queries if max(corpus.qrels.get(query, {}).values(), default=0) >= RELEVANT
    ]


def summary(
    tables: Mapping[str, pd.DataFrame], measures: Sequence[str] = ("nDCG@10", "RR@10")
) -> pd.DataFrame:
    """One row for each system: means with 95 % bootstrap intervals, share of judged documents, queries.

    Args:
        tables: ``{name of the system: per_query(…)}``.
        measures: which columns to show with an interval.
    """
    rows = {}
    for name, table in tables.items():
        row: dict[str, object] = {}
        for measure in measures:
            low, high = bootstrap_interval(table[measure].to_numpy())
            row[measure] = table[measure].mean()
            row[f"{measure} 95 %"] = f"{low:.3f}–{high:.3f}"
        rows[name] = row | {"judged@10": table["judged@10"].mean(), "queries": len(table)}
    return pd.DataFrame.from_dict(rows, orient="index")


def paired_difference(
    before: pd.DataFrame, after: pd.DataFrame, measure: str = "nDCG@10"
) -> tuple[float, float, float]:
    """Mean of ``after − before`` over the same queries, and its 95 % interval: (mean, low, high).

    The interval is a paired bootstrap's.

    Where the interval does not hold 0, the difference is unlikely to be an accident of which queries were
    asked.

    Raises:
        ValueError: the two tables are not about the same queries.
    """
    if list(before.index) != list(after.index):
        raise ValueError(
            "The two tables are not about the same queries, so no query can be paired with itself."
        )
    differences = (after[measure] - before[measure]).to_numpy()
    return float(differences.mean()), *bootstrap_interval(differences)


def bootstrap_interval(values: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a mean: 10,000 draws of the queries, with replacement."""
    draws = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(np.asarray(values)[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def by_kind(tables: Mapping[str, pd.DataFrame], measure: str = "nDCG@10") -> pd.DataFrame:
    """Mean of one measure for each kind of query (rows) and system (columns), with the number of queries."""
    columns = {name: table.groupby("kind")[measure].mean() for name, table in tables.items()}
    counts = next(iter(tables.values())).groupby("kind").size()
    return pd.DataFrame({"queries": counts, **columns})


def same_top(first: Run, second: Run, depths: Sequence[int] = (1, 3, 10)) -> dict[str, float]:
    """The share of the queries, 0 to 1, whose first documents are the same in two runs, in any order.

    Returns:
        ``{"top 1": …, "top 3": …, …}``.

    Raises:
        ValueError: the runs are not about the same queries, or about none.
    """
    if first.keys() != second.keys() or not first:
        raise ValueError("The two runs are not about the same queries.")

    def share(depth: int) -> float:
        return float(np.mean([_top(first[query], depth) == _top(second[query], depth) for query in first]))

    return {f"top {depth}": share(depth) for depth in depths}


def _top(ranking: list[tuple[str, float]], depth: int) -> set[str]:
    return {document for document, _ in ranking[:depth]}


def winners_and_losers(
    before: pd.DataFrame, after: pd.DataFrame, corpus: Corpus, measure: str = "nDCG@10"
) -> pd.DataFrame:
    """Each query with its measure before and after and the difference, the largest gain first."""
    table = pd.DataFrame(
        {
            "text": [corpus.queries[query] for query in before.index],
            "kind": before["kind"],
            "before": before[measure],
            "after": after[measure],
        }
    )
    table["difference"] = table["after"] - table["before"]
    return table.sort_values("difference", ascending=False, kind="stable")
