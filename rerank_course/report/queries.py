"""The queries that reranking won and lost most, with what both systems put first."""

from collections.abc import Iterable
from dataclasses import dataclass

from rerank_course.evaluate import winners_and_losers
from rerank_course.report.measured import MEASURE, SAME, Measured, System
from rerank_course.report.wording import shown
from rerank_course.text import Chunk

SHOWN_QUERIES, SHOWN_DOCUMENTS = 5, 5
QUERY_WIDTH, ID_WIDTH, TITLE_WIDTH, TEXT_WIDTH = 200, 60, 120, 240


@dataclass(frozen=True)
class Shown:
    """One document of a ranking, as the page shows it: all texts are cut.

    Attributes:
        rank: its place, from 1.
        other: its place in the other ranking; ``None`` if it is not there.
        grade: what people gave it; ``None`` if nobody judged it.
        is_relevant: whether that grade counts as an answer.
    """

    rank: int
    other: int | None
    id: str
    title: str
    text: str
    grade: int | None
    is_relevant: bool


@dataclass(frozen=True)
class Story:
    """One query: its measure before and after reranking, and the first documents of both."""

    id: str
    text: str
    kind: str
    before: float
    after: float
    first: list[Shown]
    then: list[Shown]

    @property
    def difference(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class Stories:
    """What reranking changed: how many queries it ``won``, ``lost`` and left the ``same``, and the extremes.

    Attributes:
        best: the queries that it won most, the largest gain first.
        worst: those that it lost most, the largest loss first.
    """

    won: int
    lost: int
    same: int
    best: list[Story]
    worst: list[Story]


def stories(measured: Measured, before: System, after: System) -> Stories:
    """The queries between two systems of one evaluation."""
    tables = measured.tables
    table = winners_and_losers(tables[before.name], tables[after.name], measured.corpus, MEASURE)
    won, lost = table[table["difference"] > SAME], table[table["difference"] < -SAME]
    lost = lost.sort_values("difference", kind="stable")

    def tell(queries: Iterable[str]) -> list[Story]:
        return [_tell(measured, str(query), before, after) for query in queries]

    return Stories(
        len(won),
        len(lost),
        len(table) - len(won) - len(lost),
        tell(won.index[:SHOWN_QUERIES]),
        tell(lost.index[:SHOWN_QUERIES]),
    )


def _tell(measured: Measured, query: str, before: System, after: System) -> Story:
    corpus, tables = measured.corpus, measured.tables
    return Story(
        shown(query, ID_WIDTH),
        shown(corpus.queries[query], QUERY_WIDTH),
        shown(corpus.kinds.get(query, ""), ID_WIDTH),
        float(tables[before.name].at[query, MEASURE]),
        float(tables[after.name].at[query, MEASURE]),
        _documents(measured, query, before, after),
        _documents(measured, query, after, before),
    )


def _documents(measured: Measured, query: str, system: System, other: System) -> list[Shown]:
    """The first documents of a system for a query."""
    places = {document: rank for rank, document in enumerate(_ids(measured, query, other), start=1)}
    judged = measured.corpus.qrels.get(query, {})
    first = _ids(measured, query, system)[:SHOWN_DOCUMENTS]
    return [
        _document(measured, document, rank, places.get(document), judged.get(document))
        for rank, document in enumerate(first, start=1)
    ]


def _ids(measured: Measured, query: str, system: System) -> list[str]:
    return [document for document, _ in measured.runs[system.name].get(query, [])]


def _document(measured: Measured, document: str, rank: int, other: int | None, grade: int | None) -> Shown:
    chunk = measured.corpus.documents.get(document, Chunk(document, "(not in the collection)"))
    return Shown(
        rank,
        other,
        shown(document, ID_WIDTH),
        shown(chunk.title, TITLE_WIDTH),
        shown(chunk.text, TEXT_WIDTH),
        grade,
        grade is not None and grade >= measured.corpus.relevant,
    )
