"""Checks run here, and the student's functions in another process: right stays right, and wrong wrong."""

import os
import sys

import pytest

from tests.tools.grading.borrowing import judged, student
from tools.grading.channel import MESSAGES
from tools.grading.lending import lent
from tools.grading.verdicts import free_names

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no submission is graded there")
RERANK = "from rerank_course.checks import rerank_documents as checks"
ORDER = "from rerank_course.checks.score_pairs import check_order_by_score, check_squash, check_build_pairs"
RANK = """\
from rerank_course.text import text_of

def rerank_documents(query, candidates, reranker, batch_size=32, top_k=20):
    texts = [text_of(candidate, "candidates") for candidate in candidates]
    if not texts:
        return []
    pairs = [(query, text) for text in texts]
    scores = [float(score) for score in reranker.predict(pairs, batch_size=batch_size)]
    RESULT
"""
LENDER = "import gc; (lender,) = (x for x in gc.get_objects() if type(x).__name__ == 'Lender'); "
SORT = "return sorted(zip(candidates, scores), key=lambda row: row[1], reverse=True)[:top_k]"


def ranked(result=SORT):
    return RANK.replace("RESULT", result)


def called(session, name, *arguments, **named):
    return lent(session, name, session.describe(name))(*arguments, **named)


def test_identity_of_what_is_passed_survives_there_and_back(tmp_path):
    cell = """\
    checks.check_what_comes_back(rerank_documents).require()
    checks.check_one_call(rerank_documents).require()
    """
    assert judged(tmp_path, ranked(), cell, RERANK) is None


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (
            SORT.replace("return", "best =") + "\n    candidates.reverse()\n    return best",
            "changed the caller's list",
        ),
        ("import copy\n    candidates = copy.deepcopy(candidates)\n    " + SORT, "returned a copy of"),
        ("candidates = texts\n    " + SORT, "Return the candidate itself"),
        (
            "[c.update(score=1) for c in candidates if isinstance(c, dict)]\n    " + SORT,
            "changed a candidate",
        ),
        (SORT.replace("scores", "map(type('F', (float,), {}), scores)"), None),
        (
            "import numpy\n    scores = numpy.float32(scores)\n    " + SORT,
            r"returned the score as float32",
        ),
    ],
)
def test_what_a_function_does_to_what_it_is_given_is_seen(tmp_path, result, said):
    found = judged(
        tmp_path, ranked(result), "checks.check_what_comes_back(rerank_documents).require()", RERANK
    )
    assert (found is None) == (said is None), found
    assert said is None or said in found[1], found


def test_a_call_of_the_course_s_own_function_is_noticed_in_the_other_process(tmp_path):
    source = """\
    from rerank_course.rerank import rerank_documents as theirs
    def rerank_documents(*arguments, **options):
        return theirs(*arguments, **options)
    """
    for check in ("one_call", "bad_arguments"):
        found = judged(tmp_path, source, f"checks.check_{check}(rerank_documents).require()", RERANK)
        assert "calls the course's own rerank_documents" in found[1], found


@pytest.mark.parametrize(
    "body",
    [
        "return sorted(zip(documents, scores), key=lambda row: -row[1])",
        "return tuple(sorted(zip(documents, scores), key=lambda row: row[1], reverse=True))",
        "import pandas as pd\n    s = pd.Series(scores, index=range(len(documents)))\n"
        "    return [(documents[i], s[i]) for i in s.sort_values(ascending=False, kind='stable').index]",
        "import numpy as np\n    order = np.argsort(-scores, kind='stable')\n"
        "    return [(documents[i], scores[i]) for i in order]",
        "from operator import itemgetter\n    rows = list(map(list, zip(documents, scores)))\n"
        "    rows.sort(key=itemgetter(1), reverse=True)\n    return rows",
        "import collections\n    Row = collections.namedtuple('Row', 'document score')\n"
        "    return sorted(map(Row, documents, map(float, scores)), key=lambda r: -r.score)",
        "import decimal\n    rows = sorted(zip(documents, scores), key=lambda row: -row[1])\n"
        "    return [(document, decimal.Decimal(float(score))) for document, score in rows]",
        "print('working')\n    import warnings\n    warnings.warn('slow')\n"
        "    return sorted(zip(documents, scores.tolist()), key=lambda row: -row[1])",
    ],
)
def test_right_answers_of_every_type_are_right(tmp_path, body):
    source = f"def order_by_score(documents, scores):\n    {body}"
    assert judged(tmp_path, source, "check_order_by_score(order_by_score).require()", ORDER) is None


