"""What a failed call to a hosted reranker means: mend something, or wait.

``HostedRefusedError`` and ``HostedUnavailableError`` are the two answers, whichever protocol was spoken.
"""

import email.utils
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

PROXY = "Does a proxy or a login page answer in the service's place?"


class HostedError(RuntimeError):
    """The service did not score. ``status`` is its HTTP status; ``None`` where no answer came."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class HostedRefusedError(HostedError):
    """The service refuses this key, account or request, and will until somebody mends it.

    A fallback does not hide it.
    """


class HostedUnavailableError(HostedError):
    """The service gives no usable scores at the moment. A fallback takes over if there is one."""


@dataclass(frozen=True)
class Failure:
    """Why there is no answer.

    Attributes:
        error: what to raise.
        wait: seconds until the next attempt makes sense; 0 if the service did not say; ``None`` if none does.
    """

    error: HostedError
    wait: float | None = None


@dataclass(frozen=True)
class Advice:
    """What users of one service can do.

    Attributes:
        by_status: about an HTTP status; 429 has to be there.
        otherwise: about any other refusal.
        later: where to ask whether others have the same trouble.
    """

    by_status: Mapping[int, str]
    otherwise: str = "Look at what the service said, and at its documentation."
    later: str = "Try again later, and ask whether others have the same trouble."


@dataclass(frozen=True)
class Refusal:
    """An answer with another status than 2xx: what the service said, and its headers."""

    status_code: int
    said: str
    headers: Mapping[str, str]


def explain_status(refusal: Refusal, advice: Advice) -> Failure:
    """What an HTTP status means, and what to do about it.

    Args:
        refusal: with a text that shows no key.
        advice: what this service's users can do.
    """
    status = refusal.status_code
    said = f"{status}: {refusal.said}" if refusal.said else str(status)
    if status == 429:
        limit = HostedUnavailableError(f"The rate limit is reached ({said}). {advice.by_status[429]}", status)
        return Failure(limit, seconds_to_wait(refusal.headers))
    if 300 <= status < 400:
        where = _place(refusal.headers.get("location", ""))
        return Failure(HostedRefusedError(f"The address moves the call on ({said}){where}", status))
    if status < 400:
        return Failure(HostedUnavailableError(f"The answer cannot be read ({said}). {PROXY}", status))
    if status >= 500 or status in (408, 409, 499):
        trouble = HostedUnavailableError(f"The service has trouble ({said}). {advice.later}", status)
        return Failure(trouble, seconds_to_wait(refusal.headers))
    what_to_do = advice.by_status.get(status, advice.otherwise)
    return Failure(HostedRefusedError(f"The service refuses ({said}). {what_to_do}", status))


def _place(location: str) -> str:
    return f": it names {location:.100}. Write the right address into base_url." if location else "."


def explain_error(error: Exception, said: str, timeout: float, advice: Advice) -> Failure:
    """What an error without a status means, and what to do about it. ``said``: its text, without the key."""
    import httpx

    kind: type[HostedError] = HostedUnavailableError
    wait = None
    if isinstance(error, httpx.TimeoutException):
        what_to_do = "Allow a longer timeout, or send fewer documents."
        what = f"The service did not answer within {timeout:g} s. {what_to_do}"
    elif isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        what = f"The service cannot be reached ({said}). Is there a network, and is the address right?"
    elif isinstance(error, httpx.HTTPError):  # cut off while sending or reading
        what = f"The connection was cut before the answer was complete ({said}). {advice.later}"
        wait = 0.0
    elif isinstance(error, UnicodeEncodeError):
        kind, what_to_do = HostedRefusedError, "Read the file anew, as UTF-8."
        what = f"A text holds half a character (a lone surrogate), which cannot be sent. {what_to_do}"
    else:  # an answer that is no JSON, or no object
        what = f"The answer cannot be read ({said}). {PROXY}"
    return Failure(kind(what), wait)


def seconds_to_wait(headers: Mapping[str, str]) -> float:
    """What Retry-After says, in seconds or as a date; 0 where it says nothing usable."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return 0
    return max(seconds, 0) if math.isfinite(seconds) else 0
