# %% [markdown]
# # {title}
#
# A cross-encoder takes a pair, a query and a document, and gives a number. This lesson is about that number:
# how to get it, how to read it, and what people read into it that is not there.
#
# **What you will do**
#
# - score one pair, then many at once;
# - see a right answer get a very bad score, find out why, and see what helps;
# - swap query and document, and see the order change;
# - turn scores into numbers from 0 to 1, and see what that does not give you;
# - score pairs of your own;
# - look at the scores of three chapters of a handbook for one query.
#
# **What you need:** [](lesson:start_here). [](Lesson:model_options), on choosing a
# model, is useful and not needed.
#
# **Time:** {minutes} minutes.
#
# *The results below come from the last build. To guess without seeing them, choose Edit → Clear Outputs of
# All Cells first.*

# %%
from rerank_course import load_reranker

reranker = load_reranker()
print(type(reranker).__name__, "reads", reranker.max_seq_length, "tokens, query and document together")

# %% [markdown]
# `load_reranker()` gives a `CrossEncoder` of the library
# [sentence-transformers](https://sbert.net/docs/package_reference/cross_encoder/model.html); `predict` and
# `rank` below are the library's own. The model is
# [ms-marco-MiniLM-L12-v2](https://huggingface.co/cross-encoder/ms-marco-MiniLM-L12-v2), trained on questions
# that people typed into a web search. The course restores it from weights that were rounded to 8 bits, so
# that it needs no download; scores can differ a little from the original's. In a project of your own, with a
# network, the same takes two lines after `pip install sentence-transformers`:
#
# ```python
# from sentence_transformers import CrossEncoder
# reranker = CrossEncoder("cross-encoder/ms-marco-MiniLM-L12-v2")
# ```
#
# A *token* is a word or a piece of one. What goes past the limit is cut off without a word of warning;
# [](lesson:failure_modes) is about that.
#
# ## One pair
#
# A pair is a tuple: the query first, the document second. `predict` gives its score.

# %%
question = "How many people live in Berlin?"
population = (
    "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers."
)
print(f"{reranker.predict((question, population)):.2f}")

# %% [markdown]
# One pair, one number. Is it high? There is no way to tell from one number. You need something to compare it
# with.
#
# ## Many pairs
#
# Give `predict` a list of pairs and it gives an array of scores, in the order of the pairs. It cuts the list
# into batches by itself.
#
# **Predict.** The next document is about Berlin and does not answer the question; the one after it is about
# something else. Write down a guess for both scores.

# %%
museums = "Berlin is well known for its museums."
penguins = "Penguins are birds that cannot fly."

pairs = [(question, document) for document in (population, museums, penguins)]
for (_, document), score in zip(pairs, reranker.predict(pairs)):
    print(f"{score:7.2f}  {document}")

# %% [markdown]
# The scores are **logits**: raw outputs of the model's last layer. They have no unit and no fixed ends. You
# have now seen about the highest and the lowest that this model gives. A document about the right city that
# answers another question is already in the lower half.
#
# ## A right answer with a bad score
#
# Now the question that runs through this course, and the passage of the company's handbook that answers it.
# (Strictly, $500 is the limit *without asking first*. That is what an employee wants to know, and the
# handbook's judges gave it the highest grade.)
#
# **Predict.** Where on this model's scale will the pair be?

# %%
query = "What is the reimbursement limit?"
answer = "Employees may submit expenses up to $500 without pre-approval."

print(f"{reranker.predict((query, answer)):.2f}")

# %% [markdown]
# A right answer, near the bottom of the scale. If you drop every document below some fixed score, you may
# drop this one.
#
# What counts is the order among the candidates of **one** query. So let us look at the competition.
#
# **Predict.** On which place will the answer come out of these seven?

# %%
candidates = [
    answer,
    "The gym membership reimbursement limit is reviewed every year.",
    "What is the reimbursement limit?",
    "Receipts are kept for seven years.",
    "The speed limit on the plant road is 15 miles an hour.",
    "Parking is free for all employees.",
    "Gym membership fees are reimbursed on request; there is a limit.",
]
for row in reranker.rank(query, candidates):
    print(f"{row['score']:7.2f}  {candidates[row['corpus_id']]}")

# %% [markdown]
# `rank` is `predict` with the sorting done. It takes one query and a list of documents and gives
# dictionaries, best first: `corpus_id` is the place in your list, and `return_documents=True` would add the
# text.
#
# On top is a passage that only repeats the question: an **echo**. In [](lesson:start_here) the reranker put
# an echo below the answer. Here it falls for one. The difference is in the answer: there it had words in
# common with the question, here it has none. It says *expenses* and *up to* where the question says
# *reimbursement* and *limit*, and the gym passages have both words. To see that it is the answer, one has to
# know that the sentence stands in the expense policy. The sentence does not say so. Its **heading** did, and
# the heading was lost when the page was cut into pieces, or *chunks*, as search systems do with long pages.
#
# ## What helps: the heading, and the words of the asker
#
# The course's handbook keeps each heading. A `Chunk` has a title and a text; its `content` is both.

