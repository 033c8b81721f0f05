"""The offline folder: what is asked of pip, and that a failed download costs nothing."""

import subprocess
import sys

import pytest
import wheelhouse
from conftest import ROOT


def test_offline_asks_no_index():
    shown = subprocess.run(["make", "-n", "setup", "OFFLINE=1", "PIP_ARGS=--quiet"], cwd=ROOT, capture_output=True, text=True).stdout
    assert "tools/install.py .venv --quiet --no-index --find-links wheelhouse" in shown
    shown = subprocess.run(["make", "-n", "setup"], cwd=ROOT, capture_output=True, text=True).stdout
    assert "--no-index" not in shown


def test_offline_without_the_folder_says_how_to_make_it(tmp_path):
    run = subprocess.run(["make", "-f", str(ROOT / "Makefile"), "setup", "OFFLINE=1"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode and "There is no folder wheelhouse here. Make it where there is a network, with make wheelhouse" in run.stderr


def test_the_folder_holds_the_lock_what_builds_the_course_and_the_course(tmp_path):
    lock, build, course = (command[command.index("--wheel-dir") + 2 :] for command in wheelhouse.pip_commands(tmp_path, ["--retries", "1"]))
    assert lock == ["--retries", "1", "--no-deps", "-r", str(ROOT / "requirements.txt")]
    assert build[-1].startswith("setuptools") and course[-1] == str(ROOT)


@pytest.mark.parametrize("fails", [False, True])
def test_the_old_folder_is_replaced_only_by_a_complete_one(monkeypatch, tmp_path, fails):
    program = "import pathlib, sys; pathlib.Path(sys.argv[1], 'new-1-py3-none-any.whl').touch(); sys.exit(int(sys.argv[2]))"
    monkeypatch.setattr(wheelhouse, "pip_commands", lambda folder, options: [[sys.executable, "-c", program, str(folder), str(int(fails))]])
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    (folder / "old-1-py3-none-any.whl").touch()
    if fails:
        with pytest.raises(subprocess.CalledProcessError):
            wheelhouse.fill(folder, [])
    else:
        assert wheelhouse.fill(folder, []) == 1
    assert [path.name for path in tmp_path.rglob("*.whl")] == [f"{'old' if fails else 'new'}-1-py3-none-any.whl"]
    assert list(tmp_path.iterdir()) == [folder]
