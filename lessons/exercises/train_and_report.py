# %% [markdown]
# # {title}
#
# **Goal.** Split judged queries so that nothing leaks, find documents to train against, put a brake into the
# loss, and say honestly whether the training helped.
#
# | | |
# | --- | --- |
# | **Difficulty** | ●●● |
# | **Time** | {minutes} minutes |
# | **Points** | {points}: split 4, negatives 3, brake 2, report 3 |
# | **You need** | [](lesson:train_your_own) |
#
# Each part has a place for your answer and a **check** below it. Run the check as often as you like: it says
# *not attempted*, *wrong* and why, or *right*.
#
# `rerank_course.finetune` does all this at work, and more. Here you write the heart of each part once by
# yourself; the parts stand alone. At the end, a small training on real data goes through your split and your
# report. As everywhere, grades 2 and 3 answer a query, 1 and 0 do not, and a document without a grade has
# been judged by nobody.

# %% [markdown]
# ## Part 1 · A split that does not leak
#
# What is trained on one side may not be known on the other. Two queries **belong together**
#
# - where they have the same words, whatever the case, the punctuation and the order (no word is left out,
#   *the* and *a* neither), or
# - where one document answers both.
#
# So does whatever is joined through a third query, and so on. What belongs together stands on one side. How
# you choose, at random or in any order, is up to you.


# %% role="solution" id="split-queries"
def split_queries(queries, answers, size):
    """Split queries into two sides, so that what belongs together stays together.

    queries: {query id: text}.
    answers: {query id: set of the ids of the documents that answer it}; a set may be empty.
    size: the test side has at least so many queries, and fewer than size + the largest group. There are
    always enough for that.
    Returns (training ids, test ids). Each query is on one side.
    """
    ### BEGIN SOLUTION
    import random
    import re

    groups = []  # of (ids, what no other group may have)
    for query, text in queries.items():
        ids = [query]
        shared = {" ".join(sorted(re.findall(r"\w+", text.lower())))} | set(answers[query])
        others = []
        for group in groups:
            if group[1] & shared:  # may be several: then the query joins them
                ids, shared = ids + group[0], shared | group[1]
            else:
                others.append(group)
        groups = others + [(ids, shared)]
    random.Random(1).shuffle(groups)
    test = []
    for ids, _ in groups:
        if len(test) < size:
            test += ids
    return [query for query in queries if query not in test], test
    ### END SOLUTION


# %%
from rerank_course.checks.train_and_report import check_split_queries

check_split_queries(split_queries)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Give each query the things that no query of the other side may share: its words as one text, `" ".join` of
# the sorted words in lower case, and the ids of its answers. `re.findall(r"\w+", text.lower())` has words
# without punctuation.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Go through the queries, and keep a list of groups. A query joins **every** group with which it shares
# something: it may make one group of two that were apart so far. If you know graphs: you want the connected
# components, and `scipy.sparse.csgraph.connected_components` finds them.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Then put whole groups on the test side until it has `size` queries, and all others on the training side.
#
# </details>
#
# *It says that a leak goes through a third query?* You compare a query with one group only, or with the
# queries before it only.

# %% [markdown]
# ## Part 2 · What to train against
#
# A model learns from answers, and from documents that are none. Take, up to `count`:
#
# 1. documents that somebody **judged wrong** (grade 0), in the search's order; behind them, in any order,
#    those of grade 0 that the search did not find;
# 2. then **unjudged** ones in the search's order. They may be answers that nobody has read. So leave out
#    those among the search's **first five**. The limit for the others is the highest score of any answer,
#    minus 1.0, found or not: leave out those whose score is **above the limit**.
#
# Never take a document of grade 1, 2 or 3.


# %% role="solution" id="mine-negatives"
def mine_negatives(found, grades, scores, count):
    """Documents that do not answer a query, to train against.

    found: document ids as the search gave them, best first.
    grades: {document id: 0, 1, 2 or 3}; one at least has 2 or 3.
    scores: {document id: the untouched model's logit}, of all that were found or judged.
    Returns a list of at most count ids: all that may be taken, if there are so few.
    """
    ### BEGIN SOLUTION
    zeros = [document for document in grades if grades[document] == 0]
    negatives = [document for document in found if document in zeros]
    negatives += [document for document in zeros if document not in found]
    best = max(scores[document] for document, grade in grades.items() if grade > 1)
    for document in found[5:]:
        if document not in grades and scores[document] <= best - 1.0:
            negatives.append(document)
    return negatives[:count]
    ### END SOLUTION


# %%
from rerank_course.checks.train_and_report import check_mine_negatives

