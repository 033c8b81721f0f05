"""Your own texts as documents to search: what kind of thing is it, a table, a folder of notes, one text?"""

import warnings
from pathlib import Path

from rerank_course.text import Chunk
from rerank_course.texts.files import CSV_ENDINGS, JSON_ENDINGS, TEXT_ENDINGS, CorpusError, is_folder
from rerank_course.texts.notes import read_folder, read_text_file
from rerank_course.texts.tables import csv_rows, json_rows, read_rows


def read_documents(path: Path | str, *, show_progress: bool = False) -> dict[str, Chunk]:
    """Read your own documents: chunk by document id, in the order of the file or of the sorted file names.

    Args:
        path: one of

            - a ``.csv`` or ``.tsv`` file with a header. The text stands in a column ``text`` (or ``content``,
              ``body``, ``document``, ``passage``); ``id`` (or ``_id``) and ``title`` are optional, capital
              letters do not matter. Without an id, a row is called ``row-2``: the second row of the table,
              the header being the first, as a spreadsheet counts them. A ``.csv`` may be separated by commas,
              semicolons or tabs.
            - a ``.jsonl``, ``.ndjson`` or ``.json`` file with one JSON object a line and the same names as
              keys. Without an id, ``row-1`` is the first line.
            - a folder with ``.txt``, ``.md``, ``.markdown`` and ``.rst`` files, at any depth. Each file is
              cut into chunks (``chunk_text``), called ``relative/path.md#1``, ``#2`` and so on. Left out are
              hidden files and folders, linked folders, and files without text.
            - one such text file.
        show_progress: show a bar that counts documents, or files in a folder.

    Rows without text are passed over; one warning says how many and where the first one is.

    Raises:
        CorpusError: the path or something in it cannot be read; the message names file, line and remedy.
    """
    path = Path(path)
    if is_folder(path):
        return read_folder(path, show_progress)
    ending = path.suffix.lower()
    if ending in TEXT_ENDINGS:
        return read_text_file(path)
    if ending not in CSV_ENDINGS + JSON_ENDINGS:
        raise CorpusError(
            f"{path}: cannot read a file that ends in {ending!r}. These work: "
            f"{', '.join(CSV_ENDINGS + JSON_ENDINGS + TEXT_ENDINGS)}, and a folder of text files. "
            "Save a spreadsheet as CSV in UTF-8."
        )
    rows = csv_rows(path) if ending in CSV_ENDINGS else json_rows(path)
    documents, skipped = read_rows(path, rows, show_progress)
    if skipped:
        count = f"{len(skipped)} of {len(documents) + len(skipped)}"
        warnings.warn(
            f"{path}: passed over rows without text: {count}, the first in line {skipped[0]}.", stacklevel=2
        )
    return documents
