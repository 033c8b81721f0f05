"""sentence-transformers' trainer, set up from a recipe; checkpoints, and what a killed run left of them."""

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from transformers import EarlyStoppingCallback, PrinterCallback

from rerank_course.engine.weights import no_progress_bar
from rerank_course.finetune.frozen_part import frozen_part_kept, layers_of
from rerank_course.finetune.lists import TrainingList, examples
from rerank_course.finetune.losses import BrakedLoss
from rerank_course.finetune.recipe import Recipe
from rerank_course.finetune.watching import MEASURE, Bar, HeldOutLook, LossWatch, MemoryWatch

LOOKS_PER_EPOCH = 2
AT_ONCE = {"pointwise": 4, "margin": 2, "pairwise": 1, "listwise": 1}  # rows in memory; the rest adds up
ROOM = 1.8e9  # bytes for what a backward pass needs; with the rest of the process that stays below 4 GB
ROUNDING = 1e-9
STATE_FILE = "trainer_state.json"  # the last that a checkpoint gets


class TrainingDivergedError(RuntimeError):
    """The loss became infinite or not a number."""


@dataclass(frozen=True)
class Trained:
    """What a training did.

    Attributes:
        losses: ``[{"step": 1, "loss": …, "ranking": …, "distillation": …}, …]``.
        looks: ``[(step, nDCG@10 of the held-out queries), …]``; step 0 is the untouched model.
        kept_step: whose weights the model now has; 0 for the untouched model's.
        seconds: wall-clock time of this call.
        peak_mb: the most memory that this process had, in megabytes.
        resumed: whether a checkpoint was gone on from.
    """

    losses: list[dict[str, float]]
    looks: list[tuple[int, float]]
    kept_step: int
    seconds: float
    peak_mb: float
    resumed: bool


def train(
    model: CrossEncoder,
    lists: Sequence[TrainingList],
    held_out: HeldOutLook,
    recipe: Recipe,
    folder: Path,
    *,
    show_progress: bool = True,
) -> Trained:
    """Train a model in place, or go on from the last whole checkpoint in ``folder``.

    Raises:
        TrainingDivergedError: the loss is no number any more.

    Warns:
        UserWarning: the loss ends higher than it began, or the last look is worse than the first.
    """
    began, memory, watch = time.perf_counter(), MemoryWatch(), LossWatch()
    model.max_seq_length = recipe.max_length
    freeze(model, recipe.frozen_layers)
    trainer = _trainer(model, lists, held_out, recipe, folder, memory)
    trainer.add_callback(Bar(show_progress))
    trainer.add_callback(watch)
    is_large = _needed_bytes(model, lists, recipe) > ROOM
    if is_large:
        model.model.activation_checkpointing_enable()  # keeps less, and computes it again
    checkpoint = last_checkpoint(folder)
    with no_progress_bar(), frozen_part_kept(model, recipe.frozen_layers):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    memory()
    if is_large:
        model.model.activation_checkpointing_disable()
    model.eval()
    if watch.lost_at is not None:
        raise TrainingDivergedError(
            f"At step {watch.lost_at} the loss is no finite number any more. Nothing is kept of this "
            f"training. Take a learning rate below {recipe.learning_rate:g}, or a shorter training."
        )
    seconds = time.perf_counter() - began
    return _account(trainer.state, recipe, seconds, memory.peak, resumed=checkpoint is not None)


def _trainer(
    model: CrossEncoder,
    lists: Sequence[TrainingList],
    held_out: HeldOutLook,
    recipe: Recipe,
    folder: Path,
    memory: MemoryWatch,
) -> CrossEncoderTrainer:
    from datasets import Dataset

    rows = examples(lists, recipe.loss)
    trainer = CrossEncoderTrainer(
        model,
        _arguments(recipe, len(rows), folder),
        train_dataset=Dataset.from_list(rows),
        loss=BrakedLoss(model, recipe.loss, recipe.distillation, memory),
        evaluator=held_out,
        callbacks=[] if recipe.patience is None else [EarlyStoppingCallback(recipe.patience)],
    )
    trainer.remove_callback(PrinterCallback)  # the bar says what it would print
    return trainer


def _account(state: Any, recipe: Recipe, seconds: float, peak_mb: float, *, resumed: bool) -> Trained:
    """What the trainer's state says of a training that is done."""
    losses = [_entry(log) for log in state.log_history if "loss" in log]
    looks = {log["step"]: log[f"eval_{MEASURE}"] for log in state.log_history if f"eval_{MEASURE}" in log}
    _warn_of_loss(losses, looks)
    kept = _kept_step(recipe, state, looks)
    return Trained(losses, sorted(looks.items()), kept, seconds, peak_mb, resumed)


