"""The checks' models remember: whatever a check has scored once costs nothing in the rest of the session."""

from functools import cache

import pytest

from rerank_course.checks import cosine_comparison, models
from tests.support.exercises import RemembersScores, RemembersVectors


class Remembers(RemembersScores):
    """The same with the library's name for the pairs, and for options that change no score."""

    def predict(
        self, inputs, *others, batch_size=32, show_progress_bar=None, convert_to_numpy=True, **options
    ):
        if others:
            return self.reranker.predict(inputs, *others)
        return super().predict(inputs, batch_size=batch_size, **options)


@pytest.fixture(scope="session", autouse=True)
def models_that_remember():
    """Each is loaded by the first check that asks for it."""
    cached = (models.cross_encoder, models.short_reranker)
    with pytest.MonkeyPatch.context() as patch:
        load = models.load_reranker
        patch.setattr(models, "load_reranker", lambda *given, **options: Remembers(load(*given, **options)))
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
