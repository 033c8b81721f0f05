"""The mistakes that people make in the exercise score_pairs, and what they mean."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rerank_course.checks.answers import Mistake, Mistakes
from rerank_course.checks.sigmoid import sigmoid


def mistakes_of_score_pairs(expected: list[float], pairs: list, reranker: Any) -> Mistakes:
    """What they give for these pairs, whose scores are expected."""
    for highest_first in (True, False):
        yield Mistake(
            sorted(expected, reverse=highest_first),
            "These are the right scores, sorted. Here they must stay in the order of the pairs, or nobody "
            "knows which is whose.",
        )
    yield Mistake(
        [sigmoid(score) for score in expected],
        "That is the logit after a sigmoid. Return the score as predict gives it for this model.",
    )
    yield Mistake(
        [float(score) for score in reranker.predict([pair[::-1] for pair in pairs])],
        "That is the score of (document, query). The pairs are in the right order already; pass them on as "
        "they are.",
    )
    yield Mistake(
        [float(score) for score in reranker.predict([(pairs[0][0], pair[1]) for pair in pairs])],
        "You paired every document with the first query. A pair brings its own query with it: pass the pairs "
        "on as they are.",
    )
    yield Mistake([-score for score in expected], "The sign is turned. Return the score as it is.")
    yield Mistake(
        [abs(score) for score in expected], "You took the sign off. A logit below 0 is a low score."
    )
    yield Mistake(
        [float(int(score)) for score in expected],
        "You returned whole numbers. Documents that differ become equal then.",
    )
    spread = max(expected) - min(expected)
    yield Mistake(
        [(score - min(expected)) / (spread or 1) for score in expected],
        "That is from 0 to 1, the lowest to the highest of this list. Then a score depends on its "
        "neighbours; return it as predict gives it.",
    )


def mistakes_of_squash(logits: list[float], true: list[float]) -> Mistakes:
    """What they give for these logits, whose sigmoids are true."""
    yield Mistake(logits, "That is the logit itself.")
    yield Mistake(
        [1 - value for value in true],
        "The sign in the exponent is turned: a higher logit must give a higher value.",
    )
    exponentials = np.exp(np.array(logits) - max(logits))
    yield Mistake(
        (exponentials / exponentials.sum()).tolist(),
        "That is a softmax: its values add up to 1, and each depends on the others. A sigmoid looks at one "
        "logit alone.",
    )
    spread = max(logits) - min(logits) or 1.0
    yield Mistake(
        [(logit - min(logits)) / spread for logit in logits],
        "You stretched the list so that the worst is 0 and the best is 1. Then a document's value depends on "
        "its neighbours; a sigmoid looks at one logit alone.",
    )
    yield Mistake([math.tanh(logit) for logit in logits], "That is tanh, which goes from −1 to 1.")
    yield Mistake(
        [sigmoid(2 * logit) for logit in logits],
        "That is the sigmoid of twice the logit: half of 1 + tanh(x) is σ(2x).",
    )
    yield from _mistakes_of_the_fraction(logits, true)


def _mistakes_of_the_fraction(logits: list[float], true: list[float]) -> Mistakes:
    yield Mistake(
        [100 * value for value in true],
        "You return per cent. Return values from 0 to 1; and they are no percentages of anything.",
    )
    yield Mistake(
        [round(value, 2) for value in true],
        "You rounded. Then documents that differ become equal; round only what you print.",
    )
    yield Mistake(
        [float(logit > 0) for logit in logits],
        "That is a threshold: 1 above 0, else 0. The order among the documents is lost.",
    )
    yield Mistake(
        [sigmoid(abs(logit)) for logit in logits],
        "You took the logits without a minus. A logit below 0 must give less than 0.5.",
    )
    yield Mistake(
        [1 / (1 + 2.0**-logit) for logit in logits],
        "That is 1 / (1 + 2 to the power of −x). Take e in place of 2: math.exp(-x).",
    )
    yield Mistake(
        [1 + math.exp(-logit) for logit in logits],
        "Python divides before it adds: put brackets around 1 + exp(−x).",
    )
    for sign in (1, -1):
        yield Mistake(
            [math.exp(sign * logit) for logit in logits],
            "That is the exponential. Add 1 to exp(−x), then divide 1 by it.",
        )


def mistakes_of_place(scores: Sequence[float], turned: Sequence[float], asked: int) -> Mistakes:
    """The places that they give for the first ``asked`` documents.

    Args:
        scores: one for each document.
        turned: those of (document, query).
    """
    count, true = len(scores), places(scores)[:asked]
    yield Mistake([place - 1 for place in true], "You count from 0. People count places from 1: index() + 1.")
    yield Mistake(
        [count + 1 - place for place in true],
        "You count from the worst. Sort in descending order: the highest score is place 1.",
    )
    yield Mistake(
        [count - place for place in true],
        "You count from the worst, and from 0. The highest score is place 1.",
    )
    yield Mistake(
        list(range(1, asked + 1)),
        "That is its place in the list that you were given. Ask for its place after sorting by score.",
    )
    yield Mistake(
        list(range(asked)),
        "That is its position in the list that you were given, counted from 0. Ask for its place after "
        "sorting by score.",
    )
    backwards = places(turned)[:asked]
    for less in (0, 1):
        yield Mistake(
            [place - less for place in backwards],
            "The pairs were (document, query). The model was trained on (query, document): look at how your "
            "pairs are built (part 1).",
        )
    yield Mistake(
        places([abs(score) for score in scores])[:asked],
        "The scores were compared without their signs. A logit below 0 is a low score.",
    )


def places(scores: Sequence[float]) -> list[int]:
    """The place of each, from 1, the highest score first."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    return [order.index(i) + 1 for i in range(len(scores))]


def mistakes_of_order(scores: Sequence[float]) -> Mistakes:
    """The orders in which they put documents with these scores."""
    numbers = range(len(scores))
    yield Mistake(
        sorted(numbers, key=lambda i: str(np.float32(scores[i])), reverse=True),
        "You compared the scores as text, and as text -7.5 comes after -10.5. Compare numbers.",
    )
    yield Mistake(
        sorted(numbers, key=lambda i: abs(scores[i]), reverse=True),
        "You compared the scores without its sign: −10 is lower than 6, however far it is from 0.",
    )
    yield Mistake(
        sorted(numbers, key=lambda i: int(scores[i]), reverse=True),
        "You compared whole numbers, and -7.25 is more than -7.5.",
    )
