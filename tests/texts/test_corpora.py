import json
from collections import Counter

import pytest

from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.evaluate import per_query, retrieve_and_rerank
from rerank_course.retrieve import DenseRetriever
from rerank_course.texts import pandas_docs as pandas_module
from rerank_course.texts.beir import CorpusError, read_beir
from rerank_course.texts.corpora import DATA, load_corpus
from rerank_course.texts.pandas_docs import load_pandas_docs, missing_pandas_entries, pandas_documents

KINDS = {
    "plain keyword",
    "paraphrase",
    "negation",
    "number or limit",
    "acronym",
    "superseded rule",
    "multi-condition",
    "same words, other topic",
    "long document",
    "no answer",
}


@pytest.fixture(scope="module")
def handbook():
    return load_corpus("handbook")


def rows(name):
    return [json.loads(line) for line in (DATA / "handbook" / name).read_text(encoding="utf-8").splitlines()]


def test_the_handbook_holds_what_its_data_card_says(handbook):
    assert len(handbook.documents) == 294 and len(handbook.queries) == 112
    card = (DATA / "handbook" / "README.md").read_text(encoding="utf-8")
    grades = Counter(grade for judged in handbook.qrels.values() for grade in judged.values())
    for promised in (
        f"{len(handbook.documents)} passages",
        f"{len(handbook.queries)} queries",
        f"{sum(grades.values()):,} judgements",
    ):
        assert promised in card
    assert len({row["metadata"]["department"] for row in rows("corpus.jsonl")}) == 13


def test_the_running_example_is_there(handbook):
    assert handbook.queries["exp-q01"] == "What is the reimbursement limit?"
    assert (
        handbook.documents["exp-001"].text == "Employees may submit expenses up to $500 without pre-approval."
    )
    assert handbook.qrels["exp-q01"]["exp-001"] == 3


def test_every_query_is_judged_as_its_kind_asks(handbook):
    assert set(handbook.kinds.values()) == KINDS and set(handbook.kinds) == set(handbook.queries)
    for query, kind in handbook.kinds.items():
        grades = list(handbook.qrels[query].values())
        assert set(grades) <= {0, 1, 2, 3}
        assert sum(grade < 2 for grade in grades) >= 4, query
        assert (max(grades) >= 2) == (kind != "no answer"), query


def test_no_passage_stands_there_twice(handbook):
    assert len({chunk.text for chunk in handbook.documents.values()}) == len(handbook.documents)
    assert len(set(handbook.queries.values())) == len(handbook.queries)


def test_long_passages_are_those_that_say_where_their_answer_stands(reranker):
    """Twelve passages are longer than the model reads; each says where in it its answer stands."""
    positions = Counter()
    for row in rows("corpus.jsonl"):
        tokens = len(reranker.tokenizer(row["text"], verbose=False)["input_ids"])
        assert (tokens > 512) == ("answer_at" in row["metadata"]), (row["_id"], tokens)
        positions[row["metadata"].get("answer_at")] += 1
    assert [positions[where] for where in ("start", "middle", "end")] == [4, 4, 4]


def test_an_unknown_name_lists_the_known_ones():  # and says that a path would do
    with pytest.raises(CorpusError, match="handbook, pandas-docs. Your own data is named by its path"):
        load_corpus("no such corpus")


GOOD = {
    "corpus.jsonl": '{"_id": "d1", "title": "T", "text": "words"}\n\n{"_id": "d2", "text": "more words"}\n',
    "queries.jsonl": '{"_id": "q1", "text": "which?", "metadata": {"kind": "plain keyword"}}\n',
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t2\n",
}


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def test_reads_a_small_folder(tmp_path):
    write(tmp_path, GOOD)
    corpus = read_beir(tmp_path, "small")
    assert corpus.documents["d1"].content == "T\nwords" and corpus.documents["d2"].content == "more words"
    assert corpus.qrels == {"q1": {"d1": 2}} and corpus.kinds == {"q1": "plain keyword"}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("corpus.jsonl", "{not json}\n", r"corpus.jsonl, line 1 is not JSON"),
        ("corpus.jsonl", '{"_id": "d1", "text": " "}\n', r'line 1: each line needs "_id" and "text"'),
        ("corpus.jsonl", '{"_id": 1, "text": "a"}\n', "both non-empty strings"),
        ("corpus.jsonl", '["d1"]\n', "each line needs"),
        (
            "corpus.jsonl",
            '{"_id": "d1", "text": "a"}\n{"_id": "d1", "text": "b"}\n',
            "line 2: the id 'd1' is used twice",
        ),
        ("corpus.jsonl", "", "0 documents"),
        ("corpus.jsonl", b"\xff\xfe", "not UTF-8"),
        ("corpus.jsonl", None, "is missing"),
        ("qrels/test.tsv", "q1\td1\t2\n", "must begin with"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\n", "line 2: expected"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\thigh\n", "whole number"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td9\t1\n", "unknown document 'd9'"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq9\td1\t1\n", "unknown query 'q9'"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td1\t2\n", "judged twice"),
    ],
)
def test_a_damaged_folder_is_named_with_its_line(tmp_path, file, content, message):
    write(tmp_path, GOOD)
    (tmp_path / file).unlink() if content is None else write(tmp_path, {file: content})
    with pytest.raises(CorpusError, match=message):
        read_beir(tmp_path, "damaged")


# pandas-docs


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
        f"{judgements} judgements",
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


def test_the_handbook_is_hard_enough_to_teach_with(handbook, embedder):
    """Dense search is neither hopeless nor perfect, and the reranker repairs and breaks enough of its first
    places; by recorded float32 scores.
    """
    dense = DenseRetriever(list(handbook.documents.values()), embedder)
    runs = retrieve_and_rerank(
        handbook, {"dense": dense}, RecordedReranker("handbook", "fp32"), depths=(100,)
    )
    assert 0.55 <= per_query(runs["dense"], handbook)["nDCG@10"].mean() <= 0.85

    def right(run, query):
        return handbook.qrels[query].get(run[query][0][0], 0) >= 2

    changes = Counter(
        (right(runs["dense"], query), right(runs["dense + rerank 100"], query)) for query in runs["dense"]
    )
    assert changes[False, True] >= 15 and changes[True, False] >= 8, changes
