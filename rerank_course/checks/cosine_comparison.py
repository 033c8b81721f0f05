"""Checks of the exercise cosine_comparison: the cross-encoder against cosine similarity."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rerank_course.checks.answers import Mistake, Mistakes, as_list, is_number, show
from rerank_course.checks.calling import call
from rerank_course.checks.models import (
    COSINE_TOLERANCE,
    LOGIT_TOLERANCE,
    cosines,
    cross_encoder,
    embedder,
    embedder_without_normalising,
)
from rerank_course.checks.rankings import check_ranking, check_repeated
from rerank_course.checks.verdict import Wrong, check, demand
from rerank_course.rerank import rerank_documents

_QUERY = "How often should I water a cactus?"
_DOCUMENTS = (
    "Cacti store moisture in their stems and grow slowly for most of the year.",
    "How often should I water a cactus? Ask the gardener at the desk.",
    "In summer, give it a good soak every two weeks; in winter, once every six weeks is plenty.",
    "Water the ferns daily and keep the leaves moist.",
    "A cactus wants a sunny window and gritty soil.",
)
_BELOW_0 = "Bus drivers went on strike over pay."  # its cosine with the query


@check
def check_load_models(load_models: Callable[[], tuple]) -> str:
    """``load_models()`` gives (cross-encoder, embedding model)."""
    answer = call(load_models)
    demand(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        "load_models() should return two things, the cross-encoder and the embedding model, but returned "
        f"{show(answer)}.",
    )
    reranker, embedder = answer
    demand(
        not (hasattr(reranker, "encode") and hasattr(embedder, "predict")),
        "The two models are the wrong way round: return the cross-encoder first, then the embedding model.",
    )
    demand(
        hasattr(reranker, "predict"),
        f"The first thing is a {type(reranker).__name__}, which cannot predict. Load it with "
        "load_reranker().",
    )
    demand(
        hasattr(embedder, "encode"),
        f"The second thing is a {type(embedder).__name__}, which cannot encode. Load it with "
        "load_embedder().",
    )
    scores = reranker.predict([(_QUERY, _DOCUMENTS[2]), (_QUERY, _DOCUMENTS[3])])
    return (
        f"The cross-encoder gives a pair one score ({scores[0]:.2f} and {scores[1]:.2f} for two test pairs); "
        "the embedding model gives one text one vector."
    )


@check
def check_cross_encoder_ranking(
    function: Callable, query: str = _QUERY, documents: Sequence[str] = _DOCUMENTS
) -> str:
    """``cross_encoder_ranking(query, documents, reranker)`` gives [(document, logit), …], best first."""
    reranker, documents = cross_encoder(), list(documents)
    answer = call(function, query, list(documents), reranker)
    expected = dict(rerank_documents(query, documents, reranker, top_k=None))
    mistakes = _mistakes_of_cross_encoder(expected, query, documents)
    check_ranking(answer, query, expected, mistakes, LOGIT_TOLERANCE, "reranker.predict gives this pair")
    twice = [*documents, documents[0]]
    check_repeated(call(function, query, list(twice), reranker), twice, "your function")
    return (
        "Each score comes from reading query and document together. Their order counts; a single score, "
        "positive or negative, says little."
    )


def _mistakes_of_cross_encoder(expected: dict[str, float], query: str, documents: list[str]) -> Mistakes:
    yield Mistake(
        {document: 1 / (1 + math.exp(-score)) for document, score in expected.items()},
        "That is the logit after a sigmoid. Return the score as predict gives it for this model.",
    )
    backwards = cross_encoder().predict([(document, query) for document in documents])
    yield Mistake(
        dict(zip(documents, map(float, backwards))),
        "That is the score of the pair (document, query). A pair is (query, document): the model was trained "
        "on that order.",
    )
    yield Mistake(
        cosines(query, documents, embedder()),
        "That is the embedding model's cosine similarity, not the cross-encoder's score.",
    )


@check
def check_cosine_ranking(
    function: Callable, query: str = _QUERY, documents: Sequence[str] = (*_DOCUMENTS, _BELOW_0)
) -> str:
    """``cosine_ranking(query, documents, embedder)`` gives [(document, cosine), …], best first.

    It is called twice: with the course's embedder, and with the same one without its last layer, whose
    vectors are not of length 1, so that a dot product is no cosine.
    """
    documents = list(documents)
    for model, which in (
        (embedder(), "the embedder"),
        (embedder_without_normalising(), "an embedder whose vectors are not of length 1"),
    ):
        answer = call(function, query, list(documents), model)
        expected = cosines(query, documents, model)
        mistakes, truth = _mistakes_of_cosine(query, documents, model), f"with {which}, the cosine is"
        check_ranking(answer, query, expected, mistakes, COSINE_TOLERANCE, truth)
    twice = [*documents, documents[0]]
    check_repeated(call(function, query, list(twice), embedder()), twice, "your function")
    return (
        "Query and document never met inside the model: each became a vector alone, and the cosine compares "
        "the two vectors."
    )


def _mistakes_of_cosine(query: str, documents: list[str], model: Any) -> Mistakes:
    vectors = model.encode([query, *documents])
    yield Mistake(
        dict(zip(documents, map(float, vectors[1:] @ vectors[0]))),
        "That is the dot product. Divide by the lengths of both vectors: not every embedding model returns "
        "vectors of length 1.",
    )
    whole = np.linalg.norm(vectors[1:]) * np.linalg.norm(vectors[0])
    yield Mistake(
        dict(zip(documents, map(float, vectors[1:] @ vectors[0] / whole))),
        "You divided by one norm of all documents' vectors together. Each vector has its own: "
        "np.linalg.norm(vectors, axis=1).",
    )
    lengths = np.linalg.norm(vectors, axis=1)
    for length, whose in ((lengths[1:], "documents' vectors"), (lengths[0], "query's vector")):
        yield Mistake(
            dict(zip(documents, map(float, vectors[1:] @ vectors[0] / length))),
            f"You divided by the length of the {whose} alone. A cosine needs both lengths.",
        )
    yield Mistake(
        {document: (1 + cosine) / 2 for document, cosine in cosines(query, documents, model).items()},
        "That is the cosine moved to the range from 0 to 1. Return the cosine itself.",
    )
    distances = np.linalg.norm(vectors[1:] - vectors[0], axis=1)
    yield Mistake(
        dict(zip(documents, map(float, distances))),
        "That is the distance between the vectors: small when they are close. A cosine is large then.",
    )
    yield Mistake(
        {document: 1 - cosine for document, cosine in cosines(query, documents, model).items()},
        "That is the cosine distance, 1 − cosine. Return the cosine itself.",
    )
    yield Mistake(
        dict(rerank_documents(query, documents, cross_encoder(), top_k=None)),
        "That is the cross-encoder's score, not the cosine similarity of two embeddings.",
    )


@check
def check_ten_pairs(ten_pairs: Callable[[], tuple]) -> str:
    """``ten_pairs()`` gives (query, ten documents) on which the two rankings' top 3 differ."""
    query, documents = _ten_pairs(ten_pairs)
    cross, cosine = _two_rankings(query, documents)
    demand(
        cross[:3] != cosine[:3],
        "The ten pairs are sound, but both models put the same three documents on top, in the same order, so "
        "there is nothing to explain. Write harder documents: one that repeats the question without "
        "answering it, one that answers in other words, one that says the opposite.",
    )
    shared = len(set(cross[:3]) & set(cosine[:3]))
    cases = sum(_why_no_case(number, cross, cosine) is None for number in range(1, 11))
    few = (
        f" Only {cases} of them would do for part 5, which needs two: write harder ones." if cases < 2 else ""
    )
    return (
        f"Ten different documents for one query. The two top 3 share {shared} of 3 documents. Now look at "
        f"the ranks.{few}"
    )