def test_an_async_function_is_awaited(tmp_path):
    source = """\
    import asyncio, math
    async def one(logit):
        await asyncio.sleep(0)
        return 1 / (1 + math.exp(-logit))
    async def squash(logits):
        return await asyncio.gather(*map(one, logits))
    """
    assert judged(tmp_path, source, "check_squash(squash).require()", ORDER) is None


def test_a_lazy_answer_is_told_to_be_a_list(tmp_path):
    source = "def build_pairs(query, documents):\n    return ((query, d) for d in documents)"
    found = judged(tmp_path, source, "check_build_pairs(build_pairs).require()", ORDER)
    assert "Put list(…) around it" in found[1]


def test_an_untouched_stub_and_one_that_another_function_calls_are_not_attempted(tmp_path):
    source = "def inner():\n    raise NotImplementedError\ndef squash(logits):\n    return inner()"
    found = judged(tmp_path, source, "check_squash(squash).require()", ORDER)
    assert found[0] == "NotImplementedError"
    assert "Write inner, which squash calls," in found[1]


def test_a_name_that_is_not_there_and_one_that_is_no_function(tmp_path):
    found = judged(tmp_path, "", "check_squash(squash).require()", ORDER)
    assert "name 'squash' is not defined" in found[1]
    for cell in ("assert picked", "assert picked == 1", "assert len(picked)", "assert list(picked)"):
        assert judged(tmp_path, "", cell) == ("NameError", "name 'picked' is not defined"), cell
    assert judged(tmp_path, "picked = ['a', 2]", "assert picked == ['a', 2]") is None
    found = judged(tmp_path, "squash = 5", "check_squash(squash).require()", ORDER)
    assert "Pass the function itself" in found[1]


MIX = """\
def mix_scores(found, reranked, weight):
    def z(scores):
        mean = sum(scores) / max(len(scores), 1)
        deviation = (sum((score - mean) ** 2 for score in scores) / max(len(scores), 1)) ** 0.5
        return [(score - mean) / deviation if deviation else 0.0 for score in scores]

    searched = [(key, score) for key, score in found if key in reranked]
    first, second = z([score for _, score in searched]), z([reranked[key] for key, _ in searched])
    mixed = {key: (1 - weight) * a + weight * b for (key, _), a, b in zip(searched, first, second)}
    RESULT
"""


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("return sorted(mixed, key=mixed.get, reverse=True) + [k for k, _ in found if k not in mixed]", None),
        ("return [key for key, _ in found]", "z_scores raised NameError: name 'z_scores' is not defined"),
    ],
)
def test_an_earlier_part_that_was_deleted_costs_its_own_points_alone(tmp_path, result, said):
    imports = "from rerank_course.checks.mix_and_cascade import check_mix_scores"
    cell = "check_mix_scores(mix_scores, z_scores).require()"
    found = judged(tmp_path, MIX.replace("RESULT", result), cell, imports)
    assert (found is None) == (said is None), found
    assert said is None or said in found[1]


def test_an_error_arrives_as_its_class_with_its_text(tmp_path):
    source = """\
    class QueryError(ValueError):
        def __init__(self, code):
            super().__init__(f"code {code}")
    def fails():
        raise QueryError(7)
    def exits():
        raise SystemExit("no key")
    def unreadable():
        class Odd(Exception):
            def __str__(self): raise RuntimeError
        raise Odd
    """
    with student(tmp_path, source) as session:
        session.start(20)
        with pytest.raises(ValueError, match="code 7") as caught:
            called(session, "fails")
        assert type(caught.value).__name__ == "QueryError"
        with pytest.raises(SystemExit):
            called(session, "exits")
        with pytest.raises(Exception) as caught:  # noqa: PT011 - of whatever type
            called(session, "unreadable")
        assert type(caught.value).__name__ == "Odd"


