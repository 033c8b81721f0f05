"""Rerank a whole run, a query log with its candidates, on one process or, with Ray Data, on as many as you have.

A run is cut into *parts*: some queries with all their candidates. A worker scores a part in one ``predict`` and writes it as one parquet file,
whole or not at all. So the files say what is finished: whoever starts the run again, Ray after a crash or you on Monday, scores only the rest.

Ray Data (https://docs.ray.io/en/latest/data/data.html) does everything else: it starts the workers, hands out parts, and gives the part of a
worker that died to another one. Install it with: pip install "rerank-course[ray]".
"""

import hashlib
import json
import logging
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from rerank_course.evaluate import Run
from rerank_course.fast import EngineNotInstalledError, Int8Reranker
from rerank_course.models import BACKENDS, DEFAULT_RERANKER, is_packaged, load_reranker
from rerank_course.packaged import CACHE_VARIABLE
from rerank_course.rerank import Reranker
from rerank_course.text import text_of

ENGINES = ("local", "ray")
INSTALL = 'pip install "rerank-course[ray]"'
RESULTS, REJECTS, TEXTS, MANIFEST, LOCK = "run", "rejects", "texts.arrow", "manifest.json", ".lock"  # what stands in the folder of a run
OBJECT_STORE_BYTES = 200_000_000  # of a cluster that is started here: ids and queries go through it, texts do not
RETRIES = 2  # of a part for which there was no memory just now
STARTS = 3  # Ray gives its helpers 15 s to start, which a busy machine can miss


class ScaleError(RuntimeError):
    """A run cannot start or go on. What was finished is kept; the message says what to do."""


@dataclass(frozen=True)
class Reranked:
    """What a call of ``rerank_run`` did, and what its run holds now.

    Attributes:
        parts: a row for each part that this call scored: ``pairs``, ``rejects``, ``worker``, and in seconds ``loading`` (the reranker, before the worker's first
            part), ``started`` (scoring, since 1970) and ``seconds`` (scoring and writing).
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
        """``{query id: [(document id, score), …]}``, best first, the finished parts of earlier calls included."""
        return _as_run(self._memory[0]) if self._memory else read_run(self.folder)

    @cached_property
    def rejects(self) -> list[dict]:
        """``[{"query_id": …, "doc_id": …, "reason": …}, …]``: the pairs that could not be scored."""
        return self._memory[1] if self._memory else read_rejects(self.folder)

    @property
    def pairs_per_second(self) -> float:
        """Pairs scored, from the start of this call's first part to the end of its last; NaN if it scored none."""
        if not self.parts["pairs"].sum():
            return float("nan")
        ends = self.parts["started"] + self.parts["seconds"]
        return float(self.parts["pairs"].sum() / (ends.max() - self.parts["started"].min()))


