"""Each rule of the advice, with numbers that call for it, and those at which it must stay silent."""

import numpy as np
import pytest

from rerank_course.report.advice import (
    DO_NOT_RERANK,
    MIX_ONLY,
    NOT_RERANKED,
    RERANK,
    TOO_FEW_QUERIES,
    advise,
    choose,
)
from rerank_course.report.measured import BETTER, Measured
from tests.report.made import collection, measured, run

POOR, FAIR, GOOD, BEST = [9] * 30, [4] * 30, [2] * 30, [1] * 30
LEVEL = [1] * 9 + [9] * 21  # a little better than FAIR on average, by queries that go either way


def limits(advice) -> str:
    return " ".join(advice.limits)


# Rule 1: too few queries


@pytest.mark.parametrize(
    ("queries", "words"),
    [(1, "1 has an answer. Judge 19 more"), (3, "3 have an answer. Judge 17 more"), (19, "Judge 1 more")],
)
def test_too_few_queries_get_no_advice_however_clear_they_look(queries, words):
    advice = advise(measured(BM25=[9] * queries, BM25_10=[1] * queries))
    assert advice.verdict == TOO_FEW_QUERIES and advice.system is None and words in advice.text
    assert "rerank" not in advice.text.lower()


def test_twenty_are_enough_to_speak():
    assert advise(measured(BM25=[9] * 20, BM25_10=[1] * 20)).verdict == RERANK


# Rule 2: the cheapest system that is enough


def test_the_smallest_depth_that_is_enough():
    advice = advise(measured(BM25=POOR, BM25_10=GOOD, BM25_50=GOOD))
    assert advice.verdict == RERANK and advice.system == "BM25 + rerank 10"
    assert advice.text.startswith(
        "Rerank the first 10 of BM25: nDCG@10 0.631, where its own ranking has 0.301."
    )
    assert "deeper buys nothing that these queries can show" in advice.text
    assert "10 is the smallest depth that was measured" in limits(advice)


def test_a_deeper_one_where_it_is_better_still():
    advice = advise(measured(BM25=POOR, BM25_10=FAIR, BM25_50=BEST))
    assert advice.system == "BM25 + rerank 50" and "nothing deeper than 50 was measured" in advice.text
    assert "smallest depth" not in limits(advice)


def test_a_smaller_depth_that_shows_nothing_is_passed_over():
    advice = advise(measured(BM25=POOR, BM25_10=POOR, BM25_20=GOOD, BM25_50=GOOD))
    assert advice.system == "BM25 + rerank 20"


def test_one_depth_only():
    advice = advise(measured(BM25=POOR, BM25_10=GOOD))
    assert "nothing deeper than 10 was measured" in advice.text
    assert "A smaller one may do as well" in limits(advice)


def test_a_reranked_poor_search_must_beat_the_best_search_and_not_only_its_own():
    advice = advise(measured(BM25=POOR, dense=GOOD, BM25_10=GOOD, dense_10=GOOD))
    assert (advice.verdict, advice.system) == (DO_NOT_RERANK, "dense")
    assert "dense, has nDCG@10 0.631, and no reranked one is better by more than chance" in advice.text


def test_the_best_first_stage_may_be_another_than_the_one_to_rerank():
    advice = advise(measured(BM25=FAIR, dense=GOOD, BM25_10=BEST, dense_10=GOOD))
    assert advice.system == "BM25 + rerank 10" and advice.compared_with == "dense"
    assert "where the best system without a reranker, dense, has 0.631. The difference, +0.369" in advice.text


def test_going_deeper_may_be_worse():
    advice = advise(measured(BM25=POOR, BM25_10=BEST, BM25_20=BEST, BM25_50=GOOD, BM25_100=FAIR))
    assert advice.system == "BM25 + rerank 10"
    assert "Deeper is worse by more than chance: 50 and 100 instead of 10." in advice.limits


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_numbers_no_advice_rests_on_chance(seed):
    draw = np.random.default_rng(seed)
    names = ("BM25", "dense", "BM25_5", "dense_5", "BM25_20", "dense_20", "BM25_80")
    spread = draw.integers(2, 11, len(names))
    found = measured(**{name: draw.integers(1, high, 25).tolist() for name, high in zip(names, spread)})
    chosen, base = choose(found), found.best_first_stage
    shown = {system.name: found.difference(base, system).shows for system in found.reranked}
    assert shown[chosen.name] == BETTER if chosen.depth else BETTER not in shown.values()
    deeper = [system for system in found.reranked if system.depth > chosen.depth]
    assert all(found.difference(chosen, system).shows != BETTER for system in deeper)


# Rule 3: never from a difference that may be chance


def test_a_difference_whose_interval_holds_zero_is_no_reason():
    found = measured(BM25=FAIR, BM25_10=LEVEL)
    difference = found.difference(*found.systems)
    assert difference.mean > 0 and difference.low < 0 < difference.high
    advice = advise(found)
    assert advice.verdict == DO_NOT_RERANK and advice.system == "BM25"
    assert f"So it may gain up to +{difference.high:.3f} after all" in limits(advice)


