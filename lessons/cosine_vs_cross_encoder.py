# %% [markdown]
# # {title}
#
# Two models order the same ten texts and do not agree. “The cross-encoder understands more” is what people
# then say, and it explains nothing. In this lesson you take one comparison apart, word by word, until you can
# see what each score hangs on. The cross-encoder is not right every time.
#
# **What you will do**
#
# - rank ten documents by cosine similarity and with a cross-encoder, and count who is right where;
# - see what each model has in hand when the question comes;
# - leave out one word after another, and draw which words a score depends on (it *hangs on* them, we will
#   say);
# - turn three disagreements into explanations that can be tested;
# - count the same disagreements over a hundred judged queries.
#
# **What you need:** [](lesson:scoring_pairs) and [](lesson:retrieval_flow).
#
# **Time:** {minutes} minutes.
#
# *The results below come from the last build. To guess without seeing them, choose Edit → Clear Outputs of
# All Cells first.*

# %%
import pandas as pd

from rerank_course import load_embedder, load_reranker

pd.set_option("display.max_colwidth", None)
reranker = load_reranker()
embedder = load_embedder()

# %% [markdown]
# ## One question, ten documents
#
# The notices of a swimming pool. Each document is of a kind that real searches bring up. Two of them answer
# the question: the one in the asker's words, and the one in other words.

# %%
query = "How much is a student ticket for the pool at the weekend?"
documents = {
    "other words": "Young people in education swim for four euros on Saturdays and Sundays.",
    "asker's words": "A student ticket for the pool is 4 euros at the weekend.",
    "echo": "How much is a student ticket for the pool at the weekend? The desk will tell you.",
    "opposite": "There is no student ticket for the pool at the weekend.",
    "other number": "Parking at the pool is 6 euros at the weekend.",
    "out of date": "In 2019 a student ticket for the pool was 3 euros at the weekend.",
    "same words": "A student won a pool table and a weekend by the sea with one ticket.",
    "neighbour": "The pool opens at seven, at the weekend at nine.",
    "half the question": "A student ticket for the pool is 5 euros from Monday to Friday.",
    "off topic": "Bread tastes best on the day on which it is baked.",
}
answers = ["other words", "asker's words"]
kinds = {text: kind for kind, text in documents.items()}

# %% [markdown]
# **Predict.** Write down three lists of three: the documents that you would show first, the first three by
# cosine, and the first three of the cross-encoder.

# %%
from rerank_course import compare_rankings, rerank_documents

texts = list(documents.values())
cosines = embedder.similarity(embedder.encode([query]), embedder.encode(texts))[0].tolist()
by_cosine = sorted(zip(texts, cosines), key=lambda row: row[1], reverse=True)
by_cross_encoder = rerank_documents(query, texts, reranker, top_k=None)

table = compare_rankings(by_cosine, by_cross_encoder, ("cosine", "cross-encoder"))
table.insert(0, "kind", table["text"].map(kinds))
table.round(2)

# %% [markdown]
# `moved` is the number of places that a document gained over cosine. The same as a picture:

# %% output="varies"
from rerank_course.lab.diagrams import slope_chart

slope_chart(by_cosine, by_cross_encoder, ("cosine", "cross-encoder"))

# %% [markdown]
# ## Who is right?
#
# Do not judge by the first line alone. A move is *right* if an answer goes up or another document goes down.
# And for a whole ranking: take each answer with each of the eight other documents. In how many of these pairs
# does the answer stand higher?
#
# **Predict.** How many of the moves are right, and how many wrong?

# %%
moved = table.set_index("kind")["moved"]
moved = moved[moved != 0]
right = [kind for kind in moved.index if (moved[kind] > 0) == (kind in answers)]
print("right moves:", ", ".join(right))
print("wrong moves:", ", ".join(kind for kind in moved.index if kind not in right))

ranks = table.set_index("kind")
for model in ("cosine", "cross-encoder"):
    place = ranks[f"{model} rank"]
    good = sum(place[a] < place[other] for a in answers for other in documents if other not in answers)
    print(f"{model}: the answer stands higher in {good} of 16 pairs")

