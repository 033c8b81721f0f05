"""What to do, in a sentence or two that follow from the numbers by fixed rules.

A system is chosen only where it is better than every cheaper choice by more than chance:

1. Fewer than ``FEWEST`` queries: no advice but to judge more.
2. Begin with the best system that needs no reranker. Go through the depths, the smallest first; take the best
   system of a depth if it is better than what is chosen so far and than the best without a reranker.
3. "Better" means that the paired 95 % interval lies above 0 and at least ``CHANGED`` queries differ.
4. What limits the conclusion is said: how many systems were compared, and what nobody has judged.
"""

from dataclasses import dataclass

from rerank_course.report import uses
from rerank_course.report.measured import (
    BETTER,
    FEWEST,
    MEASURE,
    NOTHING,
    WORSE,
    Difference,
    Measured,
    System,
)
from rerank_course.report.wording import count, interval, listed, name, number, share, signed

HYBRID = "hybrid"  # what `rerank-course evaluate` calls its mix of searches
LOW_JUDGED = 0.8  # below it, more than two of the first ten were never judged
JUDGED_APART = 0.05  # half a document of the first ten

RERANK, DO_NOT_RERANK, MIX_ONLY = "rerank", "do not rerank", "mix, do not rerank"
TOO_FEW_QUERIES, NOT_RERANKED = "too few queries", "nothing was reranked"


@dataclass(frozen=True)
class Advice:
    """What to do.

    Attributes:
        verdict: ``RERANK``, ``DO_NOT_RERANK``, ``MIX_ONLY``, ``TOO_FEW_QUERIES`` or ``NOT_RERANKED``.
        system: the name of the system to use; ``None`` where the numbers do not say.
        compared_with: the name of the system that it was weighed against, if there is one.
        text: the advice in one sentence or two.
        limits: what limits it, a sentence or two each.
    """

    verdict: str
    system: str | None
    compared_with: str | None
    text: str
    limits: tuple[str, ...]


def advise(measured: Measured) -> Advice:
    """The advice that follows from the numbers; see the rules at the head of this module."""
    if len(measured.answered) < FEWEST:
        return _judge_more(measured)
    if not measured.reranked:
        return _without_reranker(measured)
    chosen = choose(measured)
    return _rerank(measured, chosen) if chosen.depth else _do_not_rerank(measured)


def choose(measured: Measured) -> System:
    """The cheapest system that no cheaper one is known to equal: rules 2 and 3."""
    base = chosen = measured.best_first_stage
    for depth in measured.depths:
        better = [
            system
            for system in measured.reranked
            if system.depth == depth
            and measured.difference(chosen, system).shows == BETTER
            and measured.difference(base, system).shows == BETTER
        ]
        if better:
            chosen = measured.best(better)
    return chosen


def _judge_more(measured: Measured) -> Advice:
    queries = len(measured.answered)
    text = (
        f"Too few queries to tell: {queries} {'has' if queries == 1 else 'have'} an answer. "
        f"Judge {FEWEST - queries} more: an interval from fewer than {FEWEST} is too narrow to be trusted."
    )
    return Advice(TOO_FEW_QUERIES, None, None, text, _judging(measured, _rivals(measured)))


def _without_reranker(measured: Measured) -> Advice:
    best = measured.best_first_stage
    ahead, level = _other_stages(measured)
    text = f"Nothing was reranked. {_score(measured, best, 'The best search')}."
    limits = [_level(best, level), *_common(measured, [best])]
    return Advice(NOT_RERANKED, None if level else best.name, None, text, _filled(limits))


def _rerank(measured: Measured, chosen: System) -> Advice:
    base = measured.best_first_stage
    difference = measured.difference(base, chosen)
    deeper = [one for one in measured.reranked if one.depth > chosen.depth and one.use == chosen.use]
    text = (
        f"{_what_to_do(chosen)}: {MEASURE} {number(measured.mean(chosen))}, where {_base(base, chosen)} has "
        f"{number(measured.mean(base))}. "
        f"The difference, {_with_interval(difference)}, is more than chance; "
        f"{_deeper(measured, chosen, deeper)}"
    )
    limits = [
        _smallest(measured, chosen),
        _level(chosen, _peers(measured, chosen)),
        *_worse_deeper(measured, chosen, deeper),
        *_common(measured, [base, chosen]),
    ]
    return Advice(RERANK, chosen.name, base.name, text, _filled(limits))


def _what_to_do(system: System) -> str:
    """The system as something to do."""
    first = f"the first {system.depth} of {name(system.first_stage)}"
    return {
        uses.RERANK: f"Rerank {first}",
        uses.MIX: f"Rerank {first} and mix the reranker's scores with the search's",
        uses.CASCADE: f"Let the embedder choose {system.depth} of what {name(system.first_stage)} finds, "
        "and rerank these",
        uses.GATE: f"Where the search is unsure, rerank {first} and mix the scores; else leave its order",
    }[system.use]


def _base(base: System, chosen: System) -> str:
    if base.name == chosen.first_stage:
        return "its own ranking"
    return f"the best system without a reranker, {name(base.name)},"


