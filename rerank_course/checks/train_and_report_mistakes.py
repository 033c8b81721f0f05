"""The mistakes that people make in the exercise train_and_report, and the data that tells them apart."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from statistics import fmean

import numpy as np

from rerank_course.checks.answers import Mistake, Mistakes
from rerank_course.evaluate import bootstrap_interval

Texts = Mapping[str, str]  # {query: its text}
Answers = Mapping[str, Set[str]]  # {query: documents that answer it}
Values = Mapping[str, float]  # {query: nDCG@10}

# (queries, answers, sizes of the test side). Any split is right that keeps together what belongs together.
SPLITS: tuple[tuple[Texts, Answers, Sequence[int]], ...] = (
    (
        {
            "q01": "How do I mend a puncture?",
            "q02": "how do I mend a puncture",
            "q03": "Where are the spare tubes?",
            "q04": "Which drawer holds inner tubes?",
            "q05": "Who has the key at weekends?",
            "q06": "What does a new chain cost?",
            "q07": "When is a worn chain replaced?",
            "q08": "How long does a chain last?",
            "q09": "When does the workshop open?",
            "q10": "May I bring a tandem?",
        },
        {
            "q01": {"d1"},
            "q02": {"d2"},
            "q03": {"d3", "d4"},
            "q04": {"d4"},
            "q05": {"d5"},
            "q06": {"d6", "d7"},
            "q07": {"d7", "d8"},
            "q08": {"d8"},
            "q09": {"d9"},
            "q10": set(),
        },
        range(1, 8),
    ),
    # Nobody stands alone, so not every size can be met exactly.
    (
        {
            "t1": "Where is the tandem kept?",
            "t2": "Is a deposit due for a trailer?",
            "t3": "Where is the TANDEM kept",
            "t4": "How much is the deposit?",
            "t5": "What is done with old tyres?",
        },
        {"t1": {"e1"}, "t2": {"e2", "e3"}, "t3": set(), "t4": {"e3"}, "t5": {"e2"}},
        (1, 4),
    ),
)

# (scores, untouched, labels, brake)
Loss = tuple[Sequence[float], Sequence[float], Sequence[int], float]
LOSSES: tuple[Loss, ...] = (
    ([1.5, -0.5, -1.0], [0.5, 0.0, -2.5], [1, 0, 1], 0.3),
    ([2.0, -1.0, 0.25, 0.5], [-1.0, 2.0, 3.0, 0.0], [1, 0, 0, 1], 0),
    ([1000.0, 3.0], [999.0, 3.5], [0, 1], 0.25),
)


def with_others(
    tuned: Sequence[float], differences: Mapping[str, Sequence[float]], turned: bool = False
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """The tuned model's values by query, and those of others.

    Args:
        tuned: a value for each query.
        differences: for each other system, how much more the tuned model has, query by query.
        turned: gives the others their queries in the opposite order.
    """
    mine = {f"q{number:02}": round(value, 4) for number, value in enumerate(tuned, start=1)}
    others = {}
    for name, row in differences.items():
        values = {query: round(mine[query] - difference, 4) for query, difference in zip(mine, row)}
        others[name] = dict(reversed(values.items())) if turned else values
    return mine, others


_Q = range(40)
_WIDE = [0.1 + 0.8 * (n * 13 % 40) / 40 for n in _Q]
_NARROW = [0.4 + 0.01 * (n * 7 % 30) for n in _Q]
_SMALL_GAINS = {
    "untouched": [0.02 * (n % 5) for n in _Q],
    "untouched mixed": [0.015 * (n * 3 % 6) for n in _Q],
}
REPORTS = (
    # A gain over the untouched model, which a cheaper system has too.
    with_others(
        _NARROW,
        {
            "untouched": [0.05 * (n * 3 % 7) - 0.05 for n in _Q],
            "hybrid": [0.05 * (n * 5 % 7) - 0.145 for n in _Q],
            "BM25": [0.05 * (n * 4 % 7) - 0.03 for n in _Q],
        },
        turned=True,
    ),
    # A small gain of most queries, while queries differ widely; then the same in another order.
    with_others(_WIDE, _SMALL_GAINS),
    with_others(_WIDE, _SMALL_GAINS, turned=True),
    # A mean that looks like a gain, and may be an accident; a loss.
    with_others(
        _NARROW,
        {
            "untouched": [0.09 * (n * 3 % 8) - 0.28 for n in _Q],
            "dense": [0.1 - 0.05 * (n * 5 % 8) for n in _Q],
        },
    ),
)


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def why_together(one: str, other: str, queries: Texts, answers: Answers) -> str:
    """Why two queries belong on one side, as a clause; "" where they do not, or only through others."""
    first, second = queries[one], queries[other]
    if shared := sorted(answers[one] & answers[other]):
        return f"the document {shared[0]!r} answers both"
    if first.casefold() == second.casefold():
        return "they differ in upper and lower case alone"
    if words_of(first) == words_of(second):
        return "their words are the same without case and punctuation"
    if sorted(words_of(first)) == sorted(words_of(second)):
        return "their words are the same in another order"
    return ""


def groups_of(queries: Texts, answers: Answers) -> list[list[str]]:
    """What belongs together, chains included."""
    groups: list[list[str]] = []
    for query in queries:
        near = [group for group in groups if any(why_together(query, q, queries, answers) for q in group)]
        groups = [group for group in groups if group not in near]
        groups.append([query, *(q for group in near for q in group)])
    return groups


def mistakes_of_loss(case: Loss) -> Mistakes:
    """The numbers that they give."""
    scores, untouched, labels, brake = case
    terms = [cross_entropy(score, label) for score, label in zip(scores, labels)]
    moves = [score - before for score, before in zip(scores, untouched)]
    entropy, squares = fmean(terms), fmean(move * move for move in moves)
    yield Mistake(entropy, "That is the cross-entropy alone: the brake is missing.")
    yield Mistake(brake * squares, "That is the brake alone: the cross-entropy is missing.")
    yield Mistake(
        sum(terms) + brake * sum(move * move for move in moves), "You took sums. Both parts are means."
    )
    yield Mistake(
        (1 - brake) * entropy + brake * squares,
        "You weighted both parts. The cross-entropy counts in full, whatever the brake.",
    )
    yield Mistake(brake * (entropy + squares), "You multiplied both parts by brake. It weights the second.")
    for brakes, message in _wrong_brakes(case, moves):
        yield Mistake(entropy + brakes, message)
    for entropies, message in _wrong_entropies(case, terms):
        yield Mistake(entropies + brake * squares, message)


def _wrong_brakes(case: Loss, moves: Sequence[float]) -> Iterable[tuple[float, str]]:
    """What comes out for the second part alone."""
    scores, untouched, labels, brake = case
    squares = fmean(move * move for move in moves)
    yield squares, f"The brake counts {brake} times. Yours counts once."
    yield (
        brake * sum(move * move for move in moves),
        "You took the sum of the squared differences. Divide by their number.",
    )
    yield brake * math.sqrt(squares), "You took the root of the mean. Leave it squared."
    yield brake * fmean(map(abs, moves)), "You took the differences without sign. Square them."
    yield (
        brake * fmean(moves) ** 2,
        "You squared the mean of the differences. Moves up and down cancel out there: square each, then "
        "take the mean.",
    )
    yield (
        brake * fmean((_sigmoid(a) - _sigmoid(b)) ** 2 for a, b in zip(scores, untouched)),
        "You compared the sigmoids. The brake compares the scores themselves.",
    )
    yield (
        brake * fmean((score - label) ** 2 for score, label in zip(scores, labels)),
        "Your brake compares the scores with the labels. It compares them with the untouched scores.",
    )
    yield -brake * squares, "You took the brake off. A move away costs: add it."
    yield brake * squares / 2, "You halved the squares. Take their mean as it is."


def _wrong_entropies(case: Loss, terms: Sequence[float]) -> Iterable[tuple[float, str]]:
    """What comes out for the first part alone."""
    scores, untouched, labels, _ = case
    yield sum(terms), "You took the sum of the cross-entropies. Divide by their number."
    turned = fmean(cross_entropy(score, 1 - label) for score, label in zip(scores, labels))
    yield turned, "The labels are turned round: 1 is an answer."
    yield -fmean(terms), "The cross-entropy's sign is turned. It is never below 0."
    yield (
        fmean(term * label for term, label in zip(terms, labels)),
        "You left out the pairs with the label 0. They should get low scores.",
    )
    yield fmean(terms) / math.log(2), "You took logarithms to base 2. Take natural ones."
    before = fmean(cross_entropy(score, label) for score, label in zip(untouched, labels))
    yield before, "That is the cross-entropy of the untouched scores. Take the new ones."
    twice = fmean(cross_entropy(_sigmoid(score), label) for score, label in zip(scores, labels))
    yield (
        twice,
        "You took the sigmoid twice: binary_cross_entropy_with_logits, or your formula, has one in it.",
    )


def cross_entropy(score: float, label: float) -> float:
    """Binary cross-entropy of the sigmoid of a score, without overflow."""
    return max(score, 0.0) - score * label + math.log1p(math.exp(-abs(score)))


def _sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-score)) if score > -700 else 0.0


def interval_of(values: Iterable[float]) -> tuple[float, float]:
    return bootstrap_interval(np.array(list(values)))


def verdict_of(differences: Iterable[float]) -> str:
    low, high = interval_of(differences)
    return "better" if low > 0 else "worse" if high < 0 else "not shown"
