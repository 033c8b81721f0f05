"""Fine-tune a reranker on a collection's judgements: from a ``Corpus`` to a folder for ``load_reranker``."""

import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rerank_course.engine.hub import token_limit
from rerank_course.engine.kept_scores import KeptScores, scorer_key
from rerank_course.engine.weights import no_progress_bar
from rerank_course.evaluate import answered_queries
from rerank_course.finetune.lists import MINED, TrainingList, training_lists, warn_of_long_pairs
from rerank_course.finetune.model_card import write_card
from rerank_course.finetune.recipe import Recipe
from rerank_course.finetune.split import hold_out
from rerank_course.models import DEFAULT_RERANKER, load_reranker
from rerank_course.rerank import Reranker
from rerank_course.retrieve import Retriever
from rerank_course.texts.beir import Corpus
from rerank_course.texts.trec import Run

if TYPE_CHECKING:  # they import torch, which takes seconds
    from sentence_transformers import CrossEncoder

    from rerank_course.finetune.trainer import Trained

INSTALL = 'pip install "accelerate>=1.15,<2" "datasets>=5,<6" "psutil>=7,<8"'  # what the extra finetune holds
RECORD = "training.json"


class TrainerNotInstalledError(ImportError):
    """A library is missing that sentence-transformers' trainer needs."""


@dataclass(frozen=True)
class FineTuned:
    """A fine-tuned model on disk, and how it came about.

    Attributes:
        folder: takes ``load_reranker``, with either backend.
        recipe: how it was trained.
        trained_on, held_out: query ids.
        losses: ``[{"step": 1, "loss": …, "ranking": …, "distillation": …}, …]``.
        looks: ``[[step, nDCG@10 of the held-out queries], …]``; step 0 is the untouched model, and
            ``kept_step`` the folder's weights, averaged where the recipe says so.
        kept_step: whose weights the folder holds; 0 for the untouched model's, where no look was better.
        seconds: wall-clock time of the training, from the last checkpoint where it was resumed.
        peak_mb: the most memory that the process had, in megabytes.
        resumed: whether it went on from a checkpoint.
    """

    folder: Path
    recipe: Recipe
    trained_on: list[str]
    held_out: list[str]
    losses: list[dict[str, float]]
    looks: list[tuple[int, float]]
    kept_step: int
    seconds: float
    peak_mb: float
    resumed: bool


def fine_tune(
    corpus: Corpus,
    search: Retriever | Run,
    folder: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    model: str = DEFAULT_RERANKER,
    queries: Sequence[str] | None = None,
    untouched: Reranker | None = None,
    show_progress: bool = True,
) -> FineTuned:
    """Train a copy of a reranker on judged queries; the model that it begins with stays as it is.

    Part of the queries is held out and says when to stop (``Recipe.held_out``). Checkpoints stand beside
    ``folder``; a second call goes on from the last one, and where the training was finished, with the same
    texts, judgements and recipe, it gives what stands there. The folder is written whole or not at all.

    Args:
        search: what finds candidates: negatives are mined from it, and its first are reranked at each look.
        folder: where the model goes; must not exist, or hold the result of the same call.
        recipe: ``None`` takes ``Recipe()``.
        model: what to begin with, as ``load_reranker`` takes it.
        queries: ids to train on, the held-out ones among them, without those that you will report; ``None``
            takes all that something answers.
        untouched: scores pairs as the model does before training; ``None`` runs the model, and keeps its
            scores in the model cache.

    Raises:
        TrainerNotInstalledError: accelerate, datasets or psutil is missing.
        UnsuitableJudgementsError, TooFewQueriesError: the judgements cannot be trained on.
        TrainingDivergedError: the loss is no number any more; nothing is written.
        FileExistsError: ``folder`` holds something else. Else as ``load_reranker``.

    Warns:
        UserWarning: queries are left out, pairs are cut, the loss rose, the held-out queries got worse, or
            the untouched model was kept.
    """
    check_installed()
    recipe, folder = recipe or Recipe(), Path(folder).absolute()
    ids = list(queries) if queries is not None else answered_queries(corpus)
    task = _prepared(corpus, search, recipe, model, ids, untouched)
    if finished := _finished(folder, task.key):
        return finished
    work = _work_folder(folder, task.key)
    trained = _trained(task, recipe, work, show_progress)
    record = {"key": task.key, "model": model, "recipe": asdict(recipe), "corpus": corpus.name}
    record |= {"trained_on": [one.query_id for one in task.lists], "held_out": task.held_out}
    _write(folder, task.base, record | asdict(trained))
    shutil.rmtree(work, ignore_errors=True)
    return _read(folder, record | asdict(trained))


def check_installed() -> None:
    """Refuse to go on without the trainer's libraries.

    Raises:
        TrainerNotInstalledError: which one is missing, and how to install it.
    """
    if missing := _missing():
        raise TrainerNotInstalledError(f"Training needs {missing}: {INSTALL}.")


