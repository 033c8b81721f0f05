import csv
import gc
import gzip
import io
import json
import random
import time

import pytest

from rerank_course.text import Chunk
from rerank_course.texts.csv_tables import csv_rows
from rerank_course.texts.documents import read_documents
from rerank_course.texts.files import CorpusError
from rerank_course.texts.tables import MAX_FIELD

pytestmark = pytest.mark.usefixtures("no_warnings")
BOM = b"\xef\xbb\xbf"


def packed(content, level=9):
    """Without the time in it: the name of a test must be the same in each of pytest's processes."""
    return gzip.compress(content, level, mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "id,title,text\na1,First,Some words\n", {"a1": ("First", "Some words")}),
        ("a.csv", "id,title,text\na1,First,Some words", {"a1": ("First", "Some words")}),  # no last line end
        (
            "a.csv",
            "id,title,text\r\na1,First,Some words\r\na2,,More\r\n",
            {"a1": ("First", "Some words"), "a2": ("", "More")},
        ),
        ("a.csv", "text\rone\rtwo\r", {"row-2": ("", "one"), "row-3": ("", "two")}),
        ("a.csv", BOM + b"id,text\na1,Some words\n", {"a1": ("", "Some words")}),
        ("a.csv", BOM + b'"text";"id"\r\n"one";7\r\n', {"7": ("", "one")}),
        ("a.csv", "id,text\nü,Grüße aus Łódź 🙂\n", {"ü": ("", "Grüße aus Łódź 🙂")}),
        (
            "a.csv",
            'id,text\na1,"two\nlines, ""quoted"""\na2,next\n',
            {"a1": ("", 'two\nlines, "quoted"'), "a2": ("", "next")},
        ),
        ("a.csv", 'id,text\r\na1,"two\r\nlines"\r\n', {"a1": ("", "two\nlines")}),
        # rows, not lines
        ("a.csv", 'text\n"two\nlines"\nnext\n', {"row-2": ("", "two\nlines"), "row-3": ("", "next")}),
        # blank lines count, without a warning
        ("a.csv", "text\none\n\nthree\n\n\n", {"row-2": ("", "one"), "row-4": ("", "three")}),
        ("a.csv", "\n,\nid,text\n,one\n", {"row-4": ("", "one")}),
        ("a.csv", "text\n  spaces  \n", {"row-2": ("", "spaces")}),
        ("a.csv", "id;text\na1;commas, here, and here\n", {"a1": ("", "commas, here, and here")}),
        ("a.csv", 'id;"text"\na1;"semi;colon"\n', {"a1": ("", "semi;colon")}),
        ("a.csv", "id\ttext\na1\tcommas, and; semicolons\n", {"a1": ("", "commas, and; semicolons")}),
        ("a.csv", '"note; one; two",text\nx,one\n', {"row-2": ("", "one")}),  # more semicolons than commas
        ("a.csv", '"text","a\nb"\none,x\n', {"row-2": ("", "one")}),  # a header of two lines
        ("a.csv", "text\na;b;c\n", {"row-2": ("", "a;b;c")}),  # only the header is looked at
        ("a.csv", "id,text,title\na1,short row\n", {"a1": ("", "short row")}),
        ("a.csv", "ID, Text ,TITLE\na1,words,T\n", {"a1": ("T", "words")}),
        ("a.tsv", "id\ttext\na1\tcommas, here\n", {"a1": ("", "commas, here")}),
        ("A.TSV", "text,a\ttext\na1\tb\n", {"row-2": ("", "b")}),
        (
            "a.jsonl",
            '{"id": "a1", "title": "T", "text": "words"}\n{"text": "more"}\n',
            {"a1": ("T", "words"), "row-2": ("", "more")},
        ),
        ("a.jsonl", '\n{"text": "one"}\r\n\r\n{"text": "two"}', {"row-2": ("", "one"), "row-4": ("", "two")}),
        ("a.jsonl", BOM + b'{"text": "one"}\n', {"row-1": ("", "one")}),
        # no line end
        (
            "a.ndjson",
            '{"_id": 7, "title": 1984, "body": "Grüße\u2028\\u00fc"}\n',
            {"7": ("1984", "Grüße\u2028ü")},
        ),
        ("a.json", '{"id": null, "title": null, "Text": "a\\r\\nb"}\n', {"row-1": ("", "a\nb")}),
        (
            "a.jsonl",
            '{"title": 2.5, "text": "a"}\n{"title": NaN, "text": "b"}',
            {"row-1": ("2.5", "a"), "row-2": ("", "b")},
        ),
        # an index as pandas writes it, alone and beside others; two columns without a name
        ("a.csv", ",text\n0,hello\n1,bye\n", {"row-2": ("", "hello"), "row-3": ("", "bye")}),
        ("a.csv", ",id,title,text\n0,a,T,hello\n", {"a": ("T", "hello")}),
        ("a.csv", "Unnamed: 0,Unnamed: 0.1,text\n0,x,hello\n", {"row-2": ("", "hello")}),
        ("a.csv", ",text, ,\u200b\n0,hello,1,2\n", {"row-2": ("", "hello")}),
        ("a.csv", BOM + b'"","text"\r\n"1","hello"\r\n', {"row-2": ("", "hello")}),
        # Excel's first line, which no spreadsheet counts
        ("a.csv", "sep=;\nid;text\n1;hello there\n;x\n", {"1": ("", "hello there"), "row-3": ("", "x")}),
        ("a.csv", BOM + b"SEP=|\r\ntext|id\r\na;b,c|7\r\n", {"7": ("", "a;b,c")}),
        ("a.csv", "sep=\t\ntext\tid\na\t7\n", {"7": ("", "a")}),
        ("a.csv", 'sep=#\ntext#id\n"a#b"#7\n', {"7": ("", "a#b")}),
        ("a.csv", "id|text\n1|a, b; c\n", {"1": ("", "a, b; c")}),
        ("a.csv", "id,text\na1,words,,\n", {"a1": ("", "words")}),  # empty cells too many
        ("a.csv", "id,text\ndoc one,hello\n", {"doc one": ("", "hello")}),
        (
            "a.csv",
            'id,text\n"[x] ""y"" – 🙂",hello\n-1,x\n',
            {'[x] "y" – 🙂': ("", "hello"), "-1": ("", "x")},
        ),
        ("a.csv", "text,TITLE,Page_Content\nt,T,c\n", {"row-2": ("T", "t")}),
        ("a.csv.gz", packed(BOM + b"id,text\na1,words\n"), {"a1": ("", "words")}),
        ("A.TSV.GZ", packed(b"id\ttext\na1\twords\n"), {"a1": ("", "words")}),
        ("a.jsonl.gz", packed('{"text": "Grüße"}\n'.encode()), {"row-1": ("", "Grüße")}),
        (
            "a.json",
            ' \n[{"text": "one", "id": 5},\n {"page_content": "two"}]',
            {"5": ("", "one"), "row-2": ("", "two")},
        ),
        ("a.jsonl", BOM + b'[{"text": "one"}]', {"row-1": ("", "one")}),
        ("a.jsonl", '{"page_content": "hello", "metadata": {"source": "a"}}', {"row-1": ("", "hello")}),
        (
            "a.jsonl",
            '{"text": "a\u2028b\x0bc\x85d\te\x1cf"}\n',
            {"row-1": ("", "a\u2028b\x0bc\x85d\te\x1cf")},
        ),
    ],
)
def test_tables_that_are_read(file, name, content, expected):
    documents = read_documents(file(name, content))
    assert documents == {key: Chunk(key, text, title) for key, (title, text) in expected.items()}
    assert list(documents) == list(expected)


