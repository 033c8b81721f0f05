"""The models of the course: what there is to choose from, and how to load it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rerank_course import packaged

if TYPE_CHECKING:  # both import torch, which takes seconds; nothing here needs it before a model is loaded
    from sentence_transformers import CrossEncoder, SentenceTransformer

    from rerank_course.fast import Int8Reranker

DEFAULT_RERANKER = "cross-encoder/ms-marco-MiniLM-L12-v2"
DEFAULT_EMBEDDER = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_HOSTED = "rerank-v5.0-fast"  # rerank_course.hosted
BACKENDS = ("torch", "int8")
_INSTEAD = f"Take a model that was trained as a cross-encoder with one output (on the hub: Text Ranking), for example {DEFAULT_RERANKER}."


@dataclass(frozen=True)
class ModelOption:
    """One row of the catalogue.

    Attributes:
        parameters: in millions; ``None`` where the publisher does not say.
        layers, width: transformer layers and hidden size.
        max_tokens: tokens that query, document and special tokens may use together.
        scores: what ``predict`` returns, ``"logits"`` or ``"0–1"``.
        runs: ``"packaged"`` (its weights install with the course), ``"hub"`` (downloaded once) or ``"hosted"``.
        source: where these facts stand.
    """

    name: str
    publisher: str
    licence: str
    parameters: float | None
    layers: int | None
    width: int | None
    base: str
    languages: str
    max_tokens: int
    scores: str
    runs: str
    source: str


_HUB = "https://huggingface.co/"
CATALOGUE: tuple[ModelOption, ...] = (
    ModelOption(
        "cross-encoder/ms-marco-MiniLM-L6-v2", "Sentence Transformers", "Apache-2.0", 22.7, 6, 384, "MiniLM (BERT)", "en", 512, "logits",
        "hub", _HUB + "cross-encoder/ms-marco-MiniLM-L6-v2",
    ),
    ModelOption(
        DEFAULT_RERANKER, "Sentence Transformers", "Apache-2.0", 33.4, 12, 384, "MiniLM (BERT)", "en", 512, "logits",
        "packaged", _HUB + DEFAULT_RERANKER,
    ),
    ModelOption(
        "BAAI/bge-reranker-base", "BAAI", "MIT", 278, 12, 768, "XLM-RoBERTa base", "zh, en", 512, "0–1",
        "hub", _HUB + "BAAI/bge-reranker-base",
    ),
    ModelOption(
        "BAAI/bge-reranker-large", "BAAI", "MIT", 560, 24, 1024, "XLM-RoBERTa large", "zh, en", 512, "0–1",
        "hub", _HUB + "BAAI/bge-reranker-large",
    ),
    ModelOption(
        DEFAULT_HOSTED, "Cohere", "commercial service", None, None, None, "not published", "multilingual", 32_000, "0–1",
        "hosted", "https://docs.cohere.com/docs/rerank",
    ),
)


class ModelNotAvailableError(OSError):
    """A model is not on this machine and cannot be fetched now."""


class UnsuitableModelError(ValueError):
    """A model is here and cannot rerank: it is a bi-encoder, has several labels, an untrained head, or code of its own."""


def load_reranker(
    name: str = DEFAULT_RERANKER, *, backend: str = "torch", device: str | None = None, max_length: int | None = None, local_files_only: bool = False
) -> "CrossEncoder | Int8Reranker":
    """A cross-encoder that is ready to ``predict``.

    Args:
        name: the default needs no network: its weights are packaged. Any other cross-encoder of the hub goes to
            sentence-transformers by its name: first its local copy is tried, then the hub. A folder's path works too.
            ``…-L-6-v2`` and ``…-L6-v2`` (and so for 12) are one model.
        backend: what runs it: ``"torch"`` in float32, or ``"int8"``, which runs the default model only, on the CPU, several
            times as fast; its scores differ a little. Its model is made once, which takes a minute (see ``rerank_course.fast``).
        device: ``"cpu"``, ``"cuda"``, ``"mps"``; ``None`` takes the fastest that torch finds.
        max_length: tokens that query and document may use together; ``None`` takes all that the model has.
        local_files_only: do not ask the hub.

    Returns:
        A ``sentence_transformers.CrossEncoder``, or a ``rerank_course.fast.Int8Reranker``. Its ``predict`` gives what the model's configuration says: logits for ms-marco
        models, 0–1 for bge rerankers.

    Raises:
        ModelNotAvailableError: the model is not on this machine and the hub cannot be reached, or does not have it.
        UnsuitableModelError: it is not a cross-encoder with one trained output. Most such models load without an error elsewhere, and score at random.
        WeightsError: the packaged weights are damaged or the cache folder cannot be written.
        EngineNotInstalledError: ``backend="int8"`` without OpenVINO.
        ValueError: an unknown backend, one that does not run this model, or a ``max_length`` that the model does not have.
    """
    _check_name(name, "load_reranker")
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(map(repr, BACKENDS))}, not {backend!r}.")
    if backend == "int8":
        return _int8_reranker(name, device, max_length)
    if is_hosted(name):
        raise UnsuitableModelError(f"{name} is a service that is called, not a model to load. Use rerank_course.hosted.CohereReranker({name!r}).")
    from sentence_transformers import CrossEncoder

    if is_packaged(name):
        folder = packaged.reranker_folder()
        with packaged.no_progress_bar():
            model = CrossEncoder(str(folder), device=device)
    else:
        model = _from_copy_or_hub(CrossEncoder, name, device, local_files_only)
        _check_reranker(model, name)
    return _limit_length(model, max_length)


def is_packaged(name: str) -> bool:
    """Whether this is the reranker whose weights install with the course, in either spelling."""
    return current_name(name) in (DEFAULT_RERANKER, DEFAULT_RERANKER.split("/")[1])


def is_hosted(name: str) -> bool:
    """Whether this is a service's model: a hosted row of the catalogue, or another of Cohere's, which are all called rerank-v…"""
    return name.startswith("rerank-v") or any(option.name == name for option in CATALOGUE if option.runs == "hosted")


def is_local(name: str) -> bool:
    """Whether the hub's cache on this machine holds a configuration and weights of this model, under either spelling. Nothing is loaded."""
    return any(_local_file(spelling, "config.json") and _checkpoint(spelling) for spelling in _spellings(name))


