"""Archives within bounds, odd files, and a row for every file."""

import bz2
import gzip
import io
import json
import os
import stat
import tarfile
import zipfile

import pytest

from classroom.inbox import read_inbox
from classroom.tree import Bounds
from tests.support.school import zipped
from tools.grading.submissions import read_handed_in

EXERCISES = ["ex02_score_pairs", "ex07_cosine_comparison"]
E, F = "ex07_cosine_comparison.ipynb", "ex02_score_pairs.ipynb"
NOTEBOOK = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).encode()
TINY = Bounds(file_mb=0.1, archive_mb=0.3, archive_entries=20, archive_depth=2)


def tarred(files, mode="w"):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def problems(folder, bounds=None):
    return {file.origin: file.problem for file in read_inbox(folder, bounds).all_files() if file.problem}


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        (".zip", zipped),
        (".tar", tarred),
        (".tar.gz", lambda files: tarred(files, "w:gz")),
        (".tgz", lambda files: tarred(files, "w:gz")),
        (".tar.bz2", lambda files: tarred(files, "w:bz2")),
        (".tar.xz", lambda files: tarred(files, "w:xz")),
        (".ZIP", zipped),
    ],
)
def test_archives_are_opened(ending, pack, tmp_path):
    (tmp_path / f"ana{ending}").write_bytes(
        pack({f"work/{E}": NOTEBOOK, "work/inner.zip": zipped({F: NOTEBOOK})})
    )
    found = read_handed_in(tmp_path, EXERCISES)
    assert [(s.student, s.exercise, s.refused) for s in found.submissions] == [
        ("ana", "ex02_score_pairs", ""),
        ("ana", "ex07_cosine_comparison", ""),
    ]
    assert len(found.rows) == 2
    assert [path.name for path in tmp_path.iterdir()] == [f"ana{ending}"], "nothing is unpacked"


def test_bombs_are_stopped_and_said(tmp_path):
    zeros = bytes(10_000_000)
    (tmp_path / "big.zip").write_bytes(zipped({E: zeros}))
    (tmp_path / "many.zip").write_bytes(zipped({f"{n}.txt": b"x" for n in range(30)}))
    (tmp_path / "all.zip").write_bytes(zipped({f"{n}.ipynb": bytes(90_000) for n in range(9)}))
    (tmp_path / "deep.zip").write_bytes(zipped({"a.zip": zipped({"b.zip": zipped({E: NOTEBOOK})})}))
    (tmp_path / "tar.tar.gz").write_bytes(tarred({"zeros.bin": zeros, E: NOTEBOOK}, "w:gz"))
    found = problems(tmp_path, TINY)
    assert "the file has 10 MB" in found[f"big.zip/{E}"]
    assert found["many.zip"] == "the archive holds more than 20 files; the rest was not read"
    assert found["all.zip"] == "the archive unpacks to more than 0.3 MB; the rest was not read"
    assert "it lies in more than 1 archives" in found["deep.zip/a.zip/b.zip"]
    assert found["tar.tar.gz"] == "the archive unpacks to more than 0.3 MB; the rest was not read"


def test_a_zip_that_lies_about_a_size_is_not_believed(tmp_path):
    packed = bytearray(zipped({E: bytes(5_000_000)}))
    place = packed.rindex(b"PK\x01\x02")
    packed[place + 24 : place + 28] = (100).to_bytes(4, "little")
    (tmp_path / "liar.zip").write_bytes(packed)
    (file,) = read_inbox(tmp_path, TINY).all_files()
    assert file.problem or len(file.content) <= 100


