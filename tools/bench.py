"""`make bench`: time the course's engines and the libraries that people would pick instead, with the same weights.

One process for each contender, all alive at once and asked in turns, so that a slow moment of the machine falls on nobody alone. Prints a table
and writes it to docs/benchmarks.md; `make bench BENCH_ARGS="--sizes 10 100 --rounds 3"` chooses how much. The other libraries live in .venv-bench, which sees
the course's packages and has its own where versions differ.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import venv
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "benchmarks.md"
PEERS_VENV = ROOT / ".venv-bench"
WORKER = Path(__file__).with_name("bench_worker.py")
CONTENDERS = ("torch, one by one", "torch, slices of 32", "torch, one predict", "course, int8", "FlashRank, int8", "fastembed, fp32", "fastembed, int8", "rerankers, fp32")
PEERS = CONTENDERS[4:]  # not ours
QUERY = "What is the reimbursement limit?"


def lengths(kind: str, count: int) -> list[int]:
    """Document lengths in tokens: all 30, all 200, or log-uniform from 15 to 480."""
    if kind != "mixed":
        return [int(kind)] * count
    return np.exp(np.random.default_rng(0).uniform(np.log(15), np.log(480), count)).astype(int).tolist()


def documents(tokenizer, tokens: list[int], sizes: list[int]) -> list[str]:
    """Texts of these lengths, cut one after the other from running text; it starts again where it ends."""
    texts, start = [], 0
    for size in sizes:
        start = 0 if start + size > len(tokens) else start
        texts.append(tokenizer.decode(tokens[start : start + size]))
        start += size
    return texts


def padding_share(in_tokens: list[int], batch_size: int) -> float:
    """Share of the computed tokens that is padding when the list is cut into batches as it stands."""
    computed = sum(max(batch) * len(batch) for i in range(0, len(in_tokens), batch_size) if (batch := in_tokens[i : i + batch_size]))
    return 1 - sum(in_tokens) / computed


def peers_python() -> Path:
    """The Python of .venv-bench, which is made, or completed, first. Needs a package index the first time."""
    python = PEERS_VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]["bench"]
    stamp = PEERS_VENV / ".installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == repr(extra):
        return python
    venv.create(PEERS_VENV, with_pip=True, clear=True)
    place = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True, capture_output=True, text=True).stdout.strip()
    # Later on the path than .venv-bench's own packages, so that a peer finds the versions it asks for.
    (Path(place) / "course.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n", encoding="utf-8")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *extra], check=True)
    stamp.write_text(repr(extra), encoding="utf-8")
    return python


class Worker:
    """A contender in a process of its own; ``reason`` says why it cannot run, if it cannot."""

    def __init__(self, name: str, folder: Path, python: Path | str = sys.executable) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [str(python), str(WORKER), name, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
        )
        self.reason = self._read().get("error")

    def run(self, pairs: list) -> dict:
        """``{"seconds", "megabytes", "scores"}`` for one call."""
        self._process.stdin.write(json.dumps(pairs) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def _read(self) -> dict:
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"error": f"ended with code {self._process.wait()}"}


def measure(workers: list[Worker], workloads: dict[tuple[str, int], list], rounds: dict[int, int]) -> pd.DataFrame:
    """One row for each contender, kind, count and round."""
    rows, order = [], random.Random(0)
    for (kind, count), pairs in workloads.items():
        for number in range(rounds[count]):
            for worker in order.sample(workers, len(workers)):
                answer = worker.run(pairs)
                if "error" in answer:
                    print(f"{worker.name}, {kind} × {count}: {answer['error']}", file=sys.stderr)
                    continue
                rows.append({"contender": worker.name, "kind": kind, "count": count, **answer})
            print(f"{kind} × {count}: round {number + 1} of {rounds[count]}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Medians, spreads and ratios for one workload, contenders as rows."""
    grouped = rows.groupby("contender", sort=False)
    median = grouped["seconds"].median().reindex([name for name in CONTENDERS if name in set(rows["contender"])])
    peers = median[median.index.isin(PEERS)]
    reference = rows.loc[rows["contender"] == CONTENDERS[0], "scores"].iloc[0]
    result = pd.DataFrame({"median s": median.round(3)})
    result["min–max s"] = [f"{low:.3f}–{high:.3f}" for low, high in zip(grouped["seconds"].min()[median.index], grouped["seconds"].max()[median.index])]
    result["× one by one"] = (median[CONTENDERS[0]] / median).round(2)
    result["× fastest peer"] = (peers.min() / median).round(2) if len(peers) else "–"
    result["peak MB"] = grouped["megabytes"].max()[median.index].round().astype(int)
    first = grouped["scores"].first()
    result["Kendall tau"] = [round(pd.Series(reference).corr(pd.Series(first[name]), method="kendall"), 3) for name in median.index]
    return result


