"""What the watch sees of a process that a test has started.

This process may have other children, a server of other tests for example. The watch is shown the test's own
one: what it looks at it may also end.
"""

import subprocess
import sys

import psutil
import pytest

from tools.grading.watch import Watch, end_all_below

# Takes memory and gives it back before anybody looks.
SHORT_PEAK = "hog = b'x' * 300_000_000; del hog; print('passed', flush=True); input()"
LIMITS = {"seconds": 600, "processes": 100, "memory": 200_000_000, "disk": 1_000_000}


BELOW = "tools.grading.watch.below_this"


@pytest.fixture
def peaked(monkeypatch):
    """A process that has had 300 MB, and has given them back."""
    process = subprocess.Popen(
        [sys.executable, "-c", SHORT_PEAK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "passed\n"
    monkeypatch.setattr(BELOW, lambda: [psutil.Process(process.pid)])
    yield process
    process.communicate("\n")


def looked(box, inherited=0, **limits):
    watch = Watch(box, LIMITS | limits, inherited)
    watch.look()
    return watch.reason


@pytest.mark.skipif(sys.platform != "linux", reason="only /proc tells the most memory that a process has had")
def test_a_peak_between_two_looks_is_seen(peaked, tmp_path):
    assert looked(tmp_path) == "it took more than 0.2 GB of memory"


def test_what_a_process_was_forked_with_is_not_its_own(peaked, tmp_path):
    assert looked(tmp_path, inherited=200_000_000) == ""


def test_what_is_within_the_limits_is_fine(peaked, tmp_path):
    assert looked(tmp_path, memory=1_000_000_000) == ""


def test_each_limit_has_its_words(peaked, tmp_path):
    assert looked(tmp_path, seconds=-1) == "it ran longer than -1 seconds"
    assert looked(tmp_path, processes=0) == "it started more than 0 processes"
    (tmp_path / "file").write_bytes(b"x" * 2_000_000)
    assert looked(tmp_path, memory=1_000_000_000) == "it wrote more than 1 MB"


def test_a_process_that_ends_while_the_watch_looks_is_no_trouble(monkeypatch, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    below = [psutil.Process(process.pid)]
    process.communicate(b"\n")
    answers = [below]
    monkeypatch.setattr(BELOW, lambda: answers.pop() if answers else [])
    end_all_below()
    answers = [below]
    assert looked(tmp_path) == ""
