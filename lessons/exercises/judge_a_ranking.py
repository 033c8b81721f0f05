# %% [markdown]
# # {title}
#
# **Goal.** Measure two rankings of the same queries with judgements, compare them query by query, and decide
# whether the difference may be an accident.
#
# | | |
# | --- | --- |
# | **Difficulty** | ●●○ |
# | **Time** | {minutes} minutes |
# | **Points** | {points}: reciprocal rank 2, measures 4, judged share 2, comparison 2, decision 2, advice 3 |
# | **You need** | [](lesson:retrieval_flow) |
#
# Each part has a place for your answer and a **check** below it. Run the check as often as you like: it says
# *not attempted*, *wrong* and why, or *right*.
#
# Everywhere in this exercise:
#
# - a **ranking** is a list of document ids, the best first, without scores: `["d7", "d2", …]`;
# - **grades** say how well documents answer one query: `{"d2": 1, "d5": 3, …}`. Grades 2 and 3 answer it, 1
#   and 0 do not. A document that is not in there has been judged by nobody;
# - a **run** holds a ranking for each query, and **qrels** hold the grades for each query: `{"q1": ["d7", …],
#   …}` and `{"q1": {"d2": 1, …}, …}`.

# %% [markdown]
# ## Part 1 · Reciprocal rank, by hand
#
# 1 divided by the place of the first document with grade 2 or 3, and 0 if there is none in the first ten
# places. Count it once in plain Python; the check compares it with ir-measures.

# %% role="solution" id="reciprocal-rank"
def reciprocal_rank(ranking, grades):
    """RR@10 of one query.

    ranking: document ids, best first.
    grades: {document id: grade}; a document that is missing there is unjudged.
    Returns a number from 0 to 1.
    """
    ### BEGIN SOLUTION
    for place, document in enumerate(ranking[:10], start=1):
        if grades.get(document, 0) >= 2:
            return 1 / place
    return 0.0
    ### END SOLUTION


# %%
from rerank_course.checks.judge_a_ranking import check_reciprocal_rank

check_reciprocal_rank(reciprocal_rank)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Go through the first ten documents with `enumerate(…, start=1)` and return as soon as one answers.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `grades.get(document, 0)` gives the grade of a judged document and 0 for an unjudged one, so that an
# unjudged document keeps its place and is no answer.
#
# </details>
#
# *The value is twice as high as it should be, or there is a division by zero?* You count places from 0.

# %% [markdown]
# ## Part 2 · A whole run, with ir-measures
#
# Now let the library count: nDCG@10 and RR@10 for each query, and the mean of each. Two things are for you to
# see to. A query that **nothing answers** (no document of grade 2 or 3) is left out. A query that has an
# answer, and for which the **run found nothing**, stays in and counts as 0; such a query may be missing in
# `run`.


# %% role="solution" id="measure-run"
def measure_run(run, qrels):
    """nDCG@10 and RR@10 of each query that has an answer, and their means.

    run: {query: ranking}. qrels: {query: grades}. For RR@10, grades 2 and 3 are relevant.
    Returns two dictionaries: {"nDCG@10": {query: value, …}, "RR@10": {query: value, …}}
    and {"nDCG@10": mean, "RR@10": mean}.
    """
    ### BEGIN SOLUTION
    import ir_measures
    from ir_measures import RR, nDCG

    answered = {query: grades for query, grades in qrels.items() if max(grades.values()) >= 2}
    scored = [
        ir_measures.ScoredDoc(query, document, -place)
        for query, ranking in run.items()
        for place, document in enumerate(ranking)
    ]
    by_query, mean = {}, {}
    for name, measure in {"nDCG@10": nDCG @ 10, "RR@10": RR(rel=2) @ 10}.items():
        by_query[name] = {
            found.query_id: found.value for found in ir_measures.iter_calc([measure], answered, scored)
        }
        mean[name] = sum(by_query[name].values()) / len(answered)
    return by_query, mean
    ### END SOLUTION


# %%
from rerank_course.checks.judge_a_ranking import check_measure_run

