"""Questions without people: a document's first sentence asks for the rest of it.

Where a text begins with what it is about, as documentation does, that sentence is a question of a kind, and
the rest of its document an answer. It costs no judgement, and asks in the document's own words: what people
ask in other words is not in it. Source of the idea: Lee and others, 2019, https://arxiv.org/abs/1906.00300.
"""

import re
from dataclasses import replace

from rerank_course.texts.beir import Corpus

FEWEST_WORDS, LEAST_REST = 4, 20  # of a question, and of what is left of its document
_SENTENCE = re.compile(r"\s*(.+?[.!?])(?=\s|$)", re.DOTALL)


def from_first_lines(corpus: Corpus) -> Corpus:
    """A collection to train on: the documents without their first sentences, which are its queries.

    Each query has one judgement, of its own document; all others are unjudged. A document whose first
    sentence has fewer than four words, or that has fewer than twenty behind it, stays as it is and gives no
    query.
    """
    documents, queries, qrels = dict(corpus.documents), {}, {}
    for name, chunk in corpus.documents.items():
        found = _SENTENCE.match(chunk.text)
        if not found:
            continue
        question, rest = " ".join(found[1].split()), chunk.text[found.end() :].strip()
        if len(question.split()) >= FEWEST_WORDS and len(rest.split()) >= LEAST_REST:
            documents[name] = replace(chunk, text=rest)
            queries[f"of-{name}"], qrels[f"of-{name}"] = question, {name: corpus.relevant}
    return Corpus(f"{corpus.name}-first-lines", documents, queries, qrels, {}, corpus.relevant)
