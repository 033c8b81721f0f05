"""Whose a file is: recognised, or a question; never one student for many, nor one split in two."""

import pytest

from classroom.inbox import read_inbox
from classroom.reading import Hints
from classroom.roster import Person, Roster
from classroom.students import Students
from classroom.whose import Question, sort_inbox

EXERCISES = ["ex02_score_pairs", "ex07_cosine_comparison"]
E, F = "ex07_cosine_comparison.ipynb", "ex02_score_pairs.ipynb"
DRIVE = "drive-download-20261101T100000Z-001"


def lay(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")
    return folder


def students(folder, roster=None, **hints):
    """{student: the files of theirs, by the names that they gave them}."""
    pieces = sort_inbox(read_inbox(folder), EXERCISES, roster, Hints(**hints))
    found = Students(pieces, EXERCISES, roster)
    theirs = {}
    for piece in pieces:
        if piece.who and not piece.why_not:
            theirs.setdefault(found.of(piece.who).title, []).append(piece.called)
    return {student: sorted(files) for student, files in theirs.items()}


RECOGNISED = {
    "Canvas": (
        [f"limaana_11_501_{E}", f"limaana_11_540_{F}", f"meerzoe_LATE_12_502_{E}", f"anon_x1y2z_77_{E}"],
        {"limaana": [F, E], "meerzoe": [E], "anon": [E]},
    ),
    "Canvas, equal names": (
        [f"limaana_11_501_{E}", f"limaana_12_502_{E}"],
        {"limaana (11)": [E], "limaana (12)": [E]},
    ),
    "Canvas, a name in other letters": (
        [f"山田花子_11_501_{E}", f"öberg_12_502_{E}"],
        {"山田花子": [E], "öberg": [E]},
    ),
    "Canvas, a zip of a student": (
        [f"limaana_11_501_work/{E}", f"bo_12_502_{E}"],
        {"limaana": [E], "bo": [E]},
    ),
    "Moodle, folders": (
        [f"Ana Lima_12_assignsubmission_file_/{E}", f"Zoë O'Meer_13_assignsubmission_file_/a/b/{E}"],
        {"Ana Lima": [E], "Zoë O'Meer": [E]},
    ),
    "Moodle, flat": (
        [f"Ana Lima_12_assignsubmission_file_{E}", "Bo_13_assignsubmission_file_my_work.ipynb"],
        {"Ana Lima": [E], "Bo": ["my_work.ipynb"]},
    ),
    "Moodle, equal names": (
        [f"Ana Lima_12_assignsubmission_file/{E}", f"Ana Lima_13_assignsubmission_file/{E}"],
        {"Ana Lima (12)": [E], "Ana Lima (13)": [E]},
    ),
    "Moodle, two exports in folders": (
        [f"ex07/Ana Lima_12_assignsubmission_file_/{E}", f"ex02/Ana Lima_99_assignsubmission_file_/{F}"],
        {"Ana Lima": [F, E]},
    ),
    "Moodle, blind": (
        [f"Participant_12_assignsubmission_file_/{E}", f"Participant_13_assignsubmission_file_/{E}"],
        {"Participant (12)": [E], "Participant (13)": [E]},
    ),
    "Blackboard, one assignment": (
        [f"Week 3_ana_attempt_2026-11-01-10-00-00_{E}", f"Week 3_bo_attempt_2026-11-01-10-00-01_{E}"],
        {"ana": [E], "bo": [E]},
    ),
    "Blackboard, _ in the assignment": (
        [f"ex07_cosine_comparison_a_b_attempt_2026-11-01-10-00-00_{E}"],
        {"a_b": [E]},
    ),
    "nbgrader's exchange": (
        [f"ana+hw+2026-11-01 10:00:00.0 UTC+x/{E}", f"bo+hw+2026-11-01 10-00-00.0 UTC/{E}"],
        {"ana": [E], "bo": [E]},
    ),
    "nbgrader, submitted": (
        [f"submitted/ana/ex07_cosine_comparison/{E}", f"submitted/ana/ex02/{F}", f"submitted/bo/hw/{E}"],
        {"ana": [F, E], "bo": [E]},
    ),
    "GitHub, cloned by its command": (
        [f"cosine-submissions/cosine-a-lima/{E}", f"cosine-submissions/cosine-bo/{E}"],
        {"a-lima": [E], "bo": [E]},
    ),
    "GitHub, repositories": (
        [f"hw-a-lima/x/{E}", "hw-a-lima/.git/HEAD", f"hw-bo/{E}", "hw-bo/.git/HEAD"],
        {"a-lima": [E], "bo": [E]},
    ),
    "GitHub, named as exercises": (
        [f"cosine-comparison-bo/{E}", f"score-pairs-bo/{F}", f"score-pairs-cy/{F}"],
        {"bo": [F, E], "cy": [F]},
    ),
    "Google Classroom, folders": ([f"{DRIVE}/Ana Lima/{E}", f"{DRIVE}/Bo/{E}"], {"Ana Lima": [E], "Bo": [E]}),
    "Google Classroom, flat": (
        [f"Ana Lima - {E}", "Bo - Copy of ex07.ipynb"],
        {"Ana Lima": [f"Ana Lima - {E}"], "Bo": ["Bo - Copy of ex07.ipynb"]},
    ),
    "folders": (
        [f"Ana/{E}", f"bo/old/{E}", f"bo/final version/{E}", f"Cy/reranking-course-main/exercises/{E}"],
        {"Ana": [E], "bo": [E, E], "Cy": [E]},
    ),
    "logins that differ in a sign": (
        [f"a-b/{E}", f"ab/{E}", f"a_b/{E}"],
        {"a-b": [E], "ab": [E], "a_b": [E]},
    ),
    "a student's own __": (
        [f"ana/{E[:-6]}__final.ipynb", f"bo/my__{E}"],
        {"ana": [f"{E[:-6]}__final.ipynb"], "bo": [f"my__{E}"]},
    ),
    "names of signs": ([f"***/{E}", f"???/{E}"], {"***": [E], "???": [E]}),
    "folders of numbers": ([f"20261234/{E}", f"20261235/{E}"], {"20261234": [E], "20261235": [E]}),
    "folders, one in two spellings": ([f"Zoe\u0308/{E}", f"Zo\u00eb__{F}"], {"Zo\u00eb": [F, E]}),
    "a folder for each exercise": (
        [f"ex07/ana/{E}", f"Exercise 2/ana/{F}", f"ex07/bo/{E}"],
        {"ana": [F, E], "bo": [E]},
    ),
    "one wrapped export": (
        [f"submissions/submissions/ana/{E}", f"submissions/submissions/bo/{E}"],
        {"ana": [E], "bo": [E]},
    ),
    "a hidden folder": ([f".ana/{E}", f"bo/{E}"], {".ana": [E], "bo": [E]}),
    "an archive that cannot be opened": (["ana.7z", f"bo/{E}"], {"ana": ["ana.7z"], "bo": [E]}),
    "exports of several platforms": (
        [f"limaana_11_501_{E}", f"Bo Li_13_assignsubmission_file_/{E}", f"cy/{E}", f"di__{E}"],
        {"limaana": [E], "Bo Li": [E], "cy": [E], "di": [E]},
    ),
}


@pytest.mark.parametrize("case", RECOGNISED)
def test_an_export_is_recognised(case, tmp_path):
    names, expected = RECOGNISED[case]
    assert students(lay(tmp_path, *names)) == expected


QUESTIONS = {
    "flat files of nobody": ([E, f"copy of {E}"], "Whose are .*student__exercise.ipynb.*NAMES="),
    "sections": ([f"North/ana/{E}", f"North/bo/{E}", f"South/cy/{E}"], "North holds ana, bo.*FOLDERS=class"),
    "one folder of many": ([f"hw/ana/{E}", f"hw/bo/{E}"], "hw holds ana, bo.*FOLDERS=students.*ROSTER="),
    "different exercises in it": ([f"hw/ana/{E}", f"hw/bo/{F}"], "hw holds ana, bo"),
    "one folder in it": ([f"hw/ana/{E}"], "hw holds ana"),
    "names in files of one folder": ([f"hw/ana {E}", f"hw/bo {E}"], "one student's, or several students'"),
    "the same, deeper": ([f"hw/in/ana {E}", f"hw/in/bo {E}"], "one student's, or several students'"),
    "a folder without a name": ([f"submissions/{E}"], "submissions holds"),
    "an exercise's folder without names": ([f"ex07/{E}", f"ex07/copy {E}"], "ex07 holds"),
    "numbers that are no Canvas": (
        [f"team_2026_11_{E}", f"group_2026_12_{E}"],
        "Is 2026 a student's number in Canvas",
    ),
    "Blackboard without its .txt": (
        [f"Unit_1_a_b_attempt_2026-11-01-10-00-00_{E}", f"Unit_1_c_b_attempt_2026-11-01-10-00-00_{E}"],
        "Which part of Unit_1_a_b is the login",
    ),
    "Moodle, two exports in one": (
        [f"Ana_12_assignsubmission_file_/{E}", f"Ana_13_assignsubmission_file_/{F}"],
        "Is Ana one person or several",
    ),
    "only an archive that cannot be opened": (["class.7z"], "Whose are class.7z"),
}


@pytest.mark.parametrize("case", QUESTIONS)
def test_what_cannot_be_told_is_asked(case, tmp_path):
    names, question = QUESTIONS[case]
    with pytest.raises(Question, match=f"(?s){question}"):
        students(lay(tmp_path, *names))


def test_an_option_answers_the_question(tmp_path):
    lay(tmp_path, f"hw/ana/{E}", f"hw/bo/{E}")
    assert students(tmp_path, folders="class") == {"ana": [E], "bo": [E]}
    assert students(tmp_path, folders="students") == {"hw": [E, E]}
    flat = lay(tmp_path / "flat", f"ana_{E}", f"bo_{E}")
    assert set(students(flat, names="^(?P<student>[a-z]+)_")) == {"ana", "bo"}
    with pytest.raises(Question):
        students(flat, names="^(?P<student>x?)")


LIST = Roster(
    [
        Person("Ana Lima", id="11", logins=["alima"], email="a.lima@school.example", sortable="Lima, Ana"),
        Person("Zoë O'Meer", id="12", logins=["zmeer"], email="zoe@school.example"),
        Person("Bo Li", id="13", logins=["bo_li"], email="bo@school.example", participant="77"),
        Person("Kim Ro", id="14", logins=["kim1"], email="k1@school.example"),
        Person("Kim Ro", id="15", logins=["kim2"], email="k2@school.example"),
    ]
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([f"limaana_11_501_{E}", f"Ana Lima_77777_assignsubmission_file_/{F}", f"alima/{E}"], {"Ana Lima"}),
        ([f"a.lima@school.example/{E}", f"Lima, Ana__{F}", f"ANA LIMA/{E}"], {"Ana Lima"}),
        ([f"zoe omeer/{E}", f"omeerzo\u00eb_12_7_{F}"], {"Zoë O'Meer"}),
        ([f"Group A-Bo Li_5_assignsubmission_file_/{E}", f"bo-li/{F}"], {"Bo Li"}),
        ([f"kim1/{E}", f"kim2/{E}"], {"Kim Ro (kim1)", "Kim Ro (kim2)"}),
        ([f"rokim_14_1_{E}", f"rokim_15_2_{E}"], {"Kim Ro (kim1)", "Kim Ro (kim2)"}),
        (
            [f"Kim Ro_8_assignsubmission_file_/{E}", f"Kim Ro_9_assignsubmission_file_/{E}"],
            {"Kim Ro (8)", "Kim Ro (9)"},
        ),
        ([f"hw/ana lima/{E}", f"hw/bo li/{E}"], {"Ana Lima", "Bo Li"}),
        ([f"hw/alima {E}", f"hw/zmeer {E}"], {"Ana Lima", "Zoë O'Meer"}),
        ([f"alima {E}", f"bo_li_{E}"], {"Ana Lima", "Bo Li"}),
        ([f"Unit_1_bo_li_attempt_2026-11-01-10-00-00_{E}"], {"Bo Li"}),
        ([f"alima/one/{E}", f"alima/two/{E}"], {"Ana Lima"}),
        ([f"bo-li/{E}", f"boli2/{E}"], {"Bo Li", "boli2"}),
        ([f"stranger/{E}", f"alima/{E}"], {"stranger", "Ana Lima"}),
        (
            [f"Ana Lima_1_assignsubmission_file_/{E}", f"Ana Lima_2_assignsubmission_file_/{F}"],
            {"Ana Lima"},
        ),
    ],
)
def test_the_class_list_says_who_is_who(names, expected, tmp_path):
    assert set(students(lay(tmp_path, *names), LIST)) == expected
