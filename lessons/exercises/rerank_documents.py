# %% [markdown]
# # {title}
#
# **Goal.** Write the function that a search calls: candidates in, the best ones out, in the right order, and
# a clear error when something is wrong.
#
# | | |
# | --- | --- |
# | **Difficulty** | ●●○ |
# | **Time** | {minutes} minutes |
# | **Points** | {points}: ranking 5, one call 4, what comes back 5, top_k 4, bad arguments 4, bad scores 3 |
# | **You need** | [](lesson:batch_scoring), its first half |
#
# This is one function that grows. Start with step 1 and make its check say *right*. Then go to the next step,
# come back up to the **same cell**, extend the function, run the cell, and run the next check. Until you get
# there, later checks may say *wrong*.
#
# [](Lesson:batch_scoring) shows the package's own version, and you may look things up in it afterwards. Write
# this one yourself: the checks notice a call to that one.
#
# ## The contract
#
# - `query`: one text. Empty, or white space alone: an error that names `query`.
# - `candidates`: a list as the search gave it, best first. Each is a text, a `Chunk`, or a dictionary with a
#   text; `text_of(candidate, "candidates")` from `rerank_course.text` gives the text of any of them, and its
#   error uses that name. One without text: an error that names `candidates`. The empty list: return `[]` and
#   leave the reranker alone.
# - `reranker`: anything that has `predict(pairs, batch_size=…)` and returns one number for each pair. Too few
#   numbers, too many, or NaN: an error that names `reranker`.
# - `batch_size`: is passed on to `predict`. Below 1: an error that names `batch_size`.
# - `top_k`: how many to return. `None`: all. More than there are: all. Below 1: an error that names `top_k`.
# - **It returns** `[(candidate, score), …]`, the highest score first; equal scores in the order in which they
#   came; the candidates are the very objects that were passed in, the scores are Python floats.
# - **Errors** are a `ValueError` or a `TypeError`, with a message in your own words.

# %% role="solution" id="rerank-documents"
def rerank_documents(query, candidates, reranker, batch_size=32, top_k=20):
    """Score each candidate against the query and return the best ones, as the contract above says.

    Returns [(candidate, score), …], the highest score first.
    """
    ### BEGIN SOLUTION
    import math

    from rerank_course.text import text_of

    if not query.strip():
        raise ValueError("The query has nothing in it. What is the user looking for?")
    for name, number in {"batch_size": batch_size, "top_k": top_k}.items():
        if number is not None and number < 1:
            raise ValueError(f"{name}={number} makes no sense: 1 is the smallest.")
    texts = [
        text_of(candidate, f"number {place} of candidates") for place, candidate in enumerate(candidates)
    ]
    if not texts:
        return []

    logits = [
        float(logit) for logit in reranker.predict([(query, text) for text in texts], batch_size=batch_size)
    ]
    if len(logits) != len(texts):
        raise ValueError(f"The reranker gave {len(logits)} scores for {len(texts)} candidates.")
    if any(math.isnan(logit) for logit in logits):
        raise ValueError(
            "The reranker gave NaN for at least one of the candidates, which has no place in any order."
        )
    return sorted(zip(candidates, logits), key=lambda row: row[1], reverse=True)[:top_k]
    ### END SOLUTION


# %% [markdown]
# ## Step 1 · Pairs, scores, order
#
# One pair for each candidate, the query first; the scores of all of them; the best on top. Then also accept
# `Chunk`s and dictionaries: import `text_of` in your function.

# %%
from rerank_course.checks.rerank_documents import check_best_first

check_best_first(rerank_documents)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# [](Exercise:score_pairs) has the parts: pairs, `predict`, and `sorted` with a key. What is new is that a
# candidate and its text are two things: the text goes into the pair, the candidate comes back.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `texts = [text_of(candidate) for candidate in candidates]`, then work with both lists. They have the same
# order, so `zip(candidates, scores)` fits.
#
# </details>
#
# *`AttributeError: 'str' object has no attribute 'content'`?* Not every candidate is a `Chunk`. `text_of`
# knows them all.

# %% [markdown]
# ## Step 2 · One call
#
# The whole list goes to `predict` at once, and `batch_size` with it. The check has a toy reranker that writes
# down how it is called.

# %%
from rerank_course.checks.rerank_documents import check_one_call

check_one_call(rerank_documents)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# If you have a `for` around `predict`, take it away: `predict` cuts a list into batches by itself.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `predict` has more arguments than two, and the second is not `batch_size`. Pass it by its name.
#
# </details>
#
# *The last documents are in no call?* A loop over whole slices lost the shorter one at the end.

# %% [markdown]
# ## Step 3 · What comes back
#
# Equal scores in the order in which they came. The objects that went in, not their texts and not copies.
# Python floats. And the caller's list as it was.

# %%
from rerank_course.checks.rerank_documents import check_what_comes_back

check_what_comes_back(rerank_documents)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Look at what you sort by. Only the score should decide; where two are equal, Python's `sorted` leaves them
# in order, if you let it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A dictionary from text to candidate loses one of two candidates with the same text. Keep candidates and
# scores side by side, as `zip` does, and say `float(…)` once for each score.
#
# </details>
#
# *`TypeError: '<' not supported between instances of 'dict' and 'dict'`?* You sort tuples without a key: at
# equal scores Python compares the candidates.

# %% [markdown]
# ## Step 4 · How many
#
# `top_k` of the best, or all. No candidates, no result, and no call.

# %%
from rerank_course.checks.rerank_documents import check_top_k

