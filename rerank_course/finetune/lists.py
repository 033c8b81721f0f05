"""From judged queries to what a loss reads: a query's documents with grades and untouched scores."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rerank_course.finetune.negatives import negatives
from rerank_course.finetune.recipe import MARGIN, Recipe
from rerank_course.rerank import Reranker
from rerank_course.texts.beir import Corpus

MINED = 50  # of a search's first: what unjudged negatives are chosen from
FEWEST = 6  # queries to train on


class UnsuitableJudgementsError(ValueError):
    """The judgements cannot be trained on: too few queries, or nothing to tell apart."""


@dataclass(frozen=True)
class TrainingList:
    """A query with documents to train on.

    Attributes:
        query_id, query: its id and text.
        documents: the texts; those judged to answer in whole or in part, then negatives.
        grades: of each document; 0 for negatives.
        untouched: the untouched model's score of each, or 0 where no distillation asks for it.
        relevant: the grade from which on a document counts as an answer.
    """

    query_id: str
    query: str
    documents: tuple[str, ...]
    grades: tuple[int, ...]
    untouched: tuple[float, ...]
    relevant: int


def training_lists(
    corpus: Corpus,
    queries: Sequence[str],
    found: Mapping[str, Sequence[str]],
    untouched: Reranker,
    recipe: Recipe,
    teacher: Reranker | None = None,
) -> list[TrainingList]:
    """A list for each query that has an answer and something that is none.

    Args:
        found: document ids as a search gave them, by query id, best first.
        untouched: scores pairs; asked only where unjudged negatives need it.
        teacher: gives the scores that distillation holds on to; ``None`` takes ``untouched``.

    Raises:
        UnsuitableJudgementsError: fewer than six queries are left, or all grades are of one kind.

    Warns:
        UserWarning: queries without a negative are left out.
    """
    lists, without = [], []
    for query in queries:
        made = _training_list(corpus, query, found.get(query, []), untouched, recipe, teacher or untouched)
        if made is None:
            without.append(query)
        else:
            lists.append(made)
    if without and not lists:
        raise UnsuitableJudgementsError(
            f"In {corpus.name}, no query has both an answer (grade {corpus.relevant} or more) and a document "
            "that is none: there is nothing to tell apart. Judge wrong documents too, with grade 0."
        )
    if without:
        warnings.warn(
            f"{len(without)} of {len(queries)} queries are left out, for example {without[0]!r}: they have "
            "no document that is surely no answer. Judge some of what a search finds for them.",
            stacklevel=4,
        )
    if len(lists) < FEWEST:
        raise UnsuitableJudgementsError(
            f"{len(lists)} queries of {corpus.name} can be trained on; at least {FEWEST} are needed, and far "
            "more to learn anything. Judge more queries."
        )
    return lists


def _training_list(
    corpus: Corpus,
    query: str,
    found: Sequence[str],
    untouched: Reranker,
    recipe: Recipe,
    teacher: Reranker,
) -> TrainingList | None:
    def score(documents: Iterable[str], scorer: Reranker = untouched) -> dict[str, float]:
        ids = list(documents)
        pairs = [(corpus.queries[query], corpus.documents[document].content) for document in ids]
        return dict(zip(ids, np.asarray(scorer.predict(pairs, batch_size=32), float).tolist()))

    judged = corpus.qrels.get(query, {})
    good = {document: grade for document, grade in judged.items() if grade > 0}
    wrong = negatives(corpus, query, found[:MINED], score, recipe.negatives, spread=recipe.spread_negatives)
    grades = good | dict.fromkeys(wrong, 0)
    has_answer = max(grades.values(), default=0) >= corpus.relevant
    if not has_answer or len(set(grades.values())) < 2:
        return None
    scores = score(grades, teacher) if recipe.distillation else dict.fromkeys(grades, 0.0)
    return TrainingList(
        query,
        corpus.queries[query],
        tuple(corpus.documents[document].content for document in grades),
        tuple(grades.values()),
        tuple(scores[document] for document in grades),
        corpus.relevant,
    )


def examples(lists: Iterable[TrainingList], loss: str) -> list[dict[str, Any]]:
    """The rows of a data set as a loss of sentence-transformers reads them.

    ``label`` holds what the loss aims at, and behind it the untouched model's scores:

    - pointwise: ``[1 or 0, untouched score]``. Grades between none and an answer are left out;
    - margin: ``[distance, untouched score of the better, and of the worse]``;
    - pairwise, listwise: ``[grades, untouched scores]``.
    """
    return [row for one in lists for row in _ROWS[loss](one)]


def _points(one: TrainingList) -> list[dict[str, Any]]:
    return [
        {"query": one.query, "document": text, "label": [float(grade >= one.relevant), score]}
        for text, grade, score in zip(one.documents, one.grades, one.untouched)
        if grade == 0 or grade >= one.relevant
    ]


def _margins(one: TrainingList) -> list[dict[str, Any]]:
    """Each document that is no answer, with an answer: the answers take turns."""
    answers = [place for place, grade in enumerate(one.grades) if grade >= one.relevant]
    lower = [place for place, grade in enumerate(one.grades) if grade < one.relevant]
    rows = []
    for turn, worse in enumerate(lower):
        better = answers[turn % len(answers)]
        distance = MARGIN * (one.grades[better] - one.grades[worse])
        rows.append(
            {
                "query": one.query,
                "positive": one.documents[better],
                "negative": one.documents[worse],
                "label": [distance, one.untouched[better], one.untouched[worse]],
            }
        )
    return rows


def _list(one: TrainingList) -> list[dict[str, Any]]:
    labels = [[float(grade) for grade in one.grades], list(one.untouched)]
    return [{"query": one.query, "documents": list(one.documents), "label": labels}]


_ROWS: dict[str, Callable[[TrainingList], list[dict[str, Any]]]] = {
    "pointwise": _points,
    "margin": _margins,
    "pairwise": _list,
    "listwise": _list,
}


def _pairs(row: dict[str, Any]) -> list[tuple[str, str]]:
    texts = row.get("documents") or [
        row[name] for name in ("document", "positive", "negative") if name in row
    ]
    return [(row["query"], text) for text in texts]


def warn_of_long_pairs(lists: Iterable[TrainingList], loss: str, tokenizer: Any, max_length: int) -> None:
    """Warn where a fifth of the pairs that ``loss`` reads, or more, are cut at ``max_length``."""
    pairs = list(dict.fromkeys(pair for row in examples(lists, loss) for pair in _pairs(row)))
    enough = {"truncation": True, "max_length": max_length + 1}
    tokens = tokenizer([query for query, _ in pairs], [text for _, text in pairs], **enough)["input_ids"]
    long = sum(len(ids) > max_length for ids in tokens)
    if long * 5 >= len(pairs):
        warnings.warn(
            f"{long} of {len(pairs)} pairs are longer than max_length={max_length} tokens, and cut there: "
            "an answer behind that is trained on as if it stood there. Raise max_length, or cut the "
            "documents into passages.",
            stacklevel=4,
        )
