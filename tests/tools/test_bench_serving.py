"""The benchmark's section on many callers: who waits how long, and the page that keeps its other sections."""

import time

import pandas as pd
import pytest

from tools.bench import __main__ as bench
from tools.bench import report, serving

PAIRS = [("q", "a")]


def test_every_caller_asks_until_the_time_is_over():
    def score(pairs):
        time.sleep(0.01 * len(pairs))

    found = serving.answers_of(score, 4, 0.3, [PAIRS, 3 * PAIRS])
    assert 20 < len(found["calls"]) < 150 and found["seconds"] < 2
    assert found["pairs"] == sum(size for size, _ in found["calls"])
    assert {size for size, _ in found["calls"]} == {1, 3}
    assert all(wait >= 0.01 * size for size, wait in found["calls"])


def test_a_caller_behind_a_lock_waits_for_the_others():
    locked = serving._one_at_a_time(lambda pairs: time.sleep(0.02))
    alone, four = (serving.answers_of(locked, callers, 0.3, [PAIRS]) for callers in (1, 4))
    assert len(four["calls"]) < 2 * len(alone["calls"])  # without the lock four times as many


def test_a_row_of_the_table():
    calls = [[1, 0.1], [5, 0.2], [10, 0.3], [50, 4.0]]
    row = serving.summary({"calls": calls, "seconds": 2.0, "pairs": 66})
    assert row["calls"] == 4 and row["pairs a second"] == 33
    assert (row["p50 s"], row["p95 s"], row["p50 s, up to 10"]) == ("0.25", "3.44", "0.20")
    nothing = serving.summary({"calls": [[50, 4.0]], "seconds": 2.0, "pairs": 50})
    assert nothing["p95 s, up to 10"] == "–"


HEADING = report.SECTIONS["callers"][0]


@pytest.fixture
def table():
    return pd.DataFrame({"callers": [1, 16], "p50 s": ["0.10", "0.90"]}, index=["course, int8"] * 2)


def test_the_section_alone(table, tmp_path, monkeypatch):
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n\nWords.\n\n## 10 candidates, 30 tokens\n\nrows\n", encoding="utf-8")
    monkeypatch.setattr(bench, "serving", lambda: table)
    for _ in range(2):  # the second time it takes the first one's place
        bench.main(["--only", "callers", "--output", str(page)])
        text = page.read_text(encoding="utf-8")
        assert text.count(HEADING) == text.count("| course, int8 | 16 | 0.90 |") == 1
        assert text.startswith("# Benchmarks\n\nWords.\n\n" + HEADING)
        assert text.endswith("\n\n## 10 candidates, 30 tokens\n\nrows\n")


def test_a_page_that_has_no_other_section(table, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "serving", lambda: table)
    bench.main(["--only", "callers", "--output", str(tmp_path / "new.md")])
    assert (tmp_path / "new.md").read_text(encoding="utf-8").count("\n## ") == 1


@pytest.mark.heavy
def test_an_engine_is_measured():
    table = serving.serving(["course, int8", "no such engine"], seconds=0.5)
    assert table["callers"].tolist() == list(serving.CALLERS) and set(table.index) == {"course, int8"}
    assert (table["calls"] >= table["callers"]).all()
