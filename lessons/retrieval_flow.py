# %% [markdown]
# # {title}
#
# A reranker does not search. Something else has to bring it candidates, and everything it can do is bounded
# by what was brought. In this lesson you put the two together, measure the whole with judged queries, and
# decide how deep to rerank. Expect to be wrong at least once: for one of the three searches below, a deeper
# rerank does not help at all.
#
# **What you will do**
#
# - search with keywords, with vectors, and with both, and rerank what comes;
# - measure it on a hundred judged queries, with intervals that say how much to believe;
# - find out how deep to rerank, and for which kinds of questions reranking helps and hurts;
# - put quality and time into one picture and choose;
# - do the same with texts of your own.
#
# **What you need:** [](lesson:scoring_pairs) and [](lesson:batch_scoring).
#
# **Time:** {minutes} minutes, and as long as you like for your own texts.
#
# *The results below come from the last build. To guess without seeing them, choose Edit → Clear Outputs of
# All Cells first.*
#
# ## The first stage: find candidates
#
# The handbook is small enough to score every passage for every query. A real collection is not: a million
# passages at a few hundredths of a second each take hours, for one query. So a fast search comes first. Here
# are two of them, and their mix.

# %%
from rerank_course import (
    BM25Retriever,
    DenseRetriever,
    HybridRetriever,
    load_corpus,
    load_embedder,
    load_reranker,
)

handbook = load_corpus("handbook")
documents = list(handbook.documents.values())
bm25 = BM25Retriever(documents)
dense = DenseRetriever(documents, load_embedder())
retrievers = {"BM25": bm25, "dense": dense, "hybrid": HybridRetriever([bm25, dense])}
print(len(documents), "passages,", len(handbook.queries), "queries")

# %% [markdown]
# - **BM25** counts shared words, rare ones for more. It knows no synonyms and misses no part number.
# - **Dense** compares vectors of a bi-encoder by cosine similarity. It knows that *pay back* and *reimburse*
#   are close.
# - **Hybrid** merges the two lists by rank ([reciprocal rank
#   fusion](https://dl.acm.org/doi/10.1145/1571941.1572114)), since their scores have no common scale.
#
# **Predict.** For the query below, which of the two finds a passage that answers? Grades say how well: 3 in
# full, 2 in part, 1 and 0 not.

# %%
query_id = "exp-q01"
query, grades = handbook.queries[query_id], handbook.qrels[query_id]
print(query)
for name, retriever in retrievers.items():
    print(f"\n{name}")
    for chunk, score in retriever.search(query, 5):
        print(f"{score:7.3f}  grade {grades.get(chunk.id, '?')}  {chunk.title} ({chunk.id})")

# %% [markdown]
# A question mark is a passage that nobody has judged for this query. Keep it in mind; it comes back.
#
# ## The second stage: rerank them
#
# The whole flow is two lines. For speed this lesson takes the 8-bit engine of [](lesson:batch_scoring).

# %% output="varies"
from rerank_course import rerank_documents

reranker = load_reranker(backend="int8")


def search(query, retriever, depth=50, top_k=5):
    candidates = [chunk for chunk, _ in retriever.search(query, depth)]
    return rerank_documents(query, candidates, reranker, top_k=top_k)


for chunk, score in search(query, retrievers["hybrid"]):
    print(f"{score:7.2f}  grade {grades.get(chunk.id, '?')}  {chunk.title} ({chunk.id})")

# %% [markdown]
# Better or worse? You could argue. That is the trouble with looking at one query: the next one will tell
# another story. So measure many.
#
# ## One number for a ranking
#
# Two measures, both from 0 to 1, both about the first ten places:
#
# - **RR@10**, reciprocal rank: 1 divided by the place of the first passage with grade 2 or 3; 0 if there is
#   none in the first ten.
# - **nDCG@10**: adds up all the grades, each worth less the further down it stands, and divides by the best
#   possible order ([Järvelin and Kekäläinen](https://dl.acm.org/doi/10.1145/582415.582418)).
#
# The library [ir-measures](https://ir-measur.es) computes them. Nobody should write them again.
#
# **Predict.** If the first right answer moves from place 3 to place 2, how much does RR@10 gain?

# %%
import ir_measures
from ir_measures import RR, nDCG

