import json
import re

import nbformat
import pytest

from tools.build import notebooks as build

EXERCISE = '''\
# %% [markdown]
# # Exercise

# %% role="solution" id="double"
def double(number):
    """Twice the number."""
    ### BEGIN SOLUTION
    secret_way = number + number
    return secret_way
    ### END SOLUTION

# %%
print("public check")

# %% role="graded" id="double-graded" points=3
assert double(2) == 4
### BEGIN HIDDEN TESTS
assert double("hidden") == "hiddenhidden"
### END HIDDEN TESTS

# %% [markdown] role="written" id="why" points=2
# ### BEGIN SOLUTION
# Because secret words.
# ### END SOLUTION
'''


@pytest.fixture
def course(tmp_path):
    """A course folder with no lessons yet; returns a function that writes one and gives its path."""
    (tmp_path / "lessons" / "exercises").mkdir(parents=True)
    (tmp_path / "rerank_course").mkdir()
    (tmp_path / "rerank_course" / "helper.py").write_text("x = 1\n", encoding="utf-8")

    def write(text, name="lessons/00_test.py"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    write.root = tmp_path
    return write


def read(path):
    return nbformat.read(path, as_version=4)


def test_a_lesson_is_executed_and_a_second_build_changes_nothing(course):
    source = course(
        '# %% [markdown]\n# # Title\n\n# %%\nprint(6 * 7)\n\n# %% output="varies"\nimport time; time.time()\n'
    )
    (target,) = build.build_lesson(source, root=course.root)
    first = target.read_bytes()
    notebook = read(target)
    assert notebook.cells[1].outputs[0].text == "42\n"
    assert notebook.cells[2].metadata == {"tags": ["nbval-ignore-output"]}
    assert notebook.metadata.kernelspec == build.KERNEL and "version" not in notebook.metadata.language_info
    assert build.build_lesson(source, root=course.root) == []
    assert target.read_bytes() == first


def test_executing_again_gives_the_same_bytes(course):
    source = course("# %%\nprint('one')\nprint('two')\n{'a': 1}\n")
    (target,) = build.build_lesson(source, root=course.root)
    first = target.read_bytes()
    assert build.build_lesson(source, force=True, root=course.root) == []
    assert target.read_bytes() == first


@pytest.mark.parametrize("change", ["source", "helper"])
def test_a_change_in_the_source_or_the_package_executes_again(course, change):
    source = course("# %%\nprint('one')\n")
    (target,) = build.build_lesson(source, root=course.root)
    assert build.is_current(build.read_source(source, course.root), read(target), course.root)
    course("# %%\nprint('two')\n") if change == "source" else course("x = 2\n", "rerank_course/helper.py")
    assert not build.is_current(build.read_source(source, course.root), read(target), course.root)
    assert build.build_lesson(source, root=course.root) == [target]


def test_an_exercise_has_no_solution_no_hidden_test_and_no_output(course):
    source = course(EXERCISE, "lessons/exercises/ex01_test.py")
    solution_path, exercise_path = build.build_exercise(source, root=course.root)
    solution, exercise = read(solution_path), read(exercise_path)
    assert solution.cells[2].outputs and solution.cells[2].execution_count == 2
    text = exercise_path.read_text(encoding="utf-8")
    assert not re.search("secret|hidden|SOLUTION|HIDDEN", text)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in exercise.cells)
    stub = exercise.cells[1].source
    assert (
        stub.startswith('def double(number):\n    """Twice the number."""')
        and "raise NotImplementedError()" in stub
    )
    assert "assert double(2) == 4" in exercise.cells[3].source
    assert "YOUR ANSWER HERE" in exercise.cells[4].source
    graded = exercise.cells[3].metadata
    assert (
        graded.nbgrader.points == 3
        and graded.nbgrader.grade_id == "double-graded"
        and graded.nbgrader.checksum
        and graded.editable is False
    )
    assert exercise.cells[4].metadata.nbgrader.points == 2
    assert build.build_exercise(source, root=course.root) == []


def test_cells_keep_their_ids_when_others_are_added(course):
    before = build.read_source(course("# %%\na = 1\n\n# %%\nb = 2\n\n# %%\nb = 2\n"), course.root)
    after = build.read_source(
        course("# %%\nnew = 0\n\n# %%\na = 1\n\n# %%\nb = 2\n\n# %%\nb = 2\n"), course.root
    )
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
    source = course(f"# %%\nprint('fine')\n\n# %%\n{cell}\n")
    with pytest.raises(build.BuildError, match=message):
        build.build_lesson(source, root=course.root)
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
            '# %% role="solution" id="a"\n### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION\n### END SOLUTION\n',
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
    with pytest.raises(build.BuildError, match=f"00_test.py, cell 1.*{message}"):
        build.read_source(course(text), course.root)


def test_two_cells_with_one_grade_id_are_refused(course):
    twice = EXERCISE + EXERCISE
    with pytest.raises(build.BuildError, match="an id marks two cells: 'double'"):
        build.build_exercise(course(twice, "lessons/exercises/ex01_test.py"), root=course.root)


def test_only_selects_by_part_of_the_name(capsys):
    lessons, exercises = build.sources("ex05")
    assert lessons == [] and [path.stem for path in exercises] == ["ex05_cosine_comparison"]
    lessons, exercises = build.sources("05")  # the lesson and the exercise of that number
    assert [path.stem for path in lessons + exercises] == ["05_failure_modes", "ex05_cosine_comparison"]
    assert build.main(["--only", "no such lesson"]) == 2
    assert "No source" in capsys.readouterr().err


def test_markers_do_not_depend_on_json_layout(course):
    """The built file is plain JSON with one trailing newline and Unix line ends, so that git shows small
    differences.
    """
    (target,) = build.build_lesson(course("# %%\nprint('é')\n"), root=course.root)
    raw = target.read_bytes()
    assert raw.endswith(b"}\n") and b"\r" not in raw and "é" in raw.decode("utf-8")
    assert json.loads(raw)["nbformat"] == 4