check_measure_run(measure_run)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `ir_measures.iter_calc(measures, qrels, run)` yields one result for each query and measure, with
# `.query_id`, `.measure` and `.value`. The measures are `nDCG @ 10` and `RR(rel=…) @ 10`; without `rel`,
# grade 1 counts as relevant. qrels may be the dictionary that you have.
#
# </details>
# <details><summary>Hint 2</summary>
#
# For the run, ir-measures wants a score for each document and sorts by it, the highest first. You have
# places. [](Lesson:retrieval_flow) made scores out of places: look at how `ScoredDoc` is used there.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Name the measures yourself, for example in a dictionary `{"nDCG@10": …, "RR@10": …}`: with `rel` in it, a
# measure prints under another name. For the mean, divide by the number of queries that have an answer.
#
# </details>
#
# *All values are low, and the worst rankings have the best ones?* Your scores rise from place to place.

# %% [markdown]
# ## Part 3 · How much of it is judged?
#
# Both measures treat an unjudged document as a wrong one. How much that matters you see from the share of the
# first ten documents that have been judged. If a ranking has fewer than ten documents, take the share of
# those that are there. No ranking here is empty.


# %% role="solution" id="judged-at-10"
def judged_at_10(ranking, grades):
    """The share of the first ten documents of one ranking that have a grade, whatever it is. From 0 to 1."""
    ### BEGIN SOLUTION
    top = ranking[:10]
    return len([document for document in top if document in grades]) / len(top)
    ### END SOLUTION


# %%
from rerank_course.checks.judge_a_ranking import check_judged_at_10

check_judged_at_10(judged_at_10)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A document is judged if `document in grades`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `ranking[:10]` is shorter than ten where the ranking is. Divide by its own length.
#
# </details>
#
# *Your share is too low?* You ask for the grade, and a grade of 0 counts as *no* in an `if`.

# %% [markdown]
# ## Part 4 · Query by query
#
# Two systems answered the same queries. Here are their values of one measure, `{query: value}`, the first
# system's and the second's. The two dictionaries hold the same queries, **not always in the same order**.


# %% role="solution" id="compare-queries"
def compare_queries(before, after):
    """Compare two systems on the same queries.

    before, after: {query: value of one measure}.
    Returns three things: the mean of after − before over all queries, the list of the queries whose value
    rose, and the list of those whose value fell.
    """
    ### BEGIN SOLUTION
    differences = {query: after[query] - before[query] for query in before}
    gained = [query for query, difference in differences.items() if difference > 0]
    lost = [query for query, difference in differences.items() if difference < 0]
    return sum(differences.values()) / len(differences), gained, lost
    ### END SOLUTION


# %%
from rerank_course.checks.judge_a_ranking import check_compare_queries

check_compare_queries(compare_queries)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Make a dictionary of differences first. Each of the three answers comes from it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Go through the queries of one dictionary and look each up in both: `after[query] - before[query]`. What do
# you do with a query whose difference is 0?
#
# </details>
#
# *The mean is right and the queries are not?* You paired the values by their place in the dictionaries; a
# mean does not notice.

# %% [markdown]
# ## Part 5 · May it be an accident?
#
# Decide with the 95 % paired bootstrap interval of the mean difference: `"better"` if the second system is
# better and the interval leaves 0 out, `"worse"` if it is worse and the interval leaves 0 out, else `"not
# shown"`. `rerank_course.evaluate` has `bootstrap_interval(values)`, which returns the two ends of the
# interval of a mean.


# %% role="solution" id="decide"
def decide(before, after):
    """ "better", "worse" or "not shown". before and after as in part 4."""
    ### BEGIN SOLUTION
    from rerank_course.evaluate import bootstrap_interval

    low, high = bootstrap_interval([after[query] - before[query] for query in before])
    if low > 0:
        return "better"
    return "worse" if high < 0 else "not shown"
    ### END SOLUTION


# %%
from rerank_course.checks.judge_a_ranking import check_decide

check_decide(decide)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The interval of what? Not of each system's values: the same queries were asked twice, so take the
# differences.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Three cases: both ends above 0, both ends below 0, and all else. An interval that ends at 0 holds 0.
#
# </details>
#
# *You say “not shown” for a gain that nearly every query has?* You compared two intervals with each other.
# Queries differ widely, so those are wide.

