"""One model run in several ways: the scores agree, and the settings are as before."""

import numpy as np
import pytest
import torch

from rerank_course.engine import compiled_graphs
from rerank_course.lab.ablation import OpenVinoFloat32, score_a_pair_a_core, score_in_bfloat16

PAIRS = [
    ("How do I claim a train ticket?", "Send the ticket and the form to the finance office."),
    ("How do I claim a train ticket?", "The canteen is closed on Fridays."),
    ("Where is the canteen?", "On the second floor."),
]


@pytest.fixture
def exact(reranker):
    return reranker.predict(PAIRS)


def test_a_pair_a_core_gives_the_same_scores(reranker, exact):
    threads = torch.get_num_threads()
    np.testing.assert_allclose(score_a_pair_a_core(reranker, PAIRS, 2), exact, atol=1e-4)
    assert torch.get_num_threads() == threads


def test_the_threads_are_given_back_after_an_error():
    threads = torch.get_num_threads()

    class Broken:
        def predict(self, pairs, batch_size):
            raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        score_a_pair_a_core(Broken(), PAIRS, 2)
    assert torch.get_num_threads() == threads


def test_bfloat16_moves_the_scores_a_little(reranker, exact):
    moved = np.abs(score_in_bfloat16(reranker, PAIRS, 2) - exact)
    assert 0 < moved.max() < 0.5


@pytest.mark.heavy
def test_openvino_in_float32_gives_the_same_scores(exact):
    np.testing.assert_allclose(OpenVinoFloat32(2).predict(PAIRS), exact, atol=1e-3)


@pytest.mark.heavy
def test_its_pairs_are_as_long_as_the_engines(int8_reranker, monkeypatch):
    """Padding is no part of the comparison."""
    pairs = [(query, document * times) for times in (3, 6, 9) for query, document in PAIRS[:2]]
    lengths = {}
    for name, engine in {"8 bits": int8_reranker, "float32": OpenVinoFloat32(2)}.items():
        fed = lengths.setdefault(name, [])
        feed = compiled_graphs.feed

        def noted(rows, model, length, fed=fed, feed=feed):
            fed.extend([length] * len(rows))
            return feed(rows, model, length)

        with monkeypatch.context() as patch:
            patch.setattr(compiled_graphs, "feed", noted)
            engine.predict(pairs)
    assert sorted(lengths["8 bits"]) == sorted(lengths["float32"])
