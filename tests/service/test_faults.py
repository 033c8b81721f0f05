"""What goes wrong on cue, as a client sees it."""

import json
import threading
import time
from contextlib import suppress

import httpx
import numpy as np
import pytest
from cohere.core.api_error import ApiError

from rerank_course.service.faults import FAULTS
from tests.service.calls import BODY, post, sdk


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
    with pytest.raises(ApiError) as raised:
        sdk(service.url, service.key).rerank(**BODY)
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
    with pytest.raises(ValueError, match="^(fault|times) must be"):
        service.next(fault, times)
    assert len(FAULTS) == len(set(FAULTS)) >= 13


def test_errors_write_nothing_to_the_learner_s_notebook(service, capfd):
    for fault in (*FAULTS, 404):
        if fault != "slow":
            service.next(fault)
            with suppress(httpx.HTTPError):
                post(service)
    post(service, key="wrong")
    assert capfd.readouterr() == ("", "")
