"""Right answers to the exercise mix_and_cascade, each written in several ways, with places for mistakes."""

import math
import statistics

import jupytext
import numpy as np
import pandas as pd

from rerank_course import Stage, cascade, mix
from rerank_course.checks.mix_and_cascade import (
    check_cascade_within,
    check_choose_weight,
    check_mix_scores,
    check_z_scores,
)
from tests.support import ROOT

EXERCISE = "mix_and_cascade"
PARTS = {
    "z_scores": (check_z_scores, "graded-z-scores"),
    "mix_scores": (check_mix_scores, "graded-mix"),
    "choose_weight": (check_choose_weight, "graded-weight"),
    "cascade_within": (check_cascade_within, "graded-budget"),
}


def reference():
    """{name: function} of the exercise's own solution."""
    functions = {}
    for cell in jupytext.read(ROOT / "lessons" / "exercises" / f"{EXERCISE}.py", fmt="py:percent").cells:
        if cell.metadata.get("role") == "solution":
            exec(cell.source, functions)
    return {name: functions[name] for name in PARTS}


def z_by_statistics(scores):
    if len(set(scores)) < 2:
        return tuple(0 for _ in scores)
    mean, deviation = statistics.fmean(scores), statistics.pstdev(scores)
    return tuple(round((score - mean) / deviation, 3) for score in scores)


def z_by_numpy(scores):
    scores = np.asarray(scores, dtype=np.float64)
    deviation = scores.std() if len(scores) else 0
    return (scores - scores.mean()) / deviation if deviation > 1e-9 else np.zeros_like(scores)


def z_by_pandas(scores):
    series = pd.Series(scores, dtype=float)
    return series * 0 if series.nunique() < 2 else (series - series.mean()) / series.std(ddof=0)


def mix_by_loop(
    found, reranked, weight, *, normalise=z_by_numpy, over_all=False, pair=None, sort=None, has=None
):
    """The reference, with places for mistakes."""
    has = has or (lambda document: document in reranked)
    both = [document for document, _ in found if has(document)]
    normalised = [score for document, score in found if over_all or has(document)]
    first = dict(zip([d for d, _ in found if over_all or has(d)], normalise(normalised)))
    second = dict(zip(both, normalise([reranked[d] for d in both] if pair is None else pair(reranked))))
    mixed = {d: (1 - weight) * first[d] + weight * second[d] for d in both}
    order = sort(mixed) if sort else sorted(both, key=lambda d: -mixed[d])
    return order + [document for document, _ in found if not has(document)]


def mix_by_numpy(found, reranked, weight):
    ids = np.array([document for document, _ in found], dtype=str)
    both = np.array([document in reranked for document in ids], dtype=bool)
    first = z_by_numpy([score for (_, score), read in zip(found, both) if read])
    second = z_by_numpy([reranked[document] for document in ids[both]])
    order = np.argsort(-((1 - weight) * first + weight * second), kind="stable")
    return np.concatenate([ids[both][order], ids[~both]])


def mix_by_the_package(found, reranked, weight):
    return tuple(document for document, _ in mix(found, reranked.items(), weight))


def choose_by_tuple(scores_by_weight, training):
    def key(weight):
        mean = statistics.fmean(scores_by_weight[weight][query] for query in training)
        return round(mean, 6), -abs(weight - 0.5), -weight

    return max(scores_by_weight, key=key)


def choose_by_pandas(scores_by_weight, training):
    means = pd.DataFrame(scores_by_weight).loc[training].mean().sort_index()
    best = means.index[np.isclose(means, means.max())].to_numpy(dtype=float)
    return best[np.argmin(np.abs(best - 0.5))]  # a numpy number, and the first of equal ones


