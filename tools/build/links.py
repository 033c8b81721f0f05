"""What a source says by name, and a built notebook by number: titles, minutes, points, links.

In a lesson's or an exercise's text:

    # {title}                           the numbered heading
    {minutes}, {points}                 from the outline, and summed over the exercise's cells
    [](lesson:batch_scoring)            [lesson 03](03_batch_scoring.ipynb); Lesson: begins a sentence
    [](exercise:score_pairs)            [exercise 02](../exercises/ex02_score_pairs.ipynb)
    [{number} · {title}](lesson:…)      a link with a text of its own
    [](solution:score_pairs)            `solutions/ex02_score_pairs.ipynb`, no link: a class's copy has none
    [](next:)                           the lesson's exercise and the lesson after it
"""

import re

from tools.build.outline import Exercise, Lesson, Outline

LINK = re.compile(r"\[([^\]]*)\]\(([Ll]esson|[Ee]xercise|solution|next):(\w*)\)")
NUMBERED = re.compile(r"\b(?:lessons?|exercises?)\s+\d\d\b|\bex\d\d\b|\b\d\d_[a-z]+\w*\.ipynb", re.IGNORECASE)


def resolve(text: str, here: Lesson | Exercise, outline: Outline, points: float = 0) -> str:
    """A markdown cell's text with numbers in the place of names.

    Args:
        here: the lesson or exercise that the text stands in; links are relative to its folder.
        points: of the whole exercise.

    Raises:
        OutlineError: a name that the outline does not have.
    """
    heading = f"{here.number} · {here.title}"
    heading = f"Exercise {heading}" if isinstance(here, Exercise) else heading
    text = re.sub(r"^# \{title\}$", f"# {heading}", text, flags=re.MULTILINE)
    text = LINK.sub(lambda found: _link(found[1], found[2], found[3], here, outline), text)
    return text.replace("{minutes}", str(here.minutes)).replace("{points}", f"{points:g}")


def numbers_in(text: str) -> list[str]:
    """Numbers of lessons and exercises that stand in a source as such; they would be wrong after a move."""
    return NUMBERED.findall(text)


def _link(text: str, kind: str, name: str, here: Lesson | Exercise, outline: Outline) -> str:
    if kind == "next":
        return _next(here, outline)
    if kind == "solution":
        return f"`solutions/{outline.exercise(name).file}`"
    is_lesson = kind.lower() == "lesson"
    there = outline.lesson(name) if is_lesson else outline.exercise(name)
    text = text or f"{kind} {{number}}"
    text = text.replace("{number}", there.number).replace("{title}", there.title)
    return f"[{text}]({_path(there, here)})"


def _path(there: Lesson | Exercise, here: Lesson | Exercise) -> str:
    if type(there) is type(here):
        return there.file
    return f"../notebooks/{there.file}" if isinstance(there, Lesson) else f"../exercises/{there.file}"


def _next(here: Lesson | Exercise, outline: Outline) -> str:
    if not isinstance(here, Lesson):
        return ""
    steps = []
    if here.exercise:
        title = f"Exercise {here.number} · {here.exercise.title}"
        steps.append(f"[{title}](../exercises/{here.exercise.file})")
    following = outline.after(here)
    if following:
        steps.append(f"[{following.number} · {following.title}]({following.file})")
    return ", then ".join(steps) + "." if steps else "this was the last lesson."
