"""Grades on disk, each beside the text that it was given for: ``qrels/test.tsv`` and ``test.texts.tsv``.

The first file is BEIR's, for all tools. The second holds every grade with a hash of its text, also those
whose text is no longer there, and says what the first one held when both were saved. So a line that somebody
changed by hand is found, and wins; and a save that was cut off between the two files is noticed.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from rerank_course.texts.files import GZIP_ENDING, CorpusError, read_lines
from rerank_course.texts.layout import qrels_file, splits
from rerank_course.texts.qrels import QRELS_HEADER, Qrels, read_qrels

PATIENCE = 30  # seconds to wait for another process that is saving; a save takes milliseconds
TEXTS_HEADER = [*QRELS_HEADER, "text-sha256", "state"]
_END = "end"  # the state in the last line, whose other columns are a count and the hash of the grades
_HASH, _NUMBER = re.compile(r"[0-9a-f]{16}"), re.compile(r"-?[0-9]+")


class State(StrEnum):
    """What a grade counts for."""

    CURRENT = "current"  # it is in the file of grades
    OUTDATED = "outdated"  # its text is no longer there
    REPLACED = "replaced"  # the same, and what is there now has been judged since


_STATES = frozenset(map(str, State))


class Given(NamedTuple):
    """A grade that somebody gave.

    Attributes:
        query, document: ids; the document's is the last one under which its text was there.
        grade: the grade.
        text: the text's ``fingerprint``; empty where it is not known.
        state: whether it counts.
    """

    query: str
    document: str
    grade: int
    text: str = ""
    state: State = State.CURRENT


class Saved(NamedTuple):
    """What a file of texts holds: the grades, and the ``digest`` of those in the file beside it."""

    given: list[Given]
    digest: str


def short_hash(content: str) -> str:
    """The first 16 hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def digest(qrels: Qrels) -> str:
    """A hash of judgements, whatever their order."""
    rows = (
        f"{query}\t{name}\t{grade}\n" for query, judged in qrels.items() for name, grade in judged.items()
    )
    return short_hash("".join(sorted(rows)))


def counting(given: Iterable[Given]) -> Qrels:
    """The grades that count: ``{query id: {document id: grade}}``."""
    qrels: Qrels = {}
    for one in given:
        if one.state is State.CURRENT:
            qrels.setdefault(one.query, {})[one.document] = one.grade
    return qrels


def without_texts(qrels: Qrels) -> list[Given]:
    """Grades whose texts are not known."""
    return [Given(query, name, grade) for query, judged in qrels.items() for name, grade in judged.items()]


# Where the files are


def grades_path(folder: Path, split: str = "test") -> Path:
    """The file of a split's grades as it is there, in whatever layout; else where it shall be."""
    try:
        found = qrels_file(folder, split)
    except CorpusError:
        if split in splits(folder) or Path(split).name != split:
            raise
        found = None  # judgements of other splits are no reason not to begin this one
    return found or folder / "qrels" / f"{split}.tsv"


def texts_path(folder: Path, split: str = "test") -> Path:
    """The file that says which texts a split's grades were given for."""
    return folder / "qrels" / f"{split}.texts.tsv"


def has_grades(folder: Path, split: str = "test") -> bool:
    """Whether grades of a split have been saved in a folder; an empty file holds none."""
    paths = grades_path(folder, split), texts_path(folder, split)
    return any(path.exists() and path.stat().st_size for path in paths)


def lock_of(folder: Path) -> FileLock:
    """The lock that is held while files in a folder of judgements are written."""
    return FileLock(folder / ".lock")


@contextmanager
def undisturbed(folder: Path) -> Iterator[None]:
    """Read without another process saving in between; a folder that may only be read is read all the same."""
    lock = lock_of(folder)
    try:
        lock.acquire(timeout=PATIENCE, poll_interval=0.01)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


# Reading


def read_given(folder: Path, split: str = "test") -> list[Given]:
    """All grades of a split, those that count and the others. Best called while nobody saves.

    Raises:
        CorpusError: a file is malformed or cannot be read; the message names file, line and remedy.
    """
    path = grades_path(folder, split)
    qrels = read_qrels(path) if path.exists() else {}
    saved = read_texts(texts_path(folder, split))
    if saved is None:
        return without_texts(qrels)
    if saved.digest == digest(qrels) or _is_cut_off(path, saved):
        return saved.given
    if path.exists() and not path.stat().st_size:
        raise CorpusError(
            f"{path} is empty, not even its header is there, though grades were saved in it. Take it from a "
            f"copy; to begin anew, delete it and {texts_path(folder, split).name} beside it."
        )
    return follow(saved.given, qrels)


def given_for(folder: Path, qrels: Qrels, split: str = "test") -> list[Given]:
    """All grades of a split whose file has been read already; both are read anew if they do not agree.

    Raises:
        CorpusError: as ``read_given``.
    """
    saved = read_texts(texts_path(folder, split))
    if saved is None:
        return without_texts(qrels)
    if saved.digest == digest(qrels):
        return saved.given
    with undisturbed(folder):  # else another process may have saved since the first file was read
        return read_given(folder, split)


def _is_cut_off(path: Path, saved: Saved) -> bool:
    """Whether a save ended after the file of texts was written, before its grades took their place."""
    scratch = _scratch(path)
    try:
        return scratch.is_file() and digest(read_qrels(scratch)) == saved.digest
    except CorpusError:  # cut off while this file was written: the others are as before
        return False


