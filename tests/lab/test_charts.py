"""Each chart tells in words what it shows."""

import pandas as pd
import pytest

from rerank_course.lab import charts

COUNTS = pd.DataFrame({"same": [1, 0], "other": [2, 3]}, index=["a", "b"])
PANELS = {"cosine": [("the", 0.5), ("the", -0.25)], "cross-encoder": [("the", -3), ("the", 4)]}


@pytest.mark.parametrize(
    ("chart", "arguments", "alt"),
    [
        (
            charts.score_strip,
            ({"related": [2, 9.5], "not": [-11]}, "logit"),
            "logit. related: 2 scores from 2.0 to 9.5; not: 1 scores from -11.0 to -11.0.",
        ),
        (
            charts.draw_lines,
            ({"int8": ([10, 100], [0.5, 5]), "torch": ([10], [2])}, "pairs", "seconds"),
            "seconds against pairs. int8: 0.5 at 10, 5 at 100; torch: 2 at 10.",
        ),
        (charts.draw_bars, ({"a": 1.25, "b": 3}, "seconds"), "seconds. a: 1.25; b: 3."),
        (
            charts.draw_points,
            ({"small": (1, 0.5), "large": (8, 0.625)}, "seconds", "nDCG@10"),
            "nDCG@10 against seconds. small: 1 and 0.5; large: 8 and 0.625.",
        ),
        (
            charts.draw_importance,
            (PANELS, "lost"),
            "Bars for each row, lost. cosine: the +0.50, the -0.25; cross-encoder: the -3.00, the +4.00.",
        ),
        (charts.draw_counts, (COUNTS, "queries"), "queries. a: same 1, other 2; b: same 0, other 3."),
    ],
)
def test_a_chart_tells_its_numbers(chart, arguments, alt):
    picture = chart(*arguments)
    assert picture.png.startswith(b"\x89PNG")
    assert picture.alt == alt


def test_a_budget_is_a_line_of_its_own():
    lines = {"int8": ([10, 100], [0.5, 5])}
    without = charts.draw_lines(lines, "pairs", "seconds")
    assert charts.draw_lines(lines, "pairs", "seconds", budget=2).png != without.png


@pytest.mark.parametrize(
    "panels", [{}, {"a": [("x", 1)], "b": [("y", 1)]}, {"a": [("x", 1)], "b": [("x", 1), ("y", 1)]}]
)
def test_panels_that_do_not_belong_together(panels):
    with pytest.raises(ValueError, match="same rows"):
        charts.draw_importance(panels, "x")
