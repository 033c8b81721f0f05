# %% [markdown]
# # {title}
#
# A reranker always gives an order, and always with numbers. It never says that it did not understand. In this
# lesson you provoke two failures on judged data, count how often they happen, and try repairs. Each has a
# [control](term:control) beside it: a case like it in which the supposed cause is missing. (To *fall for*
# something is to be deceived by it.)
#
# **What you will do**
#
# - let a passage that repeats the question beat the one that answers it, in the
#   [reranker](term:reranker) and in the [embedder](term:embedder);
# - try two repairs, and do the same to passages that do not need repair;
# - compare reranking with the search that it follows, and then with the best search that costs less.
#
# **What you need:** [](lesson:scoring_pairs) on scores, [](lesson:batch_scoring) on the 8-bit engine,
# [](lesson:retrieval_flow) on measuring.
#
# **Time:** {minutes} minutes, of which the machine computes about one.

# %%
import numpy as np
import pandas as pd

from rerank_course import load_corpus, load_embedder, load_reranker
from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.evaluate import answered_queries

handbook = load_corpus("handbook")
answered = answered_queries(handbook)
fast, embedder = load_reranker(backend="int8"), load_embedder()
print(f"{len(answered)} of the handbook's {len(handbook.queries)} queries have an answer in it")

# %% [markdown]
# As in [](lesson:retrieval_flow), the scores of the candidates and of the judged passages were
# recorded beforehand with the [int8](term:int8) engine, and new pairs are scored while you wait.
#
# ## 1 · The echo
#
# In [](lesson:scoring_pairs) a passage that only repeated the question came out above the answer. That was
# one question. How common is such an [echo](term:echo), and does cheap
# [cosine similarity](term:cosine similarity) fall for it too?
#
# For each query of the handbook that has an answer we take the passages that were judged for it, with both
# scores, and note the score of the best one that answers ([grade](term:grade) 2 or 3).

# %%
from rerank_course import DenseRetriever


def judged_pairs(corpus, dense, recorded):
    """Each judged pair of the answered queries: its grade, the reranker's score and the cosine."""
    queries = answered_queries(corpus)
    pairs = [(query, document) for query in queries for document in corpus.qrels[query]]
    table = pd.DataFrame(pairs, columns=["query", "document"])
    table["grade"] = [corpus.qrels[query][document] for query, document in pairs]
    table["reranker"] = recorded.predict(
        [(corpus.queries[query], corpus.documents[document].content) for query, document in pairs]
    )
    asked = embedder.encode([corpus.queries[query] for query in queries], normalize_embeddings=True)
    vectors = dict(zip(queries, asked))
    place = {document.id: number for number, document in enumerate(dense.documents)}
    table["cosine"] = [float(dense.vectors[place[document]] @ vectors[query]) for query, document in pairs]
    return table


recorded = RecordedReranker("handbook", "int8", live=fast)
dense = DenseRetriever(list(handbook.documents.values()), embedder)
judged = judged_pairs(handbook, dense, recorded)
judges = ("reranker", "cosine")
best = {judge: judged[judged["grade"] >= 2].groupby("query")[judge].max() for judge in judges}
print(len(judged), "judged pairs,", (judged["grade"] >= 2).sum(), "of them answers")

# %% [markdown]
# Now put one more candidate beside them: the question itself. Then a page as help pages have it, which
# repeats the question and sends the reader away. The third row is the control: the same page, with the
# question of somebody else in it.
#
# **Predict.** In what share of the queries does the bare question score above the best answer? And is the
# reranker or the cosine deceived more often?

# %% output="varies"
from rerank_course.lab.guess import guess

share = guess("queries in which the reranker puts the bare question above the best answer, in percent")

# %% output="varies"
page = "“{}” is a question that we hear often. Please read the handbook before you write."
questions = [handbook.queries[query] for query in best["reranker"].index]
others = questions[1:] + questions[:1]
echoes = {
    "the question itself": questions,
    "a page that repeats it": [page.format(question) for question in questions],
    "the page with another question": [page.format(question) for question in others],
}
vectors = embedder.encode(questions, normalize_embeddings=True)
rows = {}
for name, texts in echoes.items():
    scores = fast.predict(list(zip(questions, texts)))
    cosines = (vectors * embedder.encode(texts, normalize_embeddings=True)).sum(axis=1)
    rows[name] = {
        "reranker": (scores > best["reranker"].to_numpy()).mean(),
        "cosine": (cosines > best["cosine"].to_numpy()).mean(),
    }
