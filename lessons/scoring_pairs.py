# %% [markdown]
# # {title}
#
# A [cross-encoder](term:cross-encoder) takes a pair, a query and a document, and gives a number. This lesson
# is about that number: how to get it, how to read it, and what people read into it that is not there.
#
# **What you will do**
#
# - score one pair, then many at once;
# - see a right answer get a low score, try a remedy, and test it on sentences that do not answer;
# - swap query and document;
# - turn scores into numbers from 0 to 1, and count how often a high one is an answer;
# - score pairs of your own;
# - look at the scores of a chapter of a handbook for one query.
#
# **What you need:** [](lesson:start_here). [](Lesson:model_options), on choosing a
# model, is useful and not needed.
#
# **Time:** {minutes} minutes.

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
# that it needs no download. The first two texts on Berlin below are the example of that page, which prints
# the original's scores: compare. In a project of your own, with a network, loading takes two lines after
# `pip install sentence-transformers`:
#
# ```python
# from sentence_transformers import CrossEncoder
# reranker = CrossEncoder("cross-encoder/ms-marco-MiniLM-L12-v2")
# ```
#
# A [token](term:token) is a word or a piece of one. What goes past the limit is cut off without a warning;
# [](lesson:when_scores_mislead) is about that.
#
# ## One pair
#
# A [pair](term:pair) is a tuple: the query first, the document second. `predict` gives its score.

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
# The scores are [logits](term:logit): raw outputs of the model's last layer. They have no unit, and the
# highest and lowest scores of another model are other numbers. The document about the right city that does
# not answer is below 0 here; another one, further down, is not.
#
# ## A right answer with a low score
#
# Now the question that runs through this course, and the passage of the company's handbook that answers it.
# (Strictly, $500 is the limit *without asking first*. That is what an employee wants to know.)
#
# The company is made up. Language models wrote the handbook and graded its passages, one reader for each
# grade. This pair was known beforehand: it is in the course *because* the reranker does badly on it. The
# [data card](../rerank_course/texts/data/handbook/README.md) says both.
#
# **Predict.** Where on this model's scale will the pair be?

# %% output="varies"
from rerank_course.lab.guess import guess

logit = guess("the pair's logit")

# %%
query = "What is the reimbursement limit?"
answer = "Employees may submit expenses up to $500 without pre-approval."

score = float(reranker.predict((query, answer)))
logit.beside(round(score, 2))

# %% [markdown]
# A right answer, nearer to the penguins than to the inhabitants of Berlin. If you drop every document below
# some fixed score, you may drop this one.
#
# What counts first is the order among the [candidates](term:candidate) of **one** query. So let us look at
# the competition.
#
# **Predict.** On which place will the answer come out of these seven?

# %% output="varies"
place = guess("place of the answer among the seven")

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
ranking = reranker.rank(query, candidates)
for row in ranking:
    print(f"{row['score']:7.2f}  {candidates[row['corpus_id']]}")
order = [row["corpus_id"] for row in ranking]
place.beside(order.index(0) + 1)
has_both = ["reimburse" in text and "limit" in text for text in candidates]
# claim: What beats the answer has both of the question's words, in one form or another; the answer has
#   neither.
# control: the candidates below the answer: does one of them have both words?
# holds: [has_both[i] for i in order] == [True] * order.index(0) + [False] * (7 - order.index(0))
# value: f"{order.index(0)} above the answer, {sum(has_both)} with both words among all seven"

# %% [markdown]
# `rank` is `predict` with the sorting done. It takes one query and a list of documents and gives
# dictionaries, best first: `corpus_id` is the place in your list, and `return_documents=True` would add the
# text.
#
# On top is a passage that only repeats the question: an [echo](term:echo). The gym passages are next. All
# three have both of the question's words, *reimbursement* and *limit*, in one form or another. The answer has
# neither: it says *expenses* and *up to*.
#
# ## A remedy, and its control
#
# Search systems cut long pages into pieces, or [chunks](term:chunk). This one stood below a
# [heading](term:heading) on its page, and the course's handbook keeps it. A `Chunk` has a title and a text;
# its `content` is both.

# %%
from rerank_course import load_corpus

handbook = load_corpus("handbook")
chunk = handbook.documents["exp-001"]
print(chunk.content)

