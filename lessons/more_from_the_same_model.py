# %% [markdown]
# # {title}
#
# You have a search and a reranker, and each gives every candidate a score. The usual way throws the search's
# scores away. In this lesson you use both: mixed, in stages, only where they are needed, and to decide
# whether anything should be shown at all. No new model, and hardly any new pair to score.
#
# **What you will do**
#
# - mix the two scores, with a weight that is tested on other queries than those that chose it;
# - put the reranker where it can bring something up;
# - build a cascade, in which a cheap model chooses what the expensive one reads;
# - leave out the queries that do not need it;
# - turn the best score into a probability, and see what it is worth.
#
# **What you need:** [](lesson:retrieval_flow) and [](lesson:when_scores_mislead).
#
# **Time:** {minutes} minutes.
#
# ## Everything that there is to work with
#
# Both collections, three searches on each, and the reranker's scores of the first hundred of each search,
# which were recorded with the 8-bit engine. A pair that is not in the record is scored when it is asked for.

# %%
from rerank_course import (
    BM25Retriever,
    DenseRetriever,
    HybridRetriever,
    load_corpus,
    load_embedder,
    load_reranker,
    per_query,
    retrieve_and_rerank,
)
from rerank_course.engine.recorded_scores import RecordedReranker

reranker, embedder = load_reranker(backend="int8"), load_embedder()
corpora, searches, recorded, runs = {}, {}, {}, {}
for name in ("handbook", "pandas-docs"):
    corpora[name] = load_corpus(name)
    documents = list(corpora[name].documents.values())
    bm25, dense = BM25Retriever(documents), DenseRetriever(documents, embedder)
    searches[name] = {"BM25": bm25, "dense": dense, "hybrid": HybridRetriever([bm25, dense])}
    recorded[name] = RecordedReranker(name, "int8", live=reranker)
    runs[name] = retrieve_and_rerank(corpora[name], searches[name], recorded[name], depths=(10, 20, 50, 100))
    print(f"{name:11} {len(documents)} passages, {len(runs[name]['BM25'])} queries with an answer")


def measure(name, run):
    return per_query(run, corpora[name])


tables = {(name, system): measure(name, run) for name in runs for system, run in runs[name].items()}

# %% output="varies"
import numpy as np

name, found = "handbook", runs["handbook"]["hybrid + rerank 10"]
sample = [
    (corpora[name].queries[q], corpora[name].documents[d].content)
    for q in list(found)[::30]
    for d, _ in found[q][:10]
]
moved = np.abs(reranker.predict(sample) - recorded[name].predict(sample))
print(f"{len(sample)} pairs scored again differ from the record by {moved.max():.3f} logits at most")

# %% [markdown]
# ## Replace or mix
#
# Two scores of one candidate have different units: a cosine, a sum over words, a [logit](term:logit). So each
# is normalised first, within the list of this query. A [z-score](term:z-score) says how many standard
# deviations a score lies above the mean of its list. Then
#
# mixed = (1 − weight) × z of the search + weight × z of the reranker.
#
# With weight 0 the search's order stays, with 1 the reranker's takes its place, which is what the lessons
# before this one did nearly everywhere. `mix` does it, and takes care of lists with equal scores, with one
# candidate, and with candidates that were not reranked.

# %% output="varies"
from rerank_course import mix, rerank_documents

query_id = "exp-q01"
query, grades = corpora["handbook"].queries[query_id], corpora["handbook"].qrels[query_id]
candidates = searches["handbook"]["dense"].search(query, 50)
reranked = rerank_documents(query, candidates, recorded["handbook"], top_k=None)
print(query)
for weight in (0, 0.5, 1):
    print(f"\nweight {weight}")
    for chunk, score in mix(candidates, reranked, weight)[:4]:
        print(f"{score:6.2f}  grade {grades.get(chunk.id, '?')}  {chunk.title} ({chunk.id})")

# %% [markdown]
# One query is an example and no evidence. So here are all of them, with eleven weights.
#
# **Predict.** On the handbook, with the first 50 of the dense search: which weight gives the highest nDCG@10?

# %% output="varies"
from rerank_course.lab.guess import guess

best_weight = guess("the best weight for the handbook's dense search, 0 to 1")

# %%
import pandas as pd

weights = [round(0.1 * step, 1) for step in range(11)]


def mixed_run(name, search, weight, depth=50, **options):
    found, again = runs[name][search], runs[name][f"{search} + rerank {depth}"]
    return {q: mix(found[q], again[q][:depth], weight, **options) for q in found}


by_weight = {
    (name, search): {weight: measure(name, mixed_run(name, search, weight)) for weight in weights}
    for name in runs
    for search in searches[name]
}
means = {key: {w: table["nDCG@10"].mean() for w, table in some.items()} for key, some in by_weight.items()}
best_weight.beside(max(means["handbook", "dense"], key=means["handbook", "dense"].get))
pd.DataFrame({" · ".join(key): row for key, row in means.items()}).rename_axis("weight").round(3)

# %% output="varies"
from rerank_course.lab.charts import draw_lines

draw_lines(
    {search: (weights, list(means["handbook", search].values())) for search in searches["handbook"]},
    "weight of the reranker: 0 the search alone, 1 the reranker's order",
    "nDCG@10, handbook",
)

# %% output="varies"
draw_lines(
    {search: (weights, list(means["pandas-docs", search].values())) for search in searches["pandas-docs"]},
    "weight of the reranker: 0 the search alone, 1 the reranker's order",
    "nDCG@10, pandas-docs",
)

# %% [markdown]
# Two shapes. Where the search by itself (one end) is not far below the reranker (the other end), or above it,
# the top lies between them. Where the search is much weaker than the reranker, as BM25 and the hybrid are on
# the handbook, the curve rises to its end, though hardly any more behind .9: mixing half and half takes away
# from the reranker's order. The top of a curve is chosen by the queries that draw it, so take a weight that
# nobody chose, one half, and compare query by query.

# %% output="varies"
from rerank_course import paired_difference
from rerank_course.lab.intervals import interval_chart

half = {
    f"{name}, {search}": paired_difference(some[1.0], some[0.5]) for (name, search), some in by_weight.items()
}
interval_chart(half, "nDCG@10 of the half-and-half mix, less the reranker's order, 95 %")

# %% [markdown]
# Six comparisons. Is it the reranker's opinion that helps the dense search, or would any second opinion do?
# Two controls, with the same weight: the reranker's scores dealt to the candidates at random, and the scores
# of BM25, which cost next to nothing.
#
# **Predict.** What do the two do to the handbook's dense search?

# %%
draws = np.random.default_rng(0)


def shuffled(ranking):
    """The same candidates and scores, dealt at random."""
    order = draws.permutation(len(ranking))
    return [(ranking[i][0], score) for i, (_, score) in zip(order, ranking)]


second, gains = {}, {}
for name in runs:
    corpus, words = corpora[name], searches[name]["BM25"]
    found, again = runs[name]["dense"], runs[name]["dense + rerank 50"]
    by_words = {
        q: rerank_documents(
            corpus.queries[q], [corpus.documents[d] for d, _ in found[q][:50]], words, top_k=None
        )
        for q in found
    }
    second[name] = {
        "the reranker": by_weight[name, "dense"][0.5],
        "its scores at random": measure(name, {q: mix(found[q], shuffled(again[q][:50])) for q in found}),
        "BM25's scores": measure(
            name, {q: mix(found[q], [(chunk.id, s) for chunk, s in by_words[q]]) for q in found}
        ),
    }
    for what, table in second[name].items():
        mean, low, high = gains[name, what] = paired_difference(tables[name, "dense"], table)
        print(f"{name:11} dense mixed with {what:20} {mean:+.3f} ({low:+.3f} to {high:+.3f})")
    mean, low, high = paired_difference(second[name]["the reranker"], second[name]["BM25's scores"])
    print(f"{name:11} BM25's scores less the reranker's  {mean:+.3f} ({low:+.3f} to {high:+.3f})")
