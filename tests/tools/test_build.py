"""Sources become notebooks: executed, with and without solutions, and always the same bytes."""

import json
import re

import pytest

from tests.support.toy_course import EXERCISE, Course, read
from tools.build import notebooks as build
from tools.build.outline import read_outline


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path)


LESSON = (
    '# %% [markdown]\n# # {title}\n\n# %%\nprint(6 * 7)\n\n# %% output="varies"\nimport time; time.time()\n'
)


def test_a_lesson_is_executed_and_a_second_build_changes_nothing(course):
    (target,) = course.lesson(LESSON)
    first = target.read_bytes()
    notebook = read(target)
    assert notebook.cells[0].source == "# 00 · A test"
    assert notebook.cells[1].outputs[0].text == "42\n"
    assert notebook.cells[2].metadata == {"tags": ["nbval-ignore-output"]}
    assert notebook.metadata.kernelspec == build.KERNEL
    assert "version" not in notebook.metadata.language_info
    assert course.lesson(LESSON) == []
    assert target.read_bytes() == first


def test_executing_again_gives_the_same_bytes(course):
    text = "# %%\nprint('one')\nprint('two')\n{'a': 1}\n"
    (target,) = course.lesson(text)
    first = target.read_bytes()
    assert course.lesson(text, force=True) == []
    assert target.read_bytes() == first


@pytest.mark.parametrize("change", ["source", "helper"])
def test_a_change_in_the_source_or_the_package_executes_again(course, change):
    text = "# %%\nprint('one')\n"
    (target,) = course.lesson(text)
    assert build.is_current(course.read(text), read(target), course.root)
    if change == "source":
        text = "# %%\nprint('two')\n"
    else:
        course.write("rerank_course/helper.py", "x = 2\n")
    assert not build.is_current(course.read(text), read(target), course.root)
    assert course.lesson(text) == [target]


def test_an_exercise_has_no_solution_no_hidden_test_and_no_output(course):
    solution_path, exercise_path = course.exercise(EXERCISE)
    assert (solution_path.name, exercise_path.name) == ("ex00_twice.ipynb", "ex00_twice.ipynb")
    solution, exercise = read(solution_path), read(exercise_path)
    assert solution.cells[0].source == "# Exercise 00 · Twice\n\n3 minutes, 5 points"
    assert solution.cells[2].outputs and solution.cells[2].execution_count == 2
    text = exercise_path.read_text(encoding="utf-8")
    assert not re.search("secret|hidden|SOLUTION|HIDDEN", text)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in exercise.cells)
    stub = exercise.cells[1].source
    assert stub.startswith('def double(number):\n    """Twice the number."""')
    assert "raise NotImplementedError()" in stub
    assert "assert double(2) == 4" in exercise.cells[3].source
    assert "YOUR ANSWER HERE" in exercise.cells[4].source
    graded = exercise.cells[3].metadata
    assert graded.nbgrader.points == 3 and graded.nbgrader.grade_id == "double-graded"
    assert graded.nbgrader.checksum and graded.editable is False
    assert exercise.cells[4].metadata.nbgrader.points == 2
    assert course.exercise(EXERCISE) == []


def test_cells_keep_their_ids_when_others_are_added(course):
    before = course.read("# %%\na = 1\n\n# %%\nb = 2\n\n# %%\nb = 2\n")
    after = course.read("# %%\nnew = 0\n\n# %%\na = 1\n\n# %%\nb = 2\n\n# %%\nb = 2\n")
    assert [cell.id for cell in after.cells[1:]] == [cell.id for cell in before.cells]
    assert len({cell.id for cell in after.cells}) == 4


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("print(1 / 0)", "ZeroDivisionError"),
        ("import warnings; warnings.warn('old')", "writes to standard error"),
        ("import pathlib; print(pathlib.Path.home() / 'x')", "prints a path of this machine"),
        ("object()", "prints a memory address"),
    ],
)
def test_what_must_not_be_in_a_notebook_stops_the_build_and_writes_nothing(course, cell, message):
    with pytest.raises(build.BuildError, match=message):
        course.lesson(f"# %%\nprint('fine')\n\n# %%\n{cell}\n")
    assert not (course.root / "notebooks" / "00_test.ipynb").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('# %% role="teacher"\n1\n', "unknown marks"),
        ('# %% colour="red"\n1\n', "unknown marks"),
        ('# %% output="sometimes"\n1\n', "unknown marks"),
        ('# %% role="solution"\n### BEGIN SOLUTION\n1\n### END SOLUTION\n', "needs an id"),
        ('# %% role="graded" id="a"\n1\n', "needs an id and points"),
        ('# %% role="solution" id="a" points=3\n### BEGIN SOLUTION\n1\n### END SOLUTION\n', "no points"),
        ('# %% id="a"\n1\n', "need a role"),
        ('# %% role="solution" id="a"\n1\n', "without a SOLUTION region"),
        ('# %% role="solution" id="a"\n### BEGIN SOLUTION\n1\n', "SOLUTION regions"),
        (
            '# %% role="solution" id="a"\n' + "### BEGIN SOLUTION\n" * 2 + "### END SOLUTION\n" * 2,
            "SOLUTION regions",
        ),
        ("# %%\n### BEGIN SOLUTION\n1\n### END SOLUTION\n", "SOLUTION regions"),
        ("# %%\n### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS\n", "HIDDEN TESTS regions"),
        (
            '# %% role="graded" id="a" points=1\n### END HIDDEN TESTS\n1\n### BEGIN HIDDEN TESTS\n',
            "HIDDEN TESTS regions",
        ),
    ],
)
def test_malformed_sources_are_refused_with_their_place(course, text, message):
    with pytest.raises(build.BuildError, match=f"test.py, cell 1.*{message}"):
        course.read(text)


def test_two_cells_with_one_grade_id_are_refused(course):
    twice = EXERCISE + EXERCISE
    with pytest.raises(build.BuildError, match="an id marks two cells: 'double'"):
        course.exercise(twice)


def test_only_selects_by_number_or_name(capsys):
    outline = read_outline()
    alone = next(lesson for lesson in outline.lessons if not lesson.exercise)
    assert build.chosen(outline, alone.number) == ([alone], [])
    lesson = next(lesson for lesson in outline.lessons if lesson.exercise)
    assert build.chosen(outline, lesson.exercise.name) == ([], [lesson.exercise])
    assert build.chosen(outline, lesson.number) == ([lesson], [lesson.exercise])
    assert build.main(["--only", "no such lesson"]) == 1
    assert "no lesson and no exercise" in capsys.readouterr().err


def test_markers_do_not_depend_on_json_layout(course):
    """The built file is plain JSON with one trailing newline and Unix line ends, so that git shows small
    differences.
    """
    (target,) = course.lesson("# %%\nprint('é')\n")
    raw = target.read_bytes()
    assert raw.endswith(b"}\n") and b"\r" not in raw and "é" in raw.decode("utf-8")
    assert json.loads(raw)["nbformat"] == 4
