"""The model chooser: the plain function, and that the controls call it."""

import math

import pytest

from rerank_course.engine.weights import DEFAULT_RERANKER
from rerank_course.lab.explorers.model_chooser import choose_model, model_chooser, relative_compute
from rerank_course.models import CATALOGUE

SMALL, BASE, LARGE, HOSTED = (
    "cross-encoder/ms-marco-MiniLM-L6-v2",
    "BAAI/bge-reranker-base",
    "BAAI/bge-reranker-large",
    CATALOGUE[-1].name,
)


def fitting(**answers):
    table = choose_model(**answers)
    return set(table.index[table["fits"]])


def test_each_answer_drops_what_it_rules_out():
    plenty = {"budget_seconds": 1000, "may_leave": True}
    assert fitting(**plenty) == {option.name for option in CATALOGUE}
    assert fitting(**plenty | {"may_leave": False}) == {option.name for option in CATALOGUE} - {HOSTED}
    assert fitting(open_weights=True, **plenty) == {option.name for option in CATALOGUE} - {HOSTED}
    assert fitting(language="zh", **plenty) == {BASE, LARGE, HOSTED}
    assert fitting(language="de", **plenty) == {HOSTED}
    assert fitting(language="de", budget_seconds=1000) == set()


def test_time_is_scaled_by_compute():
    table = choose_model(candidates=100, seconds_per_pair=0.04, budget_seconds=5)
    assert table.loc[DEFAULT_RERANKER, "seconds"] == pytest.approx(4)
    assert table.loc[SMALL, "seconds"] == pytest.approx(2)
    assert table.loc[BASE, "seconds"] == pytest.approx(16)
    assert set(table.index[table["fits"]]) == {SMALL, DEFAULT_RERANKER}
    assert "16.0 s" in table.loc[BASE, "why"]
    assert LARGE in fitting(candidates=100, seconds_per_pair=0.04, budget_seconds=5, gpu=True)


def test_a_service_needs_time_for_the_network():
    assert HOSTED not in fitting(may_leave=True, budget_seconds=0.5)


def test_every_row_has_a_reason_and_the_fitting_come_first():
    table = choose_model()
    assert table["why"].str.len().min() > 0
    assert table["fits"].tolist() == sorted(table["fits"], reverse=True)


def test_relative_compute_of_the_catalogue():
    values = [relative_compute(option) for option in CATALOGUE]
    assert values[:2] == [0.5, 1]
    assert values[2] == 4 and values[3] == pytest.approx(14.2, abs=0.1) and math.isnan(values[4])


@pytest.mark.parametrize("name", ["candidates", "budget_seconds", "seconds_per_pair"])
def test_numbers_that_make_no_sense(name):
    with pytest.raises(ValueError, match=name):
        choose_model(**{name: 0})


def test_the_chooser_reacts():
    chooser = model_chooser(seconds_per_pair=0.04)
    *controls, shown = chooser.children
    before = shown.value
    controls[0].value = "de"
    assert before != shown.value and "not on de" in shown.value
