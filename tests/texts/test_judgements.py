"""Queries and grades in a folder: what is written, what is refused, and who may write at the same time."""

import gzip
import os
import threading

import numpy as np
import pytest
from filelock import FileLock

from rerank_course.text import Chunk
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
    "text", ["two\nlines", "a\u2028b", "a\x85b", 'a "quoted" \\ word', "tab\there", "\u200bnot blank\u200b"]
)
def test_every_query_text_comes_back_as_it_was(tmp_path, text):
    assert Judgements(tmp_path).add_query(text) == "q1"
    assert Judgements(tmp_path).queries == {"q1": text}
    assert Judgements(tmp_path).add_query(f" {text} ") == "q1"


@pytest.mark.parametrize(
    "document",
    ['"quoted"', 'in "the" middle', '"a""b"', "#1", "with space", " at ends ", "a,b", "../x", "'", "🦊"],
)
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
        (("q1", "\u200b ", 1), ValueError, "is empty"),
        (("q1", 5, 1), TypeError, "a Chunk or its id, a string, not a int"),
        (("q1", Chunk("a\tb", "text"), 1), ValueError, "a tab"),
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
    ("text", "error"),
    [
        ("", ValueError),
        (" \n", ValueError),
        ("\u200b", ValueError),  # nobody can see it, and a reader would leave it out
        ("half \ud800 a character", ValueError),
        (None, TypeError),
        (["q"], TypeError),
    ],
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
    ("queries.jsonl", b'{"_id": "q1"}\n', 'line 1: there is no "text"'),
    ("queries.jsonl", b"\xff\xfe", "not UTF-8"),
    ("qrels/test.tsv", b"\xff\xfe", "not UTF-8"),
    ("qrels/test.tsv", b"one 2\n", r"test.tsv, line 1: cannot tell"),
    ("qrels/test.tsv", f"{HEADER}q1\td1\n".encode(), r"test.tsv, line 2: expected 3 columns"),
    ("qrels/test.tsv", f"{HEADER}q1\td1\t2\nq1\td2\thigh\n".encode(), r"line 3: the grade 'high'"),
    ("qrels/test.tsv", f"{HEADER}q1\td1\t2\nq1\td1\t1\n".encode(), "line 3: 'd1' has the grade 1.*line 2"),
]


@pytest.mark.parametrize(("file", "content", "message"), MALFORMED)
def test_malformed_files_are_refused_and_left_untouched(tmp_path, file, content, message):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("which?"), "d1", 2)
    (tmp_path / file).write_bytes(content)
    before = files(tmp_path)
    with pytest.raises(CorpusError, match=message):
        Judgements(tmp_path)
    assert files(tmp_path) == before


@pytest.mark.parametrize(("file", "content", "message"), MALFORMED)
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


def test_a_file_of_grades_that_was_emptied_is_written_again_in_full(tmp_path):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("which?"), "d1", 2)
    (tmp_path / "qrels" / "test.tsv").write_bytes(b"")
    judgements.record("q1", "d2", 1)
    assert read_qrels(tmp_path) == f"{HEADER}q1\td1\t2\nq1\td2\t1\n"


# Files that others made


def test_a_foreign_file_loses_nothing_when_a_grade_is_added(file, tmp_path):
    queries = b'{"_id": 7, "text": "a\xe2\x80\xa8b", "metadata": {"kind": "negation"}}\r\n\r\n'
    queries += b'{"id": "q8", "text": "c", "metadata": null}'
    path = file("queries.jsonl", b"\xef\xbb\xbf" + queries)
    lines = '7\tunknown doc\t-1\n7\td1\t5\nq8\t"x"\t2\nq99\td1\t3\n'
    file("qrels/test.tsv", "\ufeff" + HEADER.replace("\n", "\r\n") + lines.replace("\n", "\r\n"))
    documents = {"d1": Chunk("d1", "one"), "d2": Chunk("d2", "two")}
    judgements = Judgements(tmp_path, documents)
    expected = {"7": {"unknown doc": -1, "d1": 5}, "q8": {'"x"': 2}, "q99": {"d1": 3}}
    assert judgements.qrels == expected and judgements.queries == {"7": "a\u2028b", "q8": "c"}
    assert judgements.add_query("new") == "q100"  # not q99, which has grades
    judgements.record("7", "d2", 1)
    expected["7"]["d2"] = 1
    assert Judgements(tmp_path).qrels == Judgements(tmp_path, documents).qrels == judgements.qrels == expected
    assert path.read_bytes() == queries + b'\n{"_id": "q100", "text": "new"}\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("qrels/test.tsv", "q1 0 d1 2\nq1 0 d2 -1\n"),
        ("qrels/test.tsv", "q1\td1\t2.0\n\nq1\td2\t-1\n"),
        ("qrels/test.tsv", "score\tcorpus-id\tquery-id\n2\td1\tq1\n-1\td2\tq1\n"),
        ("qrels.txt", "q1 0 d1 2\nq1 0 d2 -1\n"),
    ],
)
def test_another_layout_is_read_and_written_as_beirs_where_it_was(file, tmp_path, name, content):
    path = file(name, content)
    file("queries.jsonl", '{"_id": "q1", "text": "which?"}\n')
    judgements = Judgements(tmp_path)
    judgements.add_query("which?")
    assert path.read_text(encoding="utf-8") == content  # nothing was judged
    judgements.record("q1", Chunk("d3", "three"), 3)
    assert path.read_text(encoding="utf-8") == f"{HEADER}q1\td1\t2\nq1\td2\t-1\nq1\td3\t3\n"
    assert Judgements(tmp_path).qrels == {"q1": {"d1": 2, "d2": -1, "d3": 3}}


