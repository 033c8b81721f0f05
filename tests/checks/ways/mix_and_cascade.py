"""Right answers to the exercise mix_and_cascade."""

import heapq
import math
import statistics
from functools import partial

import numpy as np
import pandas as pd
import torch
from scipy.stats import zscore

from rerank_course.checks.mix_and_cascade import (
    check_cascade_within,
    check_choose_weight,
    check_mix_scores,
    check_z_scores,
)
from tests.checks.ways import Ways

WAYS = Ways(
    "mix_and_cascade",
    {
        "z_scores": (check_z_scores, "graded-z-scores"),
        "mix_scores": (check_mix_scores, "graded-mix"),
        "choose_weight": (check_choose_weight, "graded-weight"),
        "cascade_within": (check_cascade_within, "graded-budget"),
    },
)
right = WAYS.right


@right("z_scores")
def z_in_loops(scores: list[float]) -> list[float]:
    """By hand."""
    n = len(scores)
    if n == 0:
        return []
    mean = sum(scores) / n
    total = 0.0
    for score in scores:
        total += (score - mean) ** 2
    deviation = math.sqrt(total / n)
    if deviation < 1e-12:
        return [0 for _ in scores]
    return [(score - mean) / deviation for score in scores]


@right("z_scores")
def z_by_scipy(scores):
    if not scores or min(scores) == max(scores):
        return np.zeros(len(scores))
    return zscore(scores)


@right("z_scores")
def z_by_torch(scores):
    values = torch.tensor(scores, dtype=torch.float64)
    if values.unique().numel() <= 1:
        return torch.zeros_like(values)
    return (values - values.mean()) / values.std(unbiased=False)


@right("z_scores")
def z_by_catching(scores):
    try:
        mean, deviation = statistics.mean(scores), statistics.pstdev(scores)
        return [(x - mean) / deviation for x in scores] if len({*scores}) > 1 else [0.0] * len(scores)
    except statistics.StatisticsError:
        return []


@right("z_scores")
def z_by_nan_to_num(scores):
    values = np.asarray(scores, dtype=float)
    if values.size and np.allclose(values, values[0]):
        return values * 0
    return np.nan_to_num((values - values.mean()) / values.std()) if len(values) else values


@right("z_scores")
def z_of_a_table(scores):
    table = pd.DataFrame({"score": scores}, dtype=float)
    deviation = table["score"].std(ddof=0) if table["score"].nunique() > 1 else np.inf
    return ((table["score"] - table["score"].mean()) / deviation).tolist()


@right("mix_scores")
def mix_in_loops(found, reranked, weight):
    read, unread = [], []
    for document, score in found:
        if document in reranked:
            read.append((document, score))
        else:
            unread.append(document)
    z1 = z_in_loops([score for _, score in read])
    z2 = z_in_loops([reranked[document] for document, _ in read])
    rows = []
    for i in range(len(read)):
        rows.append((read[i][0], round((1 - weight) * z1[i] + weight * z2[i], 9)))
    rows.sort(key=lambda row: row[1], reverse=True)
    return [row[0] for row in rows] + unread


@right("mix_scores")
def mix_in_a_table(found, reranked, weight):
    table = pd.DataFrame(found, columns=["document", "search"])
    table["again"] = [reranked.get(document, np.nan) for document in table["document"]]
    both = table[table["again"].notna()].copy()
    both["mixed"] = 0.0
    if len(both):
        first, second = (np.array(z_in_loops(list(both[name]))) for name in ("search", "again"))
        both["mixed"] = ((1 - weight) * first + weight * second).round(8)
    both = both.sort_values("mixed", ascending=False, kind="stable")
    return pd.concat([both["document"], table[table["again"].isna()]["document"]])


@right("mix_scores")
def mix_by_torch(found, reranked, weight):
    both = [row for row in found if reranked.get(row[0]) is not None]
    first, second = z_by_torch([s for _, s in both]), z_by_torch([reranked[d] for d, _ in both])
    order = torch.argsort(
        torch.round(torch.lerp(first, second, weight), decimals=9), descending=True, stable=True
    )
    return [both[i][0] for i in order] + [d for d, _ in found if d not in {name for name, _ in both}]


@right("mix_scores")
def mix_by_a_heap(found, reranked, weight):
    both = [(document, score) for document, score in found if document in reranked]
    first, second = (
        z_by_torch([s for _, s in both]).tolist(),
        z_by_torch([reranked[d] for d, _ in both]).tolist(),
    )
    heap = [(-round(a * (1 - weight) + b * weight, 9), i) for i, (a, b) in enumerate(zip(first, second))]
    heapq.heapify(heap)
    return (
        *(both[heapq.heappop(heap)[1]][0] for _ in both),
        *(document for document, _ in found if document not in reranked),
    )


