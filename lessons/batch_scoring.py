# %% [markdown]
# # {title}
#
# A search hands you a hundred candidates. You want them in order, soon, on the machine you have. In this
# lesson you write the function that does it, and you time four pieces of advice about making it fast. A
# table at the end says what came of them on your machine.
#
# **What you will do**
#
# - go through `rerank_documents` in four steps and see why each step is there;
# - time one by one against batches, on short texts and on long ones;
# - draw where the model computes on nothing, and sort it away;
# - take a fast engine apart: how much of its speed do 8 bits give, and what do they cost in quality?
# - find out how many candidates fit into your time, and when that sum is wrong.
#
# **What you need:** [](lesson:scoring_pairs). Close what else keeps the machine busy: you are
# going to measure.
#
# **Time:** {minutes} minutes, of which the machine computes a few.
#
# *The results below come from the last build, on a machine with two cores. Yours will differ; that is why you
# measure.*

# %% output="varies"
import time

started = time.perf_counter()
from rerank_course import load_corpus, load_reranker

reranker = load_reranker()
loaded = time.perf_counter() - started
handbook = load_corpus("handbook")
query = "What is the reimbursement limit?"
chunks = [chunk for chunk in handbook.documents.values() if chunk.id.startswith("exp")][:12]
print(f"{len(chunks)} candidates, first: {chunks[0].title}; libraries and model took {loaded:.1f} s to load")

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
# `predict` takes the whole list and cuts it into [batches](term:batch) by itself: groups of pairs that go
# through the model together. You could also cut the list yourself, in a loop of slices. The library then
# cannot see the whole list, and you will see what it would have done with it.


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
# A web service would fail at its very last line. So the function returns Python floats. It also keeps
# **ties in retrieval order** (a stable sort does), and returns **the candidates that were passed in**, with
# all their fields, not copies of their texts.
#
# ## Step 4: what can go wrong goes wrong early
#
# With an empty query `rerank_2` gives *some* ranking, and says nothing. The packaged function looks first.

# %%
from rerank_course import rerank_documents

print("rerank_2, empty query, best:", rerank_2("", chunks, reranker)[0][0].title, "\n")
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
for chunk, score in rerank_documents(query, chunks, reranker, batch_size=8, top_k=3):
    print(f"{score:7.2f}  {chunk.title}")
print("no candidates:", rerank_documents(query, [], reranker))

# %% [markdown]
# That is the function that you take to work: [rerank.py](../rerank_course/rerank.py), and nothing in it is
# secret. The rest of this lesson is about the one line in it that takes the time: `predict`.
#
# ## Material to measure with
#
# Time depends on length. So we cut running text of the handbook into documents of about a given number of
# [tokens](term:token), the pieces that the model reads.

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
long = [(query, document) for document in documents_of([200] * 32)]
print(len(short), "short pairs and", len(long), "long ones, for example:", short[0][1][:60], "…")

# %% [markdown]
# ## Claim 1: “Batching makes it many times faster”
#
# **Predict.** First the short documents, then the long ones. How many times faster than one by one is a batch
# of 32, the library's default?
#
# Every way runs twice, in turns, after a [warm-up](term:warm-up). The table gives the median (of two runs,
# their mean), the fastest and the slowest run, and how many times faster than the first row the median is.
# Two runs are few: where they lie far apart, a small difference between rows means nothing.

# %% output="varies"
from rerank_course.lab.guess import guess

short_guess = guess("times faster, a batch of 32 short pairs")

# %% output="varies"
long_guess = guess("times faster, a batch of 32 long pairs")

# %% output="varies"
from rerank_course.lab.timing import compare_times


def ways(pairs):
    return {
        "one by one": lambda: [reranker.predict([pair], batch_size=1) for pair in pairs],
        "one predict, batch 32": lambda: reranker.predict(pairs, batch_size=32),
        "one predict, batch 8": lambda: reranker.predict(pairs, batch_size=8),
    }


reranker.predict(long[:4])  # the first call prepares things; it is not what we want to time
short_times = compare_times(ways(short), repeats=2)
short_guess.beside(short_times.loc["one predict, batch 32", "times faster"])
short_times
# claim: a batch is faster than one by one on short texts
# control: the same pairs one by one, in turns; and long pairs, the next table
# holds: short_times.loc["one predict, batch 8", "times faster"] > 0.8
# value: f"{short_times.loc['one predict, batch 8', 'times faster']:.1f} times"

# %% output="varies"
long_times = compare_times(ways(long), repeats=2)
long_guess.beside(long_times.loc["one predict, batch 32", "times faster"])
long_times

