# %% [markdown]
# # {title}
#
# A score puts passages in an order. People ask more of it: show only what is above 0.5, say how sure you are,
# read the whole manual, be silent when there is nothing. In this lesson you test each of these wishes on
# judged data; what is tuned is tested on queries that it was not tuned on.
#
# **What you will do**
#
# - tune a threshold on one half of the queries, and try it on the other half and on other texts;
# - compare what a score seems to promise with how often it is right;
# - look for the answer in what the model does not read of a long document;
# - ask questions that nothing answers;
# - find out which wrong passages score highest, and what removes them.
#
# **What you need:** [](lesson:scoring_pairs) on scores, [](lesson:retrieval_flow) on measuring,
# [](lesson:what_it_falls_for) on [echoes](term:echo).
#
# **Time:** {minutes} minutes, of which the machine computes about two.

# %%
import numpy as np
import pandas as pd

from rerank_course import DenseRetriever, load_corpus, load_embedder, load_reranker
from rerank_course.engine.recorded_scores import RecordedReranker, load_scores, pair_key, scores_file
from rerank_course.evaluate import answered_queries, bootstrap_interval

corpora = {name: load_corpus(name) for name in ("handbook", "pandas-docs")}
handbook = corpora["handbook"]
fast, embedder = load_reranker(backend="int8"), load_embedder()
dense = {name: DenseRetriever(list(corpus.documents.values()), embedder) for name, corpus in corpora.items()}

# %% [markdown]
# ## 1 · A number to compare with
#
# What would be shown or left out: the first twenty of the dense search, for each query that has an answer in
# the collection. Three scores each: the reranker's [logit](term:logit) in [float32](term:float32) and in
# [int8](term:int8), and the [cosine](term:cosine similarity) of the [embedder](term:embedder). The two
# collections come from [](lesson:retrieval_flow); scores were recorded beforehand. A passage that nobody
# judged counts as no answer.


# %%
def first_twenty(name):
    """The first twenty of the dense search for each answered query, with their scores."""
    corpus, known, rows = corpora[name], load_scores(scores_file(name)), []
    for query in answered_queries(corpus):
        for chunk, cosine in dense[name].search(corpus.queries[query], 20):
            key, grade = pair_key(corpus.queries[query], chunk.content), corpus.qrels[query].get(chunk.id)
            scores = known["fp32"][key], known["int8"][key], cosine
            rows.append((query, chunk.id, grade is not None, (grade or 0) >= 2, *scores))
    columns = ["query", "document", "judged", "answers", "float32", "int8", "cosine"]
    return pd.DataFrame(rows, columns=columns)


scored = {name: first_twenty(name) for name in corpora}
for name, table in scored.items():
    moved = (table["float32"] - table["int8"]).abs()
    print(
        f"{name:12} {len(table)} pairs, {table['judged'].mean():.0%} judged, {table['answers'].mean():.1%} "
        f"answers; int8 moves a score by {moved.mean():.2f} on average, {moved.max():.2f} at most"
    )

# %% [markdown]
# The share of answers is the [base rate](term:base rate). Keep it in mind: where everything passes, the
# [precision](term:precision) is this share.
#
# Somebody wants to show only passages above a [threshold](term:threshold). A good one lets answers through
# ([recall](term:recall)) and little else (precision); [F1](term:F1) balances the two. We tune it with care:
# on one half of the queries, the value with the best F1. Then we test it on the other half. Which half is
# which is drawn at random, a hundred times. Beside it stands the cheapest rule of all: let everything pass.
#
# **Predict.** On the half that it was not tuned on, is the threshold better than letting everything pass? On
# the handbook, and on pandas-docs?

# %% output="varies"
from rerank_course.lab.guess import guess

useful = guess(
    "the tuned threshold beats “everything passes” on", choices=["both", "the handbook only", "neither"]
)

# %% output="varies"
from rerank_course.lab.explorers.threshold import at_threshold, tuned_threshold


def f1(table, column, threshold=-np.inf):
    return at_threshold(table[column], table["answers"], threshold)["F1"]


