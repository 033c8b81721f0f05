"""Two rankings of the same candidates, side by side."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from rerank_course.text import text_of

Ranking = Sequence[tuple[Any, float]]


def compare_rankings(
    first: Ranking, second: Ranking, names: tuple[str, str] = ("first", "second")
) -> pd.DataFrame:
    """Where each candidate stands in two rankings, and how far it moved.

    Args:
        first, second: ``[(candidate, score), …]``, best first, as ``rerank_documents`` returns them. The same
            candidate is known by its ``id`` where it has one, else by its text.
        names: what to call the two rankings in the column heads.

    Returns:
        One row for each candidate, in the order of ``second``, then those that only ``first`` has. Columns:
        ``text``, ``<name> rank`` (1 is best) and ``<name> score`` for both, and ``moved``: places gained from
        first to second, negative for places lost. Where a ranking lacks a candidate, its cells and ``moved``
        are missing (``<NA>``).

    Raises:
        ValueError: the two names are the same, or a ranking holds one candidate twice.
    """
    if names[0] == names[1]:
        raise ValueError(f"names must differ: both rankings are called {names[0]!r}.")
    left, right = _by_key(first, names[0]), _by_key(second, names[1])
    rows = {}
    for key in [*right, *(key for key in left if key not in right)]:
        text = (right if key in right else left)[key][0]
        rows[key] = [text, *left.get(key, (None, None, None))[1:], *right.get(key, (None, None, None))[1:]]
    columns = ["text", *(f"{name} {what}" for name in names for what in ("rank", "score"))]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    for name in names:
        table[f"{name} rank"] = table[f"{name} rank"].astype("Int64")
        table[f"{name} score"] = table[f"{name} score"].astype("Float64")
    table["moved"] = table[f"{names[0]} rank"] - table[f"{names[1]} rank"]
    return table.reset_index(drop=True)


def _by_key(ranking: Ranking, name: str) -> dict[str, tuple[str, int, float]]:
    """{key of the candidate: (text, rank, score)}, in rank order."""
    rows: dict[str, tuple[str, int, float]] = {}
    for rank, (candidate, score) in enumerate(ranking, start=1):
        text = text_of(candidate, f"{name}[{rank - 1}]")
        key = str(getattr(candidate, "id", text))
        if key in rows:
            raise ValueError(f"{name} holds a candidate twice, at ranks {rows[key][1]} and {rank}: {key!r}.")
        rows[key] = (text, rank, score)
    return rows
