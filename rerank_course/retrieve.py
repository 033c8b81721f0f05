"""The first stage: find candidates for a query fast, in all documents. Two ways, and a way to mix them.

Each has ``search(query, depth)`` and gives ``[(chunk, score), …]``, best first, ready for
``rerank_documents``; and ``predict(pairs)``, so that it can be a stage of a ``cascade`` itself.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from rerank_course.engine.embeddings import embed
from rerank_course.text import Chunk, text_of

Found = list[tuple[Chunk, float]]


class Retriever(Protocol):
    """Whatever finds candidates."""

    def search(self, query: str, depth: int = 100) -> Found:
        """The ``depth`` best documents for a query and their scores, best first."""


class BM25Retriever:
    """Keyword search: BM25, English stop words left out, no stemming.

    Source: the library bm25s, https://github.com/xhluca/bm25s.

    Args:
        documents: what to search, as chunks; their ``content`` is indexed.

    Raises:
        ValueError: there are no documents.
    """

    def __init__(self, documents: Sequence[Chunk]):
        import bm25s

        self.documents = _check_documents(documents)
        options = {"stopwords": "en", "show_progress": False, "return_ids": False}
        self._tokenize = lambda texts: bm25s.tokenize(texts, **options)
        self._index = bm25s.BM25()
        contents = [text_of(document) for document in self.documents]
        self._positions = {text: i for i, text in enumerate(contents)}
        self._index.index(self._tokenize(contents), show_progress=False)

    def search(self, query: str, depth: int = 100) -> Found:
        """Documents that share a word with the query, at most ``depth``. Scores are BM25's: 0 and up."""
        scores = self._scores(query)
        return [(self.documents[i], float(scores[i])) for i in _best(scores, depth) if scores[i] > 0]

    def predict(self, pairs: Sequence[tuple[str, str]], batch_size: int = 32) -> np.ndarray:
        """BM25's scores of (query, content of an indexed document), of shape (pairs,).

        Raises:
            ValueError: a text is not in the index: its words' weights would be others.
        """
        found = {query: self._scores(query) for query in {query for query, _ in pairs}}
        return np.array([found[query][self._position(text)] for query, text in pairs])

    def _scores(self, query: str) -> np.ndarray:
        """The score of every document."""
        words = self._tokenize([_check_query(query)])[0]
        tokens = [word for word in words if word in self._index.vocab_dict]
        return self._index.get_scores(tokens) if tokens else np.zeros(len(self.documents))

    def _position(self, text: str) -> int:
        if text not in self._positions:
            raise ValueError(f"The index does not hold the text {text[:60]!r}, so it has no score for it.")
        return self._positions[text]


class DenseRetriever:
    """Search by meaning: cosine similarity between the query's embedding and each document's.

    The documents' embeddings are computed once and kept in the model cache, by the content of the texts and
    of the model.

    Args:
        documents: what to search, as chunks; their ``content`` is embedded.
        embedder: a ``SentenceTransformer``, for example from ``load_embedder()``.
        show_progress: show a bar while documents are embedded.

    Raises:
        ValueError: there are no documents.
    """

    def __init__(self, documents: Sequence[Chunk], embedder: Any, *, show_progress: bool = False):
        self.documents = _check_documents(documents)
        self.embedder = embedder
        contents = [text_of(document) for document in self.documents]
        self.vectors = embed(contents, embedder, show_progress=show_progress)
        self._positions = {text: i for i, text in enumerate(contents)}

    def search(self, query: str, depth: int = 100) -> Found:
        """The ``depth`` nearest documents. Scores are cosines, −1 to 1."""
        query_vector = self._encode([_check_query(query)])[0]
        scores = self.vectors @ query_vector
        return [(self.documents[i], float(scores[i])) for i in _best(scores, depth)]

    def predict(self, pairs: Sequence[tuple[str, str]], batch_size: int = 32) -> np.ndarray:
        """Cosines of (query, text), of shape (pairs,). What is indexed is not embedded again."""
        queries = list(dict.fromkeys(_check_query(query) for query, _ in pairs))
        new = list(dict.fromkeys(text for _, text in pairs if text not in self._positions))
        vectors = dict(zip(queries, self._encode(queries, batch_size)))
        unknown = dict(zip(new, self._encode(new, batch_size)))
        return np.array(
            [
                vectors[query] @ (unknown[text] if text in unknown else self.vectors[self._positions[text]])
                for query, text in pairs
            ]
        )

    def _encode(self, texts: list[str], batch_size: int = 32) -> np.ndarray:
        return self.embedder.encode(
            texts, batch_size=batch_size, normalize_embeddings=True, show_progress_bar=False
        )


class HybridRetriever:
    """Several retrievers, mixed by reciprocal rank fusion.

    A document's score is the sum of 1 / (k + its rank) over the rankings.

    Source: Cormack, Clarke and Büttcher, 2009, https://doi.org/10.1145/1571941.1572114; k = 60 is theirs.

    Args:
        retrievers: what to mix, over the same documents.
        k: how much less a high rank counts than the first.
        pool: how many documents to take from each.
    """

    def __init__(self, retrievers: Sequence[Retriever], *, k: int = 60, pool: int = 100):
        if not retrievers:
            raise ValueError("retrievers is empty: there is nothing to mix.")
        self.retrievers, self.k, self.pool = list(retrievers), k, pool

    def search(self, query: str, depth: int = 100) -> Found:
        """The ``depth`` best documents of the mixed rankings. Scores are sums of reciprocal ranks."""
        rankings = [retriever.search(query, max(self.pool, depth)) for retriever in self.retrievers]
        return fuse(rankings, k=self.k)[:depth]

    def predict(self, pairs: Sequence[tuple[str, str]], batch_size: int = 32) -> np.ndarray:
        """Sums of reciprocal ranks of (query, content), of shape (pairs,); 0 for what is not in the pool."""
        found = {}
        for query in {query for query, _ in pairs}:
            rankings = [retriever.search(query, self.pool) for retriever in self.retrievers]
            fused = fuse(rankings, k=self.k)
            found[query] = {
                chunk.content: score for chunk, score in reversed(fused)
            }  # a copy: the best one's
        return np.array([found[query].get(text, 0.0) for query, text in pairs])


def fuse(rankings: Sequence[Found], *, k: int = 60) -> Found:
    """Mix rankings by reciprocal rank fusion; equal sums keep the order of first appearance."""
    documents: dict[str, Chunk] = {}
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, (document, _) in enumerate(ranking, start=1):
            documents.setdefault(document.id, document)
            scores[document.id] = scores.get(document.id, 0.0) + 1 / (k + rank)
    return [(documents[i], scores[i]) for i in sorted(scores, key=scores.__getitem__, reverse=True)]


def _best(scores: np.ndarray, depth: int) -> np.ndarray:
    """Positions of the ``depth`` highest scores, highest first; equal scores in document order."""
    if depth < 1:
        raise ValueError(f"depth must be at least 1, not {depth}.")
    return np.argsort(-scores, kind="stable")[:depth]


def _check_documents(documents: Sequence[Chunk]) -> list[Chunk]:
    documents = list(documents)
    if not documents:
        raise ValueError("documents is empty: there is nothing to search.")
    if len({document.id for document in documents}) < len(documents):
        raise ValueError("documents holds an id twice. Give each document an id of its own.")
    return documents


def _check_query(query: str) -> str:
    if not isinstance(query, str) or not query.strip():
        raise ValueError(f"query must be a non-empty string, not {query!r}.")
    return query
