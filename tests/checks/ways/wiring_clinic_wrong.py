"""Wrong answers to the exercise wiring_clinic."""

import contextlib
import unittest

from rerank_course.lab.known_scores import KnownScores
from tests.checks.ways.wiring_clinic import WAYS, Doubler, by_the_pairs
from tests.checks.wiring_tests import HITS, QUERIES, by_hash, content, result

wrong = WAYS.wrong
PASSES = "passes on pipeline"


@wrong("test_a", f"{PASSES} A")
def asks_for_as_many_as_there_are(pipeline):
    assert len(pipeline(QUERIES[0], HITS, KnownScores(by_hash), top_k=5)) == 5


@wrong("test_a", "fails on a right pipeline")
def asks_for_one_call(pipeline):
    model = Doubler(by_hash)
    pipeline(QUERIES[0], HITS[1:3], model)
    assert model.asked[0][0] != QUERIES[0]


@wrong("test_b", f"{PASSES} B")
def asks_for_the_order(pipeline):
    ranking = pipeline(QUERIES[0], HITS, KnownScores(by_hash))
    assert [score for _, score in ranking] == sorted((score for _, score in ranking), reverse=True)


@wrong("test_b", f"{PASSES} B")
def catches_what_it_asks(pipeline):
    with contextlib.suppress(AssertionError):
        assert pipeline("q", HITS, KnownScores(lambda *_: -5.0))[0][1] < 0.1


@wrong("test_b", "fails on a right pipeline")
def asks_for_the_logit(pipeline):
    assert pipeline("q", HITS, KnownScores(lambda *_: -5.0))[0][1] == -5.0


@wrong("test_b", "raised TypeError on a right pipeline")
def has_no_activation(pipeline):
    class Plain:
        def predict(self, pairs):
            return [-5.0] * len(pairs)

    assert pipeline("q", HITS, Plain())[0][1] < 0.1


@wrong("test_c", f"{PASSES} C")
def has_nothing_out_of_force(pipeline):
    found = [hit for hit in HITS if hit["in_force"]]
    logits = {hit["id"]: by_hash(QUERIES[0], content(hit)) for hit in found}
    ranking = pipeline(QUERIES[0], found, KnownScores(by_hash), top_k=5)
    assert [name for name, _ in ranking] == sorted(logits, key=logits.get, reverse=True)


@wrong("test_c", "skips itself")
def skips(pipeline):
    pipeline(QUERIES[0], HITS, KnownScores(by_hash))
    raise unittest.SkipTest("later")


@wrong("test_d", f"{PASSES} D")
def asks_for_the_query_anywhere(pipeline):
    model = Doubler(by_hash)
    pipeline(QUERIES[0], HITS, model)
    assert all(QUERIES[0] in pair for pair in model.asked)


@wrong("test_d", "has to take the pipeline")
def takes_two(pipeline, model):
    pipeline(QUERIES[0], HITS, model)


@wrong("test_d", "so calling it runs nothing")
async def is_async(pipeline):
    by_the_pairs(pipeline)


@wrong("test_e", "One call is not enough")
def calls_once(pipeline):
    assert pipeline("x", HITS, KnownScores(lambda *_: 3.0))[0][1] > 0.9


@wrong("test_g", f"{PASSES} G")
def has_short_headings(pipeline):
    model = KnownScores(by_hash)
    hits = [result("a", "One."), result("b", "Two.")]
    pipeline("q", hits, model)
    assert {text for _, text in model.pairs} == {content(hit) for hit in hits}


@wrong("test_g", "never called the pipeline")
def names_it_only(pipeline):
    assert callable(pipeline)


@wrong("test_h", f"{PASSES} H")
def asks_for_a_share(pipeline):
    assert all(0 <= score <= 1 for _, score in pipeline("q", HITS, KnownScores(by_hash)))


@wrong("test_h", "A test does not return its verdict")
def returns_whether(pipeline):
    return pipeline("q", HITS, KnownScores(lambda *_: -5.0))[0][1] > 0.5