@dataclass(frozen=True)
class _Job:
    """What a worker needs to know."""

    model: str | Callable[[], Reranker]
    backend: str
    max_length: int | None
    threads: int | None
    batch_size: int
    folder: str | None
    model_cache: str | None

    @property
    def tag(self) -> str:
        """What the run is called in the results."""
        if isinstance(self.model, str):
            return f"{self.model.rstrip('/').split('/')[-1]}/{self.backend}"
        return f"{self.model.__module__}.{self.model.__qualname__}"

    @property
    def sets_threads(self) -> bool:
        """Whether loading sets torch's number of threads, which belongs to the whole process."""
        return self.threads is not None and isinstance(self.model, str) and self.backend == "torch"

    def load(self) -> Reranker:
        if self.model_cache:  # the nodes of a cluster do not have the driver's environment
            os.environ[CACHE_VARIABLE] = self.model_cache
        if not isinstance(self.model, str):
            return self.model()
        if self.backend == "int8":
            return Int8Reranker(self.max_length, self.threads)
        return load_reranker(self.model, backend=self.backend, max_length=self.max_length)


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

    Call it again with the same arguments and folder after a crash, or after you stopped it: finished parts are not scored twice. Engine, actors,
    threads and batch size may differ then; what the scores depend on may not.

    Args:
        run: candidates by query id: document ids, or (document id, score) as in ``evaluate.Run``; best first.
        queries: query text by query id.
        corpus: a ``Corpus``, or texts by document id (strings, chunks or mappings, see ``text.text_of``). With Ray, those that the run names are
            written to ``texts.arrow`` in the folder; all workers of a machine read one copy of it in memory.
        folder: where results go: ``run/*.parquet`` with the columns query_id, iteration, doc_id, rank, score, tag, and ``rejects/*.jsonl``. On a cluster,
            a folder that all its machines share. ``None`` keeps them in memory, with ``engine="local"`` only.
        engine: ``"local"``, this process, or ``"ray"``. Ray uses the cluster that this process is connected to or that ``RAY_ADDRESS`` names;
            if there is none, one of ``actors × threads`` processors is started on this machine (see ``local_cluster``) and stopped at the end.
        model: a name or folder for ``load_reranker``, or a function without arguments that gives a reranker; each worker calls it once (a function
            from a file of yours is found by its module's name, so that module must be there for the workers, too). Packaged weights are
            restored once on each machine, or in the shared folder that the environment variable ``RERANK_COURSE_CACHE`` of this process names.
        backend, max_length: as for ``load_reranker``.
        batch_size: pairs in a forward pass. The library sorts a whole part by length before it cuts it into batches.
        threads: for each worker; ``None`` is one in an actor, and in this process what it has.
        actors: workers, with Ray.
        gpus: for each actor, with Ray; a fraction lets actors share one.
        patience: seconds, with Ray, in which at least one part must be finished or taken up. Ray starts dead workers anew for ever; this ends a run whose
            last part kills each of them, or that waits for machines that never come.
        depth: how many candidates of each query to score, from the first; ``None`` takes all.
        part_pairs: a part is filled with queries up to this many pairs. So much work can be lost with a worker.
        max_characters: longer texts are set aside: no model reads them, but each would have to be carried and tokenised.

    Raises:
        TypeError, ValueError: an argument is unusable; the message names it.
        EngineNotInstalledError: Ray Data, pyarrow or the int8 engine is not installed; the message says how to get it.
        ScaleError: the folder belongs to another run, the cluster does not start, or ``patience`` is over. Finished parts stay.
    """
    began = time.time()
    job = _Job(model, backend, max_length, threads, batch_size, str(folder) if folder is not None else None, os.environ.get(CACHE_VARIABLE))
    counts = {"batch_size": batch_size, "actors": actors, "part_pairs": part_pairs, "max_characters": max_characters}
    _check_arguments(job, engine, {**counts, "threads": 1 if threads is None else threads, "depth": 1 if depth is None else depth})
    candidates = _candidates(run, depth)
    documents = _documents(candidates, getattr(corpus, "documents", corpus), max_characters)
    parts = _parts(candidates, queries, documents, part_pairs, max_characters)
    if folder is None:
        return _in_memory(job, parts, documents, began, show_progress)

    folder = Path(folder)
    with _owned(folder, {**_fingerprint(job, parts, documents), "part_pairs": part_pairs}):
        unscored = {number: part for number, part in parts.items() if not _result_file(folder, number).exists()}
        stats: list[dict] = []
        with tqdm(total=sum(len(row["documents"]) for part in unscored.values() for row in part), unit="pair", disable=not show_progress) as bar:
            scored = _with_ray(job, unscored, documents, actors, gpus, patience) if engine == "ray" else _here(job, unscored, documents)
            for done in scored:
                stats.append(done)
                bar.update(done["pairs"] + done["rejects"])
        missing = [number for number in parts if not _result_file(folder, number).exists()]
        if missing:
            raise ScaleError(f"{len(missing)} parts were scored, but are not in {folder}. Give a folder that all machines of the cluster share under this path.")
    return Reranked(_table(stats), len(parts) - len(unscored), time.time() - began, folder)


def read_run(folder: str | Path) -> Run:
    """The finished parts of a run, in the order of its queries. A query of which nothing could be scored is not in it.

    The files are ordinary parquet: ``pandas.read_parquet(folder / "run")`` reads them too.
    """
    files = sorted((Path(folder) / RESULTS).glob("part-*.parquet"))
    return _as_run(pd.concat([pd.read_parquet(file) for file in files]) if files else pd.DataFrame())


def read_rejects(folder: str | Path) -> list[dict]:
    """What was set aside so far: ``[{"query_id": …, "doc_id": …, "reason": …}, …]``, part by part."""
    files = sorted((Path(folder) / REJECTS).glob("part-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def ray_is_installed() -> bool:
    """Whether ``engine="ray"`` can be used here."""
    return find_spec("ray") is not None and find_spec("pyarrow") is not None


@contextmanager
def local_cluster(processors: int):
    """Ray on this machine, listening on the loopback interface only, stopped at the end; or the cluster that there is already.

    ``rerank_run`` starts one by itself. Start it here to use one for several calls.

    Args:
        processors: how many Ray may give to actors, in sum. It does not look whether the machine has them.

    Raises:
        EngineNotInstalledError: Ray Data is not installed.
        ScaleError: Ray does not start.
    """
    ray = _import_ray()
    if ray.is_initialized():
        yield
        return
    try:
        if _elsewhere():
            with _no_stderr():
                ray.init(log_to_driver=False, logging_level=logging.ERROR)
        else:
            _start(ray, processors)
        yield
    finally:
        ray.shutdown()


def _elsewhere() -> bool:
    """Whether ``RAY_ADDRESS`` names a cluster."""
    return os.environ.get("RAY_ADDRESS", "local") not in ("", "local")


def _check_ray() -> None:
    if not ray_is_installed():
        raise EngineNotInstalledError(f'engine="ray" needs Ray Data: {INSTALL}. engine="local" works without it.')


def _import_ray():
    _check_ray()
    if not _elsewhere() or os.environ["RAY_ADDRESS"].startswith(("127.", "localhost")):
        # Ray listens on all interfaces, except where it takes a cluster of several machines to be impossible. It reads this when it is imported.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else it warns of what Ray Data 2.60 itself does: arguments in the object store
    import ray

    return ray


def _start(ray, processors: int) -> None:
    for attempt in range(1, STARTS + 1):
        try:
            with _no_stderr():
                ray.init(
                    address="local", num_cpus=processors, object_store_memory=OBJECT_STORE_BYTES, include_dashboard=False,
                    log_to_driver=False, logging_level=logging.ERROR,
                )
            break
        except Exception as error:  # Ray raises plain exceptions here
            ray.shutdown()
            if attempt == STARTS:
                raise ScaleError(f"Ray does not start on this machine: {error} Close what keeps it busy and try again.") from error
    if not ray.util.get_node_ip_address().startswith(("127.", "::1")):
        ray.shutdown()
        raise ScaleError(
            "Ray was imported before rerank_course.scale could tell it to listen on the loopback interface only. Start Python anew "
            "and import ray later, or connect to a cluster of your own with ray.init() first."
        )


@contextmanager
def _no_stderr():
    """Nothing on standard error, from C++ neither, where Ray announces its log level whatever it is. What goes wrong comes as an exception."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


# --- what is to be scored -------------------------------------------------------------------------------------------------------


def _check_arguments(job: _Job, engine: str, counts: dict[str, Any]) -> None:
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(map(repr, ENGINES))}, not {engine!r}.")
    if engine == "ray" and job.folder is None:
        raise ValueError('engine="ray" needs a folder for the results: its workers are other processes.')
    if engine == "ray":
        _check_ray()
    if job.folder is not None and find_spec("pyarrow") is None:
        raise EngineNotInstalledError(f"A folder of results needs pyarrow, which comes with Ray Data: {INSTALL}. With folder=None they stay in memory.")
    if job.backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(map(repr, BACKENDS))}, not {job.backend!r}.")
    if not isinstance(job.model, str) and not callable(job.model):
        raise TypeError(f"model must be a name, or a function without arguments that gives a reranker, not a {type(job.model).__name__}.")
    if job.backend == "int8" and isinstance(job.model, str) and not is_packaged(job.model):
        raise ValueError(f'backend="int8" runs {DEFAULT_RERANKER} only, not {job.model}. Leave backend out to run {job.model} in torch.')
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number, at least 1, not {value!r}.")


def _candidates(run: Mapping[str, Iterable], depth: int | None) -> dict[str, list[str]]:
    """{query id: document ids}, cut at ``depth``."""
    candidates = {}
    for query, ranking in run.items():
        if isinstance(ranking, (str, Mapping)) or not isinstance(ranking, Iterable):
            raise TypeError(f"run[{query!r}] must be a list of document ids, not a {type(ranking).__name__}.")
        ids = [found[0] if isinstance(found, tuple) and found else found for found in ranking][:depth]
        if not all(isinstance(name, str) for name in [query, *ids]):
            raise TypeError(f"run[{query!r}]: query ids and document ids must be strings.")
        candidates[query] = ids
    return candidates


def _documents(candidates: Mapping[str, list[str]], corpus: Mapping[str, Any], max_characters: int) -> dict[str, list]:
    """The documents that a run names, each once, as columns: its id and either its text or the reason why it cannot be scored."""
    if not isinstance(corpus, Mapping):
        raise TypeError(f"corpus must be a Corpus or texts by document id, not a {type(corpus).__name__}.")
    columns: dict[str, list] = {"id": list(dict.fromkeys(name for ids in candidates.values() for name in ids)), "text": [], "problem": []}
    for name in columns["id"]:
        text, problem = _screen(corpus[name], "the document", max_characters) if name in corpus else (None, "the document is not in the corpus")
        columns["text"].append(text)
        columns["problem"].append(problem)
    return columns


def _screen(value: Any, what: str, max_characters: int) -> tuple[str | None, str | None]:
    """(text, no problem), or (no text, what is wrong with it)."""
    try:
        text = text_of(value, what)
        text.encode("utf-8")
    except (TypeError, ValueError) as error:  # half of a surrogate pair is a ValueError
        return None, str(error)
    if len(text) > max_characters:
        return None, f"{what} has {len(text):,} characters; max_characters is {max_characters:,}"
    return text, None


def _parts(
    candidates: Mapping[str, list[str]], queries: Mapping[str, str], documents: dict[str, list], part_pairs: int, max_characters: int
) -> dict[int, list[dict]]:
    """{number: rows}; a row is a query with the places of its candidates in ``documents``."""
    places = {name: place for place, name in enumerate(documents["id"])}
    parts: list[list[dict]] = []
    filled = 0
    for query, ids in candidates.items():
        text, problem = _screen(queries[query], "the query", max_characters) if query in queries else (None, "the query is not in queries")
        if not parts or (filled and filled + len(ids) > part_pairs):
            parts.append([])
            filled = 0
        parts[-1].append({"query_id": query, "query": text, "problem": problem, "documents": [places[name] for name in ids]})
        filled += len(ids)
    return dict(enumerate(parts))


def _fingerprint(job: _Job, parts: Mapping[int, list[dict]], documents: dict[str, list]) -> dict[str, Any]:
    """What the scores depend on."""

    def digest(rows: Iterable) -> str:
        sha = hashlib.sha256()
        for row in rows:
            sha.update(repr(row).encode("utf-8"))
        return sha.hexdigest()[:16]

    rows = [row for part in parts.values() for row in part]
    return {
        "model": job.tag,
        "max_length": job.max_length,
        "queries": digest((row["query_id"], row["query"]) for row in rows),
        "candidates": digest((row["query_id"], [documents["id"][place] for place in row["documents"]]) for row in rows),
        "texts": digest(sorted(zip(documents["id"], documents["text"]), key=lambda row: row[0])),
    }


@contextmanager
def _owned(folder: Path, fingerprint: dict[str, Any]):
    """The folder, ready for this run and for no other, and locked against a second process."""
    for part in (RESULTS, REJECTS):
        (folder / part).mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            manifest = folder / MANIFEST
            if not manifest.exists():
                _write_whole(manifest, lambda scratch: scratch.write_text(json.dumps(fingerprint, indent=1), encoding="utf-8"))
            before = json.loads(manifest.read_text(encoding="utf-8"))
            other = [name for name in fingerprint if before.get(name) != fingerprint[name]]
            if other:
                raise ScaleError(f"{folder} holds another run: {', '.join(other)} differ. Give a new folder, or the arguments of the run that it holds.")
            for leftover in folder.glob("*/.*.part"):  # of workers that were killed while they wrote
                leftover.unlink(missing_ok=True)
            yield
    except filelock.Timeout:
        raise ScaleError(f"Another process is working on {folder}. Wait for it, or give a new folder.") from None


