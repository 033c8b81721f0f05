"""The int8 engine in the place of sentence-transformers' CrossEncoder: the same names, forms and answers."""

import copy
import inspect
import logging

import numpy as np
import pytest

from rerank_course.engine.int8 import Int8Reranker

BERLIN = "How many people live in Berlin?"
PAIRS = [
    (BERLIN, "Berlin had a population of 3,520,031 registered inhabitants."),
    (BERLIN, "Berlin is well known for its museums."),
    ("Who pays for the train?", "Travel by train is paid in second class, and in first above four hours."),
]
APART = 0.4  # logits that 8 bits may move these pairs


def scored(reranker, inputs, **keywords):
    """What predict gives: its kind, its shape, its type of numbers, and the numbers."""
    answer = reranker.predict(inputs, **keywords)
    if isinstance(answer, list):
        return "list", len(answer), {(type(one), one.shape, one.dtype) for one in answer}, np.array(answer)
    return type(answer), tuple(answer.shape), answer.dtype, np.asarray(answer)


@pytest.mark.heavy
@pytest.mark.parametrize("method", ["predict", "rank"])
def test_the_same_signature(method):
    from sentence_transformers import CrossEncoder

    theirs, ours = (
        inspect.signature(getattr(kind, method)).parameters.values() for kind in (CrossEncoder, Int8Reranker)
    )
    assert [(one.name, one.kind, one.default) for one in ours] == [
        (one.name, one.kind, one.default) for one in theirs
    ]


def keyword_cases():
    import torch

    return {
        "none": {},
        "tensor": {"convert_to_tensor": True},
        "list of tensors": {"convert_to_numpy": False},
        "sigmoid": {"activation_fn": torch.nn.Sigmoid()},
        "a function of ours": {"activation_fn": lambda logits: 2 * logits},
        "a function that keeps the column": {"activation_fn": torch.nn.Softmax(dim=1)},
        "softmax": {"apply_softmax": True},
        "batch size": {"batch_size": 1},
        "prompt": {"prompt": "query: "},
        "length": {"max_length": 12},
        "length, nested": {"processing_kwargs": {"text": {"max_length": 12, "truncation": True}}},
        "device": {"device": "cpu"},
        "chunk": {"chunk_size": 2},
        "old names": {"activation_fct": torch.nn.Sigmoid(), "num_workers": 2},
        "no bar": {"show_progress_bar": False},
        "a bar": {"show_progress_bar": True},
    }


INPUTS = {
    "tuples": PAIRS,
    "lists": [list(pair) for pair in PAIRS],
    "tuple of tuples": tuple(PAIRS),
    "array": np.array(PAIRS),
    "one pair": PAIRS[0],
    "one list": list(PAIRS[0]),
    "one array": np.array(PAIRS[0]),
    "one in a list": PAIRS[:1],
    "nothing": [],
}


@pytest.mark.parametrize("inputs", INPUTS)
def test_the_same_answer_to_each_keyword(reranker, int8_reranker, inputs):
    for name, keywords in keyword_cases().items():
        kind, *form, numbers = scored(reranker, INPUTS[inputs], **keywords)
        our_kind, *our_form, our_numbers = scored(int8_reranker, INPUTS[inputs], **keywords)
        assert (our_kind, *our_form) == (kind, *form), name
        factor = 2 if name == "a function of ours" else 1
        assert our_numbers == pytest.approx(numbers, abs=factor * APART), name


def test_pairs_in_anything_that_can_be_read_through(int8_reranker):
    expected = int8_reranker.predict(PAIRS)
    queries, documents = zip(*PAIRS)
    for inputs in (
        iter(PAIRS),
        zip(queries, documents),
        (pair for pair in PAIRS),
        np.array(PAIRS, dtype=object),
        list(np.array(PAIRS)),
        dict(enumerate(PAIRS)).values(),
    ):
        assert np.array_equal(int8_reranker.predict(inputs), expected)
    assert int8_reranker.predict(np.empty((0, 2), dtype=str)).shape == (0,)
    assert np.array_equal(int8_reranker.predict(sentences=PAIRS), expected)