# %% [markdown]
# ## A real decision
#
# The handbook is searched with vectors, the *dense* search of [](lesson:retrieval_flow). A colleague proposes
# to rerank its first 20 results. Here are both runs, with scores of the course's reranker in full precision
# that were recorded beforehand.

# %%
from rerank_course import DenseRetriever, load_corpus, load_embedder, retrieve_and_rerank
from rerank_course.engine.recorded_scores import RecordedReranker

handbook = load_corpus("handbook")
dense = DenseRetriever(list(handbook.documents.values()), load_embedder())
found = retrieve_and_rerank(handbook, {"dense": dense}, RecordedReranker("handbook", "fp32"), depths=(20,))
runs = {
    name: {query: [document for document, _ in ranking] for query, ranking in run.items()}
    for name, run in found.items()
}
print(handbook.queries["sec-q02"])
for name, run in runs.items():
    print(f"{name:17}", run["sec-q02"][:3])

# %% [markdown]
# Your functions judge them, first on average.

# %%
import pandas as pd

before, after = runs["dense"], runs["dense + rerank 20"]


def compared(first, second):
    """One row of a table: two systems' values of one measure, compared by your functions."""
    difference, gained, lost = compare_queries(first, second)
    return {
        "queries": len(first),
        "difference": difference,
        "gained": len(gained),
        "lost": len(lost),
        "decision": decide(first, second),
    }


def on_average():
    (first, first_means), (second, second_means) = (
        measure_run(before, handbook.qrels),
        measure_run(after, handbook.qrels),
    )
    return {
        name: {
            "before": first_means[name],
            "after": second_means[name],
            **compared(dict(first[name]), dict(second[name])),
        }
        for name in first
    }


def when_finished(rows, sort_by=None):
    """The rows as a table, as soon as your functions are there."""
    try:
        table = pd.DataFrame.from_dict(rows(), orient="index").round(3)
        return table.sort_values(sort_by) if sort_by else table
    except NotImplementedError:
        return "Finish parts 1 to 5, then run this cell again."


when_finished(on_average)

# %% [markdown]
# How much of the first ten has been judged, on average:


# %%
def share_judged():
    answered = dict(measure_run(before, handbook.qrels)[0]["nDCG@10"])
    return {
        name: {
            "judged@10": sum(judged_at_10(run[query], handbook.qrels[query]) for query in answered)
            / len(answered)
        }
        for name, run in runs.items()
    }


when_finished(share_judged)

# %% [markdown]
# Then nDCG@10 for each kind of query; the last column is your `decide` for the queries of that kind alone.


# %%
def for_each_kind():
    first, second = (dict(measure_run(run, handbook.qrels)[0]["nDCG@10"]) for run in (before, after))
    kinds = dict.fromkeys(handbook.kinds[query] for query in first)
    members = {kind: [query for query in first if handbook.kinds[query] == kind] for kind in kinds}
    return {
        kind: compared({q: first[q] for q in queries}, {q: second[q] for q in queries})
        for kind, queries in members.items()
    }


when_finished(for_each_kind, sort_by="difference")

# %% [markdown]
# ## Part 6 · What do you advise?
#
# Answer your colleague in four to six sentences. What do the tables show **on average**, and what do they not
# show? **Which kinds of query** gain or lose, and how sure can you be of a kind, with so few queries in each
# and so many kinds to look at? **What would you do**: switch it on, leave it off, or something else, and what
# would you measure first? No program reads this part; in a class your teacher does. If you learn alone, write
# first, then compare with [](solution:judge_a_ranking).

# %% [markdown] role="written" id="advice" points=3
# ### BEGIN SOLUTION
# On average the tables show no difference that could not be an accident: about as many queries gained as
# lost, and both intervals hold 0. That does not prove that reranking changes nothing, and the average hides
# two movements in opposite directions. Long documents gain a lot, nine of twelve queries, and theirs is the
# only interval that leaves 0 out; paraphrases lose on average, eight of thirteen queries, but that interval
# holds 0. A dozen queries are few, and with nine looks one of them may seem real by chance. For long
# documents there is also a reason that was known beforehand, a vector cannot hold pages, so I believe that
# one first.
#
# I would not switch it on for every query: it costs twenty pairs each time and has not been shown to help. I
# would judge what both runs have in their first ten and nobody has read, collect new questions of these two
# kinds, and test one plan on them that I fix now: rerank only if a long document is among the candidates.
# ### END SOLUTION

