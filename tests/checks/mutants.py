"""Mutation testing of the exercises' own solutions: which small changes does no graded cell see?

No part of the test suite: it takes minutes for each exercise, and needs cosmic-ray, which the course's
environment does not have::

    python -m venv mutants
    mutants/bin/pip install cosmic-ray    # beside what the course needs
    mutants/bin/python -m tests.checks.mutants judge_a_ranking

It prints each mutant that gets full points. Some are equivalent: right in another way. One that is wrong
needs another case in its check.
"""

import contextlib
import io
import signal
import sys
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any

from rerank_course.checks import models
from tests.support import ROOT
from tests.support.exercises import graded_cells, passes, remembering
from tools.build.sources import read_source

SECONDS = 60  # for all graded cells of one mutant
SKIPPED = ("Shift", "BitOr", "BitAnd", "BitXor", "ExceptionReplacer")  # that nobody writes by mistake


def solutions(exercise: str) -> list[str]:
    """The source of each solution cell."""
    cells = read_source(ROOT / "lessons" / "exercises" / f"{exercise}.py").cells
    return [
        cell.source
        for cell in cells
        if cell.cell_type == "code"
        and cell.metadata.get("nbgrader", {}).get("solution")
        and not cell.metadata.nbgrader.get("grade")
    ]


def all_names(exercise: str) -> dict[str, Any]:
    """What the exercise defines, its solutions included: one may use what a cell beside it has made."""
    names: dict[str, Any] = {}
    for cell in read_source(ROOT / "lessons" / "exercises" / f"{exercise}.py").cells:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade"):
            with contextlib.redirect_stdout(io.StringIO()):
                exec(cell.source, names)
    return names


def mutants_of(source: str) -> Iterator[str]:
    """The source with one change, for each that cosmic-ray knows; each text once."""
    from cosmic_ray import plugins
    from cosmic_ray.mutating import mutate_code

    seen = {source}
    for name in plugins.operator_names():
        if any(word in name for word in SKIPPED):
            continue
        try:
            operator = plugins.get_operator(name)()
        except TypeError:  # it needs arguments
            continue
        occurrence = 0
        while (mutant := mutate_code(source, operator, occurrence)) is not None:
            occurrence += 1
            if mutant not in seen:
                seen.add(mutant)
                yield mutant


def is_seen(exercise: str, sources: list[str], names: dict[str, Any], seconds: int = SECONDS) -> bool:
    """Whether one of the graded cells refuses functions made of these sources, with ``names`` at hand."""

    def too_long(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    functions = dict(names)
    try:
        for source in sources:
            exec(source, functions)
        mine = {name: value for name, value in functions.items() if names.get(name) is not value}
        mine.pop("__builtins__", None)
        return not all(passes(exercise, cell, **mine) for cell in graded_cells(exercise))
    except BaseException as error:  # whatever a mutant does
        if isinstance(error, KeyboardInterrupt):
            raise
        return True
    finally:
        signal.alarm(0)


def changed_lines(before: str, after: str) -> str:
    rows = zip(before.splitlines(), after.splitlines())
    changed = [(one.strip(), two.strip()) for one, two in rows if one != two]
    return "; ".join(f"{one}  →  {two}" for one, two in changed) or textwrap.shorten(after, 100)


def main(exercise: str) -> None:
    warnings.simplefilter("ignore")
    models.load_reranker = remembering(models.load_reranker)
    sources, killed, survivors = solutions(exercise), 0, []
    names = all_names(exercise)
    if is_seen(exercise, sources, names, seconds=0):  # it loads the models, which may take long
        raise SystemExit("The solution itself does not pass.")
    for place, source in enumerate(sources):
        for mutant in mutants_of(source):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                changed = [*sources[:place], mutant, *sources[place + 1 :]]
                seen = is_seen(exercise, changed, names)
            killed += seen
            if not seen:
                survivors.append(changed_lines(source, mutant))
                print(survivors[-1], flush=True)
    print(f"{exercise}: {killed + len(survivors)} mutants, {killed} seen, {len(survivors)} not")


if __name__ == "__main__":
    main(sys.argv[1])
