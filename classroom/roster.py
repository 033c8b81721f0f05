"""The class list: who there is, under which names and numbers, and whose a submission is.

Columns are found by their names, in the forms of Canvas's gradebook, Moodle's participants and grading
worksheet, GitHub Classroom's roster and plain tables.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from classroom.tables import TableError, fused, read_table

COLUMNS = {  # what a column holds: how it may be called, letters only
    "id": ("id", "canvasid", "canvasuserid", "userid"),
    "sis": (
        "sisuserid",
        "sisid",
        "idnumber",
        "studentid",
        "studentnumber",
        "matriculationnumber",
        "rollnumber",
    ),
    "login": (
        "sisloginid",
        "loginid",
        "login",
        "username",
        "user",
        "githubusername",
        "github",
        "identifier",
        "accountname",
    ),
    "email": ("email", "emailaddress", "mail", "emailid"),
    "name": ("student", "name", "fullname", "studentname", "displayname", "sortablename"),
    "first": ("firstname", "first", "givenname", "forename"),
    "last": ("lastname", "last", "surname", "familyname"),
    "section": ("section", "sections", "group", "groups", "class", "course"),
}
PARTICIPANT = re.compile(r"Participant (\d+)")  # Moodle's grading worksheet
NO_PERSON = re.compile(r"\s*(points possible|student, test|test student)\s*", re.IGNORECASE)


class RosterError(TableError):
    """A class list cannot be used; the message says why and what to do."""


@dataclass
class Person:
    """One line of the class list; ``sortable`` is the name as the list wrote it."""

    name: str
    id: str = ""
    sis: str = ""
    logins: list[str] = field(default_factory=list)
    email: str = ""
    section: str = ""
    participant: str = ""
    sortable: str = ""
    line: int = 0

    @property
    def login(self) -> str:
        return self.logins[0] if self.logins else ""

    @cached_property
    def handles(self) -> set[str]:
        """What a platform may call this person, besides the name."""
        local = self.email.partition("@")[0]
        return {handle.casefold() for handle in (self.sis, *self.logins, self.email, local) if handle}

    @cached_property
    def spellings(self) -> set[str]:
        """The name as platforms write it, letters and digits only: both orders, and as the list has it."""
        forms = {self.name, self.sortable}
        *first, last = self.name.split() or [""]
        forms.add(" ".join([last, *first]))
        head, comma, tail = self.sortable.partition(",")
        if comma:
            forms.add(f"{tail} {head}")
        return {spelt for form in forms if (spelt := letters(form))}

    @cached_property
    def hyphened_handles(self) -> set[str]:
        return {hyphened(handle) for handle in self.handles}

    @cached_property
    def plain_spellings(self) -> set[str]:
        return {plain_letters(form) for form in self.spellings}


def letters(text: str) -> str:
    """A name's letters and digits, without case."""
    return "".join(c for c in unicodedata.normalize("NFC", text).casefold() if c.isalnum())


def hyphened(handle: str) -> str:
    """A login as a platform has it that allows only hyphens."""
    return re.sub(r"[_.\s]", "-", handle.casefold())