for place in (1, 2, 3, 10, 11):
    ranking = [ir_measures.ScoredDoc("q", f"wrong{i}", -i) for i in range(1, place)]
    ranking.append(ir_measures.ScoredDoc("q", "right", -place))
    values = ir_measures.calc_aggregate([RR @ 10, nDCG @ 10], [ir_measures.Qrel("q", "right", 3)], ranking)
    print(f"right answer on place {place:2}: RR@10 {values[RR @ 10]:.3f}, nDCG@10 {values[nDCG @ 10]:.3f}")

# %% [markdown]
# ## The ceiling
#
# A reranker only reorders. If the answer is not among the candidates, it cannot come out on top.
#
# **Predict.** In what share of the handbook's queries is at least one answer among the first 10 of each
# search? Among the first 100?

# %%
import pandas as pd

from rerank_course.evaluate import answered_queries, make_run

answered = answered_queries(handbook)
runs = {
    name: make_run(handbook, lambda text: retriever.search(text, 100))
    for name, retriever in retrievers.items()
}


def has_answer(run, query_id, depth):
    return any(handbook.qrels[query_id].get(document, 0) >= 2 for document, _ in run[query_id][:depth])


ceiling = {
    name: {
        f"first {depth}": sum(has_answer(run, q, depth) for q in answered) / len(answered)
        for depth in (1, 10, 20, 50, 100)
    }
    for name, run in runs.items()
}
print(len(answered), "queries have an answer")
pd.DataFrame.from_dict(ceiling, orient="index").round(2)

# %% [markdown]
# The distance from the first column to the others is what a perfect reranker could gain. Where even the last
# column is low, work on retrieval, not on reranking.
#
# ## All queries, all depths
#
# **Predict.** You have three searches and may rerank their first 10, 20, 50 or 100. Which of the fifteen
# systems is best? And can reranking make a search worse?
#
# A hundred candidates for a hundred queries are thousands of pairs for each search. Their scores were
# recorded beforehand with the same engine, so that you need not wait; `RecordedReranker` looks them up, and
# asks the live one for any pair that is new.

# %%
from rerank_course import per_query, retrieve_and_rerank, summary
from rerank_course.engine.recorded_scores import RecordedReranker

recorded = RecordedReranker("handbook", "int8", live=reranker)
runs = retrieve_and_rerank(handbook, retrievers, recorded, depths=(10, 20, 50, 100))
tables = {name: per_query(run, handbook) for name, run in runs.items()}
summary(tables).round(3)

# %% output="varies"
import numpy as np

print(f"{recorded.looked_up:,} pairs looked up, {recorded.scored_live} scored now")

sample = [
    (handbook.queries[q], handbook.documents[d].content)
    for q in answered[::20]
    for d, _ in runs["hybrid"][q][:10]
]
moved = np.abs(reranker.predict(sample) - recorded.predict(sample))
print(len(sample), "pairs scored again on this machine; close to the record:", bool(np.median(moved) < 0.5))

# %% [markdown]
# The columns with two numbers are 95 % intervals. They come from drawing the queries anew, with replacement,
# ten thousand times: another hundred questions of the same kind would land in there most of the time. The
# last columns we come to below.
#
# The same as a picture, depth 0 being the search alone:

# %% output="varies"
from rerank_course.lab.charts import draw_lines

depths = (0, 10, 20, 50, 100)


def by_depth(tables, name, measure="nDCG@10"):
    return [tables[name if depth == 0 else f"{name} + rerank {depth}"][measure].mean() for depth in depths]


draw_lines(
    {name: (depths, by_depth(tables, name)) for name in retrievers},
    "candidates reranked",
    "nDCG@10, handbook",
)

# %% [markdown]
# Three searches, three stories:
#
# - **BM25** brings many wrong passages up and the right one somewhere below. Every step deeper helps.
# - **Dense** is already good. A few candidates reranked change little; and further down the line falls. Each
#   candidate more is one more chance for a passage that *looks* right to the reranker.
# - **Hybrid** starts below dense, since here one of its two halves is weak, and reranking makes up for that.
#
# That deeper can be worse is not a quirk of this handbook: [Jacob and
# others](https://arxiv.org/abs/2411.11767) found it for many rerankers and collections. Usual advice is
# “retrieve 100, rerank, keep 10”. It is a place to start measuring, no more.
#
# ## Is the difference real?
#
# Two systems answered the **same** queries, so compare them query by query. If the interval of the mean
# difference holds 0, the difference may be an accident of which questions were asked.

# %%
from rerank_course import paired_difference

