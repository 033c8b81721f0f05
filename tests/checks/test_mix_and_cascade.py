"""Checks of the exercise mix_and_cascade: right answers pass, wrong ones get the message meant for them."""

import statistics

import numpy as np
import pytest

from rerank_course.checks import mix_and_cascade_mistakes as mistakes
from rerank_course.checks.mix_and_cascade_mistakes import CHEAP, CHOICES, DEAR, MIXES, SCORE_LISTS
from rerank_course.mixing import min_max, mix, reciprocal_ranks
from tests.checks.mix_answers import (
    EXERCISE,
    PARTS,
    RIGHT,
    all_best,
    asks_dear_in_any_case,
    best_of,
    cascade_by_places,
    cascade_with,
    choose_by_tuple,
    means,
    mix_by_loop,
    mixed_after,
    mixed_with,
    one_by_one,
    only_dear,
    others,
    turned,
    unread_as_zero,
    with_scores_together,
    z_by_numpy,
    z_with,
)
from tests.support.exercises import graded_cells, passes, stub

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, of wrong answers


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


def test_a_mix_over_an_unfinished_part_1_says_what_to_write():
    def mix_scores(found, reranked, weight):
        return mix_by_loop(found, reranked, weight, normalise=z_scores)

    def z_scores(scores):
        raise NotImplementedError()

    verdict = PARTS["mix_scores"][0](mix_scores)
    assert verdict.status == "not attempted" and "Write z_scores, which mix_scores calls," in verdict.message


def test_each_part_is_graded():
    assert set(graded_cells(EXERCISE)) == {cell for _, cell in PARTS.values()}


KNOWN_MIXES = {repr((list(f), dict(r), w)): mix_by_loop(f, r, w) for f, r, w in MIXES}
KNOWN_CHOICES = {repr((values, list(ids))): choose_by_tuple(values, ids) for values, ids in CHOICES}


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ("z_scores", lambda scores: z_by_numpy(scores) if scores in SCORE_LISTS else scores),
        ("mix_scores", lambda f, r, w: KNOWN_MIXES.get(repr((f, r, w)), [document for document, _ in f])),
        ("choose_weight", lambda values, training: KNOWN_CHOICES.get(repr((values, training)), 0.5)),
        (
            "cascade_within",
            lambda budget, q, cs, cheap, dear: (
                cascade_by_places(budget, q, cs, cheap, dear) if cs == list(CHEAP) else cs
            ),
        ),
    ],
)
def test_a_hard_coded_answer_passes_here_and_fails_in_the_graded_cell(part, answer):
    check, cell = PARTS[part]
    assert check(answer).status == "right", check(answer).message
    assert not passes(EXERCISE, cell, **{part: answer})


def test_mistakes_are_told_apart():
    """Where a message names a cause, no other known mistake gives the same, and none is right."""
    found, reranked, weight = MIXES[0]
    orders = [tuple(one.result) for one in mistakes.mistakes_of_mix(found, reranked, weight)]
    orders.append(tuple(mix_by_loop(found, reranked, weight)))
    assert len(set(orders)) == len(orders)
    weights = [one.result for one in mistakes.mistakes_of_weight(*CHOICES[0])]
    assert len({*weights, choose_by_tuple(*CHOICES[0])}) == len(weights) + 1
    orders = [tuple(one.result) for one in mistakes.mistakes_of_cascade(list(CHEAP), CHEAP, DEAR, 4)]
    assert len(set(orders)) == len(orders)


def test_mixed_scores_are_clearly_apart_or_equal():
    """Rounding must not decide an order."""
    for found, reranked, weight in MIXES:
        scores = [score for _, score in mix(found, reranked.items(), weight)]
        gaps = [first - second for first, second in zip(scores, scores[1:])]
        assert all(abs(gap) < 1e-12 or gap > 0.01 for gap in gaps)