@check
def check_two_cases(two_cases: Callable[[], list], ten_pairs: Callable[[], tuple]) -> str:
    """``two_cases()`` names two documents and their ranks in both rankings.

    Each case is ``{"document": position in your list, "cross-encoder rank": …, "cosine rank": …}``, all
    counted from 1.
    """
    query, documents = _ten_pairs(ten_pairs)
    cases = as_list(call(two_cases))
    if hasattr(cases, "to_dict"):  # a table with a row for each
        cases = cases.to_dict("records")
    cross, cosine = _two_rankings(query, documents)
    demand(
        isinstance(cases, (list, tuple)) and len(cases) == 2,
        f"two_cases() should return a list of two cases, but returned {show(cases)}.",
    )
    for number, case in enumerate(cases, start=1):
        _check_case(number, case, cross, cosine)
    demand(
        int(cases[0]["document"]) != int(cases[1]["document"]),
        "Both cases are about the same document. Take two different ones.",
    )
    return (
        "The facts are right. Now say why: what does the cross-encoder see in this pair that two separate "
        "vectors cannot hold, or the other way round?"
    )


def _check_case(number: int, case: Any, cross: list[int], cosine: list[int]) -> None:
    """One case of ``two_cases`` against the two rankings, which hold document numbers, best first."""
    keys = ("document", "cross-encoder rank", "cosine rank")
    case = case.to_dict() if hasattr(case, "to_dict") else case
    is_complete = isinstance(case, Mapping) and set(keys) <= set(case)
    demand(
        is_complete and all(is_number(case[key]) and float(case[key]).is_integer() for key in keys),
        f"Case {number} should be a dictionary of three whole numbers with the keys {', '.join(keys)}, but "
        f"is {show(case)}.",
    )
    case = {key: int(case[key]) for key in keys}
    document, said = case["document"], (case["cross-encoder rank"], case["cosine rank"])
    demand(
        1 <= document <= 10,
        f"Case {number} is about document {document}. The documents are numbered from 1 to 10, as they stand "
        "in your list.",
    )
    true = (cross.index(document) + 1, cosine.index(document) + 1)
    if said != true:
        cause = (
            "Look the document up in both lists again; its number is its place in your list of ten, not in a "
            "ranking."
        )
        if said == (true[0] - 1, true[1] - 1):
            cause = "You count from 0; the best rank is 1."
        elif said == true[::-1]:
            cause = "The two ranks are swapped."
        raise Wrong(
            f"Case {number}, document {document}: you say rank {said[0]} by the cross-encoder and {said[1]} "
            f"by cosine. One of the two is not so. {cause}"
        )
    why_not = _why_no_case(document, cross, cosine)
    demand(why_not is None, f"Case {number}: document {document} {why_not}")


