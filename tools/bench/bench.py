"""`make bench`: time the course's engines and the libraries that people would pick instead, with the same
weights.

One process for each contender, all alive at once and asked in turns, so that a slow moment of the machine
falls on nobody alone. Prints a table and writes it to docs/benchmarks.md; `make bench BENCH_ARGS="--sizes 10
100 --rounds 3"` chooses how much. The other libraries live in .venv-bench, which sees the course's packages
and has its own where versions differ.
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
import psutil

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "docs" / "benchmarks.md"
PEERS_VENV = ROOT / ".venv-bench"
WORKER = Path(__file__).with_name("bench_worker.py")
CONTENDERS = (
    "torch, one by one",
    "torch, slices of 32",
    "torch, one predict",
    "course, int8",
    "FlashRank, int8",
    "fastembed, fp32",
    "fastembed, int8",
    "rerankers, fp32",
)
REFERENCE, PEERS = (
    CONTENDERS[0],
    CONTENDERS[4:],
)  # what the others are compared with, and those that are not ours
KINDS = ("30", "200", "mixed")
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
    computed = sum(
        max(batch) * len(batch)
        for i in range(0, len(in_tokens), batch_size)
        if (batch := in_tokens[i : i + batch_size])
    )
    return 1 - sum(in_tokens) / computed


def peers_python() -> Path:
    """The Python of .venv-bench, which is made, or completed, first. Needs a package index the first time."""
    python = PEERS_VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]["bench"]
    stamp = PEERS_VENV / ".installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == repr(extra):
        return python
    venv.create(PEERS_VENV, with_pip=True, clear=True)
    place = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
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
            [str(python), str(WORKER), name, str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
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


def measure(
    workers: list[Worker], workloads: dict[tuple[str, int], list], rounds: dict[int, int], longest: float
) -> tuple[pd.DataFrame, list[str]]:
    """One row for each contender, kind, count and round; and who was left out of what, because a smaller list
    says that it would take too long or too much.
    """
    rows, left_out, order = [], [], random.Random(0)
    for (kind, count), pairs in workloads.items():
        reasons = {worker.name: too_much(rows, worker.name, kind, count, longest) for worker in workers}
        left_out += [f"{name}, {count} × {kind}: {reason}" for name, reason in reasons.items() if reason]
        taking_part = [worker for worker in workers if not reasons[worker.name]]
        for number in range(rounds[count]):
            for worker in order.sample(taking_part, len(taking_part)):
                answer = worker.run(pairs)
                if "error" in answer:
                    print(f"{worker.name}, {kind} × {count}: {answer['error']}", file=sys.stderr)
                    continue
                rows.append({"contender": worker.name, "kind": kind, "count": count, **answer})
            print(f"{kind} × {count}: round {number + 1} of {rounds[count]}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows), left_out


def too_much(rows: list[dict], name: str, kind: str, count: int, longest: float) -> str:
    """Why a contender should not be asked for ``count`` pairs, judged by its largest list so far; empty if
    nothing speaks against it.
    """
    known = [row for row in rows if row["contender"] == name and row["kind"] == kind]
    if not known:
        return ""
    last = known[-1]
    seconds, megabytes = last["seconds"] * count / last["count"], last["megabytes"] * count / last["count"]
    if count > last["count"] and seconds > longest:
        return f"would take about {seconds:.0f} s"
    # Most keep their memory flat. One that has grown with the list will go on to grow.
    grew = last["megabytes"] > 2 * min(row["megabytes"] for row in known)
    return (
        f"might need {megabytes / 1000:.0f} GB of memory"
        if grew and megabytes * 1e6 > psutil.virtual_memory().total / 2
        else ""
    )


def quality() -> pd.DataFrame:
    """Both engines' nDCG@10 and RR@10 on both corpora, dense search with 50 reranked, from the recorded
    scores.
    """
    from rerank_course.engine.recorded_scores import RecordedReranker
    from rerank_course.evaluate import paired_difference, per_query, retrieve_and_rerank, same_top
    from rerank_course.models import load_embedder
    from rerank_course.retrieve import DenseRetriever
    from rerank_course.texts.corpora import CORPORA, load_corpus

    rows, embedder = {}, load_embedder()
    for name in CORPORA:
        corpus = load_corpus(name)
        dense = {"dense": DenseRetriever(list(corpus.documents.values()), embedder)}
        runs = {
            engine: retrieve_and_rerank(corpus, dense, RecordedReranker(name, engine), (50,))[
                "dense + rerank 50"
            ]
            for engine in ("fp32", "int8")
        }
        tables = {engine: per_query(run, corpus) for engine, run in runs.items()}
        same = ", ".join(f"{top} {share:.0%}" for top, share in same_top(runs["fp32"], runs["int8"]).items())
        for measure in ("nDCG@10", "RR@10"):
            mean, low, high = paired_difference(tables["fp32"], tables["int8"], measure)
            values = {engine: f"{table[measure].mean():.3f}" for engine, table in tables.items()}
            rows[f"{name}, {measure}"] = values | {
                "int8 − fp32": f"{mean:+.4f} ({low:+.4f} to {high:+.4f})",
                "the same in both": same,
            }
    return pd.DataFrame.from_dict(rows, orient="index")


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Medians, spreads and ratios for one workload, contenders as rows."""
    grouped = rows.groupby("contender", sort=False)
    median = (
        grouped["seconds"].median().reindex([name for name in CONTENDERS if name in set(rows["contender"])])
    )
    peers = median[median.index.isin(PEERS)]
    first = grouped["scores"].first()
    result = pd.DataFrame({"median s": median.round(3)})
    result["min–max s"] = [
        f"{low:.3f}–{high:.3f}"
        for low, high in zip(grouped["seconds"].min()[median.index], grouped["seconds"].max()[median.index])
    ]
    result["× one by one"] = (median[REFERENCE] / median).round(2) if REFERENCE in median else "–"
    result["× fastest peer"] = (peers.min() / median).round(2) if len(peers) else "–"
    result["peak MB"] = grouped["megabytes"].max()[median.index].round().astype(int)
    result["Kendall tau"] = [
        round(pd.Series(first[REFERENCE]).corr(pd.Series(first[name]), method="kendall"), 3)
        if REFERENCE in median
        else "–"
        for name in median.index
    ]
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
        info = dict(
            line.split(":", 1)
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").replace("\t", "").splitlines()
            if ":" in line
        )
        cpu, flags = info.get("model name", cpu).strip(), info.get("flags", "")
    known = [
        flag for flag in ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8") if flag in flags.split()
    ]
    return [
        f"processor: {cpu}, {os.cpu_count()} cores, instructions for small products: {', '.join(known) or 'not known'}",
        f"system: {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "libraries: "
        + ", ".join(
            f"{name} {_version(name)}"
            for name in ("torch", "sentence-transformers", "openvino", "nncf", "onnxruntime")
        )
        + "; peers: "
        + _peer_versions(),
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _peer_versions() -> str:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]["bench"]
    return ", ".join(extra).replace("==", " ")


