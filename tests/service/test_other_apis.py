"""Jina's, vLLM's and TEI's protocols, as their servers answer."""

import httpx
import numpy as np
import pytest

from rerank_course.service.apis import JINA, TEI, V1, V2, VLLM, api_of
from rerank_course.service.other_apis import JINA_MODELS, SERVED_MODEL, TEI_BATCH
from tests.service.calls import DOCUMENTS, QUERY, post

JINA_BODY = {"model": "jina-reranker-v2-base-multilingual", "query": QUERY, "documents": DOCUMENTS}
VLLM_BODY = {"model": SERVED_MODEL, "query": QUERY, "documents": DOCUMENTS}
TEI_BODY = {"query": QUERY, "texts": DOCUMENTS}
LONG = "Berlin " * 600


@pytest.mark.parametrize(
    ("path", "request_body", "api"),
    [
        ("/v2/rerank", {"model": "rerank-v3.5"}, V2),
        ("/v2/rerank/", {}, V2),
        ("/v1/rerank", {}, V1),
        ("/v1/rerank", {"model": "rerank-english-v3.0"}, V1),
        ("/v1/rerank", {"model": "jina-reranker-v3"}, JINA),
        ("/rerank", {"model": "jina-reranker-v3", "documents": []}, JINA),
        ("/v2/rerank", {"model": "jina-reranker-v3"}, V2),
        ("/v1/rerank/", {"model": SERVED_MODEL}, VLLM),
        ("/v2/rerank", {"model": SERVED_MODEL}, VLLM),
        ("/rerank", {"model": "another", "documents": []}, VLLM),
        ("/rerank", {"texts": []}, TEI),
        ("/rerank", {"texts": [], "model": SERVED_MODEL}, TEI),
        ("/rerank", {}, TEI),
        ("/v1/rerank", {"model": ["jina-"]}, V1),
    ],
)
def test_the_body_decides_where_a_path_has_several_meanings(path, request_body, api):
    assert api_of(path, request_body) is api


def test_jina(service):
    answer = post(service, {**JINA_BODY, "top_n": 2}, path="/v1/rerank").json()
    assert set(answer) == {"model", "object", "usage", "results"} and answer["model"] == JINA_BODY["model"]
    assert [row["index"] for row in answer["results"]] == [1, 0]
    assert answer["results"][0]["document"] == {"text": DOCUMENTS[1]}
    assert answer["usage"]["total_tokens"] > 30
    rows = post(service, {**JINA_BODY, "return_documents": False}, path="/v1/rerank").json()["results"]
    assert len(rows) == 3 and all(set(row) == {"index", "relevance_score"} for row in rows)
    objects = {**JINA_BODY, "documents": [{"text": text} for text in DOCUMENTS]}
    assert post(service, objects, path="/v1/rerank").json()["results"][0]["index"] == 1


@pytest.mark.parametrize("model", JINA_MODELS)
def test_all_of_jinas_models(service, model):
    assert post(service, {**JINA_BODY, "model": model, "top_n": None}, path="/v1/rerank").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"model": "jina-reranker-v9"},
        {"documents": []},
        {"documents": "a"},
        {"documents": [7]},
        {"documents": ["\ud800"]},
        {"query": None},
        {"top_n": 0},
        {"return_documents": 1},
    ],
)
def test_what_jina_refuses_has_a_detail(service, change):
    import json

    headers = {"Authorization": f"Bearer {service.key}"}
    body = json.dumps({**JINA_BODY, **change})
    answer = httpx.post(f"{service.url}/v1/rerank", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 422 and set(answer.json()) == {"detail"}


def test_vllm(service):
    for path in ("/rerank", "/v1/rerank", "/v2/rerank"):
        answer = post(service, {**VLLM_BODY, "top_n": 0, "an unknown field": 1}, path=path).json()
        assert set(answer) == {"id", "model", "usage", "results"} and answer["model"] == SERVED_MODEL
        assert [row["index"] for row in answer["results"]] == [1, 0, 2]
        assert answer["results"][0]["document"]["text"] == DOCUMENTS[1]
        assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 30
    assert len(post(service, {**VLLM_BODY, "top_n": 1}, path="/rerank").json()["results"]) == 1
    logit = post(service, {**VLLM_BODY, "use_activation": False}, path="/rerank").json()["results"][0]
    assert logit["relevance_score"] > 1


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"model": "another"}, 404, "NotFoundError"),
        ({"documents": [LONG]}, 400, "BadRequestError"),
        ({"documents": [{"text": "a"}]}, 400, "BadRequestError"),
        ({"top_n": -1}, 400, "BadRequestError"),
        ({"query": 7}, 400, "BadRequestError"),
    ],
)
def test_what_vllm_refuses(service, change, status, kind):
    error = post(service, {**VLLM_BODY, **change}, path="/rerank")
    assert error.status_code == status
    assert error.json()["error"] | {"message": ""} == {
        "message": "",
        "type": kind,
        "param": None,
        "code": status,
    }


