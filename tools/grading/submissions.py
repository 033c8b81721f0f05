"""Which notebook is graded for whom; of every other file in the inbox, why it is not."""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from classroom.archives import UNPACK_FIRST, unreadable_kind
from classroom.inbox import read_inbox
from classroom.platforms import Mark
from classroom.reading import Hints
from classroom.roster import Roster
from classroom.students import Student, Students
from classroom.tree import Bounds
from classroom.whose import Piece, sort_inbox
from tools.grading.limits import NOTEBOOK_MB, ZIP_ENTRIES
from tools.grading.which_exercise import name_of, which_exercise

BUILT = re.compile(rb'"source"\s*:\s*"lessons/(exercises/)?(?:ex\d\d_)?(\w+)\.py"')
NO_EXERCISE = "it is none of the exercises: neither its name nor its content names one"
AS_NOTEBOOK = "Ask for the notebook (.ipynb)"
KINDS = {
    ".ipynb.txt": "a notebook saved as text",
    ".py": "a Python file",
    ".html": "a web page",
    ".pdf": "a PDF",
    ".docx": "a text document",
    ".odt": "a text document",
    ".md": "a text",
    ".txt": "a text",
    ".json": "JSON, perhaps a notebook saved under another ending",
}


@dataclass
class Submission:
    """One notebook that one student handed in; ``content`` is None if it could not be read."""

    student: str
    exercise: str  # "" if it is none
    origin: str
    modified: float
    content: bytes | None
    notes: list[str] = field(default_factory=list)  # for the teacher
    refused: str = ""  # why it cannot be graded
    late: bool = False
    sender: Student | None = None
    mark: Mark | None = None  # what the platform's name says
    earlier: int = 0  # other files for the same exercise

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.content or self.refused.encode()).hexdigest()


@dataclass
class Row:
    """A file of the inbox, with the submission that it became part of or the reason why it is none."""

    origin: str
    student: str = ""
    exercise: str = ""
    why: str = ""
    submission: Submission | None = None


@dataclass
class HandedIn:
    """What an inbox holds: ``submissions`` to grade, and a row for every file."""

    submissions: list[Submission]
    rows: list[Row]
    roster: Roster | None = None


def find_submissions(folder: Path, exercises: Collection[str]) -> list[Submission]:
    """All submissions below ``folder``, one for each student and exercise: the last of several.

    Raises:
        NotADirectoryError: ``folder`` is none.
        Question: whose some are cannot be told.
    """
    return read_handed_in(folder, exercises).submissions


def read_handed_in(
    folder: Path, exercises: Collection[str], roster: Roster | None = None, hints: Hints | None = None
) -> HandedIn:
    """The same, with a class list, what the teacher says of the inbox, and a row for every file."""
    bounds = Bounds(file_mb=NOTEBOOK_MB, archive_entries=ZIP_ENTRIES)
    pieces = sort_inbox(read_inbox(folder, bounds), exercises, roster, hints)
    students = Students(pieces, exercises, roster)
    rows, found = [], []
    of_student: dict[str, list[Piece]] = {}
    for piece in pieces:
        if piece.who is None:
            rows.append(Row(piece.file.origin, why=piece.why_not or piece.file.problem))
        else:
            of_student.setdefault(students.of(piece.who).title, []).append(piece)
    for theirs in of_student.values():
        made = _of_one_student(students.of(theirs[0].who), theirs, exercises)  # type: ignore[arg-type]
        found += [row.submission for row in made if row.submission]
        rows += made
    return HandedIn(_last_of_each(found, rows), sorted(rows, key=lambda row: row.origin), roster)


def _of_one_student(student: Student, pieces: list[Piece], exercises: Collection[str]) -> list[Row]:
    """A row for each of a student's files; what may count has a submission."""
    rows = [_row(student, piece, exercises) for piece in pieces]
    has = {row.submission.exercise for row in rows if row.submission and row.submission.content is not None}
    for row, piece in zip(rows, pieces):
        if row.submission is None and row.exercise and row.exercise not in has and not piece.why_not:
            kind = _kind(piece.file.name) or "no notebook"
            row.submission = _refused(student, row.exercise, piece, f"it is {kind}. {AS_NOTEBOOK}")
    if not any(row.submission for row in rows):
        row, piece = rows[0], pieces[0]
        row.submission = _refused(student, "", piece, _nothing(pieces), origin=_top(piece))
    return rows


