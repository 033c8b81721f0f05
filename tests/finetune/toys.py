"""Judged toys: collections of a few words, and judgements of all sorts."""

from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus

SUBJECTS = ("tents", "stoves", "ropes", "boots", "maps", "lamps", "packs", "skis", "canoes", "axes")


def corpus(queries: int = 10, wrong: int = 3) -> Corpus:
    """Each query has an answer of its own (grade 3), a helpful document (1), and ``wrong`` others (0)."""
    documents, asked, qrels = {}, {}, {}
    for number in range(queries):
        subject, name = SUBJECTS[number % len(SUBJECTS)], f"q{number}"
        asked[name] = f"How are {subject} number {number} cleaned?"
        texts = {
            3: f"Clean {subject} number {number} with water.",
            1: f"{subject} number {number} get dirty.",
        }
        judged = {}
        for grade, text in texts.items():
            judged[f"d{number}-{grade}"] = grade
            documents[f"d{number}-{grade}"] = Chunk(f"d{number}-{grade}", text, "")
        for other in range(wrong):
            key = f"d{number}-0-{other}"
            judged[key] = 0
            documents[key] = Chunk(key, f"Sell {subject} number {number} at price {other}.", "")
        qrels[name] = judged
    return Corpus("toys", documents, asked, qrels, {}, 2)


class Counting:
    """A reranker that scores a document by its length, and counts what it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def predict(self, pairs, batch_size=32):
        self.asked += len(pairs)
        return [float(len(document)) for _, document in pairs]


def run(toys: Corpus) -> dict[str, list[tuple[str, float]]]:
    """A search that finds the documents of a query's subject, the wrong ones first."""
    return {
        query: [
            (document, -float(place))
            for place, document in enumerate(sorted(toys.qrels[query], key=toys.qrels[query].__getitem__))
        ]
        for query in toys.queries
    }


TOYS = corpus(queries=20)
FOUND = run(TOYS)
