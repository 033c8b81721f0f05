"""Make the int8 engine's model: ``python -m rerank_course.quantise FOLDER``, which ``load_reranker(backend="int8")`` calls once.

The restored float32 model goes through OpenVINO's converter and NNCF's post-training quantisation with SmoothQuant
(https://arxiv.org/abs/2211.10438): calibration pairs run through the model, and for each layer the range of its activations is measured and cut into
256 steps. The calibration text is the handbook's own, passages and their headings; no query of the evaluation is among it.
"""

import sys
from pathlib import Path

CALIBRATION_PAIRS = 160
STEPS = 2 * CALIBRATION_PAIRS  # SmoothQuant runs them through once, the quantisation once more
# The pooler, the classifier and the last layer behind its attention work on a single token. Rounding them would save nothing.
KEPT_IN_FLOAT32 = (r".*layer\.11\.(attention\.output|intermediate|output).*", r".*pooler.*", r".*classifier.*")


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
    model = openvino.convert_model(first_token_only(reranker.model), example_input=example)

    def inputs(pair: tuple[str, str]) -> dict:
        print("step", flush=True)
        tokens = reranker.tokenizer([pair], truncation=True, max_length=reranker.max_seq_length, return_tensors="np")
        return {name: tokens[name].astype("int64") for name in example}

    quantised = nncf.quantize(
        model, nncf.Dataset(pairs, inputs), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(pairs),
        ignored_scope=nncf.IgnoredScope(patterns=list(KEPT_IN_FLOAT32)),
        advanced_parameters=AdvancedQuantizationParameters(
            # The paper's balance between weights and activations; and the whole range of each, so that other text than the handbook's fits too.
            smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=0.5),
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


def first_token_only(bert):
    """A ``BertForSequenceClassification`` as a torch module that gives the same logits, shape (pairs, 1), for about a sixteenth less work.

    The classifier reads the first token alone. So in the last layer only that token has to attend to the others and go through the rest.
    """
    import torch

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert.eval()

        def forward(self, input_ids, attention_mask, token_type_ids):
            tokens = self.bert.bert.embeddings(input_ids=input_ids, token_type_ids=token_type_ids)
            hidden = (1.0 - attention_mask[:, None, None, :].to(tokens.dtype)) * -1e4  # added to a softmax: no attention to padding
            *layers, last = self.bert.bert.encoder.layer
            for layer in layers:
                tokens = _layer(layer, tokens, tokens, hidden)
            return self.bert.classifier(self.bert.bert.pooler(_layer(last, tokens[:, :1], tokens, hidden)))

    def _layer(layer, tokens, seen, hidden):
        attention = layer.attention.self

        def heads(states):
            return states.view(states.shape[0], states.shape[1], attention.num_attention_heads, attention.attention_head_size).transpose(1, 2)

        query, key, value = heads(attention.query(tokens)), heads(attention.key(seen)), heads(attention.value(seen))
        context = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=hidden)
        attended = layer.attention.output(context.transpose(1, 2).reshape(tokens.shape), tokens)
        return layer.output(layer.intermediate(attended), attended)

    return Logits()


if __name__ == "__main__":
    quantise(Path(sys.argv[1]))
