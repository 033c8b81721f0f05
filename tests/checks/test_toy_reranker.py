"""The reranker without a model, and its made-up scores."""

import numpy as np
import pytest

from rerank_course.checks.toys.reranker import ToyReranker, shuffled


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
