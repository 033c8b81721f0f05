import csv
import gc
import io
import json
import os
import tempfile
import time
import warnings
from pathlib import Path

import pytest

from rerank_course.text import Chunk
from rerank_course.texts.beir import CorpusError
from rerank_course.texts.documents import read_documents
from rerank_course.texts.sections import MAX_WORDS, chunk_text
from rerank_course.texts.tables import MAX_FIELD

BOM = b"\xef\xbb\xbf"


@pytest.fixture(autouse=True)
def no_warnings():
    """A warning that a test does not ask for is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def file(tmp_path):
    """Write a file and give its path."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


def words(count, word="word"):
    return " ".join(f"{word}{i}" for i in range(count))


# Tables


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "id,title,text\na1,First,Some words\n", {"a1": ("First", "Some words")}),
        (
            "a.csv",
            "id,title,text\na1,First,Some words",
            {"a1": ("First", "Some words")},
        ),  # no line end at the end
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
        (
            "a.csv",
            'text\n"two\nlines"\nnext\n',
            {"row-2": ("", "two\nlines"), "row-3": ("", "next")},
        ),  # rows, not lines
        (
            "a.csv",
            "text\none\n\nthree\n\n\n",
            {"row-2": ("", "one"), "row-4": ("", "three")},
        ),  # blank lines count, without a warning
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
        (
            "a.ndjson",
            '{"_id": 7, "title": 1984, "body": "Grüße\u2028\\u00fc"}\n',
            {"7": ("1984", "Grüße\u2028ü")},
        ),  # no line end
        ("a.json", '{"id": null, "title": null, "Text": "a\\r\\nb"}\n', {"row-1": ("", "a\nb")}),
    ],
)
def test_tables_that_are_read(file, name, content, expected):
    documents = read_documents(file(name, content))
    assert documents == {key: Chunk(key, text, title) for key, (title, text) in expected.items()}
    assert list(documents) == list(expected)


@pytest.mark.parametrize("column", ["text", "content", "body", "document", "passage"])
@pytest.mark.parametrize("identity", ["id", "_id"])
def test_names_of_columns(file, column, identity):
    expected = {"x": Chunk("x", "words")}
    assert read_documents(file("a.csv", f"other,{column},{identity}\n1,words,x\n")) == expected
    assert (
        read_documents(file("a.jsonl", json.dumps({column: "words", "other": 1, identity: "x"}))) == expected
    )


