"""Checks of the exercise wiring_clinic: does a learner's test tell a faulty pipeline from right ones?

A test is run on pipelines that are right and differ in how they are written, and on the faulty one. Nothing
is asked of the test itself: it may look at scores, at the order, or at the pairs that the model is given.
"""

import inspect
import random
import unittest
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rerank_course.checks import wiring_clinic_pipelines as pipelines
from rerank_course.checks.answers import show
from rerank_course.checks.calling import name_of, steps_of
from rerank_course.checks.verdict import NotAttempted, Wrong, check, demand
from rerank_course.checks.wiring_clinic_pipelines import Pipeline

ANY = (
    (pipelines.right, "one that is written in the plainest way"),
    (pipelines.right_in_batches, "one that gives the model two pairs at a time"),
    (pipelines.right_by_places, "one that sorts positions, and looks the results up afterwards"),
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
        "The order is right. Look at the numbers: what probability should a logit of -5 have? (A model of "
        "your own has to apply activation_fn, or the fault cannot show.)",
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
    _check_function(test)
    allowed = [*case.right, *((pipeline, "one that you have not seen") for pipeline in right)]
    forbidden = [case.faulty, *faulty]
    first, second = _run(test, pipelines.right), _run(test, pipelines.right)
    demand(
        first.error is not None or second.error is None,
        f"{name_of(test)} passes on a right pipeline, and fails when it is run again. Does it keep something "
        "between runs?",
    )
    # Twice each, in an order that nobody can count on; a right one at the end, since a test that fails from
    # some call on would else be accepted where the faulty ones come last.
    runs = [*(pipeline for pipeline, _ in allowed), *forbidden] * 2
    random.shuffle(runs)
    runs.append(pipelines.right)
    outcomes: dict[Pipeline, list[Outcome]] = {}
    for pipeline in runs:
        outcomes.setdefault(pipeline, []).append(_run(test, pipeline))
    is_seen = all(outcome.error for outcome in outcomes[case.faulty])
    for pipeline, description in allowed:
        for outcome in outcomes[pipeline]:
            _must_pass(test, outcome, description, asks_for_it=not is_seen)
    for pipeline in forbidden:
        other = "" if pipeline is case.faulty else " in other words"
        for outcome in outcomes[pipeline]:
            _must_fail(test, outcome, f"pipeline {letter}{other}", case.hint)
    return f"Your test fails on pipeline {letter} and passes on {len(allowed)} right ones. {case.found}"


class Outcome(NamedTuple):
    """Of one run of a test on one pipeline.

    Attributes:
        error: with what it failed, or None.
        rankings: what each of its calls returned.
        answer: what the test returned.
    """

    error: BaseException | None
    rankings: list[Any]
    answer: Any


def _check_function(test: Any) -> None:
    """Demand a function that takes one argument and is run by calling it."""
    name = name_of(test)
    demand(not isinstance(test, type), f"Pass a function to the check; {name} is a class.")
    late = getattr(test, "late", "")  # of a function in another process
    if inspect.isgeneratorfunction(test) or inspect.iscoroutinefunction(test):
        late = "yield" if inspect.isgeneratorfunction(test) else "async"
    demand(not late, f"{name} has a {late} in it, so calling it runs nothing.")
    try:
        inspect.signature(test).bind(None)
    except TypeError:
        raise Wrong(
            f"{name} has to take the pipeline, and nothing else, as its argument: def {name}(pipeline)."
        ) from None


def _must_pass(test: Callable, outcome: Outcome, description: str, asks_for_it: bool = False) -> None:
    """Demand that a test let a right pipeline pass, and say what may be wrong with one that does not."""
    error = outcome.error
    if error is None:
        return
    is_failed_assert = isinstance(error, AssertionError) or type(error).__name__ == "Failed"  # pytest's own
    if not outcome.rankings and is_failed_assert:
        raise Wrong(
            f"{name_of(test)} never called the pipeline that it was given, and fails whatever that is."
        )
    said = f"on a right pipeline, {description}: {_quote(error, test)}."
    if not is_failed_assert:
        raise Wrong(f"Your test raised {type(error).__name__} {said} {_remedy(error)}") from error
    why = "Does it ask for more than was promised, for example for equal last digits?"
    if any(map(_is_tied_at_one, outcome.rankings)):
        why = "Two of your logits have the same probability, 1.0. Take logits between -10 and 10."
    elif asks_for_it:
        why = "It passes on the faulty one: does it ask for the fault?"
    raise Wrong(f"Your test fails {said} {why}") from error


def _remedy(error: BaseException) -> str:
    """What to do about an error that is no failed assert."""
    said = str(error)
    if "activation_fn" in said:
        return "A right pipeline may call predict(pairs, activation_fn=…). KnownScores can do that."
    if isinstance(error, AttributeError) and ("'tokenizer'" in said or "'model'" in said):
        return "Part F needs a real model: load_reranker(), without a backend."
    return "Is it called as pipeline(query, found, model)?"


def _is_tied_at_one(ranking: Any) -> bool:
    try:
        return sum(probability >= 1 - 1e-7 for _, probability in ranking) > 1
    except (TypeError, ValueError):  # whatever a pipeline of the learner's returned
        return False


def _must_fail(test: Callable, outcome: Outcome, named: str, hint: str) -> None:
    if outcome.error is not None:
        return
    demand(bool(outcome.rankings), f"{name_of(test)} never called the pipeline that it was given.")
    demand(
        outcome.answer is None,
        f"Your test returned {show(outcome.answer)}. A test does not return its verdict: it fails by an "
        "assert.",
    )
    raise Wrong(f"Your test passes on {named}, so it does not see the fault. {hint}")


def _run(test: Callable, pipeline: Pipeline) -> Outcome:
    """Run a test on one pipeline, with empty caches."""
    rankings: list[Any] = []

    def a_pipeline(query: str, found: list, model: Any, top_k: int = 3, depth: int = 50) -> Any:
        rankings.append(None)  # a call that raises is a call
        rankings[-1] = pipeline(query, found, model, top_k, depth)
        return rankings[-1]

    pipelines.forget()
    try:
        return Outcome(None, rankings, test(a_pipeline))
    except NotImplementedError as error:
        if rankings:
            raise Wrong(
                f"{name_of(test)} calls the pipeline, and then raises NotImplementedError: delete that line."
            ) from error
        raise NotAttempted(
            f"Write {name_of(test)} above, run its cell, then run this check again."
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # as for any test runner: pytest's own Failed is no Exception
        if isinstance(error, unittest.SkipTest) or type(error).__name__ == "Skipped":
            raise Wrong(f"{name_of(test)} skips itself. A test that is skipped finds nothing.") from error
        return Outcome(error, rankings, None)


def _quote(error: BaseException, test: Callable) -> str:
    """An error of a learner's test, with the line of the test that raised it."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    own = test.__code__.co_filename if hasattr(test, "__code__") else ""
    steps = [step for step in steps_of(error) if step.filename == own]
    line = (steps[-1].line or "").strip() if steps else ""
    return f"{said}, at the line: {line}" if line else said
