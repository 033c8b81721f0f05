"""What is to be scored: a run cut into parts, each some queries with all their candidates."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rerank_course.scale.job import Job, check_counts
from rerank_course.text import text_of

# A row is a query with the places of its candidates among the documents.
Part = list[dict[str, Any]]
# Documents: "id", and either "text" or the "problem" that keeps it from being scored.
Columns = dict[str, list]


@dataclass(frozen=True)
class Limits:
    """How much of a run is scored, and in pieces of what size.

    Attributes:
        depth: how many candidates of each query to score, from the first; ``None`` takes all.
        part_pairs: a part is filled with queries up to this many pairs. So much can be lost with a worker.
        max_characters: longer texts are set aside: no model reads them, but each would have to be carried and
            tokenised.

    Raises:
        ValueError: a number below 1.
    """

    depth: int | None
    part_pairs: int
    max_characters: int

    def __post_init__(self) -> None:
        depth = 1 if self.depth is None else self.depth
        check_counts(part_pairs=self.part_pairs, max_characters=self.max_characters, depth=depth)


@dataclass(frozen=True)
class Work:
    """All that a run asks for: ``{number: part}``, and the documents, each once."""

    parts: dict[int, Part]
    documents: Columns


def cut_run(run: Mapping[str, Iterable], queries: Mapping[str, str], corpus: Any, limits: Limits) -> Work:
    """The run as parts.

    Raises:
        TypeError: the run or the corpus is not what ``rerank_run`` takes.
    """
    candidates = _read_candidates(run, limits.depth)
    documents = _read_documents(candidates, getattr(corpus, "documents", corpus), limits.max_characters)
    return Work(_fill_parts(candidates, queries, documents, limits), documents)


def fingerprint(job: Job, work: Work) -> dict[str, Any]:
    """What the scores depend on."""
    rows = [row for part in work.parts.values() for row in part]
    ids = work.documents["id"]
    return {
        "model": job.tag,
        "max_length": job.max_length,
        "queries": _digest((row["query_id"], row["query"]) for row in rows),
        "candidates": _digest((row["query_id"], [ids[place] for place in row["documents"]]) for row in rows),
        "texts": _digest(sorted(zip(ids, work.documents["text"]), key=lambda row: row[0])),
    }


def _read_candidates(run: Mapping[str, Iterable], depth: int | None) -> dict[str, list[str]]:
    """{query id: document ids}, cut at ``depth``."""
    candidates = {}
    for query, ranking in run.items():
        if isinstance(ranking, (str, Mapping)) or not isinstance(ranking, Iterable):
            raise TypeError(f"run[{query!r}] must be a list of document ids, not a {type(ranking).__name__}.")
        ids = [found[0] if isinstance(found, (tuple, list)) and found else found for found in ranking][:depth]
        if not all(isinstance(name, str) for name in [query, *ids]):
            raise TypeError(f"run[{query!r}]: query ids and document ids must be strings.")
        candidates[query] = ids
    return candidates


def _read_documents(candidates: Mapping[str, list[str]], corpus: Any, max_characters: int) -> Columns:
    """The documents that a run names, each once."""
    if not isinstance(corpus, Mapping):
        raise TypeError(f"corpus must be a Corpus or texts by document id, not a {type(corpus).__name__}.")
    ids = list(dict.fromkeys(name for found in candidates.values() for name in found))
    columns: Columns = {"id": ids, "text": [], "problem": []}
    for name in ids:
        absent = None, "the document is not in the corpus"
        text, problem = _screen(corpus[name], "the document", max_characters) if name in corpus else absent
        columns["text"].append(text)
        columns["problem"].append(problem)
    return columns


def _screen(value: Any, what: str, max_characters: int) -> tuple[str | None, str | None]:
    """(text, no problem), or (no text, what is wrong with it)."""
    try:
        text = text_of(value, what)
        text.encode("utf-8")
    except (TypeError, ValueError) as error:  # half of a surrogate pair is a ValueError
        return None, str(error)
    if len(text) > max_characters:
        return None, f"{what} has {len(text):,} characters; max_characters is {max_characters:,}"
    return text, None


def _fill_parts(
    candidates: Mapping[str, list[str]], queries: Mapping[str, str], documents: Columns, limits: Limits
) -> dict[int, Part]:
    places = {name: place for place, name in enumerate(documents["id"])}
    parts: list[Part] = []
    filled = 0
    for query, ids in candidates.items():
        absent, most = (None, "the query is not in queries"), limits.max_characters
        text, problem = _screen(queries[query], "the query", most) if query in queries else absent
        if not parts or (filled and filled + len(ids) > limits.part_pairs):
            parts.append([])
            filled = 0
        found = [places[name] for name in ids]
        parts[-1].append({"query_id": query, "query": text, "problem": problem, "documents": found})
        filled += len(ids)
    return dict(enumerate(parts))


def _digest(rows: Iterable) -> str:
    sha = hashlib.sha256()
    for row in rows:
        sha.update(repr(row).encode("utf-8"))
    return sha.hexdigest()[:16]
