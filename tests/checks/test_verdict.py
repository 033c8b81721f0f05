"""What a check says, whatever it is about."""

import pytest

from rerank_course.checks.verdict import Verdict


def test_a_verdict_reads_well_and_grades():
    assert repr(Verdict("right", "Good.")) == "✓ Right. Good."
    assert repr(Verdict("not attempted", "Write it.")) == "… Not attempted. Write it."
    assert Verdict("right", "").require() is None
    with pytest.raises(AssertionError, match="why"):
        Verdict("wrong", "why").require()
    with pytest.raises(NotImplementedError):
        Verdict("not attempted", "").require()