@pytest.mark.parametrize("part", PARTS)
def test_a_learner_who_changes_the_arguments_does_not_change_the_check(part):
    def answer(*arguments):
        result = RIGHT[part][0](*arguments)
        for argument in arguments:
            if isinstance(argument, (list, dict)):
                argument.clear()
        return result

    assert PARTS[part][0](answer).status == "right"
    assert PARTS[part][0](RIGHT[part][0]).status == "right"


def assert_wrong(part, answer, message):
    verdict = PARTS[part][0](answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict.message


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (z_with(spread=statistics.stdev), "divides by the number of scores less one"),
        (z_with(spread=lambda scores: 1), "did not divide by the standard deviation"),
        (z_with(spread=statistics.pvariance), "You divided by the variance"),
        (z_with(centre=lambda scores: 0), "did not take off the mean"),
        (
            lambda s: [x - statistics.fmean(s) / statistics.pstdev(s) for x in s],
            "Put brackets around score − mean",
        ),
        (lambda s: [-z for z in z_by_numpy(s)], "The sign is turned"),
        (lambda s: min_max(np.array(s)), "That is from 0 to 1"),
        (lambda s: sorted(z_by_numpy(s), reverse=True), "Keep the order of the scores"),
        (lambda s: [0.5] * len(s), "it is [0.218, -1.091, 1.528, -0.655]."),
        (lambda s: (np.array(s) - np.mean(s)) / np.std(s), "0 / 0 is nan"),
        (
            lambda s: [(x - statistics.fmean(s)) / statistics.pstdev(s) for x in s],
            "The standard deviation of equal scores is 0.",
        ),
        (z_with(equal=lambda scores: [1.0] * len(scores)), "None of them is above the mean"),
        (z_with(equal=lambda scores: scores), "You returned the scores as they are"),
        (
            lambda s: z_by_numpy(s) if len(s) != 1 else [s[0] / statistics.stdev(s)],
            "One score has no distance to its mean",
        ),
        (lambda s: z_by_numpy(s) if s else [max(s)], "raised ValueError: max() arg is an empty sequence"),
        (lambda s: z_by_numpy(s) if s else [max(s)], "An empty list has no mean"),
        (lambda s: z_by_numpy(s) if s else [0.0], "should return 0 values"),
        (lambda s: z_by_numpy(s) if s else None, "returned None. Is a return statement missing?"),
        (
            lambda s: (np.array(s) - np.mean(s)) / np.std(s) if s and np.std(s) != 0 else [0.0] * len(s),
            "their standard deviation is 1e-17 and not 0",
        ),
        (lambda s: dict(zip(s, z_by_numpy(s))), "should return a list with one number for each score"),
        (lambda s: (z for z in z_by_numpy(s)), "should return a list with one number for each score"),
        (lambda s: [f"{z:.2f}" for z in z_by_numpy(s)], "but one of them is str '0.22'"),
        (lambda s: undefined, "raised NameError"),  # noqa: F821
    ],
)
def test_z_scores_wrong(answer, message):
    assert_wrong("z_scores", answer, message)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (mixed_after(lambda both, rest: both[::-1] + rest), "The worst comes first"),
        (mixed_after(lambda both, rest: (both + rest)[::-1]), "The whole list is turned round"),
        (lambda f, r, w: mix_by_loop(f, r, 1 - w), "The weights are swapped"),
        (mixed_with(normalise=lambda scores: scores), "the order of the raw scores' mix"),
        (mixed_with(pair=lambda reranked: list(reranked.values())), "You paired the scores by place"),
        (mixed_with(over_all=True), "over all candidates"),
        (mixed_with(normalise=lambda s: min_max(np.array(s))), "That is the order with min-max"),
        (mixed_with(normalise=lambda s: reciprocal_ranks(np.array(s))), "That is the order by ranks"),
        (lambda f, r, w: mix_by_loop(f, r, 0), "That is the search's order"),
        (lambda f, r, w: mix_by_loop(f, r, 1), "That is the reranker's order"),
        (lambda f, r, w: mix_by_loop(f, r, 0.5), "That is the order for the weight 0.5. Here it is 0.4"),
        (lambda f, r, w: mix_by_loop(f, r, w or 0.5), "That is the order for the weight 0.5. Here it is 0."),
        (
            lambda f, r, w: mix_by_loop(f, r, w, has=lambda d: bool(r.get(d))),
            "'d6' has the reranker score 0.0, which is a score",
        ),
        (unread_as_zero, "has no reranker score and stands before"),
        (mixed_after(lambda both, rest: rest + both), "'d7' has no reranker score and stands before 'd6'"),
        (mixed_after(lambda both, rest: both), "left out 'd7'. It has no reranker score, and stays behind"),
        (mixed_after(lambda both, rest: both[1:] + rest), "left out 'd6'."),
        (mixed_after(lambda both, rest: both + sorted(rest)), "should stay in the search's order"),
        (
            mixed_with(sort=lambda mixed: sorted(mixed, key=mixed.get)[::-1]),
            "Sorting in ascending order and then reversing",
        ),
        (
            mixed_with(sort=lambda mixed: [d for _, d in sorted((-m, d) for d, m in mixed.items())]),
            "Yours are in the order of their ids",
        ),
        (
            mixed_with(sort=lambda mixed: [d for _, d in sorted(((m, d) for d, m in mixed.items()))[::-1]]),
            "Yours are in the order of their ids",
        ),
        (mixed_after(lambda both, rest: [both[1], both[0], *both[2:], *rest]), "The mixed scores are d6 0."),
        (mixed_after(lambda both, rest: both + rest + both[:1]), "twice"),
        (mixed_after(lambda both, rest: set(both + rest)), "should return a list of document ids"),
        (mixed_after(lambda both, rest: iter(both + rest)), "should return a list of document ids"),
        (mixed_after(lambda both, rest: list(enumerate(both + rest))), "document ids alone"),
        (lambda f, r, w: mix(f, r.items(), w), "document ids alone, but the list holds tuple ('d6', "),
        (mixed_after(lambda both, rest: list(range(9))), "but the list holds int 0, which is none"),
        (lambda f, r, w: sorted((d for d, _ in f), key=lambda d: r[d]), "'d7' has no reranker score. Ask"),
        (
            mixed_with(normalise=lambda s: [(x - sum(s) / len(s)) / statistics.pstdev(s) for x in s]),
            "Here the search's scores are all equal",
        ),
        (
            lambda f, r, w: mix_by_loop(f, r, w) if len(r) != 1 else [statistics.stdev(r.values())],
            "Here only one candidate has both scores",
        ),
        (
            lambda f, r, w: mix_by_loop(f, r, w) if r else [max(r.values())],
            "Here no candidate has both scores",
        ),
    ],
)
def test_mix_wrong(answer, message):
    assert_wrong("mix_scores", answer, message)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda v, t: best_of(v, next(iter(v.values()))), "That is the best weight over all queries"),
        (lambda v, t: best_of(v, others(v, t)), "for the queries that are not training queries"),
        (lambda v, t: min(v, key=means(v, t).get), "It has the lowest mean"),
        (
            lambda v, t: max(v, key=lambda w: sum(v[w][q] >= max(row[q] for row in v.values()) for q in t)),
            "It is the best for more training queries than any other",
        ),
        (lambda v, t: max(v, key=lambda w: max(v[w][q] for q in t)), "the highest value of a single"),
        (best_of, "as far from one half. Then take the smaller one"),
        (lambda v, t: min(all_best(v, t)), "0.25 is nearer to one half"),
        (lambda v, t: max(all_best(v, t)), "0.25 is nearer to one half"),
        (lambda v, t: min(all_best(v, t), key=lambda w: abs(w - 0.5)), "Then take the smaller one"),
        (lambda v, t: 0.5, "which is none of the weights"),
        (lambda v, t: max(means(v, t).values()), "That is the best mean. Return the weight"),
        (lambda v, t: (choose_by_tuple(v, t), 0.7), "should return one weight, but returned tuple (0.6"),
        (lambda v, t: str(choose_by_tuple(v, t)), "should return one weight, but returned str '0.6'"),
        (lambda v, t: [choose_by_tuple(v, t)], "should return one weight, but returned list [0.6]"),
        (lambda v, t: max(v[w][t] for w in v), "raised TypeError"),
        (lambda v, t: print(best_of(v, t)), "returned None"),
    ],
)
def test_choose_wrong(answer, message):
    assert_wrong("choose_weight", answer, message)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda b, q, cs, cheap, dear: cs, "never called cheap.predict"),
        (
            lambda b, q, cs, cheap, dear: cascade_by_places(b, q, cs, cheap, cheap),
            "cheap.predict 2 times",
        ),
        (cascade_with(ask=one_by_one), "called cheap.predict 7 times. Call it once"),
        (only_dear(one_by_one), "called dear.predict 4 times. Call it once"),
        (cascade_with(ask=turned), "The query comes first in a pair"),
        (only_dear(turned), "gave dear the pair"),
        (
            lambda b, q, cs, cheap, dear: cascade_by_places(b, q, cs[:b], cheap, dear),
            "let cheap score 4 pairs. Let it score all 7",
        ),
        (cascade_with(cut=False), "asked dear for 7 pairs. Cut first, then ask"),
        (
            lambda b, q, cs, cheap, dear: cascade_by_places(b + 1, q, cs, cheap, dear),
            "With a budget of 4 and 7 candidates, your function asked dear for 5 pairs.",
        ),
        (
            lambda b, q, cs, cheap, dear: cascade_by_places(max(b - 1, 0), q, cs, cheap, dear),
            "asked dear for 3 pairs only, and it may read 4",
        ),
        (lambda b, q, cs, cheap, dear: cascade_by_places(0, q, cs, cheap, dear), "never called dear.predict"),
        (cascade_with(choose=lambda ranked, cs: cs), "Those are the first as they came"),
        (cascade_with(choose=lambda ranked, cs: ranked[::-1]), "Those are the cheap model's worst"),
        (cascade_with(choose=lambda ranked, cs: ranked[2:] + ranked[:2]), "which has place 5 in the cheap"),
        (
            asks_dear_in_any_case,
            "With a budget of 0 and 7 candidates, your function called dear.predict with",
        ),
        (only_dear(lambda model, pairs: [model.predict(pairs), *pairs][1:]), "TypeError: bad operand"),
        (only_dear(lambda model, pairs: -model.predict(pairs)), "the worst comes first"),
        (
            only_dear(lambda model, pairs: [-n for n, _ in enumerate(model.predict(pairs))]),
            "That is the cheap model's order",
        ),
        (cascade_with(join=lambda read, rest: (read + rest)[::-1]), "The whole list is turned round"),
        (
            cascade_with(join=lambda read, rest: read + [c for c in CHEAP if c in rest]),
            "stand as they came. They stay in the cheap model's order",
        ),
        (cascade_with(join=lambda read, rest: read + rest[::-1]), "the cheap model's worst comes first"),
        (cascade_with(join=lambda read, rest: rest + read), "stand in front. They belong behind"),
        (with_scores_together, "You sorted both models' scores in one list"),
        (
            cascade_with(join=lambda read, rest: sorted(read, key=lambda c: -CHEAP[c] - DEAR[c]) + rest),
            "You added the two scores",
        ),
        (cascade_with(join=lambda read, rest: list(CHEAP)), "They stand as they came"),
        (cascade_with(join=lambda read, rest: read), "The dear model did not read it, and it comes behind"),
        (cascade_with(join=lambda read, rest: read[1:] + rest), "left out 'The mechanic on call"),
        (cascade_with(join=lambda read, rest: read + rest + read), "twice"),
        (cascade_with(join=lambda read, rest: [(c, 1.0) for c in read + rest]), "candidates alone"),
        (cascade_with(join=lambda read, rest: range(7)), "but the list holds int 0, which is none"),
        (cascade_with(join=lambda read, rest: set(read + rest)), "should return a list of candidates"),
        (cascade_with(join=lambda read, rest: None or print()), "returned None"),
    ],
)
def test_cascade_wrong(answer, message):
    assert_wrong("cascade_within", answer, message)
