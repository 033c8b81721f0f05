"""What tests of the lessons' modules ask for: a stand-in for the hosted service, a reranker of one's own."""

import pytest

from tests.support.hosted import answering, running, service  # noqa: F401  (pytest calls them)


class Reranker:
    """Gives each text the score that it was made with, and remembers what it read."""

    def __init__(self, scores):
        self.scores, self.read = scores, []

    def predict(self, pairs, *, batch_size):
        self.read += [text for _, text in pairs]
        return [self.scores[text] for _, text in pairs]


@pytest.fixture
def make_reranker():
    """Make a reranker of ``{text: score}``."""
    return Reranker
