"""A task, scored: in turn, the most urgent first."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from rerank_course.service.chunks import (
    CHUNK_TOKENS,
    SPECIAL_TOKENS,
    chunks,
    cut,
    most_tokens,
    offsets,
    room_beside,
    sentences,
)
from rerank_course.service.cohere_api import MAX_CHUNKS, too_many
from rerank_course.service.tasks import Api, Scored, Task

Pairs = list[tuple[str, str]]


class Turns:
    """Whose turn it is: one at a time, a lower number first, equal ones in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, asyncio.Future]] = []
        self._numbers = itertools.count()
        self._taken = False

    @asynccontextmanager
    async def turn(self, priority: int) -> Any:
        """Wait for the turn, and have it until the end of the block."""
        mine: asyncio.Future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._numbers), mine))
        self._give()
        try:
            await mine
            yield
        finally:
            if mine.done() and not mine.cancelled():
                self._taken = False
            self._give()

    def _give(self) -> None:
        while self._waiting and not self._taken:
            mine = heapq.heappop(self._waiting)[2]
            if not mine.cancelled():  # its caller did not wait
                self._taken = True
                mine.set_result(None)


async def score(task: Task, api: Api, predict: Callable[[Pairs], Awaitable[Any]]) -> Scored:
    """Score a task's documents, each by its best chunk.

    Args:
        task: what is asked.
        api: in whose words a text that is too long is refused.
        predict: gives the logits of (query, text) pairs.

    Raises:
        RefusedError: there are too many chunks, or a text is too long for a server that does not cut.
    """
    query, pieces = _pieces(task, api)
    flat = [(query, piece) for row in pieces for piece in row]
    tokens = _count(query, pieces) if api.counts_tokens else 0
    logits = np.asarray(await predict(flat), dtype=np.float64)
    best = np.array([max(rows) for rows in _rows(logits, pieces)])
    spans = await _spans(task, query, predict) if task.spans else []
    return Scored(best if task.logits else _sigmoid(best), len(flat), tokens, spans)


def _pieces(task: Task, api: Api) -> tuple[str, list[list[str]]]:
    if task.max_chunks == 0:
        if api.most_tokens is not None and task.max_tokens is None:
            _check_lengths(task, api, api.most_tokens)
        return task.query, [[text] for text in task.texts]
    query = cut(task.query, CHUNK_TOKENS // 2)
    room = room_beside(query)
    pieces = [chunks(text, room, task.max_tokens, task.max_chunks) for text in task.texts]
    if (count := sum(map(len, pieces))) > MAX_CHUNKS:
        raise too_many(count)
    return query, pieces


def _check_lengths(task: Task, api: Api, most: int) -> None:
    for text in task.texts:
        if most_tokens(task.query) + most_tokens(text) + SPECIAL_TOKENS <= most:
            continue
        tokens = len(offsets(task.query)) + len(offsets(text)) + SPECIAL_TOKENS
        if tokens > most:
            raise api.too_long(tokens)


def _count(query: str, pieces: list[list[str]]) -> int:
    beside = len(offsets(query)) + SPECIAL_TOKENS
    return sum(beside + len(offsets(piece)) for row in pieces for piece in row)


def _rows(logits: np.ndarray, pieces: list[list[str]]) -> Iterator[list[float]]:
    scores = iter(logits.tolist())
    return (list(itertools.islice(scores, len(row))) for row in pieces)


async def _spans(task: Task, query: str, predict: Callable[[Pairs], Awaitable[Any]]) -> list[list[dict]]:
    assert task.spans is not None
    cuts = [sentences(text) for text in task.texts]
    flat = [(query, text[start:end]) for text, row in zip(task.texts, cuts) for start, end in row]
    logits = await predict(flat) if flat else []
    scores = iter(_sigmoid(np.asarray(logits, dtype=np.float64)).tolist())
    answer = []
    for row in cuts:
        found = [{"start": start, "end": end, "score": next(scores)} for start, end in row]
        found = [span for span in found if span["score"] > task.spans.threshold]
        answer.append(sorted(found, key=lambda span: -span["score"])[: task.spans.most])
    return answer


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
