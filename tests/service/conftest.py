"""A stand-in for the tests of a module; faults that a test left behind are forgotten."""

import pytest

from rerank_course.service.stand_in import StandIn
from tests.service.calls import WordCounter


@pytest.fixture(scope="module")
def service():
    with StandIn(WordCounter()) as service:
        yield service


@pytest.fixture(autouse=True)
def good_behaviour(request):
    yield
    if "service" in request.fixturenames:
        request.getfixturevalue("service").behave()
