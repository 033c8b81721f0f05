"""Judged queries in, honest numbers out: nDCG@10, RR@10 and recall by ir-measures, with bootstrap intervals.

A *run* is ``{query id: [(document id, score), …]}``, best first: what a system gave for each query.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ir_measures
import numpy as np
import pandas as pd
from ir_measures import RR, Judged, R, nDCG
from tqdm.auto import tqdm

from rerank_course.rerank import rerank_documents
from rerank_course.retrieve import Found, Retriever
from rerank_course.text import Chunk
from rerank_course.texts.beir import RELEVANT, Corpus
from rerank_course.texts.trec import Run

RESAMPLES = 10_000


def measures(relevant: int = RELEVANT) -> dict[str, Any]:
    """The measures by name, as the field writes them.

    RR and recall count a document from the grade ``relevant`` on; nDCG takes each grade as its gain.
    """
    return {
        "nDCG@10": nDCG @ 10,
        "RR@10": RR(rel=relevant) @ 10,
        "R@100": R(rel=relevant) @ 100,
        "judged@10": Judged @ 10,
    }


def make_run(corpus: Corpus, search: Callable[[str], Found], *, show_progress: bool = False) -> Run:
    """Run all queries of a corpus through ``search``, which gives ``[(chunk, score), …]`` for a text."""
    queries = tqdm(corpus.queries.items(), unit="query", disable=not show_progress)
    return {query_id: [(chunk.id, score) for chunk, score in search(text)] for query_id, text in queries}


def retrieve_and_rerank(
    corpus: Corpus,
    retrievers: Mapping[str, Retriever | Run],
    reranker: Any,
    depths: Sequence[int] = (10, 20, 50, 100),
    *,
    batch_size: int = 32,
    show_progress: bool = False,
) -> dict[str, Run]:
    """Each retriever's run over the answered queries, and that run reranked to each depth.

    A pair is scored once, however many retrievers found it. Below the reranked depth a run stays as retrieval
    left it. A query that is itself a document of the collection (same id, same text) does not find itself.

    Args:
        retrievers: by name; a run stands for an engine that made it.

    Returns:
        ``{"BM25": run, "BM25 + rerank 10": run, …}`` with the retrievers' names.
    """
    queries, deepest = answered_queries(corpus), max(depths)
    runs: dict[str, Run] = {}
    for query_id in tqdm(queries, unit="query", desc="Reranking", disable=not show_progress):
        found = {name: _found(one, query_id, corpus, deepest) for name, one in retrievers.items()}
        pooled = {chunk.id: chunk for ranking in found.values() for chunk, _ in ranking[:deepest]}
        query = corpus.queries[query_id]
        reranked = rerank_documents(query, pooled.values(), reranker, batch_size, top_k=None)
        scores = {chunk.id: score for chunk, score in reranked}
        for name, ranking in found.items():
            ids = [(chunk.id, score) for chunk, score in ranking]
            runs.setdefault(name, {})[query_id] = ids
            for depth in depths:
                run = runs.setdefault(f"{name} + rerank {depth}", {})
                run[query_id] = _rerank_first(ids, scores, depth)
    return runs


def _found(retriever: Retriever | Run, query_id: str, corpus: Corpus, deepest: int) -> Found:
    """What a retriever or a run has for a query, without the query itself."""
    depth = max(100, deepest)
    if isinstance(retriever, Mapping):
        found = [(corpus.documents[document], score) for document, score in retriever.get(query_id, [])]
    else:
        found = retriever.search(corpus.queries[query_id], depth + (query_id in corpus.documents))
    return [(chunk, score) for chunk, score in found if not _is_query(chunk, query_id, corpus)][:depth]


def _is_query(chunk: Chunk, query_id: str, corpus: Corpus) -> bool:
    if chunk.id != query_id:
        return False
    query = corpus.queries[query_id].split()
    return query in (chunk.text.split(), chunk.content.split())


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


def per_query(run: Run, corpus: Corpus) -> pd.DataFrame:
    """Each measure for each query: rows by query id, a column for each of ``measures()`` and ``kind``.

    Queries that nothing in the corpus answers (no document of grade ``corpus.relevant``) are left out: there,
    these measures say nothing. ``judged@10`` is the share of the first ten that people have judged; an
    unjudged document counts as not relevant, so where it is low the other columns are too low.

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
            f"The corpus {corpus.name} has no query with a document of grade {corpus.relevant} or more: "
            "nothing can be measured."
        )
    qrels = {query: corpus.qrels[query] for query in answered}
    # Ranks, not scores, go to the measures: equal scores would be put into an order of the evaluation's own.
    ranked = {
        query: {document: -float(rank) for rank, (document, _) in enumerate(run.get(query, []))}
        for query in answered
    }
    names = {measure: name for name, measure in measures(corpus.relevant).items()}
    table = pd.DataFrame(0.0, index=pd.Index(answered, name="query"), columns=list(names.values()))
    ranked = {query: found for query, found in ranked.items() if found}
    for value in ir_measures.iter_calc(list(names), qrels, ranked):
        table.loc[value.query_id, names[value.measure]] = value.value
    table["kind"] = [corpus.kinds.get(query, "") for query in answered]
    return table


