"""The tables for the teacher, the pages for students, and what goes back to a platform."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from classroom.alike import write_alike
from classroom.giving_back import Feedback, write_zips
from classroom.gradebook import Grade, Gradebook, write_gradebook
from classroom.students import Student
from classroom.tables import write_table
from tools.grading.exercises import Exercise
from tools.grading.feedback import file_name, write_feedback
from tools.grading.results import Result
from tools.grading.roles import gives_points, grade_id
from tools.grading.submissions import HandedIn, Row
from tools.grading.words import enter_points, texts_to_compare

GRADES = ("student", "exercise", "points", "max points", "status", "late", "note")
TO_DO = ("student", "exercise", "what", "details")
FILES = ("file", "student", "exercise", "what became of it")
IN_THE_SHEET = "enter the points in written_answers.csv"


def write_reports(
    results: list[Result],
    out: Path,
    handed_in: HandedIn | None = None,
    exercises: dict[str, Exercise] | None = None,
    root: Path = Path(),
) -> None:
    """All reports, each file written whole or not at all.

    Args:
        results: of all submissions; points that were entered in the sheet of written answers are added.
        handed_in: what the inbox held: for files.csv, the class list, and what goes back to platforms.
        exercises, root: of the course, for questions and rubrics in the sheet.
    """
    exercises = exercises or {}
    read = enter_points(results, out, exercises, root)
    to_do = [row for result in results for row in _to_do(result)]
    to_do += [(student, exercise, "written answers", what) for student, exercise, what in read.problems]
    write_table(out / "grades.csv", GRADES, map(_grade, results))
    write_table(out / "needs_a_teacher.csv", TO_DO, to_do)
    write_alike(texts_to_compare(results, exercises), out / "alike.csv")
    write_feedback(results, out / "feedback")
    if handed_in is not None:
        write_table(out / "files.csv", FILES, (_file(row, results) for row in handed_in.rows))
        grades = [_grade_of(result, exercises) for result in results]
        write_gradebook(Gradebook(grades, handed_in.roster), out / "gradebook")
        write_zips(_feedback(results, out), out / "gradebook")


def _grade(result: Result) -> Sequence[str]:
    points, most = ("" if value is None else f"{value:g}" for value in (result.points, result.max_points))
    late = "late" if result.submission and result.submission.late else ""
    return result.student, result.exercise, points, most, result.status, late, result.note


def _to_do(result: Result) -> Iterator[Sequence[str]]:
    who = result.student, result.exercise
    if result.refused:
        yield *who, "not graded", result.note
    for name, points in result.to_read:
        yield *who, "read", f"{name}: up to {points:g} points; {IN_THE_SHEET}"
    for note in result.notes:
        yield *who, "look", note


def _file(row: Row, results: list[Result]) -> Sequence[str]:
    """A file of the inbox, and what became of it."""
    result = next((r for r in results if row.submission and r.submission is row.submission), None)
    what = row.why
    if result is not None:
        what = result.note if result.refused else f"graded: {result.score} points"
    return row.origin, row.student, row.exercise, what


def _grade_of(result: Result, exercises: dict[str, Exercise]) -> Grade:
    submission = result.submission
    return Grade(
        (submission.sender if submission else None) or Student(result.student),
        result.exercise if result.exercise in exercises else "",
        result.points,
        result.max_points or 0,
        sum(points for _, points in result.to_read),
        bool(submission and submission.late),
        submission.earlier if submission else 0,
        submission.mark if submission else None,
    )


def _feedback(results: list[Result], out: Path) -> Iterator[Feedback]:
    """What goes back through a platform: the student's page, and a notebook that says the same in short."""
    for result in results:
        mark = result.submission.mark if result.submission else None
        if mark is not None:
            page = (out / "feedback" / f"{file_name(result.student)}.html").read_text(encoding="utf-8")
            yield Feedback(result.exercise, mark, page, _in_short(result))


def _in_short(result: Result) -> str:
    """A notebook of one cell: the points of each part, and what its check said."""
    lines = [f"# {result.exercise}: {result.score} points", "", result.note, ""]
    if result.notebook:
        for cell in nbformat.read(result.notebook, as_version=4).cells:
            if gives_points(cell):
                lines += _part(cell, result)
    text = "\n".join(lines)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    return nbformat.writes(notebook)


def _part(cell: NotebookNode, result: Result) -> Iterator[str]:
    name, marks = grade_id(cell), cell.metadata.nbgrader
    given = {part: points for part, points, *_ in result.read}
    score = given.get(name, marks.get("score"))
    if name in [part for part, _ in result.to_read]:
        said = "not read yet"
    else:
        said = f"{score or 0:g} of {marks.get('points', 0):g} points"
    yield f"- **{name}**: {said}"
    errors = [f"{o.ename}: {o.evalue}" for o in cell.get("outputs", ()) if o.output_type == "error"]
    for error in errors:
        yield "\n".join(["", "      " + error.strip().replace("\n", "\n      "), ""])
