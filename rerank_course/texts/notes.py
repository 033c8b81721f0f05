"""Documents from a folder of text and Markdown files."""

import os
from pathlib import Path

from tqdm.auto import tqdm

from rerank_course.text import Chunk
from rerank_course.texts.files import (
    CSV_ENDINGS,
    JSON_ENDINGS,
    MARKDOWN_ENDINGS,
    TEXT_ENDINGS,
    CorpusError,
    check_characters,
    choices,
    is_folder,
    opened,
    unreadable,
)
from rerank_course.texts.sections import chunk_text


def read_folder(folder: Path, show_progress: bool) -> dict[str, Chunk]:
    """The chunks of all text files in a folder and its subfolders, by id, in the order of the paths."""
    names, title = _text_files(folder), f"Reading {folder.name}"
    documents: dict[str, Chunk] = {}
    for name in tqdm(names, unit="file", desc=title, disable=not show_progress):
        documents |= _chunks_of_file(folder / name, name)
    if not documents:
        raise CorpusError(
            f"{folder} holds no text in files that end in {choices(TEXT_ENDINGS)}. "
            "Hidden and linked folders are left out. To read a table "
            f"({', '.join(CSV_ENDINGS + JSON_ENDINGS)}), pass the path of the file itself."
        )
    return documents


def _text_files(folder: Path) -> list[str]:
    """Paths of the text files, sorted, relative to the folder, with ``/`` on every system."""

    def fail(error: OSError) -> None:
        raise unreadable(Path(error.filename), error) from None

    found = []
    for place, folders, files in os.walk(folder, onerror=fail, followlinks=False):
        # In place: os.walk goes on with what is left.
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(place, name).relative_to(folder).as_posix()
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in TEXT_ENDINGS
        ]
    return sorted(found)


def read_text_file(path: Path) -> dict[str, Chunk]:
    """The chunks of one text file, by id."""
    documents = _chunks_of_file(path, path.name)
    if not documents:
        raise CorpusError(f"{path} has no text in it.")
    return documents


def _chunks_of_file(path: Path, name: str) -> dict[str, Chunk]:
    """The chunks of a text file by id: ``name#1``, ``name#2`` and so on."""
    check_characters(name, f"The name of the file {name!r}")
    is_folder(path)  # refuses links that lead nowhere, and pipes, which would wait for ever
    with opened(path) as file:
        text = file.read()
    if "\0" in text:
        raise CorpusError(
            f"{path} is not plain text: it holds bytes of 0. Perhaps it is UTF-16; save it as UTF-8."
        )
    chunks = chunk_text(text, path.stem, markdown=path.suffix.lower() in MARKDOWN_ENDINGS)
    return {
        f"{name}#{i}": Chunk(f"{name}#{i}", content, title)
        for i, (title, content) in enumerate(chunks, start=1)
    }
