# %% [markdown]
# # {title}
#
# Which reranker should you take? People answer with a list of names and sizes, and with a feeling that larger
# is better. This lesson puts the five usual names side by side, says what is known about them and where it
# stands, and measures what runs on your machine.
#
# **What you will do**
#
# - read the facts of five models, and correct four things that tutorials get wrong;
# - see what runs here without a network, and what happens with the rest;
# - measure speed and quality of what runs here, a bi-encoder as the yardstick included;
# - answer five questions and see which models are left, and why the others are not.
#
# **What you need:** [](lesson:start_here).
#
# **Time:** {minutes} minutes.
#
# *The results below come from the last build. To guess without seeing them, choose Edit → Clear Outputs of
# All Cells first.*
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
# Parameters are in millions. *Width* is how many numbers stand for one token. *Tokens* are for query,
# document and special tokens **together**. *Runs* says how you get the model: `packaged` came with the
# course, `hub` is one download, `hosted` is a service that you call.
#
# Four things that are often told otherwise:
#
# - The **ms-marco** models are not Microsoft's. [Sentence Transformers](https://huggingface.co/cross-encoder)
#   published them; Microsoft made the base model and the training questions.
# - The **bge rerankers** base and large are under the [MIT
#   licence](https://huggingface.co/BAAI/bge-reranker-large), not Apache. (The newer v2-m3 is Apache.)
# - **Scores have no common scale.** The ms-marco models give logits. The bge models come out of `predict`
#   through a sigmoid, from 0 to 1, and so does Cohere's service. A threshold does not carry over.
# - **L-12 is not better than L-6** on the benchmarks that its makers publish. That one deserves a closer
#   look.
#
# ## Does size buy quality?
#
# The makers' own figures ([source](https://sbert.net/docs/pretrained-models/ce-msmarco.html)): on TREC Deep
# Learning 2019, nDCG@10 is 74.30 for L-6 and 74.31 for L-12; on MS MARCO, MRR@10 is 39.01 and 39.02.
#
# Twice the layers, twice the arithmetic, and a hundredth of a point. Here is the arithmetic for all of them:
# layers times width squared, next to L-6.
#
# **Predict.** How many times as much does bge-reranker-large compute for a token as L-6?

# %%
from rerank_course.lab.explorers.model_chooser import relative_compute

smallest = relative_compute(CATALOGUE[0])
compute = {
    option.name: round(relative_compute(option) / smallest, 1) for option in CATALOGUE if option.layers
}
for name, times in compute.items():
    print(f"{times:5.1f}  {name}")

# %% output="varies"
from rerank_course.lab.charts import draw_bars

draw_bars(compute, "arithmetic for a token, L-6 = 1")

# %% [markdown]
# What do you get for it? Less than you would think, and not always something:
#
# - On NFCorpus, a medical collection, reranking the results of a small bi-encoder moved nDCG@10 from .3159 to
#   .3298 with L-6, to .3280 with bge-large and to .3147 with bge-base ([mteb, PR
#   457](https://github.com/embeddings-benchmark/mteb/pull/457)). The largest was not the best, and one made
#   it worse.
# - On Touché, a collection of arguments, BM25 alone had .367 and with a cross-encoder .271
#   ([BEIR](https://arxiv.org/abs/2104.08663)).
# - In its own field, a small model that was trained there beats a large one that was not: on questions and
#   answers from GooAQ, 77.14 for a trained 150-million-parameter model, 73.20 for bge-large, 69.56 for L-6
#   ([Hugging Face](https://huggingface.co/blog/train-reranker)).
#
# So the questions are: which languages, which field, how much time, and where may the texts go? Size is not
# among them.
#
# ## What runs here now
#
# **Predict.** You ask for a model that is not on this machine. What would you like to happen, and how soon?
#
# With a network, the next cell would download a gigabyte. To show what happens without one, we forbid the hub
# for a moment.

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
# The packaged L-12 and the bi-encoder all-MiniLM-L6-v2 run here, since their weights came as ordinary pip
# packages. L-12 can run in two ways: in 32-bit floats with torch, and in 8-bit integers with OpenVINO
# ([](lesson:batch_scoring) is about the difference). The others take one line and a network, once:
#
# ```python
# reranker = load_reranker("BAAI/bge-reranker-base")
# ```
#
# From then on they load from your disk. For a class or a journey, `python -m rerank_course fetch
# BAAI/bge-reranker-base` does it in advance: it looks whether there is room, shows how far it has come, and
# loads the model once, to see that it can rerank. For Cohere's service you need a key;
# [](lesson:hosted_reranking) shows it without one.
#
# ## How fast are they here?
#
# The same query and 48 passages of the handbook, three times each in turns.
#
# **Predict.** Order these three by time, and guess the factors: L-12 in floats, L-12 in integers, and the
# bi-encoder with its vectors computed beforehand.

