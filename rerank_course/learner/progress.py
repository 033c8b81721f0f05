"""Which checks you have passed, and what comes next.

It stands in one small file of yours on this machine, and nothing is sent anywhere. Who asks for it has a copy
in a folder that they share: see ``sharing``.
A bookmark, not a proof: who runs a worked solution passes its checks too, since a check sees a function and
not its author. Grading never reads the file.
"""

import json
import os
import sys
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path

import filelock
import platformdirs

from rerank_course.learner.course import COURSE, EXERCISES, Step
from rerank_course.learner.sharing_renewal import renew

PROGRESS_VARIABLE = "RERANK_COURSE_PROGRESS"
FILE_NAME = "progress.json"
FORMAT = "rerank_course progress 2"
# The first format named exercises by the numbers of that time. Such a file is read, and written anew when
# the next check is passed.
OLD_FORMAT = "rerank_course progress 1"
OLD_NAMES = {
    "ex02": "score_pairs",
    "ex03": "rerank_documents",
    "ex04": "judge_a_ranking",
    "ex05": "cosine_comparison",
    "ex06": "long_document",
    "ex07": "hosted_with_fallback",
}
LOCK_SECONDS = 10


class UnreadableProgressError(ValueError):
    """The file is damaged, or was written by something else."""


def progress_file() -> Path | None:
    """Where progress is kept: ``$RERANK_COURSE_PROGRESS``, a folder, else the user's data folder.

    ``None``, nothing is kept, if the variable is empty.

    Raises:
        ValueError: the folder is no full path, so that each notebook would have a file of its own.
    """
    chosen = os.environ.get(PROGRESS_VARIABLE)
    if chosen == "":
        return None
    folder = Path(chosen or platformdirs.user_data_dir("rerank_course")).expanduser()
    if not folder.is_absolute():  # also where there is no home folder: then "~" stays as it is
        raise ValueError(
            f"{folder} is no full path. Set the environment variable {PROGRESS_VARIABLE} to a folder "
            "of yours, from the root on."
        )
    return folder / FILE_NAME


def passed_checks() -> dict[str, datetime]:
    """{"score_pairs.check_build_pairs": when it was first passed, …}.

    Raises:
        UnreadableProgressError: the file is damaged or not this course's.
        OSError: it may not be read.
    """
    file = progress_file()
    return {} if file is None else _read(file)


def remember(key: str) -> None:
    """Note that a check, for example "score_pairs.check_build_pairs", was passed now, unless it was before.

    Safe when several kernels do it at once. Never fails: a check must not depend on a disk. What could not be
    kept is said in one line, once. Where the learner shares progress, the shared file follows soon.
    """
    if not any(key in step.keys for step in EXERCISES):
        return
    try:
        file = progress_file()
        if file is not None:
            _add(file, key)
            renew(file.parent, lambda: _read(file))
    except (OSError, ValueError, RuntimeError) as error:  # filelock and pathlib raise the last
        _say_once(f"(Passed, but your progress is not kept: {error})")


def forget() -> int:
    """Forget all of it; how many checks had been passed. An unreadable file is kept aside.

    Raises:
        OSError: the file may not be removed.
    """
    file = progress_file()
    if file is None or not file.exists():
        return 0
    with _locked(file):
        number = len(_read_or_set_aside(file))
        file.unlink(missing_ok=True)
    renew(file.parent, lambda: _read(file))
    return number


def show_progress() -> None:
    """Print which checks are passed, and what comes next."""
    passed = {}
    try:
        passed = passed_checks()
        if progress_file() is None:
            print(f"Nothing is kept here: the environment variable {PROGRESS_VARIABLE} is empty.")
    except (OSError, ValueError, RuntimeError) as error:
        print(f"Your progress cannot be read: {error}")
    print("\n".join(report(passed)))


def report(passed: dict[str, datetime]) -> list[str]:
    """Lines of text: for each exercise the checks, with the day on which they were passed; then what comes
    next.
    """
    lines = []
    for step in EXERCISES:
        number = sum(key in passed for key in step.keys)
        lines.append(f"{step.name[0].upper()}{step.name[1:]}: {number} of {len(step.checks)} checks passed")
        if number:
            lines += _parts(step, passed)
    return [*lines, "", f"Next: {next_steps(passed)}"]


def _parts(step: Step, passed: dict[str, datetime]) -> list[str]:
    lines = []
    for place, (key, (_, title)) in enumerate(zip(step.keys, step.checks), start=1):
        day = f"{passed[key].astimezone():%Y-%m-%d}" if key in passed else ""
        lines.append(f"  {'✓' if day else '·'} {place}  {title:40} {day}".rstrip())
    if step.in_words:
        lines.append(f"    {len(step.checks) + 1}  {step.in_words:40} in words, which no check reads")
    return lines


def next_steps(passed: dict[str, datetime]) -> str:
    """The first part that is open; before an exercise that is not begun, the lessons that lead to it."""
    lessons: list[str] = []
    for step in COURSE:
        missing = [place for place, key in enumerate(step.keys) if key not in passed]
        if not step.checks:
            lessons.append(step.name)
        elif len(missing) == len(step.checks):
            return f"{', '.join(lessons)}, then {step.name}."
        elif missing:
            return f"{step.name}, part {missing[0] + 1}: {step.checks[missing[0]][1]}."
        else:
            lessons = []
    return f"{', '.join(lessons)}. All checks are passed."


def _add(file: Path, key: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with _locked(file):
        known = _read_or_set_aside(file)
        if key not in known:
            _write(file, known | {key: datetime.now(UTC)})


def _locked(file: Path) -> filelock.BaseFileLock:
    return filelock.FileLock(file.with_suffix(".lock"), timeout=LOCK_SECONDS)


def _read_or_set_aside(file: Path) -> dict[str, datetime]:
    """What the file holds; one that cannot be read is renamed, so that nothing is lost. The caller holds the
    lock.
    """
    try:
        return _read(file)
    except UnreadableProgressError as error:
        names = (file.with_name(f"{file.stem}-unreadable-{number}{file.suffix}") for number in count(1))
        aside = next(name for name in names if not name.exists())
        os.replace(file, aside)
        _say_once(f"({error} It is kept as {aside.name}, and your progress starts anew.)")
        return {}


def _read(file: Path) -> dict[str, datetime]:
    try:
        content = json.loads(file.read_bytes())
        if content["format"] not in (FORMAT, OLD_FORMAT):
            raise ValueError(f"its format is {content['format']!r}")
        passed = {key: datetime.fromisoformat(when) for key, when in content["passed"].items()}
        return passed if content["format"] == FORMAT else _by_name(passed)
    except FileNotFoundError:
        return {}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableProgressError(
            f"{file} does not hold this course's progress: {type(error).__name__}: {error}."
        ) from None


def _by_name(passed: dict[str, datetime]) -> dict[str, datetime]:
    """Checks of the first format under the names of their exercises."""
    split = {key: key.partition(".") for key in passed}
    return {f"{OLD_NAMES.get(first, first)}.{rest}": passed[key] for key, (first, _, rest) in split.items()}


def _write(file: Path, passed: dict[str, datetime]) -> None:
    """Whole or not at all. The caller holds the lock."""
    content = {
        "format": FORMAT,
        "passed": {key: when.isoformat(timespec="seconds") for key, when in passed.items()},
    }
    scratch = file.with_suffix(".part")
    scratch.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(scratch, file)


@cache
def _say_once(line: str) -> None:
    print(line, file=sys.stderr)
