"""Checks of the exercise train_and_report: split, mine, brake, report; nothing is trained.

Of a split only the properties are looked at, so any way of choosing is right.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from rerank_course.checks.answers import as_list, cause_of, is_number, show
from rerank_course.checks.calling import call
from rerank_course.checks.train_and_report_mistakes import (
    LOSSES,
    REPORTS,
    SPLITS,
    Answers,
    Loss,
    Texts,
    Values,
    cross_entropy,
    groups_of,
    interval_of,
    mistakes_of_loss,
    verdict_of,
    why_together,
)
from rerank_course.checks.train_and_report_mistakes import with_others as with_others  # for hidden tests
from rerank_course.checks.train_and_report_negatives import (
    MININGS,
    Judged,
    Mining,
    demand_all,
    demand_members,
    demand_order,
)
from rerank_course.checks.verdict import Wrong, check, demand

VERDICTS = ("better", "worse", "not shown")
CLIPPED = (
    "Do you keep the probability away from 0? Then a score of 1000 costs no more than one of 40. Take a "
    "formula that needs no probability."
)
TOLERANCE = 0.001  # a share of the loss where that is larger: somebody may compute in float32


@check
def check_split_queries(
    function: Callable, cases: Sequence[tuple[Texts, Answers, Sequence[int]]] = SPLITS
) -> str:
    """``split_queries(queries, answers, size)`` gives (training, test), and nothing leaks."""
    for queries, answers, sizes in cases:
        for size in sizes:
            given = f"With {len(queries)} queries and a test side of {size}, your function"
            copied = {query: set(documents) for query, documents in answers.items()}
            answer = _call(function, given, dict(queries), copied, size)
            training, test = _sides(answer, queries, given)
            _demand_no_leak(training, test, queries, answers, given)
            _demand_size(training, test, size, groups_of(queries, answers), given)
    return (
        "No query stands on both sides, however its words are turned, and no document answers on both. A "
        "question that is asked in quite other words, with another answer, such a rule does not find."
    )


def _sides(answer: Any, queries: Texts, given: str) -> tuple[list[str], list[str]]:
    """The ids of both sides, of which each query is on one."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Wrong(
            f"{given} should return two things, (training ids, test ids), but returned {show(answer)}."
        )
    sides = []
    for name, side in zip(("training", "test"), answer):
        ids = _ids(side)
        if ids is None:
            raise Wrong(f"{given} should return the {name} side as ids, but it is {show(side)}.")
        for one in ids:
            is_place = is_number(one)
            why = " That looks like a place: look up the id that stands there." if is_place else ""
            is_known = isinstance(one, str) and one in queries
            demand(is_known, f"{given} put {show(one)} on the {name} side, which is no query id.{why}")
        twice = next((one for one in ids if ids.count(one) > 1), None)
        demand(twice is None, f"{given} put {twice!r} on the {name} side twice.")
        sides.append([str(one) for one in ids])
    training, test = sides
    both = next((one for one in training if one in test), None)
    demand(both is None, f"{given} put {both!r} on both sides. What was trained on cannot be reported.")
    neither = next((one for one in queries if one not in training and one not in test), None)
    demand(neither is None, f"{given} put {neither!r} on neither side.")
    return training, test


def _demand_no_leak(
    training: list[str], test: list[str], queries: Texts, answers: Answers, given: str
) -> None:
    """In a group that is torn, some query has a neighbour on the other side: those two are named."""
    reasons = {
        (one, other): why
        for one in training
        for other in test
        if (why := why_together(one, other, queries, answers))
    }
    if not reasons:
        return
    (one, other), why = next(iter(reasons.items()))
    said = (
        f"{given} leaks. {one!r} ({queries[one]!r}) is on the training side and {other!r} "
        f"({queries[other]!r}) on the test side, and {why}."
    )
    # With several torn pairs, joining through a third query is not what was forgotten.
    for link, side in ((one, training), (other, test)) if len(reasons) == 1 else ():
        third = next((q for q in side if q != link and why_together(link, q, queries, answers)), None)
        if third:
            said += (
                f" {link!r} belongs with {third!r} as well: what is joined through a third query stays "
                "together, so a query may join two groups that you have already."
            )
            break
    raise Wrong(said)


