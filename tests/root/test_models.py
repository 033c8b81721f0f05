"""The models to choose from: names, limits, arguments."""

import pytest

from rerank_course import models
from rerank_course.engine.hub import UnsuitableModelError
from rerank_course.engine.weights import DEFAULT_RERANKER
from rerank_course.models import CATALOGUE, DEFAULT_HOSTED, is_packaged, load_embedder, load_reranker


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["cross-encoder/ms-marco-MiniLM-L-12-v2", "ms-marco-MiniLM-L12-v2"])
def test_both_spellings_of_the_default_are_packaged(name):
    assert is_packaged(DEFAULT_RERANKER) and is_packaged(name)
    assert load_reranker(name).max_seq_length == 512


@pytest.mark.parametrize("name", [DEFAULT_HOSTED, "rerank-v3.5"])
def test_a_hosted_model_is_not_loaded(name):
    with pytest.raises(UnsuitableModelError, match=f"{name} is a service that is called.*CohereReranker"):
        load_reranker(name)


def test_max_length_can_be_lowered_and_not_raised(reranker):
    short = load_reranker(max_length=64)
    document = "Berlin is a city. " * 50
    cut = " ".join(document.split()[:200])
    assert short.max_seq_length == 64
    of_cut = float(short.predict(("Berlin", cut)))
    assert short.predict(("Berlin", document)) == pytest.approx(of_cut, abs=1e-5)
    with pytest.raises(ValueError, match="max_length must be from 8 to 512"):
        load_reranker(max_length=513)
    for length in (0, 7):
        with pytest.raises(ValueError, match="max_length must be from 8 to 512"):
            models._limit_length(reranker, length)


@pytest.mark.heavy
def test_loading_needs_no_progress_bar_and_changes_no_setting(capfd):
    from transformers.utils import logging

    load_reranker(), load_embedder()
    assert capfd.readouterr().err == ""
    assert logging.is_progress_bar_enabled()


def test_unusable_arguments():
    with pytest.raises(ValueError, match="backend must be one of 'torch', 'int8', not 'cuda'"):
        load_reranker(backend="cuda")
    for name in ("", None, 3):
        with pytest.raises(ValueError, match="takes a model's name"):
            load_reranker(name)


def test_calibration_that_is_none():
    """Refused before anything is loaded."""
    pair = ("a query", "a document")
    for calibration, error, message in [
        ([pair], ValueError, "needs at least 20 different pairs, better 200, not 1"),
        ([pair] * 30, ValueError, "needs at least 20 different pairs, better 200, not 30"),
        ([], ValueError, "needs at least 20 different texts"),
        ("a text", TypeError, "must be a list of .query, document. pairs or of texts, not str"),
        (7, TypeError, "not int"),
        ([pair, "a text"], TypeError, r"calibration\[1\] must be two strings"),
        ([pair, ("a", None)], TypeError, r"calibration\[1\] must be two strings"),
        ([pair, ("a", "b", "c")], TypeError, r"calibration\[1\] must be two strings"),
        ([pair, ("a", " ")], ValueError, r"calibration\[1\] holds no text"),
    ]:
        with pytest.raises(error, match=message):
            load_reranker("some-org/some-reranker", backend="int8", calibration=calibration)
    with pytest.raises(ValueError, match='calibration is for backend="int8"'):
        load_reranker(calibration=[pair] * 30)
    with pytest.raises(UnsuitableModelError, match="is a service that is called"):
        load_reranker(DEFAULT_HOSTED, backend="int8")
    with pytest.raises(ValueError, match="runs on the CPU, not on 'cuda'"):
        load_reranker(backend="int8", device="cuda")


def test_the_embedder_gives_vectors_of_length_one(embedder):
    vectors = embedder.encode(["one text", "another"])
    assert vectors.shape == (2, 384)
    assert (vectors**2).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert embedder.max_seq_length == 256


def test_the_catalogue_names_what_is_packaged():
    assert [option.name for option in CATALOGUE if option.runs == "packaged"] == [DEFAULT_RERANKER]
    assert len({option.name for option in CATALOGUE}) == len(CATALOGUE) == 5
    assert {option.name: option.licence for option in CATALOGUE if "bge" in option.name} == {
        "BAAI/bge-reranker-base": "MIT",
        "BAAI/bge-reranker-large": "MIT",
    }
