"""Better, worse or not shown: what paired differences say."""

from dataclasses import dataclass

import pandas as pd

from rerank_course.evaluate import paired_difference

BETTER, WORSE, NOT_SHOWN = "better", "worse", "not shown"


@dataclass(frozen=True)
class Comparison:
    """One system against another, over the same queries.

    Attributes:
        against: what it is compared with.
        difference: mean of the queries' differences.
        low, high: its 95 % interval, by paired bootstrap over the queries.
        queries: how many.
    """

    against: str
    difference: float
    low: float
    high: float
    queries: int

    @property
    def verdict(self) -> str:
        """``"better"`` or ``"worse"`` where the interval leaves 0 out, else ``"not shown"``."""
        if self.low > 0:
            return BETTER
        return WORSE if self.high < 0 else NOT_SHOWN

    def __str__(self) -> str:
        return (
            f"{self.verdict} than {self.against}: {self.difference:+.3f} "
            f"({self.low:+.3f} to {self.high:+.3f}, {self.queries} queries)"
            if self.verdict != NOT_SHOWN
            else f"no difference to {self.against} is shown: {self.difference:+.3f} "
            f"({self.low:+.3f} to {self.high:+.3f}, {self.queries} queries)"
        )


def compare(
    before: pd.DataFrame, after: pd.DataFrame, against: str = "before", measure: str = "nDCG@10"
) -> Comparison:
    """Compare two systems query by query.

    Args:
        before, after: as ``per_query`` gives them, over the same queries in the same order.
        against: what to call ``before``.

    Raises:
        ValueError: the two tables are not about the same queries.
    """
    difference, low, high = paired_difference(before, after, measure)
    return Comparison(against, difference, low, high, len(before))
