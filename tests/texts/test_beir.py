import pytest

from rerank_course.texts.beir import read_beir
from rerank_course.texts.files import CorpusError

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
