"""A test collection in BEIR's layout: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/test.tsv``.

BEIR is a benchmark of search: https://github.com/beir-cellar/beir. Many tools read its layout.
"""

import csv
import json
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from rerank_course.text import Chunk
from rerank_course.texts.files import CorpusError

CORPUS_FILE, QUERIES_FILE, QRELS_FILE = "corpus.jsonl", "queries.jsonl", "qrels/test.tsv"
QRELS_HEADER = ["query-id", "corpus-id", "score"]


RELEVANT = 2  # of 0 to 3: grades from here on answer the query, in whole or in part


@dataclass(frozen=True)
class Corpus:
    """A test collection.

    Attributes:
        name: what it is called.
        documents: chunk by document id, in the order of the file.
        queries: query text by query id.
        qrels: judgements: ``{query id: {document id: 0, 1, 2 or 3}}``, 3 for a full answer, 0 for none. A
            document that is not listed was not judged.
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


def read_beir(folder: Path, name: str) -> Corpus:
    """Read a whole folder.

    Raises:
        CorpusError: a file is missing, a line is malformed, an id is used twice, or a judgement names an
        unknown id.
    """
    documents = read_chunks(folder / CORPUS_FILE)
    queries, kinds = read_queries(folder / QUERIES_FILE)
    if not documents or not queries:
        raise CorpusError(
            f"{folder} holds {len(documents)} documents and {len(queries)} queries; "
            "at least one of each is needed."
        )
    return Corpus(name, documents, queries, read_qrels(folder / QRELS_FILE, documents, queries), kinds)


def read_chunks(path: Path) -> dict[str, Chunk]:
    """The documents of a ``corpus.jsonl``: chunk by id."""
    return {row["_id"]: Chunk(row["_id"], row["text"], row.get("title", "")) for row in read_jsonl(path)}


def read_queries(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """({query id: text}, {query id: kind}) of a ``queries.jsonl``."""
    rows = read_jsonl(path)
    kinds = {row["_id"]: row["metadata"]["kind"] for row in rows if "kind" in row.get("metadata", {})}
    return {row["_id"]: row["text"] for row in rows}, kinds


def read_jsonl(path: Path) -> list[dict]:
    """The objects of a file with one JSON object a line.

    Each has an ``_id``, which no other one has, and a ``text``, both of them strings that are not empty.
    """
    rows: dict[str, dict] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = _read_row(line, where)
        if row["_id"] in rows:
            raise CorpusError(f"{where}: the id {row['_id']!r} is used twice.")
        rows[row["_id"]] = row
    return list(rows.values())


def _read_row(line: str, where: str) -> dict:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise CorpusError(f"{where} is not JSON: {error}.") from None
    if not isinstance(row, dict) or not all(
        isinstance(row.get(key), str) and row[key].strip() for key in ("_id", "text")
    ):
        raise CorpusError(f'{where}: each line needs "_id" and "text", both non-empty strings.')
    return row


def read_qrels(path: Path, documents: Container[str], queries: Container[str]) -> dict[str, dict[str, int]]:
    """The judgements of a ``qrels/test.tsv``; documents and queries hold the ids that may occur."""
    qrels: dict[str, dict[str, int]] = {}
    rows = csv.reader(read_lines(path), delimiter="\t")
    if next(rows, None) != QRELS_HEADER:
        raise CorpusError(f"{path} must begin with the line: query-id<TAB>corpus-id<TAB>score.")
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        if len(row) != 3 or not row[2].isdecimal():
            raise CorpusError(f"{where}: expected query-id<TAB>corpus-id<TAB>whole number, found {row}.")
        query, document, grade = row
        if query not in queries:
            raise CorpusError(f"{where}: a judgement for the unknown query {query!r}.")
        if document not in documents:
            raise CorpusError(f"{where}: a judgement for the unknown document {document!r}.")
        if document in qrels.setdefault(query, {}):
            raise CorpusError(f"{where}: {document!r} is judged twice for {query!r}.")
        qrels[query][document] = int(grade)
    return qrels


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file of a corpus."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise CorpusError(
            f"{path} is missing. "
            f"A corpus in BEIR's layout has {CORPUS_FILE}, {QUERIES_FILE} and {QRELS_FILE}."
        ) from None
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text: {error}.") from None