for name, depth in (("BM25", 100), ("hybrid", 100), ("dense", 10), ("dense", 100)):
    mean, low, high = paired_difference(tables[name], tables[f"{name} + rerank {depth}"])
    print(f"{name:6} + rerank {depth:3}: nDCG@10 {mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}")

# %% [markdown]
# ## For which questions?
#
# An average hides who pays. The handbook's queries are labelled by what makes them hard.
#
# **Predict.** Which kind gains most from reranking the dense results, and which loses most?

# %%
from rerank_course.evaluate import by_kind

kinds = by_kind({name: tables[name] for name in ("dense", "dense + rerank 10", "dense + rerank 100")})
kinds["difference at 100"] = kinds["dense + rerank 100"] - kinds["dense"]
kinds.sort_values("difference at 100").round(3)

# %% [markdown]
# Each row rests on about a dozen queries, so read the large differences only. Two stand out. In **long
# documents** the bi-encoder squeezes pages into one vector, while the cross-encoder reads up to its limit.
# With **paraphrases** it is the other way round: the answer shares no word with the question, and this
# cross-encoder, trained on web search, trusts shared words.
#
# Here are the queries at both ends, and what stands on top before and after.

# %%
from rerank_course.evaluate import winners_and_losers

before, after = "dense", "dense + rerank 100"
changes = winners_and_losers(tables[before], tables[after], handbook)
for query_id in [*changes.index[:2], *changes.index[-2:]]:
    print(
        f"{changes.loc[query_id, 'difference']:+.2f}  {handbook.queries[query_id]}  "
        f"[{handbook.kinds[query_id]}]"
    )
    for name in (before, after):
        top = runs[name][query_id][0][0]
        print(
            f"       {name:18}: grade {handbook.qrels[query_id].get(top, '?')}  "
            f"{handbook.documents[top].title}: {handbook.documents[top].text[:30]}…"
        )

# %% [markdown]
# ## What nobody has judged
#
# `judged@10` in the big table is the share of the first ten passages that anyone has judged. The rest count
# as wrong. Some of them may be right, and a system that finds new good passages is punished for it. So do not
# compare systems whose `judged@10` differ much, and judge what is missing before a decision that matters.

# %%
print(summary(tables)["judged@10"].round(2).to_string())

# %% [markdown]
# ## Another collection
#
# The docstrings of pandas: real technical text that nobody on this course wrote, and “how do I …” questions
# about it.
#
# **Predict.** Will the same search be best? Will depth help or hurt?

# %%
pandas_docs = load_corpus("pandas-docs")
docs = list(pandas_docs.documents.values())
bm25_docs, dense_docs = BM25Retriever(docs), DenseRetriever(docs, load_embedder())
docs_retrievers = {"BM25": bm25_docs, "dense": dense_docs, "hybrid": HybridRetriever([bm25_docs, dense_docs])}
docs_runs = retrieve_and_rerank(
    pandas_docs,
    docs_retrievers,
    RecordedReranker("pandas-docs", "int8", live=reranker),
    depths=(10, 20, 50, 100),
)
docs_tables = {name: per_query(run, pandas_docs) for name, run in docs_runs.items()}
summary(docs_tables).round(3)

# %% output="varies"
draw_lines(
    {name: (depths, by_depth(docs_tables, name, "RR@10")) for name in docs_retrievers},
    "candidates reranked",
    "RR@10, pandas-docs",
)

# %%
for name, depth in (("BM25", 100), ("dense", 20), ("hybrid", 100)):
    for measure in ("nDCG@10", "RR@10"):
        mean, low, high = paired_difference(
            docs_tables[name], docs_tables[f"{name} + rerank {depth}"], measure
        )
        print(
            f"{name:6} + rerank {depth:3}: {measure:7} {mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}"
        )
kinds = by_kind({name: docs_tables[name] for name in ("hybrid", "hybrid + rerank 20", "hybrid + rerank 100")})
kinds.sort_values("hybrid").round(3)

# %% [markdown]
# Another collection, another answer. Here the two halves of the hybrid are about equal, and their mix is
# better than both without any reranker. Reranking lifts the *first* right answer, which RR@10 looks at, more
# than the whole first ten, which nDCG@10 looks at. Part of that is the judging: look at `judged@10`, which is
# lower than in the handbook. And count how many of the six intervals leave 0 out, before you believe any line
# of the picture.
#
# So which search and which depth is right? **For your texts, nobody can know without measuring.** That is the
# most useful sentence of this lesson.
#
# ## A latency budget
#
# Quality is one side, time the other. How long does a candidate take here?

