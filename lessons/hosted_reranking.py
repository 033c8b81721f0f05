# %% [markdown]
# # {title}
#
# Some rerankers you cannot download. You send the query and the documents to a service, it sends scores back,
# and you pay. The ranking part is one line. This lesson is about everything around that line: what goes out,
# what it costs in time and in money, what can go wrong, and what your users see when it does.
#
# **What you will do**
#
# - look at a request and its answer as they are;
# - take the time apart: the model, and all that is around it;
# - count what is billed, before anybody sends a bill;
# - make calls fail, and tell what may pass by itself from what somebody has to mend, where that can be told;
# - let a local reranker take over, and see what a careless fallback hides;
# - call another kind of service with the same class.
#
# **What you need:** [](lesson:scoring_pairs) and, for a local reranker's weak and strong sides,
# [](lesson:cosine_vs_cross_encoder). No key, no network.
#
# **Time:** {minutes} minutes.
#
# ## Where do the calls go?
#
# The example is [Cohere's Rerank](https://docs.cohere.com/docs/rerank), a [hosted](term:hosted)
# [reranker](term:reranker), through Cohere's own Python library.
# The course has a **stand-in** for the service: a small server on this machine that speaks the same protocol,
# behind an address that no other machine can reach, and with a key. It scores with the packaged reranker,
# through a [sigmoid](term:sigmoid).
#
# The requests are those of Cohere's library. Answers, errors and bills follow Cohere's documentation; they
# were not compared with the service. The scores and the speed are **not Cohere's**. If you have a key in
# the environment variable `CO_API_KEY` and want the real ones, write `True` below. Then passages of the
# course's invented handbook leave your machine, and some ten calls are counted on your key. A trial key
# allows ten a minute: wait a minute before you run a cell again.

# %%
import os

from rerank_course import CohereReranker
from rerank_course.service.stand_in import StandIn

USE_THE_SERVICE = False  # True: send the texts of this lesson to Cohere

service = StandIn()
service.start()
stand_in = {"api_key": service.key, "base_url": service.url}
real = USE_THE_SERVICE and "CO_API_KEY" in os.environ
access = {} if real else stand_in  # nothing said: Cohere's address, and the key from the environment
print("The calls go to", "Cohere." if real else "the stand-in on this machine.")

# %% [markdown]
# ## One request, one answer
#
# A query of the handbook, and the best twenty passages of keyword search.

# %%
from rerank_course import BM25Retriever, load_corpus

handbook = load_corpus("handbook")
search = BM25Retriever(list(handbook.documents.values()))
query = handbook.queries["sec-q05"]
candidates = [chunk for chunk, _ in search.search(query, 20)]
documents = [chunk.content for chunk in candidates]
print(query)

# %% [markdown]
# We ask the library for the best two of the first three. (None of the three answers the question. It is the
# form that counts here.) `sent` keeps each request just before it leaves.
#
# **Predict.** What is in the body of the request? What must be in the answer, and what need not be?

# %%
import json

import cohere
import httpx

sent = []


def watched_client(access):
    to_cohere = "base_url" not in access  # an address on this machine needs no proxy
    return cohere.ClientV2(
        **access,
        httpx_client=httpx.Client(event_hooks={"request": [sent.append]}, trust_env=to_cohere, timeout=60),
    )


answer = watched_client(access).rerank(
    model="rerank-v5.0-fast", query=query, documents=documents[:3], top_n=2
)
print(sent[-1].method, sent[-1].url.path)
print(json.dumps(json.loads(sent[-1].content), indent=1, ensure_ascii=False))

# %% output="varies"
print(json.dumps(answer.dict(), indent=1))

# %% [markdown]
# Four things to notice:
#
# - The number of results is called **`top_n`**. `top_k`, as many other libraries have it, is an error.
# - The results come **best first**. `index` says which of your documents is meant. Whoever takes the scores
#   as they come and puts them beside the documents as they were sent has mixed up everything, and no error
#   tells.
# - The scores lie between 0 and 1. That does not make a document with 0.9 twice as relevant as one with 0.45,
#   as [Cohere itself says](https://docs.cohere.com/reference/rerank). For version 5 it announces [calibrated
#   scores](https://docs.cohere.com/changelog/rerank-v5): a promise that you can check on queries of your own.
# - The texts do not come back. You have them.
#
# ## The same behind `predict`
#
# `CohereReranker` does the bookkeeping: one call for each query, at most a thousand documents in a call, no
# `top_n`, scores put back into your order. So what needs only `predict` and the order of the scores works
# with it unchanged: `rerank_documents`, `retrieve_and_rerank`. What counts tokens (windows)
# does not, and what uses the size of the scores (a threshold, a mix) has to be measured anew.

