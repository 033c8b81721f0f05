"""Exercise 04: judging a ranking with qrels.

A run is ``{query: [document ids, best first]}`` here, qrels are ``{query: {document: grade}}``. What a
function should give is computed by ir-measures and ``rerank_course.evaluate``, and so is what it gives when
it makes one of the mistakes that people make.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

import ir_measures
from ir_measures import RR, Judged, nDCG

from rerank_course.checks.common import Wrong, call, check, demand, is_number, show
from rerank_course.evaluate import RELEVANT, bootstrap_interval, per_query
from rerank_course.texts.beir import Corpus

Rankings = Mapping[str, Sequence[str]]
Qrels = Mapping[str, Mapping[str, int]]
Values = Mapping[str, float]

TOLERANCE = 0.002  # somebody may round to three places; the mistakes differ by more
NAMES = ("nDCG@10", "RR@10")
DECISIONS = ("better", "worse", "not shown")

# (ranking, grades); documents that the grades do not name are unjudged.
_JUDGED_RANKINGS = (
    (["d7", "d6", "d2", "d1", "d5", "d3", "d9", "d4", "d11"], {"d2": 1, "d3": 0, "d5": 3, "d4": 2, "d8": 2}),
    (["d1", "d3", "d6"], {"d1": 2, "d3": 0}),
    (["d9", "d8", "d4"], {"d9": 1, "d8": 0, "d5": 3}),
    ([f"d{n}" for n in range(20, 32)], {"d20": 0, "d30": 3, "d31": 2}),
    ([f"d{n}" for n in range(40, 52)], {"d40": 1, "d42": 0, "d49": 2, "d50": 3}),
)
_QRELS = {
    "q1": {"d1": 3, "d2": 1, "d3": 0, "d4": 2, "d14": 2},
    "q2": {"d5": 2, "d6": 0, "d7": 1},
    "q3": {"d8": 3},
    "q4": {"d9": 1, "d10": 0},
    "q5": {"d11": 2, "d12": 1, "d13": 3},
}
_RUN = {
    "q1": ["d2", "d30", "d4", "d3", "d1"],
    "q2": ["d6", "d31", "d5", "d7"],
    "q4": ["d9", "d32"],
    "q5": ["d12", *(f"d{n}" for n in range(40, 49)), "d13", "d11"],
    "q6": ["d1", "d33"],
}
_BEFORE = {"q1": 0.5, "q2": 1.0, "q3": 0.25, "q4": 0.0, "q5": 0.75, "q6": 0.5, "q7": 0.25}
_AFTER = {"q3": 0.25, "q1": 0.375, "q7": 1.0, "q4": 0.0, "q2": 0.75, "q6": 0.875, "q5": 0.625}


@check
def check_reciprocal_rank(
    function: Callable, cases: Sequence[tuple[Sequence[str], Mapping[str, int]]] = _JUDGED_RANKINGS
) -> str:
    """Exercise 04, part 1: ``reciprocal_rank(ranking, grades)`` gives RR@10 of one query, grade 2 and 3 being
    relevant.
    """
    for ranking, grades in cases:
        true = _measure({"q": ranking}, {"q": grades}, RR(rel=RELEVANT) @ 10).get("q", 0.0)
        places = [
            place for place, document in enumerate(ranking, start=1) if grades.get(document, 0) >= RELEVANT
        ]
        of_judged = [document for document in ranking if document in grades]
        first = places[0] if places else None
        mistakes = [
            (first, "That is the place. The reciprocal rank is 1 divided by it."),
            (
                1 / first if first else None,
                f"The first answer stands on place {first}. RR@10 looks at ten places and gives 0 after them.",
            ),
            (
                _measure({"q": ranking}, {"q": grades}, RR @ 10).get("q"),
                "You count grade 1 as relevant. Here only 2 and 3 answer the query.",
            ),
            (
                1 / (first - 1) if first and first > 1 else None,
                "You count places from 0. The first place is 1.",
            ),
            (1 / (first + 1) if first else None, "Your places are one too high. The first place is 1."),
            (
                _measure({"q": of_judged}, {"q": grades}, RR(rel=RELEVANT) @ 10).get("q"),
                "You took the unjudged documents out. A user sees them, so they keep their places.",
            ),
            (
                1 / places[-1] if places else None,
                "That is the last answer's place. Stop at the first one: return from inside the loop.",
            ),
            (sum(1 / place for place in places), "You add up all answers. Only the first one counts."),
        ]
        answer = _call(function, list(ranking), dict(grades))
        _compare(
            answer,
            true,
            mistakes,
            f"For the ranking {_short(ranking)} and the grades {dict(grades)}, your function gives",
            "ir-measures gives",
        )
    return "Your count and ir-measures agree. Only the first answer matters to RR@10; what stands below it, good or bad, changes nothing."


@check
def check_measure_run(function: Callable, run: Rankings = _RUN, qrels: Qrels = _QRELS) -> str:
    """Exercise 04, part 2: ``measure_run(run, qrels)`` gives nDCG@10 and RR@10 of each answered query, and
    their means.
    """
    run, qrels = (
        {query: list(ranking) for query, ranking in run.items()},
        {query: dict(grades) for query, grades in qrels.items()},
    )
    answer = _call(
        function,
        {query: list(ranking) for query, ranking in run.items()},
        {query: dict(grades) for query, grades in qrels.items()},
    )
    demand(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        f"measure_run should return two things, the values of each query and their means, but returned {show(answer)}.",
    )
    by_query, means = _mapping(answer[0], "the first"), _mapping(answer[1], "the second")
    true = per_query(
        {query: [(document, 0.0) for document in ranking] for query, ranking in run.items()},
        Corpus("check", {}, {**run, **qrels}, qrels, {}),
    )
    answered = {query: qrels[query] for query in true.index}
    expected = {name: true[name].to_dict() for name in NAMES}
    found = {name: _mapping(by_query[name], f"the values of {name}") for name in NAMES}
    for name in NAMES:
        _check_queries(found[name], name, run, qrels, answered)
        off = next(
            (
                query
                for query in answered
                if abs(float(found[name][query]) - expected[name][query]) > TOLERANCE
            ),
            None,
        )
        if off is not None:
            ways = _mistakes(name, run, answered, expected)
            cause = next(
                (
                    meaning
                    for values, meaning in ways
                    if all(abs(found[name][q] - values.get(q, 0.0)) <= TOLERANCE for q in answered)
                ),
                "",
            )
            given = f"For the query {off!r}, the ranking {_short(run.get(off, []))} and the grades {qrels[off]}, {name} is"
            _compare(found[name][off], expected[name][off], [], given, "ir-measures gives", cause)
    for name in NAMES:
        values = list(expected[name].values())
        retrieved = [value for query, value in expected[name].items() if run.get(query)]
        everything = [
            *_measure(run, qrels, nDCG @ 10 if name == "nDCG@10" else RR(rel=RELEVANT) @ 10).values()
        ]
        mistakes = [
            (
                fmean(retrieved),
                "You divided by the queries for which the run has something. One with an answer and no result counts as 0, else silence pays.",
            ),
            (
                fmean(everything),
                "You averaged over queries that nothing answers as well. Take those of grade 2 or 3 only.",
            ),
            (
                sum(values) / len(qrels),
                f"You divided by {len(qrels)}, all judged queries. {len(values)} of them have an answer.",
            ),
            (
                sum(values) / len(run),
                f"You divided by {len(run)}, the queries of the run. {len(values)} queries have an answer, whether the run has them or not.",
            ),
            (sum(values), "That is the sum. Divide by the number of queries."),
            (median(values), "That is the median. The usual number is the mean."),
        ]
        _compare(
            means[name],
            fmean(values),
            mistakes,
            f"The mean of {name} over {len(values)} answered queries is",
            f"the values {_rounded(values)} give",
        )
    left_out = [query for query in qrels if query not in answered]
    return f"A query that nothing answers ({', '.join(left_out)}) says nothing about a ranking and stays out; one with an answer that the search did not find counts as 0."


@check
def check_judged_at_10(
    function: Callable, cases: Sequence[tuple[Sequence[str], Mapping[str, int]]] = _JUDGED_RANKINGS
) -> str:
    """Exercise 04, part 3: ``judged_at_10(ranking, grades)`` gives the share of the first ten documents that
    anyone has judged.
    """
    for ranking, grades in cases:
        top = list(ranking[:10])
        judged = [document for document in top if document in grades]
        true = _measure({"q": ranking}, {"q": grades}, Judged @ 10)["q"]
        mistakes = [
            (len(judged), "That is how many. Divide by the number of documents in the first ten places."),
            (1 - true, "That is the share of unjudged documents. Return the share of the judged ones."),
            (
                len([d for d in judged if grades[d] > 0]) / len(top),
                "A grade of 0 is a judgement too: somebody read the document. Ask whether it is in grades, not what grades gives.",
            ),
            (
                len([d for d in judged if grades[d] >= RELEVANT]) / len(top),
                "You count the answers. Here a document counts as soon as it is judged, whatever its grade.",
            ),
            (
                1.0,
                "You count unjudged documents as judged 0. A document that grades does not name has been read by nobody.",
            ),
            (len(judged) / 10, f"You divided by 10, but the ranking has only {len(top)} documents."),
            (
                len([d for d in ranking if d in grades]) / len(ranking),
                f"You looked at all {len(ranking)} documents. Cut the ranking at ten first.",
            ),
            (
                len([d for d in ranking if d in grades]) / len(top),
                "You counted in the whole ranking. Cut it at ten first.",
            ),
            (
                len(judged) / len(grades),
                "You divided by the number of judgements. Divide by the number of documents in the first ten places.",
            ),
        ]
        answer = _call(function, list(ranking), dict(grades))
        _compare(
            answer,
            true,
            mistakes,
            f"For the ranking {_short(ranking)} and the grades {dict(grades)}, your function gives",
            "the share is",
        )
    return "Unjudged documents keep their places and count as wrong in RR and nDCG. So this share belongs beside them: where it is low, they are too low."


@check
def check_compare_queries(function: Callable, before: Values = _BEFORE, after: Values = _AFTER) -> str:
    """Exercise 04, part 4: ``compare_queries(before, after)`` gives the mean difference, the queries that
    gained, and those that lost.
    """
    answer = _call(function, dict(before), dict(after))
    given = f"For before {dict(before)} and after {dict(after)}, your function"
    demand(
        isinstance(answer, (tuple, list)) and len(answer) == 3,
        f"{given} should return three things, the mean difference, the queries that gained, and the queries that lost, but returned {show(answer)}.",
    )
    differences = {query: after[query] - value for query, value in before.items()}
    gained = {query for query, difference in differences.items() if difference > 0}
    lost = {query for query, difference in differences.items() if difference < 0}
    by_place = {
        query: second - first for query, first, second in zip(before, before.values(), after.values())
    }
    mistakes = [
        (
            -fmean(differences.values()),
            "The sign is turned: the difference is after − before, so that a gain is positive.",
        ),
        (
            fmean(map(abs, differences.values())),
            "You took the size of each difference without its sign. Losses must pull the mean down.",
        ),
        (sum(differences.values()), "That is the sum. Divide by the number of queries."),
        (
            sum(differences.values()) / (len(gained | lost) or 1),
            "You divided by the queries that changed. Those that did not change count too.",
        ),
        (
            (len(gained) - len(lost)) / len(differences),
            "You counted gains and losses. Here each counts by its size.",
        ),
        (median(differences.values()), "That is the median of the differences. Return the mean."),
        (
            fmean(v for v in differences.values() if v > 0) if gained else None,
            "You averaged the gains only. Losses and ties belong in the mean.",
        ),
    ]
    _compare(answer[0], fmean(differences.values()), mistakes, f"{given} gives the mean difference", "it is")
    turned = (lost, gained)
    said = tuple(_queries(part, given) for part in answer[1:])
    demand(
        said == (gained, lost) or said != turned,
        f"{given} has gained and lost the wrong way round. First those whose value is higher after.",
    )
    placed = ({q for q, d in by_place.items() if d > 0}, {q for q, d in by_place.items() if d < 0})
    for name, is_, should_be in (("gained", said[0], gained), ("lost", said[1], lost)):
        if is_ == should_be:
            continue
        unknown = [query for query in is_ if query not in differences]
        demand(
            not unknown,
            f"{given} says that {unknown[:1]} {name}; there is no such query. Return the ids of the queries.",
        )
        query, cause = min(is_ ^ should_be), ""
        if said == placed:
            cause = "The two dictionaries hold their queries in different orders. Look each query up by its id; do not pair them by place."
        elif differences[query] == 0:
            cause = "A query that did not change neither gained nor lost: compare with > and <."
        raise Wrong(
            f"{given} says that {query!r} {'' if query in is_ else 'has not '}{name}. Its value was {before[query]} and is {after[query]}. {cause}".rstrip()
        )
    return f"{len(gained)} gained, {len(lost)} lost, and the mean difference is {fmean(differences.values()):+.3f}. The count and the mean need not point the same way."


def two_systems(
    before: Sequence[float], differences: Sequence[float], turned: bool = False
) -> tuple[dict[str, float], dict[str, float]]:
    """Two systems' values by query; ``turned`` gives the second dictionary its queries in the opposite order."""
    first = {f"q{number}": round(value, 4) for number, value in enumerate(before, start=1)}
    second = {
        query: round(value + difference, 4) for (query, value), difference in zip(first.items(), differences)
    }
    return first, dict(reversed(second.items())) if turned else second


