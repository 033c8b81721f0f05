"""Rerank a whole run: all candidates of all queries of a log.

A run is cut into *parts*: some queries with all their candidates. A worker scores a part in one ``predict``
and writes it as one parquet file, whole or not at all. So the files say what is finished: whoever starts the
run again, Ray after a crash or you on Monday, scores only the rest.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from rerank_course.engine.cache import CACHE_VARIABLE
from rerank_course.evaluate import Run
from rerank_course.models import DEFAULT_RERANKER
from rerank_course.rerank import Reranker
from rerank_course.scale.folder import ScaleError, as_run, owned, read_rejects, read_run, result_file
from rerank_course.scale.job import Job, Workers
from rerank_course.scale.parts import Limits, Work, cut_run, fingerprint
from rerank_course.scale.ray_data import score_with_ray
from rerank_course.scale.worker import Worker, ranked, threads_restored


@dataclass(frozen=True)
class Reranked:
    """What a call of ``rerank_run`` did, and what its run holds now.

    Attributes:
        parts: a row for each part that this call scored: ``pairs``, ``rejects``, ``worker``, and in seconds
            ``loading`` (the reranker, before the worker's first part), ``started`` (scoring, since 1970) and
            ``seconds`` (scoring and writing).
        kept: how many parts were finished before.
        seconds: what the call took, start of the cluster and loading included.
        folder: where the results stand; ``None`` if they are in memory only.
    """

    parts: pd.DataFrame
    kept: int
    seconds: float
    folder: Path | None = None
    _memory: tuple[pd.DataFrame, list[dict]] = field(default_factory=lambda: (pd.DataFrame(), []), repr=False)

    @cached_property
    def run(self) -> Run:
        """``{query id: [(document id, score), …]}``, best first; parts of earlier calls are included."""
        return as_run(self._memory[0]) if self.folder is None else read_run(self.folder)

    @cached_property
    def rejects(self) -> list[dict]:
        """``[{"query_id": …, "doc_id": …, "reason": …}, …]``: the pairs that could not be scored."""
        return self._memory[1] if self.folder is None else read_rejects(self.folder)

    @property
    def pairs_per_second(self) -> float:
        """Pairs scored between the start of this call's first part and the end of its last; NaN for none."""
        if not self.parts["pairs"].sum():
            return float("nan")
        ends = self.parts["started"] + self.parts["seconds"]
        return float(self.parts["pairs"].sum() / (ends.max() - self.parts["started"].min()))


def rerank_run(
    run: Mapping[str, Iterable],
    queries: Mapping[str, str],
    corpus: Any,
    folder: str | Path | None = None,
    *,
    engine: str = "local",
    model: str | Callable[[], Reranker] = DEFAULT_RERANKER,
    backend: str = "torch",
    max_length: int | None = None,
    batch_size: int = 32,
    threads: int | None = None,
    actors: int = 2,
    gpus: float = 0,
    patience: float = 1800,
    depth: int | None = None,
    part_pairs: int = 2000,
    max_characters: int = 1_000_000,
    show_progress: bool = False,
) -> Reranked:
    """Score all candidates of all queries, and set aside what cannot be scored.

    Call it again with the same arguments and folder after a crash, or after you stopped it: finished parts
    are not scored twice. What the scores depend on may not differ then; workers and batch size may.

    Args:
        run: candidates by query id: document ids, or (document id, score) as in ``evaluate.Run``; best first.
        queries: query text by query id.
        corpus: a ``Corpus``, or texts by document id (strings, chunks or mappings, see ``text.text_of``).
        folder: for ``run/*.parquet`` and ``rejects/*.jsonl``, shared by all machines; ``None``: in memory.
        engine, actors, gpus, patience: who scores, see ``scale.job.Workers``.
        model, backend, max_length, batch_size, threads: with what, see ``scale.job.Job``.
        depth, part_pairs, max_characters: how much, see ``scale.parts.Limits``.

    Raises:
        TypeError, ValueError, EngineNotInstalledError, ScaleError: the message says what to do.
    """
    began, place = time.time(), None if folder is None else Path(folder)
    workers = Workers(engine, actors, gpus, patience)
    workers.check_folder(folder)
    target = None if place is None else str(place)
    job = Job(model, backend, max_length, threads, batch_size, target, os.environ.get(CACHE_VARIABLE))
    limits = Limits(depth, part_pairs, max_characters)
    work = cut_run(run, queries, corpus, limits)
    if place is None:
        return _in_memory(job, work, began, show_progress)
    with owned(place, {**fingerprint(job, work), "part_pairs": part_pairs}):
        return _in_folder(place, job, workers, work, began, show_progress)


def _in_folder(
    folder: Path, job: Job, workers: Workers, work: Work, began: float, show_progress: bool
) -> Reranked:
    """Score what the folder lacks. The caller owns the folder."""
    parts = {n: part for n, part in work.parts.items() if not result_file(folder, n).exists()}
    unscored = Work(parts, work.documents)
    scored = score_with_ray(job, workers, unscored) if workers.engine == "ray" else _here(job, unscored)
    pairs = sum(len(row["documents"]) for part in parts.values() for row in part)
    stats: list[dict] = []
    with tqdm(total=pairs, unit="pair", disable=not show_progress) as bar:
        for done in scored:
            stats.append(done)
            bar.update(done["pairs"] + done["rejects"])
    missing = [number for number in work.parts if not result_file(folder, number).exists()]
    if missing:
        raise ScaleError(
            f"{len(missing)} parts were scored, but are not in {folder}. "
            "Give a folder that all machines of the cluster share under this path."
        )
    return Reranked(_table(stats), len(work.parts) - len(parts), time.time() - began, folder)


def _here(job: Job, work: Work) -> Iterable[dict]:
    worker = Worker(job, work.documents)
    with threads_restored(job):
        for number, rows in work.parts.items():
            yield worker.keep(number, rows)


def _in_memory(job: Job, work: Work, began: float, show_progress: bool) -> Reranked:
    tables, rejects, stats = [ranked([], np.empty(0), job.tag)], [], []
    worker = Worker(job, work.documents)
    with threads_restored(job):
        for number, rows in tqdm(work.parts.items(), unit="part", disable=not show_progress):
            table, rejected, done = worker.timed(number, partial(worker.score, rows))
            tables.append(table)
            rejects += rejected
            stats.append(done)
    return Reranked(_table(stats), 0, time.time() - began, None, (pd.concat(tables[1:] or tables), rejects))


def _table(stats: Sequence[dict]) -> pd.DataFrame:
    columns = ["part", "pairs", "rejects", "worker", "loading", "started", "seconds"]
    return pd.DataFrame(list(stats), columns=columns).set_index("part").sort_index()
