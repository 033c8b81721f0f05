"""A person's own files, opened as UTF-8 text; what is wrong with one is said with file, line and remedy."""

import gzip
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO, cast

from rerank_course.text import half_character

# What the extra documents holds.
INSTALL = 'pip install "beautifulsoup4>=4.13,<5" "markdownify>=1.2,<2" "pypdf>=7,<8" "pyarrow>=20,<27"'
CSV_ENDINGS = (".csv", ".tsv")
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
PARQUET_ENDINGS = (".parquet",)
TABLE_ENDINGS = CSV_ENDINGS + JSON_ENDINGS + PARQUET_ENDINGS
MARKDOWN_ENDINGS = (".md", ".markdown")
TEXT_ENDINGS = (".txt", *MARKDOWN_ENDINGS, ".rst")
HTML_ENDINGS = (".html", ".htm")
PDF_ENDINGS = (".pdf",)
PAGE_ENDINGS = TEXT_ENDINGS + HTML_ENDINGS + PDF_ENDINGS  # what a folder is read for
GZIP_ENDING = ".gz"
ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar")


class CorpusError(ValueError):
    """A file or folder of texts is missing or malformed; the message names file, line and remedy."""


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder; if not, it leads to a file.

    Raises:
        CorpusError: it leads to nothing, to something that cannot be read, or to a pipe or a device.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise CorpusError(f"{path} is missing: there is no file or folder {path.absolute()}.") from None
    except OSError as error:
        raise unreadable(path, error) from None
    if stat.S_ISDIR(mode) and path.suffix.lower() in TABLE_ENDINGS:
        raise CorpusError(
            f"{path} is a folder, though its name ends like a file's. Pass a file in it, or rename it if it "
            "holds text files."
        )
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise CorpusError(
            f"{path} is neither a file nor a folder. Save what it gives in a file, and pass that."
        )
    return stat.S_ISDIR(mode)


def ending_of(path: Path) -> str:
    """The ending of a file's name in lower case; that of the file inside, where gzip packed it."""
    name = path.name.lower()
    return Path(name.removesuffix(GZIP_ENDING)).suffix


@contextmanager
def opened(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """The file as UTF-8 text, without a byte order mark; open while the block lasts.

    A file whose name ends in ``.gz`` is unpacked on the way.

    Raises:
        CorpusError: it is not UTF-8 or cannot be read, which may turn out anywhere in the block.
    """
    with _unreadable_named(path):
        try:
            with cast(TextIO, _open(path, "rt", encoding="utf-8-sig", newline=newline)) as file:
                yield file
        except UnicodeDecodeError:
            raise CorpusError(
                f"{path} is not UTF-8 text: {_first_bad_byte(path)}. Save it as UTF-8 (in Excel: CSV UTF-8)."
            ) from None


@contextmanager
def _unreadable_named(path: Path) -> Iterator[None]:
    """Turn errors of the system and of gzip into a ``CorpusError`` that names the file."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(
            f"{path} cannot be unpacked: {error}. Copy or download it once more; if it is not packed, take "
            f"{GZIP_ENDING} off its name."
        ) from None
    except OSError as error:
        raise unreadable(path, error) from None


def _open(path: Path, mode: str, **options: str | None) -> IO:
    packed = path.name.lower().endswith(GZIP_ENDING)
    return gzip.open(path, mode, **options) if packed else path.open(mode, **options)  # type: ignore


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, line) of each line of a UTF-8 file. Lines end at ``\\n`` and nowhere else.

    Other marks that Python takes for line ends (U+2028, a form feed …) may stand inside a JSON string or an
    id. A byte order mark before a line, as in files that were put together, is left out.
    """
    with opened(path, newline="\n") as file:
        for number, line in enumerate(file, start=1):
            yield number, line.lstrip("\ufeff")


def _first_bad_byte(path: Path) -> str:
    """Which byte is not UTF-8, in words."""
    start = 0  # the decoder of a stream cannot tell: it counts from the block that it was given
    with cast(BinaryIO, _open(path, "rb")) as file:
        for line, content in enumerate(file, start=1):
            try:
                content.decode()
            except UnicodeDecodeError as error:
                return (
                    f"byte {start + error.start} (0x{content[error.start]:02x}, in line {line}; "
                    "the first byte of the file is 0)"
                )
            start += len(content)
    return "it changed while it was read"


def unreadable(path: Path, error: OSError) -> CorpusError:
    """The error to raise where the system does not let us read."""
    return CorpusError(f"{path} cannot be read: {error.strerror or error}. Check that you may open it.")


def one_line(error: Exception) -> str:
    """What an error of another library says, on one line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def write_whole(path: Path, content: str) -> None:
    """Write a text as UTF-8 with Unix's line ends, whole or not at all; the folder is made if need be.

    Raises:
        CorpusError: it cannot be written.
    """
    scratch = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be written: {error.strerror or error}. Choose a folder that you may write to."
        ) from None


def check_characters(text: str, what: str) -> None:
    """Refuse halves of surrogate pairs, which JSON can spell and no model or file can take."""
    position = half_character(text)
    if position is not None:
        raise CorpusError(
            f"{what} holds half a character, {text[position]!a} at position {position}. Replace it."
        )


def check_id(name: str, what: str) -> None:
    """Refuse an id that a line of a table of judgements cannot hold."""
    if "\t" in name or "\n" in name or "\r" in name:
        raise CorpusError(
            f"{what} is {name[:80]!r}: an id cannot hold a tab or a line break, for it stands in lines of "
            "judgements and runs. Put a blank there."
        )
    check_characters(name, what)


def check_zeros(text: str, path: Path) -> None:
    """Refuse what holds bytes of 0: it is no text, or UTF-16 without a mark."""
    if "\0" in text:
        raise CorpusError(
            f"{path} is not plain text: it holds bytes of 0. Perhaps it is UTF-16; save it as UTF-8."
        )


def unix_lines(text: str) -> str:
    """The text with line ends as Unix has them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def library(name: str, path: Path) -> Any:
    """A module of a library that reads one kind of file, imported when such a file is read.

    Raises:
        CorpusError: it is not installed; the message names the file and what to install.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise CorpusError(
            f"{path} cannot be read without {name.partition('.')[0]} ({error}). "
            f"Install what it needs: {INSTALL}."
        ) from None


def choices(names: Sequence[str]) -> str:
    """Names for a message: ``a, b or c``."""
    return f"{', '.join(names[:-1])} or {names[-1]}"
