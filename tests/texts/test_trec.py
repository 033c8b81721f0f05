"""Runs and judgements in TREC's format: ids that come back, and one order for every tool."""

import random

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from ir_measures import RR, R, nDCG

from rerank_course.evaluate import measures, per_query
from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus
from rerank_course.texts.files import CorpusError
from rerank_course.texts.trec import (
    NOTHING,
    falling,
    from_trec_id,
    read_run,
    to_trec_id,
    write_qrels,
    write_run,
)

IDS = ["plain", "how to reset.txt#1", "50%-off", "100%25", "a%20b", "tab\tid", "nbsp\u00a0id", "Größe 1", "%"]


@pytest.mark.parametrize("name", IDS)
def test_ids_have_no_white_space_and_come_back(name):
    written = to_trec_id(name)
    assert len(written.split()) == 1 and from_trec_id(written, {}) == name
    assert written == name or " " in name or "%" in name or "\t" in name or "\u00a0" in name


def test_different_ids_stay_different():
    assert len({to_trec_id(name) for name in [*IDS, "a b", "100%"]}) == len(IDS) + 2


def test_an_id_that_another_engine_left_as_it_was_is_known():
    assert from_trec_id("a%20b", {"a%20b": 1}) == "a%20b"


def test_ids_that_differ_only_in_spelling_come_back():
    known = dict.fromkeys(["a b", "a%20b", "a%2520b"], 1)
    assert [from_trec_id(to_trec_id(name), known) for name in known] == list(known)


@pytest.mark.parametrize(
    "scores",
    [[1.0, 1.0, 1.0], [0.0] * 5, [3.0, 2.0, 2.0, 2.0, -1.0], [1e300, 1e299], [5.0, 5.0 + 1e-12], [-4e38] * 3],
)
def test_written_scores_fall_in_32_bits_and_stay_near(scores):
    found = falling(scores)
    read = [float(np.float32(f"{score:.9g}")) for score in found]
    assert all(a > b for a, b in zip(read, read[1:]))
    for score, near in zip(scores, found):
        if abs(score) < 1e30:
            assert near == pytest.approx(score, rel=1e-5, abs=1e-20)


@pytest.fixture(scope="module")
def tied():
    """Fifty queries with many equal scores, grades from 0 to 3, and a query that found nothing."""
    draw = random.Random(5)
    documents = {f"d {i}": Chunk(f"d {i}", f"text {i}") for i in range(120)}
    queries = {f"q {i}": f"question {i}" for i in range(50)}
    qrels = {
        query: {name: draw.choice([0, 0, 1, 2, 3]) for name in draw.sample(list(documents), 30)}
        for query in queries
    }
    qrels = {query: {**judged, next(iter(judged)): 3} for query, judged in qrels.items()}
    run = {
        query: [
            (name, float(score))
            for name, score in zip(
                draw.sample(list(documents), 100),
                sorted((draw.randint(0, 5) for _ in range(100)), reverse=True),
            )
        ]
        for query in queries
    }
    return Corpus("tied", documents, queries, qrels, {}), {**run, "q 7": []}


def test_other_tools_find_the_printed_numbers_in_the_files(tied, tmp_path):
    corpus, run = tied
    write_run(run, tmp_path / "run.txt", "mine")
    write_qrels(corpus.qrels, tmp_path / "qrels.txt")
    printed = per_query(run, corpus)[["nDCG@10", "RR@10", "R@100"]].mean()
    with (tmp_path / "run.txt").open() as written, (tmp_path / "qrels.txt").open() as judged:
        found, truth = pytrec_eval.parse_run(written), pytrec_eval.parse_qrel(judged)
    names = {"ndcg_cut_10", "recall_100"}
    values = pytrec_eval.RelevanceEvaluator(truth, names, relevance_level=2).evaluate(found)
    assert len(values) == 50
    for name, measure in (("ndcg_cut_10", "nDCG@10"), ("recall_100", "R@100")):
        assert np.mean([one[name] for one in values.values()]) == pytest.approx(printed[measure], abs=1e-9)
    by_ir_measures = ir_measures.calc_aggregate(
        [nDCG @ 10, RR(rel=2) @ 10, R(rel=2) @ 100],
        ir_measures.read_trec_qrels(str(tmp_path / "qrels.txt")),
        ir_measures.read_trec_run(str(tmp_path / "run.txt")),
    )
    for measure, value in by_ir_measures.items():
        assert value == pytest.approx(
            printed[next(n for n, m in measures().items() if m == measure)], abs=1e-9
        )


def test_a_run_comes_back_from_its_file(tied, tmp_path):
    corpus, run = tied
    write_run(run, tmp_path / "run.txt", "mine")
    read, unknown = read_run(tmp_path / "run.txt", corpus.queries, corpus.documents)
    assert unknown == 0 and read.keys() == run.keys()
    assert {q: [d for d, _ in found] for q, found in read.items()} == {
        q: [d for d, _ in found] for q, found in run.items()
    }


def test_a_run_of_another_engine(tmp_path):
    file = tmp_path / "run.txt"
    file.write_text(
        "\ufeffq1 Q0 b 2 7.5 their\nq1\tQ0\ta\t1\t9\ttheir\n\nq1 Q0 tied 3 7.5 their\nq1 Q0 gone 4 1 their\n"
        "other Q0 a 1 1 their\n",
        encoding="utf-8",
    )
    run, unknown = read_run(file, {"q1": ""}, {"a": 1, "b": 1, "tied": 1})
    assert run == {"q1": [("a", 9.0), ("b", 7.5), ("tied", 7.5)]} and unknown == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("q1 Q0 a 1 9\n", "line 1: a run's line is “query Q0 document rank score tag”"),
        ("q1 Q0 a 1 9 t\nq1 Q0 a 2 8 t\n", "line 2: 'a' is there twice for 'q1'"),
        ("q1 Q0 a 1 nan t\n", "line 1: the score nan cannot be ranked"),
        ("q1 Q0 a one 9 t\n", "line 1: a run's line"),
        ("q1 Q0 z 1 9 t\n", "names no query with a document of this collection"),
        ("", "names no query"),
    ],
)
def test_a_run_that_cannot_be_used_is_named(tmp_path, content, message):
    file = tmp_path / "run.txt"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        read_run(file, {"q1": ""}, {"a": 1})


def test_nothing_is_half_written(tmp_path):
    with pytest.raises(ValueError, match="tag"):
        write_run({"q": [("a", 1.0)]}, tmp_path / "run.txt", "my tag")
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError, match="cannot be written"):
        write_run({"q": [("a", 1.0)]}, tmp_path / "file" / "run.txt", "mine")
    write_run({"q": []}, tmp_path / "run.txt", "mine")
    assert (tmp_path / "run.txt").read_text() == f"q Q0 {NOTHING} 1 0 mine\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "run.txt"]