def tried(home, column, splits=100):
    """A threshold for each split: tuned on one half, F1 on both halves and on the other collection."""
    table, away = scored[home], next(scored[name] for name in scored if name != home)
    queries, random, rows = table["query"].unique(), np.random.default_rng(0), []
    for _ in range(splits):
        half = table["query"].isin(random.permutation(queries)[: len(queries) // 2])
        threshold = tuned_threshold(table[half][column], table[half]["answers"])
        rows.append(
            {
                "threshold": threshold,
                "same half": f1(table[half], column, threshold),
                "other half": f1(table[~half], column, threshold),
                "all of it": f1(table[~half], column),
                "other collection": f1(away, column, threshold),
            }
        )
    return pd.DataFrame(rows)


trials = {(home, column): tried(home, column) for home in scored for column in ("float32", "int8", "cosine")}
useful.beside(
    {2: "both", 1: "the handbook only", 0: "neither"}[
        sum(
            (trials[home, "float32"]["other half"] > trials[home, "float32"]["all of it"]).mean() > 0.5
            for home in scored
        )
    ]
)
pd.DataFrame(
    {
        key: {
            "threshold, 95 % of the splits": "{:.2f} to {:.2f}".format(
                *trial["threshold"].quantile([0.025, 0.975])
            ),
            "F1, half it was tuned on": f"{trial['same half'].mean():.2f}",
            "F1, other half": f"{trial['other half'].mean():.2f}",
            "everything passes": f"{trial['all of it'].mean():.2f}",
            "better than that in": f"{(trial['other half'] > trial['all of it']).mean():.0%} of splits",
            "F1, other collection": f"{trial['other collection'].mean():.2f}",
        }
        for key, trial in trials.items()
    }
).T
# claim: On the handbook a tuned threshold beats letting everything pass, for queries it was not tuned on.
# control: the other half of the queries in a hundred splits, against letting everything pass
# holds: (trials["handbook", "float32"]["other half"]
#   > trials["handbook", "float32"]["all of it"]).mean() > 0.95
# value: "F1 {:.2f} against {:.2f}".format(
#   *trials["handbook", "float32"][["other half", "all of it"]].mean())
# claim: On pandas-docs a threshold tuned there beats letting everything pass in most splits, and so does the
#   handbook's.
# control: letting everything pass, on the same pairs
# holds: (trials["pandas-docs", "float32"]["other half"]
#   > trials["pandas-docs", "float32"]["all of it"]).mean() > 0.7
#   and trials["handbook", "float32"]["other collection"].mean() > f1(scored["pandas-docs"], "float32") + 0.05
# value: "F1 {:.2f} tuned there, {:.2f} tuned on the handbook, {:.2f} everything passes".format(
#   trials["pandas-docs", "float32"]["other half"].mean(),
#   trials["handbook", "float32"]["other collection"].mean(), f1(scored["pandas-docs"], "float32"))

# %% [markdown]
# On the handbook the threshold keeps most of its F1 on the other half, and is far above letting everything
# pass. So is a threshold on the cosine, which needs no reranker. On pandas-docs much less is left on the
# other half; it is above letting everything pass in most of the splits, and not in all.
#
# Then compare the last column of the handbook's rows with “everything passes” in the rows of pandas-docs:
# used on the other collection, the handbook's threshold is above it too, and the other way round as well.
# But letting everything pass is a weak rival. A stronger one comes with *Then normalise the scores*, below.
#
# The first column says how much a threshold depends on the queries that it was tuned on. Float32 and int8,
# one model in two precisions, have nearly the same range.
#
# ### Why its decimals mean little
#
# F1 for each possible threshold, on the half that tunes (a mark stands at its best), on the other half and on
# the other collection. The thin lines show F1 when everything passes.

# %% output="varies"
from rerank_course.lab.explorers.threshold import draw_thresholds, f1_by_threshold, threshold_explorer

shuffled = np.random.default_rng(0).permutation(answered_queries(handbook))
tuning = scored["handbook"]["query"].isin(shuffled[: len(shuffled) // 2])
parts = {
    "handbook, half that tunes": scored["handbook"][tuning],
    "handbook, other half": scored["handbook"][~tuning],
    "pandas-docs": scored["pandas-docs"],
}
groups = {name: (table["float32"], table["answers"]) for name, table in parts.items()}
threshold = tuned_threshold(*groups["handbook, half that tunes"])
draw_thresholds(groups, "logit, float32", threshold)

# %%
values, curve = f1_by_threshold(*groups["handbook, half that tunes"])
near = values[curve > curve.max() - 0.03]
lowest = curve[(values >= near.min()) & (values <= near.max())].min()
print(
    f"{len(near)} different scores come within .03 of the best F1, from {near.min():.2f} to "
    f"{near.max():.2f}; in that range F1 is at most {curve.max() - lowest:.3f} below it"
)

# %% [markdown]
# In the whole range of the last line F1 falls by less than .05. A threshold is less exact than its decimals
# look.
#
# Move the mark yourself. (Without a notebook front end there is no slider; the picture above tells the same.)

# %% output="varies"
threshold_explorer(groups, "logit, float32", threshold)

# %% [markdown]
# ### “Then normalise the scores”
#
# People try a [sigmoid](term:sigmoid), or look at each score beside the other scores of the same query: less
# the query's highest, or a [softmax](term:softmax) over the query's passages. A sigmoid keeps the order of
# all pairs. The other two do not: a pair's new score depends on its rivals. The control uses only the place:
# *the best k of each query*, with k tuned like a threshold, by the reranker and by the cosine.
#
# **Predict.** Is any of them better than the best k?

# %% output="varies"
for table in scored.values():
    by_query = table.groupby("query")["float32"]
    table["sigmoid"] = 1 / (1 + np.exp(-table["float32"]))
    table["less the highest"] = table["float32"] - by_query.transform("max")
    odds = np.exp(table["less the highest"])
    table["softmax"] = odds / odds.groupby(table["query"]).transform("sum")
    table["best k"] = -by_query.rank(ascending=False, method="first")  # a threshold of −3: the best three
    table["best k, cosine"] = -table.groupby("query")["cosine"].rank(ascending=False, method="first")
ways = ("float32", "sigmoid", "less the highest", "softmax", "best k", "best k, cosine")
for column in ways[1:]:
    for home in scored:
        trials[home, column] = tried(home, column)
away = {"handbook": "pandas-docs", "pandas-docs": "handbook"}
for home in scored:
    few, many = -trials[home, "best k"]["threshold"].quantile([0.975, 0.025])
    highest = scored[away[home]].groupby("query")["softmax"].max()
    silent = [(highest < threshold).mean() for threshold in trials[home, "softmax"]["threshold"]]
    print(
        f"tuned on {home}: k from {few:.1f} to {many:.1f} in 95 % of the splits; softmax lets nothing "
        f"through in {np.mean(silent):.0%} of the queries of {away[home]}"
    )
pd.DataFrame(
    {
        **{
            f"tuned on {home}, F1 {where}": {way: trials[home, way][column].mean() for way in ways}
            for home in scored
            for where, column in (("other half", "other half"), (f"on {away[home]}", "other collection"))
        }
    }
).round(2)
# claim: A threshold on the logit is not better than the best k of each query, which looks at places only:
#   neither on queries that were held out nor on the other collection.
# control: the best k of each query, tuned like the threshold; a sigmoid, which keeps the order of all pairs
# holds: all(trials[home, "float32"][where].mean() < trials[home, "best k"][where].mean() + 0.02
#   for home in scored for where in ("other half", "other collection"))
# value: "; ".join("tuned on {}: logit {:.2f} and {:.2f}, best k {:.2f} and {:.2f}".format(home,
#   *(trials[home, way][where].mean() for way in ("float32", "best k")
#   for where in ("other half", "other collection"))) for home in scored)

# %% [markdown]
# The sigmoid's row is the logit's: it keeps the order, so it keeps every mistake of a threshold. And the best
# k of each query, which uses the scores for the order only, does as well as a threshold on the logit, or
# better, on held-out queries and on the other collection. So the order within each query gives all that the
# threshold gained over “everything passes”. A threshold also compares the scores of one query with those of
# another; from that no further gain is shown, on queries that all have an answer. Softmax is about as good as
# the best k, or a little better (we looked at six rules, so the best of them looks better than it is). The
# best k by the cosine, which costs no reranker, has about the same F1 on the handbook, and a lower one on
# pandas-docs. (No interval was computed for that: it may be chance.)
#
# “Less the highest” and “the best k” always let something through. Softmax can be silent: see the printed
# shares, of queries that all have an answer. Part 3 is about those that have none.
#
# ### What does 0.9 mean?
#
# A sigmoid writes numbers that look like probabilities. Of the pairs with about 0.9, do nine in ten answer?
# That would be [calibration](term:calibration). It can be repaired: a curve from the logit to the share of
# answers (a logistic regression, here called [Platt's
# way](https://scikit-learn.org/stable/modules/calibration.html)), fitted on four fifths of the queries and
# used on the fifth that is held out.
#
# **Predict.** How many of the handbook's pairs above 0.95 answer, in percent?

# %% output="varies"
sure = guess("answers among the handbook's pairs with a sigmoid above 0.95, in percent")

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from rerank_course.texts.beir import read_jsonl
from rerank_course.texts.corpora import DATA

folds, platt = GroupKFold(5, shuffle=True, random_state=0), LogisticRegression(C=1e6)
for table in scored.values():
    table["calibrated"] = cross_val_predict(
        platt, table[["float32"]], table["answers"], groups=table["query"], cv=folds, method="predict_proba"
    )[:, 1]
table = scored["handbook"]
edges = [0, 0.05, 0.2, 0.5, 0.95, 1]
reliability = {}
for way in ("sigmoid", "calibrated"):
    bins = pd.cut(table[way], edges, include_lowest=True)
    reliability[way] = table.groupby(bins, observed=False).agg(
        pairs=("answers", "size"), said=(way, "mean"), answers=("answers", "mean")
    )
top = reliability["sigmoid"].iloc[-1]
sure.beside(round(100 * top["answers"]))
status = {row["_id"]: row["metadata"]["status"] for row in read_jsonl(DATA / "handbook" / "corpus.jsonl")}
kind = table["document"].map(status)
high = table["sigmoid"] > 0.95
kept = high & ~kind.isin(["superseded", "faq"])
by_cosine = table.nlargest(high.sum(), "cosine")["answers"]
print(f"above 0.95: {table[high]['answers'].sum()} of {high.sum()} answer")
print("   the others:", kind[high & ~table["answers"]].value_counts().to_dict())
print(f"   without superseded and faq: {table[kept]['answers'].sum()} of {kept.sum()} answer")
print(f"as many pairs with the highest cosine: {by_cosine.sum()} of {len(by_cosine)} answer")
pd.concat(reliability, axis=1).round(2).rename_axis("score").astype(str).replace("nan", "–")

# %%
error = {}
for name, table in scored.items():
    other, rate = scored[away[name]], table["answers"].mean()
    moved = platt.fit(other[["float32"]], other["answers"]).predict_proba(table[["float32"]])[:, 1]
    said = {
        "always the base rate": rate,
        "sigmoid": table["sigmoid"],
        "calibrated, held out": table["calibrated"],
        "calibrated on the other collection": moved,
    }
    off = {way: (number - table["answers"]) ** 2 for way, number in said.items()}
    for way, squares in off.items():
        less = (squares - off["always the base rate"]).groupby(table["query"]).mean().to_numpy()
        low, high = bootstrap_interval(less)
        error[name, way] = (squares.mean(), less.mean(), low, high)
columns = ("Brier score", "less the base rate's, by query", "from", "to")
pd.DataFrame.from_dict(error, orient="index", columns=columns).round(4)
# claim: On neither collection is the sigmoid a better probability than always naming the base rate.
# control: the base rate
# holds: all(error[name, "sigmoid"][1] > 0 for name in scored)
# value: "; ".join("{} {:.4f} less the base rate's {:+.4f} ({:+.4f} to {:+.4f})".format(
#   name, *error[name, "sigmoid"]) for name in scored)

# %% [markdown]
# The last table is the [Brier score](https://en.wikipedia.org/wiki/Brier_score), the mean squared error of a
# probability; lower is better. The sigmoid is not shown to be better than always naming the base rate, on
# either collection. Calibration mends the scale: on the handbook its rows say about what happens, except the
# highest one that has pairs. Its error on the handbook is smaller than the base rate's, whether it was fitted
# on the handbook or on pandas-docs. On pandas-docs no gain over the base rate is shown.
#
# It cannot mend the order. Of the handbook's few pairs above 0.95 most are no answers; as many pairs with the
# highest cosine hold more answers. The lines above the first table say what the others are: mostly
# *superseded* rules, some pages that only ask (`faq`). Part 3 comes back to them.
#
# (This is said of the few highest pairs, and of no others.) Of all pairs nearly half were not judged, and
# count as no answers; so the true shares may be a little higher.
#
# **At work:** search your code for a number that is compared with a score. For each one, write down model,
# collection, the queries it was tuned on, and what “everything passes” and “the best k” give on queries that
# were held out. If you cannot, try the best k in its place.
#
# ## 2 · The answer past the limit
#
# This model reads 512 tokens: query, document and three special tokens together. Twelve passages of the
# handbook are longer, each with the answer to one query at a known place. Here is a sentence, or a piece of
# one, from each answer.

# %%
answer_of = {
    "exp-q07": ("exp-023", "If nothing has been decided by the end of the eighth, it takes the claim off"),
    "trv-q07": ("trv-014", "What a carrier pays for the lost hours and the inconvenience"),
    "lve-q07": ("lve-016", "For the first six weeks back, a parent may work 60 percent of the normal week"),
    "pay-q04": ("pay-005", "whoever makes no choice is placed in Basic"),
    "hir-q05": ("hir-012", "within two working days of the interview"),
    "cnd-q05": ("cnd-011", "within five working days, a first reply"),
    "sec-q02": ("sec-020", "keep the machine running and on its charger"),
    "it-q05": ("it-022", "For 30 days after the last day it is passed on to the line manager"),
    "fac-q07": ("fac-020", "at least 30 working days before the first day in the new place"),
    "hls-q08": (
        "hls-005",
        "and everyone may go. The time that was still to come is entered in Roster as worked",
    ),
    "prc-q08": ("prc-005", "Bidders are given at least 25 days to hand in their offers"),
    "onc-q07": ("onc-016", "Customers hear from us at least every 40 minutes"),
}

# %% [markdown]
# `what_the_model_reads` cuts a pair as the model's tokenizer does, and shows what is left. It is an ordinary
# function: [length_explorer.py](../rerank_course/lab/explorers/length_explorer.py).
#
# **Predict.** Of how many of the twelve documents does the model not read the answer?

# %% output="varies"
unread = guess("documents of the twelve whose answer is not read")

# %%
from rerank_course.lab.explorers.length_explorer import what_the_model_reads


def length_of(text):
    return len(fast.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


rows = {}
for query, (document, answer) in answer_of.items():
    text = handbook.documents[document].content
    reading = what_the_model_reads(handbook.queries[query], text, fast)
    rows[document] = {
        "tokens of the document": length_of(text),
        "read of them": reading.document_tokens,
        "answer begins at": length_of(text[: text.index(answer)]),
        "answer is read": answer in reading.document,
    }
lengths = pd.DataFrame.from_dict(rows, orient="index")
unread.beside(int((~lengths["answer is read"]).sum()))
lengths

# %% [markdown]
# No warning, no error, no mark on the score. The model gives a number for the first two thirds of the text,
# and it is taken for the number of the document.
#
# ### One document, one slider
#
# An ordinary question, and a section on hiring with the answer about half-way.
#
# **Predict.** The limit goes up from 128 in four steps. Where will the score jump?

# %% output="varies"
question = "How soon must an interviewer fill in the scorecard?"
hiring, scorecard = handbook.documents["hir-012"], answer_of["hir-q05"][1]
for max_length in (128, 256, 384, 448, 512):
    reading = what_the_model_reads(question, hiring, fast, max_length)
    end = " ".join(reading.document[-40:].split())
    print(
        f"max_length {max_length}: score {reading.score:6.2f}, "
        f"answer read: {scorecard in reading.document!s:5}  ends: …{end}"
    )

# %% [markdown]
# The score jumps where the answer's part of the page comes in. That does not show that the answer is the
# cause: the question's words come in with it ([](lesson:what_it_falls_for)).
#
# Move the slider: what is struck through is not read. (Without a notebook front end there is no slider; the
# lines above tell the same.)

# %% output="varies"
from rerank_course.lab.explorers.length_explorer import length_explorer

length_explorer(question, hiring, fast, scorecard)

# %% [markdown]
# ### A long query leaves less room for the document
#
# The limit is for both. An application may send the conversation so far as the query. Here up to four
# earlier answers stand in front of the same question, on hiring or on something else.
#
# **Predict.** With the bare question the answer is read. With which of the others is it still? And what will
# the score say?

# %% output="varies"
earlier = {
    "hiring": ("hir-001", "hir-002", "hir-003", "hir-004"),
    "travel": ("trv-001", "trv-003"),
    "pay": ("pay-001",),
}
for subject, count in (("hiring", 0), ("hiring", 1), ("hiring", 2), ("hiring", 4), ("travel", 2), ("pay", 1)):
    said = [f"Earlier answer: {handbook.documents[document].text}" for document in earlier[subject][:count]]
    conversation = "\n".join([*said, question])
    reading = what_the_model_reads(conversation, hiring, fast)
    print(
        f"{count} on {subject}: query {reading.query_tokens:3} tokens, document {reading.document_tokens:3}, "
        f"score {reading.score:5.2f}, answer read: {scorecard in reading.document!s:5}  "
        f"question read: {reading.query.endswith(question)}"
    )

# %% [markdown]
# With an earlier answer or two on hiring in front, the right one is no longer read. The score does not tell
# you: with two earlier answers on travel the score is as high as before though the right answer is not read,
# and with one on pay it falls far though the right answer is read. The score of a long query is not the score
# of its question.
#
# The tokenizer cuts the longer text first, so a long query pushes the document out. Where both take more than
# half of the limit, the query is cut as well, at its end, and that is where the question stood: see the line
# with four. `room_for_document` in [chunking.py](../rerank_course/chunking.py) says how many tokens a query
# leaves.
#
# ### Windows
#
# The usual remedy: cut the document into windows that fit, each beginning a little before the last one ends
# so that a sentence at the cut stands whole in one of them, unless it is longer than what they share; score
# each, and keep the best score. It is called MaxP ([Dai and Callan](https://arxiv.org/abs/1905.09217)). In
# the course it is `BestWindow`, and it is a reranker like any other: `rerank_documents(query, candidates,
# BestWindow(reranker))`. Its `best_windows` also says which window it was.
#
# How long should a window be? As long as fits, one would think: the fewer windows, the less work. Take the
# section on alarms, whose answer is past the limit, and read it in three ways.
#
# **Predict.** Which row holds the highest score? In the second row a window holds the answer: will it be the
# best of its row?

# %% output="varies"
from rerank_course.chunking import Window, room_for_document, windows
from rerank_course.lab.windows import draw_window

question, (document, go_home) = "When may we go home after an alarm?", answer_of["hls-q08"]
alarm = handbook.documents[document].content
reading = what_the_model_reads(question, alarm, fast)
rows = {"as predict reads it": [(reading.score, Window(reading.document, 0, len(reading.document)))]}
for name, size in (
    ("windows that fill the limit", room_for_document(question, fast) - 1),
    ("windows of 128 tokens", 128),
):
    pieces = windows(alarm, fast.tokenizer, size, overlap=64)
    rows[name] = list(zip(fast.predict([(question, piece.text) for piece in pieces]), pieces))
    last = pieces[-1].text
    headed = fast.predict([(question, f"{handbook.documents[document].title}\n{last}")])[0]
    print(f"{name}: the last has {length_of(last)} tokens; under the heading it scores {headed:.2f}")
last = rows["windows that fill the limit"][-1][1].text
begin = last.rindex(". ", 0, last.index(go_home)) + 2  # of the sentence that answers
in_front = fast.predict([(question, f"{last[begin:]} {last[:begin]}")])[0]
print(f"the last that fills the limit, the answer's part moved to its front: {in_front:.2f}")
draw_window(alarm, go_home, rows, fast.tokenizer)

# %% [markdown]
# The green band is the answer; the best window of each row is orange. As `predict` reads the document, the
# answer is not there. In the second row one window holds it, and scores *lower* than the one that does not.
# Its score rises with the page's heading in front (first line), and more with the answer's part in front
# (third line); its length hardly changes. (A heading does not lift every window: second line.) So the score
# depends on more than whether the answer is there: on what stands in front of it, or on where it stands;
# these lines do not tell the two apart, and what length alone does, no line shows. In the third row the
# winner is the short rest at the end of the page, which begins shortly before the answer.
#
# That is one document and one question, chosen because it shows something. And the best of many windows has
# many tries to be higher, so a higher score proves nothing yet. Measure it with a control: for each question,
# the document that answers, and two other long documents of the twelve that do not. Long windows are tried on
# the document that answers. The questions are of two kinds about the same twelve documents: the judged ones,
# which describe a case, often in other words than the document's, and one plain question for each, mostly in
# words of the document. (Seven of the plain ones were written for this count, before they were scored. The
# other five were in the course before, and their scores had been seen: the one on the scorecard above, for
# example. The section on alarms is one of the twelve documents.)

# %%
plain = {
    "exp-023": "What happens to a claim if my approver has decided nothing?",
    "trv-014": "Who keeps the compensation that an airline pays for a delay?",
    "lve-016": "Can I work part time at full pay after parental leave?",
    "pay-005": "Which health plan is a new employee placed in who makes no choice?",
    "hir-012": "How soon must an interviewer fill in the scorecard?",
    "cnd-011": "When does the person who makes a report get a first reply?",
    "sec-020": "Should I keep the machine running in a security incident?",
    "it-022": "How long is mail passed on after somebody leaves?",
    "fac-020": "How many working days before a move must it be requested?",
    "hls-005": "Do I get paid if the site is closed after an alarm?",
    "prc-005": "How many days do bidders get to hand in their offers?",
    "onc-016": "How often do customers hear from us during an incident?",
}
answer_in = dict(answer_of.values())  # {document: answer}
judged = {document: handbook.queries[query] for query, (document, _) in answer_of.items()}
long = list(answer_in)

# %% [markdown]
# **Predict.** In how many of the twelve plain questions is the best window the one with the answer? Does the
# answering document's score rise more often than the others'? And how often does its place among the three
# change?

# %% output="varies"
found = guess("plain questions of the twelve whose best window holds the answer")

# %% output="varies"
cut = {
    document: windows(handbook.documents[document].content, fast.tokenizer, 128, overlap=64)
    for document in long
}


def with_windows(question, document):
    """One question: the document as it is read and by its best window, beside two that do not answer."""
    first = long.index(document)
    three = [long[(first + step) % len(long)] for step in range(3)]  # the one that answers, and two others
    as_read = fast.predict([(question, handbook.documents[other].content) for other in three])
    scores = [fast.predict([(question, window.text) for window in cut[other]]) for other in three]
    best = np.array([part.max() for part in scores])
    room = room_for_document(question, fast) - 1
    wide = windows(handbook.documents[document].content, fast.tokenizer, room, overlap=64)
    by_wide = fast.predict([(question, window.text) for window in wide])
    vectors = embedder.encode([question, *(window.text for window in cut[document])])
    closest = embedder.similarity(vectors[:1], vectors[1:])[0].argmax()
    holds, holds_wide = (
        np.array([answer_in[document] in window.text for window in part]) for part in (cut[document], wide)
    )
    return {
        "best window holds it": holds[scores[0].argmax()],
        "the same by cosine": holds[closest],
        "one at random": np.mean(holds),
        "best long window holds it": holds_wide[by_wide.argmax()],
        "a long one at random": np.mean(holds_wide),
        "its score rises": best[0] > as_read[0],
        "others rise": (best[1:] > as_read[1:]).mean(),
        "its score rises, long windows": by_wide.max() > as_read[0],
        "first of three as read": as_read.argmax() == 0,
        "first of three by best window": best.argmax() == 0,
        "first of three by any one window": np.mean([np.argmax(part) == 0 for part in zip(*scores)]),
    }


tests = {
    kind: pd.DataFrame([with_windows(asked[document], document) for document in long]).astype(float)
    for kind, asked in (("judged", judged), ("plain", plain))
}
found.beside(int(tests["plain"]["best window holds it"].sum()))
share = pd.DataFrame({kind: table.mean() for kind, table in tests.items()})
(100 * share).round().astype(int).astype(str) + " %"
# claim: For plain questions the best window is mostly the one with the answer, and windows raise the
#   answering document more often than others as long.
# control: a window drawn at random; as many windows of two long documents that do not answer
# holds: share.loc["best window holds it", "plain"] > share.loc["one at random", "plain"] + 0.4
#   and share.loc["its score rises", "plain"] > share.loc["others rise", "plain"] + 0.3
# value: f"{share.loc['best window holds it', 'plain']:.0%}, at random "
#   f"{share.loc['one at random', 'plain']:.0%}, by cosine {share.loc['the same by cosine', 'plain']:.0%}; "
#   f"rises in {share.loc['its score rises', 'plain']:.0%}, others {share.loc['others rise', 'plain']:.0%}"
# claim: For the judged questions windows raise the answering document less often than for plain ones.
# control: plain questions about the same documents; as many windows of documents that do not answer
# holds: share.loc["its score rises", "judged"] < share.loc["its score rises", "plain"] - 0.2
# value: f"{share.loc['its score rises', 'judged']:.0%} (others {share.loc['others rise', 'judged']:.0%}), "
#   f"plain {share.loc['its score rises', 'plain']:.0%}"

# %% [markdown]
# - **Plain questions:** the best small window holds the answer far more often than one at random, and the
#   answering document rises far more often than the others. So it is not only the maximum of many. The cosine
#   of the same windows, which needs no reranker, finds it as often. With
#   long windows the answering document rises less often (and how often the others would, was not counted);
#   half of the long windows hold the answer anyway.
# - **Judged questions:** with small windows the answering document does not rise clearly more often than the
#   others. A window shows the answer to the model. Whether the model recognises it is another matter. The
#   cosine's best window holds it in more of the twelve, too few to tell the two apart.
# - **The place** hardly changes in either. Even one window of each document, the first of all three or the
#   second of all three and so on, mostly puts the right document first: these twelve are about twelve things.
#   For questions in the document's words, windows can tell *where in it* the answer is. Whether they find
#   more documents has to be measured among documents on one subject. Twelve questions of a kind are few, too:
#   one more or less is 8 %.
#
# **At work:** count the tokens of your chunks and of your queries; what is over the limit together is never
# read. If you score windows, choose their size on your own questions, and test them on documents that do not
# answer as well. [](Exercise:long_document) has you repair such a document.
#
# ## 3 · Nothing to find
#
# Ten queries of the handbook have no answer in it. Neither model knows that. The dense search finds 20
# candidates all the same, and the reranker puts one on top.
#
# **Predict.** How high is the top score of a question that nothing answers? These are the five highest.

# %%
recorded = RecordedReranker("handbook", "fp32", live=fast)
answered, found = set(answered_queries(handbook)), {}
for query, text in handbook.queries.items():
    candidates = dense["handbook"].search(text, 20)
    scores = recorded.predict([(text, chunk.content) for chunk, _ in candidates])
    found[query] = [(chunk, float(score), cosine) for (chunk, cosine), score in zip(candidates, scores)]


def on_top(gone=frozenset()):
    """What each judge puts on top of the candidates that are not gone, and whether it is right."""
    rows = []
    for query, candidates in found.items():
        kept = [row for row in candidates if row[0].id not in gone]
        rows.append({"query": query, "answered": query in answered})
        for judge, column in (("reranker", 1), ("cosine", 2)):
            first = max(kept, key=lambda row: row[column])
            right = handbook.qrels.get(query, {}).get(first[0].id, 0) >= 2
            rows[-1] |= {judge: first[column], f"{judge} right": right, f"{judge} top": first[0].text}
    return pd.DataFrame(rows).set_index("query")


top = on_top()
for query, row in top[~top["answered"]].nlargest(5, "reranker").iterrows():
    print(f"{row['reranker']:6.2f}  {handbook.queries[query]}\n        {row['reranker top'][:75]}…")

# %% output="varies"
from rerank_course.lab.charts import score_strip

strips = {
    "answered, right passage on top": top[top["answered"] & top["reranker right"]],
    "answered, another one on top": top[top["answered"] & ~top["reranker right"]],
    "nothing answers": top[~top["answered"]],
}
score_strip({name: rows["reranker"].tolist() for name, rows in strips.items()}, "logit of the passage on top")

# %% [markdown]
# The rows overlap, and the highest scores of all belong to wrong passages. Could a threshold on the top score
# do *something*? For each query we choose it on all the others, the one with the smallest mean of the two
# error rates, and then decide about this one. (Only ten of the questions have no answer. By the plain share
# of errors “always answer” would beat such a threshold, with ten errors in 112.) Beside it, the same with the
# cosine, which needs no reranker.
#
# **Predict.** How many of the answered questions will be refused, and how many of the unanswered ones let
# through?


# %%
from scipy.stats import binomtest


def best_threshold(high, low):
    """The score that separates two groups with the smallest mean error rate; what reaches it passes."""
    return min(np.concatenate([high, low]), key=lambda score: (high < score).mean() + (low >= score).mean())


def left_out(high, low):
    """Which of each group are on the wrong side of the threshold that the others give."""
    refused = [score < best_threshold(np.delete(high, number), low) for number, score in enumerate(high)]
    passed = [score >= best_threshold(high, np.delete(low, number)) for number, score in enumerate(low)]
    return np.array(refused), np.array(passed)


def redrawn(judge, draws=300):
    """95 % of the two error rates if both groups are drawn again, the threshold with them."""
    random, groups = np.random.default_rng(0), (with_answer[judge].to_numpy(), without[judge].to_numpy())
    rates = []
    for _ in range(draws):
        picks = [random.integers(0, len(group), len(group)) for group in groups]
        limit = best_threshold(*(group[pick] for group, pick in zip(groups, picks)))
        high, low = (np.delete(group, pick) for group, pick in zip(groups, picks))  # those left out
        rates.append(((high < limit).mean(), (low >= limit).mean()))
    return np.nanpercentile(rates, [2.5, 97.5], axis=0).T


with_answer, without = top[top["answered"]], top[~top["answered"]]
refused, price = {}, {}
for judge in ("reranker", "cosine"):
    refused[judge], passed = left_out(with_answer[judge].to_numpy(), without[judge].to_numpy())
    shown = []
    for part, (low, high) in zip((refused[judge], passed), redrawn(judge)):
        shown.append(f"{part.sum()} of {len(part)} ({low:.0%} to {high:.0%})")
    print(f"{judge:9} refuses {shown[0]} that have an answer, lets {shown[1]} through that have none")
    right = with_answer[f"{judge} right"]
    price[judge] = (int((right & refused[judge]).sum()), int(right.sum()))
    print("          of the refused, {} had the right passage on top, of {} in all".format(*price[judge]))
only = [int((refused[a] & ~refused[b]).sum()) for a, b in (("reranker", "cosine"), ("cosine", "reranker"))]
print(
    f"refused by the reranker only {only[0]}, by the cosine only {only[1]}: "
    f"p = {binomtest(only[0], sum(only)).pvalue:.2f}"
)
# claim: A threshold on the top score refuses many questions that have an answer; most had a wrong one on top.
# control: each query is decided by a threshold from the others
# holds: refused["reranker"].sum() > 0.2 * len(answered)
#   and price["reranker"][0] < 0.5 * refused["reranker"].sum()
# value: "; ".join(f"{judge} refuses {refused[judge].sum()}, {price[judge][0]} of them right on top"
#   for judge in refused)

# %% [markdown]
# Look at the intervals, for which both groups were drawn again, and the threshold with them. With
# only ten unanswered questions both rates of errors could be very different: the ten choose the threshold
# too. Not each refusal is a loss: if only the top passage is shown, and it is wrong, nothing is lost.
# What is lost are the refused with the right one on top. The cosine, which needs no reranker, loses about as
# many. Which of the two refuses more of the answered questions, the last line does not tell.
#
# ### Answer only when sure
#
# A softer wish: be silent for some questions, and be right more often for the rest. The share of questions
# that get an answer is the [coverage](term:coverage). Sort all the queries by their top score, and go down.
#
# **Predict.** Among the tenth of the queries with the highest top scores, what share has the right passage on
# top, by the reranker? More often than among all, less, or about as often?

# %% output="varies"
surest = guess(
    "right on top among the surest tenth, by the reranker", choices=["more often", "less", "as often"]
)

# %%
covered = np.linspace(0.1, 1, 10)


def precision(top, judge):
    """The share that is right, for each coverage, the surest first."""
    order = top.sort_values(judge, ascending=False)[f"{judge} right"].to_numpy()
    return np.array([order[: round(len(order) * share)].mean() for share in covered])


curves = {judge: precision(top, judge) for judge in ("reranker", "cosine")}
difference = curves["reranker"][0] - curves["reranker"][-1]
surest.beside("as often" if abs(difference) < 0.15 else "more often" if difference > 0 else "less")
for judge, curve in curves.items():
    print(f"{judge:9} right on top: {curve[0]:.0%} of the surest tenth, {curve[-1]:.0%} of all")
# claim: Where the reranker is surest, it is no more often right than over all the questions.
# control: the precision at full coverage
# holds: curves["reranker"][0] < curves["reranker"][-1] + 0.05
# value: "surest tenth {:.2f}, all {:.2f}".format(curves["reranker"][0], curves["reranker"][-1])

# %% [markdown]
# Part 1 saw what stands up there: superseded rules. That can be known without any score, since each passage
# carries its status beside the text. So filter: leave out what is superseded, then what only asks as well.
# None of these answers a query. The control leaves out as many others that answer none, drawn at random.
#
# **Predict.** What share of the surest tenth will be right with the filter?

# %% output="varies"
filtered = guess("right on top among the surest tenth with both left out, in percent")

# %% output="varies"
from rerank_course.lab.charts import draw_lines

outdated = {document for document, kind in status.items() if kind == "superseded"}
asking = {document for document, kind in status.items() if kind == "faq"}
useful_ones = {document for grades in handbook.qrels.values() for document in grades if grades[document] >= 2}
others, random = sorted(set(status) - outdated - asking - useful_ones), np.random.default_rng(0)
gone = outdated | asking
draws = [set(random.choice(others, len(gone), replace=False)) for _ in range(40)]
drawn = [precision(on_top(draw), "reranker") for draw in draws]
for judge in ("reranker", "cosine"):
    curves[f"{judge}, filtered"] = precision(on_top(gone), judge)
filtered.beside(round(100 * curves["reranker, filtered"][0]))
only_outdated = precision(on_top(outdated), "reranker")
print(
    f"superseded rules left out: {only_outdated[0]:.0%} of the surest tenth, {only_outdated[-1]:.0%} of all"
)
print(f"as many others as both, at random: {np.mean(drawn, axis=0)[0]:.0%}, {np.mean(drawn, axis=0)[-1]:.0%}")
draw_lines(
    {name: (100 * covered, curve) for name, curve in curves.items()},
    "coverage: % of the questions answered, surest first",
    "precision",
)
# claim: Without superseded rules and pages that only ask, the surest tenth is mostly right.
# control: as many other passages that answer nothing left out, drawn at random 40 times
# holds: curves["reranker, filtered"][0] > max(curve[0] for curve in drawn) + 0.3
# value: f"{curves['reranker, filtered'][0]:.2f}, at random at most {max(curve[0] for curve in drawn):.2f}, "
#   f"without the filter {curves['reranker'][0]:.2f}"
# claim: The cosine, which needs no reranker, is as good a sign of being right.
# control: the same filter and the same curve for the cosine
# holds: abs(curves["cosine, filtered"] - curves["reranker, filtered"])[:5].mean() < 0.1
# value: "surest half {:.2f}, reranker {:.2f}".format(
#   curves["cosine, filtered"][4], curves["reranker, filtered"][4])

# %%
rows = {}
for name, tops in (("all passages", top), ("filtered", on_top(gone))):
    for judge in ("reranker", "cosine"):
        gains, random = [], np.random.default_rng(0)
        for _ in range(200):
            test = random.permutation(len(tops)) < len(tops) // 2
            held, level = tops[test], tops[~test][judge].median()
            gains.append(held[held[judge] >= level][f"{judge} right"].mean() - held[f"{judge} right"].mean())
        low, high = np.percentile(gains, [2.5, 97.5])
        curve = precision(tops, judge)
        parts = {"surest tenth": 0, "fifth": 1, "three tenths": 2, "half": 4, "all": 9}
        rows[name, judge] = {part: f"{curve[number]:.2f}" for part, number in parts.items()}
        rows[name, judge]["silent below the median"] = f"{np.mean(gains):+.2f} ({low:+.2f} to {high:+.2f})"
pd.DataFrame.from_dict(rows, orient="index")

# %% [markdown]
# Without the filter the reranker's surest tenth is no more often right than all, and leaving out other
# passages does not change that. With it, the surest fifth is nearly always right; then the share falls.
# (Whoever judged gave such pages a grade of 1 at most, for the same reason, so this filter cannot take out a
# right one. A tenth is eleven questions: read the curves, not one point.) For the last column, a question
# gets no answer if its top score is below the median of the *other* half of the queries. It says what that
# adds to the precision; the range is over 200 splits, and no confidence interval. It adds something with and
# without the filter, and on average more with it. The cosine does as well as the reranker.
#
# ### Tell the model
#
# Could the model do what the filter does, if the text said that the rule is over? Take the pairs of part 1
# above 0.95 with a superseded rule whose query has an answer among its twenty, and write it under the
# heading. The control says the opposite.
#
# **Predict.** How many of the rules still score above the best answer when the text says that they are over?

# %% output="varies"
still_above = guess("superseded rules above the best answer, though the text says that they are over")

# %% output="varies"
table = scored["handbook"]
best = table[table["answers"]].groupby("query")[["int8", "cosine"]].max()
rules = table[(table["sigmoid"] > 0.95) & table["document"].isin(outdated) & table["query"].isin(best.index)]
notices = {
    "as it is": "",
    "told": "This rule is no longer in force. It was replaced by another.",
    "the opposite": "This rule is in force. It was confirmed.",
}
asked = [handbook.queries[query] for query in rules["query"]]
vectors = embedder.encode(asked, normalize_embeddings=True)
rows = {}
for name, notice in notices.items():
    pages = [handbook.documents[document] for document in rules["document"]]
    texts = ["\n".join(filter(None, (page.title, notice, page.text))) for page in pages]
    scores = {
        "int8": fast.predict(list(zip(asked, texts))),
        "cosine": (embedder.encode(texts, normalize_embeddings=True) * vectors).sum(axis=1),
    }
    for judge, new in scores.items():
        above = (new > best.loc[rules["query"], judge].to_numpy()).sum()
        rows[name, judge] = {"mean score": new.mean(), "above the best answer": above, "of": len(new)}
told = pd.DataFrame.from_dict(rows, orient="index")
still_above.beside(int(told.loc[("told", "int8"), "above the best answer"]))
told.round(2)
# claim: Told in the text that these rules are no longer in force, the reranker puts most above the answer.
# control: the same page without the sentence, and with one that says the opposite
# holds: told.loc[("told", "int8"), "above the best answer"] > 0.7 * len(rules)
# value: f"{told.loc[('told', 'int8'), 'above the best answer']} of {len(rules)}"

# %% [markdown]
# The means hardly move, in either model, and the opposite does the same. (One wording, a few pairs.) So the
# filter does here what the sentence does not. It is the first repair and not the last: with it, only about
# half of the questions that have an answer have it on top. (The handbook was written with such traps in it,
# so expect less from your texts.)
#
# **At work:** filter by what you know beside the text, status, date, language, before you tune anything.
# Collect questions that your texts do not answer, more than ten; without them no threshold for refusing can
# be tested. If a wrong answer is expensive, put a second reader behind the reranker, a person or a model that
# is asked “does this passage answer the question?”, and measure it on the same questions.
#
# ## What to remember
#
# - **A threshold is tuned on some queries and judged on others,** beside simpler rules. Here it was better
#   than “everything passes”, and no better than **the best k of each query**, where each query had an answer.
# - **A score is no probability until it is calibrated,** and calibration
#   does not mend the order.
# - **Query and document share the limit.** Count tokens. Small windows mostly found the answer's place for
#   questions in the document's words; test yours on documents that do not answer.
# - **The highest wrong scores were mostly rules that no longer hold.** A filter on the status took them away;
#   a sentence in the text did not. Filter first.
# - **A threshold for refusing cannot be tested without questions that nothing answers.** Ten were too few.
#
# **Where it breaks:** quietly. Without judged queries you can count tokens, and how often what stands on top
# no longer holds; the rest needs judgements. And all the figures are of two small models on two small
# collections, some on the handbook alone: test the same wishes on yours.
#
# ## Quiz
#
# Users report that long manuals never come up, although the answer is in them. A colleague wants to raise
# `max_length` from 512 to 2048. What do you expect?
#
# A. It works: the model then reads the whole manual.
#
# B. It cannot work with this model; cut the manuals into windows or sections instead, and measure which size
# finds the answers.
#
# C. It is not needed: the reranker sees the beginning, and the beginning says what a manual is about.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** would need a model that was trained with so many positions. This one has 512, and
# `load_reranker(max_length=2048)` says so in an error.
#
# **B** is right. A window shows the model the answer. Whether it recognises it is another question, which the
# table of windows answers for the handbook and only a table of yours can answer for your texts.
#
# **C** is sometimes true, and you saw it in part 2: a document can stand first though its answer is not read.
# Those documents were about twelve things; among documents on one subject it has to be measured. And it is no
# help when the passage itself is to be shown.
#
# </details>
#
# **On your own:** take the longest document that you work with, ask something that its last page answers, and
# draw it with `draw_window`.
#
# **In practice:** write the points above into your team's checklist for a release of search.
#
# **Further reading:** [Dai and Callan](https://arxiv.org/abs/1905.09217) on windows, and [Boytsov and
# others](https://arxiv.org/abs/2207.01262), who compare ways to read long documents; [Penha and
# Hauff](https://arxiv.org/abs/2101.04356) on what such a model's score says about its certainty, and on
# questions without an answer; [scikit-learn](https://scikit-learn.org/stable/modules/calibration.html) on
# calibration.
#
# **Next:** [](next:)
