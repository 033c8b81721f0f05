"""What runs are called, what differs between them, and what may be concluded from it."""

import pytest

from rerank_course.report.measured import BETTER, NOTHING, TOO_FEW, WORSE, Measured, System, read_systems
from tests.report.made import collection, measured, run

TWENTY_FOUR = [5] * 24


def test_names_say_what_was_reranked():
    assert read_systems(["BM25", "BM25 + rerank 10"]) == [
        System("BM25", "BM25"),
        System("BM25 + rerank 10", "BM25", 10),
    ]


@pytest.mark.parametrize(
    "name", ["mine + rerank 10", "BM25 + rerank x", "BM25 + rerank 0", "BM25 + rerank ²", "BM25+ rerank 5"]
)
def test_a_run_that_is_only_called_so_is_a_first_stage(name):
    assert read_systems(["BM25", name])[1] == System(name, name)


def test_a_run_may_have_no_name():
    assert read_systems(["", " + rerank 5"])[1] == System(" + rerank 5", "", 5)


def test_a_run_file_that_was_reranked_before_is_a_first_stage():
    names = ["BM25", "BM25 + rerank 5", "BM25 + rerank 10", "BM25 + rerank 10 + rerank 5"]
    systems = {system.name: system for system in read_systems(names)}
    assert not systems["BM25 + rerank 10"].depth
    assert systems["BM25 + rerank 10 + rerank 5"] == System(names[3], "BM25 + rerank 10", 5)
    assert systems["BM25 + rerank 5"].first_stage == "BM25"


def test_means_of_ranks_worked_out_by_hand():
    found = measured(BM25=[1, 3, 0])
    assert found.mean(found.first_stages[0]) == pytest.approx((1 + 0.5 + 0) / 3)
    assert found.mean(found.first_stages[0], "RR@10") == pytest.approx((1 + 1 / 3 + 0) / 3)


def test_a_difference_that_all_queries_show():
    found = measured(BM25=TWENTY_FOUR, BM25_10=[2] * 24)
    base, reranked = found.systems
    there, back = found.difference(base, reranked), found.difference(reranked, base)
    assert there.shows == BETTER and back.shows == WORSE and there.changed == 24
    assert there.mean == -back.mean > 0 and there is found.difference(base, reranked)


@pytest.mark.parametrize(
    ("places", "shows"),
    [
        (TWENTY_FOUR, NOTHING),
        ([1] * 12 + [0] * 12, NOTHING),
        ([1] * 5 + [5] * 19, NOTHING),  # its interval leaves 0 out, but five are too few
        ([1] * 6 + [5] * 18, BETTER),
        ([0] * 24, WORSE),
    ],
)
def test_what_a_difference_shows(places, shows):
    found = measured(BM25=TWENTY_FOUR, BM25_10=places)
    assert found.difference(*found.systems).shows == shows


@pytest.mark.parametrize("queries", [1, 3, 19])
def test_few_queries_show_nothing_however_clear_they_look(queries):
    found = measured(BM25=[9] * queries, BM25_10=[1] * queries)
    difference = found.difference(*found.systems)
    assert difference.low > 0 and difference.shows == TOO_FEW


def test_of_equal_systems_the_first_is_the_best():
    found = measured(BM25=[1] * 3, dense=[1] * 3, dense_5=[1] * 3)
    assert found.best_first_stage.name == "BM25" and found.best(found.reranked).depth == 5


def test_systems_stand_behind_their_first_stage_by_depth():
    found = measured(BM25=[1], dense=[1], dense_50=[1], BM25_50=[1], BM25_5=[1])
    assert [system.name for system in found.systems] == [
        "BM25",
        "BM25 + rerank 5",
        "BM25 + rerank 50",
        "dense",
        "dense + rerank 50",
    ]
    assert found.depths == [5, 50]
    deep = found.systems[2]
    assert found.step_before(deep).depth == 5 and found.step_before(found.systems[1]).name == "BM25"
    assert found.stage_of(deep).name == "BM25"


def test_pairs_are_counted_as_far_as_the_search_found_any():
    runs = {"BM25": run([1, 2]), "BM25 + rerank 50": run([1, 2]), "BM25 + rerank 4": run([1, 2])}
    runs["BM25"]["q1"] = []
    found = Measured(collection(2), runs)
    stage, four, fifty = found.systems
    assert [found.pairs_a_query(one) for one in (stage, four, fifty)] == [0, 2, 5]
    assert found.found_nothing(stage) == 1 and found.found_nothing(four) == 0


def test_what_cannot_be_measured_is_said():
    with pytest.raises(ValueError, match="no run to report on"):
        Measured(collection(2), {})
    with pytest.raises(ValueError, match="unknown|does not have"):
        Measured(collection(1), {"BM25": run([1, 1])})
