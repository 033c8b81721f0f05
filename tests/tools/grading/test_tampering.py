"""Nothing that a student's code does besides answering gains a point, or shows a hidden test."""

import html
import re

import nbformat
import pytest

from tests.tools.grading.tampering import TAMPERING
from tests.tools.grading.toy_course import LIMITS, put, read_reports, solved
from tools.grading import grade

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]  # for a machine with much else to do
HIDDEN = re.compile(r"check_double\(double,\s*1234")


@pytest.fixture(scope="module")
def tampered(course, handed_out, tmp_path_factory):
    folder, out = tmp_path_factory.mktemp("tampering"), tmp_path_factory.mktemp("tampering-out")
    for student, how in TAMPERING.items():
        put(folder, student, solved(handed_out, **how))
    grade.Grading(folder, out, course, LIMITS, jobs=2).run()
    return read_reports(out), out


@pytest.mark.parametrize("student", TAMPERING)
def test_no_points(tampered, student):
    row = tampered[0][student]
    assert (row["points"], row["max points"]) == ("0", "10"), row


@pytest.mark.parametrize("student", TAMPERING)
def test_no_hidden_test_on_the_page(tampered, student):
    page = (tampered[1] / "feedback" / f"{student}.html").read_text(encoding="utf-8")
    assert not HIDDEN.search(html.unescape(re.sub("<[^>]*>", "", page)))


def test_no_hidden_test_in_any_output(tampered):
    notebooks = list((tampered[1] / ".results").glob("*.ipynb"))
    assert len(notebooks) == len(TAMPERING)
    for path in notebooks:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not HIDDEN.search(repr(cell.get("outputs"))), cell.source