# --- scoring --------------------------------------------------------------------------------------------------------------------


class _Worker:
    """Scores parts: one of them in this process, or one in each of Ray's actors."""

    def __init__(self, job: _Job, documents: dict[str, list] | None = None) -> None:
        self.job, self._documents = job, documents

    @cached_property
    def documents(self) -> dict[str, Any]:
        return self._documents or _read_texts(Path(self.job.folder))

    @cached_property
    def reranker(self) -> Reranker:
        """Loaded once, with the first part: what goes wrong is then an ordinary error of that part, which reaches the caller as it is."""
        if self.job.sets_threads:
            import torch

            torch.set_num_threads(self.job.threads)
        return self.job.load()

    def __call__(self, block):
        """A block of Ray Data, one part, as a table; a table of one row that says what was done."""
        import pyarrow

        return pyarrow.Table.from_pylist([self.keep(part["part"], part["rows"]) for part in block.to_pylist()])

    def keep(self, number: int, rows: list[dict]) -> dict:
        """Score a part and write it, unless it stands there already: Ray may ask twice."""
        file = _result_file(Path(self.job.folder), number)
        if file.exists():
            return self.timed(number, lambda: (pd.DataFrame(), []))[2]
        return self.timed(number, lambda: self.write(file, *self.score(rows)))[2]

    def timed(self, number: int, work: Callable[[], tuple[pd.DataFrame, list[dict]]]) -> tuple[pd.DataFrame, list[dict], dict]:
        """(results, rejects, what was done)."""
        began = time.time()
        self.documents, self.reranker
        started = time.time()
        results, rejects = work()
        worker, seconds = f"{platform.node()}/{os.getpid()}", time.time() - started
        done = {"part": number, "pairs": len(results), "rejects": len(rejects), "worker": worker, "loading": started - began, "started": started, "seconds": seconds}
        return results, rejects, done

    def write(self, file: Path, results: pd.DataFrame, rejects: list[dict]) -> tuple[pd.DataFrame, list[dict]]:
        if rejects:  # first: the results say that the part is finished
            lines = "".join(json.dumps(reject, ensure_ascii=False) + "\n" for reject in rejects)
            _write_whole(Path(self.job.folder) / REJECTS / f"{file.stem}.jsonl", lambda scratch: scratch.write_text(lines, encoding="utf-8"))
        _write_whole(file, lambda scratch: results.to_parquet(scratch, index=False))
        return results, rejects

    def score(self, rows: list[dict]) -> tuple[pd.DataFrame, list[dict]]:
        """(results in the columns of a TREC run, rejects)."""
        pairs, names, rejects = [], [], []
        for row in rows:
            seen: set[str] = set()
            for place in row["documents"]:
                name, text, problem = (_plain(self.documents[column][place]) for column in ("id", "text", "problem"))
                problem = row["problem"] or problem or ("the document is listed twice for this query" if name in seen else None)
                seen.add(name)
                if problem:
                    rejects.append({"query_id": row["query_id"], "doc_id": name, "reason": problem})
                else:
                    pairs.append((row["query"], text))
                    names.append((row["query_id"], name))
        scores = self._predict(pairs)
        finite = np.isfinite(scores)
        for (query, name), score in zip([names[i] for i in np.flatnonzero(~finite)], scores[~finite]):
            rejects.append({"query_id": query, "doc_id": name, "reason": f"the reranker scored it {score}"})
        return _ranked([names[i] for i in np.flatnonzero(finite)], scores[finite], self.job.tag), rejects

    def _predict(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        if not pairs:
            return np.empty(0)
        scores = np.asarray(self.reranker.predict(pairs, batch_size=self.job.batch_size), dtype=np.float64)
        if scores.size != len(pairs):
            raise ValueError(f"reranker.predict returned scores of shape {scores.shape} for {len(pairs)} pairs. It must return one score for each pair.")
        return scores.reshape(len(pairs))


def _ranked(names: list[tuple[str, str]], scores: np.ndarray, tag: str) -> pd.DataFrame:
    """Best first in each query, equal scores as retrieval had them; queries in the order in which they came."""
    table = pd.DataFrame(names, columns=["query_id", "doc_id"], dtype=object)
    number = pd.factorize(table["query_id"])[0]
    order = np.lexsort((-scores, number))  # stable
    table = table.iloc[order].reset_index(drop=True)
    rank = table.groupby("query_id", sort=False).cumcount().to_numpy() + 1
    return pd.DataFrame(
        {"query_id": table["query_id"], "iteration": "Q0", "doc_id": table["doc_id"], "rank": rank.astype(np.int32), "score": scores[order], "tag": tag}
    )


def _here(job: _Job, unscored: Mapping[int, list[dict]], documents: dict[str, list]) -> Iterable[dict]:
    worker = _Worker(job, documents)
    with _threads_restored(job):
        for number, rows in unscored.items():
            yield worker.keep(number, rows)


def _in_memory(job: _Job, parts: Mapping[int, list[dict]], documents: dict[str, list], began: float, show_progress: bool) -> Reranked:
    tables, rejects, stats = [_ranked([], np.empty(0), job.tag)], [], []
    worker = _Worker(job, documents)
    with _threads_restored(job):
        for number, rows in tqdm(parts.items(), unit="part", disable=not show_progress):
            table, rejected, done = worker.timed(number, lambda: worker.score(rows))
            tables.append(table)
            rejects += rejected
            stats.append(done)
    return Reranked(_table(stats), 0, time.time() - began, None, (pd.concat(tables[1:] or tables), rejects))


def _with_ray(job: _Job, unscored: Mapping[int, list[dict]], documents: dict[str, list], actors: int, gpus: float, patience: float) -> Iterable[dict]:
    if not unscored:
        return
    import pyarrow

    job = replace(job, threads=job.threads or 1, folder=str(Path(job.folder).absolute()))
    _write_texts(Path(job.folder), documents)
    query = pyarrow.struct([("query_id", "string"), ("query", "string"), ("problem", "string"), ("documents", pyarrow.list_(pyarrow.int64()))])
    columns = pyarrow.schema([("part", "int64"), ("rows", pyarrow.list_(query))])
    blocks = [pyarrow.Table.from_pylist([{"part": number, "rows": rows}], columns) for number, rows in unscored.items()]  # a part is a block of one row
    actors = min(actors, len(unscored))
    with local_cluster(actors * job.threads), _ray_data(patience) as ray:
        done = ray.data.from_arrow(blocks).map_batches(
            _Worker, batch_size=1, batch_format="pyarrow", fn_constructor_args=(job,), num_cpus=job.threads, num_gpus=gpus,
            # A part takes seconds: a second one that waits at an actor gains nothing, and at the end another actor would be idle.
            compute=ray.data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=1),
        )
        try:
            yield from done.iter_rows()
        except Exception as error:
            raise _explained(error, job) from error


