"""What the stand-in does with a request: the key, the size, the fault that is next, the answer.

The protocols themselves stand in ``cohere_api`` and ``other_apis``.
"""

import asyncio
import json
import secrets
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tornado.web import Application, RequestHandler

from rerank_course.service.apis import api_of
from rerank_course.service.faults import ANSWER_FAULTS, FaultQueue, status_of
from rerank_course.service.reading import read_object, unpack
from rerank_course.service.scoring import Turns, score
from rerank_course.service.tasks import Api, RefusedError

BLOTTED = "[key]"


@dataclass(frozen=True)
class Received:
    """A request as it arrived, unpacked, with the key blotted out."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def __str__(self) -> str:
        headers = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        return f"{self.method} {self.path}\n{headers}\n{self.body.decode('utf-8', 'replace')}"


@dataclass(frozen=True)
class Context:
    """What all handlers of a stand-in share.

    Attributes:
        host: the address at which it listens.
        key: what callers have to show.
        max_bytes: the largest request that is answered, unpacked.
        requests: where requests are kept as they arrive.
        faults: what is to go wrong.
        predict: gives the logits of (query, document) pairs.
        turns: whose pairs are scored next.
    """

    host: str
    key: str
    max_bytes: int
    requests: deque[Received]
    faults: FaultQueue
    predict: Callable[[list[tuple[str, str]]], Awaitable[Any]]
    turns: Turns


def make_application(context: Context) -> Application:
    """The application that answers, with all its paths; it logs nothing, and packs answers for who asks."""
    routes = [
        (r"/rerank/?|/v[12]/rerank/?", RerankHandler),
        (r"/stand-in/next/?", NextHandler),
        (r".*", NotFoundHandler),
    ]
    return Application(
        [(path, handler, {"context": context}) for path, handler in routes],
        log_function=lambda handler: None,
        compress_response=True,
    )


class Handler(RequestHandler):
    """What every path has in common: the key, the size, and errors, in Cohere's shape."""

    def initialize(self, context: Context) -> None:
        self.context = context

    def set_default_headers(self) -> None:
        self.set_header("Server", "rerank-course stand-in")

    def prepare(self) -> None:
        self.body, problem = self.request.body, None
        try:
            self.body = self._unpacked()
        except RefusedError as error:
            problem = error
        self._keep()
        try:
            self._check_caller()
            if problem:
                raise problem
        except RefusedError as error:
            self.refuse(error.status, str(error), error.kind)

    def _unpacked(self) -> bytes:
        size, limit = len(self.request.body), self.context.max_bytes
        if size > limit:
            raise RefusedError(413, f"request too large: {size} bytes, at most {limit}")
        return unpack(self.request.body, self.request.headers.get("Content-Encoding", ""), limit)

    def _keep(self) -> None:
        key = self.context.key
        headers = {
            name: f"Bearer {BLOTTED}" if name == "Authorization" else value.replace(key, BLOTTED)
            for name, value in self.request.headers.get_all()
        }
        body = self.body.replace(key.encode(), BLOTTED.encode())
        self.context.requests.append(Received(self.request.method, self.request.path, headers, body))

    def _check_caller(self) -> None:
        host, shown = self.context.host, self.request.headers.get("Authorization")
        if self.request.host_name not in ("localhost", host, f"[{host}]"):
            # a web page that reached it under another name
            raise RefusedError(403, "this service answers to its own address only")
        if shown is None:
            raise RefusedError(401, "no api key supplied")
        # The scheme may be written in any case (https://www.rfc-editor.org/rfc/rfc9110#section-11.1), and
        # Cohere's own examples for curl have "bearer".
        scheme, _, token = shown.partition(" ")
        right = secrets.compare_digest(token.strip().encode(), self.context.key.encode())
        if scheme.lower() != "bearer" or not right:
            raise RefusedError(401, "invalid api token")

    def refuse(self, status: int, message: str, kind: str = "") -> None:
        """Answer an error."""
        self.set_status(status, "Refused")
        self.send({"id": str(uuid.uuid4()), "message": message})

    def send(self, body: Any) -> None:
        """Answer: a text as it is, ``None`` as nothing, anything else as JSON."""
        if body is None or isinstance(body, str):
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(body or b"")
        else:
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps(body))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.refuse(status_code, "method not allowed" if status_code == 405 else "internal server error")


class NotFoundHandler(Handler):
    """All paths that are not there; who has no key does not learn which."""

    def prepare(self) -> None:
        super().prepare()
        if not self._finished:
            self.refuse(404, f"no such endpoint: {self.request.path}")


class NextHandler(Handler):
    """``StandIn.next`` for another process: ``POST /stand-in/next {"fault": "rate limit", "times": 2}``."""

    def post(self) -> None:
        try:
            asked = read_object(self.body)
            if unknown := asked.keys() - {"fault", "times", "seconds"}:
                raise RefusedError(422, f"unknown field: parameter {min(unknown)!r} is not a valid field.")
            self.context.faults.add(**asked)
        except (RefusedError, ValueError, TypeError) as error:
            self.refuse(getattr(error, "status", 400), str(error))
        else:
            self.send({"message": "as you wish"})


class RerankHandler(Handler):
    """``POST /v2/rerank`` and its relatives: scores, or the fault that is next."""

    def prepare(self) -> None:
        self.api: Api = api_of(self.request.path, {})
        self.asked: dict = {}
        self.problem: RefusedError | None = None
        super().prepare()

    def _unpacked(self) -> bytes:
        body = super()._unpacked()
        try:
            self.asked = read_object(body)
            self.api = api_of(self.request.path, self.asked)
        except RefusedError as error:  # told later: a caller without a key, or a fault, comes first
            self.problem = error
        return body

    def refuse(self, status: int, message: str, kind: str = "") -> None:
        """Answer an error, in the shape of the protocol that was spoken."""
        self.set_status(status, "Refused")
        self.send(self.api.error(status, message, kind))

    async def post(self) -> None:
        fault, seconds = self.context.faults.take()
        status = status_of(fault)
        if status is not None:
            if status == 429:
                self.set_header("Retry-After", f"{1 if seconds is None else seconds:g}")
            self.refuse(status, f"the stand-in was told to answer {status}")
        elif fault == "cut":
            self.detach().close()
        elif fault == "not json":
            self.finish("<html>Please log in to the guest network.</html>")
        else:
            if fault == "slow":
                await asyncio.sleep(2 if seconds is None else seconds)
            try:
                await self.answer(fault)
            except RefusedError as error:
                self.refuse(error.status, str(error), error.kind)

    async def answer(self, fault: str | int | None) -> None:
        """Score the documents and answer, wrongly if a fault says so."""
        if self.problem:
            raise self.problem
        task = self.api.read(self.asked, self.request.headers)
        async with self.context.turns.turn(task.priority):
            scored = await score(task, self.api, self.context.predict)
        results: Any = self.api.results(task, scored)
        if isinstance(fault, str) and fault in ANSWER_FAULTS:
            results = ANSWER_FAULTS[fault](results)
        self.send(self.api.answer(task, scored, results))
