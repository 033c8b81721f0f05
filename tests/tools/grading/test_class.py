"""A class of students who break everything, graded once."""

import html
import json
import os
import re

import nbformat
import pytest

from tests.tools.grading.toy_course import (
    ANSWER,
    EXERCISE,
    LIMITS,
    WRONG,
    cell,
    put,
    read_reports,
    solved,
    zipped,
)
from tests.tools.grading.trouble import SUBMISSIONS, children_left
from tools.grading import feedback, grade, sandbox

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]  # for a machine with much else to do
EVIL = '<script>document.title = "A"</script><img src=x onerror="steal()">'
EVE = "eve<script>"


def odd_files(folder, handed_out):
    """Submissions that are odd as files."""
    put(folder, "untouched", handed_out)
    put(folder, "not json", b"def double(number): return 2 * number")
    put(folder, "empty", b"")
    put(folder, "json but no notebook", b'{"cells": 5, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}')
    put(folder, "latin 1", nbformat.writes(solved(handed_out)).replace("Two", "Zwölf").encode("latin-1"))
    put(folder, "Zoë van der Meer-Ødegård", solved(handed_out))
    put(folder, "windows", as_on_windows(solved(handed_out)))
    (folder / "old format").mkdir()
    old = nbformat.convert(solved(handed_out), 3)
    (folder / "old format" / f"{EXERCISE}.ipynb").write_text(nbformat.v3.writes_json(old), encoding="utf-8")
    zipped(
        folder / "zip.zip",
        **{f"my work/{EXERCISE} (1).ipynb": solved(handed_out), "__MACOSX/._x.ipynb": solved(handed_out)},
    )
    zipped(folder / "climber.zip", **{f"../../{EXERCISE}.ipynb": solved(handed_out)})
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 and then nothing")
    (folder / "nothing").mkdir()
    (folder / "linked").mkdir()
    (folder / "linked" / f"{EXERCISE}.ipynb").symlink_to(folder / "untouched" / f"{EXERCISE}.ipynb")
    nbformat.write(solved(handed_out), folder / f"flat__{EXERCISE}.ipynb")
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]),
        folder / "stranger__holiday.ipynb",
    )
    earlier = put(folder, "twice", solved(handed_out, WRONG))
    later = earlier.with_name(f"{EXERCISE}-final.ipynb")
    nbformat.write(solved(handed_out), later)
    os.utime(earlier, (1_700_000_000, 1_700_000_000))


def as_on_windows(notebook):
    for c in notebook.cells:
        c.source = c.source.replace("\n", "\r\n")
    return json.dumps(notebook, indent=1).replace("\n", "\r\n").encode("utf-8-sig")


def odd_cells(folder, handed_out):
    """Submissions whose cells are not what they were."""
    notebook = solved(handed_out)
    notebook.metadata["kernelspec"] = {"name": "julia-1.9", "display_name": "Julia", "language": "julia"}
    put(folder, "other kernel", notebook)

    notebook = solved(handed_out)
    notebook.cells = [
        c
        for c in notebook.cells
        if not c.metadata.get("nbgrader", {}).get("grade_id", "").startswith("graded")
    ]
    put(folder, "deleted tests", notebook)

    notebook = solved(handed_out, WRONG)
    notebook.cells.append(nbformat.from_dict(cell(notebook, "graded-public")))
    notebook.cells[-1].id = "copied"
    put(folder, "duplicated test", notebook)

    notebook = solved(handed_out, WRONG)
    cell(notebook, "graded-public").source = "pass"
    put(folder, "edited test", notebook)

    notebook = solved(handed_out, WRONG)
    cell(notebook, "graded-hidden").metadata.nbgrader.update(grade_id="mine", points=500)
    put(folder, "other grade_id", notebook)

    notebook = solved(handed_out)
    for c in notebook.cells:
        c.metadata, c.id = nbformat.NotebookNode(), f"{c.id}-new"
    put(folder, "stripped", notebook)

    more = f"from IPython.display import HTML\nHTML({EVIL!r})"
    put(folder, EVE, solved(handed_out, more=more, written=EVIL))


