import io
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata

import pytest

from rerank_course.__main__ import main
from rerank_course.learner import doctor
from rerank_course.models import CATALOGUE, DEFAULT_HOSTED


def lines(monkeypatch, text):
    data = text if isinstance(text, bytes) else text.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_lines_of_standard_input_come_out_ranked(monkeypatch, capsys):
    lines(monkeypatch, "Parking is free.\n\nThe limit for claims without approval is $500.\n")
    assert main(["rerank", "How much can I claim?"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3 and "$500" in out[1] and "stdin:3" in out[1] and "Parking" in out[2]


def test_files_are_candidates_and_json_lines_come_out(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("Parking is free.", encoding="utf-8")
    (tmp_path / "b.txt").write_text("Up to $500 may be\nclaimed – without approval.", encoding="utf-8-sig")
    assert (
        main(
            [
                "rerank",
                "How much can I claim?",
                str(tmp_path / "a.txt"),
                str(tmp_path / "b.txt"),
                "--json",
                "--top-k",
                "1",
            ]
        )
        == 0
    )
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (
        row["rank"] == 1
        and row["source"].endswith("b.txt")
        and row["text"].startswith("Up to $500")
        and isinstance(row["score"], float)
    )


def test_lines_of_files(tmp_path, capsys):
    (tmp_path / "a.txt").write_bytes("Parking is free.\r\nUp to $500 may be claimed.\r\n".encode())
    assert main(["rerank", "How much can I claim?", "--lines", str(tmp_path / "a.txt")]) == 0
    assert "a.txt:2" in capsys.readouterr().out.splitlines()[1]


def test_a_long_file_is_read_to_the_limit_and_said_so(tmp_path, capsys):
    (tmp_path / "long.txt").write_text("word " * 600, encoding="utf-8")
    assert main(["rerank", "query", str(tmp_path / "long.txt")]) == 0
    err = capsys.readouterr().err
    assert "long.txt: query and text are 604 tokens; the model read the first 512." in err


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        (["rerank", "query"], "", "no candidate"),
        (["rerank", " "], "a\n", "query is empty"),
        (["rerank", "query", "--top-k", "0"], "a\n", "top_k must be at least 1"),
        (["rerank", "query", "--batch-size", "0"], "a\n", "batch_size must be at least 1"),
        (["rerank", "query", "no such file"], "", "no such file"),
        (["rerank", "query", "."], "", "directory"),
        (["rerank", "query"], b"caf\xe9\n", "not UTF-8"),
        (["rerank", "query", "--model", "nowhere/nothing"], "a\n", "nowhere/nothing is not on this machine"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(arguments, text, message, monkeypatch, capsys):
    lines(monkeypatch, text)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rerank_course rerank: ") and message.lower() in captured.err.lower()
    assert "Traceback" not in captured.err


def test_an_unknown_command_prints_usage(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["no-such-command"])
    assert stopped.value.code == 2 and "usage" in capsys.readouterr().err


def test_doctor_prints_a_line_for_each_requirement_and_a_first_rerank(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for line in metadata.requires("rerank-course"):
        if "extra ==" in line and 'extra == "dev"' not in line:
            continue
        name = line.split(">")[0].split("=")[0].split("<")[0].strip()
        assert any(row.startswith(f"OK    {name}") for row in out.splitlines()), name
    ranked = out[out.index("first rerank") :].splitlines()
    assert "What is the reimbursement limit?" in ranked[0]
    assert "up to $500 without pre-approval" in ranked[1]
    assert "FAIL" not in out and "All" in out.splitlines()[-1]


def test_doctor_names_what_fails_and_goes_on(monkeypatch, capsys):
    real = metadata.version
    monkeypatch.setattr(
        doctor.metadata,
        "version",
        lambda name: {"torch": "1.0", "numpy": None}.get(name, real(name)) or missing(name),
    )
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  torch<2.14,>=2.13: 1.0 is installed. Run: pip install -r requirements.txt" in out
    assert "FAIL  numpy<3,>=2: not installed" in out
    assert "OK    first rerank" in out and "2 of " in out.splitlines()[-1]


def test_doctor_demands_the_plain_requirements_and_dev_and_no_other_extra(monkeypatch, capsys):
    lines = [
        "no-such-plain>=1",
        'no-such-dev==2; extra == "dev"',
        'no-such-bench==3; extra == "bench"',
        'no-such-here==4; python_version < "3"',
    ]
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: lines)
    assert not doctor.run_doctor(only_failures=True)
    failed = [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert failed == ["FAIL  no-such-plain>=1", "FAIL  no-such-dev==2"]


def missing(name):
    raise metadata.PackageNotFoundError(name)


def test_doctor_can_keep_to_failures(capsys):
    assert doctor.run_doctor(only_failures=True)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_doctor_lists_the_models_and_never_shows_a_key(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("rerank_course.engine.hub.hub_cache", lambda: tmp_path)
    folder = tmp_path / "models--cross-encoder--ms-marco-MiniLM-L-6-v2"  # the older spelling
    for file in ("refs/main", "snapshots/abc/config.json", "snapshots/abc/model.safetensors"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("abc", encoding="utf-8")
    monkeypatch.setenv("CO_API_KEY", "my-secret")
    assert models_of_the_doctor(capsys) == {
        "cross-encoder/ms-marco-MiniLM-L6-v2": "found in the local cache",
        "cross-encoder/ms-marco-MiniLM-L12-v2": "packaged with the course",
        "BAAI/bge-reranker-base": "needs fetching: python -m rerank_course fetch BAAI/bge-reranker-base",
        "BAAI/bge-reranker-large": "needs fetching: python -m rerank_course fetch BAAI/bge-reranker-large",
        DEFAULT_HOSTED: "hosted, CO_API_KEY is set",
    }
    monkeypatch.delenv("CO_API_KEY")
    monkeypatch.setattr("rerank_course.engine.hub.is_local", unreadable)
    again = models_of_the_doctor(capsys)
    assert (
        again[DEFAULT_HOSTED] == "hosted, needs a key in CO_API_KEY"
        and again["BAAI/bge-reranker-base"] == "not known (no permission)"
    )


def models_of_the_doctor(capsys):
    assert doctor.run_doctor()
    out = capsys.readouterr().out
    assert "my-secret" not in out and "FAIL" not in out
    names = [option.name for option in CATALOGUE]
    rows = [line.strip().split(": ", 1) for line in out.splitlines()]
    return {row[0]: row[1] for row in rows if row[0] in names}


def unreadable(name):
    raise PermissionError("no permission")


def test_doctor_without_the_course_installed(monkeypatch, capsys):
    monkeypatch.setattr(doctor.metadata, "requires", missing)
    assert not doctor.run_doctor(only_failures=True)
    assert (
        "FAIL  rerank-course: not installed. Run in the course's folder: pip install --no-deps -e ."
        in capsys.readouterr().out
    )


def test_doctor_finds_a_kernel_that_does_not_start(monkeypatch, capsys, tmp_path):
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        json.dumps({"argv": ["/no/such/python"], "display_name": "Python 3", "language": "python"}),
        encoding="utf-8",
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert not doctor.run_doctor(only_failures=True)
    assert (
        "FAIL  Jupyter kernel python3: it starts /no/such/python, which does not exist"
        in capsys.readouterr().out
    )


def test_doctor_finds_a_kernel_of_another_python(monkeypatch, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "other")], check=True)
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    other = shutil.which(
        "python", path=os.pathsep.join(str(tmp_path / "other" / name) for name in ("bin", "Scripts"))
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    def write_spec(command):
        (folder / "kernel.json").write_text(
            json.dumps({"argv": [command], "display_name": "Python 3", "language": "python"}),
            encoding="utf-8",
        )

    write_spec(other)
    with pytest.raises(RuntimeError) as problem:
        doctor._check_kernel()
    assert f"it starts {other}, another Python than this one" in str(
        problem.value
    ) and f"rename the folder {folder}" in str(problem.value)
    for command in (sys.executable, "bash"):  # this one, and a script of which nobody can say what it starts
        write_spec(command)
        assert doctor._check_kernel() == "Python 3"


def test_doctor_does_not_need_a_python_on_the_path(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.run_doctor(only_failures=True), capsys.readouterr().out
