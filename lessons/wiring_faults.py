# %% [markdown]
# # {title}
#
# A reranker in a pipeline is a dozen lines. Each fault in this lesson is one of these lines. None of them
# raises an error: passages come back, in some order, with numbers beside them. You look for the faults in
# nDCG@10, then in the scores themselves, and then with a test.
#
# **What you will do**
#
# - break a pipeline in nine ways, each of which has been shipped by somebody or easily could be;
# - see which of the nine nDCG@10 shows, on two collections;
# - look for signs that need no judgements;
# - write a test that finds a fault, and try it on pipelines that have none.
#
# **What you need:** [](lesson:scoring_pairs) on scores, [](lesson:retrieval_flow) on measuring.
#
# **Time:** {minutes} minutes.
#
# ## One pipeline, nine faults
#
# Here is a pipeline that is right. BM25's first twenty come in. Rules that are out of date are left out. The
# others are scored, the [logit](term:logit) goes through a [sigmoid](term:sigmoid), and the best come first.
# Each step is a method, so that a fault is one method written otherwise. Scores were recorded beforehand.

# %%
import textwrap
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from rerank_course import BM25Retriever, load_corpus, load_reranker, paired_difference, per_query
from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.evaluate import answered_queries
from rerank_course.texts.beir import read_jsonl
from rerank_course.texts.corpora import DATA

rows = read_jsonl(DATA / "handbook" / "corpus.jsonl")
outdated = {row["_id"] for row in rows if row["metadata"]["status"] == "superseded"}
reranker = load_reranker(backend="int8")


class Pipeline:
    def __init__(self, corpus):
        self.model = RecordedReranker(corpus, "int8", live=reranker)
        self.untyped = RecordedReranker(corpus, "untyped")  # the same model without token types
        self.floats = RecordedReranker(corpus, "fp32", live=reranker)
        self.known = {}

    def candidates(self, found):
        return found[:20]

    def text(self, chunk):
        return chunk.content  # the heading, and the text below it

    def pair(self, query, text):
        return query, text

    def logits(self, pairs):
        return self.model.predict(pairs)

    def score(self, logits):
        return expit(logits)

    def order(self, scores):
        return np.argsort(-scores, kind="stable")

    def id_at(self, place, kept, found):
        return kept[place].id

    def rank(self, query, found):
        kept = [chunk for chunk in self.candidates(found) if chunk.id not in outdated]
        scores = self.score(self.logits([self.pair(query, self.text(chunk)) for chunk in kept]))
        return [(self.id_at(place, kept, found), float(scores[place])) for place in self.order(scores)]


# %% [markdown]
# And the nine. Six link to somebody who shipped this fault, or one much like it:
#
# | fault | seen in |
# | --- | --- |
# | a softmax over a single logit | [agentmemory, issue 724][softmax] |
# | a sigmoid applied twice | [node-llama-cpp, issue 617][sigmoid] |
# | [token types](term:token type) dropped | [bumblebee, PR 444][types] |
# | the pair turned round | |
# | reranking after the cut | [mem0, issue 6448][cut] |
# | scores sorted as text | [mAP, PR 36][text], with scores of another kind |
# | ids and scores out of step after a filter | [dify, issue 1661][step] |
# | the heading shortened as in a result list | |
# | a cache that knows a score by the document alone | |
#
# [softmax]: https://github.com/rohitg00/agentmemory/issues/724
# [sigmoid]: https://github.com/withcatai/node-llama-cpp/issues/617
# [types]: https://github.com/elixir-nx/bumblebee/pull/444
# [cut]: https://github.com/mem0ai/mem0/issues/6448
# [text]: https://github.com/Cartucho/mAP/pull/36
# [step]: https://github.com/langgenius/dify/issues/1661


# %%
class SoftmaxOverOneLogit(Pipeline):
    def score(self, logits):
        return softmax(logits[:, None], axis=1)[:, 0]


class SigmoidTwice(Pipeline):
    def score(self, logits):
        return expit(expit(logits))


class WithoutTokenTypes(Pipeline):
    def logits(self, pairs):
        return self.untyped.predict(pairs)


