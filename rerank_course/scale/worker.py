"""A worker: loads the reranker once, scores parts and writes them."""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rerank_course.rerank import Reranker
from rerank_course.scale.folder import REJECTS, read_texts, result_file, write_whole
from rerank_course.scale.job import Job


class Worker:
    """Scores parts: one of them in this process, or one in each of Ray's actors."""

    def __init__(self, job: Job, documents: dict[str, list] | None = None) -> None:
        self.job, self._documents = job, documents

    @cached_property
    def documents(self) -> dict[str, Any]:
        return self._documents or read_texts(self.folder)

    @property
    def folder(self) -> Path:
        """Where results go; only a job with a folder asks."""
        assert self.job.folder is not None
        return Path(self.job.folder)

    @cached_property
    def reranker(self) -> Reranker:
        """Loaded with the first part: what goes wrong is then that part's error, and reaches the caller."""
        if self.job.sets_threads:
            import torch

            torch.set_num_threads(self.job.threads)
        return self.job.load()

    def __call__(self, block):
        """A block of Ray Data, one part, as a table; a table of one row that says what was done."""
        import pyarrow

        return pyarrow.Table.from_pylist(
            [self.keep(part["part"], part["rows"]) for part in block.to_pylist()]
        )

    def keep(self, number: int, rows: list[dict]) -> dict:
        """Score a part and write it, unless it stands there already: Ray may ask twice."""
        file = result_file(self.folder, number)
        if file.exists():
            return self.timed(number, lambda: (pd.DataFrame(), []))[2]
        return self.timed(number, lambda: self.write(file, *self.score(rows)))[2]

    def timed(
        self, number: int, work: Callable[[], tuple[pd.DataFrame, list[dict]]]
    ) -> tuple[pd.DataFrame, list[dict], dict]:
        """(results, rejects, what was done)."""
        began = time.time()
        _ = self.documents, self.reranker  # loaded now, so that their time is not counted as scoring
        started = time.time()
        results, rejects = work()
        worker, seconds = f"{platform.node()}/{os.getpid()}", time.time() - started
        done = {
            "part": number,
            "pairs": len(results),
            "rejects": len(rejects),
            "worker": worker,
            "loading": started - began,
            "started": started,
            "seconds": seconds,
        }
        return results, rejects, done

    def write(
        self, file: Path, results: pd.DataFrame, rejects: list[dict]
    ) -> tuple[pd.DataFrame, list[dict]]:
        if rejects:  # first: the results say that the part is finished
            lines = "".join(json.dumps(reject, ensure_ascii=False) + "\n" for reject in rejects)
            write_whole(
                self.folder / REJECTS / f"{file.stem}.jsonl",
                lambda scratch: scratch.write_text(lines, encoding="utf-8"),
            )
        write_whole(file, lambda scratch: results.to_parquet(scratch, index=False))
        return results, rejects

    def score(self, rows: list[dict]) -> tuple[pd.DataFrame, list[dict]]:
        """(results in the columns of a TREC run, rejects)."""
        pairs, names, rejects = [], [], []
        for query, name, text, problem in self._candidates(rows):
            if problem:
                rejects.append({"query_id": query["query_id"], "doc_id": name, "reason": problem})
            else:
                pairs.append((query["query"], text))
                names.append((query["query_id"], name))
        scores = self._predict(pairs, [query for query, _ in names])
        finite = np.isfinite(scores)
        for (query, name), score in zip([names[i] for i in np.flatnonzero(~finite)], scores[~finite]):
            rejects.append({"query_id": query, "doc_id": name, "reason": f"the reranker scored it {score}"})
        return ranked([names[i] for i in np.flatnonzero(finite)], scores[finite], self.job.tag), rejects

    def _candidates(self, rows: list[dict]) -> Iterator[tuple[dict, str, str, str | None]]:
        """(query, document id, text, problem) of each pair; no text where there is a problem."""
        for row in rows:
            seen: set[str] = set()
            for place in row["documents"]:
                columns = (self.documents[column][place] for column in ("id", "text", "problem"))
                name, text, problem = map(_plain, columns)
                twice = "the document is listed twice for this query" if name in seen else None
                seen.add(name)
                yield row, name, text, row["problem"] or problem or twice

    def _predict(self, pairs: list[tuple[str, str]], searches: list[str]) -> np.ndarray:
        """One score for each pair; equal texts of a search are scored once: a batch moves the last digits.

        Equal pairs of two searches are not: what a run costs would depend on how it was cut into parts.
        """
        if not pairs:
            return np.empty(0)
        keys = list(zip(searches, pairs))
        place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        scores = np.asarray(
            self.reranker.predict([pair for _, pair in place], batch_size=self.job.batch_size),
            dtype=np.float64,
        )
        if scores.size != len(place):
            raise ValueError(
                f"reranker.predict returned scores of shape {scores.shape} for {len(place)} pairs. "
                "It must return one score for each pair."
            )
        return scores.reshape(len(place))[[place[key] for key in keys]]


def ranked(names: list[tuple[str, str]], scores: np.ndarray, tag: str) -> pd.DataFrame:
    """Best first in each query, equal scores as retrieval had them; queries as they came."""
    table = pd.DataFrame(names, columns=["query_id", "doc_id"], dtype=object)
    number = pd.factorize(table["query_id"])[0]
    order = np.lexsort((-scores, number))  # stable
    table = table.iloc[order].reset_index(drop=True)
    rank = table.groupby("query_id", sort=False).cumcount().to_numpy() + 1
    return pd.DataFrame(
        {
            "query_id": table["query_id"],
            "iteration": "Q0",
            "doc_id": table["doc_id"],
            "rank": rank.astype(np.int32),
            "score": scores[order],
            "tag": tag,
        }
    )


@contextmanager
def threads_restored(job: Job):
    """Give the caller's process its number of threads back."""
    if not job.sets_threads:
        yield
        return
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _plain(value: Any) -> Any:
    """A Python value from a list, or from a column of Arrow."""
    return value.as_py() if hasattr(value, "as_py") else value
