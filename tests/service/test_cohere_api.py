"""Cohere's protocol beyond the plain call: version 1, all models, documents that come back, spans."""

import httpx
import pytest

from rerank_course.engine.cohere import MODELS
from tests.service.calls import BODY, DOCUMENTS, QUERY, post

V1 = {"query": QUERY, "documents": DOCUMENTS}


@pytest.mark.parametrize(
    "model", [*MODELS, "rerank-english-v3.0", "rerank-multilingual-v3.0"], ids=lambda model: model
)
@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/v2/rerank/"])
def test_all_models_that_run_are_known(service, model, path):
    answer = post(service, {**BODY, "model": model}, path=path)
    assert answer.status_code == 200 and [row["index"] for row in answer.json()["results"]] == [1, 0, 2]
    assert answer.json()["meta"]["api_version"]["version"] == path[2]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "BeArEr "])
def test_the_scheme_may_be_written_in_any_case(service, scheme):
    assert post(service, headers={"Authorization": f"{scheme} {service.key}"}).status_code == 200


@pytest.mark.parametrize(
    "shown", ["{}", "Basic {}", "Bearer{}", "Bearer", "Token {}", "Bearer {} {}", "Bearer é"]
)
def test_what_is_no_bearer_token_is_refused(service, shown):
    headers = {"Authorization": shown.replace("{}", service.key).encode()}
    answer = httpx.post(f"{service.url}/v2/rerank", json=BODY, headers=headers, trust_env=False)
    assert answer.status_code == 401


def test_null_is_as_good_as_left_out(service):
    nothing = dict.fromkeys(["top_n", "max_tokens_per_doc", "return_documents", "relevant_spans", "priority"])
    answer = post(service, {**BODY, **nothing})
    assert answer.status_code == 200 and len(answer.json()["results"]) == 3
    nothing = dict.fromkeys(["model", "top_n", "rank_fields", "return_documents", "max_chunks_per_doc"])
    assert post(service, {**V1, **nothing}, path="/v1/rerank").status_code == 200


def test_documents_come_back_only_if_asked_for(service):
    for path in ("/v1/rerank", "/v2/rerank"):
        for wanted in (None, False):
            rows = post(service, {**BODY, "return_documents": wanted}, path=path).json()["results"]
            assert all("document" not in row for row in rows)
        rows = post(service, {**BODY, "return_documents": True}, path=path).json()["results"]
        assert [row["document"] for row in rows] == [{"text": DOCUMENTS[row["index"]]} for row in rows]


def test_version_1_takes_objects_and_gives_them_back_whole(service):
    documents = [
        {"text": "Penguins cannot fly.", "id": 7},
        {"text": DOCUMENTS[1], "more": {"deep": [1]}},
        "x",
    ]
    answer = post(
        service, {"query": QUERY, "documents": documents, "return_documents": True}, path="/v1/rerank"
    )
    rows = {row["index"]: row["document"] for row in answer.json()["results"]}
    assert rows == {0: documents[0], 1: documents[1], 2: {"text": "x"}}
    assert answer.json()["results"][0]["index"] == 1


def test_rank_fields_say_what_is_read_and_in_which_order(service):
    documents = [
        {"title": "In Berlin", "body": "people live", "id": 1},
        {"body": "How many", "note": "Berlin"},
    ]
    service._reranker.seen.clear()
    answer = post(
        service, {"query": QUERY, "documents": documents, "rank_fields": ["body", "title"]}, path="/v1/rerank"
    )
    assert answer.status_code == 200
    read = [text for _, text in service._reranker.seen]
    assert read == ["body: people live\ntitle: In Berlin", "body: How many"]


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"documents": [{"title": "a"}]}, 400, "documents[0] must have a text"),
        ({"documents": [{"text": 7}]}, 400, "documents[0] must have a text"),
        ({"documents": ["a", 7]}, 400, "'documents[1]' is of type integer"),
        ({"documents": []}, 400, "must not be empty"),
        ({"documents": [{"title": "a"}], "rank_fields": ["body"]}, 400, "documents must be strings that are"),
        ({"rank_fields": "text"}, 400, "'rank_fields' is of type string but should be of type array"),
        ({"rank_fields": [1]}, 400, "'rank_fields[0]' is of type integer"),
        ({"max_chunks_per_doc": 0}, 400, "max_chunks_per_doc must be at least 1"),
        ({"documents": ["a"] * 1001}, 400, "at most 10000, received 10010"),
        ({"documents": ["a"] * 101, "max_chunks_per_doc": 100}, 400, "received 10100"),
        ({"max_tokens_per_doc": 10}, 422, "'max_tokens_per_doc' is not a valid field"),
        ({"priority": 1}, 422, "'priority' is not a valid field"),
        ({"model": "rerank-multilingual-v2.0"}, 404, "was removed on April 30, 2025."),
        ({"query": ""}, 400, "query must not be empty"),
    ],
)
def test_what_version_1_refuses(service, change, status, message):
    answer = post(service, {**V1, **change}, path="/v1/rerank")
    assert answer.status_code == status and message in answer.json()["message"]


def test_more_documents_fit_into_version_1_with_fewer_chunks(service):
    answer = post(service, {**V1, "documents": ["a"] * 1001, "max_chunks_per_doc": 9}, path="/v1/rerank")
    assert answer.status_code == 200


def test_spans_are_the_sentences_above_the_threshold_best_first(service):
    text = "Penguins cannot fly. \n Äh – how many people live in Berlin? Nobody knows.  Berlin is old."
    body = {**BODY, "documents": [text, "Penguins swim."]}
    asked = {"mode": "enabled", "threshold": 0.8}
    rows = post(service, {**body, "relevant_spans": asked}).json()["results"]
    found = [text[span["start"] : span["end"]] for span in rows[0]["relevant_spans"]]
    assert found == ["Äh – how many people live in Berlin?"]
    assert rows[0]["relevant_spans"][0]["score"] > 0.8 and "relevant_spans" not in rows[1]
    asked = {"mode": "enabled", "threshold": 0, "max_spans": 2}
    spans = post(service, {**body, "relevant_spans": asked}).json()["results"][0]["relevant_spans"]
    assert len(spans) == 2 and spans[0]["score"] >= spans[1]["score"]
    rows = post(service, {**body, "relevant_spans": {"mode": "disabled"}}).json()["results"]
    assert not any("relevant_spans" in row for row in rows)
