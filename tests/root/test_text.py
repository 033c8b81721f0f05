"""What counts as a candidate, and its text."""

from types import SimpleNamespace

import pytest

from rerank_course.text import Chunk, text_of


@pytest.mark.parametrize(
    "candidate",
    [
        "words",
        Chunk("1", "words"),
        SimpleNamespace(content="words"),
        SimpleNamespace(page_content="words"),
        {"content": "words"},
        {"page_content": "words", "other": 1},
        {"text": "words", "title": "not this"},
    ],
)
def test_text_of_each_kind_of_candidate(candidate):
    assert text_of(candidate) == "words"


def test_chunk_content_with_and_without_heading():
    chunk = Chunk("1", "Up to $500.", "Expenses")
    assert chunk.content == "Expenses\nUp to $500."
    assert chunk.without_heading().content == "Up to $500."
    assert chunk.without_heading().id == "1"
    assert Chunk("2", "No heading.").content == "No heading."


@pytest.mark.parametrize("empty", ["", "  \n", {"text": ""}, SimpleNamespace(content=" ")])
def test_no_text_is_an_error_that_names_the_candidate(empty):
    with pytest.raises(ValueError, match=r"candidates\[3\] has no text"):
        text_of(empty, "candidates[3]")


@pytest.mark.parametrize(
    "other",
    [
        None,
        3,
        ["words"],
        {"body": "words"},
        SimpleNamespace(body="words"),
        {"text": None},
        SimpleNamespace(content=b"words"),
    ],
)
def test_what_is_no_candidate_is_a_type_error(other):
    with pytest.raises(TypeError, match="candidates"):
        text_of(other, "candidates[0]")
