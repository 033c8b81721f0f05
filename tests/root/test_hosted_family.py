"""Four services behind one class: scores, limits, refusals, and addresses that are wrong."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
import warnings
from contextlib import closing, contextmanager, suppress

import numpy as np
import pytest

from rerank_course import rerank_documents
from rerank_course.hosted import (
    CohereReranker,
    HostedRefusedError,
    HostedUnavailableError,
    JinaReranker,
    TeiReranker,
    VllmReranker,
)
from rerank_course.service.stand_in import StandIn
from tests.support.hosted import DOCUMENTS, KEY, PAIRS, QUERY, Lengths, fails, sigmoid

OTHERS = (JinaReranker, VllmReranker, TeiReranker)
ALL = (CohereReranker, *OTHERS)


def make(kind, service, **options):
    return kind(**{"api_key": KEY, "base_url": service.url, "timeout": 5, "max_wait": 0, **options})


@pytest.mark.parametrize("kind", ALL)
def test_each_reranks_as_any_other_reranker_does(service, kind):
    reranker = make(kind, service)
    ranking = rerank_documents(QUERY, DOCUMENTS, reranker)
    assert [text for text, _ in ranking] == sorted(DOCUMENTS, key=len, reverse=True)
    assert [score for _, score in ranking] == pytest.approx(sorted(sigmoid(PAIRS), reverse=True))
    assert reranker.scored_by == reranker.model and reranker.calls == 1
    assert repr(reranker) == f"{kind.__name__}({reranker.model!r}, fallback=None)"


@pytest.mark.parametrize(("kind", "size"), [(CohereReranker, 1000), (JinaReranker, 1000), (TeiReranker, 32)])
def test_a_long_list_goes_out_in_the_sizes_that_the_service_takes(service, kind, size):
    pairs = [(QUERY, "x" * (i % 80 + 1)) for i in range(2 * size + 7)]
    assert make(kind, service).predict(pairs).tolist() == pytest.approx(sigmoid(pairs))
    assert [len(call) for call in service._reranker.calls] == [size, size, 7]


@pytest.mark.parametrize("kind", ALL)
def test_several_queries_mixed(service, kind):
    pairs = [(f"query {i % 3}", "x" * (30 + i)) for i in range(20)]
    assert make(kind, service).predict(pairs).tolist() == pytest.approx(sigmoid(pairs))


def test_what_is_counted(service):
    for kind, name in ((CohereReranker, "search_units"), (JinaReranker, "total_tokens")):
        reranker = make(kind, service)
        reranker.predict(PAIRS)
        first = reranker.billed[name]
        reranker.predict(PAIRS)
        assert first > 0 and reranker.billed[name] == 2 * first
    reranker = make(TeiReranker, service)
    reranker.predict(PAIRS)
    assert reranker.billed == {}


@pytest.mark.parametrize("kind", OTHERS)
def test_long_texts_are_cut_and_not_refused(service, kind):
    assert make(kind, service).predict([(QUERY, "Berlin " * 700)]).shape == (1,)


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (400, HostedRefusedError),
        (401, HostedRefusedError),
        (404, HostedRefusedError),
        (413, HostedRefusedError),
        (422, HostedRefusedError),
        (424, HostedRefusedError),
        (501, HostedRefusedError),
        (429, HostedUnavailableError),
        (500, HostedUnavailableError),
        (503, HostedUnavailableError),
        ("slow", HostedUnavailableError),
        ("cut", HostedUnavailableError),
        ("not json", HostedUnavailableError),
        ("missing index", HostedUnavailableError),
        ("repeated index", HostedUnavailableError),
        ("score not a number", HostedUnavailableError),
        ("no results", HostedUnavailableError),
    ],
)
def test_the_same_faults_are_told_apart_in_the_same_way(service, kind, fault, error):
    service.next(fault, seconds=20)
    reranker = make(kind, service, fallback=None, timeout=0.3)
    fails(reranker, error)
    service.behave()
    assert reranker.predict(PAIRS).tolist() == pytest.approx(sigmoid(PAIRS))  # the next call is well again


@pytest.mark.parametrize("kind", OTHERS)
def test_what_the_service_said_is_quoted(service, kind):
    service.next(422)
    assert "told to answer 422" in fails(make(kind, service), HostedRefusedError)
    service.next("rate limit", times=2, seconds=0.2)
    reranker = make(kind, service, max_wait=5)
    assert reranker.predict(PAIRS).shape == (3,) and reranker.calls == 3


@pytest.mark.parametrize("kind", ALL)
def test_a_wrong_key_is_a_refusal_in_every_protocol(service, kind):
    assert "401" in fails(make(kind, service, api_key="wrong"), HostedRefusedError)


@pytest.mark.parametrize("kind", ALL)
def test_a_model_that_the_service_does_not_have(service, kind):
    if kind is TeiReranker:
        assert make(kind, service, model="whatever").predict(PAIRS).shape == (3,)  # it runs one
        return
    model = "jina-reranker-v9" if kind is JinaReranker else "rerank-v9"
    refused = make(kind, service, model=model)
    assert "v9" in fails(refused, HostedRefusedError)


@pytest.mark.parametrize("score", [-0.3, 1.7])
def test_scores_outside_0_to_1_are_for_those_that_may_give_them(answering, score):
    row = {"index": 0, "relevance_score": score, "score": score}
    for kind, body, good in (
        (CohereReranker, {"results": [row]}, False),
        (TeiReranker, [row], False),
        (JinaReranker, {"results": [row]}, True),
        (VllmReranker, {"results": [row], "usage": "none"}, True),
    ):
        answering.answer = (200, {}, json.dumps(body).encode())
        reranker = make(kind, answering)
        if good:
            assert reranker.predict(PAIRS[:1]).tolist() == [score]
        else:
            assert "not from 0 to 1" in fails(reranker, HostedUnavailableError, PAIRS[:1])


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b"{}",
        b"[7]",
        b'{"results": 7}',
        b'{"results": [7]}',
        b'{"results": [',
        b"\xff\xfe",
    ]
    + [b'[{"index": true, "score": 1}]', b'{"results": [{"index": 0, "relevance_score": "high"}]}']
    + [b'[{"index": 0, "score": null}]', b'{"results": [{"index": 0, "relevance_score": Infinity}]}'],
)
def test_any_answer_ends_in_scores_or_in_an_error_of_ours(answering, kind, body):
    answering.answer = (200, {}, body)
    fails(make(kind, answering), HostedUnavailableError, PAIRS[:1])


def test_half_a_character_is_refused_before_it_leaves(service):
    for kind in OTHERS:
        assert "half a character" in fails(make(kind, service), HostedRefusedError, [(QUERY, "caf\ud83d")])
    assert not service.requests


# Keys and addresses


def test_where_a_key_is_needed_and_where_it_is_read(service, monkeypatch):
    for name in ("CO_API_KEY", "JINA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for kind, name in ((CohereReranker, "CO_API_KEY"), (JinaReranker, "JINA_API_KEY")):
        with pytest.raises(HostedRefusedError, match=f"environment variable {name}"):
            kind(base_url=service.url)
        monkeypatch.setenv(name, f"{KEY}\n")
        assert kind(base_url=service.url).predict(PAIRS).shape == (3,)
    for kind in (VllmReranker, TeiReranker):  # servers of one's own often want none
        assert "401" in fails(kind(base_url=service.url), HostedRefusedError)
        assert "Authorization" not in service.requests[-1].headers


@pytest.mark.parametrize("kind", [VllmReranker, TeiReranker])
def test_a_server_of_ones_own_has_no_address_that_could_be_guessed(kind):
    with pytest.raises(ValueError, match="base_url is missing: say where your .* server listens"):
        kind(api_key=KEY)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.org", "unencrypted"),
        ("ftp://example.org", "begins with https://"),
        ("example.org", "begins with https://"),
        ("//example.org", "begins with https://"),
        ("localhost:8080", "begins with https://"),
        ("", "begins with https://"),
        ("https://", "begins with https://"),
        ("https://user:sesame@example.org", "holds a login"),
        ("https://sesame@example.org", "holds a login"),
        ("https://example.org?key=1", "Take out"),
        ("https://example.org/#top", "Take out"),
        ("https://exa mple.org", "white space"),
        ("https://example.org\n", "white space"),
        ("https://example.org:port", "no usable port"),
        ("https://example.org:0", "no usable port"),
        ("https://[::1", "is no address"),
        ("https://" + "a" * 70 + ".org", "no usable host"),
        ("https://example..org", "no usable host"),
        ("https://.org", "no usable host"),
        ("https://xn--", "no usable host"),
        ("https://999.1.1.1", "no usable host"),
        ("http://0.0.0.0:8080", "is not this machine"),
        ("https://example.org/v1", "Write https://example.org."),
        ("https://example.org/cohere/v2/rerank/", "Write https://example.org/cohere."),
        ("https://example.org/v1/rerank", "Write https://example.org."),
    ],
)
def test_addresses_that_are_none_say_what_to_write(kind, url, message):
    with pytest.raises(ValueError, match="base_url") as raised:
        kind(api_key=KEY, base_url=url)
    assert message in str(raised.value) and "sesame" not in str(raised.value)


@pytest.mark.parametrize("kind", [VllmReranker, TeiReranker])
def test_a_private_network_needs_no_tls_where_no_key_is_sent(kind):
    for url in ("http://10.0.0.5:8080", "http://192.168.1.7", "http://[fd00::5]:80", "http://tei:80"):
        assert kind(base_url=url)
        with pytest.raises(ValueError, match="would send key and texts unencrypted"):
            kind(api_key=KEY, base_url=url)
    for url in ("http://8.8.8.8", "http://rerank.example.org", "http://0.0.0.0:8080"):
        with pytest.raises(ValueError, match="would send the texts unencrypted"):
            kind(base_url=url)


@pytest.mark.parametrize(
    "host", ["100.64.0.1", "100.127.255.254", "spark.local", "spark.local.", "[::ffff:10.0.0.5]"]
)
def test_what_no_open_network_carries_is_private_too(host):
    """Shared addresses, names of one link (RFC 6598, RFC 6762), and an address in the dress of IPv6."""
    assert TeiReranker(base_url=f"http://{host}:8080")
    with pytest.raises(ValueError, match="would send key and texts unencrypted"):
        TeiReranker(api_key=KEY, base_url=f"http://{host}:8080")


@pytest.mark.parametrize(
    "host",
    [
        "134744072",  # 8.8.8.8, to whoever looks it up; so are the next two
        "0x08080808",
        "01002004010",
        "example\u3002org",  # a full stop of another script: example.org
        "[::ffff:8.8.8.8]",
        "100.128.0.1",
        "100.63.255.255",
        "spark.local.example.org",
        "spark.notlocal",
    ],
)
def test_what_only_looks_private_is_not(host):
    with pytest.raises(ValueError, match="would send the texts unencrypted"):
        TeiReranker(base_url=f"http://{host}:8080")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_every_address_of_this_machine_itself_is_called_without_tls(host):
    try:
        with StandIn(Lengths(), host=host) as service:
            reranker = CohereReranker(api_key=service.key, base_url=service.url)
            assert reranker.predict(PAIRS).shape == (3,)
    except OSError as error:
        pytest.skip(f"this machine has no {host}: {error}")


@pytest.mark.parametrize("kind", ALL)
def test_slashes_at_the_end_do_no_harm(service, kind):
    assert make(kind, service, base_url=f"{service.url}/").predict(PAIRS).shape == (3,)


def refused(reranker):
    """The message of a refusal that the fallback has not hidden."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(HostedRefusedError) as raised:
            reranker.predict(PAIRS)
    assert not reranker.fallback.calls and reranker.calls == 1
    return str(raised.value)


