"""Make the int8 engine's model: ``python -m rerank_course.engine.quantise FOLDER``, which
``load_reranker(backend="int8")`` calls once.

The restored float32 model goes through OpenVINO's converter and NNCF's post-training quantisation with
SmoothQuant (https://arxiv.org/abs/2211.10438): calibration pairs run through the model, and for each layer
the range of its activations is measured and cut into 256 steps. The calibration text is the handbook's own,
passages and their headings; no query of the evaluation is among it.
"""

import sys
from collections import defaultdict
from pathlib import Path

from rerank_course.engine.lean import lean

CALIBRATION_PAIRS = 160
STEPS = 2 * CALIBRATION_PAIRS  # SmoothQuant runs them through once, the quantisation once more
# How much of the activations' outliers SmoothQuant moves into the weights. The paper's 0.5 suits this model
# badly. Chosen on sentences and titles of both collections, asked as queries of ten passages each, against
# float32 (the standard deviation of the difference within a query, in logits): 0.5 gives 0.29, 0.7 0.12, 0.75
# 0.11, 0.8 0.10, 0.85 0.09, 0.9 0.11.
SMOOTHING = 0.85
NOT_QUANTISED = (
    # Behind the GELUs of the first six layers the largest number is 120 to 220 times the mean, behind the
    # later ones 36 to 47 times (calibration pairs), and 256 steps are too few. The layers that read them
    # there make more than half of the squared error: with them the deviation above is 0.095, without them
    # 0.062 (rest in float32). They take 6 % more time in bfloat16, 22 % where the processor has only float32.
    r".*layer\.[0-5]\.output\.dense.*",
    # Attention's own products: at 200 tokens 8 % of the multiplications.
    r".*aten::matmul.*",
    # The last layer, the pooler and the classifier work on a single token. Rounding them would save nothing.
    r".*layer\.11\..*",
    r".*pooler.*",
    r".*classifier.*",
)
# The kinds of activations that are rounded, by the layer that reads them; the more exact name first.
ROUNDED = ("attention.self", "attention.output", "intermediate", "output")


def quantise(folder: Path) -> None:
    """Write ``model.xml`` and ``model.bin`` into ``folder``; print a line ``step`` for each calibration pair."""
    # Both libraries would report their use to their maker. With the module out of reach they do without.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import nncf
    import openvino
    from nncf.quantization.advanced_parameters import (
        AdvancedQuantizationParameters,
        AdvancedSmoothQuantParameters,
    )
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    from rerank_course.models import load_reranker

    reranker = load_reranker(device="cpu")
    pairs = calibration_pairs()
    example = dict(reranker.tokenizer([pairs[0]], return_tensors="pt"))
    model = openvino.convert_model(lean(reranker.model), example_input=example)

    def inputs(pair: tuple[str, str]) -> dict:
        print("step", flush=True)
        tokens = reranker.tokenizer(
            [pair], truncation=True, max_length=reranker.max_seq_length, return_tensors="np"
        )
        return {name: tokens[name].astype("int64") for name in example}

    quantised = nncf.quantize(
        model,
        nncf.Dataset(pairs, inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(pairs),
        ignored_scope=nncf.IgnoredScope(patterns=list(NOT_QUANTISED)),
        advanced_parameters=AdvancedQuantizationParameters(
            smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=SMOOTHING),
            # The whole range of each activation, so that other text than the handbook's fits too.
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            disable_bias_correction=True,
        ),
    )
    openvino.save_model(with_equal_steps(quantised), folder / "model.xml")


def with_equal_steps(model):
    """The quantised OpenVINO ``model``, changed so that all layers round a kind of activation to the same 256
    steps.

    SmoothQuant multiplies each activation by a vector before it is rounded. A factor more in that vector, and
    less in the weights that follow, changes no product; it brings every layer's range to the same one. Steps
    are part of a kernel, so one kernel then serves them all: half the memory for each length of text that the
    engine has met, and half the time to prepare for one.
    """
    import numpy as np
    from openvino import opset13

    def constant(node, position):
        return node.input_value(position).get_node().get_data()

    def multiply(node, factor):
        node.input(1).replace_source_output(
            opset13.constant((constant(node, 1) * factor).astype(np.float32)).output(0)
        )

    roundings = defaultdict(list)
    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            readers = [reader.get_node() for reader in node.output(0).get_target_inputs()]
            roundings[next(kind for kind in ROUNDED if kind in readers[0].get_friendly_name())].append(
                (node, readers)
            )
    for found in roundings.values():
        # The lowest value as a share of the highest, in whole steps: zero must be one of them.
        share = max(-float(constant(node, 1).item() / constant(node, 2).item()) for node, _ in found)
        below_zero = np.ceil(255 * share / (1 + share))
        low, high = -below_zero / (255 - below_zero), 1.0
        for node, readers in found:
            factor = min(high / constant(node, 2).item(), low / constant(node, 1).item())
            multiply(node.input_value(0).get_node(), factor)
            for reader in readers:
                multiply(reader.input_value(1).get_node(), 1 / factor)
            for position, bound in enumerate((low, high, low, high), start=1):
                node.input(position).replace_source_output(opset13.constant(np.float32(bound)).output(0))
    return model


def calibration_pairs() -> list[tuple[str, str]]:
    """(heading, passage) pairs of the handbook, the same each time: half belong together, half do not."""
    import numpy as np

    from rerank_course.texts.corpora import load_corpus

    chunks = list(load_corpus("handbook").documents.values())
    random = np.random.default_rng(0)
    half = CALIBRATION_PAIRS // 2
    own = [(chunk.title, chunk.text) for chunk in random.permutation(np.array(chunks, dtype=object))[:half]]
    strangers = [(chunks[i].title, chunks[j].content) for i, j in random.integers(0, len(chunks), (half, 2))]
    return own + strangers


if __name__ == "__main__":
    quantise(Path(sys.argv[1]))
