"""Models of the Hugging Face hub: a local copy first, then the hub; and whether what came can rerank."""

import json
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from rerank_course.engine.weights import DEFAULT_EMBEDDER, DEFAULT_RERANKER, no_progress_bar

if TYPE_CHECKING:  # it imports torch, which takes seconds
    from sentence_transformers import CrossEncoder

_INSTEAD = (
    "Take a model that was trained as a cross-encoder with one output (on the hub: Text Ranking), "
    f"for example {DEFAULT_RERANKER}."
)
_NEEDED_SUFFIXES = {".json", ".txt", ".model", ".jinja"}  # configuration, tokenizer, module settings
_OTHER_ENGINES = {"onnx", "openvino"}  # folders with the same weights for other engines
_CHECKPOINTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


class ModelNotAvailableError(OSError):
    """A model is not on this machine and cannot be fetched now."""


class UnsuitableModelError(ValueError):
    """A model is here and cannot rerank.

    It is a bi-encoder, or has several labels, an untrained head, or code of its own.
    """


def is_local(name: str) -> bool:
    """Whether the hub's cache on this machine holds a model's configuration and weights.

    Either spelling of its name counts. Nothing is loaded.
    """
    return local_folder(name) is not None


def is_packaged(name: str) -> bool:
    """Whether this is the reranker whose weights install with the course, in either spelling."""
    return current_name(name) in (DEFAULT_RERANKER, DEFAULT_RERANKER.split("/")[1])


def local_folder(name: str) -> Path | None:
    """The folder with a model's files: a folder's own path, or a snapshot in the hub's cache.

    ``None`` where it has no configuration or no weights.
    """
    for spelling in _spellings(name):
        configuration = _local_file(spelling, "config.json")
        if configuration and _checkpoint(spelling):
            return configuration.parent
    return None


def needed_files(files: list[str]) -> list[str]:
    """The files of a repository that sentence-transformers reads; none where there are no weights.

    They are weights in one format, configuration, and tokenizer.
    """
    own = [file for file in files if not _OTHER_ENGINES & set(PurePosixPath(file).parts[:-1])]
    safe = [file for file in own if file.endswith(".safetensors")]
    weights = safe or [file for file in own if PurePosixPath(file).match("pytorch_model*.bin")]
    return weights and weights + [file for file in own if PurePosixPath(file).suffix in _NEEDED_SUFFIXES]


def token_limit(model: "CrossEncoder") -> int:
    """How many tokens a model can read: what its tokenizer says, or fewer where it has fewer positions.

    RoBERTa models count positions from ``pad_token_id + 1``, so 514 positions hold 512 tokens; a tokenizer
    that does not say so would let a long document run past the last one and crash.
    """
    config = model.config
    positions = getattr(config, "max_position_embeddings", None)
    if positions is not None and "roberta" in config.model_type:
        positions -= config.pad_token_id + 1
    return min(number for number in (positions, model.max_seq_length) if number is not None)


def current_name(name: str) -> str:
    """The name under which the hub now lists a model: the ms-marco models lost a hyphen in 2025."""
    return name.replace("ms-marco-MiniLM-L-", "ms-marco-MiniLM-L")


def _spellings(name: str) -> list[str]:
    """The name as given, then its other spelling: a local copy may stand under either."""
    current = current_name(name)
    other = current.replace("ms-marco-MiniLM-L", "ms-marco-MiniLM-L-") if name == current else current
    return list(dict.fromkeys([name, other]))


def hub_cache() -> Path:
    """The folder in which sentence-transformers, and so this course, looks for copies of hub models."""
    from huggingface_hub import constants

    return Path(os.environ.get("SENTENCE_TRANSFORMERS_HOME") or constants.HF_HUB_CACHE)


def from_copy_or_hub(model_class: type, name: str, device: str | None, local_files_only: bool = False):
    """Load a local copy if there is one, else from the hub.

    The copy comes first because, off line, a look at the hub costs most of a minute of retries before the
    library turns to the copy that it has.
    """
    for spelling in _spellings(name):
        try:
            return _open(model_class, spelling, device, local_files_only=True)
        except OSError:
            continue
    reason = "the hub was not asked." if local_files_only else why_no_hub()
    if reason is None:
        try:
            return _open(model_class, name, device)
        except OSError as error:
            reason = f"the hub answered: {str(error).strip().splitlines()[0]}"
    command = "python -m rerank_course fetch" if model_class.__name__ == "CrossEncoder" else "hf download"
    raise ModelNotAvailableError(
        f"{name} is not on this machine, and {reason} Works here without a network: {DEFAULT_RERANKER} "
        f"(reranker), {DEFAULT_EMBEDDER} (embedder). To have {name} here, run once where there is a network: "
        f"{command} {name} and, for another machine, copy the hub's cache folder (~/.cache/huggingface/hub, "
        "or $HF_HOME/hub) over."
    )


