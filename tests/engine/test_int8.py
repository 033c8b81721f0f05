"""The int8 engine: the same order as float32, whatever else is in the call."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rerank_course.engine.compiled_graphs import FLOAT32, padded_length
from rerank_course.engine.int8 import Int8Reranker
from rerank_course.engine.int8_making import EngineNotInstalledError
from rerank_course.engine.pair_queue import AHEAD
from rerank_course.models import load_reranker
from rerank_course.rerank import rerank_documents
from tests.support import ROOT
from tools.bench.workloads import lengths

BERLIN = "How many people live in Berlin?"
POPULATION = (
    "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers."
)
MUSEUMS = "Berlin is well known for its museums."


@pytest.fixture(scope="module")
def scores(int8_reranker, pairs):
    return int8_reranker.predict(pairs)


def test_close_to_float32(reranker, int8_reranker, pairs, scores):
    assert np.corrcoef(reranker.predict(pairs, batch_size=8), scores)[0, 1] > 0.999
    two = int8_reranker.predict([(BERLIN, POPULATION), (BERLIN, MUSEUMS)])
    assert two == pytest.approx([9.1, -3.9], abs=0.3)


def test_a_score_does_not_depend_on_the_rest_of_the_call(int8_reranker, pairs, scores):
    alone = np.array([int8_reranker.predict([pair])[0] for pair in pairs])
    assert np.abs(scores - alone).max() < 1e-3
    assert np.abs(scores - int8_reranker.predict(pairs[::-1])[::-1]).max() < 1e-3
    assert np.abs(scores - Int8Reranker(threads=1).predict(pairs)).max() < 1e-3


def test_calls_from_several_threads_do_not_mix(int8_reranker, pairs):
    expected = int8_reranker.predict(pairs[:12])
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: int8_reranker.predict(pairs[:12]), range(8)):
            assert np.array_equal(scores, expected)


def test_a_pair_may_go_through_the_float32_graph(reranker, pairs):
    """Beside others that do not, in one call."""
    mixed = [*pairs[:4], ("yes", "no"), *pairs[4:8]]
    scores = Int8Reranker(threads=2).predict(mixed)
    exact = reranker.predict(mixed, batch_size=1)
    assert scores[4] == pytest.approx(exact[4], abs=1e-3)
    assert np.abs(scores - exact).max() > 1e-3


def test_short_pairs_share_requests_and_keep_their_scores(int8_reranker):
    many = [(BERLIN, f"Room {number} is closed.") for number in range(23)]
    alone = np.array([int8_reranker.predict(pair) for pair in many])
    assert np.abs(int8_reranker.predict(many) - alone).max() < 1e-3


def test_strange_texts_have_scores_too(reranker, int8_reranker, strange):
    assert int8_reranker.predict(strange) == pytest.approx(reranker.predict(strange, batch_size=1), abs=1.0)


@pytest.mark.parametrize(
    ("tokens", "padded"), [(5, 8), (8, 8), (61, 64), (65, 72), (213, 216), (256, 256), (257, 272), (512, 512)]
)
def test_few_lengths_and_little_padding(tokens, padded):
    assert padded_length(tokens) == padded


def test_float32_kernels_are_few():
    """Each costs 20 MB, and few pairs need them."""
    padded = [padded_length(tokens, 512, FLOAT32) for tokens in range(1, 513)]
    assert len(set(padded)) < 10 and max(padded) == 512
    assert all(length < 2 * tokens for tokens, length in enumerate(padded, 1) if tokens > 16)
    assert padded_length(290, 300, FLOAT32) == 300


def test_answers_like_a_cross_encoder(int8_reranker):
    one = int8_reranker.predict((BERLIN, POPULATION))
    assert one.shape == () and one == int8_reranker.predict([(BERLIN, POPULATION)])[0]
    assert int8_reranker.predict([]).shape == (0,)
    assert int8_reranker.predict([(BERLIN, POPULATION)], batch_size=7).dtype == np.float32
    ranking = rerank_documents(BERLIN, [MUSEUMS, POPULATION], int8_reranker)
    assert [document for document, _ in ranking] == [POPULATION, MUSEUMS]


def test_reads_as_many_tokens_as_the_float32_model(reranker, int8_reranker):
    filler = "The office opens at nine and closes at five. " * 60
    assert len(int8_reranker._encoders.at(512).encode(BERLIN, filler).ids) == 512
    with_answer, without = int8_reranker.predict([(BERLIN, filler + POPULATION), (BERLIN, filler)])
    assert with_answer == without
    tokens = reranker.tokenizer(BERLIN, filler + POPULATION, truncation=True, max_length=512)
    assert int8_reranker._encoders.at(512).encode(BERLIN, filler + POPULATION).ids == tokens["input_ids"]
    assert len(int8_reranker._encoders.at(64).encode(BERLIN, filler).ids) == 64


def test_padding_is_under_a_twentieth_of_the_tokens(int8_reranker):
    words = " a" * 500
    read = [
        int8_reranker._encoders.at(512).encode(BERLIN, words[: 2 * length])
        for length in lengths("mixed", 200)
    ]
    computed = sum(padded_length(len(encoding.ids)) for encoding in read)
    assert 1 - sum(len(encoding.ids) for encoding in read) / computed < 0.05


PEAKS = """
import sys
from rerank_course.engine.int8 import Int8Reranker
from tools.bench.worker import peak_megabytes

