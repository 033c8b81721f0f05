"""A guess: by the call, in the form, and beside what came out."""

import math
from decimal import Decimal
from itertools import count

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from rerank_course.lab import guess as module
from rerank_course.lab.guess import guess, parse_number
from tests.support import ROOT

PLACE = "place of the answer"
WAYS = ["rises", "falls"]


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch):
    """Each test begins as a fresh kernel does."""
    monkeypatch.setattr(module, "_asked", {})


def printed(capsys):
    return capsys.readouterr().out.rstrip("\n")


# As plain Python


def test_without_a_guess(capsys):
    place = guess(PLACE)
    assert printed(capsys) == (
        "place of the answer: your guess?\n"
        "Guess a number: run this cell and use its box, or write yours=… in the call."
    )
    place.beside(4)
    assert printed(capsys) == "place of the answer: 4. Your guess: none yet."


def test_a_guess_in_the_call(capsys):
    place = guess(PLACE, yours=3)
    assert printed(capsys).startswith("place of the answer: your guess is 3.\nTo change it, ")
    place.beside(4)
    assert printed(capsys) == "place of the answer: 4. Your guess: 3 (1 too low)."


@pytest.mark.parametrize(
    ("yours", "measured", "digits", "said"),
    [
        (4, 4, None, "4. Your guess: 4 (the same)."),
        ("4.0", 4, None, "4. Your guess: 4.0 (the same)."),
        (" 3,5 ", 3.2, None, "3.2. Your guess: 3,5 (0.3 too high)."),
        ("-8", -8.13, 1, "-8.1. Your guess: -8 (0.1 too high)."),
        ("\N{MINUS SIGN}8", -8.5, None, "-8.5. Your guess: \N{MINUS SIGN}8 (0.5 too high)."),
        (0.1, 0.1 + 0.2, 1, "0.3. Your guess: 0.1 (0.2 too low)."),
        (100, 1, None, "1. Your guess: 100 (99 too high)."),
        (1, 101, None, "101. Your guess: 1 (100 too low)."),
        (np.float64(2.5), np.float32(2.0), 1, "2.0. Your guess: 2.5 (0.5 too high)."),
        (np.int64(3), np.int64(3), None, "3. Your guess: 3 (the same)."),
        ("40 %", "38 %", None, "38 %. Your guess: 40 % (2 too high)."),
        ("40 %", 38, None, "38. Your guess: 40 % (2 too high)."),
        ("40 %", 0.38, None, "0.38. Your guess: 40 % (0.02 too high)."),
        (2, "2.5 s", None, "2.5 s. Your guess: 2 (0.5 too low)."),
        (2, "1 of 7", None, "1 of 7. Your guess: 2."),
        (None, 0.123456, 3, "0.123. Your guess: none yet."),
    ],
)
def test_beside_what_came_out(capsys, yours, measured, digits, said):
    asked = guess(PLACE, yours)
    printed(capsys)
    asked.beside(measured, digits)
    assert printed(capsys) == f"{PLACE}: {said}"


def test_choices(capsys):
    way = guess("the score", choices=WAYS)
    assert "Choose rises or falls: run this cell and use its buttons" in printed(capsys)
    way.beside("falls")
    assert printed(capsys) == "the score: falls. Your guess: none yet."
    guess("the score", " Rises", choices=WAYS)
    printed(capsys)
    way.beside("falls")
    way.beside("rises")
    assert printed(capsys) == (
        "the score: falls. Your guess: rises (not the same).\nthe score: rises. Your guess: rises (the same)."
    )


def test_choices_may_be_numbers(capsys):
    depth = guess("best depth", yours=20, choices=[10, 20])
    printed(capsys)
    depth.beside(np.int64(20))
    assert printed(capsys) == "best depth: 20. Your guess: 20 (the same)."


# What is kept


def test_the_same_question_has_the_earlier_guess():
    assert guess(PLACE, yours=3).yours == "3"
    assert guess(PLACE).yours == "3"
    assert guess(PLACE, yours=5).yours == "5"
    assert guess(PLACE).yours == "5"


def test_another_question_has_none():
    guess(PLACE, yours=3)
    assert guess("another").yours is None
    assert guess(PLACE, choices=["1", "3"]).yours is None


