"""Shared fixtures. No test may use a network, so all of them run with proxies that lead nowhere."""

import os

for _name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ[_name] = "http://127.0.0.1:9"  # before a library reads it; kernels and subprocesses inherit it
for _name in ("no_proxy", "NO_PROXY"):
    os.environ[_name] = "127.0.0.1,localhost"  # Jupyter talks to its kernels there
os.environ.pop("HF_HUB_OFFLINE", None)  # being off line must work without being told
if "PYTEST_XDIST_WORKER" in os.environ:
    # Torch's threads wait for each other: two processes of two threads on two cores take three times as long.
    os.environ["OMP_NUM_THREADS"] = "1"
os.environ["RERANK_COURSE_ROUNDS"] = "1"  # lessons are run to see that they run, not to time anything
os.environ["RERANK_COURSE_PROGRESS"] = ""  # what tests and solutions pass is nobody's progress

import pytest

from tests.support.claims import pytest_runtest_call  # noqa: F401  (pytest calls it)
from tests.support.heavy import (  # noqa: F401  (pytest calls them)
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_protocol,
    pytest_sessionstart,
)

# One of each for all tests of a run; a test that changes a model loads its own.


@pytest.fixture(scope="session")
def reranker():
    from rerank_course.models import load_reranker

    return load_reranker()


@pytest.fixture(scope="session")
def int8_reranker():
    from rerank_course.models import load_reranker

    return load_reranker(backend="int8")


@pytest.fixture(scope="session")
def embedder():
    from rerank_course.models import load_embedder

    return load_embedder()


@pytest.fixture
def loaded_once(monkeypatch, reranker, embedder):
    """Commands get the packaged models that the tests have loaded already; any other name is loaded anew."""
    from rerank_course import models

    load = models.load_reranker

    def load_reranker(name=models.DEFAULT_RERANKER, backend="torch"):
        is_loaded = name == models.DEFAULT_RERANKER and backend == "torch"
        return reranker if is_loaded else load(name, backend=backend)

    monkeypatch.setattr(models, "load_reranker", load_reranker)
    monkeypatch.setattr(models, "load_embedder", lambda: embedder)
