"""One file gives order, numbers, links and tables: a change there is a change everywhere."""

import shutil

import nbformat
import pytest

from tests.support.toy_course import OUTLINE, Course, read
from tools.build import notebooks as build
from tools.build.documents import up_to_date, write_documents
from tools.build.outline import OutlineError, read_outline


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path)


README = "[lesson 01](notebooks/01_second.ipynb)\n<!-- course: lessons -->\n<!-- course: end -->\n"


def row(name):
    """A lesson of the outline; the one that is named second has the exercise."""
    text = f'[[lesson]]\nname = "{name}"\ntitle = "{name.title()}"\nminutes = 5\nshows = "x"\n'
    exercise = '[lesson.exercise]\nname = "twice"\ntitle = "Twice"\nminutes = 3\n'
    return text + exercise if name == "second" else text


@pytest.fixture
def two_lessons(course, monkeypatch):
    """Lessons *first* and *second*, with links, and a README; built.

    No cell is run: there is none here, and test_build.py is about running them.
    """
    monkeypatch.setattr(build, "execute", lambda notebook, folder: notebook)
    (course.root / "lessons/test.py").unlink()
    for name in ("first", "second"):
        text = "# %% [markdown]\n# # {title}\n#\n# See [](lesson:second). **Next:** [](next:)\n"
        course.write(f"lessons/{name}.py", text)
    course.write("lessons/course.toml", row("first") + row("second"))
    course.write("README.md", README)
    build.build(root=course.root)
    return course


def built(course):
    return {path.relative_to(course.root).as_posix() for path in course.root.rglob("*.ipynb")}


def end_of(course, name):
    """The last line of a notebook's first cell."""
    return read(course.root / name).cells[0].source.splitlines()[-1]


def test_numbers_links_and_tables_come_from_the_outline(two_lessons):
    see = "See [lesson 01](01_second.ipynb). **Next:** "
    assert end_of(two_lessons, "notebooks/00_first.ipynb") == f"{see}[01 · Second](01_second.ipynb)."
    exercise = "[Exercise 01 · Twice](../exercises/ex01_twice.ipynb)."
    assert end_of(two_lessons, "notebooks/01_second.ipynb") == see + exercise
    readme = (two_lessons.root / "README.md").read_text(encoding="utf-8")
    assert "| [00 First](notebooks/00_first.ipynb) | 5 | x | |\n" in readme
    assert "| [01 Twice](exercises/ex01_twice.ipynb), 5 points |\n" in readme
    assert build.build(root=two_lessons.root) == []


