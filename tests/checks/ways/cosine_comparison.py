"""Right answers to the exercise cosine_comparison."""

import heapq
import math

import numpy as np
import pandas as pd
import torch
from scipy.spatial.distance import cosine

from rerank_course.checks import models
from rerank_course.checks.cosine_comparison import (
    check_cosine_ranking,
    check_cross_encoder_ranking,
    check_load_models,
    check_ten_pairs,
    check_two_cases,
)
from rerank_course.checks.verdict import Verdict
from tests.checks.ways import Ways

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


def two_cases_of_the_ten(answer) -> Verdict:
    """The check of two cases, for the ten documents above."""
    return check_two_cases(answer, ten)


def ten():
    return QUERY, DOCUMENTS


PARTS = ("load_models", "cross_encoder_ranking", "cosine_ranking", "ten_pairs", "two_cases")
WAYS = Ways(
    "cosine_comparison",
    {
        "load_models": (check_load_models, "graded-models"),
        "cross_encoder_ranking": (check_cross_encoder_ranking, "graded-cross-encoder"),
        "cosine_ranking": (check_cosine_ranking, "graded-cosine"),
        "ten_pairs": (check_ten_pairs, "graded-pairs"),
        "two_cases": (two_cases_of_the_ten, "graded-cases"),
    },
    heavy=PARTS,
    ten_pairs=ten,
)
right = WAYS.right


@right("load_models")
def models_in_a_list():
    return [models.cross_encoder(), models.embedder()]


@right("cross_encoder_ranking")
def cross_by_argsort(query, documents, reranker):
    scores = reranker.predict(inputs=[[query, document] for document in documents], show_progress_bar=False)
    return [(documents[i], scores[i]) for i in np.argsort(scores)[::-1]]


@right("cross_encoder_ranking")
def cross_by_pandas(query, documents, reranker):
    table = pd.DataFrame({"document": documents})
    table["score"] = reranker.predict([(query, document) for document in documents])
    return table.sort_values("score", ascending=False, kind="stable").to_numpy()


@right("cross_encoder_ranking")
def cross_by_torch(query, documents, reranker):
    scores = reranker.predict([(query, document) for document in documents], convert_to_tensor=True)
    return tuple((documents[i], scores[i].item()) for i in scores.argsort(descending=True))


@right("cross_encoder_ranking")
def cross_by_heap(query, documents, reranker):
    scores = map(float, reranker.predict([(query, document) for document in documents], batch_size=2))
    return heapq.nlargest(len(documents), zip(documents, scores), key=lambda row: row[1])


@right("cosine_ranking")
def cosine_in_pure_python(query, documents, embedder):
    def length(vector):
        return math.sqrt(sum(x * x for x in vector))

    a = [float(x) for x in embedder.encode(query, show_progress_bar=False)]
    rows = []
    for document in documents:
        b = embedder.encode([document])[0].tolist()
        rows.append((document, sum(x * y for x, y in zip(a, b)) / (length(a) * length(b))))
    rows.sort(key=lambda row: row[1], reverse=True)
    return rows


@right("cosine_ranking")
def cosine_by_torch(query, documents, embedder):
    a = torch.as_tensor(embedder.encode(query, convert_to_tensor=True))
    b = torch.as_tensor(embedder.encode(documents, convert_to_tensor=True))
    values = torch.nn.functional.cosine_similarity(a.unsqueeze(0), b)
    return [(documents[i], values[i]) for i in torch.argsort(values, descending=True)]


@right("cosine_ranking")
def cosine_by_scipy(query, documents, embedder):
    a = embedder.encode(query)
    rows = [(document, 1 - cosine(a, b)) for document, b in zip(documents, embedder.encode(documents))]
    return sorted(rows, key=lambda row: -row[1])


@right("cosine_ranking")
def cosine_by_einsum(query, documents, embedder):
    vectors = np.asarray(embedder.encode([query] + list(documents)), dtype=np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    values = np.einsum("d,nd->n", vectors[0], vectors[1:]).round(4)
    return list(pd.Series(values, index=documents).sort_values(ascending=False, kind="stable").items())


@right("ten_pairs")
def ten_as_a_tuple():
    return QUERY, tuple(DOCUMENTS)


@right("ten_pairs")
def ten_in_an_array():
    return [QUERY, np.array(DOCUMENTS)]


@right("ten_pairs")
def ten_in_a_series():
    return QUERY, pd.Series(DOCUMENTS)


def case(document, cross, cosine):
    return {"document": document, "cross-encoder rank": cross, "cosine rank": cosine}


CASES = [(6, 6, 3), (10, 2, 4)]  # see the test that these are the ranks


@right("two_cases")
def cases_in_a_tuple():
    return tuple(case(*one) for one in CASES)


@right("two_cases")
def cases_in_numpy_s_integers():
    return [case(*map(np.int64, one)) for one in CASES]


@right("two_cases")
def cases_in_a_table():
    return pd.DataFrame([case(*one) for one in CASES])


@right("two_cases")
def cases_with_reasons():
    return [case(*map(float, one)) | {"why": "one answers, one asks"} for one in reversed(CASES)]
