"""The course's own rerankers, torch and int8, inside LangChain, LlamaIndex, Haystack and rerankers.

The lines that README shows are run as they stand there. Then two libraries' own wrappers for a
``CrossEncoder`` are given the reranker in its place: whatever they ask of it, it has to have.
"""

from collections.abc import Callable
from typing import Any

from haystack import Document as HaystackDocument
from haystack import Pipeline
from haystack_integrations.components.rankers.sentence_transformers import (
    SentenceTransformersSimilarityRanker,
)
from langchain_core.documents import Document as LangChainDocument
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.postprocessor.sbert_rerank import SentenceTransformerRerank
from rerankers.documents import Document as RerankersDocument

from rerank_course import load_reranker, rerank_documents
from tools.interop.reporting import DOCUMENTS, QUERY, Calls, expected, order, ranking
from tools.interop.snippets import HAYSTACK, LANGCHAIN, LLAMA_INDEX, RERANKERS

Rows = list[tuple[str, float]]


def run(code: str, reranker: Any, **names: Any) -> dict[str, Any]:
    """What the lines leave behind."""
    left: dict[str, Any] = {"reranker": reranker, "rerank_documents": rerank_documents, **names}
    exec(compile(code, "README", "exec"), left)
    return left


def in_langchain(reranker: Any) -> Rows:
    compressor = run(LANGCHAIN, reranker)["compressor"]
    pages = [LangChainDocument(page_content=text) for text in DOCUMENTS]
    return [(page.page_content, 0.0) for page in compressor.compress_documents(pages, QUERY)]


def in_llama_index(reranker: Any) -> Rows:
    postprocessor = run(LLAMA_INDEX, reranker)["CourseRerank"]()
    found = postprocessor.postprocess_nodes(_nodes(), QueryBundle(QUERY))
    return [(row.node.get_content(), float(row.score)) for row in found]


def in_haystack(reranker: Any) -> Rows:
    pipeline = Pipeline()
    pipeline.add_component("ranker", run(HAYSTACK, reranker)["CourseRanker"]())
    answer = pipeline.run({"ranker": {"query": QUERY, "documents": _haystack_documents()}})
    return [(row.content or "", float(row.score or 0)) for row in answer["ranker"]["documents"]]


def in_rerankers(reranker: Any) -> Rows:
    documents = [RerankersDocument(text, doc_id=place) for place, text in enumerate(DOCUMENTS)]
    results = run(RERANKERS, reranker, query=QUERY, documents=documents)["results"]
    return [(row.document.text, float(row.score)) for row in results.top_k(len(DOCUMENTS))]


def inside_llama_index(reranker: Any) -> Rows:
    class Given(SentenceTransformerRerank):
        """Its own constructor would load a model."""

        def __init__(self) -> None:
            BaseNodePostprocessor.__init__(self, model="given", top_n=len(DOCUMENTS))
            self._model = reranker

    found = Given().postprocess_nodes(_nodes(), QueryBundle(QUERY))
    return [(row.node.get_content(), float(row.score or 0)) for row in found]


def inside_haystack(reranker: Any) -> Rows:
    ranker = SentenceTransformersSimilarityRanker(scale_score=False)
    ranker._cross_encoder = reranker
    answer = ranker.run(query=QUERY, documents=_haystack_documents())
    return [(row.content or "", float(row.score or 0)) for row in answer["documents"]]


def _nodes() -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text), score=0.5) for text in DOCUMENTS]


def _haystack_documents() -> list[HaystackDocument]:
    return [HaystackDocument(content=text) for text in DOCUMENTS]


USES: tuple[tuple[str, str, str, Callable[[Any], Rows]], ...] = (
    ("LangChain", "langchain-classic", "README's lines: CrossEncoderReranker", in_langchain),
    ("LlamaIndex", "llama-index-core", "README's lines: a node postprocessor", in_llama_index),
    ("LlamaIndex", "llama-index-core", "inside SentenceTransformerRerank", inside_llama_index),
    ("Haystack", "haystack-ai", "README's lines: a component in a pipeline", in_haystack),
    (
        "Haystack",
        "haystack-ai",
        "inside SentenceTransformersSimilarityRanker",
        inside_haystack,
    ),
    ("rerankers", "rerankers", "README's lines: RankedResults", in_rerankers),
)


def main() -> None:
    """Each use with each backend; the scores have to be those of the reranker alone."""
    for backend in ("torch", "int8"):
        reranker = load_reranker(backend=backend)
        alone = [float(score) for score in reranker.predict([(QUERY, text) for text in DOCUMENTS])]
        for name, package, what, use in USES:
            Calls(f"{name}, {backend} reranker", package).call(
                what, expected(), written, use, reranker, alone
            )


def written(use: Callable[[Any], Rows], reranker: Any, alone: list[float]) -> str:
    """The ranking of one use; LangChain gives no scores back."""
    rows = [(DOCUMENTS.index(text), score) for text, score in use(reranker)]
    return order(rows) if use is in_langchain else ranking(rows, alone)


if __name__ == "__main__":
    main()