# A large gain; a mean near 0; a loss; a small gain of most queries, while queries differ widely; no change; a
# small loss of most, in another order.
_SYSTEMS = (
    two_systems([0.2 + 0.01 * (n * 7 % 30) for n in range(40)], [0.1 * (n * 3 % 7) - 0.1 for n in range(40)]),
    two_systems(
        [0.3 + 0.01 * (n * 11 % 30) for n in range(40)], [0.1 * (n * 5 % 7) - 0.28 for n in range(40)]
    ),
    two_systems(
        [0.4 + 0.01 * (n * 7 % 30) for n in range(40)],
        [0.15 - 0.1 * (n * 5 % 6) for n in range(40)],
        turned=True,
    ),
    two_systems([0.05 + 0.8 * (n * 13 % 40) / 40 for n in range(40)], [0.02 * (n % 5) for n in range(40)]),
    two_systems([0.02 * n for n in range(40)], [0.0] * 40),
    two_systems(
        [0.1 + 0.8 * (n * 17 % 40) / 40 for n in range(40)], [-0.02 * (n % 5) for n in range(40)], turned=True
    ),
)


@check
def check_decide(function: Callable, systems: Sequence[tuple[Values, Values]] = _SYSTEMS) -> str:
    """Exercise 04, part 5: ``decide(before, after)`` gives "better", "worse" or "not shown" from the paired
    bootstrap interval.
    """
    for before, after in systems:
        answer = _call(function, dict(before), dict(after))
        demand(
            isinstance(answer, str) and answer.strip().lower() in DECISIONS,
            f"decide should return one of the words {', '.join(map(repr, DECISIONS))}, but returned {show(answer)}.",
        )
        said = answer.strip().lower()
        differences = [after[query] - before[query] for query in before]
        mean, (low, high) = fmean(differences), bootstrap_interval(differences)
        true = "better" if low > 0 else "worse" if high < 0 else "not shown"
        if said == true:
            continue
        facts = (
            f"For {len(before)} queries whose differences have the mean {mean:+.3f} and the paired 95 % interval {low:+.3f} to {high:+.3f}, "
            f"you say {said!r}; it is {true!r}."
        )
        by_place = [second - first for first, second in zip(before.values(), after.values())]
        if {said, true} == {"better", "worse"}:
            cause = "The sign is turned: after − before is positive when the second system is better."
        elif low == high == 0:
            cause = "No query changed at all. An interval that ends at 0 holds 0: compare with > and <."
        elif true == "not shown":
            cause = "The interval holds 0, so with other questions of the same kind the difference could have had the other sign. The mean alone cannot tell you."
        elif (
            by_place != differences
            and bootstrap_interval(by_place)[0] <= 0 <= bootstrap_interval(by_place)[1]
        ):
            cause = "Do you pair the queries by place? The two dictionaries hold them in different orders. Look each query up by its id."
        elif _overlap(bootstrap_interval(list(before.values())), bootstrap_interval(list(after.values()))):
            cause = (
                "Did you compare the two systems' own intervals? They overlap, because queries differ widely from each other; "
                "but the same queries were asked twice. Take the interval of the differences."
            )
        else:
            cause = "The interval leaves 0 out."
        raise Wrong(f"{facts} {cause}")
    return "“Not shown” is not “no difference”: the interval says how large a gain or a loss these queries cannot rule out."


