"""``make interop`` without the clients that it would install: what it notices, and what it writes down."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from rerank_course.service.stand_in import StandIn
from tests.support import ROOT
from tools.interop import __main__ as command
from tools.interop import environments, page, reporting, runs
from tools.interop.reporting import DOCUMENTS
from tools.interop.runs import CLIENTS, Row
from tools.interop.snippets import SNIPPETS

LOGITS = dict(zip(DOCUMENTS, (-2.0, 8.0, -9.0, 1.0)))
SETTINGS = {"url": "http://127.0.0.1:1", "key": "k", "scores": [0.1, 0.9, 0.0, 0.5], "logits": [-2, 2, -9, 0]}


class Known:
    def predict(self, pairs):
        return np.array([LOGITS.get(text, -5.0) for _, text in pairs])


def rows_of(code, monkeypatch, tmp_path):
    """What a client's process with this code is written down as."""
    script = tmp_path / "client.py"
    script.write_text(code, encoding="utf-8")
    return list(runs._rows("a client", [sys.executable, str(script)], SETTINGS))


# What comes is compared with what should


def test_rankings_are_written_down_with_the_first_wrong_score(monkeypatch):
    monkeypatch.setattr(reporting, "SCORES", [0.1, 0.9, 0.0, 0.5])
    monkeypatch.setattr(reporting, "BEST_FIRST", [1, 3, 0, 2])
    assert reporting.expected() == "ranks 1 3 0 2" and reporting.expected(2) == "ranks 1 3"
    assert reporting.ranking([(1, 0.9), (3, 0.5005)]) == reporting.expected(2)
    assert reporting.ranking([(1, 0.9), (3, 0.4), (0, 7)]).endswith("; document 3 has 0.4000, not 0.5000")
    assert reporting.ranking([(3, 0.5), (1, 0.9)]) != reporting.expected(2)
    assert reporting.by_text([(DOCUMENTS[1], 0.9)]) == "ranks 1"


def test_a_call_that_fails_is_written_down_by_status_and_type(capsys):
    class Refused(Exception):
        status_code = 401

    def refuse():
        raise Refused("a long text")

    async def waiting(word):
        return f"{word} later"

    calls = reporting.Calls("c", None, "1")
    calls.call("a", "401 Refused", refuse)
    calls.call("b", "x later", waiting, "x")
    calls.call("c", "?", lambda: [][0])
    got = [json.loads(line)["got"] for line in capsys.readouterr().out.splitlines()]
    assert got == ["401 Refused", "x later", "IndexError: list index out of range"]


# A client's process


def test_lines_that_are_no_calls_are_left_out(monkeypatch, tmp_path):
    line = json.dumps({"client": "c", "version": "1", "call": "x", "expected": "a", "got": "b"})
    rows = rows_of(f"print('Give Feedback'); print({line!r}); print('{{}}')", monkeypatch, tmp_path)
    assert rows == [Row("c", "1", "x", "a", "b")] and not rows[0].ok


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import a_package_that_is_missing", "ended with 1: ModuleNotFoundError"),
        ("raise SystemExit(7)", "with 7"),
    ],
)
def test_a_process_that_ends_badly_is_a_row_that_is_not_as_expected(monkeypatch, tmp_path, code, message):
    (row,) = rows_of(code, monkeypatch, tmp_path)
    assert not row.ok and message in row.got


def test_a_process_that_does_not_end_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(runs, "RUN_SECONDS", 0.5)
    (row,) = rows_of("import time; time.sleep(60)", monkeypatch, tmp_path)
    assert "not tried: TimeoutExpired" in row.got


