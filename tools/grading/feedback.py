"""The page that each student gets: their notebooks with points, and nothing of a hidden test."""

import hashlib
import html
import re
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests

from tools.grading.results import Result, write_whole
from tools.grading.roles import grade_id, is_test

# What a student wrote is shown; no script of it runs and nothing is fetched.
ALLOWED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
POLICY = f'<meta http-equiv="Content-Security-Policy" content="{ALLOWED}">'


def write_feedback(results: list[Result], folder: Path) -> None:
    """One page for each student, written whole or not at all."""
    folder.mkdir(exist_ok=True)
    by_student: dict[str, list[Result]] = {}
    for result in results:
        by_student.setdefault(result.student, []).append(result)
    for student, theirs in by_student.items():
        write_whole(folder / f"{file_name(student)}.html", feedback_page(student, theirs))


def file_name(student: str) -> str:
    """The student's name as a file name.

    What had to be replaced or cut is made unique by a few letters of its hash.
    """
    safe = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", student)[:60].strip(". ") or "student"
    return safe if safe == student else f"{safe}-{hashlib.sha256(student.encode()).hexdigest()[:6]}"


def feedback_page(student: str, results: list[Result]) -> str:
    """One page in nbgrader's feedback template for all of a student's exercises."""
    cells = []
    for result in results:
        points = "not graded" if result.points is None else f"{result.score} points"
        heading = f"# {html.escape(result.exercise)}: {points}\n\n{html.escape(result.note)}"
        cells.append(nbformat.v4.new_markdown_cell(heading))
        if result.notebook:
            cells += _shown(nbformat.read(result.notebook, as_version=4), result.exercise).cells
    score, most = (
        sum(value or 0 for value in values) for values in zip(*((r.points, r.max_points) for r in results))
    )
    facts = {"notebook": html.escape(student), "score": score, "max_score": most, "late_penalty": 0}
    notebook = nbformat.v4.new_notebook(cells=cells)
    page, _ = _exporter().from_notebook_node(notebook, resources={"nbgrader": facts})
    return page.replace("<head>", f"<head>\n{POLICY}", 1)


def _shown(notebook: NotebookNode, exercise: str) -> NotebookNode:
    """No hidden test, no traceback through one, and ids that are the exercise's own on a page of several."""
    notebook, _ = ClearHiddenTests(enforce_metadata=False).preprocess(notebook, {})
    number = exercise.partition("_")[0]
    for cell in notebook.cells:
        cell.id = f"{number}-{cell.id}"[:64]
        if grade_id(cell):
            cell.metadata.nbgrader.grade_id = f"{number}-{grade_id(cell)}"
        for output in cell.outputs if is_test(cell) else ():
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]
    return notebook


@cache
def _exporter():
    """nbgrader's own feedback template.

    ``POLICY`` keeps the reader's browser from running what students wrote.
    """
    import nbgrader
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    pages = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
    styles = pages / "static" / "node_modules" / "bootstrap" / "dist" / "css"
    options = Config()
    options.HTMLExporter.template_name = "feedback"
    options.HTMLExporter.extra_template_basedirs = [str(pages / "templates")]
    options.HTMLExporter.extra_template_paths = [str(styles)]
    options.HTMLExporter.sanitize_html = True
    return HTMLExporter(config=options)
