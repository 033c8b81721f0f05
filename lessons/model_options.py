# %% [markdown]
# # {title}
#
# Which [reranker](term:reranker) should you take? This lesson puts five well-known names side by side, then
# what one would look at in 2026, says what has been published and what that leaves out, and measures what
# runs on your machine.
#
# **What you will do**
#
# - read the facts of five models, and check five claims about them;
# - compare published figures with those of the search alone;
# - measure speed and quality of what runs here, each with its control;
# - answer six questions and see which models fit, or what to relax.
#
# **What you need:** [](lesson:start_here).
#
# **Time:** {minutes} minutes.
#
# ## The five
#
# **Predict.** How many of these can be used in a commercial product? Who made the ms-marco models?

# %%
import pandas as pd

from rerank_course.models import CATALOGUE

pd.set_option("display.max_colwidth", None)
facts = (
    pd.DataFrame([vars(option) for option in CATALOGUE])
    .set_index("name")
    .convert_dtypes()
    .astype(object)
    .fillna("–")
)
facts[
    ["publisher", "licence", "parameters", "layers", "width", "languages", "max_tokens", "scores", "runs"]
].T

# %%
for option in CATALOGUE:
    print(f"{option.name:38} {option.source}")

# %% [markdown]
# [Parameters](term:parameter) are in millions. *Width* is how many numbers stand for one [token](term:token).
# *Tokens* are for query, document and [special tokens](term:special token) **together**. *Runs* says how you
# get the model: `packaged` came with the course, `hub` is one download, `hosted` is a service that you call.
#
# Five facts worth checking:
#
# - The **ms-marco** models are not Microsoft's. [Sentence Transformers](https://huggingface.co/cross-encoder)
#   trained and published them; what they were made from is Microsoft's: the network MiniLM, questions and
#   passages.
# - The **bge rerankers** base and large are under the [MIT
#   licence](https://huggingface.co/BAAI/bge-reranker-large), not Apache. (The newer v2-m3 is Apache.)
# - **Scores have no common scale.** From sentence-transformers' `predict` the ms-marco models give
#   [logits](term:logit). The bge models do not name a function, so the library sends their logits through a
#   [sigmoid](term:sigmoid), to 0 to 1; their makers' own library gives the logits. Cohere's service answers
#   with 0 to 1. So a [threshold](term:threshold) belongs to a model and to the way it is loaded.
# - **A licence is for the weights.** By theirs the four that can be downloaded may be used in business. The
#   questions behind the ms-marco models are [offered for non-commercial
#   research](https://microsoft.github.io/msmarco/). Ask whoever is responsible what follows from that.
# - **L-12 is hardly above L-6** on the two benchmarks that its makers publish
#   ([source](https://sbert.net/docs/pretrained-models/ce-msmarco.html)):
#   [nDCG@10](term:nDCG@10), times a hundred, is 74.30 for L-6 and 74.31 for L-12 on
#   [TREC](term:TREC) Deep Learning 2019; [MRR](term:MRR)@10 is 39.01 and 39.02 on MS MARCO. Both figures are
#   for reranked results, without intervals; that page gives none for the search alone.
#
# ## What one would look at in 2026

# %%
from rerank_course.lab.current_models import current_table

today = current_table()
today.astype(object).fillna("–")

