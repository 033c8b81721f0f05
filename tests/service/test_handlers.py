"""The protocol, through Cohere's own SDK and through plain HTTP, over real sockets."""

import json
from contextlib import suppress

import httpx
import numpy as np
import pytest

from rerank_course.models import load_reranker
from rerank_course.service.stand_in import StandIn
from tests.service.calls import BODY, DOCUMENTS, QUERY, WordCounter, post, sdk


@pytest.mark.heavy
def test_the_sdk_gets_what_the_packaged_reranker_scores():
    with StandIn() as service:
        answer = sdk(service.url, service.key).rerank(
            model="rerank-v5.0-fast", query=QUERY, documents=DOCUMENTS, top_n=2
        )
    logits = load_reranker(backend="int8").predict([(QUERY, document) for document in DOCUMENTS])
    expected = 1 / (1 + np.exp(-logits.astype(float)))
    assert [result.index for result in answer.results] == list(np.argsort(-expected)[:2]) and answer.results[
        0
    ].index == 1
    assert [result.relevance_score for result in answer.results] == pytest.approx(
        sorted(expected)[:0:-1], abs=1e-6
    )
    assert answer.meta.billed_units.search_units == 1 and answer.id


def test_an_answer_has_the_shape_that_cohere_documents(service):
    answer = post(service).json()
    assert set(answer) == {"id", "results", "meta"}
    assert all(
        set(result) == {"index", "relevance_score"} and 0 <= result["relevance_score"] <= 1
        for result in answer["results"]
    )
    assert sorted(result["index"] for result in answer["results"]) == [0, 1, 2]
    assert [r["relevance_score"] for r in answer["results"]] == sorted(
        (r["relevance_score"] for r in answer["results"]), reverse=True
    )


@pytest.mark.parametrize(("documents", "units"), [(1, 1), (100, 1), (101, 2), (1000, 10)])
def test_a_search_unit_is_up_to_a_hundred_documents(service, documents, units):
    answer = post(service, {**BODY, "documents": ["text"] * documents}).json()
    assert len(answer["results"]) == documents and answer["meta"]["billed_units"] == {"search_units": units}


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"documents": []}, 400, "list of documents must not be empty"),
        ({"documents": ["a", ""]}, 400, "documents must be strings"),
        ({"documents": ["a", "\u200b"]}, 400, "documents must be strings"),
        ({"query": "\u2060\ufeff"}, 400, "query must not be empty"),
        (
            {"documents": [{"text": "a"}]},
            400,
            "'documents[0]' is of type object but should be of type string",
        ),
        ({"documents": ["a", None]}, 400, "'documents[1]' is of type null but should be of type string"),
        ({"documents": "a"}, 400, "'documents' is of type string but should be of type array"),
        ({"documents": None}, 400, "list of documents must not be empty"),
        ({"query": ["a"]}, 400, "'query' is of type array but should be of type string"),
        ({"documents": ["a"] * 10_001}, 400, "at most 10000"),
        ({"query": " "}, 400, "query must not be empty"),
        ({"model": None}, 400, "a model parameter is required"),
        ({"model": 5}, 400, "'model' is of type integer but should be of type string"),
        ({"model": "rerank-v9"}, 404, "'rerank-v9' not found"),
        ({"model": "rerank-english-v2.0"}, 404, "'rerank-english-v2.0' was removed on April 30, 2025."),
        ({"top_k": 3}, 422, "'top_k' is not a valid field"),
        ({"rank_fields": ["text"]}, 422, "'rank_fields' is not a valid field"),
        ({"max_chunks_per_doc": 2}, 422, "'max_chunks_per_doc' is not a valid field"),
        ({"top_n": 0}, 400, "top_n must be at least 1"),
        ({"top_n": 1.5}, 400, "'top_n' is of type number but should be of type integer"),
        ({"top_n": True}, 400, "'top_n' is of type boolean but should be of type integer"),
        ({"top_n": "2"}, 400, "'top_n' is of type string but should be of type integer"),
        ({"max_tokens_per_doc": 0}, 400, "max_tokens_per_doc must be at least 1"),
        ({"priority": -1}, 400, "priority must be from 0 to 999"),
        ({"priority": 1000}, 400, "priority must be from 0 to 999"),
        ({"return_documents": "yes"}, 400, "'return_documents' is of type string"),
        ({"relevant_spans": True}, 400, "'relevant_spans' is of type boolean but should be of type object"),
        ({"relevant_spans": {"mode": "on"}}, 400, "relevant_spans.mode must be"),
        ({"relevant_spans": {"mode": "enabled", "threshold": "high"}}, 400, "'relevant_spans.threshold'"),
        ({"relevant_spans": {"mode": "enabled", "max_spans": 0}}, 400, "max_spans must be at least 1"),
        ({"relevant_spans": {"mode": "enabled"}, "model": "rerank-v3.5"}, 400, "not supported by model"),
    ],
)
def test_requests_that_the_service_would_refuse(service, change, status, message):
    answer = post(service, {**BODY, **change})
    assert answer.status_code == status and message in answer.json()["message"] and answer.json()["id"]


