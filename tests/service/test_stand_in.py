"""The stand-in for the hosted reranker, through Cohere's own SDK and through plain HTTP, over real sockets."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import cohere
import httpx
import numpy as np
import pytest

from rerank_course.__main__ import main
from rerank_course.models import load_reranker
from rerank_course.service.stand_in import FAULTS, StandIn
from tests.support import ROOT

QUERY = "How many people live in Berlin?"
DOCUMENTS = [
    "Berlin is well known for its museums.",
    "Berlin had a population of 3,520,031 registered inhabitants.",
    "Penguins cannot fly.",
]
BODY = {"model": "rerank-v5.0-fast", "query": QUERY, "documents": DOCUMENTS}


class WordCounter:
    """Scores without a model: the number of words that a document shares with the query."""

    def __init__(self):
        self.seen = []

    def predict(self, pairs):
        self.seen += pairs
        return np.array(
            [len(set(query.lower().split()) & set(document.lower().split())) for query, document in pairs],
            dtype=float,
        )


@pytest.fixture(scope="module")
def service():
    with StandIn(WordCounter()) as service:
        yield service


@pytest.fixture(autouse=True)
def good_behaviour(request):
    yield
    if "service" in request.fixturenames:
        request.getfixturevalue("service").behave()


def post(service, body=None, key=None, path="/v2/rerank", **options):
    headers = {"Authorization": f"Bearer {service.key if key is None else key}"} | options.pop("headers", {})
    return httpx.post(
        service.url + path,
        json=BODY if body is None else body,
        headers=headers,
        trust_env=False,
        timeout=30,
        **options,
    )


def sdk(service, key=None):
    return cohere.ClientV2(
        api_key=key or service.key, base_url=service.url, httpx_client=httpx.Client(trust_env=False)
    )


def test_the_sdk_gets_what_the_packaged_reranker_scores():
    with StandIn() as service:
        answer = sdk(service).rerank(model="rerank-v5.0-fast", query=QUERY, documents=DOCUMENTS, top_n=2)
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
        ({"documents": [{"text": "a"}]}, 400, "documents must be strings"),
        ({"documents": "a"}, 400, "list of documents"),
        ({"documents": ["a"] * 10_001}, 400, "at most 10000"),
        ({"query": " "}, 400, "query must not be empty"),
        ({"model": None}, 400, "model is required"),
        ({"model": "rerank-v9"}, 404, "'rerank-v9' not found"),
        ({"top_k": 3}, 422, "'top_k' is not a valid field"),
        ({"top_n": 0}, 400, "top_n must be"),
    ],
)
def test_requests_that_the_service_would_refuse(service, change, status, message):
    answer = post(service, {**BODY, **change})
    assert answer.status_code == status and message in answer.json()["message"] and answer.json()["id"]


def test_a_body_that_is_no_json_and_paths_and_methods_that_are_not_there(service):
    headers = {"Authorization": f"Bearer {service.key}"}
    for method, path, content, status in (
        ("POST", "/v2/rerank", b"{", 400),
        ("POST", "/v2/rerank", b"[]", 400),
        ("GET", "/v2/rerank", b"", 405),
        ("POST", "/v1/rerank", b"{}", 404),
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


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "UnauthorizedError"),
        (422, "UnprocessableEntityError"),
        (404, "NotFoundError"),
        (498, "InvalidTokenError"),
    ],
)
def test_the_sdk_raises_its_own_errors(service, status, name):
    service.next(status)
    with pytest.raises(cohere.core.api_error.ApiError) as raised:
        sdk(service).rerank(**BODY)
    assert (
        type(raised.value).__name__ == name
        and raised.value.status_code == status
        and raised.value.body["message"]
    )


def test_a_rate_limit_says_how_long_and_passes(service):
    service.next("rate limit", times=2, seconds=7)
    answers = [post(service) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7" and "Retry-After" not in answers[2].headers


def test_slow_cut_and_not_json(service):
    service.next("slow", seconds=0.5)
    started = time.monotonic()
    assert post(service).status_code == 200 and time.monotonic() - started >= 0.5
    service.next("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        post(service)
    service.next("not json")
    assert post(service).text.startswith("<html>")


def test_wrong_answers(service):
    seen = {}
    for fault in (
        "missing index",
        "repeated index",
        "index out of range",
        "score out of range",
        "score not a number",
        "no results",
    ):
        service.next(fault)
        seen[fault] = json.loads(post(service).text)["results"]
    assert (
        len(seen["missing index"]) == 2
        and len(seen["repeated index"]) == 4
        and seen["index out of range"][0]["index"] == 3
    )
    assert (
        seen["score out of range"][0]["relevance_score"] > 1
        and np.isnan(seen["score not a number"][0]["relevance_score"])
        and seen["no results"] is None
    )


def test_a_slow_answer_keeps_nobody_else_waiting(service):
    service.next("slow", seconds=1.5)
    slow = threading.Thread(target=post, args=[service])
    slow.start()
    while service._faults:
        time.sleep(0.01)
    started = time.monotonic()
    assert post(service).status_code == 200 and time.monotonic() - started < 1
    slow.join()


def test_faults_on_cue_from_another_process(service):
    assert post(service, {"fault": "unavailable", "times": 1}, path="/stand-in/next").status_code == 200
    assert [post(service).status_code for _ in range(2)] == [503, 200]
    assert (
        post(service, {"fault": "earthquake"}, path="/stand-in/next")
        .json()["message"]
        .startswith("fault must be a status")
    )
    assert post(service, {"when": 1}, path="/stand-in/next").status_code == 422


@pytest.mark.parametrize(
    ("fault", "times"), [("earthquake", 1), (200, 1), (600, 1), ("cut", 0), ("cut", 1.5)]
)
def test_unknown_faults(service, fault, times):
    with pytest.raises(ValueError):
        service.next(fault, times)
    assert len(FAULTS) == len(set(FAULTS)) >= 13


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
        try:
            assert post(service, {**BODY, "documents": ["x" * 1_000_000]}).status_code == 400
        except httpx.TransportError:
            pass
        assert service._reranker.seen == []
        assert post(service).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::", "8.8.8.8", "example.org"])
def test_it_listens_on_this_machine_only(host):
    with pytest.raises(ValueError):
        StandIn(WordCounter(), host=host)


def test_no_other_address_of_this_machine_answers(service):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address would be used
        except OSError:
            pytest.skip("this machine has loopback only")
        address = probe.getsockname()[0]
    with pytest.raises(OSError):
        socket.create_connection((address, service.port), timeout=2)


def test_stop_ends_the_threads_and_frees_the_port_and_start_begins_again():
    before = set(threading.enumerate())
    service = StandIn(WordCounter())
    service.stop()  # a notebook's cell may be run twice
    for _ in range(2):
        service.start()
        assert post(service).status_code == 200
        port = service.port
        service.stop()
        service.stop()
        assert {thread for thread in threading.enumerate() if thread.name.startswith("stand-in")} <= before
        with pytest.raises(httpx.ConnectError):
            post(service)
    assert service.port == port


def test_stop_does_not_wait_for_a_slow_answer(capfd):
    with StandIn(WordCounter()) as service:
        service.next("slow", seconds=60)
        caller = threading.Thread(target=lambda: pytest.raises(httpx.HTTPError, post, service))
        caller.start()
        while service._faults:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    caller.join(5)
    assert not caller.is_alive() and capfd.readouterr().err == ""


def test_a_taken_port_says_so(service, capsys):
    with pytest.raises(OSError, match=f"port {service.port} cannot be taken .*Take another one"):
        StandIn(WordCounter(), port=service.port).start()
    assert main(["serve-hosted", "--port", str(service.port)]) == 2
    assert f"rerank_course serve-hosted: port {service.port} cannot be taken" in capsys.readouterr().err
    assert main(["serve-hosted", "--port", "70000"]) == 2


def test_errors_write_nothing_to_the_learner_s_notebook(service, capfd):
    for fault in (*FAULTS, 404):
        if fault != "slow":
            service.next(fault)
            try:
                post(service)
            except httpx.HTTPError:
                pass
    post(service, key="wrong")
    assert capfd.readouterr() == ("", "")


def test_a_fault_of_the_reranker_is_an_internal_error():
    class Broken:
        def predict(self, pairs):
            raise RuntimeError("weights of lead")

    with StandIn(Broken()) as service:
        answer = post(service)
    assert answer.status_code == 500 and answer.json()["message"] == "internal server error"


def test_serve_hosted_on_the_command_line():
    command = [sys.executable, "-m", "rerank_course", "serve-hosted", "--key", "a-key-of-mine"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            url = re.search(r"http://127\.0\.0\.1:\d+", line)[0]
            client = cohere.ClientV2(
                api_key="a-key-of-mine", base_url=url, httpx_client=httpx.Client(trust_env=False)
            )
            assert client.rerank(**BODY).results[0].index == 1
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130 and process.stderr.read() == ""
        finally:
            process.kill()
