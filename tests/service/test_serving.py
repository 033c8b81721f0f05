"""What ``serve-hosted`` takes and says: the key is in no list of processes; one's own is not repeated."""

import shutil
import socket
import subprocess

import pytest

from rerank_course.__main__ import main
from rerank_course.commands import serve_hosted
from rerank_course.service.stand_in import StandIn
from tests.service.calls import WordCounter

KEY = "a-key-of-ones-own-0123456789"


@pytest.fixture
def served(monkeypatch):
    """The stand-ins that the command starts: they need no model, and end at once."""
    started = []

    def make(**options):
        started.append(StandIn(WordCounter(), **options))
        return started[-1]

    monkeypatch.setattr("rerank_course.service.stand_in.StandIn", make)
    monkeypatch.setattr(StandIn, "wait", lambda self: None)
    return started


def test_a_key_on_the_command_line_is_refused_without_being_repeated(served, capsys):
    for words in (["--key", KEY], ["--key"], [f"--key={KEY}"]):
        assert main(["serve-hosted", *words]) == 2
        said = capsys.readouterr()
        assert "STAND_IN_KEY" in said.err and KEY not in said.err + said.out
    assert not served


def test_a_key_of_ones_own_is_used_and_not_shown(served, monkeypatch, capsys):
    monkeypatch.setenv("STAND_IN_KEY", f"{KEY}\n")
    assert main(["serve-hosted"]) == 0
    said = capsys.readouterr().out
    assert served[0].key == KEY and KEY not in said and "STAND_IN_KEY" in said


@pytest.mark.parametrize("key", ["in two", "line\nend", 'quo"te', "schlüssel"])
def test_a_malformed_key_is_refused_without_being_shown(served, monkeypatch, capsys, key):
    monkeypatch.setenv("STAND_IN_KEY", key)
    assert main(["serve-hosted"]) == 2
    said = capsys.readouterr()
    assert key not in said.err + said.out and "odd character" in said.err and not served


@pytest.mark.parametrize("key", [None, "", "  \n"])
def test_without_a_key_one_is_made_up_and_shown(served, monkeypatch, capsys, key):
    monkeypatch.delenv("STAND_IN_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("STAND_IN_KEY", key)
    assert main(["serve-hosted"]) == 0
    assert served[0].key.startswith("stand-in-") and served[0].key in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("ps"), reason="curl or ps is not installed")
def test_the_curl_that_it_proposes_does_not_show_the_key_in_a_list_of_processes():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        proposed = serve_hosted._welcome(url, KEY, shown=True).splitlines()[-1].split()
        command = ["curl", "--silent", "--max-time", "5", "--noproxy", "*", *proposed[1:4], "-d", "{}"]
        assert command[-4:-2] == ["--oauth2-bearer", KEY]
        with subprocess.Popen(command) as process:
            connection, _ = silent.accept()
            arrived = connection.recv(10_000)
            listed = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(process.pid)], capture_output=True)
            connection.close()
    assert f"Authorization: Bearer {KEY}".encode() in arrived
    assert b"curl" in listed.stdout and KEY.encode() not in listed.stdout
