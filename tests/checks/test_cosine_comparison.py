"""Checks of the exercise cosine_comparison: the reference and other right answers pass, the stub is not attempted, wrong answers
get the message meant for them.
"""

import math

import numpy as np
import pytest

from rerank_course.checks import cosine_comparison, models
from rerank_course.checks.cosine_comparison import (
    check_cosine_ranking,
    check_cross_encoder_ranking,
    check_load_models,
    check_ten_pairs,
    check_two_cases,
)
from rerank_course.checks.verdict import Verdict
from rerank_course.models import load_embedder, load_reranker
from rerank_course.rerank import rerank_documents

QUERY = "How long can cooked rice stay in the fridge?"
DOCUMENTS = [
    "Put leftovers into a shallow box within an hour and eat them the next day.",
    "How long can cooked rice stay in the fridge? Readers ask us this every week.",
    "Cooked rice keeps in the refrigerator for one day, then throw it away.",
    "Uncooked rice keeps for years in a dry cupboard.",
    "Cooked chicken can stay in the fridge for three days.",
    "Never leave cooked rice out on the counter overnight.",
    "Rice is cooked when the grains are soft and the water is gone.",
    "A fridge should run at four degrees or colder.",
    "The spores that survive boiling make people ill when grains stand warm for hours.",
    "Frozen in portions, cooked rice lasts for about a month.",
]


def best_first(rows):
    return sorted(rows, key=lambda row: row[1], reverse=True)


def stub(*arguments):
    raise NotImplementedError()


def verdict_of(check, answer, *rest):
    verdict = check(answer, *rest)
    assert isinstance(verdict, Verdict)
    return verdict.status, verdict.message


# Part 1


def test_models_right():
    assert verdict_of(check_load_models, lambda: (load_reranker(), load_embedder()))[0] == "right"
    assert verdict_of(check_load_models, lambda: [models.cross_encoder(), models.embedder()])[0] == "right"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda: (models.embedder(), models.cross_encoder()), "wrong way round"),
        (lambda: models.cross_encoder(), "should return two things"),
        (
            lambda: ("cross-encoder/ms-marco-MiniLM-L12-v2", models.embedder()),
            "is a str, which cannot predict",
        ),
        (lambda: (models.cross_encoder(), models.cross_encoder()), "which cannot encode"),
        (lambda: None, "returned None. Is a return statement missing?"),
        (lambda: load_reranker("nowhere/nothing"), "raised ModelNotAvailableError"),
        ((1, 2), "Pass the function itself"),
    ],
)
def test_models_wrong(answer, message):
    status, said = verdict_of(check_load_models, answer)
    assert status == "wrong" and message in said


# Part 2


def cross_reference(query, documents, reranker):
    scores = reranker.predict([(query, document) for document in documents])
    return best_first(zip(documents, scores))


def cross_with_rank(query, documents, reranker):
    return [(documents[row["corpus_id"]], row["score"]) for row in reranker.rank(query, documents)]


def cross_with_the_package(query, documents, reranker):
    return rerank_documents(query, documents, reranker, top_k=None)


def cross_in_a_loop(query, documents, reranker):
    found = {}
    for document in documents:
        found[document] = float(reranker.predict((query, document)))
    return [[document, found[document]] for document in sorted(found, key=lambda d: -found[d])]


@pytest.mark.parametrize(
    "answer", [cross_reference, cross_with_rank, cross_with_the_package, cross_in_a_loop]
)
def test_cross_encoder_right(answer):
    status, said = verdict_of(check_cross_encoder_ranking, answer)
    assert status == "right", said
    assert check_cross_encoder_ranking(answer, query="one?", documents=["only one"]).status == "right"


