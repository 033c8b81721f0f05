"""Checks of the exercise mix_and_cascade: two scores of one candidate, and two models for one budget.

What a function should give is computed by ``rerank_course.mixing``. No model is needed: scores are made up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import Any

import numpy as np

from rerank_course.checks.answers import cause_of, is_number, near, show
from rerank_course.checks.calling import call
from rerank_course.checks.earlier import with_earlier
from rerank_course.checks.mix_and_cascade_mistakes import (
    BUDGETS,
    CHEAP,
    CHOICES,
    DEAR,
    MIXES,
    QUERY,
    SCORE_LISTS,
    ByWeight,
    Found,
    Scores,
    means_of,
    mistakes_of_cascade,
    mistakes_of_equal_scores,
    mistakes_of_weight,
    mistakes_of_z_scores,
    why_among_equals,
    why_mixed,
)
from rerank_course.checks.toys.reranker import ToyReranker
from rerank_course.checks.verdict import Wrong, check, demand
from rerank_course.mixing import mix
from rerank_course.mixing import z_scores as package_z_scores

TOLERANCE = 0.002  # somebody may round to three places


@check
def check_z_scores(function: Callable, lists: Sequence[Sequence[float]] = SCORE_LISTS) -> str:
    """``z_scores(scores)`` gives each score less the mean, in standard deviations, whatever the list."""
    for scores in lists:
        given = f"For the scores {list(scores)}, your function"
        answer = _call(function, given, _hint_for_list(scores), list(scores))
        values = _numbers(answer, scores, given)
        is_equal = len(set(scores)) < 2
        true = [0.0] * len(scores) if is_equal else package_z_scores(np.array(scores)).tolist()
        if not _all_near(values, true):
            mistakes = mistakes_of_equal_scores(scores) if is_equal else mistakes_of_z_scores(scores)
            cause = cause_of(mistakes, partial(_all_near, values))
            why = " None of them is above the mean, and none below." if is_equal else ""
            raise Wrong(f"{given} gives {_rounded(values)}; it is {_rounded(true)}.{why} {cause}".rstrip())
    return (
        "Equal scores become zeros: they say nothing about the order. So in a mix, the other list decides "
        "alone."
    )


def _hint_for_list(scores: Sequence[float]) -> Callable[[BaseException], str]:
    def hint(error: BaseException) -> str:
        if not isinstance(error, (ZeroDivisionError, ValueError, IndexError)):
            return ""
        if not scores:
            return "An empty list has no mean. Return an empty list before you compute one."
        if len(scores) == 1:
            return "One score has no distance to its mean. Return [0.0] before you divide."
        if len(set(scores)) == 1:
            return "The standard deviation of equal scores is 0. Return zeros before you divide."
        return ""

    return hint


def _numbers(answer: Any, scores: Sequence[float], given: str) -> list[float]:
    values = _as_list(answer)
    if values is None:
        raise Wrong(
            f"{given} should return a list with one number for each score, but returned {show(answer)}."
        )
    demand(
        len(values) == len(scores),
        f"{given} should return {len(scores)} values, one for each score, but returned {len(values)}.",
    )
    for value in values:
        is_nan = isinstance(value, (float, np.floating)) and bool(np.isnan(value))
        equal = " The standard deviation is 0 here, and 0 / 0 is nan." if len(set(scores)) == 1 else ""
        demand(not is_nan, f"{given} gives nan, which is not a number.{equal}")
        demand(is_number(value), f"{given} should return numbers, but one of them is {show(value)}.")
    return [float(value) for value in values]


@check
def check_mix_scores(
    function: Callable, *earlier: Callable, cases: Sequence[tuple[Found, Scores, float]] = MIXES
) -> str:
    """``mix_scores(found, reranked, weight)`` gives all documents in the order of the mixed z-scores.

    Args:
        earlier: the function of part 1. Where it is wrong, that is said first.
    """
    with with_earlier(zip((check_z_scores,), earlier)):
        _check_mixes(function, cases)
    return (
        "The mix uses both opinions on one scale. A candidate that the reranker did not read has only one, "
        "and stays behind those that have two."
    )


def _check_mixes(function: Callable, cases: Sequence[tuple[Found, Scores, float]]) -> None:
    for found, reranked, weight in cases:
        given = f"For found {list(found)}, reranked {dict(reranked)} and the weight {weight}, your function"
        answer = _call(function, given, _hint_for_mix(found, reranked), list(found), dict(reranked), weight)
        scored = mix(found, reranked.items(), weight)
        mixed = dict(scored[: len(reranked)])
        ids = [document for document, _ in found]
        said = _members(answer, ids, given, "document ids", _why_left_out(reranked))
        expected = [document for document, _ in scored]
        if said != expected:
            cause = why_mixed(said, found, reranked, weight, mixed)
            raise Wrong(f"{given} returned {said}; it is {expected}. {cause}")


def _hint_for_mix(found: Found, reranked: Scores) -> Callable[[BaseException], str]:
    unread = [document for document, _ in found if document not in reranked]

    def hint(error: BaseException) -> str:
        if isinstance(error, KeyError) and error.args and error.args[0] in unread:
            return f"{error.args[0]!r} has no reranker score. Ask whether a document is in reranked first."
        if isinstance(error, (ZeroDivisionError, ValueError, IndexError)):
            if not reranked:
                return "Here no candidate has both scores, so there is nothing to normalise."
            if len(reranked) == 1:
                return "Here only one candidate has both scores."
            if len({score for document, score in found if document in reranked}) == 1:
                return "Here the search's scores are all equal."
        return ""

    return hint


def _why_left_out(reranked: Scores) -> Callable[[str], str]:
    def why(missing: str) -> str:
        behind = "It has no reranker score, and stays behind those that have one."
        return "" if missing in reranked else behind

    return why


@check
def check_choose_weight(function: Callable, cases: Sequence[tuple[ByWeight, Sequence[str]]] = CHOICES) -> str:
    """``choose_weight(scores_by_weight, training)`` gives the weight with the best mean in training."""
    for values, training in cases:
        copied = {weight: dict(by_query) for weight, by_query in values.items()}
        means = {weight: round(mean, 9) for weight, mean in means_of(values, training).items()}
        table = ", ".join(f"{weight}: {mean:.3f}" for weight, mean in means.items())
        given = (
            f"For the training queries {list(training)}, over which the weights have the means {table}, your "
            "function"
        )
        answer = _call(function, given, _no_hint, copied, list(training))
        demand(is_number(answer), f"{given} should return one weight, but returned {show(answer)}.")
        highest = max(means.values())
        true = min((w for w in means if means[w] == highest), key=lambda w: (round(abs(w - 0.5), 9), w))
        said = next((weight for weight in means if abs(weight - float(answer)) < 1e-9), None)
        if said is None:
            is_mean = abs(float(answer) - highest) <= TOLERANCE
            cause = "That is the best mean. Return the weight that has it." if is_mean else ""
            raise Wrong(f"{given} returned {answer}, which is none of the weights. {cause}".rstrip())
        if said != true:
            cause = cause_of(mistakes_of_weight(values, training), near(said, 0))
            if means[said] == highest:
                cause = why_among_equals(said, true)
            raise Wrong(f"{given} chose {said}; it is {true}. {cause}".rstrip())
    return (
        "The other queries had no say in it. So what the chosen weight gives on them is a fair number, and "
        "on the training queries it is not."
    )


@check
def check_cascade_within(
    function: Callable,
    query: str = QUERY,
    cheap: Scores = CHEAP,
    dear: Scores = DEAR,
    budgets: Sequence[int] = BUDGETS,
) -> str:
    """``cascade_within(budget, query, candidates, cheap, dear)``: dear reads the cheap one's best only."""
    candidates = list(cheap)
    by_cheap = sorted(candidates, key=lambda candidate: -cheap[candidate])
    for budget in budgets:
        first, second = ToyReranker(dict(cheap)), ToyReranker(dict(dear))
        given = f"With a budget of {budget} and {len(candidates)} candidates, your function"
        answer = _call(function, given, _no_hint, budget, query, list(candidates), first, second)
        _check_cheap(first, query, candidates, given)
        _check_dear(second, query, by_cheap, candidates, budget, given)
        said = _members(answer, candidates, given, "candidates", _why_not_read(by_cheap[budget:]))
        read = sorted(by_cheap[:budget], key=lambda candidate: -dear[candidate])
        expected = read + by_cheap[budget:]
        if said != expected:
            cause = cause_of(mistakes_of_cascade(candidates, cheap, dear, budget), said.__eq__)
            raise Wrong(f"{given} returned {said}; it is {expected}. {cause}".rstrip())
    best, budget = max(candidates, key=lambda candidate: dear[candidate]), budgets[0]
    unread = f" Its favourite is {best!r}, and it never saw it." if best in by_cheap[budget:] else ""
    return (
        f"With a budget of {budget}, the dear model reads {min(budget, len(candidates))} of "
        f"{len(candidates)}.{unread} What the cheap model leaves behind stays behind."
    )


