"""Other protocols for reranking: Jina's, vLLM's and that of Text Embeddings Inference (TEI).

Sources, read in November 2026:

- TEI: ``router/src/http/server.rs`` and ``types.rs`` in
  https://github.com/huggingface/text-embeddings-inference (statuses, limits, words). What axum refuses before
  TEI sees it is answered as text: https://docs.rs/axum/latest/axum/extract/rejection/enum.JsonRejection.html
- vLLM: ``vllm/entrypoints/pooling/scoring/protocol.py`` in https://github.com/vllm-project/vllm.
- Jina: what its clients in LangChain, LlamaIndex and Haystack send and read. They take any answer without
  ``results`` for an error, and its ``detail`` for the reason. It returns documents unless told not to.
"""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from rerank_course.engine.weights import DEFAULT_RERANKER
from rerank_course.service.reading import has_half_character
from rerank_course.service.tasks import Api, RefusedError, Scored, Task

SERVED_MODEL = DEFAULT_RERANKER  # what the stand-in says that it runs
MODEL_TOKENS = 512  # that this model reads
JINA_MODELS = (
    "jina-reranker-v1-base-en",
    "jina-reranker-v1-turbo-en",
    "jina-reranker-v1-tiny-en",
    "jina-reranker-v2-base-multilingual",
    "jina-reranker-m0",
    "jina-reranker-v3",
    "jina-colbert-v2",
)
TEI_BATCH = 32  # --max-client-batch-size, if nobody says otherwise


class JinaApi(Api):
    """Jina's ``POST /v1/rerank``."""

    name: ClassVar[str] = "jina"
    counts_tokens: ClassVar[bool] = True

    def read(self, request: dict, headers: Mapping[str, str]) -> Task:
        model, documents = request.get("model"), request.get("documents")
        if model not in JINA_MODELS:
            raise RefusedError(422, f"model {model!r} is not one of {', '.join(JINA_MODELS)}")
        query = _words(request, "query", 422)
        if not isinstance(documents, list) or not documents:
            raise RefusedError(422, "documents: a list of at least 1 item is required")
        texts: list[Any] = [item.get("text") if isinstance(item, dict) else item for item in documents]
        _check_texts(texts, "documents", 422)
        top_n = _whole(request, "top_n", 1, 422)
        wanted = request.get("return_documents")
        if wanted is not None and not isinstance(wanted, bool):
            raise RefusedError(422, "return_documents: a boolean is required")
        shown = None if wanted is False else [{"text": text} for text in texts]
        return Task(query, texts, str(model), top_n=top_n, shown=shown)

    def answer(self, task: Task, scored: Scored, results: Any) -> Any:
        return {
            "model": task.model,
            "object": "list",
            "usage": {"total_tokens": scored.tokens},
            "results": results,
        }

    def error(self, status: int, message: str, kind: str = "") -> Any:
        return {"detail": message}


class VllmApi(Api):
    """vLLM's ``POST /rerank``, ``/v1/rerank`` and ``/v2/rerank``."""

    name: ClassVar[str] = "vllm"
    counts_tokens: ClassVar[bool] = True
    most_tokens: ClassVar[int | None] = MODEL_TOKENS

    def too_long(self, tokens: int) -> RefusedError:
        limit = f"This model's maximum context length is {MODEL_TOKENS} tokens."
        return RefusedError(400, f"{limit} However, you requested {tokens} tokens in the input.")

    def read(self, request: dict, headers: Mapping[str, str]) -> Task:
        model, documents = request.get("model"), request.get("documents")
        if model not in (None, SERVED_MODEL):
            raise RefusedError(404, f"The model `{model}` does not exist.", "NotFoundError")
        query = _words(request, "query", 400)
        if not isinstance(documents, list) or not documents:
            raise RefusedError(400, "documents: a list of at least 1 text is required")
        _check_texts(documents, "documents", 400)
        top_n = _whole(request, "top_n", 0, 400) or None  # 0 is all of them
        cut = _whole(request, "truncate_prompt_tokens", -1, 400)
        shown = [{"text": text, "multi_modal": None} for text in documents]
        activation = request.get("use_activation")
        max_tokens = MODEL_TOKENS if cut == -1 else cut
        return Task(
            query,
            documents,
            SERVED_MODEL,
            top_n=top_n,
            shown=shown,
            priority=_whole(request, "priority", 0, 400) or 0,
            max_tokens=max_tokens,
            logits=activation is False,
        )

    def answer(self, task: Task, scored: Scored, results: Any) -> Any:
        usage = {"prompt_tokens": scored.tokens, "total_tokens": scored.tokens}
        return {"id": f"rerank-{uuid.uuid4().hex}", "model": task.model, "usage": usage, "results": results}

    def error(self, status: int, message: str, kind: str = "") -> Any:
        if status == 401:
            return {"error": "Unauthorized"}
        kinds = {400: "BadRequestError", 404: "NotFoundError", 500: "InternalServerError"}
        kind = kind or kinds.get(status, "BadRequestError")
        return {"error": {"message": message, "type": kind, "param": None, "code": status}}


