"""For the tests of exercises: their graded cells run on functions that a test brings along, and a reranker
that scores no pair twice.
"""

import importlib
from typing import Any

import numpy as np

from tests.support import ROOT
from tools.build import notebooks as build


def graded_cells(exercise: str) -> dict[str, str]:
    """{grade id: code} of the machine-graded cells of ``lessons/exercises/<exercise>.py``, hidden tests
    included.
    """
    notebook = build.read_source(ROOT / "lessons" / "exercises" / f"{exercise}.py")
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    ]
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in cells}


def passes(exercise: str, grade_id: str, **functions: Any) -> bool:
    """Whether these functions, under the names that the exercise gives them, pass one graded cell."""
    checks = vars(importlib.import_module(f"rerank_course.checks.{exercise[:4]}"))
    try:
        exec(graded_cells(exercise)[grade_id], {**checks, **functions})
    except AssertionError:
        return False
    return True


class RemembersScores:
    """The real reranker, asked once for each pair: a check that is run on thirty answers scores the same
    pairs every time.
    """

    def __init__(self, reranker: Any) -> None:
        self.reranker, self.known = reranker, {}

    def predict(self, pairs: Any, batch_size: int = 32, **options: Any) -> Any:
        if options:
            return self.reranker.predict(pairs, batch_size=batch_size, **options)
        single = isinstance(pairs[0], str)
        wanted = [tuple(pair) for pair in ([pairs] if single else pairs)]
        new = list(dict.fromkeys(pair for pair in wanted if pair not in self.known))
        if new:
            self.known.update(zip(new, self.reranker.predict(new)))
        scores = np.array([self.known[pair] for pair in wanted], dtype=np.float32)
        return scores[0] if single else scores

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reranker, name)
