"""Checks of the exercise train_and_report: wrong losses and reports get the message meant for them."""

import math
import statistics

import numpy as np
import pytest
import torch

from rerank_course.evaluate import bootstrap_interval
from tests.checks.test_train_and_report import WAYS, loss_by_math, report_by_t_interval
from tests.support.exercises import passes

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, of wrong answers


def loss(entropy, distance, join=lambda first, second, brake: first + brake * second):
    """Both parts made by functions of (scores, labels) and (scores, untouched)."""

    def answer(scores, untouched, labels, brake):
        scores, untouched, labels = (np.array(values, dtype=float) for values in (scores, untouched, labels))
        return float(join(entropy(scores, labels), distance(scores, untouched), brake))

    return answer


def right_entropy(scores, labels):
    return np.mean(np.logaddexp(0, scores) - scores * labels)


def right_distance(scores, untouched):
    return np.mean((np.array(scores) - np.array(untouched)) ** 2)


def sigmoid(scores):
    return 1 / (1 + np.exp(-np.clip(scores, -700, 700)))


def clipped(floor):
    def entropy(scores, labels):
        p = np.clip(sigmoid(scores), floor, 1 - floor)
        return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))

    return entropy


def plain_entropy(scores, labels):
    p = 1 / (1 + np.exp(-scores))
    return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))


def by_exp(scores, untouched, labels, brake):
    probabilities = [1 / (1 + math.exp(-score)) for score in scores]
    terms = [-math.log(p) if label else -math.log(1 - p) for p, label in zip(probabilities, labels)]
    return statistics.fmean(terms) + brake * right_distance(scores, untouched)


def by_torch_with(function):
    """A function of torch's, of probabilities."""

    def entropy(scores, labels):
        return float(function(torch.tensor(sigmoid(scores)), torch.tensor(labels)))

    return entropy


twice = by_torch_with(torch.nn.functional.binary_cross_entropy_with_logits)
held_at_100 = by_torch_with(torch.nn.functional.binary_cross_entropy)

LOSS_WRONG = [
    (loss(right_entropy, lambda s, u: 0), "the brake is missing"),
    (loss(right_entropy, right_distance, lambda a, b, brake: a + b), "The brake counts 0.3 times. Yours"),
    (loss(lambda s, y: 0, right_distance), "the cross-entropy is missing"),
    (loss(lambda s, y: right_entropy(s, y) * len(s), right_distance), "the sum of the cross-entropies"),
    (loss(right_entropy, lambda s, u: np.sum((s - u) ** 2)), "You took the sum of the squared differences"),
    (
        loss(lambda s, y: right_entropy(s, y) * len(s), lambda s, u: np.sum((s - u) ** 2)),
        "Both parts are means",
    ),
    (loss(right_entropy, lambda s, u: np.sqrt(right_distance(s, u))), "You took the root of the mean"),
    (loss(right_entropy, lambda s, u: np.mean(np.abs(s - u))), "without sign. Square them"),
    (loss(right_entropy, lambda s, u: np.mean(s - u) ** 2), "Moves up and down cancel out"),
    (loss(right_entropy, lambda s, u: right_distance(sigmoid(s), sigmoid(u))), "You compared the sigmoids"),
    (
        loss(right_entropy, right_distance, lambda a, b, brake: (1 - brake) * a + brake * b),
        "You weighted both parts",
    ),
    (loss(right_entropy, right_distance, lambda a, b, brake: brake * (a + b)), "It weights the second"),
    (loss(right_entropy, right_distance, lambda a, b, brake: a - brake * b), "You took the brake off"),
    (loss(right_entropy, lambda s, u: right_distance(s, u) / 2), "You halved the squares"),
    (
        lambda s, u, y, brake: loss_by_math(s, s, y, 0) + brake * right_distance(s, y),
        "It compares them with the untouched scores",
    ),
    (loss(lambda s, y: right_entropy(s, 1 - y), right_distance), "The labels are turned round"),
    (loss(lambda s, y: -right_entropy(s, y), right_distance), "cross-entropy's sign is turned"),
    (
        loss(lambda s, y: np.mean(y * np.logaddexp(0, -s)), right_distance),
        "left out the pairs with the label 0",
    ),
    (loss(lambda s, y: right_entropy(s, y) / np.log(2), right_distance), "Take natural ones"),
    (
        lambda s, u, y, brake: loss_by_math(u, s, y, brake),
        "of the untouched scores. Take the new ones",
    ),
    (loss(twice, right_distance), "You took the sigmoid twice"),
    (by_exp, "log(0) has no value. Take a formula that needs neither"),
    (loss(plain_entropy, right_distance), "which is no finite number. exp(1000) is too large"),
    (loss(clipped(1e-7), right_distance), "Do you keep the probability away from 0?"),
    (loss(clipped(1e-15), right_distance), "Do you keep the probability away from 0?"),
    (loss(held_at_100, right_distance), "Do you keep the probability away from 0?"),
    (
        lambda s, u, y, brake: [loss_by_math([a], [b], [c], brake) for a, b, c in zip(s, u, y)],
        "should return one number, but returned list",
    ),
    (lambda s, u, y, brake: (loss_by_math(s, u, y, 0), brake), "one number, but returned tuple"),
    (lambda s, u, y, brake: f"{loss_by_math(s, u, y, brake):.3f}", "one number, but returned str '"),
    (lambda s, u, y, brake: loss_by_math(s, u, y, brake) + 0.5, "; it is "),
    (lambda s, u, y, brake: s - u, "raised TypeError"),
]


