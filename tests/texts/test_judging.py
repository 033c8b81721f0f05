"""Pools, and judging in a terminal."""

import os
import signal

import pytest

from rerank_course.text import Chunk
from rerank_course.texts.judgements import Judgements
from rerank_course.texts.judging import PROMPT, judge_in_terminal, pool
from tests.texts.judging_support import CHUNKS, HEADER, Person, ranking, read_qrels, start


def test_a_pool_holds_the_top_of_each_ranking_once():
    chunks = pool([ranking("a", "b", "c", "d"), ranking("c", "a", "e", "b")], depth=3)
    assert sorted(chunk.id for chunk in chunks) == ["a", "b", "c", "e"]
    assert all(isinstance(chunk, Chunk) for chunk in chunks)
    assert pool([]) == pool([[], []]) == []
    assert len(pool([ranking(*map(str, range(30)))])) == 10


def test_the_order_of_a_pool_tells_nothing_about_the_systems():
    first, second = [f"a{i}" for i in range(10)], [f"b{i}" for i in range(10)]
    order = [chunk.id for chunk in pool([ranking(*first), ranking(*second)])]
    again = pool([ranking(*second[::-1]), ranking(*first)])
    assert order == [chunk.id for chunk in again]  # neither systems nor ranks change it
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


def test_fresh_judging_records_each_answer(tmp_path):
    person = Person("3", " 2 ", "1", "0")
    assert person.judge(Judgements(tmp_path)) == 4
    assert read_qrels(tmp_path) == f"{HEADER}q1\td0\t3\nq1\td1\t2\nq1\td2\t1\nq1\td3\t0\n"
    meanings = "3 answers in full; 2 answers in part; 1 related, but does not answer; 0 not relevant"
    assert meanings in person.shown[0]
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
    hint = f"{answer!r} is not one of the answers. Type 0, 1, 2 or 3"
    assert sum(hint in text for text in person.shown) == 1


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
    person, chunk = Person(), Chunk("d1", "red \x1b[31m", "ti\x1btle")
    person.judge(Judgements(tmp_path), ["a\x1b[2Jb\nc"], lambda query: [chunk])
    assert "\x1b" not in "".join(person.shown) and "b c" in person.cards()[0]


def test_nothing_found_is_said_and_the_next_query_follows(tmp_path):
    def find(query):
        return CHUNKS[:1] * (query != "nothing?")

    person = Person("3")
    assert person.judge(Judgements(tmp_path), ["nothing?", "something?"], find) == 1
    assert "Nothing was found" in person.shown[1] and Judgements(tmp_path).qrels == {"q2": {"d0": 3}}


def test_a_chunk_found_twice_is_asked_once(tmp_path):
    assert Person("3", "2", "1").judge(Judgements(tmp_path), find=lambda query: CHUNKS[:1] * 2) == 1


def test_queries_are_searched_only_when_they_are_reached(tmp_path):
    searched = []

    def find(query):
        searched.append(query)
        return CHUNKS[:1]

    Person("1", "q").judge(Judgements(tmp_path), ["a", "b", "c"], find)
    assert searched == ["a", "b"]


def test_common_mistakes_are_named(tmp_path):
    with pytest.raises(TypeError, match=r"\[query\]"):
        judge_in_terminal(Judgements(tmp_path), "which?", lambda query: CHUNKS)
    with pytest.raises(TypeError, match=r"found a tuple.*pool\(\[ranking"):
        Person("1").judge(Judgements(tmp_path), find=lambda query: ranking("a"))


# Texts that have changed since


def rows(*texts):
    return {f"row-{row}": Chunk(f"row-{row}", text) for row, text in enumerate(texts, start=2)}


def judge_rows(folder, documents, *answers):
    person = Person(*answers)
    graded = person.judge(Judgements(folder, documents), find=lambda query: list(documents.values()))
    return person, graded