def _arguments(recipe: Recipe, rows: int, folder: Path) -> CrossEncoderTrainingArguments:
    at_once = min(AT_ONCE[recipe.loss], recipe.batch_size)
    added_up = max(1, recipe.batch_size // at_once)
    looks, steps = recipe.epochs * LOOKS_PER_EPOCH, recipe.epochs * math.ceil(rows / (at_once * added_up))
    look = max(1, round(steps / looks))
    return CrossEncoderTrainingArguments(
        output_dir=str(folder),
        max_steps=look * looks if steps >= looks else steps,  # so that the last look is at the last step
        learning_rate=recipe.learning_rate,
        warmup_steps=0.1,  # a share
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=added_up,
        seed=recipe.seed,
        eval_on_start=True,
        eval_strategy="steps",
        eval_steps=look,
        save_strategy="steps",
        save_steps=look,
        save_total_limit=1,
        load_best_model_at_end=recipe.patience is not None,
        metric_for_best_model=MEASURE,
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_steps=1,
        logging_nan_inf_filter=False,
        dataloader_pin_memory=False,
        report_to="none",
        disable_tqdm=True,
    )


def _needed_bytes(model: CrossEncoder, lists: Sequence[TrainingList], recipe: Recipe) -> float:
    """About how much a forward pass has to keep for its backward pass: vectors, and each head's attention."""
    longest = max(len(one.documents) for one in lists)
    pairs = {"pointwise": AT_ONCE["pointwise"], "margin": 2 * AT_ONCE["margin"]}.get(recipe.loss, longest)
    config, tokens = model.config, recipe.max_length
    of_a_token = 4 * (20 * config.hidden_size + 3 * config.num_attention_heads * tokens)
    return pairs * tokens * of_a_token * (config.num_hidden_layers - recipe.frozen_layers)


def freeze(model: CrossEncoder, layers: int) -> None:
    """Leave the lowest ``layers`` of an encoder, and the embeddings below them, as they are.

    Raises:
        ValueError: it has no more layers than that, or none that can be found.
    """
    encoder, stack, depth = model.model.base_model, layers_of(model), model.config.num_hidden_layers
    if layers and stack is None:
        raise ValueError(f"The layers of {type(encoder).__name__} are not found: use frozen_layers=0.")
    if layers >= depth:
        raise ValueError(f"frozen_layers must be below {depth}, the model's layers, not {layers}.")
    frozen = [*stack[:layers], encoder.get_input_embeddings()] if layers and stack is not None else []
    if layers and hasattr(encoder, "embeddings"):
        frozen.append(encoder.embeddings)
    for parameter in encoder.parameters():
        parameter.requires_grad = True
    for part in frozen:
        for parameter in part.parameters():
            parameter.requires_grad = False


def last_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that was written to its end, or ``None``."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / STATE_FILE).exists()]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def average(model: CrossEncoder, untouched: Mapping[str, torch.Tensor], share: float) -> None:
    """Put the mean of both models' weights into ``model``, ``share`` of it from the untouched one.

    Source: Wortsman and others, 2021, https://arxiv.org/abs/2109.01903.
    """
    trained = model.state_dict()
    mixed = {
        name: torch.lerp(tensor, untouched[name].to(tensor.device), share)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in trained.items()
    }
    model.load_state_dict(mixed)


def _entry(log: Mapping[str, Any]) -> dict[str, float]:
    return {name: log[name] for name in ("step", "loss", "ranking", "distillation") if name in log}


def _kept_step(recipe: Recipe, state: Any, looks: Mapping[int, float]) -> int:
    """The step whose weights the trainer left in the model; 0 if the untouched model's look is as good."""
    if recipe.patience is None:
        return state.global_step
    best = state.best_global_step or 0
    return best if looks[best] > looks[0] + ROUNDING else 0


def _warn_of_loss(losses: Sequence[Mapping[str, float]], looks: Mapping[int, float]) -> None:
    quarter = max(1, len(losses) // 4)
    begin = sum(entry["loss"] for entry in losses[:quarter]) / quarter
    end = sum(entry["loss"] for entry in losses[-quarter:]) / quarter
    if end > begin:
        warnings.warn(
            f"The loss rose from {begin:.3f} to {end:.3f}: the training diverges. Lower the learning rate.",
            stacklevel=6,
        )
    if looks[max(looks)] < looks[min(looks)]:
        warnings.warn(
            f"After training, nDCG@10 of the held-out queries is {looks[max(looks)]:.3f}; before it was "
            f"{looks[min(looks)]:.3f}.",
            stacklevel=6,
        )
