"""Cross-validate recipes for fine-tuning on pandas-docs, and record what came out, for the lesson.

`python -m tools.build.record_finetuning` trains every recipe on five folds, one with two seeds, and looks at
the handbook for what was forgotten: hours on two cores. ``--only NAME`` does a part of it. Each fold is kept
when it is finished, in the model cache, so that a second run goes on where the first stopped. A recipe is
recorded when all of its folds are finished.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rerank_course.engine.cache import cache_folder
from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.finetune import OBVIOUS, CrossValidation, Recipe, cross_validate
from rerank_course.finetune.parts import Elsewhere
from rerank_course.finetune.recorded import DATA
from rerank_course.models import load_embedder, load_reranker
from rerank_course.retrieve import BM25Retriever, DenseRetriever, HybridRetriever, Retriever
from rerank_course.texts.beir import Corpus
from rerank_course.texts.corpora import load_corpus
from rerank_course.texts.files import write_whole
from rerank_course.texts.trec import Run

HOME, AWAY = "pandas-docs", "handbook"
DEPTH = 10  # of the search's first that are reranked, in both: further down hardly any are judged

# The same texts in all: 128 tokens of a pair, and six negatives for a query, make a training of minutes.
SMALL: dict[str, Any] = {"max_length": 128, "negatives": 6, "patience": None}
SMALL_OBVIOUS = replace(OBVIOUS, **SMALL)
GENTLE = Recipe(learning_rate=1e-4, frozen_layers=10, **SMALL)


@dataclass(frozen=True)
class Job:
    """A recipe to record, its seeds, and the number of queries to train on, ``None`` for all."""

    recipe: Recipe
    seeds: Sequence[int] = (0,)
    training_queries: int | None = None


JOBS = {
    "obvious": Job(SMALL_OBVIOUS),
    "frozen": Job(replace(SMALL_OBVIOUS, frozen_layers=10)),
    # lists, and all but two layers frozen
    "gentle": Job(GENTLE, seeds=(0, 1)),
    # the same with one more brake
    "gentle-slow": Job(replace(GENTLE, learning_rate=1e-5)),
    "gentle-distilled": Job(replace(GENTLE, distillation=0.1)),
    "gentle-averaged": Job(replace(GENTLE, untouched_share=0.5)),
    "gentle-stopped": Job(replace(GENTLE, patience=2)),
    # negatives from all of the search's first 50, unjudged ones too
    "gentle-spread": Job(replace(GENTLE, spread_negatives=True)),
    "gentle-10": Job(GENTLE, training_queries=10),
    "gentle-20": Job(GENTLE, training_queries=20),
    "gentle-40": Job(GENTLE, training_queries=40),
}


def searches(corpus: Corpus, embedder: Any) -> dict[str, Retriever | Run]:
    """The dense search, whose candidates are reranked, and two others to compare with."""
    documents = list(corpus.documents.values())
    bm25, dense = BM25Retriever(documents), DenseRetriever(documents, embedder)
    return {"dense": dense, "BM25": bm25, "hybrid": HybridRetriever([bm25, dense])}


def untouched(name: str) -> RecordedReranker:
    """The model's scores before training: recorded ones, and computed ones where a pair is new."""
    return RecordedReranker(name, live=load_reranker())


def record(name: str, job: Job, seeds: Sequence[int], only: list[int] | None, work: Path) -> CrossValidation:
    """Run what is missing of a recipe; where all folds are there, write what the lesson reads."""
    home, away, embedder = load_corpus(HOME), load_corpus(AWAY), load_embedder()
    found = searches(home, embedder)
    search_away = DenseRetriever(list(away.documents.values()), embedder)
    there = Elsewhere(away, search_away, untouched(AWAY), DEPTH)
    validation = cross_validate(
        home,
        job.recipe,
        found,
        work / name,
        seeds=seeds,
        only=only,
        depth=DEPTH,
        training_queries=job.training_queries,
        elsewhere=[there],
        untouched=untouched(HOME),
    )
    if only is None:
        write_whole(DATA / f"{name}.json", validation.as_json())
    return validation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=JOBS, action="append", help="a recipe; may be given several times")
    parser.add_argument("--seeds", type=int, nargs="+", help="others than the recipe's own")
    parser.add_argument("--folds", type=int, nargs="+", help="a part of the folds: nothing is recorded then")
    options = parser.parse_args()
    work = cache_folder() / "finetuning"
    for name in options.only or JOBS:
        validation = record(name, JOBS[name], options.seeds or JOBS[name].seeds, options.folds, work)
        seconds = sum(part["seconds"] for part in validation.parts)
        memory = max(part["peak_mb"] for part in validation.parts)
        print(f"\n{name}: {len(validation.parts)} trainings, {seconds / 60:.0f} min, {memory:.0f} MB")
        for system in ("tuned", "tuned mixed"):
            for comparison in validation.compare(system):
                print(f"  {system}: {comparison}")
            for comparison in validation.compare(system, AWAY):
                print(f"  {system}, {AWAY}: {comparison}")


if __name__ == "__main__":
    main()
