"""Checks of the exercise hosted_with_fallback: a hosted reranker with a local fallback.

They need no network and no port: see ``toys.service``.
"""

import contextlib
import io
import os
import secrets
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import cohere
import httpx
import numpy as np

from rerank_course.checks.answers import as_list, is_number, show
from rerank_course.checks.calling import call
from rerank_course.checks.earlier import with_earlier
from rerank_course.checks.hosted_with_fallback_calls import (
    call_with_service,
    check_not_hidden,
    check_outage,
    check_service_up,
    error_name,
    without_pauses,
)
from rerank_course.checks.hosted_with_fallback_errors import (
    LASTING,
    MISTAKES_HERE,
    TEMPORARY,
    as_error,
    why_told_wrongly,
)
from rerank_course.checks.toys.service import Service
from rerank_course.checks.verdict import Wrong, check, demand

_BLANK = "With white space alone in CO_API_KEY"
_QUERY = "May I take my bike on the ferry?"
_DOCUMENTS = (
    "Bicycles travel free on the car deck. Lash them to the rail.",
    "The ferry to the islands leaves every hour.",
    "May I take my dog? Yes, on a lead.",
    "Cycle paths on the north island are marked in green.",
    "No vehicles are allowed on the fast ferry.",
)


@check
def check_connect(connect: Callable[[str], Any], base_url: str = "https://rerank.example") -> str:
    """``connect(base_url)`` gives a ``cohere.ClientV2`` with the key that CO_API_KEY holds at that moment.

    White space around the key is taken off, or refused without showing the key; so is more than one key.
    """
    for _ in range(2):
        key = secrets.token_hex(20)
        printed = io.StringIO()
        with _environment(key), contextlib.redirect_stdout(printed):
            client = call(connect, base_url)
        _check_client(client, key, base_url, printed.getvalue())
    _check_no_key(connect, base_url, (None, "Without CO_API_KEY"))
    _check_line_end(connect, base_url)
    _check_two_lines(connect, base_url)
    _check_no_key(connect, base_url, ("", "With an empty CO_API_KEY"), (" \n", _BLANK))
    return (
        "The key comes from outside, and is in no cell and no output. Without a key there is an error at "
        "once, and not at the first search."
    )


def _check_no_key(connect: Callable[[str], Any], base_url: str, *keys: tuple[str | None, str]) -> None:
    """Demand an error for what is no key; each is given with the words for it."""
    for key, what in keys:
        with _environment(key), contextlib.redirect_stdout(io.StringIO()):
            try:
                connect(base_url)
            except (Exception, SystemExit):  # the library's own error, or one of the learner's
                continue
        cause = "A default key hides that the real one is missing until the first call fails."
        if key is not None:
            cause = "That is no key, and nobody learns it before the first call fails. Raise an error."
        raise Wrong(f"{what} connect still made a client. {cause}")


def _check_client(client: Any, key: str, base_url: str, printed: str) -> None:
    what = "a text" if isinstance(client, str) else show(type(client))  # the text may be the key
    demand(
        isinstance(client, cohere.ClientV2),
        f"connect should return a cohere.ClientV2, but returned {what}. The older cohere.Client speaks "
        "another version of the protocol.",
    )
    demand(
        key not in printed,
        "connect printed the key. What a notebook prints is saved in it, handed in, and mailed round.",
    )
    wrapper = client._client_wrapper
    demand(
        wrapper.get_headers().get("Authorization") == f"Bearer {key}",
        "The check put a new key into CO_API_KEY, and the client has another one. Read the environment "
        "variable inside the function; a key that stands in the code is published with the code.",
    )
    demand(
        wrapper.get_base_url().rstrip("/") == base_url,
        f"The client would call {wrapper.get_base_url()} and not {base_url}. Pass base_url on.",
    )


