"""Checks of the exercise train_and_report: wrong splits and negatives get the message meant for them."""

import itertools
import math
import random
import re
import statistics

import pytest

from tests.checks.test_train_and_report import (
    WAYS,
    dealt,
    keys_of,
    mine_in_loops,
    split_by_union_find,
    split_into_sets,
)
from tests.support.exercises import passes


def sides(queries, test):
    return [query for query in queries if query not in test], list(test)


def by_groups(keys):
    """A split whose groups are made in one pass: a query joins the first group that has one of its keys."""

    def answer(queries, answers, size):
        groups = []
        for query in queries:
            mine = set(keys(query, queries, answers))
            near = next((group for group in groups if group[1] & mine), None)
            if near is None:
                groups.append(([query], mine))
            else:
                near[0].append(query)
                near[1].update(mine)
        return sides(queries, dealt((ids for ids, _ in groups), size))

    return answer


def words(change):
    return lambda query, queries, answers: [("words", change(queries[query])), *answers[query]]


def changed(change, answer=split_by_union_find):
    """A right answer, and what is done to what it returns."""
    return lambda *arguments: change(answer(*arguments), *arguments)


def split_in_pairs(queries, answers, size):
    """Each query with what it shares something with, and not with what that shares."""
    test = []
    for query in queries:
        if len(test) >= size:
            break
        mine = set(keys_of(query, queries, answers))
        test += [q for q in queries if q not in test and mine & set(keys_of(q, queries, answers))]
    return sides(queries, test)


def split_with_empties_together(queries, answers, size):
    groups = split_into_sets(queries, {q: answers[q] or {"nothing"} for q in queries})
    return sides(queries, dealt(sorted(groups, key=lambda group: -len(group)), size))


def split_by_what_fits(queries, answers, size):
    """The whole groups that come nearest to the size, and never past it."""
    groups = [list(group) for group in split_into_sets(queries, answers)]
    choices = [some for count in range(len(groups) + 1) for some in itertools.combinations(groups, count)]
    fitting = [sum(some, []) for some in choices if sum(map(len, some)) <= size]
    return sides(queries, max(fitting, key=len))


def in_random_order(queries, answers, size):
    return sides(queries, random.Random(5).sample(list(queries), size))


