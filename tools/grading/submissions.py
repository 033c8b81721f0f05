"""Find the notebooks that were handed in: in folders, in zips, or as flat files."""

import hashlib
import re
import stat
import unicodedata
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from tools.grading.limits import NOTEBOOK_MB, ZIP_ENTRIES
from tools.grading.which_exercise import which_exercise

IS_A_LINK = "it is a link to another file. Ask for the file itself"


@dataclass
class Submission:
    """One notebook that one student handed in; ``content`` is None if it could not be read."""

    student: str
    exercise: str  # "" if it is none
    origin: str
    modified: float
    content: bytes | None
    notes: list[str] = field(default_factory=list)  # for the teacher
    refused: str = ""  # why it cannot be graded

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.content or self.refused.encode()).hexdigest()


def find_submissions(folder: Path, exercises: Collection[str]) -> list[Submission]:
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
            found.append(_refused(path.stem, "", path.name, IS_A_LINK))
        elif path.is_dir():
            found += _from_folder(path, exercises)
        elif path.suffix.lower() == ".zip":
            found += _from_zip(path, exercises)
        elif path.suffix.lower() == ".ipynb":
            student, _, name = path.stem.partition("__")
            found.append(_from_file(student, name or path.stem, path, path.name, exercises))
    return _last_of_each(found)


def _name(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()  # macOS writes é as two characters


def _refused(student: str, exercise: str, origin: str, why: str, modified: float = 0.0) -> Submission:
    return Submission(_name(student), exercise, origin, modified, None, refused=why)


def _from_folder(folder: Path, exercises: Collection[str]) -> list[Submission]:
    found = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if path.suffix.lower() != ".ipynb" or _is_leftover(inner.parts):
            continue
        origin = f"{folder.name}/{inner.as_posix()}"
        if path.resolve() != folder.resolve() / inner:
            exercise = which_exercise(path.stem, None, exercises)
            found.append(_refused(folder.name, exercise, origin, IS_A_LINK))
        elif path.is_file():
            found.append(_from_file(folder.name, path.stem, path, origin, exercises))
    return found or [_refused(folder.name, "", folder.name, "there is no notebook in the folder")]


def _is_leftover(parts: tuple[str, ...]) -> bool:
    return any(part in (".ipynb_checkpoints", "__MACOSX") or part.startswith("._") for part in parts)


def _from_file(student: str, name: str, path: Path, origin: str, exercises: Collection[str]) -> Submission:
    status = path.stat()
    if status.st_size > NOTEBOOK_MB * 1e6:
        size = f"the file has {status.st_size / 1e6:.0f} MB; the limit is {NOTEBOOK_MB}"
        exercise = which_exercise(name, None, exercises)
        why = f"{size}. Ask for it with its outputs cleared"
        return _refused(student, exercise, origin, why, status.st_mtime)
    content = path.read_bytes()
    exercise = which_exercise(name, content, exercises)
    return Submission(_name(student), exercise, origin, status.st_mtime, content)


def _from_zip(path: Path, exercises: Collection[str]) -> list[Submission]:
    """Notebooks are read from the archive and never unpacked, so a path in it can lead nowhere."""
    found, when = [], path.stat().st_mtime
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist()[:ZIP_ENTRIES]:
                inner = PurePosixPath(entry.filename.replace("\\", "/"))
                if not entry.is_dir() and inner.suffix.lower() == ".ipynb" and not _is_leftover(inner.parts):
                    found.append(_from_entry(archive, entry, path, exercises))
    # RuntimeError: it has a password.
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, ValueError) as error:
        return [_refused(path.stem, "", path.name, f"the zip cannot be read: {error}", when)]
    return found or [_refused(path.stem, "", path.name, "there is no notebook in the zip", when)]


def _from_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, exercises: Collection[str]
) -> Submission:
    inner = PurePosixPath(entry.filename.replace("\\", "/"))
    origin = f"{path.name}/{inner}"
    if why := next(_odd(entry, inner), ""):
        return _refused(path.stem, which_exercise(inner.stem, None, exercises), origin, why)
    with archive.open(entry) as file:
        content = file.read(int(NOTEBOOK_MB * 1e6))
    exercise = which_exercise(inner.stem, content, exercises)
    when = _zip_time(entry, path.stat().st_mtime)
    return Submission(_name(path.stem), exercise, origin, when, content)


def _odd(entry: zipfile.ZipInfo, inner: PurePosixPath) -> Iterator[str]:
    """Why an entry of a zip is not read."""
    if inner.is_absolute() or ".." in inner.parts or re.match(r"[A-Za-z]:", str(inner)):
        yield f"its path in the zip climbs out of the folder: {inner}"
    if stat.S_ISLNK(entry.external_attr >> 16):
        yield IS_A_LINK
    if entry.file_size > NOTEBOOK_MB * 1e6:
        yield f"it unpacks to {entry.file_size / 1e6:.0f} MB; the limit is {NOTEBOOK_MB}"


def _zip_time(entry: zipfile.ZipInfo, otherwise: float) -> float:
    try:
        return datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError):
        return otherwise


def _last_of_each(found: list[Submission]) -> list[Submission]:
    chosen: dict[tuple[str, str], Submission] = {}
    # What can be read counts for more, then what is later.
    for submission in sorted(found, key=lambda s: (s.content is not None, s.modified, s.origin)):
        if not submission.exercise and not submission.refused:
            submission.refused = "it is none of the exercises: neither its name nor its content names one"
        key = (submission.student, submission.exercise or submission.origin)
        if key in chosen:
            submission.notes += _on_the_earlier(chosen[key], submission)
        chosen[key] = submission
    return sorted(chosen.values(), key=lambda s: (s.student.casefold(), s.exercise, s.origin))


def _on_the_earlier(earlier: Submission, later: Submission) -> Iterator[str]:
    yield from earlier.notes
    yield f"{earlier.origin} was handed in as well; {later.origin}, modified last, is graded"
    if earlier.refused:
        yield f"{earlier.origin} could not be graded, because {earlier.refused}"
