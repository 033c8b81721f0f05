"""Rerank a whole run, on one process or, with Ray Data, on as many as you have.

``INSTALL`` says how to install Ray.
"""

from rerank_course.scale.cluster import local_cluster
from rerank_course.scale.folder import ScaleError, read_rejects, read_run
from rerank_course.scale.job import INSTALL, ray_is_installed
from rerank_course.scale.whole_run import Reranked, rerank_run

__all__ = [
    "INSTALL",
    "Reranked",
    "ScaleError",
    "local_cluster",
    "ray_is_installed",
    "read_rejects",
    "read_run",
    "rerank_run",
]
