"""Numbers in words, and other people's texts made fit for a page."""

import pytest

from rerank_course.report.wording import count, duration, interval, listed, name, number, share, shown, signed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0441, "+0.044"),
        (-0.0119, "−0.012"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (0.0004, "+0.0004"),
        (-0.00004, "−0.00004"),
        (1e-12, "0.000"),
        (-1e-12, "0.000"),
        (1, "+1.000"),
    ],
)
def test_a_difference_has_its_sign_and_is_never_a_wrong_zero(value, text):
    assert signed(value) == text


def test_numbers_in_words():
    assert number(0.56789) == "0.568" and share(0.468) == "47\u00a0%"
    assert interval(-0.01, 0.02) == "−0.010 to +0.020"
    assert [duration(s) for s in (0.0341, 2.14, 75.2, 1234)] == [
        f"{text}\u00a0s" for text in ("0.034", "2.1", "75", "1200")
    ]
    assert [count(n, "query", "queries") for n in (0, 1, 1200)] == ["0 queries", "1 query", "1,200 queries"]
    assert count(2, "document") == "2 documents"
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("short", 10, "short"),
        ("  two\n\nlines\t", 20, "two lines"),
        ("one two three", 9, "one two…"),
        ("one two three", 8, "one two…"),
        ("one two three", 7, "one…"),
        ("x" * 100, 10, "x" * 9 + "…"),
        ("a " + "x" * 100, 10, "a…"),
        ("a " + "x" * 100, 40, "a " + "x" * 37 + "…"),
        ("nul\x00 bell\x07 c1\x9b", 30, "nul� bell� c1�"),
        ("half \ud800 \ufffe", 30, "half � �"),
        ("turned \u202eback\u2066 \u200fon", 30, "turned back on"),
        ("next\u0085line\u2028sep", 30, "next line sep"),
        ("", 10, ""),
        (" \u200e ", 10, ""),
    ],
)
def test_a_text_is_on_one_line_whole_or_cut_with_a_mark_and_without_unfit_characters(text, width, expected):
    assert shown(text, width) == expected


def test_a_letter_keeps_its_accents():
    assert shown("e\u0301" * 10, 6) == "e\u0301e\u0301…"


def test_a_book_is_cut_without_reading_it_and_still_has_its_mark():
    assert shown(" " * 100_000 + "end", 50) == "…"
    assert len(shown("word " * 1_000_000, 240)) <= 240


def test_a_name_is_never_empty():
    assert name("BM25") == "BM25" and name(" \u202e") == "(no name)" and len(name("x" * 999)) == 60


def test_a_long_name_keeps_its_end():
    long = "a-run-of-another-engine-with-a-long-name.txt + rerank 100"
    assert name(long, 32) == "a-run-of-anothe…txt + rerank 100"