def _why_not_read(unread: Sequence[str]) -> Callable[[str], str]:
    behind = "The dear model did not read it, and it comes behind those that it read."
    return lambda missing: behind if missing in unread else ""


def _check_cheap(toy: ToyReranker, query: str, candidates: list[str], given: str) -> None:
    """Demand one call with all pairs."""
    _check_calls(toy, "cheap", given)
    _check_pairs(toy, query, candidates, "cheap", given)
    demand(
        len(toy.pairs) == len(candidates),
        f"{given} let cheap score {len(toy.pairs)} pairs. Let it score all {len(candidates)} candidates.",
    )


def _check_dear(
    toy: ToyReranker, query: str, by_cheap: list[str], candidates: list[str], budget: int, given: str
) -> None:
    """Demand one call with the cheap model's best, or none where there is no budget."""
    asked = len(toy.pairs)
    all_of_them = " Cut first, then ask: the budget is for what it reads." if asked == len(candidates) else ""
    demand(asked <= budget, f"{given} asked dear for {asked} pairs.{all_of_them}")
    if budget == 0:
        demand(not toy.calls, f"{given} called dear.predict with an empty list. Do not call it at all.")
        return
    _check_calls(toy, "dear", given)
    _check_pairs(toy, query, candidates, "dear", given)
    best = by_cheap[:budget]
    demand(asked == len(best), f"{given} asked dear for {asked} pairs only, and it may read {len(best)}.")
    read = [candidate for _, candidate in toy.pairs]
    if set(read) != set(best):
        odd = next(candidate for candidate in read if candidate not in best)
        cause = ""
        if set(read) == set(candidates[:budget]):
            cause = "Those are the first as they came. Sort them by the cheap model's scores, then cut."
        elif set(read) == set(by_cheap[-budget:]):
            cause = "Those are the cheap model's worst. Sort in descending order, then cut."
        raise Wrong(
            f"{given} let dear read {odd!r}, which has place {by_cheap.index(odd) + 1} in the cheap model's "
            f"order. {cause}".rstrip()
        )


