"""Checks of the exercise judge_a_ranking: judging a ranking with qrels.

A run is ``{query: [document ids, best first]}`` here, qrels are ``{query: {document: grade}}``. What a
function should give is computed by ir-measures and ``rerank_course.evaluate``, and so is what it gives when
it makes one of the mistakes that people make.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from ir_measures import RR, Judged

from rerank_course.checks.answers import Mistakes, as_list, cause_of, is_number, near, show
from rerank_course.checks.calling import call
from rerank_course.checks.judge_a_ranking_mistakes import (
    mistakes_of_difference,
    mistakes_of_judged,
    mistakes_of_mean,
    mistakes_of_measure_run,
    mistakes_of_reciprocal_rank,
)
from rerank_course.checks.measures import NAMES, Qrels, Rankings, Values, measure_ranking
from rerank_course.checks.toys.runs import AFTER, BEFORE, JUDGED_RANKINGS, QRELS, RUN, SYSTEMS
from rerank_course.checks.toys.runs import two_systems as two_systems  # for the exercise's hidden tests
from rerank_course.checks.verdict import Wrong, check, demand
from rerank_course.evaluate import RELEVANT, bootstrap_interval, per_query
from rerank_course.texts.beir import Corpus

TOLERANCE = 0.002  # somebody may round to three places; the mistakes differ by more
DECISIONS = ("better", "worse", "not shown")
NEAR_THE_EDGE = 0.1  # how near 0 an interval ends, as a share of its width, where another level matters


@check
def check_reciprocal_rank(
    function: Callable, cases: Sequence[tuple[Sequence[str], Mapping[str, int]]] = JUDGED_RANKINGS
) -> str:
    """``reciprocal_rank(ranking, grades)`` gives RR@10 of one query, grade 2 and 3 being relevant."""
    for ranking, grades in cases:
        true = measure_ranking(ranking, grades, RR(rel=RELEVANT) @ 10) or 0.0
        answer = _call(function, list(ranking), dict(grades))
        given = f"For the ranking {_short(ranking)} and the grades {dict(grades)}, your function gives"
        _compare(answer, true, mistakes_of_reciprocal_rank(ranking, grades), given, "ir-measures gives")
    return (
        "Your count and ir-measures agree. Only the first answer matters to RR@10; what stands below it, "
        "good or bad, changes nothing."
    )


@check
def check_measure_run(function: Callable, run: Rankings = RUN, qrels: Qrels = QRELS) -> str:
    """``measure_run(run, qrels)`` gives nDCG@10 and RR@10 of each answered query, and their means."""
    answer = _call(
        function,
        {query: list(ranking) for query, ranking in run.items()},
        {query: dict(grades) for query, grades in qrels.items()},
    )
    demand(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        "measure_run should return two things, the values of each query and their means, but returned "
        f"{show(answer)}.",
    )
    by_query, means = (_by_name(part, which) for part, which in zip(answer, ("the first", "the second")))
    expected = _measures(run, qrels)
    found = {name: _by_query(by_query[name], name) for name in NAMES}
    for name in NAMES:
        _check_queries(found[name], name, run, qrels, expected[name])
        _check_values(found[name], name, run, qrels, expected)
    for name in NAMES:
        _check_mean(means[name], name, run, qrels, expected)
    left_out = [query for query in qrels if query not in expected["RR@10"]]
    return (
        f"A query that nothing answers ({', '.join(left_out)}) says nothing about a ranking and stays out; "
        "one with an answer that the search did not find counts as 0."
    )


def _measures(run: Rankings, qrels: Qrels) -> dict[str, Values]:
    """{name: {answered query: value}}, by the package."""
    rankings = {query: [(document, 0.0) for document in ranking] for query, ranking in run.items()}
    judged = {query: dict(grades) for query, grades in qrels.items()}
    true = per_query(rankings, Corpus("check", {}, dict.fromkeys([*run, *qrels], ""), judged, {}))
    return {name: true[name].to_dict() for name in NAMES}


def _by_name(part: Any, which: str) -> dict:
    shape = f"a dictionary with the keys {' and '.join(map(repr, NAMES))}"
    values = _dictionary(part, which, shape)
    demand(
        all(name in values for name in NAMES),
        f"measure_run returned a dictionary with the keys {show(list(values))} as {which}; it should be "
        f"{shape}, both of them strings.",
    )
    return values


def _by_query(part: Any, name: str) -> dict:
    return _dictionary(part, f"the values of {name}", "a dictionary from each query to a number")


def _dictionary(part: Any, which: str, shape: str) -> dict:
    """A dictionary, Series or DataFrame as a dictionary."""
    part = part.to_dict() if hasattr(part, "to_dict") else part
    demand(isinstance(part, Mapping), f"measure_run returned {show(part)} as {which}; it should be {shape}.")
    return dict(part)


def _check_queries(found: Mapping, name: str, run: Rankings, qrels: Qrels, expected: Values) -> None:
    """Demand a value for each answered query and for no other."""
    for query in found:
        nobody = "which nobody has judged. Leave it out."
        other = nobody if query in run else "which is no query of the judgements."
        demand(query in qrels, f"The values of {name} hold {query!r}, {other}")
        highest = max(qrels[query].values(), default=0)
        demand(
            query in expected,
            f"The values of {name} hold {query!r}, whose highest grade is {highest}: nothing answers it, so "
            "no ranking can be good or bad at it. Leave it out.",
        )
    missing = next((query for query in expected if query not in found), None)
    if missing is not None:
        why = (
            " The run has nothing for it, and it has an answer: its value is 0. Leaving it out would reward "
            "a search that stays silent."
        )
        raise Wrong(f"The values of {name} lack {missing!r}.{'' if run.get(missing) else why}")
    odd = next((value for value in found.values() if not is_number(value)), None)
    demand(odd is None, f"The values of {name} should be one number for each query, but one is {show(odd)}.")


def _check_values(
    found: Values, name: str, run: Rankings, qrels: Qrels, expected: Mapping[str, Values]
) -> None:
    def is_it(made: Values) -> bool:
        return all(abs(found[query] - made.get(query, 0.0)) <= TOLERANCE for query in expected[name])

    for query, true in expected[name].items():
        if abs(float(found[query]) - true) > TOLERANCE:
            answered = {query: qrels[query] for query in expected[name]}
            cause = cause_of(mistakes_of_measure_run(name, run, answered, expected), is_it)
            given = (
                f"For the query {query!r}, the ranking {_short(run.get(query, []))} and the grades "
                f"{qrels[query]}, {name} is"
            )
            raise Wrong(f"{given} {float(found[query]):.3f}; ir-measures gives {true:.3f}. {cause}".rstrip())


def _check_mean(mean: Any, name: str, run: Rankings, qrels: Qrels, expected: Mapping[str, Values]) -> None:
    values = list(expected[name].values())
    given = f"The mean of {name} over {len(values)} answered queries is"
    truth = f"the values {[round(value, 3) for value in values]} give"
    _compare(mean, fmean(values), mistakes_of_mean(name, run, qrels, expected), given, truth)


@check
def check_judged_at_10(
    function: Callable, cases: Sequence[tuple[Sequence[str], Mapping[str, int]]] = JUDGED_RANKINGS
) -> str:
    """``judged_at_10(ranking, grades)`` gives the share of the first ten documents that anyone has judged."""
    for ranking, grades in cases:
        true = measure_ranking(ranking, grades, Judged @ 10) or 0.0
        answer = _call(function, list(ranking), dict(grades))
        given = f"For the ranking {_short(ranking)} and the grades {dict(grades)}, your function gives"
        _compare(answer, true, mistakes_of_judged(true, ranking, grades), given, "the share is")
    return (
        "Unjudged documents keep their places and count as wrong in RR and nDCG. So this share belongs "
        "beside them: where it is low, they are too low."
    )


@check
def check_compare_queries(function: Callable, before: Values = BEFORE, after: Values = AFTER) -> str:
    """``compare_queries(before, after)`` gives the mean difference, which queries gained, and which lost."""
    answer = _call(function, dict(before), dict(after))
    given = f"For before {dict(before)} and after {dict(after)}, your function"
    answer = as_list(answer)
    demand(
        isinstance(answer, (tuple, list)) and len(answer) == 3,
        f"{given} should return three things, the mean difference, the queries that gained, and the queries "
        f"that lost, but returned {show(answer)}.",
    )
    differences = {query: after[query] - value for query, value in before.items()}
    mean, mistakes = fmean(differences.values()), mistakes_of_difference(list(differences.values()))
    _compare(answer[0], mean, mistakes, f"{given} gives the mean difference", "it is")
    gained, lost = _gained_and_lost(differences)
    _check_gained_and_lost([_queries(part, given) for part in answer[1:]], before, after, given)
    return (
        f"{len(gained)} gained, {len(lost)} lost, and the mean difference is {mean:+.3f}. The count and the "
        "mean need not point the same way."
    )


def _gained_and_lost(differences: Values) -> tuple[set[str], set[str]]:
    gained = {query for query, difference in differences.items() if difference > 0}
    return gained, {query for query, difference in differences.items() if difference < 0}


def _queries(part: Any, given: str) -> set[str]:
    demand(
        not isinstance(part, (str, Mapping)) and hasattr(part, "__iter__"),
        f"{given} should return the ids of the queries that gained and of those that lost, each as a list, "
        f"but one of them is {show(part)}.",
    )
    return set(part)


def _check_gained_and_lost(said: list[set[str]], before: Values, after: Values, given: str) -> None:
    differences = {query: after[query] - value for query, value in before.items()}
    right = _gained_and_lost(differences)
    by_place = _gained_and_lost({q: b - a for q, a, b in zip(before, before.values(), after.values())})
    demand(
        tuple(said) == right or tuple(said) != right[::-1],
        f"{given} has gained and lost the wrong way round. First those whose value is higher after.",
    )
    for verb, is_, should_be in zip(("gained", "lost"), said, right):
        unknown = [query for query in is_ if query not in differences]
        demand(
            not unknown,
            f"{given} says that {unknown[:1]} {verb}; there is no such query. Return the ids of the queries.",
        )
        if is_ == should_be:
            continue
        query, cause = min(is_ ^ should_be), ""
        if tuple(said) == by_place:
            cause = (
                "The two dictionaries hold their queries in different orders. Look each query up by its id; "
                "do not pair them by place."
            )
        elif differences[query] == 0:
            cause = "A query that did not change neither gained nor lost: compare with > and <."
        has = verb if query in is_ else f"has not {verb}"
        values = f"Its value was {before[query]} and is {after[query]}."
        raise Wrong(f"{given} says that {query!r} {has}. {values} {cause}".rstrip())


@check
def check_decide(function: Callable, systems: Sequence[tuple[Values, Values]] = SYSTEMS) -> str:
    """``decide(before, after)`` gives "better", "worse" or "not shown" from the paired bootstrap interval."""
    answers = [_decision(_call(function, dict(before), dict(after))) for before, after in systems]
    truths = [_true_decision(before, after) for before, after in systems]
    for (before, after), said, true in zip(systems, answers, truths):
        if said != true:
            differences = [after[query] - before[query] for query in before]
            low, high = _interval(differences)
            never = next((word for word in truths if word not in answers), "")
            why = f"You never say {never!r}, whatever the values." if true == never else ""
            raise Wrong(
                f"For {len(before)} queries whose differences have the mean {fmean(differences):+.3f} and "
                f"the paired 95 % interval {low:+.3f} to {high:+.3f}, you say {said!r}; it is {true!r}. "
                f"{why or _why_decided(said, true, before, after)}"
            )
    return (
        "“Not shown” is not “no difference”: the interval says how large a gain or a loss these queries "
        "cannot rule out."
    )


def _decision(answer: Any) -> str:
    is_word, words = isinstance(answer, str), ", ".join(map(repr, DECISIONS))
    demand(
        is_word and answer.strip().lower() in DECISIONS,
        f"decide should return one of the words {words}, but returned {show(answer)}.",
    )
    return answer.strip().lower()


def _true_decision(before: Values, after: Values) -> str:
    low, high = _interval(after[query] - before[query] for query in before)
    return "better" if low > 0 else "worse" if high < 0 else "not shown"


def _why_decided(said: str, true: str, before: Values, after: Values) -> str:
    """The likely mistake behind another decision."""
    differences = [after[query] - before[query] for query in before]
    if {said, true} == {"better", "worse"}:
        return "The sign is turned: after − before is positive when the second system is better."
    if not any(_interval(differences)):
        return "No query changed at all. An interval that ends at 0 holds 0: compare with > and <."
    mean, low, high = fmean(differences), *_interval(differences)
    edge = min(abs(low), abs(high)) / (high - low)
    if true == "not shown" and edge < NEAR_THE_EDGE:
        return "The interval holds 0, if only just. Yours is narrower: did you take an interval of 90 %?"
    if true != "not shown" and said == "not shown" and edge < NEAR_THE_EDGE:
        return "The interval leaves 0 out, if only just. Yours is wider: did you take an interval of 99 %?"
    if true == "not shown" and (said == "better") != (mean > 0):
        return "The interval holds 0. Where do you get the direction from? The mean has the other sign."
    if true == "not shown":
        return (
            "The interval holds 0, so with other questions of the same kind the difference could have had "
            "the other sign. The mean alone cannot tell you."
        )
    by_place = [second - first for first, second in zip(before.values(), after.values())]
    low, high = _interval(by_place)
    if by_place != differences and low <= 0 <= high:
        return (
            "Do you pair the queries by place? The two dictionaries hold them in different orders. Look each "
            "query up by its id."
        )
    if _overlap(_interval(before.values()), _interval(after.values())):
        return (
            "Did you compare the two systems' own intervals? They overlap, because queries differ widely "
            "from each other; but the same queries were asked twice. Take the interval of the differences."
        )
    return "The interval leaves 0 out."


def _interval(values: Iterable[float]) -> tuple[float, float]:
    return bootstrap_interval(np.array(list(values)))


def _overlap(first: tuple[float, float], second: tuple[float, float]) -> bool:
    return first[0] <= second[1] and second[0] <= first[1]


def _call(function: Callable, *arguments: Any) -> Any:
    """``call``, with the likely cause of three errors that these functions often raise."""
    try:
        return call(function, *arguments)
    except Wrong as error:
        cause, hint = error.__cause__, ""
        if isinstance(cause, KeyError):
            hint = (
                "Is this a document that nobody judged, or a query for which the run has nothing? Ask with "
                ".get(key, …), which does not fail."
            )
        elif isinstance(cause, ZeroDivisionError):
            hint = "Do you count places from 0? The first place is 1."
        elif isinstance(cause, ValueError) and "same queries" in str(cause):
            hint = (
                "They are, but the two dictionaries hold them in different orders. Take both in the order of "
                "the first."
            )
        if not hint:
            raise
        raise Wrong(f"{str(error).rstrip('.')}. {hint}") from cause


def _compare(value: Any, true: float, mistakes: Mistakes, given: str, truth: str) -> None:
    """Demand one number; ``given`` and ``truth`` end in a verb."""
    demand(is_number(value), f"{given} {show(value)}; it should be one number.")
    if abs(float(value) - true) > TOLERANCE:
        cause = cause_of(mistakes, near(float(value), TOLERANCE))
        raise Wrong(f"{given} {float(value):.3f}; {truth} {true:.3f}. {cause}".rstrip())


def _short(ranking: Sequence[str]) -> str:
    """A ranking as a message quotes it: all of it, since the places count, without quotes."""
    return "[" + ", ".join(ranking) + "]"
