"""A student's page."""

import re
import warnings

import nbformat

from tools.grading.feedback import feedback_page
from tools.grading.results import Result


def test_on_a_page_of_several_exercises_each_link_leads_to_its_own_cell(handed_out, tmp_path):
    """Two exercises may call a cell the same."""
    graded = nbformat.from_dict(handed_out)
    for cell in graded.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.nbgrader.score = 0  # as nbgrader writes it
    results = []
    for number, exercise in enumerate(("ex02_score_pairs", "ex06_cosine_comparison")):
        path = tmp_path / f"{number}.ipynb"
        nbformat.write(graded, path)
        results.append(Result("Ana", exercise, 3, 10, notebook=path))
    with warnings.catch_warnings():
        warnings.simplefilter("error", nbformat.warnings.DuplicateCellId)
        page = feedback_page("Ana", results)
    links = re.findall(r'href="#([^"]*graded-public)"', page)
    assert links == ["ex02-graded-public", "ex06-graded-public"]
    assert all(page.count(f'name="{link}"') == 1 for link in links)
