"""Record the reranker's scores for both corpora, with both engines: `make scores`.

Every answered query, the first hundred of each retriever, and every judged passage; in int8 those of the
handbook also without their headings, and under the question's words. `python -m tools.build.record_scores`
takes ``--corpus handbook`` and ``--engine int8`` for a part of them.

Saved after each query; a second run goes on where the first stopped. Takes most of an hour in float32 on two
cores.
"""

import argparse

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from rerank_course.engine.recorded_scores import ENGINES, load_scores, pair_key, save_scores, scores_file
from rerank_course.evaluate import answered_queries, retrieve_and_rerank
from rerank_course.models import load_embedder, load_reranker
from rerank_course.retrieve import BM25Retriever, DenseRetriever, HybridRetriever, Retriever
from rerank_course.texts.beir import Corpus
from rerank_course.texts.corpora import CORPORA, load_corpus

DEPTH = 100


class Recorder:
    """A reranker that keeps what it scores, and scores nothing twice."""

    def __init__(self, path, engine: str) -> None:
        self.path, self.engine = path, engine
        self.scores = load_scores(path)
        self.reranker = load_reranker(backend="int8" if engine == "int8" else "torch")

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", choices=CORPORA, action="append")
    parser.add_argument("--engine", choices=ENGINES, action="append")
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
        for engine in options.engine or ENGINES:
            recorder = Recorder(scores_file(name), engine)
            retrieve_and_rerank(corpus, retrievers, recorder, (DEPTH,), batch_size=8, show_progress=True)
            recorder.predict(judged_pairs(corpus), batch_size=8)  # lessons look at all of them
            if engine == "int8" and name == "handbook":
                recorder.predict(judged_pairs(corpus, headings=False), batch_size=8)
                recorder.predict(under_the_question_s_words(corpus), batch_size=8)
            print(f"{name}, {engine}: {len(recorder.scores[engine]):,} pairs")


if __name__ == "__main__":
    main()
