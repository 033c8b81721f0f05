"""Right answers to the exercise score_pairs."""
# ruff: noqa: C417 (as people write)

import asyncio
import bisect
import functools
import heapq
import itertools
import math
import operator
import threading
from collections import deque, namedtuple
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pandas as pd
import torch
from scipy.special import expit

from rerank_course.checks.score_pairs import (
    check_build_pairs,
    check_order_by_score,
    check_place_of_answer,
    check_score_pairs,
    check_squash,
    check_what_stays,
)
from tests.checks.ways import Ways

WAYS = Ways(
    "score_pairs",
    {
        "build_pairs": (check_build_pairs, "graded-pairs"),
        "score_pairs": (check_score_pairs, "graded-scores"),
        "order_by_score": (check_order_by_score, "graded-order"),
        "squash": (check_squash, "graded-sigmoid"),
        "what_stays": (check_what_stays, "graded-what-stays"),
        "place_of_answer": (check_place_of_answer, "graded-place"),
    },
    heavy=["score_pairs", "place_of_answer"],
)
right = WAYS.right


@right("build_pairs")
def pairs_by_map(query, documents):
    return list(map(lambda document: (query, document), documents))


@right("build_pairs")
def pairs_by_product(query, documents):
    return list(itertools.product([query], documents))


@right("build_pairs")
def pairs_by_recursion(query: str, documents: list[str]) -> list[tuple[str, str]]:
    """One at a time."""
    if not documents:
        return []
    first, *others = documents
    return [(query, first), *pairs_by_recursion(query, others)]


@right("build_pairs")
def pairs_in_a_while_loop(query, documents):
    n = 0
    result = []
    while n < len(documents):
        result += [[query, documents[n]]]
        n += 1
    return result


@right("build_pairs")
def pairs_of_a_generator(query, documents):
    def each():
        for document in documents:
            yield query, document

    return [*each()]


@right("build_pairs")
def pairs_of_a_table(query, documents):
    table = pd.DataFrame({"document": documents})
    table.insert(0, "query", query)
    return list(table.itertuples(index=False, name=None))


@right("build_pairs")
def pairs_as_an_array(query, documents):
    return np.array([[query, document] for document in documents])


@right("build_pairs")
def named_pairs(query, documents):
    pair = namedtuple("pair", "question answer")
    return [pair(question=query, answer=document) for document in documents]


@right("build_pairs", "a_class")
class PairMaker:
    """Not pretty: the pairs are the class's instance."""

    def __new__(cls, query, documents):
        return [cls.pair(query, document) for document in documents]

    @staticmethod
    def pair(*texts):
        return texts


right("build_pairs", "a_lambda")(lambda q, d: [(q, d[i]) for i in range(len(d))])


@right("score_pairs")
def scores_by_the_names_of_the_library(pairs, reranker):
    return reranker.predict(inputs=pairs, batch_size=2, show_progress_bar=False, convert_to_numpy=True)


@right("score_pairs")
def scores_in_batches(pairs, reranker):
    parts = [reranker.predict(pairs[i : i + 2], show_progress_bar=False) for i in range(0, len(pairs), 2)]
    return np.concatenate(parts)


@right("score_pairs")
def scores_by_rank(pairs, reranker):
    return [reranker.rank(query, [document])[0]["score"] for query, document in pairs]


@right("score_pairs")
def scores_in_a_series(pairs, reranker):
    return pd.Series(reranker.predict(pairs), name="score")


@right("score_pairs")
def scores_as_a_tuple(pairs, reranker):
    return tuple(score.item() for score in reranker.predict([tuple(pair) for pair in pairs]))


@right("score_pairs")
def scores_by_threads(pairs, reranker):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda pair: reranker.predict([pair])[0], pairs))


@right("score_pairs")
def scores_by_a_coroutine(pairs, reranker):
    scores = []

    async def ask():
        for pair in pairs:
            scores.append(await asyncio.to_thread(reranker.predict, pair))

    thread = threading.Thread(target=lambda: asyncio.run(ask()))  # a notebook has a loop of its own
    thread.start()
    thread.join()
    return scores


@right("score_pairs")
def scores_by_the_model_s_own_parts(pairs, reranker):
    queries, documents = zip(*pairs)
    tokens = reranker.tokenizer(list(queries), list(documents), padding=True, return_tensors="pt")
    with torch.no_grad():
        return reranker.model(**tokens).logits[:, 0]


@right("order_by_score")
def order_by_itemgetter(documents, scores):
    return sorted(zip(documents, scores), key=operator.itemgetter(1), reverse=True)


@right("order_by_score")
def order_by_heap(documents, scores):
    return heapq.nlargest(len(documents), zip(documents, map(float, scores)), key=lambda pair: pair[1])


@right("order_by_score")
def order_by_a_heap_of_tuples(documents, scores):
    heap = [
        (-float(score), place, document) for place, (document, score) in enumerate(zip(documents, scores))
    ]
    heapq.heapify(heap)
    return [(document, -score) for score, _, document in (heapq.heappop(heap) for _ in range(len(heap)))]


@right("order_by_score")
def order_by_pandas(documents, scores):
    table = pd.DataFrame({"document": documents, "score": scores})
    table = table.sort_values("score", ascending=False, kind="stable")
    return [tuple(row) for row in table.to_numpy()]


@right("order_by_score")
def order_by_a_table_s_records(documents, scores):
    series = pd.Series(scores, index=documents).sort_values(ascending=False, kind="mergesort")
    return list(series.items())


