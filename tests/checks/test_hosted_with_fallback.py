"""Checks of the exercise hosted_with_fallback: the reference and other right answers pass, the stub is not attempted, wrong answers
get the message meant for them.
"""

import os
import socket
import time
import warnings

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
from rerank_course.checks.toys.service import Service, status_error
from rerank_course.checks.verdict import Verdict

MODEL = "rerank-v5.0-fast"
OTHER = {
    "query": "Which harbour has the most berths?",
    "documents": [f"Harbour {number} has {number * 7} berths." for number in range(20)],
}


def stub(*arguments):
    raise NotImplementedError()


def verdict_of(check, answer, **options):
    verdict = check(answer, **options)
    assert isinstance(verdict, Verdict)
    return verdict.status, verdict.message


@pytest.mark.parametrize(
    "check", [check_connect, check_hosted_scores, check_is_temporary, check_rerank_with_fallback]
)
def test_an_untouched_stub_is_not_attempted_and_no_function_is_wrong(check):
    status, said = verdict_of(check, stub)
    assert status == "not attempted" and "Write stub above" in said
    assert verdict_of(check, 7)[0] == "wrong" and "Pass the function itself" in verdict_of(check, 7)[1]
    assert verdict_of(check, lambda *arguments: None)[0] == "wrong"


# Part 1


def connect(base_url):
    return cohere.ClientV2(api_key=os.environ["CO_API_KEY"], base_url=base_url)


def printing(base_url):
    print("using", os.environ["CO_API_KEY"])
    return connect(base_url)


READ_TOO_EARLY = os.environ.get("CO_API_KEY", "key-of-yesterday")


@pytest.mark.parametrize(
    "answer",
    [
        connect,
        lambda url: cohere.ClientV2(base_url=url),
        lambda url: cohere.ClientV2(os.getenv("CO_API_KEY"), base_url=url, timeout=5),
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
    assert len(seen) == 3 and "my-own" not in seen and os.environ["CO_API_KEY"] == "my-own"


# Part 2


def hosted_scores(query, documents, client):
    if not documents:
        return []
    answer = client.rerank(model=MODEL, query=query, documents=documents)
    score_at = {result.index: result.relevance_score for result in answer.results}
    return [score_at[place] for place in range(len(documents))]


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


def ask(query, documents, client, **options):
    return (
        client.rerank(model=MODEL, query=query, documents=documents, **options).results if documents else []
    )


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


# Part 3


def is_temporary(error):
    if isinstance(error, ApiError):
        return error.status_code is not None and (error.status_code == 429 or error.status_code >= 500)
    return isinstance(error, httpx.TransportError)


def with_getattr(error):
    status = getattr(error, "status_code", None) or 0
    return (
        status == 429
        or 500 <= status < 600
        or isinstance(
            error, (httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError, httpx.ProxyError)
        )
    )


OTHER_ERRORS = {
    "temporary": [502, 529, httpx.ReadError("x"), httpx.ProxyError("x")],
    "lasting": [402, 413, KeyError("x"), TypeError("429")],
}


@pytest.mark.parametrize("answer", [is_temporary, with_getattr, lambda error: np.bool_(is_temporary(error))])
def test_errors_right(answer):
    assert check_is_temporary(answer).status == "right", check_is_temporary(answer)
    assert check_is_temporary(answer, **OTHER_ERRORS).status == "right"


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
        (lambda error: status(error) in (429, 500, 503), "no ApiError but one of httpx's"),
        (lambda error: error.status_code == 429 or error.status_code >= 500, "raised AttributeError"),
        (lambda error: "yes" if is_temporary(error) else "no", "should return True or False"),
        (lambda error: is_temporary(error) or status(error) == 401, "will be wrong tomorrow"),
    ],
)
def test_errors_wrong(answer, message):
    status, said = verdict_of(check_is_temporary, answer)
    assert status == "wrong" and message in said, said


def test_a_list_of_the_statuses_that_are_public_fails_on_others():
    memorised = lambda error: status(error) in (429, 500, 503) or isinstance(error, httpx.TransportError)  # noqa: E731
    assert (
        check_is_temporary(memorised).status == "right"
        and check_is_temporary(memorised, **OTHER_ERRORS).status == "wrong"
    )


# Part 4


def best_first(documents, scores):
    return sorted(zip(documents, scores), key=lambda row: row[1], reverse=True)


def local_scores(query, documents, local):
    return local.predict([(query, document) for document in documents])


