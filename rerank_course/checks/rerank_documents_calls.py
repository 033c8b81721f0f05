"""Calling a learner's ``rerank_documents``, which has to do the work itself."""

from collections.abc import Callable, Sequence
from typing import Any

from rerank_course.checks.calling import call, call_expecting_error, steps_of
from rerank_course.checks.toys.reranker import is_package_file
from rerank_course.checks.verdict import Wrong, demand

_CALLS_THE_PACKAGE = (
    "Your function calls the course's own rerank_documents. At work, do that; here, write it yourself."
)


def call_it(
    function: Callable, given: str, query: str, candidates: list, reranker: Any, **options: Any
) -> Any:
    """What it returns.

    Args:
        given: what was given, to begin a message with.

    Raises:
        Wrong: it raised an error, returned ``None``, or left the work to the package.
    """
    try:
        answer = call(function, query, candidates, reranker, **options)
    except Wrong as reason:
        said = f"{given}: {reason}"
        hint = _hint(reason.__cause__, options)
        raise Wrong(f"{said.rstrip('.')}. {hint}" if hint else said) from reason
    demand(not getattr(reranker, "through_package", False), _CALLS_THE_PACKAGE)
    return answer


def _hint(error: BaseException | None, options: dict[str, Any]) -> str:
    """The likely cause of an error; nothing where none is known."""
    if isinstance(error, TypeError) and "NoneType" in str(error) and options.get("top_k", 0) is None:
        return "top_k may be None, which asks for all: look for that before you compare it with a number."
    if "Prompt name" in str(error):  # of sentence-transformers
        return (
            "The second argument of predict is the name of a prompt. Pass the batch size by its name: "
            "predict(pairs, batch_size=batch_size)."
        )
    return ""


def refuses(function: Callable, given: str, named: Sequence[str], *arguments: Any, **options: Any) -> None:
    """Demand an error of its own that names an argument.

    Args:
        given: what is wrong with the arguments.
        named: words for the argument, of which the message must hold one.
    """
    error = call_expecting_error(function, given, named, *arguments, **options)
    demand(not any(is_package_file(step.filename) for step in steps_of(error)), _CALLS_THE_PACKAGE)
