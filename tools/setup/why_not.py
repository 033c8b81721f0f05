"""Why pip failed, in plain words, and whether another try may help."""

import os
import shutil
import socket
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

# What pip and the libraries in it say of a network. A name that no index has is no reason to try again.
BROKE_OFF = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "Read timed out",
    "ProtocolError",
    "IncompleteRead",
    "IncompleteDownload",
    "incomplete-download",
    "Connection broken",
    "Connection aborted",
    "Connection reset",
    "Remote end closed",
    "RemoteDisconnected",
    "Name or service not known",
    "NameResolutionError",
    "Temporary failure in name resolution",
    "nodename nor servname",
    "getaddrinfo failed",
    "Network is unreachable",
    "ProxyError",
    "500 Server Error",
    "502 Server Error",
    "503 Server Error",
    "504 Server Error",
    "429 Client Error",
    "(from versions: none)",  # all that pip says when it may not try again by itself
)
NO_INDEX = (
    "Could not find a version",
    "No matching distribution found",
    "SSLError",
    "CERTIFICATE_VERIFY_FAILED",
)


PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")


class InstallError(Exception):
    """Why the course cannot be installed, and what to do."""


def worth_another_try(said: list[str]) -> bool:
    """Whether what pip said tells of a network that may be there again in a moment."""
    return _broke_off(said) and not _dead_proxy()


def _broke_off(said: list[str]) -> bool:
    return any(sign in line for sign in BROKE_OFF for line in said)


def why_pip_failed(said: list[str], venv: Path, needed_gb: int) -> str:
    """What to tell a person: the cause, and what to do."""
    last = "\n".join(["pip said:", *_last_lines(said), ""])
    text = "\n".join(said)
    if "No space left" in text or shutil.disk_usage(venv).free < 2e8:
        return (
            f"The disk is full. Make room ({needed_gb} GB in all) and run this again; what is there is kept."
        )
    if "PermissionError" in text or "Permission denied" in text:
        return f"{last}\nA file could not be written. Mend that and run this again; what is there is kept."
    if _broke_off(said) and (proxy := _dead_proxy()):
        return (
            f"The proxy {proxy} does not answer. Set the environment variable HTTPS_PROXY to one that "
            "does, or to nothing, and run this again; what is there is kept."
        )
    if _broke_off(said) or any(sign in text for sign in NO_INDEX):
        return (
            f"{last}\nNo package index could be reached, or it lacks a package. Check the network and the "
            "proxy settings and run this again; what is there is kept. With an index of your own: "
            "make course PIP_ARGS='--index-url URL'"
        )
    return (
        f"{last}\npip failed. Mend that and run this again; what is there is kept. "
        f"All that pip said stands in {venv / 'install.log'}."
    )


def _last_lines(said: list[str], count: int = 6) -> list[str]:
    errors = [line for line in said if line.lstrip().startswith(("ERROR", "error"))]
    return (errors or [line for line in said if line.strip()])[-count:]


def _dead_proxy() -> str:
    """The proxy's host and port and where it is set, if it does not answer. A password is left out."""
    for name in PROXIES:
        if value := os.environ.get(name):
            parts = urlsplit(value if "//" in value else f"//{value}")
            if parts.hostname and not _answers(parts.hostname, _port_of(parts)):
                return f"{parts.hostname}:{_port_of(parts)} (in {name})"
    return ""


def _port_of(parts: SplitResult) -> int:
    try:
        return parts.port or 80
    except ValueError:  # not a number, or not one of a port
        return 80


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True
