"""Right answers to the exercise long_document, each written in several ways."""

import re

import numpy as np

from rerank_course.chunking import room_for_document
from rerank_course.chunking import windows as package_windows


def ids(text, reranker):
    return reranker.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def count_by_tokenize(query, document, reranker):
    q, d = len(reranker.tokenizer.tokenize(query)), len(reranker.tokenizer.tokenize(document))
    return {"query": q, "document": d, "special": 3, "not read": max(q + d + 3 - reranker.max_seq_length, 0)}


def count_by_truncation(query, document, reranker):
    tokenizer, limit = reranker.tokenizer, reranker.max_seq_length
    whole, cut = (
        tokenizer(query, document, verbose=False),
        tokenizer(query, document, truncation=True, max_length=limit),
    )
    q, d = (len(tokenizer(text, verbose=False)["input_ids"]) - 2 for text in (query, document))
    return {
        "not read": len(whole["input_ids"]) - len(cut["input_ids"]),
        "special": np.int64(len(whole["input_ids"]) - q - d),
        "query": q,
        "document": d,
    }


def hide_far_away(query, answer, filler, reranker):
    return [(filler + " ") * 20 + answer, (filler + " ") * 20]


def hide_just_past_the_limit(query, answer, filler, reranker):
    words, front = filler.split() * 20, []
    for word in words:
        front.append(word)
        if (
            len(front) > len(filler.split())
            and count_by_tokenize(query, " ".join(front), reranker)["not read"]
        ):
            break
    return f"{' '.join(front)}\n{answer}\n{filler}", f"{' '.join(front)}\n{filler}"


def cut(query, document, reranker, overlap, *, room=None, step=None, until=0, specials=3, unit="offsets"):
    """Windows by offsets, with places for mistakes."""
    places = reranker.tokenizer(
        document, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )["offset_mapping"]
    room = room or reranker.max_seq_length - len(ids(query, reranker)) - specials
    starts = range(0, max(1, len(places) - (overlap if until == 0 else until)), step or room - overlap)
    return [document[places[i][0] : places[min(i + room, len(places)) - 1][1]] for i in starts]


def cut_by_decoding(query, document, reranker, overlap):
    tokens, size = ids(document, reranker), reranker.max_seq_length - len(ids(query, reranker)) - 3
    return [reranker.tokenizer.decode(tokens[i : i + size]) for i in range(0, len(tokens), size - overlap)]


def cut_by_the_tokenizer(query, document, reranker, overlap):
    found = reranker.tokenizer(
        query,
        document,
        truncation="only_second",
        max_length=reranker.max_seq_length,
        stride=overlap,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    pieces = []
    for number, offsets in enumerate(found["offset_mapping"]):
        own = [place for place, part in zip(offsets, found.sequence_ids(number)) if part == 1]
        pieces.append(document[own[0][0] : own[-1][1]])
    return pieces


def cut_by_sentences(query, document, reranker, overlap):
    """Whole sentences, and those at the end of a window again at the start of the next."""
    sentences, room = re.split(r"(?<=[.!?])\s+", document), room_for_document(query, reranker)
    pieces, first = [], 0
    while True:
        last = first + 1
        while last < len(sentences) and len(ids(" ".join(sentences[first : last + 1]), reranker)) <= room:
            last += 1
        pieces.append(" ".join(sentences[first:last]))
        if last == len(sentences):
            return pieces
        first = last - 1
        while len(ids(" ".join(sentences[first:last]), reranker)) < overlap:
            first -= 1


def cut_by_the_package(query, document, reranker, overlap):
    return tuple(
        window.text
        for window in package_windows(
            document, reranker.tokenizer, room_for_document(query, reranker) - 2, overlap
        )
    )


def best_by_argmax(query, windows, reranker):
    scores = reranker.predict([(query, window) for window in windows])
    return [scores[np.argmax(scores)], windows[np.argmax(scores)]]


def best_by_rank(query, windows, reranker):
    best = reranker.rank(query, windows, top_k=1)[0]
    return float(best["score"]), windows[best["corpus_id"]]


def best_in_a_loop(query, windows, reranker):
    best = (-1000, "")
    for window in windows:
        best = max(best, (float(reranker.predict((query, window))), window))
    return best


RIGHT = {
    "count_tokens": [count_by_tokenize, count_by_truncation],
    "hide_the_answer": [hide_far_away, hide_just_past_the_limit],
    "cut_windows": [
        cut,
        cut_by_decoding,
        cut_by_the_tokenizer,
        cut_by_sentences,
        cut_by_the_package,
    ],
    "best_window": [best_by_argmax, best_by_rank, best_in_a_loop],
}
