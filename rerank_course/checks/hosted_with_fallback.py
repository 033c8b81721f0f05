"""Exercise 07: a hosted reranker with a local fallback.

The checks need no network and no port: ``Service`` takes the place of Cohere's client in this process. It
takes the same arguments, returns the same types, raises the same errors, fails on cue and remembers what it
was asked. Its scores are made up from the text, so that no two documents share one.
"""

import contextlib
import hashlib
import io
import os
import secrets
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import cohere
import httpx
import numpy as np
from cohere import errors
from cohere.core.api_error import ApiError

from rerank_course.checks.common import Wrong, call, check, check_ranking, demand, is_number, show
from rerank_course.engine.cohere import MODELS

_QUERY = "May I take my bike on the ferry?"
_DOCUMENTS = (
    "Bicycles travel free on the car deck. Lash them to the rail.",
    "The ferry to the islands leaves every hour.",
    "May I take my dog? Yes, on a lead.",
    "Cycle paths on the north island are marked in green.",
    "No vehicles are allowed on the fast ferry.",
)
_TYPES = {
    400: errors.BadRequestError, 401: errors.UnauthorizedError, 403: errors.ForbiddenError, 404: errors.NotFoundError, 422: errors.UnprocessableEntityError,
    429: errors.TooManyRequestsError, 498: errors.InvalidTokenError, 499: errors.ClientClosedRequestError, 500: errors.InternalServerError,
    501: errors.NotImplementedError, 503: errors.ServiceUnavailableError, 504: errors.GatewayTimeoutError,
}  # fmt: skip
_NO_ANSWER = httpx.TransportError
_PATIENCE = 3  # attempts that a check lets pass while the service is down
_RECOVERY = 6  # the attempt at which it is up again, so that a loop without an end ends


def status_error(status: int) -> ApiError:
    """The error that Cohere's library raises for an HTTP status."""
    body = {"id": "check", "message": f"the check's service answers {status}"}
    return (
        _TYPES[status](body=body) if status in _TYPES else ApiError(status_code=status, headers={}, body=body)
    )


def _made_up(text: str, salt: bytes) -> float:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, salt=salt).digest()) / 2**64


class Service:
    """What ``cohere.ClientV2`` is to ``rerank``: keyword arguments in, results best first out.

    Args:
        failure: raised by the calls up to ``until``; from then on the service is up.
        works_first: the calls that succeed before the failure begins.
        left_out: the index that is missing in the answer.
    """

    def __init__(
        self,
        failure: BaseException | None = None,
        until: int = _RECOVERY,
        works_first: int = 0,
        left_out: int | None = None,
    ) -> None:
        self.failure, self.until, self.works_first, self.left_out = failure, until, works_first, left_out
        self.calls: list[dict] = []
        self.unknown: set[str] = set()

    def rerank(
        self,
        *,
        model: str,
        query: str,
        documents: Sequence[str],
        top_n: int | None = None,
        max_tokens_per_doc: int | None = None,
        request_options: Any = None,
        **unknown: Any,
    ) -> cohere.V2RerankResponse:
        self.calls.append({"model": model, "query": query, "documents": documents, "top_n": top_n})
        if unknown:
            self.unknown |= set(unknown)
            raise TypeError(f"V2Client.rerank() got an unexpected keyword argument {next(iter(unknown))!r}")
        if self.failure is not None and self.works_first < len(self.calls) < self.until:
            raise self.failure
        if model not in MODELS:
            raise status_error(404)
        if (
            not isinstance(query, str)
            or not query.strip()
            or not isinstance(documents, (list, tuple))
            or not documents
            or not all(isinstance(d, str) for d in documents)
        ):
            raise status_error(400)
        scores = [self.score(document) for document in documents]
        order = [i for i in sorted(range(len(scores)), key=lambda i: -scores[i]) if i != self.left_out][
            :top_n
        ]
        results = [cohere.V2RerankResponseResultsItem(index=i, relevance_score=scores[i]) for i in order]
        return cohere.V2RerankResponse(id="check", results=results)

    @staticmethod
    def score(document: str) -> float:
        return _made_up(document, b"service")


