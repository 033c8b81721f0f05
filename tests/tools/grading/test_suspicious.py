import re

from tests.tools.grading.toy_course import solved
from tools.grading.suspicious import suspicious


def test_what_reaches_beyond_the_exercise_is_named(handed_out):
    more = "import rerank_course.checks.double as c\nc.check_double = print\n!ls ../solutions/"
    (note,) = suspicious(solved(handed_out, more=more))
    assert re.search(r"an assignment to c\.check_double.*get_ipython.*system", note)
    assert suspicious(solved(handed_out)) == []
