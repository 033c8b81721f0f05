"""Who has passed what, as a page for a browser and as a table for a terminal."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from classroom.room_folder import Learner, Room, names_twice, notes
from rerank_course.learner.course import EXERCISES, Step
from rerank_course.texts.templates import template

PAGE = Path(__file__).with_name("room.html")
SHOWN_UNREADABLE = 50
NAME_WIDTH = 28  # of the terminal's first column, in characters


@dataclass(frozen=True)
class Cell:
    """One learner's place in one exercise."""

    passed: int
    of: int
    title: str  # what is open, in words

    @property
    def text(self) -> str:
        return "✓" if self.passed == self.of else f"{self.passed}/{self.of}" if self.passed else "·"

    @property
    def kind(self) -> str:
        return "all" if self.passed == self.of else "some" if self.passed else "none"


@dataclass(frozen=True)
class Line:
    """A learner's line: the name, told apart where two chose one, and a cell for each exercise."""

    name: str
    apart: str
    cells: tuple[Cell, ...]
    changed: str


def lines(room: Room, now: datetime) -> list[Line]:
    """The lines in the order of their names."""
    twice = names_twice(room)
    return [
        Line(
            one.shared.name,
            one.file.removesuffix(".json") if one.shared.name in twice else "",
            tuple(_cell(one, step) for step in EXERCISES),
            _clock(one.changed, now),
        )
        for one in room.learners
    ]


def done(room: Room) -> list[int]:
    """For each exercise, how many learners have passed all its checks."""
    return [sum(set(step.keys) <= one.shared.passed.keys() for one in room.learners) for step in EXERCISES]


def page(room: Room | None, folder: Path, now: datetime, trouble: str = "") -> str:
    """The page as HTML; ``trouble`` says why there is nothing to show."""
    return template(PAGE).render(
        folder=_shown(str(folder)),
        room=room,
        steps=EXERCISES,
        lines=lines(room, now) if room else [],
        done=done(room) if room else [],
        notes=list(notes(room)) if room else [],
        most=SHOWN_UNREADABLE,
        clock=f"{now.astimezone():%H:%M:%S}",
        trouble=_shown(trouble),
    )


def table(room: Room, now: datetime) -> str:
    """The same as text."""
    rows = [["", *(step.number for step in EXERCISES), "last"]]
    rows += [
        [_cut(f"{line.name} {line.apart}".strip()), *(cell.text for cell in line.cells), line.changed]
        for line in lines(room, now)
    ]
    rows.append(["all passed", *map(str, done(room)), f"of {len(room.learners)}"])
    text = _columns(rows) + [f"{name}: unreadable, {why}" for name, why in room.unreadable[:SHOWN_UNREADABLE]]
    if len(room.unreadable) > SHOWN_UNREADABLE:
        text.append(f"… and {len(room.unreadable) - SHOWN_UNREADABLE} more that cannot be read")
    return "\n".join([*text, *notes(room)])


def _cell(learner: Learner, step: Step) -> Cell:
    open_parts = [
        title for key, (_, title) in zip(step.keys, step.checks) if key not in learner.shared.passed
    ]
    title = f"{step.name}: " + (f"open: {', '.join(open_parts)}" if open_parts else "all passed")
    return Cell(len(step.checks) - len(open_parts), len(step.checks), title)


def _clock(when: datetime | None, now: datetime) -> str:
    """The time of a day like today, else the day."""
    if when is None:
        return ""
    here, today = when.astimezone(), now.astimezone()
    return f"{here:%H:%M}" if here.date() == today.date() else f"{here:%Y-%m-%d}"


def _shown(text: str) -> str:
    """Text that can be written as UTF-8, whatever a file system calls its files."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _width(text: str) -> int:
    """How many places a terminal needs for it."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _cut(text: str) -> str:
    while _width(text) > NAME_WIDTH:
        text = text.removesuffix("…")[:-1] + "…"
    return text


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of one width: names to the left, the rest to the right."""
    widths = [max(map(_width, column)) for column in zip(*rows)]
    return [_joined(row, widths) for row in rows]


def _joined(row: Iterable[str], widths: Sequence[int]) -> str:
    first, *rest = [(" " * (width - _width(text)), text) for text, width in zip(row, widths)]
    return f"{first[1]}{first[0]}  " + "  ".join(blank + text for blank, text in rest)
