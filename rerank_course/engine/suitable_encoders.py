"""Which cross-encoders the int8 engine takes, and the facts about one that it keeps."""

from typing import TYPE_CHECKING, Any

from rerank_course.engine.hub import UnsuitableModelError, check_reranker, token_limit

if TYPE_CHECKING:  # it imports torch, which takes seconds
    from sentence_transformers import CrossEncoder

# Each is tested against torch on a toy model.
MODEL_TYPES = ("bert", "roberta", "xlm-roberta", "distilbert", "electra", "deberta-v2", "modernbert")
MODULES = ("Transformer", "Pooling", "Dense", "LayerNorm", "Dropout")
ACTIVATIONS = {"Identity": "identity", "Sigmoid": "sigmoid"}
# Attention's memory grows with the square of the length. Of ModernBERT's 8,192 tokens (768 wide, 12 heads,
# float32) one request at work takes 1.2 GB and minutes, of 4,096 tokens 0.5 GB.
MOST_TOKENS = 4096


def check_encoder(reranker: "CrossEncoder", name: str) -> None:
    """Refuse what the engine cannot run, or would run otherwise than sentence-transformers.

    Raises:
        UnsuitableModelError: what it is, and what runs it instead.
    """
    check_reranker(reranker, name)
    problem = next(filter(None, (check(reranker) for check in _CHECKS)), None)
    if problem:
        raise UnsuitableModelError(
            f'backend="int8" does not run {name}: {problem}. backend="torch" runs it as it is.'
        )


def _check_modules(reranker: "CrossEncoder") -> str | None:
    kinds = [type(module).__name__ for module in reranker]
    if "LogitScore" in kinds:
        return "it is a decoder, which answers with the logit of a word"
    strange = [kind for kind in kinds if kind not in MODULES]
    return f"it has a module {strange[0]}; known are {', '.join(MODULES)}" if strange else None


def _check_type(reranker: "CrossEncoder") -> str | None:
    kind = getattr(reranker.config, "model_type", "unknown")
    if kind not in MODEL_TYPES or getattr(reranker.config, "is_decoder", False):
        return f"its architecture is {kind}; known are the encoders {', '.join(MODEL_TYPES)}"
    return None


def _check_tokenizer(reranker: "CrossEncoder") -> str | None:
    tokenizer = reranker.tokenizer
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        return (
            f"its tokenizer, {type(tokenizer).__name__}, has no fast form (tokenizer.json). Its publisher "
            "can add one with transformers: AutoTokenizer.from_pretrained(…).save_pretrained(…)"
        )
    if tokenizer.pad_token_id is None:
        return "its tokenizer has no padding token"
    if tokenizer.padding_side != "right" or tokenizer.truncation_side != "right":
        return "its tokenizer pads or cuts texts at their beginning"
    return None


def _check_prompt(reranker: "CrossEncoder") -> str | None:
    name = reranker.default_prompt_name
    return f"it puts a prompt, {name!r}, before each text" if name and reranker.prompts.get(name) else None


def _check_activation(reranker: "CrossEncoder") -> str | None:
    kind = type(reranker.activation_fn).__name__
    known = " and ".join(ACTIVATIONS)
    return None if kind in ACTIVATIONS else f"it applies {kind} to its logit; known are {known}"


_CHECKS = (_check_modules, _check_type, _check_tokenizer, _check_prompt, _check_activation)


def facts(reranker: "CrossEncoder") -> dict[str, Any]:
    """What ``Int8Model`` holds beside folder, inputs and error."""
    return {
        "max_tokens": min(token_limit(reranker), MOST_TOKENS),
        "pad_id": reranker.tokenizer.pad_token_id,
        "activation": ACTIVATIONS[type(reranker.activation_fn).__name__],
    }
