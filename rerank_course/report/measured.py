"""All systems of an evaluation, query by query, and the differences between any two of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from rerank_course.evaluate import answered_queries, bootstrap_interval, by_kind, paired_difference, per_query
from rerank_course.report.uses import GATE, RERANK, USES
from rerank_course.texts.beir import Corpus
from rerank_course.texts.trec import Run

MEASURE = "nDCG@10"  # what systems are compared by
# An interval drawn from few queries is too narrow: one of "95 %" from 10 queries holds the truth in about 90
# of 100 cases, one from 20 in about 93.
FEWEST = 20
# If five queries differ, all five go the same way by accident once in 16; six once in 32, and so less often
# than an interval of 95 % may be wrong.
CHANGED = 6
SAME = 1e-9  # differences below it come from rounding

BETTER, WORSE, NOTHING, TOO_FEW = "better", "worse", "nothing", "too few"


@dataclass(frozen=True)
class System:
    """One system: its ``name``, its ``first_stage``, and how many candidates are reranked, 0 for none.

    ``use`` says how: ``RERANK``, ``MIX``, ``CASCADE`` or ``GATE`` of ``rerank_course.report.uses``.
    """

    name: str
    first_stage: str
    depth: int = 0
    use: str = RERANK


@dataclass(frozen=True)
class Difference:
    """How much a system differs from another on the same queries, in nDCG@10.

    Attributes:
        before, after: the names of the two systems.
        mean, low, high: of ``after − before``, with its paired 95 % interval.
        changed: in how many queries the two differ at all.
        queries: how many there are.
    """

    before: str
    after: str
    mean: float
    low: float
    high: float
    changed: int
    queries: int

    @property
    def shows(self) -> str:
        """What may be concluded for ``after``: ``BETTER``, ``WORSE``, ``NOTHING`` or ``TOO_FEW``."""
        if self.queries < FEWEST:
            return TOO_FEW
        if self.changed < CHANGED or self.low <= 0 <= self.high:
            return NOTHING
        return BETTER if self.low > 0 else WORSE


@dataclass(frozen=True)
class Kind:
    """A kind of query: how many ``queries`` are of it, and the mean of a measure by system."""

    name: str
    queries: int
    means: dict[str, float]


class Measured:
    """What every system of an evaluation gave.

    Args:
        corpus: the collection, with its judgements.
        runs: by name, as ``rerank_course.evaluate.retrieve_and_rerank`` and
            ``rerank_course.report.uses.other_uses`` return them.

    Attributes:
        corpus, runs: these.
        tables: ``per_query`` of each system.
        first_stages, reranked: the systems, in the order of the runs.

    Raises:
        ValueError: there is no run, a run names an unknown query, or no query has an answer.
    """

    def __init__(self, corpus: Corpus, runs: Mapping[str, Run]):
        if not runs:
            raise ValueError("There is no run to report on. Pass what retrieve_and_rerank returns.")
        self.corpus, self.runs = corpus, dict(runs)
        self.tables = {name: per_query(run, corpus) for name, run in runs.items()}
        systems = read_systems(runs)
        self.first_stages = [system for system in systems if not system.depth]
        self.reranked = [system for system in systems if system.depth]
        self._intervals: dict[tuple[str, str], tuple[float, float]] = {}
        self._differences: dict[tuple[str, str], Difference] = {}

    @cached_property
    def answered(self) -> list[str]:
        """Ids of the queries that count: those with an answer."""
        return answered_queries(self.corpus)

    @property
    def systems(self) -> list[System]:
        """All systems: each first stage, and behind it what was reranked from it."""
        return [
            system
            for stage in self.first_stages
            for system in [stage, *sorted(self.reranked_from(stage), key=_place)]
        ]

    @property
    def depths(self) -> list[int]:
        """The depths that were reranked to, the smallest first."""
        return sorted({system.depth for system in self.reranked})

    def mean(self, system: System, measure: str = MEASURE) -> float:
        """A system's mean of a measure over the queries with an answer."""
        return float(self.tables[system.name][measure].mean())

    def interval(self, system: System, measure: str = MEASURE) -> tuple[float, float]:
        """The 95 % interval of that mean; computed once."""
        key = system.name, measure
        if key not in self._intervals:
            self._intervals[key] = bootstrap_interval(self.tables[system.name][measure].to_numpy())
        return self._intervals[key]

    def difference(self, before: System, after: System) -> Difference:
        """The paired difference ``after − before``; computed once."""
        key = before.name, after.name
        if key not in self._differences:
            self._differences[key] = _difference(*key, self.tables)
        return self._differences[key]

    def best(self, systems: Iterable[System]) -> System:
        """The system with the highest mean; of equal ones the first, which is the cheaper one."""
        return max(systems, key=lambda system: round(self.mean(system), 9))

    @cached_property
    def best_first_stage(self) -> System:
        """The best system that needs no reranker."""
        return self.best(self.first_stages)

    def reranked_from(self, stage: System) -> list[System]:
        """What was reranked from a first stage."""
        return [system for system in self.reranked if system.first_stage == stage.name]

    def stage_of(self, system: System) -> System:
        """The first stage that a system stands on; for a first stage, itself."""
        return next(stage for stage in self.first_stages if stage.name == system.first_stage)

    def step_before(self, system: System) -> System:
        """The next smaller depth of the same use; for the smallest, the first stage itself."""
        stage = self.stage_of(system)
        same = [one for one in self.reranked_from(stage) if one.use == system.use]
        smaller = [one for one in same if one.depth < system.depth]
        return max(smaller, key=lambda one: one.depth, default=stage)

    def pairs_a_query(self, system: System) -> float:
        """How many pairs a reranker reads for a query, on average.

        A search may find less than the depth, and a gate leaves some queries as they were found.
        """
        first, run = self.runs[system.first_stage], self.runs[system.name]
        read = [
            min(system.depth, len(first.get(query, [])))
            for query in self.answered
            if system.use != GATE or run.get(query) != first.get(query)
        ]
        return sum(read) / len(self.answered)

    def kinds(self, measure: str = MEASURE) -> list[Kind]:
        """Each kind of query, the largest first; none where the collection names none."""
        if not any(self.corpus.kinds.get(query) for query in self.answered):
            return []
        # A name may be that of a file, which a table may not be able to hold: numbers stand for names.
        names = dict(enumerate(self.tables))
        table = by_kind({str(n): self.tables[name] for n, name in names.items()}, measure)
        return [
            Kind(str(kind), int(row["queries"]), {name: float(row[str(n)]) for n, name in names.items()})
            for kind, row in table.sort_values("queries", ascending=False, kind="stable").iterrows()
        ]

    def found_nothing(self, system: System) -> int:
        """For how many of the queries with an answer a system found no document at all."""
        return sum(not self.runs[system.name].get(query) for query in self.answered)