def _demand_size(
    training: list[str], test: list[str], size: int, groups: list[list[str]], given: str
) -> None:
    largest = max(map(len, groups))
    limit = size + largest
    is_swapped = size <= len(training) < limit and not size <= len(test) < limit
    swapped = " Are the two sides swapped? The training side comes first." if is_swapped else ""
    demand(
        len(test) >= size,
        f"{given} put {len(test)} on the test side. Go on until there are at least {size}. The last "
        f"group may take it past that.{swapped}",
    )
    demand(
        len(test) < limit,
        f"{given} put {len(test)} on the test side. Its largest group has {largest}, so fewer than {limit} "
        "will do. Stop as soon as there are enough, and keep together only what belongs together: two "
        f"queries that nothing answers share no document.{swapped}",
    )


@check
def check_mine_negatives(function: Callable, cases: Sequence[Mining] = MININGS) -> str:
    """``mine_negatives(found, grades, scores, count)`` gives documents that are surely no answers."""
    for found, grades, scores, counts in cases:
        case = Judged(found, grades, scores)
        for count in counts:
            given = f"For found {list(found)}, grades {dict(grades)} and the count {count}, your function"
            answer = _call(function, given, list(found), dict(grades), dict(scores), count)
            said = _ranked(answer, given)
            demand_members(said, case, count, given)
            demand_all(said, case, count, given)
            demand_order(said, case, given)
    return (
        "What was judged wrong comes first, however high it stands. What nobody judged is taken only "
        "where it is far from the answers, and even so it may be one."
    )


def _ranked(answer: Any, given: str) -> list[Any]:
    said = None if isinstance(answer, (set, frozenset, dict)) else _ids(answer)
    if said is None:
        raise Wrong(f"{given} should return a list of document ids, in order, but returned {show(answer)}.")
    return said


@check
def check_braked_loss(function: Callable, cases: Sequence[Loss] = LOSSES) -> str:
    """``braked_loss(scores, untouched, labels, brake)``: cross-entropy, and what moving away costs."""
    for case in cases:
        scores, untouched, labels, brake = case
        given = f"For the scores {list(scores)}, untouched {list(untouched)}, labels {list(labels)} and the "
        given += f"brake {brake}, your function"
        answer = _call(function, given, list(scores), list(untouched), list(labels), brake)
        is_large = max(map(abs, scores)) > 500
        large = (
            f" exp({max(map(abs, scores)):.0f}) is too large for a computer, and log(0) has no value. Take a "
            "formula that needs neither: the hints have one."
        )
        value = _number(answer, given, large if is_large else "")
        true = float(
            np.mean([cross_entropy(score, label) for score, label in zip(scores, labels)])
            + brake * np.mean((np.array(scores) - np.array(untouched)) ** 2)
        )
        if not _is_near(true, value):
            cause = cause_of(mistakes_of_loss(case), partial(_is_near, value=value))
            if is_large and not cause and 0 < value < true / 2:
                cause = CLIPPED
            raise Wrong(f"{given} gives {value:.4f}; it is {true:.4f}. {cause}".rstrip())
    return (
        "The first part pulls every score towards its label, the second one holds it where it was. The brake "
        "says how much the untouched model's opinion is worth."
    )


def _number(answer: Any, given: str, large: str) -> float:
    value = as_list(answer)
    is_nan = isinstance(value, float) and not np.isfinite(value)
    demand(not is_nan, f"{given} gives {value}, which is no finite number.{large}")
    demand(is_number(value), f"{given} should return one number, but returned {show(answer)}.")
    return float(value)


def _is_near(result: float, value: float) -> bool:
    return abs(value - result) <= TOLERANCE * max(1.0, abs(result))


@check
def check_report(function: Callable, cases: Sequence[tuple[Values, Mapping[str, Values]]] = REPORTS) -> str:
    """``report(tuned, others)`` gives a verdict against each other system, and whether all are beaten."""
    for tuned, others in cases:
        given = f"For {len(tuned)} queries and the others {', '.join(others)}, your function"
        copied = {name: dict(values) for name, values in others.items()}
        answer = _call(function, given, dict(tuned), copied)
        said, helped = _verdicts(answer, others, given)
        for name, values in others.items():
            differences = [tuned[query] - values[query] for query in tuned]
            true = verdict_of(differences)
            if said[name] != true:
                low, high = interval_of(differences)
                raise Wrong(
                    f"{given} says {said[name]!r} of {name!r}; it is {true!r}. The differences have the mean "
                    f"{np.mean(differences):+.3f} and the paired 95 % interval {low:+.3f} to {high:+.3f}. "
                    f"{_why_verdict(said[name], true, tuned, values)}"
                )
        _demand_helped(helped, said, given)
    return (
        "A gain that may be an accident is none, and neither is one that something cheaper has too. “Not "
        "shown” is a result: it says that these queries are too few, or the training did too little."
    )


