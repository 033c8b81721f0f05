"""The mistakes that people make in the exercise judge_a_ranking, and what they mean.

What each gives is computed as the right answer is: by ir-measures.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median

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
    retrieved = {
        query: {d: grade for d, grade in grades.items() if d in run.get(query, [])} or {"": 0}
        for query, grades in answered.items()
    }
    yield Mistake(
        measure_rankings(run, retrieved, nDCG @ 10),
        "Your best possible order holds only what the run found. It is made of all judged documents, else a "
        "search that finds little looks perfect.",
    )


def mistakes_of_mean(name: str, run: Rankings, qrels: Qrels, expected: Values) -> Mistakes:
    values = list(expected.values())
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
