"""Scores, kept on disk by text and model: no pair is scored twice, and a run that was ended goes on."""

import hashlib
import sqlite3
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rerank_course.engine.cache import MANIFEST, cache_folder, sha256
from rerank_course.engine.embeddings import model_key
from rerank_course.engine.int8 import Int8Reranker

BLOCK = 256  # pairs that are scored before they are kept: what a killed run can lose
WAIT = 30  # seconds for another process that is writing


class KeptScores:
    """A reranker that looks up what was scored before, by any run of this model on this machine.

    What it does not know it asks of ``reranker``, in blocks of pairs of about the same length, and keeps each
    block at once. A file that is damaged is made anew; one that cannot be written costs time, not the result.

    Args:
        reranker: a ``CrossEncoder`` or an ``Int8Reranker``.
        folder: where the scores are kept; ``None`` takes the model cache.

    Attributes:
        looked_up, scored: how many pairs each way so far.
        seconds: wall-clock time of the scoring.
    """

    def __init__(self, reranker: Any, folder: Path | None = None) -> None:
        folder = folder or cache_folder() / "scores"
        self.reranker, self.path = reranker, folder / f"{scorer_key(reranker)}.sqlite"
        self.looked_up = self.scored = 0
        self.seconds = 0.0
        self._warned = False

    def predict(self, pairs: Sequence[tuple[str, str]], batch_size: int = 32) -> np.ndarray:
        """Scores of shape (pairs,), in the order of the pairs and in the reranker's own unit."""
        keys = [_pair_key(*pair) for pair in pairs]
        known = self._read(keys)
        missing = [i for i, key in enumerate(keys) if key not in known]
        missing.sort(key=lambda i: -len(pairs[i][1]))
        for start in range(0, len(missing), BLOCK):
            block = missing[start : start + BLOCK]
            began = time.perf_counter()
            answer = self.reranker.predict([pairs[i] for i in block], batch_size=batch_size)
            self.seconds += time.perf_counter() - began
            scores = np.asarray(answer, dtype=np.float64).reshape(len(block))
            found = dict(zip((keys[i] for i in block), scores.tolist()))
            self._keep(found)
            known |= found
        self.looked_up += len(pairs) - len(missing)
        self.scored += len(missing)
        return np.array([known[key] for key in keys])

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, float]:
        known: dict[bytes, float] = {}
        with self._opened() as scores:
            if scores is not None:
                for start in range(0, len(keys), 500):  # SQLite takes 999 values in one question at least
                    some = keys[start : start + 500]
                    places = ",".join("?" * len(some))
                    known |= dict(
                        scores.execute(f"SELECT pair, score FROM scores WHERE pair IN ({places})", some)
                    )
        return known

    def _keep(self, found: dict[bytes, float]) -> None:
        finite = [row for row in found.items() if np.isfinite(row[1])]
        with self._opened() as scores:
            if scores is not None:
                scores.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", finite)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        """The table, saved at the end of the block; ``None`` where it cannot be had."""
        try:
            connection = self._connect()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            yield None
            return
        try:
            with closing(connection), connection:
                yield connection
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Say once that scores are not kept; remove a damaged file, which the next call makes anew."""
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            self.path.unlink(missing_ok=True)
        elif not self._warned:
            self._warned = True
            warnings.warn(f"Scores are not kept: {self.path}: {error}.", stacklevel=5)

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=WAIT)
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS scores (pair BLOB PRIMARY KEY, score REAL NOT NULL) WITHOUT ROWID"
            )
        except BaseException:
            connection.close()
            raise
        return connection


def scorer_key(reranker: Any) -> str:
    """A name for a reranker by what its scores depend on: weights, precision, length limit, last function.

    Raises:
        TypeError: it is neither a ``CrossEncoder`` nor an ``Int8Reranker``, whose weights are known.
    """
    digest = hashlib.sha256(type(reranker).__name__.encode())
    if hasattr(reranker, "state_dict"):
        digest.update(f"{model_key(reranker)} {reranker.activation_fn} {reranker.dtype}".encode())
    elif isinstance(reranker, Int8Reranker):
        made = sha256(reranker.int8_model.folder / MANIFEST)
        digest.update(f"{made} {reranker.max_seq_length} {reranker.activation}".encode())
    else:
        raise TypeError(
            f"Scores of a {type(reranker).__name__} cannot be kept: its weights are not known here."
        )
    return digest.hexdigest()[:32]


def _pair_key(query: str, document: str) -> bytes:
    return hashlib.blake2b(f"{len(query)}:{query}{document}".encode(), digest_size=16).digest()