# claim: On the handbook the dense search and the reranker, mixed, are better than either order alone.
# control: the same scores dealt at random, which lose; and BM25's score in place of the reranker's
# holds: half["handbook, dense"][1] > 0 and gains["handbook", "the reranker"][1] > -0.005
#   and gains["handbook", "its scores at random"][2] < 0
# value: "less the reranker's order {:+.3f} ({:+.3f} to {:+.3f}), ".format(*half["handbook, dense"])
#   + "less the dense search {:+.3f} ({:+.3f} to {:+.3f})".format(*gains["handbook", "the reranker"])
# claim: On pandas-docs BM25's scores, mixed into the dense search, gain as well as the reranker's do.
# control: the same scores in the handbook's dense search, where they do harm
# holds: gains["pandas-docs", "BM25's scores"][1] > 0 and gains["handbook", "BM25's scores"][2] < 0
# value: "; ".join("{} {:+.3f} ({:+.3f} to {:+.3f})".format(name, *gains[name, "BM25's scores"])
#   for name in runs)
# claim: Where the search is much weaker than the reranker, the half-and-half mix is worse than its order.
# control: the dense search, for which it is better
# holds: all(half[f"handbook, {search}"][2] < 0.005 for search in ("BM25", "hybrid"))
# value: "; ".join("{}: {:+.3f} ({:+.3f} to {:+.3f})".format(search, *half[f"handbook, {search}"])
#   for search in ("BM25", "hybrid"))

# %% [markdown]
# Scores at random do harm, so averaging alone is not what helps. On pandas-docs BM25's scores gain too, for
# next to nothing, and no difference to the reranker's gain is shown; on the handbook, at one half, they do
# harm. So whether a second opinion helps depends on the texts; the cheap one is tried first.
#
# ### A weight that was held out
#
# One half was nobody's choice. To choose a better weight, choose it on some queries and report it on others.
# `choose_held_out` deals the queries into five parts; each part is measured with the weight that is best on
# the four others. And the mix has to beat the **best of the three searches**, not only its own.
#
# **Predict.** Which of the six mixes are better than the best of the three searches, by more than chance?

# %%
from rerank_course import choose_held_out

held_out, chosen, rows = {}, {}, {}
for (name, search), some in by_weight.items():
    half_first = dict(sorted(some.items(), key=lambda item: abs(item[0] - 0.5)))
    held_out[name, search], settings = choose_held_out(half_first)
    chosen[name, search] = sorted(set(settings))
    best_search = max(searches[name], key=lambda one: tables[name, one]["nDCG@10"].mean())
    rows[f"{name}, {search}"] = paired_difference(tables[name, best_search], held_out[name, search])
    print(
        f"{name:11} {search:6} nDCG@10 {held_out[name, search]['nDCG@10'].mean():.3f}",
        f"weights {', '.join(map(str, chosen[name, search]))}; best search: {best_search}",
    )
# claim: With a held-out weight the handbook's dense search gains by more than chance over the best of the
#   three searches; on pandas-docs no gain over it is shown.
# control: the best of the three searches, for each collection; weights chosen on other queries
# holds: rows["handbook, dense"][1] > 0 and all(rows[f"pandas-docs, {s}"][1] <= 0
#   for s in searches["handbook"])
# value: "; ".join("{} {:+.3f} ({:+.3f} to {:+.3f})".format(key, *row) for key, row in rows.items()
#   if key in ("handbook, dense", "pandas-docs, hybrid"))

# %% output="varies"
interval_chart(rows, "nDCG@10 of the mix with a held-out weight, less the best of the three searches, 95 %")

# %% [markdown]
# One of six. And there are searches that are not among the three: on the handbook the dense search in windows
# ([](lesson:retrieval_flow) mixes the reranker's scores with both. With the plain dense search no gain over
# the windows alone is shown; with the windows there is one, ten or twenty deep); on pandas-docs the dense
# search mixed with BM25, above. Compare with the best that you could run.
#
# ### For which questions?

# %%
from rerank_course.evaluate import by_kind

kinds = by_kind(
    {
        "dense": tables["handbook", "dense"],
        "replaced": tables["handbook", "dense + rerank 50"],
        "mixed": held_out["handbook", "dense"],
    }
)
kinds["mixed − dense"] = kinds["mixed"] - kinds["dense"]
kinds["mixed − replaced"] = kinds["mixed"] - kinds["replaced"]
is_long = tables["handbook", "dense"]["kind"] == "long document"
for what, part in (("long documents", is_long), ("all others", ~is_long)):
    mean, low, high = paired_difference(
        tables["handbook", "dense"][part], held_out["handbook", "dense"][part]
    )
    print(f"mixed less dense, {what} ({part.sum()}): {mean:+.3f} ({low:+.3f} to {high:+.3f})")
