"""Documents that do not answer a query, for training: judged ones first, then what a search found.

What a search puts high and nobody judged may well be an answer. Trained on as a wrong one, it teaches the
opposite of what it should. So an unjudged document is left out where it stands among the search's first, or
where the untouched model's score for it comes near that of the best answer.

sentence-transformers' ``mine_hard_negatives`` has such guards too. It knows no grades: a document that was
judged wrong, the best negative there is, counts there as unjudged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from rerank_course.texts.beir import Corpus

SKIPPED = 5  # of a search's first that are not taken unless judged
NEAR = 1.0  # logits


def negatives(
    corpus: Corpus,
    query: str,
    found: Sequence[str],
    score: Callable[[Iterable[str]], Mapping[str, float]],
    count: int,
    *,
    spread: bool = False,
    skipped: int = SKIPPED,
    near: float = NEAR,
) -> list[str]:
    """Ids of at most ``count`` documents that do not answer a query.

    First those of grade 0, in the order in which the search found them, behind them those of grade 0 that it
    did not find; then unjudged ones that pass both guards, in the search's order. A document with an answer's
    text is never among them.

    Args:
        found: ids as a search gave them for the query, best first.
        score: gives the untouched model's score of each of some documents; asked only where those of grade 0
            do not suffice, or with ``spread``.
        spread: take them at even steps from all that the search found, unjudged ones too, in its order.
        skipped: an unjudged document among so many of the search's first is left out.
        near: so is one whose score is not at least this far below the best answer's.
    """
    judged = corpus.qrels.get(query, {})
    wrong = [document for document, grade in judged.items() if grade == 0]
    order = {document: place for place, document in enumerate(found)}
    wrong.sort(key=lambda document: order.get(document, len(order)))
    answers = [document for document, grade in judged.items() if grade >= corpus.relevant]
    taken = {corpus.documents[document].content for document in answers}
    kept = _with_new_text(corpus, wrong, taken)
    if answers and (spread or len(kept) < count):
        unjudged = [document for document in found[skipped:] if document not in judged]
        scores = score([*answers, *unjudged])
        limit = max(scores[document] for document in answers) - near
        far = [document for document in unjudged if scores[document] <= limit]
        kept += _with_new_text(corpus, far, taken)
    if spread and len(kept) > count:
        kept = sorted((document for document in kept if document in order), key=order.__getitem__) or kept
        steps = np.linspace(0, len(kept) - 1, min(count, len(kept))).round().astype(int)
        return [kept[step] for step in steps]
    return kept[:count]


def _with_new_text(corpus: Corpus, documents: Iterable[str], taken: set[str]) -> list[str]:
    """The documents whose text is not taken yet, each text once."""
    kept = []
    for document in documents:
        text = corpus.documents[document].content
        if text not in taken:
            kept.append(document)
            taken.add(text)
    return kept
