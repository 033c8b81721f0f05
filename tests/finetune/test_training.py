"""Trainings of a toy: what is written, what stays, what survives a kill, and what is refused."""

import json
import signal
import subprocess
import sys
import tomllib
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rerank_course.finetune import INSTALL, LOSSES, TrainerNotInstalledError, fine_tune, training
from rerank_course.models import load_reranker
from rerank_course.texts.corpora import load_corpus
from tests.finetune.conftest import QUICK
from tests.finetune.toys import FOUND, TOYS, Counting
from tests.support import ROOT

PAIRS = [
    (TOYS.queries[query], chunk.content)
    for query in list(TOYS.queries)[:3]
    for chunk in TOYS.documents.values()
]
pytestmark = pytest.mark.filterwarnings("ignore:After training", "ignore:The loss rose")


def weights(folder) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


@pytest.mark.heavy
def test_a_folder_for_load_reranker_and_the_model_before_is_kept(tuned, toy_folder, tmp_path):
    before = {path.name: path.read_bytes() for path in toy_folder.iterdir()}
    done = tuned()
    assert {path.name: path.read_bytes() for path in toy_folder.iterdir()} == before
    reranker = load_reranker(str(done.folder))
    assert reranker.max_seq_length == load_reranker(str(toy_folder)).max_seq_length == 512
    assert not np.allclose(reranker.predict(PAIRS), load_reranker(str(toy_folder)).predict(PAIRS), atol=0.1)

    old, new = weights(toy_folder), weights(done.folder)
    moved = {name for name in new if not np.array_equal(old[name], new[name])}
    assert moved and all("layer.1." in name or "pooler" in name or "classifier" in name for name in moved)

    assert [step for step, _ in done.looks][0] == 0 and done.looks[-1][0] == done.kept_step
    assert len(done.losses) == done.kept_step and "distillation" not in done.losses[0]
    assert set(done.trained_on).isdisjoint(done.held_out) and len(done.trained_on + done.held_out) == 20
    assert done.peak_mb > 50 and not done.resumed
    assert "16 judged queries of toys" in (done.folder / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]  # no checkpoint, no scratch

    assert tuned() == done  # finished: nothing is trained again
    with pytest.raises(FileExistsError, match="not the result of this training"):
        tuned(replace(QUICK, epochs=1))
    (done.folder / training.RECORD).write_text("{", encoding="utf-8")
    with pytest.raises(FileExistsError):
        tuned()


@pytest.mark.heavy
@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_learns_what_is_an_answer_and_shows_both_its_parts(tuned, loss):
    size = {"pointwise": 8, "margin": 8}.get(loss, 2)
    done = tuned(replace(QUICK, loss=loss, batch_size=size, epochs=4, distillation=0.01))
    for entry in done.losses:
        assert entry["loss"] == pytest.approx(entry["ranking"] + entry["distillation"], rel=1e-2, abs=1e-2)
    quarter = len(done.losses) // 4
    begin, end = done.losses[:quarter], done.losses[-quarter:]
    assert np.mean([entry["ranking"] for entry in end]) < np.mean([entry["ranking"] for entry in begin])


@pytest.mark.heavy
def test_distillation_holds_the_scores_where_they_were(tuned, toy_folder, tmp_path):
    untouched = load_reranker(str(toy_folder)).predict(PAIRS)
    moved = []
    for weight in (0.0, 100.0):
        done = tuned(replace(QUICK, distillation=weight), tmp_path / str(weight))
        moved.append(np.abs(load_reranker(str(done.folder)).predict(PAIRS) - untouched).mean())
    assert moved[1] < 0.7 * moved[0]