kinds.sort_values("mixed − dense").round(3)

# %% [markdown]
# A dozen queries of a kind say little. The printed lines have the long documents by themselves, of which
# [](lesson:cosine_vs_cross_encoder) shows that they behave otherwise. More than half of the gain over the
# dense search is there, in these few, and for all other kinds together none is shown. Against the reranker's
# order (last column) it is the other way round: the mix is below it on the long documents, and above it in
# every other kind. A search in windows gains on long documents too, without a reranker:
# [](lesson:retrieval_flow) puts the two side by side.
#
# ## Before the cut
#
# A mistake that is easy to ship: the search returns what the page shows, five passages, and these five are
# reranked. The right way round, the search returns many, they are reranked, and five are shown.
#
# **Predict.** Of a hundred questions, how many more have an answer among the five if the reranker stands
# before the cut? For BM25, and for the dense search?

# %%
shown = {}
for name in runs:
    for search in searches[name]:
        ways = {
            "search alone": runs[name][search],
            "cut to 5, then reranked": runs[name][search],  # the order changes, the five do not
            "reranked 50, then cut": runs[name][f"{search} + rerank 50"],
            "mixed 50, then cut": mixed_run(name, search, 0.5),
        }
        shown[name, search] = {
            way: np.array(
                [any(corpora[name].qrels[q].get(d, 0) >= 2 for d, _ in found[:5]) for q, found in run.items()]
            )
            for way, run in ways.items()
        }
table = pd.DataFrame({key: {w: hits.mean() for w, hits in ways.items()} for key, ways in shown.items()}).T
table.index = [" · ".join(key) for key in shown]
table.round(3)

# %%
from rerank_course.evaluate import bootstrap_interval

more = {}
for (name, search), ways in shown.items():
    difference = ways["reranked 50, then cut"].astype(float) - ways["cut to 5, then reranked"]
    low, high = bootstrap_interval(difference)
    more[name, search] = difference.mean(), low, high
    print(f"{name:11} {search:6} {difference.mean():+.3f} ({low:+.3f} to {high:+.3f})")
# claim: On the handbook, reranking fifty before the cut to five shows an answer to more questions than the
#   cut alone for BM25; for the dense search no gain is shown.
# control: the same five reranked, which are the same five; the dense search
# holds: more["handbook", "BM25"][1] > 0 and more["handbook", "dense"][1] <= 0
# value: "; ".join("{} {:+.2f} ({:+.2f} to {:+.2f})".format(search, *more["handbook", search])
#   for search in ("BM25", "dense"))

# %% [markdown]
# After the cut a reranker can put another of the five on top; it cannot bring a sixth. Before the cut it can
# also push an answer out. Where BM25 or the hybrid is weak, on the handbook, more comes in; elsewhere no gain
# is shown, and three of the means fall. The mean of the mix, in the last column, is below the search alone in
# no row.
#
# ## A cascade
#
# A hundred candidates are a hundred pairs. A [cascade](term:cascade) lets a cheap model look at all of them,
# and the expensive one at the best few. Here BM25 brings a hundred, the embedder orders them (its vectors are
# there already), and the reranker reads ten. A retriever of this course has `predict` too, so it can be a
# stage.

# %%
from rerank_course import Stage, cascade

found = searches["handbook"]["BM25"].search(query, 100)
stages = [Stage(searches["handbook"]["dense"], keep=10), Stage(recorded["handbook"])]
ranking = cascade(query, found, stages)
print(len(found), "candidates in,", len(ranking), "out; the first three:")
for chunk, score in ranking[:3]:
    print(f"{score:7.2f}  grade {grades.get(chunk.id, '?')}  {chunk.title}")

# %% [markdown]
# **Predict.** With a tenth of the pairs: how much of the quality is left?


# %%
def cascaded(name, search, keep, weight=1.0):
    """Each query's hundred of a search, ordered by the embedder; the best ``keep`` go to the reranker."""
    corpus, cheap = corpora[name], searches[name]["dense"]
    stages = [Stage(cheap, keep=keep), Stage(recorded[name], weight=weight)]
    run = {}
    for q, ranking in runs[name][search].items():
        ranked = cascade(corpus.queries[q], [corpus.documents[d] for d, _ in ranking], stages)
        run[q] = [(chunk.id, score) for chunk, score in ranked]
    return run


points = {}
for name in runs:
    corpus, cheap = corpora[name], searches[name]["dense"]
    by_cosine = retrieve_and_rerank(corpus, {"BM25": searches[name]["BM25"]}, cheap, depths=(100,))
    points[name] = {
        "BM25": (0, tables[name, "BM25"]),
        "BM25, 100 by cosine": (0, measure(name, by_cosine["BM25 + rerank 100"])),
        "dense alone": (0, tables[name, "dense"]),
        "BM25 + rerank 10": (10, tables[name, "BM25 + rerank 10"]),
        "BM25 + rerank 100": (100, tables[name, "BM25 + rerank 100"]),
        "cascade to 10": (10, measure(name, cascaded(name, "BM25", 10))),
        "cascade to 20": (20, measure(name, cascaded(name, "BM25", 20))),
        "cascade to 20, mixed": (20, measure(name, cascaded(name, "BM25", 20, 0.5))),
        "dense, mixed 20": (20, measure(name, mixed_run(name, "dense", 0.5, depth=20))),
        "dense, mixed 50": (50, by_weight[name, "dense"][0.5]),
    }
less_full = {
    (name, system): paired_difference(some["BM25 + rerank 100"][1], table)
    for name, some in points.items()
    for system, (_, table) in some.items()
}
rows = [
    (
        name,
        system,
        pairs,
        table["nDCG@10"].mean(),
        "{:+.3f} ({:+.3f} to {:+.3f})".format(*less_full[name, system]),
    )
    for name, some in points.items()
    for system, (pairs, table) in some.items()
]
pd.DataFrame(rows, columns=["collection", "system", "pairs", "nDCG@10", "less BM25 + rerank 100"]).set_index(
    ["collection", "system"]
).round(3)
# claim: A cascade from BM25 over the embedder to ten pairs is not worse by .02 or more than reranking BM25's
#   hundred, with a tenth of the pairs.
# control: the first ten of BM25 reranked, which cost as much; and the embedder's order of the same hundred
# holds: all(less_full[name, "cascade to 10"][1] > -0.02 for name in points)
# value: "; ".join("{} {:+.3f} ({:+.3f} to {:+.3f}), ten of BM25 {:+.3f}".format(name,
#   *less_full[name, "cascade to 10"], less_full[name, "BM25 + rerank 10"][0]) for name in points)

# %% [markdown]
# A tenth of the pairs, and no loss is shown. On the handbook, reranking BM25's own first ten
# costs the same and loses.
# But read the row *100 by cosine* as well: the embedder alone, without any pair, is nowhere shown to be worse
# than reranking the hundred. And on the handbook *dense alone*, which needs neither BM25 nor a reranker, is
# above the cascades.
#
# The same as a picture, with time in place of pairs. Each system answers one question, live, with this
# machine's engine; the time is that of the search and of everything after it.

# %% output="varies"
import time

from rerank_course.lab.charts import draw_points

handbook, words, vectors = corpora["handbook"], searches["handbook"]["BM25"], searches["handbook"]["dense"]


def texts(found):
    return [chunk for chunk, _ in found]


def mixed_live(question, depth):
    found = vectors.search(question, 100)
    return mix(found, rerank_documents(question, texts(found)[:depth], reranker, top_k=None))


ways = {
    "BM25": lambda q: words.search(q, 100),
    "BM25, 100 by cosine": lambda q: rerank_documents(q, texts(words.search(q, 100)), vectors),
    "dense alone": lambda q: vectors.search(q, 100),
    "BM25 + rerank 10": lambda q: rerank_documents(q, texts(words.search(q, 10)), reranker),
    "BM25 + rerank 100": lambda q: rerank_documents(q, texts(words.search(q, 100)), reranker),
    "cascade to 10": lambda q: cascade(q, words.search(q, 100), [Stage(vectors, 10), Stage(reranker)]),
    "cascade to 20": lambda q: cascade(q, words.search(q, 100), [Stage(vectors, 20), Stage(reranker)]),
    "cascade to 20, mixed": lambda q: cascade(
        q, words.search(q, 100), [Stage(vectors, 20), Stage(reranker, weight=0.5)]
    ),
    "dense, mixed 20": lambda q: mixed_live(q, 20),
    "dense, mixed 50": lambda q: mixed_live(q, 50),
}
question = handbook.queries["exp-q01"]
ways["cascade to 10"](question)  # to warm up
seconds = {}
for system, way in ways.items():
    began = time.perf_counter()
    way(question)
    seconds[system] = time.perf_counter() - began
