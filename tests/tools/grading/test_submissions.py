"""Finding what was handed in, and which exercise it answers."""

import nbformat
import pytest

from classroom.tables import defused
from tests.lessons.built import OUTLINE
from tests.tools.grading.toy_course import EXERCISE, put
from tools.grading.submissions import find_submissions
from tools.grading.which_exercise import which_exercise

EXERCISES = ["ex05_long_document", "ex06_cosine_comparison"]


def built(source):
    return f'{{"metadata": {{"rerank_course": {{"source": "lessons/exercises/{source}.py"}}}}}}'.encode()


def test_a_name_written_in_two_ways_is_one_student(handed_out, tmp_path):
    put(tmp_path, "Zoe\u0308", handed_out)
    nbformat.write(handed_out, tmp_path / f"Zo\u00eb__{EXERCISE}.ipynb")
    found = find_submissions(tmp_path, [EXERCISE])
    assert [(s.student, s.exercise) for s in found] == [("Zo\u00eb", EXERCISE)]
    assert "was handed in as well" in found[0].notes[0]


@pytest.mark.parametrize(
    "name",
    [
        "ex06_cosine_comparison",
        "ex06_cosine_comparison (2)",
        "Copy of ex06_cosine_comparison",
        "Ex06 Cosine Comparison",
        "cosine_comparison",
        "EX06 anna",
        "anna_ex06-final",
    ],
)
def test_an_exercise_is_known_by_its_name_or_number(name):
    assert which_exercise(name, None, EXERCISES) == "ex06_cosine_comparison"


def test_a_renamed_notebook_is_known_by_what_the_build_wrote(handed_out):
    content = nbformat.writes(handed_out).encode()
    assert which_exercise("homework", content, [*EXERCISES, EXERCISE]) == EXERCISE
    assert which_exercise("homework", b"{}", EXERCISES) == ""


@pytest.mark.parametrize(
    ("name", "content", "exercise"),
    [
        ("ex05_cosine_comparison", built("ex05_cosine_comparison"), "ex06_cosine_comparison"),
        ("ex05_cosine_comparison", None, "ex06_cosine_comparison"),
        ("ex06_long_document", b"{}", "ex05_long_document"),
        ("ex05", built("ex05_cosine_comparison"), "ex06_cosine_comparison"),
        ("ex05", built("long_document"), "ex05_long_document"),
        ("ex05", b"{}", "ex05_long_document"),
        ("ex06", None, "ex06_cosine_comparison"),
        ("homework", built("ex06_long_document"), "ex05_long_document"),
        ("ex07", None, ""),
    ],
)
def test_a_name_counts_for_more_than_the_build_and_that_for_more_than_a_number(name, content, exercise):
    """Exercises 05 and 06 had each other's numbers before."""
    assert which_exercise(name, content, EXERCISES) == exercise


# {name: the numbers that it was handed out with, the first first}
NUMBERS = {
    "score_pairs": ("02",),
    "rerank_documents": ("03",),
    "judge_a_ranking": ("04",),
    "long_document": ("06", "05"),
    "cosine_comparison": ("05", "06"),
    "hosted_with_fallback": ("07",),
}
TODAY = [exercise.file.removesuffix(".ipynb") for exercise in OUTLINE.exercises]


@pytest.mark.parametrize(("name", "number"), [(name, n) for name, given in NUMBERS.items() for n in given])
def test_what_was_handed_out_under_an_earlier_number_is_found(name, number):
    """Before lessons were numbered anew: by its file, by what the build wrote then, or by both."""
    now = f"ex{OUTLINE.exercise(name).number}_{name}"
    old = f"ex{number}_{name}"
    assert which_exercise(old, None, TODAY) == now
    for source in (name, old):
        assert which_exercise("homework", built(source), TODAY) == now
        assert which_exercise(f"ex{number}", built(source), TODAY) == now
        assert which_exercise(f"Ana ex{number}", built(source), TODAY) == now


def test_no_exercise_that_was_handed_out_is_gone():
    assert {exercise.name for exercise in OUTLINE.exercises} >= NUMBERS.keys()


def test_old_names_are_found_in_flat_files_too(tmp_path):
    (tmp_path / "anna__ex05_cosine_comparison.ipynb").write_bytes(built("ex05_cosine_comparison"))
    (tmp_path / "ben").mkdir()
    (tmp_path / "ben" / "ex06_long_document.ipynb").write_bytes(built("ex06_long_document"))
    found = find_submissions(tmp_path, EXERCISES)
    assert [(s.student, s.exercise) for s in found] == [
        ("anna", "ex06_cosine_comparison"),
        ("ben", "ex05_long_document"),
    ]


def test_a_cell_in_a_table_is_no_formula():
    assert defused('=HYPERLINK("x")').startswith("'=")
    assert defused("Ana") == "Ana"
