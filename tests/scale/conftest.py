"""What all tests of runs compare with."""

import pytest

from rerank_course.scale import rerank_run
from tests.scale.runs import DOCUMENTS, QUERIES, RUN, cheap


@pytest.fixture(scope="session")
def expected():
    """What one process gives."""
    return rerank_run(RUN, QUERIES, DOCUMENTS, model=cheap).run
