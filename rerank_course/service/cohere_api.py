"""Cohere's Rerank API, versions 1 and 2: which requests it takes, and what it answers.

Sources, read in November 2026:

- fields, defaults and answers: ``cohere-openapi.yaml`` in
  https://github.com/cohere-ai/cohere-developer-experience, and the Python library 7.3.1, which is made from
  it (``relevant_spans``, ``priority``);
- version 2 has neither objects as documents nor a default model, and ``max_tokens_per_doc`` in place of
  ``max_chunks_per_doc``: https://docs.cohere.com/changelog/rerank-v3.5;
- ``return_documents`` is in version 2 as well: the Python library sent it there up to 5.20, and LiteLLM still
  does. The present description leaves it out;
- documents times chunks above 10,000 is an error:
  https://docs.cohere.com/v1/changelog/new-maximum-document-length-for-rerank;
- wordings: https://docs.cohere.com/reference/errors, and errors that users have reported (422 for an unknown
  field: https://github.com/HKUDS/LightRAG/issues/1813; 400 "invalid type"; 404 "was removed on").

Nothing says what the service does with half a character, or with a document that shows nothing: 400 here.
"""

import math
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from rerank_course.engine.cohere import MODELS
from rerank_course.service.reading import has_half_character, type_name
from rerank_course.service.tasks import Api, RefusedError, Scored, Spans, Task
from rerank_course.text import is_blank

MAX_CHUNKS = 10_000  # documents times chunks in one call
OLDER_MODELS = ("rerank-english-v3.0", "rerank-multilingual-v3.0")
REMOVED_MODELS = {  # https://docs.cohere.com/docs/deprecations
    "rerank-english-v2.0": "April 30, 2025",
    "rerank-multilingual-v2.0": "April 30, 2025",
}
REFERENCE = "For proper usage, please refer to https://docs.cohere.com/reference/rerank"
MAX_PRIORITY = 999
COMMON_FIELDS = ("model", "query", "documents", "top_n")


class CohereApi(Api):
    """What both versions share."""

    version: ClassVar[str]
    fields: ClassVar[frozenset[str]]

    def error(self, status: int, message: str, kind: str = "") -> Any:
        return {"id": str(uuid.uuid4()), "message": message}

    def answer(self, task: Task, scored: Scored, results: Any) -> Any:
        # https://cohere.com/pricing: a search unit is a query with up to 100 documents; a document of more
        # than 500 tokens, query included, is cut into chunks, each of which counts as a document.
        units = math.ceil(scored.chunks / 100)
        meta = {"api_version": {"version": self.version}, "billed_units": {"search_units": units}}
        return {"id": str(uuid.uuid4()), "results": results, "meta": meta}

    def document(self, task: Task, scored: Scored, place: int) -> dict:
        spans = scored.spans[place] if scored.spans else []
        return super().document(task, scored, place) | ({"relevant_spans": spans} if spans else {})

    def check_fields(self, request: dict) -> None:
        """Refuse a field that this version does not know."""
        for name in request:
            if name not in self.fields:
                what = f"unknown field: parameter {name!r} is not a valid field. {REFERENCE}"
                raise RefusedError(422, what)

    def query(self, request: dict) -> str:
        """The query, a text that shows something."""
        query = typed(request, "query", str, "")
        if is_blank(query):
            raise RefusedError(400, "invalid request: query must not be empty or be only whitespace")
        _check_unicode(query)
        return query

    def top_n(self, request: dict) -> int | None:
        """How many results are wanted."""
        return at_least(request, "top_n", 1)


class CohereV2(CohereApi):
    """``POST /v2/rerank``."""

    name: ClassVar[str] = "cohere v2"
    version: ClassVar[str] = "2"
    fields: ClassVar[frozenset[str]] = frozenset(
        {*COMMON_FIELDS, "max_tokens_per_doc", "return_documents", "relevant_spans", "priority"}
    )
    default_max_tokens: ClassVar[int] = 4096

    def read(self, request: dict, headers: Mapping[str, str]) -> Task:
        self.check_fields(request)
        model = typed(request, "model", str, "")
        if not model:
            raise RefusedError(400, "invalid request: a model parameter is required for this endpoint.")
        check_model(model)
        query, documents = self.query(request), typed(request, "documents", list, [])
        if not documents:
            raise RefusedError(400, "invalid request: list of documents must not be empty")
        for place, document in enumerate(documents):
            if not isinstance(document, str):
                raise wrong_type(f"documents[{place}]", document, "string")
        _check_texts(documents)
        if len(documents) > MAX_CHUNKS:
            raise too_many(len(documents))
        shown = [{"text": text} for text in documents]
        return Task(
            query,
            documents,
            model,
            top_n=self.top_n(request),
            shown=shown if typed(request, "return_documents", bool, False) else None,
            priority=at_least(request, "priority", 0, MAX_PRIORITY) or 0,
            max_tokens=at_least(request, "max_tokens_per_doc", 1) or self.default_max_tokens,
            max_chunks=MAX_CHUNKS,
            spans=read_spans(request, model),
        )


