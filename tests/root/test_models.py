import json
import os
import subprocess
import sys

import pytest

from rerank_course.engine.hub import ModelNotAvailableError, UnsuitableModelError
from rerank_course.engine.weights import DEFAULT_EMBEDDER, DEFAULT_RERANKER
from rerank_course.models import CATALOGUE, DEFAULT_HOSTED, load_embedder, load_reranker
from tests.support import toy_hub


def run_code(code, offline=True):
    """In a process of its own, since the hub's library reads HF_HUB_OFFLINE when it is imported."""
    environment = {**os.environ, **({"HF_HUB_OFFLINE": "1"} if offline else {})}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("offline", [True, False])
def test_a_model_that_is_not_here_gives_a_clear_error(offline):
    code = "from rerank_course.models import load_reranker; load_reranker('some-org/some-reranker')"
    run = run_code(code, offline)
    message = run.stderr.strip().splitlines()[-1]
    assert "ModelNotAvailableError: some-org/some-reranker is not on this machine" in message
    assert ("HF_HUB_OFFLINE forbids" if offline else "cannot be reached") in message
    assert (
        DEFAULT_RERANKER in message
        and DEFAULT_EMBEDDER in message
        and "python -m rerank_course fetch some-org/some-reranker" in message
    )


def test_a_missing_embedder_gives_the_same_error():
    with pytest.raises(
        ModelNotAvailableError,
        match="some-org/some-embedder is not on this machine.*hf download some-org/some-embedder",
    ):
        load_embedder("some-org/some-embedder")


@pytest.mark.parametrize(
    "name", [DEFAULT_RERANKER, "cross-encoder/ms-marco-MiniLM-L-12-v2", "ms-marco-MiniLM-L12-v2"]
)
def test_both_spellings_of_the_default_are_packaged(name):
    assert load_reranker(name).max_seq_length == 512


def test_with_local_files_only_the_hub_is_not_asked(monkeypatch):
    monkeypatch.setattr("rerank_course.engine.hub.why_no_hub", lambda: pytest.fail("asked"))
    with pytest.raises(ModelNotAvailableError, match="the hub was not asked"):
        load_reranker("some-org/some-reranker", local_files_only=True)


# Models that sentence-transformers loads without an error and that cannot rerank. Folders, so no process of
# their own is needed.


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "some-model"
    folder.mkdir()
    return folder


def refusal(folder):
    with pytest.raises(UnsuitableModelError) as refused:
        load_reranker(str(folder))
    message = str(refused.value)
    assert (
        str(folder) in message
        and "Take a model that was trained as a cross-encoder" in message
        and DEFAULT_RERANKER in message
    )
    return message


def test_a_bi_encoder_is_refused(folder):
    toy_hub.write_bi_encoder(folder)
    message = refusal(folder)
    assert "is a bi-encoder" in message and "modules.json lists Pooling" in message
    assert (
        "classifier.bias, classifier.weight would be random numbers" in message
        and "load_embedder(" in message
    )
    assert load_embedder(str(folder)).encode("w1").shape == (32,), "what the message advises does not work"


def test_the_course_own_embedder_is_refused_as_a_reranker():
    from rerank_course.engine.weights import embedder_folder

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
    assert (
        "gives 3 scores for a pair (LABEL_0, LABEL_1, LABEL_2): it is a classifier with several labels"
        in refusal(folder)
    )


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


@pytest.mark.parametrize("name", [DEFAULT_HOSTED, "rerank-v3.5"])
def test_a_hosted_model_is_not_loaded(name):
    with pytest.raises(UnsuitableModelError, match=f"{name} is a service that is called.*CohereReranker"):
        load_reranker(name)


def test_max_length_can_be_lowered_and_not_raised(reranker):
    short = load_reranker(max_length=64)
    document = "Berlin is a city. " * 50
    cut = " ".join(document.split()[:200])
    assert short.max_seq_length == 64
    assert short.predict(("Berlin", document)) == pytest.approx(
        float(short.predict(("Berlin", cut))), abs=1e-5
    )
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
        "BAAI/bge-reranker-base": "MIT",
        "BAAI/bge-reranker-large": "MIT",
    }
