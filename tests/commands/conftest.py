"""What tests of commands share."""

import pytest

from rerank_course import models


@pytest.fixture
def loaded_once(monkeypatch, reranker, embedder):
    """Commands get the packaged models that the tests have loaded already; any other name is loaded anew."""
    load = models.load_reranker

    def load_reranker(name=models.DEFAULT_RERANKER):
        return reranker if name == models.DEFAULT_RERANKER else load(name)

    monkeypatch.setattr(models, "load_reranker", load_reranker)
    monkeypatch.setattr(models, "load_embedder", lambda: embedder)
