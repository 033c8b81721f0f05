"""The picture of what is read of a long document."""

import pytest

from rerank_course.chunking import Window, windows
from rerank_course.lab.windows import draw_window

DOCUMENT = (
    "one two three four five six seven eight nine ten " * 3 + "the answer stands here and then comes more"
)


@pytest.fixture(scope="module")
def tokenizer(fast):
    return fast.tokenizer


def test_places_are_in_tokens_and_the_best_window_is_named(tokenizer):
    pieces = windows(DOCUMENT, tokenizer, 10)
    scored = [(1.5 if number == 2 else -4.0, piece) for number, piece in enumerate(pieces)]
    picture = draw_window(
        DOCUMENT,
        "answer stands",
        {"windows of 10": scored, "the start": [(-3.25, Window(DOCUMENT[:23], 0, 23))]},
        tokenizer,
    )
    assert picture.png[:4] == b"\x89PNG"
    assert "The document has 38 tokens; the answer stands at 31 to 33" in picture.alt
    assert "windows of 10: 4 read, the best, 20 to 30, scores 1.5" in picture.alt
    assert "the start: 1 read, the best, 0 to 5, scores -3.2" in picture.alt


def test_no_row_is_needed(tokenizer):
    assert "38 tokens" in draw_window(DOCUMENT, "the answer", {}, tokenizer).alt


@pytest.mark.parametrize(("answer", "times"), [("three", 3), ("missing", 0)])
def test_an_answer_that_is_not_there_once(tokenizer, answer, times):
    with pytest.raises(ValueError, match=f"once in the document, not {times} times: '{answer}'"):
        draw_window(DOCUMENT, answer, {}, tokenizer)


def test_a_row_without_windows(tokenizer):
    with pytest.raises(ValueError, match=r"rows\['empty'\] has no window"):
        draw_window(DOCUMENT, "the answer", {"empty": []}, tokenizer)
