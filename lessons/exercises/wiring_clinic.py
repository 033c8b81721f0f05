# %% [markdown]
# # {title}
#
# **Goal.** Eight pipelines, each with one fault that raises no error. For each, write a test that fails on
# it, and passes on pipelines that are right.
#
# | | |
# | --- | --- |
# | **Difficulty** | ●●○ |
# | **Time** | {minutes} minutes |
# | **Points** | {points}: A 1, B 1, C 1, D 1, E 1, F 1, G 1, H 1 |
# | **You need** | [](lesson:wiring_faults) |
#
# Each part has a place for your test and a **check** below it. The check runs your test on the faulty
# pipeline and on right ones, which are written in several ways. It says *not attempted*, *wrong* and why, or
# *right* and what the fault was.
#
# ## What the pipelines should do
#
# All take the same arguments:
#
# - `query`: the question;
# - `found`: a search's results, best first, each with `id`, `heading`, `text` and `in_force` (true or false);
# - `model`: a cross-encoder, whose `predict` gives logits;
# - `top_k`: how many to return, 3 unless said otherwise;
# - `depth`: how many of the results to look at, 50 unless said otherwise.
#
# Of the first `depth` results, those in force are scored. The model reads the heading, a full stop, a blank
# and the text. The best `top_k` come back as `[(id, probability), …]`, best first. The probability is the
# sigmoid of the logit. Equal ones keep the search's order. Here is one that is right:

# %%
import inspect

from rerank_course.checks import wiring_clinic_pipelines as pipelines
from rerank_course.lab.known_scores import KnownScores


def show(function):
    """Print its source."""
    print(inspect.getsource(function).rstrip())


show(pipelines.right)

# %% [markdown]
# `best(results, scores, top_k)` puts the ids of the results with their scores, the highest first; it has no
# fault. `expit` is SciPy's sigmoid.
#
# ### How to write a test
#
# Your test takes the pipeline as its only argument, calls it, and says with `assert` what has to be true. For
# all but part F you need no real model: `KnownScores` takes a function of yours that gives the logit of a
# pair, and keeps the pairs that it was asked for in `pairs`. This is a test that no fault here makes fail:


# %%
def result(id, text, heading="Notes", in_force=True):
    return {"id": id, "text": text, "heading": heading, "in_force": in_force}


def test_that_finds_nothing(pipeline):
    model = KnownScores(lambda first, second: -1.0)
    ranking = pipeline("When is lunch?", [result("a", "At noon.")], model)
    assert [id for id, _ in ranking] == ["a"]


for name in "abcdefgh":
    if name != "f":  # it wants a real model
        test_that_finds_nothing(getattr(pipelines, f"pipeline_{name}"))
print("no error")

# %% [markdown]
# Read a pipeline, guess what is wrong, and set up a case in which it shows. Compare numbers with a tolerance:
# two right pipelines may differ in the last digits.
#
# ## Part 1 · Pipeline A

# %%
show(pipelines.pipeline_a)


# %% role="solution" id="test-a"
def test_a(pipeline):
    """Fails on pipeline A, and passes on pipelines without its fault."""
    ### BEGIN SOLUTION
    found = [
        result("first", "Bring a pen."),
        result("second", "A map."),
        result("third", "Lunch is at noon."),
    ]
    model = KnownScores(lambda query, text: 4.0 if "noon" in text else -4.0)
    ranking = pipeline("When is lunch?", found, model, top_k=1)
    assert [id for id, _ in ranking] == ["third"]
    ### END SOLUTION


# %%
from rerank_course.checks.wiring_clinic import check_test_a

check_test_a(test_a)

# %% [markdown]
# <details><summary>Hint</summary>
#
# What is the longest list of results that the model gets to see? Put the best text behind its end.
#
# </details>
#
# ## Part 2 · Pipeline B

# %%
show(pipelines.pipeline_b)


# %% role="solution" id="test-b"
def test_b(pipeline):
    """Fails on pipeline B, and passes on pipelines without its fault."""
    ### BEGIN SOLUTION
    ranking = pipeline("When is lunch?", [result("pen", "Bring a pen.")], KnownScores(lambda *pair: -5.0))
    assert abs(ranking[0][1] - 0.0067) < 0.001
    ### END SOLUTION


# %%
from rerank_course.checks.wiring_clinic import check_test_b

check_test_b(test_b)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `predict` can apply a function to the logits before it returns them. What does the pipeline do with what
# comes back? The sigmoid of −5 is 0.0067.
#
# </details>
#
# ## Part 3 · Pipeline C

# %%
show(pipelines.pipeline_c)


