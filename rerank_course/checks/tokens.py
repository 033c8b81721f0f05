"""Tokens of a text, and letters and digits, which are the same after a tokenizer has decoded it again."""

import unicodedata
from functools import lru_cache
from typing import Any

from rerank_course.checks.models import cross_encoder


def count(text: str) -> int:
    """Tokens of a text, special ones not counted."""
    tokenizer = cross_encoder().tokenizer
    return len(tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"])


def first_tokens(text: str, tokens: int) -> str:
    """The beginning of a text, so many tokens long."""
    found = cross_encoder().tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
    )
    return text[: found["offset_mapping"][:tokens][-1][1]]


def special_tokens(reranker: Any) -> int:
    """How many the tokenizer adds to a pair."""
    return reranker.tokenizer.num_special_tokens_to_add(pair=True)


def true_counts(query: str, document: str, reranker: Any) -> dict[str, int]:
    """How a pair's tokens are shared out, and how many of them the model does not read."""
    counts = {"query": count(query), "document": count(document), "special": special_tokens(reranker)}
    return counts | {"not read": max(0, sum(counts.values()) - reranker.max_seq_length)}


def letters(text: str) -> str:
    """Letters and digits only, without accents and capitals."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in decomposed if character.isalnum())


def tokens_between(document: str, start: int, end: int) -> int:
    """How many of a document's tokens stand between two places, counted in letters and digits."""
    return sum(start <= first and last <= end for first, last in _places(document))


@lru_cache(maxsize=4)  # a check asks for each window of one document
def _places(document: str) -> list[tuple[int, int]]:
    """Where each token begins and ends."""
    tokenizer = cross_encoder().tokenizer
    found = tokenizer(document, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    places, position = [], 0
    for first, last in found["offset_mapping"]:
        length = len(letters(document[first:last]))
        places.append((position, position + length))
        position += length
    return places
