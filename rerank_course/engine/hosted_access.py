"""Where a hosted reranker is called, and with which key: both looked at before anything is sent.

The key is shown nowhere: an error about it does not quote it, no object has it as an attribute, and the logs
of the libraries that send it are blotted, should a service repeat it in its answer.
"""

import ipaddress
import logging
import re
import urllib.parse
from collections.abc import Callable
from typing import Any, NoReturn

from rerank_course.engine.hosted_errors import HostedRefusedError

# A bearer token: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
ENDINGS = ("/rerank", "/v1", "/v2")  # what people copy from an example, and what is added to base_url
# Loggers that may write what a service sends; a filter sees only the records of its own logger.
LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "cohere")
BLOTTED = "[key]"
MIN_BLOTTED = 8  # characters; a shorter word may stand in a text by chance
SHARED = ipaddress.ip_network("100.64.0.0/10")  # never routed beyond a provider's network: RFC 6598
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # an IPv4 address to whoever looks it up: 134744072 is 8.8.8.8
LINK_LOCAL = (".local", ".local.")  # names that mean something on this link alone: RFC 6762


class Key:
    """An API key that shows itself to nobody: ``reveal()`` gives it to whoever puts it into a header.

    Args:
        value: as it was given; white space around it is taken off. ``None`` is no key at all.
    """

    __slots__ = ("reveal",)

    def __init__(self, value: Any) -> None:
        stripped = value.strip() if isinstance(value, str) else ""
        self.reveal: Callable[[], str] = lambda: stripped

    def __repr__(self) -> str:
        return BLOTTED

    def __bool__(self) -> bool:
        return bool(self.reveal())

    def __reduce__(self) -> NoReturn:
        raise TypeError("A key is not pickled: it would be readable in the file. Read it anew there.")

    @property
    def is_well_formed(self) -> bool:
        """Whether it holds only what a bearer token may hold."""
        return TOKEN.fullmatch(self.reveal()) is not None

    def hide(self, text: str) -> str:
        """The text with the key blotted out."""
        return text.replace(self.reveal(), BLOTTED) if self else text


def check_key(key: Key, how_to_get_one: str) -> None:
    """Refuse a key that is missing or malformed: a library would put that, in full, into its error.

    Args:
        key: what callers have to show.
        how_to_get_one: what the error says where there is none.

    Raises:
        HostedRefusedError: what is wrong, without the key.
    """
    if not key:
        raise HostedRefusedError(f"There is no API key. {how_to_get_one}")
    if not key.is_well_formed:
        raise HostedRefusedError(
            "The API key holds a space, a line break, a quotation mark or another character, which no key "
            "does. Copy it again, whole and alone."
        )


def check_address(base_url: str, example: str, with_key: bool) -> bool:
    """Whether ``base_url`` is this machine's own.

    Args:
        base_url: scheme, host, port, and for a gateway the beginning of a path.
        example: an address that would do, for the error.
        with_key: whether a key goes there. Without one, TLS is not asked of a private network either.

    Raises:
        ValueError: it is no address to which texts and key may be sent, or ends in a path that is added to
            it; the message says what to take out.
    """
    if not isinstance(base_url, str) or not base_url.isprintable() or " " in base_url:
        raise ValueError(f"base_url {base_url!r} holds white space or a control character. Take it out.")
    parts = _split(base_url)
    if parts.username or parts.password:  # before anything quotes the address
        raise ValueError("base_url holds a login, in front of an @. Take it out: the key goes into api_key.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"base_url must be an address that begins with https://, such as {example}, not {base_url!r}."
        )
    if parts.query or parts.fragment:
        raise ValueError(
            f"base_url ends in {base_url[base_url.find(parts.path or '?') :]!r}. Take out ? and #."
        )
    _check_host(base_url)
    _check_path(base_url, parts)
    if _is_this_machine(parts.hostname):
        return True
    if parts.scheme == "http" and (with_key or not _is_private(parts.hostname)):
        raise ValueError(
            f"base_url {parts.hostname} is not this machine, and http:// would send "
            f"{'key and texts' if with_key else 'the texts'} unencrypted. Use https://; http:// is for this "
            "machine, and without a key for an address of a private network, such as http://10.0.0.5:8080."
        )
    return False


def _split(base_url: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(base_url)
    except ValueError as error:  # half a bracket
        raise ValueError(f"base_url is no address: {error}.") from None
    try:
        usable = parts.port != 0
    except ValueError as error:
        raise ValueError(f"base_url has no usable port: {error}.") from None
    if not usable:
        raise ValueError("base_url has no usable port: nobody listens at 0.")
    return parts


def _check_host(base_url: str) -> None:
    """Refuse a host that no name server could be asked for; its error would look like a broken answer."""
    import httpx

    try:
        host = httpx.URL(base_url).host
        host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError(f"base_url {base_url!r} holds no usable host. Look at how it is written.") from None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, if a host is one; an IPv4 address that is written as IPv6 is taken for what it is."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_this_machine(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _is_private(host: str) -> bool:
    """Whether no address of the open network is meant: 10.0.0.5, or a container's name without a dot."""
    address = _address(host)
    if address is None:  # letters beyond ASCII may turn into dots and digits when the name is looked up
        is_one_word = host.isascii() and "." not in host and not NUMBER.fullmatch(host)
        return is_one_word or host.endswith(LINK_LOCAL)
    return address in SHARED or (address.is_private and not address.is_unspecified)


def _check_path(base_url: str, parts: urllib.parse.SplitResult) -> None:
    path = parts.path.rstrip("/")
    kept = path
    while ending := next((ending for ending in ENDINGS if kept.endswith(ending)), None):
        kept = kept.removesuffix(ending)
    if kept != path:
        raise ValueError(
            f"base_url ends in {path.removeprefix(kept)!r}, which is added to it for each call. "
            f"Write {base_url[: base_url.index(parts.netloc)]}{parts.netloc}{kept}."
        )


class _Blot(logging.Filter):
    """Takes a key out of the records of a logger."""

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if (hidden := self._key.hide(text)) != text:
            record.msg, record.args = hidden, ()
        return True


def blot_logs(key: Key) -> None:
    """Keep the key out of what httpx, httpcore and Cohere's library log, for as long as this process runs."""
    if len(key.reveal()) < MIN_BLOTTED:
        return
    for name in LOGGERS:
        logger = logging.getLogger(name)
        seen = [blot for blot in logger.filters if isinstance(blot, _Blot)]
        if not any(blot._key.reveal() == key.reveal() for blot in seen):
            logger.addFilter(_Blot(key))
