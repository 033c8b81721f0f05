"""Grade one submission in a process of its own: `python -m tools.grading.grade_one job.json`.

graders.py starts it. The notebook runs in a kernel inside sandbox.py, without the graded cells; this process
talks to it over sockets in the submission's box, watches what it takes, and ends all of it. The graded cells,
hidden tests included, run here (verdicts.py), with the notebook's functions lent to them (lending.py). A cell
that did not pass gets an error as its output, and of that nbgrader makes the points.

nbgrader still makes the release version and the feedback page. Its own autograde would run hidden tests in
the student's kernel, where they can be read and changed; it is not used.

The job: {"box": …, "content": path, "exercise": name, "trusted": path, "released": path, "course": path,
"imports": text, "isolated": bool, "visible": […], "environment": {…}, "limits": {…}, "answer": path,
"graded": path}.
"""

import json
import logging
import os
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    GetGrades,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from tools.grading import sandbox
from tools.grading.execution import execute
from tools.grading.repair import NotGradable, read_submission, repair
from tools.grading.suspicious import suspicious
from tools.grading.watch import end_all_below


def grade(job: dict, forked=None) -> dict:
    """Points, status and notes for one submission.

    The notebook with outputs and scores is written to ``job["graded"]``.

    Args:
        forked: a ``preloaded.Kernel`` to run it in; without one, a kernel is started as a command.
    """
    answer: dict = {"points": None, "to_read": [], "notes": [], "refused": "", "seconds": 0.0}
    resources = _resources(job)
    try:
        notebook = _prepared(job, answer, resources)
        sources = [cell.source for cell in notebook.cells]
        notebook = execute(job, notebook, answer, forked)
        if [cell.source for cell in notebook.cells] != sources:
            raise RuntimeError("the notebook that came back is not the one that was sent")
        notebook = _scored(notebook, answer, resources)
        nbformat.write(notebook, job["graded"])
    except NotGradable as reason:
        answer["refused"] = str(reason)
    return answer


def _prepared(job: dict, answer: dict, resources: dict) -> NotebookNode:
    """The submission as nbgrader takes it, with the teacher's tests."""
    trusted, released = (nbformat.read(job[key], as_version=4) for key in ("trusted", "released"))
    submitted = read_submission(Path(job["content"]).read_bytes())
    notebook, answer["notes"] = repair(submitted, trusted, released)
    answer["notes"] += suspicious(notebook, {cell.source for cell in released.cells})
    steps = (
        ClearOutput(),
        DeduplicateIds(),
        OverwriteKernelspec(),
        OverwriteCells(add_missing_cells=True),
        CheckCellMetadata(),
    )
    return _after(steps, notebook, resources)


def _scored(notebook: NotebookNode, answer: dict, resources: dict) -> NotebookNode:
    """The notebook with its points, which also go to ``answer``."""
    steps = (LimitOutput(), SaveAutoGrades(), CheckCellMetadata(), GetGrades())
    notebook = _after(steps, notebook, resources)
    exercise = resources["nbgrader"]["notebook"]
    with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
        graded = gradebook.find_submission_notebook(exercise, exercise, "student")
        answer["points"] = graded.score
        answer["to_read"] = [
            [grade.name, grade.max_score] for grade in graded.grades if grade.needs_manual_grade
        ]
    return notebook


def _after(steps: tuple, notebook: NotebookNode, resources: dict) -> NotebookNode:
    for step in steps:
        notebook, resources = step.preprocess(notebook, resources)
    return notebook


def _resources(job: dict) -> dict:
    """What nbgrader's steps hand on to each other."""
    return {
        "nbgrader": {
            "notebook": job["exercise"],
            "assignment": job["exercise"],
            "student": "student",
            "db_url": f"sqlite:///{Path(job['box']).parent / 'gradebook.db'}",
        },
        "metadata": {},
    }


def _trust(job: dict) -> None:
    """Make the course's own package the one whose checks run here, in the order that Python looks."""
    os.environ["RERANK_COURSE_PROGRESS"] = ""
    sys.path.insert(0, job["course"])
    if any(name.partition(".")[0] == "rerank_course" for name in sys.modules):
        raise RuntimeError("the course's package was imported before it was known which course is graded")


def main(path: Path, forked=None) -> None:
    sandbox.die_with_parent()
    sandbox.adopt_orphans()  # what a submission leaves behind becomes a child of this process
    logging.disable(logging.CRITICAL)
    job = json.loads(path.read_text(encoding="utf-8"))
    _trust(job)
    answer = grade(job, forked)
    end_all_below()
    scratch = Path(job["answer"] + ".part")
    scratch.write_text(json.dumps(answer), encoding="utf-8")
    os.replace(scratch, job["answer"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)  # threads of a kernel's client that still wait are not waited for
