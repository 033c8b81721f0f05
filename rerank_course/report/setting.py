"""With what a report's numbers were made: model, backend, versions, date, and what scoring cost."""

import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from rerank_course import __version__
from rerank_course.report.measured import Measured, System

# What scores, searches and measures; those that are not installed are left out.
LIBRARIES = (
    "sentence-transformers",
    "transformers",
    "torch",
    "openvino",
    "bm25s",
    "ir-measures",
    "numpy",
)


@dataclass(frozen=True)
class Setting:
    """With what the numbers were made.

    Attributes:
        model: the reranker's name or folder.
        backend: the engine that it ran on, for example ``"torch"`` or ``"int8"``.
        seconds: how long scoring took by the clock, if known.
        pairs: how many pairs were scored in that time, if known; each pair counts once.
        weights: the reranker's share in each mix, by the name of the system: the one to use from now on.
        margins: the search's margin from which on a gate leaves its order, likewise.
        made: when.

    Raises:
        ValueError: seconds or pairs are negative, infinite or no number.
    """

    model: str
    backend: str
    seconds: float | None = None
    pairs: int | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    margins: Mapping[str, float] = field(default_factory=dict)
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        for what, value in (("seconds", self.seconds), ("pairs", self.pairs)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(
                    f"{what} must be a number from 0 on, or None where it is unknown: {value!r}."
                )

    @property
    def seconds_a_pair(self) -> float | None:
        """How long a pair took; ``None`` where it is unknown, or where nothing was scored."""
        return self.seconds / self.pairs if self.seconds is not None and self.pairs else None

    def seconds_a_query(self, measured: Measured, system: System) -> float | None:
        """How long a reranker takes for a query of a system; without the search before it."""
        pair = self.seconds_a_pair
        return None if pair is None else pair * measured.pairs_a_query(system)


def versions() -> dict[str, str]:
    """The versions of the course, of Python, and of the libraries that made the numbers."""
    found = {"rerank-course": __version__, "Python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