deceived = pd.DataFrame.from_dict(rows, orient="index")
share.beside(round(100 * deceived.loc["the question itself", "reranker"]))
(100 * deceived).round().astype(int).astype(str) + " %"
# claim: A page that repeats the question word for word beats the best answer in most queries.
# control: the same page with somebody else's question in it
# holds: deceived["reranker"].iloc[1] > 0.8 and deceived["reranker"].iloc[2] < 0.2
# value: f"{deceived['reranker'].iloc[1]:.0%}, with another question {deceived['reranker'].iloc[2]:.0%}"
# claim: The cosine is deceived by the bare question no less often than the reranker.
# control: the other model, on the same queries
# holds: deceived["cosine"].iloc[0] >= deceived["reranker"].iloc[0] > 0.8
# value: f"cosine {deceived['cosine'].iloc[0]:.0%}, reranker {deceived['reranker'].iloc[0]:.0%}"

# %% [markdown]
# The control is low, so it is the question that lifts the page, and not the sentence around it. The
# second column says that rerankers are not alone in this: the embedder falls for the same page. For the
# bare question it could not do otherwise, since a text is as similar to itself as can be.
#
# ### Pages as a handbook has them
#
# A page need not repeat a question word for word. A list of frequent questions or a ticket without a reply
# may come near to it. The handbook has pages that list questions (one lists abbreviations) and point
# elsewhere; its data call them `faq`, and here they are *pointers* too. None of them answers any query. They
# were written as traps, so expect another rate in your texts.
#
# Take the first 50 passages of the dense search for each query, as a reranker would get them. Does a pointer
# among them beat the best answer? The control takes, for the same query and from the same 50, as many *other*
# passages that do not answer, drawn at random, a thousand times. They are drawn from all the candidates, and
# not from the judged ones alone: many of those were judged because a system had put them high, so they would
# beat the answer more often than most.
#
# **Predict.** More often than the random passages? And which of the two models is deceived more often?

# %%
from rerank_course.texts.beir import read_jsonl
from rerank_course.texts.corpora import DATA

status = {row["_id"]: row["metadata"]["status"] for row in read_jsonl(DATA / "handbook" / "corpus.jsonl")}
faq = {document for document, kind in status.items() if kind == "faq"}
rows = []
for query in answered:
    candidates = dense.search(handbook.queries[query], 50)
    scores = recorded.predict([(handbook.queries[query], chunk.content) for chunk, _ in candidates])
    for (chunk, cosine), score in zip(candidates, scores):
        if handbook.qrels[query].get(chunk.id, 0) < 2:
            above = (score > best["reranker"][query], cosine > best["cosine"][query])
            rows.append((query, chunk.id in faq, *above))
found = pd.DataFrame(rows, columns=["query", "pointer", *judges])


def at_random(judge, draws=1000):
    """In how many queries as many other candidates beat the best answer: one number for each draw."""
    random, total = np.random.default_rng(0), np.zeros(draws)
    others = found[~found["pointer"]].groupby("query")[judge]
    for query, count in found[found["pointer"]].groupby("query").size().items():
        above = others.get_group(query).to_numpy()
        total += above[random.random((draws, len(above))).argsort(axis=1)[:, :count]].any(axis=1)
    return total


pointers = {judge: found[found["pointer"]].groupby("query")[judge].any() for judge in judges}
chance = {judge: at_random(judge) for judge in judges}
for judge in judges:
    low, high = np.percentile(chance[judge], [2.5, 97.5])
    print(
        f"{judge:9} a pointer beats the best answer in {pointers[judge].sum()} of {len(pointers[judge])} "
        f"queries; at random {chance[judge].mean():.1f} ({low:.0f} to {high:.0f})"
    )
