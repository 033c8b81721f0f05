import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from filelock import FileLock

from rerank_course.text import Chunk
from rerank_course.texts.beir import CorpusError, read_beir
from rerank_course.texts.judgements import Judgements
from rerank_course.texts.judging import PROMPT, judge_in_terminal, pool
from rerank_course.texts.judging_notebook import NOT_JUDGED, judge_in_notebook

HEADER = "query-id\tcorpus-id\tscore\n"
CHUNKS = [Chunk(f"d{i}", f"Text of number {i}.", f"Title {i}") for i in range(4)]


class Person:
    """Types the given answers in turn, then ends the input; an exception among them is raised. Remembers what
    was shown.
    """

    def __init__(self, *answers):
        self.answers, self.shown = list(answers), []

    def ask(self, prompt):
        assert prompt == PROMPT
        if not self.answers:
            raise EOFError
        answer = self.answers.pop(0)
        if not isinstance(answer, str):
            raise answer
        return answer

    def judge(self, judgements, queries=("which?",), find=lambda query: CHUNKS):
        return judge_in_terminal(judgements, list(queries), find, ask=self.ask, show=self.shown.append)

    def cards(self):
        return [text for text in self.shown if " – " in text]


def read_qrels(folder):
    return (folder / "qrels" / "test.tsv").read_bytes().decode("utf-8")


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


# The folder


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
    old = '{"_id": "exp-q9", "text": "old", "metadata": {"kind": "negation"}}\n{"_id": "q7", "text": " spaced "}'
    (tmp_path / "queries.jsonl").write_text(old, encoding="utf-8")
    judgements = Judgements(tmp_path)
    assert (
        judgements.add_query("spaced") == "q7"
        and judgements.add_query("old") == "exp-q9"
        and judgements.add_query("new") == "q8"
    )
    assert (tmp_path / "queries.jsonl").read_text(
        encoding="utf-8"
    ) == old + '\n{"_id": "q8", "text": "new"}\n'


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
    assert (
        files(tmp_path) == before
        and judgements.qrels == {"q1": {"d1": 2}}
        and judgements.queries == {"q1": "which?"}
    )


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
    monkeypatch.setattr(judge, "PATIENCE", 0.1)
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
    assert (
        one.add_query("first") == "q1"
        and other.add_query("second") == "q2"
        and one.add_query("second") == "q2"
    )
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
    assert (
        sorted(judgements.queries.values()) == ["of both", "of one", "of other"]
        and len(judgements.queries) == 3
    )
    grades = {document: grade for judged in judgements.qrels.values() for document, grade in judged.items()}
    assert grades == {f"{name}-{number}": number % 4 for name in ("one", "other") for number in range(50)}
    for (own, _), name in zip(answers, ("one", "other")):
        assert judgements.queries[own.strip()] == f"of {name}"
        assert set(judgements.qrels[own.strip()]) == {f"{name}-{number}" for number in range(1, 50, 2)}


def start(script, *arguments):
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], **pipes, encoding="utf-8", env=environment
    )


# Pools


def ranking(*ids):
    return [(Chunk(i, f"text of {i}"), 1.0 / rank) for rank, i in enumerate(ids, start=1)]


def test_a_pool_holds_the_top_of_each_ranking_once():
    chunks = pool([ranking("a", "b", "c", "d"), ranking("c", "a", "e", "b")], depth=3)
    assert sorted(chunk.id for chunk in chunks) == ["a", "b", "c", "e"] and all(
        isinstance(chunk, Chunk) for chunk in chunks
    )
    assert pool([]) == pool([[], []]) == []
    assert len(pool([ranking(*map(str, range(30)))])) == 10


def test_the_order_of_a_pool_tells_nothing_about_the_systems():
    first, second = [f"a{i}" for i in range(10)], [f"b{i}" for i in range(10)]
    order = [chunk.id for chunk in pool([ranking(*first), ranking(*second)])]
    assert order == [
        chunk.id for chunk in pool([ranking(*second[::-1]), ranking(*first)])
    ]  # neither systems nor ranks change it
    assert order not in (first + second, second + first, sorted(order), sorted(order, reverse=True))
    assert 0 < sum(i.startswith("a") for i in order[:10]) < 10
    starts = {pool([ranking(*(f"{name}{i}" for i in range(3)))])[0].id[1:] for name in "abcdefgh"}
    assert len(starts) > 1  # another pool, another order


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([ranking("a")], 0), ValueError, "depth must be at least 1"),
        ((ranking("a"), 1), TypeError, r"pool\(\[ranking\]\)"),
        (({"bm25": ranking("a")}, 1), TypeError, "list of rankings"),
        (([[("a", 1.0)]], 1), TypeError, "found a str"),
    ],
)
def test_what_is_no_list_of_rankings(arguments, error, message):
    with pytest.raises(error, match=message):
        pool(*arguments)


