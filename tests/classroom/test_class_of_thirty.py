"""A class of thirty, from every platform's export to the gradebook's files; grading itself is replaced."""

import csv
import json
import zipfile
from functools import cache

import nbformat
import pytest

from classroom.roster import read_roster
from classroom.tables import write_whole
from tests.classroom import platform_imports
from tests.support import school
from tests.tools.grading.toy_course import ANSWER, EXERCISE, LIMITS, WRONG, make_course, read_rows, solved
from tools.grading import feedback, grade, reports
from tools.grading.exercises import prepare
from tools.grading.repair import NotGradable, read_submission, repair
from tools.grading.roles import gives_points, grade_id

BROKEN = 3  # of thirty


@cache
def read(path):
    return nbformat.read(path, as_version=4)


class QuickGraders:
    """Stands where submissions are run: points by a look at the text."""

    def __init__(self, *arguments):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def grade(self, content, exercise, graded):
        answer = {"points": None, "to_read": [], "notes": [], "refused": "", "seconds": 0.0}
        try:
            submitted = read_submission(content)
            notebook, answer["notes"] = repair(submitted, read(exercise.trusted), read(exercise.released))
        except NotGradable as why:
            return answer | {"refused": str(why)}
        text = {grade_id(cell): cell.source for cell in notebook.cells if grade_id(cell)}
        answer["points"] = 8.0 if "2 * number" in text["double"] else 3.0
        if ANSWER in text["why"]:
            answer["to_read"] = [["why", 2.0]]
        for cell in notebook.cells:
            if gives_points(cell):
                cell.metadata.nbgrader["score"] = 0
        nbformat.write(notebook, graded)
        return answer


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    root = make_course(tmp_path_factory.mktemp("course"))
    return root, nbformat.read(root / "exercises" / f"{EXERCISE}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def prepared(toy, tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("prepared"), toy[0])


@pytest.fixture
def with_pages(monkeypatch, prepared):
    monkeypatch.setattr(grade, "Graders", QuickGraders)
    monkeypatch.setattr(grade, "make_models", lambda: None)
    monkeypatch.setattr(grade, "prepare", lambda *arguments: prepared)


@pytest.fixture
def quick(monkeypatch, with_pages):
    """The same with pages of a word, since real ones take a tenth of a second each."""

    def write_pages(results, folder):
        for result in results:
            write_whole(folder / f"{feedback.file_name(result.student)}.html", "<p>page</p>")

    monkeypatch.setattr(reports, "write_feedback", write_pages)


def a_class(handed_out):
    """Thirty people: 1 handed in nothing, 3 something broken, 2 late, 1 twice, the others well or wrongly."""
    pupils = school.make_class()
    for p in pupils[:-1]:
        notebook = solved(handed_out, WRONG if p.number % 5 == 0 else "return 2 * number", f"# {p.login}")
        p.files = {f"{EXERCISE}.ipynb": nbformat.writes(notebook).encode()}
    pupils[3].files = {f"{EXERCISE}.ipynb": b"not JSON at all"}
    pupils[8].files = {f"{EXERCISE}.7z": b"7z\xbc\xaf'\x1c"}
    pupils[20].files = {f"{EXERCISE}.ipynb": b""}
    pupils[5].late = pupils[11].late = True
    last = pupils[1].files.pop(f"{EXERCISE}.ipynb")
    pupils[1].files = {
        f"{EXERCISE}-draft.ipynb": nbformat.writes(solved(handed_out, WRONG)).encode(),
        f"{EXERCISE}-final.ipynb": last,
    }
    return pupils


def grade_class(tmp_path, root, roster=""):
    out, listed = tmp_path / "out", None
    if roster:
        (tmp_path / "class.csv").write_text(roster, encoding="utf-8", newline="")
        listed = read_roster(tmp_path / "class.csv")
    results = grade.Grading(
        tmp_path / "inbox", out, root, LIMITS, jobs=1, isolated=False, roster=listed
    ).run()
    return results, out


@pytest.mark.parametrize("export", school.PLATFORMS, ids=lambda export: export.__name__)
@pytest.mark.parametrize("listed", ["with a list", "without"])
def test_a_class_goes_through(export, listed, toy, quick, tmp_path):
    root, handed_out = toy
    pupils = a_class(handed_out)
    export(tmp_path / "inbox", pupils)
    roster = school.moodle_roster(pupils) if "moodle" in export.__name__ else school.canvas_roster(pupils)
    results, out = grade_class(tmp_path, root, roster if listed == "with a list" else "")
    assert len({result.student for result in results}) == len(results) == 29
    assert sum(1 for result in results if result.refused) == BROKEN
    points = sorted(result.points for result in results if not result.refused)
    assert points == [3.0] * 5 + [8.0] * 21
    in_files = {row["file"] for row in read_rows(out / "files.csv")}
    assert all(result.submission.origin in in_files for result in results)
    missing = [
        row["student"] for row in read_rows(out / "gradebook" / "class.csv") if "nothing" in row["what"]
    ]
    assert missing == (["Vera Last"] if listed == "with a list" and known_by_name(export) else missing)


def known_by_name(export):
    """Two people have one name: where a folder is all there is, the list cannot tell them apart."""
    return export.__name__ in ("canvas", "blackboard", "exchange", "submitted", "one_zip_of_canvas")


def test_canvas_gets_grades_and_feedback_back(toy, quick, tmp_path):
    root, handed_out = toy
    pupils = a_class(handed_out)
    school.canvas(tmp_path / "inbox", pupils)
    _, out = grade_class(tmp_path, root, school.canvas_roster(pupils))
    imported = platform_imports.canvas_gradebook(out / "gradebook" / "import_canvas.csv")
    assert len(imported) == 30
    assert imported[str(pupils[0].canvas_id)] == {EXERCISE: "8"}
    assert imported[str(pupils[-1].canvas_id)] == {EXERCISE: ""}
    sent = {path.name: path.read_bytes() for path in (tmp_path / "inbox").iterdir()}
    with zipfile.ZipFile(out / "gradebook" / f"feedback_canvas_{EXERCISE}.zip") as archive:
        taken = platform_imports.canvas_feedback(archive, sent)
        answered = [p for p in pupils[:-1] if not any(name.endswith(".7z") for name in p.files)]
        assert set(taken) == {str(p.canvas_id) for p in answered} and len(answered) == 28
        notebook = json.loads(
            archive.read(next(n for n in archive.namelist() if str(pupils[0].canvas_id) in n))
        )
    assert "8 of 10 points" in "".join(notebook["cells"][0]["source"])
    late = [row["student"] for row in read_rows(out / "grades.csv") if row["late"]]
    assert sorted(late) == sorted([pupils[5].name, pupils[11].name])
    twice = [row for row in read_rows(out / "gradebook" / "class.csv") if row["what"] == "more than once"]
    assert [row["student"] for row in twice] == [pupils[1].name]


@pytest.mark.parametrize("export", [school.moodle, school.moodle_flat, school.moodle_4_1])
def test_moodle_gets_grades_and_feedback_back(export, toy, quick, tmp_path):
    root, handed_out = toy
    pupils = a_class(handed_out)
    export(tmp_path / "inbox", pupils)
    _, out = grade_class(tmp_path, root, school.moodle_roster(pupils))
    participants = {7000 + p.number: p for p in pupils}
    with zipfile.ZipFile(out / "gradebook" / f"feedback_moodle_{EXERCISE}.zip") as archive:
        taken = platform_imports.moodle_feedback(archive, participants)
    assert {p.number: name for p, name in taken} == {p.number: "feedback.html" for p in pupils[:-1]}
    sheet = out / "gradebook" / f"import_moodle_worksheet_{EXERCISE}.csv"
    grades = platform_imports.moodle_worksheet(sheet, participants)
    assert grades[pupils[0].number] == "8" and grades[pupils[3].number] == ""
    rows = read_rows(out / "gradebook" / "import_moodle.csv")
    of_one = {row["Email address"]: row[EXERCISE] for row in rows}
    assert of_one[pupils[0].email] == "8" and len(rows) == 30


def test_points_for_words_come_back_from_the_sheet(toy, with_pages, tmp_path):
    root, handed_out = toy
    pupils = a_class(handed_out)
    school.folders(tmp_path / "inbox", pupils[:4])
    _, out = grade_class(tmp_path, root)
    rows = read_rows(out / "written_answers.csv")
    assert len(rows) == 3 and rows[0]["answer"] == ANSWER and "Why?" in rows[0]["question"]
    rows[0] |= {"points": "1,5", "comment": "Short and right."}
    with (out / "written_answers.csv").open("w", encoding="cp1252", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0].keys(), delimiter=";")  # as a spreadsheet saves it
        writer.writeheader()
        writer.writerows(rows)
    results, out = grade_class(tmp_path, root)
    first = next(result for result in results if result.student == rows[0]["student"])
    assert (first.points, first.to_read) == (9.5, [])
    totals = {row["student"]: row for row in read_rows(out / "gradebook" / "totals.csv")}
    assert totals[first.student]["total"] == "9.5" and totals[first.student]["still to be read"] == ""
    page = (out / "feedback" / f"{first.student}.html").read_text(encoding="utf-8")
    assert "Short and right." in page