@pytest.fixture(scope="module")
def graded(course, handed_out, tmp_path_factory):
    """The whole class, graded once: {student: row of grades.csv}, and the folder of reports."""
    folder, out = tmp_path_factory.mktemp("submissions"), tmp_path_factory.mktemp("out")
    for student, how in SUBMISSIONS.items():
        put(folder, student, solved(handed_out, **how))
    odd_files(folder, handed_out)
    odd_cells(folder, handed_out)
    os.environ["GRADING_TEST_KEY"] = "the teacher's secret"
    try:
        grade.Grading(folder, out, course, LIMITS, jobs=2).run()
    finally:
        del os.environ["GRADING_TEST_KEY"]
    return read_reports(out), out


def page_of(graded, student):
    """The text of a student's feedback."""
    return html.unescape((graded[1] / "feedback" / f"{student}.html").read_text(encoding="utf-8"))


RIGHT, HALF, NONE, REFUSED = "8", "3", "0", ""
EXPECTED = {  # student: (points of 10, 2 of them for words; what the note or the teacher's list says)
    "good": (RIGHT, "up to 2 more points"),
    "untouched": (NONE, ""),
    "hard coded": (HALF, ""),
    "endless cell": (RIGHT, "the cell 'while True: pass', below double, did not end within 6 seconds"),
    "endless function": (HALF, ""),
    "deaf to interrupts": (
        RIGHT,
        "the cell 'import signal', below double, was stopped: it ran longer than 6 seconds and could not be",
    ),
    "children": (RIGHT, "was stopped: it started more than 20 processes; the others ran without it"),
    "one child": (RIGHT, r"its code starts programs \(subprocess\)"),
    "memory": (RIGHT, "was stopped: it took more than 1.0 GB of memory; the others ran without it"),
    "memory in the function": (NONE, "below double, was stopped: it took more than 1.0 GB of memory"),
    "disk": (RIGHT, "was stopped: it wrote more than 60 MB; the others ran without it"),
    "garbage in the function": (NONE, "was stopped: it broke the connection to its own Python process; the"),
    "garbage in a frame": (
        RIGHT,
        "was stopped: it broke the connection to its own Python process; the others",
    ),
    "garbage again and again": (
        RIGHT,
        "was stopped: it broke the connection to its own Python process; the others",
    ),
    "sys.exit": (RIGHT, ""),
    "os._exit": (RIGHT, "was stopped: it ended its own Python process; the others ran without it"),
    "exit in the function": (NONE, "below double, was stopped: it ended its own Python process"),
    "exit for one number": (HALF, ""),
    "prints": (RIGHT, "printed more than is kept"),
    "prints on and on": (RIGHT, "was stopped: it printed more than 100 MB"),
    "network": (NONE, r"its code wants the network \(create_connection\)"),
    "patches the verdict": (NONE, ""),
    "own check": (NONE, ""),
    "patches late": (NONE, ""),
    "writes to the package": (NONE, ""),
    "swallows errors": (NONE, ""),
    "looks around": (RIGHT, ""),
    "magics": (RIGHT, ""),
    "async": (RIGHT, ""),
    "helper cells": (RIGHT, ""),
    "looks into memory": (RIGHT, ""),
    "looks into memory too": (RIGHT, ""),
    "not json": (REFUSED, "it is not JSON"),
    "empty": (REFUSED, "the file is empty"),
    "json but no notebook": (REFUSED, "not a notebook"),
    "latin 1": (REFUSED, "not UTF-8"),
    "Zoë van der Meer-Ødegård": (RIGHT, ""),
    "windows": (RIGHT, ""),
    "other kernel": (RIGHT, ""),
    "old format": (RIGHT, ""),
    "deleted tests": (RIGHT, "the cell graded-public was missing; it was put back"),
    "duplicated test": (NONE, "the cell graded-public is there twice"),
    "edited test": (NONE, "the test cell graded-public was edited; the original was run"),
    "other grade_id": (NONE, ""),
    "stripped": (RIGHT, "the cell why had lost its id; it was found by its place"),
    "zip": (RIGHT, ""),
    "climber": (REFUSED, "climbs out of the folder"),
    "broken": (REFUSED, "the zip cannot be read"),
    "nothing": (REFUSED, "there is no notebook in the folder"),
    "linked": (REFUSED, "a link to another file"),
    "flat": (RIGHT, ""),
    "stranger": (REFUSED, "none of the exercises"),
    "twice": (RIGHT, "modified last, is graded"),
    EVE: (RIGHT, ""),
}