# %%
from rerank_course import load_corpus

handbook = load_corpus("handbook")
chunk = handbook.documents["exp-001"]
print(chunk.content)

# %% [markdown]
# **Predict.** How much can a few words in front of a sentence change? Guess the score and the place among the
# same seven.

# %%
versions = {
    "the bare sentence": answer,
    "with its heading": chunk.content,
    "with a heading in the asker's words": "Reimbursement limits: " + answer,
}
for name, text in versions.items():
    ranking = reranker.rank(query, [text, *candidates[1:]])
    place = [row["corpus_id"] for row in ranking].index(0) + 1
    print(f"{ranking[place - 1]['score']:7.2f}  place {place} of {len(ranking)}  {name}")

# %% [markdown]
# The same sentence, the same model, the same question. Its own heading lifts the answer a long way up the
# scale and out of the heap of unrelated passages, but not past the echo and the gym. A heading that uses the
# asker's words puts it first. You cannot write headings for questions that you do not know yet; you can write
# headings that say what a passage is about in the words that people use.
#
# The other side can move as well. Here is another way to ask, with the bare sentences.

# %%
for row in reranker.rank("How much can I expense without approval?", candidates)[:3]:
    print(f"{row['score']:7.2f}  {candidates[row['corpus_id']]}")

# %% [markdown]
# **At work on Monday:** read ten of your chunks as the model gets them, without the page around them. If you
# cannot tell what a chunk is about, neither can the reranker.
#
# ## The order of the pair
#
# The model was trained on (query, document). Nothing stops you from passing them the other way round, and no
# error tells you.
#
# **Predict.** One of these two passages answers the question, the other says nothing. Will it matter which
# way round they go in?

# %%
empty = "People live in Berlin."
for document in (population, empty):
    forward, backward = reranker.predict([(question, document), (document, question)])
    print(f"(query, document) {forward:5.2f}   (document, query) {backward:5.2f}   {document[:40]}")

# %% [markdown]
# The swapped scores look like any others, and they turn the order around. It is a mistake that nothing
# reports, so check it early when a reranker disappoints.
#
# ## From 0 to 1: the sigmoid
#
# Some rerankers give numbers between 0 and 1. Usually there is a logit behind them, sent through a sigmoid:
# $\sigma(x) = 1 / (1 + e^{-x})$. You can ask for it here too.

# %%
import torch

examples = {
    "Berlin, population": (question, population),
    "Berlin, museums": (question, museums),
    "reimbursement limit": (query, answer),
}
logits = reranker.predict(list(examples.values()))
squashed = reranker.predict(list(examples.values()), activation_fn=torch.nn.Sigmoid())
for name, logit, value in zip(examples, logits, squashed):
    print(f"{logit:7.2f}  ->  {value:.4f}  {name}")

# %% output="varies"
from rerank_course.lab.diagrams import sigmoid_curve

sigmoid_curve(dict(zip(examples, logits.tolist())))

# %% [markdown]
# The curve always rises, so the **order stays the same**. Two things do not come with it:
#
# - **Do not read it as a probability.** The reimbursement limit is a right answer, and its number is almost
#   0.
# - **0.5 is no natural threshold.** It is the logit 0, and nothing special happens there.
#
# A model's configuration can name the function that `predict` applies. The ms-marco models name *Identity*,
# which does nothing, so you get logits. If a model with one output names none, as the bge rerankers do, the
# library applies a sigmoid ([source](https://sbert.net/docs/package_reference/cross_encoder/model.html)). A
# threshold that was tuned for one model means nothing for another.

# %%
print("this model's function:", reranker.activation_fn)

# %% [markdown]
# ## Scores of different queries are not comparable
#
# Three pairs that you have seen, of two different queries.
#
# **Predict.** If we sort them by score, will the right answers come before the wrong one?

# %%
mixed = [
    ("right", query, answer),
    ("right", question, population),
    ("wrong", question, museums),
]
scores = reranker.predict([(q, document) for _, q, document in mixed])
for score, (verdict, q, document) in sorted(zip(scores, mixed), reverse=True):
    print(f"{score:7.2f}  {verdict}  {q}  |  {document[:38]}…")

# %% [markdown]
# The museums are no answer to the question about Berlin, and they score higher than the right answer to the
# other question. How high the best document of a query comes out depends on how the query and the document
# are worded. So compare scores **within** a query, not **between** queries, and do not average them.
#
# ## A pair of your own
#
# `score_pair` shows one pair's logit, the same after a sigmoid, and how much of the model's length the pair
# takes. Here is the answer with its heading once more.

# %%
from rerank_course.lab.explorers.pair_scorer import score_pair

print({name: round(value, 2) for name, value in score_pair(query, chunk.content, reranker).items()})

