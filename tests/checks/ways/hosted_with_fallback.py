"""Right answers to the exercise hosted_with_fallback."""
# ruff: noqa: B028 (as people write)

import heapq
import os
import socket
import ssl
import sys
import warnings
from collections import namedtuple

import cohere
import httpx
import numpy as np
import pandas as pd
import torch
from cohere.core.api_error import ApiError

from rerank_course.checks.hosted_with_fallback import (
    check_connect,
    check_hosted_scores,
    check_is_temporary,
    check_rerank_with_fallback,
)
from rerank_course.hosted import origin
from tests.checks.ways import Ways

WAYS = Ways(
    "hosted_with_fallback",
    {
        "connect": (check_connect, "graded-connect"),
        "hosted_scores": (check_hosted_scores, "graded-scores"),
        "is_temporary": (check_is_temporary, "graded-errors"),
        "rerank_with_fallback": (check_rerank_with_fallback, "graded-fallback"),
    },
)
right = WAYS.right
MODEL = "rerank-v5.0-fast"


@right("connect")
def connect_with_unpacking(base_url):
    (key,) = os.environ["CO_API_KEY"].split()
    return cohere.ClientV2(key, base_url=base_url)


@right("connect")
def connect_or_exit(base_url: str) -> cohere.ClientV2:
    """Ends the program without a key."""
    keys = os.getenv("CO_API_KEY", "").split()
    if len(keys) != 1:
        sys.exit("SET CO_API_KEY")
    return cohere.ClientV2(api_key=keys[0], base_url=base_url, timeout=20, client_name="mine")


@right("connect")
def connect_with_an_assert(base_url):
    key = (os.environ.get("CO_API_KEY") or "").strip()
    assert key, "NO KEY"
    assert not any(letter.isspace() for letter in key), "MORE THAN ONE KEY"
    print("connecting to", base_url)
    return cohere.ClientV2(api_key=key, base_url=base_url)


class NoKeyError(Exception):
    """Of a learner's own."""


@right("connect")
def connect_with_an_error_of_its_own(base_url):
    match os.environ.get("CO_API_KEY", "").split():
        case [key]:
            return cohere.ClientV2(base_url=base_url, api_key=key)
        case _:
            raise NoKeyError


@right("connect")
def connect_by_lines(base_url):
    if (lines := os.environ["CO_API_KEY"].strip().splitlines()) and len(lines) == 1:
        return cohere.ClientV2(api_key=lambda: lines[0], base_url=base_url)
    raise RuntimeError("One key, please.")


@right("hosted_scores")
def scores_in_a_loop(query, documents, client):
    if len(documents) == 0:
        return []
    scores = [None] * len(documents)
    response = client.rerank(
        model="rerank-v4.0-pro", query=query, documents=documents, top_n=len(documents), priority=3
    )
    for r in response.results:
        scores[r.index] = r.relevance_score
    if None in scores:
        sys.exit("A document is missing")
    return scores


@right("hosted_scores")
def scores_by_pandas(query, documents, client):
    if not documents:
        return pd.Series(dtype=float)
    results = client.rerank(model=MODEL, query=query, documents=list(documents)).results
    series = pd.Series({result.index: result.relevance_score for result in results})
    return series.loc[range(len(documents))]


@right("hosted_scores")
def scores_by_torch(query, documents, client):
    scores = torch.full((len(documents),), torch.nan, dtype=torch.float64)
    if documents:
        for result in client.rerank(query=query, documents=documents, model=MODEL).results:
            scores[result.index] = result.relevance_score
    assert not scores.isnan().any()
    return scores


@right("hosted_scores")
def scores_by_sorting(query, documents, client):
    if documents == []:
        return ()
    results = client.rerank(model=MODEL, query=query, documents=tuple(documents)).results
    if len(results) != len(documents):
        raise LookupError("THE SERVICE LEFT DOCUMENTS OUT")
    pairs = sorted((result.index, result.relevance_score) for result in results)
    return tuple(score for _, score in pairs)


@right("hosted_scores")
def scores_by_next(query, documents, client):
    """Looks for each place; StopIteration is an error too."""
    results = documents and client.rerank(model=MODEL, query=query, documents=documents).results
    return [next(r.relevance_score for r in results if r.index == i) for i in range(len(documents))]


