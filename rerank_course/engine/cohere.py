"""One request to Cohere's Rerank service, and what its failures mean."""

import email.utils
import math
import time
import urllib.parse
from dataclasses import dataclass
from typing import Any

import numpy as np

MODELS = ("rerank-v5.0-pro", "rerank-v5.0-fast", "rerank-v4.0-pro", "rerank-v4.0-fast", "rerank-v3.5")
MAX_DOCUMENTS = 1000  # that Cohere advises for one call
LOOPBACK = ("127.0.0.1", "::1", "localhost")

ADVICE = {
    400: "Look at the query and the documents: none may be empty.",
    401: "Check the key in CO_API_KEY; keys are made at https://dashboard.cohere.com/api-keys.",
    402: "Look at the account's billing at https://dashboard.cohere.com.",
    403: "This key may not use this model. Ask whoever made it, or make another.",
    404: f"Check the model's name. Known to this course: {', '.join(MODELS)}.",
    413: "Send fewer or shorter documents in a call.",
    422: "A field of the request has a name or a value that the service does not know (top_k, for example, is top_n here).",
    429: "Send fewer calls a minute, or allow a longer max_wait. A trial key has a low limit: https://docs.cohere.com/docs/rate-limits.",
    498: "Check the key in CO_API_KEY; keys are made at https://dashboard.cohere.com/api-keys.",
}
LATER = "Try again later; https://status.cohere.com says whether others have the same trouble."
PROXY = "Does a proxy or a login page answer in the service's place?"


class HostedError(RuntimeError):
    """The service did not score. ``status`` is its HTTP status; ``None`` where no answer came."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class HostedRefusedError(HostedError):
    """The service refuses this key, account or request, and will until somebody mends it. A fallback does not
    hide it.
    """


class HostedUnavailableError(HostedError):
    """The service gives no usable scores at the moment. A fallback takes over if there is one."""


@dataclass(frozen=True)
class Failure:
    """Why there is no answer. ``wait``: seconds until the next attempt makes sense; 0 if the service did not
    say; ``None`` if none does.
    """

    error: HostedError
    wait: float | None = None


def check_key(key: Any) -> str:
    """The key without white space around it. A library would put a malformed one, in full, into its error."""
    if not isinstance(key, str) or not key.strip():
        raise HostedRefusedError(
            "There is no API key. Set the environment variable CO_API_KEY, or start the stand-in: python -m rerank_course serve-hosted"
        )
    key = key.strip()
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise HostedRefusedError(
            "The API key holds a space, a line break or a letter outside ASCII, which no key does. Copy it again, whole and alone."
        )
    return key


def client(key: str, base_url: str | None) -> Any:
    """Cohere's own client. It redacts the key in its logs and in its objects' texts."""
    import cohere
    import httpx

    if base_url is None:
        return cohere.ClientV2(api_key=key, base_url=None)
    parts = urllib.parse.urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(
            "base_url must be an address such as https://api.cohere.com, without a user name in it."
        )
    if parts.hostname not in LOOPBACK:
        if parts.scheme == "http":
            raise ValueError(
                f"base_url {parts.hostname} is not this machine, and http:// would send key and texts unencrypted. Use https://."
            )
        return cohere.ClientV2(api_key=key, base_url=base_url)
    # A proxy of the environment cannot reach this machine's own address.
    return cohere.ClientV2(api_key=key, base_url=base_url, httpx_client=httpx.Client(trust_env=False))


def seconds_to_wait(headers: dict[str, str]) -> float:
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


def scores(answer: Any, count: int) -> np.ndarray:
    """The scores of ``count`` documents in the order in which they were sent; the answer has its own, best
    first.
    """
    scores = np.full(count, np.nan)
    results = getattr(answer, "results", None)
    if not isinstance(results, list):
        raise _unusable("it has no list of results")
    for result in results:
        index, score = getattr(result, "index", None), getattr(result, "relevance_score", None)
        if type(index) is not int or not 0 <= index < count:
            raise _unusable(f"it has the index {index!r:.40} for {count} documents")
        if not np.isnan(scores[index]):
            raise _unusable(f"it has the index {index} twice")
        if type(score) not in (int, float) or not 0 <= score <= 1:
            raise _unusable(f"it gives documents[{index}] the score {score!r:.40}, which is not from 0 to 1")
        scores[index] = score
    missing = np.flatnonzero(np.isnan(scores))
    if len(missing):
        raise _unusable(f"it leaves out {len(missing)} of {count} documents, first documents[{missing[0]}]")
    return scores


def _unusable(what: str) -> HostedUnavailableError:
    return HostedUnavailableError(
        f"The service's answer cannot be used: {what}. Is base_url the right service's address?", 200
    )