def _why_no_case(document: int, cross: list[int], cosine: list[int]) -> str | None:
    """Why a document's two ranks are no difference to explain; ``None`` where they are."""
    first, second = cross.index(document) + 1, cosine.index(document) + 1
    if first == second:
        return f"has rank {first} in both rankings, so it is no difference."
    if min(first, second) > 3:
        return (
            f"is in neither top 3 (ranks {first} and {second}). Take one that at least one model puts among "
            "its best three."
        )
    if max(first, second) <= 3 and abs(first - second) < 2:
        return (
            f"has the ranks {first} and {second}: it only changed places with its neighbour, and both models "
            "have it in their top 3. Two scores that are nearly the same may do that. Take one that is in "
            "one top 3 and not in the other, or that moved at least two places; if there is none, write "
            "harder documents (part 4)."
        )
    return None


def _ten_pairs(ten_pairs: Callable[[], tuple]) -> tuple[str, list[str]]:
    """The learner's query and documents, found to be ten different texts."""
    answer = as_list(call(ten_pairs))
    is_pair = isinstance(answer, (tuple, list)) and len(answer) == 2
    demand(
        is_pair and isinstance(answer[0], str) and isinstance(as_list(answer[1]), (list, tuple)),
        "ten_pairs() should return your query (a string) and a list of documents, but returned "
        f"{show(answer)}.",
    )
    query, documents = answer[0], list(as_list(answer[1]))
    demand(query.strip() != "", "Your query is empty.")
    demand(len(documents) == 10, f"There should be ten documents, but there are {len(documents)}.")
    for number, document in enumerate(documents, start=1):
        demand(
            isinstance(document, str) and document.strip() != "",
            f"Document {number} should be a text, but is {show(document)}. The query is paired with each "
            "document later; here, list the documents alone.",
        )
    words = [" ".join(document.split()).casefold() for document in documents]
    repeated = next((n for n, text in enumerate(words, start=1) if text in words[: n - 1]), None)
    demand(
        repeated is None,
        f"Document {repeated} stands in the list twice. Write ten different ones. (White space and capital "
        "letters make no other document.)",
    )
    return query, documents


def _two_rankings(query: str, documents: list[str]) -> tuple[list[int], list[int]]:
    """Document numbers (from 1), best first, by the cross-encoder and by cosine."""
    numbers = {document: number for number, document in enumerate(documents, start=1)}
    cross = rerank_documents(query, documents, cross_encoder(), top_k=None)
    similarity = cosines(query, documents, embedder())
    by_cosine = sorted(documents, key=lambda document: similarity[document], reverse=True)
    return [numbers[document] for document, _ in cross], [numbers[document] for document in by_cosine]