# %% output="varies"
from rerank_course import load_reranker, rerank_documents

hosted = CohereReranker(**access, timeout=60)  # generous: the stand-in shares your processor
local = load_reranker(backend="int8")
for name, reranker in (("hosted", hosted), ("local", local)):
    print(name)
    for chunk, score in rerank_documents(query, candidates, reranker, top_k=3):
        print(f"{score:12.6f}  {chunk.title}")
print("scored by", hosted.scored_by)

# %% [markdown]
# Here the first three are the same, as they should be: the same model sits behind both. The scale is not:
# [logits](term:logit) here, 0 to 1 there. Keep that in mind. (`scored_by` names the model that was asked for.
# The stand-in does not have it; it only takes the name.)
#
# ## The same in other words
#
# Cohere's protocol is one of several. Jina's service has another one. Of the servers that you run yourself,
# [vLLM](https://docs.vllm.ai) takes both, and [Text Embeddings
# Inference](https://huggingface.co/docs/text-embeddings-inference) (TEI) has one of its own. `JinaReranker`,
# `VllmReranker` and
# `TeiReranker` have the same `predict`, errors and fallback as `CohereReranker`. The stand-in answers as
# each of the four does.
#
# **Predict.** A server of TEI runs one model, for whoever runs the server. Which parts of Cohere's request
# and answer does it not need?

# %%
import numpy as np

from rerank_course.hosted import TeiReranker

in_other_words = {}
for kind in (CohereReranker, TeiReranker):
    in_other_words[kind.__name__] = kind(**stand_in, timeout=60).predict(
        [(query, document) for document in documents[:3]]
    )
    received = service.requests[-1]
    print(f"{kind.__name__}: POST {received.path} with {', '.join(json.loads(received.body))}")
key = {"Authorization": f"Bearer {service.key}"}
texts = {"query": query, "texts": documents[:3]}
raw = httpx.post(f"{service.url}/rerank", json=texts, headers=key, trust_env=False, timeout=60)
print("the same scores:", np.allclose(*in_other_words.values(), rtol=0.001, atol=0))
print("TEI's answer:", [sorted(row) for row in raw.json()])

# %% [markdown]
# No model, no number of results, no bill: a list of places and scores. What a call may hold differs too. A
# server of TEI takes 32 texts unless it was started otherwise, so `TeiReranker` sends a hundred in four
# calls. And equal words do not make equal scores: vLLM's can be logits. Measure a threshold anew.
#
# [Other people's clients](../docs/interop.md) were called against the stand-in as well. One to know: LiteLLM,
# a library in front of many services, reports a refused key as trouble with the connection.
#
# ## What it costs in time
#
# **Predict.** Twenty [candidates](term:candidate), the same model on the same processor. How much time goes
# to a library, JSON, HTTP and a server, in percent of what the model takes?
#
# The control is a second stand-in, which has no model: it takes only the time around the model.

# %% output="varies"
from rerank_course.lab.guess import guess

share = guess("library, JSON, HTTP and server, in percent of the local model's time")

# %% output="varies"

from rerank_course.lab.timing import compare_times


class NoModel:
    def predict(self, pairs):
        return np.zeros(len(pairs))


pairs = [(query, document) for document in documents]
with StandIn(NoModel()) as empty:
    without = CohereReranker(api_key=empty.key, base_url=empty.url, timeout=60)
    ways = {"local": local, "hosted": hosted, "no model": without}
    times = compare_times(
        {name: lambda reranker=reranker: reranker.predict(pairs) for name, reranker in ways.items()},
        repeats=5,
    )
share.beside(round(100 * times.loc["no model", "median s"] / times.loc["local", "median s"]))
times
# claim: On one machine, library, HTTP and server take less time than the model does for twenty candidates.
# control: a second stand-in without a model, timed in turn with the other two
# holds: times.loc["no model", "median s"] < times.loc["local", "median s"]
# value: f"{times.loc['no model', 'median s']:.3f} s against {times.loc['local', 'median s']:.3f} s"

# %% [markdown]
# The last row is the time without a model. The first two rows have the same model, so compare their
# difference with how far `min s` and `max s` of one row lie apart. Where it is smaller, these five repeats
# show no difference, and either may come out as the faster one. **There is no network in it**: what goes to
# the stand-in never leaves your machine, and nothing here can tell you how far away a data centre is.
#
# So put in what you know. Measure the round trip from your server with `ping` or `curl`, and take the
# service's own time from a trial, or from somebody who measured it: Oracle
# [publishes](https://docs.oracle.com/en-us/iaas/Content/generative-ai/benchmark-cohere-rerank-3-5.htm) 0.11
# to 0.17 s for up to 96 short documents, for an older model on hardware of its own.

