"""What the tests of progress share."""

import pytest

from rerank_course.learner import progress


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty folder for progress, which does not exist yet."""
    monkeypatch.setenv(progress.PROGRESS_VARIABLE, str(tmp_path / "mine"))
    progress._say_once.cache_clear()
    return tmp_path / "mine"
