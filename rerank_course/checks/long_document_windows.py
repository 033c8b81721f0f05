"""Windows that a learner's ``cut_windows`` gives: pieces of the document that fit, cover it and overlap.

Where a window stands in the document is counted in letters and digits, so that spaces and capitals that a
tokenizer lost do not matter.
"""

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from rerank_course.checks.answers import show
from rerank_course.checks.tokens import count, letters, special_tokens, tokens_between
from rerank_course.checks.verdict import Wrong, demand

SHORTEST = 0.75  # of what fits, on average: who cuts between sentences has shorter ones
Spans = list[tuple[int, int]]  # (start, end) of each window, in letters and digits


def check_windows(answer: Any, query: str, document: str, reranker: Any, overlap: int) -> None:
    """Demand texts that fit beside the query, cover the document, overlap, and are not too many."""
    given = (
        f"For a document of {count(document)} tokens, a query of {count(query)}, a model that reads "
        f"{reranker.max_seq_length} and an overlap of {overlap}, your function"
    )
    is_list = isinstance(answer, (list, tuple))
    demand(
        is_list and all(isinstance(piece, str) for piece in answer),
        f"{given} should return a list of texts, but returned "
        f"{show(answer[0] if is_list and answer else answer)}.",
    )
    demand(len(answer) > 0, f"{given} returned no window at all. A document that fits is one window.")
    spans = _spans(answer, query, document, given)
    _check_fit(answer, query, reranker, given)
    _check_cover(spans, document, given)
    _check_overlap(spans, document, overlap, given)
    _check_number(len(answer), query, document, reranker, overlap, given)
    _check_length(answer[:-1], query, reranker, given)


def _spans(pieces: Sequence[str], query: str, document: str, given: str) -> Spans:
    whole, spans, last = letters(document), [], 0
    for number, piece in enumerate(pieces, start=1):
        wanted = letters(piece)
        found = [match.start() for match in re.finditer(f"(?={re.escape(wanted)})", whole)] if wanted else []
        demand(
            bool(found),
            f"{given} gives a window {number} that is no piece of the document: {piece[:60]!r}…. "
            f"{_why_no_piece(piece, query)}",
        )
        # A short last window may stand in several places; take the furthest that leaves no gap.
        start = max((place for place in found if place <= last), default=found[0])
        spans.append((start, start + len(wanted)))
        last = spans[-1][1]
    return spans


def _why_no_piece(piece: str, query: str) -> str:
    if letters(query) and letters(piece).startswith(letters(query)):
        return (
            "It begins with the query. Return pieces of the document alone; the query joins them when they "
            "are scored."
        )
    if any(mark in piece for mark in ("[SEP]", "[CLS]", "[PAD]")):
        return (
            "It holds special tokens as text. The tokenizer adds them itself when the pair is scored; pass "
            "skip_special_tokens=True to decode."
        )
    return "Return pieces of the document as they are."


def _check_fit(pieces: Sequence[str], query: str, reranker: Any, given: str) -> None:
    special, longest = special_tokens(reranker), max(pieces, key=count)
    over = count(query) + count(longest) + special - reranker.max_seq_length
    if over > 0:
        words = len(longest.split()) + len(query.split())
        only_words = words + special <= reranker.max_seq_length
        raise Wrong(
            f"{given} gives a window of {count(longest)} tokens. With the query and {special} special tokens "
            f"that is {over} too many, and they are cut off. "
            f"{_why_too_long(over, count(query), special, only_words)}"
        )


def _why_too_long(over: int, in_query: int, special: int, only_words: bool) -> str:
    """The likely mistake; ``only_words``: the window would fit if each word were a token."""
    if over == in_query + special:
        return "You gave the window the whole limit. Take off the query's tokens and the special ones."
    if over == in_query:
        return "You forgot the query. It is read together with each window."
    if over == special:
        return "You forgot the special tokens: tokenizer.num_special_tokens_to_add(pair=True)."
    if only_words:
        return (
            "Did you count words? Punctuation marks and pieces of words are tokens too: ask "
            "reranker.tokenizer."
        )
    return "Count in tokens with reranker.tokenizer, and leave room for the query and the special tokens."


def _check_cover(spans: Spans, document: str, given: str) -> None:
    first, last, end = spans[0][0], max(end for _, end in spans), len(letters(document))
    demand(
        first == 0,
        f"{given} left out the beginning: the first window begins after {tokens_between(document, 0, first)} "
        "tokens.",
    )
    for number, ((_, end_of_one), (start, _)) in enumerate(pairwise(spans), start=1):
        demand(
            start <= end_of_one,
            f"{given} left out {tokens_between(document, end_of_one, start)} tokens between windows {number} "
            f"and {number + 1}. Step on by less than a window is long.",
        )
    demand(
        last == end,
        f"{given} left out the last {tokens_between(document, last, end)} tokens: they are in no window. The "
        "last window is shorter than the others; keep it.",
    )


def _check_overlap(spans: Spans, document: str, overlap: int, given: str) -> None:
    for number, ((_, end), (start, stop)) in enumerate(pairwise(spans), start=1):
        shared = tokens_between(document, start, end) if start < end else 0
        length = tokens_between(document, start, stop)  # a short last window may lie in the one before
        cause = (
            "Let each window begin before the last one ended: an answer across the border is cut in two, and "
            "neither window holds it."
        )
        if shared:
            cause = "Count the overlap in tokens, not in words or characters."
        demand(
            shared >= min(overlap, length),
            f"{given} gives windows {number} and {number + 1} that share {shared} tokens. {cause}",
        )


def _check_number(windows: int, query: str, document: str, reranker: Any, overlap: int, given: str) -> None:
    room = reranker.max_seq_length - count(query) - special_tokens(reranker)
    tokens = count(document)
    needed = 1 if tokens <= room else math.ceil((tokens - overlap) / (room - overlap))
    demand(
        windows <= 3 * needed + 1,
        f"{given} returned {windows} windows, where {needed} are enough. Each is one more pair to score. "
        "Make them as long as fits, and step on by their length less the overlap.",
    )


def _check_length(full: Sequence[str], query: str, reranker: Any, given: str) -> None:
    """Demand that the windows, but for the last, are about as long as fits; some end with a sentence."""
    room = reranker.max_seq_length - count(query) - special_tokens(reranker)
    lengths = [count(piece) for piece in full]
    demand(
        not lengths or fmean(lengths) >= SHORTEST * room,
        f"{given} returned windows of {round(fmean(lengths or [0]))} tokens (on average, but for the last), "
        f"where {room} fit. Make them as long as fits: each is one more pair to score, and a short one tears "
        "apart what belongs together.",
    )
