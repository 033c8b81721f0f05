"""Cohere Rerank behind ``predict``: scores in their order, bills, refusals, and the fallback."""

import json
import time
import warnings

import numpy as np
import pytest

from rerank_course.engine.cohere import HostedRefusedError
from rerank_course.hosted import CohereReranker, FallbackWarning
from rerank_course.models import CATALOGUE
from rerank_course.rerank import rerank_documents
from rerank_course.service.stand_in import StandIn
from tests.support.hosted import (
    DOCUMENTS,
    KEY,
    PAIRS,
    QUERY,
    Lengths,
    hosted,
    sigmoid,
)


def test_it_reranks_as_any_other_reranker_does(int8_reranker):
    with StandIn(int8_reranker) as service:
        reranker = CohereReranker(api_key=service.key, base_url=service.url)
        ranking = rerank_documents(QUERY, DOCUMENTS, reranker, top_k=2)
    local = rerank_documents(QUERY, DOCUMENTS, int8_reranker, top_k=2)
    assert [document for document, _ in ranking] == [document for document, _ in local]
    expected = [1 / (1 + np.exp(-score)) for _, score in local]
    assert [score for _, score in ranking] == pytest.approx(expected, abs=1e-6)


def test_scores_come_back_in_the_order_of_the_pairs_for_several_mixed_queries(service):
    pairs = [(f"query {i % 3}", "x" * (30 + i)) for i in range(20)]
    reranker = hosted(service)
    scores = reranker.predict(pairs, batch_size=2)
    assert scores.dtype == np.float64 and scores.tolist() == pytest.approx(sigmoid(pairs))
    assert sorted({query for query, _ in call} for call in service._reranker.calls) == [
        {"query 0"},
        {"query 1"},
        {"query 2"},
    ]
    assert reranker.scored_by == "rerank-v5.0-fast" and reranker.calls == 3


def test_the_same_document_twice_and_one_pair_alone(service):
    assert hosted(service).predict([PAIRS[0], PAIRS[1], PAIRS[0]]).tolist() == pytest.approx(
        sigmoid([PAIRS[0], PAIRS[1], PAIRS[0]])
    )
    assert hosted(service).predict(PAIRS[0]) == pytest.approx(sigmoid(PAIRS[:1])[0])


def test_more_documents_than_a_call_takes(service):
    pairs = [(QUERY, "x" * (i % 80 + 1)) for i in range(2300)]
    reranker = hosted(service)
    assert reranker.predict(pairs).tolist() == pytest.approx(sigmoid(pairs))
    assert [len(call) for call in service._reranker.calls] == [1000, 1000, 300]
    assert reranker.search_units == 23


def test_nothing_is_sent_for_nothing(service):
    reranker = hosted(service)
    assert reranker.predict([]).shape == (0,) and rerank_documents(QUERY, [], reranker) == []
    assert reranker.calls == 0 and not service.requests


def test_what_is_sent_holds_no_top_n_and_nothing_but_the_texts(service):
    hosted(service).predict(PAIRS)
    assert json.loads(service.requests[-1].body) == {
        "model": "rerank-v5.0-fast",
        "query": QUERY,
        "documents": DOCUMENTS,
    }


def test_search_units_add_up(service):
    reranker = hosted(service)
    assert reranker.search_units == 0
    reranker.predict([(QUERY, "x")] * 101)
    reranker.predict([("a", "x"), ("b", "x")])
    assert reranker.search_units == 4 and reranker.billed == {"search_units": 4}


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        (["not a pair"], TypeError, r"pairs\[0\] must be two strings"),
        ([PAIRS[0], (QUERY, 7)], TypeError, r"pairs\[1\] must be two strings"),
        ([PAIRS[0], (QUERY, " ")], ValueError, r"pairs\[1\] has an empty document"),
        ([("", "text")], ValueError, r"pairs\[0\] has an empty query"),
    ],
)
def test_pairs_that_are_none_never_leave(service, pairs, error, message):
    with pytest.raises(error, match=message):
        hosted(service, fallback=Lengths()).predict(pairs)
    assert not service.requests


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (400, "400: .* none may be empty"),
        (401, "401: .* CO_API_KEY"),
        (402, "402: .* billing"),
        (403, "403: .* may not use this model"),
        (404, "404: .* rerank-v5.0-pro"),
        (413, "413: .* fewer or shorter"),
        (422, "422: .*top_k"),
        (498, "498: .* CO_API_KEY"),
        (418, "418: .*reference/errors"),
    ],
)
def test_a_refusal_is_not_repeated_and_no_fallback_hides_it(service, fault, message):
    service.next(fault)
    fallback = Lengths()
    reranker = hosted(service, fallback=fallback, max_wait=30)
    with pytest.raises(HostedRefusedError, match=message) as raised:
        reranker.predict(PAIRS)
    assert raised.value.status == fault and reranker.calls == 1
    assert not fallback.calls and reranker.scored_by is None


