import os
import subprocess
import sys
from collections import Counter
from functools import partial

import numpy as np
import pandas as pd
import pytest

from rerank_course.engine.int8_making import EngineNotInstalledError
from rerank_course.models import load_reranker
from rerank_course.rerank import rerank_documents
from rerank_course.scale import ScaleError, folder, read_run, rerank_run
from rerank_course.scale.job import Job
from rerank_course.texts.corpora import load_corpus
from rerank_course.texts.trec import write_run
from tests.scale.runs import (
    DOCUMENTS,
    QUERIES,
    RUN,
    SMALL,
    Cheap,
    Poisoned,
    all_pairs,
    cheap,
    check_rejects,
    needs_ray,
    poisoned_run,
    scored,
)
from tests.support import ROOT


def test_each_query_is_ranked_as_rerank_documents_does_it(expected):
    for query, names in RUN.items():
        ranking = rerank_documents(
            QUERIES[query], [{"text": DOCUMENTS[name], "id": name} for name in names], Cheap(), top_k=None
        )
        assert expected[query] == [
            (candidate["id"], score) for candidate, score in ranking
        ]  # ties in retrieval order, too
    assert list(expected) == list(RUN)


def test_the_real_model_gives_the_same_scores_in_parts_as_in_one_call(reranker):
    corpus = load_corpus("handbook")
    run = {
        query: list(corpus.documents)[number : number + 3]
        for number, query in enumerate(list(corpus.queries)[:3])
    }
    result = rerank_run(run, corpus.queries, corpus, part_pairs=3, batch_size=2, threads=1)
    pairs = [
        (corpus.queries[query], corpus.documents[name].content)
        for query, names in run.items()
        for name in names
    ]
    found = {(query, name): score for query, ranking in result.run.items() for name, score in ranking}
    together = reranker.predict(pairs)
    assert [found[query, name] for query, names in run.items() for name in names] == pytest.approx(
        together.tolist(), abs=1e-4
    )
    assert len(result.parts) == 3 and result.parts["pairs"].tolist() == [3, 3, 3]


@pytest.mark.heavy
def test_the_number_of_threads_is_given_back():
    import torch

    before = torch.get_num_threads()
    corpus = {"d": "Berlin is well known for its museums."}
    rerank_run({"q": ["d"]}, {"q": "Berlin?"}, corpus, threads=before + 1)
    assert torch.get_num_threads() == before


def test_depth_cuts_and_a_scored_run_is_accepted(expected):
    with_scores = {query: [(name, 1.0) for name in names] for query, names in RUN.items()}
    assert rerank_run(with_scores, QUERIES, DOCUMENTS, model=cheap).run == expected
    shallow = rerank_run(RUN, QUERIES, DOCUMENTS, model=cheap, depth=3).run
    assert {query: {name for name, _ in ranking} for query, ranking in shallow.items()} == {
        query: set(names[:3]) for query, names in RUN.items()
    }


def test_a_part_holds_whole_queries_up_to_its_size():
    run = {
        "a": ["d0"] * 0,
        "b": ["d1", "d2"],
        "c": ["d3", "d4", "d5", "d6", "d7"],
        "d": ["d8"],
        "e": ["d9", "d10"],
    }
    result = rerank_run(run, dict.fromkeys(run, "why?"), DOCUMENTS, model=cheap, part_pairs=3)
    assert result.parts["pairs"].tolist() == [2, 5, 3]
    assert set(result.run) == {"b", "c", "d", "e"}
    assert rerank_run({}, {}, {}, model=cheap).run == {}


def test_equal_texts_are_scored_once_in_a_search_and_again_in_another():
    asked = []

    class Counting(Cheap):
        def predict(self, pairs, **keywords):
            asked.append(len(pairs))
            return super().predict(pairs, **keywords)

    texts = {"a": "the same", "b": "the same", "c": "another"}
    run = {"first": ["a", "b", "c"], "again": ["a", "b", "c"]}
    result = rerank_run(run, dict.fromkeys(run, "why?"), texts, model=Counting)
    assert asked == [4] and result.parts["pairs"].tolist() == [6]
    assert dict(result.run["first"])["a"] == dict(result.run["first"])["b"]
    assert result.run["first"] == result.run["again"]


