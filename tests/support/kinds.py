"""The float32 scores of pairs of each kind of text, which take minutes to compute.

``python -m tests.support.kinds`` records them anew when ``tools/bench/text_kinds.py`` changes.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from tools.bench.text_kinds import pairs_of_each_kind

FILE = Path(__file__).with_name("kinds_float32.npz")


def recorded() -> dict[str, tuple[list[tuple[str, str]], np.ndarray]]:
    """``{kind: (pairs, float32 logits)}``; an error where the pairs are not those that were scored."""
    with np.load(FILE) as scores:
        kinds = dict(pairs_of_each_kind())
        same = str(scores["fingerprint"]) == _fingerprint(kinds)
        assert same, "the pairs have changed: run python -m tests.support.kinds"
        return {kind: (pairs, scores[kind]) for kind, pairs in kinds.items()}


def _fingerprint(kinds: dict[str, list[tuple[str, str]]]) -> str:
    return hashlib.sha256(json.dumps(kinds).encode()).hexdigest()


def _record() -> None:
    from rerank_course.models import load_reranker

    reranker = load_reranker()
    kinds = dict(pairs_of_each_kind())
    scores = {kind: reranker.predict(pairs, batch_size=16) for kind, pairs in kinds.items()}
    np.savez_compressed(FILE, fingerprint=_fingerprint(kinds), **scores)  # type: ignore[arg-type]


if __name__ == "__main__":
    _record()
