"""Checks of the exercise cosine_comparison: ten pairs, and two on which the models differ."""

import pytest

from rerank_course.checks import cosine_comparison
from rerank_course.checks.cosine_comparison import (
    check_ten_pairs,
    check_two_cases,
)
from rerank_course.checks.verdict import Verdict
from tests.support.exercises import stub

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("embedders_that_remember")]


def verdict_of(check, answer, *rest):
    verdict = check(answer, *rest)
    assert isinstance(verdict, Verdict)
    return verdict.status, verdict.message


QUERY = "How long can cooked rice stay in the fridge?"

DOCUMENTS = [
    "Put leftovers into a shallow box within an hour and eat them the next day.",
    "How long can cooked rice stay in the fridge? Readers ask us this every week.",
    "Cooked rice keeps in the refrigerator for one day, then throw it away.",
    "Uncooked rice keeps for years in a dry cupboard.",
    "Cooked chicken can stay in the fridge for three days.",
    "Where in the fridge should cooked rice stay, and in which box?",
    "Rice is cooked when the grains are soft and the water is gone.",
    "A fridge should run at four degrees or colder.",
    "The spores that survive boiling make people ill when grains stand warm for hours.",
    "Frozen in portions, cooked rice lasts for about a month.",
]


def test_pairs_right():
    assert verdict_of(check_ten_pairs, lambda: (QUERY, DOCUMENTS))[0] == "right"
    assert verdict_of(check_ten_pairs, lambda: [QUERY, tuple(reversed(DOCUMENTS))])[0] == "right"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda: (QUERY, DOCUMENTS[:9]), "there are 9"),
        (lambda: (QUERY, DOCUMENTS[:9] + DOCUMENTS[:1]), "Document 10 stands in the list twice"),
        (
            lambda: [(QUERY, document) for document in DOCUMENTS],
            "should return your query (a string) and a list",
        ),
        (lambda: (QUERY, [(QUERY, document) for document in DOCUMENTS]), "list the documents alone"),
        (lambda: ("  ", DOCUMENTS), "Your query is empty"),
        (lambda: (QUERY, [*DOCUMENTS[:9], " "]), "Document 10 should be a text"),
        (lambda: (DOCUMENTS, QUERY), "should return your query (a string)"),
        (
            lambda: (
                "penguin",
                [
                    "A penguin.",
                    "The penguin swims.",
                    "The king penguin and the emperor live far south.",
                    *[f"Chapter {n} of the tax code." for n in range(7)],
                ],
            ),
            "both models put the same three documents on top",
        ),
    ],
)
def test_pairs_wrong(answer, message):
    status, said = verdict_of(check_ten_pairs, answer)
    assert status == "wrong" and message in said, said


def case(document, cross, cosine):
    return {"document": document, "cross-encoder rank": cross, "cosine rank": cosine}


@pytest.fixture(scope="module")
def ranks():
    """{document number: (rank by cross-encoder, rank by cosine)} for the ten documents above."""
    cross, cosine = cosine_comparison._two_rankings(QUERY, DOCUMENTS)
    return {number: (cross.index(number) + 1, cosine.index(number) + 1) for number in range(1, 11)}


def pairs():
    return QUERY, DOCUMENTS


def good_ones(ranks):
    """Those that are in one top 3 alone, or in a top 3 and moved at least two places."""
    return [
        number
        for number, (cross, cosine) in ranks.items()
        if min(cross, cosine) <= 3 and (max(cross, cosine) > 3 or abs(cross - cosine) > 1)
    ]


def test_cases_right(ranks):
    good = good_ones(ranks)
    assert len(good) >= 3
    assert check_two_cases(lambda: [case(n, *ranks[n]) for n in good[:2]], pairs).status == "right"
    assert (
        check_two_cases(lambda: tuple(case(n, *ranks[n]) for n in good[:0:-1][:2]), pairs).status == "right"
    )


def test_cases_wrong(ranks):
    good, other = good_ones(ranks)[:2]
    swapped = next(number for number, (cross, cosine) in ranks.items() if {cross, cosine} in ({1, 2}, {2, 3}))
    same = next(number for number, (cross, cosine) in ranks.items() if cross == cosine)
    low = next(
        number for number, (cross, cosine) in ranks.items() if cross != cosine and min(cross, cosine) > 3
    )
    first, second = case(good, *ranks[good]), case(other, *ranks[other])
    wrong = {
        "You count from 0": [case(good, ranks[good][0] - 1, ranks[good][1] - 1), second],
        "The two ranks are swapped": [first, case(other, *ranks[other][::-1])],
        "it only changed places with its neighbour": [first, case(swapped, *ranks[swapped])],
        "so it is no difference": [first, case(same, *ranks[same])],
        "in neither top 3": [case(low, *ranks[low]), second],
        "about the same document": [first, first],
        "a list of two cases": [first],
        "numbered from 1 to 10": [case(0, 1, 2), second],
        "Look the document up": [case(good, 9, 10), second],
        "three whole numbers with the keys": [{"document": good, "rank": 1}, second],
        "should be a dictionary": ["document 2 is better", second],
    }
    for message, answer in wrong.items():
        verdict = check_two_cases(lambda answer=answer: answer, pairs)
        assert verdict.status == "wrong" and message in verdict.message, (message, verdict)


def test_cases_of_pairs_that_are_not_there_yet(ranks):
    assert check_two_cases(lambda: [case(1, 1, 2)] * 2, stub).status == "not attempted"


def test_an_untouched_last_part_is_not_attempted():
    assert check_two_cases(stub, pairs).status == "not attempted"
