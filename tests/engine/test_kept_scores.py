"""Kept scores: nothing is scored twice, a crash loses one block, another model never answers."""

import sqlite3
import threading
import warnings

import numpy as np
import pytest

from rerank_course.engine import kept_scores
from rerank_course.engine.kept_scores import KeptScores, scorer_key

PAIRS = [("q", "one"), ("q", "two, which is longer"), ("q", "three"), ("q", "one")]


class Counting:
    """Scores a pair by its length, and counts."""

    def __init__(self, fail_after=None):
        self.asked, self.fail_after = [], fail_after

    def predict(self, pairs, batch_size=32):
        if self.fail_after is not None and len(self.asked) >= self.fail_after:
            raise RuntimeError("killed")
        self.asked += pairs
        return np.array([len(document) + 0.1 for _, document in pairs], dtype=np.float32)


@pytest.fixture(autouse=True)
def named(monkeypatch):
    """Stand-ins have no weights: their key is their class's name."""
    real = kept_scores.scorer_key
    monkeypatch.setattr(
        kept_scores, "scorer_key", lambda one: "counting" if isinstance(one, Counting) else real(one)
    )


def test_nothing_is_scored_twice_and_the_scores_are_the_rerankers(tmp_path):
    first = Counting()
    reranker = KeptScores(first, tmp_path)
    scores = reranker.predict(PAIRS)
    assert scores.tolist() == first.predict(PAIRS).astype(float).tolist()
    assert (reranker.looked_up, reranker.scored) == (0, 4) and reranker.seconds > 0
    second = Counting()
    again = KeptScores(second, tmp_path)
    assert again.predict(PAIRS[::-1]).tolist() == scores[::-1].tolist()
    assert second.asked == [] and (again.looked_up, again.scored) == (4, 0)
    again.predict([("q ", "one"), ("q", " one"), ("qo", "ne")])
    assert len(second.asked) == 3, "another text is another pair"


def test_a_killed_run_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_scores, "BLOCK", 10)
    pairs = [("q", f"document {i}") for i in range(35)]
    with pytest.raises(RuntimeError):
        KeptScores(Counting(fail_after=20), tmp_path).predict(pairs)
    rest = Counting()
    KeptScores(rest, tmp_path).predict(pairs)
    assert len(rest.asked) == 15


@pytest.mark.parametrize("content", [b"not a table" * 200, b""])
def test_a_damaged_file_is_made_anew(tmp_path, content):
    reranker = KeptScores(Counting(), tmp_path)
    reranker.path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = reranker.predict(PAIRS)
        after = KeptScores(Counting(), tmp_path)
        assert after.predict(PAIRS).tolist() == scores.tolist()
    assert after.scored == 0


def test_a_place_that_cannot_be_written_costs_time_and_one_warning(tmp_path):
    (tmp_path / "file").write_text("in the way")
    reranker = KeptScores(Counting(), tmp_path / "file" / "scores")
    with pytest.warns(UserWarning, match="Scores are not kept") as said:
        reranker.predict(PAIRS + PAIRS)
    assert len(said) == 1 and reranker.scored == 8


def test_scores_that_are_no_numbers_are_not_kept(tmp_path):
    class Broken(Counting):
        def predict(self, pairs, batch_size=32):
            return np.full(len(pairs), np.nan)

    KeptScores(Broken(), tmp_path).predict(PAIRS)
    with sqlite3.connect(KeptScores(Counting(), tmp_path).path) as table:
        assert table.execute("SELECT count(*) FROM scores").fetchone() == (0,)


def test_several_at_once(tmp_path):
    def work(number):
        KeptScores(Counting(), tmp_path).predict([("q", f"{number} {i}") for i in range(50)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = KeptScores(Counting(), tmp_path)
    last.predict([("q", f"{number} {i}") for number in range(4) for i in range(50)])
    assert last.scored == 0


def test_the_key_knows_the_model_its_limit_and_its_precision(reranker, int8_reranker, monkeypatch):
    keys = {scorer_key(reranker), scorer_key(int8_reranker)}
    monkeypatch.setattr(int8_reranker, "max_seq_length", 128)
    keys.add(scorer_key(int8_reranker))
    monkeypatch.setattr(int8_reranker, "_activation", "sigmoid")
    keys.add(scorer_key(int8_reranker))
    assert len(keys) == 4 and scorer_key(reranker) in keys
    with pytest.raises(TypeError, match="Scores of a Counting cannot be kept"):
        scorer_key(Counting())
