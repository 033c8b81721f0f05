"""What to score with, and by how many: the choices of a run, checked when they are made."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from rerank_course.engine.cache import CACHE_VARIABLE
from rerank_course.engine.int8 import Int8Reranker
from rerank_course.engine.int8_making import EngineNotInstalledError
from rerank_course.models import BACKENDS, DEFAULT_RERANKER, is_packaged, load_reranker
from rerank_course.rerank import Reranker

ENGINES = ("local", "ray")
INSTALL = 'pip install "ray[data]>=2.60,<3"'  # the course's own name is on no index; its extra says the same


@dataclass(frozen=True)
class Job:
    """What a worker needs to know.

    Attributes:
        model: a name or folder for ``load_reranker``, or a function without arguments that gives a reranker;
            each worker calls it once (a function from a file of yours is found by its module's name, so that
            module must be there for the workers, too). Packaged weights are restored once on each machine, or
            in the shared folder that the environment variable ``RERANK_COURSE_CACHE`` of this process names.
        backend, max_length: as for ``load_reranker``.
        threads: for each worker; ``None`` is one in an actor, and in this process what it has.
        batch_size: pairs in a forward pass. The library sorts a whole part by length before it cuts it into
            batches.
        folder: where results go; ``None`` keeps them in memory.
        model_cache: the value of ``RERANK_COURSE_CACHE`` for the workers.

    Raises:
        TypeError, ValueError: a choice is unusable; the message names it.
        EngineNotInstalledError: a folder of results without pyarrow.
    """

    model: str | Callable[[], Reranker]
    backend: str
    max_length: int | None
    threads: int | None
    batch_size: int
    folder: str | None
    model_cache: str | None

    def __post_init__(self) -> None:
        if self.folder is not None and find_spec("pyarrow") is None:
            raise EngineNotInstalledError(
                f"A folder of results needs pyarrow, which comes with Ray Data: {INSTALL}. "
                "With folder=None they stay in memory."
            )
        if self.backend not in BACKENDS:
            raise ValueError(f"backend must be one of {_quoted(BACKENDS)}, not {self.backend!r}.")
        if not isinstance(self.model, str) and not callable(self.model):
            raise TypeError(
                "model must be a name, or a function without arguments that gives a reranker, "
                f"not a {type(self.model).__name__}."
            )
        if self.backend == "int8" and isinstance(self.model, str) and not is_packaged(self.model):
            raise ValueError(
                f'backend="int8" runs {DEFAULT_RERANKER} only, not {self.model}. '
                f"Leave backend out to run {self.model} in torch."
            )
        check_counts(batch_size=self.batch_size, threads=1 if self.threads is None else self.threads)

    @property
    def tag(self) -> str:
        """What the run is called in the results."""
        if isinstance(self.model, str):
            return f"{self.model.rstrip('/').split('/')[-1]}/{self.backend}"
        return _name_of(self.model)

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


@dataclass(frozen=True)
class Workers:
    """Who scores.

    Attributes:
        engine: ``"local"``, this process, or ``"ray"``. Ray uses the cluster that this process is connected
            to or that ``RAY_ADDRESS`` names; if there is none, one of ``actors × threads`` processors is
            started on this machine (see ``local_cluster``) and stopped at the end.
        actors: workers, with Ray.
        gpus: for each actor, with Ray; a fraction lets actors share one.
        patience: seconds, with Ray, in which at least one part must be finished or taken up. Ray starts dead
            workers anew for ever; this ends a run whose last part kills each of them, or that waits for
            machines that never come.

    Raises:
        ValueError: a choice is unusable; the message names it.
        EngineNotInstalledError: Ray Data is not installed.
    """

    engine: str
    actors: int
    gpus: float
    patience: float

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(f"engine must be one of {_quoted(ENGINES)}, not {self.engine!r}.")
        if self.engine == "ray":
            check_ray()
        check_counts(actors=self.actors)

    def check_folder(self, folder: Any) -> None:
        if self.engine == "ray" and folder is None:
            raise ValueError('engine="ray" needs a folder for the results: its workers are other processes.')


def ray_is_installed() -> bool:
    """Whether ``engine="ray"`` can be used here."""
    return find_spec("ray") is not None and find_spec("pyarrow") is not None


def check_ray() -> None:
    if not ray_is_installed():
        raise EngineNotInstalledError(
            f'engine="ray" needs Ray Data: {INSTALL}. engine="local" works without it.'
        )


def check_counts(**counts: Any) -> None:
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number, at least 1, not {value!r}.")


def _name_of(maker: Any) -> str:
    """A function's name without white space; a partial's with its arguments, which choose the model."""
    if isinstance(maker, functools.partial):
        arguments = [*map(repr, maker.args), *(f"{name}={value!r}" for name, value in maker.keywords.items())]
        return "".join(f"{_name_of(maker.func)}({','.join(arguments)})".split())
    return f"{maker.__module__}.{getattr(maker, '__qualname__', type(maker).__qualname__)}"


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))
