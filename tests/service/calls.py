"""Calls of the stand-in, and a reranker without a model for it."""

import re

import cohere
import httpx
import numpy as np

QUERY = "How many people live in Berlin?"
DOCUMENTS = [
    "Berlin is well known for its museums.",
    "Berlin had a population of 3,520,031 registered inhabitants.",
    "Penguins cannot fly.",
]
BODY = {"model": "rerank-v5.0-fast", "query": QUERY, "documents": DOCUMENTS}


class WordCounter:
    """Scores without a model: how many words a document shares with the query, and one for a number in it."""

    def __init__(self):
        self.seen = []

    def predict(self, pairs):
        self.seen += pairs
        return np.array([_shared(query, document) for query, document in pairs], dtype=float)


def _shared(query, document):
    words = [set(re.findall(r"\w+", text.lower())) for text in (query, document)]
    return len(words[0] & words[1]) + any(word.isdigit() for word in words[1])


def post(service, body=None, key=None, path="/v2/rerank", **options):
    headers = {"Authorization": f"Bearer {service.key if key is None else key}"} | options.pop("headers", {})
    return httpx.post(
        service.url + path,
        json=BODY if body is None else body,
        headers=headers,
        trust_env=False,
        timeout=30,
        **options,
    )


def sdk(url, key):
    """Cohere's own client."""
    return cohere.ClientV2(api_key=key, base_url=url, httpx_client=httpx.Client(trust_env=False))