def fallback(query, documents, client, local):
    try:
        scores, scored_by = hosted_scores(query, documents, client), "hosted"
    except Exception as error:
        if not is_temporary(error):
            raise
        warnings.warn("local", stacklevel=2)
        scores, scored_by = local_scores(query, documents, local), "local"
    return best_first(documents, scores), scored_by


def with_two_tries(query, documents, client, local):
    for attempt in range(2):
        try:
            return best_first(documents, hosted_scores(query, documents, client)), "hosted"
        except (ApiError, httpx.TransportError) as error:
            if not is_temporary(error):
                raise RuntimeError("the service refuses") from error
            time.sleep(30)
    warnings.warn("falling back", RuntimeWarning)
    return [best_first(documents, local_scores(query, documents, local)), "local"]


def while_python_finds_an_open_socket(query, documents, client, local):
    # Nobody holds it: Python closes it with a ResourceWarning, as it does with one that an earlier cell left
    # open.
    socket.socket()
    return fallback(query, documents, client, local)


@pytest.mark.parametrize("answer", [fallback, with_two_tries, while_python_finds_an_open_socket])
def test_fallback_right(answer):
    started = time.monotonic()
    assert check_rerank_with_fallback(answer).status == "right", check_rerank_with_fallback(answer)
    assert (
        check_rerank_with_fallback(
            answer, **OTHER, outages=[429, 504, httpx.ReadTimeout("x")], refusals=[400, 402, 498]
        ).status
        == "right"
    )
    assert (
        time.monotonic() - started < 5 and time.sleep(0) is None
    )  # no pause was real, and sleep is itself again


def catching(kind, warn=True, scored_by="local"):
    def answer(query, documents, client, local):
        try:
            return best_first(documents, hosted_scores(query, documents, client)), "hosted"
        except kind:
            if warn:
                warnings.warn("local")
            return best_first(documents, local_scores(query, documents, local)), scored_by

    return answer


def bare_except(query, documents, client, local):
    try:
        return fallback(query, documents, client, local)
    except (ApiError, AttributeError):
        raise
    except:  # noqa: E722
        warnings.warn("local")
        return best_first(documents, local_scores(query, documents, local)), "local"


def interrupt_becomes_an_error(query, documents, client, local):
    try:
        return fallback(query, documents, client, local)
    except BaseException as error:
        raise RuntimeError("failed") from error


def endless(query, documents, client, local):
    while True:
        try:
            return best_first(documents, hosted_scores(query, documents, client)), "hosted"
        except Exception:
            time.sleep(60)


def endless_for_outages(query, documents, client, local):
    while True:
        try:
            return best_first(documents, hosted_scores(query, documents, client)), "hosted"
        except Exception as error:
            if not is_temporary(error):
                raise


def document_by_document(query, documents, client, local):
    scores, scored_by = [], "hosted"
    for document in documents:
        try:
            scores += hosted_scores(query, [document], client)
        except Exception as error:
            if not is_temporary(error):
                raise
            warnings.warn("local")
            scores += list(local_scores(query, [document], local))
    return best_first(documents, scores), scored_by


def local_always(query, documents, client, local):
    local_scores(query, documents, local)
    return fallback(query, documents, client, local)


def half_local(query, documents, client, local):
    try:
        return fallback(query, documents, client, None)
    except AttributeError as error:
        if "mistake" in str(error):
            raise
        middle = len(documents) // 2
        return best_first(
            documents, [*local_scores(query, documents[:middle], local), *[0.5] * (len(documents) - middle)]
        ), "local"


def changed(change):
    def answer(*arguments):
        ranking, scored_by = fallback(*arguments)
        return change(ranking, scored_by)

    return answer


def sigmoid_of_the_local(query, documents, client, local):
    ranking, scored_by = fallback(query, documents, client, local)
    return ([(d, 1 / (1 + np.exp(-s))) for d, s in ranking] if scored_by == "local" else ranking), scored_by


def swapped_pairs(query, documents, client, local):
    try:
        return best_first(documents, hosted_scores(query, documents, client)), "hosted"
    except Exception as error:
        if not is_temporary(error):
            raise
        warnings.warn("local")
        return best_first(documents, local.predict([(document, query) for document in documents])), "local"


def service_order(query, documents, client, local):
    try:
        results = ask(query, documents, client)
    except Exception:
        return fallback(query, documents, client, local)
    return list(zip(documents, [result.relevance_score for result in results])), "hosted"


