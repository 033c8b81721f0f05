"""Mixes, cascades and gates in an evaluation: what is held out, what is read, and what they are called."""

import numpy as np
import pytest

from rerank_course.evaluate import per_query
from rerank_course.report.measured import Measured
from rerank_course.report.uses import GATE, gate_half, mix_held_out, names_of, other_uses
from rerank_course.stages import margin
from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus

WORDS = ["lake", "boat", "gate", "fish", "swim", "dog", "bread", "ticket", "euro", "night", "tree", "rain"]


@pytest.fixture
def corpus():
    """Twelve queries of one word, each with one answer among twelve documents."""
    documents = {f"d{i}": Chunk(f"d{i}", f"all about {word}") for i, word in enumerate(WORDS)}
    queries = {f"q{i}": word for i, word in enumerate(WORDS)}
    return Corpus("words", documents, queries, {f"q{i}": {f"d{i}": 3} for i in range(len(WORDS))}, {})


def ranked(corpus, place_of_answer, spread=1.0):
    """A run with the answer at a place that is given for each query."""
    run = {}
    for i, query in enumerate(corpus.queries):
        others = [document for document in corpus.documents if document != f"d{i}"]
        order = [*others[: place_of_answer[i]], f"d{i}", *others[place_of_answer[i] :]]
        run[query] = [(document, 20.0 - spread * place) for place, document in enumerate(order)]
    return run


def mean(run, corpus):
    return per_query(run, corpus)["nDCG@10"].mean()


def test_the_better_of_the_two_orders_gets_the_weight(corpus):
    good, bad = ranked(corpus, [0] * 12), ranked(corpus, [9] * 12)
    to_reranker, to_search = mix_held_out(corpus, bad, good, 12), mix_held_out(corpus, good, bad, 12)
    assert set(to_reranker.weights.values()) <= {0.5, 0.75, 1.0} and mean(to_reranker.run, corpus) == 1
    assert set(to_search.weights.values()) <= {0.5, 0.25, 0.0} and mean(to_search.run, corpus) == 1


def test_a_query_has_no_say_in_its_own_weight(corpus):
    """One query alone likes the reranker: it is given the weight that the eleven others like."""
    search, reranked = [0] * 12, [9] * 12
    search[5], reranked[5] = 9, 0
    mixed = mix_held_out(corpus, ranked(corpus, search), ranked(corpus, reranked, spread=9.0), 12)
    assert mixed.weights["q5"] <= 0.5
    assert [document for document, _ in mixed.run["q5"]][0] != "d5"


def test_one_query_is_mixed_half_and_half(corpus):
    one = Corpus("one", corpus.documents, {"q0": "lake"}, {"q0": {"d0": 3}}, {})
    run = {"q0": ranked(corpus, [3] * 12)["q0"]}
    assert mix_held_out(one, run, run, 5).weights == {"q0": 0.5}
    assert gate_half(run, {"q0": []}) is None


def test_the_gate_opens_for_the_half_that_is_less_sure(corpus):
    found = {
        query: [(document, -place * (1 + i)) for place, document in enumerate(corpus.documents)]
        for i, query in enumerate(corpus.queries)
    }
    gated = gate_half(found, {query: [("d0", 1.0)] for query in found})
    opened = [query for query in found if gated[query] != found[query]]
    assert 4 <= len(opened) <= 8 and {"q0", "q1", "q2"} <= set(opened) and "q11" not in opened
    measured = Measured(corpus, {"words": found, "words + gate 10": gated})
    (system,) = measured.reranked
    assert system.use == GATE
    assert measured.pairs_a_query(system) == pytest.approx(10 * len(opened) / 12)


def test_runs_of_another_engine_get_all_but_a_cascade(corpus):
    found, reranked = ranked(corpus, [3] * 12), ranked(corpus, [0] * 12)
    runs = {"mine": found, "mine + rerank 5": reranked, "mine + rerank 10": reranked}
    others = other_uses(corpus, {"mine": found}, None, runs, [10, 5])
    unmade = {"mine + cascade 5", "mine + gate 10"}  # all margins are equal here
    assert {*runs, *others.runs} == set(names_of("mine", [5, 10])) - unmade
    assert others.weights.keys() == {"mine + mix 5", "mine + mix 10"} and not others.margins


def test_a_gate_says_from_which_margin_on_it_leaves_the_order(corpus):
    found = {
        query: [(document, -place * (1.0 + i)) for place, document in enumerate(corpus.documents)]
        for i, query in enumerate(corpus.queries)
    }
    runs = {"mine": found, "mine + rerank 5": found}
    others = other_uses(corpus, {"mine": found}, None, runs, [5])
    limit = others.margins["mine + gate 5"]
    assert limit == pytest.approx(np.median([margin(ranking) for ranking in found.values()]))
    assert others.weights["mine + gate 5"] == others.weights["mine + mix 5"]


def test_margins_that_are_equal_make_no_gate(corpus):
    """As with scores made of ranks: all would be left, and the row would say that a gate gains nothing."""
    ranks = {query: [(d, 1 / (61 + i)) for i, d in enumerate(corpus.documents)] for query in corpus.queries}
    assert gate_half(ranks, {query: [("d0", 1.0)] for query in ranks}) is None


def test_a_cascade_reads_what_the_embedder_chose(corpus, embedder, tmp_path, monkeypatch):
    from rerank_course.engine.cache import CACHE_VARIABLE
    from rerank_course.retrieve import DenseRetriever

    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    read = []

    class Reranker:
        def predict(self, pairs, *, batch_size):
            read.append(len(pairs))
            return [float(query in text) for query, text in pairs]

    found = ranked(corpus, [11] * 12)
    dense = DenseRetriever(list(corpus.documents.values()), embedder)
    runs = {"mine": found, "dense": found} | {f"{one} + rerank 3": found for one in ("mine", "dense")}
    more = other_uses(corpus, {"mine": found, "dense": dense}, Reranker(), runs, [3]).runs
    assert "dense + cascade 3" not in more and set(read) == {3} and len(read) == 12
    assert mean(more["mine + cascade 3"], corpus) > 0.9 > mean(found, corpus)
    assert all(len(ranking) == 12 for ranking in more["mine + cascade 3"].values())


def test_names_are_read_back(corpus):
    runs = dict.fromkeys(names_of("a + b", [5, 10]), ranked(corpus, [0] * 12))
    measured = Measured(corpus, runs)
    assert [system.name for system in measured.systems] == [
        "a + b",
        "a + b + rerank 5",
        "a + b + rerank 10",
        "a + b + mix 5",
        "a + b + mix 10",
        "a + b + cascade 5",
        "a + b + gate 10",
    ]
    deep = measured.systems[4]
    assert measured.step_before(deep).name == "a + b + mix 5" and measured.stage_of(deep).name == "a + b"
    assert np.isfinite([measured.pairs_a_query(system) for system in measured.systems]).all()
