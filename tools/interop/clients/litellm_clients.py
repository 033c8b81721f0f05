"""LiteLLM: one function for four of the stand-in's protocols. It asks for the documents by default."""

import os
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it asks GitHub for prices when it is imported

import litellm

from tools.interop.reporting import DOCUMENTS, KEY, QUERY, URL, Calls, expected, ranking

litellm.suppress_debug_info = True
SERVED = "cross-encoder/ms-marco-MiniLM-L12-v2"
PROVIDERS = {  # model, and what is added to the address
    "cohere": ("cohere/rerank-v3.5", "/v2/rerank"),
    "cohere, v3.0": ("cohere/rerank-english-v3.0", ""),
    "jina_ai": ("jina_ai/jina-reranker-v2-base-multilingual", "/v1/rerank"),
    "hosted_vllm": (f"hosted_vllm/{SERVED}", ""),
    "huggingface (TEI)": (f"huggingface/{SERVED}", ""),
}


def rows(answer: Any) -> str:
    results = [row if isinstance(row, dict) else dict(row) for row in answer.results]
    return ranking((row["index"], row["relevance_score"]) for row in results)


def ranked(**options: Any) -> str:
    return rows(litellm.rerank(**options))


async def waiting(**options: Any) -> str:
    return rows(await litellm.arerank(**options))


def texts(**options: Any) -> str:
    answer: Any = litellm.rerank(**options)
    results = [row if isinstance(row, dict) else dict(row) for row in answer.results]
    return "texts " + " ".join(str(DOCUMENTS.index(dict(row["document"])["text"])) for row in results)


def main() -> None:
    """Each provider with and without waiting, and with a wrong key."""
    for name, (model, path) in PROVIDERS.items():
        calls = Calls(f"litellm, {name}", "litellm")
        options: dict[str, Any] = {"model": model, "query": QUERY, "documents": DOCUMENTS}
        options |= {"api_base": URL + path, "api_key": KEY}
        calls.call("rerank", expected(), ranked, **options)
        calls.call("arerank", expected(), waiting, **options)
        calls.call("rerank, documents", expected().replace("ranks", "texts"), texts, **options)
        # A refused key comes out as trouble with the connection, so a fallback would hide it. That is
        # LiteLLM's doing: the answer's status is 401.
        wrong = {**options, "api_key": "no"}
        calls.call("rerank, wrong key", "500 APIConnectionError", litellm.rerank, **wrong)


if __name__ == "__main__":
    main()