def plain_letters(text: str) -> str:
    """The same without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum() and c.isascii())


class Roster:
    """The people of a class list; finds whose a submission is."""

    def __init__(self, people: list[Person]) -> None:
        self.people = people
        names = [person.name for person in people]
        self.titles = {}
        for person in people:
            more = person.login or person.sis or person.email or person.id or f"line {person.line}"
            self.titles[id(person)] = (
                person.name
                if person.name and names.count(person.name) == 1
                else f"{person.name} ({more})".strip()
            )

    def title(self, person: Person) -> str:
        """A name that only this person has."""
        return self.titles[id(person)]

    def find(self, name: str = "", handle: str = "", id: str = "", participant: str = "") -> list[Person]:
        """Those who fit; the surest way first, and only of the first way that finds anyone.

        Args:
            name: as a platform or a folder writes it.
            handle: a login, an e-mail address or the institution's number.
            id: Canvas's.
            participant: Moodle's, of one assignment.
        """
        hyphens, spelt, plain = hyphened(handle), letters(name), plain_letters(name)
        tries = (
            lambda p: id and p.id == id,
            lambda p: participant and p.participant == participant,
            lambda p: handle and handle.casefold() in p.handles,
            lambda p: hyphens and hyphens in p.hyphened_handles,
            lambda p: spelt and spelt in p.spellings,
            lambda p: plain and plain in p.plain_spellings,
        )
        found = ([person for person in self.people if fits(person)] for fits in tries)
        return next((people for people in found if people), [])


def read_roster(file: Path) -> Roster:
    """The class list in a CSV file.

    Raises:
        RosterError: no column says who somebody is, or two lines say the same of different people.
    """
    try:
        rows = read_table(file)
    except TableError as error:
        raise RosterError(str(error)) from None
    if not rows:
        raise RosterError(f"The class list {file} is empty.")
    columns = _columns(rows[0])
    if not columns.keys() & {"name", "last", "login", "email"}:
        seen = ", ".join(cell.strip() for cell in rows[0])
        raise RosterError(
            f"Which column of the class list {file} holds the students? It has: {seen}. "
            "Call one of them name, login or email, in the first line."
        )
    people = [_person(row, columns, line) for line, row in enumerate(rows[1:], start=2)]
    return Roster(_distinct([person for person in people if person], file))


def _columns(header: list[str]) -> dict[str, int | list[int]]:
    """{what: its place}; a list of places for logins."""
    found: dict = {}
    for place, cell in enumerate(header):
        called = re.sub(r"[^a-z]", "", cell.casefold())
        for what, names in COLUMNS.items():
            if called in names:
                if what == "login":
                    found.setdefault(what, []).append(place)
                else:
                    found.setdefault(what, place)
    return found


def _person(row: list[str], columns: dict, line: int) -> Person | None:
    def cell(place: int | None) -> str:
        return fused(row[place]).strip() if place is not None and place < len(row) else ""

    values = {what: cell(place) for what, place in columns.items() if what != "login"}
    logins = [login for place in columns.get("login", []) if (login := cell(place))]
    sortable = values.get("name") or f"{values.get('first', '')} {values.get('last', '')}".strip()
    if NO_PERSON.fullmatch(sortable) or not (sortable or logins or values.get("email")):
        return None
    participants = [found[1] for login in logins if (found := PARTICIPANT.fullmatch(login))]
    logins = [login for login in logins if not PARTICIPANT.fullmatch(login)]
    last, comma, first = sortable.partition(",")
    name = f"{first.strip()} {last.strip()}" if comma else sortable
    name = " ".join(name.split()) or (logins or [values.get("email", "")])[0]
    return Person(
        unicodedata.normalize("NFC", name),
        values.get("id", ""),
        values.get("sis", ""),
        logins,
        values.get("email", ""),
        values.get("section", ""),
        participants[0] if participants else "",
        sortable,
        line,
    )


def _distinct(people: list[Person], file: Path) -> list[Person]:
    """Each person once."""
    kept: list[Person] = []
    for person in people:
        same = next((other for other in kept if _same_handle(person, other)), None)
        if same is None:
            kept.append(person)
        elif letters(same.name) != letters(person.name):
            what = _same_handle(person, same)
            raise RosterError(
                f"Who is {what} in the class list {file}? Lines {same.line} and {person.line} have it, "
                f"for {same.name} and for {person.name}. Mend one of them."
            )
    return kept


def _same_handle(one: Person, other: Person) -> str:
    pairs = [(one.id, other.id), (one.sis, other.sis), (one.login, other.login), (one.email, other.email)]
    return next((a for a, b in pairs if a and a.casefold() == b.casefold()), "")
