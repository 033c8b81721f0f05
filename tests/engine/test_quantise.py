"""Making the int8 model: what is left out, what is rounded, what it learns from, and how it can fail."""

import shutil
import subprocess
import sys

import psutil
import pytest
import torch

from rerank_course.engine import int8_making, int8_models, quantise, weights
from rerank_course.engine.cache import CACHE_VARIABLE, WeightsError
from rerank_course.engine.int8_making import EngineNotInstalledError
from rerank_course.engine.trimmed_model import TrimmedModel
from rerank_course.texts.corpora import CORPORA, load_corpus


def test_what_is_left_out_of_the_model_changes_no_score(reranker, pairs, strange):
    """Against the published model, with padding in the batch.

    Left out are the last layer but for the first token, and the softmax's largest score.
    """
    trimmed = TrimmedModel(reranker.model)
    for texts in (pairs[:6], pairs[-4:], strange):
        batch = reranker.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            difference = reranker.model(**batch).logits - trimmed(**batch)
        assert difference.abs().max() < 1e-4


def roundings():
    """{kind of activation: the ranges, (low, high), that the int8 model cuts into steps}."""
    import openvino

    from rerank_course.engine.quantisation_ranges import ROUNDED

    ranges = {}
    model = openvino.Core().read_model(int8_models.packaged_folder() / "model.xml")
    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            reader = next(iter(node.output(0).get_target_inputs())).get_node().get_friendly_name()
            bounds = (node.input_value(position).get_node().get_data() for position in (1, 2))
            kind = next(kind for kind in ROUNDED if kind in reader)
            ranges.setdefault(kind, []).append(tuple(float(bound.item()) for bound in bounds))
    return ranges


@pytest.mark.heavy
def test_all_layers_round_to_the_same_steps():
    """One kernel then serves all. Zero is one of the steps, or padding would not be nothing."""
    ranges = roundings()
    # Of 12 layers the last is not rounded, nor what reads the GELUs of the first six.
    counts = {"attention.self": 11, "attention.output": 11, "intermediate": 11, "output": 5}
    assert {kind: len(found) for kind, found in ranges.items()} == counts
    assert all(len(set(found)) == 1 for found in ranges.values())
    for low, high in (found[0] for found in ranges.values()):
        below_zero = -low * 255 / (high - low)
        assert below_zero == pytest.approx(round(below_zero), abs=1e-3)


def test_no_query_of_the_evaluation_is_calibrated_on():
    pairs = quantise.calibration_pairs()
    assert len(pairs) == quantise.CALIBRATION_PAIRS and len(set(pairs)) > 150
    queries = {text.casefold() for name in CORPORA for text in load_corpus(name).queries.values()}
    assert not queries & {heading.casefold() for heading, _ in pairs}


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A model cache without the int8 model."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.mark.heavy
def test_the_packaged_model_says_its_error():
    """And its float32 graph is not rounded: weights of four bytes each."""
    model = int8_models.packaged_model()
    assert model.error["pairs"] == 120 and 0 < model.error["rms"] < 0.1 and model.error["max"] < 0.5
    assert model.error["tau"] > 0.97 and model.error["spread"] > 3
    assert (model.inputs, model.max_tokens) == (("input_ids", "attention_mask", "token_type_ids"), 512)
    float32 = (model.folder / "float.bin").stat().st_size
    assert float32 > 4 * 33_000_000 > 2.5 * (model.folder / "model.bin").stat().st_size


def left_in(cache):
    return sorted(path.name for path in cache.iterdir() if path.is_dir() and "int8" in path.name)


@pytest.mark.parametrize(
    ("program", "error", "message"),
    [
        (
            "import no_such_nncf",
            EngineNotInstalledError,
            r'No module named .* pip install "openvino',
        ),
        ("import sys; sys.exit('the disk is full')", WeightsError, "could not be made: the disk is full"),
        ("import os; os._exit(9)", WeightsError, "its process ended with code 9"),
    ],
)
def test_a_model_that_cannot_be_made(empty_cache, monkeypatch, program, error, message):
    start = subprocess.Popen
    replaced = [sys.executable, "-c", program]
    monkeypatch.setattr(
        int8_making.subprocess, "Popen", lambda command, **options: start(replaced, **options)
    )
    monkeypatch.setattr(weights, "reranker_folder", lambda: None)  # no program here reads it
    with pytest.raises(error, match=message):
        int8_models.packaged_folder()
    assert left_in(empty_cache) == []


@pytest.mark.heavy
def test_a_killed_start_leaves_nothing_that_is_used(tmp_path, monkeypatch):
    """Killed while it quantises: the process that it had started stops too; the next start begins anew."""
    restored = weights.reranker_folder()
    shutil.copytree(restored, tmp_path / restored.name)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    code = "from rerank_course.engine.int8_models import packaged_folder; packaged_folder()"
    started = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    while "/640" not in started.stderr.readline():
        assert started.poll() is None
    children = psutil.Process(started.pid).children(recursive=True)
    assert children
    started.kill()
    started.wait()
    started.stderr.close()
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert not (tmp_path / int8_models.PACKAGED_FOLDER).exists()

    monkeypatch.setattr(
        int8_models, "make", lambda target, task: (target / "model.xml").write_text("made again")
    )
    assert (int8_models.packaged_folder() / "model.xml").read_text() == "made again"
    assert left_in(tmp_path) == [int8_models.PACKAGED_FOLDER]
