"""Other rerankers behind HTTP: Jina's service, and the servers vLLM and Text Embeddings Inference (TEI).

Each speaks a protocol of its own. Plain httpx sends it: none of the three has a Python library for it.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from rerank_course.engine.hosted_access import Key
from rerank_course.engine.hosted_errors import Advice, Refusal
from rerank_course.engine.hosted_service import Answer, Protocol

COMMON_ADVICE = {
    400: "Look at the query and the documents: none may be empty.",
    401: "Check api_key: it is missing, wrong or has expired.",
    403: "This key may not use this model.",
    404: "Check the model's name and base_url.",
    413: "Send fewer or shorter documents in a call.",
    422: "A field of the request has a name or a value that the service does not know.",
    429: "Send fewer calls a minute, or allow a longer max_wait.",
}


class PlainProtocol(Protocol):
    """What the three have in common: one POST with JSON, and a status that says whether it went well."""

    advice: ClassVar[Advice] = Advice(COMMON_ADVICE)

    def connect(self, key: Key, base_url: str | None, on_this_machine: bool) -> Any:
        """A client of httpx. The key is put into each request, and into no attribute.

        It follows no redirect: a POST that is moved on becomes a GET at many servers.
        """
        import httpx

        return httpx.Client(
            base_url=base_url or "",
            auth=_bearer(key) if key else None,
            trust_env=not on_this_machine,
            follow_redirects=False,
        )

    def ask(
        self, client: Any, model: str, query: str, documents: list[str], timeout: float
    ) -> Answer | Refusal:
        answer = client.post(self.path, json=self.request(model, query, documents), timeout=timeout)
        if not answer.is_success:
            return Refusal(answer.status_code, _said(answer), dict(answer.headers))
        return self.read(answer.json())

    def request(self, model: str, query: str, documents: list[str]) -> dict[str, Any]:
        """The request's body."""
        return {"model": model, "query": query, "documents": documents, "top_n": len(documents)}

    def read(self, answer: Any) -> Answer:
        """What the body of a good answer says."""
        answer = answer if isinstance(answer, dict) else {}
        usage = answer.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        billed = {name: number for name, number in usage.items() if _is_number(number)}
        return Answer(_places(answer.get("results"), "relevance_score"), billed)


class JinaProtocol(PlainProtocol):
    """Jina's ``POST /v1/rerank``, which other services have taken over: https://jina.ai/reranker/.

    A score of its third generation is a cosine, and can lie below 0.
    """

    name: ClassVar[str] = "Jina"
    address: ClassVar[str | None] = "https://api.jina.ai"
    path: ClassVar[str] = "/v1/rerank"
    key_variable: ClassVar[str | None] = "JINA_API_KEY"
    needs_key: ClassVar[bool] = True
    from_0_to_1: ClassVar[bool] = False

    def request(self, model: str, query: str, documents: list[str]) -> dict[str, Any]:
        return {**super().request(model, query, documents), "return_documents": False}


class VllmProtocol(PlainProtocol):
    """vLLM's ``POST /v1/rerank``: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html.

    Whether scores are logits or from 0 to 1 depends on the model that the server runs. Texts that are too
    long are cut to what the model reads.
    """

    name: ClassVar[str] = "vLLM"
    path: ClassVar[str] = "/v1/rerank"
    from_0_to_1: ClassVar[bool] = False

    def request(self, model: str, query: str, documents: list[str]) -> dict[str, Any]:
        return {**super().request(model, query, documents), "truncate_prompt_tokens": -1}


class TeiProtocol(PlainProtocol):
    """Text Embeddings Inference: https://huggingface.github.io/text-embeddings-inference/.

    A server runs one model, so a request names none; it takes 32 texts in a call unless it was started with
    another ``--max-client-batch-size``. Texts that are too long are cut, as a local model cuts them.
    """

    name: ClassVar[str] = "Text Embeddings Inference"
    path: ClassVar[str] = "/rerank"
    max_documents: ClassVar[int] = 32
    advice: ClassVar[Advice] = Advice(
        {
            **COMMON_ADVICE,
            413: "The server takes fewer texts in a call, or shorter ones (--max-client-batch-size).",
            424: "The server runs no reranker, or its model failed. Look at its log.",
        }
    )

    def request(self, model: str, query: str, documents: list[str]) -> dict[str, Any]:
        return {"query": query, "texts": documents, "raw_scores": False, "truncate": True}

    def read(self, answer: Any) -> Answer:
        return Answer(_places(answer, "score"))


def _bearer(key: Key) -> Callable[[Any], Any]:
    def add(request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {key.reveal()}"
        return request

    return add


def _places(results: Any, score: str) -> Any:
    """(index, score) of each result, ``None`` where there is none; what is no list is left as it is."""
    if not isinstance(results, list):
        return None
    rows = (result if isinstance(result, dict) else {} for result in results)
    return [(row.get("index"), row.get(score)) for row in rows]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _said(answer: Any) -> str:
    """The words of an error: Jina's ``detail``, TEI's ``error``, vLLM's ``error.message``; else the text."""
    try:
        body = answer.json()
    except ValueError:
        return answer.text
    while isinstance(body, dict):
        body = next((body[name] for name in ("message", "detail", "error") if body.get(name)), "")
    return str(body)
