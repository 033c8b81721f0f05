"""Make the int8 engine's model: ``python -m rerank_course.quantise FOLDER``, which ``load_reranker(backend="int8")`` calls once.

The restored float32 model goes through OpenVINO's converter and NNCF's post-training quantisation with SmoothQuant
(https://arxiv.org/abs/2211.10438): calibration pairs run through the model, and for each layer the range of its activations is measured and cut into
256 steps. The calibration text is the handbook's own, passages and their headings; no query of the evaluation is among it.
"""

import sys
from pathlib import Path

CALIBRATION_PAIRS = 160
STEPS = 2 * CALIBRATION_PAIRS  # SmoothQuant runs them through once, the quantisation once more
# How much of the activations' outliers SmoothQuant moves into the weights. The paper's 0.5 suits this model badly: behind its GELUs single numbers
# are a hundred times the others. Chosen on sentences and titles of both collections, asked as queries of ten passages each, against float32 (the
# standard deviation of the difference within a query, in logits): 0.5 gives 0.29, 0.7 0.12, 0.75 0.11, 0.8 0.10, 0.85 0.09, 0.9 0.11.
SMOOTHING = 0.85
# Attention's own products stay as they are: they take little time, and single bytes are too coarse for weights that are shared by 500 tokens.
# The pooler, the classifier and the last layer behind its attention work on a single token. Rounding them would save nothing.
NOT_QUANTISED = (r".*aten::matmul.*", r".*layer\.11\.(attention\.output|intermediate|output).*", r".*pooler.*", r".*classifier.*")


def quantise(folder: Path) -> None:
    """Write ``model.xml`` and ``model.bin`` into ``folder``; print a line ``step`` for each calibration pair."""
    # Both libraries would report their use to their maker. With the module out of reach they do without.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import nncf
    import openvino
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, AdvancedSmoothQuantParameters
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    from rerank_course.models import load_reranker

    reranker = load_reranker(device="cpu")
    pairs = calibration_pairs()
    example = dict(reranker.tokenizer([pairs[0]], return_tensors="pt"))
    model = openvino.convert_model(lean(reranker.model), example_input=example)

    def inputs(pair: tuple[str, str]) -> dict:
        print("step", flush=True)
        tokens = reranker.tokenizer([pair], truncation=True, max_length=reranker.max_seq_length, return_tensors="np")
        return {name: tokens[name].astype("int64") for name in example}

    quantised = nncf.quantize(
        model, nncf.Dataset(pairs, inputs), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(pairs),
        ignored_scope=nncf.IgnoredScope(patterns=list(NOT_QUANTISED)),
        advanced_parameters=AdvancedQuantizationParameters(
            smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=SMOOTHING),
            # The whole range of each activation, so that other text than the handbook's fits too.
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            disable_bias_correction=True,
        ),
    )
    openvino.save_model(quantised, folder / "model.xml")


def calibration_pairs() -> list[tuple[str, str]]:
    """(heading, passage) pairs of the handbook, the same each time: half belong together, half do not."""
    import numpy as np

    from rerank_course.corpora import load_corpus

    chunks = list(load_corpus("handbook").documents.values())
    random = np.random.default_rng(0)
    half = CALIBRATION_PAIRS // 2
    own = [(chunk.title, chunk.text) for chunk in random.permutation(np.array(chunks, dtype=object))[:half]]
    strangers = [(chunks[i].title, chunks[j].content) for i, j in random.integers(0, len(chunks), (half, 2))]
    return own + strangers


def lean(bert):
    """A ``BertForSequenceClassification`` as a torch module that gives the same logits, shape (pairs, 1), for less work.

    - The classifier reads the first token alone. So in the last layer only that token attends to the others and goes through the rest.
    - A softmax reads its row three times: for the largest score, for the sum, for the division. Here the exponentials are taken as they are, and
      what they weigh is divided by their sum afterwards. The scores of this model's attention lie between −80 and 71 on texts of all kinds; shifted
      by 20 and cut at ±80 their exponentials are far from the ends of float32.
    - Padding is hidden where it costs least: it adds nothing to the sum, and its values count nothing.
    """
    import torch

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert.eval()

        def forward(self, input_ids, attention_mask, token_type_ids):
            tokens = self.bert.bert.embeddings(input_ids=input_ids, token_type_ids=token_type_ids)
            seen = attention_mask[:, None, :, None].to(tokens.dtype)  # 1 for a token, 0 for padding
            *layers, last = self.bert.bert.encoder.layer
            for layer in layers:
                tokens = _layer(layer, tokens, tokens, seen)
            return self.bert.classifier(self.bert.bert.pooler(_layer(last, tokens[:, :1], tokens, seen)))

    def _layer(layer, tokens, others, seen):
        attention = layer.attention.self

        def heads(states):
            return states.view(states.shape[0], states.shape[1], attention.num_attention_heads, attention.attention_head_size).transpose(1, 2)

        query, key, value = heads(attention.query(tokens)), heads(attention.key(others)), heads(attention.value(others))
        scores = torch.matmul(query, key.transpose(2, 3)) * attention.attention_head_size**-0.5
        weights = (scores - 20).clamp(-80, 80).exp()
        context = torch.matmul(weights, value * seen) / torch.matmul(weights, seen)
        attended = layer.attention.output(context.transpose(1, 2).reshape(tokens.shape), tokens)
        return layer.output(layer.intermediate(attended), attended)

    return Logits()


if __name__ == "__main__":
    quantise(Path(sys.argv[1]))
