"""A reranker with a fallback, called with the service up, down, and refusing."""
# ruff: noqa: B028  (learners warn without a stacklevel)

import socket
import time
import warnings

import cohere
import httpx
import numpy as np
import pytest
from cohere.core.api_error import ApiError

from rerank_course.checks.hosted_with_fallback import (
    check_rerank_with_fallback,
)
from tests.checks.hosted_answers import (
    OTHER,
    ask,
    best_first,
    fallback,
    hosted_scores,
    is_temporary,
    local_scores,
    verdict_of,
)


def with_two_tries(query, documents, client, local):
    for _attempt in range(2):
        try:
            return best_first(documents, hosted_scores(query, documents, client)), "hosted"
        except (ApiError, httpx.TransportError) as error:
            if not is_temporary(error):
                raise RuntimeError("the service refuses") from error
            time.sleep(30)
    warnings.warn("falling back", RuntimeWarning)
    return [best_first(documents, local_scores(query, documents, local)), "local"]


def with_a_loud_warning_and_a_bar(query, documents, client, local):
    """Capital letters of a message, a progress bar and a priority do not matter."""
    try:
        results = (
            client.rerank(model="rerank-v5.0-fast", query=query, documents=documents, priority=1).results
            if documents
            else []
        )
        scores, scored_by = [0.0] * len(documents), "hosted"
        for result in results:
            scores[result.index] = result.relevance_score
    except Exception as error:
        if not is_temporary(error):
            raise RuntimeError("THE SERVICE REFUSES") from None
        warnings.warn("LOCAL RERANKER", UserWarning)
        pairs = [(query, document) for document in documents]
        scores, scored_by = local.predict(pairs, show_progress_bar=False), "local"
    return best_first(documents, scores), scored_by


def one_pair_at_a_time(query, documents, client, local):
    try:
        return best_first(documents, hosted_scores(query, documents, client)), "hosted"
    except Exception as error:
        if not is_temporary(error):
            raise
        warnings.warn("Fell Back")
        return best_first(documents, [local.predict((query, document)) for document in documents]), "local"


def while_python_finds_an_open_socket(query, documents, client, local):
    # Nobody holds it: Python closes it with a ResourceWarning, as it does with one that an earlier cell left
    # open.
    socket.socket()
    return fallback(query, documents, client, local)


@pytest.mark.parametrize(
    "answer",
    [
        fallback,
        with_a_loud_warning_and_a_bar,
        one_pair_at_a_time,
        while_python_finds_an_open_socket,
    ],
)
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


def every_transport_error(query, documents, client, local):
    try:
        return fallback(query, documents, client, local)
    except httpx.TransportError:
        warnings.warn("local")
        return best_first(documents, local_scores(query, documents, local)), "local"


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
        (
            lambda q, d, c, local: (best_first(d, hosted_scores(q, d, c)), "hosted"),
            "the error reached the user",
        ),
        (catching(Exception, warn=False), "nobody was told"),
        (catching(Exception, scored_by="hosted"), "scored_by should be 'local', but is 'hosted'"),
        (every_transport_error, "httpx.LocalProtocolError was taken for an outage"),
        (bare_except, "pressed Ctrl-C during the call"),
        (interrupt_becomes_an_error, "Ctrl-C came out as RuntimeError"),
        (with_two_tries, "called it 2 times. The library has tried again already"),
        (endless, "called it 6 times, until the check let it recover"),
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
        (
            lambda q, d, c, local: (best_first(d, ask(q, d, c, top_k=5)), "hosted"),
            "the service calls it top_n",
        ),
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
