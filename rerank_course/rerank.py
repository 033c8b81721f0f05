"""Order candidates by how well they answer a query."""

import itertools
import operator
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import numpy as np
from tqdm.auto import tqdm

from rerank_course.text import text_of

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

    Args:
        query: the question, one non-empty string.
        candidates: strings, chunks or mappings (see ``rerank_course.text.text_of``), best first as retrieval
            gave them. ``[]`` gives ``[]``.
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
    _check_query(query)
    candidates = _check_candidates(candidates)
    batch_size = _check_count("batch_size", batch_size)
    top_k = None if top_k is None else _check_count("top_k", top_k, "; pass None to get all candidates")
    _check_reranker(reranker)

    pairs = [(query, text_of(candidate, f"candidates[{i}]")) for i, candidate in enumerate(candidates)]
    if not pairs:
        return []
    with _progress_bar(reranker, len(pairs), show_progress):
        scores = _check_scores(reranker.predict(pairs, batch_size=batch_size), len(pairs))
    # A stable sort of the negated scores: descending, and ties stay in retrieval order.
    best_first = np.argsort(-scores, kind="stable")[:top_k]
    return [(candidates[i], float(scores[i])) for i in best_first]


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
    _check_query(query)
    block, top_k = _check_count("block", block), _check_count("top_k", top_k)
    best: list[tuple[Candidate, float]] = []
    numbered = enumerate(candidates)
    while some := list(itertools.islice(numbered, block)):
        for position, candidate in some:
            text_of(candidate, f"candidates[{position}]")
        ranking = rerank_documents(query, [candidate for _, candidate in some], reranker, batch_size, top_k)
        # The sort is stable: of equals, those of earlier blocks stay ahead.
        best = sorted(best + ranking, key=lambda scored: -scored[1])[:top_k]
    return best


def _check_query(query: Any) -> None:
    if not isinstance(query, str):
        raise TypeError(
            f"query must be one string, not a {type(query).__name__}. "
            "For several queries, call once for each."
        )
    if not query.strip():
        raise ValueError("query is empty. A reranker needs a question to score the candidates against.")


def _check_candidates(candidates: Any) -> list:
    if isinstance(candidates, (str, Mapping)) or not isinstance(candidates, Iterable):
        raise TypeError(
            f"candidates must be a list of candidates, not one {type(candidates).__name__}. "
            "Put it in a list: [candidate]."
        )
    return list(candidates)


def _check_count(name: str, value: Any, hint: str = "") -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}{hint}.") from None
    if count < 1:
        raise ValueError(f"{name} must be at least 1, not {count}{hint}.")
    return count


def _check_reranker(reranker: Any) -> None:
    if not callable(getattr(reranker, "predict", None)):
        raise TypeError(
            f"reranker is a {type(reranker).__name__} without .predict(pairs, batch_size=…). "
            "Pass a loaded cross-encoder, for example load_reranker(); an embedding model cannot score "
            "pairs, and a name has to be loaded first."
        )


def _check_scores(answer: Any, count: int) -> np.ndarray:
    """The reranker's answer as ``count`` float64 scores, or an error that says what is wrong with it."""
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
            f"reranker scored candidates[{first}] as {scores[first]}, which cannot be ranked. "
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