def test_what_cannot_be_scored_is_set_aside_with_its_reason_and_the_rest_goes_on(expected):
    result = rerank_run(*poisoned_run(), model=Poisoned)
    check_rejects(result.rejects, result.run)
    assert {query: ranking for query, ranking in result.run.items() if query != "q0"} == {
        query: ranking for query, ranking in expected.items() if query != "q0"
    }
    assert result.parts["rejects"].sum() == len(result.rejects) and result.parts["pairs"].sum() == sum(
        map(len, result.run.values())
    )


class TwoScores(Cheap):
    def predict(self, pairs, *, batch_size):
        return np.zeros((len(pairs), 2))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"engine": "spark"}, ValueError, "engine must be one of 'local', 'ray'"),
        ({"backend": "int4"}, ValueError, "backend must be one of"),
        ({"model": 3}, TypeError, "model must be a name, or a function"),
        ({"model": "BAAI/bge-reranker-base", "backend": "int8"}, ValueError, "Leave backend out"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number, at least 1, not 0"),
        ({"actors": 1.5}, ValueError, "actors must be a whole number"),
        ({"threads": 0}, ValueError, "threads must be"),
        ({"depth": 0}, ValueError, "depth must be"),
        ({"part_pairs": True}, ValueError, "part_pairs must be"),
        ({"run": {"q0": "d1"}}, TypeError, r"run\['q0'\] must be a list of document ids, not a str"),
        ({"run": {"q0": [1]}}, TypeError, "must be strings"),
        ({"run": {7: ["d1"]}}, TypeError, "must be strings"),
        ({"corpus": ["a text"]}, TypeError, "corpus must be a Corpus or texts by document id, not a list"),
        ({"model": TwoScores}, ValueError, r"scores of shape \(\d+, 2\)"),
    ],
)
def test_bad_arguments(changes, error, message):
    arguments = {"run": RUN, "queries": QUERIES, "corpus": DOCUMENTS, "model": cheap, **changes}
    with pytest.raises(error, match=message):
        rerank_run(**arguments)


