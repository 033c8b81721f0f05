"""Wrong answers to the exercise mix_and_cascade."""

import statistics

import numpy as np

from tests.checks.ways.mix_and_cascade import (
    WAYS,
    cascade_in_loops,
    choose_by_sorting,
    mix_in_loops,
    z_in_loops,
)

wrong = WAYS.wrong


@wrong("z_scores", "You rounded")
def z_to_one_place(scores):
    return [round(z, 1) for z in z_in_loops(scores)]


@wrong("z_scores", "You took the sign off")
def z_without_signs(scores):
    return [abs(z) for z in z_in_loops(scores)]


@wrong("z_scores", "the median")
def z_from_the_median(scores):
    deviation = statistics.pstdev(scores) if len(set(scores)) > 1 else 1
    return [(score - statistics.median(scores)) / deviation for score in scores]


@wrong("z_scores", "should return 4 values, one for each score, but returned 1")
def z_returned_in_the_loop(scores):
    values = []
    for z in z_in_loops(scores):
        values.append(z)
        return values
    return values


@wrong("z_scores", "divides by the number of scores less one")
def z_by_statistics_stdev(scores):
    if len(set(scores)) < 2:
        return [0.0] * len(scores)
    return (np.array(scores) - np.mean(scores)) / np.std(scores, ddof=1)


@wrong("z_scores", "should return 5 values, one for each score, but returned 4")
def z_of_different_scores(scores):
    return z_in_loops(list(dict.fromkeys(scores)))


@wrong("z_scores", "should return 3 values, one for each score, but returned 0")
def z_catching_everything(scores):
    try:
        mean, deviation = sum(scores) / len(scores), statistics.pstdev(scores)
        return [(score - mean) / deviation for score in scores]
    except Exception:
        return []


def mixed(key=None, change=lambda ids: ids, by=z_in_loops):
    def answer(found, reranked, weight):
        both = [(document, score) for document, score in found if document in reranked]
        first = by([score for _, score in both])
        second = by([reranked[document] for document, _ in both])
        of = {d: (1 - weight) * a + weight * b for (d, _), a, b in zip(both, first, second)}
        ids = sorted(of, key=(lambda d: key(of[d])) if key else of.get, reverse=True)
        return change(ids) + [document for document, _ in found if document not in reranked]

    return answer


wrong("mix_scores", "The mixed scores are d6", "sorted_as_text")(mixed(key=str))
wrong("mix_scores", "The mixed scores are d6", "sorted_without_signs")(mixed(key=abs))


@wrong("mix_scores", "left out 'd7'")
def mix_of_those_read(found, reranked, weight):
    return mix_in_loops([row for row in found if row[0] in reranked], reranked, weight)


@wrong("mix_scores", "has no reranker score and stands before")
def mix_with_zeros_for_the_unread(found, reranked, weight):
    second = {document: reranked.get(document, 0) for document, _ in found}
    return mix_in_loops(found, second, weight)


@wrong("mix_scores", "twice")
def mix_and_all_again(found, reranked, weight):
    return mix_in_loops(found, reranked, weight) + [document for document, _ in found]


@wrong("choose_weight", "nearer to one half")
def choose_by_median(scores_by_weight, training):
    return max(
        sorted(scores_by_weight), key=lambda w: statistics.median(scores_by_weight[w][q] for q in training)
    )


@wrong("choose_weight", "nearer to one half")
def choose_by_the_first(scores_by_weight, training):
    return max(sorted(scores_by_weight), key=lambda w: scores_by_weight[w][training[0]])


@wrong("choose_weight", "none of the weights")
def choose_the_place(scores_by_weight, training):
    return list(scores_by_weight).index(choose_by_sorting(scores_by_weight, training)) + 2


def cascade_with_budget(change):
    def answer(budget, query, candidates, cheap, dear):
        return cascade_in_loops(change(budget), query, candidates, cheap, dear)

    return answer


wrong("cascade_within", "asked dear for 5 pairs", "one_too_many")(cascade_with_budget(lambda b: b + 1))
wrong("cascade_within", "3 pairs only, and it may read 4", "one_too_few")(
    cascade_with_budget(lambda b: b - 1)
)


@wrong("cascade_within", "called dear.predict 4 times")
def cascade_pair_by_pair(budget, query, candidates, cheap, dear):
    order = cascade_in_loops(0, query, candidates, cheap, dear)
    top = [(float(dear.predict((query, candidate))), candidate) for candidate in order[:budget]]
    return [candidate for _, candidate in sorted(top, reverse=True)] + order[budget:]


@wrong("cascade_within", "called cheap.predict 2 times")
def cascade_in_two_batches(budget, query, candidates, cheap, dear):
    scores = []
    for i in range(0, len(candidates), 4):
        scores += list(cheap.predict([(query, candidate) for candidate in candidates[i : i + 4]]))
    return [candidates[i] for i in np.argsort(scores)[::-1]]


@wrong("cascade_within", "the worst comes first")
def cascade_ascending(budget, query, candidates, cheap, dear):
    ranked = cascade_in_loops(budget, query, candidates, cheap, dear)
    return ranked[:budget][::-1] + ranked[budget:]


@wrong("cascade_within", "scores as text")
def cascade_by_text(budget, query, candidates, cheap, dear):
    order = cascade_in_loops(0, query, candidates, cheap, dear)
    top = order[:budget]
    if top:
        scores = dict(zip(top, map(str, dear.predict([(query, candidate) for candidate in top]))))
        top.sort(key=scores.get, reverse=True)
    return top + order[budget:]
