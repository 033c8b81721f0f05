"""Grades follow their texts: each counts for the text that it was given for, wherever that text is now.

Documents of your own are often called by their place, ``row-3`` or ``faq.md#2``. After an insertion such an
id means another text, and a grade by id alone would silently belong to that one.
"""

import re
import unicodedata
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

from rerank_course.text import Chunk
from rerank_course.texts.judged_texts import Given, State, counting, given_for, grades_path, short_hash
from rerank_course.texts.qrels import Qrels

NAMED = 3  # how many grades a warning names
# What read_documents calls texts without ids of their own: rows of a table, parts of a file.
_PLACE = re.compile(r"row-[0-9]+|.*\.[^.#]+#[0-9]+", re.DOTALL)


def fingerprint(chunk: Chunk) -> str:
    """A short hash of what a document says: its title and its text.

    White space and Unicode's two spellings of an accented letter do not count, so that rewrapped lines keep
    their grades. Nor does ``with_heading``: it is the same document with and without.
    """
    words = unicodedata.normalize("NFC", f"{chunk.title}\n{chunk.text}").split()
    return short_hash(" ".join(words))


def is_place(document_id: str) -> bool:
    """Whether an id is a place, which another text can take."""
    return _PLACE.fullmatch(document_id) is not None


class TextsNow:
    """The texts of documents as they are now.

    Attributes:
        of: fingerprint by document id.
        where: ids of the documents with a text, by fingerprint.
    """

    def __init__(self, documents: Mapping[str, Chunk]):
        self.of = {name: fingerprint(chunk) for name, chunk in documents.items()}
        self.where: dict[str, list[str]] = {}
        for name, text in self.of.items():
            self.where.setdefault(text, []).append(name)


def placed(given: Iterable[Given], texts: TextsNow) -> list[Given]:
    """Grades where their texts are now, in the same order.

    A grade stays with its document while that has the text; else it goes to another document with the text
    that has no grade for the query. A grade whose text is nowhere is outdated. One more grade than there are
    documents with its text is kept as replaced: the text has its grade. A grade whose text is not known stays
    where it is, unless another one has come there.
    """
    given = list(given)
    places = _places(given, texts)
    taken = {(given[at].query, document) for at, document in places.items()}
    found = []
    for at, one in enumerate(given):
        if at in places:
            found.append(one._replace(document=places[at], state=State.CURRENT))
        elif not one.text:
            is_free = (one.query, one.document) not in taken
            found.append(one._replace(state=State.CURRENT if is_free else State.OUTDATED))
        elif one.text in texts.where:
            found.append(one._replace(state=State.REPLACED))
        elif one.state is State.CURRENT:
            found.append(one._replace(state=State.OUTDATED))
        else:
            found.append(one)
    return found


def _places(given: list[Given], texts: TextsNow) -> dict[int, str]:
    """Document ids of the grades whose texts are there, by the grades' places in the list."""
    places: dict[int, str] = {}
    taken: set[tuple[str, str]] = set()
    unknown = {(one.query, one.document) for one in given if not one.text}

    def put(at: int, documents: Iterable[str]) -> None:
        query = given[at].query
        free = [document for document in documents if (query, document) not in taken]
        if free:  # best one without any grade
            places[at] = min(free, key=lambda document: (query, document) in unknown)
            taken.add((query, places[at]))

    # Of two that want one place, a grade that counted goes before one that did not.
    order = [at for at, one in enumerate(given) if one.text]
    order.sort(key=lambda at: given[at].state is not State.CURRENT)
    for at in order:
        put(at, [given[at].document] * (texts.of.get(given[at].document) == given[at].text))
    for at in order:
        if at not in places:
            put(at, texts.where.get(given[at].text, ()))
    return places


def current_grades(folder: Path, documents: Mapping[str, Chunk], qrels: Qrels, split: str = "test") -> Qrels:
    """The grades that count for the texts as they are now, by the ids that these have now.

    A grade stays with its text. Where texts have been changed, put in or taken out since, one warning says
    which grades are left without theirs, and how many do not know it.

    Args:
        folder: where the judgements are.
        documents: all documents, by id.
        qrels: the judgements as they stand in the file; those of unknown documents and queries are kept.
        split: which judgements they are.

    Raises:
        CorpusError: a file of judgements is malformed.
    """
    folder = Path(folder)
    given = given_for(folder, qrels, split)
    if any(one.text for one in given):
        given = placed(given, TextsNow(documents))
    path = grades_path(folder, split)
    said = [_say_outdated(path, given), _say_unknown(path, given, documents)]
    if any(said):
        warnings.warn(" ".join(filter(None, said)), stacklevel=5)  # blames who calls load_corpus
    return counting(given)


def _say_outdated(path: Path, given: list[Given]) -> str:
    """Which grades have lost their texts, and the remedy; empty if none has."""
    lost = [one for one in given if one.state is State.OUTDATED and one.text]
    if not lost:
        return ""
    were = "grade was" if len(lost) == 1 else "grades were"
    return (
        f"{path}: {len(lost)} {were} given for texts that have been changed, in body or heading, or taken "
        f"away since: {_named(lost)}. What was given for all other texts still counts. Judge these queries "
        "again with --judge, or undo the change."
    )


def _say_unknown(path: Path, given: list[Given], documents: Mapping[str, Chunk]) -> str:
    """How many grades of places do not know their texts, and the remedy; empty if none."""
    current = [one for one in given if one.state is State.CURRENT and not one.text]
    unknown = [one for one in current if one.document in documents and is_place(one.document)]
    if not unknown:
        return ""
    one = len(unknown) == 1
    count, know = ("1 grade", "does not know") if one else (f"{len(unknown)} grades", "do not know")
    return (
        f"{count} in {path} {know} the text that {'it was' if one else 'they were'} given for: "
        f"{_named(unknown)}. If the texts have changed since, judge them again with --judge."
    )


def _named(given: list[Given]) -> str:
    """The first few grades, by query and document."""
    names = "; ".join(f"{one.document!r} for the query {one.query!r}" for one in given[:NAMED])
    return f"{names} and {len(given) - NAMED} more" if len(given) > NAMED else names
