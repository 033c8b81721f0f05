"""Checks of the exercise score_pairs: scoring and ordering pairs by hand."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rerank_course.checks.answers import Mistake, Mistakes, cause_of, is_number, show
from rerank_course.checks.calling import call
from rerank_course.checks.models import LOGIT_TOLERANCE, cross_encoder
from rerank_course.checks.rankings import check_order
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
    documents = list(documents)
    answer = call(function, query, list(documents))
    given = f"For the query {query!r} and {len(documents)} documents, your function"
    _check_that_they_are_pairs(answer, given)
    _check_what_is_paired([tuple(pair) for pair in answer], query, documents, given)
    return (
        "One query, one pair for each document, in the documents' order: that order is how you will know "
        "which score belongs to which document."
    )


def _check_that_they_are_pairs(answer: Any, given: str) -> None:
    demand(
        isinstance(answer, (list, tuple)),
        f"{given} should return a list of pairs, but returned {show(answer)}.{_if_lazy(answer)}",
    )
    joined = ""
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
    expected = [float(score) for score in reranker.predict(pairs)]
    for some in (pairs, pairs[:1]):
        answer = call(function, list(some), reranker)
        given = f"For a list of {len(some)} pair{'s' * (len(some) > 1)}, your function"
        demand(
            not is_number(answer),
            f"{given} returned one bare number, {show(answer)}. Give predict the whole list: even a list of "
            "one pair gives a list, of one score.",
        )
        scores = _numbers(answer, given, len(some))
        mistakes = _mistakes_of_score_pairs(expected, pairs, reranker)
        _compare(
            scores, expected, mistakes, LOGIT_TOLERANCE, f"{given} gives", some, "reranker.predict gives"
        )
    return (
        "One score for each pair, in the order of the pairs. They may even belong to several queries: a pair "
        "brings its own query with it."
    )


def _mistakes_of_score_pairs(expected: list[float], pairs: list, reranker: Any) -> Mistakes:
    for highest_first in (True, False):
        yield Mistake(
            sorted(expected, reverse=highest_first),
            "These are the right scores, sorted. Here they must stay in the order of the pairs, or nobody "
            "knows which is whose.",
        )
    yield Mistake(
        [sigmoid(score) for score in expected],
        "That is the logit after a sigmoid. Return the score as predict gives it for this model.",
    )
    yield Mistake(
        [float(score) for score in reranker.predict([pair[::-1] for pair in pairs])],
        "That is the score of (document, query). The pairs are in the right order already; pass them on as "
        "they are.",
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
    ]
    if documents is not None and scores is not None:
        cases = [(list(documents), list(scores))]
    for texts, numbers in cases:
        answer = call(function, list(texts), np.array(numbers, dtype=np.float32))
        different = f"with only {len(set(numbers))} different scores"
        with_scores = f"with the scores {numbers}" if len(numbers) < 8 else different
        check_order(answer, texts, numbers, f"For {len(texts)} documents {with_scores}, your function")
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
    numbers, mistakes = _numbers(answer, given, len(logits)), _mistakes_of_squash(logits, true)
    names = _rounded(logits)
    _compare(numbers, true, mistakes, SIGMOID_TOLERANCE, f"{given} gives", names, "the sigmoid is")
    return (
        f"The logit 0 becomes 0.5, and far out the curve is flat: {_rounded([min(logits)])[0]} becomes "
        f"{min(true):.5f}. Higher stays higher."
    )


def _mistakes_of_squash(logits: list[float], true: list[float]) -> Mistakes:
    yield Mistake(logits, "That is the logit itself.")
    yield Mistake(
        [1 - value for value in true],
        "The sign in the exponent is turned: a higher logit must give a higher value.",
    )
    exponentials = np.exp(np.array(logits) - max(logits))
    yield Mistake(
        (exponentials / exponentials.sum()).tolist(),
        "That is a softmax: its values add up to 1, and each depends on the others. A sigmoid looks at one "
        "logit alone.",
    )
    spread = max(logits) - min(logits) or 1.0
    yield Mistake(
        [(logit - min(logits)) / spread for logit in logits],
        "You stretched the list so that the worst is 0 and the best is 1. Then a document's value depends on "
        "its neighbours; a sigmoid looks at one logit alone.",
    )
    yield Mistake([math.tanh(logit) for logit in logits], "That is tanh, which goes from −1 to 1.")
    yield Mistake(
        [sigmoid(2 * logit) for logit in logits],
        "That is the sigmoid of twice the logit: half of 1 + tanh(x) is σ(2x).",
    )
    yield Mistake(
        [100 * value for value in true],
        "You return per cent. Return values from 0 to 1; and they are no percentages of anything.",
    )
    yield Mistake(
        [round(value, 2) for value in true],
        "You rounded. Then documents that differ become equal; round only what you print.",
    )
    yield Mistake(
        [float(logit > 0) for logit in logits],
        "That is a threshold: 1 above 0, else 0. The order among the documents is lost.",
    )


@check
def check_what_stays(function: Callable) -> str:
    """``what_stays()`` gives the letters of what a sigmoid leaves as it was.

    Which letters these are is computed, by looking at two rankings before and after.
    """
    answer = call(function)
    demand(
        isinstance(answer, (set, frozenset, list, tuple, str))
        and all(isinstance(letter, str) for letter in answer),
        "what_stays() should return a set of letters, for example {'B', 'E'}, but returned "
        f"{show(answer)}.",
    )
    facts = facts_before_and_after()
    letters = {letter.strip().upper() for letter in answer} - {"", ","}
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


@check
def check_place_of_answer(
    function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS
) -> str:
    """``place_of_answer(query, documents, answer, reranker)`` gives the place, from 1, of one document.

    It is asked for each of the first three.
    """
    documents, reranker = list(documents), cross_encoder()
    ranking = [document for document, _ in rerank_documents(query, documents, reranker, top_k=None)]
    asked = documents[:3]
    true = [ranking.index(document) + 1 for document in asked]
    places = [call(function, query, list(documents), document, reranker) for document in asked]
    given = f"For the query {query!r} and {len(documents)} documents, your function"
    for place in places:
        demand(is_number(place), f"{given} should return one whole number, but returned {show(place)}.")
    wrong = next((i for i, place in enumerate(places) if place != true[i]), None)
    if wrong is not None:
        otherwise = "Score all documents for this query, sort, then look where this one is."
        cause = cause_of(_mistakes_of_place(true, len(documents)), lambda made: made == places, otherwise)
        raise Wrong(
            f"{given} says that {asked[wrong]!r} comes out on place {places[wrong]}; it is place "
            f"{true[wrong]}. {cause}"
        )
    return (
        f"“{_short(ranking[0])}” is on place 1 here. Read it again: is it what the user wanted? A place is "
        "only as good as what stands there."
    )


def _mistakes_of_place(true: list[int], count: int) -> Mistakes:
    yield Mistake([place - 1 for place in true], "You count from 0. People count places from 1: index() + 1.")
    yield Mistake(
        [count + 1 - place for place in true],
        "You count from the worst. Sort in descending order: the highest score is place 1.",
    )
    yield Mistake(
        [count - place for place in true],
        "You count from the worst, and from 0. The highest score is place 1.",
    )
    yield Mistake(
        [1, 2, 3],
        "That is its place in the list that you were given. Ask for its place after sorting by score.",
    )
    yield Mistake(
        [0, 1, 2],
        "That is its position in the list that you were given, counted from 0. Ask for its place after "
        "sorting by score.",
    )


def _numbers(answer: Any, given: str, count: int) -> list[float]:
    """The learner's list, array or tensor as ``count`` floats."""
    if hasattr(answer, "tolist"):  # numpy, torch
        answer = answer.tolist()
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
                lambda made: np.allclose(numbers, made[: len(numbers)], rtol=0, atol=tolerance),
            )
            raise Wrong(f"{given} {number:.4f} for {name}; {truth} {right:.4f}. {cause}".rstrip())


def _if_lazy(answer: Any) -> str:
    return " Put list(…) around it: it can be read only once." if hasattr(answer, "__next__") else ""


def _rounded(numbers: Sequence[float]) -> list[float]:
    return [round(number, 2) for number in numbers]


def _short(text: str, width: int = 60) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
