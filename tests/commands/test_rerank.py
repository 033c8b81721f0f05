"""`rerank-course rerank`: texts of files and of standard input, ranked by the real model."""

import io
import json
import sys

import pytest

from rerank_course.__main__ import main


def type_lines(monkeypatch, text):
    data = text if isinstance(text, bytes) else text.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.heavy
def test_lines_of_standard_input_come_out_ranked(monkeypatch, capsys):
    type_lines(monkeypatch, "Parking is free.\n\nThe limit for claims without approval is $500.\n")
    assert main(["rerank", "How much can I claim?"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3 and "$500" in out[1] and "stdin:3" in out[1] and "Parking" in out[2]


def test_files_are_candidates_and_json_lines_come_out(tmp_path, capsys, loaded_once):
    (tmp_path / "a.txt").write_text("Parking is free.", encoding="utf-8")
    (tmp_path / "b.txt").write_text("Up to $500 may be\nclaimed – without approval.", encoding="utf-8-sig")
    files = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    assert main(["rerank", "How much can I claim?", *files, "--json", "--top-k", "1"]) == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert row["rank"] == 1 and row["source"].endswith("b.txt")
    assert row["text"].startswith("Up to $500") and isinstance(row["score"], float)


def test_lines_of_files(tmp_path, capsys, loaded_once):
    (tmp_path / "a.txt").write_bytes(b"Parking is free.\r\nUp to $500 may be claimed.\r\n")
    assert main(["rerank", "How much can I claim?", "--lines", str(tmp_path / "a.txt")]) == 0
    assert "a.txt:2" in capsys.readouterr().out.splitlines()[1]


def test_a_line_is_what_grep_counts(tmp_path, capsys, loaded_once):
    text = "one\u0085two\u2028three\x0cfour\r\n\u200b\n  Parking is free.\x0b\n"
    (tmp_path / "a.txt").write_bytes(text.encode())
    assert main(["rerank", "Where do I park?", "--lines", "--json", str(tmp_path / "a.txt")]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
    assert {row["source"][-1]: row["text"] for row in rows} == {
        "1": "one\u0085two\u2028three\x0cfour",
        "3": "Parking is free.",
    }


@pytest.mark.heavy
def test_the_int8_engine(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("Parking is free.", encoding="utf-8")
    assert main(["rerank", "Where do I park?", str(tmp_path / "a.txt"), "--backend", "int8"]) == 0
    assert "Parking is free." in capsys.readouterr().out


def test_a_long_file_is_read_to_the_limit_and_said_so(tmp_path, capsys, loaded_once):
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
        (["rerank", "query"], "\u200b\n\u00a0\n", "no candidate"),
        (["rerank", "query", "empty.txt"], "", "empty.txt has no text"),
        (["rerank", "query", "no such file"], "", "no such file"),
        (["rerank", "query", "."], "", "directory"),
        (["rerank", "query"], b"caf\xe9\n", "not UTF-8"),
        (["rerank", "query", "--model", "nowhere/nothing"], "a\n", "nowhere/nothing is not on this machine"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(
    arguments, text, message, tmp_path, monkeypatch, capsys, loaded_once
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\u200b\n", encoding="utf-8")
    type_lines(monkeypatch, text)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rerank_course rerank: ") and message.lower() in captured.err.lower()
    assert "Traceback" not in captured.err
