"""`rerank-course evaluate`, from a person's own file to the table, with the real models."""

import csv
import json

import ir_measures
import pytest
import pytrec_eval

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
    uses = {
        "BM25": "rerank mix cascade gate",
        "dense": "rerank mix gate",
        "hybrid": "rerank mix cascade gate",
    }
    systems = [*uses, *(f"{stage} + {use} 5" for stage, some in uses.items() for use in some.split())]
    for system in systems:
        assert any(line.startswith(system + " ") for line in out.splitlines()), out
    assert (
        "nDCG@10 95 %" in out
        and "5 documents; 3 of 3 queries have an answer (grade 2 or more); 14 runs" in out
    )
    corpus = load_corpus("lake.csv")
    assert list(corpus.queries.values()) == QUERIES and judgements_folder(table).name == "lake.csv.judged"
    runs = sorted(path.name for path in (place / "runs").iterdir())
    assert runs[0] == "lake.BM25-cascade-5.txt" and runs[-2:] == ["lake.qrels.txt", "report.html"]
    assert len(runs) == len(systems) + 2
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
    out, log = capsys.readouterr()
    assert "Reranking the first 3 of 3 searches for 2 queries." in log, "there is no bar in a log"
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
        (["lake.csv", "--relevant", "0"], "relevant"),
        (["handbook", "--depths", "2", "--run", "a.txt", "--run", "a-rerank-2.txt"], "into one file"),
        (["handbook", "--run", "my run.txt", "--run", "My-run.txt"], "into one file"),
        (["handbook", "--run", "a.txt", "--run", "a.txt"], "two runs are called a"),
        (["lake.csv", "--judge", "--queries", "tabs.txt"], "'q1\\trefund' is not a query alone"),
        (["lake.csv", "--judge", "--queries", "rows.txt"], "name a .jsonl file"),
        (["notes", "--judge", "--queries", "notes/q.txt"], "would be searched like a document"),
        (["lake.csv", "--judge", "--run", "run.txt"], "Judge first, then measure with --run"),
        (["handbook", "--run", "no.txt"], "no.txt"),
        (["handbook", "--run", "lake.csv"], "lake.csv, line 1: a run's line is"),
        (["handbook", "--split", "dev"], "dev"),
        (["lake.csv", "--depths", "ten"], "--depths takes whole numbers"),
        (["lake.csv", "--depths", "0"], "--depths must be from 1"),
        (["handbook", "--judge"], "judged already"),
        (["lake.csv", "--judge", "--queries", "empty.txt"], "holds no query"),
        (["lake.csv", "--judge", "--queries", "no.txt"], "no.txt"),
    ],
)
def test_bad_input_is_one_line(table, place, arguments, message, capsys):
    (place / "empty.txt").write_text("\n", encoding="utf-8")
    (place / "tabs.txt").write_text("q1\trefund\n", encoding="utf-8")
    (place / "rows.txt").write_text('{"_id": "q1", "text": "refund"}\n', encoding="utf-8")
    (place / "notes").mkdir()
    (place / "notes" / "q.txt").write_text("refund\n", encoding="utf-8")
    for name in ("a", "a-rerank-2", "my run", "My-run"):
        (place / f"{name}.txt").write_text("exp-q01 Q0 exp-001 1 9 t\n", encoding="utf-8")
    assert main(["evaluate", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("rerank_course evaluate: ") and message in captured.err
    assert "Traceback" not in captured.err
    assert not (place / "runs").exists()


def write_beir(folder, qrels, split="test"):
    """The rows above in BEIR's layout, with these judgements."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    documents = ({"_id": name, "title": title, "text": text} for name, title, text in ROWS)
    queries = ({"_id": f"q{number}", "text": text} for number, text in enumerate(QUERIES, 1))
    for name, rows in (("corpus.jsonl", documents), ("queries.jsonl", queries)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lines = "".join(f"{query}\t{document}\t{grade}\n" for (query, document), grade in qrels.items())
    (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + lines, encoding="utf-8")
    return folder


def numbers(capsys, *arguments):
    assert main(["evaluate", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_grades_of_1_count_where_nothing_is_higher_and_a_level_can_be_chosen(place, capsys):
    folder = write_beir(place / "lake", {("q1", "gate"): 1, ("q2", "boats"): 1})
    found = numbers(capsys, folder, "--depths", "3")
    assert found["collection"]["relevant"] == 1 and len(found["queries"]) == 2
    write_beir(place / "lake", {("q1", "gate"): 1, ("q2", "boats"): 2})
    assert main(["evaluate", str(folder), "--depths", "3"]) == 0
    out = capsys.readouterr().out
    assert "1 of 3 queries have an answer (grade 2 or more)" in out
    assert "1 more have only documents of a lower grade: --relevant 1 counts them" in out
    assert len(numbers(capsys, folder, "--depths", "3", "--relevant", "1")["queries"]) == 2
    assert main(["evaluate", str(folder), "--relevant", "3"]) == 2
    assert "The highest grade there is 2: --relevant 2 counts it." in capsys.readouterr().err


def test_another_split_and_a_run_of_another_engine(place, capsys):
    folder = write_beir(place / "lake", {("q1", "gate"): 3, ("q2", "boats"): 3}, split="dev")
    (place / "their engine.txt").write_text(
        "q1 Q0 dogs 1 9 t\nq1 Q0 gate 2 8 t\nq2 Q0 boots 1 7 t\nq2 Q0 boats 2 6 t\nq2 Q0 gone 3 5 t\n"
    )
    assert main(["evaluate", str(folder)]) == 2 and "dev" in capsys.readouterr().err
    arguments = [str(folder), "--split", "dev", "--run", "their engine.txt", "--depths", "2"]
    assert main(["evaluate", *arguments]) == 0
    captured = capsys.readouterr()
    assert "lines left out, whose query or document lake does not have: 1." in captured.err
    rows = {line.split("  ")[0]: line.split() for line in captured.out.splitlines()}
    assert rows.keys() >= {"their engine", "their engine + rerank 2"} and "BM25 " not in captured.out
    assert rows["their engine"][2] == "0.631" and rows["their engine + rerank 2"][5] == "1.000"
    assert (place / "runs" / "lake.their-engine-rerank-2.txt").exists()


def test_the_files_give_the_printed_numbers_also_with_ties(place, capsys):
    twins = [("twin a", "", ROWS[1][2]), ("twin b", "", ROWS[1][2])]
    with (place / "lake.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "title", "text"), *twins, *ROWS])
    folder = judgements_folder(place / "lake.csv")
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text('{"_id": "q 1", "text": "when can I get in?"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq 1\ttwin b\t3\nq 1\tdogs\t1\n")
    printed = {
        system["name"]: system["nDCG@10"]["mean"]
        for system in numbers(capsys, "lake.csv", "--depths", "2,6")["systems"]
    }
    with (place / "runs" / "lake.qrels.txt").open() as file:
        judge = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(file), {"ndcg_cut_10"})
    assert len(printed) == 17  # no gates: of one query nothing can be held out
    for name, value in printed.items():
        tag = "-".join(name.replace("+", " ").split())
        with (place / "runs" / f"lake.{tag}.txt").open() as file:
            (found,) = judge.evaluate(pytrec_eval.parse_run(file)).values()
        assert found["ndcg_cut_10"] == pytest.approx(value, abs=1e-9), name


@pytest.mark.heavy
def test_a_second_depth_scores_only_what_is_new(place, capsys, reranker, monkeypatch):
    folder = write_beir(place / "lake", GOOD)
    asked, predict = [], reranker.predict

    def counting(pairs, **options):
        asked.extend(pairs)
        return predict(pairs, **options)

    monkeypatch.setattr(reranker, "predict", counting)
    first = numbers(capsys, folder, "--depths", "2")
    before = len(asked)
    second = numbers(capsys, folder, "--depths", "2,5")
    assert 0 < before < len(set(asked)) == len(asked) == 2 * len(ROWS)
    assert second["systems"][1]["nDCG@10"] == first["systems"][1]["nDCG@10"]
    numbers(capsys, folder, "--depths", "2,5")
    assert len(asked) == 2 * len(ROWS), "nothing is left to score"


def test_the_folder_that_one_is_in(place, monkeypatch, capsys):
    notes = place / "my notes (new)"
    notes.mkdir()
    (notes / "how to enter.md").write_text("# Gate\n\nThe gate opens at seven.\n", encoding="utf-8")
    (notes / "dogs & cats.txt").write_text("Dogs stay on the leash.", encoding="utf-8")
    answer(monkeypatch, ["3", "0"])
    monkeypatch.chdir(notes)
    (place / "queries.txt").write_text("when can I get in?\n", encoding="utf-8")
    assert main(["evaluate", ".", "--judge", "--queries", "../queries.txt", "--runs", "../out"]) == 0
    assert "2 documents; 1 of 1 queries" in capsys.readouterr().out
    assert (place / "my notes (new).judged" / "qrels" / "test.tsv").exists()
    run = (place / "out" / "my notes (new).dense.txt").read_text(encoding="utf-8")
    assert "how%20to%20enter.md#1" in run


def test_queries_of_a_json_file(table, place, monkeypatch, capsys):
    (place / "queries.jsonl").write_text('{"_id": "7", "text": "when can I get in?"}\n', encoding="utf-8")
    answer(monkeypatch, ["3"])
    main(["evaluate", "lake.csv", "--judge", "--queries", "queries.jsonl", "--depths", "2"])
    assert list(load_corpus("lake.csv").queries.values()) == ["when can I get in?"]


def test_what_was_left_out_is_said_once(table, place, monkeypatch, capsys):
    with table.open("a", encoding="utf-8") as file:
        file.write("nothing,Empty,\n")
    answer(monkeypatch, ["3", "0", "1", "2"] * 10)
    assert main(["evaluate", "lake.csv", "--judge", "--queries", "queries.txt", "--depths", "2"]) == 0
    assert capsys.readouterr().err.count("rows without text: 1") == 1
