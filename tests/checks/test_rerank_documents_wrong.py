"""Wrong answers to the exercise rerank_documents get the message meant for them, and no points."""

import math

import numpy as np
import pytest
import torch

from rerank_course import rerank
from rerank_course.text import Chunk, text_of
from tests.checks.rerank_answers import (
    EXERCISE,
    HEAVY,
    STEPS,
    asserts,
    by_text,
    compares_with_nan,
    count_only,
    cut_first,
    cut_to_batch,
    each_slice_ranked,
    empty_crashes,
    hides_numbers,
    ignore,
    no_early_return,
    not_top_k,
    not_zero,
    only_the_query,
    only_without_strip,
    plain,
    skips_what_has_no_text,
    slices,
    sorted_alone,
    sorts_in_place,
    strict_zip,
    swallows,
    through_the_package,
    too_few_only,
    unstable,
    vague,
    variant,
    whole_slices,
    writes_into_candidates,
)
from tests.support.exercises import cases, passes

WRONG = [
    ("best first", variant(sort=lambda rows: sorted(rows, key=lambda row: row[1])), "worst document first"),
    ("best first", variant(row=lambda candidate, score: (score, candidate)), "Swap the two"),
    ("best first", variant(pair=lambda query, text: (text, query)), "the score of (document, query)"),
    (
        "best first",
        variant(row=lambda candidate, score: (candidate, 1 / (1 + math.exp(-score)))),
        "the logit after a sigmoid",
    ),
    ("best first", sorted_alone, "belong to other documents"),
    (
        "best first",
        variant(text=lambda c: c.content),
        "Given 5 texts: rerank_documents raised AttributeError",
    ),
    ("best first", variant(text=lambda c: c), "paired the query with Chunk"),
    ("best first", variant(text=str), "take it with text_of(candidate)"),
    (
        "best first",
        variant(text=lambda c: c.text if isinstance(c, Chunk) else text_of(c)),
        "Its heading is lost",
    ),
    (
        "best first",
        lambda query, candidates, reranker: list(candidates),
        "should return a list of (document, score), but the list holds str",
    ),
    (
        "best first",
        lambda query, candidates, reranker: reranker.rank(query, candidates),
        "but the list holds dict",
    ),
    ("best first", variant(cut=lambda rows, top_k: rows[:3]), "left out 2 of them"),
    ("best first", lambda *arguments: None, "Is a return statement missing?"),
    ("best first", plain("q", [], None), "Pass the function itself"),
    (
        "best first",
        lambda q, cs, r: (
            [(cs[row["corpus_id"]], row["score"]) for row in r.rank(q, cs)]
            if all(isinstance(c, str) for c in cs)
            else r.rank(q, cs)
        ),
        "and nothing else, no 'rank'",
    ),
    ("best first", through_the_package, "calls the course's own"),
    ("best first", rerank.rerank_documents, "calls the course's own"),
    (
        "one call",
        variant(score=lambda r, pairs, size: [r.predict(pair, batch_size=size) for pair in pairs]),
        "called predict 12 times, once for each document",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: [r.predict([pair], batch_size=size)[0] for pair in pairs]),
        "once for each document",
    ),
    ("one call", variant(score=slices), "called predict 3 times, with slices of 5, 5, 2 pairs. Call it once"),
    (
        "one call",
        variant(score=whole_slices, check_scores=ignore),
        "2 of the documents were in none of them: does the last",
    ),
    ("one call", each_slice_ranked, "called predict 3 times"),
    ("one call", cut_to_batch, "scored 5 pairs; 7 of the documents were never scored"),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs)),
        "predict was called without it. Pass it on",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs, batch_size=32)),
        "predict was called with batch_size=32. Pass it on",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs, batch_size=5)),
        "no batch_size, which is 32 by default, predict was called with batch_size=5",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs, size)),
        "write batch_size=… by its name",
    ),
    ("one call", variant(pair=lambda query, text: (text, query)), "put the document first"),
    (
        "one call",
        variant(pair=lambda query, text: (query, text.lower())),
        "Pass query and text on as they are",
    ),
    (
        "one call",
        variant(score=lambda r, pairs, size: r.predict(pairs * 2, batch_size=size)[: len(pairs)]),
        "scored 24 pairs",
    ),
    (
        "one call",
        lambda query, candidates, reranker, batch_size=32, top_k=20: [(c, 0.0) for c in candidates],
        "never called reranker.predict",
    ),
    (
        "one call",
        lambda query, candidates, reranker: plain(query, candidates, reranker),
        "unexpected keyword argument",
    ),
    (
        "what comes back",
        variant(sort=lambda rows: sorted(rows, key=lambda row: row[1])[::-1]),
        "turns equal ones round as well",
    ),
    (
        "what comes back",
        variant(sort=lambda rows: [(c, s) for s, c in sorted(((s, c) for c, s in rows), reverse=True)]),
        "in the order of their texts",
    ),
    ("what comes back", variant(sort=unstable), "kind='stable'"),
    (
        "what comes back",
        variant(row=lambda candidate, score: (text_of(candidate), float(score))),
        "returned a text, str",
    ),
    (
        "what comes back",
        variant(
            row=lambda candidate, score: (
                dict(candidate) if isinstance(candidate, dict) else candidate,
                float(score),
            )
        ),
        "returned a copy of dict",
    ),
    ("what comes back", variant(row=lambda candidate, score: (candidate, score)), "the score as float32"),
    (
        "what comes back",
        variant(row=lambda candidate, score: (candidate, np.float64(score))),
        "the score as float64",
    ),
    (
        "what comes back",
        variant(row=lambda candidate, score: (candidate, torch.tensor(score))),
        "the score as Tensor",
    ),
    (
        "what comes back",
        variant(row=lambda candidate, score: (candidate, f"{score:.2f}")),
        "the score a number, but the list holds tuple",
    ),
    ("what comes back", sorts_in_place, "changed the caller's list"),
    ("what comes back", writes_into_candidates, "changed a candidate: dict"),
    ("what comes back", by_text, "should return 7 of the 7 documents, but returned 6"),
    ("what comes back", variant(row=lambda candidate, score: (float(score), candidate)), "Swap the two"),
    ("top_k", cut_first, "scored only 4 of them"),
    (
        "top_k",
        variant(cut=lambda rows, top_k: rows),
        "top_k=4, your function should return 4 of the 30 documents, but returned 30",
    ),
    (
        "top_k",
        variant(cut=lambda rows, top_k: rows[:20]),
        "should return 4 of the 30 documents, but returned 20",
    ),
    (
        "top_k",
        lambda q, cs, r, batch_size=32, top_k=10: plain(q, cs, r, batch_size, top_k),
        "no top_k, which is 20 by default, your function should return 20",
    ),
    (
        "top_k",
        variant(check=ignore, cut=lambda rows, top_k: [rows[i] for i in range(top_k)]),
        "top_k=None: rerank_documents raised TypeError",
    ),
    (
        "top_k",
        variant(cut=lambda rows, top_k: rows if top_k is None else [rows[i] for i in range(top_k)]),
        "top_k=100: rerank_documents raised IndexError",
    ),
    (
        "top_k",
        variant(cut=lambda rows, top_k: sorted(rows, key=lambda row: row[1])[:top_k]),
        "worst document first",
    ),
    ("top_k", variant(sort=list), "the first 4 as they came"),
    ("top_k", no_early_return, "still called predict"),
    ("top_k", empty_crashes, "Given no candidates at all, []: empty_crashes raised IndexError"),
    (
        "top_k",
        lambda q, cs, r, batch_size=32, top_k=20: plain(q, cs, r, batch_size, top_k) or None,
        "returned None",
    ),
    ("bad arguments", variant(check=ignore), "Given the query '', rerank_documents should raise"),
    ("bad arguments", variant(check=only_without_strip), "Given the query ' \\n'"),
    ("bad arguments", variant(check=asserts), "An assert is gone when Python runs with -O"),
    ("bad arguments", variant(check=vague), "raised ValueError: bad input. The caller cannot tell"),
    (
        "bad arguments",
        variant(text=lambda c: c if isinstance(c, str) else c["text"]),
        "an empty text, '', among the candidates, rerank_documents should raise",
    ),
    (
        "bad arguments",
        variant(text=lambda c: text_of(c) if isinstance(c, str) else c["text"]),
        (
            "a dictionary without text, {'id': 7}, among the candidates, rerank_documents should raise a "
            "ValueError or TypeError that names candidates, but raised KeyError"
        ),
    ),
    (
        "bad arguments",
        skips_what_has_no_text,
        "an empty text, '', among the candidates, skips_what_has_no_text should raise",
    ),
    ("bad arguments", variant(check=only_the_query), "Given batch_size=0, rerank_documents should raise"),
    ("bad arguments", variant(check=not_top_k), "Given top_k=0, rerank_documents should raise"),
    (
        "bad arguments",
        variant(check=not_zero),
        (
            "Given top_k=0, rerank_documents should raise a ValueError or TypeError that names top_k, but "
            "returned list []"
        ),
    ),
    ("bad arguments", hides_numbers, "Given top_k=0, hides_numbers should raise"),
    ("bad arguments", swallows, "but returned list []. The caller would take that for a result"),
    ("bad arguments", through_the_package, "calls the course's own"),
    (
        "bad scores",
        variant(check_scores=ignore),
        "returns 4 scores for 5 pairs, rerank_documents should raise",
    ),
    ("bad scores", strict_zip, "The caller cannot tell from it what to mend"),
    (
        "bad scores",
        variant(check_scores=too_few_only),
        "returns 6 scores for 5 pairs, rerank_documents should raise",
    ),
    (
        "bad scores",
        variant(check_scores=count_only),
        "returns NaN for candidate 2, rerank_documents should raise",
    ),
    (
        "bad scores",
        variant(check_scores=compares_with_nan),
        "returns NaN for candidate 2, rerank_documents should raise",
    ),
    ("bad scores", swallows, "but returned list []"),
    ("bad scores", through_the_package, "calls the course's own"),
]


@pytest.mark.parametrize(("step", "answer", "message"), cases(WRONG, HEAVY))
def test_wrong(step, answer, message):
    verdict = STEPS[step][0](answer)
    assert verdict.status == "wrong" and message in verdict.message, verdict


@pytest.mark.parametrize("step", cases([(step,) for step in STEPS], HEAVY))
def test_a_wrong_answer_gets_no_points_in_the_graded_cell_either(step):
    for _, answer, _ in [case for case in WRONG if case[0] == step and callable(case[1])][:6]:
        assert not passes(EXERCISE, STEPS[step][1], rerank_documents=answer)