# claim: Pages that point elsewhere beat the best answer more often than other passages without an answer.
# control: as many other candidates that do not answer the same query, drawn at random from the same 50
# holds: (chance["reranker"] >= pointers["reranker"].sum()).mean() < 0.025
# value: f"{pointers['reranker'].sum()} of {len(pointers['reranker'])} queries, "
#   f"at random {chance['reranker'].mean():.1f}"

# %%
from scipy.stats import binomtest

only = [(pointers[a] & ~pointers[b]).sum() for a, b in (judges, judges[::-1])]
p = binomtest(int(only[0]), int(sum(only))).pvalue
print(f"only the reranker is deceived in {only[0]} queries, only the cosine in {only[1]}: p = {p:.2f}")
for query in ("exp-q01", "trv-q08"):  # two of the three whose pointer repeats them word for word
    print(handbook.queries[query])
    rows = judged[judged["query"] == query]
    for name, kind in (("pointer", rows["document"].isin(faq)), ("answer", rows["grade"] >= 2)):
        row = rows[kind].nlargest(1, "reranker").iloc[0]
        text = handbook.documents[row["document"]].text
        print(f"   {name:8}{row['reranker']:6.2f}  {text[:85]}…")

# %% [markdown]
# The pointers are above the random draws, for both models. Which model is deceived more often? In 11 queries
# it is only the reranker, in 10 only the cosine; p is the chance of a split as uneven as this, or more, if
# both were deceived equally often. It is not small, so these queries do not
# show a difference. The bare question deceives both. The two examples repeat the query word for word; most
# pointers do not.
#
# ### Repair 1: the heading
#
# A passage has a [heading](term:heading), and an answer may need it. So put headings in front, as
# [](lesson:scoring_pairs) did for one question. Here are all pairs that were judged for a query with an
# answer, once with the heading and once without. An answer gains, one hopes. The control: what do pointers
# gain, and the other passages?
#
# **Predict.** Which of the three groups gains most?

# %% output="varies"
gainers = guess("the group whose scores gain most", choices=["answers", "pointers", "others"])

# %% output="varies"
from rerank_course import paired_difference, per_query
from rerank_course.evaluate import bootstrap_interval
from rerank_course.lab.intervals import interval_chart

judged["bare"] = recorded.predict(
    [
        (handbook.queries[query], handbook.documents[document].without_heading().content)
        for query, document in zip(judged["query"], judged["document"])
    ]
)
gain = judged["reranker"] - judged["bare"]
is_answer, is_pointer = judged["grade"] >= 2, judged["document"].isin(faq)
groups = {"answers": is_answer, "pointers": is_pointer, "others": ~is_answer & ~is_pointer}
gained = {name: gain[rows].groupby(judged["query"]).mean() for name, rows in groups.items()}
gained["answers − pointers"] = (gained["answers"] - gained["pointers"]).dropna()
gained["answers − others"] = gained["answers"] - gained["others"]
gains = {name: (rows.mean(), *bootstrap_interval(rows.to_numpy())) for name, rows in gained.items()}
gainers.beside(max(groups, key=lambda name: gains[name][0]))
interval_chart(gains, "score with heading − without, mean over the queries, 95 %")

# %% output="varies"


def ranked_by(column):
    """A run over the judged passages: for each query, the best first."""
    best_first = judged.sort_values(column, ascending=False, kind="stable")
    return {query: list(zip(rows["document"], rows[column])) for query, rows in best_first.groupby("query")}


without, with_heading = (per_query(ranked_by(column), handbook) for column in ("bare", "reranker"))
heading = {measure: paired_difference(without, with_heading, measure) for measure in ("nDCG@10", "RR@10")}
for measure, (mean, low, high) in heading.items():
    print(f"with − without heading: {measure:7} {mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}")
change = with_heading["nDCG@10"] - without["nDCG@10"]
print(f"nDCG@10 goes up in {(change > 1e-9).sum()} queries, down in {(change < -1e-9).sum()}")
best["bare"] = judged[judged["grade"] >= 2].groupby("query")["bare"].max()
still = {}
for column in ("bare", "reranker"):
    top = judged[is_pointer].groupby("query")[column].max()
    still[column] = (top > best[column][top.index]).sum()
