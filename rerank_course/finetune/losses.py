"""A loss of sentence-transformers, with a brake: how far the scores have moved from the untouched model's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import losses
from torch import Tensor, nn

from rerank_course.finetune.recipe import LOSSES


class BrakedLoss(nn.Module):
    """One of the library's losses, plus ``weight`` times the mean squared move of the scores, in logits².

    The library's losses run the model themselves. A hook listens to it meanwhile, so that each pair is read
    once for both parts.

    Args:
        model: what is trained.
        loss: a key of ``LOSSES``.
        weight: of the second part; 0 leaves it out.
        watch: called after each forward pass, when most memory is taken.
    """

    def __init__(
        self, model: CrossEncoder, loss: str, weight: float, watch: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__()
        self.model, self.weight, self.watch = model, weight, watch
        self.loss = getattr(losses, LOSSES[loss])(model)
        self._split = _SPLITS[loss]

    def forward(self, inputs: Any, labels: list[Tensor], **options: Any) -> dict[str, Tensor]:
        """The two parts by name; the trainer adds them up and logs each.

        Args:
            inputs: the columns of the batch.
            labels: one tensor for each row, as ``rerank_course.finetune.lists.examples`` describes them.
        """
        target, untouched = self._split(labels)
        with _scores_heard(self.model) as heard:
            parts = {"ranking": self.loss(inputs, target, **options)}
        self.watch()
        if self.weight:
            scores = torch.cat(heard)
            moved = nn.functional.mse_loss(scores, untouched.to(scores.device, scores.dtype))
            parts["distillation"] = self.weight * moved
        return parts

    def get_config_dict(self) -> dict[str, Any]:
        """What the library puts into its own model card."""
        return {"loss": type(self.loss).__name__, "distillation": self.weight}


@contextmanager
def _scores_heard(model: CrossEncoder) -> Iterator[list[Tensor]]:
    """The logits of each forward pass inside the block."""
    heard: list[Tensor] = []
    hook = model.register_forward_hook(lambda _, __, output: heard.append(output["scores"].view(-1)))
    try:
        yield heard
    finally:
        hook.remove()


def _split_points(labels: list[Tensor]) -> tuple[Any, Tensor]:
    both = torch.stack(labels)
    return both[:, 0], both[:, 1]


def _split_margins(labels: list[Tensor]) -> tuple[Any, Tensor]:
    """The loss runs all better documents first, then all worse ones."""
    both = torch.stack(labels)
    return both[:, 0], torch.cat([both[:, 1], both[:, 2]])


def _split_lists(labels: list[Tensor]) -> tuple[Any, Tensor]:
    return [one[0] for one in labels], torch.cat([one[1] for one in labels])


_SPLITS: dict[str, Callable[[list[Tensor]], tuple[Any, Tensor]]] = {
    "pointwise": _split_points,
    "margin": _split_margins,
    "pairwise": _split_lists,
    "listwise": _split_lists,
}