# In a terminal


def test_fresh_judging_records_each_answer(tmp_path):
    person = Person("3", " 2 ", "1", "0")
    assert person.judge(Judgements(tmp_path)) == 4
    assert read_qrels(tmp_path) == f"{HEADER}q1\td0\t3\nq1\td1\t2\nq1\td2\t1\nq1\td3\t0\n"
    assert (
        "3 answers in full; 2 answers in part; 1 related, but does not answer; 0 not relevant"
        in person.shown[0]
    )
    assert sum("answers in full" in text for text in person.shown) == 1
    assert ["Query 1 of 1: which?" in card for card in person.cards()] == [True] * 4
    assert "3 of 4 – Title 2" in person.cards()[2] and "Text of number 2." in person.cards()[2]
    assert person.shown[-1].startswith("Done.") and str(tmp_path) in person.shown[-1]


@pytest.mark.parametrize("stop", ["q", "Q ", EOFError(), KeyboardInterrupt()])
def test_stopping_saves_and_the_same_call_goes_on(tmp_path, stop):
    person = Person("3", "s", "0", stop, "3")
    assert person.judge(Judgements(tmp_path)) == 2
    assert read_qrels(tmp_path) == f"{HEADER}q1\td0\t3\nq1\td2\t0\n" and person.answers == ["3"]
    assert "run the same call again" in person.shown[-1] and "saved in" in person.shown[-1]
    later = Person("1", "2")
    assert later.judge(Judgements(tmp_path)) == 2
    assert ["2 of 4 – Title 1" in later.cards()[0], "4 of 4 – Title 3" in later.cards()[1]] == [True, True]
    assert Judgements(tmp_path).qrels == {"q1": {"d0": 3, "d1": 1, "d2": 0, "d3": 2}}
    last = Person()
    assert last.judge(Judgements(tmp_path)) == 0 and not last.cards()
    assert "All its chunks are judged." in last.shown[1] and last.shown[-1].startswith("Done.")


def test_ctrl_c_during_a_search_stops_cleanly_too(tmp_path):
    def find(query):
        if query == "slow":
            raise KeyboardInterrupt
        return CHUNKS[:1]

    person = Person("2")
    assert person.judge(Judgements(tmp_path), ["fast", "slow"], find) == 1
    assert read_qrels(tmp_path) == f"{HEADER}q1\td0\t2\n" and person.shown[-1].startswith("Stopped.")


def test_going_back_changes_a_grade_and_skipping_keeps_it(tmp_path):
    person = Person("3", "2", "b", "b", "0", "s", "1", "q")
    assert person.judge(Judgements(tmp_path)) == 3
    assert Judgements(tmp_path).qrels == {"q1": {"d0": 0, "d1": 2, "d2": 1}}
    assert [card.split(" – ")[0][-6:] for card in person.cards()] == [
        f"{place} of 4" for place in (1, 2, 3, 2, 1, 2, 3, 4)
    ]
    assert "grade so far is 2; s keeps it" in person.cards()[3] and "so far" not in person.cards()[2]


def test_going_back_crosses_queries_and_stops_at_the_first(tmp_path):
    person = Person("b", "1", "b", "3", "2")
    assert person.judge(Judgements(tmp_path), ["first?", "second?"], lambda query: CHUNKS[:1]) == 2
    assert Judgements(tmp_path).qrels == {"q1": {"d0": 3}, "q2": {"d0": 2}}
    assert any("none to go back to" in text for text in person.shown)
    assert ["first?" in card for card in person.cards()] == [True, False, True, False]


@pytest.mark.parametrize("answer", ["", "4", "-1", "12", "01", "yes", "²", "ü", "2.0"])
def test_bad_input_asks_again_with_a_hint(tmp_path, answer):
    person = Person(answer, "2")
    assert person.judge(Judgements(tmp_path), find=lambda query: CHUNKS[:1]) == 1
    assert Judgements(tmp_path).qrels == {"q1": {"d0": 2}}
    assert (
        sum(f"{answer!r} is not one of the answers. Type 0, 1, 2 or 3" in text for text in person.shown) == 1
    )


