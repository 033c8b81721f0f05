"""Exercise 02: scoring and ordering pairs by hand."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rerank_course.checks.common import (
    LOGIT_TOLERANCE,
    Wrong,
    call,
    check,
    check_order,
    cross_encoder,
    demand,
    is_number,
    show,
)
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
    """Exercise 02, part 1: ``build_pairs(query, documents)`` gives [(query, document), …] in the order of the
    documents.
    """
    documents = list(documents)
    answer = call(function, query, list(documents))
    given = f"For the query {query!r} and {len(documents)} documents, your function"
    demand(
        isinstance(answer, (list, tuple)),
        f"{given} should return a list of pairs, but returned {show(answer)}." + _if_lazy(answer),
    )
    joined = (
        " A pair is not one joined text: the model puts its own mark between the two."
        if any(isinstance(pair, str) for pair in answer)
        else ""
    )
    odd = next((pair for pair in answer if not (isinstance(pair, (tuple, list)) and len(pair) == 2)), None)
    demand(odd is None, f"{given} should return pairs of two texts, but the list holds {show(odd)}.{joined}")
    pairs = [tuple(pair) for pair in answer]
    right = [(query, document) for document in documents]
    demand(
        pairs != [pair[::-1] for pair in right],
        f"{given} put the document first. A pair is (query, document): the model was trained on that order, and no error tells you when it is turned.",
    )
    demand(
        pairs != list(zip(query, documents)),
        f"{given} paired the first document with {query[:1]!r}: zip went through the query letter by letter. Every document is paired with the whole query.",
    )
    demand(
        len(pairs) == len(right),
        f"{given} should return {len(right)} pairs, one for each document, but returned {len(pairs)}.",
    )
    demand(
        sorted(map(repr, pairs)) != sorted(map(repr, right)) or pairs == right,
        f"{given} changed the order. Keep the documents in the order in which they came.",
    )
    wrong = next(
        (
            (number, pair, true)
            for number, (pair, true) in enumerate(zip(pairs, right), start=1)
            if pair != true
        ),
        None,
    )
    if wrong is not None:
        raise Wrong(
            f"{given} should give {wrong[2]} as pair {wrong[0]}, but gave {wrong[1]}. Leave both texts as they are."
        )
    return "One query, one pair for each document, in the documents' order: that order is how you will know which score belongs to which document."


@check
def check_score_pairs(function: Callable, pairs: Sequence[tuple[str, str]] = _PAIRS) -> str:
    """Exercise 02, part 2: ``score_pairs(pairs, reranker)`` gives one logit for each pair, in the order of
    the pairs; one for a list of one.
    """
    pairs = list(pairs)
    reranker = cross_encoder()
    expected = [float(score) for score in reranker.predict(pairs)]
    backwards = [float(score) for score in reranker.predict([pair[::-1] for pair in pairs])]
    mistakes = [
        (
            sorted(expected, reverse=True),
            "These are the right scores, sorted. Here they must stay in the order of the pairs, or nobody knows which is whose.",
        ),
        (
            sorted(expected),
            "These are the right scores, sorted. Here they must stay in the order of the pairs, or nobody knows which is whose.",
        ),
        (
            [_sigmoid(score) for score in expected],
            "That is the logit after a sigmoid. Return the score as predict gives it for this model.",
        ),
        (
            backwards,
            "That is the score of (document, query). The pairs are in the right order already; pass them on as they are.",
        ),
    ]
    for some, true in ((pairs, expected), (pairs[:1], expected[:1])):
        answer = call(function, list(some), reranker)
        given = f"For a list of {len(some)} pair{'s' * (len(some) > 1)}, your function"
        demand(
            not is_number(answer),
            f"{given} returned one bare number, {show(answer)}. Give predict the whole list: even a list of one pair gives a list, of one score.",
        )
        scores = _numbers(answer, given, len(some))
        _compare(scores, true, mistakes, LOGIT_TOLERANCE, given, some, "reranker.predict gives")
    return "One score for each pair, in the order of the pairs. They may even belong to several queries: a pair brings its own query with it."


@check
def check_order_by_score(
    function: Callable, documents: Sequence[str] | None = None, scores: Sequence[float] | None = None
) -> str:
    """Exercise 02, part 3: ``order_by_score(documents, scores)`` gives [(document, score), …], best first,
    equal scores in the order they came.
    """
    cases = [
        (list(_DOCUMENTS), [-10.5, -7.5, 6.5, -1.0, -7.25]),
        (["a pear", "a fig", "an apple", "a plum", "a lime"], [2.0, 3.5, 2.0, 2.0, 2.0]),
    ]
    cases += [([f"shelf {i * 37 % 60}" for i in range(60)], [float(i * i % 3) for i in range(60)])]
    if documents is not None and scores is not None:
        cases = [(list(documents), list(scores))]
    for texts, numbers in cases:
        answer = call(function, list(texts), np.array(numbers, dtype=np.float32))
        with_scores = (
            f"with the scores {numbers}"
            if len(numbers) < 8
            else f"with only {len(set(numbers))} different scores"
        )
        check_order(answer, texts, numbers, f"For {len(texts)} documents {with_scores}, your function")
    return "Best first, and equal scores in the order in which they came. That order is the search's own opinion, and the only one left when the reranker has none."


@check
def check_squash(function: Callable, logits: Sequence[float] = _LOGITS) -> str:
    """Exercise 02, part 4: ``squash(logits)`` gives the sigmoid of each logit."""
    logits = [float(np.float32(logit)) for logit in logits]
    answer = call(function, np.array(logits, dtype=np.float32))
    given = f"For the logits {_rounded(logits)}, your function"
    true = [_sigmoid(logit) for logit in logits]
    exponentials = np.exp(np.array(logits) - max(logits))
    spread = max(logits) - min(logits) or 1.0
    mistakes = [
        (logits, "That is the logit itself."),
        (
            [1 - value for value in true],
            "The sign in the exponent is turned: a higher logit must give a higher value.",
        ),
        (
            (exponentials / exponentials.sum()).tolist(),
            "That is a softmax: its values add up to 1, and each depends on the others. A sigmoid looks at one logit alone.",
        ),
        (
            [(logit - min(logits)) / spread for logit in logits],
            "You stretched the list so that the worst is 0 and the best is 1. Then a document's value depends on its neighbours; a sigmoid looks at one logit alone.",
        ),
        ([math.tanh(logit) for logit in logits], "That is tanh, which goes from −1 to 1."),
        (
            [_sigmoid(2 * logit) for logit in logits],
            "That is the sigmoid of twice the logit: half of 1 + tanh(x) is σ(2x).",
        ),
        (
            [100 * value for value in true],
            "You return per cent. Return values from 0 to 1; and they are no percentages of anything.",
        ),
        (
            [round(value, 2) for value in true],
            "You rounded. Then documents that differ become equal; round only what you print.",
        ),
        (
            [float(logit > 0) for logit in logits],
            "That is a threshold: 1 above 0, else 0. The order among the documents is lost.",
        ),
    ]
    _compare(
        _numbers(answer, given, len(logits)),
        true,
        mistakes,
        SIGMOID_TOLERANCE,
        given,
        _rounded(logits),
        "the sigmoid is",
    )
    return f"The logit 0 becomes 0.5, and far out the curve is flat: {_rounded([min(logits)])[0]} becomes {min(true):.5f}. Higher stays higher."


@check
def check_what_stays(function: Callable) -> str:
    """Exercise 02, part 5: ``what_stays()`` gives the letters of what a sigmoid leaves as it was.

    Which letters these are is computed, by looking at the two rankings of ``_facts`` before and after.
    """
    answer = call(function)
    facts = _facts()
    demand(
        isinstance(answer, (set, frozenset, list, tuple, str))
        and all(isinstance(letter, str) for letter in answer),
        f"what_stays() should return a set of letters, for example {{'B', 'E'}}, but returned {show(answer)}.",
    )
    letters = {letter.strip().upper() for letter in answer} - {"", ","}
    unknown = sorted(letters - facts.keys())
    demand(
        not unknown,
        f"what_stays() should return letters from {min(facts)} to {max(facts)}, but returned {unknown[:1]}.",
    )
    for letter, (statement, before, after) in facts.items():
        if (letter in letters) != (before == after):
            verb = "named" if letter in letters else "did not name"
            raise Wrong(
                f"You {verb} {letter}, {statement}. Try it: take the logits {_FIRST} for one query and {_SECOND} for another. Before: {before}. After: {after}."
            )
    return "The order stays, and all that follows from it alone. What is measured in the scores themselves, distances, means, fixed limits, does not."


@check
def check_place_of_answer(
    function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS
) -> str:
    """Exercise 02, part 6: ``place_of_answer(query, documents, answer, reranker)`` gives the place, from 1,
    of one document. Asked for each of the first three.
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
        mistakes = [
            ([place - 1 for place in true], "You count from 0. People count places from 1: index() + 1."),
            (
                [len(documents) + 1 - place for place in true],
                "You count from the worst. Sort in descending order: the highest score is place 1.",
            ),
            (
                [len(documents) - place for place in true],
                "You count from the worst, and from 0. The highest score is place 1.",
            ),
            (
                [1, 2, 3],
                "That is its place in the list that you were given. Ask for its place after sorting by score.",
            ),
            (
                [0, 1, 2],
                "That is its position in the list that you were given, counted from 0. Ask for its place after sorting by score.",
            ),
        ]
        cause = next(
            (meaning for value, meaning in mistakes if places == value),
            "Score all documents for this query, sort, then look where this one is.",
        )
        raise Wrong(
            f"{given} says that {asked[wrong]!r} comes out on place {places[wrong]}; it is place {true[wrong]}. {cause}"
        )
    return f"“{_short(ranking[0])}” is on place 1 here. Read it again: is it what the user wanted? A place is only as good as what stands there."


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


