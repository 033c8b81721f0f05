# %% [markdown]
# # {title}
#
# **Goal.** Count what a cross-encoder reads of a long document, make it miss an answer, and repair that with
# overlapping windows and the best window's score.
#
# | | |
# | --- | --- |
# | **Difficulty** | ●●○ |
# | **Time** | {minutes} minutes |
# | **Points** | {points}: tokens 2, hidden answer 2, windows 4, best window 2 |
# | **You need** | [](lesson:when_scores_mislead) (truncation), [](exercise:score_pairs) (scoring pairs) |
#
# Each part has a place for your answer and a **check** below it. Run the check as often as you like: it says
# *not attempted*, *wrong* and why, or *right*.
#
# The checks call your functions with two rerankers: the course's, and the same one with a lower limit. So
# take the limit from `reranker.max_seq_length` and the tokens from `reranker.tokenizer`, never from your
# memory.

# %% [markdown]
# ## Part 1 · Who gets the tokens?
#
# A model reads a fixed number of tokens. The query takes some, **special tokens** that mark where each text
# begins and ends take some, and the document gets the rest. What does not fit is cut off at the document's
# end (as long as the query is the shorter of the two).

# %% role="solution" id="count-tokens"
def count_tokens(query, document, reranker):
    """How the tokens of a (query, document) pair are shared out.

    Returns a dictionary of four whole numbers: "query" and "document", the tokens of each whole text alone;
    "special", the special tokens of a pair; and "not read", how many tokens of the document are past the
    model's limit (0 if it fits).
    """
    ### BEGIN SOLUTION
    tokenizer = reranker.tokenizer
    counts = {
        name: len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        for name, text in (("query", query), ("document", document))
    }
    counts["special"] = tokenizer.num_special_tokens_to_add(pair=True)
    counts["not read"] = max(0, sum(counts.values()) - reranker.max_seq_length)
    return counts
    ### END SOLUTION


# %%
from rerank_course.checks.long_document import check_count_tokens

check_count_tokens(count_tokens)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `reranker.tokenizer(text, add_special_tokens=False)["input_ids"]` is a list with one number for each token.
# It cuts nothing off unless you ask it to; a warning that the sequence is too long for the model is harmless
# here, and `verbose=False` keeps it quiet.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `reranker.tokenizer.num_special_tokens_to_add(pair=True)` counts the special tokens of a pair. Add up all
# three, take off the limit, and never go below 0.
#
# </details>
#
# *Your counts are two too high?* The tokenizer put special tokens around each text.

# %% [markdown]
# ## Part 2 · Hide an answer
#
# Make a document in which the model cannot see the answer: fill in front of it until it stands past the
# limit. And make the same document without the answer. If the model reads none of it, both get the same
# score. The filler is shorter than the limit, so you will need it more than once.


# %% role="solution" id="hide-the-answer"
def hide_the_answer(query, answer, filler, reranker):
    """Make two documents from the filler, one with the answer and one without.

    Returns (with the answer, word by word, past what the model reads; the same text without the answer).
    """
    ### BEGIN SOLUTION
    front = filler
    while count_tokens(query, front, reranker)["not read"] == 0:
        front = f"{front} {filler}"
    return f"{front} {answer}", front
    ### END SOLUTION


# %%
from rerank_course.checks.long_document import check_hide_the_answer

check_hide_the_answer(hide_the_answer, count_tokens)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Which of your four counts tells you that the filler alone is already longer than what the model reads?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Start with one filler and add another as long as everything in front of the answer is still read.
#
# </details>
#
# *The two scores differ a little?* Then the first tokens of the answer still stand inside the limit.

# %% [markdown]
# ## Part 3 · Windows
#
# Cut the document into **windows**: pieces that the model can read whole, query and special tokens included.
# Each is as long as fits, and begins `overlap` tokens (fewer than a window has) before the last one ended, so
# that a sentence at a border stands whole in one of the two. Together they hold the whole document. (A cut
# inside a word can make a token more than there was. Windows one or two tokens shorter than would fit do no
# harm.)