# %% [markdown]
# Compare the last columns: on which texts is the gain larger, and what do 32 gain over 8? Why, these
# tables do not show. A GPU can be different; none is measured here.
#
# ## Claim 2: “A loop of slices is as good as one predict”
#
# On texts of equal length there is nothing to sort; a loop over such texts is not timed here. Real candidates
# are not of equal length, and a batch is a rectangle: every pair is filled up with [padding](term:padding) to
# the longest one. The model computes on the padding as on text. Let us take documents from 15 to 320 tokens,
# short ones more often than long ones, as they come.

# %%
import numpy as np

random = np.random.default_rng(3)
lengths = np.exp(random.uniform(np.log(15), np.log(320), 40)).astype(int).tolist()
mixed = [(query, document) for document in documents_of(lengths)]
in_tokens = [len(ids) for ids in reranker.tokenizer(mixed, verbose=False)["input_ids"]]
print("shortest", min(in_tokens), "longest", max(in_tokens), "tokens with the query")

# %% [markdown]
# **Predict.** In slices of 8 as they come: what share of the computed tokens is padding?

# %% output="varies"
padding_guess = guess("share that is padding, in slices of 8 as they come")

# %% output="varies"
from rerank_course.lab.diagrams import draw_batches


def batches(lengths, size):
    return [lengths[i : i + size] for i in range(0, len(lengths), size)]


def computed(batches):
    return sum(max(batch) * len(batch) for batch in batches)


def padding(batches):
    return 1 - sum(map(sum, batches)) / computed(batches)


longest_first = sorted(in_tokens, reverse=True)
drawn = {
    "Slices of 8 as they come": batches(in_tokens, 8),
    "One predict: sorted, then batches of 32": batches(longest_first, 32),
    "One predict: sorted, then batches of 8": batches(longest_first, 8),
}
share = {name: padding(groups) for name, groups in drawn.items()}
padding_guess.beside(f"{share['Slices of 8 as they come']:.0%}")
thousand = sorted(np.exp(random.uniform(np.log(15), np.log(320), 1000)), reverse=True)
print(f"a list of a thousand, sorted, then batches of 32: {padding(batches(thousand, 32)):.0%} padding")
draw_batches(drawn)
# claim: sorting by length and small batches leave less padding
# control: the same pairs in slices as they come, and sorted in batches of 32
# holds: share["One predict: sorted, then batches of 8"] < 0.5 * min(share["Slices of 8 as they come"],
#   share["One predict: sorted, then batches of 32"])
# value: ", ".join(f"{part:.0%}" for part in share.values())

# %% [markdown]
# The orange parts are computed for nothing. `predict` sorts the whole list that it is given (by characters;
# the picture sorts by tokens). A loop of slices hides the list from it. Is what is drawn also what is
# timed?

# %% output="varies"
slices_of_8 = {
    "loop of slices of 8": lambda: [reranker.predict(part, batch_size=8) for part in batches(mixed, 8)]
}
mixed_times = compare_times(ways(mixed) | slices_of_8, repeats=2)
mixed_times

# %% [markdown]
# Compare with the picture: are the rows with much orange the slow ones? In a sorted list of forty, a batch of
# 32 still mixes short and long texts. In one of a thousand it hardly does, by the count of the line beside
# the picture; that is not timed. One by one has no padding at all; how much does the best row gain on *it*?
# So: one call for all, and try the batch size on your lists. `rerank_documents` leaves the library's default,
# 32.
#
# ## Claim 3: “Cut the texts shorter”
#
# `max_length` is the number of tokens that query and document may use together. What is past it is not read.
# That saves time; what does it do to the order?
#
# As a control, one short text that answers joins the forty. It is never cut: its score stays.
#
# **Predict.** Does its place stay too?

# %% output="varies"
import pandas as pd

answer = (query, "Employees may submit expenses up to $500 without pre-approval.")
candidates, scores = [*mixed, answer], {}


def cut_at(limit):
    reranker.max_seq_length = limit
    scores[limit] = reranker.predict(candidates, batch_size=8)
    reranker.max_seq_length = 512


limits = (512, 128, 48)
cut_times = compare_times({limit: lambda limit=limit: cut_at(limit) for limit in limits}, repeats=2)
top = {limit: set(np.argsort(-scores[limit])[:10]) for limit in limits}
places = {limit: int((scores[limit] > scores[limit][-1] + 1e-4).sum()) + 1 for limit in limits}
cut_times["of the full top 10"] = [len(top[limit] & top[512]) for limit in limits]
cut_times["texts cut"] = [sum(n > limit for n in in_tokens) for limit in limits]
cut_times["tokens, padding too"] = [
    computed(batches([min(n, limit) for n in longest_first], 8)) for limit in limits
]
cut_times["answer's score"] = [round(float(scores[limit][-1]), 2) for limit in limits]
cut_times["answer's place"] = [places[limit] for limit in limits]
cut_times.drop(columns=["min s", "max s"]).rename_axis("max_length")
# claim: cutting the texts changes who is on top
# control: an answer that is not cut keeps its score
# holds: len(top[48] & top[512]) < 10 and abs(scores[48][-1] - scores[512][-1]) < 0.01
# value: f"{len(top[48] & top[512])} of the top 10 stay; the answer's place: {places[512]} and {places[48]}"