# %% [markdown]
# So give the sentence its heading back. Or write a better one, in the words of the asker. Here the answer
# alone gets a heading; the other six stay as they are.
#
# **Predict.** How much can a few words in front of a sentence change?


# %%
def under(heading, text):
    return f"{heading}\n{text}" if heading else text


headings = {
    "none": "",
    "its own": chunk.title,
    "the asker's words": "Reimbursement limits",
    "the subject, other words": "Expense policy",
}
for name, heading in headings.items():
    scores = reranker.predict([(query, text) for text in [under(heading, answer), *candidates[1:]]])
    print(f"{scores[0]:7.2f}  place {1 + (scores > scores[0]).sum()} of {len(scores)}  heading: {name}")

# %% [markdown]
# The asker's words put the answer first. This looks like a remedy: write headings in the words of those who
# search.
#
# Before you believe it, ask for the [control](term:control): do the same to what should *not* be helped. Put
# the heading in front of sentences that do not answer.
#
# **Predict.** “Reimbursement limits” goes in front of all seven. What will rise most, the answer or the three
# that stood below it?

# %% output="varies"
rises = guess("rises most", choices=["the answer", "the three below it", "about alike"])

# %%
import pandas as pd

control = pd.DataFrame(
    {
        name: reranker.predict([(query, under(heading, text)) for text in candidates])
        for name, heading in headings.items()
    },
    index=[text[:36] for text in candidates],
)
control.round(2)

# %%
lift = control.sub(control["none"], axis=0).drop(columns="none")
answer_rises, below_rise = lift.iloc[0], lift.iloc[3:6]  # receipts, speed limit, parking
for name in lift:
    alone = float(reranker.predict((query, headings[name])))
    low, high = below_rise[name].min(), below_rise[name].max()
    print(f"answer {answer_rises[name]:+6.2f}, the three below it {low:+6.2f} to {high:+6.2f};", end=" ")
    print(f"the heading alone scores {alone:6.2f}   {name}")
print("\nlifts by headings that name the subject, and by some that ask for a maximum:")
subject = ["Expenses", "Claims", "Spending rules", "What the company pays back"]
maximum = [
    "Maximum refund",
    "Maximum amount you can claim",
    "Repayment ceiling",
    "Refund cap",
    "Spending cap",
]
more_lifts = {}
for heading in subject + maximum:
    scores = reranker.predict([(query, under(heading, candidates[i])) for i in (0, 3, 4, 5)])
    more_lifts[heading] = scores - control["none"].iloc[[0, 3, 4, 5]].to_numpy()
    print(
        "answer {:+5.2f}, receipts {:+5.2f}, speed limit {:+5.2f}, parking {:+5.2f}".format(
            *more_lifts[heading]
        ),
        heading,
    )
at_most = max(more_lifts[heading][0] for heading in subject)
best_lift = max((more_lifts[heading] for heading in maximum), key=lambda lifts: lifts[0])
rises.beside("about alike")
# claim: A heading in the asker's words lifts sentences that answer nothing as much as the answer.
# control: the same heading in front of the sentences on receipts, the speed limit and parking
# holds: below_rise["the asker's words"].min() > answer_rises["the asker's words"] - 1
# value: "answer {:+.1f}, the three others {:+.1f} or more".format(
#   answer_rises["the asker's words"], below_rise["the asker's words"].min())
# claim: These four headings that only name the subject hardly lift the answer. One that asks for a maximum
#   does, with none of the question's words, and it lifts a sentence that does not answer as well.
# control: the same headings in front of the sentence on receipts
# holds: at_most < 1.5 and best_lift[0] > 4 and best_lift[1] > best_lift[0] - 1.5
# value: f"the subject {at_most:+.1f} at most; a maximum {best_lift[0]:+.1f}, receipts {best_lift[1]:+.1f}"

# %% [markdown]
# The asker's words lift the sentences on receipts, the speed limit and parking as much as the answer: right
# and wrong end close together. The answer's own heading lifts wrong sentences as well, and the speed limit by
# so much that it passes the answer. “Reimbursement limits” alone, with nothing below it, scores higher than
# most of the candidates without a heading.
#
# Is it the words? The four headings that only name the subject lift the answer by less than half a logit, and
# the sentence on receipts by up to 1.8. But of the five that ask for a maximum in other words three lift the
# answer by more than 3, and the sentence on receipts still more. A heading that sounds like the question, in
# its words or in others, can lift what stands below it, right or wrong.
#
# Under the asker's words the answer comes first even when all seven have them, by a little. That is one query
# and seven sentences; many queries follow below.
#
# In this handbook every passage has a heading of its own. So here are some for the other six, from the
# handbook or such as a writer might choose.
#
# **Predict.** All seven have their headings. On which place is the answer now?

