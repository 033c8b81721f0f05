"""Right answers to the exercise judge_a_ranking, each written in several ways."""

import math
from statistics import fmean

import ir_measures
import numpy as np
import pandas as pd
from ir_measures import RR, Judged, nDCG

from rerank_course.evaluate import bootstrap_interval, paired_difference

MEASURES = {"nDCG@10": nDCG @ 10, "RR@10": RR(rel=2) @ 10}


def rank_by_loop(ranking, grades):
    place = 0
    for document in ranking:
        place += 1  # noqa: SIM113  (as many a learner counts)
        if place > 10:
            break
        if document in grades and grades[document] > 1:
            return 1.0 / place
    return 0


def rank_by_list(ranking, grades):
    places = [i for i, document in enumerate(ranking[:10]) if grades.get(document, -1) in (2, 3)]
    return round(1 / (places[0] + 1), 3) if places else 0.0


def rank_by_the_library(ranking, grades):
    run = [ir_measures.ScoredDoc("q", document, 100 - i) for i, document in enumerate(ranking)]
    return ir_measures.calc_aggregate(
        [RR(rel=2) @ 10], [ir_measures.Qrel("q", d, g) for d, g in grades.items()], run
    )[RR(rel=2) @ 10]


def answered_only(qrels):
    return {query: grades for query, grades in qrels.items() if any(grade >= 2 for grade in grades.values())}


def run_in_one_call(
    run,
    qrels,
    *,
    score=lambda place: -float(place),
    answered=answered_only,
    measures=MEASURES,
    ranking=lambda query, ranking, qrels: ranking,
):
    """The reference, with places for mistakes."""
    qrels = answered(qrels)
    scored = {
        query: {d: score(place) for place, d in enumerate(ranking(query, documents, qrels))}
        for query, documents in run.items()
    }
    values = {name: {} for name in measures}
    for found in ir_measures.iter_calc(measures.values(), qrels, scored):
        values[next(name for name, measure in measures.items() if measure == found.measure)][
            found.query_id
        ] = found.value
    return values, {name: fmean(by_query.values()) for name, by_query in values.items()}


def run_as_tables(run, qrels):
    qrels = pd.DataFrame(
        [(q, d, g) for q, grades in answered_only(qrels).items() for d, g in grades.items()],
        columns=["query_id", "doc_id", "relevance"],
    )
    run = pd.DataFrame(
        [(q, d, 1 / (1 + i)) for q, ranking in run.items() for i, d in enumerate(ranking)],
        columns=["query_id", "doc_id", "score"],
    )
    found = ir_measures.iter_calc(MEASURES.values(), qrels, run)
    table = pd.DataFrame(found).assign(
        measure=lambda t: [next(n for n, m in MEASURES.items() if m == measure) for measure in t["measure"]]
    )
    table = table.pivot(index="query_id", columns="measure", values="value")
    return table, table.mean()


def run_by_hand(run, qrels):
    def gain(ranking, grades):
        return sum(grades.get(d, 0) / math.log2(i + 2) for i, d in enumerate(ranking[:10]))

    ndcg, rr = {}, {}
    for query, grades in answered_only(qrels).items():
        ranking = run.get(query, [])
        ndcg[query] = gain(ranking, grades) / gain(sorted(grades, key=grades.get, reverse=True), grades)
        rr[query] = rank_by_loop(ranking, grades)
    return [
        {"RR@10": rr, "nDCG@10": ndcg},
        {"nDCG@10": np.mean(list(ndcg.values())), "RR@10": np.mean(list(rr.values()))},
    ]


def judged_by_loop(ranking, grades):
    judged = 0
    for document in ranking[:10]:
        judged += document in grades
    return judged / min(10, len(ranking))


def judged_by_the_library(ranking, grades):
    return ir_measures.calc_aggregate(
        [Judged @ 10], {"q": grades}, {"q": {d: -i for i, d in enumerate(ranking)}}
    )[Judged @ 10]


def compare_by_dictionary(before, after):
    differences = {query: after[query] - value for query, value in before.items()}
    return (
        fmean(differences.values()),
        {q for q, d in differences.items() if d > 0},
        {q for q, d in differences.items() if d < 0},
    )


def compare_by_pandas(before, after):
    difference = pd.Series(after) - pd.Series(before)
    return [difference.mean(), difference.index[difference > 0], list(difference.index[difference < 0])]


def decide_by_interval(before, after):
    low, high = bootstrap_interval(np.array([after[query] - before[query] for query in before]))
    return "not shown" if low <= 0 <= high else "better" if low > 0 else "worse"


def decide_by_paired_difference(before, after):
    first = pd.DataFrame({"nDCG@10": before})
    _, low, high = paired_difference(first, pd.DataFrame({"nDCG@10": after}).loc[first.index])
    return "Better" if low > 0 else "Worse" if high < 0 else "Not shown"


def decide_by_own_bootstrap(before, after):
    rng = np.random.default_rng(5)
    values = np.array([after[q] - before[q] for q in sorted(before)])
    low, high = np.quantile([rng.choice(values, len(values)).mean() for _ in range(2000)], [0.025, 0.975])
    return "better" if low > 0 else "worse" if high < 0 else "not shown"


RIGHT = {
    "reciprocal_rank": [rank_by_loop, rank_by_list, rank_by_the_library],
    "measure_run": [run_in_one_call, run_as_tables, run_by_hand],
    "judged_at_10": [judged_by_loop, judged_by_the_library],
    "compare_queries": [compare_by_dictionary, compare_by_pandas],
    "decide": [decide_by_interval, decide_by_paired_difference, decide_by_own_bootstrap],
}
