"""Pairs of all callers in one queue: every core has work, and a short call does not wait for a long one.

Whose turn is it? The call with the smallest ``arrived + PATIENCE × work left``. All three are counted in
tokens: ``arrived`` is how much the queue had served when the call came, so no clock is read, and the order is
the same on a fast machine and on a slow one. A call with little left goes first. A call of R tokens can be
overtaken only by calls that come before the queue has served PATIENCE × R tokens more: nobody starves.

Workers also turn texts into tokens, a few pairs at a time, so that memory grows neither with a list nor with
the number of callers.
"""

import atexit
import os
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

Pair = tuple[str, str]

READ = 32  # pairs that are tokenised at a time
AHEAD = 256  # pairs of one call that may wait as tokens
# Simulated: two cores, calls of 1 to 100 pairs that come at random and keep the cores busy 80 % of the time.
# Seconds in which 95 % of the calls of up to ten pairs end, and 99 % of those of a hundred: first come, first
# served 6.9 and 12.8; in turns by tokens 1.6 and 27.8; this rule with 4: 1.9 and 14.7, 8: 0.8 and 16.6,
# 16: 0.4 and 19.0, without end: 0.3 and 31.0.
PATIENCE = 16


class Prepared(NamedTuple):
    """A pair as tokens.

    Attributes:
        length: tokens that are computed, padding included. Pairs that differ in it share no request.
        graph: which of the model's graphs scores it.
        row: what the scorer needs.
    """

    length: int
    graph: str
    row: Any


class Scorer(Protocol):
    """What one worker has to itself."""

    def prepare(self, pairs: Sequence[Pair], encoder: Any) -> list[Prepared]:
        """Pairs as tokens."""

    def score(self, graph: str, rows: Sequence[Any]) -> np.ndarray:
        """Logits of shape (rows,), of pairs of one length."""

    def together(self, length: int) -> int:
        """How many pairs of this length one request takes."""


