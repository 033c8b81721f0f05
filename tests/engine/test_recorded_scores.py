"""Recorded scores: looked up by text, scored live where unknown, written whole or not at all."""

import numpy as np
import pytest

from rerank_course.engine import recorded_scores
from rerank_course.engine.recorded_scores import (
    ENGINES,
    RecordedReranker,
    load_scores,
    pair_key,
    save_scores,
    scores_file,
)
from rerank_course.retrieve import BM25Retriever
from rerank_course.texts.corpora import CORPORA, load_corpus
from tools.build.record_scores import WithoutTokenTypes, faulty_pairs, first_pairs, judged_pairs

PAIRS = [("q", "one"), ("q", "two"), ("q", "three")]
SCORES = {"fp32": {pair_key("q", "one"): 1.5, pair_key("q", "three"): -2.5}, "int8": {}, "untyped": {}}


class Live:
    def __init__(self):
        self.asked = []

    def predict(self, pairs, batch_size=32):
        self.asked += pairs
        return np.arange(len(pairs), dtype=np.float32) - 7


@pytest.fixture
def two_recorded(tmp_path, monkeypatch):
    file = tmp_path / "scores.npz"
    save_scores(file, SCORES)
    monkeypatch.setattr(recorded_scores, "scores_file", lambda corpus: file)
    return file


def test_known_pairs_are_looked_up_and_others_scored_live(two_recorded):
    live = Live()
    reranker = RecordedReranker("handbook", "fp32", live)
    assert reranker.predict(PAIRS).tolist() == [1.5, -7.0, -2.5]
    assert live.asked == [("q", "two")] and (reranker.looked_up, reranker.scored_live) == (2, 1)


def test_an_unknown_pair_without_a_live_reranker_is_an_error(two_recorded):
    with pytest.raises(KeyError, match="1 of 3 pairs are not recorded, first 'q' / 'two'. Pass live="):
        RecordedReranker("handbook", "fp32").predict(PAIRS)


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="engine must be one of 'fp32', 'int8', 'untyped', not 'int4'"):
        RecordedReranker("handbook", "int4")


def test_scores_survive_writing_and_reading(two_recorded):
    scores = load_scores(two_recorded)
    assert scores == SCORES
    assert not list(two_recorded.parent.glob("*.part"))
    assert load_scores(two_recorded.with_name("absent.npz")) == {"fp32": {}, "int8": {}, "untyped": {}}


def test_a_key_depends_on_both_texts_and_on_where_they_part():
    assert len({pair_key("a", "b"), pair_key("b", "a"), pair_key("ab", ""), pair_key("", "ab")}) == 4


@pytest.fixture(params=ENGINES)
def engine(request):
    """(an engine's name, its reranker)."""
    fixture = "reranker" if request.param == "fp32" else "int8_reranker"
    return request.param, request.getfixturevalue(fixture)


@pytest.mark.heavy
@pytest.mark.parametrize("corpus", CORPORA)
def test_the_record_holds_on_this_machine(corpus, engine):
    """A sample of judged pairs, scored anew. int8 rounds differently where instructions differ."""
    name, reranker = engine
    data, known = load_corpus(corpus), load_scores(scores_file(corpus))[name]
    judged = [(query, document) for query, grades in data.qrels.items() for document in grades]
    pairs = [(data.queries[q], data.documents[d].content) for q, d in judged if d in data.documents]
    pairs = [pair for pair in pairs if pair_key(*pair) in known][::40][:12]
    assert len(pairs) == 12
    now = reranker.predict(pairs, batch_size=4)
    then = np.array([known[pair_key(*pair)] for pair in pairs])
    assert np.abs(now - then).max() < (0.02 if name == "fp32" else 0.5)


@pytest.mark.heavy
def test_passages_without_headings_are_recorded_and_hold(int8_reranker):
    """Lessons look up all of them, and would score what is missing while one waits."""
    known, pairs = (
        load_scores(scores_file("handbook"))["int8"],
        judged_pairs(load_corpus("handbook"), headings=False),
    )
    assert len(pairs) > 1000 and {pair_key(*pair) for pair in pairs} <= known.keys()
    sample = pairs[::120]
    now = int8_reranker.predict(sample)
    assert np.abs(now - [known[pair_key(*pair)] for pair in sample]).max() < 0.5


@pytest.mark.heavy
@pytest.mark.parametrize("name", CORPORA)
def test_what_faulty_pipelines_ask_for_is_recorded_and_holds(name, reranker, int8_reranker):
    """Turned round, with short headings, and without token types."""
    corpus, known = load_corpus(name), load_scores(scores_file(name))
    found = first_pairs(corpus, BM25Retriever(list(corpus.documents.values())))
    faulty, plain = faulty_pairs(found), [(query, chunk.content) for query, chunk in found]
    assert {pair_key(*pair) for pair in faulty} <= known["int8"].keys()
    assert {pair_key(*pair) for pair in plain} <= known["untyped"].keys()
    some = faulty[:: len(faulty) // 6]
    then = [known["int8"][pair_key(*pair)] for pair in some]
    assert np.abs(int8_reranker.predict(some) - then).max() < 0.5
    few = plain[:: len(plain) // 6]
    then = [known["untyped"][pair_key(*pair)] for pair in few]
    assert np.abs(WithoutTokenTypes(reranker).predict(few, batch_size=4) - then).max() < 0.02
    assert np.abs(reranker.predict(few) - then).max() > 0.1
