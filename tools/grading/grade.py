"""Grade what a class handed in: `make grade SUBMISSIONS=folder [OUT=folder]`.

Reads one folder or one zip for each student, or flat files ``student__exercise.ipynb``. Writes to OUT:

    grades.csv             one line for each student and exercise
    needs_a_teacher.csv    answers to read, submissions that could not be graded, and what looks odd
    feedback/<student>.html

Each submission runs in a process (grade_one.py) and, where the system allows it, a sandbox of its own
(sandbox.py); limits.py says what it may take. Each result is kept in OUT/.results as soon as it is there: a
run that was stopped goes on where it was, and only what has changed is graded again.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from classroom.archives import is_archive
from classroom.reading import Hints
from classroom.roster import Roster, RosterError, read_roster
from classroom.whose import Question
from tools.grading import sandbox
from tools.grading.exercises import prepare
from tools.grading.graders import ROOT, Graders, make_models
from tools.grading.limits import LIMITS
from tools.grading.reports import write_reports
from tools.grading.results import Kept, Result, refusal
from tools.grading.submissions import Submission, read_handed_in

NO_WINDOWS = (
    "submissions are strangers' code, and Windows has none of the limits that they run under. "
    "Grade on Linux, on macOS or in WSL"
)
NO_SANDBOX = (
    "This system allows no sandbox: submissions run with limits, but with the network and your files in "
    "reach. See docs/sandbox.md."
)


class Grading:
    """One run over a folder of submissions."""

    def __init__(
        self,
        submissions: Path,
        out: Path,
        root: Path = ROOT,
        limits: dict | None = None,
        jobs: int = 0,
        isolated: bool | None = None,
        roster: Roster | None = None,
        hints: Hints | None = None,
    ) -> None:
        """
        Args:
            submissions, out: folders.
            root: of the course.
            limits: instead of those in limits.py with the same names.
            jobs: submissions at a time; 0 for as many as there are cores.
            isolated: whether to use the sandbox; None to find out whether there is one.
            roster: the class list.
            hints: what the teacher says of the inbox, where its names leave a question.
        """
        self.roster, self.hints = roster, hints
        self.submissions, self.out, self.root, self.limits = submissions, out, root, LIMITS | (limits or {})
        self.jobs = jobs or max(1, os.cpu_count() or 1)
        self.isolated = sandbox.can_isolate() if isolated is None else isolated

    def run(self) -> list[Result]:
        """Grade what has not been graded yet, write the reports, return all results.

        Raises:
            Question: whose some files are cannot be told.
        """
        kept_folder = self.out / ".results"
        kept_folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="grading-") as scratch:
            exercises = prepare(Path(scratch), self.root)
            handed_in = read_handed_in(self.submissions, exercises, self.roster, self.hints)
            found = handed_in.submissions
            kept = Kept(kept_folder, exercises, self.limits)
            results = [kept.find(submission) for submission in found]
            waiting = [index for index, result in enumerate(results) if result is None]
            print(f"{len(found)} submissions; {len(found) - len(waiting)} were graded before.", flush=True)
            done = self._grade_all([found[index] for index in waiting], kept, Path(scratch))
            for number, (place, result) in enumerate(done, start=1):
                results[waiting[place]] = result
                line = f"{result.student}  {result.exercise}  {result.score}  {result.status}"
                print(f"  {number}/{len(waiting)}  {line}", flush=True)
            graded = [result for result in results if result is not None]
            write_reports(graded, self.out, handed_in, exercises, self.root)
        return graded

    def _grade_all(
        self, submissions: list[Submission], kept: Kept, scratch: Path
    ) -> Iterator[tuple[int, Result]]:
        """(place in the list, result) of each submission, in the order in which they are done."""
        if not submissions:
            return
        make_models()
        with (
            Graders(scratch, self.root, self.limits, self.isolated) as graders,
            ThreadPoolExecutor(self.jobs) as pool,
        ):
            running = {
                pool.submit(_grade, submission, kept, graders): place
                for place, submission in enumerate(submissions)
            }
            for done in as_completed(running):
                yield running[done], done.result()


def _grade(submission: Submission, kept: Kept, graders: Graders) -> Result:
    """Grade one submission, and keep the answer if it is one."""
    answer = refusal(submission.refused)
    if not submission.refused:
        exercise, graded = kept.exercises[submission.exercise], kept.notebook(submission)
        answer = graders.grade(submission.content or b"", exercise, graded)
    if not answer.pop("again", False):
        kept.keep(submission, answer)
    return kept.result(submission, answer)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Grade what a class handed in.")
    given = "a folder with one folder or zip per student, or with files student__exercise.ipynb"
    written = "where to write grades.csv, needs_a_teacher.csv and feedback/"
    parser.add_argument("submissions", type=Path, help=given)
    parser.add_argument("out", type=Path, nargs="?", default=Path("grading"), help=written)
    parser.add_argument(
        "--jobs", type=int, default=0, help="submissions at a time (as many as there are cores)"
    )
    parser.add_argument("--seconds", type=int, default=LIMITS["seconds"], help="for one submission")
    parser.add_argument("--cell-seconds", type=int, default=LIMITS["cell_seconds"], help="for one cell")
    parser.add_argument("--roster", type=Path, help="the class list, as CSV")
    folders = "what each folder or archive at the top of the inbox is: one student's, or a class's"
    parser.add_argument("--folders", choices=("students", "class"), default="", help=folders)
    names = "a pattern for names of files and folders, with the group student: '(?P<student>.+)_ex'"
    parser.add_argument("--names", default="", help=names)
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    return parser


def _pattern(text: str, parser: argparse.ArgumentParser) -> str:
    try:
        if text and "student" not in re.compile(text).groupindex:
            parser.error(f"the pattern {text!r} has no group student: write (?P<student>...) for the name")
    except re.error as error:
        parser.error(f"the pattern {text!r} is none: {error}")
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if sys.platform == "win32":
        parser.error(NO_WINDOWS)
    if options.out.resolve().is_relative_to(options.submissions.resolve()):
        parser.error(
            f"{options.out} lies in the inbox. Write elsewhere: make grade SUBMISSIONS=folder OUT=folder"
        )
    is_one_archive = options.submissions.is_file() and is_archive(options.submissions.name)
    if not (options.submissions.is_dir() or is_one_archive):
        parser.error(
            f"{options.submissions} is not a folder. "
            "Give the folder that holds the submissions: make grade SUBMISSIONS=folder"
        )
    started = time.monotonic()
    limits = {"seconds": options.seconds, "cell_seconds": options.cell_seconds}
    try:
        roster = read_roster(options.roster) if options.roster else None
        hints = Hints(options.folders, _pattern(options.names, parser))
    except RosterError as error:
        parser.error(str(error))
    grading = Grading(
        options.submissions, options.out, options.root, limits, options.jobs, roster=roster, hints=hints
    )
    if not grading.isolated:
        print(NO_SANDBOX)
    try:
        results = grading.run()
    except Question as question:
        print(f"Nothing was graded: the inbox leaves a question.\n{question}", file=sys.stderr)
        return 2
    refused = sum(1 for result in results if result.refused)
    seconds = f"{time.monotonic() - started:.0f} s"
    print(f"{len(results) - refused} graded, {refused} not, in {seconds}. Written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