class Call:
    """One caller's pairs.

    Args:
        pairs: (query, document) texts.
        encoder: the tokenizer, with the call's own length limit.
        limit: tokens that a pair may have.
        then: called without arguments from a worker's thread when the call is finished.

    Attributes:
        scores: logits, float32 of shape (pairs,), complete when the call is finished without an error.
        done: pairs that have been scored.
    """

    def __init__(
        self, pairs: Sequence[Pair], encoder: Any, limit: int, then: Callable[[], None] | None = None
    ) -> None:
        self.pairs, self.encoder, self._then = pairs, encoder, then
        self.scores = np.empty(len(pairs), dtype=np.float32)
        self.done = 0
        self.error: BaseException | None = None
        self.arrived = 0.0
        # About four characters a token; what has been read counts exactly.
        self._guesses = [min(limit, 3 + (len(query) + len(text)) // 4) for query, text in pairs]
        self.left = float(sum(self._guesses))
        # Longest first: a long pair that starts last would leave the other cores idle.
        self._unread = sorted(range(len(pairs)), key=self._guesses.__getitem__)
        self._ready: dict[tuple[int, str], list[tuple[int, Any]]] = defaultdict(list)
        self._waiting = 0
        self._finished = threading.Event()

    @property
    def turn(self) -> float:
        """The smallest is served first."""
        return self.arrived + PATIENCE * self.left

    @property
    def has_work(self) -> bool:
        return bool(self._unread or self._waiting)

    @property
    def reads_next(self) -> bool:
        """Whether its next piece of work is to read more pairs, and not to score those that are ready."""
        return bool(self._unread) and self._waiting < AHEAD

    def take_unread(self, workers: int) -> list[int]:
        """Positions of the pairs to read next; they are this worker's now."""
        count = min(READ, -(-len(self.pairs) // workers))  # a short list is read by all of them
        positions = self._unread[: -count - 1 : -1]
        del self._unread[-count:]
        return positions

    def add(self, positions: Sequence[int], prepared: Sequence[Prepared]) -> None:
        """Pairs have been read."""
        for position, (length, graph, row) in zip(positions, prepared):
            self._ready[length, graph].append((position, row))
            self.left += length - self._guesses[position]
        self._waiting += len(positions)

    def take_ready(
        self, together: Callable[[int], int], workers: int
    ) -> tuple[str, int, list[tuple[int, Any]]]:
        """The longest pairs that are ready, of one length: (graph, length, [(position, row), …]).

        As many as a request takes, or one: each number would need kernels of its own. One also where the
        other workers would be left without work.
        """
        length, graph = longest = max(self._ready)
        ready, wanted = self._ready[longest], together(length)
        count = wanted if len(ready) >= wanted and self._waiting >= wanted + workers - 1 else 1
        taken = ready[-count:]
        del ready[-count:]
        if not ready:
            del self._ready[longest]
        self._waiting -= count
        return graph, length, taken

    def keep(self, positions: Sequence[int], scores: np.ndarray, length: int) -> bool:
        """Scores have been found; whether they were the last."""
        self.scores[list(positions)] = scores
        self.done += len(positions)
        self.left -= length * len(positions)
        return self.done == len(self.pairs)

    def drop(self) -> None:
        """Nobody wants the rest."""
        self._unread, self._waiting = [], 0
        self._ready.clear()

    def finish(self) -> None:
        self._finished.set()
        if self._then:
            self._then()

    def wait(self, seconds: float) -> bool:
        """Whether it is finished, after at most so many seconds."""
        return self._finished.wait(seconds)


class PairQueue:
    """Workers that score the pairs of all calls.

    Args:
        make_scorer: makes what a worker has to itself; called in the worker's thread.
        workers: threads; they start with the first call.
    """

    def __init__(self, make_scorer: Callable[[], Scorer], workers: int) -> None:
        self._make_scorer, self._count = make_scorer, workers
        self._changed = threading.Condition()  # its lock may be taken twice by one thread
        self._calls: list[Call] = []
        self._served = 0.0
        self._closed = False
        self._threads: list[threading.Thread] = []
        _open_queues.add(self)

    def __len__(self) -> int:
        """Calls that are not finished."""
        return len(self._calls)

    def submit(self, call: Call) -> None:
        """Let a call take part; ``call.wait`` or ``then`` tells its end."""
        if not call.pairs:
            call.finish()
            return
        with self._changed:
            if self._closed:
                raise RuntimeError("This queue is closed.")
            if not self._threads:
                self._start()
            call.arrived = self._served
            self._calls.append(call)
            self._changed.notify(len(call.pairs))

    def cancel(self, call: Call) -> None:
        """Forget a call: what waits of it leaves the queue, what runs is not looked at."""
        with self._changed:
            call.drop()
            if call in self._calls:
                self._calls.remove(call)

    def close(self) -> None:
        """Let the workers end after what they are doing."""
        with self._changed:
            self._closed = True
            for call in list(self._calls):
                self._end(call, RuntimeError("The reranker was closed before all pairs were scored."))
            self._changed.notify_all()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        self._threads = [
            threading.Thread(target=self._work, name=f"int8-{number}", daemon=True)
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        scorer: Scorer | None = None
        for call in self._turns():
            try:
                scorer = scorer or self._make_scorer()
                self._serve(call, scorer)
            except BaseException as error:  # it belongs to this call alone, whatever it is
                self._end(call, error)
            del call  # or an idle worker would hold its texts

    def _turns(self) -> Iterator[Call]:
        """The call to work for, again and again, until the queue is closed."""
        while True:
            with self._changed:
                while not self._closed:
                    waiting = [call for call in self._calls if call.has_work]
                    if waiting:
                        break
                    self._changed.wait()
                if self._closed:
                    return
                call = min(waiting, key=lambda call: call.turn)
                del waiting
            yield call
            del call

    def _serve(self, call: Call, scorer: Scorer) -> None:
        """One piece of work: read some pairs, or score some."""
        with self._changed:
            reads = call.reads_next
            if reads:
                unread = call.take_unread(self._count)
            elif call.has_work:
                graph, length, ready = call.take_ready(scorer.together, self._count)
            else:  # another worker was faster
                return
        if reads:
            prepared = scorer.prepare([call.pairs[position] for position in unread], call.encoder)
            with self._changed:
                if call in self._calls:
                    call.add(unread, prepared)
                    self._changed.notify(len(unread))
            return
        scores = scorer.score(graph, [row for _, row in ready])
        with self._changed:
            self._served += length * len(ready)
            is_last = call.keep([position for position, _ in ready], scores, length)
        if is_last:
            self._end(call)

    def _end(self, call: Call, error: BaseException | None = None) -> None:
        with self._changed:
            if call not in self._calls:
                return
            self._calls.remove(call)
            call.drop()
            call.error = error
        call.finish()


_open_queues: "weakref.WeakSet[PairQueue]" = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """Before the interpreter is taken down: no worker may be inside a request then."""
    queues = list(_open_queues)
    for queue in queues:
        queue.close()
    for queue in queues:
        queue.join()


def _forget_all() -> None:
    """A forked process has no workers, and a lock of theirs may be taken for ever."""
    global _open_queues
    _open_queues = weakref.WeakSet()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
