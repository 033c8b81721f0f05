"""Judgements in a file, in the layout of BEIR, MTEB or TREC.

BEIR's files have three columns with tabs between them, most often below the line
``query-id corpus-id score``, and ids with quotes are quoted as in CSV:
https://github.com/beir-cellar/beir. MTEB's hold the same as objects, one a line (``.jsonl``). TREC's have
four columns, ``query iteration document grade``, with tabs or blanks between them:
https://trec.nist.gov/data/qrels_eng/.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rerank_course.texts.files import CorpusError, check_characters, ending_of, read_lines
from rerank_course.texts.json_lines import id_text, read_objects

QRELS_HEADER = ["query-id", "corpus-id", "score"]

Qrels = dict[str, dict[str, int]]

# Names of the three columns, in lower case and with hyphens.
_NAMES = (
    {"query-id", "query", "qid", "queryid", "topic", "topic-id"},
    {
        "corpus-id",
        "corpusid",
        "document-id",
        "doc-id",
        "docid",
        "docno",
        "document",
        "did",
        "pid",
        "passage-id",
    },
    {"score", "relevance", "rel", "grade", "label"},
)
_GRADE = re.compile(r"[+-]?[0-9]{1,9}(\.0*)?")
_ITERATION = re.compile(r"[Qq]?[0-9]+(\.[0-9]+)?")  # 0, Q0, and rounds as in TREC-COVID: 4.5
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


class Judgement(NamedTuple):
    """A grade, and the line that gives it."""

    grade: int
    line: int


class _Layout(NamedTuple):
    """How the lines of a file are to be read."""

    columns: int
    places: tuple[int, ...]  # of query, document and grade
    split: Callable[[str], list[str]]
    unquote: Callable[[str], str]


def read_qrels(path: Path) -> Qrels:
    """The judgements of a file, as they stand in it: ``{query id: {document id: grade}}``.

    The file may be packed by gzip (``.gz``), begin with a byte order mark, and hold blank lines. The columns
    are named by a header; without one, three columns are query, document and grade, and four are TREC's. A
    grade is a whole number, also written as ``2.0``; grades below zero are kept.

    Raises:
        CorpusError: the file cannot be read, a line is malformed or cannot be understood without doubt, or a
        pair has two grades; the message names file, line and remedy.
    """
    qrels: Qrels = {}
    for (query, document), judgement in read_judgements(path).items():
        qrels.setdefault(query, {})[document] = judgement.grade
    return qrels


def read_judgements(path: Path) -> dict[tuple[str, str], Judgement]:
    """The judgements of a file by (query id, document id), each with its line; see ``read_qrels``."""
    judgements: dict[tuple[str, str], Judgement] = {}
    for line, query, document, grade in _rows(path):
        earlier = judgements.setdefault((query, document), Judgement(grade, line))
        if earlier.grade != grade:
            raise CorpusError(
                f"{path}, line {line}: {document!r} has the grade {grade} for {query!r}, and line "
                f"{earlier.line} gives it {earlier.grade}. Delete one of the two lines."
            )
    return judgements


def _rows(path: Path) -> Iterator[tuple[int, str, str, int]]:
    """(line, query id, document id, grade) of each line that is not blank."""
    layout = None
    for number, line in read_lines(path):
        content = line.rstrip("\r\n ")
        if not content.strip():
            continue
        where = f"{path}, line {number}"
        if layout is None:
            if ending_of(path) == ".jsonl" and content.lstrip().startswith("{"):
                yield from _object_rows(path)
                return
            layout = _layout_of_header(content, where)
            if layout:
                continue
            layout = _layout_without_header(content, where)
        yield number, *_judgement(layout, content, where)


def _object_rows(path: Path) -> Iterator[tuple[int, str, str, int]]:
    """As ``_rows``, of a file with one JSON object a line."""
    for number, row in read_objects(path):
        where = f"{path}, line {number}"
        if not row.keys() >= set(QRELS_HEADER):
            raise CorpusError(f"{where}: each line needs {', '.join(QRELS_HEADER)}. Found: {', '.join(row)}.")
        query, document = (id_text(row[key], f'{where}: "{key}"') for key in QRELS_HEADER[:2])
        _check_ids(query, document, where)
        yield number, query, document, _grade(str(row["score"]), where)


def _layout_of_header(line: str, where: str) -> _Layout | None:
    """The layout that a header names; ``None`` if the line is no header."""
    split = _split_at_tabs if "\t" in line else str.split
    cells = split(line)
    names = [re.sub(r"[_ ]", "-", cell.strip().strip('"').lower()) for cell in cells]
    exact = [[place for place, name in enumerate(names) if name == known] for known in QRELS_HEADER]
    similar = [[place for place, name in enumerate(names) if name in known] for known in _NAMES]
    if sum(map(bool, exact)) < 2 and not all(similar):
        return None
    places = exact if all(exact) else similar
    if any(len(found) != 1 for found in places):
        raise CorpusError(
            f"{where}: the header {line[:80]!r} must name each of query-id, corpus-id and score once. "
            "Correct it."
        )
    everything = all(_QUOTED.fullmatch(cell) for cell in cells)
    return _Layout(len(cells), tuple(found[0] for found in places), split, _unquoting(everything))


def _layout_without_header(line: str, where: str) -> _Layout:
    """The layout of a file that begins with a judgement."""
    if not any(map(str.isdigit, line)):
        raise CorpusError(
            f"{where}: {line[:80]!r} holds no grade, and as a header it must name query-id, corpus-id and "
            "score. Correct it, or begin with a judgement."
        )
    split: Callable[[str], list[str]] = _split_at_tabs
    cells = split(line)
    if len(cells) not in (3, 4):
        split = str.split
        cells = split(line)
    if len(cells) == 3:
        return _Layout(3, (0, 1, 2), split, _unquoting(all(map(_QUOTED.fullmatch, cells[:2]))))
    if len(cells) == 4 and _ITERATION.fullmatch(cells[1].strip()):
        return _Layout(4, (0, 2, 3), split, str)  # TREC's files know no quotes
    hint = " Six columns are a run's, not judgements." if len(cells) == 6 else ""
    raise CorpusError(
        f"{where}: cannot tell which of the {len(cells)} columns in {line[:80]!r} is which.{hint} Write "
        "query<TAB>document<TAB>grade, or TREC's query 0 document grade, or begin the file with a header "
        "that names query-id, corpus-id and score."
    )


def _split_at_tabs(line: str) -> list[str]:
    return line.split("\t")


def _judgement(layout: _Layout, line: str, where: str) -> tuple[str, str, int]:
    """(query id, document id, grade) of a line."""
    cells = layout.split(line)
    if len(cells) != layout.columns:
        names = "query, iteration, document, grade" if layout.columns == 4 else "query, document, grade"
        expected = names if layout.columns in (3, 4) else "as the header has"
        raise CorpusError(
            f"{where}: expected {layout.columns} columns ({expected}), found {len(cells)}: {line[:80]!r}. "
            "Put one tab between two columns."
        )
    query, document, grade = (layout.unquote(cells[place]) for place in layout.places)
    _check_ids(query, document, where)
    return query, document, _grade(grade, where)


def _check_ids(query: str, document: str, where: str) -> None:
    for name, value in (("query", query), ("document", document)):
        if not value.strip():
            raise CorpusError(f"{where}: the {name}'s id is empty. Write it, or delete the line.")
        check_characters(value, f"{where}: the {name}'s id")


def _unquoting(everything_is_quoted: bool) -> Callable[[str], str]:
    """Takes off the quotes that CSV puts around a cell, and leaves those that belong to an id.

    CSV quotes a cell that holds a quote, and writes that one twice. ``"x"`` is such a cell only where all
    cells have quotes; elsewhere it is an id that begins and ends with one.
    """

    def unquote(cell: str) -> str:
        found = _QUOTED.fullmatch(cell)
        if found and (everything_is_quoted or '""' in found[1]):
            return found[1].replace('""', '"')
        return cell

    return unquote


def _grade(text: str, where: str) -> int:
    text = text.strip()
    if not _GRADE.fullmatch(text):
        raise CorpusError(
            f"{where}: the grade {text[:40]!r} is not a whole number. Write 0, 1, 2 or 3; where grades are "
            "shares or marks, decide from which on a document answers, and round them."
        )
    return int(float(text))
