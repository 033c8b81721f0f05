"""Toy cross-encoders laid out as the Hugging Face cache lays them out: random weights, real file formats."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForSequenceClassification

REVISION = "0123456789abcdef0123456789abcdef01234567"
WORDS = [f"w{number}" for number in range(50)]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "num_labels": 1}


def snapshot(hub: Path, name: str) -> Path:
    """An empty snapshot folder of a model, which its refs/main names."""
    repository = hub / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(REVISION, encoding="utf-8")
    folder = repository / "snapshots" / REVISION
    folder.mkdir(parents=True)
    return folder


def add_bert(hub: Path, name: str) -> None:
    """A BERT classifier as the ms-marco models are: logits, because its configuration asks for the identity."""
    torch.manual_seed(0)
    folder = snapshot(hub, name)
    vocabulary = {token: number for number, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=512, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]"
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary), max_position_embeddings=512, initializer_range=1.0, **SIZES,
        sentence_transformers={"activation_fn": "torch.nn.modules.linear.Identity"},
    )
    BertForSequenceClassification(config).save_pretrained(folder)


def add_xlm_roberta(hub: Path, name: str, tokenizer_limit: int | None) -> None:
    """An XLM-RoBERTa classifier as the bge rerankers are: 514 positions of which 2 are reserved, no activation in the configuration."""
    torch.manual_seed(1)
    folder = snapshot(hub, name)
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((f"▁{word}", -2.0) for word in WORDS)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    limit = {} if tokenizer_limit is None else {"model_max_length": tokenizer_limit}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", sep_token="</s>", cls_token="<s>", pad_token="<pad>", unk_token="<unk>", **limit
    ).save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=len(pieces), max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        initializer_range=1.0, **SIZES,
    )
    XLMRobertaForSequenceClassification(config).save_pretrained(folder)
