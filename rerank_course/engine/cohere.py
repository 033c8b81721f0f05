"""Cohere's Rerank service: one call, tried again while that makes sense, and what its failures mean.

Protocol: https://docs.cohere.com/reference/rerank. ``rerank_course.hosted`` makes a reranker of it.
"""

import email.utils
import math
import re
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rerank_course.engine.what_to_mend import what_to_mend

MODELS = ("rerank-v5.0-pro", "rerank-v5.0-fast", "rerank-v4.0-pro", "rerank-v4.0-fast", "rerank-v3.5")
MAX_DOCUMENTS = 1000  # that Cohere advises for one call
# A bearer token: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
LOOPBACK = ("127.0.0.1", "::1", "localhost")

CHECK_KEY = "Check the key in CO_API_KEY; keys are made at https://dashboard.cohere.com/api-keys."
ADVICE = {
    400: "Look at the query and the documents: none may be empty.",
    401: CHECK_KEY,
    402: "Look at the account's billing at https://dashboard.cohere.com.",
    403: "This key may not use this model. Ask whoever made it, or make another.",
    404: f"Check the model's name. Known to this course: {', '.join(MODELS)}.",
    413: "Send fewer or shorter documents in a call.",
    422: "A field of the request has a name or a value that the service does not know (top_k, for example, "
    "is top_n here).",
    429: "Send fewer calls a minute, or allow a longer max_wait. A trial key has a low limit: "
    "https://docs.cohere.com/docs/rate-limits.",
    498: CHECK_KEY,
}
OTHERWISE = "See https://docs.cohere.com/reference/errors."
LATER = "Try again later; https://status.cohere.com says whether others have the same trouble."
PROXY = "Does a proxy or a login page answer in the service's place?"


class HostedError(RuntimeError):
    """The service did not score. ``status`` is its HTTP status; ``None`` where no answer came."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class HostedRefusedError(HostedError):
    """The service refuses this key, account or request, and will until somebody mends it.

    A fallback does not hide it.
    """


class HostedUnavailableError(HostedError):
    """The service gives no usable scores at the moment. A fallback takes over if there is one."""


@dataclass(frozen=True)
class Failure:
    """Why there is no answer.

    Attributes:
        error: what to raise.
        wait: seconds until the next attempt makes sense; 0 if the service did not say; ``None`` if none does.
    """

    error: HostedError
    wait: float | None = None


class RerankService:
    """A connection to the service, or to one that speaks its protocol.

    Args:
        key: the API key. It is never shown: not in an error, and not among this object's attributes.
        base_url: the service's address; ``None`` is Cohere's own.

    Attributes:
        calls: requests sent, repeated ones included.

    Raises:
        HostedRefusedError: there is no key, or it holds characters that no key has.
        ValueError: ``base_url`` is unusable.
    """

    def __init__(self, key: Any, base_url: str | None) -> None:
        key = _check_key(key)
        self.calls = 0
        self._client = _client(key, base_url)
        self._path = urllib.parse.urlsplit(base_url or "").path.rstrip("/")
        self._has_answered = False
        self._hide = lambda text: text.replace(key, "[key]")

    def rerank(self, model: str, query: str, documents: list[str], timeout: float, max_wait: float) -> Any:
        """The service's answer for up to ``MAX_DOCUMENTS`` documents.

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
            if not isinstance(outcome, Failure):
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

    def _try(self, model: str, query: str, documents: list[str], timeout: float) -> "Any | Failure":
        """One request: the answer, or what went wrong."""
        import httpx
        from cohere.core.api_error import ApiError

        self.calls += 1
        # No retries of the library's own: it would wait up to a minute each time, and nothing could stop it.
        options = {"max_retries": 0, "timeout": timeout}
        try:
            answer = self._client.rerank(
                model=model, query=query, documents=documents, request_options=options
            )
            self._has_answered = True
            return answer
        except ApiError as error:
            self._has_answered = True
            if advice := what_to_mend(error) or self._wrong_path(error.status_code):
                return Failure(HostedRefusedError(advice, error.status_code))
            return _explain_status(error.status_code or 0, self._said(error.body), error.headers or {})
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError) as error:
            if advice := what_to_mend(error, self._has_answered):
                return Failure(HostedRefusedError(advice))
            return _explain_error(error, self._short(error), timeout)

    def _wrong_path(self, status: int | None) -> str | None:
        """What to do about a 404 that comes of a ``base_url`` with more than a host."""
        if status != 404 or not self._path:
            return None
        return f"base_url ends in {self._path!r} (404). The library adds /v2/rerank: leave the end out."

    def _said(self, body: Any) -> str:
        return self._short(body.get("message", "") if isinstance(body, dict) else body)

    def _short(self, value: Any) -> str:
        """One line of what the service or the library said, without the key, in case it was repeated."""
        text = " ".join(self._hide(str(value)).split())
        return text if len(text) <= 200 else text[:199] + "…"


