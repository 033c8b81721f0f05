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
# - `model`: a cross-encoder, whose `predict` gives logits, as a list or an array;
# - `top_k`: how many to return, 3 unless said otherwise;
# - `depth`: how many of the results to look at, 50 unless said otherwise.
#
# Of the first `depth` results, those in force are scored. The model reads the heading, a full stop, a blank
# and the text. The best `top_k` come back as `[(id, probability), …]`, best first. The probability is the
# sigmoid of the logit. Equal probabilities keep the search's order. How the model is asked is left open: in
# one call or in several, in any order, with `activation_fn` or without, and not again for what is known.
#
# Here is one that is right:

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
# fault. `text_of(result)` is the heading, a full stop, a blank and the text. `expit` is SciPy's sigmoid.
#
# ### How to write a test
#
# Your test takes the pipeline as its only argument, calls it, and says with `assert` what has to be true. For
# all but part F you need no real model: `KnownScores` takes a function of yours that gives the logit of a
# pair, and keeps the pairs that it was asked for in `pairs`. It takes all the ways to ask. Keep your logits
# between −10 and 10: far above, the probabilities are all 1.0. This is a test that no fault here makes fail:


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
pipelines.forget()  # what pipeline E keeps from one call to the next
print("no error")

# %% [markdown]
# Read a pipeline, guess what is wrong, and set up a case in which it shows. Compare numbers with a tolerance,
# of .001 for example: two right pipelines may differ in the last digits. The check runs your test several
# times, with empty caches, so it must not keep anything itself. Whatever it raises is a failure. To try it by
# hand: `pipelines.forget()`, then `test_a(pipelines.pipeline_a)`.
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
# `_cache` is a dictionary beside the function, so it outlives a call. Ask twice about the same documents.
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
# A softmax gives the shares of a list. How large is the share of the only number in it?
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
# and right pipelines, written otherwise. They have the same fault and not the same marks: no name, no sign,
# no error by which you could know them. A test that finds the fault itself finds it there too.

# %% role="graded" id="graded-a" points=1
check_test_a(test_a).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks import wiring_clinic_pipelines as _pipelines


def _from_the_end(query, found, model, top_k=3, depth=50):
    rows = []
    for hit in reversed([hit for hit in found[:depth] if hit["in_force"]]):
        rows = _pipelines.right(query, [hit], model) + rows
    return sorted(rows, key=lambda row: -row[1])[:top_k]


def _cut_too_soon(query, found, model, top_k=3, depth=50):
    valid = [hit for hit in found[:depth] if hit["in_force"]]
    return _pipelines.right(query, valid[: min(top_k, len(valid))], model, top_k=top_k)


