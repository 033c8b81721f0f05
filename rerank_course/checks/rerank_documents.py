"""Exercise 03: rerank_documents, written to its contract."""

import copy
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rerank_course.checks.common import (
    LOGIT_TOLERANCE,
    Wrong,
    call,
    call_expecting_error,
    check,
    check_order,
    check_ranking,
    cross_encoder,
    demand,
    show,
)
from rerank_course.rerank import rerank_documents
from rerank_course.text import Chunk

_QUERY = "Which vegetables grow in the shade?"
_DOCUMENTS = (
    "Tomatoes want sun from morning to evening.",
    "Spinach and lettuce do well with three hours of light a day.",
    "Shade cloth is sold by the metre.",
    "Vegetables that grow in the shade are listed on page nine.",
    "Trees in the park were planted sixty years ago.",
)
_PACKAGE_FILE = rerank_documents.__code__.co_filename
_CALLS_THE_PACKAGE = (
    "Your function calls the course's own rerank_documents. At work, do that; here, write it yourself."
)


class ToyReranker:
    """A reranker without a model: it knows a score for each document, or gives ``answer``, and writes down
    how it was called.

    ``calls`` holds (pairs, batch_size) of each call; batch_size is None where none was passed.
    """

    def __init__(
        self, score_of: dict[str, float] | None = None, answer: Sequence[float] | None = None
    ) -> None:
        self.score_of, self.answer, self.calls, self.through_package = score_of or {}, answer, [], False

    def predict(
        self, pairs: Iterable, *positional: Any, batch_size: int | None = None, **options: Any
    ) -> Any:
        if positional:
            raise TypeError("predict takes only the pairs by position; write batch_size=… by its name")
        pairs = list(pairs)
        single = bool(pairs) and isinstance(pairs[0], str)  # as CrossEncoder: one pair gives one number
        pairs = [tuple(pair) for pair in ([pairs] if single else pairs)]
        self.calls.append((pairs, batch_size))
        self.through_package |= _from_package(sys._getframe(1))
        scores = (
            self.answer
            if self.answer is not None
            else [self.score_of.get(_text(pair[-1]), 0.0) for pair in pairs]
        )
        return np.float32(scores[0]) if single else np.array(scores, dtype=np.float32)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"a reranker has predict(pairs, batch_size=…) here and nothing else, no {name!r}"
        )

    @property
    def pairs(self) -> list[tuple]:
        """Of all calls."""
        return [pair for pairs, _ in self.calls for pair in pairs]


@check
def check_best_first(function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS) -> str:
    """Exercise 03, step 1: the real reranker's scores, best first; then candidates that are texts, chunks and
    dictionaries.
    """
    reranker, documents = cross_encoder(), list(documents)
    answer = _call(function, f"Given {len(documents)} texts", query, list(documents), reranker)
    expected = dict(rerank_documents(query, documents, reranker, top_k=None))
    backwards = reranker.predict([(document, query) for document in documents])
    mistakes = [
        (
            {d: float(1 / (1 + np.exp(-score))) for d, score in expected.items()},
            "That is the logit after a sigmoid. Return the score as predict gives it.",
        ),
        (
            dict(zip(documents, map(float, backwards))),
            "That is the score of (document, query). A pair is (query, document): the model was trained on that order.",
        ),
    ]
    check_ranking(answer, query, expected, mistakes, LOGIT_TOLERANCE, "reranker.predict gives this pair")

    chunk = Chunk("c-1", documents[1], title="From the gardener's notebook")
    candidates = [documents[0], chunk, {"id": 3, "text": documents[2]}]
    texts = [documents[0], chunk.content, documents[2]]
    toy = ToyReranker(dict(zip(texts, (0.5, 1.5, -2.0))))
    _call(
        function,
        "Given a text, a Chunk and a dictionary with the key 'text' as candidates",
        query,
        candidates,
        toy,
    )
    seen = [pair[-1] for pair in toy.pairs]
    demand(
        chunk.text not in seen,
        f"Given a Chunk, your function scored its bare text, {chunk.text!r}. Its heading is lost: text_of(candidate) gives {chunk.content!r}.",
    )
    odd = next((text for text in seen if text not in texts), None)
    demand(
        odd is None,
        f"Given a text, a Chunk and a dictionary as candidates, your function paired the query with {show(odd)}. The model reads text: take it with text_of(candidate).",
    )
    missing = [text for text in texts if text not in seen]
    demand(
        not missing,
        f"Given a text, a Chunk and a dictionary as candidates, your function never scored {missing[:1]}.",
    )
    return "Pairs, scores, order: that is a reranker. All that follows makes it safe to use."


