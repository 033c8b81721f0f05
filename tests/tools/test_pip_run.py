"""The install, watched: what is shown, what is tried again, what is taken up again, what is left out."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import ROOT
from tools.setup import install, pip_run, why_not
from tools.setup.bar import LOG_EVERY, Bar


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """The tests' own environment names a proxy that does not answer."""
    for name in why_not.PROXIES:
        monkeypatch.delenv(name, raising=False)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """The bar's time, which a test sets."""
    now = [100.0]
    monkeypatch.setattr("tools.setup.bar.time.monotonic", lambda: now[0])
    return now


def test_a_terminal_gets_one_line_with_counts_and_the_time_left(clock):
    out = Terminal()
    bar = Bar("Fetching", out)
    clock[0] += 10
    bar.show(0.25, "40 of 160 packages, 150 MB")
    clock[0] += 50
    bar.close("160 packages, 640 MB")
    drawn = out.getvalue().split("\r")
    assert drawn[1] == "Fetching [######..................] 40 of 160 packages, 150 MB, about 30 s left"
    assert drawn[-1].rstrip() == "Fetching: 160 packages, 640 MB, 60 s"
    assert len(drawn[-1].rstrip("\n")) >= len(drawn[1]), "the longer line before would show through"


def test_a_log_gets_a_plain_line_now_and_then(clock):
    out = io.StringIO()
    bar = Bar("Unpacking", out)
    for second in range(40):
        clock[0] = 100.0 + second
        bar.show(second / 40, f"{second} of 40 packages")
    lines = out.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"Unpacking: {second:.0f} of 40 packages" for second in (0, LOG_EVERY, 2 * LOG_EVERY)
    ]
    assert "about 25 s left" in lines[1] and "\r" not in out.getvalue()


def test_no_time_is_promised_before_it_can_be_told(clock):
    out = Terminal()
    bar = Bar("Fetching", out)
    clock[0] += 1
    bar.show(0.5, "80 of 160 packages")
    bar.show(0, "0 of 160 packages")
    assert "left" not in out.getvalue()


PIP = r"""
import pathlib, sys, time
site = pathlib.Path(sys.argv[1])
print("Collecting torch==2.13.0 (from -r requirements.txt (line 3))")
print("  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (29 kB)")
print("  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (192.0 MB)")
print("Progress 1000000 of 192000000")
print("  Using cached scikit_learn-1.9.1-cp311-cp311-macosx_14_0_arm64.whl (9000 kB)")
print("Processing /a room/wheels/tqdm-4.70.1-py3-none-any.whl (from -r requirements.txt (line 9))")
print("Installing collected packages: tqdm, scikit-learn, torch")
for name in ("tqdm-4.70.1", "scikit_learn-1.9.1", "torch-2.13.0+cpu"):
    (site / f"{name}.dist-info").mkdir(parents=True)
    (site / f"{name}.dist-info" / "INSTALLER").write_text("pip")
print("Successfully installed")
sys.exit(int(sys.argv[2]))
"""


def watched(tmp_path, code=0, program=PIP):
    site = tmp_path / "site"
    command = [sys.executable, "-u", "-c", program, str(site), str(code)]
    names = {"torch", "scikit-learn", "tqdm"}
    return pip_run.PipRun(command, names, site, dict(os.environ), tmp_path, tmp_path / "install.log", True)


def test_what_pip_fetches_and_unpacks_is_counted(tmp_path, capsys):
    run = watched(tmp_path)
    assert run.watch() == 0
    out = capsys.readouterr().out
    assert "Fetching: 3 packages, 201 MB" in out and "Unpacking: 3 packages" in out
    assert "Successfully installed" in (tmp_path / "install.log").read_text(encoding="utf-8")
    assert pip_run.whole_packages(tmp_path / "site") == {"torch", "scikit-learn", "tqdm"}


def test_a_run_that_fails_says_so_with_its_code(tmp_path, capsys):
    run = watched(tmp_path, code=3)
    assert run.watch() == 3 and "Collecting torch==2.13.0" in run.said[0]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as Unix has them")