def test_only_what_has_changed_is_asked_again(tmp_path):
    judge_rows(tmp_path, rows("one", "two", "three"), "3", "0", "1")
    documents = rows("new", "one", "two, edited", "three")
    assert Judgements(tmp_path, documents).outdated == {"q1": {"row-3": 0}}
    person, graded = judge_rows(tmp_path, documents, "2", "q")
    assert graded == 1 and ["row-2" in person.cards()[0], "row-4" in person.cards()[1]] == [True, True]
    assert not any("so far" in card for card in person.cards())
    assert Judgements(tmp_path, documents).outdated == {"q1": {"row-3": 0}}  # not yet judged to the end
    person, graded = judge_rows(tmp_path, documents, "1")
    assert graded == 1 and len(person.cards()) == 1 and person.shown[-1].startswith("Done.")
    judgements = Judgements(tmp_path, documents)
    assert judgements.outdated == {}
    assert judgements.qrels == {"q1": {"row-2": 2, "row-3": 3, "row-4": 1, "row-5": 1}}
    person, graded = judge_rows(tmp_path, rows("one", "two", "three"))
    assert graded == 0 and not person.cards()  # the edits are undone: all grades are there
    assert Judgements(tmp_path, rows("one", "two", "three")).qrels["q1"] == {
        "row-2": 3,
        "row-3": 0,
        "row-4": 1,
    }


def test_a_text_that_was_taken_away_is_not_reported_once_its_query_is_judged_again(tmp_path):
    judge_rows(tmp_path, rows("one", "two", "three"), "3", "0", "1")
    documents = rows("one", "three")
    assert Judgements(tmp_path, documents).outdated == {"q1": {"row-3": 0}}
    person, graded = judge_rows(tmp_path, documents)
    assert graded == 0 and "All its chunks are judged." in person.shown[1]
    assert Judgements(tmp_path, documents).outdated == {}


def test_skipping_leaves_a_query_unfinished(tmp_path):
    judge_rows(tmp_path, rows("one", "two"), "3", "0")
    documents = rows("one", "two, edited")
    judge_rows(tmp_path, documents, "s")
    assert Judgements(tmp_path, documents).outdated == {"q1": {"row-3": 0}}


def test_grades_of_places_without_a_text_are_asked_again_and_shown(tmp_path):
    old = Judgements(tmp_path)
    query = old.add_query("which?")
    for name, grade in (("row-2", 3), ("row-3", 0), ("own", 2)):
        old.record(query, name, grade)
    documents = rows("one", "two") | {"own": Chunk("own", "three")}
    person, graded = judge_rows(tmp_path, documents, "1", "s")
    assert graded == 1 and len(person.cards()) == 2
    assert (
        "(row-2 has the grade 3, perhaps for another text. Type a grade for this one.)" in person.cards()[0]
    )
    assert Judgements(tmp_path, rows("new", "one")).qrels == {"q1": {"row-3": 1, "own": 2}}
    assert Judgements(tmp_path, documents).qrels == {"q1": {"row-2": 1, "row-3": 0, "own": 2}}


def test_without_all_documents_another_text_under_an_id_is_asked_again(tmp_path):
    def judge(texts, *answers):
        person = Person(*answers)
        return person.judge(Judgements(tmp_path), find=lambda query: list(rows(*texts).values()))

    assert judge(("one", "two"), "3", "0") == 2 and judge(("one", "two")) == 0
    assert judge(("one", "other"), "1") == 1
    assert Judgements(tmp_path, rows("one", "two")).qrels == {"q1": {"row-2": 3, "row-3": 0}}
    assert Judgements(tmp_path, rows("one", "other")).qrels == {"q1": {"row-2": 3, "row-3": 1}}


JUDGING = """
import sys
from rerank_course.texts.judgements import Judgements
from rerank_course.texts.judging import judge_in_terminal
from rerank_course.text import Chunk
chunks = [Chunk(f"d{i}", "text") for i in range(5)]
judge_in_terminal(Judgements(sys.argv[1]), ["Größe?"], lambda query: chunks)
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
    assert Judgements(tmp_path).qrels == {"q1": {"d0": 3, "d1": 2}}
    assert Judgements(tmp_path).queries == {"q1": "Größe?"}
    second = start(JUDGING, str(tmp_path))
    shown, _ = second.communicate("0\n", timeout=60)
    assert second.returncode == 0
    assert "3 of 5 – d2" in shown and "1 of 5" not in shown and "run the same call again" in shown
    assert Judgements(tmp_path).qrels == {"q1": {"d0": 3, "d1": 2, "d2": 0}}


def test_a_mark_before_piped_grades_is_no_answer(tmp_path):
    person = Person("\ufeff3", "0")
    judge_in_terminal(
        Judgements(tmp_path),
        ["first"],
        lambda text: CHUNKS[:2],
        ask=person.ask,
        show=person.shown.append,
    )
    assert list(Judgements(tmp_path).qrels["q1"].values()) == [3, 0]
