"""A person's own files, opened as UTF-8 text; what is wrong with one is said with file, line and remedy."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

CSV_ENDINGS = (".csv", ".tsv")
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
MARKDOWN_ENDINGS = (".md", ".markdown")
TEXT_ENDINGS = (".txt", *MARKDOWN_ENDINGS, ".rst")


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
    if stat.S_ISDIR(mode) and path.suffix.lower() in CSV_ENDINGS + JSON_ENDINGS:
        raise CorpusError(
            f"{path} is a folder, though its name ends like a file's. Pass a file in it, or rename it if it "
            "holds text files."
        )
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise CorpusError(
            f"{path} is neither a file nor a folder. Save what it gives in a file, and pass that."
        )
    return stat.S_ISDIR(mode)


@contextmanager
def opened(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """The file as UTF-8 text, without a byte order mark; open while the block lasts.

    Raises:
        CorpusError: it is not UTF-8 or cannot be read, which may turn out anywhere in the block.
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
    """Which byte is not UTF-8, in words."""
    start = 0  # the decoder of a stream cannot tell: it counts from the block that it was given
    with path.open("rb") as file:
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
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"{what} holds half a character, {text[error.start]!a} at position {error.start}. Replace it."
        ) from None


def unix_lines(text: str) -> str:
    """The text with line ends as Unix has them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def choices(names: Sequence[str]) -> str:
    """Names for a message: ``a, b or c``."""
    return f"{', '.join(names[:-1])} or {names[-1]}"
