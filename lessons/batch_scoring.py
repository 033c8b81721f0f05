# %% [markdown]
# # {title}
#
# A search hands you a hundred candidates. You want them in order, soon, on the machine you have. In this
# lesson you write the function that does it, and you time every piece of advice that people give about making
# it fast. Some of it holds here. Some does not.
#
# **What you will do**
#
# - go through `rerank_documents` in four steps and see why each step is there;
# - time one by one against batches, on short texts and on long ones;
# - draw where the model computes on nothing, and sort it away;
# - trade length and precision for time, and look at what that costs in quality;
# - find out how many candidates fit into your time.
#
# **What you need:** [](lesson:scoring_pairs). Close what else keeps the machine busy: you are
# going to measure.
#
# **Time:** {minutes} minutes, of which the machine computes a few.
#
# *The results below come from the last build, on a machine with two cores. Yours will differ; that is why you
# measure. To guess without seeing them, choose Edit → Clear Outputs of All Cells first.*

# %%
from rerank_course import load_corpus, load_reranker

reranker = load_reranker()
handbook = load_corpus("handbook")
query = "What is the reimbursement limit?"
chunks = [chunk for chunk in handbook.documents.values() if chunk.id.startswith("exp")][:12]
print(len(chunks), "candidates, first:", chunks[0].title)

# %% [markdown]
# ## Step 1: score, then sort
#
# The smallest thing that works: one pair, one call; then the best on top.


# %%
def rerank_1(query, candidates, reranker):
    scored = [(candidate, reranker.predict((query, candidate.content))) for candidate in candidates]
    return sorted(scored, key=lambda pair: pair[1], reverse=True)


for chunk, score in rerank_1(query, chunks, reranker)[:3]:
    print(f"{score:7.2f}  {chunk.title}")

# %% [markdown]
# ## Step 2: one call
#
# `predict` takes the whole list and cuts it into batches by itself. Many tutorials cut the list first, in a
# loop of slices. The library then cannot see the whole list, and you will see what it would have done with
# it.


# %%
def rerank_2(query, candidates, reranker, batch_size=32):
    scores = reranker.predict([(query, candidate.content) for candidate in candidates], batch_size=batch_size)
    return sorted(zip(candidates, scores), key=lambda pair: pair[1], reverse=True)


same = [a.id for a, _ in rerank_1(query, chunks, reranker)] == [
    b.id for b, _ in rerank_2(query, chunks, reranker)
]
print("same order as one by one:", same)

# %% [markdown]
# ## Step 3: what the caller gets back
#
# **Predict.** The scores come as numpy numbers. Will this work?

# %%
import json

best, score = rerank_2(query, chunks, reranker)[0]
try:
    print(json.dumps({"id": best.id, "score": score}))
except TypeError as error:
    print("TypeError:", error)

# %% [markdown]
# A web service would fail at its very last line. So the function returns Python floats. It also keeps **ties
# in retrieval order** (a stable sort does), and returns **the candidates that were passed in**, with all that
# hangs on them, not copies of their texts.
#
# ## Step 4: what can go wrong goes wrong early
#
# An empty query, a candidate without text, one text where a list belongs: each gives *some* ranking if nobody
# looks. The packaged function looks.

# %%
from rerank_course import rerank_documents

for bad_query, bad_candidates, top_k in (
    ("", chunks, 3),
    (query, [*chunks, ""], 3),
    (query, "one text", 3),
    (query, chunks, 0),
):
    try:
        rerank_documents(bad_query, bad_candidates, reranker, top_k=top_k)
    except (TypeError, ValueError) as error:
        print(f"{type(error).__name__}: {error}\n")

# %%
for chunk, score in rerank_documents(query, chunks, reranker, batch_size=32, top_k=3):
    print(f"{score:7.2f}  {chunk.title}")
print("no candidates:", rerank_documents(query, [], reranker))

# %% [markdown]
# That is the function that you take to work: [rerank.py](../rerank_course/rerank.py), and nothing in it is
# secret. The rest of this lesson is about the one line in it that takes the time: `predict`.
#
# ## Material to measure with
#
# Time depends on length. So we cut running text of the handbook into documents of an exact number of tokens.

