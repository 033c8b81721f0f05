"""The query comparer: the plain function against the models, and the controls, driven as a reader would."""

import numpy as np
import pytest

from rerank_course.lab.explorers.query_comparer import compare_query, query_comparer
from rerank_course.rerank import rerank_documents
from rerank_course.text import Chunk

QUERY = "When does the market open?"
ANSWER, ECHO, OTHER = (
    "Stalls trade from eight in the morning.",
    "When does the market open? Nobody knows.",
    "Cats sleep for most of the day.",
)
DOCUMENTS = [OTHER, ECHO, ANSWER]


def test_both_rankings_of_a_query(reranker, embedder):
    table = compare_query(QUERY, DOCUMENTS, reranker, embedder)
    by_cross_encoder = rerank_documents(QUERY, DOCUMENTS, reranker, top_k=None)
    assert table["text"].tolist() == [text for text, _ in by_cross_encoder]
    assert table["cross-encoder score"].tolist() == pytest.approx([score for _, score in by_cross_encoder])
    query_vector, *vectors = embedder.encode([QUERY, *DOCUMENTS])
    cosines = {
        text: v @ query_vector / np.linalg.norm(v) / np.linalg.norm(query_vector)
        for text, v in zip(DOCUMENTS, vectors)
    }
    assert table["cosine score"].tolist() == pytest.approx(
        [cosines[text] for text in table["text"]], abs=1e-5
    )
    assert table.sort_values("cosine rank")["text"].tolist() == sorted(
        DOCUMENTS, key=cosines.get, reverse=True
    )


class TwiceAsLong:
    """An embedder whose vectors are not of length 1, the longer the later the text."""

    def __init__(self, embedder):
        self.embedder = embedder

    def encode(self, texts):
        return self.embedder.encode(texts) * np.arange(2, 2 + len(texts))[:, None]


def test_it_is_a_cosine_for_any_embedder(reranker, embedder):
    expected = compare_query(QUERY, DOCUMENTS, reranker, embedder)
    found = compare_query(QUERY, DOCUMENTS, reranker, TwiceAsLong(embedder))
    assert found["cosine score"].tolist() == pytest.approx(expected["cosine score"].tolist(), abs=1e-5)


def test_chunks_are_compared_with_their_headings(reranker, embedder):
    chunks = [Chunk("1", ANSWER, "Market hours"), Chunk("2", OTHER)]
    table = compare_query(QUERY, chunks, reranker, embedder)
    assert table["text"].tolist() == [f"Market hours\n{ANSWER}", OTHER]


def test_one_document_is_first_in_both(reranker, embedder):
    table = compare_query(QUERY, [ANSWER], reranker, embedder)
    assert table[["cosine rank", "cross-encoder rank", "moved"]].iloc[0].tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("query", "documents", "message"),
    [
        ("", DOCUMENTS, "query is empty"),
        (QUERY, [], "no documents"),
        (QUERY, [ANSWER, " "], r"candidates\[1\] has no text"),
        (QUERY, [ANSWER, ANSWER], "twice"),
    ],
)
def test_nothing_to_compare(reranker, embedder, query, documents, message):
    with pytest.raises(ValueError, match=message):
        compare_query(query, documents, reranker, embedder)


def test_the_comparer_reacts_and_recovers(reranker, embedder):
    query, documents, shown = query_comparer(DOCUMENTS, reranker, embedder, QUERY).children
    assert shown.value.count("<tr") == 4 and ANSWER in shown.value
    before = shown.value
    query.value = "How long do cats sleep?"
    assert shown.value != before and shown.value.index(OTHER) < shown.value.index(ANSWER)
    query.value = " "
    assert shown.value.startswith("query is empty.")
    query.value, documents.value = QUERY, "\n \n"
    assert "no documents" in shown.value
    documents.value = f"{ANSWER}\n\n{ANSWER}\n<b>bold</b>\n"
    assert shown.value.count("<tr") == 3 and "&lt;b&gt;bold" in shown.value


def test_long_documents_are_shown_whole(reranker, embedder):
    long = (
        "Stalls trade from eight in the morning, " + "and it is worth coming early, " * 5 + "says the warden."
    )
    assert "says the warden." in query_comparer([long], reranker, embedder, QUERY).children[-1].value
