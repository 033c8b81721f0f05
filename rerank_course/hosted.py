"""Cohere Rerank, a hosted reranker, behind the same ``predict`` as every other reranker of the course.

What a service adds to a reranker are the ways in which it can fail. They come out as two kinds of error, and
the difference matters:

- ``HostedRefusedError``: the key, the account, the request or a setting on this side is wrong. It will be
  wrong tomorrow too, so nothing hides it.
- ``HostedUnavailableError``: no usable scores came now (rate limit, outage, time-out, a cut or refused
  connection, a broken answer). A fallback may take over.

"No answer came" does not decide between the two: httpx raises a ``TransportError`` for a time-out, and also
for a key with a line end or an address without a scheme. ``what_to_mend`` tells them apart.

``rerank_course.engine.cohere`` makes the calls; ``rerank_course.service.stand_in`` answers them on this
machine.
"""

import math
import os
import re
import socket
import ssl
import urllib.parse
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np

from rerank_course.engine.cohere import (
    MAX_DOCUMENTS,
    MODELS,
    HostedError,
    HostedRefusedError,
    HostedUnavailableError,
    RerankService,
    billed_units,
    read_scores,
)
from rerank_course.models import DEFAULT_HOSTED

__all__ = [
    "MODELS",
    "CohereReranker",
    "FallbackWarning",
    "HostedError",
    "HostedRefusedError",
    "HostedUnavailableError",
    "origin",
    "what_to_mend",
]

Pair = tuple[str, str]
TOKEN = re.compile(
    r"[A-Za-z0-9\-._~+/]+=*"
)  # a bearer token: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)  # a cut connection, as TLS calls it


class FallbackWarning(UserWarning):
    """The fallback scored a call: its scores have another scale."""


