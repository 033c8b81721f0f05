"""Queries and grades of your own, saved at once in BEIR's layout."""

import operator
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rerank_course.texts.beir import QRELS_FILE
from rerank_course.texts.files import CorpusError
from rerank_course.texts.judged_files import GRADES, Qrels, Queries, fits_a_line, read_judged, write_judged

PATIENCE = 30  # seconds to wait for another process that is saving; a save takes milliseconds


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
        """Save the grade of a document for a query, in place of an earlier one.

        Args:
            query_id: a query's id, from ``add_query``.
            document_id: the document's id.
            grade: 3 answers in full, 2 in part, 1 related, 0 not relevant.

        Raises:
            TypeError, ValueError: the query is unknown, the document's id cannot stand in a TSV file, or the
                grade is not 0, 1, 2 or 3.
            CorpusError: the folder cannot be written, or its files have become malformed.
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
        """What memory and disk hold together, to be changed in the block and saved at its end.

        No other process writes meanwhile.
        """
        try:
            (self.folder / QRELS_FILE).parent.mkdir(parents=True, exist_ok=True)
            with self._lock():
                queries, qrels = self._merged()
                yield queries, qrels
                write_judged(self.folder, queries, qrels)
        except Timeout:
            raise CorpusError(
                f"{self.folder} has been locked by another process for {PATIENCE} seconds; "
                "the last change was not saved. Close other notebooks and terminals that judge there, "
                "then try again."
            ) from None
        except OSError as error:
            raise CorpusError(
                f"{self.folder} cannot be written ({error}); the last change was not saved. "
                "Free disk space, or choose a folder that you may write to, "
                "for example one in your home folder."
            ) from None
        self.queries, self.qrels = queries, qrels

    def _lock(self) -> AbstractContextManager:
        return FileLock(self.folder / ".lock").acquire(timeout=PATIENCE, poll_interval=0.01)

    def _load(self) -> tuple[Queries, Qrels]:
        if self.folder.is_dir():
            try:
                with self._lock():  # else another process could save between the two files
                    return read_judged(self.folder)
            except OSError:
                pass  # a folder that may only be read cannot be locked
        return read_judged(self.folder)

    def _merged(self) -> tuple[Queries, Qrels]:
        """What memory holds, overlaid with what is on disk: the disk is newer where they differ."""
        queries, qrels = read_judged(self.folder)
        both = {query: self.qrels.get(query, {}) | qrels.get(query, {}) for query in self.qrels | qrels}
        return self.queries | queries, both


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
    if not document_id or "\t" in document_id or not fits_a_line(document_id):
        raise ValueError(
            f"The document id {document_id!r} is empty, or holds a tab, a line break or half a character: "
            "no TSV file can hold it."
        )


def _id_of(text: str, queries: Queries) -> str | None:
    return next((query for query, known in queries.items() if known.strip() == text), None)


def _next_id(queries: Queries) -> str:
    """One more than the highest of ``q1``, ``q2`` …; ids in other forms do not count."""
    numbers = [int(query[1:]) for query in queries if query[:1] == "q" and query[1:].isdecimal()]
    return f"q{max(numbers, default=0) + 1}"
