"""What the list of today's models says: that it fits together, and what the helper makes of their parts."""

import json

import pytest

from rerank_course.lab.current_models import (
    ALONE,
    CPU_PAIRS,
    CURRENT,
    MTEB,
    NOT_PROMISED,
    all_options,
    current_table,
    short_name,
)
from rerank_course.models import CATALOGUE
from tests.support import toy_hub

ETTIN, MULTILINGUAL = "cross-encoder/ettin-reranker-17m-v1", "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1"


def test_the_five_come_first_and_no_name_is_there_twice():
    names = [option.name for option in all_options()]
    assert names[:5] == [option.name for option in CATALOGUE] and len(set(names)) == len(names)


def test_figures_belong_to_models_of_the_list():
    names = {option.name for option in all_options()}
    assert set(MTEB) <= names and set(CPU_PAIRS) <= names and set(NOT_PROMISED) <= names
    assert all(0 < value < 1 for value in [*MTEB.values(), *ALONE.values()])


def test_the_table_promises_only_what_the_helper_loads():
    table = current_table()
    assert list(table.index) == [option.name for option in CURRENT]
    assert set(table.index[table["fetch"] != "yes"]) == set(NOT_PROMISED)
    assert table.loc[ETTIN, "fetch"] == "yes" and table.loc[MULTILINGUAL, "languages"].startswith("14")
    assert table.loc["jinaai/jina-reranker-v2-base-multilingual", "fetch"] == "no"
    assert short_name(ETTIN) == "ettin-reranker-17m-v1"


@pytest.mark.heavy
def test_the_helper_loads_a_model_with_an_ettin_reranker_s_parts(tmp_path):
    from rerank_course import load_reranker, rerank_documents

    write_ettin(tmp_path / "body", tmp_path / "model")
    reranker = load_reranker(str(tmp_path / "model"))
    ranking = rerank_documents("w1 w2", ["w3", "w1 w2 w4"], reranker)
    assert len({score for _, score in ranking}) == 2


@pytest.mark.heavy
def test_a_language_model_without_modules_loads_and_its_prompt_is_not_there(tmp_path):
    """Why Qwen3 and mxbai have a question mark: nothing is refused, and the pair goes in bare."""
    from rerank_course import load_reranker

    write_language_model(tmp_path)
    reranker = load_reranker(str(tmp_path))
    assert type(reranker[1]).__name__ == "LogitScore"
    assert reranker.tokenizer.chat_template is None


def write_ettin(body, folder):
    """Transformer, Pooling(cls), Dense, LayerNorm, Dense: random weights, as the blog post draws it."""
    from sentence_transformers import CrossEncoder
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
    from torch import nn
    from transformers import ModernBertConfig, ModernBertModel

    body.mkdir()
    toy_hub.write_bert_tokenizer(body)
    marks = {"pad_token_id": 0, "cls_token_id": 2, "bos_token_id": 2, "sep_token_id": 3, "eos_token_id": 3}
    config = ModernBertConfig(
        vocab_size=5 + len(toy_hub.WORDS), max_position_embeddings=600, **marks, **toy_hub.SIZES
    )
    ModernBertModel(config).save_pretrained(body)
    modules = [
        Transformer(str(body), transformer_task="feature-extraction"),
        Pooling(32, pooling_mode="cls"),
        Dense(32, 32, bias=False, activation_function=nn.GELU()),
        LayerNorm(32),
        Dense(32, 1, activation_function=nn.Identity(), module_output_name="scores"),
    ]
    CrossEncoder(modules=modules).save_pretrained(str(folder))


def write_language_model(folder):
    from transformers import Qwen3Config, Qwen3ForCausalLM

    toy_hub.write_bert_tokenizer(folder)
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text(encoding="utf-8"))
    words = tokenizer["model"]["vocab"]
    for word in ("yes", "no"):
        words[word] = len(words)
    file.write_text(json.dumps(tokenizer), encoding="utf-8")
    config = Qwen3Config(
        vocab_size=len(words),
        max_position_embeddings=600,
        tie_word_embeddings=True,
        head_dim=16,
        num_key_value_heads=2,
        **toy_hub.SIZES,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
