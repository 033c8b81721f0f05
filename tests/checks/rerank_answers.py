"""Right answers to the exercise rerank_documents, and the plain one with one thing changed."""

import math

import numpy as np
import torch

from rerank_course import rerank
from rerank_course.checks.rerank_documents import (
    check_bad_arguments,
    check_bad_scores,
    check_best_first,
    check_one_call,
    check_top_k,
    check_what_comes_back,
)
from rerank_course.checks.toys.reranker import ToyReranker
from rerank_course.text import text_of

EXERCISE = "rerank_documents"

STEPS = {
    "best first": (check_best_first, "graded-ranking"),
    "one call": (check_one_call, "graded-one-call"),
    "what comes back": (check_what_comes_back, "graded-what-comes-back"),
    "top_k": (check_top_k, "graded-top-k"),
    "bad arguments": (check_bad_arguments, "graded-bad-arguments"),
    "bad scores": (check_bad_scores, "graded-bad-scores"),
}
HEAVY = ["best first"]  # it asks the model


def plain(query, candidates, reranker, batch_size=32, top_k=20):
    if not query.strip():
        raise ValueError("query is empty")
    if batch_size < 1:
        raise ValueError("batch_size is below 1")
    if top_k is not None and top_k < 1:
        raise ValueError("top_k is below 1")
    pairs = [(query, text_of(candidate)) for candidate in candidates]
    if not pairs:
        return []
    scores = reranker.predict(pairs, batch_size=batch_size)
    if len(scores) != len(pairs):
        raise ValueError("wrong number of scores from predict")
    if np.isnan(scores).any():
        raise ValueError("NaN from the reranker")
    ranked = sorted(zip(candidates, scores), key=lambda row: row[1], reverse=True)
    return [(candidate, float(score)) for candidate, score in ranked[:top_k]]


def with_numpy(query, candidates, reranker, batch_size=32, top_k=20):
    """Lists as rows, a stable argsort, TypeErrors, texts taken by hand, pairs sorted by length before."""
    if query.strip() == "":
        raise TypeError(f"I need a query, not {query!r}")
    for name, value in (("batch_size", batch_size), ("top_k", top_k)):
        if value is not None and value <= 0:
            raise TypeError(f"{name}: {value}")
    if len(candidates) == 0:
        return ()
    texts = []
    for i, candidate in enumerate(candidates):
        text = (
            candidate
            if isinstance(candidate, str)
            else candidate.get("text")
            if isinstance(candidate, dict)
            else candidate.content
        )
        if not text or text.isspace():
            raise ValueError(f"No text in candidates[{i}]")
        texts.append(text)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    answer = np.asarray(
        reranker.predict([[query, texts[i]] for i in order], batch_size=batch_size), dtype=float
    )
    if answer.shape != (len(texts),) or not np.isfinite(answer).all():
        raise ValueError(f"Scores of shape {answer.shape}, or some that are no numbers")
    scores = np.empty(len(texts))
    scores[order] = answer
    best = np.argsort(-scores, kind="stable")[: len(texts) if top_k is None else top_k]
    return [[candidates[i], scores[i].item()] for i in best]


def with_torch(query, candidates, reranker, batch_size=32, top_k=20):
    """Ties settled by position in the key; checks in another order."""
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be positive or None, got {top_k}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be positive, got {batch_size}")
    if not query or query.isspace():
        raise ValueError("the query must not be blank")
    if not candidates:
        return []
    texts = [text_of(candidate, f"candidates[{i}]") for i, candidate in enumerate(candidates)]
    scores = torch.as_tensor(
        reranker.predict([(query, text) for text in texts], batch_size=batch_size, show_progress_bar=False)
    ).tolist()
    if len(scores) != len(texts) or any(math.isnan(score) for score in scores):
        raise ValueError(f"reranker returned {scores}")
    places = sorted(range(len(texts)), key=lambda i: (-scores[i], i))
    return [(candidates[i], scores[i]) for i in places][: top_k or None]


RIGHT = [plain, with_numpy, with_torch]


def variant(**changed):
    """The plain right answer in parts, some of them replaced."""
    parts = {
        "check": lambda query, batch_size, top_k: plain(query, [], None, batch_size, top_k),
        "text": text_of,
        "pair": lambda query, text: (query, text),
        "score": lambda reranker, pairs, batch_size: reranker.predict(pairs, batch_size=batch_size),
        "check_scores": lambda scores, count: plain("q", ["d"] * count, ToyReranker(answer=scores)) and None,
        "sort": lambda rows: sorted(rows, key=lambda row: row[1], reverse=True),
        "cut": lambda rows, top_k: rows[:top_k],
        "row": lambda candidate, score: (candidate, float(score)),
    } | changed

    def rerank_documents(query, candidates, reranker, batch_size=32, top_k=20):
        parts["check"](query, batch_size, top_k)
        pairs = [parts["pair"](query, parts["text"](candidate)) for candidate in candidates]
        if not pairs:
            return []
        scores = parts["score"](reranker, pairs, batch_size)
        parts["check_scores"](scores, len(pairs))
        return [parts["row"](*row) for row in parts["cut"](parts["sort"](zip(candidates, scores)), top_k)]

    return rerank_documents