# %% [markdown]
# How much time cutting saves depends on how many tokens are left, padding included. The other texts lose
# words, and their scores move. So even the place of an answer that is not cut can change. What cutting
# costs when the answer itself stands past the limit is measured in [](lesson:when_scores_mislead).
#
# ## Claim 4: “Use 8-bit integers”
#
# A weight is a 32-bit number ([float32](term:float32)). Rounded to 8 bits ([int8](term:int8)) it takes a
# quarter of the memory, and some processors have instructions that multiply small integers faster. The
# course has an engine for the same model in [OpenVINO](https://docs.openvino.ai/2026/index.html), with the
# same `predict`. It is easy to call it “8 bits, several times faster”. Read
# [int8.py](../rerank_course/engine/int8.py) and [trimmed_model.py](../rerank_course/engine/trimmed_model.py)
# and you find more:
#
# | what it does | why it could help |
# | --- | --- |
# | 8 bits in most layers, the rest in [bfloat16](term:bfloat16) where that is faster | cheaper products |
# | one pair for each core | next to no padding, no thread waits for another inside a layer |
# | four short pairs of one length at a time | the weights are read once for all four |
# | the last layer for one token only | the score is computed from that one |
# | exponentials first, divided by their sum afterwards | two passes less over attention's scores |
#
# Only the first row is about precision. An [ablation](term:ablation) takes a part away. Here it takes that
# row away and leaves the others: the engine's own model, all in float32, its *float32 twin*. A second twin
# is all in bfloat16. Torch gets batches of two sizes, in float32 and in bfloat16, or one pair a core.
#
# **Predict.** The next cell says what your processor has. How many times faster than torch's *best* row is
# the engine? And its float32 twin?

# %% output="varies"
import torch

small = ("avx_vnni", "avx512_vnni", "amx_int8", "dot", "i8mm", "avx512_bf16", "amx_bf16", "bf16")
here = [name for name in small if torch.cpu.get_capabilities().get(name)]
print("instructions of this processor for products of 8 or 16 bits:", ", ".join(here) or "none")
engine_guess = guess("times faster than torch's best row, the 8-bit engine on long pairs")

# %% output="varies"
from rerank_course.lab.ablation import OpenVinoFloat32, score_a_pair_a_core, score_in_bfloat16

started = time.perf_counter()
fast = load_reranker(backend="int8")
fast.predict(long[:1])
load_fast = time.perf_counter() - started
float32_twin = OpenVinoFloat32(fast.threads)
bfloat16_twin = OpenVinoFloat32(fast.threads, precision="bf16")
print("the engine computes what it does not round in", fast.int8_model.precision)


def ablation(pairs):
    torch_ways = {
        f"torch, batch {size}": lambda size=size: reranker.predict(pairs, batch_size=size) for size in (2, 8)
    }
    bfloat16_ways = {
        f"torch, batch {size}, bfloat16": lambda size=size: score_in_bfloat16(reranker, pairs, size)
        for size in (2, 8)
    }
    return {
        "torch, one by one": lambda: [reranker.predict([pair], batch_size=1) for pair in pairs],
        **torch_ways,
        **bfloat16_ways,
        "torch, one pair a core": lambda: score_a_pair_a_core(reranker, pairs, fast.threads),
        "OpenVINO, float32": lambda: float32_twin.predict(pairs),
        "OpenVINO, bfloat16": lambda: bfloat16_twin.predict(pairs),
        "OpenVINO, 8 bits": lambda: fast.predict(pairs),
    }


parts = {}
for name, pairs in (("short", short[:16]), ("long", long[:8])):
    for way in ablation(pairs).values():
        way()  # warm-up
    parts[name] = compare_times(ablation(pairs), repeats=2)
pd.concat(parts)
# claim: a part of the engine's gain on one by one, for short texts, is there without 8 bits
# control: the same graph in float32, one pair a core
# holds: parts["short"].loc["OpenVINO, float32", "times faster"] > 0.8
# value: f"float32 {parts['short'].loc['OpenVINO, float32', 'times faster']:.1f} times, "
#   f"8 bits {parts['short'].loc['OpenVINO, 8 bits', 'times faster']:.1f} times, as fast as torch one by one"

