"""Seconds for a query against nDCG@10: the reranker's order, mixes, cascades and a gate, on both corpora.

The same functions are measured twice: over all judged queries with recorded scores, which gives the quality,
and over a sample of them with the int8 engine, which gives the time.
"""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from rerank_course.engine.int8 import Int8Reranker
from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.evaluate import answered_queries, paired_difference, per_query
from rerank_course.models import load_embedder
from rerank_course.retrieve import BM25Retriever, DenseRetriever, Retriever
from rerank_course.stages import Stage, cascade, margin, rerank_if_unsure
from rerank_course.texts.beir import Corpus
from rerank_course.texts.corpora import CORPORA, load_corpus

DEPTH, SAMPLE = 100, 20
EQUAL = 0.01  # nDCG@10
LESS_FULL = "less rerank 100 of the same search"
Ranking = list[tuple[Any, float]]
System = Callable[[str], Ranking]


class Counting:
    """A reranker that counts its pairs."""

    def __init__(self, reranker: Any) -> None:
        self.reranker, self.pairs = reranker, 0

    def predict(self, pairs: list[tuple[str, str]], batch_size: int = 32) -> np.ndarray:
        self.pairs += len(pairs)
        return self.reranker.predict(pairs, batch_size=batch_size)


def uses() -> dict[str, pd.DataFrame]:
    """{corpus: a table with a row for each system}."""
    embedder, engine = load_embedder(), Int8Reranker()
    return {name: _table(load_corpus(name), embedder, engine) for name in CORPORA}


def _table(corpus: Corpus, embedder: Any, engine: Int8Reranker) -> pd.DataFrame:
    documents = list(corpus.documents.values())
    bm25, dense = BM25Retriever(documents), DenseRetriever(documents, embedder)
    queries = answered_queries(corpus)
    limit = float(np.median([margin(dense.search(corpus.queries[query], DEPTH)) for query in queries]))
    recorded = Counting(RecordedReranker(corpus.name, "int8", live=engine))
    tables, pairs = {}, {}
    for system, answer in systems(bm25, dense, recorded, limit).items():
        recorded.pairs = 0
        run = {query: [(c.id, s) for c, s in answer(corpus.queries[query])] for query in queries}
        tables[system], pairs[system] = per_query(run, corpus), recorded.pairs / len(queries)
    sample = [corpus.queries[query] for query in random.Random(0).sample(queries, SAMPLE)]
    seconds = _seconds(systems(bm25, dense, engine, limit), sample)
    rows = {system: _row(system, tables, pairs, seconds) for system in tables}
    return pd.DataFrame.from_dict(rows, orient="index")


def systems(bm25: BM25Retriever, dense: DenseRetriever, reranker: Any, limit: float) -> dict[str, System]:
    """{name: what answers a query}; a name begins with its first stage.

    Args:
        limit: the margin from which on the gate leaves the dense search's order as it is.
    """
    full, half = Stage(reranker), Stage(reranker, weight=0.5)

    def staged(first: Retriever, depth: int, *stages: Stage) -> System:
        return lambda query: cascade(query, first.search(query, depth), stages)

    def gated(query: str) -> Ranking:
        return rerank_if_unsure(query, dense.search(query, DEPTH), reranker, limit, depth=DEPTH)

    return {
        "BM25": lambda query: bm25.search(query, DEPTH),
        "BM25 + rerank 100": staged(bm25, DEPTH, full),
        "BM25, 100 by cosine": staged(bm25, DEPTH, Stage(dense)),
        "BM25 + cascade 10": staged(bm25, DEPTH, Stage(dense, keep=10), full),
        "BM25 + cascade 30": staged(bm25, DEPTH, Stage(dense, keep=30), full),
        "BM25 + cascade 30, mixed": staged(bm25, DEPTH, Stage(dense, keep=30), half),
        "dense": lambda query: dense.search(query, DEPTH),
        "dense + rerank 100": staged(dense, DEPTH, full),
        "dense + rerank 30": staged(dense, 30, full),
        "dense + mix 100": staged(dense, DEPTH, half),
        "dense + mix 30": staged(dense, 30, half),
        "dense + mix 10": staged(dense, 10, half),
        "dense + gate 100": gated,
    }


def _seconds(by_name: Mapping[str, System], queries: list[str]) -> dict[str, float]:
    """Mean seconds for a query; each query goes to all systems, in a new order each time."""
    order, spent = random.Random(1), dict.fromkeys(by_name, 0.0)
    for answer in by_name.values():
        answer(queries[0])  # warm up
    for query in queries:
        for system in order.sample(list(by_name), len(by_name)):
            began = time.perf_counter()
            by_name[system](query)
            spent[system] += time.perf_counter() - began
    return {system: seconds / len(queries) for system, seconds in spent.items()}


def _row(
    system: str,
    tables: Mapping[str, pd.DataFrame],
    pairs: Mapping[str, float],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    search = system.replace(",", " +").split(" + ")[0]
    own = tables[system]
    return {
        "pairs": pairs[system],
        "seconds": seconds[system],
        "nDCG@10": own["nDCG@10"].mean(),
        LESS_FULL: paired_difference(tables[f"{search} + rerank {DEPTH}"], own),
        "less the search alone": paired_difference(tables[search], own),
    }


def cheap_and_no_worse(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Who asks for at most a third of the pairs of reranking a hundred, and what that costs, on all corpora.

    Returns:
        {"no worse": whose interval of the difference begins above -.01, "equal": whose interval lies within
        .01 to both sides}; of those that ask for a pair at all.
    """
    names = next(iter(tables.values())).index

    def all_of(holds: Callable[[pd.Series], bool]) -> list[str]:
        return [name for name in names if all(holds(table.loc[name]) for table in tables.values())]

    cheap = all_of(lambda row: 0 < row["pairs"] <= DEPTH / 3)
    no_worse = all_of(lambda row: row[LESS_FULL][1] >= -EQUAL)
    equal = all_of(lambda row: row[LESS_FULL][1] >= -EQUAL and row[LESS_FULL][2] <= EQUAL)
    return {
        "no worse": [name for name in cheap if name in no_worse],
        "equal": [name for name in cheap if name in equal],
    }


def formatted(table: pd.DataFrame) -> pd.DataFrame:
    """A table as text."""

    def difference(row: tuple[float, float, float]) -> str:
        return "{:+.3f} ({:+.3f} to {:+.3f})".format(*row)

    shown = {"pairs": "{:.0f}".format, "seconds": "{:.3f}".format, "nDCG@10": "{:.3f}".format}
    return pd.DataFrame({name: table[name].map(shown.get(name, difference)) for name in table})
