"""Is a folder a student's, or a class? Told by its name, by what is in it, by the class list and by hints."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from classroom.naming import exercise_in, is_generic, is_of_a_class, without_drafts
from classroom.platforms import DRIVE, mark_of
from classroom.roster import Person, Roster, letters
from classroom.tree import Folder

FLAT = "__"  # student__exercise.ipynb
NAMED = re.compile(r"(?P<name>.+?) - (?P<title>.+)", re.DOTALL)  # Google Classroom: Ana Lima - Exercise 7
CLASS, STUDENT = "class", "students"


@dataclass(frozen=True)
class Hints:
    """What a teacher says of an inbox.

    ``folders``: "students" if each folder and archive at the top is one student's, "class" if it holds a
    class. ``names``: a pattern with the group ``student``, for names of files and folders.
    """

    folders: str = ""
    names: str = ""


@dataclass(frozen=True)
class Who:
    """One student as a name in an inbox tells it."""

    name: str
    handle: str = ""  # a login
    id: str = ""  # Canvas's
    participant: str = ""  # Moodle's, of one assignment
    where: str = ""  # the folder in which participants' numbers count


class Reading:
    """How the names of an inbox are read."""

    def __init__(self, exercises: Collection[str], roster: Roster | None, hints: Hints) -> None:
        self.exercises, self.roster, self.hints = exercises, roster, hints
        self.names = re.compile(hints.names) if hints.names else None

    def by_pattern(self, name: str) -> str:
        """The student in a name by the teacher's pattern; "" if there is none."""
        found = self.names.search(name) if self.names else None
        return (found["student"] or "").strip() if found else ""

    def names_someone(self, name: str) -> bool:
        exercise, rest = exercise_in(name, self.exercises)
        return bool(rest) and not is_generic(rest) and not is_of_a_class(rest)

    def owner_of_flat(self, stem: str) -> Who | None:
        if FLAT in stem and (student := stem.partition(FLAT)[0].strip()):
            return Who(student)
        found = NAMED.fullmatch(stem)
        if found and exercise_in(found["title"], self.exercises)[0]:
            return Who(found["name"].strip())
        rest = exercise_in(stem, self.exercises)[1]
        if self.roster and (without_drafts(rest) or re.search(r"\d{4}", rest)):
            for name in (rest, without_drafts(rest), stem):
                if len(self.roster.find(name=name, handle=name)) == 1:
                    return Who(name, handle=name)
        return None

    def _is_named(self, file_name: str) -> bool:
        """Whether a file's name says both a student and an exercise, with ``__`` between."""
        student, _, rest = file_name.partition(FLAT)
        return bool(exercise_in(rest, self.exercises)[0]) and self.names_someone(student)

    def known(self, name: str) -> Person | None:
        """The one person of the class list with this name or login."""
        found = self.roster.find(name=name, handle=name) if self.roster else []
        return found[0] if len(found) == 1 else None

    def kind(self, parent: Folder, child: Folder, siblings: list[Folder], depth: int) -> str:
        """Whether a folder is a student's or a class; else the question."""
        exercise, rest = exercise_in(child.title, self.exercises)
        if not depth and self.hints.folders in (CLASS, STUDENT):
            return self.hints.folders
        if self.known(rest) or self.known(child.title) or parent.name.endswith("-submissions"):
            return STUDENT
        if self._is_class(child):
            return CLASS
        repositories = [other for other in siblings if other.is_repository]
        if child.is_repository and len(repositories) > 1:  # one alone may be the teacher's own
            return STUDENT
        nameless = (bool(exercise) and (not rest or is_generic(rest))) or is_of_a_class(child.title)
        people = self._people_in(child)
        if nameless and people:
            return CLASS
        inside = sum(len(f.notebooks) for f in people)
        alone = len(siblings) == 1 and not depth and inside == len(child.notebooks)
        if len(people) > 1 or (people and alone):
            what = f"{child.origin} holds {some(f.title for f in people)}, with notebooks"
            return f"{what}."
        return self._one_or_many(child, nameless)

    def _is_class(self, child: Folder) -> bool:
        """Whether what is in a folder says by itself whose it is, of several people."""
        inside = [*(f.name for f in child.folders), *(f.name for f in child.files if not f.is_leftover)]
        if any(mark_of(name) for name in inside) or len(_marked_below(child)) > 1:
            return True
        if any(self._is_named(name) for name in inside):
            return True
        if any(self.by_pattern(name) for name in inside):
            return True
        flat = [f.name.rsplit(".", 1)[0] for f in child.files if f.is_notebook]
        known = [f for f in child.folders if self.known(f.title)]
        named = [name for name in flat if self.roster and self.owner_of_flat(name)]
        return _is_export(child) or len(known) > 1 or len(named) > 1

    def _people_in(self, folder: Folder) -> list[Folder]:
        """The folders and archives in a folder that are not called as parts of one student's work are."""
        people = []
        for inner in folder.folders:
            exercise, rest = exercise_in(inner.title, self.exercises)
            is_part = is_generic(rest) if exercise and rest else bool(exercise) or is_generic(inner.title)
            is_wrapper = inner.title == folder.title or is_of_a_class(inner.title) or _is_export(inner)
            if is_part or is_wrapper:
                people += self._people_in(inner)
            elif inner.notebooks or inner.is_archive:
                people.append(inner)
        return people

    def _one_or_many(self, child: Folder, nameless: bool) -> str:
        """Of a folder without people's folders: are its notebooks one student's?"""
        notebooks = [f.name.rsplit(".", 1)[0] for f in child.notebooks]
        named = [exercise_in(name, self.exercises) for name in notebooks]
        by_exercise: dict[str, set[str]] = {}
        for exercise, rest in named:
            if (called := without_drafts(rest)) and not _same_name(called, child.title):
                by_exercise.setdefault(exercise, set()).add(called)
        several = any(len(called) > 1 for exercise, called in by_exercise.items() if exercise)
        if notebooks and (several or nameless):
            what = f"{child.origin} holds {some(notebooks)}"
            return f"{what}: one student's, or several students'?"
        return STUDENT


def _same_name(called: str, title: str) -> bool:
    """Whether a file carries a part of its folder's name: its student wrote it."""
    words, whole = called.split(), letters(title)
    return any(word in whole for word in words if len(word) > 2) or whole[:4] in letters(called)


def _is_export(folder: Folder) -> bool:
    """Whether a platform's own tools named it as a whole class's."""
    return bool(DRIVE.fullmatch(folder.title)) or folder.name.endswith("-submissions")


def _marked_below(folder: Folder) -> set[tuple[str, str]]:
    """The students, as platforms number them, of what is anywhere in a folder."""
    found = {(mark.platform, mark.id) for file in folder.files if (mark := mark_of(file.name))}
    for inner in folder.folders:
        if mark := mark_of(inner.name):
            found.add((mark.platform, mark.id))
        found |= _marked_below(inner)
    return found


def some(names) -> str:
    names = list(names)
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
