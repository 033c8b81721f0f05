"""What the faster engine costs in quality, from the recorded scores."""

import pandas as pd

from rerank_course.engine.recorded_scores import ENGINES, RecordedReranker
from rerank_course.evaluate import paired_difference, per_query, retrieve_and_rerank, same_top
from rerank_course.models import load_embedder
from rerank_course.retrieve import DenseRetriever
from rerank_course.texts.corpora import CORPORA, load_corpus

MEASURES = ("nDCG@10", "RR@10")


def quality() -> pd.DataFrame:
    """Both engines' nDCG@10 and RR@10 on both corpora, dense search with 50 reranked."""
    embedder = load_embedder()
    rows: dict[str, dict[str, str]] = {}
    for name in CORPORA:
        rows |= _of_corpus(name, embedder)
    return pd.DataFrame.from_dict(rows, orient="index")


def _of_corpus(name: str, embedder) -> dict[str, dict[str, str]]:
    """A row for each measure."""
    corpus = load_corpus(name)
    dense = {"dense": DenseRetriever(list(corpus.documents.values()), embedder)}
    runs = {
        engine: retrieve_and_rerank(corpus, dense, RecordedReranker(name, engine), (50,))["dense + rerank 50"]
        for engine in ENGINES
    }
    tables = {engine: per_query(run, corpus) for engine, run in runs.items()}
    same = ", ".join(f"{top} {share:.0%}" for top, share in same_top(runs["fp32"], runs["int8"]).items())
    rows = {}
    for measure in MEASURES:
        mean, low, high = paired_difference(tables["fp32"], tables["int8"], measure)
        rows[f"{name}, {measure}"] = {
            **{engine: f"{table[measure].mean():.3f}" for engine, table in tables.items()},
            "int8 − fp32": f"{mean:+.4f} ({low:+.4f} to {high:+.4f})",
            "the same in both": same,
        }
    return rows
