"""The package rerankers: its clients for Cohere (version 1), Jina and Text Embeddings Inference."""

from typing import Any

from rerankers import Reranker

from tools.interop.reporting import DOCUMENTS, KEY, QUERY, URL, Calls, expected, ranking


def ranked(model: str, **options: Any) -> str:
    reranker: Any = Reranker(model, verbose=0, **options)
    found = reranker.rank(query=QUERY, docs=DOCUMENTS)
    return ranking((result.document.doc_id, result.score) for result in found.results)


def main() -> None:
    """It asks for the documents by default, and takes each answer for a good one."""
    for provider, model, path in (
        ("cohere", "rerank-english-v3.0", "/v1/rerank"),
        ("cohere", "rerank-v3.5", "/v2/rerank"),
        ("jina", "jina-reranker-v2-base-multilingual", "/v1/rerank"),
        ("text-embeddings-inference", "any", "/rerank"),
    ):
        calls = Calls(f"rerankers, {provider}", "rerankers")
        options: dict[str, Any] = {"model_type": "APIRanker", "api_provider": provider, "api_key": KEY}
        calls.call(f"rank, {path}", expected(), ranked, model, url=URL + path, **options)
    wrong: dict[str, Any] = {"model_type": "APIRanker", "api_provider": "cohere", "api_key": "no"}
    calls, url = Calls("rerankers, cohere", "rerankers"), f"{URL}/v1/rerank"
    calls.call("rank, wrong key", "KeyError: 'results'", ranked, "rerank-v3.5", url=url, **wrong)


if __name__ == "__main__":
    main()
