"""A course with one small exercise that needs no model, and what students hand in for it."""

import csv
import textwrap
import zipfile

import nbformat

from tools.build import notebooks as build
from tools.build.sources import read_source

EXERCISE = "ex00_double"
OUTLINE = """\
[[lesson]]
name = "doubling"
title = "Doubling"
minutes = 1
shows = "twice a number"

[lesson.exercise]
name = "double"
title = "Double"
minutes = 1
"""
SOURCE = '''\
# %% [markdown]
# # {title}

# %% role="solution" id="double"
def double(number):
    """Return twice the number."""
    ### BEGIN SOLUTION
    return 2 * number
    ### END SOLUTION

# %%
from rerank_course.checks.double import check_double

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
    "seconds": 120,
    "cell_seconds": 6,
    "processes": 20,
    "memory": 1_000_000_000,
    "disk": 60_000_000,
    "file": 30_000_000,
    "output": 100_000_000,
}
ANSWER = "Two halves make a whole."
WRONG = "return 17"


def make_course(root):
    """A course with one small exercise, built as the real ones are, but not executed."""
    for folder in ("lessons/exercises", "rerank_course/checks", "solutions", "exercises"):
        (root / folder).mkdir(parents=True)
    (root / "lessons" / "course.toml").write_text(OUTLINE, encoding="utf-8")
    (root / "lessons" / "doubling.py").write_text("# %% [markdown]\n# # {title}\n", encoding="utf-8")
    (root / "rerank_course" / "__init__.py").touch()
    (root / "rerank_course" / "checks" / "__init__.py").touch()
    (root / "rerank_course" / "checks" / "double.py").write_text(CHECKS, encoding="utf-8")
    source = source_of(root)
    source.write_text(SOURCE, encoding="utf-8")
    solution = read_source(source, root)
    nbformat.write(solution, root / "solutions" / f"{EXERCISE}.ipynb")
    nbformat.write(build.to_exercise(solution), root / "exercises" / f"{EXERCISE}.ipynb")
    return root


def source_of(root):
    return root / "lessons" / "exercises" / "double.py"


def cell(notebook, grade_id):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def solved(handed_out, body="return 2 * number", more="", written=ANSWER, end=""):
    """A student's notebook.

    Args:
        body: of the function.
        more: cells of the student's own above the checks: one text, or a list of them.
        written: the answer in words.
        end: a cell of the student's own below everything.
    """
    notebook = nbformat.from_dict(handed_out)
    cell(notebook, "double").source = "def double(number):\n" + textwrap.indent(textwrap.dedent(body), "    ")
    cell(notebook, "why").source = written
    own = [more] if isinstance(more, str) else more
    notebook.cells[2:2] = [nbformat.v4.new_code_cell(textwrap.dedent(text)) for text in own if text]
    if end:
        notebook.cells.append(nbformat.v4.new_code_cell(textwrap.dedent(end)))
    return notebook


def put(folder, student, notebook):
    """Hand a notebook, or the bytes of one, in."""
    (folder / student).mkdir(parents=True, exist_ok=True)
    path = folder / student / f"{EXERCISE}.ipynb"
    path.write_bytes(notebook) if isinstance(notebook, bytes) else nbformat.write(notebook, path)
    return path


def zipped(path, **entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, notebook in entries.items():
            archive.writestr(name, nbformat.writes(notebook))


def read_reports(out):
    """{student: row of grades.csv, with all rows for the teacher under "teacher"}."""
    grades = {row["student"]: row for row in read_rows(out / "grades.csv")}
    teacher = {}
    for row in read_rows(out / "needs_a_teacher.csv"):
        teacher.setdefault(row["student"], []).append(f"{row['what']}: {row['details']}")
    return {
        student: {**row, "teacher": "\n".join(teacher.get(student, []))} for student, row in grades.items()
    }


def read_rows(path):
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))
