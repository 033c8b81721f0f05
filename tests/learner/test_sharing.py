"""Sharing progress in a folder: only who asks for it, only what they see, and never at a check's expense."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading

import pytest

from rerank_course.__main__ import main
from rerank_course.checks.score_pairs import check_build_pairs
from rerank_course.learner import sharing_renewal
from rerank_course.learner.course import EXERCISES
from rerank_course.learner.progress import forget, passed_checks, remember
from rerank_course.learner.sharing import (
    FORMAT,
    SETTING,
    SharingError,
    read_shared,
    share,
    shared_content,
    sharing,
    stop_sharing,
)
from rerank_course.learner.sharing_renewal import finish
from tests.learner.answers import DAY, KEY, build_pairs

SECONDS = 60  # for what happens in the background, on a machine with much else to do
OTHER = "score_pairs.check_what_stays"


@pytest.fixture
def room(tmp_path):
    """A folder that a class shares."""
    (tmp_path / "room").mkdir()
    return tmp_path / "room"


def shared_by(room):
    """What the one file in the folder says."""
    (file,) = room.iterdir()
    return read_shared(file.read_bytes())


def test_nothing_is_shared_until_the_learner_says_so(folder, room):
    assert check_build_pairs(build_pairs).status == "right" and finish(SECONDS)
    assert sharing(folder) is None and not (folder / SETTING).exists()
    assert list(room.iterdir()) == [] and folder not in sharing_renewal._renewals


def test_a_check_that_passes_renews_the_file(folder, room, capsys):
    remember(OTHER)
    assert main(["progress", "--share", str(room), "--as", " Zoë & <b>co</b> "]) == 0
    assert shared_by(room).name == "Zoë & <b>co</b>" and shared_by(room).passed.keys() == {OTHER}
    said = capsys.readouterr().out
    (file,) = room.iterdir()
    assert str(file) in said and file.read_text(encoding="utf-8").strip() in said and "--stop-sharing" in said
    check_build_pairs(build_pairs)
    assert finish(SECONDS) and shared_by(room).passed == passed_checks()
    assert json.loads(file.read_bytes()).keys() == {"format", "name", "passed"}
    assert main(["progress"]) == 0 and f"Shared as “Zoë & <b>co</b>” in {file}." in capsys.readouterr().out
    forget()
    assert finish(SECONDS) and shared_by(room).passed == {}


def test_only_checks_of_the_course_are_shared():
    content = shared_content("A", {KEY: DAY, "other.check_of_another_year": DAY})
    assert content == {"format": FORMAT, "name": "A", "passed": {KEY: "2026-03-09T12:00:00+00:00"}}


def test_a_folder_that_is_away_breaks_no_check_and_is_found_again(folder, room, capsys):
    share(folder, room, "A", {})
    (file,) = room.iterdir()
    shutil.move(room, room.with_name("away"))
    assert check_build_pairs(build_pairs).status == "right" and finish(SECONDS)
    assert capsys.readouterr() == ("", "") and not room.exists()
    assert main(["progress"]) == 0 and "cannot be reached now" in capsys.readouterr().out
    shutil.move(room.with_name("away"), room)
    assert read_shared(file.read_bytes()).passed == {}
    check_build_pairs(build_pairs)  # again: it was passed before
    assert finish(SECONDS) and shared_by(room).passed.keys() == {KEY}


def test_a_folder_that_hangs_holds_up_no_check(folder, room, monkeypatch):
    share(folder, room, "A", {})
    hangs, goes_on = threading.Event(), threading.Event()
    write = sharing_renewal.write_shared

    def slow(*arguments):
        hangs.set()
        assert goes_on.wait(SECONDS)
        write(*arguments)

    monkeypatch.setattr(sharing_renewal, "write_shared", slow)
    check_build_pairs(build_pairs)
    assert hangs.wait(SECONDS) and not finish(0.01)
    remember(OTHER)  # while the first still hangs
    assert passed_checks().keys() == {KEY, OTHER} and shared_by(room).passed == {}
    goes_on.set()
    assert finish(SECONDS) and shared_by(room).passed.keys() == {KEY, OTHER}


def test_several_kernels_at_once_leave_the_newest(folder, room):
    share(folder, room, "A", {})
    keys = [key for step in EXERCISES for key in step.keys]
    program = (
        "import sys\nfrom rerank_course.learner import sharing_renewal\n"
        "from rerank_course.learner.progress import remember\n"
        f"sharing_renewal.LAST_SECONDS = {SECONDS}\n"  # that it waits at its end
        "sys.stdin.readline()\nfor key in sys.argv[1:]: remember(key)"
    )
    kernels = [
        subprocess.Popen([sys.executable, "-c", program, *keys[i::3]], stdin=subprocess.PIPE)
        for i in range(3)
    ]
    for kernel in kernels:
        kernel.communicate(b"\n", timeout=120)
    assert passed_checks().keys() == set(keys) == shared_by(room).passed.keys()


def test_who_stops_is_forgotten_there(folder, room, capsys):
    assert main(["progress", "--stop-sharing"]) == 0 and "Nothing was shared." in capsys.readouterr().out
    share(folder, room, "A", {KEY: DAY})
    (file,) = room.iterdir()
    assert main(["progress", "--stop-sharing"]) == 0 and f"{file} is removed" in capsys.readouterr().out
    check_build_pairs(build_pairs)
    assert finish(SECONDS) and list(room.iterdir()) == [] and sharing(folder) is None
    assert main(["progress"]) == 0 and "on this machine alone" in capsys.readouterr().out


def test_who_stops_while_the_folder_is_away_is_told_which_file_is_left(folder, room, capsys):
    share(folder, room, "A", {KEY: DAY})
    (file,) = room.iterdir()
    shutil.move(room, room.with_name("away"))
    assert main(["progress", "--stop-sharing"]) == 0
    assert str(file) in (said := capsys.readouterr().out) and "by hand" in said and sharing(folder) is None


def test_another_name_or_folder_takes_the_place_of_the_first(folder, room, tmp_path):
    first = share(folder, room, "A", {KEY: DAY})
    assert share(folder, room, "B", {KEY: DAY}).file == first.file and shared_by(room).name == "B"
    (tmp_path / "other").mkdir()
    second = share(folder, tmp_path / "other", "C", {KEY: DAY})
    assert list(room.iterdir()) == [] and shared_by(tmp_path / "other").name == "C"
    assert sharing(folder) == second
    with pytest.raises(SharingError, match="no folder that can be reached"):
        share(folder, tmp_path / "none", "D", {})
    assert sharing(folder) == second
    stop_sharing(folder)


@pytest.mark.skipif(os.name != "posix", reason="links and modes are POSIX's")
def test_a_link_that_a_neighbour_puts_there_is_not_written_through(folder, room, tmp_path):
    now = share(folder, room, "A", {})
    (mine := tmp_path / "mine.txt").write_text("precious", encoding="utf-8")
    now.file.unlink()
    now.file.symlink_to(mine)
    check_build_pairs(build_pairs)
    assert finish(SECONDS) and mine.read_text(encoding="utf-8") == "precious"
    assert not now.file.is_symlink() and shared_by(room).passed.keys() == {KEY}
    assert stat.S_IMODE(now.file.stat().st_mode) == 0o644  # the teacher is another user


def test_a_damaged_setting_is_said_and_breaks_no_check(folder, room, capsys):
    share(folder, room, "A", {})
    for content in ("", "[]", '{"format": "other"}', "[" * 100_000):
        (folder / SETTING).write_text(content, encoding="utf-8")
        assert check_build_pairs(build_pairs).status == "right" and finish(SECONDS)
        assert main(["progress"]) == 0 and f"{folder / SETTING} does not say" in capsys.readouterr().out
        assert main(["progress", "--stop-sharing"]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--share", "ROOM"], "--as NAME"),
        (["--share", "ROOM", "--as", " "], "The name is empty"),
        (["--share", "ROOM", "--as", "x" * 81], "81 characters"),
        (["--share", "ROOM", "--as", "a\x1b[31m"], r"'\x1b'"),
        (["--share", "ROOM", "--as", "a\u202eb"], r"'\u202e'"),
        (["--share", "ROOM/none", "--as", "A"], "no folder that can be reached"),
        (["--as", "A"], "--as NAME belongs to --share FOLDER"),
    ],
)
def test_what_cannot_be_shared_is_refused_with_a_reason(folder, room, capsys, words, message):
    assert main(["progress", *(word.replace("ROOM", str(room)) for word in words)]) == 2
    assert message in capsys.readouterr().err and list(room.iterdir()) == [] and sharing(folder) is None


def test_a_name_is_asked_for_where_somebody_can_answer(folder, room, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "نام\u200cمن")  # with a joiner, which names have
    assert main(["progress", "--share", str(room)]) == 0 and shared_by(room).name == "نام\u200cمن"


def test_where_no_progress_is_kept_none_is_shared(room, monkeypatch, capsys):
    monkeypatch.setenv("RERANK_COURSE_PROGRESS", "")
    assert main(["progress", "--share", str(room), "--as", "A"]) == 2
    assert "no progress is kept here" in capsys.readouterr().err and list(room.iterdir()) == []


def written(**changes):
    return json.dumps({"format": FORMAT, "name": "A", "passed": {KEY: DAY.isoformat()}} | changes).encode()


HOSTILE = {
    "empty": b"",
    "no JSON": b"<script>alert(1)</script>",
    "a list": b"[1, 2]",
    "deep": b"[" * 60_000,
    "a long number": b'{"format": ' + b"9" * 5000 + b"}",
    "no UTF-8": b"\xff\xfe\x00",
    "another format": written(format="other"),
    "no name": written(name=None),
    "an empty name": written(name=" \n\u2028 "),
    "a number as name": written(name=3),
    "passed is text": written(passed="all"),
    "a day that is none": written(passed={KEY: "yesterday"}),
    "a day that is a list": written(passed={KEY: []}),
    "the first day of all": written(passed={KEY: "0001-01-01T00:00:00+23:00"}),
    "the last day of all": written(passed={KEY: "9999-12-31T23:59:59-23:00"}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_learner_s_file_is_unreadable(content):
    with pytest.raises(SharingError):
        read_shared(content)


def test_of_a_stranger_s_file_only_what_can_be_shown_is_taken():
    odd = "x\x1b[2J\u202e\ud800" + "y" * 200
    shared = read_shared(written(name=odd, passed={KEY: "2026-03-09T12:00:00", "<b>": "?", "a.b": None}))
    assert shared.name.startswith("x [2J  yyy") and len(shared.name) <= 80 and shared.name.encode("utf-8")
    assert shared.passed == {KEY: DAY}