class TeiApi(Api):
    """TEI's ``POST /rerank``. A request that names a model is answered all the same: a server runs one."""

    name: ClassVar[str] = "tei"
    most_tokens: ClassVar[int | None] = MODEL_TOKENS

    def too_long(self, tokens: int) -> RefusedError:
        words = f"Input validation error: `inputs` must have less than {MODEL_TOKENS} tokens. Given: {tokens}"
        return RefusedError(413, words, "Validation")

    def read(self, request: dict, headers: Mapping[str, str]) -> Task:
        if "json" not in headers.get("Content-Type", ""):
            raise RefusedError(415, "Expected request with `Content-Type: application/json`")
        query, texts = _words(request, "query", 422), request.get("texts")
        if not isinstance(texts, list):
            raise RefusedError(422, _axum("texts", texts))
        flags = {name: request.get(name) for name in ("truncate", "raw_scores", "return_text")}
        for name, flag in flags.items():
            if not isinstance(flag, (bool, type(None))):
                raise RefusedError(422, _axum(name, flag))
        if not texts:
            raise RefusedError(400, "`texts` cannot be empty", "Empty")
        if any(not isinstance(text, str) for text in texts) or has_half_character(query, *texts):
            raise RefusedError(422, _axum("texts", texts))
        if len(texts) > TEI_BATCH:
            words = f"batch size {len(texts)} > maximum allowed batch size {TEI_BATCH}"
            raise RefusedError(413, words, "Validation")
        return Task(
            query,
            texts,
            SERVED_MODEL,
            shown=texts if flags["return_text"] else None,
            max_tokens=MODEL_TOKENS if flags["truncate"] else None,
            logits=bool(flags["raw_scores"]),
        )

    def document(self, task: Task, scored: Scored, place: int) -> dict:
        return {} if task.shown is None else {"text": task.shown[place]}

    def answer(self, task: Task, scored: Scored, results: Any) -> Any:
        if not isinstance(results, list):
            return results
        return [
            {"index": row["index"], "score": row["relevance_score"]}
            | ({"text": row["text"]} if "text" in row else {})
            for row in results
        ]

    def error(self, status: int, message: str, kind: str = "") -> Any:
        if status == 401:
            return None  # a status and no words
        if status in (400, 415, 422) and not kind:
            return message  # axum's
        kinds = {413: "Validation", 429: "Overloaded", 503: "Unhealthy"}
        return {"error": message, "error_type": kind or kinds.get(status, "Backend")}


def _words(request: dict, name: str, status: int) -> str:
    text = request.get(name)
    if not isinstance(text, str) or has_half_character(text):
        raise RefusedError(status, f"{name}: a string is required")
    return text


def _check_texts(texts: list, name: str, status: int) -> None:
    if any(not isinstance(text, str) or has_half_character(text) for text in texts):
        raise RefusedError(status, f"{name}: each has to be a string")


def _whole(request: dict, name: str, least: int, status: int) -> int | None:
    value = request.get(name)
    if value is not None and (type(value) is not int or value < least):
        raise RefusedError(status, f"{name}: a whole number of at least {least} is required")
    return value


def _axum(name: str, value: Any) -> str:
    what = f"missing field `{name}`" if value is None else f"{name}: invalid type"
    return f"Failed to deserialize the JSON body into the target type: {what}"