def test_a_client_learns_the_address_and_asks_no_proxy_and_no_hub(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    code = (
        "import json, os; settings = json.loads(os.environ['INTEROP_SETTINGS']); "
        "got = [settings['url'], os.environ['NO_PROXY'], os.environ['HF_HUB_OFFLINE'], "
        "os.environ.get('PYTHONPATH')]; "
        "print(json.dumps({'client': 'c', 'version': '', 'call': '', 'expected': '', 'got': str(got)}))"
    )
    (row,) = rows_of(code, monkeypatch, tmp_path)
    assert row.got == str([SETTINGS["url"], "127.0.0.1", "1", None])


# What is not installed


def test_without_npm_node_or_curl_the_rows_say_so(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (row,) = runs.of_node(SETTINGS)
    assert row.got == "not tried: node is not installed" and not row.ok
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "npm" else "/bin/node")
    (row,) = runs.of_node(SETTINGS)
    assert row.got == "not tried: npm is not installed"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (row,) = runs.of_curl(SETTINGS)
    assert row.got == "not tried: curl is not installed"


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A folder for environments, and lists of requirements of the test's own."""
    monkeypatch.setattr(environments, "FOLDER", tmp_path / ".interop")
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.heavy
def test_an_install_that_fails_is_a_row_for_each_client_and_leaves_no_mark(empty, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    (empty / "interop-some.txt").write_text("a-package-that-nobody-has==1\n", encoding="utf-8")
    some = environments.Environment("some", ("one", "two"))
    rows = list(runs.of_python(some, SETTINGS))
    assert [row.client for row in rows] == ["one", "two"]
    assert all(
        "not tried: -m pip install" in row.got and "a-package-that-nobody-has" in row.got for row in rows
    )
    assert not (some.folder / "installed").exists()
    assert (empty / ".interop" / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_an_environment_is_made_once_and_anew_when_its_list_changes(empty, monkeypatch):
    commands = []

    def run(command, folder=None):
        commands.append(command)
        if "venv" in command:
            environments.Environment("some", ()).folder.mkdir(parents=True)
        return str(empty)

    monkeypatch.setattr(environments, "_run", run)
    listed = empty / "interop-some.txt"
    listed.write_text("a==1\n", encoding="utf-8")
    for text, made in (("a==1\n", 1), ("a==1\n", 1), ("a==2\n", 2)):
        listed.write_text(text, encoding="utf-8")
        environments.prepare(environments.Environment("some", ()))
        assert sum("venv" in command for command in commands) == made
    environments.prepare(environments.Environment("some", (), with_course=True))
    assert (empty / "the_course.pth").exists()


# The whole command, with the one client that is here


@pytest.fixture
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "StandIn", lambda: StandIn(Known()))
    monkeypatch.setattr(command, "PAGE", tmp_path / "interop.md")
    return tmp_path / "interop.md"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_gets_what_it_should(quick, capsys):
    assert command.main(["--only", "curl"]) == 0
    said = capsys.readouterr().out
    calls, good = map(int, re.search(r"(\d+) calls, (\d+) as expected", said).groups())
    assert calls == good >= 15 and "NO " not in said and not quick.exists()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_what_is_not_as_expected_ends_in_1_and_is_shown(quick, capsys, monkeypatch):
    class Other(Known):
        asked = 0

        def predict(self, pairs):
            self.asked += 1
            return super().predict(pairs) * (1 if self.asked < 3 else -1)

    monkeypatch.setattr(command, "StandIn", lambda: StandIn(Other()))
    assert command.main(["--only", "curl"]) == 1
    said = capsys.readouterr().out
    assert "NO  curl" in said and "expected ranks 1 3 0 2\n    got      ranks 2 0 3 1" in said


def test_the_page_counts_and_shows_what_was_not_as_expected(quick, monkeypatch):
    rows = [Row("a", "1", "x", "ranks 1", "ranks 1"), Row("b", "2", "y|z", "ranks 1", "ranks 2")]
    monkeypatch.setattr(command, "_calls", lambda settings, groups: iter(rows))
    assert command.main([]) == 1
    text = quick.read_text(encoding="utf-8")
    assert "| a | 1 | 1 | 1 |" in text and "| b | 2 | 1 | 0 |" in text and "| **all** | | 2 | 1 |" in text
    assert "| b | 2 | y\\|z | ranks 1 | **ranks 2** |" in text
    assert page.NOTES in text and all(code in text for code in SNIPPETS.values())


# The lists


def test_every_client_runs_in_an_environment_and_every_list_names_exact_versions():
    modules = {file.stem for file in CLIENTS.glob("*.py")} - {"__init__", "curl"}
    named = {client for environment in environments.ENVIRONMENTS for client in environment.clients}
    assert modules == named
    for environment in environments.ENVIRONMENTS:
        lines = environment.requirements.read_text(encoding="utf-8").splitlines()
        packages = [line for line in lines if line and not line.startswith(("#", "--"))]
        assert packages and all("==" in line or line.startswith("requests") for line in packages)
    packages = json.loads((ROOT / "requirements" / "interop-node.json").read_text(encoding="utf-8"))
    assert set(packages["dependencies"]) == set(environments.NODE_PACKAGES)


def test_a_client_module_needs_nothing_of_the_course_but_the_local_one():
    for file in CLIENTS.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert ("rerank_course" in text) is (file.stem == "local_rerankers"), file.name


def test_reporting_runs_with_bare_python():
    code = "import sys; sys.modules['numpy'] = None; import tools.interop.reporting"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# What people read is what was run


@pytest.mark.parametrize("library", ["LangChain", "LlamaIndex", "Haystack"])
@pytest.mark.parametrize("name", ["README.md", "docs/interop.md"])
def test_the_lines_that_were_run_are_those_that_people_read(library, name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert f"**{library}**\n\n```python\n{SNIPPETS[library]}```" in text
