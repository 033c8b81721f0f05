"""Cascades and gates: what each stage reads, and in which order all come back."""

import pandas
import pytest

from rerank_course.retrieve import BM25Retriever
from rerank_course.stages import Stage, cascade, margin, rerank_if_unsure
from rerank_course.text import Chunk

TEXTS = list("abcdef")
CHEAP = dict(zip(TEXTS, [1, 2, 3, 4, 5, 6]))
DEAR = dict(zip(TEXTS, [9, 8, 7, 6, 5, 4]))


def order(ranking):
    return [candidate for candidate, _ in ranking]


def falls(ranking):
    scores = [score for _, score in ranking]
    return scores == sorted(scores, reverse=True)


def test_each_stage_reads_what_the_one_before_kept(make_reranker):
    cheap, middle, dear = make_reranker(CHEAP), make_reranker(DEAR), make_reranker(CHEAP)
    ranking = cascade("q", TEXTS, [Stage(cheap, keep=4), Stage(middle, keep=2), Stage(dear)])
    assert [sorted(one.read) for one in (cheap, middle, dear)] == [list("abcdef"), list("cdef"), list("cd")]
    assert order(ranking) == ["d", "c", "e", "f", "b", "a"] and falls(ranking)
    assert ranking[:2] == [("d", 4.0), ("c", 3.0)]


def test_a_stage_may_mix_with_the_one_before(make_reranker):
    cheap, dear = make_reranker(CHEAP), make_reranker({**DEAR, "c": 20, "d": 19.9})
    assert order(cascade("q", TEXTS, [Stage(cheap), Stage(dear)]))[:2] == ["c", "d"]
    assert order(cascade("q", TEXTS, [Stage(cheap), Stage(dear, weight=0.5)]))[:2] == ["d", "c"]


def test_the_first_stage_may_mix_with_the_search(make_reranker):
    found = [(text, 6.0 - place) for place, text in enumerate(TEXTS)]
    ranking = cascade("q", found, [Stage(make_reranker(CHEAP), keep=2, weight=0.1)])
    assert order(ranking) == TEXTS
    with pytest.raises(ValueError, match="the candidates have no scores to mix with"):
        cascade("q", TEXTS, [Stage(make_reranker(CHEAP), weight=0.1)])


def test_one_stage_is_reranking_and_keep_may_go_past_the_end(make_reranker):
    assert order(cascade("q", TEXTS, [Stage(make_reranker(CHEAP), keep=99)])) == TEXTS[::-1]
    assert cascade("q", [], [Stage(make_reranker(CHEAP), keep=3)]) == []


def test_a_retriever_is_a_stage(make_reranker):
    chunks = [
        Chunk("1", "cats sleep"),
        Chunk("2", "dogs walk"),
        Chunk("3", "cats walk far"),
        Chunk("4", "tax"),
    ]
    words, model = BM25Retriever(chunks), make_reranker({"cats sleep": 1.0, "cats walk far": 2.0})
    ranking = cascade("cats", chunks, [Stage(words, keep=2), Stage(model)])
    assert [chunk.id for chunk in order(ranking)] == ["3", "1", "2", "4"]


@pytest.mark.parametrize("keep", [0, -1, 1.5, True, "2"])
def test_a_depth_is_a_whole_number_of_at_least_one(keep, make_reranker):
    with pytest.raises((TypeError, ValueError), match="keep must be"):
        Stage(make_reranker(CHEAP), keep=keep)


def test_stages_that_are_none_are_refused(make_reranker):
    reranker = make_reranker(CHEAP)
    with pytest.raises(ValueError, match="stages is empty"):
        cascade("q", TEXTS, [])
    with pytest.raises(TypeError, match=r"Put the one in a list: \[stage\]"):
        cascade("q", TEXTS, Stage(reranker))
    with pytest.raises(TypeError, match="stages must be a list of stages, not a NoneType"):
        cascade("q", TEXTS, None)
    with pytest.raises(TypeError, match=r"stages\[0\] is a Reranker\. Make it one"):
        cascade("q", TEXTS, [reranker])
    with pytest.raises(ValueError, match="weight must be from 0"):
        Stage(reranker, weight=2)


def test_the_margin_is_a_difference_of_two_scores():
    found = [(text, 10.0 - place) for place, text in enumerate(TEXTS)]
    assert margin(found, 2) == 1.0 and margin(found, 6) == 5.0
    assert margin(found, 7) == 5.0 and margin([]) == margin(found[:1]) == float("inf")


def test_only_an_unsure_search_is_reranked(make_reranker):
    reranker = make_reranker(CHEAP)
    found = [(text, 10.0 - place) for place, text in enumerate(TEXTS)]
    assert rerank_if_unsure("q", found, reranker, 5.0, place=6) == found and reranker.read == []
    ranking = rerank_if_unsure("q", found, reranker, 5.1, place=6, depth=3, weight=1)
    assert order(ranking) == ["c", "b", "a", "d", "e", "f"] and falls(ranking)
    assert sorted(reranker.read) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "candidates", ["one text", {"text": "one"}, pandas.DataFrame({"text": ["one"]}), None]
)
def test_what_is_no_list_of_candidates_is_refused(candidates, make_reranker):
    with pytest.raises(TypeError, match="candidates"):
        cascade("q", candidates, [Stage(make_reranker(CHEAP))])
    with pytest.raises(TypeError, match="found"):
        rerank_if_unsure("q", candidates, make_reranker(CHEAP), 1.0)


@pytest.mark.parametrize("limit", [None, "1", True, float("nan")])
def test_a_limit_is_a_number(limit, make_reranker):
    with pytest.raises((TypeError, ValueError), match="limit"):
        rerank_if_unsure("q", [("a", 2.0), ("b", 1.0)], make_reranker(CHEAP), limit)


def test_a_search_without_scores_has_no_margin():
    with pytest.raises(TypeError, match=r"found\[0\] is a str, not a candidate and its score"):
        margin(["a", "b"])


def test_candidates_may_come_one_by_one(make_reranker):
    reranker = make_reranker(CHEAP)
    assert order(cascade("q", (text for text in TEXTS), [Stage(reranker)])) == TEXTS[::-1]
    scored = ((text, 10.0 - place) for place, text in enumerate(TEXTS))
    assert order(rerank_if_unsure("q", scored, reranker, float("inf"), weight=1)) == TEXTS[::-1]


def test_a_search_that_rises_has_no_margin():
    with pytest.raises(ValueError, match="The scores of found rise"):
        margin([("a", 0.1), ("b", 0.9)])


def test_what_is_wrong_is_said_also_where_nothing_has_to_be_reranked(make_reranker):
    sure = [("a", 2.0), ("b", 1.0)]
    with pytest.raises(ValueError, match="query is empty"):
        rerank_if_unsure("", sure, make_reranker({}), 0)
    with pytest.raises(TypeError, match="reranker is a NoneType"):
        rerank_if_unsure("q", sure, None, 0)
    with pytest.raises(TypeError, match="reranker is a str"):
        Stage("name of a model")
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        Stage(make_reranker({}), batch_size=0)
