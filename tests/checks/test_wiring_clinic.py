"""Checks of the exercise wiring_clinic: a test that finds the fault passes, whatever else is told why."""

import inspect
import unittest

import pytest

from rerank_course.checks import wiring_clinic_pipelines as pipelines
from rerank_course.checks.models import cross_encoder
from rerank_course.lab.known_scores import KnownScores
from tests.checks.wiring_tests import (
    CHECKS,
    EXERCISE,
    HITS,
    LETTERS,
    QUERIES,
    RIGHT,
    all_that_are_best,
    by_hash,
    heading_is_whole,
    reference,
    result,
    scored_again,
    with_known_scores,
)
from tests.support.exercises import graded_cells, passes, stub

each_letter = pytest.mark.parametrize("letter", LETTERS)


def reranker_or_known(letter):
    return cross_encoder() if letter == "f" else KnownScores(by_hash)


@pytest.fixture(scope="module")
def solutions():
    return reference()


@pytest.mark.heavy
@each_letter
def test_the_solution_passes_here_and_in_the_graded_cell(letter, solutions):
    verdict = CHECKS[letter](solutions[letter])
    assert verdict.status == "right", verdict.message
    assert passes(EXERCISE, f"graded-{letter}", **{f"test_{letter}": solutions[letter]})


@pytest.mark.heavy
@pytest.mark.parametrize(("letter", "test"), [(letter, test) for letter in LETTERS for test in RIGHT[letter]])
def test_other_tests_that_find_the_fault_pass_too(letter, test):
    verdict = CHECKS[letter](test)
    assert verdict.status == "right", verdict.message
    assert passes(EXERCISE, f"graded-{letter}", **{f"test_{letter}": test})


@each_letter
def test_an_untouched_stub_is_not_attempted(letter):
    verdict = CHECKS[letter](stub)
    assert verdict.status == "not attempted" and "Write stub above" in verdict.message


def test_each_part_is_graded():
    assert set(graded_cells(EXERCISE)) == {f"graded-{letter}" for letter in LETTERS}


def assert_wrong(letter, test, *messages):
    verdict = CHECKS[letter](test)
    assert verdict.status == "wrong", verdict.message
    for message in messages:
        assert message in verdict.message, verdict.message


@pytest.mark.parametrize("letter", LETTERS.replace("f", ""))
def test_a_test_that_asks_for_nothing_does_not_find_it(letter):
    def test(pipeline):
        pipeline(QUERIES[0], HITS, KnownScores(by_hash))

    assert_wrong(letter, test, f"passes on pipeline {letter.upper()}")


@pytest.mark.heavy
@each_letter
def test_a_test_that_always_fails_finds_nothing(letter):
    def test(pipeline):
        pipeline(QUERIES[0], HITS, reranker_or_known(letter))
        assert 1 > 2, "always"

    assert_wrong(
        letter, test, "fails on a right pipeline, one that is written in the plainest way", "assert 1 > 2"
    )


@each_letter
def test_a_test_that_fails_without_a_call(letter):
    def test(pipeline):
        assert 1 > 2

    assert_wrong(letter, test, "never called the pipeline that it was given, and fails whatever that is")


@each_letter
def test_a_test_that_never_calls_the_pipeline(letter):
    assert_wrong(letter, lambda pipeline: None, "never called the pipeline")


@each_letter
def test_a_test_has_to_be_a_function(letter):
    assert_wrong(letter, True, "Pass the function itself")


def test_a_verdict_that_is_returned_is_not_heard():
    def test(pipeline):
        return abs(pipeline("?", HITS, KnownScores(lambda *_: -5.0))[0][1] - 0.0067) < 0.001

    assert_wrong("b", test, "returned bool False. A test does not return its verdict")


def test_the_name_of_a_pipeline_does_not_tell():
    def by_name(pipeline):
        pipeline("?", HITS, KnownScores(by_hash))
        assert "pipeline_a" not in pipeline.__name__ + inspect.getsource(pipeline).partition("(")[0]

    assert_wrong("a", by_name, "passes on pipeline A")


@pytest.mark.parametrize("fails_at", [2, 3, 4, 5, 7, 9])
def test_a_test_that_depends_on_how_often_it_was_called(fails_at):
    calls = []

    def test(pipeline):
        pipeline("?", HITS, KnownScores(by_hash))
        calls.append(1)
        assert len(calls) < fails_at

    assert_wrong("a", test)


def test_the_faulty_pipeline_may_come_last_of_all(monkeypatch):
    def last(runs):
        runs.sort(key=lambda pipeline: pipeline is pipelines.pipeline_a)

    monkeypatch.setattr("random.shuffle", last)
    test_a_test_that_depends_on_how_often_it_was_called(9)


def test_the_caller_does_not_tell():
    def test(pipeline):
        pipeline("?", HITS, KnownScores(by_hash))
        callers = {frame.function for frame in inspect.stack()}
        assert "_must_fail" not in callers

    assert_wrong("a", test, "passes on pipeline A")


@pytest.mark.parametrize("letter", LETTERS.replace("f", ""))
def test_a_list_of_right_names_does_not_pass_when_graded(letter):
    def test(pipeline):
        pipeline("?", HITS, KnownScores(by_hash))
        names = [getattr(cell.cell_contents, "__name__", "") for cell in pipeline.__closure__]
        assert any(name.startswith("right") for name in names)

    assert not passes(EXERCISE, f"graded-{letter}", **{f"test_{letter}": test})