check_top_k(rerank_documents)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# When do you know which are the best? Only then can you cut.
#
# </details>
# <details><summary>Hint 2</summary>
#
# What does a slice do with `None`, and with a number past the end? Try `[1, 2, 3][:None]` and `[1, 2,
# 3][:99]`.
#
# </details>
#
# *Right with `top_k=4` and wrong with `None`?* You compare `None` with a number, or use it in `range`.

# %% [markdown]
# ## Step 5 · Bad arguments
#
# An empty query, a candidate without text, a `batch_size` or `top_k` below 1: say so, with a `ValueError` or
# `TypeError` whose message names the argument.

# %%
from rerank_course.checks.rerank_documents import check_bad_arguments

check_bad_arguments(rerank_documents)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `"  "` is not empty for Python. `"  ".strip()` is. And `[1, 2, 3][:-1]` is no error for Python; it should be
# one for you.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `text_of` raises an error for a candidate without text already. With a second argument, `text_of(candidate,
# f"candidates[{i}]")`, the error says which.
#
# </details>
#
# *It raises an error, and the check still says wrong?* The message does not name the argument, or the error
# is of another kind; an `assert` raises `AssertionError`.

# %% [markdown]
# ## Step 6 · Bad scores
#
# The reranker may be a service of somebody else. Do not trust what it returns: count the scores, and look for
# NaN.

# %%
from rerank_course.checks.rerank_documents import check_bad_scores

check_bad_scores(rerank_documents)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `zip` stops at the end of the shorter list and says nothing. Compare the lengths before.
#
# </details>
# <details><summary>Hint 2</summary>
#
# NaN is not equal to anything, itself included. `math.isnan` and `numpy.isnan` find it.
#
# </details>
#
# *Too many scores go unnoticed?* You look only for a list that is too short.

# %% [markdown]
# ## See it at work
#
# A keyword search brings ten passages of the course's handbook. Your function puts them in order.

# %%
from rerank_course import BM25Retriever, load_corpus, load_reranker


def search(question):
    """The best three titles of a keyword search, before and after your function."""
    handbook = load_corpus("handbook")
    found = [chunk for chunk, _ in BM25Retriever(list(handbook.documents.values())).search(question, 10)]
    ranking = rerank_documents(question, found, load_reranker(), batch_size=8, top_k=3)
    before = [f"         {chunk.title}" for chunk in found[:3]]
    after = [f"{score:7.2f}  {chunk.title}" for chunk, score in ranking]
    return "\n".join(["as found", *before, "reranked", *after])


try:
    print(search("Airline sent me $400 because we landed so late. Do I have to hand it over to the company?"))
except NotImplementedError:
    print("Write rerank_documents, then run this cell again.")

# %% [markdown]
# The keyword search counted words of the question; your function read each passage together with it. One
# question proves nothing, so try others. [](Lesson:retrieval_flow) measures a hundred.

# %% [markdown]
# ## Think about it
#
# - Which of the errors in the contract have you met at work as a silent wrong result? What did it cost to
#   find?
# - A colleague wants equal scores to be shuffled, “to be fair”. What would that do to a test that compares
#   today's ranking with yesterday's?
#
# ## For graded classes
#
# If you learn alone, you are done.
#
# The checks above are public: they use data that you can see. Your teacher's copy of the next cells also has
# hidden tests, with other queries and other documents. A function that passes the public checks for the right
# reason passes those too.

# %% role="graded" id="graded-ranking" points=5
check_best_first(rerank_documents).require()
### BEGIN HIDDEN TESTS
check_best_first(
    rerank_documents,
    query="How long is the warranty on a kettle?",
    documents=(
        "The kettle holds one and a half litres.",
        "Warranty cards must be signed by the shop.",
        "We repair or replace any small appliance free of charge for two years.",
        "The warranty on fridges is five years.",
    ),
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-one-call" points=4
check_one_call(rerank_documents).require()
### BEGIN HIDDEN TESTS
check_one_call(
    rerank_documents,
    query="quiet hours",
    documents=[f"Floor {floor} is closed for cleaning." for floor in range(7)],
    batch_size=3,
).require()
check_one_call(
    rerank_documents,
    query="quiet hours",
    documents=[f"Room {room} has a piano." for room in range(41)],
    batch_size=64,
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-what-comes-back" points=5
check_what_comes_back(rerank_documents).require()
### BEGIN HIDDEN TESTS
check_what_comes_back(
    rerank_documents,
    query="How long is the warranty on a kettle?",
    texts=(
        "Kettles and toasters are on the second floor.",
        "A receipt is all that we ask for.",
        "Spare lids are free.",
    ),
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-top-k" points=4
check_top_k(rerank_documents).require()
### BEGIN HIDDEN TESTS
check_top_k(
    rerank_documents,
    query="quiet hours",
    documents=[f"The sauna on deck {deck} opens at noon." for deck in range(26)],
    top_k=7,
).require()
check_top_k(
    rerank_documents,
    query="quiet hours",
    documents=[f"Cabin {cabin} faces the sea." for cabin in range(9)],
    top_k=2,
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-bad-arguments" points=4
check_bad_arguments(rerank_documents).require()
### BEGIN HIDDEN TESTS
check_bad_arguments(
    rerank_documents,
    query="Which ferry takes bicycles?",
    documents=(
        "Bicycles travel on the car deck.",
        "The small ferry has no ramp.",
        "Tickets are sold on board.",
    ),
    below=-12,
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-bad-scores" points=3
check_bad_scores(rerank_documents).require()
### BEGIN HIDDEN TESTS
check_bad_scores(
    rerank_documents,
    query="Which ferry takes bicycles?",
    documents=(
        "Bicycles travel on the car deck.",
        "The small ferry has no ramp.",
        "Tickets are sold on board.",
    ),
).require()
### END HIDDEN TESTS