class TurnedRound(Pipeline):
    def pair(self, query, text):
        return text, query


class AfterTheCut(Pipeline):
    def candidates(self, found):
        return found[:10]


class SortedAsText(Pipeline):
    def order(self, scores):
        return sorted(range(len(scores)), key=lambda place: str(scores[place]), reverse=True)


class OutOfStep(Pipeline):
    def id_at(self, place, kept, found):
        return found[place].id


class ShortenedHeading(Pipeline):
    def text(self, chunk):
        return replace(chunk, title=textwrap.shorten(chunk.title, 24, placeholder="…")).content


class CacheByDocument(Pipeline):
    def logits(self, pairs):
        new = [pair for pair in pairs if pair[1] not in self.known]
        if new:
            self.known.update(zip([text for _, text in new], self.model.predict(new)))
        return np.array([self.known[text] for _, text in pairs])


faulty = {
    "softmax over one logit": SoftmaxOverOneLogit,
    "sigmoid twice": SigmoidTwice,
    "without token types": WithoutTokenTypes,
    "turned round": TurnedRound,
    "after the cut": AfterTheCut,
    "sorted as text": SortedAsText,
    "out of step": OutOfStep,
    "shortened heading": ShortenedHeading,
    "cache by document": CacheByDocument,
}

# %% [markdown]
# ## Does nDCG@10 show them?
#
# You have judged queries, you measure before and after a change, and a fault has come in with the change.
# Two controls: another precision of the same model, float32, which is no fault; and the search without any
# reranking.
#
# **Predict.** For how many of the nine does the interval on the handbook lie below zero?

# %% output="varies"
from rerank_course.lab.guess import guess

shown = guess("faults of the nine that lower nDCG@10 on the handbook by more than chance")


# %%
class InFloat32(Pipeline):
    def logits(self, pairs):
        return self.floats.predict(pairs)


class SearchAlone(Pipeline):
    def score(self, logits):
        return -np.arange(len(logits), dtype=float)


corpora = {name: load_corpus(name) for name in ("handbook", "pandas-docs")}
searches = {name: BM25Retriever(list(corpus.documents.values())) for name, corpus in corpora.items()}
found = {
    name: {
        query: [chunk for chunk, _ in searches[name].search(corpus.queries[query], 20)]
        for query in answered_queries(corpus)
    }
    for name, corpus in corpora.items()
}


def run_of(kind, name):
    pipeline = kind(name)
    return {query: pipeline.rank(corpora[name].queries[query], some) for query, some in found[name].items()}


kinds = {"right": Pipeline, **faulty, "float32, no fault": InFloat32, "search alone": SearchAlone}
runs = {name: {what: run_of(kind, name) for what, kind in kinds.items()} for name in corpora}
tables = {name: {what: per_query(run, corpora[name]) for what, run in runs[name].items()} for name in corpora}
less = {
    name: {what: paired_difference(tables[name]["right"], tables[name][what]) for what in kinds}
    for name in corpora
}
lower = {name: [what for what in faulty if less[name][what][2] < 0] for name in corpora}
shown.beside(len(lower["handbook"]))
for name, table in tables.items():
    print(f"{name}: nDCG@10 of the right one {table['right']['nDCG@10'].mean():.3f}")
pd.DataFrame(
    {
        f"{name}, less the right one": {
            what: "{:+.3f} ({:+.3f} to {:+.3f})".format(*row) for what, row in some.items() if what != "right"
        }
        for name, some in less.items()
    }
)
# claim: On the handbook at least two of the nine faults are not shown by nDCG@10, and on pandas-docs more.
# control: float32 in place of 8 bits, which is no fault; the same queries, paired
# holds: len(lower["pandas-docs"]) < len(lower["handbook"]) <= 7
#   and abs(less["handbook"]["float32, no fault"][0]) < 0.02
# value: "; ".join(f"{name}: {len(some)} of 9" for name, some in lower.items())

# %% output="varies"
from rerank_course.lab.intervals import interval_chart

interval_chart(
    {what: less["handbook"][what] for what in kinds if what != "right"},
    "handbook: nDCG@10 less that of the right pipeline, 95 %",
)

