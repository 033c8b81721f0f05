"""What every check is made of: the verdict, calling a learner's function, and the models that the checks compare with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, Literal

import numpy as np

from rerank_course.models import load_embedder, load_reranker

LOGIT_TOLERANCE = 0.02  # float32 on another processor moves a logit by some 0.0001; TF32 on a GPU by up to 0.01
COSINE_TOLERANCE = 0.005


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


class NotAttempted(Exception):
    pass


class Wrong(Exception):
    pass


def check(function: Callable[..., str]) -> Callable[..., Verdict]:
    """Turn a function that returns what to notice, or raises ``Wrong`` or ``NotAttempted``, into one that returns a verdict."""

    @wraps(function)
    def verdict(*args, **kwargs) -> Verdict:
        try:
            return Verdict("right", function(*args, **kwargs))
        except NotAttempted as reason:
            return Verdict("not attempted", str(reason))
        except Wrong as reason:
            return Verdict("wrong", str(reason))

    return verdict


def call(function: Any, *arguments: Any) -> Any:
    """Call the learner's function; an error inside it becomes a verdict."""
    if not callable(function):
        raise Wrong(f"Pass the function itself to the check, without brackets; it got {show(function)}.")
    name = getattr(function, "__name__", "your function")
    try:
        answer = function(*arguments)
    except NotImplementedError:
        raise NotAttempted(f"Write {name} above, run its cell, then run this check again.") from None
    except Exception as error:  # anything a learner's code can raise
        raise Wrong(f"{name} raised {type(error).__name__}: {error}") from error
    if answer is None:
        raise Wrong(f"{name} returned None. Is a return statement missing?")
    return answer


def demand(condition: bool, message: str) -> None:
    if not condition:
        raise Wrong(message)


def is_number(value: Any) -> bool:
    """A Python, numpy or torch scalar that is not text or truth."""
    if isinstance(value, (str, bytes, bool)):
        return False
    try:
        return np.ndim(value) == 0 and float(value) == float(value)
    except (TypeError, ValueError):
        return False


def show(value: Any, width: int = 80) -> str:
    """A value as an error quotes it, shortened, with its type."""
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= width else text[: width - 1] + '…'}"


def check_ranking(answer: Any, query: str, expected: dict[str, float], mistakes: list, tolerance: float, truth: str) -> None:
    """Compare a learner's ranking with the expected scores; ``mistakes`` are [(scores of a known mistake, what it means), …]."""
    given = f"For the query {query!r} and {len(expected)} documents, your function"
    demand(isinstance(answer, (list, tuple)), f"{given} should return a list of (document, score), but returned {show(answer)}.")
    demand(
        all(isinstance(row, (tuple, list)) and len(row) == 2 for row in answer),
        f"{given} should return a list of (document, score), but the list holds {show(answer[0] if answer else answer)}.",
    )
    demand(
        not (answer and all(isinstance(row[1], str) for row in answer)),
        f"{given} returned (score, document). Swap the two: the document comes first.",
    )
    demand(
        all(isinstance(row[0], str) and is_number(row[1]) for row in answer),
        f"{given} should return (document, score), a text and a number, but the list holds {show(answer[0] if answer else answer)}.",
    )
    scores = {document: float(score) for document, score in answer}
    unknown = [document for document in scores if document not in expected]
    demand(not unknown, f"{given} returned a document that it was not given: {unknown[:1]}.")
    missing = [document for document in expected if document not in scores]
    demand(not missing, f"{given} left out {len(missing)} of them, for example {missing[:1]}. Return all documents; cutting to a top 3 comes later.")
    demand(len(answer) == len(scores), f"{given} returned a document twice.")

    off = next((d for d in expected if not abs(scores[d] - expected[d]) <= tolerance), None)
    if off is not None:
        cause = next((meaning for wrong, meaning in mistakes if _close(scores, wrong, tolerance)), None)
        if cause is None and _close({d: s for d, s in zip(scores, sorted(expected.values(), reverse=True))}, scores, tolerance):
            cause = "The scores are right but belong to other documents. Sort documents and scores together, not each alone."
        raise Wrong(
            f"{given} gives {off!r} the score {scores[off]:.3f}; {truth} {expected[off]:.3f}. "
            f"{cause or 'Check which texts go into the model, and that each score stays with its document.'}"
        )
    order = [scores[document] for document, _ in answer]
    best_first = sorted(order, reverse=True)
    demand(
        order == best_first or order != best_first[::-1],
        f"{given} returned the worst document first. The highest score is the best: sort in descending order.",
    )
    demand(
        order == best_first,
        f"{given} returned the right scores, but not in order of score: {[round(score, 2) for score in order]}. Sort by score, highest first.",
    )


def _close(scores: dict[str, float], other: dict[str, float], tolerance: float) -> bool:
    return scores.keys() == other.keys() and all(abs(scores[key] - other[key]) <= tolerance for key in scores)


def cosines(query: str, documents: list[str], embedder: Any) -> dict[str, float]:
    similarities = embedder.similarity(embedder.encode([query]), embedder.encode(documents))[0]
    return {document: float(similarity) for document, similarity in zip(documents, similarities)}


@cache
def cross_encoder():
    return load_reranker()


@cache
def embedder():
    return load_embedder()


@cache
def embedder_without_normalising():
    """The course's embedder without its last module, which scales each vector to length 1."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(modules=list(load_embedder())[:-1], similarity_fn_name="cosine")