def cascade_by_places(
    budget,
    query,
    candidates,
    cheap,
    dear,
    *,
    choose=None,
    join=None,
    cut=True,
    ask=lambda model, ps: model.predict(ps),
):
    """The reference, with places for mistakes: ``choose(ranked, candidates)``, ``join(read, rest)``."""
    scores = ask(cheap, [(query, candidate) for candidate in candidates])
    ranked = [candidates[place] for place in np.argsort(-np.array(scores))]
    chosen = choose(ranked, candidates) if choose else ranked
    read = chosen[:budget] if cut else chosen
    rest = [candidate for candidate in ranked if candidate not in read]
    if read:
        again = dict(zip(read, ask(dear, [(query, candidate) for candidate in read])))
        read = sorted(read, key=lambda candidate: -again[candidate])
    return join(read, rest) if join else read + rest


def cascade_by_the_package(budget, query, candidates, cheap, dear):
    stages = [Stage(cheap), Stage(dear)] if budget else [Stage(cheap)]
    if budget:
        stages[0] = Stage(cheap, keep=budget)
    return [candidate for candidate, _ in cascade(query, candidates, stages)]


def cascade_in_an_array(budget, query, candidates, cheap, dear):
    names = np.array(candidates)
    names = names[np.argsort(cheap.predict([[query, name] for name in names]))[::-1]]
    if budget > 0:
        top = names[:budget]
        names[:budget] = top[np.argsort(dear.predict([(query, str(name)) for name in top]))[::-1]]
    return names


# What wrong answers are made of


def z_with(centre=statistics.fmean, spread=statistics.pstdev, equal=lambda scores: [0.0] * len(scores)):
    return lambda scores: (
        equal(scores)
        if len(set(scores)) < 2
        else [(score - centre(scores)) / spread(scores) for score in scores]
    )


def mixed_with(**options):
    return lambda found, reranked, weight: mix_by_loop(found, reranked, weight, **options)


def unread_as_zero(found, reranked, weight):
    second = {document: reranked.get(document, 0.0) for document, _ in found}
    return mix_by_loop(found, second, weight)


def mixed_after(change):
    """The right order, and what is done to (those with both scores, the others)."""

    def answer(found, reranked, weight):
        order = mix_by_loop(found, reranked, weight)
        return change(order[: len(reranked)], order[len(reranked) :])

    return answer


def means(values, training):
    return {w: statistics.fmean(by_query[q] for q in training) for w, by_query in values.items()}


def best_of(values, queries, **options):
    of = means(values, queries)
    return max(options.get("weights", of), key=of.get)


def others(values, training):
    return [query for query in next(iter(values.values())) if query not in training]


def all_best(values, training):
    of = means(values, training)
    return [weight for weight in of if math.isclose(of[weight], max(of.values()))]


def cascade_with(**options):
    return lambda *arguments: cascade_by_places(*arguments, **options)


def one_by_one(model, pairs):
    return [float(model.predict(pair)) for pair in pairs]


def turned(model, pairs):
    return model.predict([(candidate, query) for query, candidate in pairs])


def only_dear(change):
    """The reference, with another way to ask the dear model."""

    def answer(budget, query, candidates, cheap, dear):
        def ask(model, pairs):
            return model.predict(pairs) if model is cheap else change(model, pairs)

        return cascade_by_places(budget, query, candidates, cheap, dear, ask=ask)

    return answer


def with_scores_together(budget, query, candidates, cheap, dear):
    scores = dict(zip(candidates, cheap.predict([(query, candidate) for candidate in candidates])))
    best = sorted(candidates, key=scores.get, reverse=True)[:budget]
    scores |= zip(best, dear.predict([(query, candidate) for candidate in best]))
    return sorted(candidates, key=scores.get, reverse=True)


def asks_dear_in_any_case(budget, query, candidates, cheap, dear):
    if budget == 0:
        dear.predict([])
    return cascade_by_places(budget, query, candidates, cheap, dear)


RIGHT = {
    "z_scores": [z_by_statistics, z_by_numpy, z_by_pandas],
    "mix_scores": [mix_by_loop, mix_by_numpy, mix_by_the_package],
    "choose_weight": [choose_by_tuple, choose_by_pandas],
    "cascade_within": [cascade_by_places, cascade_by_the_package, cascade_in_an_array],
}
RIGHT = {part: [reference()[part], *answers] for part, answers in RIGHT.items()}
