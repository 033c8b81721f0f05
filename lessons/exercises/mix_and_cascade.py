# %% [markdown]
# # {title}
#
# **Goal.** Mix the search's scores with the reranker's, choose the mix's weight on queries that you do not
# report, and rank all candidates when the expensive model may read only a few.
#
# | | |
# | --- | --- |
# | **Difficulty** | ●●○ |
# | **Time** | {minutes} minutes |
# | **Points** | {points}: z-scores 2, mix 4, held-out weight 2, budget 2 |
# | **You need** | [](lesson:more_from_the_same_model) |
#
# Each part has a place for your answer and a **check** below it. Run the check as often as you like: it says
# *not attempted*, *wrong* and why, or *right*.
#
# `mix`, `choose_held_out` and `cascade` of the lesson do this at work, and more. Here you write the heart of
# each once by yourself. Part 2 builds on part 1; parts 3 and 4 stand alone.

# %% [markdown]
# ## Part 1 · z-scores
#
# A score's [z-score](term:z-score) is its distance to the mean of its list, in standard deviations of that
# list. Divide by the **number** of scores for the standard deviation, as `np.std` does. Equal scores have the
# standard deviation 0, and say nothing about the order: each of them becomes 0. A list with one score is such
# a list. An empty list stays empty.

# %% role="solution" id="z-scores"
def z_scores(scores):
    """Each score less the mean, divided by the standard deviation, in the order of the scores.

    scores: a list of numbers. It may be empty.
    Returns a list of as many numbers. Equal scores give zeros.
    """
    ### BEGIN SOLUTION
    import numpy as np

    values = np.array(scores, dtype=float)
    if len(values) == 0 or values.max() == values.min():
        return [0.0] * len(values)
    return list((values - values.mean()) / values.std())
    ### END SOLUTION


# %%
from rerank_course.checks.mix_and_cascade import check_z_scores

check_z_scores(z_scores)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `np.mean` and `np.std`, or `fmean` and `pstdev` of the module `statistics`. The `p` stands for a standard
# deviation that divides by the number of scores.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Deal with an empty list and with equal scores first, and return. The scores are equal if the highest is the
# lowest. The standard deviation is a worse question: computers round, and for `[0.1, 0.1, 0.1]` numpy's is
# not quite 0.
#
# </details>
#
# *It gives nan?* numpy divided 0 by 0.

# %% [markdown]
# ## Part 2 · Mix
#
# A candidate's mixed score is (1 − `weight`) × z of the search + `weight` × z of the reranker. Only a
# candidate that has both scores can have one. So both lists of scores are normalised over **those candidates
# alone**. The others, which the reranker did not read, stay behind, in the search's order.


# %% role="solution" id="mix-scores"
def mix_scores(found, reranked, weight):
    """Order a search's candidates by the mix of two scores.

    found: [(document id, the search's score), …], best first.
    reranked: {document id: the reranker's score} for some of them, all, or none.
    weight: the reranker's share, from 0 to 1.
    Returns all ids, best first. Equal mixed scores keep the search's order.
    """
    ### BEGIN SOLUTION
    searched = [(key, score) for key, score in found if key in reranked]
    first = z_scores([score for _, score in searched])
    second = z_scores([reranked[key] for key, _ in searched])
    mixed = {key: (1 - weight) * one + weight * two for (key, _), one, two in zip(searched, first, second)}
    unread = [key for key, _ in found if key not in reranked]
    return sorted(mixed, key=mixed.get, reverse=True) + unread
    ### END SOLUTION


# %%
from rerank_course.checks.mix_and_cascade import check_mix_scores

check_mix_scores(mix_scores, z_scores)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Part the candidates first: those that are in `reranked`, and the others. Then make two lists of scores for
# the former, both in the same order, and call your `z_scores` twice.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A dictionary {id: mixed score}, filled in the search's order, is all that `sorted` needs:
# `key=mixed.get, reverse=True`. `sorted` keeps the order of what is equal, with `reverse=True` as well.
#
# </details>
#
# *A candidate with the reranker score 0.0 falls behind?* `if reranked.get(document)` takes 0.0 for no.

# %% [markdown]
# ## Part 3 · A weight that is held out
#
# Here is the nDCG@10 of each query with each weight. Choose the weight on the **training queries** only. The
# other queries are there for the test of your choice, so they may not have a say in it.