KILLED = """
import os, signal, sys
from rerank_course.finetune import fine_tune, watching
from rerank_course.models import load_reranker
from tests.finetune.conftest import QUICK
from tests.finetune.toys import FOUND, TOYS

def kill(self, args, state, control, **kwargs):
    if state.global_step == 9:
        os.kill(os.getpid(), signal.SIGKILL)

watching.Bar.on_step_end = kill
model, folder = sys.argv[1:]
fine_tune(TOYS, FOUND, folder, QUICK, model=model, untouched=load_reranker(model), show_progress=False)
"""


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform == "win32", reason="no process kills itself so there")
def test_a_killed_training_goes_on_and_ends_where_the_other_does(tuned, toy_folder, tmp_path):
    from rerank_course.finetune import trainer

    whole = tuned(folder=tmp_path / "whole")
    command = [sys.executable, "-c", KILLED, str(toy_folder), str(tmp_path / "tuned")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    work = tmp_path / ".tuned.training"
    assert not (tmp_path / "tuned").exists() and trainer.last_checkpoint(work) is not None
    (work / "checkpoint-99").mkdir()  # as if it had just begun it
    done = tuned()
    assert done.resumed and len(done.losses) == len(whole.losses) and done.looks == whole.looks
    again, other = weights(done.folder), weights(whole.folder)
    assert all(np.allclose(again[name], other[name], atol=1e-5) for name in again)
    assert not work.exists()


@pytest.mark.heavy
def test_the_best_look_is_kept_and_where_none_is_better_the_untouched_model(
    tuned, toy_folder, tmp_path, monkeypatch
):
    from rerank_course.finetune import watching

    def looks(*values):
        given = iter(values)
        return lambda self, model, *_, **__: {"nDCG@10": next(given)}

    recipe = replace(QUICK, patience=2, epochs=4)
    monkeypatch.setattr(watching.HeldOutLook, "__call__", looks(0.5, 0.6, 0.4, 0.3))
    best = tuned(recipe)
    first_look = best.looks[1][0]
    assert best.kept_step == first_look and len(best.looks) == 4

    monkeypatch.setattr(watching.HeldOutLook, "__call__", looks(0.5, 0.5, 0.4, 0.3))
    with pytest.warns(UserWarning, match="the untouched model is kept"):
        none = tuned(recipe, tmp_path / "none")
    assert none.kept_step == 0 and len(none.looks) == 4
    old, new = weights(toy_folder), weights(none.folder)
    assert all(np.array_equal(old[name], new[name]) for name in new)


@pytest.mark.heavy
def test_a_loss_that_is_no_number_ends_the_training_and_leaves_nothing(tuned, tmp_path, monkeypatch):
    from rerank_course.finetune import losses, trainer

    forward = losses.BrakedLoss.forward

    def broken(self, *inputs, **options):
        return {name: part * float("nan") for name, part in forward(self, *inputs, **options).items()}

    monkeypatch.setattr(losses.BrakedLoss, "forward", broken)
    with pytest.raises(trainer.TrainingDivergedError, match="At step 1 .* below 0.001"):
        tuned()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.heavy
def test_weights_in_between_and_less_memory_give_the_same(tuned, toy_folder, tmp_path, monkeypatch):
    from rerank_course.finetune import trainer

    trained = weights(tuned(folder=tmp_path / "trained").folder)
    monkeypatch.setattr(trainer, "ROOM", 0)  # computed twice in place of kept
    half = weights(tuned(replace(QUICK, untouched_share=0.5), tmp_path / "half").folder)
    old = weights(toy_folder)
    assert all(np.allclose(half[name], (old[name] + trained[name]) / 2, atol=1e-5) for name in half)


@pytest.mark.heavy
def test_the_look_that_is_kept_is_of_the_averaged_weights(tuned, tmp_path, monkeypatch):
    from rerank_course.finetune import watching

    seen = []

    def look(self, model, *_, **__):
        seen.append(float(np.sum([weight.double().abs().sum() for weight in model.state_dict().values()])))
        return {"nDCG@10": len(seen) / 10}

    monkeypatch.setattr(watching.HeldOutLook, "__call__", look)
    done = tuned(replace(QUICK, untouched_share=0.5), tmp_path / "half")
    saved = sum(np.abs(weight.astype(float)).sum() for weight in weights(done.folder).values())
    assert dict(done.looks)[done.kept_step] == len(seen) / 10
    assert seen[-1] == pytest.approx(saved, abs=1e-3) and seen[-1] != pytest.approx(seen[-2], abs=1e-3)
    assert f"{len(seen) / 10:.3f} after step {done.kept_step}" in (done.folder / "README.md").read_text()


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["bert", "electra", "distilbert", "roberta", "deberta-v2", "modernbert"])
def test_the_lowest_layers_of_each_architecture_can_be_frozen(kind):
    from rerank_course.finetune.trainer import freeze
    from tests.support.toy_encoders import ARCHITECTURES

    _, model = ARCHITECTURES[kind]()
    toy = SimpleNamespace(model=model, config=model.config)
    freeze(toy, 1)
    free = {name for name, weight in model.named_parameters() if weight.requires_grad}
    frozen = {name for name, _ in model.named_parameters()} - free
    assert any(".0." in name for name in frozen) and not any(".1." in name for name in frozen)
    assert any("embeddings" in name for name in frozen) and not any("classifier" in name for name in frozen)
    assert any(".1." in name for name in free) and not any(".0." in name for name in free if "layer" in name)
    freeze(toy, 0)
    assert all(weight.requires_grad for weight in model.parameters())
    with pytest.raises(ValueError, match="frozen_layers must be below 2"):
        freeze(toy, 2)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["bert", "electra", "distilbert", "roberta", "deberta-v2", "modernbert"])
