"""Checks of the exercise long_document: right answers pass, wrong ones get their message."""

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
from tests.checks.long_answers import RIGHT, best_by_argmax, count_by_tokenize, cut, hide_far_away, ids
from tests.support.exercises import graded_cells, passes, stub

pytestmark = pytest.mark.heavy  # even a count of tokens asks the model's tokenizer


EXERCISE = "long_document"

PARTS = {
    "count_tokens": (check_count_tokens, "graded-tokens"),
    "hide_the_answer": (check_hide_the_answer, "graded-hidden-answer"),
    "cut_windows": (check_cut_windows, "graded-windows"),
    "best_window": (check_best_window, "graded-best-window"),
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
        return cut(long_document._LONG_QUERY, document, reranker, overlap)

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
