"""The checks' models remember: whatever a check has scored once costs nothing in the rest of the session."""

import pytest

from rerank_course.checks import models
from tests.support.exercises import remembering


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