def read_systems(names: Iterable[str]) -> list[System]:
    """What the names of runs say: ``BM25 + rerank 10`` is reranked where there is a run ``BM25``.

    A run from which others are reranked is a first stage, whatever its name looks like.
    """
    systems = {name: _read_name(name) for name in names}
    stages = {system.first_stage for name, system in systems.items() if system.depth} & systems.keys()
    return [
        system if system.first_stage in stages and name not in stages else System(name, name)
        for name, system in systems.items()
    ]


def _read_name(name: str) -> System:
    stage, joined, end = name.rpartition(" + ")
    use, _, depth = end.partition(" ")
    is_reranked = joined and use in USES and depth.isascii() and depth.isdecimal() and int(depth) > 0
    return System(name, stage, int(depth), use) if is_reranked else System(name, name)


def _place(system: System) -> tuple[int, int]:
    """Where a system stands among those of its first stage: by use, then by depth."""
    return USES.index(system.use), system.depth


def _difference(before: str, after: str, tables: Mapping[str, pd.DataFrame]) -> Difference:
    mean, low, high = paired_difference(tables[before], tables[after], MEASURE)
    moved = (tables[after][MEASURE] - tables[before][MEASURE]).abs() > SAME
    return Difference(before, after, mean, low, high, int(moved.sum()), len(moved))