def follow(given: list[Given], qrels: Qrels) -> list[Given]:
    """What was given, after changes by hand in the file of grades.

    Another grade is taken over, a grade whose line was deleted is gone, and a new line is a grade without a
    text. An id in such a line means what it meant when the file was saved.
    """
    lines = {(one.query, one.document): one for one in without_texts(qrels)}
    found = []
    for one in given:
        if one.state is not State.CURRENT:
            found.append(one)
        elif line := lines.pop((one.query, one.document), None):
            found.append(one._replace(grade=line.grade))
    return found + list(lines.values())


def read_texts(path: Path) -> Saved | None:
    """What a file of texts holds; ``None`` if there is none.

    Raises:
        CorpusError: it is malformed, or not whole.
    """
    if not path.exists():
        return None
    lines = [(number, line.rstrip("\r\n")) for number, line in read_lines(path)]
    rows = [(number, line.split("\t")) for number, line in lines if line]
    if not rows or rows[0][1] != TEXTS_HEADER:
        raise _malformed(path, 1, f"the first line must be {'<TAB>'.join(TEXTS_HEADER)}")
    if rows[-1][1][-1] != _END:
        raise _malformed(path, rows[-1][0], "the file ends here, and its last line is missing")
    given = [_given(path, number, cells) for number, cells in rows[1:-1]]
    number, end = rows[-1]
    if len(end) != len(TEXTS_HEADER) or end[2] != str(len(given)) or not _HASH.fullmatch(end[3]):
        raise _malformed(
            path, number, f"there are {len(given)} grades above, which is not what this line says"
        )
    _check_once(path, rows, given)
    return Saved(given, end[3])


def _given(path: Path, number: int, cells: list[str]) -> Given:
    if len(cells) != len(TEXTS_HEADER):
        raise _malformed(path, number, f"{len(TEXTS_HEADER)} columns were expected, not {len(cells)}")
    query, document, grade, text, state = cells
    is_right = query and document and _NUMBER.fullmatch(grade) and (not text or _HASH.fullmatch(text))
    if not is_right or state not in _STATES:
        raise _malformed(path, number, f"{cells} is not a grade and the hash of its text")
    return Given(_unquoted(query), _unquoted(document), int(grade), text, State(state))


def _check_once(path: Path, rows: list[tuple[int, list[str]]], given: list[Given]) -> None:
    seen = set()
    for (number, _), one in zip(rows[1:], given):
        if one.state is State.CURRENT and (one.query, one.document) in seen:
            raise _malformed(path, number, f"{one.document!r} has two grades for {one.query!r}")
        if one.state is State.CURRENT:
            seen.add((one.query, one.document))


def _malformed(path: Path, number: int, fault: str) -> CorpusError:
    return CorpusError(
        f"{path}, line {number}: {fault}. The course writes this file, nobody else. Take it from a copy, or "
        "delete it: the grades beside it stay, but no longer know the texts that they were given for."
    )


# Writing


def write_given(folder: Path, given: list[Given], split: str = "test") -> None:
    """Save all grades of a split. The folder must be there, and locked by the caller.

    Each file is written whole or not at all. Cut off in between, the file of texts alone says what was given.

    Raises:
        OSError: a file cannot be written.
        CorpusError: the grades stand in a packed file.
    """
    path, texts = grades_path(folder, split), texts_path(folder, split)
    _end_cut_off(path, texts)
    qrels = counting(given)
    is_new = not path.exists() or read_qrels(path) != qrels
    if is_new and path.name.lower().endswith(GZIP_ENDING):
        raise CorpusError(
            f"{path} is packed, and grades are not written into packed files; the last change was not saved. "
            "Unpack it (gunzip), then judge again."
        )
    if is_new:
        write_scratch(path, _grades_content(qrels))
    if texts.exists() or any(one.text for one in given):
        write_file(texts, _texts_content(given, digest(qrels)))
    if is_new:
        os.replace(_scratch(path), path)


def _end_cut_off(path: Path, texts: Path) -> None:
    """Do what a save that was cut off left to do, before a new one writes over its traces."""
    saved = read_texts(texts) if _scratch(path).exists() else None
    if saved and _is_cut_off(path, saved):
        os.replace(_scratch(path), path)
    _scratch(path).unlink(missing_ok=True)


def write_file(path: Path, content: str) -> None:
    """Write a file whole or not at all, and not if it holds this already.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and path.read_bytes() == content.encode():
        return
    write_scratch(path, content)
    os.replace(_scratch(path), path)


def write_scratch(path: Path, content: str) -> None:
    """Write what shall take the place of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _scratch(path).open("wb") as file:
        file.write(content.encode())
        file.flush()
        os.fsync(file.fileno())


def _scratch(path: Path) -> Path:
    # The lock is held, so the name can be fixed, and a kill leaves one such file at most.
    return path.with_name(f"{path.name}.part")


def _grades_content(qrels: Qrels) -> str:
    rows = [(query, name, str(grade)) for query, judged in qrels.items() for name, grade in judged.items()]
    return _table([tuple(QRELS_HEADER), *rows])


def _texts_content(given: list[Given], grades: str) -> str:
    rows = [(one.query, one.document, str(one.grade), one.text, str(one.state)) for one in given]
    return _table([tuple(TEXTS_HEADER), *rows, ("", "", str(len(rows)), grades, _END)])


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join("\t".join(map(_quoted, row)) + "\n" for row in rows)


def _quoted(cell: str) -> str:
    """A cell as CSV writes it: one with quotes in it is put in quotes, and each of them is doubled."""
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else cell


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell
