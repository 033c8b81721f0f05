# %% [markdown]
# # {title}
#
# A reranker does not search. A *first stage* has to bring it candidates, and it can only order what was
# brought. In this lesson you put the two together, measure the whole with judged queries, and decide how deep
# to rerank, and whether to rerank at all.
#
# **What you will do**
#
# - search with keywords, with vectors, and with both, and rerank what comes;
# - measure it on a hundred judged queries, with intervals that say how much to believe;
# - compare each reranked search with the best one that needs no reranker;
# - choose a depth on some queries and test it on others;
# - give the first stage the text that it had not read;
# - put quality and time side by side;
# - do the same with texts of your own.
#
# **What you need:** [](lesson:scoring_pairs) and [](lesson:batch_scoring).
#
# **Time:** {minutes} minutes, and as long as you like for your own texts.
#
# ## The first stage: find candidates
#
# The handbook is small enough to score every passage for every query. A large collection is not: the time
# grows with each passage, for each query. So a fast search comes first. Here are two of them, and their mix.

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
# - **[BM25](term:BM25)** counts words that query and passage share, rare ones for more.
# - **Dense** compares vectors of a [bi-encoder](term:bi-encoder) by [cosine
#   similarity](term:cosine similarity).
# - **[Hybrid](term:hybrid search)** merges the two lists by rank ([reciprocal rank
#   fusion](https://dl.acm.org/doi/10.1145/1571941.1572114)), since their scores have no common scale.
#
# **Predict.** For the query below, which of the two finds a passage that answers? [Grades](term:grade) say
# how well: 3 in full, 2 in part, 1 and 0 not.

# %%
query_id = "exp-q01"
query, grades = handbook.queries[query_id], handbook.qrels[query_id]
print(query)
for name, retriever in retrievers.items():
    print(f"\n{name}")
    for chunk, score in retriever.search(query, 5):
        print(f"{score:7.3f}  grade {grades.get(chunk.id, '?')}  {chunk.title} ({chunk.id})")

# %% [markdown]
# A question mark would stand for a passage that nobody has judged for this query.
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
# The passage with grade 3 stays where it was in the hybrid's list, below three that do not answer. One query
# shows little; the next one may show the opposite. So measure many.
#
# ## One number for a ranking
#
# Two measures, both from 0 to 1, both about the first ten places:
#
# - **[RR@10](term:RR@10)**, reciprocal rank: 1 divided by the place of the first passage with grade 2 or 3; 0
#   if there is none in the first ten.
# - **[nDCG@10](term:nDCG@10)**: adds up the grades of the first ten, each worth less the further down it
#   stands, and divides by the best possible order ([Järvelin and
#   Kekäläinen](https://dl.acm.org/doi/10.1145/582415.582418)). A grade of 3 counts 3 here. Others let it
#   count 2³ − 1; so name the gain when you compare with published figures.
#
# The library [ir-measures](https://ir-measur.es) computes them. Nobody should write them again. `rel=2` tells
# it that only grades from 2 on are answers; without it, a grade of 1 would count as one.
#
# **Predict.** If the first right answer moves from place 3 to place 2, how much does RR@10 gain?

# %%
import ir_measures
from ir_measures import RR, nDCG

for place in (1, 2, 3, 10, 11):
    ranking = [ir_measures.ScoredDoc("q", f"wrong{i}", -i) for i in range(1, place)]
    ranking.append(ir_measures.ScoredDoc("q", "right", -place))
    judged = [ir_measures.Qrel("q", "right", 3)]
    values = ir_measures.calc_aggregate([RR(rel=2) @ 10, nDCG @ 10], judged, ranking)
    rr, ndcg = values[RR(rel=2) @ 10], values[nDCG @ 10]
    print(f"right answer on place {place:2}: RR@10 {rr:.3f}, nDCG@10 {ndcg:.3f}")

# %% [markdown]
# ## The most that reranking can reach
#
# A reranker only reorders. If the answer is not among the candidates, it cannot come out on top.
#
# **Predict.** In what share of the queries that have an answer is at least one among the first 10 of the BM25
# search? And of the dense one?

# %% output="varies"
from rerank_course.lab.guess import guess

bm25_share = guess("share of queries with an answer in BM25's first 10, in %")

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


reachable = {
    name: {
        f"first {depth}": sum(has_answer(run, q, depth) for q in answered) / len(answered)
        for depth in (1, 10, 20, 50, 100)
    }
    for name, run in runs.items()
}
print(len(answered), "queries have an answer")
bm25_share.beside(round(100 * reachable["BM25"]["first 10"]))
pd.DataFrame.from_dict(reachable, orient="index").round(2)

# %% [markdown]
# Each column is the share of queries for which a perfect reranker could put an answer first; the first column
# is what each search does alone. Where even the last column is low, work on retrieval first.
#
# ## All queries, all depths
#
# **Predict.** You have three searches and may rerank their first 10, 20, 50 or 100 candidates. Which of the
# fifteen systems is best? And can reranking make a search worse?
#
# A hundred candidates for a hundred queries are thousands of pairs for each search. Their scores were
# recorded beforehand with the same engine on another machine, so that you need not wait; `RecordedReranker`
# looks them up, and asks the live one for any pair that is new. Your machine's scores may differ a little,
# and with them the order where two scores are close.

# %%
from rerank_course import per_query, retrieve_and_rerank, summary
from rerank_course.engine.recorded_scores import RecordedReranker

recorded = RecordedReranker("handbook", "int8", live=reranker)
runs = retrieve_and_rerank(handbook, retrievers, recorded, depths=(10, 20, 50, 100))
tables = {name: per_query(run, handbook) for name, run in runs.items()}
summary(tables).drop(columns="queries").round(3)

# %% output="varies"
import numpy as np

print(f"{recorded.looked_up:,} pairs looked up, {recorded.scored_live} scored now")

sample = [
    (handbook.queries[q], handbook.documents[d].content)
    for q in answered[::20]
    for d, _ in runs["hybrid"][q][:10]
]
moved = np.abs(reranker.predict(sample) - recorded.predict(sample))
print(
    f"{len(sample)} pairs scored again on this machine differ from the record by {np.median(moved):.3f} "
    f"logits in the median, and by {moved.max():.3f} at most"
)

# %% [markdown]
# The columns with two numbers are 95 % [intervals](term:confidence interval). They come from drawing the
# queries anew, with replacement, ten thousand times: the mean of another hundred questions of the same kind
# would lie in there most of the time. `judged@10` is the share of the first ten passages that anyone has
# judged. The rest count as wrong, and some of them may be right. Where `judged@10` differs, as it does here,
# compare once more without the unjudged passages (below), and judge what is missing before a decision that
# matters.
#
# ## Is the difference real?
#
# Two systems answered the **same** queries, so compare them query by query. If the interval of the mean
# [difference](term:paired difference) holds 0, the difference may be an accident of which questions were
# asked. And compare with what? First, with the same search without a reranker:

# %% output="varies"
from rerank_course import paired_difference
from rerank_course.lab.intervals import interval_chart

depths = (10, 20, 50, 100)
reranked = [f"{name} + rerank {depth}" for name in retrievers for depth in depths]
to_its_own = {name: paired_difference(tables[name.split(" + ")[0]], tables[name]) for name in reranked}
interval_chart(to_its_own, "nDCG@10 gained over the same search without a reranker, 95 %")

# %% [markdown]
# Twelve comparisons. Ordering the candidates again helps BM25 and the hybrid at each depth; for the dense
# search neither a gain nor a loss is shown. Is it the cross-encoder that helps? The control orders the *same*
# candidates by the cosine of the bi-encoder, which is loaded already.

# %%
by_cosine = retrieve_and_rerank(
    handbook, {name: retrievers[name] for name in ("BM25", "hybrid")}, dense, depths=depths
)
ordered_by_cosine = {name: per_query(by_cosine[name], handbook) for name in reranked if name in by_cosine}
cosine_gains, to_cosine = {}, {}
print("nDCG@10       cosine less the search      cross-encoder less cosine")
for name, table in ordered_by_cosine.items():
    first_stage, depth = name.split(" + rerank ")
    cosine_gains[name] = paired_difference(tables[first_stage], table)
    to_cosine[name] = paired_difference(table, tables[name])
    columns = [
        f"{m:+.3f} ({low:+.3f} to {high:+.3f})" for m, low, high in (cosine_gains[name], to_cosine[name])
    ]
    print(f"{first_stage:7}{depth:>4}   {columns[0]}   {columns[1]}")
# claim: Ordering the candidates of BM25 and the hybrid again helps at every depth, and the cross-encoder is
#   not shown to do it better than the cosine of the bi-encoder.
# control: the same candidates ordered by the bi-encoder that is loaded; eight looks
# holds: all(to_its_own[name][1] > 0 and cosine_gains[name][1] > 0 and to_cosine[name][1] <= 0
#   for name in to_cosine)
# value: "; ".join(f"{name}: {to_its_own[name][0]:+.3f}, cosine {cosine_gains[name][0]:+.3f}, difference "
#   f"{m:+.3f} ({l:+.3f} to {h:+.3f})" for name, (m, l, h) in to_cosine.items() if name.endswith("100"))

# %% [markdown]
# The cosine helps at each depth too; in none of the eight rows is the cross-encoder shown to be better. So a
# new order by either model helps BM25 and the hybrid. That a cross-encoder is needed for it is not shown. And
# nobody has to search with BM25. The fair comparison is with the **best system that does without a
# reranker**.
#
# **Predict.** How many of the twelve reranked systems are better than the dense search alone, by more than
# chance?

# %% output="varies"
better = guess("reranked systems better than the dense search alone")

# %%
to_the_best = {name: paired_difference(tables["dense"], tables[name]) for name in reranked}
better.beside(sum(low > 0 for _, low, _ in to_the_best.values()))
print("worse by more than chance:", sum(high < 0 for _, _, high in to_the_best.values()))


def judged_only(run):
    return {q: [(d, score) for d, score in found if d in handbook.qrels[q]] for q, found in run.items()}


judged = {name: per_query(judged_only(runs[name]), handbook) for name in ("dense", *reranked)}
among_judged = {name: paired_difference(judged["dense"], judged[name]) for name in reranked}
print(
    "without unjudged passages: better",
    sum(low > 0 for _, low, _ in among_judged.values()),
    "worse",
    sum(high < 0 for _, _, high in among_judged.values()),
)
# claim: On the handbook no search whose order the reranker replaced is better than the dense search alone by
#   more than chance.
# control: the best system without a reranker, in the place of each one's own first stage; twelve looks; and
#   the same with unjudged passages taken out of all lists
# holds: all(low <= 0 for looks in (to_the_best, among_judged) for _, low, _ in looks.values())
# value: "best: {0} {1[0]:+.3f} ({1[1]:+.3f} to {1[2]:+.3f})".format(
#   *max(to_the_best.items(), key=lambda item: item[1][0]))

# %% output="varies"
interval_chart(to_the_best, "nDCG@10 gained over the dense search alone, 95 %")

# %% [markdown]
# The same scores, and another result: on this collection no reranked search was shown to beat the dense
# search alone, whether or not unjudged passages are counted. [Jacob and
# others](https://arxiv.org/abs/2411.11767) found for many rerankers and collections that more candidates can
# make things worse.
#
# ## A depth that was chosen
#
# In the table, one depth of the dense search has the highest nDCG@10. If you choose it *because* of that,
# its figure is too good: the best of five noisy figures is partly the luckiest. By how much? Choose on half
# of the queries and measure on the other half, many times.

# %%
systems = ["dense", *(f"dense + rerank {depth}" for depth in depths)]
values = np.array([tables[name]["nDCG@10"] for name in systems])
draws, seen, held_out = np.random.default_rng(0), [], []
for _ in range(1000):
    order = draws.permutation(values.shape[1])
    mine, others = np.array_split(order, 2)
    chosen = values[:, mine].mean(axis=1).argmax()
    seen.append(values[chosen, mine].mean())
    held_out.append(values[chosen, others].mean())
print(f"the chosen system on the queries that chose it: {np.mean(seen):.3f}")
print(f"the chosen system on the other queries:         {np.mean(held_out):.3f}")
print(f"one of the five at random, on the average:      {values.mean():.3f}")
print(f"dense alone, which nobody had to choose:        {values[0].mean():.3f}")
# claim: The chosen depth looks better than dense alone on the queries that chose it, and not on others.
# control: the half of the queries that did not choose, 1,000 random halves; and one of the five at random
# holds: np.mean(seen) > values[0].mean() + 0.005 > np.mean(held_out)
#   and np.mean(held_out) < values.mean() + 0.01
# value: f"{np.mean(seen):.3f} against {np.mean(held_out):.3f}; at random {values.mean():.3f}, "
#   f"dense alone {values[0].mean():.3f}"

# %% [markdown]
# On other queries the choice was hardly better than a random one, and its mean is not above that of the
# dense search. Report the [held-out](term:held-out) figure, or none.
#
# ## For which questions?
#
# An average hides which questions lose. The handbook's queries are labelled by what makes them hard.
#
# **Predict.** Which kind gains most from reranking the dense results, and which loses most?

# %%
from rerank_course.evaluate import by_kind

kinds = by_kind({name: tables[name] for name in ("dense", "dense + rerank 10", "dense + rerank 100")})
kinds["difference at 100"] = kinds["dense + rerank 100"] - kinds["dense"]
kinds.sort_values("difference at 100").round(3)

# %% [markdown]
# Each row rests on about a dozen queries, so read the large differences only. Two look different, **long
# documents** and **paraphrases**. [](lesson:cosine_vs_cross_encoder) tests whether chance alone would do
# that, and finds that only the long documents stand out.
#
# ### Long documents: the reranker, or how much is read?
#
# It is easy to say that a reranker is good for long documents. But look at how the first stage reads them:
# the embedder takes [256 tokens](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2) of a
# passage and drops the rest without a warning. So give it the same passages in windows of 200 tokens, and
# let the best window stand for its passage. No reranker takes part. The control has the first window of
# each passage only.
#
# **Predict.** Will the windows gain as much on long documents as the reranker? And what will they do to the
# other kinds of queries?

# %%
from rerank_course.chunking import windows
from rerank_course.text import Chunk

tokenizer = load_embedder().tokenizer


class InWindows:
    """A dense search in windows of 200 tokens; the best window stands for its passage."""

    def __init__(self, corpus, at_most=None):
        pieces = [
            Chunk(f"{chunk.id}#{number}", window.text)
            for chunk in corpus.documents.values()
            for number, window in enumerate(windows(chunk.content, tokenizer, 200, 40)[:at_most])
        ]
        print(f"{corpus.name}: {len(pieces)} windows of {len(corpus.documents)} passages")
        self.documents, self.pieces = corpus.documents, DenseRetriever(pieces, load_embedder())

    def search(self, text, top_k=100):
        best = {}
        for piece, score in self.pieces.search(text, 400):
            best.setdefault(piece.id.partition("#")[0], score)
        return [(self.documents[name], score) for name, score in list(best.items())[:top_k]]


in_windows = InWindows(handbook)
tables["dense, windows"] = per_query(make_run(handbook, in_windows.search), handbook)
first_windows = InWindows(handbook, at_most=1)
tables["dense, first window"] = per_query(make_run(handbook, first_windows.search), handbook)
is_long = np.array([handbook.kinds[q] == "long document" for q in tables["dense"].index])
gains = {}
for kind, rows in (("long document", is_long), ("other kinds", ~is_long), ("all queries", is_long | True)):
    print(f"{kind}, {rows.sum()}:")
    for before, after in (
        ("dense", "dense, windows"),
        ("dense", "dense, first window"),
        ("dense", "dense + rerank 10"),
        ("dense", "dense + rerank 100"),
        ("dense, windows", "dense + rerank 10"),
        ("dense, windows", "dense + rerank 100"),
    ):
        mean, low, high = gains[kind, before, after] = paired_difference(
            tables[before][rows], tables[after][rows]
        )
        print(f"    {after:19} less {before:15} nDCG@10 {mean:+.3f} ({low:+.3f} to {high:+.3f})")
# claim: On the handbook's long documents, windows for the first stage gain, and the first window alone does
#   not by more than chance; no difference between windows and reranking is shown there.
# control: the first window of each passage only; reranking ten and a hundred, paired with the windows
# holds: gains["long document", "dense", "dense, windows"][1] > 0
#   and gains["long document", "dense", "dense, first window"][1] <= 0
#   and all(gains["long document", "dense, windows", f"dense + rerank {depth}"][1] <= 0
#   <= gains["long document", "dense, windows", f"dense + rerank {depth}"][2] for depth in (10, 100))
# value: "; ".join(f"{after} less {before} {m:+.3f} ({l:+.3f} to {h:+.3f})"
#   for (kind, before, after), (m, l, h) in gains.items() if kind == "long document")

# %% [markdown]
# On the long documents the windows gain, and the first window alone shows no gain: the gain comes with the
# later windows. The embedder reads 256 tokens of a text and no more; but a document in several windows also
# has several tries, and the two are not told apart here. Reranking gains there too. Between windows and
# reranking no difference is shown on these, be it with ten candidates or with a hundred. But twelve queries
# are few: the interval from so few tends to be narrower than it should be; and we looked at this kind because
# it stood out in these same queries, so its gain may look too large. On the other kinds no loss by windows is
# shown, nor by reranking ten; reranking a hundred loses. Over all queries the windows' interval holds 0, and
# reranking a hundred is below the windows. Windows make 373 pieces of 294 passages and need no second model,
# so they are cheap to try.
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
# ## Another collection
#
# The docstrings of pandas: real technical text that nobody on this course wrote, and what people might type
# when they look for something in it: phrases, statements, code, a few questions.
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
summary({name: docs_tables[name] for name in docs_retrievers}).drop(columns="queries").round(3)

# %%
docs_to_its_own = {
    measure: {
        name: paired_difference(docs_tables[name.split(" + ")[0]], docs_tables[name], measure)
        for name in reranked
    }
    for measure in ("nDCG@10", "RR@10")
}
docs_to_the_best = {name: paired_difference(docs_tables["hybrid"], docs_tables[name]) for name in reranked}
for title, differences in (
    ("over its own search, nDCG@10", docs_to_its_own["nDCG@10"]),
    ("over its own search, RR@10  ", docs_to_its_own["RR@10"]),
    ("over the hybrid, nDCG@10    ", docs_to_the_best),
):
    gained = [name for name, (_, low, _) in differences.items() if low > 0]
    lost = [name for name, (_, _, high) in differences.items() if high < 0]
    print(f"{title}: of twelve, {len(gained)} better and {len(lost)} worse by more than chance")
    if lost:
        print(f"    worse: {', '.join(lost)}")
docs_windows = make_run(pandas_docs, InWindows(pandas_docs).search)
docs_tables["dense, windows"] = per_query(docs_windows, pandas_docs)
docs_pairs = [("hybrid", "BM25"), ("hybrid", "dense"), ("dense", "dense, windows")]
docs_plain = {pair: paired_difference(docs_tables[pair[0]], docs_tables[pair[1]]) for pair in docs_pairs}
for (before, after), (mean, low, high) in docs_plain.items():
    print(f"{after} alone less {before}: {mean:+.3f} ({low:+.3f} to {high:+.3f})")


def only_judged(run, corpus):
    return {q: [row for row in ranking if row[0] in corpus.qrels[q]] for q, ranking in run.items()}


plain_runs = {"dense": docs_runs["dense"], "dense, windows": docs_windows}
docs_judged = {
    name: per_query(only_judged(run, pandas_docs), pandas_docs) for name, run in plain_runs.items()
}
mean, low, high = paired_difference(docs_judged["dense"], docs_judged["dense, windows"])
print(f"windows less dense, only judged passages: {mean:+.3f} ({low:+.3f} to {high:+.3f})")
for name in plain_runs:
    print(f"judged@10 of {name}: {docs_tables[name]['judged@10'].mean():.2f}")
# claim: On pandas-docs no reranked search is better than its own first stage by more than chance.
# control: the same first stages without a reranker; two measures, 24 looks
# holds: all(low <= 0 for d in docs_to_its_own.values() for _, low, _ in d.values())
# value: "largest nDCG@10 gain {0[0]:+.3f} ({0[1]:+.3f} to {0[2]:+.3f})".format(
#   max(docs_to_its_own["nDCG@10"].values()))
# claim: Reranking BM25, which gains at every depth on the handbook, gains nothing on pandas-docs that can be
#   told from chance.
# control: the same search and depths on the handbook
# holds: all(docs_to_its_own["nDCG@10"][f"BM25 + rerank {depth}"][1] <= 0
#   < to_its_own[f"BM25 + rerank {depth}"][1] for depth in depths)
# value: "BM25 + rerank 100: pandas-docs {:+.3f}, handbook {:+.3f}".format(
#   docs_to_its_own["nDCG@10"]["BM25 + rerank 100"][0], to_its_own["BM25 + rerank 100"][0])
# claim: On pandas-docs, where many passages do not fit into a window, no gain by windows is shown if unjudged
#   passages count as wrong; without them there is one.
# control: the same lists without the unjudged passages, of which the windows bring up more
# holds: docs_plain["dense", "dense, windows"][1] <= 0 < low
# value: "{:+.3f} ({:+.3f} to {:+.3f}), ".format(*docs_plain["dense", "dense, windows"])
#   + f"only judged {mean:+.3f} ({low:+.3f} to {high:+.3f})"

# %% output="varies"
interval_chart(docs_to_the_best, "pandas-docs: nDCG@10 gained over the hybrid search alone, 95 %")

# %% [markdown]
# Here, of the three searches, the hybrid has the highest mean without a reranker, and no reranked system
# beats it by more than chance. Some of them are below it by nDCG@10, most of these only just, and in so many
# comparisons some of that may be chance. By reranking, BM25 gains nothing here that can be told from chance.
# Unjudged passages count as wrong in all of this; the comparison was not repeated without them.
#
# And look at the two lines on windows. The lists of windows were not gathered for judging, so fewer of their
# first ten are judged, and an unjudged passage counts as wrong. With unjudged passages taken out of both
# lists the windows gain; as they are, no gain is shown. Which of the two is nearer to the truth, only judging
# can tell.
#
# ### Mixed, not replaced
#
# So far the reranker's order replaced that of the search. `mix` takes the mean of both scores, once each list
# has been brought to the same scale: its mean is taken off, and what is left is divided by its standard
# deviation ([z-scores](term:z-score)). Half of each, which nobody chose. On the handbook the windows are
# mixed too. Two controls: the reranker's scores given to the candidates at random, and the cosines of the
# dense search in their place, which are of a passage's first 256 tokens.

# %%
from rerank_course import mix

runs |= retrieve_and_rerank(handbook, {"dense, windows": in_windows}, recorded, depths=depths)
draw = np.random.default_rng(0)


def at_random(ranking):
    """The same candidates, with the scores dealt at random."""
    names, scores = zip(*ranking)
    return list(zip(draw.permutation(names).tolist(), scores))


def mixed_run(found, search, depth, change=list):
    return {
        q: mix(found[search][q], change(found[f"{search} + rerank {depth}"][q][:depth]), weight=0.5)
        for q in found[search]
    }


mixed = {}
for corpus, found, measured, search, others in (
    (handbook, runs, tables, "dense", ("dense", "dense, windows")),
    (handbook, runs, tables, "dense, windows", ("dense, windows",)),
    (pandas_docs, docs_runs, docs_tables, "hybrid", ("hybrid",)),
):
    for depth in depths:
        table = per_query(mixed_run(found, search, depth), corpus)
        for other in others:
            mean, low, high = mixed[corpus.name, search, other, depth] = paired_difference(
                measured[other], table
            )
            print(
                f"{corpus.name:11} {search:14} mixed with rerank {depth:<3} less {other:14} "
                f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"
            )
dealt = per_query(mixed_run(runs, "dense, windows", 20, at_random), handbook)
mean, low, high = dealt_at_random = paired_difference(tables["dense, windows"], dealt)
print(f"the scores of 20 at random, mixed into the windows: {mean:+.3f} ({low:+.3f} to {high:+.3f})")
again = retrieve_and_rerank(handbook, {"dense, windows": in_windows}, dense, depths=(20,))
by_cosine = per_query(mixed_run(again, "dense, windows", 20), handbook)
mean, low, high = paired_difference(tables["dense, windows"], by_cosine)
print(f"cosines of 20 in place of the reranker's scores: {mean:+.3f} ({low:+.3f} to {high:+.3f})")
judged_pair = [
    per_query(only_judged(run, handbook), handbook)
    for run in (runs["dense, windows"], mixed_run(runs, "dense, windows", 20))
]
mean, low, high = paired_difference(*judged_pair)
print(f"windows mixed with rerank 20, only judged passages: {mean:+.3f} ({low:+.3f} to {high:+.3f})")
# claim: On the handbook the dense search in windows, mixed with the reranker, is better than these windows
#   alone by more than chance at some depths; on pandas-docs no gain over the best search is shown.
# control: the same scores at random, cosines in their place; another collection; four depths of each
# holds: 1 <= sum(mixed["handbook", "dense, windows", "dense, windows", depth][1] > 0 for depth in depths)
#   and dealt_at_random[2] < 0
#   and all(mixed["pandas-docs", "hybrid", "hybrid", depth][1] < 0.005 for depth in depths)
# value: "; ".join(f"{name}, {search} mixed, less {other}, {depth}: {m:+.3f} ({l:+.3f} to {h:+.3f})"
#   for (name, search, other, depth), (m, l, h) in mixed.items() if depth == 20)

# %% [markdown]
# Count on the handbook how many of the intervals leave out 0. The windows alone need no reranker, and are not
# shown to be worse than the mixes of the plain dense search. But the windows can be mixed as well, and mixed
# with ten or twenty they are better than the windows alone, by more than chance; at depth twenty, with the
# unjudged passages taken out, the gain is smaller. The same scores at random lose, and for cosines in their
# place no gain is shown. (Four depths each: the largest of four gains looks larger than it is.) On
# pandas-docs, where the hybrid was mixed, no gain over it is shown.
#
# So which search and which depth is right? **For your texts, nobody can know without measuring.**
#
# ## A latency budget
#
# Quality is one side, time the other. How long does a search take here, and how long a candidate?

# %% output="varies"
from rerank_course.lab.timing import compare_times

pairs = [(query, chunk.content) for chunk in documents[::6]]
times = compare_times(
    {
        "BM25": lambda: [bm25.search(query, 100) for _ in range(100)],  # one is too fast for this clock
        "dense": lambda: dense.search(query, 100),
        "rerank": lambda: reranker.predict(pairs),
    }
)["median s"]
times["BM25"], a_pair = times["BM25"] / 100, times["rerank"] / len(pairs)
print(f"one BM25 search {1000 * times['BM25']:.2f} ms, one dense search {1000 * times['dense']:.0f} ms,")
print(f"one candidate reranked with the int8 engine {1000 * a_pair:.1f} ms")
# claim: Reranking a hundred candidates takes longer than the search that finds them.
# control: the whole dense search of the same query, its vector included
# holds: 100 * a_pair > 2 * times["dense"]
# value: f"100 candidates {100 * a_pair:.2f} s, dense search {times['dense']:.3f} s"

# %% output="varies"
from rerank_course.lab.charts import draw_lines

searching = {"BM25": times["BM25"], "dense": times["dense"], "hybrid": times["BM25"] + times["dense"]}
budget = {
    name: (
        [searching[name] + depth * a_pair for depth in (0, *depths)],
        [
            tables[name if depth == 0 else f"{name} + rerank {depth}"]["nDCG@10"].mean()
            for depth in (0, *depths)
        ],
    )
    for name in retrievers
}
draw_lines(budget, "seconds for a query: search, and depth times a candidate", "nDCG@10, handbook")

# %% [markdown]
# Each candidate is taken to need the same time. Read it from the left: what is gained by each further second,
# and does any point lie above and to the left of all others? The dots have intervals, as you saw; the picture
# does not show them, so do not read small steps. Windows and mixes are not in it.
#
# ## Your own texts
#
# The handbook is a training ground. The only numbers that count at work are those of your own texts and your
# own users' questions. It takes three things:
#
# 1. **Texts:** a table (CSV, JSON, Parquet) with a `text` column (and a `title`), a folder of text, Markdown,
#    HTML and PDF files, or a folder in the layout of [BEIR](term:BEIR).
# 2. **Questions:** real ones, from a search log or a colleague. Three are enough to start. The more you have,
#    the narrower the intervals: this lesson's hundred leave small gains undecided.
# 3. **Judgements:** yours. Put the first results of every system together, in random order, and grade them
#    **before** you look at who found what.
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
# The command line does all of it, judging included. It keeps the scores, so
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
# The price has changed, so what was said about the old sentence may not hold for the new one. (The id in
# the warning is the one of the day of judging.) It counts as not judged, and `--judge` asks for it again.
#
# ## What to remember
#
# - Retrieve, then rerank. **What was not retrieved cannot be reranked**: count that first.
# - Compare a reranked search with the **best system that does without a reranker**, on the same queries, with
#   a **paired interval**; then break the result down by kind of question.
# - Order the same candidates by your embedder, too. Over all queries of the handbook no gain of the
#   cross-encoder's order over it was shown.
# - Try the cheaper repair first, and then both together. On the handbook's long passages windows gained, and
#   no difference to the reranker was shown. Over all its queries, the two mixed gained over the windows alone
#   at two of four depths. On pandas-docs the windows' gain hangs on how unjudged passages are counted.
# - A figure of a system that was chosen by that figure is too good. Choose on some queries, report on others.
# - Unjudged is not wrong. Show how much is judged. A grade belongs to a text: when the text changes, judge it
#   again.
# - Time is that of the search, and depth times the cost of a candidate.
#
# **Where it breaks:** at a depth that was copied from elsewhere, at an average over kinds of questions that
# do not belong together, at differences smaller than their interval, and at judgements made by someone who
# has seen which system found what.
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
# **A** takes what may be an accident of the sample for a fact. The interval holds 0, and a hundred pairs for
# each query cost time on every search.
#
# **B** reads too much into it as well: “not shown” is not “none”. The gain could be as large as the upper
# end.
#
# **C** is how you find out. A few kinds may gain a lot while others lose, and a depth of 10 or 20 may give
# the gain for a small part of the time. Choose it on some of the queries and test it on the rest.
#
# </details>
#
# **On your own:** take fifty lines of something you know well, three questions, and go through the last part
# with your own judgements.
#
# **In practice:** collect thirty questions from your search log, judge the pooled first ten of what you have
# now and of a reranked version, and bring the table, with its intervals, to your next planning.
#
# **Further reading:** [BEIR](https://arxiv.org/abs/2104.08663), where reranking BM25 with a cross-encoder is
# better than BM25 on 16 of 18 collections and clearly worse on one; [Drowning in
# documents](https://arxiv.org/abs/2411.11767) on depth; [Urbano and
# others](https://arxiv.org/abs/1905.11096) on which significance tests hold for search.
#
# **Next:** [](next:)
