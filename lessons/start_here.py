# %% [markdown]
# # {title}
#
# A search engine finds a hundred texts that look right. A **[reranker](term:reranker)** reads each of them
# together with the question, and tries to put the ones that answer it on top. In this lesson you watch one do
# that, on your own machine.
#
# **What you will do**
#
# - check that this machine has what the course needs;
# - guess an order for three short texts, then see two models order them;
# - look at how the two models differ inside;
# - ask in other words and see all scores change.
#
# **What you need:** the installed course (`make course` did that). No account, no GPU, no network.
#
# **Time:** {minutes} minutes.
#
# Run the cells from top to bottom: click into one and press Shift+Enter. After a *Predict* the result is
# folded away: decide first, then run the cell. Some cells keep your guess and print it beside the result.
# Point at a term's link to see it explained.

# %% [markdown]
# ## Is this machine ready?
#
# The next cell checks Python, every package and both models, and names what is wrong. The first run may take
# half a minute.

# %%
from rerank_course.learner.doctor import run_doctor

ready = run_doctor(only_failures=True)

# %% [markdown]
# If a check failed, its line says what to do. `python -m rerank_course doctor` in a terminal prints the full
# list.
#
# ## One question, three texts
#
# Somebody asks a company's handbook a question. A first search brought three passages.

# %%
question = "How much can I expense without approval?"
passages = [
    "How much can I expense without approval? Ask your line manager.",
    "Expenses without approval are returned to the employee.",
    "Employees may submit expenses up to $500 without pre-approval.",
]

# %% [markdown]
# ## Order by similarity
#
# An *embedding model*, or [embedder](term:embedder), turns each text into a vector, a list of numbers. Texts
# with a similar meaning should get vectors that point in similar directions. The [cosine
# similarity](term:cosine similarity) of two vectors says how similar: 1 is the same direction.
#
# **Predict.** Which passage would you show first? Which one comes first by cosine similarity?

# %%
from rerank_course import load_embedder

embedder = load_embedder()
vectors = embedder.encode([question, *passages])
print(f"{len(vectors)} texts, {vectors.shape[1]} numbers for each")

# %%
cosines = embedder.similarity(vectors[:1], vectors[1:])[0].tolist()
by_cosine = sorted(zip(passages, cosines), key=lambda row: row[1], reverse=True)
for passage, cosine in by_cosine:
    print(f"{cosine:5.2f}  {passage}")

# %% [markdown]
# Look at the first line. That passage is the question itself and one more sentence, an [echo](term:echo). It
# is very *similar* to the question, and does not *answer* it.
#
# ## Order by a reranker
#
# A [cross-encoder](term:cross-encoder) is a model that gets the question and one passage **together** and
# gives one number: how well does this passage answer this question? Higher is better; the number has no fixed
# scale, and [](lesson:scoring_pairs) is about how to read it.
#
# **Predict.** Will the passage that repeats the question stay on top?

# %% output="varies"
from rerank_course.lab.guess import guess

place = guess("place of the passage that repeats the question")

# %%
from rerank_course import load_reranker, rerank_documents

reranker = load_reranker()
by_reranker = rerank_documents(question, passages, reranker)
for passage, score in by_reranker:
    print(f"{score:6.2f}  {passage}")
place.beside([passage for passage, _ in by_reranker].index(passages[0]) + 1)
# claim: In this example the passage that repeats the question is first by cosine, and not by the reranker.
# control: the same three passages ordered by the cosine of their vectors
# holds: by_cosine[0][0] == passages[0] and by_reranker[0][0] == passages[2]
# value: f"first by cosine: passage {passages.index(by_cosine[0][0]) + 1}, by the reranker: passage " +
#   f"{passages.index(by_reranker[0][0]) + 1}"

# %% [markdown]
# The passage that names an amount is now first. **It is rare that an answer scores above the repeated
# question.** [](lesson:what_it_falls_for) adds each of 102 questions of the course's handbook, as one more
# passage, to those judged for it. Nearly always it scores above the best answer, with both models: a passage
# in the question's own words can pass for an answer.
#
# Here are both orders in one picture.

# %% output="varies"
from rerank_course.lab.diagrams import slope_chart

slope_chart(by_cosine, by_reranker, ("cosine", "cross-encoder"))

