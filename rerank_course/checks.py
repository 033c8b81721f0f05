"""The exercises' checks: not attempted, wrong and why, or right and what to notice.

A check takes the learner's function as an argument and calls it with its own data. It compares with what the real models
give, within what two machines can differ by, and looks for the mistakes that people make, so that it can name them.
Everything in here is public; graded classes run the same checks on data that stands in no file of the learner's.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, Literal

import numpy as np

from rerank_course.models import load_embedder, load_reranker
from rerank_course.rerank import rerank_documents

LOGIT_TOLERANCE = 0.02  # float32 on another processor moves a logit by some 0.0001; TF32 on a GPU by up to 0.01
COSINE_TOLERANCE = 0.005

_QUERY = "How often should I water a cactus?"
_DOCUMENTS = (
    "Cacti store moisture in their stems and grow slowly for most of the year.",
    "How often should I water a cactus? Ask the gardener at the desk.",
    "In summer, give it a good soak every two weeks; in winter, once every six weeks is plenty.",
    "Water the ferns daily and keep the leaves moist.",
    "A cactus wants a sunny window and gritty soil.",
)


@dataclass(frozen=True)
class Verdict:
    """What a check says of an answer."""

    status: Literal["not attempted", "wrong", "right"]
    message: str

    def __repr__(self) -> str:
        sign = {"not attempted": "…", "wrong": "✗", "right": "✓"}[self.status]
        return f"{sign} {self.status.capitalize()}. {self.message}"

    def require(self) -> None:
        """Return if right; else raise ``NotImplementedError`` (not attempted) or ``AssertionError`` (wrong). For graded cells."""
        if self.status == "not attempted":
            raise NotImplementedError(self.message)
        if self.status == "wrong":
            raise AssertionError(self.message)


class _NotAttempted(Exception):
    pass


class _Wrong(Exception):
    pass


def _check(function: Callable[..., str]) -> Callable[..., Verdict]:
    """Turn a function that returns what to notice, or raises ``_Wrong`` or ``_NotAttempted``, into one that returns a verdict."""

    @wraps(function)
    def verdict(*args, **kwargs) -> Verdict:
        try:
            return Verdict("right", function(*args, **kwargs))
        except _NotAttempted as reason:
            return Verdict("not attempted", str(reason))
        except _Wrong as reason:
            return Verdict("wrong", str(reason))

    return verdict


@_check
def check_load_models(load_models: Callable[[], tuple]) -> str:
    """Exercise 05, part 1: ``load_models()`` gives (cross-encoder, embedding model)."""
    answer = _call(load_models)
    _demand(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        f"load_models() should return two things, the cross-encoder and the embedding model, but returned {_show(answer)}.",
    )
    reranker, embedder = answer
    _demand(
        not (hasattr(reranker, "encode") and hasattr(embedder, "predict")),
        "The two models are the wrong way round: return the cross-encoder first, then the embedding model.",
    )
    _demand(hasattr(reranker, "predict"), f"The first thing is a {type(reranker).__name__}, which cannot predict. Load it with load_reranker().")
    _demand(hasattr(embedder, "encode"), f"The second thing is a {type(embedder).__name__}, which cannot encode. Load it with load_embedder().")
    scores = reranker.predict([(_QUERY, _DOCUMENTS[2]), (_QUERY, _DOCUMENTS[3])])
    return f"The cross-encoder gives a pair one score ({scores[0]:.2f} and {scores[1]:.2f} for two test pairs); the embedding model gives one text one vector."


@_check
def check_cross_encoder_ranking(function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS) -> str:
    """Exercise 05, part 2: ``cross_encoder_ranking(query, documents, reranker)`` gives [(document, logit), …], best first."""
    reranker, documents = _reranker(), list(documents)
    answer = _call(function, query, list(documents), reranker)
    expected = dict(rerank_documents(query, documents, reranker, top_k=None))
    backwards = reranker.predict([(document, query) for document in documents])
    mistakes = [
        (
            {document: 1 / (1 + math.exp(-score)) for document, score in expected.items()},
            "That is the logit after a sigmoid. Return the score as predict gives it for this model.",
        ),
        (
            dict(zip(documents, map(float, backwards))),
            "That is the score of the pair (document, query). A pair is (query, document): the model was trained on that order.",
        ),
        (_cosines(query, documents, _embedder()), "That is the embedding model's cosine similarity, not the cross-encoder's score."),
    ]
    _check_ranking(answer, query, expected, mistakes, LOGIT_TOLERANCE, "reranker.predict gives this pair")
    return "Each score comes from reading query and document together. Their order counts; a single score, positive or negative, says little."


@_check
def check_cosine_ranking(function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS) -> str:
    """Exercise 05, part 3: ``cosine_ranking(query, documents, embedder)`` gives [(document, cosine), …], best first.

    It is called twice: with the course's embedder, and with the same one without its last layer, whose vectors are not of
    length 1, so that a dot product is no cosine.
    """
    documents = list(documents)
    for embedder, which in ((_embedder(), "the embedder"), (_embedder_without_normalising(), "an embedder whose vectors are not of length 1")):
        answer = _call(function, query, list(documents), embedder)
        vectors = embedder.encode([query, *documents])
        dots = vectors[1:] @ vectors[0]
        distances = np.linalg.norm(vectors[1:] - vectors[0], axis=1)
        mistakes = [
            (
                dict(zip(documents, map(float, dots))),
                "That is the dot product. Divide by the lengths of both vectors: not every embedding model returns vectors of length 1.",
            ),
            (dict(zip(documents, map(float, distances))), "That is the distance between the vectors: small when they are close. A cosine is large then."),
            ({d: 1 - c for d, c in _cosines(query, documents, embedder).items()}, "That is the cosine distance, 1 − cosine. Return the cosine itself."),
            (
                dict(rerank_documents(query, documents, _reranker(), top_k=None)),
                "That is the cross-encoder's score, not the cosine similarity of two embeddings.",
            ),
        ]
        _check_ranking(answer, query, _cosines(query, documents, embedder), mistakes, COSINE_TOLERANCE, f"with {which}, the cosine is")
    return "Query and document never met inside the model: each became a vector alone, and the cosine compares the two vectors."


@_check
def check_ten_pairs(ten_pairs: Callable[[], tuple]) -> str:
    """Exercise 05, part 4: ``ten_pairs()`` gives (query, ten documents) on which the two rankings' top 3 differ."""
    query, documents = _ten_pairs(ten_pairs)
    cross, cosine = _two_rankings(query, documents)
    _demand(
        cross[:3] != cosine[:3],
        "The ten pairs are sound, but both models put the same three documents on top, in the same order, so there is nothing to explain. "
        "Write harder documents: one that repeats the question without answering it, one that answers in other words, one that says the opposite.",
    )
    shared = len(set(cross[:3]) & set(cosine[:3]))
    return f"Ten different documents for one query. The two top 3 share {shared} of 3 documents. Now look at the ranks."


