# %% [markdown]
# # {title}
#
# **Goal.** Write one query and ten documents, so ten pairs. Rank them with a cross-encoder and by cosine
# similarity, compare the two top 3, and explain two differences.
#
# | | |
# | --- | --- |
# | **Difficulty** | ●●○ |
# | **Time** | {minutes} minutes |
# | **Points** | {points}: models 2, cross-encoder 5, cosine 6, pairs 3, cases 3, explanation 6 |
# | **You need** | [](lesson:start_here) (embedding model), [](lesson:scoring_pairs) (cross-encoder) |
#
# Each part has a place for your answer and a **check** below it. Run the check as often as you like: it says
# *not attempted*, *wrong* and why, or *right*.

# %% [markdown]
# ## Part 1 · Load two models
#
# Return the course's cross-encoder and its embedding model, in this order. `rerank_course.models` has a
# function for each.

# %% role="solution" id="load-models"
def load_models():
    """Return (cross-encoder, embedding model)."""
    ### BEGIN SOLUTION
    from rerank_course import load_embedder, load_reranker

    return load_reranker(), load_embedder()
    ### END SOLUTION


# %%
from rerank_course.checks.cosine_comparison import check_load_models

check_load_models(load_models)

# %% [markdown]
# ## Part 2 · Rank with the cross-encoder
#
# Use `reranker.predict` and sort. (`rerank_documents` would do it for you; write it once by hand.)


# %% role="solution" id="cross-encoder-ranking"
def cross_encoder_ranking(query, documents, reranker):
    """Rank all documents for one query with a cross-encoder.

    Returns [(document, score), …], the best document first. The score is what reranker.predict gives.
    """
    ### BEGIN SOLUTION
    scores = reranker.predict([(query, document) for document in documents])
    return sorted(zip(documents, scores), key=lambda row: row[1], reverse=True)
    ### END SOLUTION


# %%
from rerank_course.checks.cosine_comparison import check_cross_encoder_ranking

check_cross_encoder_ranking(cross_encoder_ranking)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `predict` wants a list of pairs and returns one score for each, in the same order. What has to stay together
# while you sort?
#
# </details>
# <details><summary>Hint 2</summary>
#
# `zip(documents, scores)` keeps each document with its score; `sorted(…, key=…, reverse=True)` puts the
# highest first.
#
# </details>
#
# *The scores come out in another order than the documents?* You sorted one of the two lists alone.

# %% [markdown]
# ## Part 3 · Rank by cosine similarity
#
# The cosine of two vectors *a* and *b* is their dot product divided by both lengths. Your function must give
# a cosine for any embedding model, also for one whose vectors are not of length 1; the check tries one of
# each.


# %% role="solution" id="cosine-ranking"
def cosine_ranking(query, documents, embedder):
    """Rank all documents for one query by the cosine similarity of their embeddings.

    Returns [(document, cosine), …], the best document first.
    """
    ### BEGIN SOLUTION
    query_vector, *document_vectors = embedder.encode([query, *documents], normalize_embeddings=True)
    cosines = [float(vector @ query_vector) for vector in document_vectors]
    return sorted(zip(documents, cosines), key=lambda row: row[1], reverse=True)
    ### END SOLUTION


# %%
from rerank_course.checks.cosine_comparison import check_cosine_ranking

check_cosine_ranking(cosine_ranking)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `embedder.encode(texts)` gives one vector for each text. Encode the query alone and all documents in one
# call.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Either divide by `numpy.linalg.norm`, or look at what `encode(…, normalize_embeddings=True)` does.
#
# </details>
#
# *It passes for one embedder and fails for the other?* Then you return a dot product.

# %% [markdown]
# ## Part 4 · Ten pairs of your own
#
# Write one query and ten different documents, so ten pairs. Choose a subject that you know. The check asks
# that the two models do not put the same three documents on top in the same order, so make it hard: a
# document that repeats the question without answering it, one that answers in other words, one about a
# neighbouring subject, one that says the opposite, one with a number that belongs to something else.


# %% role="solution" id="ten-pairs"
def ten_pairs():
    """Return (query, list of ten documents)."""
    ### BEGIN SOLUTION
    query = "How long can cooked rice stay in the fridge?"
    documents = [
        "Put leftovers into a shallow box within an hour and eat them the next day.",
        "How long can cooked rice stay in the fridge? Readers ask us this every week.",
        "Cooked rice keeps in the refrigerator for one day, then throw it away.",
        "Uncooked rice keeps for years in a dry cupboard.",
        "Cooked chicken can stay in the fridge for three days.",
        "Where in the fridge should cooked rice stay, and in which box?",
        "Rice is cooked when the grains are soft and the water is gone.",
        "A fridge should run at four degrees or colder.",
        "The spores that survive boiling make people ill when grains stand warm for hours.",
        "Frozen in portions, cooked rice lasts for about a month.",
    ]
    return query, documents
    ### END SOLUTION


