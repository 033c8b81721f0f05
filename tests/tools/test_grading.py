"""Grading: a class of students who break everything, on a small exercise without models; then exercise 05
itself.
"""

import csv
import html
import json
import os
import re
import subprocess
import sys
import textwrap
import zipfile

import nbformat
import psutil
import pytest

from tests.support import ROOT
from tools.build import notebooks as build
from tools.grading import collect, grade, preloaded, sandbox

EXERCISE = "ex91_double"
SOURCE = '''\
# %% [markdown]
# # Exercise 91

# %% role="solution" id="double"
def double(number):
    """Return twice the number."""
    ### BEGIN SOLUTION
    return 2 * number
    ### END SOLUTION

# %%
from rerank_course.checks.ex91 import check_double

check_double(double)

# %% [markdown]
# ## Why?

# %% [markdown] role="written" id="why" points=2
# ### BEGIN SOLUTION
# Because two is one and one.
# ### END SOLUTION

# %% role="graded" id="graded-public" points=3
check_double(double).require()

# %% role="graded" id="graded-hidden" points=5
check_double(double).require()
### BEGIN HIDDEN TESTS
check_double(double, 1234).require()
### END HIDDEN TESTS
'''
CHECKS = """\
class Verdict:
    def __init__(self, right, message):
        self.right, self.message = right, message

    def require(self):
        if not self.right:
            raise AssertionError(self.message)


def check_double(function, number=4):
    try:
        answer = function(number)
    except NotImplementedError:
        return Verdict(False, "not attempted")
    return Verdict(answer == 2 * number, f"double({number}) is {answer}")
"""
LIMITS = {
    "seconds": 40,
    "cell_seconds": 6,
    "processes": 20,
    "memory": 1_500_000_000,
    "disk": 60_000_000,
    "file": 30_000_000,
}
ANSWER = "Two halves make a whole."


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with one small exercise, built as the real ones are, but not executed."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("lessons/exercises", "rerank_course/checks", "solutions", "exercises"):
        (root / folder).mkdir(parents=True)
    (root / "rerank_course" / "__init__.py").touch()
    (root / "rerank_course" / "checks" / "__init__.py").touch()
    (root / "rerank_course" / "checks" / "ex91.py").write_text(CHECKS, encoding="utf-8")
    source = root / "lessons" / "exercises" / f"{EXERCISE}.py"
    source.write_text(SOURCE, encoding="utf-8")
    solution = build.read_source(source, root)
    nbformat.write(solution, root / "solutions" / f"{EXERCISE}.ipynb")
    nbformat.write(build.to_exercise(solution), root / "exercises" / f"{EXERCISE}.ipynb")
    return root


@pytest.fixture(scope="module")
def handed_out(course):
    return nbformat.read(course / "exercises" / f"{EXERCISE}.ipynb", as_version=4)


def cell(notebook, grade_id):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def solved(handed_out, body="return 2 * number", more="", written=ANSWER):
    """A student's notebook: the function's body, a cell of their own above the checks, the written answer."""
    notebook = nbformat.from_dict(handed_out)
    cell(notebook, "double").source = "def double(number):\n" + textwrap.indent(textwrap.dedent(body), "    ")
    cell(notebook, "why").source = written
    if more:
        notebook.cells.insert(2, nbformat.v4.new_code_cell(textwrap.dedent(more)))
    return notebook


def put(folder, student, notebook):
    (folder / student).mkdir(parents=True, exist_ok=True)
    path = folder / student / f"{EXERCISE}.ipynb"
    path.write_bytes(notebook) if isinstance(notebook, bytes) else nbformat.write(notebook, path)
    return path


