"""What code written for sentence-transformers' ``CrossEncoder`` touches, beside ``predict``.

``CrossEncoder`` here is that of sentence-transformers 6.2. What it has and this engine cannot have says so.
Torch and transformers are imported only by what hands out an object of theirs.
"""

import functools
import logging
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig

logger = logging.getLogger(__name__)

OLD_NAMES = {"sentences": "inputs", "activation_fct": "activation_fn"}  # as CrossEncoder still takes them
WITHOUT_EFFECT = {
    "predict": ("num_workers",),
    "rank": ("num_workers", "apply_softmax", "convert_to_numpy", "convert_to_tensor"),
}


def takes_old_names(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a method take the keywords that ``CrossEncoder`` has renamed, and those that it no longer uses."""

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **keywords: Any) -> Any:
        for old, new in OLD_NAMES.items():
            if old in keywords:
                value = keywords.pop(old)
                keywords.setdefault(new, value)
        for name in WITHOUT_EFFECT["rank" if method.__name__ == "rank" else "predict"]:
            if name in keywords:
                keywords.pop(name)
                logger.warning("%s has no effect in %s, as in CrossEncoder.", name, method.__name__)
        return method(self, *args, **keywords)

    return wrapper


class NoModelCard:
    """Takes what evaluators report. There is no model card to write it to."""

    def set_evaluation_metrics(self, evaluator: Any, metrics: dict, epoch: int = 0, step: int = 0) -> None:
        pass


class DropIn:
    """The names of a ``CrossEncoder`` with one label, on the CPU, for a class that has ``predict``."""

    backend = "int8"
    num_labels = 1
    training = False
    predict: Callable[..., Any]
    max_seq_length: int

    @property
    def _folder(self) -> Path:
        """Of the tokenizer's files and config.json."""
        raise NotImplementedError

    @takes_old_names
    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        return_documents: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Callable | None = None,
        device: Any = None,
        pool: Any = None,
        chunk_size: int | None = None,
    ) -> list[dict[str, Any]]:
        """Documents by falling score, as ``CrossEncoder.rank`` gives them; equal scores keep their order.

        Returns:
            ``[{"corpus_id": place among the documents, "score": float}, …]``, with ``"text"`` where
            ``return_documents`` is true; the first ``top_k``, or all.
        """
        documents = list(documents)
        scores = self.predict(
            [(query, document) for document in documents],
            prompt_name=prompt_name,
            prompt=prompt,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            activation_fn=activation_fn,
            device=device,
            pool=pool,
            chunk_size=chunk_size,
        ).tolist()
        results: list[dict[str, Any]] = [{"corpus_id": i, "score": score} for i, score in enumerate(scores)]
        if return_documents:
            results = [{**result, "text": text} for result, text in zip(results, documents)]
        return sorted(results, key=lambda result: result["score"], reverse=True)[:top_k]

    def evaluate(self, evaluator: Callable[..., Any], output_path: str | None = None) -> Any:
        """What a sentence-transformers evaluator finds; it may write files into ``output_path``."""
        if output_path is not None:
            os.makedirs(output_path, exist_ok=True)
        return evaluator(self, output_path)

    def is_singular_input(self, inputs: Any) -> bool:
        """Whether these are one pair, (query, document), and not several."""
        if hasattr(inputs, "ndim"):
            return inputs.ndim < 2 and inputs.size > 0
        return isinstance(inputs, (list, tuple)) and len(inputs) > 0 and isinstance(inputs[0], str)

    @property
    def max_length(self) -> int:
        """The older name of ``max_seq_length``."""
        return self.max_seq_length

    @max_length.setter
    def max_length(self, tokens: int) -> None:
        self.max_seq_length = tokens

    def get_max_seq_length(self) -> int:
        return self.max_seq_length

    def get_backend(self) -> str:
        return self.backend

    @cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer as transformers knows it, for counting tokens and cutting windows."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self._folder)

    @cached_property
    def config(self) -> "PretrainedConfig":
        """The model's configuration as transformers knows it."""
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(self._folder)

    @cached_property
    def model_card_data(self) -> NoModelCard:
        return NoModelCard()

    @property
    def device(self) -> "torch.device":
        import torch

        return torch.device("cpu")

    def to(self, device: Any = None) -> Self:
        """This reranker, which stays on the CPU.

        Raises:
            ValueError: it should go elsewhere, or take another type of numbers.
        """
        refuse_device(device)
        return self

    def cpu(self) -> Self:
        return self

    def cuda(self, device: Any = None) -> Self:
        return self.to("cuda" if device is None else f"cuda:{device}")

    def eval(self) -> Self:
        """This reranker, which never trains."""
        return self

    def train(self, mode: bool = True) -> Self:
        """This reranker, for ``train(False)``.

        Raises:
            NotImplementedError: ``mode`` is true. To go on in silence would look like training.
        """
        if mode:
            raise NotImplementedError(
                "The int8 engine cannot be trained: its weights are rounded. Train the float32 model "
                "(rerank_course.load_reranker without backend), then load it with backend='int8'."
            )
        return self

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in IN_TORCH_ONLY:
            raise AttributeError(
                f"The int8 engine has no {name!r}: there is no torch module behind it. "
                "A CrossEncoder, which rerank_course.load_reranker gives without backend, has one."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


# fmt: off
IN_TORCH_ONLY = frozenset((
    "model", "transformers_model", "modules", "named_modules", "children", "parameters",
    "named_parameters", "state_dict", "load_state_dict", "forward", "preprocess", "tokenize", "processor",
    "fit", "old_fit", "save", "save_pretrained", "save_to_hub", "push_to_hub", "compile", "half", "float",
    "double", "bfloat16", "dtype", "requires_grad_", "zero_grad", "apply", "modalities",
    "start_multi_process_pool", "stop_multi_process_pool", "gradient_checkpointing_enable", "add_adapter",
))
# fmt: on


def refuse_device(device: Any) -> None:
    """Raise a ValueError unless the CPU is meant."""
    if device is not None and str(device) not in ("cpu", "cpu:0"):
        raise ValueError(
            f"The int8 engine runs on the CPU only, not on {device!r:.80}. Leave device out, "
            "or load the model without backend='int8'."
        )