def availability(option: ModelOption) -> str:
    """What it takes to use a row of the catalogue on this machine now. Never shows a key."""
    if option.runs == "packaged":
        return "packaged with the course"
    if option.runs == "hosted":
        return "hosted, CO_API_KEY is set" if os.environ.get("CO_API_KEY", "").strip() else "hosted, needs a key in CO_API_KEY"
    return "found in the local cache" if is_local(option.name) else f"needs fetching: python -m rerank_course fetch {option.name}"


def _int8_reranker(name: str, device: str | None, max_length: int | None) -> "Int8Reranker":
    from rerank_course.fast import Int8Reranker

    if not is_packaged(name):
        raise ValueError(f'backend="int8" runs {DEFAULT_RERANKER} only, not {name}. Leave backend out to run {name} in torch.')
    if device not in (None, "cpu"):
        raise ValueError(f'backend="int8" runs on the CPU, not on {device!r}. Leave device or backend out.')
    return Int8Reranker(max_length)


def load_embedder(name: str = DEFAULT_EMBEDDER, *, device: str | None = None) -> "SentenceTransformer":
    """A bi-encoder that is ready to ``encode``. The default needs no network; other names as in ``load_reranker``.

    Returns:
        A ``sentence_transformers.SentenceTransformer``. The default gives vectors of 384 numbers and length 1, and reads 256 tokens.

    Raises:
        ModelNotAvailableError, WeightsError: as ``load_reranker``.
    """
    _check_name(name, "load_embedder")
    from sentence_transformers import SentenceTransformer

    if name in (DEFAULT_EMBEDDER, DEFAULT_EMBEDDER.split("/")[1]):
        folder = packaged.embedder_folder()
        with packaged.no_progress_bar():
            return SentenceTransformer(str(folder), device=device)
    return _from_copy_or_hub(SentenceTransformer, name, device)