@_check
def check_two_cases(two_cases: Callable[[], list], ten_pairs: Callable[[], tuple]) -> str:
    """Exercise 05, part 5: ``two_cases()`` names two documents and their ranks in both rankings.

    Each case is ``{"document": position in your list, "cross-encoder rank": …, "cosine rank": …}``, all counted from 1.
    """
    query, documents = _ten_pairs(ten_pairs)
    cases = _call(two_cases)
    cross, cosine = _two_rankings(query, documents)
    _demand(isinstance(cases, (list, tuple)) and len(cases) == 2, f"two_cases() should return a list of two cases, but returned {_show(cases)}.")
    for number, case in enumerate(cases, start=1):
        _check_case(number, case, cross, cosine)
    _demand(cases[0]["document"] != cases[1]["document"], "Both cases are about the same document. Take two different ones.")
    return "The facts are right. Now say why: what does the cross-encoder see in this pair that two separate vectors cannot hold, or the other way round?"


def _check_case(number: int, case: Any, cross: list[int], cosine: list[int]) -> None:
    """One case of ``two_cases`` against the two rankings, which hold document numbers, best first."""
    keys = ("document", "cross-encoder rank", "cosine rank")
    _demand(
        isinstance(case, Mapping) and set(case) == set(keys) and all(type(case[key]) is int for key in keys),
        f"Case {number} should be a dictionary of three whole numbers with the keys {', '.join(keys)}, but is {_show(case)}.",
    )
    document, said = case["document"], (case["cross-encoder rank"], case["cosine rank"])
    _demand(1 <= document <= 10, f"Case {number} is about document {document}. The documents are numbered from 1 to 10, as they stand in your list.")
    true = (cross.index(document) + 1, cosine.index(document) + 1)
    if said != true:
        if said == (true[0] - 1, true[1] - 1):
            cause = "You count from 0; the best rank is 1."
        elif said == true[::-1]:
            cause = "The two ranks are swapped."
        else:
            cause = "Look the document up in both lists again; its number is its place in your list of ten, not in a ranking."
        raise _Wrong(
            f"Case {number}, document {document}: you say rank {said[0]} by the cross-encoder and {said[1]} by cosine. "
            f"One of the two is not so. {cause}"
        )
    _demand(true[0] != true[1], f"Case {number}: document {document} has rank {true[0]} in both rankings, so it is no difference.")
    _demand(
        min(true) <= 3,
        f"Case {number}: document {document} is in neither top 3 (ranks {true[0]} and {true[1]}). Take one that at least one model puts among its best three.",
    )


