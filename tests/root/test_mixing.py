"""Mixing: which candidate goes where, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest

from rerank_course import rerank_documents
from rerank_course.mixing import NORMALISATIONS, mix
from rerank_course.text import Chunk

FOUND = [("a", 0.9), ("b", 0.8), ("c", 0.2), ("d", 0.1)]
RERANKED = [("d", 9.0), ("b", 8.0), ("c", -9.0), ("a", -10.0)]


def order(mixed):
    return [candidate for candidate, _ in mixed]


@pytest.mark.parametrize("normalise", NORMALISATIONS)
def test_the_ends_of_the_weight_are_the_two_orders(normalise):
    assert order(mix(FOUND, RERANKED, 0, normalise=normalise)) == ["a", "b", "c", "d"]
    assert order(mix(FOUND, RERANKED, 1, normalise=normalise)) == ["d", "b", "c", "a"]


@pytest.mark.parametrize("normalise", NORMALISATIONS)
def test_what_both_like_comes_first(normalise):
    assert order(mix(FOUND, RERANKED, normalise=normalise))[0] == "b"


def test_the_unit_of_either_score_does_not_matter():
    expected = mix(FOUND, RERANKED, 0.3)
    other = mix(
        [(text, 1e300 * score) for text, score in FOUND], [(t, 1e-9 * s - 5) for t, s in RERANKED], 0.3
    )
    assert order(other) == order(expected)
    assert [score for _, score in other] == pytest.approx([score for _, score in expected], abs=1e-5)


def test_z_scores_have_mean_0_and_deviation_1():
    scores = np.array([score for _, score in mix(FOUND, RERANKED, 1)])
    assert scores.mean() == pytest.approx(0) and scores.std() == pytest.approx(1)


@pytest.mark.parametrize("normalise", NORMALISATIONS)
def test_equal_scores_keep_the_first_stage_s_order(normalise):
    flat = [(text, 0.1 + 0.2) for text in "abcd"]
    assert order(mix(flat, [(text, 3.0) for text in "dcba"], normalise=normalise)) == list("abcd")
    # A constant score has no say: the other one decides alone.
    assert order(mix(flat, RERANKED, 0.01, normalise=normalise)) == ["d", "b", "c", "a"]
    assert order(mix(FOUND, [(text, -4.0) for text in "abcd"], 0.99, normalise=normalise)) == list("abcd")


def test_rounding_is_no_difference():
    nearly = [(text, 5.0 + place * 1e-15) for place, text in enumerate("dcba")]
    assert order(mix(FOUND, nearly, 0.99)) == list("abcd")


@pytest.mark.parametrize("normalise", NORMALISATIONS)
def test_none_and_one(normalise):
    assert mix([], [], normalise=normalise) == []
    ((candidate, score),) = mix([("a", 0.3)], [("a", -7)], normalise=normalise)
    assert candidate == "a" and np.isfinite(score)


def test_what_was_not_reranked_stays_behind_in_its_order():
    mixed = mix(FOUND, [("b", 1.0), ("d", 2.0)], 1)
    assert order(mixed) == ["d", "b", "a", "c"]
    assert [score for _, score in mixed] == sorted({score for _, score in mixed}, reverse=True)
    assert order(mix(FOUND, [])) == list("abcd")


def test_chunks_and_scored_chunks_find_each_other(make_reranker):
    chunks = [Chunk("1", "fly"), Chunk("2", "swim"), Chunk("3", "fly")]
    found = [(chunk, 3.0 - place) for place, chunk in enumerate(chunks)]
    reranked = rerank_documents("swim", found, make_reranker({"fly": -1.0, "swim": 5.0}), top_k=None)
    mixed = mix(found, reranked, 0.9)
    assert [chunk.id for chunk in order(mixed)] == ["2", "1", "3"]
    assert order(mixed)[0] is chunks[1]


def test_other_numbers_are_numbers():
    assert order(mix([("a", Fraction(1, 2)), ("b", 0)], [("b", np.float32(3)), ("a", np.int64(1))], 1)) == [
        "b",
        "a",
    ]


@pytest.mark.parametrize(
    ("first_stage", "reranked", "options", "message"),
    [
        (FOUND, RERANKED, {"weight": 1.5}, "weight must be from 0"),
        (FOUND, RERANKED, {"weight": float("nan")}, "weight must be from 0"),
        (FOUND, RERANKED, {"weight": True}, "weight must be a number"),
        (FOUND, RERANKED, {"weight": "0.5"}, "weight must be a number"),
        (FOUND, RERANKED, {"normalise": "softmax"}, "normalise must be one of 'z-score'"),
        (FOUND, RERANKED, {"normalise": ["rank"]}, "normalise must be one of 'z-score'"),
        ({"a": 1.0}, [], {}, "first_stage must be a list of .candidate, score. pairs, not one dict"),
        (FOUND, None, {}, "reranked must be a list of .candidate, score. pairs, not one NoneType"),
        (["a", "b"], [], {}, r"first_stage\[0\] is a str, not a candidate and its score"),
        (FOUND, [("a", None)], {}, r"The score of reranked\[0\] is None, not a number"),
        (FOUND, [("a", float("nan"))], {}, r"The score of reranked\[0\] is nan"),
        ([("a", float("inf"))], [], {}, r"The score of first_stage\[0\] is inf"),
        (FOUND, [("e", 1.0)], {}, "1 of the reranked candidates are not in first_stage, for example 'e'"),
        (FOUND[::-1], RERANKED, {}, "If they are distances"),
        ([("a", 0.1), ("b", 0.3), ("c", 0.25)], [], {}, r"rise: first_stage\[1\] has 0.3 after 0.1"),
        ([("a", 10**400)], [], {}, r"The score of first_stage\[0\] is 1000"),
        ([(" ", 1.0)], [], {}, r"first_stage\[0\] has no text"),
    ],
)
def test_what_cannot_be_mixed_is_refused(first_stage, reranked, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        mix(first_stage, reranked, **options)


@pytest.mark.parametrize(
    ("first_stage", "reranked"),
    [
        ([("a", 20), ("b", 19), ("c", 18)], [("a", 1), ("b", 2), ("c", 3)]),
        ([("a", 0.615), ("b", 0.384)], [("a", -3.687), ("b", -2.974)]),
    ],
)
def test_where_both_sides_disagree_alike_the_first_stage_s_order_stays(first_stage, reranked):
    mixed = mix(first_stage, reranked)
    assert order(mixed) == order(first_stage) and {score for _, score in mixed} == {0.0}


@pytest.mark.parametrize("normalise", ["z-score", "min-max", "rank"])
def test_two_candidates_that_are_disputed_are_always_a_tie(normalise):
    draws = np.random.default_rng(0)
    for _ in range(300):
        high, low = sorted(draws.normal(size=2), reverse=True)
        bad, good = sorted(draws.normal(size=2) * 5)
        assert order(mix([("a", high), ("b", low)], [("a", bad), ("b", good)], normalise=normalise)) == [
            "a",
            "b",
        ]


@pytest.mark.parametrize("scores", [(1.0, 1.5, -3.4e38), (1 - 2e-13, 1 - 1e-13, 0.5)])
def test_alone_a_score_s_order_survives_outliers_and_small_differences(scores):
    found = [("a", 3), ("b", 2), ("c", 1)]
    assert order(mix(found, zip("abc", scores), 1)) == ["b", "a", "c"]
    assert order(mix(found, zip("abc", scores), 0)) == ["a", "b", "c"]
