"""What the guides promise about grading."""

import re

from rerank_course.__main__ import make_parser
from tests.lessons.built import OUTLINE
from tests.support import ROOT
from tools.grading.words import read_rubrics

WRITTEN = re.compile(r'role="written" id="([\w-]+)" points=(\d+)')


def test_every_answer_in_words_has_its_rubric():
    rubrics = read_rubrics(ROOT)
    wanted = {
        (exercise.name, part)
        for exercise in OUTLINE.exercises
        for part, _ in WRITTEN.findall((ROOT / exercise.source).read_text(encoding="utf-8"))
    }
    assert wanted and wanted == rubrics.keys()
    assert all(len(rubric.split()) > 20 for rubric in rubrics.values())


def test_a_teacher_reads_the_guide_in_eight_minutes():
    guide = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    assert len(guide.split()) < 1800


def test_the_day_is_one_page_with_a_word_for_each_step():
    """What is said follows the plan's steps in their order."""
    day = (ROOT / "docs" / "day.md").read_text(encoding="utf-8")
    plan = next(plan for plan in OUTLINE.plans if plan["name"] == "three-hours")
    files = [
        OUTLINE.lesson(step["lesson"]).file if "lesson" in step else OUTLINE.exercise(step["exercise"]).file
        for step in plan["steps"]
        if "text" not in step
    ]
    table = day[day.index("## What is on the screen") :]
    rows = [row for row in table.splitlines() if row.startswith("| [") and "“" in row]
    assert [re.search(r"/(\w+\.ipynb)\)", row)[1] for row in rows] == files
    assert len(day.split()) < 1100 and "```text\nSubject:" in day
    for lesson, part in re.findall(r"/([\w]+)\.ipynb\) \| \*([^*]+)\*", table):
        source = (ROOT / "lessons" / f"{lesson[3:]}.py").read_text(encoding="utf-8")
        assert f"# ## {part}\n" in source, part


def test_the_day_names_only_commands_that_there_are():
    day = (ROOT / "docs" / "day.md").read_text(encoding="utf-8")
    commands = make_parser()._subparsers._group_actions[0].choices
    used = re.findall(r"python -m rerank_course (\w+)((?: --[\w-]+)*)", day)
    assert {name for name, _ in used} == {"progress", "certificate"}
    for name, options in used:
        assert all(option in commands[name].format_help() for option in options.split())
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"`make (\w+)", day)
    assert targets and all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_guide_names_the_reports_that_are_written():
    guide = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("classroom", "tools/grading")
        for path in (ROOT / folder).glob("*.py")
    )
    for name in re.findall(r"`([a-z_]+?)(?:_…)?\.csv`", guide):
        assert name in sources, name
