"""The protocol: what a call must look like, and what is answered.

It is what Cohere's own SDK sends (https://docs.cohere.com/reference/rerank).
"""

import asyncio
import json
import math
import secrets
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tornado.web import Application, RequestHandler

from rerank_course.engine.cohere import MODELS
from rerank_course.service.faults import ANSWER_FAULTS, FaultQueue, status_of
from rerank_course.text import half_character, is_blank

MAX_CHUNKS = 10_000  # documents in one call; more is an error of the real service
FIELDS = {  # all that SDK 7.3 knows
    "model",
    "query",
    "documents",
    "top_n",
    "max_tokens_per_doc",
    "relevant_spans",
    "priority",
}


@dataclass(frozen=True)
class Received:
    """A request as it arrived, with the key blotted out."""

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
        max_bytes: the largest request that is answered.
        requests: where requests are kept as they arrive.
        faults: what is to go wrong.
        score: gives the logits of (query, document) pairs.
    """

    host: str
    key: str
    max_bytes: int
    requests: deque[Received]
    faults: FaultQueue
    score: Callable[[list[tuple[str, str]]], Awaitable[Any]]


def make_application(context: Context) -> Application:
    """The application that answers, with all its paths; it logs nothing."""
    routes = [(r"/v2/rerank", RerankHandler), (r"/stand-in/next", NextHandler), (r".*", NotFoundHandler)]
    return Application(
        [(path, handler, {"context": context}) for path, handler in routes],
        log_function=lambda handler: None,
    )


class RefusedError(Exception):
    """A request that is answered with this status and these words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Handler(RequestHandler):
    """What every path has in common: the key, the size, errors in Cohere's shape."""

    def initialize(self, context: Context) -> None:
        self.context = context

    def set_default_headers(self) -> None:
        self.set_header("Server", "rerank-course stand-in")

    def prepare(self) -> None:
        self._keep()
        try:
            self._check_caller()
        except RefusedError as error:
            self.refuse(error.status, str(error))

    def _keep(self) -> None:
        headers = {
            name: "Bearer [key]" if name == "Authorization" else value
            for name, value in self.request.headers.get_all()
        }
        received = Received(self.request.method, self.request.path, headers, self.request.body)
        self.context.requests.append(received)

    def _check_caller(self) -> None:
        host, shown = self.context.host, self.request.headers.get("Authorization")
        if self.request.host_name not in ("localhost", host, f"[{host}]"):
            # a web page that reached it under another name
            raise RefusedError(403, "this service answers to its own address only")
        if shown is None:
            raise RefusedError(401, "no api key supplied")
        if not secrets.compare_digest(shown.encode(), f"Bearer {self.context.key}".encode()):
            raise RefusedError(401, "invalid api token")
        size, limit = len(self.request.body), self.context.max_bytes
        if size > limit:
            raise RefusedError(413, f"request too large: {size} bytes, at most {limit}")

    def refuse(self, status: int, message: str) -> None:
        """Answer an error, in Cohere's shape."""
        self.set_status(status, "Refused")
        self.finish({"id": str(uuid.uuid4()), "message": message})

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.refuse(status_code, "method not allowed" if status_code == 405 else "internal server error")

    def read_json(self, fields: set[str]) -> dict:
        """The request's body, an object that may have these fields.

        Raises:
            RefusedError: it is not.
        """
        try:
            request = json.loads(self.request.body)
        except ValueError:
            raise RefusedError(400, "invalid request: the body is not JSON") from None
        if not isinstance(request, dict):
            raise RefusedError(400, "invalid request: the body must be an object")
        for name in request:
            if name not in fields:
                raise RefusedError(422, f"unknown field: parameter {name!r} is not a valid field")
        return request


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
            self.context.faults.add(**self.read_json({"fault", "times", "seconds"}))
        except (RefusedError, ValueError, TypeError) as error:
            self.refuse(getattr(error, "status", 400), str(error))
        else:
            self.finish({"message": "as you wish"})


class RerankHandler(Handler):
    """``POST /v2/rerank``: scores, or the fault that is next."""

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
                self.refuse(error.status, str(error))

    async def answer(self, fault: str | int | None) -> None:
        """Score the documents and answer, wrongly if a fault says so."""
        query, documents, top_n = check_request(self.read_json(FIELDS))
        logits = await self.context.score([(query, document) for document in documents])
        scores = 1 / (1 + np.exp(-np.asarray(logits, dtype=np.float64)))
        results = [
            {"index": int(i), "relevance_score": float(scores[i])}
            for i in np.argsort(-scores, kind="stable")[:top_n]
        ]
        if isinstance(fault, str) and fault in ANSWER_FAULTS:
            results = ANSWER_FAULTS[fault](results)
        units = math.ceil(len(documents) / 100)
        meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": units}}
        self.finish({"id": str(uuid.uuid4()), "results": results, "meta": meta})


def check_request(request: dict) -> tuple[str, list[str], int | None]:
    """(query, documents, top_n) of a request that the real service would accept, by its documentation.

    Raises:
        RefusedError: the real service would refuse it.
    """
    query: Any = request.get("query")
    documents: Any = request.get("documents")
    top_n: Any = request.get("top_n")
    _check_model(request.get("model"))
    if not isinstance(query, str) or is_blank(query):
        raise RefusedError(400, "invalid request: query must not be empty or be only whitespace")
    _check_documents(documents)
    _check_unicode(query, *documents)
    if top_n is not None and (type(top_n) is not int or top_n < 1):
        raise RefusedError(400, "invalid request: top_n must be a whole number of at least 1")
    return query, documents, top_n


def _check_unicode(*texts: str) -> None:
    """Refuse half of a surrogate pair, which JSON can spell and no tokenizer takes."""
    if any(half_character(text) is not None for text in texts):
        raise RefusedError(400, "invalid request: query and documents must be valid unicode")


def _check_model(model: Any) -> None:
    if not isinstance(model, str) or not model:
        raise RefusedError(400, "invalid request: model is required")
    if model not in MODELS:
        advice = "make sure the correct model ID was used and that you have access to the model"
        raise RefusedError(404, f"model {model!r} not found, {advice}")


def _check_documents(documents: Any) -> None:
    if not isinstance(documents, list) or not documents:
        raise RefusedError(400, "invalid request: list of documents must not be empty")
    if not all(isinstance(document, str) and not is_blank(document) for document in documents):
        raise RefusedError(400, "invalid request: documents must be strings that are not empty")
    if len(documents) > MAX_CHUNKS:
        counted = f"must be at most {MAX_CHUNKS}, received {len(documents)}"
        raise RefusedError(400, f"invalid request: number of total chunks {counted}")
