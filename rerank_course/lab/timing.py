"""Time several ways of doing one thing, side by side."""

import os
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import pandas as pd

ROUNDS_VARIABLE = "RERANK_COURSE_ROUNDS"


def compare_times(ways: Mapping[str, Callable[[], Any]], repeats: int = 3) -> pd.DataFrame:
    """Run each way ``repeats`` times, in turns: so a slow moment of the machine falls on all of them.

    Args:
        ways: ``{name: function without arguments}``; the first is the one that the others are compared with.
            Warm up before: what a first call prepares is counted here.
        repeats: rounds, at least 1. The environment variable ``RERANK_COURSE_ROUNDS`` sets an upper limit:
            the tests, which compare no times, run each way once.

    Returns:
        A row for each way: ``median s``, ``min s`` and ``max s`` in seconds, and ``times faster`` than the
        first (ratio of medians).

    Raises:
        ValueError: there is nothing to time, or ``repeats`` is below 1.
    """
    if not ways or repeats < 1:
        raise ValueError("compare_times needs at least one function and one round.")
    repeats = min(repeats, int(os.environ.get(ROUNDS_VARIABLE) or repeats))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    first = median(next(iter(seconds.values())))
    table = pd.DataFrame(
        {
            "median s": {name: median(times) for name, times in seconds.items()},
            "min s": {name: min(times) for name, times in seconds.items()},
            "max s": {name: max(times) for name, times in seconds.items()},
            "times faster": {name: first / median(times) for name, times in seconds.items()},
        }
    )
    return table.round({"median s": 3, "min s": 3, "max s": 3, "times faster": 2})
