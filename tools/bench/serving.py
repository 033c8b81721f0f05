"""Many callers at once: how long each waits, and how much is scored, with several engines.

Each engine runs in a process of its own, one after the other: ``python -m tools.bench.serving ENGINE
SECONDS`` prints its waits as JSON. A caller asks again as soon as it is answered, for one candidate, 5, 10,
20 or 50, each time of other lengths; so the load is as high as it can be with so many callers.
"""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tools.bench.peers import ROOT
from tools.bench.workloads import MAX_TOKENS, QUERY, Handbook, Pairs

CALLERS = (1, 4, 16)
SIZES = (1, 5, 10, 20, 50)
SMALL = 10  # candidates; calls of up to so many have a column of their own
SECONDS = 9.0  # for each number of callers; calls under way are answered
LONGEST = 200.0  # seconds that one engine may take
LENGTHS = (15, 320)  # tokens of a document, log-uniform
ENGINES = (
    "torch, one predict",
    "torch, one predict, bf16",
    "torch, one pair a core",
    "OpenVINO, float32",
    "course, int8, one call at a time",
    "course, int8",
)
Score = Callable[[Pairs], Any]


def serving(engines: Sequence[str] = ENGINES, seconds: float = SECONDS) -> pd.DataFrame:
    """A row for each engine and number of callers; one that cannot run, or takes too long, has none."""
    rows = {}
    for engine in engines:
        print(f"callers: {engine}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "tools.bench.serving", engine, str(seconds)]
        try:
            said = subprocess.run(
                command, cwd=ROOT, timeout=LONGEST, check=True, stdout=subprocess.PIPE, text=True
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"callers: {engine}: {error}", file=sys.stderr)
            continue
        for callers, answers in json.loads(said.stdout.splitlines()[-1]).items():
            rows[engine, int(callers)] = summary(answers)
    table = pd.DataFrame(list(rows.values()), index=[engine for engine, _ in rows])
    table.insert(0, "callers", [callers for _, callers in rows])
    return table


def summary(answers: dict[str, Any]) -> dict[str, Any]:
    """One row of the table.

    Args:
        answers: ``{"calls": [[candidates, seconds waited], …], "seconds": wall-clock, "pairs": scored}``.
    """
    waits = np.array([wait for _, wait in answers["calls"]])
    small = np.array([wait for size, wait in answers["calls"] if size <= SMALL])
    row = {"calls": len(waits), "pairs a second": round(answers["pairs"] / answers["seconds"], 1)}
    row |= {f"p{share} s": _at(waits, share) for share in (50, 95, 99)}
    return row | {f"p{share} s, up to {SMALL}": _at(small, share) for share in (50, 95)}


def _at(waits: np.ndarray, share: int) -> str:
    return f"{np.percentile(waits, share):.2f}" if len(waits) else "–"


def answers_of(score: Score, callers: int, seconds: float, requests: Sequence[Pairs]) -> dict[str, Any]:
    """Let so many callers ask ``score`` for so long, each from another place in ``requests``."""
    calls: list[list[float]] = []
    began = time.perf_counter()

    def ask(first: int) -> None:
        for pairs in itertools.islice(itertools.cycle(requests), first, None):
            started = time.perf_counter()
            if started - began > seconds:
                return
            score(pairs)
            calls.append([len(pairs), time.perf_counter() - started])

    threads = [
        threading.Thread(target=ask, args=[number * len(requests) // callers]) for number in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pairs = sum(size for size, _ in calls)
    return {"calls": calls, "seconds": time.perf_counter() - began, "pairs": pairs}


def requests(tokenizer: Any, count: int = 160) -> list[Pairs]:
    """Lists of candidates; sizes and lengths are drawn, the same ones each time."""
    handbook, random = Handbook(tokenizer), np.random.default_rng(0)
    drawn = []
    for size in random.choice(SIZES, count):
        lengths = np.exp(random.uniform(np.log(LENGTHS[0]), np.log(LENGTHS[1]), size)).astype(int)
        starts = random.integers(0, len(handbook.tokens) - MAX_TOKENS, size)
        texts = [tokenizer.decode(handbook.tokens[s : s + n]) for s, n in zip(starts, lengths)]
        drawn.append([(QUERY, text) for text in texts])
    return drawn


def make(engine: str) -> Score:
    """A function that several threads may call.

    Raises:
        ValueError: there is no such engine.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {engine}.")
    from rerank_course.models import load_reranker

    if engine.startswith("course"):
        reranker = load_reranker(backend="int8")
        return _one_at_a_time(reranker.predict) if engine.endswith("one call at a time") else reranker.predict
    from rerank_course.lab import ablation

    cores = _cores()
    if engine == "OpenVINO, float32":
        return _one_at_a_time(ablation.OpenVinoFloat32(cores).predict)
    model = load_reranker()
    # Calls of several threads into torch get in each other's way: the best that it can do is one at a time.
    if engine.endswith("bf16"):
        return _one_at_a_time(lambda pairs: ablation.score_in_bfloat16(model, pairs, 8))
    if engine.endswith("one pair a core"):
        model.predict([(QUERY, "an example")])
        return _one_at_a_time(lambda pairs: ablation.score_a_pair_a_core(model, pairs, cores))
    return _one_at_a_time(lambda pairs: model.predict(pairs, batch_size=8))


def _one_at_a_time(score: Score) -> Score:
    lock = threading.Lock()

    def locked(pairs: Pairs) -> Any:
        with lock:
            return score(pairs)

    return locked


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main(engine: str, seconds: float) -> None:
    from rerank_course.models import load_reranker

    score = make(engine)
    asked = requests(load_reranker(backend="int8").tokenizer)
    for pairs in asked[:6]:  # warm up
        score(pairs)
    found = {callers: answers_of(score, callers, seconds, asked) for callers in CALLERS}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
