"""Nothing that is wrong with the file, its folder or its lock can break a check."""

import json
import os
import subprocess
import sys
import tempfile

import pytest

from rerank_course.__main__ import main
from rerank_course.checks.score_pairs import check_build_pairs
from rerank_course.learner import progress
from rerank_course.learner.progress import passed_checks, progress_file, remember, show_progress
from tests.learner.answers import FIRST_STEP, KEY, build_pairs


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "other"}', b'{"passed": {}}', b"[" * 100_000, b"null"]
    + [
        json.dumps({"format": progress.FORMAT, "passed": passed}).encode()
        for passed in ([], {"a": "yesterday"}, {"a": 3}, None)
    ],
    ids=lambda content: content[:40].decode("latin-1"),
)
def test_a_broken_or_foreign_file_is_kept_aside_and_said(folder, capsys, content):
    folder.mkdir()
    progress_file().write_bytes(content)
    show_progress()
    assert (
        "Your progress cannot be read" in (out := capsys.readouterr().out)
        and str(progress_file()) in out
        and FIRST_STEP in out
    )
    assert progress_file().read_bytes() == content
    assert check_build_pairs(build_pairs).status == "right"
    err = capsys.readouterr().err
    assert (
        "does not hold this course's progress" in err
        and "kept as progress-unreadable-1.json" in err
        and len(err.splitlines()) == 1
    )
    assert (folder / "progress-unreadable-1.json").read_bytes() == content and list(passed_checks()) == [KEY]
    progress_file().write_bytes(content)
    remember(KEY)
    assert (folder / "progress-unreadable-2.json").read_bytes() == content


def test_a_folder_that_cannot_be_made_breaks_no_check_and_is_said_once(folder, capsys):
    folder.write_text("a file where the folder should be", encoding="utf-8")
    assert check_build_pairs(build_pairs).status == check_build_pairs(build_pairs).status == "right"
    err = capsys.readouterr().err
    assert err.startswith("(Passed, but your progress is not kept: ") and len(err.splitlines()) == 1
    assert main(["progress"]) == 0 and FIRST_STEP in capsys.readouterr().out


@pytest.fixture
def read_only_folder():
    with (
        tempfile.TemporaryDirectory() as folder
    ):  # pytest's own folders are closed to other users, whose part root takes here
        os.chmod(folder, 0o555)
        yield folder
        os.chmod(folder, 0o755)


def test_a_read_only_home_and_no_home_at_all_break_no_check(read_only_folder):
    """As an ordinary user: root writes everywhere."""
    program = (
        "import os\nfrom rerank_course.learner.progress import remember, show_progress\n"
        "try:\n if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "except OSError: raise SystemExit(77)\n"
        f"remember({KEY!r}); remember({KEY!r}); show_progress(); print(os.listdir('.'))"
    )
    if not hasattr(os, "geteuid"):
        pytest.skip("folders cannot be made read-only like this on Windows")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "RERANK_COURSE_PROGRESS"))
    }
    for home in (read_only_folder, "/no/such/home"):
        run = subprocess.run(
            [sys.executable, "-c", program],
            cwd=read_only_folder,
            env=environment | {"HOME": home},
            capture_output=True,
            text=True,
        )
        if run.returncode == 77:
            pytest.skip("this container has no other user")
        assert run.returncode == 0, run.stderr
        assert (
            run.stderr.startswith("(Passed, but your progress is not kept: ")
            and len(run.stderr.splitlines()) == 1
        )
        assert FIRST_STEP in run.stdout and run.stdout.endswith("[]\n")


def test_without_a_home_no_folder_named_like_its_sign_is_made(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(progress.PROGRESS_VARIABLE)
    monkeypatch.setattr(progress.platformdirs, "user_data_dir", lambda name: f"data/{name}")
    progress._say_once.cache_clear()
    remember(KEY)
    assert (
        "is no full path. Set the environment variable RERANK_COURSE_PROGRESS to a folder of yours"
        in capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []


def test_a_busy_lock_is_given_up(folder, monkeypatch, capsys):
    monkeypatch.setattr(progress, "LOCK_SECONDS", 0.1)
    folder.mkdir()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import filelock, sys\nwith filelock.FileLock(sys.argv[1]): print(flush=True); sys.stdin.read()",
            str(folder / "progress.lock"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    remember(KEY)
    holder.communicate()
    assert "not kept" in capsys.readouterr().err and passed_checks() == {}
