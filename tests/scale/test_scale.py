"""A run on one process and on a real Ray cluster of this machine, with workers that die, records that are
broken and runs that are stopped.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from rerank_course.scale.rerank_run.cluster import ray_is_installed
from rerank_course.scale.rerank_run.folder import ScaleError, read_rejects, read_run
from rerank_course.scale.rerank_run.rerank_run import rerank_run

from rerank_course import scale
from rerank_course.engine.int8 import EngineNotInstalledError
from rerank_course.evaluate import write_trec_run
from rerank_course.lab.cost import Machine, PairCost, fit_pair_cost, plan
from rerank_course.lab.diagrams import draw_timeline
from rerank_course.rerank import rerank_documents
from rerank_course.texts.corpora import load_corpus
from tests.support import ROOT

FOR_WORKERS = os.pathsep.join(
    [str(ROOT / "tests"), str(ROOT / "tools")]
)  # they find this module's functions by its name
needs_ray = pytest.mark.skipif(not ray_is_installed(), reason=f"needs Ray Data: {scale.INSTALL}")

DOCUMENTS = {f"d{number}": "word " * (1 + 7 * number % 40) + str(number) for number in range(30)}
QUERIES = {f"q{number}": f"question {number}" for number in range(20)}
RUN = {query: [f"d{(3 * number + place) % 30}" for place in range(8)] for number, query in enumerate(QUERIES)}
SMALL = {"part_pairs": 16}  # two queries a part, ten parts


class Cheap:
    """A score from the two texts alone. Writes down which pairs it scored, if it is told where."""

    def __init__(self, log: Path | None = None, seconds: float = 0.0) -> None:
        self.log, self.seconds = log, seconds

    def predict(self, pairs, *, batch_size):
        time.sleep(self.seconds)
        if self.log:
            with self.log.open("a", encoding="utf-8") as file:
                file.write("".join(json.dumps(pair) + "\n" for pair in pairs))
        return [len(document) % 13 + len(query) / 100 for query, document in pairs]


def cheap():
    return Cheap()


def scored(log: Path) -> Counter:
    return Counter(log.read_text(encoding="utf-8").splitlines()) if log.exists() else Counter()


def all_pairs() -> set[str]:
    return {json.dumps((QUERIES[query], DOCUMENTS[name])) for query, names in RUN.items() for name in names}


@pytest.fixture(scope="module")
def expected():
    """What one process gives."""
    return rerank_run(RUN, QUERIES, DOCUMENTS, model=cheap).run


# --- one process
# ----------------------------------------------------------------------------------------------------------------


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


class Poisoned(Cheap):
    def predict(self, pairs, *, batch_size):
        return [
            np.nan if "overflow" in document else score
            for score, (_, document) in zip(super().predict(pairs, batch_size=batch_size), pairs)
        ]


BAD_DOCUMENTS = {
    "none": None,
    "empty": " \n",
    "number": 7,
    "huge": "x" * 2_000_000,
    "half": "half \ud83d of a pair",
    "nan": "an overflow",
}
REASONS = {
    "none": "NoneType without text",
    "empty": "no text",
    "number": "int without text",
    "huge": "2,000,000 characters; max_characters is 1,000,000",
    "half": "surrogates not allowed",
    "nan": "scored it nan",
    "absent": "not in the corpus",
}


def poisoned_run():
    corpus = {**DOCUMENTS, **BAD_DOCUMENTS}
    run = {**RUN, "q0": [*RUN["q0"][:3], *REASONS, RUN["q0"][0]], "unknown": ["d1", "d2"], "blank": ["d1"]}
    return run, {**QUERIES, "blank": "  "}, corpus


def check_rejects(rejects, run):
    found = {(reject["query_id"], reject["doc_id"]): reject["reason"] for reject in rejects}
    assert len(found) == len(rejects) == len(REASONS) + 4
    for name, reason in REASONS.items():
        assert reason in found["q0", name], name
    assert "listed twice" in found["q0", RUN["q0"][0]]
    assert "the query is not in queries" == found["unknown", "d1"] == found["unknown", "d2"]
    assert "no text" in found["blank", "d1"]
    assert "unknown" not in run and "blank" not in run
    assert {name for name, _ in run["q0"]} == set(RUN["q0"][:3])


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
    assert len(lines) == 4 and all('pip install "rerank-course[ray]"' in line for line in lines[1:])
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
    write_trec_run(result.run, tmp_path / "run.txt", table["tag"].iloc[0])
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

    with filelock.FileLock(tmp_path / scale.LOCK), pytest.raises(ScaleError, match="Another process"):
        rerank_run(RUN, QUERIES, DOCUMENTS, tmp_path, model=cheap)


# --- Ray
# ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", FOR_WORKERS)
        with scale.local_cluster(2):
            yield
    assert not ray_processes()


def ray_processes(root: int | None = None) -> list[psutil.Process]:
    """The processes of Ray below a process, this one if none is given."""
    return [
        child
        for child in psutil.Process(root).children(recursive=True)
        if "ray" in " ".join(child.cmdline()[:3]) and child.status() != psutil.STATUS_ZOMBIE
    ]


def workers(root: int | None = None) -> list[psutil.Process]:
    return [child for child in ray_processes(root) if child.cmdline()[0].startswith("ray::MapWorker")]


def with_ray(folder, model=cheap, run=RUN, queries=QUERIES, corpus=DOCUMENTS, **options):
    return rerank_run(run, queries, corpus, folder, engine="ray", model=model, **{**SMALL, **options})


@needs_ray
def test_the_real_model_on_two_actors_equals_one_process_score_by_score(tmp_path, cluster):
    corpus = load_corpus("handbook")
    names = sorted(corpus.documents, key=lambda name: len(corpus.documents[name].text))[::10]
    run = {query: names[number::6] for number, query in enumerate(list(corpus.queries)[:6])}
    for backend, tolerance in (("int8", 0), ("torch", 1e-4)):
        here = rerank_run(run, corpus.queries, corpus, backend=backend, part_pairs=10).run
        there = rerank_run(
            run,
            corpus.queries,
            corpus,
            tmp_path / backend,
            engine="ray",
            backend=backend,
            part_pairs=10,
            batch_size=4,
        )
        assert list(there.run) == list(here)
        for query in run:
            found = dict(there.run[query])
            assert found.keys() == dict(here[query]).keys()
            assert max(abs(found[name] - score) for name, score in here[query]) <= tolerance
        assert (
            there.parts["worker"].nunique() == 2
            and (there.parts.groupby("worker")["loading"].max() > 0.05).all()
        )


@needs_ray
def test_poisoned_records_are_set_aside_by_the_workers_too(tmp_path, cluster):
    run, queries, corpus = poisoned_run()
    result = with_ray(tmp_path, Poisoned, run, queries, corpus)
    here = rerank_run(run, queries, corpus, model=Poisoned, **SMALL)
    check_rejects(result.rejects, result.run)
    assert result.run == here.run and result.rejects == here.rejects == read_rejects(tmp_path)


@needs_ray
def test_a_worker_that_is_killed_costs_only_its_part(tmp_path, cluster, expected):
    log, killed = tmp_path / "log", []

    def kill_one() -> None:
        """From outside, as the system does it, as soon as some parts are finished."""
        until = time.monotonic() + 120
        while time.monotonic() < until and len(list((tmp_path / "out").glob("run/part-*"))) < 3:
            time.sleep(0.02)
        busy = workers()[0]
        killed.append((busy.pid, set(read_run(tmp_path / "out"))))
        os.kill(busy.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    result = with_ray(tmp_path / "out", lambda: Cheap(log, 0.4))
    killer.join()
    ((pid, finished),) = killed
    assert 6 <= len(finished) < 20
    assert result.run == expected and set(scored(log)) == all_pairs()
    twice = {json.loads(pair)[0] for pair, times in scored(log).items() if times > 1}
    assert not twice & {QUERIES[query] for query in finished} and len(twice) <= 2
    assert len(result.parts) == 10 and result.parts["worker"].nunique() >= 2
    assert not psutil.pid_exists(pid)


@needs_ray
def test_no_memory_for_a_moment_is_tried_again_and_for_ever_is_an_error(tmp_path, cluster, expected):
    once = tmp_path / "once"

    class Full(Cheap):
        def predict(self, pairs, *, batch_size):
            if any(QUERIES["q7"] in pair for pair in pairs) and not once.exists():
                once.touch()
                raise MemoryError("Unable to allocate 9.3 GiB")
            return super().predict(pairs, batch_size=batch_size)

    assert with_ray(tmp_path / "out", Full).run == expected and once.exists()

    class AlwaysFull(Cheap):
        def predict(self, pairs, *, batch_size):
            if any(QUERIES["q19"] in pair for pair in pairs):
                raise MemoryError("Unable to allocate 9.3 GiB")
            return super().predict(pairs, batch_size=batch_size)

    with pytest.raises(MemoryError, match="9.3 GiB"):
        with_ray(tmp_path / "always", AlwaysFull)
    assert {query: expected[query] for query in list(RUN)[:8]}.items() <= read_run(
        tmp_path / "always"
    ).items()


@needs_ray
def test_a_record_that_kills_each_worker_ends_the_run_and_the_rest_is_kept(tmp_path, cluster, expected):
    mended, log = tmp_path / "mended", tmp_path / "log"

    class Crashing(Cheap):
        def predict(self, pairs, *, batch_size):
            if any(QUERIES["q19"] in pair for pair in pairs) and not mended.exists():
                os._exit(139)
            return super().predict(pairs, batch_size=batch_size)

    def model():
        return Crashing(log)

    with pytest.raises(ScaleError, match="Ray has given up.*no progress.*call again to go on"):
        with_ray(tmp_path / "out", model, patience=15)
    assert read_run(tmp_path / "out") == {
        query: ranking for query, ranking in expected.items() if query not in ("q18", "q19")
    }
    mended.touch()
    result = with_ray(tmp_path / "out", model)
    assert (
        (result.kept, len(result.parts)) == (9, 1)
        and result.run == expected
        and set(scored(log).values()) == {1}
    )


@needs_ray
def test_a_run_that_waits_for_machines_that_never_come_ends(tmp_path, cluster):
    with pytest.raises(ScaleError, match="Ray has given up"):
        with_ray(tmp_path, gpus=1, patience=5)
    assert read_run(tmp_path) == {}


@needs_ray
def test_a_model_that_cannot_be_loaded_says_so(tmp_path, cluster):
    with pytest.raises(OSError, match="absent/model is not on this machine"):
        with_ray(tmp_path, "absent/model")


ALONE = """
import os, psutil, sys, time
from pathlib import Path
import test_scale as t

