"""What the helper package knows of the course: rerank_course/learner/course.json.

It holds the outline, and for each exercise its points, and its checks with the titles of the parts in which
they stand.
`make build` writes it; the package reads it, also where lessons/ is not there.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from tools.build.outline import ROOT, Exercise, Outline
from tools.build.sources import points_of, read_source

COURSE_FILE = "rerank_course/learner/course.json"
PART = re.compile(r"^## (?:Part|Step) \d+ · (.+)$", re.MULTILINE)


def write_course_file(outline: Outline, root: Path = ROOT) -> list[Path]:
    """Write the file if it changed, whole or not at all; the paths that changed."""
    path, text = root / COURSE_FILE, course_file(outline, root)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".part")
    scratch.write_text(text, encoding="utf-8", newline="\n")
    os.replace(scratch, path)
    return [path]


def course_file(outline: Outline, root: Path = ROOT) -> str:
    """What stands in the file."""
    steps: list[dict[str, Any]] = []
    for lesson in outline.lessons:
        steps.append({"number": lesson.number, "name": lesson.name, "title": lesson.title})
        if lesson.exercise:
            steps.append(
                _exercise(lesson.exercise, read_source(root / lesson.exercise.source, root, outline))
            )
    return json.dumps(steps, indent=1, ensure_ascii=False) + "\n"


def _exercise(exercise: Exercise, notebook: NotebookNode) -> dict[str, Any]:
    checks, in_words, title = [], "", ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            titles = PART.findall(cell.source)
            title = titles[-1] if titles else title
            if cell.metadata.get("nbgrader", {}).get("grade"):
                in_words = title
        elif found := re.match(r"from rerank_course\.checks\.\w+ import (check_\w+)", cell.source):
            checks.append([found[1], title])
    named = {"number": exercise.number, "name": exercise.name, "title": exercise.title}
    return named | {"points": points_of(notebook), "checks": checks, "in_words": in_words}
