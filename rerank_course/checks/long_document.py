"""Exercise 06: a document that is longer than the model reads.

Texts to cut are made of sentences whose tokens are whole words: then a piece of the text has the same tokens
as in the whole, and a window can be held to the limit exactly. In other texts a cut inside a word can give a
token more.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from statistics import fmean
from typing import Any

from rerank_course.checks.common import (
    LOGIT_TOLERANCE,
    Wrong,
    call,
    check,
    cross_encoder,
    demand,
    is_number,
    show,
)
from rerank_course.models import load_reranker
from rerank_course.texts.corpora import load_corpus

KEYS = ("query", "document", "special", "not read")
SHORT_LIMIT = 128

_PAIRS = (
    (
        "Who repairs the espresso machine?",
        "Maintenance overhauls it quarterly; for breakdowns, telephone extension 4417.",
    ),
    ("What does a locksmith's call-out cost at night?", ""),
)
_QUERY = "Who feeds the cat in the lighthouse?"
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
    """Exercise 06, part 1: ``count_tokens(query, document, reranker)`` gives how a pair's tokens are shared
    out, and how many are not read.

    It is called with two rerankers, of which one reads less.
    """
    pairs = pairs or [_PAIRS[0], (_PAIRS[1][0], handbook_text("exp", 700))]
    for reranker in (cross_encoder(), short_reranker()):
        for query, document in pairs:
            _check_count(call(function, query, document, reranker), query, document, reranker)
    query, document = pairs[-1]
    unread = _true_counts(query, document, short_reranker())["not read"]
    return f"Query, document and special tokens share one limit. Of the last document, a model that reads {SHORT_LIMIT} tokens leaves out {unread}, and says nothing."


def _check_count(answer: Any, query: str, document: str, reranker: Any) -> None:
    limit, true = reranker.max_seq_length, _true_counts(query, document, reranker)
    given = f"For the query {query!r}, a document of {len(document.split())} words ({document[:30]!r}…) and a model that reads {limit} tokens, your function"
    demand(
        isinstance(answer, Mapping)
        and set(answer) == set(KEYS)
        and all(is_number(answer[key]) for key in KEYS),
        f"{given} should return a dictionary of four whole numbers with the keys {', '.join(map(repr, KEYS))}, but returned {show(answer)}.",
    )
    total = true["query"] + true["document"] + true["special"]
    for key in KEYS:
        text = {"query": query, "document": document}.get(key, "")
        mistakes = {
            "query": [
                (
                    true["query"] + 2,
                    "You count the special tokens too: the tokenizer puts them around a text unless you pass add_special_tokens=False.",
                ),
                (
                    len(query.split()),
                    "You count words. A token is a word or a piece of one: ask reranker.tokenizer.",
                ),
            ],
            "document": [
                (
                    true["document"] + 2,
                    "You count the special tokens too: the tokenizer puts them around a text unless you pass add_special_tokens=False.",
                ),
                (
                    len(text.split()),
                    "You count words. A token is a word or a piece of one: ask reranker.tokenizer.",
                ),
                (len(text), "You count characters. Ask reranker.tokenizer."),
                (
                    limit,
                    "You count what is left after truncation. Count the whole document: leave truncation off.",
                ),
                (
                    limit - true["query"] - true["special"],
                    "You count what the model reads of it. Count the whole document here; the rest goes into “not read”.",
                ),
            ],
            "special": [
                (
                    2,
                    "That is for one text. A pair has one more, between query and document: tokenizer.num_special_tokens_to_add(pair=True).",
                ),
                (0, "The tokenizer adds some to each pair: tokenizer.num_special_tokens_to_add(pair=True)."),
                (1, "There is one at the start, one after the query and one after the document."),
            ],
            "not read": [
                (total - limit, "The pair fits, so nothing is left out: not less than 0."),
                (
                    max(0, true["document"] - limit),
                    "You gave the document the whole limit. Query and special tokens take their part of it.",
                ),
                (
                    max(0, total - true["special"] - limit),
                    "You forgot the special tokens. They count against the limit like any other.",
                ),
                (
                    max(0, total - true["query"] - limit),
                    "You forgot the query's tokens. They count against the limit like the document's.",
                ),
                (
                    max(0, total - cross_encoder().max_seq_length),
                    f"This model reads {limit} tokens. Take reranker.max_seq_length, not a number of your own.",
                ),
                (min(total, limit), "That is what the model reads. Return what it does not read."),
                (max(0, limit - total), "That is the room that is left."),
            ],
        }[key]
        if key == "query":
            mistakes.append((len(query), "You count characters. Ask reranker.tokenizer."))
        if float(answer[key]) != true[key]:
            cause = next((meaning for wrong, meaning in mistakes if answer[key] == wrong), "")
            raise Wrong(f"{given} gives {answer[key]} for {key!r}; it is {true[key]}. {cause}".rstrip())


@check
def check_hide_the_answer(
    function: Callable, query: str = _QUERY, answer: str = _ANSWER, department: str = "fac"
) -> str:
    """Exercise 06, part 2: ``hide_the_answer(query, answer, filler, reranker)`` gives two documents, with and
    without the answer, that score the same.
    """
    filler = handbook_text(department, 60)
    for reranker in (cross_encoder(), short_reranker()):
        limit = reranker.max_seq_length
        given = f"For the answer {answer!r}, a filler of {len(filler.split())} words and a model that reads {limit} tokens, your function"
        documents = call(function, query, answer, filler, reranker)
        demand(
            isinstance(documents, (tuple, list))
            and len(documents) == 2
            and all(isinstance(document, str) for document in documents),
            f"{given} should return two texts, the document with the answer and the one without, but returned {show(documents)}.",
        )
        whole, without = documents
        demand(
            answer not in without or answer in whole,
            f"{given} returned them the wrong way round: the document with the answer comes first.",
        )
        demand(
            answer in whole, f"{given} returned a first document that does not hold the answer word by word."
        )
        demand(answer not in without, f"{given} returned a second document that still holds the answer.")
        demand(
            filler in without,
            f"{given} returned a document without the filler in it. Fill with the filler, as often as it takes.",
        )
        demand(
            _letters(whole.replace(answer, " ")) == _letters(without),
            f"{given} returned two documents that differ in more than the answer. Take the same text twice, once with the answer and once without, or the scores tell you nothing.",
        )
        before = whole[: whole.index(answer)]
        counts = _true_counts(query, before, reranker)
        room = limit - counts["query"] - counts["special"]
        if counts["document"] < room:
            cause = "Fill more in front of the answer, and count in tokens."
            if not before.strip():
                cause = "It stands at the start, where every model reads. Put the filler in front of it."
            elif len(before) + len(query) + counts["special"] >= limit:
                cause = "Did you count characters? The limit counts tokens, and a token is several characters long."
            raise Wrong(
                f"{given} put the answer after {counts['document']} tokens of the document, and beside this query the model reads {room}, so it still sees some of it. {cause}"
            )
        hidden, absent, alone = (
            float(score) for score in reranker.predict([(query, whole), (query, without), (query, answer)])
        )
        demand(
            abs(hidden - absent) <= LOGIT_TOLERANCE,
            f"{given} returned two documents that score {hidden:.2f} and {absent:.2f}. They should score the same.",
        )
    return f"{hidden:.2f} with the answer and {absent:.2f} without it; the answer alone gets {alone:.2f}. The model never saw it, and no warning said so."


@check
def check_cut_windows(
    function: Callable, query: str = _QUERY, document: str | None = None, overlap: int = 24
) -> str:
    """Exercise 06, part 3: ``cut_windows(query, document, reranker, overlap)`` gives texts that fit beside
    the query and cover the document.

    It is called with two rerankers, of which one reads less, and with a document that is shorter than the
    overlap.
    """
    document = document or handbook_text("trv", 1100)
    for reranker in (short_reranker(), cross_encoder()):
        pieces = _check_windows(function, query, document, reranker, overlap)
    _check_windows(function, query, handbook_text("lve", 5), reranker, overlap)
    return f"{len(pieces)} windows, where the model read one. Every piece of the document can now be read, and whatever is at most {overlap} tokens long stands whole in one of them."


def _check_windows(function: Callable, query: str, document: str, reranker: Any, overlap: int) -> list[str]:
    limit, tokens = reranker.max_seq_length, _count(document)
    answer = call(function, query, document, reranker, overlap)
    given = f"For a document of {tokens} tokens, a query of {_count(query)}, a model that reads {limit} and an overlap of {overlap}, your function"
    demand(
        isinstance(answer, (list, tuple)) and all(isinstance(piece, str) for piece in answer),
        f"{given} should return a list of texts, but returned {show(answer[0] if isinstance(answer, (list, tuple)) and answer else answer)}.",
    )
    demand(len(answer) > 0, f"{given} returned no window at all. A document that fits is one window.")
    spans = _spans(list(answer), query, document, given)
    _demand_fit(list(answer), query, limit, given)
    _demand_cover(spans, document, given)
    for number, ((_, end), (start, _)) in enumerate(zip(spans, spans[1:]), start=1):
        shared = _tokens_between(document, start, end) if start < end else 0
        if shared < overlap:
            cause = "Let each window begin before the last one ended: an answer across the border is cut in two, and neither window holds it."
            if shared:
                cause = "Count the overlap in tokens, not in words or characters."
            raise Wrong(
                f"{given} gives windows {number} and {number + 1} that share {shared} tokens. {cause}"
            )
    room = limit - _count(query) - reranker.tokenizer.num_special_tokens_to_add(pair=True)
    needed = 1 if tokens <= room else math.ceil((tokens - overlap) / (room - overlap))
    demand(
        len(answer) <= 3 * needed + 1,
        f"{given} returned {len(answer)} windows, where {needed} are enough. Each is one more pair to score. Make them as long as fits, and step on by their length less the overlap.",
    )
    return list(answer)


def _spans(pieces: list[str], query: str, document: str, given: str) -> list[tuple[int, int]]:
    """Where each window stands in the document, counted in letters and digits, so that spaces and capitals
    that a tokenizer lost do not matter.
    """
    whole, spans, last = _letters(document), [], 0
    for number, piece in enumerate(pieces, start=1):
        letters = _letters(piece)
        found = (
            [match.start() for match in re.finditer(f"(?={re.escape(letters)})", whole)] if letters else []
        )
        if not found:
            cause = "Return pieces of the document as they are."
            if letters.startswith(_letters(query)) and _letters(query):
                cause = "It begins with the query. Return pieces of the document alone; the query joins them when they are scored."
            elif "[SEP]" in piece or "[CLS]" in piece or "[PAD]" in piece:
                cause = "It holds special tokens as text. The tokenizer adds them itself when the pair is scored; pass skip_special_tokens=True to decode."
            raise Wrong(
                f"{given} gives a window {number} that is no piece of the document: {piece[:60]!r}…. {cause}"
            )
        # A short last window may stand in several places; take the furthest that leaves no gap.
        start = max((place for place in found if place <= last), default=found[0])
        spans.append((start, start + len(letters)))
        last = spans[-1][1]
    return spans


def _demand_fit(pieces: list[str], query: str, limit: int, given: str) -> None:
    tokenizer = cross_encoder().tokenizer
    special, longest = tokenizer.num_special_tokens_to_add(pair=True), max(pieces, key=_count)
    over = _count(query) + _count(longest) + special - limit
    if over <= 0:
        return
    causes = {
        special: "You forgot the special tokens: tokenizer.num_special_tokens_to_add(pair=True).",
        _count(query): "You forgot the query. It is read together with each window.",
        _count(query)
        + special: "You gave the window the whole limit. Take off the query's tokens and the special ones.",
    }
    cause = causes.get(
        over, "Count in tokens with reranker.tokenizer, and leave room for the query and the special tokens."
    )
    if over not in causes and len(longest.split()) + len(query.split()) + special <= limit:
        cause = "Did you count words? Punctuation marks and pieces of words are tokens too: ask reranker.tokenizer."
    raise Wrong(
        f"{given} gives a window of {_count(longest)} tokens. With the query and {special} special tokens that is {over} too many, and they are cut off. {cause}"
    )


def _demand_cover(spans: list[tuple[int, int]], document: str, given: str) -> None:
    letters = len(_letters(document))
    demand(
        spans[0][0] == 0,
        f"{given} left out the beginning: the first window begins after {_tokens_between(document, 0, spans[0][0])} tokens.",
    )
    for number, ((_, end), (start, _)) in enumerate(zip(spans, spans[1:]), start=1):
        demand(
            start <= end,
            f"{given} left out {_tokens_between(document, end, start)} tokens between windows {number} and {number + 1}. Step on by less than a window is long.",
        )
    end = max(end for _, end in spans)
    demand(
        end == letters,
        f"{given} left out the last {_tokens_between(document, end, letters)} tokens: they are in no window. The last window is shorter than the others; keep it.",
    )


@check
def check_best_window(function: Callable, query: str = _QUERY, windows: Sequence[str] = _WINDOWS) -> str:
    """Exercise 06, part 4: ``best_window(query, windows, reranker)`` gives (score, window) of the window that
    scores highest.
    """
    reranker = cross_encoder()
    for some in (list(windows[:1]), list(windows)):
        pairs = [(query, window) for window in some]
        scores = [float(score) for score in reranker.predict(pairs)]
        backwards = [float(score) for score in reranker.predict([pair[::-1] for pair in pairs])]
        best = max(range(len(some)), key=scores.__getitem__)
        answer = call(function, query, list(some), reranker)
        given = f"For the query {query!r} and {len(some)} window{'s' * (len(some) > 1)}, your function"
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
        score = float(answer[0])
        mistakes = [
            (
                fmean(scores),
                "That is the mean of the windows. One window with the answer is enough; the others say nothing against it. Take the highest.",
            ),
            (min(scores), "That is the lowest score. Take the highest."),
            (sum(scores), "That is the sum: it grows with the length of the document. Take the highest."),
            (max(backwards), "That is the score of (window, query). The query comes first in a pair."),
            (
                1 / (1 + math.exp(-scores[best])),
                "That is the score after a sigmoid. Return it as predict gives it for this model.",
            ),
            (
                scores[0],
                "That is the score of the first window, which is about what the model gives the uncut document. Take the highest of all.",
            ),
            (scores[-1], "That is the score of the last window. Take the highest of all."),
        ]
        if abs(score - scores[best]) > LOGIT_TOLERANCE:
            cause = next(
                (meaning for wrong, meaning in mistakes if abs(score - wrong) <= LOGIT_TOLERANCE),
                "Score (query, window) for each window and take the highest.",
            )
            raise Wrong(
                f"{given} gives the score {score:.2f}; the best window has {scores[best]:.2f}. {cause}"
            )
        demand(
            isinstance(answer[1], str),
            f"{given} gives the right score, but should return the window's text with it, not {show(answer[1])}.",
        )
        demand(
            answer[1] == some[best],
            f"{given} gives the right score, but with the window {answer[1][:50]!r}. It belongs to {some[best][:50]!r}. Keep each window with its score: max over (score, window).",
        )
    return f"{max(scores):.2f}, where the first window has {scores[0]:.2f}. And you can show the reader which part of the document it was, which the score of a whole document cannot."


@cache
def short_reranker():
    """The course's cross-encoder, which reads less: nobody can have its limit in the head."""
    return load_reranker(max_length=SHORT_LIMIT)