folder, log = Path(sys.argv[1]), Path(sys.argv[2])
class Slow(t.Cheap):
    def predict(self, pairs, *, batch_size):
        time.sleep(float(os.environ.get("SECONDS_A_PART", 0)))
        return super().predict(pairs, batch_size=batch_size)
def model():
    return Slow(log)
model.__module__ = "alone"
"""


@needs_ray
@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux ends the children of a process that was killed"
)
def test_a_run_whose_process_is_killed_leaves_no_process_and_goes_on_later(tmp_path, cluster, expected):
    """It has a cluster of its own, which listens on the loopback interface only."""
    out, log, script = tmp_path / "out", tmp_path / "log", tmp_path / "alone.py"
    script.write_text(ALONE + "t.with_ray(folder, model)\n", encoding="utf-8")
    driver = subprocess.Popen([sys.executable, script, out, log], env={**alone(), "SECONDS_A_PART": "0.7"})
    try:
        until = time.monotonic() + 150
        while len(list(out.glob("run/part-*"))) < 2:
            assert driver.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        children = ray_processes(driver.pid)
        listening = {
            (child.name(), connection.laddr.ip)
            for child in children
            for connection in child.net_connections("inet")
            if connection.status == "LISTEN"
        }
        assert len(children) >= 5 and len(listening) >= 4
        agents = [
            child for child in children if child.name() in ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
        ]
        assert {address.removeprefix("::ffff:") for _, address in listening} <= {"127.0.0.1", "::1"}
    finally:
        driver.kill()
        driver.wait()
    assert psutil.wait_procs([child for child in children if child not in agents], timeout=30)[1] == []
    for agent in agents:  # these two look whether Ray is still there only once a minute
        agent.kill()
    finished = read_run(out)
    assert 4 <= len(finished) < 20
    result = with_ray(out, _named("alone", "model", lambda: Cheap(log)))
    assert result.kept == len(list(finished)) // 2 and result.kept + len(result.parts) == 10
    assert result.run == expected and set(scored(log)) == all_pairs()
    twice = {json.loads(pair)[0] for pair, times in scored(log).items() if times > 1}
    assert not twice & {QUERIES[query] for query in finished}


def alone() -> dict[str, str]:
    """The environment of a process that is to start a cluster of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {
        "PYTHONPATH": FOR_WORKERS
    }