def test_the_first_name_wins(file):
    assert read_documents(file("a.csv", "_id,body,text,id\n1,b,t,2\n")) == {"2": Chunk("2", "t")}
    assert read_documents(file("a.jsonl", '{"_id": 1, "body": "b", "text": "t", "id": 2}')) == {
        "2": Chunk("2", "t")
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            'id,text\na1,"x\ny"\na2,\na3, \na4,z\n',
            r"a\.csv: passed over rows without text: 2 of 4, the first in line 4\.",
        ),
        ("a.csv", "id,title,text\na1,T,x\na2,T\n", "1 of 2, the first in line 3"),
        (
            "a.jsonl",
            '{"text": "a"}\n{"text": ""}\n{"text": null}\n',
            r"a\.jsonl: .* 2 of 3, the first in line 2",
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
        ("a.csv", "", r"a\.csv is empty.*text, content, body, document or passage"),
        ("a.csv", BOM, "is empty"),
        ("a.csv", "\n \n", "is empty"),
        ("a.csv", "id,text\n", "nothing to search in it: 0 rows"),
        ("a.csv", "id,text\n1,\n2,\n", "nothing to search in it: 2 rows"),
        (
            "a.csv",
            "id,titel,inhalt\n1,a,b\n",
            r"a\.csv, line 1: no column holds the text. Found: 'id', 'titel', 'inhalt'",
        ),
        ("a.csv", "id|text\n1|a\n", r"Found: 'id\|text'"),
        ("a.tsv", "id,text\n1,a\n", "Found: 'id,text'"),
        ("a.csv", "text,id,text\na,b,c\n", "line 1: the header has the column 'text' 2 times"),
        (
            "a.csv",
            "text\nwords\nHello, world\n",
            r"a\.csv, line 3: 2 fields, but the header has 1 columns.*double quotes",
        ),
        ("a.csv", 'id,text\n1,"a\nb"\n2,c\n2,d\n', r"a\.csv: the id '2' is used twice, in lines 4 and 5"),
        ("a.csv", "id,text\nrow-3,a\n,b\n", "the id 'row-3' is used twice, in lines 2 and 3"),
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
        ("a.csv", "text\n".encode() + b"fine\n" * 10_000 + b"\xff\n", r"byte 50005 \(0xff, in line 10002"),
        ("a.csv", BOM + b"text\n\xe4\n", r"byte 8 \(0xe4, in line 2"),
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
        ("a.json", '[\n {"text": "a"}\n]\n', "line 1 begins a list, not an object.*lines=True"),
        ("a.json", '[{"text": "a"}]', "line 1 begins a list"),
        ("a.jsonl", '{"text": "a"}\n"b"\n', "line 2 is a str, not an object"),
        ("a.jsonl", '{"text": "a"}\nnull\n', "line 2 is a NoneType, not an object"),
        ("a.jsonl", "[" * 100_000, "line 1 begins a list"),
        ("a.jsonl", '{"text":' * 100_000, "line 1 is not JSON"),
        ("a.jsonl", '{"id": ' + "1" * 5000 + ', "text": "a"}', "line 1 is not JSON"),
        (
            "a.jsonl",
            '{"text": "a"}\n{"id": 1, "titel": "b"}\n',
            "line 2: no column holds the text. Found: 'id', 'titel'",
        ),
        ("a.jsonl", "{}\n", "Found: none"),
        ("a.jsonl", '{"text": 5}\n', 'line 1: "text" is a int, not a string'),
        ("a.jsonl", '{"text": ["a"]}\n', '"text" is a list'),
        ("a.jsonl", '{"text": NaN}\n', '"text" is a float'),
        ("a.jsonl", '{"id": true, "text": "a"}\n', '"id" is a bool'),
        ("a.jsonl", '{"id": {}, "text": "a"}\n', '"id" is a dict'),
        ("a.jsonl", '{"title": [], "text": "a"}\n', '"title" is a list'),
        (
            "a.jsonl",
            '{"text": "ab\\ud83d"}\n',
            r"""line 1: "text" holds half a character, '\\ud83d' at position 2""",
        ),
        (
            "a.jsonl",
            '{"id": 1, "text": "a"}\n\n{"id": "1", "text": "b"}\n',
            "the id '1' is used twice, in lines 1 and 3",
        ),
        ("a.jsonl", '{"text": "' + "a" * (MAX_FIELD + 1) + '"}', 'line 1: "text" is over 10 MB long'),
        ("a.jsonl", b'{"text": "\xfc"}', r"byte 10 \(0xfc, in line 1"),
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
    path, text = tmp_path / f"many{ending}", words(80)
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


# Files and folders


def test_a_folder(file, tmp_path):
    file("notes/zebra.txt", BOM + "Grüße\r\n\r\nzwei\r\n".encode())
    file("notes/Guide.md", "Before.\n\n# Start\n\nOne.\n\n## Install\n\nTwo.\n")
    file("notes/sub/deep/Übung.MARKDOWN", "# A\nx\n")
    file("notes/sub/page.rst", "Title\n=====\n\n######\nBody\n")
    file("notes/sub.txt", "# not a heading\ntext\n")
    for ignored in ("empty.md", "blank.txt", "only heading.md"):
        file(
            f"notes/{ignored}",
            {"empty.md": "", "blank.txt": " \r\n\t\n", "only heading.md": "# A\n## B\n"}[ignored],
        )
    for hidden in (".hidden.md", ".git/x.md", "sub/.obsidian/x.txt", "table.csv", "no ending", "image.png"):
        file(f"notes/{hidden}", b"\xff must not be opened")
    documents = read_documents(tmp_path / "notes")
    assert [(key, chunk.title, chunk.text) for key, chunk in documents.items()] == [
        ("Guide.md#1", "Guide", "Before."),
        ("Guide.md#2", "Start", "One."),
        ("Guide.md#3", "Start > Install", "Two."),
        ("sub.txt#1", "sub", "# not a heading\ntext"),
        ("sub/deep/Übung.MARKDOWN#1", "A", "x"),
        ("sub/page.rst#1", "page", "Title\n=====\n\n######\nBody"),
        ("zebra.txt#1", "zebra", "Grüße\n\nzwei"),
    ]
    assert all(key == chunk.id for key, chunk in documents.items())


def test_the_order_of_a_folder_is_that_of_the_paths(file, tmp_path):
    names = ["a-b/x.md", "a.md", "a/y.md", "b.md", "a/b/c.txt", "B.md"]
    for name in names:
        file(f"notes/{name}", "text")
    assert list(read_documents(tmp_path / "notes")) == [f"{name}#1" for name in sorted(names)]


def test_a_relative_path_and_a_string_give_the_same_ids(file, tmp_path, monkeypatch):
    file("notes/sub/a.md", "text")
    expected = read_documents(tmp_path / "notes")
    monkeypatch.chdir(tmp_path)
    assert read_documents(Path("notes")) == read_documents("notes/") == expected
    monkeypatch.chdir(tmp_path / "notes")
    assert read_documents(Path(".")) == expected
    assert list(expected) == ["sub/a.md#1"]


def test_a_folder_with_a_name_like_a_text_file(file, tmp_path):
    file("wiki.md/page.md/a.md", "text")
    assert list(read_documents(tmp_path / "wiki.md")) == ["page.md/a.md#1"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("My notes.txt", "one\n\ntwo", {"My notes.txt#1": ("My notes", "one\n\ntwo")}),
        (
            "README.de.md",
            BOM + b"# A\r\nx\r\n# B\r\ny",
            {"README.de.md#1": ("A", "x"), "README.de.md#2": ("B", "y")},
        ),
        (".hidden.md", "x", {".hidden.md#1": (".hidden", "x")}),  # asked for by name
        ("long.txt", words(450), {"long.txt#1": ("long", words(200))}),
    ],
)
def test_one_text_file(file, name, content, expected):
    documents = read_documents(file(name, content))
    assert {key: documents[key] for key in expected} == {
        key: Chunk(key, text, title) for key, (title, text) in expected.items()
    }
    assert len(documents) == (3 if name == "long.txt" else len(expected))