# %% output="varies"
from rerank_course.lab.timing import compare_times

pairs = [(query, chunk.content) for chunk in documents[::6]]
seconds = compare_times({"": lambda: reranker.predict(pairs)})["median s"].iloc[0] / len(pairs)
print(f"{1000 * seconds:.0f} ms for a handbook passage with the int8 engine")

# %% output="varies"
budget = pd.DataFrame(
    {
        "reranking s": [round(depth * seconds, 2) for depth in depths],
        **{f"{name} nDCG@10": by_depth(tables, name) for name in retrievers},
    },
    index=pd.Index(depths, name="depth"),
)
budget.round(3)

# %% output="varies"
draw_lines(
    {name: (budget["reranking s"], budget[f"{name} nDCG@10"]) for name in retrievers},
    "seconds of reranking for a query",
    "nDCG@10, handbook",
)

# %% [markdown]
# Read it from the left: how much does each further tenth of a second buy? Stop where the line turns flat, or
# down.
#
# ## Your own texts
#
# The handbook is a training ground. The only numbers that count at work are those of your own texts and your
# own users' questions. It takes three things:
#
# 1. **Texts:** a table (CSV, JSON, Parquet) with a `text` column (and a `title`), a folder of text, Markdown,
#    HTML and PDF files, or a folder in BEIR's layout.
# 2. **Questions:** real ones, from a search log or a colleague. Three are enough to start; fifty give
#    intervals that you can use.
# 3. **Judgements:** yours. Pool the first results of every system, mix them, and grade them **before** you
#    look at who found what.
#
# Here is the whole way on a small CSV. Put the path of your own in its place.

# %%
import csv
import tempfile
from pathlib import Path

my_texts = Path(tempfile.mkdtemp()) / "faq.csv"
rows = [
    ("Opening hours", "The library opens at ten. On Sundays it stays closed."),
    ("Cards", "A card costs nothing for people under 18. Adults pay 20 euros a year."),
    ("Late books", "For each week that a book is late we ask for one euro."),
    ("Late books, before 2024", "There was no fee for late books."),
    ("Reading room", "Laptops are welcome. Please telephone outside."),
    ("Renewing", "You can keep a book for two more weeks if nobody else has asked for it."),
]


def write_table(rows):
    with my_texts.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("title", "text"), *rows])


write_table(rows)
mine = load_corpus(my_texts)
print(len(mine.documents), "documents, first id:", next(iter(mine.documents)))

# %% [markdown]
# Pool the results for three questions and judge them. `judge_in_notebook` shows a row of buttons for each
# passage and saves each click at once beside your file.

# %%
from rerank_course.texts.corpora import judgements_folder
from rerank_course.texts.judgements import Judgements
from rerank_course.texts.judging import pool
from rerank_course.texts.judging_notebook import judge_in_notebook

my_documents = list(mine.documents.values())
my_bm25, my_dense = BM25Retriever(my_documents), DenseRetriever(my_documents, load_embedder())
my_retrievers = {"BM25": my_bm25, "dense": my_dense}
questions = [
    "What do I pay when I bring a book back too late?",
    "Can I work on my computer there?",
    "How long may I keep a book?",
]
judgements = Judgements(judgements_folder(my_texts), mine.documents)
pools = {
    question: pool([retriever.search(question, 10) for retriever in my_retrievers.values()])
    for question in questions
}

# %% output="varies"
judge_in_notebook(judgements, questions[0], pools[questions[0]])

# %% [markdown]
# So that the cells below have something to show, these grades are given in code. For your texts, leave this
# cell out and click.

# %% output="varies"
right = {questions[0]: {"Late books": 3}, questions[1]: {"Reading room": 3}, questions[2]: {"Renewing": 2}}
for question, chunks in pools.items():
    query_id = judgements.add_query(question)
    for chunk in chunks:
        judgements.record(query_id, chunk, right[question].get(chunk.title, 0))

mine = load_corpus(my_texts)
my_runs = retrieve_and_rerank(mine, my_retrievers, reranker, depths=(5,))
my_tables = {name: per_query(run, mine) for name, run in my_runs.items()}
summary(my_tables).round(2)