def zipped(path, **entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, notebook in entries.items():
            archive.writestr(name, nbformat.writes(notebook))


WRONG = "return 17"
SUBMISSIONS = {  # student: (keyword arguments of solved)
    "good": {},
    "hard coded": {"body": "return 8"},
    "endless cell": {"more": "while True: pass"},
    "endless function": {"body": "while number > 100: pass\nreturn 2 * number"},
    "deaf to interrupts": {
        "more": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    },
    "children": {
        "more": """\
        import subprocess, sys
        children = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "rerank-grading-test-child"], start_new_session=True) for _ in range(50)]
        import time
        time.sleep(3)
        """
    },
    "one child": {
        "more": 'import subprocess, sys\nsubprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "rerank-grading-test-child"], start_new_session=True)'
    },
    "memory": {"more": "import time\nhog = [b'x' * 100_000_000 for _ in range(20)]\ntime.sleep(2)"},
    "disk": {
        "more": "import time\nfor i in range(20):\n    open(f'{i}', 'wb').write(b'x' * 10_000_000)\n    time.sleep(0.2)\ntime.sleep(3)"
    },
    "sys.exit": {"more": "import sys\nsys.exit(0)"},
    "os._exit": {"more": "import os\nos._exit(0)"},
    "exit in the function": {"body": "import os\nos._exit(0)"},
    "prints": {"more": "for _ in range(200):\n    print('x' * 1_000_000)"},
    "network": {
        "body": WRONG,
        "more": "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=2)",
    },
    "patches the verdict": {
        "body": WRONG,
        "more": "import rerank_course.checks.ex91 as c\nc.Verdict.require = lambda self: None",
    },
    "own check": {
        "body": WRONG + "\nclass V:\n    def require(self): pass\ndef check_double(*a): return V()",
        "more": "",
    },
    "patches late": {
        "body": """\
        import sys
        module = sys.modules["rerank_course.checks.ex91"]
        module.Verdict.require = lambda self: None
        return 17
        """
    },
    "writes to the package": {
        "body": WRONG,
        "more": "import rerank_course.checks.ex91 as c\nopen(c.__file__, 'a').write('\\nVerdict.require = lambda self: None\\n')",
    },
    "swallows errors": {
        "body": WRONG,
        "more": """\
        shell = get_ipython()
        original = shell.run_cell_async
        async def always_fine(*arguments, **options):
            result = await original(*arguments, **options)
            result.error_before_exec = result.error_in_exec = None
            return result
        shell.run_cell_async = always_fine
        shell.showtraceback = lambda *arguments, **options: None
        """,
    },
    "looks around": {
        "body": "return 2 * number",
        "more": """\
        import os
        seen = {}
        for parent, folders, files in os.walk("/"):
            if parent.startswith(("/proc", "/usr", "/nix")):
                folders.clear()
            for name in files:
                if name.endswith(".ipynb") and "site-packages" not in parent:
                    seen[os.path.join(parent, name)] = 1
        print("FOUND", sorted(seen))
        print("KEY", os.environ.get("GRADING_TEST_KEY"), "GRADING_TEST_KEY" in open("/proc/self/environ").read())
        """,
    },
    "looks into memory": {
        "body": "return 2 * number",
        "more": """\
        import random, re, sys, numpy
        print("RANDOM", random.random(), numpy.random.random())
        print("TOOLS", [name for name in sys.modules if name in ("grade", "grade_one", "collect", "sandbox", "preloaded")])
        found, memory = set(), open("/proc/self/mem", "rb", 0)  # check_double(double, 99): what it must find
        for line in open("/proc/self/maps"):
            start, end = (int(number, 16) for number in line.split()[0].split("-"))
            if line.split()[1].startswith("rw"):
                try:
                    memory.seek(start)
                    found |= set(re.findall(rb"check_[d]ouble[(]double, (\\d\\d)", memory.read(end - start)))
                except (OSError, OverflowError, ValueError):
                    continue
        print("MEMORY", found)
        """,
    },
}
SUBMISSIONS["looks into memory too"] = SUBMISSIONS["looks into memory"]


def odd_files(folder, handed_out):
    """Submissions that are odd as files."""
    put(folder, "untouched", handed_out)
    put(folder, "not json", b"def double(number): return 2 * number")
    put(folder, "empty", b"")
    put(folder, "json but no notebook", b'{"cells": 5, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}')
    put(folder, "latin 1", nbformat.writes(solved(handed_out)).replace("Two", "Zwölf").encode("latin-1"))
    put(folder, "Zoë van der Meer-Ødegård", solved(handed_out))
    put(
        folder,
        "windows",
        json.dumps(_with_crlf(solved(handed_out)), indent=1).replace("\n", "\r\n").encode("utf-8-sig"),
    )

    notebook = solved(handed_out)
    notebook.metadata["kernelspec"] = {"name": "julia-1.9", "display_name": "Julia", "language": "julia"}
    put(folder, "other kernel", notebook)

    old = nbformat.convert(solved(handed_out), 3)
    (folder / "old format").mkdir()
    (folder / "old format" / f"{EXERCISE}.ipynb").write_text(nbformat.v3.writes_json(old), encoding="utf-8")

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


def _with_crlf(notebook):
    for c in notebook.cells:
        c.source = c.source.replace("\n", "\r\n")
    return notebook


@pytest.fixture(scope="module")
def graded(course, handed_out, tmp_path_factory):
    """The whole class, graded once. {student: row of grades.csv}, the rows for the teacher, and the folder of
    reports.
    """
    folder, out = tmp_path_factory.mktemp("submissions"), tmp_path_factory.mktemp("out")
    for student, how in SUBMISSIONS.items():
        put(folder, student, solved(handed_out, **how))
    odd_files(folder, handed_out)
    os.environ["GRADING_TEST_KEY"] = "the teacher's secret"
    try:
        grade.Grading(folder, out, course, LIMITS, jobs=2).run()
    finally:
        del os.environ["GRADING_TEST_KEY"]
    return read_reports(out), out


def read_reports(out):
    grades = {row["student"]: row for row in _rows(out / "grades.csv")}
    teacher = {}
    for row in _rows(out / "needs_a_teacher.csv"):
        teacher.setdefault(row["student"], []).append(f"{row['what']}: {row['details']}")
    return {
        student: {**row, "teacher": "\n".join(teacher.get(student, []))} for student, row in grades.items()
    }


def _rows(path):
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


RIGHT, HALF, NONE, REFUSED = "8", "3", "0", ""
EXPECTED = {  # student: (points of 10, 2 of them for words; what the note or the teacher's list says)
    "good": (RIGHT, "up to 2 more points"),
    "untouched": (NONE, ""),
    "hard coded": (HALF, ""),
    "endless cell": (RIGHT, ""),
    "endless function": (HALF, ""),
    "deaf to interrupts": (REFUSED, "a cell ran longer than 6 seconds and could not be interrupted"),
    "children": (REFUSED, "more than 20 processes"),
    "one child": (RIGHT, "its code uses subprocess"),
    "memory": (REFUSED, "more than 1.5 GB of memory"),
    "disk": (REFUSED, "wrote more than 60 MB"),
    "sys.exit": (RIGHT, "sys"),
    "os._exit": (REFUSED, "ended its own Python process"),
    "exit in the function": (REFUSED, "ended its own Python process"),
    "prints": (RIGHT, "printed more than is kept"),
    "network": (NONE, "socket"),
    "patches the verdict": (
        NONE,
        "it changed the course's package while it ran: rerank_course.checks.ex91.Verdict",
    ),
    "own check": (NONE, ""),
    "patches late": (REFUSED, "it changed the course's package while it was checked"),
    "writes to the package": (NONE, "its code uses __file__"),
    "swallows errors": (REFUSED, "keeps the kernel from reporting errors"),
    "looks around": (RIGHT, "its code uses"),
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
}


def test_every_case_is_expected(graded):
    assert graded[0].keys() == EXPECTED.keys()


@pytest.mark.parametrize("student", EXPECTED)
def test_each_submission_gets_a_grade_or_a_reason(graded, student):
    row, (points, said) = graded[0][student], EXPECTED[student]
    assert row["points"] == points, row
    assert re.search(said, row["note"] + "\n" + row["teacher"]), row
    if points == REFUSED:
        assert row["status"] == "could not be graded" and row["note"].startswith(
            "could not be graded, because "
        )
        assert "not graded: could not be graded, because" in row["teacher"]
    else:
        assert row["max points"] == "10" and row["exercise"] == EXERCISE
        assert row["status"] == ("graded" if student == "untouched" else "written answers to read")
        assert ("read: why: up to 2 points" in row["teacher"]) == (student != "untouched")


def test_nothing_that_a_submission_started_is_left(graded):
    left = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "rerank-grading-test-child" in (process.info["cmdline"] or [])
    ]
    assert left == []


