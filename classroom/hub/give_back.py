"""Give the pages that `make grade` wrote to nbgrader: `python -m classroom.hub.give_back CLASS`.

CLASS holds ``submitted/``, as `nbgrader collect` fills it, and ``grading/``, what `make grade` made of it.
Each student's page goes to ``feedback/``, beside the secret by which nbgrader knows the submission that it
answers; `nbgrader release_feedback` sends it on. nbgrader wants a page for each notebook: all of a student's
are the same page, which holds all exercises.
"""

import html
import re
import shutil
import sys
from pathlib import Path

from classroom.tables import TableError, fused, read_table

TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
MARKS = ("timestamp.txt", "submission_secret.txt")  # how nbgrader recognises a submission
FILES = "files.csv"


def give_back(folder: Path) -> list[Path]:
    """Fill ``folder/feedback``, anew each time; the pages that were written.

    Raises:
        TableError: the submissions have not been graded.
    """
    submitted, grading, feedback = (folder / name for name in ("submitted", "grading", "feedback"))
    pages = {_whose(page): page for page in sorted((grading / "feedback").glob("*.html"))}
    shutil.rmtree(feedback, ignore_errors=True)
    written = []
    for file, student, *_ in read_table(grading / FILES)[1:]:
        notebook = submitted / fused(file)
        page = pages.get(fused(student))
        if page is None or notebook.suffix != ".ipynb" or not _is_marked(notebook.parent):
            continue
        answer = feedback / notebook.parent.relative_to(submitted) / f"{notebook.stem}.html"
        answer.parent.mkdir(parents=True, exist_ok=True)
        for source, target in [
            (page, answer),
            *((notebook.parent / mark, answer.parent / mark) for mark in MARKS),
        ]:
            shutil.copyfile(source, target)
            target.chmod(0o644)  # what the exchange gets keeps its mode, and the student has to read it
        written.append(answer)
    return written


def _whose(page: Path) -> str:
    """The student's name as the page has it: the file's own name may lack letters of it."""
    found = TITLE.search(page.read_text(encoding="utf-8"))
    return html.unescape(found[1]).strip() if found else page.stem


def _is_marked(folder: Path) -> bool:
    return all((folder / mark).is_file() for mark in MARKS)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(
            "Say where submitted/ and grading/ are: python -m classroom.hub.give_back CLASS", file=sys.stderr
        )
        return 2
    try:
        written = give_back(Path(arguments[0]))
    except TableError as error:
        print(f"Nothing to give back: {error} Run make grade first.", file=sys.stderr)
        return 1
    students = {page.parent for page in written}
    print(f"{len(written)} pages of {len(students)} students. Send them: nbgrader release_feedback exercises")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
