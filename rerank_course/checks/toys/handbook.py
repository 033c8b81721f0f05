"""Texts to cut, made of the handbook's sentences."""

import re
from functools import cache

from rerank_course.checks.models import cross_encoder
from rerank_course.texts.corpora import load_corpus


@cache
def handbook_text(department: str, tokens: int) -> str:
    """At least so many tokens of a department's sentences in the handbook, each sentence once.

    All tokens are whole words: then a piece of the text has the same tokens as in the whole, and a window can
    be held to the limit exactly. In other texts a cut inside a word can give a token more.

    Raises:
        ValueError: the department has fewer such tokens.
    """
    tokenizer, count = cross_encoder().tokenizer, 0
    found: dict[str, None] = {}
    for sentence in _sentences(department):
        pieces = tokenizer.tokenize(sentence)
        whole_words = not any(piece.startswith("##") or piece == tokenizer.unk_token for piece in pieces)
        if sentence in found or not whole_words:
            continue
        found[sentence], count = None, count + len(pieces)
        if count >= tokens:
            return " ".join(found)
    raise ValueError(f"The handbook's department {department!r} has {count} such tokens, not {tokens}.")


def _sentences(department: str) -> list[str]:
    chunks = load_corpus("handbook").documents.values()
    texts = [" ".join(chunk.text.split()) for chunk in chunks if chunk.id.startswith(department)]
    return [sentence for text in texts for sentence in re.split(r"(?<=[.!?])\s+", text)]
