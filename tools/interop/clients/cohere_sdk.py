"""Cohere's Python library, versions 5, 6 and 7: both protocols, with and without waiting."""

from collections.abc import Callable
from typing import Any

import cohere

from tools.interop.reporting import (
    DOCUMENTS,
    KEY,
    QUERY,
    URL,
    Calls,
    expected,
    fail_next,
    order,
    ranking,
)

MODEL = "rerank-v3.5"
ASKED: dict[str, Any] = {"model": MODEL, "query": QUERY, "documents": DOCUMENTS}
OBJECTS: list[Any] = [{"title": text, "text": "nothing"} for text in DOCUMENTS]


def rows(answer: Any, written: Callable[[Any], str] = ranking) -> str:
    return written((row.index, row.relevance_score) for row in answer.results)


def client(kind: str, key: str = KEY, url: str = URL) -> Any:
    return getattr(cohere, kind)(api_key=key, base_url=url)


def texts(answer: Any) -> str:
    """The texts that came back, as places."""
    return "texts " + " ".join(str(DOCUMENTS.index(row.document.text)) for row in answer.results)


def version_1(calls: Calls) -> None:
    v1 = client("Client")
    good = expected()
    without_model = {name: ASKED[name] for name in ("query", "documents")}
    calls.call("Client.rerank", good, lambda: rows(v1.rerank(**ASKED)))
    calls.call("Client.rerank, no model", good, lambda: rows(v1.rerank(**without_model)))
    calls.call("Client.rerank, top_n", expected(2), lambda: rows(v1.rerank(**ASKED, top_n=2)))
    calls.call(
        "Client.rerank, return_documents",
        good.replace("ranks", "texts"),
        lambda: texts(v1.rerank(**ASKED, return_documents=True)),
    )
    calls.call(
        "Client.rerank, rank_fields of objects",
        good,
        lambda: rows(v1.rerank(**{**ASKED, "documents": OBJECTS}, rank_fields=["title"]), order),
    )
    calls.call(
        "Client.rerank, max_chunks_per_doc", good, lambda: rows(v1.rerank(**ASKED, max_chunks_per_doc=1))
    )
    calls.call(
        "Client.rerank, a model that was shut down",
        "404 NotFoundError",
        lambda: v1.rerank(**{**ASKED, "model": "rerank-english-v2.0"}),
    )
    wrong = client("Client", "no")
    calls.call("Client.rerank, wrong key", "401 UnauthorizedError", lambda: wrong.rerank(**ASKED))


def version_2(calls: Calls) -> None:
    v2, slash = client("ClientV2"), client("ClientV2", url=f"{URL}/")
    calls.call("ClientV2.rerank", expected(), lambda: rows(v2.rerank(**ASKED)))
    calls.call("ClientV2.rerank, base_url with a slash", expected(), lambda: rows(slash.rerank(**ASKED)))
    calls.call(
        "ClientV2.rerank, top_n and max_tokens_per_doc",
        expected(1),
        lambda: rows(v2.rerank(**ASKED, top_n=1, max_tokens_per_doc=400)),
    )
    calls.call(
        "ClientV2.rerank, no documents",
        "400 BadRequestError",
        lambda: v2.rerank(**{**ASKED, "documents": []}),
    )
    calls.call(
        "ClientV2.rerank, unknown model",
        "404 NotFoundError",
        lambda: v2.rerank(**{**ASKED, "model": "rerank-v9"}),
    )
    calls.call(
        "ClientV2.rerank, unknown field",
        "422 UnprocessableEntityError",
        lambda: v2.rerank(**ASKED, request_options={"additional_body_parameters": {"top_k": 2}}),
    )
    wrong = client("ClientV2", "no")
    calls.call("ClientV2.rerank, wrong key", "401 UnauthorizedError", lambda: wrong.rerank(**ASKED))
    fail_next("rate limit", times=2, seconds=0)
    calls.call("ClientV2.rerank, rate limit twice", expected(), lambda: rows(v2.rerank(**ASKED)))


def asynchronous(calls: Calls) -> None:
    async def ask(kind: str, **options: Any) -> str:
        async with client(kind, **options) as waiting:
            return rows(await waiting.rerank(**ASKED))

    for kind in ("AsyncClient", "AsyncClientV2"):
        calls.call(f"{kind}.rerank", expected(), ask, kind)
        calls.call(f"{kind}.rerank, wrong key", "401 UnauthorizedError", ask, kind, key="no")


def newest(calls: Calls) -> None:
    """What only the seventh version of the library sends."""
    v2 = client("ClientV2")
    calls.call("ClientV2.rerank, priority", expected(), lambda: rows(v2.rerank(**ASKED, priority=3)))
    spans = cohere.RerankRelevantSpans(mode="enabled", threshold=0.5, max_spans=1)
    fifth = {**ASKED, "model": "rerank-v5.0-fast"}

    def best() -> str:
        span = v2.rerank(**fifth, relevant_spans=spans).results[0].relevant_spans[0]
        return DOCUMENTS[1][span.start : span.end]

    calls.call("ClientV2.rerank, relevant_spans", DOCUMENTS[1], best)


def main() -> None:
    """All calls that this version of the library knows."""
    calls = Calls("cohere", "cohere")
    version_1(calls)
    version_2(calls)
    asynchronous(calls)
    if hasattr(cohere, "RerankRelevantSpans"):
        newest(calls)


if __name__ == "__main__":
    main()
