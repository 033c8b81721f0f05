"""Calls to Cohere's service: what is tried again, what every fault means, and the key that never shows."""

import logging
import pickle
import time
import traceback

import pytest

from rerank_course.engine.cohere import HostedError, HostedRefusedError, HostedUnavailableError
from rerank_course.hosted import CohereReranker
from rerank_course.service.faults import ANSWER_FAULTS
from rerank_course.service.stand_in import StandIn
from tests.support.hosted import (
    KEY,
    PAIRS,
    QUERY,
    Lengths,
    fails,
    hosted,
    sigmoid,
)


def test_a_wrong_key_and_an_unknown_model(service):
    assert "401: invalid api token" in fails(hosted(service, api_key="wrong"), HostedRefusedError)
    assert "'rerank-v9' not found" in fails(hosted(service, model="rerank-v9"), HostedRefusedError)


def test_a_rate_limit_is_waited_for_as_told(service):
    service.next("rate limit", times=2, seconds=0.4)
    reranker = hosted(service, max_wait=5)
    started = time.monotonic()
    assert reranker.predict(PAIRS).tolist() == pytest.approx(sigmoid(PAIRS))
    assert 0.8 <= time.monotonic() - started < 3 and reranker.calls == 3


def test_a_rate_limit_that_lasts_longer_than_max_wait_is_not_waited_for(service):
    service.next("rate limit", seconds=60)
    reranker = hosted(service, max_wait=5)
    started = time.monotonic()
    message = fails(reranker, HostedUnavailableError)
    assert time.monotonic() - started < 1 and reranker.calls == 1
    assert "rate limit" in message and "the next would be in 60 s, and max_wait is 5 s" in message


def test_waiting_ends(service):
    service.next("rate limit", times=100, seconds=0.3)
    reranker = hosted(service, max_wait=1)
    started = time.monotonic()
    assert "Given up after" in fails(reranker, HostedUnavailableError)
    assert time.monotonic() - started < 1.5 and 3 <= reranker.calls <= 4


@pytest.mark.parametrize("fault", [500, 503, 504, "cut"])
def test_trouble_is_tried_again_after_a_second(service, fault):
    service.next(fault)
    reranker = hosted(service, max_wait=3)
    assert reranker.predict(PAIRS).tolist() == pytest.approx(sigmoid(PAIRS)) and reranker.calls == 2
    service.next(fault)
    assert "Given up after 1 attempt: " in fails(hosted(service), HostedUnavailableError)


def test_a_slow_answer_is_given_up_after_the_time_out(service):
    service.next("slow", seconds=20)
    started = time.monotonic()
    message = fails(hosted(service, timeout=0.5, max_wait=30), HostedUnavailableError)
    assert "did not answer within 0.5 s" in message and time.monotonic() - started < 3


def test_nothing_listens(service):
    with StandIn(Lengths()) as other:
        url = other.url
    assert "cannot be reached" in fails(CohereReranker(api_key=KEY, base_url=url), HostedUnavailableError)


def test_no_network():
    """The tests' proxies lead nowhere, as without a network; the address is Cohere's own."""
    started = time.monotonic()
    assert "cannot be reached" in fails(CohereReranker(api_key=KEY), HostedUnavailableError)
    assert time.monotonic() - started < 5


UNUSABLE = {
    "missing index": "leaves out 1 of 3 documents",
    "repeated index": "has the index 1 twice",
    "index out of range": "has the index 3 for 3 documents",
    "score out of range": "7.5, which is not from 0 to 1",
    "score not a number": "nan, which is no number",
    "no results": "no list of results",
    "not json": "The answer cannot be read",
}


def test_all_faults_of_answers_are_tried():
    assert set(ANSWER_FAULTS) < set(UNUSABLE)