def test_an_object_that_stays_there_forwards_no_comparison(tmp_path):
    source = """\
    class Sly:
        seen = []
        def __eq__(self, other): self.seen.append(other); return True
        def get(self, x): return x + 1
    def sly(): return Sly()
    def seen(): return Sly.seen
    """
    with student(tmp_path, source) as session:
        session.start(20)
        thing = called(session, "sly")
        assert thing != "the expected value"
        assert thing.get(1) == 2
        with pytest.raises(AttributeError):
            thing.__class__.__globals__  # noqa: B018
        assert called(session, "seen") == []


class TestNothingIsLost:
    """Whatever the process does, the next check has a clear reason."""

    def test_an_endless_loop_is_interrupted_and_the_rest_goes_on(self, tmp_path):
        source = "def squash(x):\n    while True: pass\ndef double(x): return 2 * x"
        with student(tmp_path, source) as session:
            session.start(1)
            with pytest.raises(BaseException, match="squash did not end within 1 seconds"):
                called(session, "squash", 1)
            assert not session.dead
            session.start(20)
            assert called(session, "double", 4) == 8

    def test_an_endless_loop_while_our_object_waits_is_interrupted_too(self, tmp_path):
        source = """\
        class Model:
            def predict(self, pairs):
                while True: pass
        def test_a(pipeline):
            pipeline("q", [{"id": 1, "heading": "h", "text": "t", "in_force": True}], Model())
        def double(x): return 2 * x
        """
        cell = "check_test_a(test_a).require()"
        imports = "from rerank_course.checks.wiring_clinic import check_test_a"
        with student(tmp_path, source) as session:
            from tools.grading.verdicts import judge

            found = judge(cell, imports, session, 1)
            assert found == ("Stopped", "test_a did not end within 1 seconds")
            session.start(20)
            assert called(session, "double", 4) == 8

    def test_a_loop_that_cannot_be_interrupted_is_given_up(self, tmp_path):
        source = """\
        def squash(x):
            import time
            while True:
                try:
                    time.sleep(0.01)
                except KeyboardInterrupt: pass
        """
        with student(tmp_path, source) as session:
            session.start(1)
            with pytest.raises(BaseException, match="could not be interrupted"):
                called(session, "squash", 1)
            assert session.dead

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("import os; os._exit(3)", "squash ended its own Python process"),
            ("return 'x' * 20_000_000", "more than 8 MB"),
            ("a = []; a.append(a); return a", "too large, or holds itself"),
            (LENDER + "lender.socket.sendall(b'[]\\n')", "no answer"),
            (LENDER + "[lender.ask_for(0, '', (), {}) for _ in iter(int, 1)]", "this is no function"),
        ],
    )
    def test_each_end_has_its_reason(self, tmp_path, body, said):
        found = judged(
            tmp_path, f"def squash(logits):\n    {body}", "check_squash(squash).require()", ORDER, 10
        )
        assert said in found[1], found

    def test_questions_without_an_end_are_cut(self, tmp_path):
        source = """\
        import gc
        def squash(logits):
            (lender,) = [x for x in gc.get_objects() if type(x).__name__ == "Lender"]
            while True:
                try: lender.ask_for(0, "", (), {})
                except Exception: pass
        """
        found = judged(tmp_path, source, "check_squash(squash).require()", ORDER)
        assert found == ("Stopped", f"squash asked more than {MESSAGES} times")


CONNECT = """\
import os, cohere
def connect(base_url):
    key = os.environ["CO_API_KEY"].strip()
    if len(key.split()) != 1:
        raise SystemExit("one key, please")
    return cohere.ClientV2(KEY, base_url=base_url)
"""


