"""The handbook, and what else can be loaded by name or path."""

import json
from collections import Counter

import pytest

from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.evaluate import per_query, retrieve_and_rerank
from rerank_course.retrieve import DenseRetriever
from rerank_course.texts.corpora import DATA, load_corpus
from rerank_course.texts.files import CorpusError

KINDS = {
    "plain keyword",
    "paraphrase",
    "negation",
    "number or limit",
    "acronym",
    "superseded rule",
    "multi-condition",
    "same words, other topic",
    "long document",
    "no answer",
}


@pytest.fixture(scope="module")
def handbook():
    return load_corpus("handbook")


def rows(name):
    return [json.loads(line) for line in (DATA / "handbook" / name).read_text(encoding="utf-8").splitlines()]


def test_the_handbook_holds_what_its_data_card_says(handbook):
    assert len(handbook.documents) == 294 and len(handbook.queries) == 112
    card = (DATA / "handbook" / "README.md").read_text(encoding="utf-8")
    grades = Counter(grade for judged in handbook.qrels.values() for grade in judged.values())
    for promised in (
        f"{len(handbook.documents)} passages",
        f"{len(handbook.queries)} queries",
        f"{sum(grades.values()):,} judgements",
    ):
        assert promised in card
    assert len({row["metadata"]["department"] for row in rows("corpus.jsonl")}) == 13


def test_the_running_example_is_there(handbook):
    assert handbook.queries["exp-q01"] == "What is the reimbursement limit?"
    assert (
        handbook.documents["exp-001"].text == "Employees may submit expenses up to $500 without pre-approval."
    )
    assert handbook.qrels["exp-q01"]["exp-001"] == 3


def test_every_query_is_judged_as_its_kind_asks(handbook):
    assert set(handbook.kinds.values()) == KINDS and set(handbook.kinds) == set(handbook.queries)
    for query, kind in handbook.kinds.items():
        grades = list(handbook.qrels[query].values())
        assert set(grades) <= {0, 1, 2, 3}
        assert sum(grade < 2 for grade in grades) >= 4, query
        assert (max(grades) >= 2) == (kind != "no answer"), query


def test_no_passage_stands_there_twice(handbook):
    assert len({chunk.text for chunk in handbook.documents.values()}) == len(handbook.documents)
    assert len(set(handbook.queries.values())) == len(handbook.queries)


def test_long_passages_are_those_that_say_where_their_answer_stands(reranker):
    """Twelve passages are longer than the model reads; each says where in it its answer stands."""
    positions = Counter()
    for row in rows("corpus.jsonl"):
        tokens = len(reranker.tokenizer(row["text"], verbose=False)["input_ids"])
        assert (tokens > 512) == ("answer_at" in row["metadata"]), (row["_id"], tokens)
        positions[row["metadata"].get("answer_at")] += 1
    assert [positions[where] for where in ("start", "middle", "end")] == [4, 4, 4]


def test_an_unknown_name_lists_the_known_ones():  # and says that a path would do
    with pytest.raises(CorpusError, match="handbook, pandas-docs. Your own data is named by its path"):
        load_corpus("no such corpus")


def test_the_handbook_is_hard_enough_to_teach_with(handbook, embedder):
    """Dense search is neither hopeless nor perfect, and the reranker repairs and breaks enough of its first
    places; by recorded float32 scores.
    """
    dense = DenseRetriever(list(handbook.documents.values()), embedder)
    runs = retrieve_and_rerank(
        handbook, {"dense": dense}, RecordedReranker("handbook", "fp32"), depths=(100,)
    )
    assert 0.55 <= per_query(runs["dense"], handbook)["nDCG@10"].mean() <= 0.85

    def right(run, query):
        return handbook.qrels[query].get(run[query][0][0], 0) >= 2

    changes = Counter(
        (right(runs["dense"], query), right(runs["dense + rerank 100"], query)) for query in runs["dense"]
    )
    assert changes[False, True] >= 15 and changes[True, False] >= 8, changes
