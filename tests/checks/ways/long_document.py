"""Right answers to the exercise long_document."""

import itertools
from collections import Counter, OrderedDict

import numpy as np
import pandas as pd
import torch

from rerank_course.checks.long_document import (
    check_best_window,
    check_count_tokens,
    check_cut_windows,
    check_hide_the_answer,
)
from tests.checks.ways import Ways

PARTS = ("count_tokens", "hide_the_answer", "cut_windows", "best_window")
WAYS = Ways(
    "long_document",
    {
        "count_tokens": (check_count_tokens, "graded-tokens"),
        "hide_the_answer": (check_hide_the_answer, "graded-hidden-answer"),
        "cut_windows": (check_cut_windows, "graded-windows"),
        "best_window": (check_best_window, "graded-best-window"),
    },
    heavy=PARTS,  # even a count of tokens asks the model's tokenizer
)
right = WAYS.right


@right("count_tokens")
def count_by_encode(query, document, reranker):
    encode = reranker.tokenizer.encode
    q, d = len(encode(query, add_special_tokens=False)), len(encode(document, add_special_tokens=False))
    special = len(encode(query, document)) - q - d
    unread = q + d + special - reranker.max_seq_length
    return {"query": q, "document": d, "special": special, "not read": unread if unread > 0 else 0}


@right("count_tokens")
def count_in_numpy(query: str, document: str, reranker) -> dict[str, int]:
    """With numpy's integers, in an ordered dictionary."""
    tokens = reranker.tokenizer([query, document], add_special_tokens=False, verbose=False)["input_ids"]
    q, d = np.array(list(map(len, tokens)))
    special = np.int64(reranker.tokenizer.num_special_tokens_to_add(pair=True))
    unread = np.maximum(q + d + special - reranker.max_seq_length, 0)
    return OrderedDict(document=d, query=q, special=special) | {"not read": unread}


@right("count_tokens")
def count_by_taking_two_off(query, document, reranker):
    counts = Counter()
    for name, text in zip(("query", "document"), (query, document)):
        counts[name] = len(reranker.tokenizer(text, verbose=False).input_ids) - 2
    counts["special"] = 3
    counts["not read"] = max(0, sum(counts.values()) - reranker.max_seq_length)
    return counts


@right("hide_the_answer")
def hide_by_a_number_of_copies(query, answer, filler, reranker):
    copies = reranker.max_seq_length // len(reranker.tokenizer.tokenize(filler)) + 1
    front = "\n\n".join([filler] * copies)
    return "\n".join([front, answer, filler]), "\n".join([front, filler])


@right("hide_the_answer")
def hide_by_recursion(query, answer, filler, reranker, front=""):
    if count_by_encode(query, front, reranker)["not read"]:
        return [front + answer, front]
    return hide_by_recursion(query, answer, filler, reranker, front + filler + " ")


@right("hide_the_answer")
def hide_by_accumulating(query, answer, filler, reranker):
    fronts = itertools.accumulate(itertools.repeat(f"{filler} "))
    front = next(f for f in fronts if len(reranker.tokenizer.tokenize(f)) > reranker.max_seq_length)
    return front + answer + " " + filler, front + " " + filler


def size_of(query, reranker):
    return reranker.max_seq_length - len(reranker.tokenizer.tokenize(query)) - 3


@right("cut_windows")
def cut_in_a_while_loop(query, document, reranker, overlap):
    places = reranker.tokenizer(
        document, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
    )["offset_mapping"]
    size, start, windows = size_of(query, reranker) - 2, 0, []
    while start < len(places):
        part = places[start : start + size]
        windows.append(document[part[0][0] : part[-1][1]])
        if start + size >= len(places):
            break
        start += size - overlap
    return windows


@right("cut_windows")
def cut_by_words_that_fit(query, document, reranker, overlap):
    """Whole words, each counted in tokens."""
    words = document.split()
    sizes = [len(reranker.tokenizer.tokenize(word)) for word in words]
    windows, first = [], 0
    while True:
        last, total = first, 0
        while last < len(words) and total + sizes[last] <= size_of(query, reranker):
            total += sizes[last]
            last += 1
        windows.append(" ".join(words[first:last]))
        if last == len(words):
            return tuple(windows)
        shared = 0
        first = last
        while shared < overlap:
            first -= 1
            shared += sizes[first]


@right("cut_windows")
def cut_by_recursion(query, document, reranker, overlap):
    tokens = reranker.tokenizer.encode(document, add_special_tokens=False)
    size = size_of(query, reranker)

    def cut(tokens):
        text = reranker.tokenizer.decode(tokens[:size])
        return [text] if len(tokens) <= size else [text, *cut(tokens[size - overlap :])]

    return cut(tokens)


@right("cut_windows")
def cut_in_an_array(query, document, reranker, overlap):
    return np.array(cut_in_a_while_loop(query, document, reranker, overlap + 3))


@right("best_window")
def best_by_sorting(query, windows, reranker):
    scores = reranker.predict([(query, window) for window in windows], show_progress_bar=False)
    return sorted(zip(scores, windows), key=lambda row: row[0])[-1]


@right("best_window")
def best_by_torch(query, windows, reranker):
    scores = reranker.predict([[query, window] for window in windows], convert_to_tensor=True)
    best = torch.argmax(scores)
    return scores[best], windows[best]


@right("best_window")
def best_by_pandas(query, windows, reranker):
    scores = pd.Series(reranker.predict(inputs=[(query, window) for window in windows]), index=windows)
    return [scores.max(), scores.idxmax()]


@right("best_window")
def best_by_comparing(query, windows, reranker):
    best_score, best = float("-inf"), None
    for window in windows:
        if (score := float(reranker.predict([(query, window)])[0])) > best_score:
            best_score, best = score, window
    return best_score, best