def _check_line_end(connect: Callable[[str], Any], base_url: str) -> None:
    """A key that was read from a file ends with a line end, and httpx puts such a key into its error."""
    key = secrets.token_hex(20)
    with _environment(f"{key}\n"), contextlib.redirect_stdout(io.StringIO()):
        try:
            client = connect(base_url)
        except (Exception, SystemExit) as error:
            demand(
                key not in "".join(traceback.format_exception(error)),
                "CO_API_KEY ended with a line end. connect raised an error, and its text shows the key. Say "
                "what is wrong without the key.",
            )
            return
    given = client._client_wrapper.get_headers().get("Authorization")
    demand(
        given == f"Bearer {key}",
        "CO_API_KEY ended with a line end, as it does when it was read from a file, and connect kept it. No "
        "call would be sent, and the error of each would show the key. Use .strip().",
    )


def _check_two_lines(connect: Callable[[str], Any], base_url: str) -> None:
    """Two keys, each in its line: taking white space off the ends does not help."""
    key = secrets.token_hex(20)
    with _environment(f"{key}\n{key}-second\n"), contextlib.redirect_stdout(io.StringIO()):
        try:
            client = connect(base_url)
        except (Exception, SystemExit) as error:
            demand(
                key not in "".join(traceback.format_exception(error)),
                "CO_API_KEY held two lines. connect raised an error, and its text shows the key. Say what is "
                "wrong without the key.",
            )
            return
    given = client._client_wrapper.get_headers().get("Authorization", "")
    what = "with both. No call would be sent, and the error of each would show the key."
    if "\n" not in given:
        what = "all the same. Nobody learns that it holds more than one key before the calls are refused."
    raise Wrong(
        f"CO_API_KEY held two lines, and connect made a client {what} Look at the key before you use it: "
        "text.split() says how many pieces it has."
    )


@contextlib.contextmanager
def _environment(key: str | None) -> Iterator[None]:
    """CO_API_KEY as the check wants it; the learner's own, if there is one, is out of reach meanwhile."""
    with mock.patch.dict(os.environ):
        for name in ("CO_API_KEY", "COHERE_API_KEY"):
            os.environ.pop(name, None)
        if key is not None:
            os.environ["CO_API_KEY"] = key
        yield


@check
def check_hosted_scores(
    hosted_scores: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS
) -> str:
    """``hosted_scores(query, documents, client)`` gives the score of each document, in their order."""
    documents, service = list(documents), Service()
    answer = as_list(call_with_service(hosted_scores, query, documents, service))
    given = f"For {len(documents)} documents, hosted_scores"
    demand(len(service.calls) > 0, f"{given} did not call client.rerank.")
    demand(
        len(service.calls) == 1,
        f"{given} called the service {len(service.calls)} times. Send all documents in one call: each call "
        "is billed and takes the trip there and back.",
    )
    _check_that_they_are_scores(answer, given)
    scores = [float(score) for score in answer]
    cause = "top_n cuts the rest off; leave it out to get a score for each document."
    demand(
        len(scores) == len(documents),
        f"{given} returned {len(scores)} scores. "
        f"{cause if service.calls[0]['top_n'] else 'Each document needs a score.'}",
    )
    _check_whose_they_are(scores, [service.score(document) for document in documents], given)
    twice = [*documents, documents[0]]
    answer = as_list(call_with_service(hosted_scores, query, twice, Service()))
    demand(
        len(answer) == len(twice),
        f"For {len(twice)} documents, of which one stands twice in the list, hosted_scores returned "
        f"{len(answer)} scores. A dictionary holds each text once: take .index, which tells the two apart.",
    )
    _check_whose_they_are([float(score) for score in answer], [service.score(text) for text in twice], given)
    _check_no_documents(hosted_scores, query)
    _check_left_out(hosted_scores, query, documents)
    return (
        "One call, and every score is back with its document. The service sorts, and only the index says "
        "what belongs where."
    )


def _check_that_they_are_scores(answer: Any, given: str) -> None:
    demand(
        not isinstance(answer, cohere.V2RerankResponse) and isinstance(answer, (list, tuple)),
        f"{given} should return a list of scores, but returned {show(answer)}. The scores are in the "
        "answer's .results.",
    )
    first = show(answer[0]) if len(answer) else "nothing"
    demand(
        all(is_number(score) for score in answer),
        f"{given} should return numbers, but the list holds {first}. Each result has .index and "
        ".relevance_score.",
    )