# %% output="varies"
for name, table in parts.items():
    seconds = table["median s"]
    best = seconds[[row for row in seconds.index if row.startswith("torch")]].idxmin()
    gain, twin = seconds[best] / seconds["OpenVINO, 8 bits"], seconds[best] / seconds["OpenVINO, float32"]
    faster_twin = min(seconds["OpenVINO, float32"], seconds["OpenVINO, bfloat16"])
    eight = faster_twin / seconds["OpenVINO, 8 bits"]
    print(
        f"{name:6}best torch row: {best}. The engine: {gain:.1f} times as fast; its float32 twin: {twin:.1f} "
        f"times; lower precision alone: {gain / twin:.1f} times; against the faster twin {eight:.1f} times"
    )
engine_guess.beside(f"{gain:.1f}")

# %% [markdown]
# The fair speed-up is the one against the best torch row; against one by one it looks larger. “Lower
# precision alone” compares with the float32 twin. The last number compares with the faster twin. If it is
# near 1 or below, 8 bits save you no time. Another processor may give other numbers; look also at what
# bfloat16 brings on yours. Instructions for it do not always make it faster. So the engine measured that on
# your machine when its model was made; the line above the table says what it took. One pair a core has a row
# of its own, with torch. How much of the twin's gain comes from that, and what the rest of it is, this table
# does not say.
#
# Some layers are not rounded to 8 bits; [quantise.py](../rerank_course/engine/quantise.py) says which and
# why. Nor are pairs of few different words, such as (“yes”, “no”):
# [float_route.py](../rerank_course/engine/float_route.py).
#
# ### The price of rounding
#
# **Predict.** How far will a score move? Will the order of the chunks change?

# %% output="varies"
documents = [chunk for chunk in handbook.documents.values() if chunk.id.startswith("exp")]
pairs = [(query, chunk.content) for chunk in documents]
exact, rounded = reranker.predict(pairs, batch_size=8), fast.predict(pairs)
moved, twin_moved = np.abs(exact - rounded), np.abs(exact - float32_twin.predict(pairs))
print(f"8 bits move a score by {moved.mean():.2f} on average, {moved.max():.2f} at most")
print(f"the float32 twin moves it by {twin_moved.max():.6f} at most")
print("top 10 in float32:", *(documents[i].id for i in np.argsort(-exact)[:10]))
print("top 10 in 8 bits: ", *(documents[i].id for i in np.argsort(-rounded)[:10]))
# claim: it is the rounding that moves the scores, not the other software
# control: the same graph in float32
# holds: twin_moved.max() < 0.001 and moved.max() > 0.02
# value: f"at most {moved.max():.2f} with 8 bits, {twin_moved.max():.6f} without"

# %% [markdown]
# Where two scores are nearly equal, they can change places. How often, and does it matter? One query cannot
# tell. Both engines have scored the candidates of every query that has an answer, in two collections. Those
# scores were recorded once, since float32 takes many minutes for them, and we look them up. (The machine had
# 8-bit instructions.)
#
# [nDCG@10](term:nDCG@10) rewards good answers near the top, [RR@10](term:RR@10) is 1 divided by the place of
# the first one; [](lesson:retrieval_flow) is about both. The [interval](term:confidence interval) of the
# paired difference shows how much it could change with other queries of this kind. Look whether it holds
# zero, and how far below zero it reaches: that much may be lost. Where no query changed, the interval has no
# width; that does not show that no query would. Neither collection is new to the engine: it was prepared on
# passages of the handbook, and two settings were chosen with texts of both.

# %%
from rerank_course import DenseRetriever, load_embedder, paired_difference, per_query, retrieve_and_rerank
from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.evaluate import same_top

embedder, runs, rows, intervals = load_embedder(), {}, {}, {}
for name in ("handbook", "pandas-docs"):
    corpus = load_corpus(name)
    first_stage = DenseRetriever(list(corpus.documents.values()), embedder)
    for engine in ("fp32", "int8"):
        found = retrieve_and_rerank(corpus, {"d": first_stage}, RecordedReranker(name, engine), depths=(50,))
        runs[name, engine], first_stage = found["d + rerank 50"], found["d"]  # search once, rerank twice
    tables = {engine: per_query(runs[name, engine], corpus) for engine in ("fp32", "int8")}
    for measure in ("nDCG@10", "RR@10"):
        mean, low, high = paired_difference(tables["fp32"], tables["int8"], measure)
        intervals[name, measure] = (low, high)
        rows[name, measure] = {
            **{engine: tables[engine][measure].mean() for engine in tables},
            "int8 − fp32": f"{mean:+.4f}",
            "95 % interval": f"{low:+.4f} to {high:+.4f}",
        }