# %%
own_headings = {
    answer: [chunk.title],
    candidates[1]: ["Monthly wellness allowance", "Gym and sports", "Wellness"],
    candidates[2]: ["Expenses: questions employees ask", "Frequently asked questions"],
    candidates[3]: ["Proof of purchase", "Record keeping"],
    candidates[4]: ["Deliveries to the Duluth dock", "Traffic on the site"],
    candidates[5]: ["Parking permits, Duluth", "Parking"],
    candidates[6]: ["Monthly wellness allowance", "Gym and sports", "Wellness"],
}
with_own = {
    text: reranker.predict([(query, under(heading, text)) for heading in choices])
    for text, choices in own_headings.items()
}
best_place = 1 + sum(scores.min() > with_own[answer][0] for scores in with_own.values())
worst_place = 1 + sum(scores.max() > with_own[answer][0] for scores in with_own.values())
print(f"whichever of these headings we take: place {best_place} at best, {worst_place} at worst")
# claim: When each of the seven has a heading of its own, the answer's score rises far, and it passes one of
#   the others at most.
# control: two or three headings for each of the other six, in all combinations
# holds: order.index(0) <= best_place <= worst_place == order.index(0) + 1 and with_own[answer][0] > score + 5
# value: f"score {score:.1f} to {with_own[answer][0]:.1f}; place {order.index(0) + 1} without, "
#   f"{best_place} to {worst_place} with"

# %% output="varies"
from rerank_course.lab.logit_axis import logit_axis

without_and_with = {text: (control["none"].iloc[i], with_own[text][0]) for i, text in enumerate(candidates)}
logit_axis(without_and_with, ("without headings", "with headings"), answer)

# %% [markdown]
# The answer moves a long way up the scale and passes none of the others in the picture, and at most one with
# any of these headings. The order is what a user sees, so little was repaired.
#
# ### On many queries
#
# One query shows nothing in general. The handbook has judgements ([qrels](term:qrels)) for many: 3 answers in
# full, 2 in part, 1 and 0 do not. Every passage that was judged for a query with an answer was scored with
# its own heading and without, by the 8-bit copy of this model that [](lesson:batch_scoring) explains, and the
# scores were recorded. We leave out our example, which was chosen. The control is built in: the passages that
# do not answer get their headings too. A second time all have the *asker's words* as their heading: the
# question without the words of a standard list of stop words. (In some questions that takes out a *not* or a
# number as well.)
#
# **Predict.** Over all queries, do headings lift the answers more than the other passages? And the asker's
# words in front of all?

# %% output="varies"
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS as STOP

from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.evaluate import answered_queries

int8 = load_reranker(backend="int8")
recorded = RecordedReranker("handbook", "int8", live=int8)
queries = [q for q in answered_queries(handbook) if handbook.queries[q] != query]
rows = [(q, document) for q in queries for document in handbook.qrels[q]]
judged = pd.DataFrame(rows, columns=["query", "document"])
judged["answers"] = [handbook.qrels[q][document] >= 2 for q, document in rows]
texts = [(handbook.queries[q], handbook.documents[document]) for q, document in rows]
judged["without"] = recorded.predict([(text, chunk.without_heading().content) for text, chunk in texts])
judged["with"] = recorded.predict([(text, chunk.content) for text, chunk in texts])
asked = {q: [w for w in handbook.queries[q].rstrip("?").split() if w.lower() not in STOP] for q in queries}
judged["asked"] = recorded.predict(
    [(text, under(" ".join(asked[q]), chunk.text)) for (q, _), (text, chunk) in zip(rows, texts)]
)
print(len(judged), "judged pairs,", judged["answers"].sum(), "of them answers")

# %% output="varies"
from rerank_course.evaluate import bootstrap_interval

