"""Rows of a table in CSV or TSV, as spreadsheets, databases and pandas write them."""

import csv
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rerank_course.texts.files import CorpusError, check_zeros, choices, ending_of, opened
from rerank_course.texts.tables import MAX_FIELD, TEXT_COLUMNS, Row, Rows, check_columns, plain_name

DELIMITERS = ",;\t|"
_FIELD_LIMIT = threading.Lock()
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t|]*\s*', re.IGNORECASE)  # Excel's own first line


def csv_rows(path: Path) -> Rows:
    """The rows below the header. Blank lines are not given, but counted."""
    with opened(path, newline="") as file:
        first = file.readline()
        check_zeros(first, path)
        separator = _SEPARATOR_LINE.fullmatch(first)
        skipped = 1 if separator else 0
        delimiter = separator[1] if separator else _find_delimiter(path, file)
        columns: list[str] = []
        for line, number, cells in _records(path, file, delimiter, skipped):
            where = f"{path}, line {line}"
            if not columns:
                columns = check_columns(cells, where) if any(map(str.strip, cells)) else []
            elif cells:
                _check_length(cells, columns, delimiter, where)
                yield Row(f"line {line}", number, {name: cell for name, cell in zip(columns, cells) if name})
    if not columns:
        raise CorpusError(
            f"{path} is empty. Its first line must name the columns, and one of them must be "
            f"{choices(TEXT_COLUMNS)}."
        )


def _check_length(cells: Sequence[str], columns: Sequence[str], delimiter: str, where: str) -> None:
    """Refuse a row with more cells than columns, unless the others are empty."""
    if any(map(str.strip, cells[len(columns) :])):
        raise CorpusError(
            f"{where}: {len(cells)} fields, but the header has {len(columns)} columns. "
            f"Put a text that holds {delimiter!r} in double quotes."
        )


def _records(path: Path, file: TextIO, delimiter: str, skipped: int) -> Iterator[tuple[int, int, list[str]]]:
    """(line where it begins, number, cells) of each row, the header and blank lines included.

    A row with quotes may take several lines. The first lines that are skipped count as lines, not as rows.
    """
    _rewind(file, skipped)
    # strict: an open quote must not swallow the rest of the file.
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    line, number = skipped + 1, 1
    while True:
        try:
            with _csv_field_limit():
                row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CorpusError(
                f"{path}: the row that begins in line {line} is malformed: {error}. Close each quote, "
                "write a quote inside a quoted text twice, and keep a field under 10 MB."
            ) from None
        yield line, number, row
        line, number = skipped + reader.line_num + 1, number + 1


def _rewind(file: TextIO, lines: int = 0) -> None:
    file.seek(0)
    for _ in range(lines):
        file.readline()


def _find_delimiter(path: Path, file: TextIO) -> str:
    """The delimiter with which the header has a text column and, among those, the most columns."""
    if ending_of(path) == ".tsv":
        return "\t"

    def rate(delimiter: str) -> tuple[bool, int]:
        header = _header(file, delimiter)
        return any(plain_name(name) in TEXT_COLUMNS for name in header), len(header)

    return max(DELIMITERS, key=rate)


def _header(file: TextIO, delimiter: str) -> list[str]:
    """The header as this delimiter would read it; empty where it makes no sense."""
    _rewind(file)
    rows = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        with _csv_field_limit():
            return next((row for row in rows if any(map(str.strip, row))), [])
    except csv.Error:
        return []


@contextmanager
def _csv_field_limit() -> Iterator[None]:
    """Raise the csv module's limit while one row is read.

    It is one for the whole process, so it does not stay raised between rows: whoever reads a few rows and
    stops would leave it so for everybody.
    """
    with _FIELD_LIMIT:
        before = csv.field_size_limit(MAX_FIELD)
        try:
            yield
        finally:
            csv.field_size_limit(before)
