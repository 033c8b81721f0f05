"""What takes the place of Cohere's client, and of the local reranker behind it.

No network and no port: ``Service`` takes the same arguments, returns the same types, raises the same errors,
fails on cue and remembers what it was asked. Scores are made up from the text, so that no two documents share
one.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import cohere
import numpy as np
from cohere import errors
from cohere.core.api_error import ApiError

from rerank_course.engine.cohere import MODELS

RECOVERY = 6  # the attempt at which the service is up again, so that a loop without an end ends

_TYPES = {
    400: errors.BadRequestError,
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    422: errors.UnprocessableEntityError,
    429: errors.TooManyRequestsError,
    498: errors.InvalidTokenError,
    499: errors.ClientClosedRequestError,
    500: errors.InternalServerError,
    501: errors.NotImplementedError,
    503: errors.ServiceUnavailableError,
    504: errors.GatewayTimeoutError,
}


def status_error(status: int) -> ApiError:
    """The error that Cohere's library raises for an HTTP status."""
    body = {"id": "check", "message": f"the check's service answers {status}"}
    if status in _TYPES:
        return _TYPES[status](body=body)
    return ApiError(status_code=status, headers={}, body=body)


class Service:
    """What ``cohere.ClientV2`` is to ``rerank``: keyword arguments in, results best first out.

    Args:
        failure: raised by the calls up to ``until``; from then on the service is up.
        works_first: the calls that succeed before the failure begins.
        left_out: the index that is missing in the answer.
    """

    def __init__(
        self,
        failure: BaseException | None = None,
        until: int = RECOVERY,
        works_first: int = 0,
        left_out: int | None = None,
    ) -> None:
        self.failure, self.until, self.works_first, self.left_out = failure, until, works_first, left_out
        self.calls: list[dict] = []
        self.unknown: set[str] = set()

    def rerank(
        self,
        *,
        model: str,
        query: str,
        documents: Sequence[str],
        top_n: int | None = None,
        max_tokens_per_doc: int | None = None,
        priority: int | None = None,
        request_options: Any = None,
        **unknown: Any,
    ) -> cohere.V2RerankResponse:
        self.calls.append({"model": model, "query": query, "documents": documents, "top_n": top_n})
        if unknown:
            self.unknown |= set(unknown)
            raise TypeError(f"V2Client.rerank() got an unexpected keyword argument {next(iter(unknown))!r}")
        if self.failure is not None and self.works_first < len(self.calls) < self.until:
            raise self.failure
        _refuse_as_the_service_does(model, query, documents)
        return cohere.V2RerankResponse(id="check", results=self._results(documents)[:top_n])

    def _results(self, documents: Sequence[str]) -> list[cohere.V2RerankResponseResultsItem]:
        """Best first."""
        scores = [self.score(document) for document in documents]
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        return [
            cohere.V2RerankResponseResultsItem(index=i, relevance_score=scores[i])
            for i in order
            if i != self.left_out
        ]

    @staticmethod
    def score(document: str) -> float:
        return _made_up(document, b"service")


def _refuse_as_the_service_does(model: Any, query: Any, documents: Any) -> None:
    if model not in MODELS:
        raise status_error(404)
    if not isinstance(query, str) or not query.strip():
        raise status_error(400)
    if not isinstance(documents, (list, tuple)) or not documents:
        raise status_error(400)
    if not all(isinstance(document, str) for document in documents):
        raise status_error(400)


class LocalReranker:
    """Logits, on a scale of their own, and a memory of its pairs."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def predict(self, inputs: Iterable[Any], batch_size: int = 32, **options: Any) -> Any:
        """Logits of pairs, or of one pair alone.

        ``options`` are the library's: a tensor, or a list of them, is given where one is asked for; a
        progress bar, for example, changes nothing.
        """
        pairs = list(inputs)
        if len(pairs) == 2 and all(isinstance(text, str) for text in pairs):
            return self.predict([pairs], **options)[0]
        self.pairs += [(query, document) for query, document in pairs]
        scores = np.array([self.score(document) for _, document in pairs])
        if options.get("convert_to_tensor") or not options.get("convert_to_numpy", True):
            import torch

            tensor = torch.tensor(scores)
            return tensor if options.get("convert_to_tensor") else list(tensor)
        return scores

    @staticmethod
    def score(document: str) -> float:
        return 14 * _made_up(document, b"local") - 11


def _made_up(text: str, salt: bytes) -> float:
    """From 0 to 1."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, salt=salt).digest()) / 2**64
