"""Scores that were computed beforehand, so that a lesson can show whole tables in seconds.

Reranking every query of both corpora a hundred deep takes most of an hour in float32. ``make scores`` did it
once and wrote the scores into the data folders; lessons look them up, and score a sample again to show that
they hold on the learner's machine.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rerank_course.texts.corpora import DATA

ENGINES = ("fp32", "int8")
RECORDED = (*ENGINES, "untyped")  # float32 without token types: a fault that a lesson measures


class RecordedReranker:
    """A reranker that looks scores up, and asks ``live`` for those that were not recorded.

    A text that has changed since, for example, makes a pair that is not recorded.

    Args:
        corpus: ``"handbook"`` or ``"pandas-docs"``.
        engine: ``"fp32"`` (torch) or ``"int8"`` (OpenVINO), both ms-marco-MiniLM-L12-v2; ``"untyped"`` is
            torch with all token types 0.
        live: a reranker for unknown pairs; ``None`` makes them an error.

    Attributes:
        looked_up, scored_live: how many pairs each way so far.
    """

    def __init__(self, corpus: str, engine: str = "fp32", live: Any = None) -> None:
        if engine not in RECORDED:
            raise ValueError(f"engine must be one of {', '.join(map(repr, RECORDED))}, not {engine!r}.")
        self._scores = load_scores(scores_file(corpus))[engine]
        self._live = live
        self.looked_up = self.scored_live = 0

    def predict(self, pairs: Sequence[tuple[str, str]], batch_size: int = 32) -> np.ndarray:
        """Scores of shape (pairs,), logits, in the order of the pairs.

        Raises:
            KeyError: a pair is not recorded and there is no live reranker.
        """
        keys = [pair_key(*pair) for pair in pairs]
        unknown = [i for i, key in enumerate(keys) if key not in self._scores]
        scores = np.array([self._scores.get(key, np.nan) for key in keys], dtype=np.float32)
        if unknown and self._live is None:
            query, document = pairs[unknown[0]]
            raise KeyError(
                f"{len(unknown)} of {len(pairs)} pairs are not recorded, "
                f"first {query!r} / {document[:60]!r}. Pass live=load_reranker() to score them."
            )
        if unknown:
            scores[unknown] = self._live.predict([pairs[i] for i in unknown], batch_size=batch_size)
        self.looked_up += len(pairs) - len(unknown)
        self.scored_live += len(unknown)
        return scores


def scores_file(corpus: str) -> Path:
    """Where a corpus's recorded scores stand."""
    return DATA / corpus / "scores.npz"


def pair_key(query: str, document: str) -> int:
    """64 bits that stand for a pair's text: if either text changes, so does the key."""
    return int.from_bytes(hashlib.blake2b(f"{query}\0{document}".encode(), digest_size=8).digest(), "little")


def load_scores(path: Path) -> dict[str, dict[int, float]]:
    """``{engine: {pair's key: score}}``; empty where there is no file yet."""
    if not path.exists():
        return {engine: {} for engine in RECORDED}
    with np.load(path) as arrays:
        return {
            engine: dict(zip(arrays[f"{engine}_keys"].tolist(), arrays[f"{engine}_scores"].tolist()))
            for engine in RECORDED
        }


def save_scores(path: Path, scores: dict[str, dict[int, float]]) -> None:
    """Write what ``load_scores`` reads: whole or not at all."""
    arrays: dict[str, Any] = {}
    for engine in RECORDED:
        ordered = sorted(scores[engine].items())
        arrays[f"{engine}_keys"] = np.array([key for key, _ in ordered], dtype=np.uint64)
        arrays[f"{engine}_scores"] = np.array([score for _, score in ordered], dtype=np.float32)
    scratch = path.with_name(path.name + ".part")
    with scratch.open("wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(scratch, path)
