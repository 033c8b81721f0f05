"""What httpx raises when no answer comes, each made as httpx makes it, without a network.

A ``ConnectError`` alone says little: the error of the operating system stands behind it, two errors further
back, as it does in a real one.
"""

import socket
import ssl

import httpcore
import httpx

UNKNOWN_HOST = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
REFUSED = ConnectionRefusedError(111, "Connection refused")
CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")


def connect_error(cause: OSError) -> httpx.ConnectError:
    """The error that httpx makes of ``cause`` while it connects."""
    inner, outer = httpcore.ConnectError(str(cause)), httpx.ConnectError(str(cause))
    inner.__context__, inner.__suppress_context__ = cause, True  # httpcore raises it "from None"
    outer.__cause__ = inner
    return outer


def illegal_header() -> httpx.LocalProtocolError:
    """What a key with a line end gives: the request is never sent, and the text holds the key."""
    return httpx.LocalProtocolError("Illegal header value b'Bearer key-of-the-check\\n'")


def no_scheme() -> httpx.UnsupportedProtocol:
    """What an address without https:// gives."""
    return httpx.UnsupportedProtocol("Request URL is missing an 'http://' or 'https://' protocol.")