def test_the_frozen_part_runs_once_for_each_pair_and_scores_stay(kind, tmp_path):
    from rerank_course.finetune.frozen_part import frozen_part_kept, layers_of
    from tests.support import toy_encoders

    toy_encoders.write(kind, tmp_path / kind)
    model = load_reranker(str(tmp_path / kind))
    some = toy_encoders.pairs(24)
    plain = model.predict(some, batch_size=5)
    runs = []
    deepest = next(part for part in layers_of(model)[0].modules() if isinstance(part, torch.nn.Linear))
    listening = deepest.register_forward_hook(lambda *_: runs.append(1))
    with frozen_part_kept(model, 1):
        assert np.allclose(model.predict(some, batch_size=7), plain, atol=1e-4)
        ran = len(runs)
        assert ran and np.allclose(model.predict(some[::-1], batch_size=3)[::-1], plain, atol=1e-4)
        assert len(runs) == ran
        model.train()
        model(model.preprocess(some[:2]))[
            "scores"
        ].sum().backward()  # what was kept for looks can be trained on
    listening.remove()
    assert np.allclose(model.predict(some, batch_size=5), plain, atol=1e-6)


@pytest.mark.heavy
def test_what_cannot_be_trained_is_refused_before_anything_is_written(tuned, tmp_path):
    with pytest.raises(ValueError, match="max_length must be at most 512"):
        tuned(replace(QUICK, max_length=600))
    with pytest.raises(ValueError, match="3 judged queries"):
        tuned(queries=["q0", "q1", "q2"])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_named_with_what_installs_it(monkeypatch, tmp_path):
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    with pytest.raises(TrainerNotInstalledError, match="Training needs accelerate: pip install"):
        fine_tune(TOYS, FOUND, tmp_path / "tuned", QUICK, untouched=Counting())


def test_the_message_asks_for_what_the_extra_holds():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = " ".join(f'"{package}"' for package in extras["optional-dependencies"]["finetune"])
    assert f"pip install {wanted}" == INSTALL


@pytest.mark.heavy
def test_the_packaged_model_takes_a_few_steps(tuned):
    handbook = load_corpus("handbook")
    queries = list(handbook.queries)[:12]
    found = {query: [(document, 0.0) for document in handbook.qrels.get(query, {})] for query in queries}
    recipe = replace(QUICK, loss="listwise", learning_rate=1e-5, epochs=1, batch_size=8, max_length=64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = tuned(
            replace(recipe, frozen_layers=10, negatives=2),
            corpus=handbook,
            search=found,
            model="ms-marco-MiniLM-L12-v2",
            queries=[query for query in queries if max(handbook.qrels.get(query, {"": 0}).values()) >= 2],
        )
    berlin = [("How many people live in Berlin?", "Berlin had a population of 3,520,031 inhabitants.")]
    assert load_reranker(str(done.folder)).predict(berlin)[0] > 5
    assert "license: apache-2.0" in (done.folder / "README.md").read_text(encoding="utf-8")
    assert json.loads((done.folder / training.RECORD).read_text())["model"] == "ms-marco-MiniLM-L12-v2"
