"""A run that was stopped goes on where it was; and what the command says when it cannot run."""

import json
import subprocess
import sys

import psutil
import pytest

from tests.support import ROOT
from tests.tools.grading.toy_course import LIMITS, SOURCE, WRONG, put, read_rows, solved, source_of
from tools.grading import grade


def command(course, *arguments):
    options = ["--root", str(course), "--jobs", "1"]
    return [sys.executable, "-m", "tools.grading.grade", *map(str, arguments), *options]


def run(course, *arguments):
    return subprocess.run(
        command(course, *arguments), cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )


def kill_after_the_first(course, *arguments):
    """Run the command until it has graded one submission. What it had started must end with it."""
    process = subprocess.Popen(
        command(course, *arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    with process.stdout as lines:
        assert any(line.startswith("  1/") for line in lines)
    helpers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert helpers
    assert not psutil.wait_procs(helpers, timeout=60)[1], "what it had started goes on"


@pytest.mark.heavy
@pytest.mark.timeout(1200)  # for a machine with much else to do
def test_a_run_that_was_killed_goes_on_where_it_was(course, handed_out, tmp_path):
    students = [f"student {number}" for number in range(5)]
    for student in students:
        put(tmp_path / "in", student, solved(handed_out, more=f"# {student}"))
    out = tmp_path / "out"
    kill_after_the_first(course, tmp_path / "in", out)
    assert not (out / "grades.csv").exists()
    kept = {path: path.stat().st_mtime_ns for path in (out / ".results").glob("*.json")}
    assert 1 <= len(kept) < 5

    changed = json.loads(next(iter(kept)).read_text(encoding="utf-8"))["student"]
    put(tmp_path / "in", changed, solved(handed_out, WRONG))
    again = run(course, tmp_path / "in", out)
    said = f"5 submissions; {len(kept) - 1} were graded before."
    assert said in again.stdout, again.stdout + again.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    rows = {row["student"]: row["points"] for row in read_rows(out / "grades.csv")}
    assert rows == {student: "0" if student == changed else "8" for student in students}


def test_a_folder_that_is_none_says_what_to_give(course, tmp_path):
    missing = run(course, tmp_path / "missing")
    assert missing.returncode == 2
    assert "is not a folder. Give the folder that holds the submissions" in missing.stderr
    assert "make grade SUBMISSIONS=folder" in missing.stderr


def test_a_stale_solution_is_not_graded_with(course, handed_out, tmp_path):
    put(tmp_path / "in", "a", handed_out)
    try:
        source_of(course).write_text(SOURCE.replace("1234", "4321"), encoding="utf-8")
        with pytest.raises(SystemExit, match=r"is older than its source.*make build ONLY=ex00"):
            grade.Grading(tmp_path / "in", tmp_path / "out", course, LIMITS).run()
    finally:
        source_of(course).write_text(SOURCE, encoding="utf-8")
