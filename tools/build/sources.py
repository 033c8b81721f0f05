"""A source in lessons/ as a notebook: marks become metadata, names become numbers."""

import hashlib
import re
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from tools.build.claims import ClaimError, refuse_in_text, take_claims
from tools.build.glossary import Glossary, GlossaryError, read_glossary
from tools.build.links import numbers_in, resolve
from tools.build.outline import ROOT, Exercise, Lesson, Outline, OutlineError, read_outline

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
PREDICT = "**Predict.**"
ROLES = {
    "solution": {"solution": True, "grade": False, "locked": False},
    "graded": {"solution": False, "grade": True, "locked": True},
    "written": {"solution": True, "grade": True, "locked": False},
}


class BuildError(Exception):
    """A source is malformed, or a built notebook would hold what must not be in it."""


def read_source(source: Path, root: Path = ROOT, outline: Outline | None = None) -> NotebookNode:
    """A source file as a notebook without outputs.

    Raises:
        BuildError: a mark, a region or an id is wrong, or a number stands where a name should.
        OutlineError: the outline is wrong, or has no place for this source.
    """
    parsed = jupytext.read(source, fmt="py:percent")
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL, "language_info": LANGUAGE})
    notebook.metadata["rerank_course"] = {"source": source.relative_to(root).as_posix()}
    for number, cell in enumerate(parsed.cells, start=1):
        where = f"{source.name}, cell {number}"
        cell.metadata = _metadata(cell, where)
        _check_numbers(cell, where)
        if cell.cell_type == "code":
            _set_claims(cell, where, is_lesson=source.parent.name == "lessons")
            cell.outputs, cell.execution_count = [], None
        elif cell.cell_type == "markdown":
            _refuse_claims(cell, where)
        notebook.cells.append(cell)
    hide_predicted(notebook)
    _check_grade_ids(notebook, source.name)
    outline = outline or read_outline(root)
    try:
        _resolve(notebook, part_of(source, root, outline), outline, read_glossary(root))
    except OutlineError as error:
        raise OutlineError(f"{source.relative_to(root)}: {error}") from None
    except GlossaryError as error:
        raise BuildError(f"{source.relative_to(root)}: {error}") from None
    ids: set[str] = set()
    for cell in notebook.cells:
        cell.id = _cell_id(cell, ids)
    return notebook


def part_of(source: Path, root: Path = ROOT, outline: Outline | None = None) -> Lesson | Exercise:
    """The lesson or exercise whose source this is."""
    outline = outline or read_outline(root)
    is_exercise = source.parent.name == "exercises"
    return outline.exercise(source.stem) if is_exercise else outline.lesson(source.stem)


def points_of(notebook: NotebookNode) -> float:
    """What all graded cells of a notebook give together."""
    return sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in notebook.cells)


def _resolve(notebook: NotebookNode, here: Lesson | Exercise, outline: Outline, glossary: Glossary) -> None:
    points = points_of(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = glossary.link(resolve(cell.source, here, outline, points))


def hide_predicted(notebook: NotebookNode) -> None:
    """Close the results that a reader is asked to predict: JupyterLab and the website open them on demand.

    They are the outputs of the code cells between a text with **Predict.** and the next text; the cell in
    which the guess is made stays open.
    """
    predicting = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            predicting = PREDICT in cell.source
        elif re.search(r"\bguess\(", cell.source):
            _tag(cell, "guess")
        elif predicting and cell.cell_type == "code":
            _tag(cell, "hide-output")
            cell.metadata["jupyter"] = {"outputs_hidden": True}


def _tag(cell: NotebookNode, tag: str) -> None:
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), tag]


def _set_claims(cell: NotebookNode, where: str, is_lesson: bool) -> None:
    try:
        cell.source, claims = take_claims(cell.source)
    except ClaimError as error:
        raise BuildError(f"{where}: {error}") from None
    if claims and not is_lesson:
        raise BuildError(f"{where}: a claim. Claims stand in lessons; an exercise has checks.")
    if claims:
        cell.metadata["rerank_course"] = {"claims": claims}


def _refuse_claims(cell: NotebookNode, where: str) -> None:
    try:
        refuse_in_text(cell.source)
    except ClaimError as error:
        raise BuildError(f"{where}: {error}") from None


def _check_numbers(cell: NotebookNode, where: str) -> None:
    if numbers := numbers_in(cell.source):
        raise BuildError(f"{where}: {numbers[0]!r} would be wrong after a move. Name it: [](lesson:name).")


def _check_grade_ids(notebook: NotebookNode, name: str) -> None:
    ids = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    if len(set(ids)) < len(ids):
        raise BuildError(f"{name}: an id marks two cells: {max(ids, key=ids.count)!r}.")


def _metadata(cell: NotebookNode, where: str) -> NotebookNode:
    """nbgrader's and nbval's metadata, from the marks on the cell's first line."""
    # jupytext's own notes on blank lines are no marks.
    marks = {key: value for key, value in cell.metadata.items() if not key.startswith("lines_to_")}
    metadata = NotebookNode()
    role, output, grade_id, points = (marks.pop(key, None) for key in ("role", "output", "id", "points"))
    if marks or role not in (None, *ROLES) or output not in (None, "varies"):
        raise BuildError(f"{where}: unknown marks in {marks}; role={role!r}, output={output!r}.")
    if output:
        metadata["tags"] = ["nbval-ignore-output"]
    if role:
        if not grade_id or (points is not None) != ROLES[role]["grade"]:
            raise BuildError(
                f"{where}: role={role!r} needs an id"
                + (" and points." if ROLES[role]["grade"] else " and no points.")
            )
        metadata["nbgrader"] = {"schema_version": 3, "grade_id": grade_id, "task": False, **ROLES[role]}
        if points is not None:
            metadata["nbgrader"]["points"] = points
    elif grade_id or points:
        raise BuildError(f"{where}: id and points need a role.")
    _check_regions(cell.source, role, where)
    return metadata


def _check_regions(source: str, role: str | None, where: str) -> None:
    """Every region is closed, not nested, and stands in a cell whose role has it."""
    for region, home in (("SOLUTION", ("solution", "written")), ("HIDDEN TESTS", ("graded",))):
        found = re.findall(rf"### (BEGIN|END) {region}$", source, flags=re.MULTILINE)
        if found != ["BEGIN", "END"] * (len(found) // 2) or (found and role not in home):
            raise BuildError(f"{where}: {region} regions {found} in a cell with role={role!r}.")
        if region == "SOLUTION" and role == "solution" and not found:
            raise BuildError(f"{where}: a solution cell without a SOLUTION region.")


def _cell_id(cell: NotebookNode, taken: set[str]) -> str:
    """From the grade_id, else from the text: a cell keeps its id when others are added before it."""
    base = (
        cell.metadata.get("nbgrader", {}).get("grade_id")
        or hashlib.sha256(cell.source.encode()).hexdigest()[:12]
    )
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return name
