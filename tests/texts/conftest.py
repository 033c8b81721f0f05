"""What tests of reading texts share."""

import warnings

import pytest


@pytest.fixture
def no_warnings():
    """A warning that a test does not ask for is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def file(tmp_path):
    """Write a file and give its path."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write
