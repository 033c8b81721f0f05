"""Wrong answers to the exercise judge_a_ranking."""
# ruff: noqa: RET503 (as people write)

import math
import statistics

import numpy as np

from tests.checks.ways.judge_a_ranking import (
    WAYS,
    compare_in_a_loop,
    judged_by_mean,
    rank_by_next,
    run_by_two_helpers,
)

wrong = WAYS.wrong


@wrong("reciprocal_rank", "You look at fewer than ten places")
def rank_in_the_first_nine(ranking, grades):
    return next((1 / n for n, d in enumerate(ranking[:9], 1) if grades.get(d, 0) >= 2), 0)


@wrong("reciprocal_rank", "only 2 and 3 answer")
def rank_of_what_is_judged(ranking, grades):
    return next((1 / n for n, d in enumerate(ranking[:10], 1) if d in grades), 0)


@wrong("reciprocal_rank", "You count only grade 3")
def rank_of_the_best_grade(ranking, grades):
    return next((1 / n for n, d in enumerate(ranking[:10], 1) if grades.get(d, 0) > 2), 0)


@wrong("reciprocal_rank", "only looked at the first place")
def rank_of_the_first_alone(ranking, grades):
    for n, document in enumerate(ranking[:10], 1):
        return 1 / n if grades.get(document, 0) >= 2 else 0


@wrong("reciprocal_rank", "the square")
def rank_squared(ranking, grades):
    return rank_by_next(ranking, grades) ** 2


@wrong("reciprocal_rank", "two mistakes at once: You count grade 1 as relevant.")
def rank_with_two_mistakes(ranking, grades):
    place = next((n for n, d in enumerate(ranking, 1) if grades.get(d, 0) >= 1), None)
    return 1 / (place + 1) if place else 0.0


def with_discount(discount):
    """nDCG by hand, with another discount for a place from 1."""

    def answer(run, qrels):
        def dcg(gains):
            return sum(gain * discount(place) for place, gain in enumerate(gains[:10], start=1))

        values, means = run_by_two_helpers(run, qrels)
        for query in values["nDCG@10"]:
            found = [qrels[query].get(document, 0) for document in run.get(query, ())]
            best = dcg(sorted(qrels[query].values(), reverse=True))
            values["nDCG@10"][query] = dcg(found) / best
        return values, means | {"nDCG@10": statistics.fmean(values["nDCG@10"].values())}

    return answer


for _name, _discount, _message in (
    ("one_over_the_place", lambda place: 1 / place, "You divided each gain by its place"),
    ("one_place_on", lambda place: 1 / math.log2(place + 2), "Your discount is one place off"),
    ("no_discount", lambda place: 1, "You took no discount"),
    ("from_the_second", lambda place: 1 / max(1, math.log2(place)), "the older DCG"),
    ("a_square_root", lambda place: place**-0.5, "nDCG@10 is 0.576; ir-measures gives 0.555."),
):
    wrong("measure_run", _message, _name)(with_discount(_discount))


@wrong("measure_run", "That is the DCG. Divide it")
def dcg_not_divided(run, qrels):
    values, means = run_by_two_helpers(run, qrels)
    for query in values["nDCG@10"]:
        found = [qrels[query].get(document, 0) for document in run.get(query, ())][:10]
        values["nDCG@10"][query] = sum(gain / math.log2(n) for n, gain in enumerate(found, 2))
    return values, means


@wrong("measure_run", "That is the mean of RR@10. The two names are swapped")
def means_swapped(run, qrels):
    values, means = run_by_two_helpers(run, qrels)
    return values, {"nDCG@10": means["RR@10"], "RR@10": means["nDCG@10"]}


@wrong("measure_run", "which nobody has judged")
def values_of_unjudged_queries(run, qrels):
    values, means = run_by_two_helpers(run, qrels)
    return {name: {**part, "q6": 0.0} for name, part in values.items()}, means


@wrong("judged_at_10", "You looked at fewer than ten")
def judged_in_nine(ranking, grades):
    return sum(document in grades for document in ranking[:9]) / len(ranking[:9])


@wrong("judged_at_10", "You return per cent")
def judged_in_per_cent(ranking, grades):
    return 100 * judged_by_mean(ranking, grades)


@wrong("judged_at_10", "whole number")
def judged_by_whole_division(ranking, grades):
    return sum(document in grades for document in ranking[:10]) // len(ranking[:10])


@wrong("compare_queries", "You return per cent")
def compare_in_per_cent(before, after):
    mean, gained, lost = compare_in_a_loop(before, after)
    return 100 * mean, gained, lost


@wrong("compare_queries", "You averaged the losses only")
def compare_losses(before, after):
    mean, gained, lost = compare_in_a_loop(before, after)
    return statistics.fmean(after[query] - before[query] for query in lost), gained, lost


@wrong("compare_queries", "has not lost")
def compare_with_a_margin(before, after):
    mean, gained, lost = compare_in_a_loop(before, after)
    return mean, gained, [query for query in lost if before[query] - after[query] > 0.2]


def decide_by_level(low, high):
    def answer(before, after):
        rng = np.random.default_rng(4)
        change = np.array([after[query] - before[query] for query in before])
        means = rng.choice(change, size=(10_000, len(change))).mean(axis=1)
        ends = np.percentile(means, [low, high])
        return "better" if ends[0] > 0 else "worse" if ends[1] < 0 else "not shown"

    return answer


wrong("decide", "interval of 90 %", "interval_of_90")(decide_by_level(5, 95))
wrong("decide", "interval of 99 %", "interval_of_99")(decide_by_level(0.5, 99.5))
wrong("decide", "interval of 90 %", "interval_of_80")(decide_by_level(10, 90))


@wrong("decide", "The interval holds 0")
def decide_by_standard_deviation(before, after):
    change = [after[query] - before[query] for query in before]
    error = statistics.stdev(change) / math.sqrt(len(change))
    mean = statistics.fmean(change)
    return "better" if mean > error else "worse" if mean < -error else "not shown"


@wrong("decide", "The interval holds 0")
def decide_by_count(before, after):
    _, gained, lost = compare_in_a_loop(before, after)
    return "better" if len(gained) > len(lost) else "worse" if len(lost) > len(gained) else "not shown"


@wrong("decide", "You never say 'worse'")
def decide_without_worse(before, after):
    low, _ = np.quantile([after[query] - before[query] for query in before], [0.4, 1])
    return "better" if statistics.fmean(after[q] - before[q] for q in before) > 0.05 else "not shown"
