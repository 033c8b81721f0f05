"""A run on a real Ray cluster of this machine, with workers that die and runs that are stopped."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from rerank_course.scale import ScaleError, local_cluster, read_rejects, read_run, rerank_run
from rerank_course.texts.corpora import load_corpus
from tests.scale.runs import (
    FOR_WORKERS,
    QUERIES,
    RUN,
    SMALL,
    Cheap,
    Poisoned,
    all_pairs,
    check_rejects,
    needs_ray,
    poisoned_run,
    scored,
    with_ray,
)

pytestmark = [needs_ray, pytest.mark.heavy]  # all of them work on a cluster


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", FOR_WORKERS)
        with local_cluster(2):
            yield
    assert not ray_processes()


@pytest.fixture(scope="module")
def patience(cluster, tmp_path_factory):
    """Seconds in which workers surely start, on this machine as busy as it is now."""
    began = time.monotonic()
    with_ray(tmp_path_factory.mktemp("pace"))
    return 5 + 4 * (time.monotonic() - began)


def ray_processes(root: int | None = None) -> list[psutil.Process]:
    """The processes of Ray below a process, this one if none is given."""
    return [
        child
        for child in psutil.Process(root).children(recursive=True)
        if "ray" in " ".join(child.cmdline()[:3]) and child.status() != psutil.STATUS_ZOMBIE
    ]


def workers(root: int | None = None) -> list[psutil.Process]:
    return [child for child in ray_processes(root) if child.cmdline()[0].startswith("ray::MapWorker")]


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


def test_poisoned_records_are_set_aside_by_the_workers_too(tmp_path, cluster):
    run, queries, corpus = poisoned_run()
    result = with_ray(tmp_path, Poisoned, run, queries, corpus, actors=1)
    here = rerank_run(run, queries, corpus, model=Poisoned, **SMALL)
    check_rejects(result.rejects, result.run)
    assert result.run == here.run and result.rejects == here.rejects == read_rejects(tmp_path)


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


def test_no_memory_for_a_moment_is_tried_again_and_for_ever_is_an_error(tmp_path, cluster, expected):
    once = tmp_path / "once"

    class Full(Cheap):
        def predict(self, pairs, *, batch_size):
            if any(QUERIES["q7"] in pair for pair in pairs) and not once.exists():
                once.touch()
                raise MemoryError("Unable to allocate 9.3 GiB")
            return super().predict(pairs, batch_size=batch_size)

    assert with_ray(tmp_path / "out", Full, actors=1).run == expected and once.exists()

    class AlwaysFull(Cheap):
        def predict(self, pairs, *, batch_size):
            if any(QUERIES["q19"] in pair for pair in pairs):
                raise MemoryError("Unable to allocate 9.3 GiB")
            return super().predict(pairs, batch_size=batch_size)

    with pytest.raises(MemoryError, match="9.3 GiB"):
        with_ray(tmp_path / "always", AlwaysFull, actors=1)
    assert {query: expected[query] for query in list(RUN)[:8]}.items() <= read_run(
        tmp_path / "always"
    ).items()


def test_a_record_that_kills_each_worker_ends_the_run_and_the_rest_is_kept(tmp_path, patience, expected):
    mended, log = tmp_path / "mended", tmp_path / "log"

    class Crashing(Cheap):
        def predict(self, pairs, *, batch_size):
            if any(QUERIES["q19"] in pair for pair in pairs) and not mended.exists():
                os._exit(139)
            return super().predict(pairs, batch_size=batch_size)

    def model():
        return Crashing(log)

    with pytest.raises(ScaleError, match="Ray has given up.*no progress.*call again to go on"):
        with_ray(tmp_path / "out", model, patience=patience)
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


def test_a_run_that_waits_for_machines_that_never_come_ends(tmp_path, cluster):
    with pytest.raises(ScaleError, match="Ray has given up"):
        with_ray(tmp_path, gpus=1, patience=5)
    assert read_run(tmp_path) == {}


def test_a_model_that_cannot_be_loaded_says_so(tmp_path, cluster):
    with pytest.raises(OSError, match="absent/model is not on this machine"):
        with_ray(tmp_path, "absent/model", actors=1)


ALONE = """
import os, psutil, sys, time
from pathlib import Path
from tests.scale import runs as t

folder, log = Path(sys.argv[1]), Path(sys.argv[2])
class Slow(t.Cheap):
    def predict(self, pairs, *, batch_size):
        time.sleep(float(os.environ.get("SECONDS_A_PART", 0)))
        return super().predict(pairs, batch_size=batch_size)
def model():
    return Slow(log)
model.__module__ = "alone"
"""


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


@pytest.mark.skipif(sys.platform != "linux", reason="Ray watches the machine's memory on Linux only")
def test_an_actor_that_takes_too_much_memory_is_killed_and_its_part_is_scored_all_the_same(
    tmp_path, expected
):
    """Ray's own watch over the machine's memory ends it.

    The limit lies three gigabytes above what is in use, of which Ray needs one; the actor takes up to six.
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
        "below = psutil.Process().children(recursive=True)\n"
        "left = [child.cmdline() for child in below if child.status() != psutil.STATUS_ZOMBIE]\n"
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