@pytest.mark.parametrize(("fault", "message"), UNUSABLE.items())
def test_an_answer_that_cannot_be_used(service, fault, message):
    service.next(fault)
    assert message in fails(hosted(service), HostedUnavailableError)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"{}",
        b'{"results": 7}',
        b'{"results": [7]}',
        b'{"results": [{"index": true, "relevance_score": 0.5}]}',
        b'{"results": [{"index": 0, "relevance_score": "high"}]}',
        b'{"results": [{"index": 0, "relevance_score": null}]}',
        b'{"results": [{"index": 0}]}',
        b'{"results": [{"index": -1, "relevance_score": 0.5}]}',
        b'{"results": [{"index": 0, "relevance_score": Infinity}]}',
        b'{"results": [',
        b"\xff\xfe",
    ],
)
def test_any_answer_ends_in_scores_or_in_an_error_of_ours(answering, body):
    answering.answer = (200, {}, body)
    fails(hosted(answering), HostedUnavailableError, PAIRS[:1])


def test_half_a_character_is_refused_before_it_leaves(service):
    reranker = hosted(service, fallback=Lengths())
    assert "half a character" in fails(reranker, HostedRefusedError, [(QUERY, "caf\ud83d")])
    assert not service.requests


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("Wed, 21 Oct 2099 07:28:00 GMT", "e+09 s"),
        ("soon", "in 1 s"),
        ("", "in 1 s"),
        ("nan", "in 1 s"),
        ("-5", "in 1 s"),
        ("45", "in 45 s"),
    ],
)
def test_retry_after_in_any_form(answering, value, wait):
    answering.answer = (429, {"Retry-After": value}, b'{"message": "slow down"}')
    assert wait in fails(hosted(answering), HostedUnavailableError)


# The key, and where it may be sent


def texts_of(error):
    """All that a person may see of an error, and of those that it came from."""
    found = "".join(traceback.format_exception(error))
    while error is not None:
        found += str(error) + repr(error) + repr(error.args) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return found


def test_the_key_is_in_no_error_log_or_text(service, caplog, monkeypatch):
    monkeypatch.setenv("CO_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "cohere"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    reranker = hosted(service, api_key=None, timeout=0.5)
    seen = repr(reranker) + str(reranker) + repr(vars(reranker))
    statuses = (400, 401, 402, 403, 404, 413, 422, 429, 498, 500, 503)
    for fault in (*statuses, "slow", "cut", *ANSWER_FAULTS, "not json"):
        service.next(fault, seconds=20)
        with pytest.raises(HostedError) as raised:
            reranker.predict(PAIRS)
        assert raised.value.__cause__ is None and raised.value.__context__ is None
        seen += texts_of(raised.value)
    with pytest.raises(HostedError) as raised:
        CohereReranker().predict(PAIRS)
    seen += texts_of(raised.value)
    assert KEY not in seen + caplog.text and len(caplog.text) > 1000
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as raised:
        pickle.dumps(reranker)
    assert KEY not in texts_of(raised.value)


def test_a_service_that_repeats_the_key_in_its_answer(answering):
    for status in (200, 401, 500):
        answering.answer = (status, {"X-Key": KEY}, b'{"message": "no such key: ' + KEY.encode() + b'"}')
        with pytest.raises(HostedError) as raised:
            hosted(answering).predict(PAIRS)
        assert KEY not in texts_of(raised.value)
        assert status == 200 or "no such key: [key]" in str(raised.value)


@pytest.mark.parametrize("key", ["", "  ", None])
def test_no_key(monkeypatch, key):
    monkeypatch.delenv("CO_API_KEY", raising=False)
    with pytest.raises(HostedRefusedError, match="Set the environment variable CO_API_KEY"):
        CohereReranker(api_key=key)


@pytest.mark.parametrize("key", [KEY[:9] + " " + KEY[9:], KEY[:9] + "\n" + KEY[9:], KEY + "é", KEY + "\x00"])
def test_a_malformed_key_is_refused_without_being_shown(key):
    with pytest.raises(HostedRefusedError, match="which no key does") as raised:
        CohereReranker(api_key=key)
    assert key[:9] not in texts_of(raised.value)


def test_white_space_around_a_key_does_no_harm(service):
    assert hosted(service, api_key=f" {KEY}\n").predict(PAIRS).shape == (3,)


@pytest.mark.parametrize(
    "url", ["http://example.org", "ftp://example.org", "example.org", "https://user:password@example.org", ""]
)
def test_addresses_that_are_not_safe_or_not_addresses(url):
    with pytest.raises(ValueError, match="base_url") as raised:
        CohereReranker(api_key=KEY, base_url=url)
    assert "password" not in str(raised.value)