judged["lift"] = judged["with"] - judged["without"]
lifts = judged.pivot_table(index="query", columns="answers", values="lift").dropna()
groups = {"answers": lifts[True], "others": lifts[False], "answers − others": lifts[True] - lifts[False]}
for name, values in groups.items():
    low, high = bootstrap_interval(values.to_numpy())
    print(f"mean lift by a heading, {name:16} {values.mean():+.3f}, 95 % interval {low:+.3f} to {high:+.3f}")
more = groups["answers − others"].mean()

# %% output="varies"
from rerank_course import paired_difference, per_query


def ranked_by(column):
    """The judged passages of each query, best first."""
    best_first = judged.sort_values(column, ascending=False, kind="stable")
    return {q: list(zip(part["document"], part[column])) for q, part in best_first.groupby("query")}


bare, headed, echoed = (
    per_query(ranked_by(column), handbook).loc[queries] for column in ("without", "with", "asked")
)
for what, table in {"own headings": headed, "the asker's words": echoed}.items():
    for measure in ("nDCG@10", "RR@10"):
        mean, low, high = paired_difference(bare, table, measure)
        print(
            f"{what:17} {measure:7}: {bare[measure].mean():.3f} without, {table[measure].mean():.3f} with;",
            end=" ",
        )
        print(f"difference {mean:+.3f}, 95 % interval {low:+.4f} to {high:+.4f}")
gain, gain_low, gain_high = paired_difference(bare, headed, "nDCG@10")
harm, harm_low, harm_high = paired_difference(bare, echoed, "nDCG@10")
# claim: On the handbook, no gain in the order is shown for headings on all passages.
# control: the passages that do not answer have their headings too; paired over the queries
# holds: gain_low <= 0 <= gain_high and abs(more) < 1
# value: f"nDCG@10 {gain:+.3f} ({gain_low:+.3f} to {gain_high:+.3f}); lift of answers − others {more:+.2f}"
# claim: On the handbook, the asker's words in front of all passages make the order worse.
# control: the passages' own headings; the passages that do not answer have the words too
# holds: harm_high < 0
# value: f"nDCG@10 {harm:+.3f} ({harm_low:+.3f} to {harm_high:+.3f})"

# %% [markdown]
# [nDCG@10](term:nDCG@10) and [RR@10](term:RR@10) grade an order from 0 to 1; [](lesson:retrieval_flow)
# explains both. Where a [95 % interval](term:confidence interval) holds zero, these queries cannot tell a
# gain from none.
#
# So here no gain is shown for headings of their own; the upper ends of the intervals say how large one may
# be. They are no cure for echoes: [](lesson:what_it_falls_for) counts those. The asker's words in front of
# every passage make the order worse. Headings in the words of each passage's own askers were not tested.
#
# ### The other side of the pair
#
# The question can be worded differently too. Six other ways to ask, and the bare sentences. Nobody judged
# whether the answer answers each of the six: read them, and decide. There are two controls: the question's
# echo, and a sentence on another subject, with words of the second question.
#
# **Predict.** Which place does the answer get among the seven, without a heading? Does it beat the echo?

# %%
boss = "Your boss must agree before a trip is booked."
asking = {}
for asked in (
    "How much can I expense without approval?",
    "How much can I spend before my boss must agree?",
    "At what amount is permission needed?",
    "From which price must a manager say yes?",
    "What is the biggest purchase I can make alone?",
    "Which bills need a signature first?",
):
    scores = reranker.predict([(asked, text) for text in [*candidates, asked, boss]])
    shared = set(asked.lower().strip("?").split()) & set(answer.lower().strip(".").split())
    asking[asked] = {
        "shared words": ", ".join(shared) or "none",
        "answer": scores[0],
        "place of 7": 1 + (scores[:7] > scores[0]).sum(),
        "best of the six": scores[1:7].max(),
        "echo": scores[7],
        "the boss": scores[8],
    }
asking = pd.DataFrame.from_dict(asking, orient="index")
none_shared = asking[asking["shared words"] == "none"]
ahead = none_shared["answer"] - none_shared["best of the six"]
asking.round(2)
# claim: Of these questions that share no word with the answer, some put it first of the seven by far, and to
#   others it scores no higher than the rest.
# control: the question's echo, which is above the answer each time
# holds: ahead.max() > 5 and ahead.min() < 0.5 and (none_shared["echo"] > none_shared["answer"]).all()
# value: f"ahead of the best other by {ahead.max():.1f} at most, {ahead.min():.1f} at least"

