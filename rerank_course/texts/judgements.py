"""Queries and grades of your own, saved at once in BEIR's layout, each grade with a hash of its text."""

import operator
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import Timeout

from rerank_course.text import Chunk, half_character, is_blank
from rerank_course.texts.bound import TextsNow, fingerprint, is_place, placed
from rerank_course.texts.files import CorpusError
from rerank_course.texts.judged_files import GRADES, Qrels, Queries, fits_a_line, read_judged, write_judged
from rerank_course.texts.judged_texts import (
    PATIENCE,
    Given,
    State,
    counting,
    has_grades,
    lock_of,
    undisturbed,
)


class Judgements:
    """Queries and grades in a folder: ``queries.jsonl`` and ``qrels/test.tsv``, in BEIR's layout.

    With a ``corpus.jsonl`` beside them, ``rerank_course.texts.beir.read_beir`` reads the folder. Every change
    is saved at once, whole or not at all, together with what other processes have saved there meanwhile. A
    folder that does not exist is made at the first change.

    A grade belongs to the text that it was given for; ``qrels/test.texts.tsv`` holds a hash of it. With
    ``documents``, grades are shown and saved under the ids that their texts have now, and those whose text
    has been changed or taken away do not count. They are kept, and count again once their text is back.

    Args:
        folder: where the files are or shall be.
        documents: all documents that can be judged, by id; without them, ids are taken as they were saved.
        split: which judgements: ``qrels/SPLIT.tsv``.

    Attributes:
        folder, split: the same.
        queries: query text by query id. Change it with ``add_query`` only.
        qrels: the grades that count, ``{query id: {document id: grade}}``. Change it with ``record`` only.

    Raises:
        CorpusError: a file is malformed or cannot be read; the message names file and line. The file stays as
        it is.
    """

    def __init__(self, folder: Path, documents: Mapping[str, Chunk] | None = None, split: str = "test"):
        self.folder = Path(folder)
        self.split = split
        self._texts = None if documents is None else TextsNow(documents)
        if self.folder.is_dir():
            with undisturbed(self.folder):  # else another process could save between two files
                self._take(*read_judged(self.folder, split))
        else:
            self._take({}, [])

    def add_query(self, text: str) -> str:
        """The id of a query, which is saved if it is new: ``q1``, ``q2`` …

        White space around the text does not count: the same text gives the same id.

        Raises:
            TypeError, ValueError: the text is not a string, is empty, or holds half a character.
            CorpusError: the folder cannot be written, or its files have become malformed.
        """
        if not isinstance(text, str):
            raise TypeError(f"A query is one string, not a {type(text).__name__}.")
        text = text.strip()
        if is_blank(text):
            raise ValueError("The query is empty. Leave empty queries out.")
        if half_character(text) is not None:
            raise ValueError(
                f"The query {text!a} holds half a character, which no file can hold. Replace it."
            )
        known = _id_of(text, self.queries)
        if known is not None:
            return known
        with self._change() as (queries, given):
            # Another process may have added it meanwhile. And a query that was deleted, while its grades were
            # not, must not leave these to a new one.
            new = _id_of(text, queries) or _next_id(queries.keys() | {one.query for one in given})
            queries.setdefault(new, text)
        return new

    def record(self, query_id: str, document: Chunk | str, grade: int) -> None:
        """Save the grade of a document for a query, in place of an earlier one.

        Args:
            query_id: a query's id, from ``add_query``.
            document: what was judged. An id alone says for which text only if ``documents`` has it.
            grade: 3 answers in full, 2 in part, 1 related, 0 not relevant.

        Raises:
            TypeError, ValueError: the query is unknown, the document's id cannot stand in a TSV file, or the
                grade is not 0, 1, 2 or 3.
            CorpusError: the folder cannot be written, or its files have become malformed.
        """
        grade = _check_grade(grade)
        document_id = document.id if isinstance(document, Chunk) else document
        _check_document_id(document_id)
        if query_id not in self.queries:
            raise ValueError(
                f"There is no query {query_id!r} in {self.folder}. Get its id from add_query(text)."
            )
        new = Given(query_id, document_id, grade, self._text_of(document))
        with self._change() as (queries, given):
            queries.setdefault(query_id, self.queries[query_id])
            given[:] = _with(given, new)

    def grade_of(self, query_id: str, chunk: Chunk) -> int | None:
        """The grade of a chunk for a query; ``None`` if there is none, or it was given for another text."""
        one = self._counting.get((query_id, chunk.id))
        return one.grade if one and one.text in ("", fingerprint(chunk)) else None

    def is_open(self, query_id: str, chunk: Chunk) -> bool:
        """Whether a chunk is still to be judged for a query.

        It is without a grade of its text, and also with one that was given for a place (``row-3``) and does
        not know its text: another may have come there.
        """
        one = self._counting.get((query_id, chunk.id))
        return self.grade_of(query_id, chunk) is None or bool(one and not one.text and is_place(chunk.id))

    @property
    def outdated(self) -> Qrels:
        """Grades to be judged again, for their texts are no longer there; by the last ids of these."""
        lost = [one for one in self._given if one.state is State.OUTDATED and one.text]
        return counting(one._replace(state=State.CURRENT) for one in lost)

    def finish(self, query_id: str) -> None:
        """Say that a query has been judged again: its outdated grades are kept, but no longer reported.

        Raises:
            CorpusError: the folder cannot be written, or its files have become malformed.
        """
        if query_id not in self.outdated:
            return
        with self._change() as (_, given):
            for at, one in enumerate(given):
                if one.query == query_id and one.state is State.OUTDATED:
                    given[at] = one._replace(state=State.REPLACED)

    def _text_of(self, document: Chunk | str) -> str:
        """The fingerprint of what was judged; empty where only an id is known."""
        if isinstance(document, Chunk):
            return fingerprint(document)
        return self._texts.of.get(document, "") if self._texts else ""

    def _take(self, queries: Queries, given: list[Given]) -> None:
        self.queries, self._given = queries, self._placed(given)
        self.qrels = counting(self._given)
        self._counting = {(one.query, one.document): one for one in self._given if one.state is State.CURRENT}

    def _placed(self, given: list[Given]) -> list[Given]:
        return placed(given, self._texts) if self._texts else given

    @contextmanager
    def _change(self) -> Iterator[tuple[Queries, list[Given]]]:
        """What is on disk, to be changed in the block and saved at its end. Nobody else writes meanwhile."""
        with _saving(self.folder):
            on_disk, given = read_judged(self.folder, self.split)
            queries, given = dict(on_disk or self.queries), self._placed(given)
            if not has_grades(self.folder, self.split):  # the folder has been moved or deleted
                queries, given = self.queries | on_disk, list(self._given)
            yield queries, given
            given = self._placed(given)
            new = {query: text for query, text in queries.items() if query not in on_disk}
            write_judged(self.folder, new, given, self.split)
        self._take(queries, given)


