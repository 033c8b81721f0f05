"""Reading a request's body: packed or not, JSON and nothing else, of a depth that ends."""

import json
import zlib
from typing import Any, NoReturn

from rerank_course.service.tasks import RefusedError
from rerank_course.text import half_character

GZIP = 16 + zlib.MAX_WBITS  # what zlib calls it


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before it was packed for the way.

    Raises:
        RefusedError: it is packed otherwise than by gzip (415), broken (400), or unpacks to more than
            ``limit`` bytes (413); no more than that is ever unpacked.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise RefusedError(415, f"content encoding {encoding!r} is not supported, send gzip or none")
    unpacker = zlib.decompressobj(GZIP)
    try:
        text = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise RefusedError(400, "invalid request: the body is not gzip") from None
    if len(text) > limit:
        raise RefusedError(413, f"request too large: it unpacks to more than {limit} bytes")
    if not unpacker.eof:
        raise RefusedError(400, "invalid request: the body is not gzip, or is cut off")
    return text


def read_object(body: bytes) -> dict:
    """The body as a JSON object.

    Python's own reader takes more than JSON: NaN, other encodings. A thousand brackets in each other it gives
    up with a ``RecursionError``.

    Raises:
        RefusedError: it is no JSON, or no object (400).
    """
    try:
        request = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, too deep, a number of thousands of digits
        raise RefusedError(400, "invalid request: the body is not JSON") from None
    if not isinstance(request, dict):
        raise RefusedError(400, "invalid request: the body must be an object")
    return request


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def type_name(value: Any) -> str:
    """What JSON calls a value's type."""
    names = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string"}
    return names.get(type(value), "array" if isinstance(value, list) else "object")


def has_half_character(*texts: str) -> bool:
    """Whether a text holds half of a surrogate pair, which JSON can spell and no tokenizer takes."""
    return any(half_character(text) is not None for text in texts)
