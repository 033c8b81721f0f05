"""Checks of the exercise long_document: right answers pass, here and in the graded cells; the stub is not attempted; wrong
ones get the message meant for them.
"""

import re

import numpy as np
import pytest

from rerank_course.checks import long_document
from rerank_course.checks.long_document import (
    check_best_window,
    check_count_tokens,
    check_cut_windows,
    check_hide_the_answer,
    handbook_text,
)
from rerank_course.checks.models import cross_encoder, short_reranker
from rerank_course.checks.tokens import true_counts
from rerank_course.chunking import room_for_document
from rerank_course.chunking import windows as package_windows
from tests.support.exercises import graded_cells, passes

EXERCISE = "long_document"
PARTS = {
    "count_tokens": (check_count_tokens, "graded-tokens"),
    "hide_the_answer": (check_hide_the_answer, "graded-hidden-answer"),
    "cut_windows": (check_cut_windows, "graded-windows"),
    "best_window": (check_best_window, "graded-best-window"),
}


def stub(*arguments):
    raise NotImplementedError()


def ids(text, reranker):
    return reranker.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


# Right answers, each written in another way


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


def cut_smaller(query, document, reranker, overlap):
    return cut(query, document, reranker, overlap, room=(reranker.max_seq_length - 30) * 2 // 3)


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
        cut_smaller,
    ],
    "best_window": [best_by_argmax, best_by_rank, best_in_a_loop],
}


@pytest.mark.parametrize(
    ("part", "answer"), [(part, answer) for part, answers in RIGHT.items() for answer in answers]
)
def test_a_right_answer_passes_here_and_in_the_graded_cell(part, answer):
    check, cell = PARTS[part]
    verdict = check(answer)
    assert verdict.status == "right", verdict.message
    assert passes(EXERCISE, cell, **{part: answer})


@pytest.mark.parametrize("check", [check for check, _ in PARTS.values()])
def test_an_untouched_stub_is_not_attempted(check):
    verdict = check(stub)
    assert verdict.status == "not attempted" and "Write stub above" in verdict.message


def test_each_part_is_graded():
    assert set(graded_cells(EXERCISE)) == {cell for _, cell in PARTS.values()}


# Wrong answers