def _check_key(key: Any) -> str:
    """The key without white space around it. A library would put a malformed one, in full, into its error."""
    if not isinstance(key, str) or not key.strip():
        raise HostedRefusedError(
            "There is no API key. Set the environment variable CO_API_KEY, or start the stand-in: "
            "python -m rerank_course serve-hosted"
        )
    key = key.strip()
    if not TOKEN.fullmatch(key):
        raise HostedRefusedError(
            "The API key holds a space, a line break, a quotation mark or another character, which no key "
            "does. Copy it again, whole and alone."
        )
    return key


def _client(key: str, base_url: str | None) -> Any:
    """Cohere's own client. It redacts the key in its logs and in its objects' texts."""
    import cohere
    import httpx

    if base_url is None:
        return cohere.ClientV2(api_key=key, base_url=None)
    if not base_url.isprintable() or " " in base_url:
        raise ValueError(f"base_url {base_url!r} holds white space or a control character. Take it out.")
    parts = urllib.parse.urlsplit(base_url)
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"base_url has no usable port: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(
            "base_url must be an address such as https://api.cohere.com, without a user name in it."
        )
    if parts.hostname in LOOPBACK:  # a proxy of the environment cannot reach this machine's own address
        return cohere.ClientV2(api_key=key, base_url=base_url, httpx_client=httpx.Client(trust_env=False))
    if parts.scheme == "http":
        raise ValueError(
            f"base_url {parts.hostname} is not this machine, and http:// would send key and texts "
            "unencrypted. Use https://."
        )
    return cohere.ClientV2(api_key=key, base_url=base_url)


def _explain_status(status: int, message: str, headers: Mapping[str, str]) -> Failure:
    """What an HTTP status means, and what to do about it. ``message``: what the service said."""
    said = f"{status}: {message}" if message else str(status)
    if status < 400:
        return Failure(HostedUnavailableError(f"The answer cannot be read ({said}). {PROXY}", status))
    if status == 429:
        limit = HostedUnavailableError(f"The rate limit is reached ({said}). {ADVICE[429]}", status)
        return Failure(limit, _seconds_to_wait(headers))
    if status >= 500 or status in (408, 409, 499):
        trouble = HostedUnavailableError(f"The service has trouble ({said}). {LATER}", status)
        return Failure(trouble, _seconds_to_wait(headers))
    advice = ADVICE.get(status, OTHERWISE)
    return Failure(HostedRefusedError(f"The service refuses ({said}). {advice}", status))


def _explain_error(error: Exception, said: str, timeout: float) -> Failure:
    """What the library's error means, and what to do about it. ``said``: its text, without the key."""
    import httpx

    kind: type[HostedError] = HostedUnavailableError
    wait = None
    if isinstance(error, httpx.TimeoutException):
        advice = "Allow a longer timeout, or send fewer documents."
        what = f"The service did not answer within {timeout:g} s. {advice}"
    elif isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        what = f"The service cannot be reached ({said}). Is there a network, and is the address right?"
    elif isinstance(error, httpx.HTTPError):  # cut off while sending or reading
        what = f"The connection was cut before the answer was complete ({said}). {LATER}"
        wait = 0.0
    elif isinstance(error, UnicodeEncodeError):
        kind, advice = HostedRefusedError, "Read the file anew, as UTF-8."
        what = f"A text holds half a character (a lone surrogate), which cannot be sent. {advice}"
    else:  # an answer that is no JSON, or no object
        what = f"The answer cannot be read ({said}). {PROXY}"
    return Failure(kind(what), wait)


def _seconds_to_wait(headers: Mapping[str, str]) -> float:
    """What Retry-After says, in seconds or as a date; 0 where it says nothing usable."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return 0
    return max(seconds, 0) if math.isfinite(seconds) else 0


def read_scores(answer: Any, count: int) -> np.ndarray:
    """The scores of ``count`` documents, float64, in the order in which they were sent.

    The answer has its own order, best first.

    Raises:
        HostedUnavailableError: the answer does not hold one score from 0 to 1 for each document.
    """
    results = getattr(answer, "results", None)
    if not isinstance(results, list):
        raise _unusable("it has no list of results")
    scores = np.full(count, np.nan)
    for result in results:
        index: Any = getattr(result, "index", None)
        score: Any = getattr(result, "relevance_score", None)
        if type(index) is not int or not 0 <= index < count:
            raise _unusable(f"it has the index {index!r:.40} for {count} documents")
        if not np.isnan(scores[index]):
            raise _unusable(f"it has the index {index} twice")
        if type(score) not in (int, float) or not 0 <= score <= 1:
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


def billed_units(answer: Any) -> dict[str, float]:
    """What an answer says will be billed, for example ``{"search_units": 1}``."""
    units: Any = getattr(getattr(answer, "meta", None), "billed_units", None)
    said = units.dict() if hasattr(units, "dict") else {}
    return {name: number for name, number in said.items() if isinstance(number, (int, float))}
