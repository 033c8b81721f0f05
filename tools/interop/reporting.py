"""How the calls of a client are written down. It runs in any environment, and needs nothing but Python."""

import asyncio
import importlib.metadata
import inspect
import json
import os
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any

QUERY = "How many people live in Berlin?"
DOCUMENTS = [
    "Berlin is well known for its museums.",
    "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers.",
    "Penguins cannot fly.",
    "About two million people live in Hamburg.",
]
SETTINGS = "INTEROP_SETTINGS"  # an environment variable, as JSON: url, key, and each document's logit
TOLERANCE = 2e-3  # a score may depend a little on what is scored beside it

URL, KEY, SCORES, LOGITS = "", "", [0.0] * len(DOCUMENTS), [0.0] * len(DOCUMENTS)
if SETTINGS in os.environ:
    _settings = json.loads(os.environ[SETTINGS])
    URL, KEY, SCORES, LOGITS = (_settings[name] for name in ("url", "key", "scores", "logits"))

BEST_FIRST = sorted(range(len(DOCUMENTS)), key=lambda place: -SCORES[place])


def expected(top: int | None = None, places: Iterable[int] | None = None) -> str:
    """What a good ranking is written down as: the documents' places, best first."""
    best = [place for place in BEST_FIRST if places is None or place in set(places)]
    return "ranks " + " ".join(map(str, best[:top]))


def ranking(rows: Iterable[tuple[int, float]], scores: list[float] | None = None) -> str:
    """What came: the places in the order in which they came, and the first score that is another one."""
    rows = list(rows)
    right = SCORES if scores is None else scores
    wrong = [
        f"; document {place} has {score:.4f}, not {right[place]:.4f}"
        for place, score in rows
        if abs(score - right[place]) > TOLERANCE
    ]
    return "ranks " + " ".join(str(place) for place, _ in rows) + "".join(wrong[:1])


def order(rows: Iterable[tuple[int, float]]) -> str:
    """The places alone, where scores are those of other texts."""
    return "ranks " + " ".join(str(place) for place, _ in rows)


def by_text(rows: Iterable[tuple[str, float]]) -> str:
    """The same for clients that give texts back."""
    return ranking((DOCUMENTS.index(text), score) for text, score in rows)


def fail_next(fault: str, times: int = 1, seconds: float | None = None) -> None:
    """Tell the stand-in to fail."""
    body = json.dumps({"fault": fault, "times": times, "seconds": seconds}).encode()
    request = urllib.request.Request(f"{URL}/stand-in/next", body, {"Authorization": f"Bearer {KEY}"})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()


class Calls:
    """The calls of one client, each written to standard output as one line of JSON.

    Args:
        client: what the table calls it.
        package: whose version the table shows; ``None`` for ``version`` itself.
        version: where no package says it.
    """

    def __init__(self, client: str, package: str | None, version: str = "") -> None:
        self.client = client
        self.version = importlib.metadata.version(package) if package else version

    def call(
        self, what: str, expected: str, function: Callable[..., Any], *arguments: Any, **options: Any
    ) -> None:
        """Make one call. An error is written down by its type and its status."""
        try:
            got = function(*arguments, **options)
            got = asyncio.run(got) if inspect.iscoroutine(got) else got
        except Exception as error:
            got = describe(error)
        row = {"client": self.client, "version": self.version, "call": what, "expected": expected, "got": got}
        print(json.dumps(row), flush=True)


def describe(error: BaseException) -> str:
    """An error's status and type; its text only where it has no status."""
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    return f"{status} {type(error).__name__}" if status else f"{type(error).__name__}: {error}"[:200]
