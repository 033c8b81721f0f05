"""The tables for the teacher: grades.csv and needs_a_teacher.csv."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.grading.feedback import write_feedback
from tools.grading.results import Result, write_whole

GRADES = ("student", "exercise", "points", "max points", "status", "note")
TO_DO = ("student", "exercise", "what", "details")


def write_reports(results: list[Result], out: Path) -> None:
    """grades.csv, needs_a_teacher.csv and feedback/, each file written whole or not at all."""
    _write_csv(out / "grades.csv", GRADES, map(_grade, results))
    _write_csv(out / "needs_a_teacher.csv", TO_DO, (row for result in results for row in _to_do(result)))
    write_feedback(results, out / "feedback")


def _grade(result: Result) -> Sequence[str]:
    points, most = ("" if value is None else f"{value:g}" for value in (result.points, result.max_points))
    return result.student, result.exercise, points, most, result.status, result.note


def _to_do(result: Result) -> Iterator[Sequence[str]]:
    who = result.student, result.exercise
    if result.refused:
        yield *who, "not graded", result.note
    for name, points in result.to_read:
        where = "the answer stands in the student's feedback file"
        yield *who, "read", f"{name}: up to {points:g} points; {where}"
    for note in result.notes:
        yield *who, "look", note


def _write_csv(file: Path, columns: Sequence[str], rows) -> None:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    write_whole(file, "\ufeff" + table.getvalue())  # the mark tells spreadsheets that it is UTF-8


def _cell(value: str) -> str:
    """A spreadsheet runs what begins like a formula; a student's name or file could."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