print(f"a judged pointer beats the best answer: without headings {still['bare']}, with {still['reranker']}")
# claim: Headings do not do away with the echo: pointers beat the best answer nearly as often with them.
# control: the same passages without their headings
# holds: still["reranker"] > 0.7 * still["bare"]
# value: f"{still['bare']} queries without headings, {still['reranker']} with"

# %% [markdown]
# Headings move the answers and the pointers apart, by a third of a logit: pointers even *lose* a little. Over
# the other passages no gain of the answers is shown. In a list of the judged passages alone no clear gain is
# shown either: the intervals begin at about zero (two measures, two comparisons). And the pointers beat the
# best answer nearly as often as before. So a heading is no repair of the echo. On average it did no harm
# here, though nDCG@10 goes down for many queries.
#
# ### Repair 2: take the pages of questions out
#
# A page that answers nothing need not be searched. Here is the whole flow of [](lesson:retrieval_flow),
# [hybrid search](term:hybrid search) and 50 candidates reranked, with the pages of questions and without
# them. (They are taken out of the finished ranking. Out of the index, others would come in their place.)
# Taking out pages that answer nothing tends to help by itself, since what stands below moves up. So the first
# control takes out as many other pages at random; none of them has a grade above 0 for any of these queries.
# The second takes out rules that are out of date (`superseded`), which are no pages of questions, though some
# share a question's words. And all of it is done to the dense search alone as well, which has the higher mean
# here.
#
# **Predict.** In how many of the queries is a page of questions on top? And does taking them out bring more
# than taking out the others?

# %%
from functools import cache

from rerank_course import BM25Retriever, HybridRetriever, retrieve_and_rerank


def three_searches(corpus):
    documents = list(corpus.documents.values())
    bm25, dense = BM25Retriever(documents), DenseRetriever(documents, embedder)  # vectors are kept
    dense.search = cache(dense.search)  # the hybrid asks the same again
    return {"BM25": bm25, "dense": dense, "hybrid": HybridRetriever([bm25, dense])}


searches = {"handbook": three_searches(handbook)}
runs = {"handbook": retrieve_and_rerank(handbook, searches["handbook"], recorded, depths=(10, 50))}
reranked, alone = runs["handbook"]["hybrid + rerank 50"], runs["handbook"]["dense"]
useful = set(judged[judged["grade"] >= 1]["document"])
outdated = {document for document, kind in status.items() if kind == "superseded"} - useful
silent = sorted(set(handbook.documents) - useful - faq - outdated)
random = np.random.default_rng(0)
draws = [set(random.choice(silent, len(faq), replace=False).tolist()) for _ in range(60)]


def on_top(pages):
    return sum(ranking[0][0] in pages for ranking in reranked.values())


print(f"a page of questions is on top in {on_top(faq)} of {len(reranked)} queries,")
print(f"one of as many other pages that answer nothing in {np.mean([on_top(some) for some in draws]):.1f}")


# %%
def ndcg_without(gone, run):
    kept = {query: [row for row in ranking if row[0] not in gone] for query, ranking in run.items()}
    return per_query(kept, handbook)["nDCG@10"]


some_outdated = [set(random.choice(sorted(outdated), len(faq), replace=False).tolist()) for _ in range(10)]
taken_out = {}
for name, run in {"hybrid + rerank 50": reranked, "dense alone": alone}.items():
    full, without_faq = ndcg_without(set(), run), ndcg_without(faq, run)
    by_draw = [ndcg_without(some, run) for some in draws]
    gain, by_chance = (without_faq - full).mean(), [(one - full).mean() for one in by_draw]
    reached = sum(chance >= gain for chance in by_chance)
    over_chance = without_faq - sum(by_draw) / len(by_draw)
    low, high = bootstrap_interval(over_chance.to_numpy())
    out_of_date = np.mean([(ndcg_without(some, run) - full).mean() for some in some_outdated])
    taken_out[name] = gain, low, out_of_date
    print(f"{name}: nDCG@10 without the {len(faq)} pages of questions {gain:+.3f}")
    print(
        f"    without {len(faq)} others {np.mean(by_chance):+.3f}, as much in {reached} of {len(draws)} draws"
    )
    print(f"    the difference, by query: {over_chance.mean():+.3f} ({low:+.3f} to {high:+.3f})")
    print(f"    without {len(faq)} pages that are out of date {out_of_date:+.3f}")
