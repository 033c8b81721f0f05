"""Make one notebook that nbgrader can grade of whatever a student did to it."""

import json
import re

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from tools.grading.old_names import new_grade_id, with_new_names
from tools.grading.roles import gives_points, grade_id, is_test

FORMAT = {"nbformat": 4, "nbformat_minor": 5}
HALF = re.compile("[\ud800-\udfff]")


class NotGradable(Exception):
    """Why a submission cannot be graded, as the second half of "could not be graded, because …"."""


def read_submission(content: bytes) -> NotebookNode:
    """A notebook of the present format, of any older one.

    Raises:
        NotGradable: it is none.
    """
    if not content.strip():
        raise NotGradable("the file is empty")
    try:
        read = json.loads(content.decode("utf-8-sig"))
        version = read.get("nbformat") if isinstance(read, dict) else None
        if not isinstance(version, int) or isinstance(version, bool):
            raise NotGradable("the file is not a notebook: it is JSON of another kind")
        if version > 4:
            raise NotGradable(f"it is a notebook of version {version}, which is newer than what is read here")
        if version < 4:
            read = nbformat.reads(json.dumps(read), as_version=4)
        return _mended(read)
    except NotGradable:
        raise
    except UnicodeDecodeError:
        raise NotGradable("the file is not a notebook: it is not UTF-8 text") from None
    except json.JSONDecodeError:
        raise NotGradable("the file is not a notebook: it is not JSON") from None
    except RecursionError:
        raise NotGradable("the file is not a notebook: it is nested too deeply") from None
    except Exception as error:  # nbformat's upgrades trip over anything in a malformed file
        raise NotGradable(f"the file is not a notebook: {type(error).__name__}: {str(error)[:200]}") from None


def _mended(read: dict) -> NotebookNode:
    """A notebook of what can be used of one; ``metadata["mended"]`` says what could not.

    Raises:
        NotGradable: it has no list of cells.
    """
    cells = read.get("cells")
    if not isinstance(cells, list):
        raise NotGradable("the file is not a notebook: its cells are not a list")
    mended = []
    if strange := sum(not isinstance(cell, dict) for cell in cells):
        mended.append(f"{strange} of its cells were no cells, and were left out")
    kept = [_mended_cell(cell) for cell in cells if isinstance(cell, dict)]
    if any(HALF.search(cell["source"]) for cell in kept):
        mended.append("half a character (a lone surrogate) in a cell was replaced")
    for cell in kept:
        cell["source"] = HALF.sub("\ufffd", cell["source"])
    return nbformat.from_dict({**FORMAT, "metadata": {"mended": mended}, "cells": kept})


def _mended_cell(cell: dict) -> dict:
    """A cell's kind, id, text and metadata, each of the type that it should have; no outputs."""
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    kind, name, metadata = cell.get("cell_type"), cell.get("id"), cell.get("metadata")
    return {
        "cell_type": kind if kind in ("code", "markdown", "raw") else "raw",
        "id": name if isinstance(name, str) else "",
        "source": "".join(line for line in lines if isinstance(line, str)),
        "metadata": metadata if isinstance(metadata, dict) else {},
    }


def repair(
    submitted: NotebookNode, trusted: NotebookNode, released: NotebookNode
) -> tuple[NotebookNode, list[str]]:
    """The submission with the teacher's test cells and every cell under its own id; no other metadata.

    Args:
        submitted: what the student handed in, in the present format.
        trusted: the exercise as it is graded, with hidden tests.
        released: the exercise as it was handed out.

    Returns:
        The notebook to grade, and what a teacher should know.

    Raises:
        NotGradable: it has no cell of the exercise.
    """
    wanted, shown = _marked(trusted), {name: cell.source for name, cell in _marked(released).items()}
    notes: list[str] = list(submitted.metadata.get("mended", []))
    cells = [_plain(cell) for cell in submitted.cells if isinstance(cell, dict)]
    with_new_names(cells)
    ids = _identify(cells, wanted, shown, trusted, notes)
    if not any(ids):
        raise NotGradable(
            "it holds none of this exercise's cells: perhaps another notebook was saved under this name"
        )
    kept = _with_roles(cells, ids, wanted, shown, notes)
    _insert_missing(kept, wanted, notes)
    metadata = {key: trusted.metadata[key] for key in ("kernelspec", "language_info")}
    return new_notebook(cells=kept, metadata=metadata), notes