# %%
from rerank_course.checks.cosine_comparison import check_ten_pairs

check_ten_pairs(ten_pairs)

# %% [markdown]
# Look at both rankings. The table is sorted by the cross-encoder; `moved` is the number of places that a
# document gained over cosine.

# %%
from rerank_course import compare_rankings


def both_rankings():
    """Your ten pairs in both rankings, with the number of each document in your list."""
    query, documents = ten_pairs()
    reranker, embedder = load_models()
    by_cosine = cosine_ranking(query, documents, embedder)
    by_cross_encoder = cross_encoder_ranking(query, documents, reranker)
    table = compare_rankings(by_cosine, by_cross_encoder, ("cosine", "cross-encoder"))
    table.insert(0, "document", [documents.index(text) + 1 for text in table["text"]])
    return table.round(2)


try:
    table = both_rankings()
except NotImplementedError:
    table = "Finish parts 1 to 4, then run this cell again."
table

# %% [markdown]
# ## Part 5 · Two cases in which the rankings differ
#
# Pick two documents from the table whose ranks differ: each in one top 3 and not in the other, or in a top 3
# and at least two places apart. (A swap of neighbours may be noise.) If there are not two, write harder
# documents in part 4. Number documents and ranks from 1; a document's number is its place in your list of
# ten. The shape of the answer, for example: `[{"document": 4, "cross-encoder rank": 1, "cosine rank": 6},
# {…}]`. If you change part 4 later, look the ranks up again.


# %% role="solution" id="two-cases"
def two_cases():
    """Return two dictionaries with the keys "document", "cross-encoder rank" and "cosine rank"."""
    ### BEGIN SOLUTION
    return [
        {"document": 2, "cross-encoder rank": 3, "cosine rank": 1},
        {"document": 10, "cross-encoder rank": 2, "cosine rank": 4},
    ]
    ### END SOLUTION


# %%
from rerank_course.checks.cosine_comparison import check_two_cases

check_two_cases(two_cases, ten_pairs)

# %% [markdown]
# ## Part 6 · Explain them
#
# For each of your two cases, two or three sentences: which ranking do you find better here, and **why** do
# the models differ? Argue from what each model gets to see. No program reads this part; in a class your
# teacher does. If you learn alone, write first, then compare with [](solution:cosine_comparison). A
# good explanation names words of this very document, and would not fit any other.

# %% [markdown] role="written" id="explanation" points=6
# ### BEGIN SOLUTION
# **Document 2** repeats the question and answers nothing. Its vector is almost the vector of the query, so
# cosine puts it first: the embedding model was asked how similar two texts are, and they are very similar.
# The cross-encoder reads both together and finds a question on both sides and a duration on neither, so two
# documents that name a duration pass it. Its score is still high: the words match, and the model is not free
# of the echo.
#
# **Document 10** gives a time for the freezer, and the question was about the fridge. Cosine has it fourth,
# the cross-encoder second. It is the cross-encoder that is wrong to lift it: *how long* meets *about a month*
# and *cooked rice* meets *cooked rice*, a strong match of question and answer, and that outweighs the one
# word that makes it the answer to another question. Neither model reads as a person does.
# ### END SOLUTION

# %% [markdown]
# ## Think about it
#
# - Which of your ten documents would a user of your search page have wanted first? Did either model put it
#   there?
# - Change one word of your query and run everything again. Which ranking moves more?
#
# ## For graded classes
#
# If you learn alone, you are done.
#
# The checks above are public: they use data that you can see. Your teacher's copy of the next cells also has
# hidden tests, with other queries and other documents. A function that passes the public checks for the right
# reason passes those too.

# %% role="graded" id="graded-models" points=2
check_load_models(load_models).require()

# %% role="graded" id="graded-cross-encoder" points=5
check_cross_encoder_ranking(cross_encoder_ranking).require()
### BEGIN HIDDEN TESTS
check_cross_encoder_ranking(
    cross_encoder_ranking,
    query="When does the night train to the coast leave?",
    documents=(
        "The night train to the mountains leaves from platform two.",
        "Departure for the seaside: 22:47, every day but Sunday.",
        "Trains are cleaned at night.",
    ),
).require()
check_cross_encoder_ranking(
    cross_encoder_ranking, query="boiling point of ethanol", documents=["Ethanol boils at 78 degrees."]
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-cosine" points=6
check_cosine_ranking(cosine_ranking).require()
### BEGIN HIDDEN TESTS
check_cosine_ranking(
    cosine_ranking,
    query="When does the night train to the coast leave?",
    documents=(
        "The night train to the mountains leaves from platform two.",
        "Departure for the seaside: 22:47, every day but Sunday.",
        "Trains are cleaned at night.",
    ),
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-pairs" points=3
check_ten_pairs(ten_pairs).require()

# %% role="graded" id="graded-cases" points=3
check_two_cases(two_cases, ten_pairs).require()
