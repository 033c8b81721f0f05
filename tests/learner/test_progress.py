"""Progress: what is kept, for whom, and in which format."""

import inspect
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat

from rerank_course.checks.score_pairs import check_build_pairs, check_what_stays
from rerank_course.checks.verdict import check
from rerank_course.learner import course, progress, progress_name, sharing, sharing_renewal
from rerank_course.learner.course import EXERCISES
from rerank_course.learner.progress import passed_checks, progress_file, remember, report, show_progress
from tests.learner.answers import DAY, KEY, build_pairs
from tools.build import notebooks as build
from tools.build.outline import read_outline
from tools.grading import graders

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
            "other.check_of_another_year": "2025-01-01T00:00:00+00:00",
        },
    }
    progress_file().write_text(json.dumps(earlier), encoding="utf-8")
    check_build_pairs(build_pairs)
    check_what_stays(lambda: {"A", "C", "F"})
    again = passed_checks()
    assert again[KEY] == DAY and set(again) == {
        KEY,
        "score_pairs.check_what_stays",
        "other.check_of_another_year",
    }
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
    program = (
        "import sys\nfrom rerank_course.learner.progress import remember\n"
        "sys.stdin.readline()\nfor key in sys.argv[1:]: remember(key)"
    )
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


# A file of the first format, in which exercises had numbers that are others' today


def write_first_format(passed):
    progress_file().parent.mkdir()
    content = {"format": "rerank_course progress 1", "passed": passed}
    progress_file().write_text(json.dumps(content), encoding="utf-8")


def test_a_file_of_the_first_format_counts_for_the_exercises_it_meant(folder):
    day = DAY.isoformat()
    old = ["ex02.check_squash", "ex05.check_two_cases", "ex06.check_cut_windows", "ex99.check_x"]
    write_first_format(dict.fromkeys(old, day))
    names = [
        "score_pairs.check_squash",
        "cosine_comparison.check_two_cases",
        "long_document.check_cut_windows",
    ]
    assert passed_checks() == dict.fromkeys([*names, "ex99.check_x"], DAY)
    assert sum("✓" in line for line in report(passed_checks())) == 3


def test_every_check_of_the_first_format_has_its_place_today(folder):
    """The keys that version 0.1 could write, without those of checks that came later."""
    numbers = {slug: number for number, slug in progress.OLD_NAMES.items()}
    keys = {
        f"{numbers[step.slug]}.{check}"
        for step in EXERCISES
        if step.slug in numbers
        for check, _ in step.checks
    }
    write_first_format(dict.fromkeys(keys, DAY.isoformat()))
    known = {key for step in EXERCISES if step.slug in numbers for key in step.keys}
    assert set(passed_checks()) == known and len(known) >= 29


def test_such_a_file_is_left_alone_until_the_next_check_is_passed(folder):
    write_first_format({"ex06.check_best_window": DAY.isoformat()})
    before = progress_file().read_bytes()
    show_progress()
    remember("score_pairs.check_of_another_course")
    assert progress_file().read_bytes() == before
    remember(KEY)
    content = json.loads(progress_file().read_bytes())
    assert content["format"] == progress.FORMAT == "rerank_course progress 2"
    assert content["passed"].keys() == {"long_document.check_best_window", KEY}
    assert content["passed"]["long_document.check_best_window"] == DAY.isoformat()
    assert passed_checks()["long_document.check_best_window"] == DAY


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
    assert graders.environment(tmp_path, tmp_path)[progress.PROGRESS_VARIABLE] == ""
    remember(KEY)
    assert passed_checks() == {}


ONE_LESSON = """[[lesson]]
name = "only"
title = "Only"
minutes = 1
shows = "progress"
"""


def test_building_a_notebook_neither_shows_nor_keeps_the_builder_s_progress(folder, tmp_path):
    remember("score_pairs.check_squash")
    (tmp_path / "lessons").mkdir()
    (tmp_path / "rerank_course").mkdir()
    (tmp_path / "lessons" / "course.toml").write_text(ONE_LESSON, encoding="utf-8")
    (tmp_path / "lessons" / "only.py").write_text(
        "# %%\nfrom rerank_course.learner.progress import passed_checks, remember, show_progress\n"
        f"show_progress()\n\n# %%\nremember({KEY!r})\nprint(sorted(passed_checks()))\n",
        encoding="utf-8",
    )
    outline = read_outline(tmp_path)
    (target,) = build.build_lesson(outline.lessons[0], outline, root=tmp_path)
    shown, kept = (cell.outputs[0].text for cell in nbformat.read(target, as_version=4).cells)
    assert shown.splitlines() == report({}) and kept == f"[{KEY!r}]\n"
    assert list(passed_checks()) == ["score_pairs.check_squash"]


def test_nothing_here_can_talk_to_a_network():
    """No telemetry: the modules read and write files, and import nothing that opens a connection."""
    pattern = r"^(?:from|import) ([\w.]+)"
    imported = {
        name
        for module in (progress, course, progress_name, sharing, sharing_renewal)
        for name in re.findall(pattern, inspect.getsource(module), flags=re.MULTILINE)
    }
    assert imported == {
        "json", "os", "sys", "dataclasses", "datetime", "functools", "itertools", "pathlib",
        "importlib.resources", "filelock", "platformdirs", "rerank_course.learner.course",
        "atexit", "collections.abc", "contextlib", "re", "secrets", "tempfile", "threading", "unicodedata",
        "rerank_course.learner.progress_name", "rerank_course.learner.sharing",
        "rerank_course.learner.sharing_renewal",
    }  # fmt: skip
