"""Ranking candidates with any reranker: order, ties, limits, what is unusable; lists and streams."""

import json
import tracemalloc
from functools import partial

import numpy as np
import pytest
import torch
from pandas import DataFrame

from rerank_course.rerank import rerank_documents, rerank_stream
from rerank_course.text import Chunk
from rerank_course.texts.corpora import load_corpus

QUERY = "How many people live in Berlin?"
DOCUMENTS = [
    "Berlin is well known for its museums.",
    "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers.",
    "Penguins cannot fly.",
]


class Answers:
    """A reranker that gives the answer it was made with, and remembers its calls."""

    def __init__(self, answer):
        self.answer, self.calls = answer, []

    def predict(self, pairs, *, batch_size):
        self.calls.append((pairs, batch_size))
        return self.answer


def test_the_berlin_pair_scores_as_its_publisher_says_within_quantisation(reranker):
    scores = reranker.predict([(QUERY, DOCUMENTS[1]), (QUERY, DOCUMENTS[0])])
    assert scores == pytest.approx([9.09, -3.93], abs=0.05)


def test_best_first_with_the_real_model(reranker):
    ranking = rerank_documents(QUERY, DOCUMENTS, reranker)
    assert [document for document, _ in ranking] == [DOCUMENTS[1], DOCUMENTS[0], DOCUMENTS[2]]
    assert all(type(score) is float for _, score in ranking)
    json.dumps(ranking)


def test_scores_do_not_depend_on_the_batch_size(reranker):
    one = dict(rerank_documents(QUERY, DOCUMENTS, reranker, batch_size=1))
    many = dict(rerank_documents(QUERY, DOCUMENTS, reranker, batch_size=64))
    assert one == pytest.approx(many, abs=1e-4)


def test_all_pairs_go_to_one_predict_call():
    reranker = Answers([1.0] * 100)
    rerank_documents(QUERY, [f"document {i}" for i in range(100)], reranker, batch_size=7)
    ((pairs, batch_size),) = reranker.calls
    assert batch_size == 7
    assert pairs == [(QUERY, f"document {i}") for i in range(100)]


def test_ties_keep_the_retrieval_order():
    ranking = rerank_documents("q", list("abcdef"), Answers([1, 2, 1, 2, 1, 2]), top_k=None)
    assert [document for document, _ in ranking] == list("bdface")


SAME = "Click Forgot password on the sign-in page."


def many_with_twins():
    """Texts of several lengths, so that equal ones fall into different batches; SAME is there thrice."""
    others = [f"Page {i} is about the sign-in page. " * (1 + i % 7) for i in range(40)]
    return [SAME, *others[:20], SAME, *others[20:], SAME]


@pytest.mark.heavy  # its fixtures are asked for by name
@pytest.mark.parametrize("engine", ["reranker", "int8_reranker"])
@pytest.mark.parametrize("rank", [rerank_documents, partial(rerank_stream, block=9)])
def test_identical_texts_get_one_score_and_keep_their_order(engine, rank, request):
    candidates = [{"n": n, "text": text} for n, text in enumerate(many_with_twins())]
    ranking = rank("forgot password", candidates, request.getfixturevalue(engine), batch_size=4, top_k=50)
    twins = [(candidate["n"], score) for candidate, score in ranking if candidate["text"] == SAME]
    assert [n for n, _ in twins] == [0, 21, 42] and len({score for _, score in twins}) == 1
    assert len(ranking) == 43


def test_identical_texts_are_scored_once():
    reranker = Answers([3.0, 1.0])
    ranking = rerank_documents("q", ["b", "a", "b", "a", "b"], reranker)
    assert ranking == [("b", 3.0)] * 3 + [("a", 1.0)] * 2
    assert reranker.calls[0][0] == [("q", "b"), ("q", "a")]


def test_a_score_that_cannot_be_ranked_is_named_by_the_first_candidate_that_has_it():
    with pytest.raises(ValueError, match=r"candidates\[3\] as nan"):
        rerank_documents("q", ["a", "a", "b", "c"], Answers([1.0, 2.0, float("nan")]))


def test_candidates_come_back_as_the_objects_that_went_in():
    chunks = [Chunk("1", "one", "Title"), {"text": "two"}]
    ranking = rerank_documents("q", iter(chunks), Answers([0.0, 1.0]))
    assert ranking[0][0] is chunks[1] and ranking[1][0] is chunks[0]


@pytest.mark.parametrize(("top_k", "count"), [(1, 1), (20, 20), (None, 30), (99, 30), (np.int64(3), 3)])
def test_top_k(top_k, count):
    ranking = rerank_documents("q", [f"d{i}" for i in range(30)], Answers(np.arange(30.0)), top_k=top_k)
    assert len(ranking) == count


def test_no_candidates_give_no_results_and_no_call():
    reranker = Answers([])
    assert rerank_documents("q", [], reranker) == []
    assert reranker.calls == []


