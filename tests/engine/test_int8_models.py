"""Any cross-encoder in int8: toys of each architecture against torch, and the folders they stand in."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder

from rerank_course.engine import hub, int8_models, weights
from rerank_course.engine.cache import CACHE_VARIABLE, WeightsError
from rerank_course.engine.compiled_graphs import padded_length
from rerank_course.engine.hub import ModelNotAvailableError, UnsuitableModelError
from rerank_course.models import load_reranker
from tests.support import toy_encoders, toy_hub

pytestmark = pytest.mark.heavy  # each makes or loads a model, if only a toy

CALIBRATION = toy_encoders.pairs(100)
KINDS = [*toy_encoders.ARCHITECTURES, "modular"]
# What the toys differ in: inputs, tokens, padding, activation.
EXPECTED = {
    "bert": (3, 512, 0, "identity"),
    "electra": (3, 512, 0, "identity"),
    "distilbert": (2, 512, 0, "identity"),
    "roberta": (2, 512, 1, "sigmoid"),
    "xlm-roberta": (2, 512, 1, "sigmoid"),
    "deberta-v2": (2, 512, 0, "identity"),
    "modernbert": (2, 4096, 1, "identity"),
    "modular": (2, 4096, 1, "identity"),
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A hub's cache and a model cache for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("machine")
        patch.setenv("SENTENCE_TRANSFORMERS_HOME", str(root / "hub"))
        patch.setenv(CACHE_VARIABLE, str(root / "cache"))
        patch.setattr(hub, "why_no_hub", lambda: "the hub was not asked.")
        yield root


@pytest.fixture(scope="module", params=KINDS)
def toy(request, machine):
    """A toy of each architecture in torch and in int8, from the hub's cache."""
    kind, name = request.param, f"toy/{request.param}"
    toy_encoders.write(kind, toy_hub.snapshot(machine / "hub", name))
    return kind, load_reranker(name), load_reranker(name, backend="int8", calibration=CALIBRATION)


def logits(reranker, pairs):
    return reranker.predict(pairs, activation_fn=torch.nn.Identity())


def test_scores_are_those_of_torch_within_the_error_it_says(toy):
    kind, reranker, fast = toy
    pairs = toy_encoders.pairs(200)[120:]
    exact, rounded = logits(reranker, pairs), logits(fast, pairs)
    error = int8_models.int8_model(f"toy/{kind}", CALIBRATION).error
    assert exact.std() > 1, "a toy whose scores hardly differ shows nothing"
    assert np.sqrt(np.mean((exact - rounded) ** 2)) < 2 * error["rms"] + 1e-3
    assert 0 < error["rms"] <= 0.1 * error["spread"] and error["max"] < 1 and error["tau"] > 0.8
    activated = reranker.predict(pairs)
    assert fast.predict(pairs) == pytest.approx(activated, abs=3 * error["max"])
    assert (activated.min() >= 0 and activated.max() <= 1) == (EXPECTED[kind][3] == "sigmoid")


def test_what_is_kept_about_it(toy):
    kind, reranker, fast = toy
    model = int8_models.int8_model(f"toy/{kind}", CALIBRATION)
    inputs, max_tokens, pad_id, activation = EXPECTED[kind]
    assert model.inputs == ("input_ids", "attention_mask", "token_type_ids")[:inputs]
    assert (model.max_tokens, model.pad_id, model.activation) == (max_tokens, pad_id, activation)
    assert fast.max_seq_length == max_tokens <= reranker.max_seq_length
    names = {"model.xml", "model.bin", "float.xml", "float.bin", "tokenizer.json", "config.json"}
    assert names <= {path.name for path in model.folder.iterdir()}


def test_the_fast_tokenizer_gives_the_same_tokens(toy):
    """Strange texts, and pairs that have to be cut, from either side."""
    from rerank_course.engine import float_graph

    kind, reranker, _ = toy
    model = int8_models.int8_model(f"toy/{kind}", CALIBRATION)
    fast = float_graph.encoder(model)
    long = [("one two " * 2500, "three four"), ("three", "one two " * 2500), ("a b " * 2000, "c d " * 2000)]
    reranker.max_seq_length = model.max_tokens
    for pair in [*float_graph.STRANGE, *long]:
        tokens = reranker.preprocess([pair])
        assert tokens["input_ids"][0].tolist() == fast.encode(*pair).ids, pair
        if "token_type_ids" in model.inputs:
            assert tokens["token_type_ids"][0].tolist() == fast.encode(*pair).type_ids, pair


def test_padding_moves_no_score(toy):
    """The float32 graph on each length round a padded one; torch never pads a single pair."""
    from rerank_course.engine import float_graph

    kind, reranker, _ = toy
    model = int8_models.int8_model(f"toy/{kind}", CALIBRATION)
    fast, score = float_graph.encoder(model), float_graph.scorer(model.folder / "float.xml")
    pairs = [("limit", "days off and pay " * n + "x" * more) for n in (2, 9, 30) for more in range(6)]
    lengths = {len(fast.encode(*pair).ids) for pair in pairs}
    assert any(length != padded_length(length) for length in lengths) and len(lengths) > 5
    found = [score(float_graph.tensors(model, pair, fast)) for pair in pairs]
    assert found == pytest.approx(logits(reranker, pairs).tolist(), abs=1e-3)


