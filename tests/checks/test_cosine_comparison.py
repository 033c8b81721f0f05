"""Checks of the exercise cosine_comparison: the two models and their rankings."""

import math

import numpy as np
import pytest

from rerank_course.checks import cosine_comparison
from rerank_course.checks.cosine_comparison import (
    check_cosine_ranking,
    check_cross_encoder_ranking,
    check_load_models,
    check_ten_pairs,
)
from rerank_course.checks.models import cross_encoder
from rerank_course.checks.verdict import Verdict
from rerank_course.models import load_embedder, load_reranker
from rerank_course.rerank import rerank_documents
from tests.support.exercises import stub

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("embedders_that_remember")]


def verdict_of(check, answer, *rest):
    verdict = check(answer, *rest)
    assert isinstance(verdict, Verdict)
    return verdict.status, verdict.message


def best_first(rows):
    return sorted(rows, key=lambda row: row[1], reverse=True)


def test_models_right():
    assert verdict_of(check_load_models, lambda: (load_reranker(), load_embedder()))[0] == "right"
    assert (
        verdict_of(check_load_models, lambda: [cross_encoder(), cosine_comparison.embedder()])[0] == "right"
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda: (cosine_comparison.embedder(), cross_encoder()), "wrong way round"),
        (lambda: cross_encoder(), "should return two things"),
        (
            lambda: ("cross-encoder/ms-marco-MiniLM-L12-v2", cosine_comparison.embedder()),
            "is a str, which cannot predict",
        ),
        (lambda: (cross_encoder(), cross_encoder()), "which cannot encode"),
        (lambda: None, "returned None. Is a return statement missing?"),
        (lambda: load_reranker("nowhere/nothing"), "raised ModelNotAvailableError"),
        ((1, 2), "Pass the function itself"),
    ],
)
def test_models_wrong(answer, message):
    status, said = verdict_of(check_load_models, answer)
    assert status == "wrong" and message in said


def cross_reference(query, documents, reranker):
    scores = reranker.predict([(query, document) for document in documents])
    return best_first(zip(documents, scores))


def cross_with_rank(query, documents, reranker):
    return [(documents[row["corpus_id"]], row["score"]) for row in reranker.rank(query, documents)]


def cross_with_the_package(query, documents, reranker):
    return rerank_documents(query, documents, reranker, top_k=None)


def cross_in_a_loop(query, documents, reranker):
    found = []
    for document in documents:
        found.append([document, float(reranker.predict((query, document)))])
    return sorted(found, key=lambda row: -row[1])


@pytest.mark.parametrize(
    "answer", [cross_reference, cross_with_rank, cross_with_the_package, cross_in_a_loop]
)
def test_cross_encoder_right(answer):
    status, said = verdict_of(check_cross_encoder_ranking, answer)
    assert status == "right", said
    assert check_cross_encoder_ranking(answer, query="one?", documents=["only one"]).status == "right"


def forgot_the_import(query, documents, reranker):
    return cross_reference(query, documents, load_model())  # noqa: F821


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
            lambda q, d, r: best_first(
                (x, float(np.dot(*cosine_comparison.embedder().encode([q, x])))) for x in d
            ),
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
        (forgot_the_import, "raised NameError"),
        (lambda q, d, r: None, "returned None"),
        (lambda q, d, r: [], "left out 5"),
        (lambda q, d: [], "raised TypeError"),
    ],
)
def test_cross_encoder_wrong(answer, message):
    status, said = verdict_of(check_cross_encoder_ranking, answer)
    assert status == "wrong" and message in said, said


def test_a_hard_coded_answer_fails_on_other_data():
    known = cross_reference(cosine_comparison._QUERY, list(cosine_comparison._DOCUMENTS), cross_encoder())

    def hard_coded(query, documents, reranker):
        return known + [row for row in known if documents.count(row[0]) == 2]

    assert check_cross_encoder_ranking(hard_coded).status == "right"
    assert (
        check_cross_encoder_ranking(hard_coded, query="other?", documents=["other", "documents"]).status
        == "wrong"
    )


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
            lambda q, d, e: cross_reference(q, d, cross_encoder()),
            "the cross-encoder's score, not the cosine",
        ),
        (lambda q, d, e: [(c, x) for x, c in cosine_reference(q, d, e)], "Swap the two"),
        (lambda q, d, e: cosine_reference(q, d, e)[:3], "left out 3"),
        (lambda q, d, e: e.encode(d), "but returned ndarray"),
    ],
)
def test_cosine_wrong(answer, message):
    status, said = verdict_of(check_cosine_ranking, answer)
    assert status == "wrong" and message in said, said


@pytest.mark.parametrize(
    "check", [check_load_models, check_cross_encoder_ranking, check_cosine_ranking, check_ten_pairs]
)
def test_an_untouched_stub_is_not_attempted(check):
    status, said = verdict_of(check, stub)
    assert status == "not attempted" and "Write stub above" in said