# %% [markdown]
# *MTEB nDCG@10* is explained below. A dash means not in that table; a question mark, not checked. **Ettin**
# ([announcement](https://huggingface.co/blog/ettin-reranker), May 2026) comes from the publisher of the
# ms-marco models, in six sizes; it says up to 8K tokens, and the cards of two of them, 68m and 150m, say
# 7,999. The **Jina** model's licence forbids business use, and
# [its publisher](https://jina.ai/models/jina-reranker-v2-base-multilingual) calls it superseded. The
# **mmarco** model is L-12's shape, trained on [questions and passages translated into 13
# languages](https://huggingface.co/datasets/unicamp-dl/mmarco).
#
# To fetch one, where there is a network:
#
# ```
# python -m rerank_course fetch cross-encoder/ettin-reranker-32m-v1
# ```
#
# It looks whether there is room, shows how far it has come, and loads the model once. `fetch: yes` was tried
# on small models with random weights and the same parts, not on the published weights. A **?** under *fetch*
# marks a language model that is asked in a [prompt](term:prompt) whether the document is relevant, and
# answers with one word or digit. The helper may load it without that prompt, raise no error, and score
# something else: follow what its publisher's page says. A *no* needs program code from its repository, which
# the helper does not run.
#
# ## Published quality, and the search alone
#
# The announcement of Ettin measured most of these models alike: nDCG@10 on the ten English search tasks of
# [MTEB](term:MTEB), the first 100 of an [embedder](term:embedder) reranked, the mean over six embedders. It
# also gives each embedder **alone**.
#
# **Predict.** The mean of the six alone is .4934. How much does reranking with L-12 add?

# %% output="varies"
from rerank_course.lab.guess import guess

added = guess("nDCG@10 that L-12 adds to the mean of the six")

# %%
from itertools import combinations

from rerank_course.lab.current_models import ALONE, MTEB, all_options, short_name

L12 = "cross-encoder/ms-marco-MiniLM-L12-v2"
alone = sum(ALONE.values()) / len(ALONE)
print("alone")
for name, value in ALONE.items():
    print(f"{value:.4f}          {name}")
print(f"{alone:.4f}          mean of the six\n\nmean of the six, reranked")
for name, value in sorted(MTEB.items(), key=lambda row: -row[1]):
    print(f"{value:.4f}  {value - alone:+.4f}  {short_name(name)}")
added.beside(round(MTEB[L12] - alone, 4))
ettin = [value for name, value in MTEB.items() if "ettin" in name]  # from the smallest to the largest
size = {option.name: option.parameters for option in all_options()}
family = {name: short_name(name).split("-")[0] for name in MTEB}
larger_wins = {
    (smaller, larger): MTEB[larger] > MTEB[smaller]
    for smaller, larger in combinations(sorted(MTEB, key=size.get), 2)
    if family[smaller] != family[larger]
}
count = f"{sum(larger_wins.values())} of {len(larger_wins)}"
old = [wins for pair, wins in larger_wins.items() if "ettin" not in "".join(pair)]
print(f"\nof two models of different families the larger is the better one in {count} pairs;")
print(f"without Ettin, in {sum(old)} of {len(old)}")
# claim: On MTEB, a good small embedder alone is above the mean of six embedders reranked with L-12.
# control: the embedders without reranking, on the same page (quoted, not measured here)
# holds: ALONE["bge-small-en-v1.5"] > MTEB[L12]
# value: f"bge-small alone {ALONE['bge-small-en-v1.5']:.4f}, the six with L-12 {MTEB[L12]:.4f}"
# claim: On MTEB, bge-reranker-base is below the mean of the same embedders without a reranker.
# control: the mean of the six embedders alone (quoted, not measured here)
# holds: MTEB["BAAI/bge-reranker-base"] < alone
# value: f"{MTEB['BAAI/bge-reranker-base']:.4f} against {alone:.4f}"
# claim: On MTEB, quality rises with size within Ettin, and its smallest is above L-12, twice its size.
# control: all pairs of models of different families in this table, with and without Ettin (quoted figures)
# holds: sorted(ettin) == ettin and ettin[0] > MTEB[L12]
# value: ", ".join(f"{value:.4f}" for value in ettin) + f"; L-12 {MTEB[L12]:.4f}; the larger better in "
#   + f"{count}, without Ettin in {sum(old)} of {len(old)}"