def test_ranks_alike(reranker, int8_reranker):
    import torch

    documents = [document for _, document in PAIRS]
    for keywords in (
        {},
        {"return_documents": True},
        {"top_k": 2},
        {"top_k": 0},
        {"top_k": 99, "batch_size": 2},
        {"activation_fn": torch.nn.Sigmoid()},
        {"prompt": "query: "},
        {"num_workers": 1, "apply_softmax": True, "convert_to_tensor": True},
    ):
        theirs, ours = (one.rank(BERLIN, documents, **keywords) for one in (reranker, int8_reranker))
        assert [one["score"] for one in ours] == pytest.approx([one["score"] for one in theirs], abs=APART)
        assert all(type(one["score"]) is float for one in ours)
        for one in (*theirs, *ours):
            del one["score"]
        assert ours == theirs
    assert int8_reranker.rank(BERLIN, []) == reranker.rank(BERLIN, []) == []


def test_the_same_facts(reranker, int8_reranker):
    for name in ("max_length", "max_seq_length", "num_labels", "device", "prompts", "default_prompt_name"):
        assert getattr(int8_reranker, name) == getattr(reranker, name), name
    assert type(int8_reranker.activation_fn) is type(reranker.activation_fn)
    assert int8_reranker.config.num_labels == reranker.config.num_labels
    assert int8_reranker.config.id2label == reranker.config.id2label
    assert int8_reranker.tokenizer(BERLIN)["input_ids"] == reranker.tokenizer(BERLIN)["input_ids"]
    for inputs in (*INPUTS.values(), PAIRS):
        assert int8_reranker.is_singular_input(inputs) == reranker.is_singular_input(inputs)


def test_is_moved_and_set_to_evaluate(int8_reranker):
    import torch

    for moved in (
        int8_reranker.to("cpu"),
        int8_reranker.to(torch.device("cpu")),
        int8_reranker.cpu(),
        int8_reranker.eval(),
        int8_reranker.train(False),
    ):
        assert moved is int8_reranker
    assert int8_reranker.training is False
    for move in (lambda: int8_reranker.to("cuda"), int8_reranker.cuda, lambda: int8_reranker.to(torch.half)):
        with pytest.raises(ValueError, match="on the CPU only"):
            move()
    with pytest.raises(NotImplementedError, match="cannot be trained"):
        int8_reranker.train()


@pytest.mark.parametrize("name", ["model", "state_dict", "fit", "save_pretrained", "half", "forward"])
def test_what_only_torch_has_says_so(int8_reranker, name):
    assert not hasattr(int8_reranker, name)
    with pytest.raises(AttributeError, match=f"no '{name}': there is no torch module"):
        getattr(int8_reranker, name)


def test_an_unknown_name_is_an_ordinary_error(int8_reranker):
    with pytest.raises(AttributeError, match="'Int8Reranker' object has no attribute 'predcit'"):
        int8_reranker.predcit  # noqa: B018


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"pool": {"input": None}}, ValueError, "no pool of processes"),
        ({"device": "cuda"}, ValueError, "on the CPU only, not on 'cuda'"),
        ({"device": ["cpu", "cpu"]}, ValueError, "on the CPU only"),
        ({"batch_size": 0}, ValueError, "batch_size must be a positive integer"),
        ({"prompt_name": "query"}, ValueError, r"'query' is not among this reranker's prompts: \[\]"),
        ({"activation_fn": 3}, TypeError, "activation_fn must be a function"),
        ({"max_length": 513}, ValueError, "from 8 to 512"),
        ({"max_length": "64"}, ValueError, "from 8 to 512 for this model, not '64'"),
        (
            {"processing_kwargs": {"text": {"truncation": False}}},
            ValueError,
            r"set text\.truncation to False",
        ),
        ({"normalise": True}, TypeError, "no keyword 'normalise'"),
    ],
)
def test_what_it_cannot_do_is_refused(int8_reranker, keywords, error, message):
    with pytest.raises(error, match=message):
        int8_reranker.predict(PAIRS, **keywords)


