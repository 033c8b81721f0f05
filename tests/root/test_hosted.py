"""Cohere Rerank behind ``predict``: the real SDK over real sockets, answered by the stand-in; every fault,
the fallback, and the key that never shows.
"""

import http.server
import logging
import pickle
import threading
import time
import traceback
import warnings

import numpy as np
import pytest

from rerank_course.engine.cohere import HostedError, HostedRefusedError, HostedUnavailableError
from rerank_course.hosted import CohereReranker, FallbackWarning
from rerank_course.models import CATALOGUE, load_reranker
from rerank_course.rerank import rerank_documents
from rerank_course.service.faults import ANSWER_FAULTS
from rerank_course.service.stand_in import StandIn

KEY = "a-secret-key-that-nobody-may-see"
QUERY = "How many people live in Berlin?"
DOCUMENTS = [
    "Berlin is well known for its museums.",
    "Berlin had a population of 3,520,031 registered inhabitants.",
    "Penguins cannot fly.",
]
PAIRS = [(QUERY, document) for document in DOCUMENTS]


class Lengths:
    """Logit = length of the document − 40, so that every score tells which document it belongs to. Records
    what it is given.
    """

    def __init__(self):
        self.calls = []

    def predict(self, pairs, batch_size=32):
        self.calls.append(list(pairs))
        return np.array([len(document) - 40.0 for _, document in pairs])


def sigmoid(pairs):
    return [1 / (1 + np.exp(40.0 - len(document))) for _, document in pairs]


@pytest.fixture(scope="module")
def running():
    with StandIn(Lengths(), key=KEY) as service:
        yield service


@pytest.fixture
def service(running):
    running._reranker = Lengths()
    running.requests.clear()
    yield running
    running.behave()


def hosted(service, **options):
    return CohereReranker(**{"api_key": KEY, "base_url": service.url, "timeout": 5, "max_wait": 0, **options})


def fails(reranker, kind, pairs=PAIRS):
    with pytest.raises(kind) as raised:
        reranker.predict(pairs)
    assert type(raised.value) is kind
    return str(raised.value)


# Scores


def test_it_reranks_as_any_other_reranker_does():
    with StandIn() as service:
        ranking = rerank_documents(
            QUERY, DOCUMENTS, CohereReranker(api_key=service.key, base_url=service.url), top_k=2
        )
    local = rerank_documents(QUERY, DOCUMENTS, load_reranker(backend="int8"), top_k=2)
    assert [document for document, _ in ranking] == [document for document, _ in local]
    assert [score for _, score in ranking] == pytest.approx(
        [1 / (1 + np.exp(-score)) for _, score in local], abs=1e-6
    )


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
    import json

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


# What the service refuses


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
    assert (
        raised.value.status == fault
        and reranker.calls == 1
        and not fallback.calls
        and reranker.scored_by is None
    )


def test_a_wrong_key_and_an_unknown_model(service):
    assert "401: invalid api token" in fails(hosted(service, api_key="wrong"), HostedRefusedError)
    assert "'rerank-v9' not found" in fails(hosted(service, model="rerank-v9"), HostedRefusedError)


# What may pass by itself


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
    """The tests' proxies lead nowhere, as on a machine without a network; this one is Cohere's own address."""
    started = time.monotonic()
    assert "cannot be reached" in fails(CohereReranker(api_key=KEY), HostedUnavailableError)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("missing index", "leaves out 1 of 3 documents"),
        ("repeated index", "has the index 1 twice"),
        ("index out of range", "has the index 3 for 3 documents"),
        ("score out of range", "7.5, which is not from 0 to 1"),
        ("score not a number", "nan, which is not from 0 to 1"),
        ("no results", "no list of results"),
        ("not json", "The answer cannot be read"),
    ],
)
def test_an_answer_that_cannot_be_used(service, fault, message):
    assert set(ANSWER_FAULTS) < {
        "missing index",
        "repeated index",
        "index out of range",
        "score out of range",
        "score not a number",
        "no results",
        "not json",
    }
    service.next(fault)
    assert message in fails(hosted(service), HostedUnavailableError)