# %% output="varies"
round_trip = 0.06  # seconds, there and back: yours
service_time = 0.15  # seconds in the data centre: an assumption until you measure it

per_pair = times.loc["local", "median s"] / len(pairs)
elsewhere = round_trip + service_time + times.loc["no model", "median s"]
print("if each candidate takes the same time,")
print(f"the model here is faster for up to {int(elsewhere / per_pair)} candidates")

# %% output="varies"
from rerank_course.lab.charts import draw_lines

depths = [1, 10, 20, 50, 100]
lines = {
    "here, if each candidate takes the same time": (depths, [per_pair * depth for depth in depths]),
    "a service, with your assumptions": (depths, [elsewhere] * len(depths)),
}
draw_lines(lines, "candidates", "seconds for a query")

# %% [markdown]
# Both lines are assumptions. The first is straight, drawn from one time at twenty candidates; longer
# documents take longer. The second is flat, as if a hundred candidates took the service no more time than
# one. Where they cross is decided by numbers that you can measure, two of which this notebook cannot.
# Change them, and look at the slow calls too ([p95](term:p95)), before you promise a time to users.
#
# ## What it costs in money
#
# Prices change, so this lesson prints none. What you can count is **how much you use**. Each answer says in
# `meta` what will be billed, and `CohereReranker` adds it up. The stand-in counts in [search
# units](term:search-unit): one query with up to 100 documents, as [Cohere's price
# page](https://cohere.com/pricing) defines it.
#
# **Predict.** How many units for 20 candidates? For 100? For 101?

# %%
units_at = {}
for depth in (20, 100, 101):
    counted = CohereReranker(**access, timeout=60)
    counted.predict([(query, f"Note {number}") for number in range(depth)])
    print(f"{depth:4} candidates: {counted.billed}")
    units_at[depth] = counted.search_units
# claim: The stand-in bills in steps of a hundred documents, as Cohere's price page has it (quoted): 20 and
#   100 cost the same, 101 twice as much.
# control: the same query at three depths, on both sides of the step
# holds: units_at[20] == units_at[100] and units_at[101] == 2 * units_at[100] if not real else True
# value: ", ".join(f"{depth}: {units:g}" for depth, units in units_at.items())

# %% [markdown]
# With such a unit, 101 candidates cost twice as much as 100, and 20 cost as much as 100. Long documents can
# count more than once. Another model or seller may count otherwise; the seller OpenRouter [lists a price for
# each token](https://openrouter.ai/models/cohere/rerank-5-fast-20261028) of version 5. So look into `billed`
# after your first real calls, before you calculate.
#
# Now your own numbers. Ask whether an attempt that failed is billed, and allow for it.

# %%
import math

searches_a_day, candidates_each, repeated = 5_000, 50, 0.02
units = searches_a_day * 30 * math.ceil(candidates_each / 100) * (1 + repeated)
print(f"{units:,.0f} search units a month, times a price that you look up")

# %% [markdown]
# ## What the service refuses
#
# Five mistakes: `top_k` to the library, `top_k` to the service, no documents, a mistyped model, a wrong key.
#
# **Predict.** Which of them would succeed on a second try? For which is nothing sent?

# %%
from cohere.core.api_error import ApiError

practice = watched_client(stand_in)
stranger = watched_client({**stand_in, "api_key": "not-the-key"})
request = {"model": "rerank-v5.0-fast", "query": query, "documents": documents[:3]}
attempts = {
    "top_k, to the library": lambda: practice.rerank(**request, top_k=2),
    "top_k, to the service": lambda: practice.rerank(
        **request, request_options={"additional_body_parameters": {"top_k": 2}}
    ),
    "no documents": lambda: practice.rerank(**{**request, "documents": []}),
    "a model's name mistyped": lambda: practice.rerank(**{**request, "model": "rerank-v5-fast"}),
    "a wrong key": lambda: stranger.rerank(**request),
}
requests_sent = {}
for what, attempt in attempts.items():
    sent.clear()
    try:
        attempt()
    except ApiError as error:
        said = f"{error.status_code} {type(error).__name__}: {error.body['message']}"
    except TypeError as error:
        said = f"TypeError: {error}"
    requests_sent[what] = len(sent)
    print(f"{what}, {len(sent)} sent\n    {said}")
