"""Your own texts as documents to search: a table (CSV, JSON lines), a folder of notes, or one text file."""

import csv
import json
import os
import re
import stat
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TextIO

from tqdm.auto import tqdm

from rerank_course.beir import CorpusError
from rerank_course.text import Chunk

CSV_ENDINGS = (".csv", ".tsv")
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
MARKDOWN_ENDINGS = (".md", ".markdown")
TEXT_ENDINGS = (".txt", *MARKDOWN_ENDINGS, ".rst")

TEXT_COLUMNS = ("text", "content", "body", "document", "passage")  # the first of these that is there is read
ID_COLUMNS = ("id", "_id")
TITLE_COLUMNS = ("title",)

MAX_FIELD = 10_000_000  # characters; a longer field is most often a quote that nobody closed
MAX_WORDS = 200  # words in a chunk: with heading and query about what a reranker of 512 tokens reads
# Text without spaces is cut as well: a Chinese or Japanese character counts as a word, a longer run as one for each 40 characters.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]{1,40}")
_SENTENCE_END = re.compile(r"""[.!?…]["'“”‘’«»)\]]*\s+|[。！？]\s*""")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=\s|$)")

Row = tuple[int, int, dict[str, Any]]  # line where the row begins, number of the row, value by column in lower case
Rows = Generator[Row, None, None]


def read_documents(path: Path | str, *, show_progress: bool = False) -> dict[str, Chunk]:
    """Read your own documents: chunk by document id, in the order of the file or of the sorted file names.

    Args:
        path: one of

            - a ``.csv`` or ``.tsv`` file with a header. The text stands in a column ``text`` (or ``content``, ``body``, ``document``,
              ``passage``); ``id`` (or ``_id``) and ``title`` are optional, capital letters do not matter. Without an id, a row is
              called ``row-2``: the second row of the table, the header being the first, as a spreadsheet counts them. A ``.csv`` may be
              separated by commas, semicolons or tabs.
            - a ``.jsonl``, ``.ndjson`` or ``.json`` file with one JSON object a line and the same names as keys. Without an id,
              ``row-1`` is the first line.
            - a folder with ``.txt``, ``.md``, ``.markdown`` and ``.rst`` files, at any depth. Each file is cut into chunks
              (``chunk_text``), called ``relative/path.md#1``, ``#2`` and so on. Left out are hidden files and folders, linked folders,
              and files without text.
            - one such text file.
        show_progress: show a bar that counts documents, or files in a folder.

    Rows without text are passed over; one warning says how many and where the first one is.

    Raises:
        CorpusError: the path or something in it cannot be read; the message names file, line and remedy.
    """
    path = Path(path)
    if _is_folder(path):
        return _read_folder(path, show_progress)
    ending = path.suffix.lower()
    if ending in TEXT_ENDINGS:
        return _read_text_file(path)
    if ending not in CSV_ENDINGS + JSON_ENDINGS:
        raise CorpusError(
            f"{path}: cannot read a file that ends in {ending!r}. These work: {', '.join(CSV_ENDINGS + JSON_ENDINGS + TEXT_ENDINGS)}, "
            "and a folder of text files. Save a spreadsheet as CSV in UTF-8."
        )
    documents, skipped = _read_rows(path, _csv_rows(path) if ending in CSV_ENDINGS else _json_rows(path), show_progress)
    if skipped:
        rows = f"{len(skipped)} of {len(documents) + len(skipped)}"
        warnings.warn(f"{path}: passed over rows without text: {rows}, the first in line {skipped[0]}.", stacklevel=2)
    return documents


def chunk_text(text: str, title: str, *, markdown: bool = True) -> list[tuple[str, str]]:
    """Cut a text into chunks of at most about 200 words: ``[(title, text), …]``, in order; ``[]`` if there is no text.

    A Markdown heading (``# …``) begins a new chunk and names it, together with the headings above it: ``"Guide > Install"``. Text
    before the first heading is named ``title``. Within a section, whole paragraphs are put together as long as they fit; a
    paragraph of more than 200 words is cut at ends of sentences, and such a sentence between words. A fenced code block counts
    as part of one paragraph, and a ``#`` in it is no heading. A heading without text of its own gives no chunk.

    Args:
        text: the whole text.
        title: what to call text without a heading, for example the file's name.
        markdown: ``False`` takes the text as plain: no headings, no fences.
    """
    sections = _sections(_unix_lines(text).split("\n"), title, markdown)
    return [(name, chunk) for name, paragraphs in sections for chunk in _pack(paragraphs)]


