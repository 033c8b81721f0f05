"""In what the int8 engine computes where it does not round: in float32, or in bfloat16 where that is faster.

Instructions for bfloat16 are no sign that it is: on two Zen 4 cores the packaged model takes less time with
it, on two cores of a Xeon (Emerald Rapids, its matrix unit hidden by the virtual machine) 1.3 times as much.
So it is measured, once, when a model is made. Its scores then stay the same from start to start.
"""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rerank_course.engine import float_graph

FLOAT32, BFLOAT16 = "f32", "bf16"  # OpenVINO's names
ROUNDS = 4  # the first one also prepares a kernel for each length
CLEARLY = 0.95  # of float32's time: a tie, as without such instructions, is for float32


def faster(graph: Path, tensors: Sequence[dict[str, Any]]) -> str:
    """The precision that takes less time for a graph's unrounded layers on this machine.

    Args:
        graph: a file of OpenVINO's, as ``quantise.py`` writes it.
        tensors: the inputs of some pairs; each is run ``ROUNDS`` times in either precision, in turns.
    """
    ways = {name: float_graph.scorer(graph, name, threads=1) for name in (FLOAT32, BFLOAT16)}
    seconds = dict.fromkeys(ways, math.inf)
    for _ in range(ROUNDS):
        for name, score in ways.items():
            began = time.perf_counter()
            for inputs in tensors:
                score(inputs)
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    return BFLOAT16 if seconds[BFLOAT16] < CLEARLY * seconds[FLOAT32] else FLOAT32
