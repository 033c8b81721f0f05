"""The models of the course: what there is to choose from, and how to load it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rerank_course.engine import weights
from rerank_course.engine.hub import (
    UnsuitableModelError,
    check_reranker,
    from_copy_or_hub,
    is_local,
    is_packaged,
    token_limit,
)
from rerank_course.engine.weights import DEFAULT_EMBEDDER, DEFAULT_RERANKER

if TYPE_CHECKING:  # it imports torch, which takes seconds; nothing here needs it before a model is loaded
    from sentence_transformers import CrossEncoder, SentenceTransformer

    from rerank_course.engine.int8 import Int8Reranker

DEFAULT_HOSTED = "rerank-v5.0-fast"  # rerank_course.hosted
BACKENDS = ("torch", "int8")


@dataclass(frozen=True)
class ModelOption:
    """One row of the catalogue.

    Attributes:
        parameters: in millions; ``None`` where the publisher does not say.
        layers, width: transformer layers and hidden size.
        max_tokens: tokens that query, document and special tokens may use together.
        scores: what ``predict`` returns, ``"logits"`` or ``"0–1"``.
        runs: ``"packaged"`` (its weights install with the course), ``"hub"`` (downloaded once) or
            ``"hosted"``.
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
# name, publisher, licence; parameters, layers, width, base; languages, max_tokens, scores, runs; source
# fmt: off
CATALOGUE: tuple[ModelOption, ...] = (
    ModelOption("cross-encoder/ms-marco-MiniLM-L6-v2", "Sentence Transformers", "Apache-2.0",
                22.7, 6, 384, "MiniLM (BERT)", "en", 512, "logits", "hub",
                _HUB + "cross-encoder/ms-marco-MiniLM-L6-v2"),
    ModelOption(DEFAULT_RERANKER, "Sentence Transformers", "Apache-2.0",
                33.4, 12, 384, "MiniLM (BERT)", "en", 512, "logits", "packaged",
                _HUB + DEFAULT_RERANKER),
    ModelOption("BAAI/bge-reranker-base", "BAAI", "MIT",
                278, 12, 768, "XLM-RoBERTa base", "zh, en", 512, "0–1", "hub",
                _HUB + "BAAI/bge-reranker-base"),
    ModelOption("BAAI/bge-reranker-large", "BAAI", "MIT",
                560, 24, 1024, "XLM-RoBERTa large", "zh, en", 512, "0–1", "hub",
                _HUB + "BAAI/bge-reranker-large"),
    ModelOption(DEFAULT_HOSTED, "Cohere", "commercial service",
                None, None, None, "not published", "multilingual", 32_000, "0–1", "hosted",
                "https://docs.cohere.com/docs/rerank"),
)
# fmt: on


def load_reranker(
    name: str | os.PathLike[str] = DEFAULT_RERANKER,
    *,
    backend: str = "torch",
    device: str | None = None,
    max_length: int | None = None,
    local_files_only: bool = False,
    calibration: Sequence[tuple[str, str]] | Sequence[str] | None = None,
) -> "CrossEncoder | Int8Reranker":
    """A cross-encoder that is ready to ``predict``.

    Args:
        name: the default needs no network: its weights are packaged. Any other cross-encoder of the hub goes
            to sentence-transformers by its name: first its local copy is tried, then the hub. A folder's path
            works too. ``…-L-6-v2`` and ``…-L6-v2`` (and so for 12) are one model.
        backend: what runs it: ``"torch"`` in float32, or ``"int8"``, which runs encoders (BERT, RoBERTa,
            XLM-RoBERTa, DistilBERT, ELECTRA, DeBERTa-v2, ModernBERT) with one output on the CPU, several
            times as fast; scores differ a little, and ``repr`` says by how much. Its model is made once,
            which takes a minute for the default and minutes for a large one
            (see ``rerank_course.engine.int8_models``).
        device: ``"cpu"``, ``"cuda"``, ``"mps"``; ``None`` takes the fastest that torch finds.
        max_length: tokens that query and document may use together; ``None`` takes all that the model has.
        local_files_only: do not ask the hub.
        calibration: for ``"int8"``: (query, document) pairs or texts, 20 or more, of the kind that the model
            is to read. It learns from them which numbers occur; ``None`` takes the handbook's passages.

    Returns:
        A ``sentence_transformers.CrossEncoder``, or a ``rerank_course.engine.int8.Int8Reranker``. Its
        ``predict`` gives what the model's configuration says: logits for ms-marco models, 0–1 for bge
        rerankers.

    Raises:
        ModelNotAvailableError: the model is not on this machine and the hub cannot be reached, or does not
        have it. UnsuitableModelError: it is not a cross-encoder with one trained output. Most such models
        load without an error elsewhere, and score at random. Or ``backend="int8"`` does not know its kind,
        or moves its scores too far. WeightsError: the packaged weights are damaged or the cache folder
        cannot be written. EngineNotInstalledError: ``backend="int8"`` without OpenVINO. TypeError,
        ValueError: an unknown backend, a ``max_length`` that the model does not have, a ``calibration`` that
        is not one, or one for torch.
    """
    name = os.fspath(name) if isinstance(name, os.PathLike) else name
    _check_name(name, "load_reranker")
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(map(repr, BACKENDS))}, not {backend!r}.")
    if backend == "int8":
        return _int8_reranker(name, device, max_length, local_files_only, calibration)
    if calibration is not None:
        raise ValueError('calibration is for backend="int8"; torch rounds nothing. Leave it out.')
    return _limit_length(_cross_encoder(name, device, local_files_only), max_length)


