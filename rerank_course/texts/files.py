"""Opening a person's own files: UTF-8, and errors that name file, line and remedy."""

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rerank_course.texts.beir import CorpusError

CSV_ENDINGS = (".csv", ".tsv")
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
MARKDOWN_ENDINGS = (".md", ".markdown")
TEXT_ENDINGS = (".txt", *MARKDOWN_ENDINGS, ".rst")


def choices(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


# Files and folders


def is_folder(path: Path) -> bool:
    """Whether the path is a folder (or else a file); an error if it is neither."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise CorpusError(f"{path} is missing: there is no file or folder {path.absolute()}.") from None
    except OSError as error:
        raise unreadable(path, error) from None
    if stat.S_ISDIR(mode) and path.suffix.lower() in CSV_ENDINGS + JSON_ENDINGS:
        raise CorpusError(
            f"{path} is a folder, though its name ends like a file's. Pass a file in it, or rename it if it holds text files."
        )
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise CorpusError(
            f"{path} is neither a file nor a folder. Save what it gives in a file, and pass that."
        )
    return stat.S_ISDIR(mode)


@contextmanager
def opened(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """The file as UTF-8 text, without a byte order mark; what goes wrong while it is read becomes a
    ``CorpusError``.
    """
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            yield file
    except UnicodeDecodeError:
        raise CorpusError(
            f"{path} is not UTF-8 text: {_first_bad_byte(path)}. Save it as UTF-8 (in Excel: CSV UTF-8)."
        ) from None
    except OSError as error:
        raise unreadable(path, error) from None


def _first_bad_byte(path: Path) -> str:
    """Which byte is not UTF-8. A decoder of a stream does not know: it counts from the block that it was
    given.
    """
    start = 0
    with path.open("rb") as file:
        for line, content in enumerate(file, start=1):
            try:
                content.decode()
            except UnicodeDecodeError as error:
                return f"byte {start + error.start} (0x{content[error.start]:02x}, in line {line}; the first byte of the file is 0)"
            start += len(content)
    return "it changed while it was read"


def unreadable(path: Path, error: OSError) -> CorpusError:
    return CorpusError(f"{path} cannot be read: {error.strerror or error}. Check that you may open it.")


def check_characters(text: str, what: str) -> None:
    """Refuse halves of surrogate pairs, which JSON can spell and no model or file can take."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"{what} holds half a character, {text[error.start]!a} at position {error.start}. Replace it."
        ) from None


def unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
