"""What every check is made of: the verdict, calling a learner's function, and the models that the checks
compare with.
"""

import textwrap
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, Literal

import numpy as np

from rerank_course.learner.progress import remember
from rerank_course.models import load_embedder, load_reranker

LOGIT_TOLERANCE = (
    0.02  # float32 on another processor moves a logit by some 0.0001; TF32 on a GPU by up to 0.01
)
COSINE_TOLERANCE = 0.005
WIDTH = 110  # of a printed verdict, in characters: JupyterLab breaks longer lines inside words


@dataclass(frozen=True)
class Verdict:
    """What a check says of an answer."""

    status: Literal["not attempted", "wrong", "right"]
    message: str

    def __repr__(self) -> str:
        sign = {"not attempted": "…", "wrong": "✗", "right": "✓"}[self.status]
        lines = f"{sign} {self.status.capitalize()}. {self.message}".splitlines()
        return "\n".join(
            textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in lines
        )

    def require(self) -> None:
        """Return if right; else raise ``NotImplementedError`` (not attempted) or ``AssertionError`` (wrong).
        For graded cells.
        """
        if self.status == "not attempted":
            raise NotImplementedError(self.message)
        if self.status == "wrong":
            raise AssertionError(self.message)


class NotAttempted(Exception):
    pass


class Wrong(Exception):
    pass


def check(function: Callable[..., str]) -> Callable[..., Verdict]:
    """Turn a function that returns what to notice, or raises ``Wrong`` or ``NotAttempted``, into one that
    returns a verdict.

    That a check was passed, with its own data, is remembered: see ``rerank_course.learner.progress``.
    """

    @wraps(function)
    def verdict(*args, **kwargs) -> Verdict:
        try:
            right = Verdict("right", function(*args, **kwargs))
        except NotAttempted as reason:
            return Verdict("not attempted", str(reason))
        except Wrong as reason:
            return Verdict("wrong", str(reason))
        if all(
            map(callable, (*args, *kwargs.values()))
        ):  # on data that one brings along, a wrong function can pass
            remember(f"{function.__module__.rpartition('.')[2]}.{function.__name__}")
        return right

    return verdict


def call(function: Any, *arguments: Any, **keywords: Any) -> Any:
    """Call the learner's function; an error inside it becomes a verdict."""
    name = name_of(function)
    try:
        answer = function(*arguments, **keywords)
    except NotImplementedError as error:
        raise _not_attempted(name, error) from None
    except Exception as error:  # anything a learner's code can raise
        raise Wrong(f"{name} raised {type(error).__name__}: {error}") from error
    if answer is None:
        raise Wrong(f"{name} returned None. Is a return statement missing?")
    return answer


def call_expecting_error(
    function: Any, given: str, named: Sequence[str], *arguments: Any, **keywords: Any
) -> Exception:
    """Call the learner's function with something it must refuse, and return the ``ValueError`` or
    ``TypeError`` that it raises.

    Args:
        given: what is wrong with the arguments, for the message, for example "an empty query".
        named: words of which the error's message must hold at least one, whatever else it says; the first is
            the one to recommend.
    """
    name = name_of(function)
    try:
        answer = function(*arguments, **keywords)
    except NotImplementedError as error:
        raise _not_attempted(name, error) from None
    except (ValueError, TypeError) as error:
        if any(word in str(error) for word in named):
            return error
        raise Wrong(
            f"Given {given}, {name} raised {type(error).__name__}: {error}. The caller cannot tell from it what to mend. "
            f"Check for this case yourself, before it fails somewhere inside, and name {named[0]} in the message."
        ) from error
    except Exception as error:
        why = " An assert is gone when Python runs with -O." if isinstance(error, AssertionError) else ""
        raise Wrong(
            f"Given {given}, {name} should raise a ValueError or TypeError that names {named[0]}, but raised {type(error).__name__}: {error}.{why}"
        ) from error
    raise Wrong(
        f"Given {given}, {name} should raise a ValueError or TypeError that names {named[0]}, but returned {show(answer)}. "
        "The caller would take that for a result."
    )


def name_of(function: Any) -> str:
    if not callable(function):
        raise Wrong(f"Pass the function itself to the check, without brackets; it got {show(function)}.")
    return getattr(function, "__name__", "your function")


def _not_attempted(name: str, error: NotImplementedError) -> NotAttempted:
    """The verdict on a stub: the one that was called, or one that a finished function calls."""
    raised_in = traceback.extract_tb(error.__traceback__)[-1].name
    unfinished = name if raised_in == name else f"{raised_in}, which {name} calls,"
    return NotAttempted(f"Write {unfinished} above, run its cell, then run this check again.")


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


def check_ranking(
    answer: Any, query: str, expected: dict[str, float], mistakes: list, tolerance: float, truth: str
) -> None:
    """Compare a learner's ranking with the expected scores; ``mistakes`` are [(scores of a known mistake,
    what it means), …].
    """
    given = f"For the query {query!r} and {len(expected)} documents, your function"
    check_rows(answer, given)
    demand(
        all(isinstance(row[0], str) and is_number(row[1]) for row in answer),
        f"{given} should return (document, score), a text and a number, but the list holds {show(answer[0] if answer else answer)}.",
    )
    scores = {document: float(score) for document, score in answer}
    unknown = [document for document in scores if document not in expected]
    demand(not unknown, f"{given} returned a document that it was not given: {unknown[:1]}.")
    missing = [document for document in expected if document not in scores]
    demand(
        not missing,
        f"{given} left out {len(missing)} of them, for example {missing[:1]}. Return all of them.",
    )
    demand(len(answer) == len(scores), f"{given} returned a document twice.")

    off = next((d for d in expected if not abs(scores[d] - expected[d]) <= tolerance), None)
    if off is not None:
        cause = next((meaning for wrong, meaning in mistakes if _close(scores, wrong, tolerance)), None)
        if cause is None and _close(
            {d: s for d, s in zip(scores, sorted(expected.values(), reverse=True))}, scores, tolerance
        ):
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