@contextmanager
def listening(answer):
    """A port where ``answer(connection)`` answers each caller."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with closing(connection), suppress(OSError):
                    answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory):
    """A certificate that nobody has signed but itself."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    wanted = ["-subj", "/CN=localhost", "-days", "2", "-nodes", "-newkey", "rsa:2048"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(["openssl", "req", "-x509", *wanted, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize("kind", ALL)
def test_a_certificate_of_nobodys(self_signed, kind):
    def answer(connection):
        with self_signed.wrap_socket(connection, server_side=True) as secured:
            secured.recv(100)

    with listening(answer) as port:
        reranker = kind(api_key=KEY, base_url=f"https://localhost:{port}", fallback=Lengths(), max_wait=9)
        assert "certificate" in refused(reranker)


@pytest.mark.parametrize("kind", ALL)
def test_http_to_a_port_that_wants_https(self_signed, kind):
    def answer(connection):
        with self_signed.wrap_socket(connection, server_side=True) as secured:
            secured.recv(100)

    with listening(answer) as port:
        reranker = kind(api_key=KEY, base_url=f"http://localhost:{port}", fallback=Lengths(), max_wait=9)
        assert "speaks no HTTP, or wants https://" in refused(reranker)


@pytest.mark.parametrize("kind", ALL)
def test_https_to_a_port_that_has_none(service, kind):
    reranker = make(
        kind, service, base_url=f"https://127.0.0.1:{service.port}", fallback=Lengths(), max_wait=9
    )
    assert "speaks no TLS. Write http://" in refused(reranker)


