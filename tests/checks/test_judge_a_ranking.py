"""Checks of the exercise judge_a_ranking: right answers pass, here and in the graded cells."""

import numpy as np
import pytest

from rerank_course.checks.judge_a_ranking import (
    check_compare_queries,
    check_decide,
    check_judged_at_10,
    check_measure_run,
    check_reciprocal_rank,
)
from rerank_course.checks.toys.runs import AFTER, BEFORE, JUDGED_RANKINGS, QRELS, RUN, SYSTEMS
from rerank_course.evaluate import bootstrap_interval
from tests.checks.judge_answers import (
    RIGHT,
    compare_by_dictionary,
    decide_by_interval,
    judged_by_loop,
    rank_by_loop,
    run_in_one_call,
)
from tests.support.exercises import graded_cells, passes, stub

EXERCISE = "judge_a_ranking"

PARTS = {
    "reciprocal_rank": (check_reciprocal_rank, "graded-reciprocal-rank"),
    "measure_run": (check_measure_run, "graded-measures"),
    "judged_at_10": (check_judged_at_10, "graded-judged"),
    "compare_queries": (check_compare_queries, "graded-comparison"),
    "decide": (check_decide, "graded-decision"),
}


@pytest.mark.parametrize(
    ("part", "answer"), [(part, answer) for part, answers in RIGHT.items() for answer in answers]
)
def test_a_right_answer_passes_here_and_in_the_graded_cell(part, answer):
    check, cell = PARTS[part]
    verdict = check(answer)
    assert verdict.status == "right", verdict.message
    assert passes(EXERCISE, cell, **{part: answer})


@pytest.mark.parametrize("check", [check for check, _ in PARTS.values()])
def test_an_untouched_stub_is_not_attempted(check):
    verdict = check(stub)
    assert verdict.status == "not attempted" and "Write stub above" in verdict.message


def test_each_part_is_graded():
    assert set(graded_cells(EXERCISE)) == {cell for _, cell in PARTS.values()}


@pytest.mark.parametrize(
    ("part", "answer", "public"),
    [
        (
            "reciprocal_rank",
            lambda r, g: {tuple(r): rank_by_loop(r, g) for r, g in JUDGED_RANKINGS}.get(tuple(r), 0.5),
            "right",
        ),
        ("measure_run", lambda run, qrels: run_in_one_call(RUN, QRELS), "right"),
        (
            "judged_at_10",
            lambda r, g: {tuple(r): judged_by_loop(r, g) for r, g in JUDGED_RANKINGS}.get(tuple(r), 0.5),
            "right",
        ),
        ("compare_queries", lambda before, after: compare_by_dictionary(BEFORE, AFTER), "right"),
        (
            "decide",
            lambda before, after: {b["q1"]: decide_by_interval(b, a) for b, a in SYSTEMS}.get(
                before["q1"], "better"
            ),
            "right",
        ),
    ],
)
def test_a_hard_coded_answer_passes_here_and_fails_in_the_graded_cell(part, answer, public):
    check, cell = PARTS[part]
    assert check(answer).status == public, check(answer).message
    assert not passes(EXERCISE, cell, **{part: answer})


def test_the_systems_to_decide_about_are_clear_cases():
    """Another seed, or an interval by the t-distribution, must lead to the same decisions."""
    for before, after in SYSTEMS:
        differences = np.array([after[q] - before[q] for q in before])
        assert all(0 <= value <= 1 for value in [*before.values(), *after.values()])
        half = 2.03 * differences.std(ddof=1) / len(differences) ** 0.5
        by_t = (differences.mean() - half, differences.mean() + half)
        for low, high in (by_t, bootstrap_interval(differences), bootstrap_interval(differences, seed=1)):
            assert decide_by_interval(before, after) == (
                "better" if low > 0 else "worse" if high < 0 else "not shown"
            )


def test_a_learner_who_changes_the_arguments_does_not_change_the_check():
    def answer(ranking, grades):
        result = rank_by_loop(ranking, grades)
        ranking.clear(), grades.clear()
        return result

    assert check_reciprocal_rank(answer).status == "right"
    assert check_reciprocal_rank(rank_by_loop).status == "right"
