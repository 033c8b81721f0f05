"""Pages of `make grade` beside what nbgrader collected: which page answers which submission."""

import os

import pytest

from classroom.hub.give_back import give_back, main
from classroom.tables import write_table
from tools.grading.feedback import feedback_page, file_name
from tools.grading.reports import FILES
from tools.grading.results import Result

NAMES = {"ana": "Ana Lima", "bo": "Bo & Söhne, Jr.", "cy": "@cy"}


@pytest.fixture
def graded(tmp_path):
    """A class folder after `nbgrader collect` and `make grade` with a class list."""
    rows = []
    for login, name in NAMES.items():
        folder = tmp_path / "submitted" / login / "exercises"
        folder.mkdir(parents=True)
        for file in ("ex02.ipynb", "ex03.ipynb", "timestamp.txt", "submission_secret.txt"):
            (folder / file).write_text(f"{login} {file}", encoding="utf-8")
            rows.append((f"{login}/exercises/{file}", name, file[:4], ""))
    (tmp_path / "submitted" / "ex02.ipynb").touch()
    rows.append(("ex02.ipynb", "Ana Lima", "ex02", "lies beside the folders"))
    write_table(tmp_path / "grading" / "files.csv", FILES, rows)
    (tmp_path / "grading" / "feedback").mkdir()
    for name in NAMES.values():
        page = tmp_path / "grading" / "feedback" / f"{file_name(name)}.html"
        page.write_text(feedback_page(name, [Result(name, "ex02", points=1, max_points=2)]), encoding="utf-8")
    return tmp_path


def test_each_notebook_is_answered_by_its_student_s_page_and_secret(graded):
    old = graded / "feedback" / "gone" / "exercises"
    old.mkdir(parents=True)
    before = os.umask(0o077)
    try:
        written = give_back(graded)
    finally:
        os.umask(before)
    assert len(written) == 6 and not old.exists()
    for login, name in NAMES.items():
        folder = graded / "feedback" / login / "exercises"
        given = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
        page = (graded / "grading" / "feedback" / f"{file_name(name)}.html").read_text(encoding="utf-8")
        assert given.keys() == {"ex02.html", "ex03.html", "timestamp.txt", "submission_secret.txt"}
        assert given["ex02.html"] == given["ex03.html"] == page
        assert given["submission_secret.txt"] == f"{login} submission_secret.txt"
        assert all(path.stat().st_mode & 0o004 for path in folder.iterdir())


def test_what_is_not_graded_is_said(tmp_path, capsys):
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "files.csv" in said and "make grade" in said
    assert main([]) == 2