class CohereReranker:
    """A reranker that sends query and documents to Cohere and gets scores back. Texts leave this machine.

    One ``predict`` is one call to the service for each query and each thousand documents. A rate limit, an
    error of the service (5xx, but not 501) or a cut connection is tried again: after the time that the
    service asks for in Retry-After, else after 1, 2, 4 … seconds.

    What somebody has to mend is a ``HostedRefusedError``, even if no answer came: see ``what_to_mend``.
    Before the first answer an unknown host is a mistake in the settings; after it, an outage.

    Args:
        model: one of ``MODELS``, or a newer one.
        api_key: ``None`` takes it from the environment variable CO_API_KEY. White space around it is taken
            off. It is never shown.
        base_url: ``None`` is Cohere's own. Without TLS (``http://``) only this machine is allowed, and its
            calls go past any proxy.
        fallback: a reranker for the calls that the service cannot score now. It scores **all** pairs of the
            call, since its scale is another one (logits, for the course's); a ``FallbackWarning`` says so.
        timeout: seconds without a sign of the service after which an attempt is given up. It is not repeated.
        max_wait: seconds, for each call to the service, after which no further attempt starts: a call ends
            within ``max_wait + timeout``, if the service does not trickle its answer.

    Attributes:
        scored_by: the model's name or the fallback's class, for the last ``predict``; ``None`` before it.
        billed: the sum of what the answers said will be billed, for example ``{"search_units": 3}``. Attempts
            without an answer may be billed and are not counted.
        fallbacks: calls of ``predict`` that the fallback scored.

    Raises:
        HostedRefusedError: there is no key, or it holds characters that no key has.
        ValueError: ``base_url``, ``timeout`` or ``max_wait`` is unusable.
    """

    def __init__(
        self,
        model: str = DEFAULT_HOSTED,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        fallback: Any = None,
        timeout: float = 10.0,
        max_wait: float = 30.0,
    ) -> None:
        _check_options(model, fallback, timeout, max_wait)
        self.model, self.fallback = model, fallback
        self.timeout, self.max_wait = float(timeout), float(max_wait)
        self.scored_by: str | None = None
        self.billed: dict[str, float] = {}
        self.fallbacks = 0
        key = os.environ.get("CO_API_KEY", "") if api_key is None else api_key
        self._service = _Service(_check_key(key), base_url)

    def __repr__(self) -> str:
        fallback = type(self.fallback).__name__ if self.fallback else None
        return f"CohereReranker({self.model!r}, fallback={fallback})"

    @property
    def calls(self) -> int:
        """Requests sent so far, repeated ones included."""
        return self._service.calls

    @property
    def search_units(self) -> float:
        """Search units billed so far: one is a query with up to 100 documents (https://cohere.com/pricing)."""
        return self.billed.get("search_units", 0)

    def predict(self, pairs: Sequence[Pair] | Pair, batch_size: int = 32) -> np.ndarray:
        """Score pairs: float64 of shape (pairs,), in their order, 0 to 1 or on the fallback's own scale.

        Args:
            pairs: (query, document) pairs; those of one query go out together. ``[]`` sends nothing, and one
                pair, not in a list, gives one number.
            batch_size: passed to the fallback; the service makes its own batches.

        Raises:
            HostedRefusedError, HostedUnavailableError: what happened and what to do; the second only without
            a fallback. TypeError, ValueError: something is not a pair of texts; the message says where.
        """
        if len(pairs) == 2 and all(isinstance(text, str) for text in pairs):
            return self.predict([cast(Pair, pairs)])[0]
        pairs = [_check_pair(pair, i) for i, pair in enumerate(pairs)]
        try:
            scores, self.scored_by = self._predict_hosted(pairs), self.model
            return scores
        except HostedUnavailableError as error:
            if self.fallback is None:
                raise
            reason = error
        return self._predict_fallback(pairs, batch_size, reason)

    def _predict_hosted(self, pairs: list[Pair]) -> np.ndarray:
        scores = np.empty(len(pairs))
        for query, places in _calls(pairs):
            documents = [pairs[i][1] for i in places]
            answer = self._service.rerank(self.model, query, documents, self.timeout, self.max_wait)
            for name, number in billed_units(answer).items():
                self.billed[name] = self.billed.get(name, 0) + number
            scores[places] = read_scores(answer, len(documents))
        return scores

    def _predict_fallback(self, pairs: list[Pair], batch_size: int, reason: HostedError) -> np.ndarray:
        """All pairs of the call: half a ranking on one scale and half on another would be no ranking."""
        self.fallbacks += 1
        name = type(self.fallback).__name__
        scored = f"{name} scored these {len(pairs)} pairs (fallback number {self.fallbacks})"
        warnings.warn(f"{scored}, on a scale of its own. {reason}", FallbackWarning, stacklevel=3)
        scores = self.fallback.predict(pairs, batch_size=batch_size)
        self.scored_by = name
        return scores


class _Service(RerankService):
    """The service, with mistakes in the settings told apart before anything takes them for an outage."""

    def __init__(self, key: Any, base_url: str | None) -> None:
        super().__init__(key, base_url)
        parts = urllib.parse.urlsplit(base_url or "")
        try:
            _ = parts.port
        except ValueError as error:
            raise ValueError(f"base_url has no usable port: {error}.") from None
        self._client = _Client(self._client, parts.path.rstrip("/"))


class _Client:
    """Cohere's client, asked in its place. ``path`` is what stands behind the host in ``base_url``."""

    def __init__(self, client: Any, path: str) -> None:
        self._client, self._path, self._answered = client, path, False

    def rerank(self, **request: Any) -> Any:
        import httpx
        from cohere.core.api_error import ApiError

        try:
            answer = self._client.rerank(**request)
            self._answered = True
            return answer
        except (ApiError, httpx.HTTPError, httpx.InvalidURL) as error:
            status = getattr(error, "status_code", None)
            self._answered = self._answered or status is not None
            advice = what_to_mend(error, self._answered)
            if advice is None and status == 404 and self._path:
                advice = (
                    f"base_url ends in {self._path!r} (404). The library adds /v2/rerank: leave the end out."
                )
            if advice is None:
                raise
        # Raised outside the except: the library's error holds the request, and the request holds the key.
        raise HostedRefusedError(advice, status)


def origin(error: BaseException) -> BaseException:
    """The error behind one of httpx's, as the operating system, TLS or the protocol raised it; else itself.

    A refused connection, an unknown host and a refused certificate are all an ``httpx.ConnectError``.
    """
    while True:
        # httpcore raises some errors "from None". Other errors that were under way explain nothing.
        hidden = error.__context__ if type(error).__module__.startswith("httpcore") else None
        cause = error.__cause__ or hidden
        if cause is None:
            return error
        error = cause


