"""What the contenders have to score: lists of pairs whose documents have exact lengths, in tokens."""

from typing import Any

import numpy as np

from rerank_course.engine.compiled_graphs import padded_length
from rerank_course.texts.corpora import load_corpus

QUERY = "What is the reimbursement limit?"
KINDS = ("30", "200", "mixed")
MAX_TOKENS = 512  # of a pair: the model's limit

Pairs = list[tuple[str, str]]
Workload = tuple[str, int]  # kind of the documents' lengths, how many


class Handbook:
    """The handbook as running text, from which documents of any length are cut.

    Args:
        tokenizer: the model's, from transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        text = " ".join(chunk.text for chunk in load_corpus("handbook").documents.values())
        self.tokens = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]

    def pairs(self, kind: str, count: int) -> Pairs:
        """A list to score: one query, ``count`` documents whose lengths are of this kind."""
        texts = documents(self.tokenizer, self.tokens, lengths(kind, count))
        return [(QUERY, text) for text in texts]

    def in_tokens(self, pairs: Pairs) -> list[int]:
        """How many tokens each pair has."""
        encoded = self.tokenizer(pairs, truncation=True, max_length=MAX_TOKENS)["input_ids"]
        return [len(ids) for ids in encoded]

    def padding(self, count: int) -> dict[str, float]:
        """Share of padding in what is computed for ``count`` mixed lengths, for each way to batch them."""
        in_tokens = self.in_tokens(self.pairs("mixed", count))
        return {
            "slices of 32 as they come": padding_share(in_tokens, 32),
            "one predict, sorted, batches of 32": padding_share(sorted(in_tokens, reverse=True), 32),
            "int8, pair by pair": 1 - sum(in_tokens) / sum(map(padded_length, in_tokens)),
        }


def lengths(kind: str, count: int) -> list[int]:
    """Document lengths in tokens: all 30, all 200, or log-uniform from 15 to 480."""
    if kind != "mixed":
        return [int(kind)] * count
    return np.exp(np.random.default_rng(0).uniform(np.log(15), np.log(480), count)).astype(int).tolist()


def documents(tokenizer: Any, tokens: list[int], sizes: list[int]) -> list[str]:
    """Texts of these lengths, cut one after the other from running text; it starts again where it ends."""
    texts, start = [], 0
    for size in sizes:
        start = 0 if start + size > len(tokens) else start
        texts.append(tokenizer.decode(tokens[start : start + size]))
        start += size
    return texts


def padding_share(in_tokens: list[int], batch_size: int) -> float:
    """Share of the computed tokens that is padding when the list is cut into batches as it stands."""
    batches = [in_tokens[i : i + batch_size] for i in range(0, len(in_tokens), batch_size)]
    return 1 - sum(in_tokens) / sum(max(batch) * len(batch) for batch in batches)