def _row(student: Student, piece: Piece, exercises: Collection[str]) -> Row:
    file = piece.file
    row = Row(file.origin, student.title, why=piece.why_not)
    if piece.why_not:
        return row
    stem = re.sub(r"(\.ipynb|\.\w{1,5})?$", "", piece.called, count=1)
    named = which_exercise(stem, file.content if file.is_notebook else None, exercises)
    if kind := unreadable_kind(file.name):
        row.submission = _refused(student, named, piece, f"it is {kind}. {UNPACK_FIRST}")
    elif file.problem:
        row.submission = _refused(student, named, piece, file.problem)
    elif not file.is_notebook:
        row.exercise, row.why = named, "it is no notebook, and was not needed"
    elif (built := _built_from(file.content)) and not built[0]:
        row.why = f"it is the lesson {built[1]}, no exercise"
    else:
        row.submission = _submission(student, piece, named, built[1] if built else "", exercises)
    row.exercise = row.submission.exercise if row.submission else row.exercise
    return row


def _built_from(content: bytes | None) -> tuple[bool, str] | None:
    """(whether it is an exercise, its name) as the build wrote it into a notebook; None if it did not."""
    found = BUILT.search(content or b"")
    return (bool(found[1]), found[2].decode()) if found else None


def _submission(
    student: Student, piece: Piece, named: str, built: str, exercises: Collection[str]
) -> Submission:
    file = piece.file
    found = Submission(student.title, named, file.origin, file.modified, file.content)
    _add_sender(found, student, piece)
    source = next((exercise for exercise in exercises if name_of(exercise) == built), "")
    if source and named and source != named:
        found.notes.append(f"the file is named as {named}; it holds {source}, and is graded as that")
        found.exercise = source
    if not found.exercise:
        found.exercise = which_exercise(piece.under, None, exercises)
    if not found.exercise:
        found.refused = NO_EXERCISE
    return found


def _refused(student: Student, exercise: str, piece: Piece, why: str, origin: str = "") -> Submission:
    file = piece.file
    found = Submission(
        student.title,
        exercise,
        origin or file.origin,
        file.modified,
        None,
        refused=why or "it cannot be read",
    )
    _add_sender(found, student, piece)
    return found


def _add_sender(submission: Submission, student: Student, piece: Piece) -> None:
    submission.sender, submission.mark = student, piece.mark
    submission.late = bool(piece.mark and piece.mark.late)
    submission.notes += student.notes


def _kind(name: str) -> str:
    return next((kind for ending, kind in KINDS.items() if name.lower().endswith(ending)), "")


def _top(piece: Piece) -> str:
    return piece.file.origin.partition("/")[0]


def _nothing(pieces: list[Piece]) -> str:
    """Why a student has nothing to grade."""
    typed = [piece.why_not for piece in pieces if "typed" in piece.why_not]
    if typed:
        return typed[0]
    names = [piece.file.name for piece in pieces if not piece.file.is_leftover and not piece.file.problem]
    holds = f"; it holds {', '.join(names[:4])}. {AS_NOTEBOOK}" if names else ""
    return f"there is no notebook in the folder{holds}"


def _last_of_each(found: list[Submission], rows: list[Row]) -> list[Submission]:
    """Of several for one exercise the last that can be read; the rows of the others say so."""
    groups: dict[tuple[str, str], list[Submission]] = {}
    for submission in found:
        key = (submission.student, submission.exercise or submission.origin)
        groups.setdefault(key, []).append(submission)
    row_of = {id(row.submission): row for row in rows if row.submission}
    for group in groups.values():
        *others, chosen = sorted(group, key=_by_order(group))
        group[:] = [chosen]
        chosen.earlier = len(others)
        for other in others:
            chosen.notes += [*other.notes, *_on_the_other(other, chosen)]
            row_of[id(other)].why = other.refused or f"handed in as well; {chosen.origin} is graded"
            row_of[id(other)].submission = None
        chosen.notes = list(dict.fromkeys(chosen.notes))
    last = [chosen for (chosen,) in groups.values()]
    return sorted(last, key=lambda s: (s.student.casefold(), s.exercise, s.origin))


def _by_order(group: list[Submission]):
    """What can be read counts for more, then what is later: by the platform's attempts, else by time."""
    platforms = {s.mark.platform if s.mark and s.mark.attempt else "" for s in group}
    by_attempt = len(platforms) == 1 and platforms != {""}

    def key(submission: Submission):
        attempt = submission.mark.order if by_attempt and submission.mark else (0, "")
        good = submission.content is not None and (len(group) == 1 or is_notebook(submission.content))
        return good, attempt, submission.modified, submission.origin

    return key


def is_notebook(content: bytes) -> bool:
    """Whether a file's content has the shape of a notebook."""
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("cells", found.get("worksheets")), list)


def _on_the_other(other: Submission, chosen: Submission) -> list[str]:
    which = "the last attempt" if chosen.mark and chosen.mark.attempt else "modified last"
    if other.content is not None and not is_notebook(other.content):
        which = "the last that is a notebook"
    notes = [f"{other.origin} was handed in as well; {chosen.origin}, {which}, is graded"]
    if other.refused:
        notes.append(f"{other.origin} could not be graded, because {other.refused}")
    return notes