quality = {system: table["nDCG@10"].mean() for system, (_, table) in points["handbook"].items()}
front = [
    system
    for system in ways
    if not any(seconds[o] < seconds[system] and quality[o] > quality[system] for o in ways)
]
print("nothing is both faster and better than:", ", ".join(sorted(front, key=seconds.get)))
draw_points(
    {system: (seconds[system], quality[system]) for system in ways},
    "seconds for a query on this machine, search included",
    "nDCG@10, handbook",
)

# %% [markdown]
# The line above the picture names the *front*: for each system that is not on it, another one is both faster
# and better. So take one of the front: the slowest for which you would wait. (Points are
# means, and one run of each; the intervals are in the table. It is the front of these systems: others, at
# other depths, may pass it.) On the handbook no cascade from BM25 is on it; systems with a
# better first search are.
#
# ## Only where it is needed
#
# If the search is sure of itself, why ask again? A sign is how far the first score stands above the tenth:
# the *margin*. Leave the surer half of the queries as they are, and mix the others. That saves half of the
# pairs. One control leaves out halves at random. The other saves as many pairs in the plainest way: it mixes
# all queries, half as deep.
#
# **Predict.** Is the surer half, by its margin, a better half to leave out than a random one? And is leaving
# it out better than reading half as deep?

# %%
from rerank_course.stages import margin


def half_depth(name):
    """nDCG@10 of each query, its first 25 mixed: as many pairs as a gate that leaves out half of 50."""
    found = {query: ranking[:25] for query, ranking in runs[name]["dense"].items()}
    texts_of = corpora[name].documents
    run = {}
    for query, ranking in found.items():
        candidates = [texts_of[document] for document, _ in ranking]
        again = rerank_documents(corpora[name].queries[query], candidates, recorded[name], top_k=None)
        run[query] = mix(ranking, [(chunk.id, score) for chunk, score in again])
    return measure(name, run)["nDCG@10"]


gates, against_depth = {}, {}
for name in runs:
    plain, full = tables[name, "dense"]["nDCG@10"], by_weight[name, "dense"][0.5]["nDCG@10"]
    for place in (2, 10):
        sure = np.array([margin(runs[name]["dense"][q], place) for q in plain.index])
        leave = sure >= np.median(sure)
        by_margin = np.where(leave, plain, full).mean()
        draws = np.random.default_rng(0)
        at_random = np.array([np.where(draws.permutation(leave), plain, full).mean() for _ in range(2000)])
        gates[name, place] = by_margin, at_random.mean(), (at_random >= by_margin).mean()
        print(
            f"{name:11} first − {place:2}: half mixed {by_margin:.3f}, a random half {at_random.mean():.3f},",
            f"as good in {gates[name, place][2]:.1%} of draws;",
            f"none {plain.mean():.3f}, all {full.mean():.3f}",
        )
    gated = pd.Series(np.where(leave, plain, full), index=plain.index)  # by the margin to the tenth
    half_as_deep = half_depth(name)
    low, high = bootstrap_interval((gated - half_as_deep).to_numpy())
    against_depth[name] = (gated - half_as_deep).mean(), low, high
    print(
        f"{name:11} all queries mixed 25 deep {half_as_deep.mean():.3f}; the gate less that",
        "{:+.3f} ({:+.3f} to {:+.3f})".format(*against_depth[name]),
    )
# claim: On the handbook the margin to the tenth finds a better half to leave out than chance does; on
#   pandas-docs it is not shown, nor on either for the margin to the second.
# control: two thousand random halves; the margin to the second; another collection
# holds: gates["handbook", 10][2] < 0.05 < min(gates["pandas-docs", 10][2], gates["handbook", 2][2],
#   gates["pandas-docs", 2][2])
# value: "; ".join(f"{name}, first − {place}: a random half is as good in {row[2]:.1%}"
#   for (name, place), row in gates.items())
# claim: No gain of the gate over mixing all queries half as deep, for as many pairs, is shown.
# control: all queries mixed 25 deep, on both collections
# holds: all(row[1] <= 0 for row in against_depth.values())
# value: "; ".join("{} {:+.3f} ({:+.3f} to {:+.3f})".format(name, *row)
#   for name, row in against_depth.items())

