"""Windows that are cut wrongly get the message meant for them."""

import numpy as np
import pytest

from rerank_course.checks.long_document import (
    check_cut_windows,
)
from tests.checks.long_answers import (
    cut,
    ids,
)

pytestmark = pytest.mark.heavy  # even a count of tokens asks the model's tokenizer


def cut_by_words(query, document, reranker, overlap):
    words, size = document.split(), reranker.max_seq_length - len(query.split()) - 3
    return [" ".join(words[i : i + size]) for i in range(0, len(words), size - overlap)]


def cut_by_characters(query, document, reranker, overlap):
    size = reranker.max_seq_length - len(ids(query, reranker)) - 3
    return [document[i : i + size] for i in range(0, len(document), size - overlap)]


def cut_overlap_in_characters(query, document, reranker, overlap):
    pieces = cut(query, document, reranker, 0, room=60)
    ends = np.cumsum([0] + [len(piece) for piece in pieces])
    starts = [document.index(piece[:40]) for piece in pieces]
    return (
        [document[max(0, start - overlap) : start + len(piece)] for start, piece in zip(starts, pieces)]
        if len(ends)
        else []
    )


def size_of(query, reranker):
    return reranker.max_seq_length - len(ids(query, reranker)) - 3


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda q, d, r, o: cut(q, d, r, o, specials=0), "You forgot the special tokens"),
        (lambda q, d, r, o: cut(q, d, r, o, room=r.max_seq_length - 3), "You forgot the query"),
        (lambda q, d, r, o: cut(q, d, r, o, room=r.max_seq_length), "You gave the window the whole limit"),
        (lambda q, d, r, o: cut(q, d, r, o, room=500), "leave room for the query and the special tokens"),
        (lambda q, d, r, o: cut(q, d, r, 0), "an answer across the border is cut in two"),
        (
            lambda q, d, r, o: cut(q, d, r, o, step=size_of(q, r) + o),
            "between windows 1 and 2. Step on by less",
        ),
        (
            lambda q, d, r, o: cut(q, d, r, o, until=size_of(q, r)),
            "The last window is shorter than the others; keep it",
        ),
        (lambda q, d, r, o: cut(q, d, r, o)[:1], "left out the last"),
        (lambda q, d, r, o: cut(q, d, r, o)[1:], "left out the beginning"),
        (cut_by_words, "Did you count words?"),
        (cut_by_characters, "Count the overlap in tokens"),
        (cut_overlap_in_characters, "Count the overlap in tokens"),
        (lambda q, d, r, o: cut(q, d, r, o, step=3), "windows, where"),
        (lambda q, d, r, o: [f"{q} {piece}" for piece in cut(q, d, r, o)], "It begins with the query"),
        (
            lambda q, d, r, o: [r.tokenizer.decode(r.tokenizer(d, verbose=False)["input_ids"][:100])],
            "It holds special tokens as text",
        ),
        (
            lambda q, d, r, o: [(q, piece) for piece in cut(q, d, r, o)],
            "should return a list of texts, but returned tuple",
        ),
        (lambda q, d, r, o: [ids(d, r)[:100]], "should return a list of texts, but returned list"),
        (lambda q, d, r, o: cut(q, d, r, o)[0], "should return a list of texts, but returned str"),
        (lambda q, d, r, o: cut(q, d, r, o) if len(d) > 200 else [], "A document that fits is one window"),
        (lambda q, d, r, o: [d[::-1]], "that is no piece of the document"),
    ],
)
def test_cut_wrong(answer, message):
    verdict = check_cut_windows(answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message