# %%
text = " ".join(chunk.text for chunk in handbook.documents.values())
tokens = reranker.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def documents_of(lengths):
    """Documents of the given lengths in tokens, one after the other from the handbook's text."""
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return [
        reranker.tokenizer.decode(tokens[start : start + length]) for start, length in zip(starts, lengths)
    ]


short = [(query, document) for document in documents_of([30] * 32)]
long = [(query, document) for document in documents_of([200] * 24)]
print(len(short), "short pairs and", len(long), "long ones, for example:", short[0][1][:60], "…")

# %% [markdown]
# ## Claim 1: “Batching makes it many times faster”
#
# **Predict.** The short documents first, then the long ones. How many times faster than one by one is a batch
# of 32? Write down both guesses.
#
# Every way is run three times, in turns. The table gives the median, the fastest and the slowest run, and how
# many times faster than the first row the median is.

# %% output="varies"
from rerank_course.lab.timing import compare_times


def ways(pairs):
    return {
        "one by one": lambda: [reranker.predict([pair], batch_size=1) for pair in pairs],
        "loop of slices of 8": lambda: [
            reranker.predict(pairs[i : i + 8], batch_size=8) for i in range(0, len(pairs), 8)
        ],
        "one predict, batch 32": lambda: reranker.predict(pairs, batch_size=32),
        "one predict, batch 8": lambda: reranker.predict(pairs, batch_size=8),
    }


reranker.predict(long[:4])  # the first call prepares things; it is not what we want to time
short_times = compare_times(ways(short))
short_times

# %% output="varies"
long_times = compare_times(ways(long))
long_times

# %% [markdown]
# Compare the last columns of the two tables. On short texts each call carries a fixed cost, for Python, for
# the tokenizer and for starting every layer, and a batch shares it among many pairs. On long texts the
# processor's arithmetic is nearly the whole cost, and a full processor does not get faster by being handed
# more at once. A GPU, which has far more arithmetic than one pair can use, is another matter: there batching
# pays for long texts too.
#
# ## Claim 2: “A loop of slices is as good as one predict”
#
# On texts of equal length it is. Real candidates are not of equal length, and a batch is a rectangle: every
# pair is filled up with padding to the longest one. The model computes on the padding as on text.
#
# Let us take lengths from 15 to 480 tokens, short ones more often than long ones, as they come.

# %%
import numpy as np

random = np.random.default_rng(3)
lengths = np.exp(random.uniform(np.log(15), np.log(480), 40)).astype(int).tolist()
mixed = [(query, document) for document in documents_of(lengths)]
in_tokens = [len(ids) for ids in reranker.tokenizer(mixed, verbose=False)["input_ids"]]
print("shortest", min(in_tokens), "longest", max(in_tokens), "tokens with the query")

# %% [markdown]
# **Predict.** In slices of 8 as they come: what share of the computed tokens is padding?

# %% output="varies"
from rerank_course.lab.diagrams import draw_batches


def batches(lengths, size):
    return [lengths[i : i + size] for i in range(0, len(lengths), size)]


longest_first = sorted(in_tokens, reverse=True)
draw_batches(
    {
        "Slices of 8 as they come": batches(in_tokens, 8),
        "One predict: sorted, then batches of 32": batches(longest_first, 32),
        "One predict: sorted, then batches of 8": batches(longest_first, 8),
    }
)

# %% [markdown]
# The orange parts are computed for nothing. From version 5.4 on, `predict` [sorts by
# length](https://github.com/UKPLab/sentence-transformers/releases) over the whole list that it is given. A
# loop of slices hides the list from it. Is what is drawn also what is timed?

# %% output="varies"
mixed_ways = ways(mixed)
mixed_times = compare_times(mixed_ways)
mixed_times

# %% [markdown]
# It is: the rows with much orange take the longest. With mixed lengths a large batch can be *slower* than one
# by one, where there is no padding at all, even if it is sorted: among forty candidates, 32 neighbours are
# still of very different lengths. And compare the last row with the first: is there a gain left? If you
# remember one thing about batches on a CPU: sort, and keep them small.
#
# ## Claim 3: “Cut the texts shorter”
#
# `max_length` is the number of tokens that query and document may use together. What is past it is not read.
# That saves time; what does it cost?
#
# **Predict.** Half the length: half the time? And will the order hold?

# %% output="varies"
import time

import pandas as pd

