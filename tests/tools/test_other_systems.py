"""What Windows and macOS lack or do otherwise, played on this system: the code for them runs here at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rerank_course.engine import int8, quantise
from rerank_course.service import signals
from tests.support import ROOT
from tools.setup import install, start_lab

# As on Windows: no fork, none of Unix's modules and calls. filelock then takes the lock that any system has.
LIKE_WINDOWS = """
import os, sys
for name in ("fork", "forkpty", "register_at_fork", "sched_getaffinity", "geteuid", "killpg"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("fcntl", "resource", "pwd", "grp", "termios", "pty"):
    sys.modules[name] = None
"""
IMPORT_ALL = """
import importlib, pkgutil, rerank_course
names = [m.name for m in pkgutil.walk_packages(rerank_course.__path__, "rerank_course.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""
MAKE_ONCE = """
from rerank_course.engine.cache import made_once
folder = made_once("model-1", lambda path: (path / "weights").write_text("w", encoding="utf-8"), "a model")
print((folder / "weights").read_text(encoding="utf-8"), made_once("model-1", None, "a model") == folder)
"""


def run(program, first="", **environment):
    return subprocess.run(
        [sys.executable, "-c", first + LIKE_WINDOWS + program],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.heavy
def test_every_module_loads_without_what_windows_lacks():
    found = run(IMPORT_ALL, first="import torch, sentence_transformers\n")  # they look at the system's name
    assert found.returncode == 0, found.stderr[-2000:]
    assert int(found.stdout.split()[-1]) > 100


def test_the_model_cache_works_without_unix_s_locks(tmp_path):
    found = run(MAKE_ONCE, RERANK_COURSE_CACHE=str(tmp_path))
    assert found.stdout.split() == ["w", "True"], found.stderr[-2000:]


@pytest.mark.parametrize(("count", "cores"), [(6, 6), (None, 1)])
def test_cores_are_counted_where_the_system_knows_no_affinity(monkeypatch, count, cores):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert int8._cores() == cores


def test_memory_is_not_told_where_the_system_does_not_tell_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert quantise._peak_megabytes() == "?"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no module resource")
def test_macos_counts_memory_in_bytes(monkeypatch):
    here = float(quantise._peak_megabytes())
    monkeypatch.setattr(sys, "platform", "darwin")
    assert float(quantise._peak_megabytes()) < here / 100


def test_windows_own_signal_ends_a_server_too(monkeypatch):
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGTERM + 6, raising=False)
    handlers = signals._handlers()
    assert handlers[signal.SIGBREAK] is signal.default_int_handler
    with pytest.raises(SystemExit) as ended:
        handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert ended.value.code == 143


def test_windows_has_other_folders_in_an_environment(monkeypatch, tmp_path):
    (tmp_path / "Lib" / "site-packages").mkdir(parents=True)
    monkeypatch.setattr(sys, "platform", "win32")
    assert install.python_of(tmp_path) == tmp_path / "Scripts" / "python.exe"
    assert install.site_of(tmp_path) == tmp_path / "Lib" / "site-packages"


def test_lab_starts_where_there_is_no_root(monkeypatch):
    monkeypatch.delattr(os, "geteuid", raising=False)
    for platform in ("win32", "darwin"):
        assert "--no-browser" not in start_lab.lab_command([], {}, platform, False)


@pytest.mark.parametrize("console", ["cp1252", "cp437", "ascii"])
def test_what_is_printed_survives_a_console_of_another_code_page(console, tmp_path):
    """An accent, a dash and an ellipsis: the course's commands write UTF-8 whatever the console says."""
    text = tmp_path / "crêpes – fürs Büro….txt"
    text.write_text("Crêpes – für alle …\n", encoding="utf-8")
    program = (
        "import sys; from rerank_course.__main__ import main; "
        "import rerank_course.commands.rerank as r; "
        "r.run = lambda options: print(open(options.query, encoding='utf-8').read()) or 0; "
        "sys.exit(main(['rerank', sys.argv[1], sys.argv[1]]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, str(text)],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": console, "PYTHONUTF8": "0"},
        capture_output=True,
    )
    assert found.returncode == 0, found.stderr
    assert "Crêpes – für alle …" in found.stdout.decode("utf-8")


def test_every_text_file_is_opened_with_its_encoding_named():
    """Windows reads cp1252 where nothing is said."""
    command = [sys.executable, "-m", "ruff", "check", "--preview", "--select", "PLW1514", "--no-cache"]
    command += ["--exclude", "sandbox.py"]  # Linux's alone
    folders = [str(ROOT / name) for name in ("rerank_course", "tools")]
    found = subprocess.run([*command, *folders], capture_output=True, text=True, encoding="utf-8")
    assert found.returncode == 0, found.stdout


def test_no_name_differs_from_another_by_case_alone_and_none_is_windows_own():
    """Neither Windows nor macOS can hold README.md beside readme.md; Windows has no file called aux."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    names = tracked.stdout.splitlines()
    if not names:
        pytest.skip("not a git repository")
    assert len({name.casefold() for name in names}) == len(names)
    parts = {part for name in names for part in Path(name).parts}
    reserved = {"con", "prn", "aux", "nul"}
    assert not [p for p in parts if p.split(".")[0].lower() in reserved or set(p) & set('<>:"|?*\\')]
