"""Checks of the exercise rerank_documents: the function, written to its contract."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rerank_course.checks.answers import Mistake, Mistakes, show
from rerank_course.checks.models import LOGIT_TOLERANCE, cross_encoder
from rerank_course.checks.rankings import check_order, check_ranking
from rerank_course.checks.rerank_documents_calls import call_it, refuses
from rerank_course.checks.toys.reranker import ToyReranker, numbered, shuffled, text_in
from rerank_course.checks.verdict import Wrong, check, demand
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


@check
def check_best_first(function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS) -> str:
    """The real reranker's scores, best first; then candidates that are texts, chunks and dictionaries."""
    reranker, documents = cross_encoder(), list(documents)
    answer = call_it(function, f"Given {len(documents)} texts", query, list(documents), reranker)
    expected = dict(rerank_documents(query, documents, reranker, top_k=None))
    mistakes = _mistakes_of_best_first(expected, query, documents, reranker)
    check_ranking(answer, query, expected, mistakes, LOGIT_TOLERANCE, "reranker.predict gives this pair")
    _check_texts(function, query, documents)
    return "Pairs, scores, order: that is a reranker. All that follows makes it safe to use."


def _mistakes_of_best_first(expected: dict, query: str, documents: list[str], reranker: Any) -> Mistakes:
    yield Mistake(
        {document: float(1 / (1 + np.exp(-score))) for document, score in expected.items()},
        "That is the logit after a sigmoid. Return the score as predict gives it.",
    )
    backwards = reranker.predict([(document, query) for document in documents])
    yield Mistake(
        dict(zip(documents, map(float, backwards))),
        "That is the score of (document, query). A pair is (query, document): the model was trained on that "
        "order.",
    )


def _check_texts(function: Callable, query: str, documents: list[str]) -> None:
    """Demand that the model reads the text of each kind of candidate."""
    chunk = Chunk("c-1", documents[1], title="From the gardener's notebook")
    texts = [documents[0], chunk.content, documents[2]]
    toy = ToyReranker(dict(zip(texts, (0.5, 1.5, -2.0))))
    candidates = [documents[0], chunk, {"id": 3, "text": documents[2]}]
    given = "Given a text, a Chunk and a dictionary with the key 'text' as candidates"
    call_it(function, given, query, candidates, toy)
    given = "Given a text, a Chunk and a dictionary as candidates"
    seen = [pair[-1] for pair in toy.pairs]
    demand(
        chunk.text not in seen,
        f"Given a Chunk, your function scored its bare text, {chunk.text!r}. Its heading is lost: "
        f"text_of(candidate) gives {chunk.content!r}.",
    )
    odd = next((text for text in seen if text not in texts), None)
    demand(
        odd is None,
        f"{given}, your function paired the query with {show(odd)}. The model reads text: take it with "
        "text_of(candidate).",
    )
    missing = [text for text in texts if text not in seen]
    demand(not missing, f"{given}, your function never scored {missing[:1]}.")


@check
def check_one_call(
    function: Callable, query: str = _QUERY, documents: Sequence[str] | None = None, batch_size: int = 5
) -> str:
    """All pairs go to one ``predict`` call, and batch_size with them."""
    documents = numbered("Bed {}: beans and kale.", 12) if documents is None else list(documents)
    scores = shuffled(len(documents))
    for options, size in (({"batch_size": batch_size}, batch_size), ({}, 32)):
        toy = ToyReranker(dict(zip(documents, scores)))
        said = f"batch_size={size}" if options else "no batch_size, which is 32 by default"
        given = f"Given {len(documents)} documents and {said}"
        answer = call_it(function, given, query, list(documents), toy, top_k=None, **options)
        _check_that_it_is_one_call(toy, documents, given)
        _check_pairs(toy, query, documents, given)
        _check_batch_size(toy, size, given)
        check_order(answer, documents, scores, f"{given}, your function")
    return (
        "One call with the whole list: the library sorts it by length and cuts it into batches, which it "
        "could not do with slices of yours."
    )


def _check_that_it_is_one_call(toy: ToyReranker, documents: list[str], given: str) -> None:
    demand(bool(toy.calls), f"{given}, your function never called reranker.predict.")
    sizes = [len(pairs) for pairs, _ in toy.calls]
    if len(sizes) == 1:
        return
    how = f"with slices of {', '.join(map(str, sizes))} pairs"
    if set(sizes) == {1}:
        how = "once for each document"
    unseen, lost = _unseen(toy, documents), ""
    if unseen:
        lost = f" {len(unseen)} of the documents were in none of them: does the last, shorter slice get lost?"
    raise Wrong(
        f"{given}, your function called predict {len(sizes)} times, {how}.{lost} Call it once with all "
        "pairs: it cuts them into batches by itself."
    )


