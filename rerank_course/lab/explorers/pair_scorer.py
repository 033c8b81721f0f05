"""Score a pair that you type."""

import math
from typing import Any

from rerank_course.lab.explorers.controls import explorer, text_box


def score_pair(query: str, document: str, reranker: Any) -> dict[str, float]:
    """One pair's score, and what of the model's length it takes.

    Args:
        query, document: the pair, each with some text.
        reranker: gives logits and has a tokenizer: the course's ``load_reranker()``, with either backend.

    Returns:
        ``logit``; ``sigmoid``, the same number from 0 to 1; ``tokens``, of query, document and special tokens
        together; ``limit``, how many of them the model reads: what is past it is cut off without a warning.

    Raises:
        ValueError: one of the two is empty.
    """
    for name, text in (("query", query), ("document", document)):
        if not text.strip():
            raise ValueError(f"The {name} is empty. Type some text: a score needs a query and a document.")
    logit = float(reranker.predict([(query, document)])[0])
    tokens = reranker.tokenizer(query, document, truncation=False, verbose=False)["input_ids"]
    return {
        "logit": logit,
        "sigmoid": 1 / (1 + math.exp(-logit)),
        "tokens": len(tokens),
        "limit": reranker.max_seq_length,
    }


def pair_scorer(reranker: Any, query: str = "", document: str = "") -> Any:
    """``score_pair`` behind two text boxes: an ``ipywidgets.VBox`` whose last child shows the score."""
    import ipywidgets

    def describe(query: str, document: str) -> str:
        score = score_pair(query, document, reranker)
        cut = score["tokens"] - score["limit"]
        length = f"{score['tokens']} tokens of at most {score['limit']}"
        if cut > 0:
            length += f": <b>{cut} are cut off</b>"
        return f"logit <b>{score['logit']:.2f}</b>, after a sigmoid {score['sigmoid']:.4f}<br>{length}"

    controls = {
        "query": text_box(ipywidgets.Text, query, "query"),
        "document": text_box(ipywidgets.Textarea, document, "document", height="7em"),
    }
    return explorer(controls, describe)
