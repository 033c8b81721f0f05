"""Wrong answers to the exercise hosted_with_fallback."""
# ruff: noqa: B028, E722 (as people write)

import os
import time
import warnings

import cohere
import httpx
from cohere.core.api_error import ApiError

from tests.checks.ways.hosted_with_fallback import (
    MODEL,
    WAYS,
    fallback_with_else,
    scores_in_a_loop,
    temporary_by_match,
)

wrong = WAYS.wrong


@wrong("connect", "With an empty CO_API_KEY connect still made a client")
def connect_with_an_empty_key(base_url):
    key = os.environ["CO_API_KEY"].strip()
    if len(key.split()) > 1:
        raise ValueError("more than one key")
    return cohere.ClientV2(api_key=key, base_url=base_url)


@wrong("connect", "made a client all the same")
def connect_with_the_first_of_two(base_url):
    return cohere.ClientV2(api_key=os.environ["CO_API_KEY"].split()[0], base_url=base_url)


@wrong("connect", "and connect kept it")
def connect_with_spaces_off(base_url):
    return cohere.ClientV2(api_key=os.environ["CO_API_KEY"].strip(" "), base_url=base_url)


@wrong("connect", "A default key hides")
def connect_in_any_case(base_url):
    try:
        return cohere.ClientV2(os.environ["CO_API_KEY"].strip(), base_url=base_url)
    except:
        return cohere.ClientV2("none", base_url=base_url)


@wrong("connect", "Pass base_url on")
def connect_to_the_real_service(base_url):
    return cohere.ClientV2(api_key=os.environ["CO_API_KEY"].strip(), base_url="https://api.cohere.com")


def rows(query, documents, client, **options):
    return (
        client.rerank(model=MODEL, query=query, documents=documents, **options).results if documents else []
    )


@wrong("hosted_scores", "of which one stands twice in the list, hosted_scores returned 5 scores")
def scores_by_a_dictionary_of_texts(query, documents, client):
    scores = dict.fromkeys(documents)
    for row in rows(query, documents, client):
        scores[documents[row.index]] = row.relevance_score
    assert None not in scores.values()
    return list(scores.values())


@wrong("hosted_scores", "left document 2 out of its answer")
def scores_with_a_default(query, documents, client):
    by_index = {row.index: row.relevance_score for row in rows(query, documents, client)}
    return [by_index.get(place, float("-inf")) for place in range(len(documents))]


@wrong("hosted_scores", "left document 2 out of its answer")
def scores_catching_everything(query, documents, client):
    try:
        return scores_in_a_loop(query, documents, client)
    except:
        return [0] * len(documents)


@wrong("hosted_scores", "top_n cuts the rest off")
def scores_of_the_best(query, documents, client):
    return [row.relevance_score for row in rows(query, documents, client, top_n=2)]


@wrong("hosted_scores", "Put each relevance_score at the place that its index names")
def scores_turned(query, documents, client):
    return scores_in_a_loop(query, documents, client)[::-1]


@wrong("hosted_scores", "called the service 2 times")
def scores_in_two_halves(query, documents, client):
    half = len(documents) // 2
    parts = (documents[:half], documents[half:])
    return [score for part in parts for score in scores_in_a_loop(query, part, client)]


@wrong("hosted_scores", "returned None")
def scores_printed(query, documents, client):
    print(scores_in_a_loop(query, documents, client))


@wrong("is_temporary", "httpx.HTTPError is the root")
def temporary_for_all_of_httpx(error):
    if isinstance(error, httpx.TransportError):
        return temporary_by_match(error)
    return temporary_by_match(error) or isinstance(error, httpx.HTTPError)


@wrong("is_temporary", "You take every TransportError for an outage")
def temporary_for_httpx(error):
    return isinstance(error, httpx.HTTPError) or temporary_by_match(error)


@wrong("is_temporary", "trouble on the service's side")
def temporary_above_500(error):
    status = getattr(error, "status_code", 0)
    return (
        status > 500 and status != 501 or status in (408, 429) or (not status and temporary_by_match(error))
    )


@wrong("is_temporary", "will be wrong tomorrow")
def temporary_from_400(error):
    status = getattr(error, "status_code", 0)
    return (status >= 400 and status not in (401, 501)) or (not status and temporary_by_match(error))


@wrong("is_temporary", "trouble on the service's side")
def temporary_by_text(error):
    return (
        "429" in str(error)
        or "408" in str(error)
        or (not isinstance(error, ApiError) and temporary_by_match(error))
    )


@wrong("is_temporary", "should return True or False, but returned str 'temporary'")
def temporary_in_words(error):
    return "temporary" if temporary_by_match(error) else "lasting"


def ranked(documents, scores):
    return sorted(zip(documents, scores), key=lambda row: row[1], reverse=True)


def by_local(query, documents, local):
    warnings.warn("local")
    return ranked(documents, local.predict([(query, document) for document in documents])), "local"


@wrong("rerank_with_fallback", "called it 3 times")
def fallback_after_three_tries(query, documents, client, local):
    for attempt in range(3):
        try:
            return ranked(documents, scores_in_a_loop(query, documents, client)), "hosted"
        except Exception as error:
            if not temporary_by_match(error):
                raise
            time.sleep(2**attempt)
    return by_local(query, documents, local)


@wrong("rerank_with_fallback", "The service refused with cohere.UnauthorizedError (status 401)")
def fallback_for_every_error(query, documents, client, local):
    try:
        return ranked(documents, scores_in_a_loop(query, documents, client)), "hosted"
    except (ApiError, httpx.HTTPError):
        return by_local(query, documents, local)


@wrong("rerank_with_fallback", "httpx.LocalProtocolError was taken for an outage")
def fallback_for_all_of_httpx(query, documents, client, local):
    try:
        return fallback_with_else(query, documents, client, local)
    except httpx.HTTPError:
        return by_local(query, documents, local)


@wrong("rerank_with_fallback", "A dictionary holds each text once")
def fallback_by_a_dictionary(query, documents, client, local):
    ranking, scored_by = fallback_with_else(query, documents, client, local)
    return list(dict(ranking).items()), scored_by


@wrong("rerank_with_fallback", "worst document first")
def fallback_ascending(query, documents, client, local):
    ranking, scored_by = fallback_with_else(query, documents, client, local)
    return sorted(ranking, key=lambda row: row[1]), scored_by


@wrong("rerank_with_fallback", "not in order of score")
def fallback_unsorted(query, documents, client, local):
    ranking, scored_by = fallback_with_else(query, documents, client, local)
    return sorted(ranking, key=lambda row: documents.index(row[0])), scored_by


@wrong("rerank_with_fallback", "nobody was told")
def fallback_with_a_print(query, documents, client, local):
    with warnings.catch_warnings(record=True):
        ranking, scored_by = fallback_with_else(query, documents, client, local)
    print("the local reranker took over")
    return ranking, scored_by


@wrong("rerank_with_fallback", "You stretched the scores")
def fallback_from_0_to_1(query, documents, client, local):
    ranking, scored_by = fallback_with_else(query, documents, client, local)
    scores = [score for _, score in ranking]
    return [(text, (s - min(scores)) / ((max(scores) - min(scores)) or 1)) for text, s in ranking], scored_by
