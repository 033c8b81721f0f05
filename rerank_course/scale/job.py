"""What a worker needs to know."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from rerank_course.engine.cache import CACHE_VARIABLE
from rerank_course.engine.int8 import Int8Reranker
from rerank_course.models import load_reranker
from rerank_course.rerank import Reranker


@dataclass(frozen=True)
class Job:
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