def shuffled_scores(query, documents, reranker):
    scores = sorted(reranker.predict([(query, document) for document in documents]), reverse=True)
    return list(zip(documents, scores))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda q, d, r: sorted(zip(d, r.predict([(q, x) for x in d])), key=lambda row: row[1]),
            "worst document first",
        ),
        (lambda q, d, r: [(s, x) for x, s in cross_reference(q, d, r)], "(score, document). Swap the two"),
        (
            lambda q, d, r: best_first(zip(d, r.predict([(x, q) for x in d]))),
            "the score of the pair (document, query)",
        ),
        (
            lambda q, d, r: [(x, 1 / (1 + math.exp(-s))) for x, s in cross_reference(q, d, r)],
            "the logit after a sigmoid",
        ),
        (lambda q, d, r: cross_reference(q, d, r)[:3], "left out 2 of them"),
        (lambda q, d, r: list(zip(d, r.predict([(q, x) for x in d]))), "not in order of score"),
        (shuffled_scores, "The scores are right but belong to other documents"),
        (
            lambda q, d, r: best_first((x, float(np.dot(*models.embedder().encode([q, x])))) for x in d),
            "the embedding model's cosine",
        ),
        (lambda q, d, r: r.rank(q, d), "should return a list of (document, score), but the list holds dict"),
        (
            lambda q, d, r: r.predict([(q, x) for x in d]),
            "should return a list of (document, score), but returned ndarray",
        ),
        (lambda q, d, r: [x for x, _ in cross_reference(q, d, r)], "but the list holds str"),
        (lambda q, d, r: cross_reference(q, d, r) + cross_reference(q, d, r)[:1], "a document twice"),
        (
            lambda q, d, r: [(x.lower(), s) for x, s in cross_reference(q, d, r)],
            "a document that it was not given",
        ),
        (
            lambda q, d, r: [(x, str(s)) for x, s in cross_reference(q, d, r)],
            "a text and a number, but the list holds tuple",
        ),
        (lambda q, d, r: [(x, 5.0) for x in d], "Check which texts go into the model"),
        (lambda q, d, r: cross_reference(q, d, load_model), "raised NameError"),
        (lambda q, d, r: None, "returned None"),
        (lambda q, d, r: [], "left out 5"),
        (lambda q, d: [], "raised TypeError"),
    ],
)
def test_cross_encoder_wrong(answer, message):
    status, said = verdict_of(check_cross_encoder_ranking, answer)
    assert status == "wrong" and message in said, said


def test_a_hard_coded_answer_fails_on_other_data():
    known = cross_reference(cosine_comparison._QUERY, list(cosine_comparison._DOCUMENTS), models.cross_encoder())
    hard_coded = lambda query, documents, reranker: known  # noqa: E731
    assert check_cross_encoder_ranking(hard_coded).status == "right"
    assert (
        check_cross_encoder_ranking(hard_coded, query="other?", documents=["other", "documents"]).status
        == "wrong"
    )


# Part 3


def cosine_reference(query, documents, embedder):
    query_vector, *vectors = embedder.encode([query, *documents], normalize_embeddings=True)
    return best_first(
        (document, float(vector @ query_vector)) for document, vector in zip(documents, vectors)
    )


def cosine_by_hand(query, documents, embedder):
    a, b = embedder.encode(query), embedder.encode(documents)
    cosines = b @ a / np.linalg.norm(a) / np.linalg.norm(b, axis=1)
    return [(documents[i], cosines[i]) for i in np.argsort(-cosines)]


def cosine_by_the_library(query, documents, embedder):
    similarities = embedder.similarity(embedder.encode([query]), embedder.encode(documents))[0]
    return best_first(zip(documents, similarities))


@pytest.mark.parametrize("answer", [cosine_reference, cosine_by_hand, cosine_by_the_library])
def test_cosine_right(answer):
    status, said = verdict_of(check_cosine_ranking, answer)
    assert status == "right", said


def vectors_of(query, documents, embedder):
    query_vector, *vectors = embedder.encode([query, *documents])
    return query_vector, np.array(vectors)


def dot_products(query, documents, embedder):
    query_vector, vectors = vectors_of(query, documents, embedder)
    return best_first(zip(documents, vectors @ query_vector))


