"""Find the notebooks that were handed in, and make one that nbgrader can grade of whatever a student did to
it.
"""

import ast
import hashlib
import re
import stat
import unicodedata
import zipfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

NOTEBOOK_MB = 100
ZIP_ENTRIES = 10_000
WATCHED = {
    "subprocess",
    "socket",
    "ctypes",
    "gc",
    "inspect",
    "multiprocessing",
    "importlib",
    "builtins",
    "shutil",
    "sys",
    "signal",
}
WATCHED_NAMES = {
    "_exit",
    "fork",
    "system",
    "popen",
    "kill",
    "setattr",
    "exec",
    "eval",
    "globals",
    "get_ipython",
    "__code__",
    "__globals__",
    "__file__",
    "modules",
}


class NotGradable(Exception):
    """Why a submission cannot be graded, as the second half of "could not be graded, because …"."""


@dataclass
class Submission:
    """One notebook that one student handed in for one exercise; ``content`` is None if it could not be read."""

    student: str
    exercise: str
    origin: str
    modified: float
    content: bytes | None
    notes: list[str] = field(default_factory=list)  # for the teacher
    refused: str = ""  # why it cannot be graded

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.content or self.refused.encode()).hexdigest()


def collect(folder: Path, exercises: dict[str, NotebookNode]) -> list[Submission]:
    """All submissions below ``folder``, one for each student and exercise: the last modified of several.

    One folder or one zip for each student, or flat files ``student__exercise.ipynb``; they may be mixed.

    Raises:
        NotADirectoryError: ``folder`` is none.
    """
    found: list[Submission] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        if path.is_symlink():
            found.append(
                _refused(path.stem, "", path.name, "it is a link to another file. Ask for the file itself")
            )
        elif path.is_dir():
            found += _from_folder(path, exercises)
        elif path.suffix.lower() == ".zip":
            found += _from_zip(path, exercises)
        elif path.suffix.lower() == ".ipynb":
            student, _, name = path.stem.partition("__")
            found.append(_from_file(_name(student), name or path.stem, path, path.name, exercises))
    return _last_of_each(found)


def _name(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()  # macOS writes é as two characters


def _refused(student: str, exercise: str, origin: str, why: str, modified: float = 0.0) -> Submission:
    return Submission(_name(student), exercise, origin, modified, None, refused=why)


def _from_folder(folder: Path, exercises: dict[str, NotebookNode]) -> list[Submission]:
    found = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if path.suffix.lower() != ".ipynb" or _is_leftover(inner.parts):
            continue
        origin = f"{folder.name}/{inner.as_posix()}"
        if path.resolve() != folder.resolve() / inner:
            found.append(
                _refused(
                    folder.name,
                    _exercise_of(path.stem, None, exercises),
                    origin,
                    "it is a link to another file. Ask for the file itself",
                )
            )
        elif path.is_file():
            found.append(_from_file(_name(folder.name), path.stem, path, origin, exercises))
    return found or [_refused(folder.name, "", folder.name, "there is no notebook in the folder")]


def _is_leftover(parts: tuple[str, ...]) -> bool:
    return any(part in (".ipynb_checkpoints", "__MACOSX") or part.startswith("._") for part in parts)


def _from_file(
    student: str, name: str, path: Path, origin: str, exercises: dict[str, NotebookNode]
) -> Submission:
    status = path.stat()
    if status.st_size > NOTEBOOK_MB * 1e6:
        why = f"the file has {status.st_size / 1e6:.0f} MB; the limit is {NOTEBOOK_MB}. Ask for it with its outputs cleared"
        return _refused(student, _exercise_of(name, None, exercises), origin, why, status.st_mtime)
    content = path.read_bytes()
    return Submission(student, _exercise_of(name, content, exercises), origin, status.st_mtime, content)


def _from_zip(path: Path, exercises: dict[str, NotebookNode]) -> list[Submission]:
    """Notebooks are read from the archive and never unpacked, so a path in it can lead nowhere; one that
    tries is reported.
    """
    found, when = [], path.stat().st_mtime
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist()[:ZIP_ENTRIES]:
                inner = PurePosixPath(entry.filename.replace("\\", "/"))
                if entry.is_dir() or inner.suffix.lower() != ".ipynb" or _is_leftover(inner.parts):
                    continue
                origin, exercise = f"{path.name}/{inner}", _exercise_of(inner.stem, None, exercises)
                if inner.is_absolute() or ".." in inner.parts or re.match(r"[A-Za-z]:", str(inner)):
                    found.append(
                        _refused(
                            path.stem,
                            exercise,
                            origin,
                            f"its path in the zip climbs out of the folder: {inner}",
                        )
                    )
                elif stat.S_ISLNK(entry.external_attr >> 16):
                    found.append(
                        _refused(
                            path.stem,
                            exercise,
                            origin,
                            "it is a link to another file. Ask for the file itself",
                        )
                    )
                elif entry.file_size > NOTEBOOK_MB * 1e6:
                    found.append(
                        _refused(
                            path.stem,
                            exercise,
                            origin,
                            f"it unpacks to {entry.file_size / 1e6:.0f} MB; the limit is {NOTEBOOK_MB}",
                        )
                    )
                else:
                    with archive.open(entry) as file:
                        content = file.read(int(NOTEBOOK_MB * 1e6))
                    found.append(
                        Submission(
                            _name(path.stem),
                            _exercise_of(inner.stem, content, exercises),
                            origin,
                            _zip_time(entry, when),
                            content,
                        )
                    )
    except (
        zipfile.BadZipFile,
        OSError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        ValueError,
    ) as error:  # RuntimeError: it has a password
        return [_refused(path.stem, "", path.name, f"the zip cannot be read: {error}", when)]
    return found or [_refused(path.stem, "", path.name, "there is no notebook in the zip", when)]


def _zip_time(entry: zipfile.ZipInfo, otherwise: float) -> float:
    try:
        return datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError):
        return otherwise