# %% role="solution" id="choose-weight"
def choose_weight(scores_by_weight, training):
    """The weight with the best mean over the training queries.

    scores_by_weight: {weight: {query id: nDCG@10}}, the same queries for each weight.
    training: the ids of the queries that may choose.
    Returns one of the weights. Of equal means it takes the weight nearest to one half, then the smaller one.
    """
    ### BEGIN SOLUTION
    totals = {weight: sum(row[query] for query in training) for weight, row in scores_by_weight.items()}
    best = max(totals.values())
    equal = [weight for weight, total in totals.items() if best - total < 1e-9]
    return min(equal, key=lambda weight: (round(abs(weight - 0.5), 9), weight))
    ### END SOLUTION


# %%
from rerank_course.checks.mix_and_cascade import check_choose_weight

check_choose_weight(choose_weight)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Go through `training` and look each query up by its id. Then nothing else can have a say.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `min` and `max` compare tuples element by element. So one key can hold all three rules, in their order: the
# mean, the distance to one half, the weight itself.
#
# </details>
#
# *It takes the first of two equal weights?* `max` returns the first of those that are equal.

# %% [markdown]
# ## Part 4 · A budget
#
# A pair costs the expensive model (*dear* below) time, and it may read `budget` of them. The cheap model
# reads all candidates and chooses which ones. Call `predict` **once** for each model, with all of its pairs
# in one list.


# %% role="solution" id="cascade-within"
def cascade_within(budget, query, candidates, cheap, dear):
    """Rank all candidates with two models, of which the second reads only the first one's best.

    budget: how many pairs dear may score. With 0, dear is not called. It may be larger than the list.
    candidates: different texts.
    cheap, dear: rerankers; predict(pairs) takes [(query, text), …] and gives a score for each pair.
    Returns all candidates, best first: those that dear read in its order, then the rest in cheap's order.
    """
    ### BEGIN SOLUTION
    pairs = [(query, candidate) for candidate in candidates]
    by_score = dict(zip(candidates, cheap.predict(pairs)))
    ranked = sorted(candidates, key=by_score.get, reverse=True)
    best, rest = ranked[:budget], ranked[budget:]
    if best:
        again = dict(zip(best, dear.predict([(query, candidate) for candidate in best])))
        best = sorted(best, key=again.get, reverse=True)
    return best + rest
    ### END SOLUTION


# %%
from rerank_course.checks.mix_and_cascade import check_cascade_within

check_cascade_within(cascade_within)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Sort all candidates by the cheap model's scores. Cut the list into its first `budget` and the rest. Only one
# of the two parts is sorted again.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `dict(zip(candidates, scores))` keeps each score with its text. `[:0]` is an empty list, and then there is
# nothing to ask.
#
# </details>
#
# *A candidate that dear did not read stands among those that it read?* You sorted both models' scores in one
# list.

# %% [markdown]
# ## On the handbook
#
# Your functions on real scores: the dense search of the handbook, and the reranker's scores of its first 50,
# which were recorded beforehand. Every second query is for training, the others for the test; then the halves
# change places.
#
# **Predict.** How much does a half lose because the other one chose its weight?

# %%
import pandas as pd

from rerank_course import DenseRetriever, load_corpus, load_embedder, per_query, retrieve_and_rerank
from rerank_course.engine.recorded_scores import RecordedReranker

handbook = load_corpus("handbook")
dense = DenseRetriever(list(handbook.documents.values()), load_embedder())
runs = retrieve_and_rerank(handbook, {"dense": dense}, RecordedReranker("handbook", "int8"), depths=(50,))
found, again = runs["dense"], runs["dense + rerank 50"]


def ndcg_with(weight):
    """{query: nDCG@10 of your mix}."""
    mixed = {q: mix_scores(found[q], dict(again[q][:50]), weight) for q in found}
    run = {q: [(document, -place) for place, document in enumerate(ids)] for q, ids in mixed.items()}
    return per_query(run, handbook)["nDCG@10"].to_dict()


def two_halves():
    by_weight = {weight: ndcg_with(weight) for weight in (0, 0.2, 0.4, 0.5, 0.6, 0.8, 1)}
    queries = list(by_weight[0])
    halves = {"every second query": queries[::2], "the others": queries[1::2]}

    def mean(weight, part):
        return sum(by_weight[weight][query] for query in part) / len(part)

    rows = {}
    for (name, training), test in zip(halves.items(), reversed(halves.values())):
        weight = choose_weight(by_weight, training)
        rows[name] = {
            "weight": weight,
            "nDCG@10 there": mean(weight, training),
            "on the other half": mean(weight, test),
            "with its own best weight": max(mean(one, test) for one in by_weight),
            "with the search alone": mean(0, test),
            "in the reranker's order": mean(1, test),
        }
    return pd.DataFrame.from_dict(rows, orient="index").round(3)


try:
    table = two_halves()
except NotImplementedError:
    table = "Finish parts 1 to 3, then run this cell again."