@contextmanager
def _saving(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, and say it in words if nothing can be saved there."""
    try:
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        with lock_of(folder).acquire(timeout=PATIENCE, poll_interval=0.01):
            yield
    except Timeout:
        raise CorpusError(
            f"{folder} has been locked by another process for {PATIENCE} seconds; "
            "the last change was not saved. Close other notebooks and terminals that judge there, "
            "then try again."
        ) from None
    except OSError as error:
        raise CorpusError(
            f"{folder} cannot be written ({error}); the last change was not saved. "
            "Free disk space, or choose a folder that you may write to, "
            "for example one in your home folder."
        ) from None


def _with(given: list[Given], new: Given) -> list[Given]:
    """Grades with a new one, in place of an earlier one of the same document or the same text.

    One that stood under the same id for another text is kept as replaced: it counts again if that comes back.
    """
    found: list[Given] = []
    at = len(given)
    for one in given:
        is_here = (one.query, one.document) == (new.query, new.document)
        same_text = one.text == new.text or "" in (one.text, new.text)
        if is_here and same_text and one.state is State.CURRENT:
            at = len(found)
        elif one.state is not State.CURRENT and one.query == new.query and _is_answered(one, new):
            continue
        else:
            found.append(one._replace(state=State.REPLACED) if is_here else one)
    found.insert(at, new)
    return found


def _is_answered(one: Given, new: Given) -> bool:
    """Whether a new grade is about what one that does not count was about: its text, or a place."""
    return one.text == new.text if one.text else one.document == new.document


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
        raise TypeError(f"A document is a Chunk or its id, a string, not a {type(document_id).__name__}.")
    if is_blank(document_id) or "\t" in document_id or not fits_a_line(document_id):
        raise ValueError(
            f"The document id {document_id!r} is empty, or holds a tab, a line break or half a character: "
            "no TSV file can hold it."
        )


def _id_of(text: str, queries: Queries) -> str | None:
    return next((query for query, known in queries.items() if known.strip() == text), None)


def _next_id(taken: Iterable[str]) -> str:
    """One more than the highest of ``q1``, ``q2`` …; ids in other forms do not count."""
    numbers = [int(query[1:]) for query in taken if query[:1] == "q" and query[1:].isdecimal()]
    return f"q{max(numbers, default=0) + 1}"