# %% [markdown]
# Read it with care.
#
# - **Is a good embedder the better choice?** bge-small *alone* is above the mean of the six after L-12. That
#   mean includes weak embedders, though. What L-12 adds to each embedder's own list these figures do not say;
#   only the page's pictures do. On the handbook you will measure it below.
# - **A reranker need not help.** bge-reranker-base is a little below the mean of the six alone.
# - Within Ettin, quality rises with size, from 17m to 1b. Its 17m has half of L-12's parameters and is above
#   it: a new small model can beat an old large one. The last lines count pairs of different families. What
#   else counts, age, data or training, this table cannot tell; and the page lists more models than we quote.
# - These are the figures of Ettin's own author, without intervals, and the version that was published is the
#   one that did best on this very benchmark. It is in English only.
#
# Three more sources, in extract, each with the search alone:
#
# - **GooAQ** ([train-reranker](https://huggingface.co/blog/train-reranker); nDCG@10 times a hundred, the
#   first 30 of a very light embedder): no reranking 59.12, L-6 69.56, bge-base 70.98, bge-large 73.20, v2-m3
#   73.56; trained on GooAQ itself, a model of 150 million parameters 77.14, one of 396 million 79.42. Of
#   those quoted here all gain, bge-large more than bge-base, and the two that were trained there gain most.
# - **[BEIR](term:BEIR)** ([paper](https://arxiv.org/abs/2104.08663)): after [BM25](term:BM25), a search that
#   counts shared words, a cross-encoder beats BM25 alone on 16 of 18 collections and is the best system on
#   average. On Touché, a collection of arguments, nDCG@10 falls from .367 to .271.
# - **NFCorpus**, medical, after all-MiniLM-L6-v2
#   ([mteb, PR 457](https://github.com/embeddings-benchmark/mteb/pull/457)): nDCG@10 is .3159 alone, .3298
#   with L-6, .3280 with bge-large, .3147 with bge-base, .2539 with a tiny Jina model.
#
# ## What does size cost?
#
# A rule of thumb: layers times width squared is the arithmetic for a token.
#
# **Predict.** How many times as much does bge-reranker-large compute for a token as L-6?

# %% output="varies"
times_l6 = guess("bge-reranker-large's arithmetic, L-6 = 1")

# %%
from rerank_course.lab.explorers.model_chooser import relative_compute

smallest = relative_compute(CATALOGUE[0])
compute = {
    short_name(option.name): round(relative_compute(option) / smallest, 1)
    for option in CATALOGUE
    if option.layers
}
times_l6.beside(compute["bge-reranker-large"])

# %% output="varies"
from rerank_course.lab.charts import draw_bars

draw_bars(compute, "arithmetic for a token, L-6 = 1")

# %% [markdown]
# Does the rule hold? Its control is a clock. The [announcement of
# Ettin](https://huggingface.co/blog/ettin-reranker) also timed these models on one desktop processor, in
# [float32](term:float32).

# %%
from rerank_course.lab.current_models import CPU_PAIRS, all_options

rows = {}
for option in all_options():
    if option.name in CPU_PAIRS:
        rows[short_name(option.name)] = {
            "by the rule": relative_compute(option),
            "by the clock": CPU_PAIRS[L12] / CPU_PAIRS[option.name],
            "base": option.base,
        }
cost = pd.DataFrame.from_dict(rows, orient="index")
cost["rule / clock"] = cost["by the rule"] / cost["by the clock"]
off = cost["rule / clock"].where(cost["rule / clock"] > 1, 1 / cost["rule / clock"])
encoders = ~cost["base"].str.contains("language model")
cost.round(2)
# claim: Layers times width squared forecasts an encoder's time on a processor within a factor of 1.5.
# control: published times by the clock (quoted); and a language model, where the rule fails
# holds: bool((off[encoders] < 1.5).all() and (off[~encoders] > 1.5).all())
# value: f"at most {off[encoders].max():.2f} off for {int(encoders.sum())} encoders, " +
#   f"{off[~encoders].max():.2f} for {int((~encoders).sum())} language model"

# %% [markdown]
# Rule and clock are relative to L-12. For all but the language model the rule puts the models in nearly the
# clock's order, and gives the time roughly. The language model took about twice the time that the rule says.
# On a GPU, the same page shows another order.
#
# ## What runs here now
#
# **Predict.** You ask for a model that is not on this machine. What would you like to happen, and how soon?
#
# With a network, the next cell would ask the hub. To show what happens without one, we forbid the hub.

