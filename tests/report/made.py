"""Small collections whose nDCG@10 is known beforehand, and pages taken apart."""

from collections.abc import Sequence
from html.parser import HTMLParser

from rerank_course.report.measured import Measured
from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus
from rerank_course.texts.trec import Run

PLACES = 10  # that a query's only answer may have: 1 to 10
VOID = {"meta", "br", "hr", "img", "input", "link"}


def collection(
    queries: int, *, kinds: Sequence[str] = (), name: str = "made", judged: int = PLACES
) -> Corpus:
    """Queries ``q0`` …, each with one answer ``a0`` … of grade 2 and nine other documents.

    Args:
        queries: how many.
        kinds: in turn, one for each query.
        name: of the collection.
        judged: how many of a query's ten documents are judged, its answer among them.
    """
    texts = [f"q{q}" for q in range(queries)]
    others = [f"d{place}" for place in range(1, PLACES)]
    documents = {
        document: Chunk(document, f"text of {document}", f"title of {document}")
        for document in [*(f"a{q}" for q in range(queries)), *others]
    }
    qrels = {f"q{q}": {f"a{q}": 2} | dict.fromkeys(others[: judged - 1], 0) for q in range(queries)}
    found = {query: kinds[number % len(kinds)] for number, query in enumerate(texts)} if kinds else {}
    return Corpus(name, documents, {query: f"question {query}" for query in texts}, qrels, found, 2)


def run(places: Sequence[int]) -> Run:
    """A run that puts each query's answer at a place from 1 on; 0 leaves it out.

    nDCG@10 is 1 / log2(place + 1).
    """
    return {f"q{q}": _ranking(f"a{q}", place) for q, place in enumerate(places)}


def _ranking(answer: str, place: int) -> list[tuple[str, float]]:
    documents = [f"d{other}" for other in range(1, PLACES)]
    if place:
        documents.insert(place - 1, answer)
    return [(document, float(-rank)) for rank, document in enumerate(documents)]


def measured(corpus: Corpus | None = None, **systems: Sequence[int]) -> Measured:
    """Systems by the places of their answers; ``BM25_10`` stands for ``BM25 + rerank 10``."""
    runs = {name.replace("_", " + rerank "): run(places) for name, places in systems.items()}
    return Measured(corpus or collection(len(next(iter(systems.values())))), runs)


class Page(HTMLParser):
    """A page as its elements: ``(tag, attributes, text inside)``, in order; well nested, or it fails."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict, list[str]]] = []
        self.open: list[int] = []
        self.faults: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{self.elements[number][0]}> is not closed" for number in self.open]

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), []))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), []))

    def handle_endtag(self, tag):
        if not self.open or self.elements[self.open[-1]][0] != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes nothing")
        else:
            self.open.pop()

    def handle_data(self, data):
        for number in self.open:
            self.elements[number][2].append(data)

    def all(self, tag: str, **wanted: str) -> list[tuple[str, dict, str]]:
        """The elements of a name with these attributes, with their text on one line."""
        return [
            (name, attributes, " ".join("".join(text).split()))
            for name, attributes, text in self.elements
            if name == tag and wanted.items() <= attributes.items()
        ]

    def texts(self, tag: str, **wanted: str) -> list[str]:
        """The texts of these elements."""
        return [text for _, _, text in self.all(tag, **wanted)]

    def table(self, caption: str) -> list[list[str]]:
        """The cells of the body of the table whose caption begins so, row by row."""
        number = next(
            n
            for n, (tag, _, text) in enumerate(self.elements)
            if tag == "caption" and "".join(text).startswith(caption)
        )
        rows: list[list[str]] = []
        for tag, _, text in self.elements[number:]:
            if tag == "tr":
                rows.append([])
            elif tag in ("td", "th"):
                rows[-1].append(" ".join("".join(text).split()))
            elif tag in ("p", "section", "h2"):
                break
        return rows
