"""Time the contenders: all alive at once and asked in turns, so that a slow moment falls on nobody alone."""

import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import pandas as pd
import psutil

from tools.bench.contenders import Worker
from tools.bench.workloads import Pairs, Workload


def measure(
    workers: Sequence[Worker], workloads: Mapping[Workload, Pairs], rounds: Mapping[int, int], longest: float
) -> tuple[pd.DataFrame, list[str]]:
    """Ask each worker for each list, in a new order each round.

    Args:
        workloads: smaller lists first: what they took decides who takes part in a larger one.
        rounds: ``{number of pairs: rounds}``.
        longest: seconds that one list may take.

    Returns:
        One row for each contender, kind, count and round; and who was left out of what, and why.
    """
    rows: list[dict] = []
    left_out: list[str] = []
    order = random.Random(0)
    for (kind, count), pairs in workloads.items():
        reasons = {worker.name: too_much(rows, worker.name, kind, count, longest) for worker in workers}
        left_out += [f"{name}, {count} × {kind}: {reason}" for name, reason in reasons.items() if reason]
        taking_part = [worker for worker in workers if not reasons[worker.name]]
        for number in range(rounds[count]):
            for worker in order.sample(taking_part, len(taking_part)):
                answer = worker.run(pairs)
                if "error" in answer:
                    print(f"{worker.name}, {kind} × {count}: {answer['error']}", file=sys.stderr)
                    continue
                rows.append({"contender": worker.name, "kind": kind, "count": count, **answer})
            print(f"{kind} × {count}: round {number + 1} of {rounds[count]}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows), left_out


def too_much(rows: Sequence[Mapping], name: str, kind: str, count: int, longest: float) -> str:
    """Why a contender should not be asked for ``count`` pairs, judged by its largest list so far.

    Empty if nothing speaks against it.
    """
    known = [row for row in rows if row["contender"] == name and row["kind"] == kind]
    if not known:
        return ""
    last = known[-1]
    seconds, megabytes = (last[what] * count / last["count"] for what in ("seconds", "megabytes"))
    if count > last["count"] and seconds > longest:
        return f"would take about {seconds:.0f} s"
    # Most keep their memory flat. One that has grown with the list will go on to grow.
    grew = last["megabytes"] > 2 * min(row["megabytes"] for row in known)
    if grew and megabytes * 1e6 > psutil.virtual_memory().total / 2:
        return f"might need {megabytes / 1000:.0f} GB of memory"
    return ""


def start_up_seconds(backend: str) -> float:
    """Import to first score in a fresh process, with a warm model cache; the median of three."""
    code = (
        "from rerank_course.models import load_reranker; "
        f"load_reranker(backend={backend!r}).predict([('a', 'b')])"
    )
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)[1]