# %%
import os
import subprocess
import sys
import textwrap

program = """
from rerank_course import load_reranker
try:
    load_reranker("example-organisation/no-such-reranker")
except OSError as error:
    print(type(error).__name__ + ":", error)
"""
offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
said = subprocess.run(
    [sys.executable, "-c", program], env=offline, capture_output=True, text=True, encoding="utf-8"
).stdout
print(textwrap.fill(said, 110, break_on_hyphens=False))

# %% [markdown]
# The packaged L-12 and the [bi-encoder](term:bi-encoder) all-MiniLM-L6-v2 run here, since their weights came
# as ordinary pip packages. L-12 runs in two ways: in float32 with torch, and in 8-bit integers,
# [int8](term:int8), with OpenVINO ([](lesson:batch_scoring) is about the difference). **Neither has the
# published weights.** The package holds weights that were already rounded to 8 bits; the float32 ones are
# restored from those. So below we compare two ways to compute, not exact weights with rounded ones.
#
# ## How fast are they here?
#
# The same query and 50 passages of the handbook, in turns. (We stay with 50 to the end of the lesson.)
#
# **Predict.** Order these three by time: L-12 in float32, L-12 in int8, and the bi-encoder with its vectors
# computed beforehand. How many times as fast as float32 is int8?

# %%
from rerank_course import load_corpus, load_embedder, load_reranker

handbook = load_corpus("handbook")
documents = list(handbook.documents.values())
some = documents[::5][:50]
query = "What is the reimbursement limit?"
pairs = [(query, chunk.content) for chunk in some]

floats, int8, embedder = load_reranker(), load_reranker(backend="int8"), load_embedder()
vectors = embedder.encode([chunk.content for chunk in some], normalize_embeddings=True)

# %% output="varies"
from rerank_course.lab.timing import compare_times

floats.predict(pairs[:4]), int8.predict(pairs[:4]), embedder.encode(query)  # warm up
times = compare_times(
    {
        "L-12, float32": lambda: floats.predict(pairs, batch_size=8),
        "L-12, int8": lambda: int8.predict(pairs),
        "bi-encoder, vectors kept": lambda: vectors @ embedder.encode(query, normalize_embeddings=True),
    }
)
times["ms for a pair"] = (1000 * times["median s"] / len(pairs)).round(1)
times
# claim: For 50 passages, the bi-encoder with its vectors kept is faster than L-12 in either way.
# control: the same query and passages with L-12 in float32 and in int8, in turns
# holds: bool(times["median s"].iloc[2] < times["median s"].iloc[:2].min())
# value: ", ".join(f"{name} {s:.3f} s" for name, s in times["median s"].items())

# %% [markdown]
# The bi-encoder read one text, the query. The cross-encoder read it once with each of the 50 passages.
#
# ## How good are they here?
#
# nDCG@10 on the handbook's judged queries: from 0 to 1, high when good passages stand on top
# ([](lesson:retrieval_flow) explains it). Two searches bring 50 [candidates](term:candidate): the
# bi-encoder, and BM25. The cross-encoder's scores were recorded beforehand; a sample is scored again below.
# There are two controls: a "reranker" that draws its scores at random, and a cheap one, which sorts BM25's 50
# by the bi-encoder's cosine.
#
# **Predict.** Does L-12 improve the bi-encoder's list? And BM25's?

# %% output="varies"
verdict = guess("the bi-encoder's list after L-12", choices=["better", "worse", "no difference shown"])

# %%
import numpy as np

from rerank_course import (
    BM25Retriever,
    DenseRetriever,
    paired_difference,
    per_query,
    retrieve_and_rerank,
    summary,
)
from rerank_course.engine.recorded_scores import RecordedReranker


class RandomOrder:
    def __init__(self):
        self.draw = np.random.default_rng(0)

    def predict(self, pairs, batch_size=32):
        return self.draw.random(len(pairs))


