"""Made-up rankings and judgements, and the values of two systems, query by query.

A run is ``{query: [document ids, best first]}``, qrels are ``{query: {document: grade}}``.
"""

from collections.abc import Sequence

# (ranking, grades); documents that the grades do not name are unjudged.
JUDGED_RANKINGS = (
    (["d7", "d6", "d1", "d2", "d9", "d11", "d5", "d3", "d4"], {"d2": 1, "d3": 0, "d5": 3, "d4": 2, "d8": 2}),
    (["d1", "d3", "d6"], {"d1": 2, "d3": 0}),
    (["d9", "d8", "d4"], {"d9": 1, "d8": 0, "d5": 3}),
    ([f"d{n}" for n in range(20, 32)], {"d20": 0, "d30": 3, "d31": 2}),
    ([f"d{n}" for n in range(40, 52)], {"d40": 1, "d42": 0, "d49": 2, "d50": 3}),
)
QRELS = {
    "q1": {"d1": 3, "d2": 1, "d3": 0, "d4": 2, "d14": 2},
    "q2": {"d5": 2, "d6": 0, "d7": 1},
    "q3": {"d8": 3},
    "q4": {"d9": 1, "d10": 0},
    "q5": {"d11": 2, "d12": 1, "d13": 3},
}
RUN = {
    "q1": ["d2", "d30", "d4", "d3", "d1"],
    "q2": ["d6", "d31", *(f"d{n}" for n in range(50, 57)), "d5", "d7"],
    "q4": ["d9", "d32"],
    "q5": ["d12", *(f"d{n}" for n in range(40, 49)), "d13", "d11"],
    "q6": ["d1", "d33"],
}
BEFORE = {"q1": 0.5, "q2": 1.0, "q3": 0.25, "q4": 0.0, "q5": 0.75, "q6": 0.5, "q7": 0.25}
AFTER = {"q3": 0.25, "q1": 0.375, "q7": 1.0, "q4": 0.0, "q2": 0.75, "q6": 0.875, "q5": 0.625}


def two_systems(
    before: Sequence[float], differences: Sequence[float], turned: bool = False
) -> tuple[dict[str, float], dict[str, float]]:
    """Two systems' values by query; ``turned`` gives the second its queries in the opposite order."""
    first = {f"q{number}": round(value, 4) for number, value in enumerate(before, start=1)}
    second = {
        query: round(value + difference, 4) for (query, value), difference in zip(first.items(), differences)
    }
    return first, dict(reversed(second.items())) if turned else second


_Q = range(40)
SYSTEMS = (
    # A large gain.
    two_systems([0.2 + 0.01 * (n * 7 % 30) for n in _Q], [0.1 * (n * 3 % 7) - 0.1 for n in _Q]),
    # A mean near 0.
    two_systems([0.3 + 0.01 * (n * 11 % 30) for n in _Q], [0.1 * (n * 5 % 7) - 0.28 for n in _Q]),
    # A loss, in another order.
    two_systems([0.4 + 0.01 * (n * 7 % 30) for n in _Q], [0.15 - 0.1 * (n * 5 % 6) for n in _Q], turned=True),
    # A small gain of most queries, while queries differ widely.
    two_systems([0.05 + 0.8 * (n * 13 % 40) / 40 for n in _Q], [0.02 * (n % 5) for n in _Q]),
    # No change.
    two_systems([0.02 * n for n in _Q], [0.0] * 40),
    # A small loss of most, in another order.
    two_systems([0.1 + 0.8 * (n * 17 % 40) / 40 for n in _Q], [-0.02 * (n % 5) for n in _Q], turned=True),
    # A gain whose interval of 95 % holds 0, and that of 90 % does not.
    two_systems([0.3 + 0.01 * (n * 11 % 30) for n in _Q], [0.09 * (n * 5 % 6) - 0.1875 for n in _Q]),
    # A loss whose interval of 95 % leaves 0 out, and that of 99 % does not.
    two_systems(
        [0.4 + 0.01 * (n * 7 % 30) for n in _Q], [0.1745 - 0.09 * (n * 5 % 6) for n in _Q], turned=True
    ),
)
