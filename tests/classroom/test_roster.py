"""Class lists as platforms and spreadsheets write them."""

import csv
import re

import pytest

from classroom.roster import RosterError, read_roster
from classroom.tables import read_table
from tests.support import school

PUPILS = school.make_class()


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "class.csv"
    path.write_bytes(text.encode(encoding))
    return read_roster(path)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (school.canvas_roster(PUPILS), "utf-8"),
        (re.sub(r',(?! [^"]*")', ";", school.canvas_roster(PUPILS)), "utf-8"),
        (school.moodle_roster(PUPILS), "utf-8"),
        (school.moodle_roster(PUPILS)[1:].replace(";", "\t"), "utf-16"),
        (school.plain_roster(PUPILS), "utf-8-sig"),
        ("sep=;\r\n" + school.moodle_roster(PUPILS)[1:], "utf-8"),
    ],
)
def test_everybody_is_on_it(text, encoding, tmp_path):
    roster = read(tmp_path, text, encoding)
    assert len(roster.people) == 30
    assert len({roster.title(person) for person in roster.people}) == 30
    assert all(person.login or person.email for person in roster.people)


def test_canvas_names_are_turned_round(tmp_path):
    roster = read(tmp_path, school.canvas_roster(PUPILS))
    first = roster.people[0]
    assert (first.name, first.sortable, first.id) == ("Ana Limabrook", "Limabrook, Ana", "4001")
    assert first.section == "Section A" and first.sis == "S00001"


def test_a_worksheet_of_moodle_knows_participants(tmp_path):
    text = (
        "Identifier,Full name,Email address,Status,Grade\nParticipant 77,Bo Quill,bo@school.example,Draft,\n"
    )
    (bo,) = read(tmp_path, text).people
    assert (bo.participant, bo.logins, bo.email) == ("77", [], "bo@school.example")


def test_the_roster_of_github_classroom(tmp_path):
    text = (
        '"identifier","github_username","github_id","name"\n"a1","ana-l","1","Ana Limabrook"\n"b2","","",""\n'
    )
    roster = read(tmp_path, text)
    assert [person.name for person in roster.people] == ["Ana Limabrook", "b2"]
    assert roster.find(handle="ANA-L") == roster.find(handle="a1") == [roster.people[0]]


def test_excels_encoding(tmp_path):
    assert read(tmp_path, "name;login\nZoë Ødegård;zo\n", "cp1252").people[0].name == "Zoë Ødegård"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "Which column .* holds the students. It has: a, b"),
        ("name,login\nAna,x\nBo,x\n", "Who is x in the class list .* Lines 2 and 3 .* Ana and for Bo"),
        ("PK\x03\x04", "is a spreadsheet. Save it as CSV"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(text, said, tmp_path):
    with pytest.raises(RosterError, match=f"(?s){said}"):
        read(tmp_path, text)


def test_the_limit_of_csv_is_put_back(tmp_path):
    before = csv.field_size_limit()
    (tmp_path / "class.csv").write_text("name,login\nA B,ab\n", encoding="utf-8")
    assert read_table(tmp_path / "class.csv")[1:] == [["A B", "ab"]]
    assert csv.field_size_limit() == before


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(RosterError, match="cannot be read: No such file"):
        read_roster(tmp_path / "none.csv")


def test_one_person_in_two_lines_is_one(tmp_path):
    roster = read(tmp_path, "name,login,section\nAna L,al,A\nAna L,al,B\n")
    assert len(roster.people) == 1


def test_formulas_in_a_list_stay_harmless(tmp_path):
    (person,) = read(tmp_path, "name,login\n'=1+1,al\n").people
    assert person.name == "=1+1"
