"""What a large run will cost: a straight line through measured times, and what follows from it.

The model is *pairs × (a + b · tokens)* seconds for one worker: ``a`` for what each pair costs however short
it is, ``b`` for each of its tokens. Attention alone grows with the square of the length; up to 512 tokens of
a model as narrow as the course's, the rest outweighs it. Whether the line fits is for you to check: compare
what it foretells with a run that you measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PairCost:
    """What a pair costs one worker.

    Attributes:
        per_pair: seconds for a pair, however short.
        per_token: seconds for each token of query and document.
    """

    per_pair: float
    per_token: float

    def seconds(self, pairs: float, tokens: float) -> float:
        """Seconds of one worker for ``pairs`` of ``tokens`` on average."""
        return pairs * (self.per_pair + self.per_token * tokens)


@dataclass(frozen=True)
class Machine:
    """A machine to rent.

    Attributes:
        name: what it is called.
        workers: how many work on it at the same time.
        price: for an hour, in any currency.
        speed: of a worker, in times the speed of the worker that was measured.
        efficiency: what is left of ``workers`` times the speed of one when all of them work, 0 to 1.
        start: seconds from its start to its first pair: boot, install, load.
    """

    name: str
    workers: int
    price: float
    speed: float = 1.0
    efficiency: float = 1.0
    start: float = 0.0

    def __post_init__(self) -> None:
        works = self.workers >= 1 and self.speed > 0 and 0 < self.efficiency <= 1
        if not works or self.price < 0 or self.start < 0:
            raise ValueError(
                "A machine needs at least one worker, a speed above 0, an efficiency above 0 and up to 1, "
                f"and no negative price or start: {self}."
            )


def fit_pair_cost(tokens: Sequence[float], seconds: Sequence[float]) -> PairCost:
    """The line through measured points; one per cent off counts the same for short pairs and for long ones.

    Args:
        tokens: lengths of pairs, query and special tokens included.
        seconds: what one worker took for a pair of each length.

    Raises:
        ValueError: fewer than two different lengths, or times that are not above 0.
    """
    x, y = np.asarray(tokens, dtype=float), np.asarray(seconds, dtype=float)
    if x.shape != y.shape or len(set(x.tolist())) < 2:
        raise ValueError("A line needs times for at least two different lengths, one time for each length.")
    if not (y > 0).all():
        raise ValueError("seconds must be above 0.")
    per_token, per_pair = np.polyfit(x, y, 1, w=1 / y)
    return PairCost(float(per_pair), float(per_token))


def plan(
    cost: PairCost, pairs: float, tokens: float, machine: Machine, machines: int = 1
) -> dict[str, float]:
    """What a run takes on ``machines`` of one kind, which start at once and are all kept to the end.

    Returns:
        ``{"hours": …, "machine hours": …, "price": …}``, ``hours`` by the clock.

    Raises:
        ValueError: ``machines`` is below 1.
    """
    if machines < 1:
        raise ValueError(f"machines must be at least 1, not {machines}.")
    work = cost.seconds(pairs, tokens) / (machine.workers * machine.speed * machine.efficiency * machines)
    hours = (machine.start + work) / 3600
    return {"hours": hours, "machine hours": hours * machines, "price": hours * machines * machine.price}
