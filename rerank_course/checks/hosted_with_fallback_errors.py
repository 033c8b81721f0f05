"""Which errors the exercise hosted_with_fallback asks about, and the likely mistake behind a wrong answer."""

import socket
import ssl
from typing import Any

import httpx
from cohere.core.api_error import ApiError

from rerank_course.checks.toys.no_answer import (
    CERTIFICATE,
    REFUSED,
    UNKNOWN_HOST,
    connect_error,
    illegal_header,
    no_scheme,
)
from rerank_course.checks.toys.service import status_error
from rerank_course.hosted import origin

TEMPORARY = (
    429,
    500,
    503,
    httpx.ConnectError("no route"),
    httpx.ReadTimeout("timed out"),
    httpx.RemoteProtocolError("cut off"),
    connect_error(REFUSED),
    408,
)
MISTAKES_HERE = (illegal_header(), no_scheme(), connect_error(CERTIFICATE), connect_error(UNKNOWN_HOST))
LASTING = (
    *(400, 401, 404, 422, 498, 499, 301),
    ValueError("a mistake in the program"),
    *MISTAKES_HERE,
    501,
    httpx.TooManyRedirects("round and round"),
    httpx.DecodingError("no text"),
)


def as_error(case: Any) -> Any:
    return status_error(case) if isinstance(case, int) else case


def why_told_wrongly(error: Exception, errors: list[Exception], answers: list) -> str:
    """The likely mistake behind a wrong answer about ``error``. ``answers``: those about all ``errors``."""
    if not any(answers):
        return "It is False for everything, so nothing would ever be tried again."
    if all(answers):
        return "It is True for everything: a wrong key would be hidden for ever."
    if isinstance(error, httpx.TransportError):
        return _about_no_answer(error, errors, answers)
    if _is_refusal(error) and all(answer for error, answer in zip(errors, answers) if _is_refusal(error)):
        return "An ApiError can also mean that the request or the key is wrong. Look at error.status_code."
    return _about_a_status(error)


def _about_no_answer(error: Exception, errors: list[Exception], answers: list) -> str:
    mistake = what_is_wrong_here(error)
    if mistake is None:
        told = [answer for other, answer in zip(errors, answers) if isinstance(other, httpx.ConnectError)]
        if isinstance(error, httpx.ConnectError) and any(told):
            return (
                "A refused connection passes. Only what stands behind a ConnectError tells it from a mistake."
            )
        return "No answer came at all: that is no ApiError but one of httpx's TransportError family."
    family = [answer for other, answer in zip(errors, answers) if isinstance(other, httpx.TransportError)]
    if all(family):
        return (
            "You take every TransportError for an outage. This one never passes: "
            f"{mistake}. The local reranker would take over for ever."
        )
    return f"It does not pass: {mistake}."


def what_is_wrong_here(error: BaseException) -> str | None:
    """What somebody has to mend, in words; ``None`` for any other error."""
    cause = origin(error)
    if isinstance(error, httpx.LocalProtocolError):
        return "the request was not sent, because a header is illegal (a key with a line end, for example)"
    if isinstance(error, httpx.UnsupportedProtocol):
        return "the address does not begin with https://, so nothing was sent"
    if isinstance(error, httpx.ConnectError) and isinstance(cause, ssl.SSLError):
        return "behind the ConnectError stands a certificate that is refused (an ssl.SSLError)"
    if isinstance(error, httpx.ConnectError) and isinstance(cause, socket.gaierror):
        return "behind the ConnectError stands a host that nobody knows (a socket.gaierror)"
    return None


def _about_a_status(error: Exception) -> str:
    status = _status(error)
    if status == 501:
        return "501 is no outage: the service says that it cannot do this at all."
    if status in (408, 429):
        return f"{status} is {'the rate limit' if status == 429 else 'a time-out'}: it passes with time."
    if status >= 500:
        return "A status from 500 on is trouble on the service's side, and it passes (all but 501)."
    if 300 <= status < 400:
        return f"{status} sends the call to another address: somebody has to write that into base_url."
    if isinstance(error, httpx.HTTPError):
        return (
            f"httpx.HTTPError is the root of httpx's errors, and {type(error).__name__} is none of those "
            "that pass. Name the types that do."
        )
    if isinstance(error, ApiError):
        return "The request, the key or the account is wrong, and will be wrong tomorrow."
    return "That is a mistake in a program, not an outage. A fallback must not hide it."


def _is_refusal(error: Exception) -> bool:
    return 400 <= _status(error) < 500 and _status(error) not in (408, 429)


def _status(error: Exception) -> int:
    return (error.status_code or 0) if isinstance(error, ApiError) else 0
