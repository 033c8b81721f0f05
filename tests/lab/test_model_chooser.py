"""The model chooser: the plain function, and that the controls call it."""

import itertools
import math

import pytest

from rerank_course.engine.weights import DEFAULT_RERANKER
from rerank_course.lab.current_models import CURRENT, NOT_PROMISED, all_options
from rerank_course.lab.explorers.model_chooser import (
    HOSTED_SECONDS,
    advice,
    choose_model,
    model_chooser,
    relative_compute,
    what_to_relax,
)
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


LOADED = {option.name for option in all_options()} - set(NOT_PROMISED)
ENGLISH = {option.name for option in all_options() if option.languages == "en"}
M3, MMARCO = "BAAI/bge-reranker-v2-m3", "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1"


def test_each_answer_drops_what_it_rules_out():
    plenty = {"budget_seconds": 1000, "may_leave": True}
    assert fitting(**plenty) == LOADED
    assert fitting(**plenty | {"may_leave": False}) == LOADED - {HOSTED}
    assert fitting(open_weights=True, **plenty) == LOADED - {HOSTED}
    assert fitting(language="zh", **plenty) == LOADED - ENGLISH
    assert fitting(language="de", **plenty) == {M3, MMARCO, HOSTED}
    assert fitting(language="sw", budget_seconds=1000) == {M3}


def test_german_in_five_seconds():
    """The case that once recommended a model whose time its own arithmetic put far above the limit."""
    answers = {"language": "de", "candidates": 50, "seconds_per_pair": 0.05}
    assert fitting(**answers, budget_seconds=5) == {MMARCO}
    table = choose_model(**answers, budget_seconds=5)
    assert table.loc[M3, "seconds"] > 30 and "more than 5 s" in table.loc[M3, "why"]


LANGUAGES = ("en", "de", "sw")
GRID = [
    dict(zip(("language", "open_weights", "may_leave", "gpu", "candidates", "budget_seconds"), values))
    for values in itertools.product(
        LANGUAGES, (False, True), (False, True), (False, True), (1, 200), (0.01, 0.9, 5.0)
    )
]


def test_what_it_recommends_passes_its_own_limits_else_it_says_what_to_relax():
    rows = {option.name: option for option in all_options()}
    for answers in GRID:
        answers = {**answers, "seconds_per_pair": 0.11}
        table = choose_model(**answers)
        for name in table.index[table["fits"]]:
            check_limits(rows[name], answers, table.loc[name, "seconds"])
        relaxed = what_to_relax(**answers)
        if table["fits"].any():
            assert relaxed == [] and advice(**answers).split(" fit: ")[1].startswith(table.index[0])
        else:
            assert relaxed and advice(**answers).startswith("Nothing fits. Any one of these helps: ")
        for change, words in relaxed:
            assert choose_model(**{**answers, **change})["fits"].any(), words


def check_limits(option, answers, shown):
    """Worked out from the catalogue's row, not by the chooser."""
    compute = (option.layers or 0) * (option.width or 0) ** 2 / (12 * 384**2)
    seconds = answers["candidates"] * answers["seconds_per_pair"] * compute
    assert option.languages == "multilingual" or answers["language"] in option.languages.split(", ")
    assert option.name not in NOT_PROMISED and "NC" not in option.licence
    if option.runs == "hosted":
        assert answers["may_leave"] and not answers["open_weights"]
        assert answers["budget_seconds"] >= HOSTED_SECONDS and math.isnan(shown)
    elif not answers["gpu"]:
        assert seconds <= answers["budget_seconds"] * (1 + 1e-9) and shown == pytest.approx(seconds)


def test_a_change_is_named_in_words():
    answers = {"language": "de", "candidates": 50, "budget_seconds": 1.5, "seconds_per_pair": 0.1}
    assert [change for change, _ in what_to_relax(**answers)] == [
        {"budget_seconds": 5.0},
        {"candidates": 15},
        {"may_leave": True},
    ]
    assert f"allow 5 s for a query (then {MMARCO} fits)" in advice(**answers)
    assert "rerank 15 candidates" in advice(**answers) and "let texts go to a service" in advice(**answers)


def test_a_licence_that_forbids_business_use_does_not_fit():
    (jina,) = [option for option in CURRENT if "NC" in option.licence]
    assert "forbids business use" in choose_model(budget_seconds=1000).loc[jina.name, "why"]


def test_time_is_scaled_by_compute():
    table = choose_model(candidates=100, seconds_per_pair=0.04, budget_seconds=5)
    assert table.loc[DEFAULT_RERANKER, "seconds"] == pytest.approx(4)
    assert table.loc[SMALL, "seconds"] == pytest.approx(2)
    assert table.loc[BASE, "seconds"] == pytest.approx(16)
    assert set(table.index[table["fits"]]) == {SMALL, DEFAULT_RERANKER, MMARCO, *small_ettins()}
    assert "16.0 s" in table.loc[BASE, "why"]
    assert LARGE in fitting(candidates=100, seconds_per_pair=0.04, budget_seconds=5, gpu=True)


def small_ettins():
    return {option.name for option in CURRENT if "17m" in option.name or "32m" in option.name}


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
