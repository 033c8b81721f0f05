"""Where the system allows no sandbox, the limits hold all the same; also without a fork, as on macOS."""

import pytest

from tests.tools.grading.toy_course import CHECKS, LIMITS, put, read_reports, solved
from tests.tools.grading.trouble import SUBMISSIONS, children_left
from tools.grading import grade, preloaded

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]  # for a machine with much else to do
EXPECTED = {  # student: points
    "good": "8",
    "children": "8",
    "one child": "8",
    "memory": "8",
    "os._exit": "8",
    "writes to the package": "0",
    "endless function": "3",
    "looks into memory": "8",
}


@pytest.mark.parametrize("forked", [preloaded.WORKS, False], ids=["forked", "commands"])
def test_without_a_sandbox_the_limits_hold_and_changes_are_seen(
    course, handed_out, tmp_path, monkeypatch, forked
):
    monkeypatch.setattr(preloaded, "WORKS", forked)
    for student in EXPECTED:
        put(tmp_path / "in", student, solved(handed_out, **SUBMISSIONS[student]))
    grade.Grading(tmp_path / "in", tmp_path / "out", course, LIMITS, jobs=2, isolated=False).run()
    rows = read_reports(tmp_path / "out")
    assert {student: row["points"] for student, row in rows.items()} == EXPECTED, rows
    assert "more than 1.0 GB of memory" in rows["memory"]["teacher"]
    assert "more than 20 processes" in rows["children"]["teacher"]
    assert children_left() == []
    assert (course / "rerank_course" / "checks" / "double.py").read_text(encoding="utf-8") == CHECKS
    page = (tmp_path / "out" / "feedback" / "looks into memory.html").read_text(encoding="utf-8")
    assert "TOOLS [] None" in page  # also here no kernel can import what grades it


def test_a_server_that_does_not_start_says_why(tmp_path):
    with (
        preloaded.Server(tmp_path, {"PYTHONHOME": str(tmp_path)}) as server,
        pytest.raises(RuntimeError, match=r"(?s)starts the graders ended .*Python"),
    ):
        server.start(tmp_path / "job.json", tmp_path / "log")
