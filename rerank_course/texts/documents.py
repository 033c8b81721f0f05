"""Your own texts as documents to search: what kind of thing is it, a table, a folder of notes, one text?"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Union

from rerank_course.text import Chunk
from rerank_course.texts.csv_tables import csv_rows
from rerank_course.texts.files import (
    ARCHIVE_ENDINGS,
    CSV_ENDINGS,
    GZIP_ENDING,
    JSON_ENDINGS,
    PAGE_ENDINGS,
    PARQUET_ENDINGS,
    TABLE_ENDINGS,
    CorpusError,
    ending_of,
    is_folder,
)
from rerank_course.texts.frames import FRAME, frame_rows, is_frame, parquet_rows
from rerank_course.texts.left_out import LeftOut
from rerank_course.texts.notes import read_folder, read_text_file
from rerank_course.texts.tables import json_rows, read_rows

if TYPE_CHECKING:
    import pandas as pd

Source = Union[Path, str, "pd.DataFrame"]


def read_documents(source: Source, *, show_progress: bool = False) -> dict[str, Chunk]:
    """Read your own documents: chunk by document id, in the order of the file or of the sorted file names.

    Args:
        source: one of

            - a ``.csv`` or ``.tsv`` file with a header. The text stands in a column ``text`` (or ``content``,
              ``page_content``, ``body``, ``document``, ``passage``); ``id`` (or ``_id``) and ``title`` are
              optional, capital letters do not matter. Without an id, a row is called ``row-2``: the second
              row of the table, the header being the first, as a spreadsheet counts them. A ``.csv`` may be
              separated by commas, semicolons, tabs or ``|``. Columns without a name are ignored.
            - a ``.jsonl``, ``.ndjson`` or ``.json`` file with one JSON object a line, or with one list of
              objects, and the same names as keys. Without an id, ``row-1`` is the first line or item.
            - a ``.parquet`` file, or a pandas DataFrame, with the same names of columns. Without an id,
              ``row-1`` is the first row; an index is an id only if it is called so.
            - a folder with ``.txt``, ``.md``, ``.markdown``, ``.rst``, ``.html``, ``.htm`` and ``.pdf``
              files, at any depth. Each is cut into chunks (``chunk_text``), called ``relative/path.md#1``,
              ``#2`` and so on. Left out are hidden files and folders, linked folders, and runs and reports of
              measuring.
            - one such file.

            Tables in text may be packed by gzip: ``.csv.gz``.
        show_progress: show a bar that counts documents, or files in a folder.

    What has no text is left out; one warning says how much that is and where the first is.

    Raises:
        CorpusError: the source or something in it cannot be read; the message names file, line and remedy.
        TypeError: the source is neither a path nor a DataFrame.
    """
    left_out = LeftOut()
    documents = collect_documents(source, left_out, show_progress)
    left_out.warn(source if isinstance(source, (str, os.PathLike)) else FRAME, stacklevel=2)
    return documents


def collect_documents(source: Source, left_out: LeftOut, show_progress: bool) -> dict[str, Chunk]:
    """As ``read_documents``, with what is left out counted in ``left_out`` and no warning."""
    if not isinstance(source, (str, os.PathLike)):
        if not is_frame(source):
            raise TypeError(
                f"Texts come from a path or a pandas DataFrame, not from a {type(source).__name__}. "
                "Many tables turn into a DataFrame with .to_pandas()."
            )
        return read_rows(FRAME, frame_rows(source), left_out, show_progress)
    if not str(source):
        raise CorpusError("The path is empty. For the folder that you are in, write a dot.")
    path = Path(source)
    if is_folder(path):
        return read_folder(path, left_out, show_progress)
    if path.suffix.lower() in PAGE_ENDINGS:
        return read_text_file(path, left_out)
    return _read_table(path, left_out, show_progress)


def _read_table(path: Path, left_out: LeftOut, show_progress: bool) -> dict[str, Chunk]:
    ending, packed = ending_of(path), path.name.lower().endswith(GZIP_ENDING)
    if path.name.lower().endswith(ARCHIVE_ENDINGS):
        raise CorpusError(f"{path} is an archive. Unpack it, and pass the file or folder that was in it.")
    if ending not in TABLE_ENDINGS or (packed and ending in PARQUET_ENDINGS):
        raise CorpusError(
            f"{path}: cannot read a file that ends in {path.suffix.lower()!r}. These work: "
            f"{', '.join(TABLE_ENDINGS + PAGE_ENDINGS)}, and a folder of texts. "
            "Save a spreadsheet as CSV in UTF-8."
        )
    readers = dict.fromkeys(CSV_ENDINGS, csv_rows) | dict.fromkeys(JSON_ENDINGS, json_rows)
    return read_rows(path, readers.get(ending, parquet_rows)(path), left_out, show_progress)