def _check_pairs(toy: ToyReranker, query: str, documents: list[str], given: str) -> None:
    right = [(query, document) for document in documents]
    demand(
        not any(pair[-1] == query for pair in toy.pairs),
        f"{given}, your function put the document first. A pair is (query, document): "
        f"{(query, documents[0])}.",
    )
    wrong = next((pair for pair in toy.pairs if pair not in right), None)
    demand(
        wrong is None, f"{given}, your function scored the pair {wrong}. Pass query and text on as they are."
    )
    unseen = _unseen(toy, documents)
    demand(
        not unseen,
        f"{given}, your function scored {len(toy.pairs)} pairs; {len(unseen)} of the documents were never "
        f"scored, for example {unseen[:1]}. All candidates go into predict; batch_size and top_k cut nothing "
        "off before.",
    )
    demand(
        len(toy.pairs) == len(documents),
        f"{given}, your function scored {len(toy.pairs)} pairs. Each candidate makes one pair.",
    )


def _check_batch_size(toy: ToyReranker, batch_size: int, given: str) -> None:
    passed = toy.calls[0][1]
    how = "without it" if passed is None else f"with batch_size={passed}"
    demand(
        passed == batch_size,
        f"{given}, predict was called {how}. Pass it on: predict(pairs, batch_size=batch_size).",
    )


def _unseen(toy: ToyReranker, documents: list[str]) -> list[str]:
    return [document for document in documents if not any(document in pair for pair in toy.pairs)]


@check
def check_what_comes_back(function: Callable, query: str = _QUERY, texts: Sequence[str] = _DOCUMENTS) -> str:
    """Equal scores keep their order, the candidates are the same objects, the scores Python floats.

    And the caller's list is untouched.
    """
    few = [f"{texts[0]} ({letter})" for letter in "cadbe"]
    # More than 256: up to there Python keeps one object for each number, and "is" looks like "==".
    many = [f"{texts[0]} ({number * 37 % 300})" for number in range(300)]
    _check_ties(function, query, few, [1.0, 2.5, 1.0, 1.0, 1.0])
    _check_ties(function, query, many, [float(number * number % 3) for number in range(300)])
    _check_objects(function, query, texts)
    return (
        "The caller gets their own objects back, with all that hangs on them, in an order that is the same "
        "on every machine, and can send it as JSON."
    )


def _check_ties(function: Callable, query: str, documents: list[str], scores: list[float]) -> None:
    different = f"with only {len(set(scores))} different scores"
    with_scores = f"with the scores {scores}" if len(scores) < 8 else different
    given = f"Given {len(documents)} documents {with_scores}"
    toy = ToyReranker(dict(zip(documents, scores)))
    answer = call_it(function, given, query, list(documents), toy, top_k=None)
    check_order(answer, documents, scores, f"{given}, your function")


def _check_objects(function: Callable, query: str, texts: Sequence[str]) -> None:
    """Demand the caller's own objects, unchanged, with scores that are Python floats."""
    chunk = Chunk("c-1", f"{texts[1]} Again.", title="Notes")
    rows = [{"id": number, "text": text} for number, text in enumerate([*texts, texts[0]], start=1)]
    candidates = [rows[0], chunk, *rows[1:]]
    scores = dict(zip(texts, shuffled(len(texts)))) | {chunk.content: -0.3}
    passed, before = list(candidates), copy.deepcopy(candidates)
    given = f"Given {len(rows)} dictionaries, two of them with the same text, and a Chunk"
    answer = call_it(function, given, query, passed, ToyReranker(scores), top_k=None)
    _check_untouched(passed, candidates, before, given)
    if isinstance(answer, (list, tuple)):
        for row in answer:
            _check_identity(row, candidates, given)
    true = [scores[text_in(candidate)] for candidate in candidates]
    check_order(answer, candidates, true, f"{given}, your function")
    odd = next((score for _, score in answer if type(score) is not float), None)
    demand(
        odd is None,
        f"{given}, your function returned the score as {show(odd)}. Return float(score): JSON, for one, "
        "refuses numpy's float32 and torch's tensors.",
    )


def _check_untouched(passed: list, candidates: list, before: list, given: str) -> None:
    demand(
        len(passed) == len(candidates) and all(now is was for now, was in zip(passed, candidates)),
        f"{given}, your function changed the caller's list: it has another order or length now. sorted(…) "
        "makes a new list; .sort(), .pop() and .reverse() change the old one.",
    )
    changed = next((now for now, was in zip(candidates, before) if now != was), None)
    demand(
        changed is None,
        f"{given}, your function changed a candidate: {show(changed)}. Keep the score beside it, not in it.",
    )


def _check_identity(row: Any, candidates: list, given: str) -> None:
    """Demand that a row's candidate is one of the objects that were passed in."""
    is_row = isinstance(row, (tuple, list)) and len(row) == 2
    if not is_row or any(row[0] is candidate for candidate in candidates):
        return
    demand(
        not isinstance(row[0], str),
        f"{given}, your function returned a text, {show(row[0])}. Return the candidate itself: its id and "
        "its title are of use to the caller.",
    )
    demand(
        row[0] not in candidates,
        f"{given}, your function returned a copy of {show(row[0])}. Return the object that was passed in.",
    )


