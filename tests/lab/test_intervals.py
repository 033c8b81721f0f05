"""The interval chart tells each mean, its interval, and whether the reference is left out."""

import math

import pytest

from rerank_course.lab.intervals import interval_chart

ROWS = {
    "BM25": (0.0534, 0.0211, 0.0834),
    "dense": (-0.0004, -0.0333, 0.024),
    "hybrid": (-0.05, -0.1, -0.02),
}


def test_figures_and_the_reference_are_told():
    picture = interval_chart(ROWS, "gain in nDCG@10")
    assert picture.png.startswith(b"\x89PNG")
    assert picture.alt == (
        "gain in nDCG@10, means with their intervals. BM25: 0.053 (0.021 to 0.083), which leaves out 0; "
        "dense: 0 (-0.033 to 0.024), which holds 0; hybrid: -0.05 (-0.1 to -0.02), which leaves out 0."
    )


def test_another_reference_and_none():
    at_half = interval_chart({"a": (0.6, 0.55, 0.7), "b": (0.5, 0.4, 0.6)}, "nDCG@10", reference=0.5)
    assert "a: 0.6 (0.55 to 0.7), which leaves out 0.5; b: 0.5 (0.4 to 0.6), which holds 0.5." in at_half.alt
    without = interval_chart(ROWS, "gain", reference=None)
    assert "which" not in without.alt and without.png != interval_chart(ROWS, "gain").png


def test_an_interval_that_ends_at_the_reference_holds_it():
    alt = interval_chart({"a": (0.1, 0.0, 0.2), "b": (-0.1, -0.2, 0.0)}, "gain").alt
    assert alt.count("which holds 0") == 2


def test_an_interval_without_width_is_drawn():
    assert "a: 1 (1 to 1), which leaves out 0." in interval_chart({"a": (1.0, 1.0, 1.0)}, "RR@10").alt


def test_numbers_that_are_rounded_at_the_edge_of_their_interval_are_taken():
    assert interval_chart({"a": (0.1 + 0.2, 0.3, 0.3)}, "gain").alt


def test_a_long_name_is_told_in_full():
    name = "a system with a name that is a good deal longer than the room at the left"
    assert name in interval_chart({name: (1, 0.5, 2)}, "gain").alt


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({}, "rows is empty"),
        ({"a": (0.1, 0.2, 0.3)}, "row 'a' must have low ≤ mean ≤ high"),
        ({"ok": (1, 0, 2), "b": (3, 0, 2)}, "row 'b' must have low"),
        ({"a": (1, 2, 0)}, "row 'a' must have low"),
        ({"a": (math.nan, 0, 1)}, "row 'a' must have three finite"),
        ({"a": (0, -math.inf, 1)}, "row 'a' must have three finite"),
        ({"a": (0, 1)}, "row 'a' must have three finite"),
    ],
)
def test_a_bad_row_is_named(rows, message):
    with pytest.raises(ValueError, match=message):
        interval_chart(rows, "gain")


@pytest.mark.parametrize("reference", [math.nan, math.inf])
def test_a_reference_is_a_number(reference):
    with pytest.raises(ValueError, match="reference must be"):
        interval_chart(ROWS, "gain", reference=reference)
