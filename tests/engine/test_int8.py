"""The int8 engine: the same order as float32, whatever else is in the call."""

import shutil
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from rerank_course.engine import cache, int8, quantise, weights
from rerank_course.engine.int8 import BLOCK, Int8Reranker
from rerank_course.models import load_reranker
from rerank_course.rerank import rerank_documents, rerank_stream
from rerank_course.texts.corpora import CORPORA, load_corpus
from tests.support import ROOT

BERLIN = "How many people live in Berlin?"
POPULATION = (
    "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers."
)
MUSEUMS = "Berlin is well known for its museums."


@pytest.fixture(scope="module")
def int8():
    return load_reranker(backend="int8")


@pytest.fixture(scope="module")
def pairs():
    """Pairs of very different lengths, from a few tokens to more than the model reads."""
    corpus = load_corpus("handbook")
    documents = sorted(corpus.documents.values(), key=lambda chunk: len(chunk.text))
    return [
        (query, chunk.content)
        for query in list(corpus.queries.values())[:2]
        for chunk in documents[::20] + documents[-2:]
    ]


def test_close_to_float32(int8, pairs):
    exact = load_reranker().predict(pairs, batch_size=8)
    assert np.corrcoef(exact, int8.predict(pairs))[0, 1] > 0.999
    assert int8.predict([(BERLIN, POPULATION), (BERLIN, MUSEUMS)]) == pytest.approx([9.1, -3.9], abs=0.3)


def test_a_score_does_not_depend_on_the_rest_of_the_call(int8, pairs):
    together = int8.predict(pairs)
    alone = np.array([int8.predict([pair])[0] for pair in pairs])
    backwards = int8.predict(pairs[::-1])[::-1]
    assert np.abs(together - alone).max() < 1e-3
    assert np.abs(together - backwards).max() < 1e-3
    assert np.abs(together - Int8Reranker(threads=1).predict(pairs)).max() < 1e-3


STRANGE = [
    ("", ""),
    ("a", ""),
    ("é" * 20, "漢字 " * 300),
    ("? ! . ," * 20, "0 1 2 3 4 5 " * 80),
    ("the " * 50, "the " * 300),
    (BERLIN, "[SEP] " * 200),
]


def test_what_is_left_out_of_the_model_changes_no_score(pairs):
    """The last layer for the first token only and exponentials without a largest score, against the published
    model, with padding in the batch.
    """
    reranker = load_reranker()
    for texts in (pairs[:6], pairs[-4:], STRANGE):
        batch = reranker.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            whole, lean = reranker.model(**batch).logits, quantise.lean(reranker.model)(**batch)
        assert (whole - lean).abs().max() < 1e-4


def test_strange_texts_have_scores_too(int8):
    exact = load_reranker().predict(STRANGE, batch_size=1)
    assert int8.predict(STRANGE) == pytest.approx(exact, abs=1.0)


def test_all_layers_round_to_the_same_steps(int8):
    """One kernel then serves all of them; and zero is one of the steps, or padding would be something else
    than nothing.
    """
    import openvino

    model = openvino.Core().read_model(int8.int8_folder() / "model.xml")
    ranges = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            reader = next(iter(node.output(0).get_target_inputs())).get_node().get_friendly_name()
            low, high = (
                float(node.input_value(position).get_node().get_data().item()) for position in (1, 2)
            )
            assert -low * 255 / (high - low) == pytest.approx(round(-low * 255 / (high - low)), abs=1e-3)
            ranges.setdefault(next(kind for kind in quantise.ROUNDED if kind in reader), []).append(
                (low, high)
            )
    # Of 12 layers the last is not rounded, nor what reads the GELUs of the first six.
    assert {kind: len(found) for kind, found in ranges.items()} == {
        "attention.self": 11,
        "attention.output": 11,
        "intermediate": 11,
        "output": 5,
    }
    assert all(len(set(found)) == 1 for found in ranges.values())


@pytest.mark.parametrize(
    ("tokens", "padded"), [(5, 8), (8, 8), (212, 212), (213, 216), (256, 256), (257, 264), (512, 512)]
)
def test_few_lengths_and_little_padding(tokens, padded):
    assert int8.padded_length(tokens) == padded


def test_no_query_of_the_evaluation_is_calibrated_on():
    pairs = quantise.calibration_pairs()
    assert len(pairs) == quantise.CALIBRATION_PAIRS and len(set(pairs)) > 150
    queries = {text.casefold() for name in CORPORA for text in load_corpus(name).queries.values()}
    assert not queries & {heading.casefold() for heading, _ in pairs}


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
    tokens = load_reranker().tokenizer(BERLIN, filler + POPULATION, truncation=True, max_length=512)[
        "input_ids"
    ]
    assert int8._encoder.encode(BERLIN, filler + POPULATION).ids == tokens
    assert len(load_reranker(backend="int8", max_length=64)._encoder.encode(BERLIN, filler).ids) == 64


