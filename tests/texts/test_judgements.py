"""Queries and grades in a folder: what is written, what is refused, and who may write at the same time."""

import os
import threading

import numpy as np
import pytest
from filelock import FileLock

from rerank_course.texts import judgements as judgements_module
from rerank_course.texts.beir import read_beir
from rerank_course.texts.files import CorpusError
from rerank_course.texts.judgements import Judgements
from tests.texts.judging_support import HEADER, files, read_qrels, start


def test_a_new_folder_is_made_at_the_first_change_and_holds_beirs_layout(tmp_path):
    folder = tmp_path / "deep" / "mine"
    judgements = Judgements(folder)
    assert judgements.queries == {} and judgements.qrels == {} and not folder.exists()
    assert judgements.add_query("  which?\n") == "q1" and judgements.add_query("where?") == "q2"
    assert files(folder)["qrels/test.tsv"] == HEADER.encode()
    judgements.record("q1", "d1", 3)
    judgements.record("q1", "d2", np.int64(0))
    judgements.record("q1", "d1", 2)
    assert files(folder) == {
        "queries.jsonl": b'{"_id": "q1", "text": "which?"}\n{"_id": "q2", "text": "where?"}\n',
        "qrels/test.tsv": f"{HEADER}q1\td1\t2\nq1\td2\t0\n".encode(),
    }
    again = Judgements(str(folder))
    assert again.queries == judgements.queries == {"q1": "which?", "q2": "where?"}
    assert again.qrels == judgements.qrels == {"q1": {"d1": 2, "d2": 0}}


def test_the_folder_is_read_as_a_corpus(tmp_path):
    judgements = Judgements(tmp_path)
    query = judgements.add_query("Wie groß ist die Prämie?")
    judgements.record(query, "Übersicht", 3)
    (tmp_path / "corpus.jsonl").write_text('{"_id": "Übersicht", "text": "50 €"}\n', encoding="utf-8")
    corpus = read_beir(tmp_path, "mine")
    assert corpus.queries == {"q1": "Wie groß ist die Prämie?"} and corpus.qrels == {"q1": {"Übersicht": 3}}


def test_umlauts_are_written_readably(tmp_path):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("Wo gilt die Überstundenregelung? 日本語"), "Größe", 1)
    assert "Überstundenregelung? 日本語" in (tmp_path / "queries.jsonl").read_bytes().decode("utf-8")
    assert read_qrels(tmp_path) == f"{HEADER}q1\tGröße\t1\n"
    assert Judgements(tmp_path).queries == judgements.queries


@pytest.mark.parametrize(
    "text", ["two\nlines", "a\u2028b", "a\x85b", 'a "quoted" \\ word', "tab\there", "half \ud800 a character"]
)
def test_every_query_text_comes_back_as_it_was(tmp_path, text):
    assert Judgements(tmp_path).add_query(text) == "q1"
    assert Judgements(tmp_path).queries == {"q1": text}
    assert Judgements(tmp_path).add_query(f" {text} ") == "q1"


@pytest.mark.parametrize("document", ['"quoted"', 'in "the" middle', "#1", "with space", "a,b", "../x"])
def test_every_document_id_comes_back_as_it_was(tmp_path, document):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("q"), document, 1)
    assert Judgements(tmp_path).qrels == {"q1": {document: 1}}


def test_ids_are_not_reused_and_lines_that_were_there_keep_their_metadata(tmp_path):
    old = '{"_id": "exp-q9", "text": "old", "metadata": {"kind": "negation"}}\n'
    old += '{"_id": "q7", "text": " spaced "}'
    path = tmp_path / "queries.jsonl"
    path.write_text(old, encoding="utf-8")
    judgements = Judgements(tmp_path)
    assert [judgements.add_query(text) for text in ("spaced", "old", "new")] == ["q7", "exp-q9", "q8"]
    assert path.read_text(encoding="utf-8") == old + '\n{"_id": "q8", "text": "new"}\n'


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("q9", "d1", 1), ValueError, "no query 'q9'.*add_query"),
        (("q1", "d1", 4), ValueError, "0, 1, 2 or 3, not 4"),
        (("q1", "d1", -1), ValueError, "not -1"),
        (("q1", "d1", True), TypeError, "not True"),
        (("q1", "d1", 2.0), TypeError, "not 2.0"),
        (("q1", "d1", "2"), TypeError, "not '2'"),
        (("q1", "d1", None), TypeError, "not None"),
        (("q1", "a\tb", 1), ValueError, "a tab"),
        (("q1", "a\nb", 1), ValueError, "a line break"),
        (("q1", "a\n", 1), ValueError, "a line break"),
        (("q1", "a\u2028b", 1), ValueError, "a line break"),
        (("q1", "\ud800", 1), ValueError, "half a character"),
        (("q1", "", 1), ValueError, "is empty"),
        (("q1", 5, 1), TypeError, "is a string, not a int"),
    ],
)
def test_what_cannot_be_recorded_changes_nothing(tmp_path, arguments, error, message):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("q"), "d0", 3)
    before = files(tmp_path)
    with pytest.raises(error, match=message):
        judgements.record(*arguments)
    assert files(tmp_path) == before and judgements.qrels == {"q1": {"d0": 3}}


