"""Queries and grades of your own, saved at once in BEIR's layout."""

import csv
import io
import json
import operator
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rerank_course.texts.beir import CorpusError, read_jsonl, read_lines, read_qrels

GRADES = {3: "answers in full", 2: "answers in part", 1: "related, but does not answer", 0: "not relevant"}
PATIENCE = 30  # seconds to wait for another process that is saving; a save takes milliseconds

Queries = dict[str, str]
Qrels = dict[str, dict[str, int]]


class Judgements:
    """Queries and grades in a folder: ``queries.jsonl`` and ``qrels/test.tsv``, in BEIR's layout.

    With a ``corpus.jsonl`` beside them, ``rerank_course.texts.beir.read_beir`` reads the folder. Every change
    is saved at once, whole or not at all, together with what other processes have saved there meanwhile. A
    folder that does not exist is made at the first change.

    Args:
        folder: where the files are or shall be.

    Attributes:
        folder: that folder.
        queries: query text by query id. Change it with ``add_query`` only.
        qrels: ``{query id: {document id: 0, 1, 2 or 3}}``. Change it with ``record`` only.

    Raises:
        CorpusError: a file is malformed or cannot be read; the message names file and line. The file stays as
        it is.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.queries: Queries = {}
        self.qrels: Qrels = {}
        self.queries, self.qrels = self._load()

    def add_query(self, text: str) -> str:
        """The id of a query, which is saved if it is new: ``q1``, ``q2`` …

        White space around the text does not count: the same text gives the same id.

        Raises:
            TypeError, ValueError: the text is not a string, or empty.
            CorpusError: the folder cannot be written, or its files have become malformed.
        """
        if not isinstance(text, str):
            raise TypeError(f"A query is one string, not a {type(text).__name__}.")
        text = text.strip()
        if not text:
            raise ValueError("The query is empty. Leave empty queries out.")
        known = _id_of(text, self.queries)
        if known is not None:
            return known
        with self._change() as (queries, _):
            new = _id_of(text, queries) or _next_id(queries)  # another process may have added it meanwhile
            queries.setdefault(new, text)
        return new

    def record(self, query_id: str, document_id: str, grade: int) -> None:
        """Save the grade of a document for a query: 3 answers in full, 2 in part, 1 related, 0 not relevant.
        Replaces an earlier one.

        Raises:
            TypeError, ValueError: the query is unknown, the id cannot stand in a TSV file, or the grade is
            not 0, 1, 2 or 3. CorpusError: the folder cannot be written, or its files have become malformed.
        """
        grade = _check_grade(grade)
        _check_document_id(document_id)
        if query_id not in self.queries:
            raise ValueError(
                f"There is no query {query_id!r} in {self.folder}. Get its id from add_query(text)."
            )
        with self._change() as (_, qrels):
            qrels.setdefault(query_id, {})[document_id] = grade

    @contextmanager
    def _change(self) -> Iterator[tuple[Queries, Qrels]]:
        """What memory and disk hold together, to be changed in the block and saved at its end; no other
        process writes meanwhile.
        """
        try:
            (self.folder / "qrels").mkdir(parents=True, exist_ok=True)
            with self._lock():
                queries, qrels = self._merged()
                yield queries, qrels
                # Queries first: a kill between the two must not leave a grade for an unknown query.
                _replace(self.folder / "queries.jsonl", self._queries_file(queries))
                _replace(self.folder / "qrels" / "test.tsv", _qrels_file(qrels))
        except Timeout:
            raise CorpusError(
                f"{self.folder} has been locked by another process for {PATIENCE} seconds; the last change was not saved. "
                "Close other notebooks and terminals that judge there, then try again."
            ) from None
        except OSError as error:
            raise CorpusError(
                f"{self.folder} cannot be written ({error}); the last change was not saved. Free disk space, or choose a folder "
                "that you may write to, for example one in your home folder."
            ) from None
        self.queries, self.qrels = queries, qrels

    def _lock(self) -> AbstractContextManager:
        return FileLock(self.folder / ".lock").acquire(timeout=PATIENCE, poll_interval=0.01)

    def _load(self) -> tuple[Queries, Qrels]:
        """Both files as they stand on disk, empty where there is none."""
        if self.folder.is_dir():
            try:
                with self._lock():  # else another process could save between the two files
                    return self._read()
            except OSError:
                pass  # a folder that may only be read cannot be locked
        return self._read()

    def _read(self) -> tuple[Queries, Qrels]:
        queries_path, qrels_path = self.folder / "queries.jsonl", self.folder / "qrels" / "test.tsv"
        try:
            queries = (
                {row["_id"]: row["text"] for row in read_jsonl(queries_path)} if queries_path.exists() else {}
            )
            return queries, _read_grades(qrels_path, queries) if qrels_path.exists() else {}
        except (OSError, csv.Error) as error:
            raise CorpusError(
                f"{self.folder} cannot be read: {error}. Check the folder, or choose another one."
            ) from None

    def _merged(self) -> tuple[Queries, Qrels]:
        """What memory holds, overlaid with what is on disk: the disk is newer where they differ."""
        queries, qrels = self._read()
        ids = [*self.qrels, *(query for query in qrels if query not in self.qrels)]
        return self.queries | queries, {
            query: self.qrels.get(query, {}) | qrels.get(query, {}) for query in ids
        }

    def _queries_file(self, queries: Queries) -> str:
        """The file as it is and a line for each query that it lacks, so that metadata in its lines stays."""
        path = self.folder / "queries.jsonl"
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n") if path.exists() else []
        on_disk = {row["_id"] for row in read_jsonl(path)} if path.exists() else set()
        lines += [
            _json_line({"_id": query, "text": text})
            for query, text in queries.items()
            if query not in on_disk
        ]
        return "".join(f"{line}\n" for line in lines if line)


def _check_grade(grade: Any) -> int:
    try:
        if isinstance(grade, bool):
            raise TypeError
        number = operator.index(grade)
    except TypeError:
        raise TypeError(f"A grade is a whole number from 0 to 3, not {grade!r}.") from None
    if number not in GRADES:
        raise ValueError(f"A grade is 0, 1, 2 or 3, not {number}.")
    return number


def _check_document_id(document_id: Any) -> None:
    if not isinstance(document_id, str):
        raise TypeError(f"A document id is a string, not a {type(document_id).__name__}.")
    if not document_id or "\t" in document_id or not _fits_a_line(document_id):
        raise ValueError(
            f"The document id {document_id!r} is empty, or holds a tab, a line break or half a character: no TSV file can hold it."
        )


def _fits_a_line(text: str) -> bool:
    """Whether a text can be written as UTF-8 and is read back as one line."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(f"{text}.".splitlines()) == 1