def test_a_missing_argument_does_not_tell():
    def test(pipeline):
        with pytest.raises(TypeError) as error:
            pipeline()
        assert "a_pipeline()" in str(error.value)

    assert_wrong("a", test)


def skips(pipeline):
    raise unittest.SkipTest("the fault is there")


def with_the_stub_s_line(pipeline):
    pipeline("?", HITS, KnownScores(by_hash))
    raise NotImplementedError()


def with_large_logits(pipeline):
    ranking = pipeline("?", HITS, KnownScores(lambda query, text: 50.0 if "boat" in text else 40.0))
    assert ranking[0][0] == "boats"


def without_a_model(pipeline):
    pipeline("?", HITS)


def asks_for_the_fault(pipeline):
    model = KnownScores(by_hash)
    pipeline(QUERIES[0], HITS, model, top_k=2)
    assert len(model.pairs) == 2


class PairsOnly:
    def predict(self, pairs):
        return [-5.0] * len(pairs)


def with_pairs_only(pipeline):
    assert pipeline("?", HITS, PairsOnly())[0][1] < 0.1


def generator(pipeline):
    yield pipeline("?", HITS, KnownScores(by_hash))


_KEPT = KnownScores(by_hash)


def keeps_its_model(pipeline):
    pipeline("?", HITS, _KEPT)
    assert len(_KEPT.pairs) == 5


@pytest.mark.parametrize(
    ("letter", "test", "message"),
    [
        ("a", keeps_its_model, "Does it keep something between runs?"),
        ("a", skips, "skips skips itself"),
        ("a", with_the_stub_s_line, "and then raises NotImplementedError: delete that line"),
        ("a", with_large_logits, "Take logits between -10 and 10"),
        ("a", without_a_model, "Is it called as pipeline(query, found, model)?"),
        ("a", asks_for_the_fault, "It passes on the faulty one: does it ask for the fault?"),
        ("b", with_pairs_only, "KnownScores can do that"),
        ("a", generator, "has a yield in it"),
        ("a", lambda: None, "has to take the pipeline, and nothing else, as its argument"),
        ("a", lambda pipeline, more: None, "has to take the pipeline, and nothing else, as its argument"),
        ("a", PairsOnly, "PairsOnly is a class"),
        ("f", with_known_scores, "Part F needs a real model: load_reranker(), without a backend"),
    ],
)
def test_the_message_says_what_is_wrong(letter, test, message):
    assert_wrong(letter, test, message)


@pytest.mark.heavy
def test_last_digits_are_not_asked_for():
    """Equal to the last digit is more than a right pipeline promises."""

    def test(pipeline):
        scored_again(pipeline, KnownScores(by_hash), tolerance=0)

    assert_wrong("h", test, "for example for equal last digits")


def test_a_test_that_knows_the_text_of_the_source_only():
    """Fooled by the published pipeline, found out by the hidden ones."""

    def test(pipeline):
        pipeline(QUERIES[0], HITS, KnownScores(by_hash))
        names = [getattr(cell.cell_contents, "__name__", "") for cell in pipeline.__closure__]
        assert "pipeline_g" not in names

    assert CHECKS["g"](test).status == "right"
    assert not passes(EXERCISE, "graded-g", test_g=test)


def test_a_stand_in_without_a_tokenizer_does_not_find_f():
    assert_wrong("f", with_known_scores, "one that calls tokenizer and model itself", "has no attribute")


def test_a_heading_that_is_short_enough_shows_nothing():
    def test(pipeline):
        model = KnownScores(by_hash)
        pipeline("?", [result("ropes", "Checked in spring.", heading="Ropes")], model)
        assert model.pairs == [("?", "Ropes. Checked in spring.")]

    assert_wrong("g", test, "for a heading of more than a few words")


def test_one_call_does_not_see_the_cache():
    assert_wrong("e", all_that_are_best, "One call is not enough")


def test_the_model_s_answers_alone_do_not_see_the_cut():
    assert_wrong("a", with_known_scores, "Give it more results than top_k")


def test_a_message_names_the_fault_once_it_is_found():
    assert "shortened to 24 characters" in CHECKS["g"](heading_is_whole).message


@pytest.mark.parametrize(
    "pipeline", [pair[0] for pair in vars(pipelines).items() if pair[0].startswith("right")]
)
def test_the_right_pipelines_agree(pipeline, reranker):
    """With each other, on texts of the model's own kind."""
    pipelines.forget()
    query = QUERIES[1]
    ranking = getattr(pipelines, pipeline)(query, HITS, reranker, top_k=4)
    expected = pipelines.right(query, HITS, reranker, top_k=4)
    assert [name for name, _ in ranking] == [name for name, _ in expected]
    assert [score for _, score in ranking] == pytest.approx([score for _, score in expected], abs=1e-4)


def test_the_right_pipelines_keep_to_top_k_and_depth(reranker):
    for name in (name for name in vars(pipelines) if name.startswith("right")):
        pipelines.forget()
        pipeline = getattr(pipelines, name)
        assert len(pipeline("?", HITS, reranker, top_k=2)) == 2
        assert [name for name, _ in pipeline("?", HITS, reranker, depth=2)] == ["tents"]
