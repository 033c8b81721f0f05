"""Measures, intervals and tables of runs, and the run file that other programs read."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rerank_course.evaluate import (
    answered_queries,
    bootstrap_interval,
    by_kind,
    choose_held_out,
    make_run,
    paired_difference,
    per_query,
    retrieve_and_rerank,
    same_top,
    summary,
    winners_and_losers,
)
from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus

DOCUMENTS = {name: Chunk(name, f"text {name}") for name in "abcdefghijklmn"}
CORPUS = Corpus(
    "small",
    DOCUMENTS,
    {"q1": "first", "q2": "second", "q3": "nothing answers", "q4": "not judged"},
    {"q1": {"a": 3, "b": 1, "c": 0}, "q2": {"d": 2, "e": 3}, "q3": {"f": 1, "g": 0}},
    {"q1": "easy", "q2": "hard", "q3": "no answer", "q4": "easy"},
)
RUN = {"q1": [("b", 9.0), ("a", 8.0), ("x", 1.0)], "q2": [("e", 2.0), ("d", 1.0)], "q3": [("f", 1.0)]}


def test_measures_against_values_worked_out_by_hand():
    table = per_query(RUN, CORPUS)
    assert list(table.index) == ["q1", "q2"]
    # q1: gains 1, 3 at ranks 1, 2; ideal 3, 1. The gain is the grade and the discount log2(rank + 1), as
    # trec_eval does it.
    dcg, ideal = 1 + 3 / np.log2(3), 3 + 1 / np.log2(3)
    assert table.loc["q1", "nDCG@10"] == pytest.approx(dcg / ideal)
    assert table.loc["q1", "RR@10"] == 0.5, "a grade of 1 does not count as an answer"
    assert table.loc["q2", ["nDCG@10", "RR@10", "R@100"]].tolist() == [1.0, 1.0, 1.0]
    assert table.loc["q1", "judged@10"] == pytest.approx(2 / 3), "x was never judged"


def test_equal_scores_keep_the_order_of_the_run():
    tied = {"q1": [("c", 1.0), ("b", 1.0), ("a", 1.0)]}
    assert per_query(tied, CORPUS).loc["q1", "RR@10"] == pytest.approx(1 / 3)


def test_a_query_without_results_counts_as_zero_and_one_without_an_answer_not_at_all():
    table = per_query({"q1": RUN["q1"]}, CORPUS)
    assert table.loc["q2", "nDCG@10"] == 0.0 and len(table) == 2
    assert answered_queries(CORPUS) == ["q1", "q2"]


def test_bad_runs():
    with pytest.raises(ValueError, match="query 'q9', which the corpus small does not have"):
        per_query({"q9": [("a", 1.0)]}, CORPUS)
    with pytest.raises(ValueError, match="nothing can be measured"):
        per_query({}, Corpus("empty", DOCUMENTS, {"q1": "?"}, {"q1": {"a": 1}}, {}))


def test_make_run_asks_each_query_once():
    asked = []

    def search(query):
        asked.append(query)
        return [(DOCUMENTS["a"], 1.0)]

    assert make_run(CORPUS, search)["q2"] == [("a", 1.0)] and asked == list(CORPUS.queries.values())


def test_summary_holds_means_intervals_and_counts():
    table = summary({"mine": per_query(RUN, CORPUS)})
    assert table.loc["mine", "RR@10"] == 0.75 and table.loc["mine", "queries"] == 2
    assert table.loc["mine", "RR@10 95 %"] == "0.500–1.000"


def test_bootstrap_interval_is_reproducible_and_has_about_the_right_width():
    values = np.random.default_rng(1).normal(0.5, 0.2, 400)
    low, high = bootstrap_interval(values)
    assert (low, high) == bootstrap_interval(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.003)


def frame(values):
    return pd.DataFrame(
        {"nDCG@10": values, "kind": ["x", "y"] * (len(values) // 2)},
        index=[f"q{i}" for i in range(len(values))],
    )


def test_paired_difference_is_narrower_than_the_queries_vary():
    base = np.random.default_rng(2).uniform(0, 1, 60)
    mean, low, high = paired_difference(frame(base), frame(base + 0.05))
    assert (mean, low, high) == pytest.approx((0.05, 0.05, 0.05))
    with pytest.raises(ValueError, match="not about the same queries"):
        paired_difference(frame(base), frame(base[:-2]))


def test_breakdown_by_kind_and_by_query():
    before, after = per_query(RUN, CORPUS), per_query({"q1": [("a", 1.0)], "q2": [("a", 1.0)]}, CORPUS)
    kinds = by_kind({"before": before, "after": after}, "RR@10")
    assert kinds.loc["easy"].tolist() == [1, 0.5, 1.0] and kinds.loc["hard"].tolist() == [1, 1.0, 0.0]
    rows = winners_and_losers(before, after, CORPUS, "RR@10")
    assert rows["text"].tolist() == ["first", "second"] and rows["difference"].tolist() == [0.5, -1.0]


class Fixed:
    """A retriever or reranker with fixed answers."""

    def __init__(self, answers):
        self.answers, self.pairs = answers, 0

    def search(self, query, depth=100):
        return [(DOCUMENTS[name], 1.0 / place) for place, name in enumerate(self.answers[query], start=1)][
            :depth
        ]

    def predict(self, pairs, *, batch_size):
        self.pairs += len(pairs)
        return [self.answers[text.removeprefix("text ")] for _, text in pairs]


def test_reranking_the_first_of_each_run():
    one = Fixed({"first": list("cba"), "second": list("ed")})
    two = Fixed({"first": list("ab"), "second": list("d")})
    reranker = Fixed({"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0, "e": -1.0})
    runs = retrieve_and_rerank(CORPUS, {"one": one, "two": two}, reranker, depths=(2, 3))
    assert list(runs) == [
        "one",
        "one + rerank 2",
        "one + rerank 3",
        "two",
        "two + rerank 2",
        "two + rerank 3",
    ]
    assert [document for document, _ in runs["one + rerank 2"]["q1"]] == ["b", "c", "a"]
    assert [document for document, _ in runs["one + rerank 3"]["q1"]] == ["a", "b", "c"]
    assert runs["one"]["q1"][0] == ("c", 1.0) and set(runs["one"]) == {"q1", "q2"}
    assert reranker.pairs == 3 + 2, "a pair is scored once"
    for run in runs.values():
        for ranking in run.values():
            assert [score for _, score in ranking] == sorted((score for _, score in ranking), reverse=True)


def test_a_retriever_that_finds_nothing():
    runs = retrieve_and_rerank(CORPUS, {"none": Fixed({"first": [], "second": []})}, Fixed({}), depths=(5,))
    assert per_query(runs["none + rerank 5"], CORPUS)["nDCG@10"].tolist() == [0.0, 0.0]


def test_the_grade_that_counts_as_an_answer_follows_the_corpus():
    lenient = replace(CORPUS, relevant=1)
    assert answered_queries(lenient) == ["q1", "q2", "q3"]
    assert per_query(RUN, lenient).loc["q1", "RR@10"] == 1.0, "b has grade 1"
    with pytest.raises(ValueError, match="no query with a document of grade 9"):
        per_query(RUN, replace(CORPUS, relevant=9))


def test_a_query_that_is_a_document_does_not_find_itself():
    documents = {**DOCUMENTS, "q1": Chunk("q1", "first\nof all"), "q2": Chunk("q2", "another text")}
    corpus = replace(CORPUS, documents=documents, queries=CORPUS.queries | {"q1": "first of  all"})
    given = {query: [("q1", 3.0), ("q2", 2.0), ("a", 1.0)] for query in ("q1", "q2")}
    runs = retrieve_and_rerank(corpus, {"all": given}, Everything(), depths=(5,))
    assert [name for name, _ in runs["all"]["q1"]] == ["q2", "a"]
    assert [name for name, _ in runs["all"]["q2"]] == ["q1", "q2", "a"], "same id, another text"


class Everything:
    """A reranker that gives every pair the same score."""

    def predict(self, pairs, *, batch_size):
        return [0.0] * len(pairs)


def test_a_run_of_another_engine_is_reranked():
    given = {"q1": [("c", 5.0), ("b", 4.0), ("a", 3.0)]}
    reranker = Fixed({"a": 3.0, "b": 2.0, "c": 1.0})
    runs = retrieve_and_rerank(CORPUS, {"theirs": given}, reranker, depths=(2,))
    assert runs["theirs"] == {**given, "q2": []}
    assert [name for name, _ in runs["theirs + rerank 2"]["q1"]] == ["b", "c", "a"]


def test_same_top():
    first = {"q1": [("a", 3.0), ("b", 2.0), ("c", 1.0)], "q2": [("a", 3.0), ("b", 2.0), ("c", 1.0)]}
    second = {"q1": [("b", 9.0), ("a", 8.0), ("c", 7.0)], "q2": [("a", 3.0), ("c", 2.0), ("b", 1.0)]}
    assert same_top(first, second, (1, 2, 3)) == {"top 1": 0.5, "top 2": 0.5, "top 3": 1.0}
    with pytest.raises(ValueError, match="same queries"):
        same_top(first, {"q1": first["q1"]})


def settings(**values):
    """{setting: the table of a measure over as many queries as there are values}."""
    return {name: pd.DataFrame({"nDCG@10": numbers}) for name, numbers in values.items()}


def test_a_setting_is_chosen_on_the_other_queries():
    table, chosen = choose_held_out(settings(plain=[0.4] * 10, good=[0.5] * 10))
    assert set(chosen) == {"good"} and table["nDCG@10"].tolist() == [0.5] * 10
    table, chosen = choose_held_out(settings(simple=[0.5] * 10, other=[0.5] * 10))
    assert set(chosen) == {"simple"}


def test_a_choice_among_accidents_gains_nothing_when_it_is_held_out():
    random, gains = np.random.default_rng(0), []
    for seed in range(100):
        tables = settings(**{f"setting {i}": random.random(40) for i in range(20)})
        best = max(table["nDCG@10"].mean() for table in tables.values())
        held_out, _ = choose_held_out(tables, seed=seed)
        gains.append((best - 0.5, held_out["nDCG@10"].mean() - 0.5))
    chosen_here, chosen_elsewhere = np.mean(gains, axis=0)
    assert chosen_here > 0.06 and abs(chosen_elsewhere) < 0.02


def test_each_query_s_row_comes_from_the_setting_of_its_fold():
    tables = settings(a=list(np.arange(23.0)), b=list(np.arange(23.0) + 100))
    table, chosen = choose_held_out(tables, folds=23)
    assert table["nDCG@10"].tolist() == list(np.arange(23.0) + 100) and len(chosen) == 23
    assert list(table.index) == list(range(23))


def test_settings_that_cannot_be_compared():
    with pytest.raises(ValueError, match="there is no setting"):
        choose_held_out({})
    with pytest.raises(ValueError, match="not about the same queries"):
        choose_held_out(settings(a=[1.0] * 10, b=[1.0] * 9))
    with pytest.raises(ValueError, match="folds must be from 2 to the number of queries, 3, not 5"):
        choose_held_out(settings(a=[1.0] * 3))


def test_a_setting_may_be_anything_that_can_be_a_key():
    tables = settings(plain=[0.4] * 10, good=[0.5] * 10)
    grid = {(0.5, 10): tables["plain"], (0.25, 50): tables["good"]}
    assert set(choose_held_out(grid)[1]) == {(0.25, 50)}


def test_tables_that_cannot_be_compared_are_refused():
    tables = settings(a=[0.4] * 10)
    with pytest.raises(TypeError, match="tables must be a mapping"):
        choose_held_out([tables["a"]])
    with pytest.raises(ValueError, match="The table of 'a' has no column 'MAP'"):
        choose_held_out(tables, "MAP")
    with pytest.raises(ValueError, match="without a value of 'nDCG@10'"):
        choose_held_out({"a": tables["a"] * float("nan")})
    with pytest.raises(ValueError, match="stands in the tables twice"):
        choose_held_out({"a": pd.concat([tables["a"], tables["a"]])})
    with pytest.raises(TypeError, match="folds must be a whole number"):
        choose_held_out(tables, folds=2.5)