def test_billed_units_of_other_kinds_are_counted_too(answering):
    answering.answer = (
        200,
        {},
        b'{"results": [{"index": 0, "relevance_score": 1}], "meta": {"billed_units": {"input_tokens": 12}}}',
    )
    reranker = hosted(answering)
    assert reranker.predict(PAIRS[:1]).tolist() == [1.0]
    assert reranker.billed == {"input_tokens": 12} and reranker.search_units == 0


# The fallback


@pytest.mark.parametrize("fault", [429, 500, "cut", "slow", "missing index", "not json"])
def test_the_fallback_scores_the_whole_call_and_says_so(service, fault):
    service.next(fault, seconds=20)
    reranker = hosted(service, fallback=Lengths(), timeout=0.5)
    with pytest.warns(FallbackWarning, match="Lengths scored these 3 pairs .*scale of its own"):
        scores = reranker.predict(PAIRS)
    assert scores.tolist() == [len(document) - 40.0 for document in DOCUMENTS]
    assert (reranker.scored_by, reranker.fallbacks) == ("Lengths", 1)
    reranker.predict(PAIRS)
    assert reranker.scored_by == "rerank-v5.0-fast"


def test_one_scorer_for_all_pairs_even_if_part_was_scored_already(service):
    """The second thousand fails; the first must not keep its 0–1 scores beside the fallback's logits."""
    pairs = [(QUERY, "x" * (i % 80 + 1)) for i in range(1500)]
    reranker = hosted(service, fallback=Lengths())
    ask = reranker._service.rerank

    def ask_and_break(*arguments):
        answer = ask(*arguments)
        service.next(500)
        return answer

    reranker._service.rerank = ask_and_break
    with pytest.warns(FallbackWarning):
        scores = reranker.predict(pairs)
    assert scores.tolist() == [len(document) - 40.0 for _, document in pairs]
    assert len(service._reranker.calls) == 1 and reranker.search_units == 10  # billed all the same


def test_every_fallback_is_seen_not_only_the_first(service):
    service.next(500, times=3)
    reranker = hosted(service, fallback=Lengths())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for _ in range(3):
            rerank_documents(QUERY, DOCUMENTS, reranker)
    assert len(seen) == reranker.fallbacks == 3


def test_the_packaged_reranker_as_a_fallback(service, int8_reranker):
    service.next(503)
    reranker = hosted(service, fallback=int8_reranker)
    with pytest.warns(FallbackWarning):
        ranking = rerank_documents(QUERY, DOCUMENTS, reranker)
    assert ranking == rerank_documents(QUERY, DOCUMENTS, int8_reranker)
    assert reranker.scored_by == "Int8Reranker"


def test_an_error_of_the_fallback_and_an_interrupt_come_through(service, monkeypatch):
    class Broken:
        def predict(self, pairs, batch_size):
            raise OSError("disk full")

    service.next(500)
    with pytest.warns(FallbackWarning), pytest.raises(OSError, match="disk full"):
        hosted(service, fallback=Broken()).predict(PAIRS)

    def interrupt(seconds):
        raise KeyboardInterrupt

    service.next(500)
    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        hosted(service, fallback=Lengths(), max_wait=5).predict(PAIRS)


# What may be asked for


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": float("inf")},
        {"max_wait": -1},
        {"max_wait": float("nan")},
        {"model": ""},
        {"model": 7},
    ],
)
def test_options_out_of_range(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        CohereReranker(api_key=KEY, **options)


def test_a_fallback_that_is_no_reranker():
    with pytest.raises(TypeError, match="Pass a reranker"):
        CohereReranker(api_key=KEY, fallback="local")


def test_the_catalogue_names_the_default():
    (hosted_option,) = [option for option in CATALOGUE if option.runs == "hosted"]
    assert hosted_option.name == CohereReranker(api_key=KEY).model