@right("order_by_score")
def order_by_torch(documents, scores):
    values, places = torch.sort(torch.tensor(scores), descending=True, stable=True)
    return [(documents[place], value) for place, value in zip(places, values)]


@right("order_by_score")
def order_by_lexsort(documents, scores):
    places = np.lexsort((np.arange(len(scores)), -scores))
    return list(zip(np.array(documents)[places], scores[places]))


@right("order_by_score")
def order_by_insertion(documents, scores):
    rows = []
    for document, score in zip(documents, scores):
        place = bisect.bisect_right([-other for _, other in rows], -score)
        rows.insert(place, (document, score))
    return rows


@right("order_by_score")
def order_by_taking_the_best(documents, scores):
    left, rows = list(range(len(documents))), []
    while left:
        best = max(left, key=lambda i: scores[i])
        left.remove(best)
        rows.append([documents[best], scores[best]])
    return tuple(rows)


@right("order_by_score")
def order_by_bubbles(documents, scores):
    rows = list(zip(documents, scores))
    for _ in rows:
        for i in range(len(rows) - 1):
            if rows[i][1] < rows[i + 1][1]:
                rows[i], rows[i + 1] = rows[i + 1], rows[i]
    return rows


@right("order_by_score")
def order_by_merging(documents, scores):
    def merge(rows):
        if (half := len(rows) // 2) == 0:
            return rows
        first, second = deque(merge(rows[:half])), deque(merge(rows[half:]))
        merged = []
        while first and second:
            merged.append((first if first[0][1] >= second[0][1] else second).popleft())
        return [*merged, *first, *second]

    return merge(list(zip(documents, scores)))


@right("order_by_score")
def order_by_comparing(documents, scores):
    def compare(a, b):
        return int(b[1] > a[1]) - int(a[1] > b[1])

    return sorted(zip(documents, scores), key=functools.cmp_to_key(compare))


@right("order_by_score")
def order_as_an_array_of_objects(documents, scores):
    rows = np.array(list(zip(documents, scores)), dtype=object)
    return rows[np.argsort(-scores, kind="stable")]


@right("squash")
def squash_by_scipy(logits):
    return expit(logits)


@right("squash")
def squash_by_hyperbolic_tangent(logits):
    return [0.5 + 0.5 * math.tanh(float(x) / 2) for x in logits]


@right("squash")
def squash_by_a_vectorised_function(logits):
    return np.vectorize(lambda x: math.e**x / (1 + math.e**x))(logits)


@right("squash")
def squash_by_a_layer(logits):
    return torch.nn.Sigmoid()(torch.from_numpy(logits))


@right("squash")
def squash_by_logaddexp(logits):
    return np.exp(-np.logaddexp(0, -logits)).tolist()


@right("squash")
def squash_in_a_series(logits):
    return pd.Series(logits).apply(lambda x: 1 / (1 + np.exp(-x)))


@right("squash")
def squash_to_four_places(logits):
    return tuple(round(1 / (1 + math.exp(-x)), 4) for x in logits.tolist())


@right("squash")
def squash_as_a_softmax_over_two(logits):
    return torch.softmax(torch.stack([torch.zeros(len(logits)), torch.tensor(logits)], dim=1), dim=1)[:, 1]


@right("squash")
def squash_in_decimals(logits):
    return [1 / (1 + Decimal(math.exp(-x))) for x in logits]


@right("squash")
def squash_by_pow(logits):
    result = np.zeros(len(logits))
    for i, x in enumerate(logits):
        result[i] = 1 / (1 + pow(math.e, -x))
    return result


for _name, _answer in {
    "a_tuple": ("A", "C", "F"),
    "a_frozenset": frozenset("acf"),
    "a_list_with_spaces": [" A", "C ", "F"],
    "words": "A, C and F",
    "letters_with_semicolons": "A; C; F.",
    "an_array": np.array(["A", "C", "F"]),
    "a_series": pd.Series(["F", "A", "C"]),
    "keys": dict.fromkeys("ACF").keys(),
    "truths": {"A": True, "B": False, "C": True, "D": False, "E": False, "F": True},
}.items():
    right("what_stays", _name)(lambda answer=_answer: answer)


@right("place_of_answer")
def place_by_a_loop(query, documents, answer, reranker):
    place = 1
    mine = reranker.predict([(query, answer)], show_progress_bar=False)[0]
    for document in documents:
        if document != answer and reranker.predict([(query, document)])[0] > mine:
            place += 1
    return place


@right("place_of_answer")
def place_by_argsort_twice(query, documents, answer, reranker):
    scores = reranker.predict([[query, document] for document in documents])
    return np.argsort(np.argsort(-scores))[documents.index(answer)] + 1


@right("place_of_answer")
def place_by_pandas(query, documents, answer, reranker):
    scores = pd.Series(reranker.predict([(query, document) for document in documents]), index=documents)
    return scores.rank(ascending=False)[answer]


@right("place_of_answer")
def place_by_next(query, documents, answer, reranker):
    rows = reranker.rank(query, documents)
    return next(place for place, row in enumerate(rows, 1) if documents[row["corpus_id"]] == answer)


@right("place_of_answer")
def place_as_a_tensor(query, documents, answer, reranker):
    scores = reranker.predict([(query, document) for document in documents], convert_to_tensor=True)
    return (scores > scores[documents.index(answer)]).sum() + 1


@right("place_of_answer")
def place_by_its_own_parts(query, documents, answer, reranker):
    pairs = pairs_by_product(query, documents)
    ranked = order_by_heap(documents, scores_as_a_tuple(pairs, reranker))
    return [document for document, _ in ranked].index(answer) + 1
