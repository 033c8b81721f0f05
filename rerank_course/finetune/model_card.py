"""The README.md of a fine-tuned model, with the front matter that the Hugging Face hub reads.

Format: https://huggingface.co/docs/hub/model-cards.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from rerank_course.engine.hub import current_name, is_packaged
from rerank_course.finetune.comparing import Comparison
from rerank_course.models import CATALOGUE, DEFAULT_RERANKER

CARD = "README.md"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def write_card(folder: Path, record: Mapping[str, Any], comparisons: Iterable[Comparison] = ()) -> None:
    """Write a model's card into its folder.

    Args:
        record: what ``fine_tune`` wrote into ``training.json``.
        comparisons: of a cross-validation, for the results.
    """
    name = _base_model(record["model"])
    data = ModelCardData(
        base_model=name,
        license=licence_of(record["model"]),
        library_name="sentence-transformers",
        pipeline_tag="text-ranking",
        tags=["cross-encoder", "reranker"],
        model_name=folder.name.strip("."),
        eval_results=[_held_out_result(record)],
    )
    text = f"---\n{data.to_yaml()}\n---\n\n{_body(record, list(comparisons))}"
    ModelCard(text)  # refuses what its own parser cannot read
    (folder / CARD).write_text(text, encoding="utf-8")


def licence_of(model: str) -> str | None:
    """The licence of a model of the catalogue as the hub writes it, ``None`` for another."""
    name = DEFAULT_RERANKER if is_packaged(model) else current_name(model)
    return next((option.licence.lower() for option in CATALOGUE if option.name == name), None)


def _base_model(model: str) -> str | None:
    """A model's name on the hub, ``None`` where it is a folder."""
    if is_packaged(model):
        return DEFAULT_RERANKER
    return model if _HUB_NAME.fullmatch(model) and not Path(model).exists() else None


def _held_out_result(record: Mapping[str, Any]) -> EvalResult:
    return EvalResult(
        task_type="text-ranking",
        task_name="Reranking",
        dataset_type=re.sub(r"[^\w.-]+", "-", record["corpus"]).strip("-.") or "own",
        dataset_name=f"{record['corpus']}, held-out queries",
        metric_type="ndcg_at_10",
        metric_name="nDCG@10",
        metric_value=round(dict(map(tuple, record["looks"]))[record["kept_step"]], 4),
    )


def _body(record: Mapping[str, Any], comparisons: list[Comparison]) -> str:
    looks = dict(map(tuple, record["looks"]))
    rows = "\n".join(f"| {name} | {value} |" for name, value in record["recipe"].items())
    licence = licence_of(record["model"])
    return f"""# A reranker fine-tuned on {record["corpus"]}

A cross-encoder that scores (query, document) pairs. It began as
`{_base_model(record["model"]) or "a model of this machine"}`.

## Data and split

{len(record["trained_on"])} judged queries of {record["corpus"]} were trained on, and \
{len(record["held_out"])} more were held out.
Queries that share an answer, or that are the same words otherwise written, are on one side. Negatives are
documents of grade 0, and unjudged ones that a search found, without its first and without those that the
untouched model scores near an answer.

## Recipe

| choice | value |
| --- | --- |
{rows}

Loss: {_loss_words(record)}. {record["seconds"]:.0f} s, {record["peak_mb"]:.0f} MB of memory at most.

## Results

nDCG@10 of the held-out queries: {looks[0]:.3f} before, {looks[record["kept_step"]]:.3f} after step \
{record["kept_step"]}, {_chosen_words(record)}.
Only queries that took no part can say what the model is worth.

{_compared(comparisons)}

## Limits and licence

Trained on few queries of one collection: scores of other kinds of text may be worse than before. Licence:
{licence or "that of the model that it began as, and of the texts that it was trained on"}.
"""


def _chosen_words(record: Mapping[str, Any]) -> str:
    if record["recipe"].get("patience") is None:
        return "the last; they had no say in it"
    return "which was chosen on them, so that the second number is too high"


def _loss_words(record: Mapping[str, Any]) -> str:
    values = [entry["loss"] for entry in record["losses"]]
    return f"{values[0]:.3f} at the first step, {values[-1]:.3f} at the last" if values else "not logged"


def _compared(comparisons: list[Comparison]) -> str:
    if not comparisons:
        return "This recipe was not cross-validated."
    lines = "\n".join(f"- {comparison}" for comparison in comparisons)
    return f"Cross-validation of this recipe, on queries that took no part in the training:\n\n{lines}"
