"""What the tests of lab share."""

import pytest

from rerank_course.models import load_reranker


@pytest.fixture(scope="session")
def fast():
    return load_reranker(backend="int8")
