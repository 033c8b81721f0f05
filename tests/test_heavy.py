"""The guard that keeps the marks of heavy tests true."""

import os
import subprocess
import sys

import pytest

from tests.support import heavy
from tests.support.guard import sitecustomize


def start_a_cluster(tmp_path, **environment):
    """Another Python imports a package that is called ray, and starts it."""
    (tmp_path / "ray.py").write_text("def init():\n    print('started')\n", encoding="utf-8")
    paths = os.pathsep.join([str(heavy.GUARD), str(tmp_path)])
    kept = {name: value for name, value in os.environ.items() if name != sitecustomize.LIGHT_TEST}
    command = [sys.executable, "-c", "import ray; ray.init()"]
    environment = kept | {"PYTHONPATH": paths} | environment
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_a_light_test_starts_nothing_heavy_in_another_process_either(tmp_path):
    run = start_a_cluster(tmp_path, **{sitecustomize.LIGHT_TEST: "test_x"})
    assert run.returncode == 1 and run.stdout == ""
    assert "HeavyError: test_x starts ray.init: mark it @pytest.mark.heavy" in run.stderr


def test_a_heavy_one_may(tmp_path):
    assert start_a_cluster(tmp_path).stdout == "started\n"


def test_the_guard_is_on_while_a_light_test_runs_and_no_except_hides_it():
    assert "test_the_guard_is_on" in os.environ[sitecustomize.LIGHT_TEST]
    with pytest.raises(sitecustomize.HeavyError, match="starts a printer"):
        sitecustomize.watched(print, "a printer")()
    assert not issubclass(sitecustomize.HeavyError, Exception)


@pytest.mark.heavy
def test_the_guard_is_off_while_a_heavy_test_runs(capsys):
    sitecustomize.watched(print, "a printer")("started")
    assert capsys.readouterr().out == "started\n"


def test_a_test_with_a_heavy_fixture_is_marked():
    light, marked = FakeItem("tmp_path"), FakeItem("tmp_path", "reranker")
    heavy.pytest_collection_modifyitems([light, marked])
    assert light.marks == [] and [mark.name for mark in marked.marks] == ["heavy"]


class FakeItem:
    def __init__(self, *fixtures):
        self.fixturenames, self.marks = fixtures, []

    def add_marker(self, mark):
        self.marks.append(mark)