def _call(function: Callable, *arguments: Any) -> Any:
    """``call``, with the likely cause of three errors that these functions often raise."""
    try:
        return call(function, *arguments)
    except Wrong as error:
        cause, hint = error.__cause__, None
        if isinstance(cause, KeyError):
            hint = "Is this a document that nobody judged, or a query for which the run has nothing? Ask with .get(key, …), which does not fail."
        elif isinstance(cause, ZeroDivisionError):
            hint = "Do you count places from 0? The first place is 1."
        elif isinstance(cause, ValueError) and "same queries" in str(cause):
            hint = "They are, but the two dictionaries hold them in different orders. Take both in the order of the first."
        if hint is None:
            raise
        raise Wrong(f"{str(error).rstrip('.')}. {hint}") from cause


def _measure(run: Rankings, qrels: Qrels, measure: Any) -> dict[str, float]:
    """One measure for each query, the first document of a ranking being the best."""
    scored = {
        query: {document: -float(place) for place, document in enumerate(ranking)}
        for query, ranking in run.items()
        if ranking
    }
    return _values(scored, qrels, measure)


def _values(scored: Mapping[str, Mapping[str, float]], qrels: Qrels, measure: Any) -> dict[str, float]:
    return {value.query_id: value.value for value in ir_measures.iter_calc([measure], qrels, scored)}