def test_long_texts_are_wrapped_and_shortened(tmp_path):
    person = Person()
    long = Chunk("d1", "word " * 1000 + "\n\n\n" + "x" * 500, "Title")
    person.judge(Judgements(tmp_path), find=lambda query: [long, Chunk("d2", "a\n\n  b")])
    lines = person.cards()[0].split("\n\n")[1].splitlines()
    assert len(lines) == 12 and max(map(len, lines)) <= 90 and lines[-1] == "[… 51 more lines]"
    later = Person("s")
    later.judge(Judgements(tmp_path), find=lambda query: [long, Chunk("d2", "a\n\n  b")])
    assert "2 of 2 – d2\n\na\n  b\n" in later.cards()[1]


def test_control_characters_do_not_reach_the_terminal(tmp_path):
    person = Person()
    person.judge(
        Judgements(tmp_path), ["a\x1b[2Jb\nc"], lambda query: [Chunk("d1", "red \x1b[31m", "ti\x1btle")]
    )
    assert "\x1b" not in "".join(person.shown) and "b c" in person.cards()[0]


def test_nothing_found_is_said_and_the_next_query_follows(tmp_path):
    person = Person("3")
    assert (
        person.judge(
            Judgements(tmp_path), ["nothing?", "something?"], lambda query: CHUNKS[:1] * (query != "nothing?")
        )
        == 1
    )
    assert "Nothing was found" in person.shown[1] and Judgements(tmp_path).qrels == {"q2": {"d0": 3}}


def test_a_chunk_found_twice_is_asked_once(tmp_path):
    assert Person("3", "2", "1").judge(Judgements(tmp_path), find=lambda query: CHUNKS[:1] * 2) == 1


def test_queries_are_searched_only_when_they_are_reached(tmp_path):
    searched = []
    Person("1", "q").judge(
        Judgements(tmp_path), ["a", "b", "c"], lambda query: searched.append(query) or CHUNKS[:1]
    )
    assert searched == ["a", "b"]


def test_common_mistakes_are_named(tmp_path):
    with pytest.raises(TypeError, match=r"\[query\]"):
        judge_in_terminal(Judgements(tmp_path), "which?", lambda query: CHUNKS)
    with pytest.raises(TypeError, match=r"found a tuple.*pool\(\[ranking"):
        Person("1").judge(Judgements(tmp_path), find=lambda query: ranking("a"))


JUDGING = """
import sys
from rerank_course.texts.judgements import Judgements
from rerank_course.texts.judging import judge_in_terminal
from rerank_course.text import Chunk
judge_in_terminal(Judgements(sys.argv[1]), ["Größe?"], lambda query: [Chunk(f"d{i}", "text") for i in range(5)])
"""


def read_until(stream, text):
    read = ""
    while text not in read:
        character = stream.read(1)
        assert character, f"ended before {text!r}: {read}"
        read += character
    return read


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_loses_at_most_the_grade_that_is_being_typed(tmp_path):
    process = start(JUDGING, str(tmp_path))
    for answer in "32":
        read_until(process.stdout, PROMPT)
        process.stdin.write(f"{answer}\n")
        process.stdin.flush()
    read_until(process.stdout, PROMPT)
    process.stdin.write("1")  # typed, but not entered
    process.stdin.flush()
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    process.stdin.close()
    process.stdout.close()
    assert Judgements(tmp_path).qrels == {"q1": {"d0": 3, "d1": 2}} and Judgements(tmp_path).queries == {
        "q1": "Größe?"
    }
    second = start(JUDGING, str(tmp_path))
    shown, _ = second.communicate("0\n", timeout=60)
    assert (
        second.returncode == 0
        and "3 of 5 – d2" in shown
        and "1 of 5" not in shown
        and "run the same call again" in shown
    )
    assert Judgements(tmp_path).qrels == {"q1": {"d0": 3, "d1": 2, "d2": 0}}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_at_any_moment_of_saving_leaves_whole_files(tmp_path):
    script = "import sys, itertools\nfrom rerank_course.judge import Judgements\nj = Judgements(sys.argv[1])\nq = j.add_query('q')\n"
    script += "for i in itertools.count(len(j.qrels.get(q, {}))):\n    j.record(q, f'd{i}', i % 4)\n    print(i, flush=True)\n"
    for attempt in range(4):
        process = start(script, str(tmp_path))
        for _ in range(5 + attempt):
            last = int(process.stdout.readline())
        process.kill()
        said = [*map(int, process.communicate()[0].split())]
        grades = Judgements(tmp_path).qrels["q1"]
        assert grades == {f"d{i}": i % 4 for i in range(len(grades))} and len(grades) > max([last, *said])