@check
def check_one_call(
    function: Callable, query: str = _QUERY, documents: Sequence[str] | None = None, batch_size: int = 5
) -> str:
    """Exercise 03, step 2: all pairs go to one ``predict`` call, and batch_size with them."""
    documents = _numbered("Bed {}: beans and kale.", 12) if documents is None else list(documents)
    scores = _shuffled(len(documents))
    for options, size in (({"batch_size": batch_size}, batch_size), ({}, 32)):
        toy = ToyReranker(dict(zip(documents, scores)))
        given = f"Given {len(documents)} documents and " + (
            f"batch_size={size}" if options else "no batch_size, which is 32 by default"
        )
        answer = _call(function, given, query, list(documents), toy, top_k=None, **options)
        _check_calls(toy, query, documents, given, size)
        check_order(answer, documents, scores, f"{given}, your function")
    return "One call with the whole list: the library sorts it by length and cuts it into batches, which it could not do with slices of yours."


def _check_calls(toy: ToyReranker, query: str, documents: list[str], given: str, batch_size: int) -> None:
    demand(bool(toy.calls), f"{given}, your function never called reranker.predict.")
    sizes = [len(pairs) for pairs, _ in toy.calls]
    unseen = [document for document in documents if not any(document in pair for pair in toy.pairs)]
    if len(sizes) > 1:
        how = (
            "once for each document"
            if set(sizes) == {1}
            else f"with slices of {', '.join(map(str, sizes))} pairs"
        )
        lost = (
            f" {len(unseen)} of the documents were in none of them: does the last, shorter slice get lost?"
            if unseen
            else ""
        )
        raise Wrong(
            f"{given}, your function called predict {len(sizes)} times, {how}.{lost} Call it once with all pairs: it cuts them into batches by itself."
        )
    demand(
        not any(pair[-1] == query for pair in toy.pairs),
        f"{given}, your function put the document first. A pair is (query, document): {(query, documents[0])}.",
    )
    wrong = next(
        (pair for pair in toy.pairs if pair not in [(query, document) for document in documents]), None
    )
    demand(
        wrong is None, f"{given}, your function scored the pair {wrong}. Pass query and text on as they are."
    )
    demand(
        not unseen,
        f"{given}, your function scored {sizes[0]} pairs; {len(unseen)} of the documents were never scored, for example {unseen[:1]}. All candidates go into predict; batch_size and top_k cut nothing off before.",
    )
    demand(
        sizes[0] == len(documents),
        f"{given}, your function scored {sizes[0]} pairs. Each candidate makes one pair.",
    )
    passed = toy.calls[0][1]
    said = (
        "predict was called without it" if passed is None else f"predict was called with batch_size={passed}"
    )
    demand(passed == batch_size, f"{given}, {said}. Pass it on: predict(pairs, batch_size=batch_size).")


