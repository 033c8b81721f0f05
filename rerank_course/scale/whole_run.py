"""Rerank a whole run, a query log with its candidates, on one process or, with Ray Data, on as many as you
have.

A run is cut into *parts*: some queries with all their candidates. A worker scores a part in one ``predict``
and writes it as one parquet file, whole or not at all. So the files say what is finished: whoever starts the
run again, Ray after a crash or you on Monday, scores only the rest.

Ray Data (https://docs.ray.io/en/latest/data/data.html) does everything else: it starts the workers, hands out
parts, and gives the part of a worker that died to another one. Install it with: pip install
"rerank-course[ray]".
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from rerank_course.engine.cache import CACHE_VARIABLE
from rerank_course.engine.int8 import EngineNotInstalledError
from rerank_course.engine.weights import DEFAULT_RERANKER
from rerank_course.evaluate import Run
from rerank_course.models import BACKENDS, is_packaged
from rerank_course.rerank import Reranker
from rerank_course.scale.rerank_run.cluster import INSTALL, check_ray, with_ray
from rerank_course.scale.rerank_run.folder import (
    ScaleError,
    as_run,
    owned,
    read_rejects,
    read_run,
    result_file,
)
from rerank_course.scale.rerank_run.job import Job
from rerank_course.scale.rerank_run.parts import candidates, documents, fingerprint, parts
from rerank_course.scale.rerank_run.worker import Worker, ranked, threads_restored

ENGINES = ("local", "ray")


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
    _memory: tuple[pd.DataFrame, list[dict]] | None = field(default=None, repr=False)

    @cached_property
    def run(self) -> Run:
        """``{query id: [(document id, score), …]}``, best first, the finished parts of earlier calls
        included.
        """
        return as_run(self._memory[0]) if self._memory else read_run(self.folder)

    @cached_property
    def rejects(self) -> list[dict]:
        """``[{"query_id": …, "doc_id": …, "reason": …}, …]``: the pairs that could not be scored."""
        return self._memory[1] if self._memory else read_rejects(self.folder)

    @property
    def pairs_per_second(self) -> float:
        """Pairs scored, from the start of this call's first part to the end of its last; NaN if it scored
        none.
        """
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
    are not scored twice. Engine, actors, threads and batch size may differ then; what the scores depend on
    may not.

    Args:
        run: candidates by query id: document ids, or (document id, score) as in ``evaluate.Run``; best first.
        queries: query text by query id.
        corpus: a ``Corpus``, or texts by document id (strings, chunks or mappings, see ``text.text_of``).
            With Ray, those that the run names are written to ``texts.arrow`` in the folder; all workers of a
            machine read one copy of it in memory.
        folder: where results go: ``run/*.parquet`` with the columns query_id, iteration, doc_id, rank, score,
            tag, and ``rejects/*.jsonl``. On a cluster, a folder that all its machines share. ``None`` keeps
            them in memory, with ``engine="local"`` only.
        engine: ``"local"``, this process, or ``"ray"``. Ray uses the cluster that this process is connected
            to or that ``RAY_ADDRESS`` names; if there is none, one of ``actors × threads`` processors is
            started on this machine (see ``local_cluster``) and stopped at the end.
        model: a name or folder for ``load_reranker``, or a function without arguments that gives a reranker;
            each worker calls it once (a function from a file of yours is found by its module's name, so that
            module must be there for the workers, too). Packaged weights are restored once on each machine, or
            in the shared folder that the environment variable ``RERANK_COURSE_CACHE`` of this process names.
        backend, max_length: as for ``load_reranker``.
        batch_size: pairs in a forward pass. The library sorts a whole part by length before it cuts it into
            batches.
        threads: for each worker; ``None`` is one in an actor, and in this process what it has.
        actors: workers, with Ray.
        gpus: for each actor, with Ray; a fraction lets actors share one.
        patience: seconds, with Ray, in which at least one part must be finished or taken up. Ray starts dead
            workers anew for ever; this ends a run whose last part kills each of them, or that waits for
            machines that never come.
        depth: how many candidates of each query to score, from the first; ``None`` takes all.
        part_pairs: a part is filled with queries up to this many pairs. So much work can be lost with a
            worker.
        max_characters: longer texts are set aside: no model reads them, but each would have to be carried and
            tokenised.

    Raises:
        TypeError, ValueError: an argument is unusable; the message names it.
        EngineNotInstalledError: Ray Data, pyarrow or the int8 engine is not installed; the message says how
        to get it. ScaleError: the folder belongs to another run, the cluster does not start, or ``patience``
        is over. Finished parts stay.
    """
    began = time.time()
    job = Job(
        model,
        backend,
        max_length,
        threads,
        batch_size,
        str(folder) if folder is not None else None,
        os.environ.get(CACHE_VARIABLE),
    )
    counts = {
        "batch_size": batch_size,
        "actors": actors,
        "part_pairs": part_pairs,
        "max_characters": max_characters,
    }
    _check_arguments(
        job,
        engine,
        {**counts, "threads": 1 if threads is None else threads, "depth": 1 if depth is None else depth},
    )
    candidates = candidates(run, depth)
    documents = documents(candidates, getattr(corpus, "documents", corpus), max_characters)
    parts = parts(candidates, queries, documents, part_pairs, max_characters)
    if folder is None:
        return _in_memory(job, parts, documents, began, show_progress)

    folder = Path(folder)
    with owned(folder, {**fingerprint(job, parts, documents), "part_pairs": part_pairs}):
        unscored = {
            number: part for number, part in parts.items() if not result_file(folder, number).exists()
        }
        stats: list[dict] = []
        with tqdm(
            total=sum(len(row["documents"]) for part in unscored.values() for row in part),
            unit="pair",
            disable=not show_progress,
        ) as bar:
            scored = (
                with_ray(job, unscored, documents, actors, gpus, patience)
                if engine == "ray"
                else _here(job, unscored, documents)
            )
            for done in scored:
                stats.append(done)
                bar.update(done["pairs"] + done["rejects"])
        missing = [number for number in parts if not result_file(folder, number).exists()]
        if missing:
            raise ScaleError(
                f"{len(missing)} parts were scored, but are not in {folder}. Give a folder that all machines of the cluster share under this path."
            )
    return Reranked(_table(stats), len(parts) - len(unscored), time.time() - began, folder)