# claim: The library stops an argument that it does not know; it sends the other mistakes, once each.
# control: the same field, top_k, given to the library and put into the request's body
# holds: list(requests_sent.values()) == [0, 1, 1, 1, 1]
# value: ", ".join(f"{what}: {number}" for what, number in requests_sent.items())

# %% [markdown]
# An argument that the library does not know is a `TypeError`, and nothing is sent. The other mistakes are
# sent as they are. The library turns the status of each answer into a type of error; all of these are an
# `ApiError`. None of the five goes away by waiting. They are **refusals**: somebody has to mend the program,
# the request, the account or the key.
#
# The limits that people meet, from [Cohere's reference](https://docs.cohere.com/reference/rerank) and [rate
# limits](https://docs.cohere.com/docs/rate-limits): more than 1,000 documents in a call are advised against;
# a document is cut after 4,096 tokens unless you ask for more; a trial key gets 10 rerank calls a minute and
# 1,000 calls a month. Ten calls a minute is one person trying things out, not a class.
#
# ## When it fails
#
# The stand-in fails when told to: `service.next("rate limit")` makes the next call fail. These cells use the
# stand-in even if you have a key: nobody can ask Cohere for an outage.
#
# `CohereReranker` waits as long as the service asks for (in a header called *Retry-After*); if it does not
# ask, or asks for no time, 1 s, then 2 s, then 4 s. It gives up when the next attempt would start after
# `max_wait` seconds, here 4. An attempt is given up when nothing arrives for `timeout`, here 2 s; an answer
# that comes in small pieces can take longer.
#
# **Predict.** For each line: how many attempts will be made? And which one lets the user wait longest?

# %%
plan = {
    "nothing": lambda: None,
    "rate limit, twice, wait 0.5 s": lambda: service.next("rate limit", times=2, seconds=0.5),
    "rate limit, wait 60 s": lambda: service.next("rate limit", seconds=60),
    "an error 500, once": lambda: service.next("server error"),
    "errors 503 without end": lambda: service.next("unavailable", times=99),
    "connection cut, once": lambda: service.next("cut"),
    "no answer for 20 s": lambda: service.next("slow", seconds=20),
    "wrong key": lambda: service.next("bad key"),
    "an index twice": lambda: service.next("repeated index"),
    "a login page": lambda: service.next("not json"),
}

# %%
import time

from rerank_course.hosted import HostedError

waited, outcome = {}, {}
for fault, prepare in plan.items():
    service.behave()
    prepare()
    tried = CohereReranker(**stand_in, timeout=2, max_wait=4)
    started = time.perf_counter()
    try:
        tried.predict(pairs[:3])
        outcome[fault] = "scores"
    except HostedError as error:
        outcome[fault] = f"{type(error).__name__}: {error}"
    waited[fault] = round(time.perf_counter() - started, 2)
    print(f"{tried.calls} attempt{'s' if tried.calls > 1 else ' '}  {fault}")
service.behave()

# %% output="varies"
from rerank_course.lab.charts import draw_bars

draw_bars(waited, "seconds until the user has scores, or an error (timeout 2 s, max_wait 4 s)")

# %%
import textwrap

for fault in ("rate limit, wait 60 s", "wrong key", "an index twice", "a login page"):
    print(f"{fault}\n{textwrap.fill(outcome[fault], 110, break_on_hyphens=False)}\n")

# %% [markdown]
# Read the bars beside the attempts:
#
# - A rate limit that asks for a moment is worth waiting for. One that asks for a minute is not, with a user
#   on the other side; so nobody waits for it at all.
# - A status that may pass (408, 409, and 500 to 599 except 501) or a cut connection is tried again, with
#   growing pauses, until the time is up.
# - When nothing comes in time, it is not tried again: the user has waited once already.
# - A refused key is tried **once**. A key that is really wrong is refused each time. (The stand-in refused
#   one call only.)
# - An answer can be wrong and look right: a missing index would leave a document without a score. So
#   `CohereReranker` checks each answer before anything is done with it. (Shown here: an index twice.)
# - A status of 200 is not enough. A proxy, or the wrong address, can answer with a page of HTML and that
#   status, so the answer must have the right form. (Where a login page stands in the way of an `https`
#   address, you will rather see a certificate error: see below.)
#
# ### What the library repeats by itself
#
# **Predict.** Cohere's library has retries of its own. Which of four failures does it repeat?