def _id_of(text: str, queries: Queries) -> str | None:
    return next((query for query, known in queries.items() if known.strip() == text), None)


def _next_id(queries: Queries) -> str:
    """One more than the highest of ``q1``, ``q2`` …; ids in other forms do not count."""
    numbers = [int(query[1:]) for query in queries if query[:1] == "q" and query[1:].isdecimal()]
    return f"q{max(numbers, default=0) + 1}"


class _AnyDocument:
    """Stands for the ids of all documents where they are not known: no corpus is needed to judge."""

    def __contains__(self, document_id: object) -> bool:
        return True


def _read_grades(path: Path, queries: Queries) -> Qrels:
    """The judgements of a file, all of them 0 to 3."""
    qrels = read_qrels(path, _AnyDocument(), queries)
    rows = csv.reader(read_lines(path), delimiter="\t")
    next(rows)
    for row in rows:
        if int(row[2]) not in GRADES:
            where = f"{path}, line {rows.line_num}"
            raise CorpusError(
                f"{where}: a grade is 0, 1, 2 or 3, not {row[2]}. Correct the line, or judge in another folder."
            )
    return qrels


def _json_line(row: dict) -> str:
    """One line of JSON, in readable characters unless one of them would break the line."""
    line = json.dumps(row, ensure_ascii=False)
    return line if _fits_a_line(line) else json.dumps(row)


def _qrels_file(qrels: Qrels) -> str:
    lines = io.StringIO()
    rows = csv.writer(lines, delimiter="\t", lineterminator="\n")
    rows.writerow(["query-id", "corpus-id", "score"])
    rows.writerows(
        [query, document, grade] for query, judged in qrels.items() for document, grade in judged.items()
    )
    return lines.getvalue()


def _replace(path: Path, content: str) -> None:
    """Write whole or not at all. The lock is held, so the name of the temporary file can be fixed, and a kill
    leaves one at most.
    """
    if path.exists() and path.read_text(encoding="utf-8") == content:
        return
    scratch = path.with_name(f"{path.name}.part")
    with open(scratch, "w", encoding="utf-8", newline="\n") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)
