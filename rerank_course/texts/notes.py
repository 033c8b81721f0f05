"""Documents from a folder of texts and pages: text, Markdown, HTML, PDF."""

import os
from pathlib import Path

from tqdm.auto import tqdm

from rerank_course.text import Chunk, is_blank
from rerank_course.texts.files import (
    HTML_ENDINGS,
    MARKDOWN_ENDINGS,
    PAGE_ENDINGS,
    PDF_ENDINGS,
    TABLE_ENDINGS,
    CorpusError,
    check_id,
    check_zeros,
    choices,
    is_folder,
    opened,
    unreadable,
)
from rerank_course.texts.left_out import LeftOut
from rerank_course.texts.pages import html_as_markdown, pdf_pages, without_marks
from rerank_course.texts.results import is_result
from rerank_course.texts.sections import chunk_text


def read_folder(folder: Path, left_out: LeftOut, show_progress: bool) -> dict[str, Chunk]:
    """The chunks of all texts in a folder and its subfolders, by id, in the order of the paths."""
    names, title = _page_files(folder, left_out), f"Reading {folder.resolve().name}"
    documents: dict[str, Chunk] = {}
    for name in tqdm(names, unit="file", desc=title, disable=not show_progress):
        if _is_result(folder / name):
            left_out.add("runs and reports, which are no texts", f"{folder / name}")
            continue
        chunks = _chunks_of_file(folder / name, name, left_out)
        if not chunks:
            left_out.add("files without text", f"{folder / name}")
        documents |= chunks
    if not documents:
        raise CorpusError(
            f"{folder} holds no text in files that end in {choices(PAGE_ENDINGS)}. "
            "Hidden and linked folders are left out. To read a table "
            f"({', '.join(TABLE_ENDINGS)}), pass the path of the file itself."
        )
    return documents


def _page_files(folder: Path, left_out: LeftOut) -> list[str]:
    """Paths of the files to read, sorted, relative to the folder, with ``/`` on every system."""

    def fail(error: OSError) -> None:
        raise unreadable(Path(error.filename), error) from None

    found = []
    for place, folders, files in os.walk(folder, onerror=fail, followlinks=False):
        # In place: os.walk goes on with what is left.
        folders[:] = sorted(name for name in folders if not _is_left_alone(Path(place, name)))
        for name in filter(lambda name: Path(place, name).is_symlink(), folders):
            left_out.add("linked folders", f"{Path(place, name)}")
        for name in sorted(name for name in files if not name.startswith(".")):
            path = Path(place, name)
            if path.suffix.lower() not in PAGE_ENDINGS:
                left_out.add("files of a kind that is not read from a folder", f"{path}")
            elif path.is_symlink() and not path.exists():
                left_out.add("links that lead nowhere", f"{path}")
            else:
                found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def _is_left_alone(folder: Path) -> bool:
    """Whether a folder is hidden, or holds judgements of data beside it."""
    return folder.name.startswith(".") or (folder.suffix == ".judged" and (folder / "qrels").is_dir())


def _is_result(path: Path) -> bool:
    try:
        return is_result(path)
    except OSError as error:
        raise unreadable(path, error) from None


def read_text_file(path: Path, left_out: LeftOut) -> dict[str, Chunk]:
    """The chunks of one text or page, by id."""
    documents = _chunks_of_file(path, path.name, left_out)
    if not documents:
        scan = path.suffix.lower() in PDF_ENDINGS
        remedy = " Its pages are pictures: have their text recognised first (OCR)." if scan else ""
        raise CorpusError(f"{path} has no text in it.{remedy}")
    return documents


def _chunks_of_file(path: Path, name: str, left_out: LeftOut) -> dict[str, Chunk]:
    """The chunks of a file by id: ``name#1``, ``name#2`` and so on."""
    check_id(name, f"The name of the file {name!r}")
    is_folder(path)  # refuses links that lead nowhere, and pipes, which would wait for ever
    chunks = [(title, text) for title, text in _cut(path, left_out) if not is_blank(text)]
    return {f"{name}#{i}": Chunk(f"{name}#{i}", text, title) for i, (title, text) in enumerate(chunks, 1)}


def _cut(path: Path, left_out: LeftOut) -> list[tuple[str, str]]:
    """The chunks of a file: (title, text)."""
    ending = path.suffix.lower()
    if ending in PDF_ENDINGS:
        return _cut_pdf(path, left_out)
    if ending in HTML_ENDINGS:
        title, markdown = html_as_markdown(path)
        chunks = chunk_text(markdown, title or path.stem)
        return [(without_marks(heading), without_marks(text)) for heading, text in chunks]
    return chunk_text(_plain_text(path), path.stem, markdown=ending in MARKDOWN_ENDINGS)


def _cut_pdf(path: Path, left_out: LeftOut) -> list[tuple[str, str]]:
    chunks = []
    for number, text in enumerate(pdf_pages(path), start=1):
        if is_blank(text):
            left_out.add("pages without text (pictures?)", f"{path}, page {number}")
        chunks += chunk_text(text, path.stem, markdown=False)
    return chunks


def _plain_text(path: Path) -> str:
    with opened(path) as file:
        text = file.read()
    check_zeros(text, path)
    return text
