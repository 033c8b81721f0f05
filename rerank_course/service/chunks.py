"""Long documents at the stand-in: cut into chunks, scored by their best one, and billed for each.

As Cohere's service does it (https://docs.cohere.com/docs/reranking-best-practices), with the stand-in's own
measures: its model reads 512 tokens, so a chunk has the 500, query included, by which Cohere bills
(https://cohere.com/pricing), and a query is cut to half of that.
"""

import functools
import re
from typing import Any

from rerank_course.engine import weights

CHUNK_TOKENS = 500
SPECIAL_TOKENS = 3  # around query and document
# To a mark that white space follows ("3.5" holds none), to the line's end, or to the text's.
SENTENCE = re.compile(r"\S[^\n]*?(?:[.!?]+(?=\s|$)|(?=\n)|$)")
TOKENS_A_CHARACTER = 3  # at most: a Korean syllable is taken apart into its letters


@functools.cache
def _tokenizer() -> Any:
    """The packaged reranker's: it counts for every reranker that a stand-in is given."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights.reranker_wheel_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def offsets(text: str) -> list[tuple[int, int]]:
    """(start, end) of each token, in characters."""
    return _tokenizer().encode(text, add_special_tokens=False).offsets


def most_tokens(text: str) -> int:
    """More tokens than this a text cannot have; it costs nothing to know."""
    return TOKENS_A_CHARACTER * len(text)


def cut(text: str, tokens: int) -> str:
    """The beginning of a text, of at most so many tokens."""
    if most_tokens(text) <= tokens:
        return text
    places = offsets(text)
    return text if len(places) <= tokens else text[: places[tokens - 1][1]]


def chunks(document: str, room: int, max_tokens: int | None, most: int) -> list[str]:
    """The pieces of a document that are scored.

    Args:
        document: the whole text.
        room: tokens in a piece.
        max_tokens: what of the document is read at all; ``None`` for everything.
        most: how many pieces there may be; what comes after them is not read.
    """
    if most_tokens(document) <= min(room, max_tokens or room):
        return [document]
    whole = offsets(document)
    places = whole[:max_tokens]
    if len(places) == len(whole) <= room:
        return [document]
    starts = range(0, len(places), room)[:most]
    return [document[places[i][0] : places[min(i + room, len(places)) - 1][1]] for i in starts]


def room_beside(query: str) -> int:
    """How many tokens of a document go into a chunk beside this query."""
    return CHUNK_TOKENS - len(offsets(query))


def sentences(document: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence that says something, in characters, without white space around it.

    A simple rule stands in for Cohere's own, which is not published.
    """
    found = ((match.start(), match.group().rstrip()) for match in SENTENCE.finditer(document))
    return [(start, start + len(text)) for start, text in found]
