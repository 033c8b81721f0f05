"""Answers in words: out of graded notebooks into the sheet that a teacher fills in, and points back."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from classroom.alike import Text
from classroom.written_answers import Answer, Read, merge
from tools.grading.exercises import Exercise
from tools.grading.results import Result
from tools.grading.roles import grade_id
from tools.grading.which_exercise import name_of

RUBRICS = "docs/rubrics.md"
SHEET = "written_answers.csv"
HEADING = re.compile(r"^## .*?exercises/(?:ex\d\d_)?(\w+)\.ipynb\).*?`([\w-]+)`.*$", re.MULTILINE)


def enter_points(results: list[Result], out: Path, exercises: dict[str, Exercise], root: Path) -> Read:
    """Write the sheet, and give each result the points that were entered in it."""
    answers = {answer.key: (answer, result) for answer, result in _answers(results, exercises, root)}
    read = merge((answer for answer, _ in answers.values()), out / SHEET, out / ".results" / "written.json")
    for key, points in read.points.items():
        answer, result = answers[key]
        result.to_read = [part for part in result.to_read if part[0] != answer.part]
        result.read.append([answer.part, points, answer.most, read.comments.get(key, "")])
        result.points = (result.points or 0) + points
    return read


def _answers(
    results: list[Result], exercises: dict[str, Exercise], root: Path
) -> Iterator[tuple[Answer, Result]]:
    rubrics, questions = read_rubrics(root), {}
    for result in results:
        exercise = exercises.get(result.exercise)
        if not (result.to_read and result.notebook and exercise):
            continue
        cells = _marked(nbformat.read(result.notebook, as_version=4))
        if exercise.name not in questions:
            questions[exercise.name] = _questions(nbformat.read(exercise.trusted, as_version=4))
        for part, most in result.to_read:
            text = cells[part].source if part in cells else ""
            rubric = rubrics.get((name_of(exercise.name), part), "")
            question = questions[exercise.name].get(part, "")
            yield Answer(result.student, result.exercise, part, most, text, question, rubric), result


def _marked(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {grade_id(cell): cell for cell in notebook.cells if grade_id(cell)}


def _questions(notebook: NotebookNode) -> dict[str, str]:
    """{part: the text above its cell}."""
    texts, above = {}, ""
    for cell in notebook.cells:
        if name := grade_id(cell):
            texts[name] = above
        above = cell.source if cell.cell_type == "markdown" and not grade_id(cell) else above
    return texts


def read_rubrics(root: Path) -> dict[tuple[str, str], str]:
    """{(exercise, part): what gives points}, from the guide's headings."""
    try:
        text = (root / RUBRICS).read_text(encoding="utf-8")
    except OSError:
        return {}
    found = list(HEADING.finditer(text))
    ends = [heading.start() for heading in re.finditer(r"^## ", text, re.MULTILINE)] + [len(text)]
    return {
        (heading[1], heading[2]): text[
            heading.end() : min(end for end in ends if end > heading.start())
        ].strip()
        for heading in found
    }


def texts_to_compare(results: Iterable[Result], exercises: dict[str, Exercise]) -> Iterator[Text]:
    """What students wrote, beside what the exercise gave them in the same place."""
    given = {name: _marked(nbformat.read(e.released, as_version=4)) for name, e in exercises.items()}
    for result in results:
        if not (result.notebook and result.exercise in given):
            continue
        released = given[result.exercise]
        code, template = [], []
        for name, cell in _marked(nbformat.read(result.notebook, as_version=4)).items():
            if not cell.metadata.nbgrader.get("solution") or name not in released:
                continue
            if cell.cell_type == "code":
                code.append(cell.source)
                template.append(released[name].source)
            else:
                at = (result.student, result.exercise, name, "words")
                yield Text(*at, cell.source, released[name].source)
        at = (result.student, result.exercise, "all code", "code")
        yield Text(*at, "\n".join(code), "\n".join(template))
