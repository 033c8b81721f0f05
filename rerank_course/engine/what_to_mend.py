"""Errors of httpx and Cohere's library that somebody has to mend, and those that may pass by themselves.

"No answer came" does not decide: httpx raises a ``TransportError`` for a time-out, and also for a key with a
line end or an address without a scheme.
"""

import socket
import ssl
from typing import Any

CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)  # a cut connection, as TLS calls it

NO_HTTP = "What listens at base_url speaks no HTTP, or wants https://. Check its scheme and its port."


def origin(error: BaseException) -> BaseException:
    """The error behind one of httpx's, as the operating system, TLS or the protocol raised it; else itself.

    A refused connection, an unknown host and a refused certificate are all an ``httpx.ConnectError``.
    """
    while True:
        # httpcore raises some errors "from None". Other errors that were under way explain nothing.
        hidden = error.__context__ if type(error).__module__.startswith("httpcore") else None
        cause = error.__cause__ or hidden
        if cause is None:
            return error
        error = cause


def what_to_mend(error: Any, has_answered: bool = False) -> str | None:
    """What somebody has to mend on this side; ``None`` for a failure that may pass, or that has a status.

    These do not pass by themselves: a header with illegal characters (a key with a line end), an address
    without a scheme, a certificate that is refused, a proxy that wants a login, an unknown host, a port that
    speaks something else than HTTP, and the status 501, which says that the service cannot do this at all
    (https://www.rfc-editor.org/rfc/rfc9110#section-15.6.2). Other statuses are not judged here.

    The text never quotes the error, which may hold the key.

    Args:
        error: what httpx or Cohere's library raised, or an answer with a ``status_code``.
        has_answered: whether this host has answered before. Then an unknown host is trouble with names, and
            an answer that is no HTTP a broken one: both pass. Before, the address is most likely mistyped.
    """
    import httpx

    if getattr(error, "status_code", None) == 501:
        return "The service cannot do this (501). Check base_url: is it the right address?"
    if isinstance(error, httpx.LocalProtocolError):
        return "The request was not sent: a header holds a character that HTTP forbids. Copy the key again."
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects)):
        return "No request could be made to base_url. Write an address such as https://api.cohere.com."
    if isinstance(error, httpx.ProxyError) and str(error).startswith("4"):  # the proxy's status
        return f"The proxy refuses ({str(error)[:3]}). Check its address and its login in HTTPS_PROXY."
    # The library that reads HTTP calls its first line "illegal"; a cut connection has none.
    if isinstance(error, httpx.RemoteProtocolError) and "illegal" in str(error) and not has_answered:
        return NO_HTTP
    cause = origin(error) if isinstance(error, httpx.ConnectError) else None
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, CUT):
        return (
            "The server's certificate is not accepted, or it speaks no TLS. Check base_url, this machine's "
            "clock, and whether a login page or a proxy answers in the service's place."
        )
    if isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN and not has_answered:
        return (
            "The host in base_url, or the proxy's, is unknown, and has never answered. Check how it is "
            "written, and whether there is a network."
        )
    return None