def _open(model_class: type, name: str, device: str | None, **options):
    try:
        with no_progress_bar():
            return model_class(name, device=device, **options)
    except ValueError as error:
        if "trust_remote_code" not in str(error):
            raise
        raise UnsuitableModelError(
            f"{name} needs program code from its own repository, which this course does not run. {_INSTEAD}"
        ) from error


def why_no_hub() -> str | None:
    """Why the hub cannot be asked, after one quick try; ``None`` if it answers."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE forbids asking the hub."
    try:
        get_session().head(constants.ENDPOINT, timeout=5)
    except Exception as error:  # the HTTP library's own errors, which are not part of the hub's interface
        return f"the hub cannot be reached ({type(error).__name__})."
    return None


def check_reranker(model: "CrossEncoder", name: str) -> None:
    """Refuse what sentence-transformers loads without an error although its scores rank nothing.

    Raises:
        UnsuitableModelError: its output is not trained, or it has several.
    """
    untrained = ", ".join(_untrained_head(model.model))
    if untrained and _is_bi_encoder(model.model.name_or_path):
        raise UnsuitableModelError(
            f"{name} is a bi-encoder: it makes one vector for each text (its modules.json lists Pooling) and "
            f"has no output for pairs ({untrained} would be random numbers). "
            f"For vectors, load_embedder({name!r}). For scores: {_INSTEAD}"
        )
    if untrained:
        raise UnsuitableModelError(
            f"{name} has no trained output: its weights lack {untrained}, which would be random numbers, "
            f"and so would the scores. {_INSTEAD}"
        )
    if model.num_labels > 1:
        labels = ", ".join(map(str, model.config.id2label.values()))
        raise UnsuitableModelError(
            f"{name} gives {model.num_labels} scores for a pair ({labels}): "
            f"it is a classifier with several labels. {_INSTEAD}"
        )


def _is_bi_encoder(name: str) -> bool:
    modules = _local_file(name, "modules.json")
    return modules is not None and "Pooling" in modules.read_text(encoding="utf-8")


def _untrained_head(model) -> list[str]:
    """The weights outside the transformer's body that the checkpoint does not hold.

    transformers drew them at random when it loaded the model. It logs them ("MISSING") and gives no other
    account once sentence-transformers has loaded the model, so the names are compared here. Weights that are
    tied to the body's, as a language model's output can be, are listed with the body only.
    """
    checkpoint = None if model is None else _checkpoint(model.name_or_path)
    if checkpoint is None or not hasattr(model, model.base_model_prefix):
        return []
    body = f"{model.base_model_prefix}."
    head = {name for name, _ in model.named_parameters() if not name.startswith(body)}
    return sorted(head - _weight_names(checkpoint))


def _checkpoint(name: str) -> Path | None:
    """The file that holds, or lists, a model's weights here: the first that transformers would take."""
    return next((file for file in (_local_file(name, filename) for filename in _CHECKPOINTS) if file), None)


def _local_file(name: str, filename: str) -> Path | None:
    """A file of a model that is a folder or stands in the hub's cache, or ``None``."""
    from huggingface_hub import try_to_load_from_cache

    found: Any = Path(name) / filename
    if not Path(name).is_dir():
        found = try_to_load_from_cache(name, filename, cache_dir=hub_cache())
    return Path(found) if isinstance(found, (str, Path)) and Path(found).exists() else None


def _weight_names(checkpoint: Path) -> set[str]:
    if checkpoint.suffix == ".json":
        return set(json.loads(checkpoint.read_text(encoding="utf-8"))["weight_map"])
    if checkpoint.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(checkpoint, framework="pt") as file:
            return set(file.keys())
    import torch

    return set(torch.load(checkpoint, map_location="meta", weights_only=True))
