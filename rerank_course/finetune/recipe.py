"""How to train: everything that changes the result stands in one ``Recipe``."""

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

# What a loss looks at in one go, and the class of sentence_transformers.cross_encoder.losses behind it.
LOSSES = {
    "pointwise": "BinaryCrossEntropyLoss",  # one document: an answer or none
    "margin": "MarginMSELoss",  # two documents: how far apart their scores should be
    "pairwise": "RankNetLoss",  # all pairs of a list: which of two should be first
    "listwise": "LambdaLoss",  # the same, each pair weighted by what its exchange does to nDCG
}
MARGIN = 2.0  # logits that the loss "margin" wants between two documents, for each grade between them
FEWEST_TOKENS = 16


@dataclass(frozen=True)
class Recipe:
    """The choices of one training.

    Attributes:
        loss: a key of ``LOSSES``.
        learning_rate: the highest; it rises over the first tenth of the steps and then falls to 0.
        epochs: how often each example is seen, at most.
        batch_size: examples in a step: documents (pointwise), pairs (margin), or queries with their lists.
        frozen_layers: how many of the lowest layers stay as they are, and with the first of them the
            embeddings; 0 trains everything.
        negatives: documents that do not answer, for each query, at most.
        spread_negatives: whether they are taken at even steps from all that the search found; else those
            judged wrong come first, and of these the ones that the search put highest.
        distillation: the brake. How much it costs to move away from the untouched model's scores: this times
            the mean squared difference, in logits, is added to the loss.
        untouched_share: afterwards, the share of the untouched model's weights in a mean of both models'.
            0 takes the trained weights alone.
        held_out: the share of the training queries that is not trained on: it says when to stop.
        patience: looks at the held-out queries, two in an epoch, without a gain before the training stops.
            The best of the looks is kept, the untouched model among them. ``None`` never stops and keeps the
            last.
        max_length: tokens of query and document that are read in training.
        seed: of the split, of the order of the examples and of dropout.

    Raises:
        TypeError, ValueError: a choice is unusable; the message names it.
    """

    loss: str = "listwise"
    learning_rate: float = 1e-5
    epochs: int = 2
    batch_size: int = 4
    frozen_layers: int = 6
    negatives: int = 12
    spread_negatives: bool = False
    distillation: float = 0.0
    untouched_share: float = 0.0
    held_out: float = 0.2
    patience: int | None = 3
    max_length: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(map(repr, LOSSES))}, not {self.loss!r}.")
        for name, low, high in (
            ("learning_rate", 1e-9, 1e-1),
            ("distillation", 0, 1e6),
            ("untouched_share", 0, 1),
            ("held_out", 0.05, 0.5),
        ):
            _check_number(name, getattr(self, name), low, high)
        for name, least in (
            ("epochs", 1),
            ("batch_size", 1),
            ("frozen_layers", 0),
            ("negatives", 1),
            ("max_length", FEWEST_TOKENS),
            ("seed", 0),
        ):
            _check_whole(name, getattr(self, name), least)
        if not isinstance(self.spread_negatives, bool):
            raise TypeError(f"spread_negatives must be True or False, not {self.spread_negatives!r}.")
        if self.patience is not None:
            _check_whole("patience", self.patience, 1)

    def __str__(self) -> str:
        """What differs from the default: ``Recipe(learning_rate=2e-05, epochs=1)``."""
        changed = [
            f"{field.name}={value!r}"
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        ]
        return f"Recipe({', '.join(changed)})"


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {value!r}.")
    if not low <= float(value) <= high:  # not-a-number is neither
        raise ValueError(f"{name} must be from {low:g} to {high:g}, not {value}.")


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, not {value!r}.")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}.")


# What most guides begin with: every weight, judged pairs one by one, no brake.
OBVIOUS = Recipe(
    loss="pointwise", learning_rate=2e-5, batch_size=16, frozen_layers=0, max_length=256, patience=None
)