def test_a_text_that_is_no_text_is_named(int8_reranker):
    with pytest.raises(ValueError, match=r"cannot be read: .* at character 3 of 'no \\ud800"):
        int8_reranker.predict([*PAIRS, ("a", "no \ud800 surrogate")])


def test_settings(int8_reranker, reranker):
    """On a copy, which shares the model and not the settings."""
    import torch

    one = copy.copy(int8_reranker)
    one.activation_fn = torch.nn.Sigmoid()
    assert one.predict(PAIRS) == pytest.approx(torch.sigmoid(torch.tensor(int8_reranker.predict(PAIRS))))
    one.activation_fn = None
    assert np.array_equal(one.predict(PAIRS), int8_reranker.predict(PAIRS))
    with pytest.raises(TypeError, match="activation_fn"):
        one.activation_fn = "softplus"
    one.max_length = 12
    assert one.max_seq_length == one.get_max_seq_length() == 12 and int8_reranker.max_length == 512
    assert np.array_equal(one.predict(PAIRS), int8_reranker.predict(PAIRS, max_length=12))
    assert not np.array_equal(one.predict(PAIRS), int8_reranker.predict(PAIRS))
    with pytest.raises(ValueError, match="from 8 to 512"):
        one.max_seq_length = 4
    one.prompts["query"] = "query: "
    asked = one.predict(PAIRS, prompt_name="query")
    one.default_prompt_name = "query"
    assert np.array_equal(one.predict(PAIRS), asked)
    assert np.array_equal(asked, int8_reranker.predict(PAIRS, prompt="query: ", max_length=12))
    assert int8_reranker.prompts == {}


def test_a_bar_where_logging_is_on(int8_reranker, capfd, caplog):
    int8_reranker.predict(PAIRS)
    assert "Scoring" not in capfd.readouterr().err
    with caplog.at_level(logging.INFO):
        int8_reranker.predict(PAIRS)
    assert "Scoring" in capfd.readouterr().err


def evaluators():
    from sentence_transformers.cross_encoder import evaluation

    corpus = __import__("rerank_course").load_corpus("handbook")
    queries = list(corpus.qrels)[:6]
    passages = list(corpus.documents.values())
    samples = []
    for query in queries:
        relevant = [document for document, grade in corpus.qrels[query].items() if grade > 1]
        positive = [corpus.documents[document].content for document in relevant]
        negative = [chunk.content for chunk in passages[:12] if chunk.id not in relevant]
        if positive:
            samples.append({"query": corpus.queries[query], "positive": positive, "negative": negative})
    pairs = [(sample["query"], text) for sample in samples for text in sample["positive"][:2]]
    pairs += [(sample["query"], text) for sample in samples for text in sample["negative"][:2]]
    labels = [1] * (len(pairs) - 2 * len(samples)) + [0] * 2 * len(samples)
    return [
        evaluation.CrossEncoderRerankingEvaluator(samples, name="handbook"),
        evaluation.CrossEncoderCorrelationEvaluator(pairs, [float(label) for label in labels]),
        evaluation.CrossEncoderClassificationEvaluator(pairs, labels),
    ]


def test_evaluators_find_what_they_find_on_torch(reranker, int8_reranker, tmp_path):
    for evaluator in evaluators():
        theirs = evaluator(reranker, str(tmp_path))
        ours = int8_reranker.evaluate(evaluator, str(tmp_path / "int8"))
        assert theirs.keys() == ours.keys() and len(ours) > 1
        for measure, found in ours.items():
            tolerance = APART if "threshold" in measure else 0.03
            assert found == pytest.approx(theirs[measure], abs=tolerance), measure
    assert list((tmp_path / "int8").glob("*.csv"))


def test_says_what_it_is(int8_reranker):
    said = repr(int8_reranker)
    assert said.startswith("Int8Reranker(cross-encoder/ms-marco-MiniLM-L12-v2, max_length=512, threads=")
    error = int8_reranker.int8_model.error
    assert f"rms {error['rms']:.2g}, max {error['max']:.2g} logits on {error['pairs']:.0f} pairs" in said
