"""How a reranker of the course is put into other libraries: the lines that README and docs/interop.md show.

``make interop`` runs exactly these lines, with ``reranker`` as a torch and as an int8 one.
"""

BEGINNING = """\
from rerank_course import load_reranker, rerank_documents

reranker = load_reranker(backend="int8")  # or load_reranker(), with torch
"""

LANGCHAIN = """\
from langchain_classic.retrievers.document_compressors import CrossEncoderReranker
from langchain_community.cross_encoders import HuggingFaceCrossEncoder

model = HuggingFaceCrossEncoder.model_construct(client=reranker)
compressor = CrossEncoderReranker(model=model, top_n=5)
"""

LLAMA_INDEX = """\
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore


class CourseRerank(BaseNodePostprocessor):
    def _postprocess_nodes(self, nodes, query_bundle=None):
        ranked = rerank_documents(query_bundle.query_str, nodes, reranker, top_k=5)
        return [NodeWithScore(node=row.node, score=score) for row, score in ranked]
"""

HAYSTACK = """\
from dataclasses import replace
from haystack import Document, component


@component
class CourseRanker:
    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document]):
        ranked = rerank_documents(query, documents, reranker, top_k=5)
        return {"documents": [replace(row, score=score) for row, score in ranked]}
"""

RERANKERS = """\
from rerankers.results import RankedResults, Result

ranked = rerank_documents(query, documents, reranker)  # documents: texts, or those of rerankers
rows = [Result(document=row, score=score, rank=rank) for rank, (row, score) in enumerate(ranked, 1)]
results = RankedResults(results=rows, query=query, has_scores=True)
"""

SNIPPETS = {"LangChain": LANGCHAIN, "LlamaIndex": LLAMA_INDEX, "Haystack": HAYSTACK, "rerankers": RERANKERS}


def as_markdown() -> str:
    """All of them, as blocks of code with the library's name above each."""
    blocks = [f"```python\n{BEGINNING}```\n"]
    blocks += [f"**{library}**\n\n```python\n{code}```\n" for library, code in SNIPPETS.items()]
    return "\n".join(blocks)
