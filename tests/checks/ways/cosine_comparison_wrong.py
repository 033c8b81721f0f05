"""Wrong answers to the exercise cosine_comparison."""

import numpy as np

from tests.checks.ways.cosine_comparison import (
    CASES,
    DOCUMENTS,
    QUERY,
    WAYS,
    case,
    cosine_by_scipy,
    cross_by_heap,
)

wrong = WAYS.wrong


@wrong("cross_encoder_ranking", "A dictionary holds each text once")
def cross_by_a_dictionary(query, documents, reranker):
    scores = dict(zip(documents, reranker.predict([(query, document) for document in documents])))
    return sorted(scores.items(), key=lambda row: row[1], reverse=True)


@wrong("cross_encoder_ranking", "You took the sign off")
def cross_without_signs(query, documents, reranker):
    rows = [(document, abs(score)) for document, score in cross_by_heap(query, documents, reranker)]
    return sorted(rows, key=lambda row: row[1], reverse=True)


@wrong("cross_encoder_ranking", "not in order of score")
def cross_sorted_as_text(query, documents, reranker):
    return sorted(cross_by_heap(query, documents, reranker), key=lambda row: str(row[1]), reverse=True)


@wrong("cross_encoder_ranking", "You stretched the scores")
def cross_from_0_to_1(query, documents, reranker):
    rows = cross_by_heap(query, documents, reranker)
    high, low = rows[0][1], rows[-1][1]
    return [(document, (score - low) / ((high - low) or 1)) for document, score in rows]


@wrong("cross_encoder_ranking", "left out 1 of them")
def cross_without_the_last(query, documents, reranker):
    return cross_by_heap(query, documents, reranker)[:-1]


@wrong("cross_encoder_ranking", "a document that it was not given")
def cross_with_white_space_off(query, documents, reranker):
    return [(document.rstrip("."), score) for document, score in cross_by_heap(query, documents, reranker)]


@wrong("cosine_ranking", "You took the sign off")
def cosine_without_signs(query, documents, embedder):
    rows = [(document, abs(value)) for document, value in cosine_by_scipy(query, documents, embedder)]
    return sorted(rows, key=lambda row: row[1], reverse=True)


@wrong("cosine_ranking", "one norm of all documents' vectors together")
def cosine_by_the_matrix_norm(query, documents, embedder):
    a, b = embedder.encode(query), embedder.encode(documents)
    values = b @ a / (np.linalg.norm(a) * np.linalg.norm(b))
    return sorted(zip(documents, values), key=lambda row: row[1], reverse=True)


@wrong("cosine_ranking", "the length of the documents' vectors alone")
def cosine_by_one_length(query, documents, embedder):
    a, b = embedder.encode(query), embedder.encode(documents)
    values = b @ a / np.linalg.norm(b, axis=1)
    return sorted(zip(documents, values), key=lambda row: row[1], reverse=True)


@wrong("cosine_ranking", "the length of the query's vector alone")
def cosine_by_the_query_s_length(query, documents, embedder):
    a, b = embedder.encode(query), embedder.encode(documents)
    return sorted(zip(documents, b @ a / np.linalg.norm(a)), key=lambda row: row[1], reverse=True)


@wrong("cosine_ranking", "moved to the range from 0 to 1")
def cosine_from_0_to_1(query, documents, embedder):
    return [(document, (1 + value) / 2) for document, value in cosine_by_scipy(query, documents, embedder)]


@wrong("cosine_ranking", "A dictionary holds each text once")
def cosine_by_a_dictionary(query, documents, embedder):
    return list(dict(cosine_by_scipy(query, documents, embedder)).items())


@wrong("cosine_ranking", "the distance between the vectors")
def cosine_as_a_distance(query, documents, embedder):
    a, b = embedder.encode(query), embedder.encode(documents)
    return sorted(zip(documents, ((a - b) ** 2).sum(axis=1) ** 0.5), key=lambda row: row[1])


for _name, _documents, _message in (
    ("white_space", [*DOCUMENTS[:9], f"{DOCUMENTS[0]} "], "Document 10 stands in the list twice"),
    ("capitals", [*DOCUMENTS[:9], DOCUMENTS[3].upper()], "Document 10 stands in the list twice"),
    ("eleven", [*DOCUMENTS, "One more."], "there are 11"),
    ("numbers", [*DOCUMENTS[:9], 10], "Document 10 should be a text"),
):
    wrong("ten_pairs", _message, _name)(lambda documents=_documents: (QUERY, documents))


@wrong("ten_pairs", "should return your query (a string)")
def ten_in_a_dictionary():
    return {"query": QUERY, "documents": DOCUMENTS}


FIRST, SECOND = (case(*one) for one in CASES)
for _name, _cases, _message in (
    ("a_swap_of_neighbours", [FIRST, case(3, 1, 2)], "it only changed places with its neighbour"),
    ("swapped_ranks", [case(6, 3, 6), SECOND], "The two ranks are swapped"),
    ("texts", [case("6", "6", "3"), SECOND], "three whole numbers"),
    ("halves", [case(6, 6.5, 3), SECOND], "three whole numbers"),
    ("three", [FIRST, SECOND, FIRST], "a list of two cases"),
    ("twice", [FIRST, {**FIRST, "document": 6.0}], "about the same document"),
    ("zero", [{**FIRST, "document": 0}, SECOND], "numbered from 1 to 10"),
):
    wrong("two_cases", _message, _name)(lambda cases=_cases: cases)
