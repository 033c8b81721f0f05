"""The mistakes that people make in the exercise mix_and_cascade, and the data that tells them apart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median, pstdev, stdev

import numpy as np

from rerank_course.checks.answers import Mistake, Mistakes, cause_of
from rerank_course.mixing import min_max, reciprocal_ranks, z_scores

Found = Sequence[tuple[str, float]]  # (document, the search's score), best first
Scores = Mapping[str, float]
ByWeight = Mapping[float, Scores]  # {weight: {query: value}}

SCORE_LISTS: tuple[list[float], ...] = (
    [2.0, -1.0, 5.0, 0.0],
    [12.5, 9.0, 9.0, 3.5, 1.0],
    [0.82, 0.79, 0.71],
    [3.0, 3.0, 3.0],
    [7.5],
    [],
    [0.1, 0.1, 0.1],
)
# (found, reranked, weight). Of the first, each mistake makes another order: a test sees to that.
_FOUND = [
    ("d3", 13.25),
    ("d5", 11.25),
    ("d6", 11.0),
    ("d7", 8.5),
    ("d9", 6.5),
    ("d4", 6.0),
    ("d8", 5.0),
    ("d1", 4.5),
    ("d2", 1.25),
]
_RERANKED = {"d9": 1.5, "d4": 0.75, "d3": -3.75, "d6": 0.0, "d5": -2.75, "d2": 1.0}
MIXES: tuple[tuple[Found, Scores, float], ...] = (
    (_FOUND, _RERANKED, 0.4),
    (
        [("d4", 9.0), ("d7", 6.0), ("d2", 6.0), ("d9", 6.0), ("d1", 3.0)],
        {"d2": 1.0, "d1": 4.0, "d9": 1.0, "d7": 1.0, "d4": -2.0},
        0.7,
    ),
    (
        [("d6", 2.0), ("d8", 2.0), ("d5", 2.0), ("d1", 2.0)],
        {"d6": 1.0, "d5": 3.0, "d8": -1.0, "d1": 0.5},
        0.5,
    ),
    (_FOUND, _RERANKED, 0),
    ([("d9", 8.0), ("d2", 7.0), ("d5", 1.0)], {"d5": -6.0}, 0.5),
    ([("d8", 4.0), ("d3", 2.0)], {}, 0.5),
    ([], {}, 0.5),
)
_QUERIES = ("q1", "q2", "q3", "q4", "q5", "q6")
_VALUES = {
    0.0: (0.15, 0.5, 0.4, 0.2, 0.15, 0.1),
    0.2: (0.45, 0.55, 0.75, 0.8, 0.8, 0.65),
    0.4: (0.45, 0.85, 0.75, 0.8, 0.2, 0.45),
    0.6: (0.9, 0.7, 0.45, 0.45, 0.9, 0.45),
    0.8: (0.65, 0.2, 0.65, 0.35, 0.95, 0.15),
    1.0: (0.75, 0.1, 0.15, 0.95, 0.4, 0.9),
}
# (nDCG by weight and query, training queries). Of the first, each mistake chooses another weight.
CHOICES: tuple[tuple[ByWeight, Sequence[str]], ...] = (
    ({weight: dict(zip(_QUERIES, row)) for weight, row in _VALUES.items()}, ["q1", "q3", "q5", "q2"]),
    (
        {
            0.75: {"q1": 0.5, "q2": 0.75, "q3": 0.25},
            0.0: {"q1": 0.75, "q2": 0.5, "q3": 0.5},
            0.5: {"q1": 0.5, "q2": 0.5, "q3": 1.0},
            1.0: {"q1": 1.0, "q2": 0.25, "q3": 0.75},
            0.25: {"q1": 0.25, "q2": 1.0, "q3": 0.0},
        },
        ["q2", "q1"],
    ),
    ({0.1: {"q1": 0.5, "q2": 1.0}, 0.9: {"q1": 0.5, "q2": 0.0}, 0.6: {"q1": 0.5, "q2": 0.5}}, ["q1"]),
)
QUERY = "Who mends a puncture on a Sunday?"
CHEAP = {
    "Punctures are mended on the spot.": -1.5,
    "The Sunday market has bread and cheese.": 2.0,
    "Spare tubes are in the grey drawer.": -2.5,
    "On Sunday the workshop is closed.": 3.5,
    "Ask the guard: he has a patch kit all week.": -2.0,
    "The mechanic on call comes at weekends too.": 0.0,
    "Sunday rides start at nine.": 3.75,
}
BUDGETS = (4, 0, 10)
DEAR = dict(zip(CHEAP, (-3.75, -4.0, -0.75, -4.25, 3.75, 3.25, 0.0)))


def mistakes_of_z_scores(scores: Sequence[float]) -> Mistakes:
    """What they give for at least two scores that are not all equal."""
    mean, deviation = fmean(scores), pstdev(scores)
    centred = [score - mean for score in scores]
    right = [part / deviation for part in centred]
    yield Mistake(
        [part / stdev(scores) for part in centred],
        "Your standard deviation divides by the number of scores less one. Here divide by their number, as "
        "np.std and statistics.pstdev do.",
    )
    yield Mistake(centred, "You took off the mean, and did not divide by the standard deviation.")
    yield Mistake(
        [part / deviation**2 for part in centred],
        "You divided by the variance. The standard deviation is its square root.",
    )
    yield Mistake(
        [score / deviation for score in scores],
        "You divided by the standard deviation, and did not take off the mean before.",
    )
    yield Mistake(
        [score - mean / deviation for score in scores],
        "You divided the mean alone. Put brackets around score − mean.",
    )
    yield Mistake([-one for one in right], "The sign is turned: a score above the mean has a z above 0.")
    yield Mistake(min_max(np.array(scores)).tolist(), "That is from 0 to 1, the lowest to the highest score.")
    for places in (0, 1):
        rounded = [round(one, places) for one in right]
        yield Mistake(
            rounded, "You rounded. Then scores that differ become equal; round only what you print."
        )
    yield Mistake(
        [abs(one) for one in right], "You took the sign off: a score below the mean has a z below 0."
    )
    yield Mistake(
        [(score - median(scores)) / deviation for score in scores],
        "You took off the median of the scores. Take off their mean.",
    )
    for order in (sorted(right), sorted(right, reverse=True)):
        yield Mistake(order, "The values are right and in another order. Keep the order of the scores.")


def mistakes_of_equal_scores(scores: Sequence[float]) -> Mistakes:
    """What they give for scores that are all equal."""
    array = np.array(scores)
    deviation = array.std()
    if deviation > 0:
        yield Mistake(
            ((array - array.mean()) / deviation).tolist(),
            f"Their mean as numpy computes it is {float(array.mean())!r}, and so their standard deviation is "
            f"{deviation:.0e} and not 0. Ask whether the highest score is the lowest, in place of asking for "
            "a standard deviation of 0.",
        )
    yield Mistake(list(scores), "You returned the scores as they are.")


def mistakes_of_mix(found: Found, reranked: Scores, weight: float) -> Mistakes:
    """The orders that they give; the right one is among them where a mistake changes nothing."""
    both = [document for document, _ in found if document in reranked]
    if not both:
        return
    behind = [document for document, _ in found if document not in reranked]
    first = np.array([score for document, score in found if document in reranked])
    second = np.array([reranked[document] for document in both])

    def order(one: np.ndarray, two: np.ndarray, share: float = weight) -> list[str]:
        return _best_first(both, (1 - share) * one + share * two) + behind

    z_first, z_second = z_scores(first), z_scores(second)
    right = order(z_first, z_second)
    yield Mistake(right[: len(both)][::-1] + behind, "The worst comes first. Sort in descending order.")
    yield Mistake(right[::-1], "The whole list is turned round. The highest mixed score comes first.")
    yield Mistake(
        order(z_first, z_second, 1 - weight),
        "The weights are swapped: weight is the reranker's share, 1 − weight the search's.",
    )
    yield Mistake(
        order(first, second),
        "That is the order of the raw scores' mix. Their units differ: make z-scores of each list first.",
    )
    yield Mistake(
        _best_first(both, (1 - weight) * z_first + weight * z_scores(np.array(list(reranked.values()))))
        + behind,
        "You paired the scores by place. The dictionary holds the documents in another order: look each "
        "score up by its id.",
    )
    all_first = z_scores(np.array([score for _, score in found]))
    of_all = dict(zip([document for document, _ in found], all_first))
    yield Mistake(
        order(np.array([of_all[document] for document in both]), z_second),
        "You normalised the search's scores over all candidates. Take only those that have both scores, so "
        "that the two lists are about the same documents.",
    )
    yield Mistake(order(min_max(first), min_max(second)), "That is the order with min-max. Take z-scores.")
    yield Mistake(
        order(reciprocal_ranks(first), reciprocal_ranks(second)), "That is the order by ranks. Take z-scores."
    )
    yield Mistake(order(z_first, z_second, 0), "That is the search's order: the reranker has no say in it.")
    yield Mistake(order(z_first, z_second, 1), "That is the reranker's order: the search has no say in it.")
    if weight != 0.5:
        yield Mistake(
            order(z_first, z_second, 0.5), f"That is the order for the weight 0.5. Here it is {weight}."
        )
    yield from _without_zeros(found, reranked, weight)


def _without_zeros(found: Found, reranked: Scores, weight: float) -> Mistakes:
    zeros = [document for document, score in reranked.items() if score == 0]
    kept = {document: score for document, score in reranked.items() if score != 0}
    if not zeros or not kept:
        return
    both = [document for document, _ in found if document in kept]
    first = z_scores(np.array([score for document, score in found if document in kept]))
    second = z_scores(np.array([kept[document] for document in both]))
    behind = [document for document, _ in found if document not in kept]
    yield Mistake(
        _best_first(both, (1 - weight) * first + weight * second) + behind,
        f"{zeros[0]!r} has the reranker score 0.0, which is a score, and counts as False in an if. Ask "
        "whether the document is in reranked.",
    )


def mistakes_of_ties(found: Found, mixed: Scores) -> Mistakes:
    """What people do with equal mixed scores: the orders of the candidates that have one."""
    both = [document for document, _ in found if document in mixed]
    yield Mistake(
        sorted(both, key=lambda document: round(mixed[document], 9))[::-1],
        "Sorting in ascending order and then reversing turns equal ones round as well; reverse=True in "
        "sorted does not.",
    )
    for ids in (sorted(both), sorted(both, reverse=True)):
        yield Mistake(
            sorted(ids, key=lambda document: -round(mixed[document], 9)),
            "Yours are in the order of their ids: where scores are equal, sorted compares what comes next in "
            "a tuple. Give it a key that is the score alone.",
        )


def why_mixed(said: list[str], found: Found, reranked: Scores, weight: float, mixed: Scores) -> str:
    """The likely mistake behind another order, else what is out of place in it."""
    cause = cause_of(mistakes_of_mix(found, reranked, weight), said.__eq__)
    if cause:
        return cause
    first, rest = said[: len(mixed)], said[len(mixed) :]
    odd = next((document for document in first if document not in mixed), None)
    if odd is not None:
        after = next(document for document in said[said.index(odd) :] if document in mixed)
        return f"{odd!r} has no reranker score and stands before {after!r}, which has one. It belongs behind."
    if rest != [document for document, _ in found if document not in mixed]:
        return "Those without a reranker score should stay in the search's order."
    scores = [round(mixed[document], 9) for document in first]
    if scores == sorted(scores, reverse=True):
        cause = cause_of(mistakes_of_ties(found, mixed), first.__eq__)
        return (
            f"The mixed scores fall as they should, but equal ones left the search's order. {cause}".rstrip()
        )
    values = ", ".join(f"{document} {score:.2f}" for document, score in mixed.items())
    return f"The mixed scores are {values}."


def means_of(values: ByWeight, queries: Iterable[str]) -> dict[float, float]:
    """{weight: mean over these queries}."""
    chosen = list(queries)
    return {weight: fmean(by_query[query] for query in chosen) for weight, by_query in values.items()}


def mistakes_of_weight(values: ByWeight, training: Sequence[str]) -> Mistakes:
    """The weights that they choose."""
    queries = list(next(iter(values.values())))
    other = [query for query in queries if query not in training]

    def best(key: Callable[[float], float]) -> float:
        return max(values, key=key)

    means = means_of(values, training)
    if other:
        yield Mistake(
            best(means_of(values, queries).__getitem__),
            "That is the best weight over all queries. Those that are not training queries are for the test "
            "of the choice, so they may not choose.",
        )
        yield Mistake(
            best(means_of(values, other).__getitem__),
            "That is the best weight for the queries that are not training queries. It is the other half.",
        )
    yield Mistake(min(means, key=means.__getitem__), "It has the lowest mean. Of nDCG, more is better.")
    best_values = {query: max(by_query[query] for by_query in values.values()) for query in training}
    yield Mistake(
        best(lambda weight: sum(values[weight][query] == best_values[query] for query in training)),
        "It is the best for more training queries than any other. Take the mean: it counts by how much.",
    )
    yield Mistake(
        best(lambda weight: max(values[weight][query] for query in training)),
        "It has the highest value of a single training query. Take the mean over all of them.",
    )


def why_among_equals(said: float, true: float) -> str:
    """Why the second of two weights with the same mean is the one to take."""
    if round(abs(said - 0.5), 9) == round(abs(true - 0.5), 9):
        return "Both have the same mean and are as far from one half. Then take the smaller one."
    return f"Both have the same mean, and {true} is nearer to one half."


def mistakes_of_cascade(candidates: Sequence[str], cheap: Scores, dear: Scores, budget: int) -> Mistakes:
    """The orders that they give."""
    by_cheap = sorted(candidates, key=lambda candidate: -cheap[candidate])
    by_dear = sorted(by_cheap[:budget], key=lambda candidate: -dear[candidate])
    rest = by_cheap[budget:]
    yield Mistake(by_cheap, "That is the cheap model's order. Sort what the dear one read by its scores.")
    yield Mistake(
        by_dear[::-1] + rest,
        "Of those that the dear model read, the worst comes first. Sort in descending order.",
    )
    yield Mistake([*by_dear, *rest][::-1], "The whole list is turned round. The best comes first.")
    yield Mistake(
        by_dear + [candidate for candidate in candidates if candidate in rest],
        "Those that the dear model did not read stand as they came. They stay in the cheap model's order.",
    )
    yield Mistake(
        by_dear + rest[::-1],
        "Of those that the dear model did not read, the cheap model's worst comes first.",
    )
    yield Mistake(
        rest + by_dear, "Those that the dear model did not read stand in front. They belong behind."
    )
    together = {**cheap, **{candidate: dear[candidate] for candidate in by_dear}}
    yield Mistake(
        sorted(candidates, key=lambda candidate: -together[candidate]),
        "You sorted both models' scores in one list. Their units differ: sort each part by its own model, "
        "then put one behind the other.",
    )
    yield Mistake(
        sorted(by_dear, key=lambda candidate: -dear[candidate] - cheap[candidate]) + rest,
        "You added the two scores of what the dear model read. Here its own order counts.",
    )
    yield Mistake(list(candidates), "They stand as they came.")
    yield Mistake(
        sorted(by_cheap[:budget], key=lambda candidate: str(np.float32(dear[candidate])), reverse=True)
        + rest,
        "You compared the dear model's scores as text, and as text -4.0 comes after -3.0. Compare numbers.",
    )


def _best_first(documents: Sequence[str], scores: np.ndarray) -> list[str]:
    """Equal scores (and what is equal but for rounding) stay in the order of the documents."""
    falling = -np.round(scores, 9)
    return [documents[place] for place in np.argsort(falling, kind="stable")]
