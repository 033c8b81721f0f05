"""How far an int8 model's scores are from the float32 ones, and how far they may be."""

from collections.abc import Sequence

import numpy as np

# Bounds on the error, as shares of the spread of the float32 scores of one query's documents, since only
# these are ranked against each other. With normal scores and errors an error of x spreads makes arctan(x) / π
# of the pairs of documents change places: 1.6 % of them at 5 %, 3.2 % at 10 %. The packaged model is at 1 to
# 2 %; with SmoothQuant's usual setting of 0.5 it would be at 11 %.
GOOD = 0.05  # of the root mean square: rounding fewer layers is not tried
LARGEST_RMS = 0.10
# Of 120 normal errors the largest is about 2.6 times their root mean square. Four times the bound on that
# means that some pairs are far off, while the mean looks well.
LARGEST = 0.40


def measured(float32: Sequence[np.ndarray], int8: Sequence[np.ndarray]) -> dict[str, float]:
    """The error of int8 logits, given as one array for each query, as the float32 logits are.

    Returns:
        ``pairs``: how many were measured; ``rms`` and ``max``: root mean square and largest of the
        differences, in logits; ``spread``: the standard deviation of a query's float32 logits, over all
        queries; ``tau``: Kendall's tau-b between the two orders within a query, its mean over the queries.
    """
    exact, rounded = np.concatenate(float32), np.concatenate(int8)
    difference = rounded.astype(np.float64) - exact
    return {
        "pairs": len(exact),
        "rms": _short(np.sqrt(np.mean(difference**2))),
        "max": _short(np.max(np.abs(difference))),
        "spread": spread(float32),
        "tau": _short(np.mean([kendall_tau(a, b) for a, b in zip(float32, int8)])),
    }


def is_good(error: dict[str, float]) -> bool:
    """Whether rounding fewer layers need not be tried."""
    return too_far(error) is None and error["rms"] <= GOOD * error["spread"]


def spread(scores: Sequence[np.ndarray]) -> float:
    """The standard deviation of a query's logits, over all queries."""
    within = np.concatenate([of_query - of_query.mean() for of_query in scores])
    return _short(np.std(within.astype(np.float64)))


def too_far(error: dict[str, float]) -> str | None:
    """Why this error is too large, with the figures; ``None`` where it is within the bounds."""
    if not np.isfinite([error["rms"], error["max"], error["spread"]]).all():
        return "some scores are not finite"
    bounds = (("rms", "root mean square", LARGEST_RMS), ("max", "largest", LARGEST))
    for name, words, share in bounds:
        if error[name] > share * error["spread"]:
            return (
                f"on {error['pairs']} held-out pairs 8 bits move its scores by {error['rms']:.3f} logits "
                f"(root mean square) and {error['max']:.3f} at most, while the scores of one query's "
                f"documents spread by {error['spread']:.3f}; the {words} may be {share:.0%} of that"
            )
    return None


def kendall_tau(first: np.ndarray, second: np.ndarray) -> float:
    """Kendall's tau-b of two rankings, in which equal scores count for neither order.

    1 for the same order, −1 for the reverse; 1 also where one ranking has equal scores only.
    """
    upper = np.triu_indices(len(first), 1)
    a, b = (np.sign(scores[:, None] - scores[None])[upper] for scores in (first, second))
    untied = np.sqrt(float(np.sum(a != 0)) * float(np.sum(b != 0)))
    return float(np.sum(a * b) / untied) if untied else 1.0


def _short(number: float | np.floating) -> float:
    """Four significant digits, so that the file and ``repr`` can be read."""
    return float(f"{number:.4g}")
