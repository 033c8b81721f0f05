"""The int8 engine under many callers: threads, event loops, processes, and what is left behind."""

import asyncio
import copy
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rerank_course.engine.int8 import Int8Reranker
from tests.support import ROOT

QUERY = "Who pays for the train?"
LONG = [(QUERY, f"Invoice {number} " + "is paid late. " * 40) for number in range(40)]
SHORT = [(QUERY, f"Invoice {number} is paid.") for number in range(5)]


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("int8-")]


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_many_callers_get_their_own_scores(int8_reranker):
    lists = [LONG[number::4] + SHORT[number:] for number in range(4)] * 2
    alone = [int8_reranker.predict(pairs) for pairs in lists]
    with ThreadPoolExecutor(8) as callers:
        for scores, expected in zip(callers.map(int8_reranker.predict, lists), alone):
            assert np.abs(scores - expected).max() < 1e-3


def test_a_short_call_is_not_behind_a_long_one(int8_reranker):
    ended = []

    def ask(name, pairs):
        int8_reranker.predict(pairs)
        ended.append(name)

    with ThreadPoolExecutor(2) as callers:
        callers.submit(ask, "long", LONG * 2)
        wait_until(lambda: len(int8_reranker._engine.queue))
        callers.submit(ask, "short", SHORT)
    assert ended == ["short", "long"]


def test_a_bad_pair_hurts_its_own_call_alone(int8_reranker):
    expected = int8_reranker.predict(SHORT)
    with ThreadPoolExecutor(4) as callers:
        bad = [callers.submit(int8_reranker.predict, [*LONG[:8], ("a", "\ud800")]) for _ in range(2)]
        good = [callers.submit(int8_reranker.predict, SHORT) for _ in range(4)]
        assert all(np.array_equal(call.result(), expected) for call in good)
        for call in bad:
            with pytest.raises(ValueError, match="cannot be read"):
                call.result()
    assert len(int8_reranker._engine.queue) == 0


def test_an_event_loop_goes_on(int8_reranker):
    beats = []

    async def beat():
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.005)

    async def several():
        heart = asyncio.create_task(beat())
        calls = [int8_reranker.predict_async(pairs) for pairs in (LONG, SHORT, SHORT[0], [])]
        answers = await asyncio.gather(*calls)
        heart.cancel()
        return answers

    for _ in range(2):  # each run has a loop of its own
        long, short, one, nothing = asyncio.run(several())
    assert np.array_equal(short, int8_reranker.predict(SHORT))
    assert np.array_equal(long, int8_reranker.predict(LONG)) and one == short[0] and nothing.shape == (0,)
    assert len(beats) > 10


def test_loops_in_several_threads(int8_reranker):
    expected = int8_reranker.predict(SHORT)

    def run(_):
        return asyncio.run(int8_reranker.predict_async(SHORT, batch_size=3, show_progress_bar=True))

    with ThreadPoolExecutor(4) as threads:
        assert all(np.array_equal(scores, expected) for scores in threads.map(run, range(8)))


def test_keywords_of_an_asynchronous_call(int8_reranker):
    scores = asyncio.run(int8_reranker.predict_async(sentences=SHORT, convert_to_tensor=True))
    assert scores.tolist() == int8_reranker.predict(SHORT).tolist()
    for wrong, message in (({"device": "cuda"}, "CPU"), ({"batch_size": 0}, "batch_size")):
        with pytest.raises(ValueError, match=message):
            asyncio.run(int8_reranker.predict_async(SHORT, **wrong))


def test_a_cancelled_task_leaves_the_queue(int8_reranker):
    queue = int8_reranker._engine.queue

    async def give_up():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(int8_reranker.predict_async(LONG * 20), 0.2)
        assert len(queue) == 0

    asyncio.run(give_up())
    assert int8_reranker.predict(SHORT).shape == (5,)


INTERRUPTED = """
import _thread, signal, threading, time
from rerank_course.engine.int8 import Int8Reranker

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
reranker = Int8Reranker()
short = [("q", "a b")]
expected = reranker.predict(short)
threading.Timer(0.3, _thread.interrupt_main).start()
began = time.monotonic()
try:
    reranker.predict([("q", "word " * 400)] * 5000)
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - began < 10, len(reranker._engine.queue))
print((reranker.predict(short) == expected).all())
"""


@pytest.mark.heavy
def test_ctrl_c_leaves_the_queue_clean():
    said = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], cwd=ROOT, timeout=120, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["interrupted", "True", "0", "True"]
    assert said.stderr == ""


def scores_in_another_process(reranker):
    return reranker.predict(SHORT).tolist(), reranker.max_seq_length, reranker.threads


@pytest.mark.heavy
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_a_worker_process_restores_it(way):
    if way not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {way}")
    reranker = Int8Reranker(64, threads=1)
    expected = reranker.predict(SHORT).tolist(), 64, 1
    with multiprocessing.get_context(way).Pool(1) as pool:
        assert pool.apply_async(scores_in_another_process, [reranker]).get(120) == expected


@pytest.mark.heavy
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_gets_its_own_queue():
    """While the parent's is at work, so that its locks may be taken."""
    reranker = Int8Reranker(threads=2)
    expected = reranker.predict(SHORT)
    busy = threading.Thread(target=reranker.predict, args=[LONG * 2])
    busy.start()
    wait_until(lambda: len(reranker._engine.queue))
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(0 if np.array_equal(reranker.predict(SHORT), expected) else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    busy.join()
    assert np.array_equal(reranker.predict(SHORT), expected)


def test_a_pickle_keeps_the_settings(int8_reranker):
    import torch

    one = copy.copy(int8_reranker)
    one.max_seq_length, one.activation_fn, one.prompts = 64, torch.nn.Sigmoid(), {"query": "query: "}
    pickled = pickle.dumps(one)
    assert len(pickled) < 5000
    again = pickle.loads(pickled)
    assert (again.max_seq_length, again.threads, again.prompts) == (64, one.threads, {"query": "query: "})
    assert type(again.activation_fn) is torch.nn.Sigmoid
    assert np.array_equal(again.predict(SHORT), one.predict(SHORT))
    assert pickle.loads(pickle.dumps(Int8Reranker(threads=1))).threads == 1


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
def test_copies_share_the_cores(int8_reranker, make):
    copied = make(int8_reranker)
    assert np.array_equal(copied.predict(SHORT), int8_reranker.predict(SHORT))
    assert copied is not int8_reranker and copied._engine is int8_reranker._engine


@pytest.mark.heavy
def test_no_thread_is_left():
    before = set(workers())
    reranker = Int8Reranker(threads=2)
    assert set(workers()) == before  # they start with the first call
    reranker.predict(SHORT)
    assert len(set(workers()) - before) == 2
    shared = copy.copy(reranker)
    del reranker
    gc.collect()
    assert shared.predict(SHORT).shape == (5,)
    del shared
    gc.collect()
    wait_until(lambda: set(workers()) <= before)


@pytest.mark.heavy
def test_an_interpreter_ends_while_a_thread_waits():
    code = """
import threading, time
from rerank_course.engine.int8 import Int8Reranker
reranker = Int8Reranker()
reranker.predict([("a", "b")])
def forever():
    try:
        reranker.predict([("q", "word " * 400)] * 5000)
    except RuntimeError:
        pass  # the queue was closed
threading.Thread(target=forever, daemon=True).start()
time.sleep(0.3)
"""
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")