def test_a_lesson_put_in_the_middle_is_one_edit(two_lessons):
    two_lessons.write("lessons/new.py", "# %% [markdown]\n# # {title}\n")
    two_lessons.write("lessons/course.toml", row("first") + row("new") + row("second"))
    build.build(root=two_lessons.root)
    assert built(two_lessons) == {
        "notebooks/00_first.ipynb", "notebooks/01_new.ipynb", "notebooks/02_second.ipynb",
        "exercises/ex02_twice.ipynb", "solutions/ex02_twice.ipynb",
    }  # fmt: skip
    said = end_of(two_lessons, "notebooks/00_first.ipynb")
    assert said == "See [lesson 02](02_second.ipynb). **Next:** [01 · New](01_new.ipynb)."
    readme = (two_lessons.root / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("[lesson 02](notebooks/02_second.ipynb)\n")
    assert "| [01 New](notebooks/01_new.ipynb) | 5 | x | |\n" in readme
    assert "| [02 Twice](exercises/ex02_twice.ipynb), 5 points |\n" in readme
    assert build.build(root=two_lessons.root) == []


def test_a_lesson_that_moves_takes_its_exercise_along(two_lessons):
    two_lessons.write("lessons/course.toml", row("second") + row("first"))
    build.build(root=two_lessons.root)
    assert built(two_lessons) == {
        "notebooks/00_second.ipynb", "notebooks/01_first.ipynb",
        "exercises/ex00_twice.ipynb", "solutions/ex00_twice.ipynb",
    }  # fmt: skip
    assert read(two_lessons.root / "exercises/ex00_twice.ipynb").cells[0].source.startswith("# Exercise 00")
    said = end_of(two_lessons, "notebooks/01_first.ipynb")
    assert said == "See [lesson 00](00_second.ipynb). **Next:** this was the last lesson."
    steps = (two_lessons.root / "rerank_course/learner/course.json").read_text(encoding="utf-8")
    assert steps.index("second") < steps.index("twice") < steps.index("first")


def test_what_still_names_a_removed_lesson_is_said(two_lessons):
    (two_lessons.root / "lessons/second.py").unlink()
    (two_lessons.root / "lessons/exercises/twice.py").unlink()
    two_lessons.write("lessons/course.toml", row("first"))
    with pytest.raises(OutlineError, match="lessons/first.py: There is no lesson 'second'"):
        build.build(root=two_lessons.root)
    two_lessons.write("lessons/first.py", "# %% [markdown]\n# # {title}\n")
    with pytest.raises(OutlineError, match="README.md: There is no lesson 'second'"):
        build.build(root=two_lessons.root)
    two_lessons.write("README.md", README.partition("\n")[2])
    build.build(root=two_lessons.root)
    assert built(two_lessons) == {"notebooks/00_first.ipynb"}


def test_what_no_build_made_and_copies_are_not_removed(two_lessons):
    own, copy = (two_lessons.root / "exercises" / name for name in ("notes.ipynb", "ex01_twice-mine.ipynb"))
    nbformat.write(nbformat.v4.new_notebook(), own)
    shutil.copy(two_lessons.root / "exercises/ex01_twice.ipynb", copy)
    two_lessons.write("lessons/course.toml", row("second") + row("first"))
    build.build(root=two_lessons.root)
    assert own.exists() and copy.exists()
    assert not (two_lessons.root / "exercises/ex01_twice.ipynb").exists()


def test_what_has_moved_stays_until_it_stands_in_its_new_place(two_lessons):
    two_lessons.write("lessons/course.toml", row("second") + row("first"))
    build.build("first", root=two_lessons.root)
    assert {path for path in built(two_lessons) if "first" in path} == {"notebooks/01_first.ipynb"}
    assert {path for path in built(two_lessons) if "second" in path} == {"notebooks/01_second.ipynb"}
    assert "solutions/ex01_twice.ipynb" in built(two_lessons)


PLAN = '[[plan]]\nname = "p"\nstart = "9:00"\ncolumns = ["from", "minutes", "what"]\nsteps = [{ STEP }]\n'


@pytest.mark.parametrize(
    ("outline", "message"),
    [
        (OUTLINE.replace("minutes = 5", ""), "a lesson .'test'. has name, title, minutes, shows"),
        (OUTLINE.replace("minutes = 5", 'minutes = "5"'), "a lesson"),
        (OUTLINE + "colour = 1\n", "the exercise of 'test'"),
        (OUTLINE.replace('"twice"', '"thrice"'), "names lessons/exercises/thrice.py, which is not there"),
        (OUTLINE.replace('"twice"', '"test"'), "'test' is there twice"),
        (OUTLINE.replace('"twice"', '"2ice"'), "'2ice' is no name"),
        ("[[lesson]\n", "is not TOML"),
        ("[[lessons]]\n" + OUTLINE, "'lessons' is neither a lesson nor a plan"),
        (OUTLINE + PLAN.replace("STEP", 'lesson = "gone"'), "no lesson 'gone'"),
        (OUTLINE + PLAN.replace("STEP", 'exercise = "gone"'), "no exercise 'gone'"),
        (OUTLINE + PLAN.replace("STEP", 'text = "break"'), "'break' has no minutes"),
        (OUTLINE + PLAN.replace("STEP", 'lesson = "test", text = "x"'), "is one lesson, exercise or text"),
        (OUTLINE + PLAN.replace("STEP", 'lesson = "test", minuts = 3'), "is one lesson, exercise or text"),
        (
            OUTLINE + PLAN.replace("STEP", "").replace("start", "begin"),
            "a plan .'p'. has name, start, columns, steps",
        ),
        (OUTLINE + PLAN.replace('"what"', '"who"').replace("STEP", 'lesson = "test"'), "'who' is no column"),
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
    assert guide.read_text(encoding="utf-8").splitlines()[3:7] == [
        "| 9:50 | 7 | hello |",
        "| 9:57 | 5 | [00 A test](../notebooks/00_test.ipynb) |",
        "| 10:02 | 4 | exercise [00 Twice](../exercises/ex00_twice.ipynb), 5 points |",
        "| **10:06** | **16** | **end** |",
    ]
    marks = "<!-- course: q -->\n<!-- course: end -->\n"
    with pytest.raises(OutlineError, match="names no plan"):
        up_to_date(marks, guide, read_outline(course.root), course.root)