# %% role="solution" id="test-c"
def test_c(pipeline):
    """Fails on pipeline C, and passes on pipelines without its fault."""
    ### BEGIN SOLUTION
    found = [
        result("old", "Lunch was at one.", in_force=False),
        result("pen", "Bring a pen."),
        result("lunch", "Lunch is at noon."),
    ]
    model = KnownScores(lambda query, text: 4.0 if "noon" in text else -4.0)
    ranking = pipeline("When is lunch?", found, model)
    assert [id for id, _ in ranking] == ["lunch", "pen"]
    ### END SOLUTION


# %%
from rerank_course.checks.wiring_clinic import check_test_c

check_test_c(test_c)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `place` counts in one list and is used in another. When do the two lists differ?
#
# </details>
#
# ## Part 4 · Pipeline D

# %%
show(pipelines.pipeline_d)


# %% role="solution" id="test-d"
def test_d(pipeline):
    """Fails on pipeline D, and passes on pipelines without its fault."""
    ### BEGIN SOLUTION
    model = KnownScores(lambda first, second: 1.0)
    pipeline("When is lunch?", [result("lunch", "At noon.", heading="Breaks")], model)
    assert model.pairs == [("When is lunch?", "Breaks. At noon.")]
    ### END SOLUTION


# %%
from rerank_course.checks.wiring_clinic import check_test_d

check_test_d(test_d)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Keep the model in a variable, and look at its `pairs` afterwards.
#
# </details>
#
# ## Part 5 · Pipeline E

# %%
show(pipelines.pipeline_e)


# %% role="solution" id="test-e"
def test_e(pipeline):
    """Fails on pipeline E, and passes on pipelines without its fault."""
    ### BEGIN SOLUTION
    found = [result("lunch", "Lunch is at noon."), result("train", "The train leaves at six.")]
    model = KnownScores(lambda query, text: 4.0 if query.split()[-1] in text else -4.0)
    tops = [pipeline(query, found, model)[0][0] for query in ("When is noon", "Who leaves")]
    assert tops == ["lunch", "train"]
    ### END SOLUTION


# %%
from rerank_course.checks.wiring_clinic import check_test_e

check_test_e(test_e)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The cache outlives a call. Ask twice about the same documents.
#
# </details>
#
# ## Part 6 · Pipeline F
#
# This one calls the model's tokenizer and the model itself, so it needs a real one. One of the right
# pipelines in the check does so too.

# %%
from rerank_course import load_reranker

reranker = load_reranker()
show(pipelines.pipeline_f)


# %% role="solution" id="test-f"
def test_f(pipeline):
    """Fails on pipeline F, and passes on pipelines without its fault."""
    ### BEGIN SOLUTION
    import math

    query, text = "How many nights in a hotel are paid?", "Travel. Up to five nights in a row are paid."
    logit = float(reranker.predict([(query, text)])[0])
    found = [result("nights", "Up to five nights in a row are paid.", heading="Travel")]
    ranking = pipeline(query, found, reranker)
    assert abs(ranking[0][1] - 1 / (1 + math.exp(-logit))) < 0.001
    ### END SOLUTION


# %%
from rerank_course.checks.wiring_clinic import check_test_f

check_test_f(test_f)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `tokens` has three entries. Which of them does the model get?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Score the pair with `reranker.predict` in your test, and compare. Take a text that answers neither very well
# nor not at all: near 0 and near 1 a sigmoid hardly moves.
#
# </details>
#
# ## Part 7 · Pipeline G

# %%
show(pipelines.pipeline_g)


# %% role="solution" id="test-g"
def test_g(pipeline):
    """Fails on pipeline G, and passes on pipelines without its fault."""
    ### BEGIN SOLUTION
    heading = "Reimbursement of meals, hotels and tickets"
    model = KnownScores(lambda query, text: 4.0 if heading in text else -4.0)
    ranking = pipeline("What is paid?", [result("meals", "Up to $40 a day.", heading=heading)], model)
    assert ranking[0][1] > 0.9
    ### END SOLUTION


# %%
from rerank_course.checks.wiring_clinic import check_test_g

check_test_g(test_g)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `textwrap.shorten` leaves short headings as they are.
#
# </details>
#
# ## Part 8 · Pipeline H

# %%
show(pipelines.pipeline_h)


# %% role="solution" id="test-h"
def test_h(pipeline):
    """Fails on pipeline H, and passes on pipelines without its fault."""
    ### BEGIN SOLUTION
    found = [result("pen", "Bring a pen."), result("lunch", "Lunch is at noon.")]
    model = KnownScores(lambda query, text: 2.0 if "noon" in text else -2.0)
    (_, high), (_, low) = pipeline("When is lunch?", found, model)
    assert high > low + 0.5
    ### END SOLUTION


# %%
from rerank_course.checks.wiring_clinic import check_test_h

check_test_h(test_h)

