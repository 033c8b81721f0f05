"""The command line as a whole: its two names, its exit codes, and what it costs to start."""

import io
import re
import subprocess
import sys

import pytest

from rerank_course.__main__ import main
from tests.support import ROOT

HEAVY = {"torch", "numpy", "pandas", "transformers", "sentence_transformers", "ipywidgets", "tornado", "tqdm"}


def test_an_unknown_command_prints_usage(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["no-such-command"])
    assert stopped.value.code == 2 and "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("started", "name"),
    [
        ("/home/me/.venv/bin/rerank-course", "rerank-course"),
        ("rerank-course.exe", "rerank-course"),
        ("/home/me/rerank_course/__main__.py", "python -m rerank_course"),
    ],
)
def test_usage_names_the_program_as_it_was_started(monkeypatch, capsys, started, name):
    monkeypatch.setattr(sys, "argv", [started, "rerank", "--help"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0 and capsys.readouterr().out.startswith(f"usage: {name} rerank ")
    monkeypatch.setattr(sys, "argv", [started, "progress", "--no-such-option"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert f"{name}: error: unrecognized arguments: --no-such-option" in capsys.readouterr().err


def test_the_console_script_takes_its_words_from_the_process(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["rerank-course", "rerank", "query", str(tmp_path / "none.txt")])
    assert main() == 2
    err = capsys.readouterr().err
    assert err.startswith("rerank_course rerank: ") and "none.txt" in err


def test_the_console_script_is_declared():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.scripts]\nrerank-course = "rerank_course.__main__:main"\n' in text


def test_output_is_utf_8_whatever_the_console_speaks(monkeypatch, tmp_path):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setenv("RERANK_COURSE_PROGRESS", str(tmp_path / "Übersicht"))
    assert main(["progress"]) == 0
    sys.stdout.flush()
    assert "Übersicht" in written.getvalue().decode("utf-8")


def test_an_output_that_cannot_be_told_its_encoding_is_written_to_all_the_same(monkeypatch):
    notebook = io.StringIO()  # as a notebook's output
    monkeypatch.setattr(sys, "stdout", notebook)
    assert main(["progress"]) == 0 and notebook.getvalue()


def test_help_imports_nothing_that_takes_long():
    for words in (["--help"], ["evaluate", "--help"]):
        command = [sys.executable, "-X", "importtime", "-m", "rerank_course", *words]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
        imported = {name.split(".")[0] for name in re.findall(r"\| +(\S+)$", run.stderr, re.MULTILINE)}
        assert "argparse" in imported and not imported & HEAVY
        assert run.stdout.startswith("usage: python -m rerank_course")


def test_texts_are_read_without_models_and_without_pandas():
    script = "import sys; from rerank_course.texts.corpora import load_corpus; load_corpus('handbook'); "
    script += "print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = {name.split(".")[0] for name in run.stdout.split()}
    assert "rerank_course" in imported and not imported & (HEAVY - {"tqdm"})