# %% [markdown]
# Seven of the nine on the handbook, where reranking BM25's list brings much, and fewer on pandas-docs. A
# softmax over one logit gives equal scores, so it leaves the search's order: read its row beside *search
# alone*. On pandas-docs reranking is not shown to bring anything over BM25. So a fault that only switches
# reranking off does not show there. Without a filter (pandas-docs has no rules out of date) nothing can get
# out of step. And the second sigmoid keeps the order: only the numbers are wrong, and nDCG does not look at
# them. (But in float32 it makes some scores equal that were not, and equal ones stay as the search had them.)
#
# For the shortened headings no loss is shown on either. And where a row is below zero, it does not say which
# line is wrong.
#
# ## What a user sees
#
# One question, and the first result of each pipeline, with its score and its grade; 3 is a full answer.
#
# **Predict.** Could you tell from one result that its pipeline is faulty? From which ones?

# %%
asked = "fac-q01"
print(corpora["handbook"].queries[asked])
for what in ("right", *faulty):
    document, score = runs["handbook"][what][asked][0]
    chunk, grade = corpora["handbook"].documents[document], corpora["handbook"].qrels[asked].get(document)
    about = textwrap.shorten(f"{chunk.title}: {chunk.text}", 60, placeholder="…")
    print(f"{what:22} {score:6.3f}  grade {'?' if grade is None else grade}  {about}")

# %% [markdown]
# Each is a passage of the handbook with a number beside it, and four of the nine have the right passage. With
# a second sigmoid only the number is wrong. Who reads the number? A threshold does. Suppose that the
# page shows nothing where the first result's probability is below one half ([](lesson:when_scores_mislead)
# says what such a limit is worth):
#
# **Predict.** In what share of the queries will the page with a second sigmoid show something?

# %%
above = {
    what: {name: np.mean([run[0][1] > 0.5 for run in runs[name][what].values()]) for name in corpora}
    for what in kinds
    if what != "search alone"
}
(100 * pd.DataFrame(above).T).round().astype(int).astype(str) + " %"
# claim: With a second sigmoid a limit of one half lets every query through.
# control: the right pipeline, and float32
# holds: above["sigmoid twice"]["handbook"] == 1 and above["right"]["handbook"] < 0.6
#   and abs(above["float32, no fault"]["handbook"] - above["right"]["handbook"]) < 0.05
# value: ", ".join(f"{what} {share['handbook']:.0%}" for what, share in above.items())

# %% [markdown]
# So a fault that costs nothing in nDCG@10 can undo what stands behind the reranker: with the second sigmoid
# nothing is held back any more. (The softmax holds nothing back either, but nDCG@10 shows that fault on the
# handbook.) Sorted as text, the page is always empty: a number such as `9.8e-05` comes first, as text.
#
# ## Signs in the scores
#
# A running service has no judgements for today's queries. It has results and scores. Here are seven things
# that can be counted in them, over the handbook's queries:
#
# - *spread*: the highest score less the lowest, the median of the queries;
# - *lowest*: the lowest of all scores;
# - *falling*: in what share of the queries no score is higher than the one before it;
# - *the search's order*: in what share the order is that of the search;
# - *from below ten*: what share of the first ten results the search had below place ten;
# - *same in two queries*: of the passages returned for more than one query, the share whose score was the
#   same each time;
# - *scored again*: the query and the text of the first result, by its id, are scored once more, by the right
#   pipeline; in what share of the queries the score is more than .05 off.
#
# The controls: float32 again, and the right pipeline on one half of the queries and on the other, since all
# of these differ from day to day.
#
# **Predict.** How many of the nine change none of the first six?


