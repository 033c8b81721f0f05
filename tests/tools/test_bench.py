"""The benchmark: its texts have the promised lengths, its table and its page are right, its workers score."""

import time
import venv

import numpy as np
import pandas as pd
import pytest

from rerank_course.lab.known_scores import KnownScores
from rerank_course.models import load_reranker
from rerank_course.retrieve import BM25Retriever, DenseRetriever
from rerank_course.texts.corpora import load_corpus
from tools.bench import instructions, peak, peers, report, timing, uses, workloads
from tools.bench.aims import aims
from tools.bench.contenders import CONTENDERS, Worker, start


@pytest.fixture(scope="module")
def fast():
    return load_reranker(backend="int8")


def test_lengths_are_what_they_are_called():
    assert workloads.lengths("30", 4) == [30] * 4
    mixed = workloads.lengths("mixed", 1000)
    assert len(mixed) == 1000 and min(mixed) >= 15 and max(mixed) < 480 and np.median(mixed) < np.mean(mixed)


def test_documents_have_the_lengths_asked_for_and_start_again_at_the_end(fast):
    tokenizer = fast.tokenizer
    tokens = tokenizer("The limit is five hundred dollars without approval. " * 5, add_special_tokens=False)[
        "input_ids"
    ]
    texts = workloads.documents(tokenizer, tokens, [20, 20, 20])
    assert [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts] == [20, 20, 20]
    assert texts[2] == texts[0] and texts[1] != texts[0]


@pytest.mark.parametrize(
    ("lengths", "size", "share"),
    [([4, 4], 2, 0.0), ([1, 3], 2, 1 / 3), ([1, 3], 1, 0.0), ([3, 1, 2], 2, 1 - 6 / 8)],
)
def test_padding_share(lengths, size, share):
    assert workloads.padding_share(lengths, size) == pytest.approx(share)


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
    table = report.summarise(raw)
    assert table.index.tolist() == [first, ours, peer]
    assert table.loc[ours].tolist() == [3.0, "3.000–3.000", 3.0, 2.0, 100, 1.0]
    assert table.loc[first, "min–max s"] == "8.000–10.000" and table.loc[peer, "Kendall tau"] == -1.0


def test_the_share_of_the_peak():
    raw = pd.DataFrame([{"contender": "course, int8", "seconds": 3.0, "megabytes": 100.0, "scores": [1, 2]}])
    assert report.summarise(raw, fewest_seconds=1.5).loc["course, int8", "of int8 peak"] == "50%"
    assert "of int8 peak" not in report.summarise(raw)


def test_multiplications_of_a_pair():
    """Eleven whole layers of 384 numbers a token, 1,536 within; of the last, little but for one token."""
    tokens = 100
    layer = tokens * (4 * 384**2 + 2 * 384 * 1536) + 2 * tokens**2 * 384
    assert 11 * layer < peak.multiplications([tokens]) < 11.2 * layer
    assert peak.multiplications([tokens, 20]) > peak.multiplications([tokens])
    assert peak.multiplications([300]) == pytest.approx(peak._in_products(300), rel=1e-9)


@pytest.mark.heavy
def test_no_engine_is_faster_than_the_peak(fast):
    pairs = workloads.Handbook(fast.tokenizer).pairs("200", 8)
    needed = peak.multiplications([len(ids) for ids in fast.tokenizer(pairs)["input_ids"]])
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        fast.predict(pairs)
        seconds.append(time.perf_counter() - started)
    assert 0.02 < needed / min(seconds) / peak.int8_peak(0.3) < 1


@pytest.mark.heavy
def test_instructions_can_be_held_back():
    table = instructions.instructions({"all": "", "AVX2": "AVX2"}, ("course, int8",))
    assert table.index.tolist() == ["all", "AVX2"]
    assert (table[["30 tokens, ms a pair", "200 tokens, ms a pair"]] > 0).all(axis=None)


def test_a_table_without_the_reference_has_no_ratios_to_it():
    raw = pd.DataFrame([{"contender": "course, int8", "seconds": 3.0, "megabytes": 100.0, "scores": [1, 2]}])
    assert report.summarise(raw).loc["course, int8"].tolist() == [3.0, "3.000–3.000", "–", "–", 100, "–"]