# %% [markdown]
# ## Think about it
#
# - More than half of the documents behind these numbers have been judged by nobody. Which of the two runs
#   could that hurt more, and how would you find out?
# - You looked at nine kinds with intervals of 95 %. If reranking changed nothing at all, how likely is it
#   that at least one kind shows a difference?
#
# ## For graded classes
#
# If you learn alone, you are done.
#
# The checks above are public: they use data that you can see. Your teacher's copy of the next cells also has
# hidden tests, with other runs and other judgements. A function that passes the public checks for the right
# reason passes those too.

# %% role="graded" id="graded-reciprocal-rank" points=2
check_reciprocal_rank(reciprocal_rank).require()
### BEGIN HIDDEN TESTS
check_reciprocal_rank(
    reciprocal_rank,
    cases=[
        (["oak", "elm", "ash", "yew", "fir"], {"elm": 1, "yew": 2, "fir": 3, "box": 3}),
        (["fir"], {"fir": 3}),
        (["oak", "elm"], {"elm": 1, "yew": 3}),
        ([f"tree-{n}" for n in range(1, 14)], {"tree-2": 1, "tree-11": 3}),
        ([f"tree-{n}" for n in range(1, 14)], {"tree-3": 0, "tree-10": 2}),
    ],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-measures" points=4
check_measure_run(measure_run).require()
### BEGIN HIDDEN TESTS
check_measure_run(
    measure_run,
    run={
        "tides": ["bay", "reef", "cape", "dune"],
        "storms": [f"buoy-{n}" for n in range(14)],
        "ferries": ["quay", "cape"],
        "wrecks": ["reef", "bay", "mast", "hull"],
        "whales": ["bay"],
    },
    qrels={
        "lights": {"lamp": 2, "reef": 0},
        "wrecks": {"hull": 3, "mast": 2, "bay": 1, "keel": 3},
        "tides": {"cape": 2, "bay": 1, "moon": 3, "reef": 0},
        "ferries": {"quay": 1, "cape": 1},
        "storms": {"buoy-12": 3, "buoy-5": 2, "buoy-0": 1},
    },
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-judged" points=2
check_judged_at_10(judged_at_10).require()
### BEGIN HIDDEN TESTS
check_judged_at_10(
    judged_at_10,
    cases=[
        (["oak", "elm", "ash", "yew"], {"oak": 0, "yew": 2, "box": 3}),
        ([f"tree-{n}" for n in range(1, 16)], {"tree-1": 0, "tree-9": 1, "tree-10": 3, "tree-12": 2}),
        (["oak", "elm"], {"box": 3}),
    ],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-comparison" points=2
check_compare_queries(compare_queries).require()
### BEGIN HIDDEN TESTS
check_compare_queries(
    compare_queries,
    before={"tides": 0.4, "storms": 0.9, "lights": 0.0, "wrecks": 0.3, "whales": 0.6},
    after={"whales": 0.2, "lights": 0.0, "wrecks": 0.5, "tides": 0.1, "storms": 1.0},
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-decision" points=2
check_decide(decide).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks.judge_a_ranking import two_systems

check_decide(
    decide,
    systems=[
        two_systems(
            [0.1 + 0.7 * (n * 11 % 30) / 30 for n in range(30)],
            [-0.03 * (n % 4) for n in range(30)],
            turned=True,
        ),
        two_systems(
            [0.35 + 0.01 * (n * 7 % 20) for n in range(30)], [0.12 * (n * 5 % 6) - 0.27 for n in range(30)]
        ),
        two_systems(
            [0.2 + 0.01 * (n * 7 % 20) for n in range(30)],
            [0.1 * (n * 3 % 8) - 0.15 for n in range(30)],
            turned=True,
        ),
        two_systems([0.03 * n for n in range(30)], [0.0] * 30, turned=True),
    ],
).require()
### END HIDDEN TESTS
