"""What a large run will cost."""

import pytest

from rerank_course.lab.cost import Machine, PairCost, fit_pair_cost, plan


def test_a_line_through_measured_times_is_found_again():
    tokens = [20, 60, 150, 400, 512]
    cost = fit_pair_cost(tokens, [0.002 + 0.0001 * length for length in tokens])
    assert (cost.per_pair, cost.per_token) == (pytest.approx(0.002), pytest.approx(0.0001))
    assert cost.seconds(1000, 180) == pytest.approx(20)
    noisy = fit_pair_cost([10, 10, 500, 500], [0.9, 1.1, 45, 55])  # ten per cent off at both ends
    assert noisy.seconds(1, 10) == pytest.approx(1, rel=0.05) and noisy.seconds(1, 500) == pytest.approx(
        50, rel=0.05
    )


def test_a_plan_counts_workers_their_efficiency_and_the_start():
    cost = PairCost(0.01, 0.0001)
    machine = Machine("eight", workers=8, price=0.5, efficiency=0.9, start=120)
    one = plan(cost, 1e6, 100, machine)
    assert one["hours"] == pytest.approx((1e6 * 0.02 / 7.2 + 120) / 3600)
    ten = plan(cost, 1e6, 100, machine, 10)
    assert ten["hours"] == pytest.approx((1e6 * 0.02 / 72 + 120) / 3600)
    assert (
        ten["price"] == pytest.approx(ten["machine hours"] * 0.5) and ten["price"] > one["price"]
    )  # ten machines start, and are paid for it
    assert plan(cost, 1e6, 100, Machine("fast", 1, 2.0, speed=40))["hours"] == pytest.approx(
        20_000 / 40 / 3600
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_pair_cost([100, 100], [1, 2]), "two different lengths"),
        (lambda: fit_pair_cost([100, 200], [1]), "one time for each"),
        (lambda: fit_pair_cost([100, 200], [1, 0]), "above 0"),
        (lambda: Machine("none", 0, 1.0), "at least one worker"),
        (lambda: Machine("more", 2, 1.0, efficiency=1.2), "up to 1"),
        (lambda: plan(PairCost(1, 1), 1, 1, Machine("one", 1, 1.0), 0), "machines must be at least 1"),
    ],
)
def test_impossible_numbers_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