def start_up_seconds(backend: str) -> float:
    """Import to first score in a fresh process, with a warm model cache."""
    code = f"from rerank_course.models import load_reranker; load_reranker(backend={backend!r}).predict([('a', 'b')])"
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)[1]


def machine() -> list[str]:
    """What the figures depend on, without names of people or places."""
    cpu, flags = platform.processor() or platform.machine(), ""
    if Path("/proc/cpuinfo").exists():
        info = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").replace("\t", "").splitlines() if ":" in line)
        cpu, flags = info.get("model name", cpu).strip(), info.get("flags", "")
    known = [flag for flag in ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8") if flag in flags.split()]
    return [
        f"processor: {cpu}, {os.cpu_count()} cores, instructions for small products: {', '.join(known) or 'not known'}",
        f"system: {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "libraries: " + ", ".join(f"{name} {_version(name)}" for name in ("torch", "sentence-transformers", "onnxruntime")) + "; peers: " + _peer_versions(),
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _peer_versions() -> str:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]["bench"]
    return ", ".join(extra).replace("==", " ")


def report(results: dict, absent: dict[str, str], padding: dict[str, float], start_up: dict[str, float]) -> str:
    """docs/benchmarks.md, from what was measured."""
    lines = ["# Benchmarks", "", "Made by `make bench`; do not edit by hand. ms-marco-MiniLM-L12-v2 in all rows, the restored float32 weights or the packaged int8 ones.", ""]
    lines += [f"- {line}" for line in machine()] + [""]
    lines += [
        "One process for each contender, all asked in turns in a new order each round. Documents are cut from the handbook to an exact number of tokens; *mixed* is log-uniform from 15 to 480. "
        "*Peak MB* is the most memory that the process held during a call. *Kendall tau* compares the order of the scores with the first row's.", "",
        "Import to first score, fresh process, warm cache: " + ", ".join(f"{backend} {seconds:.1f} s" for backend, seconds in start_up.items()) + ".", "",
        "Padding on the mixed lengths: " + ", ".join(f"{name} {share:.0%}" for name, share in padding.items()) + ".", "",
    ]
    lines += [f"- {name} did not run: {reason}" for name, reason in absent.items()] + [""] * bool(absent)
    for (kind, count), (rounds, result) in results.items():
        title = "mixed lengths" if kind == "mixed" else f"{kind} tokens"
        lines += [f"## {count} candidates, {title}", "", f"{rounds} round{'s' * (rounds > 1)}.", "", _markdown(result), ""]
    return "\n".join(lines)


def _markdown(result: pd.DataFrame) -> str:
    head = ["contender", *result.columns]
    rows = [[name, *map(str, row)] for name, row in zip(result.index, result.to_numpy())]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--rounds", type=int, help="rounds at each size (default: 5 at 10, 3 at 100, 1 above)")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--output", type=Path, default=REPORT)
    options = parser.parse_args()

    from rerank_course.corpora import load_corpus
    from rerank_course.fast import Int8Reranker

    tokenizer = Int8Reranker().tokenizer
    tokens = tokenizer(" ".join(chunk.text for chunk in load_corpus("handbook").documents.values()), add_special_tokens=False, verbose=False)["input_ids"]
    workloads = {
        (kind, count): [(QUERY, text) for text in documents(tokenizer, tokens, lengths(kind, count))] for count in options.sizes for kind in ("30", "200", "mixed")
    }
    with tempfile.TemporaryDirectory() as folder:
        peers = peers_python() if set(options.contenders) & set(PEERS) else sys.executable
        workers = [Worker(name, Path(folder), peers if name in PEERS else sys.executable) for name in options.contenders]
        running = [worker for worker in workers if not worker.reason]
        try:
            for worker in running:
                worker.run(workloads["200", options.sizes[0]][:8])  # warm up
            raw = measure(running, workloads, {count: options.rounds or {10: 5, 100: 3}.get(count, 1) for count in options.sizes})
        finally:
            for worker in running:
                worker.close()
    results = {}
    for (kind, count), rows in raw.groupby(["kind", "count"], sort=False):
        results[kind, count] = (int(rows.groupby("contender").size().max()), table(rows))
        print(f"\n{count} candidates, {kind}\n{results[kind, count][1].to_string()}")
    in_tokens = [len(ids) for ids in tokenizer(workloads["mixed", options.sizes[-1]], truncation=True, max_length=512)["input_ids"]]
    padding = {
        "slices of 32 as they come": padding_share(in_tokens, 32),
        "one predict, sorted, batches of 32": padding_share(sorted(in_tokens, reverse=True), 32),
        "int8, pair by pair": padding_share(in_tokens, 1),
    }
    text = report(results, {worker.name: worker.reason for worker in workers if worker.reason}, padding, {b: start_up_seconds(b) for b in ("torch", "int8")})
    scratch = options.output.with_name(options.output.name + ".part")
    scratch.write_text(text, encoding="utf-8")
    os.replace(scratch, options.output)
    print(f"\nwritten to {options.output.name}")


if __name__ == "__main__":
    main()
