"""Build the notebooks from lessons/: `python tools/build.py [--only 05] [--force]`, or `make build`.

    lessons/NN_name.py            -> notebooks/NN_name.ipynb      executed
    lessons/exercises/exNN_name.py -> solutions/exNN_name.ipynb   executed, with solutions and hidden tests
                                   -> exercises/exNN_name.ipynb   solutions, hidden tests and outputs removed

The sources are percent-format text (jupytext). Marks on a cell's first line say what it is:

    # %% output="varies"                      its output differs from run to run; nbval does not compare it
    # %% role="solution" id="rank-pairs"      between BEGIN SOLUTION and END SOLUTION stands what learners
    write # %% role="graded" id="…" points=5        run by the teacher; BEGIN/END HIDDEN TESTS marks what
    learners never see # %% [markdown] role="written" id="…" points=6     an answer in words, read by the
    teacher

A notebook is executed again only when its source or the helper package has changed, so building twice changes
nothing.
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

ROOT = Path(__file__).resolve().parents[2]
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
WIDGET = "application/vnd.jupyter.widget-view+json"
CELL_SECONDS = 600
ROLES = {
    "solution": {"solution": True, "grade": False, "locked": False},
    "graded": {"solution": False, "grade": True, "locked": True},
    "written": {"solution": True, "grade": True, "locked": False},
}


class BuildError(Exception):
    """A source is malformed, or a built notebook would hold what must not be in it."""


def read_source(source: Path, root: Path = ROOT) -> NotebookNode:
    """A source file as a notebook without outputs: marks turned into metadata, ids that stay the same from
    build to build.
    """
    parsed = jupytext.read(source, fmt="py:percent")
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL, "language_info": LANGUAGE})
    notebook.metadata["rerank_course"] = {"source": source.relative_to(root).as_posix()}
    ids: set[str] = set()
    for number, cell in enumerate(parsed.cells, start=1):
        cell.metadata = _metadata(cell, f"{source.name}, cell {number}")
        cell.id = _cell_id(cell, ids)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        notebook.cells.append(cell)
    grade_ids = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    if len(set(grade_ids)) < len(grade_ids):
        raise BuildError(f"{source.name}: an id marks two cells: {max(grade_ids, key=grade_ids.count)!r}.")
    return notebook


def _metadata(cell: NotebookNode, where: str) -> NotebookNode:
    """nbgrader's and nbval's metadata, from the marks on the cell's first line."""
    marks = {
        key: value for key, value in cell.metadata.items() if not key.startswith("lines_to_")
    }  # jupytext's notes on blank lines
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