# %%
tries = {}
for fault, seconds in (("unavailable", None), ("rate limit", 0), ("cut", None), ("slow", 3)):
    service.next(fault, times=9, seconds=seconds)
    sent.clear()
    try:
        practice.rerank(**request, request_options={"timeout": 0.3})
    except (ApiError, httpx.TransportError) as error:
        tries[fault] = len(sent)
        print(f"{tries[fault]} attempt{'s' if tries[fault] > 1 else ' '}  {fault:12} {type(error).__name__}")
    service.behave()
# claim: The library repeats an error 503 and a rate limit twice; a cut connection and a time-out not at all.
# control: the same request with each of four failures that do not end
# holds: tries == {"unavailable": 3, "rate limit": 3, "cut": 1, "slow": 1}
# value: ", ".join(f"{fault}: {number}" for fault, number in tries.items())

# %% [markdown]
# So "the library has retries" is half true. By [its
# source](https://github.com/cohere-ai/cohere-python/blob/main/src/cohere/core/http_client.py) it repeats what
# has a status of 408, 409, 429 or from 500 on, and a call whose connection could not be made, also where the
# host is unknown or its certificate is bad; it follows Retry-After for up to a minute each time. A cut
# connection or a time-out reaches you at once. `CohereReranker` switches these retries off (`max_retries` in
# `request_options`) and makes its own; none starts later than `max_wait`.
#
# ## What never passes, though no answer came
#
# "No answer came, so the service is down" sounds right. In `httpx`, which Cohere's library uses, many such
# errors are a `TransportError`. Here is a cut connection, and two mistakes of ours.
#
# **Predict.** For which of the three is the error a `TransportError`? Which one shows the key?

# %%
settings = {
    "cut connection": stand_in,
    "key with a line end": {**stand_in, "api_key": service.key + "\n"},
    "address without http": {**stand_in, "base_url": service.url.removeprefix("http://")},
}
transport, shows_key = {}, {}
for what, setting in settings.items():
    service.behave()
    service.next("cut")
    try:
        watched_client(setting).rerank(**request)
    except Exception as error:
        transport[what] = isinstance(error, httpx.TransportError)
        shows_key[what] = service.key in str(error)
        print(
            f"{what:21} {type(error).__name__:20} TransportError: {transport[what]!s:5} "
            f"shows the key: {shows_key[what]}"
        )
service.behave()
# claim: A key with a line end and an address without http:// are TransportErrors, as a cut connection is.
# control: a real failure of the connection beside the two mistakes
# holds: all(transport.values())
# value: f"{sum(transport.values())} of {len(transport)}"
# claim: The error about a key with a line end shows the key.
# control: the same key without the line end, in the two other errors
# holds: [what for what, shown in shows_key.items() if shown] == ["key with a line end"]
# value: ", ".join(what for what, shown in shows_key.items() if shown)

# %% [markdown]
# Only the first passes by itself. The other two were never sent, and no waiting sends them. An error that
# shows the key must not get into a warning or a log either.
#
# `CohereReranker` tells the two kinds apart where it can. It takes blanks and line ends off both ends of
# the key, refuses one with characters that [no such key may
# have](https://www.rfc-editor.org/rfc/rfc6750#section-2.1), and looks at what stands behind a failed
# connection. A certificate that is refused, a host that is unknown on the first call, the status
# [501](https://www.rfc-editor.org/rfc/rfc9110#section-15.6.2): all these are refusals. An address without
# `http://` or `https://`, or with `/v2/rerank` at its end, is a `ValueError` at once. Once a host has
# answered, an unknown name is taken for an outage.
#
# ### The control: what happens without the distinction
#
# Three cases, with the same five searches each: in two of the five the connection is cut; in two of the five
# nobody knows the host's name; in all five the host does not exist, which is a mistake of ours. A careless
# fallback takes over for every `TransportError` and every 5xx. The careful one is the same code with one more
# question: is there something to mend? It keeps in mind whether the host has answered before.
#
# **Predict.** After five searches with the unknown host: how many warnings did each one give, and how many
# errors?

# %%
import socket
from contextlib import nullcontext
from unittest import mock

from rerank_course.hosted import what_to_mend


def search_once(client, careful, has_answered):
    try:
        client.rerank(**request, request_options={"max_retries": 0})
        return "scores"
    except (ApiError, httpx.TransportError) as error:
        if careful and what_to_mend(error, has_answered):
            return "error"
        if isinstance(error, httpx.TransportError) or error.status_code >= 500:
            return "warning"  # and the local reranker's scores
        raise


nobody_knows = mock.patch(
    "socket.getaddrinfo", side_effect=socket.gaierror(socket.EAI_NONAME, "Name or service not known")
)


