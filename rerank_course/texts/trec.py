"""Runs and judgements as TREC's tools read them: trec_eval, ir-measures, ranx.

A run has the lines ``query Q0 document rank score tag``, judgements ``query 0 document grade``. The format is
described with trec_eval: https://github.com/usnistgov/trec_eval.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np

from rerank_course.texts.files import CorpusError, opened, write_whole

LARGEST = 1e37  # what is beyond would leave no room below it in 32 bits
TINY = 1e-30  # far above the smallest 32-bit number, which some tools take for 0
NOTHING = "found-nothing"  # stands for a document where a query found none
# White space would be a new column; a % before two digits has to be written so that it reads as itself.
_UNSAFE = re.compile(r"\s|%(?=[0-9a-fA-F]{2})")

Run = dict[str, list[tuple[str, float]]]


def to_trec_id(name: str) -> str:
    """An id without white space: what TREC's format cannot hold is written as in an address, ``%20``.

    ``from_trec_id`` turns it back. An id without white space and without such a code stays as it is.
    """
    return _UNSAFE.sub(lambda found: quote(found[0], safe=""), name)


def from_trec_id(name: str, known: Mapping[str, object]) -> str:
    """The id that ``to_trec_id`` wrote, or the id as it stands where only that is known."""
    plain = unquote(name)
    return name if name in known and plain not in known else plain


def write_run(run: Mapping[str, Iterable[tuple[str, float]]], path: Path, tag: str) -> None:
    """Write a run, whole or not at all.

    Tools sort by score, some of them in 32 bits, and order equal scores as they like. So that all of them see
    this order, a score that is not below the one before it is written as the next lower 32-bit number. A
    query that found nothing gets one line with the document ``found-nothing``: without a line, most tools
    would leave it out of the average.

    Args:
        run: ``{query id: [(document id, score), …]}``, best first.
        tag: the system's name, without white space.

    Raises:
        ValueError: the tag is empty or holds white space.
        CorpusError: the file cannot be written.
    """
    if not tag or re.search(r"\s", tag):
        raise ValueError(f"A run's tag is a name without white space, not {tag!r}.")
    lines = []
    for query, ranking in run.items():
        rows = list(ranking) or [(NOTHING, 0.0)]
        scores = falling([score for _, score in rows])
        for rank, ((document, _), score) in enumerate(zip(rows, scores), start=1):
            fields = (to_trec_id(query), "Q0", to_trec_id(document), str(rank), f"{score:.9g}", tag)
            lines.append(" ".join(fields) + "\n")
    write_whole(path, "".join(lines))


def write_qrels(qrels: Mapping[str, Mapping[str, int]], path: Path) -> None:
    """Write judgements, whole or not at all.

    Raises:
        CorpusError: the file cannot be written.
    """
    lines = [
        f"{to_trec_id(query)} 0 {to_trec_id(document)} {grade}\n"
        for query, judged in qrels.items()
        for document, grade in judged.items()
    ]
    write_whole(path, "".join(lines))


def falling(scores: Iterable[float]) -> list[float]:
    """Scores each below the one before, also as 32-bit numbers, and as near to the given as can be."""
    found: list[float] = []
    below = LARGEST
    for score in scores:
        found.append(float(np.float32(min(max(score, -LARGEST), below))))
        below = min(float(np.nextafter(np.float32(found[-1]), -np.inf)), found[-1] - TINY)
    return found


def read_run(path: Path, queries: Mapping[str, object], documents: Mapping[str, object]) -> tuple[Run, int]:
    """A run that another engine made, best first by score; equal scores by rank.

    Args:
        queries, documents: what the run may name, by id.

    Returns:
        (the run, how many lines name a query or a document that is not there).

    Raises:
        CorpusError: a line is malformed, names a document twice for a query, or nothing in it is known.
    """
    rows: dict[str, dict[str, tuple[float, int]]] = {}
    unknown = 0
    with opened(path) as file:
        for number, line in enumerate(file, start=1):
            fields = line.split()
            if not fields:
                continue
            query, document, rank, score = _run_line(fields, f"{path}, line {number}")
            query, document = from_trec_id(query, queries), from_trec_id(document, documents)
            found = rows.setdefault(query, {})
            if document in found:
                raise CorpusError(f"{path}, line {number}: {document!r} is there twice for {query!r}.")
            if query in queries and document in documents:
                found[document] = (-score, rank)
            elif document != NOTHING:
                unknown += 1
    if not any(rows.values()):
        raise CorpusError(
            f"{path} names no query with a document of this collection. "
            "Its lines are: query Q0 document rank score tag."
        )
    run = {
        query: [(document, -found[document][0]) for document in sorted(found, key=found.__getitem__)]
        for query, found in rows.items()
        if query in queries
    }
    return run, unknown


def _run_line(fields: list[str], where: str) -> tuple[str, str, int, float]:
    """(query, document, rank, score) of a line of a run."""
    try:
        query, _, document, rank, score, _ = fields
        value = float(score)
        place = int(rank)
    except ValueError:
        raise CorpusError(
            f"{where}: a run's line is “query Q0 document rank score tag”, not {' '.join(fields)[:80]!r}."
        ) from None
    if not np.isfinite(value):
        raise CorpusError(f"{where}: the score {score} cannot be ranked.")
    return query, document, place, value
