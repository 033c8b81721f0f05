"""Checks of the exercise train_and_report: right answers, as differently as people write them, pass."""

import itertools
import math
import random
import re
import statistics
import string
from collections import defaultdict, deque

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import log_expit
from torch.nn import functional

from rerank_course.checks import train_and_report_mistakes as mistakes
from rerank_course.checks.train_and_report import (
    check_braked_loss,
    check_mine_negatives,
    check_report,
    check_split_queries,
)
from rerank_course.checks.train_and_report_negatives import MININGS, NEAR, SKIPPED, Judged
from rerank_course.evaluate import bootstrap_interval
from rerank_course.finetune import negatives
from tests.checks.ways import Ways
from tests.support.exercises import graded_cells, passes, reference, stub

WAYS = Ways(
    "train_and_report",
    {
        "split_queries": (check_split_queries, "graded-split"),
        "mine_negatives": (check_mine_negatives, "graded-negatives"),
        "braked_loss": (check_braked_loss, "graded-brake"),
        "report": (check_report, "graded-report"),
    },
)
right = WAYS.right


def dealt(groups, size):
    """Whole groups on the test side until there are enough."""
    test = []
    for group in groups:
        if len(test) < size:
            test.extend(group)
    return test


def keys_of(query, queries, answers):
    return [("words", tuple(sorted(re.findall(r"\w+", queries[query].lower())))), *answers[query]]


@right("split_queries")
def split_by_union_find(queries, answers, size):
    parent = {query: query for query in queries}

    def find(query):
        while parent[query] != query:
            query = parent[query]
        return query

    first = {}
    for query in queries:
        for key in keys_of(query, queries, answers):
            parent[find(query)] = find(first.setdefault(key, query))
    groups = defaultdict(list)
    for query in queries:
        groups[find(query)].append(query)
    test = dealt(groups.values(), size)
    return [query for query in queries if query not in test], test


@right("split_queries")
def split_by_scipy(queries, answers, size):
    ids = list(queries)
    keys = [set(keys_of(query, queries, answers)) for query in ids]
    pairs = [(i, j) for i, j in itertools.product(range(len(ids)), repeat=2) if keys[i] & keys[j]]
    rows, columns = zip(*pairs)
    graph = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(ids), len(ids)))
    _, labels = connected_components(graph, directed=False)
    test = dealt(([q for q, label in zip(ids, labels) if label == one] for one in set(labels)), size)
    return np.setdiff1d(ids, test), np.array(test)


@right("split_queries")
def split_at_random(queries, answers, size):
    """Another split each time; sets of ids."""
    groups = split_into_sets(queries, answers)
    random.shuffle(groups)
    test = set(dealt(groups, size))
    return queries.keys() - test, test


@right("split_queries")
def split_the_largest_first(queries, answers, size):
    groups = sorted(split_into_sets(queries, answers), key=len, reverse=True)
    test = dealt(groups, size)
    return tuple({query: text for query, text in queries.items() if query not in test}), tuple(test)


@right("split_queries")
def split_the_smallest_first(queries, answers, size):
    test = dealt(sorted(split_into_sets(queries, answers), key=len), size)
    return [{query: None for query in queries if query not in test}, dict.fromkeys(test).keys()]


@right("split_queries")
def split_by_walking(queries, answers, size):
    """Breadth first from each query that was not reached yet; punctuation is taken out, not split at."""
    table = str.maketrans("", "", string.punctuation)
    words = {query: sorted(text.translate(table).casefold().split()) for query, text in queries.items()}
    left, test = dict.fromkeys(queries), []
    while left and len(test) < size:
        waiting = deque([next(iter(left))])
        del left[waiting[0]]
        while waiting:
            query = waiting.popleft()
            test.append(query)
            near = [q for q in left if words[q] == words[query] or not answers[q].isdisjoint(answers[query])]
            for other in near:
                del left[other]
            waiting += near
    return list(left), test


def split_into_sets(queries, answers):
    """Merged until nothing changes."""
    groups = [({query}, set(keys_of(query, queries, answers))) for query in queries]
    merging = True
    while merging:
        merging = False
        for one, other in itertools.combinations(groups, 2):
            if one[1] & other[1]:
                groups.remove(other)
                one[0].update(other[0])
                one[1].update(other[1])
                merging = True
                break
    return [ids for ids, _ in groups]


