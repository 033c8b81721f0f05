"""`rerank-course evaluate`, from a person's own file to the table, with the real models."""

import csv
import json

import ir_measures
import pytest

from rerank_course.__main__ import main
from rerank_course.engine.cache import CACHE_VARIABLE
from rerank_course.texts.corpora import judgements_folder, load_corpus
from rerank_course.texts.judging import judge_in_terminal

ROWS = [
    ("boots", "Boots", "Rubber boots are handed out at the gate."),
    ("gate", "Opening hours", "The gate opens at seven and closes at nineteen hours."),
    ("dogs", "Dogs", "Dogs stay on the leash everywhere."),
    ("boats", "Boats", "A rowing boat costs eight euros for an hour."),
    ("fish", "Fishing", "Anglers need a permit from the office."),
]
QUERIES = ["when can I get in?", "what does renting a boat cost", "is swimming allowed"]
GOOD = {("q1", "gate"): 3, ("q2", "boats"): 3, ("q2", "boots"): 0}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, loaded_once):
    """Work in an empty folder; embeddings go to a cache of their own."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def table(place):
    with (place / "lake.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "title", "text"), *ROWS])
    (place / "queries.txt").write_text("\n".join(QUERIES), encoding="utf-8")
    return place / "lake.csv"


def answer(monkeypatch, grades):
    """Type grades: for each prompt the next one, then end of file."""
    typed = iter(grades)

    def ask(prompt=""):
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setitem(judge_in_terminal.__kwdefaults__, "ask", ask)


def test_judge_then_measure(table, place, monkeypatch, capsys):
    answer(monkeypatch, ["3", "0", "1", "2"] * 10)
    assert main(["evaluate", "lake.csv", "--judge", "--queries", "queries.txt", "--depths", "5"]) == 0
    out = capsys.readouterr().out
    for system in ("BM25", "dense", "hybrid", "BM25 + rerank 5", "dense + rerank 5", "hybrid + rerank 5"):
        assert any(line.startswith(system + " ") for line in out.splitlines()), out
    assert "nDCG@10 95 %" in out and "5 documents; 3 of 3 queries have an answer; 6 runs in runs" in out
    corpus = load_corpus("lake.csv")
    assert list(corpus.queries.values()) == QUERIES and judgements_folder(table).name == "lake.csv.judged"
    runs = sorted(path.name for path in (place / "runs").iterdir())
    assert runs[0] == "lake.BM25-rerank-5.txt" and len(runs) == 6
    assert list(ir_measures.read_trec_run(str(place / "runs" / "lake.dense.txt")))


def test_stopping_while_judging_keeps_the_grades_and_going_on_asks_for_the_rest(table, monkeypatch, capsys):
    answer(monkeypatch, ["3", "0"])
    main(["evaluate", "lake.csv", "--judge", "--queries", "queries.txt", "--depths", "5"])
    kept = load_corpus("lake.csv").qrels
    assert sum(map(len, kept.values())) == 2
    answer(monkeypatch, ["2", "q"])
    main(["evaluate", "lake.csv", "--judge", "--depths", "5"])
    now = load_corpus("lake.csv").qrels
    assert sum(map(len, now.values())) == 3
    for query, judged in kept.items():
        assert judged.items() <= now[query].items()


def test_a_beir_folder_is_measured_as_it_is(place, capsys):
    folder = place / "lake"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": i, "title": t, "text": x}) + "\n" for i, t, x in ROWS), encoding="utf-8"
    )
    (folder / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": f"q{n}", "text": q}) + "\n" for n, q in enumerate(QUERIES, 1)),
        encoding="utf-8",
    )
    lines = "".join(f"{q}\t{d}\t{g}\n" for (q, d), g in GOOD.items())
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + lines, encoding="utf-8")
    assert main(["evaluate", str(folder), "--depths", "3", "--runs", "out"]) == 0
    out = capsys.readouterr().out
    row = next(line.split() for line in out.splitlines() if line.startswith("dense + rerank 3"))
    assert float(row[4]) == 1.0, "both answers first, nDCG@10 is 1"
    assert "2 of 3 queries have an answer" in out and (place / "out" / "lake.hybrid.txt").exists()


def test_a_folder_of_notes_can_be_loaded(place):
    (place / "notes").mkdir()
    (place / "notes" / "lake.md").write_text(
        "# Lake\n\nThe lake is cold.\n\n## Boats\n\nA boat costs eight euros.\n", encoding="utf-8"
    )
    corpus = load_corpus(place / "notes")
    assert [chunk.title for chunk in corpus.documents.values()] == ["Lake", "Lake > Boats"]
    assert corpus.queries == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.csv"], "no file 'nowhere.csv'"),
        (["lake.csv"], "no query of lake.csv has an answer yet"),
        (["lake.csv", "--queries", "queries.txt"], "--queries goes with --judge"),
        (["lake.csv", "--depths", "ten"], "--depths takes whole numbers"),
        (["lake.csv", "--depths", "0"], "--depths must be from 1"),
        (["handbook", "--judge"], "judged already"),
        (["lake.csv", "--judge", "--queries", "empty.txt"], "holds no query"),
        (["lake.csv", "--judge", "--queries", "no.txt"], "no.txt"),
    ],
)
def test_bad_input_is_one_line(table, place, arguments, message, capsys):
    (place / "empty.txt").write_text("\n", encoding="utf-8")
    assert main(["evaluate", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("rerank_course evaluate: ") and message in captured.err
    assert "Traceback" not in captured.err
    assert not (place / "runs").exists()
