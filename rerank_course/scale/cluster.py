"""Ray: a cluster on this machine, or yours, and parts handed out by Ray Data."""

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from rerank_course.engine.int8 import EngineNotInstalledError
from rerank_course.scale.rerank_run.folder import ScaleError, write_texts
from rerank_course.scale.rerank_run.job import Job
from rerank_course.scale.rerank_run.worker import Worker

INSTALL = 'pip install "rerank-course[ray]"'
OBJECT_STORE_BYTES = (
    200_000_000  # of a cluster that is started here: ids and queries go through it, texts do not
)
RETRIES = 2  # of a part for which there was no memory just now
STARTS = 3  # Ray gives its helpers 15 s to start, which a busy machine can miss


def ray_is_installed() -> bool:
    """Whether ``engine="ray"`` can be used here."""
    return find_spec("ray") is not None and find_spec("pyarrow") is not None


@contextmanager
def local_cluster(processors: int):
    """Ray on this machine, listening on the loopback interface only, stopped at the end; or the cluster that
    there is already.

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


def check_ray() -> None:
    if not ray_is_installed():
        raise EngineNotInstalledError(
            f'engine="ray" needs Ray Data: {INSTALL}. engine="local" works without it.'
        )


def _import_ray():
    check_ray()
    if not _elsewhere() or os.environ["RAY_ADDRESS"].startswith(("127.", "localhost")):
        # Ray listens on all interfaces, except where it takes a cluster of several machines to be impossible.
        # It reads this when it is imported.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault(
        "RAY_BACKEND_LOG_LEVEL", "fatal"
    )  # else it warns of what Ray Data 2.60 itself does: arguments in the object store
    import ray

    return ray


def _start(ray, processors: int) -> None:
    for attempt in range(1, STARTS + 1):
        try:
            with _no_stderr():
                ray.init(
                    address="local",
                    num_cpus=processors,
                    object_store_memory=OBJECT_STORE_BYTES,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            break
        except Exception as error:  # Ray raises plain exceptions here
            ray.shutdown()
            if attempt == STARTS:
                raise ScaleError(
                    f"Ray does not start on this machine: {error} Close what keeps it busy and try again."
                ) from error
    if not ray.util.get_node_ip_address().startswith(("127.", "::1")):
        ray.shutdown()
        raise ScaleError(
            "Ray was imported before rerank_course.scale.rerank_run could tell it to listen on the loopback interface only. Start Python anew "
            "and import ray later, or connect to a cluster of your own with ray.init() first."
        )


@contextmanager
def _no_stderr():
    """Nothing on standard error, from C++ neither, where Ray announces its log level whatever it is. What
    goes wrong comes as an exception.
    """
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def with_ray(
    job: Job,
    unscored: Mapping[int, list[dict]],
    documents: dict[str, list],
    actors: int,
    gpus: float,
    patience: float,
) -> Iterable[dict]:
    if not unscored:
        return
    import pyarrow

    job = replace(job, threads=job.threads or 1, folder=str(Path(job.folder).absolute()))
    write_texts(Path(job.folder), documents)
    query = pyarrow.struct(
        [
            ("query_id", "string"),
            ("query", "string"),
            ("problem", "string"),
            ("documents", pyarrow.list_(pyarrow.int64())),
        ]
    )
    columns = pyarrow.schema([("part", "int64"), ("rows", pyarrow.list_(query))])
    blocks = [
        pyarrow.Table.from_pylist([{"part": number, "rows": rows}], columns)
        for number, rows in unscored.items()
    ]  # a part is a block of one row
    actors = min(actors, len(unscored))
    with local_cluster(actors * job.threads), _ray_data(patience) as ray:
        done = ray.data.from_arrow(blocks).map_batches(
            Worker,
            batch_size=1,
            batch_format="pyarrow",
            fn_constructor_args=(job,),
            num_cpus=job.threads,
            num_gpus=gpus,
            # A part takes seconds: a second one that waits at an actor gains nothing, and at the end another
            # actor would be idle.
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
    context.retried_map_errors, context.max_map_retries = (
        ["MemoryError", "out of memory"],
        RETRIES,
    )  # what may pass; all else ends the run
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
    why = (
        lines[-1] if "creation task" in lines[0] else lines[0]
    )  # why a worker cannot start stands at the end of its traceback
    return ScaleError(f"Ray has given up: {why} Finished parts are in {job.folder}; call again to go on.")