# %% [markdown]
# On one collection of two, for one margin of two, it is better than chance. But reading half as deep costs as
# much, and no gain of the gate over that is shown. So measure a gate on your own queries, with random halves
# and a smaller depth beside it. (Four comparisons, and the limit was the median of these same queries.)
#
# ## Is there an answer at all?
#
# The last use of the score: show nothing where nothing answers. A limit on the raw score has no meaning of
# its own, and the highest scores of all belong to rules out of date ([](lesson:when_scores_mislead)).
# So these, and pages that only ask, are left out first; what follows holds with this filter. Then
# `Decision` fits a curve, on queries whose outcome is known, from the best score to the probability that the
# first passage answers. Each fifth of the queries gets the curve of the other four fifths. The ten questions
# that nothing answers are among them.
#
# **Predict.** For how many of the 112 questions does the curve say 80 % or more?

# %% output="varies"
sure = guess("questions for which the curve of the reranker's score says 80 % or more")

# %%
from rerank_course import Decision
from rerank_course.evaluate import deal_folds
from rerank_course.texts.beir import read_jsonl
from rerank_course.texts.corpora import DATA

rows = read_jsonl(DATA / "handbook" / "corpus.jsonl")
out = {row["_id"] for row in rows if row["metadata"]["status"] in ("superseded", "faq")}
ids = list(handbook.queries)
best = {"the reranker's score": {}, "the cosine": {}}
for q in ids:
    found = [(c, s) for c, s in vectors.search(handbook.queries[q], 50) if c.id not in out]
    best["the cosine"][q] = found[0]
    best["the reranker's score"][q] = rerank_documents(
        handbook.queries[q], texts(found), recorded["handbook"]
    )[0]
fold_of, probability, right = deal_folds(len(ids)), {}, {}
for what, top in best.items():
    scores = np.array([top[q][1] for q in ids])
    right[what] = np.array([handbook.qrels.get(q, {}).get(top[q][0].id, 0) >= 2 for q in ids])
    probability[what] = np.zeros(len(ids))
    for fold in range(5):
        decision = Decision(scores[fold_of != fold], right[what][fold_of != fold])
        probability[what][fold_of == fold] = decision.probability(scores[fold_of == fold])
    less = (probability[what] - right[what]) ** 2 - (right[what].mean() - right[what]) ** 2
    low, high = bootstrap_interval(less)
    print(f"first passage right for {right[what].sum()} of {len(ids)} by {what}; mean squared error less")
    print(f"that of always naming this share: {less.mean():+.3f} ({low:+.3f} to {high:+.3f})")
    for low, high in ((0, 0.3), (0.3, 0.5), (0.5, 0.8), (0.8, 1.01)):
        part = (probability[what] >= low) & (probability[what] < high)
        said = (
            f"{probability[what][part].mean():.2f} said, {right[what][part].mean():.2f} right"
            if part.any()
            else ""
        )
        print(f"    {low:.1f} to {min(high, 1):.1f}: {part.sum():3} questions  {said}")
sure.beside(int((probability["the reranker's score"] >= 0.8).sum()))

# %% output="varies"
from rerank_course.decide import precision_by_coverage

curves = {what: precision_by_coverage(probability[what], right[what]) for what in best}
draw_lines(
    {what: (coverage[9::6], precision[9::6]) for what, (coverage, precision) in curves.items()},
    "coverage: share of the questions that are shown an answer, the surest first",
    "precision: share of those that are right",
)

# %% [markdown]
# On queries that it was not fitted on, the reranker's curve has a smaller error than always naming the share
# of all (printed with each). So has the cosine's. But compare *said* with *right*: the reranker's two groups
# in the middle are right about equally often. And suppose that you promise a precision of two thirds. Take
# the lowest limit that keeps the promise on four fifths of the queries, and see what the last fifth gets.
# Twenty deals, since one is chance.
#
# **Predict.** Is the promise kept?

