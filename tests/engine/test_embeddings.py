"""Embeddings on disk: computed once, never for another text or model, and anew where a file is damaged."""

import os

import numpy as np
import pytest

from rerank_course.engine import embeddings
from rerank_course.engine.cache import CACHE_VARIABLE
from rerank_course.engine.embeddings import embed
from rerank_course.models import load_embedder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where embeddings are kept: nothing is there yet."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path / "embeddings"


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


def test_embeddings_are_computed_once(folder, embedder):
    counting = Counting(embedder)
    first = embed(["one", "two"], counting)
    again = embed(["one", "two"], counting)
    assert counting.count == 2 and np.array_equal(first, again)
    assert first.dtype == np.float32 and first.shape == (2, 384)


def test_other_texts_and_other_models_never_share_a_file(folder, embedder):
    counting = Counting(embedder)
    for texts in (["one", "two"], ["two", "one"], ["one", "two!"], ["onet", "wo"], ["one"]):
        assert np.allclose(
            embed(texts, counting), embedder.encode(texts, normalize_embeddings=True), atol=1e-6
        )
    assert counting.count == 9


def test_a_model_is_known_by_what_it_computes_with(embedder):
    from sentence_transformers import SentenceTransformer

    key = embeddings.model_key(embedder)
    assert embeddings.model_key(SentenceTransformer(modules=list(embedder))) == key
    assert embeddings.model_key(SentenceTransformer(modules=list(embedder)[:-1])) != key
    other = load_embedder()
    assert embeddings.model_key(other) == key
    other.max_seq_length = 8
    assert embeddings.model_key(other) != key
    other.max_seq_length = embedder.max_seq_length
    next(other.parameters()).data[0, 0] += 1e-3
    assert embeddings.model_key(other) != key


@pytest.mark.parametrize("damage", ["cut off", "empty", "not numpy", "zeros", "other shape", "another type"])
def test_a_damaged_cache_file_is_computed_again(folder, embedder, damage):
    good = embed(["one", "two"], embedder)
    (file,) = folder.glob("*/*.npy")
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


def test_a_killed_write_leaves_the_old_state(folder, embedder, monkeypatch):
    def killed(file, vectors):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(embeddings.np, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        embed(["one"], embedder)
    assert list(folder.glob("*/*")) == []


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch, embedder):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    assert embed(["one"], embedder).shape == (1, 384)


def test_many_texts_are_cached_in_blocks_and_the_bar_counts_documents(folder, embedder, monkeypatch, capsys):
    monkeypatch.setattr(embeddings, "BLOCK", 2)
    counting = Counting(embedder)
    assert embed(["a", "b", "c", "d", "e"], counting, show_progress=True).shape == (5, 384)
    assert "5/5" in capsys.readouterr().err
    embed(["a", "b", "c", "changed", "e"], counting)
    assert counting.count == 5 + 2, "only the changed block is computed again"
