"""Each diagram tells in words what it shows."""

import pytest

from rerank_course.lab import diagrams
from rerank_course.text import Chunk


def test_the_encoders():
    picture = diagrams.draw_encoders()
    assert picture.png.startswith(b"\x89PNG")
    assert "Left, a bi-encoder" in picture.alt and "Right, a cross-encoder" in picture.alt


def test_a_slope_for_each_candidate():
    chunk = Chunk("1", "a chunk")
    first, second = [("one", 0.9), (chunk, 0.5), ("two", 0.1)], [(chunk, 4.0), ("one", 3.0), ("two", -1.0)]
    picture = diagrams.slope_chart(first, second, ("cosine", "cross-encoder"))
    assert picture.png.startswith(b"\x89PNG")
    assert picture.alt == (
        "Ranks by cosine and by cross-encoder: “one” from 1 to 2; “a chunk” from 2 to 1; “two” from 3 to 3."
    )


def test_a_slope_says_which_moves_are_right():
    first, second = (
        [("one", 0.9), ("two", 0.5), ("three", 0.1)],
        [("two", 4.0), ("three", 3.0), ("one", -1.0)],
    )
    picture = diagrams.slope_chart(first, second, ("cosine", "cross-encoder"), answers=["two"])
    assert picture.alt == (
        "Ranks by cosine and by cross-encoder: “one” from 1 to 3, right; “two” from 2 to 1, an answer, "
        "right; “three” from 3 to 2, wrong."
    )


def test_logits_on_the_sigmoid():
    picture = diagrams.sigmoid_curve({"related": 8.31, "not related": -11})
    assert picture.png.startswith(b"\x89PNG")
    assert picture.alt.endswith("On it: related at logit 8.3; not related at logit -11.0.")


def test_padding_of_batches():
    picture = diagrams.draw_batches({"as they come": [[1, 3], [4, 4]], "one by one": [[1], [3], [4], [4]]})
    assert picture.png.startswith(b"\x89PNG")
    assert picture.alt.endswith(
        "as they come: 14% padding in 2 batches; one by one: 0% padding in 4 batches."
    )


def test_a_timeline_names_each_worker_and_what_it_did():
    picture = diagrams.draw_timeline(
        {
            "worker 1": {"loads": [(0, 2)], "scores": [(2, 3), (5.5, 1)]},
            "worker 2": {"loads": [(0.5, 2)], "scores": []},
            "worker 3": {"loads": [], "scores": []},
        },
        "seconds",
    )
    assert picture.png.startswith(b"\x89PNG")
    assert "worker 1: loads 1 time, 2.0 in sum, the last until 2.0; scores 2 times, 4.0" in picture.alt
    assert "in sum, the last until 6.5" in picture.alt and "worker 2: loads 1 time" in picture.alt
    assert picture.alt.endswith("worker 3: nothing.")


def test_an_empty_timeline():
    with pytest.raises(ValueError, match="nothing to draw"):
        diagrams.draw_timeline({"worker 1": {"loads": []}}, "seconds")
