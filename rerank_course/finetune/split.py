"""Split judged queries so that nothing of one side is known on the other.

Queries are split, never pairs: two pairs of one query share their words. Queries stay together when they are
the same question once upper case, punctuation and the commonest words are taken away, or when one document
answers both, since a model that was trained on it may know it again. A question that is asked in quite other
words, with another document, is not found.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from rerank_course.evaluate import answered_queries
from rerank_course.texts.beir import Corpus

_WORD = re.compile(r"\w+")


class TooFewQueriesError(ValueError):
    """There are too few judged queries, or they belong together too closely, to be split."""


def together(corpus: Corpus, queries: Iterable[str] | None = None) -> dict[str, int]:
    """The group of each query: queries of one group belong on one side of a split.

    Args:
        queries: query ids; ``None`` takes all that something answers.

    Returns:
        ``{query id: number of its group}``, in the order of the queries.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ids = answered_queries(corpus) if queries is None else list(queries)
    # A query and what it must not share with the other side are the nodes of a graph.
    edges = [(place, key) for place, query in enumerate(ids) for key in _keys(query, corpus)]
    nodes = {key: len(ids) + number for number, key in enumerate(dict.fromkeys(key for _, key in edges))}
    rows, columns = [place for place, _ in edges], [nodes[key] for _, key in edges]
    size = len(ids) + len(nodes)
    graph = coo_array((np.ones(len(edges)), (rows, columns)), shape=(size, size))
    _, groups = connected_components(graph, directed=False)
    return dict(zip(ids, groups[: len(ids)].tolist()))


def folds(
    corpus: Corpus, count: int = 5, *, seed: int = 0, queries: Iterable[str] | None = None
) -> list[list[str]]:
    """The queries in so many parts of about the same size, groups kept whole.

    Raises:
        TooFewQueriesError: there are fewer groups than parts.
    """
    groups = together(corpus, queries)
    members: dict[int, list[str]] = {}
    for query, group in groups.items():
        members.setdefault(group, []).append(query)
    if len(members) < count:
        raise TooFewQueriesError(
            f"{len(groups)} judged queries of {corpus.name} make {len(members)} groups that can be split; "
            f"{count} parts are asked for. Judge more queries, with answers of their own."
        )
    order = np.random.default_rng(seed).permutation(list(members)).tolist()
    parts: list[list[str]] = [[] for _ in range(count)]
    for group in sorted(order, key=lambda group: -len(members[group])):  # the large ones first, at random
        min(parts, key=len).extend(members[group])
    return parts


def hold_out(
    corpus: Corpus, queries: Sequence[str], share: float = 0.2, *, seed: int = 0
) -> tuple[list[str], list[str]]:
    """(queries to train on, queries held out), groups kept whole; at least one of each.

    Raises:
        TooFewQueriesError: all of them belong together.
    """
    groups = together(corpus, queries)
    parts = folds(corpus, max(2, round(1 / share)), seed=seed, queries=queries)
    # Of queries that belong together one says what all say: the part with the most different ones.
    chosen = max(parts, key=lambda part: len({groups[query] for query in part}))
    return [query for query in queries if query not in set(chosen)], chosen


def leaks(corpus: Corpus, training: Iterable[str], reported: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of queries that belong together and stand on two sides, also where a third query joins them.

    Returns:
        ``[(a training query's id, a reported query's id), …]``; ``[]`` for a split that does not leak.
    """
    here, there = list(training), list(reported)
    groups = together(corpus, dict.fromkeys(here + there))
    return [(one, other) for one in here for other in there if groups[one] == groups[other]]


def _keys(query: str, corpus: Corpus) -> list[tuple[str, str]]:
    """What another query must not have, if it is to stand on the other side."""
    judged = corpus.qrels.get(query, {})
    answers = [("answer", document) for document, grade in judged.items() if grade >= corpus.relevant]
    return [("words", plain_words(corpus.queries[query])), *answers]


def plain_words(text: str) -> str:
    """A question's words in alphabetical order, without case, punctuation and stop words, each once.

    What is all stop words keeps them; what has no word at all stays as it is.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    words = set(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
    return " ".join(sorted(words - ENGLISH_STOP_WORDS or words)) or text.strip()