# %%
def signs(name, run):
    again, scores_of, search = Pipeline(name), {}, {}
    for query, ranking in run.items():
        for document, score in ranking:
            scores_of.setdefault(document, []).append(score)
        search[query] = [chunk.id for chunk in found[name][query] if chunk.id not in outdated]
    several = [scores for scores in scores_of.values() if len(scores) > 1]
    texts, corpus = corpora[name].documents, corpora[name]
    firsts = [(corpus.queries[query], texts[ranking[0][0]].content) for query, ranking in run.items()]
    rescored = again.score(again.logits(firsts))
    rankings = {query: ([d for d, _ in ranking], [s for _, s in ranking]) for query, ranking in run.items()}
    return {
        "spread": np.median([max(scores) - min(scores) for _, scores in rankings.values()]),
        "lowest": min(min(scores) for _, scores in rankings.values()),
        "falling": np.mean([list(scores) == sorted(scores, reverse=True) for _, scores in rankings.values()]),
        "the search's order": np.mean(
            [ids == search[query][: len(ids)] for query, (ids, _) in rankings.items()]
        ),
        "from below ten": np.mean(
            [
                document not in [chunk.id for chunk in found[name][query][:10]]
                for query, (ids, _) in rankings.items()
                for document in ids[:10]
            ]
        ),
        "same in two queries": np.mean([len(set(scores)) == 1 for scores in several]),
        "scored again": np.mean(
            [abs(scores[0] - new) > 0.05 for (_, scores), new in zip(rankings.values(), rescored)]
        ),
    }


handbook_runs = {what: run for what, run in runs["handbook"].items() if what != "search alone"}
for number, half in enumerate(("right, one half", "right, other half")):
    handbook_runs[half] = dict(list(runs["handbook"]["right"].items())[number::2])
seen = pd.DataFrame({what: signs("handbook", run) for what, run in handbook_runs.items()}).T
by_chance = (seen.loc["right, one half"] - seen.loc["right, other half"]).abs()
moved = (seen.loc[list(kinds)[1:-1]] - seen.loc["right"]).abs() > by_chance + 0.05
moved = {what: list(moved.columns[row]) for what, row in moved.iterrows()}
seen.round(2)
# claim: Each of the nine faults moves at least one of the seven signs by more than the halves of the queries
#   differ; float32 moves none.
# control: float32 in place of 8 bits, which is no fault; the right pipeline on halves of the queries
# holds: all(moved[what] for what in faulty) and not moved["float32, no fault"]
# value: "; ".join(f"{what}: {', '.join(some)}" for what, some in moved.items() if some)

# %%
for what, some in moved.items():
    print(f"{what:24} {', '.join(some) or 'nothing'}")

# %% [markdown]
# These two halves of the queries differ in *spread* more than most of the faults do (other halves may differ
# less), so a spread that has changed says little. The other signs hardly move on the right pipeline. *Scored
# again* sees all but two of the nine; it needs a second way to score that is right. Those two are the cut,
# from below which nothing comes up any more, and the sorting as text, whose scores do not fall down the list.
# The shortened heading is the one that hides best: only *scored again* sees it, in one query of ten.
#
# ## A test
#
# Signs come when the faulty version is in use. A test comes before. It needs texts for which you know what
# has to come out. For all of the nine but the token types it does not need the real model, which is slow and
# whose scores you do not know by heart. So put a model in its place whose scores you decide:

# %%
from rerank_course.lab.known_scores import KnownScores

model = KnownScores(lambda query, text: 3.0 if "lunch" in text else -3.0)
model.predict([("When is lunch?", "The lunch break begins at noon."), ("When is lunch?", "Bring a pen.")])

# %% [markdown]
# Take *sorted as text*. Here is the right way to sort, the faulty one, and a test. It sets up three texts,
# runs what it is given, and says with `assert` what has to be true.


# %%
def ranked(texts, model, order):
    """The texts, best first, in the order that `order` makes of their probabilities."""
    scores = expit(model.predict([("a query", text) for text in texts]))
    return [texts[place] for place in order(scores)]


def by_number(scores):
    return np.argsort(-scores, kind="stable")


def as_text(scores):
    return sorted(range(len(scores)), key=lambda place: str(scores[place]), reverse=True)


def first_test(order):
    logits = {"good": 2.0, "middling": 0.5, "bad": -1.0}
    texts = ["middling", "bad", "good"]
    assert ranked(texts, KnownScores(lambda query, text: logits[text]), order) == ["good", "middling", "bad"]


def passes(test, order):
    try:
        test(order)
    except AssertionError:
        return "fails"
    return "passes"