def _mistakes(
    name: str, run: Rankings, answered: Qrels, expected: Mapping[str, Values]
) -> list[tuple[Values, str]]:
    """What a measure is for each query when it is computed wrongly, and what that means."""
    measure = nDCG @ 10 if name == "nDCG@10" else RR(rel=RELEVANT) @ 10
    other = next(n for n in NAMES if n != name)
    backwards = {query: list(reversed(ranking)) for query, ranking in run.items()}
    judged = {
        query: [d for d in ranking if d in answered[query]]
        for query, ranking in run.items()
        if query in answered
    }
    equal = {query: dict.fromkeys(ranking, 0.0) for query, ranking in run.items() if ranking}
    retrieved = {
        query: {d: grade for d, grade in grades.items() if d in run.get(query, [])} or {"": 0}
        for query, grades in answered.items()
    }
    ways = [
        (
            _measure(backwards, answered, measure),
            "Your order is turned round. ir-measures puts the highest score first, so the document on place 1 needs the highest: minus the place, for example.",
        ),
        (
            _values(equal, answered, measure),
            "You gave all documents the same score, so ir-measures put them into an order of its own. Let the score fall from place to place.",
        ),
        (
            _measure(judged, answered, measure),
            "You took the unjudged documents out. A user sees them, so they keep their places and count as not relevant.",
        ),
        (expected[other], f"That is {other}. The two names are swapped."),
    ]
    if name == "RR@10":
        ways += [
            (
                _measure(run, answered, RR @ 10),
                "ir-measures counts grade 1 as relevant unless you say otherwise: RR(rel=2) @ 10.",
            ),
            (_measure(run, answered, RR(rel=RELEVANT)), "You did not cut at ten: RR(rel=2) @ 10."),
        ]
    else:
        exponential = {
            query: {d: 2**grade - 1 for d, grade in grades.items()} for query, grades in answered.items()
        }
        binary = {
            query: {d: int(grade >= RELEVANT) for d, grade in grades.items()}
            for query, grades in answered.items()
        }
        ways += [
            (_measure(run, answered, nDCG), "You did not cut at ten: nDCG @ 10."),
            (
                _measure(run, exponential, measure),
                "You take 2 to the power of the grade, minus 1, as the gain. That is another nDCG; the one of ir-measures, and of this course, takes the grade.",
            ),
            (
                _measure(run, binary, measure),
                "You made the grades 0 and 1. nDCG takes them as they are: a full answer counts more than a part of one.",
            ),
            (
                _measure(run, retrieved, measure),
                "Your best possible order holds only what the run found. It is made of all judged documents, else a search that finds little looks perfect.",
            ),
        ]
    return ways


