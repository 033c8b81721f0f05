"""Texts for the engine that runs in int8; a stand-in for the hosted service."""

import pytest

from rerank_course.texts.corpora import load_corpus
from tests.support.hosted import answering, running, service  # noqa: F401  (pytest calls them)


@pytest.fixture(scope="package")
def pairs():
    """Pairs of very different lengths, from a few tokens to more than the model reads."""
    corpus = load_corpus("handbook")
    documents = sorted(corpus.documents.values(), key=lambda chunk: len(chunk.text))
    return [
        (query, chunk.content)
        for query in list(corpus.queries.values())[:2]
        for chunk in documents[::20] + documents[-2:]
    ]


@pytest.fixture(scope="package")
def strange():
    """Pairs as nobody would write them."""
    return [
        ("", ""),
        ("a", ""),
        ("é" * 20, "漢字 " * 300),
        ("? ! . ," * 20, "0 1 2 3 4 5 " * 80),
        ("the " * 50, "the " * 300),
        ("How many people live in Berlin?", "[SEP] " * 200),
    ]
