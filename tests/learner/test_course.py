"""What the package knows of the course, and what it says of one's progress in it."""

import importlib
import re

import pytest

from rerank_course.__main__ import main
from rerank_course.checks.score_pairs import check_build_pairs
from rerank_course.learner import progress
from rerank_course.learner.course import COURSE, EXERCISES, title_of
from rerank_course.learner.progress import forget, next_steps, progress_file, report
from tests.learner.answers import DAY, KEY, build_pairs
from tests.support import ROOT
from tools.build.outline import read_outline
from tools.build.sources import read_source

OUTLINE = read_outline()
EVERYTHING = {key: DAY for step in EXERCISES for key in step.keys}


def test_the_course_has_the_outline_s_lessons_and_exercises_in_order():
    expected = []
    for lesson in OUTLINE.lessons:
        expected += [lesson] + ([lesson.exercise] if lesson.exercise else [])
    assert [(step.number, step.slug, step.title) for step in COURSE] == [
        (part.number, part.name, part.title) for part in expected
    ]
    assert [step.slug for step in EXERCISES] == [exercise.name for exercise in OUTLINE.exercises]
    assert title_of("scoring_pairs") == OUTLINE.lesson("scoring_pairs").title


@pytest.mark.parametrize("step", EXERCISES, ids=lambda step: step.slug)
def test_the_table_has_every_check_under_its_part_s_heading(step):
    module = importlib.import_module(f"rerank_course.checks.{step.slug}")
    defined = [
        name
        for name, value in vars(module).items()
        if name.startswith("check_") and getattr(value, "__module__", "") == module.__name__
    ]
    assert sorted(defined) == sorted(function for function, _ in step.checks)
    parts, heading, in_words = [], "", ""
    for cell in read_source(ROOT / OUTLINE.exercise(step.slug).source, outline=OUTLINE).cells:
        headings = re.findall(r"^## (?:Part|Step) \d · (.*)", cell.source, flags=re.MULTILINE)
        heading = headings[0] if headings else heading
        is_graded = cell.metadata.get("nbgrader", {}).get("grade")
        if is_graded and cell.cell_type == "markdown":
            in_words = heading
        called = re.findall(r"^(check_\w+)\(", cell.source, flags=re.MULTILINE)
        if called and not is_graded:
            parts.append((called[0], heading))
    assert tuple(parts) == step.checks
    assert step.in_words == in_words


# What is shown


def step_of(slug):
    return next(step for step in COURSE if step.slug == slug)


def test_the_report_shows_each_part_and_when(monkeypatch):
    score_pairs, judge = step_of("score_pairs"), step_of("judge_a_ranking")
    monkeypatch.setattr(progress, "EXERCISES", (score_pairs, judge))
    shown = report({KEY: DAY, "judge_a_ranking.check_decide": DAY})
    day = f"{DAY.astimezone():%Y-%m-%d}"
    assert shown[:2] == [
        f"Exercise {score_pairs.number} · Score pairs by hand: 1 of 6 checks passed",
        f"  ✓ 1  {'Build the pairs':40} {day}",
    ]
    assert shown[2] == "  · 2  Score them"
    assert shown[7] == f"Exercise {judge.number} · Judge a ranking: 1 of 5 checks passed"
    assert shown[12:14] == [
        f"  ✓ 5  {'May it be an accident?':40} {day}",
        f"    6  {'What do you advise?':40} in words, which no check reads",
    ]
    assert shown[14:] == ["", f"Next: {score_pairs.name}, part 2: Score them."]


def test_what_comes_next():
    """Before an exercise, the lessons since the last one; within it, its first part that is open."""

    def done(*steps):
        return {key: DAY for step in steps for key in step.keys}

    for place, exercise in enumerate(EXERCISES):
        before = EXERCISES[:place]
        begin = COURSE.index(before[-1]) + 1 if before else 0
        lessons = [step.name for step in COURSE[begin : COURSE.index(exercise)]]
        assert lessons and next_steps(done(*before)) == f"{', '.join(lessons)}, then {exercise.name}."
    hosted = step_of("hosted_with_fallback")
    others = [step for step in EXERCISES if step is not hosted]
    assert next_steps(done(*others) | {hosted.keys[0]: DAY}) == (
        f"{hosted.name}, part 2: Scores in your order."
    )
    last = [step.name for step in COURSE[COURSE.index(EXERCISES[-1]) + 1 :]]
    assert next_steps(EVERYTHING) == f"{', '.join(last)}. All checks are passed."
    assert next_steps({}).startswith("lesson 00 · Start here, lesson 01 · ")


def test_the_command_shows_progress_where_it_is_kept_and_forgets_it(folder, capsys):
    check_build_pairs(build_pairs)
    assert main(["progress"]) == 0
    out = capsys.readouterr().out
    assert "Score pairs by hand: 1 of 6 checks passed" in out and "part 2: Score them." in out
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


def test_the_first_lesson_shows_it_and_its_output_may_differ():
    cells = read_source(ROOT / OUTLINE.lessons[0].source, outline=OUTLINE).cells
    (cell,) = (cell for cell in cells if cell.cell_type == "code" and "show_progress()" in cell.source)
    assert cell.metadata.tags == ["nbval-ignore-output"]
