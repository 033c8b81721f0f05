"""Load text to search: the course's own judged corpora by name, or your own data by path."""

from functools import cache
from pathlib import Path

from rerank_course.text import Chunk
from rerank_course.texts.beir import (
    CORPUS_FILE,
    QRELS_FILE,
    QUERIES_FILE,
    Corpus,
    read_beir,
    read_chunks,
    read_qrels,
    read_queries,
)
from rerank_course.texts.documents import read_documents
from rerank_course.texts.files import CorpusError
from rerank_course.texts.pandas_docs import load_pandas_docs

DATA = Path(__file__).parent / "data"
CORPORA = ("handbook", "pandas-docs")


def load_corpus(name: str | Path, *, show_progress: bool = False) -> Corpus:
    """Load a corpus of the course by name, or your own data by path.

    ``"handbook"`` is written for the course. ``"pandas-docs"`` holds the docstrings of the installed pandas,
    read at run time, with queries of the course; judgements of entries that this pandas does not have are
    left out (``pandas_docs.missing_pandas_entries`` names them).

    A path leads to a folder in BEIR's layout, or to what ``rerank_course.texts.documents.read_documents``
    reads: a CSV or JSON-lines file, or text and Markdown files. Queries and judgements of your own data stand
    in ``judgements_folder(path)``; there may be none yet.

    Raises:
        CorpusError: there is nothing of this name, or a file is damaged.
    """
    if name in CORPORA:
        return _course_corpus(str(name))
    path = Path(name)
    if not path.exists():
        raise CorpusError(
            f"There is no corpus and no file {str(name)!r}. The course has: {', '.join(CORPORA)}. "
            "Your own data is named by its path."
        )
    if _is_beir(path):
        return _own_corpus(path, read_chunks(path / CORPUS_FILE))
    return _own_corpus(path, read_documents(path, show_progress=show_progress))


@cache
def _course_corpus(name: str) -> Corpus:
    return load_pandas_docs() if name == "pandas-docs" else read_beir(DATA / name, name)


def judgements_folder(path: Path) -> Path:
    """Where queries and judgements of your own data stand.

    In the folder itself if it is in BEIR's layout, else beside the data: for ``notes.csv`` in
    ``notes.csv.judged``.
    """
    return path if _is_beir(path) else path.with_name(f"{path.name}.judged")


def _is_beir(path: Path) -> bool:
    return (path / CORPUS_FILE).is_file()


def _own_corpus(path: Path, documents: dict[str, Chunk]) -> Corpus:
    folder = judgements_folder(path)
    queries_file, qrels_file = folder / QUERIES_FILE, folder / QRELS_FILE
    queries, kinds = read_queries(queries_file) if queries_file.exists() else ({}, {})
    qrels = read_qrels(qrels_file, documents, queries) if qrels_file.exists() else {}
    return Corpus(path.stem, documents, queries, qrels, kinds)
