"""Wrong answers to the exercise rerank_documents."""

from rerank_course.text import text_of
from tests.checks.rerank_answers import plain
from tests.checks.ways.rerank_documents import WAYS, with_capital_letters

wrong = WAYS.wrong


def without_checks(query, candidates, reranker, batch_size=32, top_k=20):
    scores = reranker.predict([(query, text_of(c, "candidates")) for c in candidates], batch_size=batch_size)
    rows = sorted(zip(candidates, map(float, scores)), key=lambda row: row[1], reverse=True)
    return rows[:top_k]


wrong("bad scores", "a reranker that returns 4 scores for 5 pairs", "without_checks")(without_checks)


@wrong("bad scores", "With good scores")
def always_raising(query, candidates, reranker, batch_size=32, top_k=20):
    raise ValueError("query, candidates, batch_size, top_k, reranker")


wrong("bad arguments", "With good arguments", "always_raising")(always_raising)


@wrong("bad scores", "write batch_size=… by its name")
def batch_size_by_place(query, candidates, reranker, batch_size=32, top_k=20):
    texts = [text_of(candidate, "candidates") for candidate in candidates]
    return (
        plain(query, candidates, reranker) if not texts else reranker.predict([(query, texts[0])], batch_size)
    )


wrong("best first", "by its name: predict(pairs, batch_size=batch_size)", "batch_size_by_place")(
    batch_size_by_place
)


def top_k_compared(query, candidates, reranker, batch_size=32, top_k=20):
    if top_k < 1:
        raise ValueError("top_k")
    return plain(query, candidates, reranker, batch_size, top_k)


for _step in ("one call", "what comes back", "top_k"):
    wrong(_step, "top_k may be None, which asks for all", "top_k_compared")(top_k_compared)


def by_text(query, candidates, reranker, batch_size=32, top_k=20):
    found = {text_of(candidate): candidate for candidate in candidates}
    return [(found[text], score) for text, score in plain(query, list(found), reranker, batch_size, top_k)]


wrong("what comes back", "should return 7 of the 7 documents, but returned 6", "by_text")(by_text)


@wrong("what comes back", "Given 300 documents with only")
def lengths_compared_by_is_not(query, candidates, reranker, batch_size=32, top_k=20):
    rows = plain(query, candidates, reranker, batch_size, None)
    if len(rows) is not len(candidates):
        raise ValueError("The reranker gave another number of scores.")
    return rows[:top_k]


@wrong("bad arguments", "a dictionary whose text is white space")
def white_space_in_a_dictionary(query, candidates, reranker, batch_size=32, top_k=20):
    for candidate in candidates:
        if isinstance(candidate, str) and not candidate.strip():
            raise ValueError("candidates")
        if isinstance(candidate, dict) and not candidate.get("text"):
            raise ValueError("candidates")
    plain(query, [], reranker, batch_size, top_k)  # the other checks
    pairs = [(query, c if isinstance(c, str) else c["text"]) for c in candidates]
    scores = map(float, reranker.predict(pairs, batch_size=batch_size))
    return sorted(zip(candidates, scores), key=lambda row: row[1], reverse=True)[:top_k]


@wrong("bad arguments", "should raise a ValueError or TypeError that names query, but raised SystemExit")
def ending_the_program(query, candidates, reranker, batch_size=32, top_k=20):
    try:
        return with_capital_letters(query, candidates, reranker, batch_size, top_k)
    except ValueError as error:
        raise SystemExit(str(error)) from None


@wrong("best first", "raised SystemExit")
def ending_it_at_once(query, candidates, reranker, batch_size=32, top_k=20):
    raise SystemExit("done")


@wrong("bad arguments", "the query ' \\n'")
def empty_query_alone(query, candidates, reranker, batch_size=32, top_k=20):
    if query == "":
        raise ValueError("query")
    return with_capital_letters(query.strip() or "?", candidates, reranker, batch_size, top_k)


@wrong("top_k", "should return 4 of the 30 documents, but returned 5")
def one_too_many(query, candidates, reranker, batch_size=32, top_k=20):
    return plain(query, candidates, reranker, batch_size, None if top_k is None else top_k + 1)


@wrong("top_k", "returned the first 4 as they came")
def first_of_the_unsorted(query, candidates, reranker, batch_size=32, top_k=20):
    ranking = plain(query, candidates, reranker, batch_size, None)
    places = {id(candidate): place for place, candidate in enumerate(candidates)}
    return sorted(ranking, key=lambda row: places[id(row[0])])[:top_k]


@wrong("what comes back", "reversing turns equal ones round")
def ascending_then_reversed(query, candidates, reranker, batch_size=32, top_k=20):
    ranking = plain(query, candidates, reranker, batch_size, None)
    places = {id(candidate): place for place, candidate in enumerate(candidates)}
    in_order = sorted(ranking, key=lambda row: places[id(row[0])])
    return sorted(in_order, key=lambda row: row[1])[::-1][:top_k]


@wrong("one call", "was called with batch_size=32")
def batch_size_fixed(query, candidates, reranker, batch_size=32, top_k=20):
    return plain(query, candidates, reranker, 32, top_k)
