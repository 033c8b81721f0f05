"""A stand-in for Cohere's Rerank service on this machine, for lessons and tests without an account or a
network.

It speaks the protocol that Cohere's own SDK sends (https://docs.cohere.com/reference/rerank), scores with the
course's packaged reranker through a sigmoid, and fails on cue. What it cannot stand in for: Cohere's model
and its scores, the 32,000 tokens that the model reads (here 512), the network's time, and exact wordings of
errors. It listens on loopback only, so nothing outside this machine can reach it.
"""

import asyncio
import ipaddress
import json
import math
import secrets
import threading
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from rerank_course.engine.cohere import MODELS

MAX_BYTES = 5_000_000
MAX_CHUNKS = 10_000  # documents in one call; more is an error of the real service
FIELDS = {
    "model",
    "query",
    "documents",
    "top_n",
    "max_tokens_per_doc",
    "relevant_spans",
    "priority",
}  # all that SDK 7.3 knows
STATUS_FAULTS = {
    "bad key": 401,
    "bad request": 400,
    "unknown field": 422,
    "rate limit": 429,
    "server error": 500,
    "unavailable": 503,
}
ANSWER_FAULTS: dict[str, Callable[[list[dict]], Any]] = {
    "missing index": lambda results: results[1:],
    "repeated index": lambda results: [*results, results[0]],
    "index out of range": lambda results: [{**results[0], "index": len(results)}, *results[1:]],
    "score out of range": lambda results: [{**results[0], "relevance_score": 7.5}, *results[1:]],
    "score not a number": lambda results: [{**results[0], "relevance_score": math.nan}, *results[1:]],
    "no results": lambda results: None,
}
FAULTS = (*STATUS_FAULTS, "slow", "cut", "not json", *ANSWER_FAULTS)


@dataclass(frozen=True)
class Received:
    """A request as it arrived, with the key blotted out."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def __str__(self) -> str:
        return (
            f"{self.method} {self.path}\n"
            + "".join(f"{name}: {value}\n" for name, value in self.headers.items())
            + "\n"
            + self.body.decode("utf-8", "replace")
        )


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
                f"host must be a loopback address such as 127.0.0.1, not {host}: the stand-in is for this machine alone."
            )
        self.host, self.port, self.key, self.max_bytes = (
            host,
            port,
            key or f"stand-in-{secrets.token_hex(8)}",
            max_bytes,
        )
        self.requests: deque[Received] = deque(maxlen=10)
        self._reranker = reranker
        self._thread: threading.Thread | None = None
        self._faults: deque[tuple[str | int, float | None]] = deque()

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"StandIn({self.url})"

    def next(self, fault: str | int, times: int = 1, seconds: float | None = None) -> None:
        """Let the next ``times`` requests go wrong.

        Args:
            fault: one of ``FAULTS``, or an HTTP status from 400 to 599.
            seconds: what ``"rate limit"`` says in Retry-After (1 if not told); how long ``"slow"`` takes (2
                if not told).

        Raises:
            ValueError: an unknown fault, or ``times`` below 1.
        """
        known = 400 <= fault <= 599 if isinstance(fault, int) else fault in FAULTS
        if not known:
            raise ValueError(
                f"fault must be a status from 400 to 599 or one of {', '.join(map(repr, FAULTS))}, not {fault!r}."
            )
        if not isinstance(times, int) or times < 1:
            raise ValueError(f"times must be a whole number of at least 1, not {times!r}.")
        self._faults.extend([(fault, seconds)] * times)

    def behave(self) -> None:
        """Forget the faults that are still to come."""
        self._faults.clear()

    def __enter__(self) -> "StandIn":
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Load the reranker, take the port, and answer from now on."""
        if self._reranker is None:
            from rerank_course.models import load_reranker

            self._reranker = load_reranker(backend="int8")
        try:
            sockets = bind_sockets(self.port, self.host)
        except OSError as error:
            raise OSError(
                f"port {self.port} cannot be taken ({error.strerror}). Take another one, or 0 for any that is free."
            ) from None
        self.port = sockets[0].getsockname()[1]
        self._running = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(sockets)), name="stand-in", daemon=True
        )
        self._thread.start()
        self._running.wait()

    def stop(self) -> None:
        """Close every connection and end the thread; nothing if it does not run. What is being scored is
        scored to its end first.
        """
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._thread = None

    def wait(self) -> None:
        """Block until somebody presses Ctrl-C."""
        while self._thread and self._thread.is_alive():
            self._thread.join(0.5)

    async def _serve(self, sockets: list) -> None:
        with ThreadPoolExecutor(
            1, thread_name_prefix="stand-in-scoring"
        ) as pool:  # scoring must not keep other requests from being answered
            routes = [(r"/v2/rerank", _Rerank), (r"/stand-in/next", _Next), (r".*", _NotFound)]
            application = Application(
                [(path, handler, {"service": self, "pool": pool}) for path, handler in routes],
                log_function=lambda handler: None,
            )
            # Up to twice the limit is read and then refused in words; a caller who sends more is cut off.
            server = HTTPServer(application, max_body_size=2 * self.max_bytes)
            server.add_sockets(sockets)
            self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
            self._running.set()
            await self._stopped.wait()
            server.stop()
            await server.close_all_connections()


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(RequestHandler):
    """What every path has in common: the key, the size, errors in Cohere's shape."""

    def initialize(self, service: StandIn, pool: ThreadPoolExecutor) -> None:
        self.service, self.pool = service, pool

    def set_default_headers(self) -> None:
        self.set_header("Server", "rerank-course stand-in")

    def prepare(self) -> None:
        headers = {
            name: "Bearer [key]" if name == "Authorization" else value
            for name, value in self.request.headers.get_all()
        }
        self.service.requests.append(
            Received(self.request.method, self.request.path, headers, self.request.body)
        )
        if self.request.host_name not in ("localhost", self.service.host, f"[{self.service.host}]"):
            self.refuse(
                403, "this service answers to its own address only"
            )  # a web page that reached it under another name
        elif not secrets.compare_digest(
            self.request.headers.get("Authorization", "").encode(), f"Bearer {self.service.key}".encode()
        ):
            self.refuse(
                401, "invalid api token" if "Authorization" in self.request.headers else "no api key supplied"
            )
        elif len(self.request.body) > self.service.max_bytes:
            self.refuse(
                413, f"request too large: {len(self.request.body)} bytes, at most {self.service.max_bytes}"
            )

    def refuse(self, status: int, message: str) -> None:
        self.set_status(status, "Refused")
        self.finish({"id": str(uuid.uuid4()), "message": message})

    def write_error(self, status: int, **details: Any) -> None:
        self.refuse(status, "method not allowed" if status == 405 else "internal server error")

    def read_json(self, fields: set[str]) -> dict:
        try:
            request = json.loads(self.request.body)
        except ValueError:
            raise _Refused(400, "invalid request: the body is not JSON") from None
        if not isinstance(request, dict):
            raise _Refused(400, "invalid request: the body must be an object")
        for name in request:
            if name not in fields:
                raise _Refused(422, f"unknown field: parameter {name!r} is not a valid field")
        return request