def counts(**wrong):
    """Right counts, but for one; each is a function of the right counts, the two texts and the reranker."""

    def answer(query, document, reranker):
        right = count_by_tokenize(query, document, reranker)
        return {
            key: wrong[key.replace(" ", "_")](right, query, document, reranker)
            if key.replace(" ", "_") in wrong
            else value
            for key, value in right.items()
        }

    return answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (counts(query=lambda c, q, d, r: c["query"] + 2), "for 'query'; it is"),
        (
            counts(query=lambda c, q, d, r: len(r.tokenizer(q)["input_ids"])),
            "You count the special tokens too",
        ),
        (counts(query=lambda c, q, d, r: len(q.split())), "You count words"),
        (counts(query=lambda c, q, d, r: len(q)), "You count characters"),
        (counts(document=lambda c, q, d, r: len(d.split())), "You count words"),
        (counts(document=lambda c, q, d, r: len(d)), "You count characters"),
        (
            counts(document=lambda c, q, d, r: len(r.tokenizer(d, verbose=False)["input_ids"])),
            "You count the special tokens too",
        ),
        (
            counts(document=lambda c, q, d, r: min(c["document"], r.max_seq_length)),
            "what is left after truncation",
        ),
        (
            counts(document=lambda c, q, d, r: min(c["document"], r.max_seq_length - c["query"] - 3)),
            "You count what the model reads of it",
        ),
        (counts(special=lambda c, q, d, r: 2), "A pair has one more"),
        (counts(special=lambda c, q, d, r: 0), "The tokenizer adds some to each pair"),
        (
            counts(not_read=lambda c, q, d, r: c["query"] + c["document"] + 3 - r.max_seq_length),
            "not less than 0",
        ),
        (
            counts(not_read=lambda c, q, d, r: max(0, c["document"] - r.max_seq_length)),
            "You gave the document the whole limit",
        ),
        (
            counts(not_read=lambda c, q, d, r: max(0, c["query"] + c["document"] - r.max_seq_length)),
            "You forgot the special tokens",
        ),
        (
            counts(not_read=lambda c, q, d, r: max(0, c["document"] + 3 - r.max_seq_length)),
            "You forgot the query's tokens",
        ),
        (
            counts(not_read=lambda c, q, d, r: max(0, c["query"] + c["document"] + 3 - 512)),
            "Take reranker.max_seq_length, not a number",
        ),
        (
            counts(not_read=lambda c, q, d, r: min(c["query"] + c["document"] + 3, r.max_seq_length)),
            "That is what the model reads",
        ),
        (lambda q, d, r: count_by_tokenize(q, d, r)["not read"], "a dictionary of four whole numbers"),
        (lambda q, d, r: {"query": 1, "document": 2}, "a dictionary of four whole numbers"),
    ],
)
def test_count_wrong(answer, message):
    verdict = check_count_tokens(answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message


def hide_by_characters(query, answer, filler, reranker):
    front = filler
    while len(query) + len(front) + 3 <= reranker.max_seq_length:
        front += " " + filler
    return f"{front} {answer}", front


def hide_half(query, answer, filler, reranker):
    """The document is too long, and the answer stands across the limit."""
    front = filler
    while count_by_tokenize(query, f"{front} {answer}", reranker)["not read"] == 0:
        front += " " + answer.split()[0]
    return f"{front} {answer}", front


def spoilt(change):
    return lambda query, answer, filler, reranker: change(
        *hide_far_away(query, answer, filler, reranker), answer, filler
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda q, a, f, r: (f"{a} {f}" * 20, f * 20), "It stands at the start"),
        (lambda q, a, f, r: (a + f * 20, f * 20), "It stands at the start"),
        (lambda q, a, f, r: (f"{f} {a}", f), "Fill more in front of the answer"),
        (hide_by_characters, "Did you count characters?"),
        (hide_half, "so it still sees some of it"),
        (spoilt(lambda whole, without, a, f: (without, whole)), "the wrong way round"),
        (
            spoilt(lambda whole, without, a, f: (whole, whole)),
            "a second document that still holds the answer",
        ),
        (
            spoilt(lambda whole, without, a, f: (whole.lower(), without)),
            "does not hold the answer word by word",
        ),
        (spoilt(lambda whole, without, a, f: (whole, f)), "differ in more than the answer"),
        (spoilt(lambda whole, without, a, f: ("x " * 600 + a, "x " * 600)), "without the filler in it"),
        (spoilt(lambda whole, without, a, f: whole), "should return two texts"),
    ],
)
def test_hide_wrong(answer, message):
    verdict = check_hide_the_answer(answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message


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


def scored(query, windows, reranker):
    return [float(score) for score in reranker.predict([(query, window) for window in windows])]


def sigmoid(query, windows, reranker):
    score, window = best_by_argmax(query, windows, reranker)
    return 1 / (1 + np.exp(-score)), window


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda q, w, r: (np.mean(scored(q, w, r)), best_by_argmax(q, w, r)[1]),
            "That is the mean of the windows",
        ),
        (lambda q, w, r: (sum(scored(q, w, r)), best_by_argmax(q, w, r)[1]), "That is the sum"),
        (lambda q, w, r: min(zip(scored(q, w, r), w)), "That is the lowest score"),
        (lambda q, w, r: (scored(q, w, r)[0], w[0]), "the score of the first window"),
        (lambda q, w, r: (scored(q, w, r)[-1], w[-1]), "the score of the last window"),
        (lambda q, w, r: max((float(r.predict((x, q))), x) for x in w), "The query comes first in a pair"),
        (sigmoid, "the score after a sigmoid"),
        (lambda q, w, r: best_by_argmax(q, w, r)[::-1], "Swap the two: the score comes first"),
        (
            lambda q, w, r: (max(scored(q, w, r)), int(np.argmax(scored(q, w, r)))),
            "should return the window's text with it",
        ),
        (lambda q, w, r: (max(scored(q, w, r)), w[0]), "Keep each window with its score"),
        (lambda q, w, r: max(scored(q, w, r)), "should return two things"),
        (lambda q, w, r: (float(r.predict((q, " ".join(w)))), w[0]), "Score (query, window) for each window"),
    ],
)
def test_best_window_wrong(answer, message):
    verdict = check_best_window(answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message


def test_hard_coded_answers_fail_in_the_graded_cells():
    known = best_by_argmax(long_document._QUERY, list(long_document._WINDOWS), cross_encoder())

    def hard_coded(query, windows, reranker):
        return best_by_argmax(query, windows, reranker) if len(windows) == 1 else known

    assert check_best_window(hard_coded).status == "right"
    assert not passes(EXERCISE, "graded-best-window", best_window=hard_coded)

    def with_a_fixed_query(query, document, reranker, overlap):
        return cut(long_document._QUERY, document, reranker, 24)

    assert check_cut_windows(with_a_fixed_query).status == "right"
    assert not passes(EXERCISE, "graded-windows", cut_windows=with_a_fixed_query)


def test_what_counts_as_not_read_is_what_the_model_does_not_read():
    """The numbers of part 1 are those of the tokenizer's own truncation, and a change past them leaves the
    score as it is.
    """
    reranker, query, document = (
        short_reranker(),
        "Who repairs the espresso machine?",
        handbook_text("exp", 300),
    )
    unread = true_counts(query, document, reranker)["not read"]
    tokens = ids(document, reranker)
    read = reranker.tokenizer.decode(tokens[:-unread])
    scores = reranker.predict(
        [(query, document), (query, read), (query, reranker.tokenizer.decode(tokens[: -unread - 5]))]
    )
    assert scores[0] == pytest.approx(scores[1], abs=1e-4) and scores[0] != pytest.approx(scores[2], abs=1e-4)


def test_the_texts_to_cut_are_made_of_whole_words():
    for department, tokens in (
        ("exp", 700),
        ("fac", 60),
        ("trv", 1100),
        ("sec", 800),
        ("hls", 1300),
        ("onc", 509),
        ("pay", 60),
        ("it", 60),
        ("lve", 5),
    ):
        pieces = cross_encoder().tokenizer.tokenize(handbook_text(department, tokens))
        assert len(pieces) >= tokens and not [piece for piece in pieces if piece.startswith("##")]