@pytest.fixture
def answering():
    """A service that answers with whatever bytes it is told."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, body = self.server.answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"7", b'"text"', b"{}", b'{"results": 7}', b'{"results": [7]}', b'{"results": [{"index": true, "relevance_score": 0.5}]}',
     b'{"results": [{"index": 0, "relevance_score": "high"}]}', b'{"results": [{"index": 0, "relevance_score": null}]}', b'{"results": [{"index": 0}]}', b'{"results": [{"index": -1, "relevance_score": 0.5}]}',
     b'{"results": [{"index": 0, "relevance_score": Infinity}]}', b'{"results": [', b"\xff\xfe"],
)  # fmt: skip
def test_any_answer_ends_in_scores_or_in_an_error_of_ours(answering, body):
    answering.answer = (200, {}, body)
    fails(hosted(answering), HostedUnavailableError, PAIRS[:1])


def test_half_a_character_is_refused_before_it_leaves(service):
    assert "half a character" in fails(
        hosted(service, fallback=Lengths()), HostedRefusedError, [(QUERY, "caf\ud83d")]
    )
    assert not service.requests


def test_billed_units_of_other_kinds_are_counted_too(answering):
    answering.answer = (
        200,
        {},
        b'{"results": [{"index": 0, "relevance_score": 1}], "meta": {"billed_units": {"input_tokens": 12}}}',
    )
    reranker = hosted(answering)
    assert reranker.predict(PAIRS[:1]).tolist() == [1.0]
    assert reranker.billed == {"input_tokens": 12} and reranker.search_units == 0


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
    ask = reranker._score

    def ask_and_break(query, documents):
        scores = ask(query, documents)
        service.next(500)
        return scores

    reranker._score = ask_and_break
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


def test_the_packaged_reranker_as_a_fallback(service):
    service.next(503)
    local = load_reranker(backend="int8")
    reranker = hosted(service, fallback=local)
    with pytest.warns(FallbackWarning):
        ranking = rerank_documents(QUERY, DOCUMENTS, reranker)
    assert ranking == rerank_documents(QUERY, DOCUMENTS, local) and reranker.scored_by == "Int8Reranker"


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


# The key, and what may be asked for


def texts_of(error):
    """All that a person may see of an error: its traceback, its text, its parts, and those of what it came
    from.
    """
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
    for fault in (
        400,
        401,
        402,
        403,
        404,
        413,
        422,
        429,
        498,
        500,
        503,
        "slow",
        "cut",
        *ANSWER_FAULTS,
        "not json",
    ):
        service.next(fault, seconds=20)
        with pytest.raises(HostedError) as raised:
            reranker.predict(PAIRS)
        assert raised.value.__cause__ is None and raised.value.__context__ is None
        seen += texts_of(raised.value)
    with pytest.raises(HostedError) as raised:
        CohereReranker().predict(PAIRS)
    seen += texts_of(raised.value)
    assert KEY not in seen + caplog.text and len(caplog.text) > 1000
    with pytest.raises(Exception) as raised:
        pickle.dumps(reranker)
    assert KEY not in texts_of(raised.value)


def test_a_service_that_repeats_the_key_in_its_answer(answering):
    for status in (200, 401, 500):
        answering.answer = (status, {"X-Key": KEY}, b'{"message": "no such key: ' + KEY.encode() + b'"}')
        with pytest.raises(HostedError) as raised:
            hosted(answering).predict(PAIRS)
        assert KEY not in texts_of(raised.value) and (
            status == 200 or "no such key: [key]" in str(raised.value)
        )


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


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": float("inf")},
        {"max_wait": -1},
        {"max_wait": float("nan")},
        {"model": ""},
        {"model": None},
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
