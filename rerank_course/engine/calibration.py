"""The pairs that an int8 model learns its ranges from, and those on which its error is measured.

They share no query: the error is measured on pairs that were held out. Both come from the handbook, or from
the caller's own texts.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from rerank_course.texts.corpora import load_corpus

Pair = tuple[str, str]

FEWEST = 20  # of a caller's pairs or texts; fewer say little about a range, and leave too few to hold out
MOST = 400  # of a caller's; more would take longer and change no range by much
HELD_OUT_QUERIES, CANDIDATES = 20, 6  # 120 pairs to measure the error on
OPENING = 8  # words of a text that stand in for a query where the caller gives texts alone


def handbook_pairs(count: int) -> list[Pair]:
    """(heading, passage) pairs of the handbook, the same each time: half belong together, half do not.

    No query of the evaluation is among them.
    """
    chunks = list(load_corpus("handbook").documents.values())
    random = np.random.default_rng(0)
    half = count // 2
    own = [(chunk.title, chunk.text) for chunk in random.permutation(np.array(chunks, dtype=object))[:half]]
    strangers = [(chunks[i].title, chunks[j].content) for i, j in random.integers(0, len(chunks), (half, 2))]
    return own + strangers


def random_pieces(tokenizer: Any, count: int) -> list[Pair]:
    """Pairs without sense, of random entries of a vocabulary, the same each time.

    From few different pieces, repeated, to as many as there are places, in all scripts that the vocabulary
    has. Text of the handbook alone leaves a model with ranges and smoothing that fit other kinds of text less
    well: with as many of these pairs beside it, the error of the packaged model on source code fell from 0.09
    to 0.07 logits (root mean square of 200 pairs), on one word many times from 0.19 to 0.10.

    Args:
        tokenizer: a ``tokenizers.Tokenizer``.
    """
    random = np.random.default_rng(1)
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    ids = sorted(place for token, place in tokenizer.get_vocab().items() if token not in special)

    def text(longest: int) -> str:
        size = int(np.exp(random.uniform(0, np.log(longest))))
        different = max(int(np.exp(random.uniform(0, np.log(size + 1)))), 1)
        chosen = random.integers(0, len(ids), different)
        pieces = [tokenizer.decode([ids[i]]).removeprefix("##") for i in chosen]
        return " ".join(pieces[i] for i in random.integers(0, different, size))

    return [(text(12), text(200)) for _ in range(count)]


def handbook_held_out() -> list[list[Pair]]:
    """Queries of the handbook with six passages each, up to three of them judged relevant."""
    corpus = load_corpus("handbook")
    random = np.random.default_rng(1)
    passages = list(corpus.documents)
    queries = [query for query in corpus.queries if any(corpus.qrels.get(query, {}).values())]
    chosen = sorted(random.choice(len(queries), HELD_OUT_QUERIES, replace=False))
    groups = []
    for query in (queries[i] for i in chosen):
        relevant = [passage for passage, grade in corpus.qrels[query].items() if grade > 0][:3]
        others = random.permutation([passage for passage in passages if passage not in relevant])
        ids = [*relevant, *others][:CANDIDATES]
        groups.append([(corpus.queries[query], corpus.documents[str(i)].content) for i in ids])
    return groups


def checked(calibration: Any) -> list[Pair]:
    """A caller's calibration text as pairs, at most ``MOST`` of them, the same each time.

    Args:
        calibration: a list of (query, document) pairs, or of texts. Of a text the first words ask; half of
            the texts answer their own words, half those of another.

    Raises:
        TypeError: not a list, or an entry is neither; the message says where.
        ValueError: too few entries, or an empty document.
    """
    if isinstance(calibration, (str, bytes, dict)) or not hasattr(calibration, "__iter__"):
        raise TypeError(
            "calibration must be a list of (query, document) pairs or of texts, "
            f"not {type(calibration).__name__}."
        )
    entries = list(calibration)
    texts = all(isinstance(entry, str) for entry in entries)
    for position, entry in enumerate(entries):
        _check_entry(entry, position, texts)
    if len({entry if texts else tuple(entry) for entry in entries}) < FEWEST:
        raise ValueError(
            f"calibration needs at least {FEWEST} different {'texts' if texts else 'pairs'}, "
            f"better 200, not {len(entries)}. Leave it out to calibrate on the handbook."
        )
    chosen = sorted(np.random.default_rng(2).permutation(len(entries))[:MOST])
    entries = [entries[i] for i in chosen]
    return _pairs_of_texts(entries) if texts else [(query, document) for query, document in entries]


def _check_entry(entry: Any, position: int, texts: bool) -> None:
    is_pair = isinstance(entry, (tuple, list)) and len(entry) == 2
    is_pair = is_pair and all(isinstance(text, str) for text in entry)
    if not (texts or is_pair):
        raise TypeError(
            f"calibration[{position}] must be two strings, (query, document), as all entries are pairs or "
            f"all are texts; not {entry!r:.80}."
        )
    if not (entry if texts else entry[1]).strip():
        raise ValueError(f"calibration[{position}] holds no text. Leave it out.")


def _pairs_of_texts(texts: Sequence[str]) -> list[Pair]:
    openings = [" ".join(text.split()[:OPENING]) for text in texts]
    moved = np.roll(openings, len(texts) // 2)  # every second text is asked another's words
    return [(str(moved[i]) if i % 2 else openings[i], text) for i, text in enumerate(texts)]


def divided(pairs: Sequence[Pair]) -> tuple[list[Pair], list[list[Pair]]]:
    """Pairs to calibrate on, and held-out queries with up to six documents each.

    Whole queries are held out, a fifth of the pairs or somewhat more. A held-out query that has fewer than
    six documents borrows those of other held-out queries. With a single query, documents are held out.
    """
    documents = defaultdict(list)
    for query, document in pairs:
        documents[query].append(document)
    if len(documents) < 4:
        cut = len(pairs) - max(len(pairs) // 5, 4)
        return list(pairs[:cut]), _in_groups([pairs[cut:]], pairs[cut:])
    order = np.random.default_rng(3).permutation(np.array(list(documents), dtype=object))
    held: list[list[Pair]] = []
    while sum(map(len, held)) < len(pairs) / 5 or len(held) < 2:
        query = order[len(held)]
        held.append([(query, document) for document in documents[query]])
    kept = set(order[len(held) :])
    return [pair for pair in pairs if pair[0] in kept], _in_groups(held, sum(held, []))


def _in_groups(held: Sequence[Sequence[Pair]], lenders: Sequence[Pair]) -> list[list[Pair]]:
    """Up to ``HELD_OUT_QUERIES`` queries with ``CANDIDATES`` different documents, as far as there are."""
    random = np.random.default_rng(4)
    groups = []
    for own in held[:HELD_OUT_QUERIES]:
        query = own[0][0]
        others = random.permutation(np.array([document for _, document in lenders], dtype=object))
        documents = dict.fromkeys([*(document for _, document in own), *others])
        groups.append([(query, document) for document in list(documents)[:CANDIDATES]])
    return groups
