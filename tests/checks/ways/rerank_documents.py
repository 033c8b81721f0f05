"""Right answers to the exercise rerank_documents: each passes all of its steps."""
# ruff: noqa: C417 (as people write)

import heapq
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from rerank_course.text import text_of
from tests.checks.rerank_answers import HEAVY, STEPS
from tests.checks.ways import Ways

WAYS = Ways("rerank_documents", STEPS, heavy=HEAVY)
WAYS.names = dict.fromkeys(STEPS, "rerank_documents")


def right(answer):
    for step in STEPS:
        WAYS.right(step)(answer)
    return answer


@right
def with_capital_letters(query, candidates, reranker, batch_size=32, top_k=20):
    if query.strip() == "":
        raise ValueError("Query must not be empty")
    if batch_size < 1:
        raise ValueError("BATCH_SIZE must be positive")
    if top_k is not None and top_k < 1:
        raise ValueError("Top_k must be positive")
    if not candidates:
        return []
    texts = []
    for candidate in candidates:
        try:
            texts.append(text_of(candidate))
        except (TypeError, ValueError):
            raise ValueError("Candidate without a text") from None
    scores = reranker.predict([(query, text) for text in texts], batch_size=batch_size)
    if len(scores) != len(texts):
        raise ValueError("Reranker returned the wrong number")
    if any(score != score for score in scores):
        raise ValueError("RERANKER RETURNED NAN")
    rows = list(zip(candidates, map(float, scores)))
    rows.sort(key=lambda row: row[1], reverse=True)
    return rows if top_k is None else rows[:top_k]


@right
def with_names_in_words(query, candidates, reranker, batch_size=32, top_k=20):
    """The arguments' names with a space or a hyphen."""
    if not query or not query.strip():
        raise TypeError("no query given")
    if batch_size <= 0:
        raise TypeError("the batch size has to be 1 or more")
    if top_k is not None and top_k <= 0:
        raise TypeError("top-k has to be 1 or more")
    texts = [text_of(candidate, "candidates") for candidate in candidates]
    if len(texts) == 0:
        return ()
    values = np.asarray(reranker.predict([[query, t] for t in texts], batch_size=batch_size), dtype=float)
    if values.shape != (len(texts),) or np.isnan(values).any():
        raise ValueError("unusable scores")
    best = np.lexsort((np.arange(len(values)), -values))[:top_k]
    return tuple((candidates[i], values[i].item()) for i in best)


@right
def with_the_library_s_options(query, candidates, reranker, batch_size=32, top_k=20):
    for name, value in (
        ("query", query.strip()),
        ("batch_size", batch_size > 0),
        ("top_k", top_k is None or top_k > 0),
    ):
        if not value:
            raise ValueError(f"{name} makes no sense")
    texts = list(map(lambda c: text_of(c, "candidates"), candidates))
    if texts == []:
        return texts
    scores = reranker.predict(
        inputs=[(query, text) for text in texts],
        batch_size=batch_size,
        show_progress_bar=False,
        convert_to_tensor=True,
    )
    scores = torch.as_tensor(scores)
    if scores.numel() != len(texts) or bool(torch.isnan(scores).any()):
        raise ValueError(f"the reranker gave {tuple(scores.shape)}")
    order = torch.sort(scores, descending=True, stable=True).indices.tolist()
    return [(candidates[i], float(scores[i])) for i in itertools.islice(order, top_k)]


@right
def with_a_heap(query, candidates, reranker, batch_size=32, top_k=20):
    if query.isspace() or not query:
        raise ValueError(f"query={query!r}")
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k}")
    pairs = [(query, text_of(candidate, f"candidates[{i}]")) for i, candidate in enumerate(candidates)]
    if pairs:
        scores = [float(score) for score in reranker.predict(pairs, batch_size=batch_size)]
        if len(scores) != len(pairs) or any(map(math.isnan, scores)):
            raise ValueError("reranker.predict")
        rows = zip(candidates, scores)
        return heapq.nlargest(len(scores) if top_k is None else top_k, rows, key=lambda row: row[1])
    return []


@right
def with_pandas(
    query: str, candidates: list[Any], reranker: Any, batch_size: int = 32, top_k: int | None = 20
):
    """In a table."""
    if not query.strip():
        raise ValueError("The query is blank.")
    if min(batch_size, 1) < 1:
        raise ValueError("batch_size < 1")
    if top_k is not None and not top_k >= 1:
        raise ValueError("top_k < 1")
    table = pd.DataFrame({"text": [text_of(candidate, "candidates") for candidate in candidates]})
    if table.empty:
        return []
    scores = reranker.predict([(query, text) for text in table["text"]], batch_size=batch_size)
    table["score"] = pd.Series(scores) if len(scores) == len(table) else np.nan
    if table["score"].isna().any():
        raise ValueError("The scores are too few, too many or NaN.")
    table = table.sort_values("score", ascending=False, kind="stable")
    table = table if top_k is None else table.head(top_k)
    return [(candidates[place], float(score)) for place, score in table["score"].items()]


@dataclass(order=True)
class Row:
    """Sorted by score, then by place."""

    negative: float
    place: int


@right
def with_a_dataclass(query, candidates, reranker, batch_size=32, top_k=20):
    class Checked:
        def __init__(self, name, number):
            if number is not None and number < 1:
                raise ValueError(name)

    Checked("batch_size", batch_size)
    Checked("top_k", top_k)
    if not (words := query.split()):
        raise ValueError(f"query has {len(words)} words")
    texts = [text_of(candidate, "candidates") for candidate in candidates]
    if not texts:
        return []
    scores = list(reranker.predict([(query, text) for text in texts], batch_size=batch_size))
    try:
        rows = sorted(
            Row(-float(score), place) for place, score in zip(range(len(texts)), scores, strict=True)
        )
    except ValueError as error:
        raise ValueError("predict gave another number of scores") from error
    if sum(row.negative != row.negative for row in rows):
        raise ValueError("predict gave NaN")
    return [[candidates[row.place], -row.negative] for row in rows][:top_k]


def _two_by_two(rows):
    """Merge sort, which is stable."""
    if len(rows) < 2:
        return rows
    first, second = _two_by_two(rows[: len(rows) // 2]), _two_by_two(rows[len(rows) // 2 :])
    merged = []
    while first and second:
        merged.append((first if first[0][1] >= second[0][1] else second).pop(0))
    return merged + first + second


@right
def with_a_sort_of_its_own(query, candidates, reranker, batch_size=32, top_k=20):
    problems = {
        "query": not query.strip(),
        "batch_size": batch_size < 1,
        "top_k": top_k is not None and top_k < 1,
        "candidates": any(not is_text(candidate) for candidate in candidates),
    }
    for name, is_problem in problems.items():
        if is_problem:
            raise ValueError(f"Bad {name.upper()}!")
    if not candidates:
        return []
    texts = [text_of(candidate) for candidate in candidates]
    scores = np.array(reranker.predict([(query, text) for text in texts], batch_size=batch_size)).tolist()
    if len(scores) != len(candidates) or not all(map(math.isfinite, scores)):
        raise TypeError("Scores?")
    return _two_by_two(list(zip(candidates, scores)))[: top_k if top_k else None]


def is_text(candidate):
    try:
        return bool(text_of(candidate).strip())
    except (TypeError, ValueError):
        return False
