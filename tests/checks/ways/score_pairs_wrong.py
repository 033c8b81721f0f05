"""Wrong answers to the exercise score_pairs."""
# ruff: noqa: C420, RET503 (as people write)

import math

import numpy as np

from tests.checks.ways.score_pairs import WAYS, order_by_heap

wrong = WAYS.wrong


@wrong("build_pairs", "stands twice in the list")
def pairs_by_dictionary(query, documents):
    return [(query, document) for document in {document: query for document in documents}]


@wrong("build_pairs", "stands twice in the list")
def pairs_of_a_list_without_doubles(query, documents):
    done = []
    for document in documents:
        if (query, document) not in done:
            done.append((query, document))
    return done


@wrong("build_pairs", "Leave both texts as they are")
def pairs_with_white_space_off(query, documents):
    return [(query.rstrip("?"), document.strip()) for document in documents]


@wrong("build_pairs", "should return 5 pairs, one for each document, but returned 4")
def pairs_off_by_one(query, documents):
    return [(query, documents[i]) for i in range(1, len(documents))]


@wrong("build_pairs", "should return 5 pairs, one for each document, but returned 1")
def pairs_returned_in_the_loop(query, documents):
    pairs = []
    for document in documents:
        pairs.append((query, document))
        return pairs


@wrong("build_pairs", "changed the order")
def pairs_put_in_front(query, documents):
    pairs = []
    for document in documents:
        pairs.insert(0, (query, document))
    return pairs


@wrong("build_pairs", "should return a list of pairs, but returned dict")
def pairs_as_a_dictionary(query, documents):
    return {query: documents}


@wrong("score_pairs", "should return 5 numbers, one for each, but returned 4")
def scores_by_a_dictionary(pairs, reranker):
    return list(dict(zip(pairs, reranker.predict(pairs))).values())


@wrong("score_pairs", "should return 4 numbers, one for each, but returned 1")
def scores_returned_in_the_loop(pairs, reranker):
    scores = []
    for pair in pairs:
        scores.append(reranker.predict(pair))
        return scores


@wrong("score_pairs", "You returned whole numbers")
def scores_without_fractions(pairs, reranker):
    return [int(score) for score in reranker.predict(pairs)]


@wrong("score_pairs", "You took the sign off")
def scores_without_a_sign(pairs, reranker):
    return [abs(score) for score in reranker.predict(pairs)]


@wrong("score_pairs", "The sign is turned")
def scores_as_distances(pairs, reranker):
    return -reranker.predict(pairs)


@wrong("score_pairs", "from 0 to 1, the lowest to the highest")
def scores_from_0_to_1(pairs, reranker):
    scores = reranker.predict(pairs)
    return (scores - scores.min()) / (np.ptp(scores) or 1)


@wrong("score_pairs", "paired every document with the first query")
def scores_for_the_first_query(pairs, reranker):
    return reranker.predict([(pairs[0][0], document) for _, document in pairs])


@wrong("order_by_score", "A dictionary holds each text once")
def order_by_a_dictionary(documents, scores):
    best = dict(zip(documents, scores))
    return sorted(best.items(), key=lambda row: row[1], reverse=True)


@wrong("order_by_score", "A dictionary holds each text once")
def order_by_a_dictionary_s_keys(documents, scores):
    score_of = dict(zip(documents, scores))
    return [(document, score_of[document]) for document in sorted(documents, key=score_of.get, reverse=True)]


@wrong("order_by_score", "as text")
def order_as_text(documents, scores):
    return sorted(zip(documents, scores), key=lambda row: str(row[1]), reverse=True)


@wrong("order_by_score", "without its sign")
def order_without_signs(documents, scores):
    return sorted(zip(documents, scores), key=lambda row: abs(row[1]), reverse=True)


@wrong("order_by_score", "whole numbers")
def order_by_whole_numbers(documents, scores):
    return sorted(zip(documents, scores), key=lambda row: int(row[1]), reverse=True)


@wrong("order_by_score", "Sort candidates and scores together")
def order_by_index_of(documents, scores):
    ranked = sorted(scores, reverse=True)
    return [(documents[place], score) for place, score in enumerate(ranked)]


@wrong("order_by_score", "more often than it was given")
def order_by_looking_the_score_up(documents, scores):
    return [(documents[list(scores).index(score)], score) for score in sorted(scores, reverse=True)]


@wrong("squash", "without a minus")
def squash_of_the_size(logits):
    return 1 / (1 + np.exp(-np.abs(logits)))


@wrong("squash", "2 to the power of −x")
def squash_with_another_base(logits):
    return 1 / (1 + 2.0**-logits)


@wrong("squash", "should return 6 numbers, one for each, but returned 1")
def squash_returned_in_the_loop(logits):
    values = []
    for x in logits:
        values.append(1 / (1 + math.exp(-x)))
        return values


@wrong("squash", "brackets")
def squash_without_brackets(logits):
    return 1 / 1 + np.exp(-logits)


@wrong("squash", "That is the exponential")
def squash_without_the_fraction(logits):
    return np.exp(logits)


for _name, _answer, _message in (
    ("a_lower_case_d", {"a", "c", "d", "f"}, "named D"),
    ("one_letter", "A", "did not name C"),
    ("the_opposite", ["B", "D", "E"], "did not name A"),
    ("numbers", {1, 3, 6}, "should return a set of letters"),
    ("a_false_truth", {"A": True, "C": True, "E": True, "F": True}, "named E"),
):
    wrong("what_stays", _message, _name)(lambda answer=_answer: answer)


@wrong("place_of_answer", "The pairs were (document, query)")
def place_by_turned_pairs(query, documents, answer, reranker):
    scores = reranker.predict([(document, query) for document in documents])
    return [document for document, _ in order_by_heap(documents, scores)].index(answer) + 1


@wrong("place_of_answer", "The scores were compared without their signs")
def place_without_signs(query, documents, answer, reranker):
    scores = np.abs(reranker.predict([(query, document) for document in documents]))
    return [document for document, _ in order_by_heap(documents, scores)].index(answer) + 1


@wrong("place_of_answer", "one whole number, but returned str '1'")
def place_as_text(query, documents, answer, reranker):
    return "1"
