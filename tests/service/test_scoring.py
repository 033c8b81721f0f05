"""Long documents in chunks, and whose turn it is."""

import asyncio
import re
import time

import httpx
import numpy as np
import pytest

from rerank_course.service.chunks import CHUNK_TOKENS, chunks, offsets, room_beside, sentences
from rerank_course.service.scoring import Turns
from rerank_course.service.stand_in import StandIn
from tests.service.calls import BODY, post

WORDS = [f"word{number}" for number in range(3000)]
LONG = " ".join(WORDS)


class Finder:
    """The logit is 5 where the text has the needle, else −5; keeps what it was given."""

    def __init__(self, needle):
        self.needle, self.seen = needle, []

    def predict(self, pairs):
        self.seen += pairs
        return np.array([5.0 if self.needle in text else -5.0 for _, text in pairs])


def test_chunks_leave_out_nothing_and_fit_beside_the_query():
    room = room_beside("What is it?")
    pieces = chunks(LONG, room, None, 10_000)
    assert len(pieces) > 1 and "".join(re.sub(r"\s", "", piece) for piece in pieces) == LONG.replace(" ", "")
    sizes = [len(offsets(piece)) + len(offsets("What is it?")) for piece in pieces]
    # A piece that begins within a word gives a few tokens more or less than the whole did.
    assert all(abs(size - CHUNK_TOKENS) < 3 for size in sizes[:-1]) and sizes[-1] < CHUNK_TOKENS + 3
    assert chunks("short", room, None, 10_000) == ["short"]
    assert chunks(LONG, room, None, 2) == pieces[:2]


def test_what_is_beyond_max_tokens_is_not_read():
    assert len(offsets(chunks(LONG, 480, 7, 10_000)[0])) == 7
    assert chunks("one two three", 480, 3, 10_000) == ["one two three"]
    assert chunks("one two three", 480, 2, 10_000) == ["one two"]
    korean = "각각 " * 60  # more tokens than characters
    assert len(offsets(korean)) > len(korean) and len(chunks(korean, 100, None, 9)) > 1


@pytest.mark.parametrize(
    ("needle", "limit", "found"),
    [
        ("word10 ", None, True),
        ("word1300", None, True),
        ("word2900", None, False),
        ("word2900", 20_000, True),
    ],
)
def test_a_long_document_has_the_score_of_its_best_chunk(needle, limit, found):
    """Cohere reads 4,096 tokens of a document unless it is told otherwise."""
    finder = Finder(needle)
    with StandIn(finder) as service:
        body = {**BODY, "documents": ["short", LONG]} | ({"max_tokens_per_doc": limit} if limit else {})
        rows = post(service, body).json()["results"]
    scores = {row["index"]: row["relevance_score"] for row in rows}
    assert (scores[1] > 0.9) is found and scores[0] < 0.1
    assert all(len(offsets(query)) + len(offsets(text)) < CHUNK_TOKENS + 3 for query, text in finder.seen)


def test_every_chunk_is_billed_as_a_document():
    with StandIn(Finder("x")) as service:
        for count, units in ((11, 1), (12, 2)):  # nine chunks each
            answer = post(service, {**BODY, "documents": [LONG] * count}).json()
            assert answer["meta"]["billed_units"] == {"search_units": units}
        limited = post(service, {**BODY, "documents": [LONG] * 12, "max_tokens_per_doc": 100}).json()
        assert limited["meta"]["billed_units"] == {"search_units": 1}
        two_each = {"query": BODY["query"], "documents": [LONG] * 12, "max_chunks_per_doc": 2}
        answer = post(service, two_each, path="/v1/rerank").json()
        assert answer["meta"]["billed_units"] == {"search_units": 1}


def test_too_many_chunks_are_refused(monkeypatch):
    monkeypatch.setattr("rerank_course.service.scoring.MAX_CHUNKS", 17)
    with StandIn(Finder("x")) as service:
        assert post(service, {**BODY, "documents": [LONG]}).status_code == 200
        answer = post(service, {**BODY, "documents": [LONG, LONG]})
    assert answer.status_code == 400 and "received 18" in answer.json()["message"]


def test_a_query_is_cut_to_half_a_chunk():
    finder = Finder("x")
    with StandIn(finder) as service:
        assert post(service, {**BODY, "query": LONG}).status_code == 200
    assert len(offsets(finder.seen[0][0])) == CHUNK_TOKENS // 2


def test_sentences_are_where_they_stand():
    text = " One.  Two is 3.5 or 1,000?!\n\nThree has no end  \n... \n four"
    found = [text[start:end] for start, end in sentences(text)]
    assert found == ["One.", "Two is 3.5 or 1,000?!", "Three has no end", "...", "four"]
    assert sentences("") == sentences(" \n") == []


def test_the_most_urgent_comes_first_and_who_leaves_is_not_waited_for():
    order = []

    async def work(turns, name, priority):
        async with turns.turn(priority):
            order.append(name)
            await asyncio.sleep(0.01)

    async def all_of_them():
        turns = Turns()
        first = asyncio.create_task(work(turns, "first", 5))
        await asyncio.sleep(0.001)
        rest = [
            asyncio.create_task(work(turns, *row))
            for row in (("late", 9), ("urgent", 0), ("gone", 0), ("second urgent", 0), ("middle", 5))
        ]
        await asyncio.sleep(0.001)
        rest[2].cancel()
        await asyncio.gather(first, *rest, return_exceptions=True)
        await work(turns, "afterwards", 3)

    asyncio.run(all_of_them())
    assert order == ["first", "urgent", "second urgent", "middle", "late", "afterwards"]


def test_who_is_cancelled_while_it_works_gives_the_turn_back():
    async def main():
        turns = Turns()

        async def work():
            async with turns.turn(0):
                await asyncio.sleep(10)

        task = asyncio.create_task(work())
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(1), turns.turn(0):
            return "had its turn"

    assert asyncio.run(main()) == "had its turn"


def test_an_urgent_request_overtakes_those_that_wait():
    order = []

    class Slow:
        def predict(self, pairs):
            order.append(pairs[0][1])
            time.sleep(0.15)
            return [0.0] * len(pairs)

    async def main(service):
        headers = {"Authorization": f"Bearer {service.key}"}
        async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=30) as client:

            async def ask(text, priority):
                body = {**BODY, "documents": [text], "priority": priority}
                assert (await client.post(f"{service.url}/v2/rerank", json=body)).status_code == 200

            calls = []
            for text, priority in (("first", 0), ("patient", 9), ("urgent", 0)):
                calls.append(asyncio.create_task(ask(text, priority)))
                await asyncio.sleep(0.04)
            await asyncio.gather(*calls)

    with StandIn(Slow()) as service:
        asyncio.run(main(service))
    assert order == ["first", "urgent", "patient"]
