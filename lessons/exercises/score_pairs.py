# %% [markdown]
# # {title}
#
# **Goal.** Go the whole way from a query and its documents to a place in the ranking in steps of your own:
# pairs, scores, order, sigmoid, place.
#
# | | |
# | --- | --- |
# | **Difficulty** | ●○○ |
# | **Time** | {minutes} minutes |
# | **Points** | {points}: pairs 1, scores 2, order 2, sigmoid 2, what stays 1, place 2 |
# | **You need** | [](lesson:scoring_pairs) |
#
# Each part is a line or two. It has a place for your answer and a **check** below it. Run the check as often
# as you like: it says *not attempted*, *wrong* and why, or *right*. The first check that needs the model
# takes some seconds to load it.

# %% [markdown]
# ## Part 1 · Build the pairs
#
# A cross-encoder reads pairs. Make one for each document, in the order of the documents. Which of the two
# texts comes first?

# %% role="solution" id="build-pairs"
def build_pairs(query, documents):
    """Pair one query with each of its documents.

    Returns a list of tuples of two texts, one tuple for each document, in the order of the documents.
    """
    ### BEGIN SOLUTION
    return [(query, document) for document in documents]
    ### END SOLUTION


# %%
from rerank_course.checks.score_pairs import check_build_pairs

check_build_pairs(build_pairs)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The model was trained with the question in front. [](Lesson:scoring_pairs), *The order of the pair*, shows
# what happens otherwise: no error, another ranking.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The query is one text and stays the same in every pair, so there is nothing to zip. A list comprehension
# over the documents does it.
#
# </details>
#
# *Your first pair holds a single letter?* You zipped the query, and Python took the text letter by letter.

# %% [markdown]
# ## Part 2 · Score them
#
# `reranker` is what `load_reranker()` gives. The pairs may belong to several queries, and the list may hold a
# single pair.


# %% role="solution" id="score-pairs"
def score_pairs(pairs, reranker):
    """Score pairs with a cross-encoder.

    Returns a list or an array with one score for each pair, in the order of the pairs, as the reranker gives
    it.
    """
    ### BEGIN SOLUTION
    return reranker.predict(pairs)
    ### END SOLUTION


# %%
from rerank_course.checks.score_pairs import check_score_pairs

check_score_pairs(score_pairs)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The method is `predict`. It takes one pair or a list of pairs. What does it give back in each of the two
# cases?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Pass the whole list on and return what comes. No sorting here, and no sigmoid.
#
# </details>
#
# *It complains of one bare number?* Then a pair alone went into `predict`, not a list.

# %% [markdown]
# ## Part 3 · Order by score
#
# Best first. When two documents have equal scores, keep the order in which they came: it is the order of the
# search, the only opinion that is left. Write it without a model.


# %% role="solution" id="order-by-score"
def order_by_score(documents, scores):
    """Order documents by their scores.

    scores is an array with one number for each document.
    Returns [(document, score), …], the highest score first; documents with equal scores stay in the order in
    which they came.
    """
    ### BEGIN SOLUTION
    return sorted(zip(documents, scores), key=lambda row: row[1], reverse=True)
    ### END SOLUTION


# %%
from rerank_course.checks.score_pairs import check_order_by_score

check_order_by_score(order_by_score)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Document and score have to stay together while you sort. By which of the two do you sort? Python's `sorted`
# can be told with `key=`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Python's `sorted` is *stable*: equal ones keep their order, with `reverse=True` too. `sorted(…)[::-1]` turns
# them round, and so does `numpy.argsort(scores)[::-1]`.
#
# </details>
#
# *Right without equal scores, wrong with them?* You sort tuples without a key, reverse after sorting, or use
# an `argsort` that is not stable.

# %% [markdown]
# ## Part 4 · From 0 to 1
#
# Write the sigmoid, $\sigma(x) = 1 / (1 + e^{-x})$, for an array of logits. Use `math`, `numpy` or `torch`,
# as you like.


# %% role="solution" id="squash"
def squash(logits):
    """Send each logit through a sigmoid.

    logits is an array as predict gives it.
    Returns a list or an array with one number between 0 and 1 for each logit, in the same order.
    """
    ### BEGIN SOLUTION
    import math

    return [1 / (1 + math.exp(-logit)) for logit in logits]
    ### END SOLUTION


# %%
from rerank_course.checks.score_pairs import check_squash

check_squash(squash)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Each value comes from one logit alone. The other logits of the list have no say in it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `math.exp` takes one number, so loop; `numpy.exp` takes the whole array at once. Mind the minus in the
# exponent.
#
# </details>
#
# *Your values add up to 1?* That is a softmax, the sigmoid's relative for several labels.

# %% [markdown]
# ## Part 5 · What stays?
#
# All scores of two queries go through the sigmoid. Which of these stay as they were, whatever the logits are?
#
# - **A** the order of the documents of one query
# - **B** how far the best score is ahead of the next
# - **C** which documents pass a limit, if the limit goes through the sigmoid as well
# - **D** which documents score more than 0.5
# - **E** which of two queries has the higher mean score
# - **F** the place of the right answer
#
# If you are not sure, make up a few logits and try.


# %% role="solution" id="what-stays"
def what_stays():
    """Return the set of the letters of all that stays, for example {"B", "E"}."""
    ### BEGIN SOLUTION
    return {"A", "C", "F"}
    ### END SOLUTION


# %%
from rerank_course.checks.score_pairs import check_what_stays

