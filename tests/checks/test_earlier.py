"""Where an earlier part is wrong, the check of a later one names that, and nothing else."""

import pytest

from rerank_course.checks.hosted_with_fallback import check_rerank_with_fallback
from rerank_course.checks.long_document import check_cut_windows, check_hide_the_answer
from rerank_course.checks.mix_and_cascade import check_mix_scores
from rerank_course.checks.score_pairs import check_place_of_answer
from tests.checks import hosted_answers as hosted
from tests.checks.long_answers import count_by_tokenize, cut, hide_far_away
from tests.checks.mix_answers import mix_by_loop, z_by_numpy
from tests.support.exercises import stub


def z_scores(scores):
    return list(scores)


def mix_scores(found, reranked, weight):
    return mix_by_loop(found, reranked, weight, normalise=z_scores)


def test_a_mix_of_wrong_z_scores():
    verdict = check_mix_scores(mix_scores, z_scores)
    assert verdict.status == "wrong" and "Mend z_scores first: For the scores [2.0" in verdict.message


def test_right_earlier_parts_are_not_blamed():
    verdict = check_mix_scores(mix_scores, z_by_numpy)
    assert verdict.status == "wrong" and "earlier part" not in verdict.message
    assert check_mix_scores(mix_by_loop, z_scores).status == "right"  # it does not use them


def test_an_unfinished_earlier_part_is_not_blamed():
    assert "earlier part" not in check_mix_scores(lambda f, r, w: [], stub).message
    assert check_mix_scores(stub, z_scores).status == "not attempted"


def hosted_scores(query, documents, client):
    return [result.relevance_score for result in hosted.ask(query, documents, client)]


def rerank_with_fallback(query, documents, client, local):
    return hosted.best_first(documents, hosted_scores(query, documents, client)), "hosted"


def test_a_fallback_over_scores_in_another_order():
    verdict = check_rerank_with_fallback(rerank_with_fallback, hosted_scores, hosted.is_temporary)
    assert "Mend hosted_scores first" in verdict.message and "as they came, best first" in verdict.message


def test_a_fallback_that_takes_a_wrong_key_for_an_outage():
    def is_temporary(error):
        return isinstance(error, Exception)

    def answer(query, documents, client, local):
        try:
            return hosted.fallback(query, documents, client, local)
        except Exception as error:
            if is_temporary(error):
                return hosted.best_first(documents, hosted.local_scores(query, documents, local)), "local"
            raise

    verdict = check_rerank_with_fallback(answer, hosted.hosted_scores, is_temporary)
    assert "Mend is_temporary first" in verdict.message and "True for everything" in verdict.message


@pytest.mark.heavy
def test_a_place_of_turned_pairs():
    def build_pairs(query, documents):
        return [(document, query) for document in documents]

    def score_pairs(pairs, reranker):
        return reranker.predict(pairs)

    def order_by_score(documents, scores):
        return sorted(zip(documents, scores), key=lambda row: -row[1])

    def place_of_answer(query, documents, answer, reranker):
        ranked = order_by_score(documents, score_pairs(build_pairs(query, documents), reranker))
        return [document for document, _ in ranked].index(answer) + 1

    verdict = check_place_of_answer(place_of_answer, build_pairs, score_pairs, order_by_score)
    assert "Mend build_pairs first" in verdict.message and "put the document first" in verdict.message


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("check", "answer"), [(check_hide_the_answer, hide_far_away), (check_cut_windows, cut)]
)
def test_tokens_that_are_counted_wrongly(check, answer):
    def count_tokens(query, document, reranker):
        return count_by_tokenize(query, document, reranker) | {"special": 2}

    def too_short(*arguments):
        return [part[:40] for part in answer(*arguments)]

    assert "Mend count_tokens first" in check(too_short, count_tokens).message
    assert check(answer, count_tokens).status == "right"
