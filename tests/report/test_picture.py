"""The charts: everything inside the frame, told in words, escaped."""

import re
from xml.etree import ElementTree

import pytest

from rerank_course.lab import colours
from rerank_course.report.page import page_of
from rerank_course.report.picture import Scale, Span, draw_depths, draw_intervals
from rerank_course.report.setting import Setting
from tests.report.made import measured

SVG = "{http://www.w3.org/2000/svg}"
ROWS = {"BM25 + rerank 10": [Span(0.1, 0.05, 0.2), Span(-0.2, -0.3, -0.1)], "x": [Span(0.0, 0.0, 0.0), None]}


def parts(chart):
    root = ElementTree.fromstring(str(chart))
    return root, {tag: root.findall(f"{SVG}{tag}") for tag in ("text", "path", "circle", "title", "desc")}


def assert_inside(root):
    _, _, width, height = map(float, root.get("viewBox").split())
    for path in root.findall(f"{SVG}path"):
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d")):
            assert 0 <= float(x) <= width and 0 <= float(y) <= height
    for text in root.findall(f"{SVG}text"):
        assert 0 <= float(text.get("x")) <= width and 0 <= float(text.get("y")) <= height


def test_intervals_are_drawn_around_zero_and_told_in_words():
    chart = draw_intervals(ROWS, ["to dense", "to its own"], "Differences")
    root, found = parts(chart)
    assert root.get("role") == "img" and found["title"][0].text == "Differences"
    assert found["desc"][0].text == (
        "Means and 95 % intervals. BM25 + rerank 10: to dense +0.100, +0.050 to +0.200; "
        "to its own −0.200, −0.300 to −0.100. x: to dense 0.000, 0.000 to 0.000."
    )
    labels = [text.text for text in found["text"]]
    assert {"BM25 + rerank 10", "x", "to dense", "to its own", "0", "difference in nDCG@10"} <= {*labels}
    zero = next(path for path in found["path"] if path.get("class") == "zero").get("d")
    zero_x = float(re.match(r"M([\d.]+)", zero)[1])
    dots = [float(circle.get("cx")) for circle in found["circle"]]
    assert dots[1] > zero_x and dots[2] == zero_x  # dots[0] is the legend's
    assert_inside(root)


@pytest.mark.parametrize("value", [0.0, 1e-12, 0.0004, 1.0, -1.0])
def test_any_differences_fit(value):
    span = Span(value, min(value, 0), max(value, 0))
    assert_inside(parts(draw_intervals({"a": [span]}, ["to b"], "t"))[0])


def test_depths_are_drawn_in_even_steps_and_told_in_words():
    chart = draw_depths({"BM25": {0: 0.2, 10: 0.4, 1000: 0.5}, "dense": {0: 0.5, 10: 0.5}}, "By depth")
    root, found = parts(chart)
    assert found["desc"][0].text == (
        "nDCG@10 by depth. BM25: 0.200 as it is, 0.400 at 10, 0.500 at 1000; "
        "dense: 0.500 as it is, 0.500 at 10."
    )
    assert {"none", "10", "1,000", "BM25", "dense"} <= {text.text for text in found["text"]}
    assert_inside(root)


@pytest.mark.parametrize(
    "lines",
    [
        {"one": {0: 0.0, 10: 0.0}},
        {"one": {0: 1.0, 10: 1.0}},
        {f"stage {n}": {0: n / 10, 5: n / 9} for n in range(9)},
        {"only its own": {0: 0.3}},
    ],
)
def test_any_depths_fit(lines):
    assert_inside(parts(draw_depths(lines, "By depth"))[0])


def test_names_are_escaped_cut_and_told_whole():
    name = "<script>alert('&')</script> " + "w" * 99
    chart = str(draw_intervals({name: ROWS["x"]}, [name], "t"))
    assert "<script" not in chart and "&lt;script" in chart
    ElementTree.fromstring(chart)


def test_a_scale_turns_values_into_pixels():
    scale = Scale(-1, 1, 100, 300)
    assert [scale.at(value) for value in (-1, 0, 1)] == [100, 200, 300]


# The style sheet


def themes():
    page = page_of(measured(BM25=[1] * 3, BM25_5=[2] * 3), Setting("mini", "torch"))
    light, dark = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    return [dict(re.findall(r"--(\w+): (#\w{6})", theme)) for theme in (light, dark)]


def test_the_light_colours_are_those_of_the_lessons():
    light = themes()[0]
    assert [light[f"c{n}"] for n in range(4)] == [colours.BLUE, colours.ORANGE, colours.GREEN, colours.GREY]


@pytest.mark.parametrize("theme", [0, 1])
def test_text_and_marks_stand_out_in_both_themes(theme):
    colour = themes()[theme]
    for text in ("ink", "muted"):
        for ground in ("paper", "soft"):
            assert contrast(colour[text], colour[ground]) >= 4.5, (text, ground)
    for mark in ("c0", "c1", "c2", "c3"):
        assert contrast(colour[mark], colour["paper"]) >= 3, mark


def contrast(first: str, second: str) -> float:
    """The contrast of two colours by WCAG 2, 1 to 21."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
