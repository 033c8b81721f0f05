"""The built notebooks that are in the repository. `make test` also runs them and compares their outputs."""

import re

import nbformat
import pytest

from tests.lessons.built import EXERCISES, LESSONS, OUTLINE, SOLUTIONS, markdown, read
from tests.support import ROOT
from tools.build import notebooks as build
from tools.build.sources import read_source

EXECUTED = [*LESSONS, *SOLUTIONS]


def names(paths):
    return [f"{path.parent.name}/{path.stem}" for path in paths]


@pytest.mark.parametrize("path", EXECUTED, ids=names(EXECUTED))
def test_a_built_notebook_agrees_with_its_source(path):
    assert path.exists(), f"{path.name} is missing: run make build"
    source = ROOT / OUTLINE.built()[path.relative_to(ROOT).as_posix()]
    assert build.is_current(read_source(source, outline=OUTLINE), read(path)), (
        f"{path.name} is not what its source gives: run make build"
    )


@pytest.mark.parametrize("exercise", OUTLINE.exercises, ids=lambda exercise: exercise.name)
def test_an_exercise_agrees_with_its_source(exercise):
    expected = build.to_exercise(read_source(ROOT / exercise.source, outline=OUTLINE))
    written = (ROOT / "exercises" / exercise.file).read_text(encoding="utf-8")
    assert nbformat.writes(expected, indent=1).rstrip("\n") + "\n" == written


def test_nothing_else_stands_in_the_built_folders():
    folders = ("notebooks", "solutions", "exercises")
    found = {path for folder in folders for path in (ROOT / folder).glob("*.ipynb")}
    assert found == {*EXECUTED, *EXERCISES}


@pytest.mark.parametrize("path", EXECUTED, ids=names(EXECUTED))
def test_a_built_notebook_ran_in_order_without_an_error(path):
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("path", EXECUTED, ids=names(EXECUTED))
def test_pictures_have_alternative_text(path):
    outputs = [output for cell in read(path).cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if "image/png" in output.get("data", {})], (
        "return a rerank_course.lab.picture.Picture"
    )
    for output in outputs:
        for image in re.findall(r"<img [^>]*>", output.get("data", {}).get("text/html", "")):
            assert re.search(r'alt="[^"]{20,}"', image)


@pytest.mark.parametrize("lesson", OUTLINE.lessons, ids=lambda lesson: lesson.name)
def test_a_lesson_opens_and_closes_as_all_do(lesson):
    text = markdown(read(ROOT / "notebooks" / lesson.file))
    assert text.startswith(f"# {lesson.number} · {lesson.title}\n")
    for part in (
        "**What you will do**",
        "**What you need:**",
        f"**Time:** {lesson.minutes} minutes",
        "**Predict.**",
        "## What to remember",
        "**Where it breaks:**",
        "## Quiz",
        "**On your own:**",
        "**In practice:**",
        "**Further reading:**",
        "**Next:**",
    ):
        assert part in text, part


@pytest.mark.parametrize("lesson", OUTLINE.lessons, ids=lambda lesson: lesson.name)
def test_a_lesson_sends_one_on_to_its_exercise_and_the_lesson_that_follows(lesson):
    said = markdown(read(ROOT / "notebooks" / lesson.file)).rpartition("**Next:**")[2]
    place = OUTLINE.lessons.index(lesson)
    follow = [lesson.exercise, *OUTLINE.lessons[place + 1 : place + 2]]
    expected = [part.file for part in follow if part]
    assert [link.rpartition("/")[2] for link in re.findall(r"\]\(([^)]+)\)", said)][
        : len(expected)
    ] == expected


@pytest.mark.parametrize("path", [*EXECUTED, *EXERCISES], ids=names([*EXECUTED, *EXERCISES]))
def test_links_between_the_course_s_files_lead_somewhere(path):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", markdown(read(path))):
        assert (path.parent / link).exists(), link


NUMBER = re.compile(
    r"(?<![\w.])[−-]?\d*\.\d+(?!\w|\.\d)|(?<![\w.])\d+ (?:ms|s|seconds?|minutes?|hours?|times)\b"
)
# Code, the minutes, and what the glossary says of a term when one points at it.
NO_CLAIM = re.compile(
    r"""```.*?```|`[^`]*`|^\*\*Time:\*\*[^\n]*|glossary\.md#\S+ "[^"]*\"""", flags=re.DOTALL | re.MULTILINE
)


def unsupported_numbers(notebook):
    """Decimals, timings and factors in the prose that neither an output nor a link beside them supports."""
    shown = "\n".join(
        str(part)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        for part in [output.get("text", ""), *output.get("data", {}).values()]
    )
    paragraphs = [
        paragraph
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for paragraph in re.split(r"\n\s*\n|\n(?=- |\d+\. )", NO_CLAIM.sub("", cell.source))
        if "](http" not in paragraph
    ]
    numbers = [number for paragraph in paragraphs for number in NUMBER.findall(paragraph)]
    return [number for number in numbers if number not in shown and number.replace("−", "-") not in shown]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_number_stands_in_the_prose_that_the_notebook_does_not_show(path):
    assert unsupported_numbers(read(path)) == []


def test_an_unsupported_number_is_found():
    text = (
        "It takes 3.5 s, `0.1` for code.\n\nAnd 12 seconds. Shown: −8.25.\n\n"
        "With a source, [.71](https://example.org).\n\n**Time:** 20 minutes.\n\nAnd 0.25.\n\n"
        'A [share](../docs/glossary.md#share "As 0.5.").'
    )
    code = nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("stream", text="score -8.25")])
    assert unsupported_numbers(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text), code])
    ) == ["3.5", "12 seconds", "0.25"]