_FIRST, _SECOND = (9.0, -8.0, -8.5), (0.3, -1.5, -2.5)


def _facts() -> dict[str, tuple[str, Any, Any]]:
    """{letter: (what the notebook's list says, how it is by the logits, how it is by their sigmoids)} for two
    queries with three documents each.
    """
    logits = (_FIRST, _SECOND)
    squashed = tuple(tuple(map(_sigmoid, scores)) for scores in logits)

    def order(scores):
        return sorted((1, 2, 3), key=lambda number: -scores[number - 1])

    def passing(rankings, limit):
        return [
            [number for number, score in enumerate(scores, start=1) if score > limit] for scores in rankings
        ]

    def gap(scores):
        return round(scores[0] - scores[1], 2)

    def higher_mean(rankings):
        return "the first query" if sum(rankings[0]) > sum(rankings[1]) else "the second query"

    return {
        "A": (
            "the order of the documents of one query",
            [order(s) for s in logits],
            [order(s) for s in squashed],
        ),
        "B": (
            "how far the best score is ahead of the next",
            [gap(s) for s in logits],
            [gap(s) for s in squashed],
        ),
        "C": (
            "which documents pass a limit, if the limit goes through the sigmoid as well",
            passing(logits, -2.0),
            passing(squashed, _sigmoid(-2.0)),
        ),
        "D": ("which documents score more than 0.5", passing(logits, 0.5), passing(squashed, 0.5)),
        "E": ("which of two queries has the higher mean score", higher_mean(logits), higher_mean(squashed)),
        "F": (
            "the place of the right answer, say document 1",
            [order(s).index(1) + 1 for s in logits],
            [order(s).index(1) + 1 for s in squashed],
        ),
    }


