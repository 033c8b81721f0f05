"""The view of the room: what learners share is shown, and what else stands in the folder does no harm."""

import json
import os
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from classroom import room, room_folder, room_page
from classroom.room_folder import SharedFolder
from rerank_course.learner.course import EXERCISES
from rerank_course.learner.sharing import FORMAT, share
from tests.support.browser import launch_chromium, needs_chromium

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FIRST, SECOND = EXERCISES[:2]


@pytest.fixture
def shared(tmp_path):
    (tmp_path / "shared").mkdir()
    return tmp_path / "shared"


def put(shared, number, name, keys=(), **changes):
    days = dict.fromkeys(keys, (NOW - timedelta(minutes=5)).isoformat())
    content = {"format": FORMAT, "name": name, "passed": days} | changes
    (shared / f"progress-{number:08x}.json").write_text(json.dumps(content), encoding="utf-8")


def page(shared):
    return room_page.page(SharedFolder(shared).look(), shared, NOW)


def test_a_table_of_learners_and_exercises(shared, tmp_path):
    share(tmp_path / "home", shared, "ana", dict.fromkeys(FIRST.keys, NOW))
    put(shared, 2, "Bo", [SECOND.keys[0]])
    put(shared, 3, "林", [])
    (shared / "notes.txt").touch()
    (shared / ".hidden").touch()
    text = room_page.table(SharedFolder(shared).look(), NOW)
    head, ana, bo, lin, total, note = text.splitlines()
    assert head.split() == [*(step.number for step in EXERCISES), "last"]
    dots = ["·"] * (len(EXERCISES) - 2)
    assert ana.split() == ["ana", "✓", "·", *dots, f"{NOW.astimezone():%H:%M}"]
    assert bo.split()[:3] == ["Bo", "·", f"1/{len(SECOND.checks)}"] and lin.split() == ["林", "·", "·", *dots]
    assert total.split()[:4] == ["all", "passed", "1", "0"] and total.endswith("of 3")
    assert note == "1 other file is not looked at."


def test_two_of_one_name_are_told_apart_and_old_days_are_days(shared):
    put(shared, 1, "Kim", FIRST.keys)
    put(shared, 2, "Kim", passed={FIRST.keys[0]: "2026-01-05T10:00:00+00:00"})
    lines = room_page.lines(SharedFolder(shared).look(), NOW)
    assert [line.apart for line in lines] == ["progress-00000001", "progress-00000002"]
    assert lines[1].changed == "2026-01-05" and lines[1].cells[0].title.count(",") == len(FIRST.checks) - 2


def test_a_name_is_text_and_nothing_else(shared):
    put(shared, 1, "<script>alert(1)</script>")
    put(shared, 2, "\x1b[31m\u202ered\ud800")
    put(shared, 3, "'\" onmouseover=x")
    html = page(shared)
    assert "<script>alert" not in html and "&lt;script&gt;" in html and "\u202e" not in html
    html.encode("utf-8")
    assert "\x1b" not in room_page.table(SharedFolder(shared).look(), NOW)


@pytest.fixture
def hostile(shared):
    """A good file among all that somebody may put there."""
    put(shared, 1, "Ana", FIRST.keys)
    bad = lambda number: shared / f"progress-{number:08x}.json"  # noqa: E731
    bad(2).write_bytes(b"{")
    with bad(3).open("wb") as huge:
        huge.truncate(2_000_000_000)
    bad(4).mkdir()
    bad(5).write_bytes(b"[" * 50_000)
    put(shared, 6, ["a", "list"], passed=7)
    if os.name == "posix":
        bad(7).symlink_to("/etc/passwd")
        bad(8).symlink_to(bad(1))
        os.mkfifo(bad(9))
        bad(10).symlink_to(bad(10))
    (shared / "<img src=x onerror=alert(1)>").touch()
    return shared


