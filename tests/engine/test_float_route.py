"""Pairs of few different words are scored in float32, and no kind of text is far off."""

import numpy as np
import pytest

from rerank_course.engine.float_route import FEWEST_WORDS, FloatRoute, is_word
from tests.support.kinds import recorded
from tools.bench.text_kinds import KINDS, PAIRS

# What the engine promises, in logits, for pairs of any kind.
LARGEST_RMS, LARGEST = 0.10, 0.5
WORDS = [f"word{letter}" for letter in "abcdefghijkl"]
VOCABULARY = {token: place for place, token in enumerate(["[CLS]", "[SEP]", "7", "!", "к", *WORDS])}


def ids(*tokens: str) -> list[int]:
    return [VOCABULARY[token] for token in tokens]


@pytest.mark.parametrize("token", ["word", "##ing", "▁Wort", "Ġmot", "слово", "ab"])
def test_words(token):
    assert is_word(token)


@pytest.mark.parametrize(
    "token", ["a", "##s", "Ġa", "7", "42", "[CLS]", "</s>", "...", "[unused7]", "к", "##東", ""]
)
def test_no_words(token):
    assert not is_word(token)


def test_counts_different_words_alone():
    route = FloatRoute(VOCABULARY)
    few = ids("[CLS]", *WORDS[: FEWEST_WORDS - 1], "[SEP]", "7", "!", "к", "[SEP]")
    assert route.goes_through_float(few)
    assert route.goes_through_float(few + ids(WORDS[0]) * 200)
    assert not route.goes_through_float(few + ids(WORDS[-1]))
    assert route.goes_through_float([])


@pytest.mark.heavy
def test_no_kind_of_text_is_far_off(reranker, int8_reranker):
    far = []
    for kind, (pairs, exact) in recorded().items():
        assert exact[::40] == pytest.approx(reranker.predict(pairs[::40], batch_size=4), abs=1e-3)
        error = int8_reranker.predict(pairs) - exact
        rms, largest = float(np.sqrt(np.mean(error**2))), float(np.abs(error).max())
        if len(pairs) != PAIRS or rms > LARGEST_RMS or largest > LARGEST:
            far.append(f"{kind}: {rms:.3f}, {largest:.2f}")
    assert len(KINDS) == 12 and not far, far


@pytest.mark.heavy
@pytest.mark.parametrize(
    "pair", [("yes", "no"), ("1", "2"), ("dog", "true"), ("", ""), ("?", "!"), ("naïve", "after how")]
)
def test_tiny_pairs_are_exact(reranker, int8_reranker, pair):
    assert int8_reranker.predict(pair) == pytest.approx(reranker.predict(pair), abs=1e-3)