rows = {}
full_scores = reranker.predict(mixed, batch_size=8)
for limit in (64, 128, 256, 512):
    limited = load_reranker(max_length=limit)
    limited.predict(mixed[:4])
    started = time.perf_counter()
    scores = limited.predict(mixed, batch_size=8)
    seconds = time.perf_counter() - started
    agree = len(set(np.argsort(-scores)[:10]) & set(np.argsort(-full_scores)[:10]))
    rows[limit] = {
        "seconds": seconds,
        "of the full top 10": agree,
        "cut short": sum(n > limit for n in in_tokens),
    }
pd.DataFrame.from_dict(rows, orient="index").rename_axis("max_length").round(2)

# %% [markdown]
# Shorter is faster; how much, depends on how many texts are cut. And the top changes, since the model no
# longer reads what is past the cut. Whether that is worse depends on where your answers stand. If they are in
# the first lines, cutting is free; [](lesson:failure_modes) shows what happens when they are not.
#
# ## Claim 4: “Use 8-bit integers”
#
# A weight is a 32-bit number. Rounded to 8 bits it takes a quarter of the memory, and many processors
# multiply small integers faster. The course has such an engine for the same model:
# [int8.py](../rerank_course/engine/int8.py) runs it in
# [OpenVINO](https://docs.openvino.ai/2026/index.html), with most weights and intermediate results in 8 bits.
# It has the same `predict`. Its model is made once on your machine, which takes a minute
# ([quantise.py](../rerank_course/engine/quantise.py)); the doctor did it when you set up the course.

# %% output="varies"
fast = load_reranker(backend="int8")
fast.predict(long[:4])
int8_times = {
    name: compare_times({"torch, one by one": ways(pairs)["one by one"], "int8": lambda: fast.predict(pairs)})
    for name, pairs in (("short", short), ("long", long), ("mixed", mixed))
}
pd.concat(int8_times)

# %% [markdown]
# How much you gain depends on the processor: those with instructions for 8-bit products (called VNNI, AMX or
# dot product) gain most, and an older one may gain little. The engine also does two things that need no such
# instructions: it runs one pair for each core at a time, so that nothing waits and next to nothing is padded;
# and it computes the last layer for one token only, since the classifier reads only one.
#
# Not every layer is rounded. Where the largest numbers lie too far from the rest, 256 steps are too few, and
# the layer stays as it was; quantise.py says which ones, and what that costs.
#
# ### The price of rounding
#
# **Predict.** How far will a score move? Will the order of the chunks change?

# %% output="varies"
documents = [chunk for chunk in handbook.documents.values() if chunk.id.startswith(("exp", "trv"))]
pairs = [(query, chunk.content) for chunk in documents]
exact, rounded = reranker.predict(pairs, batch_size=8), fast.predict(pairs)
order = np.argsort(-exact)
moved = np.abs(exact - rounded)
print(f"a score moves by {moved.mean():.2f} on average, {moved.max():.2f} at most")
print("top 10 in float32:", *(documents[i].id for i in order[:10]))
print("top 10 in int8:   ", *(documents[i].id for i in np.argsort(-rounded)[:10]))

# %% [markdown]
# Where two scores are nearly equal, they can change places. How often, and does it matter? One query cannot
# tell. Both engines have scored a hundred candidates for every query of the handbook; those scores were
# recorded, since float32 takes most of an hour for them, and we look them up. (A lesson that says “recorded”
# shows you that the record holds: below, a sample is scored again.)

# %%
from rerank_course import DenseRetriever, load_embedder, paired_difference, per_query, retrieve_and_rerank
from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.evaluate import same_top

embedder, runs, rows = load_embedder(), {}, {}
for name in ("handbook", "pandas-docs"):
    corpus = load_corpus(name)
    dense = {"dense": DenseRetriever(list(corpus.documents.values()), embedder)}
    for engine in ("fp32", "int8"):
        runs[name, engine] = retrieve_and_rerank(corpus, dense, RecordedReranker(name, engine), depths=(50,))[
            "dense + rerank 50"
        ]
    tables = {engine: per_query(runs[name, engine], corpus) for engine in ("fp32", "int8")}
    for measure in ("nDCG@10", "RR@10"):
        mean, low, high = paired_difference(tables["fp32"], tables["int8"], measure)
        rows[name, measure] = {
            **{engine: tables[engine][measure].mean() for engine in tables},
            "int8 − fp32": f"{mean:+.4f}",
            "95 % interval": f"{low:+.4f} to {high:+.4f}",
        }
