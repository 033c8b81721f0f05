"""Checks of the exercise rerank_documents: right answers pass, here and in the graded cells; the stub is not attempted; wrong
ones get the message meant for them.
"""

import math

import numpy as np
import pytest
import torch

from rerank_course import rerank
from rerank_course.checks import rerank_documents as checks
from rerank_course.checks.rerank_documents import (
    check_bad_arguments,
    check_bad_scores,
    check_best_first,
    check_one_call,
    check_top_k,
    check_what_comes_back,
)
from rerank_course.checks.toys.reranker import ToyReranker, shuffled
from rerank_course.checks.verdict import Verdict
from rerank_course.text import Chunk, text_of
from tests.support.exercises import graded_cells, passes

EXERCISE = "rerank_documents"
STEPS = {
    "best first": (check_best_first, "graded-ranking"),
    "one call": (check_one_call, "graded-one-call"),
    "what comes back": (check_what_comes_back, "graded-what-comes-back"),
    "top_k": (check_top_k, "graded-top-k"),
    "bad arguments": (check_bad_arguments, "graded-bad-arguments"),
    "bad scores": (check_bad_scores, "graded-bad-scores"),
}


def verdicts(answer):
    return {step: check(answer) for step, (check, _) in STEPS.items()}


# Right answers


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


@pytest.mark.parametrize("answer", RIGHT)
@pytest.mark.parametrize("step", STEPS)
def test_right(step, answer):
    check, cell = STEPS[step]
    verdict = check(answer)
    assert verdict.status == "right", verdict
    assert passes(EXERCISE, cell, rerank_documents=answer)


# Wrong answers: the plain one with one thing changed


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


