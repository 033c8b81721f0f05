"""Whose each file of an inbox is: a platform's name, a folder, a zip, a file's name or the class list tells.

Where several readings are possible nobody guesses: ``Question`` says what was seen and which option decides.
"""

from collections.abc import Collection
from dataclasses import dataclass

from classroom.archives import unreadable_kind
from classroom.blackboard import logins_of
from classroom.naming import exercise_in
from classroom.platforms import Mark, mark_of
from classroom.reading import CLASS, FLAT, STUDENT, Hints, Reading, Who, some
from classroom.roster import Roster
from classroom.tree import File, Folder


class Question(Exception):
    """What an inbox leaves open; the text says what was seen and which option decides it."""


@dataclass
class Piece:
    """A file of the inbox, and whose it is; None for a file that is no student's."""

    file: File
    who: Who | None
    called: str  # the file's name as the student gave it
    under: str = ""  # the folders above it, which may name the exercise
    mark: Mark | None = None
    why_not: str = ""


def sort_inbox(
    root: Folder, exercises: Collection[str], roster: Roster | None = None, hints: Hints | None = None
) -> list[Piece]:
    """Every file of an inbox, with its student.

    Raises:
        Question: whose some are cannot be told.
    """
    sorter = _Sorter(exercises, roster, hints or Hints())
    sorter.sort_class(root, "", depth=0)
    sorter.check_canvas()
    if sorter.doubtful:
        sorter.open.append("\n".join([*dict.fromkeys(sorter.doubtful), ASK_FOLDERS]))
    if sorter.open:
        raise Question("\n".join(dict.fromkeys(sorter.open)))
    return sorter.pieces


