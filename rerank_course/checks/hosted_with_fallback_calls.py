"""The exercise hosted_with_fallback's functions, called with the service up, down, and refusing."""

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
from cohere.core.api_error import ApiError

from rerank_course.checks.answers import Mistake, as_list, show
from rerank_course.checks.calling import call
from rerank_course.checks.hosted_with_fallback_errors import what_is_wrong_here
from rerank_course.checks.rankings import check_ranking, check_repeated
from rerank_course.checks.toys.service import RECOVERY, LocalReranker, Service, status_error
from rerank_course.checks.verdict import Wrong, demand


def call_with_service(
    function: Callable, query: str, documents: list[str], service: Service, *local: LocalReranker
) -> Any:
    try:
        return call(function, query, list(documents), service, *local)
    except Wrong:
        demand(
            "top_k" not in service.unknown,
            "The library knows no top_k: the service calls it top_n. Here you want every document's score, "
            "so leave it out.",
        )
        demand(
            not service.unknown,
            f"client.rerank takes no {', '.join(sorted(service.unknown))}. It needs model, query and "
            "documents.",
        )
        raise


def check_service_up(function: Callable, query: str, documents: list[str]) -> None:
    # It would fail from the second call on: whoever asks document by document gets scores of two scales.
    service, local = Service(status_error(503), works_first=1), LocalReranker()
    with _recorded_warnings() as seen:
        answer = call_with_service(function, query, documents, service, local)
    demand(
        len(service.calls) == 1,
        f"With the service up, your function called it {len(service.calls)} times for one query. One call "
        "for all documents: more are billed, and if one of them fails, the scores come from two scales.",
    )
    ranking = _two_parts(answer, "hosted", "With the service up")
    demand(
        not local.pairs,
        "The service had answered, and your function asked the local reranker too. It costs time, and which "
        "scores are right then?",
    )
    demand(
        not seen,
        "With the service up, your function warned all the same: "
        f"{str(seen[0].message)[:80] if seen else ''}. A warning that always comes is read by nobody.",
    )
    scores = {document: service.score(document) for document in documents}
    as_they_came = Mistake(
        dict(zip(documents, sorted(scores.values(), reverse=True))),
        "These are the scores as they came from the service, best first, beside the documents as they were "
        "sent.",
    )
    check_ranking(ranking, query, scores, iter([as_they_came]), 1e-6, "the service gave it")
    twice = [*documents, documents[0]]
    answer = call_with_service(function, query, twice, Service(), LocalReranker())
    check_repeated(_two_parts(answer, "hosted", "With the service up"), twice, "your function")


def check_outage(function: Callable, query: str, documents: list[str], outage: Exception) -> None:
    service, local = Service(outage), LocalReranker()
    when = f"With the service down ({error_name(outage)})"
    with _recorded_warnings() as seen:
        answer = _call_in_outage(function, query, documents, service, local, when)
    calls = len(service.calls)
    until = ", until the check let it recover. A real outage lasts for hours" if calls >= RECOVERY else ""
    demand(
        calls <= 1,
        f"{when}, your function called it {calls} times{until}. The library has tried again already, and the "
        "user waits for each: call once, then fall back.",
    )
    ranking = _two_parts(answer, "local", when)
    demand(bool(local.pairs), f"{when}, the local reranker was not asked. Where do the scores come from?")
    swapped = any(pair == (document, query) for pair in local.pairs for document in documents)
    demand(not swapped, "The local reranker got (document, query). A pair is (query, document).")
    scores = {document: local.score(document) for document in documents}
    squashed = Mistake(
        {document: 1 / (1 + np.exp(-score)) for document, score in scores.items()},
        "A sigmoid makes a logit look like the service's score, and it is none. Return what the local "
        "reranker gives; scored_by says whose it is.",
    )
    check_ranking(ranking, query, scores, iter([squashed]), 1e-6, "the local reranker gave it")
    demand(
        bool(seen),
        f"{when}, the local reranker took over and nobody was told. Use warnings.warn: a program can count "
        "warnings, and a print is lost in a server.",
    )


def _call_in_outage(
    function: Callable, query: str, documents: list[str], service: Service, local: LocalReranker, when: str
) -> Any:
    try:
        return call(function, query, list(documents), service, local)
    except Wrong as problem:
        demand(
            problem.__cause__ is not service.failure,
            f"{when}, the error reached the user. It will pass: let the local reranker score, and warn.",
        )
        raise


def check_not_hidden(function: Callable, query: str, documents: list[str], error: BaseException) -> None:
    service = Service(error)
    with _recorded_warnings():
        try:
            function(query, list(documents), service, LocalReranker())
        except BaseException as raised:  # KeyboardInterrupt is none of Exception
            # An error of the learner's own is as good, unless an interrupt became what a caller may catch.
            demand(
                not isinstance(error, KeyboardInterrupt) or isinstance(raised, KeyboardInterrupt),
                f"Ctrl-C came out as {type(raised).__name__}. A bare except catches KeyboardInterrupt too; "
                "catch Exception.",
            )
            return
    raise Wrong(_what_was_hidden(error, len(service.calls)))


def _what_was_hidden(error: BaseException, calls: int) -> str:
    if isinstance(error, KeyboardInterrupt):
        return (
            "Somebody pressed Ctrl-C during the call, and your function went on. A bare except, or "
            "BaseException, catches that too; catch Exception."
        )
    if isinstance(error, ApiError):
        tried = f" after {calls} calls" if calls > 1 else ""
        return (
            f"The service refused with {error_name(error)}, and your function returned a ranking{tried}. "
            "That does not pass: somebody must mend the key or the request. Raise it again unless "
            "is_temporary says otherwise."
        )
    mistake = what_is_wrong_here(error)
    if mistake is not None:
        return (
            f"{error_name(error)} was taken for an outage, and your function returned a ranking. It does not "
            f"pass: {mistake}. Not every TransportError is an outage: ask is_temporary."
        )
    return (
        f"An error of the type {type(error).__name__}, a mistake in the program, was hidden behind the "
        "fallback. Raise again what is_temporary does not know."
    )


def _two_parts(answer: Any, scored_by: str, when: str) -> Any:
    answer = as_list(answer)
    demand(
        isinstance(answer, (tuple, list)) and len(answer) == 2 and isinstance(answer[1], str),
        f"{when}, your function should return (ranking, scored_by), a list and a word, but returned "
        f"{show(answer)}.",
    )
    demand(
        answer[1].strip().lower() == scored_by,
        f"{when}, scored_by should be {scored_by!r}, but is {answer[1]!r}.",
    )
    return answer[0]


def error_name(error: BaseException) -> str:
    status = f" (status {error.status_code})" if isinstance(error, ApiError) else ""
    return f"{type(error).__module__.split('.')[0]}.{type(error).__name__}{status}".removeprefix("builtins.")


@contextlib.contextmanager
def without_pauses() -> Iterator[None]:
    """``time.sleep`` takes no time, so that a learner's patience does not try the reader's."""
    with mock.patch.object(time, "sleep", return_value=None):
        yield


@contextlib.contextmanager
def _recorded_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """The learner's warnings.

    A ResourceWarning is Python's own: it may speak of a socket that an earlier cell left open.
    """
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)
        yield seen
