"""Ways of doing one thing, timed side by side."""

import time

import pytest

from rerank_course.lab.timing import ROUNDS_VARIABLE, compare_times


def test_times_are_compared_in_turns(monkeypatch):
    monkeypatch.delenv(ROUNDS_VARIABLE)  # conftest sets it
    calls = []
    table = compare_times(
        {"slow": lambda: (calls.append("slow"), time.sleep(0.03)), "fast": lambda: calls.append("fast")},
        repeats=2,
    )
    assert calls == ["slow", "fast", "slow", "fast"]
    assert list(table.index) == ["slow", "fast"]
    assert table.loc["slow", "times faster"] == 1
    assert table.loc["slow", "min s"] <= table.loc["slow", "median s"] <= table.loc["slow", "max s"]
    assert table.loc["fast", "times faster"] > 5


def test_the_environment_limits_the_rounds(monkeypatch):
    calls = []
    monkeypatch.setenv(ROUNDS_VARIABLE, "2")
    compare_times({"a": lambda: calls.append("a")}, repeats=5)
    compare_times({"a": lambda: calls.append("a")}, repeats=1)
    assert len(calls) == 3


def test_nothing_to_time():
    with pytest.raises(ValueError, match="at least one"):
        compare_times({})
    with pytest.raises(ValueError, match="at least one"):
        compare_times({"a": int}, repeats=0)
