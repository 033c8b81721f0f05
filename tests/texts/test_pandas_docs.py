import pytest

from rerank_course.texts import pandas_docs as pandas_module
from rerank_course.texts.corpora import DATA, load_corpus
from rerank_course.texts.pandas_docs import load_pandas_docs, missing_pandas_entries, pandas_documents


@pytest.fixture(scope="module")
def pandas_docs():
    return load_corpus("pandas-docs")


def test_pandas_docs_holds_what_its_data_card_says(pandas_docs):
    card = (DATA / "pandas-docs" / "README.md").read_text(encoding="utf-8")
    judgements = sum(map(len, pandas_docs.qrels.values()))
    assert len(pandas_docs.documents) >= 300 and len(pandas_docs.queries) >= 60
    for promised in (
        f"{len(pandas_docs.documents)} entries",
        f"{len(pandas_docs.queries)} “how do I …” queries",
        f"{judgements:,} judgements",
    ):
        assert promised in card


def test_every_judged_entry_is_in_the_locked_pandas():
    assert missing_pandas_entries() == []


def test_an_entry_that_pandas_lost_is_named_and_left_out(monkeypatch):
    documents = pandas_documents()
    del documents["pandas.DataFrame.ffill"]
    monkeypatch.setattr(pandas_module, "pandas_documents", lambda: documents)
    assert missing_pandas_entries() == ["pandas.DataFrame.ffill"]
    corpus = load_pandas_docs()
    assert not any("pandas.DataFrame.ffill" in judged for judged in corpus.qrels.values())


def test_pandas_queries_are_judged_as_their_kind_asks(pandas_docs):
    for query, kind in pandas_docs.kinds.items():
        grades = list(pandas_docs.qrels[query].values())
        assert sum(grade < 2 for grade in grades) >= 5, query
        assert (max(grades) >= 2) == (kind != "no answer"), query


def test_docstrings_end_before_their_examples(pandas_docs):
    ffill = pandas_docs.documents["pandas.DataFrame.ffill"]
    assert ffill.title == "pandas.DataFrame.ffill" and "Parameters" in ffill.text
    assert not [
        chunk.id
        for chunk in pandas_docs.documents.values()
        if "\nExamples\n---" in chunk.text or ">>>" in chunk.text.split("\n")[-1]
    ]
    assert "pandas.Series.str.lower" in pandas_docs.documents and "pandas.read_csv" in pandas_docs.documents