def _check_ranking(answer: Any, query: str, expected: dict[str, float], mistakes: list, tolerance: float, truth: str) -> None:
    """Compare a learner's ranking with the expected scores; ``mistakes`` are [(scores of a known mistake, what it means), …]."""
    given = f"For the query {query!r} and {len(expected)} documents, your function"
    _demand(isinstance(answer, (list, tuple)), f"{given} should return a list of (document, score), but returned {_show(answer)}.")
    _demand(
        all(isinstance(row, (tuple, list)) and len(row) == 2 for row in answer),
        f"{given} should return a list of (document, score), but the list holds {_show(answer[0] if answer else answer)}.",
    )
    _demand(
        not (answer and all(isinstance(row[1], str) for row in answer)),
        f"{given} returned (score, document). Swap the two: the document comes first.",
    )
    _demand(
        all(isinstance(row[0], str) and _is_number(row[1]) for row in answer),
        f"{given} should return (document, score), a text and a number, but the list holds {_show(answer[0] if answer else answer)}.",
    )
    scores = {document: float(score) for document, score in answer}
    unknown = [document for document in scores if document not in expected]
    _demand(not unknown, f"{given} returned a document that it was not given: {unknown[:1]}.")
    missing = [document for document in expected if document not in scores]
    _demand(not missing, f"{given} left out {len(missing)} of them, for example {missing[:1]}. Return all documents; cutting to a top 3 comes later.")
    _demand(len(answer) == len(scores), f"{given} returned a document twice.")

    off = next((d for d in expected if not abs(scores[d] - expected[d]) <= tolerance), None)
    if off is not None:
        cause = next((meaning for wrong, meaning in mistakes if _close(scores, wrong, tolerance)), None)
        if cause is None and _close({d: s for d, s in zip(scores, sorted(expected.values(), reverse=True))}, scores, tolerance):
            cause = "The scores are right but belong to other documents. Sort documents and scores together, not each alone."
        raise _Wrong(
            f"{given} gives {off!r} the score {scores[off]:.3f}; {truth} {expected[off]:.3f}. "
            f"{cause or 'Check which texts go into the model, and that each score stays with its document.'}"
        )
    order = [scores[document] for document, _ in answer]
    best_first = sorted(order, reverse=True)
    _demand(
        order == best_first or order != best_first[::-1],
        f"{given} returned the worst document first. The highest score is the best: sort in descending order.",
    )
    _demand(
        order == best_first,
        f"{given} returned the right scores, but not in order of score: {[round(score, 2) for score in order]}. Sort by score, highest first.",
    )