def test_as_long_as_it_can_read(toy):
    kind, reranker, fast = toy
    long = [("limit " * 3, "days off and pay " * 400)]
    reranker.max_seq_length = 512
    fast.max_seq_length = 512
    model = int8_models.int8_model(f"toy/{kind}", CALIBRATION)
    assert logits(fast, long) == pytest.approx(logits(reranker, long), abs=5 * model.error["max"])


# Folders: which model stands where.


@pytest.fixture
def folder(machine, tmp_path):
    """A toy of its own, and its name is that of others."""
    folder = tmp_path / "same-name"
    folder.mkdir()
    toy_encoders.write("bert", folder)
    return folder


def test_the_second_call_makes_nothing_and_other_weights_make_another(folder, monkeypatch):
    first = int8_models.int8_model(str(folder), CALIBRATION)
    monkeypatch.setattr(int8_models, "make", lambda target, task: pytest.fail("made again"))
    assert int8_models.int8_model(str(folder), CALIBRATION) == first
    assert first.error == json.loads((first.folder / "engine.json").read_text())["error"]

    def other(target, task):
        shutil.copy(first.folder / "engine.json", target)

    monkeypatch.setattr(int8_models, "make", other)
    changed = int8_models.int8_model(str(folder), CALIBRATION[1:])
    on_handbook = int8_models.int8_model(str(folder))
    shutil.rmtree(folder)
    folder.mkdir()
    toy_encoders.write("bert", folder, seed=2)
    retrained = int8_models.int8_model(str(folder), CALIBRATION)
    monkeypatch.setattr(int8_models, "version", lambda maker: "another")
    newer = int8_models.int8_model(str(folder), CALIBRATION)
    made = [first, changed, on_handbook, retrained, newer]
    assert len({model.folder for model in made}) == 5


def test_what_does_not_change_a_model_makes_no_other(folder, monkeypatch):
    def write(target, task):
        (target / "engine.json").write_text(json.dumps(FACTS), encoding="utf-8")

    monkeypatch.setattr(int8_models, "make", write)
    first = int8_models.int8_model(str(folder))
    (folder / "README.md").write_text("A card.", encoding="utf-8")
    (folder / "checkpoint-10").mkdir()
    (folder / "checkpoint-10" / "model.safetensors").write_bytes(b"older")
    assert int8_models.int8_model(str(folder)).folder == first.folder


FACTS = {
    "name": "x",
    "inputs": ["input_ids"],
    "max_tokens": 8,
    "pad_id": 0,
    "precision": "f32",
    "activation": "identity",
    "error": {"pairs": 1},
}


def test_two_processes_at_once_make_one(folder, machine):
    code = (
        "import sys; from rerank_course.engine.int8_models import int8_model; "
        "from tests.support.toy_encoders import pairs; print(int8_model(sys.argv[1], pairs(100)).folder)"
    )
    command = [sys.executable, "-c", code, str(folder)]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    answers = [process.communicate(timeout=300) for process in started]
    assert answers[0][0] == answers[1][0] != ""
    assert sum("Preparing" in err for _, err in answers) == 1


def test_a_cache_that_cannot_be_written_says_so(folder, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=f"cannot be written.*{CACHE_VARIABLE}"):
        int8_models.int8_model(str(folder), CALIBRATION)


# What is refused.


def refusal(folder, **options):
    with pytest.raises(UnsuitableModelError) as refused:
        int8_models.int8_model(str(folder), **options)
    return str(refused.value)


def test_several_labels(machine, tmp_path):
    toy_hub.write_bert(tmp_path, labels=3)
    assert "gives 3 scores for a pair" in refusal(tmp_path)


def test_an_architecture_that_it_does_not_know(machine, tmp_path):
    from transformers import MPNetConfig, MPNetForSequenceClassification

    toy_encoders.wordpiece().save_pretrained(tmp_path)
    MPNetForSequenceClassification(
        MPNetConfig(vocab_size=toy_encoders.WORDS, num_labels=1, **toy_encoders.SIZES)
    ).save_pretrained(tmp_path)
    message = refusal(tmp_path)
    assert "its architecture is mpnet; known are the encoders bert," in message
    assert 'backend="torch" runs it as it is' in message


def test_an_error_that_is_too_large_is_refused_with_the_figure(machine, tmp_path):
    """Its attention jumps from one token to another."""
    toy_encoders.write("bert", tmp_path, sharp=4)
    message = refusal(tmp_path, calibration=CALIBRATION)
    assert "held-out pairs 8 bits move its scores by" in message and "may be 10% of that" in message


def test_a_model_that_is_not_here(machine):
    with pytest.raises(ModelNotAvailableError, match="toy/none is not on this machine"):
        int8_models.int8_model("toy/none", local_files_only=True)


def test_the_packaged_model_with_other_weights(machine, tmp_path):
    """Perturbed by 2 % of each matrix's deviation: another model, made by the general recipe."""
    reranker = CrossEncoder(str(weights.reranker_folder()), device="cpu")
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in reranker.model.parameters():
            if weight.dim() == 2:
                weight.add_(0.02 * weight.std() * torch.randn_like(weight))
    reranker.save_pretrained(str(tmp_path / "perturbed"))
    texts = toy_encoders.pairs(60, words=200)
    fast = load_reranker(str(tmp_path / "perturbed"), backend="int8", calibration=texts)
    pairs = toy_encoders.pairs(120, words=300)[80:]
    assert logits(fast, pairs) == pytest.approx(logits(reranker, pairs), abs=0.6)
    error = int8_models.int8_model(str(tmp_path / "perturbed"), texts).error
    assert error["rms"] < 0.1 and error["max"] < 0.5