def differences_of(tuned, values):
    return [tuned[query] - values[query] for query in tuned]


def verdict_of(differences):
    low, high = bootstrap_interval(np.array(differences))
    return "better" if low > 0 else "worse" if high < 0 else "not shown"


def reported(differences=differences_of, decide=verdict_of, helped=None):
    """The right answer, with places for mistakes."""

    def answer(tuned, others):
        verdicts = {name: decide(differences(tuned, values)) for name, values in others.items()}
        every = all(word == "better" for word in verdicts.values())
        return verdicts, helped(verdicts, tuned, others) if helped else every

    return answer


def changed(change):
    """A right answer, and what is done to its two parts."""
    return lambda tuned, others: change(*report_by_t_interval(tuned, others))


def report_of_two_intervals(tuned, others):
    verdicts = {}
    low, high = bootstrap_interval(np.array(list(tuned.values())))
    for name, values in others.items():
        other_low, other_high = bootstrap_interval(np.array(list(values.values())))
        verdicts[name] = "better" if low > other_high else "worse" if high < other_low else "not shown"
    return verdicts, set(verdicts.values()) == {"better"}


def by_the_mean(differences):
    return "better" if statistics.fmean(differences) > 0 else "worse"


def beats_on_average(verdicts, tuned, others):
    return all(sum(tuned.values()) > sum(values.values()) for values in others.values())


REPORT_WRONG = [
    (report_of_two_intervals, "Did you compare the two systems' own intervals?"),
    (
        reported(lambda tuned, values: [a - b for a, b in zip(tuned.values(), values.values())]),
        "Do you pair the queries by place?",
    ),
    (reported(decide=by_the_mean), "says 'better' of 'hybrid'; it is 'not shown'."),
    (reported(decide=by_the_mean), "The mean alone cannot tell you"),
    (reported(lambda tuned, values: differences_of(values, tuned)), "The sign is turned"),
    (reported(decide=lambda differences: "not shown"), "The interval leaves 0 out"),
    (
        reported(helped=lambda verdicts, *_: verdicts.get("untouched") == "better"),
        "Against 'hybrid' it is not shown to be better, and 'hybrid' needed no training",
    ),
    (reported(helped=lambda verdicts, *_: "better" in verdicts.values()), "better than each of the others"),
    (reported(helped=beats_on_average), "says that the training helped. Against 'hybrid'"),
    (reported(helped=lambda verdicts, *_: "worse" not in verdicts.values()), "says that the training helped"),
    (reported(helped=lambda *_: False), "says that the training did not help, and it is better than each"),
    (reported(helped=lambda verdicts, *_: "yes"), "True or False in the second place, but says str 'yes'"),
    (changed(lambda verdicts, helped: verdicts), "should return two things, the verdicts and True or False"),
    (changed(lambda verdicts, helped: (list(verdicts.values()), helped)), "the verdicts as a dictionary"),
    (
        changed(lambda verdicts, helped: ({"untouched": "better"}, helped)),
        "has no verdict on 'hybrid'",
    ),
    (changed(lambda verdicts, helped: (verdicts | {"tuned": "better"}, helped)), "is none of the others"),
    (changed(lambda verdicts, helped: (dict.fromkeys(verdicts, True), helped)), "says bool True of"),
    (
        changed(lambda verdicts, helped: (dict.fromkeys(verdicts, "gain"), helped)),
        "should be one of the words",
    ),
    (lambda tuned, others: {name: tuned - values for name, values in others.items()}, "raised TypeError"),
    (reported(lambda tuned, values: [values["q99"]]), "or a query that stands elsewhere"),
    (lambda tuned, others: print(end=""), "returned None"),
]


@pytest.mark.parametrize(
    ("part", "answer", "message"),
    [("braked_loss", *row) for row in LOSS_WRONG] + [("report", *row) for row in REPORT_WRONG],
)
def test_a_wrong_answer_gets_the_message_meant_for_it(part, answer, message):
    verdict = WAYS.checks[part][0](answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict


def loss_with_one_overflow(scores, untouched, labels, brake):
    terms = [math.log1p(math.exp(-score)) + score * (1 - label) for score, label in zip(scores, labels)]
    return statistics.fmean(terms) + brake * right_distance(scores, untouched)


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ("braked_loss", loss_with_one_overflow),
        ("report", reported(helped=lambda verdicts, *_: "not shown" not in verdicts.values())),
    ],
)
def test_what_the_public_check_does_not_see_the_hidden_tests_do(part, answer):
    check, cell = WAYS.checks[part]
    assert check(answer).status == "right", check(answer)
    assert not passes("train_and_report", cell, **{part: answer})
