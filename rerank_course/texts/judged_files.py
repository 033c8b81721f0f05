"""Queries and grades on disk: ``queries.jsonl`` and ``qrels/test.tsv``, read and written in BEIR's layout."""

import csv
import io
import json
import os
from pathlib import Path

from rerank_course.texts.beir import (
    QRELS_FILE,
    QRELS_HEADER,
    QUERIES_FILE,
    read_jsonl,
    read_lines,
    read_qrels,
)
from rerank_course.texts.files import CorpusError

GRADES = {3: "answers in full", 2: "answers in part", 1: "related, but does not answer", 0: "not relevant"}

Queries = dict[str, str]
Qrels = dict[str, dict[str, int]]


def read_judged(folder: Path) -> tuple[Queries, Qrels]:
    """Both files as they stand on disk, empty where there is none.

    Raises:
        CorpusError: one is malformed or cannot be read.
    """
    queries_path, qrels_path = folder / QUERIES_FILE, folder / QRELS_FILE
    try:
        rows = read_jsonl(queries_path) if queries_path.exists() else []
        queries = {row["_id"]: row["text"] for row in rows}
        return queries, _read_grades(qrels_path, queries) if qrels_path.exists() else {}
    except (OSError, csv.Error) as error:
        raise CorpusError(
            f"{folder} cannot be read: {error}. Check the folder, or choose another one."
        ) from None


def write_judged(folder: Path, queries: Queries, qrels: Qrels) -> None:
    """Write both files, each whole or not at all. The folder must be there, and locked by the caller."""
    # Queries first: a kill between the two must not leave a grade for an unknown query.
    _replace(folder / QUERIES_FILE, _queries_content(folder / QUERIES_FILE, queries))
    _replace(folder / QRELS_FILE, _qrels_content(qrels))


def fits_a_line(text: str) -> bool:
    """Whether a text can be written as UTF-8 and is read back as one line."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(f"{text}.".splitlines()) == 1


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
            raise CorpusError(
                f"{path}, line {rows.line_num}: a grade is 0, 1, 2 or 3, not {row[2]}. "
                "Correct the line, or judge in another folder."
            )
    return qrels


def _queries_content(path: Path, queries: Queries) -> str:
    """The file as it is and a line for each query that it lacks, so that metadata in its lines stays."""
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n") if path.exists() else []
    on_disk = {row["_id"] for row in read_jsonl(path)} if path.exists() else set()
    new = {query: text for query, text in queries.items() if query not in on_disk}
    lines += [_json_line({"_id": query, "text": text}) for query, text in new.items()]
    return "".join(f"{line}\n" for line in lines if line)


def _json_line(row: dict) -> str:
    """One line of JSON, in readable characters unless one of them would break the line."""
    line = json.dumps(row, ensure_ascii=False)
    return line if fits_a_line(line) else json.dumps(row)


def _qrels_content(qrels: Qrels) -> str:
    lines = io.StringIO()
    rows = csv.writer(lines, delimiter="\t", lineterminator="\n")
    rows.writerow(QRELS_HEADER)
    for query, judged in qrels.items():
        rows.writerows([query, document, grade] for document, grade in judged.items())
    return lines.getvalue()


def _replace(path: Path, content: str) -> None:
    """Write a file whole or not at all."""
    if path.exists() and path.read_text(encoding="utf-8") == content:
        return
    # The lock is held, so the name can be fixed, and a kill leaves one such file at most.
    scratch = path.with_name(f"{path.name}.part")
    with open(scratch, "w", encoding="utf-8", newline="\n") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)
