"""The truncation explorer: the plain function agrees with the model's own cut, and the slider calls it."""

import pytest

from rerank_course.lab.explorers.length_explorer import length_explorer, what_the_model_reads
from rerank_course.models import load_reranker
from rerank_course.texts.corpora import load_corpus

QUERY = "How soon must an interviewer fill in the scorecard?"
ANSWER = "within two working days of the interview"


@pytest.fixture(scope="module")
def long_document():
    return load_corpus("handbook").documents["hir-012"]


def test_nothing_is_cut_from_a_pair_that_fits(fast):
    reading = what_the_model_reads("Who flies?", "Penguins cannot fly.  ", fast)
    assert (reading.query, reading.document, reading.cut, reading.query_cut) == (
        "Who flies?",
        "Penguins cannot fly.  ",
        "",
        "",
    )
    assert reading.score == pytest.approx(fast.predict(("Who flies?", "Penguins cannot fly.  ")))


def test_the_two_parts_are_the_document_and_the_budget_is_used_up(fast, long_document):
    for max_length in (32, 200, 512):
        reading = what_the_model_reads(QUERY, long_document, fast, max_length)
        assert reading.document + reading.cut == long_document.content and reading.cut
        assert reading.query_tokens + reading.document_tokens + 3 == max_length


@pytest.mark.parametrize("max_length", [40, 333, 512])
@pytest.mark.parametrize("backend", ["torch", "int8"])
def test_the_score_is_what_the_model_gives_at_this_limit(reranker, fast, backend, max_length, long_document):
    """The full texts through a model with this limit, against the cut texts through one without."""
    full = {"torch": reranker, "int8": fast}[backend]
    limited = load_reranker(backend=backend, max_length=max_length)
    reading = what_the_model_reads(QUERY, long_document, full, max_length)
    assert reading.score == pytest.approx(
        float(limited.predict([(QUERY, long_document.content)])[0]), abs=1e-3
    )


def test_the_answer_comes_into_view_and_the_score_rises(fast, long_document):
    before, after = (what_the_model_reads(QUERY, long_document, fast, length) for length in (384, 448))
    assert ANSWER not in before.document and ANSWER in before.cut
    assert ANSWER in after.document and after.score > before.score + 2


def test_a_long_query_is_cut_too_and_its_end_is_lost(fast, long_document):
    query = "Earlier in this conversation we spoke about badges. " * 60 + QUERY
    reading = what_the_model_reads(query, long_document, fast)
    assert reading.query + reading.query_cut == query and reading.query_cut.endswith(QUERY)
    assert abs(reading.query_tokens - reading.document_tokens) <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "text"), "query has no text"),
        (("query", " "), "document has no text"),
        (("query", "text", 513), "from 8 to 512"),
        (("query", "text", 7), "from 8 to 512"),
    ],
)
def test_arguments_that_make_no_sense(fast, arguments, message):
    query, document, *limit = arguments
    with pytest.raises(ValueError, match=message):
        what_the_model_reads(query, document, fast, *limit)


def test_the_slider_shows_what_is_read(fast, long_document):
    slider, shown = length_explorer(QUERY, long_document, fast, ANSWER).children
    assert "The answer is read" in shown.value and f"<b>{ANSWER}</b>" in shown.value
    before = shown.value
    slider.value = 64
    assert shown.value != before and "not read in full" in shown.value
    reading = what_the_model_reads(QUERY, long_document, fast, 64)
    assert (
        f"{reading.document_tokens} of the document" in shown.value
        and f"score {reading.score:.2f}" in shown.value
    )


def test_the_document_cannot_put_markup_on_the_page(fast):
    _, shown = length_explorer("x", "a <script>alert(1)</script> & b", fast).children
    assert "<script>" not in shown.value and "&lt;script&gt;" in shown.value and "&amp; b" in shown.value
