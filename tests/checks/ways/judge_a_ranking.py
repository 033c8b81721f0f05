"""Right answers to the exercise judge_a_ranking."""

import itertools
import math
import statistics
from collections import defaultdict, namedtuple
from decimal import Decimal
from fractions import Fraction

import ir_measures
import numpy as np
import pandas as pd
import torch
from ir_measures import RR, nDCG

from rerank_course.checks.judge_a_ranking import (
    check_compare_queries,
    check_decide,
    check_judged_at_10,
    check_measure_run,
    check_reciprocal_rank,
)
from rerank_course.evaluate import bootstrap_interval
from tests.checks.ways import Ways

WAYS = Ways(
    "judge_a_ranking",
    {
        "reciprocal_rank": (check_reciprocal_rank, "graded-reciprocal-rank"),
        "measure_run": (check_measure_run, "graded-measures"),
        "judged_at_10": (check_judged_at_10, "graded-judged"),
        "compare_queries": (check_compare_queries, "graded-comparison"),
        "decide": (check_decide, "graded-decision"),
    },
)
right = WAYS.right


@right("reciprocal_rank")
def rank_by_next(ranking, grades):
    return next((1 / n for n, d in enumerate(ranking[:10], 1) if grades.get(d, 0) >= 2), 0)


@right("reciprocal_rank")
def rank_by_max(ranking: list[str], grades: dict[str, int]) -> float:
    """The largest of all answers' reciprocal ranks."""
    return max([1 / (n + 1) for n in range(min(10, len(ranking))) if grades.get(ranking[n], 0) > 1] or [0.0])


@right("reciprocal_rank")
def rank_as_a_fraction(ranking, grades):
    for n, document in zip(range(1, 11), ranking):
        if grades.get(document) in {2, 3}:
            return Fraction(1, n)
    return Fraction(0)


@right("reciprocal_rank")
def rank_in_decimals(ranking, grades):
    answers = [document for document, grade in grades.items() if grade in (2, 3)]
    places = sorted(ranking.index(document) + 1 for document in answers if document in ranking)
    return Decimal(1) / places[0] if places and places[0] <= 10 else Decimal(0)


@right("reciprocal_rank")
def rank_by_numpy(ranking, grades):
    relevant = np.array([grades.get(document, 0) >= 2 for document in ranking[:10]])
    return np.float32(1 / (relevant.argmax() + 1)) if relevant.any() else np.float32(0)


@right("reciprocal_rank")
def rank_by_torch(ranking, grades):
    relevant = torch.tensor([float(grades.get(document, 0) >= 2) for document in ranking[:10]])
    return (relevant / torch.arange(1, len(relevant) + 1)).max()


@right("reciprocal_rank")
def rank_by_pandas(ranking, grades):
    found = pd.Series(ranking[:10]).map(grades).fillna(0)
    places = found.index[found >= 2]
    return 0.0 if places.empty else 1 / (places.min() + 1)


@right("reciprocal_rank")
def rank_by_recursion(ranking, grades, place=1):
    if not ranking or place > 10:
        return 0.0
    first, *others = ranking
    return 1 / place if grades.get(first, 0) >= 2 else rank_by_recursion(others, grades, place + 1)


@right("reciprocal_rank")
def rank_by_catching(ranking, grades):
    for place, document in enumerate(ranking[0:10]):
        try:
            if int(grades[document]) >= 2:
                return round(1.0 / (place + 1), 4)
        except KeyError:
            continue
    return 0


@right("measure_run")
def run_measure_by_measure(run, qrels):
    kept = {}
    for query in qrels:
        if max(qrels[query].values()) > 1:
            kept[query] = qrels[query]
    scores = {query: {d: 1 / (n + 1) for n, d in enumerate(ranking)} for query, ranking in run.items()}
    values = {"nDCG@10": {}, "RR@10": {}}
    for result in ir_measures.iter_calc([nDCG @ 10], kept, scores):
        values["nDCG@10"][result.query_id] = result.value
    for result in ir_measures.iter_calc([RR(rel=2) @ 10], kept, scores):
        values["RR@10"][result.query_id] = result.value
    return values, {name: np.mean(list(part.values())) for name, part in values.items()}


@right("measure_run")
def run_with_aggregates(run, qrels):
    kept = {query: grades for query, grades in qrels.items() if set(grades.values()) & {2, 3}}
    rows = [ir_measures.ScoredDoc(q, d, len(ids) - n) for q, ids in run.items() for n, d in enumerate(ids)]
    measures = {nDCG @ 10: "nDCG@10", RR(rel=2) @ 10: "RR@10"}
    values = defaultdict(dict)
    for query, measure, value in ir_measures.iter_calc(list(measures), kept, rows):
        values[measures[measure]][query] = round(value, 4)
    means = {measures[m]: v for m, v in ir_measures.calc_aggregate(list(measures), kept, rows).items()}
    return values, means