check_test_a(test_a, faulty=[_cut_too_soon], right=[_from_the_end]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-b" points=1
check_test_b(test_b).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks import wiring_clinic_pipelines as _pipelines


def _from_the_end(query, found, model, top_k=3, depth=50):
    rows = []
    for hit in reversed([hit for hit in found[:depth] if hit["in_force"]]):
        rows = _pipelines.right(query, [hit], model) + rows
    return sorted(rows, key=lambda row: -row[1])[:top_k]


def _squashed_again(*arguments, **options):
    from scipy.special import expit as squashed

    return [(name, float(squashed(share))) for name, share in _pipelines.right(*arguments, **options)]


check_test_b(test_b, faulty=[_squashed_again], right=[_from_the_end]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-c" points=1
check_test_c(test_c).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks import wiring_clinic_pipelines as _pipelines


def _from_the_end(query, found, model, top_k=3, depth=50):
    rows = []
    for hit in reversed([hit for hit in found[:depth] if hit["in_force"]]):
        rows = _pipelines.right(query, [hit], model) + rows
    return sorted(rows, key=lambda row: -row[1])[:top_k]


def _names_of_all(query, found, model, top_k=3, depth=50):
    valid = [hit["id"] for hit in found[:depth] if hit["in_force"]]
    name_beside = dict(zip(valid, [hit["id"] for hit in found]))
    ranking = _pipelines.right(query, found, model, top_k, depth)
    return [(name_beside[name], share) for name, share in ranking]


check_test_c(test_c, faulty=[_names_of_all], right=[_from_the_end]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-d" points=1
check_test_d(test_d).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks import wiring_clinic_pipelines as _pipelines


def _from_the_end(query, found, model, top_k=3, depth=50):
    rows = []
    for hit in reversed([hit for hit in found[:depth] if hit["in_force"]]):
        rows = _pipelines.right(query, [hit], model) + rows
    return sorted(rows, key=lambda row: -row[1])[:top_k]


class _Mirror:
    def __init__(self, model):
        self.model = model

    def predict(self, pairs):
        return self.model.predict([(second, first) for first, second in pairs])


def _asked_backwards(query, found, model, top_k=3, depth=50):
    return _pipelines.right(query, found, _Mirror(model), top_k, depth)


check_test_d(test_d, faulty=[_asked_backwards], right=[_from_the_end]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-e" points=1
check_test_e(test_e).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks import wiring_clinic_pipelines as _pipelines


def _from_the_end(query, found, model, top_k=3, depth=50):
    rows = []
    for hit in reversed([hit for hit in found[:depth] if hit["in_force"]]):
        rows = _pipelines.right(query, [hit], model) + rows
    return sorted(rows, key=lambda row: -row[1])[:top_k]


class _Remembering:
    def __init__(self, key_of):
        self.key_of, self.seen, self.models = key_of, {}, []

    def __call__(self, query, found, model, top_k=3, depth=50):
        self.models.append(model)  # a model that is kept shares its id with no other
        valid = [hit for hit in found[:depth] if hit["in_force"]]
        for hit in valid:
            key = self.key_of(model, query, hit)
            if key not in self.seen:
                self.seen[key] = _pipelines.right(query, [hit], model)[0][1]
        rows = [(hit["id"], self.seen[self.key_of(model, query, hit)]) for hit in valid]
        return sorted(rows, key=lambda row: -row[1])[:top_k]


_by_name = _Remembering(lambda model, query, hit: hit["id"])
_by_all = _Remembering(lambda model, query, hit: (id(model), query, hit["heading"], hit["text"]))


check_test_e(test_e, faulty=[_by_name], right=[_from_the_end, _by_all]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-f" points=1
check_test_f(test_f).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks import wiring_clinic_pipelines as _pipelines


def _from_the_end(query, found, model, top_k=3, depth=50):
    rows = []
    for hit in reversed([hit for hit in found[:depth] if hit["in_force"]]):
        rows = _pipelines.right(query, [hit], model) + rows
    return sorted(rows, key=lambda row: -row[1])[:top_k]


class _ByHand:
    def __init__(self, model, keep_types):
        self.model, self.keep_types = model, keep_types

    def predict(self, pairs):
        batch = self.model.tokenizer(
            *map(list, zip(*pairs)), padding=True, truncation=True, max_length=512, return_tensors="pt"
        )
        if not self.keep_types:
            del batch["token_type_ids"]
        return self.model.model(**batch).logits.detach().numpy()[:, 0]


def _without_types(query, found, model, top_k=3, depth=50):
    return _pipelines.right(query, found, _ByHand(model, keep_types=False), top_k, depth)


def _with_types(query, found, model, top_k=3, depth=50):
    if not any(hit["in_force"] for hit in found[:depth]):
        return []
    return _pipelines.right(query, found, _ByHand(model, keep_types=True), top_k, depth)


check_test_f(test_f, faulty=[_without_types], right=[_from_the_end, _with_types]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-g" points=1
check_test_g(test_g).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks import wiring_clinic_pipelines as _pipelines


def _from_the_end(query, found, model, top_k=3, depth=50):
    rows = []
    for hit in reversed([hit for hit in found[:depth] if hit["in_force"]]):
        rows = _pipelines.right(query, [hit], model) + rows
    return sorted(rows, key=lambda row: -row[1])[:top_k]


def _with_short_titles(query, found, model, top_k=3, depth=50):
    hits = [hit | {"heading": hit["heading"][:23].rstrip()} for hit in found]
    return _pipelines.right(query, hits, model, top_k, depth)


check_test_g(test_g, faulty=[_with_short_titles], right=[_from_the_end]).require()
### END HIDDEN TESTS

# %% role="graded" id="graded-h" points=1
check_test_h(test_h).require()
### BEGIN HIDDEN TESTS
from rerank_course.checks import wiring_clinic_pipelines as _pipelines


def _from_the_end(query, found, model, top_k=3, depth=50):
    rows = []
    for hit in reversed([hit for hit in found[:depth] if hit["in_force"]]):
        rows = _pipelines.right(query, [hit], model) + rows
    return sorted(rows, key=lambda row: -row[1])[:top_k]


def _shares_of_one(query, found, model, top_k=3, depth=50):
    _pipelines.right(query, found, model, top_k, depth)
    return [(hit["id"], 1.0) for hit in found[:depth] if hit["in_force"]][:top_k]


check_test_h(test_h, faulty=[_shares_of_one], right=[_from_the_end]).require()
### END HIDDEN TESTS