# %% role="solution" id="cut-windows"
def cut_windows(query, document, reranker, overlap):
    """Cut a document into overlapping windows that fit beside the query.

    overlap: how many tokens two neighbouring windows share at least.
    Returns the windows' texts in the order of the document; a document that fits is one window.
    """
    ### BEGIN SOLUTION
    counts = count_tokens(query, document, reranker)
    room = reranker.max_seq_length - counts["query"] - counts["special"] - 1
    places = reranker.tokenizer(
        document, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )["offset_mapping"]
    found, first = [], 0
    while True:
        last = min(first + room, len(places))
        found.append(document[places[first][0] : places[last - 1][1]])
        if last == len(places):
            return found
        first = last - overlap
    ### END SOLUTION


# %%
from rerank_course.checks.long_document import check_cut_windows

check_cut_windows(cut_windows, count_tokens)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# How many tokens does a window get? The limit, less what the query and the special tokens take. And by how
# many do you step on, if two neighbours share `overlap`?
#
# </details>
# <details><summary>Hint 2</summary>
#
# With `return_offsets_mapping=True` the tokenizer also gives `"offset_mapping"`: for each token, the
# positions in the text where it begins and ends. So a run of tokens becomes a piece of the document as it was
# written. (`tokenizer.decode` works too, but this model's tokenizer gives back small letters.)
#
# </details>
#
# *The last tokens are missing?* Your loop stops when there is no full window left.

# %% [markdown]
# ## Part 4 · The best window
#
# Score each window and take the highest: a document is as good as its best part. Say which window it was.


# %% role="solution" id="best-window"
def best_window(query, windows, reranker):
    """Return (score, window): the highest score among a document's windows, and the text of that window."""
    ### BEGIN SOLUTION
    scores = reranker.predict([(query, window) for window in windows])
    return max(zip(scores.tolist(), windows), key=lambda scored: scored[0])
    ### END SOLUTION


# %%
from rerank_course.checks.long_document import check_best_window

check_best_window(best_window)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# One call of `predict` with a pair for each window.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `max` on a list of tuples compares their first elements. Which of the two should come first?
#
# </details>
#
# *The score falls when the document grows?* You take the mean. The highest cannot fall.

# %% [markdown]
# ## Does it help?
#
# First on your own hidden answer: the document as a whole, and by its best window.

# %%
from rerank_course import load_reranker

reranker = load_reranker()
query = "Who feeds the cat in the lighthouse?"
answer = "The cat in the lighthouse is fed by the keeper's daughter every evening."
filler = (
    "The ferry crosses the bay at noon and comes back before dark. In winter it brings the mail and bread."
)


def try_it():
    document, _ = hide_the_answer(query, answer, filler, reranker)
    windows = cut_windows(query, document, reranker, 64)
    score, window = best_window(query, windows, reranker)
    print(
        f"as a whole {reranker.predict((query, document)):.2f}; best window {score:.2f}, "
        f"number {windows.index(window) + 1} of {len(windows)}"
    )
    print("it ends:", window[-80:])


try:
    try_it()
except NotImplementedError:
    print("Finish parts 1 to 4, then run this cell again.")

# %% [markdown]
# Then on four long pages of the handbook, each with a question whose answer stands near the page's end, past
# the limit. All three scores are for the same page: as a whole, by its best window, and by its best window
# with the page's heading put in front of each.
#
# **Predict.** For how many of the four will the best window be the last one?

# %%
import pandas as pd

from rerank_course import load_corpus

handbook = load_corpus("handbook")
pages = {"trv-014": "trv-q07", "lve-016": "lve-q07", "it-022": "it-q05", "hls-005": "hls-q08"}


