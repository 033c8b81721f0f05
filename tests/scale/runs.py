"""A run of toy texts, and rerankers that do as they are told; Ray's workers find them here by name."""

import json
import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rerank_course.scale import INSTALL, ray_is_installed, rerank_run
from tests.support import ROOT
from tests.support.heavy import QUICK_START

FOR_WORKERS = os.pathsep.join([str(ROOT), str(QUICK_START)])  # their PYTHONPATH
needs_ray = pytest.mark.skipif(not ray_is_installed(), reason=f"needs Ray Data: {INSTALL}")

DOCUMENTS = {f"d{number}": "word " * (1 + 7 * number % 40) + str(number) for number in range(30)}
QUERIES = {f"q{number}": f"question {number}" for number in range(20)}
RUN = {query: [f"d{(3 * number + place) % 30}" for place in range(8)] for number, query in enumerate(QUERIES)}
SMALL = {"part_pairs": 16}  # two queries a part, ten parts


class Cheap:
    """A score from the two texts alone. Writes down which pairs it scored, if it is told where."""

    def __init__(self, log: Path | None = None, seconds: float = 0.0) -> None:
        self.log, self.seconds = log, seconds

    def predict(self, pairs, *, batch_size):
        time.sleep(self.seconds)
        if self.log:
            with self.log.open("a", encoding="utf-8") as file:
                file.write("".join(json.dumps(pair) + "\n" for pair in pairs))
        return [len(document) % 13 + len(query) / 100 for query, document in pairs]


def cheap():
    return Cheap()


def scored(log: Path) -> Counter:
    return Counter(log.read_text(encoding="utf-8").splitlines()) if log.exists() else Counter()


def all_pairs() -> set[str]:
    return {json.dumps((QUERIES[query], DOCUMENTS[name])) for query, names in RUN.items() for name in names}


class Poisoned(Cheap):
    def predict(self, pairs, *, batch_size):
        return [
            np.nan if "overflow" in document else score
            for score, (_, document) in zip(super().predict(pairs, batch_size=batch_size), pairs)
        ]


BAD_DOCUMENTS = {
    "none": None,
    "empty": " \n",
    "number": 7,
    "huge": "x" * 2_000_000,
    "half": "half \ud83d of a pair",
    "nan": "an overflow",
}
REASONS = {
    "none": "NoneType without text",
    "empty": "no text",
    "number": "int without text",
    "huge": "2,000,000 characters; max_characters is 1,000,000",
    "half": "half a character",
    "nan": "scored it nan",
    "absent": "not in the corpus",
}


def poisoned_run():
    corpus = {**DOCUMENTS, **BAD_DOCUMENTS}
    run = {**RUN, "q0": [*RUN["q0"][:3], *REASONS, RUN["q0"][0]], "unknown": ["d1", "d2"], "blank": ["d1"]}
    return run, {**QUERIES, "blank": "  "}, corpus


def check_rejects(rejects, run):
    found = {(reject["query_id"], reject["doc_id"]): reject["reason"] for reject in rejects}
    assert len(found) == len(rejects) == len(REASONS) + 4
    for name, reason in REASONS.items():
        assert reason in found["q0", name], name
    assert "listed twice" in found["q0", RUN["q0"][0]]
    assert "the query is not in queries" == found["unknown", "d1"] == found["unknown", "d2"]
    assert "no text" in found["blank", "d1"]
    assert "unknown" not in run and "blank" not in run
    assert {name for name, _ in run["q0"]} == set(RUN["q0"][:3])


def with_ray(folder, model=cheap, run=RUN, queries=QUERIES, corpus=DOCUMENTS, **options):
    return rerank_run(run, queries, corpus, folder, engine="ray", model=model, **{**SMALL, **options})