# %% [markdown]
# For the second question the answer is first of the seven by far, and shares no word with it. So shared words
# are not all that counts. But for the last two it scores as low as the rest: a miss, if they ask the same.
# The echo passes it in all but the first. “Your boss must agree before a trip is booked.” answers none of the
# six. It scores above the answer for two of them, and about the same for two more.
#
# **At work:** search with ten real questions and mark results that repeat the question and do not answer it.
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
# The swapped scores look like any others, and here they turn the order around. It is a mistake that nothing
# reports, so check it early when a reranker disappoints.
#
# ## From 0 to 1: the sigmoid
#
# Some rerankers give numbers between 0 and 1. Often there is a logit behind them, sent through a
# [sigmoid](term:sigmoid): $\sigma(x) = 1 / (1 + e^{-x})$. You can ask for it here too.

# %%
import torch

examples = {
    "Berlin, population": (question, population),
    "Berlin, museums": (question, museums),
    "reimbursement limit": (query, answer),
}
logits = reranker.predict(list(examples.values()))
squashed = reranker.predict(list(examples.values()), activation_fn=torch.nn.Sigmoid())
for name, value, number in zip(examples, logits, squashed):
    print(f"{value:7.2f}  ->  {number:.4f}  {name}")

# %% output="varies"
from rerank_course.lab.diagrams import sigmoid_curve

sigmoid_curve(dict(zip(examples, logits.tolist())))

# %% [markdown]
# The curve always rises, so the **order stays the same**. Is the number a probability? If it were, of the
# pairs with a number near 0.9 about 90 % would be answers; a score for which that holds is
# [calibrated](term:calibration). The handbook's judged pairs can tell.
#
# **Predict.** Of the pairs whose number is above 0.9, how many per cent are answers?

# %% output="varies"
share = guess("per cent of answers among the pairs above 0.9")

# %% output="varies"
from rerank_course.texts.beir import read_jsonl
from rerank_course.texts.corpora import DATA

judged["number"] = torch.sigmoid(torch.tensor(judged["with"])).numpy()
status = {row["_id"]: row["metadata"]["status"] for row in read_jsonl(DATA / "handbook" / "corpus.jsonl")}
judged["status"] = judged["document"].map(status)
planted = judged["status"].isin(["superseded", "faq"])  # rules out of date, pages that only ask
reliability, intervals = {}, {}
for name, part in {"all pairs": judged, "without these pages": judged[~planted]}.items():
    bins = part.groupby(pd.cut(part["number"], [0, 0.01, 0.1, 0.5, 0.9, 1]), observed=True)
    table = bins.agg(pairs=("answers", "size"), number=("number", "mean"), answers=("answers", "mean"))
    intervals[name] = [bootstrap_interval(rows["answers"].to_numpy()) for _, rows in bins]
    table["answers, 95 %"] = [f"{low:.2f}–{high:.2f}" for low, high in intervals[name]]
    reliability[name] = table.round(3)
print(f"of these judged pairs, {judged['answers'].mean():.1%} are answers")
high_wrong = judged[(judged["number"] > 0.9) & ~judged["answers"]]
print("no answers above 0.9:", high_wrong["status"].value_counts().to_dict())
top, bottom = (reliability["all pairs"].iloc[i] for i in (-1, 0))
share.beside(round(100 * top["answers"]))
pd.concat(reliability, axis=1)
# claim: On the handbook, the number after a sigmoid is no probability: where it is above 0.9, most judged
#   pairs are no answers; where it is below 0.01, more are answers than it says.
# control: without rules out of date and pages that only ask, the lowest range still says too little
# holds: intervals["all pairs"][-1][1] < top["number"] and all(i[0][0] > 0.005 for i in intervals.values())
# value: f"above 0.9 {top['answers']:.0%} ({top['answers, 95 %']}), below 0.01 {bottom['answers']:.1%}, " +
#   f"without these pages {reliability['without these pages']['answers'].iloc[0]:.1%}"