def what_to_mend(error: BaseException, has_answered: bool = False) -> str | None:
    """What somebody has to mend on this side; ``None`` for a failure that may pass, or that has a status.

    These do not pass by themselves: a header with illegal characters (a key with a line end), an address
    without a scheme, a certificate that is refused, a proxy that wants a login, an unknown host, and the
    status 501, which says that the service cannot do this at all
    (https://www.rfc-editor.org/rfc/rfc9110#section-15.6.2). Other statuses are not judged here.

    The text never quotes the error, which may hold the key.

    Args:
        error: what httpx or Cohere's library raised.
        has_answered: whether this host has answered before. Then an unknown host is trouble with names, and
            passes; before, it is most likely a mistyped address.
    """
    import httpx

    if getattr(error, "status_code", None) == 501:
        return "The service cannot do this (501). Check base_url: is it the right address?"
    if isinstance(error, httpx.LocalProtocolError):
        return "The request was not sent: a header holds a character that HTTP forbids. Copy the key again."
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects)):
        return "No request could be made to base_url. Write an address such as https://api.cohere.com."
    if isinstance(error, httpx.ProxyError) and str(error).startswith(
        "4"
    ):  # it begins with the proxy's status
        return f"The proxy refuses ({str(error)[:3]}). Check its address and its login in HTTPS_PROXY."
    cause = origin(error) if isinstance(error, httpx.ConnectError) else None
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, CUT):
        return (
            "The server's certificate is not accepted, or it speaks no TLS. Check base_url, this machine's "
            "clock, and whether a login page or a proxy answers in the service's place."
        )
    if isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN and not has_answered:
        return (
            "The host in base_url, or the proxy's, is unknown, and has never answered. Check how it is "
            "written, and whether there is a network."
        )
    return None


def _check_key(key: Any) -> Any:
    """The key without white space around it. One that is no bearer token (quotation marks, …) is refused."""
    if isinstance(key, str) and key.strip() and not TOKEN.fullmatch(key.strip()):
        raise HostedRefusedError(
            "The API key holds a space, a line break, a quotation mark or another character, which no key "
            "does. Copy it again, whole and alone."
        )
    return key.strip() if isinstance(key, str) else key


def _calls(pairs: list[Pair]) -> Iterable[tuple[str, list[int]]]:
    """(query, positions of its pairs) for each call to the service: at most a thousand pairs of a query."""
    positions: dict[str, list[int]] = {}
    for i, (query, _) in enumerate(pairs):
        positions.setdefault(query, []).append(i)
    for query, places in positions.items():
        for start in range(0, len(places), MAX_DOCUMENTS):
            yield query, places[start : start + MAX_DOCUMENTS]


def _check_options(model: Any, fallback: Any, timeout: float, max_wait: float) -> None:
    if not isinstance(model, str) or not model.strip():
        raise ValueError(f"model must be a name, for example {DEFAULT_HOSTED!r}, not {model!r}.")
    if not (math.isfinite(timeout) and timeout > 0 and math.isfinite(max_wait) and max_wait >= 0):
        raise ValueError(
            f"timeout must be above 0 and max_wait at least 0 seconds, not {timeout!r} and {max_wait!r}."
        )
    if fallback is not None and not callable(getattr(fallback, "predict", None)):
        raise TypeError(
            f"fallback is a {type(fallback).__name__} without .predict(pairs, batch_size=…). "
            "Pass a reranker, for example load_reranker()."
        )


def _check_pair(pair: Any, position: int) -> Pair:
    is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
    if not (is_pair and all(isinstance(text, str) for text in pair)):
        raise TypeError(f"pairs[{position}] must be two strings, (query, document), not {pair!r:.80}.")
    query, document = pair
    if not (query.strip() and document.strip()):
        empty = "document" if query.strip() else "query"
        raise ValueError(f"pairs[{position}] has an empty {empty}, which the service refuses. Leave it out.")
    return query, document
