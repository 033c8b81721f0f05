"""Rows of JSON, as they are written by many hands."""

import gzip
import json

import pytest

from rerank_course.texts.files import CorpusError
from rerank_course.texts.json_lines import (
    begins_list,
    id_text,
    plain_text,
    read_list,
    read_objects,
    title_text,
)

BOM = b"\xef\xbb\xbf"
# What Python's splitlines takes for line ends besides \n and \r.
SEPARATORS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"


@pytest.mark.parametrize("separator", [*SEPARATORS, "\t", "\x00", "\x1f", "\r", "\ufeff"])
def test_lines_end_at_the_line_feed_only(file, separator):
    path = file("a.jsonl", f'{{"text": "one{separator}two"}}\n{{"text": "three"}}\n')
    assert list(read_objects(path)) == [(1, {"text": f"one{separator}two"}), (2, {"text": "three"})]


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}\n\n{"a": 2}\n',
        BOM + b'{"a": 1}\n\n{"a": 2}',
        b'{"a": 1}\r\n\r\n  {"a": 2}  \r\n\r\n',
        BOM + b'{"a": 1}\n \t \n' + BOM + b'{"a": 2}\n',  # two files put together
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_line_ends_and_marks(file, content, packed):
    path = file("a.jsonl.gz", gzip.compress(content)) if packed else file("a.jsonl", content)
    assert list(read_objects(path)) == [(1, {"a": 1}), (3, {"a": 2})]


def test_lines_are_read_one_by_one(file):
    rows = read_objects(file("a.jsonl", '{"a": 1}\n{"a": 2}\nnot read yet\n'))
    assert [next(rows), next(rows)] == [(1, {"a": 1}), (2, {"a": 2})]
    with pytest.raises(CorpusError, match=r"a\.jsonl, line 3 is not JSON: .*one whole JSON object"):
        next(rows)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("5\n", "line 1 is a int, not an object"),
        ('{"a": 1} {"a": 2}\n', "line 1 is not JSON: Extra data"),
        ('{"a": "one\ntwo"}\n', "line 1 is not JSON"),
        ("{'a': 1}\n", "line 1 is not JSON"),
        ('{"a": 1, "b": {}, "a": 2}\n', 'line 1: the key "a" is there twice, with two values'),
    ],
)
def test_what_is_no_object_is_named(file, content, message):
    with pytest.raises(CorpusError, match=message):
        list(read_objects(file("a.jsonl", content)))


def test_a_key_that_is_there_twice_with_one_value_or_further_in_does_no_harm(file):
    path = file("a.jsonl", '{"a": 1, "a": 1, "metadata": {"b": 1, "b": 2}}')
    assert list(read_objects(path)) == [(1, {"a": 1, "metadata": {"b": 2}})]


def test_a_list(file):
    path = file("a.json", BOM + b'\n [{"a": 1},\r\n{"a": "x\ty"}]\n')
    assert begins_list(path) and list(read_list(path)) == [(1, {"a": 1}), (2, {"a": "x\ty"})]
    assert not begins_list(file("b.json", '{"a": [1]}\n')) and not begins_list(file("c.json", ""))


@pytest.mark.parametrize(
    ("value", "as_id", "as_title", "as_text"),
    [
        ("a", "a", "a", "a"),
        (None, "", "", ""),
        (7, "7", "7", None),
        (10**30, "1" + "0" * 30, "1" + "0" * 30, None),
        (0.5, None, "0.5", None),
        (float("nan"), None, "", None),
        (True, None, None, None),
        ([], None, None, None),
        ({}, None, None, None),
    ],
)
def test_values_as_text(value, as_id, as_title, as_text):
    for function, expected in ((id_text, as_id), (title_text, as_title), (plain_text, as_text)):
        if expected is None:
            with pytest.raises(CorpusError, match="x, line 3: .* not a string"):
                function(value, "x, line 3: it")
        else:
            assert function(value, "it") == expected


def test_every_text_comes_back(file):
    texts = [
        "".join(map(chr, range(start, start + 64))) for start in (*range(0, 0x3000, 64), 0xFFC0 - 64, 0x1F600)
    ]
    path = file("a.jsonl", "".join(json.dumps({"t": t}, ensure_ascii=False) + "\n" for t in texts))
    assert [row["t"] for _, row in read_objects(path)] == texts