# --- what is to be scored
# -------------------------------------------------------------------------------------------------------


def _check_arguments(job: Job, engine: str, counts: dict[str, Any]) -> None:
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(map(repr, ENGINES))}, not {engine!r}.")
    if engine == "ray" and job.folder is None:
        raise ValueError('engine="ray" needs a folder for the results: its workers are other processes.')
    if engine == "ray":
        check_ray()
    if job.folder is not None and find_spec("pyarrow") is None:
        raise EngineNotInstalledError(
            f"A folder of results needs pyarrow, which comes with Ray Data: {INSTALL}. With folder=None they stay in memory."
        )
    if job.backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(map(repr, BACKENDS))}, not {job.backend!r}.")
    if not isinstance(job.model, str) and not callable(job.model):
        raise TypeError(
            f"model must be a name, or a function without arguments that gives a reranker, not a {type(job.model).__name__}."
        )
    if job.backend == "int8" and isinstance(job.model, str) and not is_packaged(job.model):
        raise ValueError(
            f'backend="int8" runs {DEFAULT_RERANKER} only, not {job.model}. Leave backend out to run {job.model} in torch.'
        )
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number, at least 1, not {value!r}.")


def _here(job: Job, unscored: Mapping[int, list[dict]], documents: dict[str, list]) -> Iterable[dict]:
    worker = Worker(job, documents)
    with threads_restored(job):
        for number, rows in unscored.items():
            yield worker.keep(number, rows)


def _in_memory(
    job: Job, parts: Mapping[int, list[dict]], documents: dict[str, list], began: float, show_progress: bool
) -> Reranked:
    tables, rejects, stats = [ranked([], np.empty(0), job.tag)], [], []
    worker = Worker(job, documents)
    with threads_restored(job):
        for number, rows in tqdm(parts.items(), unit="part", disable=not show_progress):
            table, rejected, done = worker.timed(number, lambda: worker.score(rows))
            tables.append(table)
            rejects += rejected
            stats.append(done)
    return Reranked(_table(stats), 0, time.time() - began, None, (pd.concat(tables[1:] or tables), rejects))


def _table(stats: Sequence[dict]) -> pd.DataFrame:
    columns = ["part", "pairs", "rejects", "worker", "loading", "started", "seconds"]
    return pd.DataFrame(list(stats), columns=columns).set_index("part").sort_index()