def trainer_is_installed() -> bool:
    """Whether the libraries are here that training needs."""
    return _missing() is None


def _missing() -> str | None:
    return next((name for name in ("accelerate", "datasets", "psutil") if find_spec(name) is None), None)


def first_found(corpus: Corpus, search: Retriever | Run, queries: Sequence[str]) -> dict[str, list[str]]:
    """The ids of the first ``MINED`` documents for each query, best first."""
    if isinstance(search, Mapping):
        return {query: [document for document, _ in search.get(query, [])[:MINED]] for query in queries}
    return {
        query: [chunk.id for chunk, _ in search.search(corpus.queries[query], MINED)] for query in queries
    }


@dataclass(frozen=True)
class _Task:
    """What is trained, on what, and what says when to stop; ``key`` stands for all of it."""

    base: "CrossEncoder"
    model: str
    limit: int
    corpus: Corpus
    lists: list[TrainingList]
    held_out: list[str]
    found: dict[str, list[str]]
    key: str


def _prepared(
    corpus: Corpus,
    search: Retriever | Run,
    recipe: Recipe,
    model: str,
    queries: list[str],
    untouched: Reranker | None,
) -> _Task:
    """Split, search and look at the judgements; nothing is written."""
    trained_on, held_out = hold_out(corpus, queries, recipe.held_out, seed=recipe.seed)
    found = first_found(corpus, search, queries)
    base = load_reranker(model)
    limit = token_limit(base)
    if recipe.max_length > limit:
        raise ValueError(f"max_length must be at most {limit} for {model}, not {recipe.max_length}.")
    # What distillation holds on to is the model's score of what it reads in training, cut there too.
    teacher = KeptScores(load_reranker(model, max_length=recipe.max_length)) if recipe.distillation else None
    lists = training_lists(corpus, trained_on, found, untouched or KeptScores(base), recipe, teacher)
    warn_of_long_pairs(lists, recipe.loss, base.tokenizer, recipe.max_length)
    key = _fingerprint(recipe, lists, held_out, scorer_key(base))
    return _Task(base, model, limit, corpus, lists, held_out, found, key)


def _trained(task: _Task, recipe: Recipe, work: Path, show_progress: bool) -> "Trained":
    """Train the model in place, and give it the weights that the recipe keeps."""
    from rerank_course.finetune.trainer import TrainingDivergedError, average, train
    from rerank_course.finetune.watching import MEASURE, HeldOutLook

    base, look = task.base, HeldOutLook(task.corpus, task.held_out, task.found)
    try:
        trained = train(base, task.lists, look, recipe, work, show_progress=show_progress)
    except TrainingDivergedError:
        shutil.rmtree(work, ignore_errors=True)  # a second call would go on from there
        raise
    if trained.kept_step == 0:
        warnings.warn(
            "No look at the held-out queries was better than the first: the untouched model is kept.",
            stacklevel=3,
        )
    share = recipe.untouched_share if trained.kept_step else 1.0
    if share:
        average(base, load_reranker(task.model, device=str(base.device)).state_dict(), share)
    if share and trained.kept_step:  # the look at this step saw other weights
        trained.looks[:] = sorted((dict(trained.looks) | {trained.kept_step: look(base)[MEASURE]}).items())
    base.max_seq_length = task.limit
    return trained


def _fingerprint(recipe: Recipe, lists: list[TrainingList], held_out: list[str], model: str) -> str:
    """What a result depends on."""
    task = [asdict(recipe), [asdict(one) for one in lists], held_out, model]
    return hashlib.sha256(json.dumps(task).encode()).hexdigest()[:32]


def _finished(folder: Path, key: str) -> FineTuned | None:
    """The result of the same call, if it stands there already."""
    if not folder.exists():
        return None
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {}
    if record.get("key") != key:
        raise FileExistsError(
            f"{folder} exists, and is not the result of this training. Choose another folder, or remove it."
        )
    return _read(folder, record)


def _work_folder(folder: Path, key: str) -> Path:
    """Where checkpoints go; those of another training are removed."""
    work = folder.with_name(f".{folder.name}.training")
    note = work / "key"
    if not note.exists() or note.read_text(encoding="utf-8") != key:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        note.write_text(key, encoding="utf-8")
    return work


def _write(folder: Path, model: "CrossEncoder", record: dict[str, Any]) -> None:
    """Save model, card and record, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with no_progress_bar():
            model.save_pretrained(str(scratch), create_model_card=False)
        (scratch / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        write_card(scratch, record)
        scratch.chmod(0o755)  # mkdtemp makes it private
        os.rename(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _read(folder: Path, record: Mapping[str, Any]) -> FineTuned:
    names = ("trained_on", "held_out", "losses", "kept_step", "seconds", "peak_mb", "resumed")
    return FineTuned(
        folder=folder,
        recipe=Recipe(**record["recipe"]),
        looks=[(step, value) for step, value in record["looks"]],
        **{name: record[name] for name in names},
    )
