"""The checks' models remember: whatever a check has scored once costs nothing in the rest of the session."""

from functools import cache

import pytest

from rerank_course.checks import cosine_comparison, models
from tests.support.exercises import RemembersVectors, remembering


@pytest.fixture(scope="session", autouse=True)
def models_that_remember():
    """Each is loaded by the first check that asks for it."""
    cached = (models.cross_encoder, models.short_reranker)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "load_reranker", remembering(models.load_reranker))
        for model in cached:
            model.cache_clear()
        yield
    for model in cached:
        model.cache_clear()


@pytest.fixture(scope="session")
def reranker(models_that_remember):
    """The checks' own, which remembers nothing."""
    return models.cross_encoder().reranker


@pytest.fixture(scope="session")
def embedders_that_remember():
    """The same for the embedding models of the exercise cosine_comparison."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("embedder", "embedder_without_normalising"):
            load = getattr(cosine_comparison, name)
            patch.setattr(cosine_comparison, name, cache(lambda load=load: RemembersVectors(load())))
        yield