def _marked(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """{grade_id: cell} of the cells that have one."""
    return {grade_id(cell): cell for cell in notebook.cells if grade_id(cell)}


def _plain(cell: dict) -> NotebookNode:
    """A cell's kind, text and marks; its outputs and everything else stay behind."""
    source = cell.get("source") or ""
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    kind = str(cell.get("cell_type"))
    make = {"code": new_code_cell, "markdown": new_markdown_cell}.get(kind, new_raw_cell)
    plain = make(source.replace("\r\n", "\n").replace("\r", "\n"))
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    claimed = (marks.get("grade_id") if isinstance(marks, dict) else "", cell.get("id"))
    plain.metadata["claimed"] = [new_grade_id(str(name)) for name in claimed]
    return plain


def _identify(
    cells: list[NotebookNode],
    wanted: dict[str, NotebookNode],
    shown: dict[str, str],
    trusted: NotebookNode,
    notes: list[str],
) -> list[str]:
    """The grade_id of each cell: by its mark, else its cell id, its text or its place.

    A cell of the student's own has "".
    """
    before = {grade_id(b): a.source for a, b in zip(trusted.cells, trusted.cells[1:]) if grade_id(b)}
    ids = [next((name for name in cell.metadata.pop("claimed") if name in wanted), "") for cell in cells]
    marked = set(ids)
    for index, cell in enumerate(cells):
        if ids[index]:
            continue
        above = cells[index - 1].source
        for name in wanted.keys() - marked:
            same_text = cell.source.strip() in (shown[name].strip(), wanted[name].source.strip())
            same_place = index > 0 and above == before.get(name) and cell.cell_type == wanted[name].cell_type
            if (same_text or same_place) and name not in ids:
                ids[index] = name
                how = "text" if same_text else "place"
                notes.append(f"the cell {name} had lost its id; it was found by its {how}")
    return ids


def _with_roles(
    cells: list[NotebookNode],
    ids: list[str],
    wanted: dict[str, NotebookNode],
    shown: dict[str, str],
    notes: list[str],
) -> list[NotebookNode]:
    """Each cell once in its role; of several with one id the last counts, as nbgrader has it."""
    kept: list[NotebookNode] = []
    for index, (cell, name) in enumerate(zip(cells, ids)):
        if not name:
            kept.append(cell)
        elif name not in ids[index + 1 :]:
            kept.append(_with_role(cell, wanted[name], shown[name], notes))
        else:
            notes.append(f"the cell {name} is there twice; the last one counts")
            if not is_test(wanted[name]):
                kept.append(cell)
    return kept


def _with_role(cell: NotebookNode, trusted: NotebookNode, shown: str, notes: list[str]) -> NotebookNode:
    """The teacher's cell if it is a test, else the student's text in a cell with the teacher's marks."""
    name = grade_id(trusted)
    if is_test(trusted):
        if _letters(cell.source) not in (_letters(shown), _letters(trusted.source)):
            notes.append(f"the test cell {name} was edited; the original was run")
        return nbformat.from_dict(trusted)
    make = new_code_cell if trusted.cell_type == "code" else new_markdown_cell
    made = make(cell.source, metadata=nbformat.from_dict(trusted.metadata))
    if cell.cell_type != trusted.cell_type:
        notes.append(
            f"the cell {name} was a {cell.cell_type} cell; it was made a {trusted.cell_type} cell again"
        )
    return made


def _letters(source: str) -> str:
    """A cell's text without what a formatter changes: spaces, and commas before a closing bracket."""
    text = "".join(source.split())
    for bracket in ")]}":
        text = text.replace("," + bracket, bracket)
    return text


def _insert_missing(cells: list[NotebookNode], wanted: dict[str, NotebookNode], notes: list[str]) -> None:
    """Put back what gives points, after the graded cell before it, else at the end.

    At the end everything is defined.
    """
    graded = [name for name, cell in wanted.items() if gives_points(cell)]
    for position, name in enumerate(graded):
        present = [grade_id(cell) for cell in cells]
        if name in present:
            continue
        notes.append(f"the cell {name} was missing; it was put back")
        previous = graded[position - 1] if position and is_test(wanted[graded[position - 1]]) else ""
        place = present.index(previous) + 1 if previous and previous in present else len(cells)
        cells.insert(place, nbformat.from_dict(wanted[name]))