def test_each_student_has_a_feedback_file_without_hidden_tests(graded):
    rows, out = graded
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (out / "feedback").iterdir()}
    assert len(pages) == len(rows)
    assert "Zoë van der Meer-Ødegård" in pages
    assert "check_double(double, 1234)" not in html.unescape(re.sub("<[^>]*>", "", "".join(pages.values())))
    assert "double(1234) is 8" in html.unescape(pages["hard coded"])  # what was wrong is said
    assert ANSWER in pages["good"] and "8 of 10 points" in pages["good"]
    assert "the file is empty" in pages["empty"]


def test_a_page_never_runs_what_a_student_wrote(course, handed_out, tmp_path):
    evil = '<script>document.title = "A"</script><img src=x onerror="steal()">'
    notebook = solved(handed_out, more=f"from IPython.display import HTML\nHTML({evil!r})", written=evil)
    put(tmp_path / "in", "eve<script>", notebook)
    grade.Grading(tmp_path / "in", tmp_path / "out", course, LIMITS, jobs=1).run()
    page = next((tmp_path / "out" / "feedback").iterdir()).read_text(encoding="utf-8")
    assert (
        page.index("<head>") < page.index(grade.POLICY) < page.index("<title>")
        and "default-src 'none'" in grade.POLICY
    )
    assert "<script>" not in page[: page.index("</title>")]