@right("measure_run")
def run_as_named_tables(run, qrels):
    values, means = run_measure_by_measure(run, qrels)
    result = namedtuple("result", "by_query means")
    return result(pd.DataFrame(values), pd.Series(means))


@right("measure_run")
def run_by_two_helpers(run, qrels):
    def dcg(gains):
        return sum(gain / math.log2(place) for place, gain in enumerate(gains[:10], start=2))

    def one(query):
        grades = qrels[query]
        found = [grades.get(document, 0) for document in run.get(query, ())]
        return {
            "nDCG@10": dcg(found) / dcg(sorted(grades.values(), reverse=True)),
            "RR@10": rank_by_next(run.get(query, []), grades),
        }

    table = pd.DataFrame({query: one(query) for query in qrels if max(qrels[query].values()) >= 2}).T
    return table.to_dict(), table.mean().to_dict()


@right("judged_at_10")
def judged_by_mean(ranking, grades):
    return statistics.fmean(document in grades for document in ranking[:10])


@right("judged_at_10")
def judged_by_sets(ranking, grades):
    top = set(ranking[:10])
    return len(top & grades.keys()) / len(top)


@right("judged_at_10")
def judged_by_numpy(ranking, grades):
    return np.isin(ranking[:10], list(grades)).mean()


@right("judged_at_10")
def judged_by_pandas(ranking, grades):
    return pd.Series(ranking).head(10).isin(grades).mean()


@right("judged_at_10")
def judged_by_filter(ranking, grades):
    top = list(itertools.islice(ranking, 10))
    return Fraction(sum(1 for _ in filter(grades.__contains__, top)), len(top))


@right("judged_at_10")
def judged_by_minus_one(ranking, grades):
    return 1 - sum(grades.get(document, -1) < 0 for document in ranking[:10]) / len(ranking[:10])


@right("compare_queries")
def compare_in_a_loop(before, after):
    total, gained, lost = 0, [], []
    for query in sorted(before):
        if (change := after[query] - before[query]) > 0:
            gained.append(query)
        elif change < 0:
            lost.append(query)
        total += change
    return total / len(before), gained, lost


@right("compare_queries")
def compare_by_numpy(before, after):
    queries = np.array(list(before))
    change = np.array([after[query] for query in queries]) - np.array([before[query] for query in queries])
    return change.mean(), queries[change > 0], queries[change < 0]


@right("compare_queries")
def compare_as_frozen_sets(before, after):
    change = {query: after[query] - before[query] for query in after}
    return [
        np.float64(statistics.mean(change.values())),
        frozenset(filter(lambda query: change[query] > 0, change)),
        tuple(query for query in change if change[query] < 0),
    ]


@right("compare_queries")
def compare_by_the_tables_index(before, after):
    table = pd.DataFrame({"before": before, "after": after})
    change = table["after"] - table["before"]
    return change.mean(), change[change > 0].index.tolist(), change[change < 0].index


@right("compare_queries")
def compare_as_series_and_keys(before, after):
    change = pd.Series({query: after[query] - before[query] for query in before})
    lost = {query: None for query in before if after[query] < before[query]}
    return torch.tensor(change.mean()), pd.Series(change.index[change > 0]), lost.keys()


@right("decide")
def decide_in_words(before, after):
    low, high = bootstrap_interval(np.array([after[query] - before[query] for query in before]))
    if low > 0 and high > 0:
        return "BETTER"
    if low < 0 and high < 0:
        return "Worse"
    return "Not shown"


@right("decide")
def decide_by_an_own_bootstrap(before, after):
    rng = np.random.default_rng(11)
    change = np.array([after[query] - before[query] for query in before])
    means = rng.choice(change, size=(5000, len(change)), replace=True).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return np.str_("better" if low > 0 else "worse" if high < 0 else "not shown")


@right("decide")
def decide_by_series(before, after):
    change = (pd.Series(after) - pd.Series(before)).to_numpy()
    low, high = bootstrap_interval(change, seed=3)
    return {(True, True): "better", (False, False): "worse"}.get((low > 0, high >= 0), "not shown")


@right("decide")
def decide_by_signs(before, after):
    ends = np.sign(bootstrap_interval([after[query] - value for query, value in before.items()]))
    return "better" if ends.sum() == 2 else "worse" if ends.sum() == -2 else "not shown"