def five_searches(what, careful):
    outcomes, client = [], watched_client(stand_in)
    for number in range(5):
        in_trouble = number in (1, 2)
        if what == "cut connection" and in_trouble:
            service.next("cut")
        names_fail = what == "unknown host" or (what == "names fail a while" and in_trouble)
        if names_fail:
            client = watched_client(stand_in)  # an open connection asks for no name
        with nobody_knows if names_fail else nullcontext():
            outcomes.append(search_once(client, careful, "scores" in outcomes))
    return {said: outcomes.count(said) for said in ("scores", "warning", "error")}


counts = {}
for what in ("cut connection", "names fail a while", "unknown host"):
    for name in ("careless", "careful"):
        counts[what, name] = five_searches(what, careful=name == "careful")
        print(f"{what:18} {name:9} {counts[what, name]}")
service.behave()
# claim: Without the distinction a fallback takes over for an unknown host in every search; with it, the error
#   comes out.
# control: the same two programs in two kinds of trouble that pass, where both only warn until it is over
# holds: counts["unknown host", "careless"]["warning"] == 5
#   and counts["unknown host", "careful"]["error"] == 5
#   and all(counts[what, "careless"] == counts[what, "careful"] == {"scores": 3, "warning": 2, "error": 0}
#   for what in ("cut connection", "names fail a while"))
# value: f"warnings {counts['unknown host', 'careless']['warning']} of 5 against "
#   f"{counts['unknown host', 'careful']['warning']} of 5"

# %% [markdown]
# In the trouble that passes the two do the same: they warn while it lasts, and the service is back
# afterwards. (Here the host had answered before. One that is unknown in the first search is taken for a
# mistake.) With the unknown host the careless one warns in every search, and would do so for ever. Its users
# get the local ranking, and whoever does not read warnings is told nothing. The careful one gives an error
# from the first search on. Its price: these searches get no ranking until somebody mends the address.
#
# ## A fallback
#
# You have a reranker that needs no network. It can take over, as a [fallback](term:fallback). (Not if the
# first call of all finds the host unknown, as it may without a network: that is a refusal, as above.)
#
# **Predict.** What must the caller learn when it does?

# %% output="varies"
import warnings

safe = CohereReranker(**stand_in, fallback=local, timeout=60, max_wait=0)
for fault in (None, "unavailable"):
    if fault:
        service.next(fault)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        best = rerank_documents(query, candidates, safe, top_k=1)[0]
    print(f"scored by {safe.scored_by}: {best[1]:6.3f}  {best[0].title}")
    for warning in seen:
        print(textwrap.fill(f"{warning.category.__name__}: {warning.message}", 110))

# %% [markdown]
# The search went on, a warning says so, and `scored_by` tells the program. Without these two, nobody need
# notice that the ranking is another one.
#
# The fallback takes over for what may pass: rate limits, outages, time-outs, unusable answers. **What is
# known to need mending comes out as an error, fallback or not.**

# %%
service.next("bad key")
try:
    safe.predict(pairs)
except HostedError as error:
    print(type(error).__name__, "although there is a fallback")
with nobody_knows:
    try:
        CohereReranker(**stand_in, fallback=local).predict(pairs)
    except HostedError as error:
        print(textwrap.fill(f"{type(error).__name__}: {error}", 110))

# %% [markdown]
# But `CohereReranker` takes other mistakes for trouble that passes. Two examples, each with five searches: a
# port where nobody listens, and the address of another site (the stand-in plays it), which answers each
# request with a page and status 200.

# %%
with socket.socket() as closed:
    closed.bind(("127.0.0.1", 0))  # a port at which nobody will listen
    wrong_port = f"http://127.0.0.1:{closed.getsockname()[1]}"
service.next("not json", times=5)
fallbacks = {}
for what, address in (("wrong port", wrong_port), ("another site", service.url)):
    tried = CohereReranker(api_key=service.key, base_url=address, fallback=local, max_wait=4)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(5):
            tried.predict(pairs[:3])
    fallbacks[what] = tried.fallbacks
    print(f"{what:12} {tried.calls} attempts, {len(seen)} warnings, no error: {tried.fallbacks} of 5 local")
service.behave()
# claim: A port where nobody listens and a site that answers with a page look like a failure that passes: the
#   fallback takes over in every search.
# control: a refused key and an unknown host, which come out as errors in the cell before
# holds: fallbacks == {"wrong port": 5, "another site": 5}
# value: ", ".join(f"{what}: {number} of 5 searches" for what, number in fallbacks.items())

