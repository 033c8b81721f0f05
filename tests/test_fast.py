"""The int8 engine: the same order as float32, whatever else is in the call."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from rerank_course import fast, packaged
from rerank_course.corpora import load_corpus
from rerank_course.fast import BLOCK, Int8Reranker
from rerank_course.models import load_reranker
from rerank_course.rerank import rerank_documents, rerank_stream

BERLIN = "How many people live in Berlin?"
POPULATION = "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers."
MUSEUMS = "Berlin is well known for its museums."


@pytest.fixture(scope="module")
def int8():
    return load_reranker(backend="int8")


@pytest.fixture(scope="module")
def pairs():
    """Pairs of very different lengths, from a few tokens to more than the model reads."""
    corpus = load_corpus("handbook")
    documents = sorted(corpus.documents.values(), key=lambda chunk: len(chunk.text))
    return [(query, chunk.content) for query in list(corpus.queries.values())[:2] for chunk in documents[::20] + documents[-2:]]


def test_close_to_float32(int8, pairs):
    exact = load_reranker().predict(pairs, batch_size=8)
    assert np.corrcoef(exact, int8.predict(pairs))[0, 1] > 0.99
    assert int8.predict([(BERLIN, POPULATION), (BERLIN, MUSEUMS)]) == pytest.approx([9.1, -3.9], abs=0.5)


def test_a_score_does_not_depend_on_the_rest_of_the_call(int8, pairs):
    together = int8.predict(pairs)
    alone = np.array([int8.predict([pair])[0] for pair in pairs])
    backwards = int8.predict(pairs[::-1])[::-1]
    assert np.abs(together - alone).max() < 1e-3
    assert np.abs(together - backwards).max() < 1e-3
    assert np.abs(together - Int8Reranker(threads=1).predict(pairs)).max() < 1e-3


def test_cutting_the_last_layer_changes_nothing(int8, pairs):
    """All tokens through the last layer, as the packaged graph does it, against the first token only."""
    import onnxruntime

    whole = onnxruntime.InferenceSession(str(packaged.reranker_wheel_folder() / "model.onnx"))
    for pair in pairs[:6]:
        encoding = int8._encoder.encode(*pair)
        feed = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask, "token_type_ids": encoding.type_ids}
        expected = whole.run(None, {name: np.array([ids], dtype=np.int64) for name, ids in feed.items()})[0][0, 0]
        # The cut layer quantises one token by its own scale instead of all by one: nearer to float32, not equal.
        assert int8.predict([pair])[0] == pytest.approx(expected, abs=0.15)


def test_answers_like_a_cross_encoder(int8):
    one = int8.predict((BERLIN, POPULATION))
    assert one.shape == () and one == int8.predict([(BERLIN, POPULATION)])[0]
    assert int8.predict([]).shape == (0,)
    assert int8.predict([(BERLIN, POPULATION)], batch_size=7).dtype == np.float32
    ranking = rerank_documents(BERLIN, [MUSEUMS, POPULATION], int8)
    assert [document for document, _ in ranking] == [POPULATION, MUSEUMS]


def test_reads_as_many_tokens_as_the_float32_model(int8):
    filler = "The office opens at nine and closes at five. " * 60
    assert len(int8._encoder.encode(BERLIN, filler).ids) == 512
    assert int8.predict([(BERLIN, filler + POPULATION)])[0] == int8.predict([(BERLIN, filler)])[0]
    tokens = load_reranker().tokenizer(BERLIN, filler + POPULATION, truncation=True, max_length=512)["input_ids"]
    assert int8._encoder.encode(BERLIN, filler + POPULATION).ids == tokens
    assert len(load_reranker(backend="int8", max_length=64)._encoder.encode(BERLIN, filler).ids) == 64


def test_more_pairs_than_one_block(int8):
    many = [(BERLIN, f"Room {number}.") for number in range(BLOCK + 3)]
    scores = int8.predict(many)
    assert scores[[0, BLOCK, BLOCK + 2]] == pytest.approx(int8.predict([many[0], many[BLOCK], many[BLOCK + 2]]), abs=1e-3)


@pytest.mark.parametrize(
    ("pairs", "where"),
    [([("a", "b"), ("a",)], r"pairs\[1\]"), ([("a", None)], r"pairs\[0\]"), (["ab"], r"pairs\[0\]"), ([("a", "b"), "cd"], r"pairs\[1\]")],
)
def test_what_is_not_a_pair(int8, pairs, where):
    with pytest.raises(TypeError, match=where):
        int8.predict(pairs)


def test_only_the_model_and_device_it_has():
    with pytest.raises(ValueError, match="Leave backend out"):
        load_reranker("BAAI/bge-reranker-base", backend="int8")
    with pytest.raises(ValueError, match="CPU"):
        load_reranker(backend="int8", device="cuda")
    with pytest.raises(ValueError, match="max_length"):
        load_reranker(backend="int8", max_length=513)
    with pytest.raises(ValueError, match="threads"):
        Int8Reranker(threads=0)


def test_without_onnx_runtime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(fast.EngineNotInstalledError, match="pip install onnxruntime"):
        load_reranker(backend="int8")


def test_starts_without_torch():
    code = "import sys; from rerank_course.models import load_reranker; load_reranker(backend='int8').predict([('a', 'b')]); sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_a_stream_gives_what_the_list_gives(int8):
    corpus = load_corpus("handbook")
    chunks = [chunk for chunk in corpus.documents.values() if len(chunk.text) < 300][:40]
    whole = rerank_documents("Who approves a new laptop?", chunks, int8, top_k=7)
    assert rerank_stream("Who approves a new laptop?", iter(chunks), int8, top_k=7, block=9) == whole


class ByLength:
    """Scores a document by its length, modulo 5, so that there are ties."""

    def predict(self, pairs, *, batch_size):
        return [len(document) % 5 for _, document in pairs]


def test_a_stream_keeps_ties_in_order():
    documents = ["x" * (number % 23 + 1) for number in range(100)]
    for block in (1, 3, 100, 1000):
        assert rerank_stream("q", iter(documents), ByLength(), top_k=30, block=block) == rerank_documents("q", documents, ByLength(), top_k=30)


def test_a_stream_does_not_hold_what_it_has_read():
    def documents(count):
        for number in range(count):
            yield f"{number} " + "x" * 10_000

    peaks = []
    for count in (200, 2000):
        tracemalloc.start()
        rerank_stream("q", documents(count), ByLength(), top_k=5, block=50)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


def test_a_stream_checks_its_arguments():
    with pytest.raises(ValueError, match=r"candidates\[3\]"):
        rerank_stream("q", iter(["a", "b", "c", ""]), ByLength(), block=2)
    with pytest.raises(ValueError, match="block"):
        rerank_stream("q", iter(["a"]), ByLength(), block=0)
    assert rerank_stream("q", iter([]), ByLength()) == []
