"""Deciding whether there is an answer: fitted curves, and what cannot be fitted."""

import numpy as np
import pandas as pd
import pytest

from rerank_course.decide import METHODS, Decision, precision_by_coverage

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 4, 2000)
TRUE = 1 / (1 + np.exp(-(LOGITS - 2)))
ANSWERED = RANDOM.random(2000) < TRUE


@pytest.mark.parametrize("method", METHODS)
def test_the_true_curve_is_found(method):
    decision = Decision(LOGITS, ANSWERED, method)
    assert np.abs(decision.probability(LOGITS) - TRUE).mean() < 0.03
    assert decision.probability(2.0) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("unit", "zero"), [(1e-6, 0), (0.004, 0.02), (1e5, -3e5), (1, 1e4)])
def test_the_unit_of_the_scores_does_not_matter(method, unit, zero):
    expected = Decision(LOGITS, ANSWERED, method).probability(LOGITS)
    other = LOGITS * unit + zero
    assert Decision(other, ANSWERED, method).probability(other) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("method", METHODS)
def test_a_higher_score_is_never_less_probable(method):
    probabilities = Decision(LOGITS, ANSWERED, method).probability(np.linspace(-50, 50, 500))
    assert (np.diff(probabilities) >= 0).all()
    assert probabilities.min() >= 0 and probabilities.max() <= 1


def test_one_score_gives_a_float_and_several_an_array():
    decision = Decision(LOGITS, ANSWERED)
    assert isinstance(decision.probability(1), float)
    assert decision.probability(x for x in (1, 2, 3)).shape == (3,)
    assert decision.has_answer(20) is True and decision.has_answer(-20) is False
    assert repr(decision) == "Decision(method='platt', queries=2000)"


def test_scores_that_separate_the_two_sorts_exactly_are_fitted_too():
    decision = Decision(range(40), [place >= 20 for place in range(40)])
    assert decision.probability(0) < 0.01 and decision.probability(39) > 0.99


def test_precision_falls_as_more_is_shown():
    coverage, precision = precision_by_coverage([3, 1, 2, 4], [False, False, True, True])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])


def test_equal_scores_are_shown_together():
    coverage, precision = precision_by_coverage([1, 1, 1, 0], [True, False, False, True])
    assert coverage.tolist() == [0.75, 1.0] and precision.tolist() == pytest.approx([1 / 3, 1 / 2])


@pytest.mark.parametrize(
    ("scores", "answered", "message"),
    [
        ([], [], "scores is empty"),
        ([1.0, 2.0], [True], r"scores has the shape \(2,\), answered \(1,\)"),
        ([[1.0], [2.0]], [True, False], r"scores has the shape \(2, 1\)"),
        ([1.0, float("nan")], [True, False], "no finite number"),
        (["high", "low"], [True, False], "scores must be numbers"),
        (["1.5", "2"], [True, False], "scores must be numbers, not list"),
        (np.array([1, "2"], dtype=object), [True, False], "scores must be numbers, not ndarray"),
        ({1.0, 2.0}, [True, False], "scores must be numbers, not a set"),
        ([1.0, 2.0], [0, 3], "Compare grades first"),
        ([1.0, 2.0], [True, True], "All 2 queries are answered"),
        ([1.0, 2.0], [False, False], "All 2 queries are unanswered"),
    ],
)
def test_what_cannot_be_fitted_is_refused(scores, answered, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Decision(scores, answered)


def test_an_unknown_method_and_a_probability_outside_its_range_are_refused():
    with pytest.raises(ValueError, match="method must be one of 'platt', 'isotonic'"):
        Decision(LOGITS, ANSWERED, "softmax")
    with pytest.raises(ValueError, match="at_least must be a probability"):
        Decision(LOGITS, ANSWERED).has_answer(1, at_least=80)


def test_few_queries_and_a_score_that_decides_nothing_are_said():
    with pytest.warns(UserWarning, match="4 queries are few"):
        Decision([1, 2, 3, 4], [False, True, False, True])
    with pytest.warns(UserWarning, match="this score decides nothing"):
        Decision(-LOGITS, ANSWERED)


def test_a_unit_of_any_size_gives_the_same_curve():
    expected = Decision(LOGITS, ANSWERED).probability(LOGITS)
    for factor in (1e200, 1e-200):
        decision = Decision(LOGITS * factor, ANSWERED)
        assert decision.probability(LOGITS * factor) == pytest.approx(expected, abs=1e-6)


@pytest.mark.heavy
def test_torch_s_tensors_are_numbers():
    import torch

    expected = Decision(LOGITS, ANSWERED).probability(1.0)
    for scores in (
        torch.tensor(LOGITS, requires_grad=True),
        [torch.tensor(logit, requires_grad=True) for logit in LOGITS],
    ):
        assert Decision(scores, ANSWERED).probability(1.0) == pytest.approx(expected)
    coarse = Decision(torch.tensor(LOGITS).bfloat16(), ANSWERED)
    assert coarse.probability(torch.tensor(1.0).bfloat16()) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("scores", "answered", "message"),
    [
        ({"100": 5.0, "101": 1.0}, [True, False], "scores must be a list"),
        ([1.0, 2.0], {0: True, 1: False}, "answered must be a list"),
        ([1.0], True, "answered must be a list"),
        ([1.0], None, "answered must be a list"),
        ("12", [True, False], "scores must be a list"),
        ([1.0, 2.0], [[True], [True, False]], "one value each"),
        (pd.Series([1.0, 2.0]), pd.Series([True, False], index=[1, 0]), "have different indexes"),
    ],
)
def test_what_would_be_read_as_something_else_is_refused(scores, answered, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Decision(scores, answered)
    with pytest.raises((TypeError, ValueError), match=message):
        precision_by_coverage(scores, answered)


def test_probabilities_are_asked_for_one_score_or_for_a_list():
    decision = Decision(LOGITS, ANSWERED)
    assert decision.probability([]).shape == (0,)
    with pytest.raises(TypeError, match="scores must be numbers, not a str"):
        decision.probability("35")
    with pytest.raises(ValueError, match=r"scores has the shape \(1, 2\)"):
        decision.probability([[1.0, 2.0]])
    with pytest.raises(TypeError, match="has_answer takes one score"):
        decision.has_answer([1.0, 2.0])
    with pytest.raises(TypeError, match="at_least must be a probability"):
        decision.has_answer(1.0, None)