WRONG = [
    ("best first", variant(sort=lambda rows: sorted(rows, key=lambda row: row[1])), "worst document first"),
    ("best first", variant(row=lambda candidate, score: (score, candidate)), "Swap the two"),
    ("best first", variant(pair=lambda query, text: (text, query)), "the score of (document, query)"),
    (
        "best first",
        variant(row=lambda candidate, score: (candidate, 1 / (1 + math.exp(-score)))),
        "the logit after a sigmoid",
    ),
    ("best first", sorted_alone, "belong to other documents"),
    (
        "best first",
        variant(text=lambda c: c.content),
        "Given 5 texts: rerank_documents raised AttributeError",
    ),
    ("best first", variant(text=lambda c: c), "paired the query with Chunk"),
    ("best first", variant(text=str), "take it with text_of(candidate)"),
    (
        "best first",
        variant(text=lambda c: c.text if isinstance(c, Chunk) else text_of(c)),
        "Its heading is lost",
    ),
    (
        "best first",
        lambda query, candidates, reranker: [d for d in candidates],
        "should return a list of (document, score), but the list holds str",
    ),
    (
        "best first",
        lambda query, candidates, reranker: reranker.rank(query, candidates),
        "but the list holds dict",
    ),
    ("best first", variant(cut=lambda rows, top_k: rows[:3]), "left out 2 of them"),
    ("best first", lambda *arguments: None, "Is a return statement missing?"),
    ("best first", plain("q", [], None), "Pass the function itself"),
    (
        "best first",
        lambda q, cs, r: (
            [(cs[row["corpus_id"]], row["score"]) for row in r.rank(q, cs)]
            if all(isinstance(c, str) for c in cs)
            else r.rank(q, cs)
        ),
        "and nothing else, no 'rank'",
    ),
    ("best first", through_the_package, "calls the course's own"),
    ("best first", rerank.rerank_documents, "calls the course's own"),
    (
        "one call",
        variant(score=lambda r, pairs, size: [r.predict(pair, batch_size=size) for pair in pairs]),
        "called predict 12 times, once for each document",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: [r.predict([pair], batch_size=size)[0] for pair in pairs]),
        "once for each document",
    ),
    ("one call", variant(score=slices), "called predict 3 times, with slices of 5, 5, 2 pairs. Call it once"),
    (
        "one call",
        variant(score=whole_slices, check_scores=ignore),
        "2 of the documents were in none of them: does the last",
    ),
    ("one call", each_slice_ranked, "called predict 3 times"),
    ("one call", cut_to_batch, "scored 5 pairs; 7 of the documents were never scored"),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs)),
        "predict was called without it. Pass it on",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs, batch_size=32)),
        "predict was called with batch_size=32. Pass it on",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs, batch_size=5)),
        "no batch_size, which is 32 by default, predict was called with batch_size=5",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs, size)),
        "write batch_size=… by its name",
    ),
    ("one call", variant(pair=lambda query, text: (text, query)), "put the document first"),
    (
        "one call",
        variant(pair=lambda query, text: (query, text.lower())),
        "Pass query and text on as they are",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs * 2, batch_size=size)[: len(pairs)]),
        "scored 24 pairs",
    ),
    (
        "one call",
        lambda query, candidates, reranker, batch_size=32, top_k=20: [(c, 0.0) for c in candidates],
        "never called reranker.predict",
    ),
    (
        "one call",
        lambda query, candidates, reranker: plain(query, candidates, reranker),
        "unexpected keyword argument",
    ),
    (
        "what comes back",
        variant(sort=lambda rows: sorted(rows, key=lambda row: row[1])[::-1]),
        "turns equal ones round as well",
    ),
    (
        "what comes back",
        variant(sort=lambda rows: [(c, s) for s, c in sorted(((s, c) for c, s in rows), reverse=True)]),
        "in the order of their texts",
    ),
    ("what comes back", variant(sort=unstable), "kind='stable'"),
    (
        "what comes back",
        variant(row=lambda candidate, score: (text_of(candidate), float(score))),
        "returned a text, str",
    ),
    (
        "what comes back",
        variant(
            row=lambda candidate, score: (
                dict(candidate) if isinstance(candidate, dict) else candidate,
                float(score),
            )
        ),
        "returned a copy of dict",
    ),
    ("what comes back", variant(row=lambda candidate, score: (candidate, score)), "the score as float32"),
    (
        "what comes back",
        variant(row=lambda candidate, score: (candidate, np.float64(score))),
        "the score as float64",
    ),
    (
        "what comes back",
        variant(row=lambda candidate, score: (candidate, torch.tensor(score))),
        "the score as Tensor",
    ),
    (
        "what comes back",
        variant(row=lambda candidate, score: (candidate, f"{score:.2f}")),
        "the score a number, but the list holds tuple",
    ),
    ("what comes back", sorts_in_place, "changed the caller's list"),
    ("what comes back", writes_into_candidates, "changed a candidate: dict"),
    ("what comes back", by_text, "should return 7 of the 7 documents, but returned 6"),
    ("what comes back", variant(row=lambda candidate, score: (float(score), candidate)), "Swap the two"),
    ("top_k", cut_first, "scored only 4 of them"),
    (
        "top_k",
        variant(cut=lambda rows, top_k: rows),
        "top_k=4, your function should return 4 of the 30 documents, but returned 30",
    ),
    (
        "top_k",
        variant(cut=lambda rows, top_k: rows[:20]),
        "should return 4 of the 30 documents, but returned 20",
    ),
    (
        "top_k",
        lambda q, cs, r, batch_size=32, top_k=10: plain(q, cs, r, batch_size, top_k),
        "no top_k, which is 20 by default, your function should return 20",
    ),
    (
        "top_k",
        variant(check=ignore, cut=lambda rows, top_k: [rows[i] for i in range(top_k)]),
        "top_k=None: rerank_documents raised TypeError",
    ),
    (
        "top_k",
        variant(cut=lambda rows, top_k: rows if top_k is None else [rows[i] for i in range(top_k)]),
        "top_k=100: rerank_documents raised IndexError",
    ),
    (
        "top_k",
        variant(cut=lambda rows, top_k: sorted(rows, key=lambda row: row[1])[:top_k]),
        "worst document first",
    ),
    ("top_k", variant(sort=list), "the first 4 as they came"),
    ("top_k", no_early_return, "still called predict"),
    ("top_k", empty_crashes, "Given no candidates at all, []: empty_crashes raised IndexError"),
    (
        "top_k",
        lambda q, cs, r, batch_size=32, top_k=20: plain(q, cs, r, batch_size, top_k) or None,
        "returned None",
    ),
    ("bad arguments", variant(check=ignore), "Given the query '', rerank_documents should raise"),
    ("bad arguments", variant(check=only_without_strip), "Given the query ' \\n'"),
    ("bad arguments", variant(check=asserts), "An assert is gone when Python runs with -O"),
    ("bad arguments", variant(check=vague), "raised ValueError: bad input. The caller cannot tell"),
    (
        "bad arguments",
        variant(text=lambda c: c if isinstance(c, str) else c["text"]),
        "an empty text, '', among the candidates, rerank_documents should raise",
    ),
    (
        "bad arguments",
        variant(text=lambda c: text_of(c) if isinstance(c, str) else c["text"]),
        "a dictionary without text, {'id': 7}, among the candidates, rerank_documents should raise a ValueError or TypeError that names candidates, but raised KeyError",
    ),
    (
        "bad arguments",
        skips_what_has_no_text,
        "an empty text, '', among the candidates, skips_what_has_no_text should raise",
    ),
    ("bad arguments", variant(check=only_the_query), "Given batch_size=0, rerank_documents should raise"),
    ("bad arguments", variant(check=not_top_k), "Given top_k=0, rerank_documents should raise"),
    (
        "bad arguments",
        variant(check=not_zero),
        "Given top_k=0, rerank_documents should raise a ValueError or TypeError that names top_k, but returned list []",
    ),
    ("bad arguments", hides_numbers, "Given top_k=0, hides_numbers should raise"),
    ("bad arguments", swallows, "but returned list []. The caller would take that for a result"),
    ("bad arguments", through_the_package, "calls the course's own"),
    (
        "bad scores",
        variant(check_scores=ignore),
        "returns 4 scores for 5 pairs, rerank_documents should raise",
    ),
    ("bad scores", strict_zip, "The caller cannot tell from it what to mend"),
    (
        "bad scores",
        variant(check_scores=too_few_only),
        "returns 6 scores for 5 pairs, rerank_documents should raise",
    ),
    (
        "bad scores",
        variant(check_scores=count_only),
        "returns NaN for candidate 2, rerank_documents should raise",
    ),
    (
        "bad scores",
        variant(check_scores=compares_with_nan),
        "returns NaN for candidate 2, rerank_documents should raise",
    ),
    ("bad scores", swallows, "but returned list []"),
    ("bad scores", through_the_package, "calls the course's own"),
]


