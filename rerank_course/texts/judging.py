"""Judge your own queries: pool what several systems found, then grade it by hand in a terminal.

Pooling (Spärck Jones and van Rijsbergen, 1975) makes judging affordable: only what at least one system ranked
high is judged. Who judges should not see which system that was, so ``pool`` hides it.
"""

import random
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rerank_course.text import Chunk
from rerank_course.texts.judged_files import GRADES
from rerank_course.texts.judgements import Judgements

PROMPT = "0–3, s to skip, b to go back one, q to stop: "
FINISHED = "Done. Chunks that you skipped come up again in the next run."
STOPPED = "Stopped. To go on from here, run the same call again."
WIDTH, LINES = 90, 12  # how much of a chunk is shown: columns and lines


def pool(rankings: Sequence[list[tuple[Chunk, float]]], depth: int = 10) -> list[Chunk]:
    """The first ``depth`` of each ranking, each document once, in an order that hides who found what.

    The order is drawn at random with the documents' ids as the seed: the same documents always come in the
    same order.

    Args:
        rankings: one for each system, for the same query: ``[(chunk, score), …]``, best first.
        depth: how many to take from each, at least 1.

    Raises:
        TypeError: ``rankings`` is not a list of rankings.
        ValueError: ``depth`` is less than 1.
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, not {depth}.")
    rankings = list(rankings)
    if not all(isinstance(ranking, list) for ranking in rankings):
        raise TypeError(
            "rankings must be a list of rankings, each a list of (chunk, score). "
            "For one ranking: pool([ranking])."
        )
    chunks = distinct(chunk for ranking in rankings for chunk, _ in ranking[:depth])
    chunks.sort(key=lambda chunk: chunk.id)  # the order of the systems must leave no trace
    random.Random("\n".join(chunk.id for chunk in chunks)).shuffle(chunks)
    return chunks


def judge_in_terminal(
    judgements: Judgements,
    queries: Sequence[str],
    find: Callable[[str], list[Chunk]],
    *,
    ask: Callable[[str], str] = input,
    show: Callable[[str], None] = print,
) -> int:
    """Ask for a grade of each chunk found for each query, and save each answer at once.

    Chunks that have a grade are not asked for again, unless it was given for another text, or for a place
    (``row-3``) without a note of its text: something else may stand there now. Going back shows the chunk
    before once more, also across queries; skipping it then leaves its grade as it is. The end of the input,
    Ctrl-C and ``q`` stop; the same call goes on there.

    Args:
        judgements: where the grades go, best with all documents: ``Judgements(folder, corpus.documents)``.
        queries: query texts.
        find: gives the chunks to judge for a query text, for example ``lambda text: pool([bm25.search(text),
            dense.search(text)])``.
        ask: gives a line of input for a prompt.
        show: prints a text.

    Returns:
        How many chunks were graded in this call; one that was graded twice counts once.

    Raises:
        TypeError: ``queries`` is one string, or ``find`` gives something other than chunks.
        CorpusError: the folder cannot be written. Grades given before are saved.
    """
    if isinstance(queries, str):
        raise TypeError("queries must be a list of strings, not one string. Put it in a list: [query].")
    graded: set[tuple[str, str]] = set()
    show("Grades: " + "; ".join(f"{grade} {meaning}" for grade, meaning in GRADES.items()) + ".")
    try:
        finished = _ask_all(judgements, _to_judge(judgements, list(queries), find, show), graded, ask, show)
    except KeyboardInterrupt:
        show("")  # the cursor still stands behind the prompt
        finished = False
    end = FINISHED if finished else STOPPED
    show(f"{end} Graded in this run: {len(graded)}. All grades are saved in {judgements.folder}.")
    return len(graded)


@dataclass(frozen=True)
class _Item:
    """One chunk to judge for one query; ``place`` says where it stands: ``3 of 17``."""

    heading: str
    query_id: str
    chunk: Chunk
    place: str


def _to_judge(
    judgements: Judgements, queries: list[str], find: Callable, show: Callable[[str], None]
) -> Iterator[_Item]:
    """The chunks without a grade, query by query; a query is searched only when it is reached."""
    for number, query in enumerate(queries, start=1):
        query_id = judgements.add_query(query)
        heading = f"Query {number} of {len(queries)}: {_one_line(query)}"
        chunks = distinct(find(query))
        if not any(judgements.is_open(query_id, chunk) for chunk in chunks):
            judged, none = "All its chunks are judged.", "Nothing was found, so there is nothing to judge."
            show(f"\n{heading}\n{judged if chunks else none}")
        for place, chunk in enumerate(chunks, start=1):
            if judgements.is_open(query_id, chunk):
                yield _Item(heading, query_id, chunk, f"{place} of {len(chunks)}")
        if chunks and not any(judgements.is_open(query_id, chunk) for chunk in chunks):
            judgements.finish(query_id)


def _ask_all(
    judgements: Judgements,
    items: Iterator[_Item],
    graded: set,
    ask: Callable[[str], str],
    show: Callable[[str], None],
) -> bool:
    """Ask for each item, back and forth; whether the person came to the end. Ids go into ``graded``."""
    seen: list[_Item] = []
    at = 0
    while True:
        if at == len(seen):
            item = next(items, None)
            if item is None:
                return True
            seen.append(item)
        item = seen[at]
        show(_card(item, _so_far(judgements, item)))
        answer = _ask_grade(ask, show, is_first=at == 0)
        if answer == "q":
            return False
        if answer in "0123":
            judgements.record(item.query_id, item.chunk, int(answer))
            graded.add((item.query_id, item.chunk.id))
        at += -1 if answer == "b" else 1


def _ask_grade(ask: Callable[[str], str], show: Callable[[str], None], *, is_first: bool) -> str:
    """Ask until the answer is one of ``0 1 2 3 s b q``; the end of the input counts as ``q``."""
    while True:
        try:
            answer = ask(PROMPT).strip().lstrip("\ufeff").lower()  # a file that is piped in may begin so
        except EOFError:
            show("")
            return "q"
        if answer == "b" and is_first:
            show("This is the first chunk of this run: there is none to go back to.")
        elif answer in ("0", "1", "2", "3", "s", "b", "q"):
            return answer
        else:
            show(
                f"{answer!r} is not one of the answers. "
                "Type 0, 1, 2 or 3 for a grade, or s, b or q, then Enter."
            )


def _so_far(judgements: Judgements, item: _Item) -> list[str]:
    """A line about the grade that a chunk has already, if it has one."""
    grade = judgements.grade_of(item.query_id, item.chunk)
    if grade is None:
        return []
    if judgements.is_open(item.query_id, item.chunk):
        return [
            f"({item.chunk.id} has the grade {grade}, perhaps for another text. Type a grade for this one.)"
        ]
    return [f"(Its grade so far is {grade}; s keeps it.)"]


def _card(item: _Item, so_far: list[str]) -> str:
    """What is shown of one chunk."""
    title, *lines = excerpt(item.chunk)
    return "\n".join(["", item.heading, f"{item.place} – {title}", "", *lines, "", *so_far])


def excerpt(chunk: Chunk) -> list[str]:
    """The title (without one, the id) and at most ``LINES`` lines of the text, without its blank lines."""
    texts = (_printable(line.expandtabs(4)) for line in chunk.text.splitlines())
    lines = [piece for text in texts for piece in textwrap.wrap(text, WIDTH)]
    if len(lines) > LINES:
        lines[LINES - 1 :] = [f"[… {len(lines) - LINES + 1} more lines]"]
    return [_one_line(chunk.title or chunk.id), *lines]


def _one_line(text: str) -> str:
    return _printable(" ".join(text.split()))


def _printable(text: str) -> str:
    """Without control characters, which could move a terminal's cursor or change its colours."""
    return "".join(
        character if character.isprintable() or character.isspace() else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def distinct(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Each document once, the first of those with the same id."""
    found: dict[str, Chunk] = {}
    for chunk in chunks:
        if not isinstance(chunk, Chunk):
            raise TypeError(
                f"Expected chunks to judge, found a {type(chunk).__name__}. "
                "Make them out of rankings with pool([ranking, …])."
            )
        found.setdefault(chunk.id, chunk)
    return list(found.values())
