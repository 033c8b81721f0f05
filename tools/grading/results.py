"""What grading found, and the folder in which it is kept: a run that was stopped goes on where it was."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from tools.grading.exercises import Exercise
from tools.grading.submissions import Submission


@dataclass
class Result:
    """What one submission got; ``points`` is None if it could not be graded."""

    student: str
    exercise: str
    points: float | None = None
    max_points: float | None = None
    refused: str = ""
    to_read: list = field(default_factory=list)  # [name of a cell, its points]
    notes: list[str] = field(default_factory=list)
    notebook: Path | None = None
    submission: Submission | None = None
    read: list = field(
        default_factory=list
    )  # [name of a cell, points that a teacher gave, its points, comment]

    @property
    def status(self) -> str:
        if self.refused:
            return "could not be graded"
        return "written answers to read" if self.to_read else "graded"

    @property
    def note(self) -> str:
        if self.refused:
            return f"could not be graded, because {self.refused}"
        open_points = sum(points for _, points in self.to_read)
        parts = [f"{name}: {points:g} of {most:g}. {more}".strip() for name, points, most, more in self.read]
        if self.to_read:
            parts.append(f"up to {open_points:g} more points for written answers")
        return "; ".join(parts)

    @property
    def score(self) -> str:
        """The points in words."""
        return "–" if self.points is None else f"{self.points:g} of {self.max_points:g}"


class Kept:
    """The results in a folder, each under a key of all that decides a grade."""

    def __init__(self, folder: Path, exercises: dict[str, Exercise], limits: dict) -> None:
        self.folder, self.exercises, self.limits = folder, exercises, limits

    def key(self, submission: Submission) -> str:
        """Changes with who, what, the exercise, the package, the grading and the limits."""
        exercise = self.exercises.get(submission.exercise)
        parts = [
            submission.student,
            submission.exercise or submission.origin,
            submission.hash,
            exercise.fingerprint if exercise else "",
        ]
        return hashlib.sha256(json.dumps([*parts, sorted(self.limits.items())]).encode()).hexdigest()[:32]

    def notebook(self, submission: Submission) -> Path:
        """Where the graded notebook is, or will be."""
        return self.folder / f"{self.key(submission)}.ipynb"

    def find(self, submission: Submission) -> Result | None:
        """The result of an earlier run."""
        try:
            answer = json.loads((self.folder / f"{self.key(submission)}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return self.result(submission, answer)

    def keep(self, submission: Submission, answer: dict) -> None:
        who = {"student": submission.student, "exercise": submission.exercise}
        write_whole(self.folder / f"{self.key(submission)}.json", json.dumps(answer | who))

    def result(self, submission: Submission, answer: dict) -> Result:
        exercise, notebook = self.exercises.get(submission.exercise), self.notebook(submission)
        return Result(
            submission.student,
            submission.exercise or submission.origin,
            answer["points"],
            exercise.points if exercise else None,
            answer["refused"],
            list(answer["to_read"]),
            [*submission.notes, *answer["notes"]],
            notebook if notebook.exists() and not answer["refused"] else None,
            submission,
        )


def refusal(why: str) -> dict:
    """The answer for a submission that could not be graded."""
    return {"points": None, "to_read": [], "notes": [], "refused": why}


def write_whole(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    scratch = file.with_name(file.name + ".part")
    scratch.write_text(text, encoding="utf-8", newline="")
    os.replace(scratch, file)