# %% [markdown]
# The wrong port looks like an outage (a refused connection, which is not tried again), this other site like a
# broken answer. (One that answers with 404 comes out as an error.) Until an answer has come that can be used,
# one could take both for mistakes, like the unknown host. After that they look like any outage. Both would
# warn for ever. So **count the warnings**, and alarm somebody when they do not stop.
#
# ## A fallback for half of the pairs
#
# Suppose the twenty candidates go out in two calls of ten. The first fails and is scored locally, the second
# comes back from the service. Nothing looks wrong: twenty numbers for twenty documents.
#
# **Predict.** The passage that answers the question is among the first ten. On which place does it end up?

# %% output="varies"
place_mixed = guess("place of the answer among the twenty, ten of them scored locally")

# %% output="varies"
from rerank_course import load_embedder

logits = local.predict(pairs).astype(float)
hosted_scores = CohereReranker(**stand_in, timeout=60).predict(pairs)
embedder = load_embedder()
cosines = embedder.similarity(embedder.encode([query]), embedder.encode(documents))[0].numpy()
answer_at = next(i for i, chunk in enumerate(candidates) if handbook.qrels["sec-q05"].get(chunk.id, 0) >= 2)
columns = {
    "all hosted": hosted_scores,
    "all local": logits,
    "ten local, ten hosted": np.concatenate([logits[:10], hosted_scores[10:]]),
    "all cosine": cosines,
    "ten hosted, ten cosine": np.concatenate([hosted_scores[:10], cosines[10:]]),
}
places = {}
for name, scores in columns.items():
    places[name] = int((scores > scores[answer_at]).sum()) + 1
    kept = int((scores > 0).sum())
    print(f"place {places[name]:2} of {len(scores)}  {name}, score {scores[answer_at]:.2f}; {kept} above 0")
place_mixed.beside(places["ten local, ten hosted"])
# claim: Scores of two scales in one list move the answer behind passages that either scorer puts below it.
# control: the same twenty scored wholly by the service, and wholly by the local reranker
# holds: places["all hosted"] == places["all local"] < places["ten local, ten hosted"]
# value: ", ".join(f"{name}: place {place}" for name, place in places.items())
# claim: Scores of two scorers in one list move the answer down also where both are at most 1.
# control: the same twenty scored wholly by the service, and wholly by the bi-encoder's cosine
# holds: places["all hosted"] == places["all cosine"] < places["ten hosted, ten cosine"]
#   and cosines.max() <= 1.001 and hosted_scores.max() <= 1
# value: ", ".join(f"{name}: place {place}" for name, place in places.items())

# %% [markdown]
# Either scorer alone puts it on the same place. Mixed, it falls behind everything that the service scored:
# its logit is below 0, and so less than any number from 0 to 1, however useless the passage is. Nor are
# logits alone to blame: a cosine is at most 1 and alone puts the answer first too, yet ten cosines among the
# service's scores move it down. So, to be safe: **all pairs of a query from one scorer.** (This is one query;
# how often it matters was not counted.) If one request of a `predict` fails, all pairs of this `predict` are
# scored by the fallback, and what had come is thrown away.
#
# A [threshold](term:threshold) has the same trouble: look at the last number of the first three lines.
#
# ## What is sent to others
#
# Here is another of the handbook's questions, and the beginning of what would go out:

# %%
private = handbook.queries["cnd-q05"]
found = [chunk.content for chunk, _ in search.search(private, 20)]
practice.rerank(model="rerank-v5.0-fast", query=private, documents=found)
leaving = sent[-1]
print(f"{len(leaving.content):,} bytes, of which the query is {len(private.encode())}:\n")
print(leaving.content[:420].decode() + " …")

# %%
print("arrived unchanged:", service.requests[-1].body == leaving.content)
print(
    textwrap.fill(
        f"and with these headers: {', '.join(sorted(leaving.headers))}", 110, break_on_hyphens=False
    )
)
print(
    "about the library:",
    {name: value for name, value in leaving.headers.items() if name.startswith("x-fern-sdk")},
)
for candidates in (5, 10, 20):
    gone, counts = set(), []
    for number, question in enumerate(handbook.queries.values(), start=1):
        gone |= {chunk.id for chunk, _ in search.search(question, candidates)}
        if number in (10, 50, len(handbook.queries)):
            counts.append(f"{len(gone)} after {number} questions")
    print(
        f"{candidates:2} candidates: of {len(handbook.documents)} passages",
        ", ".join(counts),
        "have gone out",
    )

