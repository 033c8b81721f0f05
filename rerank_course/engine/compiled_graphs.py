"""A model's graphs in OpenVINO, and the queue in front of them.

Each worker has one thread, and requests of its own on each graph. The 8-bit graph is compiled at once, the
float32 one when the first pair needs it.
"""

import ctypes
import os
import sys
import threading
import weakref
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from rerank_course.engine import length_limits
from rerank_course.engine.float_route import FloatRoute
from rerank_course.engine.int8_making import INSTALL, EngineNotInstalledError
from rerank_course.engine.int8_models import Int8Model
from rerank_course.engine.pair_queue import Pair, PairQueue, Prepared

# Short pairs of one length share a request: the products with the weights cost less for many tokens at once.
# Four pairs of 16 tokens took 46 % less time than one by one, of 44 tokens 28 %, of 64 22 %, of 96 14 %, of
# 128 10 %, of 160 5 %. Eight gain little more, and callers would wait longer for each other. No score moves.
TOGETHER, SHARES_UP_TO = 4, 128  # pairs, tokens
INT8, FLOAT32 = "model", "float"  # the names of their files
# Pairs of up to so many tokens are filled up to a multiple of so many. Kernels are prepared for each length
# that occurs, and kept: up to 10 MB for a length, twice that in float32, which few pairs need.
PADDING = {
    INT8: ((64, 4), (256, 8), (sys.maxsize, 16)),
    FLOAT32: ((32, 16), (128, 32), (256, 64), (sys.maxsize, 128)),
}


class Row(NamedTuple):
    """One pair as tokens, without padding."""

    ids: np.ndarray
    types: np.ndarray


class Engine:
    """What rerankers of one model share: compiled graphs, and workers behind one queue.

    A forked process gets graphs and workers of its own when it first asks for the queue.

    Args:
        threads: workers, each with one thread.
        unrounded: score all pairs with the float32 graph, computed in this precision of OpenVINO's, ``"f32"``
            or ``"bf16"``; ``None`` for the engine as it is.

    Raises:
        EngineNotInstalledError: OpenVINO is not installed.
    """

    def __init__(self, model: Int8Model, threads: int, unrounded: str | None = None) -> None:
        self.model, self.threads, self.unrounded = model, threads, unrounded
        self._lock = threading.Lock()
        self._queue: PairQueue | None = None
        self._open()
        _engines.add(self)

    @property
    def queue(self) -> PairQueue:
        with self._lock:
            return self._open() if self._queue is None else self._queue

    def _open(self) -> PairQueue:
        graphs = _Graphs(self.model, self.threads, self.unrounded)
        self._queue = queue = PairQueue(lambda: _Worker(graphs), self.threads)
        self._close = weakref.finalize(self, queue.close)
        return queue

    def after_fork(self) -> None:
        """Forget what only the parent process can use."""
        self._close.detach()
        # To take the graphs down would wait for threads that are not here, or crash: they stay as they are,
        # also when the interpreter ends.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._queue))
        self._lock, self._queue = threading.Lock(), None


class _Graphs:
    """The compiled graphs of one model."""

    def __init__(self, model: Int8Model, threads: int, unrounded: str | None) -> None:
        self.model, self._threads, self._unrounded = model, threads, unrounded
        self._lock = threading.Lock()
        self._compiled: dict[str, Any] = {}
        self.request(FLOAT32 if unrounded else INT8)

    def graph_for(self, ids: Sequence[int]) -> str:
        """The graph that scores a pair of these token ids."""
        return FLOAT32 if self._unrounded or self.route.goes_through_float(ids) else INT8

    def padded(self, tokens: int, graph: str) -> int:
        """The length of a pair in a graph; unrounded, as it would be rounded, so that precisions compare."""
        return padded_length(tokens, self.model.max_tokens, INT8 if self._unrounded else graph)

    @cached_property
    def route(self) -> FloatRoute:
        return FloatRoute(length_limits.opened(self.model.folder).get_vocab())

    def request(self, graph: str) -> Any:
        """A new inference request; the first one for a graph compiles it."""
        with self._lock:
            if graph not in self._compiled:
                self._compiled[graph] = self._compile(graph)
            return self._compiled[graph].create_infer_request()

    def _compile(self, graph: str) -> Any:
        openvino = _openvino()
        unrounded = self._unrounded or "f32"
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": self.model.precision if graph == INT8 else unrounded,
            "NUM_STREAMS": self._threads,
            "INFERENCE_NUM_THREADS": self._threads,
            "ENABLE_CPU_PINNING": False,
            # Kernels are kept for the whole process as well. A worker that keeps 5,000 of its own, as is
            # usual, takes 50 MB more and is no faster on lengths in order.
            "CPU_RUNTIME_CACHE_CAPACITY": 250,
        }
        return openvino.Core().compile_model(self.model.folder / f"{graph}.xml", "CPU", settings)


