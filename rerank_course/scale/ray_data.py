"""Ray Data: parts handed out to actors, and the part of one that died to another.

Documentation: https://docs.ray.io/en/latest/data/data.html
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rerank_course.scale.cluster import local_cluster
from rerank_course.scale.folder import ScaleError, write_texts
from rerank_course.scale.job import Job, Workers
from rerank_course.scale.parts import Part, Work
from rerank_course.scale.worker import Worker

RETRIES = 2  # of a part for which there was no memory just now


def score_with_ray(job: Job, workers: Workers, unscored: Work) -> Iterator[dict]:
    """Give each part to an actor; what was done, part by part, as they finish.

    Raises:
        ScaleError: the cluster does not start, or Ray gives up. Finished parts stay.
    """
    if not unscored.parts:
        return
    folder, threads = Path(str(job.folder)).absolute(), job.threads or 1
    write_texts(folder, unscored.documents)
    job = replace(job, threads=threads, folder=str(folder))
    actors = min(workers.actors, len(unscored.parts))
    with local_cluster(actors * threads), _ray_data(workers.patience) as ray:
        done = ray.data.from_arrow(_blocks(unscored.parts)).map_batches(
            Worker,
            batch_size=1,
            batch_format="pyarrow",
            fn_constructor_args=(job,),
            num_cpus=threads,
            num_gpus=workers.gpus,
            # A part takes seconds: a second one that waits at an actor gains nothing, and at the end another
            # actor would be idle.
            compute=ray.data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=1),
        )
        try:
            yield from done.iter_rows()
        except Exception as error:
            raise _explained(error, job) from error


def _blocks(parts: Mapping[int, Part]) -> list:
    """A block of Ray Data for each part: an Arrow table of one row."""
    import pyarrow

    texts = [(name, "string") for name in ("query_id", "query", "problem")]
    query = pyarrow.struct([*texts, ("documents", pyarrow.list_(pyarrow.int64()))])
    columns = pyarrow.schema([("part", "int64"), ("rows", pyarrow.list_(query))])
    return [pyarrow.Table.from_pylist([{"part": n, "rows": rows}], columns) for n, rows in parts.items()]


@contextmanager
def _ray_data(patience: float):
    """The module ray with its ray.data, without bars and lines on the screen; Ray's log files stay."""
    import ray
    import ray.data

    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.raise_original_map_exception = True
    context.execution_no_progress_timeout_s = patience
    context.retried_map_errors = ["MemoryError", "out of memory"]  # what may pass; all else ends the run
    context.max_map_retries = RETRIES
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


def _explained(error: Exception, job: Job) -> Exception:
    """The error that a worker raised, if it did; else what can be said about its death."""
    from ray.exceptions import RayTaskError

    if isinstance(error, RayTaskError) and isinstance(error.cause, Exception):
        return error.cause
    lines = str(error).strip().splitlines() or [type(error).__name__]
    # Why a worker cannot start stands at the end of its traceback.
    why = lines[-1] if "creation task" in lines[0] else lines[0]
    return ScaleError(f"Ray has given up: {why} Finished parts are in {job.folder}; call again to go on.")