@pytest.mark.timeout(120)
def test_nothing_in_the_folder_stops_the_view(hostile):
    found = SharedFolder(hostile).look()
    assert [one.shared.name for one in found.learners] == ["Ana"] and found.others == 1
    why = {name[9:17].lstrip("0"): reason for name, reason in found.unreadable}
    assert "larger than" in why["3"] and "no ordinary file" in why["4"] and why.keys() >= {"2", "5", "6"}
    if os.name == "posix":
        assert why["7"] == why["8"] == why["a"] == "it is a link" and "no ordinary file" in why["9"]
    html, text = page(hostile), room_page.table(found, NOW)
    assert "root:" not in html and "onerror" not in html
    assert html.count("<li>") == len(found.unreadable) == text.count(": unreadable, ")


def test_thousands_of_files_are_looked_at_as_far_as_a_room_goes(shared, monkeypatch):
    monkeypatch.setattr(room_folder, "MOST_LEARNERS", 70)
    for number in range(100):
        (shared / f"progress-{number:08x}.json").write_bytes(b"no")
    found = SharedFolder(shared).look()
    assert len(found.unreadable) == 70 and found.left_out
    html = page(shared)
    assert html.count("<li>") == 51 and "and 20 more" in html and "the rest is left out" in html
    assert "… and 20 more" in room_page.table(found, NOW)


def test_a_file_is_read_again_only_when_it_changed(shared, monkeypatch):
    put(shared, 1, "Ana")
    folder, read = SharedFolder(shared), []
    content = room_folder._content
    monkeypatch.setattr(room_folder, "_content", lambda path: read.append(path.name) or content(path))
    assert folder.look() == folder.look() and len(read) == 1
    put(shared, 1, "Ana", FIRST.keys)
    put(shared, 2, "Bo")
    assert len(folder.look().learners[0].shared.passed) == len(FIRST.keys) and len(read) == 3
    (shared / read[0]).unlink()
    assert [one.shared.name for one in folder.look().learners] == ["Bo"]


def test_the_command_prints_the_table_once(shared, capsys):
    put(shared, 1, "Ana", FIRST.keys)
    assert room.main([str(shared), "--once"]) == 0 and "Ana" in capsys.readouterr().out
    for words in (["--once"], []):
        assert room.main([str(shared / "none"), *words]) == 2
        assert "There is nothing to show." in capsys.readouterr().err


@pytest.fixture
def address(shared):
    with room.RoomServer(shared) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def ask(url, **headers):
    """(status, text) of an answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_only_this_machine_by_its_own_name_is_answered(address, shared):
    put(shared, 1, "Ana")
    assert ask(address)[0] == 200 and "Ana" in ask(address)[1]
    assert ask(f"{address}room.js")[0] == 200 and ask(f"{address}../room.py")[0] == 404
    assert ask(address, Host="evil.example:80")[0] == 403


def test_a_folder_that_goes_away_is_said_and_comes_back(address, shared):
    put(shared, 1, "Ana")
    shared.rename(shared.with_name("away"))
    assert "The folder cannot be read" in ask(address)[1]
    shared.with_name("away").rename(shared)
    assert "Ana" in ask(address)[1]


@pytest.mark.heavy
@needs_chromium
def test_the_page_renews_itself(address, hostile):
    from playwright.sync_api import expect

    with launch_chromium() as browser:
        tab = browser.new_page()
        tab.set_default_timeout(60_000)
        complaints = []
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.goto(address)
        expect(tab.locator("tbody tr")).to_have_count(1)
        expect(tab.locator("tbody td.all")).to_have_count(1)
        put(hostile, 1, "Ana", [*FIRST.keys, *SECOND.keys])
        put(hostile, 11, "<b>Bo</b>", FIRST.keys[:1])
        expect(tab.locator("tbody tr")).to_have_count(2, timeout=60_000)
        expect(tab.locator("tbody tr").first.locator("td.some")).to_have_count(1)  # <b> sorts before Ana
        expect(tab.locator("tbody td.all")).to_have_count(2)
        assert complaints == []
