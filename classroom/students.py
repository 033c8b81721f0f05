"""Who is who: names of several platforms joined to students, and students to the class list."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from classroom.naming import exercise_in
from classroom.reading import Who
from classroom.roster import Person, Roster, letters
from classroom.whose import Piece, Question


@dataclass
class Student:
    """A student: ``title`` is a name that nobody else has."""

    title: str
    person: Person | None = None
    canvas_id: str = ""
    handle: str = ""
    notes: list[str] = field(default_factory=list)


class Students:
    """All students of an inbox."""

    def __init__(self, pieces: list[Piece], exercises: Collection[str], roster: Roster | None = None) -> None:
        """Join what is one student's and keep apart what is not.

        Raises:
            Question: participants of one name may be one person or two.
        """
        self.roster = roster
        whos = list(dict.fromkeys(piece.who for piece in pieces if piece.who))
        self.twins = self._twins(pieces, exercises)
        self.by_key: dict[tuple, Student] = {}
        self.keys = {who: self._key(who) for who in whos}
        for who, key in self.keys.items():
            student = self.by_key.setdefault(key, self._student(who))
            student.canvas_id = student.canvas_id or who.id
        self._tell_apart()

    def of(self, who: Who) -> Student:
        return self.by_key[self.keys[who]]

    def _found(self, who: Who) -> list[Person]:
        if self.roster is None:
            return []
        found = self.roster.find(who.name, who.handle, who.id, who.participant)
        if not found and who.participant and "-" in who.name:  # Moodle writes the group before the name
            found = self.roster.find(who.name.partition("-")[2])
        return found

    def _key(self, who: Who) -> tuple:
        found = self._found(who)
        if len(found) == 1 and (who not in self.twins or found[0].participant == who.participant):
            return "person", id(found[0])
        if who.id:
            return "canvas", who.id
        name = " ".join((who.handle or who.name).split()).casefold()
        if who in self.twins or (len(found) > 1 and who.participant):
            return "participant", name, who.participant, who.where
        return "name", name

    def _student(self, who: Who) -> Student:
        found = self._found(who)
        if len(found) == 1 and self.roster and self._key(who)[0] == "person":
            return Student(self.roster.title(found[0]), found[0])
        title = " ".join((who.name or who.handle).split()) or who.id or "nameless"
        if who in self.twins:
            title = f"{title} ({who.participant})"
        student = Student(title, handle=who.handle)
        if len(found) > 1:
            names = ", ".join(self.roster.title(person) for person in found) if self.roster else ""
            student.notes.append(f"several people of the class list fit: {names}. Nobody was chosen")
        elif who in self.twins:
            student.notes.append("another participant has the same name; they were kept apart")
        return student

    def _tell_apart(self) -> None:
        """No two students under one title."""
        counts = Counter(student.title.casefold() for student in self.by_key.values())
        for key, student in self.by_key.items():
            if counts[student.title.casefold()] > 1 and student.person is None:
                more = key[1] if key[0] == "canvas" else student.handle
                student.title += f" ({more})" if more and more != student.title else ""

    def _twins(self, pieces: list[Piece], exercises: Collection[str]) -> set[Who]:
        """Participants of one assignment in Moodle who have the same name.

        A number counts in one assignment only: in a folder with the exports of two, one person has two.
        """
        did: dict[tuple[str, str], dict[Who, set[str]]] = defaultdict(dict)
        for piece in pieces:
            if piece.who and piece.who.participant:
                same = did[letters(piece.who.name), piece.who.where].setdefault(piece.who, set())
                same.add(exercise_in(f"{piece.called} {piece.under}", exercises)[0])
        twins: set[Who] = set()
        for people in (people for people in did.values() if len(people) > 1):
            done = [exercise for exercises_ in people.values() for exercise in exercises_]
            if len(done) > len(set(done)) or "" in done:
                twins |= set(people)
            elif not all(len(self._found(who)) == 1 for who in people):
                numbers = ", ".join(who.participant for who in people)
                raise Question(
                    f"Is {next(iter(people)).name} one person or several? Moodle's numbers {numbers} have "
                    "this name, and handed in different exercises. Put each assignment's export into a "
                    "folder of its own, or give the class list with ROSTER=class.csv."
                )
        return twins