def test_linked_folders_are_not_entered_and_linked_files_are_read(file, tmp_path):
    file("elsewhere/secret.md", "secret")
    inside = file("notes/a.md", "text")
    try:
        (tmp_path / "notes" / "out").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (tmp_path / "notes" / "loop").symlink_to(tmp_path / "notes", target_is_directory=True)
        (tmp_path / "notes" / "b.md").symlink_to(inside)
        (tmp_path / "link").symlink_to(tmp_path / "notes", target_is_directory=True)
    except OSError:
        pytest.skip("this system does not let us make links")
    assert list(read_documents(tmp_path / "notes")) == ["a.md#1", "b.md#1"]
    assert list(read_documents(tmp_path / "link")) == ["a.md#1", "b.md#1"]
    (tmp_path / "notes" / "c.md").symlink_to(tmp_path / "nowhere.md")
    with pytest.raises(CorpusError, match=r"c\.md is missing"):
        read_documents(tmp_path / "notes")


@pytest.mark.parametrize(
    ("files", "path", "message"),
    [
        ({}, "no.csv", r"no\.csv is missing: there is no file or folder"),
        ({}, "no", "is missing"),
        ({"a.txt": "x"}, "a.txt/b.txt", "is missing"),
        (
            {"a.xlsx": "x"},
            "a.xlsx",
            r"ends in '\.xlsx'\. These work: \.csv, \.tsv, \.jsonl, \.ndjson, \.json, \.txt, \.md, \.markdown, \.rst, and",
        ),
        ({"a": "x"}, "a", "ends in ''"),
        ({"a.csv.gz": "x"}, "a.csv.gz", r"ends in '\.gz'"),
        ({"a.txt": ""}, "a.txt", r"a\.txt has no text in it"),
        ({"a.md": "# only\n## headings\n"}, "a.md", "has no text in it"),
        (
            {"a.txt": "x\nü\n".encode("latin-1")},
            "a.txt",
            r"a\.txt is not UTF-8 text: byte 2 \(0xfc, in line 2",
        ),
        ({"a.txt": "hello".encode("utf-16-le")}, "a.txt", "not plain text: it holds bytes of 0"),
        ({"n/a.md": "x", "n/b/c.md": b"\xff"}, "n", r"c\.md is not UTF-8 text: byte 0"),
        (
            {"n/a.csv": "text\nx\n", "n/.hidden.md": "x", "n/empty.md": ""},
            "n",
            "holds no text in files that end in.*path of the file itself",
        ),
        ({"data.csv/part.md": "x"}, "data.csv", r"data\.csv is a folder, though its name ends like a file's"),
        ({"data.jsonl/part.md": "x"}, "data.jsonl", "is a folder"),
    ],
)
def test_what_cannot_be_read_is_named(file, tmp_path, files, path, message):
    for name, content in files.items():
        file(name, content)
    with pytest.raises(CorpusError, match=message) as caught:
        read_documents(tmp_path / path)
    assert path.split("/")[0] in str(caught.value)