def _ten_pairs(ten_pairs: Callable[[], tuple]) -> tuple[str, list[str]]:
    """The learner's query and documents, found to be ten different texts."""
    answer = _call(ten_pairs)
    _demand(
        isinstance(answer, (tuple, list)) and len(answer) == 2 and isinstance(answer[0], str) and isinstance(answer[1], (list, tuple)),
        f"ten_pairs() should return your query (a string) and a list of documents, but returned {_show(answer)}.",
    )
    query, documents = answer[0], list(answer[1])
    _demand(query.strip() != "", "Your query is empty.")
    _demand(len(documents) == 10, f"There should be ten documents, but there are {len(documents)}.")
    for number, document in enumerate(documents, start=1):
        _demand(
            isinstance(document, str) and document.strip() != "",
            f"Document {number} should be a text, but is {_show(document)}. The query is paired with each document later; here, list the documents alone.",
        )
    repeated = next((n for n, document in enumerate(documents, start=1) if document in documents[: n - 1]), None)
    _demand(repeated is None, f"Document {repeated} stands in the list twice. Write ten different ones.")
    return query, documents


def _two_rankings(query: str, documents: list[str]) -> tuple[list[int], list[int]]:
    """Document numbers (from 1), best first, by the cross-encoder and by cosine."""
    numbers = {document: number for number, document in enumerate(documents, start=1)}
    cross = [numbers[document] for document, _ in rerank_documents(query, documents, _reranker(), top_k=None)]
    cosines = _cosines(query, documents, _embedder())
    return cross, [numbers[document] for document in sorted(documents, key=cosines.get, reverse=True)]


def _call(function: Any, *arguments: Any) -> Any:
    """Call the learner's function; an error inside it becomes a verdict."""
    if not callable(function):
        raise _Wrong(f"Pass the function itself to the check, without brackets; it got {_show(function)}.")
    name = getattr(function, "__name__", "your function")
    try:
        answer = function(*arguments)
    except NotImplementedError:
        raise _NotAttempted(f"Write {name} above, run its cell, then run this check again.") from None
    except Exception as error:  # anything a learner's code can raise
        raise _Wrong(f"{name} raised {type(error).__name__}: {error}") from error
    if answer is None:
        raise _Wrong(f"{name} returned None. Is a return statement missing?")
    return answer


def _demand(condition: bool, message: str) -> None:
    if not condition:
        raise _Wrong(message)


def _is_number(value: Any) -> bool:
    """A Python, numpy or torch scalar that is not text or truth."""
    if isinstance(value, (str, bytes, bool)):
        return False
    try:
        return np.ndim(value) == 0 and float(value) == float(value)
    except (TypeError, ValueError):
        return False


def _close(scores: dict[str, float], other: dict[str, float], tolerance: float) -> bool:
    return scores.keys() == other.keys() and all(abs(scores[key] - other[key]) <= tolerance for key in scores)


def _show(value: Any, width: int = 80) -> str:
    """A value as an error quotes it, shortened, with its type."""
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= width else text[: width - 1] + '…'}"


def _cosines(query: str, documents: list[str], embedder: Any) -> dict[str, float]:
    similarities = embedder.similarity(embedder.encode([query]), embedder.encode(documents))[0]
    return {document: float(similarity) for document, similarity in zip(documents, similarities)}


@cache
def _reranker():
    return load_reranker()


@cache
def _embedder():
    return load_embedder()


@cache
def _embedder_without_normalising():
    """The course's embedder without its last module, which scales each vector to length 1."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(modules=list(load_embedder())[:-1], similarity_fn_name="cosine")
