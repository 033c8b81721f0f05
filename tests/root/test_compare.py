"""Two rankings side by side."""

import pandas as pd
import pytest

from rerank_course.compare import compare_rankings
from rerank_course.text import Chunk


def test_ranks_scores_and_moves():
    table = compare_rankings(
        [("a", 0.9), ("b", 0.8), ("c", 0.7)], [("c", 5.0), ("a", 1.0), ("b", -2.0)], ("cosine", "cross")
    )
    assert list(table.columns) == [
        "text",
        "cosine rank",
        "cosine score",
        "cross rank",
        "cross score",
        "moved",
    ]
    assert table["text"].tolist() == ["c", "a", "b"]
    assert table["cosine rank"].tolist() == [3, 1, 2]
    assert table["cross score"].tolist() == [5.0, 1.0, -2.0]
    assert table["moved"].tolist() == [2, -1, -1]


def test_a_candidate_that_one_ranking_lacks_has_missing_cells():
    table = compare_rankings([("a", 0.9), ("b", 0.8)], [("b", 1.0), ("c", 0.5)])
    assert table["text"].tolist() == ["b", "c", "a"]
    assert table["first rank"].isna().tolist() == [False, True, False]
    assert table["second rank"].isna().tolist() == [False, False, True]
    assert table["moved"].isna().tolist() == [False, True, True]


def test_chunks_are_known_by_id_and_not_by_text():
    first = [(Chunk("1", "same"), 1.0), (Chunk("2", "same"), 0.5)]
    second = [(Chunk("2", "same").without_heading(), 1.0), (Chunk("1", "same"), 0.5)]
    assert compare_rankings(first, second)["moved"].tolist() == [1, -1]


def test_empty_rankings_give_an_empty_table():
    assert isinstance(compare_rankings([], []), pd.DataFrame) and compare_rankings([], []).empty


def test_bad_input():
    with pytest.raises(ValueError, match="names must differ"):
        compare_rankings([], [], ("a", "a"))
    with pytest.raises(ValueError, match="twice, at ranks 1 and 2"):
        compare_rankings([("a", 1.0), ("a", 0.5)], [])
