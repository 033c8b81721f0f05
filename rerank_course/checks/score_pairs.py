"""Checks of the exercise score_pairs: scoring and ordering pairs by hand."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from rerank_course.checks.answers import Mistakes, as_list, cause_of, is_number, show
from rerank_course.checks.calling import call
from rerank_course.checks.earlier import with_earlier
from rerank_course.checks.models import LOGIT_TOLERANCE, cross_encoder
from rerank_course.checks.rankings import check_order
from rerank_course.checks.score_pairs_mistakes import (
    mistakes_of_order,
    mistakes_of_place,
    mistakes_of_score_pairs,
    mistakes_of_squash,
)
from rerank_course.checks.sigmoid import FIRST, SECOND, facts_before_and_after, sigmoid
from rerank_course.checks.verdict import Wrong, check, demand
from rerank_course.rerank import rerank_documents

SIGMOID_TOLERANCE = 1e-4

_QUERY = "How do I remove a coffee stain from a carpet?"
_DOCUMENTS = (
    "Coffee is grown in the shade of taller trees.",
    "Dab it with cold water and a little vinegar, then let it dry.",
    "How do I remove a coffee stain from a carpet? Ask our cleaning team.",
    "A fresh coffee stain comes out of wool with cold water, before it dries.",
    "Soak a stained tablecloth overnight before you wash it.",
)
_PAIRS = (
    (_QUERY, _DOCUMENTS[1]),
    (_QUERY, _DOCUMENTS[2]),
    ("Where does coffee grow?", _DOCUMENTS[0]),
    (_QUERY, _DOCUMENTS[0]),
)
_LOGITS = (6.5, -0.8, 0.3, -7.4, 0.0, -10.1)


@check
def check_build_pairs(function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS) -> str:
    """``build_pairs(query, documents)`` gives [(query, document), …] in the order of the documents."""
    for texts in (list(documents), [*documents, documents[0]]):
        answer = as_list(call(function, query, list(texts)))
        twice = ", the last of which is the first again," if len(texts) > len(documents) else ""
        given = f"For the query {query!r} and {len(texts)} documents{twice or ','} your function"
        _check_that_they_are_pairs(answer, given)
        pairs = [tuple(pair) for pair in answer]
        demand(
            not twice or len(pairs) != len(documents) or pairs != [(query, text) for text in documents],
            f"{given} returned {len(pairs)} pairs. A document that stands twice in the list gets two pairs, "
            "or the scores would no longer stand in the order of the documents.",
        )
        _check_what_is_paired(pairs, query, texts, given)
    return (
        "One query, one pair for each document, in the documents' order: that order is how you will know "
        "which score belongs to which document."
    )


def _check_that_they_are_pairs(answer: Any, given: str) -> None:
    demand(
        isinstance(answer, (list, tuple)),
        f"{given} should return a list of pairs, but returned {show(answer)}.{_if_lazy(answer)}",
    )
    answer, joined = [as_list(pair) for pair in answer], ""
    if any(isinstance(pair, str) for pair in answer):
        joined = " A pair is not one joined text: the model puts its own mark between the two."
    odd = next((pair for pair in answer if not (isinstance(pair, (tuple, list)) and len(pair) == 2)), None)
    demand(odd is None, f"{given} should return pairs of two texts, but the list holds {show(odd)}.{joined}")


def _check_what_is_paired(pairs: list[tuple], query: str, documents: list[str], given: str) -> None:
    right = [(query, document) for document in documents]
    demand(
        pairs != [pair[::-1] for pair in right],
        f"{given} put the document first. A pair is (query, document): the model was trained on that order, "
        "and no error tells you when it is turned.",
    )
    demand(
        pairs != list(zip(query, documents)),
        f"{given} paired the first document with {query[:1]!r}: zip went through the query letter by letter. "
        "Every document is paired with the whole query.",
    )
    demand(
        len(pairs) == len(right),
        f"{given} should return {len(right)} pairs, one for each document, but returned {len(pairs)}.",
    )
    demand(
        sorted(map(repr, pairs)) != sorted(map(repr, right)) or pairs == right,
        f"{given} changed the order. Keep the documents in the order in which they came.",
    )
    for number, (pair, true) in enumerate(zip(pairs, right), start=1):
        demand(
            pair == true,
            f"{given} should give {true} as pair {number}, but gave {pair}. Leave both texts as they are.",
        )


@check
def check_score_pairs(function: Callable, pairs: Sequence[tuple[str, str]] = _PAIRS) -> str:
    """``score_pairs(pairs, reranker)`` gives one logit for each pair, in the order of the pairs.

    One for a list of one.
    """
    pairs, reranker = list(pairs), cross_encoder()
    for some in (pairs, pairs[:1], [*pairs, pairs[0]]):
        expected = [float(score) for score in reranker.predict(some)]
        answer = call(function, list(some), reranker)
        given = f"For a list of {len(some)} pair{'s' * (len(some) > 1)}, your function"
        demand(
            not is_number(answer),
            f"{given} returned one bare number, {show(answer)}. Give predict the whole list: even a list of "
            "one pair gives a list, of one score.",
        )
        scores = _numbers(answer, given, len(some))
        mistakes = mistakes_of_score_pairs(expected, some, reranker)
        _compare(
            scores, expected, mistakes, LOGIT_TOLERANCE, f"{given} gives", some, "reranker.predict gives"
        )
    return (
        "One score for each pair, in the order of the pairs. They may even belong to several queries: a pair "
        "brings its own query with it."
    )


@check
def check_order_by_score(
    function: Callable, documents: Sequence[str] | None = None, scores: Sequence[float] | None = None
) -> str:
    """``order_by_score(documents, scores)`` gives [(document, score), …], best first.

    Equal scores stay in the order in which they came.
    """
    cases: list[tuple[list, list]] = [
        (list(_DOCUMENTS), [-10.5, -7.5, 6.5, -1.0, -7.25]),
        (["a pear", "a fig", "an apple", "a plum", "a lime"], [2.0, 3.5, 2.0, 2.0, 2.0]),
        ([f"shelf {i * 37 % 60}" for i in range(60)], [float(i * i % 3) for i in range(60)]),
        (["a pear", "a fig", "a pear", "a plum"], [1.25, 0.5, -2.5, 1.75]),
    ]
    if documents is not None and scores is not None:
        cases = [(list(documents), list(scores))]
    for texts, numbers in cases:
        answer = call(function, list(texts), np.array(numbers, dtype=np.float32))
        different = f"with only {len(set(numbers))} different scores"
        with_scores = f"with the scores {numbers}" if len(numbers) < 8 else different
        given = f"For {len(texts)} documents {with_scores}, your function"
        check_order(answer, texts, numbers, given, mistakes=mistakes_of_order(numbers))
    return (
        "Best first, and equal scores in the order in which they came. That order is the search's own "
        "opinion, and the only one left when the reranker has none."
    )


@check
def check_squash(function: Callable, logits: Sequence[float] = _LOGITS) -> str:
    """``squash(logits)`` gives the sigmoid of each logit."""
    logits = [float(np.float32(logit)) for logit in logits]
    answer = call(function, np.array(logits, dtype=np.float32))
    given = f"For the logits {_rounded(logits)}, your function"
    true = [sigmoid(logit) for logit in logits]
    numbers, mistakes = _numbers(answer, given, len(logits)), mistakes_of_squash(logits, true)
    names = _rounded(logits)
    _compare(numbers, true, mistakes, SIGMOID_TOLERANCE, f"{given} gives", names, "the sigmoid is")
    return (
        f"The logit 0 becomes 0.5, and far out the curve is flat: {_rounded([min(logits)])[0]} becomes "
        f"{min(true):.5f}. Higher stays higher."
    )


@check
def check_what_stays(function: Callable) -> str:
    """``what_stays()`` gives the letters of what a sigmoid leaves as it was.

    Which letters these are is computed, by looking at two rankings before and after.
    """
    letters = _letters(call(function))
    facts = facts_before_and_after()
    unknown = sorted(letters - facts.keys())
    demand(
        not unknown,
        f"what_stays() should return letters from {min(facts)} to {max(facts)}, but returned {unknown[:1]}.",
    )
    for letter, (statement, before, after) in facts.items():
        verb = "named" if letter in letters else "did not name"
        demand(
            (letter in letters) == (before == after),
            f"You {verb} {letter}, {statement}. Try it: take the logits {FIRST} for one query and {SECOND} "
            f"for another. Before: {before}. After: {after}.",
        )
    return (
        "The order stays, and all that follows from it alone. What is measured in the scores themselves, "
        "distances, means, fixed limits, does not."
    )


def _letters(answer: Any) -> set[str]:
    """The letters that a learner named, as a set or list of them, as a text, or as {letter: whether}."""
    if isinstance(answer, str):  # "ACF", "A, C, F" or "A, C and F"
        words = re.findall(r"[^\W_]+", answer)
        named: Any = list(answer.strip()) if len(words) == 1 else [word for word in words if len(word) == 1]
    elif isinstance(answer, Mapping):
        named = [letter for letter, is_named in answer.items() if is_named]
    else:
        named = as_list(answer)
    demand(
        isinstance(named, Collection) and all(isinstance(letter, str) for letter in named),
        "what_stays() should return a set of letters, for example {'B', 'E'}, but returned "
        f"{show(answer)}.",
    )
    return {letter.strip().upper() for letter in named} - {""}


@check
def check_place_of_answer(
    function: Callable, *earlier: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS
) -> str:
    """``place_of_answer(query, documents, answer, reranker)`` gives the place, from 1, of one document.

    It is asked for each of the first three.

    Args:
        earlier: the functions of parts 1 to 3. Where one is wrong, that is said first.
    """
    with with_earlier(zip((check_build_pairs, check_score_pairs, check_order_by_score), earlier)):
        return _check_place(function, query, list(documents))


def _check_place(function: Callable, query: str, documents: list[str]) -> str:
    reranker = cross_encoder()
    ranking = [document for document, _ in rerank_documents(query, documents, reranker, top_k=None)]
    asked = documents[:3]
    true = [ranking.index(document) + 1 for document in asked]
    said = [call(function, query, list(documents), document, reranker) for document in asked]
    given = f"For the query {query!r} and {len(documents)} documents, your function"
    for place in said:
        demand(is_number(place), f"{given} should return one whole number, but returned {show(place)}.")
    wrong = next((i for i, place in enumerate(said) if place != true[i]), None)
    if wrong is not None:
        scores = [float(score) for score in reranker.predict([(query, text) for text in documents])]
        turned = [float(score) for score in reranker.predict([(text, query) for text in documents])]
        otherwise = "Score all documents for this query, sort, then look where this one is."
        mistakes = mistakes_of_place(scores, turned, len(asked))
        raise Wrong(
            f"{given} says that {asked[wrong]!r} comes out on place {said[wrong]}; it is place "
            f"{true[wrong]}. {cause_of(mistakes, lambda made: made == said, otherwise)}"
        )
    return (
        f"“{_short(ranking[0])}” is on place 1 here. Read it again: is it what the user wanted? A place is "
        "only as good as what stands there."
    )


def _numbers(answer: Any, given: str, count: int) -> list[float]:
    """The learner's list, array or tensor as ``count`` floats."""
    answer = as_list(answer)
    demand(
        isinstance(answer, (list, tuple)),
        f"{given} should return a list of numbers, but returned {show(answer)}.{_if_lazy(answer)}",
    )
    odd = next((value for value in answer if not is_number(value)), None)
    demand(
        odd is None,
        f"{given} should return a list of numbers and nothing else, but the list holds {show(odd)}.",
    )
    demand(
        len(answer) == count,
        f"{given} should return {count} number{'s' * (count > 1)}, one for each, but returned {len(answer)}.",
    )
    return [float(value) for value in answer]


def _compare(
    numbers: list[float],
    true: list[float],
    mistakes: Mistakes,
    tolerance: float,
    given: str,
    names: Sequence,
    truth: str,
) -> None:
    """Demand that two lists agree, as far as the learner's goes; ``given`` and ``truth`` end in a verb."""
    for number, right, name in zip(numbers, true, names):
        if not abs(number - right) <= tolerance:
            cause = cause_of(
                mistakes,
                lambda made: np.allclose(numbers, made[: len(numbers)], rtol=1e-5, atol=tolerance),
            )
            raise Wrong(f"{given} {number:.4f} for {name}; {truth} {right:.4f}. {cause}".rstrip())


def _if_lazy(answer: Any) -> str:
    return " Put list(…) around it: it can be read only once." if hasattr(answer, "__next__") else ""


def _rounded(numbers: Sequence[float]) -> list[float]:
    return [round(number, 2) for number in numbers]


def _short(text: str, width: int = 60) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
