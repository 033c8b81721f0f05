"""What is to be scored: a run cut into parts, each some queries with all their candidates."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from rerank_course.scale.rerank_run.job import Job
from rerank_course.text import text_of


def candidates(run: Mapping[str, Iterable], depth: int | None) -> dict[str, list[str]]:
    """{query id: document ids}, cut at ``depth``."""
    candidates = {}
    for query, ranking in run.items():
        if isinstance(ranking, (str, Mapping)) or not isinstance(ranking, Iterable):
            raise TypeError(f"run[{query!r}] must be a list of document ids, not a {type(ranking).__name__}.")
        ids = [found[0] if isinstance(found, tuple) and found else found for found in ranking][:depth]
        if not all(isinstance(name, str) for name in [query, *ids]):
            raise TypeError(f"run[{query!r}]: query ids and document ids must be strings.")
        candidates[query] = ids
    return candidates


def documents(
    candidates: Mapping[str, list[str]], corpus: Mapping[str, Any], max_characters: int
) -> dict[str, list]:
    """The documents that a run names, each once, as columns: its id and either its text or the reason why it
    cannot be scored.
    """
    if not isinstance(corpus, Mapping):
        raise TypeError(f"corpus must be a Corpus or texts by document id, not a {type(corpus).__name__}.")
    columns: dict[str, list] = {
        "id": list(dict.fromkeys(name for ids in candidates.values() for name in ids)),
        "text": [],
        "problem": [],
    }
    for name in columns["id"]:
        text, problem = (
            _screen(corpus[name], "the document", max_characters)
            if name in corpus
            else (None, "the document is not in the corpus")
        )
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


def parts(
    candidates: Mapping[str, list[str]],
    queries: Mapping[str, str],
    documents: dict[str, list],
    part_pairs: int,
    max_characters: int,
) -> dict[int, list[dict]]:
    """{number: rows}; a row is a query with the places of its candidates in ``documents``."""
    places = {name: place for place, name in enumerate(documents["id"])}
    parts: list[list[dict]] = []
    filled = 0
    for query, ids in candidates.items():
        text, problem = (
            _screen(queries[query], "the query", max_characters)
            if query in queries
            else (None, "the query is not in queries")
        )
        if not parts or (filled and filled + len(ids) > part_pairs):
            parts.append([])
            filled = 0
        parts[-1].append(
            {
                "query_id": query,
                "query": text,
                "problem": problem,
                "documents": [places[name] for name in ids],
            }
        )
        filled += len(ids)
    return dict(enumerate(parts))


def fingerprint(job: Job, parts: Mapping[int, list[dict]], documents: dict[str, list]) -> dict[str, Any]:
    """What the scores depend on."""

    def digest(rows: Iterable) -> str:
        sha = hashlib.sha256()
        for row in rows:
            sha.update(repr(row).encode("utf-8"))
        return sha.hexdigest()[:16]

    rows = [row for part in parts.values() for row in part]
    return {
        "model": job.tag,
        "max_length": job.max_length,
        "queries": digest((row["query_id"], row["query"]) for row in rows),
        "candidates": digest(
            (row["query_id"], [documents["id"][place] for place in row["documents"]]) for row in rows
        ),
        "texts": digest(sorted(zip(documents["id"], documents["text"]), key=lambda row: row[0])),
    }
