"""The pipelines of the exercise wiring_clinic: eight with one fault each, and right ones written differently.

All take the same arguments and should do the same. Of the first ``depth`` results of a search, those in force
are scored by their heading and text. The best ``top_k`` come back as (id, probability), best first, where the
probability is the sigmoid of the model's logit; equal ones stay in the search's order.
"""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, softmax

Result = dict[str, Any]  # of a search: id, heading, text, in_force
Ranking = list[tuple[str, float]]
Pipeline = Callable[..., Ranking]

_cache: dict[Any, Any] = {}  # of two of the pipelines


def forget() -> None:
    """Empty what pipelines keep from one call to the next."""
    _cache.clear()


def text_of(result: Result) -> str:
    return f"{result['heading']}. {result['text']}"


def best(results: Sequence[Result], scores: Iterable[float], top_k: int) -> Ranking:
    """The ids with the highest scores. Equal scores stay in the order of the results."""
    scored = [(result["id"], float(score)) for result, score in zip(results, scores, strict=True)]
    return sorted(scored, key=lambda pair: pair[1], reverse=True)[:top_k]


def pipeline_a(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    results = [result for result in found[:depth] if result["in_force"]][:top_k]
    logits = model.predict([(query, text_of(result)) for result in results])
    return best(results, expit(logits), top_k)


def pipeline_b(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    from torch.nn import Sigmoid

    results = [result for result in found[:depth] if result["in_force"]]
    pairs = [(query, text_of(result)) for result in results]
    scores = model.predict(pairs, activation_fn=Sigmoid())
    return best(results, expit(scores), top_k)


def pipeline_c(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    texts = [text_of(result) for result in found[:depth] if result["in_force"]]
    probabilities = expit(model.predict([(query, text) for text in texts]))
    order = np.argsort(-probabilities, kind="stable")[:top_k]
    return [(found[place]["id"], float(probabilities[place])) for place in order]


def pipeline_d(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    results = [result for result in found[:depth] if result["in_force"]]
    pairs = [(text_of(result), query) for result in results]
    return best(results, expit(model.predict(pairs)), top_k)


def pipeline_e(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    results = [result for result in found[:depth] if result["in_force"]]
    new = [result for result in results if result["id"] not in _cache]
    if new:
        logits = model.predict([(query, text_of(result)) for result in new])
        _cache.update(zip([result["id"] for result in new], expit(logits)))
    return best(results, [_cache[result["id"]] for result in results], top_k)


def pipeline_f(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    import torch

    results = [result for result in found[:depth] if result["in_force"]]
    if not results:
        return []
    texts = [text_of(result) for result in results]
    tokens = model.tokenizer(
        [query] * len(texts), texts, padding=True, truncation=True, max_length=512, return_tensors="pt"
    )
    with torch.inference_mode():
        output = model.model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
    return best(results, expit(output.logits[:, 0].numpy()), top_k)


def pipeline_g(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    results = [result for result in found[:depth] if result["in_force"]]
    titles = [textwrap.shorten(result["heading"], 24, placeholder="…") for result in results]
    pairs = [(query, f"{title}. {result['text']}") for title, result in zip(titles, results)]
    return best(results, expit(model.predict(pairs)), top_k)


def pipeline_h(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    results = [result for result in found[:depth] if result["in_force"]]
    logits = model.predict([(query, text_of(result)) for result in results])
    probabilities = softmax(np.reshape(logits, (-1, 1)), axis=1)
    return best(results, probabilities[:, 0], top_k)


def right(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    results = [result for result in found[:depth] if result["in_force"]]
    logits = model.predict([(query, text_of(result)) for result in results])
    return best(results, expit(logits), top_k)


def right_in_batches(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    """It asks the model for two pairs at a time, and computes in double precision."""
    results = [result for result in found[:depth] if result["in_force"]]
    logits: list[float] = []
    for start in range(0, len(results), 2):
        logits += list(model.predict([(query, text_of(result)) for result in results[start : start + 2]]))
    return best(results, expit(np.array(logits, dtype=np.float64)), top_k)


def right_by_places(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    """It sorts places, as pipeline C does, and keeps them with the results that were scored."""
    results = [result for result in found[:depth] if result["in_force"]]
    probabilities = expit(model.predict([(query, text_of(result)) for result in results]))
    order = np.argsort(-probabilities, kind="stable")[:top_k]
    return [(results[place]["id"], probabilities[place]) for place in order]


def right_in_the_model(
    query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50
) -> Ranking:
    """The model applies the sigmoid, and nobody else."""
    from torch.nn import Sigmoid

    results = [result for result in found[:depth] if result["in_force"]]
    pairs = [(query, text_of(result)) for result in results]
    return best(results, model.predict(pairs, activation_fn=Sigmoid()), top_k)


def right_with_a_cache(
    query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50
) -> Ranking:
    """Its cache knows a score by the model and both texts."""
    results = [result for result in found[:depth] if result["in_force"]]
    _, known = _cache.setdefault(id(model), (model, {}))  # with the model, so that no other gets its id
    pairs = [(query, text_of(result)) for result in results]
    new = [pair for pair in pairs if pair not in known]
    if new:
        known.update(zip(new, expit(model.predict(new))))
    return best(results, [known[pair] for pair in pairs], top_k)


def right_by_hand(query: str, found: list[Result], model: Any, top_k: int = 3, depth: int = 50) -> Ranking:
    """It calls tokenizer and model itself, as pipeline F does, and gives the model all that it was given."""
    import torch

    results = [result for result in found[:depth] if result["in_force"]]
    if not results:
        return []
    texts = [text_of(result) for result in results]
    tokens = model.tokenizer(
        [query] * len(texts), texts, padding=True, truncation=True, max_length=512, return_tensors="pt"
    )
    with torch.inference_mode():
        logits = model.model(**tokens).logits[:, 0].numpy()
    return best(results, expit(logits), top_k)
