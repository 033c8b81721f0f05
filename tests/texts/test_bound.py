"""Grades after their texts were edited: real files are judged, changed and read again."""

import os
import re
import signal
import warnings

import pytest

from rerank_course.text import Chunk
from rerank_course.texts import judged_texts
from rerank_course.texts.bound import TextsNow, current_grades, fingerprint, is_place, placed
from rerank_course.texts.corpora import judgements_folder, load_corpus
from rerank_course.texts.files import CorpusError
from rerank_course.texts.judged_texts import Given, State, read_texts
from rerank_course.texts.judgements import Judgements
from tests.texts.judging_support import HEADER, files, read_qrels, start

OPEN, CARDS, LIFT, DOGS, NEW = (
    "We open at ten.",
    "Cards are free.",
    "The lift is out of order.",
    "No dogs.",
    "Brand new.",
)
TABLE = {OPEN: 3, CARDS: 0, LIFT: 1, DOGS: 2}


def write_table(path, *texts):
    path.write_text("text\n" + "".join(f'"{text}"\n' for text in texts), encoding="utf-8")


def judge(path, grades, query="When is it open?"):
    """Grade texts of a corpus by what they say."""
    with warnings.catch_warnings(action="ignore"):
        corpus = load_corpus(path)
    judgements = Judgements(judgements_folder(path), corpus.documents)
    name = judgements.add_query(query)
    for text, grade in grades.items():
        chunk = next(chunk for chunk in corpus.documents.values() if chunk.text == text)
        judgements.record(name, chunk, grade)
    return judgements


