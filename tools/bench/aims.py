"""What the engine was to reach, beside what the page's tables say that it has reached."""

import re
from typing import NamedTuple

import pandas as pd

OWN = "course, int8"
COUNTS = (10, 100, 1000)


class Aim(NamedTuple):
    """One of them: where it is measured, in which column of the table, and how much it was to be."""

    lengths: str
    column: str
    asked: str
    words: str


AIMS = (
    Aim("mixed lengths", "× fastest peer", "6", "times the speed of the fastest peer"),
    Aim("200 tokens", "× fastest peer", "2.2", "times the speed of the fastest peer"),
    Aim("30 tokens", "× fastest peer", "1.5", "times the speed of the fastest peer"),
    Aim("200 tokens", "of int8 peak", "65%", "of the processor's int8 peak"),
)


def aims(page: str) -> pd.DataFrame:
    """A row for each aim: what was found for each number of candidates, and whether it was reached.

    Args:
        page: docs/benchmarks.md, or as much of it as there is.
    """
    tables, rows = _own_rows(page), {}
    for aim in AIMS:
        found = {count: tables.get((count, aim.lengths), {}).get(aim.column, "–") for count in COUNTS}
        reached = {_number(value) >= _number(aim.asked) for value in found.values() if value != "–"}
        verdict = {(): "not measured", (True,): "yes", (False,): "no"}.get(tuple(reached), "in part")
        name = f"{aim.lengths}: {aim.asked} {aim.words}"
        rows[name] = {f"{count} candidates": value for count, value in found.items()} | {"reached": verdict}
    return pd.DataFrame.from_dict(rows, orient="index")


def _own_rows(page: str) -> dict[tuple[int, str], dict[str, str]]:
    """The engine's own row of each table of candidates: {(candidates, lengths): {column: text}}."""
    found = {}
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        title, *lines = part.splitlines()
        if not (heading := re.fullmatch(r"(\d+) candidates, (.+)", title)):
            continue
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
        for row in rows[2:]:
            if row[0] == OWN:
                found[int(heading[1]), heading[2]] = dict(zip(rows[0], row))
    return found


def _number(text: str) -> float:
    return float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
