"""Right answers as differently as people write get full points; wrong ones get the message meant for them."""

import pytest

from tests.checks.ways import (
    cosine_comparison_wrong,
    hosted_with_fallback_wrong,
    judge_a_ranking_wrong,
    long_document_wrong,
    mix_and_cascade_wrong,
    rerank_documents_wrong,
    score_pairs_wrong,
    wiring_clinic_wrong,
)
from tests.support.exercises import passes

ALL = [
    module.WAYS
    for module in (
        score_pairs_wrong,
        judge_a_ranking_wrong,
        mix_and_cascade_wrong,
        hosted_with_fallback_wrong,
        long_document_wrong,
        cosine_comparison_wrong,
        rerank_documents_wrong,
        wiring_clinic_wrong,
    )
]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, of wrong answers


@pytest.fixture(autouse=True)
def vectors_are_kept(request):
    """In the exercise that asks embedding models."""
    if "cosine_comparison" in request.node.name:
        request.getfixturevalue("embedders_that_remember")


@pytest.mark.parametrize(("ways", "part", "answer"), [case for ways in ALL for case in ways.right_cases()])
def test_right(ways, part, answer):
    check, cell = ways.checks[part]
    verdict = check(answer)
    assert verdict.status == "right", verdict
    name = ways.names.get(part, part)
    assert passes(ways.exercise, cell, **{**ways.others, name: answer})


@pytest.mark.parametrize(
    ("ways", "part", "answer", "message"), [case for ways in ALL for case in ways.wrong_cases()]
)
def test_wrong(ways, part, answer, message):
    verdict = ways.checks[part][0](answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict


def test_each_exercise_has_enough_of_both():
    for ways in ALL:
        assert len(ways.right_ones) >= 12 and len(ways.wrong_ones) >= 15, ways.exercise
