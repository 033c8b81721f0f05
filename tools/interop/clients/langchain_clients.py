"""LangChain: its package for Cohere, and its client for Jina."""

from typing import Any

from langchain_cohere import CohereRerank
from langchain_community.document_compressors import jina_rerank
from langchain_core.documents import Document

from tools.interop.reporting import DOCUMENTS, KEY, QUERY, URL, Calls, by_text, expected, order, ranking

PAGES = [Document(page_content=text) for text in DOCUMENTS]


def compressed(documents: Any) -> str:
    return by_text((page.page_content, page.metadata["relevance_score"]) for page in documents)


def listed(rows: Any) -> str:
    return ranking((row["index"], row["relevance_score"]) for row in rows)


def cohere() -> None:
    """Through Cohere's library, version 5, which this package still asks for."""
    calls = Calls("langchain-cohere", "langchain-cohere")
    good: dict[str, Any] = {"base_url": URL, "cohere_api_key": KEY, "model": "rerank-v3.5"}
    reranker, wrong = CohereRerank(**good, top_n=3), CohereRerank(**{**good, "cohere_api_key": "no"})
    calls.call(
        "compress_documents", expected(3), lambda: compressed(reranker.compress_documents(PAGES, QUERY))
    )

    async def waiting() -> str:
        return compressed(await reranker.acompress_documents(PAGES, QUERY))

    calls.call("acompress_documents", expected(3), waiting)
    calls.call(
        "rerank, all, max_tokens_per_doc",
        expected(),
        lambda: listed(reranker.rerank(PAGES, QUERY, top_n=None, max_tokens_per_doc=500)),
    )
    objects = [{"text": text, "more": "nothing"} for text in DOCUMENTS]

    def fields() -> str:
        rows = reranker.rerank(objects, QUERY, rank_fields=["text"], top_n=None)
        return order((row["index"], 0) for row in rows)

    calls.call("rerank, rank_fields of objects", expected(), fields)
    calls.call("rerank, no documents", "[]", lambda: str(reranker.rerank([], QUERY)))
    calls.call("compress_documents, wrong key", "401 UnauthorizedError", lambda: wrong.rerank(PAGES, QUERY))


def jina() -> None:
    """Its address is a constant of the module: nothing but another constant leads elsewhere."""
    jina_rerank.JINA_API_URL = f"{URL}/v1/rerank"
    calls = Calls("langchain-community JinaRerank", "langchain-community")
    reranker = jina_rerank.JinaRerank(jina_api_key=KEY, model="jina-reranker-v2-base-multilingual")
    reranker.session.trust_env = False
    calls.call(
        "compress_documents", expected(3), lambda: compressed(reranker.compress_documents(PAGES, QUERY))
    )
    calls.call("rerank, top_n 1", expected(1), lambda: listed(reranker.rerank(PAGES, QUERY, top_n=1)))
    wrong = jina_rerank.JinaRerank(jina_api_key="no")
    wrong.session.trust_env = False
    calls.call("rerank, wrong key", "RuntimeError: invalid api token", lambda: wrong.rerank(PAGES, QUERY))


if __name__ == "__main__":
    cohere()
    jina()