class _Local:
    """A local reranker: logits, on a scale of their own, and a memory of its pairs."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def predict(self, pairs: Sequence[tuple[str, str]], batch_size: int = 32) -> np.ndarray:
        self.pairs += [tuple(pair) for pair in pairs]
        return np.array([self.score(document) for _, document in pairs])

    @staticmethod
    def score(document: str) -> float:
        return 14 * _made_up(document, b"local") - 11


@contextlib.contextmanager
def _without_pauses() -> Iterator[None]:
    """``time.sleep`` takes no time, so that a learner's patience does not try the reader's."""
    with mock.patch.object(time, "sleep", lambda seconds: None):
        yield


@check
def check_connect(connect: Callable[[str], Any], base_url: str = "https://rerank.example") -> str:
    """Exercise 07, part 1: ``connect(base_url)`` gives a ``cohere.ClientV2`` with the key that CO_API_KEY
    holds at that moment.
    """
    for _ in range(2):
        key = f"check-{secrets.token_hex(8)}"
        printed = io.StringIO()
        with _environment(key), contextlib.redirect_stdout(printed):
            client = call(connect, base_url)
        demand(
            isinstance(client, cohere.ClientV2),
            f"connect should return a cohere.ClientV2, but returned {show(type(client)) if not isinstance(client, str) else 'a text'}. "
            "The older cohere.Client speaks another version of the protocol.",
        )
        demand(
            key not in printed.getvalue(),
            "connect printed the key. What a notebook prints is saved in it, handed in, and mailed round.",
        )
        demand(
            client._client_wrapper.get_headers()["Authorization"] == f"Bearer {key}",
            "The check put a new key into CO_API_KEY, and the client has another one. Read the environment variable inside the function; a key that stands in the code "
            "is published with the code.",
        )
        demand(
            client._client_wrapper.get_base_url().rstrip("/") == base_url,
            f"The client would call {client._client_wrapper.get_base_url()} and not {base_url}. Pass base_url on.",
        )
    with _environment(None), contextlib.redirect_stdout(io.StringIO()):
        try:
            connect(base_url)
        except Exception:  # the library's own error, or one of the learner's
            return "The key comes from outside, and is in no cell and no output. Without a key there is an error at once, and not at the first search."
    raise Wrong(
        "Without CO_API_KEY connect still made a client. A default key hides that the real one is missing until the first call fails."
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
    """Exercise 07, part 2: ``hosted_scores(query, documents, client)`` gives the service's score of each
    document, in the order of the documents.
    """
    documents, service = list(documents), Service()
    expected = [service.score(document) for document in documents]
    answer = _call_with_service(hosted_scores, query, documents, service)
    given = f"For {len(documents)} documents, hosted_scores"
    demand(len(service.calls) > 0, f"{given} did not call client.rerank.")
    demand(
        len(service.calls) == 1,
        f"{given} called the service {len(service.calls)} times. Send all documents in one call: each call is billed and takes the trip there and back.",
    )
    demand(
        not isinstance(answer, cohere.V2RerankResponse) and isinstance(answer, (list, tuple, np.ndarray)),
        f"{given} should return a list of scores, but returned {show(answer)}. The scores are in the answer's .results.",
    )
    demand(
        all(is_number(score) for score in answer),
        f"{given} should return numbers, but the list holds {show(answer[0]) if len(answer) else 'nothing'}. Each result has .index and .relevance_score.",
    )
    scores = [float(score) for score in answer]
    if len(scores) != len(documents):
        cause = (
            "top_n cuts the rest off; leave it out to get a score for each document."
            if service.calls[0]["top_n"]
            else "Each document needs a score."
        )
        raise Wrong(f"{given} returned {len(scores)} scores. {cause}")
    if not np.allclose(scores, expected, atol=1e-6):
        first = next(i for i, (score, right) in enumerate(zip(scores, expected)) if abs(score - right) > 1e-6)
        in_service_order = np.allclose(scores, sorted(expected, reverse=True), atol=1e-6)
        cause = (
            "These are the scores as they came, best first. result.index says to which of your documents each belongs."
            if in_service_order
            else "Put each relevance_score at the place that its index names."
        )
        raise Wrong(
            f"{given} gives document {first} the score {scores[first]:.3f}; the service gave it {expected[first]:.3f}. {cause}"
        )
    empty = Service()
    answer = _call_with_service(hosted_scores, query, [], empty)
    demand(
        not empty.calls,
        "For no documents, hosted_scores called the service, which refuses an empty list (400). Return an empty list at once.",
    )
    demand(
        len(answer) == 0,
        f"For no documents, hosted_scores should return an empty list, but returned {show(answer)}.",
    )
    _check_left_out(hosted_scores, query, documents)
    return "One call, and every score is back with its document. The service sorts, and only the index says what belongs where."


def _check_left_out(hosted_scores: Callable, query: str, documents: list[str]) -> None:
    place = len(documents) // 2
    try:
        answer = hosted_scores(query, documents, Service(left_out=place))
    except Exception:  # a KeyError of a dictionary says enough
        return
    raise Wrong(
        f"The check's service left document {place} out of its answer, and hosted_scores returned {show(answer)}. Nobody scored that document. Raise an error: "
        "a made-up score, or a list that is one too short, puts wrong documents on top."
    )


def _call_with_service(
    function: Callable, query: str, documents: list[str], service: Service, *local: _Local
) -> Any:
    try:
        return call(function, query, list(documents), service, *local)
    except Wrong:
        demand(
            "top_k" not in service.unknown,
            "The library knows no top_k: the service calls it top_n. Here you want every document's score, so leave it out.",
        )
        demand(
            not service.unknown,
            f"client.rerank takes no {', '.join(sorted(service.unknown))}. It needs model, query and documents.",
        )
        raise


@check
def check_is_temporary(
    is_temporary: Callable[[Exception], bool],
    temporary: Sequence = (
        429,
        500,
        503,
        httpx.ConnectError("no route"),
        httpx.ReadTimeout("timed out"),
        httpx.RemoteProtocolError("cut off"),
    ),
    lasting: Sequence = (400, 401, 404, 422, 498, ValueError("a mistake in the program")),
) -> str:
    """Exercise 07, part 3: ``is_temporary(error)`` says whether trying later, or a fallback, makes sense.

    Args:
        temporary, lasting: errors, or HTTP statuses, that it must tell apart.
    """
    cases = [(_as_error(case), True) for case in temporary] + [(_as_error(case), False) for case in lasting]
    answers = [call(is_temporary, error) for error, _ in cases]
    odd = next((answer for answer in answers if not isinstance(answer, (bool, np.bool_))), None)
    demand(odd is None, f"is_temporary should return True or False, but returned {show(odd)}.")
    wrong = [(error, answer) for (error, expected), answer in zip(cases, answers) if bool(answer) != expected]
    if wrong:
        error, answer = wrong[0]
        raise Wrong(
            f"For {_name(error)}, is_temporary returned {bool(answer)}. {_cause(cases, answers, error)}"
        )
    return "What passes may be waited for or worked around. What does not pass has to reach somebody who can mend it."


def _as_error(case: Any) -> Exception:
    return status_error(case) if isinstance(case, int) else case


def _name(error: Exception) -> str:
    status = f" (status {error.status_code})" if isinstance(error, ApiError) else ""
    return f"{type(error).__module__.split('.')[0]}.{type(error).__name__}{status}".removeprefix("builtins.")


def _cause(cases: list, answers: list, error: Exception) -> str:
    """The likely mistake behind a wrong answer about ``error``."""
    by_kind = {
        kind: {bool(a) for (e, _), a in zip(cases, answers) if kind(e)}
        for kind in (_is_4xx, _is_5xx, _is_network, _is_429)
    }
    if set(map(bool, answers)) == {False}:
        return "It is False for everything, so nothing would ever be tried again."
    if set(map(bool, answers)) == {True}:
        return "It is True for everything: a wrong key would be hidden for ever."
    if _is_network(error):
        return "No answer came at all: that is no ApiError but one of httpx's TransportError family."
    if _is_4xx(error) and by_kind[_is_4xx] == {True}:
        return "An ApiError can also mean that the request or the key is wrong. Look at error.status_code."
    if _is_429(error):
        return "429 is the rate limit: it passes with time."
    if _is_5xx(error):
        return "A status from 500 on is trouble on the service's side, and it passes."
    if isinstance(error, ApiError):
        return "The request, the key or the account is wrong, and will be wrong tomorrow."
    return "That is a mistake in a program, not an outage. A fallback must not hide it."


def _status(error: Exception) -> int:
    return (error.status_code or 0) if isinstance(error, ApiError) else 0


def _is_429(error: Exception) -> bool:
    return _status(error) == 429


def _is_4xx(error: Exception) -> bool:
    return 400 <= _status(error) < 500 and not _is_429(error)


def _is_5xx(error: Exception) -> bool:
    return _status(error) >= 500


def _is_network(error: Exception) -> bool:
    return isinstance(error, _NO_ANSWER)


@check
def check_rerank_with_fallback(
    function: Callable,
    query: str = _QUERY,
    documents: Sequence[str] = _DOCUMENTS,
    outages: Sequence = (503, httpx.ConnectError("no route")),
    refusals: Sequence = (401, 422),
) -> str:
    """Exercise 07, part 4: ``rerank_with_fallback(query, documents, client, local)`` gives (ranking,
    scored_by), by the service or wholly by ``local``.

    Args:
        outages, refusals: errors, or HTTP statuses, with which the service fails.
    """
    documents = list(documents)
    with _without_pauses():
        _check_service_up(function, query, documents)
        for outage in outages:
            _check_outage(function, query, documents, _as_error(outage))
        for error in [
            *map(_as_error, refusals),
            AttributeError("a mistake in the program"),
            KeyboardInterrupt(),
        ]:
            _check_not_hidden(function, query, documents, error)
    return "One scorer for all documents of a query, a warning when it is the local one, and nothing hidden that somebody has to mend."


@contextlib.contextmanager
def _recorded_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """The learner's warnings. A ResourceWarning is Python's own: it may speak of a socket that an earlier
    cell left open.
    """
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)
        yield seen


def _check_service_up(function: Callable, query: str, documents: list[str]) -> None:
    # It would fail from the second call on: whoever asks document by document gets scores of two scales.
    service, local = Service(status_error(503), works_first=1), _Local()
    with _recorded_warnings() as seen:
        answer = _call_with_service(function, query, documents, service, local)
    demand(
        len(service.calls) == 1,
        f"With the service up, your function called it {len(service.calls)} times for one query. One call for all documents: more are billed, and if one of them fails, the "
        "scores come from two scales.",
    )
    ranking = _two_parts(answer, "hosted", "With the service up")
    demand(
        not local.pairs,
        "The service had answered, and your function asked the local reranker too. It costs time, and which scores are right then?",
    )
    demand(
        not seen,
        f"With the service up, your function warned all the same: {str(seen[0].message)[:80] if seen else ''}. A warning that always comes is read by nobody.",
    )
    scores = {document: service.score(document) for document in documents}
    misplaced = dict(zip(documents, sorted(scores.values(), reverse=True)))
    mistakes = [
        (
            misplaced,
            "These are the scores as they came from the service, best first, beside the documents as they were sent.",
        )
    ]
    check_ranking(ranking, query, scores, mistakes, 1e-6, "the service gave it")


def _check_outage(function: Callable, query: str, documents: list[str], outage: Exception) -> None:
    service, local = Service(outage), _Local()
    when = f"With the service down ({_name(outage)})"
    with _recorded_warnings() as seen:
        try:
            answer = call(function, query, list(documents), service, local)
        except Wrong as problem:
            demand(
                problem.__cause__ is not outage,
                f"{when}, the error reached the user. It will pass: let the local reranker score, and warn.",
            )
            raise
    demand(
        len(service.calls) <= _PATIENCE,
        f"{when}, your function called it {len(service.calls)} times, until the check let it recover. A real outage lasts for hours. The library has tried again already: call "
        "once, then fall back.",
    )
    ranking = _two_parts(answer, "local", when)
    demand(bool(local.pairs), f"{when}, the local reranker was not asked. Where do the scores come from?")
    swapped = any(pair == (document, query) for pair in local.pairs for document in documents)
    demand(not swapped, "The local reranker got (document, query). A pair is (query, document).")
    scores = {document: local.score(document) for document in documents}
    squashed = {document: 1 / (1 + np.exp(-score)) for document, score in scores.items()}
    mistakes = [
        (
            squashed,
            "A sigmoid makes a logit look like the service's score, and it is none. Return what the local reranker gives; scored_by says whose it is.",
        )
    ]
    check_ranking(ranking, query, scores, mistakes, 1e-6, "the local reranker gave it")
    demand(
        bool(seen),
        f"{when}, the local reranker took over and nobody was told. Use warnings.warn: a program can count warnings, and a print is lost in a server.",
    )


def _check_not_hidden(function: Callable, query: str, documents: list[str], error: BaseException) -> None:
    service = Service(error)
    with _recorded_warnings():
        try:
            function(query, list(documents), service, _Local())
        except BaseException as raised:  # KeyboardInterrupt is none of Exception
            # An error of the learner's own is as good, unless an interrupt became something that a caller may
            # catch.
            demand(
                not isinstance(error, KeyboardInterrupt) or isinstance(raised, KeyboardInterrupt),
                f"Ctrl-C came out as {type(raised).__name__}. A bare except catches KeyboardInterrupt too; catch Exception.",
            )
            return
    if isinstance(error, KeyboardInterrupt):
        raise Wrong(
            "Somebody pressed Ctrl-C during the call, and your function went on. A bare except, or BaseException, catches that too; catch Exception."
        )
    tried = f" after {len(service.calls)} calls" if len(service.calls) > 1 else ""
    if isinstance(error, ApiError):
        raise Wrong(
            f"The service refused with {_name(error)}, and your function returned a ranking{tried}. That does not pass: somebody must mend the key or the request. "
            "Raise it again unless is_temporary says otherwise."
        )
    raise Wrong(
        f"An error of the type {type(error).__name__}, a mistake in the program, was hidden behind the fallback. Raise again what is_temporary does not know."
    )


def _two_parts(answer: Any, scored_by: str, when: str) -> Any:
    demand(
        isinstance(answer, (tuple, list)) and len(answer) == 2 and isinstance(answer[1], str),
        f"{when}, your function should return (ranking, scored_by), a list and a word, but returned {show(answer)}.",
    )
    demand(answer[1] == scored_by, f"{when}, scored_by should be {scored_by!r}, but is {answer[1]!r}.")
    return answer[0]
