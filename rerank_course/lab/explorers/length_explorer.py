"""Move a model's limit and see what it reads of a long document."""

import html
from dataclasses import dataclass
from typing import Any

from rerank_course.lab.explorers.controls import explorer
from rerank_course.text import text_of


@dataclass(frozen=True)
class Reading:
    """What a model reads of a pair.

    Attributes:
        query, document: the parts of both texts that are read.
        cut: the end of the document that is not read; empty if the document fits.
        query_cut: the same for the query. The longer text is cut first, so a query is cut only where it is as
            long as the document.
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
        reranker: a ``CrossEncoder`` or the int8 engine: whatever has ``tokenizer``, ``max_seq_length`` and
            ``predict``.
        max_length: tokens that query, document and special tokens may use together; ``None`` takes the
            reranker's own limit.

    Raises:
        ValueError: the query or the document is empty, or ``max_length`` is below 8 or above the reranker's
        limit.
    """
    limit = reranker.max_seq_length
    max_length = limit if max_length is None else max_length
    if not 8 <= max_length <= limit:
        raise ValueError(f"max_length must be from 8 to {limit} for this reranker, not {max_length}.")
    texts = (text_of(query, "query"), text_of(document, "document"))
    query_ends, document_ends = _ends_of_tokens(texts, reranker.tokenizer, max_length)
    query_read = _what_is_read(texts[0], query_ends, reranker.tokenizer)
    document_read = _what_is_read(texts[1], document_ends, reranker.tokenizer)
    return Reading(
        query=query_read,
        document=document_read,
        cut=texts[1][len(document_read) :],
        query_cut=texts[0][len(query_read) :],
        query_tokens=len(query_ends),
        document_tokens=len(document_ends),
        score=float(reranker.predict([(query_read, document_read)])[0]),
    )


def _ends_of_tokens(texts: tuple[str, str], tokenizer: Any, max_length: int) -> tuple[list[int], list[int]]:
    """Where the tokens that are read end in each of the two texts, in characters."""
    encoded = tokenizer(
        *texts, truncation="longest_first", max_length=max_length, return_offsets_mapping=True, verbose=False
    )
    ends: tuple[list[int], list[int]] = ([], [])
    for (_, end), part in zip(encoded["offset_mapping"], encoded.sequence_ids(0)):
        if part is not None:  # special tokens belong to neither text
            ends[part].append(end)
    return ends


def _what_is_read(text: str, ends: list[int], tokenizer: Any) -> str:
    """The text up to its last token that is read; all of it, white space too, where no token is cut."""
    tokens = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    return text if len(ends) == len(tokens) else text[: ends[-1]]


def length_explorer(query: str, document: Any, reranker: Any, answer: str = "") -> Any:
    """``what_the_model_reads`` behind a slider for ``max_length``.

    Args:
        query, document, reranker: as for ``what_the_model_reads``.
        answer: a part of the document to mark, so that one sees when it comes into view.

    Returns:
        An ``ipywidgets.VBox`` whose last child shows the text.
    """
    import ipywidgets

    limit = reranker.max_seq_length
    slider = ipywidgets.IntSlider(
        value=limit,
        min=32,
        max=limit,
        step=16,
        description="max_length",
        continuous_update=False,
        layout={"width": "36em"},
    )

    def describe(max_length: int) -> str:
        return _as_html(what_the_model_reads(query, document, reranker, max_length), answer)

    return explorer({"max_length": slider}, describe)


def _as_html(reading: Reading, answer: str) -> str:
    """The score, then the document: what is cut is struck through and grey, the answer bold."""
    answer_html = html.escape(answer)

    def marked(text: str) -> str:
        text = html.escape(text).replace("\n", "<br>")
        return text.replace(answer_html, f"<b>{answer_html}</b>") if answer else text

    seen = " The answer is read." if answer in reading.document else " <b>The answer is not read in full.</b>"
    return (
        f"<p>{reading.query_tokens} tokens of the query and {reading.document_tokens} of the document are "
        f"read; score {reading.score:.2f}.{seen if answer else ''}</p>"
        f"<p style='line-height: 1.4'>{marked(reading.document)}"
        f"<del style='opacity: 0.5'>{marked(reading.cut)}</del></p>"
    )
