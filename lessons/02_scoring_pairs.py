# %% [markdown]
# # 02 · Scoring pairs
#
# A cross-encoder takes a pair, a query and a document, and gives a number. This lesson is about that number: how to get it, how
# to read it, and what people read into it that is not there.
#
# **What you will do**
#
# - score one pair, then many at once;
# - see a right answer get a very bad score, find out why that is no contradiction, and repair it;
# - swap query and document, and see what that costs;
# - turn scores into numbers from 0 to 1, and see what that does not give you;
# - look at the scores of three chapters of a handbook for one query.
#
# **What you need:** [lesson 00](00_start_here.ipynb).
#
# **Time:** 20 minutes.

# %%
from rerank_course.models import load_reranker

reranker = load_reranker()

# %% [markdown]
# `load_reranker()` gives a `CrossEncoder` of the library
# [sentence-transformers](https://sbert.net/docs/package_reference/cross_encoder/model.html). Everything in this lesson is
# that library's own interface. The model is
# [ms-marco-MiniLM-L12-v2](https://huggingface.co/cross-encoder/ms-marco-MiniLM-L12-v2), trained on questions that people typed into a web search.
#
# ## One pair
#
# A pair is a tuple: the query first, the document second. `predict` gives its score.

# %%
question = "How many people live in Berlin?"
population = "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers."

print(f"{reranker.predict((question, population)):.2f}")

# %% [markdown]
# One pair, one number. Is it high? There is no way to tell from one number. You need something to compare it with.
#
# ## Many pairs
#
# Give `predict` a list of pairs and it gives an array of scores, in the order of the pairs. It cuts the list into batches by itself.
#
# **Predict.** The next document is about Berlin and does not answer the question; the one after it is about something else.
# Write down a guess for both scores.

# %%
museums = "Berlin is well known for its museums."
penguins = "Penguins are birds that cannot fly."

pairs = [(question, document) for document in (population, museums, penguins)]
scores = reranker.predict(pairs)
for (_, document), score in zip(pairs, scores):
    print(f"{score:7.2f}  {document}")

# %% [markdown]
# The scores are **logits**: raw outputs of the model's last layer. They have no unit and no fixed ends. For this model they run from about −11
# to about +10. A document about the right city but with the wrong facts already lies far below zero.
#
# ## A right answer with a bad score
#
# Now the question that runs through this course, and the passage that answers it.
#
# **Predict.** Will the score be above zero or below? By how much?

# %%
query = "What is the reimbursement limit?"
answer = "Employees may submit expenses up to $500 without pre-approval."

print(f"{reranker.predict((query, answer)):.2f}")

# %% [markdown]
# That is a right answer with a score near the bottom of the scale. Many tutorials say that a relevant pair scores high, and would have
# you drop everything below some threshold. Here that rule throws the answer away.
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
# `rank` is `predict` with the sorting done. It takes one query and a list of documents and gives dictionaries, best first:
# `corpus_id` is the place in your list, and `return_documents=True` would add the text.
#
# Look at what stands above the answer. A passage that only repeats the question wins: let us call it an **echo**.
# Next comes a gym membership, because it has the words *reimbursement* and *limit*. The answer has neither. It says
# *expenses* and *up to*, and to know that this is the reimbursement limit one has to know that it stands in the
# expense policy. The passage does not say so. **Its heading did, and the heading was lost** when the page was cut into chunks.
#
# ## The repair: keep the heading with the chunk
#
# The course's handbook keeps each heading. A `Chunk` has a title and a text; its `content` is both.

# %%
from rerank_course.corpora import load_corpus

handbook = load_corpus("handbook")
chunk = handbook.documents["exp-001"]
print(chunk.content)

# %% [markdown]
# **Predict.** How much can three words in front of a sentence change?

# %%
versions = {
    "bare text": chunk.text,
    "with its heading": chunk.content,
    "with a heading in the words of the question": "Reimbursement limits: " + chunk.text,
}
for name, text in versions.items():
    print(f"{reranker.predict((query, text)):7.2f}  {name}")

# %% [markdown]
# The same rule, the same model, the same question. Nothing about the model had to change; the chunk had to say
# what it is about. The other side can move as well: ask as people ask, and the bare text is enough.

# %%
print(f"{reranker.predict(('How much can I expense without approval?', answer)):.2f}")

# %% [markdown]
# **At work on Monday:** look at ten of your chunks as the model sees them, without the page around them. If you cannot tell
# what a chunk is about, neither can the reranker.
#
# ## The order of the pair
#
# The model was trained on (query, document). Nothing stops you from passing them the other way round, and no error tells you.
#
# **Predict.** Will the swapped pairs score the same?

# %%
for document in (population, museums):
    forward, backward = reranker.predict([(question, document), (document, question)])
    print(f"(query, document) {forward:6.2f}    (document, query) {backward:6.2f}    {document[:40]}")

# %% [markdown]
# The swapped scores are plausible numbers, and wrong ones. Here the order of the two documents survives; it need not.
# When a reranker disappoints for no visible reason, look at this first.
#
# ## From 0 to 1: the sigmoid
#
# Some rerankers give numbers between 0 and 1. Behind them is the same logit, sent through a sigmoid:
# $\sigma(x) = 1 / (1 + e^{-x})$. You can ask for it here too.

