"""Which words a score hangs on: leave each word out in turn and see what the score loses.

Known as occlusion, or representation erasure (Li, Monroe and Jurafsky, 2016,
https://arxiv.org/abs/1612.08220). It needs nothing but the score, so it works in the same way for a
cross-encoder and for a cosine. Its limits: a text with a word missing is not a text that people write, and
where two words say the same thing, leaving one of them out changes little.
"""

from collections.abc import Callable, Iterable

Pairs = list[tuple[str, str]]


def word_importance(
    query: str, document: str, score: Callable[[Pairs], Iterable[float]], *, of: str = "document"
) -> list[tuple[str, float]]:
    """How much the score of a pair falls when one word is left out, for each word.

    Args:
        query, document: the pair; words are what white space separates.
        score: a function from pairs to one score each, for example ``reranker.predict``. It is called once.
        of: whose words to leave out, ``"document"`` or ``"query"``.

    Returns:
        ``[(word, importance), …]`` in reading order, in the unit of the score. Above 0: the word holds the
        score up; below 0: without it the score would be higher.

    Raises:
        ValueError: ``of`` is something else, or the text has fewer than two words.
    """
    if of not in ("document", "query"):
        raise ValueError(f'of must be "document" or "query", not {of!r}.')
    words = (document if of == "document" else query).split()
    if len(words) < 2:
        raise ValueError(f"The {of} has {len(words)} words; leaving one out needs at least two.")
    shorter = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
    pairs = [(query, text) if of == "document" else (text, document) for text in shorter]
    whole, *without = (float(value) for value in score([(query, document), *pairs]))
    return [(word, whole - value) for word, value in zip(words, without)]
