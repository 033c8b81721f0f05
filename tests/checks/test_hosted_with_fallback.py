"""Checks of the exercise hosted_with_fallback: right answers pass, wrong ones get their message."""

import os
import socket
import ssl
import sys

import cohere
import httpx
import numpy as np
import pytest
from cohere.core.api_error import ApiError

from rerank_course.checks.hosted_with_fallback import (
    check_connect,
    check_hosted_scores,
    check_is_temporary,
    check_rerank_with_fallback,
)
from rerank_course.hosted import origin, what_to_mend
from tests.checks.hosted_answers import (
    MODEL,
    OTHER,
    ask,
    connect,
    hosted_scores,
    is_temporary,
    verdict_of,
)
from tests.support.exercises import stub


@pytest.mark.parametrize(
    "check", [check_connect, check_hosted_scores, check_is_temporary, check_rerank_with_fallback]
)
def test_an_untouched_stub_is_not_attempted_and_no_function_is_wrong(check):
    status, said = verdict_of(check, stub)
    assert status == "not attempted" and "Write stub above" in said
    assert verdict_of(check, 7)[0] == "wrong" and "Pass the function itself" in verdict_of(check, 7)[1]
    assert verdict_of(check, lambda *arguments: None)[0] == "wrong"


def printing(base_url):
    print("using", os.environ["CO_API_KEY"])
    return connect(base_url)


def refusing_a_line_end(base_url):
    key = os.getenv("CO_API_KEY") or ""
    if not key.isalnum() and not key.replace("-", "").isalnum():
        raise ValueError("The KEY in CO_API_KEY has white space, or is missing.")
    return cohere.ClientV2(api_key=key, base_url=base_url)


def ending_the_program(base_url):
    key = os.environ.get("CO_API_KEY", "").strip()
    if len(key.split()) != 1:
        sys.exit("no key")
    return cohere.ClientV2(key, base_url=base_url)


def showing_a_line_end(base_url):
    key = os.environ["CO_API_KEY"]
    if key != key.strip():
        raise ValueError(f"{key!r} holds white space")
    return cohere.ClientV2(key, base_url=base_url)


READ_TOO_EARLY = os.environ.get("CO_API_KEY", "key-of-yesterday")


def showing_two_lines(base_url):
    key = os.environ["CO_API_KEY"].strip()
    if "\n" in key:
        raise ValueError(f"CO_API_KEY holds two lines: {key!r}")
    return cohere.ClientV2(api_key=key, base_url=base_url)


@pytest.mark.parametrize(
    "answer",
    [
        connect,
        refusing_a_line_end,
        ending_the_program,
    ],
)
def test_connect_right(answer):
    assert check_connect(answer).status == "right", check_connect(answer)
    assert check_connect(answer, base_url="https://gateway.invalid/cohere").status == "right"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda url: cohere.ClientV2(api_key="hard-coded", base_url=url), "a key that stands in the code"),
        (
            lambda url: cohere.ClientV2(api_key=READ_TOO_EARLY, base_url=url),
            "Read the environment variable inside the function",
        ),
        (
            lambda url: cohere.ClientV2(api_key=os.environ.get("CO_API_KEY", "test"), base_url=url),
            "A default key hides",
        ),
        (printing, "connect printed the key"),
        (lambda url: cohere.ClientV2(base_url=url), "Use .strip()"),
        (lambda url: cohere.ClientV2(os.environ["CO_API_KEY"], base_url=url), "Use .strip()"),
        (showing_a_line_end, "its text shows the key"),
        (
            lambda url: cohere.ClientV2(os.environ["CO_API_KEY"].strip(), base_url=url),
            "held two lines, and connect made a client with both",
        ),
        (
            lambda url: cohere.ClientV2("".join(os.environ["CO_API_KEY"].split()), base_url=url, timeout=5),
            "made a client all the same. Nobody learns that it holds more than one key",
        ),
        (showing_two_lines, "held two lines. connect raised an error, and its text shows the key"),
        (lambda url: cohere.ClientV2(), "Pass base_url on"),
        (lambda url: cohere.Client(base_url=url), "The older cohere.Client"),
        (lambda url: os.environ["CO_API_KEY"], "but returned a text"),
        (lambda url: cohere.ClientV2(os.environ["COHERE_KEY"], base_url=url), "raised KeyError"),
    ],
)
def test_connect_wrong(answer, message):
    status, said = verdict_of(check_connect, answer)
    assert status == "wrong" and message in said, said