# %% [markdown]
# **Predict.** What will one word more or less do to the logit, and what to the number after the sigmoid?
# Change the texts in the call above, or type into the boxes below and press Tab. Three things to try:
#
# - Put a heading of yours in front of the document, or take one away. Where the logit is far from 0, watch
#   which of the two numbers stops moving.
# - Ask the same in other words, without touching the document.
# - Paste a long page as the document, and look at the tokens.

# %% output="varies"
from rerank_course.lab.explorers.pair_scorer import pair_scorer

pair_scorer(reranker, query, chunk.content)

# %% [markdown]
# ## Three chapters, one query
#
# Seven candidates are a toy. Let us score every passage of the handbook's chapters on expenses, travel and
# pay, with their headings, for our question. Some of them have been judged for it by reading: 3 answers it in
# full, 2 in part, 1 and 0 do not ([how](../rerank_course/texts/data/handbook/README.md)). These judgements
# are called *qrels*.

# %%
chapters = ("exp", "trv", "pay")
documents = [chunk for chunk in handbook.documents.values() if chunk.id.startswith(chapters)]
judged = handbook.qrels["exp-q01"]
answers = [document for document in documents if judged.get(document.id, 0) >= 2]
print(f"{len(documents)} passages, {len(answers)} of them answer “{query}” in full or in part")

# %% output="varies"
import time

started = time.perf_counter()
scores = reranker.predict([(query, document.content) for document in documents])
seconds = time.perf_counter() - started
print(f"{seconds:.1f} s, {1000 * seconds / len(documents):.0f} ms for a pair on this machine")

# %%
score_of = {document.id: float(score) for document, score in zip(documents, scores)}
groups = {
    "answers it": [score_of[document.id] for document in answers],
    "judged not to": [score for i, score in score_of.items() if judged.get(i, 2) < 2],
    "not judged": [score for i, score in score_of.items() if i not in judged],
}

# %% output="varies"
from rerank_course.lab.charts import score_strip

score_strip(groups, "logit")

# %% [markdown]
# Nearly everything lies in one heap at the bottom. Look at the first row: one of the two answers stands out,
# the other is in the heap. And three passages that do not answer the question are ahead of both. Here are
# those three in full, then the two answers.

# %%
import textwrap

ranked = sorted(documents, key=lambda document: score_of[document.id], reverse=True)
for place, document in enumerate(ranked, start=1):
    if place <= 3 or document in answers:
        print(
            f"place {place}, score {score_of[document.id]:.2f}, "
            f"judged {judged[document.id]}: {document.title}"
        )
        print(textwrap.fill(document.text, 95, initial_indent="    ", subsequent_indent="    "), "\n")

# %% [markdown]
# These are hard cases of the kind that real collections hold:
#
# - The first is perfect, and **out of date**: the handbook's data say that this rule ended with the
#   year 2025. Its text does not say so, and a reranker reads only text. What is out of date has to be
#   kept out before reranking.
# - The next two are **echoes**. They name the question and send the reader elsewhere.
# - The answer in full comes after them. The answer in part, about what happens above the limit, uses none of
#   the question's words.
#
# On this query a user would see the wrong rule first. That is why [](lesson:retrieval_flow)
# measures many queries before it calls anything better; [](lesson:failure_modes) takes such
# failures one by one.
#
# ## What to remember
#
# - A pair is **(query, document)**. `predict` scores pairs in their order; `rank` sorts the documents of one
#   query.
# - For this model a score is a **logit**. Only its place among the other candidates of the same query means
#   something.
# - A right answer can score near the bottom. **Keep the heading with the chunk**, and write headings in the
#   words of those who search.
# - A sigmoid changes the numbers and not the order. It does not make probabilities.
#
# **Where it breaks:** at a fixed threshold, at scores averaged over queries, at swapped pairs, at echoes, at
# rules that are out of date, and at chunks that have lost their subject.
#
# ## Quiz
#
# A colleague keeps only documents with a logit above 0. For some queries the result page is now empty. What
# do you advise?
#
# A. Use a sigmoid and keep what is above 0.5.
#
# B. Keep the best few of each query, whatever their scores.
#
# C. Lower the threshold until the result pages fill.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** changes nothing: a sigmoid of 0.5 is the logit 0, so exactly the same documents pass.
#
# **B** uses what the scores are good for, their order within one query. If “nothing fits” must be told apart
# from “something fits”, that has to be tuned and measured on judged queries of your own.
#
# **C** fills the pages of these queries with the right documents and those of other queries with noise: the
# scale differs from query to query.
#
# </details>
#
# **On your own:** take a document of yours, write two questions that it answers, one in its own words and one
# in quite other words, and score both.
#
# **In practice:** take ten searches of your product, rerank the first hundred results of each with the two
# lines above, time it, and read the first three of each before and after.
#
# **Further reading:** the [CrossEncoder
# reference](https://sbert.net/docs/package_reference/cross_encoder/model.html); Nogueira and Cho, [Passage
# re-ranking with BERT](https://arxiv.org/abs/1901.04085), an early and clear account of scoring pairs this
# way.
#
# **Next:** [](next:)
