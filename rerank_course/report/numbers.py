"""The numbers of a report for machines: plain JSON, every number finite."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rerank_course.evaluate import RESAMPLES
from rerank_course.report.advice import Advice, advise
from rerank_course.report.measured import CHANGED, FEWEST, MEASURE, Difference, Measured, System
from rerank_course.report.setting import Setting, versions
from rerank_course.texts.beir import Corpus
from rerank_course.texts.trec import Run

FORMAT = 1  # goes up when a field changes its meaning or goes away
WITH_INTERVAL = (MEASURE, "RR@10")
MEANS = ("R@100", "judged@10")


def as_json(
    corpus: Corpus,
    runs: Mapping[str, Run],
    *,
    model: str,
    backend: str,
    seconds: float | None = None,
    pairs: int | None = None,
) -> dict[str, Any]:
    """What a report says, as ``json.dumps`` takes it.

    The arguments are those of ``rerank_course.report.page.write_report``.

    Returns:
        ``collection``, ``setting``, ``intervals``, ``systems``, ``differences`` (nDCG@10 of ``system`` minus
        ``to``), ``kinds`` and ``queries`` (both nDCG@10 by system), ``advice``.
    """
    return numbers_of(Measured(corpus, runs), Setting(model, backend, seconds, pairs))


def numbers_of(measured: Measured, setting: Setting) -> dict[str, Any]:
    """As ``as_json``, from what is measured already."""
    return {
        "format": FORMAT,
        "collection": _collection(measured),
        "setting": _setting(setting),
        "intervals": {
            "level": 0.95,
            "method": "percentile bootstrap over the queries",
            "resamples": RESAMPLES,
            "fewest_queries": FEWEST,
            "fewest_changed": CHANGED,
        },
        "systems": [_system(measured, setting, system) for system in measured.systems],
        "differences": [_difference(one) for one in differences(measured)],
        "kinds": _kinds(measured),
        "queries": _queries(measured),
        "advice": _advice(advise(measured)),
    }


def differences(measured: Measured) -> list[Difference]:
    """Each reranked system against its first stage, the best one, and the next smaller depth; none twice."""
    pairs = {
        (before.name, system.name): (before, system)
        for system in measured.systems
        if system.depth
        for before in compared_with(measured, system)
    }
    return [measured.difference(before, after) for before, after in pairs.values()]


def compared_with(measured: Measured, system: System) -> list[System]:
    """Its first stage, the best first stage, and the next smaller depth of the same first stage."""
    return [measured.stage_of(system), measured.best_first_stage, measured.step_before(system)]


def _collection(measured: Measured) -> dict[str, Any]:
    corpus = measured.corpus
    return {
        "name": corpus.name,
        "documents": len(corpus.documents),
        "queries": len(corpus.queries),
        "queries_with_an_answer": len(measured.answered),
        "judgements": sum(map(len, corpus.qrels.values())),
        "relevant": corpus.relevant,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    return {
        "model": setting.model,
        "backend": setting.backend,
        "seconds": None if setting.seconds is None else float(setting.seconds),
        "pairs": None if setting.pairs is None else int(setting.pairs),
        "seconds_a_pair": setting.seconds_a_pair,
        "made": setting.made.isoformat(timespec="seconds"),
        "versions": versions(),
    }


def _system(measured: Measured, setting: Setting, system: System) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": system.name,
        "first_stage": system.first_stage,
        "use": system.use if system.depth else None,
        "depth": system.depth,
        "weight_to_use": setting.weights.get(system.name),
        "margin_to_use": setting.margins.get(system.name),
        "queries": len(measured.answered),
        "found_nothing": measured.found_nothing(system),
        "pairs_a_query": measured.pairs_a_query(system),
        "seconds_a_query": setting.seconds_a_query(measured, system),
    }
    for measure in WITH_INTERVAL:
        low, high = measured.interval(system, measure)
        row[measure] = {"mean": measured.mean(system, measure), "low": low, "high": high}
    return row | {measure: measured.mean(system, measure) for measure in MEANS}


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "system": difference.after,
        "to": difference.before,
        "mean": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "changed": difference.changed,
        "queries": difference.queries,
        "shows": difference.shows,
    }


def _kinds(measured: Measured) -> list[dict[str, Any]]:
    return [
        {"kind": kind.name, "queries": kind.queries, MEASURE: kind.means} for kind in measured.kinds(MEASURE)
    ]


def _queries(measured: Measured) -> list[dict[str, Any]]:
    tables = {system.name: measured.tables[system.name] for system in measured.systems}
    columns = {
        measure: {name: dict(zip(table.index, table[measure].tolist())) for name, table in tables.items()}
        for measure in (*WITH_INTERVAL, *MEANS)
    }
    return [
        {
            "id": query,
            "text": measured.corpus.queries[query],
            "kind": measured.corpus.kinds.get(query, ""),
            **{
                measure: {name: values[query] for name, values in systems.items()}
                for measure, systems in columns.items()
            },
        }
        for query in measured.answered
    ]


def _advice(advice: Advice) -> dict[str, Any]:
    return asdict(advice) | {"limits": list(advice.limits)}