# In a notebook


def rows(widget):
    """[(text, buttons, message), …] of each chunk."""
    return [(row.children[0], *row.children[1].children) for row in widget.children[1:]]


def test_the_widget_records_when_a_button_changes(tmp_path):
    judgements = Judgements(tmp_path)
    widget = judge_in_notebook(judgements, " Größe? ", CHUNKS)
    buttons = [button for _, button, _ in rows(widget)]
    assert len(buttons) == 4 and {button.value for button in buttons} == {NOT_JUDGED}
    assert buttons[0]._options_labels == ("–", "0", "1", "2", "3")
    buttons[1].value = 3
    assert read_qrels(tmp_path) == f"{HEADER}q1\td1\t3\n" and rows(widget)[1][2].value == "saved"
    buttons[1].set_state({"index": 1})  # what a click in the browser sends
    buttons[2].set_state({"index": 3})
    assert Judgements(tmp_path).qrels == judgements.qrels == {
        "q1": {"d1": 0, "d2": 2}
    } and judgements.queries == {"q1": "Größe?"}


def test_grades_that_are_there_are_shown(tmp_path):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("which?"), "d2", 0)
    before = files(tmp_path)
    assert [button.value for _, button, _ in rows(judge_in_notebook(judgements, "which?", CHUNKS))] == [
        NOT_JUDGED,
        NOT_JUDGED,
        0,
        NOT_JUDGED,
    ]
    assert files(tmp_path) == before


def test_a_grade_is_changed_but_not_taken_back(tmp_path):
    widget = judge_in_notebook(Judgements(tmp_path), "which?", CHUNKS[:1])
    ((_, buttons, message),) = rows(widget)
    buttons.value = 2
    buttons.value = NOT_JUDGED
    assert (
        buttons.value == 2
        and "not taken back" in message.value
        and Judgements(tmp_path).qrels == {"q1": {"d0": 2}}
    )


def test_a_click_that_cannot_be_saved_says_so_and_is_not_shown_as_saved(tmp_path):
    ((_, buttons, message),) = rows(judge_in_notebook(Judgements(tmp_path), "which?", CHUNKS[:1]))
    (tmp_path / "queries.jsonl").write_text("{<not json>}", encoding="utf-8")
    buttons.value = 2
    assert (
        buttons.value == NOT_JUDGED and "Not saved" in message.value and "line 1 is not JSON" in message.value
    )


def test_html_is_escaped_and_long_texts_are_shortened(tmp_path):
    evil = '<script>alert("1")</script> & <b>'
    widget = judge_in_notebook(
        Judgements(tmp_path),
        f"query {evil}",
        [Chunk("d1", evil, f"title {evil}"), Chunk("d2", "word " * 1000)],
    )
    shown = [widget.children[0].value, *(text.value for text, _, _ in rows(widget))]
    for text in shown[:2]:
        assert (
            "<script" not in text
            and "&lt;script&gt;alert(&quot;1&quot;)" in text
            and "&amp; &lt;b&gt;" in text
        )
    assert shown[1].count("&lt;script") == 2 and len(shown[2]) < 1200 and "more lines]" in shown[2]


def test_queries_of_a_widget_and_a_terminal_are_the_same(tmp_path):
    judgements = Judgements(tmp_path)
    rows(judge_in_notebook(judgements, "which?", CHUNKS))[0][1].value = 1
    person = Person("2", "q")
    assert person.judge(judgements) == 1 and "2 of 4" in person.cards()[0]
    assert [
        json.loads(line)["_id"]
        for line in (tmp_path / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    ] == ["q1"]


def test_a_widget_names_what_is_no_chunk(tmp_path):
    with pytest.raises(TypeError, match="found a tuple"):
        judge_in_notebook(Judgements(tmp_path), "which?", ranking("a"))
