"""Wrong answers to the exercise judge_a_ranking get the message meant for them."""

from statistics import fmean

import numpy as np
import pandas as pd
import pytest
from ir_measures import RR, nDCG

from rerank_course.checks.judge_a_ranking import (
    check_compare_queries,
    check_decide,
    check_judged_at_10,
    check_measure_run,
    check_reciprocal_rank,
)
from rerank_course.evaluate import bootstrap_interval, paired_difference
from tests.checks.judge_answers import (
    MEASURES,
    answered_only,
    compare_by_dictionary,
    decide_by_interval,
    run_in_one_call,
)


def rr(ranking, grades, *, start=1, relevant=2, cut=10, only_judged=False):
    ranking = [d for d in ranking if d in grades] if only_judged else ranking
    return next(
        (1 / place for place, d in enumerate(ranking[:cut], start=start) if grades.get(d, 0) >= relevant), 0.0
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda r, g: rr(r, g, start=0), "You count places from 0"),
        (lambda r, g: rr(r, g, start=2), "places are one too high"),
        (lambda r, g: rr(r, g, relevant=1), "You count grade 1 as relevant"),
        (lambda r, g: rr(r, g, cut=None), "RR@10 looks at ten places"),
        (lambda r, g: rr(r, g, only_judged=True), "You took the unjudged documents out"),
        (lambda r, g: 1 / rr(r, g) if rr(r, g) else 0, "That is the place"),
        (
            lambda r, g: sum(1 / p for p, d in enumerate(r[:10], 1) if g.get(d, 0) >= 2),
            "You add up all answers",
        ),
        (
            lambda r, g: next(
                (1 / p for p, d in reversed(list(enumerate(r[:10], 1))) if g.get(d, 0) >= 2), 0.0
            ),
            "That is the last answer's place",
        ),
        (
            lambda r, g: next((1 / p for p, d in enumerate(r, 1) if g[d] >= 2), 0.0),
            "raised KeyError: 'd7'. Is this a document that nobody judged",
        ),
        (
            lambda r, g: next((1 / p for p, d in enumerate(r[:10], 1) if g.get(d, 0) >= 2), None),
            "returned None",
        ),
        (
            lambda r, g: next((1 / p for p, d in enumerate(r[:10], 1) if g.get(d, 0) == 3), 0.0),
            "ir-measures gives 1.000",
        ),
        (lambda r, g: "1/3", "gives str '1/3'; it should be one number"),
        (lambda r, g: 1 / 7, "ir-measures gives 1.000"),
    ],
)
def test_reciprocal_rank_wrong(answer, message):
    verdict = check_reciprocal_rank(answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message


def with_mean(mean):
    """The right values of the queries, and another mean."""
    return lambda run, qrels: (
        run_in_one_call(run, qrels)[0],
        {name: mean(run, qrels, values) for name, values in run_in_one_call(run, qrels)[0].items()},
    )


def ndcg_by(change):
    """nDCG with other grades than the judges gave."""

    def answer(run, qrels):
        values, mean = run_in_one_call(run, qrels)
        values["nDCG@10"] = run_in_one_call(
            run,
            {q: change(q, grades, run) for q, grades in answered_only(qrels).items()},
            answered=lambda q: q,
        )[0]["nDCG@10"]
        return values, mean

    return answer


def only_found(answer):
    values, mean = answer
    return {name: {q: v for q, v in by_query.items() if q != "q3"} for name, by_query in values.items()}, mean


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda run, q: run_in_one_call(run, q, score=lambda place: place + 1.0),
            "Your order is turned round",
        ),
        (lambda run, q: run_in_one_call(run, q, score=lambda place: 1.0), "the same score"),
        (lambda run, q: run_in_one_call(run, q, measures={**MEASURES, "RR@10": RR @ 10}), "RR(rel=2) @ 10"),
        (
            lambda run, q: run_in_one_call(run, q, measures={**MEASURES, "RR@10": RR(rel=2)}),
            "You did not cut at ten: RR(rel=2) @ 10",
        ),
        (
            lambda run, q: run_in_one_call(run, q, measures={**MEASURES, "nDCG@10": nDCG}),
            "You did not cut at ten: nDCG @ 10",
        ),
        (
            lambda run, q: run_in_one_call(
                run, q, ranking=lambda query, r, j: [d for d in r if d in j.get(query, {})]
            ),
            "You took the unjudged documents out",
        ),
        (
            lambda run, q: run_in_one_call(run, q, measures={"RR@10": nDCG @ 10, "nDCG@10": RR(rel=2) @ 10}),
            "The two names are swapped",
        ),
        (
            ndcg_by(lambda query, grades, run: {d: 2**g - 1 for d, g in grades.items()}),
            "That is another nDCG",
        ),
        (
            ndcg_by(lambda query, grades, run: {d: int(g > 1) for d, g in grades.items()}),
            "You made the grades 0 and 1",
        ),
        (
            ndcg_by(
                lambda query, grades, run: (
                    {d: g for d, g in grades.items() if d in run.get(query, [])} or {"": 0}
                )
            ),
            "Your best possible order holds only what the run found",
        ),
        (
            lambda run, q: run_in_one_call(run, q, answered=lambda qrels: qrels),
            "hold 'q4', whose highest grade is 1: nothing answers it",
        ),
        (
            lambda run, q: ({n: {**v, "q6": 0.0} for n, v in run_in_one_call(run, q)[0].items()}, {}),
            "a dictionary with the keys",
        ),
        (
            lambda run, q: (
                {n: {**v, "q6": 0.0} for n, v in run_in_one_call(run, q)[0].items()},
                run_in_one_call(run, q)[1],
            ),
            "hold 'q6', which nobody has judged",
        ),
        (
            lambda run, q: only_found(run_in_one_call(run, q)),
            "lack 'q3'. The run has nothing for it, and it has an answer",
        ),
        (
            with_mean(lambda run, q, v: sum(v.values()) / 3),
            "You divided by the queries for which the run has something",
        ),
        (with_mean(lambda run, q, v: sum(v.values()) / len(q)), "You divided by 5, all judged queries"),
        (with_mean(lambda run, q, v: sum(v.values())), "That is the sum"),
        (with_mean(lambda run, q, v: float(np.median(list(v.values())))), "That is the median"),
        (
            lambda run, q: (
                run_in_one_call(run, q)[0],
                run_in_one_call(run, q, answered=lambda qrels: qrels)[1],
            ),
            "averaged over queries that nothing answers",
        ),
        (lambda run, q: run_in_one_call(run, q)[1], "should return two things"),
        (
            lambda run, q: run_in_one_call(run, q)[::-1],
            "as the values of nDCG@10; it should be a dictionary from each query",
        ),
        (
            lambda run, q: (
                {str(MEASURES[n]): v for n, v in run_in_one_call(run, q)[0].items()},
                run_in_one_call(run, q)[1],
            ),
            "'RR(rel=2)@10'",
        ),
        (lambda run, q: [run[query] for query in q], "raised KeyError: 'q3'"),
    ],
)
def test_measure_run_wrong(answer, message):
    verdict = check_measure_run(answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message


def share(numerator, denominator):
    return lambda ranking, grades: numerator(ranking, grades) / denominator(ranking, grades)


def judged_of(ranking, grades, cut=10):
    return len([d for d in ranking[:cut] if d in grades])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda r, g: len([d for d in r[:10] if g.get(d)]) / len(r[:10]), "A grade of 0 is a judgement too"),
        (lambda r, g: len([d for d in r[:10] if g.get(d, 0) >= 2]) / len(r[:10]), "You count the answers"),
        (lambda r, g: len([g.get(d, 0) for d in r[:10]]) / len(r[:10]), "unjudged documents as judged 0"),
        (share(judged_of, lambda r, g: 10), "You divided by 10, but the ranking has only 9"),
        (share(lambda r, g: judged_of(r, g, None), lambda r, g: len(r)), "You looked at all 12 documents"),
        (
            share(lambda r, g: judged_of(r, g, None), lambda r, g: len(r[:10])),
            "You counted in the whole ranking",
        ),
        (share(judged_of, lambda r, g: len(g)), "You divided by the number of judgements"),
        (judged_of, "That is how many"),
        (lambda r, g: 1 - judged_of(r, g) / len(r[:10]), "the share of unjudged documents"),
        (lambda r, g: 0.6, "the share is"),
    ],
)
def test_judged_wrong(answer, message):
    verdict = check_judged_at_10(answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message


def by_place(before, after):
    differences = {
        query: second - first for query, first, second in zip(before, before.values(), after.values())
    }
    return compare_by_dictionary(dict.fromkeys(differences, 0.0), differences)


def with_first(change):
    return lambda before, after: (
        change(before, after, [after[q] - before[q] for q in before]),
        *compare_by_dictionary(before, after)[1:],
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda b, a: compare_by_dictionary(a, b), "The sign is turned"),
        (with_first(lambda b, a, d: fmean(map(abs, d))), "size of each difference without its sign"),
        (with_first(lambda b, a, d: sum(d)), "That is the sum"),
        (with_first(lambda b, a, d: fmean(x for x in d if x)), "You divided by the queries that changed"),
        (with_first(lambda b, a, d: sum(np.sign(d)) / len(d)), "You counted gains and losses"),
        (with_first(lambda b, a, d: float(np.median(d))), "That is the median"),
        (with_first(lambda b, a, d: fmean(x for x in d if x > 0)), "You averaged the gains only"),
        (lambda b, a: [compare_by_dictionary(b, a)[i] for i in (0, 2, 1)], "the wrong way round"),
        (
            lambda b, a: (
                compare_by_dictionary(b, a)[0],
                [q for q in b if a[q] >= b[q]],
                [q for q in b if a[q] < b[q]],
            ),
            "A query that did not change",
        ),
        (by_place, "Look each query up by its id"),
        (lambda b, a: (compare_by_dictionary(b, a)[0], 2, 3), "should return the ids of the queries"),
        (lambda b, a: (compare_by_dictionary(b, a)[0], [0.5], []), "there is no such query"),
        (lambda b, a: compare_by_dictionary(b, a)[0], "should return three things"),
    ],
)
def test_compare_wrong(answer, message):
    verdict = check_compare_queries(answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message


def by_mean(before, after):
    mean = compare_by_dictionary(before, after)[0]
    return "better" if mean > 0 else "worse" if mean < 0 else "not shown"


def by_two_intervals(before, after):
    (low, high), (new_low, new_high) = (
        bootstrap_interval(list(values.values())) for values in (before, after)
    )
    return "better" if new_low > high else "worse" if new_high < low else "not shown"


def by_interval_with_equality(before, after):
    low, high = bootstrap_interval([after[q] - before[q] for q in before])
    return "better" if low >= 0 else "worse" if high <= 0 else "not shown"


def by_interval_of_places(before, after):
    low, high = bootstrap_interval(np.array(list(after.values())) - np.array(list(before.values())))
    return "better" if low > 0 else "worse" if high < 0 else "not shown"


def by_paired_difference_as_they_come(before, after):
    _, low, high = paired_difference(pd.DataFrame({"nDCG@10": before}), pd.DataFrame({"nDCG@10": after}))
    return "better" if low > 0 else "worse" if high < 0 else "not shown"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (by_mean, "The interval holds 0"),
        (by_two_intervals, "Did you compare the two systems' own intervals"),
        (by_interval_with_equality, "An interval that ends at 0 holds 0"),
        (by_interval_of_places, "Do you pair the queries by place"),
        (lambda b, a: decide_by_interval(a, b), "The sign is turned"),
        (lambda b, a: "no difference", "should return one of the words 'better'"),
        (
            lambda b, a: bootstrap_interval([a[q] - b[q] for q in b])[0] > 0,
            "should return one of the words 'better'",
        ),
        (lambda b, a: "not shown", "it is 'better'"),
        (
            by_paired_difference_as_they_come,
            "raised ValueError: The two tables are not about the same queries",
        ),
        (by_paired_difference_as_they_come, "Take both in the order of the first."),
    ],
)
def test_decide_wrong(answer, message):
    verdict = check_decide(answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message
