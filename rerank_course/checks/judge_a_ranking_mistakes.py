"""The mistakes that people make in the exercise judge_a_ranking, and what they mean.

What each gives is computed as the right answer is: by ir-measures.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from statistics import fmean, median
from typing import Any

from ir_measures import RR, nDCG

from rerank_course.checks.answers import Mistake, Mistakes
from rerank_course.checks.measures import (
    NAMES,
    Qrels,
    Rankings,
    Values,
    measure_ranking,
    measure_rankings,
    measure_scores,
    named,
)
from rerank_course.evaluate import RELEVANT


def mistakes_of_reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int]) -> Mistakes:
    places = [place for place, document in enumerate(ranking, start=1) if grades.get(document, 0) >= RELEVANT]
    first, last = (places[0], places[-1]) if places else (None, None)
    yield Mistake(first, "That is the place. The reciprocal rank is 1 divided by it.")
    yield Mistake(
        _one_over(first),
        f"The first answer stands on place {first}. RR@10 looks at ten places and gives 0 after them.",
    )
    yield Mistake(
        measure_ranking(ranking, grades, RR @ 10),
        "You count grade 1 as relevant. Here only 2 and 3 answer the query.",
    )
    yield Mistake(_one_over(first and first - 1), "You count places from 0. The first place is 1.")
    yield Mistake(_one_over(first and first + 1), "Your places are one too high. The first place is 1.")
    of_judged = [document for document in ranking if document in grades]
    yield Mistake(
        measure_ranking(of_judged, grades, RR(rel=RELEVANT) @ 10),
        "You took the unjudged documents out. A user sees them, so they keep their places.",
    )
    yield Mistake(
        _one_over(last),
        "That is the last answer's place. Stop at the first one: return from inside the loop.",
    )
    yield Mistake(sum(1 / place for place in places), "You add up all answers. Only the first one counts.")
    yield from _more_mistakes_of_reciprocal_rank(ranking, grades, first)


def _more_mistakes_of_reciprocal_rank(
    ranking: Sequence[str], grades: Mapping[str, int], first: int | None
) -> Mistakes:
    if first == 10:
        yield Mistake(0.0, "You look at fewer than ten places: the answer stands on place 10.")
    elif first is not None and 1 < first < 10:
        yield Mistake(
            0.0,
            f"The first answer stands on place {first}, and your function only looked at the first place: a "
            "return that comes in each round ends the loop. Return 0 after the loop.",
        )
    yield Mistake(
        measure_ranking(ranking, grades, RR(rel=3) @ 10),
        "You count only grade 3. Grade 2 answers the query too.",
    )
    judged = [place for place, document in enumerate(ranking[:10], start=1) if document in grades]
    yield Mistake(
        _one_over(judged[0] if judged else None),
        "That is the place of the first document that is judged at all. Here only 2 and 3 answer the query.",
    )
    yield Mistake(first and 1 / first**2, "That is the square of it. Divide 1 by the place.")
    for (one, changed), (two, changed_too) in combinations(_SWITCHES, 2):
        if changed.keys() != changed_too.keys():
            yield Mistake(
                _rank_with(ranking, grades, **changed, **changed_too),
                f"These may be two mistakes at once: {one} {two}",
            )


_SWITCHES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("You count grade 1 as relevant.", {"relevant": 1}),
    ("You count places from 0.", {"start": 0}),
    ("Your places are one too high.", {"start": 2}),
    ("You look at more than ten places.", {"cut": None}),
    ("You took the unjudged documents out.", {"only_judged": True}),
)


def _rank_with(
    ranking: Sequence[str],
    grades: Mapping[str, int],
    relevant: int = RELEVANT,
    start: int = 1,
    cut: int | None = 10,
    only_judged: bool = False,
) -> float | None:
    """A reciprocal rank by other rules; ``None`` for one over 0."""
    kept = [document for document in ranking if document in grades] if only_judged else ranking
    places = [place for place, d in enumerate(kept[:cut], start) if grades.get(d, 0) >= relevant]
    return _one_over(places[0]) if places else 0.0


def _one_over(place: int | None) -> float | None:
    return 1 / place if place else None


def mistakes_of_measure_run(
    name: str, run: Rankings, answered: Qrels, expected: Mapping[str, Values]
) -> Mistakes:
    """Those that spoil either measure, then those of one."""
    backwards = {query: list(reversed(ranking)) for query, ranking in run.items()}
    yield Mistake(
        measure_rankings(backwards, answered, named(name)),
        "Your order is turned round. ir-measures puts the highest score first, so the document on place 1 "
        "needs the highest: minus the place, for example.",
    )
    equal = {query: dict.fromkeys(ranking, 0.0) for query, ranking in run.items() if ranking}
    yield Mistake(
        measure_scores(equal, answered, named(name)),
        "You gave all documents the same score, so ir-measures put them into an order of its own. Let the "
        "score fall from place to place.",
    )
    judged = {query: [d for d in run.get(query, []) if d in grades] for query, grades in answered.items()}
    yield Mistake(
        measure_rankings(judged, answered, named(name)),
        "You took the unjudged documents out. A user sees them, so they keep their places and count as not "
        "relevant.",
    )
    other = next(n for n in NAMES if n != name)
    yield Mistake(expected[other], f"That is {other}. The two names are swapped.")
    yield from (_mistakes_of_rr if name == "RR@10" else _mistakes_of_ndcg)(run, answered)


def _mistakes_of_rr(run: Rankings, answered: Qrels) -> Mistakes:
    yield Mistake(
        measure_rankings(run, answered, RR @ 10),
        "ir-measures counts grade 1 as relevant unless you say otherwise: RR(rel=2) @ 10.",
    )
    yield Mistake(
        measure_rankings(run, answered, RR(rel=RELEVANT)), "You did not cut at ten: RR(rel=2) @ 10."
    )


def _mistakes_of_ndcg(run: Rankings, answered: Qrels) -> Mistakes:
    def with_grades(change: Callable[[int], int]) -> Values:
        changed = {
            query: {d: change(grade) for d, grade in grades.items()} for query, grades in answered.items()
        }
        return measure_rankings(run, changed, nDCG @ 10)

    yield Mistake(measure_rankings(run, answered, nDCG), "You did not cut at ten: nDCG @ 10.")
    yield Mistake(
        with_grades(lambda grade: 2**grade - 1),
        "You take 2 to the power of the grade, minus 1, as the gain. That is another nDCG; the one of "
        "ir-measures, and of this course, takes the grade.",
    )
    yield Mistake(
        with_grades(lambda grade: int(grade >= RELEVANT)),
        "You made the grades 0 and 1. nDCG takes them as they are: a full answer counts more than a part of "
        "one.",
    )
    for discount, meaning in _DISCOUNTS:
        yield Mistake(_ndcg_with(run, answered, discount), meaning)
    yield Mistake(
        _ndcg_with(run, answered, lambda place: 1 / math.log2(place + 1), is_divided=False),
        "That is the DCG. Divide it by the DCG of the best possible order: the first ten of all judged "
        "documents, by grade.",
    )
    retrieved = {
        query: {d: grade for d, grade in grades.items() if d in run.get(query, [])} or {"": 0}
        for query, grades in answered.items()
    }
    yield Mistake(
        measure_rankings(run, retrieved, nDCG @ 10),
        "Your best possible order holds only what the run found. It is made of all judged documents, else a "
        "search that finds little looks perfect.",
    )


_DISCOUNTS: tuple[tuple[Callable[[int], float], str], ...] = (
    (
        lambda place: 1 / place,
        "You divided each gain by its place. nDCG divides it by log2(place + 1), places counted from 1.",
    ),
    (
        lambda place: 1 / math.log2(place + 2),
        "Your discount is one place off. nDCG divides by log2(place + 1), places counted from 1: the first "
        "gain is divided by 1.",
    ),
    (
        lambda place: 1.0,
        "You took no discount: a document counts the same on each place. nDCG divides by log2(place + 1).",
    ),
    (
        lambda place: 1 / max(1.0, math.log2(place)),
        "That is the older DCG, which divides by log2(place) from place 2 on. The one of ir-measures divides "
        "by log2(place + 1), places counted from 1.",
    ),
)


def _ndcg_with(
    run: Rankings, answered: Qrels, discount: Callable[[int], float], is_divided: bool = True
) -> Values:
    """nDCG@10 by hand, with another discount of a gain on a place (from 1)."""

    def dcg(gains: Sequence[int]) -> float:
        return sum(gain * discount(place) for place, gain in enumerate(gains[:10], start=1))

    found = {q: dcg([grades.get(d, 0) for d in run.get(q, [])]) for q, grades in answered.items()}
    if not is_divided:
        return found
    return {q: dcg_found / dcg(sorted(answered[q].values(), reverse=True)) for q, dcg_found in found.items()}


def mistakes_of_mean(name: str, run: Rankings, qrels: Qrels, all_expected: Mapping[str, Values]) -> Mistakes:
    expected = all_expected[name]
    values = list(expected.values())
    other = next(n for n in NAMES if n != name)
    yield Mistake(
        fmean(all_expected[other].values()), f"That is the mean of {other}. The two names are swapped."
    )
    yield Mistake(
        fmean(value for query, value in expected.items() if run.get(query)),
        "You divided by the queries for which the run has something. One with an answer and no result counts "
        "as 0, else silence pays.",
    )
    yield Mistake(
        fmean(measure_rankings(run, qrels, named(name)).values()),
        "You averaged over queries that nothing answers as well. Take those of grade 2 or 3 only.",
    )
    yield Mistake(
        sum(values) / len(qrels),
        f"You divided by {len(qrels)}, all judged queries. {len(values)} of them have an answer.",
    )
    yield Mistake(
        sum(values) / len(run),
        f"You divided by {len(run)}, the queries of the run. {len(values)} queries have an answer, whether "
        "the run has them or not.",
    )
    yield Mistake(sum(values), "That is the sum. Divide by the number of queries.")
    yield Mistake(median(values), "That is the median. The usual number is the mean.")


def mistakes_of_judged(true: float, ranking: Sequence[str], grades: Mapping[str, int]) -> Mistakes:
    shown = len(ranking[:10])
    judged = [grades[document] for document in ranking[:10] if document in grades]
    in_all = sum(document in grades for document in ranking)
    yield Mistake(len(judged), "That is how many. Divide by the number of documents in the first ten places.")
    yield Mistake(1 - true, "That is the share of unjudged documents. Return the share of the judged ones.")
    yield Mistake(
        sum(grade > 0 for grade in judged) / shown,
        "A grade of 0 is a judgement too: somebody read the document. Ask whether it is in grades, not what "
        "grades gives.",
    )
    yield Mistake(
        sum(grade >= RELEVANT for grade in judged) / shown,
        "You count the answers. Here a document counts as soon as it is judged, whatever its grade.",
    )
    yield Mistake(
        1.0,
        "You count unjudged documents as judged 0. A document that grades does not name has been read by "
        "nobody.",
    )
    yield Mistake(len(judged) / 10, f"You divided by 10, but the ranking has only {shown} documents.")
    yield Mistake(
        in_all / len(ranking), f"You looked at all {len(ranking)} documents. Cut the ranking at ten first."
    )
    yield Mistake(in_all / shown, "You counted in the whole ranking. Cut it at ten first.")
    yield Mistake(100 * true, "You return per cent. Return a share, from 0 to 1.")
    if shown == 10:
        of_nine = sum(document in grades for document in ranking[:9])
        for denominator in (9, 10):
            yield Mistake(of_nine / denominator, "You looked at fewer than ten. ranking[:10] holds ten.")
    yield Mistake(float(int(true)), "That is a whole number. Divide with /, not with //.")
    yield Mistake(
        len(judged) / len(grades),
        "You divided by the number of judgements. Divide by the number of documents in the first ten places.",
    )


def mistakes_of_difference(differences: list[float]) -> Mistakes:
    gains, losses = [d for d in differences if d > 0], [d for d in differences if d < 0]
    yield Mistake(
        -fmean(differences),
        "The sign is turned: the difference is after − before, so that a gain is positive.",
    )
    yield Mistake(
        fmean(map(abs, differences)),
        "You took the size of each difference without its sign. Losses must pull the mean down.",
    )
    yield Mistake(sum(differences), "That is the sum. Divide by the number of queries.")
    yield Mistake(
        sum(differences) / (len(gains + losses) or 1),
        "You divided by the queries that changed. Those that did not change count too.",
    )
    yield Mistake(
        (len(gains) - len(losses)) / len(differences),
        "You counted gains and losses. Here each counts by its size.",
    )
    yield Mistake(median(differences), "That is the median of the differences. Return the mean.")
    yield Mistake(
        fmean(gains) if gains else None, "You averaged the gains only. Losses and ties belong in the mean."
    )
    yield Mistake(
        fmean(losses) if losses else None, "You averaged the losses only. Gains and ties belong in the mean."
    )
    yield Mistake(100 * fmean(differences), "You return per cent. Return the difference of the values.")
