"""What somebody has to mend is never taken for an outage, and no key shows while it is told."""

import json
import logging
import re
import socket
import ssl
import traceback
import warnings
from pathlib import Path

import httpcore
import httpx
import pytest
from cohere.core.api_error import ApiError

from rerank_course.hosted import (
    CohereReranker,
    HostedError,
    HostedRefusedError,
    HostedUnavailableError,
    origin,
    what_to_mend,
)
from tests.support.hosted import KEY, PAIRS, Lengths, fails, hosted

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def came_from(cause):
    """A ConnectError as httpx raises it: through httpcore, from what the operating system said."""
    try:
        try:
            try:
                raise cause
            except Exception as error:
                raise httpcore.ConnectError(str(error)) from error
        except httpcore.ConnectError as error:
            try:
                raise error from None
            except httpcore.ConnectError as hidden:
                raise httpx.ConnectError(str(error)) from hidden
    except httpx.ConnectError as error:
        return error


UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate verify failed")
MISTAKES = {
    "illegal header": httpx.LocalProtocolError(f"Illegal header value b'Bearer {KEY}\\n'"),
    "no scheme": httpx.UnsupportedProtocol("Request URL is missing an 'http://' or 'https://' protocol."),
    "no address": httpx.InvalidURL("Invalid port"),
    "in circles": httpx.TooManyRedirects("Exceeded maximum allowed redirects."),
    "proxy's login": httpx.ProxyError("407 Proxy Authentication Required"),
    "certificate": came_from(NO_CERTIFICATE),
    "no TLS there": came_from(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")),
    "unknown host": came_from(UNKNOWN),
    "501": ApiError(status_code=501, headers={}, body={}),
}
OUTAGES = {
    "refused": came_from(ConnectionRefusedError(111, "Connection refused")),
    "cut while TLS begins": came_from(ssl.SSLEOFError(8, "EOF occurred in violation of protocol")),
    "no route": came_from(OSError(113, "No route to host")),
    "names cannot be asked": came_from(socket.gaierror(socket.EAI_AGAIN, "Temporary failure")),
    "time-out": httpx.ReadTimeout("timed out"),
    "connect time-out": httpx.ConnectTimeout("timed out"),
    "cut": httpx.RemoteProtocolError("Server disconnected without sending a response."),
    "reset": httpx.ReadError("Connection reset by peer"),
    "proxy's trouble": httpx.ProxyError("503 Service Unavailable"),
    "503": ApiError(status_code=503, headers={}, body={}),
    "429": ApiError(status_code=429, headers={}, body={}),
}


@pytest.mark.parametrize("error", MISTAKES.values(), ids=MISTAKES)
def test_what_must_be_mended_is_told_apart_and_the_key_is_not_quoted(error):
    advice = what_to_mend(error)
    assert advice and KEY not in advice and "Bearer" not in advice


@pytest.mark.parametrize("error", OUTAGES.values(), ids=OUTAGES)
def test_what_passes_has_nothing_to_mend(error):
    assert what_to_mend(error) is None and what_to_mend(error, has_answered=True) is None


def test_an_unknown_host_that_has_answered_before_is_an_outage():
    assert "unknown" in what_to_mend(MISTAKES["unknown host"])
    assert what_to_mend(MISTAKES["unknown host"], has_answered=True) is None
    assert what_to_mend(MISTAKES["certificate"], has_answered=True)


def test_the_origin_is_the_operating_systems_error():
    assert origin(MISTAKES["unknown host"]) is UNKNOWN and origin(UNKNOWN) is UNKNOWN
    assert origin(MISTAKES["certificate"]) is NO_CERTIFICATE


def test_only_what_was_said_to_be_the_cause_counts():
    """An error that happened to be under way explains nothing."""
    try:
        raise UNKNOWN
    except socket.gaierror:
        try:
            raise httpx.ConnectError("Connection refused")
        except httpx.ConnectError as error:
            unrelated = error
    assert unrelated.__context__ is UNKNOWN and origin(unrelated) is unrelated
    assert what_to_mend(unrelated) is None


# The same through the library, with a fallback that must not be asked


def refused(reranker):
    """The message of a refusal that the fallback has not hidden, and that no other error came with."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(HostedRefusedError) as raised:
            reranker.predict(PAIRS)
    assert raised.value.__cause__ is None and raised.value.__context__ is None
    assert not reranker.fallback.calls and reranker.fallbacks == 0 and reranker.calls == 1
    return str(raised.value)


def names_are_unknown(*arguments, **options):
    raise UNKNOWN


def test_an_unknown_host_on_the_first_call(service, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", names_are_unknown)
    assert "is unknown" in refused(hosted(service, fallback=Lengths(), max_wait=30))


def test_the_same_host_unknown_after_an_answer(service, monkeypatch):
    reranker = hosted(service)
    reranker.predict(PAIRS)
    service.next("cut")  # or the open connection would be used again
    fails(reranker, HostedUnavailableError)
    monkeypatch.setattr(socket, "getaddrinfo", names_are_unknown)
    assert "cannot be reached" in fails(reranker, HostedUnavailableError)


def test_a_refusal_is_an_answer_of_the_host_too(service, monkeypatch):
    service.next(401)
    reranker = hosted(service)
    fails(reranker, HostedRefusedError)
    service.next("cut")
    fails(reranker, HostedUnavailableError)
    monkeypatch.setattr(socket, "getaddrinfo", names_are_unknown)
    fails(reranker, HostedUnavailableError)


def test_a_certificate_that_is_not_accepted(answering, monkeypatch):
    def wrap_socket(*arguments, **options):
        raise NO_CERTIFICATE

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap_socket)
    url = f"https://127.0.0.1:{answering.server_port}"
    assert "certificate" in refused(CohereReranker(api_key=KEY, base_url=url, fallback=Lengths()))


@pytest.mark.parametrize("port", ["99999999", "https"])
def test_a_port_that_is_none(port):
    with pytest.raises(ValueError, match="base_url has no usable port"):
        CohereReranker(api_key=KEY, base_url=f"https://api.cohere.com:{port}")


def test_501_is_not_tried_again(service):
    service.next(501, times=9)
    assert "(501)" in refused(hosted(service, fallback=Lengths(), max_wait=30))


@pytest.mark.parametrize(
    "end", ["/v1", "/v2", "/v2/", "/v2/rerank", "/v1/rerank/", "/rerank", "/gateway/v2/rerank"]
)
def test_a_path_that_is_added_to_it_is_refused_at_once_with_what_to_write(service, end):
    with pytest.raises(ValueError, match="base_url ends in '/(v|r)") as raised:
        CohereReranker(api_key=KEY, base_url=service.url + end)
    kept = "/gateway" if end.startswith("/g") else ""
    assert str(raised.value).endswith(f"Write {service.url}{kept}.")


def test_a_path_where_nothing_is_names_what_to_take_out(service):
    reranker = CohereReranker(api_key=KEY, base_url=f"{service.url}/cohere", fallback=Lengths())
    assert "base_url ends in '/cohere', and nothing is there (404)" in refused(reranker)


def test_a_key_that_becomes_illegal_on_its_way(service, monkeypatch):
    """Should a malformed key get past the check, the library's error must not come out."""
    monkeypatch.setattr("rerank_course.engine.hosted_service.check_key", lambda key, how_to_get_one: None)
    message = refused(hosted(service, api_key=f"{KEY}\n{KEY}", fallback=Lengths()))
    assert "Copy the key again" in message and KEY not in message


# No key shows

ODD = {
    "line end": "line\nend",
    "carriage return": "line\r\nend",
    "quotes": '"quo\'ted"',
    "percent": "%41per%cent%s",
    "umlauts": "schlüßel-äöü",
    "blank": "in two",
    "braces": "{key}",
    "null": "nu\x00ll",
}
SECRET = "S3cret"


def in_every_form(key):
    """The parts of a key in which it may be quoted: as it is, escaped, as bytes, in a URL."""
    whole = {key, repr(key)[1:-1], ascii(key)[1:-1], json.dumps(key)[1:-1], str(key.encode())[2:-1]}
    return {SECRET, *whole}


def all_that_shows(error):
    found = "".join(traceback.format_exception(error))
    while error is not None:
        found += str(error) + repr(error) + repr(error.args) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return found


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "cohere"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    return caplog


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_key_is_refused_before_it_is_used_and_shows_nowhere(service, logged, monkeypatch, odd):
    key = f"{SECRET}{odd}{SECRET}"
    if "\x00" not in odd:
        monkeypatch.setenv("CO_API_KEY", key)
    for given in (key, key if "\x00" in odd else None):
        with pytest.raises(HostedRefusedError, match="no key does") as raised:
            CohereReranker(api_key=given, base_url=service.url, fallback=Lengths())
        seen = all_that_shows(raised.value) + logged.text
        assert not [form for form in in_every_form(key) if form in seen]
    assert not service.requests


@pytest.mark.parametrize("end", ["\n", "\r\n", "  ", "\t\n"])
def test_a_line_end_after_the_key_is_taken_off_and_the_key_shows_nowhere(service, logged, end):
    key = f"{KEY}{end}"
    reranker = hosted(service, api_key=key, fallback=Lengths())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", UserWarning)
        reranker.predict(PAIRS)
        assert not seen and reranker.scored_by == reranker.model
        service.next("unavailable")
        reranker.predict(PAIRS)
        service.next("bad key")
        with pytest.raises(HostedError) as raised:
            reranker.predict(PAIRS)
    said = "".join(str(warning.message) for warning in seen) + all_that_shows(raised.value) + logged.text
    assert len(seen) == 1 and len(logged.text) > 500
    assert KEY not in said + repr(reranker) + repr(vars(reranker)) + repr(vars(reranker._service))


def test_the_lesson_as_built_shows_no_key():
    (path,) = NOTEBOOKS.glob("*_hosted_reranking.ipynb")
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"Bearer (?!\{)|stand-in-[0-9a-f]{16}", text)
    cells = json.loads(text)["cells"]
    outputs = json.dumps([cell.get("outputs") for cell in cells if cell["cell_type"] == "code"])
    assert "Illegal header value" not in outputs and SECRET not in outputs