def test_paths_that_climb_and_links_are_refused(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in (f"../../{E}", f"/etc/{E}", f"C:\\{E}", f"..\\{F}"):
            archive.writestr(name, NOTEBOOK)
        link = zipfile.ZipInfo("link.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    (tmp_path / "ana.zip").write_bytes(packed.getvalue())
    entry = tarfile.TarInfo("bo/link.ipynb")
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "bo.tar", "w") as archive:
        archive.addfile(entry)
        for kind in (tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.LNKTYPE):
            other = tarfile.TarInfo(f"odd{kind.decode()}.ipynb")
            other.type, other.linkname = kind, "x"
            archive.addfile(other)
    found = problems(tmp_path)
    assert len(found) == 9
    assert sum("climbs out of the folder" in why for why in found.values()) == 4
    assert sum("link" in why for why in found.values()) == 3


def test_locked_and_damaged_archives_are_said(tmp_path):
    locked = bytearray(zipped({E: NOTEBOOK}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + place] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    good = zipped({E: NOTEBOOK * 50, F: NOTEBOOK})
    damaged = bytearray(good)
    damaged[len(E) + 40] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(damaged)
    (tmp_path / "cut.zip").write_bytes(good[:60])
    (tmp_path / "cut.tar.gz").write_bytes(tarred({E: NOTEBOOK}, "w:gz")[:40])
    (tmp_path / "empty.zip").write_bytes(b"")
    (tmp_path / "no.tar.bz2").write_bytes(bz2.compress(b"no tar"))
    found = problems(tmp_path)
    assert found[f"locked.zip/{E}"] == "it is locked with a password"
    assert "cannot be read" in found[f"damaged.zip/{E}"] and f"damaged.zip/{F}" not in found
    for name in ("cut.zip", "cut.tar.gz", "empty.zip", "no.tar.bz2"):
        assert "cannot be read" in found[name], name


def test_what_is_no_ordinary_file_is_not_opened(tmp_path):
    (tmp_path / "ana").mkdir()
    os.mkfifo(tmp_path / "ana" / E)
    (tmp_path / "bo").symlink_to(tmp_path / "ana")
    (tmp_path / "cy").mkdir()
    (tmp_path / "cy" / E).symlink_to("/etc/passwd")
    found = problems(tmp_path)
    assert found[f"ana/{E}"] == "it is no ordinary file"
    assert "link" in found["bo"] and "link" in found[f"cy/{E}"]


def test_names_of_every_encoding(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename = "Zoë".encode().decode("cp437") + f"/{E}"  # as Finder's zips look to Python
        archive.writestr(info, NOTEBOOK)
    content = packed.getvalue().replace(info.filename.encode(), f"Zoë/{E}".encode())
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "one.zip").write_bytes(content)
    (tmp_path / "class" / "name.txt").write_bytes(b"x")
    os.rename(
        os.fsencode(tmp_path / "class" / "name.txt"), os.fsencode(tmp_path / "class") + b"/\xff\xfe.txt"
    )
    names = [file.origin for file in read_inbox(tmp_path).all_files()]
    assert all(name.encode("utf-8") for name in names)


def test_folders_that_never_end(tmp_path):
    deep = "/".join(["d"] * 300)
    (tmp_path / "ana.zip").write_bytes(zipped({f"{deep}/{E}": NOTEBOOK}))
    path = tmp_path / "bo"
    for _ in range(60):
        path = path / "d"
    path.mkdir(parents=True)
    (path / E).write_bytes(NOTEBOOK)
    found = list(problems(tmp_path).values())
    assert found == ["it lies more than 40 folders deep"] * 2


ODD = {  # a student's file: what becomes of it
    "work.7z": "it is a 7-Zip archive",
    "work.rar": "it is a RAR archive",
    f"{E}.gz": "it is a file packed with gzip",
    "ex07_cosine_comparison.py": "it is a Python file. Ask for the notebook",
    "ex07.html": "it is a web page",
    "ex07.pdf": "it is a PDF",
    "ex07 cosine comparison.docx": "it is a text document",
    "holiday.ipynb": "none of the exercises",
    "photo.jpg": "there is no notebook in the folder; it holds photo.jpg",
    f"{E}.txt": "a notebook saved as text",
    ".hidden.ipynb": "none of the exercises",
}


@pytest.mark.parametrize("name", ODD)
def test_whoever_has_nothing_to_grade_has_a_reason(name, tmp_path):
    (tmp_path / "ana").mkdir()
    (tmp_path / "ana" / name).write_bytes(NOTEBOOK)
    found = read_handed_in(tmp_path, EXERCISES)
    (submission,) = found.submissions
    assert submission.student == "ana"
    assert ODD[name] in submission.refused


def test_every_file_has_a_row(tmp_path):
    names = [
        f"ana/{E}",
        "ana/notes.py",
        "ana/data.csv",
        "ana/.DS_Store",
        f"ana/.ipynb_checkpoints/{E}",
        "ana/00_start_here.ipynb",
        f"__MACOSX/ana/._{E}",
        "bo/ex02_score_pairs (1).ipynb",
        "bo/ex02_score_pairs.ipynb",
        "README.md",
        ".gitignore",
        "cy.7z",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(NOTEBOOK)
    lesson = NOTEBOOK.replace(
        b'"metadata": {}', b'"metadata": {"rerank_course": {"source": "lessons/start_here.py"}}'
    )
    (tmp_path / "ana/00_start_here.ipynb").write_bytes(lesson)
    os.utime(tmp_path / names[7], (1_700_000_000, 1_700_000_000))
    found = read_handed_in(tmp_path, EXERCISES)
    rows = {row.origin: row for row in found.rows}
    for name in names:
        whole = [name, *(str(parent) for parent in __import__("pathlib").PurePosixPath(name).parents)]
        assert any(part in rows for part in whole), name
    graded = [row.origin for row in found.rows if row.submission and not row.submission.refused]
    assert graded == [f"ana/{E}", "bo/ex02_score_pairs.ipynb"]
    assert all(row.why or row.submission for row in found.rows)
    assert "the lesson start_here" in rows["ana/00_start_here.ipynb"].why
    assert "is graded" in rows["bo/ex02_score_pairs (1).ipynb"].why


def test_another_exercise_under_this_name_is_graded_as_what_it_is(tmp_path):
    built = NOTEBOOK.replace(
        b'"metadata": {}', b'"metadata": {"rerank_course": {"source": "lessons/exercises/score_pairs.py"}}'
    )
    (tmp_path / f"ana__{E}").write_bytes(built)
    (submission,) = read_handed_in(tmp_path, EXERCISES).submissions
    assert submission.exercise == "ex02_score_pairs"
    assert "named as ex07_cosine_comparison; it holds ex02_score_pairs" in submission.notes[0]


@pytest.mark.parametrize("last", [b"no JSON", b"", b"[]", b"\xff\xfe"])
def test_the_last_attempt_counts_unless_it_is_no_notebook(last, tmp_path):
    (tmp_path / f"limaana_11_501_{E}").write_bytes(NOTEBOOK)
    (tmp_path / f"limaana_LATE_11_1000_{E}").write_bytes(NOTEBOOK + b" ")
    (submission,) = read_handed_in(tmp_path, EXERCISES).submissions
    assert (submission.mark.attempt, submission.late, submission.earlier) == ("1000", True, 1)
    assert "the last attempt, is graded" in submission.notes[0]
    (tmp_path / f"limaana_11_1001_{E}").write_bytes(last)
    (submission,) = read_handed_in(tmp_path, EXERCISES).submissions
    assert submission.mark.attempt == "1000"
    assert any("the last that is a notebook, is graded" in note for note in submission.notes)


def test_gzip_of_a_tar_counts_what_it_unpacks_to(tmp_path):
    (tmp_path / "ana.tgz").write_bytes(gzip.compress(tarred({"a.bin": bytes(3_000_000)})))
    assert "more than 0.3 MB" in problems(tmp_path, TINY)["ana.tgz"]
