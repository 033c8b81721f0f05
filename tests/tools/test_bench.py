"""The benchmark: its texts have the promised lengths, its table is right, and its workers answer with the
course's own scores.
"""

import numpy as np
import pandas as pd
import pytest

from rerank_course.models import load_reranker
from tools.bench import bench


def test_lengths_are_what_they_are_called():
    assert bench.lengths("30", 4) == [30] * 4
    mixed = bench.lengths("mixed", 1000)
    assert len(mixed) == 1000 and min(mixed) >= 15 and max(mixed) < 480 and np.median(mixed) < np.mean(mixed)


def test_documents_have_the_lengths_asked_for_and_start_again_at_the_end():
    tokenizer = load_reranker(backend="int8").tokenizer
    tokens = tokenizer("The limit is five hundred dollars without approval. " * 5, add_special_tokens=False)[
        "input_ids"
    ]
    texts = bench.documents(tokenizer, tokens, [20, 20, 20])
    assert [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts] == [20, 20, 20]
    assert texts[2] == texts[0] and texts[1] != texts[0]


@pytest.mark.parametrize(
    ("lengths", "size", "share"),
    [([4, 4], 2, 0.0), ([1, 3], 2, 1 / 3), ([1, 3], 1, 0.0), ([3, 1, 2], 2, 1 - 6 / 8)],
)
def test_padding_share(lengths, size, share):
    assert bench.padding_share(lengths, size) == pytest.approx(share)


def test_the_table_has_medians_and_ratios():
    first, peer, ours = "torch, one by one", "fastembed, fp32", "course, int8"
    rows = [
        (first, 8.0, [1, 2, 3]),
        (first, 10.0, [1, 2, 3]),
        (first, 9.0, [1, 2, 3]),
        (ours, 3.0, [1, 2, 3]),
        (peer, 6.0, [3, 2, 1]),
    ]
    raw = pd.DataFrame(
        [
            {"contender": name, "seconds": seconds, "megabytes": 100.4, "scores": scores}
            for name, seconds, scores in rows
        ]
    )
    table = bench.table(raw)
    assert table.index.tolist() == [first, ours, peer]
    assert table.loc[ours].tolist() == [3.0, "3.000–3.000", 3.0, 2.0, 100, 1.0]
    assert table.loc[first, "min–max s"] == "8.000–10.000" and table.loc[peer, "Kendall tau"] == -1.0


def test_a_table_without_the_reference_has_no_ratios_to_it():
    raw = pd.DataFrame([{"contender": "course, int8", "seconds": 3.0, "megabytes": 100.0, "scores": [1, 2]}])
    assert bench.table(raw).loc["course, int8"].tolist() == [3.0, "3.000–3.000", "–", "–", 100, "–"]


def test_who_would_take_too_long_or_too_much_is_left_out():
    def row(count, seconds, megabytes):
        return {"contender": "x", "kind": "200", "count": count, "seconds": seconds, "megabytes": megabytes}

    assert bench.too_much([], "x", "200", 1000, 60) == ""
    assert bench.too_much([row(10, 0.6, 500), row(100, 5.9, 520)], "x", "200", 1000, 60) == ""
    assert (
        bench.too_much([row(10, 0.6, 500), row(100, 7.0, 520)], "x", "200", 1000, 60)
        == "would take about 70 s"
    )
    assert bench.too_much([row(10, 0.6, 500), row(100, 7.0, 520)], "x", "mixed", 1000, 60) == ""
    assert "GB of memory" in bench.too_much([row(10, 0.6, 5e5), row(100, 1.0, 5e6)], "x", "200", 1000, 60)


def test_a_worker_scores_as_the_course_does_and_ends(tmp_path):
    worker = bench.Worker("course, int8", tmp_path)
    assert worker.reason is None
    pairs = [("How many people live in Berlin?", "Berlin had 3,520,031 inhabitants."), ("a", "b")]
    answer = worker.run(pairs)
    worker.close()
    assert answer["scores"] == pytest.approx(load_reranker(backend="int8").predict(pairs).tolist(), abs=1e-4)
    assert answer["seconds"] > 0 and answer["megabytes"] > 50


def test_a_contender_that_is_not_there_gives_its_reason(tmp_path):
    worker = bench.Worker("rerankers, fp32", tmp_path)
    assert worker.reason.startswith("ModuleNotFoundError")
