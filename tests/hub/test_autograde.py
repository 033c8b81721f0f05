"""nbgrader's own autograde shows hidden tests to students, as the guide warns."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.hub.guide import GUIDE
from tests.tools.grading.toy_course import EXERCISE, make_course

PEEK = "print(In)"
HIDDEN = "check_double(double, 1234)"  # of the hidden test


def nbgrader(folder, *command):
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    places["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # for alembic
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=folder,
        env=os.environ | places | {"PYTHONPATH": os.pathsep.join([str(folder), os.environ["PYTHONPATH"]])},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform == "win32", reason="nbgrader's grading does not run on Windows")
def test_one_line_of_a_student_s_shows_the_hidden_test_in_the_feedback(tmp_path):
    course = make_course(tmp_path)
    (course / "source" / "hw").mkdir(parents=True)
    (course / "solutions" / f"{EXERCISE}.ipynb").rename(course / "source" / "hw" / f"{EXERCISE}.ipynb")
    nbgrader(course, "generate_assignment", "hw")
    released = nbformat.read(course / "release" / "hw" / f"{EXERCISE}.ipynb", as_version=4)
    assert HIDDEN not in nbformat.writes(released)
    released.cells.append(nbformat.v4.new_code_cell(PEEK))
    folder = course / "submitted" / "ana" / "hw"
    folder.mkdir(parents=True)
    nbformat.write(released, folder / f"{EXERCISE}.ipynb")
    nbgrader(course, "autograde", "hw")
    nbgrader(course, "generate_feedback", "hw")
    page = (course / "feedback" / "ana" / "hw" / f"{EXERCISE}.html").read_text(encoding="utf-8")
    _, below = html.unescape(re.sub("<[^>]*>", "", page)).split(PEEK, 1)  # what that line printed
    assert HIDDEN in below
    assert PEEK in GUIDE