@check
def check_what_comes_back(function: Callable, query: str = _QUERY, texts: Sequence[str] = _DOCUMENTS) -> str:
    """Exercise 03, step 3: equal scores keep their order, the candidates are the same objects, the scores
    Python floats, the caller's list is untouched.
    """
    few, few_scores = [f"{texts[0]} ({letter})" for letter in "cadbe"], [1.0, 2.5, 1.0, 1.0, 1.0]
    many = [f"{texts[0]} ({number * 37 % 60})" for number in range(60)]
    for documents, scores in (
        (few, few_scores),
        (many, [float(number * number % 3) for number in range(60)]),
    ):
        with_scores = (
            f"with the scores {scores}"
            if len(scores) < 8
            else f"with only {len(set(scores))} different scores"
        )
        given = f"Given {len(documents)} documents {with_scores}"
        answer = _call(
            function, given, query, list(documents), ToyReranker(dict(zip(documents, scores))), top_k=None
        )
        check_order(answer, documents, scores, f"{given}, your function")

    candidates = [{"id": number, "text": text} for number, text in enumerate([*texts, texts[0]], start=1)]
    candidates.insert(1, Chunk("c-1", f"{texts[1]} Again.", title="Notes"))
    scores = {text: score for text, score in zip(texts, _shuffled(len(texts)))} | {
        candidates[1].content: -0.3
    }
    passed, before = list(candidates), copy.deepcopy(candidates)
    given = f"Given {len(candidates) - 1} dictionaries, two of them with the same text, and a Chunk"
    answer = _call(function, given, query, passed, ToyReranker(scores), top_k=None)
    demand(
        len(passed) == len(candidates) and all(now is was for now, was in zip(passed, candidates)),
        f"{given}, your function changed the caller's list: it has another order or length now. sorted(…) makes a new list; .sort(), .pop() and .reverse() change the old one.",
    )
    changed = next((now for now, was in zip(candidates, before) if now != was), None)
    demand(
        changed is None,
        f"{given}, your function changed a candidate: {show(changed)}. Keep the score beside it, not in it.",
    )
    if isinstance(answer, (list, tuple)):
        for row in answer:
            _check_identity(row, candidates, given)
    check_order(
        answer, candidates, [scores[_text(candidate)] for candidate in candidates], f"{given}, your function"
    )
    odd = next((score for _, score in answer if type(score) is not float), None)
    demand(
        odd is None,
        f"{given}, your function returned the score as {show(odd)}. Return float(score): JSON, for one, refuses numpy's float32 and torch's tensors.",
    )
    return "The caller gets their own objects back, with all that hangs on them, in an order that is the same on every machine, and can send it as JSON."


def _check_identity(row: Any, candidates: list, given: str) -> None:
    """Demand that a row's candidate is one of the objects that were passed in."""
    if not (isinstance(row, (tuple, list)) and len(row) == 2) or any(
        row[0] is candidate for candidate in candidates
    ):
        return
    demand(
        not isinstance(row[0], str),
        f"{given}, your function returned a text, {show(row[0])}. Return the candidate itself: its id and its title are of use to the caller.",
    )
    demand(
        row[0] not in candidates,
        f"{given}, your function returned a copy of {show(row[0])}. Return the object that was passed in.",
    )


@check
def check_top_k(
    function: Callable, query: str = _QUERY, documents: Sequence[str] | None = None, top_k: int = 4
) -> str:
    """Exercise 03, step 4: top_k cuts after sorting, None gives all, a number past the end too; no candidates
    give no result.
    """
    documents = _numbered("Row {}: onions.", 30) if documents is None else list(documents)
    scores = _shuffled(len(documents))
    every = len(documents)
    for options, kept in (
        ({"top_k": top_k}, top_k),
        ({"top_k": 1}, 1),
        ({}, min(20, every)),
        ({"top_k": None}, every),
        ({"top_k": every + 70}, every),
    ):
        given = f"Given {every} documents and " + (
            f"top_k={options['top_k']}" if options else "no top_k, which is 20 by default"
        )
        toy = ToyReranker(dict(zip(documents, scores)))
        answer = _call(function, given, query, list(documents), toy, **options)
        scored = {pair[-1] for pair in toy.pairs}
        demand(
            not toy.pairs or len(scored) == every or query in scored,
            f"{given}, your function scored only {len(scored)} of them, so the best may be among the rest. Score and sort all of them first, then cut.",
        )
        check_order(answer, documents, scores, f"{given}, your function", top_k=kept)

    toy = ToyReranker()
    answer = _call(function, "Given no candidates at all, []", query, [], toy)
    demand(
        isinstance(answer, (list, tuple)) and len(answer) == 0,
        f"Given no candidates at all, [], your function should return [], but returned {show(answer)}.",
    )
    demand(
        not toy.calls,
        "Given no candidates at all, [], your function still called predict. Return [] before: a hosted reranker refuses an empty list.",
    )
    return (
        "A search that finds nothing is no error, and a top 4 is the best four of all, not of the first four."
    )