# claim: Taking out the pages of questions brings more than taking out other pages, reranked or not; taking
#   out pages that are out of date brings about as much.
# control: as many other pages that answer nothing, drawn at random 60 times; pages that are out of date
# holds: all(low > 0 and other > 0.6 * gain for gain, low, other in taken_out.values())
# value: "; ".join(f"{name} {gain:+.3f}, out of date {other:+.3f}"
#   for name, (gain, low, other) in taken_out.items())

# %% [markdown]
# Read it line by line. Both searches gain, and more than by taking out other pages that answer nothing. But
# taking out as many pages that are out of date brings as much or more; whether more, is not tested. So the
# gain is small, and it is not peculiar to pages of questions. (The handbook has both kinds as traps.)
#
# **At work:** look which pages stand high and answer nothing: those that only ask, and those that are out of
# date. Leave them out of the index, and measure what that brings.
#
# ## 2 · Is it better than a search that costs less?
#
# [](Lesson:retrieval_flow) measured two collections. The handbook is office English; the
# docstrings of pandas are reference entries. Three searches on each, with the first 50 reranked by the same
# model: is reranking worth its time?
#
# **Predict.** Six rows: each search reranked, less the same search without. In how many does the interval lie
# above zero?

# %% output="varies"
rows_above = guess("rows of the six whose interval lies above zero")

# %%
pandas_docs = load_corpus("pandas-docs")
corpora = {"handbook": handbook, "pandas-docs": pandas_docs}
recorded_docs = RecordedReranker("pandas-docs", "int8", live=fast)
searches["pandas-docs"] = three_searches(pandas_docs)
runs["pandas-docs"] = retrieve_and_rerank(
    pandas_docs, searches["pandas-docs"], recorded_docs, depths=(10, 50)
)
tables = {
    (name, system): per_query(run, corpora[name]) for name in corpora for system, run in runs[name].items()
}

# %% output="varies"
names = ("BM25", "dense", "hybrid")
to_itself = {
    f"{name}: {search}": paired_difference(
        tables[name, search], tables[name, f"{search} + rerank 50"], "nDCG@10"
    )
    for name in corpora
    for search in names
}
rows_above.beside(sum(low > 0 for _, low, _ in to_itself.values()))
interval_chart(to_itself, "nDCG@10, reranked − the same search without, 95 %")

# %% [markdown]
# Two rows lie above zero: BM25 and hybrid on the handbook. “Switch it on where the interval lies above zero”
# would switch it on for these two. But is their own search what you would use otherwise? Look at all the
# systems.

# %%
from rerank_course import summary

summary(
    {f"{name}: {system}": table for (name, system), table in tables.items() if "rerank 10" not in system}
).round(3)

# %% [markdown]
# On the handbook, dense search without any reranker has the highest mean in this table (rows with ten
# candidates are left out). So the fair
# [baseline](term:baseline) for a reranker is the best system that costs less, whichever search that is.
#
# **Predict.** The same six rows again, now less the best of the three searches without a reranker. In how
# many does the interval lie above zero?

# %% output="varies"
still_above = guess("rows above zero, against the best of the three searches")

# %% output="varies"
cheaper = {name: max(names, key=lambda search: tables[name, search]["nDCG@10"].mean()) for name in corpora}
to_cheaper = {
    f"{name}: {search} + rerank, less {cheaper[name]}": paired_difference(
        tables[name, cheaper[name]], tables[name, f"{search} + rerank 50"], "nDCG@10"
    )
    for name in corpora
    for search in names
}
still_above.beside(sum(low > 0 for _, low, _ in to_cheaper.values()))
for name, search in cheaper.items():
    for depth in (10, 50):
        mean, low, high = paired_difference(tables[name, search], tables[name, f"{search} + rerank {depth}"])
        print(f"{name}: {search} + rerank {depth}, less {search}: {mean:+.3f} ({low:+.3f} to {high:+.3f})")
