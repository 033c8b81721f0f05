"""Checks of the exercise wiring_clinic: does a learner's test tell a faulty pipeline from right ones?

A test is run on pipelines that are right and differ in how they are written, and on the faulty one. Nothing
is asked of the test itself: it may look at scores, at the order, or at the pairs that the model is given.
"""

import linecache
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rerank_course.checks import wiring_clinic_pipelines as pipelines
from rerank_course.checks.answers import show
from rerank_course.checks.calling import name_of
from rerank_course.checks.verdict import NotAttempted, Wrong, check, demand
from rerank_course.checks.wiring_clinic_pipelines import Pipeline

ANY = (
    (pipelines.right, "one that is written in the plainest way"),
    (pipelines.right_in_batches, "one that gives the model two pairs at a time"),
    (pipelines.right_by_places, "one that sorts places in place of results"),
)
Right = Sequence[tuple[Pipeline, str]]


class Case(NamedTuple):
    """A faulty pipeline.

    Attributes:
        right: those that a test must let pass, each with a description; they use no more of a model than the
            faulty one does.
        found: what to say of a test that finds the fault.
        hint: what to say of a test that does not.
    """

    faulty: Pipeline
    right: Right
    found: str
    hint: str


CASES = {
    "A": Case(
        pipelines.pipeline_a,
        ANY,
        "It cuts to top_k before it reranks, so what the search had below the cut never comes up.",
        "Give it more results than top_k, and look which of them can come up.",
    ),
    "B": Case(
        pipelines.pipeline_b,
        (*ANY, (pipelines.right_in_the_model, "one that lets the model apply the sigmoid")),
        "The sigmoid is applied twice: the order stays, and no probability is below one half.",
        "The order is right. Look at the numbers: what probability should a logit of -5 have?",
    ),
    "C": Case(
        pipelines.pipeline_c,
        ANY,
        "After the filter, scores and results are out of step: a score stands beside the id of another one.",
        "Give it a result that is not in force, before others, and look which id gets which score.",
    ),
    "D": Case(
        pipelines.pipeline_d,
        ANY,
        "The pairs are turned round: (text, query), where the model was trained on (query, text).",
        "Look at what the model is asked: KnownScores keeps it in pairs.",
    ),
    "E": Case(
        pipelines.pipeline_e,
        (*ANY, (pipelines.right_with_a_cache, "one that keeps scores by model, query and text")),
        "Its cache knows a score by the document alone, so the second query gets the scores of the first.",
        "One call is not enough to see it.",
    ),
    "F": Case(
        pipelines.pipeline_f,
        (*ANY, (pipelines.right_by_hand, "one that calls tokenizer and model itself, with all inputs")),
        "The token types are dropped, so the model does not know where the query ends and the text begins.",
        "Compare a probability with the one that the model's own predict gives for the same pair.",
    ),
    "G": Case(
        pipelines.pipeline_g,
        ANY,
        "It gives the model the heading as the result list shows it, shortened to 24 characters.",
        "Look at what the model is asked, for a heading of more than a few words.",
    ),
    "H": Case(
        pipelines.pipeline_h,
        ANY,
        "A softmax over a single logit is 1, whatever the logit: all scores are equal, and the order is that "
        "of the search.",
        "Look at the numbers, of a good text and of a bad one.",
    ),
}


@check
def check_test_a(test: Callable, **others: Any) -> str:
    """``test_a(pipeline)`` fails on pipeline A, and passes on right ones."""
    return _judge("A", test, **others)


@check
def check_test_b(test: Callable, **others: Any) -> str:
    """``test_b(pipeline)`` fails on pipeline B, and passes on right ones."""
    return _judge("B", test, **others)


@check
def check_test_c(test: Callable, **others: Any) -> str:
    """``test_c(pipeline)`` fails on pipeline C, and passes on right ones."""
    return _judge("C", test, **others)