def test_without_the_extra_the_package_says_how_to_get_it(tmp_path):
    """In a Python that finds neither ray nor pyarrow: one process works, the rest says what to install."""
    (tmp_path / "ray.py").write_text("raise ImportError('hidden')\n")
    code = (
        "import sys; sys.modules['ray'] = sys.modules['pyarrow'] = None\n"
        "from rerank_course.scale import rerank_run, ray_is_installed, local_cluster\n"
        "class Model:\n"
        "    def predict(self, pairs, *, batch_size): return [1.0] * len(pairs)\n"
        "arguments = dict(run={'q': ['d']}, queries={'q': 'why'}, corpus={'d': 'so'}, model=Model)\n"
        "print(ray_is_installed(), rerank_run(**arguments).run)\n"
        "for more in ({'folder': 'out'}, {'folder': 'out', 'engine': 'ray'}):\n"
        "    try: rerank_run(**arguments, **more)\n"
        "    except ImportError as error: print(error)\n"
        "try: local_cluster(1).__enter__()\n"
        "except ImportError as error: print(error)\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    lines = process.stdout.splitlines()
    assert lines[0] == "False {'q': [('d', 1.0)]}", process.stderr
    assert len(lines) == 4 and all('pip install "ray[data]' in line for line in lines[1:])
    assert "folder=None" in lines[1] and 'engine="local"' in lines[2]
    assert not (tmp_path / "out").exists()


def test_ray_needs_a_folder():
    with pytest.raises((ValueError, EngineNotInstalledError), match="needs"):
        rerank_run(RUN, QUERIES, DOCUMENTS, model=cheap, engine="ray")


# --- a folder of results
# --------------------------------------------------------------------------------------------------------


@needs_ray
def test_results_are_parquet_in_the_columns_of_a_trec_run(tmp_path, expected):
    result = rerank_run(RUN, QUERIES, DOCUMENTS, tmp_path / "new" / "run", model=cheap, **SMALL)
    assert result.run == read_run(result.folder) == expected
    table = pd.read_parquet(result.folder / "run")
    assert list(table) == ["query_id", "iteration", "doc_id", "rank", "score", "tag"]
    assert len(table) == len(RUN) * 8 and set(table["iteration"]) == {"Q0"}
    for query, group in table.groupby("query_id"):
        assert group["rank"].tolist() == list(range(1, 9)) and group["score"].is_monotonic_decreasing
        assert list(zip(group["doc_id"], group["score"])) == expected[query]
    assert result.rejects == [] and not list((result.folder / "rejects").iterdir())
    write_run(result.run, tmp_path / "run.txt", table["tag"].iloc[0])
    assert (tmp_path / "run.txt").read_text().count("\n") == len(table)


@needs_ray
def test_a_run_that_was_stopped_goes_on_where_it_stopped(tmp_path, expected):
    log, calls = tmp_path / "log", Counter()

    class Stopped(Cheap):
        def predict(self, pairs, *, batch_size):
            calls["predict"] += 1
            if calls["predict"] == 4:
                raise KeyboardInterrupt
            return super().predict(pairs, batch_size=batch_size)

    def model():
        return Stopped(log)

    with pytest.raises(KeyboardInterrupt):
        rerank_run(RUN, QUERIES, DOCUMENTS, tmp_path / "out", model=model, **SMALL)
    assert len(read_run(tmp_path / "out")) == 6 and sum(scored(log).values()) == 48
    (tmp_path / "out" / "run" / ".part-000003.parquet.elsewhere-1.part").write_text("half a file")
    result = rerank_run(RUN, QUERIES, DOCUMENTS, tmp_path / "out", model=model, **SMALL)
    assert (result.kept, len(result.parts)) == (3, 7)
    assert result.run == expected and set(scored(log).values()) == {1} and set(scored(log)) == all_pairs()
    assert not list((tmp_path / "out").glob("*/.*"))
    again = rerank_run(RUN, QUERIES, DOCUMENTS, tmp_path / "out", model=model, **SMALL)
    assert (
        (again.kept, len(again.parts)) == (10, 0)
        and np.isnan(again.pairs_per_second)
        and again.run == expected
    )


@needs_ray
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"run": {**RUN, "q3": RUN["q3"][::-1]}}, "candidates"),
        ({"queries": {**QUERIES, "q3": "another"}}, "queries"),
        ({"corpus": {**DOCUMENTS, "d3": "another"}}, "texts"),
        ({"model": Cheap}, "model"),
        ({"part_pairs": 17}, "part_pairs"),
        ({"max_length": 64}, "max_length"),
    ],
)
def test_a_folder_of_another_run_is_refused(tmp_path, changes, named):
    arguments = {
        "run": RUN,
        "queries": QUERIES,
        "corpus": DOCUMENTS,
        "folder": tmp_path,
        "model": cheap,
        **SMALL,
    }
    rerank_run(**arguments)
    with pytest.raises(ScaleError, match=f"holds another run: {named} differ"):
        rerank_run(**{**arguments, **changes})
    rerank_run(**{**arguments, "batch_size": 3})


@needs_ray
def test_two_processes_do_not_work_on_one_folder(tmp_path):
    import filelock

    with filelock.FileLock(tmp_path / folder.LOCK), pytest.raises(ScaleError, match="Another process"):
        rerank_run(RUN, QUERIES, DOCUMENTS, tmp_path, model=cheap)


def job_of(model):
    return Job(model, "torch", None, None, 32, None, None)


def test_a_partial_is_named_with_its_arguments_since_they_choose_the_model():
    job = job_of(partial(load_reranker, backend="int8", max_length=64))
    assert job.tag == "rerank_course.models.load_reranker(backend='int8',max_length=64)"
    assert job.tag != job_of(partial(load_reranker, backend="torch")).tag


class ByLength:
    def predict(self, pairs, *, batch_size):
        return [len(document) for _, document in pairs]


def test_a_run_that_was_read_from_json_has_lists_for_pairs():
    texts = {"d": "text", "e": "long text", "twin": "text"}
    run = {"q": [["d", 0.5], "e", ["twin", 0.1]]}
    result = rerank_run(run, {"q": "query"}, texts, model=ByLength)
    assert [name for name, _ in result.run["q"]] == ["e", "d", "twin"] and not result.rejects