@cache
def handbook_text(department: str, tokens: int) -> str:
    """At least so many tokens of a department's sentences in the handbook, each once, all tokens being whole
    words.
    """
    tokenizer, found, count = cross_encoder().tokenizer, {}, 0
    for chunk in load_corpus("handbook").documents.values():
        if not chunk.id.startswith(department):
            continue
        for sentence in re.split(r"(?<=[.!?])\s+", " ".join(chunk.text.split())):
            pieces = tokenizer.tokenize(sentence)
            if sentence in found or any(
                piece.startswith("##") or piece == tokenizer.unk_token for piece in pieces
            ):
                continue
            found[sentence], count = None, count + len(pieces)
            if count >= tokens:
                return " ".join(found)
    raise ValueError(f"The handbook's department {department!r} has {count} such tokens, not {tokens}.")


def _count(text: str) -> int:
    """Tokens of a text, special ones not counted."""
    return len(
        cross_encoder().tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)[
            "input_ids"
        ]
    )


def _true_counts(query: str, document: str, reranker: Any) -> dict[str, int]:
    special = reranker.tokenizer.num_special_tokens_to_add(pair=True)
    counts = {"query": _count(query), "document": _count(document), "special": special}
    return counts | {"not read": max(0, sum(counts.values()) - reranker.max_seq_length)}


def _letters(text: str) -> str:
    """Letters and digits only, without accents and capitals: what is left of a text when a tokenizer has
    decoded it again.
    """
    return "".join(
        character for character in unicodedata.normalize("NFKD", text.lower()) if character.isalnum()
    )


def _tokens_between(document: str, start: int, end: int) -> int:
    """How many of a document's tokens stand between two places that are counted in letters and digits."""
    offsets = cross_encoder().tokenizer(
        document, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )["offset_mapping"]
    places, position = [], 0
    for first, last in offsets:
        letters = len(_letters(document[first:last]))
        places.append((position, position + letters))
        position += letters
    return sum(start <= first and last <= end for first, last in places)
