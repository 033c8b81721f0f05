"""The names that learning platforms give to what they export: whose a file is, which attempt, and if late.

Canvas: ``limaana_LATE_11_501_ex07.ipynb``: name, late or not, the student's number, the file's, its name.
    instructure/canvas-lms, lib/content_zipper.rb.
Moodle: ``Ana Lima_12345_assignsubmission_file_/ex07.ipynb``, a folder or flat; since 4.1 without the last _.
    moodle/moodle, mod/assign/feedback/file/importziplib.php.
Blackboard: ``Exercise 7_alima_attempt_2026-11-01-10-00-00_ex07.ipynb``, and a .txt beside it.
    nbgrader, plugins/zipcollect.py; kwurst/bb-file-cleanup, BbCleanup.py.
nbgrader: ``alima+ex07+2026-11-01 10:00:00.000000 UTC+random/``.
    nbgrader, exchange/default/submit.py.
GitHub Classroom: repositories ``exercise-alima``, in ``exercise-submissions`` if its own command cloned them.
Google Classroom: folders of people, or ``Ana Lima - ex07.ipynb``, in a download from Drive, whose name ends
    with a time: ``drive-download-20261101T100000Z-001.zip``.
"""

import re
from dataclasses import dataclass

CANVAS = re.compile(
    r"(?P<name>\w*?)_(?:(?P<late>LATE)_)?(?P<id>\d+)_(?P<attempt>\d+)_(?P<file>.+)", re.DOTALL
)
CANVAS_ANONYMOUS = re.compile(
    r"(?:(?P<late>LATE)_)?anon_(?P<id>\w{5})_(?P<attempt>\d+)_(?P<file>.+)", re.DOTALL
)
CANVAS_TYPED = re.compile(r"(?P<name>\w*?)_(?:(?P<late>LATE)_)?(?P<id>\d+)_(?P<file>(?:text|link)\.html)")
MOODLE = re.compile(
    r"(?P<name>.*?)_(?P<id>\d+)_assign(?P<what>submission|feedback)_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?",
    re.DOTALL,
)
BLACKBOARD = re.compile(
    r"(?P<before>.+)_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|(?P<facts>\.txt))", re.DOTALL
)
BLACKBOARD_FACTS = re.compile(r"^Name: (?P<name>.*) \((?P<login>[^()\n]*)\)\s*$", re.MULTILINE)
NBGRADER = re.compile(
    r"(?P<id>[^+]+)\+(?P<assignment>[^+]+)"
    r"\+(?P<attempt>\d{4}-\d\d-\d\d[ _T]\d\d.\d\d.\d\d[^+]*)(?:\+(?P<rest>.+))?"
)
DRIVE = re.compile(r"(drive-download|.+)-\d{8}T\d{6}Z(-\d+)*")


@dataclass
class Mark:
    """What a platform's name says of a file or folder."""

    platform: str
    name: str  # of the student, as the platform writes it
    id: str  # of the student, or of the student's part in one assignment (Moodle)
    file: str = ""  # what the student called it; "" for a folder
    late: bool = False
    attempt: str = ""  # compared with others of the same platform: the greatest is the last
    assignment: str = ""
    why_not: str = ""  # nothing to grade: why

    @property
    def order(self) -> tuple[int, str]:
        """Attempts in their order: numbers by size, times as text."""
        return len(self.attempt) if self.attempt.isdigit() else 0, self.attempt


def mark_of(name: str) -> Mark | None:
    """What a name says if a platform made it; None if none did.

    Blackboard's ``id`` is all that stands before ``_attempt_``, since assignments and logins both may hold
    ``_``: ``whose`` takes it apart.
    """
    for read in (_moodle, _blackboard, _nbgrader, _canvas):
        if mark := read(name):
            return mark
    return None


def _moodle(name: str) -> Mark | None:
    if not (found := MOODLE.fullmatch(name)):
        return None
    why = ""
    if found["what"] == "feedback":
        why = "it is feedback that was given before"
    elif found["plugin"] != "file":
        why = f"it was typed into Moodle ({found['plugin']}); ask for the notebook as a file"
    return Mark("Moodle", found["name"].strip(), found["id"], found["file"] or "", why_not=why)


def _blackboard(name: str) -> Mark | None:
    if not (found := BLACKBOARD.fullmatch(name)):
        return None
    why = "Blackboard's own facts about an attempt" if found["facts"] else ""
    file = found["file"] or name
    return Mark("Blackboard", "", found["before"], file, attempt=found["attempt"], why_not=why)


def _nbgrader(name: str) -> Mark | None:
    if not (found := NBGRADER.fullmatch(name)):
        return None
    return Mark(
        "nbgrader", found["id"], found["id"], attempt=found["attempt"], assignment=found["assignment"]
    )


def _canvas(name: str) -> Mark | None:
    if found := CANVAS_ANONYMOUS.fullmatch(name):
        return Mark("Canvas", "anon", found["id"], found["file"], bool(found["late"]), found["attempt"])
    if found := CANVAS_TYPED.fullmatch(name):
        why = "it was typed into Canvas; ask for the notebook as a file"
        return Mark("Canvas", found["name"], found["id"], found["file"], bool(found["late"]), why_not=why)
    if found := CANVAS.fullmatch(name):
        return Mark(
            "Canvas", found["name"], found["id"], found["file"], bool(found["late"]), found["attempt"]
        )
    return None


def facts_of_blackboard(text: str) -> tuple[str, str]:
    """(name, login) in the .txt that Blackboard puts beside an attempt; ("", "") if they are not in it."""
    found = BLACKBOARD_FACTS.search(text)
    return (found["name"].strip(), found["login"].strip()) if found else ("", "")