_opening = threading.Lock()


def _openvino() -> Any:
    """The library, ready for several threads.

    Its types are looked up in tables that it fills when they are first needed, and two threads that do so at
    once can wait for each other for ever: one holds the table, the other Python's lock. So the tables are
    filled here, by one thread, before there are workers.

    Raises:
        EngineNotInstalledError: it is not installed.
    """
    with _opening:
        try:
            import openvino
        except ImportError as error:
            raise EngineNotInstalledError(
                f'backend="int8" needs OpenVINO: {INSTALL}. backend="torch" works without it.'
            ) from error
        openvino.Tensor(np.zeros(1, dtype=np.int64)).element_type.to_dtype()
        return openvino


class _Worker:
    """A worker's own requests, one on each graph that it has met."""

    def __init__(self, graphs: _Graphs) -> None:
        self._graphs, self._model = graphs, graphs.model
        self._requests: dict[str, Any] = {}

    def prepare(self, pairs: Sequence[Pair], encoder: Any) -> list[Prepared]:
        prepared = []
        for encoding in encoded(pairs, encoder):
            ids = encoding.ids
            row = Row(np.array(ids, dtype=np.int32), np.array(encoding.type_ids, dtype=np.int32))
            graph = self._graphs.graph_for(ids)
            length = self._graphs.padded(len(ids), graph)
            prepared.append(Prepared(length, graph, row))
        return prepared

    def score(self, graph: str, rows: Sequence[Row]) -> np.ndarray:
        if graph not in self._requests:
            self._requests[graph] = self._graphs.request(graph)
        request = self._requests[graph]
        # The request reads these arrays in place; they live until it has ended.
        length = self._graphs.padded(max(len(row.ids) for row in rows), graph)
        request.infer(feed(rows, self._model, length), share_inputs=True)
        return request.get_output_tensor().data[:, 0].copy()

    def together(self, length: int) -> int:
        return TOGETHER if length <= SHARES_UP_TO else 1


def encoded(pairs: Sequence[Pair], encoder: Any) -> Sequence[Any]:
    """What the tokenizer makes of each pair.

    Raises:
        ValueError: a text holds what the tokenizer cannot read; the message shows the pair.
    """
    try:
        return encoder.encode_batch_fast(list(pairs))
    except (TypeError, UnicodeError):  # half a surrogate pair, which no encoding can hold
        for pair in pairs:
            _check_text(pair)
        raise


def _check_text(pair: Pair) -> None:
    for text in pair:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"This text cannot be read: {error.reason} at character {error.start} of {text!r:.80}. "
                "It is no Unicode text; decode it with errors='replace', or leave it out."
            ) from None


def padded_length(tokens: int, most: int = 512, graph: str = INT8) -> int:
    """The number of tokens that a pair of ``tokens`` is filled up to, ``most`` where a model ends there."""
    step = next(step for up_to, step in PADDING[graph] if tokens <= up_to)
    return min(-(-tokens // step) * step, most)


def feed(rows: Sequence[Row], model: Int8Model, length: int) -> dict[str, np.ndarray]:
    """Pairs as the graph's inputs, each of shape (pairs, length), filled up with padding that is not seen."""
    shape = (len(rows), length)
    ids = np.full(shape, model.pad_id, dtype=np.int64)
    seen, types = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = row.ids
        seen[place, : len(row.ids)] = 1
        types[place, : len(row.ids)] = row.types
    return dict(zip(model.inputs, (ids, seen, types)))


_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()


def _after_fork() -> None:
    for engine in list(_engines):
        engine.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