searches = {"bi-encoder": DenseRetriever(documents, embedder), "BM25": BM25Retriever(documents)}
ways = {
    "float32": RecordedReranker("handbook", "fp32", floats),
    "int8": RecordedReranker("handbook", "int8", int8),
    "at random": RandomOrder(),
    "by cosine": searches["bi-encoder"],
}
runs = {}
for way, reranker in ways.items():
    for name, run in retrieve_and_rerank(handbook, searches, reranker, depths=(50,)).items():
        runs[f"{name}, {way}" if "rerank" in name else name] = run
del runs["bi-encoder + rerank 50, by cosine"]  # the bi-encoder's own order once more
systems = {name: per_query(run, handbook) for name, run in runs.items()}
summary(systems, ["nDCG@10"])[["nDCG@10", "nDCG@10 95 %"]].round(3)

# %%
differences = {
    f"{after}  −  {before}": paired_difference(systems[before], systems[after])
    for before, after in (
        ("bi-encoder + rerank 50, float32", "bi-encoder + rerank 50, int8"),
        ("bi-encoder", "bi-encoder + rerank 50, int8"),
        ("bi-encoder", "bi-encoder + rerank 50, at random"),
        ("BM25", "BM25 + rerank 50, int8"),
        ("BM25", "BM25 + rerank 50, at random"),
        ("BM25", "BM25 + rerank 50, by cosine"),
        ("BM25 + rerank 50, by cosine", "BM25 + rerank 50, int8"),
        ("bi-encoder", "BM25 + rerank 50, int8"),
    )
}
for name, (mean, low, high) in differences.items():
    print(f"{mean:+.3f}  ({low:+.3f} to {high:+.3f})  {name}")
rounding, dense, dense_random, bm25, bm25_random, bm25_cosine, against_cosine, against_dense = (
    differences.values()
)
verdict.beside("better" if dense[1] > 0 else "worse" if dense[2] < 0 else "no difference shown")
# claim: On the handbook, no difference is shown between L-12 in float32 and in int8.
# control: the same queries and candidates; both start from weights that were rounded to 8 bits
# holds: rounding[1] <= 0 <= rounding[2] and max(abs(x) for x in rounding) < 0.02
# value: f"{rounding[0]:+.3f} ({rounding[1]:+.3f} to {rounding[2]:+.3f})"
# claim: On the handbook, reranking the bi-encoder's 50 with L-12 shows no gain over the bi-encoder alone.
# control: the bi-encoder alone; the same candidates in random order
# holds: dense[1] < 0 < dense[2] and dense_random[2] < 0
# value: f"{dense[0]:+.3f} ({dense[1]:+.3f} to {dense[2]:+.3f}); at random {dense_random[0]:+.3f}"
# claim: On the handbook, reranking BM25's 50 with L-12 gains over BM25 alone; so does sorting them by cosine,
#   and no difference is shown between the two.
# control: the same candidates by the bi-encoder's cosine; the same in random order, which lose
# holds: min(bm25[1], bm25_cosine[1]) > 0 and against_cosine[1] < 0 < against_cosine[2] and bm25_random[2] < 0
# value: f"L-12 {bm25[0]:+.3f}, cosine {bm25_cosine[0]:+.3f}; L-12 − cosine {against_cosine[0]:+.3f} " +
#   f"({against_cosine[1]:+.3f} to {against_cosine[2]:+.3f}); at random {bm25_random[0]:+.3f}"
# claim: On the handbook, BM25 with L-12 stays below the bi-encoder alone, which needs no reranker.
# control: the best cheaper system, the bi-encoder alone
# holds: against_dense[2] < 0
# value: f"{against_dense[0]:+.3f} ({against_dense[1]:+.3f} to {against_dense[2]:+.3f})"

# %% [markdown]
# Each line is a [paired difference](term:paired difference) with its 95 %
# [interval](term:confidence interval): the same queries under both systems. An interval that holds 0 means:
# with these queries, no difference has been shown. We made eight comparisons, so one interval may be
# wrong by chance; the large ones are far from 0. The same in a picture:

