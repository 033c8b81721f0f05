"""The folder of a run: what is finished, what was set aside, and whose run it is."""

import json
import os
import platform
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import pandas as pd

from rerank_course.evaluate import Run

RESULTS, REJECTS, TEXTS = "run", "rejects", "texts.arrow"
MANIFEST, LOCK = "manifest.json", ".lock"


class ScaleError(RuntimeError):
    """A run cannot start or go on. What was finished is kept; the message says what to do."""


def read_run(folder: str | Path) -> Run:
    """The finished parts of a run, in the order of its queries.

    A query of which nothing could be scored is not in it. The files are ordinary parquet:
    ``pandas.read_parquet(folder / "run")`` reads them too.
    """
    files = sorted((Path(folder) / RESULTS).glob("part-*.parquet"))
    return as_run(pd.concat([pd.read_parquet(file) for file in files]) if files else pd.DataFrame())


def read_rejects(folder: str | Path) -> list[dict]:
    """What was set aside so far: ``[{"query_id": …, "doc_id": …, "reason": …}, …]``, part by part."""
    files = sorted((Path(folder) / REJECTS).glob("part-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@contextmanager
def owned(folder: Path, fingerprint: dict[str, Any]):
    """The folder, ready for this run and for no other, and locked against a second process."""
    for part in (RESULTS, REJECTS):
        (folder / part).mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            manifest = folder / MANIFEST
            if not manifest.exists():
                write_whole(
                    manifest,
                    lambda scratch: scratch.write_text(json.dumps(fingerprint, indent=1), encoding="utf-8"),
                )
            before = json.loads(manifest.read_text(encoding="utf-8"))
            other = [name for name in fingerprint if before.get(name) != fingerprint[name]]
            if other:
                raise ScaleError(
                    f"{folder} holds another run: {', '.join(other)} differ. "
                    "Give a new folder, or the arguments of the run that it holds."
                )
            for leftover in folder.glob("*/.*.part"):  # of workers that were killed while they wrote
                leftover.unlink(missing_ok=True)
            yield
    except filelock.Timeout:
        raise ScaleError(
            f"Another process is working on {folder}. Wait for it, or give a new folder."
        ) from None


def write_texts(folder: Path, documents: dict[str, list]) -> None:
    """The documents' columns, for all workers to read."""
    from pyarrow import feather, schema, table

    if not (folder / TEXTS).exists():
        texts = table(documents, schema([(name, "large_string") for name in documents]))
        write_whole(
            folder / TEXTS,
            lambda scratch: feather.write_feather(texts, str(scratch), compression="uncompressed"),
        )


def read_texts(folder: Path) -> dict[str, Any]:
    """The columns of the texts, as the file has them: one copy in memory serves all processes."""
    from pyarrow import feather

    if not (folder / TEXTS).exists():
        raise ScaleError(
            f"{folder} on {platform.node()} is another folder. "
            "Give one that all machines of the cluster share under this path."
        )
    texts = feather.read_table(str(folder / TEXTS), memory_map=True)
    return {name: texts.column(name) for name in texts.column_names}


def result_file(folder: Path, number: int) -> Path:
    return folder / RESULTS / f"part-{number:06}.parquet"


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Under another name first: a file that stands there is complete."""
    scratch = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.part")
    write(scratch)
    os.replace(scratch, path)


def as_run(results: pd.DataFrame) -> Run:
    run: Run = {}
    for query, document, score in (
        zip(*(results[name] for name in ("query_id", "doc_id", "score"))) if len(results) else ()
    ):
        run.setdefault(query, []).append((document, score))
    return run
