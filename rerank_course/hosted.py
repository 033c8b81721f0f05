"""Cohere Rerank, a hosted reranker, behind the same ``predict`` as every other reranker of the course.

What a service adds to a reranker are the ways in which it can fail. They come out as two kinds of error, and
the difference matters:

- ``HostedRefusedError``: the key, the account or the request is wrong. It will be wrong tomorrow too, so
  nothing hides it.
- ``HostedUnavailableError``: no usable scores came now (rate limit, outage, time-out, no network, a broken
  answer). A fallback may take over.

Protocol: https://docs.cohere.com/reference/rerank. ``rerank_course.service.stand_in`` speaks it on this
machine.
"""

import itertools
import math
import os
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from rerank_course.engine.cohere import (
    ADVICE,
    LATER,
    MAX_DOCUMENTS,
    PROXY,
    Failure,
    HostedError,
    HostedRefusedError,
    HostedUnavailableError,
    check_key,
    client,
    scores,
    seconds_to_wait,
)
from rerank_course.models import DEFAULT_HOSTED


class FallbackWarning(UserWarning):
    """The fallback scored a call: its scores have another scale."""


class CohereReranker:
    """A reranker that sends query and documents to Cohere and gets scores back. Texts leave this machine.

    One ``predict`` is one call to the service for each query and each thousand documents. A rate limit, an
    error of the service (5xx) or a cut connection is tried again: after the time that the service asks for in
    Retry-After, else after 1, 2, 4 … seconds.

    Args:
        model: one of ``MODELS``, or a newer one.
        api_key: ``None`` takes it from the environment variable CO_API_KEY. It is never shown, in an error
            neither.
        base_url: ``None`` is Cohere's own. Without TLS (``http://``) only this machine is allowed, and its
            calls go past any proxy.
        fallback: a reranker for the calls that the service cannot score now. It scores **all** pairs of the
            call, since its scale is another one (logits, for the course's); a ``FallbackWarning`` says so.
        timeout: seconds without a sign of the service after which an attempt is given up. It is not repeated.
        max_wait: seconds, for each call to the service, after which no further attempt starts. An attempt
            that could not start in time is not waited for, so that a call ends within ``max_wait + timeout``,
            if the service does not trickle its answer.

    Attributes:
        scored_by: who scored the last ``predict``: the model's name, or the fallback's class. ``None`` before
            the first.
        billed: what the answers said will be billed, summed over this object's life, for example
            ``{"search_units": 3}``. One search unit is a query with up to 100 documents
            (https://cohere.com/pricing). Attempts without an answer may be billed and are not counted.
        calls: requests sent, repeated ones included.
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
        if not isinstance(model, str) or not model.strip():
            raise ValueError(f"model must be a name, for example {DEFAULT_HOSTED!r}, not {model!r}.")
        if not (math.isfinite(timeout) and timeout > 0 and math.isfinite(max_wait) and max_wait >= 0):
            raise ValueError(
                f"timeout must be above 0 and max_wait at least 0 seconds, not {timeout!r} and {max_wait!r}."
            )
        if fallback is not None and not callable(getattr(fallback, "predict", None)):
            raise TypeError(
                f"fallback is a {type(fallback).__name__} without .predict(pairs, batch_size=…). Pass a reranker, for example load_reranker()."
            )
        self.model, self.fallback, self.timeout, self.max_wait = (
            model,
            fallback,
            float(timeout),
            float(max_wait),
        )
        self.scored_by: str | None = None
        self.billed: dict[str, float] = {}
        self.calls = self.fallbacks = 0
        key = check_key(os.environ.get("CO_API_KEY", "") if api_key is None else api_key)
        self._client = client(key, base_url)
        self._hide = lambda text: text.replace(key, "[key]")

    def __repr__(self) -> str:
        return f"CohereReranker({self.model!r}, fallback={type(self.fallback).__name__ if self.fallback else None})"

    @property
    def search_units(self) -> float:
        """Search units billed so far, as the service counted them."""
        return self.billed.get("search_units", 0)

    def predict(self, pairs: Sequence[tuple[str, str]] | tuple[str, str], batch_size: int = 32) -> np.ndarray:
        """Score pairs: float64 of shape (pairs,), in their order; one pair gives one number. From 0 to 1, or
        the fallback's own scale.

        Args:
            pairs: (query, document) pairs; those of one query go out together. ``[]`` sends nothing.
            batch_size: passed to the fallback; the service makes its own batches.

        Raises:
            HostedRefusedError, HostedUnavailableError: what happened and what to do; the second only where
            there is no fallback. TypeError, ValueError: something that is not a pair of texts; the message
            says where.
        """
        if len(pairs) == 2 and all(isinstance(text, str) for text in pairs):
            return self.predict([pairs])[0]
        pairs = [_check_pair(pair, i) for i, pair in enumerate(pairs)]
        try:
            scores, self.scored_by = self._predict_hosted(pairs), self.model
            return scores
        except HostedUnavailableError as error:
            if self.fallback is None:
                raise
            reason = error
        return self._predict_fallback(pairs, batch_size, reason)

    def _predict_hosted(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        scores = np.empty(len(pairs))
        positions: dict[str, list[int]] = {}
        for i, (query, _) in enumerate(pairs):
            positions.setdefault(query, []).append(i)
        for query, places in positions.items():
            for start in range(0, len(places), MAX_DOCUMENTS):
                some = places[start : start + MAX_DOCUMENTS]
                scores[some] = self._score(query, [pairs[i][1] for i in some])
        return scores

    def _predict_fallback(
        self, pairs: list[tuple[str, str]], batch_size: int, reason: HostedError
    ) -> np.ndarray:
        """All pairs of the call: half a ranking on one scale and half on another would be no ranking."""
        name = type(self.fallback).__name__
        self.fallbacks += 1
        warnings.warn(
            f"{name} scored these {len(pairs)} pairs (fallback number {self.fallbacks}), on a scale of its own. {reason}",
            FallbackWarning,
            stacklevel=3,
        )
        scores = self.fallback.predict(pairs, batch_size=batch_size)
        self.scored_by = name
        return scores

    def _score(self, query: str, documents: list[str]) -> np.ndarray:
        """Scores of up to a thousand documents, in their order; tried again while that makes sense and
        ``max_wait`` lasts.
        """
        deadline = time.monotonic() + self.max_wait
        for attempt in itertools.count(1):
            outcome = self._try(query, documents)
            if not isinstance(outcome, Failure):
                self._count(outcome)
                return scores(outcome, len(documents))
            # Raised here and not where the library's error was caught: that one holds the request, and the
            # request holds the key.
            error, wait = outcome.error, outcome.wait
            if wait is None:
                raise error
            wait = wait or 2.0 ** (attempt - 1)
            if time.monotonic() + wait > deadline:
                attempts = "1 attempt" if attempt == 1 else f"{attempt} attempts"
                end = f"Given up after {attempts}: the next would be in {wait:.3g} s, and max_wait is {self.max_wait:g} s."
                raise type(error)(f"{error} {end}", error.status)
            time.sleep(wait)

    def _try(self, query: str, documents: list[str]) -> "Any | Failure":
        """One request: the answer, or what went wrong."""
        import httpx
        from cohere.core.api_error import ApiError

        self.calls += 1
        # No retries of the library's own: it would wait up to a minute each time, and nothing could stop it.
        options = {"max_retries": 0, "timeout": self.timeout}
        try:
            return self._client.rerank(
                model=self.model, query=query, documents=documents, request_options=options
            )
        except ApiError as error:
            return self._explain_status(error.status_code or 0, error.body, error.headers or {})
        except httpx.TimeoutException:
            return Failure(
                HostedUnavailableError(
                    f"The service did not answer within {self.timeout:g} s. Allow a longer timeout, or send fewer documents."
                )
            )
        except (httpx.ConnectError, httpx.ProxyError) as error:
            return Failure(
                HostedUnavailableError(
                    f"The service cannot be reached ({self._short(error)}). Is there a network, and is the address right?"
                )
            )
        except httpx.HTTPError as error:  # cut off while sending or reading
            return Failure(
                HostedUnavailableError(
                    f"The connection was cut before the answer was complete ({self._short(error)}). {LATER}"
                ),
                wait=0,
            )
        except UnicodeEncodeError:
            return Failure(
                HostedRefusedError(
                    "A text holds half a character (a lone surrogate), which cannot be sent. Read the file anew, as UTF-8."
                )
            )
        except (ValueError, TypeError) as error:  # an answer that is no JSON, or no object
            return Failure(
                HostedUnavailableError(f"The answer cannot be read ({self._short(error)}). {PROXY}")
            )

    def _explain_status(self, status: int, body: Any, headers: dict[str, str]) -> "Failure":
        message = self._short(body.get("message", "") if isinstance(body, dict) else body)
        said = f"{status}: {message}" if message else str(status)
        if status < 400:
            return Failure(HostedUnavailableError(f"The answer cannot be read ({said}). {PROXY}", status))
        if status == 429:
            return Failure(
                HostedUnavailableError(f"The rate limit is reached ({said}). {ADVICE[429]}", status),
                seconds_to_wait(headers),
            )
        if status >= 500 or status in (408, 409, 499):
            return Failure(
                HostedUnavailableError(f"The service has trouble ({said}). {LATER}", status),
                seconds_to_wait(headers),
            )
        return Failure(
            HostedRefusedError(
                f"The service refuses ({said}). {ADVICE.get(status, 'See https://docs.cohere.com/reference/errors.')}",
                status,
            )
        )

    def _short(self, value: Any) -> str:
        """One line of what the service or the library said, without the key, in case it was repeated."""
        text = " ".join(self._hide(str(value)).split())
        return text if len(text) <= 200 else text[:199] + "…"

    def _count(self, answer: Any) -> None:
        units = getattr(getattr(answer, "meta", None), "billed_units", None)
        for name, number in (units.dict() if hasattr(units, "dict") else {}).items():
            if isinstance(number, (int, float)):
                self.billed[name] = self.billed.get(name, 0) + number


def _check_pair(pair: Any, position: int) -> tuple[str, str]:
    if not (
        isinstance(pair, (tuple, list)) and len(pair) == 2 and all(isinstance(text, str) for text in pair)
    ):
        raise TypeError(f"pairs[{position}] must be two strings, (query, document), not {pair!r:.80}.")
    if not (pair[0].strip() and pair[1].strip()):
        raise ValueError(
            f"pairs[{position}] has an empty {'document' if pair[0].strip() else 'query'}, which the service refuses. Leave it out."
        )
    return tuple(pair)
