"""Judgements in the layouts that people have."""

import csv
import gzip
import io
import random

import pytest

from rerank_course.texts.files import CorpusError
from rerank_course.texts.qrels import read_judgements, read_qrels

HEADER = "query-id\tcorpus-id\tscore\n"
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (HEADER + "q1\td1\t2\n", {"q1": {"d1": 2}}),
        (HEADER + "q1\td1\t2", {"q1": {"d1": 2}}),
        (BOM + (HEADER + "q1\td1\t2\n").encode(), {"q1": {"d1": 2}}),
        (BOM + b"q1\td1\t2\n", {"q1": {"d1": 2}}),
        ((HEADER + "q1\td1\t2\n\nq1\td2\t0\n").replace("\n", "\r\n"), {"q1": {"d1": 2, "d2": 0}}),
        ("\n \n" + HEADER + "\n\nq1\td1\t2\n\n\t\t\nq1\td2\t1\n\n", {"q1": {"d1": 2, "d2": 1}}),
        ("QUERY-ID\tCorpus-ID\tScore\nq1\td1\t1\n", {"q1": {"d1": 1}}),
        ("query_id\tcorpus_id\tscore\nq1\td1\t1\n", {"q1": {"d1": 1}}),
        ("qid\tdocid\trel\nq1\td1\t1\n", {"q1": {"d1": 1}}),
        ("score\tcorpus-id\tquery-id\n1\td1\tq1\n", {"q1": {"d1": 1}}),
        ("query-id\tquery\tcorpus-id\ttext\tscore\nq1\thow?\td1\twords\t1\n", {"q1": {"d1": 1}}),
        ("query-id\tcorpus-id\tscore\tnote\nq1\td1\t1\t\nq1\td2\t2\tgood\n", {"q1": {"d1": 1, "d2": 2}}),
        ("query-id corpus-id score\nq1 d1 1\n", {"q1": {"d1": 1}}),
        ("topic iteration docno relevance\n7 0 d1 1\n", {"7": {"d1": 1}}),
        (HEADER + "q1\td1\t2.0\nq1\td2\t-1\nq1\td3\t2 \nq1\td4\t 1.\nq1\td5\t-2.00\nq1\td6\t+3\n", "grades"),
        ("q1\td1\t2\nq2\td2\t2\n", {"q1": {"d1": 2}, "q2": {"d2": 2}}),
        ("1\t2\t3\n", {"1": {"2": 3}}),
        ("q1 d1 2\n", {"q1": {"d1": 2}}),
        (HEADER + "query one\tdoc one\t2\n", {"query one": {"doc one": 2}}),
        ("query one\tdoc one\t2\n", {"query one": {"doc one": 2}}),
        ("q1 0 d1 2\n", {"q1": {"d1": 2}}),
        ("  1 0 d1 2\n 10 0 d1 1  \n", {"1": {"d1": 2}, "10": {"d1": 1}}),
        ("q1\t0\td1\t2\n", {"q1": {"d1": 2}}),
        ("q1\tQ0\tdoc one\t2\r\n", {"q1": {"doc one": 2}}),
        ("1 4.5 005b2j4b 2\n1 0.5 00fmeepz -1\n", {"1": {"005b2j4b": 2, "00fmeepz": -1}}),
        ("301\t 0\tFBIS3-10082\t1\n", {"301": {"FBIS3-10082": 1}}),
        ("q1\t0\td1\t2\t\n", {"q1": {"d1": 2}}),
        (HEADER + "q1\td1\t1\nq1\td1\t1.0\n", {"q1": {"d1": 1}}),
        (
            HEADER + 'q1\t"""Heroes""_(album)"\t1\n"""q"""\td\t1\n',
            {"q1": {'"Heroes"_(album)': 1}, '"q"': {"d": 1}},
        ),
        (HEADER + 'q1\t"Heroes"_(album)\t1\nq1\t"open\t1\n', {"q1": {'"Heroes"_(album)': 1, '"open': 1}}),
        (HEADER + 'q1\t"whole"\t1\n', {"q1": {'"whole"': 1}}),
        ('"query-id"\t"corpus-id"\t"score"\n"q1"\t"d ""1"""\t"1"\n', {"q1": {'d "1"': 1}}),
        ('"q1"\t"d1"\t1\n', {"q1": {"d1": 1}}),
        ('q1 0 "a""b" 1\n', {"q1": {'"a""b"': 1}}),
        (
            HEADER + "q1\tSanjō_(町)\t1\nq1\ta\u2028b\x0c\x85\t1\n",
            {"q1": {"Sanjō_(町)": 1, "a\u2028b\x0c\x85": 1}},
        ),
        (HEADER, {}),
        ("", {}),
    ],
)
@pytest.mark.parametrize("name", ["test.tsv", "qrels.txt", "test.tsv.gz"])
def test_judgements_that_are_read(file, name, content, expected):
    content = content if isinstance(content, bytes) else content.encode()
    path = file(name, gzip.compress(content) if name.endswith(".gz") else content)
    if expected == "grades":
        expected = {"q1": {"d1": 2, "d2": -1, "d3": 2, "d4": 1, "d5": -2, "d6": 3}}
    assert read_qrels(path) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "q1\td1\t1.5\n", r"line 2: the grade '1\.5' is not a whole number.*round them"),
        *(
            (HEADER + f"q1\td1\t{grade}\n", "not a whole number")
            for grade in ("x", "nan", "inf", "1e3", "٣", "--1")
        ),
        (HEADER + "q1\td1\t" + "9" * 400 + "\n", "not a whole number"),
        ("q1\td1\tlow\n", "line 1: the grade 'low'"),
        (HEADER + "q1\td1\n", r"line 2: expected 3 columns \(query, document, grade\), found 2"),
        (HEADER + "q1\td1\t\n", "line 2: the grade ''"),
        (HEADER + "q1\td1\t1\textra\n", "expected 3 columns .*, found 4"),
        (HEADER + "q1\t\t1\n", "line 2: the document's id is empty"),
        (HEADER + " \td1\t1\n", "line 2: the query's id is empty"),
        (HEADER + "q1\td1\t1\n\nq1\td1\t0\n", "line 4: 'd1' has the grade 0 for 'q1', and line 2 gives it 1"),
        (
            "q1 0 d1 1\nq1 d2 1\n",
            r"line 2: expected 4 columns \(query, iteration, document, grade\), found 3",
        ),
        ("q1 0 doc one 1\n", "line 1: cannot tell which of the 5 columns"),
        ("q1\td1\t2\t14.5\n", "line 1: cannot tell which of the 4 columns"),
        ("q1 Q0 d1 1 14.5 bm25\n", "line 1: .*Six columns are a run's"),
        ("q1\n", "line 1: cannot tell which of the 1 columns"),
        (
            "query-id\tcorpus-id\n" + "q1\td1\n",
            "line 1: the header .* must name each of query-id, corpus-id and",
        ),
        ("query-id\tcorpus-id\tscore\tscore\nq1\td1\t1\t2\n", "line 1: the header .* once"),
        ("query-id\tcorpus-id\tscore\tnote\nq1\td1\t1\n", "line 2: expected 4 columns"),
        (b"q1\td1\t1\nq2\t\xfc\t1\n", "not UTF-8 text: byte 11"),
        ("q1\td1\t1\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_what_cannot_be_understood_is_named(file, content, message):
    path = file("qrels/test.tsv", content)
    with pytest.raises(CorpusError, match=message) as caught:
        read_qrels(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("header", [True, False])
def test_whatever_csv_writes_is_read_back(file, quoting, header):
    draw = random.Random(5)
    pieces = ['"', '""', "a", " ", "'", ",", "(", "é", "\u2028", "\\", "|"]
    names = ["x" + "".join(draw.choices(pieces, k=5)) for _ in range(300)]
    names += ['"' + name for name in names] + ['"' + name[1:] + '"' for name in names]
    rows = {(draw.choice(names), name): draw.randrange(-1, 4) for name in names}
    target = io.StringIO()
    writer = csv.writer(target, delimiter="\t", quoting=quoting, lineterminator="\n")
    writer.writerows([["query-id", "corpus-id", "score"]] * header)
    writer.writerows([query, document, grade] for (query, document), grade in rows.items())
    found = read_judgements(file("test.tsv", target.getvalue()))
    assert {pair: judgement.grade for pair, judgement in found.items()} == rows
    assert [judgement.line for judgement in found.values()] == list(range(1 + header, len(rows) + 1 + header))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"test\.tsv cannot be read: No such file"):
        read_qrels(tmp_path / "test.tsv")


def test_judgements_as_objects(file):
    content = '\ufeff{"query-id": "q1", "corpus-id": 7, "score": 1}\n\n'
    content += '{"score": 2.0, "corpus-id": "a", "query-id": "q1"}'
    assert read_qrels(file("test.jsonl", content)) == {"q1": {"7": 1, "a": 2}}
    assert read_qrels(file("test.jsonl.gz", gzip.compress(content.encode()))) == {"q1": {"7": 1, "a": 2}}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            '{"query-id": "q", "score": 1}',
            "line 1: each line needs query-id, corpus-id, score. Found: query-id, score",
        ),
        ('{"query-id": "q", "corpus-id": "d", "score": 0.5}', "the grade '0.5'"),
        ('{"query-id": "q", "corpus-id": "d", "score": true}', "the grade 'True'"),
        ('{"query-id": "q", "corpus-id": null, "score": 1}', "the document's id is empty"),
        ('{"query-id": 1.5, "corpus-id": "d", "score": 1}', '"query-id" is a value of the type float'),
        ('{"query-id": "q", ', "line 1 is not JSON"),
    ],
)
def test_objects_that_are_no_judgements(file, row, message):
    with pytest.raises(CorpusError, match=message):
        read_qrels(file("test.jsonl", row))


def test_three_columns_are_read_under_the_name_of_objects_too(file):
    """Judging saves BEIR's layout under whatever name the judgements have."""
    assert read_qrels(file("test.jsonl", HEADER + "{q}\td\t1\n")) == {"{q}": {"d": 1}}


@pytest.mark.parametrize("header", ["doc\tquery\tlabel", "topic docno judgement", "a\tb\tc\td"])
def test_a_header_that_names_other_columns_is_called_so(file, header):
    with pytest.raises(CorpusError, match="line 1: .* holds no grade, and as a header it must name query-id"):
        read_qrels(file("test.tsv", f"{header}\nd1\tq1\t1\n".encode()))
