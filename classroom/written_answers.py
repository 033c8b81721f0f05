"""One sheet for all answers in words: question, rubric and answer side by side, points to be filled in.

What was entered is merged at the next run. A row belongs to one answer of one student, by its key; when the
answer changes, what was entered for the old one stays in the sheet and does not count. Beside the sheet a
copy is kept of all that was ever entered, so that a row that was deleted, or a sheet, comes back.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from classroom.tables import TableError, fused, read_table, write_table, write_whole

COLUMNS = (
    "student",
    "exercise",
    "part",
    "question",
    "rubric",
    "answer",
    "points",
    "of",
    "comment",
    "counts",
    "key",
)
NEEDED = ("student", "exercise", "part", "points", "key")
NOT_NOW = "no: this answer is not there any more, or has changed"
PLAIN_NUMBER = re.compile(r"\d{1,4}([.,]\d{1,3})?")


@dataclass(frozen=True)
class Answer:
    """An answer in words; ``most`` are the points that it may get."""

    student: str
    exercise: str
    part: str
    most: float
    text: str
    question: str = ""
    rubric: str = ""

    @property
    def key(self) -> str:
        parts = [self.student, self.exercise, self.part, self.text]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@dataclass
class Entry:
    """What a teacher entered for one answer, as it was typed."""

    student: str
    exercise: str
    part: str
    answer: str
    most: str
    points: str = ""
    comment: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.points or self.comment)


@dataclass
class Read:
    """What a sheet says: points by key, comments by key, and what a teacher should know."""

    points: dict[str, float] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str, str]] = field(default_factory=list)  # student, exercise, what


def merge(answers: Iterable[Answer], sheet: Path, copy: Path) -> Read:
    """Read what was entered, write the sheet anew with all answers of today, and say what counts.

    Args:
        sheet: the CSV file that a teacher fills in.
        copy: a JSON file, where all that was ever entered is kept.
    """
    now = {answer.key: answer for answer in answers}
    read, entries = Read(), _from_copy(copy)
    if sheet.exists():
        try:
            entries |= _from_sheet(read_table(sheet), entries, now, read)
        except TableError as error:
            kept = _put_aside(sheet)
            read.problems.append(("", "", f"{error} It is kept as {kept.name}, and nothing in it counts"))
    for key, answer in now.items():
        entry = entries.get(key)
        if entry and entry.points:
            _count(key, answer, entry, read)
        if entry and entry.comment:
            read.comments[key] = entry.comment
    for key, answer in now.items():  # so that a row is known as its answer's when the answer has changed
        most = f"{answer.most:g}"
        entries.setdefault(key, Entry(answer.student, answer.exercise, answer.part, answer.text, most))
    copy.parent.mkdir(parents=True, exist_ok=True)
    write_whole(copy, json.dumps({key: asdict(entry) for key, entry in entries.items()}, indent=1))
    write_table(sheet, COLUMNS, _rows(now, entries, read))
    return read


def _from_copy(copy: Path) -> dict[str, Entry]:
    try:
        return {key: Entry(**entry) for key, entry in json.loads(copy.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        _put_aside(copy)  # the sheet still has what was entered
        return {}


def _from_sheet(
    rows: list[list[str]], kept: dict[str, Entry], now: dict[str, Answer], read: Read
) -> dict[str, Entry]:
    if not rows:
        return {}
    header = [cell.strip().casefold() for cell in rows[0]]
    if missing := [name for name in NEEDED if name not in header]:
        raise TableError(f"The sheet of written answers has no column {', '.join(missing)}.")
    places = {name: header.index(name) for name in COLUMNS if name in header}
    found: dict[str, Entry] = {}
    for row in rows[1:]:
        cells = {name: row[place] if place < len(row) else "" for name, place in places.items()}
        cells = {name: fused(text) for name, text in cells.items()}
        said = {name: cells.get(name, "") for name in ("student", "exercise", "part", "answer")}
        typed = {name: cells.get(name, "").strip() for name in ("points", "comment")}
        entry = Entry(**said, **typed, most=cells.get("of", ""))
        key = _key_of(cells["key"].strip(), entry, kept, now, read)
        if key in found and not entry.is_empty:
            entry = _both(found[key], entry, read)
        if key not in found or not entry.is_empty:
            found[key] = entry
    return found


def _key_of(key: str, entry: Entry, kept: dict[str, Entry], now: dict[str, Answer], read: Read) -> str:
    """The row's key; one of its own if the rest of the row says somebody else."""
    owner = now.get(key) or kept.get(key)
    whose = (entry.student, entry.exercise, entry.part)
    if owner and whose == (owner.student, owner.exercise, owner.part):
        return key
    if owner is None and key == Answer(*whose, 0, entry.answer).key:
        return key
    if not entry.is_empty:
        why = "a row of the written answers has another's key, or none; it does not count"
        read.problems.append((entry.student, entry.exercise, why))
    return (
        "row-" + hashlib.sha256(json.dumps([*whose, entry.points, entry.comment]).encode()).hexdigest()[:12]
    )


def _both(one: Entry, other: Entry, read: Read) -> Entry:
    """Two rows for one answer."""
    if one.points and other.points and one.points != other.points:
        where = (other.student, other.exercise)
        read.problems.append(
            (*where, f"part {other.part} has two rows, with {one.points} and {other.points}")
        )
        other.points = f"{one.points} or {other.points}"
    other.points = other.points or one.points
    if one.comment != other.comment:
        other.comment = "\n".join(filter(None, (one.comment, other.comment)))
    return other


def _count(key: str, answer: Answer, entry: Entry, read: Read) -> None:
    points = float(entry.points.replace(",", ".")) if PLAIN_NUMBER.fullmatch(entry.points) else math.nan
    if 0 <= points <= answer.most:
        read.points[key] = points
    else:
        what = f"{entry.points!r} for part {answer.part}"
        why = f"{what} is no number from 0 to {answer.most:g}; it does not count"
        read.problems.append((answer.student, answer.exercise, why))


def _rows(now: dict[str, Answer], entries: dict[str, Entry], read: Read):
    for key, answer in sorted(
        now.items(), key=lambda item: (item[1].exercise, item[1].part, item[1].student)
    ):
        entry = entries.get(key) or Entry("", "", "", "", "")
        counts = "yes" if key in read.points else "no: see needs_a_teacher.csv" if entry.points else ""
        what = (answer.student, answer.exercise, answer.part, answer.question, answer.rubric, answer.text)
        yield *what, entry.points, answer.most, entry.comment, counts, key
    for key, entry in entries.items():
        if key not in now and not entry.is_empty:
            what = (entry.student, entry.exercise, entry.part, "", "", entry.answer)
            yield *what, entry.points, entry.most, entry.comment, NOT_NOW, key


def _put_aside(file: Path) -> Path:
    number = 1
    while (kept := file.with_name(f"{file.stem}-unread-{number}{file.suffix}")).exists():
        number += 1
    return file.rename(kept)