print("numbers:", passes(first_test, by_number), "  as text:", passes(first_test, as_text))

# %% [markdown]
# The test passes on both. It looks like a test of the order, and it would have let the fault through, since
# `"0.88"`, `"0.62"` and `"0.27"` are in the same order as text. So a test is not done when it passes: **see
# it fail** on the fault that it is for.
#
# **Predict.** Which logit would give the fault away?


# %%
def test_of_the_order(order):
    logits = {"good": 2.0, "middling": 0.5, "hopeless": -11.0}
    texts = ["middling", "hopeless", "good"]
    best_first = ranked(texts, KnownScores(lambda query, text: logits[text]), order)
    assert best_first == ["good", "middling", "hopeless"]


def with_sorted(scores):
    return sorted(range(len(scores)), key=lambda place: -scores[place])


def too_strict(order):
    test_of_the_order(order)
    assert isinstance(order(np.array([1.0, 2.0])), np.ndarray)


print("the hopeless text's probability as text:", str(expit(np.float32(-11.0))))
orders = {"numbers": by_number, "as text": as_text, "numbers, written otherwise": with_sorted}
tests = {"the first test": first_test, "with a hopeless text": test_of_the_order, "too strict": too_strict}
outcome = pd.DataFrame(
    {name: {what: passes(test, order) for what, order in orders.items()} for name, test in tests.items()}
)
outcome
# claim: A test whose scores are all plain decimals lets the sorting as text pass; a very small one shows it.
# control: two right ways to sort, which the test has to let pass
# holds: outcome["with a hopeless text"].tolist() == ["passes", "fails", "passes"]
#   and outcome["the first test"].tolist() == ["passes", "passes", "passes"]
# value: ", ".join(f"{test}: {outcome[test]['as text']} on the fault" for test in outcome)

# %% [markdown]
# A probability of a hopeless text is written `1.6701422e-05`, and as text that is above `0.88`. The last
# column is the other kind of bad test: it asks for something that nobody promised, an array, and fails on a
# pipeline that is right. Such a test tells nothing about faults.
#
# So a test has two controls, and [](exercise:wiring_clinic) gives you both: a faulty pipeline on which it has
# to fail, and right ones, written in several ways, on which it has to pass. There are eight faults to find.
#
# ## What to remember
#
# - **A wiring fault need not raise an error.** None of these nine did: each gave an order and numbers.
# - **nDCG@10 shows some faults and not others**: none that keeps the order, and fewer on the second
#   collection.
# - **Score a few results again** in production, by id, in a second way. Look also whether scores fall down
#   the list, and whether anything comes up from below the cut.
# - **See a test fail** on its fault, and pass on a right pipeline that is written otherwise.
# - **Use a model whose scores you know.** Then a test loads nothing, and you decide what should come out.
#
# **Where it breaks:** at a fault in the model's files or in the library, as it was with the token types and
# the second sigmoid in the table above: scored again, the number is wrong again. Compare with a score from
# the model's card. And *scored again* does not see what was never scored.
#
# ## Quiz
#
# After an update of your service, nDCG@10 on your judged queries is the same to the third decimal. A
# colleague says that the reranker is wired correctly. What do you say?
#
# A. Yes: with a fault nDCG@10 would have fallen.
#
# B. Not yet: the numbers may be wrong though the order is as before, and a threshold on them may let
# everything pass.
#
# C. No: the same value proves that the reranker is switched off.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** forgets the second sigmoid, which nDCG@10 hardly sees.
#
# **B** is right. Look at the range of the scores, and score a few results again.
#
# **C** does not follow: a reranker that works gives the same value too. Compare with the value without one.
#
# </details>
#
# **On your own:** write a tenth fault that none of the seven signs sees.
#
# **In practice:** take one result in a thousand, score it again in a job by night, and raise an alarm when
# more than a few differ.
#
# **Further reading:** the issues in the table above; and on tests of programs whose right answer nobody
# knows, a survey of metamorphic testing by [Segura and others](https://doi.org/10.1109/TSE.2016.2532875).
#
# **Next:** [](next:)
