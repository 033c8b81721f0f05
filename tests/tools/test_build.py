import json
import re

import nbformat
import pytest

from tools.build import notebooks as build
from tools.build.documents import up_to_date, write_documents
from tools.build.outline import OutlineError, read_outline

EXERCISE = '''\
# %% [markdown]
# # {title}
#
# {minutes} minutes, {points} points

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


OUTLINE = """
[[lesson]]
name = "test"
title = "A test"
minutes = 5
shows = "nothing"

[lesson.exercise]
name = "twice"
title = "Twice"
minutes = 3
"""


class Course:
    """A course folder of one lesson and its exercise, which a test writes and builds."""

    def __init__(self, root):
        self.root = root
        (root / "lessons" / "exercises").mkdir(parents=True)
        (root / "rerank_course").mkdir()
        self.write("rerank_course/helper.py", "x = 1\n")
        self.write("lessons/course.toml", OUTLINE)
        self.write("lessons/exercises/twice.py", EXERCISE)
        self.write("lessons/test.py", "# %% [markdown]\n# # {title}\n")

    def write(self, name, text):
        (self.root / name).write_text(text, encoding="utf-8")
        return self.root / name

    def read(self, text, name="lessons/test.py"):
        """The notebook that this source gives."""
        return build.read_source(self.write(name, text), self.root)

    def lesson(self, text, **options):
        """Write the lesson and build it; the paths that changed."""
        self.write("lessons/test.py", text)
        outline = read_outline(self.root)
        return build.build_lesson(outline.lessons[0], outline, root=self.root, **options)

    def exercise(self, text):
        self.write("lessons/exercises/twice.py", text)
        outline = read_outline(self.root)
        return build.build_exercise(outline.exercises[0], outline, root=self.root)


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path)


def read(path):
    return nbformat.read(path, as_version=4)


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
    last = outline.lessons[-1]
    assert build.chosen(outline, last.number) == ([last], [])
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


# The outline


def test_a_lesson_put_in_the_middle_is_one_edit(course):
    """Numbers, file names, Next, links, README's table and links in documents follow."""
    names = ("first", "second")
    text = "# %% [markdown]\n# # {title}\n#\n# See [](lesson:second). **Next:** [](next:)\n"
    for name in names:
        course.write(f"lessons/{name}.py", text)
    (course.root / "lessons/test.py").unlink()
    rows = {
        name: f'[[lesson]]\nname = "{name}"\ntitle = "{name.title()}"\nminutes = 5\nshows = "x"\n'
        for name in names
    }
    exercise = '[lesson.exercise]\nname = "twice"\ntitle = "Twice"\nminutes = 3\n'
    course.write("lessons/course.toml", rows["first"] + rows["second"] + exercise)
    course.write(
        "README.md",
        "[lesson 01](notebooks/01_second.ipynb)\n<!-- course: lessons -->\n<!-- course: end -->\n",
    )
    build.build(root=course.root)
    assert (
        read(course.root / "notebooks/00_first.ipynb")
        .cells[0]
        .source.endswith("See [lesson 01](01_second.ipynb). **Next:** [01 · Second](01_second.ipynb).")
    )
    assert "exercises/ex01_twice.ipynb" in read(course.root / "notebooks/01_second.ipynb").cells[0].source

    course.write("lessons/new.py", "# %% [markdown]\n# # {title}\n")
    new = '[[lesson]]\nname = "new"\ntitle = "New"\nminutes = 5\nshows = "y"\n'
    course.write("lessons/course.toml", rows["first"] + new + rows["second"] + exercise)
    build.build(root=course.root)
    built = {path.relative_to(course.root).as_posix() for path in course.root.rglob("*.ipynb")}
    assert built == {
        "notebooks/00_first.ipynb", "notebooks/01_new.ipynb", "notebooks/02_second.ipynb",
        "exercises/ex02_twice.ipynb", "solutions/ex02_twice.ipynb",
    }  # fmt: skip
    assert (
        read(course.root / "notebooks/00_first.ipynb")
        .cells[0]
        .source.endswith("See [lesson 02](02_second.ipynb). **Next:** [01 · New](01_new.ipynb).")
    )
    readme = (course.root / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("[lesson 02](notebooks/02_second.ipynb)\n")
    assert "| [01 New](notebooks/01_new.ipynb) | 5 | y | |\n" in readme
    assert "| [02 Twice](exercises/ex02_twice.ipynb), 5 points |\n" in readme
    assert build.build(root=course.root) == []


def test_a_notebook_that_no_build_made_is_not_removed(course):
    own = course.root / "notebooks" / "my_notes.ipynb"
    own.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(), own)
    build.build(root=course.root)
    assert own.exists()


@pytest.mark.parametrize(
    ("outline", "message"),
    [
        (OUTLINE.replace("minutes = 5", ""), "a lesson .'test'. has name, title, minutes, shows"),
        (OUTLINE.replace("minutes = 5", 'minutes = "5"'), "a lesson"),
        (OUTLINE + "colour = 1\n", "the exercise of 'test'"),
        (OUTLINE.replace('"twice"', '"thrice"'), "names lessons/exercises/thrice.py, which is not there"),
        (OUTLINE.replace('"twice"', '"test"'), "'test' is there twice"),
        ("[[lesson]\n", "is not TOML"),
        (OUTLINE.partition("[lesson.exercise]")[0], "lessons/exercises/twice.py has no place"),
    ],
)
def test_an_outline_that_contradicts_the_files_is_refused(course, outline, message):
    course.write("lessons/course.toml", outline)
    with pytest.raises(OutlineError, match=message):
        read_outline(course.root)


def test_a_name_that_the_outline_does_not_have_is_refused(course):
    with pytest.raises(OutlineError, match="no lesson 'absent'. There are: test"):
        course.read("# %% [markdown]\n# See [](lesson:absent).\n")


@pytest.mark.parametrize(
    "text", ["see lesson 02", "Exercise 03 asks", "open ex04", "[x](02_scoring_pairs.ipynb)"]
)
@pytest.mark.parametrize("kind", ["# %% [markdown]\n# ", "# %%\n# "])
def test_a_number_in_a_source_is_refused(course, kind, text):
    with pytest.raises(build.BuildError, match="would be wrong after a move"):
        course.read(f"{kind}{text}\n")


def test_a_plan_adds_up_and_takes_its_minutes_from_the_lessons(course):
    plan = '[[plan]]\nname = "p"\nstart = "9:50"\ncolumns = ["from", "minutes", "what"]\nsteps = ['
    plan += '{ text = "hello", minutes = 7 }, { lesson = "test" }, { exercise = "twice", minutes = 4 }]\n'
    course.write("lessons/course.toml", OUTLINE + plan)
    (course.root / "docs").mkdir()
    guide = course.write("docs/teaching.md", "<!-- course: p -->\nold\n<!-- course: end -->\n")
    assert write_documents(read_outline(course.root), course.root) == [guide]
    assert guide.read_text(encoding="utf-8").splitlines()[3:6] == [
        "| 9:50 | 7 | hello |",
        "| 9:57 | 5 | [00 A test](../notebooks/00_test.ipynb) |",
        "| 10:02 | 4 | exercise [00 Twice](../exercises/ex00_twice.ipynb), 5 points |",
    ]
    with pytest.raises(OutlineError, match="names no plan"):
        up_to_date(
            "<!-- course: q -->\n<!-- course: end -->\n", guide, read_outline(course.root), course.root
        )
