"""What a port of this machine speaks, if it is not what its address says.

httpx cannot tell: a server that wants TLS cuts a plain request off, one that wants none waits for the end of
a line while TLS begins, and a short banner of another service counts as no answer at all. So the port is
asked once more, without a key, before such a failure is taken for an outage.
"""

import socket
import ssl

TIMEOUT = 1.0  # seconds; the port is on this machine
ALERT = b"\x15"  # the first byte of an alert of TLS


def what_it_speaks(host: str, port: int) -> str | None:
    """``"http"``, ``"tls"`` or ``"something else"``; ``None`` if nobody listens or nothing is said."""
    said = _answer_to_http(host, port)
    if said:
        if b"HTTP/".startswith(said[:5]):
            return "http"
        return "tls" if said.startswith(ALERT) else "something else"
    return "tls" if said is not None and _takes_tls(host, port) else None


def _answer_to_http(host: str, port: int) -> bytes | None:
    """The first bytes of the answer, ``b""`` if there is none, ``None`` if nobody listens."""
    try:
        connection = socket.create_connection((host, port), TIMEOUT)
    except OSError:
        return None
    with connection:
        try:
            connection.sendall(f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(5)
        except OSError:
            return b""


def _takes_tls(host: str, port: int) -> bool:
    """Whether a handshake comes to its end; whose certificate it is does not matter here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), TIMEOUT) as connection,
            context.wrap_socket(connection, server_hostname=host),
        ):
            return True
    except OSError:
        return False
