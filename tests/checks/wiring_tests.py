"""Learners' tests for the exercise wiring_clinic: right ones in several ways, and wrong ones."""

import math
import types

import jupytext
import numpy as np
import pytest
from scipy.special import expit

from rerank_course.checks import wiring_clinic
from rerank_course.checks.models import cross_encoder
from rerank_course.lab.known_scores import KnownScores
from tests.support import ROOT

EXERCISE = "wiring_clinic"
LETTERS = "abcdefgh"
CHECKS = {letter: getattr(wiring_clinic, f"check_test_{letter}") for letter in LETTERS}


def reference():
    """{letter: the test} of the exercise's own solution."""
    functions = {"reranker": cross_encoder(), "result": result}
    for cell in jupytext.read(ROOT / "lessons" / "exercises" / f"{EXERCISE}.py", fmt="py:percent").cells:
        if cell.metadata.get("role") == "solution":
            exec("from rerank_course.lab.known_scores import KnownScores\n" + cell.source, functions)
    return {letter: functions[f"test_{letter}"] for letter in LETTERS}


def result(id, text, heading="Notes", in_force=True):
    return {"id": id, "text": text, "heading": heading, "in_force": in_force}


def content(hit):
    return f"{hit['heading']}. {hit['text']}"


HITS = [
    result("gone", "Tents were lent until 2020.", "Tents", in_force=False),
    result("tents", "Tents are lent for two weeks.", "What the outdoor club lends to its members"),
    result("ropes", "Ropes are checked in spring.", "Ropes"),
    result("stoves", "Stoves need a permit.", "Stoves"),
    result("maps", "Maps are free for members.", "Maps and guides"),
    result("boats", "A boat costs nine euros a day.", "What the outdoor club charges for a boat"),
]
QUERIES = ("How long may I keep a tent?", "What does a boat cost?")


def scored_again(pipeline, model, queries=QUERIES, tolerance=1e-3):
    """Each result's score by the library's own predict: one test for all faults but the cut."""
    by_id = {hit["id"]: hit for hit in HITS}
    for query in queries:
        for name, probability in pipeline(query, HITS, model, top_k=5):
            logit = float(np.asarray(model.predict([(query, content(by_id[name]))]))[0])
            assert math.isclose(probability, expit(logit), abs_tol=tolerance)


def by_hash(first, second):
    """A logit for a pair, which depends on both texts and on their order, and on all of each."""
    return (sum((place + 1) * ord(sign) for place, sign in enumerate(f"{first}|{second}")) % 97) / 20 - 2.4


def with_known_scores(pipeline):
    scored_again(pipeline, KnownScores(by_hash))


def with_the_real_model(pipeline):
    scored_again(pipeline, cross_encoder())


def all_that_are_best(pipeline):
    """The returned ones are the best of all, and no others."""
    model = KnownScores(by_hash)
    ranking = pipeline(QUERIES[0], HITS, model, top_k=2)
    logits = {hit["id"]: by_hash(QUERIES[0], content(hit)) for hit in HITS if hit["in_force"]}
    assert [name for name, _ in ranking] == sorted(logits, key=logits.get, reverse=True)[:2]


def model_saw_all(pipeline):
    model = KnownScores(by_hash)
    pipeline(QUERIES[0], HITS, model, top_k=1)
    assert len(model.pairs) == 5


def scores_differ(pipeline):
    scores = [score for _, score in pipeline(QUERIES[0], HITS, KnownScores(by_hash), top_k=5)]
    np.testing.assert_array_less(0.1, np.ptp(scores))


def a_bad_text_is_near_zero(pipeline):
    assert pipeline("?", HITS, KnownScores(lambda *_: -9.0))[0][1] < 0.1


def heading_is_whole(pipeline):
    model = KnownScores(by_hash)
    pipeline(QUERIES[0], HITS, model)
    assert any("lends to its members" in text for _, text in model.pairs)


def raises_a_key_error_on_the_wrong_id(pipeline):
    logits = {hit["id"]: by_hash(QUERIES[0], content(hit)) for hit in HITS if hit["in_force"]}
    for name, _ in pipeline(QUERIES[0], HITS, KnownScores(by_hash)):
        logits[name]  # as any test runner: an exception is a failure


def another_model_for_each_call(pipeline):
    first = pipeline("one", HITS, KnownScores(lambda *_: 2.0))
    second = pipeline("two", HITS, KnownScores(lambda *_: -2.0))
    assert first[0][1] > 0.5 > second[0][1]


def a_model_that_cannot_be_hashed(pipeline):
    model = types.SimpleNamespace(predict=lambda pairs: [2.0 if pair[0] == "x" else -2.0 for pair in pairs])
    assert pipeline("x", HITS, model)[0][1] > 0.5 > pipeline("y", HITS, model)[0][1]


def another_text_under_one_id(pipeline):
    model = KnownScores(lambda query, text: 3.0 if "noon" in text else -3.0)
    assert pipeline("q", [result("a", "Lunch at noon.")], model)[0][1] > 0.5
    assert pipeline("q", [result("a", "Lunch at one.")], model)[0][1] < 0.5


def a_text_past_the_limit(pipeline):
    long = result("long", "Up to five nights in a row are paid. " * 120, heading="Travel")
    query = "How many nights in a hotel are paid?"
    logit = float(cross_encoder().predict([(query, content(long))])[0])
    assert math.isclose(pipeline(query, [long], cross_encoder())[0][1], expit(logit), abs_tol=1e-3)
    assert pipeline(query, [result("gone", "Old.", in_force=False)], cross_encoder()) == []


def fails_as_pytest_does(pipeline):
    model = KnownScores(lambda query, text: 3.0 if "nine euros" in text else -3.0)
    if pipeline(QUERIES[0], HITS, model, top_k=1)[0][0] != "boats":
        pytest.fail("the best of all did not come up")


def takes_it_that_an_error_is_raised(pipeline):
    score = pipeline("?", HITS, KnownScores(lambda *_: -5.0))[0][1]
    with pytest.raises(AssertionError):
        assert score > 0.1


RIGHT = {
    "a": [all_that_are_best, model_saw_all, fails_as_pytest_does],
    "b": [with_known_scores, with_the_real_model, a_bad_text_is_near_zero, takes_it_that_an_error_is_raised],
    "c": [with_known_scores, all_that_are_best, raises_a_key_error_on_the_wrong_id],
    "d": [with_known_scores, with_the_real_model],
    "e": [
        with_known_scores,
        with_the_real_model,
        another_model_for_each_call,
        a_model_that_cannot_be_hashed,
        another_text_under_one_id,
    ],
    "f": [with_the_real_model, a_text_past_the_limit],
    "g": [with_known_scores, with_the_real_model, heading_is_whole],
    "h": [with_known_scores, scores_differ, a_bad_text_is_near_zero],
}
