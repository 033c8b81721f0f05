"""Splitting without a leak, negatives with guards, and lists for the losses."""

from dataclasses import replace

import pytest

from rerank_course.finetune import OBVIOUS, Recipe, TooFewQueriesError, UnsuitableJudgementsError
from rerank_course.finetune.first_lines import from_first_lines
from rerank_course.finetune.lists import FEWEST, examples, training_lists, warn_of_long_pairs
from rerank_course.finetune.negatives import negatives
from rerank_course.finetune.split import folds, hold_out, leaks, plain_words, together
from rerank_course.text import Chunk
from rerank_course.texts.corpora import load_corpus
from tests.finetune.toys import Counting, corpus


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("How do I drop a column?", "HOW DO I DROP A COLUMN", True),
        ("How do I drop a column?", "drop the column", True),
        ("Ｆｕｌｌ width", "full, width!", True),
        ("drop a column", "drop a row", False),
        ("to be or not to be", "whither", False),
        ("???", "?!", False),
    ],
)
def test_the_same_question_otherwise_written(first, second, same):
    assert (plain_words(first) == plain_words(second)) is same


def test_queries_that_share_words_or_an_answer_belong_together_also_over_a_third():
    toys = corpus()
    toys.queries["q1"] = toys.queries["q0"].upper()
    toys.qrels["q2"]["d1-3"] = 2  # an answer of q1: so q0, q1 and q2 are one
    toys.qrels["q4"]["d3-3"] = 1  # helps only
    groups = together(toys)
    assert groups["q0"] == groups["q1"] == groups["q2"]
    assert len(set(groups.values())) == 8


@pytest.mark.parametrize("name", ["pandas-docs", "handbook"])
@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_of_a_fold_is_known_in_another(name, seed):
    found = load_corpus(name)
    dealt = folds(found, 5, seed=seed)
    ids = [query for fold in dealt for query in fold]
    assert sorted(ids) == sorted(together(found)) and len(set(ids)) == len(ids)
    for fold in dealt:
        here = {d for q in fold for d, grade in found.qrels[q].items() if grade >= found.relevant}
        others = [q for q in ids if q not in fold]
        assert not here & {
            d for q in others for d, grade in found.qrels[q].items() if grade >= found.relevant
        }
    sizes = [len(fold) for fold in dealt]
    assert max(sizes) - min(sizes) <= 2


def test_a_leak_is_named():
    toys = corpus()
    toys.queries["q7"] = "how are  TENTS (number 0) cleaned"
    toys.qrels["q8"]["d1-3"] = 3
    first, second = [f"q{n}" for n in range(5)], [f"q{n}" for n in range(5, 10)]
    assert leaks(toys, first, second) == [("q0", "q7"), ("q1", "q8")]
    assert leaks(toys, first, ["q5", "q6", "q9"]) == []
    dealt = folds(toys, 4, seed=2)
    assert leaks(toys, dealt[0] + dealt[1], dealt[2] + dealt[3]) == []
    assert leaks(toys, ["q0"], ["q0"]) == [("q0", "q0")]


def test_seeds_deal_differently_and_the_same_seed_alike():
    toys = corpus()
    assert folds(toys, 5, seed=1) == folds(toys, 5, seed=1) != folds(toys, 5, seed=2)


def test_too_few_queries_to_split():
    with pytest.raises(TooFewQueriesError, match="3 judged queries of toys make 3 groups"):
        folds(corpus(3), 5)
    toys = corpus()
    for judged in toys.qrels.values():
        judged["d0-3"] = 3
    with pytest.raises(TooFewQueriesError, match="make 1 groups"):
        hold_out(toys, list(toys.queries), 0.2)


def test_some_are_held_out_and_none_is_lost():
    toys = corpus()
    ids = list(toys.queries)
    kept, held_out = hold_out(toys, ids, 0.2, seed=3)
    assert len(held_out) == 2 and sorted(kept + held_out) == sorted(ids)


# Negatives


def score_by(values):
    return lambda documents: {document: values.get(document, -9.0) for document in documents}