# %%
import torch

examples = {"Berlin, population": (question, population), "Berlin, museums": (question, museums), "reimbursement limit": (query, answer)}
logits = reranker.predict(list(examples.values()))
squashed = reranker.predict(list(examples.values()), activation_fn=torch.nn.Sigmoid())
for name, logit, value in zip(examples, logits, squashed):
    print(f"{logit:7.2f}  ->  {value:.4f}  {name}")

# %% output="varies"
from rerank_course.plots import sigmoid_curve

sigmoid_curve(dict(zip(examples, logits.tolist())))

# %% [markdown]
# The curve always rises, so the **order stays the same**. Two things do not come with it:
#
# - **It is not a probability that the document is right.** The reimbursement limit is a right answer, and its number is almost 0.
# - **A threshold of 0.5 is not a natural one.** It is the logit 0, and nothing happens at 0.
#
# Which of the two you get from `predict` depends on the model's configuration: for the ms-marco models it asks for the bare logits, and
# where a model with one output says nothing, the library applies a sigmoid, as for the bge rerankers
# ([source](https://sbert.net/docs/package_reference/cross_encoder/model.html)). A threshold that was tuned for one model means nothing for another.

# %%
print("this model's activation:", reranker.activation_fn)

# %% [markdown]
# ## Scores of different queries are not comparable
#
# Two queries, and for each the passage that answers it. Both are right. Let us put all four pairs in one list.

# %%
both_queries = [query, question]
for q in both_queries:
    for document in (answer, population):
        right = (q == query) == (document == answer)
        print(f"{reranker.predict((q, document)):7.2f}  {'right answer' if right else 'unrelated   '}  {q}  |  {document[:34]}…")

# %% [markdown]
# Within each query the right answer is ahead. Across the two, it is another story: how high the best document of a query scores depends on how
# the query is worded as much as on whether the answer is there. So: compare scores **within** a query, never **between** queries,
# and do not average them.
#
# ## Three chapters, one query
#
# Seven candidates are a toy. Let us score every passage of the handbook's chapters on expenses, travel and pay, with their headings, for our
# question. People have judged some passages for it: 2 and 3 answer it, 0 and 1 do not. This takes some seconds: each passage is read
# together with the question.

# %%
documents = [chunk for chunk in handbook.documents.values() if chunk.id.startswith(("exp", "trv", "pay"))]
all_scores = reranker.predict([(query, document.content) for document in documents])
judged = handbook.qrels["exp-q01"]
print(f"{len(documents)} passages, {sum(grade >= 2 for grade in judged.values())} of them judged to answer “{query}”")

# %%
def scores_where(wanted):
    """Scores of the passages whose judgement (None: not judged) is wanted."""
    return [float(score) for document, score in zip(documents, all_scores) if wanted(judged.get(document.id))]

groups = {
    "answers it": scores_where(lambda grade: grade is not None and grade >= 2),
    "looks like it, does not": scores_where(lambda grade: grade is not None and grade < 2),
    "not judged": scores_where(lambda grade: grade is None),
}

# %% output="varies"
from rerank_course.plots import score_strip

score_strip(groups, "logit")

# %% [markdown]
# Nearly everything lies in one heap at the bottom: the model is sure about what has nothing to do with the question. A few passages stand
# out, and some of those are ahead of the ones that answer it. Here are the first five.

# %%
best_first = sorted(zip(documents, all_scores), key=lambda row: row[1], reverse=True)
for document, score in best_first[:5]:
    print(f"{score:6.2f}  judged {judged.get(document.id, '–')}  {document.title}: {document.text[:60]}…")

# %% [markdown]
# Read the first ones. They are the hard cases that every real collection has: the rule that was valid until last year, the question
# list that points elsewhere, the limit of something else. A reranker puts them all on top of the heap. To tell them apart takes
# more than a score, and lesson 05 comes back to that.
#
# ## What to remember
#
# - A pair is **(query, document)**. `predict` scores pairs in their order; `rank` sorts the documents of one query.
# - For this model a score is a **logit**. Only its place among the other candidates of the same query means something.
# - A right answer can score far below zero. **Keep the heading with the chunk.**
# - A sigmoid changes the numbers and not the order. It does not make probabilities.
#
# **Where it breaks:** at a fixed threshold, at scores averaged over queries, at swapped pairs, and at chunks that have lost their subject.
#
# ## Quiz
#
# A colleague keeps only documents with a logit above 0. For some queries the result page is now empty. What do you advise?
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
# **B** uses what the scores are good for, their order within one query. If “nothing fits” must be told apart from “something fits”, that has to be tuned and measured
# on judged queries of your own.
# **C** fills the pages of these queries with the right documents and those of other queries with noise: the scale differs from query to query.
#
# </details>
#
# **On your own:** take a document of yours, write two questions that it answers, one in its own words and one in quite other words, and score both.
#
# **In practice:** [Exercise 05](../exercises/ex05_cosine_comparison.ipynb) has you write ten documents on which a cross-encoder and cosine similarity
# disagree.
#
# **Further reading:** the [CrossEncoder reference](https://sbert.net/docs/package_reference/cross_encoder/model.html); Nogueira and Cho,
# [Passage re-ranking with BERT](https://arxiv.org/abs/1901.04085), where this way of scoring pairs began.