# %%
from rerank_course import load_corpus, load_embedder, load_reranker

handbook = load_corpus("handbook")
documents = list(handbook.documents.values())
some = documents[::6][:48]
query = "What is the reimbursement limit?"
pairs = [(query, chunk.content) for chunk in some]

exact, rounded, embedder = load_reranker(), load_reranker(backend="int8"), load_embedder()
vectors = embedder.encode([chunk.content for chunk in some], normalize_embeddings=True)

# %% output="varies"
from rerank_course.lab.timing import compare_times

exact.predict(pairs[:4]), rounded.predict(pairs[:4]), embedder.encode(query)  # warm up
times = compare_times(
    {
        "L-12, fp32": lambda: exact.predict(pairs, batch_size=8),
        "L-12, int8": lambda: rounded.predict(pairs),
        "bi-encoder, vectors kept": lambda: vectors @ embedder.encode(query, normalize_embeddings=True),
    }
)
times["ms for a pair"] = (1000 * times["median s"] / len(pairs)).round(1)
times

# %% [markdown]
# The bi-encoder reads the query once and multiplies; its cost hardly grows with the number of passages. The
# cross-encoder reads the query again with every passage. That is what you pay for, so it should give
# something.
#
# ## How good are they here?
#
# nDCG@10 on the handbook's judged queries: from 0 to 1, high when good passages stand on top
# ([](lesson:retrieval_flow) explains it). Each system gets the same first stage: the bi-encoder's best 10 and
# best 50.
#
# **Predict.** Which row will be best? By how much does rounding to 8 bits hurt?
#
# The cross-encoder's scores were recorded beforehand, on the pairs of all queries; a sample is scored again
# below.

# %%
from rerank_course import (
    BM25Retriever,
    DenseRetriever,
    paired_difference,
    per_query,
    retrieve_and_rerank,
    summary,
)
from rerank_course.engine.recorded_scores import RecordedReranker

searches = {"bi-encoder": DenseRetriever(documents, embedder), "BM25": BM25Retriever(documents)}
systems = {}
for engine, live in (("fp32", exact), ("int8", rounded)):
    for name, run in retrieve_and_rerank(
        handbook, searches, RecordedReranker("handbook", engine, live), depths=(10, 50)
    ).items():
        systems[name if "rerank" not in name else f"{name}, {engine}"] = per_query(run, handbook)
quality = summary(systems, ["nDCG@10"])
quality.round(3)

# %%
import numpy as np

sample = [
    (handbook.queries[q], handbook.documents[d].content)
    for q, grades in list(handbook.qrels.items())[::30]
    for d in list(grades)[:5]
]
again = np.abs(rounded.predict(sample) - RecordedReranker("handbook", "int8", rounded).predict(sample))
print(len(sample), "pairs scored again; close to the record:", bool(np.median(again) < 0.5))