interval_chart(to_cheaper, "nDCG@10, reranked − the best of the three searches, 95 %")
# claim: Reranking lifts the hybrid on the handbook, and is no better than dense search without a reranker.
# control: the best of three searches on the same queries
# holds: to_itself["handbook: hybrid"][1] > 0
#   and to_cheaper["handbook: hybrid + rerank, less dense"][1] < 0
# value: "{:+.3f} ({:+.3f} to {:+.3f}) to itself, ".format(*to_itself["handbook: hybrid"])
#   + "{:+.3f} ({:+.3f} to {:+.3f}) to dense".format(*to_cheaper["handbook: hybrid + rerank, less dense"])
# claim: On neither collection does reranking 50 candidates beat the best of three searches.
# control: the best of three searches, for each collection
# holds: all(low <= 0 for _, low, _ in to_cheaper.values())
# value: "best of six {:+.3f} ({:+.3f} to {:+.3f})".format(*max(to_cheaper.values()))

# %% [markdown]
# No row is left above zero. The handbook's hybrid mixes BM25 into dense search, and is worse than dense
# search alone; reranking brought back most of that, and what is left holds zero. The first picture was true,
# and it answered a question that does not help to decide. Reranking only 10 (the first line of each
# collection) brings no clear gain either.
#
# These are twelve comparisons in two pictures, at nDCG@10 only, and the best search was chosen on the queries
# on which it is compared. Another reranker or other texts may give another picture
# ([](lesson:model_options)); the question stays the same.
#
# ### Whose order is better?
#
# Reranking replaces the order of the search by the reranker's own. So compare the orders by themselves, on
# the same candidates: the first 50 that BM25 finds, ordered by the cosine, by the hybrid's score, and by the
# reranker. And take passages of a query two by two, one that answers and one that does not: how often does a
# score put the answer first? Guessing is right half of the time.
#
# **Predict.** Is the reranker's order better than the cosine's on the handbook? And on pandas-docs?

# %%
scorers = {"handbook": recorded, "pandas-docs": recorded_docs}


