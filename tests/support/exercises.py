"""For the tests of exercises: their graded cells run on functions that a test brings along.

And models that do nothing twice.
"""

import importlib
import inspect
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.support import ROOT
from tools.build.sources import read_source


@cache
def graded_cells(exercise: str) -> dict[str, str]:
    """{grade id: code} of the machine-graded cells of ``lessons/exercises/<exercise>.py``.

    Hidden tests are included.
    """
    notebook = read_source(ROOT / "lessons" / "exercises" / f"{exercise}.py")
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    ]
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in cells}


@cache
def reference(exercise: str) -> dict[str, Any]:
    """{name: function} of the exercise's own solution: a check may be given those of earlier parts too."""
    functions: dict[str, Any] = {}
    for cell in read_source(ROOT / "lessons" / "exercises" / f"{exercise}.py").cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and nbgrader.get("solution") and not nbgrader.get("grade"):
            exec(cell.source, functions)
    return {name: value for name, value in functions.items() if inspect.isfunction(value)}


def passes(exercise: str, grade_id: str, **functions: Any) -> bool:
    """Whether these functions, under the names that the exercise gives them, pass one graded cell."""
    checks = vars(importlib.import_module(f"rerank_course.checks.{exercise}"))
    try:
        exec(graded_cells(exercise)[grade_id], {**checks, **reference(exercise), **functions})
    except AssertionError:
        return False
    return True


def stub(*arguments: Any) -> None:
    """What a learner finds."""
    raise NotImplementedError()


def cases(rows: Iterable[tuple], heavy: Iterable[str] = ()) -> list:
    """Parameters for tests, with ids: rows of (part, …). Those of the parts in ``heavy`` load a model."""
    heavy = set(heavy)
    return [
        pytest.param(*row, id=f"{row[0]}-{number}", marks=[pytest.mark.heavy] if row[0] in heavy else [])
        for number, row in enumerate(rows)
    ]


def remembering(load: Callable[..., Any]) -> Callable[..., "RemembersScores"]:
    """A function that loads a reranker, as one that loads a reranker that remembers."""
    return lambda *arguments, **options: RemembersScores(load(*arguments, **options))


class RemembersScores:
    """The real reranker, asked once for each pair.

    A check that is run on thirty answers scores the same pairs every time.
    """

    def __init__(self, reranker: Any) -> None:
        self.reranker = reranker
        self.known: dict[tuple[str, str], Any] = {}

    def predict(self, pairs: Any, batch_size: int = 32, **options: Any) -> Any:
        if options:
            return self.reranker.predict(pairs, batch_size=batch_size, **options)
        single = len(pairs) > 0 and isinstance(pairs[0], str)
        wanted = [tuple(pair) for pair in ([pairs] if single else pairs)]
        new = list(dict.fromkeys(pair for pair in wanted if pair not in self.known))
        if new:
            self.known.update(zip(new, self.reranker.predict(new)))
        scores = np.array([self.known[pair] for pair in wanted], dtype=np.float32)
        return scores[0] if single else scores

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reranker, name)


class RemembersVectors:
    """The real embedding model, asked once for each text."""

    def __init__(self, embedder: Any) -> None:
        self.embedder = embedder
        self.known: dict[tuple[str, str], Any] = {}

    def encode(self, texts: Any, **options: Any) -> Any:
        single, how = isinstance(texts, str), repr(options)
        wanted = [texts] if single else list(texts)
        new = list(dict.fromkeys(text for text in wanted if (text, how) not in self.known))
        if new:
            self.known.update(zip([(text, how) for text in new], self.embedder.encode(new, **options)))
        vectors = np.array([self.known[text, how] for text in wanted])
        return vectors[0] if single else vectors

    def __getattr__(self, name: str) -> Any:
        return getattr(self.embedder, name)