table

# %% [markdown]
# <details><summary>After you have run it</summary>
#
# Read the three columns on the right together with the one before them: all four are about the other half.
# Its own best weight is the most that a choice could have given it, and the chosen weight gives as much or
# nearly so. The mix is above both of its parts, the search alone and the reranker's order.
#
# The numbers of the two halves are far apart, and that is not the choice's doing: the questions of one half
# are harder. So compare a held-out number with other numbers of the same queries, never with the number on
# the queries that chose. Whether the gain over the search may be an accident, ask with the functions of
# [](exercise:judge_a_ranking).
#
# </details>

# %% [markdown]
# ## Think about it
#
# - You have seen the number on the other half. Now you try three more normalisations and keep the one that
#   is best there. Is the number still held out?
# - A colleague replaces a model by one that puts the candidates in the same order and gives them other
#   scores. Once it is the search of part 2, once the cheap model of part 4. What changes in the results?
#
# ## For graded classes
#
# If you learn alone, you are done.
#
# The checks above are public: they use data that you can see. Your teacher's copy of the next cells also has
# hidden tests, with other scores and other names. A function that passes the public checks for the right
# reason passes those too.

# %% role="graded" id="graded-z-scores" points=2
check_z_scores(z_scores).require()
### BEGIN HIDDEN TESTS
check_z_scores(
    z_scores,
    lists=[[0.4, -3.1, 0.4, 8.8, 1.6, -0.7], [-1250.0, 900.0], [-4.5, -4.5], [0.7] * 6, [-0.25], []],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-mix" points=4
check_mix_scores(mix_scores, z_scores).require()
### BEGIN HIDDEN TESTS
search = [
    ("reef", 14.25),
    ("quay", 14.0),
    ("mast", 13.75),
    ("bay", 10.75),
    ("hull", 8.25),
    ("cape", 6.5),
    ("dune", 5.5),
    ("buoy", 3.25),
]
scored = {"buoy": 4.0, "dune": 3.75, "hull": 1.75, "reef": -4.5, "bay": -0.25, "quay": 0.5, "mast": 0.0}
check_mix_scores(
    mix_scores,
    cases=[
        (search, scored, 0.7),
        (search, {name: scored[name] for name in ("mast", "buoy", "quay", "hull", "bay")}, 0.35),
        (search, scored, 1),
        (
            [("yew", 3.0), ("oak", 2.0), ("elm", 2.0), ("ash", 1.0)],
            {"ash": 0.5, "elm": -1.0, "oak": -1.0},
            0.6,
        ),
        ([("yew", 0.9), ("oak", 0.8), ("fir", 0.3)], {"fir": 2.0, "yew": 2.0, "oak": 2.0}, 0.8),
        ([("yew", 0.9), ("oak", 0.8)], {"oak": 0.0}, 1),
        ([("oak", 0.5)], {}, 0.25),
    ],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-weight" points=2
check_choose_weight(choose_weight).require()
### BEGIN HIDDEN TESTS
names = ["tides", "storms", "lights", "wrecks", "whales"]
measured = {
    0.1: [0.65, 0.4, 0.4, 0.65, 0.85],
    0.3: [0.9, 0.6, 0.45, 0.1, 0.2],
    0.5: [0.95, 0.4, 0.15, 0.1, 0.3],
    0.6: [0.2, 0.8, 0.55, 0.9, 0.25],
    0.7: [0.25, 0.65, 0.1, 0.95, 0.6],
    0.9: [0.25, 0.2, 0.5, 0.15, 0.35],
}
table = {weight: dict(zip(names, row)) for weight, row in measured.items()}
even = {weight: {"moon": 0.25, "sun": 0.5, "star": weight} for weight in (1, 0.875, 0, 0.625, 0.375)}
check_choose_weight(
    choose_weight,
    cases=[
        (table, ["storms", "lights", "tides"]),
        (table, ["whales", "wrecks"]),
        (even, ["sun", "moon"]),
        (even, ["star"]),
    ],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-budget" points=2
check_cascade_within(cascade_within).require()
### BEGIN HIDDEN TESTS
towers = [f"Lighthouse {number} has {number * 9} steps." for number in range(1, 9)]
check_cascade_within(
    cascade_within,
    query="Which lighthouse has the most steps?",
    cheap=dict(zip(towers, (4.75, 5.0, 5.5, 2.5, 4.25, 4.0, 4.5, 0.5))),
    dear=dict(zip(towers, (-0.5, 3.0, 2.75, 1.25, 1.75, 4.5, -2.5, -1.0))),
    budgets=[5, 1, 8, 0, 3, 100],
).require()
### END HIDDEN TESTS
