"""Answers of two students that are nearly the same text, listed without a judgement.

The measure is RapidFuzz's ``ratio``: twice the characters that two texts share in order, divided by the
characters of both, from 0 to 1. Case and white space do not count, nor do lines that the exercise gave.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from rapidfuzz.fuzz import ratio

from classroom.tables import write_table

LEAST = {"words": 80, "code": 200}  # characters: shorter answers are alike without a reason
ALIKE = 0.9
MOST = 20_000  # characters compared


@dataclass(frozen=True)
class Text:
    """What one student wrote in one place; ``kind`` is "words" or "code"."""

    student: str
    exercise: str
    part: str
    kind: str
    text: str
    given: str = ""  # the exercise's own text in that place


@dataclass(frozen=True)
class Pair:
    first: Text
    second: Text
    share: float
    characters: int


def own_text(text: str, given: str) -> str:
    """What a student added: without case, white space and the lines that the exercise gave."""
    theirs = {" ".join(line.split()).casefold() for line in given.splitlines()}
    lines = (" ".join(line.split()).casefold() for line in text.splitlines())
    return "".join("".join(line.split()) for line in lines if line and line not in theirs)


def alike(texts: Iterable[Text]) -> list[Pair]:
    """All pairs of different students that are alike, the most alike first."""
    places: dict[tuple[str, str, str], list[tuple[Text, str]]] = defaultdict(list)
    for text in texts:
        own = own_text(text.text, text.given)[:MOST]
        if len(own) >= LEAST[text.kind]:
            places[text.exercise, text.part, text.kind].append((text, own))
    found = []
    for written in places.values():
        for (first, one), (second, other) in combinations(written, 2):
            share = ratio(one, other, score_cutoff=100 * ALIKE) / 100
            if share >= ALIKE and first.student != second.student:
                found.append(Pair(first, second, share, min(len(one), len(other))))
    return sorted(found, key=lambda pair: (-pair.share, pair.first.exercise, pair.first.student))


def write_alike(texts: Iterable[Text], file: Path) -> list[Pair]:
    pairs = alike(texts)
    columns = ("exercise", "part", "what", "student", "and", "alike", "characters")
    rows = (
        (
            pair.first.exercise,
            pair.first.part,
            pair.first.kind,
            pair.first.student,
            pair.second.student,
            f"{pair.share:.0%}",
            pair.characters,
        )
        for pair in pairs
    )
    write_table(file, columns, rows)
    return pairs
