"""Documents from a table: CSV, or one JSON object a line."""

import csv
import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TextIO

from tqdm.auto import tqdm

from rerank_course.text import Chunk
from rerank_course.texts.files import CorpusError, check_characters, choices, opened, unix_lines

TEXT_COLUMNS = ("text", "content", "body", "document", "passage")  # the first of these that is there is read
ID_COLUMNS = ("id", "_id")
TITLE_COLUMNS = ("title",)

MAX_FIELD = 10_000_000  # characters; a longer field is most often a quote that nobody closed

# Line where the row begins, number of the row, value by column in lower case.
Row = tuple[int, int, dict[str, Any]]
Rows = Generator[Row, None, None]


def read_rows(path: Path, rows: Rows, show_progress: bool) -> tuple[dict[str, Chunk], list[int]]:
    """The documents of a table by id, and the lines of the rows without text."""
    documents: dict[str, Chunk] = {}
    line_of: dict[str, int] = {}
    skipped: list[int] = []
    bar = tqdm(rows, unit="doc", desc=f"Reading {path.name}", disable=not show_progress)
    # closing: after an error in a row, nothing keeps the file open, which Windows would not let anyone mend.
    with closing(rows), _csv_field_limit(), bar:
        for line, number, fields in bar:
            chunk = _chunk(fields, number, f"{path}, line {line}")
            if not chunk.text:
                skipped.append(line)
                continue
            if chunk.id in documents:
                raise CorpusError(
                    f"{path}: the id {chunk.id!r} is used twice, in lines {line_of[chunk.id]} and {line}. "
                    "Each document needs its own."
                )
            documents[chunk.id], line_of[chunk.id] = chunk, line
    if not documents:
        raise CorpusError(f"{path} has nothing to search in it: {len(skipped)} rows, none of them with text.")
    return documents, skipped


def _chunk(fields: dict[str, Any], number: int, where: str) -> Chunk:
    """A row as a chunk; its text is empty if the row has none."""
    text, title, name = (_field(fields, names, where) for names in (TEXT_COLUMNS, TITLE_COLUMNS, ID_COLUMNS))
    return Chunk(name or f"row-{number}", text, title)


def _field(fields: dict[str, Any], columns: Sequence[str], where: str) -> str:
    """The first of these columns that the row has, as text without white space around it; else empty."""
    column = next((column for column in columns if column in fields), "")
    value = fields.get(column)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and columns != TEXT_COLUMNS:
        return str(value)  # JSON often has numbers as ids
    if not isinstance(value, str):
        raise CorpusError(f'{where}: "{column}" is a {type(value).__name__}, not a string. Put it in quotes.')
    if len(value) > MAX_FIELD:
        raise CorpusError(
            f'{where}: "{column}" is over {MAX_FIELD // 1_000_000} MB long. '
            "Cut it into documents of a few pages."
        )
    check_characters(value, f'{where}: "{column}"')
    return unix_lines(value).strip()


def csv_rows(path: Path) -> Rows:
    """The rows below the header. Blank lines are not given, but counted."""
    with opened(path, newline="") as file:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else _find_delimiter(file)
        columns: list[str] = []
        for line, number, row in _records(path, file, delimiter):
            if not columns:
                columns = _check_columns(row, f"{path}, line {line}") if any(map(str.strip, row)) else []
            elif len(row) > len(columns):
                raise CorpusError(
                    f"{path}, line {line}: {len(row)} fields, but the header has {len(columns)} columns. "
                    f"Put a text that holds {delimiter!r} in double quotes."
                )
            elif row:
                yield line, number, dict(zip(columns, row))
    if not columns:
        raise CorpusError(
            f"{path} is empty. Its first line must name the columns, and one of them must be "
            f"{choices(TEXT_COLUMNS)}."
        )


def _records(path: Path, file: TextIO, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """(line where it begins, number, fields) of each row, the header and blank lines included.

    A row with quotes may take several lines.
    """
    file.seek(0)
    # strict: an open quote must not swallow the rest of the file.
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    line = number = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CorpusError(
                f"{path}: the row that begins in line {line} is malformed: {error}. Close each quote, "
                "write a quote inside a quoted text twice, and keep a field under 10 MB."
            ) from None
        yield line, number, row
        line, number = reader.line_num + 1, number + 1


def _find_delimiter(file: TextIO) -> str:
    """The delimiter with which the header has a text column and, among those, the most columns."""

    def rate(delimiter: str) -> tuple[bool, int]:
        header = _header(file, delimiter)
        return any(_plain(name) in TEXT_COLUMNS for name in header), len(header)

    return max(",;\t", key=rate)


def _header(file: TextIO, delimiter: str) -> list[str]:
    """The header as this delimiter would read it; empty where it makes no sense."""
    file.seek(0)
    rows = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        return next((row for row in rows if any(map(str.strip, row))), [])
    except csv.Error:
        return []


def _check_columns(header: list[str], where: str) -> list[str]:
    columns = [_plain(name) for name in header]
    _check_text_column(columns, header, where)
    for name in TEXT_COLUMNS + ID_COLUMNS + TITLE_COLUMNS:
        if columns.count(name) > 1:
            raise CorpusError(
                f"{where}: the header has the column {name!r} {columns.count(name)} times. "
                "Rename all but one."
            )
    return columns


def _check_text_column(columns: Sequence[str], found: Sequence[str], where: str) -> None:
    if not any(name in TEXT_COLUMNS for name in columns):
        names = ", ".join(repr(name[:40]) for name in found[:20]) or "none"
        raise CorpusError(
            f"{where}: no column holds the text. Found: {names}. "
            f"Call the column with the text {choices(TEXT_COLUMNS)}."
        )


def json_rows(path: Path) -> Rows:
    """The objects of a file with one JSON object a line. Blank lines are not given, but counted."""
    with opened(path) as file:
        for line, content in enumerate(file, start=1):
            if content.strip():
                yield line, line, _json_object(content, f"{path}, line {line}")


def _json_object(content: str, where: str) -> dict[str, Any]:
    remedy = 'Each line must hold one whole JSON object, like {"id": "a1", "text": "…"}.'
    if content.lstrip().startswith("["):
        raise CorpusError(
            f"{where} begins a list, not an object. {remedy} pandas makes such a file of a list: "
            'pd.read_json("in.json").to_json("out.jsonl", orient="records", lines=True).'
        )
    try:
        row = json.loads(content)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise CorpusError(f"{where} is not JSON: {error}. {remedy}") from None
    if not isinstance(row, dict):
        raise CorpusError(f"{where} is a {type(row).__name__}, not an object. {remedy}")
    fields = {_plain(name): value for name, value in row.items()}
    _check_text_column(list(fields), list(row), where)
    return fields


def _plain(name: str) -> str:
    return name.strip().lower()


@contextmanager
def _csv_field_limit() -> Iterator[None]:
    """The csv module's limit is one for the whole process: raise it while a file is read, and put it back."""
    before = csv.field_size_limit(MAX_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
