"""Toy rerankers of each architecture that the int8 engine takes: random weights in real files.

Their tokenizers learn some hundred words from the handbook. The last layer reads the direction in which the
vectors of many pairs differ most, so that scores spread by some logits, as those of a real reranker do.
"""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    ModernBertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from rerank_course.texts.corpora import load_corpus

WORDS = 400
LIKE_BERT = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")  # padding, beginning, end, unknown, mask
LIKE_ROBERTA = ("<pad>", "<s>", "</s>", "<unk>", "<mask>")
WITH_TYPES = ["input_ids", "token_type_ids", "attention_mask"]
WITHOUT_TYPES = ["input_ids", "attention_mask"]
SIZES = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
LOGITS = {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}
COMMON = {"num_labels": 1, "initializer_range": 0.12}
ROBERTA = {
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}


def pairs(count: int, words: int = 40) -> list[tuple[str, str]]:
    """Queries of the handbook, each with four passages of one to ``words`` words."""
    corpus = load_corpus("handbook")
    passages = [chunk.text.split() for chunk in corpus.documents.values()]
    queries = list(corpus.queries.values())
    return [
        (queries[i // 4], " ".join(passages[i % len(passages)][: 1 + i * 7 % words])) for i in range(count)
    ]


def wordpiece() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=WORDS, show_progress=False, special_tokens=[*LIKE_BERT])
    return _trained(tokenizer, trainer, LIKE_BERT, "[CLS] $A [SEP] $B:1 [SEP]:1", 512, WITH_TYPES)


def byte_pairs(special: tuple[str, ...], pair: str, limit: int | None) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    pad, begin, *others = special
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS,
        show_progress=False,
        special_tokens=[begin, pad, *others],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    return _trained(tokenizer, trainer, special, pair, limit, WITHOUT_TYPES)


def unigrams(special: tuple[str, ...], pair: str, limit: int | None, inputs: list[str]):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    pad, begin, *others = special
    first = [begin, pad] if special is LIKE_ROBERTA else [pad, begin]
    trainer = trainers.UnigramTrainer(
        vocab_size=WORDS, show_progress=False, special_tokens=[*first, *others], unk_token=special[3]
    )
    return _trained(tokenizer, trainer, special, pair, limit, inputs)


def _trained(tokenizer, trainer, special, pair, limit, inputs) -> PreTrainedTokenizerFast:
    texts = [chunk.content for chunk in load_corpus("handbook").documents.values()][:100]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=pair.split(" $B")[0],
        pair=pair,
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in special],
    )
    pad, begin, end, unknown, mask = special
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        bos_token=begin,
        cls_token=begin,
        eos_token=end,
        sep_token=end,
        unk_token=unknown,
        mask_token=mask,
        model_input_names=inputs,
        **({} if limit is None else {"model_max_length": limit}),
    )


def bert():
    return wordpiece(), BertForSequenceClassification(
        BertConfig(vocab_size=WORDS, max_position_embeddings=512, **SIZES, **COMMON, **LOGITS)
    )


def electra():
    config = ElectraConfig(vocab_size=WORDS, embedding_size=32, **SIZES, **COMMON, **LOGITS)
    return wordpiece(), ElectraForSequenceClassification(config)


def distilbert():
    config = DistilBertConfig(
        vocab_size=WORDS, dim=64, n_layers=2, n_heads=4, hidden_dim=128, **COMMON, **LOGITS
    )
    return wordpiece(), DistilBertForSequenceClassification(config)


def roberta():
    """514 positions, 512 of which are for tokens; its tokenizer names no limit."""
    tokenizer = byte_pairs(LIKE_ROBERTA, "<s> $A </s> </s> $B </s>", None)
    return tokenizer, RobertaForSequenceClassification(
        RobertaConfig(vocab_size=WORDS, **ROBERTA, **SIZES, **COMMON)
    )


def xlm_roberta():
    """As the bge rerankers: no activation is named, so sentence-transformers takes the sigmoid."""
    tokenizer = unigrams(LIKE_ROBERTA, "<s> $A </s> </s> $B </s>", 512, WITHOUT_TYPES)
    return tokenizer, XLMRobertaForSequenceClassification(
        XLMRobertaConfig(vocab_size=len(tokenizer), **ROBERTA, **SIZES, **COMMON)
    )