SPLIT_WRONG = [
    (
        lambda q, a, size: sides(q, list(q)[:size]),
        "leaks. 'q02' ('how do I mend a puncture') is on the training",
    ),
    (in_random_order, "leaks."),
    (split_by_what_fits, "With 5 queries and a test side of 1, your function put 0 on the test side. Go on"),
    (lambda q, a, size: sides(q, sorted(q, reverse=True)[:size]), "and the document 'd8' answers both"),
    (by_groups(words(str)), "their words are the same without case and punctuation"),
    (by_groups(words(str.lower)), "their words are the same without case and punctuation"),
    (by_groups(lambda q, queries, answers: answers[q]), "their words are the same without"),
    (by_groups(lambda q, queries, answers: keys_of(q, queries, answers)[:1]), "'d4' answers both"),
    (by_groups(lambda q, queries, answers: [frozenset(answers[q])]), "leaks."),
    (
        by_groups(lambda q, queries, answers: [*keys_of(q, queries, answers)[:1], *sorted(answers[q])[:1]]),
        "and the document 'd4' answers both",
    ),
    (split_in_pairs, "'q07' belongs with 'q06' as well: what is joined through a third query stays"),
    (changed(lambda two, *_: two[::-1]), "Are the two sides swapped?"),
    (changed(lambda two, *_: (two[0], two[1][:-1])), "on neither side"),
    (changed(lambda two, *_: (two[0] + two[1], two[1])), "on both sides. What was trained on cannot be"),
    (changed(lambda two, *_: (two[0], two[1] * 2)), "on the test side twice"),
    (changed(lambda two, *_: two[1]), "should return the training side as ids, but it is str 'q01'"),
    (changed(lambda two, *_: {"training": two[0], "test": two[1]}), "should return two things"),
    (
        changed(lambda two, *_: (two[0], iter(two[1]))),
        "should return the test side as ids, but it is list_iter",
    ),
    (changed(lambda two, *_: (two[0], len(two[1]))), "should return the test side as ids, but it is int 2"),
    (
        changed(lambda two, queries, *_: ([queries[q] for q in two[0]], two[1])),
        "put str 'Where are the spare tubes?' on the training side, which is no query id.",
    ),
    (changed(lambda two, q, *_: (two[0], [list(q).index(one) for one in two[1]])), "That looks like a place"),
    (lambda q, a, size: split_by_union_find(q, a, size - 1), "Go on until there are at least 1."),
    (lambda q, a, size: (list(q), []), "put 0 on the test side. Go on until there are at least 1."),
    (lambda q, a, size: ([], list(q)), "Stop as soon as there are enough"),
    (lambda q, a, size: split_by_union_find(q, a, len(q) // 2), "so fewer than 4 will do"),
    (lambda q, a, size: split_by_union_find(q.values(), a, size), "raised TypeError"),
    (lambda q, a, size: print(q), "returned None. Is a return statement missing?"),
]


def mined(
    *,
    wrong=lambda grades, document: grades.get(document) == 0,
    answer=lambda grade: grade >= 2,
    best=max,
    margin=1.0,
    skip=5,
    skip_unjudged=False,
    guard_all=False,
    not_found=True,
    judged_first=True,
    order=lambda ids, scores: ids,
    order_judged=lambda ids, scores: ids,
    cut=True,
):
    """The right answer, with places for mistakes."""

    def mine(found, grades, scores, count):
        limit = best([scores[document] for document, grade in grades.items() if answer(grade)]) - margin
        kept = found[skip:] if guard_all else found
        judged = order_judged([document for document in kept if wrong(grades, document)], scores)
        judged += [d for d in grades if grades[d] == 0 and d not in found] if not_found else []
        judged = [document for document in judged if not guard_all or scores[document] <= limit]
        behind = [d for d in found if d not in grades][skip:] if skip_unjudged else found[skip:]
        others = [d for d in behind if d not in grades and scores[d] <= limit and d not in judged]
        both = judged + order(others, scores) if judged_first else order(others, scores) + judged
        return both[:count] if cut else both

    return mine


def by_score(ids, scores):
    return sorted(ids, key=lambda document: -scores[document])


def first_answer(values):
    return values[0]


MINE_WRONG = [
    (mined(wrong=lambda grades, d: grades.get(d, 0) == 0), "You take what nobody judged for grade 0"),
    (mined(wrong=lambda grades, d: not grades.get(d)), "which nobody judged and which has place 1"),
    (
        mined(wrong=lambda grades, d: grades.get(d, 9) < 2),
        "took 'd10', which has grade 1. It answers a little",
    ),
    (mined(wrong=lambda grades, d: d in grades), "took 'd7', which has grade 3. It is an answer"),
    (lambda f, g, s, count: f[:count], "took 'd7', which has grade 3"),
    (
        lambda f, g, s, count: [d for d in f if d not in g][:count],
        "which has place 1 of the search. Among its",
    ),
    (mined(skip=0), "took 'd4', which nobody judged and which has place 1 of the search"),
    (mined(margin=0.0), "To be below the best answer is not enough"),
    (mined(margin=-1.0), "took 'd8', which nobody judged and which scores 4.5"),
    (mined(margin=-math.inf), "so the limit is 4.00"),
    (
        mined(margin=3.0),
        "left out 'd6'. It is unjudged, has place 10 and the score 3.0, which is at most 4.00",
    ),
    (mined(best=min), "The limit is the highest score of all answers, found or not, less 1.0"),
    (mined(best=first_answer), "The limit is the highest score of all answers"),
    (mined(best=statistics.fmean), "left out 'd6'"),
    (mined(answer=lambda grade: grade == 3), "left out 'd12'"),
    (mined(answer=lambda grade: grade >= 1), "Did you take a document of grade 1 for an answer?"),
    (mined(order_judged=by_score), "returned ['e9', 'e3', 'e4'] in this order. The search's order is"),
    (mined(skip_unjudged=True), "counted among all that it found, judged ones too"),
    (mined(skip=6), "left out 'd12'. It is unjudged, has place 6"),
    (mined(skip=4), "took 'd13', which nobody judged and which has place 5"),
    (mined(guard_all=True), "left out 'd9', which has grade 0 and place 2 of the search. The two guards are"),
    (mined(not_found=False), "left out 'd11'. It has grade 0, and the search did not find it"),
    (mined(judged_first=False), "First come those of grade 0 that were found"),
    (mined(order=by_score), "returned ['d6', 'd12'] in this order. The search's order is ['d12', 'd6']"),
    (mined(order=lambda ids, scores: ids[::-1]), "The search's order is"),
    (mined(order=lambda ids, scores: []), "It is unjudged, has place 6"),
    (mined(cut=False), "returned 5 documents. Cut the list at count."),
    (lambda f, g, s, count: mine_in_loops(f, g, s, count - 1), "left out 'd12'"),
    (lambda f, g, s, count: mine_in_loops(f, g, s, 3), "left out 'd12'"),
    (
        lambda f, g, s, count: set(mine_in_loops(f, g, s, count)),
        "should return a list of document ids, in order",
    ),
    (lambda f, g, s, count: iter(mine_in_loops(f, g, s, count)), "should return a list of document ids"),
    (lambda f, g, s, count: [s[d] for d in mine_in_loops(f, g, s, count)], "returned float 4.6, which is no"),
    (lambda f, g, s, count: mine_in_loops(f, g, s, count)[:1] * 2, "returned 'd9' twice"),
    (lambda f, g, s, count: [d for d in f if g[d] == 0], "Is that a document that was not judged"),
    (lambda f, g, s, count: f.sort(), "returned None"),
]


@pytest.mark.parametrize(
    ("part", "answer", "message"),
    [("split_queries", *row) for row in SPLIT_WRONG] + [("mine_negatives", *row) for row in MINE_WRONG],
)
def test_a_wrong_answer_gets_the_message_meant_for_it(part, answer, message):
    verdict = WAYS.checks[part][0](answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict


def words_in_their_order(query, queries, answers):
    return [tuple(re.findall(r"\w+", queries[query].lower())), *answers[query]]


def mine_by_the_answers_that_were_found(found, grades, scores, count):
    return mine_in_loops(found, {d: g for d, g in grades.items() if d in found or g == 0}, scores, count)


def mine_at_least_one(found, grades, scores, count):
    return mine_in_loops(found, grades, scores, max(count, 1))


def mine_from_zero(found, grades, scores, count):
    """The best score so far begins at 0, which logits need not reach."""
    best = 0
    for document, grade in grades.items():
        best = max(best, scores[document]) if grade >= 2 else best
    return mine_in_loops(found, grades | {"": 2}, scores | {"": best}, count)


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ("split_queries", by_groups(keys_of)),
        ("split_queries", by_groups(words_in_their_order)),
        ("split_queries", split_with_empties_together),
        ("mine_negatives", mine_by_the_answers_that_were_found),
        ("mine_negatives", mine_at_least_one),
        ("mine_negatives", mine_from_zero),
    ],
)
def test_what_the_public_check_does_not_see_the_hidden_tests_do(part, answer):
    check, cell = WAYS.checks[part]
    assert check(answer).status == "right", check(answer)
    assert not passes("train_and_report", cell, **{part: answer})
