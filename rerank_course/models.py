"""The models of the course: what there is to choose from, and how to load it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rerank_course import packaged

if TYPE_CHECKING:  # both import torch, which takes seconds; nothing here needs it before a model is loaded
    from sentence_transformers import CrossEncoder, SentenceTransformer

    from rerank_course.fast import Int8Reranker

DEFAULT_RERANKER = "cross-encoder/ms-marco-MiniLM-L12-v2"
DEFAULT_EMBEDDER = "sentence-transformers/all-MiniLM-L6-v2"
BACKENDS = ("torch", "int8")


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
        "rerank-v4.0-fast", "Cohere", "commercial service", None, None, None, "not published", "multilingual", 32_000, "0–1",
        "hosted", "https://docs.cohere.com/docs/rerank",
    ),
)


class ModelNotAvailableError(OSError):
    """A model is not on this machine and cannot be fetched now."""


def load_reranker(
    name: str = DEFAULT_RERANKER, *, backend: str = "torch", device: str | None = None, max_length: int | None = None
) -> "CrossEncoder | Int8Reranker":
    """A cross-encoder that is ready to ``predict``.

    Args:
        name: the default needs no network: its weights are packaged. Any other name goes to sentence-transformers as it
            is: first its local copy is tried, then the hub. A folder's path works too. ``…-L-6-v2`` and ``…-L6-v2``
            (and so for 12) are one model.
        backend: what runs it: ``"torch"`` in float32, or ``"int8"``, which runs the default model only, on the CPU, about twice as fast or more, and
            starts in under a second; its scores differ a little (see ``rerank_course.fast``).
        device: ``"cpu"``, ``"cuda"``, ``"mps"``; ``None`` takes the fastest that torch finds.
        max_length: tokens that query and document may use together; ``None`` takes all that the model has.

    Returns:
        A ``sentence_transformers.CrossEncoder``, or a ``rerank_course.fast.Int8Reranker``. Its ``predict`` gives what the model's configuration says: logits for ms-marco
        models, 0–1 for bge rerankers.

    Raises:
        ModelNotAvailableError: the model is not on this machine and the hub cannot be reached, or does not have it.
        WeightsError: the packaged weights are damaged or the cache folder cannot be written.
        EngineNotInstalledError: ``backend="int8"`` without ONNX Runtime.
        ValueError: an unknown backend, one that does not run this model, or a ``max_length`` that the model does not have.
    """
    _check_name(name, "load_reranker")
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(map(repr, BACKENDS))}, not {backend!r}.")
    if backend == "int8":
        return _int8_reranker(name, device, max_length)
    from sentence_transformers import CrossEncoder

    if _current_name(name) == DEFAULT_RERANKER:
        folder = packaged.reranker_folder()
        with packaged.no_progress_bar():
            model = CrossEncoder(str(folder), device=device)
    else:
        model = _from_copy_or_hub(CrossEncoder, name, device)
    return _limit_length(model, max_length)


def _int8_reranker(name: str, device: str | None, max_length: int | None) -> "Int8Reranker":
    from rerank_course.fast import Int8Reranker

    if _current_name(name) != DEFAULT_RERANKER:
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


def _current_name(name: str) -> str:
    """The name under which the hub now lists a model: the ms-marco models lost a hyphen in 2025."""
    return name.replace("ms-marco-MiniLM-L-", "ms-marco-MiniLM-L")


def _spellings(name: str) -> list[str]:
    """The name as given, then its other spelling: a local copy may stand under either."""
    current = _current_name(name)
    other = current.replace("ms-marco-MiniLM-L", "ms-marco-MiniLM-L-") if name == current else current
    return list(dict.fromkeys([name, other]))


def _from_copy_or_hub(model_class: type, name: str, device: str | None):
    """Load a local copy if there is one, else from the hub.

    The copy comes first because, off line, a look at the hub costs most of a minute of retries before the library
    turns to the copy that it has.
    """
    for spelling in _spellings(name):
        try:
            with packaged.no_progress_bar():
                return model_class(spelling, device=device, local_files_only=True)
        except OSError:
            continue
    reason = _why_no_hub()
    if reason is None:
        try:
            return model_class(name, device=device)
        except OSError as error:
            reason = f"the hub answered: {str(error).strip().splitlines()[0]}"
    raise ModelNotAvailableError(
        f"{name} is not on this machine, and {reason} Works here without a network: {DEFAULT_RERANKER} (reranker), "
        f"{DEFAULT_EMBEDDER} (embedder). To have {name} here, run once where there is a network: hf download {name} "
        "and, for another machine, copy the hub's cache folder (~/.cache/huggingface, or $HF_HOME) over."
    )


def _why_no_hub() -> str | None:
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
