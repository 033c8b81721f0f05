"""The repository from which students of a hub pull the course."""

import shutil
import subprocess
import sys

import pytest

from classroom.hub import publish
from tests.support.toy_course import Course

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("git"), reason="a hub runs on Linux, and has git"
)


@pytest.fixture
def course(tmp_path):
    """A built course of one lesson and one exercise."""
    course = Course(tmp_path / "course")
    for name in ("notebooks/00_test.ipynb", "exercises/ex00_twice.ipynb", "rerank_course/__init__.py"):
        path = course.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"cells": []}', encoding="utf-8")
    return course


def git(repository, *command):
    run = subprocess.run(["git", *command], cwd=repository, capture_output=True, text=True, check=True)
    return run.stdout


def test_students_pull_lessons_and_no_exercise_and_later_only_what_has_changed(course, tmp_path):
    repository, home = tmp_path / "handout.git", tmp_path / "home"
    assert publish.publish(repository, course.root)
    git(tmp_path, "clone", "--quiet", "--branch", "main", str(repository), str(home))
    assert (home / "notebooks/00_test.ipynb").is_file() and (home / "README.md").is_file()
    assert not (home / "exercises").exists() and not (home / "lessons").exists()

    assert not publish.publish(repository, course.root)
    course.write("notebooks/00_test.ipynb", '{"cells": [ ]}')
    course.write("rerank_course/helper.py", "")
    assert publish.publish(repository, course.root)
    git(home, "pull", "--quiet")
    assert (home / "notebooks/00_test.ipynb").read_text(encoding="utf-8") == '{"cells": [ ]}'
    assert git(home, "diff", "--name-only", "HEAD~1").split() == [
        "notebooks/00_test.ipynb",
        "rerank_course/helper.py",
    ]


def test_what_is_not_built_is_not_published(course, tmp_path, capsys, monkeypatch):
    (course.root / "notebooks/00_test.ipynb").unlink()
    with pytest.raises(publish.HandoutError, match="Run make build"):
        publish.publish(tmp_path / "handout.git", course.root)
    assert not (tmp_path / "handout.git").exists()
    assert publish.main([]) == 2 and "handout.git" in capsys.readouterr().err
