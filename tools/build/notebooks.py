"""Build the notebooks from lessons/: `python -m tools.build.notebooks [--only 05]`, or `make build`.

    lessons/NAME.py            -> notebooks/NN_NAME.ipynb     executed
    lessons/exercises/NAME.py  -> solutions/exNN_NAME.ipynb   executed, with solutions and hidden tests
                               -> exercises/exNN_NAME.ipynb   solutions, hidden tests and outputs removed

Numbers come from the outline (tools/build/outline.py), and so do headings and links (tools/build/links.py).
The sources are percent-format text (jupytext). Marks on a cell's first line say what it is:

    # %% output="varies"                   its output differs from run to run; nbval does not compare it
    # %% role="solution" id="rank-pairs"   learners write what stands between BEGIN and END SOLUTION
    # %% role="graded" id="…" points=5     run by the teacher; learners never see its HIDDEN TESTS
    # %% [markdown] role="written" id="…" points=6     an answer in words, read by the teacher

A notebook is executed again only when its code or the helper package has changed, so building twice changes
nothing, and a text is changed in a moment. Claims at the end of a cell: tools/build/claims.py.
"""

import argparse
import hashlib
import math
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.utils import ensure_async
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

from tools.build.claims import ClaimError, expressions, judged, write_claims
from tools.build.course_file import write_course_file
from tools.build.documents import write_documents
from tools.build.minutes import compared
from tools.build.outline import ROOT, Exercise, Lesson, Outline, OutlineError, read_outline
from tools.build.sources import KERNEL, LANGUAGE, BuildError, read_source

WIDGET = "application/vnd.jupyter.widget-view+json"
CELL_SECONDS = 600
BUILT_FOLDERS = ("notebooks", "exercises", "solutions")


