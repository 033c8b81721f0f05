"""pandas-docs: the docstrings of the installed pandas as documents, with judged queries of the course."""

import inspect
import re
from pathlib import Path

from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus, read_queries
from rerank_course.texts.layout import QRELS_FILE, QUERIES_FILE
from rerank_course.texts.qrels import read_qrels

FOLDER = Path(__file__).parent / "data" / "pandas-docs"


def load_pandas_docs() -> Corpus:
    """Documents of the installed pandas, queries and judgements of the course.

    Judgements of entries that this pandas does not have are left out.
    """
    documents = pandas_documents()
    missing = set(missing_pandas_entries())
    queries, kinds = read_queries(FOLDER / QUERIES_FILE)
    qrels = {
        query: {entry: grade for entry, grade in judged.items() if entry not in missing}
        for query, judged in read_qrels(FOLDER / QRELS_FILE).items()
    }
    return Corpus("pandas-docs", documents, queries, qrels, kinds)


def pandas_documents() -> dict[str, Chunk]:
    """The installed pandas' docstrings: a chunk for each function, class, method and attribute, by full name.

    The title is the full name; the text ends before "See Also", "Examples" and the like. Where
    several owners have a name (``isna``, ``DataFrame.sum``, ``Series.sum``), nearly the same text stands
    there, and only the first is taken; the accessors ``.str``, ``.dt`` and ``.cat`` are always taken.
    """
    documents: dict[str, Chunk] = {}
    taken: set[str] = set()
    for prefix, owner in _owners().items():
        is_accessor = prefix.startswith("pandas.Series.")
        for name in sorted(dir(owner)):
            text = _docstring(owner, name)
            if text is None or (name in taken and not is_accessor):
                continue
            taken.add(name)
            documents[f"{prefix}.{name}"] = Chunk(f"{prefix}.{name}", text, f"{prefix}.{name}")
    return documents


def _owners() -> dict[str, object]:
    """What to look for members in, by full name; earlier ones come first where a name stands in several."""
    import pandas as pd
    from pandas.api.typing import DataFrameGroupBy, Resampler

    return {
        "pandas": pd,
        "pandas.DataFrame": pd.DataFrame,
        "pandas.Series": pd.Series,
        "pandas.Series.str": pd.Series.str,
        "pandas.Series.dt": pd.Series.dt,
        "pandas.Series.cat": pd.Series.cat,
        "pandas.DataFrameGroupBy": DataFrameGroupBy,
        "pandas.Resampler": Resampler,
        "pandas.Index": pd.Index,
        "pandas.MultiIndex": pd.MultiIndex,
        "pandas.DatetimeIndex": pd.DatetimeIndex,
        "pandas.Timestamp": pd.Timestamp,
    }


def _docstring(owner: object, name: str) -> str | None:
    """The docstring of a public member without its last sections; ``None`` where it says next to nothing."""
    if name.startswith("_"):
        return None
    member = inspect.getattr_static(owner, name)
    member = getattr(member, "__func__", member)  # the function behind a class method
    text = None if inspect.ismodule(member) else inspect.getdoc(member)
    if not isinstance(text, str) or text == inspect.getdoc(type(member)):
        return None  # it has none of its own
    text = re.split(r"\n+(?:See Also|Examples|References|Raises|Attributes|Methods)\n-{3,}", text)[0].strip()
    return text if len(text.split()) >= 8 else None


def missing_pandas_entries() -> list[str]:
    """Judged entries of ``pandas-docs`` that the installed pandas does not have."""
    documents = pandas_documents()
    judged = read_qrels(FOLDER / QRELS_FILE).values()
    return sorted({entry for entries in judged for entry in entries} - documents.keys())
