"""Is a recipe worth it? Train on four fifths of the queries, report the fifth that took no part; all five.

Each part is written to disk when it is finished, so that a run that was ended goes on.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from rerank_course.finetune.comparing import Comparison, compare
from rerank_course.finetune.parts import Elsewhere, Part, Systems, run_part
from rerank_course.finetune.recipe import Recipe
from rerank_course.finetune.split import folds as split_folds
from rerank_course.finetune.training import check_installed
from rerank_course.models import DEFAULT_RERANKER
from rerank_course.rerank import Reranker
from rerank_course.retrieve import Retriever
from rerank_course.texts.beir import Corpus
from rerank_course.texts.files import write_whole
from rerank_course.texts.trec import Run

SETTING = "setting.json"
OTHERS = ("untouched", "untouched mixed", "cheaper")  # what a tuned model has to beat


@dataclass(frozen=True)
class CrossValidation:
    """What a recipe is worth on queries that it did not see.

    Attributes:
        recipe: that recipe, as a dictionary.
        corpus: the collection's name.
        parts: one dictionary for each seed and fold, as ``run_part`` gives it.
    """

    recipe: dict[str, Any]
    corpus: str
    parts: list[dict[str, Any]]

    def table(self, system: str, collection: str | None = None) -> pd.DataFrame:
        """A row for each query with ``nDCG@10`` and ``judged@10``, the means over all seeds.

        Args:
            system: ``"tuned"`` or ``"untouched"``, alone, ``"… mixed"`` with the first search, or
                ``"… judged"``, without the documents that nobody judged; ``"cheaper"``, of the searches the
                one that was best on the part's training queries; or a search's name.
            collection: another collection's name, where forgetting was measured.
        """
        key = collection or self.corpus
        rows = [
            {"query": query} | measured
            for part in self.parts
            for query, measured in part["results"][key][system].items()
        ]
        return pd.DataFrame(rows).groupby("query", sort=True).mean()

    def systems(self, collection: str | None = None) -> list[str]:
        """The names that ``table`` knows."""
        return list(self.parts[0]["results"][collection or self.corpus])

    def compare(self, system: str = "tuned", collection: str | None = None) -> list[Comparison]:
        """A system against the untouched model, against mixing, and against the best cheaper search.

        On another collection, against the untouched model, alone and mixed.
        """
        after, names = self.table(system, collection), self.systems(collection)
        return [compare(self.table(other, collection), after, other) for other in OTHERS if other in names]

    def as_json(self) -> str:
        """All of it as text, for ``from_json``."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "CrossValidation":
        """What ``as_json`` wrote."""
        return cls(**json.loads(text))


def cross_validate(
    corpus: Corpus,
    recipe: Recipe,
    searches: Mapping[str, Retriever | Run],
    folder: str | os.PathLike[str],
    *,
    folds: int = 5,
    seeds: Sequence[int] = (0, 1, 2),
    only: Sequence[int] | None = None,
    depth: int = 50,
    training_queries: int | None = None,
    elsewhere: Sequence[Elsewhere] = (),
    model: str = DEFAULT_RERANKER,
    untouched: Reranker | None = None,
    show_progress: bool = True,
) -> CrossValidation:
    """Train and report fold by fold; a second call does what is missing.

    Each seed deals the queries anew, holds others out and trains anew. A query is only ever reported by a
    model that saw neither it nor one that belongs to it (``rerank_course.finetune.split``).

    Args:
        searches: by name. The first one's candidates are reranked and its scores are mixed in, half and half;
            the best of all on a part's training queries is reported as ``"cheaper"``.
        folder: where finished parts are kept.
        only: numbers of the folds to do; ``None`` does all. The others' queries are then not reported.
        depth: how many candidates are reranked.
        training_queries: use only so many of a part's training queries, for a learning curve.
        elsewhere: other collections, to see what is forgotten.
        untouched: scores pairs of ``corpus`` as the model does before training; ``None`` runs it.

    Raises:
        ValueError: ``folder`` holds parts of another recipe or setting. Else as ``fine_tune``.
    """
    check_installed()
    folder = Path(folder)
    setting = {"recipe": asdict(recipe), "corpus": corpus.name, "folds": folds, "depth": depth}
    setting |= {"training_queries": training_queries, "searches": list(searches), "model": model}
    _check_setting(folder, setting)
    home = Systems(corpus, searches, depth, untouched, model)
    away = [Systems(one.corpus, {"search": one.search}, one.depth, one.untouched, model) for one in elsewhere]
    parts = _parts(corpus, recipe, folds, seeds, training_queries)
    todo = [part for part in parts if only is None or part.fold in only]
    bar = tqdm(todo, unit="fold", desc=f"Cross-validating {corpus.name}", disable=not show_progress)
    return CrossValidation(asdict(recipe), corpus.name, [_result(part, home, away, folder) for part in bar])


def _result(part: Part, home: Systems, away: list[Systems], folder: Path) -> dict[str, Any]:
    """What a part gave: from its file, or after the work."""
    file = folder / f"seed-{part.recipe.seed}-fold-{part.fold}.json"
    if not file.exists():
        scratch = folder / f"model-{part.recipe.seed}-{part.fold}"
        result = run_part(part, home, away, scratch)
        write_whole(file, json.dumps(result))
        shutil.rmtree(scratch, ignore_errors=True)
    return json.loads(file.read_text(encoding="utf-8"))


def _parts(
    corpus: Corpus, recipe: Recipe, folds: int, seeds: Sequence[int], training_queries: int | None
) -> Iterator[Part]:
    for seed in seeds:
        dealt = split_folds(corpus, folds, seed=seed)
        for fold, reported in enumerate(dealt):
            rest = [query for other in dealt if other is not reported for query in other]
            order = np.random.default_rng(seed).permutation(len(rest))
            used = [rest[place] for place in order[:training_queries]]
            seeded = Recipe(**(asdict(recipe) | {"seed": seed}))
            yield Part(fold, folds, seeded, used, reported)


def _check_setting(folder: Path, setting: dict[str, Any]) -> None:
    """Keep the setting in the folder, and refuse one that holds another's parts."""
    file = folder / SETTING
    text = json.dumps(setting, indent=1)
    if not file.exists():
        write_whole(file, text)
    elif file.read_text(encoding="utf-8") != text:
        raise ValueError(f"{folder} holds parts of another recipe or setting. Choose another folder.")