@contextmanager
def _ray_data(patience: float):
    """The module ray with its ray.data, without bars and lines on the screen; Ray's log files stay."""
    import ray
    import ray.data

    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.raise_original_map_exception = True
    context.execution_no_progress_timeout_s = patience
    context.retried_map_errors, context.max_map_retries = ["MemoryError", "out of memory"], RETRIES  # what may pass; all else ends the run
    console = [handler for handler in logging.getLogger("ray.data").handlers if handler.name == "console"]
    levels = [handler.level for handler in console]
    try:
        for handler in console:
            handler.setLevel(logging.CRITICAL + 1)
        with ray.data.DataContext.current(context):
            yield ray
    finally:
        for handler, level in zip(console, levels):
            handler.setLevel(level)


def _explained(error: Exception, job: _Job) -> Exception:
    """The error that a worker raised, if it did; else what can be said about its death."""
    from ray.exceptions import RayTaskError

    if isinstance(error, RayTaskError) and isinstance(error.cause, Exception):
        return error.cause
    lines = str(error).strip().splitlines() or [type(error).__name__]
    why = lines[-1] if "creation task" in lines[0] else lines[0]  # why a worker cannot start stands at the end of its traceback
    return ScaleError(f"Ray has given up: {why} Finished parts are in {job.folder}; call again to go on.")