@right("hosted_scores")
def scores_by_fields(query, documents, client):
    if not documents:
        return np.array([])
    answer = client.rerank(model=MODEL, query=query, documents=documents)
    by_index = {row["index"]: row["relevance_score"] for row in answer.model_dump()["results"]}
    return np.array([by_index[place] for place in range(len(documents))])


@right("is_temporary")
def temporary_by_match(error):
    match error:
        case ApiError(status_code=None):
            return False
        case ApiError(status_code=status):
            return status in (408, 429) or (status // 100 == 5 and status != 501)
        case httpx.ConnectError():
            return not isinstance(origin(error), (socket.gaierror, ssl.SSLError))
        case httpx.TimeoutException() | httpx.NetworkError() | httpx.RemoteProtocolError():
            return True
    return False


@right("is_temporary")
def temporary_by_returning_early(error: Exception) -> bool:
    """Every case by its name."""
    if isinstance(error, ApiError):
        if error.status_code is None:
            return False
        if error.status_code == 501:
            return False
        return error.status_code >= 500 or error.status_code in [429, 408]
    if isinstance(error, (httpx.LocalProtocolError, httpx.UnsupportedProtocol)):
        return False
    behind = origin(error)
    if isinstance(behind, (socket.gaierror, ssl.SSLError)):
        return False
    return isinstance(error, httpx.TransportError)


@right("is_temporary")
def temporary_by_status_alone(error):
    status = getattr(error, "status_code", None)
    if status is not None:
        return np.bool_(status != 501 and (status >= 500 or status in {408, 429}))
    passing = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)
    return np.bool_(
        isinstance(error, passing) and not isinstance(origin(error), (OSError,)) or refused(error)
    )


def refused(error):
    return isinstance(error, httpx.ConnectError) and isinstance(origin(error), ConnectionError)


@right("rerank_with_fallback")
def fallback_with_else(query, documents, client, local):
    try:
        scores = scores_in_a_loop(query, documents, client)
    except Exception as error:
        if temporary_by_match(error):
            warnings.warn("SERVICE DOWN", RuntimeWarning, stacklevel=2)
            scores = [
                float(local.predict((query, document), show_progress_bar=False)) for document in documents
            ]
            who = "local"
        else:
            raise
    else:
        who = "hosted"
    return sorted(zip(documents, scores), key=lambda row: -row[1]), who


@right("rerank_with_fallback")
def fallback_by_tables(query, documents, client, local):
    table, who = pd.DataFrame({"text": documents}), "hosted"
    try:
        table["score"] = scores_by_sorting(query, documents, client)
    except (ApiError, httpx.HTTPError) as error:
        if not temporary_by_returning_early(error):
            raise RuntimeError("Mend it.") from error
        warnings.warn(UserWarning("fell back"))
        table["score"] = local.predict(inputs=[(query, text) for text in documents], batch_size=4)
        who = "local"
    table = table.sort_values("score", ascending=False, kind="stable")
    return [tuple(row) for row in table.to_numpy()], who


class Ranked(namedtuple("Ranked", "ranking scored_by")):
    """What is returned, with names."""


@right("rerank_with_fallback")
def fallback_by_a_class(query, documents, client, local):
    class Chain:
        scored_by = "hosted"

        def scores(self):
            try:
                return scores_by_next(query, documents, client)
            except Exception as error:
                if not temporary_by_match(error):
                    sys.exit(f"{error!r}")
                self.scored_by = "local"
                warnings.warn("local", category=ResourceLow)
                return local.predict([[query, document] for document in documents], convert_to_tensor=True)

    chain = Chain()
    scores = list(map(float, chain.scores()))
    best = heapq.nlargest(len(scores), range(len(scores)), key=scores.__getitem__)
    return Ranked([[documents[i], scores[i]] for i in best], chain.scored_by)


class ResourceLow(Warning):
    """Of a learner's own."""


@right("rerank_with_fallback")
def fallback_by_argsort(query, documents, client, local):
    error = None
    try:
        scores = np.array(scores_in_a_loop(query, documents, client))
    except BaseException as caught:
        if isinstance(caught, KeyboardInterrupt) or not temporary_by_match(caught):
            raise
        error = caught
    if error is not None:
        warnings.warn(str(error))
        scores = np.array(local.predict([(query, document) for document in documents]))
    order = np.argsort(scores)[::-1]
    return [(documents[i], scores[i]) for i in order], "hosted" if error is None else "local"
