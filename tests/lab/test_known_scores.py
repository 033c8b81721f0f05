"""A model whose scores you know answers as a cross-encoder does, and keeps what it was asked."""

import numpy as np
import pytest

from rerank_course import rerank_documents
from rerank_course.lab.known_scores import KnownScores


def test_it_gives_the_logits_that_were_decided_and_keeps_the_pairs():
    model = KnownScores(lambda query, text: len(text) - len(query))
    scores = model.predict([("ab", "abcd"), ("ab", "a")], batch_size=1)
    assert scores.tolist() == [2.0, -1.0] and scores.dtype == np.float32
    model.predict([("q", "t")])
    assert model.pairs == [("ab", "abcd"), ("ab", "a"), ("q", "t")]


def test_it_is_a_reranker_like_any_other():
    model = KnownScores(lambda query, text: text.count("e"))
    assert rerank_documents("q", ["tea", "coffee", "milk"], model, top_k=1) == [("coffee", 2.0)]


@pytest.mark.heavy
def test_it_applies_a_function_as_a_cross_encoder_does(reranker):
    from torch.nn import Sigmoid

    pairs = [("q", "a"), ("q", "b")]
    logits = reranker.predict(pairs)
    known = KnownScores(lambda query, text: logits["ab".index(text)])
    expected = reranker.predict(pairs, activation_fn=Sigmoid())
    assert known.predict(pairs, activation_fn=Sigmoid()) == pytest.approx(expected, abs=1e-5)


def test_no_pairs_give_no_scores():
    assert KnownScores(lambda *pair: 1.0).predict([]).shape == (0,)