@pytest.mark.parametrize("column", ["text", "content", "page_content", "body", "document", "passage"])
@pytest.mark.parametrize("identity", ["id", "_id"])
def test_names_of_columns(file, column, identity):
    expected = {"x": Chunk("x", "words")}
    assert read_documents(file("a.csv", f"other,{column},{identity}\n1,words,x\n")) == expected
    line = json.dumps({column: "words", "other": 1, identity: "x"})
    assert read_documents(file("a.jsonl", line)) == expected


def test_the_first_name_wins(file):
    assert read_documents(file("a.csv", "_id,body,text,id\n1,b,t,2\n")) == {"2": Chunk("2", "t")}
    path = file("a.jsonl", '{"_id": 1, "body": "b", "text": "t", "id": 2}')
    assert read_documents(path) == {"2": Chunk("2", "t")}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "id,text\n1,\u200b\n2,ok\n", r"without text: 1 \(it is .*, line 2\)"),
        ("a.csv", "id,text\n1,a\n2,b\n1,a\n", r"rows that are there a second time: 1 \(it is .*, line 4\)"),
        ("a.json", '[{"text": "a"}, {"text": "\\u2800"}]', r"without text: 1 \(it is .*, item 2\)"),
        (
            "a.csv",
            'id,text\na1,"x\ny"\na2,\na3, \na4,z\n',
            r"a\.csv: left out were rows without text: 2 \(the first is .*a\.csv, line 4\)\.",
        ),
        ("a.csv", "id,title,text\na1,T,x\na2,T\n", r"without text: 1 \(it is .*, line 3\)"),
        (
            "a.jsonl",
            '{"text": "a"}\n{"text": ""}\n{"text": null}\n',
            r"a\.jsonl: .* 2 \(the first is .*, line 2\)",
        ),
    ],
)
def test_rows_without_text_are_passed_over_with_one_warning(file, name, content, message):
    path = file(name, content)
    with pytest.warns(UserWarning, match=message) as caught:
        documents = read_documents(path)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert all(chunk.text for chunk in documents.values()) and documents


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", r"a\.csv is empty.*text, content, page_content, body, document or passage"),
        ("a.csv", BOM, "is empty"),
        ("a.csv", "\n \n", "is empty"),
        ("a.csv", "id,text\n", "nothing to search in it: 0 rows"),
        ("a.csv", "id,text\n1,\n2,\n", "nothing to search in it: 2 rows"),
        (
            "a.csv",
            "id,titel,inhalt\n1,a,b\n",
            r"a\.csv, line 1: no column holds the text. Found: 'id', 'titel', 'inhalt'",
        ),
        ("a.csv", "id/text\n1/a\n", r"Found: 'id/text'"),
        ("a.tsv", "id,text\n1,a\n", "Found: 'id,text'"),
        ("a.csv", "text,id,text\na,b,c\n", "line 1: the column 'text' is there 2 times"),
        (
            "a.csv",
            "text\nwords\nHello, world\n",
            r"a\.csv, line 3: 2 fields, but the header has 1 columns.*double quotes",
        ),
        ("a.csv", 'id,text\n1,"a\nb"\n2,c\n2,d\n', r"a\.csv: the id '2' is used twice, in line 4 and line 5"),
        ("a.csv", "id,text\nrow-3,a\n,b\n", "the id 'row-3' is used twice, in line 2 and line 3"),
        (
            "a.csv",
            'text\none\n"open\nthree\nfour\n',
            "the row that begins in line 3 is malformed: unexpected end of data",
        ),
        ("a.csv", 'text\none\n"He said "hi" there"\n', "the row that begins in line 3 is malformed.*twice"),
        (
            "a.csv",
            "text\n" + "a" * (MAX_FIELD + 1) + "\n",
            r"line 2 is malformed: field larger than field limit.*10 MB",
        ),
        (
            "a.csv",
            "text\nfine\nGrüße\n".encode("latin-1"),
            r"a\.csv is not UTF-8 text: byte 12 \(0xfc, in line 3",
        ),
        ("a.csv", b"text\n" + b"fine\n" * 10_000 + b"\xff\n", r"byte 50005 \(0xff, in line 10002"),
        ("a.csv", BOM + b"text\n\xe4\n", r"byte 8 \(0xe4, in line 2"),
        ("a.csv", "id,text\n1,a\n".encode("utf-16-le"), r"a\.csv is not plain text: .* Perhaps it is UTF-16"),
        ("a.csv", "id,text\n1,a\n".encode("utf-16"), r"not UTF-8 text: byte 0 .*CSV UTF-8"),
        ("a.csv", b"text\na\xc3", r"byte 6 \(0xc3, in line 2"),  # cut off within a character
        ("a.jsonl", "", r"a\.jsonl has nothing to search"),
        ("a.jsonl", "\n\n", "nothing to search"),
        ("a.jsonl", '{"text": " "}\n', "nothing to search in it: 1 rows"),
        (
            "a.jsonl",
            '{"text": "a"}\n\n{text: "b"}\n',
            r"a\.jsonl, line 3 is not JSON: .*one whole JSON object",
        ),
        ("a.json", '{\n "text": "a"\n}\n', "line 1 is not JSON.*one whole JSON object"),
        ("a.json", '[\n {"text": "a"},\n 5]\n', r"a\.json, item 2 is a int, not an object"),
        ("a.json", '[{"text": "a"}', r"a\.json is not JSON: .*one list of objects, or one object a line"),
        ("a.jsonl", '["a", "b"]\n["c", "d"]\n', r"a\.jsonl is not JSON: Extra data: line 2"),
        ("a.json", '[{"text": "a"}, {"titel": "b"}]', "item 2: no column holds the text"),
        ("a.json", '[{"text": "a", "id": 1}, {"text": "b", "id": 1}]', "twice, in item 1 and item 2"),
        ("a.json", "[]", "nothing to search in it: 0 rows"),
        ("a.jsonl", '{"text": "a"}\n"b"\n', "line 2 is a str, not an object"),
        ("a.jsonl", '{"text": "a"}\nnull\n', "line 2 is a NoneType, not an object"),
        ("a.jsonl", "[" * 100_000, "is not JSON"),
        ("a.jsonl", '{"text":' * 100_000, "line 1 is not JSON"),
        ("a.jsonl", '{"id": ' + "1" * 5000 + ', "text": "a"}', "line 1 is not JSON"),
        (
            "a.jsonl",
            '{"text": "a"}\n{"id": 1, "titel": "b"}\n',
            "line 2: no column holds the text. Found: 'id', 'titel'",
        ),
        ("a.jsonl", "{}\n", "Found: none"),
        ("a.jsonl", '{"text": 5}\n', 'line 1: "text" is a value of the type int, not a string'),
        ("a.jsonl", '{"text": ["a"]}\n', '"text" is .* list'),
        ("a.jsonl", '{"text": NaN}\n', '"text" is .* float'),
        ("a.jsonl", '{"id": true, "text": "a"}\n', '"id" is .* bool'),
        ("a.jsonl", '{"id": {}, "text": "a"}\n', '"id" is .* object'),
        ("a.jsonl", '{"title": [], "text": "a"}\n', '"title" is .* list'),
        (
            "a.jsonl",
            '{"text": "ab\\ud83d"}\n',
            r"""line 1: "text" holds half a character, '\\ud83d' at position 2""",
        ),
        (
            "a.jsonl",
            '{"id": 1, "text": "a"}\n\n{"id": "1", "text": "b"}\n',
            "the id '1' is used twice, in line 1 and line 3",
        ),
        ("a.jsonl", '{"text": "' + "a" * (MAX_FIELD + 1) + '"}', 'line 1: "text" is over 10 MB long'),
        ("a.jsonl", b'{"text": "\xfc"}', r"byte 10 \(0xfc, in line 1"),
        ("a.csv", "Text,text\na,b\n", r"line 1: the column 'text' is there 2 times, as 'Text' and 'text'"),
        ("a.csv", "text,ID,id\na,b,c\n", "as 'ID' and 'id'"),
        ("a.jsonl", '{"text": "a", "Text": "b"}', "line 1: the column 'text' is there 2 times"),
        ("a.jsonl", '{"text": "a", "text": "b"}', 'line 1: the key "text" is there twice, with two values'),
        ("a.csv", 'id,text\n"a\tb",x\n', r"line 2: the id is 'a\\tb': an id cannot hold a tab"),
        ("a.csv", 'id,text\nq,x\n"a\nb",x\n', "line 3: the id is .* a line break"),
        ("a.jsonl", '{"id": "a\\u2029\\nb", "text": "x"}', "line 1: the id is"),
        ("a.jsonl", '{"id": 1.0, "text": "a"}', '"id" is a value of the type float'),
        ("a.csv.gz", b"id,text\na,b\n", r"a\.csv\.gz cannot be unpacked: Not a gzipped file.*take \.gz off"),
        (
            "a.csv.gz",
            packed(b"text\n" + random.Random(1).randbytes(99).hex().encode())[:-30],
            "cannot be unpacked",
        ),
        ("a.csv.gz", packed(b"text\n\xff" + b"a" * 9, 0)[:-12], "cannot be unpacked"),  # and not UTF-8
        ("a.jsonl.gz", packed(b'{"text": "\xfc"}'), r"byte 10 \(0xfc, in line 1"),
    ],
    ids=lambda value: None if isinstance(value, (str, bytes)) and len(value) < 200 else "long",
)
def test_a_damaged_table_is_named_with_its_line(file, name, content, message):
    path = file(name, content)
    with pytest.raises(CorpusError, match=message) as caught:
        read_documents(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", ["text\na\n", "text\na,b\n"])
def test_long_fields_are_read_and_the_limit_of_csv_is_put_back(file, content):
    long = "x" * (csv.field_size_limit() + 1)
    assert read_documents(file("long.csv", f"text\n{long}\n"))["row-2"].text == long
    before = csv.field_size_limit()
    try:
        read_documents(file("a.csv", content))
    except CorpusError as error:
        kept = error  # its traceback keeps the reader's frames alive
        assert kept
    assert csv.field_size_limit() == before < MAX_FIELD


def test_who_stops_reading_leaves_the_limit_of_csv_as_it_was(file):
    before = csv.field_size_limit()
    rows = csv_rows(file("a.csv", "text\na\nb\n"))
    next(rows)
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("show_progress", [False, True])
def test_a_file_is_closed_after_an_error(file, show_progress):
    path = file("a.jsonl", '{"id": 1, "text": "a"}\n{"id": 1, "text": "b"}\n{"id": 2, "text": "c"}\n')
    with pytest.raises(CorpusError) as caught:
        read_documents(path, show_progress=show_progress)
    assert caught.tb  # keeps the reader's frames alive
    handles = [
        thing
        for thing in gc.get_objects()
        if type(thing) is io.FileIO and str(getattr(thing, "name", "")) == str(path)
    ]
    assert all(handle.closed for handle in handles)


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_twenty_thousand_rows_in_seconds(tmp_path, ending):
    path, text = tmp_path / f"many{ending}", "word " * 79 + "end"
    with path.open("w", encoding="utf-8", newline="") as target:
        if ending == ".csv":
            csv.writer(target).writerows(
                [("id", "title", "text"), *((f"d{i}", f"Title {i}", f"{i},\n{text}") for i in range(20_000))]
            )
        else:
            target.writelines(
                json.dumps({"id": f"d{i}", "title": f"Title {i}", "text": f"{i},\n{text}"}) + "\n"
                for i in range(20_000)
            )
    start = time.perf_counter()
    documents = read_documents(path)
    assert time.perf_counter() - start < 20  # under a second on an idle machine
    assert len(documents) == 20_000
    assert documents["d19999"] == Chunk("d19999", f"19999,\n{text}", "Title 19999")


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", "text\none\ntwo\n"), ("a.jsonl", '{"text": "one"}\n{"text": "two"}\n')]
)
def test_the_bar_of_a_table_counts_documents(file, capsys, name, content):
    path = file(name, content)
    plain = read_documents(path)
    assert capsys.readouterr().err == ""
    assert read_documents(path, show_progress=True) == plain
    shown = capsys.readouterr().err
    assert name in shown and "2doc" in shown
