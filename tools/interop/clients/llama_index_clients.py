"""LlamaIndex: its node postprocessors for Cohere, Jina and Text Embeddings Inference."""

from typing import Any

from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.postprocessor.cohere_rerank import CohereRerank
from llama_index.postprocessor.jinaai_rerank import JinaRerank
from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

from tools.interop.reporting import DOCUMENTS, KEY, QUERY, URL, Calls, by_text, expected, fail_next


def nodes() -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text), score=0.5) for text in DOCUMENTS]


def reranked(postprocessor: Any) -> str:
    found = postprocessor.postprocess_nodes(nodes(), QueryBundle(QUERY))
    return by_text((node.node.get_content(), node.score) for node in found)


async def waiting(postprocessor: Any) -> str:
    found = await postprocessor.apostprocess_nodes(nodes(), QueryBundle(QUERY))
    return by_text((node.node.get_content(), node.score) for node in found)


def main() -> None:
    """Each with what it takes by default, and with a wrong key."""
    calls = Calls("llama-index CohereRerank", "llama-index-postprocessor-cohere-rerank")
    cohere = CohereRerank(api_key=KEY, base_url=URL, top_n=4)
    calls.call("postprocess_nodes", expected(), lambda: reranked(cohere))
    calls.call("apostprocess_nodes", expected(), lambda: waiting(cohere))
    wrong = CohereRerank(api_key="no", base_url=URL)
    calls.call("postprocess_nodes, wrong key", "401 UnauthorizedError", lambda: reranked(wrong))
    fail_next("unavailable")
    calls.call("postprocess_nodes, once unavailable", expected(), lambda: reranked(cohere))

    calls = Calls("llama-index JinaRerank", "llama-index-postprocessor-jinaai-rerank")
    calls.call(
        "postprocess_nodes", expected(2), lambda: reranked(JinaRerank(api_key=KEY, base_url=f"{URL}/v1"))
    )
    refused = JinaRerank(api_key="no", base_url=f"{URL}/v1")
    calls.call("postprocess_nodes, wrong key", "RuntimeError: invalid api token", lambda: reranked(refused))

    calls = Calls("llama-index TextEmbeddingInference", "llama-index-postprocessor-tei-rerank")
    tei = TextEmbeddingInference(base_url=URL, auth_token=f"Bearer {KEY}")
    calls.call("postprocess_nodes", expected(), lambda: reranked(tei))
    calls.call("apostprocess_nodes", expected(), lambda: waiting(tei))


if __name__ == "__main__":
    main()