# %%
promise, kept = 2 / 3, {}
for what in best:
    outcomes = []
    for seed in range(20):
        fold_of, shown_right = deal_folds(len(ids), seed=seed), []
        for fold in range(5):
            others = fold_of != fold
            scores = np.array([best[what][q][1] for q in ids])
            coverage, precision = precision_by_coverage(scores[others], right[what][others])
            keeps = np.flatnonzero(precision >= promise)
            shown_here = int(coverage[keeps[-1]] * others.sum() + 0.5) if len(keeps) else 0
            limit = np.sort(scores[others])[::-1][shown_here - 1] if shown_here else np.inf
            shown_right += right[what][~others][scores[~others] >= limit].tolist()
        outcomes.append((np.mean(shown_right), len(shown_right) / len(ids)))
    kept[what] = np.mean(outcomes, axis=0)
    print(
        f"{what:20} promised {promise:.2f}, kept {kept[what][0]:.2f} on other queries, shown for",
        f"{kept[what][1]:.0%} of the questions; everything shown: {right[what].mean():.2f}",
    )
# claim: A limit that keeps a promised precision on the queries that chose it does not keep more on others;
#   it keeps more than showing everything.
# control: everything shown; the cosine's score in place of the reranker's
# holds: all(right[what].mean() < kept[what][0] < promise + 0.02 for what in best)
# value: "; ".join(f"{what} {kept[what][0]:.2f} of {promise:.2f}, coverage {kept[what][1]:.0%}"
#   for what in best)

# %% [markdown]
# Here the promise is nearly kept; with so few queries more cannot be said. Say, too, for how many questions
# you will be silent. The cosine, which costs no reranker, stands beside it.
#
# [](Exercise:mix_and_cascade) has you write the heart of all this once.
#
# **At work:** one command makes the same comparison for a collection of yours: replaced, mixed with held-out
# weights, behind a cascade, and with a gate, in one report.
#
# ```sh
# .venv/bin/rerank-course evaluate my_collection/ --backend int8 --depths 10,50
# ```
#
# ## What to remember
#
# - **Try a mix before you replace.** For the handbook's dense search a mix was better than either order;
#   where the search was much weaker, the reranker's order was better than half and half.
# - **Choose a weight on some queries and report it on others,** against the best search that you
#   could run without a reranker.
# - **Try the cheap second opinion first.** On one of two collections BM25's scores gained too, and no
#   difference to the reranker's gain was shown.
# - **Rerank before the cut** where the search is weak: after it no further answer can come in.
# - **A cascade** to ten pairs was not shown to be worse than a hundred. Nor was its cheap stage alone.
# - **A gate** has to beat random halves and a smaller depth. A **decision** has to be tested on queries that
#   did not choose its limit.
#
# **Where it breaks:** at a weight copied from here; at scores that are distances, where less is better (`mix`
# refuses a list whose scores rise); at a best search that was not among those compared.
#
# ## Quiz
#
# Your search is BM25, and reranking its first fifty is much better than BM25 alone. A colleague proposes to
# mix the two scores half and half. What do you expect?
#
# A. It is better than the reranker alone: two opinions are better than one.
#
# B. It may well be worse; a weight chosen on some queries and tested on others will be near 1.
#
# C. It makes no difference: the reranker's scores are larger and decide anyway.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** held for the handbook's dense search and for the hybrid of pandas-docs. Scores at random lost, and on
# the handbook so did the mix of the dense search with BM25's scores.
#
# **B** is what the handbook's curves show for BM25 and the hybrid. On pandas-docs, where BM25 is nearly as
# good as the reranker, the weights come out lower, some near one half. So measure.
#
# **C** forgets that both are normalised first.
#
# </details>
#
# **On your own:** change `normalise` in `mixed_run` to `"rank"` or `"min-max"` and draw the curves again.
#
# **In practice:** log both scores of every candidate that you rerank, and judge some of these queries. Then
# mixes, gates and limits can be tried on them without running the reranker again.
#
# **Further reading:** [Bruch, Gai and Ingber](https://arxiv.org/abs/2210.11934) on mixing scores against
# mixing ranks; [Wang, Lin and Metzler](https://doi.org/10.1145/2009916.2009934) on cascades.
#
# **Next:** [](next:)
