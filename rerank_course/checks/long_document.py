"""Checks of the exercise long_document: a document that is longer than the model reads."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from rerank_course.checks.answers import Mistake, Mistakes, as_list, cause_of, is_number, near, show
from rerank_course.checks.calling import call
from rerank_course.checks.earlier import with_earlier
from rerank_course.checks.long_document_windows import check_windows
from rerank_course.checks.models import LOGIT_TOLERANCE, SHORT_LIMIT, cross_encoder, short_reranker
from rerank_course.checks.tokens import count, first_tokens, letters, special_tokens, true_counts
from rerank_course.checks.toys.handbook import handbook_text
from rerank_course.checks.verdict import Wrong, check, demand

KEYS = ("query", "document", "special", "not read")

_PAIRS = (
    (
        "Who repairs the espresso machine?",
        "Maintenance overhauls it quarterly; for breakdowns, telephone extension 4417.",
    ),
    ("What does a locksmith's call-out cost at night?", ""),
)
_QUERY = "Who feeds the cat in the lighthouse?"
# So long that whoever takes more off for it than its tokens has windows that are too short.
_LONG_QUERY = (
    "Who feeds the cat in the lighthouse when the keeper and his daughter are on the mainland for a week?"
)
_ANSWER = "The cat in the lighthouse is fed by the keeper's daughter every evening."
_WINDOWS = (
    "The lighthouse was built of grey stone and stands on a rock outside the harbour.",
    "On clear nights the light can be seen from thirty miles away.",
    "Cats like high places. Many people who live alone have one.",
    "The keeper's daughter comes over every evening to feed the cat in the lighthouse.",
    "Who feeds the ducks in the park is a question that the town has not settled.",
)


@check
def check_count_tokens(function: Callable, pairs: Sequence[tuple[str, str]] | None = None) -> str:
    """``count_tokens(query, document, reranker)`` gives how a pair's tokens are shared out.

    And how many are not read. It is called with two rerankers, of which one reads less.
    """
    pairs = pairs or [_PAIRS[0], (_PAIRS[1][0], handbook_text("exp", 700))]
    for reranker in (cross_encoder(), short_reranker()):
        for query, document in pairs:
            _check_count(call(function, query, document, reranker), query, document, reranker)
    query, document = pairs[-1]
    unread = true_counts(query, document, short_reranker())["not read"]
    return (
        "Query, document and special tokens share one limit. Of the last document, a model that reads "
        f"{SHORT_LIMIT} tokens leaves out {unread}, and says nothing."
    )


def _check_count(answer: Any, query: str, document: str, reranker: Any) -> None:
    true = true_counts(query, document, reranker)
    given = (
        f"For the query {query!r}, a document of {len(document.split())} words ({document[:30]!r}…) and a "
        f"model that reads {reranker.max_seq_length} tokens, your function"
    )
    is_dictionary = isinstance(answer, Mapping) and set(answer) == set(KEYS)
    demand(
        is_dictionary and all(is_number(answer[key]) for key in KEYS),
        f"{given} should return a dictionary of four whole numbers with the keys "
        f"{', '.join(map(repr, KEYS))}, but returned {show(answer)}.",
    )
    mistakes = {
        "query": _mistakes_of_query(query, true),
        "document": _mistakes_of_document(document, true, reranker),
        "special": _mistakes_of_special(),
        "not read": _mistakes_of_not_read(true, reranker),
    }
    for key in KEYS:
        if float(answer[key]) != true[key]:
            cause = cause_of(mistakes[key], near(float(answer[key]), 0))
            raise Wrong(f"{given} gives {answer[key]} for {key!r}; it is {true[key]}. {cause}".rstrip())


def _mistakes_of_query(query: str, true: Mapping[str, int]) -> Mistakes:
    yield from _mistakes_of_a_text(query, true["query"])
    yield Mistake(len(query), "You count characters. Ask reranker.tokenizer.")


def _mistakes_of_document(document: str, true: Mapping[str, int], reranker: Any) -> Mistakes:
    yield from _mistakes_of_a_text(document, true["document"])
    yield Mistake(len(document), "You count characters. Ask reranker.tokenizer.")
    limit = reranker.max_seq_length
    yield Mistake(
        limit, "You count what is left after truncation. Count the whole document: leave truncation off."
    )
    yield Mistake(
        limit - true["query"] - true["special"],
        "You count what the model reads of it. Count the whole document here; the rest goes into “not read”.",
    )


def _mistakes_of_a_text(text: str, true: int) -> Mistakes:
    yield Mistake(
        true + 2,
        "You count the special tokens too: the tokenizer puts them around a text unless you pass "
        "add_special_tokens=False.",
    )
    yield Mistake(
        len(text.split()), "You count words. A token is a word or a piece of one: ask reranker.tokenizer."
    )


def _mistakes_of_special() -> Mistakes:
    yield Mistake(
        2,
        "That is for one text. A pair has one more, between query and document: "
        "tokenizer.num_special_tokens_to_add(pair=True).",
    )
    yield Mistake(0, "The tokenizer adds some to each pair: tokenizer.num_special_tokens_to_add(pair=True).")
    yield Mistake(1, "There is one at the start, one after the query and one after the document.")


def _mistakes_of_not_read(true: Mapping[str, int], reranker: Any) -> Mistakes:
    limit, total = reranker.max_seq_length, true["query"] + true["document"] + true["special"]
    yield Mistake(total - limit, "The pair fits, so nothing is left out: not less than 0.")
    yield Mistake(
        max(0, true["document"] - limit),
        "You gave the document the whole limit. Query and special tokens take their part of it.",
    )
    yield Mistake(
        max(0, total - true["special"] - limit),
        "You forgot the special tokens. They count against the limit like any other.",
    )
    yield Mistake(
        max(0, total - true["query"] - limit),
        "You forgot the query's tokens. They count against the limit like the document's.",
    )
    yield Mistake(
        max(0, total - cross_encoder().max_seq_length),
        f"This model reads {limit} tokens. Take reranker.max_seq_length, not a number of your own.",
    )
    yield Mistake(min(total, limit), "That is what the model reads. Return what it does not read.")
    yield Mistake(max(0, limit - total), "That is the room that is left.")


@check
def check_hide_the_answer(
    function: Callable,
    *earlier: Callable,
    query: str = _QUERY,
    answer: str = _ANSWER,
    department: str = "fac",
) -> str:
    """``hide_the_answer(query, answer, filler, reranker)`` gives two documents that score the same.

    One is with and one without the answer.

    Args:
        earlier: the function of part 1. Where it is wrong, that is said first.
    """
    with with_earlier(zip((check_count_tokens,), earlier)):
        return _check_hidden(function, query, answer, department)


def _check_hidden(function: Callable, query: str, answer: str, department: str) -> str:
    for reranker in (cross_encoder(), short_reranker()):
        filler = _filler(department, query, answer, reranker)
        given = (
            f"For the answer {answer!r}, a filler of {len(filler.split())} words and a model that reads "
            f"{reranker.max_seq_length} tokens, your function"
        )
        documents = as_list(call(function, query, answer, filler, reranker))
        _check_that_they_differ_in_the_answer(documents, answer, filler, given)
        whole, without = documents
        _check_that_it_is_hidden(query, whole[: whole.index(answer)], reranker, given)
        pairs = [(query, whole), (query, without), (query, answer)]
        hidden, absent, alone = (float(score) for score in reranker.predict(pairs))
        demand(
            abs(hidden - absent) <= LOGIT_TOLERANCE,
            f"{given} returned two documents that score {hidden:.2f} and {absent:.2f}. They should score the "
            "same.",
        )
    return (
        f"{hidden:.2f} with the answer and {absent:.2f} without it; the answer alone gets {alone:.2f}. The "
        "model never saw it, and no warning said so."
    )


def _filler(department: str, query: str, answer: str, reranker: Any) -> str:
    """A text of which some copies leave room for a part of the answer, and not for all of it."""
    room = reranker.max_seq_length - count(query) - special_tokens(reranker)
    tokens = (room - count(answer) // 2) // max(3, room // 70)
    return first_tokens(handbook_text(department, tokens), tokens)


def _check_that_they_differ_in_the_answer(documents: Any, answer: str, filler: str, given: str) -> None:
    are_two = isinstance(documents, (tuple, list)) and len(documents) == 2
    demand(
        are_two and all(isinstance(document, str) for document in documents),
        f"{given} should return two texts, the document with the answer and the one without, but returned "
        f"{show(documents)}.",
    )
    whole, without = documents
    demand(
        answer not in without or answer in whole,
        f"{given} returned them the wrong way round: the document with the answer comes first.",
    )
    demand(answer in whole, f"{given} returned a first document that does not hold the answer word by word.")
    demand(answer not in without, f"{given} returned a second document that still holds the answer.")
    demand(
        filler in without,
        f"{given} returned a document without the filler in it. Fill with the filler, as often as it takes.",
    )
    demand(
        letters(whole.replace(answer, " ")) == letters(without),
        f"{given} returned two documents that differ in more than the answer. Take the same text twice, once "
        "with the answer and once without, or the scores tell you nothing.",
    )


def _check_that_it_is_hidden(query: str, before: str, reranker: Any, given: str) -> None:
    """Demand that the model has read its fill before the answer begins."""
    counts, limit = true_counts(query, before, reranker), reranker.max_seq_length
    room = limit - counts["query"] - counts["special"]
    if counts["document"] >= room:
        return
    cause = "Fill more in front of the answer, and count in tokens."
    if not before.strip():
        cause = "It stands at the start, where every model reads. Put the filler in front of it."
    elif len(before) + len(query) + counts["special"] >= limit:
        cause = "Did you count characters? The limit counts tokens, and a token is several characters long."
    raise Wrong(
        f"{given} put the answer after {counts['document']} tokens of the document, and beside this query "
        f"the model reads {room}, so it still sees some of it. {cause}"
    )


@check
def check_cut_windows(
    function: Callable,
    *earlier: Callable,
    query: str = _LONG_QUERY,
    document: str | None = None,
    overlap: int = 24,
) -> str:
    """``cut_windows(query, document, reranker, overlap)`` gives texts that fit and cover the document.

    They must fit beside the query. It is called with two rerankers, of which one reads less, and with a
    document that is shorter than the overlap.

    Args:
        earlier: the function of part 1. Where it is wrong, that is said first.
    """
    with with_earlier(zip((check_count_tokens,), earlier)):
        return _check_cut(function, query, document or handbook_text("trv", 1100), overlap)


def _check_cut(function: Callable, query: str, document: str, overlap: int) -> str:
    for reranker in (short_reranker(), cross_encoder()):
        pieces = as_list(call(function, query, document, reranker, overlap))
        check_windows(pieces, query, document, reranker, overlap)
    short = handbook_text("lve", 5)
    check_windows(as_list(call(function, query, short, reranker, overlap)), query, short, reranker, overlap)
    return (
        f"{len(pieces)} windows, where the model read one. Every piece of the document can now be read, and "
        f"whatever is at most {overlap} tokens long stands whole in one of them."
    )


@check
def check_best_window(function: Callable, query: str = _QUERY, windows: Sequence[str] = _WINDOWS) -> str:
    """``best_window(query, windows, reranker)`` gives (score, window) of the window that scores highest."""
    reranker = cross_encoder()
    for some in (list(windows[:1]), list(windows)):
        scores = [float(score) for score in reranker.predict([(query, window) for window in some])]
        best = max(range(len(some)), key=scores.__getitem__)
        answer = as_list(call(function, query, list(some), reranker))
        given = f"For the query {query!r} and {len(some)} window{'s' * (len(some) > 1)}, your function"
        _check_score_and_window(answer, given)
        score = float(answer[0])
        if abs(score - scores[best]) > LOGIT_TOLERANCE:
            cause = cause_of(
                _mistakes_of_best_window(scores, query, some, reranker),
                near(score, LOGIT_TOLERANCE),
                "Score (query, window) for each window and take the highest.",
            )
            raise Wrong(
                f"{given} gives the score {score:.2f}; the best window has {scores[best]:.2f}. {cause}"
            )
        _check_the_window(answer[1], some[best], given)
    return (
        f"{max(scores):.2f}, where the first window has {scores[0]:.2f}. And you can show the reader which "
        "part of the document it was, which the score of a whole document cannot."
    )


def _check_score_and_window(answer: Any, given: str) -> None:
    demand(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        f"{given} should return two things, the score and the window, but returned {show(answer)}.",
    )
    demand(
        not (isinstance(answer[0], str) and is_number(answer[1])),
        f"{given} returned (window, score). Swap the two: the score comes first.",
    )
    demand(
        is_number(answer[0]),
        f"{given} should return a number as the score, but returned {show(answer[0])}.",
    )


def _check_the_window(window: Any, best: str, given: str) -> None:
    demand(
        isinstance(window, str),
        f"{given} gives the right score, but should return the window's text with it, not {show(window)}.",
    )
    demand(
        window == best,
        f"{given} gives the right score, but with the window {window[:50]!r}. It belongs to {best[:50]!r}. "
        "Keep each window with its score: max over (score, window).",
    )


def _mistakes_of_best_window(scores: list[float], query: str, windows: list[str], reranker: Any) -> Mistakes:
    yield Mistake(
        fmean(scores),
        "That is the mean of the windows. One window with the answer is enough; the others say nothing "
        "against it. Take the highest.",
    )
    yield Mistake(min(scores), "That is the lowest score. Take the highest.")
    yield Mistake(sum(scores), "That is the sum: it grows with the length of the document. Take the highest.")
    yield Mistake(
        max(float(score) for score in reranker.predict([(window, query) for window in windows])),
        "That is the score of (window, query). The query comes first in a pair.",
    )
    yield Mistake(
        1 / (1 + math.exp(-max(scores))),
        "That is the score after a sigmoid. Return it as predict gives it for this model.",
    )
    yield Mistake(
        scores[0],
        "That is the score of the first window, which is about what the model gives the uncut document. Take "
        "the highest of all.",
    )
    yield Mistake(scores[-1], "That is the score of the last window. Take the highest of all.")
    yield Mistake(
        max(map(abs, scores)), "You compared the size of a score. One below 0 is low, whatever its size."
    )