def _check_queries(found: Mapping, name: str, run: Rankings, qrels: Qrels, answered: Qrels) -> None:
    """Demand a value for each answered query and for no other."""
    for query in found:
        demand(
            query in qrels,
            f"The values of {name} hold {query!r}, "
            + (
                "which nobody has judged. Leave it out."
                if query in run
                else "which is no query of the judgements."
            ),
        )
        highest = max(qrels[query].values(), default=0)
        demand(
            query in answered,
            f"The values of {name} hold {query!r}, whose highest grade is {highest}: nothing answers it, so no ranking can be good or bad at it. Leave it out.",
        )
    missing = next((query for query in answered if query not in found), None)
    if missing is not None:
        why = (
            ""
            if run.get(missing)
            else " The run has nothing for it, and it has an answer: its value is 0. Leaving it out would reward a search that stays silent."
        )
        raise Wrong(f"The values of {name} lack {missing!r}.{why}")
    odd = next((value for value in found.values() if not is_number(value)), None)
    demand(odd is None, f"The values of {name} should be one number for each query, but one is {show(odd)}.")


def _mapping(value: Any, what: str) -> dict:
    """A dictionary, Series or DataFrame as a dictionary; ``what`` names it in the message."""
    value = value.to_dict() if hasattr(value, "to_dict") else value
    shape = (
        "a dictionary from each query to a number"
        if what.startswith("the values")
        else "a dictionary with the keys " + " and ".join(map(repr, NAMES))
    )
    demand(isinstance(value, Mapping), f"measure_run returned {show(value)} as {what}; it should be {shape}.")
    if not what.startswith("the values"):
        missing = [name for name in NAMES if name not in value]
        demand(
            not missing,
            f"measure_run returned a dictionary with the keys {show(list(value))} as {what}; it should be {shape}, both of them strings.",
        )
    return dict(value)