class _NotFound(_Handler):
    def prepare(self) -> None:
        super().prepare()
        if not self._finished:
            self.refuse(404, f"no such endpoint: {self.request.path}")


class _Next(_Handler):
    """``POST /stand-in/next {"fault": "rate limit", "times": 2}``: what ``StandIn.next`` does, for a stand-in
    in another process.
    """

    def post(self) -> None:
        try:
            self.service.next(**self.read_json({"fault", "times", "seconds"}))
        except (_Refused, ValueError, TypeError) as error:
            self.refuse(getattr(error, "status", 400), str(error))
        else:
            self.finish({"message": "as you wish"})


class _Rerank(_Handler):
    async def post(self) -> None:
        fault, seconds = self.service._faults.popleft() if self.service._faults else (None, None)
        status = fault if isinstance(fault, int) else STATUS_FAULTS.get(fault)
        if status is not None:
            if status == 429:
                self.set_header("Retry-After", f"{1 if seconds is None else seconds:g}")
            self.refuse(status, f"the stand-in was told to answer {status}")
        elif fault == "cut":
            self.request.connection.stream.close()
        elif fault == "not json":
            self.finish("<html>Please log in to the guest network.</html>")
        else:
            if fault == "slow":
                await asyncio.sleep(2 if seconds is None else seconds)
            try:
                await self.answer(fault)
            except _Refused as error:
                self.refuse(error.status, str(error))

    async def answer(self, fault: str | None) -> None:
        query, documents, top_n = _check_request(self.read_json(FIELDS))
        pairs = [(query, document) for document in documents]
        logits = await asyncio.get_running_loop().run_in_executor(
            self.pool, self.service._reranker.predict, pairs
        )
        scores = 1 / (1 + np.exp(-np.asarray(logits, dtype=np.float64)))
        results = [
            {"index": int(i), "relevance_score": float(scores[i])}
            for i in np.argsort(-scores, kind="stable")[:top_n]
        ]
        if fault in ANSWER_FAULTS:
            results = ANSWER_FAULTS[fault](results)
        units = math.ceil(len(documents) / 100)
        meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": units}}
        self.finish({"id": str(uuid.uuid4()), "results": results, "meta": meta})


def _check_request(request: dict) -> tuple[str, list[str], int | None]:
    """(query, documents, top_n) of a request that the real service would accept, as far as its documentation
    tells.
    """
    model, query, documents, top_n = (request.get(name) for name in ("model", "query", "documents", "top_n"))
    if not isinstance(model, str) or not model:
        raise _Refused(400, "invalid request: model is required")
    if model not in MODELS:
        raise _Refused(
            404,
            f"model {model!r} not found, make sure the correct model ID was used and that you have access to the model",
        )
    if not isinstance(query, str) or not query.strip():
        raise _Refused(400, "invalid request: query must not be empty or be only whitespace")
    if not isinstance(documents, list) or not documents:
        raise _Refused(400, "invalid request: list of documents must not be empty")
    if not all(isinstance(document, str) and document.strip() for document in documents):
        raise _Refused(400, "invalid request: documents must be strings that are not empty")
    if len(documents) > MAX_CHUNKS:
        raise _Refused(
            400,
            f"invalid request: number of total chunks must be at most {MAX_CHUNKS}, received {len(documents)}",
        )
    if top_n is not None and (type(top_n) is not int or top_n < 1):
        raise _Refused(400, "invalid request: top_n must be a whole number of at least 1")
    return query, documents, top_n
