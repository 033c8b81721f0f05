"""Rerankers that one would look at today, beside the course's five, and what has been published about them.

The facts were read in November 2026. They age: each row names the page to look at again.
"""

import pandas as pd

from rerank_course.models import CATALOGUE, ModelOption

_HUB = "https://huggingface.co/"
MTEB_PAGE = "https://huggingface.co/blog/ettin-reranker"

_ETTIN_SIZES = (
    ("17m", 17.6, 7, 256),
    ("32m", 32.8, 10, 384),
    ("68m", 68.6, 19, 512),
    ("150m", 150.9, 22, 768),
    ("400m", 401.6, 28, 1024),
    ("1b", 1000, 28, 1792),
)
_MMARCO_LANGUAGES = "en, zh, fr, de, id, it, pt, ru, es, ar, nl, hi, ja, vi"
# fmt: off
# name, publisher, licence; parameters, layers, width, base; languages, max_tokens, scores, runs; source
CURRENT: tuple[ModelOption, ...] = (
    *(ModelOption(f"cross-encoder/ettin-reranker-{size}-v1", "Sentence Transformers", "Apache-2.0",
                  parameters, layers, width, "Ettin (ModernBERT)", "en", 8192, "logits", "hub", MTEB_PAGE)
      for size, parameters, layers, width in _ETTIN_SIZES),
    ModelOption("BAAI/bge-reranker-v2-m3", "BAAI", "Apache-2.0",
                568, 24, 1024, "bge-m3 (XLM-RoBERTa large)", "multilingual", 8192, "0–1", "hub",
                _HUB + "BAAI/bge-reranker-v2-m3"),
    ModelOption("cross-encoder/mmarco-mMiniLMv2-L12-H384-v1", "Sentence Transformers", "Apache-2.0",
                118, 12, 384, "mMiniLMv2 (XLM-RoBERTa)", _MMARCO_LANGUAGES, 512, "?", "hub",
                _HUB + "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1"),
    ModelOption("Qwen/Qwen3-Reranker-0.6B", "Alibaba", "Apache-2.0",
                596, 28, 1024, "Qwen3 (language model)", "multilingual", 32_768, "?", "hub",
                _HUB + "Qwen/Qwen3-Reranker-0.6B"),
    ModelOption("mixedbread-ai/mxbai-rerank-base-v2", "Mixedbread", "Apache-2.0",
                494, 24, 896, "Qwen2.5 (language model)", "multilingual", 8192, "?", "hub",
                "https://www.mixedbread.com/docs/reranking/models/mxbai-rerank-base-v2"),
    ModelOption("jinaai/jina-reranker-v2-base-multilingual", "Jina AI", "CC-BY-NC-4.0",
                278, 12, 768, "XLM-RoBERTa base", "multilingual", 1024, "?", "hub",
                "https://jina.ai/models/jina-reranker-v2-base-multilingual"),
)

# Why the course's helper (load_reranker, fetch) is not promised for a model. It was tried on small models of
# random weights with the same parts, not on the published weights.
NOT_PROMISED: dict[str, str] = {
    "Qwen/Qwen3-Reranker-0.6B":
        "may load without the prompt that it was trained with, and then score something else",
    "mixedbread-ai/mxbai-rerank-base-v2":
        "may load without the prompt that it was trained with, and then score something else",
    "jinaai/jina-reranker-v2-base-multilingual":
        "needs program code from its own repository, which the helper does not run",
}
# fmt: on

# nDCG@10 on MTEB(eng, v2) Retrieval: ten tasks, the first 100 reranked; the mean over the six of ALONE.
MTEB: dict[str, float] = {
    "cross-encoder/ms-marco-MiniLM-L6-v2": 0.5082,
    "cross-encoder/ms-marco-MiniLM-L12-v2": 0.5066,
    "BAAI/bge-reranker-base": 0.4890,
    "BAAI/bge-reranker-large": 0.5098,
    "cross-encoder/ettin-reranker-17m-v1": 0.5576,
    "cross-encoder/ettin-reranker-32m-v1": 0.5779,
    "cross-encoder/ettin-reranker-68m-v1": 0.5915,
    "cross-encoder/ettin-reranker-150m-v1": 0.5994,
    "cross-encoder/ettin-reranker-400m-v1": 0.6091,
    "cross-encoder/ettin-reranker-1b-v1": 0.6114,
    "BAAI/bge-reranker-v2-m3": 0.5526,
    "Qwen/Qwen3-Reranker-0.6B": 0.5940,
    "mixedbread-ai/mxbai-rerank-base-v2": 0.5920,
}
# The same measure, the same tasks, the same page: the embedder without any reranker.
ALONE: dict[str, float] = {
    "static-retrieval-mrl-en-v1": 0.3495,
    "all-MiniLM-L6-v2": 0.4292,
    "bge-small-en-v1.5": 0.5149,
    "nomic-embed-text-v1.5": 0.5226,
    "embeddinggemma-300m": 0.5463,
    "jina-embeddings-v5-text-small": 0.5980,
}
# Pairs a second on an Intel Core i7-13700K in float32, questions of Natural Questions, at most 512 tokens.
CPU_PAIRS: dict[str, float] = {
    "cross-encoder/ettin-reranker-17m-v1": 267.4,
    "cross-encoder/ms-marco-MiniLM-L6-v2": 143.9,
    "cross-encoder/ettin-reranker-32m-v1": 92.5,
    "cross-encoder/ms-marco-MiniLM-L12-v2": 75.9,
    "cross-encoder/ettin-reranker-68m-v1": 31.2,
    "BAAI/bge-reranker-base": 19.2,
    "cross-encoder/ettin-reranker-150m-v1": 14.0,
    "BAAI/bge-reranker-large": 6.2,
    "BAAI/bge-reranker-v2-m3": 6.0,
    "cross-encoder/ettin-reranker-400m-v1": 5.2,
    "mixedbread-ai/mxbai-rerank-base-v2": 3.5,
    "cross-encoder/ettin-reranker-1b-v1": 2.1,
}


def short_name(name: str) -> str:
    """A model's name without its publisher."""
    return name.rpartition("/")[2]


def current_table() -> pd.DataFrame:
    """A row for each of today's models: what to know before a download.

    ``parameters`` are millions. ``fetch`` is ``"yes"`` where ``python -m rerank_course fetch NAME`` is
    expected to work, ``"?"`` where it may load and score wrongly, ``"no"`` where it refuses or cannot.
    """
    rows = {
        option.name: {
            "licence": option.licence,
            "parameters": option.parameters,
            "languages": _languages(option),
            "tokens": option.max_tokens,
            "scores": option.scores,
            "MTEB nDCG@10": MTEB.get(option.name, float("nan")),
            "fetch": _fetch(option.name),
        }
        for option in CURRENT
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def all_options() -> tuple[ModelOption, ...]:
    """The course's five, then today's."""
    return (*CATALOGUE, *CURRENT)


def _languages(option: ModelOption) -> str:
    count = option.languages.count(",") + 1
    return option.languages if count < 4 else f"{count} languages, {option.languages[:10]} …"


def _fetch(name: str) -> str:
    if name not in NOT_PROMISED:
        return "yes"
    return "no" if "program code" in NOT_PROMISED[name] else "?"