@right("mine_negatives")
def mine_in_loops(found, grades, scores, count):
    result = []
    for document in found:
        if document in grades and grades[document] == 0:
            result.append(document)
    for document, grade in grades.items():
        if grade == 0 and document not in result:
            result.append(document)
    best = -math.inf
    for document, grade in grades.items():
        if grade in (2, 3) and scores[document] > best:
            best = scores[document]
    for place, document in enumerate(found, start=1):
        if place > 5 and document not in grades and not scores[document] > best - 1.0:
            result.append(document)
    return tuple(result[:count])


@right("mine_negatives")
def mine_by_sorting(found, grades, scores, count):
    """One sort by kind and place."""
    limit = max(score for document, score in scores.items() if grades.get(document, -1) >= 2) - 1
    place = {document: number for number, document in enumerate(found)}
    unjudged = [d for d in place if d not in grades and place[d] >= 5 and scores[d] <= limit]
    zeros = [d for d in sorted(grades, reverse=True) if not grades[d]]
    kinds = {document: (document not in grades, place.get(document, 10**6)) for document in zeros + unjudged}
    return np.array(sorted(kinds, key=kinds.get)[:count], dtype=object)


@right("mine_negatives")
def mine_by_pandas(found, grades, scores, count):
    table = pd.DataFrame({"score": scores}).assign(grade=pd.Series(grades, dtype=float))
    table["place"] = pd.Series(range(1, len(found) + 1), index=found, dtype=float)
    limit = table.loc[table["grade"] >= 2, "score"].max() - 1
    zeros = table[table["grade"] == 0].sort_values("place", na_position="last")
    others = table[table["grade"].isna() & (table["place"] > 5) & (table["score"] <= limit)]
    return pd.concat([zeros, others.sort_values("place")]).head(count).index


@right("mine_negatives")
def mine_until_full(found, grades, scores, count):
    answers = {document for document in grades if grades[document] >= 2}
    limit = max(map(scores.get, answers)) - 1.0
    guarded = (d for d in found[5:] if grades.get(d) is None and scores[d] <= limit)
    behind = (d for d in scores if d not in found and grades.get(d) == 0)
    return list(
        itertools.islice(itertools.chain(filter(lambda d: grades.get(d) == 0, found), behind, guarded), count)
    )


@right("braked_loss")
def loss_by_torch(scores, untouched, labels, brake):
    scores, untouched, labels = map(torch.FloatTensor, (scores, untouched, labels))
    entropy = functional.binary_cross_entropy_with_logits(scores, labels)
    return entropy + brake * functional.mse_loss(scores, untouched)


@right("braked_loss")
def loss_by_math(scores, untouched, labels, brake):
    entropy = squares = 0.0
    for score, before, label in zip(scores, untouched, labels):
        turned = -score if label == 1 else score
        entropy += math.log1p(math.exp(-abs(turned))) + max(turned, 0)
        squares += (score - before) ** 2
    return (entropy + brake * squares) / len(scores)


@right("braked_loss")
def loss_by_softplus(scores, untouched, labels, brake):
    signs = 1 - 2 * torch.tensor(labels, dtype=torch.float64)
    logits = torch.tensor(scores, dtype=torch.float64)
    return (
        functional.softplus(signs * logits).mean()
        + brake * (logits - torch.tensor(untouched)).square().mean()
    ).item()


@right("braked_loss")
def loss_by_scipy(scores, untouched, labels, brake):
    scores, untouched, labels = np.array([scores, untouched, labels], dtype=np.float32)
    entropy = -(labels * log_expit(scores) + (1 - labels) * log_expit(-scores))
    return np.mean(entropy + brake * np.square(scores - untouched))


@right("report")
def report_by_t_interval(tuned, others):
    verdicts = {}
    for name in others:
        differences = pd.Series(tuned) - pd.Series(others[name])
        error = differences.sem() * scipy.stats.t.ppf(0.975, len(differences) - 1)
        low, high = differences.mean() - error, differences.mean() + error
        verdicts[name] = "better" if low > 0 else ("worse" if high < 0 else "not shown")
    return verdicts, all(verdict == "better" for verdict in verdicts.values())


