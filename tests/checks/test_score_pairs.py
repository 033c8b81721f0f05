"""Checks of the exercise score_pairs: right answers pass, wrong ones get the message meant for them."""

import itertools
import math

import numpy as np
import pytest
import torch

from rerank_course.checks import score_pairs
from rerank_course.checks.score_pairs import (
    check_build_pairs,
    check_order_by_score,
    check_place_of_answer,
    check_score_pairs,
    check_squash,
    check_what_stays,
)
from rerank_course.checks.verdict import Verdict
from rerank_course.rerank import rerank_documents
from tests.support.exercises import cases, graded_cells, passes, stub

EXERCISE = "score_pairs"


def pairs_in_a_loop(query, documents):
    pairs = []
    for document in documents:
        pairs.append([query, document])
    return tuple(pairs)


def scores_one_by_one(pairs, reranker):
    return [float(reranker.predict(pair)) for pair in pairs]


def order_by_argsort(documents, scores):
    return [(documents[i], float(scores[i])) for i in np.argsort(-np.asarray(scores), kind="stable")]


def order_by_negation(documents, scores):
    rows = [[document, score] for document, score in zip(documents, scores)]
    rows.sort(key=lambda row: -row[1])
    return rows


def squash_both_ways(logits):
    return [math.exp(x) / (1 + math.exp(x)) if x < 0 else 1 / (1 + math.exp(-x)) for x in logits]


def place_by_counting(query, documents, answer, reranker):
    score = {document: reranker.predict((query, document)) for document in documents}
    return 1 + sum(score[other] > score[answer] for other in documents)


def place_by_rank(query, documents, answer, reranker):
    for place, row in enumerate(reranker.rank(query, documents), start=1):
        if documents[row["corpus_id"]] == answer:
            return np.int64(place)
    raise ValueError("it is not among the documents")


PARTS = {
    "build_pairs": (check_build_pairs, "graded-pairs"),
    "score_pairs": (check_score_pairs, "graded-scores"),
    "order_by_score": (check_order_by_score, "graded-order"),
    "squash": (check_squash, "graded-sigmoid"),
    "what_stays": (check_what_stays, "graded-what-stays"),
    "place_of_answer": (check_place_of_answer, "graded-place"),
}
HEAVY = ["score_pairs", "place_of_answer"]  # they ask the model
RIGHT = [
    ("build_pairs", lambda query, documents: [(query, document) for document in documents]),
    ("build_pairs", lambda query, documents: list(zip(itertools.repeat(query), documents))),
    ("build_pairs", pairs_in_a_loop),
    ("score_pairs", lambda pairs, reranker: reranker.predict(pairs)),
    ("score_pairs", lambda pairs, reranker: reranker.predict(pairs, convert_to_tensor=True)),
    ("score_pairs", scores_one_by_one),
    (
        "order_by_score",
        lambda documents, scores: sorted(zip(documents, scores), key=lambda row: row[1], reverse=True),
    ),
    ("order_by_score", order_by_argsort),
    ("order_by_score", order_by_negation),
    ("squash", lambda logits: [1 / (1 + math.exp(-logit)) for logit in logits]),
    ("squash", lambda logits: 1 / (1 + np.exp(-logits))),
    ("squash", lambda logits: torch.sigmoid(torch.tensor(logits))),
    ("squash", squash_both_ways),
    ("what_stays", lambda: {"A", "C", "F"}),
    ("what_stays", lambda: ["f", "c", "a"]),
    ("what_stays", lambda: "A, C, F"),
    (
        "place_of_answer",
        lambda q, ds, answer, r: [d for d, _ in rerank_documents(q, ds, r, top_k=None)].index(answer) + 1,
    ),
    ("place_of_answer", place_by_counting),
    ("place_of_answer", place_by_rank),
]


@pytest.mark.parametrize(("part", "answer"), cases(RIGHT, HEAVY))
def test_right(part, answer):
    check, cell = PARTS[part]
    verdict = check(answer)
    assert verdict.status == "right", verdict
    assert passes(EXERCISE, cell, **{part: answer})


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x)))


def best_first(documents, scores):
    return sorted(zip(documents, scores), key=lambda row: row[1], reverse=True)


def sorted_in_place_of_pairs(pairs, reranker):
    return sorted(reranker.predict(pairs), reverse=True)