def test_judged_negatives_come_first_in_the_order_of_the_search():
    found = ["d0-0-2", "d5-3", "d0-0-0", "d0-3"]

    def unasked(documents):
        raise AssertionError("scores are not needed")

    assert negatives(corpus(), "q0", found, unasked, 3) == ["d0-0-2", "d0-0-0", "d0-0-1"]


def test_unjudged_ones_are_taken_only_behind_the_first_and_well_below_the_best_answer():
    toys = corpus(wrong=0)
    found = [f"d{n}-3" for n in range(1, 9)]
    scores = {"d0-3": 5.0, "d6-3": 4.5, "d7-3": 4.0, "d8-3": -1.0}
    assert negatives(toys, "q0", found, score_by(scores), 9) == ["d7-3", "d8-3"]
    assert negatives(toys, "q0", found, score_by(scores), 9, skipped=0, near=0.2)[0] == "d1-3"


def test_spread_negatives_come_from_all_that_was_found_judged_or_not():
    toys = corpus()
    found = ["d0-0-1", "d0-3", *(f"d{n}-3" for n in range(1, 10)), "d0-0-0"]
    low = dict.fromkeys(found, -9.0) | {"d0-3": 5.0}
    assert negatives(toys, "q0", found, score_by(low), 3) == ["d0-0-1", "d0-0-0", "d0-0-2"]
    spread = negatives(toys, "q0", found, score_by(low), 3, spread=True)
    assert spread[0] == "d0-0-1" and spread[2] == "d0-0-0" and spread[1] in found[5:11]
    assert negatives(toys, "q0", [], score_by(low), 2, spread=True) == ["d0-0-0", "d0-0-2"]
    near = low | {"d7-3": 4.5}  # too near to the best answer
    assert "d7-3" not in negatives(toys, "q0", found, score_by(near), 9, spread=True)


def test_a_copy_of_an_answer_is_no_negative():
    toys = corpus()
    toys.documents["d0-0-0"] = Chunk("d0-0-0", toys.documents["d0-3"].text, "")
    toys.documents["d0-0-2"] = Chunk("d0-0-2", toys.documents["d0-0-1"].text, "")
    assert negatives(toys, "q0", [], score_by({}), 3) == ["d0-0-1"]


def test_grades_between_none_and_an_answer_are_no_negatives():
    assert "d0-1" not in negatives(corpus(), "q0", ["d0-1"], score_by({}), 9, skipped=0)


# Lists


def lists_of(toys, recipe=None, scorer=None):
    found = {query: list(toys.documents)[:20] for query in toys.queries}
    return training_lists(
        toys, list(toys.queries), found, scorer or Counting(), recipe or Recipe(negatives=2)
    )


def test_a_list_holds_what_was_judged_good_and_so_many_negatives():
    first = lists_of(corpus())[0]
    assert sorted(first.grades) == [0, 0, 1, 3] and len(set(first.documents)) == 4
    assert first.untouched == (0.0,) * 4


def test_the_untouched_model_is_asked_only_where_that_is_needed():
    scorer = Counting()
    lists_of(corpus(), Recipe(negatives=3), scorer)
    assert scorer.asked == 0
    first = lists_of(corpus(), Recipe(negatives=2, distillation=0.5), scorer)[0]
    assert first.untouched == tuple(float(len(text)) for text in first.documents)
    assert scorer.asked == 40


def test_distillation_holds_on_to_the_teacher_and_the_guards_ask_the_untouched_model():
    toys, guard, teacher = corpus(wrong=0), Counting(), Counting()
    found = {query: list(toys.documents) for query in toys.queries}
    recipe = Recipe(negatives=2, distillation=0.5)
    first = training_lists(toys, list(toys.queries), found, guard, recipe, teacher)[0]
    assert guard.asked and teacher.asked == 10 * len(first.documents)
    assert first.untouched == tuple(float(len(text)) for text in first.documents)


