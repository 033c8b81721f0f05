"""What the guides promise about grading."""

import re

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


def test_the_guide_names_the_reports_that_are_written():
    guide = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("classroom", "tools/grading")
        for path in (ROOT / folder).glob("*.py")
    )
    for name in re.findall(r"`([a-z_]+?)(?:_…)?\.csv`", guide):
        assert name in sources, name