@pytest.mark.parametrize(
    "answer", [[[1.0], [2.0]], torch.tensor([1.0, 2.0], dtype=torch.bfloat16), np.float32([1, 2]), (1, 2)]
)
def test_shapes_and_types_of_scores_that_are_accepted(answer):
    assert rerank_documents("q", ["a", "b"], Answers(answer)) == [("b", 2.0), ("a", 1.0)]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"query": ""}, ValueError, "query is empty"),
        ({"query": " \n"}, ValueError, "query is empty"),
        ({"query": None}, TypeError, "query must be one string"),
        ({"query": ["q"]}, TypeError, "query must be one string"),
        ({"candidates": "a document"}, TypeError, r"\[candidate\]"),
        ({"candidates": {"id": "a document"}}, TypeError, "candidates must be a list"),
        ({"candidates": None}, TypeError, "candidates must be a list"),
        ({"candidates": ["a", " "]}, ValueError, r"candidates\[1\] has no text"),
        ({"candidates": ["a", "\u200b\ufeff"]}, ValueError, r"candidates\[1\] has no text"),
        ({"query": "\u200b"}, ValueError, "query is empty"),
        ({"query": "wh\ud83d"}, ValueError, r"query holds half a character, '\\ud83d' at position 2"),
        ({"candidates": ["hi \ud83d"]}, ValueError, r"candidates\[0\] holds half a character.*position 3"),
        (
            {"candidates": DataFrame({"id": [1], "text": ["a"]})},
            TypeError,
            r"DataFrame.*id, text.*df\['text'\]",
        ),
        ({"candidates": DataFrame({"id": [1], "answer": ["a"]})}, TypeError, r"df\['answer'\]"),
        ({"candidates": ["a", 5]}, TypeError, r"candidates\[1\] is a int"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be a whole number"),
        ({"top_k": 0}, ValueError, "top_k must be at least 1.*None"),
        ({"top_k": -1}, ValueError, "top_k must be at least 1"),
        ({"top_k": True}, TypeError, "top_k must be a whole number"),
        ({"reranker": "cross-encoder/ms-marco-MiniLM-L12-v2"}, TypeError, "has to be loaded first"),
        ({"reranker": None}, TypeError, "without .predict"),
        ({"reranker": Answers([1.0])}, ValueError, r"shape \(1,\) for 2 pairs"),
        ({"reranker": Answers(None)}, ValueError, "for 2 pairs"),
        ({"reranker": Answers([[1.0, 2.0], [3.0, 4.0]])}, ValueError, "2 scores a pair.*several labels"),
        ({"reranker": Answers([1.0, float("nan")])}, ValueError, r"candidates\[1\] as nan"),
        ({"reranker": Answers([float("inf"), 1.0])}, ValueError, r"candidates\[0\] as inf"),
        ({"reranker": Answers(["high", "low"])}, TypeError, "not a list of numbers"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    arguments = {"query": "q", "candidates": ["a", "b"], "reranker": Answers([1.0, 2.0])} | arguments
    with pytest.raises(error, match=message):
        rerank_documents(**arguments)


def test_an_embedding_model_is_no_reranker(embedder):
    with pytest.raises(TypeError, match="SentenceTransformer without .predict"):
        rerank_documents("q", ["a"], embedder)


@pytest.mark.parametrize("kind", ["torch model", "other"])
def test_the_progress_bar_counts_documents(kind, reranker, capsys):
    scorer = reranker if kind == "torch model" else Answers([1.0, 2.0, 3.0])
    plain = rerank_documents(QUERY, DOCUMENTS, scorer, batch_size=2)
    assert capsys.readouterr().err == ""
    assert rerank_documents(QUERY, DOCUMENTS, scorer, batch_size=2, show_progress=True) == plain
    shown = capsys.readouterr().err
    assert "3/3" in shown and "doc/s" in shown


def test_the_progress_bar_leaves_no_hook_behind(reranker):
    before = len(reranker._forward_hooks)
    with pytest.raises(ValueError, match="broken"):
        rerank_documents("q", ["a"], Broken(reranker), show_progress=True)
    assert len(reranker._forward_hooks) == before


class Broken:
    """A torch model whose predict fails."""

    def __init__(self, model):
        self.register_forward_hook = model.register_forward_hook

    def predict(self, pairs, *, batch_size):
        raise ValueError("broken")


# Streams


def test_a_stream_gives_what_the_list_gives(int8_reranker):
    corpus = load_corpus("handbook")
    chunks = [chunk for chunk in corpus.documents.values() if len(chunk.text) < 300][:40]
    whole = rerank_documents("Who approves a new laptop?", chunks, int8_reranker, top_k=7)
    assert rerank_stream("Who approves a new laptop?", iter(chunks), int8_reranker, top_k=7, block=9) == whole


class ByLength:
    """Scores a document by its length, modulo 5, so that there are ties."""

    def predict(self, pairs, *, batch_size):
        return [len(document) % 5 for _, document in pairs]


def test_a_stream_keeps_ties_in_order():
    documents = ["x" * (number % 23 + 1) for number in range(100)]
    for block in (1, 3, 100, 1000):
        whole = rerank_documents("q", documents, ByLength(), top_k=30)
        assert rerank_stream("q", iter(documents), ByLength(), top_k=30, block=block) == whole


def test_a_stream_does_not_hold_what_it_has_read():
    def documents(count):
        for number in range(count):
            yield f"{number} " + "x" * 10_000

    peaks = []
    for count in (200, 2000):
        tracemalloc.start()
        rerank_stream("q", documents(count), ByLength(), top_k=5, block=50)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


def test_a_stream_checks_its_arguments():
    with pytest.raises(ValueError, match=r"candidates\[3\]"):
        rerank_stream("q", iter(["a", "b", "c", ""]), ByLength(), block=2)
    with pytest.raises(ValueError, match="block"):
        rerank_stream("q", iter(["a"]), ByLength(), block=0)
    assert rerank_stream("q", iter([]), ByLength()) == []