def ignore(*arguments):
    return None


def slices(reranker, pairs, batch_size):
    return np.concatenate(
        [
            reranker.predict(pairs[i : i + batch_size], batch_size=batch_size)
            for i in range(0, len(pairs), batch_size)
        ]
    )


def whole_slices(reranker, pairs, batch_size):
    batches = [pairs[i * batch_size : (i + 1) * batch_size] for i in range(len(pairs) // batch_size)]
    return [
        score for batch in batches for score in reranker.predict(batch, batch_size=batch_size)
    ] or reranker.predict(pairs, batch_size=batch_size)


def each_slice_ranked(query, candidates, reranker, batch_size=32, top_k=20):
    ranking = []
    for i in range(0, len(candidates), batch_size):
        ranking += plain(query, candidates[i : i + batch_size], reranker, batch_size, None)
    return ranking[:top_k]


def cut_first(query, candidates, reranker, batch_size=32, top_k=20):
    return plain(query, candidates[:top_k], reranker, batch_size, top_k)


def cut_to_batch(query, candidates, reranker, batch_size=32, top_k=20):
    return plain(query, candidates[:batch_size], reranker, batch_size, top_k)


def sorts_in_place(query, candidates, reranker, batch_size=32, top_k=20):
    ranking = plain(query, candidates, reranker, batch_size, None)
    candidates.sort(
        key=lambda candidate: next(score for other, score in ranking if other is candidate), reverse=True
    )
    return ranking[:top_k]


def writes_into_candidates(query, candidates, reranker, batch_size=32, top_k=20):
    ranking = plain(query, candidates, reranker, batch_size, top_k)
    for candidate, score in ranking:
        if isinstance(candidate, dict):
            candidate["score"] = score
    return ranking


def by_text(query, candidates, reranker, batch_size=32, top_k=20):
    found = {text_of(candidate): candidate for candidate in candidates}
    return [(found[text], score) for text, score in plain(query, list(found), reranker, batch_size, top_k)]


def no_early_return(query, candidates, reranker, batch_size=32, top_k=20):
    scores = reranker.predict(
        [(query, text_of(candidate)) for candidate in candidates], batch_size=batch_size
    )
    return sorted(zip(candidates, map(float, scores)), key=lambda row: row[1], reverse=True)[:top_k]


def empty_crashes(query, candidates, reranker, batch_size=32, top_k=20):
    text_of(candidates[0])
    return plain(query, candidates, reranker, batch_size, top_k)


def swallows(query, candidates, reranker, batch_size=32, top_k=20):
    try:
        return plain(query, candidates, reranker, batch_size, top_k)
    except (ValueError, TypeError) as error:
        print(error)
        return []


def skips_what_has_no_text(query, candidates, reranker, batch_size=32, top_k=20):
    kept = [
        candidate
        for candidate in candidates
        if (candidate if isinstance(candidate, str) else candidate.get("text", "")).strip()
    ]
    return plain(query, kept, reranker, batch_size, top_k)


def asserts(query, batch_size, top_k):
    assert query.strip(), "query is empty"


def vague(query, batch_size, top_k):
    if not query.strip() or batch_size < 1 or (top_k is not None and top_k < 1):
        raise ValueError("bad input")


def only_without_strip(query, batch_size, top_k):
    if not query:
        raise ValueError("query is empty")


def only_the_query(query, batch_size, top_k):
    plain(query, [], None)


def not_top_k(query, batch_size, top_k):
    plain(query, [], None, batch_size)


def not_zero(query, batch_size, top_k):
    if top_k is not None and top_k < 0:
        raise ValueError("top_k is negative")
    plain(query, [], None, batch_size)


def strict_zip(query, candidates, reranker, batch_size=32, top_k=20):
    scores = reranker.predict(
        [(query, text_of(candidate)) for candidate in candidates], batch_size=batch_size
    )
    return sorted(zip(candidates, scores, strict=True), key=lambda row: row[1], reverse=True)


def too_few_only(scores, count):
    if len(scores) < count or np.isnan(scores).any():
        raise ValueError("the reranker gave too few scores")


def count_only(scores, count):
    if len(scores) != count:
        raise ValueError("the reranker gave another number of scores")


def compares_with_nan(scores, count):
    if len(scores) != count or float("nan") in list(map(float, scores)):
        raise ValueError("NaN from the reranker")


def hides_numbers(query, candidates, reranker, batch_size=32, top_k=20):
    return plain(query, candidates, reranker, batch_size, top_k or len(candidates))


def unstable(rows):
    rows = list(rows)
    order = sorted(range(len(rows)), key=lambda i: (-rows[i][1], i * 7 % 5))
    return [rows[i] for i in order]


def sorted_alone(query, candidates, reranker, batch_size=32, top_k=20):
    return [
        (candidate, score)
        for candidate, (_, score) in zip(candidates, plain(query, candidates, reranker, batch_size, top_k))
    ]


def through_the_package(query, candidates, reranker, batch_size=32, top_k=20):
    return rerank.rerank_documents(query, candidates, reranker, batch_size, top_k)
