"""Verdicts, the choice of a recipe, recorded results, and the model card; no model is needed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard

from rerank_course.finetune import OBVIOUS, Recipe, compare
from rerank_course.finetune.choosing import choose_on_held_out
from rerank_course.finetune.cross_validation import CrossValidation
from rerank_course.finetune.model_card import licence_of, write_card
from rerank_course.finetune.recorded import recorded, recorded_names
from rerank_course.models import DEFAULT_RERANKER
from tools.build.record_finetuning import JOBS


def table(values):
    index = pd.Index([f"q{n}" for n in range(len(values))], name="query")
    return pd.DataFrame({"nDCG@10": values, "judged@10": 1.0}, index=index)


def test_a_verdict_needs_an_interval_without_zero():
    noise = np.random.default_rng(0).normal(0, 0.1, 60)
    before = table(np.full(60, 0.5))
    assert compare(before, table(0.5 + noise + 0.1)).verdict == "better"
    assert compare(before, table(0.5 + noise - 0.1)).verdict == "worse"
    unclear = compare(before, table(0.5 + noise + 0.01), "the search")
    assert unclear.verdict == "not shown" and unclear.low < 0 < unclear.high
    assert "no difference to the search is shown" in str(unclear)
    assert compare(before, before).verdict == "not shown"


def measured(values):
    return {f"q{n}": {"nDCG@10": value, "judged@10": 1.0} for n, value in enumerate(values)}


def part(seed, fold, tuned, looks=((0, 0.2), (4, 0.3)), kept=4):
    cheap = {name: measured([0.5, 0.5]) for name in ("dense", "cheaper", "untouched", "untouched mixed")}
    home = cheap | {"tuned": measured(tuned), "tuned mixed": measured(tuned)}
    return {
        "seed": seed,
        "fold": fold,
        "held_out": ["h"],
        "looks": looks,
        "kept_step": kept,
        "results": {"toys": home},
    }


def test_a_query_s_value_is_the_mean_over_the_seeds():
    validation = CrossValidation({}, "toys", [part(0, 0, [0.0, 1.0]), part(1, 0, [0.5, 1.0])])
    assert validation.table("tuned")["nDCG@10"].tolist() == [0.25, 1.0]
    compared = validation.compare()
    assert [one.against for one in compared] == ["untouched", "untouched mixed", "cheaper"]
    assert compared[0].difference == pytest.approx(0.125)
    again = CrossValidation.from_json(validation.as_json())
    assert again.table("tuned").equals(validation.table("tuned"))


def test_a_recipe_is_chosen_by_held_out_queries_not_by_reported_ones():
    good_looks = CrossValidation({}, "toys", [part(0, 0, [0.1, 0.1], ((0, 0.2), (4, 0.4)))])
    good_report = CrossValidation({}, "toys", [part(0, 0, [0.9, 0.9], ((0, 0.2), (4, 0.3)))])
    chosen, names = choose_on_held_out({"report": good_report, "looks": good_looks})
    assert names == ["looks"] and chosen.table("tuned")["nDCG@10"].tolist() == [0.1, 0.1]


def test_where_no_recipe_gains_the_untouched_model_is_chosen():
    worse = CrossValidation({}, "toys", [part(0, 0, [0.1, 0.1], ((0, 0.4), (4, 0.4)))])
    chosen, names = choose_on_held_out({"worse": worse})
    assert names == ["untouched"] and chosen.compare()[0].difference == 0


def test_only_results_of_the_same_parts_are_compared():
    first, other = (CrossValidation({}, "toys", [part(seed, 0, [0.1, 0.1])]) for seed in (0, 1))
    with pytest.raises(ValueError, match="same folds"):
        choose_on_held_out({"first": first, "other": other})
    with pytest.raises(ValueError, match="empty"):
        choose_on_held_out({})


def test_what_is_recorded_can_be_read():
    for name in recorded_names():
        validation = recorded(name)
        Recipe(**validation.recipe)
        assert len(validation.table("tuned")) == len(validation.table("untouched")) > 50
        assert "cheaper" in validation.systems()
        assert {"tuned", "untouched", "untouched mixed"} <= set(validation.systems("handbook"))
        assert len(validation.table("tuned", "handbook")) > 100
    with pytest.raises(KeyError, match="Nothing is recorded as 'luck'"):
        recorded("luck")


def test_recorded_recipes_can_be_chosen_from_and_fit_the_packaged_model():
    # The same queries are held out by all, and all read the same texts.
    recipes = [job.recipe for job in JOBS.values()]
    for name in ("held_out", "max_length", "negatives", "epochs"):
        assert len({getattr(recipe, name) for recipe in recipes}) == 1, name
    assert all(recipe.max_length <= 512 and recipe.frozen_layers < 12 for recipe in recipes)
    small = {"max_length": recipes[0].max_length, "negatives": recipes[0].negatives}
    assert JOBS["obvious"].recipe == replace(OBVIOUS, **small)


RECORD = {
    "model": DEFAULT_RERANKER,
    "corpus": "my notes: 2026",
    "recipe": {"loss": "listwise", "seed": 3},
    "trained_on": ["a", "b"],
    "held_out": ["c"],
    "looks": [[0, 0.25], [8, 0.5]],
    "kept_step": 8,
    "losses": [{"step": 1, "loss": 2.0}, {"step": 8, "loss": 1.0}],
    "seconds": 61.2,
    "peak_mb": 1800.0,
}


def test_the_card_has_the_hub_s_front_matter_and_says_what_was_done(tmp_path):
    write_card(tmp_path, RECORD, [compare(table([0.5] * 4), table([0.5] * 4), "untouched")])
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.license == "apache-2.0" and card.data.base_model == DEFAULT_RERANKER
    assert card.data.pipeline_tag == "text-ranking" and card.data.library_name == "sentence-transformers"
    (result,) = card.data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_type) == (
        "ndcg_at_10",
        0.5,
        "my-notes-2026",
    )
    for said in (
        "| seed | 3 |",
        "2 judged queries",
        "1 more were held out",
        "no difference to untouched",
        "61 s",
    ):
        assert said in card.text


def test_a_card_claims_no_base_model_and_no_licence_that_it_does_not_know(tmp_path):
    write_card(tmp_path, RECORD | {"model": str(tmp_path)})
    card = ModelCard.load(tmp_path / "README.md")
    assert "base_model" not in card.data.to_dict() and "license" not in card.data.to_dict()
    assert "not cross-validated" in card.text and str(tmp_path) not in card.content
    assert licence_of("BAAI/bge-reranker-base") == "mit"
    assert licence_of("ms-marco-MiniLM-L-12-v2") == "apache-2.0"
