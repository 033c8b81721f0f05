"""The models that the checks compare with, each loaded once, and how close one has to come to them."""

from functools import cache
from typing import Any

from rerank_course.models import load_embedder, load_reranker

# float32 on another processor moves a logit by some 0.0001; TF32 on a GPU by up to 0.01.
LOGIT_TOLERANCE = 0.02
COSINE_TOLERANCE = 0.005
SHORT_LIMIT = 128


@cache
def cross_encoder():
    return load_reranker()


@cache
def short_reranker():
    """The course's cross-encoder, which reads less: nobody can have its limit in the head."""
    return load_reranker(max_length=SHORT_LIMIT)


@cache
def embedder():
    return load_embedder()


@cache
def embedder_without_normalising():
    """The course's embedder without its last module, which scales each vector to length 1."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(modules=list(load_embedder())[:-1], similarity_fn_name="cosine")


def cosines(query: str, documents: list[str], embedder: Any) -> dict[str, float]:
    similarities = embedder.similarity(embedder.encode([query]), embedder.encode(documents))[0]
    return {document: float(similarity) for document, similarity in zip(documents, similarities)}