# %%
for name, before, after in (
    ("int8 − fp32", "bi-encoder + rerank 50, fp32", "bi-encoder + rerank 50, int8"),
    ("reranking the bi-encoder's 10", "bi-encoder", "bi-encoder + rerank 10, int8"),
    ("reranking the bi-encoder's 50", "bi-encoder", "bi-encoder + rerank 50, int8"),
    ("reranking BM25's 50", "BM25", "BM25 + rerank 50, int8"),
):
    mean, low, high = paired_difference(systems[before], systems[after])
    print(f"{name:30} {mean:+.3f}   95 % interval {low:+.3f} to {high:+.3f}")

# %% [markdown]
# An interval that holds 0 means: with these queries, no difference has been shown. Look at the second and the
# third. On this handbook the cross-encoder, many times slower, does not beat a good bi-encoder. After BM25 it
# gains a great deal. A reranker is worth what your first stage lacks.
#
# Both in one picture: time for a query, and quality.

# %% output="varies"
from rerank_course.lab.charts import draw_points

ms = times["ms for a pair"]
draw_points(
    {
        name: (
            ms["L-12, " + name[-4:]] * int(name.split("rerank ")[1][:2]) / 1000 if "rerank" in name else 0.0,
            quality.loc[name, "nDCG@10"],
        )
        for name in quality.index
    },
    "seconds of reranking for a query, on this machine",
    "nDCG@10, handbook",
)

# %% [markdown]
# ## The chooser
#
# `choose_model` goes through the five with your answers. Times are estimates: what you measured for L-12,
# times the relative arithmetic.

# %% output="varies"
from rerank_course.lab.explorers.model_chooser import choose_model

per_pair = ms["L-12, fp32"] / 1000
choose_model(language="en", candidates=20, budget_seconds=5, seconds_per_pair=per_pair).round(2)

# %% [markdown]
# **Predict.** Your texts are German and must stay in the house. What is left?

# %% output="varies"
choose_model(language="de", may_leave=False, budget_seconds=5, seconds_per_pair=per_pair).round(2)

# %% [markdown]
# None of the five. That is a useful answer: an English reranker on other languages can do harm (on a
# collection in six languages one took nDCG from .4963 to .4636, [MiniSearch, issue
# 2312](https://github.com/felladrin/MiniSearch/issues/2312)). Look for one that was trained on your language,
# such as [bge-reranker-v2-m3](https://huggingface.co/BAAI/bge-reranker-v2-m3), and measure it before you
# trust it.
#
# Now with your own answers (if you see no controls here, change the numbers in the call above):

# %% output="varies"
from rerank_course.lab.explorers.model_chooser import model_chooser

model_chooser(per_pair)

# %% [markdown]
# ## What to remember
#
# - Check **language, field, licence, length limit and scale of scores** before size.
# - **Larger is not better by itself.** L-6 does what L-12 does on its makers' benchmarks, in half the time.
# - A reranker is worth **what your first stage lacks**. Measure both together, on your own texts.
# - Load it once in advance where there is a network; for a class, do it the day before.
#
# **Where it breaks:** at a language the model has not seen, at a field far from its training, at a threshold
# taken from another model, at a download in the middle of a workshop.
#
# ## Quiz
#
# You have English support tickets, two cores and a second for each search. What do you try first?
#
# A. bge-reranker-large, since it is the best of the list.
#
# B. A small ms-marco model on a few candidates, measured against no reranking at all.
#
# C. A hosted service, since it is the fastest.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** needs by far the most arithmetic for a token, as the bars above show, and the published figures do not
# say that it will be better on tickets. It will not fit into a second.
#
# **B** is cheap to try, and the comparison with *no* reranking is the one that decides. Perhaps your search
# is good enough.
#
# **C** may be right, if tickets of your customers may leave the house and the price fits. Speed alone is not
# the reason: the network takes its share too.
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
# data](https://huggingface.co/blog/train-reranker).
#
# **Next:** [](next:)
