"""A model whose scores you know, for tests of a pipeline."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class KnownScores:
    """Stands in for a cross-encoder in a test: what it says of a pair is decided by a function of yours.

    Args:
        score_of: takes a pair's first and second text, and gives its logit.

    Attributes:
        pairs: all pairs that it was asked for, in their order.
    """

    def __init__(self, score_of: Callable[[str, str], float]) -> None:
        self.score_of = score_of
        self.pairs: list[tuple[str, str]] = []

    def predict(
        self,
        pairs: Sequence[tuple[str, str]],
        batch_size: int = 32,
        activation_fn: Callable[[Any], Any] | None = None,
    ) -> np.ndarray:
        """The pairs' logits, of shape (pairs,), or what ``activation_fn`` makes of them, as a CrossEncoder.

        Args:
            batch_size: changes nothing.
            activation_fn: for example ``torch.nn.Sigmoid()``.
        """
        pairs = [(str(first), str(second)) for first, second in pairs]
        self.pairs += pairs
        logits = np.array([self.score_of(*pair) for pair in pairs], dtype=np.float32)
        if activation_fn is None:
            return logits
        import torch

        return activation_fn(torch.from_numpy(logits)).numpy()