# %% [markdown]
# As many wrong moves as right ones, and one pair of sixteen between the two rankings. The first place is what
# differs most: cosine has the echo there, the cross-encoder the answer. Both have the other answer on place
# 8.
#
# Some moves only follow from others: when the echo falls, the documents below it rise without doing anything.
# So explain **scores**, and the places follow.
#
# ## What each model has in hand
#
# First, what the two models *can* know. A bi-encoder turns each document into a vector before anybody asks
# anything. Here are the ten vectors, and after that two questions.
#
# **Predict.** The second question is about parking. How many of the ten vectors have to be computed again for
# it? How many pairs does the cross-encoder have to read again?

# %%
vectors = embedder.encode(texts)  # no question in sight

questions = {"student ticket?": query, "parking?": "How much is parking at the pool at the weekend?"}
columns = {}
for name, question in questions.items():
    columns[name, "cosine"] = embedder.similarity(embedder.encode([question]), vectors)[0].numpy()
    columns[name, "cross-encoder"] = reranker.predict([(question, text) for text in texts])
pd.DataFrame(columns, index=list(documents)).loc[["asker's words", "other number", "off topic"]].round(2)

# %% [markdown]
# None of the vectors, and all ten pairs. Both models find the parking notice for the parking question. But
# cosine compared each question with the *same* vector, written before anybody asked; the cross-encoder read
# the notice twice, each time with another question in mind. That is its strength and its price.
#
# A second difference. Swap question and document:


# %%
def cosine(pairs):
    """The cosine of each pair, in the same form as reranker.predict."""
    queries, documents = zip(*pairs)
    return embedder.similarity_pairwise(embedder.encode(queries), embedder.encode(documents)).tolist()


for kind in ("asker's words", "opposite", "other number"):
    pairs = [(query, documents[kind]), (documents[kind], query)]
    (a, b), (c, d) = cosine(pairs), reranker.predict(pairs)
    print(f"{kind:14} cosine {a:.2f}, swapped {b:.2f}   cross-encoder {c:5.2f}, swapped {d:5.2f}")

# %% [markdown]
# A cosine has no direction. It does not know which of the two texts asks and which should answer; it says how
# alike they are. The cross-encoder was trained with the question first, and for it the two places are not the
# same.
#
# ## Which words does a score hang on?
#
# That much follows from how the models are built. What they make of *these* texts has to be measured. The
# simplest way is to leave out a word and score again:

# %%
parking_notice = documents["other number"]
for text in (parking_notice, parking_notice.replace("6 ", ""), parking_notice.replace("Parking ", "")):
    print(
        f"cosine {cosine([(query, text)])[0]:.2f}   "
        f"cross-encoder {reranker.predict([(query, text)])[0]:5.2f}   {text}"
    )

# %% [markdown]
# `word_importance` does that for each word in turn and returns what the score loses ([Li, Monroe and
# Jurafsky](https://arxiv.org/abs/1612.08220) call it erasure). It takes any function that scores pairs, so it
# serves both models.
#
# **Predict.** For the question about the student ticket and the parking notice: on which two or three words
# will the cross-encoder's score hang most?

# %% output="varies"
from rerank_course.lab.charts import draw_importance
from rerank_course.lab.occlusion import word_importance


def draw_words(kind):
    panels = {
        "cosine": word_importance(query, documents[kind], cosine),
        "cross-encoder": word_importance(query, documents[kind], reranker.predict),
    }
    return draw_importance(panels, "what the score loses without the word")


draw_words("other number")

# %% [markdown]
# Each panel has its own scale: a cosine moves by hundredths, a logit by whole numbers. A bar to the left is a
# word that holds the score *down*.
#
# The cross-encoder wants the *pool*, the *weekend* and an amount, *6 euros*. Without any one of them the
# score falls far. *Parking* counts against the text, but not enough: the notice has what a price question
# asks for, and it is the price of something else. For cosine, *pool* comes first, then *6* and *weekend*;
# *euros* counts for little.
#
# A person sees *Parking* first and stops reading. In both scores it is a short bar.
#
# ## First disagreement: the echo
#
# Cosine has the echo on top, the cross-encoder has it in the middle. To test a wording, put it in place of
# the old one and look at both scores, and at its place among the other nine.