@check
def check_bad_arguments(
    function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS, below: int = -1
) -> str:
    """Exercise 03, step 5: an argument that makes no sense raises a ``ValueError`` or ``TypeError`` that
    names it.
    """
    documents = list(documents)
    cases = [(f"the query {blank!r}", ("query",), blank, documents, {}) for blank in ("", " \n")]
    without_text = (
        ("", "an empty text"),
        ("  ", "a text of spaces"),
        ({"id": 7}, "a dictionary without text"),
    )
    cases += [
        (
            f"{what}, {bad!r}, among the candidates",
            ("candidates", "candidate"),
            query,
            [*documents[:2], bad, *documents[2:]],
            {},
        )
        for bad, what in without_text
    ]
    cases += [
        (f"{name}={count}", (name,), query, documents, {name: count})
        for name in ("batch_size", "top_k")
        for count in (0, below)
    ]
    for given, named, asked, candidates, options in cases:
        toy = ToyReranker(dict(zip(documents, _shuffled(len(documents)))))
        _refuses(function, given, named, asked, list(candidates), toy, **options)
    return "A caller's mistake comes to light where it was made, with its name, and not as a strange ranking three functions later."


@check
def check_bad_scores(function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS) -> str:
    """Exercise 03, step 6: a reranker that gives too few or too many scores, or NaN, raises a ``ValueError``
    or ``TypeError``.
    """
    documents = list(documents)
    count = len(documents)
    scores = _shuffled(count)
    cases = [
        (f"a reranker that returns {count - 1} scores for {count} pairs", scores[:-1]),
        (f"a reranker that returns {count + 1} scores for {count} pairs", [*scores, 0.5]),
        (
            f"a reranker that returns NaN for candidate {count // 2}",
            [*scores[: count // 2], float("nan"), *scores[count // 2 + 1 :]],
        ),
        ("a reranker that returns NaN for all", [float("nan")] * count),
    ]
    for given, answer in cases:
        _refuses(
            function,
            given,
            ("reranker", "predict", "score", "Score"),
            query,
            list(documents),
            ToyReranker(answer=answer),
        )
    return "zip would have dropped a candidate in silence, and NaN compares with nothing, so that a list with it in it is in no order at all."


def _call(function: Callable, given: str, query: str, candidates: list, reranker: Any, **options: Any) -> Any:
    """``call``, with what was given in front of a message, for a function that does the work itself."""
    try:
        answer = call(function, query, candidates, reranker, **options)
    except Wrong as reason:
        raise Wrong(f"{given}: {reason}") from reason
    demand(not getattr(reranker, "through_package", False), _CALLS_THE_PACKAGE)
    return answer


def _refuses(function: Callable, given: str, named: Sequence[str], *arguments: Any, **options: Any) -> None:
    error = call_expecting_error(function, given, named, *arguments, **options)
    demand(
        all(frame.filename != _PACKAGE_FILE for frame in traceback.extract_tb(error.__traceback__)),
        _CALLS_THE_PACKAGE,
    )


def _from_package(frame: Any) -> bool:
    """Whether rerank.py is among the callers of a frame."""
    while frame is not None:
        if frame.f_code.co_filename == _PACKAGE_FILE:
            return True
        frame = frame.f_back
    return False


def _text(candidate: Any) -> Any:
    if isinstance(candidate, dict):
        return candidate.get("text")
    return getattr(candidate, "content", candidate)


def _numbered(template: str, count: int) -> list[str]:
    return [template.format(number) for number in range(1, count + 1)]


def _shuffled(count: int) -> list[float]:
    """Different scores in no order, negative ones too, that a float32 holds exactly."""
    worst_first = sorted(range(count), key=lambda number: (number + 1) * 0.618 % 1)
    return [worst_first.index(number) / 2 - count / 8 for number in range(count)]