def test_tei(service):
    rows = post(service, TEI_BODY, path="/rerank").json()
    assert [row["index"] for row in rows] == [1, 0, 2] and all(set(row) == {"index", "score"} for row in rows)
    raw = post(service, {**TEI_BODY, "raw_scores": True, "return_text": True}, path="/rerank").json()
    assert [row["text"] for row in raw] == [DOCUMENTS[row["index"]] for row in raw]
    assert [1 / (1 + np.exp(-row["score"])) for row in raw] == pytest.approx([row["score"] for row in rows])
    assert post(service, {**TEI_BODY, "model": "any", "top_n": 3}, path="/rerank/").status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"texts": []}, 400, "Empty"),
        ({"texts": ["a"] * (TEI_BATCH + 1)}, 413, "Validation"),
        ({"texts": [LONG]}, 413, "Validation"),
        ({"texts": ["a", 7]}, 422, None),
        ({"texts": "a"}, 422, None),
        ({"query": None}, 422, None),
        ({"truncate": "yes"}, 422, None),
    ],
)
def test_what_tei_refuses(service, change, status, kind):
    answer = post(service, {**TEI_BODY, **change}, path="/rerank")
    assert answer.status_code == status
    assert (
        answer.json()["error_type"] == kind
        if kind
        else answer.headers["Content-Type"].startswith("text/plain")
    )


def test_tei_cuts_if_it_is_told_to_and_wants_json(service):
    assert (
        post(service, {"query": QUERY, "texts": [LONG], "truncate": True}, path="/rerank").status_code == 200
    )
    headers = {"Authorization": f"Bearer {service.key}"}
    answer = httpx.post(f"{service.url}/rerank", content=b"{}", headers=headers, trust_env=False)
    assert answer.status_code == 415
    headers["Content-Type"] = "application/json"
    answer = httpx.post(f"{service.url}/rerank", content=b"{", headers=headers, trust_env=False)
    assert answer.status_code == 400


def test_a_wrong_key_and_a_fault_are_told_in_each_ones_words(service):
    for path, body, words in (
        ("/v1/rerank", JINA_BODY, lambda answer: answer.json()["detail"]),
        ("/rerank", VLLM_BODY, lambda answer: answer.json()["error"]),
        ("/rerank", TEI_BODY, lambda answer: answer.text == ""),
        ("/v1/rerank", {"query": QUERY, "documents": DOCUMENTS}, lambda answer: answer.json()["message"]),
    ):
        answer = post(service, body, key="wrong", path=path)
        assert answer.status_code == 401 and words(answer)
        service.next("rate limit", seconds=3)
        answer = post(service, body, path=path)
        assert answer.status_code == 429 and answer.headers["Retry-After"] == "3" and answer.content
        service.next("no results")
        answer = post(service, body, path=path)
        assert answer.status_code == 200 and not (answer.content and (answer.json() or {}).get("results"))