# %%
def scores(texts):
    pairs = [(query, text) for text in texts]
    return pd.DataFrame(
        {"cosine": cosine(pairs), "cross-encoder": reranker.predict(pairs)}, index=list(texts)
    )


base = scores(texts).set_axis(list(documents))


def try_out(kind, *wordings):
    """Scores of other wordings of one document, and their places among the other nine."""
    others, found = base.drop(kind), scores([documents[kind], *wordings])
    for model in base:
        found[f"{model} place"] = [1 + int((others[model] > score).sum()) for score in found[model]]
    return found.round(2).rename(index=lambda text: text.replace("\n", " · "))


# %% [markdown]
# **Predict.** We replace *The desk will tell you* by the answer. Which way does each of the two scores go?

# %%
try_out(
    "echo",
    "How much is a student ticket for the pool at the weekend?",
    "How much is a student ticket for the pool at the weekend? It is 4 euros.",
)

# %% [markdown]
# Go from the first row to the third. The cross-encoder's score about doubles, and the **cosine** goes
# slightly *down*: an answer brings it no more than *The desk will tell you* did. The second row says why. The
# bare question is as similar to itself as can be, and to cosine whatever is added to it, an answer too, is a
# piece of text that the question does not have.
#
# That is the disagreement in one table. Cosine measures how much two texts are alike, and the echo is alike.
# The cross-encoder finds every topic word, but nothing that looks like an amount.
#
# ## Second disagreement: the same words, another subject
#
# The student with the pool table went down by two places. It would be pleasant to say: the cross-encoder
# knows that a pool table is no swimming pool.
#
# **Predict.** Does it? What will happen when we make it a *swimming pool*? And when the ticket gets a price?

# %%
try_out(
    "same words",
    "A student won a swimming pool and a weekend by the sea with one ticket.",
    "A student won a pool table and a weekend by the sea with one 4 euro ticket.",
)

# %% [markdown]
# The swimming pool changes next to nothing, in either model. The price changes everything for the
# cross-encoder, which now puts this nonsense above the echo, while cosine goes down a little.
#
# So the pleasant explanation was wrong. This cross-encoder did not see through the pool table; it looked for
# an amount and found none. The right move, for a shallow reason. If that is so, then it should be the words
# *How much* in the **question** that hold this document down, and others without an amount too.
#
# **Predict.** We take *How much is a* out of the question. Which documents gain by these words, and which
# lose?

# %% output="varies"
without = "Student ticket for the pool at the weekend?"


def effect_of_how_much(score):
    long, short = (score([(question, text) for text in texts]) for question in (query, without))
    return [(kind, float(a - b)) for kind, a, b in zip(documents, long, short)]


draw_importance(
    {"cosine": effect_of_how_much(cosine), "cross-encoder": effect_of_how_much(reranker.predict)},
    "what “How much is a” in the question adds to the score",
)

# %% [markdown]
# Go down the right panel with the texts beside it. The documents with an amount have bars to the right, some
# so short that they hardly show. Those about the pool or the student without an amount all have bars to the
# left. The cross-encoder takes *How much* as an order: bring an amount.
#
# Cosine has heard the two words as well: in the left panel the same three, *opposite*, *same words* and
# *neighbour*, fall furthest. But look at the echo. It has the words *How much* and no amount; cosine gives it
# more for them, the cross-encoder less. And in the table before, an amount in the document brought cosine
# nothing. One model finds a question about a price more like another question about a price; the other looks
# for the price.
#
# ## Third disagreement: out of date
#
# Here the cross-encoder makes it worse: the price of 2019 goes up to place 2.
#
# **Predict.** On which words does its score hang? Does the year hold it down?

# %% output="varies"
draw_words("out of date")

# %% [markdown]
# Look for the row *2019*. There is next to nothing, in both panels. Whoever reads the notice stumbles over
# the year first; neither model does. Now try an explanation: *the cross-encoder lifts this document over the
# one for Monday to Friday because this one says “at the weekend”, as the question does, and the year costs it
# next to nothing. Cosine does not tell “at the weekend” from “from Monday to Friday”.*
#
# An explanation of this kind can fail. If it is right, taking away the weekend must cost the cross-encoder
# the place and cosine nothing, and taking away the year must change little.