def _check_calls(toy: ToyReranker, name: str, given: str) -> None:
    demand(bool(toy.calls), f"{given} never called {name}.predict.")
    demand(
        len(toy.calls) == 1,
        f"{given} called {name}.predict {len(toy.calls)} times. Call it once, with all pairs in one list.",
    )


def _check_pairs(toy: ToyReranker, query: str, candidates: list[str], name: str, given: str) -> None:
    """Demand (query, candidate), each at most once."""
    for pair in toy.pairs:
        demand(
            not (len(pair) == 2 and pair[1] == query),
            f"{given} gave {name} the pair {pair}. The query comes first in a pair.",
        )
        demand(
            len(pair) == 2 and pair[0] == query and pair[1] in candidates,
            f"{given} gave {name} {show(pair)}. A pair is (query, candidate).",
        )
    demand(len(set(toy.pairs)) == len(toy.pairs), f"{given} gave {name} the same pair twice.")


def _members(
    answer: Any, members: Sequence[str], given: str, what: str, why_missing: Callable[[str], str]
) -> list[str]:
    """The learner's ranking, in which each of ``members`` stands once."""
    said = _as_list(answer)
    if said is None:
        raise Wrong(f"{given} should return a list of {what}, but returned {show(answer)}.")
    for one in said:
        is_pair = isinstance(one, (tuple, list)) and len(one) == 2
        demand(not is_pair, f"{given} should return {what} alone, but the list holds {show(one)}.")
        is_known = isinstance(one, str) and one in members
        demand(is_known, f"{given} should return {what}, but the list holds {show(one)}, which is none.")
    missing = next((one for one in members if one not in said), None)
    if missing is not None:
        raise Wrong(f"{given} left out {missing!r}. {why_missing(missing)}".rstrip())
    twice = next((one for one in members if said.count(one) > 1), None)
    demand(twice is None, f"{given} returned {twice!r} twice.")
    return [str(one) for one in said]


def _as_list(answer: Any) -> list | None:
    """What was returned as a list; ``None`` where it has no order, or can be read only once."""
    if isinstance(answer, (str, bytes, Mapping, Set, Iterator)):
        return None
    try:
        return list(answer)
    except TypeError:
        return None


def _call(function: Callable, given: str, hint: Callable[[BaseException], str], *arguments: Any) -> Any:
    """``call``, with what was given in front of a message, and what is known of the error behind it."""
    try:
        return call(function, *arguments)
    except Wrong as reason:
        cause = reason.__cause__
        known = hint(cause) if cause else ""
        said = str(reason) if str(reason).endswith(("?", ".")) else f"{reason}."
        raise Wrong(f"{given.rpartition(', ')[0]}: {said} {known}".rstrip()) from cause


def _no_hint(error: BaseException) -> str:
    return ""


def _all_near(values: Sequence[float], others: Sequence[float]) -> bool:
    return len(values) == len(others) and all(abs(a - b) <= TOLERANCE for a, b in zip(values, others))


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) + 0.0 for value in values]
