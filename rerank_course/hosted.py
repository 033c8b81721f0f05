"""Hosted rerankers, behind the same ``predict`` as every other reranker of the course.

What a service adds to a reranker are the ways in which it can fail. They come out as two kinds of error, and
the difference matters:

- ``HostedRefusedError``: the key, the account, the request or a setting on this side is wrong. It will be
  wrong tomorrow too, so nothing hides it.
- ``HostedUnavailableError``: no usable scores came now (rate limit, outage, time-out, a cut or refused
  connection, a broken answer). A fallback may take over.

"No answer came" does not decide between the two: httpx raises a ``TransportError`` for a time-out, and also
for a key with a line end or an address without a scheme. ``what_to_mend`` tells them apart.

``CohereReranker``, ``JinaReranker``, ``VllmReranker`` and ``TeiReranker`` differ in what they send and read,
which stands in ``rerank_course.engine``; ``rerank_course.service.stand_in`` answers all four on this machine.
"""

import math
import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NoReturn, cast

import numpy as np

from rerank_course.engine.cohere import MODELS, CohereProtocol
from rerank_course.engine.hosted_access import Key
from rerank_course.engine.hosted_errors import HostedError, HostedRefusedError, HostedUnavailableError
from rerank_course.engine.hosted_service import HostedService, Protocol, read_scores
from rerank_course.engine.other_protocols import JinaProtocol, TeiProtocol, VllmProtocol
from rerank_course.engine.weights import DEFAULT_RERANKER
from rerank_course.engine.what_to_mend import origin, what_to_mend
from rerank_course.models import DEFAULT_HOSTED

__all__ = [
    "MODELS",
    "CohereReranker",
    "FallbackWarning",
    "HostedError",
    "HostedRefusedError",
    "HostedReranker",
    "HostedUnavailableError",
    "JinaReranker",
    "TeiReranker",
    "VllmReranker",
    "origin",
    "what_to_mend",
]

Pair = tuple[str, str]


class FallbackWarning(UserWarning):
    """The fallback scored a call: its scores have another scale."""


class HostedReranker:
    """What all hosted rerankers share: query and documents go out, scores come back.

    Texts leave this machine. One ``predict`` is one call to the service for each query and each thousand
    documents (TEI: 32). A rate limit, an error of the service (5xx, but not 501) or a cut connection is tried
    again: after the time that the service asks for in Retry-After, else after 1, 2, 4 … seconds.

    What somebody has to mend is a ``HostedRefusedError``, even if no answer came: see ``what_to_mend``.
    Before the first answer an unknown host is a mistake in the settings; after it, an outage.

    Args:
        model: the name that the service knows. The stand-in tells protocols apart by it.
        api_key: ``None`` takes it from the environment variable of the service's users (CO_API_KEY,
            JINA_API_KEY); vLLM and TEI have none, and are then called without a key. White space around it is
            taken off. It is never shown.
        base_url: where the service is; ``None`` is its own address. vLLM and TEI have none: say it. Without
            TLS (``http://``) only this machine is allowed, and its calls go past any proxy; where no key is
            sent, addresses of a private network as well.
        fallback: a reranker for the calls that the service cannot score now. It scores **all** pairs of the
            call, since its scale is another one (logits, for the course's); a ``FallbackWarning`` says so.
        timeout: seconds without a sign of the service after which an attempt is given up. It is not repeated.
        max_wait: seconds, for each call to the service, after which no further attempt starts: a call ends
            within ``max_wait + timeout``, if the service does not trickle its answer.

    Attributes:
        scored_by: the model's name or the fallback's class, for the last ``predict``; ``None`` before it.
        billed: the sum of what the answers said will be billed or was counted, for example
            ``{"search_units": 3}`` or ``{"total_tokens": 812}``. Attempts without an answer may be billed,
            and are not in it.
        fallbacks: calls of ``predict`` that the fallback scored.

    Raises:
        HostedRefusedError: there is no key, or it holds characters that no key has.
        ValueError: ``base_url``, ``timeout`` or ``max_wait`` is unusable.
    """

    protocol: ClassVar[type[Protocol]]
    default_model: ClassVar[str]

    def __init__(
        self,
        model: str | None = None,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        fallback: Any = None,
        timeout: float = 10.0,
        max_wait: float = 30.0,
    ) -> None:
        model = self.default_model if model is None else model
        _check_options(model, self.default_model, fallback, timeout, max_wait)
        self.model, self.fallback = model, fallback
        self.timeout, self.max_wait = float(timeout), float(max_wait)
        self.scored_by: str | None = None
        self.billed: dict[str, float] = {}
        self.fallbacks = 0
        protocol = self.protocol()
        key = Key(os.environ.get(protocol.key_variable or "", "") if api_key is None else api_key)
        # A debugger, or a traceback that shows the variables of each frame, shall find no key here.
        del api_key
        self._service = HostedService(protocol, key, base_url)

    def __repr__(self) -> str:
        fallback = type(self.fallback).__name__ if self.fallback else None
        return f"{type(self).__name__}({self.model!r}, fallback={fallback})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A hosted reranker holds a key and a connection, so it is neither pickled nor copied: make it "
            "anew where it is needed."
        )

    @property
    def calls(self) -> int:
        """Requests sent so far, repeated ones included."""
        return self._service.calls

    @property
    def search_units(self) -> float:
        """Search units billed so far: one is a query with up to 100 documents (https://cohere.com/pricing)."""
        return self.billed.get("search_units", 0)

    def predict(self, pairs: Sequence[Pair] | Pair, batch_size: int = 32) -> np.ndarray:
        """Score pairs: float64 of shape (pairs,), in their order, on the service's scale or the fallback's.

        Cohere and TEI give numbers from 0 to 1; Jina's and vLLM's depend on the model.

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
        for query, places in _calls(pairs, self.protocol.max_documents):
            documents = [pairs[i][1] for i in places]
            answer = self._service.rerank(self.model, query, documents, self.timeout, self.max_wait)
            for name, number in answer.billed.items():
                self.billed[name] = self.billed.get(name, 0) + number
            scores[places] = read_scores(answer, len(documents), self.protocol.from_0_to_1)
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


class CohereReranker(HostedReranker):
    """Cohere Rerank. ``model``: one of ``MODELS``, or a newer one."""

    protocol = CohereProtocol
    default_model = DEFAULT_HOSTED


class JinaReranker(HostedReranker):
    """Jina's reranker, or another service that speaks its protocol."""

    protocol = JinaProtocol
    default_model = "jina-reranker-v3"


class VllmReranker(HostedReranker):
    """A server of vLLM. ``model``: the one that it was started with."""

    protocol = VllmProtocol
    default_model = DEFAULT_RERANKER


class TeiReranker(HostedReranker):
    """A server of Text Embeddings Inference, Hugging Face's. It runs one model; the name is only for you."""

    protocol = TeiProtocol
    default_model = DEFAULT_RERANKER


def _calls(pairs: list[Pair], at_once: int) -> Iterable[tuple[str, list[int]]]:
    """(query, positions of its pairs) for each call to the service: at most ``at_once`` pairs of a query."""
    positions: dict[str, list[int]] = {}
    for i, (query, _) in enumerate(pairs):
        positions.setdefault(query, []).append(i)
    for query, places in positions.items():
        for start in range(0, len(places), at_once):
            yield query, places[start : start + at_once]


def _check_options(model: Any, example: str, fallback: Any, timeout: float, max_wait: float) -> None:
    if not isinstance(model, str) or not model.strip():
        raise ValueError(f"model must be a name, for example {example!r}, not {model!r}.")
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
