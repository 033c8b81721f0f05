"""A model's fast tokenizer, one for each length limit: importing transformers for it would take seconds."""

import operator
from pathlib import Path
from typing import Any

SHORTEST = 8  # tokens that a limit must leave
KEPT = 3  # limits whose tokenizers are kept


class Encoders:
    """Tokenizers that cut pairs at a number of tokens.

    A tokenizer's limit is part of it, and calls that are under way keep theirs when the limit changes.

    Args:
        folder: the model's.
        longest: tokens that the model can read.
    """

    def __init__(self, folder: Path, longest: int) -> None:
        self.folder, self.longest = folder, longest
        self._known: dict[int, Any] = {}

    def checked(self, limit: Any) -> int:
        """A length limit.

        Raises:
            ValueError: it is no whole number, or out of range.
        """
        try:
            tokens = operator.index(limit)
        except TypeError:
            tokens = -1
        if not SHORTEST <= tokens <= self.longest:
            raise ValueError(
                f"max_length must be from {SHORTEST} to {self.longest} for this model, not {limit!r:.80}."
            )
        return tokens

    def at(self, limit: int) -> Any:
        """The tokenizer that cuts at ``limit`` tokens; a pair loses the longer text's end."""
        known = self._known.get(limit)
        if known is None:
            known = self._made(limit)
            others = self._known if len(self._known) < KEPT else {}
            self._known = {**others, limit: known}  # not changed in place: another thread may be looking
        return known

    def _made(self, limit: int) -> Any:
        encoder = opened(self.folder)
        encoder.enable_truncation(limit, strategy="longest_first")
        encoder.no_padding()
        return encoder


def opened(folder: Path) -> Any:
    """A model's fast tokenizer, as it stands on disk."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))
