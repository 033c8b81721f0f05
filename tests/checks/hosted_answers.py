"""Right answers to the exercise hosted_with_fallback, and what its tests ask of them."""

import os
import socket
import ssl
import warnings

import cohere
import httpx
from cohere.core.api_error import ApiError

from rerank_course.checks.verdict import Verdict
from rerank_course.hosted import origin

MODEL = "rerank-v5.0-fast"

OTHER = {
    "query": "Which harbour has the most berths?",
    "documents": [f"Harbour {number} has {number * 7} berths." for number in range(20)],
}


def verdict_of(check, answer, **options):
    verdict = check(answer, **options)
    assert isinstance(verdict, Verdict)
    return verdict.status, verdict.message


def connect(base_url):
    key = os.environ["CO_API_KEY"].strip()
    if len(key.split()) != 1:
        raise ValueError("CO_API_KEY should hold one key, and nothing else.")
    return cohere.ClientV2(api_key=key, base_url=base_url)


def hosted_scores(query, documents, client):
    if not documents:
        return []
    answer = client.rerank(model=MODEL, query=query, documents=documents)
    score_at = {result.index: result.relevance_score for result in answer.results}
    return [score_at[place] for place in range(len(documents))]


def ask(query, documents, client, **options):
    return (
        client.rerank(model=MODEL, query=query, documents=documents, **options).results if documents else []
    )


def is_temporary(error):
    if isinstance(error, ApiError):
        status = error.status_code or 0
        return status in (408, 429) or (status >= 500 and status != 501)
    if isinstance(origin(error), (ssl.SSLError, socket.gaierror)):
        return False
    return isinstance(error, (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError))


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