@right("mix_scores")
def mix_by_one_key(found, reranked, weight):
    """One sort for all: those without a score get minus infinity, and sorted is stable."""
    both = [d for d, _ in found if d in reranked]
    score = dict(found)
    first = dict(zip(both, z_in_loops([score[d] for d in both])))
    second = dict(zip(both, z_in_loops([reranked[d] for d in both])))

    def key(document):
        if document not in first:
            return -math.inf
        return round((1 - weight) * first[document] + weight * second[document], 9)

    return np.array(sorted((d for d, _ in found), key=key, reverse=True), dtype=object)


@right("choose_weight")
def choose_in_a_loop(scores_by_weight, training):
    best = None
    for weight, row in sorted(scores_by_weight.items()):
        mean = sum(row[query] for query in training) / len(training)
        nearer = best is not None and abs(weight - 0.5) < abs(best[1] - 0.5) - 1e-9
        if best is None or mean > best[0] + 1e-9 or (mean > best[0] - 1e-9 and nearer):
            best = (mean, weight)
    return best[1]


@right("choose_weight")
def choose_by_sorting(scores_by_weight, training):
    def key(weight):
        mean = statistics.mean([scores_by_weight[weight][query] for query in training])
        return (-round(mean, 9), round(abs(0.5 - weight), 9), weight)

    return sorted(scores_by_weight, key=key)[0]


@right("choose_weight")
def choose_by_numpy(scores_by_weight, training):
    weights = np.array(sorted(scores_by_weight))
    means = np.array([np.mean([scores_by_weight[w][q] for q in training]) for w in weights]).round(9)
    return weights[np.lexsort((weights, np.abs(weights - 0.5).round(9), -means))][0]


@right("choose_weight")
def choose_by_transposing(scores_by_weight, training):
    means = pd.DataFrame(scores_by_weight).T[list(training)].mean(axis=1).round(9)
    best = means[means == means.max()].index
    return torch.tensor(
        min(best, key=lambda weight: (round(abs(weight - 0.5), 9), weight)), dtype=torch.float64
    )


@right("cascade_within")
def cascade_in_loops(budget, query, candidates, cheap, dear):
    pairs = []
    for candidate in candidates:
        pairs.append([query, candidate])
    scored = list(zip(cheap.predict(pairs, show_progress_bar=False), range(len(candidates))))
    scored.sort(reverse=True)
    order = [candidates[i] for _, i in scored]
    if budget <= 0:
        return order
    top = order[: min(budget, len(order))]
    scores = dear.predict([[query, candidate] for candidate in top], batch_size=16, show_progress_bar=False)
    top = [top[i] for i in np.argsort(-scores, kind="stable")]
    return top + order[budget:]


@right("cascade_within")
def cascade_by_heaps(budget, query, candidates, cheap, dear):
    first = dict(zip(candidates, map(float, cheap.predict([(query, c) for c in candidates]))))
    best = heapq.nlargest(budget, candidates, key=first.get)
    rest = [c for c in sorted(first, key=first.__getitem__, reverse=True) if c not in set(best)]
    if best:
        second = {c: s.item() for c, s in zip(best, dear.predict([(query, c) for c in best]))}
        best.sort(key=lambda c: -second[c])
    return (*best, *rest)


@right("cascade_within")
def cascade_by_tables(budget, query, candidates, cheap, dear):
    table = pd.DataFrame({"text": candidates})
    table["cheap"] = cheap.predict([(query, text) for text in table["text"]])
    table = table.sort_values("cheap", ascending=False, ignore_index=True)
    top, rest = table.head(budget).copy(), table.iloc[budget:]
    if not top.empty:
        top["dear"] = dear.predict([(query, text) for text in top["text"]])
        top = top.sort_values("dear", ascending=False)
    return pd.concat([top["text"], rest["text"]])


@right("cascade_within")
def cascade_by_torch(budget, query, candidates, cheap, dear):
    def rank(model, texts):
        if not texts:
            return []
        scores = torch.as_tensor(model.predict([(query, text) for text in texts]))
        return [texts[i] for i in scores.argsort(descending=True).tolist()]

    ranked = rank(cheap, candidates)
    return rank(dear, ranked[:budget]) + ranked[budget:]


@right("cascade_within", "with_a_partial")
def cascade_with_a_partial(budget, query, candidates, cheap, dear):
    def by_model(model, texts):
        scores = iter(model.predict([(query, text) for text in texts]))
        score_of = {text: next(scores) for text in texts}
        return sorted(texts, key=partial(dict.get, score_of), reverse=True)

    every = by_model(cheap, candidates)
    return [*(by_model(dear, every[:budget]) if budget else []), *every[budget:]]
