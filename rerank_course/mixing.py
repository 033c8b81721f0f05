"""Mix the first stage's scores with the reranker's, in place of letting one replace the other."""

import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any, TypeVar

import numpy as np
from scipy.stats import rankdata

from rerank_course.text import text_of

Candidate = TypeVar("Candidate")
Scored = list[tuple[Candidate, float]]
K = 60  # of reciprocal ranks, as rerank_course.retrieve has it
ROUNDING = 12  # decimals of a mixed score: two candidates on which both sides disagree alike are a tie


def z_scores(scores: np.ndarray) -> np.ndarray:
    """Scores less their mean, in standard deviations; equal scores give 0."""
    centred = _centred(scores)
    return centred / centred.std() if centred.any() else centred


def min_max(scores: np.ndarray) -> np.ndarray:
    """Scores from 0, the lowest, to 1, the highest; equal scores give 0."""
    centred = _centred(scores)
    return (centred - centred.min()) / np.ptp(centred) if centred.any() else centred


def reciprocal_ranks(scores: np.ndarray) -> np.ndarray:
    """1 / (60 + rank), the highest score's rank being 1; equal scores share the mean of their ranks."""
    return 1 / (K + rankdata(-scores))


NORMALISATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "z-score": z_scores,
    "min-max": min_max,
    "rank": reciprocal_ranks,
}


def mix(
    first_stage: Iterable[tuple[Candidate, float]],
    reranked: Iterable[tuple[Any, float]],
    weight: float = 0.5,
    *,
    normalise: str = "z-score",
) -> Scored:
    """Order the first stage's candidates by a weighted mean of its scores and the reranker's.

    The two kinds of score have different units, so each is normalised first, within this one list. A
    candidate's two scores find each other by its text. Candidates that were not reranked have one score only:
    they stay behind the others, in the first stage's order, with scores that go on falling.

    Args:
        first_stage: ``[(candidate, score), …]``, best first, as a retriever gives them.
        reranked: the same candidates or some of them with the reranker's scores, in any order, as
            ``rerank_documents(query, first_stage, reranker, top_k=None)`` gives them.
        weight: the reranker's share. 0 keeps the first stage's order, 1 takes the reranker's.
        normalise: ``"z-score"``, ``"min-max"`` or ``"rank"`` (reciprocal ranks, as in the fusion of
            searches).

    Returns:
        ``[(candidate, mixed score), …]``, best first: the first stage's candidates, each once for each time
        that it was passed. Equal mixed scores keep the first stage's order.

    Raises:
        TypeError, ValueError: a score is no finite number, ``weight`` is outside 0–1, a normalisation is
        unknown, a candidate was reranked that the first stage did not find, or the first stage's scores rise
        somewhere: then they are distances, or the list is not best first.
    """
    weight, normalise = check_weight(weight), _check_normalisation(normalise)
    found, found_texts = read_scored(first_stage, "first_stage")
    again, again_texts = read_scored(reranked, "reranked")
    check_falling([score for _, score in found], "first_stage")
    scores: dict[str, float] = {}
    for text, (_, score) in zip(again_texts, again):
        scores[text] = max(score, scores.get(text, -math.inf))
    _check_known(scores, found_texts)

    both = [i for i, text in enumerate(found_texts) if text in scores]
    first = np.array([found[i][1] for i in both])
    second = np.array([scores[found_texts[i]] for i in both])
    mixed = _weighted(first, second, weight, NORMALISATIONS[normalise])
    # Both sorts are stable: equal scores stay in the first stage's order.
    ranking = [(found[both[i]][0], float(mixed[i])) for i in np.argsort(-mixed, kind="stable")]
    return continue_below(ranking, [found[i][0] for i, text in enumerate(found_texts) if text not in scores])


def continue_below(ranking: Scored, behind: Iterable[Any]) -> Scored:
    """A ranking, and behind it more candidates, whose scores go on falling."""
    floor = ranking[-1][1] if ranking else 0.0
    return ranking + [(candidate, floor - place) for place, candidate in enumerate(behind, start=1)]


def _weighted(first: np.ndarray, second: np.ndarray, weight: float, normalise: Callable) -> np.ndarray:
    """The weighted mean, without what is only rounding; alone, a score's own order survives in any unit."""
    if not len(first):
        return first
    if weight in (0, 1):
        alone = second if weight else first
        normal, ranks = normalise(alone), rankdata(alone, method="dense")
        # Scores that lie very close together, or one of them very far off, would lose their order.
        return normal if len(np.unique(normal)) == ranks.max() else normalise(ranks)
    return np.round((1 - weight) * normalise(first) + weight * normalise(second), ROUNDING) + 0.0


def _centred(scores: np.ndarray) -> np.ndarray:
    """Scores less their mean, exactly 0 where they differ by no more than rounding."""
    largest = np.abs(scores).max()
    scaled = scores / largest if largest > 0 else scores  # so that nothing overflows
    return scaled - scaled.mean() if np.ptp(scaled) > 1e-12 else np.zeros(len(scores))


def read_scored(scored: Any, name: str) -> tuple[Scored, list[str]]:
    """(candidates with their scores as floats, the text of each), or an error that names what is wrong."""
    if isinstance(scored, (str, Mapping)) or not isinstance(scored, Iterable):
        raise TypeError(
            f"{name} must be a list of (candidate, score) pairs, not one {type(scored).__name__}."
        )
    pairs, texts = [], []
    for position, entry in enumerate(scored):
        what = f"{name}[{position}]"
        if not isinstance(entry, (tuple, list)) or len(entry) != 2:
            raise TypeError(f"{what} is a {type(entry).__name__}, not a candidate and its score.")
        candidate, score = entry
        pairs.append((candidate, check_score(score, what)))
        texts.append(text_of(candidate, what))
    return pairs, texts


def check_score(score: Any, name: str) -> float:
    """The score as a float, or an error that names it."""
    if isinstance(score, bool) or not isinstance(score, Real):
        raise TypeError(f"The score of {name} is {score!r}, not a number.")
    try:
        number = float(score)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"The score of {name} is {score!r:.40}, which cannot be ranked.")
    return number


def check_falling(scores: list[float], name: str) -> None:
    """Raise ``ValueError`` where a score is higher than the one before it."""
    rise = next((i for i in range(1, len(scores)) if scores[i] > scores[i - 1]), None)
    if rise is not None:
        raise ValueError(
            f"The scores of {name} rise: {name}[{rise}] has {scores[rise]:g} after {scores[rise - 1]:g}. If "
            "they are distances, where less is better, pass their negatives; if not, sort the candidates, "
            "best first."
        )


def _check_known(reranked: dict[str, float], found: list[str]) -> None:
    unknown = reranked.keys() - set(found)
    if unknown:
        text = next(text for text in reranked if text in unknown)
        raise ValueError(
            f"{len(unknown)} of the reranked candidates are not in first_stage, for example {text[:60]!r}. "
            "Pass the list that was reranked."
        )


def check_weight(weight: Any) -> float:
    """The weight as a float, or an error that says what the ends mean."""
    if isinstance(weight, bool) or not isinstance(weight, Real):
        raise TypeError(f"weight must be a number from 0 to 1, not {weight!r}.")
    share = float(weight)
    if not 0 <= share <= 1:
        raise ValueError(f"weight must be from 0 (first stage only) to 1 (reranker only), not {weight}.")
    return share


def _check_normalisation(name: Any) -> str:
    if not isinstance(name, str) or name not in NORMALISATIONS:
        raise ValueError(f"normalise must be one of {', '.join(map(repr, NORMALISATIONS))}, not {name!r}.")
    return name
