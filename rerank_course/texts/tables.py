"""Documents from the rows of a table: which columns hold the text, the id and the title."""

import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tqdm.auto import tqdm

from rerank_course.text import Chunk, is_blank
from rerank_course.texts.files import CorpusError, check_characters, check_id, choices, unix_lines
from rerank_course.texts.json_lines import (
    begins_list,
    id_text,
    plain_text,
    read_list,
    read_objects,
    title_text,
)
from rerank_course.texts.left_out import LeftOut

# The first of these that is there is read.
TEXT_COLUMNS = ("text", "content", "page_content", "body", "document", "passage")
ID_COLUMNS = ("id", "_id")
TITLE_COLUMNS = ("title",)
KNOWN_COLUMNS = TEXT_COLUMNS + ID_COLUMNS + TITLE_COLUMNS

MAX_FIELD = 10_000_000  # characters; a longer field is most often a quote that nobody closed

_NAMELESS = re.compile(r"unnamed: \d+(_level_\d+)?")  # what pandas calls a column without a name


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        place: what finds it in its file: ``line 3``.
        number: of the row, the header included where there is one.
        fields: value by column, as ``plain_name`` writes it.
    """

    place: str
    number: int
    fields: dict[str, Any]


Rows = Generator[Row, None, None]


def read_rows(source: Path | str, rows: Rows, left_out: LeftOut, show_progress: bool) -> dict[str, Chunk]:
    """The documents of a table by id. Rows without text, or there twice, are left out and counted.

    Args:
        source: what errors call the table.
        rows: its rows.
        left_out: counts what is left out.
        show_progress: show a bar that counts documents.
    """
    documents: dict[str, Chunk] = {}
    places: dict[str, str] = {}
    title = f"Reading {source.name if isinstance(source, Path) else source}"
    bar = tqdm(rows, unit="doc", desc=title, disable=not show_progress)
    # closing: after an error in a row, nothing keeps the file open, which Windows would not let anyone mend.
    with closing(rows), bar:
        for row in bar:
            where = f"{source}, {row.place}"
            chunk = _chunk(row, where)
            if not chunk.text:
                left_out.add("rows without text", where)
                continue
            earlier = documents.setdefault(chunk.id, chunk)
            first = places.setdefault(chunk.id, row.place)
            if earlier == chunk and first != row.place:
                left_out.add("rows that are there a second time", where)
            elif earlier != chunk:
                raise CorpusError(
                    f"{source}: the id {chunk.id!r} is used twice, in {first} and {row.place}. "
                    "Each document needs its own."
                )
    if not documents:
        count = left_out.count("rows without text")
        raise CorpusError(f"{source} has nothing to search in it: {count} rows, none of them with text.")
    return documents


def _chunk(row: Row, where: str) -> Chunk:
    """A row as a chunk; its text is empty if the row has none."""
    text = _field(row.fields, TEXT_COLUMNS, plain_text, where)
    title = _field(row.fields, TITLE_COLUMNS, title_text, where)
    name = _field(row.fields, ID_COLUMNS, id_text, where)
    check_id(name, f"{where}: the id")
    return Chunk(name or f"row-{row.number}", text, title)


def _field(fields: dict[str, Any], columns: Sequence[str], as_text: Any, where: str) -> str:
    """The first of these columns that the row has, as text without white space around it; else empty."""
    column = next((column for column in columns if column in fields), None)
    if column is None:
        return ""
    value = as_text(fields[column], f'{where}: "{column}"')
    if len(value) > MAX_FIELD:
        raise CorpusError(
            f'{where}: "{column}" is over {MAX_FIELD // 1_000_000} MB long. '
            "Cut it into documents of a few pages."
        )
    check_characters(value, f'{where}: "{column}"')
    return "" if is_blank(value) else unix_lines(value).strip()


def plain_name(column: object) -> str:
    """A column's name in lower case and without blanks around it; empty where it has none."""
    name = str(column).strip().lower()
    return "" if is_blank(name) or _NAMELESS.fullmatch(name) else name


def check_columns(found: Iterable[object], where: str) -> list[str]:
    """The plain names of a table's columns.

    Raises:
        CorpusError: none of them holds the text, or one that is read is there twice.
    """
    found = list(found)
    columns = [plain_name(name) for name in found]
    if not any(name in TEXT_COLUMNS for name in columns):
        names = ", ".join(repr(str(name)[:40]) for name in found[:20]) or "none"
        raise CorpusError(
            f"{where}: no column holds the text. Found: {names}. "
            f"Call the column with the text {choices(TEXT_COLUMNS)}."
        )
    for name in KNOWN_COLUMNS:
        if columns.count(name) > 1:
            same = " and ".join(repr(str(other)) for other in found if plain_name(other) == name)
            raise CorpusError(
                f"{where}: the column {name!r} is there {columns.count(name)} times, as {same}. "
                "Rename all but one."
            )
    return columns


def json_rows(path: Path) -> Rows:
    """The objects of a file with one JSON object a line, or with one list of objects."""
    is_list = begins_list(path)
    for number, row in read_list(path) if is_list else read_objects(path):
        place = f"item {number}" if is_list else f"line {number}"
        columns = check_columns(row, f"{path}, {place}")
        yield Row(place, number, dict(zip(columns, row.values())))