def invoices(count):
    return [("Who pays?", f"Invoice {n} " + "is paid late. " * 400) for n in range(count)]

def every_length():
    words = "who pays for late trains and lost bags when the office is closed on monday " * 40
    return [("Who pays?", " ".join(words.split()[:count])) for count in range(9, 510, 4)]

def repeated_words():
    return [("Who pays?", "pays " * count) for count in range(1, 510, 4)]

max_length, *lists = sys.argv[1:]
reranker = Int8Reranker(threads=2, max_length=int(max_length))
for pairs in lists:
    reranker.predict(eval(pairs))
    print(peak_megabytes())
"""

reads_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(),
    reason="the peak of memory is read from /proc, which only Linux has",
)


def peaks_after(*lists: str, max_length: int) -> list[float]:
    """The peak of memory in MB after each list of pairs, Python expressions, scored in one new process."""
    command = [sys.executable, "-c", PEAKS, str(max_length), *lists]
    process = subprocess.run(command, cwd=ROOT, timeout=280, capture_output=True, text=True, check=True)
    return [float(line) for line in process.stdout.split()]


@reads_proc
@pytest.mark.heavy
def test_memory_does_not_grow_with_the_list():
    """Long texts of which little is read: they take memory, not time."""
    few, many = peaks_after("invoices(64)", "invoices(448)", max_length=16)
    assert many < 1.15 * few


@reads_proc
@pytest.mark.heavy
def test_memory_with_texts_of_every_length():
    """Kernels are prepared for each length, and kept. The float32 graph has weights of its own."""
    rounded, with_float32 = peaks_after("every_length()", "repeated_words()", max_length=512)
    assert rounded < 700
    assert with_float32 < 1100


TOGETHER_FROM_THE_START = """
import faulthandler, threading
faulthandler.dump_traceback_later(60, exit=True)
from rerank_course.engine import compiled_graphs

openvino, barrier = compiled_graphs._openvino(), threading.Barrier(4)

def look_up():
    barrier.wait()
    openvino.Type.i64.to_dtype()

threads = [threading.Thread(target=look_up) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.heavy
def test_threads_that_begin_together_do_not_wait_for_each_other_for_ever():
    """Without the library made ready first, this hung in a quarter of the tries."""
    for _ in range(6):
        subprocess.run([sys.executable, "-c", TOGETHER_FROM_THE_START], cwd=ROOT, timeout=90, check=True)


def test_more_pairs_than_wait_as_tokens(int8_reranker):
    many = [(BERLIN, f"Room {number}.") for number in range(AHEAD + 3)]
    some = [0, AHEAD, AHEAD + 2]
    alone = int8_reranker.predict([many[i] for i in some])
    assert int8_reranker.predict(many)[some] == pytest.approx(alone, abs=1e-3)


@pytest.mark.parametrize(
    ("pairs", "where"),
    [
        ([("a", "b"), ("a",)], r"inputs\[1\]"),
        ([("a", None)], r"inputs\[0\]"),
        (["ab"], r"inputs\[0\]"),
        ([("a", "b"), "cd"], r"inputs\[1\]"),
    ],
)
def test_what_is_not_a_pair(int8_reranker, pairs, where):
    with pytest.raises(TypeError, match=where):
        int8_reranker.predict(pairs)


def test_only_the_device_and_length_it_has():
    with pytest.raises(ValueError, match="CPU"):
        load_reranker(backend="int8", device="cuda")
    with pytest.raises(ValueError, match="max_length"):
        load_reranker(backend="int8", max_length=513)
    with pytest.raises(ValueError, match="threads"):
        Int8Reranker(threads=0)


def test_without_openvino(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EngineNotInstalledError, match=r'pip install "openvino'):
        load_reranker(backend="int8")


WITHOUT_TORCH = """
import sys
from rerank_course.models import load_reranker

load_reranker(backend="int8").predict([("a", "b")])
sys.exit("torch" in sys.modules or "transformers" in sys.modules)
"""


@pytest.mark.heavy
def test_starts_without_torch():
    assert subprocess.run([sys.executable, "-c", WITHOUT_TORCH], timeout=60).returncode == 0