# %% output="varies"
from rerank_course.lab.intervals import interval_chart

interval_chart(
    {
        name: paired_difference(systems["bi-encoder"], systems[name])
        for name in systems
        if name != "bi-encoder" and "float32" not in name
    },
    "nDCG@10, difference from the bi-encoder alone, handbook",
)

# %% [markdown]
# The int8 rows cost 50 pairs for each query (the times above), *by cosine* one text, with vectors kept. BM25
# alone is far behind. The handbook's queries were written to be hard for a search that matches words ([data
# card](../rerank_course/texts/data/handbook/README.md)), so its level says nothing about other texts.
#
# **On the handbook BM25 with L-12 gains much. Sorting the same 50 by cosine gains about as much, and the
# bi-encoder alone is above both.** So compare a reranker with the best cheaper system, not with the weakest.
#
# ## Why so far behind?
#
# The reranker is the same after both searches; the candidates are not.
#
# **Predict.** For what share of the queries do BM25's 50 hold a passage that answers?

# %% output="varies"
share = guess("share of queries with an answer among BM25's 50, in %")

# %%
queries = systems["BM25"].index


def reachable(run):
    """Whether each query's 50 candidates hold a passage that answers (grade 2 or 3)."""
    found = [[handbook.qrels[q].get(document, 0) for document, _ in run[q][:50]] for q in queries]
    return np.array([max(grades) >= handbook.relevant for grades in found])


held = {name: reachable(runs[name]) for name in searches}
for name, flags in held.items():
    print(f"{flags.mean():4.0%}  of {len(queries)} queries have an answer among the 50 of {name}")
share.beside(round(100 * held["BM25"].mean()))

parts = {"both have an answer": held["bi-encoder"] & held["BM25"], "BM25's have none": ~held["BM25"]}
print("\nBM25 + L-12  −  bi-encoder alone")
by_part = {}
for part, flags in parts.items():
    first, second = (systems[name].loc[flags] for name in ("bi-encoder", "BM25 + rerank 50, int8"))
    mean, low, high = by_part[part] = paired_difference(first, second)
    print(f"{mean:+.3f}  ({low:+.3f} to {high:+.3f})  {part} ({flags.sum()} queries)")
fair, without = by_part.values()


def with_answers(way):
    """BM25's 50 of the queries that have no answer there, with the answers put in, in a reranker's order."""
    run = {}
    for q in queries[~held["BM25"]]:
        ids = [document for document, _ in runs["BM25"][q][:50]]
        ids += [document for document, grade in handbook.qrels[q].items() if grade >= handbook.relevant]
        pairs = [(handbook.queries[q], handbook.documents[document].content) for document in ids]
        run[q] = sorted(zip(ids, ways[way].predict(pairs)), key=lambda row: row[1], reverse=True)
    return per_query(run, handbook).loc[list(run)]


print(f"\nthe same {sum(~held['BM25'])} queries  −  bi-encoder alone")
left = {}
for name, table in {
    "BM25's 50 and the answers, L-12's order": with_answers("int8"),
    "BM25's 50 and the answers, by cosine": with_answers("by cosine"),
    "BM25's 50 and the answers, at random": with_answers("at random"),
    "the bi-encoder's own 50, L-12's order": systems["bi-encoder + rerank 50, int8"].loc[~held["BM25"]],
}.items():
    mean, low, high = left[name] = paired_difference(systems["bi-encoder"].loc[~held["BM25"]], table)
    print(f"{mean:+.3f}  ({low:+.3f} to {high:+.3f})  {name}")
