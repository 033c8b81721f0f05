"""What a sigmoid does to two rankings, looked at before and after."""

import math
from collections.abc import Sequence
from typing import Any

# The logits of three documents, for one query and for another.
FIRST, SECOND = (9.0, -8.0, -8.5), (0.3, -1.5, -2.5)
STATEMENTS = {
    "A": "the order of the documents of one query",
    "B": "how far the best score is ahead of the next",
    "C": "which documents pass a limit, if the limit goes through the sigmoid as well",
    "D": "which documents score more than 0.5",
    "E": "which of two queries has the higher mean score",
    "F": "the place of the right answer, say document 1",
}


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def facts_before_and_after() -> dict[str, tuple[str, Any, Any]]:
    """{letter: (what the notebook's list says, how it is by the logits, how it is by their sigmoids)}."""
    logits = (FIRST, SECOND)
    squashed = tuple(tuple(map(sigmoid, scores)) for scores in logits)
    before, after = _facts(logits, limit=-2.0), _facts(squashed, limit=sigmoid(-2.0))
    return {letter: (said, before[letter], after[letter]) for letter, said in STATEMENTS.items()}


def _facts(rankings: Sequence[Sequence[float]], limit: float) -> dict[str, Any]:
    """{letter: how it is by these scores of two queries' documents}."""
    orders = [_order(scores) for scores in rankings]
    first_is_higher = sum(rankings[0]) > sum(rankings[1])
    return {
        "A": orders,
        "B": [round(scores[0] - scores[1], 2) for scores in rankings],
        "C": [_above(limit, scores) for scores in rankings],
        "D": [_above(0.5, scores) for scores in rankings],
        "E": "the first query" if first_is_higher else "the second query",
        "F": [order.index(1) + 1 for order in orders],
    }


def _order(scores: Sequence[float]) -> list[int]:
    """The documents' numbers, from 1, best first."""
    return sorted((1, 2, 3), key=lambda number: -scores[number - 1])


def _above(limit: float, scores: Sequence[float]) -> list[int]:
    return [number for number, score in enumerate(scores, start=1) if score > limit]
