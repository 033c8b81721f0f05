"""Folders of text and Markdown files, and single ones."""

import os
from pathlib import Path

import pytest

from rerank_course.text import Chunk
from rerank_course.texts.documents import read_documents
from rerank_course.texts.files import CorpusError

pytestmark = pytest.mark.usefixtures("no_warnings")
BOM = b"\xef\xbb\xbf"


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
    with pytest.warns(UserWarning, match="left out were") as caught:
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
    (warning,) = caught
    said = str(warning.message)
    assert "not read from a folder: 3 (the first is" in said and "image.png)" in said
    assert "files without text: 3 (the first is" in said and warning.filename == __file__


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
        ("long.txt", "word " * 450, {"long.txt#1": ("long", "word " * 199 + "word")}),
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
    for path in ("notes", "link"):
        with pytest.warns(UserWarning, match=r"linked folders: 2 \(the first is .*loop\)"):
            assert list(read_documents(tmp_path / path)) == ["a.md#1", "b.md#1"]
    (tmp_path / "notes" / "c.md").symlink_to(tmp_path / "nowhere.md")
    with pytest.warns(UserWarning, match=r"links that lead nowhere: 1 \(it is .*c\.md\)"):
        assert list(read_documents(tmp_path / "notes")) == ["a.md#1", "b.md#1"]


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


def test_awkward_names_of_files(file, tmp_path):
    names = [
        "-n.md",
        "[a].md",
        "a 'b' \"c\".md",
        "how to reset.txt",
        "x#1.md",
        "Ü 🙂 (1).md",
        "100%.txt",
        "~$a.md",
    ]
    names = [name for name in names if os.name != "nt" or '"' not in name]
    for name in names:
        file(f"my notes/{name}", "text")
    expected = sorted(f"{name}#1" for name in names)
    assert sorted(read_documents(tmp_path / "my notes")) == expected
    for name in names:
        assert list(read_documents(tmp_path / "my notes" / name)) == [f"{name}#1"]


def test_parts_that_show_nothing_are_no_chunks(file):
    documents = read_documents(file("a.md", "# A\n\u200b\n# B\nwords\n# C\n\u2800\n"))
    assert documents == {"a.md#1": Chunk("a.md#1", "words", "B")}


def test_results_and_judgements_are_no_texts(file, tmp_path):
    """As ``evaluate .`` leaves them in the folder that one stands in."""
    file("notes/a.md", "text")
    file("notes/runs/notes.BM25.txt", "q1 Q0 a%20b.md#1 1 5.29 BM25\n")
    file("notes/runs/notes.qrels.txt", "q1 0 a.md#1 3\n")
    file("notes/runs/report.html", "<h1>Reranking measured</h1>numbers")
    file("notes/t.judged/qrels/test.tsv", "q\td\t1\n")
    file("notes/t.judged/queries.jsonl", "{}")
    with pytest.warns(UserWarning, match=r"runs and reports, .*: 3 \(the first is .*BM25\.txt\)\.$"):
        assert list(read_documents(tmp_path / "notes")) == ["a.md#1"]


def test_what_only_looks_like_results_is_text(file, tmp_path):
    file("notes/report.html", "<h1>Report</h1>of the year")
    file("notes/rooms.txt", "Room 0 door 3\n")
    file("notes/prices.txt", "Q0 is the first quarter of the year 2020\n")
    file("notes/run.md", "q1 Q0 d1 1 5.29 BM25\n")
    file("notes/empty first.txt", "\nwords")
    documents = read_documents(tmp_path / "notes")
    assert len(documents) == 5
    assert list(read_documents(file("runs/x.txt", "q1 Q0 d1 1 5.29 BM25\n"))) == [
        "x.txt#1"
    ]  # asked for by name
