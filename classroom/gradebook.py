"""Grades for people and platforms: totals, what Canvas's and Moodle's gradebooks import, who is missing.

Canvas reads Student, ID, SIS User ID, SIS Login ID and Section in this order, then a column for each
assignment, and a line of points possible (instructure/canvas-lms, lib/gradebook_importer.rb). Moodle's
gradebook asks which column names the user. Its grading worksheet needs Identifier, Grade and Last modified
(grade) (moodle/moodle, mod/assign/feedback/offline/importgradeslib.php).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from classroom.platforms import Mark
from classroom.roster import Person, Roster
from classroom.students import Student
from classroom.tables import write_table


@dataclass
class Grade:
    """What one student got for one exercise; ``points`` is None where it could not be graded.

    ``exercise`` is "" for what is none.
    """

    student: Student
    exercise: str
    points: float | None
    most: float
    open_points: float = 0  # of answers that nobody has read yet
    late: bool = False
    earlier: int = 0  # other files for the same exercise
    mark: Mark | None = None


class Gradebook:
    """All grades of a class, in one line for each student."""

    def __init__(self, grades: Sequence[Grade], roster: Roster | None = None) -> None:
        self.grades, self.roster = grades, roster
        in_order = sorted(grades, key=lambda grade: grade.exercise)
        self.most = {grade.exercise: grade.most for grade in in_order if grade.exercise}
        self.by_title = {grade.student.title: grade.student for grade in grades}
        self.of = {(grade.student.title, grade.exercise): grade for grade in grades}
        people = roster.people if roster else []
        absent = [Student(roster.title(person), person) for person in people] if roster else []
        students = {student.title: student for student in [*absent, *self.by_title.values()]}
        self.students = sorted(students.values(), key=lambda student: student.title.casefold())

    def points(self, student: Student) -> list[float | None]:
        """In the order of the exercises; None for what was not handed in or could not be graded."""
        grades = (self.of.get((student.title, exercise)) for exercise in self.most)
        return [grade.points if grade else None for grade in grades]

    def of_student(self, student: Student) -> list[Grade]:
        return [grade for grade in self.grades if grade.student.title == student.title]


def write_gradebook(book: Gradebook, folder: Path) -> None:
    """All tables; each whole or not at all, and none of an earlier run stays that is not written again."""
    for old in folder.glob("import_*.csv"):
        old.unlink()
    write_table(folder / "totals.csv", *_totals(book))
    write_table(folder / "class.csv", ("student", "section", "what", "details"), _class(book))
    if any(student.person or student.canvas_id for student in book.students):
        write_table(folder / "import_canvas.csv", *_canvas(book))
        write_table(folder / "import_moodle.csv", *_moodle(book))
    for exercise in book.most:
        rows = list(_worksheet(book, exercise))
        if rows:
            write_table(folder / f"import_moodle_worksheet_{exercise}.csv", WORKSHEET, rows)


def _person(student: Student) -> Person:
    return student.person or Person(student.title)


def _totals(book: Gradebook) -> tuple[list[str], list[list[object]]]:
    rows: list[list[object]] = []
    for student in book.students:
        person, points, theirs = _person(student), book.points(student), book.of_student(student)
        still = sum(grade.open_points for grade in theirs)
        who = [student.title, person.login, person.email, person.section]
        rows.append([*who, *points, sum(p or 0 for p in points), sum(book.most.values()), still or ""])
    who_columns = ["student", "login", "e-mail", "section"]
    return [*who_columns, *book.most, "total", "of", "still to be read"], rows


def _class(book: Gradebook) -> Iterator[Sequence[str]]:
    """Who handed in nothing, late or twice, and who is not on the list."""
    for student in book.students:
        who, theirs = (student.title, _person(student).section), book.of_student(student)
        if not theirs:
            yield *who, "nothing handed in", ""
        elif missing := [e for e in book.most if (student.title, e) not in book.of]:
            yield *who, "not handed in", ", ".join(missing)
        if late := [grade.exercise for grade in theirs if grade.late]:
            yield *who, "late", ", ".join(late)
        if twice := [f"{g.exercise} ({g.earlier + 1} files)" for g in theirs if g.earlier]:
            yield *who, "more than once", ", ".join(twice)
        if failed := [grade.exercise or "no exercise" for grade in theirs if grade.points is None]:
            yield *who, "could not be graded", ", ".join(failed)
        if book.roster and student.person is None:
            yield *who, "not on the class list", "; ".join(student.notes)


def _canvas(book: Gradebook) -> tuple[list[str], list[list[object]]]:
    columns = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *book.most]
    rows: list[list[object]] = [["    Points Possible", "", "", "", "", *book.most.values()]]
    for student in book.students:
        person = _person(student)
        number = person.id or student.canvas_id
        if number or person.sis or person.login:
            name = person.sortable or student.title
            rows.append([name, number, person.sis, person.login, person.section, *book.points(student)])
    return columns, rows


def _moodle(book: Gradebook) -> tuple[list[str], list[list[object]]]:
    columns = ["Username", "ID number", "Email address", "Full name", *book.most]
    people = [(student, _person(student)) for student in book.students]
    return columns, [
        [person.login, person.sis, person.email, person.name, *book.points(student)]
        for student, person in people
        if person.login or person.sis or person.email
    ]


WORKSHEET = ("Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)")


def _worksheet(book: Gradebook, exercise: str) -> Iterator[Sequence[object]]:
    """For students who came from Moodle: their number in this assignment is all that it needs."""
    for grade in book.grades:
        if grade.exercise == exercise and grade.mark and grade.mark.platform == "Moodle":
            yield f"Participant {grade.mark.id}", grade.mark.name, grade.points, grade.most, "-"
