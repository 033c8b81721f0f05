"""The built notebooks, as the outline names them."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.support import ROOT
from tools.build.outline import read_outline

OUTLINE = read_outline()
LESSONS = [ROOT / "notebooks" / lesson.file for lesson in OUTLINE.lessons]
EXERCISES = [ROOT / "exercises" / exercise.file for exercise in OUTLINE.exercises]
SOLUTIONS = [ROOT / "solutions" / exercise.file for exercise in OUTLINE.exercises]


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def markdown(notebook: NotebookNode) -> str:
    """All that is no code."""
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
