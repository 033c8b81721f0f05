"""Compare two rankings for a query that you type: cosine similarity and a cross-encoder."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from rerank_course.compare import compare_rankings
from rerank_course.lab.explorers.controls import explorer, text_box
from rerank_course.rerank import Candidate, rerank_documents
from rerank_course.text import text_of


def compare_query(query: str, documents: Sequence[Candidate], reranker: Any, embedder: Any) -> pd.DataFrame:
    """All documents ranked for one query by cosine similarity and by a cross-encoder.

    Args:
        query: one non-empty text.
        documents: what ``rerank_documents`` takes, at least one, none of them twice.
        reranker: has ``.predict(pairs, batch_size=…)``.
        embedder: a ``SentenceTransformer``.

    Returns:
        The table of ``compare_rankings``, the cross-encoder's best document first; ``moved`` is places gained
        over cosine.

    Raises:
        TypeError, ValueError: as ``rerank_documents`` and ``compare_rankings``, or there are no documents.
    """
    from sentence_transformers.util import cos_sim

    by_cross_encoder = rerank_documents(query, documents, reranker, top_k=None)
    if not by_cross_encoder:
        raise ValueError("There are no documents. Give at least one text to rank.")
    vectors = embedder.encode([query, *(text_of(document) for document in documents)])
    nearest_first = cos_sim(vectors[:1], vectors[1:])[0].sort(descending=True, stable=True)
    by_cosine = [
        (documents[place], cosine)
        for cosine, place in zip(nearest_first.values.tolist(), nearest_first.indices.tolist())
    ]
    return compare_rankings(by_cosine, by_cross_encoder, ("cosine", "cross-encoder"))


def query_comparer(documents: Sequence[str], reranker: Any, embedder: Any, query: str = "") -> Any:
    """``compare_query`` behind a box for the query and a box with one document a line.

    Returns:
        An ``ipywidgets.VBox`` whose last child shows the table.
    """
    import ipywidgets

    def describe(query: str, documents: str) -> str:
        lines = list(dict.fromkeys(line.strip() for line in documents.splitlines() if line.strip()))
        table = compare_query(query, lines, reranker, embedder).round(2)
        with pd.option_context("display.max_colwidth", None):
            return table.to_html(index=False)

    controls = {
        "query": text_box(ipywidgets.Text, query, "query"),
        "documents": text_box(ipywidgets.Textarea, "\n".join(documents), "documents", height="15em"),
    }
    return explorer(controls, describe)
