"""For the tests of hosted rerankers: a stand-in on this machine, and the real SDK over real sockets."""

import http.server
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from rerank_course.hosted import CohereReranker
from rerank_course.service.stand_in import StandIn

KEY = "a-secret-key-that-nobody-may-see"
QUERY = "How many people live in Berlin?"
DOCUMENTS = [
    "Berlin is well known for its museums.",
    "Berlin had a population of 3,520,031 registered inhabitants.",
    "Penguins cannot fly.",
]
PAIRS = [(QUERY, document) for document in DOCUMENTS]


class Lengths:
    """Scores that tell which document they belong to: logit = length − 40. Keeps what it is given."""

    def __init__(self):
        self.calls = []

    def predict(self, pairs, batch_size=32):
        self.calls.append(list(pairs))
        return np.array([len(document) - 40.0 for _, document in pairs])


def sigmoid(pairs):
    """What the stand-in answers with ``Lengths`` behind it."""
    return [1 / (1 + np.exp(40.0 - len(document))) for _, document in pairs]


def hosted(service, **options):
    return CohereReranker(**{"api_key": KEY, "base_url": service.url, "timeout": 5, "max_wait": 0, **options})


def fails(reranker, kind, pairs=PAIRS):
    """The message of the error, exactly of this kind, in which a ``predict`` ends."""
    with pytest.raises(kind) as raised:
        reranker.predict(pairs)
    assert type(raised.value) is kind
    return str(raised.value)


@pytest.fixture(scope="session")
def running():
    with StandIn(Lengths(), key=KEY) as service:
        yield service


@pytest.fixture
def service(running):
    """The stand-in, which has no request behind it and no fault before it."""
    running._reranker = Lengths()
    running.requests.clear()
    yield running
    running.behave()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextmanager
def _answering():
    with http.server.HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def answering():
    """A service that answers with ``.answer``: (status, headers, body), whatever bytes these are."""
    with _answering() as server:
        yield server
