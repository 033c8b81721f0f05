"""What counts as a candidate, and its text."""

from collections import namedtuple
from types import SimpleNamespace

import numpy as np
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
        SimpleNamespace(
            text="words"
        ),  # LlamaIndex's nodes, with and without a score, and rerankers' documents
        SimpleNamespace(text="words", content=lambda: "a method"),
        (
            SimpleNamespace(page_content="words"),
            0.7,
        ),  # as LangChain's similarity_search_with_score gives them
        ("words", np.float32(0.7)),
        (Chunk("1", "words"), 3),
        namedtuple("Row", "text score")("words", 0.7),
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


INVISIBLE = [
    "\u200b",
    "\ufeff",
    "\u2060 \u00ad",
    "\u3164",
    "\u2800",
    "\u200e\u200f",
    "\x00\x07",
    "\ufe0f",
    "\U000e0041",
]


@pytest.mark.parametrize("empty", ["", "  \n", {"text": ""}, SimpleNamespace(content=" "), *INVISIBLE])
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
        ("a", "b"),
        ("words", True),
        ("words", 0.7, "more"),
    ],
)
def test_what_is_no_candidate_is_a_type_error(other):
    with pytest.raises(TypeError, match="candidates"):
        text_of(other, "candidates[0]")


@pytest.mark.parametrize("text", [".", "é", "e\u0301", "\u200bx", "✓", "👍🏽", "\ufffc", "한", "٠"])
def test_what_can_be_seen_is_text(text):
    assert text_of(text) == text


@pytest.mark.parametrize("text", ["hi \ud83d", "\ude00 hi", {"text": "a\ud800b"}])
def test_half_a_character_is_named_by_position(text):
    with pytest.raises(ValueError, match=r"candidates\[7\] holds half a character, '\\ud.*' at position \d"):
        text_of(text, "candidates[7]")
