"""The exercises as learners get them: nothing tells the solution, and untouched they run through."""

import ast
import re
from textwrap import dedent

import nbformat
import pytest
from nbclient import NotebookClient

from tests.lessons.built import OUTLINE, markdown, read
from tests.support import ROOT
from tools.build.sources import points_of, read_source

each_exercise = pytest.mark.parametrize("exercise", OUTLINE.exercises, ids=lambda exercise: exercise.name)


REGION = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", flags=re.DOTALL)


def code_lines(code):
    """Each statement on one line, however it is wrapped, and the comments."""
    comments = [line.strip() for line in code.splitlines() if line.strip().startswith("#")]
    return [line.strip() for line in ast.unparse(ast.parse(dedent(code))).splitlines()] + comments


@pytest.fixture(scope="module")
def package():
    """All lines of the helper package's code."""
    modules = sorted((ROOT / "rerank_course").rglob("*.py"))
    return [line for path in modules for line in code_lines(path.read_text(encoding="utf-8"))]


@each_exercise
def test_no_line_of_a_solution_or_hidden_test_is_in_the_exercise_or_the_package(exercise, package):
    lines = set()
    for cell in read_source(ROOT / exercise.source, outline=OUTLINE).cells:
        for region in REGION.findall(cell.source):
            lines.update(code_lines(region) if cell.cell_type == "code" else region.splitlines())
    telling = {line for line in lines if len(line) > 40 and not line.startswith("from ")}
    assert len(telling) >= 5
    shown = list(package)
    for cell in read(ROOT / "exercises" / exercise.file).cells:
        shown += code_lines(cell.source) if cell.cell_type == "code" else cell.source.splitlines()
    text = "\n".join(shown)
    assert [line for line in telling if line in text] == []


@each_exercise
def test_the_card_states_the_points_and_their_sum(exercise):
    notebook = read_source(ROOT / exercise.source, outline=OUTLINE)
    card = notebook.cells[0].source
    assert card.startswith(f"# Exercise {exercise.number} · {exercise.title}\n")
    assert f"| **Time** | {exercise.minutes} minutes |" in card
    points, parts = re.search(r"^\| \*\*Points\*\* \| (\d+): (.*) \|$", card, re.MULTILINE).groups()
    assert int(points) == points_of(notebook) == sum(map(int, re.findall(r" (\d+)(?:,|$)", parts)))


@pytest.fixture(scope="module")
def untouched():
    """{exercise: its notebook as it was run}, one after the other in one kernel.

    A kernel's start and its models take longer than what the cells do; between two exercises all names go.
    """
    notebooks = {exercise.name: read(ROOT / "exercises" / exercise.file) for exercise in OUTLINE.exercises}
    together = nbformat.v4.new_notebook()
    for name, notebook in notebooks.items():
        together.cells.append(nbformat.v4.new_code_cell("%reset -f"))
        for cell in notebook.cells:
            cell.id = f"{name}-{cell.id}"[:64]
        together.cells += notebook.cells
    where = {"metadata": {"path": str(ROOT / "exercises")}}
    NotebookClient(together, kernel_name="python3", timeout=300, allow_errors=True, resources=where).execute()
    return notebooks


@pytest.mark.heavy
@each_exercise
def test_an_untouched_exercise_runs_through_and_says_not_attempted(untouched, exercise):
    """No error but NotImplementedError, and that only in the graded cells."""
    verdicts, checks = [], 0
    for cell in untouched[exercise.name].cells:
        checks += cell.source.startswith("from rerank_course.checks")
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                assert output.ename == "NotImplementedError" and cell.metadata.nbgrader.grade, cell.source
            elif "check_" in cell.source:
                verdicts.append(output["data"]["text/plain"])
    assert len(verdicts) == checks > 0
    assert all(verdict.startswith("… Not attempted.") for verdict in verdicts), verdicts


@each_exercise
def test_no_exercise_links_to_a_solution(exercise):
    """A class's copy has none."""
    text = markdown(read(ROOT / "exercises" / exercise.file))
    assert not re.findall(r"\]\([^)]*solutions/", text)