needs_sandbox = pytest.mark.skipif(
    not sandbox.can_isolate(),
    reason="this system lets no ordinary user make namespaces: see docs/teaching.md",
)


@needs_sandbox
def test_in_the_sandbox_no_other_notebook_is_seen_and_no_key(graded):
    page = html.unescape((graded[1] / "feedback" / "looks around.html").read_text(encoding="utf-8"))
    assert "FOUND []" in page and "KEY None False" in page


def test_a_kernel_inherits_no_hidden_test_no_tool_and_no_random_state(graded):
    """It is forked: see tools/preloaded.py. That it finds its own cell shows that it searched."""
    pages = [
        html.unescape((graded[1] / "feedback" / f"{name}.html").read_text(encoding="utf-8"))
        for name in ("looks into memory", "looks into memory too")
    ]
    assert all("MEMORY {b'99'}" in page and "TOOLS []" in page for page in pages)
    first, second = (re.search(r"RANDOM (0\.\d+) (0\.\d+)", page).groups() for page in pages)
    assert first[0] != second[0] and first[1] != second[1]


def test_a_server_that_does_not_start_says_why(tmp_path):
    with (
        preloaded.Server(tmp_path, {"PYTHONHOME": str(tmp_path)}) as server,
        pytest.raises(RuntimeError, match="(?s)starts the graders ended .*Python"),
    ):
        server.start(tmp_path / "job.json", tmp_path / "log")


@needs_sandbox
def test_in_the_sandbox_there_is_no_network(graded):
    assert "Network is unreachable" in (graded[1] / "feedback" / "network.html").read_text(encoding="utf-8")


@needs_sandbox
def test_in_the_sandbox_the_package_cannot_be_written(graded):
    assert "Read-only file system" in (graded[1] / "feedback" / "writes to the package.html").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("forked", [preloaded.WORKS, False], ids=["forked", "commands"])
def test_without_a_sandbox_the_limits_hold_and_changes_are_seen(
    course, handed_out, tmp_path, monkeypatch, forked
):
    """Also without a fork, as on macOS."""
    monkeypatch.setattr(preloaded, "WORKS", forked)
    for student in (
        "good",
        "children",
        "one child",
        "memory",
        "os._exit",
        "writes to the package",
        "endless function",
    ):
        put(tmp_path / "in", student, solved(handed_out, **SUBMISSIONS[student]))
    grade.Grading(tmp_path / "in", tmp_path / "out", course, LIMITS, jobs=2, isolated=False).run()
    rows = read_reports(tmp_path / "out")
    assert {student: row["points"] for student, row in rows.items()} == {
        "good": "8",
        "children": "",
        "one child": "8",
        "memory": "",
        "os._exit": "",
        "writes to the package": "",
        "endless function": "3",
    }
    assert "it changed the files of the course's package" in rows["writes to the package"]["note"]
    test_nothing_that_a_submission_started_is_left(None)
    assert (course / "rerank_course" / "checks" / "ex91.py").read_text(encoding="utf-8") == CHECKS


# Resuming


def command(course, *arguments):
    return [
        sys.executable,
        str(ROOT / "tools" / "grade.py"),
        *map(str, arguments),
        "--root",
        str(course),
        "--jobs",
        "1",
        "--cell-seconds",
        "5",
    ]


