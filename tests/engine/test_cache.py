"""Folders of the model cache: made once, whole or not at all, and made again where they are damaged."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from rerank_course.engine import cache
from rerank_course.engine.cache import CACHE_VARIABLE, MANIFEST, WeightsError, made_once, sha256

NAME = "some-model"
FILES = {"model.bin": b"weights " * 10_000, "config.json": b"{}"}
# Another process that makes the same folder and lets the others wait.
CALL = """
import sys, time
from rerank_course.engine.cache import made_once

def write(target):
    (target / "model.bin").write_bytes(b"half")
    time.sleep(float(sys.argv[1]))
    (target / "model.bin").write_bytes(b"whole")

print(made_once("some-model", write, "a model"))
"""


def write(target):
    for name, content in FILES.items():
        (target / name).write_bytes(content)


def make():
    return made_once(NAME, write, "a model")


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty model cache; the folder itself is not there yet."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def start(seconds):
    return subprocess.Popen(
        [sys.executable, "-c", CALL, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}


def test_a_new_folder_is_complete_and_readable_by_others(empty, capsys):
    folder = make()
    assert folder == empty / NAME and contents(folder) == FILES and (folder / MANIFEST).exists()
    if os.name == "posix":
        assert all(path.stat().st_mode & 0o044 == 0o044 for path in folder.iterdir())
        assert folder.stat().st_mode & 0o055 == 0o055
    assert f"Preparing a model in {folder} (once)" in capsys.readouterr().err
    assert leftovers(empty) == []


def test_the_second_call_writes_nothing(empty, capsys):
    before = (make() / "model.bin").stat().st_mtime_ns
    capsys.readouterr()
    assert (make() / "model.bin").stat().st_mtime_ns == before
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "damage", ["truncated", "changed", "missing file", "manifest not JSON", "empty manifest", "no manifest"]
)
def test_a_damaged_folder_is_made_again(empty, damage, capsys):
    folder = make()
    model = folder / "model.bin"
    if damage == "truncated":
        os.truncate(model, model.stat().st_size // 2)
    elif damage == "changed":
        with model.open("r+b") as file:
            file.seek(-100, os.SEEK_END)
            file.write(b"\0" * 100)
    elif damage == "missing file":
        (folder / "config.json").unlink()
    elif damage == "no manifest":
        (folder / MANIFEST).unlink()
    else:
        (folder / MANIFEST).write_text("{" if damage.endswith("JSON") else "{}", encoding="utf-8")
    capsys.readouterr()
    assert make() == folder and contents(folder) == FILES
    assert sha256(model) == sha256(make() / "model.bin")
    assert "Preparing" in capsys.readouterr().err
    assert leftovers(empty) == []


def test_a_killed_process_leaves_nothing_that_counts(empty):
    """Killed while it writes; the next call cleans up and makes the folder whole."""
    process = start(seconds=60)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(empty.glob(".*/*")):
        time.sleep(0.005)
    assert process.poll() is None, "the process ended before it could be killed"
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.communicate()
    assert leftovers(empty), "nothing was half-written, so the test shows nothing"
    assert not (empty / NAME).exists()
    assert contents(make()) == FILES
    assert leftovers(empty) == []


def test_processes_that_start_at_once_make_one_folder(empty):
    processes = [start(seconds=1) for _ in range(3)]
    results = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], results
    assert {out.strip() for out, _ in results} == {str(empty / NAME)}
    assert sum("Preparing" in err for _, err in results) == 1
    assert contents(empty / NAME) == {"model.bin": b"whole"} and leftovers(empty) == []


def test_a_cache_that_cannot_be_written_says_what_to_set(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(
        WeightsError, match="cannot be written.*Set the environment variable RERANK_COURSE_CACHE"
    ):
        make()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_cache_says_what_to_set(empty):
    empty.mkdir(mode=0o555)
    with pytest.raises(WeightsError, match="Set the environment variable RERANK_COURSE_CACHE"):
        make()


def test_a_full_disk_says_how_much_is_needed_and_leaves_nothing(empty, monkeypatch):
    def full(target):
        (target / "model.bin").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    usage = shutil._ntuple_diskusage(10**9, 10**9 - 5_000_000, 5_000_000)
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WeightsError, match="Only 5 MB are free there; 300 MB are needed"):
        made_once(NAME, full, "a model")
    assert leftovers(empty) == []


def test_a_process_that_never_lets_go_is_named(empty, monkeypatch):
    import filelock

    empty.mkdir()
    monkeypatch.setattr(cache, "LOCK_SECONDS", 0.2)
    with filelock.FileLock(empty / f"{NAME}.lock"), pytest.raises(WeightsError, match="Another process"):
        make()
