"""Is there an answer at all? A probability for a query's best score, fitted on judged queries.

Source: scikit-learn's regressions, https://scikit-learn.org/stable/modules/calibration.html.
"""

import warnings
from collections.abc import Iterable, Mapping, Set
from numbers import Real
from typing import Any

import numpy as np

METHODS = ("platt", "isotonic")
FEWEST = 20  # queries; below it the curve rests on a handful of cases
SHARPEST = 1e6  # next to no regularisation: a sum over few queries must not be pulled to one half


class Decision:
    """How probable it is that a query's first document answers it, by that document's score.

    Args:
        scores: the best score of each query, in the reranker's own unit.
        answered: whether that query's first document answers it.
        method: ``"platt"``, a logistic curve with two numbers, or ``"isotonic"``, steps that only rise,
            which needs a few hundred queries.

    Raises:
        TypeError, ValueError: the two lists do not belong together, a score is no finite number, or all
            queries are of one sort, so that there is nothing to tell apart.

    Warns:
        UserWarning: there are fewer than 20 queries, or higher scores are answered less often.
    """

    def __init__(self, scores: Iterable[float], answered: Iterable[bool], method: str = "platt") -> None:
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))}, not {method!r}.")
        scores, answered = check_outcomes(scores, answered)
        if answered.all() or not answered.any():
            sort = "answered" if answered.all() else "unanswered"
            raise ValueError(f"All {len(answered)} queries are {sort}: add some of the other sort.")
        if len(scores) < FEWEST:
            warnings.warn(
                f"{len(scores)} queries are few to fit on: the probabilities may be far off. Use {FEWEST} "
                "or more.",
                stacklevel=2,
            )
        if scores[answered].mean() <= scores[~answered].mean():
            warnings.warn(
                "Queries that are answered do not have higher scores here: this score decides nothing.",
                stacklevel=2,
            )
        self.method, self.queries = method, len(scores)
        self._unit = np.abs(scores).max() or 1.0  # of any size: sums of squares must not overflow
        self._model = _fit(scores / self._unit, answered, method)

    def __repr__(self) -> str:
        return f"Decision(method={self.method!r}, queries={self.queries})"

    def probability(self, scores: float | Iterable[float]) -> Any:
        """The probability of an answer, 0 to 1: a float for one score, an array for a list of scores.

        Raises:
            TypeError, ValueError: a score is no finite number, or they are a table and no list.
        """
        values = _numbers(scores, "scores")
        if values.ndim > 1:
            raise ValueError(f"scores has the shape {values.shape}: give one score, or a list of scores.")
        if not values.size:
            return np.empty(0)
        column = values.reshape(-1, 1) / self._unit
        if self.method == "platt":
            found = self._model.predict_proba(column)[:, 1]
        else:
            found = self._model.predict(column[:, 0])
        return float(found[0]) if values.ndim == 0 else found

    def has_answer(self, score: float, at_least: float = 0.5) -> bool:
        """Whether the probability of an answer is at least ``at_least``, for one score."""
        if isinstance(at_least, bool) or not isinstance(at_least, Real):
            raise TypeError(f"at_least must be a probability from 0 to 1, not {at_least!r}.")
        if _numbers(score, "score").ndim:
            raise TypeError("has_answer takes one score. For several, compare probability(scores).")
        if not 0 <= at_least <= 1:
            raise ValueError(f"at_least must be a probability from 0 to 1, not {at_least}.")
        return bool(self.probability(score) >= at_least)


def precision_by_coverage(scores: Iterable[float], answered: Iterable[bool]) -> tuple[np.ndarray, np.ndarray]:
    """How many of the shown answers are right, if only the surest share of the queries is shown one.

    Queries with equal scores are shown together: nothing tells them apart.

    Returns:
        (coverage, precision), both 0 to 1, one entry for each different score, the highest first.

    Raises:
        TypeError, ValueError: as ``Decision``.
    """
    scores, answered = check_outcomes(scores, answered)
    order = np.argsort(-scores, kind="stable")
    right, shown = np.cumsum(answered[order]), np.arange(1, len(order) + 1)
    last = np.append(np.diff(scores[order]) != 0, True)  # of the queries with this score
    return shown[last] / len(order), right[last] / shown[last]


def check_outcomes(scores: Any, answered: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scores as float64 and outcomes as bool, each of shape (queries,), or an error that says why not."""
    for name, values in (("scores", scores), ("answered", answered)):
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            raise TypeError(f"{name} must be a list with an entry for each query, not {values!r:.60}.")
    if hasattr(scores, "iloc") and hasattr(answered, "iloc") and list(scores.index) != list(answered.index):
        raise ValueError("scores and answered have different indexes: bring them into one order first.")
    scores = _numbers(scores, "scores")
    try:
        outcomes = np.asarray(list(answered))
    except ValueError:  # ragged
        raise ValueError("answered must be True or False for each query, one value each.") from None
    if scores.ndim != 1 or outcomes.shape != scores.shape:
        raise ValueError(
            f"scores has the shape {scores.shape}, answered {outcomes.shape}: give one of each for a query."
        )
    if not len(scores):
        raise ValueError("scores is empty: there is no query to learn from.")
    if outcomes.dtype != bool and not np.isin(outcomes, (0, 1)).all():
        raise ValueError("answered must be True or False for each query. Compare grades first: grade >= 2.")
    return scores, outcomes.astype(bool)


def _numbers(values: Any, name: str) -> np.ndarray:
    if isinstance(values, (str, bytes, Mapping, Set)):  # a set has no order
        raise TypeError(f"{name} must be numbers, not a {type(values).__name__}.")
    if hasattr(values, "detach"):  # torch's, also of a type that numpy does not have
        values = values.detach().double().cpu()
    elif isinstance(values, Iterable) and not hasattr(values, "shape"):
        values = [value.detach().double() if hasattr(value, "detach") else value for value in values]
    try:
        if any(isinstance(value, (str, bytes)) for value in np.asarray(values).flat):
            raise TypeError  # numpy would read "1.5" as a number
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be numbers, not {type(values).__name__}.") from None
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} holds a value that is no finite number.")
    return numbers


def _fit(scores: np.ndarray, answered: np.ndarray, method: str) -> Any:
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if method == "isotonic":
        return IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, answered)
    # In standard deviations, so that the unit of the scores does not matter.
    curve = make_pipeline(StandardScaler(), LogisticRegression(C=SHARPEST))
    return curve.fit(scores.reshape(-1, 1), answered)
