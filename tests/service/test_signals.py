"""``serve-hosted`` in a process of its own ends when it is told to, whatever its parent had set."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from rerank_course.service.signals import ended_by_signals
from tests.service.calls import BODY, sdk
from tests.support import ROOT

KEY = "a-key-of-mine"
COMMAND = [sys.executable, "-m", "rerank_course", "serve-hosted"]
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def start(inherited):
    """The command, with what its parent does about these signals."""

    def set_signals():
        for number in SIGNALS:
            signal.signal(number, inherited)

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = {**os.environ, "STAND_IN_KEY": KEY}
    return subprocess.Popen(COMMAND, cwd=ROOT, env=environment, preexec_fn=set_signals, **pipes)


def listed(number):
    """The process as a list of processes shows it to everybody."""
    found = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(number)], capture_output=True, text=True)
    assert "serve-hosted" in found.stdout
    return found.stdout


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals between processes")
@pytest.mark.parametrize("inherited", [signal.SIG_IGN, signal.SIG_DFL], ids=["ignored", "default"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_serve_hosted_ends_cleanly(inherited, number, code):
    with start(inherited) as process:
        try:
            said = process.stdout.readline()
            address, port = re.search(r"http://(127\.0\.0\.1):(\d+)", said).groups()
            assert KEY not in said and KEY not in listed(process.pid)
            client = sdk(f"http://{address}:{port}", KEY)
            assert client.rerank(**BODY).results[0].index == 1
            process.send_signal(number)
            assert process.wait(10) == code and process.stderr.read() == ""
        finally:
            process.kill()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the closed connection lingers
        again.bind((address, int(port)))


IGNORING = """
import signal, sys, threading, time

import httpx

from rerank_course.service.signals import ended_by_signals
from rerank_course.service.stand_in import StandIn
from tests.service.calls import post

SIGNALS = (signal.SIGINT, signal.SIGTERM)
for number in SIGNALS:
    signal.signal(number, signal.SIG_IGN)  # as in a shell's background job
"""
HANDLERS = """
number = int(sys.argv[1])
signal.raise_signal(number or signal.SIGINT)  # without the block, nothing happens
raised = None
try:
    with ended_by_signals():
        assert signal.SIG_IGN not in map(signal.getsignal, SIGNALS)
        if number:
            signal.raise_signal(number)
except (KeyboardInterrupt, SystemExit) as error:
    raised = type(error).__name__
assert list(map(signal.getsignal, SIGNALS)) == [signal.SIG_IGN] * 2
print(raised)
"""
SCORING = """
begun = threading.Event()

class Slow:
    def predict(self, pairs):
        begun.set()
        time.sleep(0.5)
        print("scored to the end")
        return [0.0] * len(pairs)

def call():
    try:
        post(service)
    except httpx.HTTPError:
        print("no answer")

with ended_by_signals(), StandIn(Slow()) as service:
    threading.Thread(target=call).start()
    assert begun.wait(10)
    signal.raise_signal(signal.SIGTERM)
"""


def ran(script, *arguments):
    """The script in a process of its own: a signal that goes astray must not end the tests."""
    command = [sys.executable, "-c", IGNORING + script, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, timeout=60, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "SystemExit"), (0, "None")]
)
def test_the_handlers_are_given_back(number, error):
    process = ran(HANDLERS, int(number))
    assert (process.returncode, process.stdout) == (0, error + "\n"), process.stderr


def test_what_is_being_scored_is_scored_to_its_end():
    process = ran(SCORING)
    assert process.returncode == 143, process.stderr
    assert sorted(process.stdout.splitlines()) == ["no answer", "scored to the end"]


def test_in_another_thread_nothing_is_changed():
    seen = []

    def look():
        with ended_by_signals():
            seen.extend(map(signal.getsignal, SIGNALS))

    before = list(map(signal.getsignal, SIGNALS))
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == before == list(map(signal.getsignal, SIGNALS))
