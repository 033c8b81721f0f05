"""How long a lesson takes: counted in the built notebook, and compared with what the outline says.

Reading at 200 words a minute (the text of cells, answers of quizzes included, code not), half a minute for
each prediction, a quarter for each code cell, and the seconds that the cells ran in the last build.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.build.outline import ROOT, Lesson, Outline
from tools.build.sources import PREDICT

WORDS_A_MINUTE = 200
PREDICTION = 0.5
CODE_CELL = 0.25
LONGEST = 45
LARGEST_DIFFERENCE = 3  # from what the outline says, which is a multiple of five
# Fenced code, pictures with their texts, where links lead and what they say when pointed at, tags.
NO_WORDS = re.compile(
    r"""```.*?```|!\[[^\]]*\]\([^)]*\)|\]\((?:"(?:\\.|[^"])*"|\([^)]*\)|[^)"])*\)|</?[a-z][^>]*>|https?://\S+""",
    re.DOTALL,
)
WORD = re.compile(r"[^\s|]*\w[^\s|]*")


@dataclass(frozen=True)
class Count:
    """What a reader's time goes to."""

    words: int
    predictions: int
    cells: int
    seconds: int

    @property
    def minutes(self) -> float:
        asked = PREDICTION * self.predictions + CODE_CELL * self.cells
        return self.words / WORDS_A_MINUTE + asked + self.seconds / 60

    def __str__(self) -> str:
        made_of = f"{self.words} words, {self.predictions} predictions, {self.cells} cells, {self.seconds} s"
        return f"{self.minutes:.1f} minutes by the count ({made_of})"


def count(notebook: NotebookNode) -> Count:
    """The count for a built notebook."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return Count(
        words=sum(len(WORD.findall(NO_WORDS.sub(" ", text))) for text in texts),
        predictions=sum(text.count(PREDICT) for text in texts),
        cells=sum(cell.cell_type == "code" for cell in notebook.cells),
        seconds=notebook.metadata.get("rerank_course", {}).get("seconds", 0),
    )


def fault(lesson: Lesson, counted: Count) -> str:
    """What is wrong with the minutes that the outline gives a lesson; "" if nothing is."""
    if counted.minutes > LONGEST:
        return f"more than {LONGEST}: cut what teaches least"
    if lesson.minutes % 5 or abs(counted.minutes - lesson.minutes) > LARGEST_DIFFERENCE:
        return f"write {max(5, 5 * round(counted.minutes / 5))} into the outline"
    return ""


def compared(outline: Outline, root: Path = ROOT) -> list[str]:
    """A line for each built lesson: the count beside the outline's minutes."""
    lines = []
    for lesson, built in _built(outline, root):
        counted = count(built)
        wrong = fault(lesson, counted)
        said = f"{lesson.number} {lesson.name}: {counted}, {lesson.minutes} in the outline"
        lines.append(said + (f": {wrong}" if wrong else ""))
    return lines


def _built(outline: Outline, root: Path) -> list[tuple[Lesson, NotebookNode]]:
    paths = [(lesson, root / "notebooks" / lesson.file) for lesson in outline.lessons]
    return [(lesson, nbformat.read(path, as_version=4)) for lesson, path in paths if path.exists()]
