"""What the course consists of, in order: lessons, and exercises with their checks.

Read from ``course.json``, which `make build` derives from lessons/course.toml and the exercises' sources.
"""

import json
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Step:
    """A lesson, or an exercise with its checks.

    Attributes:
        number: its place in the course, as its notebook's name has it; an exercise has its lesson's.
        slug: the name of its source, which stays when numbers change.
        title: its heading.
        checks: (function in ``rerank_course.checks``, title of its part), in the exercise's order.
        in_words: the title of the last part, if it is answered in words.
        points: that an exercise gives in a graded class.
    """

    number: str
    slug: str
    title: str
    checks: tuple[tuple[str, str], ...] = ()
    in_words: str = ""
    points: float = 0

    @property
    def name(self) -> str:
        return f"{'exercise' if self.checks else 'lesson'} {self.number} · {self.title}"

    @property
    def keys(self) -> list[str]:
        """What its checks are remembered under: ``"score_pairs.check_build_pairs"``."""
        return [f"{self.slug}.{function}" for function, _ in self.checks]


def _read_steps() -> tuple[Step, ...]:
    rows = json.loads(files("rerank_course.learner").joinpath("course.json").read_text(encoding="utf-8"))
    return tuple(_step(row) for row in rows)


def _step(row: dict) -> Step:
    checks = _pairs(row.get("checks", ()))
    return Step(
        row["number"], row["name"], row["title"], checks, row.get("in_words", ""), row.get("points", 0)
    )


def _pairs(rows: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((function, title) for function, title in rows)


COURSE = _read_steps()
EXERCISES = tuple(step for step in COURSE if step.checks)


def title_of(slug: str) -> str:
    """The heading of a lesson or an exercise, by the name of its source."""
    return next(step.title for step in COURSE if step.slug == slug)