def answer_first(name):
    """For each query: the share of its (answer, other) pairs with the answer first, by both judges.

    Also for two parts of the answers: those that the model reads whole, and those that it cuts.
    """
    corpus, dense, rows = corpora[name], searches[name]["dense"], {}
    place = {document.id: number for number, document in enumerate(dense.documents)}
    for query in answered_queries(corpus):
        text = corpus.queries[query]
        chunks = [chunk for chunk, _ in searches[name]["BM25"].search(text, 50)]
        right = np.array([corpus.qrels[query].get(chunk.id, 0) >= 2 for chunk in chunks], dtype=bool)
        if not right.any():
            continue  # BM25 finds no answer
        asked = embedder.encode([text], normalize_embeddings=True)[0]
        scores = {
            "reranker": scorers[name].predict([(text, chunk.content) for chunk in chunks]),
            "cosine": dense.vectors[[place[chunk.id] for chunk in chunks]] @ asked,
        }
        tokens = fast.tokenizer([(text, chunk.content) for chunk in chunks], verbose=False)["input_ids"]
        too_long = np.array([len(pair) > 512 for pair in tokens])
        parts = {"": right, ", whole": right & ~too_long, ", cut": right & too_long}
        rows[query] = {
            judge + part: (score[these][:, None] > score[~right]).mean() if these.any() else np.nan
            for judge, score in scores.items()
            for part, these in parts.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index")


first = {name: answer_first(name) for name in corpora}
shares = {
    f"{name}: {judge} ({len(table)} queries)": (
        table[judge].mean(),
        *bootstrap_interval(table[judge].to_numpy()),
    )
    for name, table in first.items()
    for judge in judges
}
interval_chart(shares, "share of pairs with the answer first, mean over the queries, 95 %", reference=0.5)

# %%
lead = {}
for name, corpus in corpora.items():
    words = {"BM25": searches[name]["BM25"]}
    judge_of = {
        "cosine": searches[name]["dense"],
        "hybrid": searches[name]["hybrid"],
        "reranker": scorers[name],
    }
    ordered = {
        judge: per_query(retrieve_and_rerank(corpus, words, one, depths=(50,))["BM25 + rerank 50"], corpus)
        for judge, one in judge_of.items()
    }
    for judge in ("cosine", "hybrid"):
        lead[name, judge] = paired_difference(ordered[judge], ordered["reranker"])
        mean, low, high = lead[name, judge]
        print(f"{name:12} nDCG@10, reranker's order less {judge:6} {mean:+.3f} ({low:+.3f} to {high:+.3f})")
for column in ("reranker, whole", "reranker, cut"):
    some = first["pandas-docs"][column].dropna().to_numpy()
    low, high = bootstrap_interval(some)
    print(f"pandas-docs, {column}: {some.mean():.2f} ({low:.2f} to {high:.2f}), {len(some)} queries")
# claim: The reranker is a weaker judge of the docstrings than of the handbook, and so is the cosine.
# control: the other model on the same pairs, which neither of the two chose
# holds: all(first["handbook"][judge].mean() > first["pandas-docs"][judge].mean() + 0.05 for judge in judges)
# value: "; ".join(f"{judge} {first['handbook'][judge].mean():.2f} and "
#   f"{first['pandas-docs'][judge].mean():.2f}" for judge in judges)
# claim: On the same candidates the reranker's order is better than the hybrid's on the handbook, and on
#   neither collection than the cosine's, by more than chance.
# control: the cosine and the hybrid's score on the same 50 candidates, which BM25 chose
# holds: lead["handbook", "hybrid"][0] > 0.02 and lead["handbook", "hybrid"][1] > -0.005
#   and all(lead[name, "cosine"][1] <= 0 for name in corpora)
# value: "; ".join("{}, {} {:+.3f} ({:+.3f} to {:+.3f})".format(*key, *rows) for key, rows in lead.items())

# %% [markdown]
# On the handbook the reranker's order is better than the hybrid's, and no difference to the cosine's is
# shown. On pandas-docs it is worse than the hybrid's on these candidates of BM25. Both models put the answer
# first less often on pandas-docs. The reranker cuts long answers at 512 tokens. Is that the reason? The
# answers that it cuts do no worse than those that it reads whole, so nothing here speaks for it. (Most of
# them belong to other queries, so this is no proof; and long passages that do not answer are cut too, which
# is not looked at here.) Whether the texts are
# harder, or too far from those that the models were trained on, these numbers do not tell. The shares leave
# out queries for which BM25 finds no answer; the differences of nDCG@10 count them.
#
# ### Is it the judging?
#
# One more suspicion. An unjudged passage counts as wrong, though it may be right, and a reranker brings up
# other passages than the search did. The first judgements were made without any search. Then what stands
# among the first five of the lists below was judged too, all but two entries, by a language model that did
# not know which system had put it there ([data card](../rerank_course/texts/data/pandas-docs/README.md)).
# Here are the first five of each list on pandas-docs:

# %%
from ir_measures import iter_calc, nDCG


def at_five(run):
    """nDCG of the first five, for each query."""
    ranked = {query: {row[0]: -float(place) for place, row in enumerate(rows)} for query, rows in run.items()}
    values = {value.query_id: value.value for value in iter_calc([nDCG @ 5], pandas_docs.qrels, ranked)}
    return pd.Series(values)[answered_queries(pandas_docs)]


rows = {}
for search in names:
    for system in (search, f"{search} + rerank 50"):
        run = runs["pandas-docs"][system]
        grades = [pandas_docs.qrels[query].get(document) for query in run for document, _ in run[query][:5]]
        known = [grade for grade in grades if grade is not None]
        rows[system] = {
            "judged": f"{len(known) / len(grades):.1%}",
            "answers among the judged": f"{np.mean([grade >= 2 for grade in known]):.0%}",
            "answers": sum(grade >= 2 for grade in known),
        }
    gain = at_five(run) - at_five(runs["pandas-docs"][search])  # the last run is the reranked one
    low, high = bootstrap_interval(gain.to_numpy())
    rows[system]["nDCG@5, reranked − not"] = f"{gain.mean():+.3f} ({low:+.3f} to {high:+.3f})"
five = pd.DataFrame.from_dict(rows, orient="index").fillna("")
five
# claim: On pandas-docs reranking brings no more answers among the first five after the hybrid search.
# control: the passages that came up were judged, by a reader who knew neither system nor rank
# holds: five.loc["hybrid + rerank 50", "answers"] <= five.loc["hybrid", "answers"]
# value: f"answers among the first five: {five.loc['hybrid', 'answers']} before, "
#   f"{five.loc['hybrid + rerank 50', 'answers']} after; {five.loc['hybrid + rerank 50', 'judged']} judged"

# %% [markdown]
# In two of the lists one entry is not judged; all others are. After dense or hybrid search reranking does not
# leave more answers among the first five. No interval of nDCG@5 lies above zero. So for the first five places
# missing judgements are not the reason. Whether the grades are right, this does not test: each was given by
# one reader.
#
# Which questions lose? Three of the largest losses of the hybrid search on pandas-docs, and what stood on top
# before and after, with its grade:

# %%
from rerank_course.evaluate import winners_and_losers

before, after = tables["pandas-docs", "hybrid"], tables["pandas-docs", "hybrid + rerank 50"]
losers = winners_and_losers(before, after, pandas_docs).index[::-1][:3]
for query in losers:
    print(f"{pandas_docs.queries[query]}  [{pandas_docs.kinds[query]}]")
    for system in ("hybrid", "hybrid + rerank 50"):
        top = runs["pandas-docs"][system][query][0][0]
        print(f"    {system:18} grade {pandas_docs.qrels[query].get(top, '?')}  {top}")
        print(f"        {' '.join(pandas_docs.documents[top].text.split())[:90]}…")

# %% [markdown]
# The new passages on top have another task, and the judges gave them the grade 0. Why they came up, three
# examples do not tell.
#
# **At work:** judge questions of your own before you switch a reranker on (the fewer, the larger a gain has
# to be to show), and measure *every* system that you could run, also without a reranker. Switch it on where
# the interval of the difference to the best cheaper one lies above zero. Where it does not, no gain is shown:
# judge more, or leave it off. Who chooses among many systems keeps queries back for the last test; another
# model ([](lesson:model_options)) has to be measured in the same way.
#
# ## What to remember
#
# - **A page that repeats the question word for word came out above the answer,** for the reranker and for the
#   embedder; the handbook's own pages of questions came above it in a quarter of the queries that found one,
#   random passages in a sixth.
# - **A repair needs its control.** Headings moved answers and pages of questions apart, and those pages beat
# the best answer nearly as often as before. Taking such pages out brought a little, and taking out pages that
# are out of date brought as much.
# - **A gain needs the right baseline.** Compare with the best system that costs less, by a paired interval on
#   *this* collection.
#
# **Where it breaks:** quietly. No error and no warning. Judged queries show it; so keep yours, and run
# them after every change.
#
# ## Quiz
#
# A colleague adds a reranker to your hybrid search. On sixty judged questions nDCG@10 rises by 0.1, and
# the paired interval lies above zero. What do you ask first?
#
# A. Nothing: the interval leaves zero out, so switch it on.
#
# B. What the best search without a reranker reaches on the same questions.
#
# C. Whether a greater depth would bring more.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** is what happened to the handbook's hybrid: a clear gain over itself, and no gain over dense search
# alone, which costs less.
#
# **B** is right. A gain over a search that you need not use is no reason to pay for a reranker.
#
# **C** comes later. More depth may help against the same search with less; that is not yet a gain over the
# best search that costs less.
#
# </details>
#
# **On your own:** write a page that repeats three questions of your users and answers none. Search for them,
# with and without the reranker. Which place does it take?
#
# **In practice:** add two lines to your team's checklist for a release of search: pages without answers, and
# the best cheaper system.
#
# **Further reading:** [BEIR](https://arxiv.org/abs/2104.08663), rerankers on collections that they were not
# trained for, with two on which reranking loses; [Drowning in
# Documents](https://arxiv.org/abs/2411.11767), on rerankers that get worse as they see more candidates.
#
# **Next:** [](next:)
