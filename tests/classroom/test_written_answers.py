"""Points for answers in words: nothing entered is lost, and none is taken for another's."""

import csv

import pytest

from classroom.tables import defused, fused
from classroom.written_answers import COLUMNS, Answer, merge


def answer(student="Ana", text="Two halves make a whole.", part="why", exercise="ex00", most=3):
    return Answer(student, exercise, part, most, text, "Why?", "1 point for each half")


class Desk:
    """A folder with the sheet, read and written as a teacher would."""

    def __init__(self, folder):
        self.sheet, self.copy = folder / "sheet.csv", folder / ".results" / "copy.json"

    def run(self, *answers):
        return merge(answers, self.sheet, self.copy)

    def rows(self):
        with self.sheet.open(encoding="utf-8-sig", newline="") as handle:
            return list(csv.DictReader(handle))

    def save(self, rows, columns=COLUMNS, encoding="utf-8", delimiter=","):
        with self.sheet.open("w", encoding=encoding, newline="") as handle:
            writer = csv.DictWriter(handle, columns, delimiter=delimiter, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)

    def enter(self, **points):
        rows = self.rows()
        for row in rows:
            row["points"] = points.get(row["student"], row["points"])
        self.save(rows)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


ANA, BO = answer(), answer("Bo")


def test_a_sheet_shows_question_rubric_and_answer(desk):
    assert desk.run(ANA, BO).points == {}
    row = desk.rows()[0]
    assert (row["question"], row["rubric"], row["answer"]) == ("Why?", "1 point for each half", ANA.text)
    assert (row["points"], row["of"]) == ("", "3")


def test_points_count_and_stay(desk):
    desk.run(ANA, BO)
    desk.enter(Ana="2,5")
    for _ in range(3):
        read = desk.run(ANA, BO)
        assert read.points == {ANA.key: 2.5} and read.problems == []
    assert [row["counts"] for row in desk.rows()] == ["yes", ""]


def test_points_of_an_answer_that_changed_do_not_count_and_stay(desk):
    desk.run(ANA, BO)
    desk.enter(Ana="2", Bo="1")
    new = answer(text="Another answer.")
    assert desk.run(new, BO).points == {BO.key: 1}
    old = [row for row in desk.rows() if row["points"] == "2"]
    assert old[0]["counts"].startswith("no") and old[0]["answer"] == ANA.text
    assert desk.run(ANA, BO).points == {ANA.key: 2, BO.key: 1}, "the old answer is there again"


def test_the_same_words_of_two_students_are_two_answers(desk):
    desk.run(ANA, BO)
    desk.enter(Ana="3")
    assert desk.run(ANA, BO).points == {ANA.key: 3}
    assert desk.run(BO).points == {}, "Ana's points are not Bo's"


@pytest.mark.parametrize(
    "typed", ["four", "4", "-1", "1e3", "nan", "inf", "=1+1", "2/3", "2 points", "1,2,3"]
)
def test_what_is_no_number_of_points_is_said_and_kept(typed, desk):
    desk.run(ANA)
    desk.enter(Ana=typed)
    read = desk.run(ANA)
    assert read.points == {} and "does not count" in read.problems[0][2]
    assert fused(desk.rows()[0]["points"]) == typed
    desk.enter(Ana="1")
    assert desk.run(ANA).points == {ANA.key: 1}


def test_rows_that_were_sorted_deleted_or_doubled(desk):
    desk.run(ANA, BO)
    desk.enter(Ana="2", Bo="1")
    desk.run(ANA, BO)
    rows = desk.rows()
    desk.save(rows[::-1])
    assert desk.run(ANA, BO).points == {ANA.key: 2, BO.key: 1}
    desk.save(rows[1:])
    assert desk.run(ANA, BO).points == {ANA.key: 2, BO.key: 1}, "a row that was deleted comes back"
    desk.sheet.unlink()
    assert desk.run(ANA, BO).points == {ANA.key: 2, BO.key: 1}, "a sheet too"
    desk.save([*desk.rows(), desk.rows()[0] | {"points": "3"}])
    read = desk.run(ANA, BO)
    assert read.points == {BO.key: 1} and "two rows, with 2 and 3" in read.problems[0][2]
    assert desk.rows()[0]["points"] == "2 or 3"


def test_points_that_were_taken_back_are_gone(desk):
    desk.run(ANA)
    desk.enter(Ana="2")
    desk.run(ANA)
    desk.enter(Ana="")
    assert desk.run(ANA).points == {}
    assert desk.run(ANA).points == {}


def test_columns_that_moved_against_each_other_do_not_count(desk):
    """Only one column was sorted: the key is another's."""
    desk.run(ANA, BO)
    rows = desk.rows()
    rows[0]["key"], rows[1]["key"] = rows[1]["key"], rows[0]["key"]
    rows[0]["points"] = "3"
    desk.save(rows)
    read = desk.run(ANA, BO)
    assert read.points == {} and "another's key" in read.problems[0][2]
    assert "3" in [row["points"] for row in desk.rows()], "what was entered is kept"


@pytest.mark.parametrize(("encoding", "delimiter"), [("cp1252", ";"), ("utf-16", "\t"), ("utf-8-sig", ",")])
def test_a_sheet_as_spreadsheets_save_it(encoding, delimiter, desk):
    zoe = answer("Zoë O'Meer", "Weil „zwei“ Hälften\nein Ganzes sind; =SUM(A1)")
    desk.run(zoe)
    rows = desk.rows()
    rows[0]["points"] = "1"
    desk.save(rows, encoding=encoding, delimiter=delimiter)
    assert desk.run(zoe).points == {zoe.key: 1}


def test_a_sheet_that_cannot_be_read_is_put_aside(desk):
    desk.run(ANA)
    desk.enter(Ana="2")
    desk.run(ANA)
    desk.save(desk.rows(), columns=["student", "points"])
    read = desk.run(ANA)
    assert read.points == {ANA.key: 2} and "no column exercise, part, key" in read.problems[0][2]
    assert (desk.sheet.parent / "sheet-unread-1.csv").exists()
    desk.copy.write_text("{", encoding="utf-8")
    assert desk.run(answer(text="New.")).points == {}
    desk.copy.write_text("{", encoding="utf-8")
    assert desk.run(ANA).points == {ANA.key: 2}, "the sheet has it where the copy is damaged"


def test_comments_are_kept_without_points(desk):
    desk.run(ANA)
    rows = desk.rows()
    rows[0]["comment"] = "Come and see me."
    desk.save(rows)
    assert desk.run(ANA).comments == {ANA.key: "Come and see me."}
    assert desk.rows()[0]["comment"] == "Come and see me."


@pytest.mark.parametrize(
    "text", ["=1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "\n=1", "＝1", "\ufeff=1"]
)
def test_formulas_are_made_safe_and_come_back(text, desk):
    assert defused(text).startswith("'")
    assert fused(defused(text)) == text
    evil = answer(text, text)
    desk.run(evil)
    row = desk.rows()[0]
    assert row["student"].startswith("'") and row["answer"].startswith("'")
    desk.enter(**{row["student"]: "1"})
    assert desk.run(evil).points == {evil.key: 1}


@pytest.mark.parametrize("text", ["-1", "+2.5", "Ana", "'quoted", "3", ""])
def test_what_is_no_formula_stays_as_it_is(text):
    assert defused(text) == text