class TestHosted:
    """The environment, clients, errors of libraries, warnings and pauses."""

    IMPORTS = (
        "from rerank_course.checks.hosted_with_fallback import check_connect, check_hosted_scores, "
        "check_is_temporary, check_rerank_with_fallback"
    )

    def test_a_client_is_seen_with_the_key_of_the_moment(self, tmp_path):
        cell = "check_connect(connect).require()"
        assert judged(tmp_path, CONNECT.replace("KEY, ", "key, "), cell, self.IMPORTS) is None
        found = judged(tmp_path, CONNECT.replace("KEY, ", "'my-own-key', "), cell, self.IMPORTS)
        assert "has another one" in found[1]
        assert "CO_API_KEY" not in os.environ

    def test_an_error_that_shows_the_key_is_seen(self, tmp_path):
        source = CONNECT.replace("KEY, ", "key, ").replace('"one key, please"', "key")
        found = judged(tmp_path, source, "check_connect(connect).require()", self.IMPORTS)
        assert "its text shows the key" in found[1]

    def test_errors_of_libraries_arrive_with_what_stands_behind_them(self, tmp_path):
        source = """\
        import httpx, socket, ssl
        from cohere.core.api_error import ApiError
        def is_temporary(error):
            if isinstance(error, ApiError):
                code = error.status_code or 0
                return code in (408, 429) or (code >= 500 and code != 501)
            behind = error
            while behind.__cause__ or behind.__context__:
                behind = behind.__cause__ or behind.__context__
            if isinstance(behind, (socket.gaierror, ssl.SSLError)):
                return False
            passing = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)
            return isinstance(error, passing)
        """
        assert judged(tmp_path, source, "check_is_temporary(is_temporary).require()", self.IMPORTS) is None

    def test_the_service_s_own_error_comes_back_as_itself_and_pauses_take_no_time(self, tmp_path):
        source = """\
        import time, warnings
        from cohere.core.api_error import ApiError
        def rerank_with_fallback(query, documents, client, local):
            try:
                found = client.rerank(model="rerank-v5.0-fast", query=query, documents=documents).results
                scores = {r.index: r.relevance_score for r in found}
                rows = [(d, scores[i]) for i, d in enumerate(documents)], "hosted"
            except Exception as error:
                time.sleep(60)
                if PASSES:
                    raise
                warnings.warn("local")
                scores = local.predict([(query, d) for d in documents])
                rows = list(zip(documents, scores)), "local"
            return sorted(rows[0], key=lambda r: -r[1]), rows[1]
        """
        cell = "check_rerank_with_fallback(rerank_with_fallback, outages=[503], refusals=[401]).require()"
        never = judged(tmp_path, source.replace("PASSES", "True"), cell, self.IMPORTS)
        assert "the error reached the user" in never[1]
        always = judged(tmp_path, source.replace("PASSES", "False"), cell, self.IMPORTS)
        assert "The service refused with cohere.UnauthorizedError (status 401)" in always[1]


def test_a_pipeline_of_ours_calls_a_model_of_theirs(tmp_path):
    source = """\
    from rerank_course.lab.known_scores import KnownScores
    def test_b(pipeline):
        found = [{"id": "pen", "heading": "h", "text": "t", "in_force": True}]
        ranking = pipeline("When?", found, KnownScores(lambda *pair: -5.0))
        assert abs(ranking[0][1] - 0.0067) < 0.001
    async def test_c(pipeline):
        assert False
    def test_d(pipeline):
        assert pipeline.__name__ == "pipeline_d"
    """
    imports = "from rerank_course.checks.wiring_clinic import check_test_b, check_test_c, check_test_d"
    assert judged(tmp_path, source, "check_test_b(test_b).require()", imports) is None
    assert "has a async in it" in judged(tmp_path, source, "check_test_c(test_c).require()", imports)[1]
    assert (
        "never called the pipeline" in judged(tmp_path, source, "check_test_d(test_d).require()", imports)[1]
    )


def test_the_names_that_a_cell_wants():
    import ast

    cell = "import x\ndef f(a): return a + y\nn = [z for z in q]\nf(n, key=lambda b: b)\nprint(w)"
    assert free_names(ast.parse(cell)) == {"y", "q", "w"}
