"""Judged text to search: documents, queries, and which document answers which query how well."""

import csv
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rerank_course.text import Chunk

DATA = Path(__file__).parent / "data"
CORPORA = ("handbook",)


@dataclass(frozen=True)
class Corpus:
    """A test collection.

    Attributes:
        name: what ``load_corpus`` calls it.
        documents: chunk by document id, in the order of the file.
        queries: query text by query id.
        qrels: judgements: ``{query id: {document id: 0, 1, 2 or 3}}``, 3 for a full answer, 0 for none. A document that is not
            listed was not judged.
        kinds: what makes each query hard, by query id (``"negation"``, ``"superseded rule"`` …); empty where the data does not say.
    """

    name: str
    documents: dict[str, Chunk]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]
    kinds: dict[str, str]


class CorpusError(ValueError):
    """A file of a corpus is missing or malformed; the message names file, line and remedy."""


@cache
def load_corpus(name: str) -> Corpus:
    """Load a corpus of the course by name: ``"handbook"``.

    Raises:
        ValueError: there is no such corpus.
        CorpusError: its files are damaged.
    """
    if name not in CORPORA:
        raise ValueError(f"There is no corpus {name!r}. There are: {', '.join(CORPORA)}.")
    return read_beir(DATA / name, name)


def read_beir(folder: Path, name: str) -> Corpus:
    """Read a folder in the layout of BEIR (https://github.com/beir-cellar/beir): ``corpus.jsonl``, ``queries.jsonl``, ``qrels/test.tsv``.

    Raises:
        CorpusError: a file is missing, a line is malformed, an id is used twice, or a judgement names an unknown id.
    """
    documents = {
        row["_id"]: Chunk(row["_id"], row["text"], row.get("title", ""))
        for row in _read_jsonl(folder / "corpus.jsonl")
    }
    query_rows = _read_jsonl(folder / "queries.jsonl")
    queries = {row["_id"]: row["text"] for row in query_rows}
    kinds = {row["_id"]: row["metadata"]["kind"] for row in query_rows if "kind" in row.get("metadata", {})}
    if not documents or not queries:
        raise CorpusError(f"{folder} holds {len(documents)} documents and {len(queries)} queries; at least one of each is needed.")
    return Corpus(name, documents, queries, _read_qrels(folder / "qrels" / "test.tsv", documents, queries), kinds)


def _read_jsonl(path: Path) -> list[dict]:
    rows, seen = [], set()
    for number, line in enumerate(_read_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise CorpusError(f"{where} is not JSON: {error}.") from None
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) and row[key].strip() for key in ("_id", "text")):
            raise CorpusError(f'{where}: each line needs "_id" and "text", both non-empty strings.')
        if row["_id"] in seen:
            raise CorpusError(f"{where}: the id {row['_id']!r} is used twice.")
        seen.add(row["_id"])
        rows.append(row)
    return rows


def _read_qrels(path: Path, documents: dict, queries: dict) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    rows = csv.reader(_read_lines(path), delimiter="\t")
    if next(rows, None) != ["query-id", "corpus-id", "score"]:
        raise CorpusError(f"{path} must begin with the line: query-id<TAB>corpus-id<TAB>score.")
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        if len(row) != 3 or not row[2].isdecimal():
            raise CorpusError(f"{where}: expected query-id<TAB>corpus-id<TAB>whole number, found {row}.")
        query, document, grade = row
        for kind, known, found in (("query", queries, query), ("document", documents, document)):
            if found not in known:
                raise CorpusError(f"{where}: a judgement for the unknown {kind} {found!r}.")
        if document in qrels.setdefault(query, {}):
            raise CorpusError(f"{where}: {document!r} is judged twice for {query!r}.")
        qrels[query][document] = int(grade)
    return qrels


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise CorpusError(f"{path} is missing. A corpus in BEIR's layout has corpus.jsonl, queries.jsonl and qrels/test.tsv.") from None
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text: {error}.") from None