def read(path):
    """({text: grade} of the only query, the warnings) of a corpus as it is now."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        corpus = load_corpus(path)
    assert set(corpus.qrels) <= {"q1"}
    by_text = [(corpus.documents[name].text, grade) for name, grade in corpus.qrels.get("q1", {}).items()]
    assert len(dict(by_text)) == len(by_text)
    return dict(by_text), " ".join(str(warning.message) for warning in caught)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "faq.csv"
    write_table(path, *TABLE)
    judge(path, TABLE)
    return path


def test_grades_are_read_as_they_were_given(table, no_warnings):
    assert load_corpus(table).qrels == {"q1": {"row-2": 3, "row-3": 0, "row-4": 1, "row-5": 2}}
    folder = judgements_folder(table)
    assert read_qrels(folder) == f"{HEADER}q1\trow-2\t3\nq1\trow-3\t0\nq1\trow-4\t1\nq1\trow-5\t2\n"
    lines = (folder / "qrels" / "test.texts.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == ["query-id", "corpus-id", "score", "text-sha256", "state"]
    assert lines[1].split("\t") == ["q1", "row-2", "3", fingerprint(Chunk("x", OPEN)), "current"]


EDITS = {
    "a row on top": [NEW, *TABLE],
    "two rows on top": [NEW, "More.", *TABLE],
    "a row in between": [OPEN, CARDS, NEW, LIFT, DOGS],
    "the first row removed": [CARDS, LIFT, DOGS],
    "the last row removed": [OPEN, CARDS, LIFT],
    "two swapped": [CARDS, OPEN, LIFT, DOGS],
    "all in reverse": [*reversed(TABLE)],
    "one edited": [OPEN, "Cards cost one euro.", LIFT, DOGS],
    "one edited, one on top": [NEW, OPEN, CARDS, "The lift works.", DOGS],
    "all edited": [f"{text} Really." for text in TABLE],
    "lines wrapped anew": [text.replace(" ", "\n", 2) for text in TABLE],
    "blanks doubled": [text.replace(" ", "  ") for text in TABLE],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_after_an_edit_no_grade_is_on_another_text_and_none_is_lost(table, edit):
    before = files(judgements_folder(table))
    write_table(table, *edit)
    grades, said = read(table)
    kept = {text: TABLE[" ".join(text.split())] for text in edit if " ".join(text.split()) in TABLE}
    assert grades == kept
    lost = len(TABLE) - len(kept)
    assert ("judge" in said.lower(), said.count("for the query 'q1'")) == (lost > 0, min(lost, 3))
    assert not lost or re.search(rf"test\.tsv: {lost} grades? w\w+ given for texts .* --judge", said)
    assert files(judgements_folder(table)) == before  # reading writes nothing
    write_table(table, *TABLE)
    assert read(table) == (TABLE, "")


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_save_after_an_edit_writes_the_ids_as_they_are_now_and_the_undone_edit_brings_all_back(table, edit):
    write_table(table, *edit)
    judge(table, {edit[0]: 1}, "another?")
    folder = judgements_folder(table)
    now = {" ".join(text.split()): f"row-{row}" for row, text in enumerate(edit, start=2)}
    lines = read_qrels(folder).splitlines()[1:]
    expected = {f"q1\t{now[text]}\t{grade}" for text, grade in TABLE.items() if text in now}
    assert {line for line in lines if line.startswith("q1")} == expected
    write_table(table, *TABLE)
    assert judge(table, {}).qrels["q1"] == {"row-2": 3, "row-3": 0, "row-4": 1, "row-5": 2}


def test_what_has_changed_is_judged_again_and_then_there_is_nothing_to_say(table):
    edited = [NEW, "We open at nine.", CARDS, LIFT, DOGS]
    write_table(table, *edited)
    with pytest.warns(UserWarning, match="1 grade was given.*'row-2' for the query 'q1'"):
        corpus = load_corpus(table)
    judgements = Judgements(judgements_folder(table), corpus.documents)
    assert judgements.outdated == {"q1": {"row-2": 3}}
    assert [name for name, chunk in corpus.documents.items() if judgements.is_open("q1", chunk)] == [
        "row-2",
        "row-3",
    ]
    judgements.record("q1", corpus.documents["row-3"], 2)
    judgements.record("q1", corpus.documents["row-2"], 0)
    judgements.finish("q1")
    assert judgements.outdated == {}
    grades, said = read(table)
    assert said == "" and grades == {NEW: 0, "We open at nine.": 2, CARDS: 0, LIFT: 1, DOGS: 2}
    write_table(table, OPEN, *edited)
    assert read(table) == ({OPEN: 3, **grades}, "")  # the old text is back, and its grade


def test_a_text_with_an_id_of_its_own_is_judged_again(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("id,text\nopen,We open at ten.\ncards,Cards are free.\n", encoding="utf-8")
    judge(path, {OPEN: 3, CARDS: 1})
    path.write_text("id,text\ncards,Cards are free.\nopen,We open at nine.\n", encoding="utf-8")
    grades, said = read(path)
    assert grades == {CARDS: 1} and "'open' for the query 'q1'" in said
    judge(path, {"We open at nine.": 2})
    assert read(path) == ({CARDS: 1, "We open at nine.": 2}, "")


# Several documents with one text


def test_a_copy_has_no_grade_until_it_is_judged_by_itself(table):
    write_table(table, *TABLE, DOGS)
    judgements = judge(table, {})
    assert judgements.qrels == {"q1": {"row-2": 3, "row-3": 0, "row-4": 1, "row-5": 2}}
    write_table(table, DOGS, *TABLE)
    judgements = judge(table, {})
    assert judgements.qrels == {"q1": {"row-3": 3, "row-4": 0, "row-5": 1, "row-2": 2}}  # one of the two
    judgements.record("q1", "row-6", 1)
    write_table(table, NEW, DOGS, *TABLE)
    qrels = load_corpus(table).qrels["q1"]
    assert sorted((qrels["row-3"], qrels["row-7"])) == [1, 2] and len(qrels) == 5
    write_table(table, *TABLE)
    grades, said = read(table)
    assert grades.keys() == TABLE.keys() and said == ""  # its text has a grade: nothing is to be judged again
    write_table(table, DOGS, *TABLE)
    assert sum(map(len, load_corpus(table).qrels.values())) == 5


def test_a_grade_stays_with_its_document_where_several_have_the_text():
    documents = {name: Chunk(name, "same") for name in "abc"}
    text = TextsNow(documents).of["a"]
    given = [Given("q", "c", 3, text), Given("q", "gone", 1, text), Given("q", "b", 0)]
    assert [(one.document, one.grade) for one in placed(given, TextsNow(documents))] == [
        ("c", 3),
        ("a", 1),  # not b, which has a grade, if one that does not know its text
        ("b", 0),
    ]
    more = [*given, Given("q", "also gone", 2, text), Given("q", "and this", 1, text)]
    found = placed(more, TextsNow(documents))
    assert [one.state for one in found[2:]] == [State.OUTDATED, State.CURRENT, State.REPLACED]
    assert found[3].document == "b"


# Folders of notes


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "my notes"
    (folder / "sub").mkdir(parents=True)
    (folder / "faq.md").write_text(f"# Hours\n{OPEN}\n# Cards\n{CARDS}\n", encoding="utf-8")
    (folder / "sub" / "lift & co.md").write_text(f"# Lift\n{LIFT}\n", encoding="utf-8")
    judge(folder, {OPEN: 3, CARDS: 0, LIFT: 1})
    return folder


def test_a_section_on_top_moves_the_grades_along(notes):
    text = (notes / "faq.md").read_text(encoding="utf-8")
    (notes / "faq.md").write_text(f"# New\n{NEW}\n{text}", encoding="utf-8")
    assert read(notes) == ({OPEN: 3, CARDS: 0, LIFT: 1}, "")
    assert load_corpus(notes).qrels["q1"] == {"faq.md#2": 3, "faq.md#3": 0, "sub/lift & co.md#1": 1}


def test_a_file_that_is_renamed_or_moved_keeps_its_grades(notes):
    (notes / "faq.md").rename(notes / "sub" / "häufige Fragen.md")
    (notes / "sub" / "lift & co.md").rename(notes / "zz.md")
    (notes / "faq.md").write_text(f"# Hours\n{NEW}\n", encoding="utf-8")
    assert read(notes) == ({OPEN: 3, CARDS: 0, LIFT: 1}, "")


def test_another_heading_makes_another_text(notes):
    text = (notes / "faq.md").read_text(encoding="utf-8")
    (notes / "faq.md").write_text(text.replace("# Hours", "# Hours in winter"), encoding="utf-8")
    grades, said = read(notes)
    assert grades == {CARDS: 0, LIFT: 1} and "1 grade was given" in said and "'faq.md#1'" in said
    (notes / "faq.md").write_text(text, encoding="utf-8")
    assert read(notes) == ({OPEN: 3, CARDS: 0, LIFT: 1}, "")


def test_a_plain_text_is_called_as_its_file_so_that_renaming_it_changes_its_heading(notes):
    (notes / "dogs.txt").write_text(DOGS, encoding="utf-8")
    judge(notes, {DOGS: 2})
    (notes / "dogs.txt").rename(notes / "cats.txt")
    grades, said = read(notes)
    assert DOGS not in grades and "changed, in body or heading" in said and "'dogs.txt#1'" in said
    (notes / "cats.txt").rename(notes / "sub" / "dogs.txt")
    assert read(notes) == ({OPEN: 3, CARDS: 0, LIFT: 1, DOGS: 2}, "")


def test_texts_that_are_all_gone_leave_no_grades_and_are_not_refused(notes):
    (notes / "faq.md").write_text("Nothing of what was.", encoding="utf-8")
    (notes / "sub" / "lift & co.md").unlink()
    grades, said = read(notes)
    assert grades == {} and "3 grades were given" in said


# By hand


def lines_of(table):
    return read_qrels(judgements_folder(table)).splitlines(keepends=True)


def put(table, lines):
    (judgements_folder(table) / "qrels" / "test.tsv").write_text("".join(lines), encoding="utf-8")


def test_a_grade_that_was_changed_by_hand_wins_and_follows_its_text(table):
    put(table, [line.replace("row-3\t0", "row-3\t3") for line in lines_of(table)])
    assert read(table) == (TABLE | {CARDS: 3}, "")
    write_table(table, NEW, *TABLE)
    assert read(table) == (TABLE | {CARDS: 3}, "")
    judge(table, {NEW: 1})
    assert read(table) == (TABLE | {CARDS: 3, NEW: 1}, "")


@pytest.mark.parametrize("row", range(2, 6))
def test_a_line_that_was_deleted_by_hand_is_gone(table, row):
    judgements = judge(table, {})  # still open in a notebook
    put(table, [line for line in lines_of(table) if f"row-{row}" not in line])
    expected = {text: grade for at, (text, grade) in enumerate(TABLE.items(), start=2) if at != row}
    assert read(table) == (expected, "")
    judgements.add_query("another?")
    write_table(table, NEW, *TABLE)
    assert read(table) == (expected, "")


def test_a_line_that_was_added_by_hand_counts_and_is_said_not_to_know_its_text(table):
    write_table(table, *TABLE, NEW)
    put(table, [*lines_of(table), "q1\trow-6\t1\n"])
    grades, said = read(table)
    assert grades == TABLE | {NEW: 1}
    assert re.search(r"1 grade in .*test\.tsv does not know the text that it was given for: 'row-6'", said)
    judge(table, {NEW: 1})
    assert read(table) == (TABLE | {NEW: 1}, "")


def test_a_grade_that_moved_goes_before_one_that_does_not_know_its_text(table):
    write_table(table, *TABLE, NEW)
    put(table, [*lines_of(table), "q1\trow-6\t0\n"])
    write_table(table, NEW, *TABLE)
    assert read(table) == (TABLE, "")
    judge(table, {NEW: 1})
    write_table(table, *TABLE, NEW)
    grades, _ = read(table)
    assert grades == TABLE | {NEW: 1}


def test_a_file_that_was_emptied_is_refused_and_one_that_was_deleted_begins_anew(table):
    path = judgements_folder(table) / "qrels" / "test.tsv"
    path.write_bytes(b"")
    before = files(judgements_folder(table))
    for read_again in (load_corpus, lambda table: Judgements(judgements_folder(table))):
        with pytest.raises(CorpusError, match=r"test\.tsv is empty.*delete it and test\.texts\.tsv"):
            read_again(table)
    assert files(judgements_folder(table)) == before
    path.unlink()
    assert read(table) == ({}, "")
    judge(table, {CARDS: 2})
    assert read(table) == ({CARDS: 2}, "")


# Judgements that were made without texts


def test_older_judgements_of_places_count_and_are_said_to_be_in_doubt(table):
    (judgements_folder(table) / "qrels" / "test.texts.tsv").unlink()
    put(table, [*lines_of(table), "q1\trow-77\t3\n"])
    write_table(table, NEW, *TABLE)
    grades, said = read(table)
    assert grades == {NEW: 3, OPEN: 0, CARDS: 1, LIFT: 2}
    assert "4 grades in" in said and "do not know the text that they were given for" in said
    judgements = judge(table, {OPEN: 3})  # confirms or changes one; the others stay in doubt
    assert [name for name in ("row-2", "row-3") if judgements.is_open("q1", Chunk(name, OPEN))] == ["row-2"]
    assert "q1\trow-77\t3\n" in read_qrels(judgements_folder(table))
    write_table(table, "More.", NEW, *TABLE)
    grades, said = read(table)
    assert grades[OPEN] == 3 and "2 grades in" in said  # one went out of the way of what is known


def test_ids_of_its_own_and_no_texts_file_need_no_warning(tmp_path, no_warnings):
    documents = {name: Chunk(name, name) for name in ("a", "row", "row-x", "C#1", "4983")}
    qrels = {"q": {"a": 2, "row": -1, "row-x": 1, "C#1": 3, "4983": 0, "unknown": 1}}
    assert current_grades(tmp_path, documents, qrels) == qrels
    assert files(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("row-2", True),
        ("faq.md#1", True),
        ("my notes/how to (2).txt#12", True),
        ("a\nb.html#3", True),
        ("row-", False),
        ("arrow-2", False),
        ("faq.md", False),
        ("C#7", False),
        ("MED-10", False),
        ("", False),
    ],
)
def test_which_ids_are_places(name, expected):
    assert is_place(name) is expected


def test_what_makes_two_texts_the_same():
    one = Chunk("a", "Grüße an\n alle ", "Ti tel")
    assert fingerprint(one) == fingerprint(Chunk("b", "Gru\u0308\u00dfe an alle", "Ti  tel"))
    assert fingerprint(one) == fingerprint(one.without_heading())
    others = [Chunk("a", "Grüße an alle."), Chunk("a", one.text), Chunk("a", one.text, "titel")]
    assert len({fingerprint(one), *map(fingerprint, others)}) == 4
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(Chunk("a", "\ud800")))


# The file itself


def texts_file(table):
    return judgements_folder(table) / "qrels" / "test.texts.tsv"


def test_a_file_of_texts_that_ends_early_is_refused_wherever_it_ends(table):
    whole = texts_file(table).read_bytes()
    for length in range(0, len(whole) - 1, 7):  # without the last line end it still says everything
        texts_file(table).write_bytes(whole[:length])
        before = files(judgements_folder(table))
        with pytest.raises(CorpusError, match=r"test\.texts\.tsv, line \d+: .*delete it"):
            Judgements(judgements_folder(table))
        assert files(judgements_folder(table)) == before
    with pytest.raises(CorpusError, match=r"line 6.*delete it"):
        load_corpus(table)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("query-id", "query", 1),
        ("\t3\t", "\tthree\t", 2),
        ("\t3\t", "\t\t", 2),
        ("current", "lost", 2),
        ("row-2", "", 2),
        ("q1\trow-3", "q1\trow-2", 3),
        ("q1\trow-3\t0\t", "q1\trow-3\t0\tx", 3),
        ("q1\trow-5", "row-5", 5),
        ("\t4\t", "\t5\t", 6),
        ("\t\t4\t", "\t\t4\tz", 6),
    ],
)
def test_a_file_of_texts_that_is_malformed_is_refused_with_its_line_and_not_written_over(
    table, old, new, line
):
    judgements = Judgements(judgements_folder(table))
    content = texts_file(table).read_text(encoding="utf-8")
    texts_file(table).write_text(content.replace(old, new, 1), encoding="utf-8")
    before = files(judgements_folder(table))
    with pytest.raises(CorpusError, match=rf"test\.texts\.tsv, line {line}: "):
        Judgements(judgements_folder(table))
    with pytest.raises(CorpusError, match=rf"test\.texts\.tsv, line {line}: "):
        judgements.record("q1", "row-2", 1)
    assert files(judgements_folder(table)) == before


def test_line_ends_of_windows_and_a_byte_order_mark_do_no_harm(table):
    for path in (texts_file(table), texts_file(table).with_name("test.tsv")):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    write_table(table, NEW, *TABLE)
    assert read(table) == (TABLE, "")


def test_ids_with_quotes_and_blanks_come_back(tmp_path):
    documents = {
        name: Chunk(name, f"text {at}") for at, name in enumerate(['"a"', 'b "c" d', " e", "f ", "#g"])
    }
    judgements = Judgements(tmp_path, documents)
    query = judgements.add_query("which?")
    for grade, chunk in enumerate(documents.values()):
        judgements.record(query, chunk, grade % 4)
    expected = {"q1": dict(zip(documents, (0, 1, 2, 3, 0)))}
    assert Judgements(tmp_path, documents).qrels == Judgements(tmp_path).qrels == expected
    assert [one.document for one in read_texts(tmp_path / "qrels" / "test.texts.tsv").given] == [*documents]


# Kills, and others who write


@pytest.mark.parametrize("cut", ["grades", "texts"])
@pytest.mark.parametrize("edit", [[*TABLE, NEW], [NEW, *TABLE], [CARDS, OPEN, LIFT, NEW]])
def test_a_save_that_is_cut_off_binds_no_grade_to_another_text(table, monkeypatch, edit, cut):
    write_table(table, *edit)
    expected, _ = read(table)
    replace = os.replace

    def cut_off(scratch, path):
        if path.name == ("test.tsv" if cut == "grades" else "test.texts.tsv"):
            raise KeyboardInterrupt
        replace(scratch, path)

    monkeypatch.setattr(judged_texts.os, "replace", cut_off)
    with pytest.raises(KeyboardInterrupt):
        judge(table, {NEW: 2})
    monkeypatch.undo()
    after, _ = read(table)
    assert after == expected | ({NEW: 2} if cut == "grades" else {})
    write_table(table, "More.", *edit)
    assert read(table)[0] == after  # also after another edit, with the files as they were left
    judge(table, {"More.": 0})
    assert read(table)[0] == after | {"More.": 0}
    assert not list(judgements_folder(table).rglob("*.part"))


SAVES_AND_EDITS = """
import itertools, sys
from pathlib import Path
from rerank_course.texts.corpora import judgements_folder, load_corpus
from rerank_course.texts.judgements import Judgements
path = Path(sys.argv[1])
for i in itertools.count():
    rows = [f"text {n}" for n in range(10)]
    rows = rows[i % 10:] + rows[:i % 10]
    path.write_text("text\\n" + "\\n".join(rows) + "\\n")
    documents = load_corpus(path).documents
    judgements = Judgements(judgements_folder(path), documents)
    query = judgements.add_query("q")
    chunk = documents[f"row-{2 + i % 7}"]
    judgements.record(query, chunk, int(chunk.text[-1]) % 4)
    print(i, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_while_rows_move_leaves_every_grade_on_its_text(tmp_path):
    table = tmp_path / "rows.csv"
    for attempt in range(4):
        process = start(SAVES_AND_EDITS, str(table))
        for _ in range(5 + 3 * attempt):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdin.close()
        process.stdout.close()
        if not table.stat().st_size:
            continue  # the table itself was cut off
        corpus = load_corpus(table)
        assert corpus.qrels["q1"]
        for name, grade in corpus.qrels["q1"].items():
            assert grade == int(corpus.documents[name].text[-1]) % 4


WRITER = """
import sys
from pathlib import Path
from rerank_course.text import Chunk
from rerank_course.texts.judgements import Judgements
folder, name = sys.argv[1:]
shift = 1 if name == "one" else 5
documents = {f"row-{n + shift}": Chunk(f"row-{n + shift}", f"text {n}") for n in range(40)}
judgements = Judgements(folder, documents)
print("ready", flush=True)
sys.stdin.readline()
query = judgements.add_query("of both")
for n in range(name == "one", 40, 2):
    judgements.record(query, documents[f"row-{n + shift}"], n % 4)
"""


def test_two_processes_that_know_the_texts_by_other_ids_lose_and_swap_nothing(tmp_path):
    writers = [start(WRITER, str(tmp_path), name) for name in ("one", "other")]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * 2
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    while any(writer.poll() is None for writer in writers):
        Judgements(tmp_path)
    answers = [writer.communicate(timeout=60) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], answers
    documents = {f"d{n}": Chunk(f"d{n}", f"text {n}") for n in range(40)}
    assert Judgements(tmp_path, documents).qrels == {"q1": {f"d{n}": n % 4 for n in range(40)}}


def test_a_corpus_is_read_while_another_process_saves_and_every_grade_is_on_its_text(table):
    corpus = load_corpus(table)
    raw = {"q1": {"row-2": 3, "row-3": 0, "row-4": 1, "row-5": 2}}  # read before the other one saved
    moved = {f"row-{row}": Chunk(f"row-{row}", text) for row, text in enumerate([NEW, *TABLE], start=2)}
    Judgements(judgements_folder(table), moved).record("q1", moved["row-2"], 1)
    with pytest.warns(UserWarning, match="1 grade was given for texts"):
        assert current_grades(judgements_folder(table), corpus.documents, raw) == raw
