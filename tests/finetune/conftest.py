"""A toy reranker of random weights, and one training of it that several tests look at."""

import pytest

from rerank_course.finetune import Recipe

QUICK = Recipe(
    learning_rate=1e-3,
    epochs=2,
    batch_size=2,
    frozen_layers=1,
    negatives=3,
    max_length=64,
    patience=None,
)


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory):
    """A BERT of two layers, as transformers saves it."""
    from tests.support import toy_encoders

    folder = tmp_path_factory.mktemp("toy") / "toy-reranker"
    toy_encoders.write("bert", folder)
    return folder


@pytest.fixture
def tuned(toy_folder, tmp_path):
    """Trains the toy on the toy collection: ``tuned(recipe, …)``."""
    pytest.importorskip("accelerate")
    pytest.importorskip("datasets")
    from rerank_course.finetune import fine_tune
    from rerank_course.models import load_reranker
    from tests.finetune.toys import FOUND, TOYS

    def train(recipe=QUICK, folder=tmp_path / "tuned", **options):
        given = {"corpus": TOYS, "search": FOUND, "model": str(toy_folder), "show_progress": False} | options
        # Given, so that no scores of a toy are kept in the model cache.
        untouched = load_reranker(given["model"])
        return fine_tune(folder=folder, recipe=recipe, untouched=untouched, **given)

    return train