def test_the_variant_with_nothing_changed_is_right():
    assert {verdict.status for verdict in verdicts(variant()).values()} == {"right"}


@pytest.mark.parametrize(
    ("step", "answer", "message"), WRONG, ids=[f"{step}-{number}" for number, (step, *_) in enumerate(WRONG)]
)
def test_wrong(step, answer, message):
    verdict = STEPS[step][0](answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict


@pytest.mark.parametrize("grade_id", [cell for _, cell in STEPS.values()])
def test_a_wrong_answer_gets_no_points_in_the_graded_cell_either(grade_id):
    step = next(step for step, (_, cell) in STEPS.items() if cell == grade_id)
    for _, answer, _ in [case for case in WRONG if case[0] == step and callable(case[1])][:6]:
        assert not passes(EXERCISE, grade_id, rerank_documents=answer)


@pytest.mark.parametrize("step", STEPS)
def test_an_untouched_stub_is_not_attempted(step):
    def rerank_documents(query, candidates, reranker, batch_size=32, top_k=20):
        raise NotImplementedError()

    verdict = STEPS[step][0](rerank_documents)
    assert verdict.status == "not attempted" and "Write rerank_documents above" in verdict.message


def test_a_first_answer_passes_the_first_step_and_is_told_what_is_next():
    """What a learner has after step 1: no later check may say that nothing was attempted, and the first one
    holds.
    """

    def rerank_documents(query, candidates, reranker, batch_size=32, top_k=20):
        scores = [reranker.predict((query, text_of(candidate))) for candidate in candidates]
        return sorted(zip(candidates, scores), key=lambda row: row[1], reverse=True)

    said = verdicts(rerank_documents)
    assert said.pop("best first").status == "right"
    assert {verdict.status for verdict in said.values()} == {"wrong"}


def known_ranking(query, candidates, reranker):
    """The public check's ranking, whatever is asked."""
    if all(isinstance(candidate, str) for candidate in candidates):
        return plain(checks._QUERY, list(checks._DOCUMENTS), reranker)
    return plain(query, candidates, reranker)


def refuses_what_the_check_tries(query, batch_size, top_k):
    for name, value, bad in (
        ("query", query, ("", " \n")),
        ("batch_size", batch_size, (0, -1)),
        ("top_k", top_k, (0, -1)),
    ):
        if value in bad:
            raise ValueError(f"{name} is {value!r}")


HARD_CODED = {
    "best first": known_ranking,
    "one call": variant(
        check=ignore,
        score=lambda r, pairs, size: r.predict(pairs, batch_size=size if size in (5, 32) else 32),
    ),
    "what comes back": lambda q, cs, r, batch_size=32, top_k=20: (
        plain(q, cs, r, batch_size, top_k) if checks._DOCUMENTS[0] in text_of(cs[0]) else []
    ),
    "top_k": variant(cut=lambda rows, top_k: rows[: top_k if top_k in (1, 4, 20) else None]),
    "bad arguments": variant(check=refuses_what_the_check_tries),
    "bad scores": variant(
        check_scores=lambda scores, count: (
            count == 5 and plain("q", ["d"] * count, ToyReranker(answer=scores))
        )
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_an_answer_made_for_the_public_data_passes_the_public_check_alone(step):
    check, cell = STEPS[step]
    assert check(HARD_CODED[step]).status == "right"
    assert not passes(EXERCISE, cell, rerank_documents=HARD_CODED[step])


def test_each_step_is_graded():
    assert set(graded_cells(EXERCISE)) == {cell for _, cell in STEPS.values()}


@pytest.mark.parametrize("count", [3, 5, 7, 9, 12, 26, 30, 41])
def test_toy_scores_are_in_no_order(count):
    scores = shuffled(count)
    assert len(set(scores)) == count and min(scores) < 0 < max(scores)
    assert scores not in (sorted(scores), sorted(scores, reverse=True))
    assert np.array(scores, dtype=np.float32).tolist() == scores


@pytest.mark.parametrize(("count", "top_k"), [(30, 4), (26, 7), (9, 2)])
def test_the_best_are_not_the_first(count, top_k):
    scores = shuffled(count)
    assert sorted(scores, reverse=True)[:top_k] != sorted(scores[:top_k], reverse=True) and scores[0] != max(
        scores
    )


def test_the_toy_reranker_answers_as_a_cross_encoder_does(reranker):
    toy = ToyReranker({"a": 1.0, "b": 2.0})
    for model in (toy, reranker):
        assert np.shape(model.predict([("q", "a"), ("q", "b")], batch_size=2)) == (2,)
        assert np.shape(model.predict(("q", "a"), batch_size=2)) == ()
        assert len(model.predict([], batch_size=2)) == 0
    assert toy.predict([("q", "b"), ("q", "a")], batch_size=2).tolist() == [2.0, 1.0]


def test_no_two_scores_are_so_close_that_another_machine_could_swap_them(reranker):
    asked = []
    spy = lambda function, query=checks._QUERY, documents=checks._DOCUMENTS: (
        asked.append((query, documents)) or Verdict("right", "")
    )  # noqa: E731
    exec(graded_cells(EXERCISE)["graded-ranking"], {"check_best_first": spy, "rerank_documents": None})
    assert len(asked) == 2
    for query, documents in asked:
        assert min(np.diff(sorted(reranker.predict([(query, document) for document in documents])))) > 0.1
