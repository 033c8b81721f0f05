"""Load text to search: the course's own judged corpora by name, or your own data by path."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from rerank_course.text import Chunk
from rerank_course.texts.beir import (
    RELEVANT,
    Corpus,
    as_qrels,
    known_grades,
    read_beir,
    read_chunks,
    read_queries,
)
from rerank_course.texts.bound import current_grades, is_place
from rerank_course.texts.documents import Source, collect_documents
from rerank_course.texts.files import GZIP_ENDING, CorpusError, unreadable
from rerank_course.texts.layout import (
    CORPUS_FILE,
    QUERIES_FILE,
    collections_in,
    file_in,
    is_beir,
    qrels_file,
)
from rerank_course.texts.left_out import LeftOut
from rerank_course.texts.pandas_docs import load_pandas_docs
from rerank_course.texts.qrels import read_judgements

DATA = Path(__file__).parent / "data"
CORPORA = ("handbook", "pandas-docs")


def load_corpus(
    source: Source, *, split: str = "test", relevant: int | None = None, show_progress: bool = False
) -> Corpus:
    """Load a corpus of the course by name, or your own data by path.

    ``"handbook"`` is written for the course. ``"pandas-docs"`` holds the docstrings of the installed pandas,
    read at run time, with queries of the course; judgements of entries that this pandas does not have are
    left out (``pandas_docs.missing_pandas_entries`` names them).

    A path leads to a folder in BEIR's layout (``rerank_course.texts.beir.read_beir``), or to what
    ``rerank_course.texts.documents.read_documents`` reads: a table, or texts and pages. Queries and
    judgements of your own data stand in ``judgements_folder(path)``; there may be none yet. A pandas
    DataFrame has none. What cannot be used is left out; one warning counts it.

    Args:
        source: a name, a path or a DataFrame.
        split: which judgements to read: ``test`` means ``qrels/test.tsv``.
        relevant: the grade from which on a document counts as an answer, 1 or more. By default 1 where no
            judgement is higher, else 2; in the course's corpora 2.
        show_progress: show a bar while documents are read.

    Raises:
        CorpusError: there is nothing of this name, no such split, or a file is damaged.
        TypeError, ValueError: the source is of another kind, or ``relevant`` is not a whole number from 1.
    """
    _check_relevant(relevant)
    if not isinstance(source, (str, os.PathLike)):
        return _judged_corpus("dataframe", source, None, split, relevant, show_progress)
    if source in CORPORA:
        if split != "test":
            raise CorpusError(f"The corpus {source} has the split 'test' only, not {split!r}.")
        corpus = _course_corpus(str(source))
        return replace(corpus, relevant=relevant) if relevant else corpus
    path = _existing(source)
    return _judged_corpus(_name(path), path, judgements_folder(path), split, relevant, show_progress)


def _check_relevant(relevant: int | None) -> None:
    if relevant is None:
        return
    if isinstance(relevant, bool) or not isinstance(relevant, int):
        raise TypeError(f"relevant is a grade, a whole number from 1, not {relevant!r}.")
    if relevant < 1:
        raise ValueError(f"relevant is a grade of 1 or more, not {relevant}: a grade of 0 is no answer.")


@cache
def _course_corpus(name: str) -> Corpus:
    return load_pandas_docs() if name == "pandas-docs" else read_beir(DATA / name, name)


def _existing(source: str | os.PathLike) -> Path:
    """The path to what is read; a folder's is its real one, since ``.`` and links have other names.

    Raises:
        CorpusError: there is nothing, or a folder of collections.
    """
    path = Path(source)
    try:
        is_there = str(source) != "" and path.exists()
        inner = collections_in(path) if path.is_dir() and not is_beir(path) else []
    except OSError as error:
        raise unreadable(path, error) from None
    if not is_there:
        raise CorpusError(
            f"There is no corpus and no file {str(source)!r}. The course has: {', '.join(CORPORA)}. "
            "Your own data is named by its path."
        )
    if inner:
        some = ", ".join(inner[:5]) + (f" and {len(inner) - 5} more" if len(inner) > 5 else "")
        raise CorpusError(
            f"{path} is a folder of collections: {some}. Pass one of them, for example {path / inner[0]}."
        )
    return path


def _name(path: Path) -> str:
    """What a corpus is called: the name of its folder, or of its file without ending."""
    real = path.resolve() if path.is_dir() else path
    return Path(real.name.removesuffix(GZIP_ENDING)).stem or "texts"


def judgements_folder(path: Path) -> Path:
    """Where queries and judgements of your own data stand.

    In the folder itself if it is in BEIR's layout, else beside the data: for ``notes.csv`` in
    ``notes.csv.judged``; for ``.`` or a link to a folder beside the folder that it leads to.
    """
    path = Path(path)
    if is_beir(path):
        return path
    beside = path.parent / f"{path.name}.judged"
    if not path.is_dir() or (path.is_symlink() and beside.is_dir()):  # judged before links were followed
        return beside
    real = path.resolve()
    return real.parent / f"{real.name}.judged"


def _judged_corpus(
    name: str, source: Source, folder: Path | None, split: str, relevant: int | None, show_progress: bool
) -> Corpus:
    """The documents of a source, with the queries and judgements of a folder."""
    left_out = LeftOut()
    documents = _documents(source, left_out, show_progress)
    queries, kinds, qrels = _judgements(folder, documents, split, left_out) if folder else ({}, {}, {})
    left_out.warn(source if folder else "the DataFrame", stacklevel=3)
    if relevant is None:
        highest = max((grade for judged in qrels.values() for grade in judged.values()), default=RELEVANT)
        relevant = min(max(highest, 1), RELEVANT)
    return Corpus(name, documents, queries, qrels, kinds, relevant)


def _documents(source: Source, left_out: LeftOut, show_progress: bool) -> dict[str, Chunk]:
    corpus_file = file_in(source, CORPUS_FILE) if isinstance(source, Path) else None
    if corpus_file is None:
        return collect_documents(source, left_out, show_progress)
    documents = read_chunks(corpus_file, left_out)
    if not documents:
        raise CorpusError(f"{corpus_file} holds no document with text; at least one is needed.")
    return documents


def _judgements(
    folder: Path, documents: dict[str, Chunk], split: str, left_out: LeftOut
) -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, int]]]:
    """(queries, kinds, qrels) that stand in a folder; each empty where there are none."""
    queries_file, judgements = file_in(folder, QUERIES_FILE), qrels_file(folder, split)
    queries, kinds = read_queries(queries_file, left_out) if queries_file else ({}, {})
    if not judgements:
        return queries, kinds, {}
    if not queries_file:
        raise CorpusError(
            f"{judgements} holds judgements, but {folder / QUERIES_FILE} is missing. Put it there."
        )
    judged = read_judgements(judgements)
    qrels = current_grades(folder, documents, as_qrels(judged), split)
    return queries, kinds, known_grades(qrels, documents, queries, judged, judgements, left_out, is_place)