# %%
try_out(
    "out of date",
    "In 2019 a student ticket for the pool was 3 euros from Monday to Friday.",
    "A student ticket for the pool was 3 euros at the weekend.",
    "A student ticket for the pool is no longer 3 euros at the weekend.",
)

# %% [markdown]
# It holds. Then compare the last two rows: *no longer* makes the sentence say that this is **not** the price.
# Both scores fall, and neither loses a place.
#
# ## Where cosine reads more
#
# The opposite is on place 6 by cosine and on place 5 for the cross-encoder. **Predict.** Which of the two
# models cares about the little word *no*?

# %% output="varies"
draw_words("opposite")

# %%
try_out("opposite", "There is a student ticket for the pool at the weekend.")

# %% [markdown]
# Cosine does: in the left panel *no* is the longest bar, and it points to the left. For the cross-encoder,
# *there is a ticket* and *there is no ticket* are the same to a tenth of a logit: in neither is there an
# amount. On this document cosine is the better reader. Do not make a rule of it; you have seen one sentence.
#
# ## Where they agree, and both are wrong
#
# A list of disagreements does not show what both get wrong. The answer in other words is on place 8 twice,
# below a pool table.
#
# **Predict.** We put the asker's words back, one phrase at a time. Which phrase is worth most? And what does
# a heading do?

# %%
try_out(
    "other words",
    "Young people in education swim for four euros at the weekend.",
    "Students swim for four euros on Saturdays and Sundays.",
    "Students swim for four euros at the weekend.",
    "Pool tickets\nYoung people in education swim for four euros on Saturdays and Sundays.",
    "Student tickets\nYoung people in education swim for four euros on Saturdays and Sundays.",
)

# %% [markdown]
# One word, *Students*, moves the cross-encoder by several logits; both phrases together by more. A heading of
# two words does it too, as in [](lesson:scoring_pairs), and it is the only change in the table that lifts the
# **cosine place** as well. The text below the heading has not changed.
#
# The third place is wrong in both rankings as well: the ticket for Monday to Friday meets one condition,
# *student*, and not the other, *at the weekend*.

# %%
try_out(
    "half the question",
    "A student ticket for the pool is 5 euros on Saturdays and Sundays.",
    "A student ticket for the pool is 5 euros from Monday to Friday, not at the weekend.",
)

# %% [markdown]
# *From Monday to Friday* or *on Saturdays and Sundays*: hardly a difference, in either model. And *not at the
# weekend*, which rules the document out, brings the word *weekend* and with it a **higher** score, in both
# models. When conditions matter, filter by them before you rank.
#
# ## How to write an explanation
#
# Here are two explanations of why the student with the pool table is lower in the cross-encoder's ranking.
#
# > *The cross-encoder reads query and document together and understands the context. Cosine only compares
# > vectors.*
#
# > *The document has “student”, “pool”, “weekend” and “ticket” from the question, and cosine gives it a place
# > in the middle for these. The cross-encoder finds the same words, but the question begins with “How much”,
# > and the document names no amount. With “one 4 euro ticket” its score rises by several logits; with
# > “swimming pool” for “pool table” it does not.*
#
# The first sounds right, and you could set it under any row of any table. It would “explain” the out-of-date
# price just as well, where the cross-encoder is the one that is wrong. The second names words of this very
# document, and would not fit any other. It says what each model had in hand, and it **could have failed**:
# the last sentence is a test that was run. In three steps:
#
# 1. Leave out words, or look at them, and say which ones carry each score.
# 2. Say what must happen if you are right: change *this* word, and *that* score moves, the other does not.
# 3. Change it and look. If it does not happen, as with the pool table at first, throw the explanation away.
#
# ## Ten pairs are an anecdote
#
# Ten documents show *how* two models can differ. They do not show which one is better. For that, the
# handbook: its judged queries, the first 10 and the first 100 documents of the cosine ranking for each, and
# the same documents as the cross-encoder orders them. The scores are recorded, in full precision this time,
# so the digits differ a little from [](lesson:retrieval_flow)'s.
#
# **Predict.** For how many of a hundred queries will the two agree on the first document? When they do not,
# how often is the cross-encoder's the right one?