def test_who_would_take_too_long_or_too_much_is_left_out():
    def row(count, seconds, megabytes):
        return {"contender": "x", "kind": "200", "count": count, "seconds": seconds, "megabytes": megabytes}

    assert timing.too_much([], "x", "200", 1000, 60) == ""
    assert timing.too_much([row(10, 0.6, 500), row(100, 5.9, 520)], "x", "200", 1000, 60) == ""
    assert (
        timing.too_much([row(10, 0.6, 500), row(100, 7.0, 520)], "x", "200", 1000, 60)
        == "would take about 70 s"
    )
    assert timing.too_much([row(10, 0.6, 500), row(100, 7.0, 520)], "x", "mixed", 1000, 60) == ""
    assert "GB of memory" in timing.too_much([row(10, 0.6, 5e5), row(100, 1.0, 5e6)], "x", "200", 1000, 60)


def test_a_worker_scores_as_the_course_does_and_ends(fast, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pairs = [("How many people live in Berlin?", "Berlin had 3,520,031 inhabitants."), ("a", "b")]
    with start(["course, int8"], tmp_path) as [worker]:
        assert worker.reason is None
        answer = worker.run(pairs)
    assert answer["scores"] == pytest.approx(fast.predict(pairs).tolist(), abs=1e-4)
    assert answer["seconds"] > 0 and answer["megabytes"] > 50


def test_a_contender_that_is_not_there_gives_its_reason(tmp_path):
    worker = Worker("rerankers, fp32", tmp_path)
    worker.close()
    assert worker.reason.startswith("ModuleNotFoundError")


def test_a_worker_needs_the_course_alone(fast, tmp_path, monkeypatch):
    """It runs in an environment of its own, whatever folder the benchmark was started in."""
    monkeypatch.chdir(tmp_path)
    venv.create(tmp_path / "own", with_pip=False)
    python = peers.python_of(tmp_path / "own")
    peers.show_course(python)
    worker = Worker("course, int8", tmp_path, python)
    assert worker.reason is None
    assert worker.run([("a", "b")])["scores"] == pytest.approx(fast.predict([("a", "b")]).tolist(), abs=1e-4)
    worker.close()


def test_padding_of_mixed_lengths(fast):
    handbook = workloads.Handbook(fast.tokenizer)
    assert [query for query, _ in handbook.pairs("30", 3)] == [workloads.QUERY] * 3
    slices, sorted_first, one_by_one = handbook.padding(100).values()
    assert slices > sorted_first > one_by_one > 0


class Answers:
    """A contender without a process: it takes a second for each pair, or says that it cannot."""

    def __init__(self, name, error=None):
        self.name, self.error, self.calls = name, error, []

    def run(self, pairs):
        self.calls.append(len(pairs))
        return {"error": self.error} if self.error else {"seconds": len(pairs), "megabytes": 1, "scores": [0]}


def test_all_are_asked_in_turns_and_the_slow_are_left_out(capsys):
    slow, broken = Answers("slow"), Answers("broken", "no")
    lists = {("30", 2): [("q", "d")] * 2, ("30", 20): [("q", "d")] * 20}
    rows, left_out = timing.measure([slow, broken], lists, {2: 3, 20: 1}, longest=10)
    assert slow.calls == [2, 2, 2] and broken.calls == [2, 2, 2, 20]
    assert left_out == ["slow, 20 × 30: would take about 20 s"]
    assert rows["contender"].tolist() == ["slow"] * 3 and rows["seconds"].tolist() == [2] * 3
    assert "broken, 30 × 2: no" in capsys.readouterr().err


def used_row(name, pairs, low, high=0.041):
    difference = ((low + high) / 2, low, high)
    row = {"pairs": pairs, "seconds": 0.5, "nDCG@10": 0.477, uses.LESS_FULL: difference}
    return pd.DataFrame.from_dict({name: row}, orient="index")


def test_cheap_and_no_worse_has_to_hold_on_all_corpora():
    def found(pairs, *ends):
        return uses.cheap_and_no_worse({str(low): used_row("a", pairs, low, high) for low, high in ends})

    assert found(30, (-0.01, 0.02), (0.01, 0.05)) == {"no worse": ["a"], "equal": []}
    assert found(30, (-0.01, 0.01), (0.0, 0.005)) == {"no worse": ["a"], "equal": ["a"]}
    assert found(30, (-0.02, 0.01), (0.0, 0.005)) == {"no worse": [], "equal": []}
    assert found(50, (0.0, 0.0)) == found(0, (0.0, 0.0)) == {"no worse": [], "equal": []}


def test_the_page_says_what_was_measured_and_who_was_left_out():
    table = pd.DataFrame({"median s": [0.5]}, index=[CONTENDERS[0]])
    judged = pd.DataFrame({"fp32": ["0.552"]}, index=["handbook, nDCG@10"])
    measured = {("30", 10): (5, table), ("mixed", 100): (1, table)}
    used = {"handbook": used_row("BM25 + cascade 10", 10, -0.015)}
    page = report.report(measured, ["x: absent"], {"slices": 0.66}, {"int8": 0.94}, judged, used)
    assert "### handbook\n\n|  | pairs |" in page and "| BM25 + cascade 10 | 10 | 0.500 |" in page
    assert "(the interval begins above -.01): none.\n" in page
    assert "| torch, one by one | 0.5 |" in page and "| handbook, nDCG@10 | 0.552 |" in page
    assert "## 10 candidates, 30 tokens\n\n5 rounds.\n\n|  | median s |\n| --- | --- |\n" in page
    assert "## 100 candidates, mixed lengths\n\n1 round.\n" in page
    assert "Left out:\n\n- x: absent\n\n## Quality\n" in page
    assert "slices 66%." in page and "int8 0.9 s." in page and page.endswith("|\n")
    assert "Left out" not in report.report(measured, [], {}, {}, judged, used)


@pytest.mark.heavy
def test_aims_are_compared_with_the_page_s_own_tables():
    head = "|  | median s | × fastest peer | of int8 peak |\n| --- | --- | --- | --- |\n"
    page = "# Benchmarks\n"
    for count, ratio, share in ((10, 1.9, "64%"), (100, 2.2, "66%")):
        rows = f"| torch | 1 | 9 | 9% |\n| course, int8 | 0.1 | {ratio} | {share} |\n"
        page += f"\n## {count} candidates, 200 tokens\n\n3 rounds.\n\n{head}{rows}"
    page += f"\n## 10 candidates, mixed lengths\n\n{head}| course, int8 | 0.1 | 6.5 | – |\n## Other\n{head}"
    page += "## With fewer instructions\n\n|  | contender | 200 tokens, ms a pair |\n| --- | --- | --- |\n"
    for name, taken in (("torch, one by one", 90), ("course, int8", 50), ("a peer (all)", 30)):
        page += f"| all | {name} | 1 |\n| AVX2 | {name} | {taken} |\n"
    found = aims(page)
    told = {name.partition(" times")[0].partition(" of the")[0]: row for name, row in found.iterrows()}
    assert list(told["200 tokens: 2.2"]) == ["1.9", "–", "2.2", "–", "in part"]
    assert list(told["200 tokens: 65%"]) == ["64%", "–", "66%", "–", "in part"]
    assert list(told["mixed lengths: 6"]) == ["6.5", "–", "–", "–", "yes"]
    assert list(told["AVX2: 1.8"]) == ["–", "1.80", "–", "–", "yes"]
    assert list(told["AVX2: 1"]) == ["–", "0.60", "–", "–", "no"]
    assert told["30 tokens: 1.5"]["reached"] == "not measured"
    assert "What was to be reached" in report.with_section(page, "aims", found)


def test_each_use_asks_for_as_many_pairs_as_its_name_says(embedder):
    handbook = load_corpus("handbook")
    documents = list(handbook.documents.values())
    counting = uses.Counting(KnownScores(lambda query, text: len(text)))
    searches = BM25Retriever(documents), DenseRetriever(documents, embedder)
    by_name = uses.systems(*searches, counting, limit=float("inf"))
    for name, answer in by_name.items():
        counting.pairs = 0
        ranking = answer("Who pays for a taxi to the airport at night?")
        last = name.replace(",", "").split()[-1]
        wanted = 30 if last == "mixed" else int(last) if last.isdigit() else 0
        assert counting.pairs == wanted and len(ranking) >= 10, name
    leave, counting.pairs = uses.systems(*searches, counting, limit=float("-inf"))["dense + gate 100"], 0
    leave("Who pays for a taxi to the airport at night?")
    assert counting.pairs == 0


def test_seconds_are_the_mean_of_all_queries():
    asked = []
    spent = uses._seconds({"one": asked.append, "two": asked.append}, ["a", "b", "c"])
    assert sorted(asked) == ["a"] * 4 + ["b"] * 2 + ["c"] * 2 and all(s < 1 for s in spent.values())
