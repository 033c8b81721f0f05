"""Folders in BEIR's layout that are as they should be, and damaged ones."""

import gzip

import pytest

from rerank_course.text import Chunk
from rerank_course.texts.beir import read_beir, read_jsonl
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
        ("corpus.jsonl", '{"_id": "d1"}\n', r"""line 1: there is no "text"\. Found: '_id'"""),
        (
            "corpus.jsonl",
            '{"_id": "d1", "title": "A", "contents": "b"}\n',
            "Found: '_id', 'title', 'contents'",
        ),
        ("corpus.jsonl", '{"_id": "d1", "text": 5}\n', 'line 1: "text" is a value of the type int'),
        ("corpus.jsonl", '{"_id": "d1", "text": ["a"]}\n', 'line 1: "text" is .* list'),
        ("corpus.jsonl", '{"_id": "d1", "text": {"a": 1}}\n', 'line 1: "text" is .* object'),
        ("corpus.jsonl", '{"_id": "d1", "text": "a", "title": ["a"]}\n', 'line 1: "title" is .* list'),
        ("corpus.jsonl", '{"_id": 1.0, "text": "a"}\n', 'line 1: "_id" is .* float'),
        ("corpus.jsonl", '{"_id": true, "text": "a"}\n', 'line 1: "_id" is .* bool'),
        ("corpus.jsonl", '\n{"text": "a"}\n', "line 2: there is no id"),
        ("corpus.jsonl", '{"_id": " ", "text": "a"}\n', "line 1: there is no id"),
        ("corpus.jsonl", '{"_id": "a\\tb", "text": "a"}\n', "line 1: .* cannot hold a tab"),
        ("corpus.jsonl", '["d1"]\n', "line 1 is a list, not an object"),
        (
            "corpus.jsonl",
            '{"_id": "d1", "text": "a"}\n\n{"_id": "d1", "text": "b"}\n',
            "line 3: the id 'd1' is used twice, and line 1 has another text",
        ),
        ("corpus.jsonl", '{"_id": "1", "text": "a"}\n{"_id": 1, "text": "b"}\n', "'1' is used twice"),
        ("corpus.jsonl", '{"_id": "d", "text": "a", "text": "b"}', 'the key "text" is there twice'),
        (
            "corpus.jsonl",
            '{"_id": "d", "text": "a\\ud83d"}',
            r'line 1: "text" holds half a char.* position 1\. Re',
        ),
        (
            "corpus.jsonl",
            '{"_id": "d", "title": "\\udc00", "text": "a"}',
            'line 1: "title" holds half a char',
        ),
        ("corpus.jsonl", '{"_id": "\\ud83d", "text": "a"}', 'line 1: "_id" holds half a character'),
        ("queries.jsonl", '{"_id": "q1", "text": "a\\ud83d"}', r'queries\.jsonl, line 1: "text" holds half'),
        ("corpus.jsonl", "", "0 documents"),
        ("corpus.jsonl", '{"_id": "d1", "text": ""}\n', "0 documents"),
        ("queries.jsonl", '{"_id": "q1", "text": " "}\n', "0 queries"),
        ("corpus.jsonl", b"\xff\xfe", "not UTF-8"),
        ("corpus.jsonl", None, "is missing"),
        ("queries.jsonl", None, "is missing"),
        ("qrels/test.tsv", None, "is missing"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\n", "line 2: expected"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\thigh\n", "whole number"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td9\t1\n", r"line 2: 'd9'\. .*the same ids"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq9\td1\t1\n", "does not fit: .*line 2: 'q9'"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td1\t2\n", "line 3: .* and line 2"),
    ],
)
def test_a_damaged_folder_is_named_with_its_line(tmp_path, file, content, message):
    write(tmp_path, GOOD)
    (tmp_path / file).unlink() if content is None else write(tmp_path, {file: content})
    with pytest.raises(CorpusError, match=message) as caught:
        read_beir(tmp_path, "damaged")
    assert str(tmp_path) in str(caught.value)


def test_a_packed_file_that_is_cut_off_is_named(tmp_path):
    write(tmp_path, GOOD)
    (tmp_path / "corpus.jsonl").unlink()
    write(tmp_path, {"corpus.jsonl.gz": gzip.compress(GOOD["corpus.jsonl"].encode())[:-12]})
    with pytest.raises(CorpusError, match=r"corpus\.jsonl\.gz cannot be unpacked: .*download it once more"):
        read_beir(tmp_path, "cut off")


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_file_and_the_same_packed_are_one_and_two_that_differ_are_refused(tmp_path, name):
    write(tmp_path, GOOD)
    content = (tmp_path / name).read_bytes()
    write(tmp_path, {f"{name}.gz": gzip.compress(content)})
    assert read_beir(tmp_path, "both").documents["d1"] == Chunk("d1", "words", "T")
    for other in (gzip.compress(content + b" "), gzip.compress(content[:-2]), b"not packed at all"):
        write(tmp_path, {f"{name}.gz": other})
        with pytest.raises(CorpusError, match="are both there, and they differ"):
            read_beir(tmp_path, "both")


def test_everything_that_is_left_out_is_counted_in_one_warning(tmp_path):
    write(tmp_path, GOOD)
    empty = '{"_id": "d3", "title": "", "text": " \\u200b"}\n{"_id": "d4", "text": null}\n'
    again = '{"_id": "d2", "text": "more words"}\n'
    judged = "q1\td9\t1\nq1\td3\t1\nq8\td9\t0\n"
    write(tmp_path, {"corpus.jsonl": GOOD["corpus.jsonl"] + empty + again})
    write(tmp_path, {"queries.jsonl": GOOD["queries.jsonl"] + '{"_id": "q2", "text": ""}\n'})
    write(tmp_path, {"qrels/test.tsv": GOOD["qrels/test.tsv"] + judged})
    with pytest.warns(UserWarning, match="left out were") as caught:
        corpus = read_beir(tmp_path, "small")
    (warning,) = caught
    message = str(warning.message).replace(str(tmp_path), "X").replace("\\", "/")
    assert message == (
        "X: left out were documents without text: 2 (the first is X/corpus.jsonl, line 4); "
        "documents that are there a second time: 1 (it is X/corpus.jsonl, line 6); "
        "queries without text: 1 (it is X/queries.jsonl, line 2); "
        "judgements of documents that are not there: 2 (the first is X/qrels/test.tsv, line 3: 'd9'); "
        "judgements of queries that are not there: 1 (it is X/qrels/test.tsv, line 5: 'q8')."
    )
    assert list(corpus.documents) == ["d1", "d2"] and list(corpus.queries) == ["q1"]
    assert corpus.qrels == {"q1": {"d1": 2}} and warning.filename == __file__


def test_rows_as_they_are(tmp_path):
    write(tmp_path, {"corpus.jsonl": '{"id": 7, "text": "", "title": "T", "url": "u"}\n'})
    assert read_jsonl(tmp_path / "corpus.jsonl") == [
        {"_id": "7", "id": 7, "text": "T", "title": "", "url": "u"}
    ]
