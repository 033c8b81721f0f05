"""Order candidates by how well they answer a query."""

import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import numpy as np
from tqdm.auto import tqdm

from rerank_course.text import TEXT_KEYS, check_text, is_blank, text_of

Candidate = TypeVar("Candidate")


class Reranker(Protocol):
    """Whatever scores pairs: a ``CrossEncoder``, a faster engine, a hosted service."""

    def predict(self, pairs: list[tuple[str, str]], *, batch_size: int) -> Any:
        """One score for each (query, document) pair, in the order of the pairs."""


def rerank_documents(
    query: str,
    candidates: Iterable[Candidate],
    reranker: Reranker,
    batch_size: int = 32,
    top_k: int | None = 20,
    *,
    show_progress: bool = False,
) -> list[tuple[Candidate, float]]:
    """Score each candidate against the query and return the best ones.

    All pairs go to one ``predict`` call: the library sorts them by length before it cuts them into batches,
    which a loop over slices would undo. Candidates with equal scores keep the order in which they came.
    Candidates with the same text are scored once: in a batch, the last digits would differ.

    Args:
        query: the question, one non-empty string.
        candidates: strings, chunks, mappings or other libraries' documents (see
            ``rerank_course.text.text_of``), best first as retrieval gave them. ``[]`` gives ``[]``.
        reranker: has ``.predict(pairs, batch_size=…)``, for example from ``load_reranker()``.
        batch_size: pairs per forward pass, at least 1.
        top_k: how many to return, at least 1; ``None`` returns all, and so does a number past the end.
        show_progress: show a bar that counts documents.

    Returns:
        ``[(candidate, score), …]``, highest score first. The candidates are the objects that were passed in;
        the scores are Python floats in the reranker's own unit (logits for ms-marco models, 0–1 for bge
        rerankers).

    Raises:
        TypeError, ValueError: an argument or the reranker's answer is unusable. The message names the
        argument, the position and the remedy.
    """
    check_query(query)
    candidates = list(check_candidates(candidates))
    batch_size = check_count("batch_size", batch_size)
    top_k = None if top_k is None else check_count("top_k", top_k, "; pass None to get all candidates")
    check_reranker(reranker)

    texts = {i: text_of(candidate, f"candidates[{i}]") for i, candidate in enumerate(candidates)}
    scores = _score(query, texts, reranker, batch_size, show_progress)
    # The sort is stable: equal scores stay in retrieval order.
    ranking = sorted(
        ((candidate, scores[texts[i]]) for i, candidate in enumerate(candidates)),
        key=lambda scored: -scored[1],
    )
    return ranking[:top_k]


def rerank_stream(
    query: str,
    candidates: Iterable[Candidate],
    reranker: Reranker,
    batch_size: int = 32,
    top_k: int = 20,
    *,
    block: int = 1024,
) -> list[tuple[Candidate, float]]:
    """``rerank_documents`` for candidates that do not fit into memory: an iterator, read ``block`` by block.

    Only one block and the best ``top_k`` so far are held. The result is what the whole list would give, ties
    included.

    Args:
        candidates: any iterable, a generator that reads a file, for example.
        block: candidates that are read and scored together, at least 1. The library sorts each block by
            length.

    Raises:
        TypeError, ValueError: as ``rerank_documents``; a candidate's position counts from the start of the
        stream.
    """
    check_query(query)
    check_candidates(candidates)
    block, top_k = check_count("block", block), check_count("top_k", top_k)
    batch_size = check_count("batch_size", batch_size)
    check_reranker(reranker)
    best: list[tuple[Candidate, float]] = []
    known: dict[str, float] = {}  # scores of the best: the same text in a later block gets the same one
    numbered = enumerate(candidates)
    while some := list(itertools.islice(numbered, block)):
        texts = {position: text_of(candidate, f"candidates[{position}]") for position, candidate in some}
        known |= _score(
            query, {at: text for at, text in texts.items() if text not in known}, reranker, batch_size
        )
        # The sort is stable: of equals, those of earlier blocks stay ahead.
        scored = [(candidate, known[texts[position]]) for position, candidate in some]
        best = sorted(best + scored, key=lambda pair: -pair[1])[:top_k]
        known = {text_of(candidate): score for candidate, score in best}
    return best