def _numbers(answer: Any, given: str, count: int) -> list[float]:
    """The learner's list, array or tensor as ``count`` floats."""
    if hasattr(answer, "tolist"):  # numpy, torch
        answer = answer.tolist()
    demand(
        isinstance(answer, (list, tuple)),
        f"{given} should return a list of numbers, but returned {show(answer)}." + _if_lazy(answer),
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
    mistakes: list,
    tolerance: float,
    given: str,
    names: Sequence,
    truth: str,
) -> None:
    """Demand that two lists agree; if they do not, look the learner's up among the ``mistakes``, [(numbers,
    what it means), …].
    """
    off = next(
        (i for i, (number, right) in enumerate(zip(numbers, true)) if not abs(number - right) <= tolerance),
        None,
    )
    if off is None:
        return
    cause = next(
        (
            meaning
            for wrong, meaning in mistakes
            if np.allclose(numbers, wrong[: len(numbers)], rtol=0, atol=tolerance)
        ),
        "",
    )
    raise Wrong(
        f"{given} gives {numbers[off]:.4f} for {names[off]}; {truth} {true[off]:.4f}. {cause}".rstrip()
    )


def _if_lazy(answer: Any) -> str:
    return " Put list(…) around it: it can be read only once." if hasattr(answer, "__next__") else ""


def _rounded(numbers: Sequence[float]) -> list[float]:
    return [round(number, 2) for number in numbers]


def _short(text: str, width: int = 60) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
