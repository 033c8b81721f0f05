"""Tables as spreadsheets write and read them: marks of the encoding, semicolons, formulas."""

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the last four: full width
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


class TableError(Exception):
    """A table cannot be used; the message says which, why, and what to do."""


def write_table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table whole or not at all, safe to open in a spreadsheet."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(columns)
    writer.writerows([defused(value) for value in row] for row in rows)
    write_whole(file, "\ufeff" + table.getvalue())  # the mark tells spreadsheets that it is UTF-8


def write_whole(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(file.name + ".part")
    scratch.write_text(text, encoding="utf-8", newline="")
    os.replace(scratch, file)


def defused(value: object) -> str:
    """A cell's text; one that a spreadsheet would run as a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value).replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return f"'{text}" if text.lstrip(" \ufeff")[:1] in FORMULA and not NUMBER.fullmatch(text) else text


def fused(text: str) -> str:
    """What ``defused`` made safe, as it was."""
    return text[1:] if text[:1] == "'" and text[1:].lstrip(" \ufeff")[:1] in FORMULA else text


def read_table(file: Path) -> list[list[str]]:
    """The rows of a table as any spreadsheet saves it, blank ones left out.

    Raises:
        TableError: it cannot be read.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise TableError(f"{file} cannot be read: {error.strerror}.") from None
    if raw[:2] in (b"PK", b"\xd0\xcf"):
        raise TableError(f"{file} is a spreadsheet. Save it as CSV, and give that file.")
    text = _decoded(raw)
    delimiter = _delimiter(text)
    if text[:4].lower() == "sep=":  # Excel's own first line
        text = text.partition("\n")[2]
    before = csv.field_size_limit(10_000_000)  # one for the whole process
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise TableError(f"{file} is no table: {error}.") from None
    finally:
        csv.field_size_limit(before)
    return [row for row in rows if any(cell.strip() for cell in row)]


def _decoded(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")  # what Excel writes where nobody chose UTF-8


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first[:4].lower() == "sep=" and len(first) > 4:
        return first[4]
    outside = re.sub(r'"[^"]*"', "", first)
    return max(",;\t", key=outside.count)
