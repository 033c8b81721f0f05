"""Retrievers: what they find, in which order, with which scores."""

import pytest

from rerank_course.engine.cache import CACHE_VARIABLE
from rerank_course.retrieve import BM25Retriever, DenseRetriever, HybridRetriever, fuse
from rerank_course.text import Chunk

CHUNKS = [
    Chunk("cats", "Cats sleep for most of the day.", "Cats"),
    Chunk("dogs", "Dogs want a walk twice a day.", "Dogs"),
    Chunk("kittens", "A young feline naps even longer.", "Kittens"),
    Chunk("tax", "The form is due in April."),
]


@pytest.fixture
def dense(tmp_path, monkeypatch, embedder):
    """A retriever by meaning, whose embeddings are computed anew."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return DenseRetriever(CHUNKS, embedder)


def ids(found):
    return [chunk.id for chunk, _ in found]


def test_bm25_finds_words_best_first():
    found = BM25Retriever(CHUNKS).search("how long do cats sleep in a day?")
    assert ids(found)[0] == "cats" and set(ids(found)) == {"cats", "dogs"}
    assert all(score > 0 for _, score in found)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_bm25_searches_headings_too_and_finds_nothing_without_a_shared_word():
    retriever = BM25Retriever(CHUNKS)
    assert ids(retriever.search("kittens")) == ["kittens"]
    assert retriever.search("quantum physics") == []
    assert retriever.search("the of and") == []


def test_dense_finds_meaning_and_scores_are_cosines(dense, embedder):
    found = dense.search("a small cat that sleeps", depth=2)
    assert set(ids(found)) == {"cats", "kittens"}
    query, text = embedder.encode(["a small cat that sleeps", found[0][0].content])
    assert found[0][1] == pytest.approx(float(embedder.similarity(query, text)), abs=1e-5)


def test_depth_and_ties():
    same = [Chunk(str(number), "identical words") for number in range(5)]
    assert ids(BM25Retriever(same).search("identical", depth=3)) == ["0", "1", "2"]
    with pytest.raises(ValueError, match="depth must be at least 1"):
        BM25Retriever(same).search("identical", depth=0)


def test_fusion_adds_reciprocal_ranks():
    a, b, c = CHUNKS[:3]
    fused = fuse([[(a, 9.0), (b, 8.0)], [(b, 0.5), (c, 0.4)]], k=60)
    assert ids(fused) == ["dogs", "cats", "kittens"]
    assert [score for _, score in fused] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])
    assert fuse([]) == []


def test_hybrid_mixes_both(dense):
    hybrid = HybridRetriever([BM25Retriever(CHUNKS), dense])
    assert set(ids(hybrid.search("kittens that sleep", depth=2))) == {"cats", "kittens"}
    with pytest.raises(ValueError, match="nothing to mix"):
        HybridRetriever([])


@pytest.mark.parametrize("make", [BM25Retriever, lambda chunks: DenseRetriever(chunks, None)])
def test_bad_documents_and_queries(make):
    with pytest.raises(ValueError, match="nothing to search"):
        make([])
    with pytest.raises(ValueError, match="an id twice"):
        make([CHUNKS[0], CHUNKS[0]])
    for query in ("", "  ", None):
        with pytest.raises(ValueError, match="query must be a non-empty string"):
            BM25Retriever(CHUNKS).search(query)


@pytest.mark.parametrize("kind", ["BM25", "dense", "hybrid"])
def test_a_retriever_scores_pairs_as_it_scores_when_it_searches(dense, kind):
    words = BM25Retriever(CHUNKS)
    retriever = {"BM25": words, "dense": dense, "hybrid": HybridRetriever([words, dense])}[kind]
    queries = ["how long do cats sleep in a day?", "dogs"]
    pairs = [(query, chunk.content) for chunk in CHUNKS for query in queries]
    found = {query: {chunk.content: score for chunk, score in retriever.search(query)} for query in queries}
    expected = [found[query].get(text, 0.0) for query, text in pairs]
    assert retriever.predict(pairs) == pytest.approx(expected, abs=1e-5)
    assert len(retriever.predict([])) == 0


def test_a_text_that_is_not_indexed_has_a_cosine_but_no_bm25_score(dense):
    pairs = [("a small cat", "A kitten."), ("a small cat", "The budget of the ministry.")]
    near, far = dense.predict(pairs)
    assert near > far
    with pytest.raises(ValueError, match="The index does not hold the text 'A kitten.'"):
        BM25Retriever(CHUNKS).predict(pairs)
    assert BM25Retriever(CHUNKS).predict([("quantum physics", CHUNKS[0].content)]) == [0.0]


def test_copies_of_a_text_have_the_best_copy_s_score():
    copies = [Chunk(f"c{number}", "the same") for number in range(5)]
    other = Chunk("x", "another")

    class Fixed:
        def __init__(self, order):
            self.order = order

        def search(self, query, depth):
            return [(chunk, float(-place)) for place, chunk in enumerate(self.order)][:depth]

    hybrid = HybridRetriever([Fixed([*copies, other]), Fixed([other, *copies])])
    best = {chunk.content: score for chunk, score in reversed(hybrid.search("q", 6))}
    scores = hybrid.predict([("q", "the same"), ("q", "another")])
    assert scores.tolist() == [best["the same"], best["another"]] and scores[0] > scores[1]