check_what_stays(what_stays)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The curve always rises. So *higher* stays *higher*. Which of the six need nothing else?
#
# </details>
# <details><summary>Hint 2</summary>
#
# The curve is flat far out and steep in the middle. So distances shrink, far out more than in the middle, and
# what is computed from them can turn round.
#
# </details>
#
# *You took D because the limit is the same number?* The same number is another limit now: compare what the
# logit 0.3 does before and after.

# %% [markdown]
# ## Part 6 · On which place is the answer?
#
# Put your functions together. You know which document answers the query; on which place does the reranker put
# it? Places count from 1.


# %% role="solution" id="place-of-answer"
def place_of_answer(query, documents, answer, reranker):
    """The place of one of the documents when all of them are ordered for the query.

    answer is one of the documents.
    Returns a whole number: 1 for the best score, len(documents) for the worst.
    """
    ### BEGIN SOLUTION
    scores = score_pairs(build_pairs(query, documents), reranker)
    ranked = [document for document, _ in order_by_score(documents, scores)]
    return ranked.index(answer) + 1
    ### END SOLUTION


# %%
from rerank_course.checks.score_pairs import check_place_of_answer

check_place_of_answer(place_of_answer, build_pairs, score_pairs, order_by_score)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Parts 1, 2 and 3 in a row give a ranking. Then look where the answer stands in it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A list has `index`, which counts from 0. The rows of the ranking are tuples: take the documents out of them
# first.
#
# </details>
#
# *`ValueError: … is not in list`?* You looked for a text among tuples.

# %% [markdown]
# ## See it at work
#
# [](Lesson:scoring_pairs)'s seven passages and the right answer among them. Three ways to ask for it.
#
# **Predict.** On which place will the answer come out each time?

# %%
import numpy as np

from rerank_course import load_reranker

answer = "Employees may submit expenses up to $500 without pre-approval."
passages = [
    "The gym membership reimbursement limit is reviewed every year.",
    "What is the reimbursement limit?",
    answer,
    "Receipts are kept for seven years.",
    "The speed limit on the plant road is 15 miles an hour.",
    "Parking is free for all employees.",
    "Gym membership fees are reimbursed on request; there is a limit.",
]
questions = (
    "What is the reimbursement limit?",
    "How much can I expense without approval?",
    "What may I spend without asking first?",
)


def places():
    """One line for each question: place, logit and sigmoid of the answer."""
    reranker = load_reranker()
    lines = []
    for question in questions:
        logits = score_pairs(build_pairs(question, [answer]), reranker)
        place = place_of_answer(question, passages, answer, reranker)
        lines.append(
            f"place {place}   logit {logits[0]:6.2f}   sigmoid {squash(np.array(logits))[0]:.4f}   {question}"
        )
    return "\n".join(lines)


try:
    print(places())
except NotImplementedError:
    print("Finish parts 1 to 4 and 6, then run this cell again.")

# %% [markdown]
# ## Think about it
#
# - All three questions have the same right answer. Which of them would a limit of 0.5 on the last number let
#   through? And which of them did the ranking get right?
# - Somebody asks you for the mean score of your search page over all queries, “to watch quality”. What would
#   you watch instead? You have just written it.
#
# ## For graded classes
#
# If you learn alone, you are done.
#
# The checks above are public: they use data that you can see. Your teacher's copy of the next cells also has
# hidden tests, with other queries and other documents. A function that passes the public checks for the right
# reason passes those too.

# %% role="graded" id="graded-pairs" points=1
check_build_pairs(build_pairs).require()
### BEGIN HIDDEN TESTS
check_build_pairs(
    build_pairs,
    query="When does the last bus to the airport leave?",
    documents=(
        "The first bus to the airport leaves at five in the morning.",
        "Buses to the stadium leave from stop four.",
        "The airport line runs every twenty minutes until a quarter past midnight.",
    ),
).require()
check_build_pairs(
    build_pairs, query="boiling point of ethanol", documents=["Ethanol boils at 78 degrees."]
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-scores" points=2
check_score_pairs(score_pairs).require()
### BEGIN HIDDEN TESTS
check_score_pairs(
    score_pairs,
    pairs=(
        ("When does the last bus to the airport leave?", "Buses to the stadium leave from stop four."),
        ("Where is the taxi rank?", "Taxis wait outside the arrivals hall."),
        (
            "When does the last bus to the airport leave?",
            "The first bus to the airport leaves at five in the morning.",
        ),
    ),
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-order" points=2
check_order_by_score(order_by_score).require()
### BEGIN HIDDEN TESTS
check_order_by_score(
    order_by_score,
    documents=("platform nine", "platform two", "platform five", "platform one", "platform three"),
    scores=(-4.5, 0.25, -4.5, 0.25, -4.5),
).require()
check_order_by_score(
    order_by_score,
    documents=[f"seat {number * 29 % 50}" for number in range(50)],
    scores=[-float(number * 7 % 4) for number in range(50)],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-sigmoid" points=2
check_squash(squash).require()
### BEGIN HIDDEN TESTS
check_squash(squash, logits=(-9.5, 2.5, -0.25, 10.5, 1.0)).require()
check_squash(squash, logits=(-3.0,)).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-what-stays" points=1
check_what_stays(what_stays).require()

# %% role="graded" id="graded-place" points=2
check_place_of_answer(place_of_answer, build_pairs, score_pairs, order_by_score).require()
### BEGIN HIDDEN TESTS
check_place_of_answer(
    place_of_answer,
    query="When does the last bus to the airport leave?",
    documents=(
        "Buses to the stadium leave from stop four.",
        "Taxis wait outside the arrivals hall.",
        "The first bus to the airport leaves at five in the morning.",
        "The airport line runs every twenty minutes until a quarter past midnight.",
    ),
).require()
### END HIDDEN TESTS