def _check_name(name: Any, function: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"{function} takes a model's name, for example {DEFAULT_RERANKER!r}, not {name!r}.")


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


def _from_copy_or_hub(model_class: type, name: str, device: str | None, local_files_only: bool = False):
    """Load a local copy if there is one, else from the hub.

    The copy comes first because, off line, a look at the hub costs most of a minute of retries before the library
    turns to the copy that it has.
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
        f"{name} is not on this machine, and {reason} Works here without a network: {DEFAULT_RERANKER} (reranker), "
        f"{DEFAULT_EMBEDDER} (embedder). To have {name} here, run once where there is a network: {command} {name} "
        "and, for another machine, copy the hub's cache folder (~/.cache/huggingface/hub, or $HF_HOME/hub) over."
    )


def _open(model_class: type, name: str, device: str | None, **options):
    try:
        with packaged.no_progress_bar():
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


def _check_reranker(model: "CrossEncoder", name: str) -> None:
    """Refuse what sentence-transformers loads without an error although its scores rank nothing."""
    untrained = _untrained_head(model.model)
    if untrained:
        modules = _local_file(model.model.name_or_path, "modules.json")
        if modules is not None and "Pooling" in modules.read_text(encoding="utf-8"):
            raise UnsuitableModelError(
                f"{name} is a bi-encoder: it makes one vector for each text (its modules.json lists Pooling) and has no output for pairs "
                f"({', '.join(untrained)} would be random numbers). For vectors, load_embedder({name!r}). For scores: {_INSTEAD}"
            )
        raise UnsuitableModelError(
            f"{name} has no trained output: its weights lack {', '.join(untrained)}, which would be random numbers, and so would the scores. {_INSTEAD}"
        )
    if model.num_labels > 1:
        labels = ", ".join(map(str, model.config.id2label.values()))
        raise UnsuitableModelError(f"{name} gives {model.num_labels} scores for a pair ({labels}): it is a classifier with several labels. {_INSTEAD}")


def _untrained_head(model) -> list[str]:
    """The weights outside the transformer's body that the checkpoint does not hold; transformers drew them at random when it loaded the model.

    transformers logs them ("MISSING") and gives no other account once sentence-transformers has loaded the model, so the names are compared here.
    Weights that are tied to the body's, as a language model's output can be, are listed with the body only.
    """
    checkpoint = None if model is None else _checkpoint(model.name_or_path)
    if checkpoint is None or not hasattr(model, model.base_model_prefix):
        return []
    head = [name for name, _ in model.named_parameters() if not name.startswith(f"{model.base_model_prefix}.")]
    return sorted(set(head) - _weight_names(checkpoint))


def _checkpoint(name: str) -> Path | None:
    """The file that holds, or lists, a model's weights on this machine: the first that transformers would take."""
    names = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
    return next((file for file in (_local_file(name, filename) for filename in names) if file), None)


def _local_file(name: str, filename: str) -> Path | None:
    """A file of a model that is a folder or stands in the hub's cache, or ``None``."""
    from huggingface_hub import try_to_load_from_cache

    if Path(name).is_dir():
        found = Path(name) / filename
    else:
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


def _limit_length(model: "CrossEncoder", max_length: int | None) -> "CrossEncoder":
    """Set the model's ``max_seq_length`` to what it can read, or to less.

    RoBERTa models count positions from ``pad_token_id + 1``, so 514 positions hold 512 tokens; a tokenizer that does not say
    so would let a long document run past the last one and crash.
    """
    config = model.config
    positions = getattr(config, "max_position_embeddings", None)
    if positions is not None and "roberta" in config.model_type:
        positions -= config.pad_token_id + 1
    limit = min(number for number in (positions, model.max_seq_length) if number is not None)
    if max_length is not None and not 8 <= max_length <= limit:
        raise ValueError(f"max_length must be from 8 to {limit} for this model, not {max_length}.")
    model.max_seq_length = max_length or limit
    return model