def test_a_query_without_a_negative_is_left_out_and_counted():
    toys = corpus()
    toys.qrels["q0"] = {"d0-3": 3}
    toys.qrels["q1"] = {"d1-1": 1, "d1-0-0": 0}  # no answer
    with pytest.warns(UserWarning, match="2 of 10 queries are left out, for example 'q0'"):
        made = training_lists(toys, list(toys.queries), {}, Counting(), Recipe())
    assert {one.query_id for one in made} == {f"q{n}" for n in range(2, 10)}


def test_grades_of_one_kind_and_too_few_queries_are_refused():
    toys = corpus()
    alike = replace(toys, qrels={query: {f"d{query[1:]}-3": 3} for query in toys.queries})
    with pytest.raises(UnsuitableJudgementsError, match="nothing to tell apart"):
        training_lists(alike, list(toys.queries), {}, Counting(), Recipe())
    with pytest.raises(UnsuitableJudgementsError, match=f"at least {FEWEST} are needed"):
        lists_of(corpus(FEWEST - 1))


def test_rows_of_each_loss():
    first = lists_of(corpus(), Recipe(negatives=2, distillation=1))[:1]
    listwise = examples(first, "listwise")
    assert len(listwise) == 1 and listwise[0]["label"][0] == [3.0, 1.0, 0.0, 0.0]
    assert examples(first, "pairwise") == listwise
    points = examples(first, "pointwise")
    assert [row["label"][0] for row in points] == [1.0, 0.0, 0.0]  # grade 1 is neither
    assert points[0]["label"][1] == float(len(points[0]["document"]))
    margins = examples(first, "margin")
    assert [row["label"][0] for row in margins] == [4.0, 6.0, 6.0]
    assert {row["positive"] for row in margins} == {first[0].documents[0]}


def test_a_warning_where_much_is_cut():
    def tokenizer(queries, documents, **_):
        return {"input_ids": [(q + " " + d).split() for q, d in zip(queries, documents)]}

    made = lists_of(corpus())
    with pytest.warns(UserWarning, match="40 of 40 pairs are longer than max_length=8"):
        warn_of_long_pairs(made, "listwise", tokenizer, 8)
    warn_of_long_pairs(made, "listwise", tokenizer, 100)  # a warning would be an error
    with pytest.warns(UserWarning, match="30 of 30 pairs"):  # grade 1 is neither
        warn_of_long_pairs(made, "pointwise", tokenizer, 8)
    with pytest.warns(UserWarning, match="40 of 40 pairs"):
        warn_of_long_pairs(made, "margin", tokenizer, 8)


def test_a_first_sentence_asks_for_the_rest_of_its_document():
    toys = corpus(2)
    rest = " ".join(["word"] * 20)
    toys.documents["a"] = Chunk("a", f"Reads a file\n of fixed width. {rest}", "read")
    toys.documents["b"] = Chunk("b", f"Too short. {rest}", "")
    toys.documents["c"] = Chunk("c", "A sentence of five words. Nothing behind.", "")
    made = from_first_lines(toys)
    assert made.queries == {"of-a": "Reads a file of fixed width."} and made.qrels == {"of-a": {"a": 2}}
    assert made.documents["a"] == Chunk("a", rest, "read") and made.documents["b"] == toys.documents["b"]
    assert toys.documents["a"].text.startswith("Reads")


# Recipes


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        ({"loss": "hinge"}, ValueError),
        ({"learning_rate": 0}, ValueError),
        ({"learning_rate": float("nan")}, ValueError),
        ({"learning_rate": "fast"}, TypeError),
        ({"epochs": 1.5}, TypeError),
        ({"epochs": True}, TypeError),
        ({"negatives": 0}, ValueError),
        ({"distillation": -1}, ValueError),
        ({"untouched_share": 1.1}, ValueError),
        ({"held_out": 0.9}, ValueError),
        ({"patience": 0}, ValueError),
        ({"max_length": 4}, ValueError),
    ],
)
def test_a_choice_that_cannot_be_is_named(choice, error):
    with pytest.raises(error, match=next(iter(choice))):
        Recipe(**choice)


def test_a_recipe_says_what_differs():
    assert str(Recipe(epochs=5)) == "Recipe(epochs=5)"
    assert "frozen_layers=0" in str(OBVIOUS) and "seed" not in str(OBVIOUS)