# %% [markdown]
# Three kinds of things leave with each search:
#
# - **The question.** It was meant for a company's own search, and it says that somebody has called the
#   hotline about a supervisor.
# - **Twenty passages of your documents**, whole, for each question. Here all the questions together send
#   nearly the whole collection.
# - **The key**, in the header `authorization`, and what the library tells about itself: its version, your
#   Python's and your operating system's, in the headers that begin with `x-fern`.
#
# TLS keeps others from reading along on the way. What happens at the other end is a matter of the contract:
# ask who may read the texts, how long they are kept, in which country, and whether they train anything.
# [Cohere's security page](https://cohere.com/security) is where its answers start. A [private
# deployment](https://cohere.com/private-deployments), in your own data centre, is another way.
#
# Before that, send less. Fewer candidates send less text with each search. But over many searches most
# passages leave all the same, as the count above shows. So leave out collections that must not leave, and
# take names out of queries where you can.
#
# ## When a hosted reranker is the right choice
#
# None of the points below was measured here. Work out those that apply to you.
#
# What may speak for it:
#
# - your texts are in [many languages](https://docs.cohere.com/docs/rerank), and the reranker that you can run
#   knows one;
# - documents are longer than your model reads;
# - there are few searches a day, and the bill is less than a machine that is kept running for them;
# - it is **better on your judged queries**, measured.
#
# What may speak against it:
#
# - texts or queries may not leave;
# - searches must work when the network does not;
# - there are many searches a day, and the bill is more than machines of your own that can serve them;
# - you need the same scores next year: [models are retired](https://docs.cohere.com/docs/deprecations).
#
# The measurement decides. Take what you learned in [](lesson:retrieval_flow): the same candidates,
# a hosted and a local reranker, paired intervals. `CohereReranker` fits into `retrieve_and_rerank` as it is.
# With a trial key, give it a `max_wait` of a minute and a half, and ten minutes for a hundred queries.

# %%
service.stop()

# %% [markdown]
# ## What to remember
#
# - **`top_n`, results best first, `index` is the place in your list.** Put the scores back into your order.
# - Tell apart what **may pass** (408, 409, 429, 500 to 599 except 501, a time-out, a refused or cut
#   connection) from what **does not** (400, 401, 404, 422, 501, a bad key or certificate, a host that is
#   unknown before its first answer). "No answer came" does not decide it. Try again, for a limited time, only
#   what may pass; `CohereReranker` does not try again after a time-out or a refused connection.
# - `CohereReranker` does not tell a port where nobody listens, or a site that answers everything with a page,
#   from trouble that passes: **count the warnings**.
# - A fallback warns that it took over, and scores **all** pairs of the query.
# - Count the billed units in the answers. Look up the price yourself, on the day you need it.
# - Query and passages are sent to others with every search. Decide that on purpose.
#
# **Where it breaks:** at retries without an end, at an `except` that hides a wrong key or address, at an
# error that shows the key, at scores of two scales in one list, at a threshold that belongs to another model,
# at a trial key in a class of thirty.
#
# ## Quiz
#
# A search uses a hosted reranker with a local fallback. One morning every result is scored by the fallback,
# and the log says *401*. What is wrong with the program?
#
# A. Nothing: users got results, and that is what a fallback is for.
#
# B. It should have tried again more often before it fell back.
#
# C. It should have raised the error, or alarmed somebody, instead of falling back in silence.
#
# <details><summary>Answer, with every option explained</summary>
#
# **A** is right for an outage. A 401 is no outage: the key is wrong, has expired or was withdrawn, and
# waiting does not bring it back. The fallback runs until somebody happens to look.
#
# **B** does not help. A refused key is refused again.
#
# **C** is what `CohereReranker` does. If users must get results all the same, catch `HostedRefusedError`
# where you can alarm somebody, and call the local reranker there, on purpose.
#
# </details>
#
# **On your own:** run `.venv/bin/python -m rerank_course serve-hosted` in a terminal. In a new notebook,
# import `CohereReranker`, paste the line that the terminal shows, and call `predict`. Then run the `curl`
# that stands below it, and call again.
#
# **In practice:** write down, for the search you work on: what may leave, how long a user waits, who is told
# when the key expires.
#
# **Further reading:** Cohere's [Rerank reference](https://docs.cohere.com/reference/rerank), [error
# codes](https://docs.cohere.com/reference/errors) and [best
# practices](https://docs.cohere.com/docs/reranking-best-practices); Amazon's builders on [time-outs, retries
# and backoff](https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
#
# **Next:** [](next:)