def test_the_learner_s_own_key_is_not_touched(monkeypatch):
    monkeypatch.setenv("CO_API_KEY", "my-own")
    seen = []
    check_connect(lambda url: seen.append(os.environ.get("CO_API_KEY")) or connect(url))
    assert len(seen) == 7 and "my-own" not in seen and os.environ["CO_API_KEY"] == "my-own"


def with_an_array(query, documents, client):
    if len(documents) == 0:
        return np.zeros(0)
    scores = np.full(len(documents), np.nan)
    for result in client.rerank(
        model="rerank-v4.0-pro", query=query, documents=documents, top_n=len(documents)
    ).results:
        scores[result.index] = result.relevance_score
    if np.isnan(scores).any():
        raise ValueError("a document has no score")
    return scores


def with_sorting(query, documents, client):
    if documents:
        results = sorted(
            client.rerank(model=MODEL, query=query, documents=documents).results,
            key=lambda result: result.index,
        )
        assert [result.index for result in results] == list(range(len(documents)))
        return tuple(result.relevance_score for result in results)
    return ()


@pytest.mark.parametrize("answer", [hosted_scores, with_an_array, with_sorting])
def test_scores_right(answer):
    assert check_hosted_scores(answer).status == "right", check_hosted_scores(answer)
    assert check_hosted_scores(answer, **OTHER).status == "right"
    assert check_hosted_scores(answer, query="one?", documents=["only one"]).status == "right"


def filled_with_zeros(query, documents, client):
    scores = [0.0] * len(documents)
    for result in ask(query, documents, client):
        scores[result.index] = result.relevance_score
    return scores


def without_checking(query, documents, client):
    return [
        result.relevance_score
        for result in sorted(ask(query, documents, client), key=lambda result: result.index)
    ]


def one_by_one(query, documents, client):
    return [ask(query, [document], client)[0].relevance_score for document in documents]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda q, d, c: [r.relevance_score for r in ask(q, d, c)], "as they came, best first"),
        (lambda q, d, c: ask(q, d, c, top_k=len(d)), "the service calls it top_n"),
        (lambda q, d, c: ask(q, d, c, return_documents=True), "takes no return_documents"),
        (lambda q, d, c: [r.relevance_score for r in ask(q, d, c, top_n=3)], "top_n cuts the rest off"),
        (one_by_one, "called the service 5 times"),
        (filled_with_zeros, "left document 2 out of its answer"),
        (without_checking, "left document 2 out of its answer"),
        (lambda q, d, c: ask(q, d, c), "Each result has .index and .relevance_score"),
        (
            lambda q, d, c: c.rerank(model=MODEL, query=q, documents=d),
            "The scores are in the answer's .results",
        ),
        (
            lambda q, d, c: (
                hosted_scores(q, d, c)
                if d
                else [r.relevance_score for r in c.rerank(model=MODEL, query=q, documents=d).results]
            ),
            "raised BadRequestError",
        ),
        (lambda q, d, c: [r.index for r in ask(q, d, c)], "Put each relevance_score at the place"),
        (lambda q, d, c: [0.5] * len(d), "did not call client.rerank"),
        (lambda q, d, c: c.rerank(model="rerank-v9", query=q, documents=d), "raised NotFoundError"),
        (lambda q, d, c: c.rerank(model=MODEL, query=d, documents=q), "raised BadRequestError"),
        (lambda q, d, c: dict(enumerate(hosted_scores(q, d, c))), "should return a list of scores"),
    ],
)
def test_scores_wrong(answer, message):
    status, said = verdict_of(check_hosted_scores, answer)
    assert status == "wrong" and message in said, said


def test_an_empty_list_that_is_sent_and_caught_is_wrong_too():
    def catching(query, documents, client):
        try:
            return (
                hosted_scores(query, documents, client)
                if documents
                else client.rerank(model=MODEL, query=query, documents=documents)
            )
        except ApiError:
            return []

    assert "refuses an empty list" in verdict_of(check_hosted_scores, catching)[1]


def with_getattr(error):
    status = getattr(error, "status_code", None) or 0
    return (
        status in (408, 429)
        or (500 <= status < 600 and status != 501)
        or (isinstance(error, httpx.TransportError) and what_to_mend(error) is None)
    )


