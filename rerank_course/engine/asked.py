"""What a call of ``predict`` asks for, and its answer in the form that ``CrossEncoder.predict`` gives."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from rerank_course.engine.drop_in import refuse_device
from rerank_course.engine.pair_queue import Pair

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

Activation = str | Callable[[Any], Any] | None  # a name is computed without torch
NAMED = ("identity", "sigmoid")


class Usual(NamedTuple):
    """What a reranker does unless it is told otherwise."""

    activation: Activation
    prompts: Mapping[str, str]
    prompt_name: str | None


class Asked(NamedTuple):
    """A call that has been checked.

    Attributes:
        pairs: (query, document) texts.
        is_one: one pair was given, not a list.
        activation: what is applied to the logits.
        form: ``"numpy"``, ``"tensor"``, or ``"list"`` of tensors.
        limit: tokens that a pair may have; ``None`` for the reranker's own.
        shows_bar: a progress bar is wanted.
    """

    pairs: list[Pair]
    is_one: bool
    activation: Activation
    form: str
    limit: int | None
    shows_bar: bool

    def answer(self, logits: np.ndarray) -> Any:
        """Scores, as they were asked for.

        Args:
            logits: float32, of shape (pairs,).
        """
        if not len(logits):
            return self._nothing()
        scores = activated(logits, self.activation)
        if self.form == "numpy":
            scores = scores if isinstance(scores, np.ndarray) else scores.float().cpu().numpy()
        else:
            scores = _tensor(scores)
            scores = scores if self.form == "tensor" else list(scores)
        return scores[0] if self.is_one else scores

    def _nothing(self) -> Any:
        if self.form == "numpy":
            return np.array([])
        return _tensor(np.array([], dtype=np.float32)) if self.form == "tensor" else []


def understood(
    inputs: Any,
    prompt_name: str | None = None,
    prompt: str | None = None,
    batch_size: int = 32,
    show_progress_bar: bool | None = None,
    activation_fn: Any = None,
    apply_softmax: Any = False,
    convert_to_numpy: bool = True,
    convert_to_tensor: bool = False,
    device: Any = None,
    pool: Any = None,
    chunk_size: Any = None,
    *,
    usual: Usual,
    **more: Any,
) -> Asked:
    """What ``predict`` was given, checked; ``usual`` stands in for what it was not given.

    Raises:
        TypeError, ValueError: as ``Int8Reranker.predict``.
    """
    if batch_size <= 0:
        raise ValueError(f"batch_size must be a positive integer, got {batch_size}.")
    refuse_device(device)
    if pool is not None:
        raise ValueError(
            "The int8 engine has no pool of processes: it uses all cores by itself. Leave pool out; "
            "threads= of Int8Reranker sets how many."
        )
    limit = _limit(more)
    pairs, is_one = pairs_of(inputs)
    return Asked(
        pairs=_with_prompt(pairs, _prompt(prompt, prompt_name, usual)),
        is_one=is_one,
        activation=usual.activation if activation_fn is None else checked_activation(activation_fn),
        form="tensor" if convert_to_tensor else "numpy" if convert_to_numpy else "list",
        limit=limit,
        shows_bar=logger.isEnabledFor(logging.INFO) if show_progress_bar is None else show_progress_bar,
    )


def pairs_of(inputs: Any) -> tuple[list[Pair], bool]:
    """Pairs from whatever holds them, and whether it was one pair alone.

    Raises:
        TypeError: something that is not a pair of strings; the message says where.
    """
    if isinstance(inputs, np.ndarray):
        inputs = inputs.tolist()
    if isinstance(inputs, (str, bytes)) or not isinstance(inputs, Iterable):
        raise TypeError(f"inputs must be pairs, (query, document), not {inputs!r:.80}.")
    pairs = list(inputs)
    is_one = len(pairs) == 2 and all(isinstance(text, str) for text in pairs)
    if is_one:
        return [(str(pairs[0]), str(pairs[1]))], True
    return [_pair(pair, position) for position, pair in enumerate(pairs)], False


def _pair(pair: Any, position: int) -> Pair:
    is_pair = isinstance(pair, (tuple, list, np.ndarray)) and len(pair) == 2
    if not (is_pair and all(isinstance(text, str) for text in pair)):
        raise TypeError(f"inputs[{position}] must be two strings, (query, document), not {pair!r:.80}.")
    return str(pair[0]), str(pair[1])


def _prompt(prompt: str | None, name: str | None, usual: Usual) -> str | None:
    if prompt is not None:
        return prompt
    name = usual.prompt_name if name is None else name
    if name is not None and name not in usual.prompts:
        raise ValueError(f"Prompt name {name!r} is not among this reranker's prompts: {list(usual.prompts)}.")
    return None if name is None else usual.prompts[name]


def _with_prompt(pairs: list[Pair], prompt: str | None) -> list[Pair]:
    """The prompt in front of the first text, as ``CrossEncoder`` puts it."""
    return [(prompt + query, document) for query, document in pairs] if prompt else pairs


def _limit(keywords: dict[str, Any]) -> int | None:
    """The length limit among what ``predict`` was given beyond its own keywords.

    ``max_length=64`` and ``processing_kwargs={"text": {"max_length": 64}}`` mean the same.

    Raises:
        TypeError: an unknown keyword.
        ValueError: a setting that this engine does not have.
    """
    keywords = dict(keywords)
    limit, processing = keywords.pop("max_length", None), keywords.pop("processing_kwargs", None)
    if keywords:
        raise TypeError(f"predict has no keyword {next(iter(keywords))!r} in the int8 engine.")
    settings = {
        f"{kind}.{name}": value
        for kind, values in (processing or {}).items()
        for name, value in values.items()
    }
    limit = settings.pop("text.max_length", limit)
    usual = {
        "text.truncation": (True, "longest_first"),
        "text.padding": (True, "longest"),
        "common.return_tensors": ("pt",),
    }
    for name, value in settings.items():
        if value not in usual.get(name, ()):
            raise ValueError(
                f"processing_kwargs: the int8 engine cannot set {name} to {value!r:.80}. "
                "It takes text.max_length; load the model without backend='int8' for other settings."
            )
    return limit


def checked_activation(activation: Any) -> Activation:
    """A function, or ``None`` for none.

    Raises:
        TypeError: something that cannot be called.
    """
    if activation is not None and activation not in NAMED and not callable(activation):
        raise TypeError(f"activation_fn must be a function or None, not {activation!r:.80}.")
    return cast(Activation, activation)


def activation_module(activation: Activation) -> Callable[[Any], Any] | None:
    """A named activation as the torch module that ``CrossEncoder`` has in its place."""
    if not isinstance(activation, str):
        return activation
    import torch

    return {"identity": torch.nn.Identity, "sigmoid": torch.nn.Sigmoid}[activation]()


def activated(logits: np.ndarray, activation: Activation) -> Any:
    """Scores of shape (pairs,); a function gets and gives tensors, of shape (pairs, 1) as in CrossEncoder."""
    if activation is None or activation == "identity":
        return logits
    if activation == "sigmoid":
        with np.errstate(over="ignore"):
            return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
    import torch

    function = cast(Callable[[Any], Any], activation)
    with torch.inference_mode():
        scores = function(torch.from_numpy(logits)[:, None])
        return scores.squeeze(-1) if scores.ndim > 1 else scores


def _tensor(scores: Any) -> "torch.Tensor":
    import torch

    return torch.from_numpy(scores) if isinstance(scores, np.ndarray) else scores