def _check_whose_they_are(scores: list[float], expected: list[float], given: str) -> None:
    if np.allclose(scores, expected, atol=1e-6):
        return
    first = next(i for i, (score, right) in enumerate(zip(scores, expected)) if abs(score - right) > 1e-6)
    cause = "Put each relevance_score at the place that its index names."
    if np.allclose(scores, sorted(expected, reverse=True), atol=1e-6):
        cause = (
            "These are the scores as they came, best first. result.index says to which of your documents "
            "each belongs."
        )
    raise Wrong(
        f"{given} gives document {first} the score {scores[first]:.3f}; the service gave it "
        f"{expected[first]:.3f}. {cause}"
    )


def _check_no_documents(hosted_scores: Callable, query: str) -> None:
    service = Service()
    answer = as_list(call_with_service(hosted_scores, query, [], service))
    demand(
        not service.calls,
        "For no documents, hosted_scores called the service, which refuses an empty list (400). Return an "
        "empty list at once.",
    )
    demand(
        len(answer) == 0,
        f"For no documents, hosted_scores should return an empty list, but returned {show(answer)}.",
    )


def _check_left_out(hosted_scores: Callable, query: str, documents: list[str]) -> None:
    place = len(documents) // 2
    try:
        answer = hosted_scores(query, documents, Service(left_out=place))
    except (Exception, SystemExit):  # a KeyError of a dictionary says enough
        return
    raise Wrong(
        f"The check's service left document {place} out of its answer, and hosted_scores returned "
        f"{show(answer)}. Nobody scored that document. Raise an error: a made-up score, or a list that is "
        "one too short, puts wrong documents on top."
    )


@check
def check_is_temporary(
    is_temporary: Callable[[Exception], bool], temporary: Sequence = TEMPORARY, lasting: Sequence = LASTING
) -> str:
    """``is_temporary(error)`` says whether trying later, or a fallback, makes sense.

    Args:
        temporary, lasting: errors, or HTTP statuses, that it must tell apart.
    """
    cases = [(as_error(case), True) for case in temporary] + [(as_error(case), False) for case in lasting]
    answers = [call(is_temporary, error) for error, _ in cases]
    odd = next((answer for answer in answers if not isinstance(answer, (bool, np.bool_))), None)
    demand(odd is None, f"is_temporary should return True or False, but returned {show(odd)}.")
    for (error, expected), answer in zip(cases, answers):
        if bool(answer) != expected:
            cause = why_told_wrongly(error, [error for error, _ in cases], answers)
            raise Wrong(f"For {error_name(error)}, is_temporary returned {bool(answer)}. {cause}")
    return (
        "What passes may be waited for or worked around. What does not pass has to reach somebody who can "
        "mend it."
    )


@check
def check_rerank_with_fallback(
    function: Callable,
    *earlier: Callable,
    query: str = _QUERY,
    documents: Sequence[str] = _DOCUMENTS,
    outages: Sequence = (503, httpx.ConnectError("no route")),
    refusals: Sequence = (401, 422),
) -> str:
    """``rerank_with_fallback(query, documents, client, local)`` gives (ranking, scored_by).

    By the service or wholly by ``local``.

    Args:
        earlier: the functions of parts 2 and 3. Where one is wrong, that is said first.
        outages, refusals: errors, or HTTP statuses, with which the service fails.
    """
    documents = list(documents)
    mistakes = (AttributeError("a mistake in the program"), KeyboardInterrupt())
    with with_earlier(zip((check_hosted_scores, check_is_temporary), earlier)), without_pauses():
        check_service_up(function, query, documents)
        for outage in outages:
            check_outage(function, query, documents, as_error(outage))
        for error in (*map(as_error, refusals), *mistakes, *MISTAKES_HERE):
            check_not_hidden(function, query, documents, error)
    return (
        "One scorer for all documents of a query, a warning when it is the local one, and nothing hidden "
        "that somebody has to mend."
    )