check_mine_negatives(mine_negatives)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Make three lists, put them behind each other, and cut once at the end: `[:count]`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `document in grades` says whether it was judged. `grades.get(document, 0)` makes a wrong document of every
# unjudged one. `found[5:]` leaves out the first five.
#
# </details>
#
# *A judged document is missing?* The guards are for unjudged ones. What somebody read and found wrong is the
# best that there is, above all where it stands high.

# %% [markdown]
# ## Part 3 · A loss with a brake
#
# Two parts, added up:
#
# - the mean **binary cross-entropy** of the sigmoids of the scores: −log σ(s) for an answer, and
#   −log(1 − σ(s)) for a document that is none;
# - `brake` × the mean **squared difference** between the scores and those of the untouched model.
#
# It must hold for any scores, 1000 and −1000 as well. There, `exp` is too large for a computer, or σ(s) is 0
# and has no logarithm.


# %% role="solution" id="braked-loss"
def braked_loss(scores, untouched, labels, brake):
    """Cross-entropy, plus what it costs to move away from the untouched model.

    scores, untouched: lists of logits, of the same pairs.
    labels: 1 for an answer, 0 for none.
    brake: how much the second part counts, from 0 up.
    Returns one number.
    """
    ### BEGIN SOLUTION
    import numpy as np

    logits, labels, before = (np.array(values, dtype=float) for values in (scores, labels, untouched))
    entropy = np.logaddexp(0, logits) - logits * labels
    return float(entropy.mean() + brake * ((logits - before) ** 2).mean())
    ### END SOLUTION


# %%
from rerank_course.checks.train_and_report import check_braked_loss

check_braked_loss(braked_loss)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `torch.nn.functional.binary_cross_entropy_with_logits(scores, labels)` takes tensors of floats
# (`torch.tensor(labels, dtype=torch.float)`), and `mse_loss` stands beside it; each gives a mean.
#
# </details>
# <details><summary>Hint 2</summary>
#
# By hand: −log σ(s) is log(1 + exp(−s)), and −log(1 − σ(s)) is log(1 + exp(s)). `numpy.logaddexp(0, s)` is
# log(exp(0) + exp(s)), without the overflow.
#
# </details>
#
# *Right but for the last case?* You compute the probability first, and keep it away from 0. What has been
# rounded to 0 does not come back.

# %% [markdown]
# ## Part 4 · Did it help?
#
# The tuned model's nDCG@10 for each query of the test side, and that of **others** which need no training:
# the untouched model, the search alone, a mix. All have the same queries, **not always in the same order**.
#
# Against each of the others say `"better"` or `"worse"` where the 95 % interval of the paired differences
# leaves 0 out, else `"not shown"`. The training **helped** where the tuned model is better than **each** of
# the others. For the interval, `rerank_course.evaluate` has `bootstrap_interval(values)`, which gives the two
# ends of the interval of a mean; a t-interval will do as well.


# %% role="solution" id="report"
def report(tuned, others):
    """What the test side says about a training.

    tuned: {query id: nDCG@10}.
    others: {name: {query id: nDCG@10}}.
    Returns two things: {name: "better", "worse" or "not shown"}, and True or False: whether it helped.
    """
    ### BEGIN SOLUTION
    from rerank_course.evaluate import bootstrap_interval

    verdicts = {}
    for name, values in others.items():
        low, high = bootstrap_interval([tuned[query] - values[query] for query in tuned])
        verdicts[name] = "better" if low > 0 else "worse" if high < 0 else "not shown"
    return verdicts, set(verdicts.values()) == {"better"}
    ### END SOLUTION


# %%
from rerank_course.checks.train_and_report import check_report

check_report(report)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# For each of the others, one list of differences: `tuned[query] - values[query]` for every query. Of that
# list you want the interval.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `all(verdict == "better" for verdict in verdicts.values())`.
#
# </details>
#
# *You say “not shown” for a gain that nearly every query has?* You compared two intervals with each other.
# Queries differ widely, so those are wide.

# %% [markdown]
# ## On real data
#
# The handbook, its judged queries, and BM25 as the search. First your split: nothing on the test side is
# looked at until the end.

# %% output="varies"
from rerank_course import load_corpus
from rerank_course.evaluate import answered_queries

handbook = load_corpus("handbook")
questions = {query: handbook.queries[query] for query in answered_queries(handbook)}
answers = {
    query: {document for document, grade in handbook.qrels[query].items() if grade >= 2}
    for query in questions
}
try:
    training, test = map(list, split_queries(questions, answers, 24))
    print(f"{len(questions)} queries with an answer: {len(training)} to train on, {len(test)} for the test")