def report(
    results: dict,
    absent: list[str],
    padding: dict[str, float],
    start_up: dict[str, float],
    judged: pd.DataFrame,
) -> str:
    """docs/benchmarks.md, from what was measured."""
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench`; do not edit by hand. ms-marco-MiniLM-L12-v2 in all rows, the restored float32 weights, the packaged int8 ones (peers), or those that the course makes (its int8).",
        "",
    ]
    lines += [f"- {line}" for line in machine()] + [""]
    lines += [
        "One process for each contender, all asked in turns in a new order each round. Documents are cut from the handbook to an exact number of tokens; *mixed* is log-uniform from 15 to 480. "
        "*Peak MB* is the most memory that the process held during a call. *Kendall tau* compares the order of the scores with the first row's.",
        "",
        "Import to first score, fresh process, warm cache: "
        + ", ".join(f"{backend} {seconds:.1f} s" for backend, seconds in start_up.items())
        + ".",
        "",
        "Padding on the mixed lengths: "
        + ", ".join(f"{name} {share:.0%}" for name, share in padding.items())
        + ".",
        "",
    ]
    lines += ["Left out:", "", *(f"- {reason}" for reason in absent), ""] if absent else []
    lines += [
        "## Quality",
        "",
        "Dense search, 50 reranked; mean difference with its 95 % paired interval; share of the queries with the same first documents.",
        "",
        _markdown(judged),
        "",
    ]
    for (kind, count), (rounds, result) in results.items():
        title = "mixed lengths" if kind == "mixed" else f"{kind} tokens"
        lines += [
            f"## {count} candidates, {title}",
            "",
            f"{rounds} round{'s' * (rounds > 1)}.",
            "",
            _markdown(result),
            "",
        ]
    return "\n".join(lines)


def _markdown(result: pd.DataFrame) -> str:
    head = ["", *result.columns]
    rows = [[name, *map(str, row)] for name, row in zip(result.index, result.to_numpy())]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument(
        "--kinds", choices=KINDS, nargs="+", default=KINDS, help="lengths of the documents in tokens"
    )
    parser.add_argument(
        "--rounds", type=int, help="rounds at each size (default: 5 at 10, 3 at 100, 1 above)"
    )
    parser.add_argument(
        "--longest",
        type=float,
        default=100,
        metavar="SECONDS",
        help="leave out whoever would need more for one list (default 100)",
    )
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--output", type=Path, default=REPORT)
    options = parser.parse_args()

    from rerank_course.engine.int8 import Int8Reranker, padded_length
    from rerank_course.texts.corpora import load_corpus

    tokenizer = Int8Reranker().tokenizer
    tokens = tokenizer(
        " ".join(chunk.text for chunk in load_corpus("handbook").documents.values()),
        add_special_tokens=False,
        verbose=False,
    )["input_ids"]
    workloads = {
        (kind, count): [(QUERY, text) for text in documents(tokenizer, tokens, lengths(kind, count))]
        for count in options.sizes
        for kind in options.kinds
    }
    with tempfile.TemporaryDirectory() as folder:
        peers = peers_python() if set(options.contenders) & set(PEERS) else sys.executable
        workers = [
            Worker(name, Path(folder), peers if name in PEERS else sys.executable)
            for name in options.contenders
        ]
        running = [worker for worker in workers if not worker.reason]
        try:
            for worker in running:
                worker.run(next(iter(workloads.values()))[:8])  # warm up
            raw, left_out = measure(
                running,
                workloads,
                {count: options.rounds or {10: 5, 100: 3}.get(count, 1) for count in options.sizes},
                options.longest,
            )
        finally:
            for worker in running:
                worker.close()
    results = {}
    for (kind, count), rows in raw.groupby(["kind", "count"], sort=False):
        results[kind, count] = (int(rows.groupby("contender").size().max()), table(rows))
        print(f"\n{count} candidates, {kind}\n{results[kind, count][1].to_string()}")
    in_tokens = [
        len(ids)
        for ids in tokenizer(
            [(QUERY, text) for text in documents(tokenizer, tokens, lengths("mixed", options.sizes[-1]))],
            truncation=True,
            max_length=512,
        )["input_ids"]
    ]
    padding = {
        "slices of 32 as they come": padding_share(in_tokens, 32),
        "one predict, sorted, batches of 32": padding_share(sorted(in_tokens, reverse=True), 32),
        "int8, pair by pair": 1 - sum(in_tokens) / sum(map(padded_length, in_tokens)),
    }
    absent = [f"{worker.name}: {worker.reason}" for worker in workers if worker.reason] + left_out
    text = report(
        results,
        absent,
        padding,
        {backend: start_up_seconds(backend) for backend in ("torch", "int8")},
        quality(),
    )
    scratch = options.output.with_name(options.output.name + ".part")
    scratch.write_text(text, encoding="utf-8")
    os.replace(scratch, options.output)
    print(f"\nwritten to {options.output.name}")


if __name__ == "__main__":
    main()
