"""A class that is made up goes through the teacher's week: `python -m tests.classroom.week [SIZE]`.

From the hand-out to the gradebook, with the course's own exercise, real grading, every platform's form of
export, and a tenth of the files broken. Prints what each step took. The test does it with a small class.
"""

import csv
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from classroom.handout import FOLDER, write_handout
from classroom.room_folder import SharedFolder
from classroom.room_page import page, table
from classroom.roster import read_roster
from rerank_course.learner.course import EXERCISES
from rerank_course.learner.sharing import share
from tests.classroom import platform_imports
from tests.lessons.built import OUTLINE
from tests.support import ROOT, school
from tests.tools.grading.toy_course import read_rows
from tools.grading.grade import Grading
from tools.grading.results import Result

EXERCISE = OUTLINE.exercise("judge_a_ranking")  # it has an answer in words
NAME = EXERCISE.file.removesuffix(".ipynb")
WRONG = "reciprocal-rank"  # the part that some leave as it was
# A tenth of thirty. Two have one name, which some forms cannot tell apart: theirs are never graded.
BROKEN = {4: b"not JSON at all", 9: b"7z\xbc\xaf'\x1c", 10: b""}
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Week:
    """One class, its folders, and the seconds that each step took.

    Args:
        folder: an empty one; all is written below it.
        size: of the class, 30 at most. The last one hands in nothing.
        platforms: functions of tests.support.school that export what the class hands in.
    """

    def __init__(self, folder: Path, size: int, platforms=school.PLATFORMS) -> None:
        self.folder, self.platforms = folder, platforms
        self.pupils = school.make_class(size)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[step] = time.monotonic() - began

    def run(self) -> None:
        """The week from its first day to its last; every step asserts what a teacher would see."""
        with self.timed("hand-out"):
            self.hand_out()
        with self.timed("the room: sharing, and looking"):
            self.look_at_the_room()
        self.work()
        with self.timed(f"grading, {self.platforms[0].__name__}"):
            self.grade(self.platforms[0])
        with self.timed("words read, and graded again"):
            self.read_words()
        for platform in self.platforms[1:]:
            with self.timed(f"the same from {platform.__name__}"):
                self.grade(platform)

    def hand_out(self) -> None:
        write_handout(self.folder / "reranking-course.zip")
        with zipfile.ZipFile(self.folder / "reranking-course.zip") as archive:
            archive.extractall(self.folder / "handed-out")
        self.exercise = nbformat.read(
            self.folder / "handed-out" / FOLDER / "exercises" / EXERCISE.file, as_version=4
        )

    def look_at_the_room(self) -> None:
        """Each shares; a tenth of the files is broken."""
        room = self.folder / "room"
        room.mkdir()
        for pupil in self.pupils:
            keys = [key for step in EXERCISES[: pupil.number % 4] for key in step.keys]
            home = self.folder / "homes" / str(pupil.number)
            shared = share(home, room, pupil.name, dict.fromkeys(keys, NOW - timedelta(minutes=pupil.number)))
            if pupil.number in BROKEN:
                shared.file.write_bytes(BROKEN[pupil.number])
        found = SharedFolder(room).look()
        assert len(found.unreadable) == len(self.broken)
        assert len(found.learners) == len(self.pupils) - len(self.broken)
        assert all(pupil.name in page(found, room, NOW) for pupil in self.pupils if pupil.number in (1, 2))
        assert table(found, NOW).count("unreadable") == len(self.broken)

    @property
    def broken(self) -> list[school.Pupil]:
        return [pupil for pupil in self.pupils if pupil.number in BROKEN]

    def work(self) -> None:
        """Each writes what stands in the solution, every fifth not all of it; the last hands in nothing."""
        solution = nbformat.read(ROOT / "solutions" / EXERCISE.file, as_version=4)
        written = {
            mark.grade_id: cell.source
            for cell in solution.cells
            if (mark := cell.metadata.get("nbgrader")) and mark.solution
        }
        for pupil in self.pupils[:-1]:
            notebook = self.solved(written, leave_out=WRONG if pupil.number % 5 == 0 else "", who=pupil.login)
            content = BROKEN.get(pupil.number, nbformat.writes(notebook).encode())
            pupil.files = {f"{NAME}.7z" if content.startswith(b"7z") else EXERCISE.file: content}
        self.pupils[1].late = True

    def solved(self, written: dict[str, str], leave_out: str, who: str) -> NotebookNode:
        """The handed out exercise with a learner's answers, which are nobody else's word for word."""
        notebook = nbformat.from_dict(self.exercise)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in written and name != leave_out:
                cell.source = f"{written[name]}\n" + (f"# {who}" if cell.cell_type == "code" else who)
        return notebook

    def grade(self, platform) -> list[Result]:
        inbox, roster = self.folder / f"inbox-{platform.__name__}", self.folder / "class.csv"
        platform(inbox, self.pupils)
        listed = school.moodle_roster if "moodle" in platform.__name__ else school.canvas_roster
        roster.write_text(listed(self.pupils), encoding="utf-8", newline="")
        out = self.folder / "grading"
        results = Grading(inbox, out, roster=read_roster(roster)).run()
        points = Counter(result.points for result in results if not result.refused)
        wrong = [p for p in self.pupils[:-1] if p.number % 5 == 0 and p.number not in BROKEN]
        right = len(self.pupils) - 1 - len(self.broken) - len(wrong)
        assert len(results) == len(self.pupils) - 1, platform.__name__
        assert sum(bool(result.refused) for result in results) == len(self.broken)
        assert points[max(points)] == right and sum(points.values()) == right + len(wrong)
        rows = read_rows(out / "gradebook" / "totals.csv")
        assert {pupil.name for pupil in self.pupils[:3]} <= {row["student"] for row in rows}
        return results

    def read_words(self) -> None:
        """The teacher fills the sheet in; the points reach the file that goes back to the platform."""
        sheet, out = self.folder / "grading" / "written_answers.csv", self.folder / "grading"
        rows = read_rows(sheet)
        assert len(rows) == len(self.pupils) - 1 - len(self.broken)
        self.fill(sheet, rows)
        before = self.imported(out)
        self.grade(self.platforms[0])
        after = self.imported(out)
        gained = {name: float(after[name]) - float(before[name]) for name in after if before[name]}
        assert set(gained.values()) == {2.0} and len(gained) == len(rows)

    @staticmethod
    def fill(sheet: Path, rows: list[dict[str, str]]) -> None:
        with sheet.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0].keys())
            writer.writeheader()
            writer.writerows(row | {"points": "2", "comment": "Read."} for row in rows)

    def imported(self, out: Path) -> dict[str, str]:
        """What Canvas takes from the file for it: {its number of a student: grade}."""
        book = platform_imports.canvas_gradebook(out / "gradebook" / "import_canvas.csv")
        return {number: grades[NAME] for number, grades in book.items()}


def main(arguments: list[str]) -> int:
    size = int(arguments[0]) if arguments else 30
    with tempfile.TemporaryDirectory(prefix="week-") as folder:
        week = Week(Path(folder), size)
        try:
            week.run()
        finally:
            for step, seconds in week.seconds.items():
                print(f"{seconds:8.1f} s  {step}")
    print(f"{sum(week.seconds.values()):8.1f} s  in all, for a class of {size}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