def load_embedder(name: str = DEFAULT_EMBEDDER, *, device: str | None = None) -> "SentenceTransformer":
    """A bi-encoder that is ready to ``encode``.

    The default needs no network; for other names see ``load_reranker``.

    Returns:
        A ``sentence_transformers.SentenceTransformer``. The default gives vectors of 384 numbers and length
        1, and reads 256 tokens.

    Raises:
        ModelNotAvailableError, WeightsError: as ``load_reranker``.
    """
    _check_name(name, "load_embedder")
    from sentence_transformers import SentenceTransformer

    if name not in (DEFAULT_EMBEDDER, DEFAULT_EMBEDDER.split("/")[1]):
        return from_copy_or_hub(SentenceTransformer, name, device)
    folder = weights.embedder_folder()
    with weights.no_progress_bar():
        return SentenceTransformer(str(folder), device=device)


def availability(option: ModelOption) -> str:
    """What it takes to use a row of the catalogue on this machine now. Never shows a key."""
    if option.runs == "packaged":
        return "packaged with the course"
    if option.runs == "hosted":
        has_key = os.environ.get("CO_API_KEY", "").strip()
        return "hosted, CO_API_KEY is set" if has_key else "hosted, needs a key in CO_API_KEY"
    if is_local(option.name):
        return "found in the local cache"
    return f"needs fetching: python -m rerank_course fetch {option.name}"


def is_hosted(name: str) -> bool:
    """Whether this is a service's model: a hosted row of the catalogue, or another of Cohere's."""
    hosted = {option.name for option in CATALOGUE if option.runs == "hosted"}
    return name in hosted or name.startswith("rerank-v")  # as all of Cohere's are called


def _cross_encoder(name: str, device: str | None, local_files_only: bool) -> "CrossEncoder":
    _refuse_hosted(name)
    from sentence_transformers import CrossEncoder

    if is_packaged(name):
        folder = weights.reranker_folder()
        with weights.no_progress_bar():
            return CrossEncoder(str(folder), device=device)
    model = from_copy_or_hub(CrossEncoder, name, device, local_files_only)
    check_reranker(model, name)
    return model


def _int8_reranker(
    name: str, device: str | None, max_length: int | None, local_files_only: bool, calibration: Any
) -> "Int8Reranker":
    _refuse_hosted(name)
    if device not in (None, "cpu"):
        raise ValueError(f'backend="int8" runs on the CPU, not on {device!r}. Leave device or backend out.')
    from rerank_course.engine.int8 import Int8Reranker
    from rerank_course.engine.int8_models import int8_model

    return Int8Reranker(max_length, model=int8_model(name, calibration, local_files_only))


def _refuse_hosted(name: str) -> None:
    if is_hosted(name):
        raise UnsuitableModelError(
            f"{name} is a service that is called, not a model to load. "
            f"Use rerank_course.hosted.CohereReranker({name!r})."
        )


def _check_name(name: Any, function: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"{function} takes a model's name, for example {DEFAULT_RERANKER!r}, not {name!r}.")


def _limit_length(model: "CrossEncoder", max_length: int | None) -> "CrossEncoder":
    """Set the model's ``max_seq_length`` to what it can read, or to less."""
    limit = token_limit(model)
    if max_length is not None and not 8 <= max_length <= limit:
        raise ValueError(f"max_length must be from 8 to {limit} for this model, not {max_length}.")
    model.max_seq_length = max_length or limit
    return model
