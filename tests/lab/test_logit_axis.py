"""The axis tells each candidate's scores and places, and which one is the answer."""

import math

import pytest

from rerank_course.lab.logit_axis import logit_axis

SCORES = {"parking": (-11.2, -11.3), "the limit is $500": (-8.13, -0.09), "what is the limit?": (5.86, 3.93)}
NAMES = ("headings off", "headings on")


def test_scores_places_and_the_answer_are_told():
    picture = logit_axis(SCORES, NAMES, "the limit is $500")
    assert picture.png.startswith(b"\x89PNG")
    assert picture.alt == (
        "3 candidates by logit, headings off and headings on: “what is the limit?” from 5.9 (place 1) to 3.9 "
        "(place 1); “the limit is $500”, the answer, from -8.1 (place 2) to -0.1 (place 2); “parking” from "
        "-11.2 (place 3) to -11.3 (place 3)."
    )


def test_the_order_is_that_of_the_second_score():
    picture = logit_axis({"a": (2.0, 1.0), "b": (0.0, 3.0)}, NAMES, "a")
    assert picture.alt.endswith(
        "“b” from 0.0 (place 2) to 3.0 (place 1); “a”, the answer, from 2.0 (place 1) to 1.0 (place 2)."
    )


def test_equal_scores_share_a_place():
    picture = logit_axis({"a": (1.0, 1.0), "b": (1.0, 1.0), "c": (0.0, 0.0)}, NAMES, "a")
    assert picture.alt.count("place 1") == 4 and picture.alt.count("place 3") == 2


def test_another_answer_is_another_picture():
    assert logit_axis(SCORES, NAMES, "parking").png != logit_axis(SCORES, NAMES, "the limit is $500").png


def test_an_answer_that_is_no_candidate():
    with pytest.raises(ValueError, match="one of the candidates, not 'cats'"):
        logit_axis(SCORES, NAMES, "cats")


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_a_score_that_is_no_number(score):
    with pytest.raises(ValueError, match="'a' must be finite"):
        logit_axis({"a": (1.0, score)}, NAMES, "a")