def _named(module: str, name: str, model):
    model.__module__, model.__qualname__ = module, name
    return model


@needs_ray
@pytest.mark.skipif(sys.platform != "linux", reason="Ray watches the machine's memory on Linux only")
def test_an_actor_that_takes_too_much_memory_is_killed_and_its_part_is_scored_all_the_same(
    tmp_path, expected
):
    """Ray's own watch over the machine's memory ends it. The limit lies three gigabytes above what is in use,
    of which Ray needs one, and the actor takes up to six.
    """
    out, log, script = tmp_path / "out", tmp_path / "log", tmp_path / "alone.py"
    memory = psutil.virtual_memory()
    if memory.available < 8e9:
        pytest.skip("needs 8 GB of free memory")
    script.write_text(
        ALONE + "class Hog(Slow):\n"
        "    def predict(self, pairs, *, batch_size):\n"
        "        taken = folder.parent / 'taken'\n"
        "        if any('question 9' in pair for pair in pairs) and not taken.exists():\n"
        "            held = []\n"
        "            for step in range(30):\n"
        "                held.append(b'x' * 200_000_000)\n"
        "                taken.write_text(str(os.getpid()))\n"
        "                time.sleep(0.1)\n"
        "            (folder.parent / 'survived').touch()\n"
        "        return super().predict(pairs, batch_size=batch_size)\n"
        "t.with_ray(folder, lambda: Hog(log))\n"
        "left = [child.cmdline() for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]\n"
        "sys.exit(f'left behind: {left}' if left else 0)\n",
        encoding="utf-8",
    )
    limit = {
        "RAY_memory_usage_threshold": f"{(memory.total - memory.available + 3e9) / memory.total:.4f}",
        "RAY_memory_monitor_refresh_ms": "50",
    }
    with tempfile.TemporaryDirectory(
        prefix="ray", dir="/tmp"
    ) as logs:  # the paths of Ray's sockets must be short
        more = {"RAY_TMPDIR": logs, "RAY_BACKEND_LOG_LEVEL": "info"}
        process = subprocess.run(
            [sys.executable, script, out, log],
            env={**alone(), **limit, **more},
            capture_output=True,
            text=True,
            timeout=200,
        )
        (said,) = Path(logs).glob("ray/session_2*/logs/raylet.out")
        assert process.returncode == 0, process.stderr
        assert re.search("Killing .* worker.*Memory on the node", said.read_text(encoding="utf-8"))
    assert (tmp_path / "taken").exists() and not (tmp_path / "survived").exists()
    assert read_run(out) == expected and set(scored(log)) == all_pairs()


