"""A cross-encoder of torch as a float32 graph of OpenVINO, and the proof that it is the same model.

Whatever sentence-transformers runs after the tokenizer is followed once with an example, the modules of a
modular cross-encoder included, so nothing here knows an architecture.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from sentence_transformers import CrossEncoder
from tokenizers import Tokenizer

from rerank_course.engine import weights
from rerank_course.engine.cache import WeightsError
from rerank_course.engine.compiled_graphs import Row, encoded, feed, padded_length
from rerank_course.engine.hub import UnsuitableModelError
from rerank_course.engine.int8_models import Int8Model
from rerank_course.engine.length_limits import Encoders

TENSORS = ("input_ids", "attention_mask", "token_type_ids")  # in the order of Int8Model.inputs
# Two pairs of different lengths: the example holds padding, so that no step can be skipped for want of it.
EXAMPLE = [("a b", "some words, so that one of them is longer than the other"), ("c", "d")]
# Texts as nobody would write them, and some of each kind, to compare tokens and scores on.
STRANGE = [
    ("", ""),
    ("a", ""),
    ("yes", "no"),
    ("  two  blanks ", "line\nends\r\nand\ttabs\u00a0here"),
    ("É" * 20, "漢字かな " * 300),
    ("naïve Straße ﬁne Å", "e\u0301 🙂👩‍👩‍👧 \u200b\ufeff ½ ①"),
    ("? ! . ," * 20, "0 1 2 3 4 5 " * 80),
    ("the " * 700, "the " * 700),
    ("[SEP] <s> </s> [MASK]", "[CLS] [PAD] <pad> <unk> " * 20),
    ("def f(x): return x**2", "SELECT * FROM t WHERE a <> 'b'; -- https://example.org/?q=1&r=2"),
    ("How many people live in Berlin?", "Berlin had a population of 3,520,031 registered inhabitants."),
]
# float32 in another order; a step that the example did not show moves a score by far more.
ALMOST_EQUAL = 1e-3


class Scored(torch.nn.Module):
    """What a ``CrossEncoder`` makes of a tokenizer's tensors, which come in the order of ``names``."""

    def __init__(self, reranker: CrossEncoder, names: tuple[str, ...]) -> None:
        super().__init__()
        self.reranker, self.names = reranker, names

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Logits of shape (pairs, 1)."""
        return self.reranker({"modality": "text", **dict(zip(self.names, tensors))})["scores"]


def opened(folder: str) -> CrossEncoder:
    """A cross-encoder of a folder, in float32, on the CPU."""
    with weights.no_progress_bar():
        reranker = CrossEncoder(folder, device="cpu", local_files_only=True)
    return reranker.float().eval()


def converted(reranker: CrossEncoder, module: torch.nn.Module | None = None) -> tuple[Any, tuple[str, ...]]:
    """The graph of a reranker, and the names of its inputs.

    Args:
        module: takes the tokenizer's tensors and gives the logits; ``None`` takes the reranker's own modules.
    """
    tensors = reranker.preprocess(EXAMPLE)
    names = tuple(name for name in TENSORS if name in tensors)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's, on each step that is the same for all lengths
        graph = openvino.convert_model(
            module or Scored(reranker, names), example_input=tuple(tensors[name] for name in names)
        )
    return graph, _named(graph, names)


def _named(graph, names: tuple[str, ...]) -> tuple[str, ...]:
    """Give the graph's inputs their names; take out those that nothing reads, such as token types."""
    used = []
    for name, parameter in zip(names, graph.get_parameters(), strict=True):
        if parameter.output(0).get_target_inputs():
            parameter.set_friendly_name(name)
            parameter.output(0).set_names({name})
            used.append(name)
        else:
            graph.remove_parameter(parameter)
    graph.validate_nodes_and_infer_types()
    return tuple(used)


def write_tokenizer(reranker: CrossEncoder, folder: Path, max_tokens: int) -> None:
    """The tokenizer as sentence-transformers has set it up, and the configuration."""
    reranker.tokenizer.backend_tokenizer.no_padding()
    reranker.tokenizer.backend_tokenizer.no_truncation()
    reranker.tokenizer.model_max_length = max_tokens
    reranker.tokenizer.save_pretrained(folder)
    reranker.config.save_pretrained(folder)


def encoder(model: Int8Model, max_tokens: int | None = None) -> Tokenizer:
    """The fast tokenizer, which cuts pairs to ``max_tokens``; ``None`` takes all that the model has."""
    return Encoders(model.folder, model.max_tokens).at(max_tokens or model.max_tokens)


def tensors(model: Int8Model, pair: tuple[str, str], tokenizer: Tokenizer) -> dict[str, np.ndarray]:
    """A pair as the engine feeds it to a graph, padding included."""
    encoding = encoded([pair], tokenizer)[0]
    row = Row(np.array(encoding.ids), np.array(encoding.type_ids))
    return feed([row], model, padded_length(len(encoding.ids), model.max_tokens))


def check_same(reranker: CrossEncoder, graph: Any, model: Int8Model) -> None:
    """Compare tokens and scores of strange texts with what sentence-transformers makes of them.

    Raises:
        UnsuitableModelError: the tokenizer gives other tokens without transformers around it.
        WeightsError: the graph gives other scores.
    """
    fast = encoder(model)
    for pair in STRANGE:
        own = reranker.preprocess([pair])["input_ids"][0].tolist()
        if own != fast.encode(*pair).ids:
            raise UnsuitableModelError(
                f'backend="int8" does not run {model.name}: its tokenizer.json gives other tokens than '
                f'transformers, for example of {pair!r:.80}. backend="torch" runs it as it is.'
            )
    score = scorer(graph)
    exact = reranker.predict(STRANGE, activation_fn=torch.nn.Identity(), batch_size=1).astype(np.float64)
    found = np.array([score(tensors(model, pair, fast)) for pair in STRANGE])
    difference = np.abs(found - exact).max()
    if not difference <= ALMOST_EQUAL * max(1.0, float(np.abs(exact).max())):
        raise WeightsError(f"{model.name} gives other scores in OpenVINO, by {difference:.3g} logits at most")


def scorer(graph: Any, precision: str = "f32", threads: int | None = None):
    """A function that gives the logit of one pair's tensors.

    Args:
        precision: of what is not rounded, in OpenVINO's words.
        threads: ``None`` for all cores.
    """
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    request = openvino.Core().compile_model(graph, "CPU", settings).create_infer_request()

    def score(inputs: dict[str, np.ndarray]) -> float:
        request.infer(inputs)
        return float(request.get_output_tensor().data.ravel()[0])

    return score