def test_all_differences_zero():
    advice = advise(measured(BM25=FAIR, BM25_10=FAIR, BM25_50=FAIR))
    assert advice.verdict == DO_NOT_RERANK and "differs by 0.000 (95 % interval 0.000 to 0.000)." in limits(
        advice
    )
    assert "may gain" not in limits(advice)


def test_five_queries_that_differ_are_no_reason_and_six_are():
    assert advise(measured(BM25=POOR, BM25_10=[1] * 5 + [9] * 25)).verdict == DO_NOT_RERANK
    assert advise(measured(BM25=POOR, BM25_10=[1] * 6 + [9] * 24)).verdict == RERANK


def test_reranking_that_makes_it_worse_is_called_so():
    advice = advise(measured(BM25=GOOD, BM25_10=FAIR, BM25_50=POOR))
    assert advice.verdict == DO_NOT_RERANK
    assert "even the best reranked one, BM25 + rerank 10, is worse by more than chance" in advice.text
    assert "may gain" not in limits(advice)


# First stages


def test_the_mix_is_advised_where_it_is_better_than_all_that_it_mixes():
    advice = advise(measured(BM25=POOR, dense=FAIR, hybrid=GOOD, hybrid_10=GOOD))
    assert advice.verdict == MIX_ONLY and advice.system == "hybrid"
    assert advice.text.startswith("Mix the searches, but do not rerank them: ")
    assert advice.text.endswith("The mix is better than BM25 and dense by more than chance.")


@pytest.mark.parametrize("dense", [GOOD, [2] * 25 + [3] * 5])
def test_the_mix_is_not_advised_where_it_cannot_be_told_from_what_it_mixes(dense):
    advice = advise(measured(BM25=POOR, hybrid=GOOD, dense=dense, hybrid_10=GOOD))
    assert advice.verdict == DO_NOT_RERANK and "Mix" not in advice.text
    assert "These queries do not tell hybrid from dense: choose what is simplest to run." in advice.limits


def test_a_mix_of_nothing_is_none():
    assert advise(measured(hybrid=GOOD, hybrid_10=GOOD)).verdict == DO_NOT_RERANK


def test_equals_of_the_chosen_one_are_named():
    advice = advise(measured(BM25=POOR, dense=POOR, BM25_10=GOOD, dense_10=GOOD))
    assert "These queries do not tell BM25 + rerank 10 from dense + rerank 10" in limits(advice)


def test_without_any_reranked_system():
    advice = advise(measured(BM25=POOR, dense=GOOD))
    assert advice.verdict == NOT_RERANKED and advice.system == "dense"
    assert "Nothing was reranked. The best search, dense, has nDCG@10 0.631." in advice.text
    assert advise(measured(BM25=GOOD, dense=GOOD)).system is None
    assert advise(measured(BM25=GOOD)).system == "BM25"


# Rule 4: limits


def test_several_systems_are_mentioned_and_two_are_not():
    assert "3 systems were compared on these 30 queries" in limits(
        advise(measured(BM25=POOR, BM25_10=GOOD, BM25_20=GOOD))
    )
    assert "systems were compared" not in limits(advise(measured(BM25=POOR, BM25_10=GOOD)))


@pytest.mark.parametrize(("judged", "said"), [(10, False), (8, False), (5, True)])
def test_thin_judging_is_said(judged, said):
    advice = advise(measured(collection(30, judged=judged), BM25=POOR, BM25_10=GOOD))
    assert ("Judging is thin" in limits(advice)) is said and advice.verdict == RERANK


def test_uneven_judging_is_said_with_the_one_that_may_be_better_than_it_looks():
    corpus = collection(30, judged=5)
    runs = {"BM25": run(POOR), "BM25 + rerank 10": run(GOOD)}
    runs["BM25"] = {query: ranking[5:] for query, ranking in runs["BM25"].items()}
    advice = advise(Measured(corpus, runs))
    said = limits(advice).replace("\u00a0", " ")
    assert (
        "ten of BM25 are judged less often than those of BM25 + rerank 10 (20 % against 50 %), so BM25"
        in said
    )


def test_uneven_judging_of_another_first_stage_is_said_too():
    corpus = collection(30)
    runs = {"dense": run(GOOD), "dense + rerank 10": run(GOOD), "BM25": run(POOR)}
    runs["BM25"] = {query: [("new", 9.0), *ranking] for query, ranking in runs["BM25"].items()}
    assert "BM25 may be better than its number" in limits(advise(Measured(corpus, runs)))


def test_few_queries_are_told_of_their_judging_too():
    assert "Judging is thin" in limits(
        advise(measured(collection(3, judged=2), BM25=[1, 1, 2], BM25_5=[1, 2, 3]))
    )


def test_names_that_would_turn_the_sentence_around_are_made_plain():
    advice = advise(Measured(collection(30), {"\u202eevil\x00": run(GOOD), "b": run(POOR)}))
    assert "The best search, evil�, has" in advice.text and advice.system == "\u202eevil\x00"
