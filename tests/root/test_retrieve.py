import os

import numpy as np
import pytest

from rerank_course import retrieve
from rerank_course.engine import cache
from rerank_course.engine.embeddings import embed
from rerank_course.models import load_embedder
from rerank_course.retrieve import BM25Retriever, DenseRetriever, HybridRetriever, fuse
from rerank_course.text import Chunk

CHUNKS = [
    Chunk("cats", "Cats sleep for most of the day.", "Cats"),
    Chunk("dogs", "Dogs want a walk twice a day.", "Dogs"),
    Chunk("kittens", "A young feline naps even longer.", "Kittens"),
    Chunk("tax", "The form is due in April."),
]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path))
    return tmp_path / "embeddings"


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


def test_dense_finds_meaning_and_scores_are_cosines(cache, embedder):
    found = DenseRetriever(CHUNKS, embedder).search("a small cat that sleeps", depth=2)
    assert set(ids(found)) == {"cats", "kittens"}
    text = found[0][0].content
    expected = float(
        embedder.similarity(embedder.encode(["a small cat that sleeps"]), embedder.encode([text]))[0, 0]
    )
    assert found[0][1] == pytest.approx(expected, abs=1e-5)


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


def test_hybrid_mixes_both(cache, embedder):
    hybrid = HybridRetriever([BM25Retriever(CHUNKS), DenseRetriever(CHUNKS, embedder)])
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


class Counting:
    """The real embedder, counting how many texts it had to encode."""

    def __init__(self, embedder):
        self.embedder, self.count = embedder, 0

    def __getattr__(self, name):
        return getattr(self.embedder, name)

    def __repr__(self):
        return repr(self.embedder)

    def encode(self, texts, **options):
        self.count += len(texts)
        return self.embedder.encode(texts, **options)


def test_embeddings_are_computed_once(cache, embedder):
    counting = Counting(embedder)
    first = embed(["one", "two"], counting)
    again = embed(["one", "two"], counting)
    assert counting.count == 2 and np.array_equal(first, again)
    assert first.dtype == np.float32 and first.shape == (2, 384)


def test_other_texts_and_other_models_never_share_a_file(cache, embedder):
    counting = Counting(embedder)
    for texts in (["one", "two"], ["two", "one"], ["one", "two!"], ["onet", "wo"], ["one"]):
        assert np.allclose(
            embed(texts, counting), embedder.encode(texts, normalize_embeddings=True), atol=1e-6
        )
    assert counting.count == 9


def test_a_model_is_known_by_what_it_computes_with(embedder):
    from sentence_transformers import SentenceTransformer

    key = retrieve._model_key(embedder)
    assert retrieve._model_key(SentenceTransformer(modules=list(embedder))) == key
    assert retrieve._model_key(SentenceTransformer(modules=list(embedder)[:-1])) != key
    shorter = load_embedder()
    shorter.max_seq_length = 8
    assert retrieve._model_key(shorter) != key
    changed = load_embedder()
    next(changed.parameters()).data[0, 0] += 1e-3
    assert retrieve._model_key(changed) != key


@pytest.mark.parametrize("damage", ["cut off", "empty", "not numpy", "zeros", "other shape", "another type"])
def test_a_damaged_cache_file_is_computed_again(cache, embedder, damage):
    good = embed(["one", "two"], embedder)
    (file,) = cache.glob("*/*.npy")
    if damage == "cut off":
        os.truncate(file, file.stat().st_size // 2)
    elif damage in ("empty", "not numpy"):
        file.write_bytes(b"" if damage == "empty" else b"not numpy")
    else:
        bad = {
            "zeros": np.zeros((2, 384), np.float32),
            "other shape": good[:1],
            "another type": good.astype(np.float64),
        }[damage]
        np.save(file, bad)
    assert np.allclose(embed(["one", "two"], embedder), good, atol=1e-6)
    assert np.allclose(np.load(file), good, atol=1e-6)


def test_a_killed_write_leaves_the_old_state(cache, embedder, monkeypatch):
    def killed(file, vectors):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(retrieve.np, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        embed(["one"], embedder)
    assert list(cache.glob("*/*")) == []


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch, embedder):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file"))
    assert embed(["one"], embedder).shape == (1, 384)


def test_many_texts_are_cached_in_blocks_and_the_bar_counts_documents(cache, embedder, monkeypatch, capsys):
    monkeypatch.setattr(retrieve, "BLOCK", 2)
    counting = Counting(embedder)
    assert embed(["a", "b", "c", "d", "e"], counting, show_progress=True).shape == (5, 384)
    assert "5/5" in capsys.readouterr().err
    embed(["a", "b", "c", "changed", "e"], counting)
    assert counting.count == 5 + 2, "only the changed block is computed again"
