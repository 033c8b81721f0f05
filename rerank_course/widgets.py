"""The explorers of the lessons: a plain function does the work, an ipywidgets layer calls it."""

import html
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rerank_course.compare import compare_rankings
from rerank_course.models import CATALOGUE, DEFAULT_RERANKER, ModelOption
from rerank_course.rerank import Candidate, rerank_documents
from rerank_course.text import text_of


def _explorer(controls: Mapping[str, Any], describe: Callable[..., str]) -> Any:
    """Controls over what ``describe`` makes of their values, as HTML: an ``ipywidgets.VBox`` whose last child shows it.

    A ``ValueError`` says what is wrong with the input; its message is shown in place of the result.
    """
    import ipywidgets

    shown = ipywidgets.HTML()
    shown.add_class("jp-RenderedHTMLCommon")  # tables as in the rest of the notebook

    def show(_: Any = None) -> None:
        try:
            shown.value = describe(**{name: control.value for name, control in controls.items()})
        except ValueError as error:
            shown.value = html.escape(str(error))

    for control in controls.values():
        control.observe(show, names="value")
    show()
    return ipywidgets.VBox([*controls.values(), shown])


def _text_box(kind: type, value: str, description: str, **layout: str) -> Any:
    """A text box that reports its value when the reader leaves it, not at each key."""
    return kind(value=value, description=description, continuous_update=False, style={"description_width": "6em"}, layout={"width": "95%", "max_width": "56em", **layout})


