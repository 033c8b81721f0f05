"""Inboxes put together by chance: never one student for several, never one split, never an error."""

import random
import shutil

import pytest

from classroom.inbox import read_inbox
from classroom.roster import read_roster
from classroom.students import Students
from classroom.whose import Question, sort_inbox
from tests.support import school

EXERCISES = ["ex02_score_pairs", "ex07_cosine_comparison"]
WRAPPERS = ("ex07", "homework", "export", "submissions", "Week 3", "my class", "s")
JUNK = (".DS_Store", "__MACOSX/x/._a.ipynb", "readme.txt", ".git/HEAD", "grades.csv", "desktop.ini")
ROSTERS = (school.canvas_roster, school.moodle_roster, school.plain_roster)


def a_name(chance, pupil):
    """What a student may call a notebook."""
    exercise = chance.choice(EXERCISES)
    forms = (
        "{0}.ipynb",
        "{0} (1).ipynb",
        "Copy of {0}.ipynb",
        "{0}-final.ipynb",
        "{0}_{1}.ipynb",
        "{1} {0}.ipynb",
    )
    forms += ("homework.ipynb", "{0}-1.ipynb", "{2}-{0}.ipynb")
    return chance.choice(forms).format(exercise, pupil.first, pupil.login)


def fill(inbox, chance):
    """Put an inbox together; how many platforms it is from."""
    pupils = chance.sample(school.make_class(), chance.randint(1, 8))
    for pupil in pupils:
        names = [a_name(chance, pupil) for _ in range(chance.randint(1, 3))]
        pupil.files = {name: f"pupil {pupil.number}".encode() for name in names}
        pupil.late = chance.random() < 0.2
    platforms = chance.choices(school.PLATFORMS, k=chance.choice((1, 1, 1, 2)))
    for export in platforms:
        at = inbox / chance.choice(WRAPPERS) if chance.random() < 0.3 else inbox
        export(at, pupils)
        shutil.rmtree(at.parent / "scratch-of-canvas", ignore_errors=True)
    for name in chance.sample(JUNK, chance.randint(0, 2)):
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / name).write_bytes(b"x")
    if chance.random() < 0.25:
        files = {str(p.relative_to(inbox)): p.read_bytes() for p in inbox.rglob("*") if p.is_file()}
        shutil.rmtree(inbox)
        inbox.mkdir()
        (inbox / chance.choice(("all.zip", "ex07.zip", "class.zip"))).write_bytes(school.zipped(files))
    return len(platforms)


@pytest.mark.parametrize("seed", range(40))
def test_nobody_is_merged_or_split(seed, tmp_path):
    chance, inbox, roster = random.Random(seed), tmp_path / "inbox", None
    inbox.mkdir()
    platforms = fill(inbox, chance)
    if chance.random() < 0.4:
        (tmp_path / "class.csv").write_text(chance.choice(ROSTERS)(school.make_class()), encoding="utf-8")
        roster = read_roster(tmp_path / "class.csv")
    asked = ""
    try:
        pieces = sort_inbox(read_inbox(inbox), EXERCISES, roster)
        students = Students(pieces, EXERCISES, roster)
    except Question as question:
        asked = str(question)
    if asked:
        assert any(option in asked for option in ("FOLDERS=", "NAMES=", "ROSTER="))
        return
    theirs = [piece for piece in pieces if (piece.file.content or b"").startswith(b"pupil")]
    assert theirs and all(piece.who for piece in theirs)
    pairs = {(piece.file.content, students.of(piece.who).title) for piece in theirs}
    assert len({title for _, title in pairs}) == len(pairs), "one student for several"
    assert platforms > 1 or len({content for content, _ in pairs}) == len(pairs), "one student as several"