def distances(query, documents, embedder):
    query_vector, vectors = vectors_of(query, documents, embedder)
    return sorted(zip(documents, np.linalg.norm(vectors - query_vector, axis=1)), key=lambda row: row[1])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (dot_products, "That is the dot product"),
        (distances, "the distance between the vectors"),
        (lambda q, d, e: [(x, 1 - c) for x, c in cosine_reference(q, d, e)], "1 − cosine"),
        (lambda q, d, e: cosine_reference(q, d, e)[::-1], "worst document first"),
        (
            lambda q, d, e: cross_reference(q, d, models.cross_encoder()),
            "the cross-encoder's score, not the cosine",
        ),
        (lambda q, d, e: [(c, x) for x, c in cosine_reference(q, d, e)], "Swap the two"),
        (lambda q, d, e: cosine_reference(q, d, e)[:3], "left out 2"),
        (lambda q, d, e: e.encode(d), "but returned ndarray"),
    ],
)
def test_cosine_wrong(answer, message):
    status, said = verdict_of(check_cosine_ranking, answer)
    assert status == "wrong" and message in said, said


# Part 4


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


# Part 5


def case(document, cross, cosine):
    return {"document": document, "cross-encoder rank": cross, "cosine rank": cosine}


@pytest.fixture(scope="module")
def ranks():
    """{document number: (rank by cross-encoder, rank by cosine)} for the ten documents above."""
    cross, cosine = cosine_comparison._two_rankings(QUERY, DOCUMENTS)
    return {number: (cross.index(number) + 1, cosine.index(number) + 1) for number in range(1, 11)}


def pairs():
    return QUERY, DOCUMENTS


def test_cases_right(ranks):
    good = [
        number for number, (cross, cosine) in ranks.items() if cross != cosine and min(cross, cosine) <= 3
    ]
    assert len(good) >= 3
    assert check_two_cases(lambda: [case(n, *ranks[n]) for n in good[:2]], pairs).status == "right"
    assert (
        check_two_cases(lambda: tuple(case(n, *ranks[n]) for n in good[:0:-1][:2]), pairs).status == "right"
    )


def test_cases_wrong(ranks):
    good, other = [
        number for number, (cross, cosine) in ranks.items() if cross != cosine and min(cross, cosine) <= 3
    ][:2]
    same = next(number for number, (cross, cosine) in ranks.items() if cross == cosine)
    low = next(
        number for number, (cross, cosine) in ranks.items() if cross != cosine and min(cross, cosine) > 3
    )
    first, second = case(good, *ranks[good]), case(other, *ranks[other])
    wrong = {
        "You count from 0": [case(good, ranks[good][0] - 1, ranks[good][1] - 1), second],
        "The two ranks are swapped": [first, case(other, *ranks[other][::-1])],
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
        verdict = check_two_cases(lambda: answer, pairs)
        assert verdict.status == "wrong" and message in verdict.message, (message, verdict)


def test_cases_of_pairs_that_are_not_there_yet(ranks):
    assert check_two_cases(lambda: [case(1, 1, 2)] * 2, stub).status == "not attempted"


# All parts


@pytest.mark.parametrize(
    "check", [check_load_models, check_cross_encoder_ranking, check_cosine_ranking, check_ten_pairs]
)
def test_an_untouched_stub_is_not_attempted(check):
    status, said = verdict_of(check, stub)
    assert status == "not attempted" and "Write stub above" in said


def test_an_untouched_last_part_is_not_attempted():
    assert check_two_cases(stub, pairs).status == "not attempted"


def test_a_verdict_reads_well_and_grades():
    assert repr(Verdict("right", "Good.")) == "✓ Right. Good."
    assert repr(Verdict("not attempted", "Write it.")) == "… Not attempted. Write it."
    assert Verdict("right", "").require() is None
    with pytest.raises(AssertionError, match="why"):
        Verdict("wrong", "why").require()
    with pytest.raises(NotImplementedError):
        Verdict("not attempted", "").require()