# What is refused


@pytest.mark.parametrize(
    "yours", ["third", "1/2", "nan", math.nan, math.inf, "3 or 4", "1.2.3", True, [3], "%"]
)
def test_a_guess_that_is_no_number(yours):
    with pytest.raises(ValueError, match="A number is asked, for example 3 or 3.5, not"):
        guess(PLACE, yours)


def test_a_refused_guess_leaves_the_earlier_one():
    asked = guess(PLACE, yours=3)
    with pytest.raises(ValueError, match="not 'three'"):
        guess(PLACE, yours="three")
    assert asked.yours == "3"


def test_a_comma_that_has_two_meanings():
    with pytest.raises(ValueError, match=r"read in two ways: write 1234 or 1\.234"):
        guess(PLACE, "1,234")
    assert parse_number("0,125") == (Decimal("0.125"), False)


def test_no_such_choice():
    with pytest.raises(ValueError, match="'stays' is none of the choices: rises, falls"):
        guess("the score", "stays", choices=WAYS)
    with pytest.raises(ValueError, match="'stays' is none of the choices"):
        guess("the score", choices=WAYS).beside("stays")


@pytest.mark.parametrize("measured", [math.nan, -math.inf, np.float32("nan")])
def test_what_is_measured_must_be_finite(measured):
    with pytest.raises(ValueError, match="must be a finite number"):
        guess(PLACE).beside(measured)


@pytest.mark.parametrize("choices", [[], ["one"], ["a", "A"], ["a", " "], "ab"])
def test_choices_that_are_none(choices):
    with pytest.raises(ValueError, match="at least two different answers"):
        guess("the score", choices=choices)


def test_an_empty_question():
    with pytest.raises(ValueError, match="question is empty"):
        guess("  ")


# The form


def parts(asked):
    control, line = asked.form().children
    return control, line


def test_a_number_typed_is_kept():
    asked = guess(PLACE)
    box, line = parts(asked)
    assert "No guess yet." in line.value and 'role="status"' in line.value and not box.continuous_update
    box.value = "3,5"
    assert asked.yours == "3,5" and "Kept: 3,5." in line.value
    box.value = "<b>"
    assert asked.yours == "3,5" and "Not kept. A number is asked" in line.value and "<b>" not in line.value
    box.value = ""
    assert asked.yours is None and "No guess yet." in line.value


def test_a_choice_made_is_kept():
    asked = guess("the score", choices=WAYS)
    buttons, line = parts(asked)
    assert buttons.value is None and list(buttons.options) == WAYS
    buttons.value = "falls"
    assert asked.yours == "falls" and "Kept: falls." in line.value


def test_the_form_starts_with_the_guess_of_the_call():
    assert parts(guess(PLACE, yours=3))[0].value == "3"
    assert parts(guess(PLACE, yours=4))[0].value == "4"
    assert parts(guess("the score", "falls", choices=WAYS))[0].value == "falls"


def test_a_guess_after_the_result_says_so():
    asked = guess(PLACE)
    box, line = parts(asked)
    asked.beside(4)
    box.value = "3"
    assert "The result was there first: run its cell again to see both." in line.value


# In a kernel


@pytest.mark.heavy
def test_a_cell_that_runs_again_keeps_what_was_typed():
    ask = f"from rerank_course.lab.guess import guess\nplace = guess({PLACE!r})"
    cells = [ask, "place.form().children[0].value = '3'", ask, "place.beside(4)"]
    number = count()
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell, id=f"c{next(number)}") for cell in cells]
    )
    options = {"kernel_name": "python3", "store_widget_state": False, "coalesce_streams": True}
    NotebookClient(notebook, **options, resources={"metadata": {"path": str(ROOT)}}).execute()
    first, _, again, beside = (cell.outputs for cell in notebook.cells)
    assert [output.output_type for output in first] == ["stream", "display_data"]
    assert "application/vnd.jupyter.widget-view+json" in first[1]["data"]
    assert again[0]["text"].startswith("place of the answer: your guess is 3.\n")
    assert beside[0]["text"] == "place of the answer: 4. Your guess: 3 (1 too low).\n"