# %% [markdown]
# Each row is a range of numbers. Compare *number*, the mean in the range, with *answers*, the share of
# answers in it. (The intervals treat the pairs as independent, which those of one query are not.) Above the
# lowest range there are more answers than the [base rate](term:base rate), the share among all pairs, so the
# number does tell something. But in most ranges the two columns disagree. At the top most of these pairs are
# no answers, and most of those are rules out of date (*superseded*) or pages that only ask (*faq*). Without
# such pages most pairs at the top are answers, but few are left; the other ranges change less. Many judged
# passages were chosen because they look like answers, or because a search had put them high: among other
# passages the shares may be others.
#
# - **Do not read it as a probability** unless that was tested. If you need one, fit it on judged pairs and
#   test it on others: [](lesson:when_scores_mislead).
# - **0.5 is the logit 0.** Whether a limit there is any good, only judged pairs can say.
#
# A model's configuration can name the function that `predict` applies. The ms-marco models name *Identity*,
# which does nothing, so you get logits. If a model with one output names none, as the bge rerankers do, the
# library applies a sigmoid ([source](https://sbert.net/docs/package_reference/cross_encoder/model.html)). A
# [threshold](term:threshold) belongs to the model and the collection it was tuned on. Some makers promise
# more: Cohere [announces](https://docs.cohere.com/changelog/rerank-v5) calibrated scores for its fifth
# generation. That is announced, and not measured here.

# %%
print("this model's function:", reranker.activation_fn)

# %% [markdown]
# ## Scores of different queries
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
for score_here, (verdict, q, document) in sorted(zip(scores, mixed), key=lambda row: row[0], reverse=True):
    print(f"{score_here:7.2f}  {verdict}  {q}  |  {document[:38]}…")

# %% [markdown]
# The museums are no answer to the question about Berlin, and they score higher than the right answer to the
# other question. Is it always so? Take the score of each answer in the handbook, and that of a passage which
# does not answer its query: first for the same query, then for another. Then the same on the documentation of
# pandas.
#
# **Predict.** How often does the handbook's answer score higher, in each of the two cases?

# %% output="varies"
import numpy as np

docs = load_corpus("pandas-docs")
docs_rows = [(q, document) for q in answered_queries(docs) for document in docs.qrels[q]]
docs_judged = pd.DataFrame(docs_rows, columns=["query", "document"])
docs_judged["answers"] = [docs.qrels[q][document] >= 2 for q, document in docs_rows]
docs_judged["with"] = RecordedReranker("pandas-docs", "int8", live=int8).predict(
    [(docs.queries[q], docs.documents[document].content) for q, document in docs_rows]
)


def answer_higher(table, query_id, same):
    """How often the query's answers score above passages that do not answer, of this query or of others."""
    of_query, answers = table["query"] == query_id, table["answers"]
    right = table[of_query & answers]["with"].to_numpy()
    return (right[:, None] > table[(of_query == same) & ~answers]["with"].to_numpy()).mean()


compared = {}
for name, table in {"handbook": judged, "pandas-docs": docs_judged}.items():
    asked = table[table["answers"]]["query"].unique()
    within, between = (np.array([answer_higher(table, q, same) for q in asked]) for same in (True, False))
    low, high = bootstrap_interval(within - between)
    compared[name] = within.mean(), between.mean(), low, high
    print(f"{name:11} the same query {within.mean():.1%}, other queries {between.mean():.1%};", end=" ")
    print(f"difference {(within - between).mean():+.3f}, 95 % interval {low:+.3f} to {high:+.3f}")
best = judged[judged["answers"]].groupby("query")["with"].max()
print(f"in {(best < 0).sum()} of the handbook's {len(best)} queries no answer has a logit above 0")
# claim: On the handbook a score compares a little worse between queries than within one, and is not useless
#   there; on pandas-docs no difference is shown.
# control: the same answers against passages of their own query and of others; a second collection
# holds: compared["handbook"][0] > compared["handbook"][1] > 0.6 and compared["pandas-docs"][2] < 0 <
#   compared["pandas-docs"][3]
# value: "; ".join("{} {:.1%} within, {:.1%} between, difference {:+.3f} to {:+.3f}".format(name, *row)
#   for name, row in compared.items())

# %% [markdown]
# It is not always so. On the handbook a little is lost between queries, and the answer still scores higher
# most of the time. On pandas-docs no difference is shown; there the answer wins about half the time in both
# cases. (These are judged passages. Many were chosen because a system had put them high.) The last line says
# what a fixed limit at 0 would do on the handbook.
#
# ## A pair of your own
#
# `score_pair` shows one pair's logit, the same after a sigmoid, and how much of the model's length the pair
# takes. Here is the answer with its heading once more.