def _queries(part: Any, given: str) -> set[str]:
    demand(
        not isinstance(part, (str, Mapping)) and hasattr(part, "__iter__"),
        f"{given} should return the ids of the queries that gained and of those that lost, each as a list, but one of them is {show(part)}.",
    )
    return set(part)


def _compare(value: Any, true: float, mistakes: list, given: str, truth: str, cause: str = "") -> None:
    """Demand one number; ``mistakes`` are [(what a known mistake gives here, or None, what it means), …];
    ``given`` ends in a verb.
    """
    demand(is_number(value), f"{given} {show(value)}; it should be one number.")
    if abs(float(value) - true) <= TOLERANCE:
        return
    cause = cause or next(
        (
            meaning
            for wrong, meaning in mistakes
            if wrong is not None and abs(float(value) - wrong) <= TOLERANCE
        ),
        "",
    )
    raise Wrong(f"{given} {float(value):.3f}; {truth} {true:.3f}. {cause}".rstrip())


def _overlap(first: tuple[float, float], second: tuple[float, float]) -> bool:
    return first[0] <= second[1] and second[0] <= first[1]


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) for value in values]


def _short(ranking: Sequence[str]) -> str:
    """A ranking as a message quotes it: all of it, since the places count, without quotes."""
    return "[" + ", ".join(ranking) + "]"