@pytest.fixture
def as_nobody():
    """Root may open everything, so become nobody for the test."""
    if not hasattr(os, "geteuid"):
        pytest.skip("Windows has other permissions")
    before = os.geteuid()
    if before == 0:
        try:
            os.seteuid(65534)
        except OSError:
            pytest.skip("this container has no other user")
    yield
    os.seteuid(before)


@pytest.fixture
def locked():
    """A folder that everybody may enter (pytest's own is private), with things in it that nobody may read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for path in ("a.csv", "a.jsonl", "a.md", "notes/a.md", "outer/inner/a.md", "closed/a.md"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("text\nx\n", encoding="utf-8")
            (folder / path).chmod(0)
        for path in ("outer/inner", "closed"):
            (folder / path).chmod(0)
        yield folder
        for path in ("outer/inner", "closed"):
            (folder / path).chmod(0o755)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("a.csv",) * 2,
        ("a.jsonl",) * 2,
        ("a.md",) * 2,
        ("notes", "notes/a.md"),
        ("outer", "outer/inner"),
        ("closed",) * 2,
        ("closed/a.md",) * 2,
    ],
)
def test_what_may_not_be_read_is_named(locked, as_nobody, path, named):
    with pytest.raises(CorpusError) as caught:
        read_documents(locked / path)
    assert (
        str(caught.value)
        == f"{locked / named} cannot be read: Permission denied. Check that you may open it."
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
@pytest.mark.timeout(20)
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.md")
    for path in (tmp_path / "a.md", tmp_path):
        with pytest.raises(CorpusError, match=r"a\.md is neither a file nor a folder"):
            read_documents(path)


@pytest.mark.skipif(os.name == "nt", reason="names of files are Unicode there")
def test_a_file_name_that_is_not_utf_8(tmp_path):
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfc.md")).write_text("text", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    with pytest.raises(CorpusError, match="name of the file .* holds half a character"):
        read_documents(tmp_path)


def test_the_bar_of_a_folder_counts_files(file, tmp_path, capsys):
    for name in ("a.md", "b.md", "c.txt"):
        file(f"notes/{name}", "text")
    plain = read_documents(tmp_path / "notes")
    assert capsys.readouterr().err == ""
    assert read_documents(tmp_path / "notes", show_progress=True) == plain
    shown = capsys.readouterr().err
    assert "3/3" in shown and "file" in shown


# Chunks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\r\n\t", []),
        ("a\nb", [("T", "a\nb")]),
        ("a\r\nb\r\n\r\n\r\nc\r\n", [("T", "a\nb\n\nc")]),
        ("a\n \t \nb", [("T", "a\n\nb")]),
        ("    indented\n    code\n", [("T", "    indented\n    code")]),
        ("before\n# A\nunder A", [("T", "before"), ("A", "under A")]),
        ("# A\n## B\n### C\nc\n## D\nd\n# E\ne", [("A > B > C", "c"), ("A > D", "d"), ("E", "e")]),
        ("# A\na\n## B\nb\n# A\nagain", [("A", "a"), ("A > B", "b"), ("A", "again")]),
        ("### Deep\nx\n## Less\ny\n#### Skips\nz", [("Deep", "x"), ("Less", "y"), ("Less > Skips", "z")]),
        ("# A\n\n# B\nb", [("B", "b")]),
        ("  ## Closed ##  \nx", [("Closed", "x")]),
        ("# C#\nx\n# #5 wins #\ny", [("C#", "x"), ("#5 wins", "y")]),
        ("#\tTab\nx", [("Tab", "x")]),
        ("# A\n##\nx", [("A", "x")]),
        ("#\nx", [("T", "x")]),
        (
            "#tag\n#5\n####### seven\n    # indented\n\\# escaped",
            [("T", "#tag\n#5\n####### seven\n    # indented\n\\# escaped")],
        ),
        ("# Übergröße & Ähnliches\nÖl", [("Übergröße & Ähnliches", "Öl")]),
        (
            "# A\n```sh\n# no heading\n\nls\n```\n# B\nb",
            [("A", "```sh\n# no heading\n\nls\n```"), ("B", "b")],
        ),
        ("~~~\n# no\n```\n# no\n~~~\n# B\nb", [("T", "~~~\n# no\n```\n# no\n~~~"), ("B", "b")]),
        ("````\n```\n# no\n````\n# B\nb", [("T", "````\n```\n# no\n````"), ("B", "b")]),
        (
            "```\n``` not closed\n# no\n`````  \n# B\nb",
            [("T", "```\n``` not closed\n# no\n`````"), ("B", "b")],
        ),
        ("- item\n  ```\n  # no\n  ```\n# B\nb", [("T", "- item\n  ```\n  # no\n  ```"), ("B", "b")]),
        ("```never closed\n# no\n\n# no", [("T", "```never closed\n# no\n\n# no")]),
        ("```one line```\n# B\nb", [("T", "```one line```"), ("B", "b")]),
    ],
)
def test_sections(text, expected):
    assert chunk_text(text, "T") == expected


def test_plain_text_has_no_headings_and_no_fences():
    assert chunk_text("# a\n```\n\nb", "T", markdown=False) == [("T", "# a\n```\n\nb")]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([200], [[200]]),
        ([100, 100], [[100, 100]]),
        ([100, 101], [[100], [101]]),
        ([50, 60, 70, 80, 90], [[50, 60, 70], [80, 90]]),
        ([199, 1, 1], [[199, 1], [1]]),
    ],
)
def test_paragraphs_are_packed_whole(sizes, expected):
    text = "\n\n".join(words(size) for size in sizes)
    assert chunk_text(text, "T") == [("T", "\n\n".join(words(size) for size in group)) for group in expected]


def test_sections_are_not_packed_together():
    assert chunk_text("# A\na\n# B\nb", "T") == [("A", "a"), ("B", "b")]


def test_every_piece_of_a_section_has_its_title():
    assert [title for title, _ in chunk_text(f"# A\n## B\n{words(500)}", "T")] == ["A > B"] * 3


@pytest.mark.parametrize("end", [".", "!", "?", "…", '."', ".)", ".”", ".“", ".«", ".»"])
def test_a_long_paragraph_is_cut_at_ends_of_sentences(end):
    sentences = [words(59) + f" last{i}{end}" for i in range(10)]
    chunks = [text for _, text in chunk_text("\n".join(sentences), "T")]
    assert chunks == ["\n".join(sentences[i : i + 3]) for i in range(0, 10, 3)]


def test_a_point_within_a_word_is_no_end_of_a_sentence():
    (_, first), (_, second) = chunk_text(words(100) + ". " + " ".join(["3.14"] * 150), "T")
    assert first == words(100) + "." and second == " ".join(["3.14"] * 150)


def test_a_sentence_that_is_too_long_is_cut_between_words():
    chunks = [text for _, text in chunk_text(f"Short one. {words(450)}. Short two.", "T")]
    assert [len(text.split()) for text in chunks] == [2, 200, 200, 52]
    assert " ".join(chunks) == f"Short one. {words(450)}. Short two."


def test_a_cut_paragraph_shares_chunks_with_its_neighbours():
    long = " ".join(words(24, f"s{i}x") + " end." for i in range(10))
    chunks = [
        text for _, text in chunk_text(f"{words(100, 'before')}\n\n{long}\n\n{words(20, 'after')}", "T")
    ]
    assert [len(text.split()) for text in chunks] == [200, 170]
    assert chunks[0].startswith(words(100, "before") + "\n\ns0x0") and chunks[0].endswith("s3x23 end.")
    assert chunks[1].startswith("s4x0") and chunks[1].endswith("end.\n\n" + words(20, "after"))


@pytest.mark.parametrize("text", ["x" * 100_000, "読む" * 20_000, "これは文です。" * 10_000])
def test_text_without_spaces_is_cut_as_well(text):
    chunks = [chunk for _, chunk in chunk_text(text, "T")]
    assert "".join(chunks) == text
    assert max(map(len, chunks)) <= MAX_WORDS * 40
    assert "。" not in text or all(chunk.endswith("。") and len(chunk) <= MAX_WORDS for chunk in chunks)


def test_a_code_block_with_blank_lines_is_one_paragraph():
    code = f"```\n{words(50)}\n\n\n{words(50)}\n```"
    assert chunk_text(f"{words(120)}\n\n{code}", "T") == [("T", words(120)), ("T", code)]


def test_a_long_code_block_keeps_its_lines():
    code = "```\n" + "\n\n".join(f"    line {i}  # comment" for i in range(200)) + "\n```"
    chunks = [chunk for _, chunk in chunk_text(f"# A\n{code}", "T")]
    assert len(chunks) == 5 and "\n\n    line 1  # comment\n\n" in chunks[0]
    assert "".join("".join(chunks).split()) == "".join(code.split())


def test_no_word_is_lost_or_doubled_and_no_chunk_is_too_long():
    text = "\n\n".join(words(size, f"p{size}x") + "." for size in range(1, 420, 13))
    chunks = [chunk for _, chunk in chunk_text(text, "T")]
    assert " ".join(chunks).split() == text.split()
    assert max(len(chunk.split()) for chunk in chunks) <= MAX_WORDS


def test_a_megabyte_is_cut_in_seconds():
    start = time.perf_counter()
    for text in (
        "word. " * 200_000,
        "# " * 500_000,
        "#" * 1_000_000,
        ". " * 500_000,
        '."' * 500_000,
        "\n" * 1_000_000,
        "# a\nb\n" * 150_000,
    ):
        chunk_text(text, "T")
    assert time.perf_counter() - start < 60