@pytest.mark.parametrize(
    ("text", "error"), [("", ValueError), (" \n", ValueError), (None, TypeError), (["q"], TypeError)]
)
def test_a_query_is_a_text(tmp_path, text, error):
    with pytest.raises(error, match="query"):
        Judgements(tmp_path).add_query(text)
    assert files(tmp_path) == {}


MALFORMED = [
    ("queries.jsonl", b"{not json}\n", r"queries.jsonl, line 1 is not JSON"),
    (
        "queries.jsonl",
        b'{"_id": "q1", "text": "a"}\n{"_id": "q1", "text": "b"}\n',
        "line 2: the id 'q1' is used twice",
    ),
    ("queries.jsonl", b'{"_id": "q1"}\n', "line 1: each line needs"),
    ("queries.jsonl", b"\xff\xfe", "not UTF-8"),
    ("queries.jsonl", None, r"test.tsv, line 2: a judgement for the unknown query 'q1'"),
    ("qrels/test.tsv", b"", "must begin with"),
    ("qrels/test.tsv", b"q1\td1\t2\n", "must begin with"),
    ("qrels/test.tsv", f"{HEADER}q1\td1\n".encode(), r"test.tsv, line 2: expected"),
    ("qrels/test.tsv", f"{HEADER}q1\td1\t2\nq1\td2\thigh\n".encode(), r"test.tsv, line 3: expected"),
    ("qrels/test.tsv", f"{HEADER}q1\td1\t2\nq1\td1\t2\n".encode(), "line 3: 'd1' is judged twice"),
    ("qrels/test.tsv", f"{HEADER}q1\td1\t2\nq1\td2\t4\n".encode(), "line 3: a grade is 0, 1, 2 or 3, not 4"),
    ("qrels/test.tsv", f"{HEADER}q9\td1\t2\n".encode(), "line 2: a judgement for the unknown query 'q9'"),
    ("qrels/test.tsv", HEADER.encode() + b"q1\t" + b"d" * 200_000 + b"\t1\n", "cannot be read: field larger"),
]


@pytest.mark.parametrize(("file", "content", "message"), MALFORMED)
def test_malformed_files_are_refused_and_left_untouched(tmp_path, file, content, message):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("which?"), "d1", 2)
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_bytes(content)
    before = files(tmp_path)
    with pytest.raises(CorpusError, match=message):
        Judgements(tmp_path)
    assert files(tmp_path) == before


@pytest.mark.parametrize(("file", "content", "message"), [row for row in MALFORMED if row[1] is not None])
def test_files_that_become_malformed_meanwhile_are_not_overwritten(tmp_path, file, content, message):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("which?"), "d1", 2)
    (tmp_path / file).write_bytes(content)
    before = files(tmp_path)
    with pytest.raises(CorpusError, match=message):
        judgements.record("q1", "d2", 1)
    with pytest.raises(CorpusError, match=message):
        judgements.add_query("another")
    assert files(tmp_path) == before
    assert judgements.qrels == {"q1": {"d1": 2}} and judgements.queries == {"q1": "which?"}


def test_a_folder_that_vanished_is_written_again_in_full(tmp_path):
    judgements = Judgements(tmp_path / "mine")
    judgements.record(judgements.add_query("which?"), "d1", 2)
    (tmp_path / "mine").rename(tmp_path / "moved")
    judgements.record("q1", "d2", 1)
    again = Judgements(tmp_path / "mine")
    assert again.queries == {"q1": "which?"} and again.qrels == {"q1": {"d1": 2, "d2": 1}}


def test_an_unwritable_folder_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    judgements = Judgements(tmp_path / "file" / "mine")
    with pytest.raises(CorpusError, match="mine cannot be written.*not saved.*choose a folder"):
        judgements.add_query("which?")
    assert judgements.queries == {}


def test_a_save_that_fails_keeps_the_file_and_the_memory(tmp_path):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("which?"), "d1", 2)
    before = files(tmp_path)
    (tmp_path / "qrels" / "test.tsv.part").mkdir()  # the temporary file cannot be opened, not even by root
    with pytest.raises(CorpusError, match="cannot be written"):
        judgements.record("q1", "d2", 1)
    assert files(tmp_path) == before and judgements.qrels == {"q1": {"d1": 2}}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="file modes do not stop this user")
