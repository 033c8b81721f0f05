"""Fetching through the real huggingface_hub client, against a hub on loopback."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from rerank_course.engine.cache import CACHE_VARIABLE
from rerank_course.engine.hub import needed_files
from tests.support import toy_encoders, toy_hub

# One process for the tests that load a model, since importing torch takes seconds and the client reads
# HF_ENDPOINT and HF_HOME once, when it is imported.
WORKER = """
import contextlib, io, json, shutil, sys
from rerank_course.__main__ import main
real = shutil.disk_usage
for line in sys.stdin:
    order = json.loads(line)
    free = order["free"]
    left = shutil._ntuple_diskusage(10**12, 10**12 - (free or 0), free)
    shutil.disk_usage = real if free is None else lambda path: left
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["fetch", *order["names"], *order["options"]])
    print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}), flush=True)
"""
SCORE_AND_FETCH = """
import sys
from rerank_course.__main__ import main
from rerank_course.models import load_reranker
from rerank_course.rerank import rerank_documents
print(rerank_documents("w1 w2", ["w3", "w1 w2 w4"], load_reranker(sys.argv[1])))
sys.exit(main(["fetch", sys.argv[1]]))
"""


class Machine:
    """A machine with an empty hub cache that knows the fake hub."""

    def __init__(self, home, hub):
        self.home, self.hub = home, hub
        self.environment = {
            **os.environ,
            "HF_HOME": str(home),
            "HF_ENDPOINT": hub.url,
            "HF_HUB_DISABLE_XET": "1",
            CACHE_VARIABLE: str(home / "models"),
        }
        self.worker = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
        )

    def fetch(self, *names, free=None, options=()):
        self.hub.requests.clear()
        self.worker.stdin.write(json.dumps({"names": names, "free": free, "options": options}) + "\n")
        self.worker.stdin.flush()
        answer = json.loads(self.worker.stdout.readline())
        assert "Traceback" not in answer["err"]
        return answer["code"], answer["out"], answer["err"]

    def files(self, name):
        """What the cache holds of a model: {file: size} of its snapshot, and the names of everything else
        that is not whole.
        """
        folder = self.home / "hub" / f"models--{name.replace('/', '--')}"
        snapshot = folder / "snapshots" / toy_hub.REVISION
        whole = {
            path.relative_to(snapshot).as_posix(): path.stat().st_size
            for path in snapshot.rglob("*")
            if path.is_file()
        }
        return whole, [path.name for path in folder.rglob("*.incomplete")]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with toy_hub.serve(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture(scope="module")
def machine(hub, tmp_path_factory):
    machine = Machine(tmp_path_factory.mktemp("home"), hub)
    yield machine
    machine.worker.stdin.close()
    machine.worker.wait(timeout=30)


def put(hub, name, write, *others, **options):
    """A model on the hub, with files beside it that the course does not read."""
    folder = hub.root / name
    folder.mkdir(parents=True)
    write(folder, **options)
    for other in others:
        (folder / other).parent.mkdir(exist_ok=True)
        (folder / other).write_bytes(b"x" * 1000)
    return folder


def test_a_model_and_only_what_it_needs_is_fetched_and_loads_offline_also_as_a_copy(hub, machine, tmp_path):
    others = [
        "onnx/model.onnx",
        "onnx/config.json",
        "openvino/openvino_model.bin",
        "pytorch_model.bin",
        "tf_model.h5",
        "README.md",
        "training_args.bin",
    ]
    put(hub, "BAAI/bge-reranker-base", toy_hub.write_xlm_roberta, *others, tokenizer_limit=None)
    code, out, err = machine.fetch("BAAI/bge-reranker-base")
    assert code == 0
    whole, broken = machine.files("BAAI/bge-reranker-base")
    assert (
        set(whole) == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
        and not broken
    )
    size = sum(whole.values())
    assert (
        f"OK    BAAI/bge-reranker-base: fetched {size / 1e6:.1f} MB in 4 files" in out
        and "reads 512 tokens" in out
        and str(machine.home) in out
    )
    assert out.splitlines()[-1] == "1 of 1 model is ready on this machine."
    assert "100%" in err, "no progress bar was shown"

    shutil.copytree(machine.home / "hub", tmp_path / "hub", symlinks=True)  # as docs/teaching.md says
    offline = {**machine.environment, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", SCORE_AND_FETCH, "BAAI/bge-reranker-base"],
        capture_output=True,
        text=True,
        env=offline,
    )
    assert run.returncode == 0 and "w1 w2 w4" in run.stdout, run.stderr
    said = "was here already; it was not compared with the hub, since HF_HUB_OFFLINE forbids"
    assert f"OK    BAAI/bge-reranker-base: {said}" in run.stdout

    code, out, err = machine.fetch("BAAI/bge-reranker-base")
    assert code == 0 and "was here already, up to date" in out and hub.fetched("BAAI/bge-reranker-base") == []


@pytest.mark.parametrize(
    "name",
    ["cross-encoder/ms-marco-MiniLM-L-6-v2", "ms-marco-MiniLM-L-6-v2", "cross-encoder/ms-marco-MiniLM-L6-v2"],
)
def test_the_old_spelling_and_a_bare_name_are_the_same_model(hub, machine, name):
    if not (hub.root / "cross-encoder/ms-marco-MiniLM-L6-v2").exists():
        put(hub, "cross-encoder/ms-marco-MiniLM-L6-v2", toy_hub.write_bert)
    code, out, _ = machine.fetch(name)
    assert code == 0 and "OK    cross-encoder/ms-marco-MiniLM-L6-v2: " in out
    assert "model.safetensors" in machine.files("cross-encoder/ms-marco-MiniLM-L6-v2")[0]


def test_several_names_go_on_after_a_failure_and_older_weights_load_too(hub, machine):
    toy_hub.to_bin(put(hub, "toy/older", toy_hub.write_bert, "model.onnx"))
    put(hub, "toy/gated", toy_hub.write_bert)
    hub.gated["toy/gated"] = 403
    put(hub, "toy/bi-encoder", toy_hub.write_bi_encoder)
    put(hub, "toy/gguf", lambda folder: None, "model.gguf", "config.json")
    names = [
        "toy/none",
        "toy/gated",
        "toy/bi-encoder",
        "toy/gguf",
        "two words",
        "rerank-v5.0-fast",
        "cross-encoder/ms-marco-MiniLM-L-12-v2",
        "toy/older",
    ]
    code, out, _ = machine.fetch(*names)
    *lines, last = [line for line in out.splitlines() if line]
    assert code == 1 and last == "2 of 8 models are ready on this machine."
    assert [line[:4].strip() for line in lines] == ["FAIL"] * 6 + ["OK"] * 2
    for line, words in zip(
        lines,
        [
            ["no model toy/none", "Check the spelling"],
            ["toy/gated asks for an agreement", f"{hub.url}/toy/gated", "hf auth login"],
            ["toy/bi-encoder is a bi-encoder", "load_embedder"],
            ["toy/gguf holds no weights"],
            ["'two words' is neither"],
            ["rerank-v5.0-fast is a hosted service", "cannot be fetched", "lesson “Hosted reranking”"],
            ["packaged with the course, needs no fetching"],
            ["toy/older: fetched", "It loads"],
        ],
        strict=True,
    ):
        assert all(word in line for word in words), line
    assert (
        "pytorch_model.bin" in machine.files("toy/older")[0]
        and "model.onnx" not in machine.files("toy/older")[0]
    )


def test_an_agreement_that_asks_for_a_login_says_so_too(hub, machine):
    put(hub, "toy/login", toy_hub.write_bert)
    hub.gated["toy/login"] = 401
    code, out, _ = machine.fetch("toy/login")
    assert code == 1 and "toy/login asks for an agreement" in out


def test_a_connection_that_breaks_once_goes_on_where_it_stopped(hub, machine):
    size = (put(hub, "toy/resumed", toy_hub.write_bert, rows=100_000) / "model.safetensors").stat().st_size
    hub.cuts["model.safetensors"] = [12_000_000]
    code, out, _ = machine.fetch("toy/resumed")
    assert code == 0, out
    ranges = [
        wanted for method, path, wanted in hub.requests if method == "GET" and "model.safetensors" in path
    ]
    assert ranges[0] is None and len(ranges) == 2
    start = int(ranges[1].removeprefix("bytes=").removesuffix("-"))
    assert 10_000_000 <= start < size
    assert machine.files("toy/resumed") == (
        {path.name: path.stat().st_size for path in hub.files("toy/resumed")},
        [],
    )


def test_a_download_that_broke_off_leaves_nothing_half_written_and_the_next_run_fetches_the_rest(
    hub, machine
):
    put(hub, "toy/broken", toy_hub.write_bert)
    hub.cuts["model.safetensors"] = [3_000] + [0] * 20
    code, out, _ = machine.fetch("toy/broken")
    hub.cuts.clear()
    assert code == 1 and "FAIL  toy/broken: the download broke off" in out and "Run this again" in out
    whole, broken = machine.files("toy/broken")
    assert "model.safetensors" not in whole and "config.json" in whole and not broken

    code, out, _ = machine.fetch("toy/broken")
    assert code == 0 and "in 1 file," in out
    assert hub.fetched("toy/broken") == ["model.safetensors"]
    whole, broken = machine.files("toy/broken")
    assert whole == {path.name: path.stat().st_size for path in hub.files("toy/broken")} and not broken


def test_a_full_disk_is_seen_before_anything_is_fetched(hub, machine):
    put(hub, "toy/large", toy_hub.write_bert)
    code, out, _ = machine.fetch("toy/large", free=50_000)
    size = sum(path.stat().st_size for path in hub.files("toy/large")) / 1e6
    assert (
        code == 1
        and f"toy/large needs {size:.1f} MB, and only 0.1 MB are free in {machine.home}" in out
        and "HF_HOME" in out
    )
    assert hub.fetched("toy/large") == [] and machine.files("toy/large") == ({}, [])


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE forbids"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be reached"),
    ],
)
def test_without_a_network_it_says_so_at_once(machine, setting, reason):
    command = [sys.executable, "-m", "rerank_course", "fetch", "toy/elsewhere"]
    run = subprocess.run(
        command, capture_output=True, text=True, env={**machine.environment, **setting}, timeout=60
    )
    assert run.returncode == 1 and run.stderr == ""
    assert (
        "FAIL  toy/elsewhere is not on this machine, and" in run.stdout
        and reason in run.stdout
        and "where there is a network" in run.stdout
    )


def test_int8_in_advance(hub, machine):
    """Fetched and made, once. A model that the engine does not take fails, and is fetched all the same."""
    put(hub, "toy/fast", lambda folder: toy_encoders.write("roberta", folder))
    code, out, err = machine.fetch("toy/fast", options=["--int8"])
    assert code == 0, out
    assert "OK    toy/fast: fetched" in out and "Ready for int8 in" in out and "held-out pairs" in out
    assert "Quantising" in err and "Measuring" in err and "GB of memory" in err
    code, out, err = machine.fetch("toy/fast", options=["--int8"])
    assert code == 0 and "was here already" in out and "Ready for int8" in out and "Quantising" not in err

    put(hub, "toy/other-kind", write_mpnet)
    code, out, _ = machine.fetch("toy/other-kind", options=["--int8"])
    assert code == 1 and 'backend="int8" does not run toy/other-kind: its architecture is mpnet' in out
    assert "model.safetensors" in machine.files("toy/other-kind")[0]


def write_mpnet(folder):
    from transformers import MPNetConfig, MPNetForSequenceClassification

    toy_encoders.wordpiece().save_pretrained(folder)
    config = MPNetConfig(vocab_size=toy_encoders.WORDS, num_labels=1, **toy_encoders.SIZES)
    MPNetForSequenceClassification(config).save_pretrained(folder)


def test_which_files_are_needed():
    sharded = [
        "config.json",
        "model.safetensors.index.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "pytorch_model.bin",
    ]
    assert set(needed_files(sharded)) == set(sharded[:-1])
    assert set(
        needed_files(["config.json", "pytorch_model.bin", "onnx/tokenizer.json", "sentencepiece.bpe.model"])
    ) == {
        "config.json",
        "pytorch_model.bin",
        "sentencepiece.bpe.model",
    }
    assert needed_files(["config.json", "model.gguf"]) == []
