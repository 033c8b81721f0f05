"""The threshold explorer: its F1 is scikit-learn's, its best threshold is the best, the slider calls it."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from rerank_course.lab.explorers.threshold import (
    at_threshold,
    draw_thresholds,
    f1_by_threshold,
    threshold_explorer,
    tuned_threshold,
)

SCORES, ANSWERS = [-3.0, -1.0, 0.0, 2.0, 2.0, 5.0], [False, True, False, True, False, True]
GROUPS = {"tuned": (SCORES, ANSWERS), "other": ([-4.0, 0.5, 1.0], [True, False, False])}


@pytest.mark.parametrize("threshold", [-9.0, -3.0, -1.0, 0.5, 2.0, 5.0])
def test_the_figures_are_scikit_learns(threshold):
    found, passing = at_threshold(SCORES, ANSWERS, threshold), np.array(SCORES) >= threshold
    assert found["passes"] == pytest.approx(passing.mean())
    for name, measure in (("precision", precision_score), ("recall", recall_score), ("F1", f1_score)):
        assert found[name] == pytest.approx(measure(ANSWERS, passing))


def test_nothing_passes():
    assert at_threshold(SCORES, ANSWERS, 6) == {"passes": 0, "precision": 0, "recall": 0, "F1": 0}


def test_the_curve_has_each_distinct_score_once_and_starts_where_everything_passes():
    random = np.random.default_rng(0)
    scores, answers = random.normal(size=200).round(1), random.random(200) < 0.2
    thresholds, f1 = f1_by_threshold(scores, answers)
    assert thresholds.tolist() == sorted(set(scores.tolist()))
    assert f1[0] == pytest.approx(2 * answers.mean() / (1 + answers.mean()))
    for threshold, value in zip(thresholds, f1):
        assert value == pytest.approx(at_threshold(scores, answers, threshold)["F1"])


def test_the_tuned_threshold_is_the_best_and_of_equal_ones_the_lowest():
    assert tuned_threshold(SCORES, ANSWERS) == max(
        sorted(set(SCORES)), key=lambda score: at_threshold(SCORES, ANSWERS, score)["F1"]
    )
    assert tuned_threshold([1.0, 2.0, 3.0, 4.0], [True, False, False, True]) == 1


@pytest.mark.parametrize(
    ("scores", "answers", "message"),
    [
        ([1.0, 2.0], [True], "one length"),
        ([[1.0, 2.0]], [[True, False]], "one length"),
        ([1.0, np.nan], [True, False], "finite"),
        ([1.0, 2.0], [False, False], "None of the pairs answers"),
        ([], [], "None of the pairs answers"),
    ],
)
def test_arguments_that_make_no_sense(scores, answers, message):
    for function in (f1_by_threshold, tuned_threshold, lambda *pairs: at_threshold(*pairs, 0.0)):
        with pytest.raises(ValueError, match=message):
            function(scores, answers)


def test_the_picture_tells_what_it_shows():
    alt = draw_thresholds(GROUPS, "logit", 2.0).alt
    assert alt.startswith("F1 against the threshold, logit. tuned: 0.67 if everything passes, at best")
    assert "other: 0.50 if everything passes" in alt and "0.00 at the mark" in alt
    assert alt.endswith("The mark stands at 2.00.")
    assert "mark" not in draw_thresholds(GROUPS, "logit").alt


def test_a_picture_of_nothing():
    with pytest.raises(ValueError, match="groups is empty"):
        draw_thresholds({}, "logit")


def test_the_slider_shows_the_picture_and_the_table():
    slider, shown = threshold_explorer(GROUPS, "logit", 2.0).children
    assert slider.value == pytest.approx(2, abs=slider.step) and (slider.min, slider.max) == (-4, 5)
    assert "The mark stands at" in shown.value and "<table" in shown.value
    before = shown.value
    slider.value = 0.5
    assert shown.value != before and "The mark stands at 0.5" in shown.value


def test_the_slider_begins_at_its_end_where_the_threshold_lies_outside():
    assert threshold_explorer(GROUPS, "logit", 99.0).children[0].value == 5
