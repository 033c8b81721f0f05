"""Judged text to search: documents, queries, and which document answers which query how well."""

import csv
import inspect
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rerank_course.text import Chunk

DATA = Path(__file__).parent / "data"
CORPORA = ("handbook", "pandas-docs")


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


def load_corpus(name: str | Path, *, show_progress: bool = False) -> Corpus:
    """Load a corpus of the course by name, or your own data by path.

    ``"handbook"`` is written for the course. ``"pandas-docs"`` holds the docstrings of the installed pandas, read at run time, with
    queries of the course; judgements of entries that this pandas does not have are left out (``missing_pandas_entries`` names them).

    A path leads to a folder in BEIR's layout, a CSV or JSON-lines file, or a folder of text and Markdown files (see
    ``rerank_course.own_texts``). Queries and judgements of your own data stand in ``judgements_folder(path)``; there may be none yet.

    Raises:
        CorpusError: there is nothing of this name, or a file is damaged.
    """
    if name in CORPORA:
        return _course_corpus(str(name))
    path = Path(name)
    if not path.exists():
        raise CorpusError(f"There is no corpus and no file {str(name)!r}. The course has: {', '.join(CORPORA)}. Your own data is named by its path.")
    if (path / "corpus.jsonl").is_file():
        documents = _read_documents(path / "corpus.jsonl")
    else:
        from rerank_course.own_texts import read_documents

        documents = read_documents(path, show_progress=show_progress)
    return _own_corpus(path, documents)


@cache
def _course_corpus(name: str) -> Corpus:
    return _pandas_corpus(name) if name == "pandas-docs" else read_beir(DATA / name, name)


def judgements_folder(path: Path) -> Path:
    """Where queries and judgements of a person's own data stand: in the folder itself if it is in BEIR's layout, else beside the data."""
    return path if (path / "corpus.jsonl").is_file() else path.with_name(f"{path.name}.judged")


def _own_corpus(path: Path, documents: dict[str, Chunk]) -> Corpus:
    folder = judgements_folder(path)
    queries, kinds = _read_queries(folder / "queries.jsonl") if (folder / "queries.jsonl").exists() else ({}, {})
    qrels_file = folder / "qrels" / "test.tsv"
    qrels = read_qrels(qrels_file, documents, queries) if qrels_file.exists() else {}
    return Corpus(path.stem, documents, queries, qrels, kinds)


def pandas_documents() -> dict[str, Chunk]:
    """The installed pandas' docstrings: one chunk for each public function, class, method and attribute, by its qualified name.

    The title is the qualified name; the text ends before "See Also", "Examples" and the like. Where
    several owners have a name (``isna``, ``DataFrame.sum``, ``Series.sum``), nearly the same text stands there, and only the first is
    taken; the accessors ``.str``, ``.dt`` and ``.cat`` are always taken.
    """
    import pandas as pd
    from pandas.api.typing import DataFrameGroupBy, Resampler

    owners = {
        "pandas": pd, "pandas.DataFrame": pd.DataFrame, "pandas.Series": pd.Series, "pandas.Series.str": pd.Series.str,
        "pandas.Series.dt": pd.Series.dt, "pandas.Series.cat": pd.Series.cat, "pandas.DataFrameGroupBy": DataFrameGroupBy,
        "pandas.Resampler": Resampler, "pandas.Index": pd.Index, "pandas.MultiIndex": pd.MultiIndex,
        "pandas.DatetimeIndex": pd.DatetimeIndex, "pandas.Timestamp": pd.Timestamp,
    }
    documents: dict[str, Chunk] = {}
    taken: set[str] = set()
    for prefix, owner in owners.items():
        for name in sorted(dir(owner)):
            is_accessor = prefix.startswith("pandas.Series.")
            text = _docstring(owner, name)
            if text is None or (name in taken and not is_accessor):
                continue
            taken.add(name)
            documents[f"{prefix}.{name}"] = Chunk(f"{prefix}.{name}", text, f"{prefix}.{name}")
    return documents


def _docstring(owner: object, name: str) -> str | None:
    """The docstring of a public member without its last sections; ``None`` if it has none of its own or next to nothing."""
    if name.startswith("_"):
        return None
    member = inspect.getattr_static(owner, name)
    member = getattr(member, "__func__", member)  # the function behind a class method
    text = None if inspect.ismodule(member) else inspect.getdoc(member)
    if not isinstance(text, str) or text == inspect.getdoc(type(member)):
        return None
    text = re.split(r"\n+(?:See Also|Examples|References|Raises|Attributes|Methods)\n-{3,}", text)[0].strip()
    return text if len(text.split()) >= 8 else None


def missing_pandas_entries() -> list[str]:
    """Judged entries of ``pandas-docs`` that the installed pandas does not have."""
    documents = pandas_documents()
    lines = read_lines(DATA / "pandas-docs" / "qrels" / "test.tsv")[1:]
    return sorted({line.split("\t")[1] for line in lines} - documents.keys())


def _pandas_corpus(name: str) -> Corpus:
    documents = pandas_documents()
    missing = dict.fromkeys(missing_pandas_entries())
    queries, kinds = _read_queries(DATA / name / "queries.jsonl")
    qrels = read_qrels(DATA / name / "qrels" / "test.tsv", documents | missing, queries)
    qrels = {query: {entry: grade for entry, grade in judged.items() if entry not in missing} for query, judged in qrels.items()}
    return Corpus(name, documents, queries, qrels, kinds)


def read_beir(folder: Path, name: str) -> Corpus:
    """Read a folder in the layout of BEIR (https://github.com/beir-cellar/beir): ``corpus.jsonl``, ``queries.jsonl``, ``qrels/test.tsv``.

    Raises:
        CorpusError: a file is missing, a line is malformed, an id is used twice, or a judgement names an unknown id.
    """
    documents = _read_documents(folder / "corpus.jsonl")
    queries, kinds = _read_queries(folder / "queries.jsonl")
    if not documents or not queries:
        raise CorpusError(f"{folder} holds {len(documents)} documents and {len(queries)} queries; at least one of each is needed.")
    return Corpus(name, documents, queries, read_qrels(folder / "qrels" / "test.tsv", documents, queries), kinds)


def _read_documents(path: Path) -> dict[str, Chunk]:
    return {row["_id"]: Chunk(row["_id"], row["text"], row.get("title", "")) for row in read_jsonl(path)}


def _read_queries(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """({query id: text}, {query id: kind})."""
    rows = read_jsonl(path)
    return {row["_id"]: row["text"] for row in rows}, {row["_id"]: row["metadata"]["kind"] for row in rows if "kind" in row.get("metadata", {})}


def read_jsonl(path: Path) -> list[dict]:
    """The objects of a file with one JSON object a line, each with a non-empty ``_id``, used once, and ``text``."""
    rows, seen = [], set()
    for number, line in enumerate(read_lines(path), start=1):
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


def read_qrels(path: Path, documents: dict, queries: dict) -> dict[str, dict[str, int]]:
    """The judgements of a TSV file in BEIR's layout; documents and queries hold the ids that may occur."""
    qrels: dict[str, dict[str, int]] = {}
    rows = csv.reader(read_lines(path), delimiter="\t")
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


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file of a corpus."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise CorpusError(f"{path} is missing. A corpus in BEIR's layout has corpus.jsonl, queries.jsonl and qrels/test.tsv.") from None
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text: {error}.") from None
