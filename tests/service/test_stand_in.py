"""The stand-in's address, its start and its end."""

import socket
import threading
import time

import httpx
import pytest

from rerank_course.__main__ import main
from rerank_course.service.stand_in import StandIn
from tests.service.calls import WordCounter, post


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::", "8.8.8.8", "example.org"])
def test_it_listens_on_this_machine_only(host):
    with pytest.raises(ValueError, match="loopback address|does not appear to be"):
        StandIn(WordCounter(), host=host)


def test_no_other_address_of_this_machine_answers(service):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address would be used
        except OSError:
            pytest.skip("this machine has loopback only")
        address = probe.getsockname()[0]
    with pytest.raises((ConnectionError, TimeoutError)):
        socket.create_connection((address, service.port), timeout=2)


def test_stop_ends_the_threads_and_frees_the_port_and_start_begins_again():
    before = set(threading.enumerate())
    service = StandIn(WordCounter())
    service.stop()  # a notebook's cell may be run twice
    for _ in range(2):
        service.start()
        assert post(service).status_code == 200
        port = service.port
        service.stop()
        service.stop()
        assert {thread for thread in threading.enumerate() if thread.name.startswith("stand-in")} <= before
        with pytest.raises(httpx.ConnectError):
            post(service)
    assert service.port == port


def test_stop_does_not_wait_for_a_slow_answer(capfd):
    with StandIn(WordCounter()) as service:
        service.next("slow", seconds=60)
        caller = threading.Thread(target=lambda: pytest.raises(httpx.HTTPError, post, service))
        caller.start()
        while service._faults:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    caller.join(5)
    assert not caller.is_alive() and capfd.readouterr().err == ""


def test_a_taken_port_says_so(service):
    with pytest.raises(OSError, match=f"port {service.port} cannot be taken .*Take another one"):
        StandIn(WordCounter(), port=service.port).start()


@pytest.mark.heavy
def test_so_does_the_command(service, capsys):
    assert main(["serve-hosted", "--port", str(service.port)]) == 2
    assert f"rerank_course serve-hosted: port {service.port} cannot be taken" in capsys.readouterr().err
    assert main(["serve-hosted", "--port", "70000"]) == 2


def test_without_the_int8_engine_torch_scores_and_a_warning_says_so(monkeypatch):
    from rerank_course.engine.int8 import EngineNotInstalledError

    def load_reranker(backend="torch"):
        if backend == "int8":
            raise EngineNotInstalledError("openvino is missing")
        return WordCounter()

    monkeypatch.setattr("rerank_course.models.load_reranker", load_reranker)
    with pytest.warns(UserWarning, match="scores with torch.*openvino is missing"), StandIn() as service:
        assert post(service).status_code == 200
