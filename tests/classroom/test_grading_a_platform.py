"""`make grade`'s command on an export, with the class list, run for real on a few students."""

import subprocess
import sys

import pytest

from tests.lessons.built import OUTLINE
from tests.support import ROOT, school
from tests.tools.grading.toy_course import read_rows
from tools.grading import grade

NAME = OUTLINE.exercise("score_pairs").file
EXERCISE = NAME.removesuffix(".ipynb")


def run(*arguments):
    command = [sys.executable, "-m", "tools.grading.grade", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture
def inbox(tmp_path):
    pupils = school.make_class(4)
    pupils[0].files = {NAME: (ROOT / "solutions" / NAME).read_bytes()}
    pupils[1].files = {NAME: (ROOT / "exercises" / NAME).read_bytes()}
    pupils[2].files = {f"{EXERCISE}.7z": b"7z"}
    (tmp_path / "class.csv").write_text(school.canvas_roster(pupils), encoding="utf-8")
    school.one_zip_of_canvas(tmp_path / "inbox", pupils)
    return tmp_path / "inbox"


@pytest.mark.heavy
@pytest.mark.timeout(1200)  # for a machine with much else to do
def test_from_one_zip_to_the_gradebook(inbox, tmp_path):
    graded = run(inbox, tmp_path / "out", "--roster", tmp_path / "class.csv")
    assert graded.returncode == 0, graded.stdout + graded.stderr
    grades = {row["student"]: row for row in read_rows(tmp_path / "out" / "grades.csv")}
    first = grades["Ana Limabrook"]
    assert first["points"] == first["max points"] and grades["Bo Quill"]["points"] == "0"
    assert "7-Zip" in grades["Zoë Ødegårdsen"]["note"]
    totals = {
        row["student"]: row["total"] for row in read_rows(tmp_path / "out" / "gradebook" / "totals.csv")
    }
    assert totals["Ana Limabrook"] == first["points"] and totals["Niamh O'Brannock"] == "0"
    said = {(row["student"], row["what"]) for row in read_rows(tmp_path / "out" / "gradebook" / "class.csv")}
    assert ("Niamh O'Brannock", "nothing handed in") in said


def test_a_question_is_asked_before_anything_is_graded(tmp_path, monkeypatch, capsys):
    for student in ("ana", "bo"):
        (tmp_path / "inbox" / "hw" / student).mkdir(parents=True)
        (tmp_path / "inbox" / "hw" / student / NAME).write_bytes(b"{}")
    monkeypatch.setattr(grade, "prepare", lambda *arguments: {EXERCISE: None})
    assert grade.main([str(tmp_path / "inbox"), str(tmp_path / "out")]) == 2
    asked = capsys.readouterr().err
    assert "Nothing was graded" in asked and "FOLDERS=class" in asked
    assert not (tmp_path / "out" / "grades.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("in", "in/out"), "lies in the inbox"),
        (("in", "out", "--roster=none.csv"), "none.csv cannot be read"),
        (("in", "out", "--names=(oops"), "the pattern '(oops' is none"),
        (("in", "out", "--names=ana"), "has no group student"),
        (("none.zip", "out"), "none.zip is not a folder"),
    ],
)
def test_what_cannot_be_used_is_said(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    with pytest.raises(SystemExit) as ended:
        grade.main(list(arguments))
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
