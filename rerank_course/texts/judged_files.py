"""Queries and grades on disk, together: ``queries.jsonl`` and the files of ``judged_texts``."""

import json
from pathlib import Path

from rerank_course.texts.beir import read_queries
from rerank_course.texts.files import GZIP_ENDING, CorpusError, opened
from rerank_course.texts.judged_texts import Given, read_given, write_file, write_given
from rerank_course.texts.layout import QUERIES_FILE, file_in
from rerank_course.texts.qrels import Qrels

__all__ = ["GRADES", "Qrels", "Queries", "fits_a_line", "read_judged", "write_judged"]

GRADES = {3: "answers in full", 2: "answers in part", 1: "related, but does not answer", 0: "not relevant"}

Queries = dict[str, str]


def read_judged(folder: Path, split: str = "test") -> tuple[Queries, list[Given]]:
    """All queries, and all grades of a split, as they stand on disk; empty where there is no file.

    Raises:
        CorpusError: a file is malformed or cannot be read.
    """
    path = file_in(folder, QUERIES_FILE)
    return read_queries(path)[0] if path else {}, read_given(folder, split)


def write_judged(folder: Path, new: Queries, given: list[Given], split: str = "test") -> None:
    """Write all files, each whole or not at all. The folder must be there, and locked by the caller.

    Args:
        folder: where to.
        new: queries that are not in ``queries.jsonl`` yet.
        given: all grades of the split.
        split: which one.

    Raises:
        OSError: a file cannot be written.
        CorpusError: the change belongs in a packed file.
    """
    # Queries first: a kill between the files must not leave a grade for an unknown query.
    if new:
        _add_queries(folder, new)
    write_given(folder, given, split)


def _add_queries(folder: Path, new: Queries) -> None:
    """Put queries below those that are there. The other lines, and metadata in them, stay as they are."""
    path = file_in(folder, QUERIES_FILE) or folder / QUERIES_FILE
    if path.name.endswith(GZIP_ENDING):
        raise CorpusError(
            f"{path} is packed, and no query is added to a packed file; the last change was not saved. "
            "Unpack it (gunzip), then judge again."
        )
    content = ""
    if path.exists():
        with opened(path, newline="") as file:
            content = file.read()
    if content and not content.endswith("\n"):
        content += "\n"
    write_file(path, content + "".join(_json_line(query, text) for query, text in new.items()))


def _json_line(query: str, text: str) -> str:
    """One line of JSON, in readable characters unless one of them would break the line."""
    row = {"_id": query, "text": text}
    line = json.dumps(row, ensure_ascii=False)
    return f"{line if fits_a_line(line) else json.dumps(row)}\n"


def fits_a_line(text: str) -> bool:
    """Whether a text can be written as UTF-8 and is read back as one line."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(f"{text}.".splitlines()) == 1
