"""A certificate of completion: one page, made from the learner's own progress.

It is a statement of the learner's, and says so: the file of progress is theirs, and who runs a worked
solution passes its checks too. A grade comes from a teacher, who grades with other data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rerank_course import __version__
from rerank_course.learner.course import EXERCISES, Step
from rerank_course.learner.progress_name import chosen_name
from rerank_course.texts.templates import template

PAGE = Path(__file__).with_name("certificate.html")  # on A4 and on Letter one page


class NotCompleteError(ValueError):
    """Checks are missing; the message names the exercises."""


@dataclass(frozen=True)
class Row:
    """An exercise as the certificate shows it, with the day on which its last check was passed."""

    exercise: Step
    day: str


def missing(passed: Mapping[str, datetime]) -> list[str]:
    """A line for each exercise with open checks: how many, and the titles of their parts."""
    lines = []
    for step in EXERCISES:
        titles = [title for key, (_, title) in zip(step.keys, step.checks) if key not in passed]
        if titles:
            lines.append(f"{step.name}: {len(titles)} of {len(step.checks)} open ({'; '.join(titles)})")
    return lines


def certificate(name: str, passed: Mapping[str, datetime], today: datetime | None = None) -> str:
    """The page as HTML, for a browser or a printer; nothing in it comes from elsewhere.

    Args:
        name: as the learner writes it, in any script.
        passed: as ``progress.passed_checks`` gives it.
        today: the day on which it is made; ``None`` takes this machine's.

    Raises:
        NotCompleteError: checks are missing.
        ValueError: the name is empty, too long, or cannot be shown.
    """
    name = chosen_name(name)
    if open_exercises := missing(passed):
        raise NotCompleteError(
            "Not all checks are passed yet. Missing:\n" + "\n".join(f"  {line}" for line in open_exercises)
        )
    days = [passed[key] for step in EXERCISES for key in step.keys]
    return template(PAGE).render(
        name=name,
        rows=[Row(step, _day(max(passed[key] for key in step.keys))) for step in EXERCISES],
        in_words=any(step.in_words for step in EXERCISES),
        first=_day(min(days)),
        last=_day(max(days)),
        made=_day(today or datetime.now().astimezone()),
        version=__version__,
    )


def write_certificate(file: Path, page: str, replace: bool = False) -> None:
    """Write the page.

    Raises:
        FileExistsError: the file is there, and it is not to be replaced.
        OSError: it cannot be written.
    """
    with file.open("w" if replace else "x", encoding="utf-8", newline="\n") as stream:
        stream.write(page)


def _day(when: datetime) -> str:
    """A day that is read alike everywhere."""
    return f"{when.astimezone():%Y-%m-%d}"
