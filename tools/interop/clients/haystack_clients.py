"""Haystack: its rankers for Cohere and Jina."""

from typing import Any

from haystack import Document
from haystack.utils import Secret
from haystack_integrations.components.rankers.cohere import CohereRanker
from haystack_integrations.components.rankers.jina import JinaRanker

from tools.interop.reporting import DOCUMENTS, KEY, QUERY, URL, Calls, by_text, expected


def ranked(answer: Any) -> str:
    return by_text((document.content, document.score) for document in answer["documents"])


def documents() -> list[Document]:
    return [Document(content=text) for text in DOCUMENTS]


def main() -> None:
    """Each with and without waiting, and with a wrong key."""
    calls = Calls("cohere-haystack CohereRanker", "cohere-haystack")
    cohere = CohereRanker(api_key=Secret.from_token(KEY), api_base_url=URL)
    calls.call("run", expected(), lambda: ranked(cohere.run(QUERY, documents())))
    calls.call("run, top_k 2", expected(2), lambda: ranked(cohere.run(QUERY, documents(), top_k=2)))

    async def waiting(ranker: Any) -> str:
        return ranked(await ranker.run_async(QUERY, documents()))

    calls.call("run_async", expected(), lambda: waiting(cohere))
    wrong = CohereRanker(api_key=Secret.from_token("no"), api_base_url=URL)
    calls.call("run, wrong key", "401 UnauthorizedError", lambda: wrong.run(QUERY, documents()))

    calls = Calls("jina-haystack JinaRanker", "jina-haystack")
    jina = JinaRanker(api_key=Secret.from_token(KEY), base_url=f"{URL}/v1/rerank")
    calls.call("run", expected(), lambda: ranked(jina.run(QUERY, documents())))
    calls.call("run, top_k 2", expected(2), lambda: ranked(jina.run(QUERY, documents(), top_k=2)))
    calls.call("run_async", expected(), lambda: waiting(jina))
    refused = JinaRanker(api_key=Secret.from_token("no"), base_url=f"{URL}/v1/rerank")
    calls.call("run, wrong key", "RuntimeError: invalid api token", lambda: refused.run(QUERY, documents()))


if __name__ == "__main__":
    main()
