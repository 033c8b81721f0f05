"""The stand-in for Cohere's Rerank service and its relatives: its start, its end and what it is told.

It scores with the course's packaged reranker through a sigmoid, and fails on cue. What it cannot stand in
for: Cohere's model and its scores, how much of a text the model reads (here 512 tokens), the network's time,
and exact wordings of errors. It listens on loopback only, so nothing outside this machine can reach it.

It answers in Cohere's protocol, versions 1 and 2, and in those of Jina, vLLM and Text Embeddings Inference;
``apis`` says how it tells them apart.
"""

import asyncio
import ipaddress
import secrets
import threading
import warnings
from collections import deque
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from rerank_course.service.faults import FaultQueue
from rerank_course.service.handlers import Context, Received, make_application
from rerank_course.service.scoring import Turns

MAX_BYTES = 5_000_000


class StandIn:
    """The stand-in, running in a thread of its own while the ``with`` block lasts.

    ::

        with StandIn() as service:
            reranker = CohereReranker(api_key=service.key, base_url=service.url)

    Args:
        reranker: what scores; gives logits. ``None`` takes the packaged one, in int8.
        host: an address of this machine that others cannot reach. Any other is refused.
        port: 0 takes a free one.
        key: what callers have to show; ``None`` makes one up.
        max_bytes: the largest request that is answered.

    Attributes:
        url, key: what a client needs.
        requests: the last ten requests as they arrived (``Received``), refused ones included.

    Raises:
        ValueError: ``host`` is not loopback.
        OSError: the port is taken; the message says what to do.
    """

    def __init__(
        self,
        reranker: Any = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        key: str | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(
                f"host must be a loopback address such as 127.0.0.1, not {host}: "
                "the stand-in is for this machine alone."
            )
        self.host, self.port, self.max_bytes = host, port, max_bytes
        self.key = key or f"stand-in-{secrets.token_hex(8)}"
        self.requests: deque[Received] = deque(maxlen=10)
        self._reranker = reranker
        self._thread: threading.Thread | None = None
        self._faults = FaultQueue()

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"StandIn({self.url})"

    def next(self, fault: str | int, times: int = 1, seconds: float | None = None) -> None:
        """Let the next ``times`` requests go wrong.

        Args:
            fault: one of ``faults.FAULTS``, or an HTTP status from 400 to 599.
            seconds: what ``"rate limit"`` says in Retry-After (1 if not told); how long ``"slow"`` takes (2
                if not told).

        Raises:
            ValueError: an unknown fault, or ``times`` below 1.
        """
        self._faults.add(fault, times, seconds)

    def behave(self) -> None:
        """Forget the faults that are still to come."""
        self._faults.clear()

    def score_pairs(self, pairs: list[tuple[str, str]]) -> Any:
        """The logits that it gives (query, text) pairs, without a call. It has to run."""
        return self._reranker.predict(pairs)

    def __enter__(self) -> "StandIn":
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Load the reranker, take the port, and answer from now on."""
        if self._reranker is None:
            self._reranker = _packaged_reranker()
        try:
            sockets = bind_sockets(self.port, self.host)
        except OSError as error:
            raise OSError(
                f"port {self.port} cannot be taken ({error.strerror}). "
                "Take another one, or 0 for any that is free."
            ) from None
        self.port = sockets[0].getsockname()[1]
        self._running = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(sockets)), name="stand-in", daemon=True
        )
        self._thread.start()
        self._running.wait()

    def stop(self) -> None:
        """Close every connection and end the thread; what is being scored is scored to its end first.

        Does nothing if the stand-in does not run.
        """
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._thread = None

    def wait(self) -> None:
        """Block until somebody presses Ctrl-C, which is an exception here, or another thread stops it."""
        while (thread := self._thread) and thread.is_alive():
            thread.join(0.5)  # not for ever: on Windows Ctrl-C would wait for it

    async def _serve(self, sockets: list) -> None:
        # Scoring must not keep other requests from being answered.
        with ThreadPoolExecutor(1, thread_name_prefix="stand-in-scoring") as pool:
            self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
            # Up to twice the limit is read and then refused in words; a caller who sends more is cut off.
            server = HTTPServer(self._application(pool), max_body_size=2 * self.max_bytes)
            server.add_sockets(sockets)
            self._running.set()
            await self._stopped.wait()
            server.stop()
            await server.close_all_connections()

    def _application(self, pool: ThreadPoolExecutor) -> Application:
        def predict(pairs: list[tuple[str, str]]) -> Awaitable[Any]:
            return self._loop.run_in_executor(pool, self._reranker.predict, pairs)

        return make_application(
            Context(self.host, self.key, self.max_bytes, self.requests, self._faults, predict, Turns())
        )


def _packaged_reranker() -> Any:
    """In int8, or with torch where the packages for int8 are missing."""
    from rerank_course.engine.int8 import EngineNotInstalledError
    from rerank_course.models import load_reranker

    try:
        return load_reranker(backend="int8")
    except EngineNotInstalledError as error:
        warnings.warn(f"The stand-in scores with torch, which is slower. {error}", stacklevel=3)
        return load_reranker()
