"""What happens beside the training: looks at held-out queries, a bar, memory, and a loss that diverges."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psutil
from sentence_transformers.base.evaluation import BaseEvaluator
from tqdm.auto import tqdm
from transformers import TrainerCallback

from rerank_course.evaluate import per_query
from rerank_course.rerank import rerank_documents
from rerank_course.texts.beir import Corpus

MEASURE = "nDCG@10"
DEPTH = 10  # of the search's first, reranked at each look


class HeldOutLook(BaseEvaluator):
    """Mean nDCG@10 of the held-out queries, whose first ``DEPTH`` candidates the model reranks.

    Args:
        found: document ids as a search gave them, by query id, best first.
    """

    def __init__(self, corpus: Corpus, queries: Sequence[str], found: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.corpus = replace(corpus, queries={query: corpus.queries[query] for query in queries})
        self.found = {query: list(found.get(query, []))[:DEPTH] for query in queries}
        self.primary_metric = MEASURE

    def __call__(self, model: Any, output_path: Any = None, epoch: float = -1, steps: int = -1) -> dict:
        run = {}
        for query, documents in self.found.items():
            chunks = [self.corpus.documents[document] for document in documents]
            ranked = rerank_documents(self.corpus.queries[query], chunks, model, batch_size=16, top_k=None)
            run[query] = [(chunk.id, score) for chunk, score in ranked]
        return {MEASURE: float(per_query(run, self.corpus)[MEASURE].mean())}


class Bar(TrainerCallback):
    """A bar that counts steps and says how long the rest will take."""

    def __init__(self, show: bool) -> None:
        self.show = show

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            unit="step",
            desc="Training",
            disable=not self.show,
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self.bar.set_postfix(loss=f"{float(logs['loss']):.3f}", refresh=False)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.close()


class LossWatch(TrainerCallback):
    """Ends a training whose loss is no number any more."""

    def __init__(self) -> None:
        self.lost_at: int | None = None

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if logs and not math.isfinite(float(logs.get("loss", 0.0))):
            self.lost_at = state.global_step
            control.should_training_stop = True


class MemoryWatch:
    """The most memory that this process had when it was asked, in megabytes."""

    def __init__(self) -> None:
        self.process = psutil.Process()
        self.peak = 0.0

    def __call__(self) -> None:
        self.peak = max(self.peak, self.process.memory_info().rss / 1e6)
