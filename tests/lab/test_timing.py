"""Ways of doing one thing, timed side by side."""

import time

import pytest

from rerank_course.lab.timing import compare_times


def test_times_are_compared_in_turns():
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


def test_nothing_to_time():
    with pytest.raises(ValueError, match="at least one"):
        compare_times({})
    with pytest.raises(ValueError, match="at least one"):
        compare_times({"a": int}, repeats=0)
