"""A learner's ranking, [(document, score), …], compared with what it should be."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rerank_course.checks.answers import Mistakes, as_list, cause_of, is_number, show
from rerank_course.checks.models import LOGIT_TOLERANCE
from rerank_course.checks.verdict import Wrong, demand

BELONG_TO_OTHERS = (
    "The scores are right but belong to other documents. Sort documents and scores together, not each alone."
)
WORST_FIRST = "returned the worst document first. The highest score is the best: sort in descending order."

_ONE_TEXT_ONE_SCORE = (
    "A dictionary holds each text once, with one score; keep pairs of document and score, or places, in its "
    "stead."
)


def check_rows(answer: Any, given: str) -> list:
    """The rows of [(document, score), …]; ``given`` begins the message and ends in the subject."""
    if tuple(getattr(answer, "shape", ()))[1:] == (2,):  # an array with a row for each document
        answer = as_list(answer)
    demand(
        isinstance(answer, (list, tuple)),
        f"{given} should return a list of (document, score), but returned {show(answer)}.",
    )
    demand(
        all(isinstance(row, (tuple, list)) and len(row) == 2 for row in answer),
        f"{given} should return a list of (document, score), but the list holds {_first(answer)}.",
    )
    demand(
        not (answer and all(is_number(first) and not is_number(second) for first, second in answer)),
        f"{given} returned (score, document). Swap the two: the document comes first.",
    )
    return list(answer)


def check_ranking(
    answer: Any, query: str, expected: dict[str, float], mistakes: Mistakes, tolerance: float, truth: str
) -> None:
    """Compare a learner's ranking of different documents with the expected scores.

    Args:
        expected: {document: score}.
        mistakes: the scores, again {document: score}, that known mistakes give.
        truth: where the expected scores come from; it ends in a verb.
    """
    given = f"For the query {query!r} and {len(expected)} documents, your function"
    answer = check_rows(answer, given)
    _check_documents(answer, expected, given)
    scores = {document: float(score) for document, score in answer}
    off = next((d for d in expected if not abs(scores[d] - expected[d]) <= tolerance), None)
    if off is not None:
        raise Wrong(
            f"{given} gives {off!r} the score {scores[off]:.3f}; {truth} {expected[off]:.3f}. "
            f"{_why_other_scores(scores, expected, mistakes, tolerance)}"
        )
    order = [scores[document] for document, _ in answer]
    best_first = sorted(order, reverse=True)
    demand(order == best_first or order != best_first[::-1], f"{given} {WORST_FIRST}")
    demand(
        order == best_first,
        f"{given} returned the right scores, but not in order of score: "
        f"{[round(score, 2) for score in order]}. Sort by score, highest first.",
    )


def check_repeated(answer: Any, documents: Sequence[str], subject: str) -> None:
    """Demand a ranking of documents of which one stands twice in the list, as often in what comes back."""
    given = f"For {len(documents)} documents, of which one stands twice in the list, {subject}"
    rows = check_rows(answer, given)
    returned = Counter(str(document) for document, _ in rows)
    lost = next((document for document in documents if returned[document] < documents.count(document)), None)
    demand(lost is None, f"{given} returned {lost!r} {returned[str(lost)]} times. {_ONE_TEXT_ONE_SCORE}")
    demand(
        len(rows) == len(documents),
        f"{given} should return {len(documents)} rows, but returned {len(rows)}.",
    )


def _check_documents(answer: Sequence, expected: dict[str, float], given: str) -> None:
    """Demand each document once, with a number."""
    demand(
        all(isinstance(row[0], str) and is_number(row[1]) for row in answer),
        f"{given} should return (document, score), a text and a number, but the list holds {_first(answer)}.",
    )
    returned = {document for document, _ in answer}
    unknown = [document for document, _ in answer if document not in expected]
    demand(not unknown, f"{given} returned a document that it was not given: {unknown[:1]}.")
    missing = [document for document in expected if document not in returned]
    demand(
        not missing,
        f"{given} left out {len(missing)} of them, for example {missing[:1]}. Return all of them.",
    )
    demand(len(answer) == len(returned), f"{given} returned a document twice.")


def _why_other_scores(
    scores: dict[str, float], expected: dict[str, float], mistakes: Mistakes, tolerance: float
) -> str:
    def is_it(other: dict[str, float]) -> bool:
        return scores.keys() == other.keys() and all(abs(scores[d] - other[d]) <= tolerance for d in scores)

    low, high = min(expected.values()), max(expected.values())
    swapped = dict(zip(scores, sorted(expected.values(), reverse=True)))
    if high > low and is_it({d: (score - low) / (high - low) for d, score in expected.items()}):
        return (
            "You stretched the scores so that the worst is 0 and the best is 1. Then a document's score "
            "depends on its neighbours; return the score itself."
        )
    if low < 0 and is_it({d: abs(score) for d, score in expected.items()}):
        return "You took the sign off. A score below 0 is a low score, whatever its size."
    return cause_of(mistakes, is_it) or (
        BELONG_TO_OTHERS
        if is_it(swapped)
        else "Check which texts go into the model, and that each score stays with its document."
    )


def check_order(
    answer: Any,
    candidates: Sequence,
    scores: Sequence[float],
    given: str,
    top_k: int | None = None,
    mistakes: Mistakes | None = None,
) -> None:
    """Compare a learner's ranking with the candidates, best first, equal scores in the order they came.

    Args:
        answer: what the learner's function returned.
        candidates: all of them, as the function got them. Two may be equal.
        scores: one for each candidate.
        given: begins each message and ends in the subject of the sentence.
        top_k: how many should come back; ``None`` for all.
        mistakes: the orders, as positions in ``candidates``, that known mistakes give.
    """
    answer = check_rows(answer, given)
    odd = next((row for row in answer if not is_number(row[1])), None)
    demand(
        odd is None,
        f"{given} should return (document, score), the score a number, but the list holds {show(odd)}.",
    )
    found = _positions(answer, candidates, scores, given)
    for (candidate, score), place in zip(answer, found):
        if abs(float(score) - scores[place]) <= LOGIT_TOLERANCE:
            continue
        equal = [i for i in range(len(scores)) if i != place and candidates[i] == candidate]
        cause = "Sort candidates and scores together, not each alone."
        if isinstance(candidate, str) and any(
            abs(float(score) - scores[i]) <= LOGIT_TOLERANCE for i in equal
        ):
            cause = f"It stands twice in the list. {_ONE_TEXT_ONE_SCORE}"
        raise Wrong(
            f"{given} gives {candidate!r} the score {float(score):.2f}; its own is {scores[place]:.2f}. "
            f"{cause}"
        )
    best_first = sorted(range(len(scores)), key=lambda i: -scores[i])[:top_k]
    _check_no_equal_one_lost(found, candidates, best_first, given)
    demand(
        len(found) == len(best_first),
        f"{given} should return {len(best_first)} of the {len(scores)} documents, but returned {len(found)}.",
    )
    if found != best_first:
        cause = cause_of(mistakes or iter(()), lambda made: made == found and made != best_first)
        demand(not cause, f"{given} returned another order: {_some([scores[i] for i in found])}. {cause}")
        _check_scores_fall(found, best_first, scores, given)
        raise Wrong(_equal_ones_moved(found, best_first, candidates, scores, given))


def _positions(answer: Sequence, candidates: Sequence, scores: Sequence[float], given: str) -> list[int]:
    """For each row, which of the candidates it holds.

    Of two equal candidates, it is the one whose score the row has, unless the row holds the other object; of
    two that share a score too, the earlier row gets the earlier.
    """
    free, found = list(range(len(candidates))), []
    for candidate, score in answer:
        same = [i for i in free if candidates[i] is candidate]
        if not same or isinstance(candidate, str):  # a text has no identity of its own
            same = [i for i in free if candidates[i] == candidate]
        if not same:
            again = any(candidate is c or candidate == c for c in candidates)
            how = " more often than it was given." if again else ", which it was not given."
            raise Wrong(f"{given} returned {show(candidate)}{how}")
        position = min(same, key=lambda i: (round(abs(float(score) - scores[i]), 3), i))
        free.remove(position)
        found.append(position)
    return found


def _check_no_equal_one_lost(
    found: list[int], candidates: Sequence, best_first: list[int], given: str
) -> None:
    """Demand each of two equal texts."""
    lost = [i for i in best_first if i not in found]
    if len(found) >= len(best_first) or not lost:
        return
    is_text = all(isinstance(candidates[i], str) for i in lost)
    kept = [candidates[i] for i in found]
    demand(
        not (is_text and len(set(candidates)) < len(candidates) and set(candidates) == set(kept)),
        f"{given} left out {candidates[lost[0]]!r}, which stands twice in the list. {_ONE_TEXT_ONE_SCORE}",
    )


def _check_scores_fall(found: list[int], best_first: list[int], scores: Sequence[float], given: str) -> None:
    """Demand the best scores in descending order, whoever has them."""
    order, wanted, count = [scores[i] for i in found], [scores[i] for i in best_first], len(found)
    demand(order != sorted(scores)[:count] or order == wanted, f"{given} {WORST_FIRST}")
    demand(
        set(found) != set(range(count)) or count == len(scores),
        f"{given} returned the first {count} as they came, not the best {count}. Score and sort all of them "
        "first, then cut.",
    )
    demand(
        order == wanted,
        f"{given} did not return the best {count} in order of score: {_some(order)}; expected "
        f"{_some(wanted)}.",
    )


def _equal_ones_moved(
    found: list[int], best_first: list[int], candidates: Sequence, scores: Sequence[float], given: str
) -> str:
    """The message for a ranking that is right but for the order of equal scores."""
    now, before = next((now, before) for now, before in zip(found, best_first) if now != before)
    return (
        f"{given} changed the order of equal scores: {candidates[now]!r} comes before "
        f"{candidates[before]!r}, both have {scores[now]:.2f}, and they came the other way round. "
        f"{_how_they_moved(found, candidates, scores)}"
    )


def _how_they_moved(found: list[int], candidates: Sequence, scores: Sequence[float]) -> str:
    places, count = range(len(scores)), len(found)
    by_text = sorted(places, key=lambda i: str(candidates[i]))
    if found == sorted(places, key=lambda i: (-scores[i], -i))[:count]:
        return (
            "Sorting in ascending order and then reversing turns equal ones round as well. Sort in "
            "descending order: reverse=True does not turn them round."
        )
    if found in [sorted(order, key=lambda i: -scores[i])[:count] for order in (by_text, by_text[::-1])]:
        return (
            "Yours are in the order of their texts: where scores are equal, sorted compares what comes next "
            "in the tuple. Give it a key that is the score alone."
        )
    return (
        "numpy's argsort mixes equal ones unless you ask for kind='stable'; Python's sorted keeps their "
        "order."
    )


def _first(answer: Any) -> str:
    return show(answer[0] if answer else answer)


def _some(scores: Sequence[float], count: int = 8) -> str:
    more = ", …]" if len(scores) > count else "]"
    return "[" + ", ".join(f"{score:.2f}" for score in scores[:count]) + more