def test_ctrl_c_ends_pip_too_and_says_how_to_go_on(tmp_path):
    pip = "import os, time; print('Collecting torch', os.getpid(), flush=True); time.sleep(60)"
    program = f"""
import os, sys
from pathlib import Path
from tools.setup import install, pip_run
def start(venv, pip_options, tasks):
    folder = Path({str(tmp_path)!r})
    command = [sys.executable, "-c", {pip!r}]
    pip_run.PipRun(command, set(), folder, dict(os.environ), folder, folder / "install.log", True).watch()
install.install = start
install.main([".venv"])
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    log = tmp_path / "install.log"
    while not (log.exists() and log.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1 and "Stopped. Run the same command again to go on" in said
    child = int(log.read_text(encoding="utf-8").split()[-1])
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize(
    ("line", "again"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError(…)': /simple/torch/", True),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", True),
        ("ERROR: HTTP error 503 while getting … 503 Server Error: Service Unavailable for url", True),
        ("ERROR: Could not find a version that satisfies torch==9 (from versions: 2.13.0)", False),
        ("ERROR: torch has an invalid wheel", False),
    ],
)
def test_a_network_that_broke_is_tried_again_and_nothing_else(line, again):
    assert why_not.worth_another_try(["Collecting torch", line]) == again


@pytest.mark.parametrize(("failures", "asked"), [(0, 1), (2, 3), (9, 4)])
def test_pip_is_asked_again_after_longer_and_longer_waits(monkeypatch, tmp_path, capsys, failures, asked):
    runs, waits = [], []

    class Run:
        said = ("ERROR: Network is unreachable",)

        def __init__(self, *task):
            runs.append(task)

        def watch(self):
            return int(len(runs) <= failures)

    monkeypatch.setattr(install, "PipRun", Run)
    monkeypatch.setattr(install.time, "sleep", waits.append)
    if failures < 4:
        install._pip(tmp_path, ["-r", "requirements.txt"], [], set())
    else:
        with pytest.raises(install.InstallError, match="No package index could be reached"):
            install._pip(tmp_path, ["-r", "requirements.txt"], [], set())
    assert len(runs) == asked and waits == list(install.WAITS[: asked - 1])
    assert capsys.readouterr().out.count("Trying again in") == asked - 1


def test_a_dead_proxy_is_named_without_its_password(monkeypatch, tmp_path):
    monkeypatch.setenv("HTTPS_PROXY", "http://somebody:secret@127.0.0.1:9")
    said = ["WARNING: Retrying after connection broken by 'ProxyError(…)'"]
    assert not why_not.worth_another_try(said)
    message = why_not.why_pip_failed(said, tmp_path, 3)
    assert "The proxy 127.0.0.1:9 (in HTTPS_PROXY) does not answer" in message and "secret" not in message


def test_a_package_that_was_cut_off_is_installed_anew(tmp_path):
    whole, half = tmp_path / "numpy-2.4.6.dist-info", tmp_path / "torch-2.13.0.dist-info"
    for folder in (whole, half):
        folder.mkdir()
        (folder / "METADATA").touch()
    (whole / "INSTALLER").touch()
    install._forget_halves(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [whole.name]


def test_pip_gets_nothing_that_sends_it_elsewhere(monkeypatch, tmp_path):
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    kept = pip_run.clean_environment(tmp_path)
    assert "/elsewhere" not in kept.values() and kept["PIP_USER"] == "0"
    assert kept["PIP_INDEX_URL"] == "https://index.example/simple" and kept["TMPDIR"] == str(tmp_path)


def test_only_the_programs_that_test_torch_are_left_out(tmp_path):
    for name in (
        "test/api_test",
        "bin/test_api",
        "bin/FileStoreTest",
        "bin/torch_shm_manager",
        "testing/x.py",
    ):
        (tmp_path / "torch" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "torch" / name).touch()
    install._leave_out_test_programs(tmp_path)
    left = {path.relative_to(tmp_path / "torch").as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"bin/torch_shm_manager", "testing/x.py"}


def test_a_lock_s_names_are_those_of_the_locks_that_it_includes_too():
    tests = install.names_in(ROOT / "requirements" / "tests.txt")
    assert {"torch", "pytest", "ray"} <= tests and install.names_in(ROOT / "requirements.txt") < tests


def test_an_unknown_task_names_those_that_there_are(tmp_path):
    with pytest.raises(install.InstallError, match="no task 'nothing'. There are: scale, finetune, grading"):
        install.install(tmp_path / "venv", [], ["nothing"])


def test_arguments_are_split_into_tasks_and_pip_s_own():
    words = ["--with", "scale", "--no-index", "--with", "site", "--find-links", "wheelhouse"]
    assert install.split_arguments(words) == (["scale", "site"], ["--no-index", "--find-links", "wheelhouse"])


def test_the_installer_runs_as_a_file_too_and_on_a_console_without_our_letters(tmp_path):
    program = ROOT / "tools" / "setup" / "install.py"
    run = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "venv"), "--with", "nothing"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "cp437"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1 and "Not installed. There is no task" in run.stderr
    assert not Path(tmp_path / "venv").exists()
