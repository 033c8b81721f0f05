"""Ray itself: started on this machine, or yours that is running already."""

import logging
import os
from contextlib import contextmanager

from rerank_course.scale.folder import ScaleError
from rerank_course.scale.job import check_ray

OBJECT_STORE_BYTES = 200_000_000  # of a cluster started here: ids and queries go through it, texts do not
STARTS = 3  # Ray gives its helpers 15 s to start, which a busy machine can miss


@contextmanager
def local_cluster(processors: int):
    """Ray on this machine, on the loopback interface only; or the cluster that there is already.

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


def _import_ray():
    check_ray()
    if not _elsewhere() or os.environ["RAY_ADDRESS"].startswith(("127.", "localhost")):
        # Ray listens on all interfaces, except where it takes a cluster of several machines to be impossible.
        # It reads this when it is imported.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    # Else it warns of what Ray Data 2.60 itself does: arguments in the object store.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
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
            "Ray was imported before rerank_course.scale could tell it to listen on the loopback interface "
            "only. Start Python anew and import ray later, or connect to a cluster of your own with "
            "ray.init() first."
        )


@contextmanager
def _no_stderr():
    """Nothing on standard error, from C++ neither: what goes wrong comes as an exception."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
