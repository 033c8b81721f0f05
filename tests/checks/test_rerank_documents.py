"""Checks of the exercise rerank_documents: right answers pass, here and in the graded cells."""

import numpy as np
import pytest

from rerank_course.checks import rerank_documents as checks
from rerank_course.checks.toys.reranker import ToyReranker
from rerank_course.checks.verdict import Verdict
from rerank_course.text import text_of
from tests.checks.rerank_answers import EXERCISE, HEAVY, RIGHT, STEPS, ignore, plain, variant
from tests.support.exercises import cases, graded_cells, passes


def verdicts(answer):
    return {step: check(answer) for step, (check, _) in STEPS.items()}


@pytest.mark.parametrize("answer", RIGHT)
@pytest.mark.parametrize("step", cases([(step,) for step in STEPS], HEAVY))
def test_right(step, answer):
    check, cell = STEPS[step]
    verdict = check(answer)
    assert verdict.status == "right", verdict
    assert passes(EXERCISE, cell, rerank_documents=answer)


@pytest.mark.heavy
def test_the_variant_with_nothing_changed_is_right():
    assert {verdict.status for verdict in verdicts(variant()).values()} == {"right"}


@pytest.mark.parametrize("step", cases([(step,) for step in STEPS], HEAVY))
def test_an_untouched_stub_is_not_attempted(step):
    def rerank_documents(query, candidates, reranker, batch_size=32, top_k=20):
        raise NotImplementedError()

    verdict = STEPS[step][0](rerank_documents)
    assert verdict.status == "not attempted" and "Write rerank_documents above" in verdict.message


@pytest.mark.heavy
def test_a_first_answer_passes_the_first_step_and_is_told_what_is_next():
    """What a learner has after step 1: the first check holds, and none says that nothing was attempted."""

    def rerank_documents(query, candidates, reranker, batch_size=32, top_k=20):
        scores = [reranker.predict((query, text_of(candidate))) for candidate in candidates]
        return sorted(zip(candidates, scores), key=lambda row: row[1], reverse=True)

    said = verdicts(rerank_documents)
    assert said.pop("best first").status == "right"
    assert {verdict.status for verdict in said.values()} == {"wrong"}


def known_ranking(query, candidates, reranker):
    """The public check's ranking, whatever is asked."""
    if all(isinstance(candidate, str) for candidate in candidates):
        return plain(checks._QUERY, list(checks._DOCUMENTS), reranker)
    return plain(query, candidates, reranker)


def refuses_what_the_check_tries(query, batch_size, top_k):
    for name, value, bad in (
        ("query", query, ("", " \n")),
        ("batch_size", batch_size, (0, -1)),
        ("top_k", top_k, (0, -1)),
    ):
        if value in bad:
            raise ValueError(f"{name} is {value!r}")


HARD_CODED = {
    "best first": known_ranking,
    "one call": variant(
        check=ignore,
        score=lambda r, pairs, size: r.predict(pairs, batch_size=size if size in (5, 32) else 32),
    ),
    "what comes back": lambda q, cs, r, batch_size=32, top_k=20: (
        plain(q, cs, r, batch_size, top_k) if checks._DOCUMENTS[0] in text_of(cs[0]) else []
    ),
    "top_k": variant(cut=lambda rows, top_k: rows[: top_k if top_k in (1, 4, 20) else None]),
    "bad arguments": variant(check=refuses_what_the_check_tries),
    "bad scores": variant(
        check_scores=lambda scores, count: (
            count == 5 and plain("q", ["d"] * count, ToyReranker(answer=scores))
        )
    ),
}


@pytest.mark.parametrize("step", cases([(step,) for step in STEPS], HEAVY))
def test_an_answer_made_for_the_public_data_passes_the_public_check_alone(step):
    check, cell = STEPS[step]
    assert check(HARD_CODED[step]).status == "right"
    assert not passes(EXERCISE, cell, rerank_documents=HARD_CODED[step])


def test_each_step_is_graded():
    assert set(graded_cells(EXERCISE)) == {cell for _, cell in STEPS.values()}


def test_no_two_scores_are_so_close_that_another_machine_could_swap_them(reranker):
    asked = []

    def spy(function, query=checks._QUERY, documents=checks._DOCUMENTS):
        asked.append((query, documents))
        return Verdict("right", "")

    exec(graded_cells(EXERCISE)["graded-ranking"], {"check_best_first": spy, "rerank_documents": None})
    assert len(asked) == 2
    for query, documents in asked:
        assert min(np.diff(sorted(reranker.predict([(query, document) for document in documents])))) > 0.1
