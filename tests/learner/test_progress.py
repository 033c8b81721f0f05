"""Progress: what is kept, where, and that nothing about it can break a check."""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import pytest

from rerank_course.__main__ import main
from rerank_course.checks.verdict import check
from rerank_course.checks.score_pairs import check_build_pairs, check_what_stays
from rerank_course.learner import progress
from rerank_course.learner.progress import (
    COURSE,
    EXERCISES,
    forget,
    next_steps,
    passed_checks,
    progress_file,
    remember,
    report,
    show_progress,
)
from tests.support import ROOT
from tools.build import notebooks as build
from tools.grading import grade

KEY = "ex02.check_build_pairs"
DAY = datetime(2026, 3, 9, 12, tzinfo=UTC)
EVERYTHING = {key: DAY for step in EXERCISES for key in step.keys}


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty folder for progress, which does not exist yet."""
    monkeypatch.setenv(progress.PROGRESS_VARIABLE, str(tmp_path / "mine"))
    progress._say_once.cache_clear()
    return tmp_path / "mine"


def build_pairs(query, documents):
    return [(query, document) for document in documents]


# The table of the course, against what it describes


def test_the_order_is_the_one_in_which_the_lessons_send_one_on():
    """Each lesson's **Next:** names the exercise and the lesson that follow; the course's table has them in
    that order.
    """
    names = [f"exercise {step.number}" if step.checks else f"lesson {step.number}" for step in COURSE]
    lessons, _ = build.sources()
    for source in lessons:
        number = source.stem[:2]
        said = source.read_text(encoding="utf-8").rpartition("**Next:**")[2]
        follow = [
            f"exercise {exercise}" if exercise else f"lesson {lesson}"
            for exercise, lesson in re.findall(r"\[Exercise (\d\d)\]|\[(\d\d) · ", said)
        ]
        here = names.index(f"lesson {number}")
        assert follow == names[here + 1 : here + 1 + len(follow)], number


def test_the_table_has_every_lesson_and_exercise_under_its_title():
    lessons, exercises = build.sources()
    titles = {f"lesson {path.stem[:2]} · ": path for path in lessons} | {
        f"exercise {path.stem[2:4]} · ": path for path in exercises
    }
    for start, path in titles.items():
        title = re.match(r"# %% \[markdown\]\n# # .*?\d\d · (.*)\n", path.read_text(encoding="utf-8")).group(
            1
        )
        assert [step.title for step in COURSE if step.name.startswith(start)] == [title.replace("`", "")]
    assert {step.name[: -len(step.title)] for step in EXERCISES} == {
        start for start in titles if start.startswith("exercise")
    }


@pytest.mark.parametrize("step", EXERCISES, ids=lambda step: step.name)
def test_the_table_has_every_check_under_its_part_s_heading(step):
    module = importlib.import_module(f"rerank_course.checks.ex{step.number}")
    defined = [
        name
        for name, value in vars(module).items()
        if name.startswith("check_") and getattr(value, "__module__", "") == module.__name__
    ]
    assert sorted(defined) == sorted(function for function, _ in step.checks)
    (source,) = (ROOT / "lessons" / "exercises").glob(f"ex{step.number}_*.py")
    parts, heading = [], ""
    for cell in build.read_source(source).cells:
        heading = next(
            iter(re.findall(r"^## (?:Part|Step) \d · (.*)", cell.source, flags=re.MULTILINE)), heading
        )
        called = re.findall(r"^(check_\w+)\(", cell.source, flags=re.MULTILINE)
        if called and not cell.metadata.get("nbgrader", {}).get("grade"):
            parts.append((called[0], heading))
    assert tuple(parts) == step.checks
    assert step.in_words == (heading if 'role="written"' in source.read_text(encoding="utf-8") else "")


# What is remembered


def test_a_passed_check_is_remembered_with_its_first_date(folder):
    assert passed_checks() == {} and not folder.exists()
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert check_build_pairs(build_pairs).status == "right"
    first = passed_checks()
    assert list(first) == [KEY] and before < first[KEY] <= datetime.now(UTC)
    earlier = {
        "format": progress.FORMAT,
        "passed": {
            KEY: "2026-03-09T12:00:00+00:00",
            "ex99.check_of_another_year": "2025-01-01T00:00:00+00:00",
        },
    }
    progress_file().write_text(json.dumps(earlier), encoding="utf-8")
    check_build_pairs(build_pairs)
    check_what_stays(lambda: {"A", "C", "F"})
    again = passed_checks()
    assert again[KEY] == DAY and set(again) == {KEY, "ex02.check_what_stays", "ex99.check_of_another_year"}
    assert {path.name for path in folder.iterdir()} <= {"progress.json", "progress.lock"}


def stub(query, documents):
    raise NotImplementedError


def test_what_is_wrong_not_attempted_or_passed_on_other_data_is_not_remembered(folder):
    assert check_build_pairs(stub).status == "not attempted"
    assert check_build_pairs(lambda query, documents: documents).status == "wrong"
    assert check_build_pairs(build_pairs, query="two words", documents=["d"]).status == "right"
    assert check_build_pairs(build_pairs, "two words", ["d"]).status == "right"
    assert passed_checks() == {}


def test_only_the_course_s_own_checks_are_remembered(folder):
    @check
    def check_build_pairs(function):
        return "right"

    assert check_build_pairs(build_pairs).status == "right"
    assert passed_checks() == {} and not folder.exists()


def test_several_kernels_at_once_lose_nothing(folder):
    keys = [key for step in EXERCISES for key in step.keys]
    program = "import sys\nfrom rerank_course.progress import remember\nsys.stdin.readline()\nfor key in sys.argv[1:]: remember(key)"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, *keys[i::4], *keys[(i + 1) % 4 :: 4]],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for i in range(4)
    ]
    said = [process.communicate(b"\n", timeout=120)[1] for process in processes]
    assert said == [b""] * 4 and set(passed_checks()) == set(keys)


# What can be in the way


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
        and "Next: lesson 00" in out
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
    assert main(["progress"]) == 0 and "Next: lesson 00" in capsys.readouterr().out


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
        "import os\nfrom rerank_course.progress import remember, show_progress\n"
        "try:\n if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\nexcept OSError: raise SystemExit(77)\n"
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
        assert "Next: lesson 00" in run.stdout and run.stdout.endswith("[]\n")


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


# Whose progress it is


def test_the_folder_is_the_learner_s_own_or_the_one_that_is_chosen(monkeypatch, tmp_path):
    monkeypatch.delenv(progress.PROGRESS_VARIABLE)
    assert progress_file() == Path(progress.platformdirs.user_data_dir("rerank_course")) / "progress.json"
    monkeypatch.setenv(progress.PROGRESS_VARIABLE, "~/somewhere")
    assert progress_file() == Path.home() / "somewhere" / "progress.json"
    monkeypatch.setenv(progress.PROGRESS_VARIABLE, "")
    assert progress_file() is None


def test_tests_and_grading_keep_nothing(tmp_path):
    assert os.environ[progress.PROGRESS_VARIABLE] == ""  # conftest; the kernels that run notebooks inherit it
    assert grade._environment(tmp_path, tmp_path)[progress.PROGRESS_VARIABLE] == ""
    remember(KEY)
    assert passed_checks() == {}


def test_building_a_notebook_neither_shows_nor_keeps_the_builder_s_progress(folder, tmp_path):
    remember("ex02.check_squash")
    source = tmp_path / "lessons" / "00_test.py"
    source.parent.mkdir()
    (tmp_path / "rerank_course").mkdir()
    source.write_text(
        "# %%\nfrom rerank_course.progress import passed_checks, remember, show_progress\nshow_progress()\n\n"
        f"# %%\nremember({KEY!r})\nprint(sorted(passed_checks()))\n",
        encoding="utf-8",
    )
    (target,) = build.build_lesson(source, root=tmp_path)
    shown, kept = (cell.outputs[0].text for cell in nbformat.read(target, as_version=4).cells)
    assert shown.splitlines() == report({}) and kept == f"[{KEY!r}]\n"
    assert list(passed_checks()) == ["ex02.check_squash"]


def test_nothing_here_can_talk_to_a_network():
    """No telemetry: the module reads and writes a file, and imports nothing that opens a connection."""
    imported = set(re.findall(r"^(?:from|import) (\w+)", inspect.getsource(progress), flags=re.MULTILINE))
    assert imported == {
        "json",
        "os",
        "sys",
        "dataclasses",
        "datetime",
        "functools",
        "itertools",
        "pathlib",
        "filelock",
        "platformdirs",
    }


# What is shown


def test_the_report_shows_each_part_and_when(monkeypatch):
    monkeypatch.setattr(
        progress, "EXERCISES", tuple(step for step in EXERCISES if step.number in ("02", "04"))
    )
    shown = report({KEY: DAY, "ex04.check_decide": DAY})
    day = f"{DAY.astimezone():%Y-%m-%d}"
    assert shown[:2] == [
        "Exercise 02 · Score pairs by hand: 1 of 6 checks passed",
        f"  ✓ 1  {'Build the pairs':40} {day}",
    ]
    assert shown[2] == "  · 2  Score them"
    assert shown[7] == "Exercise 04 · Judge a ranking: 1 of 5 checks passed"
    assert shown[12:14] == [
        f"  ✓ 5  {'May it be an accident?':40} {day}",
        f"    6  {'What do you advise?':40} in words, which no check reads",
    ]
    assert shown[14:] == ["", "Next: exercise 02 · Score pairs by hand, part 2: Score them."]


def test_what_comes_next():
    def done(*numbers):
        return {key: DAY for step in EXERCISES if step.number in numbers for key in step.keys}

    assert (
        next_steps({})
        == "lesson 00 · Start here, lesson 01 · Model options, lesson 02 · Scoring pairs, then exercise 02 · Score pairs by hand."
    )
    assert next_steps(done("02")) == "lesson 03 · Batch scoring, then exercise 03 · Write rerank_documents."
    assert (
        next_steps(done("02", "03", "04"))
        == "lesson 05 · Failure modes, then exercise 06 · A document that is too long."
    )
    assert next_steps(done("02", "03", "04", "06")).endswith(
        "then exercise 05 · Cross-encoder against cosine similarity."
    )
    assert next_steps(done("02", "03", "04", "06", "05") | {"ex07.check_connect": DAY}) == (
        "exercise 07 · A hosted reranker with a fallback, part 2: Scores in your order."
    )
    assert next_steps(EVERYTHING) == "lesson 08 · Scale out. All checks are passed."


def test_the_command_shows_progress_where_it_is_kept_and_forgets_it(folder, capsys):
    check_build_pairs(build_pairs)
    assert main(["progress"]) == 0
    out = capsys.readouterr().out
    assert "Exercise 02 · Score pairs by hand: 1 of 6 checks passed" in out and "part 2: Score them." in out
    assert f"Kept in {progress_file()}, on this machine alone." in out
    assert main(["progress", "--reset"]) == 0 and capsys.readouterr().out == "Forgotten: 1 passed checks.\n"
    assert not progress_file().exists() and forget() == 0
    assert main(["progress"]) == 0 and "0 of 6" in capsys.readouterr().out


def test_the_command_says_that_nothing_is_kept(capsys):
    assert main(["progress"]) == 0
    out = capsys.readouterr().out
    assert (
        out.startswith("Nothing is kept here: the environment variable RERANK_COURSE_PROGRESS is empty.")
        and "Kept in" not in out
    )
    assert main(["progress", "--reset"]) == 0 and capsys.readouterr().out == "Forgotten: 0 passed checks.\n"


def test_a_folder_that_is_no_full_path_is_refused(monkeypatch, capsys):
    monkeypatch.setenv(progress.PROGRESS_VARIABLE, "here")
    assert main(["progress"]) == 2
    assert "here is no full path" in capsys.readouterr().err


def test_lesson_00_shows_it_and_its_output_may_differ():
    cells = build.read_source(ROOT / "lessons" / "00_start_here.py").cells
    (cell,) = (cell for cell in cells if cell.cell_type == "code" and "show_progress()" in cell.source)
    assert cell.metadata.tags == ["nbval-ignore-output"]
