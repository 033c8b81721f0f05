"""Choose a model: the catalogue against your needs."""

from typing import Any

import pandas as pd

from rerank_course.engine.weights import DEFAULT_RERANKER
from rerank_course.lab.explorers.controls import explorer
from rerank_course.models import CATALOGUE, ModelOption

HOSTED_SECONDS = 1.0  # room for the network and the service; nothing here can measure it


def choose_model(
    language: str = "en",
    *,
    open_weights: bool = False,
    may_leave: bool = False,
    gpu: bool = False,
    candidates: int = 50,
    budget_seconds: float = 2.0,
    seconds_per_pair: float = 0.1,
) -> pd.DataFrame:
    """The catalogue's options, each with ``fits`` and the reasons.

    Args:
        language: of queries and documents, as a code: ``"en"``, ``"zh"``, ``"de"`` …
        open_weights: whether the weights must be published under an open licence, so that nobody can switch
            the model off.
        may_leave: whether queries and documents may be sent to a service.
        gpu: whether the machine has one; estimates of time then do not apply.
        candidates: pairs for each query, at least 1.
        budget_seconds: what reranking one query may take, above 0.
        seconds_per_pair: measured for the packaged L-12 on this machine, above 0. Other models are estimated
            from it by layers × width².

    Returns:
        A row for each option, those that fit first: ``fits``, ``seconds`` for a query (estimated; NaN where
        nothing can be said) and ``why``.

    Raises:
        ValueError: a number is not above 0.
    """
    _check_above_0(candidates=candidates, budget_seconds=budget_seconds, seconds_per_pair=seconds_per_pair)
    rows = []
    for option in CATALOGUE:
        seconds = _estimated_seconds(option, candidates, seconds_per_pair, gpu)
        against = _reasons_against(option, language, open_weights, may_leave, seconds, budget_seconds)
        why = "; ".join(against or _reasons_for(option))
        rows.append({"model": option.name, "fits": not against, "seconds": seconds, "why": why})
    return pd.DataFrame(rows).sort_values("fits", ascending=False, kind="stable").set_index("model")


def relative_compute(option: ModelOption) -> float:
    """Arithmetic for one token, the packaged L-12 being 1: layers × width².

    Attention, which grows with the length, is left out. NaN where the model's size is not known.
    """
    base = next(row for row in CATALOGUE if row.name == DEFAULT_RERANKER)
    return _compute(option) / _compute(base)


def _compute(option: ModelOption) -> float:
    if option.layers is None or option.width is None:
        return float("nan")
    return option.layers * option.width**2


def _check_above_0(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name} must be above 0, not {number!r}.")


def _estimated_seconds(option: ModelOption, candidates: int, seconds_per_pair: float, gpu: bool) -> float:
    if gpu or option.runs == "hosted":
        return float("nan")
    return candidates * seconds_per_pair * relative_compute(option)


def _reasons_against(
    option: ModelOption, language: str, open_weights: bool, may_leave: bool, seconds: float, budget: float
) -> list[str]:
    reasons = []
    if option.languages != "multilingual" and language not in option.languages.split(", "):
        reasons.append(f"trained on {option.languages}, not on {language}")
    if option.runs == "hosted" and open_weights:
        reasons.append("its weights are not published")
    if option.runs == "hosted" and not may_leave:
        reasons.append("texts would leave your machine")
    if option.runs == "hosted" and budget < HOSTED_SECONDS:
        reasons.append("a call over the network may take longer than your budget")
    if seconds > budget:
        reasons.append(f"about {seconds:.1f} s for a query, more than {budget:g} s")
    return reasons


def _reasons_for(option: ModelOption) -> list[str]:
    where = {
        "packaged": "installed with the course",
        "hub": "one download, then on your machine",
        "hosted": "nothing to run; needs a key, and each search costs",
    }
    licence = option.licence if option.runs == "hosted" else f"{option.licence}, business use allowed"
    return [where[option.runs], licence]


def model_chooser(seconds_per_pair: float) -> Any:
    """``choose_model`` behind controls: an ``ipywidgets.VBox`` whose last child shows the table as HTML."""
    import ipywidgets

    wide = {"style": {"description_width": "12em"}, "layout": {"width": "30em"}}
    controls = {
        "language": ipywidgets.Dropdown(
            options=["en", "zh", "de"], value="en", description="language", **wide
        ),
        "open_weights": ipywidgets.Checkbox(value=False, description="only open weights", **wide),
        "may_leave": ipywidgets.Checkbox(value=False, description="texts may go to a service", **wide),
        "gpu": ipywidgets.Checkbox(value=False, description="there is a GPU", **wide),
        "candidates": ipywidgets.IntSlider(
            value=50, min=5, max=200, step=5, description="candidates for a query", **wide
        ),
        "budget_seconds": ipywidgets.FloatSlider(
            value=2.0, min=0.1, max=10, step=0.1, description="seconds for a query", **wide
        ),
    }

    def describe(**answers: Any) -> str:
        return choose_model(**answers, seconds_per_pair=seconds_per_pair).round(2).to_html(na_rep="–")

    return explorer(controls, describe)
