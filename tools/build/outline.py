"""The outline of the course, lessons/course.toml: its lessons in order, with their exercises.

Everything that has a number gets it here: a lesson's is its place, an exercise's is its lesson's.
"""

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUTLINE = "lessons/course.toml"
PLAN_COLUMNS = ("from", "minutes", "what", "how", "if late, skip")


class OutlineError(Exception):
    """The outline contradicts itself or the files in lessons/; the message says what to mend."""


@dataclass(frozen=True)
class Exercise:
    """An exercise; ``number`` is its lesson's."""

    name: str
    title: str
    minutes: int
    number: str

    @property
    def source(self) -> str:
        return f"lessons/exercises/{self.name}.py"

    @property
    def file(self) -> str:
        """The built notebook's name in exercises/ and in solutions/."""
        return f"ex{self.number}_{self.name}.ipynb"


@dataclass(frozen=True)
class Lesson:
    """A lesson; ``number`` is its place, from 00."""

    name: str
    title: str
    minutes: int
    shows: str
    number: str
    exercise: Exercise | None = None

    @property
    def source(self) -> str:
        return f"lessons/{self.name}.py"

    @property
    def file(self) -> str:
        """The built notebook's name in notebooks/."""
        return f"{self.number}_{self.name}.ipynb"


@dataclass(frozen=True)
class Outline:
    """The lessons in order, and the plans for teachers as they stand in the file."""

    lessons: tuple[Lesson, ...]
    plans: tuple[dict[str, Any], ...] = ()

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        return tuple(lesson.exercise for lesson in self.lessons if lesson.exercise)

    def lesson(self, name: str) -> Lesson:
        return _named(self.lessons, name, "lesson")

    def exercise(self, name: str) -> Exercise:
        return _named(self.exercises, name, "exercise")

    def after(self, lesson: Lesson) -> Lesson | None:
        """The lesson that comes next."""
        place = self.lessons.index(lesson)
        return self.lessons[place + 1] if place + 1 < len(self.lessons) else None

    def built(self) -> dict[str, str]:
        """{built notebook: source}, as paths from the course's folder."""
        built = {f"notebooks/{lesson.file}": lesson.source for lesson in self.lessons}
        for exercise in self.exercises:
            built |= {f"{folder}/{exercise.file}": exercise.source for folder in ("exercises", "solutions")}
        return built


def read_outline(root: Path = ROOT) -> Outline:
    """The outline of the course at ``root``, checked against the sources that are there.

    Raises:
        OutlineError: a name is missing, unknown or there twice; the message says which.
    """
    file = root / OUTLINE
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OutlineError(f"{OUTLINE} is missing.") from None
    except tomllib.TOMLDecodeError as error:
        raise OutlineError(f"{OUTLINE} is not TOML: {error}") from None
    if unknown := set(rows) - {"lesson", "plan"}:
        raise OutlineError(f"{OUTLINE}: {min(unknown)!r} is neither a lesson nor a plan.")
    lessons = tuple(_lesson(row, f"{number:02}") for number, row in enumerate(rows.get("lesson", [])))
    outline = Outline(lessons, tuple(rows.get("plan", [])))
    _check_sources(outline, root)
    _check_plans(outline)
    return outline


def _lesson(row: dict[str, Any], number: str) -> Lesson:
    row = dict(row)
    exercise = row.pop("exercise", None)
    _check_keys(row, {"name": str, "title": str, "minutes": int, "shows": str}, "a lesson")
    if exercise is None:
        return Lesson(**row, number=number)
    _check_keys(exercise, {"name": str, "title": str, "minutes": int}, f"the exercise of {row['name']!r}")
    return Lesson(**row, number=number, exercise=Exercise(**exercise, number=number))


def _check_keys(row: dict[str, Any], keys: dict[str, type], what: str) -> None:
    if set(row) != set(keys) or not all(
        isinstance(row[key], kind) and row[key] for key, kind in keys.items()
    ):
        named = f" ({row['name']!r})" if "name" in row else ""
        raise OutlineError(f"{OUTLINE}: {what}{named} has {', '.join(keys)}, each with a value; found {row}.")


def _check_sources(outline: Outline, root: Path) -> None:
    """Each name once, each with its source, and no source without a place."""
    names = Counter([lesson.name for lesson in outline.lessons] + [one.name for one in outline.exercises])
    if odd := [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]:
        raise OutlineError(f"{OUTLINE}: {odd[0]!r} is no name: small letters, digits and _, a letter first.")
    if twice := [name for name, count in names.items() if count > 1]:
        raise OutlineError(f"{OUTLINE}: the name {twice[0]!r} is there twice.")
    wanted = set(outline.built().values())
    found = {
        path.relative_to(root).as_posix()
        for folder in ("lessons", "lessons/exercises")
        for path in (root / folder).glob("*.py")
    }
    if missing := sorted(wanted - found):
        raise OutlineError(f"{OUTLINE} names {missing[0]}, which is not there.")
    if unplaced := sorted(found - wanted):
        raise OutlineError(f"{unplaced[0]} has no place in {OUTLINE}. Add it there.")


def _check_plans(outline: Outline) -> None:
    """Each step is one thing that there is, for some minutes."""
    for plan in outline.plans:
        _check_keys(plan, {"name": str, "start": str, "columns": list, "steps": list}, "a plan")
        if unknown := [column for column in plan["columns"] if column not in PLAN_COLUMNS]:
            known = ", ".join(PLAN_COLUMNS)
            raise OutlineError(
                f"{OUTLINE}, plan {plan['name']!r}: {unknown[0]!r} is no column. There are: {known}."
            )
        for step in plan["steps"]:
            _check_step(step, outline, f"{OUTLINE}, plan {plan['name']!r}")


def _check_step(step: dict[str, Any], outline: Outline, where: str) -> None:
    what = [key for key in ("lesson", "exercise", "text") if key in step]
    if len(what) != 1 or not set(step) <= {*what, "minutes", "how", "part", "skip"}:
        raise OutlineError(f"{where}: a step is one lesson, exercise or text; found {step}.")
    if what == ["lesson"]:
        outline.lesson(step["lesson"])
    elif what == ["exercise"]:
        outline.exercise(step["exercise"])
    elif "minutes" not in step:
        raise OutlineError(f"{where}: {step['text']!r} has no minutes.")


def _named(parts: tuple, name: str, what: str) -> Any:
    found = next((part for part in parts if part.name == name), None)
    if found is None:
        raise OutlineError(
            f"There is no {what} {name!r}. There are: {', '.join(part.name for part in parts)}."
        )
    return found