def fingerprint(notebook: NotebookNode, root: Path = ROOT) -> str:
    """A hash of all that decides a notebook's outputs: its cells and the helper package with its data."""
    digest = hashlib.sha256()
    for cell in notebook.cells:
        digest.update(repr((cell.cell_type, cell.source, sorted(cell.metadata.items()))).encode())
    package = root / "rerank_course"
    for path in sorted(
        path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run all cells in order in a fresh kernel, in ``folder``, and keep outputs that are the same on every
    machine.

    Raises:
        BuildError: a cell fails, warns, or prints a path or a memory address of this machine.
    """
    # Tests are run with this in CI anyway; here it keeps a forgotten hub access from working for the author
    # alone.
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_SECONDS,
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    name = notebook.metadata["rerank_course"]["source"]
    try:
        with (
            tempfile.TemporaryDirectory() as nobody
        ):  # a built notebook shows no progress, and running the solutions is none
            client.execute(env={**os.environ, "HF_HUB_OFFLINE": "1", "RERANK_COURSE_PROGRESS": nobody})
    except CellExecutionError as error:
        raise BuildError(f"{name}: {error}") from None
    notebook.metadata["language_info"] = LANGUAGE
    notebook.metadata["kernelspec"] = KERNEL
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
            _check_outputs(cell, f"{name}, cell {number}")
    return notebook


def _check_outputs(cell: NotebookNode, where: str) -> None:
    for output in cell.outputs:
        if output.get("name") == "stderr":
            raise BuildError(f"{where} writes to standard error: {output.text[:300]}")
        text = (
            output.get("text", "")
            + str(output.get("data", {}).get("text/plain", ""))
            + str(output.get("data", {}).get("text/html", ""))
        )
        for unwanted in (str(ROOT), str(Path.home()) + os.sep, "/tmp/"):
            if unwanted in text:
                raise BuildError(f"{where} prints a path of this machine: {unwanted}")
        if re.search(r" at 0x[0-9a-f]{6,}", text):
            raise BuildError(f"{where} prints a memory address.")


def to_exercise(solution: NotebookNode) -> NotebookNode:
    """What a learner gets: nbgrader takes out solutions, hidden tests and outputs, locks the graded cells,
    adds checksums.
    """
    notebook = nbformat.from_dict(solution)
    resources: dict = {}
    for step in (
        ClearSolutions,
        ClearHiddenTests,
        LockCells,
        ClearOutput,
        CheckCellMetadata,
        ComputeChecksums,
    ):
        notebook, resources = step().preprocess(notebook, resources)
    return notebook


def build_lesson(source: Path, force: bool = False, root: Path = ROOT) -> list[Path]:
    """Build one lesson; the paths that changed."""
    return _build_executed(
        read_source(source, root), root / "notebooks" / f"{source.stem}.ipynb", force, root
    )


def build_exercise(source: Path, force: bool = False, root: Path = ROOT) -> list[Path]:
    """Build one exercise and its solution; the paths that changed."""
    notebook = read_source(source, root)
    exercise = to_exercise(nbformat.from_dict(notebook))
    changed = _build_executed(notebook, root / "solutions" / f"{source.stem}.ipynb", force, root)
    return changed + _write(exercise, root / "exercises" / f"{source.stem}.ipynb")


def _build_executed(notebook: NotebookNode, target: Path, force: bool, root: Path) -> list[Path]:
    current = fingerprint(notebook, root)
    if not force and target.exists() and is_current(notebook, nbformat.read(target, as_version=4), root):
        return []
    print(f"running {target.relative_to(root)}", flush=True)
    target.parent.mkdir(exist_ok=True)
    notebook = execute(notebook, target.parent)
    notebook.metadata["rerank_course"]["fingerprint"] = current
    return _write(notebook, target)


def is_current(notebook: NotebookNode, built: NotebookNode, root: Path = ROOT) -> bool:
    """Whether a built notebook has the cells of its source, and outputs made with the present helper package."""
    same_cells = [(c.id, c.cell_type, c.source, c.metadata) for c in notebook.cells] == [
        (c.id, c.cell_type, c.source, c.metadata) for c in built.cells
    ]
    return same_cells and built.metadata.get("rerank_course", {}).get("fingerprint") == fingerprint(
        notebook, root
    )


def _write(notebook: NotebookNode, target: Path) -> list[Path]:
    """Write a notebook if it changed, whole or not at all."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook, indent=1).rstrip("\n") + "\n"
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return []
    target.parent.mkdir(exist_ok=True)
    scratch = target.with_suffix(".ipynb.part")
    scratch.write_text(text, encoding="utf-8", newline="\n")
    os.replace(scratch, target)
    return [target]


def sources(only: str = "", root: Path = ROOT) -> tuple[list[Path], list[Path]]:
    """(lessons, exercises) whose number, or name, ``only`` is part of; all if it is empty."""
    lessons = sorted((root / "lessons").glob("[0-9]*.py"))
    exercises = sorted((root / "lessons" / "exercises").glob("ex*.py"))
    return [p for p in lessons if only in p.stem], [p for p in exercises if only in p.stem]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build notebooks/, solutions/ and exercises/ from lessons/.")
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT",
        help="build only the sources whose name contains TEXT, for example 05",
    )
    parser.add_argument("--force", action="store_true", help="execute again even what has not changed")
    options = parser.parse_args(arguments)
    lessons, exercises = sources(options.only)
    if not lessons and not exercises:
        print(f"No source in lessons/ has {options.only!r} in its name.", file=sys.stderr)
        return 2
    changed = []
    try:
        for source in lessons:
            changed += build_lesson(source, options.force)
        for source in exercises:
            changed += build_exercise(source, options.force)
    except BuildError as error:
        print(f"Not built: {error}", file=sys.stderr)
        return 1
    for path in changed:
        print(f"wrote {path.relative_to(ROOT)}")
    print(f"{len(changed)} of {len(lessons) + 2 * len(exercises)} notebooks changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
