"""How much of the processor's 8-bit multiplications an engine uses.

The peak is measured, not looked up: the model's two largest layers, one after the other many times, all in
8 bits, one request a core, with nothing between them that is not needed. No whole model can be as fast.
"""

import functools
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from rerank_course.engine.int8_models import packaged_model

WIDTH, HIDDEN = 384, 1536  # of ms-marco-MiniLM-L12-v2
TOKENS = 208  # rows of each product: a query, 200 tokens of a document, and what stands between
REPEATS = 12  # of the two layers in one request
SECONDS = 2.0


def multiplications(in_tokens: Sequence[int]) -> float:
    """How many multiplications the engine's graph needs for the scores of pairs with so many tokens."""
    known = [16, 128, 512]
    # Exact: products with weights grow with the tokens, those of attention with their square.
    curve = np.polynomial.Polynomial.fit(known, [_in_products(tokens) for tokens in known], deg=2)
    return float(curve(np.asarray(in_tokens, dtype=np.float64)).sum())


@functools.cache
def _in_products(tokens: int) -> int:
    """Multiplications in the products of matrices, for one pair."""
    import openvino

    graph = openvino.Core().read_model(packaged_model().folder / "float.xml")
    graph.reshape({port.any_name: [1, tokens] for port in graph.inputs})
    counted = 0
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "MatMul":
            first, turned = node.input(0).get_shape(), node.get_attributes()["transpose_a"]
            counted += math.prod(node.output(0).get_shape()) * first[-2 if turned else -1]
    return counted


def int8_peak(seconds: float = SECONDS) -> float:
    """8-bit multiplications a second, all cores together; the median of three runs of so many seconds."""
    import openvino

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    settings = {"NUM_STREAMS": cores, "INFERENCE_NUM_THREADS": cores, "ENABLE_CPU_PINNING": False}
    compiled = openvino.Core().compile_model(_chain(), "CPU", settings)
    requests = [compiled.create_infer_request() for _ in range(cores)]
    for request in requests:
        request.infer([np.ones((TOKENS, WIDTH), dtype=np.float32)])
    each = 2 * TOKENS * WIDTH * HIDDEN * REPEATS

    def asked_until(request: Any, end: float) -> int:
        count = 0
        while time.perf_counter() < end:
            request.infer()
            count += 1
        return count

    rates = []
    with ThreadPoolExecutor(cores) as workers:
        for _ in range(3):
            started = time.perf_counter()
            counts = workers.map(asked_until, requests, [started + seconds] * cores)
            rates.append(sum(counts) * each / (time.perf_counter() - started))
    return sorted(rates)[1]


def _chain() -> Any:
    """Layers WIDTH → HIDDEN → WIDTH → … with 8-bit weights, and inputs cut into 256 steps."""
    import openvino
    from openvino import opset13

    random = np.random.default_rng(0)
    given = opset13.parameter([TOKENS, WIDTH], np.float32)
    node = given
    for _ in range(REPEATS):
        for rows, columns in ((WIDTH, HIDDEN), (HIDDEN, WIDTH)):
            steps = opset13.fake_quantize(node, *map(np.float32, (0, 1, 0, 1)), levels=256)
            whole = opset13.constant(random.integers(-127, 128, (columns, rows)), dtype=np.int8)
            scale = opset13.constant(np.float32(1e-4))
            weights = opset13.multiply(opset13.convert(whole, np.float32), scale)
            node = opset13.matmul(steps, weights, False, True)
    return openvino.Model([node], [given], "chain")