# --- cost and pictures
# ----------------------------------------------------------------------------------------------------------


def test_a_line_through_measured_times_is_found_again():
    tokens = [20, 60, 150, 400, 512]
    cost = fit_pair_cost(tokens, [0.002 + 0.0001 * length for length in tokens])
    assert (cost.per_pair, cost.per_token) == (pytest.approx(0.002), pytest.approx(0.0001))
    assert cost.seconds(1000, 180) == pytest.approx(20)
    noisy = fit_pair_cost([10, 10, 500, 500], [0.9, 1.1, 45, 55])  # ten per cent off at both ends
    assert noisy.seconds(1, 10) == pytest.approx(1, rel=0.05) and noisy.seconds(1, 500) == pytest.approx(
        50, rel=0.05
    )


def test_a_plan_counts_workers_their_efficiency_and_the_start():
    cost = PairCost(0.01, 0.0001)
    machine = Machine("eight", workers=8, price=0.5, efficiency=0.9, start=120)
    one = plan(cost, 1e6, 100, machine)
    assert one["hours"] == pytest.approx((1e6 * 0.02 / 7.2 + 120) / 3600)
    ten = plan(cost, 1e6, 100, machine, 10)
    assert ten["hours"] == pytest.approx((1e6 * 0.02 / 72 + 120) / 3600)
    assert (
        ten["price"] == pytest.approx(ten["machine hours"] * 0.5) and ten["price"] > one["price"]
    )  # ten machines start, and are paid for it
    assert plan(cost, 1e6, 100, Machine("fast", 1, 2.0, speed=40))["hours"] == pytest.approx(
        20_000 / 40 / 3600
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_pair_cost([100, 100], [1, 2]), "two different lengths"),
        (lambda: fit_pair_cost([100, 200], [1]), "one time for each"),
        (lambda: fit_pair_cost([100, 200], [1, 0]), "above 0"),
        (lambda: Machine("none", 0, 1.0), "at least one worker"),
        (lambda: Machine("more", 2, 1.0, efficiency=1.2), "up to 1"),
        (lambda: plan(PairCost(1, 1), 1, 1, Machine("one", 1, 1.0), 0), "machines must be at least 1"),
    ],
)
def test_impossible_numbers_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_timeline_names_each_worker_and_what_it_did():
    picture = draw_timeline(
        {
            "worker 1": {"loads": [(0, 2)], "scores": [(2, 3), (5.5, 1)]},
            "worker 2": {"loads": [(0.5, 2)], "scores": []},
        },
        "seconds",
    )
    assert picture.png.startswith(b"\x89PNG")
    assert (
        "worker 1: loads 1 time, 2.0 in sum, the last until 2.0; scores 2 times, 4.0 in sum, the last until 6.5"
        in picture.alt
        and "worker 2: loads 1 time" in picture.alt
    )
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_timeline({"worker 1": {"loads": []}}, "seconds")