def _exercise_of(name: str, content: bytes | None, exercises: dict[str, NotebookNode]) -> str:
    """The exercise that a notebook answers: by its file name, its number, else by what the build wrote into
    it; "" if none fits.
    """
    for exercise in exercises:
        if exercise in name:
            return exercise
    number = re.search(r"ex(\d\d)(?!\d)", name.lower())
    for exercise in exercises:
        if number and exercise.startswith(f"ex{number.group(1)}_"):
            return exercise
    if content:
        text = content.decode("utf-8", errors="replace")
        return next((exercise for exercise in exercises if f"exercises/{exercise}.py" in text), "")
    return ""


def _last_of_each(found: list[Submission]) -> list[Submission]:
    chosen: dict[tuple[str, str], Submission] = {}
    for submission in sorted(
        found, key=lambda s: (s.content is not None, s.modified, s.origin)
    ):  # what can be read, then the later one
        if not submission.exercise and not submission.refused:
            submission.refused = "it is none of the exercises: neither its name nor its content names one"
        key = (submission.student, submission.exercise or submission.origin)
        earlier = chosen.get(key)
        if earlier:
            submission.notes += [
                *earlier.notes,
                f"{earlier.origin} was handed in as well; {submission.origin}, modified last, is graded",
            ]
            if earlier.refused:
                submission.notes.append(f"{earlier.origin} could not be graded, because {earlier.refused}")
        chosen[key] = submission
    return sorted(chosen.values(), key=lambda s: (s.student.casefold(), s.exercise, s.origin))


def read_submission(content: bytes) -> NotebookNode:
    """A notebook of the present format, of any older one.

    Raises:
        NotGradable: it is none.
    """
    if not content.strip():
        raise NotGradable("the file is empty")
    try:
        notebook = nbformat.reads(content.decode("utf-8-sig"), as_version=4)
        if not isinstance(notebook.cells, list):
            raise TypeError("its cells are not a list")
        return notebook
    except UnicodeDecodeError:
        raise NotGradable("the file is not a notebook: it is not UTF-8 text") from None
    except nbformat.reader.NotJSONError:
        raise NotGradable("the file is not a notebook: it is not JSON") from None
    except Exception as error:  # nbformat's upgrades trip over anything in a malformed file
        raise NotGradable(f"the file is not a notebook: {type(error).__name__}: {str(error)[:200]}") from None


def normalise(
    submitted: NotebookNode, trusted: NotebookNode, released: NotebookNode
) -> tuple[NotebookNode, list[str]]:
    """The submission with the teacher's test cells, every cell under its own id, and nothing else of its
    metadata.

    Args:
        submitted: what the student handed in, in the present format.
        trusted: the exercise as it is graded, with hidden tests.
        released: the exercise as it was handed out.

    Returns:
        The notebook to grade, and what a teacher should know.
    """
    wanted = {cell.metadata.nbgrader.grade_id: cell for cell in trusted.cells if "nbgrader" in cell.metadata}
    shown = {
        cell.metadata.nbgrader.grade_id: cell.source for cell in released.cells if "nbgrader" in cell.metadata
    }
    notes: list[str] = []
    cells = [_plain(cell) for cell in submitted.cells if isinstance(cell, dict)]
    ids = _identify(cells, wanted, shown, trusted, notes)
    kept: list[NotebookNode] = []
    for index, (cell, name) in enumerate(zip(cells, ids)):
        if name and name in ids[index + 1 :]:  # the last of several counts, as nbgrader has it
            notes.append(f"the cell {name} is there twice; the last one counts")
            if _is_test(wanted[name]):
                continue
            name = ""
        kept.append(_with_role(cell, wanted[name], shown[name], notes) if name else cell)
    _insert_missing(kept, wanted, notes)
    return new_notebook(
        cells=kept,
        metadata={
            "kernelspec": trusted.metadata["kernelspec"],
            "language_info": trusted.metadata["language_info"],
        },
    ), notes


