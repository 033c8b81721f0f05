"""The queue in front of the int8 engine, with workers that need no model."""

import threading
import time
import weakref

import numpy as np
import pytest

from rerank_course.engine.pair_queue import AHEAD, PATIENCE, READ, Call, PairQueue, Prepared


class Toy:
    """Scores a pair by its document's length, one word a token; ``steps`` is what it did, in order."""

    def __init__(self, together=1, seconds=0.0):
        self.steps, self.many, self.seconds = [], together, seconds
        self.gate = threading.Event()
        self.gate.set()

    def prepare(self, pairs, encoder):
        if any("unreadable" in document for _, document in pairs):
            raise ValueError("unreadable")
        return [Prepared(len(document.split()), "model", document) for _, document in pairs]

    def score(self, graph, rows):
        self.gate.wait(10)
        time.sleep(self.seconds * len(rows))
        self.steps.append(rows)
        if "breaks" in rows[0]:
            raise RuntimeError("this pair breaks")
        return np.array([float(len(row)) for row in rows])

    def together(self, length):
        return self.many


def pairs_of(name, count, words=10):
    return [("q", " ".join([f"{name}{number}"] + ["word"] * (words - 1))) for number in range(count)]


@pytest.fixture
def toy():
    return Toy()


@pytest.fixture
def queue(toy):
    queue = PairQueue(lambda: toy, workers=1)
    yield queue
    toy.gate.set()
    queue.close()
    queue.join()


def submitted(queue, pairs):
    call = Call(pairs, None, 512)
    queue.submit(call)
    return call


def wait_until(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    assert condition()


def names(toy):
    """Whose pairs were scored, in order: the first letter of each."""
    return "".join(row[0] for rows in toy.steps for row in rows)


def test_scores_stand_in_the_order_of_the_pairs(queue):
    pairs = [("q", "word " * words) for words in (3, 90, 1, 40, 40, 2)] * 60
    call = submitted(queue, pairs)
    assert call.wait(10) and call.error is None
    assert call.scores.tolist() == [float(len(document)) for _, document in pairs]


def test_the_longest_goes_first(queue, toy):
    call = submitted(queue, [("q", "word " * words) for words in (3, 90, 1, 40)])
    assert call.wait(10)
    assert [len(rows[0].split()) for rows in toy.steps] == [90, 40, 3, 1]


def test_a_short_call_goes_before_a_long_one(queue, toy):
    toy.gate.clear()
    long = submitted(queue, pairs_of("L", 100))
    wait_until(lambda: not long._unread)
    short = submitted(queue, pairs_of("s", 5))
    toy.gate.set()
    assert short.wait(10) and long.wait(10)
    # One pair of the long call was being scored when the short one came.
    assert names(toy)[:6] == "Lsssss"


def test_equal_calls_end_one_after_the_other(queue, toy):
    toy.gate.clear()
    calls = [submitted(queue, pairs_of(name, 20)) for name in "abc"]
    toy.gate.set()
    assert all(call.wait(10) for call in calls)
    assert names(toy) == "a" * 20 + "b" * 20 + "c" * 20


def test_a_long_call_does_not_starve(queue, toy):
    """As many short calls as there can be, always one waiting."""
    long = submitted(queue, pairs_of("L", 10))
    short = submitted(queue, pairs_of("s", 1))
    others = 0
    while not long.wait(0) and others < 100_000:
        other = submitted(queue, pairs_of("s", 1))
        assert short.wait(10)
        short, others = other, others + 1
    assert long.wait(10)
    before_the_last = names(toy).rindex("L")
    # It waits for the short ones that come before the queue has served PATIENCE times its tokens, which are
    # taken for half as many again until they have been read.
    assert before_the_last <= (PATIENCE * 1.5 + 2) * 10


def test_an_error_stays_in_its_call(queue, toy):
    toy.gate.clear()
    calls = [submitted(queue, pairs_of(name, 5)) for name in ("a", "breaks", "c")]
    calls.append(submitted(queue, pairs_of("unreadable", 5)))
    toy.gate.set()
    assert all(call.wait(10) for call in calls)
    assert [type(call.error) for call in calls] == [type(None), RuntimeError, type(None), ValueError]
    assert sum("breaks" in rows[0] for rows in toy.steps) == 1  # its other pairs are not scored
    assert len(queue) == 0


def test_a_cancelled_call_leaves_the_queue(queue, toy):
    toy.gate.clear()
    call = submitted(queue, pairs_of("a", 50))
    wait_until(lambda: not call._unread)
    other = submitted(queue, pairs_of("b", 3))
    queue.cancel(call)
    queue.cancel(call)
    toy.gate.set()
    assert other.wait(10) and not call.wait(0.05)
    assert names(toy).count("a") <= 1 and len(queue) == 0


def test_nothing_to_score(queue, toy):
    told = []
    call = Call([], None, 512, lambda: told.append(True))
    queue.submit(call)
    assert call.wait(0) and told == [True] and call.scores.shape == (0,)
    assert not queue._threads


def test_few_pairs_wait_as_tokens(queue, toy):
    """So that memory does not grow with the list."""
    toy.gate.clear()
    call = submitted(queue, pairs_of("a", 3000))
    wait_until(lambda: call._waiting >= AHEAD - 1)
    time.sleep(0.05)
    assert call._waiting <= AHEAD + READ
    queue.cancel(call)


def test_requests_of_several_pairs():
    """All of one length; what is left over goes one by one."""
    toy = Toy(together=4)
    queue = PairQueue(lambda: toy, workers=1)
    call = submitted(queue, pairs_of("a", 10) + pairs_of("b", 5, words=7))
    assert call.wait(10)
    assert [len(rows) for rows in toy.steps] == [4, 4, 1, 1, 4, 1]
    assert call.scores.tolist() == [float(len(document)) for _, document in call.pairs]
    queue.close()


def test_two_workers_share_one_call():
    toys = []

    def toy():
        toys.append(Toy(seconds=0.01))
        return toys[-1]

    queue = PairQueue(toy, workers=2)
    call = submitted(queue, pairs_of("a", 20))
    assert call.wait(10)
    assert len(toys) == 2 and all(len(toy.steps) > 3 for toy in toys)
    queue.close()


def test_a_closed_queue_says_so(queue, toy):
    toy.gate.clear()
    call = submitted(queue, pairs_of("a", 5))
    queue.close()
    assert call.wait(10) and "closed" in str(call.error)
    with pytest.raises(RuntimeError, match="closed"):
        queue.submit(Call(pairs_of("b", 1), None, 512))
    toy.gate.set()
    queue.join()


def test_what_was_scored_is_not_held(queue):
    """A worker that waits must not keep the last call's texts alive."""
    call = submitted(queue, pairs_of("a", 3))
    assert call.wait(10)
    gone = weakref.ref(call)
    del call
    wait_until(lambda: gone() is None)