def answered_queries(corpus: Corpus) -> list[str]:
    """Ids of the queries with a document of grade ``corpus.relevant`` or more, in the corpus's order."""
    best = {query: max(judged.values(), default=0) for query, judged in corpus.qrels.items()}
    return [query for query in corpus.queries if best.get(query, 0) >= corpus.relevant]


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


def choose_held_out(
    tables: Mapping[Any, pd.DataFrame], measure: str = "nDCG@10", *, folds: int = 5, seed: int = 0
) -> tuple[pd.DataFrame, pd.Series]:
    """What a setting is worth that was chosen on other queries, by cross-validation.

    The queries are dealt into ``folds``. For each fold, the setting with the best mean on all other folds is
    taken, and gives the rows of this one. So no query has a say in the setting that it is reported with.

    Args:
        tables: ``{setting: per_query(…)}`` over the same queries, for example one for each weight of a mix.
            Of equal means the setting that comes first is taken: put the simplest first.

    Returns:
        (a table as ``per_query`` gives it, the setting that each query was given).

    Raises:
        TypeError, ValueError: there is no table, they are not about the same queries, a value is missing, or
            there are fewer queries than folds.
    """
    first = _check_settings(tables, measure)
    fold_of = deal_folds(len(first), folds, seed=seed)
    best = []
    for fold in range(folds):
        means = {setting: table[measure][fold_of != fold].mean() for setting, table in tables.items()}
        best.append(max(means, key=lambda setting: round(means[setting], 9)))
    settings = [best[fold] for fold in fold_of]
    rows = [tables[setting].iloc[[place]] for place, setting in enumerate(settings)]
    given = pd.Series([None] * len(first), index=first.index, dtype=object)
    for place, setting in enumerate(settings):
        given.iat[place] = setting
    return pd.concat(rows), given


def _check_settings(tables: Any, measure: str) -> pd.DataFrame:
    """The first of the tables, if all can be compared."""
    if not isinstance(tables, Mapping):
        raise TypeError(f"tables must be a mapping, {{setting: table}}, not a {type(tables).__name__}.")
    first = next(iter(tables.values()), None)
    if first is None:
        raise ValueError("tables is empty: there is no setting to choose from.")
    if any(list(table.index) != list(first.index) for table in tables.values()):
        raise ValueError("The tables are not about the same queries.")
    if not first.index.is_unique:
        raise ValueError(
            f"The query {first.index[first.index.duplicated()][0]!r} stands in the tables twice."
        )
    for setting, table in tables.items():
        if measure not in table:
            raise ValueError(f"The table of {setting!r} has no column {measure!r}.")
        if table[measure].isna().any():
            raise ValueError(f"The table of {setting!r} has queries without a value of {measure!r}.")
    return first


def deal_folds(queries: int, folds: int = 5, *, seed: int = 0) -> np.ndarray:
    """The fold, 0 to ``folds - 1``, of each of so many queries, dealt at random into even parts."""
    if isinstance(folds, bool) or not isinstance(folds, (int, np.integer)):
        raise TypeError(f"folds must be a whole number, not {folds!r}.")
    if not 2 <= folds <= queries:
        raise ValueError(f"folds must be from 2 to the number of queries, {queries}, not {folds}.")
    return np.random.default_rng(seed).permutation(np.arange(queries) % folds)


def bootstrap_interval(values: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a mean: 10,000 draws of the queries, with replacement."""
    values, random = np.asarray(values), np.random.default_rng(seed)
    block = 1000  # draws at a time, so that memory does not grow with both
    means = np.concatenate(
        [
            values[random.integers(0, len(values), (block, len(values)))].mean(axis=1)
            for _ in range(RESAMPLES // block)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
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
