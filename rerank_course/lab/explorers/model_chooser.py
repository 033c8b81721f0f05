"""Choose a model: what there is, against your needs; and what to relax where nothing fits."""

import html
import math
from typing import Any

import pandas as pd

from rerank_course.engine.weights import DEFAULT_RERANKER
from rerank_course.lab.current_models import NOT_PROMISED, all_options
from rerank_course.lab.explorers.controls import explorer
from rerank_course.models import CATALOGUE, ModelOption

HOSTED_SECONDS = 1.0  # room for the network and the service; nothing here can measure it
CANDIDATES, BUDGET_SECONDS = 50, 2.0


def choose_model(
    language: str = "en",
    *,
    open_weights: bool = False,
    may_leave: bool = False,
    gpu: bool = False,
    candidates: int = CANDIDATES,
    budget_seconds: float = BUDGET_SECONDS,
    seconds_per_pair: float = 0.1,
) -> pd.DataFrame:
    """The course's five models and today's, each with ``fits`` and the reasons.

    Args:
        language: of queries and documents, as a code: ``"en"``, ``"zh"``, ``"de"`` …
        open_weights: whether the weights must be published, so that nobody can switch the model off.
        may_leave: whether queries and documents may be sent to a service.
        gpu: whether the machine has one; estimates of time then do not apply.
        candidates: pairs for each query, at least 1.
        budget_seconds: what reranking one query may take, above 0.
        seconds_per_pair: measured for the packaged L-12 on this machine, above 0. Other models are estimated
            from it by layers × width².

    Returns:
        A row for each option, those that fit first: ``fits``, ``seconds`` for a query (estimated; NaN where
        nothing can be said) and ``why``. A model that the course's helper is not sure to load does not fit,
        nor one whose licence forbids business use. ``what_to_relax`` helps where nothing fits.

    Raises:
        ValueError: a number is not above 0.
    """
    _check_above_0(candidates=candidates, budget_seconds=budget_seconds, seconds_per_pair=seconds_per_pair)
    rows = []
    for option in all_options():
        seconds = _estimated_seconds(option, candidates, seconds_per_pair, gpu)
        against = _reasons_against(option, language, open_weights, may_leave, seconds, budget_seconds)
        why = "; ".join(against or _reasons_for(option))
        rows.append({"model": option.name, "fits": not against, "seconds": seconds, "why": why})
    return pd.DataFrame(rows).sort_values("fits", ascending=False, kind="stable").set_index("model")


def what_to_relax(**answers: Any) -> list[tuple[dict[str, Any], str]]:
    """Changes to the answers after which something fits, each alone enough.

    Args:
        answers: as ``choose_model`` takes them.

    Returns:
        ``[(changed answers, the change in words), …]``; empty where something fits already, or where no
        single change helps.
    """
    if choose_model(**answers)["fits"].any():
        return []
    found = []
    for change, words in _changes(answers):
        table = choose_model(**{**answers, **change})
        if table["fits"].any():
            found.append((change, f"{words} (then {table.index[table['fits']][0]} fits)"))
    return found


def advice(**answers: Any) -> str:
    """In words: what fits, or that nothing does and what to relax. Arguments as ``choose_model``."""
    table = choose_model(**answers)
    fitting = list(table.index[table["fits"]])
    if fitting:
        return f"{len(fitting)} of {len(table)} fit: {', '.join(fitting)}."
    changes = [words for _, words in what_to_relax(**answers)]
    if not changes:
        return "Nothing fits, and no single change helps."
    return "Nothing fits. Any one of these helps: " + "; ".join(changes) + "."


def _changes(answers: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    unlimited = choose_model(**{**answers, "budget_seconds": math.inf})
    seconds = unlimited.loc[unlimited["fits"], "seconds"].dropna()
    changes: list[tuple[dict[str, Any], str]] = []
    if len(seconds):
        quickest = seconds.min()
        budget = math.ceil(quickest * 10) / 10
        changes.append(({"budget_seconds": budget}, f"allow {budget:g} s for a query"))
        given = {"candidates": CANDIDATES, "budget_seconds": BUDGET_SECONDS} | answers
        fewer = math.floor(given["candidates"] * given["budget_seconds"] / quickest)
        if fewer >= 1:
            changes.append(({"candidates": fewer}, f"rerank {fewer} candidates"))
    return [*changes, _service(answers)]


def _service(answers: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Whatever stands against a hosted model, lifted at once."""
    change: dict[str, Any] = {"may_leave": True}
    words = "let texts go to a service"
    if answers.get("open_weights"):
        change["open_weights"] = False
        words += " whose weights are not published"
    if answers.get("budget_seconds", BUDGET_SECONDS) < HOSTED_SECONDS:
        change["budget_seconds"] = HOSTED_SECONDS
        words += f" and allow {HOSTED_SECONDS:g} s"
    return change, words


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
    if "NC" in option.licence:
        reasons.append(f"its licence, {option.licence}, forbids business use")
    if option.name in NOT_PROMISED:
        reasons.append(NOT_PROMISED[option.name])
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
    licence = option.licence if option.runs == "hosted" else f"{option.licence}, which allows business use"
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
            value=CANDIDATES, min=5, max=200, step=5, description="candidates for a query", **wide
        ),
        "budget_seconds": ipywidgets.FloatSlider(
            value=BUDGET_SECONDS, min=0.1, max=10, step=0.1, description="seconds for a query", **wide
        ),
    }

    def describe(**answers: Any) -> str:
        answers["seconds_per_pair"] = seconds_per_pair
        table = choose_model(**answers).round(2).to_html(na_rep="–")
        return f"<p>{html.escape(advice(**answers))}</p>{table}"

    return explorer(controls, describe)