def check_rows(answer: Any, given: str) -> None:
    """Demand [(document, score), …]; ``given`` begins the message and ends in the subject of the sentence."""
    demand(
        isinstance(answer, (list, tuple)),
        f"{given} should return a list of (document, score), but returned {show(answer)}.",
    )
    demand(
        all(isinstance(row, (tuple, list)) and len(row) == 2 for row in answer),
        f"{given} should return a list of (document, score), but the list holds {show(answer[0] if answer else answer)}.",
    )
    demand(
        not (answer and all(is_number(first) and not is_number(second) for first, second in answer)),
        f"{given} returned (score, document). Swap the two: the document comes first.",
    )


def check_order(
    answer: Any, candidates: Sequence, scores: Sequence[float], given: str, top_k: int | None = None
) -> None:
    """Compare a learner's ranking with the candidates in descending order of score, equal scores in the order
    in which they came.

    Args:
        answer: what the learner's function returned.
        candidates: all of them, as the function got them. Two may be equal.
        scores: one for each candidate.
        given: begins each message and ends in the subject of the sentence.
        top_k: how many should come back; ``None`` for all.
    """
    check_rows(answer, given)
    odd = next((row for row in answer if not is_number(row[1])), None)
    demand(
        odd is None,
        f"{given} should return (document, score), the score a number, but the list holds {show(odd)}.",
    )
    places = range(len(scores))
    found = _positions(answer, candidates, given)
    wrong_score = next(
        (
            (row, scores[i])
            for row, i in zip(answer, found)
            if not abs(float(row[1]) - scores[i]) <= LOGIT_TOLERANCE
        ),
        None,
    )
    if wrong_score is not None:
        (candidate, score), true = wrong_score
        raise Wrong(
            f"{given} gives {candidate!r} the score {float(score):.2f}; its own is {true:.2f}. Sort candidates and scores together, not each alone."
        )
    best_first = sorted(places, key=lambda i: -scores[i])[:top_k]
    demand(
        len(found) == len(best_first),
        f"{given} should return {len(best_first)} of the {len(scores)} documents, but returned {len(found)}.",
    )
    if found == best_first:
        return

    order, wanted = [scores[i] for i in found], [scores[i] for i in best_first]
    demand(
        order != sorted(scores)[:top_k] or order == wanted,
        f"{given} returned the worst document first. The highest score is the best: sort in descending order.",
    )
    demand(
        set(found) != set(places[:top_k]) or len(found) == len(scores),
        f"{given} returned the first {len(found)} as they came, not the best {len(found)}. Score and sort all of them first, then cut.",
    )
    demand(
        order == wanted,
        f"{given} did not return the best {len(found)} in order of score: {_some(order)}; expected {_some(wanted)}.",
    )
    first = next(i for i, (is_, should_be) in enumerate(zip(found, best_first)) if is_ != should_be)
    by_text = sorted(places, key=lambda i: str(candidates[i]))
    text_ties = [sorted(order, key=lambda i: -scores[i])[:top_k] for order in (by_text, by_text[::-1])]
    if found == sorted(places, key=lambda i: (-scores[i], -i))[:top_k]:
        cause = "Sorting in ascending order and then reversing turns equal ones round as well. Sort in descending order: reverse=True does not turn them round."
    elif found in text_ties:
        cause = "Yours are in the order of their texts: where scores are equal, sorted compares what comes next in the tuple. Give it a key that is the score alone."
    else:
        cause = "numpy's argsort mixes equal ones unless you ask for kind='stable'; Python's sorted keeps their order."
    raise Wrong(
        f"{given} changed the order of equal scores: {candidates[found[first]]!r} comes before {candidates[best_first[first]]!r}, "
        f"both have {scores[found[first]]:.2f}, and they came the other way round. {cause}"
    )


def _positions(answer: Sequence, candidates: Sequence, given: str) -> list[int]:
    """For each row, which of the candidates it holds. Of two equal candidates the earlier row gets the
    earlier, unless it is the other object.
    """
    free, found = list(range(len(candidates))), []
    for candidate, _ in answer:
        position = next((i for i in free if candidates[i] is candidate), None)
        if position is None:
            position = next((i for i in free if candidates[i] == candidate), None)
        if position is None:
            again = any(candidate is c or candidate == c for c in candidates)
            raise Wrong(
                f"{given} returned {show(candidate)}"
                + (" more often than it was given." if again else ", which it was not given.")
            )
        free.remove(position)
        found.append(position)
    return found


def _some(scores: Sequence[float], count: int = 8) -> str:
    return (
        "[" + ", ".join(f"{score:.2f}" for score in scores[:count]) + (", …]" if len(scores) > count else "]")
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