pd.DataFrame.from_dict(rows, orient="index").round(3)
# claim: no loss of quality from 8 bits can be shown here; how much may hide is where the intervals end
# control: the same pairs in float32, paired by query; two measures on two collections, four looks
# holds: all(low <= 0 <= high for low, high in intervals.values()) and min(intervals.values())[0] > -0.05
# value: f"intervals from {min(low for low, _ in intervals.values()):+.3f} "
#   f"to {max(high for _, high in intervals.values()):+.3f}"

# %% [markdown]
# How often does a user see the same? The share of the queries whose first one, three or ten passages are the
# same ones, in any order; and how far rounding moves the scores around the tenth place, beside the gap
# between places 10 and 11:

# %%
same = {}
for name in ("handbook", "pandas-docs"):
    before, after = runs[name, "fp32"], {q: dict(ranking) for q, ranking in runs[name, "int8"].items()}
    near_cut = [abs(after[q][d] - score) for q, ranking in before.items() for d, score in ranking[7:13]]
    gaps = [ranking[9][1] - ranking[10][1] for ranking in before.values()]
    same[name] = same_top(before, runs[name, "int8"])
    same[name] |= {"mean move, places 8 to 13": np.mean(near_cut), "median gap, 10 to 11": np.median(gaps)}
pd.DataFrame(same).round(3)
# claim: the averages hide changes: the first ten are often not the same ten
# control: the average differences of the table before
# holds: all(shares["top 10"] < 0.95 < shares["top 1"] for shares in same.values())
# value: ", ".join(f"{name}: same ten in {shares['top 10']:.0%}" for name, shares in same.items())

# %% [markdown]
# In the averages no loss is shown. Yet for part of the queries the first ten are not the same ten: see the
# shares. Around place ten rounding moves the scores no further on pandas-docs than on the handbook, but on
# pandas-docs these scores lie closer together. Whether that is all of the difference, nothing here shows.
# (float32 is here the restored model of [](lesson:scoring_pairs), whose weights had been rounded once
# before.)
#
# Does the record hold on your machine? A sample is scored again. The control is how far each is from float32.

# %% output="varies"
sample = [
    (handbook.queries[q], handbook.documents[d].content)
    for q, ranking in list(runs["handbook", "int8"].items())[::25]
    for d, _ in ranking[:4]
]
started = time.perf_counter()
again = fast.predict(sample)
scored = time.perf_counter() - started
started = time.perf_counter()
recorded = {engine: RecordedReranker("handbook", engine).predict(sample) for engine in ("int8", "fp32")}
looked_up = time.perf_counter() - started
for name, one, other in (
    ("8 bits now, and the record", again, recorded["int8"]),
    ("8 bits now, and float32", again, recorded["fp32"]),
    ("the record, and float32", recorded["int8"], recorded["fp32"]),
):
    apart = np.abs(one - other)
    print(f"{name:28} {apart.mean():.3f} apart on average, {apart.max():.3f} at most")
print(f"{len(sample)} pairs scored in {scored:.2f} s, looked up in {looked_up:.4f} s")

# %% [markdown]
# Compare the first line with the other two. If it is about as large as they are, your engine rounds by as
# much as the recorded one, but not each score in the same direction. Then the record tells how large the
# change is, and not which scores change. Now compare the second line with the third. If it is much larger, 8
# bits cost more on your processor than on the one that made the record: made in the same way, other
# instructions. A likely reason, not tested here: older instructions [cut off sums that get too
# large](https://docs.openvino.ai/latest/pot_saturation_issue.html). Then the two tables above show too small
# a change for your engine: measure on the machine that serves.
#
# The last line shows what a cache of scores can save, if the same query meets the same passage again.
#
# ### A trap: the score that depends on its neighbours
#
# A number is rounded to one of 256 steps. Where are these steps? The course's engine fixed them when its
# model was made (*static* quantisation). It computes short pairs of one length together, up to four, and a
# pair's score does not depend on the others. Others find the steps while they run (*dynamic* quantisation),
# some of them from the largest number in the **batch**. Then a pair's score depends on what else is in the
# batch. Here is an 8-bit graph of the same model, the one that came with the course's packages, run in a
# batch. The control is the same padding without a neighbour.
#
# **Predict.** The same pair, once alone, once in a batch with another. By how much can the score differ?

# %% output="varies"
import onnxruntime

from rerank_course.engine.weights import reranker_wheel_folder

session = onnxruntime.InferenceSession(str(reranker_wheel_folder() / "model.onnx"))


