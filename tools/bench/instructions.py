"""The same contenders with fewer of the processor's instructions, as on an older machine.

oneDNN, which multiplies for torch and for OpenVINO, can be told to use no instructions above a level. The
peers on ONNX Runtime have no such setting: they use all that the processor has, in each row.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median

import pandas as pd

from tools.bench.contenders import REFERENCE, start
from tools.bench.workloads import Handbook

LEVELS = {
    "all": "",
    "AVX-512 with VNNI": "AVX512_CORE_VNNI",
    "AVX-512": "AVX512_CORE",
    "AVX2": "AVX2",
}
HELD = (REFERENCE, "torch, one predict", "course, int8", "rerankers, fp32")
NOT_HELD = ("FlashRank, int8", "fastembed, int8")
PAIRS, ROUNDS = 20, 3


def instructions(
    levels: dict[str, str] = LEVELS, contenders: tuple[str, ...] = HELD + NOT_HELD
) -> pd.DataFrame:
    """A row for each level and contender: milliseconds a pair, median of three rounds, and ratios."""
    from rerank_course.models import load_reranker

    handbook = Handbook(load_reranker(backend="int8").tokenizer)
    lists = {f"{kind} tokens": handbook.pairs(kind, PAIRS) for kind in ("30", "200")}
    rows, names = [], []
    for level, setting in levels.items():
        print(f"instructions: {level}", file=sys.stderr, flush=True)
        for contender, found in _timed(contenders, setting, lists).items():
            names.append(level)
            rows.append({"contender": contender + (" (all)" if contender in NOT_HELD else "")} | found)
    return pd.DataFrame(rows, index=names)


def _timed(contenders: tuple[str, ...], setting: str, lists: dict[str, list]) -> dict[str, dict]:
    """{contender: {kind: milliseconds a pair, and how many times as fast as one by one}}."""
    with tempfile.TemporaryDirectory() as folder, start(contenders, Path(folder), setting) as workers:
        running = [worker for worker in workers if not worker.reason]
        found: dict[str, dict] = {worker.name: {} for worker in running}
        for kind, pairs in lists.items():
            seconds: dict[str, list[float]] = {worker.name: [] for worker in running}
            for worker in running:
                worker.run(pairs)  # warm up
            for _ in range(ROUNDS):
                for worker in running:
                    seconds[worker.name].append(worker.run(pairs)["seconds"])
            for name, taken in seconds.items():
                found[name][f"{kind}, ms a pair"] = round(1000 * median(taken) / len(pairs), 1)
                ratio = median(seconds[REFERENCE]) / median(taken) if REFERENCE in seconds else float("nan")
                found[name][f"{kind}, × one by one"] = round(ratio, 2)
    return found