class CohereV1(CohereApi):
    """``POST /v1/rerank``: documents may be objects, and the model may be left out."""

    name: ClassVar[str] = "cohere v1"
    version: ClassVar[str] = "1"
    fields: ClassVar[frozenset[str]] = frozenset(
        {*COMMON_FIELDS, "rank_fields", "return_documents", "max_chunks_per_doc"}
    )
    default_model: ClassVar[str] = "rerank-v3.5"  # the description names no default; this one is its example
    default_max_chunks: ClassVar[int] = 10

    def read(self, request: dict, headers: Mapping[str, str]) -> Task:
        self.check_fields(request)
        model = typed(request, "model", str, "") or self.default_model
        check_model(model)
        query, documents = self.query(request), typed(request, "documents", list, [])
        if not documents:
            raise RefusedError(400, "invalid request: list of documents must not be empty")
        fields = typed(request, "rank_fields", list, [])
        for place, name in enumerate(fields):
            if not isinstance(name, str):
                raise wrong_type(f"rank_fields[{place}]", name, "string")
        texts = [_text(document, place, fields) for place, document in enumerate(documents)]
        _check_texts(texts)
        max_chunks = at_least(request, "max_chunks_per_doc", 1) or self.default_max_chunks
        if len(texts) * max_chunks > MAX_CHUNKS:
            raise too_many(len(texts) * max_chunks)
        shown = [{"text": document} if isinstance(document, str) else document for document in documents]
        return Task(
            query,
            texts,
            model,
            top_n=self.top_n(request),
            shown=shown if typed(request, "return_documents", bool, False) else None,
            max_chunks=max_chunks,
        )


def typed(request: dict, name: str, kind: type, default: Any) -> Any:
    """A field of this type; ``default`` where it is left out or null.

    Raises:
        RefusedError: it has another type (400).
    """
    value = request.get(name)
    if value is None:
        return default
    right = isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))
    if not right:
        raise wrong_type(name, value, _EXPECTED[kind])
    return value


_EXPECTED = {str: "string", int: "integer", bool: "boolean", list: "array", dict: "object", float: "number"}


def at_least(request: dict, name: str, least: int, most: int | None = None) -> int | None:
    """A whole number, or ``None`` where it is left out. Raises ``RefusedError`` (400) for any other."""
    value = typed(request, name, int, None)
    if value is not None and (value < least or (most is not None and value > most)):
        limits = f"at least {least}" if most is None else f"from {least} to {most}"
        raise RefusedError(400, f"invalid request: {name} must be {limits}, received {value}")
    return value


def wrong_type(name: str, value: Any, expected: str) -> RefusedError:
    """The error for a value of another type."""
    found = f"is of type {type_name(value)} but should be of type {expected}"
    return RefusedError(400, f"invalid type: parameter {name!r} {found}. {REFERENCE}")


def too_many(chunks: int) -> RefusedError:
    """The error for more than ``MAX_CHUNKS``."""
    counted = f"must be at most {MAX_CHUNKS}, received {chunks}"
    return RefusedError(400, f"invalid request: number of total chunks {counted}")


def check_model(model: str) -> None:
    """Refuse a model that is unknown, or that was shut down."""
    if model in REMOVED_MODELS:
        raise RefusedError(404, f"model {model!r} was removed on {REMOVED_MODELS[model]}.")
    if model not in MODELS + OLDER_MODELS:
        advice = "make sure the correct model ID was used and that you have access to the model."
        raise RefusedError(404, f"model {model!r} not found, {advice}")


def read_spans(request: dict, model: str) -> Spans | None:
    """What ``relevant_spans`` asks for: for the fifth generation of models only."""
    asked = typed(request, "relevant_spans", dict, None)
    if asked is None:
        return None
    mode = typed(asked, "mode", str, None)
    if mode not in ("enabled", "disabled"):
        raise RefusedError(400, "invalid request: relevant_spans.mode must be 'enabled' or 'disabled'")
    threshold = asked.get("threshold")
    if threshold is not None and (isinstance(threshold, bool) or not isinstance(threshold, (int, float))):
        raise wrong_type("relevant_spans.threshold", threshold, "number")
    most = at_least(asked, "max_spans", 1)
    if mode == "disabled":
        return None
    if not model.startswith("rerank-v5"):
        raise RefusedError(400, f"invalid request: relevant_spans is not supported by model {model!r}")
    return Spans(0.1 if threshold is None else float(threshold), most)


def _text(document: Any, place: int, fields: list[str]) -> str:
    """What of a document is ranked: a string, its ``text``, or the fields that ``rank_fields`` names."""
    if isinstance(document, str):
        return document
    if not isinstance(document, dict):
        raise wrong_type(f"documents[{place}]", document, "string or object")
    if fields:  # in their order, each with its name, as YAML has it
        return "\n".join(f"{name}: {document[name]}" for name in fields if document.get(name) is not None)
    if not isinstance(document.get("text"), str):
        raise RefusedError(400, f"invalid request: documents[{place}] must have a text, or name rank_fields")
    return document["text"]


def _check_texts(texts: list[str]) -> None:
    if any(is_blank(text) for text in texts):
        raise RefusedError(400, "invalid request: documents must be strings that are not empty")
    _check_unicode(*texts)


def _check_unicode(*texts: str) -> None:
    if has_half_character(*texts):
        raise RefusedError(400, "invalid request: query and documents must be valid unicode")