@check
def check_test_d(test: Callable, **others: Any) -> str:
    """``test_d(pipeline)`` fails on pipeline D, and passes on right ones."""
    return _judge("D", test, **others)


@check
def check_test_e(test: Callable, **others: Any) -> str:
    """``test_e(pipeline)`` fails on pipeline E, and passes on right ones."""
    return _judge("E", test, **others)


@check
def check_test_f(test: Callable, **others: Any) -> str:
    """``test_f(pipeline)`` fails on pipeline F, and passes on right ones."""
    return _judge("F", test, **others)


@check
def check_test_g(test: Callable, **others: Any) -> str:
    """``test_g(pipeline)`` fails on pipeline G, and passes on right ones."""
    return _judge("G", test, **others)


@check
def check_test_h(test: Callable, **others: Any) -> str:
    """``test_h(pipeline)`` fails on pipeline H, and passes on right ones."""
    return _judge("H", test, **others)


def _judge(
    letter: str, test: Callable, faulty: Sequence[Pipeline] = (), right: Sequence[Pipeline] = ()
) -> str:
    """What to say of a test that tells them apart.

    Args:
        faulty, right: more pipelines with the same fault, and without it, that the test has not seen.
    """
    case = CASES[letter]
    allowed = [*case.right, *((pipeline, "one that you have not seen") for pipeline in right)]
    _must_pass(test, allowed)
    for pipeline in (case.faulty, *faulty):
        unseen = "" if pipeline is case.faulty else " in other words"
        _must_fail(test, pipeline, f"pipeline {letter}{unseen}", case.hint)
    _must_pass(test, allowed[:1])  # it must not depend on how often it was called
    _must_fail(test, case.faulty, f"pipeline {letter}, when it is run again", case.hint)
    return f"Your test fails on pipeline {letter} and passes on {len(allowed)} right ones. {case.found}"


def _must_pass(test: Callable, allowed: Right) -> None:
    for pipeline, description in allowed:
        error = _run(test, pipeline).error
        if error is None:
            continue
        raise Wrong(
            f"Your test fails on a right pipeline, {description}: {_quote(error, test)}. Does it ask for "
            "more than was promised, for example for equal last digits?"
        ) from error


def _must_fail(test: Callable, pipeline: Pipeline, named: str, hint: str) -> None:
    outcome = _run(test, pipeline)
    if outcome.error is not None:
        return
    demand(outcome.calls > 0, f"{name_of(test)} never called the pipeline that it was given.")
    demand(
        outcome.answer is None,
        f"Your test returned {show(outcome.answer)}. A test does not return its verdict: it fails by an "
        "assert.",
    )
    raise Wrong(f"Your test passes on {named}, so it does not see the fault. {hint}")


class _Outcome(NamedTuple):
    error: Exception | None
    calls: int
    answer: Any


def _run(test: Callable, pipeline: Pipeline) -> _Outcome:
    """With what a test fails on a pipeline, how often it called it, and what it returned."""
    name, calls = name_of(test), 0

    def a_pipeline(*arguments: Any, **keywords: Any) -> Any:  # one name for all: it must not tell the fault
        nonlocal calls
        calls += 1
        return pipeline(*arguments, **keywords)

    pipelines.forget()
    try:
        answer = test(a_pipeline)
    except NotImplementedError as error:
        raise NotAttempted(f"Write {name} above, run its cell, then run this check again.") from error
    except Exception as error:  # as for any test runner, whatever is raised is a failure
        return _Outcome(error, calls, None)
    return _Outcome(None, calls, answer)


def _quote(error: Exception, test: Callable) -> str:
    """An error of a learner's test, with the line of the test that raised it."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    own = test.__code__.co_filename if hasattr(test, "__code__") else ""
    steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename == own]
    line = linecache.getline(own, steps[-1].lineno or 0).strip() if steps else ""
    return f"{said}, at the line: {line}" if line else said