def repaired(page, query):
    """One row: a page as a whole, by its best window, and by its best window under the page's heading."""
    bare = cut_windows(query, page.content, reranker, 64)
    # The heading will stand in each window: counted as part of the query, it gets its room.
    headed = [
        f"{page.title}\n{window}" for window in cut_windows(f"{query} {page.title}", page.text, reranker, 64)
    ]
    row = {
        "page": page.title,
        "not read": count_tokens(query, page.content, reranker)["not read"],
        "as a whole": float(reranker.predict((query, page.content))),
    }
    for name, windows in (("best window", bare), ("with heading", headed)):
        score, window = best_window(query, windows, reranker)
        row |= {name: score, f"{name} is": f"{windows.index(window) + 1} of {len(windows)}"}
    return row


try:
    table = pd.DataFrame(
        [repaired(handbook.documents[page], handbook.queries[query]) for page, query in pages.items()]
    ).round(2)
except NotImplementedError:
    table = "Finish parts 1 to 4, then run this cell again."
table

# %% [markdown]
# <details><summary>After you have run it</summary>
#
# Your made-up document is repaired: its last window holds the answer, and the score says so. The handbook's
# pages are harder. For two of the four, the last window does not win, with or without the heading: the first
# one, which opens the page and names its subject, still scores higher than the window that holds the answer,
# and the page's score stays where it was. One page needs its heading before the right window wins; a window
# from the middle of a page has lost it, as a chunk has.
#
# A repair of this kind brings the answer in front of the model. It does not make the model recognise it. So
# measure it on judged queries, as in [](lesson:retrieval_flow), before you pay for the additional pairs.
#
# </details>

# %% [markdown]
# ## Think about it
#
# - A long document has many windows, and each is a chance for a high score by accident. What does that do to
#   a list in which long and short documents compete?
# - What would you rather do with long documents: cut them when a query comes, or cut them into chunks once,
#   before they are searched?
#
# ## For graded classes
#
# If you learn alone, you are done.
#
# The checks above are public: they use data that you can see. Your teacher's copy of the next cells also has
# hidden tests, with other queries and other documents. A function that passes the public checks for the right
# reason passes those too.

# %% role="graded" id="graded-tokens" points=2
check_count_tokens(count_tokens).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks.long_document import handbook_text

check_count_tokens(
    count_tokens,
    pairs=[
        (
            "Is unpasteurised cheese allowed?",
            "Gorgonzola, Roquefort and Camembert: refrigerated, labelled, unopened.",
        ),
        ("Which of the harbour's two ferries runs on Sundays in winter?", handbook_text("sec", 800)),
        ("When?", handbook_text("onc", 509)),
    ],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-hidden-answer" points=2
check_hide_the_answer(hide_the_answer, count_tokens).require()
### BEGIN HIDDEN TESTS
check_hide_the_answer(
    hide_the_answer,
    query="Which platform does the night train to Lisbon leave from?",
    answer="The night train to Lisbon leaves from platform nine, behind the old clock.",
    department="pay",
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-windows" points=4
check_cut_windows(cut_windows, count_tokens).require()
### BEGIN HIDDEN TESTS
check_cut_windows(
    cut_windows,
    query="Which platform does the night train to Lisbon leave from on Sundays and on public holidays, and "
    "who sells tickets for it at the station after midnight in winter?",
    document=handbook_text("hls", 1300),
    overlap=32,
).require()
check_cut_windows(cut_windows, query="Parking?", document=handbook_text("sec", 700), overlap=11).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-best-window" points=2
check_best_window(best_window).require()
### BEGIN HIDDEN TESTS
check_best_window(
    best_window,
    query="Which platform does the night train to Lisbon leave from?",
    windows=(
        "The station has two halls, one of them under a glass roof.",
        "Night trains have sleeping cars with two or four beds.",
        "A clock of the last century hangs over the exit.",
        "The night train to Lisbon leaves from platform nine, behind the old clock.",
    ),
).require()
check_best_window(
    best_window,
    query="boiling point of ethanol",
    windows=["Ethanol boils at 78 degrees.", "Water boils at 100 degrees."],
).require()
### END HIDDEN TESTS
