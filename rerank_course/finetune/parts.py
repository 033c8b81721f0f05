"""One part of a cross-validation: train, then measure every system on the queries that took no part."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rerank_course.engine.kept_scores import KeptScores
from rerank_course.evaluate import answered_queries, per_query
from rerank_course.finetune.lists import MINED
from rerank_course.finetune.recipe import Recipe
from rerank_course.finetune.training import FineTuned, fine_tune
from rerank_course.mixing import mix
from rerank_course.models import DEFAULT_RERANKER, load_reranker
from rerank_course.rerank import Reranker, rerank_documents
from rerank_course.retrieve import Found, Retriever
from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus
from rerank_course.texts.trec import Run

MEASURES = ("nDCG@10", "judged@10")
DECIMALS = 4

Measured = dict[str, dict[str, float]]  # of one system: {query id: {measure: value}}


@dataclass(frozen=True)
class Part:
    """One fold of one seed: the recipe with that seed, queries to train on, and queries to report.

    Attributes:
        fold, folds: its number, and how many there are.
        recipe: with the part's seed.
        training, reported: query ids.
    """

    fold: int
    folds: int
    recipe: Recipe
    training: list[str]
    reported: list[str]


@dataclass(frozen=True)
class Elsewhere:
    """Another collection, on which nothing is trained.

    Attributes:
        corpus: its texts and judgements.
        search: finds the candidates that are reranked.
        untouched: scores pairs as the model does before training; ``None`` runs it.
        depth: how many candidates are reranked.
    """

    corpus: Corpus
    search: Retriever | Run
    untouched: Reranker | None = None
    depth: int = 20


@dataclass
class Systems:
    """The systems that need no training, and what each gives for a query; each asked once.

    Attributes:
        corpus, searches, depth, untouched, model: as ``cross_validate`` has them.
    """

    corpus: Corpus
    searches: Mapping[str, Retriever | Run]
    depth: int
    untouched: Reranker | None = None
    model: str = DEFAULT_RERANKER
    _known: dict[str, Measured] = field(default_factory=dict, repr=False)
    _found: dict[tuple[str, str], Found] = field(default_factory=dict, repr=False)

    def first(self) -> Run:
        """The run of the first search, over all answered queries."""
        return {
            query: [(chunk.id, score) for chunk, score in self.found(query)]
            for query in answered_queries(self.corpus)
        }

    def found(self, query: str, search: str | None = None) -> Found:
        """What a search, or the first one, gives for a query."""
        name = search or next(iter(self.searches))
        one = self.searches[name]
        if isinstance(one, Mapping):
            return [(self.corpus.documents[document], score) for document, score in one.get(query, [])]
        if (name, query) not in self._found:
            self._found[name, query] = one.search(self.corpus.queries[query], max(self.depth, MINED))
        return self._found[name, query]

    def cheap(self) -> dict[str, Measured]:
        """Each search alone, and the untouched model alone and mixed, on all answered queries."""
        if not self._known:
            scorer = self.untouched or KeptScores(load_reranker(self.model))
            queries = answered_queries(self.corpus)
            for name in self.searches:
                run = {query: [(c.id, s) for c, s in self.found(query, name)] for query in queries}
                self._known[name] = measured(run, self.corpus)
            self._known |= self.reranked(scorer, queries, "untouched")
        return self._known

    def reranked(self, reranker: Reranker, queries: Sequence[str], name: str) -> dict[str, Measured]:
        """A reranker alone, mixed with the first search, and among judged documents only, on some queries.

        The last one says whether a model is worse, or shows more that nobody has judged and that counts as
        wrong.
        """
        alone, mixed, judged = {}, {}, {}
        for query in queries:
            found = self.found(query)[: self.depth]
            ranked = rerank_documents(
                self.corpus.queries[query], [chunk for chunk, _ in found], reranker, batch_size=16, top_k=None
            )
            alone[query], mixed[query] = _ids(ranked), _ids(mix(found, ranked))
            judged[query] = [one for one in alone[query] if one[0] in self.corpus.qrels[query]]
        some = replace(self.corpus, queries={query: self.corpus.queries[query] for query in queries})
        runs = {name: alone, f"{name} mixed": mixed, f"{name} judged": judged}
        return {system: measured(run, some) for system, run in runs.items()}


def run_part(part: Part, systems: Systems, elsewhere: Sequence[Systems], folder: Path) -> dict[str, Any]:
    """Train one part in ``folder``, and measure it on its reported queries and on other collections.

    Of another collection each fold measures a share of the queries, and all folds together measure each once.

    Returns:
        ``{"seed", "fold", "trained_on", "held_out", "looks", "kept_step", "losses", "seconds", "peak_mb",
        "cheaper", "results"}``; results are ``{collection: {system: {query id: {measure: value}}}}``.
    """
    cheap = systems.cheap()
    best = _best_search(cheap, systems.searches, part.training)
    tuned = fine_tune(
        systems.corpus,
        systems.first(),
        folder,
        part.recipe,
        model=systems.model,
        queries=part.training,
        untouched=systems.untouched,
        show_progress=False,
    )
    from rerank_course.finetune.frozen_part import frozen_part_kept  # it imports torch, which takes seconds

    reranker = load_reranker(str(tuned.folder))
    with frozen_part_kept(reranker, part.recipe.frozen_layers):
        home = {name: _of(cheap[name], part.reported) for name in cheap}
        home |= {"cheaper": home[best]} | systems.reranked(reranker, part.reported, "tuned")
        results = {systems.corpus.name: home}
        for there in elsewhere:
            queries = answered_queries(there.corpus)[part.fold :: part.folds]
            untrained = {name: _of(table, queries) for name, table in there.cheap().items()}
            results[there.corpus.name] = untrained | there.reranked(reranker, queries, "tuned")
    return {"fold": part.fold, "cheaper": best, "results": results} | _facts(tuned)


def measured(run: Run, corpus: Corpus) -> Measured:
    """``MEASURES`` of each answered query of a run; ``{}`` of no run."""
    if not run:  # another collection with fewer queries than folds
        return {}
    table = per_query(run, corpus)[list(MEASURES)].round(DECIMALS)
    return {str(query): row for query, row in table.to_dict("index").items()}


def _best_search(cheap: Mapping[str, Measured], searches: Mapping[str, Any], queries: Sequence[str]) -> str:
    """The search with the highest mean nDCG@10 on the training queries; nothing else has a say in it."""
    return max(searches, key=lambda name: sum(cheap[name][query]["nDCG@10"] for query in queries))


def _of(results: Measured, queries: Sequence[str]) -> Measured:
    return {query: results[query] for query in queries}


def _ids(ranked: Sequence[tuple[Chunk, float]]) -> list[tuple[str, float]]:
    return [(chunk.id, score) for chunk, score in ranked]


def _facts(tuned: FineTuned) -> dict[str, Any]:
    facts = asdict(tuned)
    for name in ("folder", "recipe"):
        del facts[name]
    facts["losses"] = [round(entry["loss"], 4) for entry in facts["losses"]]
    return {"seed": tuned.recipe.seed} | facts