pd.DataFrame.from_dict(rows, orient="index").round(3)

# %% [markdown]
# How often does a user see the same? The share of the queries whose first one, three or ten passages are the
# same ones, in any order:

# %%
pd.DataFrame(
    {name: same_top(runs[name, "fp32"], runs[name, "int8"]) for name in ("handbook", "pandas-docs")}
).round(2)

# %% output="varies"
sample = [
    (handbook.queries[q], handbook.documents[d].content)
    for q, ranking in list(runs["handbook", "int8"].items())[::25]
    for d, _ in ranking[:8]
]
differences = np.abs(fast.predict(sample) - RecordedReranker("handbook", "int8").predict(sample))
print(len(sample), "pairs scored again; close to the record:", bool(np.median(differences) < 0.2))

# %% [markdown]
# [nDCG@10](https://en.wikipedia.org/wiki/Discounted_cumulative_gain) rewards good answers near the top, RR@10
# is 1 divided by the place of the first one; [](lesson:retrieval_flow) is about both. The interval says how
# far the difference could come from the choice of queries alone. Look whether it holds zero, in each row, and
# how far below zero it reaches: that much may be lost. The engine was prepared on passages of the handbook,
# so pandas-docs is the harder test. And float32 is here the restored model of [](lesson:scoring_pairs), whose
# weights had been rounded once before. The second table is less comfortable: the averages hardly move, and
# yet in many queries the first ten are not the same ten. Where scores are nearly equal, a little rounding
# decides.
#
# ### A trap: the score that depends on its neighbours
#
# Where do the 256 steps lie to which a number is rounded? The course's engine fixed them when its model was
# made, from passages of the handbook (*static* quantisation). Others find them while they run (*dynamic*
# quantisation), many of them from the largest number in the **batch**. That needs no preparation and follows
# each text. But then a pair's score depends on who sits beside it. Here is an 8-bit graph of the same model,
# the one that came with the course's packages, run as many libraries run it: in a batch.
#
# **Predict.** The same pair, once alone, once in a batch with another. By how much can the score differ?

# %% output="varies"
import onnxruntime

from rerank_course.engine.weights import reranker_wheel_folder

session = onnxruntime.InferenceSession(str(reranker_wheel_folder() / "model.onnx"))


