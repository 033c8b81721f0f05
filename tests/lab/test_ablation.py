"""One model run in several ways: the scores agree, and the settings are as before."""

import numpy as np
import pytest
import torch

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
