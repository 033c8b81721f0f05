"""What an int8 model learns from, what its error is measured on, and how large that may be."""

import numpy as np
import pytest

from rerank_course.engine import calibration, quantisation_error
from rerank_course.texts.corpora import load_corpus


def test_the_handbook_s_two_parts_share_no_query_and_hold_right_answers():
    held_out = calibration.handbook_held_out()
    assert [len(group) for group in held_out] == [6] * 20
    learnt = {query.casefold() for query, _ in calibration.handbook_pairs(160)}
    assert not learnt & {group[0][0].casefold() for group in held_out}
    corpus = load_corpus("handbook")
    names = {query: name for name, query in corpus.queries.items()}
    ids = {chunk.content: name for name, chunk in corpus.documents.items()}
    for group in held_out:
        grades = [corpus.qrels[names[query]].get(ids[document], 0) for query, document in group]
        assert 1 <= sum(grade > 0 for grade in grades) <= 3 and len(set(group)) == 6


def many(queries, documents):
    return [(f"query {i}", f"document {i} {j}") for i in range(queries) for j in range(documents)]


@pytest.mark.parametrize("pairs", [many(20, 1), many(10, 5), many(4, 30), many(200, 2)])
def test_whole_queries_are_held_out(pairs):
    learnt, held_out = calibration.divided(pairs)
    held = {group[0][0] for group in held_out}
    assert not held & {query for query, _ in learnt} and len(held) == len(held_out) >= 2
    assert len(pairs) * 0.5 <= len(learnt) <= len(pairs) * 0.8
    assert all(2 <= len(set(group)) <= 6 for group in held_out)
    documents = {document for group in held_out for _, document in group}
    assert not documents & {document for _, document in learnt}
    assert calibration.divided(pairs) == (learnt, held_out)


def test_with_one_query_documents_are_held_out():
    learnt, held_out = calibration.divided(many(1, 40))
    assert len(learnt) == 32 and len(held_out) == 1 and len(held_out[0]) == 6
    assert not {document for _, document in learnt} & {document for _, document in held_out[0]}


def test_texts_ask_their_own_first_words_or_another_s():
    texts = [f"text {i} " + "and more words of it " * 5 for i in range(30)]
    pairs = calibration.checked(texts)
    assert [document for _, document in pairs] == texts
    own = [document.startswith(query) for query, document in pairs]
    assert sum(own) == 15 and all(len(query.split()) == 8 for query, _ in pairs)


def test_no_more_than_needed_is_taken_and_the_same_each_time():
    pairs = many(1000, 1)
    chosen = calibration.checked(iter(pairs))
    assert len(chosen) == calibration.MOST and set(chosen) < set(pairs)
    assert calibration.checked(tuple(pairs)) == chosen


def error(rounding, spread=3.0):
    random = np.random.default_rng(0)
    exact = [spread * random.normal(size=6) for _ in range(500)]
    return quantisation_error.measured(exact, [scores + rounding * random.normal(size=6) for scores in exact])


def test_the_error_is_what_was_added():
    found = error(0.06)
    assert found["pairs"] == 3000 and found["rms"] == pytest.approx(0.06, rel=0.05)
    assert found["spread"] == pytest.approx(3 * np.sqrt(5 / 6), rel=0.05)  # of six from their own mean
    assert 0.15 < found["max"] < 0.3
    # Normal scores and errors: tau is 1 − 2/π · arctan(error / spread).
    assert found["tau"] == pytest.approx(1 - 2 / np.pi * np.arctan(0.06 / 3), abs=0.004)


def test_the_bound_is_relative_to_the_spread():
    assert quantisation_error.is_good(error(0.1)) and not quantisation_error.is_good(error(0.2))
    assert quantisation_error.too_far(error(0.2)) is None
    assert "root mean square may be 10% of that" in quantisation_error.too_far(error(0.35))
    assert quantisation_error.too_far(error(0.35, spread=30.0)) is None
    outlier = error(0.06) | {"max": 1.2}
    assert "and 1.200 at most" in quantisation_error.too_far(outlier)
    assert "the largest may be 40% of that" in quantisation_error.too_far(outlier)
    assert "not finite" in quantisation_error.too_far(error(float("nan")))
    assert quantisation_error.too_far(error(0.001, spread=0.0)), "scores that are all alike rank nothing"


def test_kendall_tau():
    up, down = np.arange(6.0), np.arange(6.0)[::-1]
    tau = quantisation_error.kendall_tau
    assert (tau(up, up), tau(up, down), tau(up, np.zeros(6))) == (1, -1, 1)
    assert tau(up, np.array([0, 1, 2, 3, 5, 4.0])) == pytest.approx(13 / 15)
