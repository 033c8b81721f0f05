"""Rows of JSON: one object a line, or one list of objects."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rerank_course.texts.files import CorpusError, opened, read_lines

REMEDY = 'Each line must hold one whole JSON object, like {"id": "a1", "text": "…"}.'


def read_objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) of each line of a file that is not blank; see ``read_lines``.

    Raises:
        CorpusError: the file cannot be read, or a line holds something else; the message names the line.
    """
    for number, line in read_lines(path):
        if line.strip():
            yield number, parse_object(line, f"{path}, line {number}")


def read_list(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, object) of a file that holds one list of objects; the first has the number 1.

    Raises:
        CorpusError: the file cannot be read, or holds something else; the message names the item.
    """
    with opened(path) as file:
        content = file.read()
    remedy = f"The file must hold one list of objects, or one object a line. {REMEDY}"
    for number, item in enumerate(_parse(content, f"{path}", remedy), start=1):
        yield (
            number,
            _check_object(item, f"{path}, item {number}", "Each item of the list must be an object."),
        )


def begins_list(path: Path) -> bool:
    """Whether the first line that is not blank begins a list."""
    with opened(path) as file:
        return next((line for line in file if line.strip()), "").lstrip().startswith("[")


def parse_object(line: str, where: str) -> dict[str, Any]:
    """The object that a line holds.

    Raises:
        CorpusError: it is something else; the message begins with ``where``.
    """
    return _check_object(_parse(line, where, REMEDY), where, REMEDY)


def _parse(content: str, where: str, remedy: str) -> Any:
    try:
        # Not strict: people's exports hold raw tabs and other controls inside strings.
        return json.loads(content, strict=False, object_pairs_hook=_Object)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise CorpusError(f"{where} is not JSON: {error}. {remedy}") from None


class _Object(dict):
    """An object that knows which of its keys was there twice, with two values."""

    def __init__(self, pairs: list[tuple[str, Any]]):
        super().__init__(pairs)
        self.twice = ""
        if len(self) < len(pairs):
            self.twice = next((key for key, value in pairs if value != self[key]), "")


def _check_object(row: Any, where: str, remedy: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise CorpusError(f"{where} is a {type(row).__name__}, not an object. {remedy}")
    if isinstance(row, _Object) and row.twice:
        raise CorpusError(f'{where}: the key "{row.twice}" is there twice, with two values. Delete one.')
    return row


def id_text(value: Any, what: str) -> str:
    """An id as text: a string, or a whole number; empty where there is none.

    Raises:
        CorpusError: it is something else; the message begins with ``what``.
    """
    if isinstance(value, str) or value is None:
        return value or ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _not_text(value, what)


def title_text(value: Any, what: str) -> str:
    """A title as text: a string, or any number; empty where there is none.

    Raises:
        CorpusError: it is something else; the message begins with ``what``.
    """
    if isinstance(value, float):
        return "" if math.isnan(value) else str(value)
    return id_text(value, what)


def plain_text(value: Any, what: str) -> str:
    """A text; empty where there is none.

    Raises:
        CorpusError: it is something else; the message begins with ``what``.
    """
    if isinstance(value, str) or value is None:
        return value or ""
    raise _not_text(value, what)


def _not_text(value: Any, what: str) -> CorpusError:
    kind = "object" if isinstance(value, dict) else type(value).__name__
    return CorpusError(f"{what} is a value of the type {kind}, not a string. Make it one: put it in quotes.")