def raw_scores(pairs):
    """The packaged graph on one padded batch, in ONNX Runtime."""
    batch = reranker.tokenizer(pairs, padding=True, truncation=True, return_tensors="np")
    return session.run(
        None,
        {name: batch[name].astype(np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")},
    )[0][:, 0]


alone = np.array([raw_scores([pair])[0] for pair in mixed[:12]])
beside = np.array([raw_scores([pair, mixed[20]])[0] for pair in mixed[:12]])
course = np.abs(fast.predict(mixed[:12]) - np.array([fast.predict([pair])[0] for pair in mixed[:12]]))
print(f"raw graph, alone against in a batch of two: up to {np.abs(alone - beside).max():.3f} apart")
print(f"the course's engine, alone against in a list: up to {course.max():.6f} apart")

# %% [markdown]
# A ranking that changes with the batch is a nightmare to debug. If you use another 8-bit engine, run this
# test on it.
#
# ## How many candidates can I afford?
#
# **Predict.** Twice the candidates: twice the time, or less?

# %% output="varies"
hundred = [(query, document) for document in documents_of([200] * 100)]
counts = (10, 25, 50, 100)
seconds = {n: compare_times({"": lambda: fast.predict(hundred[:n])})["median s"].iloc[0] for n in counts}
torch_seconds = {
    n: compare_times({"": lambda: reranker.predict(hundred[:n], batch_size=8)}, repeats=1)["median s"].iloc[0]
    for n in counts[:3]
}
pd.DataFrame({"int8": seconds, "torch": torch_seconds}).rename_axis("candidates")

# %% output="varies"
from rerank_course.lab.charts import draw_lines

draw_lines(
    {
        "int8": (counts, [seconds[n] for n in counts]),
        "torch": (counts[:3], [torch_seconds[n] for n in counts[:3]]),
    },
    "candidates of 200 tokens",
    "seconds",
    budget=2,
)

# %% [markdown]
# A straight line: each candidate costs the same. So the question “how many?” is one division.

# %% output="varies"
each = {"int8": seconds[100] / 100, "torch": torch_seconds[50] / 50}
for engine, cost in each.items():
    print(
        f"{engine:6} {1000 * cost:4.0f} ms for a candidate: {int(0.3 / cost)} in 0.3 s, "
        f"{int(2 / cost)} in 2 s; a hundred take {100 * cost:.1f} s"
    )

# %% [markdown]
# ## Which claims held on this machine?
#
# Nobody wrote this table. It is computed from what you measured. “Help” means at least half as fast again as
# one by one.

# %% output="varies"
claims = {
    "batches of 32 help short texts": short_times.loc["one predict, batch 32", "times faster"] >= 1.5,
    "batches of 32 help long texts": long_times.loc["one predict, batch 32", "times faster"] >= 1.5,
    "sorted batches of 8 help mixed lengths": mixed_times.loc["one predict, batch 8", "times faster"] >= 1.5,
    "sorted batches of 8 beat a loop of slices on mixed lengths": mixed_times.loc[
        "one predict, batch 8", "median s"
    ]
    < mixed_times.loc["loop of slices of 8", "median s"],
    "int8 helps short texts": int8_times["short"].loc["int8", "times faster"] >= 1.5,
    "int8 helps long texts": int8_times["long"].loc["int8", "times faster"] >= 1.5,
    "int8 ranks a hundred long candidates in under 2 s": seconds[100] < 2,
}
for claim, holds in claims.items():
    print(f"{'holds' if holds else 'does not':10}{claim}")

# %% [markdown]
# Larger batches, other libraries, and up to a thousand candidates stand in
# [docs/benchmarks.md](../docs/benchmarks.md); `make bench` measures them on your machine.
#
# ## More candidates than memory
#
# `rerank_documents` takes a list. A file with millions of lines is not a list. `rerank_stream` reads any
# iterator, block by block, and keeps only the best so far.

# %%
from rerank_course import rerank_stream


def lines():
    """As if from a file: each document exists only while it is read."""
    for chunk in handbook.documents.values():
        yield chunk.content[:200]


for document, _score in rerank_stream("How long is parental leave?", lines(), fast, top_k=2, block=100):
    print(document.splitlines()[0][:80])

# %% [markdown]
# ## What to remember
#
# - **One `predict` for the whole list, in small batches.** It sorts, then batches. A loop of slices undoes
#   that.
# - On a CPU, batches help **short** texts. For long ones the arithmetic is the cost: less padding, fewer
#   tokens, 8 bits, a smaller model.
# - Time grows **in a straight line** with candidates, and long ones take longer than short ones. Measure one
#   candidate, then divide your budget.
# - Rounding to 8 bits moves scores and swaps neighbours. **Measure the quality** beside the speed.
# - Load the model **once**, when the service starts.
#
# **Where it breaks:** at a loop of slices over mixed lengths, at a large batch on a small machine, at numpy
# numbers in JSON, at 8-bit engines that quantise a whole batch together, and at a model that is loaded for
# every request.
#
# ## Quiz
#
# Your service reranks 50 chunks of about 300 tokens on a CPU and takes too long. A colleague raises the batch
# size from 32 to 128. What do you expect?
#
# A. About four times faster.
#
# B. Little or nothing; perhaps slower.
#
# C. The same time, but better scores.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** would hold if the fixed cost of a call were the problem. It is, for short texts. At 300 tokens the
# arithmetic is.
#
# **B** is what the tables above show for long and for mixed texts: the processor is already full, and a
# larger batch has more padding. Look at chunk length, precision and the number of candidates instead.
#
# **C**: the scores do not change, apart from the last digits.
#
# </details>
#
# **On your own:** replace `query` and the handbook by texts of yours and run the notebook again. Which lines
# of the table of claims change?
#
# **In practice:** write down the time for one candidate on the machine that serves your users, with their
# lengths. Multiply by the depth that you want. If that is too long, [](lesson:retrieval_flow) tells what a
# smaller depth costs.
#
# **Further reading:** how sentence-transformers [speeds up
# cross-encoders](https://sbert.net/docs/cross_encoder/usage/efficiency.html); [quantisation in ONNX
# Runtime](https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html), static and dynamic;
# [SmoothQuant](https://arxiv.org/abs/2211.10438), which makes static steps fit transformers.
#
# **Next:** [](next:)
