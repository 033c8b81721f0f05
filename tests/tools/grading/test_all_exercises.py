"""Every exercise's reference solution, and loops without an end in one of them."""

import json

import pytest

from tests.lessons.built import OUTLINE
from tests.support import ROOT
from tests.tools.grading.toy_course import read_rows
from tools.grading import grade

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1800)]  # for a machine with much else to do
SOLUTIONS = sorted((ROOT / "solutions").glob("ex*.ipynb"))
MIX = OUTLINE.exercise("mix_and_cascade").file
ENDLESS = "def z_scores(scores):\n    while True:\n        pass\n"
EATING = "def z_scores(scores):\n    hog = []\n    while True:\n        hog.append(b'x' * 50_000_000)\n"
LIMITS = {"memory": 1_500_000_000, "cell_seconds": 30}


def written_points(path):
    """Those that a teacher gives."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    return sum(mark["points"] for mark in marks if mark.get("grade") and mark.get("solution"))


def with_z_scores(code):
    """The reference of mix_and_cascade with another first function, which the second one calls."""
    notebook = json.loads((ROOT / "solutions" / MIX).read_text(encoding="utf-8"))
    (cell,) = (
        c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == "z-scores"
    )
    cell["source"] = code
    return json.dumps(notebook)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder, out = tmp_path_factory.mktemp("all"), tmp_path_factory.mktemp("all-out")
    for path in SOLUTIONS:
        put(folder / "reference" / path.name, path.read_text(encoding="utf-8"))
    put(folder / "endless" / MIX, with_z_scores(ENDLESS))
    put(folder / "eating" / MIX, with_z_scores(EATING))
    grade.Grading(folder, out, limits=LIMITS, jobs=2).run()
    return read_rows(out / "grades.csv"), read_rows(out / "needs_a_teacher.csv")


def put(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_a_reference_solution_gets_every_point_and_no_second_look(rows, path):
    (row,) = (r for r in rows[0] if (r["student"], r["exercise"]) == ("reference", path.stem))
    assert float(row["points"]) == float(row["max points"]) - written_points(path), row
    looks = [r for r in rows[1] if r["what"] == "look" and r["exercise"] == path.stem]
    assert [r for r in looks if r["student"] == "reference"] == []


@pytest.mark.parametrize("student", ["endless", "eating"])
def test_a_loop_without_an_end_costs_its_own_points_and_names_its_place(rows, student):
    (row,) = (r for r in rows[0] if r["student"] == student)
    assert (row["points"], row["max points"]) == ("4", "10"), row
    looks = "\n".join(r["details"] for r in rows[1] if r["student"] == student)
    assert "below z-scores" in looks
    assert ("did not end within" if student == "endless" else "more than 1.5 GB of memory") in looks