def _plain(cell: dict) -> NotebookNode:
    """A cell's kind, text and marks; its outputs and everything else stay behind."""
    source = cell.get("source", "")
    source = (
        ("".join(map(str, source)) if isinstance(source, list) else str(source))
        .replace("\r\n", "\n")
        .replace("\r", "\n")
    )
    make = {"code": new_code_cell, "markdown": new_markdown_cell}.get(cell.get("cell_type"), new_raw_cell)
    plain = make(source)
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    plain.metadata["claimed"] = [
        str(marks.get("grade_id")) if isinstance(marks, dict) else "",
        str(cell.get("id")),
    ]
    return plain


def _identify(
    cells: list[NotebookNode], wanted: dict, shown: dict, trusted: NotebookNode, notes: list[str]
) -> list[str]:
    """The grade_id of each cell, "" for a cell of the student's own: by its mark, else its cell id, its text
    or its place.
    """
    before = {
        b.metadata.nbgrader.grade_id: a.source
        for a, b in zip(trusted.cells, trusted.cells[1:])
        if "nbgrader" in b.metadata
    }
    ids = [next((name for name in cell.metadata.pop("claimed") if name in wanted), "") for cell in cells]
    marked = set(ids)
    for index, cell in enumerate(cells):
        if ids[index]:
            continue
        for name in wanted.keys() - marked:
            same_text = cell.source.strip() in (shown[name].strip(), wanted[name].source.strip())
            same_place = (
                index > 0
                and cells[index - 1].source == before.get(name)
                and cell.cell_type == wanted[name].cell_type
            )
            if (same_text or same_place) and name not in ids:
                ids[index] = name
                notes.append(
                    f"the cell {name} had lost its id; it was found by its {'text' if same_text else 'place'}"
                )
    return ids


def _is_test(cell: NotebookNode) -> bool:
    return cell.metadata.nbgrader.grade and not cell.metadata.nbgrader.solution


def _with_role(cell: NotebookNode, trusted: NotebookNode, shown: str, notes: list[str]) -> NotebookNode:
    """The teacher's cell if it is a test, else the student's text in a cell of the right kind with the
    teacher's marks.
    """
    name = trusted.metadata.nbgrader.grade_id
    if _is_test(trusted):
        if "".join(cell.source.split()) not in ("".join(shown.split()), "".join(trusted.source.split())):
            notes.append(f"the test cell {name} was edited; the original was run")
        return nbformat.from_dict(trusted)
    make = new_code_cell if trusted.cell_type == "code" else new_markdown_cell
    made = make(cell.source, metadata=nbformat.from_dict(trusted.metadata))
    if cell.cell_type != trusted.cell_type:
        notes.append(
            f"the cell {name} was a {cell.cell_type} cell; it was made a {trusted.cell_type} cell again"
        )
    return made


def _insert_missing(cells: list[NotebookNode], wanted: dict, notes: list[str]) -> None:
    """Put back what gives points, after the graded cell before it, else at the end: there everything is
    defined.
    """
    graded = [name for name, cell in wanted.items() if cell.metadata.nbgrader.grade]
    for position, name in enumerate(graded):
        present = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells]
        if name in present:
            continue
        notes.append(f"the cell {name} was missing; it was put back")
        previous = graded[position - 1] if position and _is_test(wanted[graded[position - 1]]) else None
        cells.insert(
            present.index(previous) + 1 if previous and previous in present else len(cells),
            nbformat.from_dict(wanted[name]),
        )


def suspicious(notebook: NotebookNode) -> list[str]:
    """What a teacher should look at: code of the student's that reaches beyond the exercise. No proof of
    anything.
    """
    seen: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type != "code" or ("nbgrader" in cell.metadata and _is_test(cell)):
            continue
        try:
            tree = ast.parse(TransformerManager().transform_cell(cell.source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        seen |= _reaches(tree)
    return [f"its code uses {', '.join(sorted(seen))}"] if seen else []


def _reaches(tree: ast.AST) -> set[str]:
    seen, course = set(), {"rerank_course"}
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            seen |= {alias.name for alias in node.names if alias.name.split(".")[0] in WATCHED}
            course |= {
                (alias.asname or alias.name).split(".")[0]
                for alias in node.names
                if alias.name.startswith("rerank_course")
            }
        elif isinstance(node, ast.ImportFrom):
            seen |= {node.module} if (node.module or "").split(".")[0] in WATCHED else set()
            if (node.module or "").startswith("rerank_course"):
                course |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute) and node.attr in WATCHED_NAMES:
            seen.add(node.attr)
        elif isinstance(node, ast.Name) and node.id in WATCHED_NAMES:
            seen.add(node.id)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"solutions/|\.\./|\.ipynb|/proc/", node.value)
        ):
            seen.add(repr(node.value[:60]))
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _root(node) in course:
            seen.add(f"an assignment to {ast.unparse(node)}")
    return seen


def _root(node: ast.AST) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