def _deeper(measured: Measured, chosen: System, deeper: list[System]) -> str:
    if deeper:
        return "deeper buys nothing that these queries can show."
    if chosen.depth < max(measured.depths):
        return f"no deeper {chosen.use} was measured."
    return f"nothing deeper than {chosen.depth} was measured."


def _smallest(measured: Measured, chosen: System) -> str:
    if chosen.depth > measured.depths[0] or chosen.use == uses.GATE:
        return ""
    return f"{chosen.depth} is the smallest depth that was measured. A smaller one may do as well."


def _worse_deeper(measured: Measured, chosen: System, deeper: list[System]) -> list[str]:
    """A warning where going deeper is worse by more than chance."""
    worse = [
        system
        for system in deeper
        if system.first_stage == chosen.first_stage and measured.difference(chosen, system).shows == WORSE
    ]
    if not worse:
        return []
    names = listed([str(system.depth) for system in worse])
    return [f"Deeper is worse by more than chance: {names} instead of {chosen.depth}."]


def _do_not_rerank(measured: Measured) -> Advice:
    base = measured.best_first_stage
    ahead, level = _other_stages(measured)
    mix = base.name == HYBRID and len(ahead) == len(measured.first_stages) - 1 > 0
    best = measured.best(measured.reranked)
    difference = measured.difference(base, best)
    text = (
        f"{'Mix the searches, but do not rerank them' if mix else 'Do not rerank this'}: "
        f"{_score(measured, base, 'the best system without a reranker')}, and {_no_gain(difference)}"
    )
    if mix:
        text += f" The mix is better than {listed(ahead)} by more than chance."
    limits = [_could_be(difference), _level(base, level), *_common(measured, [base, best])]
    return Advice(MIX_ONLY if mix else DO_NOT_RERANK, base.name, best.name, text, _filled(limits))


def _no_gain(difference: Difference) -> str:
    if difference.shows == WORSE:
        return f"even the best reranked one, {name(difference.after)}, is worse by more than chance."
    return "no reranked one is better by more than chance."


def _could_be(difference: Difference) -> str:
    """How large a gain these queries leave possible."""
    text = f"The best reranked one, {name(difference.after)}, differs by {_with_interval(difference)}."
    if difference.high <= 0:
        return text
    return text + f" So it may gain up to {signed(difference.high)} after all; more queries would tell."


def _other_stages(measured: Measured) -> tuple[list[str], list[System]]:
    """(names of the first stages that the best one is better than, those that it cannot be told from)."""
    best = measured.best_first_stage
    others = [stage for stage in measured.first_stages if stage != best]
    ahead = [stage for stage in others if measured.difference(stage, best).shows == BETTER]
    return [name(stage.name) for stage in ahead], [stage for stage in others if stage not in ahead]


def _peers(measured: Measured, chosen: System) -> list[System]:
    """Systems of the same depth that the chosen one cannot be told from."""
    same = [system for system in measured.reranked if system.depth == chosen.depth and system != chosen]
    return [system for system in same if measured.difference(system, chosen).shows == NOTHING]


def _level(best: System, level: list[System]) -> str:
    if not level:
        return ""
    names = listed([name(system.name) for system in level])
    return f"These queries do not tell {name(best.name)} from {names}: choose what is simplest to run."


def _common(measured: Measured, weighed: list[System]) -> list[str]:
    """The limits that any advice has."""
    systems = len(measured.systems)
    several = (
        f"{systems} systems were compared on these {count(len(measured.answered), 'query', 'queries')}. Of "
        "many, the best one looks a little better than it is; new queries would be the test."
    )
    return [several if systems > 2 else "", *_judging(measured, weighed)]


def _rivals(measured: Measured) -> list[System]:
    """The best system without a reranker, and the best reranked one."""
    reranked = [measured.best(measured.reranked)] if measured.reranked else []
    return [measured.best_first_stage, *reranked]


def _judging(measured: Measured, weighed: list[System]) -> tuple[str, ...]:
    """What documents that nobody judged mean for the systems that are weighed, and for the first stages."""
    judged = {system: measured.mean(system, "judged@10") for system in [*weighed, *measured.first_stages]}
    least, most = min(judged, key=judged.__getitem__), max(judged, key=judged.__getitem__)
    shares = listed([f"{share(judged[system])} ({name(system.name)})" for system in weighed])
    limits = []
    if min(judged[system] for system in weighed) < LOW_JUDGED:
        limits.append(
            f"Judging is thin, which limits the conclusion: {shares} of the first ten documents were judged. "
            "One that nobody judged counts as not relevant."
        )
    if judged[most] - judged[least] >= JUDGED_APART:
        limits.append(
            f"Judging is uneven, which limits the conclusion: the first ten of {name(least.name)} are judged "
            f"less often than those of {name(most.name)} ({share(judged[least])} against "
            f"{share(judged[most])}), so {name(least.name)} may be better than its number. Judge what is "
            "missing, and measure again."
        )
    return tuple(limits)


def _score(measured: Measured, system: System, what: str) -> str:
    return f"{what}, {name(system.name)}, has {MEASURE} {number(measured.mean(system))}"


def _with_interval(difference: Difference) -> str:
    return f"{signed(difference.mean)} (95 % interval {interval(difference.low, difference.high)})"


def _filled(limits: list[str]) -> tuple[str, ...]:
    return tuple(limit for limit in limits if limit)