class _Sorter:
    def __init__(self, exercises: Collection[str], roster: Roster | None, hints: Hints) -> None:
        self.exercises, self.roster, self.reading = exercises, roster, Reading(exercises, roster, hints)
        self.pieces: list[Piece] = []
        self.open: list[str] = []
        self.doubtful: list[str] = []  # folders of which one option decides

    def sort_class(self, folder: Folder, under: str, depth: int) -> None:
        """A folder that holds a class: each thing in it is somebody's."""
        logins = logins_of(folder, self.exercises, self.roster)
        self.open += logins.open
        under = f"{under}/{folder.title}" if depth else under
        lost: list[File] = []
        for file in folder.files:
            if file.is_leftover or (not depth and file.name.startswith(".") and not file.is_notebook):
                self._nobodys(file, file.problem or "a hidden file beside the students' folders")
            elif not self._by_name(folder, file.name, [file], under, logins):
                lost.append(file)
        self._sort_lost(folder, lost, under)
        plain = [f for f in folder.folders if not self._by_name(folder, f.name, f, under, logins)]
        for child in plain:
            self._sort_plain(folder, child, plain, under, depth)

    def _by_name(self, parent: Folder, name: str, what, under: str, logins) -> bool:
        """Take what a pattern or a platform's name gives away; whether it did."""
        mark = None
        if student := self.reading.by_pattern(name):
            who = Who(student)
        elif mark := mark_of(name):
            who = _who(mark, parent, logins)
        else:
            return False
        called = mark.file if mark and mark.file else name
        self._take(what, who, called, f"{under}/{mark.assignment if mark else ''}", mark)
        return True

    def _take(self, what, who: Who, called: str, under: str, mark: Mark | None = None) -> None:
        """All files of a folder, or a list of files, are one student's."""
        if isinstance(what, Folder):
            for file in what.all_files():
                inner = file.origin[len(what.origin) :].rpartition("/")[0]
                name = called if file.origin == what.origin else file.name
                why = file.problem if file.is_leftover else mark.why_not if mark else ""
                self.pieces.append(Piece(file, who, name, f"{under}/{called}{inner}", mark, why))
            if not any(True for _ in what.all_files()):
                kind = "archive" if what.is_archive else "folder"
                empty = File(
                    what.name,
                    what.origin,
                    what.modified,
                    problem=f"there is no notebook in the {kind}; it is empty",
                )
                self.pieces.append(Piece(empty, who, called, f"{under}/{called}", mark))
            return
        for file in what:
            self.pieces.append(Piece(file, who, called, under, mark, mark.why_not if mark else ""))

    def _nobodys(self, file: File, why: str) -> None:
        self.pieces.append(Piece(file, None, file.name, why_not=why))

    def _sort_lost(self, folder: Folder, files: list[File], under: str) -> None:
        """Flat files that no platform named."""
        unknown = []
        for file in files:
            stem = file.name.rsplit(".", 1)[0]
            if who := self.reading.owner_of_flat(stem):
                name = file.name.partition(FLAT)[2] if FLAT in stem else file.name
                self._take([file], who, name, under)
            elif unreadable_kind(file.name) and folder.folders and self.reading.names_someone(stem):
                self._take([file], Who(stem), file.name, under)
            elif file.is_notebook or unreadable_kind(file.name):
                unknown.append(file)
            elif file.origin == folder.origin:  # the archive itself, which could not be read
                self._take([file], Who(folder.title), file.name, under)
            else:
                self._nobodys(file, file.problem or "no notebook, and its name says nothing of a student")
        if unknown:
            self.open.append(
                f"Whose are {some(file.origin for file in unknown)}? Their names say nothing of a student. "
                "Call them student__exercise.ipynb, put each student's into a folder, or give a pattern: "
                "NAMES='(?P<student>.+)_ex'."
            )

    def _sort_plain(
        self, parent: Folder, child: Folder, siblings: list[Folder], under: str, depth: int
    ) -> None:
        """A folder or archive of which no platform made the name: a student's, or a class."""
        kind = self.reading.kind(parent, child, siblings, depth)
        if kind == CLASS:
            self.sort_class(child, under, depth + 1)
        elif kind == STUDENT:
            self._take(child, self._student_of(parent, child, siblings), child.name, under)
        else:
            self.doubtful.append(kind)

    def _student_of(self, parent: Folder, child: Folder, siblings: list[Folder]) -> Who:
        """Whose a student's folder is: a repository's name begins with the assignment's."""
        name, title = child.title, child.title
        if parent.name.endswith("-submissions") and name.startswith(parent.name[: -len("submissions")]):
            title = name[len(parent.name) - len("submissions") :]
        elif rest := exercise_in(name, self.exercises)[1]:
            title = rest
        if title == name and child.is_repository and self.reading.known(title) is None:
            others = [other.name for other in siblings if other.is_repository]
            title = name[len(_common_start(others)) :] if len(others) > 1 else title
        return Who(title, handle=title)

    def check_canvas(self) -> None:
        """A number that stands with several names is not Canvas's number of a student."""
        names: dict[str, set[str]] = {}
        for piece in self.pieces:
            if piece.mark and piece.mark.platform == "Canvas" and piece.mark.name != "anon":
                names.setdefault(piece.mark.id, set()).add(piece.mark.name)
        for number, called in names.items():
            if len(called) > 1:
                self.open.append(
                    f"Is {number} a student's number in Canvas? The files look like Canvas's, "
                    f"name_number_number_file, but it stands with {some(sorted(called))}. If they are not "
                    "from Canvas, give a pattern: NAMES='^(?P<student>[^_]+)_'."
                )


ASK_FOLDERS = (
    "Are these several students, or parts of one student's work? Say FOLDERS=class if each folder and "
    "archive at the top of the inbox holds a class, FOLDERS=students if each is one student's, or give the "
    "class list with ROSTER=class.csv."
)


def _who(mark: Mark, parent: Folder, logins) -> Who:
    if mark.platform == "Moodle":
        return Who(mark.name or mark.id, participant=mark.id, where=parent.origin)
    if mark.platform == "Canvas":
        return Who(mark.name, id=mark.id)
    if mark.platform == "Blackboard":
        name, login = logins.of(mark)
        return Who(name or login, handle=login)
    return Who(mark.id, handle=mark.id)


def _common_start(names: list[str]) -> str:
    """What all names begin with, up to a hyphen."""
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), min(len(first), len(last)))
    return first[: first.rfind("-", 0, length) + 1]
