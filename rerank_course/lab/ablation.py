"""One model run in several ways, for a table that changes one thing at a time.

Each way takes pairs and gives their scores. The 8-bit engine differs from torch in more than its numbers, so
``OpenVinoFloat32`` runs the engine's own graph as it was before it was quantised, one pair a core as well.
"""

import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

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


class OpenVinoFloat32:
    """The graph of the 8-bit engine before it was quantised: OpenVINO, one pair a core.

    Args:
        example: a pair that the converter follows through the model.
        cores: pairs that are scored at the same time.
        precision: ``"f32"``, or ``"bf16"``, which a processor without such instructions takes as float32.

    Raises:
        ImportError: OpenVINO is not installed.
    """

    def __init__(self, example: tuple[str, str], cores: int, precision: str = "f32") -> None:
        # OpenVINO's converter would report its use to its maker. With the module out of reach it does not.
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
        import openvino

        from rerank_course.engine.quantise import float32_model

        with _quietly():
            model, self._tokenise = float32_model(example)
        settings = {
            "NUM_STREAMS": cores,
            "INFERENCE_NUM_THREADS": cores,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": precision,
        }
        compiled = openvino.Core().compile_model(model, "CPU", settings)
        self._requests = openvino.AsyncInferQueue(compiled, 2 * cores)

    def predict(self, pairs: Pairs) -> np.ndarray:
        """Scores of shape (pairs,), logits, in the order of the pairs."""
        scores = np.empty(len(pairs), dtype=np.float32)

        def keep(request: Any, place: int) -> None:
            scores[place] = request.get_output_tensor().data[0, 0]

        self._requests.set_callback(keep)
        for place, pair in enumerate(pairs):
            self._requests.start_async(self._tokenise(pair), place)
        self._requests.wait_all()
        return scores


@contextmanager
def _quietly() -> Iterator[None]:
    """The converter reads every attribute of the model, those too that bring a warning."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
