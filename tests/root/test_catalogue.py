"""Every row of the catalogue, by its name, along its real code path and without a network.

Hub rows are toys with the real file formats, configurations and layouts, in a hub cache under the row's exact
name; the hosted row is the real client against the stand-in. The packaged row is the real model.
"""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from rerank_course.models import CATALOGUE, load_reranker
from rerank_course.rerank import rerank_documents
from tests.support import ROOT, toy_hub

ROWS = {option.name: option for option in CATALOGUE}
HUB = [option.name for option in CATALOGUE if option.runs == "hub"]
OLD_SPELLING = "cross-encoder/ms-marco-MiniLM-L-6-v2"
# This one's local copy stands under the old spelling alone.
COPY_UNDER_OLD_SPELLING = "cross-encoder/ms-marco-MiniLM-L4-v2"

# Runs in a process of its own, since the hub's library reads HF_HOME when it is imported. No HF_HUB_OFFLINE:
# a local copy has to do without it.
PROBE = """
import json, sys
from rerank_course.models import load_reranker
from tests.root.test_catalogue import probe

words = [f"w{n % 40}" for n in range(900)]
others = ["w41", "w42", "w43", "w44"]
print(json.dumps({name: probe(load_reranker(name), "w1 w2 w3", words, others) for name in sys.argv[1:]}))
"""


def probe(reranker, query, words, others):
    """What ``rerank_documents`` makes of a long document, and of others that differ at one place.

    They differ after the model's limit, or at the last place that fits. Each word must be one token.
    """
    import torch

    room = reranker.max_seq_length + 1 - len(reranker.tokenizer(query, words[0])["input_ids"])
    documents = {"whole": words, "short": words[:2]}
    for other in others:
        documents[f"after {other}"] = [*words[:room], *[other] * 300]
        documents[f"last {other}"] = [*words[: room - 1], other, *words[room:]]
    candidates = [{"id": name, "text": " ".join(document)} for name, document in documents.items()]
    ranking = rerank_documents(query, candidates, reranker, batch_size=4)
    pairs = [(query, candidate["text"]) for candidate in candidates]
    logits = reranker.predict(pairs, batch_size=4, activation_fn=torch.nn.Identity()).tolist()
    return {
        "limit": reranker.max_seq_length,
        "scores": {candidate["id"]: score for candidate, score in ranking},
        "logits": dict(zip(documents, logits, strict=True)),
    }


def check(result, option):
    scores, logits = result["scores"], result["logits"]
    changes = {name: abs(logit - logits["whole"]) for name, logit in logits.items()}
    assert result["limit"] == option.max_tokens == 512
    assert max(change for name, change in changes.items() if name.startswith("after")) < 1e-5, (
        "what stands past token 512 changed the score"
    )
    assert max(change for name, change in changes.items() if name.startswith("last")) > 1e-4, (
        "the last token that fits did not count"
    )
    assert changes["short"] > 1e-4
    sigmoid = {name: 1 / (1 + math.exp(-logit)) for name, logit in logits.items()}
    expected = logits if option.scores == "logits" else sigmoid
    assert scores == pytest.approx(expected, abs=1e-5)


def test_every_row_is_tested_here():
    assert {option.runs for option in CATALOGUE} == {"packaged", "hub", "hosted"}
    assert set(MODELS_OF_HUB_ROWS) == set(HUB)


@pytest.mark.heavy
@pytest.mark.parametrize("name", [name for name in ROWS if ROWS[name].runs == "packaged"])
def test_the_packaged_row(name):
    words = ["berlin", "people", "city", "live", "museum", "river"] * 150
    result = probe(load_reranker(name), "how many people live here", words, ["gym", "tax"])
    check(result, ROWS[name])


# What stands for a hub row has the row's architecture, tokenizer and configuration. Only its sizes are small.
MODELS_OF_HUB_ROWS = {
    "cross-encoder/ms-marco-MiniLM-L6-v2": lambda hub, name: toy_hub.add_bert(hub, name),
    "BAAI/bge-reranker-base": lambda hub, name: toy_hub.add_xlm_roberta(hub, name, 512),
    "BAAI/bge-reranker-large": lambda hub, name: toy_hub.add_xlm_roberta(hub, name, None),
}


@pytest.fixture(scope="module")
def hub_results(tmp_path_factory):
    """{name: what ``probe`` found} for the hub's rows, and for other spellings of their names."""
    home = tmp_path_factory.mktemp("hf")
    for name, add in MODELS_OF_HUB_ROWS.items():
        add(home / "hub", name)
    toy_hub.add_bert(home / "hub", COPY_UNDER_OLD_SPELLING.replace("-L4-", "-L-4-"))
    command = [sys.executable, "-c", PROBE, *HUB, OLD_SPELLING, COPY_UNDER_OLD_SPELLING]
    environment = {**os.environ, "HF_HOME": str(home)}
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert run.returncode == 0 and "Retrying" not in run.stderr, run.stderr
    return json.loads(run.stdout)


@pytest.mark.heavy
@pytest.mark.parametrize("name", HUB)
def test_a_hub_row(hub_results, name):
    check(hub_results[name], ROWS[name])


@pytest.mark.heavy
def test_both_spellings_load_one_copy_whichever_it_stands_under(hub_results):
    new = hub_results["cross-encoder/ms-marco-MiniLM-L6-v2"]
    assert hub_results[OLD_SPELLING] == new
    # The same toy weights under another name.
    assert hub_results[COPY_UNDER_OLD_SPELLING]["scores"] == pytest.approx(new["scores"], abs=1e-5)


@pytest.mark.parametrize("name", [name for name in ROWS if ROWS[name].runs == "hosted"])
def test_the_hosted_row(name, int8_reranker):
    from rerank_course.hosted import CohereReranker
    from rerank_course.service.stand_in import StandIn

    assert ROWS[name].scores == "0–1"
    candidates = ["People live in Berlin.", "Parking is free."]
    query = "How many people live in Berlin?"
    with StandIn(int8_reranker) as service:
        reranker = CohereReranker(name, api_key=service.key, base_url=service.url)
        scores = dict(rerank_documents(query, candidates, reranker))
        sent = json.loads(service.requests[-1].body)
    assert sent["model"] == name and sent["documents"] == candidates and reranker.scored_by == name
    local = 1 / (1 + np.exp(-int8_reranker.predict([(query, candidate) for candidate in candidates])))
    assert [scores[candidate] for candidate in candidates] == pytest.approx(local, abs=1e-3)
    assert scores[candidates[0]] > scores[candidates[1]]
