import json
import math
import os
import subprocess
import sys
import time

import pytest
import toy_hub

from rerank_course.models import (
    CATALOGUE, DEFAULT_EMBEDDER, DEFAULT_RERANKER, ModelNotAvailableError, load_embedder, load_reranker,
)

# Runs in a process of its own, since the hub's library reads HF_HOME and HF_HUB_OFFLINE when it is imported.
SCORE = """
import json, sys
import torch
from rerank_course.models import load_reranker
query, words = "w1 w2 w3", [f"w{n % 50}" for n in range(900)]
results = {}
for name in sys.argv[1:]:
    model = load_reranker(name)
    room = 513 - len(model.tokenizer(query, "w4")["input_ids"])  # tokens of the document that fit, one word each
    same, other = words.copy(), words.copy()
    same[room:] = ["w7"] * len(same[room:])
    other[room - 1] = "w8" if words[room - 1] != "w8" else "w9"
    pairs = [(query, " ".join(document)) for document in (words, same, other, ["w4", "w5"])]
    logits = model.predict(pairs, activation_fn=torch.nn.Identity())
    results[name] = {"limit": model.max_seq_length, "scores": model.predict(pairs).tolist(), "logits": logits.tolist()}
print(json.dumps(results))
"""
HUB_NAMES = {
    "cross-encoder/ms-marco-MiniLM-L6-v2": "logits",
    "cross-encoder/ms-marco-MiniLM-L-6-v2": "logits",
    "BAAI/bge-reranker-base": "0–1",
    "BAAI/bge-reranker-large": "0–1",
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub cache with toy models under the catalogue's names."""
    home = tmp_path_factory.mktemp("hf")
    toy_hub.add_bert(home / "hub", "cross-encoder/ms-marco-MiniLM-L6-v2")
    toy_hub.add_xlm_roberta(home / "hub", "BAAI/bge-reranker-base", 512)
    toy_hub.add_xlm_roberta(home / "hub", "BAAI/bge-reranker-large", None)
    return home


def in_hub(hub, code, *arguments, offline=True):
    environment = {**os.environ, "HF_HOME": str(hub), **({"HF_HUB_OFFLINE": "1"} if offline else {})}
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def hub_scores(hub):
    run = in_hub(hub, SCORE, *HUB_NAMES)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(("name", "gives"), HUB_NAMES.items())
def test_hub_models_load_by_name_truncate_at_512_and_have_the_right_scale(hub_scores, name, gives):
    result = hub_scores[name]
    full, same, other, short = result["scores"]
    assert result["limit"] == 512
    assert full == pytest.approx(same, abs=1e-5), "what stands past token 512 changed the score"
    assert abs(result["logits"][0] - result["logits"][2]) > 1e-4, "the last token that fits did not count"
    expected = result["logits"] if gives == "logits" else [1 / (1 + math.exp(-logit)) for logit in result["logits"]]
    assert result["scores"] == pytest.approx(expected, abs=1e-5)
    assert abs(full - short) > 1e-4


def test_without_the_offline_switch_a_local_copy_loads_without_asking_the_hub(hub):
    started = time.monotonic()
    run = in_hub(hub, SCORE, "BAAI/bge-reranker-base", offline=False)
    assert run.returncode == 0 and "Retrying" not in run.stderr, run.stderr
    assert time.monotonic() - started < 40


@pytest.mark.parametrize("offline", [True, False])
def test_a_model_that_is_not_here_gives_a_clear_error(hub, offline):
    code = "from rerank_course.models import load_reranker; load_reranker('some-org/some-reranker')"
    run = in_hub(hub, code, offline=offline)
    message = run.stderr.strip().splitlines()[-1]
    assert "ModelNotAvailableError: some-org/some-reranker is not on this machine" in message
    assert ("HF_HUB_OFFLINE forbids" if offline else "cannot be reached") in message
    assert DEFAULT_RERANKER in message and DEFAULT_EMBEDDER in message and "hf download some-org/some-reranker" in message


def test_a_missing_embedder_gives_the_same_error():
    with pytest.raises(ModelNotAvailableError, match="some-org/some-embedder is not on this machine"):
        load_embedder("some-org/some-embedder")


@pytest.mark.parametrize("name", [DEFAULT_RERANKER, "cross-encoder/ms-marco-MiniLM-L-12-v2"])
def test_both_spellings_of_the_default_are_packaged(name):
    assert load_reranker(name).max_seq_length == 512


def test_a_folder_loads_by_its_path(hub):
    folder = next((hub / "hub").glob("models--BAAI--bge-reranker-base/snapshots/*"))
    assert load_reranker(str(folder)).max_seq_length == 512


def test_max_length_can_be_lowered_and_not_raised(reranker):
    short = load_reranker(max_length=64)
    document = "Berlin is a city. " * 50
    cut = " ".join(document.split()[:200])
    assert short.max_seq_length == 64
    assert short.predict(("Berlin", document)) == pytest.approx(float(short.predict(("Berlin", cut))), abs=1e-5)
    for length in (0, 7, 513):
        with pytest.raises(ValueError, match="max_length must be from 8 to 512"):
            load_reranker(max_length=length)


def test_loading_needs_no_progress_bar_and_changes_no_setting(capfd):
    from transformers.utils import logging

    load_reranker(), load_embedder()
    assert capfd.readouterr().err == ""
    assert logging.is_progress_bar_enabled()


def test_unusable_arguments():
    with pytest.raises(ValueError, match="backend must be one of 'torch', 'int8', not 'cuda'"):
        load_reranker(backend="cuda")
    for name in ("", None, 3):
        with pytest.raises(ValueError, match="takes a model's name"):
            load_reranker(name)


def test_the_embedder_gives_vectors_of_length_one(embedder):
    vectors = embedder.encode(["one text", "another"])
    assert vectors.shape == (2, 384)
    assert (vectors**2).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert embedder.max_seq_length == 256


def test_the_catalogue_names_what_is_packaged():
    assert [option.name for option in CATALOGUE if option.runs == "packaged"] == [DEFAULT_RERANKER]
    assert len({option.name for option in CATALOGUE}) == len(CATALOGUE) == 5
    assert {option.name: option.licence for option in CATALOGUE if "bge" in option.name} == {
        "BAAI/bge-reranker-base": "MIT", "BAAI/bge-reranker-large": "MIT",
    }
