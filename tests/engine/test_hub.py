"""Models of the hub: what is not here, what is here and cannot rerank, and what the messages say."""

import json
import os
import subprocess
import sys

import pytest

from rerank_course.engine import hub
from rerank_course.engine.hub import ModelNotAvailableError, UnsuitableModelError
from rerank_course.engine.weights import DEFAULT_EMBEDDER, DEFAULT_RERANKER, embedder_folder
from rerank_course.models import load_embedder, load_reranker
from tests.support import toy_hub

pytestmark = pytest.mark.heavy  # each loads a model, if only a toy


def without_the_hub():
    with pytest.raises(ModelNotAvailableError) as raised:
        load_reranker("some-org/some-reranker")
    return str(raised.value)


def with_the_hub_forbidden():
    """In a process of its own, since the hub's library reads HF_HUB_OFFLINE when it is imported."""
    code = "from rerank_course.models import load_reranker; load_reranker('some-org/some-reranker')"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    name, message = run.stderr.strip().splitlines()[-1].split(": ", 1)
    assert name.endswith("ModelNotAvailableError")
    return message


@pytest.mark.parametrize(
    ("call", "why"),
    [(with_the_hub_forbidden, "HF_HUB_OFFLINE forbids"), (without_the_hub, "cannot be reached")],
)
def test_a_model_that_is_not_here_gives_a_clear_error(call, why):
    message = call()
    assert message.startswith("some-org/some-reranker is not on this machine") and why in message
    assert DEFAULT_RERANKER in message and DEFAULT_EMBEDDER in message
    assert "python -m rerank_course fetch some-org/some-reranker" in message


def test_a_missing_embedder_gives_the_same_error():
    with pytest.raises(
        ModelNotAvailableError,
        match="some-org/some-embedder is not on this machine.*hf download some-org/some-embedder",
    ):
        load_embedder("some-org/some-embedder")


def test_with_local_files_only_the_hub_is_not_asked(monkeypatch):
    monkeypatch.setattr(hub, "why_no_hub", lambda: pytest.fail("asked"))
    with pytest.raises(ModelNotAvailableError, match="the hub was not asked"):
        load_reranker("some-org/some-reranker", local_files_only=True)


# Models that sentence-transformers loads without an error and that cannot rerank.


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "some-model"
    folder.mkdir()
    return folder


def refusal(folder):
    with pytest.raises(UnsuitableModelError) as refused:
        load_reranker(str(folder))
    message = str(refused.value)
    assert str(folder) in message and DEFAULT_RERANKER in message
    assert "Take a model that was trained as a cross-encoder" in message
    return message


def test_a_bi_encoder_is_refused(folder):
    toy_hub.write_bi_encoder(folder)
    message = refusal(folder)
    assert "is a bi-encoder" in message and "modules.json lists Pooling" in message
    assert "classifier.bias, classifier.weight would be random numbers" in message
    assert "load_embedder(" in message
    assert load_embedder(str(folder)).encode("w1").shape == (32,), "what the message advises does not work"


def test_the_course_own_embedder_is_refused_as_a_reranker():
    assert "is a bi-encoder" in refusal(embedder_folder())


@pytest.mark.parametrize("as_bin", [False, True])
def test_an_untrained_head_is_refused(folder, as_bin):
    toy_hub.write_bert(folder)
    toy_hub.drop_head(folder)
    if as_bin:
        toy_hub.to_bin(folder)
    assert "has no trained output: its weights lack classifier.bias, classifier.weight" in refusal(folder)


def test_a_part_of_a_head_is_no_head(folder):
    toy_hub.write_xlm_roberta(folder, None)
    toy_hub.drop_head(folder, keep="classifier.dense")
    assert "its weights lack classifier.out_proj.bias, classifier.out_proj.weight," in refusal(folder)


def test_a_plain_language_model_is_refused(folder):
    from transformers import BertForMaskedLM

    toy_hub.write_bert_tokenizer(folder)
    BertForMaskedLM(toy_hub.bert_config()).save_pretrained(folder)
    assert "has no trained output" in refusal(folder)


def test_several_labels_are_refused_and_named(folder):
    toy_hub.write_bert(folder, labels=3)
    several = "gives 3 scores for a pair (LABEL_0, LABEL_1, LABEL_2): it is a classifier with several labels"
    assert several in refusal(folder)


def test_a_model_with_code_of_its_own_is_refused(folder):
    toy_hub.write_bert(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {
        "model_type": "no-such-type",
        "auto_map": {"AutoConfig": "configuration.Own", "AutoModelForSequenceClassification": "modeling.Own"},
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "needs program code from its own repository, which this course does not run" in refusal(folder)


@pytest.mark.parametrize("layout", ["one file", "shards", "bin", "saved by sentence-transformers"])
def test_a_trained_cross_encoder_is_not_refused(folder, layout):
    toy_hub.write_bert(folder, max_shard_size="20KB" if layout == "shards" else "5GB")
    if layout == "bin":
        toy_hub.to_bin(folder)
    if layout == "shards":
        assert (folder / "model.safetensors.index.json").exists()
    model = load_reranker(str(folder))
    if layout == "saved by sentence-transformers":
        model.save_pretrained(str(folder / "saved"))
        assert (folder / "saved" / "modules.json").exists()
        model = load_reranker(str(folder / "saved"))
    assert model.predict([("w1", "w2")]).shape == (1,)