@pytest.mark.parametrize("change", [{"query": "wh\ud83d"}, {"documents": ["a", "\ude00"]}])
def test_half_a_character_is_refused(service, change):
    body, headers = json.dumps({**BODY, **change}), {"Authorization": f"Bearer {service.key}"}
    answer = httpx.post(service.url + "/v2/rerank", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 400 and "valid unicode" in answer.json()["message"]


def test_a_body_that_is_no_json_and_paths_and_methods_that_are_not_there(service):
    headers = {"Authorization": f"Bearer {service.key}"}
    for method, path, content, status in (
        ("POST", "/v2/rerank", b"{", 400),
        ("POST", "/v2/rerank", b"[]", 400),
        ("GET", "/v2/rerank", b"", 405),
        ("POST", "/v2/rerank", b"\xff\xfe{", 400),
        ("POST", "/v2/rerank", json.dumps(BODY).encode("utf-16"), 400),
        ("POST", "/v2/rerank", b"\xef\xbb\xbf" + json.dumps(BODY).encode(), 400),
        ("POST", "/v2/rerank", json.dumps({**BODY, "top_n": float("nan")}).encode(), 400),
        ("POST", "/v2/rerank", b'{"top_n": ' + b"9" * 10_000 + b"}", 400),
        ("POST", "/v2/rerank", b"[" * 100_000, 400),
        ("POST", "/v2/rerank", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
        ("POST", "/v1/rerank", b"{}", 400),
        ("GET", "/v1/rerank", b"", 405),
        ("POST", "/v3/rerank", b"{}", 404),
        ("POST", "/v1/embed", b"{}", 404),
        ("POST", "/v2/rerank/more", b"{}", 404),
    ):
        answer = httpx.request(method, service.url + path, content=content, headers=headers, trust_env=False)
        assert answer.status_code == status and answer.json()["message"], (method, path)


@pytest.mark.parametrize("path", ["/v2/rerank", "/stand-in/next", "/elsewhere"])
def test_no_path_answers_without_the_key(service, path):
    assert post(service, key="wrong", path=path).json()["message"] == "invalid api token"
    answer = httpx.post(service.url + path, json=BODY, trust_env=False)
    assert answer.status_code == 401 and answer.json()["message"] == "no api key supplied"


def test_a_page_that_reaches_it_under_another_name_is_refused(service):
    assert post(service, headers={"Host": f"evil.example:{service.port}"}).status_code == 403
    assert post(service, headers={"Host": f"localhost:{service.port}"}).status_code == 200


def test_what_arrived_is_kept_without_the_key(service):
    post(service)
    received = service.requests[-1]
    assert json.loads(received.body) == BODY and received.headers["Authorization"] == "Bearer [key]"
    assert service.key not in str(received) and QUERY in str(received) and len(service.requests) <= 10


def test_a_request_that_is_too_large_is_refused_in_words():
    with StandIn(WordCounter(), max_bytes=100_000) as service:
        answer = post(service, {**BODY, "documents": ["x" * 110_000]})
        assert answer.status_code == 413 and "at most 100000" in answer.json()["message"]
        # More than twice the limit is not even read to its end; whether the caller still sees a status is a
        # matter of luck.
        with suppress(httpx.TransportError):
            assert post(service, {**BODY, "documents": ["x" * 1_000_000]}).status_code == 400
        assert service._reranker.seen == []
        assert post(service).status_code == 200


def test_a_fault_of_the_reranker_is_an_internal_error():
    class Broken:
        def predict(self, pairs):
            raise RuntimeError("weights of lead")

    with StandIn(Broken()) as service:
        answer = post(service)
    assert answer.status_code == 500 and answer.json()["message"] == "internal server error"