# %% [markdown]
# <details><summary>Hint</summary>
#
# What are the shares of a list that has one number?
#
# </details>
#
# ## Think about it
#
# - How few tests find all eight faults? (The lesson's *scored again* is one of them.)
# - Which of your tests would still pass if a colleague changed the filter, the heading's full stop, or the
#   sigmoid on purpose? Should they?
#
# ## For graded classes
#
# If you learn alone, you are done.
#
# The checks above are public. Your teacher's copy of the next cells also has hidden tests: the same faults
# and right pipelines, written otherwise. A test that finds the fault itself finds it there too.

# %% role="graded" id="graded-a" points=1
check_test_a(test_a).require()


### BEGIN HIDDEN TESTS
def cut_too_soon(query, found, model, top_k=3, depth=50):
    valid = [hit for hit in found[:depth] if hit["in_force"]]
    return pipelines.right(query, valid[: min(top_k, len(valid))], model, top_k=top_k)


def one_by_one(query, found, model, top_k=3, depth=50):
    rows = [pipelines.right(query, [hit], model)[0] for hit in found[:depth] if hit["in_force"]]
    return sorted(rows, key=lambda row: -row[1])[:top_k]


check_test_a(test_a, faulty=[cut_too_soon], right=[one_by_one]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-b" points=1
check_test_b(test_b).require()


### BEGIN HIDDEN TESTS
def squashed_again(*arguments, **options):
    from scipy.special import expit as squashed

    return [(name, float(squashed(share))) for name, share in pipelines.right(*arguments, **options)]


check_test_b(test_b, faulty=[squashed_again]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-c" points=1
check_test_c(test_c).require()


### BEGIN HIDDEN TESTS
def names_of_all(query, found, model, top_k=3, depth=50):
    valid = [hit["id"] for hit in found[:depth] if hit["in_force"]]
    name_beside = dict(zip(valid, [hit["id"] for hit in found]))
    ranking = pipelines.right(query, found, model, top_k, depth)
    return [(name_beside[name], share) for name, share in ranking]


check_test_c(test_c, faulty=[names_of_all]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-d" points=1
check_test_d(test_d).require()


### BEGIN HIDDEN TESTS
class Mirror:
    def __init__(self, model):
        self.model = model

    def predict(self, pairs):
        return self.model.predict([(second, first) for first, second in pairs])


def asked_backwards(query, found, model, top_k=3, depth=50):
    return pipelines.right(query, found, Mirror(model), top_k, depth)


check_test_d(test_d, faulty=[asked_backwards]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-e" points=1
check_test_e(test_e).require()


### BEGIN HIDDEN TESTS
def remembering(key_of):
    seen = {}

    def ranked(query, found, model, top_k=3, depth=50):
        valid = [hit for hit in found[:depth] if hit["in_force"]]
        for hit in valid:
            if key_of(model, query, hit) not in seen:
                seen[key_of(model, query, hit)] = pipelines.right(query, [hit], model)[0][1]
        rows = [(hit["id"], seen[key_of(model, query, hit)]) for hit in valid]
        return sorted(rows, key=lambda row: -row[1])[:top_k]

    return ranked


check_test_e(
    test_e,
    faulty=[remembering(lambda model, query, hit: hit["heading"] + hit["text"])],
    right=[remembering(lambda model, query, hit: (model, query, hit["heading"], hit["text"]))],
).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-f" points=1
check_test_f(test_f).require()


### BEGIN HIDDEN TESTS
class ByHand:
    def __init__(self, model, factor):
        self.model, self.factor = model, factor

    def predict(self, pairs):
        batch = self.model.tokenizer(*map(list, zip(*pairs)), padding=True, return_tensors="pt")
        batch["token_type_ids"] = batch["token_type_ids"] * self.factor
        return self.model.model(**batch).logits.detach().numpy()[:, 0]


def all_of_one_type(query, found, model, top_k=3, depth=50):
    return pipelines.right(query, found, ByHand(model, factor=0), top_k, depth)


def of_both_types(query, found, model, top_k=3, depth=50):
    return pipelines.right(query, found, ByHand(model, factor=1), top_k, depth)


check_test_f(test_f, faulty=[all_of_one_type], right=[of_both_types]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-g" points=1
check_test_g(test_g).require()


### BEGIN HIDDEN TESTS
def with_short_titles(query, found, model, top_k=3, depth=50):
    hits = [hit | {"heading": hit["heading"][:23].rstrip()} for hit in found]
    return pipelines.right(query, hits, model, top_k, depth)


check_test_g(test_g, faulty=[with_short_titles]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-h" points=1
check_test_h(test_h).require()


### BEGIN HIDDEN TESTS
def shares_of_one(query, found, model, top_k=3, depth=50):
    pipelines.right(query, found, model, top_k, depth)
    return [(hit["id"], 1.0) for hit in found[:depth] if hit["in_force"]][:top_k]


check_test_h(test_h, faulty=[shares_of_one]).require()
### END HIDDEN TESTS