def _verdicts(answer: Any, others: Mapping[str, Values], given: str) -> tuple[dict[str, str], bool]:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Wrong(
            f"{given} should return two things, the verdicts and True or False, but returned {show(answer)}."
        )
    verdicts, helped = answer
    if hasattr(verdicts, "to_dict"):
        verdicts = verdicts.to_dict()
    if not isinstance(verdicts, Mapping):
        raise Wrong(f"{given} should return the verdicts as a dictionary, but they are {show(verdicts)}.")
    missing = next((name for name in others if name not in verdicts), None)
    demand(missing is None, f"{given} has no verdict on {missing!r}. Give one for each of the others.")
    odd = next((name for name in verdicts if name not in others), None)
    demand(odd is None, f"{given} has a verdict on {odd!r}, which is none of the others.")
    for name, word in verdicts.items():
        is_one = isinstance(word, str) and word.strip().lower() in VERDICTS
        words = ", ".join(map(repr, VERDICTS))
        demand(is_one, f"{given} says {show(word)} of {name!r}; it should be one of the words {words}.")
    is_truth = isinstance(helped, (bool, np.bool_))
    demand(is_truth, f"{given} should say True or False in the second place, but says {show(helped)}.")
    return {name: str(word).strip().lower() for name, word in verdicts.items()}, bool(helped)


def _why_verdict(said: str, true: str, tuned: Values, values: Values) -> str:
    """The likely mistake behind another verdict."""
    if {said, true} == {"better", "worse"}:
        return "The sign is turned: tuned − other is positive where the tuned model is better."
    by_place = [first - second for first, second in zip(tuned.values(), values.values())]
    differences = [tuned[query] - values[query] for query in tuned]
    if by_place != differences and said == verdict_of(by_place) != verdict_of(differences):
        return (
            "Do you pair the queries by place? The dictionaries hold them in different orders. Look each "
            "query up by its id."
        )
    if true == "not shown":
        return (
            "The interval holds 0, so with other questions of the same kind the difference could have had "
            "the other sign. The mean alone cannot tell you. Nor can the mean ± one standard error, which is "
            "an interval of 68 %."
        )
    first, second = interval_of(tuned.values()), interval_of(values.values())
    if said == "not shown" and first[0] <= second[1] and second[0] <= first[1]:
        return (
            "Did you compare the two systems' own intervals? They overlap, because queries differ widely; "
            "but the same queries were asked twice. Take the interval of the differences."
        )
    return "The interval leaves 0 out."


def _demand_helped(helped: bool, verdicts: Mapping[str, str], given: str) -> None:
    expected = all(verdict == "better" for verdict in verdicts.values())
    if helped and not expected:
        name = next(name for name, verdict in verdicts.items() if verdict != "better")
        what = "worse" if verdicts[name] == "worse" else "not shown to be better"
        raise Wrong(
            f"{given} says that the training helped. Against {name!r} it is {what}, and {name!r} needed no "
            "training. It helped where it is better than each of the others."
        )
    demand(
        helped == expected,
        f"{given} says that the training did not help, and it is better than each of the others.",
    )


def _ids(value: Any) -> list[Any] | None:
    """A collection as a list; ``None`` for what is none, or can be read only once."""
    value = as_list(value)
    if isinstance(value, (str, bytes, Iterator)):
        return None
    try:
        return list(value)
    except TypeError:
        return None


def _call(function: Callable, given: str, *arguments: Any) -> Any:
    """``call``, with what was given in front of a message, and the likely cause of some errors."""
    try:
        return call(function, *arguments)
    except Wrong as reason:
        cause, known = reason.__cause__, ""
        if isinstance(cause, OverflowError) or (
            isinstance(cause, ValueError) and any(word in str(cause) for word in ("math domain", "positive"))
        ):
            known = (
                "exp of a large number is too large for a computer, and log(0) has no value. Take a formula "
                "that needs neither: the hints have one."
            )
        elif isinstance(cause, KeyError):
            known = "Is that a document that was not judged, or a query that stands elsewhere?"
        said = str(reason) if str(reason).endswith(("?", ".")) else f"{reason}."
        raise Wrong(f"{given.rpartition(', ')[0]}: {said} {known}".rstrip()) from cause
