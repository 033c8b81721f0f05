"""Watches where a model, a browser or a cluster starts, in each Python process of a test run.

A test that is not marked heavy fails when it starts one, here or in a process of its own. So `make quick`,
which leaves out the heavy tests, stays quick, and the marks stay true.
"""

import functools
import importlib.machinery
import os
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

LIGHT_TEST = "RERANK_COURSE_LIGHT_TEST"  # an environment variable: the test that runs, if it is not heavy
ENTRANCES = {
    "sentence_transformers": ("CrossEncoder.__init__", "SentenceTransformer.__init__"),
    "openvino": ("Core.compile_model",),
    "playwright.sync_api": ("sync_playwright",),
    "ray": ("init",),
}


class HeavyError(BaseException):
    """A light test does heavy work. Not an Exception: no code under test may catch it as one of its own."""


def watched(function: Callable, name: str) -> Callable:
    """The function, which refuses to start while a light test runs."""

    @functools.wraps(function)
    def start(*arguments: Any, **options: Any) -> Any:
        if test := os.environ.get(LIGHT_TEST):
            raise HeavyError(
                f"{test} starts {name}: mark it @pytest.mark.heavy, or add its fixture in heavy.py"
            )
        return function(*arguments, **options)

    return start


def watch(module: ModuleType) -> None:
    """Put a watch before each entrance of a module that has just been imported."""
    for path in ENTRANCES[module.__name__]:
        *owners, name = path.split(".")
        owner = functools.reduce(getattr, owners, module)
        setattr(owner, name, watched(getattr(owner, name), f"{module.__name__}.{path}"))


class Watchman(MetaPathFinder):
    """Finds the watched modules as Python does, and adds ``watch`` to their import."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name in ENTRANCES else None
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = self._then_watch(spec.loader.exec_module)  # type: ignore[method-assign]
        return spec

    @staticmethod
    def _then_watch(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
        def execute_and_watch(module: ModuleType) -> None:
            execute(module)
            watch(module)

        return execute_and_watch


if not any(type(finder).__name__ == Watchman.__name__ for finder in sys.meta_path):
    sys.meta_path.insert(0, Watchman())
