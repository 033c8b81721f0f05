"""The numbers for machines."""

import json
import math

import numpy as np
import pytest

from rerank_course.evaluate import bootstrap_interval, paired_difference, per_query
from rerank_course.report.numbers import as_json
from rerank_course.report.setting import Setting
from tests.report.made import collection, run

FIRST, THEN = [5, 1, 9] * 8, [2, 1, 8] * 8


def runs():
    return {
        "BM25": run(FIRST),
        "dense": run(THEN),
        "BM25 + rerank 5": run(THEN),
        "BM25 + rerank 9": run(FIRST),
    }


@pytest.fixture
def corpus():
    return collection(24, kinds=["easy", "hard"])


@pytest.fixture
def numbers(corpus):
    return as_json(corpus, runs(), model="mini", backend="int8", seconds=3.0, pairs=np.int64(240))


def test_every_number_is_finite_and_json_can_say_it(numbers):
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers


def test_the_numbers_are_those_of_evaluate(corpus, numbers):
    tables = {name: per_query(ranked, corpus) for name, ranked in runs().items()}
    systems = {system["name"]: system for system in numbers["systems"]}
    assert list(systems) == ["BM25", "BM25 + rerank 5", "BM25 + rerank 9", "dense"]
    for name, table in tables.items():
        for measure in ("nDCG@10", "RR@10"):
            low, high = bootstrap_interval(table[measure].to_numpy())
            assert systems[name][measure] == {"mean": table[measure].mean(), "low": low, "high": high}
        assert systems[name]["judged@10"] == table["judged@10"].mean() and systems[name]["queries"] == 24
    for one in numbers["differences"]:
        mean, low, high = paired_difference(tables[one["to"]], tables[one["system"]])
        assert (one["mean"], one["low"], one["high"]) == (mean, low, high)


def test_each_reranked_system_is_compared_with_its_stage_the_best_one_and_the_depth_before(numbers):
    assert [(one["system"], one["to"]) for one in numbers["differences"]] == [
        ("BM25 + rerank 5", "BM25"),
        ("BM25 + rerank 5", "dense"),
        ("BM25 + rerank 9", "BM25"),
        ("BM25 + rerank 9", "dense"),
        ("BM25 + rerank 9", "BM25 + rerank 5"),
    ]


def test_kinds_queries_and_advice(corpus, numbers):
    assert [(kind["kind"], kind["queries"]) for kind in numbers["kinds"]] == [("easy", 12), ("hard", 12)]
    first = numbers["queries"][0]
    assert first["id"] == "q0" and first["kind"] == "easy" and first["text"] == "question q0"
    assert first["nDCG@10"]["BM25"] == pytest.approx(1 / math.log2(6)) and len(numbers["queries"]) == 24
    assert numbers["advice"]["verdict"] == "do not rerank" and numbers["advice"]["system"] == "dense"


def test_collection_setting_and_costs(numbers):
    assert numbers["collection"] == {
        "name": "made",
        "documents": 33,
        "queries": 24,
        "queries_with_an_answer": 24,
        "judgements": 240,
        "relevant": 2,
    }
    setting = numbers["setting"]
    assert setting["model"] == "mini" and setting["backend"] == "int8" and setting["made"].endswith("+00:00")
    assert {"rerank-course", "Python", "ir-measures"} <= setting["versions"].keys()
    assert setting["seconds_a_pair"] == 0.0125
    assert [system["seconds_a_query"] for system in numbers["systems"]] == [0, 0.0625, 0.1125, 0]


@pytest.mark.parametrize("cost", [{}, {"seconds": 2.0}, {"pairs": 5}, {"seconds": 0.0, "pairs": 0}])
def test_costs_that_are_not_known_are_null(corpus, cost):
    numbers = as_json(corpus, runs(), model="mini", backend="torch", **cost)
    assert numbers["setting"]["seconds_a_pair"] is None
    assert {system["seconds_a_query"] for system in numbers["systems"]} == {None}


@pytest.mark.parametrize("cost", [{"seconds": float("nan")}, {"seconds": float("inf")}, {"pairs": -1}])
def test_costs_that_cannot_be_are_refused(cost):
    with pytest.raises(ValueError, match="must be a number from 0 on"):
        Setting("mini", "torch", **cost)


def test_without_kinds_and_with_a_single_query():
    numbers = as_json(collection(1), {"a file.txt": run([0])}, model="mini", backend="torch")
    assert numbers["kinds"] == [] and numbers["differences"] == []
    assert numbers["systems"][0]["nDCG@10"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    json.dumps(numbers, allow_nan=False)