put_in, put_in_cosine, put_in_random, own = left.values()
# claim: BM25 with L-12 loses to the bi-encoder alone where BM25's 50 hold no answer;
#   where both have one, no loss is shown.
# control: the queries where both searches bring an answer
# holds: without[2] < 0 and fair[2] > 0 and held["BM25"].mean() < held["bi-encoder"].mean()
# value: f"{without[0]:+.3f} ({without[1]:+.3f} to {without[2]:+.3f}) without, " +
#   f"{fair[0]:+.3f} ({fair[1]:+.3f} to {fair[2]:+.3f}) where both have one"
# claim: With the missing answers put in, L-12's order still loses to the bi-encoder alone, and the same
#   lists by cosine do not.
# control: the same lists by cosine, and at random; L-12 on the bi-encoder's own 50
# holds: without[0] < put_in[0] and put_in[2] < 0 < put_in_cosine[1] and put_in_random[2] < 0
# value: f"{without[0]:+.3f}, with the answers {put_in[0]:+.3f} ({put_in[1]:+.3f} to {put_in[2]:+.3f}), by " +
#   f"cosine {put_in_cosine[0]:+.3f}; L-12 on the bi-encoder's own 50 {own[0]:+.3f}"

# %% [markdown]
# Where both searches bring an answer, no loss is shown. The loss is on the queries whose answer is not among
# BM25's 50: a reranker only orders what it is given. We added the missing answers to BM25's 50 by hand, and
# much of the loss is gone. What is left is the reranker's order: by cosine the same lists lose nothing, and
# L-12 loses about as much on the bi-encoder's own list. (Six comparisons more; and BM25's failure picked
# these queries, so they may be of a special kind.)
#
# One more check. The share of the first ten that somebody has judged is [judged@10](term:judged@10). An
# unjudged passage counts as not relevant. Does that hide a gain?

# %%
for name in ("bi-encoder", "bi-encoder + rerank 50, int8"):
    print(f"judged@10 {systems[name]['judged@10'].mean():.2f}  {name}")


def judged_only(run):
    return {q: [row for row in found if row[0] in handbook.qrels.get(q, {})] for q, found in run.items()}


before, after = (
    per_query(judged_only(runs[name]), handbook) for name in ("bi-encoder", "bi-encoder + rerank 50, int8")
)
mean, low, high = judged = paired_difference(before, after)
print("\nwith L-12 − without, unjudged passages taken out of both:")
print(f"{mean:+.3f}  ({low:+.3f} to {high:+.3f})")
# claim: L-12 shows no gain over the bi-encoder when unjudged passages are taken out of both lists, either.
# control: the same difference with unjudged passages counted as not relevant
# holds: judged[1] < 0 < judged[2] or judged[2] < 0
# value: f"{judged[0]:+.3f} ({judged[1]:+.3f} to {judged[2]:+.3f}) against {dense[0]:+.3f}"

# %%
sample = [
    (handbook.queries[q], handbook.documents[d].content)
    for q, grades in list(handbook.qrels.items())[::30]
    for d in list(grades)[:5]
]
again = np.abs(int8.predict(sample) - RecordedReranker("handbook", "int8", int8).predict(sample))
print(
    f"{len(sample)} pairs scored again; half of them within 0.2 of the record:", bool(np.median(again) < 0.2)
)

# %% [markdown]
# ## The chooser
#
# `choose_model` goes through the five and today's models with your answers. Times are estimates: what you
# measured for L-12 in float32, times the arithmetic of the rule above; for the language model timed above
# that is about half of what it took. They hold for texts about as long as those 50, in small batches: one
# long passage can make its whole batch several times as slow ([](lesson:batch_scoring)). The 8-bit engine
# has no row: its time for L-12 stands above, and how fast it runs other encoders is not measured here.
# `advice` says what fits or, where nothing does, what to relax. First English, 50 candidates, five seconds:

# %% output="varies"
from rerank_course.lab.explorers.model_chooser import advice, choose_model

per_pair = times.loc["L-12, float32", "ms for a pair"] / 1000
english = {"language": "en", "candidates": 50, "budget_seconds": 5, "seconds_per_pair": per_pair}
print(textwrap.fill(advice(**english), 110, break_on_hyphens=False))
choose_model(**english).round(2)

# %% [markdown]
# **Predict.** Your texts are German and may not be sent to others. What is left?