def _score(
    query: str,
    texts: Mapping[int, str],
    reranker: Reranker,
    batch_size: int,
    show_progress: bool = False,
) -> dict[str, float]:
    """``{text: score}`` of texts by their position; each different text is scored once."""
    first: dict[str, int] = {}
    for position, text in texts.items():
        first.setdefault(text, position)
    if not first:
        return {}
    with _progress_bar(reranker, len(first), show_progress):
        answer = reranker.predict([(query, text) for text in first], batch_size=batch_size)
    scores = _check_scores(answer, list(first.values()))
    return dict(zip(first, scores.tolist()))


def check_query(query: Any) -> None:
    """Raise an error where the query is no text, or an empty one."""
    if not isinstance(query, str):
        raise TypeError(
            f"query must be one string, not a {type(query).__name__}. "
            "For several queries, call once for each."
        )
    if is_blank(query):
        raise ValueError("query is empty. A reranker needs a question to score the candidates against.")
    check_text(query, "query")


def check_candidates(candidates: Any) -> Iterable:
    """The candidates, or an error where they are one text, one mapping or a table."""
    if isinstance(candidates, (str, Mapping)) or not isinstance(candidates, Iterable):
        raise TypeError(
            f"candidates must be a list of candidates, not one {type(candidates).__name__}. "
            "Put it in a list: [candidate]."
        )
    _refuse_table(candidates)
    return candidates


def _refuse_table(candidates: Any) -> None:
    """Going through a table gives the names of its columns, which would be ranked."""
    if type(candidates).__name__ != "DataFrame":
        return
    columns = [str(name) for name in candidates.columns]
    column = next((name for name in columns if name in TEXT_KEYS), columns[-1] if columns else "text")
    raise TypeError(
        f"candidates is a DataFrame with the columns {', '.join(columns) or 'none'}. "
        f'Pass the column with the texts, df[{column!r}], or the rows, df.to_dict("records").'
    )


def check_count(name: str, value: Any, hint: str = "") -> int:
    """A whole number of at least 1, or an error that names the argument."""
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}{hint}.") from None
    if count < 1:
        raise ValueError(f"{name} must be at least 1, not {count}{hint}.")
    return count


def check_reranker(reranker: Any) -> None:
    """Raise an error where nothing could score pairs."""
    if not callable(getattr(reranker, "predict", None)):
        raise TypeError(
            f"reranker is a {type(reranker).__name__} without .predict(pairs, batch_size=…). "
            "Pass a loaded cross-encoder, for example load_reranker(); an embedding model cannot score "
            "pairs, and a name has to be loaded first."
        )


def _check_scores(answer: Any, positions: Sequence[int]) -> np.ndarray:
    """The reranker's answer as float64 scores, or an error that says what is wrong with it.

    Args:
        positions: where among the candidates each text that was scored stands.
    """
    count = len(positions)
    if hasattr(answer, "detach"):  # a torch tensor, perhaps on a GPU or in bfloat16, which numpy lacks
        answer = answer.detach().float().cpu().numpy()
    try:
        scores = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"reranker.predict returned {type(answer).__name__} that is not a list of numbers."
        ) from None
    if scores.ndim == 2 and scores.shape[1] > 1:
        raise ValueError(
            f"reranker gives {scores.shape[1]} scores a pair: it is a classifier with several labels. "
            "Use a cross-encoder with one output (num_labels=1)."
        )
    if scores.shape not in [(count,), (count, 1)]:
        raise ValueError(
            f"reranker.predict returned scores of shape {scores.shape} for {count} pairs. "
            "It must return one score for each pair."
        )
    scores = scores.reshape(count)
    if not np.isfinite(scores).all():
        first = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise ValueError(
            f"reranker scored candidates[{positions[first]}] as {scores[first]}, which cannot be ranked. "
            "Check the model's weights and its precision: half precision can overflow."
        )
    return scores


@contextmanager
def _progress_bar(reranker: Any, total: int, show: bool):
    """A bar that counts documents: with each batch of a torch model, at the end for any other reranker."""
    if not show:
        yield
        return
    with tqdm(total=total, unit="doc", desc="Reranking") as bar:

        def count_batch(module, inputs, output) -> None:
            bar.update(len(output["scores"]))

        is_torch = hasattr(reranker, "register_forward_hook")
        hook = reranker.register_forward_hook(count_batch) if is_torch else None
        try:
            yield
        finally:
            if hook is not None:
                hook.remove()
        bar.update(total - bar.n)