def deberta():
    """Relative positions; its tokenizer gives token types, which the model does not read."""
    tokenizer = unigrams(LIKE_BERT, "[CLS] $A [SEP] $B:1 [SEP]:1", None, WITH_TYPES)
    config = DebertaV2Config(
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=64,
        pos_att_type=["p2c", "c2p"],
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        position_biased_input=False,
        pooler_hidden_size=64,
        **SIZES,
        **COMMON,
        **LOGITS,
    )
    return tokenizer, DebertaV2ForSequenceClassification(config)


def modernbert(kind: type = ModernBertForSequenceClassification):
    """8,192 positions; every second layer looks at 32 tokens only."""
    special = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")
    ids = {"pad_token_id": 1, "cls_token_id": 0, "bos_token_id": 0, "sep_token_id": 2, "eos_token_id": 2}
    config = ModernBertConfig(
        vocab_size=WORDS,
        local_attention=32,
        global_attn_every_n_layers=2,
        initializer_cutoff_factor=4.0,
        **ids,
        **SIZES,
        **COMMON,
        **LOGITS,
    )
    return byte_pairs(special, "[CLS] $A [SEP] $B [SEP]", 8192), kind(config)


SEEDS = {"modular": 5}  # of some random heads the scores hardly differ, and rounding counts for more
ARCHITECTURES: dict[str, Callable] = {
    "bert": bert,
    "electra": electra,
    "distilbert": distilbert,
    "roberta": roberta,
    "xlm-roberta": xlm_roberta,
    "deberta-v2": deberta,
    "modernbert": modernbert,
}


def write(architecture: str, folder: Path, seed: int | None = None, sharp: float = 1) -> None:
    """A toy reranker as transformers saves it; ``"modular"`` as sentence-transformers saves an Ettin one.

    Args:
        sharp: multiplies queries and keys of BERT's attention. At 3 attention sees one token or another, and
            rounding decides which.
    """
    torch.manual_seed(SEEDS.get(architecture, 1) if seed is None else seed)
    if architecture == "modular":
        _write_modular(folder)
        return
    tokenizer, model = ARCHITECTURES[architecture]()
    _loud(model, sharp)
    _save(tokenizer, model, folder)
    reranker = CrossEncoder(str(folder), device="cpu")
    reranker.max_seq_length = 128
    _spread(reranker)
    reranker.model.save_pretrained(folder)


def _write_modular(folder: Path) -> None:
    tokenizer, body = modernbert(ModernBertModel)
    _loud(body)
    with tempfile.TemporaryDirectory() as scratch:
        _save(tokenizer, body, Path(scratch))
        modules = [
            Transformer(scratch),
            Pooling(64, "cls"),
            Dense(64, 64, activation_function=torch.nn.GELU(), bias=False),
            LayerNorm(64),
            Dense(64, 1, activation_function=torch.nn.Identity(), module_output_name="scores"),
        ]
        reranker = CrossEncoder(modules=modules, device="cpu", activation_fn=torch.nn.Identity())
        _spread(reranker)
        reranker.save_pretrained(str(folder))


def _save(tokenizer, model, folder: Path) -> None:
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def _loud(model: torch.nn.Module, sharp: float = 1) -> None:
    """Words count for more than places, and what attention brings counts for more than it would at random."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if re.search(r"(attention\.output\.dense|out_lin|attn\.Wo)\.weight", name):
                weight.mul_(2)
            if "position_embeddings" in name or "token_type" in name:
                weight.mul_(0.1)
            if re.search(r"self\.(query|key)\.weight", name):
                weight.mul_(sharp)


def _spread(reranker: CrossEncoder) -> None:
    """Let the last layer read the direction in which vectors differ most, with a deviation of 3 logits."""
    head = [
        module
        for module in reranker.modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == 1
    ][-1]
    seen: list[torch.Tensor] = []
    hook = head.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    reranker.predict(pairs(80))
    hook.remove()
    vectors = torch.cat(seen)
    with torch.no_grad():
        direction = torch.linalg.svd(vectors - vectors.mean(0)).Vh[:1]
        scores = vectors @ direction.T
        head.weight.copy_(direction * 3 / scores.std())
        head.bias.copy_(-3 * scores.mean(0) / scores.std())