# Lesson 01: choose a model

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
        open_weights: whether the weights must be published under an open licence, so that nobody can switch the model off.
        may_leave: whether queries and documents may be sent to a service.
        gpu: whether the machine has one; estimates of time then do not apply.
        candidates: pairs for each query, at least 1.
        budget_seconds: what reranking one query may take, above 0.
        seconds_per_pair: measured for the packaged L-12 on this machine, above 0. Other models are estimated from it by layers × width².

    Returns:
        A row for each option, those that fit first: ``fits``, ``seconds`` for a query (estimated; NaN where nothing can be said) and ``why``.

    Raises:
        ValueError: a number is not above 0.
    """
    for name, number in (("candidates", candidates), ("budget_seconds", budget_seconds), ("seconds_per_pair", seconds_per_pair)):
        if not number > 0:
            raise ValueError(f"{name} must be above 0, not {number!r}.")
    rows = []
    for option in CATALOGUE:
        seconds = _estimated_seconds(option, candidates, seconds_per_pair, gpu)
        against = _reasons_against(option, language, open_weights, may_leave, seconds, budget_seconds)
        reasons = against or _reasons_for(option)
        rows.append({"model": option.name, "fits": not against, "seconds": seconds, "why": "; ".join(reasons)})
    return pd.DataFrame(rows).sort_values("fits", ascending=False, kind="stable").set_index("model")


def relative_compute(option: ModelOption) -> float:
    """Arithmetic for one token, the packaged L-12 being 1: layers × width² (attention, which grows with length, left out)."""
    base = next(row for row in CATALOGUE if row.name == DEFAULT_RERANKER)
    if option.layers is None or option.width is None:
        return float("nan")
    return option.layers * option.width**2 / (base.layers * base.width**2)


def _estimated_seconds(option: ModelOption, candidates: int, seconds_per_pair: float, gpu: bool) -> float:
    return float("nan") if gpu or option.runs == "hosted" else candidates * seconds_per_pair * relative_compute(option)


def _reasons_against(option: ModelOption, language: str, open_weights: bool, may_leave: bool, seconds: float, budget: float) -> list[str]:
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
    where = {"packaged": "installed with the course", "hub": "one download, then on your machine", "hosted": "nothing to run; needs a key, and each search costs"}
    return [where[option.runs], option.licence if option.runs == "hosted" else f"{option.licence}, business use allowed"]


def model_chooser(seconds_per_pair: float) -> Any:
    """``choose_model`` behind controls: an ``ipywidgets.VBox`` whose last child shows the table as HTML."""
    import ipywidgets

    wide = {"style": {"description_width": "12em"}, "layout": {"width": "30em"}}
    controls = {
        "language": ipywidgets.Dropdown(options=["en", "zh", "de"], value="en", description="language", **wide),
        "open_weights": ipywidgets.Checkbox(value=False, description="only open weights", **wide),
        "may_leave": ipywidgets.Checkbox(value=False, description="texts may go to a service", **wide),
        "gpu": ipywidgets.Checkbox(value=False, description="there is a GPU", **wide),
        "candidates": ipywidgets.IntSlider(value=50, min=5, max=200, step=5, description="candidates for a query", **wide),
        "budget_seconds": ipywidgets.FloatSlider(value=2.0, min=0.1, max=10, step=0.1, description="seconds for a query", **wide),
    }
    return _explorer(controls, lambda **answers: choose_model(**answers, seconds_per_pair=seconds_per_pair).round(2).to_html(na_rep="–"))


# Lesson 02: score a pair


def score_pair(query: str, document: str, reranker: Any) -> dict[str, float]:
    """One pair's score, and what of the model's length it takes.

    Args:
        query, document: the pair, each with some text.
        reranker: gives logits and has a tokenizer: the course's ``load_reranker()``, with either backend.

    Returns:
        ``logit``; ``sigmoid``, the same number from 0 to 1; ``tokens``, of query, document and special tokens together; ``limit``, how many of
        them the model reads: what is past it is cut off without a warning.

    Raises:
        ValueError: one of the two is empty.
    """
    for name, text in (("query", query), ("document", document)):
        if not text.strip():
            raise ValueError(f"The {name} is empty. Type some text: a score needs a query and a document.")
    logit = float(reranker.predict([(query, document)])[0])
    tokens = reranker.tokenizer(query, document, truncation=False, verbose=False)["input_ids"]
    return {"logit": logit, "sigmoid": 1 / (1 + math.exp(-logit)), "tokens": len(tokens), "limit": reranker.max_seq_length}


def pair_scorer(reranker: Any, query: str = "", document: str = "") -> Any:
    """``score_pair`` behind two text boxes: an ``ipywidgets.VBox`` whose last child shows the score as HTML."""
    import ipywidgets

    def describe(query: str, document: str) -> str:
        score = score_pair(query, document, reranker)
        cut = score["tokens"] - score["limit"]
        length = f"{score['tokens']} tokens of at most {score['limit']}" + (f": <b>{cut} are cut off</b>" if cut > 0 else "")
        return f"logit <b>{score['logit']:.2f}</b>, after a sigmoid {score['sigmoid']:.4f}<br>{length}"

    return _explorer(
        {"query": _text_box(ipywidgets.Text, query, "query"), "document": _text_box(ipywidgets.Textarea, document, "document", height="7em")}, describe
    )


# Lesson 05: what a model reads


@dataclass(frozen=True)
class Reading:
    """What a model reads of a pair.

    Attributes:
        query, document: the parts of both texts that are read.
        cut: the end of the document that is not read; empty if the document fits.
        query_cut: the same for the query. The longer text is cut first, so a query is cut only where it is as long as the document.
        query_tokens, document_tokens: how many tokens of each are read, special tokens not counted.
        score: of the pair as it is read, in the reranker's unit.
    """

    query: str
    document: str
    cut: str
    query_cut: str
    query_tokens: int
    document_tokens: int
    score: float


def what_the_model_reads(query: str, document: Any, reranker: Any, max_length: int | None = None) -> Reading:
    """Cut a pair as the reranker cuts it, and score what is left.

    Args:
        query: what is asked.
        document: a text, or any candidate (see ``rerank_course.text.text_of``).
        reranker: a ``CrossEncoder`` or the int8 engine: whatever has ``tokenizer``, ``max_seq_length`` and ``predict``.
        max_length: tokens that query, document and special tokens may use together; ``None`` takes the reranker's own limit.

    Raises:
        ValueError: the query or the document is empty, or ``max_length`` is below 8 or above the reranker's limit.
    """
    limit = reranker.max_seq_length
    max_length = limit if max_length is None else max_length
    if not 8 <= max_length <= limit:
        raise ValueError(f"max_length must be from 8 to {limit} for this reranker, not {max_length}.")
    texts = (text_of(query, "query"), text_of(document, "document"))
    encoded = reranker.tokenizer(*texts, truncation="longest_first", max_length=max_length, return_offsets_mapping=True, verbose=False)
    ends = [[end for (_, end), part in zip(encoded["offset_mapping"], encoded.sequence_ids(0)) if part == number] for number in (0, 1)]
    full = [len(reranker.tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]) for text in texts]
    read = [text if len(found) == count else text[: found[-1]] for text, found, count in zip(texts, ends, full)]
    return Reading(
        query=read[0],
        document=read[1],
        cut=texts[1][len(read[1]) :],
        query_cut=texts[0][len(read[0]) :],
        query_tokens=len(ends[0]),
        document_tokens=len(ends[1]),
        score=float(reranker.predict([(read[0], read[1])])[0]),
    )


def length_explorer(query: str, document: Any, reranker: Any, answer: str = "") -> Any:
    """``what_the_model_reads`` behind a slider for ``max_length``: an ``ipywidgets.VBox`` whose last child shows the text as HTML.

    Args:
        query, document, reranker: as for ``what_the_model_reads``.
        answer: a part of the document to mark, so that one sees when it comes into view.
    """
    import ipywidgets

    limit = reranker.max_seq_length
    slider = ipywidgets.IntSlider(
        value=limit, min=32, max=limit, step=16, description="max_length", continuous_update=False, layout={"width": "36em"}
    )
    return _explorer({"max_length": slider}, lambda max_length: _as_html(what_the_model_reads(query, document, reranker, max_length), answer))


def _as_html(reading: Reading, answer: str) -> str:
    """The score, then the document: what is read as it is, what is cut struck through and grey, the answer bold."""
    answer_html = html.escape(answer)

    def marked(text: str) -> str:
        text = html.escape(text).replace("\n", "<br>")
        return text.replace(answer_html, f"<b>{answer_html}</b>") if answer else text

    seen = "" if not answer else " The answer is read." if answer in reading.document else " <b>The answer is not read in full.</b>"
    return (
        f"<p>{reading.query_tokens} tokens of the query and {reading.document_tokens} of the document are read; score {reading.score:.2f}.{seen}</p>"
        f"<p style='line-height: 1.4'>{marked(reading.document)}<del style='opacity: 0.5'>{marked(reading.cut)}</del></p>"
    )


# Lesson 06: cosine beside the cross-encoder


def compare_query(query: str, documents: Sequence[Candidate], reranker: Any, embedder: Any) -> pd.DataFrame:
    """All documents ranked for one query by cosine similarity and by a cross-encoder.

    Args:
        query: one non-empty text.
        documents: what ``rerank_documents`` takes, at least one, none of them twice.
        reranker: has ``.predict(pairs, batch_size=…)``.
        embedder: a ``SentenceTransformer``.

    Returns:
        The table of ``compare_rankings``, the cross-encoder's best document first; ``moved`` is places gained over cosine.

    Raises:
        TypeError, ValueError: as ``rerank_documents`` and ``compare_rankings``, or there are no documents.
    """
    from sentence_transformers.util import cos_sim

    by_cross_encoder = rerank_documents(query, documents, reranker, top_k=None)
    if not by_cross_encoder:
        raise ValueError("There are no documents. Give at least one text to rank.")
    vectors = embedder.encode([query, *(text_of(document) for document in documents)])
    nearest_first = cos_sim(vectors[:1], vectors[1:])[0].sort(descending=True, stable=True)
    by_cosine = [(documents[place], cosine) for cosine, place in zip(nearest_first.values.tolist(), nearest_first.indices.tolist())]
    return compare_rankings(by_cosine, by_cross_encoder, ("cosine", "cross-encoder"))


def query_comparer(documents: Sequence[str], reranker: Any, embedder: Any, query: str = "") -> Any:
    """``compare_query`` behind a query box and a box with one document a line: an ``ipywidgets.VBox`` whose last child shows the table as HTML."""
    import ipywidgets

    def describe(query: str, documents: str) -> str:
        lines = list(dict.fromkeys(line.strip() for line in documents.splitlines() if line.strip()))
        table = compare_query(query, lines, reranker, embedder).round(2)
        with pd.option_context("display.max_colwidth", None):
            return table.to_html(index=False)

    return _explorer(
        {
            "query": _text_box(ipywidgets.Text, query, "query"),
            "documents": _text_box(ipywidgets.Textarea, "\n".join(documents), "documents", height="15em"),
        },
        describe,
    )