def unstable(documents, scores):
    """What an argsort that is not stable does, the same on every processor."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i * 7 % 5))
    return [(documents[i], scores[i]) for i in order]


def cut_off_position(query, documents, answer, reranker):
    return [d for d, _ in rerank_documents(query, documents, reranker, top_k=None)].index(answer)


def from_the_worst(query, documents, answer, reranker):
    return [d for d, _ in rerank_documents(query, documents, reranker, top_k=None)][::-1].index(answer) + 1


WRONG = [
    ("build_pairs", lambda q, ds: [(d, q) for d in ds], "put the document first"),
    ("build_pairs", lambda q, ds: list(zip(q, ds)), "letter by letter"),
    ("build_pairs", lambda q, ds: [f"{q} {d}" for d in ds], "A pair is not one joined text"),
    ("build_pairs", lambda q, ds: [(q, d) for d in sorted(ds)], "changed the order"),
    ("build_pairs", lambda q, ds: (q, ds), "should return pairs of two texts"),
    ("build_pairs", lambda q, ds: zip([q] * len(ds), ds), "Put list(…) around it"),
    (
        "build_pairs",
        lambda q, ds: [(q, d) for d in ds[:-1]],
        "should return 5 pairs, one for each document, but returned 4",
    ),
    ("build_pairs", lambda q, ds: [(q.lower(), d) for d in ds], "Leave both texts as they are"),
    ("build_pairs", lambda q, ds: None, "Is a return statement missing?"),
    ("build_pairs", [("q", "d")], "Pass the function itself"),
    ("score_pairs", lambda ps, r: r.predict(ps[0]), "one bare number"),
    ("score_pairs", lambda ps, r: r.predict(ps)[0], "one bare number"),
    ("score_pairs", sorted_in_place_of_pairs, "the right scores, sorted"),
    ("score_pairs", lambda ps, r: sigmoid(r.predict(ps)), "the logit after a sigmoid"),
    ("score_pairs", lambda ps, r: r.predict([(d, q) for q, d in ps]), "the score of (document, query)"),
    (
        "score_pairs",
        lambda ps, r: list(zip(ps, r.predict(ps))),
        "should return a list of numbers and nothing else",
    ),
    (
        "score_pairs",
        lambda ps, r: dict(zip(ps, r.predict(ps))),
        "should return a list of numbers, but returned dict",
    ),
    ("score_pairs", lambda ps, r: r.predict(ps)[:3], "should return 4 numbers, one for each, but returned 3"),
    ("score_pairs", lambda ps, r: r.rank(ps), "raised TypeError"),
    ("order_by_score", lambda ds, ss: sorted(zip(ds, ss), key=lambda row: row[1]), "worst document first"),
    ("order_by_score", lambda ds, ss: best_first(ds, ss)[::-1], "worst document first"),
    ("order_by_score", lambda ds, ss: [(s, d) for d, s in best_first(ds, ss)], "Swap the two"),
    (
        "order_by_score",
        lambda ds, ss: list(zip(ds, sorted(ss, reverse=True))),
        "Sort candidates and scores together",
    ),
    (
        "order_by_score",
        lambda ds, ss: [(d, s) for s, d in sorted(zip(ss, ds), reverse=True)],
        "in the order of their texts",
    ),
    (
        "order_by_score",
        lambda ds, ss: sorted(zip(ds, ss), key=lambda row: row[1])[::-1],
        "turns equal ones round as well",
    ),
    (
        "order_by_score",
        lambda ds, ss: [(ds[i], ss[i]) for i in np.argsort(ss, kind="stable")[::-1]],
        "turns equal ones round as well",
    ),
    ("order_by_score", unstable, "kind='stable'"),
    (
        "order_by_score",
        lambda ds, ss: best_first(ds, ss)[:3],
        "should return 5 of the 5 documents, but returned 3",
    ),
    (
        "order_by_score",
        lambda ds, ss: [(d, s) for s, d in sorted(dict(zip(ss, ds)).items(), reverse=True)],
        "should return 5 of the 5 documents, but returned 2",
    ),
    (
        "order_by_score",
        lambda ds, ss: [d for d, _ in best_first(ds, ss)],
        "should return a list of (document, score), but the list holds str",
    ),
    ("order_by_score", lambda ds, ss: list(zip(ds, ss)), "in order of score"),
    (
        "order_by_score",
        lambda ds, ss: [(d, f"{s:.1f}") for d, s in best_first(ds, ss)],
        "the score a number, but the list holds tuple",
    ),
    ("order_by_score", lambda ds, ss: [(ds[0], ss[0])] * 5, "more often than it was given"),
    ("squash", lambda xs: xs, "the logit itself"),
    ("squash", lambda xs: 1 / (1 + np.exp(xs)), "The sign in the exponent"),
    ("squash", lambda xs: np.exp(xs) / np.exp(xs).sum(), "softmax"),
    ("squash", lambda xs: (xs - xs.min()) / (xs.max() - xs.min()), "depends on its neighbours"),
    ("squash", np.tanh, "tanh"),
    ("squash", lambda xs: (np.tanh(xs) + 1) / 2, "sigmoid of twice the logit"),
    ("squash", lambda xs: 100 * sigmoid(xs), "per cent"),
    ("squash", lambda xs: np.round(sigmoid(xs), 2), "You rounded"),
    ("squash", lambda xs: [int(x > 0) for x in xs], "That is a threshold"),
    ("squash", lambda xs: math.exp(xs), "raised TypeError"),
    ("what_stays", lambda: {"A", "F"}, "did not name C"),
    ("what_stays", lambda: {"A", "B", "C", "F"}, "named B, how far"),
    ("what_stays", lambda: set("ACDF"), "named D, which documents score more than 0.5"),
    ("what_stays", lambda: ["A", "C", "E", "F"], "Before: the second query. After: the first query."),
    ("what_stays", lambda: "ABCDEF", "named B"),
    ("what_stays", lambda: {"A", "C", "G"}, "letters from A to F, but returned ['G']"),
    ("what_stays", lambda: True, "should return a set of letters"),
    ("what_stays", set, "did not name A"),
    ("place_of_answer", cut_off_position, "You count from 0"),
    ("place_of_answer", from_the_worst, "count from the worst. Sort"),
    (
        "place_of_answer",
        lambda q, ds, answer, r: from_the_worst(q, ds, answer, r) - 1,
        "from the worst, and from 0",
    ),
    (
        "place_of_answer",
        lambda q, ds, answer, r: ds.index(answer) + 1,
        "its place in the list that you were given",
    ),
    ("place_of_answer", lambda q, ds, answer, r: ds.index(answer), "counted from 0. Ask"),
    ("place_of_answer", lambda q, ds, answer, r: 2, "Score all documents for this query"),
    (
        "place_of_answer",
        lambda q, ds, answer, r: rerank_documents(q, ds, r).index(answer) + 1,
        "is not in list",
    ),
    (
        "place_of_answer",
        lambda q, ds, answer, r: rerank_documents(q, ds, r)[0],
        "one whole number, but returned tuple",
    ),
    ("place_of_answer", lambda q, ds, answer, r: None, "returned None"),
]


@pytest.mark.parametrize(("part", "answer", "message"), cases(WRONG, HEAVY))
def test_wrong(part, answer, message):
    verdict = PARTS[part][0](answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict


@pytest.mark.parametrize("part", cases([(part,) for part in PARTS], HEAVY))
def test_an_untouched_stub_is_not_attempted(part):
    verdict = PARTS[part][0](stub)
    assert verdict.status == "not attempted" and "Write stub above" in verdict.message


@pytest.mark.heavy
def test_a_finished_part_that_calls_an_unfinished_one_says_which():
    def place_of_answer(query, documents, answer, reranker):
        return stub(query, documents)

    verdict = check_place_of_answer(place_of_answer)
    assert (
        verdict.status == "not attempted"
        and "Write stub, which place_of_answer calls, above" in verdict.message
    )


def learnt_by_heart(part):
    """A function that knows the public checks' answers and nothing else."""
    known = {}
    right = next(answer for name, answer in RIGHT if name == part)

    def key(arguments):
        return repr(
            [a.tolist() if hasattr(a, "tolist") else a for a in arguments if not hasattr(a, "predict")]
        )

    def record(*arguments):
        return known.setdefault(key(arguments), right(*arguments))

    PARTS[part][0](record)
    fallback = next(iter(known.values()))
    return lambda *arguments: known.get(key(arguments), fallback)


@pytest.mark.parametrize("part", cases([(part,) for part in PARTS if part != "what_stays"], HEAVY))
def test_answers_learnt_by_heart_pass_the_public_check_alone(part):
    answer = learnt_by_heart(part)
    assert PARTS[part][0](answer).status == "right"
    assert not passes(EXERCISE, PARTS[part][1], **{part: answer})


def test_each_part_is_graded():
    assert set(graded_cells(EXERCISE)) == {cell for _, cell in PARTS.values()}


def test_no_two_scores_are_so_close_that_another_machine_could_swap_them(reranker):
    hidden = []

    def spy(function, *earlier, query=score_pairs._QUERY, documents=score_pairs._DOCUMENTS):
        hidden.append((query, documents))
        return Verdict("right", "")

    parts = dict.fromkeys(("build_pairs", "score_pairs", "order_by_score", "place_of_answer"))
    exec(graded_cells(EXERCISE)["graded-place"], {"check_place_of_answer": spy, **parts})
    assert len(hidden) == 2
    for query, documents in hidden:
        scores = sorted(reranker.predict([(query, document) for document in documents]))
        assert min(np.diff(scores)) > 0.1