# %% [markdown]
# Three queries show nothing yet. Look at the intervals: one reaches from 0 to 1. The other has no width,
# and that is no certainty: three equal values have the same mean however they are drawn.
#
# The same numbers as a page, `report.html`, to look at and to pass on: with the differences drawn, and the
# queries won and lost side by side. On top stands advice, which follows from the numbers by fixed rules.

# %%
import textwrap

from rerank_course.models import DEFAULT_RERANKER
from rerank_course.report.advice import advise
from rerank_course.report.measured import Measured
from rerank_course.report.page import write_report

report = my_texts.with_name("report.html")
write_report(report, mine, my_runs, model=DEFAULT_RERANKER, backend="int8")
print(f"{report.name} stands beside {my_texts.name}. It says:")
print(textwrap.fill(advise(Measured(mine, my_runs)).text, 100))

# %% [markdown]
# The command line does all of it, judging included, for tens of thousands of texts. It keeps the scores, so
# that a second depth costs only what is new:
#
# ```sh
# .venv/bin/python -m rerank_course evaluate my_texts.csv --judge --backend int8
# ```
#
# ### When the texts change
#
# The ids here are rows: `row-2`, `row-3`. Somebody puts a row on top, and every text has another id.
#
# **Predict.** You judged for an hour. After the new row: do the grades belong to the wrong texts, are they
# lost, or do they follow?

# %%
before = {query: {mine.documents[d].title: g for d, g in mine.qrels[query].items()} for query in mine.queries}
rows.insert(0, ("Lift", "The lift is out of order until May."))
write_table(rows)
mine = load_corpus(my_texts)
after = {query: {mine.documents[d].title: g for d, g in mine.qrels[query].items()} for query in mine.queries}
print("the id of “Late books” now:", next(d for d, c in mine.documents.items() if c.title == "Late books"))
print("every grade followed its text:", after == before)

# %% [markdown]
# A grade belongs to the text that it was given for; a file beside the judgements keeps each text's
# fingerprint. So grades survive what happens around a text. They do not survive a change of the text itself.

# %%
import warnings

rows[3] = ("Late books", "For each week that a book is late we ask for two euros.")
write_table(rows)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    mine = load_corpus(my_texts)
for warning in said:
    print(textwrap.fill(str(warning.message).replace(str(my_texts.parent), "…"), 100))
print("still graded:", sum(len(grades) for grades in mine.qrels.values()))

# %% [markdown]
# The price has changed, so what was said about the old sentence says nothing about the new one. It counts as
# not judged, and `--judge` asks for it again.
#
# ## What to remember
#
# - Retrieve, then rerank. **What was not retrieved cannot be reranked**: look at the ceiling first.
# - Reranking helps a weak first stage much and a strong one little. **Deeper is not always better.**
# - Compare systems on the same queries, with a **paired interval**; then break the result down by kind of
#   question.
# - Unjudged is not wrong. Show how much is judged.
# - A grade belongs to a text. When the text changes, judge it again.
# - Time is depth times the cost of a candidate. Choose the depth by a picture of your own data.
#
# **Where it breaks:** at a depth that was copied from a blog, at an average over kinds of questions that do
# not belong together, at differences smaller than their interval, and at judgements made by someone who has
# seen which system found what.
#
# ## Quiz
#
# On your texts, reranking the first 100 of the dense search raises nDCG@10 a little. The paired interval of
# the difference holds 0. What do you do?
#
# A. Switch reranking on: it is better.
#
# B. Leave it off: there is no difference.
#
# C. Look at the kinds of queries and at smaller depths, and judge more queries before you decide.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** takes an accident of the sample for a fact. The interval holds 0, and a hundred pairs for each query
# cost time on every search.
#
# **B** reads too much into it as well: “not shown” is not “none”. The gain could be as large as the upper
# end.
#
# **C** is how you find out. A few kinds may gain a lot while others lose, and a depth of 10 or 20 may give
# the gain without the cost.
#
# </details>
#
# **On your own:** take fifty lines of something you know well, three questions, and go through the last part
# with your own judgements.
#
# **In practice:** collect thirty questions from your search log, judge the pooled first ten of what you have
# now and of a reranked version, and bring the table, with its intervals, to your next planning.
#
# **Further reading:** [BEIR](https://arxiv.org/abs/2104.08663), where BM25 with a cross-encoder wins on most
# collections and loses clearly on one; [Drowning in documents](https://arxiv.org/abs/2411.11767) on depth;
# [Urbano and others](https://arxiv.org/abs/1905.11096) on which significance tests hold for search.
#
# **Next:** [](next:)
