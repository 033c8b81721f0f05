"""What README.md and the guides say of the outline: tables between markers, numbers in links and paths.

A table stands between `<!-- course: NAME -->` and `<!-- course: end -->`; NAME is `lessons`, or a plan's.
In links and in paths such as notebooks/02_scoring_pairs.ipynb the number follows the name.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from tools.build.claims import DOCUMENT as CLAIMS
from tools.build.outline import ROOT, Exercise, Lesson, Outline, OutlineError
from tools.build.sources import points_of, read_source

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/*.md", ".binder/*", ".devcontainer/*", "Makefile")
TABLE = re.compile(r"(<!-- course: ([\w-]+) -->\n)(.*?)(<!-- course: end -->)", re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\(([\w./]*(?:notebooks|exercises|solutions)/(?:ex)?\d\d_\w+\.ipynb)\)")
FILE = re.compile(r"(?<![\da-z])(?:ex)?\d\d_([a-z]\w*?)\.ipynb")


def write_documents(outline: Outline, root: Path = ROOT) -> list[Path]:
    """Bring each document up to date; the paths that changed.

    Raises:
        OutlineError: a marker or a file's name is none of the outline's.
    """
    changed = []
    for path in documents(root):
        text = path.read_text(encoding="utf-8")
        try:
            current = up_to_date(text, path.relative_to(root), outline, root)
        except OutlineError as error:
            raise OutlineError(f"{path.relative_to(root)}: {error}") from None
        if current != text:
            scratch = path.with_name(path.name + ".part")
            scratch.write_text(current, encoding="utf-8", newline="\n")
            os.replace(scratch, path)
            changed.append(path)
    return changed


def documents(root: Path = ROOT) -> list[Path]:
    """All that names lessons and is written by hand; the list of claims is built from the notebooks."""
    paths = [path for pattern in DOCUMENTS for path in sorted(root.glob(pattern)) if path.is_file()]
    return [path for path in paths if path != root / CLAIMS]


def up_to_date(text: str, path: Path, outline: Outline, root: Path = ROOT) -> str:
    """A document's text as the outline wants it; ``path`` is the document's, from the course's folder."""
    up = "../" * (len(path.parts) - 1)

    def table(found: re.Match) -> str:
        rows = _lessons(outline, root, up) if found[2] == "lessons" else _plan(found[2], outline, root, up)
        lines = ("|" + "".join(f" {text} |" if text else " |" for text in row) + "\n" for row in rows)
        return found[1] + "".join(lines) + found[4]

    text = TABLE.sub(table, text)  # first: an old table may name a lesson that is gone
    text = FILE.sub(lambda found: _file(found[0], found[1], outline), text)
    return LINK.sub(lambda found: _link(found[1], found[2], outline), text)


def _file(old: str, name: str, outline: Outline) -> str:
    """A built notebook's name with its present number."""
    is_exercise = old.startswith("ex")
    return (outline.exercise(name) if is_exercise else outline.lesson(name)).file


def _link(text: str, target: str, outline: Outline) -> str:
    number = re.sub(r"\D", "", PurePosixPath(target).name.partition("_")[0])
    text = re.sub(r"^((?:[Ll]esson |[Ee]xercise )?)\d\d\b", rf"\g<1>{number}", text)
    return f"[{text}]({target})"


def _lessons(outline: Outline, root: Path, up: str) -> Iterable[list[str]]:
    yield ["lesson", "minutes", "what you see", "its exercise"]
    yield ["---"] * 4
    for lesson in outline.lessons:
        linked = _exercise_link(lesson.exercise, outline, root, up) if lesson.exercise else ""
        yield [_lesson_link(lesson, up), str(lesson.minutes), lesson.shows, linked]


def _lesson_link(lesson: Lesson, up: str) -> str:
    return f"[{lesson.number} {lesson.title}]({up}notebooks/{lesson.file})"


def _exercise_link(exercise: Exercise, outline: Outline, root: Path, up: str) -> str:
    points = points_of(read_source(root / exercise.source, root, outline))
    return f"[{exercise.number} {exercise.title}]({up}exercises/{exercise.file}), {points:g} points"


def _plan(name: str, outline: Outline, root: Path, up: str) -> Iterable[list[str]]:
    plan = next((plan for plan in outline.plans if plan["name"] == name), None)
    if plan is None:
        raise OutlineError(f"<!-- course: {name} --> names no plan of the outline.")
    yield plan["columns"]
    yield ["---"] * len(plan["columns"])
    hours, minutes = map(int, plan["start"].split(":"))
    now = 60 * hours + minutes
    for step in plan["steps"]:
        what, takes = _step(step, outline, root, up)
        more = {"how": step.get("how", ""), "if late, skip": step.get("skip", "")}
        known = {"from": f"{now // 60}:{now % 60:02}", "minutes": str(takes), "what": what, **more}
        yield [known[column] for column in plan["columns"]]
        now += takes
    total = now - 60 * hours - minutes
    last = {"from": f"**{now // 60}:{now % 60:02}**", "minutes": f"**{total}**", "what": "**end**"}
    yield [last.get(column, "") for column in plan["columns"]]


def _step(step: dict[str, Any], outline: Outline, root: Path, up: str) -> tuple[str, int]:
    """(what, minutes) of one step of a plan."""
    if "text" in step:
        return step["text"], step["minutes"]
    if "lesson" in step:
        lesson = outline.lesson(step["lesson"])
        what, takes = _lesson_link(lesson, up), lesson.minutes
    else:
        exercise = outline.exercise(step["exercise"])
        what, takes = f"exercise {_exercise_link(exercise, outline, root, up)}", exercise.minutes
    part = f": {step['part']}" if "part" in step else ""
    return what + part, step.get("minutes", takes)