# %%
from rerank_course import DenseRetriever, load_corpus, retrieve_and_rerank
from rerank_course.engine.recorded_scores import RecordedReranker

handbook = load_corpus("handbook")
dense = DenseRetriever(list(handbook.documents.values()), embedder)
recorded = RecordedReranker("handbook", "fp32", live=reranker)
runs = retrieve_and_rerank(handbook, {"cosine": dense}, recorded, depths=(10, 100))
first = {
    name: {q: [document for document, _ in ranking[:3]] for q, ranking in run.items()}
    for name, run in runs.items()
}

cosine_first, cross_first = first["cosine"], first["cosine + rerank 100"]
print("queries with an answer:        ", len(cosine_first))
print("the same first document:       ", sum(cosine_first[q][0] == cross_first[q][0] for q in cosine_first))
print(
    "the same three in any order:   ", sum(set(cosine_first[q]) == set(cross_first[q]) for q in cosine_first)
)
print(
    "not one of three in common:    ",
    sum(not set(cosine_first[q]) & set(cross_first[q]) for q in cosine_first),
)

# %% [markdown]
# They differ most of the time. And who is right when the first documents differ? *Right* means grade 2 or 3.
# In the last row no document has been judged right, and at least one of the two has been judged by nobody.

# %%
COLUMNS = [
    "same document",
    "only cross-encoder right",
    "only cosine right",
    "both right",
    "neither right",
    "neither judged right",
]


def answered_at_once(query_id, run):
    return handbook.qrels[query_id].get(first[run][query_id][0], 0) >= 2


def verdict(query_id, run):
    if first["cosine"][query_id][0] == first[run][query_id][0]:
        return "same document"
    by_cosine, by_cross = answered_at_once(query_id, "cosine"), answered_at_once(query_id, run)
    if by_cosine and by_cross:
        return "both right"
    if by_cosine or by_cross:
        return "only cosine right" if by_cosine else "only cross-encoder right"
    judged = all(first[name][query_id][0] in handbook.qrels[query_id] for name in ("cosine", run))
    return "neither right" if judged else "neither judged right"


verdicts = pd.DataFrame(
    {
        f"cosine's first {depth}": {q: verdict(q, f"cosine + rerank {depth}") for q in cosine_first}
        for depth in (10, 100)
    }
)
verdicts.apply(pd.Series.value_counts).reindex(COLUMNS).fillna(0).astype(int)

# %% [markdown]
# Read the second and third row. When one of the two is right and the other is not, it is about as often
# cosine as the cross-encoder. In a good part of the cases **neither** is, or nobody can say. With only ten
# candidates the cross-encoder does a little better than with a hundred. Is any of this more than chance?

# %%
from rerank_course import paired_difference, per_query

tables = {name: per_query(run, handbook) for name, run in runs.items()}
for depth in (10, 100):
    for measure in ("RR@10", "nDCG@10"):
        mean, low, high = paired_difference(tables["cosine"], tables[f"cosine + rerank {depth}"], measure)
        print(
            f"reranking the first {depth:3}: {measure:7} {mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}"
        )

# %% [markdown]
# All four intervals hold 0: on this handbook, on the average over all queries, neither order can be called
# the better one. The average hides two opposite stories, though. The kinds, for all hundred candidates:

# %% output="varies"
from rerank_course.lab.charts import draw_counts

kind_of = pd.Series({q: handbook.kinds[q] for q in verdicts.index})
counts = pd.crosstab(kind_of, verdicts["cosine's first 100"]).reindex(columns=COLUMNS, fill_value=0)
draw_counts(counts, "handbook queries, by what the two first documents are")

# %% [markdown]
# Compare *long document* with *paraphrase*. In one the cross-encoder has found answers that cosine missed,
# and no time the other way round; in the other it is just the reverse. The ten pairs suggest why. A long page
# becomes one vector before anybody asks (and the embedder reads [256
# tokens](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2) of it), while the cross-encoder has
# the question in hand. And an answer in other words lacks what the cross-encoder's score hung on above. To
# *know* it for a query, go through the three steps.
#
# For *acronym*, where the two differ, neither is ever judged right. In the other kinds the counts are small
# or nearly even. Two cases, one of each story:

