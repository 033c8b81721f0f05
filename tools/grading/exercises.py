"""Prepare what is graded: each exercise with its tests, as it was handed out, and in nbgrader's database."""

import ast
import hashlib
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    SaveCells,
)

from tools.build import notebooks as build
from tools.build.outline import OutlineError
from tools.build.sources import BuildError, points_of, read_source
from tools.grading.roles import is_test

HERE = Path(__file__).resolve().parent


@dataclass
class Exercise:
    """An exercise as it is graded and as it was handed out, in files that grade_one.py reads."""

    name: str  # with its number
    trusted: Path
    released: Path
    gradebook: Path  # nbgrader's, with this exercise and one student; each submission gets a copy
    imports: str
    points: float
    fingerprint: str


def prepare(folder: Path, root: Path) -> dict[str, Exercise]:
    """All exercises of ``root/solutions``, made ready to grade with in ``folder``.

    Raises:
        SystemExit: there is none, or one is older than its source.
    """
    package = build.fingerprint(nbformat.v4.new_notebook(), root) + grading_sources()
    paths = sorted((root / "solutions").glob("ex*.ipynb"))
    if not paths:
        sys.exit(f"There is no exercise in {root / 'solutions'}. Build them first: make build")
    return {path.stem: _prepare_one(path, folder, root, package) for path in paths}


def grading_sources() -> str:
    """The text of all modules here: a change in one can change a grade."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*.py")))


def _prepare_one(path: Path, folder: Path, root: Path, package: str) -> Exercise:
    source = nbformat.read(path, as_version=4)
    _check_current(path, source, root)
    trusted = _after((ClearSolutions, LockCells, ClearOutput, CheckCellMetadata, ComputeChecksums), source)
    trusted_file, released_file = (folder / f"{path.stem}-{which}.ipynb" for which in ("trusted", "released"))
    nbformat.write(trusted, trusted_file)
    nbformat.write(build.to_exercise(source), released_file)
    gradebook = folder / f"{path.stem}.db"
    _make_gradebook(path.stem, trusted, gradebook)
    return Exercise(
        path.stem,
        trusted_file,
        released_file,
        gradebook,
        _course_imports(trusted),
        points_of(trusted),
        hashlib.sha256(trusted_file.read_bytes() + package.encode()).hexdigest(),
    )


def _check_current(path: Path, built: NotebookNode, root: Path) -> None:
    """Grading with yesterday's tests would be worse than not grading."""
    named = built.metadata.get("rerank_course", {}).get("source", "")
    if not (root / named).is_file():  # a course without its sources
        return
    try:
        current = read_source(root / named, root)
    except (BuildError, OutlineError) as error:
        sys.exit(f"{path} cannot be compared with its source: {error}")
    if [cell.source for cell in current.cells] != [cell.source for cell in built.cells]:
        sys.exit(f"{path} is older than its source, {named}. Build it first: make build ONLY={path.stem}")


def _after(steps: tuple, notebook: NotebookNode) -> NotebookNode:
    notebook = nbformat.from_dict(notebook)
    resources: dict = {}
    for step in steps:
        notebook, resources = step().preprocess(notebook, resources)
    return notebook


def _make_gradebook(exercise: str, trusted: NotebookNode, file: Path) -> None:
    # nbgrader calls alembic by its name.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with Gradebook(f"sqlite:///{file}") as gradebook:
        gradebook.add_assignment(exercise)
    resources = {"nbgrader": {"notebook": exercise, "assignment": exercise, "db_url": f"sqlite:///{file}"}}
    SaveCells().preprocess(nbformat.from_dict(trusted), resources)
    with warnings.catch_warnings(), Gradebook(f"sqlite:///{file}") as gradebook:
        warnings.simplefilter("ignore")  # SQLAlchemy's, about nbgrader's own queries
        gradebook.add_student("student")
        gradebook.add_submission(exercise, "student")


def _course_imports(notebook: NotebookNode) -> str:
    """What graded cells may name: the exercise's imports from the course, and all imports of their own."""
    lines = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for node in ast.parse(cell.source).body:
                of_course = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                    "rerank_course"
                )
                if of_course or (is_test(cell) and isinstance(node, (ast.Import, ast.ImportFrom))):
                    lines.append(ast.unparse(node))
    return "\n".join(dict.fromkeys(lines))