def test_a_folder_that_may_only_be_read_is_read(tmp_path):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("which?"), "d1", 2)
    (tmp_path / ".lock").unlink(missing_ok=True)
    for folder in (tmp_path / "qrels", tmp_path):
        folder.chmod(0o500)
    try:
        again = Judgements(tmp_path)
        assert again.qrels == {"q1": {"d1": 2}}
        with pytest.raises(CorpusError, match="cannot be written"):
            again.record("q1", "d2", 1)
    finally:
        for folder in (tmp_path, tmp_path / "qrels"):
            folder.chmod(0o700)


def test_a_lock_that_another_holds_is_waited_for_and_then_named(tmp_path, monkeypatch):
    judgements = Judgements(tmp_path)
    judgements.add_query("which?")
    with FileLock(tmp_path / ".lock"):
        waiting = threading.Thread(target=judgements.record, args=("q1", "d1", 2))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive() and read_qrels(tmp_path) == HEADER
    waiting.join(10)
    assert read_qrels(tmp_path) == f"{HEADER}q1\td1\t2\n"
    monkeypatch.setattr(judgements_module, "PATIENCE", 0.1)
    with (
        FileLock(tmp_path / ".lock"),
        pytest.raises(CorpusError, match="locked by another process.*not saved.*try again"),
    ):
        judgements.record("q1", "d2", 1)


def test_loading_waits_for_a_save_of_both_files(tmp_path):
    Judgements(tmp_path).add_query("which?")
    loaded = []
    with FileLock(tmp_path / ".lock"):
        loading = threading.Thread(target=lambda: loaded.append(Judgements(tmp_path)))
        loading.start()
        (tmp_path / "qrels" / "test.tsv").write_text(f"{HEADER}q2\td1\t2\n", encoding="utf-8")
        loading.join(0.3)
        (tmp_path / "queries.jsonl").write_text('{"_id": "q2", "text": "where?"}\n', encoding="utf-8")
    loading.join(10)
    assert loaded[0].qrels == {"q2": {"d1": 2}}


def test_grades_of_two_owners_are_merged(tmp_path):
    one, other = Judgements(tmp_path), Judgements(tmp_path)
    assert one.add_query("first") == "q1"
    assert other.add_query("second") == "q2" and one.add_query("second") == "q2"
    one.record("q1", "d1", 3)
    other.record("q1", "d1", 1)
    other.record("q2", "d2", 2)
    one.record("q2", "d1", 0)
    assert one.qrels == Judgements(tmp_path).qrels == {"q1": {"d1": 1}, "q2": {"d2": 2, "d1": 0}}


WRITER = """
import sys
from rerank_course.texts.judgements import Judgements
folder, name = sys.argv[1:]
judgements = Judgements(folder)
print("ready", flush=True)
sys.stdin.readline()
shared, own = judgements.add_query("of both"), judgements.add_query("of " + name)
for number in range(50):
    judgements.record(own if number % 2 else shared, f"{name}-{number}", number % 4)
print(own)
"""


def test_two_processes_lose_no_grade_and_a_reader_never_meets_half_a_save(tmp_path):
    writers = [start(WRITER, str(tmp_path), name) for name in ("one", "other")]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * 2
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    while any(writer.poll() is None for writer in writers):
        Judgements(tmp_path)
    answers = [writer.communicate(timeout=60) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], answers
    judgements = Judgements(tmp_path)
    assert sorted(judgements.queries.values()) == ["of both", "of one", "of other"]
    grades = {document: grade for judged in judgements.qrels.values() for document, grade in judged.items()}
    assert grades == {f"{name}-{number}": number % 4 for name in ("one", "other") for number in range(50)}
    for (own, _), name in zip(answers, ("one", "other")):
        assert judgements.queries[own.strip()] == f"of {name}"
        assert set(judgements.qrels[own.strip()]) == {f"{name}-{number}" for number in range(1, 50, 2)}


SAVES_FOR_EVER = """
import itertools, sys
from rerank_course.texts.judgements import Judgements
judgements = Judgements(sys.argv[1])
query = judgements.add_query("q")
for i in itertools.count(len(judgements.qrels.get(query, {}))):
    judgements.record(query, f"d{i}", i % 4)
    print(i, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_at_any_moment_of_saving_leaves_whole_files(tmp_path):
    for attempt in range(4):
        process = start(SAVES_FOR_EVER, str(tmp_path))
        for _ in range(5 + attempt):
            last = int(process.stdout.readline())
        process.kill()
        said = [*map(int, process.communicate()[0].split())]
        grades = Judgements(tmp_path).qrels["q1"]
        assert grades == {f"d{i}": i % 4 for i in range(len(grades))} and len(grades) > max([last, *said])
