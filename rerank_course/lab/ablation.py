"""One model run in several ways, for a table that changes one thing at a time.

Each way takes pairs and gives their scores. The 8-bit engine differs from torch in more than its numbers, so
``OpenVinoFloat32`` is the engine in all but that.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from rerank_course.engine.int8 import Int8Reranker

Pairs = Sequence[tuple[str, str]]


def score_in_bfloat16(reranker: Any, pairs: Pairs, batch_size: int) -> np.ndarray:
    """Scores of shape (pairs,): torch multiplies in bfloat16 where it may (autocast on the CPU).

    Slower than float32 on a processor that has no instructions for bfloat16.
    """
    import torch

    with torch.autocast("cpu", dtype=torch.bfloat16):
        return reranker.predict(pairs, batch_size=batch_size)


def score_a_pair_a_core(reranker: Any, pairs: Pairs, cores: int) -> np.ndarray:
    """Scores of shape (pairs,): ``cores`` workers in torch, each with one thread and one pair at a time.

    The reranker must have scored something before: its tokenizer is set up by the first call.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(cores) as workers:
            found = list(workers.map(lambda pair: reranker.predict([pair], batch_size=1)[0], pairs))
    finally:
        torch.set_num_threads(threads)
    return np.array(found, dtype=np.float32)


class OpenVinoFloat32(Int8Reranker):
    """The 8-bit engine without its 8 bits: the graph as it was before, and all else the same.

    Args:
        cores: pairs that are scored at the same time.
        precision: ``"f32"``, or ``"bf16"``, which a processor without such instructions takes as float32.

    Raises:
        EngineNotInstalledError, WeightsError: as ``Int8Reranker``.
    """

    def __init__(self, cores: int, precision: str = "f32") -> None:
        self.unrounded = precision
        super().__init__(threads=cores)
