"""Record the reranker's scores for both corpora, with both engines: `make scores`.

Every answered query, the first hundred of each retriever, and every judged passage; in int8 those of the
handbook also without their headings, and under the question's words. For the lesson on wiring faults,
BM25's first twenty once more as faulty pipelines would ask for them: turned round, with shortened headings,
without token types. `python -m tools.build.record_scores` takes ``--corpus handbook`` and ``--engine int8``
for a part of them.

Saved after each query; a second run goes on where the first stopped. Takes most of an hour in float32 on two
cores.
"""

import argparse
import textwrap
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from rerank_course.engine.recorded_scores import RECORDED, load_scores, pair_key, save_scores, scores_file
from rerank_course.evaluate import answered_queries, retrieve_and_rerank
from rerank_course.models import load_embedder, load_reranker
from rerank_course.retrieve import BM25Retriever, DenseRetriever, HybridRetriever, Retriever
from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus
from rerank_course.texts.corpora import CORPORA, load_corpus

DEPTH, FAULTY_DEPTH = 100, 20
SHORTENED = 24  # characters of a heading


class WithoutTokenTypes:
    """A cross-encoder that is told of every token that it belongs to the query."""

    def __init__(self, reranker: Any) -> None:
        self.reranker = reranker

    def predict(self, pairs: list[tuple[str, str]], batch_size: int) -> np.ndarray:
        logits = []
        for start in range(0, len(pairs), batch_size):
            tokens = self.reranker.tokenizer(
                *map(list, zip(*pairs[start : start + batch_size])),
                padding=True,
                truncation=True,
                max_length=self.reranker.max_seq_length,
                return_tensors="pt",
            )
            del tokens["token_type_ids"]
            with torch.inference_mode():
                logits.append(self.reranker.model(**tokens).logits[:, 0].numpy())
        return np.concatenate(logits)


class Recorder:
    """A reranker that keeps what it scores, and scores nothing twice."""

    def __init__(self, path, engine: str) -> None:
        self.path, self.engine = path, engine
        self.scores = load_scores(path)
        self.reranker = load_reranker(backend="int8" if engine == "int8" else "torch")
        if engine == "untyped":
            self.reranker = WithoutTokenTypes(self.reranker)

    def predict(self, pairs, batch_size):
        known = self.scores[self.engine]
        new = [pair for pair in pairs if pair_key(*pair) not in known]
        if new:
            known.update(
                (pair_key(*pair), float(score))
                for pair, score in zip(new, self.reranker.predict(new, batch_size=batch_size))
            )
            save_scores(self.path, self.scores)
        return np.array([known[pair_key(*pair)] for pair in pairs])


def judged_pairs(corpus: Corpus, headings: bool = True) -> list[tuple[str, str]]:
    """The judged pairs of all answered queries, the passages with or without their headings."""
    judged = [
        (q, corpus.documents[document]) for q in answered_queries(corpus) for document in corpus.qrels[q]
    ]
    return [
        (corpus.queries[q], (chunk if headings else chunk.without_heading()).content) for q, chunk in judged
    ]


def under_the_question_s_words(corpus: Corpus) -> list[tuple[str, str]]:
    """The judged pairs with the question's words, less stop words, in the place of each heading."""
    pairs = []
    for q in answered_queries(corpus):
        words = [
            word for word in corpus.queries[q].rstrip("?").split() if word.lower() not in ENGLISH_STOP_WORDS
        ]
        for document in corpus.qrels[q]:
            pairs.append((corpus.queries[q], f"{' '.join(words)}\n{corpus.documents[document].text}"))
    return pairs


def first_pairs(corpus: Corpus, bm25: BM25Retriever) -> list[tuple[str, Chunk]]:
    """(query, chunk) of BM25's first twenty, of all answered queries."""
    queries = [corpus.queries[q] for q in answered_queries(corpus)]
    return [(query, chunk) for query in queries for chunk, _ in bm25.search(query, FAULTY_DEPTH)]


def faulty_pairs(found: list[tuple[str, Chunk]]) -> list[tuple[str, str]]:
    """Each pair turned round, and with its heading shortened as a result list would show it."""
    turned = [(chunk.content, query) for query, chunk in found]
    titles = [textwrap.shorten(chunk.title, SHORTENED, placeholder="…") for _, chunk in found]
    shortened = [(query, replace(chunk, title=title).content) for (query, chunk), title in zip(found, titles)]
    return turned + shortened


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", choices=CORPORA, action="append")
    parser.add_argument("--engine", choices=RECORDED, action="append")
    options = parser.parse_args()
    embedder = load_embedder()
    for name in options.corpus or CORPORA:
        corpus = load_corpus(name)
        documents = list(corpus.documents.values())
        bm25, dense = BM25Retriever(documents), DenseRetriever(documents, embedder)
        retrievers: dict[str, Retriever] = {
            "BM25": bm25,
            "dense": dense,
            "hybrid": HybridRetriever([bm25, dense]),
        }
        found = first_pairs(corpus, bm25)
        for engine in options.engine or RECORDED:
            recorder = Recorder(scores_file(name), engine)
            if engine == "untyped":
                recorder.predict([(query, chunk.content) for query, chunk in found], batch_size=8)
                continue
            retrieve_and_rerank(corpus, retrievers, recorder, (DEPTH,), batch_size=8, show_progress=True)
            recorder.predict(judged_pairs(corpus), batch_size=8)  # lessons look at all of them
            if engine == "int8":
                recorder.predict(faulty_pairs(found), batch_size=8)
            if engine == "int8" and name == "handbook":
                recorder.predict(judged_pairs(corpus, headings=False), batch_size=8)
                recorder.predict(under_the_question_s_words(corpus), batch_size=8)
        for engine, scores in load_scores(scores_file(name)).items():
            print(f"{name}, {engine}: {len(scores):,} pairs")


if __name__ == "__main__":
    main()
