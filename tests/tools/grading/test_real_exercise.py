"""An exercise of the course itself, as it is today and as version 0.1 handed it out."""

import json
import re

import pytest

from tests.lessons.built import OUTLINE
from tests.support import ROOT
from tests.tools.grading.toy_course import read_reports
from tools.grading import grade

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]  # for a machine with much else to do
NAME = OUTLINE.exercise("cosine_comparison").file


def as_it_was(notebook):
    """A solution of today as version 0.1 had it: numbers in its names, and modules where they stood then."""
    text = notebook.read_text(encoding="utf-8").replace(
        '"lessons/exercises/cosine_comparison.py"', '"lessons/exercises/ex05_cosine_comparison.py"'
    )
    ids = {cell["metadata"]["nbgrader"]["grade_id"] for cell in graded_cells(json.loads(text))}
    for name in ids:
        text = text.replace(f'"{name}"', f'"ex05-{name}"')
    text = text.replace("rerank_course.checks.cosine_comparison", "rerank_course.checks.ex05")
    assert "rerank_course.checks.ex05" in text
    assert len(re.findall('"ex05-', text)) == 2 * len(ids)  # grade_id and cell id
    return text


def graded_cells(notebook):
    return [cell for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]


def with_old_imports(text):
    """The same with a cell of the student's own that uses the old modules, and needs what they give."""
    notebook = json.loads(text)
    own = [
        "import rerank_course.plots as plots\n",
        "from rerank_course.own_texts import chunk_text\n",
        "from rerank_course.packaged import embedder_folder\n",
        "found = [plots.slope_chart, plots.draw_lines, chunk_text, embedder_folder]",
    ]
    cell = {"cell_type": "code", "id": "own", "metadata": {}, "outputs": [], "execution_count": None}
    place = next(i for i, c in enumerate(notebook["cells"]) if c["cell_type"] == "code")
    notebook["cells"].insert(place, cell | {"source": own})
    solution = notebook["cells"][place + 1]
    solution["source"] = [*solution["source"], "\n", "assert len(found) == 4"]
    return json.dumps(notebook)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder, out = tmp_path_factory.mktemp("real"), tmp_path_factory.mktemp("real-out")
    solution = ROOT / "solutions" / NAME
    old = as_it_was(solution)
    handed_in = {
        f"reference/{NAME}": solution.read_text(encoding="utf-8"),
        f"untouched/{NAME}": (ROOT / "exercises" / NAME).read_text(encoding="utf-8"),
        "second numbers/ex06_cosine_comparison.ipynb": solution.read_text(encoding="utf-8"),
        "old reference/ex05_cosine_comparison.ipynb": old,
        "old, by number/ex05.ipynb": with_old_imports(old),
    }
    for name, text in handed_in.items():
        (folder / name).parent.mkdir()
        (folder / name).write_text(text, encoding="utf-8")
    grade.Grading(folder, out, jobs=2).run()
    return read_reports(out), out


@pytest.mark.parametrize("student", ["reference", "second numbers", "old reference", "old, by number"])
def test_the_reference_solution_gets_all_but_the_words(real, student):
    row = real[0][student]
    assert (row["exercise"], row["points"], row["max points"]) == (NAME.removesuffix(".ipynb"), "19", "25"), (
        row
    )
    assert row["status"] == "written answers to read"
    where = "enter the points in written_answers.csv"
    assert row["teacher"] == f"read: explanation: up to 6 points; {where}"


def test_the_untouched_exercise_gets_nothing(real):
    row = real[0]["untouched"]
    assert (row["points"], row["status"], row["teacher"]) == ("0", "graded", "")


def test_old_modules_are_found_in_a_students_own_code(real):
    page = (real[1] / "feedback" / "old, by number.html").read_text(encoding="utf-8")
    assert "ModuleNotFoundError" not in page
    assert "NameError" not in page
