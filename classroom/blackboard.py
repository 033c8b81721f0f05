"""Whose an attempt in Blackboard is: in ``assignment_login_attempt_…`` both parts may hold ``_``."""

from collections.abc import Collection
from dataclasses import dataclass, field

from classroom.naming import exercise_in
from classroom.platforms import Mark, facts_of_blackboard, mark_of
from classroom.roster import Roster
from classroom.tree import Folder


@dataclass
class Logins:
    """What stands before ``_attempt_``: {it: (name, login)}; ``open`` holds questions."""

    known: dict[str, tuple[str, str]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def of(self, mark: Mark) -> tuple[str, str]:
        return self.known.get(mark.id, ("", mark.id))


def logins_of(folder: Folder, exercises: Collection[str], roster: Roster | None) -> Logins:
    """The logins in a folder's names: as Blackboard's .txt says, else by the class list or the exercise."""
    found = Logins()
    named = [(file.name, file.content) for file in folder.files]
    named += [(inner.name, None) for inner in folder.folders]
    before = []
    for called, content in named:
        mark = mark_of(called)
        if mark and mark.platform == "Blackboard":
            before.append(mark.id)
            name, login = facts_of_blackboard((content or b"").decode("utf-8", "replace"))
            if login and mark.why_not and mark.id.endswith(f"_{login}"):
                found.known[mark.id] = name, login
    open_ones = sorted(set(before) - found.known.keys())
    assignments = {known[: -len(login) - 1] for known, (_, login) in found.known.items()}
    for text in open_ones:
        login = _login(text, assignments, exercises, roster, open_ones)
        if login:
            found.known[text] = "", login
        else:
            found.open.append(
                f"Which part of {text} is the login? Blackboard's .txt is not beside it. Put the .txt files "
                "there, give the class list with ROSTER=class.csv, or a pattern: "
                "NAMES='_(?P<student>[^_]+)_attempt_'."
            )
    return found


def _login(
    text: str, assignments: set[str], exercises: Collection[str], roster: Roster | None, others: list[str]
) -> str:
    parts = text.split("_")
    ends = ["_".join(parts[start:]) for start in range(1, len(parts))]
    if roster:
        fitting = [end for end in ends if len(roster.find(handle=end)) == 1]
        if fitting:
            return fitting[0]
    for assignment in sorted(assignments, key=len, reverse=True):
        if text.startswith(f"{assignment}_"):
            return text[len(assignment) + 1 :]
    if len(parts) == 2:
        return parts[1]
    for start in range(len(parts) - 1, 0, -1):  # the assignment is called as an exercise
        exercise, rest = exercise_in("_".join(parts[:start]), exercises)
        if exercise and not rest:
            return "_".join(parts[start:])
    start_of_all = others[0] if len(others) == 1 else _start(others)
    return text[len(start_of_all) :] if len(others) > 2 and start_of_all else ""


def _start(names: list[str]) -> str:
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), min(len(first), len(last)))
    return first[: first.rfind("_", 0, length) + 1]