@check
def check_top_k(
    function: Callable, query: str = _QUERY, documents: Sequence[str] | None = None, top_k: int = 4
) -> str:
    """top_k cuts after sorting, None gives all, a number past the end too.

    No candidates give no result.
    """
    documents = numbered("Row {}: onions.", 30) if documents is None else list(documents)
    count = len(documents)
    for few in (top_k, 1):
        _check_cut(function, query, documents, f"top_k={few}", few, top_k=few)
    _check_cut(function, query, documents, "no top_k, which is 20 by default", min(20, count))
    for all_of_them in (None, count + 70):
        _check_cut(function, query, documents, f"top_k={all_of_them}", count, top_k=all_of_them)
    _check_no_candidates(function, query)
    return (
        "A search that finds nothing is no error, and a top 4 is the best four of all, not of the first four."
    )


def _check_cut(
    function: Callable, query: str, documents: list[str], said: str, kept: int, **options: int | None
) -> None:
    """Demand the best ``kept`` documents of all; ``options`` are the learner's, and ``said`` names them."""
    scores, every = shuffled(len(documents)), len(documents)
    given, toy = f"Given {every} documents and {said}", ToyReranker(dict(zip(documents, scores)))
    answer = call_it(function, given, query, list(documents), toy, **options)
    scored = {pair[-1] for pair in toy.pairs}
    demand(
        not toy.pairs or len(scored) == every or query in scored,
        f"{given}, your function scored only {len(scored)} of them, so the best may be among the rest. Score "
        "and sort all of them first, then cut.",
    )
    check_order(answer, documents, scores, f"{given}, your function", top_k=kept)


def _check_no_candidates(function: Callable, query: str) -> None:
    given, toy = "Given no candidates at all, []", ToyReranker()
    answer = call_it(function, given, query, [], toy)
    demand(
        isinstance(answer, (list, tuple)) and len(answer) == 0,
        f"{given}, your function should return [], but returned {show(answer)}.",
    )
    demand(
        not toy.calls,
        f"{given}, your function still called predict. Return [] before: a hosted reranker refuses an empty "
        "list.",
    )


@check
def check_bad_arguments(
    function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS, below: int = -1
) -> str:
    """An argument that makes no sense raises a ``ValueError`` or ``TypeError`` that names it."""
    documents = list(documents)
    toy = ToyReranker(dict(zip(documents, shuffled(len(documents)))))
    check_order(  # whoever always raises refuses nothing
        call_it(function, "With good arguments", query, list(documents), toy),
        documents,
        shuffled(len(documents)),
        "With good arguments your function",
    )
    for blank in ("", " \n"):
        refuses(function, f"the query {blank!r}", ("query",), blank, list(documents), toy)
    for bad, what in (
        ("", "an empty text"),
        ("  ", "a text of spaces"),
        ({"id": 7}, "a dictionary without text"),
        ({"id": 7, "text": " \t\n"}, "a dictionary whose text is white space"),
    ):
        candidates, given = [*documents[:2], bad, *documents[2:]], f"{what}, {bad!r}, among the candidates"
        refuses(function, given, ("candidates", "candidate"), query, candidates, toy)
    for name in ("batch_size", "top_k"):
        for count in (0, below):
            refuses(function, f"{name}={count}", (name,), query, list(documents), toy, **{name: count})
    return (
        "A caller's mistake comes to light where it was made, with its name, and not as a strange ranking "
        "three functions later."
    )


@check
def check_bad_scores(function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS) -> str:
    """A reranker that gives too few or too many scores, or NaN, raises a ``ValueError`` or ``TypeError``."""
    documents = list(documents)
    count, nan = len(documents), float("nan")
    scores, middle = shuffled(count), count // 2
    cases = [
        (f"returns {count - 1} scores for {count} pairs", scores[:-1]),
        (f"returns {count + 1} scores for {count} pairs", [*scores, 0.5]),
        (f"returns NaN for candidate {middle}", [*scores[:middle], nan, *scores[middle + 1 :]]),
        ("returns NaN for all", [nan] * count),
    ]
    named = ("reranker", "predict", "score")
    good = call_it(
        function, "With good scores", query, list(documents), ToyReranker(dict(zip(documents, scores)))
    )
    check_order(good, documents, scores, "With good scores your function")
    for what, answer in cases:
        toy = ToyReranker(answer=answer)
        refuses(function, f"a reranker that {what}", named, query, list(documents), toy)
    return (
        "zip would have dropped a candidate in silence, and NaN compares with nothing, so that a list with "
        "it in it is in no order at all."
    )