# %% [markdown]
# ## How they differ inside
#
# The embedding model saw each text **alone**; used like this it is called a [bi-encoder](term:bi-encoder). It
# makes a passage's vector before it knows what will be asked. So the vectors of a million passages can be
# computed once and kept, and a search is fast.
#
# The cross-encoder saw question and passage **together**. Inside, every word of one can be compared with
# every word of the other: *how much* with *$500*, for example. And it is slow: for every new question it has
# to read every passage again. In the picture, as in the field, the question is the *query* and a passage a
# *document*.
#
# Three passages do not show which of these differences decided, nor that the cross-encoder is the better
# judge in general. [](lesson:model_options) counts over a hundred questions, with a case where it shows no
# gain.

# %% output="varies"
from rerank_course.lab.diagrams import draw_encoders

draw_encoders()

# %% [markdown]
# So the two are often used one after the other. The fast model looks at everything and brings the best
# hundred or so; the slow model reads those and puts them in order. That is *retrieve, then rerank*. The rest
# of the course is about doing it well, and about measuring whether the second step gains anything.
#
# ## Ask it another way
#
# The passage about $500 also answers this question: **What is the reimbursement limit?** (Strictly, that is
# the limit without asking first, which is what an employee wants to know.) It is the question that we keep
# coming back to in this course.
#
# **Predict.** The passage is the same and it still holds the answer. Will its score rise, fall, or stay
# within one point?

# %% output="varies"
change = guess("score of the passage that answers", choices=["rises", "falls", "stays"])

# %%
asked_again = rerank_documents("What is the reimbursement limit?", passages, reranker)
for passage, score in asked_again:
    print(f"{score:6.2f}  {passage}")
difference = dict(asked_again)[passages[2]] - dict(by_reranker)[passages[2]]
change.beside("stays" if abs(difference) < 1 else "rises" if difference > 0 else "falls")

# %% [markdown]
# All three scores have dropped, and the passage with the answer is still first, by little. No passage here
# repeats this question. [](lesson:scoring_pairs) shows one that does, and there the answer is not first. The
# answer has no word in common with the question; whether that is why its score fell, one example cannot show.
# (We compared scores of two questions just now. [](lesson:scoring_pairs) counts what that costs.)
#
# The course shows where a reranker fails as carefully as where it works.
#
# ## Where you are in the course
#
# Most lessons from [](lesson:scoring_pairs) on have an exercise, and each exercise has checks that say what
# is right and what is not. A check that you pass is remembered in a small file of yours, on this machine;
# nothing is sent anywhere. Come back to the next cell to see what is done and what comes next, or type
# `python -m rerank_course progress` in a terminal.

# %% output="varies"
from rerank_course.learner.progress import show_progress

show_progress()

# %% [markdown]
# ## What to remember
#
# - **Similar is not relevant.** A text that repeats the question is very similar to it, and may answer
#   nothing. Both kinds of model can put it on top.
# - A **bi-encoder** reads two texts apart and compares their vectors: fast, used for finding.
# - A **cross-encoder** reads two texts together and gives one score: slow, used for ordering a few.
# - The usual way: retrieve with the first, rerank with the second, and measure whether the second gains.
#
# **Where it breaks:** a reranker only orders what it is given. If retrieval did not bring the answer, no
# reranker can put it on top.
#
# ## Quiz
#
# You have a million passages and want the ten best for one question. What do you do?
#
# A. Score all million pairs with the cross-encoder.
#
# B. Take the ten nearest by cosine and leave the cross-encoder out.
#
# C. Take the hundred nearest by cosine, score those with the cross-encoder, keep ten.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** costs a full pass through the model for each of the million pairs, for every new question.
#
# **B** is fast. It can put passages on top that repeat the question and do not answer it; so can a
# cross-encoder. A good embedder may be the better choice.
#
# **C** is the usual way. The cross-encoder reads a hundred passages instead of a million, and can lift an
# answer that was not among the first ten. Whether it does better than **B** on your texts has to be measured:
# sometimes it does not.
#
# </details>
#
# **On your own:** put a question of yours and three passages into the cells above, and guess before you run.
#
# **In practice:** take one search of your own product that gives poor results, copy its first ten results
# into `passages`, and rerank them.
#
# **Further reading:** [Retrieve and
# re-rank](https://sbert.net/examples/sentence_transformer/applications/retrieve_rerank/README.html) in the
# sentence-transformers documentation; Reimers and Gurevych,
# [Sentence-BERT](https://arxiv.org/abs/1908.10084), on why two models.
#
# **Next:** [](next:) If you would rather see first what a score means, go on to
# [{number} · {title}](lesson:scoring_pairs) and come back.
