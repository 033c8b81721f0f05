"""The scores among which the reader moves a threshold: those of the lesson on scores that mislead."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from rerank_course.engine.cache import made_once
from rerank_course.engine.recorded_scores import load_scores, pair_key, scores_file
from rerank_course.evaluate import answered_queries
from rerank_course.lab.explorers.threshold import tuned_threshold
from rerank_course.models import load_embedder
from rerank_course.retrieve import DenseRetriever
from rerank_course.texts.corpora import load_corpus

DEPTH = 20  # of the dense search, as in the lesson
DECIMALS = 4
CORPORA = ("handbook", "pandas-docs")
FOLDER = "website-thresholds-1"  # change the number when the recipe below changes


def threshold_groups(root: Path) -> dict[str, Any]:
    """The lesson's three groups: ``{"groups": [{"name", "scores", "answers"}, …], "threshold"}``.

    The search takes a minute, so what it finds is kept in the model cache until scores are recorded anew.
    """
    digest = hashlib.sha256(b"".join(scores_file(name).read_bytes() for name in CORPORA)).hexdigest()
    folder = made_once(f"{FOLDER}-{digest[:12]}", _write, "the website's scores", needed_bytes=1_000_000)
    return json.loads((folder / "groups.json").read_text(encoding="utf-8"))


def _write(folder: Path) -> None:
    (folder / "groups.json").write_text(json.dumps(_found_groups()), encoding="utf-8")


def _found_groups() -> dict[str, Any]:
    embedder = load_embedder()
    handbook = _first_found("handbook", embedder)
    shuffled = np.random.default_rng(0).permutation(list(handbook))
    tuning, other = (set(half) for half in np.array_split(shuffled, [len(shuffled) // 2]))
    groups = [
        _group("handbook, half that tunes", handbook, tuning),
        _group("handbook, other half", handbook, other),
        _group("pandas-docs", found := _first_found("pandas-docs", embedder), set(found)),
    ]
    first = groups[0]
    return {"groups": groups, "threshold": tuned_threshold(first["scores"], first["answers"])}


def _first_found(name: str, embedder: Any) -> dict[str, list[tuple[float, bool]]]:
    """For each answered query the float32 scores of what the dense search finds, and what answers."""
    corpus, known = load_corpus(name), load_scores(scores_file(name))["fp32"]
    dense = DenseRetriever(list(corpus.documents.values()), embedder)
    found: dict[str, list[tuple[float, bool]]] = {}
    for query in answered_queries(corpus):
        text = corpus.queries[query]
        found[query] = [
            (known[pair_key(text, chunk.content)], corpus.qrels[query].get(chunk.id, 0) >= 2)
            for chunk, _ in dense.search(text, DEPTH)
        ]
    return found


def _group(name: str, found: dict[str, list[tuple[float, bool]]], queries: set[str]) -> dict[str, Any]:
    pairs = [pair for query, pairs in found.items() if query in queries for pair in pairs]
    return {
        "name": name,
        "scores": [round(float(score), DECIMALS) for score, _ in pairs],
        "answers": [int(answers) for _, answers in pairs],
    }
