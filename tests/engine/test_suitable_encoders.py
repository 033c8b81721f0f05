"""Which cross-encoders the int8 engine takes; the others are told what runs them."""

import pytest
import torch
from sentence_transformers import CrossEncoder

from rerank_course.engine import suitable_encoders
from rerank_course.engine.hub import UnsuitableModelError, token_limit
from tests.support import toy_encoders

pytestmark = pytest.mark.heavy  # each loads a model, if only a toy


@pytest.fixture
def toy(tmp_path):
    toy_encoders.write("bert", tmp_path)
    return CrossEncoder(str(tmp_path), device="cpu")


def refusal(reranker):
    with pytest.raises(UnsuitableModelError) as refused:
        suitable_encoders.check_encoder(reranker, "toy/model")
    message = str(refused.value)
    assert message.startswith('backend="int8" does not run toy/model: ')
    assert message.endswith('backend="torch" runs it as it is.')
    return message


def test_a_toy_is_taken(toy):
    suitable_encoders.check_encoder(toy, "toy/model")
    assert suitable_encoders.facts(toy) == {"max_tokens": 512, "pad_id": 0, "activation": "identity"}


def test_a_decoder(tmp_path):
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = toy_encoders.byte_pairs(toy_encoders.LIKE_BERT, "[CLS] $A [SEP] $B [SEP]", 512)
    tokenizer.add_tokens(["yes", "no"])
    tokenizer.save_pretrained(tmp_path)
    config = Qwen3Config(vocab_size=len(tokenizer), head_dim=16, num_key_value_heads=4, **toy_encoders.SIZES)
    Qwen3ForCausalLM(config).save_pretrained(tmp_path)
    assert "it is a decoder" in refusal(CrossEncoder(str(tmp_path), device="cpu"))


def test_an_activation_that_it_does_not_know(toy):
    toy.activation_fn = torch.nn.Tanh()
    assert "it applies Tanh to its logit; known are Identity and Sigmoid" in refusal(toy)


def test_a_prompt(toy):
    toy.prompts, toy.default_prompt_name = {"query": "Rank: "}, "query"
    assert "it puts a prompt, 'query', before each text" in refusal(toy)
    toy.prompts = {"query": ""}
    suitable_encoders.check_encoder(toy, "toy/model")


def test_a_tokenizer_that_works_from_the_other_side(toy):
    toy.tokenizer.truncation_side = "left"
    assert "its tokenizer pads or cuts texts at their beginning" in refusal(toy)


def test_a_tokenizer_without_padding(toy):
    toy.tokenizer.pad_token = None
    assert "its tokenizer has no padding token" in refusal(toy)


def test_a_module_that_it_does_not_know(toy):
    from sentence_transformers.base.modules import Normalize

    toy.append(Normalize())
    assert "it has a module Normalize; known are Transformer," in refusal(toy)


def test_roberta_s_positions_and_modernbert_s_memory(tmp_path):
    """514 positions hold 512 tokens, also where the tokenizer names no limit; 8,192 tokens are too many."""
    for kind, limit, kept in (("roberta", 512, 512), ("modernbert", 8192, 4096)):
        toy_encoders.write(kind, tmp_path / kind)
        reranker = CrossEncoder(str(tmp_path / kind), device="cpu")
        assert token_limit(reranker) == limit and suitable_encoders.facts(reranker)["max_tokens"] == kept
