"""Embeddings, kept on disk by the content of the texts and of the model: nothing is embedded twice."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rerank_course.engine.cache import cache_folder

BLOCK = 512  # texts in one file of the embedding cache: what a killed run can lose


def embed(texts: Sequence[str], embedder: Any, *, show_progress: bool = False) -> np.ndarray:
    """Embeddings of length 1, kept on disk by content and model: float32, one row for each text.

    A cache file that is damaged, or was made for other texts or by another model, is never used: it is
    computed again.
    """
    folder = cache_folder() / "embeddings" / model_key(embedder)
    blocks = []
    with tqdm(total=len(texts), unit="doc", desc="Embedding", disable=not show_progress) as bar:
        for start in range(0, len(texts), BLOCK):
            block = list(texts[start : start + BLOCK])
            blocks.append(_embed_block(block, embedder, folder))
            bar.update(len(block))
    return np.concatenate(blocks)


def _embed_block(texts: list[str], embedder: Any, folder: Path) -> np.ndarray:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    path = folder / f"{digest.hexdigest()[:32]}.npy"
    vectors = _read_vectors(path, len(texts))
    if vectors is None:
        vectors = embedder.encode(texts, normalize_embeddings=True, show_progress_bar=False).astype(
            np.float32
        )
        _write_vectors(path, vectors)
    return vectors


def _read_vectors(path: Path, count: int) -> np.ndarray | None:
    """The vectors of a cache file, or ``None`` if it is missing, or not ``count`` vectors of length 1."""
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if vectors.ndim != 2 or len(vectors) != count or vectors.dtype != np.float32:
        return None
    return vectors if np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3) else None


def _write_vectors(path: Path, vectors: np.ndarray) -> None:
    """Write whole or not at all. A cache that cannot be written costs time, not the result."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.save(file, vectors)
            os.replace(scratch, path)
        except BaseException:
            os.unlink(scratch)
            raise
    except OSError:
        pass


def model_key(embedder: Any) -> str:
    """A name for a model by what it computes with: its modules, its length limit and its weights."""
    digest = hashlib.sha256(f"{embedder} {embedder.max_seq_length}".encode())
    for name, tensor in sorted(embedder.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]
