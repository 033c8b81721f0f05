"""Names that students choose, through to the reports: no formula, no path, no lost row."""

import csv
import io

import nbformat
import pytest

from classroom.tables import FORMULA, NUMBER
from tests.support.school import zipped
from tests.tools.grading.toy_course import EXERCISE, LIMITS, make_course
from tools.grading import grade
from tools.grading.results import refusal

NAMES = [
    '=HYPERLINK("http:evil","x")',
    "+1+cmd|' C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "a\nb",
    "a\r\nb",
    "tab\tinside",
    "O'Brien; DROP TABLE students",
    '"quoted", and comma',
    "semi;colon",
    "x" * 240,
    "名" * 80,
    "名" * 79 + "前",
    "\u202eevil",
    "\u200bAna",
    "\ufeffBo",
    "🙂",
    "CON",
    "<script>alert(1)</script>".replace("/", ":"),
    "%s %d {0}",
    "..",
    "Ana.",
    " Ana ",
    "名前",
    "مريم",
    "e\u0301",
    "~root",
    "$(touch x)",
    "`id`",
    "&& rm",
    "'apostrophe first",
    "＝1+1",
    "C:evil",
    "\\evil\\path",
]


class Refusing:
    """Stands where submissions are run."""

    def __init__(self, *arguments):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def grade(self, content, exercise, graded):
        return refusal("it was not run")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    root = make_course(tmp_path_factory.mktemp("course"))
    notebook = nbformat.writes(nbformat.read(root / "exercises" / f"{EXERCISE}.ipynb", as_version=4)).encode()
    inbox, out = tmp_path_factory.mktemp("inbox"), tmp_path_factory.mktemp("out") / "in" / "here"
    for name in NAMES:
        if name != "..":
            (inbox / name).mkdir()
            (inbox / name / f"{EXERCISE}.ipynb").write_bytes(notebook)
    (inbox / "climber.zip").write_bytes(
        zipped({f"../{EXERCISE}.ipynb": notebook, f"a/../../{EXERCISE}.ipynb": notebook})
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "Graders", Refusing)
        patch.setattr(grade, "make_models", lambda: None)
        grade.Grading(inbox, out, root, LIMITS, jobs=1, isolated=False).run()
    return out


def test_nobody_is_lost_and_no_cell_is_a_formula(out):
    tables = [*out.glob("*.csv"), *(out / "gradebook").glob("*.csv")]
    assert len(tables) >= 6
    for table in tables:
        text = table.read_bytes().decode("utf-8-sig")
        for row in csv.reader(io.StringIO(text, newline="")):
            for cell in row:
                assert NUMBER.fullmatch(cell) or cell.lstrip(" \ufeff")[:1] not in FORMULA, (table.name, cell)
    rows = list(
        csv.DictReader(io.StringIO((out / "grades.csv").read_bytes().decode("utf-8-sig"), newline=""))
    )
    alone = len({" ".join(name.split()).casefold() for name in NAMES if name != ".."})
    assert len({row["student"] for row in rows}) == alone + 1


def test_pages_stay_in_their_folder(out):
    inside = {path.name for path in out.iterdir()}
    assert inside == {
        ".results",
        "alike.csv",
        "feedback",
        "files.csv",
        "gradebook",
        "grades.csv",
        "needs_a_teacher.csv",
        "written_answers.csv",
    }
    assert [path.name for path in out.parent.iterdir()] == ["here"]
    pages = list((out / "feedback").iterdir())
    rows = list(
        csv.DictReader(io.StringIO((out / "grades.csv").read_bytes().decode("utf-8-sig"), newline=""))
    )
    assert len(pages) == len({row["student"] for row in rows})
    assert all(path.is_file() and path.suffix == ".html" for path in pages)