except NotImplementedError:
    training, test = [], []
    print("Finish parts 1 and 4, then run these cells again.")

# %% [markdown]
# Now a training that takes a minute or two: 40 queries of your training side, ten of the model's twelve
# layers stay as they are, and of each pair the first 128 tokens are read. A fifth of the 40 is held out to
# watch it. The test side takes no part.
#
# **Predict.** Against the untouched model, and against the search alone: what will your report say?

# %% output="varies"
import os
import tempfile
import warnings
from dataclasses import replace

import pandas as pd

from rerank_course import BM25Retriever, load_reranker, mix, per_query, retrieve_and_rerank
from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.finetune import Recipe, TrainerNotInstalledError, fine_tune

recipe = Recipe(learning_rate=1e-4, epochs=1, frozen_layers=10, negatives=6, max_length=128, patience=None)
search = BM25Retriever(list(handbook.documents.values()))
untouched = RecordedReranker("handbook")


def train():
    """The model after a training on your training side."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tuned = fine_tune(
            handbook, search, f"{folder}/model", recipe, queries=training[:40], untouched=untouched
        )
        print(f"{len(tuned.trained_on)} queries trained on, {len(tuned.held_out)} held out.")
        print("nDCG@10 of those held out:", " → ".join(f"{value:.3f}" for _, value in tuned.looks))
        return load_reranker(str(tuned.folder))


tuned_model = None
is_graded = bool(os.environ.get("NBGRADER_EXECUTION"))  # then nobody waits for a training
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always", UserWarning)
    try:
        tuned_model = train() if training and not is_graded else None
    except TrainerNotInstalledError as missing:
        print(missing)
for text in dict.fromkeys(str(one.message) for one in said if one.category is UserWarning):
    print(text)

# %% [markdown]
# Now the test side, once: the first ten of the search, reranked by the model before the training and after.
# The last column is your report.

# %% output="varies"
asked = replace(handbook, queries={query: questions[query] for query in test})


def by_query(run):
    """{query: nDCG@10} of a run."""
    return per_query(run, asked)["nDCG@10"].to_dict()


def on_the_test_side():
    """A row for each of the others."""
    before = retrieve_and_rerank(asked, {"BM25": search}, untouched, depths=(10,))
    after = retrieve_and_rerank(asked, {"BM25": search}, tuned_model, depths=(10,))
    found, reranked = before["BM25"], before["BM25 + rerank 10"]
    tuned = by_query(after["BM25 + rerank 10"])
    others = {
        "untouched": by_query(reranked),
        "untouched, mixed": by_query({q: mix(found[q], reranked[q][:10]) for q in found}),
        "the search alone": by_query(found),
    }
    verdicts, helped = report(tuned, others)
    print("The training helped." if helped else "That the training helped is not shown.")
    table = pd.DataFrame({"nDCG@10": pd.DataFrame(others).mean().round(3)})
    table["tuned"] = round(sum(tuned.values()) / len(tuned), 3)
    table["the tuned model is"] = pd.Series(verdicts)
    return table


try:
    table = on_the_test_side() if tuned_model else "There is no tuned model yet."
except NotImplementedError:
    table = "Finish part 4, then run this cell again."
table

# %% [markdown]
# <details><summary>After you have run it</summary>
#
# If the tuned model is better than the search alone, compare the untouched model's number with the search's
# as well: that part of the gain cost no training. What the training itself did stands in the first row, and
# most likely it is *not shown*; both numbers may be the same, for so gentle a training hardly changes an
# order. That is an answer too: so few queries teach little, and so few queries cannot show a small gain.
# [](Lesson:train_your_own) has five folds and a learning curve.
#
# You may change `recipe` and run both cells again. But then the test side has been looked at twice: if you
# choose by what you see there, it is a second training side. Choose by the held-out queries, which the
# training prints, and look at the test side once.
#
# </details>

# %% [markdown]
# ## Think about it
#
# - Your test side has 24 queries. A colleague asks for another split, because *this one was unlucky*. What do
#   you say, and what would you do in its place?
# - The guards of part 2 ask the untouched model which documents are too near to an answer. What does a model
#   learn that way about answers which the untouched model does not recognise?
# - With a very large brake, what does the training still change?
#
# ## For graded classes
#
# If you learn alone, you are done.
#
# The checks above are public: they use data that you can see. Your teacher's copy of the next cells also has
# hidden tests, with other queries and other scores. A function that passes the public checks for the right
# reason passes those too.

# %% role="graded" id="graded-split" points=4
check_split_queries(split_queries).require()
### BEGIN HIDDEN TESTS
harbour = {
    "ferry": "Is there a ferry on Sunday?",
    "mast": "How high is the mast?",
    "reef": "Where does the reef begin?",
    "sunday": "On Sunday, is there a FERRY",
    "whale": "When do whales pass?",
    "wreck": "Who may dive to the wreck?",
    "tide": "When is the tide highest?",
    "quay": "Which quay is for fishermen?",
}
harbour_answers = {query: set() for query in harbour} | {
    "ferry": {"timetable"},
    "sunday": {"holidays", "tickets"},
    "reef": {"chart 1", "chart 2", "chart 3"},
    "quay": {"chart 3", "berths"},
    "wreck": {"permits"},
}
forest = {
    "q8": "Which trees lose their leaves?",
    "q3": "How old is the oldest oak?",
    "q5": "What do squirrels eat?",
    "q1": "Who plants the hedges?",
    "q9": "Where is the path to the lake?",
    "q2": "Their leaves: which trees lose?",
    "q6": "When is hunting allowed?",
    "q7": "How is the age of a tree measured?",
    "q4": "May one gather mushrooms?",
}
forest_answers = {
    "q8": {"autumn"},
    "q3": {"records"},
    "q5": {"nuts"},
    "q1": {"wardens"},
    "q9": set(),
    "q2": {"records"},
    "q6": {"wardens", "seasons"},
    "q7": set(),
    "q4": {"nuts", "seasons"},
}
check_split_queries(
    split_queries,
    cases=[
        (harbour, harbour_answers, range(1, 7)),
        (forest, forest_answers, range(1, 6)),
        ({query: forest[query] for query in forest if query not in ("q7", "q9")}, forest_answers, (1, 2, 5)),
    ],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-negatives" points=3
check_mine_negatives(mine_negatives).require()
### BEGIN HIDDEN TESTS
trees = ["oak", "elm", "ash", "yew", "fir", "box", "bay", "gum", "fig", "nut"]
logits = {"oak": 1.0, "elm": 3.0, "ash": 7.0, "yew": -3.0, "fir": 2.0, "box": 5.0, "bay": 5.9, "gum": 1.5}
logits |= {"fig": -2.0, "nut": 0.0, "teak": 6.5, "sloe": -6.0, "plum": 4.0}
judged = {"sloe": 0, "gum": 2, "teak": 3, "plum": 0, "nut": 1, "ash": 0}
check_mine_negatives(
    mine_negatives,
    cases=[
        (trees, judged, logits, (9, 0, 1, 2, 3, 4)),
        (trees[:5], {"elm": 2}, logits, (3,)),
        (trees, {"ash": 1, "fir": 2, "yew": 0, "gum": 0, "oak": 0}, logits, (9, 2, 4)),
        (trees, {"gum": 2}, {tree: -4.0 - 0.8 * place for place, tree in enumerate(trees)}, (2, 5)),
    ],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-brake" points=2
check_braked_loss(braked_loss).require()
### BEGIN HIDDEN TESTS
check_braked_loss(
    braked_loss,
    cases=[
        ([-1000, 1000, 0], [-1001, 998, 1], [1, 1, 0], 2),
        ([-3.0], [-3.0], [0], 4.0),
        ([0.5, 6.0, -6.0, 2.5, -0.25], [2.5, 1.0, -5.0, 2.5, 0.0], [0, 1, 0, 1, 1], 0.1),
    ],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-report" points=3
check_report(report).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks.train_and_report import with_others

spread = [0.15 + 0.7 * (n * 11 % 30) / 30 for n in range(30)]
level = [0.35 + 0.01 * (n * 7 % 20) for n in range(30)]
check_report(
    report,
    cases=[
        with_others(
            level,
            {
                "before": [0.1 * (n * 3 % 5) - 0.05 for n in range(30)],
                "vectors": [0.04 * (n * 7 % 6) - 0.04 for n in range(30)],
                "keywords": [0.02 * (n % 4) for n in range(30)],
            },
            turned=True,
        ),
        with_others(
            spread,
            {
                "keywords": [0.0] * 30,
                "before": [0.03 * (n % 4) for n in range(30)],
                "vectors": [-0.02 * (n * 3 % 5) for n in range(30)],
            },
            turned=True,
        ),
        with_others(level, {"before": [0.1 * (n * 3 % 7) - 0.25 for n in range(30)]}),
        with_others(
            level,
            {
                "keywords": [0.1 * (n * 3 % 5) - 0.05 for n in range(30)],
                "before": [0.08 - 0.06 * (n * 5 % 6) for n in range(30)],
            },
        ),
    ],
).require()
### END HIDDEN TESTS
