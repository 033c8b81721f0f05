"""Which tests are heavy: they load a model, start a browser or a cluster, or take more than some seconds.

A test that uses one of ``HEAVY_FIXTURES`` is marked by itself; one that does such work itself says so with
``@pytest.mark.heavy``. ``guard/`` makes a test fail that is heavy without a mark.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.guard import sitecustomize

GUARD = Path(sitecustomize.__file__).parent
QUICK_START = Path(__file__).parent / "quick_start"  # what no process of a test needs to import
MAKE_MODELS = """
from rerank_course.engine import int8, weights
weights.reranker_folder(), int8.int8_folder()
"""
HEAVY_FIXTURES = {"reranker", "int8_reranker", "embedder", "fast", "machine"}


def pytest_configure(config):
    """Each Python that a test starts loads the guard, and starts quickly."""
    paths = [str(GUARD), str(QUICK_START), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)


def pytest_sessionstart(session):
    """Make the models before notebooks run: a kernel that makes one says so in the notebook's output."""
    option, is_worker = session.config.option, hasattr(session.config, "workerinput")
    if not is_worker and option.markexpr != "not heavy" and not option.collectonly:
        subprocess.run([sys.executable, "-c", MAKE_MODELS], check=True)


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(items):
    for item in items:
        if HEAVY_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.heavy)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """While a light test runs, its set-up and its end included, the guard is on."""
    is_light = isinstance(item, pytest.Function) and item.get_closest_marker("heavy") is None
    if is_light:
        os.environ[sitecustomize.LIGHT_TEST] = item.name
    try:
        return (yield)
    finally:
        os.environ.pop(sitecustomize.LIGHT_TEST, None)