def raw_scores(pairs, length=512, padding="longest"):
    """The packaged graph on one padded batch, in ONNX Runtime."""
    batch = reranker.tokenizer(
        pairs, padding=padding, truncation=True, max_length=length, return_tensors="np"
    )
    return session.run(
        None,
        {name: batch[name].astype(np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")},
    )[0][:, 0]


alone = np.array([raw_scores([pair])[0] for pair in mixed[:8]])
beside = np.array([raw_scores([pair, mixed[20]])[0] for pair in mixed[:8]])
lengths_of_two = [max(own_length, in_tokens[20]) for own_length in in_tokens[:8]]
padded = np.array(
    [raw_scores([pair], length, "max_length")[0] for pair, length in zip(mixed, lengths_of_two)]
)
course = np.abs(fast.predict(short[:8]) - np.array([fast.predict([pair])[0] for pair in short[:8]]))
exact = np.abs(
    np.array([reranker.predict([pair, mixed[20]])[0] - reranker.predict([pair])[0] for pair in mixed[:8]])
)
print(f"raw graph, alone against in a batch of two: up to {np.abs(alone - beside).max():.3f} apart")
print(f"raw graph, alone against alone with that padding: up to {np.abs(alone - padded).max():.6f} apart")
print(f"the course's engine, alone against in a list: up to {course.max():.6f} apart")
print(f"torch in float32, alone against in a batch of two: up to {exact.max():.6f} apart")
# claim: with dynamic 8 bits a score depends on what shares the batch
# control: the same padding without a neighbour; torch in float32 in the same batches
# holds: np.abs(alone - beside).max() > 0.01 and max(exact.max(), np.abs(alone - padded).max()) < 0.005
# value: f"{np.abs(alone - beside).max():.2f} against {np.abs(alone - padded).max():.4f}, {exact.max():.6f}"

# %% [markdown]
# With such a graph the same pair has one score beside one neighbour, and another beside another. Such scores
# are not safe to keep, or to compare with those of another batch. If you use another 8-bit engine, run this
# test on it.
#
# ## How many candidates can I afford?
#
# **Predict.** Twice the candidates: twice the time, or less?

# %% output="varies"
cores, counts = fast.threads, (1, 2, 3, 8, 16, 32)
seconds = compare_times({n: lambda n=n: fast.predict(long[:n]) for n in counts}, repeats=2)["median s"]
cost = seconds[32] / 32
for n in counts:
    print(f"{n:3} candidates {seconds[n]:6.2f} s, {1000 * seconds[n] / n:4.0f} ms each")
torch_best = parts["long"]["median s"][[row for row in parts["long"].index if row.startswith("torch")]]
torch_cost = torch_best.min() / 8
for engine, each, at_once in (("8 bits", cost, cores), ("torch's best row", torch_cost, 1)):
    few, many = (int(limit / (at_once * each)) * at_once for limit in (0.3, 2))
    print(f"{engine}: about {few} in 0.3 s, {many} in 2 s; a hundred take {100 * each:.1f} s")

# %% [markdown]
# The engine scores one pair a core at a time (of short ones up to four), so it works in rounds. A few
# candidates may not fill the last one: compare the ms each of 1, 2, 3 and 32. Over many rounds it is about a
# straight line, and “how many?” is one division. That holds for candidates of **equal length** and for **one
# caller** on an idle machine. A service may have neither.
#
# ### Length
#
# In every layer each token is multiplied with the weights: that grows with the length. And in
# [attention](term:attention) each token meets each other: that grows with the square of the length.
#
# **Predict.** Four times the tokens. Nearer to four times the time, or to sixteen?

# %% output="varies"
length_guess = guess(
    "four times the tokens take", choices=["about 4 times", "about 8 times", "about 16 times"]
)

# %% output="varies"
own = in_tokens[0] - len(reranker.tokenizer(mixed[0][1], add_special_tokens=False)["input_ids"])
used = {}
for wanted in (120, 480):
    pairs = [(query, document) for document in documents_of([wanted - own] * 8)]
    fast.predict(pairs[:2])  # warm-up
    walls, busy = time.perf_counter(), time.process_time()
    fast.predict(pairs)
    used[wanted] = time.process_time() - busy
    walls = time.perf_counter() - walls
    share_of_square = wanted / (wanted + 6 * 384)
    print(
        f"{wanted} tokens: {1000 * walls / 8:4.0f} ms a pair, "
        f"{1000 * used[wanted] / 8:4.0f} ms of all cores; attention's "
        f"own products are {share_of_square:.0%} of the multiplications"
    )
times = used[480] / used[120]
print(f"{times:.1f} times the work for 4 times the tokens")
nearest = min((4, 8, 16), key=lambda n: abs(np.log(times / n)))
length_guess.beside(f"about {nearest} times")
# claim: at the lengths of this model, time grows more like the length than like its square
# control: two lengths, one four times the other: the length gives 4, the square would be 16
# holds: times < 8
# value: f"{times:.1f} times"

# %% [markdown]
# By the count that is printed, attention's own products are the smaller part near this model's limit. (The
# time was measured once.) Forecasts for the forty mixed pairs, from the long ones: by candidates, by tokens,
# by tokens and padding. Which is nearest, pair by pair and in batches?

# %% output="varies"
long_tokens = sum(len(ids) for ids in reranker.tokenizer(long, verbose=False)["input_ids"])
fast.predict(mixed)  # warm-up
pair_by_pair = compare_times({"mixed": lambda: fast.predict(mixed)}, repeats=2)["median s"].iloc[0]
row, forecasts = "one predict, batch 8", {}
for name, for_long, size, measured in (
    ("8 bits, pair by pair", cost * 32, 1, pair_by_pair),
    ("torch, batch 8", long_times.loc[row, "median s"], 8, mixed_times.loc[row, "median s"]),
):
    forecasts[name] = {
        "by candidates": for_long * len(mixed) / len(long),
        "by tokens": for_long * sum(in_tokens) / long_tokens,
        "by tokens and padding": for_long * computed(batches(longest_first, size)) / long_tokens,
        "measured s": measured,
    }
pd.DataFrame(forecasts).T.round(2)

# %% [markdown]
# Pair by pair, tokens are nearer than candidates; in batches, count the padding too. A forecast from long
# pairs may still be wrong for short ones: look how far. [](lesson:scale_out) fits a line to several lengths.
#
# ### Several callers
#
# A service has several callers. A lock lets one call in at a time, and the others wait. The course's engine
# puts the pairs of all calls into [one queue](../rerank_course/engine/pair_queue.py) instead; as a rule the
# call with the least left goes first. First four callers with five pairs each. Then a small request, one
# pair, that comes after a big one. The control for the second case is the same engine behind a lock.

# %% output="varies"
import threading
from concurrent.futures import ThreadPoolExecutor


def waits(requests, gap):
    """Seconds that each (engine, pairs) waits for its scores; they come `gap` seconds apart."""

    def ask(engine, pairs):
        started = time.perf_counter()
        engine.predict(pairs)
        return time.perf_counter() - started

    with ThreadPoolExecutor(len(requests)) as callers:
        asked = []
        for engine, pairs in requests:
            asked.append(callers.submit(ask, engine, pairs))
            time.sleep(gap)
        return [answer.result() for answer in asked]


class BehindALock:
    """An engine that takes one call at a time."""

    def __init__(self, engine):
        self.engine, self.lock = engine, threading.Lock()

    def predict(self, pairs):
        with self.lock:
            return self.engine.predict(pairs)


alone_4 = waits([(fast, long[:5])], 0)[0]
four = sorted(waits([(fast, long[:5])] * 4, 0.01))
print(f"one caller {alone_4:.2f} s; four at once:", *(f"{wait:.2f}" for wait in four))
big, small = (long * cores)[: 12 * cores], long[:1]
big_alone, small_alone = (waits([(fast, pairs)], 0)[0] for pairs in (big, small))
print(f"alone: big request {big_alone:.2f} s, small one {small_alone:.2f} s")
queue = {}
for name, engine in (("a lock", BehindALock(fast)), ("one queue", fast)):
    queue[name] = waits([(engine, big), (engine, small)], big_alone / 10)
    print(f"{name}: big request {queue[name][0]:.2f} s, small one behind it {queue[name][1]:.2f} s")
# claim: behind a big request at a lock a small one waits long; in one queue it is answered sooner
# control: the same two requests to the same engine, behind a lock
# holds: queue["one queue"][1] < 0.8 * queue["a lock"][1]
# value: f"{queue['a lock'][1]:.1f} s at a lock, {queue['one queue'][1]:.1f} s in the queue"

# %% [markdown]
# Four callers do not get four times the work out of the same cores. In the queue the small request passes,
# and the big one takes about as long as before (one run each). To be safe, divide the number of candidates
# that fits into your time by the number of callers that come at once, and look at the slow answers
# ([p95](term:p95)), not at the mean. In an event loop, `await engine.predict_async(…)` lets the loop go on
# while the cores work. In a container, Python may see more cores than the limit grants:
# `Int8Reranker(threads=…)` sets the number by hand.
#
# ### Load once
#
# A service loads its model before the first caller comes. The control is the same pair in the engine that is
# loaded already. Does the first pair of a new length cost extra? The last line scores one two times. (Torch's
# time contains the loading of libraries, that of 8 bits does not: do not compare the two.)

# %% output="varies"
started = time.perf_counter()
fast.predict(long[:1])
one_pair = time.perf_counter() - started
unseen = [(query, documents_of([400])[0])]
first, again = (compare_times({"new": lambda: fast.predict(unseen)}, 1)["median s"].iloc[0] for _ in "12")
print(f"torch: libraries and model {loaded:.1f} s; 8 bits: model and first pair {load_fast:.1f} s", end="")
print(f"; a pair after that {one_pair:.3f} s")
print(f"a pair of a length that is new to the engine {first:.3f} s, once more {again:.3f} s")
# claim: to load the model takes longer than to score a pair, so load it once
# control: the same pair in the engine that is loaded already
# holds: load_fast > one_pair
# value: f"{load_fast:.1f} s against {one_pair:.3f} s"

# %% [markdown]
# ## Which claims held on this machine?
#
# Nobody wrote this table. It is computed from what you measured. “Holds” means at least one and a half times
# as fast as what is named, and that is less than “many times” or “several times”: read the number. For claim
# 2 that is the claim turned round: where it holds, a loop of slices is not as good. Few runs stand behind
# each line: a figure near 1.5 can fall on the other side next time.

# %% output="varies"


def gain(table, way, others):
    """How many times faster than the best of the others."""
    return table.loc[others, "median s"].min() / table.loc[way, "median s"]


torch_rows = [row for row in parts["long"].index if row.startswith("torch")]
batch, one, twin = "one predict, batch 32", ["one by one"], ["OpenVINO, float32"]
claims = {
    "batches of 32, short texts, against one by one": gain(short_times, batch, one),
    "batches of 32, long texts, against one by one": gain(long_times, batch, one),
    "one predict of mixed lengths in batches of 8, against slices of 8": gain(
        mixed_times, "one predict, batch 8", ["loop of slices of 8"]
    ),
    "the same, against one by one": gain(mixed_times, "one predict, batch 8", one),
    "texts cut at 128 tokens, against whole ones": gain(cut_times, 128, [512]),
    "the 8-bit engine, short texts, against torch's best row": gain(
        parts["short"], "OpenVINO, 8 bits", torch_rows
    ),
    "the 8-bit engine, long texts, against torch's best row": gain(
        parts["long"], "OpenVINO, 8 bits", torch_rows
    ),
    "the 8-bit engine, long texts, against itself in float32": gain(parts["long"], "OpenVINO, 8 bits", twin),
}
for claim, times in claims.items():
    print(f"{'holds' if times >= 1.5 else 'does not':10}{claim} ({times:.2f} times)")

# %% [markdown]
# Other libraries, and up to a thousand candidates, stand in
# [docs/benchmarks.md](../docs/benchmarks.md); `make bench` measures them on your machine.
#
# ## More candidates than memory
#
# `rerank_documents` takes a list. A file with millions of lines is not a list. `rerank_stream` reads any
# iterator, block by block, and keeps only one block and the best so far.

# %% output="varies"
from itertools import islice

from rerank_course import rerank_stream


def lines():
    """As if from a file: each document exists only while it is read."""
    for chunk in islice(handbook.documents.values(), 60):
        yield chunk.content[:200]


for document, _score in rerank_stream("How long is parental leave?", lines(), fast, top_k=2, block=20):
    print(document.splitlines()[0][:80])
print(f"a million documents of 200 tokens would take this machine {1e6 * cost / 3600:.0f} hours")

# %% [markdown]
# That is for a job at night. For a search, a first stage chooses what the model reads, as the quiz of
# [](lesson:start_here) says.
#
# ## What to remember
#
# - **One `predict` for the whole list,** with a batch size that you tried. It sorts, then batches; a loop of
#   slices undoes that.
# - Batches helped **short** texts more than long ones. Look at fewer tokens and at 8 bits as well, and
#   measure them on your processor.
# - Compare an engine with the **best** row of the other one, and ask **which part** of it brings the gain.
# - Over many rounds time grows **in a straight line** with candidates of equal length. With mixed lengths
#   count tokens, padding too. Remember the other callers.
# - Rounding to 8 bits moves scores and swaps neighbours. **Measure the quality** beside the speed.
# - Load the model **once**, when the service starts.
#
# **Where it breaks:** at a loop of slices over mixed lengths, at a large batch of mixed lengths, at numpy
# numbers in JSON, at 8-bit engines that quantise a whole batch together, at a lock with a big request before
# a small one, and at a model that is loaded for every request.
#
# ## Quiz
#
# Your service reranks 50 chunks of about 300 tokens on a CPU and takes too long. A colleague raises the batch
# size from 8 to 32. What do you expect?
#
# A. About four times faster.
#
# B. Nothing; or it becomes slower.
#
# C. The same time, but better scores.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** does not hold for short texts either. Compare the rows for 8 and 32.
#
# **B** is what these rows show for long and for mixed texts, and of a sorted list batches of 32 have no less
# padding than batches of 8. Look at chunk length, engine and the number of candidates instead.
#
# **C**: in float32 the scores do not change, apart from the last digits. With an engine that finds its steps
# in each batch they can change.
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