# %% output="varies"
german = {**english, "language": "de", "may_leave": False}
print(textwrap.fill(advice(**german), 110, break_on_hyphens=False))
table = choose_model(**german).round(2)
table[~table["why"].str.contains("trained on")]  # without those of another language

# %%
rows = []
for language in ("en", "zh", "de"):
    for candidates in (10, 50, 200):
        for budget in (0.1, 1, 5, 20):
            for may_leave in (False, True):
                table = choose_model(
                    language, may_leave=may_leave, candidates=candidates, budget_seconds=budget
                )
                rows.append((budget, table[table["fits"]]))
kept = all((table["seconds"].dropna() <= budget).all() for budget, table in rows)
print(f"{len(rows)} sets of answers; whatever fits and has an estimate is within its time: {kept}")
print("(a hosted model has none; the chooser lets it through from one second on)")
# claim: What the chooser says to fit stays within the time that was allowed, where it has an estimate.
# control: a grid of answers, those included for which nothing fits
# holds: bool(kept) and any(table.empty for _, table in rows)
# value: f"{len(rows)} sets of answers, nothing fits in {sum(table.empty for _, table in rows)}"

# %% [markdown]
# What fits by time and language need not be good on your texts. **Language may decide:** on 240 queries in
# six languages, nDCG@10 was .4963 for the first stage's order, .4636 with an English reranker (a tiny Jina
# model) and .7992 with mmarco-mMiniLMv2-L12; in English alone the multilingual one was worse, .743 against
# .774 ([MiniSearch, PR 2312](https://github.com/felladrin/MiniSearch/pull/2312)). The two models differ in
# size and training as well, and a tiny one lost in English too (NFCorpus, above). So measure in your
# language.
#
# Now with your own answers (if you see no controls here, change the numbers in the call above):

# %% output="varies"
from rerank_course.lab.explorers.model_chooser import model_chooser

model_chooser(per_pair)

# %% [markdown]
# ## What to remember
#
# - Check **language, field, licence, length limit and scale of scores**, not size alone.
# - Compare with the **best cheaper system**: another embedder alone, or the same candidates sorted by cosine.
#   Reranking a weak search can gain much and still be worse than a better search.
# - **Size is no ranking.** By its author's figures a small new model (Ettin 17m) beat a large old one
#   (bge-large); inside Ettin quality rose with size.
# - Published figures need those of the search alone beside them. Look who measured.
#
# **Where it breaks:** at a search that alone orders better than the reranker; at a threshold taken from
# another model; at a download in the middle of a workshop. Perhaps at your language or your field: the quoted
# figures point both ways, so measure.
#
# ## Quiz
#
# You have English support tickets, two cores and a second for each search. What do you try first?
#
# A. bge-reranker-large, since it is the largest of the four that you can download.
#
# B. A small model, ms-marco or Ettin, on a few candidates, measured against no reranking and against a better
# embedder.
#
# C. A hosted service, since it is the fastest.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** needs by far the most arithmetic for a token, as the bars above show, and the published figures do not
# say that it will be better on tickets. On two cores it will hardly fit into a second.
#
# **B** is cheap to try, and the two comparisons are what decides. Perhaps your search is good enough, or
# a better embedder is the better choice.
#
# **C** may be right, if tickets of your customers may be sent to others and the price fits. Whether it is the
# fastest you would have to time, the network included.
#
# </details>
#
# **On your own:** find the model card of the reranker you would use at work. Write down licence, languages,
# token limit and scale of scores. Which of the four is missing?
#
# **In practice:** answer the chooser's questions for your project together with the person who is responsible
# for data protection.
#
# **Further reading:** the [pretrained
# cross-encoders](https://sbert.net/docs/cross_encoder/pretrained_models.html) of sentence-transformers; the
# [bge rerankers](https://bge-model.com/bge/bge_reranker.html); [training one on your own
# data](https://huggingface.co/blog/train-reranker); more figures after BM25, on the [card of
# MiniLM-L-6-rerank-m3](https://huggingface.co/juanluisdb/MiniLM-L-6-rerank-m3).
#
# **Next:** [](next:)