# %%
from rerank_course.lab.explorers.pair_scorer import score_pair

print({name: round(value, 2) for name, value in score_pair(query, chunk.content, reranker).items()})

# %% [markdown]
# Change the texts in the call above, or type into the boxes below and press Tab. Three things to try:
#
# - Put a heading of yours in front of the document. Then put the same one in front of a document that does
#   not answer.
# - Ask the same in other words, without touching the document.
# - Paste a long page as the document, and look at the tokens.

# %% output="varies"
from rerank_course.lab.explorers.pair_scorer import pair_scorer

pair_scorer(reranker, query, chunk.content)

# %% [markdown]
# ## A chapter, one query
#
# Seven candidates are few. Let us score every passage of the handbook's chapter on expenses, with their
# headings, for our question.

# %%
documents = [document for document in handbook.documents.values() if document.id.startswith("exp")]
grades = handbook.qrels["exp-q01"]
answers = [document for document in documents if grades.get(document.id, 0) >= 2]
print(f"{len(documents)} passages, {len(answers)} of them answer “{query}” in full or in part")

# %% output="varies"
import time

started = time.perf_counter()
scores = reranker.predict([(query, document.content) for document in documents], batch_size=8)
seconds = time.perf_counter() - started
print(f"{seconds:.1f} s for {len(documents)} pairs on this machine")

# %% output="varies"
from rerank_course.lab.charts import score_strip

score_of = {document.id: float(value) for document, value in zip(documents, scores)}
groups = {
    "answers it": [score_of[document.id] for document in answers],
    "judged not to": [value for i, value in score_of.items() if grades.get(i, 2) < 2],
    "not judged": [value for i, value in score_of.items() if i not in grades],
}
score_strip({name: values for name, values in groups.items() if values}, "logit")

# %% [markdown]
# Most passages lie close together at the bottom. Look at the first row: one of the answers stands out, the
# other is among them. Here are the first three places in full, then the two answers.

# %%
import textwrap

ranked = sorted(documents, key=lambda document: score_of[document.id], reverse=True)
for number, document in enumerate(ranked, start=1):
    if number <= 3 or document in answers:
        print(
            f"place {number}, score {score_of[document.id]:.2f}, "
            f"judged {grades.get(document.id, 'not')}: {document.title}"
        )
        print(textwrap.fill(document.text, 95, initial_indent="    ", subsequent_indent="    "), "\n")

# %% [markdown]
# - The first would be perfect, but it is **out of date**: the handbook's data say that this rule ended with
#   the year 2025. Its text does not say so, and a reranker reads only text. What is out of date has to be
#   kept out by its data, a date or a status, and not by its score.
# - The next two are **echoes**. They name the question and send the reader elsewhere.
# - The answer in full comes after them. The answer in part, about what happens above the limit, has neither
#   of the question's two words.
#
# On this query a user would see the wrong rule first. It is one query, and was chosen because the reranker
# does badly on it. [](lesson:what_it_falls_for) counts echoes, [](lesson:when_scores_mislead) rules out of
# date.
#
# ## What to remember
#
# - A pair is **(query, document)**. `predict` scores pairs in their order; `rank` sorts the documents of one
#   query.
# - For this model a score is a **logit**. On the handbook it says a little less between queries than within
#   one.
# - A right answer can score low, and a text that repeats the question can score high. A heading that sounds
#   like the question can lift wrong sentences too. On the handbook no gain is shown for a passage's own
#   heading.
# - **Ask for the control**: what does the same change do to a wrong answer?
# - A sigmoid changes the numbers and not the order. On the handbook they are no probabilities.
#
# **Where it breaks:** at a fixed threshold, at swapped pairs, at echoes, at rules that are out of date, and
# at remedies that were tried on the right answer alone.
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
# **B** needs only the order within one query, and no page is empty. If “nothing fits” must be told apart
# from “something fits”, that has to be tuned and measured on judged queries of your own.
#
# **C** fills these pages, with right documents and wrong ones, and lets more wrong ones into the pages of
# other queries. How many is a question for judged queries that were not used to choose the threshold;
# [](lesson:when_scores_mislead) does that.
#
# </details>
#
# **On your own:** take a document of yours, write two questions that it answers, one in its own words and one
# in quite other words, and score both. Then score a document that answers neither.
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