# Tables


def _read_rows(path: Path, rows: Rows, show_progress: bool) -> tuple[dict[str, Chunk], list[int]]:
    """The documents of a table, and the lines of the rows without text."""
    documents: dict[str, Chunk] = {}
    line_of: dict[str, int] = {}
    skipped: list[int] = []
    # closing: after an error in a row, nothing keeps the file open, which Windows would not let anyone mend.
    with closing(rows), _csv_field_limit(), tqdm(rows, unit="doc", desc=f"Reading {path.name}", disable=not show_progress) as bar:
        for line, number, fields in bar:
            chunk = _chunk(fields, number, f"{path}, line {line}")
            if not chunk.text:
                skipped.append(line)
                continue
            if chunk.id in documents:
                raise CorpusError(f"{path}: the id {chunk.id!r} is used twice, in lines {line_of[chunk.id]} and {line}. Each document needs its own.")
            documents[chunk.id], line_of[chunk.id] = chunk, line
    if not documents:
        raise CorpusError(f"{path} has nothing to search in it: {len(skipped)} rows, none of them with text.")
    return documents, skipped


def _chunk(fields: dict[str, Any], number: int, where: str) -> Chunk:
    """A row as a chunk; its text is empty if the row has none."""
    text, title, name = (_field(fields, names, where) for names in (TEXT_COLUMNS, TITLE_COLUMNS, ID_COLUMNS))
    return Chunk(name or f"row-{number}", text, title)


def _field(fields: dict[str, Any], columns: Sequence[str], where: str) -> str:
    """The first of these columns that the row has, as text without white space around it; empty if it has none or ``null``."""
    column = next((column for column in columns if column in fields), "")
    value = fields.get(column)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and columns != TEXT_COLUMNS:
        return str(value)  # JSON often has numbers as ids
    if not isinstance(value, str):
        raise CorpusError(f'{where}: "{column}" is a {type(value).__name__}, not a string. Put it in quotes.')
    if len(value) > MAX_FIELD:
        raise CorpusError(f'{where}: "{column}" is over {MAX_FIELD // 1_000_000} MB long. Cut it into documents of a few pages.')
    _check_characters(value, f'{where}: "{column}"')
    return _unix_lines(value).strip()


def _csv_rows(path: Path) -> Rows:
    """The rows below the header. Blank lines are not given, but counted."""
    with _opened(path, newline="") as file:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=lambda candidate: _rate(_header(file, candidate)))
        columns: list[str] = []
        for line, number, row in _records(path, file, delimiter):
            if not columns:
                columns = _check_columns(row, f"{path}, line {line}") if any(map(str.strip, row)) else []
            elif len(row) > len(columns):
                raise CorpusError(f"{path}, line {line}: {len(row)} fields, but the header has {len(columns)} columns. "
                                  f"Put a text that holds {delimiter!r} in double quotes.")
            elif row:
                yield line, number, dict(zip(columns, row))
    if not columns:
        raise CorpusError(f"{path} is empty. Its first line must name the columns, and one of them must be {_choices(TEXT_COLUMNS)}.")


