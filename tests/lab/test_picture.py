"""A picture as a notebook shows it."""

import base64

import matplotlib

from rerank_course.lab.picture import Picture, chart_of_rows, shorten


def test_a_picture_carries_its_text_and_its_image():
    figure, _ = chart_of_rows(1, {"a": 1, "b": 2})
    picture = Picture(figure, 'two rows, "a" & "b"')
    shown = picture._repr_mimebundle_()
    assert shown["text/plain"] == picture.alt
    assert 'alt="two rows, &quot;a&quot; &amp; &quot;b&quot;"' in shown["text/html"]
    assert base64.b64encode(picture.png).decode("ascii") in shown["text/html"]
    assert picture.png.startswith(b"\x89PNG")


def test_no_window_is_opened():
    assert matplotlib.get_backend().lower() == "agg"


def test_long_texts_are_shortened_to_one_line():
    assert shorten("one\n  two") == "one two"
    assert shorten("word " * 20, 11) == "word word…"
    assert len(shorten("x" * 100)) == 70