def test_a_run_that_was_killed_goes_on_where_it_was(course, handed_out, tmp_path):
    for number in range(4):
        put(tmp_path / "in", f"student {number}", solved(handed_out, more=f"# {number}"))
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(course, tmp_path / "in", out), stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    for line in process.stdout:
        if line.startswith("  2/4"):
            break
    helpers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert helpers and not psutil.wait_procs(helpers, timeout=20)[1], "what it had started goes on"
    assert not (out / "grades.csv").exists()
    kept = {path: path.stat().st_mtime_ns for path in (out / ".results").glob("*.json")}
    assert 2 <= len(kept) < 4
    again = subprocess.run(
        command(course, tmp_path / "in", out), capture_output=True, text=True, encoding="utf-8"
    )
    assert f"4 submissions; {len(kept)} were graded before." in again.stdout, again.stdout + again.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert {row["points"] for row in _rows(out / "grades.csv")} == {"8"} and len(
        _rows(out / "grades.csv")
    ) == 4

    put(tmp_path / "in", "student 2", solved(handed_out, WRONG))
    third = subprocess.run(
        command(course, tmp_path / "in", out), capture_output=True, text=True, encoding="utf-8"
    )
    assert "4 submissions; 3 were graded before." in third.stdout
    assert [row["points"] for row in _rows(out / "grades.csv")] == ["8", "8", "0", "8"]


def test_a_folder_that_is_none_says_what_to_give(course, tmp_path):
    run = subprocess.run(
        command(course, tmp_path / "missing"), capture_output=True, text=True, encoding="utf-8"
    )
    assert (
        run.returncode == 2
        and "is not a folder. Give the folder that holds the submissions: make grade SUBMISSIONS=folder"
        in run.stderr
    )


def test_a_stale_solution_is_not_graded_with(course, handed_out, tmp_path):
    source = course / "lessons" / "exercises" / f"{EXERCISE}.py"
    put(tmp_path / "in", "a", handed_out)
    try:
        source.write_text(SOURCE.replace("1234", "4321"), encoding="utf-8")
        with pytest.raises(SystemExit, match="is older than its source.*make build ONLY=ex91"):
            grade.Grading(tmp_path / "in", tmp_path / "out", course, LIMITS).run()
    finally:
        source.write_text(SOURCE, encoding="utf-8")


# Collecting


def test_a_name_written_in_two_ways_is_one_student(handed_out, tmp_path):
    put(tmp_path, "Zoe\u0308", handed_out)
    nbformat.write(handed_out, tmp_path / f"Zo\u00eb__{EXERCISE}.ipynb")
    found = collect.collect(tmp_path, {EXERCISE: None})
    assert [(s.student, s.exercise) for s in found] == [
        ("Zo\u00eb", EXERCISE)
    ] and "was handed in as well" in found[0].notes[0]


@pytest.mark.parametrize(
    "name", ["ex91_double", "ex91_double (2)", "Copy of ex91_double", "EX91 anna", "anna_ex91-final"]
)
def test_an_exercise_is_known_by_its_name(name):
    assert collect._exercise_of(name, None, {EXERCISE: None}) == EXERCISE


def test_a_renamed_notebook_is_known_by_what_the_build_wrote(handed_out):
    assert (
        collect._exercise_of("homework", nbformat.writes(handed_out).encode(), {EXERCISE: None}) == EXERCISE
    )
    assert collect._exercise_of("homework", b"{}", {EXERCISE: None}) == ""


def test_what_reaches_beyond_the_exercise_is_named(handed_out):
    notebook = solved(
        handed_out, more="import rerank_course.checks.ex91 as c\nc.check_double = print\n!ls ../solutions/"
    )
    assert re.search(
        r"an assignment to c\.check_double.*get_ipython.*system", collect.suspicious(notebook)[0]
    )
    assert collect.suspicious(solved(handed_out)) == []


def test_a_cell_in_a_table_is_no_formula():
    assert grade._cell('=HYPERLINK("x")').startswith("'=") and grade._cell("Ana") == "Ana"


# The real exercise


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder, out = tmp_path_factory.mktemp("real"), tmp_path_factory.mktemp("real-out")
    for student, source in (("reference", "solutions"), ("untouched", "exercises")):
        (folder / student).mkdir()
        name = "ex05_cosine_comparison.ipynb"
        (folder / student / name).write_bytes((ROOT / source / name).read_bytes())
    grade.Grading(folder, out, jobs=2).run()
    return read_reports(out)


def test_the_reference_solution_of_exercise_05_gets_all_but_the_words(real):
    row = real["reference"]
    assert (row["points"], row["max points"], row["status"]) == ("19", "25", "written answers to read")
    assert (
        row["teacher"]
        == "read: ex05-explanation: up to 6 points; the answer stands in the student's feedback file"
    )


def test_the_untouched_exercise_05_gets_nothing(real):
    assert (real["untouched"]["points"], real["untouched"]["status"], real["untouched"]["teacher"]) == (
        "0",
        "graded",
        "",
    )