def by_what_it_came_from(error):
    """Another style: only errors that are known to pass do, and the chain is walked by hand."""
    if isinstance(error, ApiError):
        return error.status_code in {408, 429, 500, 502, 503, 504, 529}
    chain = [error]
    while chain[-1].__cause__ or chain[-1].__context__:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)
    if any(isinstance(link, (socket.gaierror, ssl.SSLError)) for link in chain):
        return False
    kinds = (httpx.TimeoutException, httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError)
    return isinstance(error, kinds)


def by_the_text(error):
    """Not pretty, and right: the text's capital letters do not matter to it."""
    if isinstance(error, ApiError):
        return is_temporary(error)
    mistakes = ("illegal header", "protocol.", "certificate", "not known")
    return isinstance(error, httpx.TransportError) and not any(
        text in str(error).lower() for text in mistakes
    )


OTHER_ERRORS = {
    "temporary": [502, 529, httpx.ReadError("x"), httpx.ConnectTimeout("x")],
    "lasting": [402, 413, KeyError("x"), TypeError("429"), 501],
}


@pytest.mark.parametrize(
    "answer",
    [
        is_temporary,
        with_getattr,
        by_what_it_came_from,
        by_the_text,
        lambda error: np.bool_(is_temporary(error)),
    ],
)
def test_errors_right(answer):
    assert check_is_temporary(answer).status == "right", check_is_temporary(answer)
    assert check_is_temporary(answer, **OTHER_ERRORS).status == "right"


def the_rule_that_was(error):
    if isinstance(error, ApiError):
        return error.status_code in (408, 429) or error.status_code >= 500
    return isinstance(error, httpx.TransportError)


def status(error):
    return getattr(error, "status_code", 0)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda error: True, "a wrong key would be hidden for ever"),
        (lambda error: False, "nothing would ever be tried again"),
        (lambda error: isinstance(error, ApiError), "no ApiError but one of httpx's"),
        (lambda error: isinstance(error, (ApiError, httpx.TransportError)), "Look at error.status_code"),
        (lambda error: not isinstance(error, ApiError) or is_temporary(error), "not an outage"),
        (
            lambda error: status(error) == 429 or isinstance(error, httpx.TransportError),
            "trouble on the service's side",
        ),
        (
            lambda error: status(error) >= 500 or isinstance(error, httpx.TransportError),
            "429 is the rate limit",
        ),
        (lambda error: status(error) in (408, 429, 500, 503), "no ApiError but one of httpx's"),
        (lambda error: error.status_code == 429 or error.status_code >= 500, "raised AttributeError"),
        (lambda error: "yes" if is_temporary(error) else "no", "should return True or False"),
        (lambda error: is_temporary(error) or status(error) == 401, "will be wrong tomorrow"),
        (the_rule_that_was, "You take every TransportError for an outage. This one never passes"),
        (
            lambda error: is_temporary(error) or isinstance(error, httpx.TransportError),
            "You take every TransportError",
        ),
        (lambda error: is_temporary(error) or isinstance(error, httpx.HTTPError), "You take every Transport"),
        (
            lambda error: is_temporary(error) or isinstance(error, httpx.ProtocolError),
            "It does not pass: the request was not sent, because a header is illegal",
        ),
        (
            lambda error: is_temporary(error) or isinstance(error, httpx.UnsupportedProtocol),
            "does not begin with https://",
        ),
        (
            lambda error: is_temporary(error) or isinstance(error, httpx.NetworkError),
            "stands a certificate that is refused (an ssl.SSLError)",
        ),
        (
            lambda error: is_temporary(error) or isinstance(origin(error), socket.gaierror),
            "stands a host that nobody knows",
        ),
        (
            lambda error: is_temporary(error) and not isinstance(origin(error), OSError),
            "A refused connection passes",
        ),
        (lambda error: is_temporary(error) or status(error) == 501, "501 is no outage"),
        (lambda error: is_temporary(error) or status(error) == 301, "301 sends the call to another address"),
        (lambda error: is_temporary(error) and status(error) != 408, "408 is a time-out"),
    ],
)
def test_errors_wrong(answer, message):
    status, said = verdict_of(check_is_temporary, answer)
    assert status == "wrong" and message in said, said


def test_a_list_of_the_statuses_that_are_public_fails_on_others():
    def memorised(error):
        return is_temporary(error) and status(error) in (0, 408, 429, 500, 503)

    assert (
        check_is_temporary(memorised).status == "right"
        and check_is_temporary(memorised, **OTHER_ERRORS).status == "wrong"
    )
