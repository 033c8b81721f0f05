"""Paths that lead to nothing that can be read."""

import os
import tempfile
from pathlib import Path

import pytest

from rerank_course.texts.documents import read_documents
from rerank_course.texts.files import CorpusError

pytestmark = pytest.mark.usefixtures("no_warnings")


@pytest.mark.parametrize(
    ("files", "path", "message"),
    [
        ({}, "no.csv", r"no\.csv is missing: there is no file or folder"),
        ({}, "no", "is missing"),
        ({"a.txt": "x"}, "a.txt/b.txt", "is missing"),
        (
            {"a.xlsx": "x"},
            "a.xlsx",
            r"ends in '\.xlsx'\. These work: \.csv, \.tsv, \.jsonl, \.ndjson, \.json, \.parquet, "
            r"\.txt, \.md, \.markdown, \.rst, \.html, \.htm, \.pdf, and",
        ),
        ({"a": "x"}, "a", "ends in ''"),
        ({"a.csv.gz": "x"}, "a.csv.gz", r"a\.csv\.gz cannot be unpacked"),
        ({"a.docx.gz": "x"}, "a.docx.gz", r"ends in '\.gz'"),
        ({"scifact.zip": "x"}, "scifact.zip", r"scifact\.zip is an archive. Unpack it"),
        ({"a.tar.gz": "x"}, "a.tar.gz", r"a\.tar\.gz is an archive"),
        ({"a.parquet": "x"}, "a.parquet", r"a\.parquet cannot be read as Parquet: .*to_parquet"),
        ({"a.txt": "\u200b\ufeff\n"}, "a.txt", "has no text in it"),
        ({"n/tab\there.md": "x"}, "n", "name of the file 'tab.*cannot hold a tab"),
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
    problem = f"{locked / named} cannot be read: Permission denied."
    assert str(caught.value) == f"{problem} Check that you may open it."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
@pytest.mark.timeout(20)
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.md")
    for path in (tmp_path / "a.md", tmp_path):
        with pytest.raises(CorpusError, match=r"a\.md is neither a file nor a folder"):
            read_documents(path)
