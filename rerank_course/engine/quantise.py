"""Make the int8 engine's model, in a process of its own: ``python -m rerank_course.engine.quantise FOLDER``.

The restored float32 model goes through OpenVINO's converter and NNCF's post-training quantisation with
SmoothQuant (https://arxiv.org/abs/2211.10438): calibration pairs run through the model, and for each layer
the range of its activations is measured and cut into 256 steps. The calibration text is the handbook's own,
passages and their headings; no query of the evaluation is among it.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rerank_course.engine import weights
from rerank_course.texts.corpora import load_corpus

CALIBRATION_PAIRS = 160
STEPS = 2 * CALIBRATION_PAIRS  # SmoothQuant runs them through once, the quantisation once more
# How much of the activations' outliers SmoothQuant moves into the weights. The paper's 0.5 suits this model
# badly. Chosen on sentences and titles of both collections, asked as queries of ten passages each, against
# float32 (the standard deviation of the difference within a query, in logits):
# 0.5 gives 0.29, 0.7 0.12, 0.75 0.11, 0.8 0.10, 0.85 0.09, 0.9 0.11.
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


def quantise(folder: Path) -> None:
    """Write ``model.xml`` and ``model.bin`` into ``folder``; print ``step`` for each calibration pair."""
    # Both libraries would report their use to their maker. With the module out of reach they do without.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import nncf
    import openvino

    # Like the two above, it is not there without the extra int8, and STEPS is read without any of them.
    from rerank_course.engine.quantisation_ranges import set_equal_ranges

    pairs = calibration_pairs()
    model, tokenise = float32_model(pairs[0])

    def inputs(pair: tuple[str, str]) -> dict[str, np.ndarray]:
        print("step", flush=True)
        return tokenise(pair)

    quantised = nncf.quantize(
        model,
        nncf.Dataset(pairs, inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(pairs),
        ignored_scope=nncf.IgnoredScope(patterns=list(NOT_QUANTISED)),
        advanced_parameters=_advanced_parameters(),
    )
    set_equal_ranges(quantised)
    openvino.save_model(quantised, folder / "model.xml")


def calibration_pairs() -> list[tuple[str, str]]:
    """(heading, passage) pairs of the handbook, the same each time: half belong together, half do not."""
    chunks = list(load_corpus("handbook").documents.values())
    random = np.random.default_rng(0)
    half = CALIBRATION_PAIRS // 2
    own = [(chunk.title, chunk.text) for chunk in random.permutation(np.array(chunks, dtype=object))[:half]]
    strangers = [(chunks[i].title, chunks[j].content) for i, j in random.integers(0, len(chunks), (half, 2))]
    return own + strangers


def float32_model(example: tuple[str, str]) -> tuple[Any, Callable[[tuple[str, str]], dict[str, np.ndarray]]]:
    """The restored model in OpenVINO, and the function that makes its inputs of a pair.

    Args:
        example: a pair to follow through the torch model, from which the converter learns its steps.
    """
    import openvino
    from sentence_transformers import CrossEncoder

    from rerank_course.engine.trimmed_model import TrimmedModel

    with weights.no_progress_bar():
        reranker = CrossEncoder(str(weights.reranker_folder()), device="cpu")
    tensors = dict(reranker.tokenizer([example], return_tensors="pt"))
    model = openvino.convert_model(TrimmedModel(reranker.model), example_input=tensors)

    def tokenise(pair: tuple[str, str]) -> dict[str, np.ndarray]:
        tokens = reranker.tokenizer(
            [pair], truncation=True, max_length=reranker.max_seq_length, return_tensors="np"
        )
        return {name: tokens[name].astype("int64") for name in tensors}

    return model, tokenise


def _advanced_parameters():
    from nncf.quantization.advanced_parameters import (
        AdvancedQuantizationParameters,
        AdvancedSmoothQuantParameters,
    )
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    return AdvancedQuantizationParameters(
        smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=SMOOTHING),
        # The whole range of each activation, so that other text than the handbook's fits too.
        activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
        disable_bias_correction=True,
    )


if __name__ == "__main__":
    quantise(Path(sys.argv[1]))