# %%
import textwrap

for kind, outcome in (("long document", COLUMNS[1]), ("paraphrase", COLUMNS[2])):
    query_id = next(
        q for q in verdicts.index if kind_of[q] == kind and verdicts.loc[q, "cosine's first 100"] == outcome
    )
    print(f"{handbook.queries[query_id]}  [{kind}]")
    for name, found in (("cosine", cosine_first), ("cross-encoder", cross_first)):
        chunk = handbook.documents[found[query_id][0]]
        print(f"    {name:13} grade {handbook.qrels[query_id].get(chunk.id, '?')}  {chunk.title}")
        print(textwrap.indent(textwrap.fill(f"{' '.join(chunk.text.split())[:150]}…", 100), " " * 8))

# %% [markdown]
# The second case is an echo once more: the passage repeats the question in a list of questions, and the
# answer does not share its words. But now it is the **cross-encoder** that falls for it. This question does
# not ask for an amount, so a missing amount cannot give the echo away. That is a guess; the three steps would
# test it.
#
# ## Explore
#
# `compare_query` ranks any list of texts both ways. Change the question and run it again:

# %%
from rerank_course.lab.explorers.query_comparer import compare_query

compare_query("What do students pay for a swim on Saturday?", texts, reranker, embedder).round(2).head(4)

# %% [markdown]
# This is the question of before, with two words of the document that was on place 8, *swim* and *Saturday*.
# Look where that document is now.
#
# The same with boxes to type in, one document a line. Press Tab when you have changed a box. Things to try: a
# question about the opening hours; a question without *How much*; an amount in the bread. (If you see no
# boxes, change the call above.)

# %% output="varies"
from rerank_course.lab.explorers.query_comparer import query_comparer

query_comparer(texts, reranker, embedder, query)

# %% [markdown]
# ## What to remember
#
# - **Cosine says how alike two texts are.** It has no direction, and the document's vector is older than the
#   question.
# - **A cross-encoder reads the document with the question in mind.** Here *How much* meant: bring an amount.
#   The amount of another year, or for something else, helped as well.
# - Both hang on shared words more than a person would, and both can be wrong together. A heading helps both.
# - **Leave out a word and score again** before you say why a model did something.
# - An explanation names words of this document and can fail. Ten pairs explain; only many judged queries
#   decide.
#
# **Where it breaks:** word importance shows what one score of one model hangs on. It is not a reason that the
# model could give, leaving out words makes texts that nobody writes, and where two words say the same,
# leaving out one of them shows nothing.
#
# ## Quiz
#
# A passage fell from place 1 by cosine to place 7 with the cross-encoder. A colleague writes: “It is an echo,
# and cross-encoders see through echoes.” What is missing?
#
# A. Nothing; this is what the lesson showed.
#
# B. A changed wording of the passage, and what the cross-encoder gives it. If the explanation is right, the
# score must rise.
#
# C. A second cross-encoder that puts it on place 7 as well.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** takes one echo for all. In [](lesson:scoring_pairs) the same model put an echo on top, and so it did
# for the second of the two cases above.
#
# **B** is the test. Add the missing answer to the echo, score it, and look. If the score stays where it was,
# the explanation is wrong.
#
# **C** shows that two models agree. Both could do it for a shallow reason, like the one for the pool table.
#
# </details>
#
# **On your own:** sort the words of a document by the alphabet and score it again. Which of the two models
# minds more? Try three documents before you answer.
#
# **In practice:** take one search of your product in which reranking made things worse, draw the words that
# the wrong first result hangs on, and bring the picture to whoever writes the texts.
#
# **Further reading:** Reimers and Gurevych, [Sentence-BERT](https://arxiv.org/abs/1908.10084); Luan and
# others, [Sparse, dense and attentional representations](https://arxiv.org/abs/2005.00181), on what one
# vector of fixed length can hold; Li, Monroe and Jurafsky, [Understanding neural networks through
# representation erasure](https://arxiv.org/abs/1612.08220).
#
# **Next:** [](next:)
