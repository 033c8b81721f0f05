"""A connection to a hosted reranker: one call, tried again while that makes sense.

Which words are sent and read is the business of a ``Protocol``: ``engine.cohere`` has Cohere's,
``engine.other_protocols`` those of Jina, vLLM and Text Embeddings Inference.
"""

import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from rerank_course.engine.hosted_access import Key, blot_logs, check_address, check_key
from rerank_course.engine.hosted_errors import (
    Advice,
    Failure,
    HostedRefusedError,
    HostedUnavailableError,
    Refusal,
    explain_error,
    explain_status,
)
from rerank_course.engine.port import what_it_speaks
from rerank_course.engine.what_to_mend import NO_HTTP, what_to_mend


@dataclass(frozen=True)
class Answer:
    """What a service said: ``results`` should be a list of (index, score); ``billed`` what it will count."""

    results: Any
    billed: dict[str, float] = field(default_factory=dict)


class Protocol:
    """How one kind of service is spoken to. Each has an object of its own kind for a connection.

    Attributes:
        name: who sells or wrote the service.
        address: where it is called if nobody says otherwise; ``None`` if that has to be said.
        path: what is added to ``base_url``.
        key_variable: the environment variable in which its users keep a key; ``None`` if there is no custom.
        needs_key: whether a call without a key makes sense.
        max_documents: that go into one call.
        from_0_to_1: whether each score has to lie there.
        advice: what its users can do.
    """

    name: ClassVar[str]
    address: ClassVar[str | None] = None
    path: ClassVar[str]
    key_variable: ClassVar[str | None] = None
    needs_key: ClassVar[bool] = False
    max_documents: ClassVar[int] = 1000
    from_0_to_1: ClassVar[bool] = True
    advice: ClassVar[Advice]

    def connect(self, key: Key, base_url: str | None, on_this_machine: bool) -> Any:
        """The client that ``ask`` is given. On this machine no proxy is asked: it could not reach it."""
        raise NotImplementedError

    def ask(
        self, client: Any, model: str, query: str, documents: list[str], timeout: float
    ) -> Answer | Refusal:
        """One request. Raises what httpx raises, or a ValueError for an answer that cannot be read."""
        raise NotImplementedError