def test_packed_files_are_read_and_a_change_says_to_unpack_them(file, tmp_path):
    file("queries.jsonl.gz", gzip.compress(b'{"_id": "q1", "text": "which?"}\n'))
    file("qrels/test.tsv.gz", gzip.compress(f"{HEADER}q1\td1\t2\n".encode()))
    judgements = Judgements(tmp_path)
    assert judgements.qrels == {"q1": {"d1": 2}} and judgements.add_query("which?") == "q1"
    before = files(tmp_path)
    with pytest.raises(CorpusError, match=r"queries\.jsonl\.gz is packed.*not saved.*gunzip"):
        judgements.add_query("where?")
    with pytest.raises(CorpusError, match=r"test\.tsv\.gz is packed.*not saved.*gunzip"):
        judgements.record("q1", Chunk("d2", "two"), 1)
    assert files(tmp_path) == before and judgements.qrels == {"q1": {"d1": 2}}


def test_each_split_has_its_own_files(file, tmp_path):
    file("qrels/dev.tsv", f"{HEADER}q1\td1\t2\n")
    file("queries.jsonl", '{"_id": "q1", "text": "which?"}\n')
    for split in ("dev", "mine", "test"):
        judgements = Judgements(tmp_path, split=split)
        assert judgements.qrels == ({"q1": {"d1": 2}} if split == "dev" else {})
        judgements.record("q1", Chunk("d2", "two"), 1)
    names = {f"{split}{ending}" for split in ("dev", "mine", "test") for ending in (".tsv", ".texts.tsv")}
    assert {path.name for path in (tmp_path / "qrels").iterdir()} == names
    assert Judgements(tmp_path, split="dev").qrels == {"q1": {"d1": 2, "d2": 1}}
    with pytest.raises(CorpusError, match="split"):
        Judgements(tmp_path, split="../dev")


# Writing where it cannot be done, and where others write


@pytest.mark.parametrize("name", ["queries.jsonl", "qrels/test.tsv"])
def test_what_was_deleted_under_open_judgements_is_written_again_or_stays_away(tmp_path, name):
    judgements = Judgements(tmp_path)
    for text, document in (("first?", "d1"), ("second?", "d2")):
        judgements.record(judgements.add_query(text), Chunk(document, document), 2)
    (tmp_path / name).unlink()
    judgements.record("q1", Chunk("d3", "d3"), 1)
    again = Judgements(tmp_path)
    assert again.queries == {"q1": "first?", "q2": "second?"}
    deleted = {"q1": {"d3": 1}}
    assert again.qrels == (deleted if "test" in name else {"q1": {"d1": 2, "d3": 1}, "q2": {"d2": 2}})


def test_a_new_grade_takes_the_place_of_every_older_one_of_its_text(tmp_path):
    one, other = Chunk("row-2", "one"), Chunk("row-2", "other")
    judgements = Judgements(tmp_path)
    query = judgements.add_query("which?")
    for chunk, grade in ((one, 3), (other, 0), (one, 1), (other, 2), (one, 0)):
        judgements.record(query, chunk, grade)
        assert judgements.qrels == Judgements(tmp_path).qrels == {"q1": {"row-2": grade}}
    copies = {name: Chunk(name, "one") for name in "ab"} | {name: Chunk(name, "other") for name in "cd"}
    assert Judgements(tmp_path, copies).qrels == {"q1": {"a": 0, "c": 2}}


def test_an_id_alone_is_bound_to_the_text_that_is_known_under_it(tmp_path):
    documents = {"row-2": Chunk("row-2", "one")}
    judgements = Judgements(tmp_path, documents)
    query = judgements.add_query("which?")
    judgements.record(query, "row-2", 3)
    judgements.record(query, "elsewhere", 1)
    assert not judgements.is_open(query, documents["row-2"])
    moved = {"row-2": Chunk("row-2", "new"), "row-3": Chunk("row-3", "one")}
    assert Judgements(tmp_path, moved).qrels == {"q1": {"row-3": 3, "elsewhere": 1}}
    unknown = Judgements(tmp_path)
    unknown.record(query, "row-2", 0)
    assert unknown.is_open(query, documents["row-2"])  # nobody knows which text was meant


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