def always_warning(*arguments):
    warnings.warn("about to rerank")
    return fallback(*arguments)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (catching(Exception), "The service refused with cohere.UnauthorizedError (status 401)"),
        (catching((ApiError, httpx.TransportError)), "The service refused with cohere.UnauthorizedError"),
        (catching(cohere.errors.ServiceUnavailableError), "(httpx.ConnectError), the error reached the user"),
        (
            catching(httpx.TransportError),
            "(cohere.ServiceUnavailableError (status 503)), the error reached the user",
        ),
        (lambda q, d, c, l: (best_first(d, hosted_scores(q, d, c)), "hosted"), "the error reached the user"),
        (catching(Exception, warn=False), "nobody was told"),
        (catching(Exception, scored_by="hosted"), "scored_by should be 'local', but is 'hosted'"),
        (bare_except, "pressed Ctrl-C during the call"),
        (interrupt_becomes_an_error, "Ctrl-C came out as RuntimeError"),
        (endless, "called it 6 times"),
        (endless_for_outages, "called it 6 times"),
        (document_by_document, "called it 5 times for one query"),
        (local_always, "asked the local reranker too"),
        (half_local, "the local reranker gave it"),
        (sigmoid_of_the_local, "A sigmoid makes a logit look like"),
        (swapped_pairs, "got (document, query)"),
        (service_order, "as they came from the service, best first"),
        (always_warning, "is read by nobody"),
        (changed(lambda ranking, scored_by: ranking), "should return (ranking, scored_by)"),
        (changed(lambda ranking, scored_by: (ranking, "cohere")), "scored_by should be 'hosted'"),
        (changed(lambda ranking, scored_by: (ranking[::-1], scored_by)), "worst document first"),
        (changed(lambda ranking, scored_by: (ranking[:3], scored_by)), "left out 2"),
        (changed(lambda ranking, scored_by: ([(s, d) for d, s in ranking], scored_by)), "Swap the two"),
        (lambda q, d, c, l: (best_first(d, ask(q, d, c, top_k=5)), "hosted"), "the service calls it top_n"),
    ],
)
def test_fallback_wrong(answer, message):
    status, said = verdict_of(check_rerank_with_fallback, answer)
    assert status == "wrong" and message in said, said


def test_a_mistake_in_the_program_that_is_hidden():
    def hides_bugs(query, documents, client, local):
        try:
            return fallback(query, documents, client, local)
        except ApiError:
            raise
        except Exception:
            warnings.warn("local")
            return best_first(documents, local_scores(query, documents, local)), "local"

    assert (
        "of the type AttributeError, a mistake in the program, was hidden"
        in verdict_of(check_rerank_with_fallback, hides_bugs)[1]
    )


def test_a_refused_key_that_is_tried_again_and_again():
    def stubborn(query, documents, client, local):
        while True:
            try:
                return fallback(query, documents, client, local)
            except ApiError:
                time.sleep(1)

    assert "returned a ranking after 6 calls" in verdict_of(check_rerank_with_fallback, stubborn)[1]


def test_an_unfinished_part_is_named():
    def hosted_scores(*arguments):
        raise NotImplementedError()

    def answer(query, documents, client, local):
        return best_first(documents, hosted_scores(query, documents, client)), "hosted"

    status, said = verdict_of(check_rerank_with_fallback, answer)
    assert status == "not attempted" and "hosted_scores" in said


# What takes the service's place


def test_the_service_of_the_check_is_like_the_real_client():
    """Same parameters, same types of answer and error as Cohere's library has."""
    import inspect

    real = inspect.signature(cohere.ClientV2.rerank).parameters
    ours = inspect.signature(Service.rerank).parameters
    assert {name for name in ours if name != "unknown"} <= set(real)
    assert all(ours[name].kind is real[name].kind for name in ours if name != "unknown")
    for status in (400, 401, 402, 403, 404, 422, 429, 498, 499, 500, 501, 502, 503, 504):
        client = cohere.ClientV2(
            api_key="check",
            base_url="http://check.invalid",
            max_retries=0,
            httpx_client=httpx.Client(
                transport=httpx.MockTransport(lambda request: httpx.Response(status, json={"message": "no"}))
            ),
        )
        with pytest.raises(ApiError) as raised:
            client.rerank(model=MODEL, query="q", documents=["d"])
        assert (
            type(raised.value) is type(status_error(status))
            and raised.value.status_code == status_error(status).status_code
        )
