"""Load text to search: the course's own judged corpora by name, or your own data by path."""

from functools import cache
from pathlib import Path

from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus, CorpusError, read_beir, read_documents, read_qrels, read_queries
from rerank_course.texts.documents import read_documents as read_own_documents
from rerank_course.texts.pandas_docs import load_pandas_docs

DATA = Path(__file__).parent / "data"
CORPORA = ("handbook", "pandas-docs")


def load_corpus(name: str | Path, *, show_progress: bool = False) -> Corpus:
    """Load a corpus of the course by name, or your own data by path.

    ``"handbook"`` is written for the course. ``"pandas-docs"`` holds the docstrings of the installed pandas,
    read at run time, with queries of the course; judgements of entries that this pandas does not have are
    left out (``pandas_docs.missing_pandas_entries`` names them).

    A path leads to a folder in BEIR's layout, a CSV or JSON-lines file, or a folder of text and Markdown
    files (see ``rerank_course.texts.documents``). Queries and judgements of your own data stand in
    ``judgements_folder(path)``; there may be none yet.

    Raises:
        CorpusError: there is nothing of this name, or a file is damaged.
    """
    if name in CORPORA:
        return _course_corpus(str(name))
    path = Path(name)
    if not path.exists():
        raise CorpusError(
            f"There is no corpus and no file {str(name)!r}. The course has: {', '.join(CORPORA)}. Your own data is named by its path."
        )
    if (path / "corpus.jsonl").is_file():
        return _own_corpus(path, read_documents(path / "corpus.jsonl"))
    return _own_corpus(path, read_own_documents(path, show_progress=show_progress))


@cache
def _course_corpus(name: str) -> Corpus:
    return load_pandas_docs() if name == "pandas-docs" else read_beir(DATA / name, name)


def judgements_folder(path: Path) -> Path:
    """Where queries and judgements of a person's own data stand: in the folder itself if it is in BEIR's
    layout, else beside the data.
    """
    return path if (path / "corpus.jsonl").is_file() else path.with_name(f"{path.name}.judged")


def _own_corpus(path: Path, documents: dict[str, Chunk]) -> Corpus:
    folder = judgements_folder(path)
    queries, kinds = (
        read_queries(folder / "queries.jsonl") if (folder / "queries.jsonl").exists() else ({}, {})
    )
    qrels_file = folder / "qrels" / "test.tsv"
    qrels = read_qrels(qrels_file, documents, queries) if qrels_file.exists() else {}
    return Corpus(path.stem, documents, queries, qrels, kinds)
