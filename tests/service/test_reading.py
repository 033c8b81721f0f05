"""Packed requests and answers, and bodies that are meant to do harm."""

import gzip
import json
import tracemalloc
import zlib

import httpx
import pytest

from rerank_course.service.reading import read_object, unpack
from rerank_course.service.stand_in import StandIn
from rerank_course.service.tasks import RefusedError
from tests.service.calls import BODY, WordCounter

PLAIN = json.dumps(BODY).encode()


def send(service, content, **headers):
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json", **headers}
    return httpx.post(
        f"{service.url}/v2/rerank", content=content, headers=headers, trust_env=False, timeout=30
    )


def test_a_packed_request_is_answered_as_the_plain_one(service):
    plain, packed = send(service, PLAIN), send(service, gzip.compress(PLAIN), **{"Content-Encoding": "gzip"})
    assert packed.status_code == 200 and packed.json()["results"] == plain.json()["results"]
    assert json.loads(service.requests[-1].body) == BODY


@pytest.mark.parametrize(
    ("content", "encoding", "status"),
    [
        (PLAIN, "gzip", 400),
        (gzip.compress(PLAIN)[:-9], "gzip", 400),
        (gzip.compress(PLAIN), "br", 415),
        (zlib.compress(PLAIN), "deflate", 415),
        (PLAIN, "identity", 200),
        (gzip.compress(PLAIN), "GZIP", 200),
        (gzip.compress(PLAIN), "identity", 400),
    ],
)
def test_what_cannot_be_unpacked_says_so(service, content, encoding, status):
    answer = send(service, content, **{"Content-Encoding": encoding})
    assert answer.status_code == status and (status == 200 or answer.json()["message"])


def test_a_bomb_is_not_unpacked_beyond_the_limit():
    bomb = gzip.compress(b"0" * 200_000_000)
    assert len(bomb) < 250_000
    tracemalloc.start()
    with pytest.raises(RefusedError) as raised:
        unpack(bomb, "gzip", 1_000_000)
    assert raised.value.status == 413 and tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    with StandIn(WordCounter(), max_bytes=500_000) as service:
        assert send(service, bomb, **{"Content-Encoding": "gzip"}).status_code == 413
        assert send(service, PLAIN).status_code == 200


def test_an_answer_is_packed_for_who_asks(service):
    many = json.dumps({**BODY, "documents": ["text"] * 100}).encode()
    for accepted, packed in (("gzip", True), ("identity", False), ("gzip, deflate, br", True)):
        answer = send(service, many, **{"Accept-Encoding": accepted})
        assert ("Content-Encoding" in answer.headers) is packed and len(answer.json()["results"]) == 100


def test_the_key_is_blotted_wherever_it_arrives(service):
    send(
        service, json.dumps({**BODY, "query": f"is {service.key} a key?"}).encode(), **{"X-Key": service.key}
    )
    assert service.key not in str(service.requests[-1]) and "is [key] a key?" in str(service.requests[-1])


@pytest.mark.parametrize(
    "body", [b"[" * 10**6, b'{"a":' * 10**6, b"1e999999", b"-" * 10**6, b'"\\ud800"', b""]
)
def test_no_body_does_more_than_be_refused(body):
    with pytest.raises(RefusedError):
        read_object(body)
