"""Cohere's Rerank service, through Cohere's own library.

Protocol: https://docs.cohere.com/reference/rerank. ``rerank_course.hosted`` makes a reranker of it.
"""

from typing import Any, ClassVar

from rerank_course.engine.hosted_access import Key
from rerank_course.engine.hosted_errors import (
    Advice,
    HostedError,
    HostedRefusedError,
    HostedUnavailableError,
    Refusal,
)
from rerank_course.engine.hosted_service import Answer, Protocol

__all__ = [
    "MAX_DOCUMENTS",
    "MODELS",
    "CohereProtocol",
    "HostedError",
    "HostedRefusedError",
    "HostedUnavailableError",
]

MODELS = ("rerank-v5.0-pro", "rerank-v5.0-fast", "rerank-v4.0-pro", "rerank-v4.0-fast", "rerank-v3.5")
MAX_DOCUMENTS = 1000  # that Cohere advises for one call

CHECK_KEY = "Check the key in CO_API_KEY; keys are made at https://dashboard.cohere.com/api-keys."
ADVICE_BY_STATUS = {
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
ADVICE = Advice(
    ADVICE_BY_STATUS,
    otherwise="See https://docs.cohere.com/reference/errors.",
    later="Try again later; https://status.cohere.com says whether others have the same trouble.",
)


class CohereProtocol(Protocol):
    """What Cohere's library sends: ``POST /v2/rerank``."""

    name: ClassVar[str] = "Cohere"
    address: ClassVar[str | None] = "https://api.cohere.com"
    path: ClassVar[str] = "/v2/rerank"
    key_variable: ClassVar[str | None] = "CO_API_KEY"
    needs_key: ClassVar[bool] = True
    max_documents: ClassVar[int] = MAX_DOCUMENTS
    advice: ClassVar[Advice] = ADVICE

    def connect(self, key: Key, base_url: str | None, on_this_machine: bool) -> Any:
        """Cohere's own client. It is given the way to the key, and so has no attribute that shows it."""
        import cohere
        import httpx

        own = httpx.Client(trust_env=False) if on_this_machine else None
        return cohere.ClientV2(api_key=key.reveal, base_url=base_url, httpx_client=own)

    def ask(
        self, client: Any, model: str, query: str, documents: list[str], timeout: float
    ) -> Answer | Refusal:
        """One request, without retries of the library's own.

        It would wait up to a minute each time, and nothing could stop it.
        """
        from cohere.core.api_error import ApiError

        options = {"max_retries": 0, "timeout": timeout}
        try:
            answer = client.rerank(model=model, query=query, documents=documents, request_options=options)
        except ApiError as error:
            return Refusal(error.status_code or 0, _said(error.body), dict(error.headers or {}))
        results = getattr(answer, "results", None)
        if isinstance(results, list):
            results = [
                (getattr(result, "index", None), getattr(result, "relevance_score", None))
                for result in results
            ]
        return Answer(results, _billed_units(answer))


def _said(body: Any) -> Any:
    return body.get("message", "") if isinstance(body, dict) else body


def _billed_units(answer: Any) -> dict[str, float]:
    """What an answer says will be billed, for example ``{"search_units": 1}``."""
    units: Any = getattr(getattr(answer, "meta", None), "billed_units", None)
    said = units.dict() if hasattr(units, "dict") else {}
    return {name: number for name, number in said.items() if isinstance(number, (int, float))}