@pytest.mark.parametrize(
    "banner",
    [b"SSH-2.0-OpenSSH_9.2\r\n", b"-ERR unknown command\r\n", b"\x00\x01\x02\n\n", b"HI"],
    ids=["ssh", "redis", "binary", "short"],
)
@pytest.mark.parametrize("kind", ALL)
def test_a_port_that_speaks_another_protocol(kind, banner):
    def answer(connection):
        connection.recv(100_000)
        connection.sendall(banner)

    with listening(answer) as port:
        reranker = kind(api_key=KEY, base_url=f"http://127.0.0.1:{port}", fallback=Lengths(), max_wait=9)
        assert "speaks no HTTP" in refused(reranker)


@pytest.mark.parametrize("kind", ALL)
def test_an_answer_that_is_no_http_passes_where_http_was_spoken_before(kind):
    def answer(connection):
        connection.recv(100_000)
        connection.sendall(b"garbage\r\n\r\n")

    with listening(answer) as port:
        there = kind(api_key=KEY, base_url=f"http://127.0.0.1:{port}", max_wait=0)
        there._service._has_answered = True
        fails(there, HostedUnavailableError)


@pytest.mark.parametrize("kind", ALL)
def test_a_connection_that_is_cut_without_a_word_passes(service, kind):
    """The second look at the port finds HTTP, or nothing."""
    service.next("cut")
    fails(make(kind, service), HostedUnavailableError)
    with listening(lambda connection: connection.recv(100_000)) as port:
        fails(kind(api_key=KEY, base_url=f"http://127.0.0.1:{port}", max_wait=0), HostedUnavailableError)


@pytest.mark.parametrize("kind", ALL)
def test_an_address_that_moves_the_call_on(answering, kind):
    answering.answer = (301, {"Location": "https://elsewhere.example/rerank"}, b"")
    reranker = make(kind, answering, fallback=Lengths(), max_wait=9)
    assert "https://elsewhere.example/rerank" in refused(reranker)


def test_scores_are_float64(service):
    assert all(make(kind, service).predict(PAIRS).dtype == np.float64 for kind in ALL)
