"""What the int8 engine computes in where it does not round: whichever is faster, and always the same."""

from dataclasses import replace

import numpy as np
import pytest

from rerank_course.engine import compiled_graphs, float_graph, precision
from rerank_course.engine.int8 import Int8Reranker
from rerank_course.engine.int8_models import packaged_model


class Clock:
    """Time passes only while a graph runs: the first run of each takes long."""

    def __init__(self, seconds):
        self.seconds, self.now, self.run_before = seconds, 0.0, set()

    def scorer(self, graph, precision, threads):
        assert threads == 1, "as the engine runs it"

        def score(inputs):
            self.now += self.seconds[precision] if precision in self.run_before else 9.0
            self.run_before.add(precision)

        return score


@pytest.mark.parametrize(
    ("float32", "bfloat16", "chosen"),
    [(1.0, 0.6, "bf16"), (1.0, 0.94, "bf16"), (1.0, 0.97, "f32"), (1.0, 1.0, "f32"), (1.0, 1.6, "f32")],
)
def test_the_faster_one_and_float32_where_they_tie(float32, bfloat16, chosen, monkeypatch):
    clock = Clock({"f32": float32, "bf16": bfloat16})
    monkeypatch.setattr(float_graph, "scorer", clock.scorer)
    monkeypatch.setattr(precision.time, "perf_counter", lambda: clock.now)
    assert precision.faster("model.xml", [{}]) == chosen


@pytest.mark.heavy
def test_the_engine_computes_in_what_its_model_says(pairs, monkeypatch):
    """Either way it stays as near to the other as 8 bits allow; the float32 graph is in float32 always."""
    asked = []
    openvino = compiled_graphs._openvino()
    compile_model = openvino.Core.compile_model

    def noted(core, graph, device, settings):
        asked.append((graph.stem, settings["INFERENCE_PRECISION_HINT"]))
        return compile_model(core, graph, device, settings)

    monkeypatch.setattr(openvino.Core, "compile_model", noted)
    scores = {}
    for name in ("f32", "bf16"):
        engine = Int8Reranker(threads=1, model=replace(packaged_model(), precision=name))
        scores[name] = engine.predict([*pairs[:8], ("yes", "no")])
    assert asked == [("model", "f32"), ("float", "f32"), ("model", "bf16"), ("float", "f32")]
    assert np.abs(scores["f32"] - scores["bf16"]).max() < 0.5
    assert scores["f32"][-1] == pytest.approx(scores["bf16"][-1], abs=1e-4)


@pytest.mark.heavy
def test_the_packaged_model_says_one_that_there_is():
    assert packaged_model().precision in ("f32", "bf16")
