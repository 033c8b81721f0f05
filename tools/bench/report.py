"""docs/benchmarks.md, from what was measured."""

from collections.abc import Mapping, Sequence

import pandas as pd

from tools.bench.aims import aims
from tools.bench.contenders import CONTENDERS, PEERS, REFERENCE
from tools.bench.machine import machine
from tools.bench.uses import cheap_and_no_worse, formatted
from tools.bench.workloads import Workload

HEAD = (
    "Made by `make bench`; do not edit by hand. ms-marco-MiniLM-L12-v2 in all rows, the restored float32 "
    "weights, the packaged int8 ones (peers), or those that the course makes (its int8)."
)
HOW = (
    "One process for each contender, all asked in turns in a new order each round. Documents are cut from "
    "the handbook to an exact number of tokens; *mixed* is log-uniform from 15 to 480. "
    "*Peak MB* is the most memory that the process held during a call. "
    "*Of int8 peak* is the time that the multiplications would take at the processor's own peak in 8 bits, "
    "measured in the same run on the model's largest layers alone (`tools/bench/peak.py`), as a share of the "
    "median. "
    "*Kendall tau* compares the order of the scores with the first row's."
)

USES = (
    "What the reranker's scores are used for, with the int8 engine. *Pairs* and *seconds* are means for a "
    "query: pairs over all judged queries, seconds over twenty of them, search included, in turn. "
    "*Rerank* replaces the search's order, *mix* takes half of both z-scores, *cascade* lets the embedder "
    "choose what the reranker reads, *gate* mixes only where the search's margin is below its median (of "
    "these queries). nDCG@10 from recorded scores; differences with their 95 % paired intervals."
)
# Sections that can be measured alone: their headings, and how they are measured.
SECTIONS = {
    "aims": (
        "## What was to be reached",
        "By the course's int8 engine, from this page's tables; with *AVX2* alone, peers on ONNX Runtime keep "
        "the newer instructions. What was tried: four short pairs in a request (eight gained little more), "
        "one thread a request, padding to few lengths, bfloat16 for what is not int8 where that is faster, "
        "an attention with fewer operations, a last layer for the first token alone. That brought what "
        "stands here, no more.",
    ),
    "quality": (
        "## Quality",
        "Dense search, 50 reranked; mean difference with its 95 % paired interval; share of the "
        "queries with the same first documents.",
    ),
    "kinds": (
        "## Right on every text",
        "The int8 engine's scores against float32 in torch, in logits, on pairs of each kind, made by "
        "rules (`tools/bench/text_kinds.py`). *In float32* is the share of pairs with fewer than "
        "eight different words, which the engine does not round.",
    ),
    "instructions": (
        "## With fewer instructions",
        "Milliseconds for each of 20 pairs, where oneDNN, which multiplies for torch and for OpenVINO, may "
        "use no newer instructions (`ONEDNN_MAX_CPU_ISA`); without bfloat16 in all rows but those of *all*. "
        "ONNX Runtime cannot be held back: *(all)* stands beside the peers that run on it.",
    ),
    "callers": (
        "## Many callers at once",
        "Each caller asks again as soon as it is answered, for 1, 5, 10, 20 or 50 candidates of 15 to "
        "320 tokens (log-uniform), the same lists for all. Seconds from the question to the scores. "
        "Torch in batches of 8, which sort well; all but the last engine take one call at a time, "
        "behind a lock, since calls of several threads would get in each other's way. The last one is "
        "the course's, whose calls share one queue.",
    ),
}
CHEAP = {
    "no worse": "With a third of the pairs of *rerank 100* or fewer, on both corpora no worse (the interval "
    "begins above -.01): ",
    "equal": "Equal to it (the whole interval within ±.01), which few queries can show: ",
}


