"""A test collection in BEIR's layout: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/test.tsv``.

BEIR is a benchmark of search: https://github.com/beir-cellar/beir. Many tools read its layout.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rerank_course.text import Chunk, is_blank
from rerank_course.texts.files import CorpusError, check_characters, check_id
from rerank_course.texts.json_lines import id_text, plain_text, read_objects, title_text
from rerank_course.texts.layout import CORPUS_FILE, QRELS_FILE, QUERIES_FILE, file_in, qrels_file
from rerank_course.texts.left_out import LeftOut
from rerank_course.texts.qrels import Judgement, Qrels, read_judgements

RELEVANT = 2  # of 0 to 3: grades from here on answer the query, in whole or in part

Judged = Mapping[tuple[str, str], Judgement]


@dataclass(frozen=True)
class Corpus:
    """A test collection.

    Attributes:
        name: what it is called.
        documents: chunk by document id, in the order of the file.
        queries: query text by query id.
        qrels: judgements: ``{query id: {document id: grade}}``. A grade is a whole number from 0, for no
            answer; in the course's corpora 3 is a full answer. A document that is not listed was not judged.
        kinds: what makes each query hard, by query id (``"negation"``, ``"superseded rule"`` …); empty where
            the data does not say.
        relevant: the grade from which on a document counts as an answer.
    """

    name: str
    documents: dict[str, Chunk]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]
    kinds: dict[str, str]
    relevant: int = RELEVANT


def read_beir(folder: Path, name: str, split: str = "test") -> Corpus:
    """Read a whole folder, whose files may be packed by gzip (``corpus.jsonl.gz``).

    Documents and queries without text, lines that are there twice, and judgements of unknown ids are left
    out; one warning counts them. A document with nothing but a title has it as its text. Grades below zero
    count as 0.

    Raises:
        CorpusError: a file is missing, a line is malformed, an id has two texts, or no judgement fits.
    """
    left_out = LeftOut()
    documents = read_chunks(_file(folder, CORPUS_FILE), left_out)
    queries, kinds = read_queries(_file(folder, QUERIES_FILE), left_out)
    if not documents or not queries:
        raise CorpusError(
            f"{folder} holds {len(documents)} documents and {len(queries)} queries; "
            "at least one of each is needed."
        )
    judgements = qrels_file(folder, split) or _file(folder, QRELS_FILE)
    judged = read_judgements(judgements)
    qrels = known_grades(as_qrels(judged), documents, queries, judged, judgements, left_out)
    left_out.warn(folder, stacklevel=2)
    return Corpus(name, documents, queries, qrels, kinds)


def _file(folder: Path, name: str) -> Path:
    found = file_in(folder, name)
    if found is None:
        raise CorpusError(
            f"{folder / name} is missing. "
            f"A corpus in BEIR's layout has {CORPUS_FILE}, {QUERIES_FILE} and {QRELS_FILE}."
        )
    return found


def read_chunks(path: Path, left_out: LeftOut) -> dict[str, Chunk]:
    """The documents of a ``corpus.jsonl``: chunk by id."""
    rows = _rows(path, "documents", left_out)
    return {row["_id"]: Chunk(row["_id"], row["text"], row["title"]) for row in rows}


def read_queries(path: Path, left_out: LeftOut | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """({query id: text}, {query id: kind}) of a ``queries.jsonl``."""
    queries, kinds = {}, {}
    for row in _rows(path, "queries", left_out or LeftOut()):
        queries[row["_id"]] = row["text"]
        metadata = row.get("metadata")
        kind = metadata.get("kind") if isinstance(metadata, dict) else None
        if isinstance(kind, str) and not is_blank(kind):
            check_characters(kind, f"{path}: the kind of the query {row['_id']!r}")
            kinds[row["_id"]] = kind
    return queries, kinds


def read_jsonl(path: Path) -> list[dict]:
    """The rows of a ``corpus.jsonl`` or ``queries.jsonl``, those without text or there twice left out.

    Each has an ``_id``, which no other one has, a ``title`` and a ``text``, all of them strings.
    """
    return list(_rows(path, "documents", LeftOut()))


def _rows(path: Path, noun: str, left_out: LeftOut) -> Iterator[dict[str, Any]]:
    """The rows of a file, one for each id, with ``_id``, ``title`` and ``text`` as strings.

    A row of which only the title holds something is taken for a text without title, unless it is a query.
    """
    seen: dict[str, tuple[int, str, str]] = {}
    for line, row in read_objects(path):
        where = f"{path}, line {line}"
        name, title, text = _id(row, where), _title(row, where), _text(row, where)
        if is_blank(text) and noun != "queries":
            title, text = "", title
        if is_blank(text):
            left_out.add(f"{noun} without text", where)
            continue
        earlier = seen.setdefault(name, (line, title, text))
        if earlier == (line, title, text):
            yield row | {"_id": name, "title": title, "text": text}
        elif earlier[1:] == (title, text):
            left_out.add(f"{noun} that are there a second time", where)
        else:
            raise CorpusError(
                f"{where}: the id {name!r} is used twice, and line {earlier[0]} has another text. "
                "Each needs its own."
            )


def _id(row: dict[str, Any], where: str) -> str:
    """The ``_id`` of a row, or where it has none its ``id``."""
    key = "_id" if row.get("_id") is not None else "id"
    name = id_text(row.get(key), f'{where}: "{key}"')
    if is_blank(name):
        raise CorpusError(f'{where}: there is no id. Each line needs an "_id", a string that is not empty.')
    check_id(name, f'{where}: "{key}"')
    return name


def _title(row: dict[str, Any], where: str) -> str:
    title = title_text(row.get("title"), f'{where}: "title"')
    check_characters(title, f'{where}: "title"')
    return "" if is_blank(title) else title


def _text(row: dict[str, Any], where: str) -> str:
    if "text" not in row:
        names = ", ".join(repr(key[:40]) for key in list(row)[:20])
        raise CorpusError(f'{where}: there is no "text". Found: {names}. Call the key with the text "text".')
    text = plain_text(row["text"], f'{where}: "text"')
    check_characters(text, f'{where}: "text"')
    return text


def as_qrels(judged: Judged) -> Qrels:
    """Judgements without their lines: ``{query id: {document id: grade}}``."""
    qrels: Qrels = {}
    for (query, document), judgement in judged.items():
        qrels.setdefault(query, {})[document] = judgement.grade
    return qrels


def known_grades(
    qrels: Qrels,
    documents: Mapping[str, object],
    queries: Mapping[str, object],
    judged: Judged,
    path: Path,
    left_out: LeftOut,
    may_vanish: Callable[[str], bool] = lambda name: False,
) -> Qrels:
    """The judgements whose query and document are there, grades below zero as 0.

    Args:
        qrels: the judgements.
        documents, queries: the ids that are there.
        judged: the same with their lines, as far as they come from the file.
        path: that file.
        left_out: counts the others.
        may_vanish: whether a document of this name can have been there once, and be gone after an edit.

    Raises:
        CorpusError: the file holds judgements, and not one fits, though no edit explains that.
    """
    known: Qrels = {}
    strangers: list[str] = []
    for query, document, grade in _triples(qrels):
        same = _known_id(query, queries), _known_id(document, documents)
        is_free = same == (query, document) or same[1] not in qrels.get(same[0], {})
        if same[0] in queries and same[1] in documents and is_free:
            known.setdefault(same[0], {})[same[1]] = max(grade, 0)
            continue
        kind, name = ("queries", query) if query not in queries else ("documents", document)
        line = f"line {judged[query, document].line}: " if (query, document) in judged else ""
        left_out.add(f"judgements of {kind} that are not there", f"{path}, {line}{name!r}")
        if kind == "queries" or not may_vanish(document):
            strangers.append(f"{path}, {line}{name!r}")
    if strangers and len(strangers) == len(judged):
        raise CorpusError(
            "No judgement is of a query and a document that are there. The first that does not fit: "
            f"{strangers[0]}. Judgements and texts must have the same ids, to the letter."
        )
    return known


def _known_id(name: str, known: Mapping[str, object]) -> str:
    """An id as it is known, also where it is written as the course writes it into TREC's files."""
    if name in known or "%" not in name:
        return name
    from rerank_course.texts.trec import from_trec_id  # that module loads numpy, which few readers need

    return from_trec_id(name, known)


def _triples(qrels: Qrels) -> Iterator[tuple[str, str, int]]:
    for query, judged in qrels.items():
        for document, grade in judged.items():
            yield query, document, grade