class HostedService:
    """A connection to a service, or to one that speaks its protocol.

    Args:
        protocol: how it is spoken to.
        key: what to show. It is never shown to anybody else: not in an error, and not as an attribute.
        base_url: the service's address; ``None`` is the protocol's own.

    Attributes:
        calls: requests sent, repeated ones included.

    Raises:
        HostedRefusedError: there is no key where one is needed, or it holds characters that no key has.
        ValueError: ``base_url`` is missing or unusable.
    """

    def __init__(self, protocol: Protocol, key: Key, base_url: str | None) -> None:
        self.protocol = protocol
        if protocol.needs_key or key:
            check_key(key, _how_to_get_a_key(protocol))
        address = protocol.address if base_url is None else base_url
        if address is None:
            raise ValueError(f"base_url is missing: say where your {protocol.name} server listens.")
        on_this_machine = check_address(
            address, protocol.address or "https://rerank.example", with_key=bool(key)
        )
        self.calls = 0
        self._client = protocol.connect(key, address, on_this_machine)
        parts = urllib.parse.urlsplit(address)
        self._path = parts.path.rstrip("/")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._port = (parts.scheme, parts.hostname or "", port) if on_this_machine else None
        self._has_answered = False
        self._hide = key.hide
        blot_logs(key)

    def rerank(self, model: str, query: str, documents: list[str], timeout: float, max_wait: float) -> Answer:
        """The service's answer for up to ``protocol.max_documents`` documents; see ``read_scores``.

        Args:
            timeout: seconds without a sign of the service after which an attempt is given up.
            max_wait: seconds after which no further attempt starts.

        Raises:
            HostedRefusedError, HostedUnavailableError: what happened and what to do.
        """
        deadline = time.monotonic() + max_wait
        attempt = 0
        while True:
            attempt += 1
            outcome = self._try(model, query, documents, timeout)
            if isinstance(outcome, Answer):
                return outcome
            # Raised here and not where the library's error was caught: that one holds the request, and the
            # request holds the key.
            error, wait = outcome.error, outcome.wait
            if wait is None:
                raise error
            wait = wait or 2.0 ** (attempt - 1)
            if time.monotonic() + wait > deadline:
                attempts = "1 attempt" if attempt == 1 else f"{attempt} attempts"
                end = f"the next would be in {wait:.3g} s, and max_wait is {max_wait:g} s."
                raise type(error)(f"{error} Given up after {attempts}: {end}", error.status)
            time.sleep(wait)

    def _try(self, model: str, query: str, documents: list[str], timeout: float) -> Answer | Failure:
        """One request: the answer, or what went wrong."""
        import httpx

        self.calls += 1
        try:
            answer = self.protocol.ask(self._client, model, query, documents, timeout)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError) as error:
            if advice := what_to_mend(error, self._has_answered) or self._wrong_scheme(error):
                return Failure(HostedRefusedError(advice))
            return explain_error(error, self._short(error), timeout, self.protocol.advice)
        self._has_answered = True
        return answer if isinstance(answer, Answer) else self._explain(answer)

    def _wrong_scheme(self, error: Exception) -> str | None:
        """What to do about a port of this machine that speaks something else than ``base_url`` says."""
        import httpx

        doubtful = (httpx.RemoteProtocolError, httpx.NetworkError, httpx.ConnectTimeout)
        if self._has_answered or self._port is None or not isinstance(error, doubtful):
            return None
        scheme, host, port = self._port
        spoken = what_it_speaks(host, port)
        if scheme == "https" and spoken == "http":
            return f"Port {port} of this machine speaks no TLS. Write http:// in base_url."
        return NO_HTTP if scheme == "http" and spoken in ("tls", "something else") else None

    def _explain(self, refusal: Refusal) -> Failure:
        status = refusal.status_code
        if advice := what_to_mend(refusal) or self._wrong_path(status):
            return Failure(HostedRefusedError(advice, status))
        shown = {name: self._hide(value) for name, value in refusal.headers.items()}
        return explain_status(Refusal(status, self._short(refusal.said), shown), self.protocol.advice)

    def _wrong_path(self, status: int) -> str | None:
        """What to do about a 404 that comes of a ``base_url`` with more than a host."""
        if status != 404 or not self._path:
            return None
        return (
            f"base_url ends in {self._path!r}, and nothing is there (404). {self.protocol.path} is added to "
            "it for each call: take the end out, unless it is a gateway's."
        )

    def _short(self, value: Any) -> str:
        """One line of what the service or the library said, without the key, in case it was repeated."""
        text = " ".join(self._hide(str(value)).split())
        return text if len(text) <= 200 else text[:199] + "…"


def _how_to_get_a_key(protocol: Protocol) -> str:
    where = (
        f"Set the environment variable {protocol.key_variable}" if protocol.key_variable else "Set api_key"
    )
    return f"{where}, or start the stand-in: python -m rerank_course serve-hosted"


def read_scores(answer: Answer, count: int, from_0_to_1: bool) -> np.ndarray:
    """The scores of ``count`` documents, float64, in the order in which they were sent.

    The answer has its own order, best first.

    Raises:
        HostedUnavailableError: the answer does not hold one usable score for each document.
    """
    if not isinstance(answer.results, list):
        raise _unusable("it has no list of results")
    scores = np.full(count, np.nan)
    for index, score in answer.results:
        if type(index) is not int or not 0 <= index < count:
            raise _unusable(f"it has the index {index!r:.40} for {count} documents")
        if not np.isnan(scores[index]):
            raise _unusable(f"it has the index {index} twice")
        if type(score) not in (int, float) or not np.isfinite(score):
            raise _unusable(f"it gives documents[{index}] the score {score!r:.40}, which is no number")
        if from_0_to_1 and not 0 <= score <= 1:
            raise _unusable(f"it gives documents[{index}] the score {score!r:.40}, which is not from 0 to 1")
        scores[index] = score
    missing = np.flatnonzero(np.isnan(scores))
    if len(missing):
        raise _unusable(f"it leaves out {len(missing)} of {count} documents, first documents[{missing[0]}]")
    return scores


def _unusable(what: str) -> HostedUnavailableError:
    return HostedUnavailableError(
        f"The service's answer cannot be used: {what}. Is base_url the right service's address?", 200
    )
