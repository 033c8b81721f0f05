"""Which exercise a file answers: by its name, by what the build wrote into it, or by a number.

An exercise is called ``exNN_name``; the number is its lesson's, and has changed before. So a name counts for
more than what the build wrote, and that for more than a bare number, which is read as it is today.
"""

import re
from collections.abc import Collection


def name_of(exercise: str) -> str:
    """An exercise's name without its number: the one of its source in lessons/exercises/."""
    return re.sub(r"^ex\d\d_", "", exercise)


def which_exercise(file_name: str, content: bytes | None, exercises: Collection[str]) -> str:
    """The exercise that a notebook answers; "" if none fits.

    Args:
        file_name: without its ending.
        content: of the file, if it can be read.
        exercises: their names, with numbers.
    """
    plain = re.sub(r"[\s-]+", "_", file_name.lower())
    named = (exercise for exercise in exercises if name_of(exercise) in plain)
    return next(named, "") or _by_source(content, exercises) or _by_number(plain, exercises)


def _by_source(content: bytes | None, exercises: Collection[str]) -> str:
    """By the source that the build names in a notebook: ``exercises/name.py``, once ``…/exNN_name.py``."""
    text = (content or b"").decode("utf-8", errors="replace")
    built = set(re.findall(r"exercises/(?:ex\d\d_)?(\w+)\.py", text))
    return next((exercise for exercise in exercises if name_of(exercise) in built), "")


def _by_number(plain: str, exercises: Collection[str]) -> str:
    number = re.search(r"ex(\d\d)(?!\d)", plain)
    return next((e for e in exercises if number and e.startswith(f"ex{number[1]}_")), "")
