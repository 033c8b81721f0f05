"""The outline is the only place that knows numbers; what is built from it is as it would be built now."""

import re

import pytest

from tests.lessons.built import OUTLINE
from tests.support import ROOT
from tools.build import documents
from tools.build.course_file import COURSE_FILE, course_file
from tools.build.links import numbers_in

DOCUMENTS = documents.documents()
CODE = [path for folder in ("rerank_course", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]
CODE += [ROOT / "pyproject.toml", ROOT / "environment.yml", *sorted((ROOT / "docs" / "site").rglob("*.md"))]
NUMBERS_ON_PURPOSE = {
    "tools/build/links.py",  # shows what it writes
    "tools/build/documents.py",
    # These two read what was written when exercises were named by numbers.
    "rerank_course/learner/progress.py",
    "tools/grading/old_names.py",
}


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_tables_and_numbers_in_documents_are_the_outline_s(path):
    text = path.read_text(encoding="utf-8")
    assert documents.up_to_date(text, path.relative_to(ROOT), OUTLINE) == text, "run make build"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_documents_name_lessons_by_links_which_the_build_numbers(path):
    """What it can't number would be wrong after a move."""
    text = path.read_text(encoding="utf-8")
    for built in (documents.TABLE, documents.LINK, documents.FILE):
        text = built.sub("", text)
    assert numbers_in(text) == []


def test_code_names_lessons_and_exercises_by_name():
    found = {name(path): numbers_in(path.read_text(encoding="utf-8")) for path in CODE}
    assert {path for path, numbers in found.items() if numbers} - NUMBERS_ON_PURPOSE == set()


@pytest.mark.parametrize("plan", OUTLINE.plans, ids=lambda plan: plan["name"])
def test_a_plan_fits_its_day_and_names_parts_that_there_are(plan):
    """Three hours are three hours; a day ends before half past five, as the guide says."""
    guides = [ROOT / "docs" / "teaching.md", ROOT / "docs" / "day.md"]
    guide = "".join(path.read_text(encoding="utf-8") for path in guides)
    table = next(found for found in documents.TABLE.finditer(guide) if found[2] == plan["name"])[3]
    *rows, last = [[text.strip() for text in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    minutes, ends = int(last[1].strip("*")), clock(last[0].strip("*"))
    assert sum(int(row[1]) for row in rows) == minutes == ends - clock(rows[0][0])
    assert minutes <= 180 if plan["name"] == "three-hours" else ends <= clock("17:30")
    assert "if late, skip" in plan["columns"] and any("skip" in step for step in plan["steps"])
    for step in plan["steps"]:
        if "lesson" in step:
            source = (ROOT / OUTLINE.lesson(step["lesson"]).source).read_text(encoding="utf-8")
            parts = re.findall(r"\*([^*]+)\*", step.get("skip", "") + step.get("how", ""))
            assert [part for part in parts if f"# ## {part}\n" not in source] == [], step


def clock(time):
    """Minutes since midnight."""
    hours, minutes = map(int, time.split(":"))
    return 60 * hours + minutes


def test_the_package_knows_the_present_outline():
    assert (ROOT / COURSE_FILE).read_text(encoding="utf-8") == course_file(OUTLINE), "run make build"