@right("report")
def report_by_scipy_s_bootstrap(tuned, others):
    verdicts = dict.fromkeys(others, "not shown")
    for name, values in others.items():
        differences = np.array([tuned[query] - values[query] for query in sorted(tuned)])
        if differences.any():
            made = scipy.stats.bootstrap((differences,), np.mean, n_resamples=2000, rng=4)
            if made.confidence_interval.low > 0:
                verdicts[name] = "better"
            elif made.confidence_interval.high < 0:
                verdicts[name] = "worse"
    return [verdicts, not {"worse", "not shown"} & set(verdicts.values())]


@right("report")
def report_by_hand(tuned, others):
    """A bootstrap of one's own; a Series of words, and numpy's truth."""
    rng = random.Random(0)

    def verdict(values):
        differences = [tuned[query] - value for query, value in values.items()]
        means = sorted(statistics.fmean(rng.choices(differences, k=len(differences))) for _ in range(1000))
        return "Better" if means[24] > 0 else "Worse" if means[974] < 0 else "Not shown"

    verdicts = pd.Series({name: verdict(values) for name, values in others.items()})
    return verdicts, (verdicts == "Better").all()


@right("report")
def report_by_the_normal_distribution(tuned, others):
    result, helped = {}, True
    for name, values in others.items():
        differences = [tuned[query] - values[query] for query in tuned]
        half = 1.96 * statistics.stdev(differences) / math.sqrt(len(differences))
        mean = statistics.mean(differences)
        result[name] = "not shown" if abs(mean) <= half else "better" if mean > 0 else "worse"
        helped = helped and result[name] == "better"
    return result, helped


for part in WAYS.checks:
    right(part, "reference")(reference("train_and_report")[part])


@pytest.mark.parametrize(("ways", "part", "answer"), WAYS.right_cases())
def test_a_right_answer_passes_here_and_in_the_graded_cell(ways, part, answer):
    check, cell = ways.checks[part]
    verdict = check(answer)
    assert verdict.status == "right", verdict
    assert passes(ways.exercise, cell, **{part: answer})


def test_there_are_enough_right_answers():
    assert len(WAYS.right_ones) >= 12


@pytest.mark.parametrize("check", [check for check, _ in WAYS.checks.values()])
def test_an_untouched_stub_is_not_attempted(check):
    verdict = check(stub)
    assert verdict.status == "not attempted" and "Write stub above" in verdict.message


def test_each_part_is_graded():
    assert set(graded_cells("train_and_report")) == {cell for _, cell in WAYS.checks.values()}


@pytest.mark.parametrize("part", WAYS.checks)
def test_a_learner_who_changes_the_arguments_does_not_change_the_check(part):
    answer = reference("train_and_report")[part]

    def clearing(*arguments):
        result = answer(*arguments)
        for argument in arguments:
            if isinstance(argument, (list, dict)):
                for inner in argument.values() if isinstance(argument, dict) else []:
                    if isinstance(inner, (set, dict)):
                        inner.clear()
                argument.clear()
        return result

    check = WAYS.checks[part][0]
    assert check(clearing).status == "right"
    assert check(answer).status == "right"


def test_the_guards_are_the_package_s():
    assert (SKIPPED, NEAR) == (negatives.SKIPPED, negatives.NEAR)


def test_mistakes_are_told_apart():
    """Where a message names a cause, no other known mistake gives the same, and none is right."""
    case = mistakes.LOSSES[0]
    results = [round(one.result, 3) for one in mistakes.mistakes_of_loss(case)]
    results.append(round(loss_by_math(*case), 3))
    assert len(set(results)) == len(results)


def test_no_score_is_near_the_limit_and_no_interval_near_0():
    """What is right must not hang on rounding, or on the kind of interval."""
    for found, grades, scores, _ in MININGS:
        limit = Judged(found, grades, scores).limit
        assert all(abs(scores[document] - limit) > 0.2 for document in found)
    for tuned, others in mistakes.REPORTS:
        for values in others.values():
            differences = np.array([tuned[query] - values[query] for query in tuned])
            low, high = bootstrap_interval(differences)
            assert min(abs(low), abs(high)) > 0.1 * (high - low)
