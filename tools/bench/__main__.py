"""`make bench`: time the course's engines and the libraries that people would pick instead.

All run the same model. Prints a table for each list and writes all to docs/benchmarks.md;
`make bench BENCH_ARGS="--sizes 10 100 --rounds 3"` chooses how much. The other libraries live in .venv-bench.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from rerank_course.engine.int8 import Int8Reranker
from tools.bench import contenders
from tools.bench.aims import aims
from tools.bench.instructions import instructions
from tools.bench.peak import int8_peak, multiplications
from tools.bench.peers import ROOT
from tools.bench.quality import quality
from tools.bench.report import SECTIONS, report, summarise, with_section
from tools.bench.rounding import rounding
from tools.bench.serving import serving
from tools.bench.timing import measure, start_up_seconds
from tools.bench.uses import uses
from tools.bench.workloads import KINDS, Handbook, Pairs, Workload

REPORT = ROOT / "docs" / "benchmarks.md"
ROUNDS = {10: 5, 100: 3}  # one round where nothing is said


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if options.only:
        _renew(options.output, options.only)
        return
    handbook = Handbook(Int8Reranker().tokenizer)
    workloads = {
        (kind, count): handbook.pairs(kind, count) for count in options.sizes for kind in options.kinds
    }
    peak = int8_peak()
    rows, absent = _time_all(options, workloads)
    peak = max(peak, int8_peak())  # the machine may have been slow for a moment
    results = {}
    for (kind, count), found in rows.groupby(["kind", "count"], sort=False):
        fewest = multiplications(handbook.in_tokens(workloads[kind, count])) / peak
        results[kind, count] = (int(found.groupby("contender").size().max()), summarise(found, fewest))
        print(f"\n{count} candidates, {kind}\n{results[kind, count][1].to_string()}")
    start_up = {backend: start_up_seconds(backend) for backend in ("torch", "int8")}
    padding = handbook.padding(options.sizes[-1])
    text = report(
        results, absent, padding, start_up, quality(), uses(), serving(), rounding(), instructions()
    )
    _write_whole(options.output, text)
    print(f"\nwritten to {options.output.name}")


def _renew(path: Path, name: str) -> None:
    """Measure one section, and leave the rest of the page."""
    page = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    measured = {
        "aims": lambda: aims(page),
        "quality": quality,
        "kinds": rounding,
        "callers": serving,
        "instructions": instructions,
    }
    table = measured[name]()
    print(table.to_string())
    _write_whole(path, with_section(page, name, table))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tools.bench", description=(__doc__ or "").splitlines()[0])
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
    parser.add_argument(
        "--contenders", nargs="+", choices=contenders.CONTENDERS, default=contenders.CONTENDERS
    )
    parser.add_argument(
        "--only", choices=SECTIONS, help="measure this section alone, and leave the rest of the page"
    )
    parser.add_argument("--output", type=Path, default=REPORT)
    return parser


def _time_all(
    options: argparse.Namespace, workloads: dict[Workload, Pairs]
) -> tuple[pd.DataFrame, list[str]]:
    """What ``measure`` gives; those that could not run at all are named among the left out."""
    rounds = {count: options.rounds or ROUNDS.get(count, 1) for count in options.sizes}
    with (
        tempfile.TemporaryDirectory() as folder,
        contenders.start(options.contenders, Path(folder)) as workers,
    ):
        absent = [f"{worker.name}: {worker.reason}" for worker in workers if worker.reason]
        running = [worker for worker in workers if not worker.reason]
        for worker in running:
            worker.run(next(iter(workloads.values()))[:8])  # warm up
        rows, left_out = measure(running, workloads, rounds, options.longest)
    return rows, absent + left_out


def _write_whole(path: Path, text: str) -> None:
    """All of it or nothing: a run that is broken off leaves the old page."""
    scratch = path.with_name(path.name + ".part")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


if __name__ == "__main__":
    main()