def _records(path: Path, file: TextIO, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """(line where it begins, number, fields) of each row, the header and blank lines included. A row with quotes may take several lines."""
    file.seek(0)
    reader = csv.reader(file, delimiter=delimiter, strict=True)  # strict: an open quote must not swallow the rest of the file
    line = number = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CorpusError(f"{path}: the row that begins in line {line} is malformed: {error}. Close each quote, "
                              "write a quote inside a quoted text twice, and keep a field under 10 MB.") from None
        yield line, number, row
        line, number = reader.line_num + 1, number + 1


def _header(file: TextIO, delimiter: str) -> list[str]:
    """The header as this delimiter would read it; empty where it makes no sense."""
    file.seek(0)
    try:
        return next((row for row in csv.reader(file, delimiter=delimiter, strict=True) if any(map(str.strip, row))), [])
    except csv.Error:
        return []


def _rate(header: list[str]) -> tuple[bool, int]:
    """How likely it is that a header was read with its own delimiter: it has a text column, and many columns."""
    return any(_plain(name) in TEXT_COLUMNS for name in header), len(header)


def _check_columns(header: list[str], where: str) -> list[str]:
    columns = [_plain(name) for name in header]
    _check_text_column(columns, header, where)
    for name in TEXT_COLUMNS + ID_COLUMNS + TITLE_COLUMNS:
        if columns.count(name) > 1:
            raise CorpusError(f"{where}: the header has the column {name!r} {columns.count(name)} times. Rename all but one.")
    return columns


def _check_text_column(columns: Sequence[str], found: Sequence[str], where: str) -> None:
    if not any(name in TEXT_COLUMNS for name in columns):
        names = ", ".join(repr(name[:40]) for name in found[:20]) or "none"
        raise CorpusError(f"{where}: no column holds the text. Found: {names}. Call the column with the text {_choices(TEXT_COLUMNS)}.")


def _json_rows(path: Path) -> Rows:
    """The objects of a file with one JSON object a line. Blank lines are not given, but counted."""
    with _opened(path) as file:
        for line, content in enumerate(file, start=1):
            if content.strip():
                yield line, line, _json_object(content, f"{path}, line {line}")


def _json_object(content: str, where: str) -> dict[str, Any]:
    remedy = "Each line must hold one whole JSON object, like {\"id\": \"a1\", \"text\": \"…\"}."
    if content.lstrip().startswith("["):
        raise CorpusError(f"{where} begins a list, not an object. {remedy} pandas makes such a file of a list: "
                          'pd.read_json("in.json").to_json("out.jsonl", orient="records", lines=True).')
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


def _choices(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


@contextmanager
def _csv_field_limit() -> Iterator[None]:
    """The csv module's limit is one for the whole process: raise it while a file is read, and put it back."""
    before = csv.field_size_limit(MAX_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


# Files and folders


def _is_folder(path: Path) -> bool:
    """Whether the path is a folder (or else a file); an error if it is neither."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise CorpusError(f"{path} is missing: there is no file or folder {path.absolute()}.") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if stat.S_ISDIR(mode) and path.suffix.lower() in CSV_ENDINGS + JSON_ENDINGS:
        raise CorpusError(f"{path} is a folder, though its name ends like a file's. Pass a file in it, or rename it if it holds text files.")
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise CorpusError(f"{path} is neither a file nor a folder. Save what it gives in a file, and pass that.")
    return stat.S_ISDIR(mode)


def _read_folder(folder: Path, show_progress: bool) -> dict[str, Chunk]:
    documents: dict[str, Chunk] = {}
    for name in tqdm(_text_files(folder), unit="file", desc=f"Reading {folder.name}", disable=not show_progress):
        documents |= _chunks_of_file(folder / name, name)
    if not documents:
        raise CorpusError(
            f"{folder} holds no text in files that end in {_choices(TEXT_ENDINGS)}. Hidden and linked folders are left out. "
            f"To read a table ({', '.join(CSV_ENDINGS + JSON_ENDINGS)}), pass the path of the file itself."
        )
    return documents


def _text_files(folder: Path) -> list[str]:
    """Paths of the text files relative to the folder, with ``/`` on every system, sorted. Linked folders are not entered."""

    def fail(error: OSError) -> None:
        raise _unreadable(Path(error.filename), error) from None

    found = []
    for place, folders, files in os.walk(folder, onerror=fail, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]  # in place: os.walk goes on with what is left
        found += [Path(place, name).relative_to(folder).as_posix() for name in files
                  if not name.startswith(".") and Path(name).suffix.lower() in TEXT_ENDINGS]
    return sorted(found)


def _read_text_file(path: Path) -> dict[str, Chunk]:
    documents = _chunks_of_file(path, path.name)
    if not documents:
        raise CorpusError(f"{path} has no text in it.")
    return documents


def _chunks_of_file(path: Path, name: str) -> dict[str, Chunk]:
    """The chunks of a text file by id: ``name#1``, ``name#2`` and so on."""
    _check_characters(name, f"The name of the file {name!r}")
    _is_folder(path)  # refuses links that lead nowhere, and pipes, which would wait for ever
    with _opened(path) as file:
        text = file.read()
    if "\0" in text:
        raise CorpusError(f"{path} is not plain text: it holds bytes of 0. Perhaps it is UTF-16; save it as UTF-8.")
    chunks = chunk_text(text, path.stem, markdown=path.suffix.lower() in MARKDOWN_ENDINGS)
    return {f"{name}#{i}": Chunk(f"{name}#{i}", content, title) for i, (title, content) in enumerate(chunks, start=1)}


@contextmanager
def _opened(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """The file as UTF-8 text, without a byte order mark; what goes wrong while it is read becomes a ``CorpusError``."""
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            yield file
    except UnicodeDecodeError:
        raise CorpusError(f"{path} is not UTF-8 text: {_first_bad_byte(path)}. Save it as UTF-8 (in Excel: CSV UTF-8).") from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _first_bad_byte(path: Path) -> str:
    """Which byte is not UTF-8. A decoder of a stream does not know: it counts from the block that it was given."""
    start = 0
    with path.open("rb") as file:
        for line, content in enumerate(file, start=1):
            try:
                content.decode()
            except UnicodeDecodeError as error:
                return f"byte {start + error.start} (0x{content[error.start]:02x}, in line {line}; the first byte of the file is 0)"
            start += len(content)
    return "it changed while it was read"


def _unreadable(path: Path, error: OSError) -> CorpusError:
    return CorpusError(f"{path} cannot be read: {error.strerror or error}. Check that you may open it.")


def _check_characters(text: str, what: str) -> None:
    """Refuse halves of surrogate pairs, which JSON can spell and no model or file can take."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CorpusError(f"{what} holds half a character, {text[error.start]!a} at position {error.start}. Replace it.") from None


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


# Chunks


def _sections(lines: list[str], title: str, markdown: bool) -> list[tuple[str, list[str]]]:
    """(title, paragraphs) of each section, in order."""
    sections: list[tuple[str, list[list[str]]]] = [(title, [[]])]
    above: list[tuple[int, str]] = []  # level and words of the heading that we are under, and of those above it
    fence = ""
    for line in lines:
        fence = _fence_after(line, fence) if markdown else ""
        heading = _HEADING.match(line) if markdown and not fence else None
        if heading:
            level = len(heading[1])
            above = [upper for upper in above if upper[0] < level] + [(level, _heading_words(line[heading.end() :]))]
            sections.append((" > ".join(words for _, words in above if words) or title, [[]]))
        elif line.strip() or fence:
            sections[-1][1][-1].append(line)
        else:
            sections[-1][1].append([])
    joined = [(name, ["\n".join(paragraph) for paragraph in paragraphs]) for name, paragraphs in sections]
    return [(name, [paragraph.rstrip() for paragraph in paragraphs if paragraph.strip()]) for name, paragraphs in joined]


def _heading_words(rest: str) -> str:
    """The words of a heading, without the ``##`` that may close it."""
    rest = rest.strip()
    bare = rest.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else rest


def _fence_after(line: str, fence: str) -> str:
    """The marks of the code fence (three or more backticks or tildes) that is open after this line; empty if none is."""
    found = _FENCE.fullmatch(line)
    if not found:
        return fence
    marks, rest = found.groups()
    if fence:
        return "" if marks.startswith(fence) and not rest.strip() else fence
    return "" if marks[0] == "`" and "`" in rest else marks  # ```code``` in one line is no fence


def _cut(paragraph: str) -> list[str]:
    """A paragraph in pieces that fit into a chunk, each with the white space after it: joined, they give the paragraph again."""
    if _count_words(paragraph) <= MAX_WORDS:
        return [paragraph]
    pieces = []
    for sentence in _split_at(paragraph, [match.end() for match in _SENTENCE_END.finditer(paragraph)]):
        word_starts = [match.start() for match in _WORD.finditer(sentence)]
        pieces += _split_at(sentence, word_starts[MAX_WORDS::MAX_WORDS])
    return pieces


def _split_at(text: str, positions: list[int]) -> list[str]:
    return [text[start:end] for start, end in zip([0, *positions], [*positions, len(text)])]


def _pack(paragraphs: list[str]) -> list[str]:
    """Chunks: neighbouring paragraphs, or pieces of long ones, as long as they have at most ``MAX_WORDS`` words together."""
    chunks: list[list[str]] = []
    total = 0
    for piece in (piece for paragraph in paragraphs for piece in _cut(paragraph + "\n\n")):
        words = _count_words(piece)
        if not chunks or total + words > MAX_WORDS:
            chunks.append([])
            total = 0
        chunks[-1].append(piece)
        total += words
    return ["".join(chunk).rstrip() for chunk in chunks]


def _count_words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))