def fingerprint(notebook: NotebookNode, root: Path = ROOT) -> str:
    """A hash of all that decides a notebook's outputs: its code and the helper package with its data."""
    digest = hashlib.sha256()
    for cell in _code(notebook):
        digest.update(repr((cell.source, sorted(cell.metadata.items()))).encode())
    package = root / "rerank_course"
    for path in sorted(
        path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


class ClaimingClient(NotebookClient):
    """Runs a notebook, tests each cell's claims in the kernel, and keeps their values and the seconds."""

    async def async_execute_cell(self, cell, cell_index, execution_count=None, store_history=True):
        began = time.monotonic()
        done = await super().async_execute_cell(cell, cell_index, execution_count, store_history)
        kept = self.nb.metadata["rerank_course"]
        kept["seconds"] = kept.get("seconds", 0) + time.monotonic() - began
        if asked := expressions(cell):
            where = f"{kept['source']}, cell {cell_index + 1}"
            try:
                values = judged(cell, await self._evaluate(asked))
            except ClaimError as error:
                raise BuildError(f"{where}: {error}") from None
            kept.setdefault("claims", {})[cell.id] = values
        return done

    async def _evaluate(self, asked: dict[str, str]) -> dict:
        """The kernel's answer to expressions; silent, so that no output and no number of a cell changes."""
        client: Any = self.kc
        request = client.execute("", silent=True, store_history=False, user_expressions=asked)
        reply = await self.async_wait_for_reply(await ensure_async(request))
        if reply is None:
            raise ClaimError(f"its claims took more than {CELL_SECONDS} seconds.")
        return reply["content"]["user_expressions"]


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run all cells in order in a fresh kernel, in ``folder``; keep what is the same on every machine.

    Raises:
        BuildError: a cell fails, warns, prints a path or a memory address of this machine, or does not bear
            out what it claims.
    """
    client = ClaimingClient(
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
        # A built notebook shows no progress, and running the solutions is none.
        with tempfile.TemporaryDirectory() as nobody:
            # Off line, so that a forgotten access to the hub does not work for the author alone.
            client.execute(env={**os.environ, "HF_HUB_OFFLINE": "1", "RERANK_COURSE_PROGRESS": nobody})
    except CellExecutionError as error:
        raise BuildError(f"{name}: {error}") from None
    notebook.metadata["language_info"] = LANGUAGE
    notebook.metadata["kernelspec"] = KERNEL
    notebook.metadata["rerank_course"]["seconds"] = math.ceil(notebook.metadata["rerank_course"]["seconds"])
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
    """What a learner gets: no solutions, hidden tests or outputs; locked graded cells with checksums."""
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


def build_lesson(lesson: Lesson, outline: Outline, force: bool = False, root: Path = ROOT) -> list[Path]:
    """Build one lesson; the paths that changed."""
    notebook = read_source(root / lesson.source, root, outline)
    return _build_executed(notebook, root / "notebooks" / lesson.file, force, root)


def build_exercise(
    exercise: Exercise, outline: Outline, force: bool = False, root: Path = ROOT
) -> list[Path]:
    """Build one exercise and its solution; the paths that changed."""
    notebook = read_source(root / exercise.source, root, outline)
    handed_out = to_exercise(nbformat.from_dict(notebook))
    changed = _build_executed(notebook, root / "solutions" / exercise.file, force, root)
    return changed + _write(handed_out, root / "exercises" / exercise.file)


def _build_executed(notebook: NotebookNode, target: Path, force: bool, root: Path) -> list[Path]:
    current = fingerprint(notebook, root)
    built = nbformat.read(target, as_version=4) if target.exists() and not force else None
    if built and is_current(notebook, built, root):
        return []
    if built and _ran_as(notebook, built, current):
        return _write(_with_outputs(notebook, built), target)
    print(f"running {target.relative_to(root)}", flush=True)
    target.parent.mkdir(exist_ok=True)
    notebook = execute(notebook, target.parent)
    notebook.metadata["rerank_course"]["fingerprint"] = current
    return _write(notebook, target)


def _ran_as(notebook: NotebookNode, built: NotebookNode, current: str) -> bool:
    """Whether a built notebook's code ran as it is now: at most texts have changed since."""
    same_code = [(cell.id, cell.source, cell.metadata) for cell in _code(notebook)] == [
        (cell.id, cell.source, cell.metadata) for cell in _code(built)
    ]
    return same_code and built.metadata.get("rerank_course", {}).get("fingerprint") == current


def _with_outputs(notebook: NotebookNode, built: NotebookNode) -> NotebookNode:
    """The notebook with what an earlier run of the same code printed, took and claimed."""
    for cell, earlier in zip(_code(notebook), _code(built)):
        cell.outputs, cell.execution_count = earlier.outputs, earlier.execution_count
    source = notebook.metadata["rerank_course"]["source"]
    notebook.metadata["rerank_course"] = {**built.metadata["rerank_course"], "source": source}
    return notebook


def is_current(notebook: NotebookNode, built: NotebookNode, root: Path = ROOT) -> bool:
    """Whether a built notebook has its source's cells, and outputs of the present helper package."""
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


def remove_unplaced(outline: Outline, root: Path = ROOT) -> list[Path]:
    """Remove the notebooks that were built under a name that the outline no longer gives; they are returned.

    What has moved goes when it stands in its new place. What no build made stays, and so do copies under
    other names.
    """
    placed = outline.built()
    gone = []
    for folder in BUILT_FOLDERS:
        for path in sorted((root / folder).glob("*.ipynb")):
            source = _source_of(path)
            new = [root / name for name, its in placed.items() if its == source and name.startswith(folder)]
            if source and path not in new and all(place.exists() for place in new):
                path.unlink()
                gone.append(path)
    return gone


def _source_of(path: Path) -> str | None:
    """The source that a build made this notebook from; ``None`` if it made none under such a name."""
    source = nbformat.read(path, as_version=4).metadata.get("rerank_course", {}).get("source")
    is_built = source and re.fullmatch(rf"((ex)?\d\d_)?{re.escape(Path(source).stem)}", path.stem)
    return source if is_built else None


def chosen(outline: Outline, only: str = "") -> tuple[list[Lesson], list[Exercise]]:
    """The lessons and exercises whose number, or name, ``only`` is part of; all if it is empty."""
    lessons = [lesson for lesson in outline.lessons if only in lesson.file]
    return lessons, [exercise for exercise in outline.exercises if only in exercise.file]


def build(only: str = "", force: bool = False, root: Path = ROOT) -> list[Path]:
    """Build what ``only`` chooses, and all that is derived from the outline; the paths that changed.

    Raises:
        BuildError, OutlineError: a source or the outline is wrong. What was built before that stays.
    """
    outline = read_outline(root)
    lessons, exercises = chosen(outline, only)
    if not lessons and not exercises:
        raise BuildError(f"no lesson and no exercise has {only!r} in its name.")
    for source in sorted(set(outline.built().values())):  # all are right before anything is written
        read_source(root / source, root, outline)
    changed = [*write_course_file(outline, root), *write_documents(outline, root)]
    for lesson in lessons:
        changed += build_lesson(lesson, outline, force, root)
    for exercise in exercises:
        changed += build_exercise(exercise, outline, force, root)
    changed += write_claims(outline, root)
    return changed + remove_unplaced(outline, root)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build notebooks/, solutions/ and exercises/ from lessons/.")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only what has TEXT in its name, for example 05"
    )
    parser.add_argument("--force", action="store_true", help="execute again even what has not changed")
    options = parser.parse_args(arguments)
    try:
        changed = build(options.only, options.force)
    except (BuildError, OutlineError) as error:
        print(f"Not built: {error}", file=sys.stderr)
        return 1
    print("".join(f"{line}\n" for line in compared(read_outline())), end="")
    for path in changed:
        print(f"{'wrote' if path.exists() else 'removed'} {path.relative_to(ROOT)}")
    print(f"{len(changed)} files changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
