"""The pair scorer: the plain function against the models, and the controls, driven as a reader would."""

import math

import pytest

from rerank_course.lab.explorers.pair_scorer import pair_scorer, score_pair

QUERY = "When does the market open?"
ANSWER, ECHO, OTHER = (
    "Stalls trade from eight in the morning.",
    "When does the market open? Nobody knows.",
    "Cats sleep for most of the day.",
)
DOCUMENTS = [OTHER, ECHO, ANSWER]


def test_a_pair_s_score_and_length(reranker):
    result = score_pair(QUERY, ANSWER, reranker)
    assert result["logit"] == pytest.approx(float(reranker.predict((QUERY, ANSWER))), abs=1e-4)
    assert result["sigmoid"] == pytest.approx(1 / (1 + math.exp(-result["logit"])))
    tokenizer = reranker.tokenizer
    assert (
        result["tokens"] == len(tokenizer.tokenize(QUERY)) + len(tokenizer.tokenize(ANSWER)) + 3
    )  # [CLS] query [SEP] document [SEP]
    assert result["limit"] == 512


def test_a_pair_is_query_first(reranker):
    assert score_pair(QUERY, ANSWER, reranker)["logit"] != pytest.approx(
        score_pair(ANSWER, QUERY, reranker)["logit"], abs=0.1
    )


def test_tokens_past_the_limit_are_counted_and_change_nothing(reranker):
    long = score_pair(QUERY, "word " * 600, reranker)
    assert long["tokens"] > long["limit"]
    assert long["logit"] == pytest.approx(score_pair(QUERY, "word " * 700, reranker)["logit"], abs=1e-4)


def test_the_int8_engine_scores_a_pair_too(fast):
    assert set(score_pair(QUERY, ANSWER, fast)) == {"logit", "sigmoid", "tokens", "limit"}


@pytest.mark.parametrize(
    ("query", "document", "named"),
    [("", ANSWER, "query"), ("  ", ANSWER, "query"), (QUERY, "\n", "document")],
)
def test_an_empty_pair_is_named(reranker, query, document, named):
    with pytest.raises(ValueError, match=f"The {named} is empty. Type"):
        score_pair(query, document, reranker)


def test_the_pair_scorer_reacts_and_recovers(reranker):
    scorer = pair_scorer(reranker, QUERY, ANSWER)
    query, document, shown = scorer.children
    assert f"{score_pair(QUERY, ANSWER, reranker)['logit']:.2f}" in shown.value
    assert not query.continuous_update and not document.continuous_update
    document.value = OTHER
    assert f"{score_pair(QUERY, OTHER, reranker)['logit']:.2f}" in shown.value
    document.value = ""
    assert shown.value == "The document is empty. Type some text: a score needs a query and a document."
    document.value = "word " * 600
    assert "are cut off" in shown.value
    document.value, query.value = ANSWER, QUERY
    assert "logit" in shown.value and "are cut off" not in shown.value


def test_the_pair_scorer_starts_empty(reranker):
    assert "The query is empty" in pair_scorer(reranker).children[-1].value