def test_padding_is_under_a_twentieth_of_the_tokens(int8):
    from bench import lengths

    words = " a" * 500
    read = [int8._encoder.encode(BERLIN, words[: 2 * length]) for length in lengths("mixed", 200)]
    computed = sum(int8._feed(encoding)["input_ids"].size for encoding in read)
    assert 1 - sum(len(encoding.ids) for encoding in read) / computed < 0.05


reads_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(),
    reason="the peak of memory is read from /proc, which only Linux has",
)


def peaks_after(*lists: str) -> list[float]:
    """The peak of memory in MB after each list of pairs, Python expressions, scored in one new process."""
    code = (
        "from rerank_course.engine.int8 import Int8Reranker\n"
        "from tools.bench.worker import peak_megabytes\n"
        "reranker = Int8Reranker(threads=2)\n"
    )
    code += "".join(f"reranker.predict({pairs}); print(peak_megabytes())\n" for pairs in lists)
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        timeout=200,
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(line) for line in process.stdout.split()]


@reads_proc
def test_memory_does_not_grow_with_the_list():
    few, many = peaks_after(
        *(
            f"[('Who pays?', f'Invoice {{number}} ' + 'is paid late. ' * (number % 8)) for number in range({count})]"
            for count in (100, 3000)
        )
    )
    assert many < 1.15 * few


@reads_proc
def test_memory_with_texts_of_every_length():
    """Kernels are prepared for each length, and kept."""
    assert peaks_after("[('Who pays?', 'late ' * words) for words in range(1, 510, 2)]")[0] < 1200


def test_calls_from_several_threads_do_not_mix(int8, pairs):
    expected = int8.predict(pairs[:12])
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: int8.predict(pairs[:12]), range(8)):
            assert np.array_equal(scores, expected)


def test_more_pairs_than_one_block(int8):
    many = [(BERLIN, f"Room {number}.") for number in range(BLOCK + 3)]
    scores = int8.predict(many)
    assert scores[[0, BLOCK, BLOCK + 2]] == pytest.approx(
        int8.predict([many[0], many[BLOCK], many[BLOCK + 2]]), abs=1e-3
    )


@pytest.mark.parametrize(
    ("pairs", "where"),
    [
        ([("a", "b"), ("a",)], r"pairs\[1\]"),
        ([("a", None)], r"pairs\[0\]"),
        (["ab"], r"pairs\[0\]"),
        ([("a", "b"), "cd"], r"pairs\[1\]"),
    ],
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


def test_without_openvino(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(int8.EngineNotInstalledError, match=r'pip install "rerank-course\[int8\]"'):
        load_reranker(backend="int8")


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A model cache that holds the restored model and no int8 one."""
    folder = weights.reranker_folder()
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path))
    shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path


def left_in(cache):
    return sorted(path.name for path in cache.iterdir() if path.is_dir() and "int8" in path.name)


@pytest.mark.parametrize(
    ("program", "error", "message"),
    [
        (
            "import no_such_nncf",
            int8.EngineNotInstalledError,
            r'No module named .* pip install "rerank-course\[int8\]"',
        ),
        (
            "import sys; sys.exit('the disk is full')",
            cache.WeightsError,
            "could not be made: the disk is full",
        ),
        ("import os; os._exit(9)", cache.WeightsError, "its process ended with code 9"),
    ],
)
def test_a_model_that_cannot_be_made(empty_cache, monkeypatch, program, error, message):
    real = subprocess.Popen
    monkeypatch.setattr(
        int8.subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", program], **options)
    )
    with pytest.raises(error, match=message):
        int8.int8_folder()
    assert left_in(empty_cache) == []


def test_a_killed_start_leaves_nothing_that_is_used(empty_cache, monkeypatch):
    """Killed while it quantises: the process that it had started stops by itself, and the next start begins
    anew.
    """
    started = subprocess.Popen(
        [sys.executable, "-c", "from rerank_course.fast import int8_folder; int8_folder()"],
        stderr=subprocess.PIPE,
        text=True,
    )
    while "1/320" not in "".join(started.stderr.readline() for _ in range(1)):
        assert started.poll() is None
    children = psutil.Process(started.pid).children(recursive=True)
    assert children
    started.kill()
    started.wait()
    started.stderr.close()
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert not (empty_cache / int8.INT8_FOLDER).exists()

    monkeypatch.setattr(
        fast, "_quantise", lambda target: (target / "model.xml").write_text("made again", encoding="utf-8")
    )
    assert (int8.int8_folder() / "model.xml").read_text(encoding="utf-8") == "made again"
    assert left_in(empty_cache) == [int8.INT8_FOLDER]


def test_making_the_model_reports_to_nobody():
    code = (
        "import sys\nfrom rerank_course.engine import quantise\nquantise.calibration_pairs = lambda: 1 / 0\n"
        "try:\n    quantise.quantise(None)\nexcept ZeroDivisionError:\n    import nncf, openvino\n"
        "    sys.exit(any(name.startswith('openvino_telemetry.') for name in sys.modules) or sys.modules['openvino_telemetry'] is not None)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


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
        assert rerank_stream("q", iter(documents), ByLength(), top_k=30, block=block) == rerank_documents(
            "q", documents, ByLength(), top_k=30
        )


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