def test_every_case_is_expected(graded):
    assert graded[0].keys() == EXPECTED.keys()


@pytest.mark.parametrize("student", EXPECTED)
def test_each_submission_gets_a_grade_or_a_reason(graded, student):
    row, (points, said) = graded[0][student], EXPECTED[student]
    assert row["points"] == points, row
    assert re.search(said, row["note"] + "\n" + row["teacher"]), row
    if points == REFUSED:
        assert row["status"] == "could not be graded"
        assert row["note"].startswith("could not be graded, because ")
        assert "not graded: could not be graded, because" in row["teacher"]
    else:
        assert row["max points"] == "10"
        assert row["exercise"] == EXERCISE
        assert row["status"] == ("graded" if student == "untouched" else "written answers to read")
        assert ("read: why: up to 2 points" in row["teacher"]) == (student != "untouched")


def test_nothing_that_a_submission_started_is_left(graded):
    assert children_left() == []


def test_each_student_has_a_feedback_file_without_hidden_tests(graded):
    rows, out = graded
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (out / "feedback").iterdir()}
    assert len(pages) == len(rows)
    assert "Zoë van der Meer-Ødegård" in pages
    assert "check_double(double, 1234)" not in html.unescape(re.sub("<[^>]*>", "", "".join(pages.values())))
    assert "double(1234) is 8" in page_of(graded, "hard coded")  # what was wrong is said
    assert ANSWER in pages["good"]
    assert "8 of 10 points" in pages["good"]
    assert "the file is empty" in pages["empty"]


def test_a_page_never_runs_what_a_student_wrote(graded):
    (path,) = (graded[1] / "feedback").glob("eve*.html")
    page = path.read_text(encoding="utf-8")
    assert page.index("<head>") < page.index(feedback.POLICY) < page.index("<title>")
    assert "default-src 'none'" in feedback.POLICY
    assert "<script>" not in page[: page.index("</title>")]


def test_a_kernel_inherits_no_hidden_test_no_tool_and_no_random_state(graded):
    """It is forked: see tools/grading/preloaded.py. That it finds its own cell shows that it searched."""
    pages = [page_of(graded, name) for name in ("looks into memory", "looks into memory too")]
    assert all("MEMORY {b'99'}" in page for page in pages)
    assert all("TOOLS [] None" in page for page in pages)
    first, second = (re.search(r"RANDOM (0\.\d+) (0\.\d+)", page).groups() for page in pages)
    assert first[0] != second[0]
    assert first[1] != second[1]


needs_sandbox = pytest.mark.skipif(
    not sandbox.can_isolate(),
    reason="this system lets no ordinary user make namespaces: see docs/sandbox.md",
)


@needs_sandbox
def test_in_the_sandbox_no_other_notebook_is_seen_and_no_key(graded):
    page = page_of(graded, "looks around")
    assert "FOUND []" in page
    assert "KEY None False" in page


@needs_sandbox
def test_in_the_sandbox_there_is_no_network(graded):
    assert "Network is unreachable" in page_of(graded, "network")


@needs_sandbox
def test_in_the_sandbox_the_package_cannot_be_written(graded):
    assert "Read-only file system" in page_of(graded, "writes to the package")
