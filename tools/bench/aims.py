"""What the engine was to reach, beside what the page's tables say that it has reached."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

OWN, ONE_BY_ONE = "course, int8", "torch, one by one"
COUNTS = (10, 20, 100, 1000)
OLD = "AVX2"  # a row's name in the table of fewer instructions, whose lists have 20 pairs


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
    Aim(OLD, ONE_BY_ONE, "1.8", "times torch, one by one, on 200 tokens"),
    Aim(OLD, "fastest other", "1", "times the speed of the fastest other, on 200 tokens"),
)


def aims(page: str) -> pd.DataFrame:
    """A row for each aim: what was found for each number of candidates, and whether it was reached.

    Args:
        page: docs/benchmarks.md, or as much of it as there is.
    """
    tables, rows = _own_rows(page) | _on_an_old_processor(page), {}
    for aim in AIMS:
        found = {count: tables.get((count, aim.lengths), {}).get(aim.column, "–") for count in COUNTS}
        reached = {_number(value) >= _number(aim.asked) for value in found.values() if value != "–"}
        verdict = {(): "not measured", (True,): "yes", (False,): "no"}.get(tuple(reached), "in part")
        name = f"{aim.lengths}: {aim.asked} {aim.words}"
        rows[name] = {f"{count} candidates": value for count, value in found.items()} | {"reached": verdict}
    return pd.DataFrame.from_dict(rows, orient="index")


def _own_rows(page: str) -> dict[tuple[int, str], dict[str, str]]:
    """The engine's own row of each table of candidates: {(candidates, lengths): {column: text}}."""
    return {
        (int(heading[1]), heading[2]): row
        for title, rows in _tables(page)
        if (heading := re.fullmatch(r"(\d+) candidates, (.+)", title))
        for row in rows
        if row[""] == OWN
    }


def _on_an_old_processor(page: str) -> dict[tuple[int, str], dict[str, str]]:
    """How many times as fast as one by one and as the fastest other contender the engine is there."""
    milliseconds = {
        row["contender"]: float(row["200 tokens, ms a pair"])
        for title, rows in _tables(page)
        if title == "With fewer instructions"
        for row in rows
        if row[""] == OLD
    }
    own = milliseconds.pop(OWN, None)
    if own is None:
        return {}
    others = {ONE_BY_ONE: milliseconds[ONE_BY_ONE], "fastest other": min(milliseconds.values())}
    return {(20, OLD): {name: f"{other / own:.2f}" for name, other in others.items()}}


def _tables(page: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """(heading, rows) of each section with a table, whose first row names the columns."""
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        title, *lines = part.splitlines()
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
        if rows:
            yield title, [dict(zip(rows[0], row)) for row in rows[2:]]


def _number(text: str) -> float:
    return float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