# --- small things ---------------------------------------------------------------------------------------------------------------


@contextmanager
def _threads_restored(job: _Job):
    """Give the caller's process its number of threads back."""
    if not job.sets_threads:
        yield
        return
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _plain(value: Any) -> Any:
    """A Python value from a list, or from a column of Arrow."""
    return value.as_py() if hasattr(value, "as_py") else value


def _write_texts(folder: Path, documents: dict[str, list]) -> None:
    from pyarrow import feather, schema, table

    if not (folder / TEXTS).exists():
        texts = table(documents, schema([(name, "large_string") for name in documents]))
        _write_whole(folder / TEXTS, lambda scratch: feather.write_feather(texts, str(scratch), compression="uncompressed"))


def _read_texts(folder: Path) -> dict[str, Any]:
    """The columns of the texts as they stand in the file: the operating system keeps one copy of its pages for all processes."""
    from pyarrow import feather

    if not (folder / TEXTS).exists():
        raise ScaleError(f"{folder} on {platform.node()} is another folder. Give one that all machines of the cluster share under this path.")
    texts = feather.read_table(str(folder / TEXTS), memory_map=True)
    return {name: texts.column(name) for name in texts.column_names}


def _result_file(folder: Path, number: int) -> Path:
    return folder / RESULTS / f"part-{number:06}.parquet"


def _write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Under another name first: a file that stands there is complete."""
    scratch = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.part")
    write(scratch)
    os.replace(scratch, path)


def _table(stats: Sequence[dict]) -> pd.DataFrame:
    columns = ["part", "pairs", "rejects", "worker", "loading", "started", "seconds"]
    return pd.DataFrame(list(stats), columns=columns).set_index("part").sort_index()


def _as_run(results: pd.DataFrame) -> Run:
    run: Run = {}
    for query, document, score in zip(*(results[name] for name in ("query_id", "doc_id", "score"))) if len(results) else ():
        run.setdefault(query, []).append((document, score))
    return run