def summarise(rows: pd.DataFrame, fewest_seconds: float | None = None) -> pd.DataFrame:
    """Medians, spreads and ratios for one workload, contenders as rows.

    Args:
        fewest_seconds: what the processor would need at its own peak in 8 bits.
    """
    grouped = rows.groupby("contender", sort=False)
    names = [name for name in CONTENDERS if name in set(rows["contender"])]
    seconds = grouped["seconds"].agg(["median", "min", "max"]).reindex(names)
    median = seconds["median"]
    peers = median[median.index.isin(PEERS)]
    scores = grouped["scores"].first()
    result = pd.DataFrame({"median s": median.round(3)})
    result["min–max s"] = [f"{low:.3f}–{high:.3f}" for low, high in zip(seconds["min"], seconds["max"])]
    result["× one by one"] = (median[REFERENCE] / median).round(2) if REFERENCE in median else "–"
    result["× fastest peer"] = (peers.min() / median).round(2) if len(peers) else "–"
    if fewest_seconds is not None:
        result["of int8 peak"] = [f"{share:.0%}" for share in fewest_seconds / median]
    result["peak MB"] = grouped["megabytes"].max()[names].round().astype(int)
    result["Kendall tau"] = [
        _kendall_tau(scores[REFERENCE], scores[name]) if REFERENCE in median else "–" for name in names
    ]
    return result


def _kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    return round(pd.Series(first).corr(pd.Series(second), method="kendall"), 3)


def report(
    results: Mapping[Workload, tuple[int, pd.DataFrame]],
    absent: Sequence[str],
    padding: Mapping[str, float],
    start_up: Mapping[str, float],
    judged: pd.DataFrame,
    uses: Mapping[str, pd.DataFrame],
    callers: pd.DataFrame | None = None,
    rounded: pd.DataFrame | None = None,
    held_back: pd.DataFrame | None = None,
) -> str:
    """The page, as Markdown.

    Args:
        results: ``{(kind, count): (rounds, what summarise gives)}``.
        absent: who was left out of what, and why.
        padding: share of padding, for each way to batch.
        start_up: seconds from import to first score, for each backend.
        judged: what ``quality.quality`` gives.
        uses: what ``uses.uses`` gives.
        callers: what ``serving.serving`` gives.
        rounded: what ``rounding.rounding`` gives.
        held_back: what ``instructions.instructions`` gives.
    """
    starts = ", ".join(f"{backend} {seconds:.1f} s" for backend, seconds in start_up.items())
    shares = ", ".join(f"{name} {share:.0%}" for name, share in padding.items())
    paragraphs = [
        "# Benchmarks",
        HEAD,
        _as_list(machine()),
        HOW,
        f"Import to first score, fresh process, warm cache: {starts}.",
        f"Padding on the mixed lengths: {shares}.",
    ]
    if absent:
        paragraphs += ["Left out:", _as_list(absent)]
    paragraphs.append(section("quality", judged))
    paragraphs += ["## Seconds against quality", USES]
    for what, names in cheap_and_no_worse(uses).items():
        paragraphs.append(CHEAP[what] + (", ".join(names) or "none") + ".")
    for corpus, table in uses.items():
        paragraphs += [f"### {corpus}", _as_table(formatted(table))]
    for name, table in (("kinds", rounded), ("callers", callers), ("instructions", held_back)):
        if table is not None:
            paragraphs.append(section(name, table))
    for (kind, count), (rounds, result) in results.items():
        title = "mixed lengths" if kind == "mixed" else f"{kind} tokens"
        paragraphs += [f"## {count} candidates, {title}", f"{rounds} round{'s' * (rounds > 1)}."]
        paragraphs.append(_as_table(result))
    return _with_aims("\n\n".join(paragraphs) + "\n")


def _with_aims(page: str) -> str:
    return with_section(page, "aims", aims(page))


def section(name: str, table: pd.DataFrame) -> str:
    """One of ``SECTIONS``, as Markdown."""
    return "\n\n".join([*SECTIONS[name], _as_table(table)])


def with_section(page: str, name: str, table: pd.DataFrame) -> str:
    """A page whose section of this name is new; the others stay as they are."""
    text, heading = section(name, table), SECTIONS[name][0]
    before, found, after = page.partition(heading)
    if found:
        following = after.find("\n## ")
        return before + text + "\n" + (after[following:] if following >= 0 else "")
    before, found, after = page.partition("\n## 10 candidates")  # what report() puts them before
    return before.rstrip("\n") + "\n\n" + text + "\n" + found + after


def _as_list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _as_table(frame: pd.DataFrame) -> str:
    head = ["", *frame.columns]
    rows = [[name, *map(str, row)] for name, row in zip(frame.index, frame.to_numpy())]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])
